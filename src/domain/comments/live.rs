//! What a room hears of comments: at the commit, and later in a replay from the rows as they stand then.

use serde_json::{Value, json};

use super::{Stored, sql};
use crate::base::error::Result;
use crate::base::event::{Audience, Live};
use crate::base::ids::{CommentId, UserId};
use crate::base::roles::Role;
use crate::domain::accounts::Viewer;
use crate::engines::store::Db;

fn audience(c: &Stored) -> Audience {
    if c.comment.internal { Audience::Team } else { Audience::All }
}

fn shown(kind: &str, c: &Stored) -> Live {
    let (all, own) = (c.shown(None), c.shown(Some(c.author.id)));
    Live {
        audience: audience(c),
        message: json!({ "type": kind, "user_id": all.user_id, "comment": all }),
        own: Some((c.author.id, json!({ "type": kind, "user_id": own.user_id, "comment": own }))),
    }
}

pub(super) fn added(c: &Stored) -> Live {
    shown("comment", c)
}

/// The message is for all readers and the author; neither carries `my_reactions` of the one who caused it.
pub(super) fn changed(c: &Stored) -> Live {
    let mut plain = c.clone();
    plain.comment.my_reactions = None;
    shown("comment_changed", &plain)
}

pub(super) fn deleted(c: &Stored) -> Live {
    Live { audience: audience(c), message: gone(c.comment.id, c.comment.feedback_id.0), own: None }
}

fn gone(id: CommentId, feedback: i64) -> Value {
    json!({ "type": "comment_deleted", "comment_id": id, "feedback_id": feedback })
}

pub(super) fn reacted(c: &Stored) -> Live {
    let message = json!({
        "type": "reaction", "comment_id": c.comment.id, "feedback_id": c.comment.feedback_id,
        "reactions": c.comment.reactions,
    });
    Live { audience: audience(c), message, own: None }
}

/// What `who` may hear of these comments as they stand now: (id, comment) of those that are there for him.
pub fn replay(db: &Db, who: &Viewer, role: Role, ids: &[CommentId]) -> Result<Vec<(CommentId, Value)>> {
    let rows = sql::by_ids(db, who.user, role, ids)?;
    let shown = |c: &Stored| serde_json::to_value(c.shown(Some(who.user))).unwrap_or_default();
    Ok(rows.iter().map(|c| (c.comment.id, shown(c))).collect())
}

/// These comments as anybody of this role may be told of them, outside of the program as well: (id, comment).
pub fn public(db: &Db, role: Role, ids: &[CommentId]) -> Result<Vec<(CommentId, Value)>> {
    let rows = sql::by_ids(db, UserId(0), role, ids)?;
    Ok(rows.iter().map(|c| (c.comment.id, serde_json::to_value(c.shown(None)).unwrap_or_default())).collect())
}
