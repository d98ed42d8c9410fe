//! Numbered migrations: forward only, each in its own transaction, checked against later edits.
//!
//! `migrations/NNNN_name.sql` is applied once and never edited: its SHA-256 is kept beside its number. Before the first
//! missing one is applied to a database that holds data, a snapshot is written to `snapshots/`.
//! `migrations/NNNN_name.sample.sql` holds sample rows, with which the tests fill the database before the next migration.

use std::path::Path;

use anyhow::{Context, bail};
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use crate::base::clock::Clock;
use crate::base::page::hex;

#[derive(rust_embed::RustEmbed)]
#[folder = "migrations"]
struct Files;

/// Snapshots that are kept.
const SNAPSHOTS: usize = 3;

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

/// Brings the database to this binary's schema.
pub(super) fn run(conn: &mut Connection, dir: &Path, clock: &Clock) -> anyhow::Result<()> {
    run_list(conn, dir, clock, &all())
}

pub(super) fn run_list(conn: &mut Connection, dir: &Path, clock: &Clock, list: &[Migration]) -> anyhow::Result<()> {
    conn.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_ms INTEGER NOT NULL) STRICT",
    )?;
    let newest: Option<(i64, String)> = conn
        .query_row("SELECT number, name FROM migrations ORDER BY number DESC LIMIT 1", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .optional()?;
    if let Some((number, name)) = &newest
        && !list.iter().any(|m| m.number == *number)
    {
        bail!(
            "the data directory was written by a newer videoplanet (migration {number} \"{name}\" is unknown here). \
             Install that version or newer, or restore a snapshot from {}",
            dir.join("snapshots").display()
        );
    }
    for m in list {
        let sha256 = hex(&Sha256::digest(m.sql.as_bytes()));
        let applied: Option<String> =
            conn.query_row("SELECT sha256 FROM migrations WHERE number = ?1", [m.number], |r| r.get(0)).optional()?;
        match applied {
            Some(hash) if hash == sha256 => {}
            Some(_) => bail!("migration {} \"{}\" was edited after it had been applied", m.number, m.name),
            None => {
                if newest.is_some() {
                    snapshot(conn, dir, m.number, clock)?;
                }
                let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
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

fn snapshot(conn: &Connection, dir: &Path, before: i64, clock: &Clock) -> anyhow::Result<()> {
    let dir = dir.join("snapshots");
    std::fs::create_dir_all(&dir)?;
    let file = dir.join(format!("{}-before-{before:04}.db", clock.now().0));
    let name = file.to_str().context("the data directory's path is not UTF-8")?;
    conn.execute("VACUUM INTO ?1", [name]).with_context(|| format!("cannot write the snapshot {name}"))?;
    let mut old: Vec<_> = std::fs::read_dir(&dir)?.filter_map(|e| Some(e.ok()?.path())).collect();
    old.sort();
    for path in old.iter().rev().skip(SNAPSHOTS) {
        std::fs::remove_file(path)?;
    }
    tracing::info!(file = name, "snapshot written before migrating");
    Ok(())
}
