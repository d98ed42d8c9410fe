//! `/admin/people`: accounts, by name, role and state, and as a file. Invite, hand over a code for a new password, lock,
//! give a role on the instance.

use askama::Template;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{Desk, back};
use crate::app::App;
use crate::base::csv;
use crate::base::error::{Error, Result};
use crate::base::ids::UserId;
use crate::base::locale::{Lang, Text};
use crate::base::roles::SiteRole;
use crate::domain::accounts::people::{self, Account, FILE, Filter, Order, PAGE, Which};
use crate::domain::accounts::{self, NewPerson};
use crate::domain::http::{Caller, Path, Query};
use crate::server::web::Frame;
use crate::server::web::error::Problem;
use crate::server::web::form::Form;
use crate::server::web::frame::html;

#[derive(Template)]
#[template(path = "admin/people.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    people: Vec<Account>,
    asked: Asked,
    pages: Pages,
    /// What is wrong with the form for a new person, and what was typed into it.
    problem: Problem,
    given: Given,
    /// A code that is shown this once.
    code: Option<Code>,
}

struct Code {
    email: String,
    code: String,
    link: String,
    /// Is it a new person's first?
    first: bool,
}

/// Which page of how many is shown.
pub(super) struct Pages {
    pub(super) page: i64,
    pub(super) pages: i64,
    pub(super) count: i64,
}

impl Pages {
    pub(super) fn new(page: i64, count: i64, size: i64) -> Pages {
        Pages { page, pages: ((count + size - 1) / size).max(1), count }
    }
}

/// A column that sorts: its name, and the orders of a first and a second click.
const SORTS: [(&str, Order, Order); 4] = [
    ("who", Order::Name, Order::NameDown),
    ("role", Order::Role, Order::RoleDown),
    ("seen", Order::Seen, Order::SeenDown),
    ("since", Order::Newest, Order::Oldest),
];

impl Page<'_> {
    fn roles(&self) -> &'static [SiteRole] {
        SiteRole::ALL
    }

    fn states(&self) -> &'static [Which] {
        Which::ALL
    }

    fn is_me(&self, person: &Account) -> bool {
        person.id == self.d.who.user
    }

    /// Name of a column, the address that sorts by it, and how it is sorted now.
    fn columns(&self) -> Vec<(&'static str, String, &'static str)> {
        let order = self.asked.filter().order;
        let column = |(name, first, second): (&'static str, Order, Order)| {
            let next = if order == first { second } else { first };
            let is = match order {
                _ if order == first => "ascending",
                _ if order == second => "descending",
                _ => "none",
            };
            (name, self.asked.address(&[("sort", next.as_str())]), is)
        };
        SORTS.into_iter().map(column).collect()
    }

    fn at_page(&self, page: i64) -> String {
        self.asked.address(&[("page", &page.to_string())])
    }

    fn file(&self) -> String {
        self.asked.address(&[("format", "csv")])
    }

    fn is_filtered(&self) -> bool {
        let a = &self.asked;
        [&a.q, &a.role, &a.state].iter().any(|text| !text.is_empty())
    }

    /// Where a form leads back to.
    fn here(&self) -> String {
        self.asked.address(&[])
    }
}

async fn page(
    app: &App,
    d: &Desk,
    asked: Asked,
    problem: Problem,
    given: Given,
    code: Option<Code>,
) -> Result<Response> {
    let (filter, now) = (asked.filter(), app.clock.now());
    let at = asked.page.unwrap_or(1).clamp(1, 1_000_000);
    let (people, count) = app.read(move |db| people::list(db, &filter, at, PAGE, now)).await?;
    let pages = Pages::new(at, count, PAGE);
    html(&Page { f: &d.f, d, people, asked, pages, problem, given, code })
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    role: String,
    state: String,
    sort: String,
    page: Option<i64>,
    format: String,
}

impl Asked {
    /// What an old link says wrongly is not asked.
    fn filter(&self) -> Filter {
        Filter {
            search: self.q.trim().chars().take(100).collect(),
            role: self.role.parse().ok(),
            state: self.state.parse().unwrap_or_default(),
            order: self.sort.parse().unwrap_or_default(),
        }
    }

    /// The address of the list, with something else instead.
    fn address(&self, with: &[(&str, &str)]) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        let all = [("q", &self.q), ("role", &self.role), ("state", &self.state), ("sort", &self.sort)];
        let kept = all.into_iter().map(|(n, v)| (n, v.as_str())).filter(|(n, _)| with.iter().all(|(w, _)| w != n));
        for (name, value) in kept.chain(with.iter().copied()).filter(|(_, value)| !value.is_empty()) {
            pairs.append_pair(name, value);
        }
        let query = pairs.finish();
        if query.is_empty() { "/admin/people".to_owned() } else { format!("/admin/people?{query}") }
    }
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    if asked.format == "csv" {
        return file(&app, &d, &asked).await;
    }
    page(&app, &d.at("people"), asked, Problem::default(), Given::default(), None).await
}

