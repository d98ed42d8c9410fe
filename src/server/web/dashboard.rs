//! `/`: what waits for the person who looks.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::Result;
use crate::domain::projects::dashboard::{self, Dashboard};
use crate::domain::rooms::mine;

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Page {
    f: Frame,
    board: Dashboard,
}

pub(super) async fn show(State(app): State<App>, f: Frame) -> Result<Response> {
    let (who, soon) = (f.viewer()?, dashboard::soon(app.clock.now()));
    // The place first: what happens while the rest is read is told again, not missed.
    let read = app.read(move |db| Ok((mine::begin(db, who.user, None)?.seq, dashboard::mine(db, &who, soon)?)));
    let (seq, board) = read.await?;
    html(&Page { f: f.at("dashboard").with("seq", seq.into()), board })
}
