//! The statements of the shelf. Tables: `originals`, `renditions`, `usage`.

use super::shelf::{Kind, Rendition, Usage};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::engines::files::Key;
use crate::engines::store::{Db, Row, SqlResult, Tx, params};

/// `true` if it was not there.
pub(super) fn add_original(tx: &mut Tx, key: &Key, size_bytes: i64) -> Result<bool> {
    let now = tx.now();
    let added = tx.execute(
        "INSERT INTO originals (hash, size_bytes, watched_ms, created_ms) VALUES (?1, ?2, ?3, ?3) ON CONFLICT DO NOTHING",
        params![key, size_bytes, now],
    )?;
    Ok(added > 0)
}

pub(super) fn original(db: &Db, key: &Key) -> Result<Option<i64>> {
    db.one("SELECT size_bytes FROM originals WHERE hash = ?1", params![key], |r| r.get(0))
}

/// With its renditions.
pub(super) fn delete_original(tx: &mut Tx, key: &Key) -> Result<()> {
    tx.execute("DELETE FROM renditions WHERE hash = ?1", params![key])?;
    tx.execute("DELETE FROM originals WHERE hash = ?1", params![key])?;
    Ok(())
}

pub(super) fn versions_in(db: &Db, project: ProjectId, key: &Key) -> Result<i64> {
    let count = "SELECT count(*) FROM media WHERE hash = ?2 AND project_id = ?1";
    Ok(db.one(count, params![project, key], |r| r.get(0))?.unwrap_or(0))
}

/// Projects with a version that holds it.
pub(super) fn projects(db: &Db, key: &Key) -> Result<Vec<ProjectId>> {
    db.all("SELECT DISTINCT project_id FROM media WHERE hash = ?1", params![key], |r| r.get(0))
}

pub(super) fn renditions(db: &Db, key: &Key) -> Result<Vec<Rendition>> {
    db.all(
        "SELECT name, kind, size_bytes, recipe, made_ms FROM renditions WHERE hash = ?1 ORDER BY name LIMIT 1000",
        params![key],
        |r| {
            Ok(Rendition {
                name: r.get(0)?,
                kind: r.get(1)?,
                size_bytes: r.get(2)?,
                recipe: r.get(3)?,
                made: r.get(4)?,
            })
        },
    )
}

pub(super) fn put_rendition(
    tx: &mut Tx,
    key: &Key,
    name: &str,
    kind: Kind,
    size_bytes: i64,
    recipe: &str,
) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO renditions (hash, name, kind, size_bytes, recipe, made_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (hash, name) DO UPDATE SET kind = ?3, size_bytes = ?4, recipe = ?5, made_ms = ?6",
        params![key, name, kind, size_bytes, recipe, now],
    )?;
    Ok(())
}

pub(super) fn delete_rendition(tx: &mut Tx, key: &Key, name: &str) -> Result<()> {
    tx.execute("DELETE FROM renditions WHERE hash = ?1 AND name = ?2", params![key, name])?;
    Ok(())
}

/// Moves a counter.
pub(super) fn count(tx: &mut Tx, project: ProjectId, kind: Kind, files: i64, bytes: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO usage (project_id, kind, files, size_bytes) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (project_id, kind) DO UPDATE SET files = files + ?3, size_bytes = size_bytes + ?4",
        params![project, kind, files, bytes],
    )?;
    Ok(())
}

pub(super) fn usage(db: &Db, project: ProjectId) -> Result<Vec<Usage>> {
    db.all(
        "SELECT project_id, kind, files, size_bytes FROM usage WHERE project_id = ?1 AND files > 0 ORDER BY kind",
        params![project],
        |r| Ok(Usage { project: r.get(0)?, kind: r.get(1)?, files: r.get(2)?, size_bytes: r.get(3)? }),
    )
}

/// All counters, also those that are 0 or wrong.
pub(super) fn counters(db: &Db, project: ProjectId) -> Result<Vec<Usage>> {
    db.all("SELECT project_id, kind, files, size_bytes FROM usage WHERE project_id = ?1", params![project], counter)
}

fn counter(r: &Row) -> SqlResult<Usage> {
    Ok(Usage { project: r.get(0)?, kind: r.get(1)?, files: r.get(2)?, size_bytes: r.get(3)? })
}

