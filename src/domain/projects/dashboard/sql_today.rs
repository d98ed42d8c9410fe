//! The one statement of a person's day. The first column tells which list a row belongs to.

use super::VISIT;
use super::today::{ACTS, Act, InProcess, LIST, LOOK_BACK, Today, Waiting, Why};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{FeedbackId, PlanId, ProjectId, UserId};
use crate::domain::accounts::Person;
use crate::engines::store::{Db, Row, SqlResult, params};

/// Verbs that stand in the list of acts.
const ACTED: &str = "('feedback_added', 'media_received', 'media_ready', 'media_failed', 'comment_added',
    'comment_resolved', 'decided', 'feedback_changed', 'plan_added', 'plan_changed', 'storyboard_drafted',
    'phases_changed', 'member_added')";

/// Columns: list, at, project, name, colour, feedback, plan, title, n, who, nickname, text, seq.
enum Line {
    Waiting(Waiting),
    InProcess(InProcess),
    Act(Act),
    News(String, i64),
    Stands { since: Option<Time>, seq: i64 },
}

fn line(r: &Row) -> SqlResult<Line> {
    let list: i64 = r.get(0)?;
    let at: Option<Time> = r.get(1)?;
    let project_id: ProjectId = r.get(2)?;
    let (project_name, project_color): (String, String) = (r.get(3)?, r.get(4)?);
    let (feedback_id, plan_id): (Option<FeedbackId>, Option<PlanId>) = (r.get(5)?, r.get(6)?);
    let (title, count, text): (String, i64, Option<String>) = (r.get(7)?, r.get(8)?, r.get(11)?);
    let waiting = |why| {
        let due = if why == Why::Phase { text.clone() } else { None };
        let (project_name, project_color, title) = (project_name.clone(), project_color.clone(), title.clone());
        let since = at;
        Waiting { why, project_id, project_name, project_color, feedback_id, plan_id, title, count, since, due }
    };
    Ok(match list {
        0 => Line::Waiting(waiting(Why::Decide)),
        1 => Line::Waiting(waiting(Why::Answer)),
        2 => Line::Waiting(waiting(Why::Plan)),
        3 => Line::Waiting(waiting(Why::Phase)),
        4 => Line::InProcess(InProcess {
            media_id: r.get(12)?,
            feedback_id: r.get(5)?,
            title,
            project_id,
            project_name,
            version: count,
            state: text.unwrap_or_default(),
            since: r.get(1)?,
        }),
        5 => {
            let user = match r.get::<_, Option<UserId>>(9)? {
                Some(id) => Some(Person { id, nickname: r.get(10)? }),
                None => None,
            };
            let verb = text.unwrap_or_default();
            let (seq, at) = (r.get(12)?, r.get(1)?);
            Line::Act(Act { seq, at, verb, user, project_id, project_name, project_color, feedback_id, plan_id, title })
        }
        6 => Line::News(text.unwrap_or_default(), count),
        _ => Line::Stands { since: at, seq: r.get::<_, Option<i64>>(12)?.unwrap_or(0) },
    })
}

