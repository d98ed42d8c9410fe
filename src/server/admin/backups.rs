//! `/admin/backups`: where backups go, how old the newest is, each with what the last look at it has found; what is done
//! at this moment, live; and how one is restored. Operators take and verify, admins delete.
//!
//! There is no restoring here: it takes the place of the data on which this page runs. The page shows the command.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;

use super::live::Parts;
use super::words::size;
use super::{Desk, back, words};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::locale::Text;
use crate::domain::backups::{self, Backup, Doing, State as Of};
use crate::engines::backup;
use crate::server::web::Frame;
use crate::server::web::form::Form;
use crate::server::web::frame::html;

const HERE: &str = "/admin/backups";

#[derive(Template)]
#[template(path = "admin/backups.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    parts: Parts,
    /// Where they go; empty: nowhere.
    place: String,
    /// The newest one that is there.
    newest: Option<String>,
    data: String,
    /// What was there before restores, and its bytes.
    aside: Option<(usize, u64)>,
}

pub(super) async fn show(State(app): State<App>, d: Desk) -> Result<Response> {
    let d = d.at("backups");
    let f = &d.f;
    let list = app.read(backups::list).await?;
    let newest = list.iter().find(|b| b.state == Of::Done).map(|b| b.id.clone());
    let dir = app.dir.clone();
    let aside = tokio::task::spawn_blocking(move || backup::aside(&dir)).await.map_err(Error::internal)?;
    let aside = aside.unwrap_or_default();
    let aside = (!aside.is_empty()).then(|| (aside.len(), aside.iter().map(|(_, bytes)| bytes).sum()));
    let parts = draw(&app, f, list, d.is_admin())?;
    let data = app.dir.canonicalize().unwrap_or_else(|_| app.dir.clone()).display().to_string();
    html(&Page { f, d: &d, parts, place: app.config().backup.to.clone(), newest, data, aside })
}

/// What the stream sends anew.
pub(super) async fn parts(app: &App, f: &Frame) -> Result<Parts> {
    let list = app.read(backups::list).await?;
    let is_admin = f.viewer().is_ok_and(|who| who.must_administer().is_ok());
    draw(app, f, list, is_admin)
}

fn draw(app: &App, f: &Frame, list: Vec<Backup>, is_admin: bool) -> Result<Parts> {
    let (config, doing) = (app.config(), app.backups.doing());
    let now = app.clock.now();
    let whole = list.iter().find(|b| b.is_whole()).cloned();
    let last = list.first().cloned();
    let figures = Figures { f, now, last, whole, count: list.iter().filter(|b| b.state == Of::Done).count() };
    let figures = figures.render().map_err(Error::internal)?;
    let busy = doing.is_some();
    let doing = At { f, now, doing }.render().map_err(Error::internal)?;
    let list = List { f, list, is_admin, busy, place: config.backup.to.clone() }.render().map_err(Error::internal)?;
    Ok(vec![("figures", figures), ("doing", doing), ("list", list)])
}

/// How it stands with them.
#[derive(Template)]
#[template(path = "admin/parts/backups_figures.html")]
struct Figures<'a> {
    f: &'a Frame,
    now: Time,
    last: Option<Backup>,
    whole: Option<Backup>,
    count: usize,
}

impl Figures<'_> {
    fn age(&self, b: &Backup) -> String {
        words::lasting(self.f, (self.now.0 - b.taken.0).max(0))
    }

    /// A day and a half, as the alert has it that the program brings along.
    fn class(&self, b: &Backup) -> &'static str {
        if self.now.0 - b.taken.0 > 36 * crate::base::clock::HOUR { "bad" } else { "" }
    }

    fn size(&self, bytes: &i64) -> String {
        size((*bytes).max(0) as u64)
    }
}

/// What is done at this moment.
#[derive(Template)]
#[template(path = "admin/parts/backups_doing.html")]
struct At<'a> {
    f: &'a Frame,
    now: Time,
    doing: Option<Doing>,
}

impl At<'_> {
    fn percent(&self, doing: &Doing) -> String {
        format!("{:.0}", doing.percent())
    }

    fn bytes(&self, doing: &Doing) -> String {
        self.f.tw("admin.backups.bytes", &[("done", &size(doing.done)), ("of", &size(doing.of))])
    }

    fn since(&self, doing: &Doing) -> String {
        words::lasting(self.f, (self.now.0 - doing.since.0).max(0))
    }
}

