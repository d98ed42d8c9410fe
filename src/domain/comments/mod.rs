//! Comments at a moment of a film, with replies, reactions and drawings.
//!
//! Laws: a comment with `security` (익명) shows its author to the author alone, in every output; `Stored::shown` is the
//! one place that decides it. An internal comment is not there for who may not see internal ones. Two comments with one
//! `client_id` of one person are one. A reply hangs on a comment, never on a reply, and is internal if that one is.
//! Written here only: `comments`, `reactions`.

pub mod exchange;
mod live;
pub mod routes;
pub mod section;
mod sql;
mod sql_exchange;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Check, Error, Result};
use crate::base::event::Event;
use crate::base::fields::{Shape, Wanted};
use crate::base::ids::{CommentId, FeedbackId, MediaId, ProjectId, UserId};
use crate::base::locale::Text;
use crate::base::page::{Feed, FeedSlice};
use crate::base::roles::{Right, Role};
use crate::closed_set;
use crate::domain::EMBEDDED;
use crate::domain::accounts::{Person, Viewer};
use crate::domain::feedback;
use crate::domain::projects::judge;
use crate::engines::store::{Db, Tx};
use crate::text_columns;
pub use live::{public, replay};

closed_set! {
    /// What one may say to a comment without words.
    Reaction {
        /// 좋아요
        Like = "like",
        /// 싫어요
        Dislike = "dislike",
        /// 질문 있어요
        Question = "question",
    }
}

text_columns!(Reaction);

/// Bytes of a drawing's JSON.
const DRAWING_MAX: usize = 64 << 10;
/// A film's moments are below this: 100 hours.
const MOMENT_MAX: i64 = 360_000_000;

/// How often each reaction was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // As in `Reaction`.
pub struct Reactions {
    pub like: i64,
    pub dislike: i64,
    pub question: i64,
}

/// A comment as it may be shown to one reader.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// Under which feedback.
    pub feedback_id: FeedbackId,
    /// In which project.
    pub project_id: ProjectId,
    /// The comment that it replies to.
    #[schema(example = json!(null))]
    pub parent_id: Option<CommentId>,
    /// On which version it was made.
    pub media_id: Option<MediaId>,
    /// Title.
    #[schema(example = "자막")]
    pub title: String,
    /// Text.
    #[schema(example = "인터뷰 자막에 오타가 있습니다. '연구서' → '연구소'로 고쳐 주세요.")]
    pub text: String,
    /// 구간 as written.
    #[schema(example = "00:42~00:48")]
    pub section: String,
    /// Moment, or begin of an interval.
    #[schema(example = 42000)]
    pub start_ms: Option<i64>,
    /// End of an interval.
    #[schema(example = 48000)]
    pub end_ms: Option<i64>,
    /// Frame number at `start_ms`.
    #[schema(example = 1008)]
    pub frame: Option<i64>,
    /// 익명
    pub security: bool,
    /// For the team alone.
    pub internal: bool,
    /// Strokes over the picture, as the page drew them.
    #[schema(example = json!(null))]
    pub drawing: Option<Value>,
    /// The author; `null` where he is not to be known.
    pub user_id: Option<UserId>,
    /// The author; `null` where he is not to be known.
    pub user: Option<Person>,
    /// Is it the reader's own?
    #[schema(example = true)]
    pub is_mine: bool,
    /// What the author's page called it; for the author alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "c-20261124-1")]
    pub client_id: Option<String>,
    /// Since when.
    pub created: Time,
    /// Last change of its content.
    pub updated: Time,
    /// Was its content changed?
    pub edited: bool,
    /// Resolved since.
    #[schema(example = json!(null))]
    pub resolved_at: Option<Time>,
    /// Who resolved it; `null` where that would tell an anonymous author.
    #[schema(example = json!(null))]
    pub resolved_by: Option<Person>,
    /// How often each reaction was given.
    pub reactions: Reactions,
    /// The reader's own reactions; absent where the message is for all readers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub my_reactions: Option<Vec<Reaction>>,
    /// Revision, for `ETag` and `If-Match`.
    #[serde(skip)]
    pub rev: i64,
}

/// A comment as it is stored, with its author. Never leaves this noun: `Stored::shown` makes what may.
#[derive(Clone, Debug)]
struct Stored {
    comment: Comment,
    author: Person,
    role: Role,
}

