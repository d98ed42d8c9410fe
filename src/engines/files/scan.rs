//! What stands on the disk, for those who compare it with the rows; and how files leave their place.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Files, Key, ORIGINAL, Scratch, is_our_name, remove_tree};
use crate::base::clock::{SECOND, Time};
use crate::base::ids::UploadId;

/// Names of what leaves, unique within the process; a start clears what an earlier one left.
static LEAVING: AtomicU64 = AtomicU64::new(0);

/// A folder of the media store.
#[derive(Debug)]
pub struct Folder {
    /// Its name.
    pub name: String,
    /// Whose it is; `None` for a name that is not one of ours.
    pub key: Option<Key>,
    /// What is in it.
    pub files: Vec<Found>,
    /// When it or anything in it last changed, by the clock of the disk.
    pub changed: Time,
}

/// A file, or a set of files whose name ends in `/`.
#[derive(Debug)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// Bytes that it takes; none for a second name of the original.
    pub size_bytes: u64,
    /// When it last changed.
    pub changed: Time,
}

impl Files {
    /// Folders of originals that begin with this byte: a 256th of the store.
    pub fn folders(&self, first: u8) -> io::Result<Vec<Folder>> {
        let mut found = Vec::new();
        for entry in entries(&self.root.join("media").join(format!("{first:02x}")))? {
            let name = entry.file_name().to_string_lossy().into_owned();
            let original = fs::metadata(entry.path().join(ORIGINAL)).ok().map(|m| m.ino());
            let mut files = Vec::new();
            if entry.file_type()?.is_dir() {
                for entry in entries(&entry.path())? {
                    let (meta, name) = (entry.metadata()?, entry.file_name().to_string_lossy().into_owned());
                    let changed = changed(&meta);
                    files.push(if meta.is_dir() {
                        Found { name: format!("{name}/"), size_bytes: weight(&entry.path())?, changed }
                    } else {
                        let linked = name != ORIGINAL && original == Some(meta.ino());
                        Found { name, size_bytes: if linked { 0 } else { meta.len() }, changed }
                    });
                }
            }
            let own = changed(&entry.metadata()?);
            let changed = files.iter().map(|f| f.changed).fold(own, Ord::max);
            found.push(Folder { key: name.parse().ok(), name, files, changed });
        }
        Ok(found)
    }

    /// Uploads that have a file, with its bytes and when it last grew.
    pub fn upload_files(&self) -> io::Result<Vec<(UploadId, Found)>> {
        let mut found = Vec::new();
        for id in self.uploads()? {
            let name = format!("{id}.part");
            let Ok(meta) = fs::metadata(self.root.join("uploads").join(&name)) else { continue };
            found.push((id, Found { name, size_bytes: meta.len(), changed: changed(&meta) }));
        }
        Ok(found)
    }

    /// Directories of jobs.
    pub fn scratches(&self) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for entry in entries(&self.root.join("scratch"))? {
            let name = entry.file_name().to_string_lossy().into_owned();
            let (size_bytes, changed) = (weight(&entry.path())?, changed(&entry.metadata()?));
            found.push(Found { name, size_bytes, changed });
        }
        Ok(found)
    }

    /// Removes a directory of a job that is not there any more.
    pub fn drop_scratch(&self, name: &str) -> io::Result<()> {
        if !is_our_name(name) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a name of the media store"));
        }
        remove_tree(&self.root.join("scratch").join(name))
    }

    /// Takes a rendition, or without a name an original and all that was made of it, out of the store by a rename. That is
    /// quick also for what is large, so it may be done inside a change, at the only moment at which nobody can begin to
    /// need it; dropping the answer removes it, outside. `None` if it is not there.
    pub fn discard(&self, key: &Key, name: Option<&str>) -> io::Result<Option<Scratch>> {
        let place = match name {
            Some(ORIGINAL) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "an original goes with all that was made of it",
                ));
            }
            Some(name) => self.path(key, name.trim_end_matches('/'))?,
            None => self.folder(key),
        };
        if !place.try_exists()? {
            return Ok(None);
        }
        let leaving = self.scratch(&format!("gone-{}", LEAVING.fetch_add(1, Ordering::Relaxed)))?;
        fs::rename(place, leaving.join("gone"))?;
        Ok(Some(leaving))
    }
}

/// None for a directory that is not there.
fn entries(dir: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(dir) {
        Ok(entries) => entries.collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

/// Bytes of all files below, however deep.
fn weight(path: &Path) -> io::Result<u64> {
    let meta = fs::symlink_metadata(path)?;
    if !meta.is_dir() {
        return Ok(meta.len());
    }
    entries(path)?.iter().map(|entry| weight(&entry.path())).sum()
}

/// A second name changes the file as well, though its bytes are older.
fn changed(meta: &fs::Metadata) -> Time {
    Time(meta.mtime().max(meta.ctime()) * SECOND)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Home, upload};
    use super::*;

    #[test]
    fn what_leaves_is_gone_at_once_and_removed_with_its_answer() {
        let home = Home::new("leaves");
        let files = &home.0;
        let key = upload(files, 1, b"film");
        files.adopt_upload(UploadId(1), &key).unwrap();
        files.end_upload(UploadId(1)).unwrap();
        files.link_original(&key, "proxy.mp4").unwrap();
        let first = u8::from_str_radix(&key.to_string()[..2], 16).unwrap();
        let found = files.folders(first).unwrap();
        assert_eq!(found[0].key, Some(key));
        let mut sizes: Vec<_> = found[0].files.iter().map(|f| (f.name.as_str(), f.size_bytes)).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [("original", 4), ("proxy.mp4", 0)]);
        assert!(files.discard(&key, Some(ORIGINAL)).is_err());
        drop(files.discard(&key, Some("proxy.mp4")).unwrap().unwrap());
        assert!(!files.has(&key, "proxy.mp4").unwrap() && files.has(&key, ORIGINAL).unwrap());
        let leaving = files.discard(&key, None).unwrap().unwrap();
        assert!(!files.has(&key, ORIGINAL).unwrap());
        assert_eq!(files.scratches().unwrap().len(), 1);
        // The same bytes may come again before the old ones are removed.
        assert_eq!(upload(files, 2, b"film"), key);
        files.adopt_upload(UploadId(2), &key).unwrap();
        drop(leaving);
        assert!(files.has(&key, ORIGINAL).unwrap() && files.scratches().unwrap().is_empty());
        assert!(files.discard(&key, Some("hls/")).unwrap().is_none());
        assert_eq!(files.upload_files().unwrap()[0].1.size_bytes, 4);
    }
}
