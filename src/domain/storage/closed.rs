//! Films of feedbacks that have been closed for long. Off until an admin turns it on; then it is announced some days
//! before in the room, and what goes, goes to the trash.
//!
//! Law: nothing goes that was not announced, and who opens a feedback again keeps its films.

use serde::Serialize;
use serde_json::{Value, json};

use super::{go_on, sql};
use crate::app::App;
use crate::base::clock::{DAY, Time};
use crate::base::error::Result;
use crate::base::event::Event;
use crate::base::ids::{FeedbackId, ProjectId};
use crate::base::job::JobError;
use crate::config::Storage;
use crate::domain::accounts::Viewer;
use crate::domain::feedback::trash as notices;
use crate::domain::media::trash;
use crate::engines::queue::Run;
use crate::engines::store::Db;

/// The setting that an admin turns on.
const SETTING: &str = "clean_closed";
/// Feedbacks that a plan names; the others are counted.
const NAMED: i64 = 50;
/// Feedbacks that are worked on between two looks.
const AT_ONCE: i64 = 500;

/// What would be done now.
#[derive(Debug, Default, Serialize)]
pub struct Plan {
    /// What would be announced.
    pub announce: Share,
    /// What would go to the trash: announced long enough ago.
    pub clean: Share,
    /// What is announced and not due yet.
    pub announced: Share,
}

/// Feedbacks of one step of the plan.
#[derive(Debug, Default, Serialize)]
pub struct Share {
    /// How many.
    pub count: i64,
    /// Versions in them.
    pub versions: i64,
    /// Bytes of these and what was made of them. Bytes that are also elsewhere stay on the disk.
    pub size_bytes: i64,
    /// The first of them.
    pub first: Vec<Case>,
}

/// A feedback that has been closed for long.
#[derive(Debug, Serialize)]
pub struct Case {
    /// Which.
    pub feedback: FeedbackId,
    /// Its title.
    pub title: String,
    /// In which project.
    pub project: ProjectId,
    /// That one's name.
    pub project_name: String,
    /// Since when it is closed.
    pub closed: Time,
    /// When its films go.
    pub due: Time,
    /// Versions that it has.
    pub versions: i64,
    /// Their bytes.
    pub size_bytes: i64,
}

/// What there is to do, by the clock and the settings.
pub(super) struct When {
    pub(super) now: Time,
    /// Closed before this: to be announced.
    pub(super) closed_before: Time,
    /// Films go so long after the closing.
    pub(super) kept: i64,
    /// And so long after the announcement, at least.
    pub(super) warned: i64,
}

impl When {
    fn of(now: Time, s: &Storage) -> When {
        let (kept, warned) = (s.closed_days * DAY, s.announce_days * DAY);
        When { now, closed_before: Time(now.0 - kept + warned), kept, warned }
    }
}

/// Is it turned on?
pub fn is_on(db: &Db) -> Result<bool> {
    Ok(db.setting(SETTING)?.is_some_and(|v| v == "on"))
}

/// Turns it on or off. Off, all announcements are taken back: turned on again, they are made anew.
pub async fn set(app: &App, who: &Viewer, on: bool) -> Result<()> {
    who.must_administer()?;
    let user = who.user;
    app.write(move |tx| {
        if is_on(tx)? == on {
            return Ok(());
        }
        tx.set_setting(SETTING, if on { "on" } else { "off" })?;
        if !on {
            notices::forget_notices(tx)?;
        }
        tx.emit(None, Some(user), Event::ClosedCleanupSet { on }, None)?;
        Ok(())
    })
    .await
}

/// What would be done at this moment if it were on. Three statements.
pub fn plan(db: &Db, now: Time, settings: &Storage) -> Result<Plan> {
    let when = When::of(now, settings);
    Ok(Plan {
        announce: sql::to_announce(db, &when, NAMED)?,
        clean: sql::announced(db, &when, true, NAMED)?,
        announced: sql::announced(db, &when, false, NAMED)?,
    })
}

/// Announces, and puts into the trash what was announced long enough ago. While it is off, it answers what it would do.
pub async fn clean(app: &App, run: &Run) -> Result<Value, JobError> {
    let (now, settings) = (app.clock.now(), app.config().storage.clone());
    let (on, plan) = app.read(move |db| Ok((is_on(db)?, plan(db, now, &settings)?))).await?;
    if !on {
        return Ok(json!({ "on": false, "would": plan }));
    }
    let of = (plan.announce.count + plan.clean.count).max(1) as usize;
    let (mut announced, mut cleaned, mut versions, mut bytes) = (0, 0, 0, 0);
    loop {
        let settings = app.config().storage.clone();
        let due = app.read(move |db| sql::announced(db, &When::of(now, &settings), true, AT_ONCE)).await?;
        if due.first.is_empty() {
            break;
        }
        for case in due.first {
            go_on(run, announced + cleaned, of)?;
            let queue = app.queue.clone();
            let went = app.write(move |tx| {
                // Opened again, turned off or deleted since: then there is nothing to do.
                let ids = if is_on(tx)? { sql::due_versions(tx, case.feedback, now)? } else { Vec::new() };
                if ids.is_empty() {
                    notices::cancel_notice(tx, None, case.project, case.feedback)?;
                    return Ok(0);
                }
                let went = trash::trash_all(tx, &queue, &ids)?;
                notices::cancel_notice(tx, None, case.project, case.feedback)?;
                Ok(went)
            });
            let went = went.await?;
            if went > 0 {
                (cleaned, versions, bytes) = (cleaned + 1, versions + went, bytes + case.size_bytes);
            }
        }
    }
    'announcing: loop {
        let settings = app.config().storage.clone();
        let new = app.read(move |db| sql::to_announce(db, &When::of(now, &settings), AT_ONCE)).await?;
        if new.first.is_empty() {
            break;
        }
        for case in new.first {
            go_on(run, announced + cleaned, of)?;
            let told = app.write(move |tx| {
                if !is_on(tx)? {
                    return Ok(None);
                }
                let stands = sql::is_closed(tx, case.feedback)?;
                if stands {
                    notices::announce(tx, case.project, case.feedback, case.due)?;
                }
                Ok(Some(stands))
            });
            // One that was opened meanwhile is not among them the next time.
            let Some(told) = told.await? else { break 'announcing };
            announced += usize::from(told);
        }
    }
    Ok(json!({ "on": true, "announced": announced, "cleaned": cleaned, "versions": versions, "size_bytes": bytes }))
}