impl Stored {
    /// As `reader` may see it; `None` is everybody else.
    fn shown(&self, reader: Option<UserId>) -> Comment {
        let mut c = self.comment.clone();
        c.is_mine = reader == Some(self.author.id);
        if c.is_mine || !c.security {
            c.user_id = Some(self.author.id);
            c.user = Some(self.author.clone());
        } else if c.resolved_by.as_ref().is_some_and(|p| p.id == self.author.id) {
            c.resolved_by = None;
        }
        if !c.is_mine {
            c.client_id = None;
        }
        if reader.is_none() {
            c.my_reactions = None;
        }
        c
    }
}

/// A new comment.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `Comment`.
#[schema(example = json!({
    "text": "인터뷰 자막에 오타가 있습니다. '연구서' → '연구소'로 고쳐 주세요.", "section": "00:42~00:48",
    "client_id": "c-20261124-1"
}))]
pub struct NewComment {
    #[schema(min_length = 1, max_length = 10_000)]
    pub text: String,
    #[serde(default)]
    #[schema(max_length = 200)]
    pub title: String,
    #[serde(default)]
    #[schema(max_length = 100, example = "00:42~00:48")]
    pub section: String,
    #[serde(default)]
    pub security: bool,
    #[serde(default)]
    pub internal: bool,
    pub media_id: Option<MediaId>,
    #[schema(minimum = 0, maximum = 360_000_000)]
    pub start_ms: Option<i64>,
    #[schema(minimum = 0, maximum = 360_000_000)]
    pub end_ms: Option<i64>,
    #[schema(minimum = 0)]
    pub frame: Option<i64>,
    pub parent_id: Option<CommentId>,
    pub drawing: Option<Value>,
    #[schema(pattern = "^[A-Za-z0-9._:-]{1,64}$")]
    pub client_id: Option<String>,
}

/// A change of a comment: what is not named stays.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `Comment`.
#[schema(example = json!({ "text": "드론 컷 다음 전환이 튀어요. 디졸브로 바꿔 볼 수 있을까요?", "section": "02:04" }))]
pub struct CommentPatch {
    #[schema(min_length = 1, max_length = 10_000)]
    pub text: Option<String>,
    #[schema(max_length = 200)]
    pub title: Option<String>,
    #[schema(max_length = 100, example = "00:42~00:48")]
    pub section: Option<String>,
    pub security: Option<bool>,
    #[serde(default, deserialize_with = "crate::domain::present")]
    #[schema(minimum = 0, maximum = 360_000_000)]
    pub start_ms: Option<Option<i64>>,
    #[serde(default, deserialize_with = "crate::domain::present")]
    #[schema(minimum = 0, maximum = 360_000_000)]
    pub end_ms: Option<Option<i64>>,
    #[serde(default, deserialize_with = "crate::domain::present")]
    #[schema(minimum = 0)]
    pub frame: Option<Option<i64>>,
    #[serde(default, deserialize_with = "crate::domain::present")]
    pub drawing: Option<Option<Value>>,
}

/// Holds what must be true of a comment's content, new or changed; fills the moment from the section.
fn check(c: &mut Comment) -> Result<()> {
    for text in [&mut c.text, &mut c.title, &mut c.section] {
        *text = text.trim().to_owned();
    }
    if c.start_ms.is_none()
        && let Some((start, end)) = section::parse(&c.section)
    {
        (c.start_ms, c.end_ms) = (Some(start), c.end_ms.or(end));
    }
    let moment = |ms: Option<i64>| ms.is_none_or(|ms| (0..=MOMENT_MAX).contains(&ms));
    let range = || Text::new("invalid.range").with("min", 0).with("max", MOMENT_MAX);
    let drawing_ok =
        c.drawing.as_ref().is_none_or(|d| (d.is_object() || d.is_array()) && d.to_string().len() <= DRAWING_MAX);
    Check::new()
        .text("text", &c.text, 1, 10_000)
        .text("title", &c.title, 0, 200)
        .text("section", &c.section, 0, 100)
        .that(moment(c.start_ms), "start_ms", range())
        .that(moment(c.end_ms), "end_ms", range())
        .that(
            c.end_ms.is_none_or(|e| c.start_ms.is_some_and(|s| s <= e)),
            "end_ms",
            Text::new("invalid.end_before_start"),
        )
        .that(c.frame.is_none_or(|f| f >= 0), "frame", Text::new("invalid.negative"))
        .that(drawing_ok, "drawing", Text::new("invalid.drawing").with("max", DRAWING_MAX >> 10))
        .that(c.client_id.as_ref().is_none_or(|id| is_client_id(id)), "client_id", Text::new("invalid.client_id"))
        .done()
}

