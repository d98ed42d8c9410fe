//! The statements of feedbacks. Tables: `feedbacks`, `decisions`.

use super::{Decision, Feedback, FeedbackBrief, FeedbackStatus, Filter, MediaBrief, Verdict};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::fields::Wanted;
use crate::base::ids::{FeedbackId, MediaId, ProjectId, UserId};
use crate::base::page::FeedSlice;
use crate::base::roles::Role;
use crate::domain::accounts::Person;
use crate::domain::id_list;
use crate::engines::store::{Db, Row, SqlResult, Tx, params};

/// Columns of a feedback seen in role `m.role`, which decides whether internal comments count.
const FEEDBACK: &str = "f.id, f.project_id, f.title, f.description, f.status, f.priority, f.user_id, u.nickname,
    f.created_ms, f.updated_ms, f.rev, m.role,
    (SELECT count(*) FROM comments c WHERE c.feedback_id = f.id AND c.deleted_ms IS NULL
        AND (c.internal = 0 OR m.role IN ('owner', 'manager', 'editor'))),
    (SELECT count(*) FROM comments c WHERE c.feedback_id = f.id AND c.deleted_ms IS NULL AND c.resolved_ms IS NULL
        AND c.parent_id IS NULL AND (c.internal = 0 OR m.role IN ('owner', 'manager', 'editor'))),
    v.id, v.version, v.state, v.name,
    EXISTS (SELECT 1 FROM renditions r WHERE r.hash = v.hash AND r.name = 'poster.jpg'), v.facts, f.plan_id";

const JOINS: &str = "JOIN users u ON u.id = f.user_id
    LEFT JOIN media v ON v.feedback_id = f.id
        AND v.version = (SELECT max(x.version) FROM media x WHERE x.feedback_id = f.id AND x.deleted_ms IS NULL)";

/// The same columns and joins, with nothing read for what is not wanted.
fn wanted_columns(w: &Wanted) -> (String, String) {
    let (mut columns, mut joins) = (FEEDBACK.to_owned(), JOINS.to_owned());
    let counts = FEEDBACK.find("(SELECT").map_or("", |from| &FEEDBACK[from..FEEDBACK.find("v.id").unwrap_or(from)]);
    if !w.any(&["comment_count", "unresolved_count"]) {
        columns = columns.replace(counts, "0, 0, ");
    }
    if !w.has("latest_media") {
        let media = FEEDBACK.find("v.id").map_or("", |from| FEEDBACK[from..].trim_end_matches(", f.plan_id"));
        columns = columns.replace(media, "NULL, 0, '', '', 0, NULL");
        joins = joins.split("LEFT JOIN").next().unwrap_or_default().to_owned();
    }
    if !w.has("user") {
        columns = columns.replace("u.nickname", "''");
        joins = joins.replace("JOIN users u ON u.id = f.user_id", "");
    }
    (columns.replace("f.description", w.or("description", "f.description", "''")), joins)
}

fn feedback(r: &Row) -> SqlResult<Feedback> {
    let user: UserId = r.get(6)?;
    Ok(Feedback {
        id: r.get(0)?,
        project_id: r.get(1)?,
        title: r.get(2)?,
        description: r.get(3)?,
        status: r.get(4)?,
        priority: r.get(5)?,
        user_id: user,
        user: Person { id: user, nickname: r.get(7)? },
        created: r.get(8)?,
        updated: r.get(9)?,
        rev: r.get(10)?,
        my_role: r.get(11)?,
        comment_count: r.get(12)?,
        unresolved_count: r.get(13)?,
        latest_media: media(r)?,
        plan_id: r.get(20)?,
        decisions: None,
    })
}

fn media(r: &Row) -> SqlResult<Option<MediaBrief>> {
    let Some(id) = r.get::<_, Option<MediaId>>(14)? else { return Ok(None) };
    let has_poster: bool = r.get(18)?;
    let facts: Option<String> = r.get(19)?;
    let duration = facts.and_then(|f| serde_json::from_str::<serde_json::Value>(&f).ok()?["duration_ms"].as_i64());
    Ok(Some(MediaBrief {
        id,
        version: r.get(15)?,
        state: r.get(16)?,
        name: r.get(17)?,
        poster_url: has_poster.then(|| format!("/api/v1/media/{id}/poster.jpg")),
        duration_ms: duration,
    }))
}

pub(super) fn feed(
    db: &Db,
    project: ProjectId,
    role: Role,
    filter: Filter,
    wanted: &Wanted,
    slice: FeedSlice,
) -> Result<Vec<Feedback>> {
    let (columns, joins) = wanted_columns(wanted);
    let (than, order) = if slice.backward() { (">", "ASC") } else { ("<", "DESC") };
    let border = if slice.from.is_some() { format!("AND (f.created_ms, f.id) {than} (?5, ?6)") } else { String::new() };
    // Without a border its parameters still have to be bound.
    let sql = format!(
        "SELECT {columns} FROM feedbacks f JOIN (SELECT ?2 AS role) m {joins}
         WHERE f.project_id = ?1 AND f.deleted_ms IS NULL AND (?3 IS NULL OR f.status = ?3)
           AND (?4 IS NULL OR f.priority = ?4) AND (?5 IS NULL OR ?6 IS NOT NULL) {border}
         ORDER BY f.created_ms {order}, f.id {order} LIMIT ?7"
    );
    let (key, id) = slice.border();
    db.all(&sql, params![project, role, filter.status, filter.priority, key, id, slice.size + 1], feedback)
}

