//! The statements that read the journal. (It is written by `Tx::emit` alone.)

use super::Entry;
use crate::base::error::Result;
use crate::base::event::Event;
use crate::base::ids::{FeedbackId, ProjectId, UserId};
use crate::base::roles::{Right, Role};
use crate::engines::cache::{Moved, Rev};
use crate::engines::store::{Db, params};

/// What members read: not the sign-ins and admin actions, not what happens to internal comments unless they may see
/// them. An anonymous author is hidden by the comment as it stands now.
pub(super) fn after(
    db: &Db,
    reader: UserId,
    role: Role,
    project: ProjectId,
    after: i64,
    limit: i64,
) -> Result<Vec<Entry>> {
    let rows = db.all(
        "SELECT e.seq, e.at_ms, CASE WHEN c.security = 1 AND c.user_id = e.actor_id AND e.actor_id <> ?2 THEN NULL
                ELSE e.actor_id END, e.body
         FROM events e LEFT JOIN comments c ON e.subject = 'comment' AND c.id = e.subject_id
         WHERE e.project_id = ?1 AND e.seq > ?3 AND e.subject IN ('project', 'feedback', 'media', 'comment')
           AND (c.internal IS NULL OR c.internal = 0 OR ?4)
         ORDER BY e.seq LIMIT ?5",
        params![project, reader, after, role.may(Right::SeeInternal), limit],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get::<_, String>(3)?)),
    )?;
    // An event that a later version of the program wrote is passed over.
    let known = rows.into_iter().filter_map(|(seq, at, user_id, body)| {
        Some(Entry { seq, at, user_id, event: serde_json::from_str::<Event>(&body).ok()? })
    });
    Ok(known.collect())
}

/// A look into an index for each project, however long the journal is.
pub(super) fn last_of_projects(db: &Db) -> Result<Vec<(ProjectId, Moved)>> {
    db.all(
        "SELECT p.id, a.seq, a.at_ms, coalesce(f.seq, 0), coalesce(f.at_ms, 0) FROM projects p
         JOIN events a ON a.seq = (SELECT max(x.seq) FROM events x WHERE x.project_id = p.id)
         LEFT JOIN events f ON f.seq = (SELECT max(y.seq) FROM events y
             WHERE y.project_id = p.id AND y.subject IN ('project', 'feedback'))",
        params![],
        |r| {
            let all = Rev { seq: r.get(1)?, at: r.get(2)? };
            Ok((r.get(0)?, Moved { all, frame: Rev { seq: r.get(3)?, at: r.get(4)? } }))
        },
    )
}

pub(super) fn last_of_feedbacks(db: &Db) -> Result<Vec<(FeedbackId, Rev)>> {
    db.all(
        "SELECT f.id, e.seq, e.at_ms FROM feedbacks f
         JOIN events e ON e.seq = (SELECT max(x.seq) FROM events x WHERE x.feedback_id = f.id)",
        params![],
        |r| Ok((r.get(0)?, Rev { seq: r.get(1)?, at: r.get(2)? })),
    )
}

pub(super) fn last_of_all(db: &Db) -> Result<Option<Rev>> {
    db.one("SELECT seq, at_ms FROM events ORDER BY seq DESC LIMIT 1", params![], |r| {
        Ok(Rev { seq: r.get(0)?, at: r.get(1)? })
    })
}

pub(super) fn last_rename(db: &Db) -> Result<Option<Rev>> {
    db.one("SELECT seq, at_ms FROM events WHERE verb = 'user_changed' ORDER BY seq DESC LIMIT 1", params![], |r| {
        Ok(Rev { seq: r.get(0)?, at: r.get(1)? })
    })
}

pub(super) fn last(db: &Db, project: ProjectId) -> Result<i64> {
    let seq = db.one("SELECT max(seq) FROM events WHERE project_id = ?1", params![project], |r| r.get(0))?;
    Ok(seq.flatten().unwrap_or(0))
}
