//! Alerts: what is watched, what fires, who is told.
//!
//! Laws: a rule's state, the alert that begins or ends with it, its tellings and their jobs are one commit, so a restart
//! neither forgets what fires nor tells it twice. A look that could not measure changes nothing. A telling is sent at
//! least once, under one id; one that a later telling of the same alert has overtaken is not sent any more, so nobody
//! hears of an end before its beginning. Operators acknowledge and mute, admins change.
//! Written here only: `alert_rules`, `alerts`, `alert_states`, `alert_targets`, `alert_tellings`.
//!
//! Where the numbers come from is `measure`, when it is looked is `watch`; who is told, and how, is `targets` and `tell`.

mod measure;
mod sql;
mod sql_targets;
pub mod targets;
pub mod tell;
mod watch;
pub mod words;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::base::clock::{DAY, HOUR, Time};
use crate::base::error::{Check, Error, Result};
use crate::base::event::Event;
use crate::base::ids::AlertId;
use crate::base::locale::Text;
use crate::domain::accounts::Viewer;
use crate::domain::schedule;
use crate::engines::alerts::{Phase, Quiet, Reading, Rule, Set, Severity, Silence, State, Tell, Unit, minutes};
use crate::engines::store::{Db, Tx};
use crate::text_columns;
pub use watch::{Present, Watch, look, start};

text_columns!(Rule, Severity, Phase, Tell);

/// The setting that holds [`Options`].
const OPTIONS: &str = "alerts";
/// Seconds that a rule may wait, at the most: a day.
const FOR_MAX: i64 = 86_400;
/// Seconds of a cool-down, at the most: a week.
const COOL_DOWN_MAX: i64 = 7 * 86_400;
/// Hours between two reminders, at the most.
const REMIND_MAX: i64 = 168;
/// Alerts of one page of the history.
pub const PAGE: i64 = 50;

/// One time that a rule fired.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// Of which rule.
    pub rule: Rule,
    /// How much it mattered.
    pub severity: Severity,
    /// The threshold that it was beyond.
    pub threshold: f64,
    /// When it became bad.
    pub began: Time,
    /// When it fired.
    pub fired: Time,
    /// When it was over.
    pub resolved: Option<Time>,
    /// Its worst value.
    pub peak: f64,
    /// When somebody took it on, and who.
    pub acknowledged: Option<(Time, Option<String>)>,
}

/// A rule as it stands.
#[derive(Clone, Debug)]
pub struct RuleNow {
    /// As it holds.
    pub set: Set,
    /// Has an admin set it otherwise?
    pub edited: bool,
    /// Where it stands.
    pub phase: Phase,
    /// Since when.
    pub since: Time,
    /// Nothing is told of it until then.
    pub muted: Option<Time>,
    /// What fires.
    pub alert: Option<Alert>,
    /// What was measured last.
    pub reading: Reading,
}

/// How all of them are told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Hours in which nothing is told, where the studio is.
    pub quiet: Option<Quiet>,
    /// Do critical alerts break through them?
    pub critical_through: bool,
    /// Hours between two tellings of one that goes on. 0: told once.
    pub remind_h: i64,
    /// Nothing is told of any until then.
    pub muted: Option<Time>,
}

impl Default for Options {
    fn default() -> Options {
        Options { quiet: None, critical_through: true, remind_h: 4, muted: None }
    }
}

impl Options {
    fn silence(&self) -> Silence {
        Silence { quiet: self.quiet, critical_through: self.critical_through, muted: self.muted }
    }

