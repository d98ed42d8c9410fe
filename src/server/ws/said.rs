//! What clients say: each message is read, counted against its limit, given to the same operation as over REST, answered.

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::Close;
use super::line::{End, Line, REFUSALS};
use crate::base::clock::DAY;
use crate::base::error::{Error, Result};
use crate::base::ids::{CommentId, FeedbackId, MediaId};
use crate::base::locale::Text;
use crate::base::roles::Right;
use crate::closed_set;
use crate::domain::accounts::sessions::Scope;
use crate::domain::comments::{self, Comment, NewComment};
use crate::domain::http::{failure, read_json};
use crate::domain::projects;
use crate::domain::rooms::together::{self, Here, Playing, Stroke};
use crate::engines::hub::Message;
use crate::engines::limits::Whom;
use crate::engines::metrics::live::Outcome;

type Fields = Map<String, Value>;

closed_set! {
    /// What a client may say.
    Kind {
        /// I am there, and want to know whether you are.
        Ping = "ping",
        /// I type, or do so no more.
        Typing = "typing_indicator",
        /// I look here.
        Cursor = "cursor",
        /// A new comment.
        CommentAdd = "comment_add",
        /// Another text.
        CommentEdit = "comment_edit",
        /// Not said.
        CommentDelete = "comment_delete",
        /// Done, or open again.
        CommentResolve = "comment_resolve",
        /// A reaction …
        ReactionAdd = "reaction_add",
        /// … taken back.
        ReactionRemove = "reaction_remove",
        /// Watch with me.
        LeadStart = "lead_start",
        /// I play, pause, jump.
        LeadMove = "lead_move",
        /// I draw.
        LeadStroke = "lead_stroke",
        /// I wipe.
        LeadClear = "lead_clear",
        /// On your own again.
        LeadEnd = "lead_end",
        /// I watch with whoever leads, or do so no more.
        Follow = "follow",
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

#[derive(Deserialize)]
struct Lead {
    feedback_id: FeedbackId,
    #[serde(default)]
    take_over: bool,
}

#[derive(Deserialize)]
struct Draw {
    stroke: Stroke,
}

#[derive(Deserialize)]
struct Follow {
    feedback_id: FeedbackId,
    on: bool,
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
        self.seat.said();
        let message = serde_json::from_slice::<Fields>(text);
        let name = |field: &str| message.as_ref().ok().and_then(|m| m.get(field)?.as_str()).map(str::to_owned);
        // Given back with every answer, so that a client knows which of its messages is meant.
        let client_id = name("client_id").filter(|id| id.len() <= 64);
        let called = name("type").unwrap_or_default();
        let kind = called.parse::<Kind>().ok();
        let outcome = match (self.limit(kind), message, kind) {
            (Err(refusal), _, _) => Err(refusal),
            (Ok(()), Err(_), _) => Err(Refusal::Strange("invalid_json", "Invalid JSON".into())),
            (Ok(()), Ok(message), Some(kind)) if kind == Kind::Ping || self.project().is_some() => {
                self.act(kind, message, client_id.is_some()).await
            }
            (Ok(()), Ok(_), _) => {
                let called: String = called.chars().take(50).collect();
                Err(Refusal::Strange("unknown_type", format!("Unknown message type: {called}")))
            }
        };
        let counted = match &outcome {
            Ok(_) => Outcome::Taken,
            Err(Refusal::TooOften(_)) => Outcome::Limited,
            Err(_) => Outcome::Refused,
        };
        self.app.metrics.live().heard(kind.map_or("other", Kind::as_str), counted);
        let mut answer = match outcome {
            Ok(answer) => {
                self.refused = 0;
                match answer {
                    Some(answer) => answer,
                    None => return Ok(()),
                }
            }
            Err(refusal) => {
                self.refused += 1;
                if self.refused > REFUSALS {
                    return Err(Close::POLICY.into());
                }
                self.told(refusal, kind)
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

    /// So many a second on this connection, and so many a minute of a kind by one person on all his connections.
    fn limit(&mut self, kind: Option<Kind>) -> Result<(), Refusal> {
        let config = self.app.config();
        let rooms = &config.rooms;
        let now = Instant::now();
        if self.pace.len() >= rooms.per_second {
            let first = self.pace.pop_front();
            if first.is_some_and(|first| now.duration_since(first).as_secs() == 0) {
                self.pace.push_back(now);
                return Err(Refusal::TooOften(1));
            }
        }
        self.pace.push_back(now);
        let (name, most) = match kind {
            Some(Kind::CommentAdd) => ("comment_add", rooms.comments_per_minute),
            Some(Kind::Typing) => ("typing", rooms.typing_per_minute),
            Some(Kind::ReactionAdd | Kind::ReactionRemove) => ("reaction", rooms.reactions_per_minute),
            Some(Kind::LeadMove | Kind::LeadStroke | Kind::LeadClear) => ("lead", rooms.leads_per_minute),
            _ => ("other", rooms.others_per_minute),
        };
        let taken = self.app.limits.take(Whom::User(self.who.user), name, most, self.app.clock.now());
        taken.map(|_| ()).map_err(Refusal::TooOften)
    }

    /// Does what is said. Rights to change rows are decided where the change is made, those to be heard here. What changes
    /// rows is always acknowledged, the rest if it was `asked`.
    async fn act(&mut self, kind: Kind, message: Fields, asked: bool) -> Result<Option<Value>, Refusal> {
        let app = self.app.clone();
        let ack = |comment: Comment| json!({ "type": "ack", "action": kind, "comment": comment });
        match kind {
            Kind::Ping => return Ok(Some(json!({ "type": "pong", "at_ms": app.clock.now().0 }))),
            Kind::CommentAdd => {
                let (feedback, new) = new_comment(message)?;
                let added = comments::add(&app, self.writer()?, feedback, new).await?;
                let mut answer = ack(added.comment);
                answer["seq"] = added.seq.into();
                return Ok(Some(answer));
            }
            Kind::CommentEdit => {
                let id = read::<Which>(message.clone())?.comment_id;
                let patch = read(patch(message))?;
                return Ok(Some(ack(comments::change(&app, self.writer()?, id, patch, None).await?)));
            }
            Kind::CommentDelete => {
                let id = read::<Which>(message)?.comment_id;
                comments::delete(&app, self.writer()?, id, None).await?;
                return Ok(Some(json!({ "type": "ack", "action": kind, "comment_id": id })));
            }
            Kind::CommentResolve => {
                let Resolve { comment_id, resolved } = read(message)?;
                return Ok(Some(ack(comments::set_resolved(&app, self.writer()?, comment_id, resolved).await?)));
            }
            Kind::ReactionAdd | Kind::ReactionRemove => {
                let React { comment_id, kind: reaction } = read(message)?;
                let reaction = comments::routes::reaction(&reaction)?;
                let given = kind == Kind::ReactionAdd;
                return Ok(Some(ack(comments::set_reaction(&app, self.writer()?, comment_id, reaction, given).await?)));
            }
            Kind::Typing => {
                let Typing { feedback_id, is_typing } = read(message)?;
                self.present(Right::Comment).await?;
                if is_typing {
                    self.types(feedback_id);
                    let user = self.who.person();
                    self.tell(json!({ "type": "typing", "user": user, "feedback_id": feedback_id, "is_typing": true }));
                } else {
                    self.typed();
                }
            }
            Kind::Cursor => {
                let Cursor { media_id, ms } = read(message)?;
                let ms = ms.clamp(0, 2 * DAY);
                self.seat.look(media_id, ms);
                self.tell(json!({ "type": "cursor", "user": self.who.person(), "media_id": media_id, "ms": ms }));
            }
            Kind::LeadStart => {
                let Lead { feedback_id, take_over } = read(message.clone())?;
                let playing: Playing = read(message)?;
                let here = self.present(Right::Comment).await?;
                together::start(&app, here, feedback_id, playing, take_over).await?;
            }
            Kind::LeadMove => together::moved(&app, &self.present(Right::Comment).await?, read(message)?).await?,
            Kind::LeadStroke => app.rooms.draw(&self.present(Right::Comment).await?, read::<Draw>(message)?.stroke)?,
            Kind::LeadClear => app.rooms.clear(&self.present(Right::Comment).await?)?,
            Kind::LeadEnd => app.rooms.stop(&self.present(Right::View).await?)?,
            Kind::Follow => {
                let Follow { feedback_id, on } = read(message)?;
                app.rooms.follow(&self.present(Right::View).await?, feedback_id, on)?;
            }
        }
        Ok(asked.then(|| json!({ "type": "ack", "action": kind })))
    }

    /// Who is here, if he has this right in the room's project.
    async fn present(&mut self, right: Right) -> Result<Here> {
        let here = self.here().ok_or(Error::NotFound("project"))?;
        let role = self.role(here.project).await?;
        projects::judge(Some(role), right, "project")?;
        Ok(here)
    }

    /// The person, if his session may change anything: a token may be for reading alone.
    fn writer(&self) -> Result<&crate::domain::accounts::Viewer> {
        if self.who.scopes.contains(&Scope::Write) { Ok(&self.who) } else { Err(Error::Forbidden) }
    }

    /// Tells the others in the room.
    pub(super) fn tell(&self, message: Value) {
        let body = Bytes::from(message.to_string());
        let message = Message { except: Some(self.who.user), ..Message::passing(body) };
        self.app.hub.publish(self.seat.place(), message);
    }

    /// The error frame of a refusal.
    fn told(&self, refusal: Refusal, kind: Option<Kind>) -> Value {
        let error = match refusal {
            Refusal::Strange(code, message) => return json!({ "type": "error", "code": code, "message": message }),
            Refusal::TooOften(wait) => {
                let (code, message) = ("rate_limited", "Rate limit exceeded");
                return json!({
                    "type": "error", "code": code, "message": message, "retry_after_s": wait, "action": kind,
                });
            }
            Refusal::Failed(error) => error,
        };
        if let Error::Internal(e) = &error {
            tracing::error!(error = format!("{e:#}"), kind = kind.map(Kind::as_str), "a live message failed");
        }
        let body = failure(&error).1.body(self.who.lang, "");
        let mut frame =
            json!({ "type": "error", "code": body["error"]["code"], "message": body["message"], "action": kind });
        if let Error::Invalid(_) = error {
            frame["fields"] = body["error"]["fields"].clone();
            if kind.is_some_and(|kind| kind.as_str().starts_with("comment")) {
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
