//! `/projects/{id}/schedule` and its memos, `/gantt`, `/calendar`, `/entries`, `/holidays`, and the calendar that other
//! programs read.

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post, put};
use serde::Deserialize;

use super::calendar::{self, Calendar};
use super::entries::{self, CalendarEntry, EntryPatch, NewEntry};
use super::feed::{self, CalendarFeed};
use super::gantt::{self, Gantt};
use super::holidays::{self, Holidays};
use super::memos::{self, Memo, MemoPut, Memos};
use super::{AutoSchedule, PhaseName, PhasePatch, Schedule, SchedulePut, look, zone};
use crate::app::App;
use crate::base::day::Day;
use crate::base::error::{Error, Result};
use crate::base::ids::{EntryId, ProjectId};
use crate::base::locale::Text;
use crate::base::page::PageQuery;
use crate::base::roles::Right;
use crate::domain::accounts::Viewer;
use crate::domain::answer::{etag, is_among};
use crate::domain::http::{Caller, IfMatch, Json, Path, Query, Tagged};
use crate::domain::projects::judge;
use crate::engines::cache;

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    schedule,
    set_schedule,
    change_phase,
    auto_schedule,
    gantt,
    calendar,
    add_entry,
    entry,
    change_entry,
    remove_entry,
    list_memos,
    set_memo,
    list_holidays,
    calendar_feed,
    make_calendar_feed,
    end_calendar_feed,
    calendar_file,
))]
pub struct Doc;

/// The routes of this noun.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/projects/{id}/schedule", get(schedule).put(set_schedule))
        .route("/projects/{id}/schedule/auto", post(auto_schedule))
        .route("/projects/{id}/schedule/{phase}", patch(change_phase))
        .route("/projects/{id}/memos", get(list_memos))
        .route("/projects/{id}/memos/{day}", put(set_memo))
        .route("/gantt", get(gantt))
        .route("/calendar", get(calendar))
        .route("/entries", post(add_entry))
        .route("/entries/{id}", get(entry).patch(change_entry).delete(remove_entry))
        .route("/holidays", get(list_holidays))
        .route("/me/calendar-feed", get(calendar_feed).post(make_calendar_feed).delete(end_calendar_feed))
        .route("/calendar.ics", get(calendar_file))
}

/// The schedule of a project
///
/// All eight phases, the three parts that they make, and filming days for which somebody is needed twice.
#[utoipa::path(get, path = "/projects/{id}/schedule", responses((status = 200, body = Schedule)))]
async fn schedule(State(app): State<App>, who: Viewer, Path(id): Path<ProjectId>) -> Result<impl IntoResponse> {
    let role = judge(who.role(id), Right::View, "project")?;
    let look = look(&app, &who);
    let schedule = app.read(move |db| super::get(db, role, look, id)).await?;
    Ok(Tagged(schedule.rev, schedule))
}

/// Sets the schedule of a project
///
/// A phase that is not named becomes empty.
#[utoipa::path(
    put,
    path = "/projects/{id}/schedule",
    params(IfMatch), request_body = SchedulePut,
    responses((status = 200, body = Schedule))
)]
async fn set_schedule(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    IfMatch(rev): IfMatch,
    Json(put): Json<SchedulePut>,
) -> Result<impl IntoResponse> {
    let schedule = super::put(&app, &who, id, put, rev).await?;
    Ok(Tagged(schedule.rev, schedule))
}

/// Changes a phase
///
/// What is not named stays. With `push` what hangs on it moves along. The answer is the whole schedule; a filming day for
/// which the assignee is needed elsewhere is taken, and warned about in `conflicts`.
#[utoipa::path(
    patch,
    path = "/projects/{id}/schedule/{phase}",
    params(IfMatch), request_body = PhasePatch,
    responses((status = 200, body = Schedule))
)]
async fn change_phase(
    State(app): State<App>,
    who: Viewer,
    Path((id, phase)): Path<(ProjectId, PhaseName)>,
    IfMatch(rev): IfMatch,
    Json(patch): Json<PhasePatch>,
) -> Result<impl IntoResponse> {
    let schedule = super::change(&app, &who, id, phase, patch, rev).await?;
    Ok(Tagged(schedule.rev, schedule))
}

