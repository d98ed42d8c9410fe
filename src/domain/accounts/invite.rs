//! An admin adds somebody: the account is there at once, its password is chosen by the person with a code.

use serde::Deserialize;

use super::{NewUser, Viewer, clean_email, is_email, sql};
use crate::app::App;
use crate::base::clock::DAY;
use crate::base::error::{Check, Error, Result};
use crate::base::event::Event;
use crate::base::ids::UserId;
use crate::base::locale::{Lang, Text};
use crate::base::roles::SiteRole;
use crate::base::secret;

/// Days in which an invited person may choose his password. Longer than a reset, since nobody waits beside it.
pub const INVITED_DAYS: i64 = 7;

/// Somebody to be invited.
#[derive(Clone, Debug, Deserialize)]
pub struct NewPerson {
    /// The login.
    pub email: String,
    /// 닉네임, 1–40 characters.
    pub nickname: String,
    /// Language of his first page.
    #[serde(default)]
    pub locale: Lang,
    /// Role on the instance.
    pub site_role: SiteRole,
}

/// Somebody who was invited, with the code that is shown this once.
#[derive(Clone, Debug)]
pub struct Invited {
    /// Who.
    pub user: UserId,
    /// The login.
    pub email: String,
    /// Sets his password once, within a week.
    pub code: String,
}

/// Adds an account without a password; the code given to the person sets it.
pub async fn invite(app: &App, who: &Viewer, new: NewPerson) -> Result<Invited> {
    let (email, nickname) = (clean_email(&new.email), new.nickname.trim().to_owned());
    Check::new()
        .that(is_email(&email), "email", Text::new("invalid.email"))
        .text("nickname", &nickname, 1, 40)
        .done()?;
    let code = secret::code(3);
    let hash = secret::hash(&secret::typed(&code));
    let (actor, site_role) = (who.user, new.site_role);
    let user = NewUser { email: email.clone(), nickname, password: String::new(), locale: new.locale };
    let user = app
        .write(move |tx| {
            let id = sql::insert(tx, &user, None, site_role)?;
            let id = id.ok_or_else(|| Error::invalid("email", Text::new("invalid.email_taken")))?;
            let expires = tx.now().plus(INVITED_DAYS * DAY);
            sql::put_reset(tx, id, &hash, expires)?;
            tx.emit(None, Some(actor), Event::UserAdded { user: id }, None)?;
            if site_role != SiteRole::Member {
                let was = Some(SiteRole::Member);
                tx.emit(None, Some(actor), Event::SiteRoleChanged { user: id, role: site_role, was }, None)?;
            }
            tx.emit(None, Some(actor), Event::ResetIssued { user: id }, None)?;
            Ok(id)
        })
        .await?;
    Ok(Invited { user, email, code })
}
