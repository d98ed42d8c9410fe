//! The statements of the storage. It reads the tables of projects, feedbacks, media and jobs, and writes none.

use super::Project;
use super::closed::{Case, Share, When};
use super::orphans::Known;
use super::trash::{Thing, What};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{FeedbackId, JobId, MediaId, ProjectId};
use crate::domain::media::shelf::Kind;
use crate::engines::files::Key;
use crate::engines::store::{Db, Row, SqlResult, params};

pub(super) fn projects(db: &Db, kinds: &[Kind], limit: i64, offset: i64) -> Result<(Vec<Project>, i64)> {
    let sums: String =
        kinds.iter().map(|k| format!("coalesce(sum(iif(x.kind = '{k}', x.size_bytes, 0)), 0), ")).collect();
    let rows = db.all(
        &format!(
            "SELECT p.id, p.name, p.deleted_ms, q.size_bytes, coalesce(sum(x.size_bytes), 0) AS whole, count(*) OVER (), {sums} 0
             FROM projects p LEFT JOIN usage x ON x.project_id = p.id LEFT JOIN quotas q ON q.project_id = p.id
             GROUP BY p.id ORDER BY whole DESC, p.id LIMIT ?1 OFFSET ?2"
        ),
        params![limit, offset],
        |r| {
            let by_kind = (0..Kind::ALL.len()).map(|i| r.get(6 + i)).collect::<SqlResult<Vec<i64>>>()?;
            let project = Project {
                id: r.get(0)?,
                name: r.get(1)?,
                deleted: r.get(2)?,
                quota: r.get(3)?,
                size_bytes: r.get(4)?,
                by_kind,
            };
            Ok((project, r.get::<_, i64>(5)?))
        },
    )?;
    let count = rows.first().map_or(0, |(_, n)| *n);
    Ok((rows.into_iter().map(|(p, _)| p).collect(), count))
}

// What may be evicted ---------------------------------------------------------------------------------------------------

/// Films of which something heavy can go: none of their versions under way or failed, and not watched since `?1`.
const EVICTABLE: &str = "EXISTS (SELECT 1 FROM renditions r WHERE r.hash = o.hash AND r.kind IN ('proxy', 'hls')
        AND r.size_bytes > 0)
    AND NOT EXISTS (SELECT 1 FROM media m WHERE m.hash = o.hash AND m.deleted_ms IS NULL AND m.state <> 'ready')
    AND o.watched_ms <= ?1";

/// Last watched longest ago first, behind `after`.
pub(super) fn evictable(db: &Db, before: Time, after: Option<(Time, Key)>, limit: i64) -> Result<Vec<(Time, Key)>> {
    let (at, key) = after.map_or((Time(i64::MIN), String::new()), |(at, key)| (at, key.to_string()));
    db.all(
        &format!(
            "SELECT o.watched_ms, o.hash FROM originals o WHERE {EVICTABLE} AND (o.watched_ms, o.hash) > (?2, ?3)
             ORDER BY o.watched_ms, o.hash LIMIT ?4"
        ),
        params![before, at, key, limit],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )
}

pub(super) fn is_evictable(db: &Db, key: &Key, before: Time) -> Result<bool> {
    let sql = format!("SELECT 1 FROM originals o WHERE o.hash = ?2 AND {EVICTABLE}");
    Ok(db.one(&sql, params![before, key], |_| Ok(()))?.is_some())
}

pub(super) fn heavy(db: &Db, key: &Key) -> Result<Vec<String>> {
    db.all(
        "SELECT name FROM renditions WHERE hash = ?1 AND kind IN ('proxy', 'hls') AND size_bytes > 0 LIMIT 100",
        params![key],
        |r| r.get(0),
    )
}

// The trash -------------------------------------------------------------------------------------------------------------

/// Bytes of an original with all that was made of it, for a `h.hash`.
const WEIGHT: &str = "coalesce((SELECT o.size_bytes FROM originals o WHERE o.hash = h.hash), 0)
    + coalesce((SELECT sum(r.size_bytes) FROM renditions r WHERE r.hash = h.hash), 0)";