/// All of them.
#[derive(Template)]
#[template(path = "admin/parts/backups_list.html")]
struct List<'a> {
    f: &'a Frame,
    list: Vec<Backup>,
    is_admin: bool,
    /// Something is done at this moment.
    busy: bool,
    place: String,
}

impl List<'_> {
    fn size(&self, bytes: &i64) -> String {
        size((*bytes).max(0) as u64)
    }

    fn pill(&self, b: &Backup) -> (&'static str, &'static str) {
        match b.state {
            Of::Running => ("processing", "running"),
            Of::Failed => ("failed", "failed"),
            Of::Done => match &b.verified {
                Some(v) if !v.ok => ("failed", "damaged"),
                _ if b.lost > 0 => ("failed", "incomplete"),
                None => ("high", "unverified"),
                Some(_) => ("ready", "whole"),
            },
        }
    }

    fn read(&self, b: &Backup) -> String {
        let Some(v) = &b.verified else { return String::new() };
        let (read, of, rows) = (v.read.to_string(), v.of.to_string(), v.rows.to_string());
        let values = [("read", &*read), ("of", &*of), ("rows", &*rows), ("size", &*size(v.read_bytes))];
        self.f.tw("admin.backups.read", &values)
    }

    fn problems<'b>(&self, b: &'b Backup) -> &'b [String] {
        b.verified.as_ref().map_or(&[], |v| &v.problems)
    }

    fn lost(&self, b: &Backup) -> String {
        self.f.tw("admin.backups.lost", &[("n", &b.lost.to_string())])
    }

    fn elsewhere(&self, b: &Backup) -> bool {
        b.place != self.place
    }
}

impl Page<'_> {
    fn part(&self, name: &str) -> &str {
        self.parts.iter().find(|(n, _)| *n == name).map_or("", |(_, html)| html)
    }

    /// The commands that restore the newest one.
    fn command(&self) -> String {
        let id = self.newest.as_deref().unwrap_or("<id>");
        format!("videoplanet --data {} restore --yes --from {} {id}", quoted(&self.data), quoted(&self.place))
    }

    fn left(&self, aside: &(usize, u64)) -> String {
        self.f.tw("admin.backups.aside", &[("n", &aside.0.to_string()), ("size", &size(aside.1))])
    }
}

/// As a shell takes it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/.:_-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Takes one now, as a job.
pub(super) async fn take(State(app): State<App>, d: Desk) -> Result<Response> {
    if app.config().backup.to.is_empty() {
        return Err(Error::Conflict(Text::new("admin.backups.no_place")));
    }
    let by = d.who.user;
    app.write(move |tx| backups::ask(tx, String::new(), Some(by))).await?;
    Ok(back("", HERE, "backup_asked"))
}

/// What the form says.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Look {
    /// `true`: read everything.
    all: String,
}

/// Looks at one again, as a job.
pub(super) async fn verify(
    State(app): State<App>,
    d: Desk,
    Path(id): Path<String>,
    Form(look): Form<Look>,
) -> Result<Response> {
    let (by, all) = (d.who.user, look.all == "true");
    app.write(move |tx| {
        backups::by_id(tx, &id)?.filter(|b| b.state == Of::Done).ok_or(Error::NotFound("backup"))?;
        backups::ask_verify(tx, id, all, Some(by))
    })
    .await?;
    Ok(back("", HERE, "backup_verifying"))
}

/// Deletes one.
pub(super) async fn delete(State(app): State<App>, d: Desk, Path(id): Path<String>) -> Result<Response> {
    d.must_confirm()?;
    backups::delete(&app, &d.who, id).await?;
    Ok(back("", HERE, "backup_deleting"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_command_can_be_pasted() {
        assert_eq!(quoted("/srv/backups"), "/srv/backups");
        assert_eq!(quoted("s3://b/p"), "s3://b/p");
        assert_eq!(quoted("/srv/가을 광고"), "'/srv/가을 광고'");
        assert_eq!(quoted("/it's; rm"), r"'/it'\''s; rm'");
    }
}
