//! Alerts: which measures are watched, where each begins to matter, and when somebody is told.
//!
//! Nothing here measures, stores or sends: a rule is data, [`step`] is a function of the state before, a reading and the
//! time. Who measures is `domain::alerts`. A new rule is one entry in [`Rule`] and one arm where it is measured (the
//! compiler asks for it), and its two texts.

mod silence;
mod turn;

use crate::base::clock::SECOND;
use crate::closed_set;
pub use silence::{Quiet, Silence, clock, minutes};
pub use turn::{CALM, Phase, Reading, State, Step, Tell, Turn, Voice, step};

closed_set! {
    /// How much it matters, least first.
    Severity {
        /// Worth knowing.
        Info = "info",
        /// Somebody should look today.
        Warning = "warning",
        /// Somebody has to act now.
        Critical = "critical",
    }
}

closed_set! {
    /// What a rule's numbers are.
    Unit {
        /// Milliseconds.
        Milliseconds = "ms",
        /// Seconds.
        Seconds = "s",
        /// Parts of a hundred.
        Percent = "percent",
        /// Billions of bytes, as disks are labelled.
        Gigabytes = "gb",
        /// So many.
        Count = "count",
        /// 1 if it is so, 0 if not: there is no threshold to choose.
        Flag = "flag",
    }
}

closed_set! {
    /// On which side of its threshold a measure is bad.
    Direction {
        /// Too much is bad.
        Above = "above",
        /// Too little is bad.
        Below = "below",
    }
}

/// A rule as the program brings it along.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Of its value and its threshold.
    pub unit: Unit,
    /// Which side is bad.
    pub direction: Direction,
    /// Beyond this it is bad.
    pub threshold: f64,
    /// Thresholds that can be chosen; also the ends of its bar.
    pub range: (f64, f64),
    /// It has to be bad for so long, in seconds.
    pub for_s: i64,
    /// Told of one time, it is not told of another within so long, in seconds.
    pub cool_down_s: i64,
    /// How much it matters.
    pub severity: Severity,
    /// The page that helps.
    pub page: &'static str,
}

