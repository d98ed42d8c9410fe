//! What was counted, kept over restarts: a row a second for an hour, a row a minute for a week, a row an hour for a year.
//!
//! Laws: a count is what happened in that time and adds up; a percentile of several rows is their worst, and of one row
//! exact; a gauge is as it stood last. A row that was begun before a restart is gone on with.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::histogram::Times;
use crate::base::clock::{DAY, HOUR, MINUTE, Time};
use crate::base::error::{Error, Result};
use crate::base::job::{JobState, Lane};
use crate::closed_set;
use crate::engines::store::{Mark, Ring, Slots};

closed_set! {
    /// How far back a chart looks.
    Range {
        /// An hour, ten seconds a point.
        Hour = "hour",
        /// A day, five minutes a point.
        Day = "day",
        /// A week, half an hour a point.
        Week = "week",
        /// Thirty days, two hours a point.
        Month = "month",
        /// A year, a day a point.
        Year = "year",
    }
}

impl Range {
    /// The rows that it is made of, milliseconds of a point, and points.
    fn made_of(self) -> (Width, i64, i64) {
        match self {
            Range::Hour => (Width::Second, 10 * SECOND, 360),
            Range::Day => (Width::Minute, 5 * MINUTE, 288),
            Range::Week => (Width::Minute, 30 * MINUTE, 336),
            Range::Month => (Width::Hour, 2 * HOUR, 360),
            Range::Year => (Width::Hour, DAY, 365),
        }
    }

    /// Milliseconds of a point.
    pub fn step_ms(self) -> i64 {
        self.made_of().1
    }
}

const SECOND: i64 = 1_000;

/// How wide a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One second.
    Second,
    /// One minute.
    Minute,
    /// One hour.
    Hour,
}

impl Width {
    const ALL: [Width; 3] = [Width::Second, Width::Minute, Width::Hour];

    fn slots(self) -> Slots {
        match self {
            Width::Second => Slots { step_ms: SECOND, count: HOUR / SECOND },
            Width::Minute => Slots { step_ms: MINUTE, count: 7 * DAY / MINUTE },
            Width::Hour => Slots { step_ms: HOUR, count: 366 * DAY / HOUR },
        }
    }

    /// The beginning of the row in which `at` falls.
    pub fn begin(self, at: Time) -> Time {
        Time(at.0 - at.0.rem_euclid(self.slots().step_ms))
    }
}

/// A second, a minute or an hour. A number that an older version did not write is 0.
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
    /// Jobs that run at the end, by lane.
    pub lanes: BTreeMap<String, u64>,
    /// Changes that wait for the writer at the end.
    pub writes_waiting: u64,
    /// CPU of this process, in cores.
    pub cpu: f64,
    /// How busy each core of the machine was, 0–1, whoever used it.
    pub cores: Vec<f64>,
    /// Memory at the end in bytes, by part; together what is resident.
    pub memory: BTreeMap<String, u64>,
    /// Open files at the end.
    pub open_files: u64,
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
        *self = Sample {
            requests: self.requests,
            errors: self.errors,
            statements: self.statements,
            p50_us: self.p50_us,
            p95_us: self.p95_us,
            p99_us: self.p99_us,
            cache_hits: self.cache_hits,
            cache_misses: self.cache_misses,
            // The busiest moment is what somebody looks for.
            cpu: self.cpu.max(later.cpu),
            ..later
        };
    }

    /// Jobs by state, as the queue counts them.
    pub fn with_jobs(mut self, counts: &[(Lane, JobState, i64)]) -> Sample {
        self.jobs.clear();
        for (_, state, n) in counts {
            *self.jobs.entry(state.to_string()).or_default() += n;
        }
        self
    }

    /// The part of the look-ups that found something, 0–1; `None` without any.
    pub fn hit_ratio(&self) -> Option<f64> {
        let hits = self.cache_hits.iter().sum::<u64>();
        let all = hits + self.cache_misses;
        (all > 0).then(|| hits as f64 / all as f64)
    }
}

/// What was counted since the program's start.
#[derive(Clone, Default)]
pub struct Counted {
    pub(super) times: Times,
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) statements: u64,
    /// Answers found in the cache, by tier.
    pub cache_hits: [u64; 3],
    /// Answers that were not.
    pub cache_misses: u64,
}

impl Counted {
    /// What was counted since `earlier`, beside `gauges`.
    fn since(&self, earlier: &Counted, gauges: Sample) -> Sample {
        let times = self.times.since(&earlier.times);
        Sample {
            requests: self.requests - earlier.requests,
            errors: self.errors - earlier.errors,
            statements: self.statements - earlier.statements,
            p50_us: times.quantile_us(0.50),
            p95_us: times.quantile_us(0.95),
            p99_us: times.quantile_us(0.99),
            cache_hits: std::array::from_fn(|tier| self.cache_hits[tier].saturating_sub(earlier.cache_hits[tier])),
            cache_misses: self.cache_misses.saturating_sub(earlier.cache_misses),
            ..gauges
        }
    }
}

