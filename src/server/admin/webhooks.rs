//! `/admin/webhooks`: the webhooks of the whole instance, and all that fail. Of those of projects only the host is shown:
//! the rest of an address may be a secret of theirs.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::Desk;
use crate::app::App;
use crate::base::error::Result;
use crate::domain::webhooks::{self, Webhook};
use crate::server::web::Frame;
use crate::server::web::frame::html;
use crate::server::web::webhooks::{groups, label};

#[derive(Template)]
#[template(path = "admin/webhooks.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    hooks: Vec<Webhook>,
    /// With the project's name; without one it is of the instance.
    failing: Vec<(Webhook, Option<String>)>,
    /// May they be changed?
    may: bool,
}

pub(super) async fn show(State(app): State<App>, d: Desk) -> Result<Response> {
    let mut d = d.at("webhooks");
    let who = d.who.clone();
    let (hooks, failing) =
        app.read(move |db| Ok((webhooks::of_instance(db, &who)?, webhooks::failing(db, &who)?))).await?;
    d.f = d.f.with("webhooks", json!({ "base": "/webhooks" }));
    let may = d.is_admin();
    html(&Page { f: &d.f, d: &d, hooks, failing, may })
}

impl Page<'_> {
    fn verb(&self, name: &str) -> String {
        label(self.f, name)
    }

    fn groups(&self) -> impl Iterator<Item = &'static str> {
        groups()
    }
}
