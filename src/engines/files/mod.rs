//! The media store: the part of the data directory that holds films.
//!
//! ```text
//! media/ab/<key>/original      the bytes as they were uploaded, named by their BLAKE3
//! media/ab/<key>/proxy.mp4     what was made of them, beside them
//! uploads/<id>.part            an upload under way
//! scratch/<job>/               what a job is making; same file system, so that finishing is a rename
//! ```
//!
//! Laws: a name below `media/` is only ever made whole (written elsewhere, fsync, rename, fsync of the directory), and
//! its bytes never change afterwards. No name that a user chose becomes part of a path. All functions block; callers in
//! async code wrap them in `spawn_blocking`.

mod scan;
mod uploads;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use scan::{Folder, Found};
pub use uploads::Hold;

/// The name of the bytes as they were uploaded.
pub const ORIGINAL: &str = "original";

/// The address of an original: the BLAKE3 of its bytes, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of bytes with this hash.
    pub fn of(hash: blake3::Hash) -> Key {
        Key(*hash.as_bytes())
    }

    /// The hash that it is.
    pub fn hash(&self) -> blake3::Hash {
        self.0.into()
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        blake3::Hash::from(self.0).fmt(f)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({self})")
    }
}

impl std::str::FromStr for Key {
    type Err = blake3::HexError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        blake3::Hash::from_hex(s).map(Key::of)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The space of the file system that holds the data directory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Space {
    /// What an unprivileged process may still write.
    pub free: u64,
    /// Size of the file system.
    pub total: u64,
}

/// A file of the store opened for serving. `len` and `modified` were taken from the open file, not from its name.
#[derive(Debug)]
pub struct Opened {
    /// At its beginning.
    pub file: File,
    /// Bytes.
    pub len: u64,
    /// When it was made.
    pub modified: SystemTime,
}

/// The media store of one data directory. Clones are the same store.
#[derive(Clone, Debug)]
pub struct Files {
    root: Arc<PathBuf>,
    holds: Arc<uploads::Holds>,
}

impl Files {
    /// Opens the store below `root`, makes its directories, and throws away what unfinished jobs of an earlier run left
    /// in scratch. One process at a time may hold a data directory, and that one calls this before its first job.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Files> {
        let root: PathBuf = root.into();
        make_dir(&root)?;
        // Children run in a directory of their own, so every path that they get must be absolute.
        let files = Files { root: Arc::new(root.canonicalize()?), holds: Arc::default() };
        for dir in ["media", "uploads", "scratch"] {
            make_dir(&files.root.join(dir))?;
        }
        for left in fs::read_dir(files.root.join("scratch"))? {
            remove_tree(&left?.path())?;
        }
        Ok(files)
    }

    /// How full the disk is.
    pub fn space(&self) -> io::Result<Space> {
        let stat = rustix::fs::statvfs(self.root.as_path())?;
        Ok(Space { free: stat.f_bavail * stat.f_frsize, total: stat.f_blocks * stat.f_frsize })
    }

