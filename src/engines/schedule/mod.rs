//! What is done again and again: named jobs with a cron expression, kept in the store so that an admin can change them.
//!
//! Laws: a due entry adds its job and moves on in one transaction, so that a run is neither lost nor doubled by a crash.
//! While its job waits or runs, another run of it is the same job. What an admin has changed survives upgrades; what
//! nobody has changed follows the table in the code. Only the store is asked, so that another process (the shell) may
//! change it at any time.

pub mod cron;
mod sql;
mod words;

use jiff::tz::TimeZone;

use crate::base::clock::{MINUTE, Time};
use crate::base::error::{Check, Error, Result};
use crate::base::event::Event;
use crate::base::ids::{JobId, UserId};
use crate::base::job::{Job, JobState};
use crate::base::locale::Text;
use crate::closed_set;
use crate::engines::queue::{self, NewJob};
use crate::engines::store::{Db, Tx};
use cron::Cron;
pub use words::describe;

/// A run that is found later than this was missed: the program was off, or the machine slept.
const LATE: i64 = 5 * MINUTE;

closed_set! {
    /// What becomes of runs that were missed.
    Missed {
        /// One run makes up for all of them.
        Run = "run",
        /// They are left out; the next one is as planned.
        Skip = "skip",
    }
}

crate::text_columns!(Missed);

/// A job of the schedule as the code has it. Its name is that of the job's kind.
#[derive(Clone, Debug)]
pub struct Entry {
    job: Job,
    cron: &'static str,
    missed: Missed,
    at_start: bool,
}

impl Entry {
    /// Runs at `cron`.
    pub const fn new(job: Job, cron: &'static str, missed: Missed) -> Entry {
        Entry { job, cron, missed, at_start: false }
    }

    /// Runs at each start of the program as well.
    pub const fn at_start(mut self) -> Entry {
        self.at_start = true;
        self
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.job.kind().as_str()
    }

    /// What it does.
    pub fn job(&self) -> &Job {
        &self.job
    }
}

/// An entry as it stands in the store, with its last run.
#[derive(Clone, Debug)]
pub struct Row {
    /// The name of its job's kind.
    pub name: String,
    /// When it runs.
    pub cron: String,
    /// In which zone, by its IANA name.
    pub time_zone: String,
    /// What becomes of missed runs.
    pub missed: Missed,
    /// Does it not run by itself?
    pub paused: bool,
    /// Has an admin changed it?
    pub edited: bool,
    /// Its next run; `None` if it is paused or cannot be understood any more.
    pub next: Option<Time>,
    /// When it was last due, or run by hand.
    pub last: Option<Time>,
    /// The job of that run, as long as it is kept.
    pub run: Option<LastRun>,
}

