//! `/admin/settings`: every setting with where its value comes from, changed here where that is possible.
//!
//! A form names what it was made from beside each value (`was.<name>`): what differs from it is a wish, the rest is not
//! touched. What could hurt is shown once more before it is kept.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use toml::Value;

use super::{Desk, back};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::locale::Text;
use crate::config::danger::Danger;
use crate::config::{self, Holds, Rule, SECTIONS, Setting, Shape, Source};
use crate::domain::http::Query;
use crate::domain::settings::{self, Change, Planned};
use crate::server::web::Frame;
use crate::server::web::error::Problem;
use crate::server::web::form::Form;
use crate::server::web::frame::html;

const HERE: &str = "/admin/settings";
/// Which settings are shown.
const ONLY: [&str; 3] = ["", "changed", "restart"];

#[derive(Template)]
#[template(path = "admin/settings.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    sections: Vec<Part>,
    q: String,
    only: &'static str,
    /// Is none of them shown?
    nothing: bool,
    /// Those that were refused.
    wrong: Vec<&'static str>,
    waiting: Vec<Later>,
    problem: Problem,
}

#[derive(Template)]
#[template(path = "admin/settings_sure.html")]
struct Sure<'a> {
    f: &'a Frame,
    d: &'a Desk,
    changes: Vec<Shown>,
    /// What a button was pressed to take back, as it was sent.
    revert: Option<String>,
}

/// A section.
struct Part {
    name: &'static str,
    rows: Vec<Row>,
    shown: bool,
}

/// A setting that waits for a restart.
struct Later {
    name: &'static str,
    now: String,
    then: String,
}

/// A change that is asked about.
struct Shown {
    name: &'static str,
    before: String,
    after: String,
    danger: Option<Danger>,
    /// Is it to be typed again, because a page does not hold it?
    secret: bool,
    /// Is it a secret that is forgotten?
    clear: bool,
    /// What the form sends again; `None` for a switch that is off.
    typed: Option<String>,
    was: String,
    reverted: bool,
}

struct Row {
    setting: &'static Setting,
    source: Source,
    /// What stands in its field.
    text: String,
    was: String,
    /// What holds by default, and without what an admin has said.
    default: String,
    below: String,
    pinned: Option<String>,
    kept: bool,
    waits: Option<(String, String)>,
    /// What another admin has set meanwhile.
    stale: Option<String>,
    wrong: Option<String>,
    shown: bool,
    /// Is a secret set?
    set: bool,
    may: bool,
}

impl Row {
    fn name(&self) -> &'static str {
        self.setting.name
    }

    /// Which field of the template it is.
    fn field(&self) -> &'static str {
        match (self.setting.rule, self.setting.shape()) {
            (Rule::Secret, _) => "secret",
            (Rule::OneOf(_), _) => "choice",
            (_, Shape::Switch) => "switch",
            (_, Shape::Number) if self.setting.unit() == Some(config::Unit::Bytes) => "bytes",
            (_, Shape::Number) => "number",
            (_, Shape::Fraction) => "fraction",
            (_, Shape::Numbers | Shape::Texts | Shape::Text) => "text",
        }
    }

    fn choices(&self) -> &'static [&'static str] {
        if let Rule::OneOf(words) = self.setting.rule { words } else { &[] }
    }

    fn is_on(&self) -> bool {
        self.text == "true"
    }

    /// Bounds of a number field.
    fn bounds(&self) -> (i64, i64) {
        match self.setting.rule {
            Rule::Range(min, max) => (min, max),
            Rule::OrZero(_, max) => (0, max),
            _ => (0, i64::MAX),
        }
    }

    fn is_file_only(&self) -> bool {
        self.setting.holds == Holds::File
    }

    fn needs_restart(&self) -> bool {
        self.setting.holds == Holds::Restart
    }
}

