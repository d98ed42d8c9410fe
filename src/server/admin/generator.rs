//! `/admin/generator`: who drafts storyboards, what the model has taken this month, a question to try it, and the switch
//! that hides all of it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::{Desk, back};
use crate::app::App;
use crate::base::error::Result;
use crate::domain::plans::generator::{self, Generator};
use crate::domain::plans::storyboard::trial::{self, Trial};
use crate::server::web::Frame;
use crate::server::web::form::Form;
use crate::server::web::frame::html;

#[derive(Template)]
#[template(path = "admin/generator.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    g: Generator,
    /// Where the model is, without what an address may hold beside that.
    at: String,
    name: &'a str,
    image_name: &'a str,
    timeout_s: u64,
    tokens: (i64, i64),
    images: (i64, i64),
    trial: Option<Trial>,
}

pub(super) async fn show(State(app): State<App>, d: Desk) -> Result<Response> {
    page(&app, d, None).await
}

/// Asks the model something and shows what came of it.
pub(super) async fn test(State(app): State<App>, d: Desk) -> Result<Response> {
    let trial = trial::ask(&app, &d.who).await?;
    page(&app, d, Some(trial)).await
}

#[derive(Deserialize)]
pub(super) struct Hide {
    hidden: bool,
}

/// Hides drafting from everybody, or shows it again.
pub(super) async fn hide(State(app): State<App>, d: Desk, Form(asked): Form<Hide>) -> Result<Response> {
    generator::hide(&app, &d.who, asked.hidden).await?;
    Ok(back("", "/admin/generator", if asked.hidden { "generator_hidden" } else { "generator_shown" }))
}

async fn page(app: &App, d: Desk, trial: Option<Trial>) -> Result<Response> {
    let d = d.at("generator");
    let g = generator::get(app).await?;
    let (tokens, images) = trial::spent(app).await?;
    let config = app.config();
    let model = &config.model;
    html(&Page {
        f: &d.f,
        d: &d,
        g,
        at: place_of(&model.base_url),
        name: &model.name,
        image_name: &model.image_name,
        timeout_s: model.timeout_s,
        tokens: (tokens, model.monthly_tokens),
        images: (images, model.monthly_images),
        trial,
    })
}

/// Scheme, host and path of an address: a name or a key in it is nobody's to read.
fn place_of(url: &str) -> String {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split(['?', '#']).next().unwrap_or("");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or("");
    let path = if path.is_empty() { String::new() } else { format!("/{path}") };
    if scheme.is_empty() { format!("{host}{path}") } else { format!("{scheme}://{host}{path}") }
}

impl Page<'_> {
    /// What was taken this month, each with its limit.
    fn spent(&self) -> [(&'static str, (i64, i64)); 2] {
        [("tokens", self.tokens), ("images", self.images)]
    }

    /// 0–100 of a month's limit, for its bar; 0 where there is none.
    fn part(&self, of: &(i64, i64)) -> i64 {
        if of.1 <= 0 { 0 } else { (of.0 * 100 / of.1).clamp(0, 100) }
    }

    /// A number in groups of three digits.
    fn grouped(&self, n: &i64) -> String {
        let digits = n.to_string();
        let mut out = String::new();
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) && c.is_ascii_digit() && !out.ends_with('-') {
                out.push(',');
            }
            out.push(c);
        }
        out
    }

    fn ms(&self, trial: &Trial) -> String {
        trial.ms.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::place_of;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        assert_eq!(place_of("http://127.0.0.1:11434/v1"), "http://127.0.0.1:11434/v1");
        assert_eq!(place_of("https://me:secret@model.example/v1?key=secret#x"), "https://model.example/v1");
        assert_eq!(place_of(""), "");
    }
}
