//! `/admin/notices`: how the mail server does, what went out and what did not, and how far the journal was told.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{Back, Desk, back};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::MailId;
use crate::domain::http::{Caller, Path, Query};
use crate::domain::notices::mails::{self, Health, Mail, MailState};
use crate::server::web::Frame;
use crate::server::web::form::Form;
use crate::server::web::frame::html;

/// Mails of the list.
const LISTED: i64 = 100;

#[derive(Template)]
#[template(path = "admin/notices.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    /// The server as `host:port`, if there is one.
    server: Option<String>,
    base: Option<String>,
    health: Health,
    lag: i64,
    state: Option<MailState>,
    /// With the link that an admin may hand over.
    mails: Vec<(Mail, Option<String>)>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    state: String,
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    let d = d.at("notices");
    let state = asked.state.parse().ok();
    let shared = app.clone();
    let (health, lag, log, base) = app
        .read(move |db| {
            Ok((mails::health(db)?, mails::lag(db)?, mails::log(db, state, LISTED)?, mails::base(db, &shared)?))
        })
        .await?;
    // The link lets in whoever has it: an admin's, as the code for a new password is.
    let link = |mail: &Mail| match mail.state {
        MailState::Held | MailState::Failed if d.is_admin() => mails::link(&app, base.as_deref(), mail),
        _ => None,
    };
    let mails = log.into_iter().map(|mail| (link(&mail), mail)).map(|(link, mail)| (mail, link)).collect();
    let server = app.mailer().is_on().then(|| app.mailer().server());
    html(&Page { f: &d.f, d: &d, server, base: base.clone(), health, lag, state, mails })
}

/// Sends the admin a mail.
pub(super) async fn test(State(app): State<App>, d: Desk, caller: Caller) -> Result<Response> {
    d.must_administer()?;
    mails::send_test(&app, &d.who, &caller.base_url).await?;
    Ok(back("", "/admin/notices", "mail_tested"))
}

/// Sends a mail again.
pub(super) async fn resend(
    State(app): State<App>,
    d: Desk,
    Path(id): Path<MailId>,
    Form(to): Form<Back>,
) -> Result<Response> {
    d.must_administer()?;
    mails::resend(&app, &d.who, id).await?;
    Ok(back(&to.back, "/admin/notices", "mail_resent"))
}

impl Page<'_> {
    fn count(&self, state: &MailState) -> i64 {
        self.health.counts.iter().find(|(s, _)| s == state).map_or(0, |(_, n)| *n)
    }

    fn sent(&self) -> i64 {
        self.count(&MailState::Sent)
    }

    fn failed(&self) -> i64 {
        self.count(&MailState::Failed)
    }

    fn states(&self) -> &'static [MailState] {
        MailState::ALL
    }

    fn is(&self, state: &MailState) -> bool {
        self.state == Some(*state)
    }

    fn here(&self) -> String {
        self.state.map_or("/admin/notices".to_owned(), |state| format!("/admin/notices?state={state}"))
    }

    fn pill(&self, mail: &Mail) -> &'static str {
        match mail.state {
            MailState::Sent => "ready",
            MailState::Failed => "failed",
            MailState::Waiting => "in_progress",
            MailState::Held => "review",
            MailState::Cancelled => "",
        }
    }

    /// The server's words, or ours for what held a mail back.
    fn why(&self, mail: &Mail) -> String {
        let said = mail.error.clone().unwrap_or_default();
        match mail.state {
            MailState::Held if said.is_empty() => self.f.t("admin.notices.held.no_server"),
            MailState::Held => self.f.label("admin.notices.held", said),
            _ => said,
        }
    }

    fn can_go(&self, mail: &Mail) -> bool {
        self.server.is_some() && mail.state != MailState::Waiting
    }
}
