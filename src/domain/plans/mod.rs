//! Plans: a story in four stages and twelve shots, written by people, drafted by rules or a model, discussed and approved.
//!
//! Laws: a plan always has four stages and twelve shots. A draft never overwrites what somebody has written or locked,
//! also while it was under way. Two people who change two parts lose nothing: a change of a part reads and writes the plan
//! in one transaction. What has been approved stands still until it is a draft again.
//!
//! Written here only: `plans`, `plan_versions`, `plan_pictures`, `storyboard_cache`, `model_spend`. The discussion of a
//! plan is a feedback, which its own noun writes.

mod blank;
mod check;
pub mod conti;
pub mod edit;
pub mod exchange;
pub mod generator;
pub mod pdf;
pub mod pictures;
pub mod routes;
mod routes_parts;
pub mod rules;
mod sql;
mod sql_storyboard;
mod sql_versions;
pub mod story;
pub mod storyboard;
pub mod trash;
pub mod versions;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::event::{Audience, Event, Live};
use crate::base::ids::{FeedbackId, JobId, PlanId, ProjectId, UserId};
use crate::base::locale::Text;
use crate::base::page::{Feed, FeedSlice};
use crate::base::roles::{Right, Role};
use crate::domain::accounts::{Person, Viewer};
use crate::domain::feedback::{self, FeedbackStatus, NewFeedback};
use crate::domain::projects::{self, judge};
use crate::engines::store::{Db, Tx};
use crate::{closed_set, text_columns};

use rules::Preset;
use story::{Format, Inputs, Intensity, Story, Style, Tempo};
use versions::Reason;

closed_set! {
    /// Where a plan stands.
    PlanStatus {
        /// 초안
        Draft = "draft",
        /// 검토 중
        InReview = "in_review",
        /// 승인됨
        Approved = "approved",
        /// 확정·공개
        Published = "published",
        /// 보관
        Archived = "archived",
    }
}

text_columns!(PlanStatus);

impl PlanStatus {
    /// Where it may go from here.
    pub fn next(self) -> &'static [PlanStatus] {
        use PlanStatus::*;
        match self {
            Draft => &[InReview, Archived],
            InReview => &[Draft, Approved, Archived],
            Approved => &[Draft, Published, Archived],
            Published => &[Draft, Archived],
            Archived => &[Draft],
        }
    }

    /// May its story be changed? What was approved is what was approved.
    pub fn is_open(self) -> bool {
        matches!(self, PlanStatus::Draft | PlanStatus::InReview)
    }

    /// How its discussion stands then.
    fn discussion(self) -> FeedbackStatus {
        match self {
            PlanStatus::Draft | PlanStatus::InReview => FeedbackStatus::Open,
            PlanStatus::Approved => FeedbackStatus::Resolved,
            PlanStatus::Published | PlanStatus::Archived => FeedbackStatus::Closed,
        }
    }
}

/// Frames that a plan shows in a list.
const FRONTS: usize = 3;

/// What is to be known of the last draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PlanNotice)]
pub struct Notice {
    /// Who wrote it: `rules`, `model`, `script`, `cut`.
    #[schema(example = "rules")]
    pub source: String,
    /// `rules_draft`: written by rules, as asked. `model_malformed`, `model_slow`, `model_refused`, `model_unreachable`,
    /// `model_budget`, `model_half`: why the model did not write it and the rules did. `model_draft`, `script_draft`,
    /// `cut_draft`: written as asked.
    #[schema(example = "rules_draft")]
    pub code: String,
}

/// A plan as a member sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Plan {
    /// Its id.
    pub id: PlanId,
    /// In which project.
    pub project_id: ProjectId,
    /// Title.
    #[schema(example = "겨울 저녁 붕어빵")]
    pub title: String,
    /// Where it stands.
    pub status: PlanStatus,
    /// What its storyboard is asked for.
    pub inputs: Inputs,
    /// Its stages and shots.
    pub story: Story,
    /// What is to be known of the last draft.
    pub notice: Option<Notice>,
    /// Its newest version.
    #[schema(example = 3)]
    pub version: i64,
    /// Counts its changes; for `If-Match`.
    #[schema(example = 7)]
    pub rev: i64,
    /// The feedback under which it is discussed; a comment whose section is `S07` is about the seventh shot.
    #[schema(example = json!(null))]
    pub feedback_id: Option<FeedbackId>,
    /// The job that drafts it at this moment.
    #[schema(example = json!(null))]
    pub job_id: Option<JobId>,
    /// Who made it.
    pub user: Person,
    /// Since when.
    pub created: Time,
    /// Last change.
    pub updated: Time,
    #[serde(skip)]
    pub(in crate::domain) my_role: Role,
    #[serde(skip)]
    last: Last,
}

