//! `/auth` and `/me`. Sign-up stands in `projects::routes`, since an invitation to a project opens it.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};

use super::sessions::{self, MadeToken, NewToken, Session, SessionKind};
use super::viewer::COOKIE;
use super::{Me, MePatch, Origin, SignedIn, Viewer};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::group::Group;
use crate::base::ids::SessionId;
use crate::base::locale::Text;
use crate::domain::answer::{Asked, Depends, Reader, kept};
use crate::domain::http::{Caller, IfMatch, Json, Path, Tagged};

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    log_in,
    log_out,
    forgot,
    reset,
    me,
    change_me,
    tokens,
    make_token,
    end_token,
    list_sessions,
    end_session,
    end_others,
))]
pub struct Doc;

/// The routes of this noun.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/auth/login", post(log_in))
        .route("/auth/logout", post(log_out))
        .route("/auth/password/forgot", post(forgot))
        .route("/auth/password/reset", post(reset))
        .route("/me", get(me).patch(change_me))
        .route("/me/tokens", get(tokens).post(make_token))
        .route("/me/tokens/{id}", delete(end_token))
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

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({ "email": "serin@demo.videoplanet.example", "password": "correct horse battery" }))]
struct Login {
    /// The login.
    email: String,
    /// The password.
    #[schema(format = Password)]
    password: String,
}

/// Signs in
///
/// By e-mail and password. The answer carries the token, and the cookie `vp_session` with the same token.
#[utoipa::path(
    post,
    path = "/auth/login",
    security(()), request_body = Login,
    responses(
        (status = 200, body = SignedIn),
        (status = 401, description = "The e-mail or the password is wrong; which of them is not told"),
    )
)]
async fn log_in(
    State(app): State<App>,
    caller: Caller,
    jar: CookieJar,
    Json(login): Json<Login>,
) -> Result<impl IntoResponse> {
    let signed_in = super::log_in(&app, &login.email, &login.password, Origin::from(&caller)).await?;
    Ok((jar.add(cookie(&signed_in, &caller)), Json(signed_in)))
}

/// Signs out
///
/// Ends the session that asks and takes the cookie back.
#[utoipa::path(post, path = "/auth/logout", responses((status = 204)))]
async fn log_out(State(app): State<App>, who: Viewer, jar: CookieJar) -> Result<impl IntoResponse> {
    super::log_out(&app, &who).await?;
    Ok((StatusCode::NO_CONTENT, jar.add(no_cookie())))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({ "email": "serin@demo.videoplanet.example" }))]
struct Forgot {
    /// The login.
    email: String,
}

/// Asks for a reset code
///
/// Answers alike whether there is such an account. An operator hands the code out.
#[utoipa::path(post, path = "/auth/password/forgot", security(()), request_body = Forgot, responses((status = 202)))]
async fn forgot(State(app): State<App>, Json(forgot): Json<Forgot>) -> Result<StatusCode> {
    if !super::is_email(&super::clean_email(&forgot.email)) {
        return Err(Error::invalid("email", Text::new("invalid.email")));
    }
    super::ask_reset(&app, &forgot.email).await?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(example = json!({ "email": "serin@demo.videoplanet.example", "code": "K7WM-2QXA-H9TB", "password": "correct horse battery" }))]
struct Reset {
    /// The login.
    email: String,
    /// The single-use code; spaces, dashes and case do not matter.
    code: String,
    /// The new password, 8–200 characters.
    #[schema(min_length = 8, max_length = 200, format = Password)]
    password: String,
}

/// Sets a new password by a code
///
/// Ends all sessions of the account.
#[utoipa::path(post, path = "/auth/password/reset", security(()), request_body = Reset, responses((status = 204)))]
async fn reset(State(app): State<App>, Json(reset): Json<Reset>) -> Result<StatusCode> {
    super::reset(&app, &reset.email, &reset.code, reset.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own profile
#[utoipa::path(get, path = "/me", responses((status = 200, body = Me)))]
async fn me(State(app): State<App>, who: Viewer, asked: Asked) -> Result<Response> {
    let (user, on) = (who.user, (Group::Me, Reader::Person(None), Depends::oneself(&who)));
    kept(&app, &asked, &who, on, |me: &Me| Some(me.rev), move |db| super::me(db, user)).await
}

/// Changes one's own profile
///
/// A new password needs the present one and ends all other sessions.
#[utoipa::path(patch, path = "/me", params(IfMatch), request_body = MePatch, responses((status = 200, body = Me)))]
async fn change_me(
    State(app): State<App>,
    who: Viewer,
    IfMatch(rev): IfMatch,
    Json(patch): Json<MePatch>,
) -> Result<impl IntoResponse> {
    let me = super::change_me(&app, &who, patch, rev).await?;
    Ok(Tagged(me.rev, me))
}

#[derive(Serialize, utoipa::ToSchema)]
struct Sessions {
    /// Newest first.
    results: Vec<Session>,
}

/// API tokens
///
/// One's own, without their secrets.
#[utoipa::path(get, path = "/me/tokens", responses((status = 200, body = Sessions)))]
async fn tokens(State(app): State<App>, who: Viewer) -> Result<Json<Sessions>> {
    let results = app.read(move |db| sessions::list(db, &who, SessionKind::Token)).await?;
    Ok(Json(Sessions { results }))
}

/// Makes an API token
///
/// The secret is shown this once. A token cannot make tokens (403).
#[utoipa::path(post, path = "/me/tokens", request_body = NewToken, responses((status = 201, body = MadeToken)))]
async fn make_token(State(app): State<App>, who: Viewer, Json(new): Json<NewToken>) -> Result<impl IntoResponse> {
    let made = sessions::make_token(&app, &who, new).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Sessions of browsers
///
/// One's own.
#[utoipa::path(get, path = "/me/sessions", responses((status = 200, body = Sessions)))]
async fn list_sessions(State(app): State<App>, who: Viewer) -> Result<Json<Sessions>> {
    let results = app.read(move |db| sessions::list(db, &who, SessionKind::Session)).await?;
    Ok(Json(Sessions { results }))
}

/// Ends a session
#[utoipa::path(delete, path = "/me/sessions/{id}", responses((status = 204)))]
async fn end_session(State(app): State<App>, who: Viewer, Path(id): Path<SessionId>) -> Result<StatusCode> {
    super::end_session(&app, &who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes an API token
#[utoipa::path(delete, path = "/me/tokens/{id}", responses((status = 204)))]
async fn end_token(state: State<App>, who: Viewer, id: Path<SessionId>) -> Result<StatusCode> {
    end_session(state, who, id).await
}

/// Ends all other sessions
#[utoipa::path(delete, path = "/me/sessions", responses((status = 204)))]
async fn end_others(State(app): State<App>, who: Viewer) -> Result<StatusCode> {
    super::end_other_sessions(&app, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}