pub(super) fn trash(db: &Db, limit: i64) -> Result<(Vec<Thing>, i64)> {
    let rows = db.all(
        &format!(
            "SELECT *, count(*) OVER () FROM (
                SELECT 'project', p.id, p.name, '', p.deleted_ms AS at, NULL,
                    coalesce((SELECT sum(x.size_bytes) FROM usage x WHERE x.project_id = p.id), 0)
                FROM projects p WHERE p.deleted_ms IS NOT NULL
                UNION ALL
                SELECT 'feedback', f.id, f.title, p.name, f.deleted_ms, NULL,
                    coalesce((SELECT sum({WEIGHT}) FROM (SELECT DISTINCT m.hash FROM media m WHERE m.feedback_id = f.id) h), 0)
                FROM feedbacks f JOIN projects p ON p.id = f.project_id AND p.deleted_ms IS NULL
                WHERE f.deleted_ms IS NOT NULL
                UNION ALL
                SELECT 'version', h.id, h.name, p.name || ' · ' || f.title || ' · v' || h.version, h.deleted_ms, u.nickname,
                    {WEIGHT}
                FROM media h JOIN feedbacks f ON f.id = h.feedback_id AND f.deleted_ms IS NULL
                JOIN projects p ON p.id = h.project_id AND p.deleted_ms IS NULL
                LEFT JOIN users u ON u.id = h.deleted_by WHERE h.deleted_ms IS NOT NULL)
             ORDER BY at, 1, 2 LIMIT ?1"
        ),
        params![limit],
        |r| {
            let what: String = r.get(0)?;
            let thing = Thing {
                what: what.parse().unwrap_or(What::Version),
                id: r.get(1)?,
                name: r.get(2)?,
                place: r.get(3)?,
                deleted: r.get(4)?,
                by: r.get(5)?,
                size_bytes: r.get(6)?,
            };
            Ok((thing, r.get::<_, i64>(7)?))
        },
    )?;
    let count = rows.first().map_or(0, |(_, n)| *n);
    Ok((rows.into_iter().map(|(t, _)| t).collect(), count))
}

/// Versions whose days are over: their own, or those of what they are in.
const EXPIRED_VERSIONS: &str = "FROM media m WHERE m.id IN (
        SELECT id FROM media WHERE deleted_ms <= ?1
        UNION SELECT x.id FROM feedbacks f JOIN media x ON x.feedback_id = f.id WHERE f.deleted_ms <= ?1
        UNION SELECT x.id FROM projects p JOIN media x ON x.project_id = p.id WHERE p.deleted_ms <= ?1)";

pub(super) fn expired_versions(db: &Db, before: Time, limit: i64) -> Result<Vec<MediaId>> {
    db.all(&format!("SELECT m.id {EXPIRED_VERSIONS} ORDER BY m.id LIMIT ?2"), params![before, limit], |r| r.get(0))
}

pub(super) fn expired_versions_count(db: &Db, before: Time) -> Result<i64> {
    Ok(db.one(&format!("SELECT count(*) {EXPIRED_VERSIONS}"), params![before], |r| r.get(0))?.unwrap_or(0))
}

pub(super) fn is_version_expired(db: &Db, id: MediaId, before: Time) -> Result<bool> {
    let sql = "SELECT 1 FROM media m JOIN feedbacks f ON f.id = m.feedback_id JOIN projects p ON p.id = m.project_id
         WHERE m.id = ?1 AND (m.deleted_ms <= ?2 OR f.deleted_ms <= ?2 OR p.deleted_ms <= ?2)";
    Ok(db.one(sql, params![id, before], |_| Ok(()))?.is_some())
}

pub(super) fn expired_feedbacks(db: &Db, before: Time, limit: i64) -> Result<Vec<(FeedbackId, ProjectId)>> {
    db.all(
        "SELECT id, project_id FROM feedbacks WHERE deleted_ms <= ?1
         UNION SELECT f.id, f.project_id FROM projects p JOIN feedbacks f ON f.project_id = p.id WHERE p.deleted_ms <= ?1
         ORDER BY 1 LIMIT ?2",
        params![before, limit],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )
}

/// With all its versions gone.
pub(super) fn is_feedback_expired(db: &Db, id: FeedbackId, before: Time) -> Result<bool> {
    let sql = "SELECT 1 FROM feedbacks f JOIN projects p ON p.id = f.project_id
         WHERE f.id = ?1 AND (f.deleted_ms <= ?2 OR p.deleted_ms <= ?2)
           AND NOT EXISTS (SELECT 1 FROM media m WHERE m.feedback_id = f.id)";
    Ok(db.one(sql, params![id, before], |_| Ok(()))?.is_some())
}

pub(super) fn expired_projects(db: &Db, before: Time) -> Result<Vec<ProjectId>> {
    db.all("SELECT id FROM projects WHERE deleted_ms <= ?1 ORDER BY id LIMIT 1000", params![before], |r| r.get(0))
}

pub(super) fn is_project_empty_and_expired(db: &Db, id: ProjectId, before: Time) -> Result<bool> {
    let sql = "SELECT 1 FROM projects p WHERE p.id = ?1 AND p.deleted_ms <= ?2
           AND NOT EXISTS (SELECT 1 FROM feedbacks f WHERE f.project_id = p.id)
           AND NOT EXISTS (SELECT 1 FROM media m WHERE m.project_id = p.id)";
    Ok(db.one(sql, params![id, before], |_| Ok(()))?.is_some())
}

// Closed feedbacks ------------------------------------------------------------------------------------------------------

/// Columns of a case: versions and bytes of what is not in the trash.
fn case(due: &str) -> String {
    format!(
        "SELECT f.id, f.title, p.id, p.name, f.closed_ms, {due} AS due,
            (SELECT count(*) FROM media m WHERE m.feedback_id = f.id AND m.deleted_ms IS NULL) AS versions,
            coalesce((SELECT sum({WEIGHT}) FROM (
                SELECT DISTINCT m.hash FROM media m WHERE m.feedback_id = f.id AND m.deleted_ms IS NULL) h), 0) AS bytes
         FROM feedbacks f JOIN projects p ON p.id = f.project_id AND p.deleted_ms IS NULL"
    )
}

