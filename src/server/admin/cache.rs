//! `/admin/cache`: how much is answered from where, what it holds, and the two things to do with it: warm it, purge it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{Desk, back, words};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::group::Group;
use crate::base::job::{Job, JobKind};
use crate::engines::cache::{GroupStats, Stats};
use crate::engines::queue::{self, Row};
use crate::server::web::Frame;
use crate::server::web::form::Form;
use crate::server::web::frame::html;
use crate::work;

#[derive(Template)]
#[template(path = "admin/cache.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    stats: Stats,
    /// The last warming.
    warmed: Option<Row>,
}

pub(super) async fn show(State(app): State<App>, d: Desk) -> Result<Response> {
    let d = d.at("cache");
    let warmed = app.read(|db| queue::last_of(db, JobKind::CacheWarm)).await?;
    html(&Page { f: &d.f, d: &d, stats: app.cache.stats(), warmed })
}

/// One tier as a row.
struct TierRow {
    name: &'static str,
    hits: String,
    share: String,
    /// 0–100, for its bar.
    part: u64,
    used: String,
}

impl Page<'_> {
    fn ratio(&self, ratio: &Option<f64>) -> String {
        ratio.map_or_else(|| "–".to_owned(), words::percent)
    }

    /// Under 60 % something is wrong with the keys or the size, as the alert rules have it.
    fn ratio_class(&self) -> &'static str {
        let looked = self.stats.hits.iter().sum::<u64>() + self.stats.misses;
        match self.stats.hit_ratio {
            // After a start everything is asked for the first time.
            _ if looked < 200 => "",
            Some(..0.6) => "bad",
            Some(..0.8) => "warn",
            Some(_) => "good",
            None => "",
        }
    }

    fn tiers(&self) -> Vec<TierRow> {
        let s = &self.stats;
        let all = s.hits.iter().sum::<u64>() + s.misses;
        let share = |n: u64| if all == 0 { 0.0 } else { n as f64 / all as f64 };
        let of = |(used, most): (u64, u64)| format!("{} / {}", words::size(used), words::size(most));
        let disk = s.disk_bytes.map_or_else(|| self.f.t("admin.cache.no_disk"), |b| format!("≤ {}", words::size(b)));
        let used = [of(s.memory[0]), of(s.memory[1]), disk];
        let rows = ["L1", "L2", "L3"].into_iter().zip(s.hits).zip(used);
        rows.map(|((name, hits), used)| TierRow {
            name,
            hits: hits.to_string(),
            share: words::percent(share(hits)),
            part: (share(hits) * 100.0) as u64,
            used,
        })
        .collect()
    }

    fn hits(&self, g: &GroupStats) -> u64 {
        g.hits.iter().sum()
    }

    fn held(&self, g: &GroupStats) -> u64 {
        g.entries[0].max(g.entries[1])
    }

    fn bytes(&self, g: &GroupStats) -> String {
        words::size(g.bytes[0].max(g.bytes[1]))
    }

    fn evictions(&self, g: &GroupStats) -> u64 {
        g.evictions[0] + g.evictions[1]
    }

    fn time(&self, us: &u64) -> String {
        words::time(*us)
    }

    fn size(&self, bytes: &u64) -> String {
        words::size(*bytes)
    }

    /// What the last warming brought, in a sentence.
    fn warming(&self) -> Option<String> {
        let result = self.warmed.as_ref()?.result.as_ref()?;
        let n = |name: &str| result[name].as_i64().unwrap_or(0).to_string();
        let values = [("users", &*n("users")), ("projects", &*n("projects")), ("loaded", &*n("loaded"))];
        Some(self.f.tw("admin.cache.warmed", &values))
    }
}

/// Reads ahead now.
pub(super) async fn warm(State(app): State<App>, d: Desk) -> Result<Response> {
    let actor = d.who.user;
    app.write(move |tx| {
        let job = work::once(tx, Job::CacheWarm)?;
        tx.emit(None, Some(actor), Event::JobAsked { job, kind: JobKind::CacheWarm }, None)?;
        Ok(())
    })
    .await?;
    Ok(back("", "/admin/cache", "warming"))
}

#[derive(Deserialize)]
pub(super) struct Purge {
    /// One group, or empty for all of them.
    #[serde(default)]
    group: String,
}

/// Makes the answers of a group, or of all, unreachable.
pub(super) async fn purge(State(app): State<App>, d: Desk, Form(asked): Form<Purge>) -> Result<Response> {
    // Without any of it everybody waits for a while.
    if asked.group.is_empty() {
        d.must_confirm()?
    } else {
        d.must_administer()?
    }
    let groups = match asked.group.as_str() {
        "" => Group::ALL.to_vec(),
        one => vec![one.parse().map_err(|text| Error::invalid("group", text))?],
    };
    let (actor, group) = (d.who.user, asked.group);
    app.write(move |tx| tx.emit(None, Some(actor), Event::CachePurged { group }, None)).await?;
    groups.into_iter().for_each(|g| app.cache.purge(g));
    Ok(back("", "/admin/cache", "purged"))
}
