//! Statements that took too long, grouped by their text: how often, how long, by which plan, asked by which route.
//!
//! Law: a statement's text is what stands in the source; its values are bound beside it and never seen here. Lists of
//! numbers in a text are shortened, so that they are one group and no list of ids.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::base::clock::{Clock, Time};
use parking_lot::Mutex;

/// Groups that are kept; the one that was longest not slow makes room.
const GROUPS: usize = 100;
/// Characters of a text and of a plan.
const TEXT: usize = 4_000;
/// A statement is slow from here on, if nobody has said otherwise.
const SLOW: Duration = Duration::from_millis(100);

/// One slow statement.
#[derive(Clone, Debug, PartialEq)]
pub struct SlowStatement {
    /// Its text.
    pub sql: String,
    /// How often it was slow.
    pub count: u64,
    /// How long it took then, all together, in microseconds.
    pub sum_us: u64,
    /// At the longest.
    pub max_us: u64,
    /// The last time.
    pub last_us: u64,
    /// When that was.
    pub last: Time,
    /// How SQLite went about it when it was first slow.
    pub plan: String,
    /// Method and path template of the last request that ran it; `None`: a job or a loop.
    pub route: Option<Arc<str>>,
}

impl SlowStatement {
    /// How long it took each time, in microseconds.
    pub fn mean_us(&self) -> u64 {
        self.sum_us / self.count.max(1)
    }
}

pub(super) struct Statements {
    clock: Clock,
    /// `u64::MAX`: none is slow.
    from_ns: AtomicU64,
    groups: Mutex<HashMap<String, SlowStatement>>,
}

impl Statements {
    pub(super) fn new(clock: Clock) -> Statements {
        Statements { clock, from_ns: AtomicU64::new(SLOW.as_nanos() as u64), groups: Mutex::default() }
    }

    pub(super) fn set(&self, from: Option<Duration>) {
        let ns = from.map_or(u64::MAX, |from| (from.as_nanos() as u64).max(1));
        self.from_ns.store(ns, Ordering::Relaxed);
    }

    pub(super) fn is_slow(&self, took: Duration) -> bool {
        took.as_nanos() as u64 >= self.from_ns.load(Ordering::Relaxed)
    }

    /// Notes one. `plan` is asked the first time.
    pub(super) fn note(&self, sql: &str, took: Duration, route: Option<&Arc<str>>, plan: impl FnOnce() -> String) {
        let text = shape(sql);
        let us = took.as_micros() as u64;
        let known = self.groups.lock().get(&text).map(|g| g.plan.clone());
        // Asked without the lock: a plan is a statement of its own.
        let plan = known.unwrap_or_else(|| plan().chars().take(TEXT).collect());
        tracing::warn!(took_ms = took.as_millis() as u64, sql = text, plan, "slow statement");
        let at = self.clock.now();
        let mut groups = self.groups.lock();
        if groups.len() >= GROUPS && !groups.contains_key(&text) {
            let oldest = groups.values().min_by_key(|g| g.last).map(|g| g.sql.clone());
            oldest.and_then(|sql| groups.remove(&sql));
        }
        let group = groups.entry(text.clone()).or_insert_with(|| SlowStatement {
            sql: text,
            count: 0,
            sum_us: 0,
            max_us: 0,
            last_us: 0,
            last: at,
            plan,
            route: None,
        });
        group.count += 1;
        group.sum_us += us;
        group.max_us = group.max_us.max(us);
        (group.last_us, group.last) = (us, at);
        group.route = route.cloned();
    }

    pub(super) fn list(&self) -> Vec<SlowStatement> {
        let mut list: Vec<_> = self.groups.lock().values().cloned().collect();
        list.sort_by(|a, b| b.sum_us.cmp(&a.sum_us).then_with(|| a.sql.cmp(&b.sql)));
        list
    }

    pub(super) fn clear(&self) {
        self.groups.lock().clear();
    }
}

/// The text in one line, without lists of numbers and of places, within its bound.
fn shape(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len().min(TEXT));
    let mut left = TEXT;
    let mut rest = sql.trim();
    while let Some(c) = rest.chars().next().filter(|_| left > 0) {
        let (taken, said) = if c.is_whitespace() {
            (rest.len() - rest.trim_start().len(), " ")
        } else if let Some(list) = list(rest) {
            (list, "(…)")
        } else {
            (c.len_utf8(), &rest[..c.len_utf8()])
        };
        out.push_str(said);
        rest = &rest[taken..];
        left -= 1;
    }
    out
}

/// The length of a list such as `(1, 2, 3)` or `(?2, ?3)` at the beginning of `text`.
fn list(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('(')?;
    let end = inside.find(')')?;
    let items = &inside[..end];
    let plain = items.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b' ' | b'?' | b'-' | b'\n'));
    (plain && items.contains(',')).then_some(end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements() -> Statements {
        Statements::new(Clock::set_at(5))
    }

    #[test]
    fn a_text_is_one_line_without_lists() {
        assert_eq!(shape("SELECT a,\n       b  FROM t WHERE id IN (1, 2,3)"), "SELECT a, b FROM t WHERE id IN (…)");
        assert_eq!(shape("x IN (?2, ?3) AND y = max(a, 1)"), "x IN (…) AND y = max(a, 1)");
        assert_eq!(shape(&"가 ".repeat(TEXT)).chars().count(), TEXT);
    }

    #[test]
    fn the_plan_is_made_once_and_groups_are_bounded() {
        let statements = statements();
        assert!(statements.is_slow(SLOW) && !statements.is_slow(SLOW - Duration::from_nanos(1)));
        let route = Arc::from("GET /a");
        statements.note("SELECT 1 IN (1, 2)", SLOW, Some(&route), || "a plan".into());
        statements.note("SELECT 1 IN (3, 4, 5)", 3 * SLOW, None, || panic!("a second plan"));
        let one = &statements.list()[0];
        assert_eq!((one.count, one.max_us, one.mean_us(), one.last_us), (2, 300_000, 200_000, 300_000));
        assert_eq!((&*one.plan, one.route.as_deref(), one.last), ("a plan", None, Time(5)));
        (0..2 * GROUPS).for_each(|n| statements.note(&format!("SELECT {n}"), SLOW, None, String::new));
        assert_eq!(statements.list().len(), GROUPS);
        statements.set(None);
        assert!(!statements.is_slow(Duration::from_secs(9_000)));
        statements.clear();
        assert!(statements.list().is_empty());
    }
}
