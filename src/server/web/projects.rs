//! `/projects`: the person's projects, and with `?deleted=true` his trash.

use askama::Template;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use serde::Deserialize;

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::Result;
use crate::base::fields::Wanted;
use crate::base::page::{Page as Rows, PageQuery};
use crate::domain::http::Query;
use crate::domain::projects::{self, Filter, Order, Project, ProjectStatus};
use crate::domain::rooms::mine;

#[derive(Template)]
#[template(path = "projects.html")]
struct Page {
    f: Frame,
    page: Rows<Project>,
    search: String,
    status: String,
    ordering: String,
    orders: [(&'static str, &'static str); 4],
    trash: bool,
    filtered: bool,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    search: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    ordering: String,
    #[serde(default)]
    deleted: bool,
    page: Option<i64>,
}

pub(super) async fn show(
    State(app): State<App>,
    f: Frame,
    OriginalUri(uri): OriginalUri,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let who = f.viewer()?;
    let slice = PageQuery { page: asked.page, page_size: Some(24) }.check()?;
    let search: String = asked.search.trim().chars().take(100).collect();
    // An unknown filter in an old link is no filter.
    let status = asked.status.parse::<ProjectStatus>().ok();
    let order = asked.ordering.parse::<Order>().ok().unwrap_or_default();
    let filter =
        Filter { status, search: Some(search.clone()).filter(|s| !s.is_empty()), deleted: asked.deleted, order };
    let filtered = filter.search.is_some() || filter.status.is_some();
    // The place first: what happens while the rest is read is told again, not missed.
    let (seq, page) = app
        .read(move |db| {
            let seq = mine::begin(db, who.user, None)?.seq;
            Ok((seq, projects::list(db, &who, &filter, &Wanted::ALL, &uri.to_string(), slice)?))
        })
        .await?;
    let orders = [
        ("-created", "page.projects.order_newest"),
        ("-updated", "page.projects.order_changed"),
        ("deadline", "page.projects.order_deadline"),
        ("name", "page.projects.order_name"),
    ];
    html(&Page {
        f: f.at("projects").with("seq", seq.into()),
        page,
        search,
        status: status.map(|s| s.to_string()).unwrap_or_default(),
        ordering: order.to_string(),
        orders,
        trash: asked.deleted,
        filtered,
    })
}
