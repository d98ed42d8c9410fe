//! Statements of who is told, and of what they were told.

use super::sql::{ALERT, alert};
use super::targets::{NewTarget, Target, TargetChange, Telling};
use super::tell::Letter;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::*;
use crate::base::locale::Lang;
use crate::domain::webhooks::{Attempt, DeliveryState};
use crate::engines::alerts::Tell;
use crate::engines::store::{self, Db, SqlResult, Tx, params};

/// Test tellings of each target that are kept.
const TESTS: i64 = 20;

/// A target's columns; 11 are its own.
const TARGET: &str = "t.id, t.name, t.form, t.place, t.lang, t.severity, t.enabled, t.generation, t.rotated_ms";
/// A telling's columns.
const TELLING: &str = "l.tell, l.state, l.attempts, l.log, l.created_ms";
/// The newest telling of each target.
const WITH_LAST: &str = "FROM alert_targets t LEFT JOIN alert_tellings l
    ON l.id = (SELECT max(n.id) FROM alert_tellings n WHERE n.target_id = t.id)";

fn target(r: &store::Row, from: usize) -> SqlResult<Target> {
    Ok(Target {
        id: r.get(from)?,
        name: r.get(from + 1)?,
        form: r.get(from + 2)?,
        place: r.get(from + 3)?,
        lang: Lang::from_tag(&r.get::<_, String>(from + 4)?).unwrap_or_default(),
        severity: r.get(from + 5)?,
        enabled: r.get(from + 6)?,
        generation: r.get(from + 7)?,
        rotated: r.get(from + 8)?,
        last: None,
    })
}

fn telling(r: &store::Row, from: usize) -> SqlResult<Option<Telling>> {
    let Some(tell) = r.get::<_, Option<Tell>>(from)? else { return Ok(None) };
    Ok(Some(Telling {
        tell,
        state: r.get(from + 1)?,
        attempts: r.get(from + 2)?,
        log: serde_json::from_str(&r.get::<_, String>(from + 3)?).unwrap_or_default(),
        created: r.get(from + 4)?,
    }))
}

pub(super) fn list(db: &Db) -> Result<Vec<Target>> {
    db.all(&format!("SELECT {TARGET}, {TELLING} {WITH_LAST} ORDER BY t.id"), params![], |r| {
        Ok(Target { last: telling(r, 9)?, ..target(r, 0)? })
    })
}

pub(super) fn get(db: &Db, id: AlertTargetId) -> Result<Option<Target>> {
    db.one(&format!("SELECT {TARGET}, {TELLING} {WITH_LAST} WHERE t.id = ?1"), params![id], |r| {
        Ok(Target { last: telling(r, 9)?, ..target(r, 0)? })
    })
}

/// `None` if there are `max` already.
pub(super) fn insert(tx: &mut Tx, by: UserId, new: &NewTarget, max: i64) -> Result<Option<AlertTargetId>> {
    let now = tx.now();
    tx.one(
        "INSERT INTO alert_targets (user_id, name, form, place, lang, severity, created_ms, updated_ms)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7 WHERE (SELECT count(*) FROM alert_targets) < ?8 RETURNING id",
        params![by, new.name, new.form, new.place, new.lang.tag(), new.severity, now, max],
        |r| r.get(0),
    )
}

pub(super) fn update(tx: &mut Tx, id: AlertTargetId, to: &TargetChange) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE alert_targets SET name = ?2, lang = ?3, severity = ?4, enabled = ?5, updated_ms = ?6 WHERE id = ?1",
        params![id, to.name, to.lang.tag(), to.severity, to.enabled, now],
    )?;
    Ok(())
}

pub(super) fn rotate(tx: &mut Tx, id: AlertTargetId) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE alert_targets SET generation = generation + 1, rotated_ms = ?2, updated_ms = ?2 WHERE id = ?1",
        params![id, now],
    )?;
    Ok(())
}