/// What the counters of a project, or the instance, should be.
pub(super) fn recount(db: &Db, project: ProjectId) -> Result<Vec<Usage>> {
    let own = if project == super::shelf::INSTANCE {
        "?1 = 0"
    } else {
        "x.hash IN (SELECT m.hash FROM media m WHERE m.project_id = ?1)"
    };
    db.all(
        &format!(
            "SELECT ?1, kind, count(*), sum(size_bytes) FROM (
                SELECT 'original' AS kind, x.size_bytes FROM originals x WHERE {own}
                UNION ALL SELECT x.kind, x.size_bytes FROM renditions x WHERE {own}) GROUP BY kind"
        ),
        params![project],
        counter,
    )
}

pub(super) fn forget(tx: &mut Tx, project: ProjectId) -> Result<()> {
    tx.execute("DELETE FROM usage WHERE project_id = ?1", params![project])?;
    Ok(())
}

pub(super) fn counted_projects(db: &Db, after: i64, limit: i64) -> Result<Vec<ProjectId>> {
    db.all(
        "SELECT project_id FROM usage WHERE project_id > ?1 UNION SELECT project_id FROM media WHERE project_id > ?1
         UNION SELECT 0 WHERE 0 > ?1 ORDER BY 1 LIMIT ?2",
        params![after, limit],
        |r| r.get(0),
    )
}

pub(super) fn originals(db: &Db, after: Option<Key>, limit: i64) -> Result<Vec<(Key, i64)>> {
    let after = after.map_or_else(String::new, |key| key.to_string());
    db.all(
        "SELECT hash, size_bytes FROM originals WHERE hash > ?1 ORDER BY hash LIMIT ?2",
        params![after, limit],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )
}

pub(super) fn missing_originals(db: &Db) -> Result<Vec<(Key, i64)>> {
    db.all(
        "SELECT m.hash, max(m.size_bytes) FROM media m
         WHERE NOT EXISTS (SELECT 1 FROM originals o WHERE o.hash = m.hash) GROUP BY m.hash LIMIT 500",
        params![],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )
}

pub(super) fn unheld_originals(db: &Db) -> Result<Vec<Key>> {
    db.all(
        "SELECT o.hash FROM originals o WHERE NOT EXISTS (SELECT 1 FROM media m WHERE m.hash = o.hash) LIMIT 500",
        params![],
        |r| r.get(0),
    )
}

pub(super) fn mend_original(tx: &mut Tx, key: &Key, was: i64, is: i64) -> Result<bool> {
    let sql = "UPDATE originals SET size_bytes = ?3 WHERE hash = ?1 AND size_bytes = ?2";
    Ok(tx.execute(sql, params![key, was, is])? > 0)
}

pub(super) fn mend_rendition(tx: &mut Tx, key: &Key, name: &str, was: i64, is: i64) -> Result<bool> {
    let sql = "UPDATE renditions SET size_bytes = ?4 WHERE hash = ?1 AND name = ?2 AND size_bytes = ?3";
    Ok(tx.execute(sql, params![key, name, was, is])? > 0)
}

/// Has any row these bytes?
pub(super) fn is_held(db: &Db, key: &Key) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM originals WHERE hash = ?1) OR EXISTS (SELECT 1 FROM media WHERE hash = ?1)";
    Ok(db.one(sql, params![key], |r| r.get(0))?.unwrap_or(true))
}

/// Is a version of these bytes under way?
pub(super) fn is_worked_on(db: &Db, key: &Key) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM media WHERE hash = ?1 AND deleted_ms IS NULL AND state NOT IN ('ready', 'failed'))";
    Ok(db.one(sql, params![key], |r| r.get(0))?.unwrap_or(true))
}

pub(super) fn set_watched(tx: &mut Tx, key: &Key, at: Time) -> Result<()> {
    tx.execute("UPDATE originals SET watched_ms = max(watched_ms, ?2) WHERE hash = ?1", params![key, at])?;
    Ok(())
}

pub(super) fn unmeasured(db: &Db) -> Result<bool> {
    let any = "SELECT 1 FROM renditions WHERE recipe = '' AND size_bytes = 0 AND kind = 'pictures' LIMIT 1";
    Ok(db.one(any, params![], |_| Ok(()))?.is_some())
}
