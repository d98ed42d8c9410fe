//! The statements of search: rows as documents, and rows as hits. It reads the tables of all nouns and writes none.
//!
//! A comment's text is shown through `comments::found` alone.

use super::documents::{NO_STATUS, flag, key, status};
use super::{Hit, Kind, snippet};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::event::Event;
use crate::base::ids::{CommentId, FeedbackId, ProjectId, UserId};
use crate::domain::accounts::Person;
use crate::domain::{id_list, id_places};
use crate::engines::index::Document;
use crate::engines::index::marks::Marker;
use crate::engines::store::{Db, Row, SqlResult, params, params_from_iter};

/// Columns: id, project, owner, status, flags, at, name, short, long, projects.
fn source(kind: Kind) -> &'static str {
    match kind {
        Kind::Project => {
            "SELECT x.id, x.id, x.owner_id, x.status, 0, x.created_ms,
                x.name || char(10) || x.client || char(10) || x.manager_name, '',
                x.description || char(10) || x.concept || char(10) || x.genre || char(10) || x.tone, NULL
             FROM projects x WHERE x.deleted_ms IS NULL"
        }
        Kind::Feedback => {
            "SELECT x.id, x.project_id, x.user_id, x.status, 0, x.created_ms, x.title, '', x.description, NULL
             FROM feedbacks x JOIN projects p ON p.id = x.project_id AND p.deleted_ms IS NULL
             WHERE x.deleted_ms IS NULL"
        }
        // The moment is a token: 02:04 finds what was said there.
        Kind::Comment => {
            "SELECT x.id, x.project_id, x.user_id, CASE WHEN x.resolved_ms IS NULL THEN 'open' ELSE 'resolved' END,
                x.internal | (x.security << 1) | ((x.drawing IS NOT NULL) << 2) | ((x.start_ms IS NOT NULL) << 3),
                x.created_ms, '',
                x.title || char(10) || x.text || char(10) || CASE WHEN x.section <> '' THEN x.section
                    WHEN x.start_ms IS NULL THEN '' ELSE printf('%02d:%02d:%02d', x.start_ms / 3600000,
                    x.start_ms / 60000 % 60, x.start_ms / 1000 % 60) END, '', NULL
             FROM comments x JOIN feedbacks f ON f.id = x.feedback_id AND f.deleted_ms IS NULL
             JOIN projects p ON p.id = x.project_id AND p.deleted_ms IS NULL
             WHERE x.deleted_ms IS NULL"
        }
        Kind::File => {
            "SELECT x.id, x.project_id, x.user_id, x.state, 0, x.created_ms, x.name, '', '', NULL
             FROM media x JOIN feedbacks f ON f.id = x.feedback_id AND f.deleted_ms IS NULL
             JOIN projects p ON p.id = x.project_id AND p.deleted_ms IS NULL WHERE x.deleted_ms IS NULL"
        }
        Kind::Plan => {
            "SELECT x.id, x.project_id, x.user_id, x.status, 0, x.created_ms, x.title, '', x.words, NULL
             FROM plans x JOIN projects p ON p.id = x.project_id AND p.deleted_ms IS NULL WHERE x.deleted_ms IS NULL"
        }
        Kind::Person => {
            "SELECT x.id, 0, x.id, '', 0, x.created_ms, x.nickname, '', '',
                (SELECT group_concat(m.project_id) FROM members m
                 JOIN projects p ON p.id = m.project_id AND p.deleted_ms IS NULL WHERE m.user_id = x.id)
             FROM users x WHERE x.locked = 0 AND EXISTS (SELECT 1 FROM members m WHERE m.user_id = x.id)"
        }
    }
}

fn document(kind: Kind, r: &Row) -> SqlResult<Document> {
    let name: String = r.get(3)?;
    let projects: Option<String> = r.get(9)?;
    let scopes = projects.unwrap_or_default().split(',').filter_map(|id| id.parse().ok()).collect();
    let status = if name.is_empty() { NO_STATUS } else { status(&name) };
    Ok(Document {
        key: key(kind, r.get(0)?),
        scope: r.get(1)?,
        scopes,
        owner: r.get(2)?,
        status,
        flags: r.get::<_, i64>(4)? as u8 & (flag::INTERNAL | flag::ANONYMOUS | flag::DRAWING | flag::TIMED),
        at: r.get(5)?,
        name: r.get(6)?,
        short: r.get(7)?,
        long: r.get(8)?,
    })
}

