//! What was counted by route, since the start and over the last minutes.
//!
//! Every ten seconds what has come since is laid aside, sparse: a route that nobody asked takes no room, and of the
//! histogram only what is not 0 does. A window is the sum of the youngest of these and of what has come since.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::histogram::Sparse;
use super::{Histogram, METHODS, Times};
use crate::base::budget::{self, Budget};
use parking_lot::{Mutex, RwLock};

/// Route series at the most; the program has fewer than half as many.
pub const MAX_ROUTES: usize = 400;
/// Ticks that are laid aside together: ten seconds.
const TICKS: u32 = 10;
/// How many of these are kept: a quarter of an hour.
const KEPT: usize = 90;

/// Over which time routes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The last so many minutes, 1–15.
    Minutes(u32),
    /// Since the program was started.
    Start,
}

/// The numbers of one route, or of all.
#[derive(Default)]
pub(super) struct Counts {
    /// Answers by the first digit of their status, 1 to 5.
    pub(super) by_class: [AtomicU64; 5],
    pub(super) times: Histogram,
    pub(super) statements: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) slow: AtomicU64,
}

/// What [`Counts`] held at a moment, or between two.
#[derive(Clone, Default)]
struct Whole {
    by_class: [u64; 5],
    times: Times,
    statements: u64,
    bytes: u64,
    slow: u64,
}

/// The same in little room.
struct Aside {
    by_class: [u32; 5],
    times: Sparse,
    statements: u64,
    bytes: u64,
    slow: u32,
}

/// One method on one path template.
pub struct Route {
    pub(super) method: &'static str,
    pub(super) path: Arc<str>,
    /// Both, as slow statements name it.
    name: Arc<str>,
    budget: Budget,
    pub(super) counts: Counts,
    /// What had been counted when it was last laid aside.
    last: Mutex<Whole>,
}

type ByName = HashMap<&'static str, HashMap<Arc<str>, Arc<Route>>>;

pub(super) struct Routes {
    by_name: RwLock<ByName>,
    begun: Instant,
    windows: Mutex<Windows>,
}

struct Windows {
    ticks: u32,
    since: Instant,
    slots: VecDeque<Slot>,
}

struct Slot {
    seconds: f64,
    rows: Vec<(Arc<Route>, Aside)>,
}

/// A route over a window.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteNow {
    /// GET, HEAD …; `OTHER` for what is none of ours.
    pub method: &'static str,
    /// Its path template; `none` for what no route answered, `other` beyond [`MAX_ROUTES`].
    pub path: Arc<str>,
    /// What it is judged by.
    pub budget: Budget,
    /// Requests answered.
    pub requests: u64,
    /// The same a second.
    pub per_second: f64,
    /// Of these, with 4xx.
    pub refused: u64,
    /// Of these, with 5xx.
    pub errors: u64,
    /// Part of 5xx, 0–1.
    pub error_rate: f64,
    /// Half of them took no longer, in microseconds.
    pub p50_us: u64,
    /// 95 % of them.
    pub p95_us: u64,
    /// 99 % of them.
    pub p99_us: u64,
    /// Statements of all of them.
    pub statements: u64,
    /// Bytes of bodies that answers announced.
    pub bytes: u64,
    /// Requests above the threshold of slow ones.
    pub slow: u64,
}

impl RouteNow {
    /// Statements a request.
    pub fn statements_each(&self) -> f64 {
        self.statements as f64 / self.requests.max(1) as f64
    }

    /// Half, 95 % and 99 %, each with its budget.
    pub fn judged(&self) -> [(u64, Option<u64>); 3] {
        let budget = self.budget.times();
        let of = |i: usize| budget.map(|b: budget::Times| b[i]);
        [(self.p50_us, of(0)), (self.p95_us, of(1)), (self.p99_us, of(2))]
    }
}

/// All routes over a window.
#[derive(Clone, Debug)]
pub struct RoutesNow {
    /// How long the window really is.
    pub seconds: f64,
    /// Those that were asked in it, most asked first.
    pub rows: Vec<RouteNow>,
}

/// One route over a window, with its histogram.
#[derive(Clone)]
pub struct OneRoute {
    /// Its numbers.
    pub now: RouteNow,
    /// All its times.
    pub times: Times,
}

impl Counts {
    fn read(&self) -> Whole {
        let n = |c: &AtomicU64| c.load(Ordering::Relaxed);
        Whole {
            by_class: self.by_class.each_ref().map(n),
            times: self.times.read(),
            statements: n(&self.statements),
            bytes: n(&self.bytes),
            slow: n(&self.slow),
        }
    }
}

