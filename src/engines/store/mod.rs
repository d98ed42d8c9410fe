//! SQLite: a pool of readers, one group-committing writer, the journal. The only room that names rusqlite.
//!
//! Laws: a change is one closure in one transaction, with its events and jobs. An acknowledged write is durable
//! (WAL, `synchronous=FULL`). Readers see one snapshot for the length of their closure. Nothing waits without a bound:
//! readers wait for a permit, writers for a place in the queue; a full queue answers `Busy` at once.
//!
//! A closure given to [`Store::write`] has no effect besides its statements: another engine behind the same types may
//! have to run it again.

mod commits;
mod db;
pub mod glance;
mod memory;
mod migrate;
pub mod once;
mod peek;
mod ring;
mod size;
mod slow;
mod snapshot;
pub mod snapshots;
mod upkeep;
mod values;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use r2d2_sqlite::SqliteConnectionManager;
pub use rusqlite::types::{FromSql, FromSqlError, ToSql, ToSqlOutput, ValueRef};
pub use rusqlite::{Error as SqlError, Result as SqlResult, Row, params, params_from_iter};
use tokio::sync::Semaphore;

use crate::base::clock::Clock;
use crate::base::error::{Error, Result};
use crate::engines::ground;
use crate::engines::metrics::Meter;
pub use commits::Commits;
pub use db::{Db, Tx};
pub use memory::{Memory, memory};
pub use migrate::refuse_newer;
pub use peek::peek;
pub use ring::{Mark, Ring, Slots};
pub use size::{Shape, TableSize, Tables};
pub use slow::SlowStatement;
pub use snapshot::{Looked, look, newest_schema, read_file};
pub use upkeep::{Checked, Checkpointed, Tidied};
pub use values::named;
pub use writer::Batch;

/// Connections for [`Store::read_ahead`].
const AHEAD: u32 = 2;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data directory; the database is `videoplanet.db` in it.
    pub dir: PathBuf,
    /// Reader connections.
    pub readers: u32,
    /// Writes that may wait.
    pub write_queue: usize,
    /// Writes that one commit may hold.
    pub batch: usize,
    /// Page cache of each connection, in KiB.
    pub cache_kib: i64,
    /// Bytes of the database that each connection maps into memory.
    pub mmap_bytes: i64,
    /// Snapshots from before migrations that are kept; 0: none is taken.
    pub snapshots: usize,
    /// Another process serves the database: its schema and its log are left to it.
    pub beside: bool,
}

impl Options {
    /// The defaults, in `dir`.
    pub fn in_dir(dir: &Path) -> Options {
        Options {
            dir: dir.to_owned(),
            readers: 4,
            write_queue: 4096,
            batch: 64,
            cache_kib: 16_384,
            mmap_bytes: 256 << 20,
            snapshots: 3,
            beside: false,
        }
    }
}

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    readers: r2d2::Pool<SqliteConnectionManager>,
    permits: Arc<Semaphore>,
    /// Of connections that are kept free for reading ahead.
    ahead: Arc<Semaphore>,
    writer: Arc<writer::Writer>,
    path: PathBuf,
    watch: Arc<Watch>,
    /// What the tables took when they were last measured.
    measured: Arc<tokio::sync::Mutex<Option<Arc<Tables>>>>,
    checkpointed: Arc<parking_lot::Mutex<Option<Checkpointed>>>,
}

/// What the store notes about itself.
pub(super) struct Watch {
    slow: slow::Statements,
    commits: commits::Counts,
    /// Reads that wait for a connection now, and that had to since the start.
    waiting: AtomicUsize,
    waited: AtomicU64,
    reads: AtomicU64,
}

/// Who uses the reader connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readers {
    /// Connections in use now.
    pub used: usize,
    /// Connections there are.
    pub all: usize,
    /// Reads that wait for one now.
    pub waiting: usize,
    /// Reads since the start.
    pub reads: u64,
    /// Of these, reads that had to wait.
    pub waited: u64,
}

impl Store {
    /// Opens or creates the database, applies what migrations are missing and starts the writer.
    /// `effects` runs on the writer's thread after each commit, in commit order, before the writes are answered.
    pub fn open(options: &Options, clock: Clock, effects: impl Fn(Batch) + Send + 'static) -> anyhow::Result<Store> {
        ground::make_own(&options.dir)
            .with_context(|| format!("cannot create the data directory {}", options.dir.display()))?;
        let path = options.dir.join("videoplanet.db");
        let mut conn = rusqlite::Connection::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        pragmas(&conn, options).with_context(|| format!("{} is not a usable database", path.display()))?;
        migrate::run(&mut conn, options, &clock)?;
        let of_readers = options.clone();
        let manager = SqliteConnectionManager::file(&path).with_init(move |c| {
            pragmas(c, &of_readers)?;
            c.pragma_update(None, "query_only", true)
        });
        let readers = r2d2::Pool::builder()
            .max_size(options.readers + AHEAD)
            .test_on_check_out(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connection_timeout(Duration::from_secs(10))
            .build(manager)
            .context("cannot open the reader connections")?;
        let watch = Arc::new(Watch::new(clock.clone()));
        Ok(Store {
            readers,
            permits: Arc::new(Semaphore::new(options.readers as usize)),
            ahead: Arc::new(Semaphore::new(AHEAD as usize)),
            writer: Arc::new(writer::Writer::start(conn, clock, options, watch.clone(), effects)),
            path,
            watch,
            measured: Arc::default(),
            checkpointed: Arc::default(),
        })
    }

    /// Runs `f` on one snapshot.
    pub async fn read<T, F>(&self, f: F) -> Result<T>
    where
        F: FnOnce(&Db) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.read_by(&self.permits, f).await
    }

