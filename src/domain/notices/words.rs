//! The sentences of notices, in the reader's language, from the rows as they stand.

use super::sql::Stored;
use super::{Notice, NoticeKind};
use crate::app::App;
use crate::base::ids::UserId;
use crate::base::locale::{self, Lang};
use crate::domain::accounts::Person;
use crate::domain::projects::invitations;

/// Characters of a comment that are shown.
const SNIPPET: usize = 160;

/// The notice as its reader sees it.
pub(super) fn notice(app: &App, lang: Lang, row: &Stored) -> Notice {
    let actor =
        row.actor.as_ref().map(|(id, nickname): &(UserId, String)| Person { id: *id, nickname: nickname.clone() });
    Notice {
        id: row.id,
        kind: row.kind,
        project_id: row.project,
        project_name: row.project_name.clone(),
        feedback_id: row.feedback,
        plan_id: row.plan,
        comment_id: row.comment,
        media_id: row.media,
        entry_id: row.entry,
        actor,
        title: title(lang, row),
        text: text(lang, row),
        url: url(app, row),
        created: row.created,
        read_at: row.read,
        count: row.count,
    }
}

/// One sentence.
fn title(lang: Lang, row: &Stored) -> String {
    let t = |key: &str| locale::get(lang, key);
    let fact = |name: &str| row.facts[name].as_str().unwrap_or_default().to_owned();
    let many = row.count > 1;
    let form = match row.kind {
        NoticeKind::System if fact("what") == "webhook" => ".webhook",
        NoticeKind::System => ".cleanup",
        NoticeKind::ScheduleConflict if row.other_name.is_none() => ".hidden",
        NoticeKind::Deadline if row.facts["days"] == 0 => ".today",
        NoticeKind::CommentAdded | NoticeKind::Reaction if many => ".many",
        _ => "",
    };
    let actor = match &row.actor {
        Some((_, nickname)) => locale::get(lang, "notice.somebody").replace("{name}", nickname),
        None => t("notice.anonymous"),
    };
    let what = match (fact("what").strip_prefix("phase:"), &row.entry_title) {
        (Some(phase), _) => t(&format!("calendar.phase.{phase}")),
        (None, Some(entry)) => entry.clone(),
        (None, None) => t("notice.what.project"),
    };
    let values = [
        ("actor", actor),
        ("project", row.project_name.clone().unwrap_or_default()),
        ("feedback", row.feedback_title.clone().unwrap_or_default()),
        ("plan", row.plan_title.clone().unwrap_or_default()),
        ("n", row.count.to_string()),
        ("role", t(&format!("js.role.{}", fact("role")))),
        ("decision", t(&format!("js.decision.{}", fact("decision")))),
        ("version", row.media_version.unwrap_or_default().to_string()),
        ("day", fact("day")),
        ("days", row.facts["days"].as_i64().unwrap_or_default().to_string()),
        ("what", what),
        ("whom", row.whom.clone().unwrap_or_default()),
        ("other", row.other_name.clone().unwrap_or_default()),
    ];
    fill(&t(&format!("notice.title.{}{form}", row.kind)), &values)
}

/// Puts values into their places in one pass: a name that looks like a place is not filled again.
pub(super) fn fill(pattern: &str, values: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else { break };
        let value = values.iter().find(|(known, _)| *known == name);
        out.push_str(value.map_or("", |(_, value)| value));
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// What was said, or what it stands under.
fn text(lang: Lang, row: &Stored) -> String {
    match row.kind {
        NoticeKind::CommentAdded | NoticeKind::Mention | NoticeKind::Reaction => {
            snippet(row.comment_text.as_deref().unwrap_or_default())
        }
        NoticeKind::InvitationReceived => locale::get(lang, "notice.text.invitation_received"),
        _ => row.feedback_title.clone().or(row.plan_title.clone()).or(row.project_name.clone()).unwrap_or_default(),
    }
}

/// The beginning of a text on one line.
fn snippet(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SNIPPET {
        return line;
    }
    let mut cut: String = line.chars().take(SNIPPET - 1).collect();
    cut.push('…');
    cut
}

/// The page that shows it.
fn url(app: &App, row: &Stored) -> String {
    if let Some(seed) = &row.seed {
        return invitations::link("", &invitations::key(app, seed));
    }
    match (row.plan, row.feedback, row.comment, row.project) {
        (Some(plan), _, Some(comment), _) => format!("/plans/{plan}?c={comment}"),
        (Some(plan), ..) => format!("/plans/{plan}"),
        (_, Some(feedback), Some(comment), _) => format!("/feedbacks/{feedback}?c={comment}"),
        (_, Some(feedback), ..) => format!("/feedbacks/{feedback}"),
        (.., Some(project)) => match row.kind {
            NoticeKind::ScheduleConflict | NoticeKind::Deadline => format!("/projects/{project}/schedule"),
            NoticeKind::System => format!("/projects/{project}/webhooks"),
            _ => format!("/projects/{project}"),
        },
        _ => "/notices".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_like_a_place_stays_a_name() {
        let values = [("actor", "{project}".to_owned()), ("project", "x".to_owned())];
        assert_eq!(fill("{actor} · {project}!", &values), "{project} · x!");
        assert_eq!(fill("{nobody}.", &values), ".");
        assert_eq!(snippet(&"가 ".repeat(200)).chars().count(), SNIPPET);
        assert_eq!(snippet(" a\n b "), "a b");
    }
}