/// A row's decoder knows its kind.
fn decoder(kind: Kind) -> fn(&Row) -> SqlResult<Document> {
    match kind {
        Kind::Project => |r| document(Kind::Project, r),
        Kind::Feedback => |r| document(Kind::Feedback, r),
        Kind::Comment => |r| document(Kind::Comment, r),
        Kind::File => |r| document(Kind::File, r),
        Kind::Person => |r| document(Kind::Person, r),
        Kind::Plan => |r| document(Kind::Plan, r),
    }
}

/// Those of these rows that are there.
pub(super) fn documents(db: &Db, kind: Kind, ids: &[i64]) -> Result<Vec<Document>> {
    db.all(&format!("{} AND x.id IN ({})", source(kind), id_list(ids)), params![], decoder(kind))
}

/// The next rows of a table, by id.
pub(super) fn page(db: &Db, kind: Kind, after: i64, limit: i64) -> Result<Vec<Document>> {
    let sql = format!("{} AND x.id > ?1 ORDER BY x.id LIMIT ?2", source(kind));
    db.all(&sql, params![after, limit], decoder(kind))
}

/// How many rows there are to be read, about.
pub(super) fn count(db: &Db) -> Result<i64> {
    let sql =
        "SELECT (SELECT count(*) FROM projects) + (SELECT count(*) FROM feedbacks) + (SELECT count(*) FROM comments)
        + (SELECT count(*) FROM media) + (SELECT count(*) FROM users) + (SELECT count(*) FROM plans)";
    Ok(db.one(sql, params![], |r| r.get(0))?.unwrap_or_default())
}

/// Seq, time, actor, event (`None` if a later version of the program wrote it).
pub(super) type Happened = (i64, i64, Option<UserId>, Option<Event>);

/// Events after `after`, oldest first.
pub(super) fn events(db: &Db, after: i64, limit: i64) -> Result<Vec<Happened>> {
    db.all(
        "SELECT seq, at_ms, actor_id, body FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        params![after, limit],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, serde_json::from_str(&r.get::<_, String>(3)?).ok())),
    )
}

/// The last event: seq and time.
pub(super) fn last_event(db: &Db) -> Result<Option<(i64, i64)>> {
    db.one("SELECT seq, at_ms FROM events ORDER BY seq DESC LIMIT 1", params![], |r| Ok((r.get(0)?, r.get(1)?)))
}

/// The first event after `seq`: seq and time.
pub(super) fn next_event(db: &Db, seq: i64) -> Result<Option<(i64, i64)>> {
    let sql = "SELECT seq, at_ms FROM events WHERE seq > ?1 ORDER BY seq LIMIT 1";
    db.one(sql, params![seq], |r| Ok((r.get(0)?, r.get(1)?)))
}

/// When the event happened, if it is in the journal.
pub(super) fn time_of(db: &Db, seq: i64) -> Result<Option<i64>> {
    db.one("SELECT at_ms FROM events WHERE seq = ?1", params![seq], |r| r.get(0))
}

fn named(r: &Row) -> SqlResult<(Kind, i64)> {
    let kind: String = r.get(0)?;
    Ok((kind.parse().unwrap_or(Kind::Comment), r.get(1)?))
}

/// Everything in a project, and its people.
pub(super) fn in_project(db: &Db, project: ProjectId) -> Result<Vec<(Kind, i64)>> {
    db.all(
        "SELECT 'feedback', id FROM feedbacks WHERE project_id = ?1
         UNION ALL SELECT 'file', id FROM media WHERE project_id = ?1
         UNION ALL SELECT 'comment', id FROM comments WHERE project_id = ?1
         UNION ALL SELECT 'plan', id FROM plans WHERE project_id = ?1
         UNION ALL SELECT 'person', user_id FROM members WHERE project_id = ?1",
        params![project],
        named,
    )
}

/// Everything under a feedback.
pub(super) fn in_feedback(db: &Db, feedback: FeedbackId) -> Result<Vec<(Kind, i64)>> {
    db.all(
        "SELECT 'file', id FROM media WHERE feedback_id = ?1
         UNION ALL SELECT 'comment', id FROM comments WHERE feedback_id = ?1",
        params![feedback],
        named,
    )
}

/// The replies to a comment.
pub(super) fn replies(db: &Db, comment: CommentId) -> Result<Vec<(Kind, i64)>> {
    db.all("SELECT 'comment', id FROM comments WHERE parent_id = ?1", params![comment], named)
}

/// Rows that are to be shown.
pub(super) struct Wanted {
    pub(super) projects: Vec<i64>,
    pub(super) feedbacks: Vec<i64>,
    pub(super) files: Vec<i64>,
    pub(super) people: Vec<i64>,
    pub(super) plans: Vec<i64>,
}

