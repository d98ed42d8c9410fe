//! The statements of notices: how far the journal was told, the notices themselves. Tables: `notice_cursor`, `notices`,
//! `notice_events`.

use serde_json::Value;

use super::deliver::Telling;
use super::{Filter, NoticeKind};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::event::Event;
use crate::base::ids::*;
use crate::base::page::FeedSlice;
use crate::engines::store::{Db, Row, SqlResult, Tx, params};

// The place in the journal ----------------------------------------------------------------------------------------

/// An event as it stands in the journal.
pub(super) struct Happened {
    pub(super) seq: i64,
    pub(super) at: Time,
    pub(super) project: Option<ProjectId>,
    pub(super) actor: Option<UserId>,
    /// `None`: written by a later version of the program.
    pub(super) event: Option<Event>,
}

pub(super) fn events(db: &Db, after: i64, limit: i64) -> Result<Vec<Happened>> {
    db.all(
        "SELECT seq, at_ms, project_id, actor_id, body FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        params![after, limit],
        |r| {
            let event = serde_json::from_str(&r.get::<_, String>(4)?).ok();
            Ok(Happened { seq: r.get(0)?, at: r.get(1)?, project: r.get(2)?, actor: r.get(3)?, event })
        },
    )
}

/// The verb of the event right behind `seq`.
pub(super) fn next_event(db: &Db, seq: i64) -> Result<Option<Event>> {
    let body = db.one("SELECT body FROM events WHERE seq = ?1", params![seq + 1], |r| r.get::<_, String>(0))?;
    Ok(body.and_then(|body| serde_json::from_str(&body).ok()))
}

/// The journal's oldest and last place; 0 while it is empty.
pub(super) fn ends(db: &Db) -> Result<(i64, i64)> {
    let ends = db.one("SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM events", params![], |r| {
        Ok((r.get(0)?, r.get(1)?))
    })?;
    Ok(ends.unwrap_or_default())
}

pub(super) fn lag(db: &Db) -> Result<i64> {
    let behind = "SELECT (SELECT coalesce(max(seq), 0) FROM events) - seq FROM notice_cursor WHERE id = 1";
    Ok(db.one(behind, params![], |r| r.get(0))?.unwrap_or(0))
}

pub(super) fn cursor(db: &Db) -> Result<i64> {
    Ok(db.one("SELECT seq FROM notice_cursor WHERE id = 1", params![], |r| r.get(0))?.unwrap_or(0))
}

/// Moves forward, never back.
pub(super) fn set_cursor(tx: &mut Tx, seq: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO notice_cursor (id, seq) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET seq = ?1 WHERE seq < ?1",
        params![seq],
    )?;
    Ok(())
}

// Notices, written ------------------------------------------------------------------------------------------------

/// Notes that an event is told to somebody; `false` if it was already.
pub(super) fn claim(tx: &mut Tx, seq: i64, user: UserId, kind: NoticeKind) -> Result<bool> {
    let new = tx.execute(
        "INSERT INTO notice_events (seq, user_id, kind) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![seq, user, kind],
    )?;
    Ok(new == 1)
}

/// How a notice goes by mail.
pub(super) struct ByMail {
    pub(super) mode: &'static str,
    pub(super) due: Option<Time>,
    pub(super) mail: Option<MailId>,
}

pub(super) fn insert(tx: &mut Tx, seq: i64, t: &Telling, app: bool, by: &ByMail) -> Result<NoticeId> {
    let now = tx.now();
    let id = tx.insert(
        "INSERT INTO notices (user_id, kind, seq, project_id, other_id, feedback_id, plan_id, comment_id, media_id,
            entry_id, invitation_id, actor_id, whom_id, facts, app, mail, mail_due_ms, mail_id, created_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        params![
            t.user,
            t.kind,
            seq,
            t.project,
            t.other,
            t.feedback,
            t.plan,
            t.comment,
            t.media,
            t.entry,
            t.invitation,
            t.actor,
            t.whom,
            t.facts.to_string(),
            app,
            by.mode,
            by.due,
            by.mail,
            now
        ],
    )?;
    Ok(NoticeId(id))
}