/// Its newest version, as far as the next change asks.
#[derive(Clone, Debug)]
struct Last {
    user: Option<UserId>,
    reason: Option<Reason>,
    created: Time,
}

/// A plan in a list: without its story.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // As in `Plan`.
pub struct PlanBrief {
    pub id: PlanId,
    pub project_id: ProjectId,
    #[schema(example = "겨울 저녁 붕어빵")]
    pub title: String,
    pub status: PlanStatus,
    pub inputs: Inputs,
    #[schema(example = 3)]
    pub version: i64,
    #[schema(example = 7)]
    pub rev: i64,
    #[schema(example = json!(null))]
    pub feedback_id: Option<FeedbackId>,
    pub user: Person,
    pub created: Time,
    pub updated: Time,
    /// Since when it is in the trash.
    #[schema(example = json!(null))]
    pub deleted: Option<Time>,
}

/// A new plan: blank, until its storyboard is asked for. What is not named comes from the preset.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `Plan` and `Inputs`.
#[schema(example = json!({
    "title": "겨울 저녁 붕어빵", "preset": "ad", "one_liner": "첫 월급으로 산 붕어빵을 아버지와 나눠 먹는 신입사원의 겨울 저녁"
}))]
pub struct NewPlan {
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// `ad` 광고형, `drama` 드라마형, `documentary` 다큐형, `social` 소셜미디어형
    pub preset: Option<Preset>,
    #[schema(max_length = 500)]
    pub one_liner: Option<String>,
    #[schema(max_length = 200)]
    pub tone: Option<String>,
    #[schema(max_length = 100)]
    pub genre: Option<String>,
    #[schema(max_length = 200)]
    pub target: Option<String>,
    #[schema(minimum = 10, maximum = 3600)]
    pub duration_s: Option<i64>,
    pub format: Option<Format>,
    pub tempo: Option<Tempo>,
    pub style: Option<Style>,
    pub intensity: Option<Intensity>,
    #[schema(minimum = 0, maximum = 4_294_967_295_i64)]
    pub seed: Option<u32>,
}

/// What of the inputs changes.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)] // As in `Inputs`.
#[schema(example = json!({ "tone": "담백한", "tempo": "slow" }))]
pub struct InputsPatch {
    #[schema(max_length = 500)]
    pub one_liner: Option<String>,
    #[schema(max_length = 200)]
    pub tone: Option<String>,
    #[schema(max_length = 100)]
    pub genre: Option<String>,
    #[schema(max_length = 200)]
    pub target: Option<String>,
    #[schema(minimum = 10, maximum = 3600)]
    pub duration_s: Option<i64>,
    pub format: Option<Format>,
    pub tempo: Option<Tempo>,
    pub style: Option<Style>,
    pub intensity: Option<Intensity>,
    #[schema(minimum = 0, maximum = 4_294_967_295_i64)]
    pub seed: Option<u32>,
}

impl InputsPatch {
    fn onto(self, mut inputs: Inputs) -> Inputs {
        let text = |to: &mut String, from: Option<String>| {
            if let Some(text) = from {
                *to = text.trim().to_owned();
            }
        };
        text(&mut inputs.one_liner, self.one_liner);
        text(&mut inputs.tone, self.tone);
        text(&mut inputs.genre, self.genre);
        text(&mut inputs.target, self.target);
        inputs.duration_s = self.duration_s.unwrap_or(inputs.duration_s);
        inputs.format = self.format.unwrap_or(inputs.format);
        inputs.tempo = self.tempo.unwrap_or(inputs.tempo);
        inputs.style = self.style.unwrap_or(inputs.style);
        inputs.intensity = self.intensity.unwrap_or(inputs.intensity);
        inputs.seed = self.seed.unwrap_or(inputs.seed);
        inputs
    }
}