/// The kept numbers.
pub struct History {
    ring: Ring,
    /// Of each width the row that is under way, and what had been counted when it began.
    under_way: Mutex<[Option<(Time, Counted)>; 3]>,
    /// Points by range, and until which step they were read.
    read: Mutex<HashMap<Range, (i64, Arc<Points>)>>,
}

/// What a range held: the beginning of each point, and what was counted in it.
pub type Points = Vec<(Time, Option<Sample>)>;

impl History {
    /// Opens or begins the file.
    pub fn open(path: &Path) -> anyhow::Result<History> {
        let under_way = Mutex::new([const { None }; 3]);
        Ok(History { ring: Ring::open(path)?, under_way, read: Mutex::default() })
    }

    /// Looks at `now`: rows that are over are written. `counted` is since the program's start; of `gauges` only the gauges
    /// are taken. Call it once a second.
    pub fn tick(&self, now: Time, counted: &Counted, gauges: &Sample) -> Result<()> {
        let mut under_way = self.under_way.lock();
        for (width, row) in Width::ALL.into_iter().zip(under_way.iter_mut()) {
            let begin = width.begin(now);
            match row {
                Some((begun, _)) if *begun == begin => {}
                Some((begun, earlier)) => {
                    self.write(width, *begun, counted.since(earlier, gauges.clone()))?;
                    *row = Some((begin, counted.clone()));
                }
                // What was counted before the first look belongs to it.
                None => *row = Some((begin, Counted::default())),
            }
        }
        Ok(())
    }

    /// Writes what is under way, before the program stops.
    pub fn finish(&self, counted: &Counted, gauges: &Sample) -> Result<()> {
        for (width, row) in Width::ALL.into_iter().zip(self.under_way.lock().iter_mut()) {
            if let Some((begun, earlier)) = row.take() {
                self.write(width, begun, counted.since(&earlier, gauges.clone()))?;
            }
        }
        Ok(())
    }

    fn write(&self, width: Width, at: Time, sample: Sample) -> Result<()> {
        let before = self.ring.at(width.slots(), at)?.and_then(|body| serde_json::from_str::<Sample>(&body).ok());
        let whole = match before {
            Some(mut before) => {
                before.then(sample);
                before
            }
            None => sample,
        };
        let body = serde_json::to_string(&whole).map_err(Error::internal)?;
        self.ring.put(width.slots(), at, &body)
    }

    /// The rows from `from` to before `to`, oldest first.
    pub fn list(&self, width: Width, from: Time, to: Time) -> Result<Vec<(Time, Sample)>> {
        let rows = self.ring.between(width.slots(), from, to)?;
        Ok(rows.into_iter().filter_map(|(at, body)| Some((at, serde_json::from_str(&body).ok()?))).collect())
    }

    /// The points of `range` that are over at `now`, oldest first: each with its beginning, and nothing where nothing was
    /// counted. They are read once a point, however many look.
    pub fn series(&self, range: Range, now: Time) -> Result<Arc<Points>> {
        let (width, step, count) = range.made_of();
        let end = now.0.div_euclid(step);
        let mut read = self.read.lock();
        if let Some((_, points)) = read.get(&range).filter(|(until, _)| *until == end) {
            return Ok(points.clone());
        }
        let first = end - count;
        let mut points: Points = (first..end).map(|n| (Time(n * step), None)).collect();
        for (at, sample) in self.list(width, Time(first * step), Time(end * step))? {
            let place = (at.0.div_euclid(step) - first) as usize;
            let Some((_, point)) = points.get_mut(place) else { continue };
            match point {
                Some(point) => point.then(sample),
                None => *point = Some(sample),
            }
        }
        let points = Arc::new(points);
        read.insert(range, (end, points.clone()));
        Ok(points)
    }

    /// Remembers a moment: a start, a stop.
    pub fn mark(&self, at: Time, kind: &str, text: &str) -> Result<()> {
        self.ring.mark(&Mark { at, kind: kind.to_owned(), text: text.to_owned() })
    }

    /// The moments of `range` until `now`, oldest first.
    pub fn marks(&self, range: Range, now: Time) -> Result<Vec<Mark>> {
        let (_, step, count) = range.made_of();
        self.ring.marks(now.plus(-step * count), now.plus(1))
    }

