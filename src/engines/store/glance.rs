//! A look at a database from outside, that changes nothing: for `doctor`, beside a running server or without one.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::db::{SETTINGS, after};
use super::{Db, Watch};
use super::{migrate, upkeep};
use crate::base::clock::Clock;
use crate::base::error::Result;

/// Damages that are listed.
const LISTED: usize = 5;

/// A database under a look.
pub struct Glance {
    pub(super) conn: Connection,
    watch: Watch,
}

/// What a quick check brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quick {
    /// Nothing is wrong.
    Whole,
    /// What is wrong, in SQLite's words.
    Damaged(Vec<String>),
    /// It is too large to be looked through in this time.
    TooLarge,
}

/// The schema beside the one that this program knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schema {
    /// The same.
    Present(i64),
    /// Older: the next start brings it up to date.
    Older(i64),
    /// Written by a newer program.
    Newer(i64),
    /// No database of ours.
    Foreign,
}

/// SQLite's version.
pub fn version() -> &'static str {
    rusqlite::version()
}

impl Glance {
    /// Opens the database in `dir`; `None` if there is none yet. `served`: another process has it open.
    pub fn open(dir: &Path, served: bool) -> Result<Option<Glance>> {
        let path = dir.join("videoplanet.db");
        if !path.exists() {
            return Ok(None);
        }
        let log = std::fs::metadata(path.with_extension("db-wal")).map_or(0, |m| m.len());
        let conn = if served || log > 0 {
            Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?
        } else {
            settled(&path)?
        };
        conn.busy_timeout(Duration::from_secs(2))?;
        Ok(Some(Glance { conn, watch: Watch::new(Clock::System) }))
    }

    /// Reads.
    pub fn read<T>(&self, f: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        f(&Db::new(&self.conn, None, &self.watch))
    }

    /// Looks through all pages, for so long at the most.
    pub fn quick_check(&self, most: Duration) -> Result<Quick> {
        let handle = self.conn.get_interrupt_handle();
        let (done, waits) = channel::<()>();
        let watch = std::thread::spawn(move || {
            if waits.recv_timeout(most) == Err(RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
        let found = upkeep::rows(&self.conn, &format!("PRAGMA quick_check({LISTED})"));
        drop(done);
        let _ = watch.join();
        match found {
            Ok(lines) if lines.iter().all(|line| line == "ok") => Ok(Quick::Whole),
            Ok(lines) => Ok(Quick::Damaged(lines)),
            Err(e) => match e.sqlite_error_code() {
                Some(ErrorCode::OperationInterrupted) => Ok(Quick::TooLarge),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Ok(Quick::Damaged(vec![e.to_string()])),
                _ => Err(e.into()),
            },
        }
    }

    /// Compares the newest migration with those of this program.
    pub fn schema(&self) -> Schema {
        let known = migrate::all().last().map_or(0, |m| m.number);
        let found = self.conn.query_row("SELECT max(number) FROM migrations", [], |r| r.get::<_, Option<i64>>(0));
        match found {
            Ok(Some(number)) if number == known => Schema::Present(number),
            Ok(Some(number)) if number < known => Schema::Older(number),
            Ok(Some(number)) => Schema::Newer(number),
            _ => Schema::Foreign,
        }
    }

    /// What was set while the program ran, by names that begin with `prefix` (it ends in a dot).
    pub fn settings(&self, prefix: &str) -> Vec<(String, String)> {
        let read = || -> rusqlite::Result<Vec<(String, String)>> {
            let mut statement = self.conn.prepare(SETTINGS)?;
            statement.query_map([prefix, &after(prefix)], |r| Ok((r.get(0)?, r.get(1)?)))?.collect()
        };
        // A database that cannot be read is told by those who look at it.
        read().unwrap_or_default()
    }

    /// The instance's secret of that name, if it has been made.
    pub fn secret(&self, name: &str) -> Option<Vec<u8>> {
        let text = self.read(|db| db.setting(name)).ok()??;
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect()
    }
}

/// A database to which nobody writes and which is all in its one file. Opened in another way, it would get an empty log
/// beside it.
pub(super) fn settled(path: &Path) -> rusqlite::Result<Connection> {
    let name: String = path.as_os_str().as_encoded_bytes().iter().map(|b| escaped(*b)).collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
}

/// A byte of a path inside a URI.
fn escaped(byte: u8) -> String {
    match byte {
        b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}
