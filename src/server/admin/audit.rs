//! `/admin/audit`: who got in, who may what, who did what to the instance: by person, topic, project and days, and as a
//! file.

use askama::Template;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::{Desk, words};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::csv;
use crate::base::day::Day;
use crate::base::error::Result;
use crate::base::ids::{ProjectId, UserId};
use crate::base::locale;
use crate::domain::accounts;
use crate::domain::http::Query;
use crate::domain::journal::audit::{self, FILE, Filter, PAGE, Row, Topic};
use crate::server::web::Frame;
use crate::server::web::frame::html;

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    asked: Asked,
    /// The table, with the last place that it shows where there are more behind it.
    rows: String,
    more: Option<i64>,
    /// The person that was typed is none.
    unknown: bool,
}

/// Rows of the audit; also on the page of a person.
#[derive(Template)]
#[template(path = "admin/parts/audit_rows.html")]
pub(super) struct Rows<'a> {
    f: &'a Frame,
    rows: &'a [Row],
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// A login, or the number of an account.
    who: String,
    /// The number of a project.
    project: String,
    topic: String,
    verb: String,
    id: Option<i64>,
    /// Days in the zone of the schedule, both included.
    from: String,
    to: String,
    before: Option<i64>,
    format: String,
}

impl Asked {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let id = self.id.map_or_else(String::new, |n| n.to_string());
        let all = [
            ("who", self.who.clone()),
            ("project", self.project.trim().to_owned()),
            ("topic", self.topic.clone()),
            ("verb", self.verb.clone()),
            ("id", id),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    fn address(&self, name: &str, value: &str) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.extend_pairs(self.pairs().into_iter().filter(|(n, _)| *n != name));
        if !value.is_empty() {
            pairs.append_pair(name, value);
        }
        format!("/admin/audit?{}", pairs.finish())
    }

    /// What is asked for, without the person; what an old link says wrongly is not asked.
    fn filter(&self, zone: &TimeZone) -> Filter {
        let day = |text: &str| text.trim().parse::<Day>().ok();
        let known = |c: char| c.is_ascii_lowercase() || c == '_';
        Filter {
            person: None,
            project: self.project.trim().parse().ok().map(ProjectId),
            topic: self.topic.parse::<Topic>().ok(),
            verb: Some(self.verb.clone()).filter(|v| !v.is_empty() && v.len() <= 40 && v.chars().all(known)),
            id: self.id,
            from: day(&self.from).map(|day| begin(day, zone)),
            to: day(&self.to).and_then(|day| day.plus(1)).map(|day| begin(day, zone)),
        }
    }
}

/// When a day begins in a zone.
fn begin(day: Day, zone: &TimeZone) -> Time {
    let date = day.to_string().parse::<jiff::civil::Date>().ok();
    let start = date.and_then(|date| date.to_zoned(zone.clone()).ok());
    start.map_or(day.midnight(), |start| Time(start.timestamp().as_millisecond()))
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    let d = d.at("audit");
    let zone = TimeZone::get(&app.config().schedule.time_zone).unwrap_or(TimeZone::UTC);
    let (filter, who, before) = (asked.filter(&zone), asked.who.trim().to_owned(), asked.before);
    let is_file = asked.format == "csv";
    let limit = if is_file { FILE } else { PAGE };
    let read = app.read(move |db| {
        let person = match who.parse::<i64>() {
            _ if who.is_empty() => None,
            Ok(id) => Some(UserId(id)),
            // Nobody has the number -1.
            Err(_) => Some(accounts::by_email(db, &who)?.map_or(UserId(-1), |p| p.id)),
        };
        let rows = audit::list(db, &Filter { person, ..filter }, before, limit + 1)?;
        Ok((rows, person == Some(UserId(-1))))
    });
    let (mut rows, unknown) = read.await?;
    let more = (rows.len() as i64 > limit).then(|| rows[limit as usize - 1].seq);
    rows.truncate(limit as usize);
    if is_file {
        return Ok(file(&d.f, &rows, more.is_some()));
    }
    let rows = draw(&d.f, &rows)?;
    html(&Page { f: &d.f, d: &d, asked, rows, more, unknown })
}

/// The rows as HTML.
pub(super) fn draw(f: &Frame, rows: &[Row]) -> Result<String> {
    Rows { f, rows }.render().map_err(crate::base::error::Error::internal)
}

/// The rows for a spreadsheet, at most [`FILE`]; a last line says when there are more.
fn file(f: &Frame, rows: &[Row], more: bool) -> Response {
    const COLUMNS: [&str; 9] = ["seq", "at", "who", "verb", "what", "about", "project", "before", "after"];
    let mut out = String::from(csv::BOM);
    let head: Vec<String> = COLUMNS.iter().map(|c| f.t(&format!("admin.audit.column.{c}"))).collect();
    csv::line(&mut out, head.iter().map(String::as_str));
    let r = Rows { f, rows };
    for row in rows {
        let changes = r.changes(row);
        let side = |of: fn(&Said) -> &String| {
            changes.iter().filter(|c| !of(c).is_empty()).map(|c| format!("{}: {}", c.name, of(c))).collect::<Vec<_>>()
        };
        let cells = [
            row.seq.to_string(),
            row.at.to_string(),
            r.actor(row),
            row.verb.clone(),
            r.verb(row),
            r.about(row),
            r.project(row),
            side(|c| &c.before).join("; "),
            side(|c| &c.after).join("; "),
        ];
        csv::line(&mut out, cells.iter().map(String::as_str));
    }
    if more {
        let note = f.tw("admin.audit.file_more", &[("n", &FILE.to_string())]);
        csv::line(&mut out, [note.as_str()].into_iter());
    }
    let name = "attachment; filename=\"videoplanet-audit.csv\"";
    ([(CONTENT_TYPE, "text/csv; charset=utf-8"), (CONTENT_DISPOSITION, name)], out).into_response()
}

