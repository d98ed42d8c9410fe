//! People: sign-up, sign-in, sessions and tokens, passwords, profiles.
//!
//! Laws: a password is kept as argon2id; a token, code or session as its SHA-256. Whether an e-mail has an account is
//! never told to a stranger: sign-in and reset answer alike and take alike.
//! Written here only: `users`, `sessions`, `reset_codes`.

pub mod confirm;
pub mod exchange;
mod invite;
pub mod password;
pub mod people;
pub mod routes;
pub mod sessions;
mod sql;
mod sql_exchange;
mod sql_people;
mod viewer;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Check, Error, Result};
use crate::base::event::Event;
use crate::base::ids::{SessionId, UserId};
use crate::base::locale::{Lang, Text};
use crate::base::roles::SiteRole;
use crate::base::secret;
use crate::engines::metrics::traffic::SignIn;
use crate::engines::store::{Db, Store, Tx};
pub use invite::{Invited, NewPerson, invite};
pub use people::{set_locked, set_site_role};
pub use sessions::Origin;
pub use viewer::{Roles, Standing, Viewer, token_of};

/// Another person, as everybody may see him.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "id": 1, "nickname": "오세린" }))]
pub struct Person {
    /// Who.
    pub id: UserId,
    /// 닉네임
    pub nickname: String,
}

/// A person as he sees himself.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Me {
    /// Who.
    pub id: UserId,
    /// The login.
    #[schema(example = "serin@demo.videoplanet.example")]
    pub email: String,
    /// 닉네임
    #[schema(example = "오세린")]
    pub nickname: String,
    /// Role on the instance.
    pub site_role: SiteRole,
    /// Language of pages and messages.
    pub locale: Lang,
    /// Since when.
    pub created: Time,
    /// Revision, for `ETag` and `If-Match`.
    #[serde(skip)]
    pub rev: i64,
}

/// A new account.
#[derive(Clone, Debug, Deserialize)]
pub struct NewUser {
    /// The login; compared in lower case.
    pub email: String,
    /// 닉네임, 1–40 characters.
    pub nickname: String,
    /// 8–200 characters.
    pub password: String,
    /// Language.
    #[serde(default)]
    pub locale: Lang,
}

impl NewUser {
    /// Trimmed and checked.
    pub fn check(mut self) -> Result<NewUser> {
        self.email = clean_email(&self.email);
        self.nickname = self.nickname.trim().to_owned();
        Check::new()
            .that(is_email(&self.email), "email", Text::new("invalid.email"))
            .text("nickname", &self.nickname, 1, 40)
            .that(good_password(&self.password), "password", Text::new("invalid.password"))
            .done()?;
        Ok(self)
    }
}

/// The form in which e-mail addresses are kept and compared.
pub fn clean_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Is it shaped like an address? (Whether it arrives is for the mail server to say.)
pub fn is_email(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else { return false };
    email.len() <= 254
        && !local.is_empty()
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && domain.contains('.')
        && !email.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>' | '"'))
}

fn good_password(password: &str) -> bool {
    (8..=200).contains(&password.chars().count())
}

/// Adds an account inside a change; a taken address is an error that names the field.
pub fn insert(tx: &mut Tx, new: &NewUser, password_hash: &str, site_role: SiteRole) -> Result<UserId> {
    let id = sql::insert(tx, new, Some(password_hash), site_role)?
        .ok_or_else(|| Error::invalid("email", Text::new("invalid.email_taken")))?;
    tx.emit(None, Some(id), Event::UserAdded { user: id }, None)?;
    Ok(id)
}

/// Adds an account from the shell or the set-up page.
pub async fn add(app: &App, new: NewUser, site_role: SiteRole) -> Result<UserId> {
    let new = new.check()?;
    let hash = password::hash(new.password.clone()).await?;
    app.write(move |tx| insert(tx, &new, &hash, site_role)).await
}

/// Adds the first admin. Refused as soon as there is anybody.
pub async fn set_up(app: &App, code: &str, new: NewUser) -> Result<UserId> {
    let new = new.check()?;
    if !app.setup.matches(code) {
        return Err(Error::invalid("code", Text::new("invalid.setup_code")));
    }
    let hash = password::hash(new.password.clone()).await?;
    let id = app
        .write(move |tx| {
            if sql::any(tx)? {
                return Err(Error::Conflict(Text::new("error.already_set_up")));
            }
            insert(tx, &new, &hash, SiteRole::Admin)
        })
        .await?;
    app.setup.done();
    Ok(id)
}

/// What these people are called; of those who are gone nothing.
pub fn nicknames(db: &Db, ids: &[UserId]) -> Result<HashMap<UserId, String>> {
    sql::nicknames(db, ids)
}

/// Has anybody an account?
pub fn any(db: &Db) -> Result<bool> {
    sql::any(db)
}

/// The person with this address.
pub fn by_email(db: &Db, email: &str) -> Result<Option<Person>> {
    sql::person_by_email(db, &clean_email(email))
}

