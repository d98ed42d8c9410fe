//! `/admin/requests`: every route against its budget over the last minutes, what was slow, and one route by itself.

use std::collections::{BTreeSet, HashMap};

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::live::Parts;
use super::table::{self, Cell, Column, Table, number, words as text};
use super::{Desk, words};
use crate::app::App;
use crate::base::budget::GUIDE;
use crate::base::error::{Error, Result};
use crate::base::ids::UserId;
use crate::domain::accounts;
use crate::domain::http::Query;
use crate::engines::metrics::{OneRoute, RouteNow, RoutesNow, Slow, Window};
use crate::server::web::Frame;
use crate::server::web::frame::html;

/// The periods that are offered, as the address says them.
const PERIODS: [(&str, Window); 4] =
    [("1", Window::Minutes(1)), ("5", Window::Minutes(5)), ("15", Window::Minutes(15)), ("start", Window::Start)];
/// The period without a wish.
const USUAL: usize = 1;
/// Slow requests of one route that its own page shows.
const OF_ONE: usize = 50;
/// Borders of the histogram that is shown, in microseconds.
const BORDERS_US: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_500_000, 10_000_000,
    60_000_000,
];

const ROUTES: &[Column] = &[
    text("route"),
    number("requests"),
    number("rate"),
    number("p50"),
    number("p95"),
    number("p99"),
    number("errors"),
    number("refused"),
    number("statements"),
    number("bytes"),
    number("slow"),
    text("budget"),
];
const SLOW: &[Column] = &[
    number("at"),
    text("route"),
    number("status"),
    number("took"),
    number("statements"),
    number("statements_time"),
    text("cache"),
    text("user"),
    text("request"),
];

/// What the address says.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    sort: String,
    q: String,
    format: String,
    /// `slow` for the slow ones; else the routes.
    list: String,
    minutes: String,
    /// One route: method, a blank, path template.
    route: String,
}

impl Asked {
    fn period(&self) -> (&'static str, Window) {
        PERIODS.into_iter().find(|(name, _)| *name == self.minutes).unwrap_or(PERIODS[USUAL])
    }

    fn table(&self) -> table::Asked {
        table::Asked { sort: self.sort.clone(), q: self.q.clone(), format: self.format.clone() }
    }

    fn is_slow(&self) -> bool {
        self.list == "slow"
    }

    /// Method and path of the one route that is asked for.
    fn one(&self) -> Option<(&str, &str)> {
        self.route.split_once(' ')
    }
}

#[derive(Template)]
#[template(path = "admin/requests.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    asked: &'a Asked,
    period: &'static str,
    figures: String,
    table: String,
    /// Of one route, its own panel.
    one: Option<String>,
    slow: usize,
    on: bool,
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    let d = d.at("requests");
    let f = &d.f;
    let slow = of_route(app.metrics.slow(), &asked);
    let table = if asked.is_slow() || asked.one().is_some() {
        slow_table(&app, f, &asked, &slow).await?
    } else {
        routes_table(f, &asked, &app.metrics.routes(asked.period().1))
    };
    if asked.table().csv() {
        return Ok(table.csv(f));
    }
    html(&Page {
        f,
        d: &d,
        asked: &asked,
        period: asked.period().0,
        figures: figures(&app, f, &asked)?,
        table: table.draw(f)?,
        one: one(&app, f, &asked)?,
        slow: slow.len(),
        on: app.metrics.is_on(),
    })
}

/// What the stream sends anew.
pub(super) async fn parts(app: &App, f: &Frame, query: &str) -> Result<Parts> {
    let asked: Asked = serde_urlencoded::from_str(query).unwrap_or_default();
    let mut parts = vec![("figures", figures(app, f, &asked)?)];
    if let Some(one) = one(app, f, &asked)? {
        parts.push(("one", one));
    }
    if asked.is_slow() || asked.one().is_some() {
        let slow = of_route(app.metrics.slow(), &asked);
        parts.push(("slow-rows", slow_table(app, f, &asked, &slow).await?.draw_rows(f)?));
    } else {
        let now = app.metrics.routes(asked.period().1);
        parts.push(("requests-rows", routes_table(f, &asked, &now).draw_rows(f)?));
    }
    Ok(parts)
}