    /// Bytes of the file.
    pub fn size_bytes(&self) -> u64 {
        self.ring.size_bytes()
    }
}

/// Days until the disk is full, if its free space goes on to fall as it did over these points; `None` when it does not
/// fall, or when less than a day is known. By least squares, so that one large upload is not the trend.
pub fn days_to_full(points: &[(Time, Option<Sample>)]) -> Option<f64> {
    let known: Vec<(f64, f64)> = points
        .iter()
        .filter_map(|(at, s)| Some((at.0 as f64 / DAY as f64, s.as_ref()?.disk_free_bytes as f64)))
        .filter(|(_, free)| *free > 0.0)
        .collect();
    let (first, last) = (known.first()?, known.last()?);
    if last.0 - first.0 < 1.0 {
        return None;
    }
    let n = known.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| known.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let slope =
        known.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / known.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>();
    (slope < 0.0).then(|| last.1 / -slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(name: &str) -> (History, std::path::PathBuf) {
        let path = std::env::temp_dir().join(format!("vp-history-{name}-{}.db", std::process::id()));
        let _ = std::fs::remove_file(&path);
        (History::open(&path).unwrap(), path)
    }

    fn counted(requests: u64) -> Counted {
        Counted { requests, cache_hits: [requests, 0, 0], ..Counted::default() }
    }

    fn gauges(sockets: u64, disk_free_bytes: u64) -> Sample {
        Sample { sockets, disk_free_bytes, ..Sample::default() }
    }

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
    fn seconds_minutes_and_hours_add_up_to_the_same() {
        let (history, path) = history("sums");
        let begin = Time(500_000 * HOUR);
        for s in 0..2 * 3_600 {
            history.tick(begin.plus(s * SECOND), &counted(3 * s as u64), &gauges(s as u64, 9)).unwrap();
        }
        history.finish(&counted(3 * 7_200), &gauges(1, 9)).unwrap();
        let sum = |width: Width| {
            let rows = history.list(width, begin, begin.plus(2 * HOUR)).unwrap();
            (rows.len(), rows.iter().map(|(_, s)| s.requests).sum::<u64>())
        };
        assert_eq!(sum(Width::Minute), (120, 21_600));
        assert_eq!(sum(Width::Hour), (2, 21_600));
        // The seconds of the hour before are gone.
        assert_eq!(sum(Width::Second), (3_600, 3 * 3_600));
        let points = history.series(Range::Hour, begin.plus(2 * HOUR)).unwrap();
        assert_eq!((points.len(), points[10].1.as_ref().unwrap().requests), (360, 30));
        drop(history);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_row_is_gone_on_with_after_a_restart_and_a_pause_is_a_gap() {
        let (history, path) = history("restart");
        let begin = Time(500_000 * HOUR);
        history.tick(begin, &counted(0), &gauges(1, 1)).unwrap();
        history.finish(&counted(5), &gauges(1, 1)).unwrap();
        drop(history);
        let history = History::open(&path).unwrap();
        history.mark(begin.plus(30 * SECOND), "start", "0.1.0").unwrap();
        history.tick(begin.plus(30 * SECOND), &counted(1), &gauges(2, 1)).unwrap();
        history.tick(begin.plus(MINUTE), &counted(7), &gauges(3, 1)).unwrap();
        let minute = history.list(Width::Minute, begin, begin.plus(MINUTE)).unwrap();
        assert_eq!((minute.len(), minute[0].1.requests, minute[0].1.sockets), (1, 12, 3));
        let points = history.series(Range::Hour, begin.plus(MINUTE)).unwrap();
        let gap = |from_end: usize| points[points.len() - from_end].1.is_none();
        assert!(gap(5) && gap(4) && !gap(6) && !gap(3), "{:?}", &points[354..]);
        assert_eq!(history.marks(Range::Hour, begin.plus(MINUTE)).unwrap()[0].text, "0.1.0");
        drop(history);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_disk_that_fills_is_told_of_and_one_that_does_not_is_not() {
        let point = |day: i64, free: u64| (Time(day * DAY), Some(gauges(0, free)));
        let falls = [point(0, 1_000), point(1, 900), point(2, 800), point(3, 700)];
        assert!((days_to_full(&falls).unwrap() - 7.0).abs() < 1e-6);
        assert_eq!(days_to_full(&[point(0, 500), point(1, 500), point(2, 510)]), None);
        assert_eq!(days_to_full(&falls[..1]), None);
    }

    #[test]
    fn a_row_of_an_older_version_is_read() {
        let sample: Sample = serde_json::from_str(r#"{"requests":3,"gone":1}"#).unwrap();
        assert_eq!(sample, Sample { requests: 3, ..Sample::default() });
    }
}
