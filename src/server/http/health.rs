//! `/health`: does it live? `/ready`: may traffic come?

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::app::App;
use crate::domain::accounts;
use crate::domain::http::Json;

pub(super) async fn health(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let database = app.read(accounts::any).await.is_ok();
    let word = |ok| if ok { "healthy" } else { "unhealthy" };
    let now = app.clock.now();
    let status = if database { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": word(database), "timestamp": now, "version": env!("CARGO_PKG_VERSION"),
        "uptime": (now.0 - app.started.0) / 1000, "checks": { "database": { "status": word(database) } },
    });
    (status, Json(body))
}

pub(super) async fn ready(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let ready = !app.stopping.is_cancelled() && app.read(accounts::any).await.is_ok();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready })))
}
