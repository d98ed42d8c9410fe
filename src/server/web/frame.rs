//! What every page is drawn in: who looks, in which language and light, and the small words that templates use.

use std::convert::Infallible;
use std::fmt::Display;

use askama::Template;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use serde_json::{Map, Value, json};

use super::assets;
use crate::app::App;
use crate::base::clock::{DAY, Time};
use crate::base::day::Day;
use crate::base::error::{Error, Result};
use crate::base::locale::{self, Lang};
use crate::base::roles::{Role, SiteRole};
use crate::domain::accounts::Viewer;
use crate::domain::http::lang_of;
use crate::domain::projects::ProjectStatus;

/// The cookie that keeps the language of somebody who is not signed in.
pub(in crate::server) const LANG_COOKIE: &str = "vp_lang";
const THEME_COOKIE: &str = "vp_theme";

/// The frame of a page. As an extractor it never fails: without a session `me` is empty.
#[derive(Clone)]
pub struct Frame {
    pub(in crate::server) lang: Lang,
    pub(in crate::server) theme: Option<&'static str>,
    pub(in crate::server) me: Option<Viewer>,
    /// Path and query, to come back to.
    pub(in crate::server) path: String,
    /// Which entry of the menu is lit.
    pub(in crate::server) here: &'static str,
    /// Where static files are served: empty, or the content delivery network's address.
    cdn: String,
    /// JSON for the scripts, safe inside a `<script>` element.
    pub(in crate::server) data: String,
    now: Time,
}

impl FromRequestParts<App> for Frame {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<Frame, Infallible> {
        let me = <Viewer as OptionalFromRequestParts<App>>::from_request_parts(parts, app).await.ok().flatten();
        let mut frame = Frame::plain(&parts.headers, app.clock.now());
        frame.cdn = app.config().server.cdn_url.trim_end_matches('/').to_owned();
        if let Some(me) = &me {
            frame.lang = me.lang;
        }
        frame.me = me;
        frame.path = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        frame.load(Map::new());
        Ok(frame)
    }
}

impl Frame {
    /// The frame for a request whose session is not looked at.
    pub(in crate::server) fn plain(headers: &HeaderMap, now: Time) -> Frame {
        let jar = CookieJar::from_headers(headers);
        let chosen = jar.get(LANG_COOKIE).and_then(|c| Lang::from_tag(c.value()));
        let theme = match jar.get(THEME_COOKIE).map(|c| c.value()) {
            Some("light") => Some("light"),
            Some("dark") => Some("dark"),
            _ => None,
        };
        let lang = chosen.unwrap_or_else(|| lang_of(headers));
        let mut frame =
            Frame { lang, theme, me: None, path: "/".into(), here: "", cdn: String::new(), data: String::new(), now };
        frame.load(Map::new());
        frame
    }

    /// The signed-in person; without one the answer is 401, which leads to `/login`.
    pub(in crate::server) fn viewer(&self) -> Result<Viewer> {
        self.me.clone().ok_or(Error::Unauthenticated)
    }

    /// The same frame with the menu's entry `here` lit.
    pub(in crate::server) fn at(mut self, here: &'static str) -> Frame {
        self.here = here;
        self
    }

    /// The same frame with `value` for the scripts under `name`.
    pub(in crate::server) fn with(mut self, name: &str, value: Value) -> Frame {
        self.load(Map::from_iter([(name.to_owned(), value)]));
        self
    }

    fn load(&mut self, mut extra: Map<String, Value>) {
        let texts: Map<String, Value> = locale::table(self.lang)
            .iter()
            .filter(|(key, _)| key.starts_with("js."))
            .map(|(key, text)| (key.clone(), Value::from(text.as_str())))
            .collect();
        extra.insert("lang".into(), self.lang.tag().into());
        extra.insert("texts".into(), Value::Object(texts));
        if let Some(me) = &self.me {
            let person = json!({ "id": me.user, "nickname": me.nickname, "site_role": me.site_role });
            extra.insert("me".into(), person);
        }
        // `</script>` and `<!--` would end the element early.
        self.data = Value::Object(extra).to_string().replace('<', "\\u003c");
    }

    // What templates say -------------------------------------------------------------------------------------------

