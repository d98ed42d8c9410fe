//! What the doctor reads.

use crate::base::clock::Time;
use crate::base::error::Result;
use crate::engines::store::{Db, params};

/// Number and time of the newest event; `None` without one.
pub(super) fn newest_event(db: &Db) -> Result<Option<(i64, Time)>> {
    let sql = "SELECT seq, at_ms FROM events ORDER BY seq DESC LIMIT 1";
    db.one(sql, params![], |r| Ok((r.get(0)?, Time(r.get(1)?))))
}

/// Webhooks: how many are on, how many of these fail, how many were turned off because they failed.
pub(super) fn webhooks(db: &Db) -> Result<(i64, i64, i64)> {
    let sql = "SELECT coalesce(sum(enabled), 0), coalesce(sum(enabled AND failing_since_ms IS NOT NULL), 0),
            coalesce(sum(NOT enabled AND disabled_reason IS NOT NULL), 0) FROM webhooks";
    Ok(db.one(sql, params![], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?.unwrap_or_default())
}
