//! Accounts as lines of `users.jsonl`.
//!
//! A password travels as its hash, a token only inwards: the store knows no more than its SHA-256.

use serde::Serialize;

use super::sessions::is_token;
use super::{clean_email, is_email, password, sql, sql_exchange};
use crate::base::clock::{DAY, Time};
use crate::base::error::{Check, Error, Result};
use crate::base::event::Event;
use crate::base::ids::UserId;
use crate::base::locale::{Lang, Text};
use crate::base::roles::SiteRole;
use crate::base::row::{self, Fields, Lines};
use crate::base::secret;
use crate::engines::store::{Db, Tx};

/// How long an imported token holds.
const TOKEN_DAYS: i64 = 3650;

/// A line. What is `None` or false is the default and is not written.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) id: UserId,
    pub(super) username: Option<String>,
    pub(super) nickname: String,
    pub(super) email: String,
    pub(super) created: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) updated: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) site_role: Option<SiteRole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) locale: Option<Lang>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) locked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password_hash: Option<String>,
}

/// Adds the account of one line, and its token.
pub fn import(tx: &mut Tx, f: &mut Fields) -> Result<()> {
    let row = Row {
        id: f.own_id(UserId),
        username: f.maybe_text("username"),
        nickname: f.text("nickname"),
        email: clean_email(&f.text("email")),
        created: f.time("created"),
        updated: f.maybe_time("updated"),
        site_role: f.choice("site_role", &[]),
        locale: f.maybe_text("locale").and_then(|tag| {
            let lang = Lang::from_tag(&tag);
            if lang.is_none() {
                f.wrong("locale", Text::new("invalid.one_of").with("allowed", "ko, en"));
            }
            lang
        }),
        locked: f.flag("locked"),
        password_hash: f.maybe_text("password_hash"),
    };
    let token = f.maybe_text("token");
    let hash_ok = row.password_hash.as_ref().is_none_or(|h| password::is_usable(h));
    f.check(
        Check::new()
            .text("username", row.username.as_deref().unwrap_or(""), 0, 150)
            .text("nickname", &row.nickname, 1, 40)
            .that(is_email(&row.email), "email", Text::new("invalid.email"))
            .that(hash_ok, "password_hash", Text::new("invalid.password_hash"))
            .that(token.as_ref().is_none_or(|t| is_token(t)), "token", Text::new("invalid.token")),
    )?;
    f.done()?;
    let user = row.id;
    if !sql_exchange::insert(tx, &row)? {
        return Err(if sql_exchange::exists(tx, user)? {
            row::taken("account", user.0)
        } else {
            Error::invalid("email", Text::new("invalid.email_twice").with("email", row.email))
        });
    }
    tx.record(None, Some(user), &Event::UserAdded { user })?;
    if let Some(token) = token {
        let expires = tx.now().plus(TOKEN_DAYS * DAY);
        let session = sql_exchange::insert_token(tx, user, &secret::hash(&token), expires)?
            .ok_or_else(|| Error::invalid("token", Text::new("invalid.token_twice")))?;
        tx.record(None, Some(user), &Event::TokenAdded { user, session })?;
    }
    Ok(())
}

/// Writes all accounts.
pub fn export(db: &Db, out: Lines) -> Result<()> {
    row::write(UserId(0), |behind| sql_exchange::page(db, *behind), |r| r.id, out)
}

/// Is there nobody who could open the dashboard?
pub fn without_admin(db: &Db) -> Result<bool> {
    Ok(sql::admins(db)? == 0)
}
