//! What a database needs now and then: fresh statistics, free pages given back, a short log, and a look whether it is whole.
//!
//! Both work on a connection of their own, beside the writer and the readers. Tidying takes the write lock for moments:
//! statistics look at a sample, pages go back by the step, and a checkpoint that has to wait for a reader gives up.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::Store;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};

/// Free pages that one step gives back (2 MiB of pages of 4 KiB).
const STEP: i64 = 512;
/// How long the writer has the lock to itself between two steps.
const BETWEEN: Duration = Duration::from_millis(20);
/// Pages are given back for so long at the most; the next run goes on.
const VACUUM: Duration = Duration::from_secs(60);
/// How long a checkpoint keeps writers waiting for a slow reader before it leaves the log as it is.
const CHECKPOINT: Duration = Duration::from_millis(500);
/// Rows of an index that ANALYZE looks at, as SQLite's documentation advises.
const SAMPLE: i64 = 1_000;
/// Damages of a kind that are listed, and characters of each.
const LISTED: usize = 20;
const LINE: usize = 160;

/// What tidying brought.
#[derive(Clone, Debug, Serialize)]
pub struct Tidied {
    /// Tables whose statistics were made anew.
    pub tables_analyzed: usize,
    /// Can free pages go back one by one? Not in a database from before this was set: there, deleted rows leave
    /// pages that are used again, and the file does not shrink.
    pub incremental_vacuum: bool,
    /// Free pages given back to the disk.
    pub pages_freed: i64,
    /// Free pages that are left.
    pub free_pages: i64,
    /// Bytes of the log before.
    pub wal_bytes_before: u64,
    /// Bytes of the log after.
    pub wal_bytes_after: u64,
    /// Could the log be emptied, or did somebody read from it?
    pub log_emptied: bool,
    /// How long it took.
    pub ms: u64,
}

/// What moving the log into the database brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Checkpointed {
    /// When.
    pub at: Time,
    /// Pages that stood in the log.
    pub log_pages: i64,
    /// Of these, pages that stand in the database now.
    pub moved_pages: i64,
    /// Did somebody read from the log, so that it could not be emptied?
    pub busy: bool,
    /// Bytes of the log before.
    pub wal_bytes_before: u64,
    /// Bytes of the log after.
    pub wal_bytes_after: u64,
    /// How long it took.
    pub ms: u64,
}

/// What a look at the whole database brought.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// What is wrong, in SQLite's words; empty if it is whole.
    pub damages: Vec<String>,
    /// Pages that were looked at.
    pub pages: i64,
    /// How long it took.
    pub ms: u64,
}

impl Store {
    /// Brings statistics up to date, gives free pages back and empties the log as far as nobody reads from it.
    pub async fn tidy(&self, stop: CancellationToken) -> Result<Tidied> {
        let store = self.clone();
        blocking(move || store.tidy_now(&stop)).await
    }

    fn tidy_now(&self, stop: &CancellationToken) -> Result<Tidied> {
        let begun = Instant::now();
        let conn = Connection::open(&self.path)?;
        conn.busy_timeout(Duration::from_secs(5))?;
        let (_, wal_bytes_before) = self.size_bytes();

        // This connection has asked nothing yet, so all tables are looked at (0x10000). The first call only tells (0x01).
        conn.pragma_update(None, "analysis_limit", SAMPLE)?;
        let tables_analyzed = rows(&conn, "PRAGMA optimize(0x10003)")?.len();
        run(&conn, "PRAGMA optimize(0x10002)")?;

        let number = |name: &str| conn.pragma_query_value(None, name, |r| r.get::<_, i64>(0));
        let incremental_vacuum = number("auto_vacuum")? == 2;
        let before = number("freelist_count")?;
        let mut free_pages = before;
        let until = Instant::now() + VACUUM;
        while incremental_vacuum && free_pages > 0 && Instant::now() < until && !stop.is_cancelled() {
            run(&conn, &format!("PRAGMA incremental_vacuum({STEP})"))?;
            let left = number("freelist_count")?;
            if left >= free_pages {
                break;
            }
            free_pages = left;
            std::thread::sleep(BETWEEN);
        }

        let log_emptied = checkpoint(&conn)?.2;
        let (_, wal_bytes_after) = self.size_bytes();
        Ok(Tidied {
            tables_analyzed,
            incremental_vacuum,
            pages_freed: (before - free_pages).max(0),
            free_pages,
            wal_bytes_before,
            wal_bytes_after,
            log_emptied,
            ms: begun.elapsed().as_millis() as u64,
        })
    }