    fn read(db: &Db) -> Result<Options> {
        let text = db.setting(OPTIONS)?;
        // What an older version wrote and this one does not know is as if nobody had set it.
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    fn write(&self, tx: &mut Tx) -> Result<()> {
        tx.set_setting(OPTIONS, &serde_json::to_string(self).map_err(Error::internal)?)
    }
}

/// Everything of the page that is no list: rules as they stand, and how they are told.
pub async fn now(app: &App) -> Result<(Vec<RuleNow>, Options)> {
    let present = app.alerts.present();
    app.read(move |db| {
        let kept = sql::kept(db)?;
        let firing = sql::firing(db)?;
        let rules = Rule::ALL.iter().map(|rule| {
            let (set, edited) = kept.set(*rule);
            let row = kept.row(*rule);
            let state = row.map_or_else(|| State::new(Time(0)), |row| row.state);
            RuleNow {
                set,
                edited,
                phase: state.phase,
                since: state.since,
                muted: row.and_then(|row| row.muted),
                alert: firing.iter().find(|a| a.rule == *rule).cloned(),
                reading: present.iter().find(|p| p.rule == *rule).map_or(Reading::Unknown, |p| p.reading),
            }
        });
        Ok((rules.collect(), kept.options))
    })
    .await
}

/// Alerts newest first: of one rule or of all, before `before`; one more than [`PAGE`] if there are more.
pub fn history(db: &Db, rule: Option<Rule>, before: Option<AlertId>) -> Result<Vec<Alert>> {
    sql::history(db, rule, before, PAGE + 1)
}

/// Somebody looks after it: no reminder any more, and its end.
pub async fn acknowledge(app: &App, who: &Viewer, id: AlertId) -> Result<()> {
    who.must_operate()?;
    let user = who.user;
    app.write(move |tx| {
        let alert = sql::get(tx, id)?.ok_or(Error::NotFound("alert"))?;
        if alert.resolved.is_some() {
            return Err(Error::Conflict(Text::new("error.alert_over")));
        }
        if alert.acknowledged.is_none() {
            sql::acknowledge(tx, id, user)?;
            tx.emit(None, Some(user), Event::AlertAcknowledged { alert: id }, None)?;
        }
        Ok(())
    })
    .await
}

/// For how long nothing is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mute {
    /// So many hours.
    Hours(i64),
    /// Until the coming morning.
    Morning,
    /// No longer.
    Off,
}

impl std::str::FromStr for Mute {
    type Err = Error;
    fn from_str(text: &str) -> Result<Mute> {
        match text {
            "1h" => Ok(Mute::Hours(1)),
            "4h" => Ok(Mute::Hours(4)),
            "24h" => Ok(Mute::Hours(24)),
            "morning" => Ok(Mute::Morning),
            "off" => Ok(Mute::Off),
            _ => Err(Error::invalid("for", Text::new("invalid.one_of").with("allowed", "1h, 4h, 24h, morning, off"))),
        }
    }
}

/// Tells nothing of a rule, or of any, for a while. What still fires after it is told then.
pub async fn mute(app: &App, who: &Viewer, rule: Option<Rule>, mute: Mute) -> Result<()> {
    who.must_operate()?;
    let (user, zone) = (who.user, schedule::zone(app));
    app.write(move |tx| {
        let (now, mut options) = (tx.now(), Options::read(tx)?);
        let until = match mute {
            Mute::Hours(n) => Some(now.plus(n * HOUR)),
            Mute::Morning => Some(options.silence().morning(now, &zone)),
            Mute::Off => None,
        };
        match rule {
            Some(rule) => sql::mute(tx, rule, until)?,
            None => {
                options.muted = until;
                options.write(tx)?;
            }
        }
        tx.emit(None, Some(user), Event::AlertMuted { rule: rule.map(|r| r.to_string()), until }, None)?;
        Ok(())
    })
    .await
}

/// A rule as an admin wants it, in its unit.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// Is it looked at?
    pub enabled: bool,
    /// `None`: as it is. A flag has none to choose.
    pub threshold: Option<f64>,
    /// Seconds.
    pub for_s: i64,
    /// Seconds.
    pub cool_down_s: i64,
    /// How much it matters.
    pub severity: Severity,
}

