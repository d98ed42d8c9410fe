//! The statements of versions. Table: `media`.

use serde::{Deserialize, Serialize};

use super::readings::Report;
use super::{Media, MediaState};
use crate::base::error::Result;
use crate::base::ids::{FeedbackId, JobId, MediaId, ProjectId, UserId};
use crate::base::roles::Role;
use crate::domain::accounts::Person;
use crate::engines::ffmpeg::Facts;
use crate::engines::files::Key;
use crate::engines::store::{
    Db, FromSql, FromSqlError, Row, SqlError, SqlResult, ToSql, ToSqlOutput, Tx, ValueRef, named, params,
};

impl ToSql for Key {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, SqlError> {
        Ok(self.to_string().into())
    }
}

impl FromSql for Key {
    fn column_result(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        named(value)
    }
}

/// Columns of a version seen in role `m.role`.
const MEDIA: &str = "v.id, v.feedback_id, v.project_id, v.user_id, u.nickname, v.version, v.name, v.hash, v.size_bytes,
    v.content_type, v.state, v.playable, v.facts,
    (SELECT json_group_array(r.name) FROM renditions r WHERE r.hash = v.hash), v.error_code, v.job_id, v.created_ms, v.rev,
    m.role, v.deleted_ms";

/// What is known of a version, as it stands in `media.facts`.
#[derive(Serialize, Deserialize)]
struct Known {
    #[serde(flatten)]
    facts: Facts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    report: Option<Report>,
}

fn media(r: &Row) -> SqlResult<Media> {
    let user: UserId = r.get(3)?;
    let facts: Option<String> = r.get(12)?;
    // Facts that an older version wrote in another shape are unknown, not fatal: a probe makes them again.
    let known: Option<Known> = facts.and_then(|f| serde_json::from_str(&f).ok());
    let (facts, report) = known.map_or((None, None), |k| (Some(k.facts), k.report));
    let renditions: String = r.get(13)?;
    let error: Option<String> = r.get(14)?;
    Ok(Media {
        id: r.get(0)?,
        feedback_id: r.get(1)?,
        project_id: r.get(2)?,
        user: Person { id: user, nickname: r.get(4)? },
        version: r.get(5)?,
        name: r.get(6)?,
        key: r.get(7)?,
        size_bytes: r.get(8)?,
        content_type: r.get(9)?,
        state: r.get(10)?,
        playable: r.get(11)?,
        facts,
        report,
        renditions: serde_json::from_str(&renditions).unwrap_or_default(),
        error: error.and_then(|e| e.parse().ok()),
        job_id: r.get(15)?,
        created: r.get(16)?,
        rev: r.get(17)?,
        my_role: r.get(18)?,
        deleted: r.get(19)?,
    })
}

/// As `user` sees it: not there for a stranger, in a deleted project or feedback, in the trash, or for somebody who is
/// shut out.
pub(super) fn get(db: &Db, user: UserId, id: MediaId) -> Result<Option<Media>> {
    find(db, user, id, "v.deleted_ms IS NULL")
}

/// The same, in the trash or not.
pub(super) fn get_any(db: &Db, user: UserId, id: MediaId) -> Result<Option<Media>> {
    find(db, user, id, "1")
}

fn find(db: &Db, user: UserId, id: MediaId, which: &str) -> Result<Option<Media>> {
    db.one(
        &format!(
            "SELECT {MEDIA} FROM media v JOIN users u ON u.id = v.user_id
             JOIN feedbacks f ON f.id = v.feedback_id AND f.deleted_ms IS NULL
             JOIN projects p ON p.id = v.project_id AND p.deleted_ms IS NULL
             JOIN members m ON m.project_id = v.project_id AND m.user_id = ?2
             JOIN users w ON w.id = m.user_id AND w.locked = 0
             WHERE v.id = ?1 AND {which}"
        ),
        params![id, user],
        media,
    )
}

/// For the program itself, unless it is in the trash; the role only fills its column.
pub(super) fn by_id(db: &Db, id: MediaId) -> Result<Option<Media>> {
    Ok(by_ids(db, &[id])?.pop())
}

/// For the program itself, from the trash.
pub(super) fn in_trash(db: &Db, id: MediaId) -> Result<Option<Media>> {
    db.one(
        &format!(
            "SELECT {MEDIA} FROM media v JOIN users u ON u.id = v.user_id JOIN (SELECT 'viewer' AS role) m
             WHERE v.id = ?1 AND v.deleted_ms IS NOT NULL"
        ),
        params![id],
        media,
    )
}

