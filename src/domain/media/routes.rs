//! `/media/{id}`, its files, and `/feedbacks/{id}/media`. Uploads have their own routes.

use axum::Router;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use super::recipes::Presets;
use super::{MediaState, Shown, bytes, trash, uploads};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::{FeedbackId, JobId, MediaId, UserId};
use crate::base::job::Part;
use crate::domain::accounts::Viewer;
use crate::domain::http::{IfMatch, Json, Path, Tagged};

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(list, one, remove, restore, rerun, bytes::file, bytes::of_set))]
pub struct Doc;

/// The routes of this noun.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/feedbacks/{id}/media", get(list))
        .route("/media/{id}", get(one).delete(remove))
        .route("/media/{id}/restore", post(restore))
        .route("/media/{id}/{file}", get(bytes::file))
        .route("/media/{id}/rerun", post(rerun))
        .route("/media/{id}/{set}/{file}", get(bytes::of_set))
        .merge(uploads::routes::routes())
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = MediaList)]
struct List {
    /// Newest first.
    results: Vec<Shown>,
}

/// Versions of a feedback
///
/// Newest first.
#[utoipa::path(get, path = "/feedbacks/{id}/media", responses((status = 200, body = List)))]
async fn list(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<FeedbackId>,
    headers: HeaderMap,
) -> Result<Json<List>> {
    let (lang, reader, signer) = (who.lang, who.user, signer(&headers, who.user));
    let versions = app.read(move |db| super::list(db, &who, id)).await?;
    Ok(Json(List { results: versions.into_iter().map(|m| m.shown(&app, lang, reader, signer)).collect() }))
}

/// A version
///
/// Its facts, its state and progress, and where its bytes are. Asked with a bearer token, its URLs carry a signature for players.
#[utoipa::path(get, path = "/media/{id}", responses((status = 200, body = Shown)))]
async fn one(State(app): State<App>, who: Viewer, Path(id): Path<MediaId>, headers: HeaderMap) -> Result<Response> {
    let (lang, reader, signer) = (who.lang, who.user, signer(&headers, who.user));
    let media = app.read(move |db| super::get(db, who.user, id)).await?;
    let (rev, over) = (media.rev, matches!(media.state, MediaState::Ready | MediaState::Failed));
    let shown = media.shown(&app, lang, reader, signer);
    // Progress is not in the revision: while it moves, the answer has no tag that would hold it still.
    Ok(if over && shown.progress.is_none() { Tagged(rev, shown).into_response() } else { Json(shown).into_response() })
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = MediaRerun)]
struct Rerun {
    /// Some parts alone; left out or empty: all.
    #[serde(default)]
    #[schema(example = json!(["proxy"]), max_items = 6)]
    only: Vec<Part>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = MediaRerunBegun)]
struct Begun {
    /// How far it is tells `/jobs/{id}`.
    job_id: JobId,
}

/// Make a version's renditions again
///
/// By the present settings. What is there stays until its successor is whole. While the version is being worked on, that
/// work is the answer.
#[utoipa::path(post, path = "/media/{id}/rerun", request_body = Rerun, responses((status = 202, body = Begun)))]
async fn rerun(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<MediaId>,
    Json(asked): Json<Rerun>,
) -> Result<(StatusCode, Json<Begun>)> {
    let presets = Presets::of(&app.config().media);
    let job_id = app.write(move |tx| super::rerun(tx, &presets, who.user, id, &asked.only)).await?;
    Ok((StatusCode::ACCEPTED, Json(Begun { job_id })))
}

/// Deletes a version
///
/// It is out of sight at once and can be restored for some days. What was said about it stays; its number is not given
/// again.
#[utoipa::path(delete, path = "/media/{id}", params(IfMatch), responses((status = 204)))]
async fn remove(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<MediaId>,
    IfMatch(rev): IfMatch,
) -> Result<StatusCode> {
    trash::delete(&app, &who, id, rev).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restores a deleted version
#[utoipa::path(
    post,
    path = "/media/{id}/restore",
    responses((status = 200, body = Shown), (status = 409, description = "It is not deleted, or was for too long"))
)]
async fn restore(State(app): State<App>, who: Viewer, Path(id): Path<MediaId>, headers: HeaderMap) -> Result<Response> {
    let (lang, reader, signer) = (who.lang, who.user, signer(&headers, who.user));
    let media = trash::restore(&app, &who, id).await?;
    let rev = media.rev;
    Ok(Tagged(rev, media.shown(&app, lang, reader, signer)).into_response())
}

/// Who came with a token in a header cannot give it to a player: his URLs are signed. A cookie goes with every request.
fn signer(headers: &HeaderMap, user: UserId) -> Option<UserId> {
    headers.contains_key(AUTHORIZATION).then_some(user)
}
