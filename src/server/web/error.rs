//! Errors as pages. Handlers answer [`Error`] as everywhere; [`dress`] turns what came out into something to look at.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::frame::{Frame, html};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::Error;
use crate::base::locale::{self, Text};
use crate::domain::http::{Failure, failure};
use crate::server::http::layers::RequestId;

#[derive(Template)]
#[template(path = "error.html")]
struct Page {
    f: Frame,
    status: u16,
    title: String,
    text: String,
    request_id: Option<String>,
}

/// Every path that is none: a page for people, whichever they asked for; `/setup` while the instance is empty.
pub async fn missing(State(app): State<App>, headers: HeaderMap) -> Response {
    if app.setup.code().is_some() {
        return Redirect::to("/setup").into_response();
    }
    let (status, failure) = failure(&Error::NotFound("path"));
    page(&headers, None, status, &failure)
}

/// Draws the errors of pages: signed-out people go to `/login` and come back from there.
pub async fn dress(request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let id = request.extensions().get::<RequestId>().cloned();
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str()).to_owned();
    let reads = request.method().is_safe();
    let mut response = next.run(request).await;
    let Some(failure) = response.extensions_mut().remove::<Failure>() else { return response };
    if response.status() == StatusCode::UNAUTHORIZED {
        let back = if reads { path } else { "/".to_owned() };
        let query: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
        return Redirect::to(&format!("/login?next={query}")).into_response();
    }
    page(&headers, id, response.status(), &failure)
}

fn page(headers: &HeaderMap, id: Option<RequestId>, status: StatusCode, failure: &Failure) -> Response {
    let f = Frame::plain(headers, Time(0));
    let of = |key: &str| (f.t(&format!("page.error.{key}")), f.t(&format!("page.error.{key}_text")));
    let (title, text) = match status.as_u16() {
        404 | 405 => of("404"),
        403 => of("403"),
        429 | 503 => of("503"),
        500.. => of("500"),
        _ => (f.t("page.error.500"), locale::say(f.lang, &failure.text)),
    };
    let request_id = id.filter(|_| status.is_server_error()).map(|id| id.0);
    match html(&Page { f, status: status.as_u16(), title, text, request_id }) {
        Ok(body) => (status, body).into_response(),
        Err(error) => error.into_response(),
    }
}

/// What a refused form says: in general, and field by field.
#[derive(Default)]
pub(in crate::server) struct Problem {
    pub(in crate::server) general: Option<String>,
    fields: Vec<(String, String)>,
}

impl Problem {
    /// The sentence for a field.
    pub(in crate::server) fn of(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == field).map(|(_, text)| text.as_str())
    }

    pub(in crate::server) fn has(&self, field: &str) -> bool {
        self.of(field).is_some()
    }

    /// Reads a refusal that the person can mend; every other error is answered as such. `shown` are the fields
    /// beside which the template has a place.
    pub(in crate::server) fn from(error: Error, f: &Frame, shown: &[&str]) -> Result<(StatusCode, Problem), Error> {
        let (status, failure) = failure(&error);
        if !status.is_client_error() || status == StatusCode::FORBIDDEN {
            return Err(error);
        }
        let say = |text: &Text| locale::say(f.lang, text);
        let fields: Vec<_> = failure.fields.iter().map(|(name, text)| (name.clone(), say(text))).collect();
        let stray = fields.iter().find(|(name, _)| !shown.contains(&name.as_str()));
        let general = match (fields.is_empty(), stray) {
            (true, _) if let Error::TooMany { retry_after_s } = error => {
                Some(f.tw("page.wait", &[("n", &(retry_after_s / 60 + 1).to_string())]))
            }
            (true, _) => Some(say(&failure.text)),
            (false, stray) => stray.map(|(_, text)| text.clone()),
        };
        Ok((status, Problem { general, fields }))
    }
}
