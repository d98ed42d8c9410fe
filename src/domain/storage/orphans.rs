//! Files that nobody knows, and rows whose files are not there: a scan reports them, and somebody who has read the report
//! has them deleted.
//!
//! Laws: the scan changes nothing. What is deleted is what the report names and what still is so, looked at again under
//! the writer, where no upload can begin to need it. A missing original is never touched: perhaps the disk comes back.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{go_on, sql};
use crate::app::App;
use crate::base::clock::{HOUR, Time};
use crate::base::error::{Error, Result};
use crate::base::ids::{JobId, UploadId};
use crate::base::job::{JobError, JobKind, JobState};
use crate::closed_set;
use crate::domain::media::shelf;
use crate::domain::media::{trash, uploads};
use crate::engines::files::{Files, Folder, Found, Key, ORIGINAL};
use crate::engines::queue::{self, Run};
use crate::engines::store::Db;

/// What has changed within this may still get its row.
const YOUNG: i64 = HOUR;
/// Findings that a report names; the others are counted, and found by the next scan.
const NAMED: usize = 500;

closed_set! {
    /// What can be wrong.
    Wrong {
        /// A film that no row knows, with all that was made of it.
        Film = "film",
        /// A rendition that no row knows.
        Rendition = "rendition",
        /// The file of an upload that is over.
        Upload = "upload",
        /// A directory of a job that is over.
        Scratch = "scratch",
        /// Not one of our names; it is left alone.
        Stranger = "stranger",
        /// A row names a rendition that is not there.
        LostRendition = "lost_rendition",
        /// A row names an original that is not there. Only a backup brings it back.
        LostOriginal = "lost_original",
    }
}

impl Wrong {
    /// Is it deleted on demand?
    pub fn is_deletable(self) -> bool {
        !matches!(self, Wrong::Stranger | Wrong::LostOriginal)
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// What is wrong.
    pub wrong: Wrong,
    /// The folder's name, an upload's number or a job's directory.
    pub place: String,
    /// The file or set in it, if it is not all of it.
    #[serde(default)]
    pub name: String,
    /// Bytes on the disk.
    pub size_bytes: i64,
}

/// What a scan has found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Films that were looked at.
    pub films: i64,
    /// Number and bytes by what is wrong.
    pub sums: BTreeMap<Wrong, (i64, i64)>,
    /// The first findings.
    pub first: Vec<Orphan>,
}

impl Report {
    fn note(&mut self, wrong: Wrong, place: &str, name: &str, size_bytes: u64) {
        let size_bytes = size_bytes as i64;
        let sum = self.sums.entry(wrong).or_default();
        *sum = (sum.0 + 1, sum.1 + size_bytes);
        // The loudest is never crowded out.
        if self.first.len() < NAMED || wrong == Wrong::LostOriginal && self.first.len() < 2 * NAMED {
            self.first.push(Orphan { wrong, place: place.to_owned(), name: name.to_owned(), size_bytes });
        }
    }

    /// Number and bytes of what can be deleted.
    pub fn deletable(&self) -> (i64, i64) {
        let of = self.sums.iter().filter(|(wrong, _)| wrong.is_deletable());
        of.fold((0, 0), |sum, (_, one)| (sum.0 + one.0, sum.1 + one.1))
    }
}

/// A film as the rows have it.
pub(super) struct Known {
    pub(super) key: Key,
    pub(super) size_bytes: i64,
    pub(super) renditions: Vec<String>,
    /// A version of it is under way: files may be there before their rows.
    pub(super) worked_on: bool,
}