/// Lays the schedule of a project
///
/// 기획 one week, 촬영 one day, 편집 two weeks from a day on; with `preview` nothing is changed.
#[utoipa::path(
    post,
    path = "/projects/{id}/schedule/auto",
    request_body = AutoSchedule,
    responses((status = 200, body = Schedule))
)]
async fn auto_schedule(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    Json(asked): Json<AutoSchedule>,
) -> Result<impl IntoResponse> {
    let schedule = super::auto(&app, &who, id, asked).await?;
    Ok(Tagged(schedule.rev, schedule))
}

#[derive(Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct GanttQuery {
    /// 1-based.
    #[param(minimum = 1, maximum = 1_000_000, default = 1)]
    page: Option<i64>,
    /// Projects of a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<i64>,
    /// Only projects with a phase or their deadline on this day or later.
    from: Option<Day>,
    /// Only projects with a phase or their deadline on this day or earlier.
    to: Option<Day>,
}

/// All phases of all projects
///
/// The caller's projects in the order of their first days, those that are over last.
#[utoipa::path(get, path = "/gantt", params(GanttQuery), responses((status = 200, body = Gantt)))]
async fn gantt(
    State(app): State<App>,
    who: Viewer,
    OriginalUri(uri): OriginalUri,
    Query(q): Query<GanttQuery>,
) -> Result<impl IntoResponse> {
    let slice = PageQuery { page: q.page, page_size: q.page_size }.check()?;
    let uri = uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
    let look = look(&app, &who);
    Ok(Json(app.read(move |db| gantt::gantt(db, look, (q.from, q.to), &uri, slice)).await?))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct DaysQuery {
    /// The first day.
    from: Day,
    /// The last day, itself included: at most 370 days in all.
    to: Day,
}

/// The calendar of a person
///
/// Phases, entries, memos, deadlines and holidays of some days, over all of the caller's projects.
#[utoipa::path(get, path = "/calendar", params(DaysQuery), responses((status = 200, body = Calendar)))]
async fn calendar(State(app): State<App>, who: Viewer, Query(q): Query<DaysQuery>) -> Result<impl IntoResponse> {
    let (look, zone) = (look(&app, &who), zone(&app));
    Ok(Json(app.read(move |db| calendar::calendar(db, look, (q.from, q.to), &zone)).await?))
}

/// Adds an entry to the calendar
///
/// In a project its people must be members; without one they must share a project with the caller. A filming day for which
/// one of them is needed elsewhere is taken, and warned about in `conflicts`.
#[utoipa::path(post, path = "/entries", request_body = NewEntry, responses(
    (status = 201, body = CalendarEntry),
    (status = 404, description = "There is no such project, or it is not the caller's to see"),
    (status = 409, description = "There are as many entries as there may be"),
))]
async fn add_entry(State(app): State<App>, who: Viewer, Json(new): Json<NewEntry>) -> Result<impl IntoResponse> {
    let entry = entries::add(&app, &who, new).await?;
    Ok((StatusCode::CREATED, Tagged(entry.rev, entry)))
}

/// An entry of the calendar
#[utoipa::path(get, path = "/entries/{id}", responses((status = 200, body = CalendarEntry)))]
async fn entry(State(app): State<App>, who: Viewer, Path(id): Path<EntryId>) -> Result<impl IntoResponse> {
    let entry = app.read(move |db| entries::get(db, &who, id)).await?;
    Ok(Tagged(entry.rev, entry))
}

/// Changes an entry
///
/// What is not named stays. Who names a new `start` without an `end` moves the whole.
#[utoipa::path(
    patch,
    path = "/entries/{id}",
    params(IfMatch), request_body = EntryPatch,
    responses((status = 200, body = CalendarEntry))
)]
async fn change_entry(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<EntryId>,
    IfMatch(rev): IfMatch,
    Json(patch): Json<EntryPatch>,
) -> Result<impl IntoResponse> {
    let entry = entries::change(&app, &who, id, patch, rev).await?;
    Ok(Tagged(entry.rev, entry))
}

