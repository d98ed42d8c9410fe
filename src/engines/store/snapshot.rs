//! The database as it is at one moment, in a file of its own, and what such a file holds.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use tokio_util::sync::CancellationToken;

use super::db::{Db, Snapshot};
use super::{Store, Watch, migrate, upkeep};
use crate::base::clock::Clock;
use crate::base::error::{Error, Result};

/// What a database file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What is wrong with it, in SQLite's words; empty if it is whole.
    pub damages: Vec<String>,
    /// Rows by table.
    pub rows: BTreeMap<String, i64>,
    /// The journal's last seq; 0 if nothing has happened yet.
    pub seq: i64,
    /// Number of the last migration.
    pub schema: i64,
}

/// Number of this binary's last migration.
pub fn newest_schema() -> i64 {
    migrate::all().last().map_or(0, |m| m.number)
}

impl Store {
    /// Copies the database as it is now to `file`, which is not there yet, beside readers and the writer. In one step:
    /// in several, each write in between begins the copy anew. Blocks for about as long as the disk takes.
    pub fn copy_to(&self, file: &Path) -> Result<()> {
        let from = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        from.busy_timeout(std::time::Duration::from_secs(10))?;
        let mut to = Connection::open(file)?;
        // A copy that did not come to its end is thrown away: it needs no log, and one sync at its end.
        to.pragma_update(None, "synchronous", "OFF")?;
        to.pragma_update(None, "journal_mode", "OFF")?;
        let copied = rusqlite::backup::Backup::new(&from, &mut to)?.step(-1)?;
        if copied != rusqlite::backup::StepResult::Done {
            return Err(Error::Busy { retry_after_s: 5 });
        }
        // One file, not three: the copy says of itself that it has a log.
        to.pragma_update(None, "journal_mode", "DELETE")?;
        to.close().map_err(|(_, e)| e)?;
        std::fs::File::open(file)?.sync_all()?;
        Ok(())
    }

    /// Bytes that a copy takes about.
    pub fn copy_bytes(&self) -> u64 {
        let (database, log) = self.size_bytes();
        database + log
    }
}

/// Looks at every page of a database file and counts its rows. Ends with `Busy` when `stop` is set.
pub fn look(path: &Path, stop: &CancellationToken) -> Result<Looked> {
    let damages = upkeep::check(path, |_| ())?.damages;
    if !damages.is_empty() {
        return Ok(Looked { damages, rows: BTreeMap::new(), seq: 0, schema: 0 });
    }
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
    let mut rows = BTreeMap::new();
    for table in upkeep::rows(&conn, tables)? {
        if stop.is_cancelled() {
            return Err(Error::Busy { retry_after_s: 1 });
        }
        let sql = format!("SELECT count(*) FROM \"{}\"", table.replace('"', "\"\""));
        rows.insert(table, conn.query_row(&sql, [], |r| r.get(0))?);
    }
    let seq = conn.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |r| r.get(0))?;
    let schema = conn.query_row("SELECT coalesce(max(number), 0) FROM migrations", [], |r| r.get(0))?;
    Ok(Looked { damages, rows, seq, schema })
}

/// Reads a database file that nobody writes to.
pub fn read_file<T>(path: &Path, f: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let watch = Watch::new(Clock::System);
    let _snapshot = Snapshot::begin(&conn)?;
    f(&Db::new(&conn, None, &watch))
}