/// Looks everywhere; changes nothing.
pub async fn scan(app: &App, run: &Run) -> Result<Report, JobError> {
    let mut report = Report::default();
    let young = Time(app.clock.now().0 - YOUNG);
    for first in 0..=u8::MAX {
        go_on(run, first.into(), 256)?;
        let folders = folders(app, first).await?;
        // Rows after files: a film that comes in between is known, and one that goes is caught by the second look.
        let known = app.read(move |db| sql::films_of(db, first)).await?;
        report.films += known.len() as i64;
        let mut known: BTreeMap<Key, Known> = known.into_iter().map(|k| (k.key, k)).collect();
        for folder in folders {
            let row = folder.key.and_then(|key| known.remove(&key));
            look(&mut report, folder, row, young);
        }
        for lost in known.into_values() {
            // The files of one that was deleted meanwhile may be gone before this look.
            let key = lost.key;
            if !has(app, key, ORIGINAL).await? && app.read(move |db| sql::is_known(db, &key)).await? {
                report.note(Wrong::LostOriginal, &key.to_string(), ORIGINAL, lost.size_bytes.max(0) as u64);
            }
        }
    }
    let files = app.files.clone();
    let (parts, scratches) = blocking(move || Ok((files.upload_files()?, files.scratches()?))).await?;
    let (under_way, jobs) = app.read(|db| Ok((uploads::under_way(db)?, sql::running_jobs(db)?))).await?;
    for (id, file) in parts {
        if file.changed <= young && !under_way.contains(&id) {
            report.note(Wrong::Upload, &id.to_string(), "", file.size_bytes);
        }
    }
    // What is not of a job is the program's own for a moment, and swept at each start.
    for dir in scratches.into_iter().filter(|dir| dir.name.starts_with("job-")) {
        if dir.changed <= young && !is_of_running(&jobs, &dir.name) {
            report.note(Wrong::Scratch, &dir.name, "", dir.size_bytes);
        }
    }
    if let Some((films, bytes)) = report.sums.get(&Wrong::LostOriginal) {
        tracing::error!(films, bytes, "originals are missing on the disk: see the storage page, and bring them back");
    }
    Ok(report)
}

fn look(report: &mut Report, folder: Folder, row: Option<Known>, young: Time) {
    let size = |files: &[Found]| files.iter().map(|f| f.size_bytes).sum();
    if folder.key.is_none() {
        return report.note(Wrong::Stranger, &folder.name, "", size(&folder.files));
    }
    let Some(row) = row else {
        if folder.changed <= young {
            report.note(Wrong::Film, &folder.name, "", size(&folder.files));
        }
        return;
    };
    let there: HashSet<&str> = folder.files.iter().map(|f| f.name.as_str()).collect();
    if !there.contains(ORIGINAL) {
        report.note(Wrong::LostOriginal, &folder.name, ORIGINAL, row.size_bytes.max(0) as u64);
    }
    if row.worked_on {
        return;
    }
    for name in row.renditions.iter().filter(|name| !there.contains(name.as_str())) {
        report.note(Wrong::LostRendition, &folder.name, name, 0);
    }
    for file in folder.files.iter().filter(|f| f.name != ORIGINAL && f.changed <= young) {
        if !row.renditions.contains(&file.name) {
            report.note(Wrong::Rendition, &folder.name, &file.name, file.size_bytes);
        }
    }
}

fn is_of_running(jobs: &[JobId], dir: &str) -> bool {
    jobs.iter().any(|job| dir.strip_prefix("job-").is_some_and(|rest| rest.split('-').next() == Some(&job.to_string())))
}

/// The report of a scan that has ended.
pub fn report(db: &Db, scan: JobId) -> Result<Report> {
    let row = queue::by_id(db, scan)?.filter(|r| r.kind == JobKind::OrphanScan && r.state == JobState::Done);
    let result = row.and_then(|r| r.result).ok_or(Error::NotFound("job"))?;
    serde_json::from_value(result).map_err(Error::internal)
}

/// What was deleted.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Deleted {
    /// Findings that are gone.
    pub deleted: usize,
    /// Their bytes.
    pub freed_bytes: i64,
    /// Findings that are no orphans any more, or may not be deleted.
    pub left: usize,
}

