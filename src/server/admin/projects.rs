//! `/admin/projects`: all projects of the instance, those in the trash among them: whose they are, what is in them, and
//! what they take; by name, place and status, and as a file.

use askama::Template;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::people::Pages;
use super::{Desk, words};
use crate::app::App;
use crate::base::csv;
use crate::base::error::Result;
use crate::domain::http::Query;
use crate::domain::projects::ProjectStatus;
use crate::domain::projects::operate::{self, By, FILE, Filter, PAGE, Row, Where};
use crate::server::web::Frame;
use crate::server::web::frame::html;

/// Columns and what they sort by. Numbers and times begin with the largest, words with the first.
const COLUMNS: [(By, bool); 8] = [
    (By::Name, false),
    (By::Owner, false),
    (By::Members, true),
    (By::Feedbacks, true),
    (By::Versions, true),
    (By::Size, true),
    (By::Activity, true),
    (By::Created, true),
];

#[derive(Template)]
#[template(path = "admin/projects.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    rows: Vec<Row>,
    asked: Asked,
    pages: Pages,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    place: String,
    status: String,
    sort: String,
    page: Option<i64>,
    format: String,
}

impl Asked {
    /// What an old link says wrongly is not asked.
    fn filter(&self) -> Filter {
        let sort = self.sort.strip_prefix('-');
        let by = sort.unwrap_or(&self.sort).parse().ok();
        Filter {
            search: self.q.trim().chars().take(100).collect(),
            place: self.place.parse().unwrap_or_default(),
            status: self.status.parse().ok(),
            by: by.unwrap_or_default(),
            down: sort.is_some() || by.is_none(),
        }
    }

    /// The address of the list, with something else instead.
    fn address(&self, with: &[(&str, &str)]) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        let all = [("q", &self.q), ("place", &self.place), ("status", &self.status), ("sort", &self.sort)];
        let kept = all.into_iter().map(|(n, v)| (n, v.as_str())).filter(|(n, _)| with.iter().all(|(w, _)| w != n));
        for (name, value) in kept.chain(with.iter().copied()).filter(|(_, value)| !value.is_empty()) {
            pairs.append_pair(name, value);
        }
        let query = pairs.finish();
        if query.is_empty() { "/admin/projects".to_owned() } else { format!("/admin/projects?{query}") }
    }
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    if asked.format == "csv" {
        return file(&app, &d, &asked).await;
    }
    let d = d.at("projects");
    let (filter, at) = (asked.filter(), asked.page.unwrap_or(1).clamp(1, 1_000_000));
    let (rows, count) = app.read(move |db| operate::list(db, &filter, at, PAGE)).await?;
    let pages = Pages::new(at, count, PAGE);
    html(&Page { f: &d.f, d: &d, rows, asked, pages })
}

/// The list as a file, at most [`FILE`] projects.
async fn file(app: &App, d: &Desk, asked: &Asked) -> Result<Response> {
    const COLUMNS: [&str; 12] = [
        "id",
        "name",
        "client",
        "status",
        "owner",
        "members",
        "feedbacks",
        "versions",
        "size",
        "quota",
        "activity",
        "deleted",
    ];
    let filter = asked.filter();
    let (rows, count) = app.read(move |db| operate::list(db, &filter, 1, FILE)).await?;
    let mut out = String::from(csv::BOM);
    let head: Vec<String> = COLUMNS.iter().map(|c| d.f.t(&format!("admin.projects.column.{c}"))).collect();
    csv::line(&mut out, head.iter().map(String::as_str));
    for r in &rows {
        let cells = [
            r.id.to_string(),
            r.name.clone(),
            r.client.clone(),
            r.status.to_string(),
            r.owner.nickname.clone(),
            r.members.to_string(),
            r.feedbacks.to_string(),
            r.versions.to_string(),
            r.size_bytes.to_string(),
            r.quota.map_or_else(String::new, |bytes| bytes.to_string()),
            r.active.map_or_else(String::new, |at| at.to_string()),
            r.deleted.map_or_else(String::new, |at| at.to_string()),
        ];
        csv::line(&mut out, cells.iter().map(String::as_str));
    }
    if count > rows.len() as i64 {
        let note = d.f.tw("admin.audit.file_more", &[("n", &FILE.to_string())]);
        csv::line(&mut out, [note.as_str()].into_iter());
    }
    let name = "attachment; filename=\"videoplanet-projects.csv\"";
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8"), (CONTENT_DISPOSITION, name)], out).into_response())
}

impl Page<'_> {
    fn places(&self) -> &'static [Where] {
        Where::ALL
    }

    fn statuses(&self) -> &'static [ProjectStatus] {
        ProjectStatus::ALL
    }

    /// What a column sorts by, its address, how it is sorted now, and whether it holds numbers.
    fn columns(&self) -> Vec<(By, String, &'static str, bool)> {
        let filter = self.asked.filter();
        let column = |(by, down): (By, bool)| {
            let is = match (filter.by == by, filter.down) {
                (false, _) => "none",
                (true, true) => "descending",
                (true, false) => "ascending",
            };
            // The other way round the second time.
            let next = if filter.by == by { !filter.down } else { down };
            let sort = format!("{}{by}", if next { "-" } else { "" });
            (by, self.asked.address(&[("sort", &sort)]), is, down)
        };
        COLUMNS.into_iter().map(column).collect()
    }

    fn size(&self, bytes: &i64) -> String {
        words::size((*bytes).max(0))
    }

    fn at_page(&self, page: i64) -> String {
        self.asked.address(&[("page", &page.to_string())])
    }

    fn file(&self) -> String {
        self.asked.address(&[("format", "csv")])
    }

    fn is_filtered(&self) -> bool {
        let a = &self.asked;
        [&a.q, &a.place, &a.status].iter().any(|text| !text.is_empty())
    }
}
