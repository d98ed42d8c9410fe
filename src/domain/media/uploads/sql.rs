//! The statements of uploads. Table: `uploads`.

use super::{NewUpload, Upload};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{MediaId, ProjectId, UploadId, UserId};
use crate::engines::store::{Db, Row, SqlError, SqlResult, Tx, params};

fn upload(r: &Row) -> SqlResult<Upload> {
    Ok(Upload {
        id: r.get(0)?,
        offset_bytes: r.get::<_, i64>(1)? as u64,
        size_bytes: r.get::<_, i64>(2)? as u64,
        name: r.get(3)?,
        media_id: r.get(4)?,
        expires: r.get(5)?,
        feedback: r.get(6)?,
        project: r.get(7)?,
        user: r.get(8)?,
        metadata: r.get(9)?,
        role: r.get(10)?,
    })
}

/// With its owner's present role; none in a deleted project or feedback.
pub(super) fn get(db: &Db, id: UploadId) -> Result<Option<Upload>> {
    db.one(
        "SELECT x.id, x.offset_bytes, x.size_bytes, x.name, x.media_id, x.expires_ms, x.feedback_id, f.project_id,
            x.user_id, x.metadata, m.role
         FROM uploads x JOIN feedbacks f ON f.id = x.feedback_id
         LEFT JOIN projects p ON p.id = f.project_id AND p.deleted_ms IS NULL AND f.deleted_ms IS NULL
         LEFT JOIN members m ON m.project_id = p.id AND m.user_id = x.user_id
         WHERE x.id = ?1",
        params![id],
        upload,
    )
}

pub(super) fn insert(tx: &mut Tx, user: UserId, name: &str, new: &NewUpload, expires: Time) -> Result<UploadId> {
    let now = tx.now();
    let id = tx.insert(
        "INSERT INTO uploads (user_id, feedback_id, name, content_type, metadata, size_bytes, created_ms, expires_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![user, new.feedback, name, new.content_type, new.metadata, new.size_bytes as i64, now, expires],
    )?;
    Ok(UploadId(id))
}

/// What is under way.
pub(super) struct Open {
    /// Uploads of the person.
    pub of_user: i64,
    /// Bytes that are still to come, of everybody.
    pub promised_bytes: u64,
    /// Bytes of whole uploads, those that have come included: of everybody, and in the project.
    pub whole_bytes: (u64, u64),
}

pub(super) fn open(db: &Db, user: UserId, project: ProjectId) -> Result<Open> {
    let now = db.one(
        "SELECT coalesce(sum(x.user_id = ?1), 0), coalesce(sum(x.size_bytes - x.offset_bytes), 0),
            coalesce(sum(x.size_bytes), 0), coalesce(sum(iif(f.project_id = ?2, x.size_bytes, 0)), 0)
         FROM uploads x JOIN feedbacks f ON f.id = x.feedback_id WHERE x.media_id IS NULL",
        params![user, project],
        |r| {
            let bytes = |i| Ok::<_, SqlError>(r.get::<_, i64>(i)?.max(0) as u64);
            Ok(Open { of_user: r.get(0)?, promised_bytes: bytes(1)?, whole_bytes: (bytes(2)?, bytes(3)?) })
        },
    )?;
    Ok(now.unwrap_or(Open { of_user: 0, promised_bytes: 0, whole_bytes: (0, 0) }))
}

/// The bytes before `offset` are on the disk.
pub(super) fn set_offset(tx: &mut Tx, id: UploadId, offset: u64, expires: Time) -> Result<()> {
    tx.execute(
        "UPDATE uploads SET offset_bytes = ?2, expires_ms = ?3 WHERE id = ?1",
        params![id, offset as i64, expires],
    )?;
    Ok(())
}

pub(super) fn set_media(tx: &mut Tx, id: UploadId, media: MediaId) -> Result<()> {
    tx.execute("UPDATE uploads SET media_id = ?2 WHERE id = ?1", params![id, media])?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx, ids: &[UploadId]) -> Result<()> {
    let list = serde_json::to_string(ids).unwrap_or_default();
    tx.execute("DELETE FROM uploads WHERE id IN (SELECT value FROM json_each(?1))", params![list])?;
    Ok(())
}

pub(super) fn expired(db: &Db, now: Time) -> Result<Vec<UploadId>> {
    db.all("SELECT id FROM uploads WHERE expires_ms <= ?1 ORDER BY expires_ms LIMIT 500", params![now], |r| r.get(0))
}

pub(super) fn whole_without_media(db: &Db) -> Result<Vec<UploadId>> {
    db.all("SELECT id FROM uploads WHERE media_id IS NULL AND offset_bytes = size_bytes LIMIT 500", params![], |r| {
        r.get(0)
    })
}

/// Uploads that still need their file, in order. Bounded by people times their limit of open uploads.
pub(super) fn under_way(db: &Db) -> Result<Vec<UploadId>> {
    db.all("SELECT id FROM uploads WHERE media_id IS NULL ORDER BY id", params![], |r| r.get(0))
}
