//! Renditions are a cache: while they take more than their limit, films for review go, those that nobody has watched for
//! longest first. The original stays, and so do the pictures.

use serde::Serialize;

use super::{go_on, sql};
use crate::app::App;
use crate::base::clock::{HOUR, Time};
use crate::base::job::JobError;
use crate::domain::media::shelf::{self, INSTANCE, Kind};
use crate::domain::media::{trash, watched};
use crate::engines::queue::Run;
use crate::engines::store::Db;

/// Films that are looked for together.
const FILMS: i64 = 50;
/// What was watched within this is not taken away.
const FRESH: i64 = HOUR;

/// What an eviction has done.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Evicted {
    /// The limit; 0 is none.
    pub limit_bytes: i64,
    /// Films that lost renditions.
    pub films: usize,
    /// Bytes that went.
    pub freed_bytes: i64,
    /// Bytes of renditions that are left.
    pub left_bytes: i64,
}

/// Bytes of all renditions.
pub fn size(db: &Db) -> crate::base::error::Result<i64> {
    let usage = shelf::usage(db, INSTANCE)?;
    Ok(usage.iter().filter(|u| u.kind != Kind::Original).map(|u| u.size_bytes).sum())
}

/// Drops renditions until the rest is below the limit, or nothing is left that may go.
pub async fn evict(app: &App, run: &Run) -> Result<Evicted, JobError> {
    let limit = app.config().storage.renditions_max_bytes as i64;
    let mut evicted = Evicted { limit_bytes: limit, ..Evicted::default() };
    watched::flush(app).await?;
    let before = Time(app.clock.now().0 - FRESH);
    let begun = app.read(size).await?;
    let mut after = None;
    'looking: loop {
        if limit == 0 {
            break;
        }
        let found = app.read(move |db| sql::evictable(db, before, after, FILMS)).await?;
        let Some(last) = found.last() else { break };
        after = Some(*last);
        for (_, key) in found {
            go_on(run, evicted.freed_bytes.max(0) as usize, (begun - limit).max(1) as usize)?;
            if app.watched.has(&key) {
                continue;
            }
            let dropped = app.write(move |tx| {
                if size(tx)? <= limit {
                    return Ok(None);
                }
                // Somebody may have watched or deleted it, or had it made anew, since it was found.
                let names = if sql::is_evictable(tx, &key, before)? { sql::heavy(tx, &key)? } else { Vec::new() };
                let bytes = if names.is_empty() { 0 } else { trash::drop_renditions(tx, &key, &names)? };
                Ok(Some((names, bytes)))
            });
            let Some((names, bytes)) = dropped.await? else { break 'looking };
            evicted.films += usize::from(!names.is_empty());
            evicted.freed_bytes += bytes;
            for name in names {
                shelf::clear_rendition(app, key, name).await?;
            }
        }
    }
    evicted.left_bytes = app.read(size).await?;
    if limit > 0 && evicted.left_bytes > limit {
        tracing::warn!(left = evicted.left_bytes, limit, "renditions are above their limit, and none of them may go");
    }
    Ok(evicted)
}
