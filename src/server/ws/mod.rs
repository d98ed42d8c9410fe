//! `/ws/projects/{id}` and `/ws/me`: the doors of live rooms. Who comes is asked before the upgrade, but a refusal is
//! spoken after it, as a close code, since browsers see nothing else.
//!
//! `socket` is the connection as bytes and frames, `line` what goes over it while it is open, `begin` what it begins with,
//! `said` what clients say. The protocol stands in
//! `docs/asyncapi.json`.

mod begin;
mod line;
mod said;
mod socket;

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::http::header::{AUTHORIZATION, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::ids::ProjectId;
use crate::base::locale::Text;
use crate::base::roles::Right;
use crate::domain::accounts::{self, Viewer};
use crate::domain::http::{Path, Peer, Query};
use crate::domain::projects;
use crate::domain::reached::Reached;
use crate::domain::rooms::mine::Window;
use crate::engines::hub::{JoinError, Person, Place, Seat};
use line::Line;
use socket::{CloseFrame, Handshake, Socket};

/// How long a refused or ended connection may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);
/// Refused connections that are told why at one time; more of them are just dropped.
static FAREWELLS: Semaphore = Semaphore::const_new(256);

/// Why a connection is closed, as the other side is told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Close(u16, Cow<'static, str>);

impl Close {
    const POLICY: Close = Close::plain(1008, "too many refused messages");
    const TOO_LARGE: Close = Close::plain(1009, "message too large");
    const BROKEN: Close = Close::plain(1011, "internal error");
    const FULL: Close = Close::plain(1013, "full, try again later");
    const UNAUTHENTICATED: Close = Close::plain(4001, "unauthenticated");
    const NO_PERMISSION: Close = Close::plain(4003, "no permission");
    const DISCONNECTED: Close = Close::plain(4011, "disconnected by an operator");
    const TOO_MANY: Close = Close::plain(4029, "too many connections");

    const fn plain(code: u16, reason: &'static str) -> Close {
        Close(code, Cow::Borrowed(reason))
    }

    /// The program stops; come back after so long.
    fn going_away(retry_ms: u64) -> Close {
        Close(1001, format!("going away; retry_ms={retry_ms}").into())
    }

    /// The other side reads more slowly than the room speaks; `seq` is the last that it was sent.
    fn cannot_follow(seq: i64) -> Close {
        Close(4008, format!("cannot follow; seq={seq}").into())
    }
}

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(enter, enter_own))]
pub struct Doc;

/// The live routes.
pub fn routes() -> Router<App> {
    Router::new().route("/ws/projects/{id}", get(enter)).route("/ws/me", get(enter_own))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The last seq that the client has heard.
    since: Option<i64>,
    /// The token of who can send neither a cookie nor a header.
    #[serde(default)]
    token: String,
}

/// Enters the room of a project
///
/// A WebSocket. With a cookie from a page of this server, a header, `?token=` or the subprotocol `bearer.<token>`. Who is refused hears it as a close code: 4001 unauthenticated, 4003 no permission, 4029 too many connections. Messages stand in `/api/asyncapi.json`.
#[utoipa::path(get, path = "/ws/projects/{id}", params(Asked), responses((status = 101)))]
async fn enter(
    State(app): State<App>,
    Path(project): Path<ProjectId>,
    asked: Query<Asked>,
    coming: Coming,
) -> Response {
    open(app, Some(project), asked, coming).await
}

/// Enters one's own room
///
/// A WebSocket that tells when something has moved that one's dashboard shows. Everything else as at `/ws/projects/{id}`.
#[utoipa::path(get, path = "/ws/me", params(Asked), responses((status = 101)))]
async fn enter_own(State(app): State<App>, asked: Query<Asked>, coming: Coming) -> Response {
    open(app, None, asked, coming).await
}

/// What a request for a socket carries beside its query.
struct Coming {
    headers: HeaderMap,
    reached: Reached,
    address: IpAddr,
    handshake: Handshake,
}

impl FromRequestParts<App> for Coming {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Coming> {
        let peer = parts.extensions.get::<Peer>().ok_or_else(|| anyhow::anyhow!("a request without a peer"))?;
        let peer = peer.0.ip();
        let reached = Reached::of(&app.config().server, &parts.headers, &parts.extensions);
        let handshake = Handshake::of(parts).ok_or_else(|| Error::Protocol {
            status: 426,
            code: "upgrade_required",
            text: Text::new("error.websocket_wanted"),
        })?;
        let address = reached.client.unwrap_or(peer);
        Ok(Coming { headers: parts.headers.clone(), reached, address, handshake })
    }
}

/// Opens a line to a project's room, or to the person's own.
async fn open(app: App, project: Option<ProjectId>, Query(asked): Query<Asked>, coming: Coming) -> Response {
    let Coming { headers, reached, address, handshake } = coming;
    let offered = offered(&headers);
    let admitted = match token(&app, &headers, &reached, &asked, &offered) {
        Ok(token) => admit(&app, project, address, token).await,
        Err(close) => Err(close),
    };
    handshake.answer(answered(&offered), move |socket| async move {
        match admitted {
            Ok(admitted) => Line::new(app, admitted, socket).run(asked.since).await,
            Err(close) => {
                app.metrics.live().closed(close.0);
                refuse(socket, close).await;
            }
        }
    })
}

