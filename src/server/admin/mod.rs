//! The dashboard: pages for those who run the instance, a file each.
//!
//! Laws: site operators read and run jobs, site admins change; for everybody else there is no dashboard. A page is whole
//! without script; what lives on it is drawn by the server and sent anew over one stream. Every action is an operation of
//! domain or engines that writes its event.
//!
//! A new page is one file here, one template of the same name, one line in `PAGES` and its routes in [`routes`].

mod cache;
mod chart;
mod charts;
mod doctor;
mod generator;
mod jobs;
mod live;
mod notices;
mod overview;
mod people;
mod realtime;
mod schedule;
mod search;
mod settings;
mod storage;
mod table;
mod webhooks;
mod words;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Deserialize;

use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::roles::SiteRole;
use crate::domain::accounts::Viewer;
use crate::domain::accounts::sessions::SessionKind;
use crate::domain::doctor::Doctor;
use crate::server::web::Frame;
use crate::server::web::safe_next;

/// The pages: name (also of its texts, `admin.<name>.title`), path, sign.
const PAGES: [(&str, &str, &str); 13] = [
    ("overview", "/admin", "target"),
    ("jobs", "/admin/jobs", "layers"),
    ("schedule", "/admin/schedule", "calendar"),
    ("realtime", "/admin/realtime", "globe"),
    ("storage", "/admin/storage", "folder"),
    ("cache", "/admin/cache", "clock"),
    ("search", "/admin/search", "search"),
    ("generator", "/admin/generator", "board"),
    ("notices", "/admin/notices", "mail"),
    ("webhooks", "/admin/webhooks", "send"),
    ("people", "/admin/people", "users"),
    ("doctor", "/admin/doctor", "check-circle"),
    ("settings", "/admin/settings", "gear"),
];

/// The dashboard's routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/admin", get(overview::show))
        .route("/admin/live", get(live::stream))
        .route("/admin/jobs", get(jobs::show))
        .route("/admin/jobs/{id}/retry", post(jobs::retry))
        .route("/admin/jobs/{id}/cancel", post(jobs::cancel))
        .route("/admin/jobs/{id}/priority", post(jobs::prioritise))
        .route("/admin/jobs/groups/retry", post(jobs::retry_group))
        .route("/admin/jobs/lanes/{lane}", post(jobs::lane))
        .route("/admin/schedule", get(schedule::show))
        .route("/admin/schedule/{name}", post(schedule::change))
        .route("/admin/schedule/{name}/run", post(schedule::run))
        .route("/admin/schedule/{name}/pause", post(schedule::pause))
        .route("/admin/schedule/{name}/resume", post(schedule::resume))
        .route("/admin/cache", get(cache::show))
        .route("/admin/cache/warm", post(cache::warm))
        .route("/admin/cache/purge", post(cache::purge))
        .route("/admin/realtime", get(realtime::show))
        .route("/admin/realtime/disconnect", post(realtime::disconnect))
        .route("/admin/search", get(search::show))
        .route("/admin/search/rebuild", post(search::rebuild))
        .route("/admin/storage", get(storage::show))
        .route("/admin/storage/run", post(storage::run))
        .route("/admin/storage/quota", post(storage::quota))
        .route("/admin/storage/restore", post(storage::restore))
        .route("/admin/storage/purge", post(storage::purge))
        .route("/admin/storage/closed", post(storage::set_closed))
        .route("/admin/storage/orphans", post(storage::delete_orphans))
        .route("/admin/generator", get(generator::show))
        .route("/admin/generator/hide", post(generator::hide))
        .route("/admin/generator/test", post(generator::test))
        .route("/admin/notices", get(notices::show))
        .route("/admin/notices/test", post(notices::test))
        .route("/admin/notices/{id}/resend", post(notices::resend))
        .route("/admin/webhooks", get(webhooks::show))
        .route("/admin/settings", get(settings::show).post(settings::change))
        .route("/admin/people", get(people::show).post(people::invite))
        .route("/admin/people/{id}/code", post(people::code))
        .route("/admin/people/{id}/lock", post(people::lock))
        .route("/admin/people/{id}/role", post(people::role))
        .route("/admin/doctor", get(doctor::show).post(doctor::run))
        .route("/admin/doctor/licences", get(doctor::licences))
        .layer(Extension(Arc::new(live::Streams::default())))
        .layer(Extension(Arc::new(Doctor::default())))
}

/// The frame of a dashboard page, for those who may look at it.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) f: Frame,
    who: Viewer,
    /// The page that is shown; one of [`PAGES`].
    page: &'static str,
    /// What the last action did: a key below `admin.done.`.
    done: Option<&'static str>,
}

impl FromRequestParts<App> for Desk {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Desk> {
        let Ok(f) = Frame::from_request_parts(parts, app).await;
        let who = f.viewer()?;
        // Programs have the API; a token that leaks must not open the dashboard.
        if who.must_operate().is_err() || who.kind != SessionKind::Session {
            return Err(Error::NotFound("path"));
        }
        let query = parts.uri.query().unwrap_or("");
        let said = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "done").map(|(_, v)| v);
        let done = said.and_then(|said| DONE.iter().find(|known| **known == said)).copied();
        Ok(Desk { f: f.at("admin"), who, page: "", done })
    }
}

/// What an action may say when it is done.
const DONE: [&str; 31] = [
    "retried",
    "retried_all",
    "moved",
    "lane_paused",
    "lane_resumed",
    "places",
    "cancelled",
    "locked",
    "unlocked",
    "role",
    "warming",
    "purged",
    "rebuilding",
    "asked",
    "paused",
    "resumed",
    "planned",
    "quota",
    "restored",
    "purging",
    "closed_on",
    "closed_off",
    "deleting",
    "disconnected",
    "generator_hidden",
    "generator_shown",
    "mail_tested",
    "mail_resent",
    "looking",
    "settings_kept",
    "settings_same",
];

impl Desk {
    fn at(mut self, page: &'static str) -> Desk {
        self.page = page;
        self
    }

    /// An error unless he may change things.
    fn must_administer(&self) -> Result<()> {
        self.who.must_administer()
    }

    fn is_admin(&self) -> bool {
        self.who.site_role == SiteRole::Admin
    }

    fn pages(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        &PAGES
    }

    fn is_at(&self, page: &str) -> bool {
        self.page == page
    }
}

/// Where an action leads back to.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Back {
    back: String,
}

/// Back to the page where the button was, saying what is done.
fn back(to: &str, otherwise: &str, done: &'static str) -> Response {
    let to = if to.starts_with("/admin") { safe_next(to) } else { otherwise };
    // An earlier word is not said again.
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "done"));
    pairs.append_pair("done", done);
    Redirect::to(&format!("{path}?{}", pairs.finish())).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_leads_back_within_the_dashboard() {
        let to = |path| back(path, "/admin/jobs", "retried").headers()["location"].to_str().unwrap().to_owned();
        assert_eq!(to("/admin"), "/admin?done=retried");
        assert_eq!(to("/admin/jobs?state=failed&done=cancelled"), "/admin/jobs?state=failed&done=retried");
        assert_eq!(to("//evil.example/admin"), "/admin/jobs?done=retried");
    }
}
