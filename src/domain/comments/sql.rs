//! The statements of comments. Tables: `comments`, `reactions`.

use super::{Comment, Filter, Order, Reaction, Reactions, Stored};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::fields::Wanted;
use crate::base::ids::{CommentId, FeedbackId, ProjectId, UserId};
use crate::base::page::FeedSlice;
use crate::base::roles::{Right, Role};
use crate::domain::accounts::Person;
use crate::domain::{id_list, id_places};
use crate::engines::store::{Db, Row, SqlResult, Tx, params, params_from_iter};

/// Sort key of a comment without a moment: after all others.
pub(super) const NO_MOMENT: i64 = 1 << 52;

/// `?1` is the reader; `m.role` his role.
const COMMENT: &str = "c.id, c.feedback_id, c.project_id, c.parent_id, c.media_id, c.title, c.text, c.section,
    c.start_ms, c.end_ms, c.frame, c.security, c.internal, c.drawing, c.client_id, c.created_ms, c.updated_ms,
    c.resolved_ms, c.rev, c.user_id, u.nickname, c.resolved_by, v.nickname, m.role,
    (SELECT count(*) FROM reactions x WHERE x.comment_id = c.id AND x.kind = 'like'),
    (SELECT count(*) FROM reactions x WHERE x.comment_id = c.id AND x.kind = 'dislike'),
    (SELECT count(*) FROM reactions x WHERE x.comment_id = c.id AND x.kind = 'question'),
    EXISTS (SELECT 1 FROM reactions x WHERE x.comment_id = c.id AND x.user_id = ?1 AND x.kind = 'like'),
    EXISTS (SELECT 1 FROM reactions x WHERE x.comment_id = c.id AND x.user_id = ?1 AND x.kind = 'dislike'),
    EXISTS (SELECT 1 FROM reactions x WHERE x.comment_id = c.id AND x.user_id = ?1 AND x.kind = 'question')";

/// The same columns and joins, with nothing read for what is not wanted.
fn wanted_columns(w: &Wanted) -> (String, String) {
    let (mut columns, mut joins) = (COMMENT.to_owned(), JOINS.to_owned());
    if !w.any(&["reactions", "my_reactions"]) {
        columns = format!("{} 0, 0, 0, 0, 0, 0", COMMENT.split("(SELECT").next().unwrap_or_default());
    }
    if !w.has("user") {
        columns = columns.replace("u.nickname", "''");
        joins = joins.replace("JOIN users u ON u.id = c.user_id ", "");
    }
    if !w.has("resolved_by") {
        columns = columns.replace("c.resolved_by, v.nickname", "NULL, NULL");
        joins = joins.replace("LEFT JOIN users v ON v.id = c.resolved_by", "");
    }
    (columns.replace("c.drawing", w.or("drawing", "c.drawing", "NULL")), joins)
}

const JOINS: &str = "JOIN users u ON u.id = c.user_id LEFT JOIN users v ON v.id = c.resolved_by";

fn stored(r: &Row) -> SqlResult<Stored> {
    let drawing: Option<String> = r.get(13)?;
    let (created, updated): (Time, Time) = (r.get(15)?, r.get(16)?);
    let resolver: Option<UserId> = r.get(21)?;
    let mut mine = Vec::new();
    for (column, kind) in [(27, Reaction::Like), (28, Reaction::Dislike), (29, Reaction::Question)] {
        if r.get(column)? {
            mine.push(kind);
        }
    }
    Ok(Stored {
        author: Person { id: r.get(19)?, nickname: r.get(20)? },
        role: r.get(23)?,
        comment: Comment {
            id: r.get(0)?,
            feedback_id: r.get(1)?,
            project_id: r.get(2)?,
            parent_id: r.get(3)?,
            media_id: r.get(4)?,
            title: r.get(5)?,
            text: r.get(6)?,
            section: r.get(7)?,
            start_ms: r.get(8)?,
            end_ms: r.get(9)?,
            frame: r.get(10)?,
            security: r.get(11)?,
            internal: r.get(12)?,
            drawing: drawing.and_then(|d| serde_json::from_str(&d).ok()),
            user_id: None,
            user: None,
            is_mine: false,
            client_id: r.get(14)?,
            created,
            updated,
            edited: updated > created,
            resolved_at: r.get(17)?,
            resolved_by: match resolver {
                Some(id) => Some(Person { id, nickname: r.get(22)? }),
                None => None,
            },
            reactions: Reactions { like: r.get(24)?, dislike: r.get(25)?, question: r.get(26)? },
            my_reactions: Some(mine),
            rev: r.get(18)?,
        },
    })
}