/// The list as a file, at most [`FILE`] accounts.
async fn file(app: &App, d: &Desk, asked: &Asked) -> Result<Response> {
    const COLUMNS: [&str; 8] = ["id", "email", "nickname", "role", "state", "since", "seen", "sessions"];
    let (filter, now) = (asked.filter(), app.clock.now());
    let (people, count) = app.read(move |db| people::list(db, &filter, 1, FILE, now)).await?;
    let mut out = String::from(csv::BOM);
    let head: Vec<String> = COLUMNS.iter().map(|c| d.f.t(&format!("admin.people.column.{c}"))).collect();
    csv::line(&mut out, head.iter().map(String::as_str));
    for p in &people {
        let state = match (p.locked, p.ready) {
            (true, _) => Which::Locked,
            (false, false) => Which::Invited,
            (false, true) => Which::Active,
        };
        let cells = [
            p.id.to_string(),
            p.email.clone(),
            p.nickname.clone(),
            p.site_role.to_string(),
            state.to_string(),
            p.created.to_string(),
            p.last_seen.map_or_else(String::new, |at| at.to_string()),
            p.sessions.to_string(),
        ];
        csv::line(&mut out, cells.iter().map(String::as_str));
    }
    if count > people.len() as i64 {
        let note = d.f.tw("admin.audit.file_more", &[("n", &FILE.to_string())]);
        csv::line(&mut out, [note.as_str()].into_iter());
    }
    let name = "attachment; filename=\"videoplanet-people.csv\"";
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8"), (CONTENT_DISPOSITION, name)], out).into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    email: String,
    nickname: String,
    locale: String,
    site_role: String,
}

pub(super) async fn invite(
    State(app): State<App>,
    d: Desk,
    caller: Caller,
    Form(given): Form<Given>,
) -> Result<Response> {
    // Whoever may steer the instance is not made in a window that somebody left open.
    let site_role = given.site_role.parse().unwrap_or(SiteRole::Member);
    if site_role == SiteRole::Member {
        d.must_administer()?
    } else {
        d.must_confirm()?
    }
    let d = d.at("people");
    let new = NewPerson {
        email: given.email.clone(),
        nickname: given.nickname.clone(),
        locale: Lang::from_tag(&given.locale).unwrap_or(d.f.lang),
        site_role,
    };
    match accounts::invite(&app, &d.who, new).await {
        Ok(invited) => {
            let code = Code::new(&caller, invited.email, invited.code, true);
            page(&app, &d, Asked::default(), Problem::default(), Given::default(), Some(code)).await
        }
        Err(error) => {
            let (status, problem) = Problem::from(error, &d.f, &["email", "nickname"])?;
            Ok((status, page(&app, &d, Asked::default(), problem, given, None).await?).into_response())
        }
    }
}

impl Code {
    fn new(caller: &Caller, email: String, code: String, first: bool) -> Code {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("email", &email).append_pair("code", &code);
        let link = format!("{}/reset?{}", caller.base_url, query.finish());
        Code { email, code, link, first }
    }
}

/// Shows a new code. It is the answer to the form itself, since a redirect would have to keep the secret somewhere.
pub(super) async fn code(State(app): State<App>, d: Desk, caller: Caller, Path(id): Path<UserId>) -> Result<Response> {
    d.must_confirm()?;
    let d = d.at("people");
    let person = app.read(move |db| accounts::me(db, id)).await?;
    let code = accounts::issue_reset(&app.store, Some(d.who.user), id).await?;
    let code = Code::new(&caller, person.email, code, false);
    page(&app, &d, Asked::default(), Problem::default(), Given::default(), Some(code)).await
}

#[derive(Deserialize)]
pub(super) struct Lock {
    locked: bool,
    #[serde(default)]
    back: String,
}

pub(super) async fn lock(
    State(app): State<App>,
    d: Desk,
    Path(id): Path<UserId>,
    Form(form): Form<Lock>,
) -> Result<Response> {
    d.must_confirm()?;
    let said = if form.locked { "locked" } else { "unlocked" };
    let done = accounts::set_locked(&app, &d.who, id, form.locked).await;
    answer(&app, d, done, &form.back, said).await
}

#[derive(Deserialize)]
pub(super) struct Role {
    site_role: String,
    #[serde(default)]
    back: String,
}

pub(super) async fn role(
    State(app): State<App>,
    d: Desk,
    Path(id): Path<UserId>,
    Form(form): Form<Role>,
) -> Result<Response> {
    d.must_confirm()?;
    let role = form.site_role.parse::<SiteRole>().map_err(|text: Text| Error::invalid("site_role", text))?;
    let done = accounts::set_site_role(&app, &d.who, id, role).await;
    answer(&app, d, done, &form.back, "role").await
}

/// Back to the list, or the list with what forbids it.
async fn answer(app: &App, d: Desk, done: Result<()>, to: &str, said: &'static str) -> Result<Response> {
    let Err(error) = done else { return Ok(back(to, "/admin/people", said)) };
    let d = d.at("people");
    let (status, problem) = Problem::from(error, &d.f, &[])?;
    Ok((status, page(app, &d, Asked::default(), problem, Given::default(), None).await?).into_response())
}
