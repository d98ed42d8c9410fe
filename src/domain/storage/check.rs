//! The check of the storage: sizes against the disk, counters against rows. What differs is mended and reported.

use serde::Serialize;

use super::go_on;
use crate::app::App;
use crate::base::error::Error;
use crate::base::ids::ProjectId;
use crate::base::job::JobError;
use crate::domain::media::recount::{self, Film, Miscount};
use crate::engines::files::{Files, Key, ORIGINAL};
use crate::engines::queue::Run;

/// Films that are looked at together.
const FILMS: i64 = 200;
/// Projects that are looked at together.
const PROJECTS: i64 = 100;
/// Differences that are told one by one; the others are counted.
const TOLD: usize = 200;

/// What a check has found and mended.
#[derive(Debug, Default, Serialize)]
pub struct Checked {
    /// Originals that were looked at.
    pub films: usize,
    /// Files and sets that were measured.
    pub files: usize,
    /// Sizes that were mended.
    pub sizes: usize,
    /// Counters that were mended.
    pub counters: usize,
    /// Rows of originals that were added, and that were removed.
    pub rows: (usize, usize),
    /// Files that are not there; the orphan scan names them.
    pub missing: usize,
    /// The first sizes that differed.
    pub size_differences: Vec<Difference>,
    /// The first counters that differed.
    pub counter_differences: Vec<Miscount>,
}

/// A size that differed.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// Of which original.
    pub key: Key,
    /// `original`, or a rendition's name.
    pub name: String,
    /// As the row had it.
    pub was: i64,
    /// As the disk has it.
    pub is: i64,
}

/// Checks everything.
pub async fn check(app: &App, run: &Run) -> Result<Checked, JobError> {
    let mut checked = Checked::default();
    loop {
        go_on(run, 0, 1)?;
        let (added, removed) = app.write(recount::mend_rows).await?;
        checked.rows = (checked.rows.0 + added, checked.rows.1 + removed);
        if added + removed == 0 {
            break;
        }
    }
    let mut after = None;
    loop {
        let films = app.read(move |db| recount::films(db, after, FILMS)).await?;
        let Some(last) = films.last() else { break };
        // Keys are evenly spread: the first byte of the last one tells how far this is.
        let part = usize::from_str_radix(&last.key.to_string()[..2], 16).unwrap_or(0);
        after = Some(last.key);
        sizes(app, films, &mut checked).await?;
        go_on(run, part, 256)?;
    }
    let mut after = None;
    loop {
        let projects = app.read(move |db| recount::projects(db, after, PROJECTS)).await?;
        let Some(last) = projects.last() else { break };
        after = Some(*last);
        for project in projects {
            counters(app, project, &mut checked).await?;
        }
        go_on(run, 99, 100)?;
    }
    if checked.sizes + checked.counters + checked.rows.0 + checked.rows.1 > 0 {
        tracing::warn!(sizes = checked.sizes, counters = checked.counters, "the storage check has mended something");
    }
    Ok(checked)
}

async fn sizes(app: &App, films: Vec<Film>, checked: &mut Checked) -> Result<(), JobError> {
    let files = app.files.clone();
    checked.films += films.len();
    let measured = tokio::task::spawn_blocking(move || measure(&files, films)).await.map_err(Error::internal)??;
    for file in measured {
        checked.files += 1;
        let Some(is) = file.is else {
            checked.missing += 1;
            continue;
        };
        if is == file.was {
            continue;
        }
        let Measured { key, name, was, .. } = file;
        let mended = {
            let name = name.clone();
            app.write(move |tx| recount::mend_size(tx, &key, &name, was, is)).await?
        };
        if mended {
            checked.sizes += 1;
            if checked.size_differences.len() < TOLD {
                checked.size_differences.push(Difference { key, name, was, is });
            }
        }
    }
    Ok(())
}

struct Measured {
    key: Key,
    name: String,
    was: i64,
    /// `None`: it is not there.
    is: Option<i64>,
}

fn measure(files: &Files, films: Vec<Film>) -> Result<Vec<Measured>, Error> {
    let mut measured = Vec::new();
    for film in films {
        let renditions = film.renditions.into_iter().map(|r| (r.name, r.size_bytes));
        for (name, was) in [(ORIGINAL.to_owned(), film.size_bytes)].into_iter().chain(renditions) {
            let is = match files.size(&film.key, &name) {
                Ok(size) => Some(size as i64),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
                Err(e) => return Err(e.into()),
            };
            measured.push(Measured { key: film.key, name, was, is });
        }
    }
    Ok(measured)
}

async fn counters(app: &App, project: ProjectId, checked: &mut Checked) -> Result<(), JobError> {
    // The look is a read: where all is right, nothing is written.
    if app.read(move |db| recount::miscounts(db, project)).await?.is_empty() {
        return Ok(());
    }
    let mended = app.write(move |tx| recount::mend_counters(tx, project)).await?;
    checked.counters += mended.len();
    let room = TOLD.saturating_sub(checked.counter_differences.len());
    checked.counter_differences.extend(mended.into_iter().take(room));
    Ok(())
}
