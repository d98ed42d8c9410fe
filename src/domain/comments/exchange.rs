//! Comments and reactions as lines of `comments.jsonl` and `reactions.jsonl`.
//!
//! An imported comment keeps the laws of the noun: its moment comes from its section if it names none, a reply hangs on a
//! comment and is internal if that one is. An export names authors, of anonymous comments too: it is for whoever holds the
//! data directory anyway.

use serde::Serialize;
use serde_json::Value;

use super::{NewComment, Reaction, check, draft, section, sql_exchange};
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::{CommentId, FeedbackId, MediaId, UserId};
use crate::base::locale::Text;
use crate::base::row::{self, Fields, Lines};
use crate::engines::store::{Db, Tx};

/// A line of `comments.jsonl`. What is `None` or false behind `created` is the default and is not written.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) id: CommentId,
    pub(super) feedback_id: FeedbackId,
    pub(super) user_id: UserId,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) section: String,
    pub(super) security: bool,
    pub(super) created: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) updated: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent_id: Option<CommentId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) internal: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) media_id: Option<MediaId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frame: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) drawing: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resolved: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resolved_by: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deleted: Option<Time>,
}

/// The moment as a line has to tell it: not at all if the section tells the same.
pub(super) fn told_moment(section: &str, moment: (Option<i64>, Option<i64>)) -> (Option<i64>, Option<i64>) {
    match section::parse(section) {
        Some((start, end)) if moment == (Some(start), end) => (None, None),
        _ => moment,
    }
}

/// Adds the comment of one line.
pub fn import(tx: &mut Tx, f: &mut Fields) -> Result<()> {
    let (id, feedback_id) = (f.own_id(CommentId), f.id("feedback_id", FeedbackId));
    let mut c = draft(
        feedback_id,
        NewComment {
            text: f.text("text"),
            title: f.text("title"),
            section: f.text("section"),
            security: f.flag("security"),
            internal: f.flag("internal"),
            media_id: f.maybe("media_id", MediaId),
            start_ms: f.number("start_ms"),
            end_ms: f.number("end_ms"),
            frame: f.number("frame"),
            parent_id: f.maybe("parent_id", CommentId),
            drawing: f.json("drawing"),
            client_id: f.maybe_text("client_id"),
        },
    );
    f.hold(check(&mut c))?;
    let created = f.time("created");
    let mut row = Row {
        id,
        feedback_id,
        user_id: f.id("user_id", UserId),
        title: c.title,
        text: c.text,
        section: c.section,
        security: c.security,
        created,
        updated: f.maybe_time("updated"),
        parent_id: c.parent_id,
        internal: c.internal,
        media_id: c.media_id,
        start_ms: c.start_ms,
        end_ms: c.end_ms,
        frame: c.frame,
        drawing: c.drawing,
        client_id: c.client_id,
        resolved: f.maybe_time("resolved"),
        resolved_by: f.maybe("resolved_by", UserId),
        deleted: f.maybe_time("deleted"),
    };
    if row.resolved_by.is_some() && row.resolved.is_none() {
        f.wrong("resolved", Text::new("invalid.required"));
    }
    f.done()?;
    let place = sql_exchange::place(tx, &row)?;
    let place = place.ok_or_else(|| row::no_such("feedback_id", "feedback", feedback_id.0))?;
    if !place.user_found {
        return Err(row::no_such("user_id", "account", row.user_id.0));
    }
    if let (false, Some(by)) = (place.resolver_found, row.resolved_by) {
        return Err(row::no_such("resolved_by", "account", by.0));
    }
    if let Some(wanted) = row.parent_id {
        let Some(parent) = place.parent else {
            let text = Text::new("invalid.no_such_parent").with("noun", "comment").with("id", wanted);
            return Err(Error::invalid("parent_id", text));
        };
        row.parent_id = Some(parent.parent.unwrap_or(parent.id));
        row.internal |= parent.internal;
    }
    if row.media_id.is_some() && !place.media_found {
        row.media_id = None;
        f.note(Text::new("note.no_film"));
    }
    if !sql_exchange::insert(tx, &row, place.project)? {
        return Err(if sql_exchange::exists(tx, id)? {
            row::taken("comment", id.0)
        } else {
            Error::invalid("client_id", Text::new("invalid.client_id_twice"))
        });
    }
    tx.record(Some(place.project), Some(row.user_id), &Event::CommentAdded { comment: id, feedback: feedback_id })?;
    Ok(())
}

/// A line of `reactions.jsonl`.
#[derive(Serialize)]
pub(super) struct ReactionRow {
    pub(super) comment_id: CommentId,
    pub(super) user_id: UserId,
    pub(super) kind: Reaction,
    pub(super) created: Time,
}

/// Adds the reaction of one line.
pub fn import_reaction(tx: &mut Tx, f: &mut Fields) -> Result<()> {
    let row = ReactionRow {
        comment_id: f.id("comment_id", CommentId),
        user_id: f.id("user_id", UserId),
        kind: f.choice("kind", &[("needExplanation", Reaction::Question)]).unwrap_or_else(|| {
            f.wrong("kind", Text::new("invalid.required"));
            Reaction::Like
        }),
        created: f.time("created"),
    };
    f.done()?;
    let (comment, user) = (row.comment_id, row.user_id);
    let place = sql_exchange::reaction_place(tx, comment, user)?;
    let place = place.ok_or_else(|| row::no_such("comment_id", "comment", comment.0))?;
    if !place.user_found {
        return Err(row::no_such("user_id", "account", user.0));
    }
    if !sql_exchange::insert_reaction(tx, &row)? {
        return Err(Error::invalid("kind", Text::new("invalid.reacted_twice").with("comment", comment)));
    }
    let event = Event::ReactionAdded { comment, feedback: place.feedback };
    tx.record(Some(place.project), Some(user), &event)?;
    Ok(())
}

/// Writes all comments.
pub fn export(db: &Db, out: Lines) -> Result<()> {
    row::write(CommentId(0), |behind| sql_exchange::page(db, *behind), |r| r.id, out)
}

/// Writes all reactions.
pub fn export_reactions(db: &Db, out: Lines) -> Result<()> {
    let first = (CommentId(0), UserId(0), String::new());
    let page = |behind: &(CommentId, UserId, String)| sql_exchange::reaction_page(db, behind.0, behind.1, &behind.2);
    row::write(first, page, |r| (r.comment_id, r.user_id, r.kind.to_string()), out)
}
