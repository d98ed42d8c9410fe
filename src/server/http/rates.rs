//! How often somebody may ask: by person where he is known, by address where not, by group of routes.
//!
//! Law: counting is exact (`engines::limits`), and whoever is refused hears when to come back. What the groups may is
//! set in the config's section `limits`.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::base::error::Error;
use crate::base::ids::UserId;
use crate::domain::accounts::Viewer;
use crate::domain::http::Peer;
use crate::domain::reached;
use crate::engines::limits::Whom;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// Paths that prove who somebody is: counted by address, whoever asks.
const SIGN_IN: [&str; 4] = ["/auth/login", "/auth/signup", "/auth/password/forgot", "/auth/password/reset"];

/// The layer. Fields: `RateLimit-Limit`, `-Remaining`, `-Reset` (draft-ietf-httpapi-ratelimit-headers-03).
pub async fn limit(State(app): State<App>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().map(|p| p.0);
    let address = address(&app, request.headers(), peer);
    if !is_counted(&app, address) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    // A token without the right scope is still refused by its route.
    let who = <Viewer as FromRequestParts<App>>::from_request_parts(&mut parts, &app).await.ok();
    let taken = take(&app, address, who.map(|w| w.user), &parts.method, parts.uri.path());
    let mut response = match &taken {
        Some(Err(refused)) => Error::TooMany { retry_after_s: refused.reset_s }.into_response(),
        _ => next.run(Request::from_parts(parts, body)).await,
    };
    if let Some(Ok(taken) | Err(taken)) = taken {
        taken.tell(response.headers_mut());
    }
    response
}

/// What is left of a group's limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    limit: usize,
    remaining: usize,
    reset_s: u64,
}

impl Taken {
    /// Puts it into the headers of an answer.
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        for (name, value) in [(LIMIT, self.limit as u64), (REMAINING, self.remaining as u64), (RESET, self.reset_s)] {
            headers.insert(name, HeaderValue::from(value));
        }
    }
}

/// Counts one request; `None` where there is no limit.
pub(super) fn take(
    app: &App,
    address: Option<IpAddr>,
    who: Option<UserId>,
    method: &Method,
    path: &str,
) -> Option<Result<Taken, Taken>> {
    if !is_counted(app, address) {
        return None;
    }
    let config = app.config();
    let limits = &config.limits;
    let from = address.map(Whom::at);
    let (whom, group, limit) = match who {
        _ if SIGN_IN.iter().any(|p| path.ends_with(p)) => (from, "sign_in", limits.sign_in),
        Some(user) if method.is_safe() => (Some(Whom::User(user)), "reads", limits.reads),
        Some(user) => (Some(Whom::User(user)), "writes", limits.writes),
        None => (from, "strangers", limits.strangers),
    };
    let whom = whom.filter(|_| limit > 0)?;
    Some(match app.limits.take(whom, group, limit, app.clock.now()) {
        Ok(left) => Ok(Taken { limit, remaining: left.remaining, reset_s: left.reset_s }),
        Err(reset_s) => Err(Taken { limit, remaining: 0, reset_s }),
    })
}

fn is_counted(app: &App, address: Option<IpAddr>) -> bool {
    app.config().limits.local || address.is_some_and(|a| !a.to_canonical().is_loopback())
}

/// The other end, as a trusted proxy names it or as the connection shows it.
pub(super) fn address(app: &App, headers: &HeaderMap, peer: Option<SocketAddr>) -> Option<IpAddr> {
    reached::client(&app.config().server.trusted_proxies, headers, peer.map(|p| p.ip()))
}