fn share(rows: Vec<(Case, i64, i64, i64)>) -> Share {
    let (count, versions, size_bytes) = rows.first().map_or((0, 0, 0), |(_, n, v, b)| (*n, *v, *b));
    Share { count, versions, size_bytes, first: rows.into_iter().map(|(case, ..)| case).collect() }
}

fn counted(r: &Row) -> SqlResult<(Case, i64, i64, i64)> {
    let case = Case {
        feedback: r.get(0)?,
        title: r.get(1)?,
        project: r.get(2)?,
        project_name: r.get(3)?,
        closed: r.get(4)?,
        due: r.get(5)?,
        versions: r.get(6)?,
        size_bytes: r.get(7)?,
    };
    Ok((case, r.get(8)?, r.get(9)?, r.get(10)?))
}

const TOTALS: &str = "count(*) OVER (), sum(versions) OVER (), sum(bytes) OVER ()";

pub(super) fn to_announce(db: &Db, when: &When, limit: i64) -> Result<Share> {
    let case = case("max(f.closed_ms + ?2, ?3)");
    let rows = db.all(
        &format!(
            "SELECT *, {TOTALS} FROM ({case}
                WHERE f.status = 'closed' AND f.closed_ms <= ?1 AND f.deleted_ms IS NULL
                  AND NOT EXISTS (SELECT 1 FROM cleanup_notices n WHERE n.feedback_id = f.id)
                  AND EXISTS (SELECT 1 FROM media m WHERE m.feedback_id = f.id AND m.deleted_ms IS NULL))
             ORDER BY due, 1 LIMIT ?4"
        ),
        params![when.closed_before, when.kept, when.now.plus(when.warned), limit],
        counted,
    )?;
    Ok(share(rows))
}

/// What is announced and due, or not due yet.
pub(super) fn announced(db: &Db, when: &When, due: bool, limit: i64) -> Result<Share> {
    let (case, than) = (case("n.due_ms"), if due { "<=" } else { ">" });
    let rows = db.all(
        &format!(
            "SELECT *, {TOTALS} FROM ({case} JOIN cleanup_notices n ON n.feedback_id = f.id
                WHERE n.due_ms {than} ?1 AND f.status = 'closed' AND f.deleted_ms IS NULL)
             ORDER BY due, 1 LIMIT ?2"
        ),
        params![when.now, limit],
        counted,
    )?;
    Ok(share(rows))
}

/// Versions that go now: those of a closed feedback whose notice is due.
pub(super) fn due_versions(db: &Db, feedback: FeedbackId, now: Time) -> Result<Vec<MediaId>> {
    db.all(
        "SELECT m.id FROM cleanup_notices n JOIN feedbacks f ON f.id = n.feedback_id AND f.status = 'closed'
         JOIN media m ON m.feedback_id = f.id AND m.deleted_ms IS NULL
         WHERE n.feedback_id = ?1 AND n.due_ms <= ?2 AND f.deleted_ms IS NULL ORDER BY m.version",
        params![feedback, now],
        |r| r.get(0),
    )
}

pub(super) fn is_closed(db: &Db, id: FeedbackId) -> Result<bool> {
    let sql = "SELECT 1 FROM feedbacks WHERE id = ?1 AND status = 'closed' AND deleted_ms IS NULL";
    Ok(db.one(sql, params![id], |_| Ok(()))?.is_some())
}

// Orphans ---------------------------------------------------------------------------------------------------------------

/// Films whose hash begins with this byte.
pub(super) fn films_of(db: &Db, first: u8) -> Result<Vec<Known>> {
    let (from, to) = (format!("{first:02x}"), format!("{first:02x}g"));
    db.all(
        "SELECT o.hash, o.size_bytes, (SELECT json_group_array(r.name) FROM renditions r WHERE r.hash = o.hash),
            EXISTS (SELECT 1 FROM media m WHERE m.hash = o.hash AND m.deleted_ms IS NULL
                AND m.state NOT IN ('ready', 'failed'))
         FROM originals o WHERE o.hash >= ?1 AND o.hash < ?2",
        params![from, to],
        |r| {
            let renditions: String = r.get(2)?;
            Ok(Known {
                key: r.get(0)?,
                size_bytes: r.get(1)?,
                renditions: serde_json::from_str(&renditions).unwrap_or_default(),
                worked_on: r.get(3)?,
            })
        },
    )
}

pub(super) fn is_known(db: &Db, key: &Key) -> Result<bool> {
    Ok(db.one("SELECT 1 FROM originals WHERE hash = ?1", params![key], |_| Ok(()))?.is_some())
}

pub(super) fn running_jobs(db: &Db) -> Result<Vec<JobId>> {
    db.all("SELECT id FROM jobs WHERE state = 'running' LIMIT 1000", params![], |r| r.get(0))
}