impl NewPlan {
    /// The title and the inputs, checked.
    fn read(self) -> Result<(String, Inputs)> {
        let preset = match self.preset {
            Some(preset) => rules::preset(preset),
            None => Inputs { duration_s: blank::DURATION_S, ..Inputs::default() },
        };
        let patch = InputsPatch {
            one_liner: self.one_liner,
            tone: self.tone,
            genre: self.genre,
            target: self.target,
            duration_s: self.duration_s,
            format: self.format,
            tempo: self.tempo,
            style: self.style,
            intensity: self.intensity,
            seed: self.seed,
        };
        let inputs = patch.onto(preset);
        check::plan(Some(&self.title), Some(&inputs), "")?;
        Ok((self.title.trim().to_owned(), inputs))
    }
}

/// A change of a plan itself: what is not named stays.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "title": "겨울 저녁, 붕어빵", "inputs": { "tone": "담백한" } }))]
pub struct PlanPatch {
    /// Title.
    #[schema(min_length = 1, max_length = 200)]
    pub title: Option<String>,
    /// What its storyboard is asked for; what is not named stays.
    pub inputs: Option<InputsPatch>,
    /// `draft` → `in_review` → `approved` → `published`; back to `draft` from each, and to `archived` and back.
    pub status: Option<PlanStatus>,
}

/// The plans of a project, newest first, for a reader of this role. `deleted`: those in the trash instead.
pub fn list(
    db: &Db,
    role: Role,
    project: ProjectId,
    status: Option<PlanStatus>,
    deleted: bool,
    slice: FeedSlice,
) -> Result<Feed<PlanBrief>> {
    judge(Some(role), if deleted { Right::Plan } else { Right::View }, "project")?;
    let rows = sql::feed(db, project, status, deleted, slice)?;
    Ok(Feed::new(slice, rows, |p| (p.created.0, p.id.0)))
}

/// One plan for who may see it, by one statement.
pub fn get(db: &Db, user: UserId, id: PlanId) -> Result<Plan> {
    look(db, user, id, Right::View)
}

/// One plan and the judgement of `right` in its project.
fn look(db: &Db, user: UserId, id: PlanId, right: Right) -> Result<Plan> {
    let plan = sql::get(db, user, id)?.ok_or(Error::NotFound("plan"))?;
    judge(Some(plan.my_role), right, "plan")?;
    Ok(plan)
}

/// One plan whose story may be changed by this person.
fn look_open(db: &Db, user: UserId, id: PlanId) -> Result<Plan> {
    may_change(look(db, user, id, Right::View)?)
}

fn may_change(plan: Plan) -> Result<Plan> {
    judge(Some(plan.my_role), Right::Plan, "plan")?;
    if plan.status.is_open() { Ok(plan) } else { Err(Error::Conflict(Text::new("error.plan_stands"))) }
}

impl Plan {
    /// All that a search finds it by besides its title, a line each.
    fn words(&self) -> String {
        let Inputs { one_liner, tone, genre, target, .. } = &self.inputs;
        let stages = self.story.stages.iter().flat_map(|s| [&s.title, &s.summary, &s.content]);
        let shots = self.story.shots.iter();
        let shots = shots.flat_map(|s| [&s.title, &s.description, &s.dialogue, &s.subtitle, &s.voice_over]);
        let all = [one_liner, genre, tone, target].into_iter().chain(stages).chain(shots);
        all.map(String::as_str).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

/// What changed of a plan, as its room hears it.
#[derive(Clone, Copy, Debug)]
enum Change {
    Plan,
    Stage,
    Shot(i64),
    Order,
    Storyboard,
    Picture(i64),
    Status,
    Restored,
}

impl Change {
    fn name(self) -> &'static str {
        match self {
            Change::Plan => "plan",
            Change::Stage => "stage",
            Change::Shot(_) => "shot",
            Change::Order => "order",
            Change::Storyboard => "storyboard",
            Change::Picture(_) => "picture",
            Change::Status => "status",
            Change::Restored => "restored",
        }
    }
}

/// What a live room hears of a plan: the whole of it, which all its members see alike.
fn live(plan: &Plan, change: Change, user: Option<UserId>) -> Live {
    let mut message = json!({
        "type": "plan", "plan_id": plan.id, "rev": plan.rev, "change": change.name(), "user_id": user, "plan": plan,
    });
    if let Change::Shot(key) | Change::Picture(key) = change {
        message["key"] = key.into();
    }
    Live { audience: Audience::All, message, own: None }
}

/// What the room hears when a plan is gone.
pub fn gone(id: PlanId) -> Value {
    json!({ "type": "plan", "plan_id": id, "change": "deleted" })
}

/// The first frame of a plan, and the two after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Front {
    /// The shot's key.
    pub key: i64,
    /// The version of its picture.
    pub picture_version: i64,
}

