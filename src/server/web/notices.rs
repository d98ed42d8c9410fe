//! `/notices`: what one was told, by day and project; whole without script, live with it. And `/unsubscribe/{token}`, the
//! page behind the link of a mail.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::form::Form;
use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::ids::{NoticeId, ProjectId};
use crate::base::locale;
use crate::base::page::FeedQuery;
use crate::domain::http::{Path, Query};
use crate::domain::notices::unsubscribe::{self, What};
use crate::domain::notices::{self, Filter, Notice, Unread};
use crate::domain::projects;

/// Notices of one page.
const SHOWN: i64 = 50;

#[derive(Template)]
#[template(path = "notices.html")]
struct Page {
    f: Frame,
    days: Vec<Day>,
    unread: Unread,
    /// Projects with something unread, by name.
    projects: Vec<(ProjectId, String, i64)>,
    asked: Asked,
    next: Option<String>,
}

/// What was told on one day.
struct Day {
    day: String,
    groups: Vec<Group>,
}

/// What of it belongs to one project.
struct Group {
    project: Option<ProjectId>,
    name: String,
    notices: Vec<Notice>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    unread: String,
    project_id: String,
    cursor: String,
}

impl Asked {
    fn only_unread(&self) -> bool {
        self.unread == "1"
    }

    fn project(&self) -> Option<ProjectId> {
        self.project_id.parse().ok()
    }
}

pub(super) async fn show(State(app): State<App>, f: Frame, Query(mut asked): Query<Asked>) -> Result<Response> {
    let who = f.viewer()?;
    let feed = |cursor: &str| FeedQuery { cursor: Some(cursor.to_owned()), page_size: Some(SHOWN) };
    // An old link whose place is not known any more begins anew.
    let slice = feed(&asked.cursor).check().or_else(|_| {
        asked.cursor.clear();
        feed("").check()
    })?;
    let filter = Filter { unread: asked.only_unread(), project: asked.project(), kind: None };
    let shared = app.clone();
    let (found, unread, names) = app
        .read(move |db| {
            let found = notices::list(db, &shared, &who, filter, slice)?;
            let unread = notices::unread(db, who.user)?;
            let ids: Vec<ProjectId> = unread.by_project.iter().map(|p| p.project_id).collect();
            Ok((found, unread, projects::names(db, &ids)?))
        })
        .await?;
    let projects = unread.by_project.iter();
    let projects = projects.filter_map(|p| Some((p.project_id, names.get(&p.project_id)?.clone(), p.count))).collect();
    let next = found.next_cursor.clone();
    let days = by_day(found.results, &app.config().schedule.time_zone);
    html(&Page { f: f.at("notices"), days, unread, projects, asked, next })
}

/// Newest first by day where the studio is, within a day by project.
fn by_day(all: Vec<Notice>, zone: &str) -> Vec<Day> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let mut days: Vec<Day> = Vec::new();
    for n in all {
        let stamp = jiff::Timestamp::from_millisecond(n.created.0).unwrap_or_default();
        let day = stamp.to_zoned(zone.clone()).date().to_string();
        if days.last().is_none_or(|d| d.day != day) {
            days.push(Day { day, groups: Vec::new() });
        }
        let Some(last) = days.last_mut() else { continue };
        match last.groups.iter_mut().find(|g| g.project == n.project_id) {
            Some(group) => group.notices.push(n),
            None => {
                let name = n.project_name.clone().unwrap_or_default();
                last.groups.push(Group { project: n.project_id, name, notices: vec![n] });
            }
        }
    }
    days
}

/// Marks one as read and goes to what it is about.
pub(super) async fn open(State(app): State<App>, f: Frame, Path(id): Path<NoticeId>) -> Result<Response> {
    let notice = notices::read(&app, &f.viewer()?, id).await?;
    Ok(Redirect::to(&notice.url).into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    project_id: String,
}

/// Marks all as read, or those of one project.
pub(super) async fn read_all(State(app): State<App>, f: Frame, Form(which): Form<Which>) -> Result<Response> {
    notices::read_all(&app, &f.viewer()?, which.project_id.parse().ok()).await?;
    Ok(Redirect::to("/notices").into_response())
}

impl Page {
    fn sign(&self, n: &Notice) -> &'static str {
        use notices::NoticeKind::*;
        match n.kind {
            InvitationReceived | InvitationAccepted | MemberAdded => "users",
            FeedbackAdded => "folder",
            CommentAdded | Mention => "comment",
            Reaction => "like",
            Decision | PlanApproved => "check-circle",
            MediaReady => "film",
            PlanReview => "eye",
            ScheduleConflict | Deadline => "calendar",
            MediaFailed | System => "alert",
        }
    }

    fn is_of(&self, project: &ProjectId) -> bool {
        self.asked.project() == Some(*project)
    }

    /// The same question for the notices after these.
    fn more(&self, cursor: &str) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.append_pair("unread", &self.asked.unread);
        pairs.append_pair("project_id", &self.asked.project_id);
        pairs.append_pair("cursor", cursor);
        format!("/notices?{}", pairs.finish())
    }
}

#[derive(Template)]
#[template(path = "unsubscribe.html")]
struct Unsubscribe {
    f: Frame,
    /// Absent: the link is none of ours.
    kind: Option<String>,
    done: bool,
}

fn kind_of(f: &Frame, what: What) -> String {
    match what {
        What::All => f.t("page.unsubscribe.all"),
        What::Kind(kind) => locale::get(f.lang, &format!("notice.kind.{kind}")),
    }
}

/// Asks first: mail scanners follow links.
pub(super) async fn ask(State(app): State<App>, f: Frame, Path(token): Path<String>) -> Result<Response> {
    match unsubscribe::read(&app, &token) {
        Ok((_, what)) => {
            let kind = Some(kind_of(&f, what));
            html(&Unsubscribe { f, kind, done: false })
        }
        Err(Error::NotFound(_)) => {
            Ok((StatusCode::NOT_FOUND, html(&Unsubscribe { f, kind: None, done: false })?).into_response())
        }
        Err(e) => Err(e),
    }
}

/// Ends them: the button of the page, or one click in a mail program (RFC 8058).
pub(super) async fn end(State(app): State<App>, f: Frame, Path(token): Path<String>) -> Result<Response> {
    let what = unsubscribe::end(&app, &token).await?;
    let kind = Some(kind_of(&f, what));
    html(&Unsubscribe { f, kind, done: true })
}
