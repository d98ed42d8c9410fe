//! The statements of plans. Table: `plans`.

use super::story::{Inputs, Story};
use super::{Last, Notice, Plan, PlanBrief, PlanStatus};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{FeedbackId, PlanId, ProjectId, UserId};
use crate::base::page::FeedSlice;
use crate::base::roles::Role;
use crate::domain::accounts::Person;
use crate::domain::id_list;
use crate::engines::store::{
    Db, FromSql, FromSqlError, Row, SqlError, SqlResult, ToSql, ToSqlOutput, Tx, ValueRef, params,
};

/// The feedback under which a plan is discussed: the newest that is there.
const DISCUSSION: &str = "(SELECT max(f.id) FROM feedbacks f WHERE f.plan_id = p.id AND f.deleted_ms IS NULL)";

/// The job that drafts it, the key of which is that of `storyboard::dedup_key`.
const JOB: &str = "(SELECT max(j.id) FROM jobs j WHERE j.dedup_key = 'storyboard:' || p.id
    AND j.state IN ('waiting', 'ready', 'retry', 'running'))";

fn columns() -> String {
    format!(
        "p.id, p.project_id, p.title, p.status, p.inputs, p.story, p.notice, p.version, p.rev, {DISCUSSION}, {JOB},
         p.user_id, u.nickname, p.created_ms, p.updated_ms, m.role, v.user_id, v.reason, coalesce(v.created_ms, 0)"
    )
}

const JOINS: &str = "JOIN users u ON u.id = p.user_id
    LEFT JOIN plan_versions v ON v.plan_id = p.id AND v.version = p.version";

/// Lets a structure stand as JSON in a text column.
macro_rules! json_columns {
    ($($name:ty),+) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> std::result::Result<ToSqlOutput<'_>, SqlError> {
                let text = serde_json::to_string(self).map_err(|e| SqlError::ToSqlConversionFailure(Box::new(e)))?;
                Ok(text.into())
            }
        }
        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> std::result::Result<Self, FromSqlError> {
                serde_json::from_str(value.as_str()?).map_err(|e| FromSqlError::Other(Box::new(e)))
            }
        }
    )+};
}

json_columns!(Inputs, Story, Notice);

fn plan(r: &Row) -> SqlResult<Plan> {
    Ok(Plan {
        id: r.get(0)?,
        project_id: r.get(1)?,
        title: r.get(2)?,
        status: r.get(3)?,
        inputs: r.get(4)?,
        story: r.get(5)?,
        notice: r.get(6)?,
        version: r.get(7)?,
        rev: r.get(8)?,
        feedback_id: r.get(9)?,
        job_id: r.get(10)?,
        user: Person { id: r.get(11)?, nickname: r.get(12)? },
        created: r.get(13)?,
        updated: r.get(14)?,
        my_role: r.get(15)?,
        last: Last { user: r.get(16)?, reason: r.get(17)?, created: r.get(18)? },
    })
}

/// As a member sees it. One in the trash, or in a project there, is there for nobody.
pub(super) fn get(db: &Db, user: UserId, id: PlanId) -> Result<Option<Plan>> {
    db.one(
        &format!(
            "SELECT {} FROM plans p JOIN projects o ON o.id = p.project_id AND o.deleted_ms IS NULL
             JOIN members m ON m.project_id = p.project_id AND m.user_id = ?2 {JOINS}
             WHERE p.id = ?1 AND p.deleted_ms IS NULL",
            columns()
        ),
        params![id, user],
        plan,
    )
}

/// The same, with title, inputs and story of one of its versions.
#[allow(clippy::type_complexity)]
pub(super) fn get_with(
    db: &Db,
    user: UserId,
    id: PlanId,
    version: i64,
) -> Result<Option<(Plan, Option<(String, Inputs, Story)>)>> {
    db.one(
        &format!(
            "SELECT {}, w.title, w.inputs, w.story
             FROM plans p JOIN projects o ON o.id = p.project_id AND o.deleted_ms IS NULL
             JOIN members m ON m.project_id = p.project_id AND m.user_id = ?2 {JOINS}
             LEFT JOIN plan_versions w ON w.plan_id = p.id AND w.version = ?3
             WHERE p.id = ?1 AND p.deleted_ms IS NULL",
            columns()
        ),
        params![id, user, version],
        |r| {
            let old = match r.get::<_, Option<String>>(19)? {
                Some(title) => Some((title, r.get(20)?, r.get(21)?)),
                None => None,
            };
            Ok((plan(r)?, old))
        },
    )
}

/// As its room sees them; the role only fills its column.
pub(super) fn by_ids(db: &Db, ids: &[PlanId]) -> Result<Vec<Plan>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = id_list(&ids.iter().map(|i| i.0).collect::<Vec<_>>());
    db.all(
        &format!(
            "SELECT {} FROM plans p JOIN (SELECT 'viewer' AS role) m {JOINS}
             WHERE p.id IN ({list}) AND p.deleted_ms IS NULL",
            columns()
        ),
        params![],
        plan,
    )
}

