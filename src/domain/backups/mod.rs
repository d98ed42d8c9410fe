//! Backups of this instance: taken while it runs, verified, kept for so long, restored.
//!
//! Laws: the database is copied first and the media that it names afterwards; a film is on the disk before its row is
//! there and never changes, so the copy names nothing that is not there, but for what is deleted for good meanwhile. A
//! backup that lacks a film which a row still names says so loudly and is kept all the same. Each backup is verified right
//! after it was taken. One job works on backups at a time. A place tells itself what is in it; the rows follow it.
//! Written here only: `backups`.
//!
//! What a place looks like is `engines::backup`. `take` takes one, `work` are the jobs, `restore` brings one back.

pub mod restore;
mod sql;
mod take;
pub mod work;

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::{JobId, UserId};
use crate::base::job::{Job, JobKind};
use crate::base::locale::Text;
use crate::closed_set;
use crate::config::Config;
use crate::domain::accounts::Viewer;
use crate::engines::backup::{self, Target, Verified, is_id};
use crate::engines::queue::{self, NewJob};
use crate::engines::store::{Db, Tx};
use crate::text_columns;

/// Backups that the page shows.
pub const PAGE: i64 = 200;
/// Failed tries that are kept.
const FAILURES: i64 = 50;

closed_set! {
    /// What became of a backup.
    State {
        /// It is being taken.
        Running = "running",
        /// It is in the place.
        Done = "done",
        /// It is not.
        Failed = "failed",
    }
}

text_columns!(State);

/// A backup as the rows have it.
#[derive(Clone, Debug, Serialize)]
pub struct Backup {
    /// Its id.
    pub id: String,
    /// Where it is.
    pub place: String,
    /// Who asked for it; nobody: the schedule.
    pub by: Option<String>,
    /// What became of it.
    pub state: State,
    /// The moment that it holds.
    pub taken: Time,
    /// When it was written to its end.
    pub finished: Option<Time>,
    /// The journal's last seq in it.
    pub seq: i64,
    /// Bytes of all that belongs to it.
    pub bytes: i64,
    /// Bytes that it added to the place.
    pub new_bytes: i64,
    /// Films in it.
    pub films: i64,
    /// Films that a row names and that are not in it.
    pub lost: i64,
    /// Is it encrypted?
    pub encrypted: bool,
    /// What the last look at it has found.
    pub verified: Option<Verified>,
    /// Why it is not there.
    pub error: Option<String>,
}

impl Backup {
    /// Is all in it, and was it found whole?
    pub fn is_whole(&self) -> bool {
        self.state == State::Done && self.lost == 0 && self.verified.as_ref().is_some_and(|v| v.ok)
    }
}

/// How it stands with backups, for alerts and `/metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// The moment that the newest one holds which was found whole; if there is none, when the program began.
    pub whole: Time,
    /// Did the last one fail, lacks it films, or was it found damaged?
    pub failed: bool,
}

closed_set! {
    /// What a job is at. The texts are `admin.backups.at.<name>`.
    At {
        /// Reads what is in the place.
        Opening = "opening",
        /// Copies the database.
        Database = "database",
        /// Copies films.
        Media = "media",
        /// Reads a backup again.
        Verifying = "verifying",
        /// Lets old ones go.
        Sweeping = "sweeping",
    }
}

/// What is done at this moment.
#[derive(Clone, Debug)]
pub struct Doing {
    /// Which kind of job.
    pub kind: JobKind,
    /// Since when.
    pub since: Time,
    /// What it is at.
    pub at: At,
    /// Bytes that are done with.
    pub done: u64,
    /// Of so many.
    pub of: u64,
}

impl Doing {
    /// 0–100.
    pub fn percent(&self) -> f32 {
        if self.of == 0 { 0.0 } else { (self.done as f64 * 100.0 / self.of as f64).min(100.0) as f32 }
    }
}

/// What this process does with backups. One thing at a time.
#[derive(Clone, Default)]
pub struct Now(Arc<Mutex<Option<Doing>>>);

impl Now {
    /// What is done at this moment.
    pub fn doing(&self) -> Option<Doing> {
        self.0.lock().clone()
    }

    fn begin(&self, kind: JobKind, since: Time) -> Option<Slot> {
        let mut doing = self.0.lock();
        if doing.is_some() {
            return None;
        }
        *doing = Some(Doing { kind, since, at: At::Opening, done: 0, of: 0 });
        Some(Slot(self.clone()))
    }
}

/// The right to do something, until it is dropped.
struct Slot(Now);

impl Slot {
    fn at(&self, at: At) {
        if let Some(doing) = &mut *self.0.0.lock() {
            doing.at = at;
        }
    }

