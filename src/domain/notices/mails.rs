//! Mails: rows that wait, go out by a job each, and stay as the log of what went where.
//!
//! Laws: a mail is added in the transaction of what causes it. It may go out twice (a crash between the server's yes and
//! our mark), so both carry the same `Message-ID`. Its words are made when it goes: who may not see something any more
//! reads nothing of it, and no secret stands in a row. A refusal for good is a failed mail with the server's words;
//! without a mail server an invitation is held, with its link for the admin.

use serde::Serialize;

use super::deliver::Post;
use super::letter::{self, Written};
use super::preferences::Reader;
use super::{sql_mail as sql, sql_people};
use crate::app::App;
use crate::base::clock::{MINUTE, Time};
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::*;
use crate::base::job::{Job, JobError};
use crate::base::locale::{Lang, Text};
use crate::base::secret;
use crate::domain::accounts::{self, Viewer};
use crate::domain::projects::invitations;
use crate::engines::mail::Refusal;
use crate::engines::queue::{self, NewJob};
use crate::engines::store::{Db, Tx};
use crate::{closed_set, text_columns};

closed_set! {
    /// What a mail is.
    MailKind {
        /// One notice, at once.
        Notice = "notice",
        /// Several notices, gathered.
        Digest = "digest",
        /// An invitation with its link.
        Invitation = "invitation",
        /// A code for a new password.
        Reset = "reset",
        /// An admin tries the server.
        Test = "test",
    }
}

closed_set! {
    /// Where a mail stands.
    MailState {
        /// Its job sends it.
        Waiting = "waiting",
        /// The server has taken it.
        Sent = "sent",
        /// The server has refused it for good, or too often.
        Failed = "failed",
        /// There is no server, or no address for its links.
        Held = "held",
        /// There was nothing left to say when it was to go, or after a restore nobody knows whether it has gone.
        Cancelled = "cancelled",
    }
}

text_columns!(MailKind, MailState);

/// How often a mail is tried.
const TRIES: i64 = 12;
/// A new code for a password is not mailed sooner after the last one.
const RESET_AGAIN: i64 = MINUTE;
/// The setting that keeps the address which an admin uses.
const BASE: &str = "public_base";

/// A mail as the dashboard shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Mail {
    /// Its id.
    pub id: MailId,
    /// To whom.
    pub address: String,
    /// What it is.
    pub kind: MailKind,
    /// Its subject; empty before it was first written.
    pub subject: String,
    /// Where it stands.
    pub state: MailState,
    /// How often it was tried.
    pub attempts: i64,
    /// What the server said, or a key below `admin.notices.held.`.
    pub error: Option<String>,
    /// When it was added.
    pub created: Time,
    /// When the server took it.
    pub sent: Option<Time>,
    /// What the link of its invitation is made from, while that is open.
    #[serde(skip)]
    pub seed: Option<Vec<u8>>,
}

/// A mail to be added.
pub(super) struct NewMail<'a> {
    pub(super) user: Option<UserId>,
    pub(super) address: &'a str,
    pub(super) kind: MailKind,
    pub(super) lang: Lang,
    pub(super) invitation: Option<InvitationId>,
    pub(super) state: MailState,
}

/// Adds a mail that goes out.
pub(super) fn add(tx: &mut Tx, new: &NewMail) -> Result<MailId> {
    let id = sql::insert(tx, new)?;
    if new.state == MailState::Waiting {
        go(tx, id)?;
    }
    Ok(id)
}

/// Adds the job that sends it, unless it is there.
pub(super) fn go(tx: &mut Tx, id: MailId) -> Result<()> {
    let dedup_key = Some(format!("mail-{id}"));
    queue::enqueue(tx, NewJob { dedup_key, ..Job::SendMail { mail: id }.into() }).map(|_| ())
}

/// Adds a mail with notices for somebody.
pub(super) fn add_for(tx: &mut Tx, reader: &Reader, kind: MailKind) -> Result<MailId> {
    let (user, address, lang) = (Some(reader.user), reader.email.as_str(), reader.lang);
    add(tx, &NewMail { user, address, kind, lang, invitation: None, state: MailState::Waiting })
}

/// Adds the mail of an invitation; one that was for its earlier link is worth nothing.
pub(super) fn add_invitation(tx: &mut Tx, post: Post, id: InvitationId) -> Result<()> {
    let Some(invited) = sql_people::invitation(tx, id)? else { return Ok(()) };
    sql::cancel_invitation(tx, id)?;
    let state = if post.on { MailState::Waiting } else { MailState::Held };
    let lang = invited.lang.unwrap_or(invited.inviter_lang);
    let (user, address) = (invited.account, invited.email.as_str());
    let kind = MailKind::Invitation;
    add(tx, &NewMail { user, address, kind, lang, invitation: Some(id), state })?;
    Ok(())
}

/// Adds the mail with a code for a new password, and sets that code. Without a mail server an admin hands codes over.
pub(super) fn add_reset(tx: &mut Tx, post: Post, user: UserId) -> Result<()> {
    let since = tx.now().plus(-RESET_AGAIN);
    if !post.on || sql::reset_since(tx, user, since)? {
        return Ok(());
    }
    let readers = sql_people::readers(tx, &[user])?;
    let Some(reader) = readers.first() else { return Ok(()) };
    let id = add_for(tx, reader, MailKind::Reset)?;
    accounts::set_reset_code(tx, user, &reset_code(post.key, id))
}

