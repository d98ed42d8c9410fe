//! The manifest of a backup: all that belongs to it, by hash.
//!
//! Its first line is `videoplanet-backup 1 <bytes> <BLAKE3>` of what follows: the JSON, packed by zstd and, in an encrypted
//! place, sealed.

use std::collections::BTreeMap;
use std::io::Read;

use serde::{Deserialize, Serialize};

use super::{Result, Trouble};
use crate::base::clock::Time;
use crate::engines::files::Key;

const FIRST: &str = "videoplanet-backup";
const FORMAT: u32 = 1;
/// Bytes of the JSON at the most: some ten million files.
const LARGEST: u64 = 4 << 30;

/// What one backup holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its id.
    pub id: String,
    /// The instance that it was taken of.
    pub instance: String,
    /// The moment that it holds.
    pub taken: Time,
    /// Version of the program.
    pub program: String,
    /// Number of the database's last migration.
    pub schema: i64,
    /// The journal's last seq.
    pub seq: i64,
    /// Rows by table.
    pub rows: BTreeMap<String, i64>,
    /// The database.
    pub database: Blob,
    /// The settings file, if there is one.
    #[serde(default)]
    pub config: Option<Blob>,
    /// The media store.
    pub media: Vec<Item>,
    /// Originals that a row names and that were not there, or not whole.
    #[serde(default)]
    pub lost: Vec<Missing>,
    /// Files made of originals that were not there: they can be made again.
    #[serde(default)]
    pub missing: i64,
    /// Originals that were deleted for good while it was taken.
    #[serde(default)]
    pub gone: i64,
    /// Bytes that this backup added to the place.
    pub new_bytes: u64,
}

/// Packed content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// BLAKE3 of the content.
    pub hash: Key,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes of the object.
    pub stored: u64,
}

/// A file of the media store, or a set of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The original that it belongs to.
    pub key: Key,
    /// Its name there; a set's ends in `/`.
    pub name: String,
    /// BLAKE3 of its bytes; of a set, of those of its files one behind the other.
    pub hash: Key,
    /// How many.
    pub bytes: u64,
    /// A set's files with their bytes, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<(String, u64)>,
    /// When it was made: while this and `bytes` are what they were, it is not read again.
    #[serde(default)]
    pub modified_ms: i64,
}

/// An original that is not in the backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Which.
    pub key: Key,
    /// Bytes that it had.
    pub bytes: i64,
    /// Was it there, but not what it was?
    pub damaged: bool,
}

impl Manifest {
    /// Bytes of all that belongs to it, before packing.
    pub fn bytes(&self) -> u64 {
        let config = self.config.as_ref().map_or(0, |c| c.bytes);
        self.database.bytes + config + self.media.iter().map(|m| m.bytes).sum::<u64>()
    }

    /// Films in it.
    pub fn films(&self) -> usize {
        self.media.iter().filter(|m| m.name == crate::engines::files::ORIGINAL).count()
    }

    /// The name of its object.
    pub(super) fn name(id: &str) -> String {
        format!("backups/{id}")
    }

    /// What is sealed.
    pub(super) fn pack(&self) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(self).map_err(|e| Trouble::failed("the manifest is no JSON", e))?;
        zstd::encode_all(&json[..], 3).map_err(|e| Trouble::failed("the manifest cannot be packed", e))
    }

    /// The other way.
    pub(super) fn unpack(id: &str, packed: &[u8]) -> Result<Manifest> {
        let damaged = |why: String| Trouble::damaged(Manifest::name(id), why);
        let mut json = Vec::new();
        let decoder = zstd::Decoder::new(packed).map_err(|e| damaged(e.to_string()))?;
        decoder.take(LARGEST).read_to_end(&mut json).map_err(|e| damaged(e.to_string()))?;
        let manifest: Manifest = serde_json::from_slice(&json).map_err(|e| damaged(e.to_string()))?;
        if manifest.id != id {
            return Err(damaged(format!("it is that of {}", manifest.id)));
        }
        Ok(manifest)
    }

    /// The object: its first line and `body`.
    pub(super) fn frame(body: &[u8]) -> Vec<u8> {
        let mut object = format!("{FIRST} {FORMAT} {} {}\n", body.len(), blake3::hash(body)).into_bytes();
        object.extend_from_slice(body);
        object
    }

    /// What follows the first line, if it is whole.
    pub(super) fn unframe<'o>(id: &str, object: &'o [u8]) -> Result<&'o [u8]> {
        let damaged = |why: &str| Trouble::damaged(Manifest::name(id), why);
        let end =
            object.iter().take(200).position(|b| *b == b'\n').ok_or_else(|| damaged("its first line is cut off"))?;
        let (line, body) = (&object[..end], &object[end + 1..]);
        let line = std::str::from_utf8(line).map_err(|_| damaged("its first line is no text"))?;
        let words: Vec<&str> = line.split(' ').collect();
        let [FIRST, format, bytes, sum] = words[..] else {
            return Err(damaged("its first line is not that of a manifest"));
        };
        match format.parse::<u32>() {
            Ok(FORMAT) => {}
            Ok(newer) if newer > FORMAT => {
                let why = format!(
                    "backup {id} was written by a newer videoplanet (format {newer}): install that or a newer one"
                );
                return Err(Trouble::Refused(why));
            }
            _ => return Err(damaged("its first line is not that of a manifest")),
        }
        if bytes != body.len().to_string() {
            return Err(damaged(&format!("it has {} bytes of {bytes}", body.len())));
        }
        if blake3::hash(body).to_string() != sum {
            return Err(damaged("its bytes have changed"));
        }
        Ok(body)
    }
}
