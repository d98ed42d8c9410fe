//! The storyboard job: what is asked, who writes it, and how it lands in the plan.
//!
//! Laws: the rules always can, so a model that fails is replaced by them, with a notice that says so. What lands is merged
//! with the plan as it stands at the end: what is locked, edited, or was changed since the job began stays. It lands in one
//! transaction, and landing twice (a crash after it) changes nothing.

mod cut;
mod merge;
mod model;
mod reply;
mod spend;
pub mod trial;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::pictures::{self, Image};
use super::story::{Inputs, Picture, StageName, Story};
use super::versions::Reason;
use super::{Change, Notice, Plan, generator, look_open, rules, save_as, sql, sql_storyboard as rows};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::event::{Audience, Event, Live};
use crate::base::ids::{JobId, MediaId, PlanId, ProjectId, UserId};
use crate::base::job::{Job, JobError, Progress};
use crate::base::locale::Text;
use crate::base::page::hex;
use crate::closed_set;
use crate::domain::accounts::Viewer;
use crate::domain::media;
use crate::engines::hub::{Message, Place};
use crate::engines::queue::{self, NewJob, Run};
use crate::engines::store::Tx;

/// Characters of a script.
const SCRIPT_MAX: usize = 200_000;
/// Drafts that are remembered.
const REMEMBERED: i64 = 1_000;

closed_set! {
    /// Who writes a storyboard.
    Source {
        /// The rules.
        Rules = "rules",
        /// A model that an admin has set.
        Model = "model",
        /// A script, broken into scenes and shots.
        Script = "script",
        /// A film: its scenes with their pictures and times.
        Cut = "cut",
    }
}

/// Which part is drafted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StoryboardPart, example = json!({ "shot": 7 }))]
pub enum Part {
    /// One stage with its three shots.
    Stage(StageName),
    /// One shot, by its key.
    Shot(i64),
}

impl From<Option<Part>> for rules::Part {
    fn from(part: Option<Part>) -> rules::Part {
        match part {
            None => rules::Part::Whole,
            Some(Part::Stage(stage)) => rules::Part::Stage(stage),
            Some(Part::Shot(key)) => rules::Part::Shot(key),
        }
    }
}

/// What a storyboard is asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = StoryboardAsk, example = json!({ "regenerate": true, "part": { "stage": "climax" }, "source": "rules" }))]
pub struct Ask {
    /// Another seed instead of what the same inputs brought before.
    pub regenerate: bool,
    /// One stage or one shot; left out: all of it.
    pub part: Option<Part>,
    /// Who writes; left out: a model if one is set, else the rules.
    pub source: Option<Source>,
    /// With `script`: Fountain, or the Korean form (`S#1. 카페 / 낮`).
    #[schema(max_length = 200_000)]
    pub script: Option<String>,
    /// With `cut`: a version of the same project whose scenes are there.
    pub media_id: Option<MediaId>,
    /// With `model`: have the pictures drawn as well, if a model that draws is set.
    pub images: bool,
}

/// What the job is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    ask: Ask,
    source: Source,
    /// Drawn when it was asked, so that another try draws no other.
    seed: Option<u32>,
    user: UserId,
}

/// A draft, before it lands.
struct Drafted {
    story: Story,
    /// Who has written it.
    source: Source,
    /// Why it was not the one who was asked.
    fallback: Option<&'static str>,
    /// Was it remembered?
    cached: bool,
    /// What the story's pictures name.
    images: Vec<Image>,
}

impl Drafted {
    fn by(source: Source, story: Story) -> Drafted {
        Drafted { story, source, fallback: None, cached: false, images: Vec::new() }
    }

    fn notice(&self) -> Notice {
        let code = self.fallback.map_or_else(|| format!("{}_draft", self.source), str::to_owned);
        Notice { source: self.source.to_string(), code }
    }
}