    fn told(&self, done: u64, of: u64) -> f32 {
        let mut doing = self.0.0.lock();
        let Some(doing) = &mut *doing else { return 0.0 };
        (doing.done, doing.of) = (done, of);
        doing.percent()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *self.0.0.lock() = None;
    }
}

/// How the place of backups is reached, as it is set; `to` is said otherwise on the command line.
pub fn target(config: &Config, to: Option<&str>) -> Target {
    let b = &config.backup;
    Target {
        to: to.unwrap_or(&b.to).to_owned(),
        endpoint: b.s3_endpoint.clone(),
        region: b.s3_region.clone(),
        key: b.s3_key.clone(),
        secret: b.s3_secret.clone(),
        passphrase: b.passphrase.clone(),
    }
}

/// An error if the place lies in the data directory: what takes one would take the other.
pub(crate) fn is_apart(dir: &Path, target: &Target) -> backup::Result<()> {
    let Some(place) = target.directory() else { return Ok(()) };
    let real = |path: &Path| path.ancestors().find_map(|p| p.canonicalize().ok());
    let within =
        place.starts_with(dir) || real(&place).zip(real(dir)).is_some_and(|(place, dir)| place.starts_with(dir));
    if within {
        return Err(backup::Trouble::refused(format!(
            "{} lies in the data directory: what destroys that destroys the backups; choose another place",
            place.display()
        )));
    }
    Ok(())
}

/// Asks for a backup now; with an empty `to` where the settings say.
pub fn ask(tx: &mut Tx, to: String, by: Option<UserId>) -> Result<JobId> {
    asked(tx, Job::Backup { to }, by)
}

/// Asks for a look at a backup; without an id, at the newest.
pub fn ask_verify(tx: &mut Tx, backup: String, all: bool, by: Option<UserId>) -> Result<JobId> {
    asked(tx, Job::VerifyBackup { backup, all }, by)
}

fn asked(tx: &mut Tx, job: Job, by: Option<UserId>) -> Result<JobId> {
    let kind = job.kind();
    let dedup_key = match &job {
        Job::VerifyBackup { backup, all } => format!("{kind} {backup} {all}"),
        Job::DeleteBackup { backup } => format!("{kind} {backup}"),
        _ => kind.to_string(),
    };
    let job = queue::enqueue(tx, NewJob { dedup_key: Some(dedup_key), user: by, ..job.into() })?;
    tx.emit(None, by, Event::JobAsked { job, kind }, None)?;
    Ok(job)
}

/// Deletes a backup, as a job: its manifest first, then what it alone needed. For admins.
pub async fn delete(app: &App, who: &Viewer, id: String) -> Result<()> {
    who.must_administer()?;
    let by = who.user;
    app.write(move |tx| {
        let backup = by_id(tx, &id)?.ok_or(Error::NotFound("backup"))?;
        if backup.state == State::Running {
            return Err(Error::Conflict(Text::new("admin.backups.still_running")));
        }
        tx.emit(None, Some(by), Event::BackupDeleted { backup: id.clone() }, None)?;
        if backup.state == State::Failed {
            return sql::forget(tx, &id);
        }
        asked(tx, Job::DeleteBackup { backup: id }, Some(by)).map(|_| ())
    })
    .await
}

/// All backups and tries, the newest first.
pub fn list(db: &Db) -> Result<Vec<Backup>> {
    sql::list(db, PAGE)
}

/// One of them.
pub fn by_id(db: &Db, id: &str) -> Result<Option<Backup>> {
    if is_id(id) { sql::by_id(db, id) } else { Ok(None) }
}

/// The newest one that was found whole.
pub fn newest_whole(db: &Db) -> Result<Option<Time>> {
    sql::newest_whole(db)
}

/// What `/metrics` tells.
#[derive(Clone, Debug)]
pub struct Counts {
    /// The newest one that was found whole.
    pub whole: Option<Backup>,
    /// See [`Health::failed`].
    pub failed: bool,
}

/// What `/metrics` tells.
pub fn counts(db: &Db) -> Result<Counts> {
    Ok(Counts { whole: sql::last_whole(db)?, failed: health(db, Time(0))?.failed })
}

/// How it stands with them. `started` is when the program began.
pub fn health(db: &Db, started: Time) -> Result<Health> {
    let failed = sql::last(db)?.is_some_and(|last| match last.state {
        State::Running => false,
        State::Failed => true,
        State::Done => last.lost > 0 || last.verified.is_some_and(|v| !v.ok),
    });
    Ok(Health { whole: sql::newest_whole(db)?.unwrap_or(started), failed })
}
