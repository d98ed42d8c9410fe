//! `POST /batch`: several requests in one, done in their order by the same routes with the same rights and limits.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, COOKIE, ETAG, HOST, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, Method};
use axum::response::IntoResponse;
use axum::{Extension, Router};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tower::ServiceExt;

use crate::app::App;
use crate::base::error::{Check, Error, Result};
use crate::base::locale::Text;
use crate::domain::answer::X_CACHE;
use crate::domain::http::{BODY_MAX, Json, Peer};
use crate::domain::reached::Encrypted;

/// Requests of one batch.
const MOST: usize = 20;
/// Bytes of all its answers.
const ANSWERS_MAX: usize = 8 << 20;
/// Headers of the batch that its requests share …
const SHARED: [HeaderName; 7] = [
    AUTHORIZATION,
    COOKIE,
    ACCEPT_LANGUAGE,
    HOST,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-host"),
];
/// … and those of an answer that are told.
const TOLD: [HeaderName; 8] = [
    ETAG,
    LOCATION,
    RETRY_AFTER,
    X_CACHE,
    HeaderName::from_static("x-db-queries"),
    HeaderName::from_static("x-response-time"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("ratelimit-remaining"),
];

/// Several requests.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "requests": [
    { "id": "me", "method": "GET", "path": "/me" },
    { "id": "new", "method": "POST", "path": "/projects", "body": { "name": "청년창업센터 온라인 교육 12강" } }
] }))]
pub(super) struct Batch {
    /// 1–20.
    #[schema(min_items = 1, max_items = 20)]
    requests: Vec<One>,
}

/// One request of a batch.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BatchRequest)]
pub(super) struct One {
    /// Names it in the answer.
    id: Value,
    /// GET, POST, PUT, PATCH or DELETE.
    method: String,
    /// Below `/api/v1`, with or without that, and its query.
    path: String,
    /// Its JSON body.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    body: Option<Box<RawValue>>,
    /// `If-Match`, `If-None-Match`, `Idempotency-Key`.
    #[serde(default)]
    headers: Map<String, Value>,
}

/// The answers, in the order of the requests.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BatchAnswers)]
pub(super) struct Answers {
    responses: Vec<Answer>,
}

/// One answer of a batch.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BatchAnswer, example = json!({
    "id": "me", "status": 200, "headers": { "etag": "\"r1-4f3a\"", "x-db-queries": "0" },
    "body": { "id": 1, "email": "serin@demo.videoplanet.example", "nickname": "오세린" }
}))]
pub(super) struct Answer {
    /// As in the request.
    id: Value,
    /// HTTP status.
    status: u16,
    /// ETag, Location, X-DB-Queries and the like.
    headers: Map<String, Value>,
    /// JSON; `null` without a body.
    #[schema(value_type = Value)]
    body: Option<Box<RawValue>>,
}

/// The routes that a batch may call.
#[derive(Clone)]
pub(super) struct Inner(pub(super) Router);

/// Several requests in one
///
/// Done in their order, with the rights, limits and headers of single ones; one that fails does not stop those behind
/// it. Keys against repetition stand in the requests' own headers. Uploads and bytes of media have no place in it.
#[utoipa::path(
    post,
    path = "/api/v1/batch",
    security((), ("session" = []), ("bearer" = [])),
    request_body = Batch,
    responses((status = 200, body = Answers))
)]
pub(super) async fn batch(
    State(_): State<App>,
    Extension(Inner(routes)): Extension<Inner>,
    peer: Option<Extension<Peer>>,
    tls: Option<Extension<Encrypted>>,
    headers: HeaderMap,
    Json(batch): Json<Batch>,
) -> Result<Json<Answers>> {
    let n = batch.requests.len();
    let range = || Text::new("invalid.range").with("min", 1).with("max", MOST);
    Check::new().that((1..=MOST).contains(&n), "requests", range()).done()?;
    // All are looked at before the first is done.
    let requests = batch.requests.iter().enumerate().map(|(i, one)| request(i, one, &headers, peer.as_ref()));
    let mut requests = requests.collect::<Result<Vec<_>>>()?;
    if let Some(Extension(tls)) = tls {
        for request in &mut requests {
            request.extensions_mut().insert(tls);
        }
    }
    let mut responses = Vec::with_capacity(n);
    let mut left = ANSWERS_MAX;
    for (one, request) in batch.requests.into_iter().zip(requests) {
        let answer = ask(&routes, one.id, request, left).await?;
        left = left.saturating_sub(answer.body.as_ref().map_or(0, |b| b.get().len()));
        responses.push(answer);
    }
    Ok(Json(Answers { responses }))
}

fn request(i: usize, one: &One, shared: &HeaderMap, peer: Option<&Extension<Peer>>) -> Result<Request> {
    let field = |name: &str| format!("requests[{i}].{name}");
    let method = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE].into_iter();
    let method = method.clone().find(|m| m.as_str() == one.method).ok_or_else(|| {
        let allowed = method.map(|m| m.to_string()).collect::<Vec<_>>().join(", ");
        Error::invalid(field("method"), Text::new("invalid.one_of").with("allowed", allowed))
    })?;
    let path = one.path.strip_prefix("/api/v1").unwrap_or(&one.path);
    // What is streamed has no place in a JSON answer.
    let bare = path.split('?').next().unwrap_or("").trim_end_matches('/');
    let streamed = bare.starts_with("/uploads") || bare == "/batch" || is_file(bare);
    if !path.starts_with('/') || streamed {
        return Err(Error::invalid(field("path"), Text::new("invalid.batch_path")));
    }
    let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
    for name in SHARED {
        if let Some(value) = shared.get(&name) {
            request = request.header(name, value);
        }
    }
    for (name, value) in &one.headers {
        let known = ["if-match", "if-none-match", "idempotency-key"].iter().find(|k| name.eq_ignore_ascii_case(k));
        let (Some(name), Some(value)) = (known, value.as_str()) else {
            let allowed = "If-Match, If-None-Match, Idempotency-Key";
            return Err(Error::invalid(field("headers"), Text::new("invalid.unknown_field").with("allowed", allowed)));
        };
        request = request.header(*name, value);
    }
    let body = match &one.body {
        Some(body) => {
            request = request.header(CONTENT_TYPE, "application/json");
            Body::from(body.get().to_owned())
        }
        None => Body::empty(),
    };
    let mut request = request.body(body).map_err(|_| Error::invalid(field("path"), Text::new("invalid.batch_path")))?;
    if let Some(Extension(peer)) = peer {
        request.extensions_mut().insert(*peer);
    }
    Ok(request)
}

/// `/media/7/original` and the like.
fn is_file(path: &str) -> bool {
    path.strip_prefix("/media/").is_some_and(|rest| rest.contains('/'))
}

async fn ask(routes: &Router, id: Value, request: Request, left: usize) -> Result<Answer> {
    let response = routes.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    let (parts, body) = response.into_response().into_parts();
    let mut headers = Map::new();
    for name in TOLD {
        if let Some(value) = parts.headers.get(&name).and_then(|v| v.to_str().ok()) {
            headers.insert(name.as_str().to_owned(), Value::from(value));
        }
    }
    let bytes = axum::body::to_bytes(body, left.min(4 * BODY_MAX))
        .await
        .map_err(|_| Error::TooLarge { limit: ANSWERS_MAX as u64 })?;
    let body = serde_json::from_slice::<Box<RawValue>>(&bytes).ok();
    Ok(Answer { id, status: parts.status.as_u16(), headers, body })
}
