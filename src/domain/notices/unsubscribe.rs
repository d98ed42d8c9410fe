//! The link in a mail that ends mails of its kind: it says whom and what it is for, signed by the instance, and works
//! without signing in. It can end mails, and nothing else.

use subtle::ConstantTimeEq;

use super::preferences::Wish;
use super::{NoticeKind, sql_people as sql};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::ids::UserId;
use crate::base::page::hex;
use crate::base::secret;

/// What a link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Mails of one kind.
    Kind(NoticeKind),
    /// All mails with notices.
    All,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            What::Kind(kind) => kind.as_str(),
            What::All => "all",
        }
    }

    fn named(name: &str) -> Option<What> {
        if name == "all" { Some(What::All) } else { name.parse().ok().map(What::Kind) }
    }
}

/// The last part of the link.
pub(super) fn token(key: &[u8], user: UserId, what: What) -> String {
    let body = format!("{user}.{}", what.name());
    let mac = secret::derived(key, "unsubscribe", body.as_bytes());
    format!("{body}.{}", hex(&mac[..16]))
}

/// Whom and what a link is for; one that we never made is not there.
pub fn read(app: &App, given: &str) -> Result<(UserId, What)> {
    let parts: Vec<&str> = given.split('.').collect();
    let [user, name, _] = parts[..] else { return Err(Error::NotFound("path")) };
    let known = user.parse().ok().zip(What::named(name)).ok_or(Error::NotFound("path"))?;
    let made = token(&app.signing_key, known.0, known.1);
    if !bool::from(made.as_bytes().ct_eq(given.as_bytes())) {
        return Err(Error::NotFound("path"));
    }
    Ok(known)
}

/// Ends the mails that a link is for. Again is the same as once.
pub async fn end(app: &App, given: &str) -> Result<What> {
    let (user, what) = read(app, given)?;
    app.write(move |tx| {
        let readers = sql::readers(tx, &[user])?;
        let Some(reader) = readers.first() else { return Ok(()) };
        let kinds: Vec<(NoticeKind, Wish)> = NoticeKind::ALL
            .iter()
            .filter(|kind| what == What::All || what == What::Kind(**kind))
            .map(|kind| (*kind, reader.wish(*kind)))
            .collect();
        sql::stop_mail(tx, user, &kinds)
    })
    .await?;
    Ok(what)
}
