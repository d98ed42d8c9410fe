//! `Idempotency-Key` on POST: the same key gives the same answer again and makes the change once, for 24 hours.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::time::Duration;

use crate::app::{self, App};
use crate::base::error::{Error, Result};
use crate::base::locale::Text;
use crate::domain::accounts::Viewer;
use crate::domain::http::{BODY_MAX, Failure};
use crate::engines::store::once::{self, Answer, Key};

/// Headers that belong to a kept answer. A cookie does not: it would sign in whoever knows the key.
const KEPT: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];

/// Uploads keep their own count of what has arrived, and their bodies may be large.
const STREAMED: &str = "/uploads";

/// The layer.
pub async fn once(State(app): State<App>, request: Request, next: Next) -> Response {
    let key = request.headers().get("idempotency-key").cloned();
    match key {
        Some(key) if request.method() == Method::POST && !request.uri().path().starts_with(STREAMED) => {
            run(app, key, request, next).await.unwrap_or_else(Error::into_response)
        }
        _ => next.run(request).await,
    }
}

async fn run(app: App, key: HeaderValue, request: Request, next: Next) -> Result<Response> {
    let key = key.to_str().ok().filter(|k| (1..=200).contains(&k.len()) && k.bytes().all(|b| b.is_ascii_graphic()));
    let invalid = || Error::invalid("Idempotency-Key", Text::new("invalid.idempotency_key"));
    let key = key.ok_or_else(invalid)?.to_owned();
    let (mut parts, body) = request.into_parts();
    // Without a person there is nobody whose key it could be: the route itself answers 401 or does its open work.
    let Ok(who) = <Viewer as FromRequestParts<App>>::from_request_parts(&mut parts, &app).await else {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let body = axum::body::to_bytes(body, BODY_MAX).await.map_err(|_| Error::TooLarge { limit: BODY_MAX as u64 })?;
    let mut hash = Sha256::new();
    hash.update(parts.uri.path().as_bytes());
    hash.update([0]);
    hash.update(&body);
    let key = Key { user: who.user, key, request: hash.finalize().to_vec() };
    let request = Request::from_parts(parts, Body::from(body));
    let response = app::once(key.clone(), next.run(request)).await;
    let replayed = response.status() == StatusCode::CONFLICT
        && response.extensions().get::<Failure>().is_some_and(|f| f.text.key == "error.idempotency_lost");
    if replayed { replay(&app, key).await } else { keep(&app, key, response).await }
}

/// Gives the first answer again; waits a little for one that is still being given.
async fn replay(app: &App, key: Key) -> Result<Response> {
    for _ in 0..50 {
        let look = key.clone();
        let found = app.read(move |db| once::answer(db, &look)).await?;
        let Some((answer, request)) = found else { return Err(Error::Replay) };
        if request != key.request {
            return Err(Error::invalid("Idempotency-Key", Text::new("invalid.idempotency_reused")));
        }
        if answer.status != 0 {
            return Ok(restore(answer));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Error::Replay)
}

fn restore(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers: Vec<(String, String)> = serde_json::from_str(&answer.headers).unwrap_or_default();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

/// Keeps an answer that stands for a change. One that changed nothing (no reservation) finds no row and is not kept.
async fn keep(app: &App, key: Key, response: Response) -> Result<Response> {
    if !response.status().is_success() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 4 * BODY_MAX).await.map_err(Error::internal)?;
    let answer = Answer { status: parts.status.as_u16(), headers: names(&parts.headers), body: body.to_vec() };
    app.store.write(move |tx| once::keep(tx, &key, &answer)).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn names(headers: &HeaderMap) -> String {
    let kept: Vec<(&str, &str)> =
        KEPT.iter().filter_map(|n| Some((n.as_str(), headers.get(n)?.to_str().ok()?))).collect();
    serde_json::to_string(&kept).unwrap_or_default()
}