pub(super) fn get(db: &Db, user: UserId, id: FeedbackId) -> Result<Option<Feedback>> {
    db.one(
        &format!(
            "SELECT {FEEDBACK} FROM feedbacks f JOIN projects p ON p.id = f.project_id AND p.deleted_ms IS NULL
             JOIN members m ON m.project_id = f.project_id AND m.user_id = ?2 {JOINS}
             WHERE f.id = ?1 AND f.deleted_ms IS NULL"
        ),
        params![id, user],
        feedback,
    )
}

/// As a member of this role sees it, with its decisions: a row for each of them, the feedback itself read once.
pub(super) fn seen(db: &Db, role: Role, id: FeedbackId, wanted: &Wanted) -> Result<Option<Feedback>> {
    let (columns, joins) = wanted_columns(wanted);
    let decisions = if wanted.has("decisions") {
        "LEFT JOIN decisions d ON d.feedback_id = ?1 LEFT JOIN users w ON w.id = d.user_id"
    } else {
        "JOIN (SELECT NULL AS user_id, '' AS decision, '' AS note, 0 AS updated_ms) d JOIN (SELECT '' AS nickname) w"
    };
    let named: String = (0..21).map(|i| format!("c{i}, ")).collect();
    let rows = db.all(
        &format!(
            "WITH one ({}) AS MATERIALIZED (
                SELECT {columns} FROM feedbacks f JOIN (SELECT ?2 AS role) m {joins} WHERE f.id = ?1 AND f.deleted_ms IS NULL)
             SELECT {named} d.user_id, w.nickname, d.decision, d.note, d.updated_ms FROM one {decisions}
             ORDER BY d.updated_ms DESC, d.user_id LIMIT 200",
            named.trim_end_matches(", ")
        ),
        params![id, role],
        |r| {
            let decision = match r.get::<_, Option<UserId>>(21)? {
                Some(id) => Some(Decision {
                    user: Person { id, nickname: r.get(22)? },
                    decision: r.get(23)?,
                    note: r.get(24)?,
                    updated: r.get(25)?,
                }),
                None => None,
            };
            Ok((feedback(r)?, decision))
        },
    )?;
    let mut found = None;
    let mut decisions = Vec::new();
    for (row, decision) in rows {
        found.get_or_insert(row);
        decisions.extend(decision);
    }
    Ok(found.map(|f| Feedback { decisions: Some(decisions), ..f }))
}

pub(super) fn project_of(db: &Db, id: FeedbackId) -> Result<Option<ProjectId>> {
    db.one("SELECT project_id FROM feedbacks WHERE id = ?1", params![id], |r| r.get(0))
}

/// The newest feedbacks of several projects, at most `limit` of each.
pub(super) fn briefs(db: &Db, projects: &[i64], limit: i64) -> Result<Vec<(i64, FeedbackBrief)>> {
    if projects.is_empty() {
        return Ok(Vec::new());
    }
    let list = id_list(projects);
    db.all(
        &format!(
            "SELECT id, title, status, priority, created_ms, updated_ms, user_id, nickname, project_id FROM (
                SELECT f.*, u.nickname, row_number() OVER (
                    PARTITION BY f.project_id ORDER BY f.created_ms DESC, f.id DESC) AS place
                FROM feedbacks f JOIN users u ON u.id = f.user_id
                WHERE f.project_id IN ({list}) AND f.deleted_ms IS NULL)
             WHERE place <= ?1 ORDER BY project_id, place"
        ),
        params![limit],
        |r| {
            let brief = FeedbackBrief {
                id: r.get(0)?,
                title: r.get(1)?,
                status: r.get(2)?,
                priority: r.get(3)?,
                created: r.get(4)?,
                updated: r.get(5)?,
                user: Person { id: r.get(6)?, nickname: r.get(7)? },
            };
            Ok((r.get(8)?, brief))
        },
    )
}

/// As a room's members see them alike; the role only fills its column.
pub(super) fn public(db: &Db, ids: &[FeedbackId]) -> Result<Vec<Feedback>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = id_list(&ids.iter().map(|i| i.0).collect::<Vec<_>>());
    db.all(
        &format!(
            "SELECT {FEEDBACK} FROM feedbacks f JOIN (SELECT 'viewer' AS role) m {JOINS}
             WHERE f.id IN ({list}) AND f.deleted_ms IS NULL"
        ),
        params![],
        feedback,
    )
}

