//! The durable queue: jobs are rows, claimed under a lease, run in lanes, retried with back-off, kept as dead letters.
//!
//! Laws: a job is added in the transaction of the change that causes it. It may run twice (a crash after its work and
//! before its mark), so its work is idempotent. One process works a data directory (`App` holds its lock), so at start
//! every running job is one whose process died: it becomes ready again without a try lost, and dead when the program
//! ended [`CRASHES`] times while it ran, since it may be what ends it. Nothing waits forever: a point of priority is
//! worth a minute of waiting, not the head of the queue.
//!
//! Here are the rows and what is asked of them; `lanes` runs them, `run` is one run, `steer` is what people change.

mod lanes;
mod prune;
mod run;
mod sql;
mod sql_prune;
mod steer;

use serde::Serialize;
use serde_json::Value;

use crate::base::clock::{SECOND, Time};
use crate::base::error::{Error, Result};
use crate::base::ids::{JobId, ProjectId, UserId};
use crate::base::job::{Job, JobKind, JobState, Lane, Progress};
use crate::engines::store::{Db, Tx};
pub use lanes::{LaneNow, Lanes, MAX_PLACES, Queue};
pub use prune::{Keep, Pruned, prune};
pub use run::Run;
pub use steer::{LaneChange, cancel, prioritise, retry, retry_all, set_lane};

/// A lease holds this long and is renewed at a third of it.
const LEASE: i64 = 30 * SECOND;
/// Times that the program may end while a job runs, before the job is a dead letter.
pub const CRASHES: i64 = 3;
/// Priorities lie between minus and plus this: a day of waiting.
pub const MAX_PRIORITY: i64 = 1440;

/// A job to be added.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// What to do.
    pub job: Job,
    /// Each point moves it a minute ahead in the queue; 0 is common. Within ±[`MAX_PRIORITY`].
    pub priority: i64,
    /// While a job with this key waits or runs, another one with it is not added.
    pub dedup_key: Option<String>,
    /// Whose members may see it.
    pub project: Option<ProjectId>,
    /// Who caused it.
    pub user: Option<UserId>,
    /// It runs when all of these are over, however they ended; it looks for itself. With each its weight: the share in
    /// the progress that is told of this one while it waits.
    pub needs: Vec<(JobId, i64)>,
}

impl From<Job> for NewJob {
    fn from(job: Job) -> NewJob {
        NewJob { job, priority: 0, dedup_key: None, project: None, user: None, needs: Vec::new() }
    }
}

/// Adds a job to the change; answers its id, or the id of the one that already waits under the same key.
pub fn enqueue(tx: &mut Tx, new: impl Into<NewJob>) -> Result<JobId> {
    let new = new.into();
    tx.wake_queue();
    match (sql::insert(tx, &new)?, &new.dedup_key) {
        (Some(id), _) => {
            needs(tx, id, &new.needs)?;
            Ok(id)
        }
        (None, Some(key)) => sql::by_dedup_key(tx, key)?.ok_or_else(|| Error::internal("a job with this key is gone")),
        (None, None) => Err(Error::internal("a job was not added")),
    }
}

/// Makes a job wait for others, and it alone: what it needed before is forgotten. A running job that calls this about
/// itself ends its run with [`JobError::Waits`](crate::base::job::JobError::Waits).
pub fn wait_for(tx: &mut Tx, id: JobId, on: &[(JobId, i64)]) -> Result<()> {
    sql::forget_needs(tx, id)?;
    needs(tx, id, on)
}

fn needs(tx: &mut Tx, id: JobId, on: &[(JobId, i64)]) -> Result<()> {
    if on.is_empty() {
        return Ok(());
    }
    for (need, weight) in on {
        sql::add_need(tx, id, *need, (*weight).max(1))?;
    }
    sql::set_waiting(tx, id)?;
    // Those that it needs may be over already.
    sql::release(tx, Some(id))?;
    Ok(())
}

