//! What a person is told, in the program and by mail.
//!
//! Laws: every notice comes from the journal, read behind this noun's own place in it, and that place is committed with
//! what it caused: nothing is told twice or lost over a crash. A notice holds ids; its words are made from the rows as
//! they stand when it is read, so what somebody may no longer see is gone from his notices too, and an anonymous author
//! is named nowhere. Nobody is told of his own act.
//! Written here only: `notice_cursor`, `notices`, `notice_events`, `notice_wishes`, `notice_people`, `mails`.
//!
//! `follow` walks the journal, `tell` decides whom an event concerns, `deliver` puts it where each of them wants it,
//! `words` are its sentences, `mails` and `digest` what goes out, `letter` how it looks.

mod deliver;
mod digest;
mod follow;
pub mod letter;
pub mod mails;
mod mention;
mod preferences;
pub mod routes;
mod sql;
mod sql_mail;
mod sql_people;
mod tell;
pub mod unsubscribe;
mod words;
pub mod work;

use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::*;
use crate::base::page::{Feed, FeedSlice};
use crate::domain::accounts::{Person, Viewer};
use crate::engines::hub::{Message, Place};
use crate::engines::store::Db;
use crate::{closed_set, text_columns};
pub use follow::{caught_up, follow, skip};
pub use preferences::{Mode, Preferences, Quiet, Wish, preferences, set_preferences};

closed_set! {
    /// What a person is told of.
    NoticeKind {
        /// Somebody invites him to a project.
        InvitationReceived = "invitation_received",
        /// Whom he invited has come.
        InvitationAccepted = "invitation_accepted",
        /// He was made a member.
        MemberAdded = "member_added",
        /// A feedback is new.
        FeedbackAdded = "feedback_added",
        /// A comment is new.
        CommentAdded = "comment_added",
        /// Somebody named him in a comment.
        Mention = "mention",
        /// Somebody reacted to his comment.
        Reaction = "reaction",
        /// Somebody approved, or did not.
        Decision = "decision",
        /// A version can be watched.
        MediaReady = "media_ready",
        /// A version cannot be used.
        MediaFailed = "media_failed",
        /// A plan waits for review.
        PlanReview = "plan_review",
        /// A plan was approved.
        PlanApproved = "plan_approved",
        /// Two filmings want the same person on one day.
        ScheduleConflict = "schedule_conflict",
        /// A deadline comes near.
        Deadline = "deadline",
        /// The program itself has to say something.
        System = "system",
    }
}

text_columns!(NoticeKind);

/// A notice as its reader sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// What it is about.
    pub kind: NoticeKind,
    /// In which project.
    pub project_id: Option<ProjectId>,
    /// The project's name.
    #[schema(example = "한빛식품 가을 신제품 30초 광고")]
    pub project_name: Option<String>,
    /// Which feedback.
    pub feedback_id: Option<FeedbackId>,
    /// Which plan.
    pub plan_id: Option<PlanId>,
    /// Which comment; of several the newest.
    pub comment_id: Option<CommentId>,
    /// Which version.
    pub media_id: Option<MediaId>,
    /// Which entry of the calendar.
    pub entry_id: Option<EntryId>,
    /// Who did it; `null` for an anonymous author and for the program itself.
    pub actor: Option<Person>,
    /// One sentence, in the reader's language.
    #[schema(example = "배하윤 님이 댓글을 남겼습니다")]
    pub title: String,
    /// What was said or shown, shortened; may be empty.
    #[schema(example = "00:42 자막에 오타가 있습니다.")]
    pub text: String,
    /// The page that shows it, as a path.
    #[schema(example = "/feedbacks/3?c=17")]
    pub url: String,
    /// When it happened last.
    pub created: Time,
    /// When it was read.
    pub read_at: Option<Time>,
    /// How many events it tells of.
    #[schema(example = 1)]
    pub count: i64,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only unread ones.
    pub unread: bool,
    /// Only those of this project.
    pub project: Option<ProjectId>,
    /// Only those of this kind.
    pub kind: Option<NoticeKind>,
}

/// The notices of `who`, newest first.
pub fn list(db: &Db, app: &App, who: &Viewer, filter: Filter, slice: FeedSlice) -> Result<Feed<Notice>> {
    let rows = sql::feed(db, who.user, filter, slice)?;
    let shown = rows.iter().map(|row| words::notice(app, who.lang, row)).collect();
    Ok(Feed::new(slice, shown, |n: &Notice| (n.created.0, n.id.0)))
}

/// How many are unread, by project.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Unread {
    /// In all.
    #[schema(example = 3)]
    pub count: i64,
    /// By project; those of no project are in `count` alone.
    pub by_project: Vec<UnreadOf>,
}

/// How many of one project are unread.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct UnreadOf {
    /// Which project.
    pub project_id: ProjectId,
    /// Its unread notices.
    pub count: i64,
}

/// What a person has not read. One statement.
pub fn unread(db: &Db, user: UserId) -> Result<Unread> {
    let rows = sql::unread(db, user)?;
    let by_project = rows.iter().filter_map(|(project, n)| Some(UnreadOf { project_id: (*project)?, count: *n }));
    Ok(Unread { count: rows.iter().map(|(_, n)| n).sum(), by_project: by_project.collect() })
}

/// Marks one notice as read.
pub async fn read(app: &App, who: &Viewer, id: NoticeId) -> Result<Notice> {
    let (reader, shared) = (who.clone(), app.clone());
    let (notice, changed, left) = app
        .write(move |tx| {
            let changed = sql::mark(tx, reader.user, id)?;
            let row = sql::one(tx, reader.user, id)?.ok_or(Error::NotFound("notice"))?;
            Ok((words::notice(&shared, reader.lang, &row), changed, unread(tx, reader.user)?.count))
        })
        .await?;
    if changed {
        tell_read(app, who.user, Some(&[id]), left);
    }
    Ok(notice)
}

/// Marks all notices as read, or those of one project; answers what is left unread.
pub async fn read_all(app: &App, who: &Viewer, project: Option<ProjectId>) -> Result<Unread> {
    let user = who.user;
    let (ids, left) = app.write(move |tx| Ok((sql::mark_all(tx, user, project)?, unread(tx, user)?))).await?;
    // Without a project nobody needs the list.
    let told = project.map(|_| ids.as_slice());
    if !ids.is_empty() {
        tell_read(app, user, told, left.count);
    }
    Ok(left)
}

/// Tells a person's other windows what he has read; `None` is everything.
fn tell_read(app: &App, user: UserId, ids: Option<&[NoticeId]>, unread: i64) {
    let message = json!({ "type": "notifications_read", "ids": ids, "unread": unread });
    app.hub.publish(Place::Person(user), Message::passing(message.to_string().into()));
}