/// A change in words.
struct Said {
    name: String,
    before: String,
    after: String,
}

impl Rows<'_> {
    fn actor(&self, row: &Row) -> String {
        match &row.actor {
            Some((id, name)) => name.clone().unwrap_or_else(|| format!("#{id}")),
            None if row.subject.0 == "user" => self.f.t("admin.audit.nobody"),
            None => self.f.t("admin.audit.program"),
        }
    }

    /// The event in words; one that has none is called by its name.
    fn verb(&self, row: &Row) -> String {
        let key = format!("admin.audit.verb.{}", row.verb);
        let word = locale::get(self.f.lang, &key);
        if word == key { row.verb.clone() } else { word }
    }

    /// The person that it is about, where that is not who did it.
    fn person(&self, row: &Row) -> Option<(UserId, String)> {
        let (id, name) = row.user.clone()?;
        let himself = row.actor.as_ref().is_some_and(|(actor, _)| *actor == id);
        (!himself).then(|| (id, name.unwrap_or_else(|| format!("#{id}"))))
    }

    fn project(&self, row: &Row) -> String {
        row.project.as_ref().map_or_else(String::new, |(id, name)| name.clone().unwrap_or_else(|| format!("#{id}")))
    }

    /// What it is about, where that is neither a person nor a project.
    fn thing(&self, row: &Row) -> String {
        let text = |name: &str| row.body[name].as_str().unwrap_or("").to_owned();
        let kind = |name: String| if name.is_empty() { name } else { self.f.label("admin.kind", name) };
        let id = row.subject.1;
        match row.subject.0.as_str() {
            "job" => format!("{} #{id}", kind(text("kind"))),
            "lane" => self.f.label("admin.lane", text("lane")),
            "schedule" => kind(text("name")),
            "mail" | "webhook" | "invitation" => format!("#{id}"),
            "cache" if !text("group").is_empty() => self.f.label("admin.cache.group", text("group")),
            "storage" if row.verb == "purge_asked" => {
                format!("{} #{}", self.f.label("admin.audit.thing", text("what")), row.body["id"])
            }
            _ => String::new(),
        }
    }

    fn about(&self, row: &Row) -> String {
        let person = self.person(row).map(|(_, name)| name);
        [person.unwrap_or_default(), self.thing(row)]
            .into_iter()
            .filter(|t| !t.is_empty())
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn changes(&self, row: &Row) -> Vec<Said> {
        let said = |(name, before, after): audit::Change| Said {
            before: self.value(&name, before, &row.body),
            after: self.value(&name, after, &row.body),
            // A setting is called as on its page.
            name: self.f.label(if name.contains('.') { "setting" } else { "admin.audit.field" }, name),
        };
        row.changes().into_iter().map(said).collect()
    }

    /// A value as people say it.
    fn value(&self, name: &str, value: String, body: &Value) -> String {
        match name {
            // No quota is a value too, but not where an event from before does not know it.
            "size_bytes" if value.is_empty() && body.get("was").is_some() => self.f.t("admin.storage.no_limit"),
            "size_bytes" => words::size(value.parse::<u64>().unwrap_or(0)),
            "places" if value.is_empty() => self.f.t("admin.audit.by_settings"),
            _ if value.is_empty() => value,
            "site_role" => self.f.label("admin.role", value),
            "role" => self.f.label("js.role", value),
            "missed" => self.f.label("admin.schedule.missed", value),
            _ if value == "true" || value == "false" => self.f.label("admin.audit.is", value),
            _ => value,
        }
    }

    fn at(&self, row: &Row) -> String {
        row.at.to_string()
    }

    /// Is it something that somebody should look at?
    fn is_grave(&self, row: &Row) -> bool {
        matches!(
            row.verb.as_str(),
            "login_failed" | "confirm_failed" | "project_purged" | "purge_asked" | "user_locked"
        )
    }
}

impl Page<'_> {
    fn topics(&self) -> &'static [Topic] {
        Topic::ALL
    }

    fn is_filtered(&self) -> bool {
        !self.asked.pairs().is_empty()
    }

    fn file(&self) -> String {
        self.asked.address("format", "csv")
    }

    fn older(&self, seq: &i64) -> String {
        self.asked.address("before", &seq.to_string())
    }

    fn newest(&self) -> String {
        self.asked.address("", "")
    }

    /// What the address asks beside the fields that are shown.
    fn hidden(&self) -> Vec<(&'static str, String)> {
        self.asked.pairs().into_iter().filter(|(name, _)| matches!(*name, "verb" | "id")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_zone() {
        let zone = TimeZone::get("Asia/Seoul").unwrap();
        let asked =
            Asked { from: "2026-11-28".into(), to: "2026-11-28".into(), verb: "x'--".into(), ..Asked::default() };
        let filter = asked.filter(&zone);
        assert_eq!(filter.from, Time::parse("2026-11-27T15:00:00Z"));
        assert_eq!(filter.to, Time::parse("2026-11-28T15:00:00Z"));
        assert_eq!(filter.verb, None);
        let nonsense = Asked { from: "yesterday".into(), topic: "nonsense".into(), ..Asked::default() }.filter(&zone);
        assert!(nonsense.from.is_none() && nonsense.topic.is_none());
    }
}
