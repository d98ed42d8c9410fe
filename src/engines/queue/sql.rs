//! The statements of the queue. Tables: `jobs`, `job_needs`, `lanes`.

use super::{CRASHES, Ended, Group, Need, NewJob, Row};
use crate::base::clock::{MINUTE, Time};
use crate::base::error::{Error, Result};
use crate::base::ids::JobId;
use crate::base::job::{JobKind, JobState, Lane, Progress};
use crate::engines::store::{self, Db, SqlResult, Tx, params};

const COLUMNS: &str = "id, kind, lane, state, priority, attempts, max_attempts, progress, result, error, stderr,
    created_ms, started_ms, finished_ms, run_at_ms, project_id, user_id, payload, crashes, cancel_ms";

/// States in which nothing more happens.
const OVER: &str = "('done', 'failed', 'dead', 'cancelled')";

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
        crashes: r.get(18)?,
        progress: progress.and_then(|t| serde_json::from_str(&t).ok()),
        result: json(r.get(8)?),
        error: r.get(9)?,
        stderr: r.get(10)?,
        created: r.get(11)?,
        started: r.get(12)?,
        finished: r.get(13)?,
        run_at: r.get(14)?,
        cancelled: r.get(19)?,
        project: r.get(15)?,
        user: r.get(16)?,
        job: serde_json::from_str(&payload).ok(),
    })
}

/// A job's place in the queue, in milliseconds: see `migrations/0004`.
fn rank(came: Time, priority: i64) -> i64 {
    came.0 - priority * MINUTE
}

pub(super) fn insert(tx: &mut Tx, new: &NewJob) -> Result<Option<JobId>> {
    let payload = serde_json::to_string(&new.job).map_err(Error::internal)?;
    let priority = new.priority.clamp(-super::MAX_PRIORITY, super::MAX_PRIORITY);
    tx.one(
        "INSERT INTO jobs (kind, payload, lane, priority, state, max_attempts, run_at_ms, dedup_key, project_id, user_id,
            created_ms, rank_ms)
         VALUES (?1, ?2, ?3, ?4, 'ready', ?5, ?6, ?7, ?8, ?9, ?6, ?10) ON CONFLICT DO NOTHING RETURNING id",
        params![
            new.job.kind(),
            payload,
            new.job.lane(),
            priority,
            new.job.max_attempts(),
            tx.now(),
            new.dedup_key,
            new.project,
            new.user,
            rank(tx.now(), priority)
        ],
        |r| r.get(0),
    )
}

pub(super) fn by_dedup_key(db: &Db, key: &str) -> Result<Option<JobId>> {
    db.one(
        "SELECT id FROM jobs WHERE dedup_key = ?1 AND state IN ('waiting', 'ready', 'retry', 'running')",
        params![key],
        |r| r.get(0),
    )
}

pub(super) fn add_need(tx: &mut Tx, id: JobId, need: JobId, weight: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO job_needs (job_id, needs_id, weight) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![id, need, weight],
    )?;
    Ok(())
}

pub(super) fn forget_needs(tx: &mut Tx, id: JobId) -> Result<()> {
    tx.execute("DELETE FROM job_needs WHERE job_id = ?1", params![id])?;
    Ok(())
}

pub(super) fn set_waiting(tx: &mut Tx, id: JobId) -> Result<()> {
    tx.execute("UPDATE jobs SET state = 'waiting', lease_ms = NULL, progress = NULL WHERE id = ?1", params![id])?;
    Ok(())
}

/// Makes waiting jobs ready whose needs are all over: `one` of them, or any.
pub(super) fn release(tx: &mut Tx, one: Option<JobId>) -> Result<usize> {
    let now = tx.now();
    let released = tx.execute(
        &format!(
            "UPDATE jobs SET state = 'ready', run_at_ms = ?1 WHERE state = 'waiting' AND (?2 IS NULL OR id = ?2)
             AND NOT EXISTS (SELECT 1 FROM job_needs n JOIN jobs j ON j.id = n.needs_id
                             WHERE n.job_id = jobs.id AND j.state NOT IN {OVER})"
        ),
        params![now, one],
    )?;
    if released > 0 {
        tx.wake_queue();
    }
    Ok(released)
}

/// The same for those that wait for `need`, which is over now.
fn release_after(tx: &mut Tx, need: JobId) -> Result<()> {
    let waiting = dependents(tx, need)?;
    for (id, state) in waiting {
        if state == JobState::Waiting {
            release(tx, Some(id))?;
        }
    }
    Ok(())
}

/// Jobs that need this one.
pub(super) fn dependents(db: &Db, need: JobId) -> Result<Vec<(JobId, JobState)>> {
    db.all(
        "SELECT j.id, j.state FROM job_needs n JOIN jobs j ON j.id = n.job_id WHERE n.needs_id = ?1 LIMIT 1000",
        params![need],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )
}

pub(super) fn needs_of(db: &Db, id: JobId) -> Result<Vec<Need>> {
    db.all(
        "SELECT j.id, j.kind, j.state, n.weight FROM job_needs n JOIN jobs j ON j.id = n.needs_id
         WHERE n.job_id = ?1 ORDER BY j.id LIMIT 1000",
        params![id],
        |r| Ok(Need { id: r.get(0)?, kind: r.get(1)?, state: r.get(2)?, weight: r.get(3)? }),
    )
}