/// One draft of a plan at a time: the key under which its job waits.
fn dedup_key(id: PlanId) -> String {
    format!("storyboard:{id}")
}

/// Asks for a storyboard. Answers the job.
pub async fn ask(app: &App, who: &Viewer, id: PlanId, ask: Ask) -> Result<JobId> {
    let can = generator::get(app).await?;
    if can.hidden {
        return Err(Error::Conflict(Text::new("error.generator_hidden")));
    }
    let source = ask.source.unwrap_or(if can.model { Source::Model } else { Source::Rules });
    let required = |field: &str| Err(Error::invalid(field, Text::new("invalid.required")));
    match source {
        Source::Rules => {}
        Source::Model if !can.model => return Err(Error::invalid("source", Text::new("invalid.plan_no_model"))),
        Source::Model => {}
        Source::Script => match ask.script.as_deref().filter(|s| !s.trim().is_empty()) {
            None => return required("script"),
            Some(text) if text.chars().count() > SCRIPT_MAX => {
                return Err(Error::invalid("script", Text::new("invalid.too_long").with("max", SCRIPT_MAX)));
            }
            Some(_) => {}
        },
        Source::Cut if ask.media_id.is_none() => return required("media_id"),
        Source::Cut => {}
    }
    if ask.images && !can.image_model {
        return Err(Error::invalid("images", Text::new("invalid.plan_no_image_model")));
    }
    let user = who.user;
    // Film and script are looked at before: what cannot be used is told at once, not by a job that fails.
    if let (Source::Cut, Some(media)) = (source, ask.media_id) {
        let film = app.read(move |db| media::get(db, user, media)).await;
        cut::usable(film, None)?;
    }
    if let (Source::Script, Some(script)) = (source, ask.script.clone()) {
        let read = tokio::task::spawn_blocking(move || rules::script::read(&script, &Inputs::default()).map(drop));
        read.await.map_err(Error::internal)?.map_err(|text| Error::invalid("script", text))?;
    }
    let seed = ask.regenerate.then(|| u32::from_le_bytes(crate::base::secret::random::<4>()));
    app.write(move |tx| {
        let plan = look_open(tx, user, id)?;
        if let Some(job) = plan.job_id {
            return Err(Error::Conflict(Text::new("error.storyboard_runs").with("job", job)));
        }
        merge::must_change(&plan.story, ask.part)?;
        let order = Order { source, seed, user, ask };
        let job = NewJob {
            dedup_key: Some(dedup_key(id)),
            project: Some(plan.project_id),
            user: Some(user),
            ..Job::DraftStoryboard { plan: id, ask: serde_json::to_value(order).map_err(Error::internal)? }.into()
        };
        let job = queue::enqueue(tx, job)?;
        let live = Live { audience: Audience::All, message: progress(id, job, 0, "running"), own: None };
        tx.emit(Some(plan.project_id), Some(user), Event::StoryboardAsked { plan: id, job }, Some(live))?;
        Ok(job)
    })
    .await
}

fn progress(plan: PlanId, job: JobId, percent: u8, state: &str) -> Value {
    json!({ "type": "plan_progress", "plan_id": plan, "job_id": job, "percent": percent, "state": state })
}

/// One run of the job, as its parts see it.
struct Work<'a> {
    app: &'a App,
    run: &'a Run,
    plan: PlanId,
    project: ProjectId,
}

impl Work<'_> {
    fn tell(&self, percent: u8) {
        self.run.progress(Progress { percent: f32::from(percent), ..Progress::default() });
        let place = Place::Project(self.project);
        if self.app.hub.anybody(place) {
            let message = progress(self.plan, self.run.id, percent, "running").to_string();
            self.app.hub.publish(place, Message::passing(Bytes::from(message)));
        }
    }
}

/// Why no draft came.
enum Failed {
    /// For the person who asked; the same would happen again.
    Said(&'static str),
    Job(JobError),
}

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(e: E) -> Failed {
        Failed::Job(e.into().into())
    }
}

