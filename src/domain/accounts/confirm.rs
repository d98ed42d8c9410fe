//! Who is about to destroy something, or to do what reaches far, types his password again if he has not for a while: a
//! window that somebody left open is not enough.
//!
//! Laws: it holds for the session in which it was typed, a sign-in among the typings. Wrong ones are counted together
//! with those of the sign-in: at the limit the account is shut for both.

use super::{Viewer, password, sql};
use crate::app::App;
use crate::base::clock::{MINUTE, Time};
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::locale::Text;
use crate::domain::accounts::sessions::SessionKind;

/// How long a typed password holds, in milliseconds.
pub const HOLDS: i64 = 15 * MINUTE;

impl Viewer {
    /// Has he typed his password in this session lately?
    pub fn is_confirmed(&self, now: Time) -> bool {
        self.kind == SessionKind::Session && (0..HOLDS).contains(&(now.0 - self.confirmed.0))
    }
}

/// Notes that the viewer has typed his password. A wrong one is an error of the field `confirm_password`.
pub async fn confirm(app: &App, who: &Viewer, given: String) -> Result<()> {
    let wrong = || Error::invalid("confirm_password", Text::new("invalid.wrong_password"));
    let (user, session, email) = (who.user, who.session, who.email.clone());
    let known = app.read(move |db| sql::credentials(db, &email)).await?.ok_or(Error::Unauthenticated)?;
    let now = app.clock.now();
    if known.shut_until > now {
        return Err(Error::TooMany { retry_after_s: ((known.shut_until.0 - now.0) / 1000 + 1) as u64 });
    }
    let fits = given.chars().count() <= 200;
    let right = fits && password::verify(given, known.password_hash).await?;
    let config = app.config();
    let (limit, shut) = (config.accounts.max_failures, config.accounts.shut_minutes);
    app.write(move |tx| {
        if right {
            sql::forget_failures(tx, user)?;
            sql::confirm(tx, session)?;
            tx.emit(None, Some(user), Event::Confirmed { user, session }, None)?;
        } else {
            sql::count_failure(tx, user, limit, shut)?;
            tx.emit(None, Some(user), Event::ConfirmFailed { user }, None)?;
        }
        Ok(())
    })
    .await?;
    if right { Ok(()) } else { Err(wrong()) }
}
