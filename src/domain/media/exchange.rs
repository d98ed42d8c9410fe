//! The list of films, `media.jsonl`: for people and scripts. It names each original by its hash, and is not read back:
//! the films themselves come in by upload.

use serde::Serialize;

use super::{MediaState, sql_exchange};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{FeedbackId, MediaId, UserId};
use crate::base::row::{self, Lines};
use crate::engines::files::Key;
use crate::engines::store::Db;

/// A line.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) id: MediaId,
    pub(super) feedback_id: FeedbackId,
    pub(super) user_id: UserId,
    pub(super) version: i64,
    pub(super) name: String,
    #[serde(serialize_with = "hash")]
    pub(super) hash: Key,
    pub(super) size_bytes: i64,
    pub(super) content_type: String,
    pub(super) state: MediaState,
    pub(super) created: Time,
}

fn hash<S: serde::Serializer>(key: &Key, s: S) -> std::result::Result<S::Ok, S::Error> {
    s.collect_str(key)
}

/// Writes the list.
pub fn export(db: &Db, out: Lines) -> Result<()> {
    row::write(MediaId(0), |behind| sql_exchange::page(db, *behind), |r| r.id, out)
}
