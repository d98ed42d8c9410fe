//! Keys that make a change happen once: a key is reserved in the transaction of the change itself, so that neither a
//! double click nor a crash between commit and answer makes it twice. The answer is added after the commit.

use super::{Db, Tx, params};
use crate::base::error::{Error, Result};
use crate::base::ids::UserId;

/// A key as a caller sent it.
#[derive(Clone, Debug)]
pub struct Key {
    /// Whose key; keys of different users never meet.
    pub user: UserId,
    /// The caller's text.
    pub key: String,
    /// Hash of method, path and body: the same key with another request is a mistake.
    pub request: Vec<u8>,
}

/// An answer as it was given.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status; 0 while the change is committed and its answer is not yet kept.
    pub status: u16,
    /// Header names and values, as JSON.
    pub headers: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Reserves `key` for the change of `tx`; [`Error::Replay`] if it was used before.
pub fn reserve(tx: &mut Tx, key: &Key) -> Result<()> {
    let now = tx.now();
    let added = tx.execute(
        "INSERT INTO idempotency (user_id, key, request, status, headers, body, created_ms)
         VALUES (?1, ?2, ?3, 0, '', x'', ?4) ON CONFLICT DO NOTHING",
        params![key.user, key.key, key.request, now],
    )?;
    if added == 0 { Err(Error::Replay) } else { Ok(()) }
}

/// Keeps the answer to `key`.
pub fn keep(tx: &mut Tx, key: &Key, answer: &Answer) -> Result<()> {
    tx.execute(
        "UPDATE idempotency SET status = ?3, headers = ?4, body = ?5 WHERE user_id = ?1 AND key = ?2",
        params![key.user, key.key, answer.status, answer.headers, answer.body],
    )?;
    Ok(())
}

/// What was answered to `key`, and the hash of the request it belongs to.
pub fn answer(db: &Db, key: &Key) -> Result<Option<(Answer, Vec<u8>)>> {
    db.one(
        "SELECT status, headers, body, request FROM idempotency WHERE user_id = ?1 AND key = ?2",
        params![key.user, key.key],
        |r| Ok((Answer { status: r.get(0)?, headers: r.get(1)?, body: r.get(2)? }, r.get(3)?)),
    )
}

/// Forgets keys older than `before_ms`; answers how many.
pub fn prune(tx: &mut Tx, before_ms: i64) -> Result<usize> {
    tx.execute("DELETE FROM idempotency WHERE created_ms < ?1", params![before_ms])
}