    /// Where `name` of `key` is or will be. `name` is one of ours: lower-case letters, digits, dots, dashes, and at most
    /// one directory.
    pub fn path(&self, key: &Key, name: &str) -> io::Result<PathBuf> {
        if !is_our_name(name) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a name of the media store"));
        }
        Ok(self.folder(key).join(name))
    }

    /// Opens `name` of `key` for reading.
    pub fn read(&self, key: &Key, name: &str) -> io::Result<Opened> {
        let file = File::open(self.path(key, name)?)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Opened { len: meta.len(), modified: meta.modified()?, file })
    }

    /// Whether `name` of `key` has been made.
    pub fn has(&self, key: &Key, name: &str) -> io::Result<bool> {
        self.path(key, name)?.try_exists()
    }

    /// Bytes that `name` of `key` takes on the disk: of all files below it for a set (`thumbs/`), none for what is only
    /// a second name of the original.
    pub fn size(&self, key: &Key, name: &str) -> io::Result<u64> {
        let Some(set) = name.strip_suffix('/') else {
            let meta = fs::metadata(self.path(key, name)?)?;
            let original = fs::metadata(self.path(key, ORIGINAL)?);
            let linked = name != ORIGINAL && original.is_ok_and(|o| (o.dev(), o.ino()) == (meta.dev(), meta.ino()));
            return Ok(if linked { 0 } else { meta.len() });
        };
        fs::read_dir(self.path(key, set)?)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
    }

    /// Puts a finished directory (in scratch) under its final name, which is one of ours without its `/`. What stood
    /// there before is replaced in one step and then removed; readers of its files keep them.
    pub fn put_set(&self, finished: &Path, key: &Key, set: &str) -> io::Result<()> {
        let place = self.prepare(key, set)?;
        for entry in fs::read_dir(finished)? {
            File::open(entry?.path())?.sync_all()?;
        }
        File::open(finished)?.sync_all()?;
        if place.try_exists()? {
            let flags = rustix::fs::RenameFlags::EXCHANGE;
            rustix::fs::renameat_with(rustix::fs::CWD, finished, rustix::fs::CWD, &place, flags)?;
            remove_tree(finished)?;
        } else {
            fs::rename(finished, &place)?;
        }
        sync_parents(&place, &self.root)
    }

    /// Removes one rendition, a file or a set. The caller knows that no row names it any more.
    pub fn drop_rendition(&self, key: &Key, name: &str) -> io::Result<()> {
        if name == ORIGINAL {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "an original goes with all that was made of it"));
        }
        remove_tree(&self.path(key, name.trim_end_matches('/'))?)
    }

    /// Puts a finished file (in scratch) under its final name. What stood there before, made of the same original, is
    /// replaced in one step; readers of the old file keep it.
    pub fn put(&self, finished: &Path, key: &Key, name: &str) -> io::Result<()> {
        let place = self.prepare(key, name)?;
        File::open(finished)?.sync_all()?;
        fs::rename(finished, &place)?;
        sync_parents(&place, &self.root)
    }

    /// Gives the original a second name, when a rendition would be the same bytes. Running twice is fine.
    pub fn link_original(&self, key: &Key, name: &str) -> io::Result<()> {
        let place = self.prepare(key, name)?;
        match fs::hard_link(self.path(key, ORIGINAL)?, &place) {
            Ok(()) => sync_parents(&place, &self.root),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Forgets an original and everything made of it. The caller knows that no row names it any more.
    pub fn remove(&self, key: &Key) -> io::Result<()> {
        remove_tree(&self.folder(key))
    }

    /// An empty directory for a job, removed when the answer is dropped. `name` is one of ours and unique among the
    /// jobs that run; what an earlier attempt left under it is thrown away.
    pub fn scratch(&self, name: &str) -> io::Result<Scratch> {
        if !is_our_name(name) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a name of the media store"));
        }
        let path = self.root.join("scratch").join(name);
        remove_tree(&path)?;
        make_dir(&path)?;
        Ok(Scratch { path })
    }

    fn folder(&self, key: &Key) -> PathBuf {
        let key = key.to_string();
        self.root.join("media").join(&key[..2]).join(&key)
    }

    /// The final place of `name`, with its directories made.
    fn prepare(&self, key: &Key, name: &str) -> io::Result<PathBuf> {
        let place = self.path(key, name)?;
        make_dir(place.parent().unwrap_or(&self.root))?;
        Ok(place)
    }
}

/// A job's directory. Dropping it removes it with all that was not put in its final place.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(e) = remove_tree(&self.path) {
            tracing::warn!(path = %self.path.display(), error = %e, "a scratch directory stays until the next start");
        }
    }
}

fn is_our_name(name: &str) -> bool {
    let mut parts = name.split('/');
    let plain = |p: &str| {
        !p.is_empty()
            && !p.starts_with('.')
            && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-')
    };
    parts.next().is_some_and(plain) && parts.next().is_none_or(plain) && parts.next().is_none()
}

fn make_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o750).create(path)
}

