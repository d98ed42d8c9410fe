//! Sessions of browsers and tokens of programs.

use serde::{Deserialize, Serialize};

use super::{Viewer, sql};
use crate::app::App;
use crate::base::clock::{DAY, Time};
use crate::base::error::{Check, Error, Result};
use crate::base::event::Event;
use crate::base::ids::{SessionId, UserId};
use crate::base::locale::Text;
use crate::base::secret;
use crate::closed_set;
use crate::domain::http::Caller;
use crate::engines::store::{Db, Tx};
use crate::text_columns;

closed_set! {
    /// What a token belongs to.
    SessionKind {
        /// A browser's sign-in.
        Session = "session",
        /// A program's token.
        Token = "token",
    }
}

closed_set! {
    /// What an API token may do on its owner's behalf. A browser's session may do everything.
    Scope {
        /// Safe methods.
        Read = "read",
        /// All methods.
        Write = "write",
    }
}

text_columns!(SessionKind, Scope);

/// How often the last use of a session is written.
pub(super) const TOUCH_MS: i64 = 10 * crate::base::clock::MINUTE;
/// Tokens that one person may have.
const TOKENS_MAX: i64 = 50;

/// Can it be a token? Ours begin with `vp_`; those that were imported have any shape of 16–200 visible ASCII characters.
pub(super) fn is_token(text: &str) -> bool {
    (16..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// A session or token as its owner sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// What it belongs to.
    pub kind: SessionKind,
    /// A token's name; empty for a browser.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Address of the sign-in.
    #[schema(example = "192.0.2.7")]
    pub ip: Option<String>,
    /// Since when.
    pub created: Time,
    /// Last use, to ten minutes.
    pub last_used: Time,
    /// Until when.
    pub expires_at: Time,
    /// The browser as it names itself; for those who run the instance.
    #[serde(skip)]
    pub agent: Option<String>,
    /// Is it the one that asks?
    pub current: bool,
}

/// Where a sign-in comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Its address.
    pub ip: Option<String>,
    /// The browser as it names itself.
    pub agent: Option<String>,
}

impl From<Option<String>> for Origin {
    fn from(ip: Option<String>) -> Origin {
        Origin { ip, agent: None }
    }
}

impl From<&Caller> for Origin {
    fn from(caller: &Caller) -> Origin {
        Origin { ip: caller.ip.clone(), agent: caller.agent.clone() }
    }
}

/// Opens a browser's session inside a change.
pub(super) fn open(tx: &mut Tx, user: UserId, hash: &[u8], days: i64, from: &Origin) -> Result<(SessionId, Time)> {
    let expires = tx.now().plus(days * DAY);
    let id =
        sql::insert_session(tx, user, SessionKind::Session, hash, "", &[Scope::Read, Scope::Write], expires, from)?;
    Ok((id, expires))
}

/// The viewer's sessions or tokens, newest first.
pub fn list(db: &Db, who: &Viewer, kind: SessionKind) -> Result<Vec<Session>> {
    let mut all = sql::sessions(db, who.user, kind)?;
    for s in &mut all {
        s.current = s.id == who.session;
    }
    Ok(all)
}

/// A new API token.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "납품 스크립트", "scopes": ["read"], "days": 90 }))]
pub struct NewToken {
    /// 1–80 characters.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    /// At least one.
    #[schema(min_items = 1)]
    pub scopes: Vec<Scope>,
    /// 1–3650; 365 if not said.
    #[schema(minimum = 1, maximum = 3650)]
    pub days: Option<i64>,
}

/// A token with its secret, which is shown this once.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MadeToken {
    /// The token's row.
    #[serde(flatten)]
    pub row: Session,
    /// The secret.
    #[schema(example = "vp_t_Q2hhbmdlLW1lLWJlZm9yZS15b3UtdXNlLWl0")]
    pub token: String,
}

/// Makes an API token of the viewer.
pub async fn make_token(app: &App, who: &Viewer, new: NewToken) -> Result<MadeToken> {
    let days = new.days.unwrap_or(365);
    Check::new()
        .text("name", &new.name, 1, 80)
        .that(!new.scopes.is_empty(), "scopes", Text::new("invalid.one_of").with("allowed", Scope::names()))
        .that((1..=3650).contains(&days), "days", Text::new("invalid.range").with("min", 1).with("max", 3650))
        .done()?;
    if who.kind != SessionKind::Session {
        // A leaked token must not be able to outlive its own revocation.
        return Err(Error::Forbidden);
    }
    let token = secret::token("t");
    let hash = secret::hash(&token);
    let user = who.user;
    let row = app
        .write(move |tx| {
            let now = tx.now();
            let expires = now.plus(days * DAY);
            if sql::count_tokens(tx, user)? >= TOKENS_MAX {
                return Err(Error::Conflict(Text::new("error.too_many_tokens").with("max", TOKENS_MAX)));
            }
            let name = new.name.trim().to_owned();
            let id = sql::insert_session(
                tx,
                user,
                SessionKind::Token,
                &hash,
                &name,
                &new.scopes,
                expires,
                &Origin::default(),
            )?;
            tx.emit(None, Some(user), Event::TokenAdded { user, session: id }, None)?;
            Ok(Session {
                id,
                kind: SessionKind::Token,
                name,
                scopes: new.scopes,
                ip: None,
                created: now,
                last_used: now,
                expires_at: expires,
                agent: None,
                current: false,
            })
        })
        .await?;
    Ok(MadeToken { row, token })
}
