//! What a webhook may hear: events of projects, by groups and by their own verbs.

use serde_json::Value;

/// Groups of verbs, in the order in which pages show them. What stands in none (sign-ins, what is done to the instance,
/// steps of a job) is told to nobody.
pub const GROUPS: [(&str, &[&str]); 8] = [
    (
        "comments",
        &[
            "comment_added",
            "comment_changed",
            "comment_deleted",
            "comment_resolved",
            "comment_reopened",
            "reaction_added",
            "reaction_removed",
        ],
    ),
    ("feedbacks", &["feedback_added", "feedback_changed", "feedback_deleted", "feedback_restored"]),
    ("decisions", &["decided"]),
    ("media", &["media_received", "media_ready", "media_failed", "media_deleted", "media_restored"]),
    (
        "plans",
        &["plan_added", "plan_changed", "plan_deleted", "plan_restored", "storyboard_drafted", "storyboard_failed"],
    ),
    (
        "schedule",
        &[
            "phases_changed",
            "entry_added",
            "entry_changed",
            "entry_deleted",
            "memo_changed",
            "filming_conflict",
            "deadline_near",
        ],
    ),
    ("members", &["member_added", "member_changed", "member_removed", "invitation_accepted"]),
    ("projects", &["project_added", "project_changed", "project_deleted", "project_restored"]),
];

/// The verb of a telling that somebody asked for to see whether it arrives.
pub const PING: &str = "ping";

/// Is it the name of a group, or of a verb in one?
pub fn is_known(name: &str) -> bool {
    GROUPS.iter().any(|(group, verbs)| *group == name || verbs.contains(&name))
}

/// All names that may be asked for, for a sentence.
pub fn names() -> String {
    let groups = GROUPS.iter().map(|(group, _)| *group);
    groups.chain(GROUPS.iter().flat_map(|(_, verbs)| verbs.iter().copied())).collect::<Vec<_>>().join(", ")
}

/// Does a webhook that asked for `wanted` (groups and verbs; empty: all) hear of `verb`?
pub fn hears(wanted: &[String], verb: &str) -> bool {
    let Some((group, _)) = GROUPS.iter().find(|(_, verbs)| verbs.contains(&verb)) else { return false };
    wanted.is_empty() || wanted.iter().any(|w| w == verb || w == group)
}

/// The facts of an event that a payload carries: its ids and what it says of itself, but nothing of another project.
pub(super) fn facts(body: &str) -> serde_json::Map<String, Value> {
    let Ok(Value::Object(event)) = serde_json::from_str(body) else { return Default::default() };
    let named = event.into_iter().filter_map(|(name, value)| match name.as_str() {
        "verb" | "other" | "job" | "session" => None,
        "project" | "user" | "invitation" | "feedback" | "media" | "comment" | "entry" | "plan" => {
            Some((format!("{name}_id"), value))
        }
        _ => Some((name, value)),
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::event::Event;

    #[test]
    fn every_verb_is_one_of_the_journal() {
        for verb in GROUPS.iter().flat_map(|(_, verbs)| *verbs) {
            // A known verb without its ids fails for a missing field; an unknown one for itself.
            let failed = serde_json::from_value::<Event>(json!({ "verb": verb })).unwrap_err().to_string();
            assert!(failed.starts_with("missing field"), "{verb}: {failed}");
        }
    }

    #[test]
    fn a_webhook_hears_what_it_asked_for_and_nothing_of_the_house() {
        let wanted = ["comments".to_owned(), "media_ready".to_owned()];
        assert!(hears(&wanted, "reaction_added") && hears(&wanted, "media_ready"));
        assert!(!hears(&wanted, "media_failed") && !hears(&wanted, "decided"));
        assert!(hears(&[], "decided") && hears(&[], "deadline_near"));
        for house in ["logged_in", "user_changed", "webhook_added", "job_retried", "storyboard_asked", "ping"] {
            assert!(!hears(&[], house), "{house}");
        }
        assert!(is_known("media") && is_known("decided") && !is_known("logged_in"));
    }

    #[test]
    fn facts_are_ids_without_those_of_another_project() {
        let event = Event::FilmingConflict {
            project: crate::base::ids::ProjectId(1),
            other: crate::base::ids::ProjectId(2),
            user: crate::base::ids::UserId(3),
            day: "2026-11-28".into(),
        };
        let facts = facts(&serde_json::to_string(&event).unwrap());
        assert_eq!(Value::Object(facts), json!({ "project_id": 1, "user_id": 3, "day": "2026-11-28" }));
    }
}
