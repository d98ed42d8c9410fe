//! The journal's vocabulary: everything that can happen, as facts with ids.
//!
//! Law: an event holds no author's name and no text that a later reader might not be allowed to see. Who replays it loads
//! the present rows and shows them to the present viewer, so anonymity and withdrawn rights hold for the past as well.

use serde::{Deserialize, Serialize};

pub use super::committed::{Audience, Committed, Live};
pub use super::security::{SECURITY_SUBJECTS, SECURITY_VERBS};
use crate::base::clock::Time;
use crate::base::ids::*;
use crate::base::job::{JobKind, Lane};
use crate::base::roles::{Role, SiteRole};

/// One thing that happened. The serde tag is the journal's `verb`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "verb", rename_all = "snake_case")]
#[allow(missing_docs)] // The names of variants and ids say all; what a verb means to a client stands in docs/architecture.md.
pub enum Event {
    UserAdded { user: UserId },
    UserChanged { user: UserId, fields: Vec<String> },
    UserLocked { user: UserId },
    UserUnlocked { user: UserId },
    SiteRoleChanged { user: UserId, role: SiteRole, was: Option<SiteRole> },
    LoggedIn { user: UserId, session: SessionId },
    LoginFailed { user: Option<UserId> },
    LoggedOut { user: UserId, session: SessionId },
    SessionsRevoked { user: UserId, kept: Option<SessionId> },
    TokenAdded { user: UserId, session: SessionId },
    ResetRequested { user: UserId },
    ResetIssued { user: UserId },
    PasswordReset { user: UserId },
    Confirmed { user: UserId, session: SessionId },
    ConfirmFailed { user: UserId },

    ProjectAdded { project: ProjectId },
    ProjectChanged { project: ProjectId, fields: Vec<String> },
    ProjectDeleted { project: ProjectId },
    ProjectRestored { project: ProjectId },
    ProjectPurged { project: ProjectId },
    ProjectTransferred { project: ProjectId, user: UserId, was: UserId },
    MemberAdded { project: ProjectId, user: UserId, role: Role },
    MemberChanged { project: ProjectId, user: UserId, role: Role, was: Option<Role> },
    MemberRemoved { project: ProjectId, user: UserId },
    InvitationSent { invitation: InvitationId },
    InvitationResent { invitation: InvitationId },
    InvitationRevoked { invitation: InvitationId },
    InvitationAccepted { invitation: InvitationId, user: UserId },
    InvitationDeclined { invitation: InvitationId },

    FeedbackAdded { feedback: FeedbackId },
    FeedbackChanged { feedback: FeedbackId, fields: Vec<String> },
    FeedbackDeleted { feedback: FeedbackId },
    FeedbackRestored { feedback: FeedbackId },
    FeedbackPurged { feedback: FeedbackId },
    CleanupAnnounced { feedback: FeedbackId, due: Time },
    CleanupCancelled { feedback: FeedbackId },
    Decided { feedback: FeedbackId, user: UserId },

    MediaReceived { media: MediaId, feedback: FeedbackId },
    MediaProbed { media: MediaId, feedback: FeedbackId },
    MediaReady { media: MediaId, feedback: FeedbackId },
    MediaFailed { media: MediaId, feedback: FeedbackId },
    MediaDeleted { media: MediaId, feedback: FeedbackId },
    MediaRestored { media: MediaId, feedback: FeedbackId },
    MediaPurged { media: MediaId, feedback: FeedbackId },
    RenditionsDropped { media: MediaId, feedback: FeedbackId },

    CommentAdded { comment: CommentId, feedback: FeedbackId },
    CommentChanged { comment: CommentId, feedback: FeedbackId },
    CommentDeleted { comment: CommentId, feedback: FeedbackId },
    CommentResolved { comment: CommentId, feedback: FeedbackId },
    CommentReopened { comment: CommentId, feedback: FeedbackId },
    ReactionAdded { comment: CommentId, feedback: FeedbackId },
    ReactionRemoved { comment: CommentId, feedback: FeedbackId },

    PhasesChanged { project: ProjectId, phases: Vec<String> },
    EntryAdded { entry: EntryId },
    EntryChanged { entry: EntryId, fields: Vec<String> },
    EntryDeleted { entry: EntryId },
    MemoChanged { project: ProjectId, day: String },
    FilmingConflict { project: ProjectId, other: ProjectId, user: UserId, day: String },
    DeadlineNear { project: ProjectId, what: String, day: String, days: i64 },

