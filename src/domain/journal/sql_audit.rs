//! The statement that reads the audit, with the names of people and projects as they are now.

use serde_json::Value;

use super::audit::{Filter, Row, Topic};
use super::sql::security;
use crate::base::error::Result;
use crate::base::ids::{ProjectId, UserId};
use crate::engines::store::{Db, params};

const SIGN_INS: &str = "e.verb IN ('logged_in', 'login_failed', 'logged_out', 'sessions_revoked', 'token_added',
    'confirmed', 'confirm_failed', 'reset_requested', 'reset_issued', 'password_reset')";
const PEOPLE: &str =
    "e.verb IN ('user_added', 'user_changed', 'user_locked', 'user_unlocked', 'site_role_changed', 'socket_closed')";

fn about(topic: Topic) -> &'static str {
    match topic {
        Topic::SignIns => SIGN_INS,
        Topic::People => PEOPLE,
        Topic::Members => "(e.verb LIKE 'member\\_%' ESCAPE '\\' OR e.subject = 'invitation')",
        Topic::Projects => "e.verb LIKE 'project\\_%' ESCAPE '\\'",
        Topic::Jobs => "e.subject IN ('job', 'lane', 'schedule')",
        Topic::Storage => "e.subject = 'storage'",
        Topic::Messages => "e.subject IN ('mail', 'webhook')",
        // What a later version adds stands here until it has a topic of its own.
        Topic::Instance => {
            "e.subject NOT IN ('user', 'project', 'invitation', 'job', 'lane', 'schedule', 'storage', 'mail', 'webhook')"
        }
    }
}

pub(super) fn list(db: &Db, filter: &Filter, before: Option<i64>, limit: i64) -> Result<Vec<Row>> {
    // The first condition is that of the index `events_audit`.
    let sql = format!(
        "SELECT e.seq, e.at_ms, e.actor_id, a.nickname, e.verb, u.id, u.nickname, p.id, p.name, e.subject, e.subject_id,
            e.body, e.project_id, CASE WHEN e.subject = 'user' THEN e.subject_id ELSE json_extract(e.body, '$.user') END
         FROM events e
         LEFT JOIN users a ON a.id = e.actor_id
         LEFT JOIN users u ON u.id = CASE WHEN e.subject = 'user' THEN e.subject_id ELSE json_extract(e.body, '$.user') END
         LEFT JOIN projects p ON p.id = coalesce(e.project_id, json_extract(e.body, '$.project'))
         WHERE e.subject NOT IN ('comment', 'feedback', 'media', 'plan', 'entry') AND {} AND {}
           AND e.seq < ?1
           AND (?2 IS NULL OR e.actor_id = ?2 OR (e.subject = 'user' AND e.subject_id = ?2)
                OR json_extract(e.body, '$.user') = ?2)
           AND (?3 IS NULL OR e.project_id = ?3 OR json_extract(e.body, '$.project') = ?3)
           AND (?4 IS NULL OR e.verb = ?4) AND (?5 IS NULL OR e.subject_id = ?5)
           AND (?6 IS NULL OR e.at_ms >= ?6) AND (?7 IS NULL OR e.at_ms < ?7)
         ORDER BY e.seq DESC LIMIT ?8",
        security(),
        filter.topic.map_or("1", about),
    );
    db.all(
        &sql,
        params![
            before.unwrap_or(i64::MAX),
            filter.person,
            filter.project,
            filter.verb,
            filter.id,
            filter.from,
            filter.to,
            limit
        ],
        |r| {
            let actor = match r.get::<_, Option<UserId>>(2)? {
                Some(id) => Some((id, r.get(3)?)),
                None => None,
            };
            // Nobody has the number 0: somebody tried an address that no account has.
            let user = match r.get::<_, Option<UserId>>(13)?.filter(|id| id.0 != 0) {
                Some(id) => Some((id, r.get(6)?)),
                None => None,
            };
            let body: Value = serde_json::from_str(&r.get::<_, String>(11)?).unwrap_or_default();
            let told = body["project"].as_i64().map(ProjectId);
            let project = match r.get::<_, Option<ProjectId>>(12)?.or(told) {
                Some(id) => Some((id, r.get(8)?)),
                None => None,
            };
            let (seq, at, verb) = (r.get(0)?, r.get(1)?, r.get(4)?);
            Ok(Row { seq, at, actor, verb, user, project, subject: (r.get(9)?, r.get(10)?), body })
        },
    )
}