fn is_client_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
}

/// What the feed is filtered and sorted by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only resolved (or only unresolved) ones.
    pub resolved: Option<bool>,
    /// Only those made on this version.
    pub media: Option<MediaId>,
    /// Newest first, or by their moment in the film.
    pub order: Order,
}

closed_set! {
    /// Orders of the comment feed.
    #[derive(Default)]
    Order {
        /// Newest first.
        #[default]
        Created = "created",
        /// By moment; those without one last.
        Time = "time",
    }
}

/// What can be asked of a comment.
pub const SHAPE: Shape = Shape {
    fields: &[
        "id",
        "feedback_id",
        "project_id",
        "parent_id",
        "media_id",
        "title",
        "text",
        "section",
        "start_ms",
        "end_ms",
        "frame",
        "security",
        "internal",
        "drawing",
        "user_id",
        "user",
        "is_mine",
        "client_id",
        "created",
        "updated",
        "edited",
        "resolved_at",
        "resolved_by",
        "reactions",
        "my_reactions",
    ],
    expand: &["user"],
};

/// In which project and feedback a comment stands; known without a statement after the first time.
async fn place_of(app: &App, id: CommentId) -> Result<(ProjectId, FeedbackId)> {
    if let Some(known) = app.cache.place_of_comment(id) {
        return Ok(known);
    }
    let place = app.read(move |db| sql::place_of(db, id)).await?.ok_or(Error::NotFound("comment"))?;
    app.cache.place_comment(id, place);
    Ok(place)
}

/// The newest comments of these feedbacks that the viewer may see, for embedding.
pub fn embed(db: &Db, who: &Viewer, role: Role, feedbacks: &[i64]) -> Result<Vec<(i64, Value)>> {
    let rows = sql::newest_of(db, who.user, role, feedbacks, EMBEDDED)?;
    let shown = |c: &Stored| {
        let value = serde_json::to_value(c.shown(Some(who.user))).map_err(Error::internal)?;
        Ok((c.comment.feedback_id.0, value))
    };
    rows.iter().map(shown).collect()
}

/// The comments and replies of a feedback that the viewer may see in this role.
pub fn list(
    db: &Db,
    who: &Viewer,
    role: Role,
    id: FeedbackId,
    filter: &Filter,
    wanted: &Wanted,
    slice: FeedSlice,
) -> Result<Feed<Comment>> {
    judge(Some(role), Right::View, "feedback")?;
    let rows = sql::feed(db, who.user, role, id, filter, wanted, slice)?.ok_or(Error::NotFound("feedback"))?;
    let shown = rows.iter().map(|c| c.shown(Some(who.user))).collect();
    let key = |c: &Comment| match filter.order {
        Order::Created => c.created.0,
        Order::Time => c.start_ms.unwrap_or(sql::NO_MOMENT),
    };
    Ok(Feed::new(slice, shown, |c| (key(c), c.id.0)))
}

/// One comment, for a reader of this role.
pub fn get(db: &Db, who: &Viewer, role: Role, id: CommentId, wanted: &Wanted) -> Result<Comment> {
    judge(Some(role), Right::View, "comment")?;
    let stored = sql::seen(db, who.user, role, id, wanted)?.ok_or(Error::NotFound("comment"))?;
    Ok(stored.shown(Some(who.user)))
}

/// The newest comments of a project that the viewer may see, newest first.
pub fn newest(db: &Db, who: &Viewer, project: ProjectId, role: Role, limit: i64) -> Result<Vec<Comment>> {
    let rows = sql::newest(db, who.user, role, project, limit)?;
    Ok(rows.iter().map(|c| c.shown(Some(who.user))).collect())
}

fn look(db: &Db, user: UserId, id: CommentId) -> Result<Stored> {
    let stored = sql::get(db, user, id)?.ok_or(Error::NotFound("comment"))?;
    let right = if stored.comment.internal { Right::SeeInternal } else { Right::View };
    // An internal comment is not there for a reviewer, rather than forbidden.
    if !stored.role.may(right) {
        return Err(Error::NotFound("comment"));
    }
    Ok(stored)
}

/// A comment that was added, or was there under its `client_id` already.
#[derive(Clone, Debug)]
pub struct Added {
    /// As its author sees it.
    pub comment: Comment,
    /// Its place in the journal; `None` if it was there already.
    pub seq: Option<i64>,
}

