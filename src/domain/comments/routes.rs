//! `/feedbacks/{id}/comments` and `/comments/{id}`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde::Deserialize;

use super::{Comment, CommentPatch, Filter, NewComment, Order, Reaction, SHAPE};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::fields::Wanted;
use crate::base::group::Group;
use crate::base::ids::{CommentId, FeedbackId, MediaId};
use crate::base::page::{Feed, FeedQuery};
use crate::base::roles::Right;
use crate::domain::accounts::Viewer;
use crate::domain::answer::{Asked, Depends, Reader, Revised, kept};
use crate::domain::feedback;
use crate::domain::http::{IfMatch, Json, Path, Query, Tagged};
use crate::domain::projects::judge;

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(list, add, one, change, remove, resolve, reopen, react, unreact))]
pub struct Doc;

/// The routes of this noun.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/feedbacks/{id}/comments", get(list).post(add))
        .route("/comments/{id}", get(one).patch(change).delete(remove))
        .route("/comments/{id}/resolution", post(resolve).delete(reopen))
        .route("/comments/{id}/reactions/{kind}", put(react).delete(unreact))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Where to go on: `next_cursor` or `previous_cursor` of an earlier answer.
    cursor: Option<String>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<i64>,
    /// Only resolved ones, or only unresolved ones.
    resolved: Option<bool>,
    /// Only those made on this version.
    #[param(inline)]
    media_id: Option<MediaId>,
    /// Newest first, or by the moment in the film.
    #[param(inline)]
    order: Option<Order>,
    /// Only these fields, divided by commas.
    #[param(example = "id,text,start_ms")]
    fields: Option<String>,
    /// What is embedded, divided by commas: `user`.
    expand: Option<String>,
}

/// Comments of a feedback
///
/// A feed with replies in it (`parent_id`).
#[utoipa::path(
    get,
    path = "/feedbacks/{id}/comments",
    params(ListQuery),
    responses((status = 200, body = Feed<Comment>))
)]
async fn list(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<FeedbackId>,
    Query(q): Query<ListQuery>,
    asked: Asked,
) -> Result<Response> {
    let wanted = Wanted::read(&SHAPE, q.fields.as_deref(), q.expand.as_deref())?;
    let slice = FeedQuery { cursor: q.cursor, page_size: q.page_size }.check()?;
    let filter = Filter { resolved: q.resolved, media: q.media_id, order: q.order.unwrap_or_default() };
    let project = feedback::project_of(&app, id).await?;
    let role = judge(who.role(project), Right::View, "feedback")?;
    let on = (Group::Comments, Reader::Person(Some(role)), Depends::feedback(&app, project, id));
    let reader = who.clone();
    kept(
        &app,
        &asked,
        &who,
        on,
        |_| None,
        move |db| super::list(db, &reader, role, id, &filter, &wanted, slice)?.map(|c| wanted.show(c, Vec::new())),
    )
    .await
}

/// Comments or replies
///
/// A repetition with the same `client_id` answers the comment that is there.
#[utoipa::path(
    post,
    path = "/feedbacks/{id}/comments",
    request_body = NewComment,
    responses((status = 201, body = Comment))
)]
async fn add(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<FeedbackId>,
    Json(new): Json<NewComment>,
) -> Result<impl IntoResponse> {
    let comment = super::add(&app, &who, id, new).await?.comment;
    Ok((StatusCode::CREATED, Tagged(comment.rev, comment)))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct OneQuery {
    /// Only these fields, divided by commas.
    #[param(example = "id,text,start_ms")]
    fields: Option<String>,
    /// What is embedded, divided by commas: `user`.
    expand: Option<String>,
}

/// A comment
#[utoipa::path(get, path = "/comments/{id}", params(OneQuery), responses((status = 200, body = Comment)))]
async fn one(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<CommentId>,
    Query(q): Query<OneQuery>,
    asked: Asked,
) -> Result<Response> {
    let wanted = Wanted::read(&SHAPE, q.fields.as_deref(), q.expand.as_deref())?;
    let (project, feedback) = super::place_of(&app, id).await?;
    let role = judge(who.role(project), Right::View, "comment")?;
    let on = (Group::Comment, Reader::Person(Some(role)), Depends::feedback(&app, project, feedback));
    let reader = who.clone();
    kept(
        &app,
        &asked,
        &who,
        on,
        |r: &Revised<_>| Some(r.0),
        move |db| {
            let comment = super::get(db, &reader, role, id, &wanted)?;
            Ok(Revised(comment.rev, wanted.show(comment, Vec::new())?))
        },
    )
    .await
}

/// Changes one's own comment
///
/// What is not named stays; `null` removes a moment or a drawing.
#[utoipa::path(
    patch,
    path = "/comments/{id}",
    params(IfMatch), request_body = CommentPatch,
    responses((status = 200, body = Comment))
)]
async fn change(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<CommentId>,
    IfMatch(rev): IfMatch,
    Json(patch): Json<CommentPatch>,
) -> Result<impl IntoResponse> {
    let comment = super::change(&app, &who, id, patch, rev).await?;
    Ok(Tagged(comment.rev, comment))
}

/// Deletes a comment
///
/// One's own, or any as owner or manager.
#[utoipa::path(delete, path = "/comments/{id}", params(IfMatch), responses((status = 204)))]
async fn remove(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<CommentId>,
    IfMatch(rev): IfMatch,
) -> Result<StatusCode> {
    super::delete(&app, &who, id, rev).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Marks a comment as resolved
#[utoipa::path(post, path = "/comments/{id}/resolution", responses((status = 200, body = Comment)))]
async fn resolve(State(app): State<App>, who: Viewer, Path(id): Path<CommentId>) -> Result<impl IntoResponse> {
    let comment = super::set_resolved(&app, &who, id, true).await?;
    Ok(Tagged(comment.rev, comment))
}

/// Opens a resolved comment again
#[utoipa::path(delete, path = "/comments/{id}/resolution", responses((status = 200, body = Comment)))]
async fn reopen(State(app): State<App>, who: Viewer, Path(id): Path<CommentId>) -> Result<impl IntoResponse> {
    let comment = super::set_resolved(&app, &who, id, false).await?;
    Ok(Tagged(comment.rev, comment))
}

/// The name of a reaction in a path; an older client's word for `question` still holds.
pub fn reaction(name: &str) -> Result<Reaction> {
    if name == "needExplanation" { Ok(Reaction::Question) } else { name.parse().map_err(|t| Error::invalid("kind", t)) }
}

/// Reacts to a comment
#[utoipa::path(
    put,
    path = "/comments/{id}/reactions/{kind}",
    responses((status = 200, body = Comment), (status = 422, description = "No such reaction"))
)]
async fn react(
    State(app): State<App>,
    who: Viewer,
    Path((id, kind)): Path<(CommentId, String)>,
) -> Result<impl IntoResponse> {
    let comment = super::set_reaction(&app, &who, id, reaction(&kind)?, true).await?;
    Ok(Tagged(comment.rev, comment))
}

/// Takes a reaction back
#[utoipa::path(
    delete,
    path = "/comments/{id}/reactions/{kind}",
    responses((status = 200, body = Comment), (status = 422, description = "No such reaction"))
)]
async fn unreact(
    State(app): State<App>,
    who: Viewer,
    Path((id, kind)): Path<(CommentId, String)>,
) -> Result<impl IntoResponse> {
    let comment = super::set_reaction(&app, &who, id, reaction(&kind)?, false).await?;
    Ok(Tagged(comment.rev, comment))
}
