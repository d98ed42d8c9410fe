//! Statements of rules, of where they stand, and of alerts.

use super::{Alert, Options};
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::*;
use crate::engines::alerts::{Rule, Set, Severity, State};
use crate::engines::store::{self, Db, SqlResult, Tx, params};

/// Where a rule stands, as a look needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) rule: Rule,
    pub(super) state: State,
    /// Nothing is told of it until then.
    pub(super) muted: Option<Time>,
    /// What its receivers were told of last, or would have been.
    pub(super) alert: Option<AlertId>,
    pub(super) peak: Option<f64>,
    /// How much it mattered when it fired.
    pub(super) severity: Option<Severity>,
    pub(super) acknowledged: bool,
}

/// All that a look goes on from.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    rows: Vec<Row>,
    sets: Vec<Set>,
    pub(super) options: Options,
}

impl Kept {
    pub(super) fn row(&self, rule: Rule) -> Option<&Row> {
        self.rows.iter().find(|row| row.rule == rule)
    }

    /// The rule as it holds, and whether an admin has set it.
    pub(super) fn set(&self, rule: Rule) -> (Set, bool) {
        let own = self.sets.iter().find(|set| set.rule == rule);
        (own.copied().unwrap_or_else(|| Set::of(rule)), own.is_some())
    }
}

/// What another version of the program has left of rules that this one does not know is passed over.
fn known<T>(rows: Vec<(String, T)>, with: impl Fn(Rule, T) -> T) -> Vec<T> {
    rows.into_iter().filter_map(|(name, row)| Some(with(name.parse().ok()?, row))).collect()
}

pub(super) fn kept(db: &Db) -> Result<Kept> {
    let rows = db.all(
        "SELECT s.rule, s.phase, s.since_ms, s.calm_ms, s.known, s.told_ms, s.muted_ms, s.alert_id, a.peak,
            a.acknowledged_ms IS NOT NULL, a.severity
         FROM alert_states s LEFT JOIN alerts a ON a.id = s.alert_id",
        params![],
        |r| {
            let state =
                State { phase: r.get(1)?, since: r.get(2)?, calm: r.get(3)?, known: r.get(4)?, told: r.get(5)? };
            let (muted, alert, peak, acknowledged) = (r.get(6)?, r.get(7)?, r.get(8)?, r.get(9)?);
            let severity = r.get(10)?;
            Ok((r.get(0)?, Row { rule: Rule::P95, state, muted, alert, peak, acknowledged, severity }))
        },
    )?;
    let sets =
        db.all("SELECT rule, enabled, threshold, for_s, cool_down_s, severity FROM alert_rules", params![], |r| {
            let (enabled, threshold, for_s) = (r.get(1)?, r.get(2)?, r.get(3)?);
            let (cool_down_s, severity) = (r.get(4)?, r.get(5)?);
            Ok((r.get(0)?, Set { rule: Rule::P95, enabled, threshold, for_s, cool_down_s, severity }))
        })?;
    Ok(Kept {
        rows: known(rows, |rule, row| Row { rule, ..row }),
        sets: known(sets, |rule, set| Set { rule, ..set }),
        options: Options::read(db)?,
    })
}

pub(super) fn save(tx: &mut Tx, rule: Rule, s: &State, alert: Option<AlertId>) -> Result<()> {
    tx.execute(
        "INSERT INTO alert_states (rule, phase, since_ms, calm_ms, known, told_ms, alert_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (rule) DO UPDATE
         SET phase = ?2, since_ms = ?3, calm_ms = ?4, known = ?5, told_ms = ?6, alert_id = ?7",
        params![rule, s.phase, s.since, s.calm, s.known, s.told, alert],
    )?;
    Ok(())
}

pub(super) fn mute(tx: &mut Tx, rule: Rule, until: Option<Time>) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO alert_states (rule, phase, since_ms, muted_ms) VALUES (?1, 'inactive', ?2, ?3)
         ON CONFLICT (rule) DO UPDATE SET muted_ms = ?3",
        params![rule, now, until],
    )?;
    Ok(())
}

pub(super) fn put_rule(tx: &mut Tx, set: &Set) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO alert_rules (rule, enabled, threshold, for_s, cool_down_s, severity, updated_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (rule) DO UPDATE
         SET enabled = ?2, threshold = ?3, for_s = ?4, cool_down_s = ?5, severity = ?6, updated_ms = ?7",
        params![set.rule, set.enabled, set.threshold, set.for_s, set.cool_down_s, set.severity, now],
    )?;
    Ok(())
}

/// Was there one?
pub(super) fn drop_rule(tx: &mut Tx, rule: Rule) -> Result<bool> {
    Ok(tx.execute("DELETE FROM alert_rules WHERE rule = ?1", params![rule])? > 0)
}

