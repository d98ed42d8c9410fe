//! What the cache counts about itself, by tier and by group.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

use crate::base::group::Group;
use crate::engines::metrics::Histogram;

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Process memory; also what another request was just loading.
    L1,
    /// Memory of the hybrid cache.
    L2,
    /// Disk of the hybrid cache.
    L3,
}

impl Tier {
    /// As `X-Cache` tells it.
    pub fn name(self) -> &'static str {
        match self {
            Tier::L1 => "l1",
            Tier::L2 => "l2",
            Tier::L3 => "l3",
        }
    }
}

/// The counters of one group.
#[derive(Default)]
pub struct Counters {
    hits: [AtomicU64; 3],
    misses: AtomicU64,
    bypassed: AtomicU64,
    evicted: [AtomicU64; 2],
    entries: [AtomicI64; 2],
    bytes: [AtomicI64; 2],
    loads: Histogram,
}

impl Counters {
    pub(super) fn hit(&self, tier: Tier) {
        self.hits[tier as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn missed(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn bypassed(&self) {
        self.bypassed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn looked(&self, found: bool) {
        if found { self.hit(Tier::L1) } else { self.missed() }
    }

    pub(super) fn loaded(&self, took: Duration) {
        self.loads.record(took);
    }

    pub(super) fn came(&self, tier: Tier, weight: usize) {
        self.entries[tier as usize].fetch_add(1, Ordering::Relaxed);
        self.bytes[tier as usize].fetch_add(weight as i64, Ordering::Relaxed);
    }

    pub(super) fn left(&self, tier: Tier, weight: usize, evicted: bool) {
        self.entries[tier as usize].fetch_sub(1, Ordering::Relaxed);
        self.bytes[tier as usize].fetch_sub(weight as i64, Ordering::Relaxed);
        self.evicted[tier as usize].fetch_add(u64::from(evicted), Ordering::Relaxed);
    }

    pub(super) fn read(&self, group: Group) -> GroupStats {
        let n = |c: &AtomicU64| c.load(Ordering::Relaxed);
        let left = |c: &AtomicI64| c.load(Ordering::Relaxed).max(0) as u64;
        let hits = [0, 1, 2].map(|i| n(&self.hits[i]));
        let misses = n(&self.misses);
        let times = self.loads.read();
        GroupStats {
            group,
            hits,
            misses,
            bypassed: n(&self.bypassed),
            hit_ratio: ratio(hits.iter().sum(), misses),
            entries: [left(&self.entries[0]), left(&self.entries[1])],
            bytes: [left(&self.bytes[0]), left(&self.bytes[1])],
            evictions: [n(&self.evicted[0]), n(&self.evicted[1])],
            load_p50_us: times.quantile_us(0.5),
            load_p99_us: times.quantile_us(0.99),
        }
    }
}

/// Part of the look-ups that found something, 0–1; `None` before the first.
pub fn ratio(hits: u64, misses: u64) -> Option<f64> {
    let all = hits + misses;
    (all > 0).then(|| hits as f64 / all as f64)
}

/// One group as the dashboard shows it.
#[derive(Clone, Debug, Serialize)]
pub struct GroupStats {
    /// Which.
    pub group: Group,
    /// Found in L1, L2, L3.
    pub hits: [u64; 3],
    /// Found nowhere and loaded.
    pub misses: u64,
    /// Asked past the cache.
    pub bypassed: u64,
    /// Hits of all look-ups, 0–1.
    pub hit_ratio: Option<f64>,
    /// Entries in L1 and L2.
    pub entries: [u64; 2],
    /// Their bytes.
    pub bytes: [u64; 2],
    /// Entries that made room for others in L1 and L2.
    pub evictions: [u64; 2],
    /// Half of the loads took no longer, in microseconds.
    pub load_p50_us: u64,
    /// 99 % of them.
    pub load_p99_us: u64,
}

/// The whole cache as the dashboard shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Stats {
    /// Bytes in use and at the most, of L1 and L2.
    pub memory: [(u64, u64); 2],
    /// Bytes that L3 may use; `None` while there is no disk tier, with the reason in `disk_trouble`.
    pub disk_bytes: Option<u64>,
    /// Bytes that L3 has written and read since the start.
    pub disk_io: (u64, u64),
    /// Why there is no disk tier although one is wanted.
    pub disk_trouble: Option<String>,
    /// Found in L1, L2, L3, and nowhere.
    pub hits: [u64; 3],
    /// See `hits`.
    pub misses: u64,
    /// Hits of all look-ups, 0–1.
    pub hit_ratio: Option<f64>,
    /// By group.
    pub groups: Vec<GroupStats>,
}
