//! `/login` and `/logout`.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use super::error::Problem;
use super::form::Form;
use super::frame::{Frame, html};
use super::{language, safe_next};
use crate::app::App;
use crate::base::error::Result;
use crate::domain::accounts::{self, Viewer, routes};
use crate::domain::http::{Caller, Query};

#[derive(Template)]
#[template(path = "login.html")]
struct Page {
    f: Frame,
    problem: Problem,
    next: String,
    email: String,
    signup: bool,
    done: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    next: String,
    email: String,
    password: String,
    done: Option<String>,
}

pub(super) async fn show(State(app): State<App>, f: Frame, Query(given): Query<Given>) -> Result<Response> {
    if f.me.is_some() {
        return Ok(Redirect::to(safe_next(&given.next)).into_response());
    }
    let (signup, done) = (app.config().accounts.signup == "open", given.done.is_some());
    html(&Page { f, problem: Problem::default(), next: given.next, email: given.email, signup, done })
}

pub(super) async fn submit(
    State(app): State<App>,
    f: Frame,
    caller: Caller,
    jar: CookieJar,
    Form(given): Form<Given>,
) -> Result<Response> {
    let Given { next, email, password, .. } = given;
    match accounts::log_in(&app, &email, &password, accounts::Origin::from(&caller)).await {
        Ok(signed_in) => {
            let to = Redirect::to(safe_next(&next));
            let jar = jar.add(routes::cookie(&signed_in, &caller)).add(language::cookie(signed_in.user.locale));
            Ok((jar, to).into_response())
        }
        Err(error) => {
            let (status, problem) = Problem::from(error, &f, &[])?;
            let signup = app.config().accounts.signup == "open";
            Ok((status, html(&Page { f, problem, next, email, signup, done: false })?).into_response())
        }
    }
}

pub(super) async fn leave(State(app): State<App>, who: Option<Viewer>, jar: CookieJar) -> Result<Response> {
    if let Some(who) = who {
        accounts::log_out(&app, &who).await?;
    }
    Ok((jar.add(routes::no_cookie()), Redirect::to("/login")).into_response())
}