pub(super) fn insert(tx: &mut Tx, f: &Feedback) -> Result<FeedbackId> {
    let id = tx.insert(
        "INSERT INTO feedbacks (project_id, user_id, title, description, status, priority, created_ms, updated_ms,
            resolved_ms, closed_ms, plan_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, CASE WHEN ?5 = 'resolved' THEN ?7 END,
            CASE WHEN ?5 = 'closed' THEN ?7 END, ?8)",
        params![f.project_id, f.user_id, f.title, f.description, f.status, f.priority, f.created, f.plan_id],
    )?;
    Ok(FeedbackId(id))
}

pub(super) fn update(tx: &mut Tx, f: &Feedback) -> Result<()> {
    tx.execute(
        "UPDATE feedbacks SET title = ?2, description = ?3, priority = ?5, updated_ms = ?6, rev = ?7,
            resolved_ms = CASE WHEN ?4 = 'resolved' AND status <> 'resolved' THEN ?6
                               WHEN ?4 IN ('open', 'in_progress') THEN NULL ELSE resolved_ms END,
            closed_ms = CASE WHEN ?4 <> 'closed' THEN NULL WHEN status <> 'closed' THEN ?6 ELSE closed_ms END,
            status = ?4
         WHERE id = ?1",
        params![f.id, f.title, f.description, f.status, f.priority, f.updated, f.rev],
    )?;
    Ok(())
}

/// Another status, by one statement; `None` if it has it already. As its room sees it.
pub(super) fn set_status(tx: &mut Tx, id: FeedbackId, status: FeedbackStatus) -> Result<Option<Feedback>> {
    let now = tx.now();
    tx.one(
        "UPDATE feedbacks SET updated_ms = ?3, rev = rev + 1,
            resolved_ms = CASE WHEN ?2 = 'resolved' THEN ?3 WHEN ?2 IN ('open', 'in_progress') THEN NULL
                               ELSE resolved_ms END,
            closed_ms = CASE WHEN ?2 = 'closed' THEN ?3 END, status = ?2
         WHERE id = ?1 AND status <> ?2 AND deleted_ms IS NULL
         RETURNING id, project_id, title, description, status, priority, user_id,
            (SELECT u.nickname FROM users u WHERE u.id = user_id), created_ms, updated_ms, rev, 'viewer', 0, 0,
            NULL, 0, '', '', 0, NULL, plan_id",
        params![id, status, now],
        feedback,
    )
}

/// Into the trash, or out of it.
pub(super) fn set_deleted(tx: &mut Tx, id: FeedbackId, at: Option<Time>) -> Result<()> {
    tx.execute("UPDATE feedbacks SET deleted_ms = ?2, rev = rev + 1 WHERE id = ?1", params![id, at])?;
    Ok(())
}

/// One in the trash: its project, and since when.
pub(super) fn deleted(db: &Db, id: FeedbackId) -> Result<Option<(ProjectId, Time)>> {
    db.one("SELECT project_id, deleted_ms FROM feedbacks WHERE id = ?1 AND deleted_ms IS NOT NULL", params![id], |r| {
        Ok((r.get(0)?, r.get(1)?))
    })
}

/// With its comments and decisions.
pub(super) fn purge(tx: &mut Tx, id: FeedbackId) -> Result<()> {
    tx.execute("DELETE FROM feedbacks WHERE id = ?1", params![id])?;
    Ok(())
}

pub(super) fn put_notice(tx: &mut Tx, id: FeedbackId, due: Time) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO cleanup_notices (feedback_id, announced_ms, due_ms) VALUES (?1, ?2, ?3)
         ON CONFLICT (feedback_id) DO UPDATE SET announced_ms = ?2, due_ms = ?3",
        params![id, now, due],
    )?;
    Ok(())
}

/// `false` if there was none.
pub(super) fn delete_notice(tx: &mut Tx, id: FeedbackId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM cleanup_notices WHERE feedback_id = ?1", params![id])? > 0)
}

pub(super) fn delete_notices(tx: &mut Tx) -> Result<usize> {
    tx.execute("DELETE FROM cleanup_notices", params![])
}

pub(super) fn notice(db: &Db, id: FeedbackId) -> Result<Option<Time>> {
    db.one("SELECT due_ms FROM cleanup_notices WHERE feedback_id = ?1", params![id], |r| r.get(0))
}

pub(super) fn put_decision(tx: &mut Tx, id: FeedbackId, user: UserId, verdict: Verdict, note: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO decisions (feedback_id, user_id, decision, note, updated_ms) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (feedback_id, user_id) DO UPDATE SET decision = ?3, note = ?4, updated_ms = ?5",
        params![id, user, verdict, note, now],
    )?;
    Ok(())
}

pub(super) fn decisions(db: &Db, id: FeedbackId) -> Result<Vec<Decision>> {
    db.all(
        "SELECT u.id, u.nickname, d.decision, d.note, d.updated_ms FROM decisions d JOIN users u ON u.id = d.user_id
         WHERE d.feedback_id = ?1 ORDER BY d.updated_ms DESC, u.id LIMIT 200",
        params![id],
        |r| {
            Ok(Decision {
                user: Person { id: r.get(0)?, nickname: r.get(1)? },
                decision: r.get(2)?,
                note: r.get(3)?,
                updated: r.get(4)?,
            })
        },
    )
}
