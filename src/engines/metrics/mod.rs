//! What the program counts about itself: requests by route, their times, the last minutes second by second.
//!
//! Laws: counting a request takes no lock that another request holds for long, and what is counted is bounded: routes are
//! path templates, methods a closed set, a route beyond [`MAX_ROUTES`] is "other". Requests are counted here; the hub,
//! the queue and the store are asked when somebody looks. Turned off ([`Metrics::set`]), nothing of a request is counted.

mod exposition;
mod histogram;
pub mod history;
pub mod live;
mod meter;
mod routes;
mod slow;
pub mod traffic;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;

use crate::base::clock::{Clock, Time};
pub use exposition::{CONTENT_TYPE, Exposition, Kind};
pub use histogram::{Histogram, Times};
pub use meter::{Meter, Used, metered};
use routes::{Counts, Routes};
pub use routes::{MAX_ROUTES, OneRoute, Route, RouteNow, RoutesNow, Window};
pub use slow::{KEPT_SLOW, Slow};

/// Seconds over which present times and rates are told.
pub const WINDOW_SECONDS: usize = 60;
/// Boundaries of the exported histogram, in microseconds: the budgets (100, 200, 500 ms) are among them.
const BOUNDS_US: [u64; 13] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_500_000, 10_000_000,
    60_000_000,
];
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// The counters. Cheap to clone.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Inner>);

#[derive(Default)]
struct Inner {
    off: AtomicBool,
    /// From which time on a request is slow, in microseconds; 0: from its route's budget on.
    slow_us: AtomicU64,
    in_flight: AtomicI64,
    all: Counts,
    routes: Routes,
    slow: slow::Ring,
    recent: Mutex<Recent>,
    live: live::Live,
    traffic: traffic::Traffic,
}

/// How a request was answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answered<'a> {
    /// HTTP status.
    pub status: u16,
    /// From its head to its answer's head.
    pub took: Duration,
    /// What it used meanwhile.
    pub used: Used,
    /// Bytes of the body, where the answer says so before it is sent.
    pub bytes: u64,
    /// As `X-Cache` tells it.
    pub cache: &'a str,
    /// As `X-Request-Id` tells it.
    pub request: &'a str,
}

#[derive(Default)]
struct Recent {
    /// What had been counted at the last tick.
    last: Totals,
    /// Times of each of the last [`WINDOW_SECONDS`] seconds.
    times: VecDeque<Times>,
    seconds: VecDeque<Second>,
}

#[derive(Clone, Default)]
struct Totals {
    times: Times,
    requests: u64,
    errors: u64,
    statements: u64,
}

/// One second as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Second {
    /// Its end.
    pub at: Time,
    /// Requests answered in it.
    pub requests: u64,
    /// Of these, answered with 5xx.
    pub errors: u64,
    /// Statements that they ran.
    pub statements: u64,
    /// 95 % of them took no longer, in microseconds; 0 without requests.
    pub p95_us: u64,
    /// Requests under way at its end.
    pub in_flight: i64,
    /// Sockets at its end.
    pub sockets: usize,
}

/// The last minute in a few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Present {
    /// Requests a second.
    pub per_second: f64,
    /// Part of the requests answered with 5xx, 0–1.
    pub error_rate: f64,
    /// Statements a request.
    pub statements: f64,
    /// Half of the requests took no longer, in microseconds.
    pub p50_us: u64,
    /// 95 % of them.
    pub p95_us: u64,
    /// 99 % of them.
    pub p99_us: u64,
    /// Requests under way now.
    pub in_flight: i64,
    /// Requests since the start.
    pub requests: u64,
}