    PlanAdded { plan: PlanId },
    PlanChanged { plan: PlanId, fields: Vec<String> },
    PlanDeleted { plan: PlanId },
    PlanRestored { plan: PlanId },
    StoryboardAsked { plan: PlanId, job: JobId },
    StoryboardDrafted { plan: PlanId, job: JobId },
    StoryboardFailed { plan: PlanId, job: JobId },
    GeneratorSet { hidden: bool },
    GeneratorTested,
    DoctorAsked,

    MailResent { mail: MailId },
    MailTested { mail: MailId },
    WebhookAdded { webhook: WebhookId },
    WebhookChanged { webhook: WebhookId, fields: Vec<String> },
    WebhookDeleted { webhook: WebhookId },
    WebhookDisabled { webhook: WebhookId },
    WebhookTested { webhook: WebhookId, delivery: DeliveryId },
    WebhookRedelivered { webhook: WebhookId, delivery: DeliveryId },

    AlertFired { alert: AlertId, rule: String },
    AlertResolved { alert: AlertId, rule: String },
    AlertAcknowledged { alert: AlertId },
    AlertMuted { rule: Option<String>, until: Option<Time> },
    AlertRuleChanged { rule: String, fields: Vec<String> },
    AlertOptionsChanged,
    AlertTargetAdded { target: AlertTargetId },
    AlertTargetChanged { target: AlertTargetId, fields: Vec<String> },
    AlertTargetDeleted { target: AlertTargetId },
    AlertTargetTested { target: AlertTargetId },

    JobRetried { job: JobId, kind: JobKind },
    JobCancelled { job: JobId, kind: JobKind },
    JobAsked { job: JobId, kind: JobKind },
    JobMoved { job: JobId, kind: JobKind, priority: i64, was: Option<i64> },
    LaneChanged { lane: Lane, places: Option<i64>, paused: bool, places_were: Option<i64>, was_paused: Option<bool> },

    CachePurged { group: String },
    DatabaseCheckpointed { pages: i64, busy: bool },
    SlowForgotten { statements: i64 },
    SocketClosed { user: UserId },

    ScheduleChanged { name: String, fields: Vec<String>, before: Option<Vec<String>>, after: Option<Vec<String>> },
    SchedulePaused { name: String },
    ScheduleResumed { name: String },
    BackupTaken { backup: String, films: i64, lost: i64 },
    BackupVerified { backup: String, ok: bool },
    BackupDeleted { backup: String },

    QuotaSet { project: ProjectId, size_bytes: Option<i64>, was: Option<i64> },
    ClosedCleanupSet { on: bool },
    PurgeAsked { what: String, id: i64 },
    LogFilterSet { filter: String, was: String, until: Option<Time> },
    SettingsChanged { changes: Vec<SettingChange> },
}

/// A setting before and after a change. Of a secret only whether it is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SettingChange {
    /// Its name, such as `media.jobs`.
    pub name: String,
    /// As TOML.
    pub before: String,
    /// As TOML.
    pub after: String,
    /// Was what an admin had said taken back, so that what stands below holds again?
    pub reverted: bool,
}

impl Event {
    /// The feedback that it concerns, if it concerns one.
    pub fn feedback(&self) -> Option<FeedbackId> {
        use Event::*;
        match self {
            FeedbackAdded { feedback }
            | FeedbackChanged { feedback, .. }
            | FeedbackDeleted { feedback }
            | FeedbackRestored { feedback }
            | FeedbackPurged { feedback }
            | CleanupAnnounced { feedback, .. }
            | CleanupCancelled { feedback }
            | Decided { feedback, .. }
            | MediaReceived { feedback, .. }
            | MediaProbed { feedback, .. }
            | MediaReady { feedback, .. }
            | MediaFailed { feedback, .. }
            | MediaDeleted { feedback, .. }
            | MediaRestored { feedback, .. }
            | MediaPurged { feedback, .. }
            | RenditionsDropped { feedback, .. }
            | CommentAdded { feedback, .. }
            | CommentChanged { feedback, .. }
            | CommentDeleted { feedback, .. }
            | CommentResolved { feedback, .. }
            | CommentReopened { feedback, .. }
            | ReactionAdded { feedback, .. }
            | ReactionRemoved { feedback, .. } => Some(*feedback),
            _ => None,
        }
    }

    /// Does it change a project's frame: its own row, its members, its feedbacks, but not what is said and shown in them?
    pub fn is_frame(&self) -> bool {
        matches!(self.subject().0, "project" | "feedback")
    }

