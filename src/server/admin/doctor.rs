//! `/admin/doctor`: what this server is, and whether all is there that it needs. The checks are those of
//! `videoplanet doctor`; they run when somebody asks, and the last findings are shown.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use super::{Desk, back, words};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::event::Event;
use crate::base::locale::{self, Text};
use crate::domain::doctor::{Check, Doctor, Finding, Outcome, Report};
use crate::domain::media::shelf;
use crate::engines::files::Space;
use crate::engines::ground::Filesystem;
use crate::engines::index;
use crate::engines::store::glance;
use crate::server::web::Frame;
use crate::server::web::frame::html;

/// What is inside the program and under which licence: a line each, name, version and licence apart by tabs.
const LICENCES: &str = include_str!("../../../packaging/licences.tsv");
/// The program's own.
const OWN_LICENCE: &str = include_str!("../../../LICENSE");

#[derive(Template)]
#[template(path = "admin/doctor.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    about: About,
    /// Findings of a look that goes on.
    under_way: Option<Vec<Finding>>,
    last: Option<Report>,
}

/// What this server is.
struct About {
    uptime_ms: i64,
    started: Time,
    dir: String,
    disk: Option<Filesystem>,
    space: Option<Space>,
    films_bytes: i64,
    /// Bytes of the database, and of its log.
    database: (u64, u64),
    ffmpeg: Option<String>,
}

pub(super) async fn show(State(app): State<App>, doctor: Extension<Arc<Doctor>>, d: Desk) -> Result<Response> {
    let d = d.at("doctor");
    let usage = app.read(|db| shelf::usage(db, shelf::INSTANCE)).await?;
    let about = About {
        uptime_ms: app.clock.now().0 - app.started.0,
        started: app.started,
        dir: app.dir.canonicalize().unwrap_or_else(|_| app.dir.clone()).display().to_string(),
        disk: Filesystem::of(&app.dir),
        space: app.files.space().ok(),
        films_bytes: usage.iter().map(|u| u.size_bytes).sum(),
        database: app.store.size_bytes(),
        ffmpeg: app.ffmpeg.version().await.ok(),
    };
    html(&Page { f: &d.f, d: &d, about, under_way: doctor.under_way(), last: doctor.last() })
}

/// Looks now. It changes nothing, so operators may.
pub(super) async fn run(State(app): State<App>, doctor: Extension<Arc<Doctor>>, d: Desk) -> Result<Response> {
    let actor = d.who.user;
    if doctor.begin(&app) {
        app.write(move |tx| tx.emit(None, Some(actor), Event::DoctorAsked, None)).await?;
    }
    Ok(back("", "/admin/doctor", "looking"))
}

#[derive(Template)]
#[template(path = "admin/licences.html")]
struct Licences<'a> {
    f: &'a Frame,
    d: &'a Desk,
    own: &'static str,
    rows: Vec<[&'static str; 3]>,
}

/// What is inside, and under which licence.
pub(super) async fn licences(d: Desk) -> Result<Response> {
    let d = d.at("doctor");
    let row = |line: &'static str| {
        let mut fields = line.split('\t');
        Some([fields.next()?, fields.next()?, fields.next()?])
    };
    html(&Licences { f: &d.f, d: &d, own: OWN_LICENCE, rows: LICENCES.lines().filter_map(row).collect() })
}

impl Page<'_> {
    fn findings(&self) -> &[Finding] {
        match (&self.under_way, &self.last) {
            (Some(found), _) => found,
            (None, Some(report)) => &report.findings,
            (None, None) => &[],
        }
    }

    /// From bad to good: what somebody has to do stands first.
    fn sorted(&self) -> Vec<&Finding> {
        let mut sorted: Vec<&Finding> = self.findings().iter().collect();
        sorted.sort_by_key(|f| std::cmp::Reverse(f.outcome));
        sorted
    }

    fn all(&self) -> usize {
        Check::ALL.len()
    }

    fn running(&self) -> Option<String> {
        let (n, all) = (self.under_way.as_ref()?.len().to_string(), Check::ALL.len().to_string());
        Some(self.f.tw("admin.doctor.running", &[("n", &n), ("all", &all)]))
    }

    fn sum(&self, report: &Report) -> String {
        let n = |outcome| report.count(outcome).to_string();
        let (ok, warn, fail, skipped) = (n(Outcome::Ok), n(Outcome::Warn), n(Outcome::Fail), n(Outcome::Skipped));
        self.f.tw("admin.doctor.sum", &[("ok", &ok), ("warn", &warn), ("fail", &fail), ("skipped", &skipped)])
    }

    fn title(&self, finding: &Finding) -> String {
        finding.check.title(self.f.lang)
    }

    fn why(&self, finding: &Finding) -> String {
        finding.check.why(self.f.lang)
    }

    fn say(&self, text: &Text) -> String {
        locale::say(self.f.lang, text)
    }

    fn pill(&self, finding: &Finding) -> &'static str {
        match finding.outcome {
            Outcome::Ok => "ready",
            Outcome::Warn => "in_progress",
            Outcome::Fail => "failed",
            Outcome::Skipped => "",
        }
    }

    fn matters(&self, finding: &Finding) -> bool {
        finding.outcome >= Outcome::Warn
    }

    fn size(&self, bytes: impl TryInto<u64>) -> String {
        words::size(bytes)
    }

    fn lasting(&self, ms: &i64) -> String {
        words::lasting(self.f, *ms)
    }

    fn took(&self, ms: &u64) -> String {
        words::time(ms * 1000)
    }

    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// For which machine, and how.
    fn build(&self) -> String {
        let kind = if cfg!(debug_assertions) { "debug" } else { "release" };
        format!("{}-{} {kind}", std::env::consts::ARCH, std::env::consts::OS)
    }

    fn sqlite(&self) -> &'static str {
        glance::version()
    }

    fn tantivy(&self) -> &'static str {
        index::version()
    }
}