/// Does the job.
pub async fn draft(app: &App, run: &Run, id: PlanId, ask: Value) -> Result<Value, JobError> {
    let order: Order = serde_json::from_value(ask)?;
    let Some(plan) = app.read(move |db| Ok(sql::by_ids(db, &[id])?.pop())).await? else {
        return Ok(json!({ "plan_id": id, "gone": true }));
    };
    let work = Work { app, run, plan: id, project: plan.project_id };
    work.tell(5);
    let seen = plan.story.clone();
    let drafted = match write(&work, &plan, &order).await {
        Ok(drafted) => drafted,
        Err(Failed::Job(e)) => return Err(e),
        Err(Failed::Said(code)) => return fail(app, run, &plan, code).await,
    };
    work.tell(95);
    let job = run.id;
    let landed = app.write(move |tx| land(tx, id, job, &order, &seen, drafted)).await?;
    match landed {
        Landed::Well(result) => Ok(result),
        Landed::Gone => Ok(json!({ "plan_id": id, "gone": true })),
        Landed::Stands => fail(app, run, &plan, "plan_stands").await,
    }
}

async fn fail(app: &App, run: &Run, plan: &Plan, code: &'static str) -> Result<Value, JobError> {
    let (id, project, job) = (plan.id, plan.project_id, run.id);
    let tell = move |tx: &mut Tx| {
        let live = Live { audience: Audience::All, message: progress(id, job, 100, "failed"), own: None };
        tx.emit(Some(project), None, Event::StoryboardFailed { plan: id, job }, Some(live))
    };
    app.write(tell).await?;
    Err(JobError::Fail { error: code.to_owned(), stderr: String::new() })
}

async fn write(work: &Work<'_>, plan: &Plan, order: &Order) -> Result<Drafted, Failed> {
    let inputs = Inputs { seed: order.seed.unwrap_or(plan.inputs.seed), ..plan.inputs.clone() };
    match order.source {
        Source::Rules => by_rules(work, plan, inputs, order.ask.part).await,
        Source::Model => by_model(work, plan, inputs, order).await,
        Source::Script => by_script(work, inputs, order).await,
        Source::Cut => cut::draft(work, inputs, order).await,
    }
}

/// Is nothing of the plan to be kept, and all of it asked for?
fn is_free(plan: &Plan, part: Option<Part>) -> bool {
    let story = &plan.story;
    let kept = story.stages.iter().any(|s| s.locked || s.edited) || story.shots.iter().any(|s| s.locked || s.edited);
    part.is_none() && !kept
}

async fn by_rules(work: &Work<'_>, plan: &Plan, inputs: Inputs, part: Option<Part>) -> Result<Drafted, Failed> {
    if !is_free(plan, part) {
        let story = plan.story.clone();
        let redraft = move || rules::redraft(&inputs, &story, part.into());
        return Ok(Drafted::by(Source::Rules, tokio::task::spawn_blocking(redraft).await?));
    }
    let key = key(Source::Rules, "", &inputs, "");
    if let Some(story) = remembered(work.app, &key).await? {
        return Ok(Drafted { cached: true, ..Drafted::by(Source::Rules, story) });
    }
    let story = tokio::task::spawn_blocking(move || rules::draft(&inputs)).await?;
    remember(work.app, key, &story).await?;
    Ok(Drafted::by(Source::Rules, story))
}

async fn by_script(work: &Work<'_>, inputs: Inputs, order: &Order) -> Result<Drafted, Failed> {
    let script = order.ask.script.clone().unwrap_or_default();
    let key = key(Source::Script, "", &inputs, &script);
    if let Some(story) = remembered(work.app, &key).await? {
        return Ok(Drafted { cached: true, ..Drafted::by(Source::Script, story) });
    }
    let story = tokio::task::spawn_blocking(move || rules::script::read(&script, &inputs)).await?;
    let story = story.map_err(|_| Failed::Said("script_unreadable"))?;
    remember(work.app, key, &story).await?;
    Ok(Drafted::by(Source::Script, story))
}