/// An unread notice, no older than `since` and not yet in a mail, that this one can be counted into.
pub(super) fn collapsible(db: &Db, t: &Telling, since: Time) -> Result<Option<NoticeId>> {
    db.one(
        "SELECT id FROM notices
         WHERE user_id = ?1 AND kind = ?2 AND read_ms IS NULL AND created_ms >= ?3 AND mail_id IS NULL
           AND feedback_id IS ?4 AND (?5 = 1 OR actor_id IS ?6) AND (?5 = 0 OR comment_id IS ?7)
         ORDER BY id DESC LIMIT 1",
        params![t.user, t.kind, since, t.feedback, t.kind == NoticeKind::Reaction, t.actor, t.comment],
        |r| r.get(0),
    )
}

/// One more event in the same notice: it shows the newest.
pub(super) fn count_in(tx: &mut Tx, id: NoticeId, seq: i64, t: &Telling) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE notices SET count = count + 1, seq = ?2, comment_id = ?3, actor_id = ?4, created_ms = ?5 WHERE id = ?1",
        params![id, seq, t.comment, t.actor, now],
    )?;
    Ok(())
}

/// Answers whether it was unread.
pub(super) fn mark(tx: &mut Tx, user: UserId, id: NoticeId) -> Result<bool> {
    let now = tx.now();
    let n = tx.execute(
        "UPDATE notices SET read_ms = ?3 WHERE id = ?1 AND user_id = ?2 AND read_ms IS NULL",
        params![id, user, now],
    )?;
    Ok(n == 1)
}

pub(super) fn mark_all(tx: &mut Tx, user: UserId, project: Option<ProjectId>) -> Result<Vec<NoticeId>> {
    tx.all(
        "UPDATE notices SET read_ms = ?3
         WHERE user_id = ?1 AND read_ms IS NULL AND app = 1 AND (?2 IS NULL OR project_id = ?2) RETURNING id",
        params![user, project, tx.now()],
        |r| r.get(0),
    )
}

/// Forgets notices that are older than `before`, and which events were told until then.
pub(super) fn prune(tx: &mut Tx, before: Time, limit: i64) -> Result<usize> {
    let gone = tx.execute(
        "DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE created_ms < ?1 ORDER BY created_ms LIMIT ?2)",
        params![before, limit],
    )?;
    // Behind the cursor they guard nothing but a cursor that was set back by hand.
    tx.execute(
        "DELETE FROM notice_events WHERE seq < (SELECT coalesce(max(seq), 0) FROM events WHERE at_ms < ?1)",
        params![before],
    )?;
    Ok(gone)
}

// Notices, read ---------------------------------------------------------------------------------------------------

/// A notice with what it is about, as the rows stand now.
pub(super) struct Stored {
    pub(super) id: NoticeId,
    pub(super) kind: NoticeKind,
    pub(super) project: Option<ProjectId>,
    pub(super) project_name: Option<String>,
    pub(super) feedback: Option<FeedbackId>,
    pub(super) feedback_title: Option<String>,
    /// Also the plan that is discussed under the feedback.
    pub(super) plan: Option<PlanId>,
    pub(super) plan_title: Option<String>,
    pub(super) comment: Option<CommentId>,
    pub(super) comment_text: Option<String>,
    pub(super) media: Option<MediaId>,
    pub(super) media_version: Option<i64>,
    pub(super) entry: Option<EntryId>,
    pub(super) entry_title: Option<String>,
    pub(super) actor: Option<(UserId, String)>,
    pub(super) whom: Option<String>,
    /// The other project's name, if the reader belongs to it.
    pub(super) other_name: Option<String>,
    /// What the link of an open invitation is made from.
    pub(super) seed: Option<Vec<u8>>,
    pub(super) facts: Value,
    pub(super) created: Time,
    pub(super) read: Option<Time>,
    pub(super) count: i64,
}

/// An author who is anonymous by now is not there.
const NOTICE: &str =
    "n.id, n.kind, n.project_id, p.name, n.feedback_id, f.title, coalesce(n.plan_id, f.plan_id), n.comment_id, c.text,
    n.media_id, v.version, n.entry_id,
    CASE WHEN c.security = 1 AND c.user_id = n.actor_id THEN NULL ELSE a.id END, a.nickname, w.nickname, o.name,
    CASE WHEN i.status = 'pending' THEN i.seed END, n.facts, n.created_ms, n.read_ms, n.count, b.title, e.title";

const JOINS: &str = "LEFT JOIN projects p ON p.id = n.project_id
    LEFT JOIN members m ON m.project_id = n.project_id AND m.user_id = n.user_id
    LEFT JOIN feedbacks f ON f.id = n.feedback_id
    LEFT JOIN comments c ON c.id = n.comment_id
    LEFT JOIN media v ON v.id = n.media_id
    LEFT JOIN plans b ON b.id = n.plan_id
    LEFT JOIN entries e ON e.id = n.entry_id
    LEFT JOIN invitations i ON i.id = n.invitation_id";

