//! Rows that follow each other in time, in a database of their own: what is written each second must neither wait for
//! the writer nor make it wait.
//!
//! Laws: a width of rows has a fixed number of slots, and a row overwrites the one that stood in its slot, so that the file
//! stops to grow. Nothing here is worth a sync of its own: after a power cut the last minutes may be missing. A file that is
//! damaged is put aside, and a new one is begun.

use std::path::{Path, PathBuf};

use anyhow::Context;
use parking_lot::Mutex;
use rusqlite::{Connection, params};

use crate::base::clock::Time;
use crate::base::error::Result;

/// Marks that are kept.
const MARKS: i64 = 1_000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS samples (
        step_ms INTEGER NOT NULL, slot INTEGER NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (step_ms, slot)) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS samples_at ON samples (step_ms, at_ms);
    CREATE TABLE IF NOT EXISTS marks (
        id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL) STRICT;";

/// How wide a row is, and how many there are.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    /// Milliseconds of one row.
    pub step_ms: i64,
    /// Rows that are kept.
    pub count: i64,
}

/// A moment worth a line in a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Time,
    /// What kind, such as `start`.
    pub kind: String,
    /// What is to be said of it, such as the version.
    pub text: String,
}

/// The open file.
pub struct Ring {
    conn: Mutex<Connection>,
    path: PathBuf,
}

impl Ring {
    /// Opens or begins it.
    pub fn open(path: &Path) -> anyhow::Result<Ring> {
        let opened = begin(path).or_else(|error| {
            tracing::warn!(%error, path = %path.display(), "the history of numbers is damaged: it is put aside and begun anew");
            for tail in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(beside(path, tail));
            }
            std::fs::rename(path, beside(path, ".damaged"))?;
            Ok::<_, anyhow::Error>(begin(path)?)
        });
        let conn = opened.with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Ring { conn: Mutex::new(conn), path: path.to_owned() })
    }

    /// Puts `body` in the slot of `at`, which is the row's beginning.
    pub fn put(&self, slots: Slots, at: Time, body: &str) -> Result<()> {
        let slot = at.0.div_euclid(slots.step_ms).rem_euclid(slots.count);
        let conn = self.conn.lock();
        conn.prepare_cached("INSERT OR REPLACE INTO samples (step_ms, slot, at_ms, body) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![slots.step_ms, slot, at, body])?;
        Ok(())
    }

    /// The row that begins at `at`.
    pub fn at(&self, slots: Slots, at: Time) -> Result<Option<String>> {
        Ok(self.between(slots, at, at.plus(1))?.pop().map(|(_, body)| body))
    }

    /// The rows that begin from `from` to before `to`, oldest first.
    pub fn between(&self, slots: Slots, from: Time, to: Time) -> Result<Vec<(Time, String)>> {
        let conn = self.conn.lock();
        let mut statement = conn.prepare_cached(
            "SELECT at_ms, body FROM samples WHERE step_ms = ?1 AND at_ms >= ?2 AND at_ms < ?3 ORDER BY at_ms",
        )?;
        let rows = statement.query_map(params![slots.step_ms, from, to], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Adds a mark; the oldest go.
    pub fn mark(&self, mark: &Mark) -> Result<()> {
        let conn = self.conn.lock();
        conn.execute(
            "INSERT INTO marks (at_ms, kind, text) VALUES (?1, ?2, ?3)",
            params![mark.at, mark.kind, mark.text],
        )?;
        conn.execute("DELETE FROM marks WHERE id <= (SELECT max(id) FROM marks) - ?1", [MARKS])?;
        Ok(())
    }

    /// The marks from `from` to before `to`, oldest first.
    pub fn marks(&self, from: Time, to: Time) -> Result<Vec<Mark>> {
        let conn = self.conn.lock();
        let mut statement = conn.prepare_cached(
            "SELECT at_ms, kind, text FROM marks WHERE at_ms >= ?1 AND at_ms < ?2 ORDER BY at_ms, id",
        )?;
        let rows =
            statement.query_map(params![from, to], |r| Ok(Mark { at: r.get(0)?, kind: r.get(1)?, text: r.get(2)? }))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Bytes of the file.
    pub fn size_bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |m| m.len())
    }
}

fn begin(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open(path)?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    conn.pragma_update(None, "cache_size", -1024)?;
    conn.execute_batch(SCHEMA)?;
    // Says now what a later read would say.
    conn.query_row("SELECT count(*) FROM marks", [], |r| r.get::<_, i64>(0))?;
    Ok(conn)
}

fn beside(path: &Path, tail: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(tail);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECONDS: Slots = Slots { step_ms: 1_000, count: 60 };

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("vp-ring-{name}-{}.db", std::process::id()))
    }

    #[test]
    fn it_stops_to_grow_and_keeps_the_newest() {
        let path = path("full");
        let ring = Ring::open(&path).unwrap();
        for n in 0..200 {
            ring.put(SECONDS, Time(n * 1_000), &n.to_string()).unwrap();
        }
        let kept = ring.between(SECONDS, Time(0), Time(i64::MAX)).unwrap();
        assert_eq!((kept.len(), kept[0].0, kept[59].1.as_str()), (60, Time(140_000), "199"));
        assert_eq!(ring.at(SECONDS, Time(150_000)).unwrap().as_deref(), Some("150"));
        assert_eq!(ring.at(SECONDS, Time(90_000)).unwrap(), None);
        drop(ring);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_damaged_file_is_put_aside() {
        let path = path("damaged");
        std::fs::write(&path, "this is no database, and long enough to be read as the head of one".repeat(100))
            .unwrap();
        let ring = Ring::open(&path).unwrap();
        ring.mark(&Mark { at: Time(1), kind: "start".into(), text: "1".into() }).unwrap();
        assert_eq!(ring.marks(Time(0), Time(2)).unwrap().len(), 1);
        assert!(beside(&path, ".damaged").exists());
        std::fs::remove_file(beside(&path, ".damaged")).unwrap();
        std::fs::remove_file(&path).unwrap();
    }
}
