//! `/admin/schedule`: what is done again and again, when, and how it went last. Run now, pause, set when.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::{Desk, back, words};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::job::JobState;
use crate::base::locale::Text;
use crate::domain::http::Path;
use crate::engines::schedule::{self, Change, LastRun, Missed, Row};
use crate::server::web::Frame;
use crate::server::web::error::Problem;
use crate::server::web::form::Form;
use crate::server::web::frame::html;
use crate::work;

const HERE: &str = "/admin/schedule";

#[derive(Template)]
#[template(path = "admin/schedule.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    rows: Vec<Row>,
    now: Time,
    /// The entry whose form was refused, what was typed into it, and what is wrong.
    refused: Option<(String, Given)>,
    problem: Problem,
}

pub(super) async fn show(State(app): State<App>, d: Desk) -> Result<Response> {
    page(&app, &d.at("schedule"), None, Problem::default()).await
}

async fn page(app: &App, d: &Desk, refused: Option<(String, Given)>, problem: Problem) -> Result<Response> {
    let mut rows = app.read(schedule::list).await?;
    // In the order of the code; what another version of the program left has nothing that could run.
    let place = |row: &Row| work::SCHEDULE.iter().position(|e| e.name() == row.name);
    rows.retain(|row| place(row).is_some());
    rows.sort_by_key(place);
    html(&Page { f: &d.f, d, rows, now: app.clock.now(), refused, problem })
}

impl Page<'_> {
    fn plain(&self, row: &Row) -> String {
        schedule::describe(&row.cron, self.f.lang)
    }

    /// Is the plain language only the expression again?
    fn is_plain(&self, row: &Row) -> bool {
        self.plain(row) != row.cron
    }

    /// A moment as a clock in the entry's zone shows it.
    fn local(&self, at: &Time, row: &Row) -> String {
        let zone = TimeZone::get(&row.time_zone).unwrap_or(TimeZone::UTC);
        let stamp = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
        stamp.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string()
    }

    fn until(&self, at: &Time) -> String {
        let left = at.0 - self.now.0;
        if left <= 0 {
            return self.f.t("admin.schedule.now");
        }
        self.f.tw("admin.schedule.in", &[("n", &words::lasting(self.f, left))])
    }

    fn lasted(&self, run: &LastRun) -> Option<String> {
        Some(words::lasting(self.f, run.finished?.0 - run.started?.0))
    }

    /// The list of jobs in which a run stands.
    fn list_of(&self, run: &LastRun) -> &'static str {
        match run.state {
            JobState::Waiting | JobState::Ready | JobState::Running | JobState::Retry => "now",
            JobState::Failed | JobState::Dead => "failed",
            JobState::Done | JobState::Cancelled => "over",
        }
    }

    /// What a run brought, in a line: the numbers that are not 0, under their names.
    fn brought(&self, run: &LastRun) -> Option<String> {
        let Some(Value::Object(result)) = &run.result else { return None };
        let text = |key: String| Some(self.f.t(&key)).filter(|text| *text != key);
        let said = |(key, value): (&String, &Value)| {
            let name = format!("admin.schedule.result.{key}");
            match value {
                Value::Bool(value) => text(format!("{name}.{value}")),
                // How long it took stands beside it already; a place in the journal tells an operator nothing.
                Value::Number(_) if ["ms", "indexed"].contains(&key.as_str()) => None,
                Value::Number(n) => {
                    let n = n.as_i64().filter(|n| *n != 0 || key.ends_with("_after"))?;
                    let value = match key.as_str() {
                        key if key.contains("bytes") => words::size(n),
                        _ => n.to_string(),
                    };
                    Some(format!("{} {value}", text(name).unwrap_or_else(|| key.replace('_', " "))))
                }
                _ => None,
            }
        };
        // What is told of a part stands one level deeper (`uploads` of a clean-up).
        let flat = result.iter().flat_map(|(key, value)| match value {
            Value::Object(part) => part.iter().collect::<Vec<_>>(),
            _ => vec![(key, value)],
        });
        let parts: Vec<String> = flat.filter_map(said).collect();
        let nothing = || self.f.t("admin.schedule.result.nothing");
        Some(if parts.is_empty() { nothing() } else { parts.join(" · ") })
    }

    fn refused_here(&self, row: &Row) -> bool {
        self.refused.as_ref().is_some_and(|(name, _)| *name == row.name)
    }

    /// What stands in an entry's form: what was typed, or what holds.
    fn given(&self, row: &Row) -> Given {
        match &self.refused {
            Some((name, given)) if *name == row.name => given.clone(),
            _ => Given { cron: row.cron.clone(), time_zone: row.time_zone.clone(), missed: row.missed.to_string() },
        }
    }

    /// What is wrong with a field of an entry's form.
    fn wrong(&self, row: &Row, field: &str) -> Option<&str> {
        self.problem.of(field).filter(|_| self.refused_here(row))
    }

    fn policies(&self) -> &'static [Missed] {
        Missed::ALL
    }
}

pub(super) async fn run(State(app): State<App>, d: Desk, Path(name): Path<String>) -> Result<Response> {
    let (actor, entry) = (d.who.user, work::entry(&name)?);
    app.write(move |tx| schedule::run_now(tx, Some(actor), entry)).await?;
    Ok(back("", HERE, "asked"))
}

pub(super) async fn pause(State(app): State<App>, d: Desk, Path(name): Path<String>) -> Result<Response> {
    set_paused(&app, &d, &name, true).await
}

pub(super) async fn resume(State(app): State<App>, d: Desk, Path(name): Path<String>) -> Result<Response> {
    set_paused(&app, &d, &name, false).await
}

async fn set_paused(app: &App, d: &Desk, name: &str, paused: bool) -> Result<Response> {
    d.must_administer()?;
    let (actor, name) = (d.who.user, work::entry(name)?.name());
    app.write(move |tx| schedule::set_paused(tx, Some(actor), name, paused)).await?;
    Ok(back("", HERE, if paused { "paused" } else { "resumed" }))
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    cron: String,
    time_zone: String,
    missed: String,
}

pub(super) async fn change(
    State(app): State<App>,
    d: Desk,
    Path(name): Path<String>,
    Form(given): Form<Given>,
) -> Result<Response> {
    d.must_administer()?;
    let d = d.at("schedule");
    let (actor, name) = (d.who.user, work::entry(&name)?.name());
    let done = match given.missed.parse().map_err(|text: Text| Error::invalid("missed", text)) {
        Ok(missed) => {
            let (cron, time_zone) = (given.cron.trim().to_owned(), given.time_zone.trim().to_owned());
            let to = Change { cron, time_zone, missed };
            app.write(move |tx| schedule::change(tx, Some(actor), name, to)).await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(Redirect::to(&format!("{HERE}?done=planned#{name}")).into_response()),
        Err(error) => {
            let (status, problem) = Problem::from(error, &d.f, &["cron", "time_zone", "missed"])?;
            Ok((status, page(&app, &d, Some((name.to_owned(), given)), problem).await?).into_response())
        }
    }
}
