//! A table that is sorted, filtered, linked to and taken along as CSV by its address alone: `?sort=-p95&q=media&format=csv`.
//!
//! A page names its columns, pushes rows of [`Cell`]s and either draws the table or answers the CSV. Everything happens on
//! what the page has read already, so a page bounds its rows.

use std::cmp::Ordering;

use askama::Template;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::base::csv;
use crate::base::error::{Error, Result};
use crate::server::web::Frame;

/// What the address says about the table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// The column to sort by; `-` before it for the largest first.
    pub(super) sort: String,
    /// Only rows in which this stands, in any case.
    pub(super) q: String,
    /// `csv` for the file.
    pub(super) format: String,
}

impl Asked {
    /// Is the file wanted, not the page?
    pub(super) fn csv(&self) -> bool {
        self.format == "csv"
    }
}

/// A column; its title is the text `admin.<page>.column.<name>`.
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Numbers stand on the right and are sorted largest first.
    pub(super) number: bool,
}

/// A column of words.
pub(super) const fn words(name: &'static str) -> Column {
    Column { name, number: false }
}

/// A column of numbers.
pub(super) const fn number(name: &'static str) -> Column {
    Column { name, number: true }
}

/// One field.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    shown: String,
    /// What a number is sorted by, and what the CSV has.
    value: Option<f64>,
    href: Option<String>,
    class: &'static str,
    /// A time is written by scripts as its reader's country does.
    time: Option<String>,
}

impl Cell {
    pub(super) fn text(shown: impl Into<String>) -> Cell {
        Cell { shown: shown.into(), ..Cell::default() }
    }

    /// `shown` for people, `value` for sorting and for the file.
    pub(super) fn number(value: f64, shown: impl Into<String>) -> Cell {
        Cell { shown: shown.into(), value: Some(value), ..Cell::default() }
    }

    /// A moment; nothing sorts as the oldest.
    pub(super) fn time(at: Option<crate::base::clock::Time>) -> Cell {
        let text = at.map(|at| at.to_string());
        let value = Some(at.map_or(f64::MIN, |at| at.0 as f64));
        Cell { shown: text.clone().unwrap_or_else(|| "–".into()), value, time: text, ..Cell::default() }
    }

    pub(super) fn link(self, href: impl Into<String>) -> Cell {
        Cell { href: Some(href.into()), ..self }
    }

    /// `good`, `warn`, `bad`, `mono`, `strong`, `muted`.
    pub(super) fn class(self, class: &'static str) -> Cell {
        Cell { class, ..self }
    }

    fn in_file(&self) -> String {
        match (&self.time, self.value) {
            (Some(time), _) => time.clone(),
            (None, Some(f64::MIN)) => String::new(),
            (None, Some(value)) => value.to_string(),
            (None, None) => self.shown.clone(),
        }
    }
}

/// The table of one page.
pub(super) struct Table {
    /// Of its texts and its file: `requests` gives `admin.requests.column.…` and `requests.csv`.
    page: &'static str,
    /// Where its links lead, without a query.
    path: &'static str,
    columns: &'static [Column],
    rows: Vec<Vec<Cell>>,
    asked: Asked,
    /// What else the address says and has to go on saying.
    keep: Vec<(&'static str, String)>,
    all: usize,
}

impl Table {
    /// `default` is the order without `?sort=`, such as `-p95`.
    pub(super) fn new(
        page: &'static str,
        path: &'static str,
        columns: &'static [Column],
        default: &str,
        asked: Asked,
    ) -> Table {
        let known = |sort: &str| columns.iter().any(|c| c.name == sort.trim_start_matches('-'));
        let sort = if known(&asked.sort) { asked.sort.clone() } else { default.to_owned() };
        Table { page, path, columns, rows: Vec::new(), asked: Asked { sort, ..asked }, keep: Vec::new(), all: 0 }
    }

    /// The links go on saying `name=value`.
    pub(super) fn keep(mut self, name: &'static str, value: impl Into<String>) -> Table {
        let value = value.into();
        if !value.is_empty() {
            self.keep.push((name, value));
        }
        self
    }

    /// Adds the rows, drops those in which the filter's word does not stand, and sorts.
    pub(super) fn fill(mut self, rows: impl IntoIterator<Item = Vec<Cell>>) -> Table {
        self.rows = rows.into_iter().collect();
        self.all = self.rows.len();
        let wanted = self.asked.q.trim().to_lowercase();
        self.rows.retain(|row| wanted.is_empty() || row.iter().any(|c| c.shown.to_lowercase().contains(&wanted)));
        let down = self.asked.sort.starts_with('-');
        let name = self.asked.sort.trim_start_matches('-');
        if let Some(place) = self.columns.iter().position(|c| c.name == name) {
            self.rows.sort_by(|a, b| {
                let order = match (a[place].value, b[place].value) {
                    (Some(a), Some(b)) => a.total_cmp(&b),
                    _ => a[place].shown.cmp(&b[place].shown),
                };
                if down { order.reverse() } else { order }.then(Ordering::Equal)
            });
        }
        self
    }

