//! What a webhook is told: the event with the present rows, as a reader without special rights may see them.

use serde_json::{Map, Value, json};

use super::{Form, slack, verbs};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{CommentId, FeedbackId, MediaId, ProjectId, UserId, WebhookId};
use crate::base::locale::Lang;
use crate::base::roles::Role;
use crate::domain::{comments, feedback, media};
use crate::engines::store::Db;

/// Bytes of a body. A row that would make it longer is left out, and the body says so.
const BODY_MAX: usize = 64 << 10;

/// Who did it, as far as anybody may know.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    pub(super) id: UserId,
    pub(super) nickname: String,
}

/// A telling joined with its webhook, its event and who did it.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) message_id: String,
    pub(super) webhook: WebhookId,
    pub(super) seq: Option<i64>,
    pub(super) verb: String,
    /// When it happened.
    pub(super) at: Time,
    pub(super) url: String,
    pub(super) form: Form,
    pub(super) enabled: bool,
    pub(super) include_internal: bool,
    pub(super) generation: i64,
    pub(super) rotated: Option<Time>,
    /// The event as it stands in the journal; `None` for a test, and when it was forgotten since.
    pub(super) body: Option<String>,
    /// Its project and that one's name; an empty name when it is gone.
    pub(super) project: Option<(ProjectId, String)>,
    /// Is the project in the trash?
    pub(super) project_gone: bool,
    pub(super) actor: Option<Actor>,
    /// Of the project's owner, or of who made a webhook of the instance.
    pub(super) lang: Lang,
    /// Of the feedback that it is about.
    pub(super) feedback_title: Option<String>,
    /// A reviewer's word and its reason.
    pub(super) decision: Option<(String, String)>,
    /// Is it about a comment for the team alone?
    pub(super) internal: bool,
    /// Was it done by somebody whom nobody is to know?
    pub(super) anonymous: bool,
    /// When its webhook last failed, while it fails.
    pub(super) failed: Option<Time>,
}

/// What is told, before it takes its form.
pub(super) struct Told<'a> {
    pub(super) letter: &'a Letter,
    /// The event's own facts.
    pub(super) facts: Map<String, Value>,
    /// The row that it is about, under its name, while it is there.
    pub(super) row: Option<(&'static str, Value)>,
    /// Where a person sees it.
    pub(super) link: Option<String>,
}

/// Reads what `letter` says at this moment; `None` if its webhook is not to hear of it (any more). Links begin with
/// `public_url`; without one there are none.
pub(super) fn told<'a>(db: &Db, letter: &'a Letter, public_url: &str) -> Result<Option<Told<'a>>> {
    if letter.internal && !letter.include_internal {
        return Ok(None);
    }
    let facts = letter.body.as_deref().map(verbs::facts).unwrap_or_default();
    let id = |name: &str| facts.get(name).and_then(Value::as_i64);
    let mut row = None;
    // Of what is in the trash with its project, ids are told.
    if !letter.project_gone {
        if let Some(comment) = id("comment_id") {
            let role = if letter.include_internal { Role::Editor } else { Role::Viewer };
            let found = comments::public(db, role, &[CommentId(comment)])?.pop();
            row = found.map(|(_, value)| ("comment", without(value, &["drawing", "is_mine", "client_id"])));
        } else if let Some(version) = id("media_id") {
            let found = media::replay(db, &[MediaId(version)])?.pop();
            row = found.map(|(_, value)| ("media", without(value, &["type", "percent", "fps", "speed", "eta_ms"])));
        } else if let Some(feedback) = id("feedback_id") {
            let found = feedback::replay(db, &[FeedbackId(feedback)])?.pop();
            row = found.map(|(_, mut value)| ("feedback", without(value["feedback"].take(), &["decisions"])));
        }
    }
    let link = path(&facts, letter.project.as_ref().map(|(id, _)| *id));
    let link = link.filter(|_| !public_url.is_empty() && !letter.project_gone);
    let link = link.map(|path| format!("{}{path}", public_url.trim_end_matches('/')));
    Ok(Some(Told { letter, facts, row, link }))
}

fn without(mut value: Value, names: &[&str]) -> Value {
    if let Some(map) = value.as_object_mut() {
        map.retain(|name, _| !names.contains(&name.as_str()));
    }
    value
}

