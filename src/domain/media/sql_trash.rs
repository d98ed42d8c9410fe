//! The statements of versions in the trash. Tables: `media`, `version_marks`, `uploads`.

use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{FeedbackId, MediaId, ProjectId, UserId};
use crate::engines::files::Key;
use crate::engines::store::{Db, Tx, params};

/// Into the trash.
pub(super) fn trash(tx: &mut Tx, id: MediaId, actor: Option<UserId>) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE media SET deleted_ms = ?2, deleted_by = ?3, rev = rev + 1 WHERE id = ?1 AND deleted_ms IS NULL",
        params![id, now, actor],
    )?;
    Ok(())
}

/// Out of it; one that was not finished begins anew.
pub(super) fn untrash(tx: &mut Tx, id: MediaId) -> Result<()> {
    tx.execute(
        "UPDATE media SET deleted_ms = NULL, deleted_by = NULL, rev = rev + 1,
            state = CASE WHEN state IN ('ready', 'failed') THEN state ELSE 'received' END WHERE id = ?1",
        params![id],
    )?;
    Ok(())
}

/// `false` if it is not in the trash.
pub(super) fn set_deleted(tx: &mut Tx, id: MediaId, at: Time) -> Result<bool> {
    let sql = "UPDATE media SET deleted_ms = ?2 WHERE id = ?1 AND deleted_ms IS NOT NULL";
    Ok(tx.execute(sql, params![id, at])? > 0)
}

/// A version as its going needs it, wherever it is.
pub(super) struct Leaving {
    pub(super) feedback: FeedbackId,
    pub(super) project: ProjectId,
    pub(super) version: i64,
    pub(super) key: Key,
}

pub(super) fn leaving(db: &Db, id: MediaId) -> Result<Option<Leaving>> {
    db.one("SELECT feedback_id, project_id, version, hash FROM media WHERE id = ?1", params![id], |r| {
        Ok(Leaving { feedback: r.get(0)?, project: r.get(1)?, version: r.get(2)?, key: r.get(3)? })
    })
}

/// Removes the row, with the upload that it came by, and keeps its number.
pub(super) fn purge(tx: &mut Tx, id: MediaId, gone: &Leaving) -> Result<()> {
    tx.execute(
        "INSERT INTO version_marks (feedback_id, last_version) VALUES (?1, ?2)
         ON CONFLICT (feedback_id) DO UPDATE SET last_version = max(last_version, ?2)",
        params![gone.feedback, gone.version],
    )?;
    tx.execute("DELETE FROM uploads WHERE media_id = ?1", params![id])?;
    tx.execute("DELETE FROM media WHERE id = ?1", params![id])?;
    Ok(())
}

/// The shown renditions of these bytes have changed.
pub(super) fn touch(tx: &mut Tx, key: &Key) -> Result<Vec<MediaId>> {
    let now = tx.now();
    tx.execute("UPDATE media SET rev = rev + 1, updated_ms = ?2 WHERE hash = ?1", params![key, now])?;
    tx.all("SELECT id FROM media WHERE hash = ?1 AND deleted_ms IS NULL LIMIT 500", params![key], |r| r.get(0))
}
