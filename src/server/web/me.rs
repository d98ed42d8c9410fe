//! `/me`: profile, light, notices, password, sessions.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::Result;
use crate::domain::accounts::sessions::{self, Session, SessionKind};
use crate::domain::accounts::{self, Me};
use crate::domain::notices::{self, Mode, Preferences};

#[derive(Template)]
#[template(path = "me.html")]
struct Page {
    f: Frame,
    me: Me,
    wishes: Preferences,
    /// Is there a mail server?
    mail: bool,
    sessions: Vec<Session>,
}

pub(super) async fn show(State(app): State<App>, f: Frame) -> Result<Response> {
    let who = f.viewer()?;
    let (me, wishes, sessions) = app
        .read(move |db| {
            let (me, wishes) = (accounts::me(db, who.user)?, notices::preferences(db, who.user)?);
            Ok((me, wishes, sessions::list(db, &who, SessionKind::Session)?))
        })
        .await?;
    html(&Page { f, me, wishes, mail: app.mailer().is_on(), sessions })
}

impl Page {
    fn modes(&self) -> &'static [Mode] {
        Mode::ALL
    }

    fn quiet_from(&self) -> &str {
        self.wishes.quiet.as_ref().map_or("22:00", |q| &q.from)
    }

    fn quiet_to(&self) -> &str {
        self.wishes.quiet.as_ref().map_or("08:00", |q| &q.to)
    }

    /// His own, and those near by; the script adds the browser's.
    fn zones(&self) -> Vec<&str> {
        let mut zones = vec!["Asia/Seoul", "Asia/Tokyo", "Europe/Berlin", "Europe/London", "America/New_York", "UTC"];
        if let Some(q) = &self.wishes.quiet
            && !zones.contains(&q.zone.as_str())
        {
            zones.push(&q.zone);
        }
        zones
    }

    fn is_zone(&self, zone: &str) -> bool {
        self.wishes.quiet.as_ref().is_some_and(|q| q.zone == zone)
    }
}
