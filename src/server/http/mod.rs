//! What comes in: the route table, the layers round it, and the connections below it.

mod ahead;
mod batch;
mod body;
mod front;
mod health;
mod idempotency;
pub mod layers;
mod listen;
mod metrics;
pub(in crate::server) mod openapi;
pub(in crate::server) mod rates;
mod starting;

use axum::extract::OriginalUri;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::app::App;
use crate::base::error::Error;
use crate::base::locale::Text;
use crate::domain::doctor::seen;
use crate::domain::{
    Embed, accounts, comments, feedback, jobs, journal, media, notices, plans, projects, schedule, search, webhooks,
};
use crate::server::{web, ws};
pub use health::reason;
pub use listen::{Door, serve};
pub use starting::starting;

/// Everything under `/api/v1`.
fn api() -> Router<App> {
    Router::new()
        .merge(accounts::routes::routes())
        // What is embedded of a later noun is handed in here, since the left never calls the right.
        .merge(projects::routes::routes(Embed(feedback::embed)))
        .merge(feedback::routes::routes(Embed(comments::embed)))
        .merge(media::routes::routes())
        .merge(jobs::routes::routes())
        .merge(comments::routes::routes())
        .merge(journal::routes::routes())
        .merge(search::routes::routes())
        .merge(schedule::routes::routes())
        .merge(plans::routes::routes())
        .merge(notices::routes::routes())
        .merge(webhooks::routes::routes())
}

/// The whole program as a router.
pub fn router(app: &App) -> Router {
    let api = api()
        .fallback(no_path)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(app.clone(), idempotency::once))
        .layer(from_fn_with_state(app.clone(), rates::limit))
        .layer(from_fn_with_state(app.clone(), layers::whole_body));
    // What a batch asks passes the same layers as if it had come alone, but those of a connection.
    let inner = Router::new()
        .nest("/api/v1", api.clone())
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn_with_state(app.clone(), layers::dress))
        .with_state(app.clone());
    let batch = Router::new()
        .route("/api/v1/batch", post(batch::batch))
        .layer(Extension(batch::Inner(inner)))
        .layer(from_fn_with_state(app.clone(), layers::whole_body));
    Router::new()
        .nest("/api/v1", api)
        .merge(batch)
        .nest("/api", Router::new().fallback(no_path))
        .route("/health", get(health::health))
        .route(seen::PATH, get(health::seen))
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/api/openapi.json", get(openapi::document))
        .route("/api/asyncapi.json", get(openapi::live_document))
        .route("/api/docs", get(web::docs::show))
        .merge(ws::routes())
        .merge(web::routes(app))
        .fallback(web::missing)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn(body::finish))
        // A route's panic is its own 500; the layers outside still dress it.
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn_with_state(app.clone(), layers::same_origin))
        .layer(from_fn_with_state(app.clone(), layers::dress))
        .layer(cors(app))
        .layer(from_fn_with_state(app.clone(), media::uploads::routes::abilities))
        .with_state(app.clone())
}

async fn no_path(OriginalUri(uri): OriginalUri) -> Error {
    let path = uri.path();
    // A client of another version is told where this one is.
    if path.starts_with("/api/v") && !path.starts_with("/api/v1/") {
        let text = Text::new("error.api_version");
        return Error::Protocol { status: 404, code: "api_version", text };
    }
    Error::NotFound("path")
}

async fn no_method() -> Error {
    Error::MethodNotAllowed
}

/// Outermost, so that errors carry the headers as well.
fn cors(app: &App) -> CorsLayer {
    let app = app.clone();
    let known = move |origin: &HeaderValue, _: &_| {
        app.config().server.cors_origins.iter().any(|known| known.as_bytes() == origin.as_bytes())
    };
    let exposed = [
        "etag",
        "location",
        "retry-after",
        "x-request-id",
        "x-response-time",
        "x-db-queries",
        "x-cache",
        "x-media-id",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "idempotency-replayed",
        "tus-resumable",
        "tus-version",
        "tus-extension",
        "tus-max-size",
        "upload-offset",
        "upload-length",
        "upload-expires",
        "upload-metadata",
    ];
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(known))
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(
            [
                "authorization",
                "content-type",
                "if-match",
                "if-none-match",
                "idempotency-key",
                "accept-language",
                "range",
                "tus-resumable",
                "upload-length",
                "upload-offset",
                "upload-metadata",
                "upload-checksum",
                "upload-defer-length",
            ]
            .map(HeaderName::from_static),
        )
        .expose_headers(exposed.map(HeaderName::from_static))
        .max_age(std::time::Duration::from_secs(3600))
}
