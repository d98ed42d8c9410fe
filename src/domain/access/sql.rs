//! The statements of the access log. Table: `access_log`.

use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{ProjectId, UserId};
use crate::engines::store::{Db, Tx, params};

/// Stands for no single project.
const NONE: ProjectId = ProjectId(0);

pub(super) fn add(tx: &mut Tx, hour: Time, user: UserId, project: Option<ProjectId>, hits: u64) -> Result<()> {
    tx.execute(
        "INSERT INTO access_log (hour_ms, user_id, project_id, hits)
         SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM users WHERE id = ?2)
         ON CONFLICT (hour_ms, user_id, project_id) DO UPDATE SET hits = hits + excluded.hits",
        params![hour, user, project.unwrap_or(NONE), hits as i64],
    )?;
    Ok(())
}

pub(super) fn prune(tx: &mut Tx, before: Time) -> Result<usize> {
    tx.execute("DELETE FROM access_log WHERE hour_ms < ?1", params![before])
}

/// The pairs that were asked for most, most first.
pub(super) fn hottest(db: &Db, since: Time, limit: i64) -> Result<Vec<(UserId, Option<ProjectId>)>> {
    db.all(
        "SELECT user_id, project_id FROM access_log WHERE hour_ms >= ?1
         GROUP BY user_id, project_id ORDER BY sum(hits) DESC, user_id, project_id LIMIT ?2",
        params![since, limit],
        |r| {
            let project: ProjectId = r.get(1)?;
            Ok((r.get(0)?, Some(project).filter(|p| *p != NONE)))
        },
    )
}
