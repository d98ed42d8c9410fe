//! `/me`: profile, light, password, sessions.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::Result;
use crate::domain::accounts::sessions::{self, Session, SessionKind};
use crate::domain::accounts::{self, Me};

#[derive(Template)]
#[template(path = "me.html")]
struct Page {
    f: Frame,
    me: Me,
    sessions: Vec<Session>,
}

pub(super) async fn show(State(app): State<App>, f: Frame) -> Result<Response> {
    let who = f.viewer()?;
    let (me, sessions) =
        app.read(move |db| Ok((accounts::me(db, who.user)?, sessions::list(db, &who, SessionKind::Session)?))).await?;
    html(&Page { f, me, sessions })
}