const NAMES: &str = "LEFT JOIN users a ON a.id = n.actor_id
    LEFT JOIN users w ON w.id = n.whom_id
    LEFT JOIN members mo ON mo.project_id = n.other_id AND mo.user_id = n.user_id
    LEFT JOIN projects o ON o.id = mo.project_id AND o.deleted_ms IS NULL";

/// What its reader may still see: the same judgement as `Role::may`, on the rows as they stand.
const SEEN: &str = "(n.project_id IS NULL OR (p.deleted_ms IS NULL
        AND CASE n.kind WHEN 'invitation_received' THEN i.status = 'pending' ELSE m.role IS NOT NULL END))
    AND (n.feedback_id IS NULL OR (f.id IS NOT NULL AND f.deleted_ms IS NULL))
    AND (n.comment_id IS NULL OR (c.id IS NOT NULL AND c.deleted_ms IS NULL
        AND (c.internal = 0 OR m.role IN ('owner', 'manager', 'editor'))))
    AND (n.media_id IS NULL OR (v.id IS NOT NULL AND v.deleted_ms IS NULL))
    AND (n.plan_id IS NULL OR (b.id IS NOT NULL AND b.deleted_ms IS NULL))
    AND (n.entry_id IS NULL OR e.id IS NOT NULL)";

fn stored(r: &Row) -> SqlResult<Stored> {
    let actor: Option<UserId> = r.get(12)?;
    Ok(Stored {
        id: r.get(0)?,
        kind: r.get(1)?,
        project: r.get(2)?,
        project_name: r.get(3)?,
        feedback: r.get(4)?,
        feedback_title: r.get(5)?,
        plan: r.get(6)?,
        comment: r.get(7)?,
        comment_text: r.get(8)?,
        media: r.get(9)?,
        media_version: r.get(10)?,
        entry: r.get(11)?,
        actor: match actor {
            Some(id) => Some((id, r.get(13)?)),
            None => None,
        },
        whom: r.get(14)?,
        other_name: r.get(15)?,
        seed: r.get(16)?,
        facts: serde_json::from_str(&r.get::<_, String>(17)?).unwrap_or_default(),
        created: r.get(18)?,
        read: r.get(19)?,
        count: r.get(20)?,
        plan_title: r.get(21)?,
        entry_title: r.get(22)?,
    })
}

pub(super) fn feed(db: &Db, user: UserId, filter: Filter, slice: FeedSlice) -> Result<Vec<Stored>> {
    let (than, order) = if slice.backward() { (">", "ASC") } else { ("<", "DESC") };
    let border = if slice.from.is_some() { format!("AND (n.created_ms, n.id) {than} (?5, ?6)") } else { String::new() };
    let unread = if filter.unread { "AND n.read_ms IS NULL" } else { "" };
    let (key, id) = slice.border();
    db.all(
        &format!(
            "SELECT {NOTICE} FROM notices n {JOINS} {NAMES}
             WHERE n.user_id = ?1 AND n.app = 1 AND (?2 IS NULL OR n.project_id = ?2) AND (?3 IS NULL OR n.kind = ?3)
               AND {SEEN} {unread} AND (?5 IS NULL OR ?6 IS NOT NULL) {border}
             ORDER BY n.created_ms {order}, n.id {order} LIMIT ?4"
        ),
        params![user, filter.project, filter.kind, slice.size + 1, key, id],
        stored,
    )
}

pub(super) fn one(db: &Db, user: UserId, id: NoticeId) -> Result<Option<Stored>> {
    db.one(
        &format!("SELECT {NOTICE} FROM notices n {JOINS} {NAMES} WHERE n.id = ?2 AND n.user_id = ?1 AND {SEEN}"),
        params![user, id],
        stored,
    )
}

/// Unread notices that can be seen, by project.
pub(super) fn unread(db: &Db, user: UserId) -> Result<Vec<(Option<ProjectId>, i64)>> {
    db.all(
        &format!(
            "SELECT n.project_id, count(*) FROM notices n {JOINS}
             WHERE n.user_id = ?1 AND n.app = 1 AND n.read_ms IS NULL AND {SEEN}
             GROUP BY n.project_id ORDER BY 2 DESC, 1"
        ),
        params![user],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )
}