fn of_route(mut slow: Vec<Slow>, asked: &Asked) -> Vec<Slow> {
    if let Some((method, path)) = asked.one() {
        slow.retain(|s| s.method == method && *s.route == *path);
        slow.truncate(OF_ONE);
    }
    slow
}

/// The address of one route's own page.
pub(super) fn route_address(name: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("route", name).finish();
    format!("/admin/requests?{query}")
}

/// The four numbers on top: of all routes together.
fn figures(app: &App, f: &Frame, asked: &Asked) -> Result<String> {
    let (period, window) = asked.period();
    let now = app.metrics.routes(window);
    Figures { f, period, now, present: app.metrics.present().p95_us }.render().map_err(Error::internal)
}

#[derive(Template)]
#[template(path = "admin/parts/requests_figures.html")]
struct Figures<'a> {
    f: &'a Frame,
    period: &'static str,
    now: RoutesNow,
    /// 95 % of the last minute's.
    present: u64,
}

impl Figures<'_> {
    fn sum(&self, of: fn(&RouteNow) -> u64) -> u64 {
        self.now.rows.iter().map(of).sum()
    }

    fn requests(&self) -> u64 {
        self.sum(|r| r.requests)
    }

    fn rate(&self) -> String {
        words::rate(self.requests() as f64 / self.now.seconds.max(0.001))
    }

    fn errors(&self) -> String {
        words::percent(self.sum(|r| r.errors) as f64 / self.requests().max(1) as f64)
    }

    fn slow(&self) -> u64 {
        self.sum(|r| r.slow)
    }

    /// Routes of which 95 % took longer than they may.
    fn over(&self) -> usize {
        self.now.rows.iter().filter(|r| class(r.judged()[1]) == "bad").count()
    }

    fn p95(&self) -> String {
        words::time(self.present)
    }

    fn p95_class(&self) -> &'static str {
        class((self.present, Some(GUIDE[1])))
    }

    fn since(&self) -> String {
        self.f.label("admin.requests.period", self.period)
    }
}

/// Within its budget, near it, over it.
fn class((us, budget): (u64, Option<u64>)) -> &'static str {
    match budget {
        Some(budget) if us > budget => "bad",
        Some(budget) if us * 4 > budget * 3 => "warn",
        _ => "",
    }
}

fn routes_table(f: &Frame, asked: &Asked, now: &RoutesNow) -> Table {
    let rows = now.rows.iter().map(|r| {
        let name = format!("{} {}", r.method, r.path);
        let [p50, p95, p99] =
            r.judged().map(|(us, budget)| Cell::number(us as f64 / 1e3, words::time(us)).class(class((us, budget))));
        let count = |n: u64| Cell::number(n as f64, n.to_string());
        vec![
            Cell::text(&name).link(route_address(&name)).class("mono"),
            count(r.requests),
            Cell::number(r.per_second, words::rate(r.per_second)),
            p50,
            p95,
            p99,
            Cell::number(r.error_rate, words::percent(r.error_rate)).class(if r.errors > 0 { "bad" } else { "" }),
            count(r.refused),
            Cell::number(r.statements_each(), words::rate(r.statements_each())),
            Cell::number(r.bytes as f64, words::size(r.bytes)),
            count(r.slow).class(if r.slow > 0 { "warn" } else { "" }),
            Cell::text(f.label("admin.budget", r.budget)),
        ]
    });
    Table::new("requests", "/admin/requests", ROUTES, "-requests", asked.table())
        .keep("minutes", &asked.minutes)
        .fill(rows)
}

async fn slow_table(app: &App, f: &Frame, asked: &Asked, slow: &[Slow]) -> Result<Table> {
    let people: BTreeSet<UserId> = slow.iter().filter_map(|s| s.user).collect();
    let names: HashMap<UserId, String> = match people.is_empty() {
        true => HashMap::new(),
        false => app.read(move |db| accounts::nicknames(db, &people.into_iter().collect::<Vec<_>>())).await?,
    };
    let rows = slow.iter().map(|s| {
        let name = format!("{} {}", s.method, s.route);
        let who = s.user.map_or_else(
            || f.t("admin.requests.nobody"),
            |id| names.get(&id).cloned().unwrap_or_else(|| format!("#{id}")),
        );
        let ms = |us: u64| Cell::number(us as f64 / 1e3, words::time(us));
        vec![
            Cell::time(Some(s.at)),
            Cell::text(&name).link(route_address(&name)).class("mono"),
            Cell::number(f64::from(s.status), s.status.to_string()).class(if s.status >= 500 { "bad" } else { "" }),
            ms(s.took_us).class("strong"),
            Cell::number(f64::from(s.statements), s.statements.to_string()),
            ms(s.statements_us),
            Cell::text(s.cache),
            Cell::text(who),
            Cell::text(&s.request).link(format!("/admin/logs?request={}", s.request)).class("mono"),
        ]
    });
    Ok(Table::new("slow", "/admin/requests", SLOW, "-at", asked.table())
        .keep("list", &asked.list)
        .keep("route", &asked.route)
        .fill(rows))
}

