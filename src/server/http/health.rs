//! `/health`: does it live? `/ready`: may traffic come?

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::accounts;
use crate::domain::http::Json;

/// Does it live?
#[utoipa::path(
    get,
    path = "/health",
    security(()),
    responses(
        (status = 200, body = Object, example = json!({
            "status": "healthy", "timestamp": "2026-11-24T09:00:00.000Z", "version": "0.1.0", "uptime": 86400,
            "checks": { "database": { "status": "healthy" }, "cache": { "status": "healthy" }, "search": { "status": "healthy" } }
        })),
        (status = 503, description = "It does not: the same body, with `unhealthy`", body = Object),
    )
)]
pub(super) async fn health(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let database = app.read(accounts::any).await.is_ok();
    let word = |ok| if ok { "healthy" } else { "unhealthy" };
    let now = app.clock.now();
    let status = if database { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    // Without its disk tier the cache answers all the same, and somebody should look at it.
    let cache = if app.cache.stats().disk_trouble.is_some() { "degraded" } else { "healthy" };
    // While it is built anew, hits may be missing.
    let search = if app.index.whole().is_some() && app.index.trouble().is_none() { "healthy" } else { "degraded" };
    let body = json!({
        "status": word(database), "timestamp": now, "version": env!("CARGO_PKG_VERSION"),
        "uptime": (now.0 - app.started.0) / 1000,
        "checks": { "database": { "status": word(database) }, "cache": { "status": cache }, "search": { "status": search } },
    });
    (status, Json(body))
}

/// May traffic come?
///
/// Not while it starts and stops.
#[utoipa::path(
    get,
    path = "/ready",
    security(()),
    responses(
        (status = 200, body = Object, example = json!({ "ready": true })),
        (status = 503, description = "Not now", body = Object),
    )
)]
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let ready = !app.stopping.is_cancelled() && app.read(accounts::any).await.is_ok();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready })))
}
