//! The statements of the generator. Tables: `storyboard_cache`, `model_spend`.

use super::story::Story;
use crate::base::error::Result;
use crate::engines::store::{Db, Tx, params};

pub(super) fn remembered(db: &Db, key: &str) -> Result<Option<Story>> {
    db.one("SELECT story FROM storyboard_cache WHERE key = ?1", params![key], |r| r.get(0))
}

/// Remembers a draft; beyond `kept` the oldest are forgotten.
pub(super) fn remember(tx: &mut Tx, key: &str, story: &Story, kept: i64) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO storyboard_cache (key, story, created_ms) VALUES (?1, ?2, ?3)
         ON CONFLICT (key) DO UPDATE SET story = ?2, created_ms = ?3",
        params![key, story, now],
    )?;
    tx.execute(
        "DELETE FROM storyboard_cache WHERE key IN (
            SELECT key FROM storyboard_cache ORDER BY created_ms DESC, key LIMIT 1000000 OFFSET ?1)",
        params![kept],
    )?;
    Ok(())
}

/// Tokens and pictures of a month.
pub(super) fn spent(db: &Db, month: &str) -> Result<(i64, i64)> {
    let sql = "SELECT tokens, images FROM model_spend WHERE month = ?1";
    Ok(db.one(sql, params![month], |r| Ok((r.get(0)?, r.get(1)?)))?.unwrap_or_default())
}

pub(super) fn spend(tx: &mut Tx, month: &str, tokens: i64, images: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO model_spend (month, tokens, images) VALUES (?1, ?2, ?3)
         ON CONFLICT (month) DO UPDATE SET tokens = model_spend.tokens + ?2, images = model_spend.images + ?3",
        params![month, tokens, images],
    )?;
    Ok(())
}
