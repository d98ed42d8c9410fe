//! The journal as the members of a project may read it: a list for REST, a replay for rooms.
//!
//! Law: it tells what happened, shown by the rows as they stand now and to the present reader; the author of an
//! anonymous comment is no actor to anybody else.

pub mod audit;
pub mod prune;
pub mod routes;
mod sql;
mod sql_audit;

use serde::Serialize;
use serde_json::{Value, json};

use crate::base::clock::Time;
use crate::base::day::Day;
use crate::base::error::Result;
use crate::base::event::Event;
use crate::base::ids::{CommentId, FeedbackId, PlanId, ProjectId, UserId};
use crate::base::roles::{Right, Role};
use crate::domain::accounts::Viewer;
use crate::domain::{comments, feedback, media, plans, projects, schedule};
use crate::engines::cache;
use crate::engines::store::Db;

/// One event as a member sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Entry {
    /// Its place.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// Who; `null` for the program, and for an anonymous author.
    pub user_id: Option<UserId>,
    /// What, with its ids.
    #[serde(flatten)]
    pub event: Event,
}

/// The events of a project after `after`, oldest first.
pub fn list(db: &Db, who: &Viewer, role: Role, project: ProjectId, after: i64, limit: i64) -> Result<Vec<Entry>> {
    projects::judge(Some(role), Right::View, "project")?;
    sql::after(db, who.user, role, project, after, limit)
}

/// What a room tells who comes back.
pub struct Replay {
    /// (seq, message) in journal order; the message carries its `seq`.
    pub messages: Vec<(i64, Value)>,
    /// The last event that was looked at: where to go on.
    pub seq: i64,
    /// Are there more?
    pub more: bool,
}

