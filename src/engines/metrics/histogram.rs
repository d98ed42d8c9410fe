//! Times in buckets that are fine where it matters: 32 to a decade, from 10 µs to 100 s, each at most 12 % wide.
//!
//! The borders are decimal (1.0, 1.1 … 2.0, 2.25 … 5.0, 5.5 … times a power of ten), so that 100 ms, 200 ms and 500 ms are
//! borders themselves and a count up to a budget is exact.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const DECADES: usize = 7;
const PER_DECADE: usize = 32;
/// One more below the first decade and one above the last.
const BUCKETS: usize = DECADES * PER_DECADE + 2;
/// The first decade begins at 10 µs. Nanoseconds, so that every border is a whole number.
const FIRST_NS: u64 = 10_000;

/// Counts times; shared and without a lock.
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_us: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum_us: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts one.
    pub fn record(&self, took: Duration) {
        let ns = took.as_nanos().min(u128::from(u64::MAX / 1_000)) as u64;
        self.buckets[bucket(ns)].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(ns / 1_000, Ordering::Relaxed);
    }

    /// What it holds now.
    pub fn read(&self) -> Times {
        let counts = std::array::from_fn(|i| self.buckets[i].load(Ordering::Relaxed));
        Times { counts, sum_us: self.sum_us.load(Ordering::Relaxed) }
    }
}

/// What a histogram held, in as little room as it needs: the buckets that are not 0, and how many in each.
pub(super) struct Sparse {
    buckets: Box<[u8]>,
    counts: Box<[u32]>,
    sum_us: u64,
}

const _: () = assert!(BUCKETS <= 256, "a bucket is named by a byte");

/// What a histogram held at a moment, or between two.
#[derive(Clone)]
pub struct Times {
    counts: [u64; BUCKETS],
    sum_us: u64,
}

impl Default for Times {
    fn default() -> Times {
        Times { counts: [0; BUCKETS], sum_us: 0 }
    }
}

impl Times {
    /// How many.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All of them together, in microseconds.
    pub fn sum_us(&self) -> u64 {
        self.sum_us
    }

    /// How many took less than `us`; exact where `us` is a border.
    pub fn below(&self, us: u64) -> u64 {
        self.counts[..bucket(us * 1_000)].iter().sum()
    }

    /// The time that a part `q` (0–1) of them did not exceed, in microseconds; 0 if there are none. Within its bucket the
    /// times are taken for evenly spread.
    pub fn quantile_us(&self, q: f64) -> u64 {
        let count = self.count();
        let rank = ((count as f64 * q).ceil() as u64).clamp(1, count.max(1));
        let mut seen = 0;
        for (i, n) in self.counts.iter().enumerate() {
            seen += n;
            if seen >= rank && *n > 0 {
                let (low, high) = (border(i), border(i + 1));
                let within = (rank - (seen - n)) as f64 - 0.5;
                return (low as f64 + (high - low) as f64 * within / *n as f64) as u64 / 1_000;
            }
        }
        0
    }

    /// What was counted since `earlier`.
    pub fn since(&self, earlier: &Times) -> Times {
        Times {
            counts: std::array::from_fn(|i| self.counts[i].saturating_sub(earlier.counts[i])),
            sum_us: self.sum_us.saturating_sub(earlier.sum_us),
        }
    }

    pub(super) fn sparse(&self) -> Sparse {
        let some = || self.counts.iter().enumerate().filter(|(_, n)| **n > 0);
        Sparse {
            buckets: some().map(|(i, _)| i as u8).collect(),
            counts: some().map(|(_, n)| (*n).min(u64::from(u32::MAX)) as u32).collect(),
            sum_us: self.sum_us,
        }
    }

    pub(super) fn add_sparse(&mut self, other: &Sparse) {
        for (bucket, n) in other.buckets.iter().zip(&other.counts) {
            self.counts[usize::from(*bucket)] += u64::from(*n);
        }
        self.sum_us += other.sum_us;
    }

    /// Takes `other` in.
    pub fn add(&mut self, other: &Times) {
        self.counts.iter_mut().zip(other.counts).for_each(|(a, b)| *a += b);
        self.sum_us += other.sum_us;
    }
}

/// The bucket of a time.
fn bucket(ns: u64) -> usize {
    if ns < FIRST_NS {
        return 0;
    }
    let decade = (ns / FIRST_NS).ilog10() as usize;
    if decade >= DECADES {
        return BUCKETS - 1;
    }
    // From 1000 to 9999 within its decade.
    let within = ns / (FIRST_NS / 1000 * 10u64.pow(decade as u32));
    let step = match within {
        ..2000 => (within - 1000) / 100,
        2000..5000 => 10 + (within - 2000) / 250,
        _ => 22 + (within - 5000) / 500,
    };
    1 + decade * PER_DECADE + step as usize
}

/// Where a bucket begins.
fn border(bucket: usize) -> u64 {
    let Some(n) = bucket.checked_sub(1) else { return 0 };
    let (decade, step) = ((n / PER_DECADE) as u32, (n % PER_DECADE) as u64);
    let within = match step {
        ..10 => 1000 + step * 100,
        10..22 => 2000 + (step - 10) * 250,
        _ => 5000 + (step - 22) * 500,
    };
    within * (FIRST_NS / 1000) * 10u64.pow(decade)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_lies_between_its_borders() {
        for ns in (0..200_000).chain((200_000..200_000_000_000).step_by(79_193)) {
            let b = bucket(ns);
            assert!(border(b) <= ns && (b == BUCKETS - 1 || ns < border(b + 1)), "{ns} in {b}");
        }
    }

    #[test]
    fn budgets_are_borders() {
        for us in [1_000, 2_500, 100_000, 200_000, 500_000, 60_000_000] {
            assert_eq!(border(bucket(us * 1_000)), us * 1_000);
        }
    }

    #[test]
    fn little_room_loses_nothing() {
        let histogram = Histogram::default();
        (1..=1000).for_each(|n| histogram.record(Duration::from_micros(n * n)));
        let (times, mut again) = (histogram.read(), Times::default());
        again.add_sparse(&times.sparse());
        assert_eq!((again.counts, again.sum_us), (times.counts, times.sum_us));
        assert!(Times::default().sparse().buckets.is_empty());
    }

    #[test]
    fn quantiles_are_near() {
        let histogram = Histogram::default();
        (1..=1000).for_each(|n| histogram.record(Duration::from_millis(n)));
        let times = histogram.read();
        for (q, want) in [(0.5, 500_000.0), (0.95, 950_000.0), (0.99, 990_000.0)] {
            let got = times.quantile_us(q) as f64;
            assert!((got / want - 1.0).abs() < 0.01, "{q}: {got}");
        }
        assert_eq!((times.count(), times.below(200_000)), (1000, 199));
        assert_eq!(Times::default().quantile_us(0.95), 0);
    }
}
