//! When a project's work is done: its eight phases, what else stands in the calendar, memos, holidays, reminders.
//!
//! Laws: a project has all eight phases always; one without a row is empty, and an empty one breaks nothing. A filming day
//! that somebody is needed for twice is warned about, never refused. Who may not see the other project learns only that
//! there is one.
//! Written here only: `phases`, `entries`, `entry_people`, `memos`, `calendar_feeds`, `reminders`.

mod auto;
pub mod calendar;
pub mod entries;
pub mod feed;
pub mod filming;
pub mod gantt;
pub mod holidays;
mod ics;
pub mod memos;
mod phases;
pub mod reminders;
pub mod routes;
mod sql;
mod sql_entries;

use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::base::clock::Time;
use crate::base::day::Day;
use crate::base::error::{Check, Error, Result};
use crate::base::event::{Audience, Event, Live};
use crate::base::ids::{ProjectId, UserId};
use crate::base::locale::Text;
use crate::base::roles::{Right, Role};
use crate::domain::accounts::{Person, Viewer};
use crate::domain::projects::judge;
use crate::engines::store::{Db, Tx};
use crate::{closed_set, text_columns};
pub use auto::AutoSchedule;
use filming::{Conflict, Place, Scope, Span};
pub use phases::{PhasePatch, PhaseSet, SchedulePut};
pub use reminders::near;

closed_set! {
    /// A phase of a project, in the order of the work.
    PhaseName {
        /// 기초 기획안 작성
        BasicPlan = "basic_plan",
        /// 스토리보드 작성
        StoryBoard = "story_board",
        /// 촬영(계획/진행)
        Filming = "filming",
        /// 비디오 편집
        VideoEdit = "video_edit",
        /// 후반 작업
        PostWork = "post_work",
        /// 비디오 시사(피드백)
        VideoPreview = "video_preview",
        /// 최종 컨펌
        Confirmation = "confirmation",
        /// 영상 납품
        VideoDelivery = "video_delivery",
    }
}

closed_set! {
    /// How far a phase is.
    #[derive(Default)]
    PhaseState {
        /// 예정
        #[default]
        Planned = "planned",
        /// 진행 중
        InProgress = "in_progress",
        /// 완료
        Done = "done",
    }
}

closed_set! {
    /// A part of the three-phase view.
    Part {
        /// 기획
        Planning = "planning",
        /// 촬영
        Filming = "filming",
        /// 편집
        Editing = "editing",
    }
}

text_columns!(PhaseName, PhaseState);

impl PhaseName {
    /// In which part of the three-phase view it lies.
    pub fn part(self) -> Part {
        match self {
            PhaseName::BasicPlan | PhaseName::StoryBoard => Part::Planning,
            PhaseName::Filming => Part::Filming,
            _ => Part::Editing,
        }
    }

    /// The phase before it in the order of the work.
    pub fn previous(self) -> Option<PhaseName> {
        (self as usize).checked_sub(1).map(|i| PhaseName::ALL[i])
    }
}

/// A phase of a project.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Phase {
    /// Which.
    pub phase: PhaseName,
    /// Its first day.
    pub start: Option<Day>,
    /// Its last day, itself included.
    pub end: Option<Day>,
    /// How far it is.
    pub state: PhaseState,
    /// 0–100; 100 when it is done.
    #[schema(minimum = 0, maximum = 100, example = 40)]
    pub progress: i64,
    /// Who does it.
    pub assignee_id: Option<UserId>,
    /// Who does it.
    pub assignee: Option<Person>,
    /// The phase after which it begins.
    pub after: Option<PhaseName>,
    /// A note.
    #[schema(example = "우천 시 실내 스튜디오로 변경")]
    pub note: String,
    /// Last change.
    #[serde(skip)]
    updated: Time,
    #[serde(skip)]
    rev: i64,
}

impl Phase {
    /// One of which nothing is set.
    pub fn empty(phase: PhaseName) -> Phase {
        Phase {
            phase,
            start: None,
            end: None,
            state: PhaseState::Planned,
            progress: 0,
            assignee_id: None,
            assignee: None,
            after: None,
            note: String::new(),
            updated: Time(0),
            rev: 0,
        }
    }

    /// Its first and last day, if it has one.
    pub fn days(&self) -> Option<(Day, Day)> {
        Some((self.start.or(self.end)?, self.end.or(self.start)?))
    }

    /// How much it counts in the progress of the whole: its days; one without days counts once it is under way.
    fn weight(&self) -> i64 {
        match self.days() {
            Some((first, last)) => first.until(last) + 1,
            None => i64::from(self.state != PhaseState::Planned || self.progress > 0),
        }
    }
}

/// All eight, in order: those of `rows`, the others empty.
fn complete(rows: Vec<Phase>) -> Vec<Phase> {
    let mut all: Vec<Phase> = PhaseName::ALL.iter().map(|name| Phase::empty(*name)).collect();
    for row in rows {
        let place = row.phase as usize;
        all[place] = row;
    }
    all
}

