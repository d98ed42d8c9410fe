//! `/projects/{id}/webhooks`: where other programs are told of a project, and what they were told.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::Result;
use crate::base::fields::Wanted;
use crate::base::ids::ProjectId;
use crate::base::roles::Right;
use crate::domain::http::Path;
use crate::domain::projects::{self, Project, judge};
use crate::domain::webhooks::{self, Webhook, verbs};

#[derive(Template)]
#[template(path = "webhooks.html")]
struct Page {
    f: Frame,
    p: Project,
    hooks: Vec<Webhook>,
    /// May they be changed? Whoever sees this page may.
    may: bool,
}

pub(super) async fn show(State(app): State<App>, f: Frame, Path(id): Path<ProjectId>) -> Result<Response> {
    let who = f.viewer()?;
    let role = judge(who.role(id), Right::Manage, "project")?;
    let (p, hooks) = app
        .read(move |db| Ok((projects::get(db, role, id, &Wanted::ALL)?, webhooks::list(db, &who, Some(id))?)))
        .await?;
    let f = f.at("projects").with("webhooks", json!({ "base": format!("/projects/{id}/webhooks") }));
    html(&Page { f, p, hooks, may: true })
}

impl Page {
    fn verb(&self, name: &str) -> String {
        label(&self.f, name)
    }

    fn groups(&self) -> impl Iterator<Item = &'static str> {
        groups()
    }
}

/// The word for a group; an event's own verb stays as programs know it.
pub(in crate::server) fn label(f: &Frame, name: &str) -> String {
    if groups().any(|group| group == name) { f.label("page.webhooks.group", name) } else { name.to_owned() }
}

/// The groups that can be chosen.
pub(in crate::server) fn groups() -> impl Iterator<Item = &'static str> {
    verbs::GROUPS.iter().map(|(group, _)| *group)
}
