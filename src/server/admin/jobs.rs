//! `/admin/jobs`: the lanes, what runs, what was lost and why, what is over; and what is done about it.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{Back, Desk, back, words};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::{JobId, MediaId};
use crate::base::job::{Job, JobKind, JobState, Lane};
use crate::base::locale::Text;
use crate::domain::http::{Path, Query};
use crate::domain::jobs::ForAll;
use crate::domain::{jobs, media};
use crate::engines::queue::{self, Group, LaneChange, LaneNow, Row};
use crate::server::web::Frame;
use crate::server::web::form::Form;
use crate::server::web::frame::html;

/// Rows of a list.
const LISTED: i64 = 100;
/// Minutes in the queue that a click moves a job.
const STEP: i64 = 30;
/// Numbers of places that are offered.
const OFFERED: [i64; 8] = [1, 2, 3, 4, 6, 8, 12, 16];

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
    lanes: Vec<LaneRow>,
    /// Jobs that were lost, by reason; none on the other lists.
    groups: Vec<Group>,
    /// The rows are of one group.
    of_group: Option<(JobKind, String)>,
    /// The rows are of this kind alone.
    only: Option<JobKind>,
    rows: String,
    full: bool,
}

struct LaneRow {
    now: LaneNow,
    waiting: i64,
    /// How long the oldest job that could begin waits, in milliseconds.
    oldest_ms: Option<i64>,
}

/// Rows of jobs with their buttons; also on the overview.
#[derive(Template)]
#[template(path = "admin/parts/jobs.html")]
struct Rows<'a> {
    f: &'a Frame,
    rows: &'a [Row],
    /// Names of the films that they are about: name, version, feedback.
    films: &'a Films,
    /// The page that the buttons lead back to.
    back: &'a str,
    /// What is said when there are none.
    empty: &'static str,
}

/// Of which film a job is: for links.
pub(super) type Films = HashMap<MediaId, media::Label>;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    list: String,
    kind: Option<String>,
    #[serde(default)]
    error: String,
    /// A kind: the others are left out.
    #[serde(default)]
    only: String,
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    let d = d.at("jobs");
    // An unknown list in an old link is the first.
    let (list, states) = LISTS.iter().find(|(name, _)| *name == asked.list).unwrap_or(&LISTS[0]);
    let kind: Option<JobKind> = asked.kind.as_deref().and_then(|k| k.parse().ok());
    let of_group = kind.filter(|_| *list == "failed").map(|kind| (kind, asked.error));
    let only: Option<JobKind> = asked.only.parse().ok().filter(|_| of_group.is_none());
    let (wanted, now) = (of_group.clone(), app.clock.now());
    let read = app.read(move |db| {
        let rows = match &wanted {
            Some((kind, error)) => queue::in_group(db, *kind, error, LISTED)?,
            None => queue::by_states(db, states, only, LISTED)?,
        };
        let groups =
            if *list == "failed" && wanted.is_none() && only.is_none() { queue::groups(db)? } else { Vec::new() };
        let films = films(db, &rows)?;
        Ok((queue::counts(db)?, queue::oldest_due(db, now)?, rows, groups, films))
    });
    let (counts, oldest, mut rows, groups, films) = read.await?;
    app.queue.refresh(&mut rows);
    let in_list = |states: &[JobState]| counts.iter().filter(|(_, s, _)| states.contains(s)).map(|(.., n)| n).sum();
    let lists = LISTS.iter().map(|(name, states)| (*name, in_list(states))).collect();
    let lanes = app.queue.lanes().into_iter().map(|now| LaneRow::of(now, &counts, &oldest, app.clock.now())).collect();
    let full = rows.len() as i64 == LISTED;
    let to = match &of_group {
        None => format!("/admin/jobs?list={list}&only={}", only.map_or("", JobKind::as_str)),
        Some((kind, error)) => format!("/admin/jobs?{}", group_query(*kind, error)),
    };
    let rows = draw(&d.f, &rows, &films, &to, "admin.jobs.none")?;
    html(&Page { f: &d.f, d: &d, list, lists, lanes, groups, of_group, only, rows, full })
}