/// The first frames of these plans, which their reader may see. One statement.
pub fn fronts(db: &Db, ids: &[PlanId]) -> Result<HashMap<PlanId, Vec<Front>>> {
    let front = |s: &story::Shot| Front { key: s.key, picture_version: s.picture_version };
    let plans = sql::by_ids(db, ids)?;
    Ok(plans.into_iter().map(|p| (p.id, p.story.shots.iter().take(FRONTS).map(front).collect())).collect())
}

/// What the room hears about these plans as they stand now, for a replay.
pub fn replay(db: &Db, ids: &[PlanId]) -> Result<Vec<(PlanId, Value)>> {
    let plans = sql::by_ids(db, ids)?;
    Ok(plans.into_iter().map(|p| (p.id, live(&p, Change::Plan, None).message)).collect())
}

/// Writes a changed plan, its version and its event. `plan` holds what it shall be.
fn save(tx: &mut Tx, plan: &mut Plan, user: Option<UserId>, reason: Reason, change: Change) -> Result<()> {
    let fields = vec![change.name().to_owned()];
    let event = Event::PlanChanged { plan: plan.id, fields };
    save_as(tx, plan, user, reason, change, event)
}

fn save_as(
    tx: &mut Tx,
    plan: &mut Plan,
    user: Option<UserId>,
    reason: Reason,
    change: Change,
    event: Event,
) -> Result<()> {
    plan.updated = tx.now();
    plan.rev += 1;
    let again = versions::continues(plan, user, reason);
    if !again {
        plan.version += 1;
        plan.last = Last { user, reason: Some(reason), created: tx.now() };
    }
    sql::update(tx, plan)?;
    versions::keep(tx, plan, user, reason, again)?;
    tx.emit(Some(plan.project_id), user, event, Some(live(plan, change, user)))?;
    Ok(())
}

/// Adds a plan.
pub async fn add(app: &App, who: &Viewer, project: ProjectId, new: NewPlan) -> Result<Plan> {
    let (title, inputs) = new.read()?;
    let person = who.person();
    app.write(move |tx| {
        let role = projects::allow(tx, person.id, project, Right::Plan)?;
        let story = blank::story(inputs.duration_s);
        insert(tx, &person, role, project, (title, inputs, story), Reason::Created)
    })
    .await
}

/// Adds a plan inside a change.
pub fn insert(
    tx: &mut Tx,
    user: &Person,
    role: Role,
    project: ProjectId,
    (title, inputs, story): (String, Inputs, Story),
    reason: Reason,
) -> Result<Plan> {
    let now = tx.now();
    let mut plan = Plan {
        id: PlanId(0),
        project_id: project,
        title,
        status: PlanStatus::Draft,
        inputs,
        story,
        notice: None,
        version: 1,
        rev: 1,
        feedback_id: None,
        job_id: None,
        user: user.clone(),
        created: now,
        updated: now,
        my_role: role,
        last: Last { user: Some(user.id), reason: Some(reason), created: now },
    };
    plan.id = sql::insert(tx, &plan)?;
    versions::keep(tx, &plan, Some(user.id), reason, false)?;
    let event = Event::PlanAdded { plan: plan.id };
    tx.emit(Some(project), Some(user.id), event, Some(live(&plan, Change::Plan, Some(user.id))))?;
    Ok(plan)
}

