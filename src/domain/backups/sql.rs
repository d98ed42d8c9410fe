//! The statements of backups. Table: `backups`.

use super::{Backup, State};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::UserId;
use crate::engines::backup::{Manifest, Verified};
use crate::engines::store::{Db, Row, SqlResult, Tx, params};

const COLUMNS: &str =
    "b.id, b.place, u.nickname, b.state, b.taken_ms, b.finished_ms, b.seq, b.bytes, b.new_bytes, b.films, b.lost,
    b.encrypted, b.verified, b.error FROM backups b LEFT JOIN users u ON u.id = b.user_id";

fn backup(r: &Row) -> SqlResult<Backup> {
    let verified: Option<String> = r.get(12)?;
    Ok(Backup {
        id: r.get(0)?,
        place: r.get(1)?,
        by: r.get(2)?,
        state: r.get(3)?,
        taken: r.get(4)?,
        finished: r.get(5)?,
        seq: r.get(6)?,
        bytes: r.get(7)?,
        new_bytes: r.get(8)?,
        films: r.get(9)?,
        lost: r.get(10)?,
        encrypted: r.get(11)?,
        verified: verified.and_then(|text| serde_json::from_str(&text).ok()),
        error: r.get(13)?,
    })
}

pub(super) fn list(db: &Db, limit: i64) -> Result<Vec<Backup>> {
    db.all(&format!("SELECT {COLUMNS} ORDER BY b.taken_ms DESC, b.id DESC LIMIT ?1"), params![limit], backup)
}

pub(super) fn by_id(db: &Db, id: &str) -> Result<Option<Backup>> {
    db.one(&format!("SELECT {COLUMNS} WHERE b.id = ?1"), params![id], backup)
}

pub(super) fn last(db: &Db) -> Result<Option<Backup>> {
    db.one(&format!("SELECT {COLUMNS} ORDER BY b.taken_ms DESC, b.id DESC LIMIT 1"), params![], backup)
}

pub(super) fn newest_whole(db: &Db) -> Result<Option<Time>> {
    let sql = "SELECT taken_ms FROM backups WHERE is_whole = 1 AND lost = 0 ORDER BY taken_ms DESC LIMIT 1";
    db.one(sql, params![], |r| r.get(0))
}

pub(super) fn last_whole(db: &Db) -> Result<Option<Backup>> {
    let sql = format!("SELECT {COLUMNS} WHERE b.is_whole = 1 AND b.lost = 0 ORDER BY b.taken_ms DESC LIMIT 1");
    db.one(&sql, params![], backup)
}

/// Rows of backups that are in `place`, by id.
pub(super) fn ids_in(db: &Db, place: &str) -> Result<Vec<String>> {
    db.all("SELECT id FROM backups WHERE place = ?1 AND state = 'done'", params![place], |r| r.get(0))
}

pub(super) fn begin(tx: &mut Tx, id: &str, place: &str, by: Option<UserId>) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO backups (id, place, user_id, state, taken_ms) VALUES (?1, ?2, ?3, 'running', ?4)",
        params![id, place, by, now],
    )?;
    Ok(())
}

/// Tries whose program has ended say so.
pub(super) fn settle(tx: &mut Tx, error: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE backups SET state = 'failed', finished_ms = ?1, error = ?2 WHERE state = 'running'",
        params![now, error],
    )?;
    Ok(())
}

pub(super) fn fail(tx: &mut Tx, id: &str, error: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE backups SET state = 'failed', finished_ms = ?2, error = ?3 WHERE id = ?1",
        params![id, now, error],
    )?;
    Ok(())
}

/// A backup that is in the place. Who asked for it stays.
pub(super) fn done(tx: &mut Tx, place: &str, m: &Manifest, encrypted: bool) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO backups (id, place, state, taken_ms, finished_ms, seq, bytes, new_bytes, films, lost, encrypted)
         VALUES (?1, ?2, 'done', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (id) DO UPDATE SET place = ?2, state = 'done', taken_ms = ?3, finished_ms = ?4, seq = ?5, bytes = ?6,
            new_bytes = ?7, films = ?8, lost = ?9, encrypted = ?10, error = NULL",
        params![
            m.id,
            place,
            m.taken,
            now,
            m.seq,
            m.bytes() as i64,
            m.new_bytes as i64,
            m.films() as i64,
            m.lost.len() as i64,
            encrypted
        ],
    )?;
    Ok(())
}

pub(super) fn verified(tx: &mut Tx, id: &str, found: &Verified) -> Result<()> {
    let json = serde_json::to_string(found).map_err(crate::base::error::Error::internal)?;
    tx.execute(
        "UPDATE backups SET verified_ms = ?2, is_whole = ?3, verified = ?4 WHERE id = ?1",
        params![id, found.at, found.ok, json],
    )?;
    Ok(())
}

pub(super) fn forget(tx: &mut Tx, id: &str) -> Result<()> {
    tx.execute("DELETE FROM backups WHERE id = ?1", params![id])?;
    Ok(())
}

pub(super) fn forget_failures(tx: &mut Tx, but: i64) -> Result<()> {
    tx.execute(
        "DELETE FROM backups WHERE state = 'failed' AND id NOT IN
            (SELECT id FROM backups WHERE state = 'failed' ORDER BY taken_ms DESC LIMIT ?1)",
        params![but],
    )?;
    Ok(())
}

/// What is to be taken into account: id, moment, whether it was found whole.
pub(super) fn to_keep(db: &Db, place: &str) -> Result<Vec<(String, Time, bool)>> {
    db.all(
        "SELECT id, taken_ms, coalesce(is_whole, 0) = 1 AND lost = 0 FROM backups WHERE place = ?1 AND state = 'done'",
        params![place],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
    )
}

pub(super) fn states(db: &Db) -> Result<Vec<(State, i64)>> {
    db.all("SELECT state, count(*) FROM backups GROUP BY state", params![], |r| Ok((r.get(0)?, r.get(1)?)))
}