    /// The same beside the reads that people wait for, so that it is done before they ask.
    pub async fn read_ahead<T, F>(&self, f: F) -> Result<T>
    where
        F: FnOnce(&Db) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.read_by(&self.ahead, f).await
    }

    async fn read_by<T, F>(&self, permits: &Arc<Semaphore>, f: F) -> Result<T>
    where
        F: FnOnce(&Db) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let permit = match permits.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let _waits = self.watch.waits();
                permits.clone().acquire_owned().await.map_err(Error::internal)?
            }
        };
        self.watch.reads.fetch_add(1, Ordering::Relaxed);
        let meter = Meter::present();
        let (readers, watch) = (self.readers.clone(), self.watch.clone());
        // What is told of a read stands under the request that asked for it.
        let span = tracing::Span::current();
        let work = move || {
            let (_permit, _within) = (permit, span.enter());
            let conn = readers.get().map_err(Error::internal)?;
            let snapshot = db::Snapshot::begin(&conn)?;
            let result = f(&Db::new(&conn, meter, &watch));
            drop(snapshot);
            result
        };
        tokio::task::spawn_blocking(work).await.map_err(|e| Error::internal(format!("a read panicked: {e}")))?
    }

    /// Runs `f` in the writer's next commit. Answers when the commit is on disk and its effects have run.
    pub async fn write<T, F>(&self, f: F) -> Result<T>
    where
        F: FnOnce(&mut Tx) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.writer.write(Meter::present(), f).await
    }

    /// Writes that wait at this moment.
    pub fn write_queue_len(&self) -> usize {
        self.writer.waiting()
    }

    /// Keeps statements as slow that take `slow_ms` milliseconds and counts commits, or does neither.
    pub fn watch(&self, on: bool, slow_ms: u64) {
        self.watch.slow.set(on.then(|| Duration::from_millis(slow_ms)));
        self.watch.commits.set(on);
    }

    /// Slow statements, those that took most time together first.
    pub fn slow_statements(&self) -> Vec<SlowStatement> {
        self.watch.slow.list()
    }

    /// Forgets the slow statements, so that what comes after a repair is seen by itself.
    pub fn forget_slow(&self) {
        self.watch.slow.clear();
    }

    /// Commits and their times since the start.
    pub fn commits(&self) -> Commits {
        self.watch.commits.read()
    }

    /// The pool of reader connections.
    pub fn readers(&self) -> Readers {
        let n = |c: &AtomicU64| c.load(Ordering::Relaxed);
        let all = self.readers.max_size() as usize;
        Readers {
            used: all - self.permits.available_permits() - self.ahead.available_permits(),
            all,
            waiting: self.watch.waiting.load(Ordering::Relaxed),
            reads: n(&self.watch.reads),
            waited: n(&self.watch.waited),
        }
    }

    /// Writes that may wait.
    pub fn write_queue_max(&self) -> usize {
        self.writer.max_waiting()
    }

    /// Bytes of the database and of its write-ahead log.
    pub fn size_bytes(&self) -> (u64, u64) {
        let len = |p: &Path| std::fs::metadata(p).map(|m| m.len()).unwrap_or(0);
        (len(&self.path), len(&self.path.with_extension("db-wal")))
    }

    /// Finishes the waiting writes, checkpoints the log and ends the writer's thread. Later writes answer `Busy`.
    pub async fn close(&self) {
        let writer = self.writer.clone();
        let _ = tokio::task::spawn_blocking(move || writer.stop()).await;
    }
}

/// Every connection's settings, in one place.
fn pragmas(conn: &rusqlite::Connection, options: &Options) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::from_secs(10))?;
    // Only a new database takes it, before anything is written.
    conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "cache_size", -options.cache_kib)?;
    conn.pragma_update(None, "mmap_size", options.mmap_bytes)?;
    // A long read lets the log grow; the checkpoint after it gives the space back.
    conn.pragma_update(None, "journal_size_limit", 64i64 << 20)?;
    // A schema written by a stranger's tool must not call our functions.
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.set_prepared_statement_cache_capacity(256);
    Ok(())
}

impl Watch {
    fn new(clock: Clock) -> Watch {
        Watch {
            slow: slow::Statements::new(clock),
            commits: commits::Counts::default(),
            waiting: AtomicUsize::new(0),
            waited: AtomicU64::new(0),
            reads: AtomicU64::new(0),
        }
    }

    fn waits(&self) -> impl Drop {
        struct Waits<'a>(&'a AtomicUsize);
        impl Drop for Waits<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.waited.fetch_add(1, Ordering::Relaxed);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waits(&self.waiting)
    }
}

#[cfg(test)]
mod tests;
