//! What was counted, kept over restarts: a row a minute for a week, folded into a row an hour for a year.
//!
//! Laws: a count is what happened in that time and adds up; a percentile of several minutes is their worst; a gauge is
//! as it stood last. Folding an hour again gives the same row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::sql_history as sql;
use crate::base::clock::{DAY, HOUR, MINUTE, Time};
use crate::base::error::Result;
use crate::base::job::{JobState, Lane};
use crate::engines::store::{Db, Store};

/// Minutes are kept this long.
const KEEP_MINUTES: i64 = 7 * DAY;
/// Hours are kept this long.
const KEEP_HOURS: i64 = 365 * DAY;
/// Rows that one change removes.
const STEP: i64 = 2_000;

/// How wide a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One minute.
    Minute,
    /// One hour.
    Hour,
}

impl Width {
    /// In milliseconds.
    pub fn ms(self) -> i64 {
        match self {
            Width::Minute => MINUTE,
            Width::Hour => HOUR,
        }
    }

    /// The beginning of the row in which `at` falls.
    pub fn begin(self, at: Time) -> Time {
        Time(at.0 - at.0.rem_euclid(self.ms()))
    }
}

/// A minute or an hour. A number that an older version did not write is 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    /// Requests answered.
    pub requests: u64,
    /// Of these, with 5xx.
    pub errors: u64,
    /// Statements that they ran.
    pub statements: u64,
    /// Half of the requests took no longer, in microseconds.
    pub p50_us: u64,
    /// 95 % of them.
    pub p95_us: u64,
    /// 99 % of them.
    pub p99_us: u64,
    /// Answers found in the cache, by tier.
    pub cache_hits: [u64; 3],
    /// Answers that were not.
    pub cache_misses: u64,
    /// Sockets at the end.
    pub sockets: u64,
    /// Jobs by state at the end.
    pub jobs: BTreeMap<String, i64>,
    /// Free bytes of the disk at the end.
    pub disk_free_bytes: u64,
    /// Bytes of the database at the end.
    pub database_bytes: u64,
}

impl Sample {
    /// Takes in what came after it.
    pub fn then(&mut self, later: Sample) {
        self.requests += later.requests;
        self.errors += later.errors;
        self.statements += later.statements;
        self.p50_us = self.p50_us.max(later.p50_us);
        self.p95_us = self.p95_us.max(later.p95_us);
        self.p99_us = self.p99_us.max(later.p99_us);
        self.cache_hits.iter_mut().zip(later.cache_hits).for_each(|(a, b)| *a += b);
        self.cache_misses += later.cache_misses;
        self.sockets = later.sockets;
        self.jobs = later.jobs;
        self.disk_free_bytes = later.disk_free_bytes;
        self.database_bytes = later.database_bytes;
    }

    /// Jobs by state, as the queue counts them.
    pub fn with_jobs(mut self, counts: &[(Lane, JobState, i64)]) -> Sample {
        self.jobs.clear();
        for (_, state, n) in counts {
            *self.jobs.entry(state.to_string()).or_default() += n;
        }
        self
    }
}

/// Keeps what happened in the minute of `at`; what is there of it already is added to.
pub async fn keep(store: &Store, at: Time, sample: Sample) -> Result<()> {
    let minute = Width::Minute.begin(at);
    store
        .write(move |tx| {
            let mut whole = sql::at(tx, Width::Minute, minute)?.unwrap_or_default();
            whole.then(sample);
            sql::put(tx, Width::Minute, minute, &whole)
        })
        .await
}

/// The rows from `from` to before `to`, oldest first.
pub fn list(db: &Db, width: Width, from: Time, to: Time) -> Result<Vec<(Time, Sample)>> {
    sql::between(db, width, from, to)
}

/// What rolling up brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RolledUp {
    /// Hours that were folded.
    pub hours_folded: usize,
    /// Minutes that were older than a week.
    pub minutes_removed: usize,
    /// Hours that were older than a year.
    pub hours_removed: usize,
}

/// Folds the hours that are over and forgets what is old.
pub async fn roll_up(store: &Store, now: Time) -> Result<RolledUp> {
    let mut rolled = RolledUp::default();
    let oldest = now.plus(-KEEP_MINUTES);
    let (last, first) =
        store.read(move |db| Ok((sql::last(db, Width::Hour)?, sql::first_after(db, Width::Minute, oldest)?))).await?;
    // The last hour once more: its last minute may have come after it was folded. An hour whose minutes are partly
    // forgotten already is not touched again.
    let oldest = Width::Hour.begin(oldest.plus(HOUR - 1));
    let from = last.or(first.map(|at| Width::Hour.begin(at))).map(|at| at.max(oldest));
    let mut hour = from.unwrap_or(now);
    while hour.plus(HOUR) <= now {
        let end = hour.plus(HOUR);
        let folded = store.write(move |tx| {
            let minutes = sql::between(tx, Width::Minute, hour, end)?;
            let Some(whole) = minutes.into_iter().map(|(_, sample)| sample).reduce(|mut whole, later| {
                whole.then(later);
                whole
            }) else {
                return Ok(0);
            };
            sql::put(tx, Width::Hour, hour, &whole)?;
            Ok(1)
        });
        rolled.hours_folded += folded.await?;
        hour = end;
    }
    for (width, keep, removed) in [
        (Width::Minute, KEEP_MINUTES, &mut rolled.minutes_removed),
        (Width::Hour, KEEP_HOURS, &mut rolled.hours_removed),
    ] {
        let before = now.plus(-keep);
        loop {
            let n = store.write(move |tx| sql::prune(tx, width, before, STEP)).await?;
            *removed += n;
            if (n as i64) < STEP {
                break;
            }
        }
    }
    Ok(rolled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_percentiles_are_the_worst_gauges_the_last() {
        let minute = |requests, p95_us, sockets| Sample {
            requests,
            p95_us,
            sockets,
            cache_hits: [requests, 1, 0],
            jobs: [("done".to_owned(), sockets as i64)].into(),
            ..Sample::default()
        };
        let mut hour = minute(100, 900, 7);
        hour.then(minute(1, 40_000, 9));
        hour.then(minute(0, 0, 3));
        assert_eq!((hour.requests, hour.p95_us, hour.sockets), (101, 40_000, 3));
        assert_eq!((hour.cache_hits, hour.jobs["done"]), ([101, 3, 0], 3));
    }

    #[test]
    fn a_row_of_an_older_version_is_read() {
        let sample: Sample = serde_json::from_str(r#"{"requests":3,"gone":1}"#).unwrap();
        assert_eq!(sample, Sample { requests: 3, ..Sample::default() });
    }
}