impl Whole {
    fn requests(&self) -> u64 {
        self.by_class.iter().sum()
    }

    fn since(&self, last: &Whole) -> Whole {
        Whole {
            by_class: std::array::from_fn(|i| self.by_class[i].saturating_sub(last.by_class[i])),
            times: self.times.since(&last.times),
            statements: self.statements.saturating_sub(last.statements),
            bytes: self.bytes.saturating_sub(last.bytes),
            slow: self.slow.saturating_sub(last.slow),
        }
    }

    fn add(&mut self, other: &Whole) {
        self.by_class.iter_mut().zip(other.by_class).for_each(|(a, b)| *a += b);
        self.times.add(&other.times);
        self.statements += other.statements;
        self.bytes += other.bytes;
        self.slow += other.slow;
    }

    fn aside(&self) -> Aside {
        Aside {
            by_class: self.by_class.map(|n| n.min(u64::from(u32::MAX)) as u32),
            times: self.times.sparse(),
            statements: self.statements,
            bytes: self.bytes,
            slow: self.slow.min(u64::from(u32::MAX)) as u32,
        }
    }

    fn add_aside(&mut self, aside: &Aside) {
        self.by_class.iter_mut().zip(aside.by_class).for_each(|(a, b)| *a += u64::from(b));
        self.times.add_sparse(&aside.times);
        self.statements += aside.statements;
        self.bytes += aside.bytes;
        self.slow += u64::from(aside.slow);
    }

    fn told(&self, route: &Route, seconds: f64) -> RouteNow {
        let requests = self.requests();
        RouteNow {
            method: route.method,
            path: route.path.clone(),
            budget: route.budget,
            requests,
            per_second: if seconds > 0.0 { requests as f64 / seconds } else { 0.0 },
            refused: self.by_class[3],
            errors: self.by_class[4],
            error_rate: self.by_class[4] as f64 / requests.max(1) as f64,
            p50_us: self.times.quantile_us(0.50),
            p95_us: self.times.quantile_us(0.95),
            p99_us: self.times.quantile_us(0.99),
            statements: self.statements,
            bytes: self.bytes,
            slow: self.slow,
        }
    }
}

impl Route {
    fn new(method: &'static str, path: &str) -> Route {
        Route {
            method,
            path: path.into(),
            name: format!("{method} {path}").into(),
            budget: Budget::of(method, path),
            counts: Counts::default(),
            last: Mutex::default(),
        }
    }

    /// Method and path template.
    pub fn name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// All times since the start.
    pub(super) fn times(&self) -> Times {
        self.counts.times.read()
    }

    /// From which time on a request of it is slow, in microseconds; `None`: never.
    pub(super) fn slow_us(&self) -> Option<u64> {
        self.budget.times().map(|times| times[1])
    }
}

impl Default for Routes {
    fn default() -> Routes {
        let now = Instant::now();
        let windows = Windows { ticks: 0, since: now, slots: VecDeque::new() };
        Routes { by_name: RwLock::default(), begun: now, windows: Mutex::new(windows) }
    }
}

impl Routes {
    pub(super) fn of(&self, method: &str, path: &str) -> Arc<Route> {
        let method = METHODS.iter().find(|m| **m == method).copied().unwrap_or("OTHER");
        if let Some(known) = self.by_name.read().get(method).and_then(|of| of.get(path)) {
            return known.clone();
        }
        let mut routes = self.by_name.write();
        let full = routes.values().map(HashMap::len).sum::<usize>() >= MAX_ROUTES;
        let (method, path) = if full { ("OTHER", "other") } else { (method, path) };
        let of = routes.entry(method).or_default();
        if let Some(known) = of.get(path) {
            return known.clone();
        }
        let route = Arc::new(Route::new(method, path));
        of.insert(route.path.clone(), route.clone());
        route
    }

    /// By path, then method.
    pub(super) fn all(&self) -> Vec<Arc<Route>> {
        let mut all: Vec<_> = self.by_name.read().values().flat_map(|of| of.values().cloned()).collect();
        all.sort_by(|a, b| (&a.path, a.method).cmp(&(&b.path, b.method)));
        all
    }

    /// A second is over.
    pub(super) fn tick(&self) {
        let mut windows = self.windows.lock();
        windows.ticks += 1;
        if windows.ticks < TICKS {
            return;
        }
        let mut rows = Vec::new();
        for route in self.all() {
            let whole = route.counts.read();
            let mut last = route.last.lock();
            let come = whole.since(&last);
            *last = whole;
            drop(last);
            if come.requests() > 0 {
                rows.push((route, come.aside()));
            }
        }
        let now = Instant::now();
        let seconds = now.duration_since(windows.since).as_secs_f64();
        super::push(&mut windows.slots, Slot { seconds, rows }, KEPT);
        (windows.ticks, windows.since) = (0, now);
    }

