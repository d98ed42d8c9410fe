//! `/projects/{id}/schedule`: the phases of one project as a gantt, its entries and its memos.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::calendar::AXIS;
use super::frame::{Frame, html};
use crate::app::App;
use crate::base::day::Day;
use crate::base::error::Result;
use crate::base::fields::Wanted;
use crate::base::ids::ProjectId;
use crate::base::roles::Right;
use crate::domain::http::Path;
use crate::domain::journal;
use crate::domain::projects::{self, Project, judge};
use crate::domain::schedule::calendar::calendar;
use crate::domain::schedule::entries::CalendarEntry;
use crate::domain::schedule::memos::{self, Memo};
use crate::domain::schedule::{self, Schedule, holidays, look, zone};

/// Days back and ahead within which entries are listed; together what one answer of the calendar may hold.
const BACK: i64 = 180;
const AHEAD: i64 = 185;

#[derive(Template)]
#[template(path = "schedule.html")]
struct Page {
    f: Frame,
    p: Project,
    schedule: Schedule,
    entries: Vec<CalendarEntry>,
    memos: Vec<Memo>,
    /// May he plan? Whether a change is taken is decided by `projects::allow`.
    may: bool,
    manage: bool,
}

pub(super) async fn show(State(app): State<App>, f: Frame, Path(id): Path<ProjectId>) -> Result<Response> {
    let who = f.viewer()?;
    let role = judge(who.role(id), Right::View, "project")?;
    let (look, zone) = (look(&app, &who), zone(&app));
    let around = |days: i64| look.today.plus(days).unwrap_or(if days < 0 { Day::MIN } else { Day::MAX });
    let (from, to) = (around(-BACK), around(AHEAD));
    let (seq, p, schedule, memos, entries) = app
        .read(move |db| {
            // The place first: what happens while the rest is read is told again, not missed.
            let seq = journal::last(db, id)?;
            let p = projects::get(db, role, id, &Wanted::ALL)?;
            let schedule = schedule::get(db, role, look, id)?;
            let memos = memos::list(db, role, id)?.memos;
            let mut entries = calendar(db, look, (from, to), &zone)?.entries;
            entries.retain(|e| e.project_id == Some(id));
            Ok((seq, p, schedule, memos, entries))
        })
        .await?;
    let (may, manage) = (p.my_role.may(Right::Plan), p.my_role.may(Right::Manage));
    let data = json!({
        "seq": seq,
        "may": may,
        "project": { "id": p.id, "name": p.name, "client": p.client, "color": p.color, "deadline": p.deadline },
        "schedule": schedule,
        "entries": entries,
        "memos": memos,
        "holidays": holidays::between(around(-AXIS), around(AXIS)),
    });
    html(&Page { f: f.at("projects").with("schedule", data), p, schedule, entries, memos, may, manage })
}
