//! `/admin/storage`: who takes how much room, what lies in the trash, and the upkeep: what is cleaned, evicted, checked
//! and found. What destroys something asks first, and every action stands in the journal.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::{Desk, back, words};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::{JobId, ProjectId};
use crate::base::job::{Job, JobKind};
use crate::base::locale::Text;
use crate::config::Config;
use crate::domain::http::Query;
use crate::domain::media::quotas;
use crate::domain::media::shelf::{self, Kind, Usage};
use crate::domain::storage::closed::{self, Plan, Share};
use crate::domain::storage::orphans::{Orphan, Report, Wrong};
use crate::domain::storage::trash::{self, Thing, What};
use crate::domain::storage::{PAGE, Project, evict, projects};
use crate::engines::files::Space;
use crate::engines::queue::{self, NewJob, Row};
use crate::server::web::Frame;
use crate::server::web::form::Form;
use crate::server::web::frame::html;
use crate::work;

/// The page's parts.
const TABS: [&str; 3] = ["usage", "trash", "upkeep"];
/// Findings and differences that are written out.
const WRITTEN: usize = 50;
/// Bytes of the unit in which quotas are typed.
const GB: f64 = 1e9;

#[derive(Template)]
#[template(path = "admin/storage.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    tab: &'static str,
    config: &'a Config,
    now: Time,
    usage: Option<UsageTab>,
    trash: Option<(Vec<Thing>, i64)>,
    upkeep: Option<Upkeep>,
}

struct UsageTab {
    space: Option<Space>,
    usage: Vec<Usage>,
    projects: Vec<Project>,
    page: i64,
    pages: i64,
}

struct Upkeep {
    closed_on: bool,
    plan: Option<Plan>,
    renditions: i64,
    evicted: Option<Row>,
    scanned: Option<(JobId, Option<Time>, Report)>,
    checked: Option<Row>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    tab: String,
    page: Option<i64>,
    /// Shows what the clean-up would do.
    plan: String,
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    let d = d.at("storage");
    // An unknown part in an old link is the first.
    let tab = TABS.into_iter().find(|t| *t == asked.tab).unwrap_or(TABS[0]);
    let now = app.clock.now();
    let config = app.config();
    let mut page = Page { f: &d.f, d: &d, tab, config: &config, now, usage: None, trash: None, upkeep: None };
    match tab {
        "usage" => {
            let at = asked.page.unwrap_or(1).clamp(1, 1_000_000);
            let read = app.read(move |db| Ok((shelf::usage(db, shelf::INSTANCE)?, projects(db, at)?)));
            let (usage, (projects, count)) = read.await?;
            let pages = (count + PAGE - 1) / PAGE;
            page.usage = Some(UsageTab { space: app.files.space().ok(), usage, projects, page: at, pages });
        }
        "trash" => page.trash = Some(app.read(trash::list).await?),
        _ => {
            let settings = app.config().storage.clone();
            let wanted = !asked.plan.is_empty();
            let read = app.read(move |db| {
                let plan = if wanted { Some(closed::plan(db, now, &settings)?) } else { None };
                let kinds = [JobKind::EvictRenditions, JobKind::OrphanScan, JobKind::StorageCheck];
                Ok((closed::is_on(db)?, plan, evict::size(db)?, queue::last_of_each(db, &kinds)?))
            });
            let (closed_on, plan, renditions, mut rows) = read.await?;
            let mut last = |kind| rows.iter().position(|r| r.kind == kind).map(|i| rows.swap_remove(i));
            let scanned = last(JobKind::OrphanScan).and_then(|row| {
                // A report in the shape of an older version is none.
                let report = serde_json::from_value(row.result?).ok()?;
                Some((row.id, row.finished, report))
            });
            let (evicted, checked) = (last(JobKind::EvictRenditions), last(JobKind::StorageCheck));
            page.upkeep = Some(Upkeep { closed_on, plan, renditions, evicted, scanned, checked });
        }
    }
    html(&page)
}

/// A kind of bytes with its part of the bar, in thousandths.
struct Part {
    kind: Kind,
    size: String,
    files: i64,
    from: i64,
    width: i64,
}

