//! `/setup`: the first admin of an empty instance.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use super::error::Problem;
use super::form::Form;
use super::frame::{Frame, html};
use crate::app::App;
use crate::base::error::Result;
use crate::domain::accounts::{self, NewUser, routes::cookie};
use crate::domain::http::{Caller, Query};
use crate::domain::notices;

#[derive(Template)]
#[template(path = "setup.html")]
struct Page {
    f: Frame,
    problem: Problem,
    code: String,
    nickname: String,
    email: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    code: String,
    nickname: String,
    email: String,
    password: String,
}

pub(super) async fn show(f: Frame, Query(given): Query<Given>) -> Result<Response> {
    html(&Page { f, problem: Problem::default(), code: given.code, nickname: String::new(), email: String::new() })
}

pub(super) async fn submit(
    State(app): State<App>,
    f: Frame,
    caller: Caller,
    jar: CookieJar,
    Form(given): Form<Given>,
) -> Result<Response> {
    let Given { code, nickname, email, password } = given;
    let new = NewUser { email: email.clone(), nickname: nickname.clone(), password, locale: f.lang };
    let made = match accounts::set_up(&app, &code, new).await {
        Ok(user) => {
            // Mails lead to the address under which the first admin came, unless the settings name another.
            let base = caller.base_url.clone();
            app.write(move |tx| notices::mails::remember_base(tx, &base)).await?;
            accounts::sign_in(&app, user, accounts::Origin::from(&caller)).await
        }
        Err(error) => Err(error),
    };
    match made {
        Ok(signed_in) => Ok((jar.add(cookie(&signed_in, &caller)), Redirect::to("/")).into_response()),
        Err(error) => {
            let (status, problem) = Problem::from(error, &f, &["code", "nickname", "email", "password"])?;
            Ok((status, html(&Page { f, problem, code, nickname, email })?).into_response())
        }
    }
}
