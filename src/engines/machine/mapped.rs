//! What of the resident memory is which file: `/proc/self/smaps`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Resident bytes by file. A file that is mapped several times counts each time, as it does in the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    files: BTreeMap<PathBuf, u64>,
    /// Of no file: heap, stacks.
    pub anonymous_bytes: u64,
}

impl Mapped {
    /// Looks; `None` where the machine does not tell.
    pub fn look() -> Option<Mapped> {
        Some(parse(&std::fs::read_to_string("/proc/self/smaps").ok()?))
    }

    /// Resident bytes of a file, or of all files below a directory.
    pub fn below(&self, path: &Path) -> u64 {
        self.files.iter().filter(|(file, _)| file.starts_with(path)).map(|(_, bytes)| bytes).sum()
    }

    /// Resident bytes of all files.
    pub fn file_bytes(&self) -> u64 {
        self.files.values().sum()
    }
}

fn parse(smaps: &str) -> Mapped {
    let mut mapped = Mapped::default();
    let mut file: Option<PathBuf> = None;
    for line in smaps.lines() {
        let Some((first, rest)) = line.split_once(' ') else { continue };
        if let Some(name) = first.strip_suffix(':') {
            let bytes = || rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024);
            if let Some(bytes) = (name == "Rss").then(bytes).flatten() {
                match &file {
                    Some(file) => *mapped.files.entry(file.clone()).or_default() += bytes,
                    None => mapped.anonymous_bytes += bytes,
                }
            }
        } else {
            // Permissions, offset, device, inode, and a path that may hold blanks; `[heap]` and the like are no files.
            let mut path = rest;
            for _ in 0..4 {
                path = path.trim_start().split_once(' ').map_or("", |(_, rest)| rest);
            }
            let path = path.trim();
            file = path.starts_with('/').then(|| PathBuf::from(path));
        }
    }
    mapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_what_is_none_are_told_apart() {
        let smaps = "\
7f00-7f10 r--s 00000000 08:01 42                         /data/a b/index/x.idx
Size:                 64 kB
Rss:                  16 kB
Pss:                  16 kB
VmFlags: rd mr mw me
7f10-7f20 rw-p 00000000 00:00 0                          [heap]
Rss:                 100 kB
7f20-7f30 rw-p 00000000 00:00 0 
Rss:                   4 kB
7f30-7f40 r--s 00000000 08:01 42                         /data/a b/index/x.idx
Rss:                   8 kB
";
        let mapped = parse(smaps);
        assert_eq!(mapped.anonymous_bytes, 104 << 10);
        assert_eq!(mapped.below(Path::new("/data/a b/index")), 24 << 10);
        assert_eq!((mapped.below(Path::new("/data/a")), mapped.file_bytes()), (0, 24 << 10));
    }

    #[test]
    fn this_process_has_a_program_and_a_heap() {
        let mapped = Mapped::look().unwrap();
        assert!(mapped.anonymous_bytes > 0 && mapped.below(&std::env::current_exe().unwrap()) > 0, "{mapped:?}");
    }
}
