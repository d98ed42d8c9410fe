//! The statements that read accounts for those who run the instance. Memberships are read from the tables of projects.

use super::people::{Account, Filter, Membership, Order, Which};
use super::sessions::Session;
use super::sql::{SESSION, session_row};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::UserId;
use crate::engines::store::{Db, Row, SqlResult, params};

/// `?1` is the present moment.
const ACCOUNT: &str = "u.id, u.email, u.nickname, u.site_role, u.locked, u.reset_asked_ms, u.created_ms,
    (SELECT max(s.used_ms) FROM sessions s WHERE s.user_id = u.id) AS seen, u.password_hash IS NOT NULL,
    (SELECT count(*) FROM sessions s WHERE s.user_id = u.id AND s.expires_ms > ?1)";

fn account_row(r: &Row) -> SqlResult<Account> {
    Ok(Account {
        id: r.get(0)?,
        email: r.get(1)?,
        nickname: r.get(2)?,
        site_role: r.get(3)?,
        locked: r.get(4)?,
        reset_asked: r.get(5)?,
        created: r.get(6)?,
        last_seen: r.get(7)?,
        ready: r.get(8)?,
        sessions: r.get(9)?,
    })
}

/// The rows and the count of all.
pub(super) fn list(db: &Db, filter: &Filter, limit: i64, offset: i64, now: Time) -> Result<(Vec<Account>, i64)> {
    const ROLE: &str = "CASE u.site_role WHEN 'admin' THEN 0 WHEN 'operator' THEN 1 ELSE 2 END";
    let state = match filter.state {
        Which::All => "1",
        Which::Active => "u.locked = 0 AND u.password_hash IS NOT NULL",
        Which::Locked => "u.locked = 1",
        Which::Invited => "u.password_hash IS NULL",
        Which::Unseen => {
            "u.password_hash IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.user_id = u.id)
             AND NOT EXISTS (SELECT 1 FROM events e WHERE e.subject = 'user' AND e.subject_id = u.id AND e.verb = 'logged_in')"
        }
        Which::Asked => "u.reset_asked_ms IS NOT NULL",
    };
    let order = match filter.order {
        Order::Newest => "u.reset_asked_ms IS NULL, u.id DESC".to_owned(),
        Order::Oldest => "u.id".to_owned(),
        Order::Name => "u.nickname, u.id".to_owned(),
        Order::NameDown => "u.nickname DESC, u.id DESC".to_owned(),
        Order::Role => format!("{ROLE}, u.id DESC"),
        Order::RoleDown => format!("{ROLE} DESC, u.id DESC"),
        Order::Seen => "seen IS NULL, seen DESC, u.id DESC".to_owned(),
        Order::SeenDown => "seen IS NOT NULL, seen, u.id".to_owned(),
    };
    let from = format!(
        "FROM users u WHERE (?2 = '' OR instr(u.email, ?2) > 0 OR instr(lower(u.nickname), ?2) > 0)
           AND (?3 IS NULL OR u.site_role = ?3) AND {state}"
    );
    let search = filter.search.trim().to_lowercase();
    let rows = db.all(
        &format!("SELECT {ACCOUNT}, count(*) OVER () {from} ORDER BY {order} LIMIT ?4 OFFSET ?5"),
        params![now, search, filter.role, limit, offset],
        |r| Ok((account_row(r)?, r.get::<_, i64>(10)?)),
    )?;
    let count = rows.first().map_or(0, |(_, n)| *n);
    Ok((rows.into_iter().map(|(account, _)| account).collect(), count))
}

/// With the moment until which it is shut.
pub(super) fn account(db: &Db, user: UserId, now: Time) -> Result<Option<(Account, Time)>> {
    let sql = format!("SELECT {ACCOUNT}, u.shut_until_ms FROM users u WHERE u.id = ?2");
    db.one(&sql, params![now, user], |r| Ok((account_row(r)?, r.get(10)?)))
}

/// Those that hold, last used first.
pub(super) fn sessions(db: &Db, user: UserId, now: Time) -> Result<Vec<Session>> {
    let sql = format!(
        "SELECT {SESSION} FROM sessions WHERE user_id = ?1 AND expires_ms > ?2 ORDER BY used_ms DESC, id DESC LIMIT 200"
    );
    db.all(&sql, params![user, now], session_row)
}

pub(super) fn memberships(db: &Db, user: UserId, limit: i64) -> Result<Vec<Membership>> {
    db.all(
        "SELECT p.id, p.name, m.role, p.deleted_ms IS NOT NULL, m.created_ms
         FROM members m JOIN projects p ON p.id = m.project_id WHERE m.user_id = ?1
         ORDER BY p.deleted_ms IS NOT NULL, p.updated_ms DESC, p.id DESC LIMIT ?2",
        params![user, limit],
        |r| {
            Ok(Membership {
                project: r.get(0)?,
                name: r.get(1)?,
                role: r.get(2)?,
                deleted: r.get(3)?,
                since: r.get(4)?,
            })
        },
    )
}