/// The panel of one route; `None` if all are asked for.
fn one(app: &App, f: &Frame, asked: &Asked) -> Result<Option<String>> {
    let Some((method, path)) = asked.one() else { return Ok(None) };
    let route = app.metrics.route(method, path, asked.period().1);
    One { f, route }.render().map(Some).map_err(Error::internal)
}

#[derive(Template)]
#[template(path = "admin/parts/requests_one.html")]
struct One<'a> {
    f: &'a Frame,
    /// Nothing was asked of it yet.
    route: Option<OneRoute>,
}

/// A time beside its budget.
struct Judged {
    name: &'static str,
    time: String,
    budget: String,
    class: &'static str,
}

/// A bar of the histogram.
struct Bar {
    up_to: String,
    count: u64,
    /// 0–100 of the longest.
    part: u64,
    /// Beyond the budget of 95 %.
    class: &'static str,
}

impl One<'_> {
    fn judged(&self, r: &OneRoute) -> Vec<Judged> {
        let row = |(name, (us, budget)): (&'static str, (u64, Option<u64>))| Judged {
            name,
            time: words::time(us),
            budget: budget.map_or_else(|| "–".to_owned(), words::time),
            class: class((us, budget)),
        };
        ["p50", "p95", "p99"].into_iter().zip(r.now.judged()).map(row).collect()
    }

    /// From the first that is not empty to the last.
    fn bars(&self, r: &OneRoute) -> Vec<Bar> {
        let budget = r.now.judged()[1].1.unwrap_or(u64::MAX);
        let mut below = 0;
        let mut counts: Vec<(Option<u64>, u64)> = Vec::new();
        for us in BORDERS_US {
            let so_far = r.times.below(us);
            counts.push((Some(us), so_far - below));
            below = so_far;
        }
        counts.push((None, r.times.count() - below));
        let most = counts.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1);
        let first = counts.iter().position(|(_, n)| *n > 0).unwrap_or(0);
        let last = counts.iter().rposition(|(_, n)| *n > 0).map_or(0, |last| last + 1);
        let bar = |(us, count): &(Option<u64>, u64)| Bar {
            up_to: match us {
                Some(us) => self.f.tw("admin.requests.up_to", &[("n", &words::time(*us))]),
                None => self.f.tw("admin.requests.above", &[("n", &words::time(BORDERS_US[BORDERS_US.len() - 1]))]),
            },
            count: *count,
            part: (*count * 100).div_ceil(most),
            class: if us.is_none_or(|us| us > budget) { "bad" } else { "" },
        };
        counts[first..last.max(first)].iter().map(bar).collect()
    }

    fn rate(&self, r: &OneRoute) -> String {
        words::rate(r.now.per_second)
    }

    fn each(&self, r: &OneRoute) -> String {
        words::rate(r.now.statements_each())
    }

    fn size(&self, bytes: &u64) -> String {
        words::size(*bytes)
    }

    fn errors(&self, r: &OneRoute) -> String {
        words::percent(r.now.error_rate)
    }
}

impl Page<'_> {
    fn periods(&self) -> impl Iterator<Item = &'static str> {
        PERIODS.into_iter().map(|(name, _)| name)
    }

    /// The same page over another period.
    fn over(&self, period: &str) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        let kept = [("route", &self.asked.route), ("sort", &self.asked.sort), ("q", &self.asked.q)];
        pairs.extend_pairs(kept.into_iter().filter(|(_, value)| !value.is_empty()));
        pairs.append_pair("minutes", period);
        format!("/admin/requests?{}", pairs.finish())
    }

    fn slow_list(&self) -> bool {
        self.asked.is_slow()
    }
}
