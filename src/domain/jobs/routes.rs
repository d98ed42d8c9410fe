//! `/jobs/{id}`.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

use super::{Act, Shown};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::JobId;
use crate::domain::accounts::Viewer;
use crate::domain::http::{Json, Path};

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(one, cancel, retry))]
pub struct Doc;

/// The routes of this noun.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/jobs/{id}", get(one))
        .route("/jobs/{id}/cancel", post(cancel))
        .route("/jobs/{id}/retry", post(retry))
}

/// A job
///
/// How far it is, what it brought, or why it was lost.
#[utoipa::path(get, path = "/jobs/{id}", responses((status = 200, body = Shown)))]
async fn one(State(app): State<App>, who: Viewer, Path(id): Path<JobId>) -> Result<Json<Shown>> {
    let reader = who.clone();
    let found = app.read(move |db| super::get(db, &reader, id)).await?;
    Ok(Json(Shown::of(&app, &who, found)))
}

/// End a job
///
/// One that waits never runs; of one that runs the child process is killed. What only it waits for ends with it.
#[utoipa::path(post, path = "/jobs/{id}/cancel", responses((status = 200, body = Shown), (status = 409, description = "It is over")))]
async fn cancel(State(app): State<App>, who: Viewer, Path(id): Path<JobId>) -> Result<Json<Shown>> {
    let found = super::act(&app, &who, id, Act::Cancel).await?;
    Ok(Json(Shown::of(&app, &who, found)))
}

/// Try a job again
///
/// One that was lost gets another full set of tries, with what it needs and was lost as well.
#[utoipa::path(post, path = "/jobs/{id}/retry", responses((status = 200, body = Shown), (status = 409, description = "It is not over, or ended well")))]
async fn retry(State(app): State<App>, who: Viewer, Path(id): Path<JobId>) -> Result<Json<Shown>> {
    let found = super::act(&app, &who, id, Act::Retry).await?;
    Ok(Json(Shown::of(&app, &who, found)))
}
