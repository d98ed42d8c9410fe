//! The review pages: server-rendered HTML around the small scripts in `static/`.
//!
//! A file per page, its template's struct beside its handler. A page holds no rule of the product: it calls the same
//! operations as the API and draws what they answer; what its scripts do goes over the API.
//! Neighbours: `server::http` mounts [`routes`], and [`missing`] for every other path outside of the API.

mod assets;
mod calendar;
mod dashboard;
pub(in crate::server) mod docs;
pub(in crate::server) mod error;
pub(in crate::server) mod form;
pub(in crate::server) mod frame;
mod invite;
mod language;
mod login;
mod me;
mod notices;
mod plan;
mod plans;
mod project;
mod projects;
mod reset;
mod room;
mod schedule;
mod search;
mod setup;
mod signup;
pub(in crate::server) mod webhooks;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::app::App;
use crate::server::admin;
pub use error::missing;
pub use frame::Frame;

/// All pages and the files that they are made of.
pub fn routes(app: &App) -> Router<App> {
    let pages = Router::new()
        .route("/", get(dashboard::show))
        .route("/setup", get(setup::show).post(setup::submit))
        .route("/login", get(login::show).post(login::submit))
        .route("/logout", post(login::leave))
        .route("/signup", get(signup::show).post(signup::submit))
        .route("/forgot", get(reset::forgot).post(reset::ask))
        .route("/reset", get(reset::show).post(reset::submit))
        .route("/invite/{token}", get(invite::show).post(invite::answer))
        .route("/language", post(language::choose))
        .route("/projects", get(projects::show))
        .route("/projects/{id}", get(project::show))
        .route("/projects/{id}/plans", get(plans::show))
        .route("/plans/{id}", get(plan::show))
        .route("/plans/{id}/print", get(plan::print))
        .route("/projects/{id}/schedule", get(schedule::show))
        .route("/calendar", get(calendar::show))
        .route("/projects/{id}/webhooks", get(webhooks::show))
        .route("/feedbacks/{id}", get(room::show))
        .route("/search", get(search::show))
        .route("/me", get(me::show))
        .route("/notices", get(notices::show))
        .route("/notices/read-all", post(notices::read_all))
        .route("/notices/{id}", post(notices::open))
        .route("/unsubscribe/{token}", get(notices::ask).post(notices::end))
        .merge(admin::routes(app));
    pages.layer(from_fn_with_state(app.clone(), set_up_first)).layer(from_fn(error::dress)).merge(assets::routes())
}

/// While nobody has an account, every page leads to `/setup`, and afterwards that page leads home.
async fn set_up_first(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    match (app.setup.code().is_some(), path) {
        (true, "/setup" | "/language") => next.run(request).await,
        (true, _) => Redirect::to("/setup").into_response(),
        (false, "/setup") => Redirect::to("/").into_response(),
        (false, _) => next.run(request).await,
    }
}

/// A path of our own to go on to after a form: never another host (`//evil`, `/\evil`).
pub(in crate::server) fn safe_next(next: &str) -> &str {
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.starts_with("/\\");
    let plain = !next.chars().any(|c| c.is_control());
    if ours && plain && next.len() <= 500 { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::safe_next;

    #[test]
    fn a_form_never_sends_to_another_host() {
        assert_eq!(safe_next("/feedbacks/7?t=1200"), "/feedbacks/7?t=1200");
        for bad in ["//evil.example", "/\\evil.example", "https://evil.example", "", "javascript:alert(1)", "/a\nb"] {
            assert_eq!(safe_next(bad), "/", "{bad}");
        }
    }
}