/// Everything is read along indexes that begin with one of the reader's own projects, or from the journal's end.
/// Versions count that came after `waits_since`, failures after `failed_since`. News are those since `at`, or since the visit
/// before the one that lasts until `visit`.
pub(super) fn of(
    db: &Db,
    user: UserId,
    failed_since: Time,
    waits_since: Time,
    today: &str,
    at: Option<Time>,
    visit: Option<Time>,
) -> Result<Today> {
    let rows = db.all(
        &format!(
            "WITH mine AS (
                SELECT p.id, p.name, p.color, m.role, m.role IN ('owner', 'manager', 'editor') AS team
                FROM members m JOIN projects p ON p.id = m.project_id
                WHERE m.user_id = ?1 AND p.deleted_ms IS NULL
                  AND p.status NOT IN ('completed', 'cancelled', 'archived')),
             decide AS (
                SELECT v.created_ms AS at, mine.id AS project, mine.name, mine.color, f.id, f.title, v.version
                FROM mine JOIN media v ON v.project_id = mine.id AND v.deleted_ms IS NULL AND v.created_ms >= ?6
                JOIN feedbacks f ON f.id = v.feedback_id AND f.deleted_ms IS NULL
                    AND f.status IN ('open', 'in_progress')
                LEFT JOIN decisions d ON d.feedback_id = f.id AND d.user_id = ?1
                WHERE mine.role <> 'viewer' AND v.state = 'ready' AND v.user_id <> ?1
                  AND (d.updated_ms IS NULL OR d.updated_ms < v.created_ms)
                  AND v.version = (SELECT max(x.version) FROM media x
                        WHERE x.feedback_id = f.id AND x.deleted_ms IS NULL)
                ORDER BY v.created_ms DESC, f.id DESC LIMIT {LIST}),
             answer AS (
                SELECT max(c.created_ms) AS at, mine.id AS project, mine.name, mine.color, f.id, f.title, count(*) AS n
                FROM mine JOIN feedbacks f ON f.project_id = mine.id AND f.user_id = ?1 AND f.deleted_ms IS NULL
                    AND f.status IN ('open', 'in_progress')
                JOIN comments c ON c.feedback_id = f.id AND c.resolved_ms IS NULL AND c.deleted_ms IS NULL
                WHERE c.parent_id IS NULL AND c.user_id <> ?1 AND (c.internal = 0 OR mine.team)
                GROUP BY mine.id, mine.name, mine.color, f.id, f.title
                ORDER BY at DESC, f.id DESC LIMIT {LIST}),
             plan AS (
                SELECT l.updated_ms AS at, mine.id AS project, mine.name, mine.color, l.id, l.title
                FROM mine JOIN plans l ON l.project_id = mine.id AND l.deleted_ms IS NULL AND l.status = 'in_review'
                LEFT JOIN feedbacks talk ON talk.plan_id = l.id
                LEFT JOIN decisions d ON d.feedback_id = talk.id AND d.user_id = ?1
                WHERE mine.role <> 'viewer' AND l.user_id <> ?1 AND d.user_id IS NULL
                ORDER BY l.updated_ms DESC, l.id DESC LIMIT {LIST}),
             phase AS (
                SELECT mine.id AS project, mine.name, mine.color, h.phase, h.end_day
                FROM mine JOIN phases h ON h.project_id = mine.id AND h.assignee_id = ?1
                WHERE h.state <> 'done' AND h.start_day <= ?3
                ORDER BY h.end_day IS NULL, h.end_day, mine.id LIMIT {LIST}),
             work AS (
                SELECT v.created_ms AS at, mine.id AS project, mine.name, mine.color, f.id, f.title, v.version, v.state,
                    v.id AS media
                FROM mine JOIN media v ON v.project_id = mine.id AND v.state <> 'ready' AND v.deleted_ms IS NULL
                JOIN feedbacks f ON f.id = v.feedback_id AND f.deleted_ms IS NULL
                WHERE v.state <> 'failed' OR v.updated_ms > ?2
                ORDER BY v.created_ms DESC, v.id DESC LIMIT {LIST}),
             acts AS (
                SELECT e.seq, e.at_ms AS at, mine.id AS project, mine.name, mine.color, f.id AS feedback,
                    l.id AS plan, coalesce(f.title, l.title, '') AS title, e.verb,
                    CASE WHEN c.security = 1 AND c.user_id = e.actor_id AND c.user_id <> ?1 THEN NULL
                        ELSE u.id END AS who, u.nickname
                FROM events e CROSS JOIN mine
                LEFT JOIN comments c ON e.subject = 'comment' AND c.id = e.subject_id
                LEFT JOIN feedbacks f ON f.id = e.feedback_id AND f.deleted_ms IS NULL
                LEFT JOIN plans l ON e.subject = 'plan' AND l.id = e.subject_id AND l.deleted_ms IS NULL
                LEFT JOIN users u ON u.id = e.actor_id
                WHERE e.seq > (SELECT max(x.seq) FROM events x) - {LOOK_BACK} AND mine.id = e.project_id
                  AND e.verb IN {ACTED} AND (e.feedback_id IS NULL OR f.id IS NOT NULL)
                  AND (e.subject <> 'plan' OR l.id IS NOT NULL)
                  AND (e.subject <> 'comment' OR (c.deleted_ms IS NULL AND (c.internal = 0 OR mine.team)))
                ORDER BY e.seq DESC LIMIT 4 * {ACTS}),
             since AS (
                SELECT CASE WHEN ?5 IS NULL THEN ?4 ELSE
                    (SELECT CASE WHEN ?5 - v.last_ms > {VISIT} THEN v.last_ms ELSE v.before_ms END
                     FROM visits v WHERE v.user_id = ?1) END AS at),
             news AS (
                SELECT e.verb, count(*) AS n FROM events e CROSS JOIN mine
                LEFT JOIN comments c ON e.subject = 'comment' AND c.id = e.subject_id
                WHERE e.seq > (SELECT max(x.seq) FROM events x) - {LOOK_BACK} AND mine.id = e.project_id
                  AND e.at_ms > (SELECT at FROM since) AND e.verb IN {ACTED}
                  AND (e.actor_id IS NULL OR e.actor_id <> ?1)
                  AND (e.subject <> 'comment' OR (c.deleted_ms IS NULL AND (c.internal = 0 OR mine.team)))
                GROUP BY e.verb)
             SELECT 0, at, project, name, color, id, NULL, title, version, NULL, NULL, NULL, NULL FROM decide
             UNION ALL SELECT 1, at, project, name, color, id, NULL, title, n, NULL, NULL, NULL, NULL FROM answer
             UNION ALL SELECT 2, at, project, name, color, NULL, id, title, 0, NULL, NULL, NULL, NULL FROM plan
             UNION ALL SELECT 3, NULL, project, name, color, NULL, NULL, phase, 0, NULL, NULL, end_day, NULL FROM phase
             UNION ALL SELECT 4, at, project, name, color, id, NULL, title, version, NULL, NULL, state, media FROM work
             UNION ALL SELECT 5, at, project, name, color, feedback, plan, title, 0, who, nickname, verb, seq FROM acts
             UNION ALL SELECT 6, NULL, 0, '', '', NULL, NULL, '', n, NULL, NULL, verb, NULL FROM news
             UNION ALL SELECT 7, (SELECT at FROM since), 0, '', '', NULL, NULL, '', 0, NULL, NULL, NULL,
                (SELECT max(e.seq) FROM events e)"
        ),
        params![user, failed_since, today, at, visit, waits_since],
        line,
    )?;
    let mut today = Today::default();
    for row in rows {
        match row {
            Line::Waiting(w) => today.waiting.push(w),
            Line::InProcess(w) => today.in_process.push(w),
            // One line for a row of the same acts of one person.
            Line::Act(a) => match today.activity.last() {
                Some(b) if is_same(&a, b) => {}
                _ => today.activity.push(a),
            },
            Line::Stands { since, seq } => (today.since, today.seq) = (since, seq),
            Line::News(verb, n) => match verb.as_str() {
                "comment_added" => today.news.comments += n,
                "media_ready" => today.news.versions += n,
                "decided" => today.news.decisions += n,
                "feedback_added" => today.news.feedbacks += n,
                "storyboard_drafted" | "plan_changed" => today.news.plans += n,
                _ => {}
            },
        }
    }
    today.activity.truncate(ACTS as usize);
    Ok(today)
}

/// Did the same person do the same to the same thing?
fn is_same(a: &Act, b: &Act) -> bool {
    let who = |act: &Act| act.user.as_ref().map(|u| u.id);
    let what = |act: &Act| (act.project_id, act.feedback_id, act.plan_id);
    a.verb == b.verb && who(a) == who(b) && what(a) == what(b)
}
