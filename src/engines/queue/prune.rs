//! Jobs that are long over are forgotten, in steps between which others write.

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{sql, sql_prune};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::job::JobState;
use crate::engines::store::Store;

/// Jobs that one change removes.
const STEP: i64 = 500;

/// Up to when jobs are forgotten; `None` keeps them for ever.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Those that ended well, or were cancelled, before this.
    pub done: Option<Time>,
    /// Those that failed before this.
    pub failed: Option<Time>,
}

/// How many were forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Pruned {
    /// Ended well, or cancelled.
    pub done: usize,
    /// Failed.
    pub failed: usize,
}

/// Forgets what ended before its time. What points to a job (a film, a schedule) points to none afterwards.
pub async fn prune(store: &Store, keep: Keep, stop: &CancellationToken) -> Result<Pruned> {
    let mut pruned = Pruned::default();
    for (before, states, count) in [
        (keep.done, [JobState::Done, JobState::Cancelled], &mut pruned.done),
        (keep.failed, [JobState::Failed, JobState::Dead], &mut pruned.failed),
    ] {
        let Some(before) = before else { continue };
        for state in states {
            while !stop.is_cancelled() {
                let n = store.write(move |tx| sql_prune::prune(tx, state, before, STEP)).await?;
                *count += n;
                if (n as i64) < STEP {
                    break;
                }
            }
        }
    }
    // One that waited for a job which is gone now waits no more.
    store.write(|tx| sql::release(tx, None)).await?;
    Ok(pruned)
}
