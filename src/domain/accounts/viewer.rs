//! Who asks: the person behind a cookie or a bearer token, as an extractor.

use std::sync::Arc;

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
use crate::base::ids::{ProjectId, SessionId, UserId};
use crate::base::locale::Lang;
use crate::base::roles::{Role, SiteRole};
use crate::base::secret;
use crate::engines::cache::{Key, Ticket};
use crate::engines::metrics::Meter;

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
    /// Revision of his account's row.
    pub rev: i64,
    /// Where he belongs, and as what.
    pub roles: Arc<Roles>,
    pub(super) used: Time,
    pub(super) expires: Time,
    /// When his password was typed last in this session.
    pub(super) confirmed: Time,
    /// When it was looked up, among the withdrawals.
    pub(super) ticket: Ticket,
}

/// The projects of one person, by id, those in the trash among them.
#[derive(Clone, Debug, Default)]
pub struct Roles(pub(super) Vec<Standing>);

/// One membership.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Where.
    pub project: ProjectId,
    /// As what.
    pub role: Role,
    /// Is the project in the trash?
    pub deleted: bool,
}

impl Roles {
    /// The role in a project that is there.
    pub fn in_project(&self, id: ProjectId) -> Option<Role> {
        let found = self.0.binary_search_by_key(&id, |s| s.project).ok()?;
        Some(self.0[found]).filter(|s| !s.deleted).map(|s| s.role)
    }

    /// All of them, by project.
    pub fn all(&self) -> &[Standing] {
        &self.0
    }
}

impl Viewer {
    /// As others see him.
    pub fn person(&self) -> Person {
        Person { id: self.user, nickname: self.nickname.clone() }
    }

    /// His role in a project, as of the last change that was answered: what reads are judged by. A change is judged on
    /// its own snapshot instead.
    pub fn role(&self, project: ProjectId) -> Option<Role> {
        self.roles.in_project(project)
    }

    /// Whom a token belongs to; `None` if it holds no more. One statement, or none if it was looked up before.
    pub async fn of_token(app: &App, token: &str) -> Result<Option<Viewer>> {
        if !is_token(token) {
            return Ok(None);
        }
        let hash = secret::hash(token);
        let (key, now) = (Key::hashed(&hash), app.clock.now());
        let ticket = app.cache.revisions().ticket();
        let mut viewer = match app.cache.sessions().get(&key).filter(|v| v.expires > now) {
            Some(known) => known,
            None => {
                let found = app.read(move |db| sql::viewer(db, &hash, now)).await?;
                let Some(viewer) = found.map(|v| Viewer { ticket, ..v }) else { return Ok(None) };
                app.cache.sessions().put(key, ticket, Some(viewer.user), viewer.clone());
                viewer
            }
        };
        if now.0 - viewer.used.0 > TOUCH_MS {
            let (app, id, kind) = (app.clone(), viewer.session, viewer.kind);
            let days = app.config().accounts.session_days;
            // Beside the request: its last use is worth no waiting, and a lost one is written next time.
            // Held as touched from now on, so that the requests beside this one do not touch it as well.
            viewer.used = now;
            if kind == SessionKind::Session {
                viewer.expires = now.plus(days * DAY);
            }
            app.cache.sessions().put(key, ticket, Some(viewer.user), viewer.clone());
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

    /// Has nothing been withdrawn of his session and rights since he was looked up, and does the session last?
    pub fn still_holds(&self, app: &App) -> bool {
        self.expires > app.clock.now() && app.cache.revisions().holds(self.ticket, self.user)
    }

    /// When he was looked up, among the withdrawals.
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Until when an answer may be given to his session without looking at the session again.
    pub fn front_until(&self) -> Time {
        self.expires.min(self.used.plus(TOUCH_MS))
    }

    /// A person as a reader without a session: for reading ahead what he is about to ask for.
    pub async fn reader(app: &App, user: UserId) -> Result<Option<Viewer>> {
        app.read(move |db| sql::reader(db, user)).await
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
                if let Some(meter) = Meter::present() {
                    meter.asked_by(viewer.user);
                }
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