/// The code that the mail `id` carries: made anew for each try, the same each time.
pub(super) fn reset_code(key: &[u8], id: MailId) -> String {
    secret::derived_code(key, "reset", &id.0.to_be_bytes())
}

/// The address under which people reach this instance: the setting's, else the one that an admin has used.
pub fn base(db: &Db, app: &App) -> Result<Option<String>> {
    let config = app.config();
    let public = config.server.public_url.trim_end_matches('/');
    if !public.is_empty() {
        return Ok(Some(public.to_owned()));
    }
    db.setting(BASE)
}

/// Keeps the address that an admin uses, for the links of mails. Only an admin's: whoever else may name a host in a
/// request could otherwise send people elsewhere.
pub fn remember_base(tx: &mut Tx, base_url: &str) -> Result<()> {
    tx.set_setting(BASE, base_url)
}

/// Sends one mail, if it still waits and still has something to say.
pub(super) async fn send(app: &App, id: MailId) -> Result<&'static str, JobError> {
    let shared = app.clone();
    let written = app.store.read(move |db| letter::write(db, &shared, id)).await?;
    let (letter, subject) = match written {
        Written::Letter(letter) => {
            let subject = letter.subject.clone();
            (*letter, subject)
        }
        Written::Over => return Ok("over"),
        Written::Nothing => return settle(app, id, MailState::Cancelled, None, "").await.map(|()| "cancelled"),
        Written::Held(why) => return settle(app, id, MailState::Held, Some(why.into()), "").await.map(|()| "held"),
    };
    match app.mailer().send(letter).await {
        Ok(()) => settle(app, id, MailState::Sent, None, &subject).await.map(|()| "sent"),
        Err(Refusal::Permanent(said)) => {
            settle(app, id, MailState::Failed, Some(said.clone()), &subject).await?;
            Err(JobError::Fail { error: said, stderr: String::new() })
        }
        Err(Refusal::Temporary(said)) => {
            let kept = said.clone();
            let tried = app.store.write(move |tx| sql::tried(tx, id, &kept, &subject, TRIES)).await?;
            if tried >= TRIES {
                return Err(JobError::Fail { error: said, stderr: String::new() });
            }
            Err(JobError::Retry(anyhow::anyhow!(said)))
        }
    }
}

async fn settle(app: &App, id: MailId, state: MailState, error: Option<String>, subject: &str) -> Result<(), JobError> {
    let subject = subject.to_owned();
    app.store.write(move |tx| sql::settle(tx, id, state, error.as_deref(), &subject)).await?;
    Ok(())
}

/// How the mail server has done lately.
#[derive(Clone, Debug)]
pub struct Health {
    /// Mails by state.
    pub counts: Vec<(MailState, i64)>,
    /// When it last took one.
    pub last_sent: Option<Time>,
    /// When it last did not, and what it said.
    pub last_failed: Option<(Time, String)>,
}

/// See [`Health`].
pub fn health(db: &Db) -> Result<Health> {
    let states = sql::counts(db)?;
    let last_sent = states.iter().find(|(state, ..)| *state == MailState::Sent).and_then(|(.., at)| *at);
    let counts = states.into_iter().map(|(state, n, _)| (state, n)).collect();
    Ok(Health { counts, last_sent, last_failed: sql::last_failed(db)? })
}

/// The newest mails, in one state or in any, at most `limit`.
pub fn log(db: &Db, state: Option<MailState>, limit: i64) -> Result<Vec<Mail>> {
    sql::log(db, state, limit)
}

/// The link of a mail's invitation, while that is open.
pub fn link(app: &App, base: Option<&str>, mail: &Mail) -> Option<String> {
    let key = invitations::key(app, mail.seed.as_deref()?);
    Some(invitations::link(base.unwrap_or_default(), &key))
}

/// Sends none of the mails that wait, unless an admin says so ([`resend`]).
pub fn cancel_waiting(tx: &mut Tx) -> Result<()> {
    sql::cancel_waiting(tx)
}

/// Sends a mail again that is not on its way.
pub async fn resend(app: &App, who: &Viewer, id: MailId) -> Result<()> {
    if !app.mailer().is_on() {
        return Err(Error::Conflict(Text::new("error.no_mail_server")));
    }
    let actor = who.user;
    app.write(move |tx| {
        if !sql::again(tx, id)? {
            return Err(Error::NotFound("mail"));
        }
        go(tx, id)?;
        tx.emit(None, Some(actor), Event::MailResent { mail: id }, None)?;
        Ok(())
    })
    .await
}

/// Sends an admin a mail, so that he sees whether the server works. The address that he uses is kept for links.
pub async fn send_test(app: &App, who: &Viewer, base_url: &str) -> Result<()> {
    if !app.mailer().is_on() {
        return Err(Error::Conflict(Text::new("error.no_mail_server")));
    }
    let (who, base_url) = (who.clone(), base_url.to_owned());
    app.write(move |tx| {
        remember_base(tx, &base_url)?;
        let (user, address, lang) = (Some(who.user), who.email.as_str(), who.lang);
        let new = NewMail { user, address, kind: MailKind::Test, lang, invitation: None, state: MailState::Waiting };
        let id = add(tx, &new)?;
        tx.emit(None, Some(who.user), Event::MailTested { mail: id }, None)?;
        Ok(())
    })
    .await
}

/// Mails that the server did not take when they were last tried, after `since`.
pub fn untaken_since(db: &Db, since: Time) -> Result<i64> {
    sql::untaken_since(db, since)
}

/// How many events are not told yet.
pub fn lag(db: &Db) -> Result<i64> {
    Ok(super::sql::lag(db)?.max(0))
}