/// Was it there?
pub(super) fn delete(tx: &mut Tx, id: AlertTargetId) -> Result<bool> {
    Ok(tx.execute("DELETE FROM alert_targets WHERE id = ?1", params![id])? > 0)
}

pub(super) fn insert_telling(
    tx: &mut Tx,
    target: AlertTargetId,
    alert: Option<AlertId>,
    tell: Tell,
    value: Option<f64>,
) -> Result<AlertTellingId> {
    let now = tx.now();
    tx.insert(
        "INSERT INTO alert_tellings (target_id, alert_id, tell, value, state, created_ms)
         VALUES (?1, ?2, ?3, ?4, 'waiting', ?5)",
        params![target, alert, tell, value, now],
    )
    .map(AlertTellingId)
}

pub(super) fn to_send(db: &Db, id: AlertTellingId) -> Result<Option<Letter>> {
    db.one(
        &format!(
            "SELECT {TARGET}, {TELLING}, l.id, l.value,
                EXISTS (SELECT 1 FROM alert_tellings n
                        WHERE n.alert_id = l.alert_id AND n.target_id = l.target_id AND n.id > l.id),
                l.alert_id, {ALERT}
             FROM alert_tellings l JOIN alert_targets t ON t.id = l.target_id LEFT JOIN alerts a ON a.id = l.alert_id
             WHERE l.id = ?1"
        ),
        params![id],
        |r| {
            let of: Option<AlertId> = r.get(17)?;
            Ok(Letter {
                target: target(r, 0)?,
                telling: telling(r, 9)?.ok_or(store::SqlError::InvalidQuery)?,
                id: r.get(14)?,
                value: r.get(15)?,
                is_overtaken: r.get(16)?,
                alert: of.map(|_| alert(r, 18)).transpose()?,
            })
        },
    )
}

/// How a try ended, for its row.
pub(super) fn note(tx: &mut Tx, id: AlertTellingId, state: DeliveryState, log: &[Attempt]) -> Result<()> {
    let (now, log) = (tx.now(), serde_json::to_string(log).map_err(Error::internal)?);
    tx.execute(
        "UPDATE alert_tellings SET state = ?2, attempts = attempts + 1, log = ?3,
            ended_ms = CASE WHEN ?2 = 'waiting' THEN NULL ELSE ?4 END WHERE id = ?1",
        params![id, state, log, now],
    )?;
    Ok(())
}

pub(super) fn drop_telling(tx: &mut Tx, id: AlertTellingId) -> Result<()> {
    let now = tx.now();
    tx.execute("UPDATE alert_tellings SET state = 'dropped', ended_ms = ?2 WHERE id = ?1", params![id, now])?;
    Ok(())
}

/// Ends tellings that no job is about to make; a test that a crash has ended as well. Answers how many.
pub(super) fn settle(tx: &mut Tx) -> Result<usize> {
    let now = tx.now();
    let before = Time(now.0 - crate::base::clock::HOUR);
    tx.execute(
        "UPDATE alert_tellings SET state = 'failed', ended_ms = ?1
         WHERE state = 'waiting' AND (alert_id IS NOT NULL OR created_ms < ?2) AND NOT EXISTS (
            SELECT 1 FROM jobs j WHERE j.dedup_key = 'alert ' || alert_tellings.id
              AND j.state IN ('waiting', 'ready', 'running', 'retry'))",
        params![now, before],
    )
}

/// Forgets all tests of each target but the last ones.
pub(super) fn prune_tests(tx: &mut Tx) -> Result<()> {
    tx.execute(
        "DELETE FROM alert_tellings WHERE alert_id IS NULL AND id <= (
            SELECT n.id FROM alert_tellings n WHERE n.target_id = alert_tellings.target_id AND n.alert_id IS NULL
            ORDER BY n.id DESC LIMIT 1 OFFSET ?1)",
        params![TESTS],
    )?;
    Ok(())
}
