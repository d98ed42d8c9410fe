//! The statements of the shelf. Tables: `originals`, `renditions`, `usage`.

use super::shelf::{Kind, Rendition, Usage};
use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::engines::files::Key;
use crate::engines::store::{Db, Tx, params};

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