async fn by_model(work: &Work<'_>, plan: &Plan, inputs: Inputs, order: &Order) -> Result<Drafted, Failed> {
    let part = order.ask.part;
    let key = key(Source::Model, &work.app.config().model.name, &inputs, "");
    let known = if part.is_none() { remembered(work.app, &key).await? } else { None };
    let mut drafted = match known {
        Some(story) => Drafted { cached: true, ..Drafted::by(Source::Model, story) },
        None => match model::write(work, &inputs, part.map(|part| (part, &plan.story))).await? {
            Ok(story) => {
                if part.is_none() {
                    remember(work.app, key, &story).await?;
                }
                Drafted::by(Source::Model, story)
            }
            Err(code) => {
                let drafted = by_rules(work, plan, inputs.clone(), part).await?;
                return Ok(Drafted { fallback: Some(code), ..drafted });
            }
        },
    };
    if order.ask.images {
        let wanted = merge::changing(&plan.story, part);
        let drawn = model::draw(work, &inputs, &drafted.story, &wanted).await?;
        for (place, image) in drawn {
            drafted.story.shots[place].picture = Picture::Sketch { hash: image.hash.clone() };
            drafted.images.push(image);
        }
    }
    Ok(drafted)
}

/// How a draft landed.
enum Landed {
    Well(Value),
    Gone,
    /// Meanwhile it was approved: it stands still.
    Stands,
}

fn land(tx: &mut Tx, id: PlanId, job: JobId, order: &Order, seen: &Story, drafted: Drafted) -> Result<Landed> {
    let Some(mut plan) = sql::by_ids(tx, &[id])?.pop() else { return Ok(Landed::Gone) };
    if !plan.status.is_open() {
        return Ok(Landed::Stands);
    }
    let story = merge::merge(&plan.story, seen, &drafted.story, order.ask.part);
    let notice = Some(drafted.notice());
    let changed = story != plan.story || notice != plan.notice;
    let images = drafted.images.len();
    if changed {
        for image in &drafted.images {
            pictures::keep(tx, id, image)?;
        }
        plan.story = story;
        plan.notice = notice;
        // What is asked again with the same inputs is this draft.
        if let (Some(seed), None) = (order.seed, order.ask.part) {
            plan.inputs.seed = seed;
        }
        plan.job_id = None;
        let event = Event::StoryboardDrafted { plan: id, job };
        save_as(tx, &mut plan, Some(order.user), Reason::Storyboard, Change::Storyboard, event)?;
    } else {
        // Nothing new, and still an answer to who waits for it.
        let live = Live { audience: Audience::All, message: progress(id, job, 100, "done"), own: None };
        let event = Event::StoryboardDrafted { plan: id, job };
        tx.emit(Some(plan.project_id), Some(order.user), event, Some(live))?;
    }
    Ok(Landed::Well(json!({
        "plan_id": id, "version": plan.version, "source": drafted.source, "fallback": drafted.fallback,
        "cached": drafted.cached, "images": images,
    })))
}

/// What a draft was asked for, as one word.
fn key(source: Source, model: &str, inputs: &Inputs, script: &str) -> String {
    let script = hex(&Sha256::digest(script.as_bytes()));
    let asked = json!({ "source": source, "model": model, "inputs": inputs, "script": script, "form": 1 });
    hex(&Sha256::digest(asked.to_string().as_bytes()))
}

async fn remembered(app: &App, key: &str) -> Result<Option<Story>> {
    let key = key.to_owned();
    app.read(move |db| rows::remembered(db, &key)).await
}

async fn remember(app: &App, key: String, story: &Story) -> Result<()> {
    let story = story.clone();
    app.write(move |tx| rows::remember(tx, &key, &story, REMEMBERED)).await
}
