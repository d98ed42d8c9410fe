//! `/admin`: how the instance is doing. Drawn in parts, so that the stream can send the same parts anew.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::charts::{self, Past};
use super::live::Parts;
use super::{Desk, alerts, jobs, words};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::job::{JobState, Lane};
use crate::domain::media::shelf::{self, Kind, Usage};
use crate::engines::files::Space;
use crate::engines::hub;
use crate::engines::machine::{self, Own};
use crate::engines::metrics::Present;
use crate::engines::metrics::history::{Range, Width, days_to_full};
use crate::engines::queue::{self, LaneNow, Row};
use crate::server::web::Frame;
use crate::server::web::frame::html;

/// Half, 95 % and 99 % of the requests shall take no longer, in microseconds.
const BUDGETS_US: [u64; 3] = [100_000, 200_000, 500_000];
/// Rows of running and of failed jobs.
const LISTED: i64 = 6;

#[derive(Template)]
#[template(path = "admin/overview.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    parts: Parts,
    range: Range,
    version: &'static str,
}

impl Page<'_> {
    fn part(&self, name: &str) -> &str {
        self.parts.iter().find(|(n, _)| *n == name).map_or("", |(_, html)| html)
    }

    fn ranges(&self) -> &'static [Range] {
        Range::ALL
    }
}

pub(super) async fn show(State(app): State<App>, d: Desk, RawQuery(query): RawQuery) -> Result<Response> {
    let (d, query) = (d.at("overview"), query.unwrap_or_default());
    let parts = parts(&app, &d.f, &query).await?;
    html(&Page { f: &d.f, d: &d, parts, range: charts::range(&query), version: env!("CARGO_PKG_VERSION") })
}

/// What the stream sends anew.
pub(super) async fn parts(app: &App, f: &Frame, query: &str) -> Result<Parts> {
    let now = Now::look(app).await?;
    let disk = now.space.as_ref().map_or(0, |space| space.total);
    let past = Past::look(app, charts::range(query), disk, BUDGETS_US[1]).await?;
    let mut parts = now.draw(f)?;
    parts.push(("charts", past.draw(f)?));
    parts.push(("alerts", alerts::strip(app, f)?));
    Ok(parts)
}

/// Everything that the page shows, at one moment.
struct Now {
    present: Present,
    /// Days until the disk is full, as the last week went.
    days_to_full: Option<f64>,
    limits: Vec<Limit>,
    lanes: Vec<LaneNow>,
    usage_of_cores: Vec<f64>,
    rooms: hub::Stats,
    uptime_ms: i64,
    own: Option<Own>,
    space: Option<Space>,
    /// Bytes of films by kind.
    usage: Vec<Usage>,
    /// Bytes of the database, and of its log.
    database: (u64, u64),
    writes_waiting: usize,
    counts: Vec<(Lane, JobState, i64)>,
    running: Vec<Row>,
    failed: Vec<Row>,
    films: jobs::Films,
}

impl Now {
    async fn look(app: &App) -> Result<Now> {
        let read = app.read(|db| {
            let running = queue::by_states(db, &[JobState::Running], None, LISTED)?;
            let failed = queue::by_states(db, &[JobState::Failed, JobState::Dead], None, LISTED)?;
            let mut films = jobs::films(db, &running)?;
            films.extend(jobs::films(db, &failed)?);
            Ok((queue::counts(db)?, running, failed, films, shelf::usage(db, shelf::INSTANCE)?))
        });
        let (counts, mut running, failed, films, usage) = read.await?;
        app.queue.refresh(&mut running);
        let (history, now) = (app.clone(), app.clock.now());
        let past = tokio::task::spawn_blocking(move || {
            let week = history.history.series(Range::Week, now)?;
            let last = history.history.list(Width::Second, now.plus(-5_000), now)?;
            Ok::<_, Error>((
                days_to_full(&week),
                last.into_iter().next_back().map(|(_, s)| s.cores).unwrap_or_default(),
            ))
        });
        let (days_to_full, usage_of_cores) = past.await.map_err(Error::internal)??;
        Ok(Now {
            present: app.metrics.present(),
            days_to_full,
            limits: limits(app),
            lanes: app.queue.lanes(),
            usage_of_cores,
            rooms: app.hub.stats(),
            uptime_ms: app.clock.now().0 - app.started.0,
            own: machine::own(),
            space: app.files.space().ok(),
            usage,
            database: app.store.size_bytes(),
            writes_waiting: app.store.write_queue_len(),
            counts,
            running,
            failed,
            films,
        })
    }

