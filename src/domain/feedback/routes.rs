//! `/projects/{id}/feedbacks` and `/feedbacks/{id}`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, put};
use serde::Deserialize;

use super::{Feedback, FeedbackPatch, FeedbackStatus, Filter, NewDecision, NewFeedback, Priority};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::{FeedbackId, ProjectId};
use crate::base::page::{Feed, FeedQuery};
use crate::domain::accounts::Viewer;
use crate::domain::http::{IfMatch, Json, Path, Query, Tagged};

/// The routes of this noun.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/projects/{id}/feedbacks", get(list).post(add))
        .route("/feedbacks/{id}", get(one).patch(change).delete(remove))
        .route("/feedbacks/{id}/decision", put(decide))
}

#[derive(Deserialize)]
struct ListQuery {
    cursor: Option<String>,
    page_size: Option<i64>,
    status: Option<FeedbackStatus>,
    priority: Option<Priority>,
}

async fn list(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    Query(q): Query<ListQuery>,
) -> Result<Json<Feed<Feedback>>> {
    let slice = FeedQuery { cursor: q.cursor, page_size: q.page_size }.check()?;
    let filter = Filter { status: q.status, priority: q.priority };
    Ok(Json(app.read(move |db| super::list(db, &who, id, filter, slice)).await?))
}

async fn add(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    Json(new): Json<NewFeedback>,
) -> Result<impl IntoResponse> {
    let feedback = super::add(&app, &who, id, new).await?;
    Ok((StatusCode::CREATED, Tagged(feedback.rev, feedback)))
}

async fn one(State(app): State<App>, who: Viewer, Path(id): Path<FeedbackId>) -> Result<impl IntoResponse> {
    let feedback = app.read(move |db| super::get(db, &who, id)).await?;
    Ok(Tagged(feedback.rev, feedback))
}

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

async fn remove(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<FeedbackId>,
    IfMatch(rev): IfMatch,
) -> Result<StatusCode> {
    super::delete(&app, &who, id, rev).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn decide(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<FeedbackId>,
    Json(new): Json<NewDecision>,
) -> Result<impl IntoResponse> {
    let feedback = super::decide(&app, &who, id, new).await?;
    Ok(Tagged(feedback.rev, feedback))
}