impl Page<'_> {
    fn size(&self, bytes: &i64) -> String {
        words::size((*bytes).max(0))
    }

    fn bytes(&self, bytes: &u64) -> String {
        words::size(*bytes)
    }

    fn limit(&self, bytes: &u64) -> String {
        if *bytes == 0 { self.f.t("admin.storage.no_limit") } else { words::size(*bytes) }
    }

    fn all(&self, u: &UsageTab) -> i64 {
        u.usage.iter().map(|x| x.size_bytes).sum()
    }

    fn in_all(&self, u: &UsageTab) -> String {
        words::size(self.all(u).max(0))
    }

    fn parts(&self, u: &UsageTab) -> Vec<Part> {
        let all = self.all(u).max(1);
        let mut from = 0;
        let part = |kind: &Kind| {
            let of = u.usage.iter().find(|x| x.kind == *kind);
            let (files, bytes) = of.map_or((0, 0), |x| (x.files, x.size_bytes.max(0)));
            let width = (bytes as f64 * 1000.0 / all as f64).round() as i64;
            from += width;
            Part { kind: *kind, size: words::size(bytes), files, from: from - width, width }
        };
        Kind::ALL.iter().map(part).collect()
    }

    /// Originals, and all that was made of them: in a table more would be noise.
    fn split(&self, p: &Project) -> (String, String) {
        let original = p.by_kind.first().copied().unwrap_or(0);
        (words::size(original.max(0)), words::size((p.size_bytes - original).max(0)))
    }

    /// How much of its quota a project takes, as a part and a class.
    fn part_of(&self, p: &Project) -> Option<(i64, &'static str)> {
        let part = p.size_bytes.max(0) as f64 / p.quota?.max(1) as f64;
        let class = match part {
            ..0.8 => "",
            ..1.0 => "warn",
            _ => "bad",
        };
        Some(((part * 100.0).min(100.0) as i64, class))
    }

    fn in_gb(&self, p: &Project) -> String {
        p.quota.map_or_else(String::new, |bytes| format!("{}", (bytes as f64 / GB * 1000.0).round() / 1000.0))
    }

    fn left(&self, t: &Thing) -> String {
        match t.days_left(self.now, self.config.storage.trash_days) {
            0 => self.f.t("admin.storage.goes_now"),
            n => self.f.tw("admin.storage.days_left", &[("n", &n.to_string())]),
        }
    }

    fn icon_of(&self, what: &What) -> &'static str {
        match what {
            What::Project => "folder",
            What::Feedback => "comment",
            What::Version => "film",
        }
    }

    fn shares<'p>(&self, plan: &'p Plan) -> [(&'static str, &'p Share); 3] {
        [("clean", &plan.clean), ("announced", &plan.announced), ("announce", &plan.announce)]
    }

    fn sums(&self, report: &Report) -> Vec<(Wrong, i64, String)> {
        report.sums.iter().map(|(wrong, (n, bytes))| (*wrong, *n, words::size((*bytes).max(0)))).collect()
    }

    fn written<'p>(&self, report: &'p Report) -> &'p [Orphan] {
        &report.first[..report.first.len().min(WRITTEN)]
    }

    fn has_lost(&self, report: &Report) -> bool {
        report.sums.contains_key(&Wrong::LostOriginal)
    }

    fn deletable(&self, report: &Report) -> String {
        words::size(report.deletable().1.max(0))
    }

    fn freed(&self, row: &Row) -> String {
        words::size(self.number(row, "freed_bytes").max(0))
    }

    fn number(&self, row: &Row, name: &str) -> i64 {
        row.result.as_ref().and_then(|r| r[name].as_i64()).unwrap_or(0)
    }

    /// What the check mended, a line each.
    fn differences(&self, row: &Row) -> Vec<String> {
        let Some(result) = &row.result else { return Vec::new() };
        let list = |name: &str| result[name].as_array().cloned().unwrap_or_default();
        let size = |v: &Value| words::size(v.as_i64().unwrap_or(0).max(0));
        let sizes = list("size_differences").into_iter().map(|d| {
            let key: String = d["key"].as_str().unwrap_or("").chars().take(12).collect();
            format!("{key}… {}: {} → {}", d["name"].as_str().unwrap_or(""), size(&d["was"]), size(&d["is"]))
        });
        let counters = list("counter_differences").into_iter().map(|d| {
            let place = match d["project"].as_i64() {
                Some(0) | None => self.f.t("admin.storage.instance"),
                Some(id) => self.f.tw("admin.jobs.project", &[("id", &id.to_string())]),
            };
            let kind = self.f.label("admin.storage.kind", d["kind"].as_str().unwrap_or(""));
            let of = |side: &str| format!("{} ({})", size(&d[side][1]), d[side][0]);
            format!("{place}, {kind}: {} → {}", of("was"), of("is"))
        });
        sizes.chain(counters).take(WRITTEN).collect()
    }
}

/// Jobs that the page runs; those that destroy something are for admins.
const RUNS: [(JobKind, Job, bool); 5] = [
    (JobKind::StorageCheck, Job::StorageCheck, false),
    (JobKind::OrphanScan, Job::OrphanScan, false),
    (JobKind::CleanClosed, Job::CleanClosed, true),
    (JobKind::EvictRenditions, Job::EvictRenditions, true),
    (JobKind::PurgeTrash, Job::PurgeTrash, true),
];

