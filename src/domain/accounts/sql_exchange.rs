//! The statements that exchange accounts. Tables: `users`, `sessions`.

use super::exchange::Row;
use super::sessions::SessionKind;
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{SessionId, UserId};
use crate::base::locale::Lang;
use crate::base::roles::SiteRole;
use crate::base::row::PAGE;
use crate::engines::store::{Db, Tx, params};

/// `false` if its id or its address is taken.
pub(super) fn insert(tx: &mut Tx, r: &Row) -> Result<bool> {
    let added = tx.execute(
        "INSERT INTO users (id, username, email, nickname, password_hash, site_role, locale, locked, created_ms,
            updated_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
        params![
            r.id,
            r.username,
            r.email,
            r.nickname,
            r.password_hash,
            r.site_role.unwrap_or(SiteRole::Member),
            r.locale.unwrap_or_default().tag(),
            r.locked,
            r.created,
            r.updated.unwrap_or(r.created)
        ],
    )?;
    Ok(added == 1)
}

pub(super) fn exists(db: &Db, id: UserId) -> Result<bool> {
    Ok(db.one("SELECT 1 FROM users WHERE id = ?1", params![id], |_| Ok(()))?.is_some())
}

/// `None` if there is one with this secret.
pub(super) fn insert_token(tx: &mut Tx, user: UserId, hash: &[u8], expires: Time) -> Result<Option<SessionId>> {
    let now = tx.now();
    tx.one(
        "INSERT INTO sessions (user_id, kind, token_hash, name, scopes, created_ms, used_ms, expires_ms)
         VALUES (?1, ?2, ?3, 'import', 'read write', ?4, ?4, ?5) ON CONFLICT DO NOTHING RETURNING id",
        params![user, SessionKind::Token, hash, now, expires],
        |r| r.get(0),
    )
}

pub(super) fn page(db: &Db, behind: UserId) -> Result<Vec<Row>> {
    db.all(
        "SELECT id, username, nickname, email, created_ms, updated_ms, site_role, locale, locked, password_hash
         FROM users WHERE id > ?1 ORDER BY id LIMIT ?2",
        params![behind, PAGE],
        |r| {
            let created: Time = r.get(4)?;
            Ok(Row {
                id: r.get(0)?,
                username: r.get(1)?,
                nickname: r.get(2)?,
                email: r.get(3)?,
                created,
                updated: Some(r.get(5)?).filter(|u| *u != created),
                site_role: Some(r.get(6)?).filter(|role| *role != SiteRole::Member),
                locale: Lang::from_tag(&r.get::<_, String>(7)?).filter(|lang| *lang != Lang::default()),
                locked: r.get(8)?,
                password_hash: r.get(9)?,
            })
        },
    )
}
