//! `/auth` and `/me`. Sign-up stands in `projects::routes`, since an invitation to a project opens it.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};

use super::sessions::{self, NewToken, Session, SessionKind};
use super::viewer::COOKIE;
use super::{Me, MePatch, SignedIn, Viewer};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::group::Group;
use crate::base::ids::SessionId;
use crate::base::locale::Text;
use crate::domain::answer::{Asked, Depends, Reader, kept};
use crate::domain::http::{Caller, IfMatch, Json, Path, Tagged};

/// The routes of this noun.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/auth/login", post(log_in))
        .route("/auth/logout", post(log_out))
        .route("/auth/password/forgot", post(forgot))
        .route("/auth/password/reset", post(reset))
        .route("/me", get(me).patch(change_me))
        .route("/me/tokens", get(tokens).post(make_token))
        .route("/me/tokens/{id}", delete(end_session))
        .route("/me/sessions", get(list_sessions).delete(end_others))
        .route("/me/sessions/{id}", delete(end_session))
}

/// The cookie that carries a session's token.
pub fn cookie(signed_in: &SignedIn, caller: &Caller) -> Cookie<'static> {
    let mut cookie = Cookie::new(COOKIE, signed_in.token.clone());
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(caller.secure);
    cookie.set_path("/");
    // The session slides; the cookie outlives it and is worth nothing after it.
    cookie.set_max_age(time::Duration::days(400));
    cookie
}

/// The cookie that takes it back.
pub fn no_cookie() -> Cookie<'static> {
    let mut cookie = Cookie::new(COOKIE, "");
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_path("/");
    cookie.make_removal();
    cookie
}

#[derive(Deserialize)]
struct Login {
    email: String,
    password: String,
}

async fn log_in(
    State(app): State<App>,
    caller: Caller,
    jar: CookieJar,
    Json(login): Json<Login>,
) -> Result<impl IntoResponse> {
    let signed_in = super::log_in(&app, &login.email, &login.password, caller.ip.clone()).await?;
    Ok((jar.add(cookie(&signed_in, &caller)), Json(signed_in)))
}

async fn log_out(State(app): State<App>, who: Viewer, jar: CookieJar) -> Result<impl IntoResponse> {
    super::log_out(&app, &who).await?;
    Ok((StatusCode::NO_CONTENT, jar.add(no_cookie())))
}

#[derive(Deserialize)]
struct Forgot {
    email: String,
}

async fn forgot(State(app): State<App>, Json(forgot): Json<Forgot>) -> Result<StatusCode> {
    if !super::is_email(&super::clean_email(&forgot.email)) {
        return Err(Error::invalid("email", Text::new("invalid.email")));
    }
    super::ask_reset(&app, &forgot.email).await?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Deserialize)]
struct Reset {
    email: String,
    code: String,
    password: String,
}

async fn reset(State(app): State<App>, Json(reset): Json<Reset>) -> Result<StatusCode> {
    super::reset(&app, &reset.email, &reset.code, reset.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn me(State(app): State<App>, who: Viewer, asked: Asked) -> Result<Response> {
    let (user, on) = (who.user, (Group::Me, Reader::Person(None), Depends::oneself(&who)));
    kept(&app, &asked, &who, on, |me: &Me| Some(me.rev), move |db| super::me(db, user)).await
}

async fn change_me(
    State(app): State<App>,
    who: Viewer,
    IfMatch(rev): IfMatch,
    Json(patch): Json<MePatch>,
) -> Result<impl IntoResponse> {
    let me = super::change_me(&app, &who, patch, rev).await?;
    Ok(Tagged(me.rev, me))
}

#[derive(Serialize)]
struct Sessions {
    results: Vec<Session>,
}

async fn tokens(State(app): State<App>, who: Viewer) -> Result<Json<Sessions>> {
    let results = app.read(move |db| sessions::list(db, &who, SessionKind::Token)).await?;
    Ok(Json(Sessions { results }))
}

async fn make_token(State(app): State<App>, who: Viewer, Json(new): Json<NewToken>) -> Result<impl IntoResponse> {
    let made = sessions::make_token(&app, &who, new).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

async fn list_sessions(State(app): State<App>, who: Viewer) -> Result<Json<Sessions>> {
    let results = app.read(move |db| sessions::list(db, &who, SessionKind::Session)).await?;
    Ok(Json(Sessions { results }))
}

async fn end_session(State(app): State<App>, who: Viewer, Path(id): Path<SessionId>) -> Result<StatusCode> {
    super::end_session(&app, &who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn end_others(State(app): State<App>, who: Viewer) -> Result<StatusCode> {
    super::end_other_sessions(&app, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}