    /// Draws every part in the person's language.
    fn draw(&self, f: &Frame) -> Result<Parts> {
        let draw = |part: &dyn Fn() -> askama::Result<String>| part().map_err(Error::internal);
        let list = |rows: &[Row]| jobs::draw(f, rows, &self.films, "/admin", "admin.jobs.nothing_runs");
        Ok(vec![
            ("numbers", draw(&|| Numbers { f, n: self }.render())?),
            ("latency", draw(&|| Latency { f, n: self }.render())?),
            ("lanes", draw(&|| Lanes { f, n: self }.render())?),
            ("limits", draw(&|| Limits { f, n: self }.render())?),
            ("running", list(&self.running)?),
            ("failed", if self.failed.is_empty() { String::new() } else { list(&self.failed)? }),
            ("disk", draw(&|| Disk { f, n: self }.render())?),
            ("machine", draw(&|| Machine { f, n: self }.render())?),
        ])
    }

    fn jobs_in(&self, states: &[JobState]) -> i64 {
        self.counts.iter().filter(|(_, s, _)| states.contains(s)).map(|(.., n)| n).sum()
    }
}

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident $path:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Template)]
        #[template(path = $path)]
        struct $name<'a> { f: &'a Frame, n: &'a Now }
    )+};
}

parts! {
    /// The four numbers on top.
    Numbers "admin/parts/numbers.html";
    /// Times against their budgets.
    Latency "admin/parts/latency.html";
    /// How many jobs are in which state.
    Lanes "admin/parts/lanes.html";
    /// How much of what is bounded is used.
    Limits "admin/parts/limits.html";
    /// Space on the disk.
    Disk "admin/parts/disk.html";
    /// The process and the database.
    Machine "admin/parts/machine.html";
}

impl Numbers<'_> {
    fn rate(&self) -> String {
        words::rate(self.n.present.per_second)
    }
    fn p95(&self) -> String {
        words::time(self.n.present.p95_us)
    }
    fn p95_class(&self) -> &'static str {
        class(self.n.present.p95_us, BUDGETS_US[1])
    }
    fn errors(&self) -> String {
        words::percent(self.n.present.error_rate)
    }
    fn errors_class(&self) -> &'static str {
        match self.n.present.error_rate {
            0.0 => "",
            ..0.01 => "warn",
            _ => "bad",
        }
    }
    fn statements(&self) -> String {
        words::rate(self.n.present.statements)
    }
}

/// Something that is bounded, and how much of it is used.
struct Limit {
    /// `admin.limits.<name>`.
    name: &'static str,
    used: u64,
    most: u64,
    bytes: bool,
}

/// What the settings and the system bound. What has no bound is not listed.
fn limits(app: &App) -> Vec<Limit> {
    let config = app.config();
    let count = |name, used: usize, most: usize| Limit { name, used: used as u64, most: most as u64, bytes: false };
    let bytes = |name, (used, most): (u64, u64)| Limit { name, used, most, bytes: true };
    let cache = app.cache.stats();
    let mut limits = vec![
        count("sockets", app.hub.sockets(), config.rooms.max_sockets),
        count("writes", app.store.write_queue_len(), config.store.write_queue),
        bytes("cache_l1", cache.memory[0]),
        bytes("cache_l2", cache.memory[1]),
    ];
    if let (Some(own), Some(most)) = (machine::own(), machine::memory_bytes()) {
        limits.push(Limit { name: "memory", used: own.resident_bytes, most, bytes: true });
    }
    if let (Some(own), Some(most)) = (machine::own(), machine::most_open_files()) {
        limits.push(count("files", own.open_files, most as usize));
    }
    limits
}

