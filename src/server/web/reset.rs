//! `/forgot` and `/reset`: a new password by a code from the admin.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::error::Problem;
use super::form::Form;
use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::Result;
use crate::domain::accounts;
use crate::domain::http::Query;

#[derive(Template)]
#[template(path = "forgot.html")]
struct Forgot {
    f: Frame,
    problem: Problem,
    email: String,
    sent: bool,
}

#[derive(Template)]
#[template(path = "reset.html")]
struct Reset {
    f: Frame,
    problem: Problem,
    email: String,
    code: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    email: String,
    code: String,
    password: String,
}

pub(super) async fn forgot(f: Frame, Query(given): Query<Given>) -> Result<Response> {
    html(&Forgot { f, problem: Problem::default(), email: given.email, sent: false })
}

/// Answers alike whether there is such an account.
pub(super) async fn ask(State(app): State<App>, f: Frame, Form(given): Form<Given>) -> Result<Response> {
    accounts::ask_reset(&app, &given.email).await?;
    html(&Forgot { f, problem: Problem::default(), email: given.email, sent: true })
}

pub(super) async fn show(f: Frame, Query(given): Query<Given>) -> Result<Response> {
    html(&Reset { f, problem: Problem::default(), email: given.email, code: given.code })
}

pub(super) async fn submit(State(app): State<App>, f: Frame, Form(given): Form<Given>) -> Result<Response> {
    match accounts::reset(&app, &given.email, &given.code, given.password).await {
        Ok(()) => Ok(Redirect::to("/login?done=1").into_response()),
        Err(error) => {
            let (status, problem) = Problem::from(error, &f, &["code", "password"])?;
            Ok((status, html(&Reset { f, problem, email: given.email, code: given.code })?).into_response())
        }
    }
}