pub(super) fn place_of(db: &Db, id: CommentId) -> Result<Option<(ProjectId, FeedbackId)>> {
    let sql = "SELECT project_id, feedback_id FROM comments WHERE id = ?1";
    db.one(sql, params![id], |r| Ok((r.get(0)?, r.get(1)?)))
}

/// As `user` sees it in this role.
pub(super) fn seen(db: &Db, user: UserId, role: Role, id: CommentId, wanted: &Wanted) -> Result<Option<Stored>> {
    let (columns, joins) = wanted_columns(wanted);
    db.one(
        &format!(
            "SELECT {columns} FROM comments c JOIN (SELECT ?3 AS role) m {joins}
             JOIN feedbacks f ON f.id = c.feedback_id AND f.deleted_ms IS NULL
             WHERE c.id = ?2 AND c.deleted_ms IS NULL AND (c.internal = 0 OR ?4)"
        ),
        params![user, id, role, role.may(Right::SeeInternal)],
        stored,
    )
}

/// The newest comments of several feedbacks, at most `limit` of each.
pub(super) fn newest_of(db: &Db, user: UserId, role: Role, feedbacks: &[i64], limit: i64) -> Result<Vec<Stored>> {
    if feedbacks.is_empty() {
        return Ok(Vec::new());
    }
    let list = id_list(feedbacks);
    db.all(
        &format!(
            "SELECT {COMMENT} FROM (
                SELECT x.*, row_number() OVER (
                    PARTITION BY x.feedback_id ORDER BY x.created_ms DESC, x.id DESC) AS place
                FROM comments x
                WHERE x.feedback_id IN ({list}) AND x.deleted_ms IS NULL AND (x.internal = 0 OR ?3)) c
             JOIN (SELECT ?2 AS role) m {JOINS} WHERE c.place <= ?4 ORDER BY c.feedback_id, c.place"
        ),
        params![user, role, role.may(Right::SeeInternal), limit],
        stored,
    )
}

pub(super) struct Parent {
    pub(super) id: CommentId,
    pub(super) parent: Option<CommentId>,
    pub(super) internal: bool,
}

/// Where a new comment would stand.
pub(super) struct Place {
    pub(super) project: ProjectId,
    pub(super) role: Role,
    pub(super) media_found: bool,
    pub(super) parent: Option<Parent>,
}

pub(super) fn place(db: &Db, user: UserId, c: &Comment) -> Result<Option<Place>> {
    db.one(
        "SELECT f.project_id, m.role, EXISTS (
                SELECT 1 FROM media v WHERE v.id = ?3 AND v.feedback_id = f.id AND v.deleted_ms IS NULL),
            c.id, c.parent_id, c.internal
         FROM feedbacks f JOIN projects p ON p.id = f.project_id AND p.deleted_ms IS NULL
         JOIN members m ON m.project_id = f.project_id AND m.user_id = ?2
         LEFT JOIN comments c ON c.id = ?4 AND c.feedback_id = f.id AND c.deleted_ms IS NULL
         WHERE f.id = ?1 AND f.deleted_ms IS NULL",
        params![c.feedback_id, user, c.media_id, c.parent_id],
        |r| {
            let parent = match r.get::<_, Option<CommentId>>(3)? {
                Some(id) => Some(Parent { id, parent: r.get(4)?, internal: r.get(5)? }),
                None => None,
            };
            Ok(Place { project: r.get(0)?, role: r.get(1)?, media_found: r.get(2)?, parent })
        },
    )
}