/// Project and role of a member, for one plan.
pub(super) fn place(db: &Db, user: UserId, id: PlanId) -> Result<Option<(ProjectId, Role)>> {
    db.one(
        "SELECT p.project_id, m.role FROM plans p JOIN projects o ON o.id = p.project_id AND o.deleted_ms IS NULL
         JOIN members m ON m.project_id = p.project_id AND m.user_id = ?2
         WHERE p.id = ?1 AND p.deleted_ms IS NULL",
        params![id, user],
        |r| Ok((r.get(0)?, r.get(1)?)),
    )
}

/// Name and client of a project.
pub(super) fn project(db: &Db, id: ProjectId) -> Result<Option<(String, String)>> {
    db.one("SELECT name, client FROM projects WHERE id = ?1", params![id], |r| Ok((r.get(0)?, r.get(1)?)))
}

pub(super) fn feed(
    db: &Db,
    project: ProjectId,
    status: Option<PlanStatus>,
    deleted: bool,
    slice: FeedSlice,
) -> Result<Vec<PlanBrief>> {
    let (than, order) = if slice.backward() { (">", "ASC") } else { ("<", "DESC") };
    let border = if slice.from.is_some() { format!("AND (p.created_ms, p.id) {than} (?4, ?5)") } else { String::new() };
    let trash = if deleted { "IS NOT NULL" } else { "IS NULL" };
    // Without a border its parameters still have to be bound.
    let sql = format!(
        "SELECT p.id, p.project_id, p.title, p.status, p.inputs, p.version, p.rev, {DISCUSSION}, p.user_id, u.nickname,
            p.created_ms, p.updated_ms, p.deleted_ms
         FROM plans p JOIN users u ON u.id = p.user_id
         WHERE p.project_id = ?1 AND p.deleted_ms {trash} AND (?2 IS NULL OR p.status = ?2)
           AND (?4 IS NULL OR ?5 IS NOT NULL) {border}
         ORDER BY p.created_ms {order}, p.id {order} LIMIT ?3"
    );
    let (key, id) = slice.border();
    db.all(&sql, params![project, status, slice.size + 1, key, id], |r| {
        Ok(PlanBrief {
            id: r.get(0)?,
            project_id: r.get(1)?,
            title: r.get(2)?,
            status: r.get(3)?,
            inputs: r.get(4)?,
            version: r.get(5)?,
            rev: r.get(6)?,
            feedback_id: r.get(7)?,
            user: Person { id: r.get(8)?, nickname: r.get(9)? },
            created: r.get(10)?,
            updated: r.get(11)?,
            deleted: r.get(12)?,
        })
    })
}

pub(super) fn insert(tx: &mut Tx, p: &Plan) -> Result<PlanId> {
    let id = tx.insert(
        "INSERT INTO plans (project_id, user_id, title, status, inputs, story, version, created_ms, updated_ms, words)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)",
        params![p.project_id, p.user.id, p.title, p.status, p.inputs, p.story, p.version, p.created, p.words()],
    )?;
    Ok(PlanId(id))
}

pub(super) fn update(tx: &mut Tx, p: &Plan) -> Result<()> {
    tx.execute(
        "UPDATE plans SET title = ?2, status = ?3, inputs = ?4, story = ?5, notice = ?6, version = ?7, updated_ms = ?8,
            rev = ?9, words = ?10
         WHERE id = ?1",
        params![p.id, p.title, p.status, p.inputs, p.story, p.notice, p.version, p.updated, p.rev, p.words()],
    )?;
    Ok(())
}

/// Into the trash, or out of it.
pub(super) fn set_deleted(tx: &mut Tx, id: PlanId, at: Option<Time>) -> Result<()> {
    tx.execute("UPDATE plans SET deleted_ms = ?2, rev = rev + 1 WHERE id = ?1", params![id, at])?;
    Ok(())
}

/// One in the trash: since when, the discussion that went with it, and the role of who asks.
pub(super) fn deleted(db: &Db, user: UserId, id: PlanId) -> Result<Option<(Time, Option<FeedbackId>, Role)>> {
    db.one(
        "SELECT p.deleted_ms,
            (SELECT max(f.id) FROM feedbacks f WHERE f.plan_id = p.id AND f.deleted_ms = p.deleted_ms), m.role
         FROM plans p JOIN projects o ON o.id = p.project_id AND o.deleted_ms IS NULL
         JOIN members m ON m.project_id = p.project_id AND m.user_id = ?2
         WHERE p.id = ?1 AND p.deleted_ms IS NOT NULL",
        params![id, user],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
    )
}

/// With their versions.
pub(super) fn purge(tx: &mut Tx, before: Time, limit: i64) -> Result<usize> {
    tx.execute(
        "DELETE FROM plans WHERE id IN (
            SELECT id FROM plans WHERE deleted_ms IS NOT NULL AND deleted_ms < ?1 ORDER BY deleted_ms LIMIT ?2)",
        params![before, limit],
    )
}
