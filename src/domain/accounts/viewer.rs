//! Who asks: the person behind a cookie or a bearer token, as an extractor.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum_extra::extract::CookieJar;

use super::sessions::{Scope, SessionKind, TOUCH_MS, is_token};
use super::{Person, sql};
use crate::app::App;
use crate::base::clock::{DAY, Time};
use crate::base::error::{Error, Result};
use crate::base::ids::{SessionId, UserId};
use crate::base::locale::Lang;
use crate::base::roles::SiteRole;
use crate::base::secret;

/// The session cookie's name.
pub const COOKIE: &str = "vp_session";

/// A signed-in person and the session he came with.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// Who.
    pub user: UserId,
    /// The login.
    pub email: String,
    /// 닉네임
    pub nickname: String,
    /// Role on the instance.
    pub site_role: SiteRole,
    /// His language.
    pub lang: Lang,
    /// Which session.
    pub session: SessionId,
    /// What kind of session.
    pub kind: SessionKind,
    /// What the session may do.
    pub scopes: Vec<Scope>,
    pub(super) used: Time,
}

impl Viewer {
    /// As others see him.
    pub fn person(&self) -> Person {
        Person { id: self.user, nickname: self.nickname.clone() }
    }

    /// Whom a token belongs to; `None` if it holds no more. One statement.
    pub async fn of_token(app: &App, token: &str) -> Result<Option<Viewer>> {
        if !is_token(token) {
            return Ok(None);
        }
        let hash = secret::hash(token);
        let now = app.clock.now();
        let Some(viewer) = app.read(move |db| sql::viewer(db, &hash, now)).await? else { return Ok(None) };
        if now.0 - viewer.used.0 > TOUCH_MS {
            let (app, id, kind) = (app.clone(), viewer.session, viewer.kind);
            let days = app.config.accounts.session_days;
            // Beside the request: its last use is worth no waiting, and a lost one is written next time.
            tokio::spawn(async move {
                let _ = app
                    .store
                    .write(move |tx| {
                        let until = (kind == SessionKind::Session).then(|| tx.now().plus(days * DAY));
                        sql::touch(tx, id, until)
                    })
                    .await;
            });
        }
        Ok(Some(viewer))
    }

    /// An error unless the instance role is at least operator.
    pub fn must_operate(&self) -> Result<()> {
        if self.site_role <= SiteRole::Operator { Ok(()) } else { Err(Error::Forbidden) }
    }

    /// An error unless he is admin of the instance.
    pub fn must_administer(&self) -> Result<()> {
        if self.site_role == SiteRole::Admin { Ok(()) } else { Err(Error::Forbidden) }
    }
}

/// The token that a request carries: `Authorization: Bearer` wins over the cookie.
pub fn token_of(headers: &HeaderMap) -> Option<String> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let text = value.to_str().ok()?;
        let (scheme, token) = text.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned());
    }
    CookieJar::from_headers(headers).get(COOKIE).map(|c| c.value().to_owned())
}

impl FromRequestParts<App> for Viewer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Viewer> {
        let viewer = match parts.extensions.get::<Viewer>() {
            Some(known) => known.clone(),
            None => {
                let token = token_of(&parts.headers).ok_or(Error::Unauthenticated)?;
                let viewer = Viewer::of_token(app, &token).await?.ok_or(Error::Unauthenticated)?;
                // Who asked once in a request asks no statement again.
                parts.extensions.insert(viewer.clone());
                viewer
            }
        };
        let scope = if parts.method.is_safe() { Scope::Read } else { Scope::Write };
        if !viewer.scopes.contains(&scope) && !viewer.scopes.contains(&Scope::Write) {
            return Err(Error::Forbidden);
        }
        Ok(viewer)
    }
}

impl OptionalFromRequestParts<App> for Viewer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Viewer>> {
        match <Viewer as FromRequestParts<App>>::from_request_parts(parts, app).await {
            Ok(viewer) => Ok(Some(viewer)),
            Err(Error::Unauthenticated) => Ok(None),
            Err(e) => Err(e),
        }
    }
}
