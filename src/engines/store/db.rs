//! What a closure holds: [`Db`] to read one snapshot, [`Tx`] to change it.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::Watch;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::event::{Committed, Event, Live};
use crate::base::ids::{ProjectId, UserId};
use crate::engines::metrics::Meter;
use crate::engines::trace;

pub(super) const SETTINGS: &str = "SELECT key, value FROM settings WHERE key >= ?1 AND key < ?2 ORDER BY key";

/// The first name behind all that begin with `prefix`, which ends in a dot: `/` follows it.
pub(super) fn after(prefix: &str) -> String {
    format!("{}/", prefix.trim_end_matches('.'))
}

/// A connection inside a transaction. Every statement is prepared once per connection and counted for its request.
pub struct Db<'c> {
    conn: &'c Connection,
    meter: Option<Arc<Meter>>,
    watch: &'c Watch,
}

impl<'c> Db<'c> {
    pub(super) fn new(conn: &'c Connection, meter: Option<Arc<Meter>>, watch: &'c Watch) -> Db<'c> {
        Db { conn, meter, watch }
    }

    /// The first row, or `None`.
    pub fn one<T>(&self, sql: &str, params: impl Params, decode: fn(&Row) -> rusqlite::Result<T>) -> Result<Option<T>> {
        self.timed(sql, || Ok(self.conn.prepare_cached(sql)?.query_row(params, decode).optional()?))
    }

    /// All rows. The statement bounds them.
    pub fn all<T>(&self, sql: &str, params: impl Params, decode: fn(&Row) -> rusqlite::Result<T>) -> Result<Vec<T>> {
        self.timed(sql, || {
            let mut statement = self.conn.prepare_cached(sql)?;
            let rows = statement.query_map(params, decode)?;
            Ok(rows.collect::<rusqlite::Result<Vec<T>>>()?)
        })
    }

    /// A setting that is changed while the program runs; `None` if nobody has set it.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        self.one("SELECT value FROM settings WHERE key = ?1", [name], |r| r.get(0))
    }

    /// All settings whose names begin with `prefix`, which ends in a dot.
    pub fn settings(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        self.all(SETTINGS, [prefix, &after(prefix)], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    fn timed<T>(&self, sql: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let result = run();
        let took = start.elapsed();
        if let Some(meter) = &self.meter {
            meter.statement(took);
        }
        if self.watch.slow.is_slow(took) {
            let route = self.meter.as_ref().and_then(|m| m.route());
            self.watch.slow.note(sql, took, route, || self.plan(sql));
            trace::slow_statement(sql, took);
        }
        result
    }

    fn plan(&self, sql: &str) -> String {
        let rows = self.conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).and_then(|mut statement| {
            let mut rows = statement.raw_query();
            let mut lines = Vec::new();
            while let Some(row) = rows.next()? {
                lines.push(row.get::<_, String>(3)?);
            }
            Ok(lines)
        });
        rows.map(|lines| lines.join(" | ")).unwrap_or_default()
    }
}

/// A change under way: one SAVEPOINT in the writer's transaction.
pub struct Tx<'c> {
    db: Db<'c>,
    at: Time,
    pub(super) events: Vec<Committed>,
    pub(super) wake_queue: bool,
}

impl<'c> Deref for Tx<'c> {
    type Target = Db<'c>;
    fn deref(&self) -> &Db<'c> {
        &self.db
    }
}

