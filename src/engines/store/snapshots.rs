//! Snapshots of the database from before its schema changed, and the way back to one.
//!
//! A snapshot is one file without a log, `snapshots/<time>-before-<migration>.db`; it has its name only when it is whole
//! and on disk. The way back puts a copy of it in the database's place by one rename: at every moment there is the old
//! database or the new one, and never a log of the one beside the other, which SQLite would replay. What it replaces
//! stands in `before-rollback-<time>/`. Films are kept by their hash and are left alone; the search index and the cache
//! know the journal that is given up, so they go before, and grow back.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};

use super::glance::settled;
use super::{migrate, upkeep};
use crate::base::clock::Time;
use crate::engines::ground;

/// Where they stand, in the data directory.
const DIR: &str = "snapshots";
/// What is left free beside a copy of the database.
const SPARE_BYTES: u64 = 32 << 20;
/// What may stand beside the database and belongs to it alone: its log, the index of that, and the journal with which
/// SQLite leaves the log.
const BESIDE: [&str; 3] = ["videoplanet.db-wal", "videoplanet.db-shm", "videoplanet.db-journal"];
/// How the directory with what was replaced begins; it ends in this while that is still being done.
const ASIDE: &str = "before-rollback-";
const UNFINISHED: &str = ".part";

/// A database as it was before a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its file.
    pub path: PathBuf,
    /// When it was taken.
    pub at: Time,
    /// The migration that was applied next.
    pub before: i64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// What a database says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its newest migration.
    pub schema: i64,
    /// The version of the program that last used it, if it was one that says so.
    pub version: Option<String>,
}

/// What going back brought.
#[derive(Clone, Debug)]
pub struct RolledBack {
    /// What the database says of itself now.
    pub now: Facts,
    /// Where the replaced one stands; `None` if there was none.
    pub aside: Option<PathBuf>,
}

/// The snapshots of the data directory `dir`, newest first.
pub fn list(dir: &Path) -> Vec<Snapshot> {
    let mut found: Vec<Snapshot> = entries(&dir.join(DIR)).into_iter().filter_map(|path| named(&path)).collect();
    found.sort_by_key(|s| std::cmp::Reverse((s.at, s.before)));
    found
}