/// A job as it stands in the store.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its id.
    pub id: JobId,
    /// Its kind.
    pub kind: JobKind,
    /// Where it waits.
    pub lane: Lane,
    /// Where it stands.
    pub state: JobState,
    /// Minutes that it is moved ahead in the queue.
    pub priority: i64,
    /// Times it was begun.
    pub attempts: i64,
    /// Times it may be begun.
    pub max_attempts: i64,
    /// Times the program ended while it ran.
    pub crashes: i64,
    /// Present progress, while it runs.
    pub progress: Option<Progress>,
    /// What it brought.
    pub result: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// Tail of its child's stderr.
    pub stderr: Option<String>,
    /// When it was added.
    pub created: Time,
    /// When it was last begun.
    pub started: Option<Time>,
    /// When it ended.
    pub finished: Option<Time>,
    /// When it will be tried again.
    pub run_at: Time,
    /// When somebody asked for its end, while it runs.
    pub cancelled: Option<Time>,
    /// Whose members may see it.
    pub project: Option<ProjectId>,
    /// Who caused it.
    pub user: Option<UserId>,
    #[serde(skip)]
    job: Option<Job>,
}

impl Row {
    /// What it is to do; `None` for a payload that this binary does not know any more.
    pub fn job(&self) -> Option<&Job> {
        self.job.as_ref()
    }
}

/// A job that another one waits for.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = JobNeed)]
pub struct Need {
    /// Its id.
    pub id: JobId,
    /// Its kind.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// Its share in the progress.
    #[serde(skip)]
    pub weight: i64,
}

/// Jobs that were lost for the same reason.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// Their kind.
    pub kind: JobKind,
    /// The reason.
    pub error: String,
    /// How many.
    pub count: i64,
    /// The newest one.
    pub newest: JobId,
    /// When the newest one ended.
    pub at: Time,
}

/// One job's row.
pub fn by_id(db: &Db, id: JobId) -> Result<Option<Row>> {
    sql::by_id(db, id)
}

/// What a job waits or waited for.
pub fn needs_of(db: &Db, id: JobId) -> Result<Vec<Need>> {
    sql::needs_of(db, id)
}

/// Jobs in any of `states`, newest first, at most `limit`. With `kind`, of that kind alone.
pub fn by_states(db: &Db, states: &[JobState], kind: Option<JobKind>, limit: i64) -> Result<Vec<Row>> {
    sql::by_states(db, states, kind, limit)
}

/// Failed jobs and dead letters by kind and reason, the largest groups first, 100 at the most.
pub fn groups(db: &Db) -> Result<Vec<Group>> {
    sql::groups(db)
}

/// Failed jobs and dead letters of one kind with one reason, newest first, at most `limit`.
pub fn in_group(db: &Db, kind: JobKind, error: &str, limit: i64) -> Result<Vec<Row>> {
    sql::in_group(db, kind, error, limit)
}

/// The newest job of a kind that has ended well.
pub fn last_of(db: &Db, kind: JobKind) -> Result<Option<Row>> {
    sql::last_of(db, kind)
}

/// The newest job of each of these kinds that has ended well.
pub fn last_of_each(db: &Db, kinds: &[JobKind]) -> Result<Vec<Row>> {
    sql::last_of_each(db, kinds)
}

/// How many jobs failed for good after `since`, but for those of one kind.
pub fn lost_since(db: &Db, since: Time, but: JobKind) -> Result<i64> {
    sql::lost_since(db, since, but)
}

/// Did the last job of a kind that ended find that it cannot succeed? Dead letters and cancelled ones say nothing.
pub fn is_last_failed(db: &Db, kind: JobKind) -> Result<bool> {
    sql::is_last_failed(db, kind)
}

/// How many jobs are in each lane and state.
pub fn counts(db: &Db) -> Result<Vec<(Lane, JobState, i64)>> {
    sql::counts(db)
}

/// When the job that has been due longest in each lane became due.
pub fn oldest_due(db: &Db, now: Time) -> Result<Vec<(Lane, Time)>> {
    sql::oldest_due(db, now)
}

#[derive(Clone, Debug)]
enum Ended {
    Done(Value),
    Failed {
        error: String,
        stderr: String,
    },
    Retry {
        error: String,
        after: i64,
    },
    /// The try does not count.
    Later {
        error: String,
        after: i64,
    },
    Cancelled,
    /// The program stops: the try does not count.
    HandedBack,
}

impl Ended {
    /// How a run ended, in a word for counters and traces.
    fn name(&self) -> &'static str {
        match self {
            Ended::Done(_) => "done",
            Ended::Failed { .. } => "failed",
            Ended::Retry { .. } => "retry",
            Ended::Later { .. } => "later",
            Ended::Cancelled => "cancelled",
            Ended::HandedBack => "handed_back",
        }
    }
}

#[cfg(test)]
mod tests;