impl Limits<'_> {
    fn shown(&self, limit: &Limit) -> String {
        let write = |n: u64| if limit.bytes { words::size(n) } else { n.to_string() };
        format!("{} / {}", write(limit.used), write(limit.most))
    }

    fn class(&self, limit: &Limit) -> &'static str {
        match limit.used as f64 / limit.most.max(1) as f64 {
            // A cache that is full works as it should.
            _ if limit.name.starts_with("cache") => "",
            ..0.7 => "",
            ..0.9 => "warn",
            _ => "bad",
        }
    }
}

/// A time beside its budget.
struct Budgeted {
    name: &'static str,
    time: String,
    budget: String,
    class: &'static str,
    /// Length of its bar; the budget stands at 75 of 100.
    bar: u64,
}

impl Latency<'_> {
    fn rows(&self) -> Vec<Budgeted> {
        let p = &self.n.present;
        let times = [("p50", p.p50_us), ("p95", p.p95_us), ("p99", p.p99_us)];
        let row = |((name, us), budget): ((&'static str, u64), u64)| Budgeted {
            name,
            time: words::time(us),
            budget: words::time(budget),
            class: class(us, budget),
            bar: (us * 75 / budget).clamp(u64::from(us > 0), 100),
        };
        times.into_iter().zip(BUDGETS_US).map(row).collect()
    }
}

/// Within its budget, near it, over it.
fn class(us: u64, budget: u64) -> &'static str {
    match us {
        0 => "",
        _ if us > budget => "bad",
        _ if us * 4 > budget * 3 => "warn",
        _ => "good",
    }
}

impl Lanes<'_> {
    /// Places in use, and places.
    fn places(&self) -> Vec<(&LaneNow, usize)> {
        self.n.lanes.iter().map(|lane| (lane, lane.places.max(1))).collect()
    }

    fn counts(&self) -> [(&'static str, i64); 3] {
        let n = |states: &[JobState]| self.n.jobs_in(states);
        [
            ("running", n(&[JobState::Running])),
            ("waiting", n(&[JobState::Waiting, JobState::Ready, JobState::Retry])),
            ("failed", n(&[JobState::Failed, JobState::Dead])),
        ]
    }
}

impl Disk<'_> {
    fn used(&self, space: &Space) -> u64 {
        space.total.saturating_sub(space.free)
    }
    fn size(&self, bytes: &u64) -> String {
        words::size(*bytes)
    }
    /// Days to full, while that is less than a year off.
    fn forecast(&self) -> Option<String> {
        let days = self.n.days_to_full.filter(|days| *days < 366.0)?;
        Some(self.f.tw("admin.disk.full_in", &[("n", &format!("{days:.0}"))]))
    }
    /// Name, size and number of originals, and of all that was made of them.
    fn films(&self) -> [(&'static str, String, i64); 2] {
        let sum = |name, wanted: fn(&Usage) -> bool| {
            let of = || self.n.usage.iter().filter(|u| wanted(u));
            let bytes = of().map(|u| u.size_bytes).sum::<i64>();
            (name, words::size(bytes.max(0) as u64), of().map(|u| u.files).sum())
        };
        [
            sum("admin.disk.originals", |u| u.kind == Kind::Original),
            sum("admin.disk.renditions", |u| u.kind != Kind::Original),
        ]
    }
    /// Full means that uploads are refused, so it is told early.
    fn class(&self, space: &Space) -> &'static str {
        match self.used(space) as f64 / space.total.max(1) as f64 {
            ..0.8 => "",
            ..0.92 => "warn",
            _ => "bad",
        }
    }
}

impl Machine<'_> {
    /// Each core's number and percent.
    fn cores(&self) -> Vec<(usize, u64)> {
        self.n.usage_of_cores.iter().enumerate().map(|(n, busy)| (n, (busy * 100.0).round() as u64)).collect()
    }
    fn uptime(&self) -> String {
        words::lasting(self.f, self.n.uptime_ms)
    }
    fn size(&self, bytes: &u64) -> String {
        words::size(*bytes)
    }
}