/// How the last run of an entry went.
#[derive(Clone, Debug)]
pub struct LastRun {
    /// Which job.
    pub job: JobId,
    /// Where it stands.
    pub state: JobState,
    /// When it was begun.
    pub started: Option<Time>,
    /// When it ended.
    pub finished: Option<Time>,
    /// What it brought.
    pub result: Option<serde_json::Value>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What an admin sets.
#[derive(Clone, Debug)]
pub struct Change {
    /// A cron expression.
    pub cron: String,
    /// The IANA name of a zone.
    pub time_zone: String,
    /// What becomes of missed runs.
    pub missed: Missed,
}

/// Adds what is missing, and lets rows that nobody has changed follow the code and the settings.
fn fill(tx: &mut Tx, entries: &[Entry], time_zone: &str) -> Result<()> {
    let known = sql::all(tx)?;
    for entry in entries {
        let stands = known.iter().find(|row| row.name == entry.name()).is_some_and(|row| {
            row.edited || (row.cron == entry.cron && row.time_zone == time_zone && row.missed == entry.missed)
        });
        if !stands {
            let to = Change { cron: entry.cron.to_owned(), time_zone: time_zone.to_owned(), missed: entry.missed };
            let next = next(&to.cron, &to.time_zone, tx.now());
            sql::put(tx, entry.name(), &to, next)?;
        }
    }
    Ok(())
}

/// At a start: adds what is missing, lets rows that nobody has changed follow the code and the settings, and runs what is
/// to run at each start. A paused entry is left alone.
pub fn begin(tx: &mut Tx, entries: &[Entry], time_zone: &str) -> Result<()> {
    fill(tx, entries, time_zone)?;
    for entry in entries.iter().filter(|e| e.at_start) {
        if !by_name(tx, entry.name())?.paused {
            run(tx, entry)?;
        }
    }
    Ok(())
}

/// Another zone for all that nobody has changed, from now on.
pub fn set_zone(tx: &mut Tx, time_zone: &str) -> Result<()> {
    for row in sql::all(tx)?.into_iter().filter(|row| !row.edited && row.time_zone != time_zone) {
        let next = next(&row.cron, time_zone, tx.now());
        let to = Change { cron: row.cron, time_zone: time_zone.to_owned(), missed: row.missed };
        sql::put(tx, &row.name, &to, next)?;
    }
    Ok(())
}

/// Is anything due?
pub fn any_due(db: &Db, now: Time) -> Result<bool> {
    sql::any_due(db, now)
}

/// Adds the jobs that are due and plans their next runs; answers how many were added.
pub fn tick(tx: &mut Tx, entries: &[Entry]) -> Result<usize> {
    let now = tx.now();
    let mut added = 0;
    for row in sql::due(tx, now)? {
        let next = next(&row.cron, &row.time_zone, now);
        if next.is_none() {
            tracing::error!(name = row.name, cron = row.cron, zone = row.time_zone, "a schedule is not understood");
        }
        sql::plan(tx, &row.name, next)?;
        // An entry of another version of the program waits until there is a job for it again.
        let Some(entry) = entries.iter().find(|e| e.name() == row.name) else { continue };
        let late = row.next.is_some_and(|due| now.0 - due.0 > LATE);
        if late && row.missed == Missed::Skip {
            tracing::info!(name = row.name, due = %row.next.unwrap_or_default(), "a missed run is left out");
            continue;
        }
        run(tx, entry)?;
        added += 1;
    }
    Ok(added)
}

fn run(tx: &mut Tx, entry: &Entry) -> Result<JobId> {
    let dedup_key = Some(entry.name().to_owned());
    let job = queue::enqueue(tx, NewJob { dedup_key, ..entry.job.clone().into() })?;
    sql::ran(tx, entry.name(), job)?;
    Ok(job)
}

/// Runs an entry now, paused or not; its plan stays as it is.
pub fn run_now(tx: &mut Tx, actor: Option<UserId>, entry: &Entry) -> Result<JobId> {
    let job = run(tx, entry)?;
    tx.emit(None, actor, Event::JobAsked { job, kind: entry.job.kind() }, None)?;
    Ok(job)
}

/// Pauses an entry, or lets it run again from its next time on: what was due meanwhile is not made up for.
pub fn set_paused(tx: &mut Tx, actor: Option<UserId>, name: &str, paused: bool) -> Result<()> {
    let row = by_name(tx, name)?;
    if row.paused == paused {
        return Ok(());
    }
    let next = if paused { None } else { next(&row.cron, &row.time_zone, tx.now()) };
    sql::set_paused(tx, name, paused, next)?;
    let name = name.to_owned();
    let event = if paused { Event::SchedulePaused { name } } else { Event::ScheduleResumed { name } };
    tx.emit(None, actor, event, None)?;
    Ok(())
}

/// Sets when an entry runs.
pub fn change(tx: &mut Tx, actor: Option<UserId>, name: &str, to: Change) -> Result<()> {
    let cron = Cron::parse(&to.cron);
    let zone = TimeZone::get(&to.time_zone);
    let mut check = Check::new();
    if let Err(text) = &cron {
        check.that(false, "cron", text.clone());
    }
    check.that(zone.is_ok(), "time_zone", Text::new("invalid.time_zone")).done()?;
    let row = by_name(tx, name)?;
    let (mut fields, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
    for (field, was, is) in [
        ("cron", row.cron.clone(), to.cron.clone()),
        ("time_zone", row.time_zone.clone(), to.time_zone.clone()),
        ("missed", row.missed.to_string(), to.missed.to_string()),
    ] {
        if was != is {
            fields.push(field.to_owned());
            before.push(was);
            after.push(is);
        }
    }
    if fields.is_empty() {
        return Ok(());
    }
    let next = if row.paused { None } else { next(&to.cron, &to.time_zone, tx.now()) };
    sql::change(tx, name, &to, next)?;
    let (before, after) = (Some(before), Some(after));
    tx.emit(None, actor, Event::ScheduleChanged { name: name.to_owned(), fields, before, after }, None)?;
    Ok(())
}

/// All entries with their last runs, by name.
pub fn list(db: &Db) -> Result<Vec<Row>> {
    sql::all(db)
}

/// One entry.
pub fn by_name(db: &Db, name: &str) -> Result<Row> {
    sql::all(db)?.into_iter().find(|row| row.name == name).ok_or(Error::NotFound("schedule"))
}

fn next(cron: &str, time_zone: &str, after: Time) -> Option<Time> {
    Cron::parse(cron).ok()?.next_after(after, &TimeZone::get(time_zone).ok()?)
}
