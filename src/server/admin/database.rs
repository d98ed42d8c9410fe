//! `/admin/database`: the file and its log, who reads and writes, statements that took too long; and what is done for it.
//! How large which table is, is measured when somebody asks for it, never on the stream.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::live::Parts;
use super::requests::route_address;
use super::table::{self, Cell, Column, Table, number, words as text};
use super::{Desk, back, words};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::job::{Job, JobKind};
use crate::domain::http::Query;
use crate::engines::queue::{self, Row};
use crate::engines::store::{Checkpointed, Commits, Readers, Shape, SlowStatement, Tables};
use crate::server::web::Frame;
use crate::server::web::frame::html;
use crate::work;

const TABLES: &[Column] =
    &[text("name"), text("kind"), number("rows"), number("bytes"), number("share"), number("unused")];

/// What the address says.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    sort: String,
    q: String,
    format: String,
    /// `tables` for what takes how much; else the state.
    tab: String,
}

#[derive(Template)]
#[template(path = "admin/database.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    parts: Parts,
    results: Results,
    tables: Option<(Arc<Tables>, String)>,
    on: bool,
}

/// What was last done for the database.
struct Results {
    tidied: Option<Row>,
    checked: Option<Row>,
    checkpointed: Option<Checkpointed>,
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    let d = d.at("database");
    let f = &d.f;
    let mut tables = None;
    if asked.tab == "tables" {
        let measured = app.store.tables(app.clock.now()).await?;
        let table = tables_table(f, &asked, &measured);
        if asked.format == "csv" {
            return Ok(table.csv(f));
        }
        tables = Some((measured, table.draw(f)?));
    }
    let kinds = [JobKind::DbOptimize, JobKind::IntegrityCheck];
    let mut rows = app.read(move |db| queue::last_of_each(db, &kinds)).await?;
    let mut last = |kind| rows.iter().position(|r| r.kind == kind).map(|i| rows.swap_remove(i));
    let (tidied, checked) = (last(JobKind::DbOptimize), last(JobKind::IntegrityCheck));
    let results = Results { tidied, checked, checkpointed: app.store.last_checkpoint() };
    let parts = draw(&app, f).await?;
    html(&Page { f, d: &d, parts, results, tables, on: app.metrics.is_on() })
}

/// What the stream sends anew.
pub(super) async fn parts(app: &App, f: &Frame, query: &str) -> Result<Parts> {
    let asked: Asked = serde_urlencoded::from_str(query).unwrap_or_default();
    if asked.tab == "tables" { Ok(Vec::new()) } else { draw(app, f).await }
}

async fn draw(app: &App, f: &Frame) -> Result<Parts> {
    let n = Now {
        shape: app.store.shape().await?,
        readers: app.store.readers(),
        commits: app.store.commits(),
        writes: (app.store.write_queue_len(), app.store.write_queue_max()),
    };
    let statements = app.store.slow_statements();
    Ok(vec![
        ("figures", Figures { f, n: &n }.render().map_err(Error::internal)?),
        ("commits", Writes { f, n: &n }.render().map_err(Error::internal)?),
        ("statements", Statements { f, statements }.render().map_err(Error::internal)?),
    ])
}

struct Now {
    shape: Shape,
    readers: Readers,
    commits: Commits,
    /// Writes that wait, and that may.
    writes: (usize, usize),
}

#[derive(Template)]
#[template(path = "admin/parts/database_figures.html")]
struct Figures<'a> {
    f: &'a Frame,
    n: &'a Now,
}

#[derive(Template)]
#[template(path = "admin/parts/database_commits.html")]
struct Writes<'a> {
    f: &'a Frame,
    n: &'a Now,
}

#[derive(Template)]
#[template(path = "admin/parts/database_statements.html")]
struct Statements<'a> {
    f: &'a Frame,
    statements: Vec<SlowStatement>,
}

impl Figures<'_> {
    fn size(&self, bytes: &u64) -> String {
        words::size(*bytes)
    }

    fn free(&self) -> String {
        words::size(self.n.shape.free_pages * self.n.shape.page_bytes)
    }

    /// A log that nobody can empty grows: somebody reads too long.
    fn log_class(&self) -> &'static str {
        if self.n.shape.wal_bytes > 256 << 20 { "warn" } else { "" }
    }
}

impl Writes<'_> {
    /// Half, 95 % and 99 % of the commits.
    fn times(&self) -> String {
        [0.5, 0.95, 0.99].map(|q| words::time(self.n.commits.times.quantile_us(q))).join(" / ")
    }

    fn each(&self) -> String {
        words::rate(self.n.commits.changes_each())
    }

    /// Commits by the number of changes that share them: in words, how many, 0–100 of the most.
    fn sizes(&self) -> Vec<(String, u64, u64)> {
        let most = self.n.commits.sizes.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1);
        let last = self.n.commits.sizes.iter().filter_map(|(up_to, _)| *up_to).max().unwrap_or(0);
        let said = |up_to: &Option<usize>| match up_to {
            Some(1) => self.f.t("admin.database.size_one"),
            Some(n) => self.f.tw("admin.database.size_up_to", &[("n", &n.to_string())]),
            None => self.f.tw("admin.database.size_above", &[("n", &last.to_string())]),
        };
        self.n.commits.sizes.iter().map(|(up_to, n)| (said(up_to), *n, (n * 100).div_ceil(most))).collect()
    }
}

