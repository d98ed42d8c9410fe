//! Feedbacks: one piece of video under review, its status, and what reviewers decide about it.
//!
//! Written here only: `feedbacks`, `decisions`, and by `trash`: `cleanup_notices`. Shows its newest media (joined).

pub mod exchange;
pub mod routes;
mod sql;
mod sql_exchange;
pub mod trash;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Check, Error, Result};
use crate::base::event::{Audience, Event, Live};
use crate::base::fields::{Shape, Wanted};
use crate::base::ids::{FeedbackId, MediaId, PlanId, ProjectId, UserId};
use crate::base::page::{Feed, FeedSlice};
use crate::base::roles::{Right, Role};
use crate::domain::EMBEDDED;
use crate::domain::accounts::{Person, Viewer};
use crate::domain::projects::{self, Project, judge};
use crate::engines::store::{Db, Tx};
use crate::{closed_set, text_columns};

closed_set! {
    /// Where a feedback stands.
    FeedbackStatus {
        /// 접수
        Open = "open",
        /// 진행 중
        InProgress = "in_progress",
        /// 해결됨
        Resolved = "resolved",
        /// 종료
        Closed = "closed",
    }
}

closed_set! {
    /// How urgent it is.
    Priority {
        /// 낮음
        Low = "low",
        /// 보통
        Medium = "medium",
        /// 높음
        High = "high",
        /// 긴급
        Critical = "critical",
    }
}

closed_set! {
    /// What a reviewer says to it.
    Verdict {
        /// 승인
        Approve = "approve",
        /// 수정 조건부 승인
        ApproveWithChanges = "approve_with_changes",
        /// 수정 요청
        RequestChanges = "request_changes",
        /// 반려
        Reject = "reject",
    }
}

text_columns!(FeedbackStatus, Priority, Verdict);

/// A feedback as a member sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Feedback {
    /// Its id.
    pub id: FeedbackId,
    /// In which project.
    pub project_id: ProjectId,
    /// Title.
    #[schema(example = "시사본 v3")]
    pub title: String,
    /// Description.
    #[schema(example = "02:04 전환만 다시 봐 주세요.")]
    pub description: String,
    /// Where it stands.
    pub status: FeedbackStatus,
    /// How urgent it is.
    pub priority: Priority,
    /// Who added it.
    pub user_id: UserId,
    /// Who added it.
    pub user: Person,
    /// Since when.
    pub created: Time,
    /// Last change of its own fields.
    pub updated: Time,
    /// Comments and replies that the viewer may see.
    #[schema(example = 10)]
    pub comment_count: i64,
    /// Unresolved comments that the viewer may see.
    #[schema(example = 7)]
    pub unresolved_count: i64,
    /// The newest version's facts.
    pub latest_media: Option<MediaBrief>,
    /// The plan that is discussed here, if it is about one instead of a film.
    #[schema(example = json!(null))]
    pub plan_id: Option<PlanId>,
    /// What reviewers said; only where one feedback is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decisions: Option<Vec<Decision>>,
    /// The viewer's role in the project.
    pub my_role: Role,
    /// Revision, for `ETag` and `If-Match`.
    #[serde(skip)]
    pub rev: i64,
}

/// The newest version in a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MediaBrief {
    /// Its id.
    pub id: MediaId,
    /// 1, 2, 3 …
    pub version: i64,
    /// Where it stands.
    #[schema(example = "ready")]
    pub state: String,
    /// File name.
    #[schema(example = "가을광고_v3.mp4")]
    pub name: String,
    /// Where its poster is, if it has one.
    #[schema(example = "/api/v1/media/1/poster.jpg")]
    pub poster_url: Option<String>,
    /// How long it is, once known.
    #[schema(example = 30000)]
    pub duration_ms: Option<i64>,
}

/// One reviewer's word.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Decision {
    /// Who.
    pub user: Person,
    /// What.
    pub decision: Verdict,
    /// Why.
    #[schema(example = "말씀드린 세 곳만 고치면 최종 컨펌하겠습니다.")]
    pub note: String,
    /// When he said it last.
    pub updated: Time,
}

/// A new feedback.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `Feedback`.
#[schema(example = json!({ "title": "시사본 v3", "description": "02:04 전환만 다시 봐 주세요.", "priority": "high" }))]
pub struct NewFeedback {
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    #[serde(default)]
    #[schema(max_length = 10_000)]
    pub description: String,
    pub status: Option<FeedbackStatus>,
    pub priority: Option<Priority>,
}

/// A change of a feedback: what is not named stays.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `Feedback`.
#[schema(example = json!({ "status": "resolved" }))]
pub struct FeedbackPatch {
    #[schema(min_length = 1, max_length = 200)]
    pub title: Option<String>,
    #[schema(max_length = 10_000)]
    pub description: Option<String>,
    pub status: Option<FeedbackStatus>,
    pub priority: Option<Priority>,
}

fn check(title: Option<&str>, description: Option<&str>) -> Result<()> {
    let mut check = Check::new();
    if let Some(title) = title {
        check.text("title", title, 1, 200);
    }
    if let Some(description) = description {
        check.text("description", description, 0, 10_000);
    }
    check.done()
}

