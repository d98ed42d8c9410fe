//! The statements that exchange feedbacks and decisions. Tables: `feedbacks`, `decisions`.

use super::exchange::{DecisionRow, Row, resolved_by_default};
use crate::base::error::Result;
use crate::base::ids::{FeedbackId, ProjectId, UserId};
use crate::base::row::PAGE;
use crate::engines::store::{Db, Tx, params};

/// Are the project and the person there?
pub(super) fn place(db: &Db, project: ProjectId, user: UserId) -> Result<(bool, bool)> {
    let found = db.one(
        "SELECT EXISTS (SELECT 1 FROM projects WHERE id = ?1), EXISTS (SELECT 1 FROM users WHERE id = ?2)",
        params![project, user],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?;
    Ok(found.unwrap_or_default())
}

/// `false` if its id is taken.
pub(super) fn insert(tx: &mut Tx, r: &Row) -> Result<bool> {
    let added = tx.execute(
        "INSERT INTO feedbacks (id, project_id, user_id, title, description, timecode_ms, status, priority, created_ms,
            updated_ms, resolved_ms, deleted_ms, closed_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, CASE WHEN ?7 = 'closed' THEN ?10 END) ON CONFLICT DO NOTHING",
        params![
            r.id,
            r.project_id,
            r.user_id,
            r.title,
            r.text,
            r.timecode_ms,
            r.status,
            r.priority,
            r.created,
            r.updated,
            r.resolved.or(resolved_by_default(r.status, r.updated)),
            r.deleted
        ],
    )?;
    Ok(added == 1)
}

/// The feedback's project, and is the person there? `None` without the feedback.
pub(super) fn decision_place(db: &Db, feedback: FeedbackId, user: UserId) -> Result<Option<(ProjectId, bool)>> {
    db.one(
        "SELECT project_id, EXISTS (SELECT 1 FROM users WHERE id = ?2) FROM feedbacks WHERE id = ?1",
        params![feedback, user],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )
}

/// `false` if this person has one already.
pub(super) fn insert_decision(tx: &mut Tx, r: &DecisionRow) -> Result<bool> {
    let added = tx.execute(
        "INSERT INTO decisions (feedback_id, user_id, decision, note, updated_ms) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
        params![r.feedback_id, r.user_id, r.decision, r.note, r.updated],
    )?;
    Ok(added == 1)
}

pub(super) fn page(db: &Db, behind: FeedbackId) -> Result<Vec<Row>> {
    db.all(
        "SELECT id, project_id, user_id, title, description, timecode_ms, status, priority, created_ms, updated_ms,
            resolved_ms, deleted_ms
         FROM feedbacks WHERE id > ?1 ORDER BY id LIMIT ?2",
        params![behind, PAGE],
        |r| {
            let (status, updated) = (r.get(6)?, r.get(9)?);
            let resolved = r.get(10)?;
            Ok(Row {
                id: r.get(0)?,
                project_id: r.get(1)?,
                user_id: r.get(2)?,
                title: r.get(3)?,
                text: r.get(4)?,
                timecode_ms: r.get(5)?,
                status,
                priority: r.get(7)?,
                created: r.get(8)?,
                updated,
                resolved: if resolved == resolved_by_default(status, updated) { None } else { resolved },
                deleted: r.get(11)?,
            })
        },
    )
}

pub(super) fn decision_page(db: &Db, feedback: FeedbackId, user: UserId) -> Result<Vec<DecisionRow>> {
    db.all(
        "SELECT feedback_id, user_id, decision, note, updated_ms FROM decisions
         WHERE (feedback_id, user_id) > (?1, ?2) ORDER BY feedback_id, user_id LIMIT ?3",
        params![feedback, user, PAGE],
        |r| {
            Ok(DecisionRow {
                feedback_id: r.get(0)?,
                user_id: r.get(1)?,
                decision: r.get(2)?,
                note: r.get(3)?,
                updated: r.get(4)?,
            })
        },
    )
}
