//! One type per kind of row id, so that a comment's id never lands where a media id belongs.

/// Declares a newtype over the store's i64 row id. On the wire it is the bare number.
macro_rules! id_type {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[derive(utoipa::ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                s.parse().map($name)
            }
        }
    )+};
}

id_type! {
    /// A person with an account.
    UserId,
    /// A project: the unit of membership and rights.
    ProjectId,
    /// A feedback: one piece of video under review, with its versions.
    FeedbackId,
    /// One version of a feedback's video.
    MediaId,
    /// A comment or a reply.
    CommentId,
    /// A resumable upload under way.
    UploadId,
    /// A durable job.
    JobId,
    /// A sign-in or an API token.
    SessionId,
    /// An invitation to a project.
    InvitationId,
    /// A plan: a story with its stages and shots.
    PlanId,
    /// Something in the calendar that is no phase: a meeting, a filming day, a personal date.
    EntryId,
    /// What a person is told.
    NoticeId,
    /// A mail that goes out, or went.
    MailId,
    /// Where other programs are told.
    WebhookId,
    /// One telling of one webhook.
    DeliveryId,
    /// One time that a rule fired.
    AlertId,
    /// Who is told of alerts.
    AlertTargetId,
    /// One telling of one of them.
    AlertTellingId,
}
