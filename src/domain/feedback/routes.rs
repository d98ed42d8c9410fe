//! `/projects/{id}/feedbacks` and `/feedbacks/{id}`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Extension, Router};
use serde::Deserialize;

use super::{
    Feedback, FeedbackBrief, FeedbackPatch, FeedbackStatus, Filter, NewDecision, NewFeedback, Priority, SHAPE,
};
use crate::app::App;
use crate::base::error::Result;
use crate::base::fields::{Shown, Wanted};
use crate::base::group::Group;
use crate::base::ids::{FeedbackId, ProjectId};
use crate::base::page::{Feed, FeedQuery};
use crate::base::roles::{Right, Role};
use crate::domain::accounts::Viewer;
use crate::domain::answer::{Asked, Depends, Reader, Revised, kept};
use crate::domain::http::{IfMatch, Json, Path, Query, Tagged};
use crate::domain::projects::judge;
use crate::domain::{Embed, embedded};
use crate::engines::store::Db;

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(list, add, one, change, remove, decide), components(schemas(FeedbackBrief)))]
pub struct Doc;

/// The routes of this noun; `comments` reads what is embedded by `?expand=comments`.
pub fn routes(comments: Embed) -> Router<App> {
    Router::new()
        .route("/projects/{id}/feedbacks", get(list).post(add))
        .route("/feedbacks/{id}", get(one).patch(change).delete(remove))
        .route("/feedbacks/{id}/decision", put(decide))
        .layer(Extension(comments))
}

#[derive(Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::domain) struct ListQuery {
    /// Where to go on: `next_cursor` or `previous_cursor` of an earlier answer.
    cursor: Option<String>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<i64>,
    /// Only of this status.
    #[param(inline)]
    status: Option<FeedbackStatus>,
    /// Only of this priority.
    #[param(inline)]
    priority: Option<Priority>,
    /// Only these fields, divided by commas.
    #[param(example = "id,title,status")]
    fields: Option<String>,
    /// What is embedded, divided by commas: `user`, `comments`.
    expand: Option<String>,
}

/// Feedbacks of a project
///
/// A feed, newest first.
#[utoipa::path(
    get,
    path = "/projects/{id}/feedbacks",
    params(ListQuery),
    responses((status = 200, body = Feed<Feedback>))
)]
pub(in crate::domain) async fn list(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    Extension(comments): Extension<Embed>,
    Query(q): Query<ListQuery>,
    asked: Asked,
) -> Result<Response> {
    let wanted = Wanted::read(&SHAPE, q.fields.as_deref(), q.expand.as_deref())?;
    let slice = FeedQuery { cursor: q.cursor, page_size: q.page_size }.check()?;
    let filter = Filter { status: q.status, priority: q.priority };
    let role = judge(who.role(id), Right::View, "project")?;
    let (viewer, on) = (who.clone(), (Group::Feedbacks, reader(role, &wanted), Depends::project(&app, id)));
    kept(
        &app,
        &asked,
        &who,
        on,
        |_| None,
        move |db| {
            let feed = super::list(db, role, id, filter, &wanted, slice)?;
            let mut show = show(db, &viewer, role, &wanted, comments, &feed.results)?;
            feed.map(&mut show)
        },
    )
    .await
}

/// Embedded comments show what is the reader's own.
fn reader(role: Role, wanted: &Wanted) -> Reader {
    if wanted.expands("comments") { Reader::Person(Some(role)) } else { Reader::Role(role) }
}

fn show(
    db: &Db,
    who: &Viewer,
    role: Role,
    wanted: &Wanted,
    comments: Embed,
    feedbacks: &[Feedback],
) -> Result<impl FnMut(Feedback) -> Result<Shown<Feedback>> + use<>> {
    let ids: Vec<i64> = feedbacks.iter().map(|f| f.id.0).collect();
    let wanted = wanted.clone();
    let mut found = if wanted.expands("comments") { comments.0(db, who, role, &ids)? } else { Vec::new() };
    Ok(move |f: Feedback| {
        let mut more = Vec::new();
        if wanted.expands("comments") {
            more.push(("comments", embedded(&mut found, f.id.0)));
        }
        wanted.show(f, more)
    })
}

/// Adds a feedback
#[utoipa::path(
    post,
    path = "/projects/{id}/feedbacks",
    request_body = NewFeedback,
    responses((status = 201, body = Feedback))
)]
async fn add(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    Json(new): Json<NewFeedback>,
) -> Result<impl IntoResponse> {
    let feedback = super::add(&app, &who, id, new).await?;
    Ok((StatusCode::CREATED, Tagged(feedback.rev, feedback)))
}

#[derive(Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::domain) struct OneQuery {
    /// Only these fields, divided by commas.
    #[param(example = "id,title,status")]
    fields: Option<String>,
    /// What is embedded, divided by commas: `user`, `comments`.
    expand: Option<String>,
}

/// A feedback
#[utoipa::path(get, path = "/feedbacks/{id}", params(OneQuery), responses((status = 200, body = Feedback)))]
async fn one(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<FeedbackId>,
    Extension(comments): Extension<Embed>,
    Query(q): Query<OneQuery>,
    asked: Asked,
) -> Result<Response> {
    let wanted = Wanted::read(&SHAPE, q.fields.as_deref(), q.expand.as_deref())?;
    let project = super::project_of(&app, id).await?;
    let role = judge(who.role(project), Right::View, "feedback")?;
    let (viewer, on) = (who.clone(), (Group::Feedback, reader(role, &wanted), Depends::feedback(&app, project, id)));
    kept(
        &app,
        &asked,
        &who,
        on,
        |r: &Revised<_>| Some(r.0),
        move |db| {
            let feedback = super::get(db, role, id, &wanted)?;
            let mut show = show(db, &viewer, role, &wanted, comments, std::slice::from_ref(&feedback))?;
            Ok(Revised(feedback.rev, show(feedback)?))
        },
    )
    .await
}

/// Changes a feedback
///
/// What is not named stays.
#[utoipa::path(
    patch,
    path = "/feedbacks/{id}",
    params(IfMatch), request_body = FeedbackPatch,
    responses((status = 200, body = Feedback))
)]
async fn change(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<FeedbackId>,
    IfMatch(rev): IfMatch,
    Json(patch): Json<FeedbackPatch>,
) -> Result<impl IntoResponse> {
    let feedback = super::change(&app, &who, id, patch, rev).await?;
    Ok(Tagged(feedback.rev, feedback))
}

/// Deletes a feedback
///
/// With its versions and comments.
#[utoipa::path(delete, path = "/feedbacks/{id}", params(IfMatch), responses((status = 204)))]
async fn remove(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<FeedbackId>,
    IfMatch(rev): IfMatch,
) -> Result<StatusCode> {
    super::delete(&app, &who, id, rev).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says or changes one's decision
#[utoipa::path(
    put,
    path = "/feedbacks/{id}/decision",
    request_body = NewDecision,
    responses((status = 200, body = Feedback))
)]
async fn decide(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<FeedbackId>,
    Json(new): Json<NewDecision>,
) -> Result<impl IntoResponse> {
    let feedback = super::decide(&app, &who, id, new).await?;
    Ok(Tagged(feedback.rev, feedback))
}