/// What the feed is filtered by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    /// Only of this status.
    pub status: Option<FeedbackStatus>,
    /// Only of this priority.
    pub priority: Option<Priority>,
}

/// What can be asked of a feedback.
pub const SHAPE: Shape = Shape {
    fields: &[
        "id",
        "project_id",
        "title",
        "description",
        "status",
        "priority",
        "user_id",
        "user",
        "created",
        "updated",
        "comment_count",
        "unresolved_count",
        "latest_media",
        "plan_id",
        "decisions",
        "my_role",
    ],
    expand: &["user", "comments"],
};

/// A feedback that is embedded in its project.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // As in `Feedback`.
pub struct FeedbackBrief {
    pub id: FeedbackId,
    #[schema(example = "시사본 v3")]
    pub title: String,
    pub status: FeedbackStatus,
    pub priority: Priority,
    pub created: Time,
    pub updated: Time,
    pub user: Person,
}

/// The newest feedbacks of these projects, for embedding.
pub fn embed(db: &Db, _: &Viewer, _: Role, projects: &[i64]) -> Result<Vec<(i64, Value)>> {
    let briefs = sql::briefs(db, projects, EMBEDDED)?;
    briefs.into_iter().map(|(p, b)| Ok((p, serde_json::to_value(b).map_err(Error::internal)?))).collect()
}

/// The feedbacks of a project, newest first, for a reader of this role.
pub fn list(
    db: &Db,
    role: Role,
    project: ProjectId,
    filter: Filter,
    wanted: &Wanted,
    slice: FeedSlice,
) -> Result<Feed<Feedback>> {
    judge(Some(role), Right::View, "project")?;
    let rows = sql::feed(db, project, role, filter, wanted, slice)?;
    Ok(Feed::new(slice, rows, |f| (f.created.0, f.id.0)))
}

/// In which project a feedback stands; known without a statement after the first time.
pub async fn project_of(app: &App, id: FeedbackId) -> Result<ProjectId> {
    if let Some(known) = app.cache.project_of_feedback(id) {
        return Ok(known);
    }
    let project = app.read(move |db| sql::project_of(db, id)).await?.ok_or(Error::NotFound("feedback"))?;
    app.cache.place_feedback(id, project);
    Ok(project)
}

/// The same feed for a page that has the project: whoever was given it may see its feedbacks.
pub fn list_in(db: &Db, project: &Project, slice: FeedSlice) -> Result<Feed<Feedback>> {
    let rows = sql::feed(db, project.id, project.my_role, Filter::default(), &Wanted::ALL, slice)?;
    Ok(Feed::new(slice, rows, |f| (f.created.0, f.id.0)))
}

/// One feedback with its decisions, for a reader of this role.
pub fn get(db: &Db, role: Role, id: FeedbackId, wanted: &Wanted) -> Result<Feedback> {
    judge(Some(role), Right::View, "feedback")?;
    sql::seen(db, role, id, wanted)?.ok_or(Error::NotFound("feedback"))
}

/// One feedback and the judgement of `right` in its project, by one statement.
pub fn look(db: &Db, user: UserId, id: FeedbackId, right: Right) -> Result<Feedback> {
    let feedback = sql::get(db, user, id)?.ok_or(Error::NotFound("feedback"))?;
    judge(Some(feedback.my_role), right, "feedback")?;
    Ok(feedback)
}

/// What a live room hears of a feedback: the fields that all its members see alike.
pub fn live(f: &Feedback) -> Live {
    Live { audience: Audience::All, message: json!({ "type": "feedback", "feedback": public(f) }), own: None }
}

fn public(f: &Feedback) -> Value {
    json!({
        "id": f.id, "project_id": f.project_id, "title": f.title, "description": f.description, "status": f.status,
        "priority": f.priority, "user": f.user, "updated": f.updated, "decisions": f.decisions, "plan_id": f.plan_id,
    })
}

/// Adds a feedback.
pub async fn add(app: &App, who: &Viewer, project: ProjectId, new: NewFeedback) -> Result<Feedback> {
    check(Some(&new.title), Some(&new.description))?;
    let who = who.clone();
    app.write(move |tx| {
        let role = projects::allow(tx, who.user, project, Right::Upload)?;
        insert(tx, &who.person(), role, project, new)
    })
    .await
}

/// Adds a feedback inside a change.
pub fn insert(tx: &mut Tx, user: &Person, role: Role, project: ProjectId, new: NewFeedback) -> Result<Feedback> {
    insert_for(tx, user, role, project, new, None)
}

