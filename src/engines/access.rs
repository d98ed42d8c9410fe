//! Who asks for what, counted in memory until somebody takes the counts away: what the access log is written from.
//!
//! Law: off the request's path, and bounded. Counting is one look under one lock; where much is asked only every
//! `STRIDE`th request is counted, for all of them; pairs beyond `PAIRS` are not counted at all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::base::ids::{ProjectId, UserId};

/// Requests since the last time that are counted one by one.
const ALL_BELOW: u64 = 2_000;
/// Above that, every so many.
const STRIDE: u64 = 16;
/// Pairs of person and project that are counted at once.
const PAIRS: usize = 10_000;

/// The counts since they were last taken.
#[derive(Default)]
pub struct Access {
    seen: AtomicU64,
    counts: Mutex<HashMap<(UserId, Option<ProjectId>), u64>>,
}

impl Access {
    /// A person asked for something of a project, or of no single one.
    pub fn note(&self, user: UserId, project: Option<ProjectId>) {
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        let weight = if seen < ALL_BELOW { 1 } else { STRIDE };
        if !seen.is_multiple_of(weight) {
            return;
        }
        let mut counts = self.counts.lock();
        let full = counts.len() >= PAIRS;
        match counts.get_mut(&(user, project)) {
            Some(n) => *n += weight,
            None if full => {}
            None => {
                counts.insert((user, project), weight);
            }
        }
    }

    /// Takes the counts away.
    pub fn take(&self) -> Vec<((UserId, Option<ProjectId>), u64)> {
        self.seen.store(0, Ordering::Relaxed);
        std::mem::take(&mut *self.counts.lock()).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_is_sampled_and_counts_for_all() {
        let access = Access::default();
        for i in 0..100_000 {
            access.note(UserId(i % 10), Some(ProjectId(i % 10)));
        }
        let counts = access.take();
        let all: u64 = counts.iter().map(|(_, n)| n).sum();
        assert!((90_000..110_000).contains(&all), "{all}");
        assert!(access.take().is_empty());
    }

    #[test]
    fn pairs_are_bounded() {
        let access = Access::default();
        for i in 0..1_000_000 {
            access.note(UserId(i), None);
        }
        assert_eq!(access.take().len(), PAIRS);
    }
}
