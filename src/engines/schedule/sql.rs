//! The statements of the schedule. Table: `schedules`.

use super::{Change, LastRun, Row};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::JobId;
use crate::engines::store::{self, Db, SqlResult, Tx, params};

const SELECT: &str = "SELECT s.name, s.cron, s.time_zone, s.missed, s.paused, s.edited, s.next_ms, s.last_ms,
        j.id, j.state, j.started_ms, j.finished_ms, j.result, j.error
    FROM schedules s LEFT JOIN jobs j ON j.id = s.last_job_id";

fn from_row(r: &store::Row) -> SqlResult<Row> {
    let job: Option<JobId> = r.get(8)?;
    let run = match job {
        None => None,
        Some(job) => {
            let result: Option<String> = r.get(12)?;
            Some(LastRun {
                job,
                state: r.get(9)?,
                started: r.get(10)?,
                finished: r.get(11)?,
                result: result.and_then(|text| serde_json::from_str(&text).ok()),
                error: r.get(13)?,
            })
        }
    };
    Ok(Row {
        name: r.get(0)?,
        cron: r.get(1)?,
        time_zone: r.get(2)?,
        missed: r.get(3)?,
        paused: r.get(4)?,
        edited: r.get(5)?,
        next: r.get(6)?,
        last: r.get(7)?,
        run,
    })
}

/// As many as the code has, and those of other versions.
pub(super) fn all(db: &Db) -> Result<Vec<Row>> {
    db.all(&format!("{SELECT} ORDER BY s.name"), params![], from_row)
}

pub(super) fn any_due(db: &Db, now: Time) -> Result<bool> {
    let any = db.one("SELECT 1 FROM schedules WHERE next_ms <= ?1 LIMIT 1", params![now], |_| Ok(()))?;
    Ok(any.is_some())
}

pub(super) fn due(db: &Db, now: Time) -> Result<Vec<Row>> {
    db.all(&format!("{SELECT} WHERE s.next_ms <= ?1 ORDER BY s.next_ms, s.name"), params![now], from_row)
}

pub(super) fn put(tx: &mut Tx, name: &str, to: &Change, next: Option<Time>) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO schedules (name, cron, time_zone, missed, next_ms, updated_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (name) DO UPDATE SET cron = ?2, time_zone = ?3, missed = ?4, updated_ms = ?6,
            next_ms = CASE WHEN paused = 0 THEN ?5 END",
        params![name, to.cron, to.time_zone, to.missed, next, now],
    )?;
    Ok(())
}

pub(super) fn plan(tx: &mut Tx, name: &str, next: Option<Time>) -> Result<()> {
    tx.execute("UPDATE schedules SET next_ms = ?2 WHERE name = ?1", params![name, next])?;
    Ok(())
}

pub(super) fn ran(tx: &mut Tx, name: &str, job: JobId) -> Result<()> {
    let now = tx.now();
    tx.execute("UPDATE schedules SET last_ms = ?2, last_job_id = ?3 WHERE name = ?1", params![name, now, job])?;
    Ok(())
}

pub(super) fn set_paused(tx: &mut Tx, name: &str, paused: bool, next: Option<Time>) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE schedules SET paused = ?2, next_ms = ?3, updated_ms = ?4 WHERE name = ?1",
        params![name, paused, next, now],
    )?;
    Ok(())
}

pub(super) fn change(tx: &mut Tx, name: &str, to: &Change, next: Option<Time>) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE schedules SET cron = ?2, time_zone = ?3, missed = ?4, next_ms = ?5, edited = 1, updated_ms = ?6
         WHERE name = ?1",
        params![name, to.cron, to.time_zone, to.missed, next, now],
    )?;
    Ok(())
}
