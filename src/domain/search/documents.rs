//! What of each row is indexed, and which documents an event touches.

use std::collections::BTreeSet;

use super::{Kind, sql};
use crate::base::error::Result;
use crate::base::event::Event;
use crate::base::ids::UserId;
use crate::base::roles::Role;
use crate::engines::index::{Document, Key};
use crate::engines::store::Db;

/// Every status that a row can have; a document carries its number, so new ones come last.
pub(super) const STATUSES: [&str; 19] = [
    "planning",
    "in_progress",
    "review",
    "completed",
    "on_hold",
    "cancelled",
    "archived",
    "open",
    "resolved",
    "closed",
    "received",
    "probing",
    "processing",
    "ready",
    "failed",
    "draft",
    "in_review",
    "approved",
    "published",
];

/// What has no status.
pub(super) const NO_STATUS: u8 = u8::MAX;

/// Bits of a document.
pub(super) mod flag {
    /// For the team alone.
    pub const INTERNAL: u8 = 1;
    /// 익명: its owner is known to himself alone.
    pub const ANONYMOUS: u8 = 2;
    /// Has a drawing.
    pub const DRAWING: u8 = 4;
    /// Stands at a moment of the film.
    pub const TIMED: u8 = 8;
}

/// A document's name.
pub(super) fn key(kind: Kind, id: i64) -> Key {
    Key { kind: kind as u8, id }
}

/// The number of a status.
pub(super) fn status(name: &str) -> u8 {
    STATUSES.iter().position(|s| *s == name).map_or(NO_STATUS, |i| i as u8)
}

/// The documents that an event touches. What it does to many rows at once is looked up.
pub(super) fn touched(db: &Db, event: &Event, actor: Option<UserId>, into: &mut BTreeSet<(Kind, i64)>) -> Result<()> {
    use Event::*;
    match event {
        ProjectAdded { project } => {
            into.insert((Kind::Project, project.0));
            into.extend(actor.map(|user| (Kind::Person, user.0)));
        }
        ProjectChanged { project, .. } => drop(into.insert((Kind::Project, project.0))),
        ProjectDeleted { project } | ProjectRestored { project } | ProjectPurged { project } => {
            into.insert((Kind::Project, project.0));
            into.extend(sql::in_project(db, *project)?);
        }
        MemberAdded { user, .. } | MemberRemoved { user, .. } => drop(into.insert((Kind::Person, user.0))),
        InvitationAccepted { user, .. } => drop(into.insert((Kind::Person, user.0))),
        UserChanged { user, .. } | UserLocked { user } | UserUnlocked { user } => {
            into.insert((Kind::Person, user.0));
        }
        FeedbackAdded { feedback } | FeedbackChanged { feedback, .. } => {
            into.insert((Kind::Feedback, feedback.0));
        }
        FeedbackDeleted { feedback } | FeedbackRestored { feedback } | FeedbackPurged { feedback } => {
            into.insert((Kind::Feedback, feedback.0));
            into.extend(sql::in_feedback(db, *feedback)?);
        }
        MediaReceived { media, .. }
        | MediaProbed { media, .. }
        | MediaReady { media, .. }
        | MediaFailed { media, .. }
        | MediaDeleted { media, .. }
        | MediaRestored { media, .. }
        | MediaPurged { media, .. } => drop(into.insert((Kind::File, media.0))),
        CommentAdded { comment, .. }
        | CommentChanged { comment, .. }
        | CommentResolved { comment, .. }
        | CommentReopened { comment, .. } => drop(into.insert((Kind::Comment, comment.0))),
        CommentDeleted { comment, .. } => {
            into.insert((Kind::Comment, comment.0));
            into.extend(sql::replies(db, *comment)?);
        }
        // Who may see what is judged by the asker's roles, which are not indexed; whose it is, is.
        ProjectTransferred { project, .. } | MemberChanged { project, role: Role::Owner, .. } => {
            into.insert((Kind::Project, project.0));
        }
        MemberChanged { .. } => {}
        ReactionAdded { .. } | ReactionRemoved { .. } | Decided { .. } => {}
        RenditionsDropped { .. } | CleanupAnnounced { .. } | CleanupCancelled { .. } => {}
        BackupTaken { .. } | BackupVerified { .. } | BackupDeleted { .. } => {}
        QuotaSet { .. } | ClosedCleanupSet { .. } | PurgeAsked { .. } => {}
        UserAdded { .. } | SiteRoleChanged { .. } => {}
        InvitationSent { .. } | InvitationResent { .. } | InvitationRevoked { .. } | InvitationDeclined { .. } => {}
        LoggedIn { .. } | LoginFailed { .. } | LoggedOut { .. } | SessionsRevoked { .. } | TokenAdded { .. } => {}
        ResetRequested { .. } | ResetIssued { .. } | PasswordReset { .. } | SocketClosed { .. } => {}
        Confirmed { .. } | ConfirmFailed { .. } | LogFilterSet { .. } => {}
        JobRetried { .. }
        | JobCancelled { .. }
        | JobAsked { .. }
        | JobMoved { .. }
        | LaneChanged { .. }
        | CachePurged { .. }
        | DatabaseCheckpointed { .. }
        | SlowForgotten { .. } => {}
        PlanAdded { plan }
        | PlanChanged { plan, .. }
        | PlanDeleted { plan }
        | PlanRestored { plan }
        | StoryboardDrafted { plan, .. } => drop(into.insert((Kind::Plan, plan.0))),
        StoryboardAsked { .. } | StoryboardFailed { .. } | GeneratorSet { .. } | GeneratorTested | DoctorAsked => {}
        PhasesChanged { .. } | MemoChanged { .. } | FilmingConflict { .. } | DeadlineNear { .. } => {}
        EntryAdded { .. } | EntryChanged { .. } | EntryDeleted { .. } => {}
        MailResent { .. } | MailTested { .. } => {}
        WebhookAdded { .. } | WebhookChanged { .. } | WebhookDeleted { .. } => {}
        WebhookDisabled { .. } | WebhookTested { .. } | WebhookRedelivered { .. } => {}
        AlertFired { .. } | AlertResolved { .. } | AlertAcknowledged { .. } | AlertMuted { .. } => {}
        AlertRuleChanged { .. } | AlertOptionsChanged => {}
        AlertTargetAdded { .. } | AlertTargetChanged { .. } => {}
        AlertTargetDeleted { .. } | AlertTargetTested { .. } => {}
        SettingsChanged { .. } => {}
        ScheduleChanged { .. } | SchedulePaused { .. } | ScheduleResumed { .. } => {}
    }
    Ok(())
}

/// The documents of these rows as they stand now, and the names of those that are gone.
pub(super) fn of(db: &Db, wanted: &[(Kind, i64)]) -> Result<(Vec<Document>, Vec<Key>)> {
    let mut documents = Vec::with_capacity(wanted.len());
    for kind in Kind::ALL {
        let ids: Vec<i64> = wanted.iter().filter(|(k, _)| k == kind).map(|(_, id)| *id).collect();
        if !ids.is_empty() {
            documents.extend(sql::documents(db, *kind, &ids)?);
        }
    }
    let there: BTreeSet<Key> = documents.iter().map(|d| d.key).collect();
    let gone = wanted.iter().map(|(kind, id)| key(*kind, *id)).filter(|k| !there.contains(k)).collect();
    Ok((documents, gone))
}
