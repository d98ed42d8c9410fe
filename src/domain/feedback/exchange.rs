//! Feedbacks and decisions as lines of `feedbacks.jsonl` and `decisions.jsonl`.

use serde::Serialize;

use super::{FeedbackStatus, Priority, Verdict, sql_exchange};
use crate::base::clock::Time;
use crate::base::error::{Check, Error, Result};
use crate::base::event::Event;
use crate::base::ids::{FeedbackId, ProjectId, UserId};
use crate::base::locale::Text;
use crate::base::row::{self, Fields, Lines};
use crate::engines::store::{Db, Tx};

/// A line of `feedbacks.jsonl`. What is `None` behind `updated` is the default and is not written.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) id: FeedbackId,
    pub(super) project_id: ProjectId,
    pub(super) user_id: UserId,
    pub(super) title: String,
    /// The description.
    pub(super) text: String,
    pub(super) timecode_ms: Option<i64>,
    pub(super) status: FeedbackStatus,
    pub(super) priority: Priority,
    pub(super) created: Time,
    pub(super) updated: Time,
    /// `None`: at its last change, if it is resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resolved: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deleted: Option<Time>,
}

/// When a feedback was resolved whose line does not say it.
pub(super) fn resolved_by_default(status: FeedbackStatus, updated: Time) -> Option<Time> {
    (status == FeedbackStatus::Resolved).then_some(updated)
}

/// Adds the feedback of one line.
pub fn import(tx: &mut Tx, f: &mut Fields) -> Result<()> {
    let (id, created) = (f.own_id(FeedbackId), f.time("created"));
    let row = Row {
        id,
        project_id: f.id("project_id", ProjectId),
        user_id: f.id("user_id", UserId),
        title: f.text("title"),
        text: f.text("text"),
        timecode_ms: f.number("timecode_ms"),
        status: f.choice("status", &[]).unwrap_or(FeedbackStatus::Open),
        priority: f.choice("priority", &[]).unwrap_or(Priority::Medium),
        created,
        updated: f.maybe_time("updated").unwrap_or(created),
        resolved: f.maybe_time("resolved"),
        deleted: f.maybe_time("deleted"),
    };
    // In the file's words: the API calls the text `description`.
    f.check(Check::new().text("title", &row.title, 1, 200).text("text", &row.text, 0, 10_000).that(
        row.timecode_ms.is_none_or(|ms| ms >= 0),
        "timecode_ms",
        Text::new("invalid.negative"),
    ))?;
    f.done()?;
    let (project, user) = (row.project_id, row.user_id);
    let (project_found, user_found) = sql_exchange::place(tx, project, user)?;
    if !project_found {
        return Err(row::no_such("project_id", "project", project.0));
    }
    if !user_found {
        return Err(row::no_such("user_id", "account", user.0));
    }
    if !sql_exchange::insert(tx, &row)? {
        return Err(row::taken("feedback", id.0));
    }
    tx.record(Some(project), Some(user), &Event::FeedbackAdded { feedback: id })?;
    Ok(())
}

/// A line of `decisions.jsonl`.
#[derive(Serialize)]
pub(super) struct DecisionRow {
    pub(super) feedback_id: FeedbackId,
    pub(super) user_id: UserId,
    pub(super) decision: Verdict,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) note: String,
    pub(super) updated: Time,
}

/// Adds the decision of one line.
pub fn import_decision(tx: &mut Tx, f: &mut Fields) -> Result<()> {
    let row = DecisionRow {
        feedback_id: f.id("feedback_id", FeedbackId),
        user_id: f.id("user_id", UserId),
        decision: f.choice("decision", &[]).unwrap_or_else(|| {
            f.wrong("decision", Text::new("invalid.required"));
            Verdict::Approve
        }),
        note: f.text("note"),
        updated: f.time("updated"),
    };
    f.check(Check::new().text("note", &row.note, 0, 2_000))?;
    f.done()?;
    let (feedback, user) = (row.feedback_id, row.user_id);
    let place = sql_exchange::decision_place(tx, feedback, user)?;
    let (project, user_found) = place.ok_or_else(|| row::no_such("feedback_id", "feedback", feedback.0))?;
    if !user_found {
        return Err(row::no_such("user_id", "account", user.0));
    }
    if !sql_exchange::insert_decision(tx, &row)? {
        return Err(Error::invalid("user_id", Text::new("invalid.decided_twice").with("feedback", feedback)));
    }
    tx.record(Some(project), Some(user), &Event::Decided { feedback, user })?;
    Ok(())
}

/// Writes all feedbacks.
pub fn export(db: &Db, out: Lines) -> Result<()> {
    row::write(FeedbackId(0), |behind| sql_exchange::page(db, *behind), |r| r.id, out)
}

/// Writes all decisions.
pub fn export_decisions(db: &Db, out: Lines) -> Result<()> {
    let page = |behind: &(FeedbackId, UserId)| sql_exchange::decision_page(db, behind.0, behind.1);
    row::write((FeedbackId(0), UserId(0)), page, |r| (r.feedback_id, r.user_id), out)
}
