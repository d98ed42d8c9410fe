//! The durable queue: jobs are rows, claimed under a lease, run in lanes, retried with back-off, kept as dead letters.
//!
//! Laws: a job is added in the transaction of the change that causes it. It may run twice (a crash after its work and
//! before its mark), so its work is idempotent. One process works a data directory (`App` holds its lock), so at start
//! every running job is one whose process died: it becomes ready again, and dead when it was tried too often.

mod prune;
mod sql;
mod sql_prune;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::base::clock::{Clock, MINUTE, SECOND, Time};
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::{JobId, ProjectId, UserId};
use crate::base::job::{Job, JobError, JobKind, JobState, Lane, Progress};
use crate::base::locale::Text;
use crate::engines::store::{Db, Store, Tx};
pub use prune::{Keep, Pruned, prune};

/// A lease holds this long and is renewed at a third of it.
const LEASE: i64 = 30 * SECOND;
/// How often an idle lane looks for jobs whose back-off has passed.
const POLL: Duration = Duration::from_secs(1);
/// Back-off after the first failure; doubled each time.
const BACK_OFF: i64 = 5 * SECOND;
/// Longest back-off.
const BACK_OFF_MAX: i64 = 10 * MINUTE;
/// Bytes of an error or a stderr tail that are kept.
const KEPT_TEXT: usize = 8 << 10;

/// A job to be added.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// What to do.
    pub job: Job,
    /// Higher runs first; 0 is common.
    pub priority: i64,
    /// While a job with this key waits or runs, another one with it is not added.
    pub dedup_key: Option<String>,
    /// Whose members may see it.
    pub project: Option<ProjectId>,
    /// Who caused it.
    pub user: Option<UserId>,
}

impl From<Job> for NewJob {
    fn from(job: Job) -> NewJob {
        NewJob { job, priority: 0, dedup_key: None, project: None, user: None }
    }
}

/// Adds a job to the change; answers its id, or the id of the one that already waits under the same key.
pub fn enqueue(tx: &mut Tx, new: impl Into<NewJob>) -> Result<JobId> {
    let new = new.into();
    let id = sql::insert(tx, &new)?;
    tx.wake_queue();
    match (id, &new.dedup_key) {
        (Some(id), _) => Ok(id),
        (None, Some(key)) => sql::by_dedup_key(tx, key)?.ok_or_else(|| Error::internal("a job with this key is gone")),
        (None, None) => Err(Error::internal("a job was not added")),
    }
}

