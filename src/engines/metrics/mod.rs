//! What the program counts about itself: requests by route, their times, the last minutes second by second.
//!
//! Laws: counting a request takes no lock that another request holds for long, and what is counted is bounded: routes are
//! path templates, methods a closed set, a route beyond [`MAX_ROUTES`] is "other". Requests are counted here; the hub,
//! the queue and the store are asked when somebody looks.

mod exposition;
mod histogram;
pub mod history;
pub mod live;
pub mod traffic;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use serde::Serialize;

use crate::base::clock::Time;
pub use exposition::{CONTENT_TYPE, Exposition, Kind};
pub use histogram::{Histogram, Times};

/// Route series at the most; the program has fewer than half as many.
pub const MAX_ROUTES: usize = 400;
/// Seconds kept for the live page.
pub const KEPT_SECONDS: usize = 600;
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
    in_flight: AtomicI64,
    all: Route,
    routes: RwLock<HashMap<&'static str, HashMap<String, Arc<Route>>>>,
    recent: Mutex<Recent>,
    live: live::Live,
    traffic: traffic::Traffic,
}

/// One method on one path template.
#[derive(Default)]
struct Route {
    /// Answers by the first digit of their status, 1 to 5.
    by_class: [AtomicU64; 5],
    times: Histogram,
    statements: AtomicU64,
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

    /// A request was answered. `route` is its path template (`/api/v1/projects/{id}`), `None` if there is none.
    pub fn answered(&self, method: &str, route: Option<&str>, status: u16, took: Duration, statements: u32) {
        let one = self.route(method, route.unwrap_or("none"));
        for counted in [&self.0.all, &*one] {
            let class = usize::from(status / 100).clamp(1, 5) - 1;
            counted.by_class[class].fetch_add(1, Ordering::Relaxed);
            counted.times.record(took);
            counted.statements.fetch_add(u64::from(statements), Ordering::Relaxed);
        }
    }

    fn route(&self, method: &str, route: &str) -> Arc<Route> {
        let method = METHODS.iter().find(|m| **m == method).copied().unwrap_or("OTHER");
        if let Some(known) = self.0.routes.read().get(method).and_then(|of| of.get(route)) {
            return known.clone();
        }
        let mut routes = self.0.routes.write();
        let full = routes.values().map(HashMap::len).sum::<usize>() >= MAX_ROUTES;
        let (method, route) = if full { ("OTHER", "other") } else { (method, route) };
        routes.entry(method).or_default().entry(route.to_owned()).or_default().clone()
    }

    /// Ends a second: call it once a second.
    pub fn tick(&self, at: Time, sockets: usize) {
        self.0.live.tick();
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
        push(&mut recent.seconds, second, KEPT_SECONDS);
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

    /// What was counted since the start, for the history; of the cache the caller knows.
    pub fn counted(&self) -> history::Counted {
        let Totals { times, requests, errors, statements } = self.totals();
        history::Counted { times, requests, errors, statements, ..Default::default() }
    }

    /// The last `seconds` seconds, oldest first.
    pub fn recent(&self, seconds: usize) -> Vec<Second> {
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
        let routes = self.0.routes.read();
        let all =
            routes.iter().flat_map(|(m, of)| of.iter().map(move |(path, route)| (*m, path.clone(), route.clone())));
        let mut routes: Vec<_> = all.collect();
        routes.sort_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
        let count = |c: &AtomicU64| c.load(Ordering::Relaxed) as f64;

        out.family("videoplanet_http_requests_in_flight", Kind::Gauge, "Requests under way.");
        out.sample(&[], self.0.in_flight.load(Ordering::Relaxed) as f64);

        out.family(
            "videoplanet_http_requests_total",
            Kind::Counter,
            "Requests answered, by route and class of status.",
        );
        for (method, path, route) in &routes {
            for (i, class) in ["1xx", "2xx", "3xx", "4xx", "5xx"].iter().enumerate() {
                let n = count(&route.by_class[i]);
                if n > 0.0 {
                    out.sample(&[("method", method), ("route", path), ("status", class)], n);
                }
            }
        }

        out.family(
            "videoplanet_http_request_duration_seconds",
            Kind::Histogram,
            "Time from a request's head to its answer's head.",
        );
        for (method, path, route) in &routes {
            out.histogram(&[("method", method), ("route", path)], &route.times.read(), &BOUNDS_US);
        }

        out.family("videoplanet_http_request_statements_total", Kind::Counter, "Statements that requests ran.");
        for (method, path, route) in &routes {
            out.sample(&[("method", method), ("route", path)], count(&route.statements));
        }
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

    #[test]
    fn a_second_holds_what_happened_in_it() {
        let metrics = Metrics::new();
        (0..90).for_each(|_| metrics.answered("GET", Some("/a"), 200, ms(10), 2));
        (0..10).for_each(|_| metrics.answered("GET", Some("/a"), 503, ms(300), 0));
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
        metrics.answered("GET", None, 200, ms(900), 0);
        metrics.tick(Time(0), 0);
        (0..KEPT_SECONDS + 5).for_each(|n| metrics.tick(Time(n as i64), 0));
        assert_eq!(metrics.present().p99_us, 0);
        assert_eq!(metrics.recent(usize::MAX).len(), KEPT_SECONDS);
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
            metrics.answered(&format!("M{n}"), Some(&format!("/{n}")), 200, ms(1), 0);
        }
        assert!(metrics.0.routes.read().len() <= MAX_ROUTES + 1);
        assert_eq!(metrics.totals().requests, 1000);
    }

    #[test]
    fn prometheus_reads_it() {
        let metrics = Metrics::new();
        metrics.answered("GET", Some("/p/{id}"), 200, ms(150), 3);
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
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }
}