/// First non-empty start in order, last non-empty end, progress by the days of the phases.
fn extent<'a>(phases: impl Iterator<Item = &'a Phase> + Clone) -> (Option<Day>, Option<Day>, i64) {
    let weight: i64 = phases.clone().map(Phase::weight).sum();
    let done: i64 = phases.clone().map(|p| p.weight() * p.progress).sum();
    (
        phases.clone().find_map(|p| p.start),
        phases.filter_map(|p| p.end).last(),
        if weight == 0 { 0 } else { done / weight },
    )
}

/// A part of the three-phase view.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ThreePart {
    /// Which.
    pub part: Part,
    /// Its first day.
    pub start: Option<Day>,
    /// Its last day.
    pub end: Option<Day>,
    /// 0–100, by the days of its phases.
    #[schema(minimum = 0, maximum = 100, example = 40)]
    pub progress: i64,
}

/// The schedule of a project.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Schedule {
    /// Whose.
    pub project_id: ProjectId,
    /// Revision, as in `ETag`.
    #[schema(example = 3)]
    pub rev: i64,
    /// The first start that is set, in the order of the phases.
    pub first_day: Option<Day>,
    /// The last end that is set.
    pub last_day: Option<Day>,
    /// 0–100, by the days of the phases.
    #[schema(minimum = 0, maximum = 100, example = 40)]
    pub progress: i64,
    /// All eight, in order.
    pub phases: Vec<Phase>,
    /// 기획, 촬영, 편집.
    pub three: Vec<ThreePart>,
    /// Filming days from today on for which somebody is needed twice.
    pub conflicts: Vec<Conflict>,
}

impl Schedule {
    fn of(project: ProjectId, phases: Vec<Phase>, conflicts: Vec<Conflict>) -> Schedule {
        let (first_day, last_day, progress) = extent(phases.iter());
        let three = three(&phases);
        let rev = phases.iter().map(|p| p.rev).sum();
        Schedule { project_id: project, rev, first_day, last_day, progress, phases, three, conflicts }
    }
}

fn three(phases: &[Phase]) -> Vec<ThreePart> {
    let part = |part: &Part| {
        let (start, end, progress) = extent(phases.iter().filter(|p| p.phase.part() == *part));
        ThreePart { part: *part, start, end, progress }
    };
    Part::ALL.iter().map(part).collect()
}

/// The days and the person who asks: what conflicts are looked for.
#[derive(Clone, Copy)]
pub struct Look {
    /// Who asks.
    pub user: UserId,
    /// The present day in the studio's zone.
    pub today: Day,
}

/// The zone in which the studio's days begin.
pub fn zone(app: &App) -> jiff::tz::TimeZone {
    // Checked when the config was read.
    jiff::tz::TimeZone::get(&app.config().schedule.time_zone).unwrap_or(jiff::tz::TimeZone::UTC)
}

/// The present day of the studio.
pub fn today(app: &App) -> Day {
    Day::of(app.clock.now(), &zone(app))
}

/// Who asks, and on which day.
pub fn look(app: &App, who: &Viewer) -> Look {
    Look { user: who.user, today: today(app) }
}

/// The schedule of a project, for a reader of this role.
pub fn get(db: &Db, role: Role, look: Look, project: ProjectId) -> Result<Schedule> {
    judge(Some(role), Right::View, "project")?;
    let phases = complete(sql::phases(db, project)?);
    let spans = filming::spans(db, look.user, Scope::Project(project), &[], (look.today, Day::MAX))?;
    Ok(Schedule::of(project, phases, filming::conflicts(&spans, |s| s.project == Some(project))))
}

/// What of the schedule everybody in the room may hear: conflicts without the other projects.
fn live(schedule: &Schedule, actor: UserId) -> Live {
    let message = |s: &Schedule| json!({ "type": "schedule", "project_id": s.project_id, "rev": s.rev, "schedule": s });
    let conflicts = schedule.conflicts.iter().map(|c| c.hidden_but(schedule.project_id)).collect();
    let plain = Schedule { conflicts, ..schedule.clone() };
    Live { audience: Audience::All, message: message(&plain), own: Some((actor, message(schedule))) }
}

/// Changes phases inside a change: `edit` is given all eight. What it leaves as it was is not written.
fn change_in(
    tx: &mut Tx,
    look: Look,
    project: ProjectId,
    expected: Option<i64>,
    edit: impl FnOnce(&mut [Phase]) -> Result<()>,
) -> Result<Schedule> {
    let found = sql::standing(tx, look.user, project)?.ok_or(Error::NotFound("project"))?;
    judge(Some(found.role), Right::Plan, "project")?;
    let old = complete(found.phases);
    crate::domain::expect_rev(expected, old.iter().map(|p| p.rev).sum())?;
    let mut new = old.clone();
    edit(&mut new)?;
    phases::check(&new)?;
    name_assignees(tx, project, &old, &mut new)?;
    let assignee = new[PhaseName::Filming as usize].assignee_id;
    let asked: Vec<i64> = assignee.iter().map(|u| u.0).collect();
    let mut spans = filming::spans(tx, look.user, Scope::Project(project), &asked, (look.today, Day::MAX))?;
    let before = filming::pairs(&spans);
    let mut changed = Vec::new();
    for (phase, _) in new.iter_mut().zip(&old).filter(|(new, old)| new != old) {
        phase.rev += 1;
        changed.push(phase.clone());
    }
    let conflicts = refilmed(&mut spans, look, project, &found.name, &new);
    let schedule = Schedule::of(project, new, conflicts);
    if !changed.is_empty() {
        sql::put_phases(tx, project, &changed)?;
        let phases = changed.iter().map(|p| p.phase.as_str().to_owned()).collect();
        let event = Event::PhasesChanged { project, phases };
        tx.emit(Some(project), Some(look.user), event, Some(live(&schedule, look.user)))?;
        filming::tell_new(tx, look.user, Some(project), &before, &filming::pairs(&spans))?;
    }
    Ok(schedule)
}