/// Adds a plan that the rules have drafted, inside a change; one that is `in_review` with its discussion.
pub fn plant(tx: &mut Tx, user: &Person, project: ProjectId, new: NewPlan, status: PlanStatus) -> Result<Plan> {
    let (title, inputs) = new.read()?;
    let story = rules::draft(&inputs);
    let mut plan = insert(tx, user, Role::Owner, project, (title, inputs, story), Reason::Storyboard)?;
    plan.notice = Some(Notice { source: "rules".to_owned(), code: "rules_draft".to_owned() });
    plan.feedback_id = match status {
        PlanStatus::Draft => None,
        _ => {
            plan.status = status;
            Some(open_discussion(tx, &plan, user)?)
        }
    };
    sql::update(tx, &plan)?;
    Ok(plan)
}

/// Changes the title, the inputs or the status of a plan.
pub async fn change(app: &App, who: &Viewer, id: PlanId, patch: PlanPatch, expected: Option<i64>) -> Result<Plan> {
    check::plan(patch.title.as_deref(), None, "")?;
    let person = who.person();
    app.write(move |tx| {
        let mut plan = look(tx, person.id, id, Right::Plan)?;
        crate::domain::expect_rev(expected, plan.rev)?;
        let title = patch.title.map_or_else(|| plan.title.clone(), |t| t.trim().to_owned());
        let inputs = match patch.inputs {
            Some(inputs) => inputs.onto(plan.inputs.clone()),
            None => plan.inputs.clone(),
        };
        check::plan(None, Some(&inputs), "inputs.")?;
        let edited = title != plan.title || inputs != plan.inputs;
        let status = patch.status.filter(|s| *s != plan.status);
        if edited && !status.unwrap_or(plan.status).is_open() {
            return Err(Error::Conflict(Text::new("error.plan_stands")));
        }
        (plan.title, plan.inputs) = (title, inputs);
        match status {
            Some(status) => move_to(tx, &mut plan, &person, status)?,
            None if edited => save(tx, &mut plan, Some(person.id), Reason::Edited, Change::Plan)?,
            None => {}
        }
        Ok(plan)
    })
    .await
}

/// Moves a plan on its way, and its discussion with it.
fn move_to(tx: &mut Tx, plan: &mut Plan, person: &Person, status: PlanStatus) -> Result<()> {
    if !plan.status.next().contains(&status) {
        let allowed = plan.status.next().iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", ");
        let text = Text::new("error.plan_step").with("from", plan.status).with("to", status).with("allowed", allowed);
        return Err(Error::Conflict(text));
    }
    plan.status = status;
    match plan.feedback_id {
        Some(feedback) => feedback::follow_plan(tx, person.id, feedback, status.discussion())?,
        None if status == PlanStatus::InReview => plan.feedback_id = Some(open_discussion(tx, plan, person)?),
        None => {}
    }
    let fields = vec!["status".to_owned(), status.to_string()];
    let event = Event::PlanChanged { plan: plan.id, fields };
    save_as(tx, plan, Some(person.id), Reason::Status, Change::Status, event)
}

fn open_discussion(tx: &mut Tx, plan: &Plan, person: &Person) -> Result<FeedbackId> {
    let new = NewFeedback {
        title: plan.title.clone(),
        description: plan.inputs.one_liner.clone(),
        status: Some(plan.status.discussion()),
        priority: None,
    };
    Ok(feedback::insert_for(tx, person, plan.my_role, plan.project_id, new, Some(plan.id))?.id)
}

/// The feedback under which a plan is discussed; made if there is none.
pub async fn discuss(app: &App, who: &Viewer, id: PlanId) -> Result<FeedbackId> {
    let person = who.person();
    app.write(move |tx| {
        let mut plan = look(tx, person.id, id, Right::Comment)?;
        if let Some(feedback) = plan.feedback_id {
            return Ok(feedback);
        }
        let feedback = open_discussion(tx, &plan, &person)?;
        // Its own row holds nothing of it: the room hears where to go.
        plan.feedback_id = Some(feedback);
        let event = Event::PlanChanged { plan: id, fields: vec!["feedback".to_owned()] };
        tx.emit(Some(plan.project_id), Some(person.id), event, Some(live(&plan, Change::Plan, Some(person.id))))?;
        Ok(feedback)
    })
    .await
}

/// In which project a plan stands, that a person may see.
pub fn project_of(db: &Db, user: UserId, id: PlanId) -> Result<(ProjectId, Role)> {
    let (project, role) = sql::place(db, user, id)?.ok_or(Error::NotFound("plan"))?;
    Ok((project, judge(Some(role), Right::View, "plan")?))
}
