//! Numbered migrations: forward only, each in its own transaction, checked against later edits.
//!
//! `migrations/NNNN_name.sql` is applied once and never edited: its SHA-256 is kept beside its number. Before the first
//! missing one is applied to a database that holds data, a snapshot is taken ([`super::snapshots`]).
//! `migrations/NNNN_name.sample.sql` holds sample rows, with which the tests fill the database before the next migration.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::glance::Glance;
use super::{Options, snapshots};
use crate::base::clock::Clock;
use crate::base::page::hex;

#[derive(rust_embed::RustEmbed)]
#[folder = "migrations"]
struct Files;

/// The setting under which the version stands that last used the database: the one that fits a snapshot of it.
const VERSION: &str = "version";

pub(super) struct Migration {
    pub(super) number: i64,
    pub(super) name: String,
    pub(super) sql: String,
}

/// All migrations of this binary, by number.
pub(super) fn all() -> Vec<Migration> {
    let mut list: Vec<Migration> = Files::iter()
        .filter(|f| f.ends_with(".sql") && !f.ends_with(".sample.sql"))
        .map(|f| Migration {
            number: f[..4].parse().expect("a migration's name begins with four digits"),
            name: f[5..].trim_end_matches(".sql").to_owned(),
            sql: text(&f),
        })
        .collect();
    list.sort_by_key(|m| m.number);
    list
}

/// The sample rows of a migration; empty if it has none.
#[cfg(test)]
pub(super) fn sample(m: &Migration) -> String {
    let name = format!("{:04}_{}.sample.sql", m.number, m.name);
    if Files::get(&name).is_some() { text(&name) } else { String::new() }
}

fn text(file: &str) -> String {
    let data = Files::get(file).expect("an embedded migration").data.into_owned();
    String::from_utf8(data).expect("a migration is UTF-8")
}

/// Brings the database to this binary's schema and notes its version.
pub(super) fn run(conn: &mut Connection, options: &Options, clock: &Clock) -> anyhow::Result<()> {
    run_list(conn, options, clock, &all())?;
    let own = env!("CARGO_PKG_VERSION");
    if !options.beside && version(conn)?.as_deref() != Some(own) {
        conn.execute(
            "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
            [VERSION, own],
        )?;
    }
    Ok(())
}

/// The version that last used the database, if it was one that says so.
pub(super) fn version(conn: &Connection) -> rusqlite::Result<Option<String>> {
    conn.query_row("SELECT value FROM settings WHERE key = ?1", [VERSION], |r| r.get(0)).optional()
}

/// The newest migration that was applied and is not in `list`.
pub(super) fn unknown(conn: &Connection, list: &[Migration]) -> rusqlite::Result<Option<(i64, String)>> {
    if !conn.table_exists(None, "migrations")? {
        return Ok(None);
    }
    let mut statement = conn.prepare("SELECT number, name FROM migrations ORDER BY number DESC")?;
    let mut applied = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let known = |m: &(i64, String)| list.iter().any(|known| known.number == m.0);
    applied.find(|m| !m.as_ref().is_ok_and(known)).transpose()
}

/// Refuses a data directory that a newer program wrote, while nothing of it is open yet. What else may be wrong with its
/// database is said when that is opened.
pub fn refuse_newer(dir: &Path) -> anyhow::Result<()> {
    match Glance::open(dir, false) {
        Ok(Some(db)) => refuse(&db.conn, dir, &all()),
        _ => Ok(()),
    }
}

fn refuse(conn: &Connection, dir: &Path, list: &[Migration]) -> anyhow::Result<()> {
    let Ok(Some((number, name))) = unknown(conn, list) else { return Ok(()) };
    bail!(
        "{} was written by a newer videoplanet (migration {number} \"{name}\" is unknown here). Nothing was changed. \
         Install that version or newer, or go back to a snapshot from before it: videoplanet rollback --list",
        dir.display()
    )
}

pub(super) fn run_list(
    conn: &mut Connection,
    options: &Options,
    clock: &Clock,
    list: &[Migration],
) -> anyhow::Result<()> {
    let dir = &options.dir;
    refuse(conn, dir, list)?;
    conn.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_ms INTEGER NOT NULL) STRICT",
    )?;
    let newest: Option<i64> = conn.query_row("SELECT max(number) FROM migrations", [], |r| r.get(0))?;
    // One for the whole way: what is between two migrations is no state that a program knows.
    let mut kept = newest.is_none() || options.snapshots == 0;
    for m in list {
        let sha256 = hex(&Sha256::digest(m.sql.as_bytes()));
        let applied: Option<String> =
            conn.query_row("SELECT sha256 FROM migrations WHERE number = ?1", [m.number], |r| r.get(0)).optional()?;
        match applied {
            Some(hash) if hash == sha256 => {}
            Some(_) => bail!("migration {} \"{}\" was edited after it had been applied", m.number, m.name),
            None => {
                ensure!(
                    !options.beside || newest.is_none(),
                    "the server that runs on {} is of an older version than this command: restart it first",
                    dir.display()
                );
                if !kept {
                    snapshots::write(conn, dir, m.number, clock.now(), options.snapshots)?;
                    kept = true;
                }
                let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
                // Another command may have been quicker.
                if tx.prepare("SELECT 1 FROM migrations WHERE number = ?1")?.exists([m.number])? {
                    continue;
                }
                tx.execute_batch(&m.sql).with_context(|| format!("migration {} \"{}\"", m.number, m.name))?;
                tx.execute(
                    "INSERT INTO migrations (number, name, sha256, applied_ms) VALUES (?1, ?2, ?3, ?4)",
                    rusqlite::params![m.number, m.name, sha256, clock.now()],
                )?;
                tx.commit()?;
                tracing::info!(number = m.number, name = m.name, "migration applied");
            }
        }
    }
    Ok(())
}
