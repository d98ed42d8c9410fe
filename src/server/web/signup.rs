//! `/signup`, with or without an invitation.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use super::error::Problem;
use super::form::Form;
use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::domain::accounts::{NewUser, Origin, routes::cookie};
use crate::domain::http::{Caller, Query};
use crate::domain::projects::invitations::{self, Offer};

#[derive(Template)]
#[template(path = "signup.html")]
struct Page {
    f: Frame,
    problem: Problem,
    open: bool,
    invitation: String,
    offer: Option<Offer>,
    email: String,
    nickname: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    invitation: String,
    email: String,
    nickname: String,
    password: String,
}

impl Page {
    async fn new(app: &App, f: Frame, problem: Problem, given: Given) -> Result<Page> {
        let (token, now) = (given.invitation.clone(), app.clock.now());
        let offer = match app.read(move |db| invitations::offer(db, &token, now)).await {
            Ok(offer) => Some(offer),
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        let policy = app.config().accounts.signup.clone();
        let open = policy == "open" || (policy == "invite" && offer.is_some());
        let email = offer.as_ref().map_or(given.email, |o| o.email.clone());
        Ok(Page { f, problem, open, invitation: given.invitation, offer, email, nickname: given.nickname })
    }
}

pub(super) async fn show(State(app): State<App>, f: Frame, Query(given): Query<Given>) -> Result<Response> {
    html(&Page::new(&app, f, Problem::default(), given).await?)
}

pub(super) async fn submit(
    State(app): State<App>,
    f: Frame,
    caller: Caller,
    jar: CookieJar,
    Form(given): Form<Given>,
) -> Result<Response> {
    let new = NewUser {
        email: given.email.clone(),
        nickname: given.nickname.clone(),
        password: given.password.clone(),
        locale: f.lang,
    };
    let invitation = Some(given.invitation.clone()).filter(|t| !t.is_empty());
    match invitations::sign_up(&app, new, invitation, Origin::from(&caller)).await {
        Ok(signed_in) => Ok((jar.add(cookie(&signed_in, &caller)), Redirect::to("/")).into_response()),
        Err(error) => {
            let (status, problem) = Problem::from(error, &f, &["email", "nickname", "password"])?;
            Ok((status, html(&Page::new(&app, f, problem, given).await?)?).into_response())
        }
    }
}