/// `None` if the feedback is not there: one that has no comments brings one row without any.
pub(super) fn feed(
    db: &Db,
    user: UserId,
    role: Role,
    feedback: FeedbackId,
    filter: &Filter,
    wanted: &Wanted,
    slice: FeedSlice,
) -> Result<Option<Vec<Stored>>> {
    let (columns, joins) = wanted_columns(wanted);
    let joins = joins.replacen("JOIN users u", "LEFT JOIN users u", 1);
    let (key, ascending) = match filter.order {
        Order::Created => ("c.created_ms".to_owned(), false),
        Order::Time => (format!("coalesce(c.start_ms, {NO_MOMENT})"), true),
    };
    let up = ascending != slice.backward();
    let (than, order) = if up { (">", "ASC") } else { ("<", "DESC") };
    let border = if slice.from.is_some() { format!("AND ({key}, c.id) {than} (?7, ?8)") } else { String::new() };
    let (border_key, border_id) = slice.border();
    let rows = db.all(
        &format!(
            "SELECT {columns} FROM feedbacks f JOIN (SELECT ?3 AS role) m
             LEFT JOIN comments c ON c.feedback_id = ?2 AND c.deleted_ms IS NULL AND (c.internal = 0 OR ?4)
               AND (?5 IS NULL OR (c.resolved_ms IS NOT NULL) = ?5) AND (?6 IS NULL OR c.media_id = ?6)
               AND (?7 IS NULL OR ?8 IS NOT NULL) {border}
             {joins} WHERE f.id = ?2 AND f.deleted_ms IS NULL ORDER BY {key} {order}, c.id {order} LIMIT ?9"
        ),
        params![
            user,
            feedback,
            role,
            role.may(Right::SeeInternal),
            filter.resolved,
            filter.media,
            border_key,
            border_id,
            slice.size + 1
        ],
        |r| if r.get::<_, Option<i64>>(0)?.is_some() { stored(r).map(Some) } else { Ok(None) },
    )?;
    Ok(if rows.is_empty() { None } else { Some(rows.into_iter().flatten().collect()) })
}

pub(super) fn newest(db: &Db, user: UserId, role: Role, project: ProjectId, limit: i64) -> Result<Vec<Stored>> {
    db.all(
        &format!(
            "SELECT {COMMENT} FROM comments c JOIN (SELECT ?3 AS role) m {JOINS}
             JOIN feedbacks f ON f.id = c.feedback_id AND f.deleted_ms IS NULL
             WHERE c.project_id = ?2 AND c.deleted_ms IS NULL AND (c.internal = 0 OR ?4)
             ORDER BY c.created_ms DESC, c.id DESC LIMIT ?5"
        ),
        params![user, project, role, role.may(Right::SeeInternal), limit],
        stored,
    )
}

pub(super) fn get(db: &Db, user: UserId, id: CommentId) -> Result<Option<Stored>> {
    db.one(
        &format!(
            "SELECT {COMMENT} FROM comments c JOIN feedbacks f ON f.id = c.feedback_id AND f.deleted_ms IS NULL
             JOIN projects p ON p.id = c.project_id AND p.deleted_ms IS NULL
             JOIN members m ON m.project_id = c.project_id AND m.user_id = ?1 {JOINS}
             WHERE c.id = ?2 AND c.deleted_ms IS NULL"
        ),
        params![user, id],
        stored,
    )
}

/// Those of `ids` that are there for a reader of this role.
pub(super) fn by_ids(db: &Db, user: UserId, role: Role, ids: &[CommentId]) -> Result<Vec<Stored>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = id_list(&ids.iter().map(|i| i.0).collect::<Vec<_>>());
    db.all(
        &format!(
            "SELECT {COMMENT} FROM comments c JOIN (SELECT ?2 AS role) m {JOINS}
             JOIN feedbacks f ON f.id = c.feedback_id AND f.deleted_ms IS NULL
             WHERE c.id IN ({list}) AND c.deleted_ms IS NULL AND (c.internal = 0 OR ?3)"
        ),
        params![user, role, role.may(Right::SeeInternal)],
        stored,
    )
}

