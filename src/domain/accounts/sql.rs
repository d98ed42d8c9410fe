//! The statements of accounts. Tables: `users`, `sessions`, `reset_codes`.

use std::collections::HashMap;
use std::sync::Arc;

use super::sessions::{Scope, Session, SessionKind};
use super::{Me, NewUser, Origin, Person, Roles, Standing, Viewer};
use crate::base::clock::{MINUTE, Time};
use crate::base::error::{Error, Result};
use crate::base::ids::{ProjectId, SessionId, UserId};
use crate::base::locale::Lang;
use crate::base::roles::SiteRole;
use crate::engines::cache::Ticket;
use crate::engines::store::{Db, Row, SqlResult, Tx, params};

fn lang(r: &Row, column: usize) -> SqlResult<Lang> {
    Ok(Lang::from_tag(&r.get::<_, String>(column)?).unwrap_or_default())
}

fn scopes(text: &str) -> Vec<Scope> {
    text.split(' ').filter_map(|s| s.parse().ok()).collect()
}

pub(super) fn insert(tx: &mut Tx, new: &NewUser, hash: Option<&str>, site_role: SiteRole) -> Result<Option<UserId>> {
    tx.one(
        "INSERT INTO users (email, nickname, password_hash, site_role, locale, created_ms, updated_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT DO NOTHING RETURNING id",
        params![new.email, new.nickname, hash, site_role, new.locale.tag(), tx.now()],
        |r| r.get(0),
    )
}

pub(super) fn nicknames(db: &Db, ids: &[UserId]) -> Result<HashMap<UserId, String>> {
    const SQL: &str = "SELECT id, nickname FROM users WHERE id IN (SELECT value FROM json_each(?1))";
    let ids = serde_json::to_string(ids).map_err(Error::internal)?;
    Ok(db.all(SQL, params![ids], |r| Ok((r.get(0)?, r.get(1)?)))?.into_iter().collect())
}

pub(super) fn any(db: &Db) -> Result<bool> {
    Ok(db.one("SELECT 1 FROM users LIMIT 1", params![], |_| Ok(()))?.is_some())
}

pub(super) fn person_by_email(db: &Db, email: &str) -> Result<Option<Person>> {
    db.one("SELECT id, nickname FROM users WHERE email = ?1", params![email], |r| {
        Ok(Person { id: r.get(0)?, nickname: r.get(1)? })
    })
}

pub(super) struct Credentials {
    pub(super) id: UserId,
    pub(super) password_hash: Option<String>,
    pub(super) locked: bool,
    pub(super) shut_until: Time,
}

pub(super) fn credentials(db: &Db, email: &str) -> Result<Option<Credentials>> {
    db.one("SELECT id, password_hash, locked, shut_until_ms FROM users WHERE email = ?1", params![email], |r| {
        Ok(Credentials { id: r.get(0)?, password_hash: r.get(1)?, locked: r.get(2)?, shut_until: r.get(3)? })
    })
}

pub(super) fn password_hash(db: &Db, user: UserId) -> Result<Option<String>> {
    Ok(db.one("SELECT password_hash FROM users WHERE id = ?1", params![user], |r| r.get(0))?.flatten())
}

/// One more wrong password; at the limit the account is shut and the count begins anew.
pub(super) fn count_failure(tx: &mut Tx, user: UserId, limit: i64, shut_minutes: i64) -> Result<()> {
    let until = tx.now().plus(shut_minutes * MINUTE);
    tx.execute(
        "UPDATE users SET
            shut_until_ms = CASE WHEN failures + 1 >= ?2 THEN ?3 ELSE shut_until_ms END,
            failures = CASE WHEN failures + 1 >= ?2 THEN 0 ELSE failures + 1 END
         WHERE id = ?1",
        params![user, limit, until],
    )?;
    Ok(())
}

pub(super) fn forget_failures(tx: &mut Tx, user: UserId) -> Result<()> {
    tx.execute("UPDATE users SET failures = 0, shut_until_ms = 0 WHERE id = ?1", params![user])?;
    Ok(())
}

pub(super) fn me(db: &Db, user: UserId) -> Result<Option<Me>> {
    db.one(
        "SELECT id, email, nickname, site_role, locale, created_ms, rev FROM users WHERE id = ?1",
        params![user],
        |r| {
            Ok(Me {
                id: r.get(0)?,
                email: r.get(1)?,
                nickname: r.get(2)?,
                site_role: r.get(3)?,
                locale: lang(r, 4)?,
                created: r.get(5)?,
                rev: r.get(6)?,
            })
        },
    )
}

