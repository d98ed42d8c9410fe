//! The directory of the disk tier: fit to be used, of this program's form, or done without.
//!
//! foyer checks neither geometry nor form of what it finds, so a marker beside the blocks tells both; where it differs,
//! the directory is emptied. It holds nothing that does not grow back.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::base::group::Group;

/// Unit of the disk tier; an entry is at most this large.
pub(super) const BLOCK: usize = 4 << 20;
/// Fewer blocks than this and the tier's own machinery cannot turn over.
const BLOCKS_MIN: usize = 8;

/// What stands beside the blocks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Marker {
    /// Another build may encode answers in another way.
    build: String,
    capacity: usize,
    block: usize,
    /// Purges of each group: part of its keys.
    epochs: BTreeMap<String, u64>,
}

/// The disk tier's directory.
pub(super) struct Disk {
    pub(super) blocks: PathBuf,
    pub(super) capacity: usize,
    marker: PathBuf,
}

impl Disk {
    /// Makes the directory ready and reads the epochs of groups. An error says why there can be no disk tier.
    pub(super) fn open(dir: &Path, capacity: u64, build: &str) -> anyhow::Result<(Disk, BTreeMap<Group, u64>)> {
        let capacity = (capacity as usize / BLOCK).max(BLOCKS_MIN) * BLOCK;
        let disk = Disk { blocks: dir.join("blocks"), capacity, marker: dir.join("marker.json") };
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let found: Option<Marker> = fs::read(&disk.marker).ok().and_then(|m| serde_json::from_slice(&m).ok());
        let wanted = Marker { build: build.to_owned(), capacity, block: BLOCK, epochs: BTreeMap::new() };
        let epochs = match found {
            Some(Marker { epochs, build, capacity, block })
                if (&build, capacity, block) == (&wanted.build, wanted.capacity, wanted.block) =>
            {
                epochs
            }
            _ => {
                disk.empty()?;
                BTreeMap::new()
            }
        };
        let space =
            rustix::fs::statvfs(dir).with_context(|| format!("cannot ask for the space of {}", dir.display()))?;
        let free = space.f_bavail * space.f_frsize;
        if free < capacity as u64 {
            bail!("the disk of {} has {} MiB left, less than cache.disk_mib", dir.display(), free >> 20);
        }
        let epochs = epochs.iter().filter_map(|(name, n)| Some((name.parse().ok()?, *n))).collect();
        disk.mark(build, &epochs)?;
        Ok((disk, epochs))
    }

    /// Throws away all blocks.
    pub(super) fn empty(&self) -> anyhow::Result<()> {
        match fs::remove_dir_all(&self.blocks) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(e).with_context(|| format!("cannot empty {}", self.blocks.display()))
            }
            _ => Ok(()),
        }
    }

    /// Writes the marker. Also the proof that the directory can be written.
    pub(super) fn mark(&self, build: &str, epochs: &BTreeMap<Group, u64>) -> anyhow::Result<()> {
        let epochs = epochs.iter().map(|(g, n)| (g.as_str().to_owned(), *n)).collect();
        let marker = Marker { build: build.to_owned(), capacity: self.capacity, block: BLOCK, epochs };
        let part = self.marker.with_extension("part");
        let write = || {
            let mut file = fs::File::create(&part)?;
            file.write_all(&serde_json::to_vec(&marker)?)?;
            file.sync_all()?;
            fs::rename(&part, &self.marker)
        };
        write().with_context(|| format!("cannot write {}", self.marker.display()))
    }
}

/// Names this build: its version, and what the file of the program looks like.
pub(super) fn build() -> String {
    let file = std::env::current_exe().and_then(fs::metadata);
    let looks = file.map(|m| {
        let made = m.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        format!("{}-{}", m.len(), made.map_or(0, |t| t.as_millis()))
    });
    format!("{}-{}", env!("CARGO_PKG_VERSION"), looks.unwrap_or_default())
}