/// For each job that waits for `id`: all that it waits for, as (waiting, needed, weight, state).
pub(super) fn families(db: &Db, id: JobId) -> Result<Vec<(JobId, JobId, i64, JobState)>> {
    db.all(
        "SELECT o.job_id, o.needs_id, o.weight, j.state FROM job_needs n
         JOIN job_needs o ON o.job_id = n.job_id JOIN jobs j ON j.id = o.needs_id
         WHERE n.needs_id = ?1 LIMIT 1000",
        params![id],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
    )
}

pub(super) fn any_due(db: &Db, lane: Lane, express: bool, now: Time) -> Result<bool> {
    let any = db.one(
        "SELECT 1 FROM jobs WHERE lane = ?1 AND state IN ('ready', 'retry') AND run_at_ms <= ?2
         AND (?3 = 0 OR priority > 0) LIMIT 1",
        params![lane, now, express],
        |_| Ok(()),
    )?;
    Ok(any.is_some())
}

pub(super) fn claim(tx: &mut Tx, lane: Lane, express: bool, lease: i64) -> Result<Option<Row>> {
    let now = tx.now();
    tx.one(
        &format!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_ms = ?2 + ?3, started_ms = ?2,
                progress = NULL, error = NULL, stderr = NULL, cancel_ms = NULL
             WHERE id = (SELECT id FROM jobs WHERE lane = ?1 AND state IN ('ready', 'retry') AND run_at_ms <= ?2
                         AND (?4 = 0 OR priority > 0) ORDER BY rank_ms, id LIMIT 1)
             RETURNING {COLUMNS}"
        ),
        params![lane, now, lease, express],
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
    let uncounted = matches!(ended, Ended::Later { .. } | Ended::HandedBack);
    let (state, result, error, stderr, run_at) = match ended {
        Ended::Done(result) => (JobState::Done, Some(result.to_string()), None, None, now),
        Ended::Failed { error, stderr } => (JobState::Failed, None, Some(error), Some(stderr), now),
        Ended::Retry { error, after } | Ended::Later { error, after } => {
            (JobState::Retry, None, Some(error), None, now.plus(after))
        }
        Ended::Cancelled => (JobState::Cancelled, None, None, None, now),
        Ended::HandedBack => (JobState::Ready, None, None, None, now),
    };
    // A retry beyond the last try is a dead letter; a try that does not count is none.
    let over = tx.one(
        &format!(
            "UPDATE jobs SET
                state = CASE WHEN ?2 = 'retry' AND ?8 = 0 AND attempts >= max_attempts THEN 'dead' ELSE ?2 END,
                attempts = attempts - ?8,
                result = ?3, error = ?4, stderr = ?5, run_at_ms = ?6, lease_ms = NULL, progress = NULL, cancel_ms = NULL,
                finished_ms = CASE WHEN ?2 IN {OVER} OR (?2 = 'retry' AND ?8 = 0 AND attempts >= max_attempts)
                              THEN ?7 END
             WHERE id = ?1 RETURNING state IN {OVER}"
        ),
        params![id, state, result, error, stderr, run_at, now, uncounted],
        |r| r.get::<_, bool>(0),
    )?;
    if over == Some(true) {
        release_after(tx, id)?;
    }
    Ok(())
}

/// (made ready, ended)
pub(super) fn recover(tx: &mut Tx) -> Result<(usize, usize)> {
    let now = tx.now();
    let ended = tx.execute(
        "UPDATE jobs SET state = CASE WHEN cancel_ms IS NULL THEN 'dead' ELSE 'cancelled' END, lease_ms = NULL,
            finished_ms = ?1, crashes = crashes + 1,
            error = CASE WHEN cancel_ms IS NULL
                    THEN 'the program ended ' || (crashes + 1) || ' times while this job ran' END
         WHERE state = 'running' AND (crashes + 1 >= ?2 OR cancel_ms IS NOT NULL)",
        params![now, CRASHES],
    )?;
    let ready = tx.execute(
        "UPDATE jobs SET state = 'ready', lease_ms = NULL, run_at_ms = ?1, crashes = crashes + 1,
            attempts = attempts - 1
         WHERE state = 'running'",
        params![now],
    )?;
    release(tx, None)?;
    Ok((ready, ended))
}

/// Asks for the end of a running job.
pub(super) fn ask_cancel(tx: &mut Tx, id: JobId) -> Result<()> {
    let now = tx.now();
    tx.execute("UPDATE jobs SET cancel_ms = ?2 WHERE id = ?1 AND state = 'running'", params![id, now])?;
    Ok(())
}

/// Running jobs whose end was asked for.
pub(super) fn to_cancel(db: &Db) -> Result<Vec<JobId>> {
    db.all("SELECT id FROM jobs WHERE state = 'running' AND cancel_ms IS NOT NULL LIMIT 1000", params![], |r| r.get(0))
}