    /// Sums by route over a window, and its length in seconds. A route of which nothing came has no entry.
    fn sums(&self, window: Window, wanted: impl Fn(&Route) -> bool) -> (Vec<(Arc<Route>, Whole)>, f64) {
        let routes: Vec<_> = self.all().into_iter().filter(|r| wanted(r)).collect();
        let minutes = match window {
            Window::Start => {
                let sums = routes.into_iter().map(|r| (r.clone(), r.counts.read()));
                return (sums.filter(|(_, w)| w.requests() > 0).collect(), self.begun.elapsed().as_secs_f64());
            }
            Window::Minutes(n) => n,
        };
        // Held to the end, so that nothing is laid aside between the two halves of a sum.
        let windows = self.windows.lock();
        let mut sums: Vec<_> = routes.into_iter().map(|r| (r.clone(), r.counts.read().since(&r.last.lock()))).collect();
        let at: HashMap<*const Route, usize> = sums.iter().enumerate().map(|(i, (r, _))| (Arc::as_ptr(r), i)).collect();
        let mut seconds = windows.since.elapsed().as_secs_f64();
        let slots = (minutes.max(1) as usize * 60 / TICKS as usize).min(KEPT);
        for slot in windows.slots.iter().rev().take(slots) {
            seconds += slot.seconds;
            for (route, aside) in &slot.rows {
                if let Some(i) = at.get(&Arc::as_ptr(route)) {
                    sums[*i].1.add_aside(aside);
                }
            }
        }
        drop(windows);
        sums.retain(|(_, w)| w.requests() > 0);
        (sums, seconds)
    }

    pub(super) fn now(&self, window: Window) -> RoutesNow {
        let (sums, seconds) = self.sums(window, |_| true);
        let mut rows: Vec<_> = sums.iter().map(|(route, whole)| whole.told(route, seconds)).collect();
        rows.sort_by(|a, b| b.requests.cmp(&a.requests).then_with(|| a.path.cmp(&b.path)));
        RoutesNow { seconds, rows }
    }

    pub(super) fn one(&self, method: &str, path: &str, window: Window) -> Option<OneRoute> {
        let known = self.by_name.read().get(method)?.get(path)?.clone();
        let (sums, seconds) = self.sums(window, |r| std::ptr::eq(r, &*known));
        let mut whole = Whole::default();
        sums.iter().for_each(|(_, sum)| whole.add(sum));
        Some(OneRoute { now: whole.told(&known, seconds), times: whole.times })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ask(routes: &Routes, path: &str, ms: u64, status: usize) {
        let route = routes.of("GET", path);
        route.counts.by_class[status / 100 - 1].fetch_add(1, Ordering::Relaxed);
        route.counts.times.record(Duration::from_millis(ms));
        route.counts.statements.fetch_add(2, Ordering::Relaxed);
    }

    #[test]
    fn a_window_adds_up_and_forgets() {
        let routes = Routes::default();
        (0..100).for_each(|_| ask(&routes, "/a", 10, 200));
        (0..TICKS).for_each(|_| routes.tick());
        ask(&routes, "/a", 900, 503);
        ask(&routes, "/b", 1, 404);
        let now = routes.now(Window::Minutes(1));
        let (a, b) = (&now.rows[0], &now.rows[1]);
        assert_eq!((a.requests, a.errors, a.statements, b.refused), (101, 1, 202, 1));
        assert!((9_000..11_000).contains(&a.p50_us) && a.statements_each() == 2.0, "{a:?}");
        // Six of ten seconds later only what is older than a minute is out of its window, and not out of the others.
        (0..6 * TICKS).for_each(|_| routes.tick());
        let now = routes.now(Window::Minutes(1));
        assert_eq!(now.rows.iter().map(|r| r.requests).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(routes.now(Window::Minutes(5)).rows[0].requests, 101);
        (0..KEPT as u32 * TICKS).for_each(|_| routes.tick());
        assert!(routes.now(Window::Minutes(15)).rows.is_empty());
        assert_eq!(routes.now(Window::Start).rows[0].requests, 101);
        assert_eq!(routes.windows.lock().slots.len(), KEPT);
        assert_eq!(routes.one("GET", "/a", Window::Start).unwrap().times.count(), 101);
        assert!(routes.one("GET", "/never", Window::Start).is_none());
    }
}