/// Answers the new revision.
pub(super) fn update_me(tx: &mut Tx, me: &Me, password_hash: Option<&str>) -> Result<i64> {
    let now = tx.now();
    tx.execute(
        "UPDATE users SET nickname = ?2, locale = ?3, password_hash = coalesce(?4, password_hash), updated_ms = ?5,
            rev = rev + 1
         WHERE id = ?1",
        params![me.id, me.nickname, me.locale.tag(), password_hash, now],
    )?;
    Ok(me.rev + 1)
}

#[allow(clippy::too_many_arguments)] // One column each.
pub(super) fn insert_session(
    tx: &mut Tx,
    user: UserId,
    kind: SessionKind,
    hash: &[u8],
    name: &str,
    scopes: &[Scope],
    expires: Time,
    from: &Origin,
) -> Result<SessionId> {
    let now = tx.now();
    let scopes = scopes.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(" ");
    let id = tx.insert(
        "INSERT INTO sessions (user_id, kind, token_hash, name, scopes, ip, created_ms, used_ms, expires_ms, agent,
            confirmed_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, iif(?2 = 'session', ?7, 0))",
        params![user, kind, hash, name, scopes, from.ip, now, expires, from.agent],
    )?;
    Ok(SessionId(id))
}

/// Who he is and where he belongs, in one statement: a row for each of his projects.
pub(super) fn viewer(db: &Db, hash: &[u8], now: Time) -> Result<Option<Viewer>> {
    let rows = db.all(
        "SELECT u.id, u.email, u.nickname, u.site_role, u.locale, s.id, s.kind, s.scopes, s.used_ms, s.expires_ms, u.rev,
            m.project_id, m.role, p.deleted_ms IS NOT NULL, s.confirmed_ms
         FROM sessions s JOIN users u ON u.id = s.user_id
         LEFT JOIN members m ON m.user_id = u.id LEFT JOIN projects p ON p.id = m.project_id
         WHERE s.token_hash = ?1 AND s.expires_ms > ?2 AND u.locked = 0 ORDER BY m.project_id",
        params![hash, now],
        viewer_row,
    )?;
    Ok(gathered(rows))
}

/// The same person without a session.
pub(super) fn reader(db: &Db, user: UserId) -> Result<Option<Viewer>> {
    let rows = db.all(
        "SELECT u.id, u.email, u.nickname, u.site_role, u.locale, 0, 'session', 'read', 0, 0, u.rev,
            m.project_id, m.role, p.deleted_ms IS NOT NULL, 0
         FROM users u LEFT JOIN members m ON m.user_id = u.id LEFT JOIN projects p ON p.id = m.project_id
         WHERE u.id = ?1 AND u.locked = 0 ORDER BY m.project_id",
        params![user],
        viewer_row,
    )?;
    Ok(gathered(rows))
}

fn viewer_row(r: &Row) -> SqlResult<(Viewer, Option<Standing>)> {
    let viewer = Viewer {
        user: r.get(0)?,
        email: r.get(1)?,
        nickname: r.get(2)?,
        site_role: r.get(3)?,
        lang: lang(r, 4)?,
        session: r.get(5)?,
        kind: r.get(6)?,
        scopes: scopes(&r.get::<_, String>(7)?),
        used: r.get(8)?,
        expires: r.get(9)?,
        rev: r.get(10)?,
        confirmed: r.get(14)?,
        roles: Arc::default(),
        ticket: Ticket::default(),
    };
    let standing = match r.get::<_, Option<ProjectId>>(11)? {
        Some(project) => Some(Standing { project, role: r.get(12)?, deleted: r.get(13)? }),
        None => None,
    };
    Ok((viewer, standing))
}

fn gathered(rows: Vec<(Viewer, Option<Standing>)>) -> Option<Viewer> {
    let mut viewer = None;
    let mut standings = Vec::new();
    for (row, standing) in rows {
        viewer.get_or_insert(row);
        standings.extend(standing);
    }
    viewer.map(|v| Viewer { roles: Arc::new(Roles(standings)), ..v })
}

pub(super) fn touch(tx: &mut Tx, id: SessionId, until: Option<Time>) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE sessions SET used_ms = ?2, expires_ms = coalesce(?3, expires_ms) WHERE id = ?1",
        params![id, now, until],
    )?;
    Ok(())
}

pub(super) const SESSION: &str = "id, kind, name, scopes, ip, created_ms, used_ms, expires_ms, agent";

/// A row of [`SESSION`].
pub(super) fn session_row(r: &Row) -> SqlResult<Session> {
    Ok(Session {
        id: r.get(0)?,
        kind: r.get(1)?,
        name: r.get(2)?,
        scopes: scopes(&r.get::<_, String>(3)?),
        ip: r.get(4)?,
        created: r.get(5)?,
        last_used: r.get(6)?,
        expires_at: r.get(7)?,
        agent: r.get(8)?,
        current: false,
    })
}