fn remove_tree(path: &Path) -> io::Result<()> {
    let gone = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match gone {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Makes the name of `path` and of the directories above it durable, up to `root`: any of them may be new.
fn sync_parents(path: &Path, root: &Path) -> io::Result<()> {
    for dir in path.ancestors().skip(1) {
        File::open(dir)?.sync_all()?;
        if dir == root {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::base::ids::UploadId;

    /// A store in a directory of its own that goes away with the test.
    pub(super) struct Home(pub Files);

    impl Home {
        pub fn new(name: &str) -> Home {
            let dir = std::env::temp_dir().join(format!("videoplanet-files-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&dir);
            Home(Files::open(dir).unwrap())
        }
    }

    impl Drop for Home {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(self.0.root.as_path());
        }
    }

    pub(super) fn upload(files: &Files, id: i64, bytes: &[u8]) -> Key {
        let (mut file, at) = files.resume_upload(UploadId(id), 0).unwrap();
        assert_eq!(at, 0);
        file.write_all(bytes).unwrap();
        files.hash_upload(UploadId(id)).unwrap()
    }

    #[test]
    fn the_same_bytes_are_stored_once() {
        let home = Home::new("once");
        let files = &home.0;
        let key = upload(files, 1, b"film");
        assert_eq!(key, Key::of(blake3::hash(b"film")));
        assert_eq!(upload(files, 2, b"film"), key);
        for id in [1, 2] {
            files.adopt_upload(UploadId(id), &key).unwrap();
            files.end_upload(UploadId(id)).unwrap();
            files.end_upload(UploadId(id)).unwrap();
        }
        let mut opened = files.read(&key, ORIGINAL).unwrap();
        let mut text = String::new();
        opened.file.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), opened.len), ("film", 4));
        assert_eq!(files.uploads().unwrap(), []);
        assert_eq!(key.to_string().parse::<Key>().unwrap(), key);
        files.remove(&key).unwrap();
        assert!(!files.has(&key, ORIGINAL).unwrap());
    }

    #[test]
    fn renditions_are_renamed_into_place_and_scratch_goes_away() {
        let home = Home::new("scratch");
        let files = &home.0;
        let key = upload(files, 1, b"film");
        files.adopt_upload(UploadId(1), &key).unwrap();
        let scratch = files.scratch("job-1").unwrap();
        fs::write(scratch.join("a.jpg"), b"jpg").unwrap();
        fs::write(scratch.join("left"), b"x").unwrap();
        files.put(&scratch.join("a.jpg"), &key, "thumbs/01.jpg").unwrap();
        files.link_original(&key, "proxy.mp4").unwrap();
        files.link_original(&key, "proxy.mp4").unwrap();
        assert_eq!(files.size(&key, "proxy.mp4").unwrap(), 0, "a second name takes no room");
        for bytes in [&b"first"[..], b"again"] {
            let set = scratch.join("scenes");
            fs::create_dir(&set).unwrap();
            fs::write(set.join("001.jpg"), bytes).unwrap();
            files.put_set(&set, &key, "scenes").unwrap();
            assert!(!set.exists());
            assert_eq!(fs::read(files.path(&key, "scenes/001.jpg").unwrap()).unwrap(), bytes);
        }
        assert_eq!(files.size(&key, "scenes/").unwrap(), 5);
        files.drop_rendition(&key, "scenes/").unwrap();
        assert!(files.size(&key, "scenes/").is_err() && files.drop_rendition(&key, ORIGINAL).is_err());
        let path = scratch.path().to_owned();
        drop(scratch);
        assert!(!path.exists());
        assert_eq!(files.read(&key, "thumbs/01.jpg").unwrap().len, 3);
        assert_eq!(files.read(&key, "proxy.mp4").unwrap().len, 4);

        fs::create_dir(files.root.join("scratch/stale")).unwrap();
        Files::open(files.root.as_path()).unwrap();
        assert_eq!(fs::read_dir(files.root.join("scratch")).unwrap().count(), 0);
    }

    #[test]
    fn only_our_names_become_paths() {
        let home = Home::new("names");
        let key = Key::of(blake3::hash(b""));
        for bad in ["", "..", "../x", "/etc/passwd", "a/b/c", "a/", "A", ".hidden", "a/../b", "a\0b", "한.mp4"] {
            assert!(home.0.path(&key, bad).is_err(), "{bad:?}");
            assert!(home.0.scratch(bad).is_err(), "{bad:?}");
        }
        assert!(home.0.read(&key, "thumbs").is_err());
        assert!("../../etc".parse::<Key>().is_err());
        assert!(home.0.space().unwrap().free > 0);
    }
}