/// Those of `ids` in the reader's projects, each with his role there; without reactions.
pub(super) fn found(db: &Db, user: UserId, ids: &[CommentId]) -> Result<Vec<Stored>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (places, values) = id_places(2, &ids.iter().map(|i| i.0).collect::<Vec<_>>());
    let columns = format!("{} 0, 0, 0, 0, 0, 0", COMMENT.split("(SELECT").next().unwrap_or_default());
    db.all(
        &format!(
            "SELECT {columns} FROM comments c JOIN feedbacks f ON f.id = c.feedback_id AND f.deleted_ms IS NULL
             JOIN projects p ON p.id = c.project_id AND p.deleted_ms IS NULL
             JOIN members m ON m.project_id = c.project_id AND m.user_id = ?1 {JOINS}
             WHERE c.id IN ({places}) AND c.deleted_ms IS NULL"
        ),
        params_from_iter([user.0].into_iter().chain(values)),
        stored,
    )
}

/// `None` if the same person has one under the same `client_id`.
pub(super) fn insert(tx: &mut Tx, author: UserId, c: &Comment) -> Result<Option<CommentId>> {
    tx.one(
        "INSERT INTO comments (feedback_id, project_id, user_id, parent_id, media_id, title, text, section, start_ms,
            end_ms, frame, security, internal, drawing, client_id, created_ms, updated_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?16)
         ON CONFLICT DO NOTHING RETURNING id",
        params![
            c.feedback_id,
            c.project_id,
            author,
            c.parent_id,
            c.media_id,
            c.title,
            c.text,
            c.section,
            c.start_ms,
            c.end_ms,
            c.frame,
            c.security,
            c.internal,
            c.drawing.as_ref().map(|d| d.to_string()),
            c.client_id,
            c.created
        ],
        |r| r.get(0),
    )
}

pub(super) fn by_client_id(db: &Db, user: UserId, client_id: Option<&str>) -> Result<Option<CommentId>> {
    db.one("SELECT id FROM comments WHERE user_id = ?1 AND client_id = ?2", params![user, client_id], |r| r.get(0))
}

pub(super) fn update(tx: &mut Tx, c: &Comment) -> Result<()> {
    tx.execute(
        "UPDATE comments SET title = ?2, text = ?3, section = ?4, start_ms = ?5, end_ms = ?6, frame = ?7,
            security = ?8, drawing = ?9, updated_ms = ?10, rev = ?11
         WHERE id = ?1",
        params![
            c.id,
            c.title,
            c.text,
            c.section,
            c.start_ms,
            c.end_ms,
            c.frame,
            c.security,
            c.drawing.as_ref().map(|d| d.to_string()),
            c.updated,
            c.rev
        ],
    )?;
    Ok(())
}

/// With its replies.
pub(super) fn delete(tx: &mut Tx, id: CommentId) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE comments SET deleted_ms = ?2, rev = rev + 1
         WHERE (id = ?1 OR parent_id = ?1) AND deleted_ms IS NULL",
        params![id, now],
    )?;
    Ok(())
}

pub(super) fn set_resolved(tx: &mut Tx, id: CommentId, at: Option<Time>, by: Option<UserId>) -> Result<()> {
    tx.execute(
        "UPDATE comments SET resolved_ms = ?2, resolved_by = ?3, rev = rev + 1 WHERE id = ?1",
        params![id, at, by],
    )?;
    Ok(())
}

/// Did it change anything?
pub(super) fn set_reaction(tx: &mut Tx, id: CommentId, user: UserId, kind: Reaction, given: bool) -> Result<bool> {
    let now = tx.now();
    let changed = if given {
        tx.execute(
            "INSERT INTO reactions (comment_id, user_id, kind, created_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
            params![id, user, kind, now],
        )?
    } else {
        tx.execute(
            "DELETE FROM reactions WHERE comment_id = ?1 AND user_id = ?2 AND kind = ?3",
            params![id, user, kind],
        )?
    };
    Ok(changed > 0)
}