#[derive(Deserialize)]
pub(super) struct Run {
    kind: String,
    #[serde(default)]
    back: String,
}

/// Runs one of the storage's jobs now.
pub(super) async fn run(State(app): State<App>, d: Desk, Form(asked): Form<Run>) -> Result<Response> {
    let found = RUNS.into_iter().find(|(kind, ..)| kind.as_str() == asked.kind);
    let names = || RUNS.iter().map(|(kind, ..)| kind.as_str()).collect::<Vec<_>>().join(", ");
    let wrong = || Error::invalid("kind", Text::new("invalid.one_of").with("allowed", names()));
    let (kind, job, admin) = found.ok_or_else(wrong)?;
    if admin {
        d.must_confirm()?;
    }
    let actor = d.who.user;
    app.write(move |tx| {
        let job = work::once(tx, job)?;
        tx.emit(None, Some(actor), Event::JobAsked { job, kind }, None)?;
        Ok(())
    })
    .await?;
    Ok(back(&asked.back, "/admin/storage?tab=upkeep", "asked"))
}

#[derive(Deserialize)]
pub(super) struct Quota {
    project: ProjectId,
    /// Gigabytes; empty or 0: none.
    #[serde(default)]
    gb: String,
    #[serde(default)]
    back: String,
}

pub(super) async fn quota(State(app): State<App>, d: Desk, Form(asked): Form<Quota>) -> Result<Response> {
    d.must_administer()?;
    let typed = asked.gb.trim().replace(',', ".");
    let gb = if typed.is_empty() { Some(0.0) } else { typed.parse::<f64>().ok() };
    let gb = gb
        .filter(|gb| (0.0..1e9).contains(gb))
        .ok_or_else(|| Error::invalid("gb", Text::new("invalid.range").with("min", 0).with("max", 999_999_999)))?;
    let size_bytes = (gb > 0.0).then(|| ((gb * GB).round() as i64).max(1));
    let (actor, project) = (d.who.user, asked.project);
    app.write(move |tx| quotas::set(tx, actor, project, size_bytes)).await?;
    Ok(back(&asked.back, "/admin/storage", "quota"))
}

#[derive(Deserialize)]
pub(super) struct InTrash {
    what: String,
    id: i64,
}

impl InTrash {
    fn what(&self) -> Result<What> {
        self.what.parse().map_err(|text| Error::invalid("what", text))
    }
}

pub(super) async fn restore(State(app): State<App>, d: Desk, Form(thing): Form<InTrash>) -> Result<Response> {
    // A whole project comes back to all its members.
    if thing.what()? == What::Project {
        d.must_confirm()?;
    }
    trash::restore(&app, &d.who, thing.what()?, thing.id).await?;
    Ok(back("", "/admin/storage?tab=trash", "restored"))
}

/// For good, before its days are over.
pub(super) async fn purge(State(app): State<App>, d: Desk, Form(thing): Form<InTrash>) -> Result<Response> {
    d.must_confirm()?;
    trash::purge_now(&app, &d.who, thing.what()?, thing.id).await?;
    Ok(back("", "/admin/storage?tab=trash", "purging"))
}

#[derive(Deserialize)]
pub(super) struct Switch {
    on: bool,
}

pub(super) async fn set_closed(State(app): State<App>, d: Desk, Form(switch): Form<Switch>) -> Result<Response> {
    // Off destroys nothing.
    if switch.on {
        d.must_confirm()?
    } else {
        d.must_administer()?
    }
    closed::set(&app, &d.who, switch.on).await?;
    let said = if switch.on { "closed_on" } else { "closed_off" };
    Ok(back("", "/admin/storage?tab=upkeep", said))
}

#[derive(Deserialize)]
pub(super) struct Scan {
    scan: JobId,
}

/// Deletes what the report named that somebody has read.
pub(super) async fn delete_orphans(State(app): State<App>, d: Desk, Form(asked): Form<Scan>) -> Result<Response> {
    d.must_confirm()?;
    let (actor, scan) = (d.who.user, asked.scan);
    app.write(move |tx| {
        let dedup_key = Some(format!("orphan_delete:{scan}"));
        let job = queue::enqueue(tx, NewJob { dedup_key, user: Some(actor), ..Job::OrphanDelete { scan }.into() })?;
        tx.emit(None, Some(actor), Event::JobAsked { job, kind: JobKind::OrphanDelete }, None)?;
        Ok(())
    })
    .await?;
    Ok(back("", "/admin/storage?tab=upkeep", "deleting"))
}
