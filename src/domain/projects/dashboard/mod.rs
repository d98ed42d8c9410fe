//! What waits: for a person over all his projects, and within one project. Numbers and short lists, in at most three
//! statements. Reads the tables of later nouns, calls none of them.

mod sql;
mod sql_today;
mod today;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Project, judge, members};
use crate::app::App;
use crate::base::clock::{DAY, MINUTE, SECOND, Time};
use crate::base::day::Day;
use crate::base::error::{Error, Result};
use crate::base::ids::{FeedbackId, ProjectId};
use crate::base::roles::{Right, Role};
use crate::domain::accounts::{Person, Viewer};
use crate::engines::store::Db;
use today::Today;
pub use today::{Act, InProcess, News, Waiting, Why};

/// A person's dashboard.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Dashboard {
    /// Numbers.
    pub counts: Counts,
    /// Feedbacks changed last, in all his projects, at most 10.
    pub feedbacks: Vec<Brief>,
    /// Projects with the next deadlines, at most 6.
    pub due: Vec<Due>,
    /// What waits for the reader, at most 8 of each kind: first what is to be decided, newest first.
    pub waiting: Vec<Waiting>,
    /// Versions that are not ready, at most 8, newest first.
    pub in_process: Vec<InProcess>,
    /// What happened last, at most 12.
    pub activity: Vec<Act>,
    /// What others did since `since`; nothing without it.
    pub news: News,
    /// The time that was asked for.
    #[schema(example = json!(null))]
    pub since: Option<Time>,
    /// The last place of the journal that it shows, for the page. It moves with what happens elsewhere, so no kept answer
    /// may carry it.
    #[serde(skip)]
    pub seq: i64,
}

/// Numbers over all projects of a person.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Counts {
    /// Projects.
    pub projects: i64,
    /// Feedbacks neither resolved nor closed.
    pub open_feedbacks: i64,
    /// Unresolved comments of his own.
    pub my_open_comments: i64,
    /// Projects due within seven days.
    pub due_soon: i64,
}

/// A feedback in a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // As in `Feedback`.
pub struct Brief {
    pub id: FeedbackId,
    pub project_id: ProjectId,
    #[schema(example = "한빛식품 가을 신제품 30초 광고")]
    pub project_name: String,
    #[schema(example = "#d9480f")]
    pub project_color: String,
    #[schema(example = "시사본 v3")]
    pub title: String,
    #[schema(value_type = String, example = "open")]
    pub status: String,
    #[schema(value_type = String, example = "high")]
    pub priority: String,
    pub updated: Time,
    pub user: Person,
    /// Unresolved comments that the viewer may see.
    pub unresolved_count: i64,
}

/// A project with a deadline.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // As in `Project`.
pub struct Due {
    pub id: ProjectId,
    #[schema(example = "한빛식품 가을 신제품 30초 광고")]
    pub name: String,
    #[schema(example = "한빛식품")]
    pub client: String,
    #[schema(example = "#d9480f")]
    pub color: String,
    pub deadline: Time,
}

/// When the next day begins, and with it what is due soon and which phases run.
pub fn tomorrow(app: &App) -> Time {
    let (now, zone) = (app.clock.now(), zone(app));
    let after = |offset_ms: i64| (((now.0 + offset_ms) / DAY + 1) * DAY) - offset_ms;
    let stamp = Timestamp::from_millisecond(now.0).unwrap_or(Timestamp::UNIX_EPOCH);
    let offset_ms = i64::from(zone.to_offset(stamp).seconds()) * SECOND;
    // Deadlines are counted in UTC, phases where the studio stands.
    Time(after(0).min(after(offset_ms)))
}

/// The end of the seventh day from now (UTC): what is due by then is due soon.
fn soon(now: Time) -> Time {
    Time((now.0 / DAY + 8) * DAY - 1)
}

/// When a dashboard is looked at, and since when something is new.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Now.
    pub now: Time,
    /// The day that it is where the studio stands.
    pub today: Day,
    /// What others did after it is told as news.
    pub since: Since,
}

/// Since when something is new.
#[derive(Clone, Copy, Debug)]
pub enum Since {
    /// Nothing is.
    Never,
    /// Since then.
    At(Time),
    /// Since the reader's visit before this one.
    LastVisit,
}

/// Whoever was away this long comes for another visit.
pub const VISIT: i64 = 30 * MINUTE;

impl Look {
    /// A look now.
    pub fn now(app: &App, since: Since) -> Look {
        let now = app.clock.now();
        Look { now, today: Day::of(now, &zone(app)), since }
    }
}

/// Where the studio stands. Its name was checked when the settings were read.
fn zone(app: &App) -> TimeZone {
    TimeZone::get(&app.config().schedule.time_zone).unwrap_or(TimeZone::UTC)
}

/// The viewer's dashboard: three statements.
pub fn mine(db: &Db, who: &Viewer, look: Look) -> Result<Dashboard> {
    let (counts, due) = sql::counts_and_due(db, who.user, soon(look.now))?;
    let feedbacks = sql::recent_of_user(db, who.user)?;
    let Today { waiting, in_process, activity, news, since, seq } = today::of(db, who.user, look)?;
    Ok(Dashboard { counts, feedbacks, due, waiting, in_process, activity, news, since, seq })
}

/// A project's dashboard.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ProjectDashboard {
    /// The project.
    pub project: Project,
    /// Numbers over its feedbacks.
    pub stats: Stats,
    /// Its members, strongest first, at most 50.
    pub members: Vec<members::Member>,
    /// Its feedbacks changed last, at most 5.
    pub recent_feedbacks: Vec<Brief>,
    /// The last event in it.
    pub latest_activity: Option<Time>,
}

/// Numbers over a project's feedbacks.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // The enums' names.
pub struct Stats {
    pub total: i64,
    pub open: i64,
    pub in_progress: i64,
    pub resolved: i64,
    pub closed: i64,
    /// Mean time from creation to resolution of those resolved, in milliseconds.
    pub avg_resolution_ms: Option<i64>,
    pub priority: Priorities,
}

/// How many feedbacks of each priority.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // The enum's names.
pub struct Priorities {
    pub low: i64,
    pub medium: i64,
    pub high: i64,
    pub critical: i64,
}

/// A project's dashboard: one statement for the project and its numbers, one for its lists.
pub fn of_project(db: &Db, role: Role, id: ProjectId) -> Result<ProjectDashboard> {
    judge(Some(role), Right::View, "project")?;
    let (project, stats, latest_activity) = sql::project_and_stats(db, role, id)?.ok_or(Error::NotFound("project"))?;
    let (mut members, recent_feedbacks) =
        sql::members_and_recent(db, id, &project.name, &project.color, role.may(Right::SeeInternal))?;
    if !role.may(Right::Manage) {
        members.iter_mut().for_each(|m| m.email = None);
    }
    Ok(ProjectDashboard { project, stats, members, recent_feedbacks, latest_activity })
}
