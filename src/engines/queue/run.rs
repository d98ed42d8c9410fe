//! One run of one job: its heartbeat, its end, and what follows for it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::lanes::{Queue, Seat};
use super::{Ended, LEASE, Row, sql};
use crate::base::clock::{MINUTE, SECOND};
use crate::base::error::Error;
use crate::base::ids::JobId;
use crate::base::job::{Job, JobError, Progress};
use crate::engines::store::Store;
use crate::engines::trace::Work;

/// Back-off after the first failure; doubled each time.
const BACK_OFF: i64 = 5 * SECOND;
/// Longest back-off.
const BACK_OFF_MAX: i64 = 10 * MINUTE;
/// How long a job waits that could not go on for a reason that is not its own.
const LATER: i64 = 30 * SECOND;
/// Bytes of an error or a stderr tail that are kept.
const KEPT_TEXT: usize = 8 << 10;

/// What a running job holds of its run.
#[derive(Clone)]
pub struct Run {
    /// Which job.
    pub id: JobId,
    /// Is set when the job is cancelled or the program stops: end soon and answer [`JobError::Cancelled`].
    pub cancel: CancellationToken,
    pub(super) progress: Arc<Mutex<Progress>>,
}

impl Run {
    /// Tells where the job stands. Cheap; the store hears of it with the next heartbeat.
    pub fn progress(&self, now: Progress) {
        *self.progress.lock() = now;
    }
}

impl Queue {
    pub(super) async fn run_one<F, Fut>(&self, store: Store, row: Row, seat: Seat, run: F)
    where
        F: Fn(Job, Run) -> Fut,
        Fut: Future<Output = Result<Value, JobError>> + Send + 'static,
    {
        let (id, kind) = (row.id, row.kind);
        let handle = self.begin(&store, &row).await;
        let traced = Work::job(kind.as_str(), row.lane.as_str(), id.0, row.attempts);
        let outcome = match row.job {
            None => Err(JobError::Fail { error: "the job's payload is not understood".into(), stderr: String::new() }),
            Some(job) => {
                let mut work = tokio::spawn(traced.within(run(job, handle.clone())));
                let mut heartbeat = tokio::time::interval(Duration::from_millis(LEASE as u64 / 3));
                heartbeat.tick().await;
                let mut overdue = pin!(self.overdue(&handle.cancel));
                loop {
                    tokio::select! {
                        ended = &mut work => break ended.unwrap_or_else(|e| {
                            // A panic repeats itself; a retry gives it its few chances all the same.
                            Err(JobError::Retry(anyhow::anyhow!("the job panicked: {e}")))
                        }),
                        () = &mut overdue => {
                            work.abort();
                            tracing::warn!(job = id.0, kind = kind.as_str(), "a job did not end: it is handed back");
                            break Err(JobError::Cancelled);
                        }
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
        let by_person = self.end(id);
        let ended = match outcome {
            Ok(result) => Some(Ended::Done(result)),
            Err(JobError::Waits) => None,
            Err(_) if by_person => Some(Ended::Cancelled),
            Err(_) if self.stops() => Some(Ended::HandedBack),
            Err(JobError::Cancelled) => Some(Ended::Cancelled),
            Err(JobError::Fail { error, stderr }) => {
                tracing::warn!(job = id.0, kind = kind.as_str(), error, "job failed");
                Some(Ended::Failed { error: tail(error), stderr: tail(stderr) })
            }
            Err(JobError::Retry(e)) => {
                tracing::warn!(job = id.0, kind = kind.as_str(), error = format!("{e:#}"), "job will be tried again");
                Some(Ended::Retry { error: tail(format!("{e:#}")), after: back_off(row.attempts) })
            }
            Err(JobError::RetryIn(e, after)) => {
                tracing::warn!(job = id.0, kind = kind.as_str(), error = format!("{e:#}"), "job will be tried again");
                Some(Ended::Retry { error: tail(format!("{e:#}")), after: after.max(0) })
            }
            Err(JobError::Later(e)) => {
                tracing::warn!(job = id.0, kind = kind.as_str(), error = format!("{e:#}"), "job waits");
                Some(Ended::Later { error: tail(format!("{e:#}")), after: LATER })
            }
        };
        let outcome = ended.as_ref().map_or("waits", Ended::name);
        traced.end(outcome, matches!(ended, Some(Ended::Failed { .. } | Ended::Retry { .. })));
        self.count(kind, outcome);
        if let Some(ended) = ended {
            mark(&store, id, ended).await;
        }
        drop(seat);
        self.wake();
    }
}

/// Writes how a run ended. The mark must not be lost to a queue that is full for a moment; the lease would heal it only
/// at the next start.
async fn mark(store: &Store, id: JobId, ended: Ended) {
    for _ in 0..50 {
        let ended = ended.clone();
        match store.write(move |tx| sql::finish(tx, id, ended)).await {
            Ok(()) => return,
            Err(Error::Busy { .. }) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(e) => return tracing::error!(job = id.0, error = %e, "cannot mark the end of a job"),
        }
    }
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
