//! `/feedbacks/{id}/comments` and `/comments/{id}`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde::Deserialize;

use super::{CommentPatch, Filter, NewComment, Order, Reaction, SHAPE};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::fields::Wanted;
use crate::base::group::Group;
use crate::base::ids::{CommentId, FeedbackId, MediaId};
use crate::base::page::FeedQuery;
use crate::base::roles::Right;
use crate::domain::accounts::Viewer;
use crate::domain::answer::{Asked, Depends, Reader, Revised, kept};
use crate::domain::feedback;
use crate::domain::http::{IfMatch, Json, Path, Query, Tagged};
use crate::domain::projects::judge;

/// The routes of this noun.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/feedbacks/{id}/comments", get(list).post(add))
        .route("/comments/{id}", get(one).patch(change).delete(remove))
        .route("/comments/{id}/resolution", post(resolve).delete(reopen))
        .route("/comments/{id}/reactions/{kind}", put(react).delete(unreact))
}

#[derive(Deserialize)]
struct ListQuery {
    cursor: Option<String>,
    page_size: Option<i64>,
    resolved: Option<bool>,
    media_id: Option<MediaId>,
    order: Option<Order>,
    fields: Option<String>,
    expand: Option<String>,
}

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
    let on = (Group::Comments, Reader::Person(Some(role)), Depends::project(&app, project));
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

async fn add(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<FeedbackId>,
    Json(new): Json<NewComment>,
) -> Result<impl IntoResponse> {
    let comment = super::add(&app, &who, id, new).await?.comment;
    Ok((StatusCode::CREATED, Tagged(comment.rev, comment)))
}

#[derive(Deserialize)]
struct OneQuery {
    fields: Option<String>,
    expand: Option<String>,
}

async fn one(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<CommentId>,
    Query(q): Query<OneQuery>,
    asked: Asked,
) -> Result<Response> {
    let wanted = Wanted::read(&SHAPE, q.fields.as_deref(), q.expand.as_deref())?;
    let project = super::project_of(&app, id).await?;
    let role = judge(who.role(project), Right::View, "comment")?;
    let on = (Group::Comment, Reader::Person(Some(role)), Depends::project(&app, project));
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

async fn remove(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<CommentId>,
    IfMatch(rev): IfMatch,
) -> Result<StatusCode> {
    super::delete(&app, &who, id, rev).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn resolve(State(app): State<App>, who: Viewer, Path(id): Path<CommentId>) -> Result<impl IntoResponse> {
    let comment = super::set_resolved(&app, &who, id, true).await?;
    Ok(Tagged(comment.rev, comment))
}

async fn reopen(State(app): State<App>, who: Viewer, Path(id): Path<CommentId>) -> Result<impl IntoResponse> {
    let comment = super::set_resolved(&app, &who, id, false).await?;
    Ok(Tagged(comment.rev, comment))
}

/// The name of a reaction in a path; an older client's word for `question` still holds.
pub fn reaction(name: &str) -> Result<Reaction> {
    if name == "needExplanation" { Ok(Reaction::Question) } else { name.parse().map_err(|t| Error::invalid("kind", t)) }
}

async fn react(
    State(app): State<App>,
    who: Viewer,
    Path((id, kind)): Path<(CommentId, String)>,
) -> Result<impl IntoResponse> {
    let comment = super::set_reaction(&app, &who, id, reaction(&kind)?, true).await?;
    Ok(Tagged(comment.rev, comment))
}

async fn unreact(
    State(app): State<App>,
    who: Viewer,
    Path((id, kind)): Path<(CommentId, String)>,
) -> Result<impl IntoResponse> {
    let comment = super::set_reaction(&app, &who, id, reaction(&kind)?, false).await?;
    Ok(Tagged(comment.rev, comment))
}