/// The query of the list of a group.
fn group_query(kind: JobKind, error: &str) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.append_pair("list", "failed").append_pair("kind", kind.as_str()).append_pair("error", error);
    pairs.finish()
}

/// Names of the films of these jobs.
pub(super) fn films(db: &crate::engines::store::Db, rows: &[Row]) -> Result<Films> {
    let ids: Vec<MediaId> = rows.iter().filter_map(media_of).collect();
    media::labels(db, &ids)
}

fn media_of(row: &Row) -> Option<MediaId> {
    row.job().and_then(Job::media)
}

/// Draws rows of jobs.
pub(super) fn draw(f: &Frame, rows: &[Row], films: &Films, back: &str, empty: &'static str) -> Result<String> {
    Rows { f, rows, films, back, empty }.render().map_err(Error::internal)
}

impl LaneRow {
    fn of(now: LaneNow, counts: &[(Lane, JobState, i64)], oldest: &[(Lane, Time)], at: Time) -> LaneRow {
        let waits = |s: &JobState| matches!(s, JobState::Ready | JobState::Retry);
        let waiting = counts.iter().filter(|(lane, s, _)| *lane == now.lane && waits(s)).map(|(.., n)| n).sum();
        let oldest_ms = oldest.iter().find(|(lane, _)| *lane == now.lane).map(|(_, due)| (at.0 - due.0).max(0));
        LaneRow { now, waiting, oldest_ms }
    }

    /// Open, paused, or held for a reason.
    fn state(&self) -> &'static str {
        match (self.now.paused, self.now.held) {
            (true, _) => "paused",
            (false, Some(_)) => "held",
            (false, None) => "open",
        }
    }

    fn offered(&self) -> Vec<i64> {
        let mut offered = OFFERED.to_vec();
        offered.push(self.now.places as i64);
        offered.sort_unstable();
        offered.dedup();
        offered
    }
}

impl Page<'_> {
    fn reason(&self, error: &str) -> String {
        jobs::reason(self.f.lang, error)
    }

    fn kinds(&self) -> &'static [JobKind] {
        JobKind::ALL
    }

    /// What a click does about all that are listed here.
    fn acts(&self) -> &'static [&'static str] {
        match self.list {
            "now" => &["sooner", "later", "cancel"],
            "failed" => &["retry"],
            _ => &[],
        }
    }

    fn most(&self) -> String {
        jobs::AT_ONCE.to_string()
    }

    fn query(&self, group: &Group) -> String {
        group_query(group.kind, &group.error)
    }

    fn oldest(&self, lane: &LaneRow) -> Option<String> {
        lane.oldest_ms.map(|ms| words::lasting(self.f, ms))
    }
}

