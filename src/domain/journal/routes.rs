//! `/projects/{id}/events`.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde::{Deserialize, Serialize};

use super::Entry;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::group::Group;
use crate::base::ids::ProjectId;
use crate::base::locale::Text;
use crate::base::roles::Right;
use crate::domain::accounts::Viewer;
use crate::domain::answer::{Asked, Depends, Reader, kept};
use crate::domain::http::{Path, Query};
use crate::domain::projects;
use crate::engines::store::Db;

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(events))]
pub struct Doc;

/// The routes of this noun.
pub fn routes() -> Router<App> {
    Router::new().route("/projects/{id}/events", get(events))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct After {
    /// Those after this `seq`.
    #[serde(default)]
    after: i64,
    /// How many at the most.
    #[param(minimum = 1, maximum = 500, default = 100)]
    page_size: Option<i64>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Events {
    /// Oldest first.
    results: Vec<Entry>,
}

/// What happened in a project
///
/// The journal, from which rooms replay; `seq` of the last one is the next `after`.
#[utoipa::path(get, path = "/projects/{id}/events", params(After), responses((status = 200, body = Events)))]
async fn events(
    State(app): State<App>,
    who: Viewer,
    Path(id): Path<ProjectId>,
    Query(q): Query<After>,
    asked: Asked,
) -> Result<Response> {
    let limit = q.page_size.unwrap_or(100);
    if !(1..=500).contains(&limit) {
        return Err(Error::invalid("page_size", Text::new("invalid.range").with("min", 1).with("max", 500)));
    }
    let role = projects::judge(who.role(id), Right::View, "project")?;
    let on = (Group::Events, Reader::Person(Some(role)), Depends::project(&app, id));
    let reader = who.clone();
    let load = move |db: &Db| Ok(Events { results: super::list(db, &reader, role, id, q.after, limit)? });
    kept(&app, &asked, &who, on, |_| None, load).await
}
