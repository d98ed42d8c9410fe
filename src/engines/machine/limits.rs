//! What the program may use: the limits of its cgroup and of all above it, where there are any.

use std::path::{Path, PathBuf};

/// Processors that the program may keep busy, by affinity and cgroups; 1.5 is one and a half.
pub fn cpus() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let there = affinity(&status).map_or(1.0, |n| n as f64);
    here().and_then(|groups| groups.cpus()).map_or(there, |quota| quota.min(there))
}

/// Bytes of memory that the program may use: what its cgroups allow, or all that the machine has.
pub fn memory_bytes() -> Option<u64> {
    let all = || {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let kb = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?.trim().strip_suffix(" kB")?.parse::<u64>();
        kb.ok().map(|kb| kb * 1024)
    };
    match (here().and_then(|groups| groups.memory_bytes()), all()) {
        (Some(group), Some(all)) => Some(group.min(all)),
        (group, all) => group.or(all),
    }
}

/// How many processors stand in `Cpus_allowed_list` of `/proc/self/status`, such as `0-3,8`.
fn affinity(status: &str) -> Option<usize> {
    let list = status.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:"))?;
    let count = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some((from.parse::<usize>().ok()?..=to.parse::<usize>().ok()?).count())
    };
    list.trim().split(',').map(count).sum()
}

fn here() -> Option<Groups> {
    Some(Groups::of(Path::new("/sys/fs/cgroup"), &std::fs::read_to_string("/proc/self/cgroup").ok()?))
}

/// The directories of a cgroup and of those above it, with the names of their limits.
struct Groups {
    cpu: Vec<PathBuf>,
    memory: Vec<PathBuf>,
}

impl Groups {
    /// `text` is that of `/proc/self/cgroup`: `0::/a/b` of version 2, `4:memory:/a/b` of version 1.
    fn of(root: &Path, text: &str) -> Groups {
        let mut groups = Groups { cpu: Vec::new(), memory: Vec::new() };
        for line in text.lines() {
            let mut parts = line.splitn(3, ':').skip(1);
            let (Some(names), Some(path)) = (parts.next(), parts.next()) else { continue };
            let has = |name: &str| names.split(',').any(|n| n == name);
            let upward = |base: PathBuf| {
                let path = Path::new(path.trim_start_matches('/'));
                path.ancestors().map(|a| base.join(a)).collect::<Vec<_>>()
            };
            match names {
                "" => {
                    groups.cpu.extend(upward(root.to_owned()));
                    groups.memory.extend(upward(root.to_owned()));
                }
                _ if has("cpu") => groups.cpu.extend(upward(root.join("cpu"))),
                _ if has("memory") => groups.memory.extend(upward(root.join("memory"))),
                _ => {}
            }
        }
        groups
    }

    fn cpus(&self) -> Option<f64> {
        let number = |path: PathBuf| std::fs::read_to_string(path).ok()?.trim().parse::<f64>().ok();
        let of = |dir: &PathBuf| {
            let (quota, period) = match std::fs::read_to_string(dir.join("cpu.max")) {
                Ok(text) => {
                    let (quota, period) = text.trim().split_once(' ')?;
                    (quota.parse().ok()?, period.parse().ok()?)
                }
                Err(_) => (number(dir.join("cpu.cfs_quota_us"))?, number(dir.join("cpu.cfs_period_us"))?),
            };
            (quota > 0.0 && period > 0.0).then(|| quota / period)
        };
        self.cpu.iter().filter_map(of).min_by(f64::total_cmp)
    }

    fn memory_bytes(&self) -> Option<u64> {
        let of = |dir: &PathBuf| {
            let read = |name| std::fs::read_to_string(dir.join(name)).ok();
            let bytes: u64 = read("memory.max").or_else(|| read("memory.limit_in_bytes"))?.trim().parse().ok()?;
            // Version 1 writes the largest number of pages for "no limit".
            (bytes < 1 << 60).then_some(bytes)
        };
        self.memory.iter().filter_map(of).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_counted() {
        assert_eq!(affinity("x: 1\nCpus_allowed_list:\t0-2,7\n"), Some(4));
        assert_eq!(affinity("Cpus_allowed_list:\tnone\n"), None);
        assert!(cpus() > 0.0);
    }

    #[test]
    fn the_narrowest_limit_on_the_way_up_holds() {
        let root = std::env::temp_dir().join(format!("vp-cgroup-{}", std::process::id()));
        let put = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("a/b/cpu.max", "max 100000\n");
        put("a/cpu.max", "150000 100000\n");
        put("a/b/memory.max", "1073741824\n");
        put("a/memory.max", "max\n");
        let two = Groups::of(&root, "0::/a/b\n");
        assert_eq!((two.cpus(), two.memory_bytes()), (Some(1.5), Some(1 << 30)));
        put("cpu/x/cpu.cfs_quota_us", "50000\n");
        put("cpu/x/cpu.cfs_period_us", "100000\n");
        put("cpu/cpu.cfs_quota_us", "-1\n");
        put("memory/x/memory.limit_in_bytes", "9223372036854771712\n");
        let one = Groups::of(&root, "4:memory:/x\n3:cpu,cpuacct:/x\n2:pids:/x\n");
        assert_eq!((one.cpus(), one.memory_bytes()), (Some(0.5), None));
        let none = Groups::of(&root.join("nowhere"), "0::/\nnonsense\n");
        assert_eq!((none.cpus(), none.memory_bytes()), (None, None));
        std::fs::remove_dir_all(&root).unwrap();
    }
}
