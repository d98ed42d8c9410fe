//! The dashboard: pages for those who run the instance, a file each.
//!
//! Laws: site operators read and run jobs, site admins change; for everybody else there is no dashboard. A page is whole
//! without script; what lives on it is drawn by the server and sent anew over one stream. Every action is an operation of
//! domain or engines that writes its event. What destroys or reaches far begins with `d.must_confirm()?` (`sudo.rs`).
//! Outside of `server.admin_networks` there is no dashboard for anybody.
//!
//! A new page is one file here, one template of the same name, one line in `PAGES` and its routes in [`routes`].

mod alerts;
mod alerts_act;
mod audit;
mod backups;
mod cache;
mod chart;
mod charts;
mod database;
mod doctor;
mod generator;
mod jobs;
mod live;
mod logs;
mod notices;
mod overview;
mod people;
mod person;
mod project;
mod projects;
mod realtime;
mod requests;
mod schedule;
mod search;
mod settings;
mod storage;
mod sudo;
mod table;
mod webhooks;
mod words;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Deserialize;

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::network;
use crate::base::roles::SiteRole;
use crate::config::Config;
use crate::domain::accounts::Viewer;
use crate::domain::accounts::sessions::SessionKind;
use crate::domain::doctor::Doctor;
use crate::domain::http::Peer;
use crate::domain::reached;
use crate::engines::limits::Whom;
use crate::server::web::Frame;
use crate::server::web::safe_next;

/// A page of the dashboard.
struct Place {
    /// Also of its texts: `admin.<name>.title`.
    name: &'static str,
    path: &'static str,
    sign: &'static str,
    /// The part of the menu: `admin.group.<group>`.
    group: &'static str,
    /// `g` and this letter lead to it.
    key: char,
}

const fn place(group: &'static str, key: char, name: &'static str, path: &'static str, sign: &'static str) -> Place {
    Place { name, path, sign, group, key }
}

/// The pages, as they stand in the menu: a group's together.
const PAGES: &[Place] = &[
    place("now", 'o', "overview", "/admin", "target"),
    place("now", 'a', "alerts", "/admin/alerts", "bell"),
    place("now", 'r', "requests", "/admin/requests", "loop"),
    place("now", 'l', "logs", "/admin/logs", "file"),
    place("now", 't', "realtime", "/admin/realtime", "globe"),
    place("work", 'j', "jobs", "/admin/jobs", "layers"),
    place("work", 's', "schedule", "/admin/schedule", "calendar"),
    place("work", 'm', "notices", "/admin/notices", "mail"),
    place("work", 'h', "webhooks", "/admin/webhooks", "send"),
    place("data", 'f', "storage", "/admin/storage", "folder"),
    place("data", 'c', "cache", "/admin/cache", "clock"),
    place("data", 'q', "search", "/admin/search", "search"),
    place("data", 'd', "database", "/admin/database", "note"),
    place("data", 'k', "backups", "/admin/backups", "download"),
    place("people", 'p', "people", "/admin/people", "users"),
    place("people", 'n', "projects", "/admin/projects", "film"),
    place("people", 'u', "audit", "/admin/audit", "eye"),
    place("instance", 'e', "settings", "/admin/settings", "gear"),
    place("instance", 'x', "doctor", "/admin/doctor", "check-circle"),
    place("instance", 'b', "generator", "/admin/generator", "board"),
];

