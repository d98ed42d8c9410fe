//! The statements of the dashboards. Read only; several short lists of one shape share a statement.

use super::{Brief, Counts, Due, Priorities, Stats};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{ProjectId, UserId};
use crate::base::roles::Role;
use crate::domain::accounts::Person;
use crate::domain::projects::members::Member;
use crate::domain::projects::{Project, sql};
use crate::engines::store::{Db, Row, SqlResult, params};

/// The first row holds the numbers, the others the projects with a deadline.
pub(super) fn counts_and_due(db: &Db, user: UserId, soon: Time) -> Result<(Counts, Vec<Due>)> {
    let rows = db.all(
        "WITH mine AS (
            SELECT p.id, p.name, p.client, p.color, p.status, p.deadline_ms FROM members m
            JOIN projects p ON p.id = m.project_id WHERE m.user_id = ?1 AND p.deleted_ms IS NULL),
         due AS (
            SELECT id, name, client, color, deadline_ms FROM mine
            WHERE deadline_ms IS NOT NULL AND status NOT IN ('completed', 'cancelled', 'archived')
            ORDER BY deadline_ms, id LIMIT 6)
         SELECT 0 AS place, (SELECT count(*) FROM mine), '', '', '',
            (SELECT count(*) FROM feedbacks f JOIN mine ON mine.id = f.project_id
             WHERE f.deleted_ms IS NULL AND f.status IN ('open', 'in_progress')),
            (SELECT count(*) FROM comments c JOIN mine ON mine.id = c.project_id
             JOIN feedbacks f ON f.id = c.feedback_id
             WHERE c.user_id = ?1 AND c.deleted_ms IS NULL AND c.resolved_ms IS NULL AND c.parent_id IS NULL
               AND f.deleted_ms IS NULL),
            (SELECT count(*) FROM mine WHERE deadline_ms <= ?2 AND status NOT IN ('completed', 'cancelled', 'archived'))
         UNION ALL
         SELECT 1, id, name, client, color, deadline_ms, 0, 0 FROM due
         ORDER BY place, 6, 2",
        params![user, soon],
        |r| {
            let counts = Counts {
                projects: r.get(1)?,
                open_feedbacks: r.get(5)?,
                my_open_comments: r.get(6)?,
                due_soon: r.get(7)?,
            };
            let due = Due { id: r.get(1)?, name: r.get(2)?, client: r.get(3)?, color: r.get(4)?, deadline: r.get(5)? };
            Ok((r.get::<_, i64>(0)?, counts, due))
        },
    )?;
    let mut counts = Counts::default();
    let mut due = Vec::new();
    for (place, numbers, project) in rows {
        if place == 0 { counts = numbers } else { due.push(project) }
    }
    Ok((counts, due))
}

fn brief(r: &Row) -> SqlResult<Brief> {
    Ok(Brief {
        id: r.get(0)?,
        project_id: r.get(1)?,
        project_name: r.get(2)?,
        project_color: r.get(3)?,
        title: r.get(4)?,
        status: r.get(5)?,
        priority: r.get(6)?,
        updated: r.get(7)?,
        user: Person { id: r.get(8)?, nickname: r.get(9)? },
        unresolved_count: r.get(10)?,
    })
}

/// Read from the one that was changed last, until ten are his: the joins stand in the order in which they are made.
pub(super) fn recent_of_user(db: &Db, user: UserId) -> Result<Vec<Brief>> {
    db.all(
        "SELECT f.id, f.project_id, p.name, p.color, f.title, f.status, f.priority, f.updated_ms, u.id, u.nickname,
            (SELECT count(*) FROM comments c WHERE c.feedback_id = f.id AND c.deleted_ms IS NULL
                AND c.resolved_ms IS NULL AND c.parent_id IS NULL
                AND (c.internal = 0 OR m.role IN ('owner', 'manager', 'editor')))
         FROM feedbacks f CROSS JOIN members m CROSS JOIN projects p CROSS JOIN users u
         WHERE f.deleted_ms IS NULL AND m.user_id = ?1 AND m.project_id = f.project_id AND p.id = f.project_id
           AND p.deleted_ms IS NULL AND u.id = f.user_id
         ORDER BY f.updated_ms DESC, f.id DESC LIMIT 10",
        params![user],
        brief,
    )
}