    /// Moves the log into the database and empties it as far as nobody reads from it.
    pub async fn checkpoint(&self, at: Time) -> Result<Checkpointed> {
        let store = self.clone();
        blocking(move || {
            let begun = Instant::now();
            let conn = Connection::open(&store.path)?;
            conn.busy_timeout(Duration::from_secs(5))?;
            let (_, wal_bytes_before) = store.size_bytes();
            let (log_pages, moved_pages, emptied) = checkpoint(&conn)?;
            let (_, wal_bytes_after) = store.size_bytes();
            let ms = begun.elapsed().as_millis() as u64;
            let busy = !emptied;
            let done = Checkpointed { at, log_pages, moved_pages, busy, wal_bytes_before, wal_bytes_after, ms };
            *store.checkpointed.lock() = Some(done);
            Ok(done)
        })
        .await
    }

    /// What [`Store::checkpoint`] brought the last time, since the start.
    pub fn last_checkpoint(&self) -> Option<Checkpointed> {
        *self.checkpointed.lock()
    }

    /// Looks at every page, row, index and reference. Ends with `Busy` when `stop` is set.
    pub async fn check(&self, stop: CancellationToken) -> Result<Checked> {
        let path = self.path.clone();
        let (send, receive) = tokio::sync::oneshot::channel();
        let watch = tokio::spawn(async move {
            let Ok(handle) = receive.await else { return };
            stop.cancelled().await;
            let handle: rusqlite::InterruptHandle = handle;
            handle.interrupt();
        });
        let checked = blocking(move || {
            check(&path, |conn| {
                let _ = send.send(conn.get_interrupt_handle());
            })
        })
        .await;
        watch.abort();
        checked
    }
}

/// First what blocks nobody; then, with little left to do, the one for which everybody waits a moment. Pages in the log,
/// those of them that are in the database now, and whether the log is empty.
pub(super) fn checkpoint(conn: &Connection) -> rusqlite::Result<(i64, i64, bool)> {
    let run = |mode: &str| {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        conn.query_row(&sql, [], |r| Ok((r.get::<_, i64>(0)?, r.get(1)?, r.get(2)?)))
    };
    let (_, log, moved) = run("PASSIVE")?;
    conn.busy_timeout(CHECKPOINT)?;
    let emptied = match run("TRUNCATE") {
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => false,
        done => done?.0 == 0,
    };
    Ok((log, if emptied { log } else { moved }, emptied))
}

pub(super) fn check(path: &Path, opened: impl FnOnce(&Connection)) -> Result<Checked> {
    let begun = Instant::now();
    let (mut damages, mut pages) = (Vec::new(), 0);
    let looked = look(path, opened, &mut damages, &mut pages);
    match looked.as_ref().err().and_then(|e| e.sqlite_error_code()) {
        // So broken that SQLite cannot even go through it: that is the finding.
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            damages.push(looked.unwrap_err().to_string().chars().take(LINE).collect());
        }
        Some(ErrorCode::OperationInterrupted) => return Err(Error::Busy { retry_after_s: 1 }),
        _ => looked?,
    }
    Ok(Checked { damages, pages, ms: begun.elapsed().as_millis() as u64 })
}

fn look(
    path: &Path,
    opened: impl FnOnce(&Connection),
    damages: &mut Vec<String>,
    pages: &mut i64,
) -> rusqlite::Result<()> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    opened(&conn);
    conn.busy_timeout(Duration::from_secs(5))?;
    *pages = conn.pragma_query_value(None, "page_count", |r| r.get(0))?;
    let found = rows(&conn, &format!("PRAGMA integrity_check({LISTED})"))?;
    damages.extend(found.into_iter().filter(|line| line != "ok"));
    let mut statement = conn.prepare("PRAGMA foreign_key_check")?;
    let mut broken = statement.query([])?;
    while let Some(row) = broken.next()? {
        let (table, id, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let id = id.map_or("without an id".to_owned(), |id| id.to_string());
        damages.push(format!("row {id} of {table} refers to a row of {parent} that is not there"));
        if damages.len() >= 2 * LISTED {
            break;
        }
    }
    Ok(())
}

/// To its end: such a pragma does a part of its work with each row, and its rows have no columns.
fn run(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

/// The first column of each row, as text.
pub(super) fn rows(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(row.get::<_, String>(0)?.chars().take(LINE).collect());
    }
    Ok(lines)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal(format!("upkeep panicked: {e}")))?
}
