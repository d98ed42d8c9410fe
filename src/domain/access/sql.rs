//! The statements of the access log. Tables: `access_log`, `visits`.

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

/// He is here now. Who comes again after more than `pause_ms` was here before at his last moment.
pub(super) fn visited(tx: &mut Tx, user: UserId, pause_ms: i64) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO visits (user_id, last_ms) SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM users WHERE id = ?1)
         ON CONFLICT (user_id) DO UPDATE SET last_ms = ?2,
            before_ms = CASE WHEN ?2 - visits.last_ms > ?3 THEN visits.last_ms ELSE visits.before_ms END",
        params![user, now, pause_ms],
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
