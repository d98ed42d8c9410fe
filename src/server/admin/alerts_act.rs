//! What is done on `/admin/alerts`: acknowledged, muted, set, told to whom. Its forms, and what they refuse.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::alerts::{HERE, Page, Refused};
use super::{Back, Desk, back};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::ids::{AlertId, AlertTargetId};
use crate::base::locale::{Lang, Text};
use crate::domain::alerts::targets::{self, NewTarget, TargetChange};
use crate::domain::alerts::{self, Change, Mute, NewOptions};
use crate::domain::http::Path;
use crate::engines::alerts::{Rule, Severity, Unit};
use crate::server::web::error::Problem;
use crate::server::web::form::Form;
use crate::server::web::frame::html;

const TARGETS: &str = "/admin/alerts?tab=targets";

/// Somebody looks after it.
pub(super) async fn acknowledge(
    State(app): State<App>,
    d: Desk,
    Path(id): Path<AlertId>,
    Form(to): Form<Back>,
) -> Result<Response> {
    alerts::acknowledge(&app, &d.who, id).await?;
    Ok(back(&to.back, HERE, "alert_acknowledged"))
}

#[derive(Deserialize)]
pub(super) struct GivenMute {
    /// Empty: all of them.
    #[serde(default)]
    rule: String,
    #[serde(default, rename = "for")]
    length: String,
}

