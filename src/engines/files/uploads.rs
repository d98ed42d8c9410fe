//! Uploads under way: one file each, and one writer at a time.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::{Files, Key, ORIGINAL, sync_parents};
use crate::base::ids::UploadId;

/// A writer that has brought nothing for this long is taken for dead when another one comes.
const STALLED: Duration = Duration::from_secs(5);
/// How often and how many times a newcomer looks whether the old writer has put its bytes away.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: usize = 60;

#[derive(Debug, Default)]
pub(super) struct Holds(Mutex<HashMap<UploadId, Holder>>);

#[derive(Debug)]
struct Holder {
    heard: Instant,
    leave: CancellationToken,
}

/// The right to write one upload, given back when dropped.
#[derive(Debug)]
pub struct Hold {
    upload: UploadId,
    holds: Arc<Holds>,
    /// Is set when a newcomer wants the upload: put away what has arrived and drop the hold.
    pub leave: CancellationToken,
}

impl Hold {
    /// Bytes have come: the writer is alive.
    pub fn alive(&self) {
        if let Some(holder) = self.holds.0.lock().get_mut(&self.upload) {
            holder.heard = Instant::now();
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.holds.0.lock().remove(&self.upload);
    }
}

impl Files {
    /// Takes the right to write `upload`. A writer whose connection is silent is told to leave, with `force` any writer;
    /// `None` while a living one is at it.
    pub async fn hold(&self, upload: UploadId, force: bool) -> Option<Hold> {
        for _ in 0..LOOKS {
            {
                let mut holds = self.holds.0.lock();
                match holds.get(&upload) {
                    None => {
                        let leave = CancellationToken::new();
                        holds.insert(upload, Holder { heard: Instant::now(), leave: leave.clone() });
                        return Some(Hold { upload, holds: self.holds.clone(), leave });
                    }
                    Some(holder) if force || holder.leave.is_cancelled() || holder.heard.elapsed() > STALLED => {
                        holder.leave.cancel();
                    }
                    Some(_) => return None,
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        None
    }

    /// Opens an upload for writing at `offset`; what lies behind it was never acknowledged and is cut off. If the file
    /// is shorter, the bytes behind its end were lost: the answer names the present length, which is the true offset.
    /// The file is made when the first bytes come.
    pub fn resume_upload(&self, upload: UploadId, offset: u64) -> io::Result<(File, u64)> {
        let path = self.upload_path(upload);
        let known = path.try_exists()?;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o640).open(&path)?;
        if !known {
            sync_parents(&path, &self.root)?;
        }
        let len = file.metadata()?.len();
        if len > offset {
            file.set_len(offset)?;
        }
        Ok((file, len.min(offset)))
    }

    /// How many bytes of an upload have arrived.
    pub fn upload_len(&self, upload: UploadId) -> io::Result<u64> {
        match fs::metadata(self.upload_path(upload)) {
            Ok(meta) => Ok(meta.len()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(e) => Err(e),
        }
    }

    /// The key of a complete upload, read back from the disk.
    pub fn hash_upload(&self, upload: UploadId) -> io::Result<Key> {
        let mut file = File::open(self.upload_path(upload))?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(Key::of(hasher.finalize())),
                n => hasher.update(&buffer[..n]),
            };
        }
    }

    /// Makes a complete upload an original, durably. Its `.part` stays as a second name until [`Files::end_upload`], so
    /// that a crash before the row is committed leaves the upload able to finish. Bytes that are already here are left
    /// alone, also when two uploads of them end at the same moment.
    pub fn adopt_upload(&self, upload: UploadId, key: &Key) -> io::Result<()> {
        let part = self.upload_path(upload);
        let place = self.prepare(key, ORIGINAL)?;
        File::open(&part)?.sync_all()?;
        match fs::hard_link(&part, &place) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            // A file system without hard links: the upload cannot finish a second time, but nothing is lost.
            Err(e) if matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) => {
                fs::rename(&part, &place)?;
            }
            Err(e) => return Err(e),
        }
        sync_parents(&place, &self.root)
    }

    /// Forgets the file of an upload. One that is gone already is fine.
    pub fn end_upload(&self, upload: UploadId) -> io::Result<()> {
        match fs::remove_file(self.upload_path(upload)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    /// The uploads that have a file, for the sweep that removes those without a row.
    pub fn uploads(&self) -> io::Result<Vec<UploadId>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.root.join("uploads"))? {
            let name = entry?.file_name();
            found.extend(name.to_str().and_then(|n| n.strip_suffix(".part")?.parse::<UploadId>().ok()));
        }
        Ok(found)
    }

    fn upload_path(&self, upload: UploadId) -> PathBuf {
        self.root.join("uploads").join(format!("{upload}.part"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Home, upload};
    use super::*;

    #[test]
    fn an_upload_resumes_at_what_was_acknowledged_and_still_exists() {
        let home = Home::new("resume");
        let files = &home.0;
        upload(files, 7, b"0123456789");
        let (_, at) = files.resume_upload(UploadId(7), 4).unwrap();
        assert_eq!((at, files.upload_len(UploadId(7)).unwrap()), (4, 4));
        let (_, at) = files.resume_upload(UploadId(7), 9).unwrap();
        assert_eq!(at, 4);
        assert_eq!(files.upload_len(UploadId(8)).unwrap(), 0);
        assert_eq!(files.uploads().unwrap(), [UploadId(7)]);
    }

    #[tokio::test]
    async fn one_writer_at_a_time_and_a_newcomer_may_force_it_out() {
        let home = Home::new("hold");
        let files = &home.0;
        let first = files.hold(UploadId(1), false).await.unwrap();
        first.alive();
        assert!(files.hold(UploadId(1), false).await.is_none());
        assert!(files.hold(UploadId(2), false).await.is_some());
        let leave = first.leave.clone();
        let gone = tokio::spawn(async move {
            first.leave.cancelled().await;
            drop(first);
        });
        assert!(files.hold(UploadId(1), true).await.is_some());
        assert!(leave.is_cancelled());
        gone.await.unwrap();
        assert!(files.hold(UploadId(1), false).await.is_some());
    }
}
