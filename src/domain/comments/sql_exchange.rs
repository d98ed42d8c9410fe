//! The statements that exchange comments and reactions. Tables: `comments`, `reactions`.

use super::exchange::{ReactionRow, Row, told_moment};
use super::sql::Parent;
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{CommentId, FeedbackId, ProjectId, UserId};
use crate::base::row::PAGE;
use crate::engines::store::{Db, Tx, params};

/// What a new comment meets.
pub(super) struct Place {
    pub(super) project: ProjectId,
    pub(super) user_found: bool,
    pub(super) resolver_found: bool,
    pub(super) media_found: bool,
    pub(super) parent: Option<Parent>,
}

/// `None` without the feedback. What was deleted is there as well: its comments come along.
pub(super) fn place(db: &Db, r: &Row) -> Result<Option<Place>> {
    db.one(
        "SELECT f.project_id, EXISTS (SELECT 1 FROM users WHERE id = ?2), EXISTS (SELECT 1 FROM users WHERE id = ?3),
            EXISTS (SELECT 1 FROM media v WHERE v.id = ?4 AND v.feedback_id = f.id), c.id, c.parent_id, c.internal
         FROM feedbacks f LEFT JOIN comments c ON c.id = ?5 AND c.feedback_id = f.id WHERE f.id = ?1",
        params![r.feedback_id, r.user_id, r.resolved_by, r.media_id, r.parent_id],
        |r| {
            let parent = match r.get::<_, Option<CommentId>>(4)? {
                Some(id) => Some(Parent { id, parent: r.get(5)?, internal: r.get(6)? }),
                None => None,
            };
            Ok(Place {
                project: r.get(0)?,
                user_found: r.get(1)?,
                resolver_found: r.get(2)?,
                media_found: r.get(3)?,
                parent,
            })
        },
    )
}

/// `false` if its id is taken, or the `client_id` by another comment of the same person.
pub(super) fn insert(tx: &mut Tx, r: &Row, project: ProjectId) -> Result<bool> {
    let added = tx.execute(
        "INSERT INTO comments (id, feedback_id, project_id, user_id, parent_id, media_id, title, text, section,
            start_ms, end_ms, frame, security, internal, drawing, client_id, created_ms, updated_ms, resolved_ms,
            resolved_by, deleted_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
         ON CONFLICT DO NOTHING",
        params![
            r.id,
            r.feedback_id,
            project,
            r.user_id,
            r.parent_id,
            r.media_id,
            r.title,
            r.text,
            r.section,
            r.start_ms,
            r.end_ms,
            r.frame,
            r.security,
            r.internal,
            r.drawing.as_ref().map(|d| d.to_string()),
            r.client_id,
            r.created,
            r.updated.unwrap_or(r.created),
            r.resolved,
            r.resolved_by,
            r.deleted
        ],
    )?;
    Ok(added == 1)
}

pub(super) fn exists(db: &Db, id: CommentId) -> Result<bool> {
    Ok(db.one("SELECT 1 FROM comments WHERE id = ?1", params![id], |_| Ok(()))?.is_some())
}

/// What a new reaction meets.
pub(super) struct ReactionPlace {
    pub(super) feedback: FeedbackId,
    pub(super) project: ProjectId,
    pub(super) user_found: bool,
}

pub(super) fn reaction_place(db: &Db, comment: CommentId, user: UserId) -> Result<Option<ReactionPlace>> {
    db.one(
        "SELECT feedback_id, project_id, EXISTS (SELECT 1 FROM users WHERE id = ?2) FROM comments WHERE id = ?1",
        params![comment, user],
        |r| Ok(ReactionPlace { feedback: r.get(0)?, project: r.get(1)?, user_found: r.get(2)? }),
    )
}

/// `false` if it was given already.
pub(super) fn insert_reaction(tx: &mut Tx, r: &ReactionRow) -> Result<bool> {
    let added = tx.execute(
        "INSERT INTO reactions (comment_id, user_id, kind, created_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        params![r.comment_id, r.user_id, r.kind, r.created],
    )?;
    Ok(added == 1)
}

pub(super) fn page(db: &Db, behind: CommentId) -> Result<Vec<Row>> {
    db.all(
        "SELECT id, feedback_id, user_id, title, text, section, security, created_ms, updated_ms, parent_id, internal,
            media_id, start_ms, end_ms, frame, drawing, client_id, resolved_ms, resolved_by, deleted_ms
         FROM comments WHERE id > ?1 ORDER BY id LIMIT ?2",
        params![behind, PAGE],
        |r| {
            let (section, created): (String, Time) = (r.get(5)?, r.get(7)?);
            let (start_ms, end_ms) = told_moment(&section, (r.get(12)?, r.get(13)?));
            let drawing: Option<String> = r.get(15)?;
            Ok(Row {
                id: r.get(0)?,
                feedback_id: r.get(1)?,
                user_id: r.get(2)?,
                title: r.get(3)?,
                text: r.get(4)?,
                section,
                security: r.get(6)?,
                created,
                updated: Some(r.get(8)?).filter(|u| *u != created),
                parent_id: r.get(9)?,
                internal: r.get(10)?,
                media_id: r.get(11)?,
                start_ms,
                end_ms,
                frame: r.get(14)?,
                drawing: drawing.and_then(|d| serde_json::from_str(&d).ok()),
                client_id: r.get(16)?,
                resolved: r.get(17)?,
                resolved_by: r.get(18)?,
                deleted: r.get(19)?,
            })
        },
    )
}

pub(super) fn reaction_page(db: &Db, comment: CommentId, user: UserId, kind: &str) -> Result<Vec<ReactionRow>> {
    db.all(
        "SELECT comment_id, user_id, kind, created_ms FROM reactions
         WHERE (comment_id, user_id, kind) > (?1, ?2, ?3) ORDER BY comment_id, user_id, kind LIMIT ?4",
        params![comment, user, kind, PAGE],
        |r| Ok(ReactionRow { comment_id: r.get(0)?, user_id: r.get(1)?, kind: r.get(2)?, created: r.get(3)? }),
    )
}
