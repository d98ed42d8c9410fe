//! How often somebody may ask: by person where he is known, by address where not, by group of routes.
//!
//! Law: counting is exact (`engines::limits`), and whoever is refused hears when to come back. What the groups may is
//! set in the config's section `limits`.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::base::error::Error;
use crate::domain::accounts::Viewer;
use crate::domain::http::{Peer, forwarded_for};
use crate::engines::limits::Whom;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Paths that prove who somebody is: counted by address, whoever asks.
const SIGN_IN: [&str; 4] = ["/auth/login", "/auth/signup", "/auth/password/forgot", "/auth/password/reset"];

/// The layer. Fields: `RateLimit-Limit`, `-Remaining`, `-Reset` (draft-ietf-httpapi-ratelimit-headers-03).
pub async fn limit(State(app): State<App>, request: Request, next: Next) -> Response {
    let limits = &app.config.limits;
    let address = address(&app, &request);
    if !limits.local && address.is_none_or(|a| a.to_canonical().is_loopback()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path();
    let from = address.map(Whom::at);
    let (whom, group, most) = if SIGN_IN.iter().any(|p| path.ends_with(p)) {
        (from, "sign_in", limits.sign_in)
    } else {
        let safe = parts.method.is_safe();
        match <Viewer as FromRequestParts<App>>::from_request_parts(&mut parts, &app).await {
            Ok(who) if safe => (Some(Whom::User(who.user)), "reads", limits.reads),
            Ok(who) => (Some(Whom::User(who.user)), "writes", limits.writes),
            // A token without the right scope is still refused by its route.
            Err(_) => (from, "strangers", limits.strangers),
        }
    };
    let Some(whom) = whom.filter(|_| most > 0) else { return next.run(Request::from_parts(parts, body)).await };
    let (mut response, remaining, reset) = match app.limits.take(whom, group, most, app.clock.now()) {
        Ok(left) => (next.run(Request::from_parts(parts, body)).await, left.remaining, left.reset_s),
        Err(wait) => (Error::TooMany { retry_after_s: wait }.into_response(), 0, wait),
    };
    for (name, value) in [(LIMIT, most as u64), (REMAINING, remaining as u64), (RESET, reset)] {
        response.headers_mut().insert(name, HeaderValue::from(value));
    }
    response
}

fn address(app: &App, request: &Request) -> Option<IpAddr> {
    let forwarded = app.config.server.trust_proxy.then(|| forwarded_for(request.headers())).flatten();
    match forwarded {
        Some(text) => text.parse().ok(),
        None => request.extensions().get::<Peer>().map(|p| p.0.ip()),
    }
}
