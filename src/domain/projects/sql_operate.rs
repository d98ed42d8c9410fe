//! The statements for those who run the instance. They read the tables of accounts, feedbacks and media beside those of
//! projects, and write none.

use super::operate::{By, Filter, Row, Where};
use super::sql::contains;
use crate::base::error::Result;
use crate::base::ids::{ProjectId, UserId};
use crate::domain::accounts::Person;
use crate::engines::store::{self, Db, SqlResult, params};

const ROW: &str = "p.id, p.name, p.client, p.status, p.deleted_ms, p.created_ms, o.id, o.nickname, o.locked,
    (SELECT count(*) FROM members m WHERE m.project_id = p.id) AS members,
    (SELECT count(*) FROM feedbacks f WHERE f.project_id = p.id AND f.deleted_ms IS NULL) AS feedbacks,
    (SELECT count(*) FROM media v WHERE v.project_id = p.id AND v.deleted_ms IS NULL) AS versions,
    coalesce((SELECT sum(x.size_bytes) FROM usage x WHERE x.project_id = p.id), 0) AS size,
    (SELECT q.size_bytes FROM quotas q WHERE q.project_id = p.id),
    (SELECT e.at_ms FROM events e WHERE e.project_id = p.id ORDER BY e.seq DESC LIMIT 1) AS active";

fn row(r: &store::Row) -> SqlResult<Row> {
    Ok(Row {
        id: r.get(0)?,
        name: r.get(1)?,
        client: r.get(2)?,
        status: r.get(3)?,
        deleted: r.get(4)?,
        created: r.get(5)?,
        owner: Person { id: r.get(6)?, nickname: r.get(7)? },
        owner_locked: r.get(8)?,
        members: r.get(9)?,
        feedbacks: r.get(10)?,
        versions: r.get(11)?,
        size_bytes: r.get(12)?,
        quota: r.get(13)?,
        active: r.get(14)?,
    })
}

/// The rows and the count of all.
pub(super) fn list(db: &Db, filter: &Filter, limit: i64, offset: i64) -> Result<(Vec<Row>, i64)> {
    let place = match filter.place {
        Where::All => "1",
        Where::Living => "p.deleted_ms IS NULL",
        Where::Trash => "p.deleted_ms IS NOT NULL",
    };
    let by = match filter.by {
        By::Activity => "active",
        By::Name => "p.name",
        By::Owner => "o.nickname",
        By::Members => "members",
        By::Feedbacks => "feedbacks",
        By::Versions => "versions",
        By::Size => "size",
        By::Created => "p.created_ms",
    };
    let down = if filter.down { " DESC" } else { "" };
    let search = Some(filter.search.trim()).filter(|s| !s.is_empty()).map(contains);
    let rows = db.all(
        &format!(
            "SELECT {ROW}, count(*) OVER () FROM projects p JOIN users o ON o.id = p.owner_id
             WHERE {place} AND (?1 IS NULL OR lower(p.name) LIKE ?1 ESCAPE '\\' OR lower(p.client) LIKE ?1 ESCAPE '\\'
                OR lower(o.nickname) LIKE ?1 ESCAPE '\\' OR o.email LIKE ?1 ESCAPE '\\')
               AND (?2 IS NULL OR p.status = ?2)
             ORDER BY {by}{down}, p.id DESC LIMIT ?3 OFFSET ?4"
        ),
        params![search, filter.status, limit, offset],
        |r| Ok((row(r)?, r.get::<_, i64>(15)?)),
    )?;
    let count = rows.first().map_or(0, |(_, n)| *n);
    Ok((rows.into_iter().map(|(row, _)| row).collect(), count))
}

pub(super) fn get(db: &Db, id: ProjectId) -> Result<Option<Row>> {
    let sql = format!("SELECT {ROW} FROM projects p JOIN users o ON o.id = p.owner_id WHERE p.id = ?1");
    db.one(&sql, params![id], row)
}

/// An account that can be given something: one that is locked cannot.
pub(super) fn open_account(db: &Db, email: &str) -> Result<Option<UserId>> {
    db.one("SELECT id FROM users WHERE email = ?1 AND locked = 0", params![email], |r| r.get(0))
}