/// How a sign-in ended well.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SignedIn {
    /// Who.
    pub user: Me,
    /// The bearer token, shown once; also the cookie's value.
    #[schema(example = "vp_s_Q2hhbmdlLW1lLWJlZm9yZS15b3UtdXNlLWl0")]
    pub token: String,
    /// Until when it holds if it is not used.
    pub expires_at: Time,
}

/// Signs in by e-mail and password.
pub async fn log_in(app: &App, email: &str, password: &str, from: impl Into<Origin>) -> Result<SignedIn> {
    let done = try_to_log_in(app, email, password, from).await;
    app.metrics.traffic().signed_in(match &done {
        Ok(_) => SignIn::Done,
        Err(Error::WrongCredentials) => SignIn::Wrong,
        Err(Error::TooMany { .. }) => SignIn::Shut,
        Err(_) => SignIn::Broken,
    });
    done
}

async fn try_to_log_in(app: &App, email: &str, password: &str, from: impl Into<Origin>) -> Result<SignedIn> {
    let email = clean_email(email);
    if password.chars().count() > 200 || email.len() > 254 {
        return Err(Error::WrongCredentials);
    }
    let known = app.read(move |db| sql::credentials(db, &email)).await?;
    let now = app.clock.now();
    if let Some(c) = &known
        && c.shut_until > now
    {
        return Err(Error::TooMany { retry_after_s: ((c.shut_until.0 - now.0) / 1000 + 1) as u64 });
    }
    let hash = known.as_ref().and_then(|c| c.password_hash.clone());
    let right = password::verify(password.to_owned(), hash).await?;
    let Some(c) = known else { return Err(Error::WrongCredentials) };
    let (limit, shut) = (app.config().accounts.max_failures, app.config().accounts.shut_minutes);
    if !right {
        app.write(move |tx| {
            sql::count_failure(tx, c.id, limit, shut)?;
            tx.emit(None, None, Event::LoginFailed { user: Some(c.id) }, None)?;
            Ok(())
        })
        .await?;
        return Err(Error::WrongCredentials);
    }
    if c.locked {
        return Err(Error::WrongCredentials);
    }
    sign_in(app, c.id, from).await
}

/// Opens a session for a person who has proven who he is.
pub async fn sign_in(app: &App, user: UserId, from: impl Into<Origin>) -> Result<SignedIn> {
    let token = secret::token("s");
    let hash = secret::hash(&token);
    let (days, from) = (app.config().accounts.session_days, from.into());
    let (user, expires_at) = app
        .write(move |tx| {
            sql::forget_failures(tx, user)?;
            let (session, expires_at) = sessions::open(tx, user, &hash, days, &from)?;
            tx.emit(None, Some(user), Event::LoggedIn { user, session }, None)?;
            let me = sql::me(tx, user)?.ok_or(Error::NotFound("user"))?;
            Ok((me, expires_at))
        })
        .await?;
    Ok(SignedIn { user, token, expires_at })
}

/// Signs out: the session ends.
pub async fn log_out(app: &App, who: &Viewer) -> Result<()> {
    let (user, session) = (who.user, who.session);
    app.write(move |tx| {
        sql::delete_session(tx, user, session)?;
        tx.emit(None, Some(user), Event::LoggedOut { user, session }, None)?;
        Ok(())
    })
    .await
}

/// The viewer's own profile.
pub fn me(db: &Db, user: UserId) -> Result<Me> {
    sql::me(db, user)?.ok_or(Error::NotFound("user"))
}

/// What a person may change of himself. A new password needs the present one.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "nickname": "오세린", "locale": "ko" }))]
pub struct MePatch {
    /// 1–40 characters.
    #[schema(min_length = 1, max_length = 40)]
    pub nickname: Option<String>,
    /// `ko` or `en`.
    pub locale: Option<Lang>,
    /// 8–200 characters.
    #[schema(min_length = 8, max_length = 200, format = Password)]
    pub password: Option<String>,
    /// The present password.
    #[schema(format = Password)]
    pub current_password: Option<String>,
}

