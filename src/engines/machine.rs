//! What the machine says of this process: memory, CPU, open files. Linux tells it in `/proc`; elsewhere there is nothing.

mod limits;
mod mapped;
mod memory;

use std::time::Instant;

pub use limits::{cpus, memory_bytes};
pub use mapped::Mapped;
pub use memory::{Memory, Part, memory};

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

/// What CPU time had been used at the last look.
#[derive(Clone, Debug, Default)]
pub struct Before {
    at: Option<Instant>,
    own_seconds: f64,
    /// Busy and all ticks of each core.
    cores: Vec<(u64, u64)>,
}

/// CPU since the last look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// Of this process, in cores.
    pub own: f64,
    /// How busy each core was, 0–1, whoever used it.
    pub cores: Vec<f64>,
}

/// CPU since `before`; nothing at the first look, and where it is not told.
pub fn usage(before: &mut Before) -> Usage {
    let (own, now) = (own().map_or(0.0, |own| own.cpu_seconds), Instant::now());
    let cores = std::fs::read_to_string("/proc/stat").map(|text| cores(&text)).unwrap_or_default();
    let mut usage = Usage::default();
    if let Some(at) = before.at {
        let passed = now.duration_since(at).as_secs_f64();
        usage.own = rounded((own - before.own_seconds) / passed.max(0.001));
        let pairs = cores.iter().zip(&before.cores);
        usage.cores = pairs.map(|(now, old)| part(now.0 - old.0.min(now.0), now.1 - old.1.min(now.1))).collect();
    }
    *before = Before { at: Some(now), own_seconds: own, cores };
    usage
}

/// Busy and all ticks of each core. proc(5): user nice system idle iowait irq softirq steal; who waits for a disk is idle.
fn cores(stat: &str) -> Vec<(u64, u64)> {
    let of_cores = stat.lines().filter(|l| l.starts_with("cpu") && !l.starts_with("cpu "));
    let read = |line: &str| {
        let ticks: Vec<u64> = line.split_whitespace().skip(1).take(8).filter_map(|n| n.parse().ok()).collect();
        let (all, idle) = (ticks.iter().sum::<u64>(), ticks.iter().skip(3).take(2).sum::<u64>());
        (all - idle, all)
    };
    of_cores.map(read).collect()
}

fn part(n: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { rounded(n as f64 / of as f64) }
}

fn rounded(value: f64) -> f64 {
    (value.max(0.0) * 1_000.0).round() / 1_000.0
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

/// How many files this process may have open; `None` without a limit.
pub fn most_open_files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
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
    fn cores_are_told_apart() {
        let stat = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 10 0 5 80 5 0 0 0 0 0\ncpu1 1 1 1 1 0 0 0 0 0 0\nintr 5\n";
        assert_eq!(cores(stat), [(15, 100), (3, 4)]);
        let mut before = Before::default();
        assert_eq!(usage(&mut before), Usage::default());
        let mut n = 0u64;
        while usage(&mut before.clone()).own == 0.0 {
            n = std::hint::black_box(n + 1);
        }
    }

    #[test]
    fn a_strange_name_does_not_shift_the_fields() {
        let stat = "1 (a) b) S 0 1 1 0 -1 4 9 0 0 0 70 30 0 0 20 0 4 0 100 999 555 18446744073709551615 1";
        assert_eq!(parse(stat), Some((100, 555)));
        assert_eq!(parse("nonsense"), None);
    }
}