impl Rows<'_> {
    /// The film that the job is about.
    fn film(&self, row: &Row) -> Option<&media::Label> {
        self.films.get(&media_of(row)?)
    }

    /// What the job is about, beside its kind, where that has no page.
    fn subject(&self, row: &Row) -> Option<String> {
        if self.film(row).is_some() {
            return None;
        }
        let of = |key: &str, id: String| self.f.tw(key, &[("id", &id)]);
        let media = media_of(row).map(|id| of("admin.jobs.media", id.to_string()));
        media.or_else(|| row.project.map(|id| of("admin.jobs.project", id.to_string())))
    }

    /// Why it failed: media jobs name a cause that has a sentence, with which nobody has to look anything up.
    fn reason(&self, error: &str) -> String {
        jobs::reason(self.f.lang, error)
    }

    fn lasted(&self, row: &Row) -> Option<String> {
        let (started, finished) = (row.started?, row.finished?);
        Some(words::lasting(self.f, finished.0 - started.0))
    }

    fn left(&self, row: &Row) -> Option<String> {
        Some(words::lasting(self.f, row.progress?.eta_ms?))
    }

    /// When it will be tried again.
    fn next(&self, row: &Row) -> Option<Time> {
        (row.state == JobState::Retry).then_some(row.run_at)
    }

    fn may_cancel(&self, row: &Row) -> bool {
        !row.state.is_over() && row.cancelled.is_none()
    }

    fn may_retry(&self, row: &Row) -> bool {
        row.state.is_lost()
    }

    fn may_move(&self, row: &Row) -> bool {
        matches!(row.state, JobState::Ready | JobState::Retry | JobState::Waiting)
    }

    fn sooner(&self, row: &Row) -> i64 {
        (row.priority + STEP).min(queue::MAX_PRIORITY)
    }

    fn later(&self, row: &Row) -> i64 {
        (row.priority - STEP).max(-queue::MAX_PRIORITY)
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

#[derive(Deserialize)]
pub(super) struct Moved {
    #[serde(default)]
    back: String,
    priority: i64,
}

/// Moves a job in the queue.
pub(super) async fn prioritise(
    State(app): State<App>,
    d: Desk,
    Path(id): Path<JobId>,
    Form(form): Form<Moved>,
) -> Result<Response> {
    let user = Some(d.who.user);
    app.write(move |tx| queue::prioritise(tx, user, id, form.priority)).await?;
    Ok(back(&form.back, "/admin/jobs", "moved"))
}

#[derive(Deserialize)]
pub(super) struct OfGroup {
    kind: String,
    #[serde(default)]
    error: String,
}

/// Tries all jobs again that were lost for one reason.
pub(super) async fn retry_group(State(app): State<App>, d: Desk, Form(form): Form<OfGroup>) -> Result<Response> {
    let kind: JobKind = form.kind.parse().map_err(|text| Error::invalid("kind", text))?;
    let user = Some(d.who.user);
    app.write(move |tx| jobs::retry_all(tx, user, kind, &form.error)).await?;
    Ok(back("", "/admin/jobs", "retried_all"))
}

#[derive(Deserialize)]
pub(super) struct About {
    list: String,
    #[serde(default)]
    only: String,
    act: String,
}

/// Does one thing about all jobs of a list, or those of a kind in it.
pub(super) async fn for_all(State(app): State<App>, d: Desk, Form(form): Form<About>) -> Result<Response> {
    let (list, states) = LISTS.iter().find(|(name, _)| *name == form.list).ok_or(Error::NotFound("list"))?;
    let only = match form.only.as_str() {
        "" => None,
        kind => Some(kind.parse::<JobKind>().map_err(|text| Error::invalid("only", text))?),
    };
    let (act, done) = match form.act.as_str() {
        "cancel" => (ForAll::Cancel, "cancelled_all"),
        "retry" => (ForAll::Retry, "retried_all"),
        "sooner" => (ForAll::Move(STEP), "moved_all"),
        "later" => (ForAll::Move(-STEP), "moved_all"),
        _ => {
            return Err(Error::invalid(
                "act",
                Text::new("invalid.one_of").with("allowed", "cancel, retry, sooner, later"),
            ));
        }
    };
    let user = Some(d.who.user);
    app.write(move |tx| jobs::for_all(tx, user, states, only, act)).await?;
    Ok(back(&format!("/admin/jobs?list={list}&only={}", form.only), "/admin/jobs", done))
}

#[derive(Deserialize)]
pub(super) struct Steered {
    paused: Option<bool>,
    places: Option<i64>,
}

/// Pauses a lane, lets it go on, or changes how many of its jobs run at once.
pub(super) async fn lane(
    State(app): State<App>,
    d: Desk,
    Path(lane): Path<String>,
    Form(form): Form<Steered>,
) -> Result<Response> {
    let lane: Lane = lane.parse().map_err(|_| Error::NotFound("lane"))?;
    let (change, done) = match form {
        Steered { places: Some(n), .. } => {
            d.must_administer()?;
            (LaneChange::Places(Some(n)), "places")
        }
        Steered { paused: Some(true), .. } => (LaneChange::Paused(true), "lane_paused"),
        _ => (LaneChange::Paused(false), "lane_resumed"),
    };
    let user = Some(d.who.user);
    app.write(move |tx| queue::set_lane(tx, user, lane, change)).await?;
    Ok(back("", "/admin/jobs", done))
}