    /// The table with its filter and its links.
    pub(super) fn draw(&self, f: &Frame) -> Result<String> {
        Drawn { f, t: self }.render().map_err(Error::internal)
    }

    /// The rows alone, for the live stream.
    pub(super) fn draw_rows(&self, f: &Frame) -> Result<String> {
        Rows { f, t: self }.render().map_err(Error::internal)
    }

    /// The same rows as a file.
    pub(super) fn csv(&self, f: &Frame) -> Response {
        let mut out = String::from(csv::BOM);
        let head: Vec<String> = self.columns.iter().map(|c| self.title(f, c)).collect();
        csv::line(&mut out, head.iter().map(String::as_str));
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(Cell::in_file).collect();
            csv::line(&mut out, cells.iter().map(String::as_str));
        }
        let name = format!("attachment; filename=\"videoplanet-{}.csv\"", self.page);
        ([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)], out).into_response()
    }

    fn title(&self, f: &Frame, column: &Column) -> String {
        f.t(&format!("admin.{}.column.{}", self.page, column.name))
    }

    fn address(&self, with: &[(&str, &str)]) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.keep {
            pairs.append_pair(name, value);
        }
        for (name, value) in with.iter().filter(|(_, value)| !value.is_empty()) {
            pairs.append_pair(name, value);
        }
        format!("{}?{}", self.path, pairs.finish())
    }

    /// The address that sorts by this column; a second time the other way round.
    fn sorted_by(&self, column: &Column) -> String {
        let (down, name) = (format!("-{}", column.name), column.name);
        let first = if column.number { down.as_str() } else { name };
        let second = if column.number { name } else { down.as_str() };
        let sort = if self.asked.sort == first { second } else { first };
        self.address(&[("sort", sort), ("q", &self.asked.q)])
    }

    fn file(&self) -> String {
        self.address(&[("sort", &self.asked.sort), ("q", &self.asked.q), ("format", "csv")])
    }

    /// For `aria-sort`.
    fn order(&self, column: &Column) -> &'static str {
        match self.asked.sort.strip_prefix('-') {
            Some(name) if name == column.name => "descending",
            None if self.asked.sort == column.name => "ascending",
            _ => "none",
        }
    }

    fn is_number(&self, place: &usize) -> bool {
        self.columns.get(*place).is_some_and(|c| c.number)
    }
}

#[derive(Template)]
#[template(path = "admin/parts/table.html")]
struct Drawn<'a> {
    f: &'a Frame,
    t: &'a Table,
}

impl Drawn<'_> {
    fn rows(&self) -> Result<String> {
        self.t.draw_rows(self.f)
    }
}

#[derive(Template)]
#[template(path = "admin/parts/rows.html")]
struct Rows<'a> {
    f: &'a Frame,
    t: &'a Table,
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[words("route"), number("p95")];

    fn table(asked: Asked) -> Table {
        let row = |route: &str, p95: f64| vec![Cell::text(route), Cell::number(p95, format!("{p95} ms"))];
        Table::new("requests", "/admin/requests", COLUMNS, "-p95", asked).keep("range", "hour").fill([
            row("/a", 9.0),
            row("/B", 100.0),
            row("=c", 20.0),
        ])
    }

    fn first(t: &Table) -> Vec<&str> {
        t.rows.iter().map(|r| r[0].shown.as_str()).collect()
    }

    #[test]
    fn it_is_sorted_and_filtered_by_its_address() {
        assert_eq!(first(&table(Asked::default())), ["/B", "=c", "/a"]);
        assert_eq!(first(&table(Asked { sort: "p95".into(), ..Asked::default() })), ["/a", "=c", "/B"]);
        assert_eq!(first(&table(Asked { sort: "nonsense".into(), ..Asked::default() })), ["/B", "=c", "/a"]);
        assert_eq!(first(&table(Asked { q: " /b".into(), ..Asked::default() })), ["/B"]);
        let t = table(Asked { q: "/b".into(), ..Asked::default() });
        assert_eq!(t.sorted_by(&COLUMNS[1]), "/admin/requests?range=hour&sort=p95&q=%2Fb");
        assert_eq!((t.order(&COLUMNS[1]), t.order(&COLUMNS[0])), ("descending", "none"));
    }
}