/// The messages of up to `limit` events after `after`. An event whose row is gone since is told as its deletion.
pub fn replay(db: &Db, who: &Viewer, role: Role, project: ProjectId, after: i64, limit: i64) -> Result<Replay> {
    let entries = sql::after(db, who.user, role, project, after, limit)?;
    let (mut comment_ids, mut feedback_ids) = (Vec::<CommentId>::new(), Vec::<FeedbackId>::new());
    let (mut entry_ids, mut memo_days) = (Vec::new(), Vec::<Day>::new());
    let (mut media_ids, mut plan_ids) = (Vec::new(), Vec::<PlanId>::new());
    for e in &entries {
        match &e.event {
            Event::CommentAdded { comment, .. }
            | Event::CommentChanged { comment, .. }
            | Event::CommentResolved { comment, .. }
            | Event::CommentReopened { comment, .. }
            | Event::ReactionAdded { comment, .. }
            | Event::ReactionRemoved { comment, .. } => comment_ids.push(*comment),
            Event::FeedbackAdded { feedback }
            | Event::FeedbackRestored { feedback }
            | Event::FeedbackChanged { feedback, .. }
            | Event::Decided { feedback, .. } => feedback_ids.push(*feedback),
            Event::MediaReceived { media, .. }
            | Event::MediaProbed { media, .. }
            | Event::MediaReady { media, .. }
            | Event::MediaFailed { media, .. }
            | Event::MediaRestored { media, .. }
            | Event::RenditionsDropped { media, .. } => media_ids.push(*media),
            Event::EntryAdded { entry } | Event::EntryChanged { entry, .. } => entry_ids.push(*entry),
            Event::MemoChanged { day, .. } => memo_days.extend(day.parse::<Day>()),
            event => plan_ids.extend(plan_of(event)),
        }
    }
    let media = media::replay(db, &media_ids)?;
    let comments = comments::replay(db, who, role, &comment_ids)?;
    let feedbacks = feedback::replay(db, &feedback_ids)?;
    let phased = entries.iter().any(|e| matches!(e.event, Event::PhasesChanged { .. }));
    let phases = if phased { Some(schedule::replay(db, project)?) } else { None };
    let dates = schedule::entries::replay(db, &entry_ids)?;
    let memos = schedule::memos::replay(db, project, &memo_days)?;
    let plans = plans::replay(db, &plan_ids)?;
    let comment = |id: &CommentId| comments.iter().find(|(c, _)| c == id).map(|(_, v)| v.clone());
    let mut messages = Vec::new();
    for e in &entries {
        let message = match &e.event {
            Event::CommentAdded { comment: id, .. } => {
                comment(id).map(|c| json!({ "type": "comment", "user_id": c["user_id"], "comment": c }))
            }
            Event::CommentChanged { comment: id, .. }
            | Event::CommentResolved { comment: id, .. }
            | Event::CommentReopened { comment: id, .. } => {
                comment(id).map(|c| json!({ "type": "comment_changed", "user_id": c["user_id"], "comment": c }))
            }
            Event::CommentDeleted { comment, feedback } => {
                Some(json!({ "type": "comment_deleted", "comment_id": comment, "feedback_id": feedback }))
            }
            Event::ReactionAdded { comment: id, feedback } | Event::ReactionRemoved { comment: id, feedback } => {
                comment(id).map(|c| {
                    json!({ "type": "reaction", "comment_id": id, "feedback_id": feedback, "reactions": c["reactions"] })
                })
            }
            Event::FeedbackAdded { feedback }
            | Event::FeedbackRestored { feedback }
            | Event::FeedbackChanged { feedback, .. }
            | Event::Decided { feedback, .. } => {
                feedbacks.iter().find(|(f, _)| f == feedback).map(|(_, v)| v.clone())
            }
            Event::FeedbackDeleted { feedback } => {
                Some(json!({ "type": "feedback", "feedback": { "id": feedback, "deleted": true } }))
            }
            Event::MediaReceived { media: id, .. }
            | Event::MediaProbed { media: id, .. }
            | Event::MediaReady { media: id, .. }
            | Event::MediaFailed { media: id, .. }
            | Event::MediaRestored { media: id, .. }
            | Event::RenditionsDropped { media: id, .. } => media.iter().find(|(m, _)| m == id).map(|(_, v)| v.clone()),
            Event::MediaDeleted { media, feedback } => {
                Some(json!({ "type": "media_deleted", "media_id": media, "feedback_id": feedback }))
            }
            Event::PhasesChanged { .. } => phases.clone(),
            Event::EntryAdded { entry } | Event::EntryChanged { entry, .. } => {
                dates.iter().find(|(id, _)| id == entry).map(|(_, v)| v.clone())
            }
            Event::EntryDeleted { entry } => {
                Some(json!({ "type": "entry", "change": "deleted", "entry": { "id": entry } }))
            }
            Event::MemoChanged { day, .. } => {
                memos.iter().find(|(of, _)| of.to_string() == *day).map(|(_, v)| v.clone())
            }
            Event::PlanDeleted { plan } => Some(plans::gone(*plan)),
            Event::CleanupAnnounced { feedback, due } if role.may(Right::SeeInternal) => {
                Some(json!({ "type": "cleanup", "feedback_id": feedback, "due": due }))
            }
            Event::CleanupCancelled { feedback } if role.may(Right::SeeInternal) => {
                Some(json!({ "type": "cleanup", "feedback_id": feedback, "due": null }))
            }
            // A plan is told whole: once, where it changed last.
            event => plan_of(event).and_then(|id| {
                let last = entries.iter().rfind(|e| plan_of(&e.event) == Some(id))?;
                let told = plans.iter().find(|(p, _)| last.seq == e.seq && *p == id)?;
                Some(told.1.clone())
            }),
        };
        if let Some(mut message) = message {
            message["seq"] = e.seq.into();
            messages.push((e.seq, message));
        }
    }
    let seq = entries.last().map_or(after, |e| e.seq);
    Ok(Replay { messages, seq, more: entries.len() as i64 >= limit })
}

/// The plan whose own state an event changed.
fn plan_of(event: &Event) -> Option<PlanId> {
    match event {
        Event::PlanAdded { plan }
        | Event::PlanChanged { plan, .. }
        | Event::PlanRestored { plan }
        | Event::StoryboardDrafted { plan, .. } => Some(*plan),
        _ => None,
    }
}

/// What cached answers depend on, as the journal tells it; without the feedbacks.
pub fn revisions(db: &Db) -> Result<cache::Journal> {
    Ok(cache::Journal {
        projects: sql::last_of_projects(db)?,
        people: sql::last_rename(db)?.unwrap_or_default(),
        last: sql::last_of_all(db)?.unwrap_or_default(),
    })
}

/// The last event of each feedback.
pub fn of_feedbacks(db: &Db) -> Result<Vec<(FeedbackId, cache::Rev)>> {
    sql::last_of_feedbacks(db)
}

/// The last seq of a project; 0 if nothing has happened in it.
pub fn last(db: &Db, project: ProjectId) -> Result<i64> {
    sql::last(db, project)
}

/// Can what a project's room missed after `after` be told without a gap? Not if some of it was pruned, nor to who knows a
/// future that never came.
pub fn reaches(db: &Db, project: ProjectId, after: i64) -> Result<bool> {
    let last = sql::last(db, project)?;
    Ok(after == last || (after < last && after >= sql::pruned(db)?))
}
