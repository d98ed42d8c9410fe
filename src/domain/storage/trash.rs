//! The trash of the instance: what lies in it and for how long, out of it, and for good.
//!
//! Law: there is one way of going for good, the purge of what has been here for its days. Who wants something gone now
//! ends its days; from then on it cannot be restored, and the purge may be killed in the middle.

use serde::Serialize;

use super::{go_on, sql};
use crate::app::App;
use crate::base::clock::{DAY, Time};
use crate::base::error::Result;
use crate::base::event::Event;
use crate::base::ids::{FeedbackId, MediaId, ProjectId};
use crate::base::job::JobError;
use crate::domain::accounts::Viewer;
use crate::domain::feedback::trash as feedbacks;
use crate::domain::media::{shelf, trash as versions};
use crate::domain::projects;
use crate::engines::files::Key;
use crate::engines::queue::{self, NewJob, Run};
use crate::engines::store::{Db, Tx};
use crate::{base::job::Job, closed_set};

/// Things that a page lists.
pub const LISTED: i64 = 100;
/// Things that are purged between two looks.
const AT_ONCE: i64 = 500;

closed_set! {
    /// What can lie in the trash.
    What {
        /// A project with all that is in it.
        Project = "project",
        /// A feedback with its versions and comments.
        Feedback = "feedback",
        /// One version.
        Version = "version",
    }
}

/// A thing in the trash.
#[derive(Debug, Serialize)]
pub struct Thing {
    /// What.
    pub what: What,
    /// Its id among those.
    pub id: i64,
    /// Its name, title or file name.
    pub name: String,
    /// Where it was: project, or project and feedback.
    pub place: String,
    /// Since when it is here.
    pub deleted: Time,
    /// Who put it here, where that is known.
    pub by: Option<String>,
    /// Bytes of its films and what was made of them.
    pub size_bytes: i64,
}

impl Thing {
    /// Whole days until it goes; 0 when it goes with the next purge.
    pub fn days_left(&self, now: Time, days: i64) -> i64 {
        ((self.deleted.0 + days * DAY - now.0).max(0) + DAY - 1) / DAY
    }
}

/// What lies in the trash, what goes next first, at most [`LISTED`]; and how many there are. What lies in something that
/// lies there itself is not named.
pub fn list(db: &Db) -> Result<(Vec<Thing>, i64)> {
    sql::trash(db, LISTED)
}

/// Takes a thing out of the trash for those who run the instance.
pub async fn restore(app: &App, who: &Viewer, what: What, id: i64) -> Result<()> {
    who.must_administer()?;
    let user = who.user;
    app.write(move |tx| match what {
        What::Project => projects::untrash(tx, user, ProjectId(id)),
        What::Feedback => feedbacks::restore(tx, Some(user), FeedbackId(id)),
        What::Version => versions::untrash(tx, Some(user), MediaId(id)),
    })
    .await
}

/// Ends the days of a thing in the trash and has it purged.
pub async fn purge_now(app: &App, who: &Viewer, what: What, id: i64) -> Result<()> {
    who.must_administer()?;
    let user = who.user;
    app.write(move |tx| {
        // Before all days that anybody could set.
        let long_ago = Time(1);
        match what {
            What::Project => projects::expire(tx, ProjectId(id), long_ago)?,
            What::Feedback => feedbacks::expire(tx, FeedbackId(id), long_ago)?,
            What::Version => versions::expire(tx, MediaId(id), long_ago)?,
        }
        tx.emit(None, Some(user), Event::PurgeAsked { what: what.to_string(), id }, None)?;
        // Not under the key of the daily one: that may be past this thing already.
        let job = NewJob { user: Some(user), ..Job::PurgeTrash.into() };
        queue::enqueue(tx, job)?;
        Ok(())
    })
    .await
}

/// What a purge has removed.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Purged {
    /// Projects.
    pub projects: usize,
    /// Feedbacks, those of projects included.
    pub feedbacks: usize,
    /// Versions, those of feedbacks included.
    pub versions: usize,
    /// Originals that nobody had any more, with all that was made of them.
    pub films: usize,
}

/// Removes for good what has been in the trash for its days.
pub async fn purge(app: &App, run: &Run) -> Result<Purged, JobError> {
    let before = Time(app.clock.now().0 - app.config().storage.trash_days * DAY);
    let mut purged = Purged::default();
    let all = app.read(move |db| sql::expired_versions_count(db, before)).await?.max(1) as usize;
    // Versions first, each in a change of its own: a project may hold thousands.
    loop {
        let ids = app.read(move |db| sql::expired_versions(db, before, AT_ONCE)).await?;
        if ids.is_empty() {
            break;
        }
        for id in ids {
            go_on(run, purged.versions, all)?;
            let gone = app.write(move |tx| {
                if !sql::is_version_expired(tx, id, before)? {
                    return Ok((false, None));
                }
                Ok((true, versions::purge(tx, id)?))
            });
            let (went, key) = gone.await?;
            purged.versions += usize::from(went);
            if let Some(key) = key {
                purged.films += usize::from(clear(app, key).await?);
            }
        }
    }
    loop {
        let found = app.read(move |db| sql::expired_feedbacks(db, before, AT_ONCE)).await?;
        if found.is_empty() {
            break;
        }
        for (id, project) in found {
            go_on(run, 1, 1)?;
            let gone = app.write(move |tx| {
                let gone = sql::is_feedback_expired(tx, id, before)?;
                if gone {
                    feedbacks::purge(tx, project, id)?;
                }
                Ok(gone)
            });
            purged.feedbacks += usize::from(gone.await?);
        }
    }
    for id in app.read(move |db| sql::expired_projects(db, before)).await? {
        go_on(run, 1, 1)?;
        purged.projects += usize::from(app.write(move |tx| purge_project(tx, id, before)).await?);
    }
    Ok(purged)
}

fn purge_project(tx: &mut Tx, id: ProjectId, before: Time) -> Result<bool> {
    let gone = sql::is_project_empty_and_expired(tx, id, before)?;
    if gone {
        shelf::forget(tx, id)?;
        projects::purge(tx, id)?;
    }
    Ok(gone)
}

/// The rows are gone: files that cannot be removed now are found by the orphan scan.
async fn clear(app: &App, key: Key) -> Result<bool> {
    match shelf::clear(app, key).await {
        Ok(gone) => Ok(gone),
        Err(e) => {
            tracing::error!(%key, error = format!("{e:#}"), "the files of a purged film cannot be removed");
            Ok(false)
        }
    }
}
