//! Jobs as people see them: how far one is, what it brought, why it was lost, and what they may do about it.
//!
//! Law: who works in a project sees its jobs and may try them again; the rest is for those who run the instance. What a
//! child process said names paths of the machine, so it is for those alone.

pub mod routes;

use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::{JobId, ProjectId, UserId};
use crate::base::job::{JobKind, JobState, Lane, Progress};
use crate::base::locale::{self, Lang};
use crate::base::roles::Right;
use crate::domain::accounts::Viewer;
use crate::domain::media;
use crate::domain::projects;
use crate::engines::queue::{self, Need, Row};
use crate::engines::store::{Db, Tx};

/// A job as the API shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Job)]
pub struct Shown {
    /// Its id.
    pub id: JobId,
    /// Its kind.
    pub kind: JobKind,
    /// Where it waits.
    pub lane: Lane,
    /// Where it stands.
    pub state: JobState,
    /// Minutes that it is moved ahead in the queue.
    #[schema(example = 0)]
    pub priority: i64,
    /// Times it was begun.
    #[schema(example = 1)]
    pub attempts: i64,
    /// Times it may be begun.
    #[schema(example = 3)]
    pub max_attempts: i64,
    /// How far it is while it runs, or while what it waits for runs.
    pub progress: Option<Progress>,
    /// What it brought.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    /// Why it was lost, for programs.
    #[schema(example = json!(null))]
    pub error: Option<String>,
    /// Why it was lost, for people.
    #[schema(example = json!(null))]
    pub message: Option<String>,
    /// The last words of its child process; for those who run the instance.
    #[schema(example = json!(null))]
    pub stderr: Option<String>,
    /// What it waits or waited for.
    pub needs: Vec<Need>,
    /// In which project.
    pub project_id: Option<ProjectId>,
    /// When it was added.
    pub created: Time,
    /// When it was last begun.
    pub started: Option<Time>,
    /// When it ended.
    pub finished: Option<Time>,
    /// When it is tried again.
    pub run_at: Time,
}

/// Why a job was lost, in words: media jobs name a cause that has a sentence.
pub fn reason(lang: Lang, error: &str) -> String {
    let key = format!("media.error.{error}");
    if locale::table(lang).contains_key(&key) { locale::get(lang, &key) } else { error.to_owned() }
}

/// What somebody may do with a job: nothing, look, or steer. One of a project is judged by the project alone, also for
/// those who run the instance: they have the dashboard.
fn right(db: &Db, who: &Viewer, row: &Row) -> Result<Option<bool>> {
    let Some(project) = row.project else {
        let operates = who.must_operate().is_ok();
        return Ok((operates || row.user == Some(who.user)).then_some(operates));
    };
    let role = match projects::allow(db, who.user, project, Right::View) {
        Ok(role) => role,
        Err(Error::NotFound(_) | Error::Forbidden) => return Ok(None),
        Err(e) => return Err(e),
    };
    Ok(Some(role.may(Right::Upload)))
}

/// One job, for who may see it. Three statements at the most.
pub fn get(db: &Db, who: &Viewer, id: JobId) -> Result<(Row, Vec<Need>)> {
    let row = queue::by_id(db, id)?.ok_or(Error::NotFound("job"))?;
    right(db, who, &row)?.ok_or(Error::NotFound("job"))?;
    let needs = queue::needs_of(db, id)?;
    Ok((row, needs))
}

impl Shown {
    /// A row as the API shows it to `who`.
    pub fn of(app: &App, who: &Viewer, (row, needs): (Row, Vec<Need>)) -> Shown {
        let progress = if row.state.is_over() { None } else { app.queue.progress(row.id).or(row.progress) };
        Shown {
            id: row.id,
            kind: row.kind,
            lane: row.lane,
            state: row.state,
            priority: row.priority,
            attempts: row.attempts,
            max_attempts: row.max_attempts,
            progress,
            result: row.result,
            message: row.error.as_deref().map(|e| reason(who.lang, e)),
            error: row.error,
            stderr: row.stderr.filter(|_| who.must_operate().is_ok()),
            needs,
            project_id: row.project,
            created: row.created,
            started: row.started,
            finished: row.finished,
            run_at: row.run_at,
        }
    }
}

/// What is done about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// End it.
    Cancel,
    /// Try it again.
    Retry,
}

/// Ends a job or tries it again, for who may upload in its project, or runs the instance if it is in none.
pub async fn act(app: &App, who: &Viewer, id: JobId, act: Act) -> Result<(Row, Vec<Need>)> {
    let who = who.clone();
    app.write(move |tx| {
        let row = queue::by_id(tx, id)?.ok_or(Error::NotFound("job"))?;
        match right(tx, &who, &row)? {
            None => return Err(Error::NotFound("job")),
            Some(false) => return Err(Error::Forbidden),
            Some(true) => {}
        }
        match act {
            Act::Cancel => cancel(tx, Some(who.user), id)?,
            Act::Retry => retry(tx, Some(who.user), id)?,
        }
        get(tx, &who, id)
    })
    .await
}

/// Ends a job; a version that waits for it says so.
pub fn cancel(tx: &mut Tx, actor: Option<UserId>, id: JobId) -> Result<()> {
    queue::cancel(tx, actor, id)?;
    media::settle(tx)?;
    Ok(())
}

/// Tries a job again; a version that failed with it is under way again.
pub fn retry(tx: &mut Tx, actor: Option<UserId>, id: JobId) -> Result<()> {
    queue::retry(tx, actor, id)?;
    media::reopen(tx, id)
}

/// Tries all jobs again that were lost for the same reason, 1000 at the most. Answers how many.
pub fn retry_all(tx: &mut Tx, actor: Option<UserId>, kind: JobKind, error: &str) -> Result<usize> {
    let revived = queue::retry_all(tx, actor, kind, error)?;
    for row in &revived {
        media::reopen(tx, row.id)?;
    }
    Ok(revived.len())
}

/// What is done about many jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForAll {
    /// End those that are not over.
    Cancel,
    /// Try those again that were lost.
    Retry,
    /// Move those that wait by so many minutes in the queue.
    Move(i64),
}

/// Jobs that one request changes at the most.
pub const AT_ONCE: i64 = 1_000;

/// Does `act` about all jobs in these states, of a kind or of all, [`AT_ONCE`] at the most, and leaves out those that it
/// does not fit. Answers how many it was done about.
pub fn for_all(
    tx: &mut Tx,
    actor: Option<UserId>,
    states: &[JobState],
    kind: Option<JobKind>,
    act: ForAll,
) -> Result<usize> {
    let mut done = 0;
    for listed in queue::by_states(tx, states, kind, AT_ONCE)? {
        // What was done about one may have changed those that it needs.
        let Some(row) = queue::by_id(tx, listed.id)? else { continue };
        let waits = matches!(row.state, JobState::Ready | JobState::Retry | JobState::Waiting);
        match act {
            ForAll::Cancel if !row.state.is_over() && row.cancelled.is_none() => {
                queue::cancel(tx, actor, row.id)?;
            }
            ForAll::Retry if row.state.is_lost() => retry(tx, actor, row.id)?,
            ForAll::Move(by) if waits => {
                let priority = (row.priority + by).clamp(-queue::MAX_PRIORITY, queue::MAX_PRIORITY);
                queue::prioritise(tx, actor, row.id, priority)?;
            }
            _ => continue,
        }
        done += 1;
    }
    if act == ForAll::Cancel {
        media::settle(tx)?;
    }
    Ok(done)
}
