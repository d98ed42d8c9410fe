//! `/`: what waits for the person who looks.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::Result;
use crate::domain::projects::dashboard::{self, Dashboard};

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Page {
    f: Frame,
    board: Dashboard,
}

pub(super) async fn show(State(app): State<App>, f: Frame) -> Result<Response> {
    let (who, soon) = (f.viewer()?, dashboard::soon(app.clock.now()));
    let board = app.read(move |db| dashboard::mine(db, &who, soon)).await?;
    html(&Page { f: f.at("dashboard"), board })
}
