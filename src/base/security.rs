//! Which events are the audit: they tell who got in, who may what, and who steered the instance. They are kept longer
//! than others.

use crate::base::event::Event;

/// Subjects whose events tell who got in, or who steered the instance.
pub const SECURITY_SUBJECTS: [&str; 16] = [
    "user",
    "job",
    "alert",
    "alert_target",
    "backup",
    "cache",
    "database",
    "doctor",
    "schedule",
    "generator",
    "mail",
    "webhook",
    "lane",
    "storage",
    "log",
    "settings",
];
/// Verbs of other subjects that tell who may what, and who has taken away or given back a whole project.
pub const SECURITY_VERBS: [&str; 12] = [
    "member_added",
    "member_changed",
    "member_removed",
    "invitation_sent",
    "invitation_resent",
    "invitation_revoked",
    "invitation_accepted",
    "invitation_declined",
    "project_deleted",
    "project_restored",
    "project_purged",
    "project_transferred",
];

impl Event {
    /// Does it tell who got in, who may what, or who steered the instance? Such events are kept longer, and they are the
    /// audit. In statements it is [`SECURITY_SUBJECTS`] or [`SECURITY_VERBS`].
    pub fn is_security(&self) -> bool {
        use Event::*;
        let rights = matches!(
            self,
            MemberAdded { .. }
                | MemberChanged { .. }
                | MemberRemoved { .. }
                | InvitationSent { .. }
                | InvitationResent { .. }
                | InvitationRevoked { .. }
                | InvitationAccepted { .. }
                | InvitationDeclined { .. }
                | ProjectDeleted { .. }
                | ProjectRestored { .. }
                | ProjectPurged { .. }
                | ProjectTransferred { .. }
        );
        rights || SECURITY_SUBJECTS.contains(&self.subject().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::*;

    #[test]
    fn statements_and_events_mean_the_same_by_security() {
        let project = ProjectId(1);
        let told = [
            Event::ProjectTransferred { project, user: UserId(1), was: UserId(2) },
            Event::MemberRemoved { project, user: UserId(1) },
            Event::InvitationDeclined { invitation: InvitationId(1) },
            Event::ProjectAdded { project },
            Event::ProjectChanged { project, fields: Vec::new() },
            Event::LogFilterSet { filter: "info".into(), was: "info".into(), until: None },
            Event::CommentDeleted { comment: CommentId(1), feedback: FeedbackId(1) },
        ];
        for event in told {
            let verb = serde_json::to_value(&event).unwrap()["verb"].as_str().unwrap().to_owned();
            let by_name = SECURITY_SUBJECTS.contains(&event.subject().0) || SECURITY_VERBS.contains(&verb.as_str());
            assert_eq!(by_name, event.is_security(), "{verb}");
        }
    }
}
