//! What every request passes: counted, named, timed; its error put into the caller's words; a stranger's page kept out.

use std::pin::Pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::front;
use crate::app::App;
use crate::base::error::Error;
use crate::base::locale::Text;
use crate::base::page::hex;
use crate::base::secret;
use crate::domain::answer::X_CACHE;
use crate::domain::http::{BODY_MAX, Failure, lang_of};
use crate::domain::reached::Reached;
use crate::engines::metrics::{Answered, Meter, metered};
use crate::engines::trace::Work;

/// The id under which a request stands in the log.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RESPONSE_TIME: HeaderName = HeaderName::from_static("x-response-time");
const DB_QUERIES: HeaderName = HeaderName::from_static("x-db-queries");

/// The outermost layer of ours: id, clock, statement count, words of an error, headers.
pub async fn dress(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let path_template = matched.as_ref().map(MatchedPath::as_str);
    let route = app.metrics.of(request.method().as_str(), path_template);
    let _in_flight = route.as_ref().map(|_| app.metrics.begin());
    let given = request.headers().get(&REQUEST_ID).and_then(|v| v.to_str().ok());
    let id = given.filter(|id| is_id(id)).map_or_else(fresh_id, str::to_owned);
    let front = front::key(&request);
    request.extensions_mut().insert(RequestId(id.clone()));
    let lang = lang_of(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    // At the gravest level, so that whatever passes the filter within carries the request's id.
    let span = tracing::error_span!("request", request = id, route = path_template);
    let work = Work::request(&id, method.as_str(), path_template, parent(request.headers()));
    let whole = Meter::present();
    let meter = Meter::of(route.as_ref().map(|r| r.name()));
    let answering = metered(meter.clone(), next.run(request)).instrument(span.clone());
    let mut response = work.within(answering).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        speak(&mut response, &failure, lang, &id);
    }
    if let Some(key) = front {
        front::remember(&app, key, &mut response);
    }
    let took = start.elapsed();
    let status = response.status();
    let used = meter.used();
    sign(&app, response.headers_mut(), &id, took, used.statements);
    work.answered(status.as_u16(), used.statements);
    if let Some(route) = route {
        let bytes = if method == Method::HEAD { 0 } else { bytes_of(&response) };
        let cache = response.headers().get(&X_CACHE).and_then(|v| v.to_str().ok()).unwrap_or("");
        let answer = Answered { status: status.as_u16(), took, used, bytes, cache, request: &id };
        app.metrics.answered(&app.clock, &route, answer);
    }
    // A part of a batch is part of what the batch uses.
    if let Some(whole) = whole {
        whole.add(used);
    }
    let took_ms = took.as_millis() as u64;
    span.in_scope(|| {
        // A path may hold an invitation's token.
        let path = if path_template.is_some_and(|path| path.contains("{token}")) { "…" } else { path.as_str() };
        if status.is_server_error() {
            tracing::warn!(%method, path, status = status.as_u16(), took_ms, "answered");
        } else {
            tracing::debug!(%method, path, status = status.as_u16(), took_ms, "answered");
        }
    });
    response
}

/// How long the body will be, as far as that is known before it is sent.
pub(super) fn bytes_of(response: &Response) -> u64 {
    let said = || response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    response.body().size_hint().exact().or_else(said).unwrap_or(0)
}

/// What a caller that is traced itself sends (W3C Trace Context).
pub(super) fn parent(headers: &HeaderMap) -> [Option<&str>; 2] {
    ["traceparent", "tracestate"].map(|name| headers.get(name).and_then(|v| v.to_str().ok()))
}

/// The headers that every answer carries.
pub(super) fn sign(app: &App, headers: &mut HeaderMap, id: &str, took: Duration, queries: u32) {
    let mut put = |name: HeaderName, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    put(REQUEST_ID, id);
    match took.as_millis() {
        0 if took.subsec_micros() < 500 => put(RESPONSE_TIME, "0.000"),
        _ => put(RESPONSE_TIME, &format!("{:.3}", took.as_secs_f64())),
    }
    headers.insert(DB_QUERIES, HeaderValue::from(queries));
    headers.entry(X_CACHE).or_insert(HeaderValue::from_static("bypass"));
    secure(headers, &app.config().server.cdn_url);
}