/// The dashboard's routes.
pub fn routes(app: &App) -> Router<App> {
    Router::new()
        .route("/admin", get(overview::show))
        .route("/admin/live", get(live::stream))
        .route("/admin/alerts", get(alerts::show))
        .route("/admin/alerts/mute", post(alerts_act::mute))
        .route("/admin/alerts/options", post(alerts_act::options))
        .route("/admin/alerts/rules/{rule}", post(alerts_act::rule))
        .route("/admin/alerts/rules/{rule}/reset", post(alerts_act::reset))
        .route("/admin/alerts/targets", post(alerts_act::add))
        .route("/admin/alerts/targets/{id}", post(alerts_act::change))
        .route("/admin/alerts/targets/{id}/secret", post(alerts_act::renew))
        .route("/admin/alerts/targets/{id}/test", post(alerts_act::test))
        .route("/admin/alerts/targets/{id}/delete", post(alerts_act::delete))
        .route("/admin/alerts/{id}/acknowledge", post(alerts_act::acknowledge))
        .route("/admin/jobs", get(jobs::show))
        .route("/admin/jobs/{id}/retry", post(jobs::retry))
        .route("/admin/jobs/{id}/cancel", post(jobs::cancel))
        .route("/admin/jobs/{id}/priority", post(jobs::prioritise))
        .route("/admin/jobs/groups/retry", post(jobs::retry_group))
        .route("/admin/jobs/all", post(jobs::for_all))
        .route("/admin/jobs/lanes/{lane}", post(jobs::lane))
        .route("/admin/requests", get(requests::show))
        .route("/admin/database", get(database::show))
        .route("/admin/database/optimise", post(database::optimise))
        .route("/admin/database/check", post(database::check))
        .route("/admin/database/checkpoint", post(database::checkpoint))
        .route("/admin/database/forget", post(database::forget))
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
        .route("/admin/backups", get(backups::show))
        .route("/admin/backups/take", post(backups::take))
        .route("/admin/backups/{id}/verify", post(backups::verify))
        .route("/admin/backups/{id}/delete", post(backups::delete))
        .route("/admin/generator", get(generator::show))
        .route("/admin/generator/hide", post(generator::hide))
        .route("/admin/generator/test", post(generator::test))
        .route("/admin/notices", get(notices::show))
        .route("/admin/notices/test", post(notices::test))
        .route("/admin/notices/{id}/resend", post(notices::resend))
        .route("/admin/webhooks", get(webhooks::show))
        .route("/admin/settings", get(settings::show).post(settings::change))
        .route("/admin/people", get(people::show).post(people::invite))
        .route("/admin/people/{id}", get(person::show))
        .route("/admin/people/{id}/sessions", post(person::end_all))
        .route("/admin/people/{id}/sessions/{session}", post(person::end_one))
        .route("/admin/people/{id}/code", post(people::code))
        .route("/admin/people/{id}/lock", post(people::lock))
        .route("/admin/people/{id}/role", post(people::role))
        .route("/admin/projects", get(projects::show))
        .route("/admin/projects/{id}", get(project::show))
        .route("/admin/projects/{id}/delete", post(project::delete))
        .route("/admin/projects/{id}/restore", post(project::restore))
        .route("/admin/projects/{id}/transfer", post(project::transfer))
        .route("/admin/audit", get(audit::show))
        .route("/admin/logs", get(logs::show))
        .route("/admin/logs/filter", post(logs::set_filter))
        .route("/admin/doctor", get(doctor::show).post(doctor::run))
        .route("/admin/doctor/licences", get(doctor::licences))
        .layer(from_fn_with_state(app.clone(), sudo::ask))
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
    now: Time,
    /// Whence he comes, and what the request says of that: other settings would believe it, or would not.
    peer: Option<IpAddr>,
    headers: HeaderMap,
    /// Alerts that fire: their number stands in the menu.
    firing: usize,
}

impl FromRequestParts<App> for Desk {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Desk> {
        let peer = parts.extensions.get::<Peer>().map(|p| p.0.ip());
        let now = app.clock.now();
        let config = app.config();
        if !is_let_in(&config, &parts.headers, peer) {
            let address = reached::client(&config.server.trusted_proxies, &parts.headers, peer);
            let whom = Whom::at(address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
            // Once a minute from each place: who knocks fills no log.
            if app.limits.take(whom, "admin_refused", 1, now).is_ok() {
                let address = address.map_or_else(|| "?".to_owned(), |a| a.to_string());
                tracing::warn!(address, "the dashboard was refused: the address is in none of server.admin_networks");
            }
            return Err(Error::NotFound("path"));
        }
        let Ok(f) = Frame::from_request_parts(parts, app).await;
        let who = f.viewer()?;
        // Programs have the API; a token that leaks must not open the dashboard.
        if who.must_operate().is_err() || who.kind != SessionKind::Session {
            return Err(Error::NotFound("path"));
        }
        let query = parts.uri.query().unwrap_or("");
        let said = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "done").map(|(_, v)| v);
        let done = said.and_then(|said| DONE.iter().find(|known| **known == said)).copied();
        let firing = app.alerts.firing();
        let headers = parts.headers.clone();
        Ok(Desk { f: f.at("admin"), who, page: "", done, now, peer, headers, firing })
    }
}

/// May somebody from there see the dashboard under these settings?
fn is_let_in(config: &Config, headers: &HeaderMap, peer: Option<IpAddr>) -> bool {
    let client = reached::client(&config.server.trusted_proxies, headers, peer);
    network::is_within(&config.server.admin_networks, client)
}

/// What an action may say when it is done.
const DONE: &[&str] = &[
    "retried",
    "retried_all",
    "cancelled_all",
    "moved_all",
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
    "session_ended",
    "sessions_ended",
    "project_deleted",
    "project_restored",
    "project_transferred",
    "log_filter",
    "db_optimising",
    "db_checking",
    "db_checkpointed",
    "db_checkpoint_busy",
    "slow_forgotten",
    "alert_acknowledged",
    "alert_muted",
    "alert_unmuted",
    "alert_rule",
    "alert_rule_reset",
    "alert_options",
    "alert_target_added",
    "alert_target_changed",
    "alert_target_deleted",
    "alert_tested",
    "backup_asked",
    "backup_verifying",
    "backup_deleting",
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

    /// An error unless he may change things and has typed his password within the last minutes. The form is then kept
    /// while he is asked for it ([`sudo::ask`]), and goes on to the same handler: it is called before anything is done.
    fn must_confirm(&self) -> Result<()> {
        self.must_administer()?;
        if self.who.is_confirmed(self.now) { Ok(()) } else { Err(sudo::asked()) }
    }

    /// Would these settings shut him out who sets them? Then they are refused: nobody could take them back here.
    fn shuts_himself_out(&self, config: &Config) -> bool {
        !is_let_in(config, &self.headers, self.peer)
    }

    fn is_admin(&self) -> bool {
        self.who.site_role == SiteRole::Admin
    }

    /// The menu: each group with its pages.
    fn menu(&self) -> impl Iterator<Item = &'static [Place]> {
        PAGES.chunk_by(|a, b| a.group == b.group)
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