/// What its name says of a snapshot; `None` for a file of another kind.
fn named(path: &Path) -> Option<Snapshot> {
    let (at, before) = path.file_name()?.to_str()?.strip_suffix(".db")?.split_once("-before-")?;
    let (at, before) = (Time(at.parse().ok()?), before.parse().ok()?);
    Some(Snapshot { path: path.to_owned(), at, before, bytes: fs::metadata(path).ok()?.len() })
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Writes the database as it is now, before migration number `before`; `keep` of them stay, one of each number.
pub(super) fn write(conn: &Connection, dir: &Path, before: i64, at: Time, keep: usize) -> anyhow::Result<()> {
    let into = dir.join(DIR);
    ground::make_own(&into)?;
    for unfinished in entries(&into).iter().filter(|p| p.to_str().is_some_and(|p| p.ends_with(UNFINISHED))) {
        fs::remove_file(unfinished)?;
    }
    let number = |name: &str| conn.pragma_query_value(None, name, |r| r.get::<_, i64>(0));
    let bytes = (number("page_count")? - number("freelist_count")?).max(0) as u64 * number("page_size")? as u64;
    let free = ground::room(&into)?.free_bytes;
    if let Some(why) = too_full(bytes, free) {
        bail!(
            "{why} for the snapshot that is taken before this version changes the database. Nothing was changed. \
             Make room in {}, or start once with --set store.snapshots=0 if you have a backup",
            into.display()
        );
    }
    let whole = into.join(format!("{}-before-{before:04}.db", at.0));
    let part = into.join(format!("{}-before-{before:04}.db{UNFINISHED}", at.0));
    let name = part.to_str().context("the data directory's path is not UTF-8")?;
    conn.execute("VACUUM INTO ?1", [name]).with_context(|| format!("cannot write the snapshot {name}"))?;
    File::open(&part)?.sync_all()?;
    fs::rename(&part, &whole)?;
    synced(&into)?;
    tracing::info!(file = %whole.display(), bytes, "snapshot taken before migrating");
    // A start that fails again and again has one snapshot, not as many as were tried.
    let mut numbers = Vec::new();
    for old in list(dir) {
        if numbers.contains(&old.before) || numbers.len() == keep {
            fs::remove_file(&old.path)?;
        } else {
            numbers.push(old.before);
        }
    }
    Ok(())
}

/// Why a copy of so many bytes should not be begun.
fn too_full(bytes: u64, free: u64) -> Option<String> {
    let needed = bytes + SPARE_BYTES;
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    (free < needed).then(|| format!("the disk is too full ({} MiB free, {} MiB needed)", mib(free), mib(needed)))
}

/// Looks through a snapshot: is it whole, and does this program know all that was done to it?
pub fn examine(snapshot: &Path) -> anyhow::Result<Facts> {
    let name = snapshot.display();
    ensure!(snapshot.is_file(), "there is no snapshot {name}");
    let conn = settled(snapshot).with_context(|| format!("cannot open {name}"))?;
    let lines = match upkeep::rows(&conn, "PRAGMA integrity_check(5)") {
        Ok(lines) => lines.into_iter().filter(|line| line != "ok").collect(),
        Err(e) => vec![e.to_string()],
    };
    ensure!(lines.is_empty(), "the snapshot {name} is damaged: {}. Nothing was changed", lines.join("; "));
    if let Some((number, title)) = migrate::unknown(&conn, &migrate::all())? {
        bail!(
            "the snapshot {name} was written by a newer videoplanet (migration {number} \"{title}\" is unknown here): \
             go back to it with that version. Nothing was changed"
        );
    }
    facts(&conn).with_context(|| format!("{name} is no database of VideoPlanet. Nothing was changed"))
}

/// What the database in `path`, which nobody has open, says of itself.
pub fn glance(path: &Path) -> anyhow::Result<Facts> {
    facts(&settled(path)?)
}

fn facts(conn: &Connection) -> anyhow::Result<Facts> {
    let schema: Option<i64> = conn.query_row("SELECT max(number) FROM migrations", [], |r| r.get(0))?;
    Ok(Facts { schema: schema.context("no migration was applied")?, version: migrate::version(conn)? })
}

/// Puts a copy of `snapshot` in the place of the database in `dir`, which the caller holds against other processes.
/// Refuses what does not hold before anything is changed. Killed anywhere, the directory has the one database or the
/// other, whole, and the next call clears away what was begun.
pub fn roll_back(dir: &Path, snapshot: &Path, at: Time) -> anyhow::Result<RolledBack> {
    clear_begun(dir)?;
    let now = examine(snapshot)?;
    let bytes = fs::metadata(snapshot)?.len();
    if let Some(why) = too_full(bytes, ground::room(dir)?.free_bytes) {
        bail!("{why} for a copy of the snapshot. Nothing was changed");
    }
    let database = dir.join("videoplanet.db");
    let had_one = database.exists();
    let folded = !had_one || fold(&database)?;
    let aside = dir.join(format!("{ASIDE}{}", at.to_string().replace([':', '.'], "-")));
    let part = dir.join(format!("{}{UNFINISHED}", aside.file_name().and_then(|n| n.to_str()).unwrap_or_default()));
    ground::make_own(&part)?;
    let fresh = part.join("fresh.db");
    fs::copy(snapshot, &fresh).with_context(|| format!("cannot copy {}", snapshot.display()))?;
    File::open(&fresh)?.sync_all()?;
    // They follow a journal whose numbers will mean other things.
    for derived in ["index", "cache"] {
        match fs::remove_dir_all(dir.join(derived)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(e).with_context(|| format!("cannot remove {}", dir.join(derived).display()));
            }
            _ => {}
        }
    }
    if had_one {
        fs::hard_link(&database, part.join("videoplanet.db"))?;
        synced(&part)?;
    }
    if !folded {
        tracing::warn!("the present database is damaged: its log is kept beside it as it is");
    }
    for beside in BESIDE {
        if dir.join(beside).exists() {
            fs::rename(dir.join(beside), part.join(beside))?;
        }
    }
    synced(&part)?;
    synced(dir)?;
    fs::rename(&fresh, &database)?;
    synced(dir)?;
    if !had_one {
        fs::remove_dir(&part)?;
        return Ok(RolledBack { now, aside: None });
    }
    fs::rename(&part, &aside)?;
    synced(dir)?;
    Ok(RolledBack { now, aside: Some(aside) })
}