/// Tells nothing for a while, or again.
pub(super) async fn mute(State(app): State<App>, d: Desk, Form(given): Form<GivenMute>) -> Result<Response> {
    let rule = match given.rule.as_str() {
        "" => None,
        name => Some(name.parse().map_err(|text: Text| Error::invalid("rule", text))?),
    };
    let length: Mute = given.length.parse()?;
    alerts::mute(&app, &d.who, rule, length).await?;
    Ok(back("", HERE, if length == Mute::Off { "alert_unmuted" } else { "alert_muted" }))
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct GivenRule {
    pub(super) enabled: String,
    pub(super) threshold: String,
    pub(super) for_s: String,
    pub(super) cool_down_s: String,
    pub(super) severity: String,
}

impl GivenRule {
    fn read(&self, rule: Rule) -> Result<Change> {
        let mut wrong = Vec::new();
        let mut whole = |name: &str, text: &str| {
            text.trim().parse().unwrap_or_else(|_| {
                wrong.push((name.to_owned(), Text::new("invalid.whole_number")));
                0
            })
        };
        let (for_s, cool_down_s) = (whole("for_s", &self.for_s), whole("cool_down_s", &self.cool_down_s));
        let threshold = match rule.definition().unit {
            Unit::Flag => None,
            _ => match self.threshold.trim().replace(',', ".").parse::<f64>() {
                Ok(v) => Some(v),
                Err(_) => {
                    wrong.push(("threshold".to_owned(), Text::new("invalid.number")));
                    None
                }
            },
        };
        let severity = self.severity.parse().unwrap_or_else(|text| {
            wrong.push(("severity".to_owned(), text));
            Severity::Info
        });
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        Ok(Change { enabled: !self.enabled.is_empty(), threshold, for_s, cool_down_s, severity })
    }
}

/// Sets a rule.
pub(super) async fn rule(
    State(app): State<App>,
    d: Desk,
    Path(name): Path<String>,
    Form(given): Form<GivenRule>,
) -> Result<Response> {
    d.must_administer()?;
    let d = d.at("alerts");
    let rule: Rule = name.parse().map_err(|_| Error::NotFound("alert_rule"))?;
    let done = match given.read(rule) {
        Ok(change) => alerts::change(&app, &d.who, rule, change).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(Redirect::to(&format!("{HERE}?done=alert_rule#{rule}")).into_response()),
        Err(error) => {
            let shown = ["threshold", "for_s", "cool_down_s", "severity"];
            refuse(&app, &d, "now", error, &shown, Refused::Rule(rule, given)).await
        }
    }
}

/// The page with a form as it was typed, and what is wrong with it.
async fn refuse(
    app: &App,
    d: &Desk,
    tab: &'static str,
    error: Error,
    shown: &[&str],
    refused: Refused,
) -> Result<Response> {
    let (status, problem) = Problem::from(error, &d.f, shown)?;
    Ok((status, html(&Page::new(app, d, tab, refused, problem).await?)?).into_response())
}

/// Sets a rule as the program brings it along.
pub(super) async fn reset(State(app): State<App>, d: Desk, Path(name): Path<String>) -> Result<Response> {
    d.must_administer()?;
    let rule: Rule = name.parse().map_err(|_| Error::NotFound("alert_rule"))?;
    alerts::reset(&app, &d.who, rule).await?;
    Ok(Redirect::to(&format!("{HERE}?done=alert_rule_reset#{rule}")).into_response())
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct GivenOptions {
    pub(super) quiet_from: String,
    pub(super) quiet_to: String,
    pub(super) critical_through: String,
    pub(super) remind_h: String,
}

/// Sets quiet hours and reminders.
pub(super) async fn options(State(app): State<App>, d: Desk, Form(given): Form<GivenOptions>) -> Result<Response> {
    d.must_administer()?;
    let d = d.at("alerts");
    let done = match given.remind_h.trim().parse() {
        Ok(remind_h) => {
            let new = NewOptions {
                quiet_from: given.quiet_from.clone(),
                quiet_to: given.quiet_to.clone(),
                critical_through: !given.critical_through.is_empty(),
                remind_h,
            };
            alerts::set_options(&app, &d.who, new).await
        }
        Err(_) => Err(Error::invalid("remind_h", Text::new("invalid.whole_number"))),
    };
    match done {
        Ok(()) => Ok(back("", HERE, "alert_options")),
        Err(error) => {
            let shown = ["quiet_from", "quiet_to", "remind_h"];
            refuse(&app, &d, "now", error, &shown, Refused::Options(given)).await
        }
    }
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct GivenTarget {
    pub(super) name: String,
    pub(super) form: String,
    pub(super) place: String,
    pub(super) lang: String,
    pub(super) severity: String,
    pub(super) enabled: String,
}

impl GivenTarget {
    fn lang(&self) -> Result<Lang> {
        let wrong = || Error::invalid("lang", Text::new("invalid.one_of").with("allowed", "ko, en"));
        Lang::from_tag(&self.lang).ok_or_else(wrong)
    }

    fn severity(&self) -> Result<Severity> {
        self.severity.parse().map_err(|text| Error::invalid("severity", text))
    }

    fn read(&self) -> Result<NewTarget> {
        Ok(NewTarget {
            name: self.name.clone(),
            form: self.form.parse().map_err(|text| Error::invalid("form", text))?,
            place: self.place.clone(),
            lang: self.lang()?,
            severity: self.severity()?,
        })
    }
}

/// Adds a target. The answer of one with a secret is the page itself: a secret stands in no address.
pub(super) async fn add(State(app): State<App>, d: Desk, Form(given): Form<GivenTarget>) -> Result<Response> {
    d.must_administer()?;
    let d = d.at("alerts");
    let done = match given.read() {
        Ok(new) => targets::add(&app, &d.who, new).await,
        Err(error) => Err(error),
    };
    match done {
        Ok((id, Some(secret))) => with_secret(&app, &d, id, secret).await,
        Ok((_, None)) => Ok(back("", TARGETS, "alert_target_added")),
        Err(error) => {
            let shown = ["name", "form", "place", "lang", "severity"];
            refuse(&app, &d, "targets", error, &shown, Refused::Add(given)).await
        }
    }
}

async fn with_secret(app: &App, d: &Desk, id: AlertTargetId, secret: String) -> Result<Response> {
    let mut page = Page::new(app, d, "targets", Refused::None, Problem::default()).await?;
    page.secret = Some((id, secret));
    Ok((StatusCode::CREATED, html(&page)?).into_response())
}

/// Changes a target.
pub(super) async fn change(
    State(app): State<App>,
    d: Desk,
    Path(id): Path<AlertTargetId>,
    Form(given): Form<GivenTarget>,
) -> Result<Response> {
    d.must_administer()?;
    let (lang, severity) = (given.lang()?, given.severity()?);
    let to = TargetChange { name: given.name, lang, severity, enabled: !given.enabled.is_empty() };
    targets::change(&app, &d.who, id, to).await?;
    Ok(back("", TARGETS, "alert_target_changed"))
}

/// Gives a target another secret.
pub(super) async fn renew(State(app): State<App>, d: Desk, Path(id): Path<AlertTargetId>) -> Result<Response> {
    d.must_administer()?;
    let d = d.at("alerts");
    let secret = targets::renew(&app, &d.who, id).await?;
    with_secret(&app, &d, id, secret).await
}

/// Tries a target, and says what came back.
pub(super) async fn test(State(app): State<App>, d: Desk, Path(id): Path<AlertTargetId>) -> Result<Response> {
    d.must_administer()?;
    targets::test(&app, &d.who, id).await?;
    Ok(Redirect::to(&format!("{TARGETS}&done=alert_tested#target-{id}")).into_response())
}

/// Removes a target.
pub(super) async fn delete(State(app): State<App>, d: Desk, Path(id): Path<AlertTargetId>) -> Result<Response> {
    d.must_administer()?;
    targets::delete(&app, &d.who, id).await?;
    Ok(back("", TARGETS, "alert_target_deleted"))
}
