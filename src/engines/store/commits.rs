//! What the writer's commits are like: how long they take, how many changes share one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::engines::metrics::{Histogram, Times};

/// The most changes that a commit of each class holds; one more class is for all above.
const SIZES: [usize; 4] = [1, 4, 16, 64];

#[derive(Default)]
pub(super) struct Counts {
    off: AtomicBool,
    times: Histogram,
    sizes: [AtomicU64; SIZES.len() + 1],
    changes: AtomicU64,
    failed: AtomicU64,
}

/// Commits since the start.
#[derive(Clone)]
pub struct Commits {
    /// How long they took to be on the disk.
    pub times: Times,
    /// How many held up to so many changes; the last class is for all above.
    pub sizes: Vec<(Option<usize>, u64)>,
    /// Changes in all of them.
    pub changes: u64,
    /// Commits that failed.
    pub failed: u64,
}

impl Commits {
    /// How many.
    pub fn count(&self) -> u64 {
        self.times.count()
    }

    /// Changes a commit.
    pub fn changes_each(&self) -> f64 {
        self.changes as f64 / self.count().max(1) as f64
    }
}

impl Counts {
    pub(super) fn set(&self, on: bool) {
        self.off.store(!on, Ordering::Relaxed);
    }

    pub(super) fn note(&self, changes: usize, took: Duration, done: bool) {
        if self.off.load(Ordering::Relaxed) {
            return;
        }
        self.times.record(took);
        let class = SIZES.iter().position(|most| changes <= *most).unwrap_or(SIZES.len());
        self.sizes[class].fetch_add(1, Ordering::Relaxed);
        self.changes.fetch_add(changes as u64, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(!done), Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Commits {
        let n = |c: &AtomicU64| c.load(Ordering::Relaxed);
        let most = SIZES.into_iter().map(Some).chain([None]);
        Commits {
            times: self.times.read(),
            sizes: most.zip(self.sizes.iter().map(n)).collect(),
            changes: n(&self.changes),
            failed: n(&self.failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_counted_by_size() {
        let counts = Counts::default();
        for changes in [1, 1, 4, 5, 64, 65] {
            counts.note(changes, Duration::from_millis(2), true);
        }
        counts.set(false);
        counts.note(9, Duration::from_millis(2), false);
        let read = counts.read();
        assert_eq!(read.sizes, [(Some(1), 2), (Some(4), 1), (Some(16), 1), (Some(64), 1), (None, 1)]);
        assert_eq!((read.count(), read.changes, read.failed), (6, 140, 0));
    }
}