/// Sets a rule.
pub async fn change(app: &App, who: &Viewer, rule: Rule, to: Change) -> Result<()> {
    who.must_administer()?;
    let d = rule.definition();
    let range = |min: f64, max: f64| Text::new("invalid.range").with("min", min).with("max", max);
    let mut check = Check::new();
    if let Some(threshold) = to.threshold {
        let fits = threshold.is_finite() && (d.range.0..=d.range.1).contains(&threshold) && d.unit != Unit::Flag;
        check.that(fits, "threshold", range(d.range.0, d.range.1));
    }
    check.that((0..=FOR_MAX).contains(&to.for_s), "for_s", range(0.0, FOR_MAX as f64));
    check.that((0..=COOL_DOWN_MAX).contains(&to.cool_down_s), "cool_down_s", range(0.0, COOL_DOWN_MAX as f64));
    check.done()?;
    let user = who.user;
    app.write(move |tx| {
        let kept = sql::kept(tx)?;
        let (was, _) = kept.set(rule);
        let set = Set {
            rule,
            enabled: to.enabled,
            threshold: to.threshold.unwrap_or(was.threshold),
            for_s: to.for_s,
            cool_down_s: to.cool_down_s,
            severity: to.severity,
        };
        let fields: Vec<String> = [
            ("enabled", set.enabled != was.enabled),
            ("threshold", set.threshold != was.threshold),
            ("for_s", set.for_s != was.for_s),
            ("cool_down_s", set.cool_down_s != was.cool_down_s),
            ("severity", set.severity != was.severity),
        ]
        .into_iter()
        .filter(|(_, changed)| *changed)
        .map(|(name, _)| name.to_owned())
        .collect();
        if !fields.is_empty() {
            sql::put_rule(tx, &set)?;
            tx.emit(None, Some(user), Event::AlertRuleChanged { rule: rule.to_string(), fields }, None)?;
        }
        Ok(())
    })
    .await
}

/// Sets a rule as the program brings it along.
pub async fn reset(app: &App, who: &Viewer, rule: Rule) -> Result<()> {
    who.must_administer()?;
    let user = who.user;
    app.write(move |tx| {
        if sql::drop_rule(tx, rule)? {
            let fields = vec!["default".to_owned()];
            tx.emit(None, Some(user), Event::AlertRuleChanged { rule: rule.to_string(), fields }, None)?;
        }
        Ok(())
    })
    .await
}

/// How all are told, as an admin wants it.
#[derive(Clone, Debug)]
pub struct NewOptions {
    /// `HH:MM`, or empty for none.
    pub quiet_from: String,
    /// The same.
    pub quiet_to: String,
    /// See [`Options`].
    pub critical_through: bool,
    /// See [`Options`].
    pub remind_h: i64,
}

/// Sets how all are told.
pub async fn set_options(app: &App, who: &Viewer, new: NewOptions) -> Result<()> {
    who.must_administer()?;
    let mut check = Check::new();
    let (from, to) = (minutes(&new.quiet_from), minutes(&new.quiet_to));
    let none = new.quiet_from.trim().is_empty() && new.quiet_to.trim().is_empty();
    check.that(none || from.is_some(), "quiet_from", Text::new("invalid.clock"));
    check.that(none || to.is_some(), "quiet_to", Text::new("invalid.clock"));
    check.that(none || from.is_none() || from != to, "quiet_to", Text::new("invalid.alert_quiet"));
    let range = Text::new("invalid.range").with("min", 0).with("max", REMIND_MAX);
    check.that((0..=REMIND_MAX).contains(&new.remind_h), "remind_h", range);
    check.done()?;
    let quiet = from.zip(to).map(|(from, to)| Quiet { from, to });
    let user = who.user;
    app.write(move |tx| {
        let was = Options::read(tx)?;
        let set = Options { quiet, critical_through: new.critical_through, remind_h: new.remind_h, muted: was.muted };
        if set != was {
            set.write(tx)?;
            tx.emit(None, Some(user), Event::AlertOptionsChanged, None)?;
        }
        Ok(())
    })
    .await
}

/// Forgets alerts that were over more than `keep_days` ago (0: never), some at once, and ends tellings whose job is lost.
/// Answers (forgotten, ended).
pub fn tidy(tx: &mut Tx, keep_days: i64) -> Result<(usize, usize)> {
    let ended = sql_targets::settle(tx)?;
    let forgotten = if keep_days > 0 { sql::prune(tx, tx.now().plus(-keep_days * DAY))? } else { 0 };
    sql_targets::prune_tests(tx)?;
    Ok((forgotten, ended))
}