/// As if it were new: with all its tries, at the end of the queue.
pub(super) fn revive(tx: &mut Tx, id: JobId) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE jobs SET state = 'ready', attempts = 0, crashes = 0, run_at_ms = ?2, rank_ms = ?2 - priority * 60000,
            error = NULL, stderr = NULL, result = NULL, finished_ms = NULL, dedup_key = NULL, cancel_ms = NULL
         WHERE id = ?1",
        params![id, now],
    )?;
    Ok(())
}

pub(super) fn set_priority(tx: &mut Tx, id: JobId, priority: i64) -> Result<()> {
    tx.execute(
        "UPDATE jobs SET priority = ?2, rank_ms = rank_ms + (priority - ?2) * 60000 WHERE id = ?1",
        params![id, priority],
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

pub(super) fn last_of_each(db: &Db, kinds: &[JobKind]) -> Result<Vec<Row>> {
    // Names of a closed set, never a caller's text.
    let newest =
        |k: &JobKind| format!("(SELECT id FROM jobs WHERE state = 'done' AND kind = '{k}' ORDER BY id DESC LIMIT 1)");
    let ids = kinds.iter().map(newest).collect::<Vec<_>>().join(", ");
    db.all(&format!("SELECT {COLUMNS} FROM jobs WHERE id IN ({ids})"), params![], from_row)
}

pub(super) fn by_states(db: &Db, states: &[JobState], kind: Option<JobKind>, limit: i64) -> Result<Vec<Row>> {
    // Names of a closed set, never a caller's text.
    let names = states.iter().map(|s| format!("'{s}'")).collect::<Vec<_>>().join(", ");
    db.all(
        &format!(
            "SELECT {COLUMNS} FROM jobs WHERE state IN ({names}) AND (?2 IS NULL OR kind = ?2) ORDER BY id DESC LIMIT ?1"
        ),
        params![limit, kind],
        from_row,
    )
}

pub(super) fn groups(db: &Db) -> Result<Vec<Group>> {
    db.all(
        "SELECT kind, coalesce(error, ''), count(*), max(id), coalesce(max(finished_ms), 0) FROM jobs
         WHERE state IN ('failed', 'dead') GROUP BY kind, error ORDER BY count(*) DESC, max(id) DESC LIMIT 100",
        params![],
        |r| Ok(Group { kind: r.get(0)?, error: r.get(1)?, count: r.get(2)?, newest: r.get(3)?, at: r.get(4)? }),
    )
}

pub(super) fn in_group(db: &Db, kind: JobKind, error: &str, limit: i64) -> Result<Vec<Row>> {
    db.all(
        &format!(
            "SELECT {COLUMNS} FROM jobs WHERE state IN ('failed', 'dead') AND kind = ?1 AND coalesce(error, '') = ?2
             ORDER BY id DESC LIMIT ?3"
        ),
        params![kind, error, limit],
        from_row,
    )
}

pub(super) fn lost_since(db: &Db, since: Time, but: JobKind) -> Result<i64> {
    let n = db.one(
        "SELECT count(*) FROM jobs WHERE state IN ('failed', 'dead') AND finished_ms > ?1 AND kind <> ?2",
        params![since, but],
        |r| r.get(0),
    )?;
    Ok(n.unwrap_or(0))
}

pub(super) fn is_last_failed(db: &Db, kind: JobKind) -> Result<bool> {
    // Failed ones are few; what is done is looked at only from the last of them on.
    let failed = db.one(
        "SELECT max(id) FROM jobs WHERE state IN ('failed', 'dead') AND kind = ?1 AND state = 'failed'",
        params![kind],
        |r| r.get::<_, Option<i64>>(0),
    )?;
    let Some(failed) = failed.flatten() else { return Ok(false) };
    let healed = db.one(
        "SELECT 1 FROM jobs WHERE state = 'done' AND id > ?2 AND kind = ?1 LIMIT 1",
        params![kind, failed],
        |_| Ok(()),
    )?;
    Ok(healed.is_none())
}

pub(super) fn counts(db: &Db) -> Result<Vec<(Lane, JobState, i64)>> {
    db.all("SELECT lane, state, count(*) FROM jobs GROUP BY lane, state", params![], |r| {
        Ok((r.get(0)?, r.get(1)?, r.get(2)?))
    })
}

pub(super) fn oldest_due(db: &Db, now: Time) -> Result<Vec<(Lane, Time)>> {
    db.all(
        "SELECT lane, min(run_at_ms) FROM jobs WHERE state IN ('ready', 'retry') AND run_at_ms <= ?1 GROUP BY lane",
        params![now],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )
}

/// (lane, places if they were changed, paused)
pub(super) fn lanes(db: &Db) -> Result<Vec<(Lane, Option<i64>, bool)>> {
    db.all("SELECT lane, places, paused FROM lanes", params![], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
}

pub(super) fn set_lane(tx: &mut Tx, lane: Lane, places: Option<i64>, paused: bool) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO lanes (lane, places, paused, updated_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (lane) DO UPDATE SET places = ?2, paused = ?3, updated_ms = ?4",
        params![lane, places, paused, now],
    )?;
    Ok(())
}
