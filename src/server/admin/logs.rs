//! `/admin/logs`: the last lines that the program told, by level, module, text and request; live; and what is told from
//! now on, for good or for a while.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::live::Parts;
use super::{Desk, back, words};
use crate::app::App;
use crate::base::clock::{MINUTE, Time};
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::locale::Text;
use crate::domain::http::Query;
use crate::engines::log::{self, Filter, Level, Line, Wanted};
use crate::server::web::Frame;
use crate::server::web::error::Problem;
use crate::server::web::form::Form;
use crate::server::web::frame::html;

/// Lines of a page.
const LISTED: usize = 200;
/// Minutes for which a filter may be set.
const WHILES: [i64; 3] = [15, 60, 24 * 60];

#[derive(Template)]
#[template(path = "admin/logs.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    asked: Asked,
    lines: String,
    /// The last line that is shown, where there are more before it.
    more: Option<u64>,
    kept: usize,
    since: Option<Time>,
    counts: [u64; Level::ALL.len()],
    filter: Filter,
    problem: Problem,
    given: Given,
    now: Time,
}

/// The lines alone; the stream draws them anew.
#[derive(Template)]
#[template(path = "admin/parts/log_lines.html")]
struct Lines<'a> {
    f: &'a Frame,
    asked: &'a Asked,
    lines: &'a [Arc<Line>],
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    level: String,
    target: String,
    q: String,
    request: String,
    before: Option<u64>,
    format: String,
}

impl Asked {
    fn wanted(&self) -> Wanted {
        let cut = |text: &str| text.trim().chars().take(100).collect::<String>();
        Wanted {
            // An unknown level in an old link is none.
            level: self.level.parse().ok(),
            target: cut(&self.target),
            text: cut(&self.q),
            request: cut(&self.request),
            before: self.before,
        }
    }

    /// The address of the same lines with something else instead.
    fn address(&self, name: &str, value: &str) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        let all = [("level", &self.level), ("target", &self.target), ("q", &self.q), ("request", &self.request)];
        for (n, v) in all.into_iter().filter(|(n, v)| *n != name && !v.is_empty()) {
            pairs.append_pair(n, v);
        }
        if !value.is_empty() {
            pairs.append_pair(name, value);
        }
        format!("/admin/logs?{}", pairs.finish())
    }
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    if asked.format == "jsonl" {
        return file(&asked);
    }
    page(&app, &d.at("logs"), asked, Problem::default(), Given::default())
}

fn page(app: &App, d: &Desk, asked: Asked, problem: Problem, given: Given) -> Result<Response> {
    let mut lines = log::ring().find(&asked.wanted(), LISTED + 1);
    let more = (lines.len() > LISTED).then(|| lines[LISTED - 1].seq);
    lines.truncate(LISTED);
    let drawn = Lines { f: &d.f, asked: &asked, lines: &lines }.render().map_err(Error::internal)?;
    let ((kept, since), counts, filter) = (log::ring().reach(), log::ring().counts(), log::filter());
    let now = app.clock.now();
    html(&Page { f: &d.f, d, asked, lines: drawn, more, kept, since, counts, filter, problem, given, now })
}

/// One JSON object a line, oldest first.
fn file(asked: &Asked) -> Result<Response> {
    let mut text = String::new();
    for line in log::ring().find(&asked.wanted(), usize::MAX).iter().rev() {
        text.push_str(&serde_json::to_string(&**line).map_err(Error::internal)?);
        text.push('\n');
    }
    let name = "attachment; filename=\"videoplanet-log.jsonl\"";
    Ok(([(CONTENT_TYPE, "application/x-ndjson; charset=utf-8"), (CONTENT_DISPOSITION, name)], text).into_response())
}

/// What lives on the page, for its stream.
pub(super) async fn parts(_: &App, f: &Frame, query: &str) -> Result<Parts> {
    let asked: Asked = serde_urlencoded::from_str(query).unwrap_or_default();
    let lines = log::ring().find(&asked.wanted(), LISTED);
    Ok(vec![("log-lines", Lines { f, asked: &asked, lines: &lines }.render().map_err(Error::internal)?)])
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    filter: String,
    /// 0: for good.
    minutes: i64,
    back: String,
}

/// Sets what is told from now on.
pub(super) async fn set_filter(State(app): State<App>, d: Desk, Form(given): Form<Given>) -> Result<Response> {
    d.must_administer()?;
    let checked = log::check_filter(&given.filter).and_then(|filter| match given.minutes {
        0 => Ok((filter, None)),
        n if WHILES.contains(&n) => Ok((filter, Some(app.clock.now().plus(n * MINUTE)))),
        _ => {
            let allowed = WHILES.map(|n| n.to_string()).join(", ");
            Err(Error::invalid("minutes", Text::new("invalid.one_of").with("allowed", allowed)))
        }
    });
    let (filter, until) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            let (status, problem) = Problem::from(error, &d.f, &["filter"])?;
            return Ok((status, page(&app, &d.at("logs"), Asked::default(), problem, given)?).into_response());
        }
    };
    let (actor, was, named) = (d.who.user, log::filter().now, filter.clone());
    // First the journal: nothing is set that nobody can find there.
    app.write(move |tx| tx.emit(None, Some(actor), Event::LogFilterSet { filter: named, was, until }, None)).await?;
    log::set_filter(&filter, until)?;
    Ok(back(&given.back, "/admin/logs", "log_filter"))
}

impl Page<'_> {
    fn levels(&self) -> &'static [Level] {
        Level::ALL
    }

    fn errors(&self) -> u64 {
        self.counts[Level::Error as usize]
    }

    fn warnings(&self) -> u64 {
        self.counts[Level::Warn as usize]
    }

    fn is_chosen(&self, minutes: &i64) -> bool {
        self.given.minutes == *minutes
    }

    fn whiles(&self) -> [(String, i64); 3] {
        WHILES.map(|n| (words::lasting(self.f, n * MINUTE), n))
    }

    /// How long the present filter holds.
    fn left(&self) -> Option<String> {
        self.filter.until.map(|until| words::lasting(self.f, until.0 - self.now.0))
    }

    /// What stands in the field for the filter.
    fn typed(&self) -> &str {
        if self.given.filter.is_empty() { &self.filter.now } else { &self.given.filter }
    }

    fn is_filtered(&self) -> bool {
        let a = &self.asked;
        [&a.level, &a.target, &a.q, &a.request].iter().any(|text| !text.is_empty())
    }

    fn here(&self) -> String {
        self.asked.address("", "")
    }

    fn file(&self) -> String {
        self.asked.address("format", "jsonl")
    }

    fn older(&self, seq: &u64) -> String {
        self.asked.address("before", &seq.to_string())
    }
}

impl Lines<'_> {
    /// The module without the program's own name.
    fn module<'l>(&self, line: &'l Line) -> &'l str {
        line.target.strip_prefix("videoplanet::").unwrap_or(line.target)
    }

    /// To the second's thousandth, in UTC.
    fn at(&self, line: &Line) -> String {
        line.at.to_string().replace('T', " ")
    }

    fn of_request(&self, id: &str) -> String {
        self.asked.address("request", id)
    }

    fn of_module(&self, line: &Line) -> String {
        self.asked.address("target", line.target)
    }
}
