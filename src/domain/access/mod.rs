//! Who asked for what in the last day, and the cache warmed by it: what the busiest people look at first is read before
//! they ask.
//!
//! Law: it is written beside the requests, in batches; losing it costs a slow first look and nothing else.
//! Written here only: `access_log`, `visits`.

mod sql;

use std::collections::BTreeSet;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use crate::app::App;
use crate::base::clock::{DAY, HOUR, Time};
use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::base::job::Progress;
use crate::domain::accounts::Viewer;
use crate::domain::answer::{Asked, X_CACHE};
use crate::domain::http::{Path, Query};
use crate::domain::{Embed, feedback, projects};
use crate::engines::queue::Run;
use crate::engines::store::Tx;

/// Pairs of person and project that are warmed at the most.
const HOTTEST: i64 = 300;

/// Writes what was counted since the last time.
pub async fn flush(app: &App) -> Result<usize> {
    let counts = app.access.take();
    if counts.is_empty() {
        return Ok(0);
    }
    app.store
        .write(move |tx| {
            let hour = Time(tx.now().0 / HOUR * HOUR);
            for ((user, project), hits) in &counts {
                sql::add(tx, hour, *user, *project, *hits)?;
            }
            for user in counts.iter().map(|((user, _), _)| *user).collect::<BTreeSet<_>>() {
                sql::visited(tx, user, projects::dashboard::VISIT)?;
            }
            Ok(counts.len())
        })
        .await
}

/// Forgets what is older than a day; answers how many rows.
pub fn prune(tx: &mut Tx) -> Result<usize> {
    let before = Time(tx.now().0 - DAY - HOUR);
    sql::prune(tx, before)
}

/// What a warming brought.
#[derive(Debug, Default, Serialize)]
pub struct Warmed {
    /// People whose dashboard and list of projects are ready.
    pub users: usize,
    /// Projects whose first pages are ready.
    pub projects: usize,
    /// Answers that were read now; the others were kept already.
    pub loaded: usize,
    /// Answers that could not be read, since a right or a row was gone.
    pub gone: usize,
}

/// Reads what the busiest people and projects of the last day ask for first.
pub async fn warm(app: &App, run: &Run, feedbacks: Embed, comments: Embed) -> Result<Warmed> {
    flush(app).await?;
    let since = Time(app.clock.now().0 - DAY);
    let pairs = app.read(move |db| sql::hottest(db, since, HOTTEST)).await?;
    let mut warmed = Warmed::default();
    let (mut people, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (i, (user, project)) in pairs.iter().enumerate() {
        if run.cancel.is_cancelled() {
            break;
        }
        let Some(who) = Viewer::reader(app, *user).await? else { continue };
        if people.insert(*user) {
            person(app, &who, feedbacks, &mut warmed).await;
        }
        if let Some(project) = *project {
            seen.insert(project);
            first_pages(app, &who, project, feedbacks, comments, &mut warmed).await;
        }
        let percent = (i + 1) as f32 * 100.0 / pairs.len() as f32;
        run.progress(Progress { percent, ..Progress::default() });
    }
    (warmed.users, warmed.projects) = (people.len(), seen.len());
    Ok(warmed)
}

async fn person(app: &App, who: &Viewer, feedbacks: Embed, warmed: &mut Warmed) {
    use projects::routes::{DashboardQuery, ListQuery, list, my_dashboard};
    let plain = Query(DashboardQuery::default());
    warmed.count(my_dashboard(State(app.clone()), who.clone(), plain, asked("/dashboard")).await);
    let query = Query(ListQuery::default());
    warmed.count(list(State(app.clone()), who.clone(), Extension(feedbacks), query, asked("/projects")).await);
}

async fn first_pages(
    app: &App,
    who: &Viewer,
    project: ProjectId,
    feedbacks: Embed,
    comments: Embed,
    warmed: &mut Warmed,
) {
    use projects::routes::{OneQuery, one, project_dashboard};
    let path = |rest: &str| asked(&format!("/projects/{project}{rest}"));
    let (app, id) = (State(app.clone()), || Path(project));
    warmed.count(project_dashboard(app.clone(), who.clone(), id(), path("/dashboard")).await);
    let query = Query(OneQuery::default());
    warmed.count(one(app.clone(), who.clone(), id(), Extension(feedbacks), query, path("")).await);
    let query = Query(feedback::routes::ListQuery::default());
    let feed = feedback::routes::list(app, who.clone(), id(), Extension(comments), query, path("/feedbacks"));
    warmed.count(feed.await);
}

impl Warmed {
    fn count(&mut self, answer: Result<Response>) {
        match answer {
            Ok(answer) => self.loaded += usize::from(answer.headers().get(X_CACHE).is_some_and(|v| v == "miss")),
            Err(_) => self.gone += 1,
        }
    }
}

fn asked(path: &str) -> Asked {
    Asked::warm(format!("/api/v1{path}"))
}
