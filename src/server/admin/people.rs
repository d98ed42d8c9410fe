//! `/admin/people`: accounts. Invite, hand over a code for a new password, lock, give a role on the instance.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{Desk, back};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::ids::UserId;
use crate::base::locale::{Lang, Text};
use crate::base::roles::SiteRole;
use crate::domain::accounts::{self, Account, LISTED, NewPerson};
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
    search: String,
    full: bool,
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

impl Page<'_> {
    fn roles(&self) -> &'static [SiteRole] {
        SiteRole::ALL
    }

    fn is_me(&self, person: &Account) -> bool {
        person.id == self.d.who.user
    }

    fn limit(&self) -> String {
        LISTED.to_string()
    }

    /// Where a form leads back to.
    fn here(&self) -> String {
        let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("q", &self.search).finish();
        if self.search.is_empty() { "/admin/people".into() } else { format!("/admin/people?{query}") }
    }
}

async fn page(
    app: &App,
    d: &Desk,
    search: &str,
    problem: Problem,
    given: Given,
    code: Option<Code>,
) -> Result<Response> {
    let search: String = search.trim().chars().take(100).collect();
    let asked = search.clone();
    let people = app.read(move |db| accounts::list(db, &asked)).await?;
    let full = people.len() as i64 == LISTED;
    html(&Page { f: &d.f, d, people, search, full, problem, given, code })
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    page(&app, &d.at("people"), &asked.q, Problem::default(), Given::default(), None).await
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
    d.must_administer()?;
    let d = d.at("people");
    let new = NewPerson {
        email: given.email.clone(),
        nickname: given.nickname.clone(),
        locale: Lang::from_tag(&given.locale).unwrap_or(d.f.lang),
        site_role: given.site_role.parse().unwrap_or(SiteRole::Member),
    };
    match accounts::invite(&app, &d.who, new).await {
        Ok(invited) => {
            let code = Code::new(&caller, invited.email, invited.code, true);
            page(&app, &d, "", Problem::default(), Given::default(), Some(code)).await
        }
        Err(error) => {
            let (status, problem) = Problem::from(error, &d.f, &["email", "nickname"])?;
            Ok((status, page(&app, &d, "", problem, given, None).await?).into_response())
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
    d.must_administer()?;
    let d = d.at("people");
    let person = app.read(move |db| accounts::me(db, id)).await?;
    let code = accounts::issue_reset(&app.store, Some(d.who.user), id).await?;
    let code = Code::new(&caller, person.email, code, false);
    page(&app, &d, "", Problem::default(), Given::default(), Some(code)).await
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
    d.must_administer()?;
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
    d.must_administer()?;
    let role = form.site_role.parse::<SiteRole>().map_err(|text: Text| Error::invalid("site_role", text))?;
    let done = accounts::set_site_role(&app, &d.who, id, role).await;
    answer(&app, d, done, &form.back, "role").await
}

/// Back to the list, or the list with what forbids it.
async fn answer(app: &App, d: Desk, done: Result<()>, to: &str, said: &'static str) -> Result<Response> {
    let Err(error) = done else { return Ok(back(to, "/admin/people", said)) };
    let d = d.at("people");
    let (status, problem) = Problem::from(error, &d.f, &[])?;
    Ok((status, page(app, &d, "", problem, Given::default(), None).await?).into_response())
}
