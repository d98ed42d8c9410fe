//! What the program stands on: file systems, limits, the clock's keeper. Linux tells it in `/proc` and `/sys`; what is not
//! told is `None`. Nothing is changed but by [`try_disk`], which removes what it wrote.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::closed_set;

closed_set! {
    /// What a file system is made of, as far as a database cares.
    Nature {
        /// A disk of this machine, or something that behaves like one.
        Disk = "disk",
        /// Gone with the machine's power.
        Memory = "memory",
        /// Another machine's: its locks and shared memory do not hold what SQLite needs.
        Network = "network",
    }
}

/// The file system that holds a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filesystem {
    /// Its kind, such as `ext4`.
    pub kind: String,
    /// Where it is mounted.
    pub mount: PathBuf,
    /// What is mounted there, such as `/dev/sda1`.
    pub source: String,
}

impl Filesystem {
    /// The one that holds `path`.
    pub fn of(path: &Path) -> Option<Filesystem> {
        let path = path.canonicalize().ok()?;
        mounted(&fs::read_to_string("/proc/self/mountinfo").ok()?, &path)
    }

    /// What it is made of.
    pub fn nature(&self) -> Nature {
        match self.kind.as_str() {
            "tmpfs" | "ramfs" | "devtmpfs" => Nature::Memory,
            "9p" | "afs" | "ceph" | "cifs" | "glusterfs" | "lustre" | "ncpfs" | "nfs" | "nfs4" | "smb3" | "smbfs" => {
                Nature::Network
            }
            kind if kind.starts_with("fuse.") && kind != "fuse.fuse-overlayfs" => Nature::Network,
            _ => Nature::Disk,
        }
    }
}

/// The last line of mountinfo whose mount point is the longest that holds `path`: what was mounted later covers.
fn mounted(info: &str, path: &Path) -> Option<Filesystem> {
    let mut best: Option<Filesystem> = None;
    for line in info.lines() {
        let Some((head, tail)) = line.split_once(" - ") else { continue };
        let (Some(mount), mut tail) = (head.split(' ').nth(4), tail.split(' ')) else { continue };
        let (Some(kind), Some(source)) = (tail.next(), tail.next()) else { continue };
        let mount = PathBuf::from(unescaped(mount));
        let longer = best.as_ref().is_none_or(|b| mount.as_os_str().len() >= b.mount.as_os_str().len());
        if path.starts_with(&mount) && longer {
            best = Some(Filesystem { kind: kind.to_owned(), mount, source: unescaped(source) });
        }
    }
    best
}

/// mountinfo writes blanks and backslashes as three octal digits.
fn unescaped(text: &str) -> String {
    let mut out = text.to_owned();
    for (octal, plain) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        out = out.replace(octal, plain);
    }
    out
}

/// Room on a file system.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes that an unprivileged process may still write.
    pub free_bytes: u64,
    /// Its size in bytes.
    pub total_bytes: u64,
    /// Files that can still be made; of 0 in total there is no limit.
    pub free_files: u64,
    /// Files that it can hold.
    pub total_files: u64,
}

/// Asks for the room around `path`.
pub fn room(path: &Path) -> io::Result<Room> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(Room {
        free_bytes: stat.f_bavail * stat.f_frsize,
        total_bytes: stat.f_blocks * stat.f_frsize,
        free_files: stat.f_favail,
        total_files: stat.f_files,
    })
}

/// Whose a directory is, and whose this process.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// The directory's user.
    pub uid: u32,
    /// Its permissions, as in `0o750`.
    pub mode: u32,
    /// This process's user.
    pub own_uid: u32,
}

/// Asks whose `dir` is.
pub fn owner(dir: &Path) -> io::Result<Owner> {
    let meta = fs::metadata(dir)?;
    Ok(Owner { uid: meta.uid(), mode: meta.mode() & 0o7777, own_uid: rustix::process::geteuid().as_raw() })
}

/// Makes a directory and those above it that are missing, closed to other users of the machine. One that is there stays as
/// it is.
pub fn make_own(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o750).create(dir)
}

/// Are both on one file system, so that a rename between them is one step?
pub fn on_one_disk(a: &Path, b: &Path) -> io::Result<bool> {
    Ok(fs::metadata(a)?.dev() == fs::metadata(b)?.dev())
}

/// Writes a few bytes in `dir` as a film is written (`.part`, fsync, rename, fsync of the directory), reads them back and
/// removes them; answers how long an fsync took.
pub fn try_disk(dir: &Path) -> io::Result<Duration> {
    const TEXT: &[u8] = b"videoplanet doctor\n";
    let name =
        format!(".doctor-{}-{}", std::process::id(), crate::base::page::hex(&crate::base::secret::random::<4>()));
    let (part, whole) = (dir.join(format!("{name}.part")), dir.join(name));
    let tried = (|| {
        let mut file = File::create_new(&part)?;
        file.write_all(TEXT)?;
        let begun = Instant::now();
        file.sync_all()?;
        let took = begun.elapsed();
        fs::rename(&part, &whole)?;
        File::open(dir)?.sync_all()?;
        if fs::read(&whole)? != TEXT {
            return Err(io::Error::other("what was read is not what was written"));
        }
        Ok(took)
    })();
    for left in [&part, &whole] {
        let _ = fs::remove_file(left);
    }
    tried
}

/// Memory of the machine and of the control group that holds this process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// The machine's.
    pub total: u64,
    /// What could be taken without swapping.
    pub available: u64,
    /// What the control group allows; `None` without a limit.
    pub limit: Option<u64>,
}

