//! The statements of the queue. Table: `jobs`.

use super::{Ended, NewJob, Row};
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::JobId;
use crate::base::job::{JobKind, JobState, Lane, Progress};
use crate::engines::store::{self, Db, SqlResult, Tx, params};

const COLUMNS: &str = "id, kind, lane, state, priority, attempts, max_attempts, progress, result, error, stderr,
    created_ms, started_ms, finished_ms, run_at_ms, project_id, user_id, payload";

fn from_row(r: &store::Row) -> SqlResult<Row> {
    let json = |text: Option<String>| text.and_then(|t| serde_json::from_str(&t).ok());
    let progress: Option<String> = r.get(7)?;
    let payload: String = r.get(17)?;
    Ok(Row {
        id: r.get(0)?,
        kind: r.get(1)?,
        lane: r.get(2)?,
        state: r.get(3)?,
        priority: r.get(4)?,
        attempts: r.get(5)?,
        max_attempts: r.get(6)?,
        progress: progress.and_then(|t| serde_json::from_str(&t).ok()),
        result: json(r.get(8)?),
        error: r.get(9)?,
        stderr: r.get(10)?,
        created: r.get(11)?,
        started: r.get(12)?,
        finished: r.get(13)?,
        run_at: r.get(14)?,
        project: r.get(15)?,
        user: r.get(16)?,
        job: serde_json::from_str(&payload).ok(),
    })
}

pub(super) fn insert(tx: &mut Tx, new: &NewJob) -> Result<Option<JobId>> {
    let payload = serde_json::to_string(&new.job).map_err(Error::internal)?;
    tx.one(
        "INSERT INTO jobs (kind, payload, lane, priority, state, max_attempts, run_at_ms, dedup_key, project_id, user_id,
            created_ms)
         VALUES (?1, ?2, ?3, ?4, 'ready', ?5, ?6, ?7, ?8, ?9, ?6) ON CONFLICT DO NOTHING RETURNING id",
        params![
            new.job.kind(),
            payload,
            new.job.lane(),
            new.priority,
            new.job.max_attempts(),
            tx.now(),
            new.dedup_key,
            new.project,
            new.user
        ],
        |r| r.get(0),
    )
}

pub(super) fn by_dedup_key(db: &Db, key: &str) -> Result<Option<JobId>> {
    db.one("SELECT id FROM jobs WHERE dedup_key = ?1 AND state IN ('ready', 'retry', 'running')", params![key], |r| {
        r.get(0)
    })
}

pub(super) fn any_due(db: &Db, lane: Lane, now: Time) -> Result<bool> {
    let any = db.one(
        "SELECT 1 FROM jobs WHERE lane = ?1 AND state IN ('ready', 'retry') AND run_at_ms <= ?2 LIMIT 1",
        params![lane, now],
        |_| Ok(()),
    )?;
    Ok(any.is_some())
}

pub(super) fn claim(tx: &mut Tx, lane: Lane, lease: i64) -> Result<Option<Row>> {
    let now = tx.now();
    tx.one(
        &format!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_ms = ?2 + ?3, started_ms = ?2,
                progress = NULL, error = NULL, stderr = NULL
             WHERE id = (SELECT id FROM jobs WHERE lane = ?1 AND state IN ('ready', 'retry') AND run_at_ms <= ?2
                         ORDER BY priority DESC, run_at_ms, id LIMIT 1)
             RETURNING {COLUMNS}"
        ),
        params![lane, now, lease],
        from_row,
    )
}

pub(super) fn renew(tx: &mut Tx, id: JobId, lease: i64, progress: Progress) -> Result<()> {
    let until = tx.now().plus(lease);
    let progress = serde_json::to_string(&progress).map_err(Error::internal)?;
    tx.execute(
        "UPDATE jobs SET lease_ms = ?2, progress = ?3 WHERE id = ?1 AND state = 'running'",
        params![id, until, progress],
    )?;
    Ok(())
}

pub(super) fn finish(tx: &mut Tx, id: JobId, ended: Ended) -> Result<()> {
    let now = tx.now();
    let (state, result, error, stderr, run_at) = match ended {
        Ended::Done(result) => (JobState::Done, Some(result.to_string()), None, None, now),
        Ended::Failed { error, stderr } => (JobState::Failed, None, Some(error), Some(stderr), now),
        Ended::Retry { error, after } => (JobState::Retry, None, Some(error), None, now.plus(after)),
        Ended::Cancelled => (JobState::Cancelled, None, None, None, now),
        Ended::HandedBack => (JobState::Ready, None, None, None, now),
    };
    // A retry beyond the last try is a dead letter; a try that the stop of the program cut short does not count.
    tx.execute(
        "UPDATE jobs SET
            state = CASE WHEN ?2 = 'retry' AND attempts >= max_attempts THEN 'dead' ELSE ?2 END,
            attempts = attempts - (?2 = 'ready'),
            result = ?3, error = ?4, stderr = ?5, run_at_ms = ?6, lease_ms = NULL, progress = NULL,
            finished_ms = CASE WHEN ?2 IN ('done', 'failed', 'cancelled') OR (?2 = 'retry' AND attempts >= max_attempts)
                          THEN ?7 END
         WHERE id = ?1",
        params![id, state, result, error, stderr, run_at, now],
    )?;
    Ok(())
}

/// (made ready, made dead)
pub(super) fn recover(tx: &mut Tx) -> Result<(usize, usize)> {
    let now = tx.now();
    let dead = tx.execute(
        "UPDATE jobs SET state = 'dead', lease_ms = NULL, finished_ms = ?1,
            error = 'the program ended while this job ran, ' || attempts || ' times'
         WHERE state = 'running' AND attempts >= max_attempts",
        params![now],
    )?;
    let ready = tx.execute(
        "UPDATE jobs SET state = 'ready', lease_ms = NULL, run_at_ms = ?1 WHERE state = 'running'",
        params![now],
    )?;
    Ok((ready, dead))
}

pub(super) fn revive(tx: &mut Tx, id: JobId) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE jobs SET state = 'ready', attempts = 0, run_at_ms = ?2, error = NULL, stderr = NULL, result = NULL,
            finished_ms = NULL, dedup_key = NULL
         WHERE id = ?1",
        params![id, now],
    )?;
    Ok(())
}

pub(super) fn by_id(db: &Db, id: JobId) -> Result<Option<Row>> {
    db.one(&format!("SELECT {COLUMNS} FROM jobs WHERE id = ?1"), params![id], from_row)
}

pub(super) fn last_of(db: &Db, kind: JobKind) -> Result<Option<Row>> {
    db.one(
        &format!("SELECT {COLUMNS} FROM jobs WHERE state = 'done' AND kind = ?1 ORDER BY id DESC LIMIT 1"),
        params![kind],
        from_row,
    )
}

pub(super) fn by_states(db: &Db, states: &[JobState], limit: i64) -> Result<Vec<Row>> {
    // Names of a closed set, never a caller's text.
    let names = states.iter().map(|s| format!("'{s}'")).collect::<Vec<_>>().join(", ");
    db.all(
        &format!("SELECT {COLUMNS} FROM jobs WHERE state IN ({names}) ORDER BY id DESC LIMIT ?1"),
        params![limit],
        from_row,
    )
}

pub(super) fn counts(db: &Db) -> Result<Vec<(JobState, i64)>> {
    db.all("SELECT state, count(*) FROM jobs GROUP BY state", params![], |r| Ok((r.get(0)?, r.get(1)?)))
}
