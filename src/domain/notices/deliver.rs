//! Puts what an event tells somebody where he wants it: into the program, into a mail at once, or into a later one.

use serde_json::Value;

use super::NoticeKind;
use super::mails::{self, MailKind};
use super::preferences::{self, Mode, Reader};
use super::sql::{self, ByMail};
use crate::app::App;
use crate::base::clock::MINUTE;
use crate::base::error::Result;
use crate::base::ids::*;
use crate::config::Config;
use crate::engines::store::Tx;

/// Comments of one author, and reactions to one comment, become one notice within this time.
const BURST: i64 = 10 * MINUTE;

/// What one person is to be told.
#[derive(Clone, Debug)]
pub(super) struct Telling {
    pub(super) user: UserId,
    pub(super) kind: NoticeKind,
    pub(super) project: Option<ProjectId>,
    /// The other project of a conflict.
    pub(super) other: Option<ProjectId>,
    pub(super) feedback: Option<FeedbackId>,
    pub(super) plan: Option<PlanId>,
    pub(super) comment: Option<CommentId>,
    pub(super) media: Option<MediaId>,
    pub(super) entry: Option<EntryId>,
    pub(super) invitation: Option<InvitationId>,
    /// Never an anonymous author.
    pub(super) actor: Option<UserId>,
    /// Of whom it speaks.
    pub(super) whom: Option<UserId>,
    /// What is in no row: an object.
    pub(super) facts: Value,
}

impl Telling {
    pub(super) fn new(kind: NoticeKind, project: Option<ProjectId>, actor: Option<UserId>) -> Telling {
        Telling {
            user: UserId(0),
            kind,
            project,
            other: None,
            feedback: None,
            plan: None,
            comment: None,
            media: None,
            entry: None,
            invitation: None,
            actor,
            whom: None,
            facts: Value::Object(Default::default()),
        }
    }

    /// The same for somebody.
    pub(super) fn to(&self, user: UserId) -> Telling {
        Telling { user, ..self.clone() }
    }
}

/// How the house sends mail, as far as it decides what is written.
#[derive(Clone, Copy)]
pub(super) struct Post<'a> {
    /// Is there a mail server?
    pub(super) on: bool,
    /// The hour of the daily mail.
    pub(super) daily_hour: i64,
    /// The zone of that hour.
    pub(super) zone: &'a str,
    /// The instance's own key.
    pub(super) key: &'a [u8],
}

impl Post<'_> {
    /// As this instance is set.
    pub(super) fn of<'a>(app: &'a App, config: &'a Config) -> Post<'a> {
        Post {
            on: app.mailer().is_on(),
            daily_hour: config.notices.daily_hour,
            zone: &config.schedule.time_zone,
            key: &app.signing_key,
        }
    }
}

/// Delivers; answers the notice to be shown live, if it stands in the program.
pub(super) fn deliver(tx: &mut Tx, post: Post, seq: i64, reader: &Reader, t: &Telling) -> Result<Option<NoticeId>> {
    let wish = reader.wish(t.kind);
    let mode = if post.on { wish.mail } else { Mode::Off };
    if (!wish.app && mode == Mode::Off) || !sql::claim(tx, seq, t.user, t.kind)? {
        return Ok(None);
    }
    if matches!(t.kind, NoticeKind::CommentAdded | NoticeKind::Reaction) {
        let since = tx.now().plus(-BURST);
        if let Some(id) = sql::collapsible(tx, t, since)? {
            sql::count_in(tx, id, seq, t)?;
            return Ok(wish.app.then_some(id));
        }
    }
    let now = tx.now();
    let due = preferences::due(mode, now, reader.quiet.as_ref(), post);
    let at_once = due.is_some_and(|due| due <= now);
    let mail = if at_once { Some(mails::add_for(tx, reader, MailKind::Notice)?) } else { None };
    let by = ByMail { mode: mode.as_str(), due: due.filter(|_| !at_once), mail };
    let id = sql::insert(tx, seq, t, wish.app, &by)?;
    Ok(wish.app.then_some(id))
}