/// A job as it stands in the store.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Job)]
pub struct Row {
    /// Its id.
    pub id: JobId,
    /// Its kind.
    pub kind: JobKind,
    /// Where it waits.
    pub lane: Lane,
    /// Where it stands.
    pub state: JobState,
    /// Higher runs first.
    pub priority: i64,
    /// Times it was begun.
    pub attempts: i64,
    /// Times it may be begun.
    pub max_attempts: i64,
    /// Present progress, while it runs.
    pub progress: Option<Progress>,
    /// What it brought.
    pub result: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// Tail of its child's stderr.
    #[serde(skip)]
    pub stderr: Option<String>,
    /// When it was added.
    pub created: Time,
    /// When it was last begun.
    pub started: Option<Time>,
    /// When it ended.
    pub finished: Option<Time>,
    /// When it will be tried again.
    pub run_at: Time,
    /// Whose members may see it.
    #[serde(skip)]
    pub project: Option<ProjectId>,
    /// Who caused it.
    #[serde(skip)]
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

/// What a running job holds of its run.
#[derive(Clone)]
pub struct Run {
    /// Which job.
    pub id: JobId,
    /// Is set when the job is cancelled or the program stops: end soon and answer [`JobError::Cancelled`].
    pub cancel: CancellationToken,
    progress: Arc<Mutex<Progress>>,
}

impl Run {
    /// Tells where the job stands. Cheap; the store hears of it with the next heartbeat.
    pub fn progress(&self, now: Progress) {
        *self.progress.lock() = now;
    }
}

struct Running {
    cancel: CancellationToken,
    cancelled_by_person: bool,
    progress: Arc<Mutex<Progress>>,
}

/// The queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    running: Mutex<HashMap<JobId, Running>>,
    wake: Notify,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// How many jobs of each lane run at once.
#[derive(Clone, Copy, Debug)]
pub struct Lanes {
    /// [`Lane::Light`]
    pub light: usize,
    /// [`Lane::Media`]
    pub media: usize,
    /// [`Lane::Maintenance`]
    pub maintenance: usize,
}

impl Queue {
    /// A queue that does not run yet.
    pub fn new(clock: Clock) -> Queue {
        let inner = Inner {
            clock,
            running: Mutex::default(),
            wake: Notify::new(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        Queue { inner: Arc::new(inner) }
    }

    /// Looks for work now; called after a commit that added jobs.
    pub fn wake(&self) {
        self.inner.wake.notify_waiters();
    }

    /// Takes back what a dead process left, then runs every lane. `run` does one job.
    pub async fn start<F, Fut>(&self, store: Store, lanes: Lanes, run: F) -> Result<()>
    where
        F: Fn(Job, Run) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, JobError>> + Send + 'static,
    {
        let (ready, dead) = store.write(sql::recover).await?;
        if ready + dead > 0 {
            tracing::warn!(ready, dead, "took back jobs of a process that ended while they ran");
        }
        for (lane, places) in
            [(Lane::Light, lanes.light), (Lane::Media, lanes.media), (Lane::Maintenance, lanes.maintenance)]
        {
            let (queue, store, run) = (self.clone(), store.clone(), run.clone());
            self.inner.tasks.spawn(async move { queue.lane(store, lane, places, run).await });
        }
        Ok(())
    }

    async fn lane<F, Fut>(&self, store: Store, lane: Lane, places: usize, run: F)
    where
        F: Fn(Job, Run) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Value, JobError>> + Send + 'static,
    {
        let permits = Arc::new(Semaphore::new(places));
        while !self.inner.stop.is_cancelled() {
            let Ok(permit) = permits.clone().acquire_owned().await else { return };
            // Registered before looking, so that a job added between the look and the wait is not missed.
            let woken = self.inner.wake.notified();
            match self.claim(&store, lane).await {
                Ok(Some(row)) => {
                    let (queue, store, run) = (self.clone(), store.clone(), run.clone());
                    self.inner.tasks.spawn(async move {
                        queue.run_one(store, row, run).await;
                        drop(permit);
                    });
                    continue;
                }
                Ok(None) => {}
                Err(e) => tracing::error!(error = %e, lane = lane.as_str(), "cannot look for jobs"),
            }
            drop(permit);
            tokio::select! {
                _ = woken => {}
                _ = tokio::time::sleep(POLL) => {}
                _ = self.inner.stop.cancelled() => return,
            }
        }
    }

    async fn claim(&self, store: &Store, lane: Lane) -> Result<Option<Row>> {
        let now = self.inner.clock.now();
        // The look is a read: an idle lane writes nothing.
        if !store.read(move |db| sql::any_due(db, lane, now)).await? {
            return Ok(None);
        }
        store.write(move |tx| sql::claim(tx, lane, LEASE)).await
    }

    async fn run_one<F, Fut>(&self, store: Store, row: Row, run: F)
    where
        F: Fn(Job, Run) -> Fut,
        Fut: Future<Output = Result<Value, JobError>> + Send + 'static,
    {
        let (id, kind) = (row.id, row.kind);
        let handle = Run { id, cancel: self.inner.stop.child_token(), progress: Arc::default() };
        self.inner.running.lock().insert(
            id,
            Running { cancel: handle.cancel.clone(), cancelled_by_person: false, progress: handle.progress.clone() },
        );
        let outcome = match row.job {
            None => Err(JobError::Fail { error: "the job's payload is not understood".into(), stderr: String::new() }),
            Some(job) => {
                let mut work = tokio::spawn(run(job, handle.clone()));
                let mut heartbeat = tokio::time::interval(Duration::from_millis(LEASE as u64 / 3));
                heartbeat.tick().await;
                loop {
                    tokio::select! {
                        ended = &mut work => break ended.unwrap_or_else(|e| {
                            // A panic repeats itself; a retry gives it its few chances all the same.
                            Err(JobError::Retry(anyhow::anyhow!("the job panicked: {e}")))
                        }),
                        _ = heartbeat.tick() => {
                            let progress = *handle.progress.lock();
                            if let Err(e) = store.write(move |tx| sql::renew(tx, id, LEASE, progress)).await {
                                tracing::warn!(job = id.0, error = %e, "cannot renew a lease");
                            }
                        }
                    }
                }
            }
        };
        let by_person = self.inner.running.lock().remove(&id).is_some_and(|r| r.cancelled_by_person);
        let ended = match outcome {
            Ok(result) => Ended::Done(result),
            Err(_) if by_person => Ended::Cancelled,
            Err(_) if self.inner.stop.is_cancelled() => Ended::HandedBack,
            Err(JobError::Cancelled) => Ended::Cancelled,
            Err(JobError::Fail { error, stderr }) => {
                tracing::warn!(job = id.0, kind = kind.as_str(), error, "job failed");
                Ended::Failed { error: tail(error), stderr: tail(stderr) }
            }
            Err(JobError::Retry(e)) => {
                tracing::warn!(job = id.0, kind = kind.as_str(), error = format!("{e:#}"), "job will be tried again");
                Ended::Retry { error: tail(format!("{e:#}")), after: back_off(row.attempts) }
            }
        };
        // The mark must not be lost to a queue that is full for a moment; the lease would heal it only at the next start.
        for _ in 0..50 {
            let ended = ended.clone();
            match store.write(move |tx| sql::finish(tx, id, ended)).await {
                Ok(()) => break,
                Err(Error::Busy { .. }) => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(e) => {
                    tracing::error!(job = id.0, error = %e, "cannot mark the end of a job");
                    break;
                }
            }
        }
        self.wake();
    }

    /// The present progress of a running job.
    pub fn progress(&self, id: JobId) -> Option<Progress> {
        self.inner.running.lock().get(&id).map(|r| *r.progress.lock())
    }

    /// Stops a job: a waiting one never runs, a running one is told to end and its child is killed.
    pub async fn cancel(&self, store: &Store, actor: Option<UserId>, id: JobId) -> Result<()> {
        let kind = store
            .write(move |tx| {
                let row = sql::by_id(tx, id)?.ok_or(Error::NotFound("job"))?;
                if !matches!(row.state, JobState::Ready | JobState::Retry | JobState::Running) {
                    return Err(Error::Conflict(Text::new("error.job_is_over")));
                }
                if row.state != JobState::Running {
                    sql::finish(tx, id, Ended::Cancelled)?;
                }
                tx.emit(row.project, actor, Event::JobCancelled { job: id, kind: row.kind }, None)?;
                Ok(row.kind)
            })
            .await?;
        if let Some(running) = self.inner.running.lock().get_mut(&id) {
            running.cancelled_by_person = true;
            running.cancel.cancel();
        }
        tracing::info!(job = id.0, kind = kind.as_str(), "job cancelled");
        Ok(())
    }

    /// Gives a job that is over another full set of tries.
    pub async fn retry(&self, store: &Store, actor: Option<UserId>, id: JobId) -> Result<()> {
        store
            .write(move |tx| {
                let row = sql::by_id(tx, id)?.ok_or(Error::NotFound("job"))?;
                if !matches!(row.state, JobState::Failed | JobState::Dead | JobState::Cancelled) {
                    return Err(Error::Conflict(Text::new("error.job_is_not_over")));
                }
                sql::revive(tx, id)?;
                tx.wake_queue();
                tx.emit(row.project, actor, Event::JobRetried { job: id, kind: row.kind }, None)?;
                Ok(())
            })
            .await
    }

    /// Cancels what runs, waits until it has ended and was handed back.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

/// One job's row.
pub fn by_id(db: &Db, id: JobId) -> Result<Option<Row>> {
    sql::by_id(db, id)
}

/// Jobs in any of `states`, newest first, at most `limit`.
pub fn by_states(db: &Db, states: &[JobState], limit: i64) -> Result<Vec<Row>> {
    sql::by_states(db, states, limit)
}

/// The newest job of a kind that has ended well.
pub fn last_of(db: &Db, kind: JobKind) -> Result<Option<Row>> {
    sql::last_of(db, kind)
}

/// How many jobs are in each state.
pub fn counts(db: &Db) -> Result<Vec<(JobState, i64)>> {
    sql::counts(db)
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
    Cancelled,
    /// The program stops: the try does not count.
    HandedBack,
}

/// Milliseconds until the next try: doubling, with a jitter of ±20 % so that jobs that failed together do not come
/// back together.
fn back_off(attempts: i64) -> i64 {
    let base = BACK_OFF.saturating_mul(1 << (attempts - 1).clamp(0, 20)).min(BACK_OFF_MAX);
    let jitter = i64::from(crate::base::secret::random::<1>()[0]) - 128;
    base + base * jitter / 640
}

fn tail(text: String) -> String {
    if text.len() <= KEPT_TEXT {
        return text;
    }
    let mut from = text.len() - KEPT_TEXT;
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text[from..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_within_its_jitter_and_limit() {
        for (attempts, base) in [(1, 5_000), (2, 10_000), (3, 20_000), (40, 600_000)] {
            let ms = back_off(attempts);
            assert!((base * 79 / 100..=base * 121 / 100).contains(&ms), "{attempts}: {ms}");
        }
    }

    #[test]
    fn a_tail_is_cut_between_characters() {
        let cut = tail("가".repeat(KEPT_TEXT));
        assert!(cut.len() <= KEPT_TEXT && cut.chars().all(|c| c == '가'));
    }
}
