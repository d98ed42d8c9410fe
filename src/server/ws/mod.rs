//! `/ws/projects/{id}`: the door of a live room. Who comes is asked before the upgrade, but a refusal is spoken after it,
//! as a close code, since browsers see nothing else.
//!
//! `line` is the connection while it is open, `said` what clients say.

mod line;
mod said;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, SEC_WEBSOCKET_PROTOCOL};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, extract};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::ids::ProjectId;
use crate::base::locale::Text;
use crate::base::roles::Right;
use crate::domain::accounts::{self, Viewer};
use crate::domain::http::{Path, Query};
use crate::domain::projects;
use crate::engines::hub::{JoinError, Person, Seat};
use line::Line;

/// Largest frame or message of a client: a comment with the largest drawing.
const MESSAGE_MAX: usize = 64 << 10;
/// Of each socket, since most of them are idle; larger messages grow it for as long as they need.
const BUFFER: usize = 4 << 10;
/// A frame of ours is never this large: 20 comments with the largest texts and drawings are half of it.
const WRITE_MAX: usize = 4 << 20;
/// How long a refused or ended connection may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);
/// Refused connections that are told why at one time; more of them are just dropped.
static FAREWELLS: Semaphore = Semaphore::const_new(256);

/// Why a connection is closed, as the other side is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Close(u16, &'static str);

impl Close {
    const GOING_AWAY: Close = Close(1001, "going away");
    const POLICY: Close = Close(1008, "too many refused messages");
    const TOO_LARGE: Close = Close(1009, "message too large");
    const BROKEN: Close = Close(1011, "internal error");
    const FULL: Close = Close(1013, "full, try again later");
    const UNAUTHENTICATED: Close = Close(4001, "unauthenticated");
    const NO_PERMISSION: Close = Close(4003, "no permission");
    const TOO_MANY: Close = Close(4029, "too many connections");
}

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(enter))]
pub struct Doc;

/// The live routes.
pub fn routes() -> Router<App> {
    Router::new().route("/ws/projects/{id}", get(enter))
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

/// An upgrade, or the error that says what is missing.
struct Upgrade(WebSocketUpgrade);

impl FromRequestParts<App> for Upgrade {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Upgrade> {
        extract::ws::WebSocketUpgrade::from_request_parts(parts, app).await.map(Upgrade).map_err(
            |_: WebSocketUpgradeRejection| Error::Protocol {
                status: 426,
                code: "upgrade_required",
                text: Text::new("error.websocket_wanted"),
            },
        )
    }
}

/// Enters the room of a project
///
/// A WebSocket. With a cookie from a page of this server, a header, `?token=` or the subprotocol `bearer.<token>`. Who is refused hears it as a close code: 4001 unauthenticated, 4003 no permission, 4029 too many connections. Messages stand in `docs/front-end.md`.
#[utoipa::path(get, path = "/ws/projects/{id}", params(Asked), responses((status = 101)))]
async fn enter(
    State(app): State<App>,
    Path(project): Path<ProjectId>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    Upgrade(mut upgrade): Upgrade,
) -> Response {
    let offered = offered(&headers);
    let token = token(&app, &headers, &asked, &offered);
    let admitted = match token {
        Ok(token) => admit(&app, project, token).await,
        Err(close) => Err(close),
    };
    if let Some(protocol) = answered(&offered) {
        upgrade.set_selected_protocol(protocol);
    }
    let upgrade = upgrade
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_write_buffer_size(WRITE_MAX)
        .max_frame_size(MESSAGE_MAX)
        .max_message_size(MESSAGE_MAX);
    upgrade.on_upgrade(move |socket| async move {
        match admitted {
            Ok((seat, who, token)) => Line::new(app, project, seat, who, token, socket).run(asked.since).await,
            Err(close) => refuse(socket, close).await,
        }
    })
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
fn token(app: &App, headers: &HeaderMap, asked: &Asked, offered: &[String]) -> Result<String, Close> {
    let bearer = offered.iter().find_map(|p| p.strip_prefix("bearer."));
    if let Some(token) = bearer.or(Some(asked.token.as_str()).filter(|t| !t.is_empty())) {
        return Ok(token.to_owned());
    }
    let token = accounts::token_of(headers).ok_or(Close::UNAUTHENTICATED)?;
    if headers.contains_key(AUTHORIZATION) || is_own_page(app, headers) {
        return Ok(token);
    }
    Err(Close::NO_PERMISSION)
}

fn is_own_page(app: &App, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    // A program that names no origin is no browser.
    let Some(origin) = text(ORIGIN) else { return true };
    let server = &app.config.server;
    let host = origin.split_once("://").map(|(_, host)| host);
    (host.is_some() && host == text(HOST))
        || origin == server.public_url.trim_end_matches('/')
        || server.cors_origins.iter().any(|o| o == origin)
}

async fn admit(app: &App, project: ProjectId, token: String) -> Result<(Seat, Viewer, String), Close> {
    let viewer = Viewer::of_token(app, &token).await.map_err(|e| close_of(&e))?;
    let who = viewer.ok_or(Close::UNAUTHENTICATED)?;
    let user = who.user;
    let role = app.read(move |db| projects::allow(db, user, project, Right::View)).await.map_err(|e| close_of(&e))?;
    let team = role.may(Right::SeeInternal);
    let person = Person { user, nickname: who.nickname.clone(), session: who.session, team };
    let seat = app.hub.join(project, person).map_err(|e| match e {
        JoinError::TooManyOfUser => Close::TOO_MANY,
        JoinError::Full => Close::FULL,
        JoinError::Stopping => Close::GOING_AWAY,
    })?;
    Ok((seat, who, token))
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

async fn refuse(socket: WebSocket, close: Close) {
    if let Ok(_place) = FAREWELLS.try_acquire() {
        farewell(socket, close).await;
    }
}

/// Says why, and waits a moment for the other side's answer, without which a code may get lost with the connection.
async fn farewell(mut socket: WebSocket, Close(code, reason): Close) {
    let goodbye = async {
        let frame = CloseFrame { code, reason: reason.into() };
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
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