/// Adds a comment or a reply.
pub async fn add(app: &App, who: &Viewer, feedback: FeedbackId, new: NewComment) -> Result<Added> {
    let who = who.clone();
    let mut draft = draft(feedback, new);
    check(&mut draft)?;
    app.write(move |tx| insert(tx, &who.person(), draft)).await
}

fn draft(feedback: FeedbackId, new: NewComment) -> Comment {
    Comment {
        id: CommentId(0),
        feedback_id: feedback,
        project_id: ProjectId(0),
        parent_id: new.parent_id,
        media_id: new.media_id,
        title: new.title,
        text: new.text,
        section: new.section,
        start_ms: new.start_ms,
        end_ms: new.end_ms,
        frame: new.frame,
        security: new.security,
        internal: new.internal,
        drawing: new.drawing,
        user_id: None,
        user: None,
        is_mine: false,
        client_id: new.client_id,
        created: Time(0),
        updated: Time(0),
        edited: false,
        resolved_at: None,
        resolved_by: None,
        reactions: Reactions::default(),
        my_reactions: Some(Vec::new()),
        rev: 1,
    }
}

fn insert(tx: &mut Tx, author: &Person, mut c: Comment) -> Result<Added> {
    let place = sql::place(tx, author.id, &c)?.ok_or(Error::NotFound("feedback"))?;
    let role = judge(Some(place.role), Right::Comment, "feedback")?;
    if c.internal && !role.may(Right::SeeInternal) {
        return Err(Error::Forbidden);
    }
    if c.media_id.is_some() && !place.media_found {
        return Err(Error::invalid("media_id", Text::new("invalid.not_of_this_feedback")));
    }
    if c.parent_id.is_some() {
        let parent = place.parent.filter(|p| !p.internal || role.may(Right::SeeInternal));
        let parent = parent.ok_or_else(|| Error::invalid("parent_id", Text::new("invalid.not_of_this_feedback")))?;
        c.parent_id = Some(parent.parent.unwrap_or(parent.id));
        c.internal |= parent.internal;
    }
    c.project_id = place.project;
    (c.created, c.updated) = (tx.now(), tx.now());
    let Some(id) = sql::insert(tx, author.id, &c)? else {
        let id = sql::by_client_id(tx, author.id, c.client_id.as_deref())?.ok_or(Error::NotFound("comment"))?;
        return Ok(Added { comment: look(tx, author.id, id)?.shown(Some(author.id)), seq: None });
    };
    c.id = id;
    let stored = Stored { comment: c, author: author.clone(), role };
    let (feedback, project) = (stored.comment.feedback_id, stored.comment.project_id);
    let event = Event::CommentAdded { comment: id, feedback };
    let seq = tx.emit(Some(project), Some(author.id), event, Some(live::added(&stored)))?;
    Ok(Added { comment: stored.shown(Some(author.id)), seq: Some(seq) })
}

/// Adds a comment inside a change, unless the same person has added one under the same `client_id`.
pub fn plant(tx: &mut Tx, author: &Person, feedback: FeedbackId, new: NewComment) -> Result<Comment> {
    let mut draft = draft(feedback, new);
    check(&mut draft)?;
    Ok(insert(tx, author, draft)?.comment)
}

/// Changes a comment: its author alone.
pub async fn change(
    app: &App,
    who: &Viewer,
    id: CommentId,
    patch: CommentPatch,
    expected: Option<i64>,
) -> Result<Comment> {
    let user = who.user;
    app.write(move |tx| {
        let mut stored = look(tx, user, id)?;
        judge(Some(stored.role), Right::Comment, "comment")?;
        if stored.author.id != user {
            return Err(Error::Forbidden);
        }
        let c = &mut stored.comment;
        crate::domain::expect_rev(expected, c.rev)?;
        if let Some(section) = patch.section {
            // A new section brings its own moment, unless one is named beside it.
            c.section = section;
            (c.start_ms, c.end_ms, c.frame) = (None, None, None);
        }
        c.text = patch.text.unwrap_or(std::mem::take(&mut c.text));
        c.title = patch.title.unwrap_or(std::mem::take(&mut c.title));
        c.security = patch.security.unwrap_or(c.security);
        c.start_ms = patch.start_ms.unwrap_or(c.start_ms);
        c.end_ms = patch.end_ms.unwrap_or(c.end_ms);
        c.frame = patch.frame.unwrap_or(c.frame);
        c.drawing = patch.drawing.unwrap_or(c.drawing.take());
        check(c)?;
        c.updated = tx.now();
        c.edited = true;
        c.rev += 1;
        sql::update(tx, c)?;
        let event = Event::CommentChanged { comment: id, feedback: c.feedback_id };
        tx.emit(Some(c.project_id), Some(user), event, Some(live::changed(&stored)))?;
        Ok(stored.shown(Some(user)))
    })
    .await
}