macro_rules! rules {
    ($($(#[$doc:meta])+ $name:ident = $text:literal: $unit:ident, $direction:ident $threshold:literal in $low:literal..$high:literal,
       for $for_s:literal, again $again:literal, $severity:ident, $page:literal;)+) => {
        closed_set! {
            /// What is watched. A name stands in the store, in `/metrics` and in what receivers are told.
            Rule { $($(#[$doc])+ $name = $text),+ }
        }

        impl Rule {
            /// As the program brings it along.
            pub fn definition(self) -> Definition {
                match self {
                    $(Rule::$name => Definition {
                        unit: Unit::$unit,
                        direction: Direction::$direction,
                        threshold: $threshold,
                        range: ($low, $high),
                        for_s: $for_s,
                        cool_down_s: $again,
                        severity: Severity::$severity,
                        page: $page,
                    },)+
                }
            }
        }
    };
}

rules! {
    /// 95 % of the last minute's requests took no longer. Uploads are not among them: their time is the sender's line.
    P95 = "p95": Milliseconds, Above 200.0 in 0.1..60_000.0, for 120, again 1800, Warning, "/admin";
    /// Part of the last minute's requests that took longer than a second.
    SlowRequests = "slow_requests": Percent, Above 5.0 in 0.0..100.0, for 120, again 1800, Warning, "/admin";
    /// Part of the last minute's requests answered with 5xx.
    ErrorRate = "error_rate": Percent, Above 1.0 in 0.0..100.0, for 60, again 900, Critical, "/admin";
    /// Part of the last ten minutes' look-ups that the cache could answer.
    CacheHits = "cache_hits": Percent, Below 60.0 in 1.0..95.0, for 600, again 7200, Info, "/admin/cache";
    /// The cache cannot use its disk tier although one is wanted.
    CacheDisk = "cache_disk": Flag, Above 0.0 in 0.0..1.0, for 0, again 3600, Warning, "/admin/cache";
    /// Jobs that failed for good within the last quarter of an hour.
    JobsFailed = "jobs_failed": Count, Above 0.0 in 0.0..10_000.0, for 0, again 900, Warning, "/admin/jobs?list=failed";
    /// How long the oldest job of the lane `light` is due.
    QueueLight = "queue_light": Seconds, Above 120.0 in 1.0..86_400.0, for 60, again 1800, Warning, "/admin/jobs";
    /// How long the oldest job of the lane `media` is due: films wait in it behind films.
    QueueMedia = "queue_media": Seconds, Above 3600.0 in 1.0..604_800.0, for 60, again 7200, Info, "/admin/jobs";
    /// How long the oldest job of the lane `outbound` is due.
    QueueOutbound = "queue_outbound": Seconds, Above 300.0 in 1.0..86_400.0, for 60, again 1800, Warning, "/admin/jobs";
    /// How long the oldest job of the lane `maintenance` is due.
    QueueMaintenance = "queue_maintenance": Seconds, Above 7200.0 in 1.0..604_800.0, for 60, again 7200, Warning, "/admin/jobs";
    /// Free part of the disk.
    DiskPercent = "disk_percent": Percent, Below 10.0 in 0.0..95.0, for 60, again 14_400, Warning, "/admin/storage";
    /// Free bytes of the disk.
    DiskBytes = "disk_bytes": Gigabytes, Below 3.0 in 0.0..1_000_000.0, for 60, again 3600, Critical, "/admin/storage";
    /// Age of the oldest event that the search index does not know.
    IndexLag = "index_lag": Seconds, Above 60.0 in 1.0..86_400.0, for 60, again 3600, Warning, "/admin/search";
    /// Part of the writer's queue that is taken: full, changes are refused.
    WriterQueue = "writer_queue": Percent, Above 50.0 in 1.0..95.0, for 10, again 900, Critical, "/admin";
    /// Size of the database's write-ahead log: it grows while a long read keeps it from being emptied.
    DatabaseLog = "database_log": Gigabytes, Above 1.0 in 0.001..1000.0, for 300, again 7200, Warning, "/admin/jobs";
    /// The last integrity check has found the database damaged.
    DatabaseDamaged = "database_damaged": Flag, Above 0.0 in 0.0..1.0, for 0, again 3600, Critical, "/admin/jobs?list=failed";
    /// Part of the sockets that rooms may have.
    Sockets = "sockets": Percent, Above 80.0 in 1.0..95.0, for 60, again 1800, Warning, "/admin/realtime";
    /// Part of the files and sockets that the system lets this process have open.
    OpenFiles = "open_files": Percent, Above 80.0 in 0.001..95.0, for 60, again 1800, Warning, "/admin/realtime";
    /// Mails of the last hour that the mail server did not take.
    MailFailing = "mail_failing": Count, Above 2.0 in 0.0..10_000.0, for 0, again 3600, Warning, "/admin/notices?state=failed";
    /// Age of the newest backup that was found whole, while a place for backups is set.
    BackupAge = "backup_age": Seconds, Above 129_600.0 in 3600.0..31_536_000.0, for 0, again 86_400, Critical, "/admin/backups";
    /// The last backup failed, lacks films, or was found damaged.
    BackupFailed = "backup_failed": Flag, Above 0.0 in 0.0..1.0, for 0, again 86_400, Critical, "/admin/backups";
    /// How far the machine's clock has gone from its own beat between two looks.
    ClockJump = "clock_jump": Seconds, Above 30.0 in 5.0..86_400.0, for 0, again 3600, Warning, "/admin";
}

/// A rule as it holds now: the program's own, or as an admin has set it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Set {
    /// Which.
    pub rule: Rule,
    /// Is it looked at?
    pub enabled: bool,
    /// Beyond this it is bad, in its unit.
    pub threshold: f64,
    /// It has to be bad for so long, in seconds.
    pub for_s: i64,
    /// See [`Definition::cool_down_s`].
    pub cool_down_s: i64,
    /// How much it matters.
    pub severity: Severity,
}

impl Set {
    /// As the program brings it along.
    pub fn of(rule: Rule) -> Set {
        let d = rule.definition();
        Set {
            rule,
            enabled: true,
            threshold: d.threshold,
            for_s: d.for_s,
            cool_down_s: d.cool_down_s,
            severity: d.severity,
        }
    }

    /// Is `a` worse than `b`?
    pub fn is_worse(&self, a: f64, b: f64) -> bool {
        match self.rule.definition().direction {
            Direction::Above => a > b,
            Direction::Below => a < b,
        }
    }

    fn for_ms(&self) -> i64 {
        self.for_s * SECOND
    }

    fn cool_down_ms(&self) -> i64 {
        self.cool_down_s * SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_brings_along_can_be_chosen_and_can_clear() {
        for rule in Rule::ALL {
            let d = rule.definition();
            assert!((d.range.0..=d.range.1).contains(&d.threshold), "{rule}");
            assert!(d.for_s >= 0 && d.cool_down_s > 0 && d.page.starts_with("/admin"), "{rule}");
            // Even at the end of its range there are readings that end it.
            let most = Set { threshold: d.range.1, ..Set::of(*rule) };
            let (unit, below) = (d.unit, d.direction == Direction::Below);
            if unit == Unit::Percent && below {
                assert!(turn::is_within(&most, 100.0), "{rule}");
            }
            let least = Set { threshold: d.range.0, ..Set::of(*rule) };
            if !below {
                assert!(turn::is_within(&least, 0.0), "{rule}");
            }
        }
    }
}
