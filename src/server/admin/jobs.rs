//! `/admin/jobs`: what runs, what failed and why, what is over.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{Back, Desk, back};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::JobId;
use crate::base::job::{Job, JobState};
use crate::domain::http::{Path, Query};
use crate::domain::jobs;
use crate::engines::queue::{self, Row};
use crate::server::web::Frame;
use crate::server::web::form::Form;
use crate::server::web::frame::html;

/// Rows of a list.
const LISTED: i64 = 100;

/// The lists: name, and the states in it.
const LISTS: [(&str, &[JobState]); 3] = [
    ("now", &[JobState::Running, JobState::Ready, JobState::Retry, JobState::Waiting]),
    ("failed", &[JobState::Failed, JobState::Dead]),
    ("over", &[JobState::Done, JobState::Cancelled]),
];

#[derive(Template)]
#[template(path = "admin/jobs.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    list: &'static str,
    /// Name and number of jobs of each list.
    lists: Vec<(&'static str, i64)>,
    rows: String,
    full: bool,
}

/// Rows of jobs with their buttons; also on the overview.
#[derive(Template)]
#[template(path = "admin/parts/jobs.html")]
struct Rows<'a> {
    f: &'a Frame,
    rows: &'a [Row],
    /// The page that the buttons lead back to.
    back: &'a str,
    /// What is said when there are none.
    empty: &'static str,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    list: String,
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    let d = d.at("jobs");
    // An unknown list in an old link is the first.
    let (list, states) = LISTS.iter().find(|(name, _)| *name == asked.list).unwrap_or(&LISTS[0]);
    let (counts, mut rows) =
        app.read(move |db| Ok((queue::counts(db)?, queue::by_states(db, states, None, LISTED)?))).await?;
    app.queue.refresh(&mut rows);
    let in_list = |states: &[JobState]| counts.iter().filter(|(_, s, _)| states.contains(s)).map(|(.., n)| n).sum();
    let lists = LISTS.iter().map(|(name, states)| (*name, in_list(states))).collect();
    let full = rows.len() as i64 == LISTED;
    let rows = draw(&d.f, &rows, &format!("/admin/jobs?list={list}"), "admin.jobs.none")?;
    html(&Page { f: &d.f, d: &d, list, lists, rows, full })
}

/// Draws rows of jobs.
pub(super) fn draw(f: &Frame, rows: &[Row], back: &str, empty: &'static str) -> Result<String> {
    Rows { f, rows, back, empty }.render().map_err(crate::base::error::Error::internal)
}

impl Rows<'_> {
    /// What the job is about, beside its kind.
    fn subject(&self, row: &Row) -> String {
        let f = self.f;
        let media = match row.job() {
            Some(Job::ProbeMedia { media } | Job::ProcessMedia { media }) => Some(media.to_string()),
            _ => None,
        };
        let of = |key: &str, id: Option<String>| id.map(|id| f.tw(key, &[("id", &id)]));
        let project = of("admin.jobs.project", row.project.map(|p| p.to_string()));
        [of("admin.jobs.media", media), project].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }

    /// Why it failed: media jobs name a cause that has a sentence, with which nobody has to look anything up.
    fn reason(&self, error: &str) -> String {
        let key = format!("media.error.{error}");
        let sentence = self.f.t(&key);
        if sentence == key { error.to_owned() } else { sentence }
    }

    fn lasted(&self, row: &Row) -> Option<String> {
        let (started, finished) = (row.started?, row.finished?);
        Some(super::words::lasting(self.f, finished.0 - started.0))
    }

    fn left(&self, row: &Row) -> Option<String> {
        Some(super::words::lasting(self.f, row.progress?.eta_ms?))
    }

    fn may_cancel(&self, row: &Row) -> bool {
        !row.state.is_over()
    }

    fn may_retry(&self, row: &Row) -> bool {
        row.state.is_lost()
    }
}

pub(super) async fn retry(
    State(app): State<App>,
    d: Desk,
    Path(id): Path<JobId>,
    Form(to): Form<Back>,
) -> Result<Response> {
    let user = Some(d.who.user);
    app.write(move |tx| jobs::retry(tx, user, id)).await?;
    Ok(back(&to.back, "/admin/jobs", "retried"))
}

pub(super) async fn cancel(
    State(app): State<App>,
    d: Desk,
    Path(id): Path<JobId>,
    Form(to): Form<Back>,
) -> Result<Response> {
    let user = Some(d.who.user);
    app.write(move |tx| jobs::cancel(tx, user, id)).await?;
    Ok(back(&to.back, "/admin/jobs", "cancelled"))
}