/// Takes a comment and its replies away: its author, or who may manage the project.
pub async fn delete(app: &App, who: &Viewer, id: CommentId, expected: Option<i64>) -> Result<()> {
    let user = who.user;
    app.write(move |tx| {
        let stored = look(tx, user, id)?;
        let right = if stored.author.id == user { Right::Comment } else { Right::Manage };
        judge(Some(stored.role), right, "comment")?;
        crate::domain::expect_rev(expected, stored.comment.rev)?;
        sql::delete(tx, id)?;
        let event = Event::CommentDeleted { comment: id, feedback: stored.comment.feedback_id };
        tx.emit(Some(stored.comment.project_id), Some(user), event, Some(live::deleted(&stored)))?;
        Ok(())
    })
    .await
}

/// Resolves or reopens a comment: its author, or who may change the feedback.
pub async fn set_resolved(app: &App, who: &Viewer, id: CommentId, resolved: bool) -> Result<Comment> {
    let who = who.clone();
    app.write(move |tx| {
        let mut stored = look(tx, who.user, id)?;
        let right = if stored.author.id == who.user { Right::Comment } else { Right::Upload };
        judge(Some(stored.role), right, "comment")?;
        let c = &mut stored.comment;
        if c.resolved_at.is_some() != resolved {
            c.resolved_at = resolved.then(|| tx.now());
            c.resolved_by = resolved.then(|| who.person());
            c.rev += 1;
            sql::set_resolved(tx, id, c.resolved_at, resolved.then_some(who.user))?;
            let feedback = c.feedback_id;
            let event = if resolved {
                Event::CommentResolved { comment: id, feedback }
            } else {
                Event::CommentReopened { comment: id, feedback }
            };
            tx.emit(Some(c.project_id), Some(who.user), event, Some(live::changed(&stored)))?;
        }
        Ok(stored.shown(Some(who.user)))
    })
    .await
}

/// Gives or takes back a reaction.
pub async fn set_reaction(app: &App, who: &Viewer, id: CommentId, kind: Reaction, given: bool) -> Result<Comment> {
    let user = who.user;
    app.write(move |tx| {
        let mut stored = look(tx, user, id)?;
        judge(Some(stored.role), Right::Comment, "comment")?;
        if sql::set_reaction(tx, id, user, kind, given)? {
            let c = &mut stored.comment;
            let by = if given { 1 } else { -1 };
            match kind {
                Reaction::Like => c.reactions.like += by,
                Reaction::Dislike => c.reactions.dislike += by,
                Reaction::Question => c.reactions.question += by,
            }
            let mine = c.my_reactions.get_or_insert_default();
            mine.retain(|k| *k != kind);
            if given {
                mine.push(kind);
                mine.sort();
            }
            let feedback = c.feedback_id;
            let event = if given {
                Event::ReactionAdded { comment: id, feedback }
            } else {
                Event::ReactionRemoved { comment: id, feedback }
            };
            tx.emit(Some(c.project_id), Some(user), event, Some(live::reacted(&stored)))?;
        }
        Ok(stored.shown(Some(user)))
    })
    .await
}

/// Those of `ids` that the viewer may see, wherever they stand.
pub fn found(db: &Db, who: &Viewer, ids: &[CommentId]) -> Result<Vec<Comment>> {
    let rows = sql::found(db, who.user, ids)?;
    let seen = rows.iter().filter(|c| !c.comment.internal || c.role.may(Right::SeeInternal));
    Ok(seen.map(|c| c.shown(Some(who.user))).collect())
}

/// The feedback that a comment stands under, if the viewer may see both. For pages that are asked for a comment.
pub fn feedback_of(db: &Db, who: &Viewer, id: CommentId) -> Result<feedback::Feedback> {
    let stored = look(db, who.user, id)?;
    feedback::look(db, who.user, stored.comment.feedback_id, Right::View)
}
