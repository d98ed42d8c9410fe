//! What follows a commit, in commit order: the switchboard from facts to those who wait for them.
//!
//! Runs on the writer's thread before the writes are answered, so it only wakes and publishes: no statement, no waiting.

use crate::engines::queue::Queue;
use crate::engines::store::Batch;

/// Whom a commit concerns.
pub struct Effects {
    /// Wakes when jobs were added.
    pub queue: Queue,
}

impl Effects {
    /// Tells everybody whom `batch` concerns.
    pub fn after(&self, batch: Batch) {
        if batch.jobs_added {
            self.queue.wake();
        }
    }
}