/// Differs for each request of this process, and most likely from those of any other.
pub(super) fn fresh_id() -> String {
    static PROCESS: LazyLock<String> = LazyLock::new(|| hex(&secret::random::<4>()));
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}{:08x}", *PROCESS, NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(super) fn is_id(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// `/x/` means `/x`. Before routing, since a layer sees a request only when its route is chosen.
pub fn slash(request: &mut Request) {
    let uri = request.uri();
    let path = uri.path();
    if path.len() > 1 && path.ends_with('/') {
        let trimmed = path.trim_end_matches('/');
        let trimmed = if trimmed.is_empty() { "/" } else { trimmed };
        let text = uri.query().map_or_else(|| trimmed.to_owned(), |q| format!("{trimmed}?{q}"));
        let mut parts = uri.clone().into_parts();
        if let Ok(new) = text.parse() {
            parts.path_and_query = Some(new);
            if let Ok(uri) = axum::http::Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
    }
}

/// Puts an error into words. A page's error page has a body already and keeps it.
fn speak(response: &mut Response, failure: &Failure, lang: crate::base::locale::Lang, id: &str) {
    let body = failure.body(lang, id).to_string();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert("content-language", HeaderValue::from_static(lang.tag()));
    *response.body_mut() = Body::from(body);
}

const CSP: &str = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; \
     base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

fn secure(headers: &mut HeaderMap, cdn: &str) {
    if !cdn.is_empty() {
        let csp = CSP.replace("src 'self'", &format!("src 'self' {cdn}"));
        if let Ok(csp) = HeaderValue::from_str(&csp) {
            headers.insert(CONTENT_SECURITY_POLICY, csp);
        }
    }
    let mut put = |name: &'static str, value: &'static str| {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    };
    put("x-content-type-options", "nosniff");
    put("x-frame-options", "DENY");
    put("referrer-policy", "same-origin");
    put("cross-origin-opener-policy", "same-origin");
    put("content-security-policy", CSP);
    put("cache-control", "private, no-cache");
}

/// A change that comes with a cookie must come from one of our own pages: browsers name the origin of such a request.
/// A program that sends neither header carries no cookie by accident.
pub async fn same_origin(State(app): State<App>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || !headers.contains_key(COOKIE) || headers.contains_key("authorization") {
        return next.run(request).await;
    }
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let own = match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some(site), _) if site == "same-origin" || site == "none" => true,
        (_, Some(origin)) => {
            let config = app.config();
            Reached::of(&config.server, headers, request.extensions()).is_origin(origin)
        }
        (Some(_), None) => false,
        (None, None) => true,
    };
    if own { next.run(request).await } else { Error::Forbidden.into_response() }
}

/// How long a small body may take.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Reads small bodies before the route is asked. An answer that is given while the body is still on its way (a wrong
/// type, no such id) would cut the connection under the caller's hands, and he would never see it. A body that never
/// ends is cut after half a minute. The pieces of an upload are never gathered: each byte counts from when it is on disk.
pub async fn whole_body(State(app): State<App>, request: Request, next: Next) -> Response {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    let streamed = request.uri().path().contains("/uploads") && *request.method() != Method::POST;
    if streamed || length.is_none_or(|n| n == 0 || n > BODY_MAX) {
        return heard_out(&app, request, next).await;
    }
    let (parts, body) = request.into_parts();
    match tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, BODY_MAX)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(_)) => Error::BadRequest(Text::new("error.body_broken")).into_response(),
        Err(_) => {
            let text = Text::new("error.body_broken");
            Error::Protocol { status: 408, code: "request_timeout", text }.into_response()
        }
    }
}

/// How much of a body is read after its request was refused, and for how long.
const HEARD_OUT: usize = 8 << 20;
const HEARING: Duration = Duration::from_secs(2);

/// A body that is given back when its reader has no more use for it.
struct Lent(Option<Body>, Option<oneshot::Sender<Body>>);

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(body), Some(back)) = (self.0.take(), self.1.take()) {
            let _ = back.send(body);
        }
    }
}

/// Runs a request whose body is streamed. If it is refused, the rest is read and thrown away within bounds, for the same
/// reason as above.
async fn heard_out(app: &App, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let (back, mut given_back) = oneshot::channel();
    let response = next.run(Request::from_parts(parts, Body::new(Lent(Some(body), Some(back))))).await;
    if !(response.status().is_client_error() || response.status().is_server_error()) {
        return response;
    }
    if let Ok(rest) = given_back.try_recv() {
        // An upload that the stop has cut goes on with the successor: the sooner, the better.
        hear(rest, if app.stopping.is_cancelled() { HEARING / 10 } else { HEARING }).await;
    }
    response
}

/// Reads what is left of a body, within bounds, and throws it away.
async fn hear(mut rest: Body, time: Duration) {
    let hear = async {
        let mut heard = 0;
        while let Some(Ok(frame)) = rest.frame().await {
            heard += frame.data_ref().map_or(0, Bytes::len);
            if heard > HEARD_OUT {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(time, hear).await;
}

/// The body of an HTTP/2 request, which is heard out beside the answer if nobody has read it to its end: given up, it
/// would reset its stream, and mostly before the answer has left.
pub(super) fn to_the_end(body: Body) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let (back, given_back) = oneshot::channel::<Body>();
    tokio::spawn(async move {
        if let Ok(rest) = given_back.await
            && !rest.is_end_stream()
        {
            hear(rest, HEARING).await;
        }
    });
    Body::new(Lent(Some(body), Some(back)))
}

/// The answer for a handler that panicked.
pub fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let said = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    Error::internal(format!("a handler panicked: {}", said.unwrap_or("?"))).into_response()
}
