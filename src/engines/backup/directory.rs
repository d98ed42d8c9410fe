//! A place that is a directory: temporary name, fsync, rename, fsync of the directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::place::{Finish, Object};
use super::{Result, Trouble};
use crate::base::clock::Time;
use crate::base::page::hex;
use crate::base::secret;

/// Bytes that are gathered before they are written.
const BUFFER: usize = 256 << 10;

/// See the module.
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    pub(super) fn at(path: &str) -> Result<Directory> {
        let root = PathBuf::from(path);
        if !root.is_absolute() {
            return Err(Trouble::refused(format!("{path} is no place for backups: give an absolute path")));
        }
        Ok(Directory { root })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A file of our own under a temporary name.
    fn temporary(&self) -> Result<(PathBuf, File)> {
        let dir = self.path("tmp");
        // Not the directories above it: they may be the mount point of a disk that is not mounted.
        if !self.root.exists() {
            let made = fs::DirBuilder::new().mode(0o700).create(&self.root);
            made.map_err(|e| failed("cannot make", &self.root, e))?;
        }
        make(&dir).map_err(|e| failed("cannot write in", &dir, e))?;
        let path = dir.join(hex(&secret::random::<8>()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        Ok((path.clone(), file.map_err(|e| failed("cannot write in", &dir, e))?))
    }

    pub(super) fn put_new(&self, name: &str, bytes: &[u8]) -> Result<bool> {
        let place = self.path(name);
        let (path, mut file) = self.temporary()?;
        let temporary = Temporary(path);
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.map_err(|e| failed("cannot write", &place, e))?;
        // A link, not a rename: that would replace what somebody else has just put there.
        match fs::hard_link(&temporary.0, &place) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            // A file system without links: who comes at the very same moment is found by reading it again.
            Err(_) if !place.exists() => {
                fs::rename(&temporary.0, &place).map_err(|e| failed("cannot write", &place, e))?;
            }
            Err(_) => return Ok(false),
        }
        self.sync_above(&place)?;
        Ok(true)
    }

    pub(super) fn read(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        let path = self.path(name);
        match File::open(&path) {
            Ok(file) => Ok(Box::new(file)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(Trouble::damaged(name, "it is missing")),
            Err(e) => Err(failed("cannot read", &path, e)),
        }
    }

    pub(super) fn write(&self, name: &str) -> Result<Box<dyn Finish>> {
        let (path, file) = self.temporary()?;
        let out = BufWriter::with_capacity(BUFFER, file);
        Ok(Box::new(Writing { directory: self.clone(), place: self.path(name), temporary: Temporary(path), out }))
    }

    pub(super) fn size(&self, name: &str) -> Result<Option<u64>> {
        let path = self.path(name);
        match fs::metadata(&path) {
            Ok(meta) if meta.is_file() => Ok(Some(meta.len())),
            Ok(_) => Err(Trouble::damaged(name, "it is no file")),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(failed("cannot look at", &path, e)),
        }
    }

    pub(super) fn list(&self, dir: &str) -> Result<Vec<Object>> {
        let mut found = Vec::new();
        self.walk(dir, &mut found).map_err(|e| failed("cannot list", &self.path(dir), e))?;
        Ok(found)
    }

    fn walk(&self, dir: &str, found: &mut Vec<Object>) -> io::Result<()> {
        let entries = match fs::read_dir(self.path(dir)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let Ok(own) = entry.file_name().into_string() else { continue };
            let name = format!("{dir}/{own}");
            let meta = match entry.metadata() {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                meta => meta?,
            };
            if meta.is_dir() {
                self.walk(&name, found)?;
            } else {
                let written = Time(meta.mtime() * 1000 + meta.mtime_nsec() / 1_000_000);
                found.push(Object { name, size: meta.len(), written });
            }
        }
        Ok(())
    }

    pub(super) fn delete(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed("cannot delete", &path, e)),
            _ => Ok(()),
        }
    }

    /// Makes the name durable, and those of the directories above it.
    fn sync_above(&self, place: &Path) -> Result<()> {
        for dir in place.ancestors().skip(1) {
            let synced = File::open(dir).and_then(|dir| dir.sync_all());
            synced.map_err(|e| failed("cannot write in", dir, e))?;
            if dir == self.root {
                break;
            }
        }
        Ok(())
    }
}

/// Removed when it is dropped; after a rename there is nothing to remove.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

struct Writing {
    directory: Directory,
    place: PathBuf,
    temporary: Temporary,
    out: BufWriter<File>,
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Finish for Writing {
    fn finish(self: Box<Self>) -> Result<()> {
        let Writing { directory, place, temporary, out } = *self;
        let done = out.into_inner().map_err(|e| e.into_error()).and_then(|file| file.sync_all());
        let done = done.and_then(|()| make(place.parent().unwrap_or(&directory.root)));
        let done = done.and_then(|()| fs::rename(&temporary.0, &place));
        done.map_err(|e| failed("cannot write", &place, e))?;
        directory.sync_above(&place)
    }
}

fn make(dir: &Path) -> io::Result<()> {
    // Password hashes and films: nobody else reads them.
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn failed(what: &str, path: &Path, error: io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::StorageFull => {
            Trouble::Failed(format!("the disk of {} is full", path.parent().unwrap_or(path).display()))
        }
        _ => Trouble::failed(&format!("{what} {}", path.display()), error),
    }
}