/// Deletes what the report of a scan names, as far as it still is so.
pub async fn delete(app: &App, run: &Run, scan: JobId) -> Result<Deleted, JobError> {
    let found = match app.read(move |db| report(db, scan)).await {
        Err(Error::NotFound(_)) => {
            return Err(JobError::Fail { error: "there is no such scan".into(), stderr: String::new() });
        }
        found => found?.first,
    };
    let mut deleted = Deleted::default();
    let of = found.len();
    for (i, orphan) in found.into_iter().enumerate() {
        go_on(run, i, of)?;
        let bytes = orphan.size_bytes;
        if delete_one(app, orphan).await? {
            deleted.deleted += 1;
            deleted.freed_bytes += bytes;
        } else {
            deleted.left += 1;
        }
    }
    Ok(deleted)
}

async fn delete_one(app: &App, orphan: Orphan) -> Result<bool> {
    let young = Time(app.clock.now().0 - YOUNG);
    match orphan.wrong {
        Wrong::Stranger | Wrong::LostOriginal => Ok(false),
        Wrong::Film => {
            let Ok(key) = orphan.place.parse::<Key>() else { return Ok(false) };
            match folder(app, key).await? {
                Some(folder) if folder.changed <= young => shelf::clear(app, key).await,
                _ => Ok(false),
            }
        }
        Wrong::Rendition => {
            let Ok(key) = orphan.place.parse::<Key>() else { return Ok(false) };
            let folder = folder(app, key).await?;
            let file = folder.iter().flat_map(|f| &f.files).find(|f| f.name == orphan.name);
            if file.is_some_and(|f| f.changed <= young) && is_ours(&orphan.name) {
                shelf::clear_rendition(app, key, orphan.name).await
            } else {
                Ok(false)
            }
        }
        Wrong::LostRendition => {
            let Ok(key) = orphan.place.parse::<Key>() else { return Ok(false) };
            let (files, name) = (app.files.clone(), orphan.name);
            app.write(move |tx| {
                let known = shelf::renditions(tx, &key)?.iter().any(|r| r.name == name);
                if !known || files.has(&key, name.trim_end_matches('/'))? {
                    return Ok(false);
                }
                trash::drop_renditions(tx, &key, &[name])?;
                Ok(true)
            })
            .await
        }
        Wrong::Upload => {
            let Ok(id) = orphan.place.parse::<UploadId>() else { return Ok(false) };
            // The row of an upload is there before its file.
            if app.read(uploads::under_way).await?.contains(&id) {
                return Ok(false);
            }
            let files = app.files.clone();
            blocking(move || files.end_upload(id)).await?;
            Ok(true)
        }
        Wrong::Scratch => {
            let jobs = app.read(sql::running_jobs).await?;
            if is_of_running(&jobs, &orphan.place) {
                return Ok(false);
            }
            let (files, name) = (app.files.clone(), orphan.place);
            blocking(move || files.drop_scratch(&name)).await?;
            Ok(true)
        }
    }
}

/// A name that the store itself would give; others are reported and left alone.
fn is_ours(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
    let name = name.trim_end_matches('/');
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)
}

async fn folders(app: &App, first: u8) -> Result<Vec<Folder>> {
    let files: Files = app.files.clone();
    blocking(move || files.folders(first)).await
}

async fn folder(app: &App, key: Key) -> Result<Option<Folder>> {
    let first = u8::from_str_radix(&key.to_string()[..2], 16).map_err(Error::internal)?;
    Ok(folders(app, first).await?.into_iter().find(|f| f.key == Some(key)))
}

async fn has(app: &App, key: Key, name: &'static str) -> Result<bool> {
    let files = app.files.clone();
    blocking(move || files.has(&key, name)).await
}

async fn blocking<T: Send + 'static>(f: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T> {
    Ok(tokio::task::spawn_blocking(f).await.map_err(Error::internal)??)
}
