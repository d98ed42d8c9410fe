//! `/admin/alerts`: what fires and what helps, every rule against its threshold, who is told, and what was.
//!
//! Operators acknowledge and mute; admins set rules, quiet hours and targets.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::Desk;
use super::alerts_act::{GivenOptions, GivenRule, GivenTarget};
use super::live::Parts;
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::{AlertId, AlertTargetId};
use crate::base::locale;
use crate::base::roles::SiteRole;
use crate::domain::alerts::targets::{self, Target, Telling};
use crate::domain::alerts::{self, Alert, Options, PAGE, Present, RuleNow, words};
use crate::domain::http::Query;
use crate::domain::schedule;
use crate::domain::webhooks::DeliveryState;
use crate::engines::alerts::{Direction, Phase, Reading, Rule, Severity, Unit, clock};
use crate::server::web::Frame;
use crate::server::web::error::Problem;
use crate::server::web::frame::html;

pub(super) const HERE: &str = "/admin/alerts";
/// The page's parts.
const TABS: [&str; 3] = ["now", "targets", "history"];
/// Where a threshold stands on its bar of 100: what is too much grows towards the right, what is too little shrinks.
const MARK_ABOVE: f64 = 75.0;
const MARK_BELOW: f64 = 25.0;

#[derive(Template)]
#[template(path = "admin/alerts.html")]
pub(super) struct Page<'a> {
    f: &'a Frame,
    d: &'a Desk,
    tab: &'static str,
    v: View<'a>,
    /// What lives, as it is drawn now.
    firing: String,
    rules: String,
    targets: Vec<Target>,
    /// The secret that is shown once, and whose.
    pub(super) secret: Option<(AlertTargetId, String)>,
    history: Vec<Alert>,
    /// Where the history goes on.
    older: Option<AlertId>,
    filter: Option<Rule>,
    /// The form that was refused.
    refused: Refused,
    problem: Problem,
}

/// Rules and alerts in words, for the page and for what lives on it.
struct View<'a> {
    f: &'a Frame,
    is_admin: bool,
    now: Time,
    zone: TimeZone,
    rules: Vec<RuleNow>,
    options: Options,
}

/// What fires.
#[derive(Template)]
#[template(path = "admin/parts/alerts_firing.html")]
struct Firing<'a> {
    f: &'a Frame,
    v: &'a View<'a>,
}

/// Every rule against its threshold, with its form.
#[derive(Template)]
#[template(path = "admin/parts/alerts_rules.html")]
struct Rules<'a> {
    f: &'a Frame,
    v: &'a View<'a>,
    refused: &'a Refused,
    problem: &'a Problem,
}

/// The form that was refused, with what was typed into it.
#[derive(Default)]
pub(super) enum Refused {
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
    let mut page = Page::new(&app, &d, tab, Refused::None, Problem::default()).await?;
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

/// What the stream sends anew.
pub(super) async fn parts(app: &App, f: &Frame) -> Result<Parts> {
    let v = View::new(app, f, true).await?;
    let (firing, rules) = v.draw(&Refused::None, &Problem::default())?;
    Ok(vec![("firing", firing), ("rules", rules)])
}

impl<'a> View<'a> {
    async fn new(app: &App, f: &'a Frame, wanted: bool) -> Result<View<'a>> {
        let (rules, options) = if wanted { alerts::now(app).await? } else { (Vec::new(), Options::default()) };
        let is_admin = f.me.as_ref().is_some_and(|me| me.site_role == SiteRole::Admin);
        Ok(View { f, is_admin, now: app.clock.now(), zone: schedule::zone(app), rules, options })
    }

    fn draw(&self, refused: &Refused, problem: &Problem) -> Result<(String, String)> {
        let firing = Firing { f: self.f, v: self }.render().map_err(Error::internal)?;
        let rules = Rules { f: self.f, v: self, refused, problem }.render().map_err(Error::internal)?;
        Ok((firing, rules))
    }

    fn firing(&self) -> Vec<(&RuleNow, &Alert)> {
        self.rules.iter().filter_map(|r| Some((r, r.alert.as_ref()?))).collect()
    }

    fn severities(&self) -> &'static [Severity] {
        Severity::ALL
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

    /// How long an alert lasted, or lasts.
    fn lasted(&self, a: &Alert) -> String {
        locale::lasting(self.f.lang, a.resolved.unwrap_or(self.now).0 - a.began.0)
    }

    /// A moment as the clock on the studio's wall shows it.
    fn local(&self, at: &Time) -> String {
        words::local(*at, &self.zone)
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
}

impl Rules<'_> {
    /// What stands in a rule's form: what was typed, or what holds.
    fn given(&self, r: &RuleNow) -> GivenRule {
        match self.refused {
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
        matches!(self.refused, Refused::Rule(rule, _) if *rule == r.set.rule)
    }

    fn wrong(&self, r: &RuleNow, field: &str) -> Option<&str> {
        self.problem.of(field).filter(|_| self.is_refused(r))
    }
}

impl<'a> Page<'a> {
    pub(super) async fn new(
        app: &App,
        d: &'a Desk,
        tab: &'static str,
        refused: Refused,
        problem: Problem,
    ) -> Result<Page<'a>> {
        let v = View::new(app, &d.f, tab == "now").await?;
        let (firing, rules) = v.draw(&refused, &problem)?;
        let targets = if tab == "targets" { app.read(targets::list).await? } else { Vec::new() };
        Ok(Page {
            f: &d.f,
            d,
            tab,
            v,
            firing,
            rules,
            targets,
            secret: None,
            history: Vec::new(),
            older: None,
            filter: None,
            refused,
            problem,
        })
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

    fn forms(&self) -> &'static [targets::Form] {
        targets::Form::ALL
    }

    fn given_options(&self) -> GivenOptions {
        let o = &self.v.options;
        match &self.refused {
            Refused::Options(given) => given.clone(),
            _ => GivenOptions {
                quiet_from: o.quiet.map(|q| clock(q.from)).unwrap_or_default(),
                quiet_to: o.quiet.map(|q| clock(q.to)).unwrap_or_default(),
                critical_through: if o.critical_through { "1".into() } else { String::new() },
                remind_h: o.remind_h.to_string(),
            },
        }
    }

    fn given_target(&self) -> GivenTarget {
        match &self.refused {
            Refused::Add(given) => given.clone(),
            _ => GivenTarget { form: "slack".into(), severity: "warning".into(), ..GivenTarget::default() },
        }
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
    firing.sort_by_key(|a| std::cmp::Reverse(a.severity));
    Strip { f, firing }.render().map_err(Error::internal)
}
