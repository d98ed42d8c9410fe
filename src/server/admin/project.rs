//! `/admin/projects/{id}`: one project: whose it is, who belongs to it, what the audit tells of it; and what is done to it
//! without being its member.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{Back, Desk, audit, back, words};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::domain::http::Path;
use crate::domain::journal::audit as entries;
use crate::domain::projects::members::Member;
use crate::domain::projects::operate::{self, Row};
use crate::domain::storage::trash::{self, What};
use crate::server::web::Frame;
use crate::server::web::error::Problem;
use crate::server::web::form::Form;
use crate::server::web::frame::html;

/// Entries of the audit that are shown here.
const RECENT: i64 = 20;

#[derive(Template)]
#[template(path = "admin/project.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    p: Row,
    members: Vec<Member>,
    audit: String,
    problem: Problem,
    /// What was typed as the new owner's address.
    email: String,
}

pub(super) async fn show(State(app): State<App>, d: Desk, Path(id): Path<ProjectId>) -> Result<Response> {
    page(&app, &d.at("projects"), id, Problem::default(), String::new()).await
}

async fn page(app: &App, d: &Desk, id: ProjectId, problem: Problem, email: String) -> Result<Response> {
    let read = app.read(move |db| {
        let filter = entries::Filter { project: Some(id), ..entries::Filter::default() };
        Ok((operate::get(db, id)?, operate::members(db, id)?, entries::list(db, &filter, None, RECENT)?))
    });
    let (p, members, rows) = read.await?;
    let audit = audit::draw(&d.f, &rows)?;
    html(&Page { f: &d.f, d, p, members, audit, problem, email })
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Deleted {
    /// The project's name, typed.
    name: String,
    back: String,
}

/// Puts one into the trash.
pub(super) async fn delete(
    State(app): State<App>,
    d: Desk,
    Path(id): Path<ProjectId>,
    Form(form): Form<Deleted>,
) -> Result<Response> {
    d.must_confirm()?;
    let done = operate::delete(&app, &d.who, id, &form.name).await;
    answer(&app, d, id, done, (&form.back, "project_deleted"), String::new()).await
}

/// Takes one out of the trash.
pub(super) async fn restore(
    State(app): State<App>,
    d: Desk,
    Path(id): Path<ProjectId>,
    Form(form): Form<Back>,
) -> Result<Response> {
    d.must_confirm()?;
    let done = trash::restore(&app, &d.who, What::Project, id.0).await;
    answer(&app, d, id, done, (&form.back, "project_restored"), String::new()).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    /// The login of who is to have it.
    email: String,
    back: String,
}

/// Gives one to somebody else.
pub(super) async fn transfer(
    State(app): State<App>,
    d: Desk,
    Path(id): Path<ProjectId>,
    Form(form): Form<Given>,
) -> Result<Response> {
    d.must_confirm()?;
    let done = operate::transfer(&app, &d.who, id, &form.email).await;
    answer(&app, d, id, done, (&form.back, "project_transferred"), form.email).await
}

/// Back to where he came from, or the page with what forbids it.
async fn answer(
    app: &App,
    d: Desk,
    id: ProjectId,
    done: Result<()>,
    (to, said): (&str, &'static str),
    email: String,
) -> Result<Response> {
    let Err(error) = done else { return Ok(back(to, &format!("/admin/projects/{id}"), said)) };
    let (status, problem) = Problem::from(error, &d.f, &["name", "email"])?;
    Ok((status, page(app, &d.at("projects"), id, problem, email).await?).into_response())
}

impl Page<'_> {
    fn size(&self, bytes: &i64) -> String {
        words::size((*bytes).max(0))
    }

    fn here(&self) -> String {
        format!("/admin/projects/{}", self.p.id)
    }

    /// The quota as it is typed, in gigabytes.
    fn in_gb(&self) -> String {
        self.p.quota.map_or_else(String::new, |bytes| format!("{}", (bytes as f64 / 1e9 * 1000.0).round() / 1000.0))
    }
}
