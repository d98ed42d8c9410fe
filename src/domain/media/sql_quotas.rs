//! The statements of quotas. Table: `quotas`.

use super::quotas::Taken;
use super::shelf::INSTANCE;
use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::engines::store::{Db, Tx, params};

pub(super) fn taken(db: &Db, project: ProjectId) -> Result<Taken> {
    let found = db.one(
        "SELECT coalesce((SELECT sum(size_bytes) FROM usage WHERE project_id = ?2), 0),
            coalesce((SELECT sum(size_bytes) FROM usage WHERE project_id = ?1), 0),
            (SELECT size_bytes FROM quotas WHERE project_id = ?1)",
        params![project, INSTANCE],
        |r| Ok(Taken { instance: r.get(0)?, project: r.get(1)?, quota: r.get(2)? }),
    )?;
    Ok(found.unwrap_or(Taken { instance: 0, project: 0, quota: None }))
}

/// `false` if there is no such project.
pub(super) fn set(tx: &mut Tx, project: ProjectId, size_bytes: Option<i64>) -> Result<bool> {
    let now = tx.now();
    if size_bytes.is_none() {
        tx.execute("DELETE FROM quotas WHERE project_id = ?1", params![project])?;
        return Ok(tx.one("SELECT 1 FROM projects WHERE id = ?1", params![project], |_| Ok(()))?.is_some());
    }
    let set = tx.execute(
        "INSERT INTO quotas (project_id, size_bytes, updated_ms) SELECT id, ?2, ?3 FROM projects WHERE id = ?1
         ON CONFLICT (project_id) DO UPDATE SET size_bytes = ?2, updated_ms = ?3",
        params![project, size_bytes, now],
    )?;
    Ok(set > 0)
}