/// An alert's columns; the row's rule is known to this version, or the row is not asked for.
pub(super) const ALERT: &str = "a.id, a.rule, a.severity, a.threshold, a.began_ms, a.fired_ms, a.resolved_ms, a.peak,
    a.acknowledged_ms, (SELECT u.nickname FROM users u WHERE u.id = a.acknowledged_by)";

pub(super) fn alert(r: &store::Row, from: usize) -> SqlResult<Alert> {
    let at: Option<Time> = r.get(from + 8)?;
    let by: Option<String> = r.get(from + 9)?;
    Ok(Alert {
        id: r.get(from)?,
        rule: r.get(from + 1)?,
        severity: r.get(from + 2)?,
        threshold: r.get(from + 3)?,
        began: r.get(from + 4)?,
        fired: r.get(from + 5)?,
        resolved: r.get(from + 6)?,
        peak: r.get(from + 7)?,
        acknowledged: at.map(|at| (at, by)),
    })
}

/// Names of the rules for an `IN (…)`: never a caller's text.
fn names() -> String {
    Rule::ALL.iter().map(|r| format!("'{r}'")).collect::<Vec<_>>().join(", ")
}

pub(super) fn get(db: &Db, id: AlertId) -> Result<Option<Alert>> {
    db.one(&format!("SELECT {ALERT} FROM alerts a WHERE a.id = ?1 AND a.rule IN ({})", names()), params![id], |r| {
        alert(r, 0)
    })
}

pub(super) fn firing(db: &Db) -> Result<Vec<Alert>> {
    db.all(
        &format!(
            "SELECT {ALERT} FROM alert_states s JOIN alerts a ON a.id = s.alert_id
             WHERE s.phase = 'firing' AND s.rule IN ({})",
            names()
        ),
        params![],
        |r| alert(r, 0),
    )
}

pub(super) fn history(db: &Db, rule: Option<Rule>, before: Option<AlertId>, limit: i64) -> Result<Vec<Alert>> {
    let before = before.map_or(i64::MAX, |id| id.0);
    // Two statements, since each uses its index.
    match rule {
        Some(rule) => db.all(
            &format!("SELECT {ALERT} FROM alerts a WHERE a.rule = ?1 AND a.id < ?2 ORDER BY a.id DESC LIMIT ?3"),
            params![rule, before, limit],
            |r| alert(r, 0),
        ),
        None => db.all(
            &format!(
                "SELECT {ALERT} FROM alerts a WHERE a.id < ?1 AND a.rule IN ({}) ORDER BY a.id DESC LIMIT ?2",
                names()
            ),
            params![before, limit],
            |r| alert(r, 0),
        ),
    }
}

pub(super) fn begin(tx: &mut Tx, set: &Set, began: Time, fired: Time, value: f64) -> Result<AlertId> {
    tx.insert(
        "INSERT INTO alerts (rule, severity, threshold, began_ms, fired_ms, peak) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![set.rule, set.severity, set.threshold, began, fired, value],
    )
    .map(AlertId)
}

/// It was over and nobody was told: it goes on.
pub(super) fn reopen(tx: &mut Tx, id: AlertId) -> Result<()> {
    tx.execute(
        "UPDATE alerts SET resolved_ms = NULL, acknowledged_by = NULL, acknowledged_ms = NULL WHERE id = ?1",
        params![id],
    )?;
    Ok(())
}

pub(super) fn resolve(tx: &mut Tx, id: AlertId, at: Time) -> Result<()> {
    tx.execute("UPDATE alerts SET resolved_ms = ?2 WHERE id = ?1", params![id, at])?;
    Ok(())
}

pub(super) fn worsen(tx: &mut Tx, id: AlertId, peak: f64) -> Result<()> {
    tx.execute("UPDATE alerts SET peak = ?2 WHERE id = ?1", params![id, peak])?;
    Ok(())
}

pub(super) fn acknowledge(tx: &mut Tx, id: AlertId, by: UserId) -> Result<()> {
    let now = tx.now();
    tx.execute("UPDATE alerts SET acknowledged_by = ?2, acknowledged_ms = ?3 WHERE id = ?1", params![id, by, now])?;
    Ok(())
}

/// Forgets the oldest ones that are over, so many at once that nobody waits long for it. Answers how many.
pub(super) fn prune(tx: &mut Tx, before: Time) -> Result<usize> {
    tx.execute(
        "DELETE FROM alerts WHERE id IN (
            SELECT id FROM alerts WHERE resolved_ms < ?1 ORDER BY resolved_ms LIMIT 2000)
         AND id NOT IN (SELECT alert_id FROM alert_states WHERE known = 1 AND alert_id IS NOT NULL)",
        params![before],
    )
}