pub(super) fn project_and_stats(db: &Db, role: Role, id: ProjectId) -> Result<Option<(Project, Stats, Option<Time>)>> {
    db.one(
        &format!(
            "WITH s AS (
                SELECT count(*) AS total,
                    coalesce(sum(status = 'open'), 0) AS open, coalesce(sum(status = 'in_progress'), 0) AS in_progress,
                    coalesce(sum(status = 'resolved'), 0) AS resolved, coalesce(sum(status = 'closed'), 0) AS closed,
                    CAST(avg(CASE WHEN resolved_ms IS NOT NULL THEN resolved_ms - created_ms END) AS INTEGER) AS mean,
                    coalesce(sum(priority = 'low'), 0) AS low, coalesce(sum(priority = 'medium'), 0) AS medium,
                    coalesce(sum(priority = 'high'), 0) AS high, coalesce(sum(priority = 'critical'), 0) AS critical
                FROM feedbacks WHERE project_id = ?1 AND deleted_ms IS NULL)
             SELECT {}, s.total, s.open, s.in_progress, s.resolved, s.closed, s.mean, s.low, s.medium, s.high,
                s.critical, (SELECT e.at_ms FROM events e WHERE e.project_id = ?1 ORDER BY e.seq DESC LIMIT 1)
             FROM s, projects p JOIN (SELECT ?2 AS role) m
             JOIN users o ON o.id = p.owner_id WHERE p.id = ?1 AND p.deleted_ms IS NULL",
            sql::PROJECT
        ),
        params![id, role],
        |r| {
            let stats = Stats {
                total: r.get(21)?,
                open: r.get(22)?,
                in_progress: r.get(23)?,
                resolved: r.get(24)?,
                closed: r.get(25)?,
                avg_resolution_ms: r.get(26)?,
                priority: Priorities { low: r.get(27)?, medium: r.get(28)?, high: r.get(29)?, critical: r.get(30)? },
            };
            Ok((sql::project(r)?, stats, r.get(31)?))
        },
    )
}

/// Members and recent feedbacks in one statement: a first column tells which list a row belongs to.
pub(super) fn members_and_recent(
    db: &Db,
    id: ProjectId,
    name: &str,
    color: &str,
    internal: bool,
) -> Result<(Vec<Member>, Vec<Brief>)> {
    enum Either {
        Member(Member),
        Brief(Brief),
    }
    let rows = db.all(
        "SELECT * FROM (
            SELECT u.id, 0 AS list, u.nickname, u.email, m.role, '' AS x5, '' AS x6, m.created_ms AS at, 0 AS x8, '' AS x9,
                CASE m.role WHEN 'owner' THEN 0 WHEN 'manager' THEN 1 WHEN 'editor' THEN 2 WHEN 'reviewer' THEN 3
                    ELSE 4 END AS place
            FROM members m JOIN users u ON u.id = m.user_id WHERE m.project_id = ?1 ORDER BY place, u.id LIMIT 50)
         UNION ALL
         SELECT * FROM (
            SELECT f.id, 1, '', '', f.title, f.status, f.priority, f.updated_ms, u.id, u.nickname,
                (SELECT count(*) FROM comments c WHERE c.feedback_id = f.id AND c.deleted_ms IS NULL
                    AND c.resolved_ms IS NULL AND c.parent_id IS NULL AND (c.internal = 0 OR ?2))
            FROM feedbacks f JOIN users u ON u.id = f.user_id WHERE f.project_id = ?1 AND f.deleted_ms IS NULL
            ORDER BY f.updated_ms DESC, f.id DESC LIMIT 5)",
        params![id, internal],
        |r| {
            if r.get::<_, i64>(1)? == 1 {
                return Ok(Either::Brief(Brief {
                    id: r.get(0)?,
                    project_id: ProjectId(0),
                    project_name: String::new(),
                    project_color: String::new(),
                    title: r.get(4)?,
                    status: r.get(5)?,
                    priority: r.get(6)?,
                    updated: r.get(7)?,
                    user: Person { id: r.get(8)?, nickname: r.get(9)? },
                    unresolved_count: r.get(10)?,
                }));
            }
            let user: UserId = r.get(0)?;
            Ok(Either::Member(Member {
                user_id: user,
                user: Person { id: user, nickname: r.get(2)? },
                email: Some(r.get(3)?),
                role: r.get(4)?,
                created: r.get(7)?,
            }))
        },
    )?;
    let (mut members, mut briefs) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            Either::Member(m) => members.push(m),
            Either::Brief(b) => briefs.push(Brief {
                project_id: id,
                project_name: name.to_owned(),
                project_color: color.to_owned(),
                ..b
            }),
        }
    }
    Ok((members, briefs))
}
