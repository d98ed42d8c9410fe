//! The statements of phases, and of what is read over many projects. Table: `phases`.

use super::filming::{Place, Scope, Span};
use super::gantt::GanttProject;
use super::{Phase, PhaseName};
use crate::base::clock::Time;
use crate::base::day::Day;
use crate::base::error::Result;
use crate::base::ids::{EntryId, ProjectId, UserId};
use crate::base::page::PageSlice;
use crate::base::roles::Role;
use crate::domain::accounts::Person;
use crate::domain::{id_list, id_places};
use crate::engines::store::{Db, Row, SqlResult, ToSql, Tx, params, params_from_iter};

const PHASE: &str =
    "f.phase, f.start_day, f.end_day, f.state, f.progress, f.assignee_id, a.nickname, f.after_phase, f.note,
    f.rev, f.updated_ms";
const JOINS: &str = "LEFT JOIN users a ON a.id = f.assignee_id";

/// A phase whose columns begin at `from`.
pub(super) fn phase_row(r: &Row, from: usize) -> SqlResult<Phase> {
    let assignee_id: Option<UserId> = r.get(from + 5)?;
    let assignee = match assignee_id {
        Some(id) => Some(Person { id, nickname: r.get(from + 6)? }),
        None => None,
    };
    Ok(Phase {
        phase: r.get(from)?,
        start: r.get(from + 1)?,
        end: r.get(from + 2)?,
        state: r.get(from + 3)?,
        progress: r.get(from + 4)?,
        assignee_id,
        assignee,
        after: r.get(from + 7)?,
        note: r.get(from + 8)?,
        rev: r.get(from + 9)?,
        updated: r.get(from + 10)?,
    })
}

pub(super) fn phases(db: &Db, project: ProjectId) -> Result<Vec<Phase>> {
    let sql = format!("SELECT {PHASE} FROM phases f {JOINS} WHERE f.project_id = ?1");
    db.all(&sql, params![project], |r| phase_row(r, 0))
}

/// Of several projects, each with its project.
pub(super) fn phases_of(db: &Db, projects: &[i64]) -> Result<Vec<(ProjectId, Phase)>> {
    if projects.is_empty() {
        return Ok(Vec::new());
    }
    let (places, ids) = id_places(1, projects);
    let sql = format!("SELECT f.project_id, {PHASE} FROM phases f {JOINS} WHERE f.project_id IN ({places})");
    db.all(&sql, params_from_iter(ids), |r| Ok((r.get(0)?, phase_row(r, 1)?)))
}

/// A project as its schedule needs it.
pub(super) struct Standing {
    pub(super) role: Role,
    pub(super) name: String,
    pub(super) phases: Vec<Phase>,
}

/// The asker's role in a project that is there, its name and its phases, by one statement; `None` without a role.
pub(super) fn standing(db: &Db, user: UserId, project: ProjectId) -> Result<Option<Standing>> {
    let sql = format!(
        "SELECT m.role, p.name, {PHASE} FROM members m JOIN projects p ON p.id = m.project_id AND p.deleted_ms IS NULL
         LEFT JOIN phases f ON f.project_id = m.project_id {JOINS} WHERE m.project_id = ?1 AND m.user_id = ?2"
    );
    let rows = db.all(&sql, params![project, user], |r| {
        let phase = match r.get::<_, Option<PhaseName>>(2)? {
            Some(_) => Some(phase_row(r, 2)?),
            None => None,
        };
        Ok((r.get::<_, Role>(0)?, r.get::<_, String>(1)?, phase))
    })?;
    let Some((role, name, _)) = rows.first() else { return Ok(None) };
    let (role, name) = (*role, name.clone());
    Ok(Some(Standing { role, name, phases: rows.into_iter().filter_map(|(_, _, phase)| phase).collect() }))
}

/// Which of these people are members.
pub(super) fn members_among(db: &Db, project: ProjectId, users: &[i64]) -> Result<Vec<Person>> {
    let list = id_list(users);
    db.all(
        &format!(
            "SELECT u.id, u.nickname FROM members m JOIN users u ON u.id = m.user_id
             WHERE m.project_id = ?1 AND m.user_id IN ({list})"
        ),
        params![project],
        |r| Ok(Person { id: r.get(0)?, nickname: r.get(1)? }),
    )
}

pub(super) fn put_phases(tx: &mut Tx, project: ProjectId, phases: &[Phase]) -> Result<()> {
    let now = tx.now();
    let row = |i: usize| {
        let at = 3 + i * 9;
        let own = (at..at + 9).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
        format!("(?1, {own}, ?2)")
    };
    let rows = (0..phases.len()).map(row).collect::<Vec<_>>().join(", ");
    let mut values: Vec<&dyn ToSql> = vec![&project, &now];
    for p in phases {
        let own: [&dyn ToSql; 9] =
            [&p.phase, &p.start, &p.end, &p.state, &p.progress, &p.assignee_id, &p.after, &p.note, &p.rev];
        values.extend(own);
    }
    tx.execute(
        &format!(
            "INSERT INTO phases (project_id, phase, start_day, end_day, state, progress, assignee_id, after_phase, note,
                rev, updated_ms) VALUES {rows}
             ON CONFLICT (project_id, phase) DO UPDATE SET start_day = excluded.start_day, end_day = excluded.end_day,
                state = excluded.state, progress = excluded.progress, assignee_id = excluded.assignee_id,
                after_phase = excluded.after_phase, note = excluded.note, rev = excluded.rev,
                updated_ms = excluded.updated_ms"
        ),
        &values[..],
    )?;
    Ok(())
}