/// Moves the log into the database and puts it away, so that one file is all of it. `false` if the database is too
/// damaged for that.
fn fold(database: &Path) -> anyhow::Result<bool> {
    let conn = Connection::open(database)?;
    conn.busy_timeout(Duration::from_secs(2))?;
    // The log of a damaged database stays as it is.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // SQLite leaves WAL only if nobody else has the database open.
    match conn.pragma_update_and_check(None, "journal_mode", "DELETE", |r| r.get::<_, String>(0)) {
        Ok(mode) if mode == "delete" => Ok(true),
        Err(e) if matches!(e.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) => {
            Ok(false)
        }
        Err(e) if e.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) => {
            Err(e).context("cannot close the present database's log")
        }
        _ => bail!(
            "another program has {} open, such as a replicator or a database shell: end it first. Nothing was changed",
            database.display()
        ),
    }
}

/// Clears away what an interrupted way back has begun. If the database had been replaced already, what it replaced gets
/// its place; if not, the log comes back to it.
fn clear_begun(dir: &Path) -> anyhow::Result<()> {
    let database = dir.join("videoplanet.db");
    let is = |path: &Path| fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    for part in entries(dir) {
        let name = part.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let Some(whole) = name.strip_suffix(UNFINISHED).filter(|n| n.starts_with(ASIDE)) else { continue };
        let old = part.join("videoplanet.db");
        if old.exists() && is(&old) != is(&database) {
            fs::rename(&part, dir.join(whole))?;
            continue;
        }
        let logs: Vec<&str> = BESIDE.into_iter().filter(|beside| part.join(beside).exists()).collect();
        ensure!(
            logs.iter().all(|beside| !dir.join(beside).exists()),
            "{} holds the log of the database from before an interrupted rollback, and the database has another one by \
             now: move that directory away and look at it",
            part.display()
        );
        for beside in logs {
            fs::rename(part.join(beside), dir.join(beside))?;
        }
        synced(dir)?;
        fs::remove_dir_all(&part)?;
    }
    Ok(())
}

/// Lets the names in a directory outlast a power cut.
fn synced(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_in_numbers() {
        assert_eq!(too_full(10 << 20, 42 << 20), None);
        let said = too_full(10 << 20, (42 << 20) - 1).unwrap();
        assert_eq!(said, "the disk is too full (42 MiB free, 42 MiB needed)");
        assert_eq!(too_full(1, 0).unwrap(), "the disk is too full (0 MiB free, 33 MiB needed)");
    }

    #[test]
    fn a_snapshot_is_known_by_its_name() {
        let dir = std::env::temp_dir().join(format!("videoplanet-snapshots-{}", std::process::id()));
        fs::create_dir_all(dir.join(DIR)).unwrap();
        for name in ["7-before-0002.db", "90-before-0003.db", "8-before-0002.db.part", "films.txt", "x-before-1.db"] {
            fs::write(dir.join(DIR).join(name), b"abc").unwrap();
        }
        let found: Vec<_> = list(&dir).into_iter().map(|s| (s.at, s.before, s.bytes)).collect();
        assert_eq!(found, [(Time(90), 3, 3), (Time(7), 2, 3)]);
        fs::remove_dir_all(&dir).unwrap();
    }
}