impl Page<'_> {
    fn title(&self, name: &str) -> String {
        self.f.label("setting", name)
    }

    fn about(&self, name: &str) -> String {
        // Marks of the printed sample.
        self.f.t(&format!("setting.{name}.about")).replace('`', "")
    }

    fn default(&self, row: &Row) -> String {
        if row.field() == "choice" { self.word(row, &row.default) } else { said(self.f, &row.default) }
    }

    fn unit(&self, row: &Row) -> Option<String> {
        let unit = row.setting.unit().filter(|_| row.field() == "number")?;
        Some(self.f.label("setting.unit", unit.as_str()))
    }

    /// A word to choose, in the reader's language where it has one.
    fn word(&self, row: &Row, word: &str) -> String {
        let key = format!("setting.{}.{word}", row.name());
        Some(self.f.t(&key)).filter(|text| *text != key).unwrap_or_else(|| word.to_owned())
    }

    /// What a value may be, for a hint below its field.
    fn allowed(&self, row: &Row) -> Option<String> {
        let say = |key: &str, min: i64, max: i64| {
            let write = |n: i64| row.setting.write(&Value::Integer(n));
            let text = |key: &str| self.f.tw(key, &[("min", &write(min)), ("max", &write(max))]);
            if max == i64::MAX { text("admin.settings.from") } else { text(key) }
        };
        match row.setting.rule {
            Rule::Range(min, max) => Some(say("admin.settings.range", min, max)),
            Rule::OrZero(min, max) => Some(say("admin.settings.or_zero", min, max)),
            Rule::Part(min, max) => {
                Some(self.f.tw("admin.settings.range", &[("min", &min.to_string()), ("max", &max.to_string())]))
            }
            Rule::Numbers { .. } | Rule::Origins => Some(self.f.t("admin.settings.list")),
            _ => None,
        }
    }

    /// A value in a sentence.
    fn value(&self, text: &str) -> String {
        said(self.f, text)
    }

    fn onlys(&self) -> [&'static str; 3] {
        ONLY
    }

    fn link(&self, only: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("q", self.q.as_str()), ("only", only)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("{HERE}?{}", query.finish())
    }
}

impl Sure<'_> {
    fn title(&self, name: &str) -> String {
        self.f.label("setting", name)
    }

    fn value(&self, text: &str) -> String {
        said(self.f, text)
    }
}

fn said(f: &Frame, text: &str) -> String {
    match text {
        "" => f.t("admin.settings.empty"),
        "true" => f.t("admin.settings.on"),
        "false" => f.t("admin.settings.off"),
        text => text.to_owned(),
    }
}

/// A value for a page: a secret says only whether it is set.
fn spoken(f: &Frame, setting: &Setting, value: &Value) -> String {
    match (setting.is_secret(), value.as_str()) {
        (true, Some("")) => f.t("admin.settings.not_set"),
        (true, _) => f.t("admin.settings.set"),
        (false, _) => setting.write(value),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    only: String,
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    page(&app, &d.at("settings"), &asked, &Sent::default(), Problem::default())
}

fn page(app: &App, d: &Desk, asked: &Asked, sent: &Sent, problem: Problem) -> Result<Response> {
    let (f, now) = (&d.f, app.settings());
    let only = ONLY.into_iter().find(|only| *only == asked.only).unwrap_or("");
    let q: String = asked.q.trim().chars().take(100).collect();
    let words: Vec<String> = q.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let waiting = now.waiting();
    let row = |setting: &'static Setting| {
        let (value, source) = now.layers.value(setting);
        let was = settings::stands(app, &now.layers, setting);
        let waits = waiting.iter().find(|w| w.setting.name == setting.name);
        let waits = waits.map(|w| (spoken(f, setting, &w.now), spoken(f, setting, &w.then)));
        let text = if setting.is_secret() { String::new() } else { setting.write(value) };
        let touched = sent.touched(setting);
        let stale = touched.as_ref().filter(|(from, _)| *from != was).map(|_| spoken(f, setting, value));
        let (title, about) = (f.label("setting", setting.name), f.t(&format!("setting.{}.about", setting.name)));
        let about = format!("{} {title} {about}", setting.name).to_lowercase();
        let fits = match only {
            "changed" => source != Source::Default,
            "restart" => waits.is_some(),
            _ => true,
        };
        Row {
            setting,
            source,
            text: touched.filter(|_| !setting.is_secret()).map_or(text, |(_, typed)| typed),
            was,
            default: spoken(f, setting, setting.default()),
            below: spoken(f, setting, now.layers.below(setting)),
            pinned: settings::pinned_by(&now.layers, setting),
            kept: now.layers.kept(setting).is_some(),
            waits,
            stale,
            wrong: problem.of(setting.name).map(str::to_owned),
            shown: (fits && words.iter().all(|word| about.contains(word))) || problem.has(setting.name),
            set: setting.is_secret() && value.as_str().is_some_and(|text| !text.is_empty()),
            may: d.is_admin() && setting.holds != Holds::File && !source.pins(),
        }
    };
    let part = |section: &config::Section| {
        let rows: Vec<Row> = section.settings.iter().map(row).collect();
        Part { name: section.name, shown: rows.iter().any(|row| row.shown), rows }
    };
    let sections: Vec<Part> = SECTIONS.iter().map(part).collect();
    let wrong = |row: &Row| (row.wrong.is_some() || row.stale.is_some()).then_some(row.setting.name);
    let wrong = sections.iter().flat_map(|part| &part.rows).filter_map(wrong).collect();
    let nothing = !sections.iter().any(|part| part.shown);
    let later = |w: &config::layers::Waiting| Later {
        name: w.setting.name,
        now: spoken(f, w.setting, &w.now),
        then: spoken(f, w.setting, &w.then),
    };
    let waiting = waiting.iter().map(later).collect();
    html(&Page { f, d, sections, q, only, nothing, wrong, waiting, problem })
}

