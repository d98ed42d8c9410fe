//! `/admin`: how the instance is doing. Drawn in parts, so that the stream can send the same parts anew.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::chart::Chart;
use super::live::Parts;
use super::{Desk, jobs, words};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::job::{JobState, Lane};
use crate::domain::media::shelf::{self, Kind, Usage};
use crate::engines::files::Space;
use crate::engines::hub;
use crate::engines::machine::{self, Own};
use crate::engines::metrics::{Present, Second};
use crate::engines::queue::{self, Row};
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
    version: &'static str,
}

impl Page<'_> {
    fn part(&self, name: &str) -> &str {
        self.parts.iter().find(|(n, _)| *n == name).map_or("", |(_, html)| html)
    }
}

pub(super) async fn show(State(app): State<App>, d: Desk) -> Result<Response> {
    let d = d.at("overview");
    let parts = Now::look(&app).await?.draw(&d.f)?;
    html(&Page { f: &d.f, d: &d, parts, version: env!("CARGO_PKG_VERSION") })
}

/// What the stream sends anew.
pub(super) async fn parts(app: &App, f: &Frame, _query: &str) -> Result<Parts> {
    Now::look(app).await?.draw(f)
}

/// Everything that the page shows, at one moment.
struct Now {
    present: Present,
    seconds: Vec<Second>,
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
        Ok(Now {
            present: app.metrics.present(),
            seconds: app.metrics.recent(usize::MAX),
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
            ("charts", draw(&|| Charts { f, n: self }.render())?),
            ("latency", draw(&|| Latency { f, n: self }.render())?),
            ("lanes", draw(&|| Lanes { f, n: self }.render())?),
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
    /// Ten minutes of requests and times.
    Charts "admin/parts/charts.html";
    /// Times against their budgets.
    Latency "admin/parts/latency.html";
    /// How many jobs are in which state.
    Lanes "admin/parts/lanes.html";
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

impl Charts<'_> {
    fn requests(&self) -> Chart {
        Chart::new(self.n.seconds.iter().map(|s| s.requests as f64), 1.0)
    }
    fn times(&self) -> Chart {
        Chart::new(self.n.seconds.iter().map(|s| s.p95_us as f64), BUDGETS_US[1] as f64 * 1.25)
            .with_border(BUDGETS_US[1] as f64)
    }
    fn most_requests(&self) -> String {
        let most = self.n.seconds.iter().map(|s| s.requests).max().unwrap_or(0);
        words::rate(most as f64)
    }
    fn longest(&self) -> String {
        words::time(self.n.seconds.iter().map(|s| s.p95_us).max().unwrap_or(0))
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
    fn uptime(&self) -> String {
        words::lasting(self.f, self.n.uptime_ms)
    }
    fn size(&self, bytes: &u64) -> String {
        words::size(*bytes)
    }
}
