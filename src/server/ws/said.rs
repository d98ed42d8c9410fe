//! What clients say: each message is read, counted against its limit, given to the same operation as over REST, answered.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Close;
use super::line::{End, Line, REFUSALS};
use crate::base::error::{Error, Result};
use crate::base::ids::{CommentId, FeedbackId, MediaId};
use crate::base::locale::Text;
use crate::domain::accounts::sessions::Scope;
use crate::domain::comments::{self, Comment, NewComment};
use crate::domain::http::{failure, read_json};
use crate::engines::hub::{Audience, Message};
use crate::engines::limits::Whom;

type Fields = Map<String, Value>;

/// What may be said how often a minute, by one person on all his sockets.
fn limit_of(kind: &str) -> (&'static str, usize) {
    match kind {
        "comment_add" => ("comment_add", 10),
        "typing_indicator" => ("typing", 30),
        "reaction_add" | "reaction_remove" => ("reaction", 20),
        _ => ("other", 100),
    }
}

#[derive(Deserialize)]
struct Which {
    comment_id: CommentId,
}

#[derive(Deserialize)]
struct Resolve {
    comment_id: CommentId,
    #[serde(default = "yes")]
    resolved: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct React {
    comment_id: CommentId,
    kind: String,
}

#[derive(Deserialize)]
struct Typing {
    feedback_id: Option<FeedbackId>,
    is_typing: bool,
}

#[derive(Deserialize)]
struct Cursor {
    media_id: MediaId,
    ms: i64,
}

/// A message that was not taken.
enum Refusal {
    /// It has no meaning: code and the protocol's own words.
    Strange(&'static str, String),
    /// Too often; there is a place again in so many seconds.
    TooOften(u64),
    /// An operation's error, told in the person's language.
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Failed(error)
    }
}

impl Line {
    /// Takes one message of the client and answers it.
    pub(super) async fn said(&mut self, text: &[u8]) -> Result<(), End> {
        let message = serde_json::from_slice::<Fields>(text);
        let name = |field: &str| message.as_ref().ok().and_then(|m| m.get(field)?.as_str()).map(str::to_owned);
        // Given back with every answer, so that a client knows which of its messages is meant.
        let client_id = name("client_id").filter(|id| id.len() <= 64);
        let kind = name("type").unwrap_or_default();
        let outcome = match (self.limit(&kind), message) {
            (Err(refusal), _) => Err(refusal),
            (Ok(()), Err(_)) => Err(Refusal::Strange("invalid_json", "Invalid JSON".into())),
            (Ok(()), Ok(message)) => self.act(&kind, message).await,
        };
        let mut answer = match outcome {
            Ok(None) => return Ok(()),
            Ok(Some(answer)) => {
                self.refused = 0;
                answer
            }
            Err(refusal) => {
                self.refused += 1;
                if self.refused > REFUSALS {
                    return Err(Close::POLICY.into());
                }
                self.told(refusal, &kind)
            }
        };
        if let Some(id) = client_id {
            answer["client_id"] = id.into();
        }
        if answer["type"] == "ack" {
            self.catch_up().await?;
        }
        self.send(answer.to_string().into()).await
    }

    fn limit(&self, kind: &str) -> Result<(), Refusal> {
        let (name, most) = limit_of(kind);
        let taken = self.app.limits.take(Whom::User(self.who.user), name, most, self.app.clock.now());
        taken.map(|_| ()).map_err(Refusal::TooOften)
    }

