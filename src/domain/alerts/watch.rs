//! The look: what is measured meets where the rules stand, and what follows from it is one commit.

use std::time::Duration;

use jiff::tz::TimeZone;
use parking_lot::RwLock;
use tokio::sync::Mutex;
use tokio::time::MissedTickBehavior;

use super::measure::Windows;
use super::sql::{self, Kept};
use super::targets;
use crate::app::App;
use crate::base::clock::{HOUR, Time};
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::AlertId;
use crate::domain::schedule;
use crate::engines::alerts::{Phase, Reading, Rule, Set, Severity, State, Step, Turn, Voice, step};
use crate::engines::store::Tx;

/// How often a look tries to write what it found,
const TRIES: u32 = 50;
/// and how long it waits before the next.
const AGAIN: Duration = Duration::from_millis(200);

/// A rule at the last look.
#[derive(Clone, Copy, Debug)]
pub struct Present {
    /// Which.
    pub rule: Rule,
    /// How much it matters.
    pub severity: Severity,
    /// Does it fire?
    pub firing: bool,
    /// What was measured.
    pub reading: Reading,
}

/// What is kept between two looks. One look at a time.
#[derive(Default)]
pub struct Watch {
    looking: Mutex<Looking>,
    present: RwLock<Vec<Present>>,
}

#[derive(Default)]
struct Looking {
    windows: Windows,
    /// Has it been looked since the start?
    begun: bool,
}

impl Watch {
    /// All rules as they were at the last look; none before the first.
    pub fn present(&self) -> Vec<Present> {
        self.present.read().clone()
    }

    /// How many fire.
    pub fn firing(&self) -> usize {
        self.present.read().iter().filter(|p| p.firing).count()
    }
}

/// Looks again and again, until the program stops.
pub async fn start(app: App) {
    loop {
        let every = app.config().alerts.look_s;
        if every > 0
            && let Err(error) = look(&app).await
        {
            tracing::warn!(%error, "alerts were not looked at this time");
        }
        // Turned off it is asked now and then whether it still is.
        let wait = if every > 0 { every } else { 10 };
        let mut ticks = tokio::time::interval(Duration::from_secs(wait));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        tokio::select! {
            _ = ticks.tick() => {}
            () = app.stopping.cancelled() => return,
        }
    }
}

/// One rule's step, with what it is about.
struct Moved {
    set: Set,
    reading: Reading,
    was: State,
    alert: Option<AlertId>,
    /// How much that alert mattered when it fired: whoever heard of its beginning hears of its end.
    severity: Option<Severity>,
    step: Step,
    /// Its alert has become worse than it ever was.
    peak: Option<f64>,
}

impl Moved {
    fn is_news(&self) -> bool {
        self.step.state != self.was || self.step.tell.is_some() || self.peak.is_some()
    }
}

/// Measures, and takes what follows from it into the store.
pub async fn look(app: &App) -> Result<()> {
    let mut looking = app.alerts.looking.lock().await;
    let at = app.clock.now();
    let readings = looking.windows.measure(app, at).await;
    let (zone, pause) = (schedule::zone(app), !looking.begun);
    let kept = app.store.read_ahead(sql::kept).await?;
    let mut moved = steps(&kept, &readings, at, &zone, pause);
    if moved.iter().any(Moved::is_news) {
        moved = keep(app, readings, at, zone, pause).await?;
    }
    looking.begun = true;
    let present = |m: &Moved| Present {
        rule: m.set.rule,
        severity: m.set.severity,
        firing: m.step.state.phase == Phase::Firing,
        reading: m.reading,
    };
    *app.alerts.present.write() = moved.iter().map(present).collect();
    Ok(())
}

/// A queue of writes that is full is one of the things to be told: it is waited for until there is room.
async fn keep(app: &App, readings: Vec<(Rule, Reading)>, at: Time, zone: TimeZone, pause: bool) -> Result<Vec<Moved>> {
    let mut tries = 0;
    loop {
        let (readings, zone) = (readings.clone(), zone.clone());
        let kept = app.store.write(move |tx| {
            // As it stands now: somebody may have changed a rule meanwhile.
            let moved = steps(&sql::kept(tx)?, &readings, at, &zone, pause);
            for m in moved.iter().filter(|m| m.is_news()) {
                take(tx, m, at)?;
            }
            Ok(moved)
        });
        tries += 1;
        match kept.await {
            Err(Error::Busy { .. }) if tries < TRIES && !app.stopping.is_cancelled() => {
                tokio::time::sleep(AGAIN).await;
            }
            done => return done,
        }
    }
}

fn steps(kept: &Kept, readings: &[(Rule, Reading)], at: Time, zone: &TimeZone, pause: bool) -> Vec<Moved> {
    let one = |(rule, reading): &(Rule, Reading)| {
        let (set, _) = kept.set(*rule);
        let row = kept.row(*rule);
        let was = row.map_or_else(|| State::new(at), |row| row.state);
        let voice = Voice {
            silent: kept.options.silence().holds(set.severity, row.and_then(|row| row.muted), at, zone),
            acknowledged: row.is_some_and(|row| row.acknowledged && was.phase == Phase::Firing),
            remind_ms: kept.options.remind_h * HOUR,
        };
        let from = if pause { was.after_pause(at) } else { was };
        let step = step(&from, &set, *reading, at, voice);
        let worst = row.filter(|_| was.phase == Phase::Firing).and_then(|row| row.peak);
        let peak = reading.value().filter(|v| worst.is_some_and(|worst| set.is_worse(*v, worst)));
        let (alert, severity) = (row.and_then(|row| row.alert), row.and_then(|row| row.severity));
        Moved { set, reading: *reading, was, alert, severity, step, peak }
    };
    readings.iter().map(one).collect()
}

fn take(tx: &mut Tx, m: &Moved, at: Time) -> Result<()> {
    let rule = m.set.rule;
    let (mut alert, mut severity) = (m.alert, m.severity.unwrap_or(m.set.severity));
    match m.step.turn {
        Some(Turn::Fired) => {
            let id = match m.alert {
                // Its receivers still think that it fires, and they are right.
                Some(id) if m.was.known => {
                    sql::reopen(tx, id)?;
                    id
                }
                _ => {
                    severity = m.set.severity;
                    let value = m.reading.value().unwrap_or(m.set.threshold);
                    sql::begin(tx, &m.set, m.step.state.since, at, value)?
                }
            };
            alert = Some(id);
            tx.emit(None, None, Event::AlertFired { alert: id, rule: rule.to_string() }, None)?;
        }
        Some(Turn::Cleared) => {
            if let Some(id) = alert {
                sql::resolve(tx, id, at)?;
                tx.emit(None, None, Event::AlertResolved { alert: id, rule: rule.to_string() }, None)?;
            }
        }
        None => {}
    }
    if let (Some(id), Some(peak)) = (alert, m.peak) {
        sql::worsen(tx, id, peak)?;
    }
    sql::save(tx, rule, &m.step.state, alert)?;
    if let (Some(id), Some(tell)) = (alert, m.step.tell) {
        targets::tell_all(tx, severity, id, tell, m.reading.value())?;
    }
    Ok(())
}
