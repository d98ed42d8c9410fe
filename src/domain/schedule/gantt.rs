//! All phases of all projects of a person: the gantt.

use serde::Serialize;

use super::filming::{self, Conflict, Scope};
use super::{Look, Phase, complete, extent, sql};
use crate::base::clock::{DAY, Time};
use crate::base::day::Day;
use crate::base::error::{Error, Result};
use crate::base::ids::ProjectId;
use crate::base::locale::Text;
use crate::base::page::{Page, PageSlice};
use crate::base::roles::Role;
use crate::domain::projects::ProjectStatus;
use crate::engines::store::{Db, Row, SqlResult};

/// A project as the calendar shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // As in `Project`.
pub struct GanttProject {
    pub id: ProjectId,
    #[schema(example = "한빛식품 가을 신제품 30초 광고")]
    pub name: String,
    #[schema(example = "#d9480f")]
    pub color: String,
    #[schema(example = "한빛식품")]
    pub client: String,
    pub status: ProjectStatus,
    pub deadline: Option<Time>,
    pub my_role: Role,
    #[serde(skip)]
    pub(super) updated: Time,
    #[serde(skip)]
    pub(super) rev: i64,
}

impl GanttProject {
    /// From nine columns.
    pub(super) fn row(r: &Row, from: usize) -> SqlResult<GanttProject> {
        Ok(GanttProject {
            id: r.get(from)?,
            name: r.get(from + 1)?,
            color: r.get(from + 2)?,
            client: r.get(from + 3)?,
            status: r.get(from + 4)?,
            deadline: r.get(from + 5)?,
            my_role: r.get(from + 6)?,
            updated: r.get(from + 7)?,
            rev: r.get(from + 8)?,
        })
    }
}

/// A project's line of the gantt.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct GanttRow {
    /// Which.
    pub project: GanttProject,
    /// Revision of its schedule, for `If-Match`.
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
}

/// A page of the gantt.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Gantt {
    /// Its lines.
    #[serde(flatten)]
    pub page: Page<GanttRow>,
    /// Filming days, in the asked range or from today on, for which somebody is needed twice: in all projects.
    pub conflicts: Vec<Conflict>,
}

/// An error unless `from` is not behind `to`.
pub(super) fn check_range(from: Option<Day>, to: Option<Day>) -> Result<()> {
    match from.zip(to) {
        Some((from, to)) if to < from => Err(Error::invalid("to", Text::new("invalid.end_before_start"))),
        _ => Ok(()),
    }
}

/// A page of the asker's projects; with `from` or `to` those that have a phase or their deadline between them.
pub fn gantt(db: &Db, look: Look, range: (Option<Day>, Option<Day>), uri: &str, slice: PageSlice) -> Result<Gantt> {
    check_range(range.0, range.1)?;
    let deadlines = (range.0.map(Day::midnight), range.1.map(|to| to.midnight().plus(DAY)));
    let (projects, count) = sql::gantt_projects(db, look.user, range, deadlines, slice)?;
    let ids: Vec<i64> = projects.iter().map(|p| p.id.0).collect();
    let mut rows: Vec<(GanttProject, Vec<Phase>)> = projects.into_iter().map(|p| (p, Vec::new())).collect();
    for (project, phase) in sql::phases_of(db, &ids)? {
        if let Some((_, phases)) = rows.iter_mut().find(|(p, _)| p.id == project) {
            phases.push(phase);
        }
    }
    let line = |(project, phases): (GanttProject, Vec<Phase>)| {
        let phases = complete(phases);
        let (first_day, last_day, progress) = extent(phases.iter());
        let rev = phases.iter().map(|p| p.rev).sum();
        GanttRow { project, rev, first_day, last_day, progress, phases }
    };
    let days = (range.0.unwrap_or(look.today), range.1.unwrap_or(Day::MAX));
    let spans = filming::spans(db, look.user, Scope::Mine, &[], days)?;
    let conflicts = filming::conflicts(&spans, |s| s.visible);
    Ok(Gantt { page: Page::new(uri, slice, count, rows.into_iter().map(line).collect()), conflicts })
}
