//! What the machine says of this process: memory, CPU, open files. Linux tells it in `/proc`; elsewhere there is nothing.

/// This process at the moment.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    /// Memory that is held in RAM.
    pub resident_bytes: u64,
    /// CPU time in user and system mode since the start.
    pub cpu_seconds: f64,
    /// Open file descriptors.
    pub open_files: usize,
}

/// Reads it; `None` where it is not told.
pub fn own() -> Option<Own> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (cpu_ticks, pages) = parse(&stat)?;
    Some(Own {
        resident_bytes: pages * rustix::param::page_size() as u64,
        cpu_seconds: cpu_ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
        open_files: std::fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or(0),
    })
}

/// How many files and sockets this process may have open; `None` without a limit.
pub fn open_files_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Lets this process open as many files and sockets as the system allows it at all; how many that is, `None` without a
/// limit. Shells and services often begin with 1024, which is fewer than one busy room needs.
pub fn raise_open_files() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // Refused, the present limit holds: the next line tells which.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    }
    getrlimit(Resource::Nofile).current
}

/// CPU ticks and resident pages. The name in parentheses may hold anything, so the fields are counted behind it.
fn parse(stat: &str) -> Option<(u64, u64)> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // proc(5) counts from 1 and the first field behind the name is the third: utime 14, stime 15, rss 24.
    let field = |n: usize| fields.get(n - 3)?.parse::<u64>().ok();
    Some((field(14)? + field(15)?, field(24)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_name_does_not_shift_the_fields() {
        let stat = "1 (a) b) S 0 1 1 0 -1 4 9 0 0 0 70 30 0 0 20 0 4 0 100 999 555 18446744073709551615 1";
        assert_eq!(parse(stat), Some((100, 555)));
        assert_eq!(parse("nonsense"), None);
    }
}