    pub(in crate::server) fn lang(&self) -> &'static str {
        self.lang.tag()
    }

    pub(in crate::server) fn other_lang(&self) -> &'static str {
        if self.lang == Lang::Ko { "en" } else { "ko" }
    }

    pub(in crate::server) fn is_theme(&self, name: &str) -> bool {
        self.theme == Some(name)
    }

    pub(in crate::server) fn is_staff(&self) -> bool {
        self.me.as_ref().is_some_and(|me| me.site_role <= SiteRole::Operator)
    }

    pub(in crate::server) fn nickname(&self) -> &str {
        self.me.as_ref().map_or("", |me| &me.nickname)
    }

    pub(in crate::server) fn asset(&self, path: &str) -> String {
        format!("{}{}", self.cdn, assets::url(path))
    }

    /// A script by its name, to be loaded ahead of the one that imports it.
    pub(super) fn script(&self, name: &str) -> String {
        self.asset(&format!("js/{name}.js"))
    }

    /// The text of `key`.
    pub(in crate::server) fn t(&self, key: &str) -> String {
        locale::get(self.lang, key)
    }

    /// The text of `key` with values for its names.
    pub(in crate::server) fn tw(&self, key: &str, values: &[(&str, &str)]) -> String {
        values.iter().fold(self.t(key), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// The word for a value of a closed set: `js.status` and `open` give 접수.
    pub(in crate::server) fn label(&self, set: &str, value: impl Display) -> String {
        self.t(&format!("{set}.{value}"))
    }

    /// Do both have the same name on the wire?
    pub(in crate::server) fn same(&self, a: impl Display, b: impl Display) -> bool {
        a.to_string() == b.to_string()
    }

    pub(in crate::server) fn roles(&self) -> [Role; 4] {
        [Role::Manager, Role::Editor, Role::Reviewer, Role::Viewer]
    }

    pub(in crate::server) fn project_statuses(&self) -> &'static [ProjectStatus] {
        ProjectStatus::ALL
    }

    /// Does a deadline no longer matter?
    pub(in crate::server) fn is_over(&self, status: &ProjectStatus) -> bool {
        matches!(status, ProjectStatus::Completed | ProjectStatus::Cancelled | ProjectStatus::Archived)
    }

    /// One sign of the sprite. `name` comes from templates, never from a request.
    pub(in crate::server) fn icon(&self, name: &str) -> String {
        format!(
            "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"{}#{name}\"></use></svg>",
            assets::url("icons.svg")
        )
    }

    /// A project's colour as a dot. Colours are attributes, since the pages allow no inline style.
    pub(in crate::server) fn dot(&self, color: &str) -> String {
        format!(
            "<svg class=\"dot\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><circle cx=\"5\" cy=\"5\" r=\"5\" fill=\"{}\"/></svg>",
            hue(color)
        )
    }

    /// A project's colour as the upper edge of its tile.
    pub(in crate::server) fn stripe(&self, color: &str) -> String {
        format!(
            "<svg class=\"stripe\" viewBox=\"0 0 10 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"10\" height=\"1\" fill=\"{}\"/></svg>",
            hue(color)
        )
    }

    /// Which of the eight avatar colours a person has.
    pub(in crate::server) fn color_of(&self, id: &i64) -> i64 {
        id.rem_euclid(8)
    }

    pub(in crate::server) fn iso(&self, at: &Time) -> String {
        at.to_string()
    }

    /// A time that scripts turn into "3 minutes ago".
    pub(in crate::server) fn time(&self, at: &Time) -> String {
        format!("<time datetime=\"{at}\" data-ago>{}</time>", at.date())
    }

    /// A day that scripts write as the reader's country does.
    pub(in crate::server) fn date(&self, at: &Time) -> String {
        format!("<time datetime=\"{at}\" data-day>{}</time>", at.date())
    }

    /// A day of the calendar, or a dash for none.
    pub(in crate::server) fn day(&self, day: &Option<Day>) -> String {
        day.map_or_else(|| "–".into(), |day| day.to_string())
    }

    /// How far off a deadline is. Deadlines are ends of days where they were set, so whole days of distance count.
    pub(in crate::server) fn due(&self, at: &Time) -> String {
        let left = at.0 - self.now.0;
        match left {
            ..0 => self.tw("js.due.over", &[("n", &(-left / DAY + 1).to_string())]),
            0..DAY => self.t("js.due.today"),
            _ => self.tw("js.due.left", &[("n", &(left / DAY).to_string())]),
        }
    }

    pub(in crate::server) fn due_class(&self, at: &Time) -> &'static str {
        match at.0 - self.now.0 {
            ..0 => "overdue",
            0..259_200_000 => "due-soon",
            _ => "muted",
        }
    }

    /// A film's length as m:ss.
    pub(in crate::server) fn length(&self, ms: &i64) -> String {
        let s = ms.max(&0) / 1000;
        if s >= 3600 {
            format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
        } else {
            format!("{}:{:02}", s / 60, s % 60)
        }
    }
}

/// A colour is checked when it is stored; one that is none is drawn grey rather than trusted.
fn hue(color: &str) -> &str {
    let good = color.len() == 7 && color.starts_with('#') && color[1..].bytes().all(|b| b.is_ascii_hexdigit());
    if good { color } else { "#5b6472" }
}

/// A rendered page.
pub(in crate::server) fn html(page: &impl Template) -> Result<Response> {
    let text = page.render().map_err(Error::internal)?;
    // Pages show what one person may see at this moment: nobody keeps them.
    Ok(([(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "private, no-store")], text).into_response())
}
