//! `/language`: Korean or English, kept in a cookie and, for those signed in, in the profile.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use serde::Deserialize;

use super::form::Form;
use super::frame::LANG_COOKIE;
use super::safe_next;
use crate::app::App;
use crate::base::error::Result;
use crate::base::locale::Lang;
use crate::domain::accounts::{self, MePatch, Viewer};

#[derive(Deserialize)]
pub(super) struct Given {
    lang: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn choose(
    State(app): State<App>,
    who: Option<Viewer>,
    jar: CookieJar,
    Form(given): Form<Given>,
) -> Result<Response> {
    let lang = Lang::from_tag(&given.lang).unwrap_or_default();
    if let Some(who) = who {
        let patch = MePatch { locale: Some(lang), ..MePatch::default() };
        accounts::change_me(&app, &who, patch, None).await?;
    }
    Ok((jar.add(cookie(lang)), Redirect::to(safe_next(&given.next))).into_response())
}

/// Keeps the language for pages that nobody has signed in to, errors among them.
pub(super) fn cookie(lang: Lang) -> Cookie<'static> {
    let mut cookie = Cookie::new(LANG_COOKIE, lang.tag());
    cookie.set_path("/");
    cookie.set_same_site(SameSite::Lax);
    cookie.make_permanent();
    cookie
}