/// Asks for the memory.
pub fn memory() -> Option<Memory> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let field = |name: &str| {
        let line = info.lines().find_map(|l| l.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib << 10)
    };
    let total = field("MemTotal")?;
    Some(Memory { total, available: field("MemAvailable")?, limit: group_limit().filter(|limit| *limit < total) })
}

/// The least limit of the control groups from this process's up to the root.
fn group_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let number = |path: PathBuf| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let mut least = None;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            c if c.split(',').any(|c| c == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => continue,
        };
        let own = Path::new(root).join(path.trim_start_matches('/'));
        let limits = own.ancestors().take_while(|dir| dir.starts_with(root)).filter_map(|dir| number(dir.join(file)));
        least = limits.chain(least).min();
    }
    least
}

closed_set! {
    /// Who keeps the clock right.
    Keeper {
        /// A time service says that the clock is set by others' clocks.
        Synchronised = "synchronised",
        /// A time service runs; whether it has succeeded is not told.
        Runs = "runs",
        /// None is seen: the machine's host may do it.
        Unseen = "unseen",
    }
}

/// Looks who keeps the clock right. The kernel's own word (adjtimex) has no safe door here; the services leave marks.
pub fn clock_keeper() -> Keeper {
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Keeper::Synchronised;
    }
    let marks =
        ["/run/chrony/chronyd.pid", "/run/chronyd.pid", "/run/ntpd.pid", "/run/openntpd.pid", "/run/ntpsec/ntpd.pid"];
    if marks.iter().any(|mark| Path::new(mark).exists()) { Keeper::Runs } else { Keeper::Unseen }
}

/// How far the wall clock moved apart from the monotonic one within `time`, in milliseconds: somebody sets it, or it jumps.
/// Blocks for that time.
pub fn clock_drift(time: Duration) -> i64 {
    let (wall, steady) = (std::time::SystemTime::now(), Instant::now());
    std::thread::sleep(time);
    let steady = steady.elapsed().as_millis() as i64;
    match wall.elapsed() {
        Ok(wall) => wall.as_millis() as i64 - steady,
        Err(back) => -(back.duration().as_millis() as i64) - steady,
    }
}

/// What `/proc` says of this process besides what [`super::machine`] reads.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Its threads.
    pub threads: u64,
    /// Virtual memory in bytes.
    pub virtual_bytes: u64,
    /// Files that it may open; `None` without a limit.
    pub max_files: Option<u64>,
    /// When it began, in seconds since 1970.
    pub started: f64,
}

/// Reads it.
pub fn process() -> Option<Process> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (threads, began, virtual_bytes) = parse(&stat)?;
    let all = fs::read_to_string("/proc/stat").ok()?;
    let boot: u64 = all.lines().find_map(|l| l.strip_prefix("btime "))?.trim().parse().ok()?;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    Some(Process {
        threads,
        virtual_bytes,
        max_files: limit.current,
        started: boot as f64 + began as f64 / rustix::param::clock_ticks_per_second() as f64,
    })
}

/// Threads, the tick it began in, and virtual bytes. The name in parentheses may hold anything.
fn parse(stat: &str) -> Option<(u64, u64, u64)> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // proc(5) counts from 1 and the first field behind the name is the third.
    let field = |n: usize| fields.get(n - 3)?.parse::<u64>().ok();
    Some((field(20)?, field(22)?, field(23)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / /srv rw shared:5 - nfs4 nas:/films rw,vers=4.2
31 30 8:17 / /srv/video\\040planet rw - xfs /dev/sdb1 rw
40 22 0:50 / /run rw - tmpfs tmpfs rw
41 22 0:51 / /cloud rw - fuse.rclone remote: rw";

    #[test]
    fn a_path_is_on_the_nearest_mount() {
        let kind = |path: &str| {
            let found = mounted(INFO, Path::new(path)).unwrap();
            (found.kind.clone(), found.nature())
        };
        assert_eq!(kind("/var/lib/videoplanet"), ("ext4".into(), Nature::Disk));
        assert_eq!(kind("/srv/data"), ("nfs4".into(), Nature::Network));
        assert_eq!(kind("/srv/video planet/data"), ("xfs".into(), Nature::Disk));
        assert_eq!(kind("/srvx"), ("ext4".into(), Nature::Disk));
        assert_eq!(kind("/run/x"), ("tmpfs".into(), Nature::Memory));
        assert_eq!(kind("/cloud/x"), ("fuse.rclone".into(), Nature::Network));
    }

    #[test]
    fn this_process_stands_on_something() {
        let here = std::env::temp_dir();
        assert!(Filesystem::of(&here).is_some());
        assert!(room(&here).unwrap().total_bytes > 0);
        let memory = memory().unwrap();
        assert!(memory.total > 64 << 20 && memory.available <= memory.total);
        let process = process().unwrap();
        assert!(process.threads >= 1 && process.virtual_bytes > 1 << 20);
        let age =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64() - process.started;
        assert!((-5.0..86_400.0).contains(&age), "{age}");
        assert!(clock_drift(Duration::from_millis(20)).abs() < 5_000);
    }

    #[test]
    fn a_disk_is_tried_and_left_as_it_was() {
        let dir = std::env::temp_dir().join(format!("videoplanet-ground-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        try_disk(&dir).unwrap();
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
        fs::remove_dir(&dir).unwrap();
        assert!(try_disk(&dir).is_err());
    }
}
