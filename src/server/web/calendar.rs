//! `/calendar`: month, week and gantt over all projects of a person. The page says everything as a table; the scripts draw
//! it and let it be changed.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::day::Day;
use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::base::page::PageQuery;
use crate::domain::http::Query;
use crate::domain::rooms::mine;
use crate::domain::schedule::calendar::{Calendar, calendar};
use crate::domain::schedule::gantt::{GanttProject, GanttRow, gantt};
use crate::domain::schedule::{holidays, look, zone};

/// Projects of the gantt that the page brings; its scripts ask for more.
const ROWS: i64 = 25;
/// Days around today for which the gantt names holidays.
pub(super) const AXIS: i64 = 1200;

#[derive(Template)]
#[template(path = "calendar.html")]
struct Page {
    f: Frame,
    views: [View; 3],
    view: View,
    day: Day,
    before: Day,
    after: Day,
    from: Day,
    to: Day,
    /// The rows of the gantt, where that is asked for.
    gantt: Option<Vec<GanttRow>>,
    lines: Vec<Line>,
}

/// Something that stands on days.
struct Line {
    from: Day,
    to: Day,
    what: String,
    project: Option<GanttProject>,
}

#[derive(Clone, Copy, PartialEq)]
enum View {
    Month,
    Week,
    Gantt,
}

impl View {
    const ALL: [View; 3] = [View::Month, View::Week, View::Gantt];

    fn name(&self) -> &'static str {
        match self {
            View::Month => "month",
            View::Week => "week",
            View::Gantt => "gantt",
        }
    }

    /// First and last day that are shown: whole weeks, which begin on Sundays.
    fn reach(self, day: Day) -> (Day, Day) {
        match self {
            View::Week => (day.week_start(), plus(day.week_start(), 6)),
            _ => {
                let first = day.month_start();
                (first.week_start(), plus(plus(first.months_on(1), -1).week_start(), 6))
            }
        }
    }

    /// The same place one view on, or back.
    fn step(self, day: Day, by: i64) -> Day {
        match self {
            View::Week => plus(day, 7 * by),
            _ => day.months_on(by),
        }
    }
}

/// At the end of the calendar it goes no further.
fn plus(day: Day, days: i64) -> Day {
    day.plus(days).unwrap_or(if days < 0 { Day::MIN } else { Day::MAX })
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    view: String,
    #[serde(default)]
    day: String,
}

pub(super) async fn show(State(app): State<App>, f: Frame, Query(asked): Query<Asked>) -> Result<Response> {
    let (who, zone) = (f.viewer()?, zone(&app));
    let look = look(&app, &who);
    // What an old link asks for and is not there is the month, and today.
    let view = View::ALL.into_iter().find(|v| v.name() == asked.view).unwrap_or(View::Month);
    let day: Day = asked.day.parse().unwrap_or(look.today);
    let (from, to) = view.reach(day);
    let slice = PageQuery { page: None, page_size: Some(ROWS) }.check()?;
    // The place first: what happens while the rest is read is told again, not missed.
    let (seq, days, rows) = app
        .read(move |db| {
            let seq = mine::begin(db, who.user, None)?.seq;
            Ok(match view {
                View::Gantt => (seq, None, Some(gantt(db, look, (None, None), "/calendar", slice)?)),
                _ => (seq, Some(calendar(db, look, (from, to), &zone)?), None),
            })
        })
        .await?;
    let holidays = holidays::between(plus(look.today, -AXIS), plus(look.today, AXIS));
    let data =
        json!({ "seq": seq, "view": view.name(), "day": day, "data": days, "gantt": rows, "holidays": holidays });
    let lines = days.map_or_else(Vec::new, |days| lines(&f, days));
    html(&Page {
        f: f.at("calendar").with("calendar", data),
        views: View::ALL,
        view,
        day,
        before: view.step(day, -1),
        after: view.step(day, 1),
        from,
        to,
        gantt: rows.map(|rows| rows.page.results),
        lines,
    })
}

/// All that stands in a calendar, by days.
fn lines(f: &Frame, days: Calendar) -> Vec<Line> {
    let Calendar { projects, phases, entries, deadlines, holidays, .. } = days;
    let project = |id: Option<ProjectId>| projects.iter().find(|p| Some(p.id) == id).cloned();
    let phase = phases.iter().filter_map(|p| {
        let (from, to) = p.phase.days()?;
        let what = f.label("js.calendar.phase", p.phase.phase);
        Some(Line { from, to, what, project: project(Some(p.project_id)) })
    });
    let entry = entries.into_iter().map(|e| {
        let what = format!("{}: {}", f.label("js.calendar.kind", e.kind), e.title);
        Line { from: e.first_day, to: e.last_day, what, project: project(e.project_id) }
    });
    let deadline = deadlines.iter().map(|d| {
        let what = f.t("js.calendar.deadline");
        Line { from: d.day, to: d.day, what, project: project(Some(d.project_id)) }
    });
    let holiday = holidays.into_iter().map(|h| {
        let what = if f.lang() == "en" { h.name_en } else { h.name };
        Line { from: h.day, to: h.day, what, project: None }
    });
    let mut all: Vec<Line> = phase.chain(entry).chain(deadline).chain(holiday).collect();
    all.sort_by_key(|line| (line.from, line.to));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn views_show_whole_weeks_from_sunday() {
        assert_eq!(View::Month.reach(day("2026-11-28")), (day("2026-11-01"), day("2026-12-05")));
        assert_eq!(View::Month.reach(day("2026-02-14")), (day("2026-02-01"), day("2026-02-28")));
        assert_eq!(View::Week.reach(day("2026-11-28")), (day("2026-11-22"), day("2026-11-28")));
        assert_eq!(View::Week.reach(day("2026-11-29")), (day("2026-11-29"), day("2026-12-05")));
    }

    #[test]
    fn a_step_is_a_month_or_a_week_and_ends_where_the_calendar_does() {
        assert_eq!(View::Month.step(day("2026-01-31"), 1), day("2026-02-28"));
        assert_eq!(View::Week.step(day("2026-01-31"), -1), day("2026-01-24"));
        assert_eq!(View::Month.step(Day::MAX, 1), Day::MAX);
        assert_eq!(View::Week.step(Day::MIN, -1), Day::MIN);
        assert_eq!(View::Month.reach(Day::MAX).1, Day::MAX);
    }
}