    /// Kind and id of what it happened to.
    pub fn subject(&self) -> (&'static str, i64) {
        use Event::*;
        match self {
            UserAdded { user }
            | UserChanged { user, .. }
            | UserLocked { user }
            | UserUnlocked { user }
            | SiteRoleChanged { user, .. }
            | LoggedIn { user, .. }
            | LoggedOut { user, .. }
            | SessionsRevoked { user, .. }
            | TokenAdded { user, .. }
            | ResetRequested { user }
            | ResetIssued { user }
            | PasswordReset { user }
            | Confirmed { user, .. }
            | ConfirmFailed { user }
            | SocketClosed { user } => ("user", user.0),
            LoginFailed { user } => ("user", user.map_or(0, |u| u.0)),
            ProjectAdded { project }
            | ProjectChanged { project, .. }
            | ProjectDeleted { project }
            | ProjectRestored { project }
            | ProjectPurged { project }
            | ProjectTransferred { project, .. }
            | MemberAdded { project, .. }
            | MemberChanged { project, .. }
            | MemberRemoved { project, .. } => ("project", project.0),
            InvitationSent { invitation }
            | InvitationResent { invitation }
            | InvitationRevoked { invitation }
            | InvitationAccepted { invitation, .. }
            | InvitationDeclined { invitation } => ("invitation", invitation.0),
            FeedbackAdded { feedback }
            | FeedbackChanged { feedback, .. }
            | FeedbackDeleted { feedback }
            | FeedbackRestored { feedback }
            | FeedbackPurged { feedback }
            | CleanupAnnounced { feedback, .. }
            | CleanupCancelled { feedback }
            | Decided { feedback, .. } => ("feedback", feedback.0),
            MediaReceived { media, .. }
            | MediaProbed { media, .. }
            | MediaReady { media, .. }
            | MediaFailed { media, .. }
            | MediaDeleted { media, .. }
            | MediaRestored { media, .. }
            | MediaPurged { media, .. }
            | RenditionsDropped { media, .. } => ("media", media.0),
            CommentAdded { comment, .. }
            | CommentChanged { comment, .. }
            | CommentDeleted { comment, .. }
            | CommentResolved { comment, .. }
            | CommentReopened { comment, .. }
            | ReactionAdded { comment, .. }
            | ReactionRemoved { comment, .. } => ("comment", comment.0),
            PhasesChanged { project, .. }
            | MemoChanged { project, .. }
            | FilmingConflict { project, .. }
            | DeadlineNear { project, .. } => ("project", project.0),
            EntryAdded { entry } | EntryChanged { entry, .. } | EntryDeleted { entry } => ("entry", entry.0),
            PlanAdded { plan }
            | PlanChanged { plan, .. }
            | PlanDeleted { plan }
            | PlanRestored { plan }
            | StoryboardAsked { plan, .. }
            | StoryboardDrafted { plan, .. }
            | StoryboardFailed { plan, .. } => ("plan", plan.0),
            GeneratorSet { .. } | GeneratorTested => ("generator", 0),
            DoctorAsked => ("doctor", 0),
            MailResent { mail } | MailTested { mail } => ("mail", mail.0),
            WebhookAdded { webhook }
            | WebhookChanged { webhook, .. }
            | WebhookDeleted { webhook }
            | WebhookDisabled { webhook }
            | WebhookTested { webhook, .. }
            | WebhookRedelivered { webhook, .. } => ("webhook", webhook.0),
            AlertFired { alert, .. } | AlertResolved { alert, .. } | AlertAcknowledged { alert } => ("alert", alert.0),
            AlertMuted { .. } | AlertRuleChanged { .. } | AlertOptionsChanged => ("alert", 0),
            AlertTargetAdded { target }
            | AlertTargetChanged { target, .. }
            | AlertTargetDeleted { target }
            | AlertTargetTested { target } => ("alert_target", target.0),
            JobRetried { job, .. } | JobCancelled { job, .. } | JobAsked { job, .. } | JobMoved { job, .. } => {
                ("job", job.0)
            }
            LaneChanged { .. } => ("lane", 0),
            CachePurged { .. } => ("cache", 0),
            DatabaseCheckpointed { .. } | SlowForgotten { .. } => ("database", 0),
            ScheduleChanged { .. } | SchedulePaused { .. } | ScheduleResumed { .. } => ("schedule", 0),
            BackupTaken { .. } | BackupVerified { .. } | BackupDeleted { .. } => ("backup", 0),
            // An audit of those who run the instance: members do not read it in their journal.
            QuotaSet { .. } | ClosedCleanupSet { .. } | PurgeAsked { .. } => ("storage", 0),
            LogFilterSet { .. } => ("log", 0),
            SettingsChanged { .. } => ("settings", 0),
        }
    }
}