/// Puts the filming phase as it is among `phases` in the place of the one that was read; answers what clashes then.
fn refilmed(spans: &mut Vec<Span>, look: Look, project: ProjectId, name: &str, phases: &[Phase]) -> Vec<Conflict> {
    spans.retain(|s| s.place != Place::Phase(project));
    let span = Span::of_phase(project, name.to_owned(), &phases[PhaseName::Filming as usize]);
    spans.extend(span.filter(|s| s.last >= look.today));
    filming::conflicts(spans, |s| s.project == Some(project))
}

/// Whoever is newly assigned must be a member.
fn name_assignees(db: &Db, project: ProjectId, old: &[Phase], new: &mut [Phase]) -> Result<()> {
    let fresh = |p: &Phase| p.assignee_id.filter(|id| !old.iter().any(|o| o.assignee_id == Some(*id)));
    let mut asked: Vec<i64> = new.iter().filter_map(fresh).map(|id| id.0).collect();
    asked.sort_unstable();
    asked.dedup();
    let mut known: Vec<Person> = old.iter().filter_map(|p| p.assignee.clone()).collect();
    if !asked.is_empty() {
        known.extend(sql::members_among(db, project, &asked)?);
    }
    for phase in new {
        phase.assignee = match phase.assignee_id {
            None => None,
            Some(id) => match known.iter().find(|p| p.id == id) {
                Some(person) => Some(person.clone()),
                None => return Err(Error::invalid("assignee_id", Text::new("invalid.not_a_member"))),
            },
        };
    }
    Ok(())
}

/// Changes one phase; what is not named stays.
pub async fn change(
    app: &App,
    who: &Viewer,
    project: ProjectId,
    phase: PhaseName,
    patch: PhasePatch,
    expected: Option<i64>,
) -> Result<Schedule> {
    patch.check()?;
    let look = look(app, who);
    app.write(move |tx| change_in(tx, look, project, expected, |phases| patch.apply(phases, phase))).await
}

/// Sets all phases; one that is not named becomes empty.
pub async fn put(
    app: &App,
    who: &Viewer,
    project: ProjectId,
    put: SchedulePut,
    expected: Option<i64>,
) -> Result<Schedule> {
    put.check()?;
    let look = look(app, who);
    app.write(move |tx| change_in(tx, look, project, expected, |phases| put.apply(phases))).await
}

/// Sets all phases inside a change.
pub fn plant(tx: &mut Tx, look: Look, project: ProjectId, put: SchedulePut) -> Result<Schedule> {
    put.check()?;
    change_in(tx, look, project, None, |phases| put.apply(phases))
}

/// Lays all phases from a day on, or shows how it would.
pub async fn auto(app: &App, who: &Viewer, project: ProjectId, asked: AutoSchedule) -> Result<Schedule> {
    let look = look(app, who);
    if !asked.preview {
        return app.write(move |tx| change_in(tx, look, project, None, |phases| asked.apply(phases))).await;
    }
    judge(who.role(project), Right::Plan, "project")?;
    app.read(move |db| {
        let found = sql::standing(db, look.user, project)?.ok_or(Error::NotFound("project"))?;
        let mut phases = complete(found.phases);
        asked.apply(&mut phases)?;
        let users: Vec<i64> = phases[PhaseName::Filming as usize].assignee_id.iter().map(|u| u.0).collect();
        let mut spans = filming::spans(db, look.user, Scope::Project(project), &users, (look.today, Day::MAX))?;
        let conflicts = refilmed(&mut spans, look, project, &found.name, &phases);
        Ok(Schedule::of(project, phases, conflicts))
    })
    .await
}

/// What the room hears of these projects' schedules as they stand now, for a replay.
pub fn replay(db: &Db, project: ProjectId) -> Result<Value> {
    let schedule = Schedule::of(project, complete(sql::phases(db, project)?), Vec::new());
    Ok(json!({ "type": "schedule", "project_id": project, "rev": schedule.rev, "schedule": schedule }))
}

/// A text of a note, at most as long as it may be.
fn note_check<'c>(check: &'c mut Check, field: &str, text: &str) -> &'c mut Check {
    check.text(field, text, 0, NOTE_MAX)
}

/// Longest note.
const NOTE_MAX: usize = 2_000;
