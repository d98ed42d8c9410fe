//! Signed URLs: a player cannot send a token with its requests, so the URL itself says who asks.
//!
//! A signature names a person, a version and an end. It gives no right: what that person may watch is decided when it
//! is used, so a withdrawn right or a locked account ends it at once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::app::App;
use crate::base::clock::{HOUR, SECOND};
use crate::base::ids::{MediaId, UserId};

/// A signature holds for one to two of these. Its end stands on this grid, so that a URL stays the same for hours and a
/// browser's cache stays of use.
const GRID_MS: i64 = 6 * HOUR;

/// The signature in a query, if there is one.
#[derive(Debug)]
pub(super) struct Signature {
    pub u: Option<i64>,
    pub e: Option<i64>,
    pub s: Option<String>,
}

/// `?u=…&e=…&s=…` for all files of `media`.
pub(super) fn query(app: &App, media: MediaId, user: UserId) -> String {
    let end = (app.clock.now().0 / GRID_MS + 2) * GRID_MS / SECOND;
    let mac = mac(app, media, user, end).finalize().into_bytes();
    format!("?u={user}&e={end}&s={}", URL_SAFE_NO_PAD.encode(mac))
}

impl Signature {
    /// As it came, without a `?`.
    pub(super) fn query(&self) -> String {
        let (u, e) = (self.u.unwrap_or_default(), self.e.unwrap_or_default());
        format!("u={u}&e={e}&s={}", self.s.as_deref().unwrap_or_default())
    }

    /// Whose it is; `None` if it is not whole, not ours, or over.
    pub(super) fn user(&self, app: &App, media: MediaId) -> Option<UserId> {
        let (user, end) = (UserId(self.u?), self.e?);
        let given = URL_SAFE_NO_PAD.decode(self.s.as_deref()?).ok()?;
        mac(app, media, user, end).verify_slice(&given).ok()?;
        (app.clock.now().0 < end.checked_mul(SECOND)?).then_some(user)
    }
}

fn mac(app: &App, media: MediaId, user: UserId, end: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&app.signing_key).expect("HMAC takes keys of every length");
    mac.update(format!("media\n{media}\n{user}\n{end}").as_bytes());
    mac
}