/// Somebody with a seat.
struct Admitted {
    seat: Seat,
    who: Viewer,
    token: String,
    /// On his own room.
    window: Option<Window>,
}

/// The subprotocols that the client offers.
fn offered(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|v| v.split(',')).map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).take(8).collect()
}

/// The one that we take. A browser closes the connection if we take none of those it offered; the token is given back
/// only if it came alone.
fn answered(offered: &[String]) -> Option<HeaderValue> {
    let plain = offered.iter().find(|p| !p.starts_with("bearer."));
    plain.or(offered.first())?.parse().ok()
}

/// The token that the client came with. A cookie counts only from a page of ours: browsers send it along with sockets
/// that any page opens.
fn token(
    app: &App,
    headers: &HeaderMap,
    reached: &Reached,
    asked: &Asked,
    offered: &[String],
) -> Result<String, Close> {
    let bearer = offered.iter().find_map(|p| p.strip_prefix("bearer."));
    if let Some(token) = bearer.or(Some(asked.token.as_str()).filter(|t| !t.is_empty())) {
        return Ok(token.to_owned());
    }
    let token = accounts::token_of(headers).ok_or(Close::UNAUTHENTICATED)?;
    if headers.contains_key(AUTHORIZATION) || is_own_page(app, headers, reached) {
        return Ok(token);
    }
    Err(Close::NO_PERMISSION)
}

fn is_own_page(app: &App, headers: &HeaderMap, reached: &Reached) -> bool {
    // A program that names no origin is no browser.
    let Some(origin) = headers.get(ORIGIN).and_then(|v| v.to_str().ok()) else { return true };
    let config = app.config();
    let server = &config.server;
    reached.is_origin(origin)
        || origin == server.public_url.trim_end_matches('/')
        || server.cors_origins.iter().any(|o| o == origin)
}

/// Gives a seat to whom the token belongs. His rights are looked at again when he has it, since one that is withdrawn
/// between the two would find no seat to end.
async fn admit(app: &App, project: Option<ProjectId>, address: IpAddr, token: String) -> Result<Admitted, Close> {
    let known = async || {
        let viewer = Viewer::of_token(app, &token).await.map_err(|e| close_of(&e))?;
        let who = viewer.ok_or(Close::UNAUTHENTICATED)?;
        let role = project.map(|id| projects::judge(who.role(id), Right::View, "project"));
        let role = role.transpose().map_err(|e| close_of(&e))?;
        Ok((who, role.is_some_and(|role| role.may(Right::SeeInternal))))
    };
    let (mut who, team) = known().await?;
    let place = project.map_or(Place::Person(who.user), Place::Project);
    let person = Person { user: who.user, nickname: who.nickname.clone(), session: who.session, address, team };
    let seat = app.hub.join(place, person).map_err(|e| match e {
        JoinError::TooManyOfUser => Close::TOO_MANY,
        JoinError::Full => Close::FULL,
        JoinError::Stopping => Close::going_away(1_000),
    })?;
    let mut window = project.is_none().then(|| app.rooms.open(&who));
    if !who.still_holds(app) {
        let (again, team) = known().await?;
        who = again;
        match project {
            Some(project) => app.hub.set_team(project, who.user, team),
            None => window = Some(app.rooms.open(&who)),
        }
    }
    Ok(Admitted { seat, who, token, window })
}

/// How an error of an operation ends a connection.
fn close_of(error: &Error) -> Close {
    match error {
        Error::Unauthenticated => Close::UNAUTHENTICATED,
        // A project that is none of his business is not told from one that is not there.
        Error::Forbidden | Error::NotFound(_) => Close::NO_PERMISSION,
        Error::Busy { .. } => Close::FULL,
        error => {
            tracing::error!(%error, "a live room failed");
            Close::BROKEN
        }
    }
}

async fn refuse(mut socket: Socket, close: Close) {
    if let Ok(_place) = FAREWELLS.try_acquire() {
        farewell(&mut socket, close).await;
    }
}

/// Says why, and waits a moment for the other side's answer, without which a code may get lost with the connection.
async fn farewell(socket: &mut Socket, Close(code, reason): Close) {
    let goodbye = async {
        let frame = CloseFrame { code: code.into(), reason: reason.as_ref().into() };
        if socket.close(frame).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    let _ = tokio::time::timeout(FAREWELL, goodbye).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_not_repeated_if_there_is_another_protocol() {
        let list = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(answered(&list(&["bearer.x", "videoplanet"])).unwrap(), "videoplanet");
        assert_eq!(answered(&list(&["bearer.x"])).unwrap(), "bearer.x");
        assert_eq!(answered(&[]), None);
    }
}
