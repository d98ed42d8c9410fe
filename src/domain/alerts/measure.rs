//! Where the rules' numbers come from: what the program counts anyway, and one short read of the store.
//!
//! Law: what could not be measured in time is unknown, never bad. A busy store is no reason for twenty alerts.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::app::App;
use crate::base::clock::{HOUR, MINUTE, Time};
use crate::base::error::Result;
use crate::base::job::{JobKind, Lane};
use crate::domain::backups;
use crate::domain::notices::mails;
use crate::domain::search::operate;
use crate::engines::alerts::{Reading, Rule};
use crate::engines::cache;
use crate::engines::files::Space;
use crate::engines::machine;
use crate::engines::metrics::Times;
use crate::engines::queue;

/// So long the store or the disk may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Fewer requests in a minute say nothing of how long they take,
const MIN_TIMED: u64 = 20;
/// and fewer nothing of how many fail.
const MIN_REQUESTS: u64 = 10;
/// Fewer look-ups in ten minutes say nothing of the cache.
const MIN_LOOKUPS: u64 = 100;
/// What took longer was slow, in microseconds.
const SLOW_US: u64 = 1_000_000;
/// Jobs that failed so long ago are no news.
const LOST_FOR: i64 = 15 * MINUTE;
/// Looks that a ring keeps at the most, however often it is looked.
const LOOKS: usize = 1_000;
/// Uploads: their time is that of the sender's line.
const UPLOAD: (&str, &str) = ("PATCH", "/api/v1/uploads/{id}");

/// What had been counted at the last looks.
struct Ring<T>(VecDeque<(Time, T)>);

impl<T: Clone + Default> Ring<T> {
    /// Adds what is counted now; answers what had been `span` ago, or when it was first looked.
    fn put(&mut self, at: Time, now: T, span: i64) -> T {
        // The clock was set back: begin anew from what was counted last.
        if self.0.back().is_some_and(|(last, _)| *last > at) {
            let last = self.0.pop_back().map(|(_, last)| last).unwrap_or_default();
            self.0.clear();
            self.0.push_back((at, last));
        }
        if self.0.is_empty() {
            self.0.push_back((at, T::default()));
        }
        while self.0.len() > LOOKS || self.0.get(1).is_some_and(|(second, _)| second.0 <= at.0 - span) {
            self.0.pop_front();
        }
        let before = self.0.front().map(|(_, before)| before.clone()).unwrap_or_default();
        self.0.push_back((at, now));
        before
    }
}

/// Requests since the start.
#[derive(Clone, Default)]
struct Requests {
    times: Times,
    all: u64,
    errors: u64,
}

/// What one look keeps for the next.
pub(super) struct Windows {
    requests: Ring<Requests>,
    /// Hits, look-ups.
    cache: Ring<(u64, u64)>,
    /// The clock on the wall and the machine's own beat at the last look.
    clocks: Option<(Time, Instant)>,
}

impl Default for Windows {
    fn default() -> Windows {
        Windows { requests: Ring(VecDeque::new()), cache: Ring(VecDeque::new()), clocks: None }
    }
}

/// What the store says.
struct Facts {
    lost: i64,
    due: Vec<(Lane, Time)>,
    is_damaged: bool,
    untaken: i64,
    lag_ms: i64,
    backups: Option<backups::Health>,
}

/// Everything that the rules are about, at one moment.
struct Measured {
    at: Time,
    minute: Requests,
    /// Part of the look-ups, if they are enough.
    hit_ratio: Option<f64>,
    has_cache_trouble: bool,
    facts: Option<Facts>,
    is_indexing: bool,
    space: Option<Space>,
    writer: f64,
    log_bytes: u64,
    sockets: f64,
    open_files: Option<f64>,
    jump_ms: i64,
}

impl Windows {
    /// Measures every rule, in their order.
    pub(super) async fn measure(&mut self, app: &App, at: Time) -> Vec<(Rule, Reading)> {
        let m = self.look(app, at).await;
        Rule::ALL.iter().map(|rule| (*rule, m.reading(*rule))).collect()
    }

    async fn look(&mut self, app: &App, at: Time) -> Measured {
        let (times, all, errors) = app.metrics.counted_without(UPLOAD.0, UPLOAD.1);
        let before = self.requests.put(at, Requests { times: times.clone(), all, errors }, MINUTE);
        let minute = Requests {
            times: times.since(&before.times),
            all: all.saturating_sub(before.all),
            errors: errors.saturating_sub(before.errors),
        };
        let stats = app.cache.stats();
        let hits: u64 = stats.hits.iter().sum();
        let now = (hits, hits + stats.misses);
        let before = self.cache.put(at, now, 10 * MINUTE);
        let (hits, looked) = (now.0.saturating_sub(before.0), now.1.saturating_sub(before.1));
        let beat = Instant::now();
        let jump_ms = self.clocks.replace((at, beat)).map_or(0, |(wall, last)| {
            (at.0 - wall.0).saturating_sub(beat.duration_since(last).as_millis() as i64).saturating_abs()
        });
        let config = app.config();
        let part = |n: usize, of: usize| 100.0 * n as f64 / of.max(1) as f64;
        let limit = machine::most_open_files().filter(|limit| *limit > 0);
        Measured {
            at,
            minute,
            hit_ratio: cache::ratio(hits, looked - hits).filter(|_| looked >= MIN_LOOKUPS),
            has_cache_trouble: stats.disk_trouble.is_some(),
            facts: facts(app, at).await,
            is_indexing: app.index.building().is_some(),
            space: space(app).await,
            writer: part(app.store.write_queue_len(), config.store.write_queue),
            log_bytes: app.store.size_bytes().1,
            sockets: part(app.hub.sockets(), config.rooms.max_sockets),
            open_files: limit.zip(machine::own()).map(|(limit, own)| 100.0 * own.open_files as f64 / limit as f64),
            jump_ms,
        }
    }
}

