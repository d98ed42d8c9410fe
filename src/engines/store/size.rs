//! How large the database is, and what in it.
//!
//! Measuring the tables goes through every page, so it is bounded in time, ends when nobody waits for it any more, is kept
//! for a minute, and works on a connection of its own. What could not be measured is estimated, and says so.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, InterruptHandle, OpenFlags, Row};
use tokio::sync::oneshot;

use super::Store;
use crate::base::clock::{MINUTE, Time};
use crate::base::error::{Error, Result};

/// Measuring takes so long at the most.
const MEASURING: Duration = Duration::from_secs(10);
/// A measurement is told again for so long.
const KEPT: i64 = MINUTE;

/// The file as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of a page.
    pub page_bytes: u64,
    /// Pages of the database.
    pub pages: u64,
    /// Of these, pages that hold nothing.
    pub free_pages: u64,
    /// Do free pages go back to the disk one by one?
    pub incremental_vacuum: bool,
    /// Bytes of the database's file.
    pub file_bytes: u64,
    /// Bytes of the write-ahead log.
    pub wal_bytes: u64,
}

/// A table, or an index of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSize {
    /// Its name.
    pub name: String,
    /// The table that an index belongs to; `None` for a table.
    pub of: Option<String>,
    /// Its rows; `None` where nobody has counted them.
    pub rows: Option<u64>,
    /// Bytes of its pages; `None` where they were not measured.
    pub bytes: Option<u64>,
    /// Of these, bytes that hold nothing.
    pub unused_bytes: u64,
}

/// What is in the database, the largest first.
#[derive(Clone, Debug)]
pub struct Tables {
    /// When it was looked at.
    pub at: Time,
    /// Was it measured? If not, rows are those of the last statistics.
    pub measured: bool,
    /// How long it took.
    pub ms: u64,
    /// Tables and indexes.
    pub rows: Vec<TableSize>,
}

/// Ends a measurement for which nobody waits any more.
struct Stop(InterruptHandle);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

impl Store {
    /// The file as it is: one statement.
    pub async fn shape(&self) -> Result<Shape> {
        const SQL: &str = "SELECT page_size, page_count, freelist_count, auto_vacuum
            FROM pragma_page_size, pragma_page_count, pragma_freelist_count, pragma_auto_vacuum";
        let row = self.read(|db| db.one(SQL, [], |r| Ok((n(r, 0)?, n(r, 1)?, n(r, 2)?, r.get::<_, i64>(3)?)))).await?;
        let (page_bytes, pages, free_pages, vacuum) = row.ok_or_else(|| Error::internal("a database without pages"))?;
        let (file_bytes, wal_bytes) = self.size_bytes();
        Ok(Shape { page_bytes, pages, free_pages, incremental_vacuum: vacuum == 2, file_bytes, wal_bytes })
    }

    /// What is in it: measured now, or less than a minute ago. Who asks while another measures gets what that one finds.
    pub async fn tables(&self, now: Time) -> Result<Arc<Tables>> {
        let mut measured = self.measured.lock().await;
        if let Some(tables) = measured.as_ref().filter(|t| (0..KEPT).contains(&(now.0 - t.at.0))) {
            return Ok(tables.clone());
        }
        let tables = Arc::new(measure(&self.path, now, MEASURING).await?);
        *measured = Some(tables.clone());
        Ok(tables)
    }
}

async fn measure(path: &Path, at: Time, most: Duration) -> Result<Tables> {
    let begun = Instant::now();
    let (send, handle) = oneshot::channel();
    let of = path.to_owned();
    let mut work = tokio::task::spawn_blocking(move || -> rusqlite::Result<Vec<TableSize>> {
        let conn = open(&of)?;
        let _ = send.send(conn.get_interrupt_handle());
        exactly(&conn)
    });
    let found = match handle.await {
        Ok(handle) => {
            let stop = Stop(handle);
            tokio::select! {
                found = &mut work => found,
                () = tokio::time::sleep(most) => {
                    drop(stop);
                    work.await
                }
            }
        }
        Err(_) => work.await,
    };
    let found = found.map_err(|e| Error::internal(format!("measuring panicked: {e}")))?;
    let of = path.to_owned();
    let (measured, mut rows) = match found {
        Ok(rows) => (true, rows),
        Err(e) => {
            tracing::info!(error = %e, "the tables could not be measured, their rows are estimated");
            let estimate = tokio::task::spawn_blocking(move || roughly(&open(&of)?));
            (false, estimate.await.map_err(|e| Error::internal(format!("estimating panicked: {e}")))??)
        }
    };
    rows.sort_by(|a, b| (b.bytes, b.rows).cmp(&(a.bytes, a.rows)).then_with(|| a.name.cmp(&b.name)));
    Ok(Tables { at, measured, ms: begun.elapsed().as_millis() as u64, rows })
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    Ok(conn)
}

/// A number that is never below 0.
fn n(row: &Row, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.max(0) as u64)
}

