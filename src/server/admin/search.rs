//! `/admin/search`: how the index stands, building it anew, and two questions to it: what becomes of a text, and why a
//! document is found or not.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{Desk, back, words};
use crate::app::App;
use crate::base::error::Result;
use crate::domain::http::Query;
use crate::domain::search::Kind;
use crate::domain::search::operate::{self, FieldTokens, Status, Why};
use crate::server::web::Frame;
use crate::server::web::frame::html;

/// Over this age of what is not indexed yet, people miss what they have just written.
const LATE_MS: i64 = 10_000;

#[derive(Template)]
#[template(path = "admin/search.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    s: Status,
    asked: Asked,
    tokens: Vec<FieldTokens>,
    /// Absent if nothing was asked; empty if there is no such document.
    why: Option<Option<Why>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// To be taken apart.
    text: String,
    /// A question, and the document that it should find.
    q: String,
    kind: String,
    id: String,
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    let d = d.at("search");
    let s = operate::status(&app).await?;
    let text: String = asked.text.trim().chars().take(200).collect();
    let tokens = if text.is_empty() { Vec::new() } else { operate::tokens(&text) };
    let why = match (asked.q.trim(), asked.kind.parse::<Kind>(), asked.id.trim().parse::<i64>()) {
        ("", _, _) => None,
        // It tells of documents that an operator may not read.
        (q, Ok(kind), Ok(id)) if d.is_admin() => Some(operate::why(&app, q, kind, id).await?),
        _ if d.is_admin() => Some(None),
        _ => None,
    };
    html(&Page { f: &d.f, d: &d, s, asked, tokens, why })
}

/// Builds the index anew while the present one serves.
pub(super) async fn rebuild(State(app): State<App>, d: Desk) -> Result<Response> {
    d.must_administer()?;
    operate::rebuild(&app, &d.who).await?;
    Ok(back("", "/admin/search", "rebuilding"))
}

impl Page<'_> {
    fn documents(&self) -> u64 {
        self.s.documents.iter().map(|(_, n)| n).sum()
    }

    fn deleted(&self) -> u64 {
        self.s.segments.iter().map(|s| s.deleted).sum()
    }

    fn size(&self, bytes: &u64) -> String {
        words::size(*bytes)
    }

    fn lasting(&self, ms: &i64) -> String {
        words::lasting(self.f, *ms)
    }

    fn commit_time(&self) -> String {
        words::lasting(self.f, self.s.commit_ms as i64)
    }

    fn lag_class(&self) -> &'static str {
        match self.s.lag_ms {
            _ if self.s.lag_events == 0 => "",
            ..LATE_MS => "",
            _ => "warn",
        }
    }

    fn kinds(&self) -> &'static [Kind] {
        Kind::ALL
    }

    fn is_found(&self, why: &Why) -> bool {
        why.cover >= why.cut
    }

    fn number(&self, n: &f32) -> String {
        format!("{n:.2}")
    }

    /// What a field is for; one that has no word is called by its name alone.
    fn field(&self, name: &str) -> String {
        let key = format!("admin.search.field.{name}");
        let word = self.f.t(&key);
        if word == key { String::new() } else { word }
    }
}