    /// Does what is said. The rights are decided where the change is made.
    async fn act(&mut self, kind: &str, message: Fields) -> Result<Option<Value>, Refusal> {
        let (app, who) = (&self.app, &self.who);
        let ack = |comment: Comment| json!({ "type": "ack", "action": kind, "comment": comment });
        let answer = match kind {
            "ping" => json!({ "type": "pong" }),
            "typing_indicator" => {
                let Typing { feedback_id, is_typing } = read(message)?;
                let user = who.person();
                self.tell(
                    json!({ "type": "typing", "user": user, "feedback_id": feedback_id, "is_typing": is_typing }),
                );
                return Ok(None);
            }
            "cursor" => {
                let Cursor { media_id, ms } = read(message)?;
                self.tell(json!({ "type": "cursor", "user": who.person(), "media_id": media_id, "ms": ms.max(0) }));
                return Ok(None);
            }
            "comment_add" => {
                let (feedback, new) = new_comment(message)?;
                let added = comments::add(app, self.writer()?, feedback, new).await?;
                let mut answer = ack(added.comment);
                answer["seq"] = added.seq.into();
                answer
            }
            "comment_edit" => {
                let id = read::<Which>(message.clone())?.comment_id;
                let patch = read(patch(message))?;
                ack(comments::change(app, self.writer()?, id, patch, None).await?)
            }
            "comment_delete" => {
                let id = read::<Which>(message)?.comment_id;
                comments::delete(app, self.writer()?, id, None).await?;
                json!({ "type": "ack", "action": kind, "comment_id": id })
            }
            "comment_resolve" => {
                let Resolve { comment_id, resolved } = read(message)?;
                ack(comments::set_resolved(app, self.writer()?, comment_id, resolved).await?)
            }
            "reaction_add" | "reaction_remove" => {
                let React { comment_id, kind: reaction } = read(message)?;
                let reaction = comments::routes::reaction(&reaction)?;
                let given = kind == "reaction_add";
                ack(comments::set_reaction(app, self.writer()?, comment_id, reaction, given).await?)
            }
            other => {
                let other: String = other.chars().take(50).collect();
                return Err(Refusal::Strange("unknown_type", format!("Unknown message type: {other}")));
            }
        };
        Ok(Some(answer))
    }

    /// The person, if his session may change anything: a token may be for reading alone.
    fn writer(&self) -> Result<&crate::domain::accounts::Viewer> {
        if self.who.scopes.contains(&Scope::Write) { Ok(&self.who) } else { Err(Error::Forbidden) }
    }

    /// Tells the others in the room.
    fn tell(&self, message: Value) {
        let body = Bytes::from(message.to_string());
        let message = Message { seq: None, audience: Audience::All, body, own: None, except: Some(self.who.user) };
        self.app.hub.publish(self.project, message);
    }

    /// The error frame of a refusal.
    fn told(&self, refusal: Refusal, kind: &str) -> Value {
        let error = match refusal {
            Refusal::Strange(code, message) => return json!({ "type": "error", "code": code, "message": message }),
            Refusal::TooOften(wait) => {
                let (code, message) = ("rate_limited", "Rate limit exceeded");
                return json!({ "type": "error", "code": code, "message": message, "retry_after_s": wait });
            }
            Refusal::Failed(error) => error,
        };
        if let Error::Internal(e) = &error {
            tracing::error!(error = format!("{e:#}"), kind, "a live message failed");
        }
        let body = failure(&error).1.body(self.who.lang, "");
        let mut frame =
            json!({ "type": "error", "code": body["error"]["code"], "message": body["message"], "action": kind });
        if let Error::Invalid(_) = error {
            frame["fields"] = body["error"]["fields"].clone();
            if kind.starts_with("comment") {
                frame["message"] = "Invalid comment data".into();
            }
        }
        frame
    }
}

/// The fields of a message; one that does not fit is named.
fn read<T: DeserializeOwned>(fields: Fields) -> Result<T> {
    read_json(Value::from(fields).to_string().as_bytes())
}

/// The feedback and the comment of a `comment_add`. The message's `client_id` is the comment's.
fn new_comment(mut message: Fields) -> Result<(FeedbackId, NewComment)> {
    let Some(Value::Object(mut comment)) = message.remove("comment") else {
        return Err(Error::invalid("comment", Text::new("invalid.required")));
    };
    let feedback = comment.remove("feedback_id").and_then(|id| id.as_i64());
    let feedback = feedback.ok_or_else(|| Error::invalid("feedback_id", Text::new("invalid.required")))?;
    if let Some(id) = message.remove("client_id") {
        comment.entry("client_id").or_insert(id);
    }
    Ok((FeedbackId(feedback), read(comment)?))
}

/// The change of a `comment_edit`: under `comment`, or beside `comment_id`.
fn patch(mut message: Fields) -> Fields {
    match message.remove("comment") {
        Some(Value::Object(patch)) => patch,
        _ => {
            ["type", "comment_id", "client_id"].iter().for_each(|name| drop(message.remove(*name)));
            message
        }
    }
}
