//! The statements that read the journal, and the one that forgets. (It is written by `Tx::emit` alone.)
//! Setting `journal_pruned`: the last place from which an event of a project was taken.

use super::Entry;
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::event::{Event, SECURITY_SUBJECTS, SECURITY_VERBS};
use crate::base::ids::{FeedbackId, ProjectId, UserId};
use crate::base::roles::{Right, Role};
use crate::engines::cache::{Moved, Rev};
use crate::engines::store::{Db, Tx, params};

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
         WHERE e.project_id = ?1 AND e.seq > ?3 AND e.subject IN ('project', 'feedback', 'media', 'comment', 'entry', 'plan')
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

/// A stretch of old events.
pub(super) struct Step {
    /// Its last place.
    pub(super) last: i64,
    /// Its events.
    pub(super) events: i64,
}

/// The next `limit` events after `from` and before `mark` that are older than `before`. They stand in the order of time
/// (as far as the clock never went back), so the first younger one ends it.
pub(super) fn old_step(db: &Db, from: i64, mark: i64, before: Time, limit: i64) -> Result<Option<Step>> {
    let step = db.one(
        "SELECT max(seq), count(*) FROM (
            SELECT seq, at_ms FROM events WHERE seq > ?1 AND seq < ?2 ORDER BY seq LIMIT ?4) WHERE at_ms < ?3",
        params![from, mark, before, limit],
        |r| Ok((r.get::<_, Option<i64>>(0)?, r.get(1)?)),
    )?;
    Ok(step.and_then(|(last, events)| Some(Step { last: last?, events })))
}

/// The condition for an `events e` that is meant by `Event::is_security`.
pub(super) fn security() -> String {
    let list = |names: &[&str]| names.iter().map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", ");
    format!("(e.subject IN ({}) OR e.verb IN ({}))", list(&SECURITY_SUBJECTS), list(&SECURITY_VERBS))
}

/// Forgets the events after `from` up to `last` that are too old for their kind and the last of nothing.
pub(super) fn prune(tx: &mut Tx, from: i64, last: i64, plain: Time, security: Time) -> Result<usize> {
    let of_security = self::security();
    let gone: Vec<(i64, bool)> = tx.all(
        &format!(
            "SELECT e.seq, e.project_id IS NOT NULL FROM events e
             WHERE e.seq > ?1 AND e.seq <= ?2 AND e.at_ms < CASE WHEN {of_security} THEN ?4 ELSE ?3 END
               AND (e.project_id IS NULL
                    OR e.seq < (SELECT max(x.seq) FROM events x WHERE x.project_id = e.project_id))
               AND (e.project_id IS NULL OR e.subject NOT IN ('project', 'feedback')
                    OR e.seq < (SELECT max(x.seq) FROM events x
                        WHERE x.project_id = e.project_id AND x.subject IN ('project', 'feedback')))
               AND (e.feedback_id IS NULL
                    OR e.seq < (SELECT max(x.seq) FROM events x WHERE x.feedback_id = e.feedback_id))
               AND (e.verb <> 'user_changed'
                    OR e.seq < (SELECT max(x.seq) FROM events x WHERE x.verb = 'user_changed'))
             ORDER BY e.seq"
        ),
        params![from, last, plain, security],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )?;
    for (seq, _) in &gone {
        tx.execute("DELETE FROM events WHERE seq = ?1", params![seq])?;
    }
    if let Some((seq, _)) = gone.iter().rev().find(|(_, of_project)| *of_project) {
        tx.execute(
            "INSERT INTO settings (key, value) VALUES ('journal_pruned', ?1)
             ON CONFLICT (key) DO UPDATE SET value = ?1 WHERE CAST(value AS INTEGER) < CAST(?1 AS INTEGER)",
            params![seq.to_string()],
        )?;
    }
    Ok(gone.len())
}

/// The last place from which an event of a project was taken; 0 if none was.
pub(super) fn pruned(db: &Db) -> Result<i64> {
    let value =
        db.one("SELECT value FROM settings WHERE key = 'journal_pruned'", params![], |r| r.get::<_, String>(0))?;
    Ok(value.and_then(|text| text.parse().ok()).unwrap_or(0))
}