/// For the program itself, in no order, without those in the trash.
pub(super) fn by_ids(db: &Db, ids: &[MediaId]) -> Result<Vec<Media>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = serde_json::to_string(ids).unwrap_or_default();
    db.all(
        &format!(
            "SELECT {MEDIA} FROM media v JOIN users u ON u.id = v.user_id JOIN (SELECT 'viewer' AS role) m
             WHERE v.id IN (SELECT value FROM json_each(?1)) AND v.deleted_ms IS NULL"
        ),
        params![list],
        media,
    )
}

/// The versions of a feedback, newest first. The caller has judged.
pub(super) fn of_feedback(db: &Db, user: UserId, feedback: FeedbackId) -> Result<Vec<Media>> {
    db.all(
        &format!(
            "SELECT {MEDIA} FROM media v JOIN users u ON u.id = v.user_id
             JOIN members m ON m.project_id = v.project_id AND m.user_id = ?2
             WHERE v.feedback_id = ?1 AND v.deleted_ms IS NULL ORDER BY v.version DESC LIMIT 500"
        ),
        params![feedback, user],
        media,
    )
}

/// Where a feedback stands and the asker's role there.
pub(super) struct Place {
    pub project: ProjectId,
    pub role: Role,
}

/// `None` for a stranger, and in a deleted project or feedback.
pub(super) fn place(db: &Db, user: UserId, feedback: FeedbackId) -> Result<Option<Place>> {
    db.one(
        "SELECT f.project_id, m.role FROM feedbacks f
         JOIN projects p ON p.id = f.project_id AND p.deleted_ms IS NULL
         JOIN members m ON m.project_id = f.project_id AND m.user_id = ?2
         WHERE f.id = ?1 AND f.deleted_ms IS NULL",
        params![feedback, user],
        |r| Ok(Place { project: r.get(0)?, role: r.get(1)? }),
    )
}

/// A new version before it has a row.
pub(super) struct NewMedia<'a> {
    pub feedback: FeedbackId,
    pub project: ProjectId,
    pub user: UserId,
    pub name: &'a str,
    pub key: Key,
    pub size_bytes: i64,
}

/// Adds the next version of a feedback. A number that was given is not given again, whatever became of its version.
pub(super) fn insert(tx: &mut Tx, new: &NewMedia) -> Result<MediaId> {
    let now = tx.now();
    let id = tx.insert(
        "INSERT INTO media (feedback_id, project_id, user_id, version, name, hash, size_bytes, content_type, state,
            created_ms, updated_ms)
         SELECT ?1, ?2, ?3, max(coalesce(max(version), 0),
            coalesce((SELECT last_version FROM version_marks WHERE feedback_id = ?1), 0)) + 1, ?4, ?5, ?6, 'application/octet-stream', ?7, ?8, ?8
         FROM media WHERE feedback_id = ?1",
        params![new.feedback, new.project, new.user, new.name, new.key, new.size_bytes, MediaState::Received, now],
    )?;
    Ok(MediaId(id))
}

/// Names the job that works on it.
pub(super) fn set_job(tx: &mut Tx, id: MediaId, job: JobId) -> Result<()> {
    tx.execute("UPDATE media SET job_id = ?2 WHERE id = ?1", params![id, job])?;
    Ok(())
}

/// Writes what is known and made of it.
pub(super) fn update(tx: &mut Tx, v: &Media) -> Result<()> {
    let now = tx.now();
    let known = v.facts.clone().map(|facts| Known { facts, report: v.report.clone() });
    let facts = known.and_then(|k| serde_json::to_string(&k).ok());
    tx.execute(
        "UPDATE media SET content_type = ?2, state = ?3, playable = ?4, facts = ?5, error_code = ?6, updated_ms = ?7,
            rev = rev + 1 WHERE id = ?1",
        params![v.id, v.content_type, v.state, v.playable, facts, v.error.map(|e| e.as_str()), now],
    )?;
    Ok(())
}

/// Versions under way whose job will not run again, and whether somebody cancelled it.
pub(super) fn abandoned(db: &Db) -> Result<Vec<(MediaId, bool)>> {
    db.all(
        "SELECT v.id, j.state = 'cancelled' FROM jobs j JOIN media v ON v.job_id = j.id
         WHERE j.state IN ('failed', 'dead', 'cancelled') AND v.state NOT IN ('ready', 'failed')
           AND v.deleted_ms IS NULL LIMIT 500",
        params![],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )
}

/// Failed versions whose job this is, or waits for it.
pub(super) fn failed_of_job(db: &Db, job: JobId) -> Result<Vec<MediaId>> {
    db.all(
        "SELECT id FROM media WHERE state = 'failed' AND deleted_ms IS NULL
         AND (job_id = ?1 OR job_id IN (SELECT job_id FROM job_needs WHERE needs_id = ?1)) LIMIT 500",
        params![job],
        |r| r.get(0),
    )
}
