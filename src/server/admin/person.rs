//! `/admin/people/{id}`: one person: where he is signed in and may be signed out, where he belongs, and what the audit
//! tells of him.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{Back, Desk, audit, back};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::{SessionId, UserId};
use crate::base::roles::SiteRole;
use crate::domain::accounts::people::{self, Detail};
use crate::domain::accounts::sessions::Session;
use crate::domain::http::Path;
use crate::domain::journal::audit as entries;
use crate::server::web::Frame;
use crate::server::web::form::Form;
use crate::server::web::frame::html;

/// Entries of the audit that are shown here.
const RECENT: i64 = 20;

#[derive(Template)]
#[template(path = "admin/person.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    p: Detail,
    audit: String,
}

pub(super) async fn show(State(app): State<App>, d: Desk, Path(id): Path<UserId>) -> Result<Response> {
    let d = d.at("people");
    let now = app.clock.now();
    let read = app.read(move |db| {
        let filter = entries::Filter { person: Some(id), ..entries::Filter::default() };
        Ok((people::detail(db, id, now)?, entries::list(db, &filter, None, RECENT)?))
    });
    let (mut p, rows) = read.await?;
    for session in &mut p.sessions {
        session.current = session.id == d.who.session;
    }
    let audit = audit::draw(&d.f, &rows)?;
    html(&Page { f: &d.f, d: &d, p, audit })
}

#[derive(Deserialize)]
pub(super) struct Which {
    id: UserId,
    session: SessionId,
}

/// Ends one session or token.
pub(super) async fn end_one(State(app): State<App>, d: Desk, Path(which): Path<Which>) -> Result<Response> {
    d.must_confirm()?;
    people::end_session(&app, &d.who, which.id, which.session).await?;
    Ok(back("", &format!("/admin/people/{}", which.id), "session_ended"))
}

/// Ends all of them.
pub(super) async fn end_all(
    State(app): State<App>,
    d: Desk,
    Path(id): Path<UserId>,
    Form(to): Form<Back>,
) -> Result<Response> {
    d.must_confirm()?;
    people::end_sessions(&app, &d.who, id).await?;
    Ok(back(&to.back, &format!("/admin/people/{id}"), "sessions_ended"))
}

impl Page<'_> {
    fn roles(&self) -> &'static [SiteRole] {
        SiteRole::ALL
    }

    fn is_me(&self) -> bool {
        self.p.account.id == self.d.who.user
    }

    fn here(&self) -> String {
        format!("/admin/people/{}", self.p.account.id)
    }

    /// The browser and its system in a few words.
    fn device(&self, session: &Session) -> String {
        session.agent.as_deref().map_or_else(|| self.f.t("admin.person.unknown_device"), device)
    }

    fn scopes(&self, token: &Session) -> String {
        token.scopes.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// "Chrome, Windows" of what a browser calls itself; its first word where neither is known. The order matters: they all
/// call themselves each other.
fn device(agent: &str) -> String {
    const BROWSERS: [(&str, &str); 7] = [
        ("Whale/", "Whale"),
        ("Edg", "Edge"),
        ("SamsungBrowser", "Samsung Internet"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let find =
        |list: &[(&str, &'static str)]| list.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.split(['/', ' ']).next().unwrap_or("").chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn a_browser_is_called_by_its_name() {
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36";
        assert_eq!(device(windows), "Chrome, Windows");
        assert_eq!(device(&format!("{windows} Edg/131.0")), "Edge, Windows");
        let phone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1";
        assert_eq!(device(phone), "Safari, iPhone");
        assert_eq!(device("curl/8.9.1"), "curl");
        assert_eq!(device(""), "");
    }
}
