//! `/projects/{id}/webhooks`, `/webhooks`, `/webhooks/{id}` and `/deliveries/{id}`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use super::{Delivery, DeliveryShown, NewWebhook, Webhook, WebhookPatch};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::{DeliveryId, ProjectId, WebhookId};
use crate::base::page::{Feed, FeedQuery};
use crate::domain::accounts::Viewer;
use crate::domain::http::{IfMatch, Json, Path, Query, Tagged};

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    list,
    add,
    list_instance,
    add_instance,
    one,
    change,
    remove,
    test,
    rotate,
    deliveries,
    delivery,
    redeliver
))]
pub struct Doc;

/// The routes of this noun.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/projects/{id}/webhooks", get(list).post(add))
        .route("/webhooks", get(list_instance).post(add_instance))
        .route("/webhooks/{id}", get(one).patch(change).delete(remove))
        .route("/webhooks/{id}/test", post(test))
        .route("/webhooks/{id}/secret", post(rotate))
        .route("/webhooks/{id}/deliveries", get(deliveries))
        .route("/deliveries/{id}", get(delivery))
        .route("/deliveries/{id}/redeliver", post(redeliver))
}

/// All webhooks of a project, or of the instance.
#[derive(Serialize, utoipa::ToSchema)]
struct Webhooks {
    /// In the order in which they were added.
    results: Vec<Webhook>,
}

/// Webhooks of a project
///
/// For whoever may manage it. Secrets are not among what is shown.
#[utoipa::path(get, path = "/projects/{id}/webhooks", responses((status = 200, body = Webhooks)))]
async fn list(State(app): State<App>, who: Viewer, Path(id): Path<ProjectId>) -> Result<Json<Webhooks>> {
    let results = app.read(move |db| super::list(db, &who, Some(id))).await?;
    Ok(Json(Webhooks { results }))
}

/// Adds a webhook to a project
///
/// The answer holds the secret that signs what it is told; it is not shown again. An address within this machine or a
/// private network is refused unless the instance allows it.
#[utoipa::path(
    post,
    path = "/projects/{id}/webhooks",
    request_body = NewWebhook,
    responses((status = 201, body = Webhook), (status = 409, description = "There are too many"))
)]
async fn add(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    Json(new): Json<NewWebhook>,
) -> Result<impl IntoResponse> {
    let webhook = super::add(&app, &who, Some(id), new).await?;
    Ok((StatusCode::CREATED, Tagged(webhook.rev, webhook)))
}

/// Webhooks of the instance
///
/// They hear of all projects. For those who administer it.
#[utoipa::path(
    get,
    path = "/webhooks",
    responses((status = 200, body = Webhooks), (status = 403, description = "For admins alone"))
)]
async fn list_instance(State(app): State<App>, who: Viewer) -> Result<Json<Webhooks>> {
    let results = app.read(move |db| super::list(db, &who, None)).await?;
    Ok(Json(Webhooks { results }))
}

/// Adds a webhook to the instance
///
/// As for a project; it hears of all of them.
#[utoipa::path(
    post,
    path = "/webhooks",
    request_body = NewWebhook,
    responses(
        (status = 201, body = Webhook),
        (status = 403, description = "For admins alone"),
        (status = 409, description = "There are too many")
    )
)]
async fn add_instance(State(app): State<App>, who: Viewer, Json(new): Json<NewWebhook>) -> Result<impl IntoResponse> {
    let webhook = super::add(&app, &who, None, new).await?;
    Ok((StatusCode::CREATED, Tagged(webhook.rev, webhook)))
}

/// A webhook
#[utoipa::path(get, path = "/webhooks/{id}", responses((status = 200, body = Webhook)))]
async fn one(State(app): State<App>, who: Viewer, Path(id): Path<WebhookId>) -> Result<impl IntoResponse> {
    let webhook = app.read(move |db| super::get(db, &who, id)).await?;
    Ok(Tagged(webhook.rev, webhook))
}

/// Changes a webhook
///
/// What is not named stays. `enabled: true` turns one on again that was turned off for its failures: it hears what
/// happens from then on.
#[utoipa::path(
    patch,
    path = "/webhooks/{id}",
    params(IfMatch), request_body = WebhookPatch,
    responses((status = 200, body = Webhook))
)]
async fn change(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<WebhookId>,
    IfMatch(rev): IfMatch,
    Json(patch): Json<WebhookPatch>,
) -> Result<impl IntoResponse> {
    let webhook = super::change(&app, &who, id, patch, rev).await?;
    Ok(Tagged(webhook.rev, webhook))
}

/// Deletes a webhook
///
/// With its log; what waits is not sent.
#[utoipa::path(delete, path = "/webhooks/{id}", params(IfMatch), responses((status = 204)))]
async fn remove(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<WebhookId>,
    IfMatch(rev): IfMatch,
) -> Result<StatusCode> {
    super::delete(&app, &who, id, rev).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test
///
/// An event of the type `ping`, once; also to a webhook that is off. What became of it stands in the log.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/test",
    responses((status = 202, body = Delivery), (status = 429, description = "One has just been sent"))
)]
async fn test(State(app): State<App>, who: Viewer, Path(id): Path<WebhookId>) -> Result<impl IntoResponse> {
    let delivery = super::test(&app, &who, id).await?;
    Ok((StatusCode::ACCEPTED, Json(delivery)))
}

/// Renews a webhook's secret
///
/// The answer holds the new one. For 24 hours the one before signs as well, as a second `v1`.
#[utoipa::path(post, path = "/webhooks/{id}/secret", responses((status = 200, body = Webhook)))]
async fn rotate(State(app): State<App>, who: Viewer, Path(id): Path<WebhookId>) -> Result<impl IntoResponse> {
    let webhook = super::rotate(&app, &who, id).await?;
    Ok(Tagged(webhook.rev, webhook))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct FeedOf {
    /// Where to go on: `next_cursor` or `previous_cursor` of an earlier answer.
    cursor: Option<String>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    page_size: Option<i64>,
}

/// What a webhook was told
///
/// A feed, newest first, with the last tries of each telling.
#[utoipa::path(
    get,
    path = "/webhooks/{id}/deliveries",
    params(FeedOf),
    responses((status = 200, body = Feed<Delivery>))
)]
async fn deliveries(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<WebhookId>,
    Query(q): Query<FeedOf>,
) -> Result<Json<Feed<Delivery>>> {
    let slice = FeedQuery { cursor: q.cursor, page_size: q.page_size }.check()?;
    Ok(Json(app.read(move |db| super::deliveries(db, &who, id, slice)).await?))
}

/// One telling, with what it says
///
/// `payload` is written from the rows as they stand now, as it is when it is sent; `null` if it may not be told any more.
#[utoipa::path(get, path = "/deliveries/{id}", responses((status = 200, body = DeliveryShown)))]
async fn delivery(State(app): State<App>, who: Viewer, Path(id): Path<DeliveryId>) -> Result<Json<DeliveryShown>> {
    let public_url = app.config().server.public_url.clone();
    Ok(Json(app.read(move |db| super::delivery(db, &public_url, &who, id)).await?))
}

/// Tells it once more
///
/// Under the same id, so that a receiver that has it already may pass over it.
#[utoipa::path(
    post,
    path = "/deliveries/{id}/redeliver",
    responses((status = 202, body = Delivery), (status = 409, description = "The webhook is off"))
)]
async fn redeliver(State(app): State<App>, who: Viewer, Path(id): Path<DeliveryId>) -> Result<impl IntoResponse> {
    let delivery = super::redeliver(&app, &who, id).await?;
    Ok((StatusCode::ACCEPTED, Json(delivery)))
}
