//! `/admin/alerts`: what fires and what helps, every rule against its threshold, who is told, and what was.
//!
//! Operators acknowledge and mute; admins set rules, quiet hours and targets.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{Back, Desk, back};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::{AlertId, AlertTargetId};
use crate::base::locale::{self, Lang, Text};
use crate::domain::alerts::targets::{self, NewTarget, Target, TargetChange, Telling};
use crate::domain::alerts::{self, Alert, Change, Mute, NewOptions, Options, PAGE, Present, RuleNow, words};
use crate::domain::http::{Path, Query};
use crate::domain::schedule;
use crate::domain::webhooks::DeliveryState;
use crate::engines::alerts::{Direction, Phase, Reading, Rule, Severity, Unit, clock};
use crate::server::web::Frame;
use crate::server::web::error::Problem;
use crate::server::web::form::Form;
use crate::server::web::frame::html;

const HERE: &str = "/admin/alerts";
const TARGETS: &str = "/admin/alerts?tab=targets";
/// The page's parts.
const TABS: [&str; 3] = ["now", "targets", "history"];
/// Where a threshold stands on its bar of 100: what is too much grows towards the right, what is too little shrinks.
const MARK_ABOVE: f64 = 75.0;
const MARK_BELOW: f64 = 25.0;

#[derive(Template)]
#[template(path = "admin/alerts.html")]
struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    tab: &'static str,
    now: Time,
    zone: TimeZone,
    rules: Vec<RuleNow>,
    options: Options,
    targets: Vec<Target>,
    /// The secret that is shown once, and whose.
    secret: Option<(AlertTargetId, String)>,
    history: Vec<Alert>,
    /// Where the history goes on.
    older: Option<AlertId>,
    filter: Option<Rule>,
    /// The form that was refused.
    refused: Refused,
    problem: Problem,
}

/// The form that was refused, with what was typed into it.
#[derive(Default)]
enum Refused {
    #[default]
    None,
    Rule(Rule, GivenRule),
    Options(GivenOptions),
    Add(GivenTarget),
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    tab: String,
    rule: String,
    before: Option<i64>,
}

pub(super) async fn show(State(app): State<App>, d: Desk, Query(asked): Query<Asked>) -> Result<Response> {
    let d = d.at("alerts");
    // An unknown part in an old link is the first, and an unknown rule all of them.
    let tab = TABS.into_iter().find(|t| *t == asked.tab).unwrap_or(TABS[0]);
    let mut page = Page::new(&app, &d, tab).await?;
    if tab == "history" {
        let (filter, before) = (asked.rule.parse::<Rule>().ok(), asked.before.map(AlertId));
        let mut list = app.read(move |db| alerts::history(db, filter, before)).await?;
        let more = list.len() as i64 > PAGE;
        list.truncate(PAGE as usize);
        page.older = list.last().map(|a| a.id).filter(|_| more);
        (page.history, page.filter) = (list, filter);
    }
    html(&page)
}

