//! `/invite/{token}`: what an invitation offers; accept or decline.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::error::Problem;
use super::form::Form;
use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::domain::http::Path;
use crate::domain::projects::invitations::{self, Offer};

#[derive(Template)]
#[template(path = "invite.html")]
struct Page {
    f: Frame,
    problem: Problem,
    token: String,
    offer: Option<Offer>,
    headline: &'static str,
    sentence: &'static str,
}

impl Page {
    async fn new(app: &App, f: Frame, problem: Problem, token: String) -> Result<Page> {
        let (held, now) = (token.clone(), app.clock.now());
        let offer = match app.read(move |db| invitations::offer(db, &held, now)).await {
            Ok(offer) => Some(offer),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        Ok(Page { f, problem, token, offer, headline: "page.invite.gone", sentence: "page.invite.gone_text" })
    }

    fn answer(&self) -> Result<Response> {
        let status = if self.offer.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
        Ok((status, html(self)?).into_response())
    }
}

#[derive(Deserialize)]
pub(super) struct Given {
    answer: String,
}

pub(super) async fn show(State(app): State<App>, f: Frame, Path(token): Path<String>) -> Result<Response> {
    Page::new(&app, f, Problem::default(), token).await?.answer()
}

pub(super) async fn answer(
    State(app): State<App>,
    f: Frame,
    Path(token): Path<String>,
    Form(given): Form<Given>,
) -> Result<Response> {
    if given.answer == "decline" {
        invitations::decline(&app, token.clone()).await?;
        let (headline, sentence) = ("page.invite.declined", "page.invite.declined_text");
        return html(&Page { f, problem: Problem::default(), token, offer: None, headline, sentence });
    }
    let who = f.viewer()?;
    match invitations::accept(&app, &who, token.clone()).await {
        Ok(project) => Ok(Redirect::to(&format!("/projects/{project}")).into_response()),
        Err(Error::NotFound(_)) => Page::new(&app, f, Problem::default(), token).await?.answer(),
        Err(error) => {
            let (status, problem) = Problem::from(error, &f, &[])?;
            Ok((status, html(&Page::new(&app, f, problem, token).await?)?).into_response())
        }
    }
}
