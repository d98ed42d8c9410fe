//! The password again, before something is destroyed or reaches far.
//!
//! A handler says `d.must_confirm()?`. Who has not typed his password for a while is shown a page that asks for it and
//! holds the form that he has sent, as hidden fields; what he sends from there is the same form to the same address with
//! the password beside it, which is taken out here before the handler sees the rest. So nothing is kept on the server,
//! and no password reaches a handler.
//!
//! Laws: a field that may hold a secret is not written into the page; such a form is typed again after the password.
//! Wrong passwords are counted (`accounts::confirm`).

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::Desk;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::locale::Text;
use crate::domain::accounts::{Viewer, confirm};
use crate::domain::http::{Failure, body};
use crate::server::web::error::Problem;
use crate::server::web::frame::html;
use crate::server::web::{Frame, safe_next};

/// The field in which the password comes.
const FIELD: &str = "confirm_password";
/// Beside it when the form has to be typed again.
const AGAIN: &str = "confirm_then";
/// The code by which the answer of a handler is known.
const CODE: &str = "confirm_password";
/// Bytes of a form that the page holds; a larger one is sent again by hand.
const HELD: usize = 32 << 10;

/// What a handler answers to who has to type his password first.
pub(super) fn asked() -> Error {
    Error::Protocol { status: 403, code: CODE, text: Text::new("error.confirm_password") }
}

#[derive(Template)]
#[template(path = "admin/confirm.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    problem: Problem,
    /// Where the form goes.
    action: &'a str,
    /// The form, unless it is to be typed again.
    fields: Vec<(String, String)>,
    /// The page to go on to where the form is not held.
    again: Option<String>,
    /// The page that he came from.
    cancel: String,
}

/// The layer round the dashboard's routes.
pub(super) async fn ask(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method().is_safe() || !is_form(request.headers()) {
        return next.run(request).await;
    }
    match asking(&app, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("");
    kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

async fn asking(app: &App, request: Request, next: Next) -> Result<Response> {
    let (mut parts, rest) = request.into_parts();
    let d = Desk::from_request_parts(&mut parts, app).await?;
    let mut bytes = body(Request::new(rest)).await?;
    let action = parts.uri.path_and_query().map_or("/admin", |p| p.as_str()).to_owned();
    let mut fields: Vec<(String, String)> = form_urlencoded::parse(&bytes).into_owned().collect();
    let mut take = |name: &str| {
        let place = fields.iter().position(|(n, _)| n == name)?;
        Some(fields.remove(place).1)
    };
    let (given, again) = (take(FIELD), take(AGAIN));
    if let Some(given) = given {
        if let Err(error) = confirm::confirm(app, &d.who, given).await {
            let (status, problem) = Problem::from(error, &d.f, &[FIELD])?;
            return page(&d, &action, fields, again, problem, status);
        }
        if let Some(to) = again {
            return Ok(Redirect::to(place(&to)).into_response());
        }
        // Looked up anew: the session has changed.
        parts.extensions.remove::<Viewer>();
        let form: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(form.len()));
        bytes = Bytes::from(form);
    }
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    if response.extensions().get::<Failure>().is_none_or(|failure| failure.code != CODE) {
        return Ok(response);
    }
    page(&d, &action, fields, None, Problem::default(), StatusCode::FORBIDDEN)
}

fn page(
    d: &Desk,
    action: &str,
    fields: Vec<(String, String)>,
    again: Option<String>,
    problem: Problem,
    status: StatusCode,
) -> Result<Response> {
    let came = fields.iter().find(|(name, _)| name == "back").map(|(_, to)| place(to).to_owned());
    let cancel = came.unwrap_or_else(|| page_of(action));
    let bytes: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    let is_held = again.is_none() && bytes <= HELD && !fields.iter().any(|(n, v)| is_secret(n) && !v.is_empty());
    let again = again.or_else(|| (!is_held).then(|| cancel.clone()));
    let fields = if is_held { fields } else { Vec::new() };
    let page = html(&Page { f: &d.f, d, problem, action, fields, again, cancel })?;
    Ok((status, page).into_response())
}

/// A page of the dashboard to go on to.
fn place(to: &str) -> &str {
    if to.starts_with("/admin") { safe_next(to) } else { "/admin" }
}

/// The page to which an action belongs: `/admin/storage` of `/admin/storage/purge`.
fn page_of(action: &str) -> String {
    let path = action.split('?').next().unwrap_or("");
    let name = path.split('/').nth(2).unwrap_or("");
    if name.is_empty() { "/admin".to_owned() } else { format!("/admin/{name}") }
}

/// May a field of this name hold what stands in no page?
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "token", "key", "dsn", "url"].iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_with_a_secret_is_not_held() {
        assert!(is_secret("mail.password") && is_secret("webhook_url") && is_secret("model_key"));
        assert!(!is_secret("site_role") && !is_secret("back") && !is_secret("locked"));
    }

    #[test]
    fn it_leads_back_within_the_dashboard() {
        assert_eq!(page_of("/admin/storage/purge?x=1"), "/admin/storage");
        assert_eq!(page_of("/admin/people/3/lock"), "/admin/people");
        assert_eq!(
            [place("/admin/people?q=a"), place("//evil.example"), place("/me")],
            ["/admin/people?q=a", "/admin", "/admin"]
        );
    }
}
