//! The last touch on an answer that was not kept: a tag for what has none, 304 for who knows it, compression where it pays.
//!
//! Law: never for what is streamed or compressed already (films, pictures, events): only bodies whose whole length is
//! known and bounded are looked at.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::response::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::base::error::Error;
use crate::domain::answer::{etag, is_among, is_final};
use crate::engines::cache;
use crate::engines::compress::{Encoding, compress, is_compressible};

/// Larger answers go as they are.
const BODY_MAX: u64 = 8 << 20;
/// Above this the work is done beside the requests, not among them.
const LONG: usize = 64 << 10;

/// The layer.
pub async fn finish(request: Request, next: Next) -> Response {
    let accepted = request.headers().get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok());
    let encoding = accepted.and_then(Encoding::accepted);
    let known = request.headers().get(IF_NONE_MATCH).cloned();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.run(request).await;
    let Some(kind) = plain_kind(&response) else { return response };
    let (mut parts, body) = response.into_parts();
    // A body whose length is known is there already, or comes without waiting.
    let bytes = match axum::body::to_bytes(body, BODY_MAX as usize).await {
        Ok(bytes) => bytes,
        Err(e) => return Error::internal(e).into_response(),
    };
    parts.headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    if is_read && parts.status == StatusCode::OK && kind == Kind::Json {
        tag(&mut parts, &bytes);
    }
    let tag = parts.headers.get(ETAG).and_then(|v| v.to_str().ok()).map(|t| t.trim_matches('"').to_owned());
    let is_known = is_read
        && parts.status == StatusCode::OK
        && tag.as_ref().zip(known.as_ref()).is_some_and(|(tag, known)| is_among(tag, known));
    if is_known {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(CONTENT_TYPE);
        parts.headers.remove(CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    let packed = match encoding {
        Some(encoding) => pack(encoding, bytes.clone()).await,
        None => None,
    };
    let Some((encoding, packed)) = encoding.zip(packed) else { return Response::from_parts(parts, bytes.into()) };
    parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    parts.headers.remove(CONTENT_LENGTH);
    if let Some(value) = tag.and_then(|t| HeaderValue::from_str(&etag(&t, Some(encoding))).ok()) {
        parts.headers.insert(ETAG, value);
    }
    Response::from_parts(parts, packed.into())
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Json,
    Other,
}

/// What the body is, if it is one to look at.
fn plain_kind(response: &Response) -> Option<Kind> {
    let headers = response.headers();
    if is_final(headers) || headers.contains_key(CONTENT_ENCODING) || headers.contains_key(CONTENT_RANGE) {
        return None;
    }
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let len = response.body().size_hint().exact()?;
    let worth = is_compressible(kind) && (1..=BODY_MAX).contains(&len);
    worth.then_some(if kind.starts_with("application/json") { Kind::Json } else { Kind::Other })
}

/// The tag of a JSON answer. The revision alone is not enough to know an answer again: counts and names in it have none.
fn tag(parts: &mut Parts, bytes: &Bytes) {
    let rev = parts.headers.get(ETAG).and_then(|v| v.to_str().ok()?.trim_matches('"').strip_prefix('r')?.parse().ok());
    if let Ok(value) = HeaderValue::from_str(&etag(&cache::tag(rev, bytes), None)) {
        parts.headers.insert(ETAG, value);
    }
}

async fn pack(encoding: Encoding, bytes: Bytes) -> Option<Bytes> {
    if bytes.len() <= LONG {
        return compress(encoding, &bytes);
    }
    tokio::task::spawn_blocking(move || compress(encoding, &bytes)).await.ok().flatten()
}