/// Rows of a table stand in the leaves of its tree alone; entries of an index, and rows of a table without a rowid, in all
/// of it.
fn exactly(conn: &Connection) -> rusqlite::Result<Vec<TableSize>> {
    const SQL: &str = "SELECT d.name, s.type, s.tbl_name, s.sql, d.bytes, d.unused, d.leaves, d.cells
        FROM (SELECT name, sum(pgsize) AS bytes, sum(unused) AS unused,
                sum(CASE pagetype WHEN 'leaf' THEN ncell ELSE 0 END) AS leaves,
                sum(CASE pagetype WHEN 'overflow' THEN 0 ELSE ncell END) AS cells
            FROM dbstat GROUP BY name) d
        LEFT JOIN sqlite_schema s ON s.name = d.name";
    let mut statement = conn.prepare(SQL)?;
    let rows = statement.query_map([], |r| {
        let (name, kind, table): (String, Option<String>, Option<String>) = (r.get(0)?, r.get(1)?, r.get(2)?);
        let sql = r.get::<_, Option<String>>(3)?.unwrap_or_default().to_ascii_uppercase();
        let of = table.filter(|_| kind.as_deref() == Some("index"));
        let everywhere = of.is_some() || sql.contains("WITHOUT ROWID");
        let rows = if everywhere { n(r, 7)? } else { n(r, 6)? };
        Ok(TableSize { name, of, rows: Some(rows), bytes: Some(n(r, 4)?), unused_bytes: n(r, 5)? })
    })?;
    rows.collect()
}

/// From the statistics of the last ANALYZE.
fn roughly(conn: &Connection) -> rusqlite::Result<Vec<TableSize>> {
    let mut known: HashMap<String, u64> = HashMap::new();
    if let Ok(mut statement) = conn.prepare("SELECT tbl, idx, stat FROM sqlite_stat1") {
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (table, index, stat): (String, Option<String>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let Some(n) = stat.split(' ').next().and_then(|n| n.parse().ok()) else { continue };
            if let Some(index) = index {
                known.insert(index, n);
            }
            // A partial index knows fewer rows than its table has.
            let most = known.entry(table).or_insert(n);
            *most = n.max(*most);
        }
    }
    let mut statement =
        conn.prepare("SELECT name, type, tbl_name FROM sqlite_schema WHERE type IN ('table', 'index')")?;
    let rows = statement.query_map([], |r| {
        let (name, kind, table): (String, String, String) = (r.get(0)?, r.get(1)?, r.get(2)?);
        Ok((name, (kind == "index").then_some(table)))
    })?;
    rows.map(|row| {
        row.map(|(name, of)| TableSize { rows: known.get(&name).copied(), name, of, bytes: None, unused_bytes: 0 })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("vp-size-{name}-{}.db", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch(
            "CREATE TABLE big (id INTEGER PRIMARY KEY, text TEXT, n INTEGER) STRICT;
            CREATE INDEX big_n ON big (n);
            CREATE TABLE pairs (a INTEGER, b INTEGER, PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID;
            WITH RECURSIVE step(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM step WHERE i < 5000)
            INSERT INTO big SELECT i, hex(zeroblob(100)), i FROM step;
            INSERT INTO big VALUES (9999, hex(zeroblob(50000)), 1);
            INSERT INTO pairs SELECT id, n FROM big WHERE id <= 3000;
            ANALYZE;",
        )
        .unwrap();
        path
    }

    #[tokio::test]
    async fn rows_and_bytes_are_those_of_the_tables() {
        let path = filled("exact");
        let found = measure(&path, Time(7), MEASURING).await.unwrap();
        let of = |name: &str| found.rows.iter().find(|r| r.name == name).unwrap().clone();
        assert!(found.measured && found.rows[0].name == "big", "{found:?}");
        assert_eq!([of("big").rows, of("big_n").rows, of("pairs").rows], [Some(5001), Some(5001), Some(3000)]);
        assert_eq!((of("big").of, of("big_n").of), (None, Some("big".into())));
        let all: u64 = found.rows.iter().filter_map(|r| r.bytes).sum();
        assert_eq!(all, std::fs::metadata(&path).unwrap().len(), "every page belongs to somebody");
        std::fs::remove_file(&path).unwrap();
    }

    #[tokio::test]
    async fn what_takes_too_long_is_estimated_and_says_so() {
        let path = filled("rough");
        let conn = open(&path).unwrap();
        let rows = roughly(&conn).unwrap();
        let of = |name: &str| rows.iter().find(|r| r.name == name).unwrap().clone();
        assert_eq!((of("big").rows, of("big_n").rows, of("big").bytes), (Some(5001), Some(5001), None));
        // No time at all: whichever of the two comes first, there is an answer, and one without bytes says so.
        let found = measure(&path, Time(7), Duration::ZERO).await.unwrap();
        assert!(found.rows.iter().all(|r| r.bytes.is_some() == found.measured), "{found:?}");
        std::fs::remove_file(&path).unwrap();
    }
}