/// A row that is shown.
pub(super) struct Shown {
    pub(super) kind: Kind,
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) project: i64,
    pub(super) project_name: String,
    text: String,
    feedback: Option<FeedbackId>,
    owner: Person,
    status: Option<String>,
    created: Time,
}

/// Those of the wanted rows that are there, in one statement. Of people those who share a project with the reader.
pub(super) fn rows(db: &Db, reader: UserId, wanted: &Wanted) -> Result<Vec<Shown>> {
    let mut values = vec![reader.0];
    let all = [&wanted.projects, &wanted.feedbacks, &wanted.files, &wanted.people, &wanted.plans];
    let [projects, feedbacks, files, people, plans] = all.map(|ids| {
        let (places, mut own) = id_places(values.len() + 1, ids);
        values.append(&mut own);
        places
    });
    let sql = format!(
        "SELECT 'project', p.id, p.name, p.id, p.name,
            trim(p.client || ' · ' || p.manager_name || ' · ' || p.description || ' · ' || p.concept, ' ·'), NULL,
            u.id, u.nickname, p.status, p.created_ms
         FROM projects p JOIN users u ON u.id = p.owner_id WHERE p.id IN ({projects}) AND p.deleted_ms IS NULL
         UNION ALL
         SELECT 'feedback', f.id, f.title, p.id, p.name, f.description, f.id, u.id, u.nickname, f.status, f.created_ms
         FROM feedbacks f JOIN projects p ON p.id = f.project_id AND p.deleted_ms IS NULL
         JOIN users u ON u.id = f.user_id WHERE f.id IN ({feedbacks}) AND f.deleted_ms IS NULL
         UNION ALL
         SELECT 'file', v.id, v.name, p.id, p.name, f.title, f.id, u.id, u.nickname, v.state, v.created_ms
         FROM media v JOIN feedbacks f ON f.id = v.feedback_id AND f.deleted_ms IS NULL
         JOIN projects p ON p.id = v.project_id AND p.deleted_ms IS NULL
         JOIN users u ON u.id = v.user_id WHERE v.id IN ({files}) AND v.deleted_ms IS NULL
         UNION ALL
         SELECT 'plan', x.id, x.title, p.id, p.name, x.words, NULL, u.id, u.nickname, x.status, x.created_ms
         FROM plans x JOIN projects p ON p.id = x.project_id AND p.deleted_ms IS NULL
         JOIN users u ON u.id = x.user_id WHERE x.id IN ({plans}) AND x.deleted_ms IS NULL
         UNION ALL
         SELECT 'person', u.id, u.nickname, 0, '', '', NULL, u.id, u.nickname, NULL, u.created_ms
         FROM users u WHERE u.id IN ({people}) AND u.locked = 0 AND EXISTS (
             SELECT 1 FROM members a JOIN members b ON b.project_id = a.project_id
             JOIN projects p ON p.id = a.project_id AND p.deleted_ms IS NULL
             WHERE a.user_id = ?1 AND b.user_id = u.id)"
    );
    db.all(&sql, params_from_iter(values), |r| {
        let (kind, id) = named(r)?;
        Ok(Shown {
            kind,
            id,
            title: r.get(2)?,
            project: r.get(3)?,
            project_name: r.get(4)?,
            text: r.get(5)?,
            feedback: r.get(6)?,
            owner: Person { id: r.get(7)?, nickname: r.get(8)? },
            status: r.get(9)?,
            created: r.get(10)?,
        })
    })
}

impl Shown {
    /// As a hit for this reader, who may see it.
    pub(super) fn hit(self, reader: UserId, marker: &Marker) -> Hit {
        let url = match (self.kind, self.feedback) {
            (Kind::Project, _) => format!("/projects/{}", self.id),
            (Kind::Plan, _) => format!("/plans/{}", self.id),
            (_, Some(feedback)) => format!("/feedbacks/{feedback}"),
            _ => {
                let q =
                    form_urlencoded::byte_serialize(format!("from:\"{}\"", self.title).as_bytes()).collect::<String>();
                format!("/search?q={q}")
            }
        };
        let in_project = self.kind != Kind::Person;
        Hit {
            kind: self.kind,
            id: self.id,
            title_html: snippet::whole(&self.title, marker),
            snippet_html: snippet::of(&self.text, marker),
            title: self.title,
            url,
            project_id: in_project.then_some(ProjectId(self.project)),
            project_name: in_project.then_some(self.project_name),
            feedback_id: self.feedback,
            is_mine: self.owner.id == reader,
            user: Some(self.owner),
            status: self.status,
            start_ms: None,
            internal: false,
            created: self.created,
        }
    }
}
