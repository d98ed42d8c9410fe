//! Where backups are: a directory or a prefix of an S3-compatible storage, seen as names with bytes.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::directory::Directory;
use super::s3::Bucket;
use super::{Result, Trouble};
use crate::base::clock::Time;

/// Bytes of an object that is read at once: markers, manifests of some million files.
const SMALL: u64 = 512 << 20;

/// How to reach a place. `Debug` shows no secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// A directory, or `s3://bucket/prefix`.
    pub to: String,
    /// Where the storage answers; empty: at Amazon.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The id of the key with which requests are signed.
    pub key: String,
    /// The key.
    pub secret: String,
    /// What the place's keys are made of; empty: it is not encrypted.
    pub passphrase: String,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({})", self.to)
    }
}

impl Target {
    /// The directory that it is, if it is one.
    pub fn directory(&self) -> Option<PathBuf> {
        (!self.to.is_empty() && !self.to.starts_with("s3://")).then(|| PathBuf::from(&self.to))
    }
}

/// What kind of place it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A prefix of an S3-compatible storage.
    S3,
}

/// An object of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    /// Below the place, such as `backups/20261128T205500Z-1a2b`.
    pub(super) name: String,
    pub(super) size: u64,
    /// When it was written, by the place's clock.
    pub(super) written: Time,
}

/// A place. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Place {
    /// See [`Kind::Directory`].
    #[doc(hidden)]
    Directory(Directory),
    /// See [`Kind::S3`].
    #[doc(hidden)]
    S3(Arc<Bucket>),
}

impl Place {
    /// Opens a place. One that is not there yet is made when something is written.
    pub fn open(target: &Target) -> Result<Place> {
        match target.to.strip_prefix("s3://") {
            _ if target.to.is_empty() => Err(Trouble::refused(
                "no place for backups is set: set backup.to to a directory or to s3://bucket/prefix",
            )),
            Some(rest) => Ok(Place::S3(Arc::new(Bucket::open(rest, target)?))),
            None => Ok(Place::Directory(Directory::at(&target.to)?)),
        }
    }

    /// What kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Place::Directory(_) => Kind::Directory,
            Place::S3(_) => Kind::S3,
        }
    }

    /// Tries whether something can be written and read there; leaves nothing.
    pub fn try_it(&self) -> Result<()> {
        let name = format!("tmp/try-{}", crate::base::page::hex(&crate::base::secret::random::<6>()));
        self.put(&name, b"videoplanet")?;
        let read = self.get(&name);
        self.delete(&name)?;
        match read? {
            Some(bytes) if bytes == b"videoplanet" => Ok(()),
            _ => Err(Trouble::Failed("the place does not give back what was written to it".into())),
        }
    }

    /// Was it used for backups before?
    pub fn is_used(&self) -> Result<bool> {
        Ok(self.size(super::marker::NAME)?.is_some())
    }

    /// A whole small object; `None` if it is not there.
    pub(super) fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(size) = self.size(name)? else { return Ok(None) };
        if size > SMALL {
            return Err(Trouble::damaged(name, format!("it has {size} bytes, far more than it can have")));
        }
        let mut bytes = Vec::with_capacity(size as usize);
        let read = self.read(name)?.take(SMALL).read_to_end(&mut bytes);
        read.map_err(|e| Trouble::of_io(&format!("cannot read {name}"), e))?;
        Ok(Some(bytes))
    }

    /// Writes a small object in one step; what stood there is replaced.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut writer = self.write(name, bytes.len() as u64)?;
        writer.write_all(bytes).map_err(|e| Trouble::of_io(&format!("cannot write {name}"), e))?;
        writer.finish()
    }

    /// The same, but only if nothing stands there; answers whether it was written.
    pub(super) fn put_new(&self, name: &str, bytes: &[u8]) -> Result<bool> {
        match self {
            Place::Directory(d) => d.put_new(name, bytes),
            Place::S3(b) => b.put_new(name, bytes),
        }
    }

    /// Reads an object from its beginning.
    pub(super) fn read(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        match self {
            Place::Directory(d) => d.read(name),
            Place::S3(b) => b.read(name),
        }
    }

    /// Begins to write an object of about `expected` bytes. It is there when the answer is finished, and not at all when
    /// that is dropped before.
    pub(super) fn write(&self, name: &str, expected: u64) -> Result<Box<dyn Finish>> {
        match self {
            Place::Directory(d) => d.write(name),
            Place::S3(b) => b.write(name, expected),
        }
    }

    /// Bytes of an object; `None` if it is not there.
    pub(super) fn size(&self, name: &str) -> Result<Option<u64>> {
        match self {
            Place::Directory(d) => d.size(name),
            Place::S3(b) => b.size(name),
        }
    }

    /// All objects whose names begin with `dir` and a slash, in no order.
    pub(super) fn list(&self, dir: &str) -> Result<Vec<Object>> {
        match self {
            Place::Directory(d) => d.list(dir),
            Place::S3(b) => b.list(dir),
        }
    }

    /// Removes an object; one that is not there is fine.
    pub(super) fn delete(&self, name: &str) -> Result<()> {
        match self {
            Place::Directory(d) => d.delete(name),
            Place::S3(b) => b.delete(name),
        }
    }
}

/// An object under way.
pub(super) trait Finish: Write + Send {
    /// All was written: it takes its name.
    fn finish(self: Box<Self>) -> Result<()>;
}
