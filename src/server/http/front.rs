//! The door before the routes: what a session asked before is answered again here while all that vouches for it stands.
//!
//! Law: it changes nothing that the routes would answer, only what it costs. Whatever is not plain (a change, a range,
//! another origin, a wish for something fresh) goes to the routes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::http::header::{ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, COOKIE, IF_NONE_MATCH, ORIGIN, RANGE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use axum::response::Response;

use super::layers::{self, REQUEST_ID};
use super::rates;
use crate::app::App;
use crate::domain::accounts::Viewer;
use crate::domain::answer::respond;
use crate::engines::cache::{Key, Vouched};
use crate::engines::compress::Encoding;
use crate::engines::metrics::{Answered, Used};
use crate::engines::trace::{self, Work};

/// What is remembered of an answer.
type Entry = Vouched<Viewer>;

/// What the answer to this request is remembered by; `None` where it is not plain.
pub(super) fn key<B>(request: &Request<B>) -> Option<Key> {
    plain(request.method(), request.uri(), request.headers())
}

fn plain(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Key> {
    const NOT_PLAIN: [HeaderName; 3] = [ORIGIN, RANGE, CACHE_CONTROL];
    if method != Method::GET || !uri.path().starts_with("/api/v1/") || NOT_PLAIN.iter().any(|n| headers.contains_key(n))
    {
        return None;
    }
    // The whole header that carries the session: another spelling of it is another entry.
    let session = headers.get(AUTHORIZATION).or_else(|| headers.get(COOKIE))?;
    let path = uri.path_and_query()?.as_str();
    let mut bytes = Vec::with_capacity(session.len() + path.len() + 1);
    bytes.extend_from_slice(session.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(path.as_bytes());
    Some(Key::hashed(&bytes))
}

/// Keeps what a route has answered, with what vouches for it.
pub(super) fn remember(app: &App, key: Key, response: &mut Response) {
    if let Some(vouched) = response.extensions_mut().remove::<Arc<Entry>>() {
        app.cache.vouch(key, vouched);
    }
}

/// The answer, if it can be given here.
pub(super) fn answer<B>(app: &App, request: &Request<B>, peer: SocketAddr) -> Option<Response> {
    let start = Instant::now();
    let headers = request.headers();
    let key = key(request)?;
    let found = app.cache.vouched(&key, app.clock.now())?;
    let text = |name: HeaderName| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    let encoding = text(ACCEPT_ENCODING).and_then(Encoding::accepted);
    // The first time it is compressed where that disturbs nobody.
    let packed = match encoding {
        Some(encoding) if !found.body.has(encoding) => return None,
        Some(encoding) => found.body.compressed(encoding).cloned().map(|bytes| (encoding, bytes)),
        None => None,
    };
    let taken = rates::take(app, rates::address(app, headers, Some(peer)), Some(found.user), &Method::GET, "");
    let mut response = match &taken {
        Some(Err(_)) => return None,
        _ => respond(&found.body, packed, headers.get(IF_NONE_MATCH), "l1"),
    };
    if let Some(Ok(taken)) = taken {
        taken.tell(response.headers_mut());
    }
    app.access.note(found.user, found.project);
    let given = text(REQUEST_ID).filter(|id| layers::is_id(id));
    let id = given.map_or_else(layers::fresh_id, str::to_owned);
    let took = start.elapsed();
    layers::sign(app, response.headers_mut(), &id, took, 0);
    let (name, status) = (found.body.group.route(), response.status().as_u16());
    if let Some(route) = app.metrics.of("GET", Some(name)) {
        let used = Used { user: Some(found.user), ..Used::default() };
        let bytes = layers::bytes_of(&response);
        let answer = Answered { status, took, used, bytes, cache: "l1", request: &id };
        app.metrics.answered(&app.clock, &route, answer);
    }
    if trace::is_on() {
        Work::begun(&id, "GET", Some(name), layers::parent(headers), took).answered(status, 0);
    }
    tracing::debug!(request = id, route = name, status, took_us = took.as_micros() as u64, "answered again");
    Some(response)
}
