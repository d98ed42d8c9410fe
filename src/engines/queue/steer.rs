//! What people change: end a job, try it again, move it ahead, pause a lane. Each is a change with its event; a running
//! queue hears of it by the event, or within a second when another process has made it.

use super::{Ended, MAX_PLACES, MAX_PRIORITY, Row, sql};
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::{JobId, UserId};
use crate::base::job::{JobKind, JobState, Lane};
use crate::base::locale::Text;
use crate::engines::store::Tx;

/// Jobs that one request tries again at the most.
const AT_ONCE: i64 = 1000;

/// Ends a job: a waiting one never runs, a running one is told to end and its child is killed. What only it waits for
/// ends with it.
pub fn cancel(tx: &mut Tx, actor: Option<UserId>, id: JobId) -> Result<Row> {
    let row = sql::by_id(tx, id)?.ok_or(Error::NotFound("job"))?;
    if row.state.is_over() {
        return Err(Error::Conflict(Text::new("error.job_is_over")));
    }
    if row.state == JobState::Running {
        sql::ask_cancel(tx, id)?;
    } else {
        sql::finish(tx, id, Ended::Cancelled)?;
    }
    tx.emit(row.project, actor, Event::JobCancelled { job: id, kind: row.kind }, None)?;
    for need in sql::needs_of(tx, id)? {
        let wanted = sql::dependents(tx, need.id)?.iter().any(|(of, state)| *of != id && !state.is_over());
        if !wanted && !need.state.is_over() {
            cancel(tx, actor, need.id)?;
        }
    }
    Ok(row)
}

/// Gives a job that was lost another full set of tries, with what it needs and was lost as well. Jobs that waited for it
/// and are over wait again, so that they see how it ends this time.
pub fn retry(tx: &mut Tx, actor: Option<UserId>, id: JobId) -> Result<Row> {
    let row = sql::by_id(tx, id)?.ok_or(Error::NotFound("job"))?;
    if !row.state.is_lost() {
        return Err(Error::Conflict(Text::new("error.job_is_not_over")));
    }
    // A part that was told to end and has not yet would take the new tries with it.
    for need in sql::needs_of(tx, id)?.iter().filter(|n| n.state == JobState::Running) {
        if sql::by_id(tx, need.id)?.is_some_and(|part| part.cancelled.is_some()) {
            return Err(Error::Conflict(Text::new("error.job_is_ending")));
        }
    }
    revive(tx, id)?;
    for (waiting, state) in sql::dependents(tx, id)? {
        if state.is_over() {
            sql::revive(tx, waiting)?;
            wait_again(tx, waiting)?;
        }
    }
    tx.wake_queue();
    tx.emit(row.project, actor, Event::JobRetried { job: id, kind: row.kind }, None)?;
    Ok(row)
}

fn revive(tx: &mut Tx, id: JobId) -> Result<()> {
    sql::revive(tx, id)?;
    for need in sql::needs_of(tx, id)? {
        if need.state.is_lost() {
            revive(tx, need.id)?;
        }
    }
    wait_again(tx, id)
}

/// Lets a ready job wait for what it needs, if any of that is not over.
fn wait_again(tx: &mut Tx, id: JobId) -> Result<()> {
    if sql::needs_of(tx, id)?.iter().any(|n| !n.state.is_over()) {
        sql::set_waiting(tx, id)?;
    }
    Ok(())
}

/// Tries all failed jobs and dead letters of a kind again that were lost for the same reason, at most 1000. Answers which.
pub fn retry_all(tx: &mut Tx, actor: Option<UserId>, kind: JobKind, error: &str) -> Result<Vec<Row>> {
    let mut revived = Vec::new();
    for row in sql::in_group(tx, kind, error, AT_ONCE)? {
        // One that another of them needs was revived with it.
        if sql::by_id(tx, row.id)?.is_some_and(|r| r.state.is_lost()) {
            revived.push(retry(tx, actor, row.id)?);
        }
    }
    Ok(revived)
}

/// Moves a job that waits by the difference to its present priority: a minute in the queue for each point.
pub fn prioritise(tx: &mut Tx, actor: Option<UserId>, id: JobId, priority: i64) -> Result<()> {
    if priority.abs() > MAX_PRIORITY {
        let text = Text::new("invalid.range").with("min", -MAX_PRIORITY).with("max", MAX_PRIORITY);
        return Err(Error::invalid("priority", text));
    }
    let row = sql::by_id(tx, id)?.ok_or(Error::NotFound("job"))?;
    if !matches!(row.state, JobState::Ready | JobState::Retry | JobState::Waiting) {
        return Err(Error::Conflict(Text::new("error.job_does_not_wait")));
    }
    for need in sql::needs_of(tx, id)? {
        sql::set_priority(tx, need.id, priority)?;
    }
    sql::set_priority(tx, id, priority)?;
    tx.wake_queue();
    tx.emit(row.project, actor, Event::JobMoved { job: id, kind: row.kind, priority, was: Some(row.priority) }, None)?;
    Ok(())
}

/// Changes a lane: how many of its jobs run at once (`None`: as the settings say) and whether any is begun at all. What
/// runs goes on.
pub fn set_lane(tx: &mut Tx, actor: Option<UserId>, lane: Lane, change: LaneChange) -> Result<()> {
    let (mut places, mut paused) =
        sql::lanes(tx)?.into_iter().find(|(of, ..)| *of == lane).map_or((None, false), |(_, n, paused)| (n, paused));
    let (places_were, was_paused) = (places, Some(paused));
    match change {
        LaneChange::Paused(now) => paused = now,
        LaneChange::Places(Some(n)) if !(1..=MAX_PLACES as i64).contains(&n) => {
            return Err(Error::invalid("places", Text::new("invalid.range").with("min", 1).with("max", MAX_PLACES)));
        }
        LaneChange::Places(n) => places = n,
    }
    sql::set_lane(tx, lane, places, paused)?;
    tx.emit(None, actor, Event::LaneChanged { lane, places, paused, places_were, was_paused }, None)?;
    Ok(())
}

/// What is changed of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneChange {
    /// Whether nothing is begun in it.
    Paused(bool),
    /// Jobs at once, 1 to [`MAX_PLACES`]; `None`: as the settings say.
    Places(Option<i64>),
}