/// Adds a feedback inside a change, under which a plan is discussed.
pub fn insert_for(
    tx: &mut Tx,
    user: &Person,
    role: Role,
    project: ProjectId,
    new: NewFeedback,
    plan_id: Option<PlanId>,
) -> Result<Feedback> {
    let now = tx.now();
    let mut feedback = Feedback {
        id: FeedbackId(0),
        project_id: project,
        title: new.title.trim().to_owned(),
        description: new.description.trim().to_owned(),
        status: new.status.unwrap_or(FeedbackStatus::Open),
        priority: new.priority.unwrap_or(Priority::Medium),
        user_id: user.id,
        user: user.clone(),
        created: now,
        updated: now,
        comment_count: 0,
        unresolved_count: 0,
        latest_media: None,
        plan_id,
        decisions: None,
        my_role: role,
        rev: 1,
    };
    feedback.id = sql::insert(tx, &feedback)?;
    let event = Event::FeedbackAdded { feedback: feedback.id };
    tx.emit(Some(project), Some(user.id), event, Some(live(&feedback)))?;
    Ok(feedback)
}

/// Lets the discussion of a plan stand as the plan does. The caller has judged.
pub fn follow_plan(tx: &mut Tx, user: UserId, id: FeedbackId, status: FeedbackStatus) -> Result<()> {
    let Some(f) = sql::set_status(tx, id, status)? else { return Ok(()) };
    let event = Event::FeedbackChanged { feedback: id, fields: vec!["status".to_owned()] };
    tx.emit(Some(f.project_id), Some(user), event, Some(live(&f)))?;
    Ok(())
}

/// Puts a feedback into the trash. The caller has judged.
pub fn hide(tx: &mut Tx, user: UserId, project: ProjectId, id: FeedbackId) -> Result<()> {
    let now = tx.now();
    sql::set_deleted(tx, id, Some(now))?;
    let message = json!({ "type": "feedback", "feedback": { "id": id, "deleted": true } });
    let live = Live { audience: Audience::All, message, own: None };
    tx.emit(Some(project), Some(user), Event::FeedbackDeleted { feedback: id }, Some(live))?;
    Ok(())
}

/// Changes a feedback.
pub async fn change(
    app: &App,
    who: &Viewer,
    id: FeedbackId,
    patch: FeedbackPatch,
    expected: Option<i64>,
) -> Result<Feedback> {
    check(patch.title.as_deref(), patch.description.as_deref())?;
    let user = who.user;
    app.write(move |tx| {
        let mut f = look(tx, user, id, Right::Upload)?;
        crate::domain::expect_rev(expected, f.rev)?;
        let mut fields = Vec::new();
        let mut note = |name: &str| fields.push(name.to_owned());
        if let Some(title) = patch.title.map(|t| t.trim().to_owned()).filter(|t| *t != f.title) {
            f.title = title;
            note("title");
        }
        if let Some(text) = patch.description.map(|t| t.trim().to_owned()).filter(|t| *t != f.description) {
            f.description = text;
            note("description");
        }
        let reopened = f.status == FeedbackStatus::Closed && patch.status.is_some_and(|s| s != f.status);
        if let Some(status) = patch.status.filter(|s| *s != f.status) {
            f.status = status;
            note("status");
        }
        if let Some(priority) = patch.priority.filter(|p| *p != f.priority) {
            f.priority = priority;
            note("priority");
        }
        if !fields.is_empty() {
            f.updated = tx.now();
            f.rev += 1;
            sql::update(tx, &f)?;
            tx.emit(Some(f.project_id), Some(user), Event::FeedbackChanged { feedback: id, fields }, Some(live(&f)))?;
            if reopened {
                trash::cancel_notice(tx, Some(user), f.project_id, id)?;
            }
        }
        Ok(f)
    })
    .await
}

/// Puts a feedback into the trash, with its comments and versions. Who may manage the project may do so.
pub async fn delete(app: &App, who: &Viewer, id: FeedbackId, expected: Option<i64>) -> Result<()> {
    let user = who.user;
    app.write(move |tx| {
        let f = look(tx, user, id, Right::Manage)?;
        crate::domain::expect_rev(expected, f.rev)?;
        hide(tx, user, f.project_id, id)
    })
    .await
}

/// A reviewer's word.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "decision": "approve_with_changes", "note": "말씀드린 세 곳만 고치면 최종 컨펌하겠습니다." }))]
pub struct NewDecision {
    /// What.
    pub decision: Verdict,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: String,
}

/// Says or changes the viewer's decision. Answers the feedback with all decisions.
pub async fn decide(app: &App, who: &Viewer, id: FeedbackId, new: NewDecision) -> Result<Feedback> {
    Check::new().text("note", &new.note, 0, 2_000).done()?;
    let user = who.user;
    app.write(move |tx| {
        let mut f = look(tx, user, id, Right::Decide)?;
        sql::put_decision(tx, id, user, new.decision, new.note.trim())?;
        f.decisions = Some(sql::decisions(tx, id)?);
        tx.emit(Some(f.project_id), Some(user), Event::Decided { feedback: id, user }, Some(live(&f)))?;
        Ok(f)
    })
    .await
}

/// What the room hears about these feedbacks as they stand now, for a replay.
pub fn replay(db: &Db, ids: &[FeedbackId]) -> Result<Vec<(FeedbackId, Value)>> {
    let rows = sql::public(db, ids)?;
    Ok(rows.into_iter().map(|f| (f.id, live(&f).message)).collect())
}
