//! `/health`: does it live? `/ready`: may traffic come?

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::rates;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::domain::accounts;
use crate::domain::doctor::seen::{self, Seen};
use crate::domain::http::{Json, Peer};
use crate::domain::reached::Encrypted;

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

/// What the server sees of a request, for the doctor alone.
pub(super) async fn seen(
    State(app): State<App>,
    headers: HeaderMap,
    peer: Option<Extension<Peer>>,
    tls: Option<Extension<Encrypted>>,
) -> Result<Json<Seen>> {
    let ticket = headers.get(seen::TICKET).and_then(|v| v.to_str().ok()).unwrap_or("");
    if !seen::holds(&app.signing_key, app.clock.now(), ticket) {
        return Err(Error::NotFound("path"));
    }
    let peer = peer.map(|Extension(Peer(peer))| peer);
    let client = rates::address(&app, &headers, peer).map(|ip| ip.to_string());
    Ok(Json(Seen::of(&headers, peer.map(|p| p.ip().to_string()), client, tls.is_some())))
}

/// May traffic come?
///
/// Not while it starts and stops, and not while nothing can be written: `reason` is `starting`, `stopping`, `no_space`,
/// `store_busy` or `store_failing`.
#[utoipa::path(
    get,
    path = "/ready",
    security(()),
    responses(
        (status = 200, body = Object, example = json!({ "ready": true })),
        (status = 503, description = "Not now", body = Object, example = json!({ "ready": false, "reason": "stopping" })),
    )
)]
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, Json<Value>) {
    match reason(&app).await {
        None => (StatusCode::OK, Json(json!({ "ready": true }))),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "reason": reason }))),
    }
}

/// How long a change may wait for the writer before traffic should go elsewhere.
const WRITE: Duration = Duration::from_secs(2);
/// Bytes without which no change can be kept.
const ROOM: u64 = 4 << 20;

/// Why no traffic may come; `None` if it may.
pub async fn reason(app: &App) -> Option<&'static str> {
    if app.stopping.is_cancelled() {
        return Some("stopping");
    }
    let files = app.files.clone();
    let space = tokio::task::spawn_blocking(move || files.space()).await;
    if matches!(space, Ok(Ok(space)) if space.free < ROOM) {
        return Some("no_space");
    }
    // A change of nothing takes the writer's way up to the commit, and leaves no byte.
    match tokio::time::timeout(WRITE, app.store.write(|_| Ok(()))).await {
        Ok(Ok(())) => {}
        Ok(Err(Error::Busy { .. })) | Err(_) => return Some("store_busy"),
        Ok(Err(Error::NoSpace)) => return Some("no_space"),
        Ok(Err(_)) => return Some("store_failing"),
    }
    app.read(accounts::any).await.is_err().then_some("store_failing")
}