async fn facts(app: &App, at: Time) -> Option<Facts> {
    let heard = operate::heard(app);
    let wants_backups = !app.config().backup.to.is_empty();
    let started = app.started;
    let read = app.store.read_ahead(move |db| -> Result<Facts> {
        Ok(Facts {
            // A telling that fails must not cause the next one.
            lost: queue::lost_since(db, at.plus(-LOST_FOR), JobKind::TellAlert)?,
            due: queue::oldest_due(db, at)?,
            is_damaged: queue::is_last_failed(db, JobKind::IntegrityCheck)?,
            untaken: mails::untaken_since(db, at.plus(-HOUR))?,
            lag_ms: operate::lag_ms(db, heard, at)?,
            backups: if wants_backups { Some(backups::health(db, started)?) } else { None },
        })
    });
    match tokio::time::timeout(PATIENCE, read).await {
        Ok(Ok(facts)) => Some(facts),
        Ok(Err(error)) => {
            tracing::warn!(%error, "what alerts need was not read this time");
            None
        }
        Err(_) => None,
    }
}

async fn space(app: &App) -> Option<Space> {
    let files = app.files.clone();
    let asked = tokio::task::spawn_blocking(move || files.space());
    tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()?.ok()
}

impl Measured {
    fn reading(&self, rule: Rule) -> Reading {
        let timed = self.minute.times.count();
        let is_enough = |enough: bool, value: f64| if enough { Reading::Value(value) } else { Reading::Nothing };
        match rule {
            Rule::P95 => is_enough(timed >= MIN_TIMED, self.minute.times.quantile_us(0.95) as f64 / 1e3),
            Rule::SlowRequests => {
                let slow = timed - self.minute.times.below(SLOW_US);
                is_enough(timed >= MIN_TIMED, 100.0 * slow as f64 / timed.max(1) as f64)
            }
            Rule::ErrorRate => {
                let (all, errors) = (self.minute.all, self.minute.errors);
                is_enough(all >= MIN_REQUESTS, 100.0 * errors as f64 / all.max(1) as f64)
            }
            Rule::CacheHits => self.hit_ratio.map_or(Reading::Nothing, |ratio| Reading::Value(100.0 * ratio)),
            Rule::CacheDisk => flag(self.has_cache_trouble),
            Rule::JobsFailed => self.fact(|f| f.lost as f64),
            Rule::QueueLight => self.due(Lane::Light),
            Rule::QueueMedia => self.due(Lane::Media),
            Rule::QueueOutbound => self.due(Lane::Outbound),
            Rule::QueueMaintenance => self.due(Lane::Maintenance),
            Rule::DiskPercent => self.disk(|s| 100.0 * s.free as f64 / s.total.max(1) as f64),
            Rule::DiskBytes => self.disk(|s| s.free as f64 / 1e9),
            // While it is built anew it lags by nature, and its page says so.
            Rule::IndexLag if self.is_indexing => Reading::Nothing,
            Rule::IndexLag => self.fact(|f| f.lag_ms as f64 / 1e3),
            Rule::WriterQueue => Reading::Value(self.writer),
            Rule::DatabaseLog => Reading::Value(self.log_bytes as f64 / 1e9),
            Rule::DatabaseDamaged => self.fact(|f| f64::from(u8::from(f.is_damaged))),
            Rule::Sockets => Reading::Value(self.sockets),
            Rule::OpenFiles => self.open_files.map_or(Reading::Nothing, Reading::Value),
            Rule::MailFailing => self.fact(|f| f.untaken as f64),
            Rule::BackupAge => self.backups(|b| (self.at.0 - b.whole.0).max(0) as f64 / 1e3),
            Rule::BackupFailed => self.backups(|b| f64::from(u8::from(b.failed))),
            Rule::ClockJump => Reading::Value((self.jump_ms / 1000) as f64),
        }
    }

    fn fact(&self, of: impl Fn(&Facts) -> f64) -> Reading {
        self.facts.as_ref().map_or(Reading::Unknown, |f| Reading::Value(of(f)))
    }

    fn backups(&self, of: impl Fn(&backups::Health) -> f64) -> Reading {
        match &self.facts {
            None => Reading::Unknown,
            Some(f) => f.backups.as_ref().map_or(Reading::Nothing, |b| Reading::Value(of(b))),
        }
    }

    fn disk(&self, of: impl Fn(&Space) -> f64) -> Reading {
        self.space.as_ref().map_or(Reading::Unknown, |s| Reading::Value(of(s)))
    }

    fn due(&self, lane: Lane) -> Reading {
        self.fact(|f| {
            let since = f.due.iter().find(|(of, _)| *of == lane).map_or(self.at, |(_, since)| *since);
            (self.at.0 - since.0).max(0) as f64 / 1e3
        })
    }
}

fn flag(is: bool) -> Reading {
    Reading::Value(f64::from(u8::from(is)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_answers_what_had_been_counted_a_span_ago() {
        let mut ring = Ring(VecDeque::new());
        let mut put = |s: i64, n: u64| ring.put(Time(s * 1000), n, MINUTE);
        assert_eq!([put(100, 5), put(110, 6), put(150, 9)], [0, 0, 0]);
        assert_eq!([put(160, 12), put(171, 13), put(220, 20)], [5, 6, 12]);
        assert_eq!(put(1000, 30), 20);
        // Set back: what was counted last is the beginning.
        assert_eq!([put(10, 33), put(20, 34)], [30, 30]);
        for n in 0..5000 {
            ring.put(Time(20_000), n, MINUTE);
        }
        assert!(ring.0.len() <= LOOKS + 1);
    }
}