/// What a form has sent.
#[derive(Default)]
struct Sent(HashMap<String, String>);

impl Sent {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// What a field was made from and what was typed into it, if they differ.
    fn touched(&self, setting: &Setting) -> Option<(String, String)> {
        let name = setting.name;
        let was = self.get(&format!("was.{name}"))?;
        let typed = match setting.shape() {
            _ if setting.is_secret() && self.get(&format!("clear.{name}")).is_some() => "",
            _ if setting.is_secret() => self.get(name).filter(|typed| !typed.is_empty())?,
            // Browsers do not send a switch that is off.
            Shape::Switch => self.get(name).map_or("false", |_| "true"),
            _ => self.get(name)?.trim(),
        };
        (setting.is_secret() || typed != was).then(|| (was.to_owned(), typed.to_owned()))
    }

    fn wishes(&self) -> Vec<Change> {
        let wish = |setting: &'static Setting| {
            let (was, typed) = self.touched(setting)?;
            // A password may begin or end with a blank; everything else is read as a person types it.
            let to = if setting.is_secret() { Value::String(typed) } else { setting.read(&typed) };
            Some(Change { setting, was, to: Some(to) })
        };
        config::all().filter_map(wish).collect()
    }

    /// What a button takes back: `name was`.
    fn reverted(&self) -> Option<Change> {
        let (name, was) = self.get("revert")?.split_once(' ')?;
        Some(Change { setting: config::find(name)?, was: was.to_owned(), to: None })
    }
}

/// Keeps what was changed in the form, or takes back what a button names.
pub(super) async fn change(
    State(app): State<App>,
    d: Desk,
    Query(asked): Query<Asked>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response> {
    d.must_administer()?;
    let d = d.at("settings");
    let sent = Sent(fields.into_iter().collect());
    let wishes = sent.reverted().map_or_else(|| sent.wishes(), |one| vec![one]);
    let planned = match settings::plan(&app, &wishes) {
        Ok((layers, _)) if d.shuts_himself_out(&layers.config()) => {
            let text = Text::new("setting.wrong.shuts_himself_out");
            return refused(&app, &d, &asked, &sent, Error::invalid("server.admin_networks", text));
        }
        Ok((_, planned)) => planned,
        Err(error) => return refused(&app, &d, &asked, &sent, error),
    };
    if sent.get("sure").is_none() && planned.iter().any(|p| p.danger.is_some()) {
        let changes = planned.iter().map(|p| asked_about(&app, &d.f, p)).collect();
        let revert = sent.get("revert").map(str::to_owned);
        return html(&Sure { f: &d.f, d: &d, changes, revert });
    }
    // What could hurt is kept by who has just proven who he is. The page before has asked, with the few fields of it.
    if planned.iter().any(|p| p.danger.is_some()) {
        d.must_confirm()?;
    }
    match settings::change(&app, &d.who, wishes).await {
        Ok(0) => Ok(back("", HERE, "settings_same")),
        Ok(_) => Ok(back("", HERE, "settings_kept")),
        Err(error) => refused(&app, &d, &asked, &sent, error),
    }
}

fn refused(app: &App, d: &Desk, asked: &Asked, sent: &Sent, error: Error) -> Result<Response> {
    let names: Vec<&str> = config::all().map(|s| s.name).collect();
    let (status, mut problem) = Problem::from(error, &d.f, &names)?;
    problem.general.get_or_insert_with(|| d.f.t("admin.settings.refused"));
    Ok((status, page(app, d, asked, sent, problem)?).into_response())
}

fn asked_about(app: &App, f: &Frame, p: &Planned) -> Shown {
    let setting = p.setting;
    let empty = p.after.as_str().is_some_and(str::is_empty);
    let (secret, clear) = (setting.is_secret() && !empty, setting.is_secret() && empty);
    let typed = match &p.after {
        Value::Boolean(on) => on.then(|| "true".to_owned()),
        _ if setting.is_secret() => None,
        after => Some(setting.write(after)),
    };
    Shown {
        name: setting.name,
        before: spoken(f, setting, &p.before),
        after: spoken(f, setting, &p.after),
        danger: p.danger,
        secret,
        clear,
        typed,
        was: settings::stands(app, &app.settings().layers, setting),
        reverted: p.reverted,
    }
}