/// Days on which people film, from ?2 to ?3: phases that are not done, and entries.
pub(super) const SPAN: &str = "span AS (
    SELECT f.assignee_id AS user_id, f.project_id, NULL AS entry_id, coalesce(f.start_day, f.end_day) AS first_day,
        coalesce(f.end_day, f.start_day) AS last_day, '' AS place
    FROM phases f WHERE f.phase = 'filming' AND f.assignee_id IS NOT NULL AND f.state <> 'done'
        AND coalesce(f.end_day, f.start_day) >= ?2 AND coalesce(f.start_day, f.end_day) <= ?3
    UNION ALL
    SELECT x.user_id, e.project_id, e.id, e.first_day, e.last_day, e.place
    FROM entries e JOIN entry_people x ON x.entry_id = e.id
    WHERE e.kind = 'filming' AND e.last_day >= ?2 AND e.first_day <= ?3)";

/// The columns of a span `s` of the person `u`, in the project `p`, seen by the member `v`.
pub(super) const SPAN_COLUMNS: &str =
    "u.id, u.nickname, s.project_id, p.name, s.entry_id, s.first_day, s.last_day, s.place,
    v.role IS NOT NULL";

pub(super) fn span_row(r: &Row) -> SqlResult<Option<Span>> {
    let Some(first) = r.get::<_, Option<Day>>(5)? else { return Ok(None) };
    let project: Option<ProjectId> = r.get(2)?;
    let place = match (r.get::<_, Option<EntryId>>(4)?, project) {
        (Some(entry), _) => Place::Entry(entry),
        (None, Some(project)) => Place::Phase(project),
        (None, None) => return Ok(None),
    };
    let user = Person { id: r.get(0)?, nickname: r.get(1)? };
    let project_name = r.get::<_, Option<String>>(3)?.unwrap_or_default();
    let (last, at, visible) = (r.get(6)?, r.get(7)?, r.get(8)?);
    Ok(Some(Span { place, user, project, project_name, first, last, at, visible }))
}

/// Spans of everybody who films in the scope, and of `users`.
pub(super) fn spans(db: &Db, asker: UserId, scope: Scope, users: &[i64], (from, to): (Day, Day)) -> Result<Vec<Span>> {
    let (filter, project) = match scope {
        Scope::Project(id) => ("t.project_id = ?4", id),
        // Whose rows there are: ?4 only has to be bound.
        Scope::Mine => (
            "t.user_id = ?1 OR (?4 = 0 AND t.project_id IN (SELECT m.project_id FROM members m WHERE m.user_id = ?1))",
            ProjectId(0),
        ),
    };
    let list = if users.is_empty() { "0".to_owned() } else { id_list(users) };
    let sql = format!(
        "WITH {SPAN} SELECT {SPAN_COLUMNS} FROM span s JOIN users u ON u.id = s.user_id
         LEFT JOIN projects p ON p.id = s.project_id LEFT JOIN members v ON v.project_id = s.project_id AND v.user_id = ?1
         WHERE p.deleted_ms IS NULL AND (s.user_id IN (SELECT t.user_id FROM span t WHERE {filter}) OR s.user_id IN ({list}))"
    );
    let rows = db.all(&sql, params![asker, from, to, project], span_row)?;
    // What has no project is the business of its people.
    let own = |s: Span| Span { visible: s.visible || (s.project.is_none() && s.user.id == asker), ..s };
    Ok(rows.into_iter().flatten().map(own).collect())
}

/// A page of the asker's projects in the order of their days, those that are over last, and the count of all.
pub(super) fn gantt_projects(
    db: &Db,
    user: UserId,
    (from, to): (Option<Day>, Option<Day>),
    deadlines: (Option<Time>, Option<Time>),
    slice: PageSlice,
) -> Result<(Vec<GanttProject>, i64)> {
    // A day without its other end counts for both.
    let within = "(?2 IS NULL AND ?3 IS NULL)
        OR EXISTS (SELECT 1 FROM phases f WHERE f.project_id = p.id
            AND (?2 IS NULL OR coalesce(f.end_day, f.start_day) >= ?2)
            AND (?3 IS NULL OR coalesce(f.start_day, f.end_day) <= ?3)
            AND coalesce(f.start_day, f.end_day) IS NOT NULL)
        OR (p.deadline_ms IS NOT NULL AND (?4 IS NULL OR p.deadline_ms >= ?4) AND (?5 IS NULL OR p.deadline_ms < ?5))";
    let from_where = format!(
        "FROM members m JOIN projects p ON p.id = m.project_id AND p.deleted_ms IS NULL
         WHERE m.user_id = ?1 AND ({within})"
    );
    let rows = db.all(
        &format!(
            "SELECT p.id, p.name, p.color, p.client, p.status, p.deadline_ms, m.role, p.updated_ms, p.rev, count(*) OVER (),
                (SELECT min(coalesce(f.start_day, f.end_day)) FROM phases f WHERE f.project_id = p.id) AS first_day
             {from_where}
             ORDER BY p.status IN ('completed', 'cancelled', 'archived'), first_day IS NULL, first_day, p.id
             LIMIT ?6 OFFSET ?7"
        ),
        params![user, from, to, deadlines.0, deadlines.1, slice.size, slice.offset()],
        |r| Ok((GanttProject::row(r, 0)?, r.get::<_, i64>(9)?)),
    )?;
    let mut count = rows.first().map_or(0, |(_, n)| *n);
    if rows.is_empty() && slice.page > 1 {
        // Behind the end no row carries the count.
        let sql = format!("SELECT count(*) {from_where}");
        count = db.one(&sql, params![user, from, to, deadlines.0, deadlines.1], |r| r.get(0))?.unwrap_or(0);
    }
    Ok((rows.into_iter().map(|(row, _)| row).collect(), count))
}