/// Takes an entry away
#[utoipa::path(delete, path = "/entries/{id}", params(IfMatch), responses((status = 204)))]
async fn remove_entry(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<EntryId>,
    IfMatch(rev): IfMatch,
) -> Result<StatusCode> {
    entries::delete(&app, &who, id, rev).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Memos of a project
#[utoipa::path(get, path = "/projects/{id}/memos", responses((status = 200, body = Memos)))]
async fn list_memos(State(app): State<App>, who: Viewer, Path(id): Path<ProjectId>) -> Result<impl IntoResponse> {
    let role = judge(who.role(id), Right::View, "project")?;
    Ok(Json(app.read(move |db| memos::list(db, role, id)).await?))
}

/// Sets the memo of a day
///
/// An empty text takes it away.
#[utoipa::path(
    put,
    path = "/projects/{id}/memos/{day}",
    request_body = MemoPut,
    responses((status = 200, body = Memo))
)]
async fn set_memo(
    State(app): State<App>,
    who: Viewer,
    Path((id, day)): Path<(ProjectId, String)>,
    Json(put): Json<MemoPut>,
) -> Result<impl IntoResponse> {
    let day = day.parse().map_err(|()| {
        Error::invalid("day", Text::new("invalid.day_within").with("min", Day::MIN).with("max", Day::MAX))
    })?;
    Ok(Json(memos::put(&app, &who, id, day, put).await?))
}

/// Korean public holidays
///
/// Substitute holidays among them. `range` says between which days they are known, `source` what is not among them.
#[utoipa::path(get, path = "/holidays", params(DaysQuery), responses((status = 200, body = Holidays)))]
async fn list_holidays(_: Viewer, Query(q): Query<DaysQuery>) -> Result<impl IntoResponse> {
    calendar::check(q.from, q.to)?;
    Ok(Json(holidays::list(q.from, q.to)))
}

/// The link of one's calendar
///
/// Whether there is one; the link itself is shown only when it is made.
#[utoipa::path(get, path = "/me/calendar-feed", responses((status = 200, body = CalendarFeed)))]
async fn calendar_feed(State(app): State<App>, who: Viewer) -> Result<impl IntoResponse> {
    Ok(Json(feed::state(&app, &who).await?))
}

/// Makes the link of one's calendar
///
/// For programs that read iCalendar. The link from before ends.
#[utoipa::path(post, path = "/me/calendar-feed", responses((status = 201, body = CalendarFeed)))]
async fn make_calendar_feed(State(app): State<App>, who: Viewer, caller: Caller) -> Result<impl IntoResponse> {
    Ok((StatusCode::CREATED, Json(feed::make(&app, &who, &caller.base_url).await?)))
}

/// Ends the link of one's calendar
#[utoipa::path(delete, path = "/me/calendar-feed", responses((status = 204)))]
async fn end_calendar_feed(State(app): State<App>, who: Viewer) -> Result<StatusCode> {
    feed::end(&app, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct TokenQuery {
    /// The secret of the link.
    token: String,
}

/// The calendar for other programs
///
/// iCalendar (RFC 5545): phases, entries and deadlines of the link's owner, from a year ago to three years ahead.
#[utoipa::path(get, path = "/calendar.ics", security(()), params(TokenQuery), responses(
    (status = 200, content_type = "text/calendar", body = String),
    (status = 304, description = "As the caller knows it"),
    (status = 404, description = "No such link, or it has ended"),
))]
async fn calendar_file(State(app): State<App>, headers: HeaderMap, Query(q): Query<TokenQuery>) -> Result<Response> {
    let text = feed::read(&app, &q.token).await?;
    let tag = cache::tag(None, text.as_bytes());
    let mut response = match headers.get(header::IF_NONE_MATCH) {
        Some(known) if is_among(&tag, known) => StatusCode::NOT_MODIFIED.into_response(),
        _ => ([(CONTENT_TYPE, "text/calendar; charset=utf-8")], text).into_response(),
    };
    let put = response.headers_mut();
    put.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&etag(&tag, None)) {
        put.insert(ETAG, tag);
    }
    Ok(response)
}