impl<'c> Tx<'c> {
    pub(super) fn new(conn: &'c Connection, at: Time, meter: Option<Arc<Meter>>, watch: &'c Watch) -> Tx<'c> {
        Tx { db: Db::new(conn, meter, watch), at, events: Vec::new(), wake_queue: false }
    }

    /// The moment of this change: equal for all its rows and events.
    pub fn now(&self) -> Time {
        self.at
    }

    /// Runs a statement; answers how many rows it changed.
    pub fn execute(&mut self, sql: &str, params: impl Params) -> Result<usize> {
        self.db.timed(sql, || Ok(self.db.conn.prepare_cached(sql)?.execute(params)?))
    }

    /// Runs an INSERT; answers the new row's id.
    pub fn insert(&mut self, sql: &str, params: impl Params) -> Result<i64> {
        self.execute(sql, params)?;
        Ok(self.db.conn.last_insert_rowid())
    }

    /// Writes `event` into the journal; answers its seq. `live` is what the room is told once it is committed.
    pub fn emit(
        &mut self,
        project: Option<ProjectId>,
        actor: Option<UserId>,
        event: Event,
        live: Option<Live>,
    ) -> Result<i64> {
        let seq = self.record(project, actor, &event)?;
        self.events.push(Committed { seq, at: self.at, project, actor, event, live });
        Ok(seq)
    }

    /// Writes `event` into the journal without keeping it for the effects: for an import, whose events are too many to
    /// be held until the commit, and whom nobody hears while it runs. Who tails the journal finds it there.
    pub fn record(&mut self, project: Option<ProjectId>, actor: Option<UserId>, event: &Event) -> Result<i64> {
        const SQL: &str =
            "INSERT INTO events (at_ms, project_id, actor_id, subject, subject_id, verb, body, feedback_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let body = serde_json::to_value(event).map_err(Error::internal)?;
        let verb = body["verb"].as_str().unwrap_or_default().to_owned();
        let (subject, subject_id) = event.subject();
        let (at, body, feedback) = (self.at, body.to_string(), event.feedback());
        self.insert(SQL, rusqlite::params![at, project, actor, subject, subject_id, verb, body, feedback])
    }

    /// The instance's secret `name`; `fresh` becomes it if there is none yet.
    pub fn secret(&mut self, name: &str, fresh: &[u8]) -> Result<Vec<u8>> {
        let text = crate::base::page::hex(fresh);
        self.execute("INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING", [name, &text])?;
        let kept = self.one("SELECT value FROM settings WHERE key = ?1", [name], |r| r.get::<_, String>(0))?;
        let kept = kept.unwrap_or(text);
        let byte = |i| u8::from_str_radix(kept.get(i..i + 2)?, 16).ok();
        (0..kept.len())
            .step_by(2)
            .map(byte)
            .collect::<Option<_>>()
            .ok_or_else(|| Error::internal("a secret is damaged"))
    }

    /// Keeps a setting that is changed while the program runs.
    pub fn set_setting(&mut self, name: &str, value: &str) -> Result<()> {
        self.execute(
            "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
            [name, value],
        )?;
        Ok(())
    }

    /// Forgets a setting that was changed while the program ran.
    pub fn clear_setting(&mut self, name: &str) -> Result<()> {
        self.execute("DELETE FROM settings WHERE key = ?1", [name])?;
        Ok(())
    }

    /// Says that a job was added, so that the queue looks after the commit.
    pub fn wake_queue(&mut self) {
        self.wake_queue = true;
    }
}

/// A read transaction that ends with its scope, also when a closure panics.
pub(super) struct Snapshot<'c>(&'c Connection);

impl<'c> Snapshot<'c> {
    pub(super) fn begin(conn: &'c Connection) -> Result<Snapshot<'c>> {
        conn.prepare_cached("BEGIN DEFERRED")?.execute([])?;
        Ok(Snapshot(conn))
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if let Err(e) = self.0.prepare_cached("ROLLBACK").and_then(|mut s| s.execute([])) {
            tracing::error!(error = %e, "cannot end a read transaction");
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(e: rusqlite::Error) -> Error {
        use rusqlite::ErrorCode::*;
        match e.sqlite_error_code() {
            Some(DiskFull) => Error::NoSpace,
            Some(DatabaseBusy | DatabaseLocked) => Error::Busy { retry_after_s: 1 },
            _ => Error::Internal(e.into()),
        }
    }
}
