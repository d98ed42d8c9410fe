//! The statements of the metrics' history. Table: `metrics_history`.

use super::history::{Sample, Width};
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::engines::store::{Db, Tx, params};

pub(super) fn at(db: &Db, width: Width, at: Time) -> Result<Option<Sample>> {
    let body =
        db.one("SELECT body FROM metrics_history WHERE step_ms = ?1 AND at_ms = ?2", params![width.ms(), at], |r| {
            r.get::<_, String>(0)
        })?;
    Ok(body.and_then(|text| serde_json::from_str(&text).ok()))
}

pub(super) fn put(tx: &mut Tx, width: Width, at: Time, sample: &Sample) -> Result<()> {
    let body = serde_json::to_string(sample).map_err(Error::internal)?;
    tx.execute(
        "INSERT INTO metrics_history (step_ms, at_ms, body) VALUES (?1, ?2, ?3)
         ON CONFLICT (step_ms, at_ms) DO UPDATE SET body = ?3",
        params![width.ms(), at, body],
    )?;
    Ok(())
}

pub(super) fn between(db: &Db, width: Width, from: Time, to: Time) -> Result<Vec<(Time, Sample)>> {
    let rows = db.all(
        "SELECT at_ms, body FROM metrics_history WHERE step_ms = ?1 AND at_ms >= ?2 AND at_ms < ?3 ORDER BY at_ms",
        params![width.ms(), from, to],
        |r| Ok((r.get(0)?, r.get::<_, String>(1)?)),
    )?;
    Ok(rows.into_iter().filter_map(|(at, body)| Some((at, serde_json::from_str(&body).ok()?))).collect())
}

pub(super) fn last(db: &Db, width: Width) -> Result<Option<Time>> {
    let at = db.one("SELECT max(at_ms) FROM metrics_history WHERE step_ms = ?1", params![width.ms()], |r| r.get(0))?;
    Ok(at.flatten())
}

pub(super) fn first_after(db: &Db, width: Width, after: Time) -> Result<Option<Time>> {
    let at = db.one(
        "SELECT min(at_ms) FROM metrics_history WHERE step_ms = ?1 AND at_ms >= ?2",
        params![width.ms(), after],
        |r| r.get(0),
    )?;
    Ok(at.flatten())
}

pub(super) fn prune(tx: &mut Tx, width: Width, before: Time, limit: i64) -> Result<usize> {
    tx.execute(
        "DELETE FROM metrics_history WHERE step_ms = ?1 AND at_ms IN (
            SELECT at_ms FROM metrics_history WHERE step_ms = ?1 AND at_ms < ?2 ORDER BY at_ms LIMIT ?3)",
        params![width.ms(), before, limit],
    )
}