pub(super) fn sessions(db: &Db, user: UserId, kind: SessionKind) -> Result<Vec<Session>> {
    let sql = format!("SELECT {SESSION} FROM sessions WHERE user_id = ?1 AND kind = ?2 ORDER BY id DESC LIMIT 200");
    db.all(&sql, params![user, kind], session_row)
}

pub(super) fn count_tokens(db: &Db, user: UserId) -> Result<i64> {
    let n =
        db.one("SELECT count(*) FROM sessions WHERE user_id = ?1 AND kind = 'token'", params![user], |r| r.get(0))?;
    Ok(n.unwrap_or(0))
}

pub(super) fn delete_session(tx: &mut Tx, user: UserId, id: SessionId) -> Result<usize> {
    tx.execute("DELETE FROM sessions WHERE id = ?1 AND user_id = ?2", params![id, user])
}

/// Ends a person's browser sessions; API tokens too when no session is kept.
pub(super) fn delete_sessions(tx: &mut Tx, user: UserId, kept: Option<SessionId>) -> Result<usize> {
    tx.execute(
        "DELETE FROM sessions WHERE user_id = ?1 AND (?2 IS NULL OR (id <> ?2 AND kind = 'session'))",
        params![user, kept],
    )
}

pub(super) fn note_reset(tx: &mut Tx, email: &str) -> Result<Option<UserId>> {
    tx.one("UPDATE users SET reset_asked_ms = ?2 WHERE email = ?1 RETURNING id", params![email, tx.now()], |r| r.get(0))
}

pub(super) fn put_reset(tx: &mut Tx, user: UserId, hash: &[u8], expires: Time) -> Result<()> {
    tx.execute(
        "INSERT INTO reset_codes (user_id, code_hash, failures, expires_ms) VALUES (?1, ?2, 0, ?3)
         ON CONFLICT (user_id) DO UPDATE SET code_hash = ?2, failures = 0, expires_ms = ?3",
        params![user, hash, expires],
    )?;
    Ok(())
}

pub(super) fn reset_of(db: &Db, email: &str) -> Result<Option<(UserId, Vec<u8>, Time)>> {
    db.one(
        "SELECT u.id, c.code_hash, c.expires_ms FROM reset_codes c JOIN users u ON u.id = c.user_id WHERE u.email = ?1",
        params![email],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
    )
}

pub(super) fn count_reset_failure(tx: &mut Tx, user: UserId, limit: i64) -> Result<()> {
    tx.execute("UPDATE reset_codes SET failures = failures + 1 WHERE user_id = ?1", params![user])?;
    tx.execute("DELETE FROM reset_codes WHERE user_id = ?1 AND failures >= ?2", params![user, limit])?;
    Ok(())
}

pub(super) fn delete_reset(tx: &mut Tx, user: UserId) -> Result<()> {
    tx.execute("DELETE FROM reset_codes WHERE user_id = ?1", params![user])?;
    Ok(())
}

pub(super) fn set_password(tx: &mut Tx, user: UserId, hash: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE users SET password_hash = ?2, failures = 0, shut_until_ms = 0, reset_asked_ms = NULL, updated_ms = ?3,
            rev = rev + 1
         WHERE id = ?1",
        params![user, hash, now],
    )?;
    Ok(())
}

pub(super) fn set_locked(tx: &mut Tx, user: UserId, locked: bool) -> Result<usize> {
    tx.execute("UPDATE users SET locked = ?2, rev = rev + 1 WHERE id = ?1", params![user, locked])
}

pub(super) fn site_role(db: &Db, user: UserId) -> Result<Option<SiteRole>> {
    db.one("SELECT site_role FROM users WHERE id = ?1", params![user], |r| r.get(0))
}

pub(super) fn confirm(tx: &mut Tx, session: SessionId) -> Result<()> {
    let now = tx.now();
    tx.execute("UPDATE sessions SET confirmed_ms = ?2 WHERE id = ?1", params![session, now])?;
    Ok(())
}

pub(super) fn set_site_role(tx: &mut Tx, user: UserId, role: SiteRole) -> Result<usize> {
    tx.execute("UPDATE users SET site_role = ?2, rev = rev + 1 WHERE id = ?1", params![user, role])
}

pub(super) fn admins(db: &Db) -> Result<i64> {
    let n = db.one("SELECT count(*) FROM users WHERE site_role = 'admin' AND locked = 0", params![], |r| r.get(0))?;
    Ok(n.unwrap_or(0))
}

pub(super) fn forget_expired(tx: &mut Tx) -> Result<usize> {
    let now = tx.now();
    let sessions = tx.execute("DELETE FROM sessions WHERE expires_ms <= ?1", params![now])?;
    let codes = tx.execute("DELETE FROM reset_codes WHERE expires_ms <= ?1", params![now])?;
    Ok(sessions + codes)
}
