//! `/notifications` and how one wants them.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use super::{Filter, Notice, NoticeKind, Preferences, Unread};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::{NoticeId, ProjectId};
use crate::base::page::{Feed, FeedQuery};
use crate::domain::accounts::Viewer;
use crate::domain::http::{Json, Path, Query};

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(list, unread, read, read_all, preferences, set_preferences))]
pub struct Doc;

/// The routes of this noun.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/notifications", get(list))
        .route("/notifications/unread", get(unread))
        .route("/notifications/read-all", post(read_all))
        .route("/notifications/{id}/read", post(read))
        .route("/me/notifications", get(preferences).put(set_preferences))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Opaque, from an earlier answer.
    cursor: Option<String>,
    /// How many at the most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<i64>,
    /// Only unread ones.
    #[serde(default)]
    unread: bool,
    /// Only those of this project.
    project_id: Option<ProjectId>,
    /// Only those of this kind.
    kind: Option<NoticeKind>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Notices {
    /// Newest first.
    results: Vec<Notice>,
    /// For those after these.
    #[schema(example = "bjE3OTU0ODIxMjM0NTYuNDI")]
    next_cursor: Option<String>,
    /// For those before these.
    #[schema(example = json!(null))]
    previous_cursor: Option<String>,
    /// Are there any after these?
    #[schema(example = true)]
    has_next: bool,
    /// All that is unread, whatever was asked for.
    #[schema(example = 3)]
    unread_count: i64,
}

/// One's notices
///
/// A feed, newest first. What one may no longer see is not in it.
#[utoipa::path(get, path = "/notifications", params(ListQuery), responses((status = 200, body = Notices)))]
async fn list(State(app): State<App>, who: Viewer, Query(q): Query<ListQuery>) -> Result<Json<Notices>> {
    let slice = FeedQuery { cursor: q.cursor, page_size: q.page_size }.check()?;
    let filter = Filter { unread: q.unread, project: q.project_id, kind: q.kind };
    let shared = app.clone();
    let answer = app
        .read(move |db| {
            let feed = super::list(db, &shared, &who, filter, slice)?;
            let Feed { results, next_cursor, previous_cursor, has_next } = feed;
            let unread_count = super::unread(db, who.user)?.count;
            Ok(Notices { results, next_cursor, previous_cursor, has_next, unread_count })
        })
        .await?;
    Ok(Json(answer))
}

/// How many of one's notices are unread
#[utoipa::path(get, path = "/notifications/unread", responses((status = 200, body = Unread)))]
async fn unread(State(app): State<App>, who: Viewer) -> Result<Json<Unread>> {
    Ok(Json(app.read(move |db| super::unread(db, who.user)).await?))
}

/// Marks a notice as read
#[utoipa::path(post, path = "/notifications/{id}/read", responses((status = 200, body = Notice)))]
async fn read(State(app): State<App>, who: Viewer, Path(id): Path<NoticeId>) -> Result<Json<Notice>> {
    Ok(Json(super::read(&app, &who, id).await?))
}

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "project_id": 1 }))]
struct ReadAll {
    /// Only those of this project.
    project_id: Option<ProjectId>,
}

/// Marks all notices as read
///
/// Or those of one project. Answers what is left.
#[utoipa::path(post, path = "/notifications/read-all", request_body = ReadAll, responses((status = 200, body = Unread)))]
async fn read_all(State(app): State<App>, who: Viewer, Json(which): Json<ReadAll>) -> Result<Json<Unread>> {
    Ok(Json(super::read_all(&app, &who, which.project_id).await?))
}

/// How one wants to be told
///
/// By kind in the program or not, by mail at once, hourly, daily or not at all; the hours at which mail waits.
#[utoipa::path(get, path = "/me/notifications", responses((status = 200, body = Preferences)))]
async fn preferences(State(app): State<App>, who: Viewer) -> Result<Json<Preferences>> {
    Ok(Json(app.read(move |db| super::preferences(db, who.user)).await?))
}

/// Changes how one wants to be told
///
/// Kinds that are not named stay as they are.
#[utoipa::path(
    put,
    path = "/me/notifications",
    request_body = Preferences,
    responses((status = 200, body = Preferences))
)]
async fn set_preferences(
    State(app): State<App>,
    who: Viewer,
    Json(wanted): Json<Preferences>,
) -> Result<Json<Preferences>> {
    Ok(Json(super::set_preferences(&app, &who, wanted).await?))
}