/// Changes the viewer's profile. A new password ends all his other sessions.
pub async fn change_me(app: &App, who: &Viewer, patch: MePatch, expected: Option<i64>) -> Result<Me> {
    let mut check = Check::new();
    if let Some(n) = &patch.nickname {
        check.text("nickname", n, 1, 40);
    }
    if let Some(p) = &patch.password {
        check.that(good_password(p), "password", Text::new("invalid.password"));
        check.that(patch.current_password.is_some(), "current_password", Text::new("invalid.required"));
    }
    check.done()?;
    let (user, session) = (who.user, who.session);
    let mut hash = None;
    if let Some(new) = patch.password.clone() {
        let old = app.read(move |db| sql::password_hash(db, user)).await?;
        let given = patch.current_password.clone().unwrap_or_default();
        if !password::verify(given, old).await? {
            return Err(Error::invalid("current_password", Text::new("invalid.wrong_password")));
        }
        hash = Some(password::hash(new).await?);
    }
    app.write(move |tx| {
        let mut me = sql::me(tx, user)?.ok_or(Error::NotFound("user"))?;
        crate::domain::expect_rev(expected, me.rev)?;
        let mut fields = Vec::new();
        if let Some(n) = patch.nickname {
            me.nickname = n.trim().to_owned();
            fields.push("nickname".to_owned());
        }
        if let Some(l) = patch.locale {
            me.locale = l;
            fields.push("locale".to_owned());
        }
        if hash.is_some() {
            fields.push("password".to_owned());
            sql::delete_sessions(tx, user, Some(session))?;
            sql::confirm(tx, session)?;
        }
        me.rev = sql::update_me(tx, &me, hash.as_deref())?;
        if hash.is_some() {
            tx.emit(None, Some(user), Event::SessionsRevoked { user, kept: Some(session) }, None)?;
        }
        tx.emit(None, Some(user), Event::UserChanged { user, fields }, None)?;
        Ok(me)
    })
    .await
}

/// How long a reset code holds, in milliseconds.
pub const RESET_MS: i64 = 30 * crate::base::clock::MINUTE;

/// Notes that the owner of an address asks for a new password. Answers alike whether there is such an account.
pub async fn ask_reset(app: &App, email: &str) -> Result<()> {
    let email = clean_email(email);
    app.write(move |tx| {
        if let Some(user) = sql::note_reset(tx, &email)? {
            tx.emit(None, None, Event::ResetRequested { user }, None)?;
        }
        Ok(())
    })
    .await
}

/// Makes a single-use reset code, which is shown once to the admin who hands it over.
pub async fn issue_reset(store: &Store, actor: Option<UserId>, user: UserId) -> Result<String> {
    let code = secret::code(3);
    let hash = secret::hash(&secret::typed(&code));
    store
        .write(move |tx| {
            sql::me(tx, user)?.ok_or(Error::NotFound("user"))?;
            let expires = tx.now().plus(RESET_MS);
            sql::put_reset(tx, user, &hash, expires)?;
            tx.emit(None, actor, Event::ResetIssued { user }, None)?;
            Ok(())
        })
        .await?;
    Ok(code)
}

/// Sets the single-use reset code of a person who is to get it by mail; an earlier one is worth nothing any more.
pub fn set_reset_code(tx: &mut Tx, user: UserId, code: &str) -> Result<()> {
    let expires = tx.now().plus(RESET_MS);
    sql::put_reset(tx, user, &secret::hash(&secret::typed(code)), expires)
}

/// Sets a new password by a reset code. The code works once; five wrong ones spend it; all sessions end.
pub async fn reset(app: &App, email: &str, code: &str, new_password: String) -> Result<()> {
    Check::new().that(good_password(&new_password), "password", Text::new("invalid.password")).done()?;
    let email = clean_email(email);
    let given = secret::hash(&secret::typed(code));
    let hash = password::hash(new_password).await?;
    let wrong = || Error::invalid("code", Text::new("invalid.reset_code"));
    let held = app
        .write(move |tx| {
            let now = tx.now();
            let Some((user, code_hash, expires)) = sql::reset_of(tx, &email)? else { return Ok(false) };
            if expires <= now || !bool::from(subtle::ConstantTimeEq::ct_eq(&code_hash[..], &given[..])) {
                sql::count_reset_failure(tx, user, 5)?;
                return Ok(false);
            }
            sql::delete_reset(tx, user)?;
            sql::set_password(tx, user, &hash)?;
            sql::delete_sessions(tx, user, None)?;
            tx.emit(None, Some(user), Event::PasswordReset { user }, None)?;
            Ok(true)
        })
        .await?;
    if held { Ok(()) } else { Err(wrong()) }
}

/// Ends one of the viewer's sessions or tokens.
pub async fn end_session(app: &App, who: &Viewer, session: SessionId) -> Result<()> {
    let user = who.user;
    app.write(move |tx| {
        if sql::delete_session(tx, user, session)? == 0 {
            return Err(Error::NotFound("session"));
        }
        tx.emit(None, Some(user), Event::LoggedOut { user, session }, None)?;
        Ok(())
    })
    .await
}

/// Ends all of the viewer's sessions but the present one; API tokens stay.
pub async fn end_other_sessions(app: &App, who: &Viewer) -> Result<()> {
    let (user, kept) = (who.user, who.session);
    app.write(move |tx| {
        sql::delete_sessions(tx, user, Some(kept))?;
        tx.emit(None, Some(user), Event::SessionsRevoked { user, kept: Some(kept) }, None)?;
        Ok(())
    })
    .await
}

/// Forgets sessions and reset codes that are over; answers how many.
pub fn forget_expired(tx: &mut Tx) -> Result<usize> {
    sql::forget_expired(tx)
}
