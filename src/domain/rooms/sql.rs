//! What rooms ask of the tables of others. They write nothing.

use crate::base::error::Result;
use crate::base::event::Event;
use crate::base::ids::{FeedbackId, MediaId, ProjectId, UserId};
use crate::engines::store::{Db, params};

/// Is it a version of this feedback in this project, none of them in the trash?
pub(super) fn shows(db: &Db, project: ProjectId, feedback: FeedbackId, media: MediaId) -> Result<bool> {
    let found = db.one(
        "SELECT 1 FROM media m JOIN feedbacks f ON f.id = m.feedback_id
         WHERE m.id = ?1 AND m.feedback_id = ?2 AND f.project_id = ?3 AND m.deleted_ms IS NULL AND f.deleted_ms IS NULL",
        params![media, feedback, project],
        |r| r.get::<_, i64>(0),
    )?;
    Ok(found.is_some())
}

pub(super) fn last(db: &Db) -> Result<i64> {
    Ok(db.one("SELECT max(seq) FROM events", params![], |r| r.get(0))?.flatten().unwrap_or(0))
}

/// Has something happened after `since` in a project to which he belongs? A look into an index for each.
pub(super) fn moved(db: &Db, user: UserId, since: i64) -> Result<bool> {
    let found = db.one(
        "SELECT 1 FROM members m WHERE m.user_id = ?1
           AND (SELECT max(e.seq) FROM events e WHERE e.project_id = m.project_id) > ?2 LIMIT 1",
        params![user, since],
        |r| r.get::<_, i64>(0),
    )?;
    Ok(found.is_some())
}

/// Was he taken out of a project after `since`?
pub(super) fn removed(db: &Db, user: UserId, since: i64) -> Result<bool> {
    let bodies = db.all(
        "SELECT body FROM events WHERE seq > ?1 AND verb = 'member_removed' ORDER BY seq",
        params![since],
        |r| r.get::<_, String>(0),
    )?;
    let his =
        |body: &String| matches!(serde_json::from_str(body), Ok(Event::MemberRemoved { user: of, .. }) if of == user);
    Ok(bodies.iter().any(his))
}
