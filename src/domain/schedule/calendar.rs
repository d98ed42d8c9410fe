//! The calendar of a person: what stands on which day, over all his projects and his own.

use serde::Serialize;

use super::entries::CalendarEntry;
use super::filming::{self, Conflict, Scope};
use super::gantt::{GanttProject, check_range};
use super::holidays::{self, Holiday};
use super::{Look, Phase, sql_entries as sql};
use crate::base::clock::Time;
use crate::base::day::Day;
use crate::base::error::{Error, Result};
use crate::base::ids::ProjectId;
use crate::base::locale::Text;
use crate::engines::store::Db;

/// Days of one answer.
pub const DAYS_MAX: i64 = 370;

/// What stands in the calendar.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Calendar {
    /// The asker's projects, by name.
    pub projects: Vec<GanttProject>,
    /// Phases that lie in the range, at least in part.
    pub phases: Vec<CalendarPhase>,
    /// Entries of his projects, and those without one that he added or that concern him.
    pub entries: Vec<CalendarEntry>,
    /// Memos.
    pub memos: Vec<CalendarMemo>,
    /// Deadlines of projects.
    pub deadlines: Vec<CalendarDeadline>,
    /// Korean public holidays.
    pub holidays: Vec<Holiday>,
    /// Filming days for which somebody is needed twice.
    pub conflicts: Vec<Conflict>,
}

/// A phase in the calendar.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CalendarPhase {
    /// Of which project.
    pub project_id: ProjectId,
    /// Which, and when.
    #[serde(flatten)]
    pub phase: Phase,
}

/// A memo in the calendar.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // As in `Memo`.
pub struct CalendarMemo {
    pub project_id: ProjectId,
    pub day: Day,
    #[schema(example = "우천 시 실내 스튜디오로 변경 (예비일 10월 17일)")]
    pub text: String,
}

/// A project's deadline in the calendar.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CalendarDeadline {
    /// Of which project.
    pub project_id: ProjectId,
    /// On which day of the studio's zone.
    pub day: Day,
    /// When.
    pub deadline: Time,
}

/// What a range holds, as it is read.
#[derive(Default)]
pub(super) struct Held {
    pub(super) projects: Vec<GanttProject>,
    pub(super) phases: Vec<CalendarPhase>,
    pub(super) memos: Vec<CalendarMemo>,
}

/// Within the bounds, or an error that names the field.
pub fn check(from: Day, to: Day) -> Result<()> {
    check_range(Some(from), Some(to))?;
    if from.until(to) >= DAYS_MAX {
        return Err(Error::invalid("to", Text::new("invalid.too_many_days").with("max", DAYS_MAX)));
    }
    Ok(())
}

/// The asker's calendar from one day to another, both included.
pub fn calendar(db: &Db, look: Look, (from, to): (Day, Day), zone: &jiff::tz::TimeZone) -> Result<Calendar> {
    check(from, to)?;
    let Held { projects, phases, memos } = sql::held(db, look.user, from, to)?;
    let entries = sql::entries_between(db, look.user, from, to)?;
    let spans = filming::spans(db, look.user, Scope::Mine, &[], (from, to))?;
    let deadline = |p: &GanttProject| {
        let deadline = p.deadline?;
        let day = Day::of(deadline, zone);
        (from..=to).contains(&day).then_some(CalendarDeadline { project_id: p.id, day, deadline })
    };
    Ok(Calendar {
        phases,
        entries,
        memos,
        deadlines: projects.iter().filter_map(deadline).collect(),
        holidays: holidays::between(from, to),
        conflicts: filming::conflicts(&spans, |s| s.visible),
        projects,
    })
}