/// The page on which a person sees what it is about.
fn path(facts: &Map<String, Value>, project: Option<ProjectId>) -> Option<String> {
    let id = |name: &str| facts.get(name).and_then(Value::as_i64);
    if let Some(feedback) = id("feedback_id") {
        return Some(match id("comment_id") {
            Some(comment) => format!("/feedbacks/{feedback}?c={comment}"),
            None => format!("/feedbacks/{feedback}"),
        });
    }
    if let Some(plan) = id("plan_id") {
        return Some(format!("/plans/{plan}"));
    }
    let page =
        if ["phases", "entry_id", "day"].iter().any(|name| facts.contains_key(*name)) { "/schedule" } else { "" };
    project.map(|project| format!("/projects/{project}{page}"))
}

impl Told<'_> {
    /// The body in its form.
    pub(super) fn body(&self, form: Form) -> Value {
        match form {
            Form::Json => self.json(),
            Form::Slack => slack::body(self),
        }
    }

    /// The body's bytes, within their limit.
    pub(super) fn bytes(mut self) -> Vec<u8> {
        let form = self.letter.form;
        let bytes = self.body(form).to_string().into_bytes();
        if bytes.len() <= BODY_MAX {
            return bytes;
        }
        self.row = None;
        self.facts.insert("cut".to_owned(), true.into());
        self.body(form).to_string().into_bytes()
    }

    fn json(&self) -> Value {
        let letter = self.letter;
        let mut data = self.facts.clone();
        if let Some((name, row)) = &self.row {
            data.insert((*name).to_owned(), row.clone());
        }
        if let Some((decision, note)) = &letter.decision {
            data.insert("decision".to_owned(), json!({ "decision": decision, "note": note }));
        }
        json!({
            "id": letter.message_id,
            "type": letter.verb,
            "created": letter.at,
            "seq": letter.seq,
            "project": letter.project.as_ref().map(|(id, name)| json!({ "id": id, "name": name })),
            "actor": letter.actor.as_ref().map(|a| json!({ "id": a.id, "nickname": a.nickname })),
            "url": self.link,
            "data": data,
        })
    }
}

#[cfg(test)]
pub(super) fn sample(verb: &str) -> Letter {
    Letter {
        message_id: "1-2-3".into(),
        webhook: WebhookId(1),
        seq: Some(2),
        verb: verb.into(),
        at: Time(3),
        url: String::new(),
        form: Form::Json,
        enabled: true,
        include_internal: false,
        generation: 1,
        rotated: None,
        body: None,
        project: Some((ProjectId(7), "가을 <광고> & 봄".into())),
        project_gone: false,
        actor: Some(Actor { id: UserId(5), nickname: "오세린".into() }),
        lang: Lang::Ko,
        feedback_title: Some("시사본 v3".into()),
        decision: None,
        internal: false,
        anonymous: false,
        failed: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_would_be_too_long_tells_ids() {
        let letter = sample("comment_added");
        let facts = verbs::facts(r#"{"verb":"comment_added","comment":9,"feedback":8}"#);
        let row = Some(("comment", json!({ "text": "가".repeat(30_000) })));
        let bytes = Told { letter: &letter, facts, row, link: None }.bytes();
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(body["data"], json!({ "comment_id": 9, "feedback_id": 8, "cut": true }));
        assert!(bytes.len() <= BODY_MAX);
    }

    #[test]
    fn a_link_leads_to_what_it_is_about() {
        let to = |body| path(&verbs::facts(body), Some(ProjectId(7))).unwrap();
        assert_eq!(to(r#"{"verb":"comment_added","comment":9,"feedback":8}"#), "/feedbacks/8?c=9");
        assert_eq!(to(r#"{"verb":"decided","feedback":8,"user":1}"#), "/feedbacks/8");
        assert_eq!(to(r#"{"verb":"plan_added","plan":4}"#), "/plans/4");
        assert_eq!(to(r#"{"verb":"entry_added","entry":4}"#), "/projects/7/schedule");
        assert_eq!(to(r#"{"verb":"member_added","project":7,"user":2,"role":"viewer"}"#), "/projects/7");
    }
}
