//! The shelf against itself: rows that miss, sizes that are not known, counters that do not fit their rows.
//!
//! Law: what is mended is looked at again in the change that mends it, so that it is right beside whatever else is written.

use serde::Serialize;

use super::shelf::{INSTANCE, Kind, Rendition, Usage};
use super::sql_shelf as sql;
use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::engines::files::{Key, ORIGINAL};
use crate::engines::store::{Db, Tx};

/// An original as its row has it, and what was made of it.
pub struct Film {
    /// Which.
    pub key: Key,
    /// Its bytes.
    pub size_bytes: i64,
    /// What was made of it.
    pub renditions: Vec<Rendition>,
}

/// A counter that did not fit its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Miscount {
    /// 0 for the instance.
    pub project: ProjectId,
    /// What.
    pub kind: Kind,
    /// Files and bytes as they were counted.
    pub was: (i64, i64),
    /// As the rows have it.
    pub is: (i64, i64),
}

/// Films behind `after`, in the order of their keys.
pub fn films(db: &Db, after: Option<Key>, limit: i64) -> Result<Vec<Film>> {
    let film = |(key, size_bytes)| Ok(Film { key, size_bytes, renditions: sql::renditions(db, &key)? });
    sql::originals(db, after, limit)?.into_iter().map(film).collect()
}

/// Projects behind `after` that have films or counters; the instance is the first.
pub fn projects(db: &Db, after: Option<ProjectId>, limit: i64) -> Result<Vec<ProjectId>> {
    sql::counted_projects(db, after.map_or(-1, |p| p.0), limit)
}

/// Adds rows of originals that versions have and that miss, and removes those that no version has: 500 of each at the
/// most. Answers how many of each. Their counters are for [`mend_counters`], their files for a scan.
pub fn mend_rows(tx: &mut Tx) -> Result<(usize, usize)> {
    let missing = sql::missing_originals(tx)?;
    for (key, size_bytes) in &missing {
        sql::add_original(tx, key, *size_bytes)?;
    }
    let unheld = sql::unheld_originals(tx)?;
    for key in &unheld {
        sql::delete_original(tx, key)?;
    }
    Ok((missing.len(), unheld.len()))
}

/// A file has `size_bytes` and not what its row says. `false` if the row is another by now.
pub fn mend_size(tx: &mut Tx, key: &Key, name: &str, was: i64, size_bytes: i64) -> Result<bool> {
    let mended = if name == ORIGINAL {
        sql::mend_original(tx, key, was, size_bytes)?
    } else {
        sql::mend_rendition(tx, key, name, was, size_bytes)?
    };
    if mended {
        let kind = if name == ORIGINAL { Kind::Original } else { Kind::of(name) };
        for project in sql::projects(tx, key)?.into_iter().chain([INSTANCE]) {
            sql::count(tx, project, kind, 0, size_bytes - was)?;
        }
    }
    Ok(mended)
}

/// Counters of a project (or the instance) that do not fit its rows. One snapshot: they move with them.
pub fn miscounts(db: &Db, project: ProjectId) -> Result<Vec<Miscount>> {
    let (counted, rows) = (sql::counters(db, project)?, sql::recount(db, project)?);
    let of = |all: &[Usage], kind| all.iter().find(|u| u.kind == kind).map_or((0, 0), |u| (u.files, u.size_bytes));
    let kinds = Kind::ALL.iter().map(|kind| (*kind, of(&counted, *kind), of(&rows, *kind)));
    let wrong = kinds.filter(|(_, was, is)| was != is);
    Ok(wrong.map(|(kind, was, is)| Miscount { project, kind, was, is }).collect())
}

/// Sets the counters of a project to what its rows say; answers those that were wrong.
pub fn mend_counters(tx: &mut Tx, project: ProjectId) -> Result<Vec<Miscount>> {
    let wrong = miscounts(tx, project)?;
    for m in &wrong {
        sql::count(tx, project, m.kind, m.is.0 - m.was.0, m.is.1 - m.was.1)?;
    }
    Ok(wrong)
}