/// A request under way; dropping it ends it, also when its connection breaks.
pub struct InFlight(Arc<Inner>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Metrics {
        Metrics::default()
    }

    /// What goes over sockets.
    pub fn live(&self) -> &live::Live {
        &self.0.live
    }

    /// Bytes of films, and sign-ins.
    pub fn traffic(&self) -> &traffic::Traffic {
        &self.0.traffic
    }

    /// A request begins.
    pub fn begin(&self) -> InFlight {
        self.0.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self.0.clone())
    }

    /// Requests under way now.
    pub fn in_flight(&self) -> i64 {
        self.0.in_flight.load(Ordering::Relaxed)
    }

    /// Counts from now on, or does not, and keeps requests as slow that take `slow_ms` milliseconds; 0: as long as the
    /// budget of their route.
    pub fn set(&self, on: bool, slow_ms: u64) {
        self.0.off.store(!on, Ordering::Relaxed);
        self.0.slow_us.store(slow_ms.saturating_mul(1_000), Ordering::Relaxed);
    }

    /// Is anything counted?
    pub fn is_on(&self) -> bool {
        !self.0.off.load(Ordering::Relaxed)
    }

    /// Where a request is counted; `None` while nothing is. `path` is its template (`/api/v1/projects/{id}`), `None` if
    /// no route answers it.
    pub fn of(&self, method: &str, path: Option<&str>) -> Option<Arc<Route>> {
        self.is_on().then(|| self.0.routes.of(method, path.unwrap_or("none")))
    }

    /// A request was answered.
    pub fn answered(&self, clock: &Clock, route: &Route, answer: Answered) {
        let slow_us = match self.0.slow_us.load(Ordering::Relaxed) {
            0 => route.slow_us(),
            us => Some(us),
        };
        let took_us = answer.took.as_micros() as u64;
        let is_slow = slow_us.is_some_and(|us| took_us >= us);
        let class = usize::from(answer.status / 100).clamp(1, 5) - 1;
        for counted in [&self.0.all, &route.counts] {
            counted.by_class[class].fetch_add(1, Ordering::Relaxed);
            counted.times.record(answer.took);
            // Most answers run none: they are kept.
            if answer.used.statements > 0 {
                counted.statements.fetch_add(u64::from(answer.used.statements), Ordering::Relaxed);
            }
            counted.bytes.fetch_add(answer.bytes, Ordering::Relaxed);
            if is_slow {
                counted.slow.fetch_add(1, Ordering::Relaxed);
            }
        }
        if is_slow {
            self.0.slow.keep(Slow {
                at: clock.now(),
                method: route.method,
                route: route.path.clone(),
                status: answer.status,
                took_us,
                statements: answer.used.statements,
                statements_us: answer.used.statements_us,
                user: answer.used.user,
                request: answer.request.to_owned(),
                cache: slow::outcome(answer.cache),
            });
        }
    }

    /// Routes over a window, most asked first.
    pub fn routes(&self, window: Window) -> RoutesNow {
        self.0.routes.now(window)
    }

    /// One route over a window; `None` if it was never asked.
    pub fn route(&self, method: &str, path: &str, window: Window) -> Option<OneRoute> {
        self.0.routes.one(method, path, window)
    }

    /// The last slow requests, newest first.
    pub fn slow(&self) -> Vec<Slow> {
        self.0.slow.list()
    }

    /// Ends a second: call it once a second.
    pub fn tick(&self, at: Time, sockets: usize) {
        if !self.is_on() {
            return;
        }
        self.0.live.tick();
        self.0.routes.tick();
        let now = self.totals();
        let mut recent = self.0.recent.lock();
        let times = now.times.since(&recent.last.times);
        let second = Second {
            at,
            requests: now.requests - recent.last.requests,
            errors: now.errors - recent.last.errors,
            statements: now.statements - recent.last.statements,
            p95_us: times.quantile_us(0.95),
            in_flight: self.0.in_flight.load(Ordering::Relaxed),
            sockets,
        };
        push(&mut recent.times, times, WINDOW_SECONDS);
        push(&mut recent.seconds, second, WINDOW_SECONDS);
        recent.last = now;
    }

    fn totals(&self) -> Totals {
        let all = &self.0.all;
        let count = |c: &AtomicU64| c.load(Ordering::Relaxed);
        Totals {
            times: all.times.read(),
            requests: all.by_class.iter().map(count).sum(),
            errors: count(&all.by_class[4]),
            statements: count(&all.statements),
        }
    }

    /// Since the start: times of all requests but those of one route, all requests, all answers with 5xx.
    pub fn counted_without(&self, method: &str, route: &str) -> (Times, u64, u64) {
        let now = self.totals();
        let times = now.times.since(&self.0.routes.of(method, route).times());
        (times, now.requests, now.errors)
    }

    /// What was counted since the start, for the history; of the cache the caller knows.
    pub fn counted(&self) -> history::Counted {
        let Totals { times, requests, errors, statements } = self.totals();
        history::Counted { times, requests, errors, statements, ..Default::default() }
    }

    /// The last `seconds` seconds, oldest first.
    #[cfg(test)]
    fn recent(&self, seconds: usize) -> Vec<Second> {
        let recent = self.0.recent.lock();
        recent.seconds.iter().skip(recent.seconds.len().saturating_sub(seconds)).copied().collect()
    }

    /// The last minute; before its first second has passed, nothing.
    pub fn present(&self) -> Present {
        let recent = self.0.recent.lock();
        let mut times = Times::default();
        recent.times.iter().for_each(|t| times.add(t));
        let window = recent.seconds.iter().rev().take(WINDOW_SECONDS);
        let (mut requests, mut errors, mut statements, mut seconds) = (0, 0, 0, 0);
        for s in window {
            (requests, errors, statements) = (requests + s.requests, errors + s.errors, statements + s.statements);
            seconds += 1;
        }
        let part = |n: u64, of: u64| if of == 0 { 0.0 } else { n as f64 / of as f64 };
        Present {
            per_second: part(requests, seconds),
            error_rate: part(errors, requests),
            statements: part(statements, requests),
            p50_us: times.quantile_us(0.50),
            p95_us: times.quantile_us(0.95),
            p99_us: times.quantile_us(0.99),
            in_flight: self.0.in_flight.load(Ordering::Relaxed),
            requests: recent.last.requests,
        }
    }

    /// Writes the request families for Prometheus.
    pub fn expose(&self, out: &mut Exposition) {
        let routes: Vec<_> = self.0.routes.all();
        let labels = |r: &Arc<Route>| (r.method, r.path.clone());
        let count = |c: &AtomicU64| c.load(Ordering::Relaxed) as f64;

        out.family("videoplanet_http_requests_in_flight", Kind::Gauge, "Requests under way.");
        out.sample(&[], self.0.in_flight.load(Ordering::Relaxed) as f64);

        out.family(
            "videoplanet_http_requests_total",
            Kind::Counter,
            "Requests answered, by route and class of status.",
        );
        for route in &routes {
            let (method, path) = labels(route);
            for (i, class) in ["1xx", "2xx", "3xx", "4xx", "5xx"].iter().enumerate() {
                let n = count(&route.counts.by_class[i]);
                if n > 0.0 {
                    out.sample(&[("method", method), ("route", &path), ("status", class)], n);
                }
            }
        }

        out.family(
            "videoplanet_http_request_duration_seconds",
            Kind::Histogram,
            "Time from a request's head to its answer's head.",
        );
        for route in &routes {
            let (method, path) = labels(route);
            out.histogram(&[("method", method), ("route", &path)], &route.counts.times.read(), &BOUNDS_US);
        }

        let mut counter = |name, help, of: fn(&Counts) -> &AtomicU64| {
            out.family(name, Kind::Counter, help);
            for route in &routes {
                let (method, path) = labels(route);
                out.sample(&[("method", method), ("route", &path)], count(of(&route.counts)));
            }
        };
        counter("videoplanet_http_request_statements_total", "Statements that requests ran.", |c| &c.statements);
        counter("videoplanet_http_slow_requests_total", "Requests that took longer than they may.", |c| &c.slow);
        counter("videoplanet_http_response_body_bytes_total", "Bytes of bodies that answers announced.", |c| &c.bytes);
    }
}