impl Statements<'_> {
    fn time(&self, us: &u64) -> String {
        words::time(*us)
    }

    fn mean(&self, s: &SlowStatement) -> String {
        words::time(s.mean_us())
    }

    fn address(&self, route: &str) -> String {
        route_address(route)
    }
}

impl Page<'_> {
    fn part(&self, name: &str) -> &str {
        self.parts.iter().find(|(n, _)| *n == name).map_or("", |(_, html)| html)
    }

    fn number(&self, row: &Row, name: &str) -> i64 {
        row.result.as_ref().and_then(|r| r[name].as_i64()).unwrap_or(0)
    }

    fn tidied(&self, row: &Row) -> String {
        let n = |name: &str| self.number(row, name).to_string();
        let log = words::size(self.number(row, "wal_bytes_after").max(0));
        let values = [("tables", &*n("tables_analyzed")), ("pages", &*n("pages_freed")), ("log", &log)];
        self.f.tw("admin.database.tidied", &values)
    }

    fn checked(&self, row: &Row) -> String {
        let pages = self.number(row, "pages").to_string();
        let took = words::lasting(self.f, self.number(row, "ms"));
        self.f.tw("admin.database.whole", &[("pages", &pages), ("took", &took)])
    }

    fn checkpointed(&self, c: &Checkpointed) -> String {
        let (moved, all) = (c.moved_pages.to_string(), c.log_pages.to_string());
        let values = [("moved", &*moved), ("all", &*all), ("log", &words::size(c.wal_bytes_after))];
        self.f.tw(if c.busy { "admin.database.checkpoint_busy" } else { "admin.database.checkpoint_done" }, &values)
    }

    fn measured(&self, tables: &Arc<Tables>) -> String {
        let took = words::lasting(self.f, tables.ms as i64);
        let key = if tables.measured { "admin.database.measured" } else { "admin.database.estimated" };
        self.f.tw(key, &[("took", &took)])
    }
}

fn tables_table(f: &Frame, asked: &Asked, tables: &Tables) -> Table {
    let all = tables.rows.iter().filter_map(|t| t.bytes).sum::<u64>().max(1);
    let rows = tables.rows.iter().map(|t| {
        let known = |n: Option<u64>, said: fn(u64) -> String| match n {
            Some(n) => Cell::number(n as f64, said(n)),
            None => Cell::number(-1.0, "–"),
        };
        let share = t.bytes.map_or(0.0, |b| b as f64 / all as f64);
        vec![
            Cell::text(&t.name).class("mono"),
            match &t.of {
                Some(table) => Cell::text(f.tw("admin.database.index_of", &[("table", table)])),
                None => Cell::text(f.t("admin.database.table")),
            },
            known(t.rows, |n| n.to_string()),
            known(t.bytes, words::size),
            Cell::number(share, words::percent(share)),
            Cell::number(t.unused_bytes as f64, words::size(t.unused_bytes)),
        ]
    });
    let asked = table::Asked { sort: asked.sort.clone(), q: asked.q.clone(), format: asked.format.clone() };
    Table::new("tables", "/admin/database", TABLES, "-bytes", asked).keep("tab", "tables").fill(rows)
}

/// Statistics, free pages, log: as a job.
pub(super) async fn optimise(State(app): State<App>, d: Desk) -> Result<Response> {
    ask(&app, &d, Job::DbOptimize, JobKind::DbOptimize).await?;
    Ok(back("", "/admin/database", "db_optimising"))
}

/// Looks whether it is whole: as a job.
pub(super) async fn check(State(app): State<App>, d: Desk) -> Result<Response> {
    ask(&app, &d, Job::IntegrityCheck, JobKind::IntegrityCheck).await?;
    Ok(back("", "/admin/database", "db_checking"))
}

async fn ask(app: &App, d: &Desk, job: Job, kind: JobKind) -> Result<()> {
    let actor = d.who.user;
    app.write(move |tx| {
        let job = work::once(tx, job)?;
        tx.emit(None, Some(actor), Event::JobAsked { job, kind }, None)?;
        Ok(())
    })
    .await
}

/// Moves the log into the database now.
pub(super) async fn checkpoint(State(app): State<App>, d: Desk) -> Result<Response> {
    let actor = d.who.user;
    let done = app.store.checkpoint(app.clock.now()).await?;
    let event = Event::DatabaseCheckpointed { pages: done.moved_pages, busy: done.busy };
    app.write(move |tx| tx.emit(None, Some(actor), event, None)).await?;
    Ok(back("", "/admin/database", if done.busy { "db_checkpoint_busy" } else { "db_checkpointed" }))
}

/// Empties the list of slow statements.
pub(super) async fn forget(State(app): State<App>, d: Desk) -> Result<Response> {
    d.must_administer()?;
    let (actor, statements) = (d.who.user, app.store.slow_statements().len() as i64);
    app.write(move |tx| tx.emit(None, Some(actor), Event::SlowForgotten { statements }, None)).await?;
    app.store.forget_slow();
    Ok(back("", "/admin/database", "slow_forgotten"))
}