impl<'a> Page<'a> {
    async fn new(app: &App, d: &'a Desk, tab: &'static str) -> Result<Page<'a>> {
        let mut page = Page {
            f: &d.f,
            d,
            tab,
            now: app.clock.now(),
            zone: schedule::zone(app),
            rules: Vec::new(),
            options: Options::default(),
            targets: Vec::new(),
            secret: None,
            history: Vec::new(),
            older: None,
            filter: None,
            refused: Refused::None,
            problem: Problem::default(),
        };
        match tab {
            "now" => (page.rules, page.options) = alerts::now(app).await?,
            "targets" => page.targets = app.read(targets::list).await?,
            _ => {}
        }
        Ok(page)
    }

    fn firing(&self) -> Vec<(&RuleNow, &Alert)> {
        self.rules.iter().filter_map(|r| Some((r, r.alert.as_ref()?))).collect()
    }

    fn tabs(&self) -> [&'static str; 3] {
        TABS
    }

    fn all_rules(&self) -> &'static [Rule] {
        Rule::ALL
    }

    fn is_filter(&self, rule: &Rule) -> bool {
        self.filter == Some(*rule)
    }

    fn severities(&self) -> &'static [Severity] {
        Severity::ALL
    }

    fn forms(&self) -> &'static [targets::Form] {
        targets::Form::ALL
    }

    fn title(&self, rule: &Rule) -> String {
        words::title(self.f.lang, *rule)
    }

    fn value(&self, rule: &Rule, v: &f64) -> String {
        words::value(self.f.lang, rule.definition().unit, *v)
    }

    fn limit(&self, rule: &Rule, threshold: &f64) -> String {
        words::limit(self.f.lang, *rule, *threshold)
    }

    /// What was measured last, in words.
    fn present(&self, r: &RuleNow) -> String {
        match r.reading {
            Reading::Value(v) => self.value(&r.set.rule, &v),
            Reading::Nothing => self.f.t("admin.alerts.nothing"),
            Reading::Unknown => self.f.t("admin.alerts.unknown"),
        }
    }

    fn page_of(&self, rule: &Rule) -> &'static str {
        rule.definition().page
    }

    fn lasting(&self, from: &Time, to: &Time) -> String {
        locale::lasting(self.f.lang, to.0 - from.0)
    }

    /// How long an alert lasted, or lasts.
    fn lasted(&self, a: &Alert) -> String {
        self.lasting(&a.began, &a.resolved.unwrap_or(self.now))
    }

    /// A moment as the clock on the studio's wall shows it.
    fn local(&self, at: &Time) -> String {
        let stamp = Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
        stamp.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// Until when nothing is told, if that is still to come.
    fn until(&self, muted: &Option<Time>) -> Option<String> {
        muted.filter(|until| *until > self.now).map(|until| self.local(&until))
    }

    /// Length of the bar and place of its mark, of 100.
    fn bar(&self, r: &RuleNow) -> Option<(f64, f64)> {
        let d = r.set.rule.definition();
        let v = r.reading.value().filter(|_| d.unit != Unit::Flag)?;
        let mark = match d.direction {
            Direction::Above => MARK_ABOVE,
            Direction::Below => MARK_BELOW,
        };
        if r.set.threshold <= 0.0 {
            return Some((if v > 0.0 { 100.0 } else { 0.0 }, 0.0));
        }
        Some(((v * mark / r.set.threshold).clamp(0.0, 100.0).round(), mark))
    }

    fn bar_class(&self, r: &RuleNow) -> &'static str {
        match r.phase {
            Phase::Firing => "bad",
            Phase::Pending => "warn",
            Phase::Inactive => "good",
        }
    }

    fn pill(&self, severity: &Severity) -> &'static str {
        match severity {
            Severity::Critical => "failed",
            Severity::Warning => "high",
            Severity::Info => "review",
        }
    }

    fn has_threshold(&self, r: &RuleNow) -> bool {
        r.set.rule.definition().unit != Unit::Flag
    }

    fn unit(&self, r: &RuleNow) -> String {
        self.f.label("admin.alerts.unit", r.set.rule.definition().unit)
    }

    /// What stands in a rule's form: what was typed, or what holds.
    fn given(&self, r: &RuleNow) -> GivenRule {
        match &self.refused {
            Refused::Rule(rule, given) if *rule == r.set.rule => given.clone(),
            _ => GivenRule {
                enabled: if r.set.enabled { "1".into() } else { String::new() },
                threshold: format!("{}", r.set.threshold),
                for_s: r.set.for_s.to_string(),
                cool_down_s: r.set.cool_down_s.to_string(),
                severity: r.set.severity.to_string(),
            },
        }
    }

    fn is_refused(&self, r: &RuleNow) -> bool {
        matches!(&self.refused, Refused::Rule(rule, _) if *rule == r.set.rule)
    }

    fn wrong(&self, r: &RuleNow, field: &str) -> Option<&str> {
        self.problem.of(field).filter(|_| self.is_refused(r))
    }

    fn given_options(&self) -> GivenOptions {
        match &self.refused {
            Refused::Options(given) => given.clone(),
            _ => GivenOptions {
                quiet_from: self.options.quiet.map(|q| clock(q.from)).unwrap_or_default(),
                quiet_to: self.options.quiet.map(|q| clock(q.to)).unwrap_or_default(),
                critical_through: if self.options.critical_through { "1".into() } else { String::new() },
                remind_h: self.options.remind_h.to_string(),
            },
        }
    }

    fn given_target(&self) -> GivenTarget {
        match &self.refused {
            Refused::Add(given) => given.clone(),
            _ => GivenTarget { form: "slack".into(), severity: "warning".into(), ..GivenTarget::default() },
        }
    }

    /// Where a target is told: whole for nobody, so that no screen shares its secret.
    fn place(&self, t: &Target) -> String {
        t.masked()
    }

    fn state_pill(&self, l: &Telling) -> &'static str {
        match l.state {
            DeliveryState::Done => "ready",
            DeliveryState::Waiting => "in_progress",
            DeliveryState::Failed => "failed",
            DeliveryState::Dropped => "bare",
        }
    }

    /// What came back at the last try. A receiver's words are an admin's alone: they may hold what is not for others.
    fn came_back(&self, l: &Telling) -> Option<String> {
        let last = l.log.last()?;
        let error = last.error.as_ref().map(|e| self.f.label("admin.alerts.error", e));
        let status = last.status.map(|s| format!("HTTP {s}"));
        let words: String = last.answer.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
        let words = Some(words).filter(|w| !w.is_empty() && self.d.is_admin());
        let took = Some(format!("{} ms", last.duration_ms));
        let all: Vec<String> = [status, error, words, took].into_iter().flatten().collect();
        Some(all.join(" · "))
    }
}

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
    enabled: String,
    threshold: String,
    for_s: String,
    cool_down_s: String,
    severity: String,
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
    let mut page = Page::new(app, d, tab).await?;
    (page.refused, page.problem) = (refused, problem);
    Ok((status, html(&page)?).into_response())
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
    quiet_from: String,
    quiet_to: String,
    critical_through: String,
    remind_h: String,
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
    name: String,
    form: String,
    place: String,
    lang: String,
    severity: String,
    enabled: String,
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
    let mut page = Page::new(app, d, "targets").await?;
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

/// What fires, for other pages: empty while nothing does. It costs no statement.
#[derive(Template)]
#[template(path = "admin/parts/alerts.html")]
struct Strip<'a> {
    f: &'a Frame,
    firing: Vec<Present>,
}

impl Strip<'_> {
    fn is_critical(&self) -> bool {
        self.firing.iter().any(|p| p.severity == Severity::Critical)
    }

    fn title(&self, p: &Present) -> String {
        words::title(self.f.lang, p.rule)
    }

    fn value(&self, p: &Present) -> Option<String> {
        let unit = p.rule.definition().unit;
        p.reading.value().filter(|_| unit != Unit::Flag).map(|v| words::value(self.f.lang, unit, v))
    }
}

/// Draws the strip of another page.
pub(super) fn strip(app: &App, f: &Frame) -> Result<String> {
    let mut firing: Vec<Present> = app.alerts.present().into_iter().filter(|p| p.firing).collect();
    firing.sort_by(|a, b| b.severity.cmp(&a.severity));
    Strip { f, firing }.render().map_err(Error::internal)
}