fn push<T>(ring: &mut VecDeque<T>, value: T, max: usize) {
    if ring.len() == max {
        ring.pop_front();
    }
    ring.push_back(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn ask(metrics: &Metrics, method: &str, path: Option<&str>, status: u16, took: Duration, statements: u32) {
        let Some(route) = metrics.of(method, path) else { return };
        let used = Used { statements, ..Used::default() };
        let answer = Answered { status, took, used, request: "abcd1234", cache: "miss", ..Answered::default() };
        metrics.answered(&Clock::set_at(7_000), &route, answer);
    }

    #[test]
    fn a_second_holds_what_happened_in_it() {
        let metrics = Metrics::new();
        (0..90).for_each(|_| ask(&metrics, "GET", Some("/a"), 200, ms(10), 2));
        (0..10).for_each(|_| ask(&metrics, "GET", Some("/a"), 503, ms(300), 0));
        metrics.tick(Time(1000), 3);
        metrics.tick(Time(2000), 3);
        let seconds = metrics.recent(10);
        assert_eq!((seconds[0].requests, seconds[0].errors, seconds[0].statements), (100, 10, 180));
        assert!((250_000..=350_000).contains(&seconds[0].p95_us), "{}", seconds[0].p95_us);
        assert_eq!((seconds[1].requests, seconds[1].p95_us), (0, 0));
        let present = metrics.present();
        assert_eq!((present.per_second, present.error_rate, present.requests), (50.0, 0.1, 100));
        assert!((9_000..=11_000).contains(&present.p50_us), "{}", present.p50_us);
    }

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let metrics = Metrics::new();
        ask(&metrics, "GET", None, 200, ms(900), 0);
        metrics.tick(Time(0), 0);
        (0..WINDOW_SECONDS + 5).for_each(|n| metrics.tick(Time(n as i64), 0));
        assert_eq!(metrics.present().p99_us, 0);
        assert_eq!(metrics.recent(usize::MAX).len(), WINDOW_SECONDS);
    }

    #[test]
    fn a_request_under_way_is_counted_until_it_is_dropped() {
        let metrics = Metrics::new();
        let one = metrics.begin();
        assert_eq!(metrics.present().in_flight, 1);
        drop(one);
        assert_eq!(metrics.present().in_flight, 0);
    }

    #[test]
    fn invented_methods_and_endless_routes_stay_bounded() {
        let metrics = Metrics::new();
        for n in 0..1000 {
            ask(&metrics, &format!("M{n}"), Some(&format!("/{n}")), 200, ms(1), 0);
        }
        assert!(metrics.0.routes.all().len() <= MAX_ROUTES + 1);
        assert_eq!(metrics.totals().requests, 1000);
    }

    #[test]
    fn what_is_slow_is_kept_by_budget_or_by_setting_and_bounded() {
        let metrics = Metrics::new();
        ask(&metrics, "GET", Some("/a"), 200, ms(199), 1);
        ask(&metrics, "PATCH", Some("/api/v1/uploads/{id}"), 204, ms(90_000), 1);
        assert!(metrics.slow().is_empty());
        ask(&metrics, "GET", Some("/a"), 200, ms(200), 7);
        let slow = metrics.slow();
        assert_eq!((slow.len(), &*slow[0].route, slow[0].took_us, slow[0].statements), (1, "/a", 200_000, 7));
        assert_eq!((slow[0].at, &*slow[0].request, slow[0].cache), (Time(7_000), "abcd1234", "miss"));
        metrics.set(true, 5);
        (0..600).for_each(|n| ask(&metrics, "GET", Some("/b"), 200, ms(5 + n), 0));
        assert_eq!((metrics.slow().len(), metrics.slow()[0].took_us), (KEPT_SLOW, 604_000));
        assert_eq!(metrics.route("GET", "/b", Window::Start).unwrap().now.slow, 600);
    }

    #[test]
    fn turned_off_nothing_is_counted() {
        let metrics = Metrics::new();
        metrics.set(false, 1);
        ask(&metrics, "GET", Some("/a"), 200, ms(900), 1);
        metrics.tick(Time(0), 0);
        assert!(metrics.recent(10).is_empty() && metrics.slow().is_empty() && metrics.0.routes.all().is_empty());
        assert_eq!(metrics.totals().requests, 0);
    }

    #[test]
    fn prometheus_reads_it() {
        let metrics = Metrics::new();
        ask(&metrics, "GET", Some("/p/{id}"), 200, ms(150), 3);
        let mut out = Exposition::default();
        metrics.expose(&mut out);
        let text = out.finish();
        for line in [
            "# TYPE videoplanet_http_requests_total counter",
            r#"videoplanet_http_requests_total{method="GET",route="/p/{id}",status="2xx"} 1"#,
            r#"videoplanet_http_request_duration_seconds_bucket{method="GET",route="/p/{id}",le="0.1"} 0"#,
            r#"videoplanet_http_request_duration_seconds_bucket{method="GET",route="/p/{id}",le="0.2"} 1"#,
            r#"videoplanet_http_request_duration_seconds_bucket{method="GET",route="/p/{id}",le="+Inf"} 1"#,
            r#"videoplanet_http_request_duration_seconds_sum{method="GET",route="/p/{id}"} 0.15"#,
            r#"videoplanet_http_request_duration_seconds_count{method="GET",route="/p/{id}"} 1"#,
            r#"videoplanet_http_request_statements_total{method="GET",route="/p/{id}"} 3"#,
            r#"videoplanet_http_slow_requests_total{method="GET",route="/p/{id}"} 0"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}
