//! The statements of webhooks. Tables: `webhooks`, `deliveries`, `webhook_cursor`.

use super::payload::{Actor, Letter};
use super::{Attempt, Delivery, DeliveryState, Disabled, State, Webhook, follow};
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::{DeliveryId, ProjectId, UserId, WebhookId};
use crate::base::locale::Lang;
use crate::base::page::FeedSlice;
use crate::base::roles::{Role, SiteRole};
use crate::engines::store::{Db, Row, SqlResult, Tx, params};

const WEBHOOK: &str = "w.id, w.project_id, w.name, w.url, w.form, w.verbs, w.enabled, w.include_internal, w.created_ms,
    w.updated_ms, w.last_success_ms, w.last_failure_ms, w.failing_since_ms, w.disabled_reason, w.rev, w.generation";

fn webhook(r: &Row) -> SqlResult<Webhook> {
    Ok(Webhook {
        id: r.get(0)?,
        project_id: r.get(1)?,
        name: r.get(2)?,
        url: r.get(3)?,
        form: r.get(4)?,
        verbs: list_of(&r.get::<_, String>(5)?),
        enabled: r.get(6)?,
        include_internal: r.get(7)?,
        created: r.get(8)?,
        updated: r.get(9)?,
        state: State {
            last_success: r.get(10)?,
            last_failure: r.get(11)?,
            failing_since: r.get(12)?,
            disabled_reason: r.get(13)?,
        },
        secret: None,
        rev: r.get(14)?,
        generation: r.get(15)?,
    })
}

fn list_of(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

/// A webhook and what the asker is to it.
pub(super) struct Found {
    pub(super) webhook: Webhook,
    /// His role in its project.
    pub(super) role: Option<Role>,
    pub(super) site_role: SiteRole,
    /// When it was last tested.
    pub(super) last_test: Option<Time>,
}

pub(super) fn get(db: &Db, user: UserId, id: WebhookId) -> Result<Option<Found>> {
    db.one(
        &format!(
            "SELECT {WEBHOOK}, m.role, u.site_role,
                (SELECT max(d.created_ms) FROM deliveries d WHERE d.webhook_id = w.id AND d.verb = 'ping')
             FROM webhooks w JOIN users u ON u.id = ?1
             LEFT JOIN projects p ON p.id = w.project_id AND p.deleted_ms IS NULL
             LEFT JOIN members m ON m.project_id = p.id AND m.user_id = u.id WHERE w.id = ?2"
        ),
        params![user, id],
        |r| Ok(Found { webhook: webhook(r)?, role: r.get(16)?, site_role: r.get(17)?, last_test: r.get(18)? }),
    )
}

pub(super) fn list(db: &Db, project: Option<ProjectId>) -> Result<Vec<Webhook>> {
    // Two statements, since each uses its index.
    match project {
        Some(id) => db.all(
            &format!("SELECT {WEBHOOK} FROM webhooks w WHERE w.project_id = ?1 ORDER BY w.id"),
            params![id],
            webhook,
        ),
        None => db.all(
            &format!("SELECT {WEBHOOK} FROM webhooks w WHERE w.project_id IS NULL ORDER BY w.id"),
            params![],
            webhook,
        ),
    }
}

pub(super) fn failing(db: &Db) -> Result<Vec<(Webhook, Option<String>)>> {
    db.all(
        &format!(
            "SELECT {WEBHOOK}, p.name FROM webhooks w LEFT JOIN projects p ON p.id = w.project_id
             WHERE w.failing_since_ms IS NOT NULL AND p.deleted_ms IS NULL ORDER BY w.failing_since_ms, w.id LIMIT 100"
        ),
        params![],
        |r| Ok((webhook(r)?, r.get(16)?)),
    )
}

/// `None` if there are `max` already.
pub(super) fn insert(tx: &mut Tx, user: UserId, w: &Webhook, max: i64) -> Result<Option<WebhookId>> {
    tx.one(
        "INSERT INTO webhooks (project_id, user_id, name, url, form, verbs, enabled, include_internal, since_seq,
            created_ms, updated_ms)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, (SELECT coalesce(max(seq), 0) FROM events), ?9, ?9
         WHERE (SELECT count(*) FROM webhooks WHERE project_id = ?1 OR (?1 IS NULL AND project_id IS NULL)) < ?10
         RETURNING id",
        params![
            w.project_id,
            user,
            w.name,
            w.url,
            w.form,
            json(&w.verbs)?,
            w.enabled,
            w.include_internal,
            w.created,
            max
        ],
        |r| r.get(0),
    )
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// One that is turned on hears what comes from now on.
pub(super) fn update(tx: &mut Tx, w: &Webhook, turned_on: bool) -> Result<()> {
    tx.execute(
        "UPDATE webhooks SET name = ?2, url = ?3, form = ?4, verbs = ?5, enabled = ?6, include_internal = ?7,
            failing_since_ms = ?8, disabled_reason = ?9, updated_ms = ?10, rev = ?11,
            since_seq = CASE WHEN ?12 THEN (SELECT coalesce(max(seq), 0) FROM events) ELSE since_seq END
         WHERE id = ?1",
        params![
            w.id,
            w.name,
            w.url,
            w.form,
            json(&w.verbs)?,
            w.enabled,
            w.include_internal,
            w.state.failing_since,
            w.state.disabled_reason,
            w.updated,
            w.rev,
            turned_on
        ],
    )?;
    Ok(())
}

pub(super) fn rotate(tx: &mut Tx, w: &Webhook) -> Result<()> {
    tx.execute(
        "UPDATE webhooks SET generation = ?2, rotated_ms = ?3, updated_ms = ?3, rev = ?4 WHERE id = ?1",
        params![w.id, w.generation, w.updated, w.rev],
    )?;
    Ok(())
}

pub(super) fn delete(tx: &mut Tx, id: WebhookId) -> Result<()> {
    tx.execute("DELETE FROM webhooks WHERE id = ?1", params![id])?;
    Ok(())
}

// The way along the journal ------------------------------------------------------------------------------------------

/// Is there something to follow?
pub(super) fn behind(db: &Db) -> Result<bool> {
    let sql = "SELECT coalesce((SELECT max(seq) FROM events), 0) > seq FROM webhook_cursor WHERE id = 1";
    Ok(db.one(sql, params![], |r| r.get(0))?.unwrap_or(false))
}

pub(super) fn cursor(db: &Db) -> Result<i64> {
    let seq = db.one("SELECT seq FROM webhook_cursor WHERE id = 1", params![], |r| r.get(0))?;
    seq.ok_or_else(|| Error::internal("the place of the webhooks in the journal is gone"))
}

pub(super) fn move_cursor(tx: &mut Tx, seq: i64) -> Result<()> {
    tx.execute("UPDATE webhook_cursor SET seq = ?1 WHERE id = 1", params![seq])?;
    Ok(())
}

/// An event as far as it matters who hears of it.
pub(super) struct Heard {
    pub(super) seq: i64,
    pub(super) at: Time,
    pub(super) project: Option<ProjectId>,
    pub(super) verb: String,
    /// Is it about a comment for the team alone, or one that is not there any more to tell?
    pub(super) internal: bool,
}

pub(super) fn events(db: &Db, after: i64, limit: i64) -> Result<Vec<Heard>> {
    db.all(
        "SELECT e.seq, e.at_ms, e.project_id, e.verb, e.subject = 'comment' AND coalesce(c.internal, 1) = 1
         FROM events e LEFT JOIN comments c ON e.subject = 'comment' AND c.id = e.subject_id
         WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2",
        params![after, limit],
        |r| Ok(Heard { seq: r.get(0)?, at: r.get(1)?, project: r.get(2)?, verb: r.get(3)?, internal: r.get(4)? }),
    )
}

/// A webhook that hears something.
pub(super) struct Hook {
    pub(super) id: WebhookId,
    pub(super) project: Option<ProjectId>,
    pub(super) verbs: Vec<String>,
    pub(super) include_internal: bool,
    pub(super) since: i64,
}

pub(super) fn listening(db: &Db) -> Result<Vec<Hook>> {
    db.all(
        "SELECT id, project_id, verbs, include_internal, since_seq FROM webhooks WHERE enabled = 1 ORDER BY id",
        params![],
        |r| {
            Ok(Hook {
                id: r.get(0)?,
                project: r.get(1)?,
                verbs: list_of(&r.get::<_, String>(2)?),
                include_internal: r.get(3)?,
                since: r.get(4)?,
            })
        },
    )
}

// Tellings -----------------------------------------------------------------------------------------------------------

pub(super) fn add_delivery(
    tx: &mut Tx,
    webhook: WebhookId,
    seq: Option<i64>,
    verb: &str,
    at: Time,
    copy: bool,
) -> Result<Option<DeliveryId>> {
    let now = tx.now();
    tx.one(
        "INSERT INTO deliveries (webhook_id, seq, verb, at_ms, copy, state, created_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', ?6) ON CONFLICT DO NOTHING RETURNING id",
        params![webhook, seq, verb, at, copy, now],
        |r| r.get(0),
    )
}

const DELIVERY: &str = "d.id, d.webhook_id, d.seq, d.verb, d.copy, d.state, d.attempts, d.log, d.created_ms, d.next_ms,
    d.ended_ms, d.at_ms";

fn delivery_row(r: &Row) -> SqlResult<Delivery> {
    let (webhook_id, seq, at) = (r.get(1)?, r.get::<_, Option<i64>>(2)?, r.get(11)?);
    let copy: bool = r.get(4)?;
    Ok(Delivery {
        id: r.get(0)?,
        webhook_id,
        message_id: follow::message_id(webhook_id, seq, at),
        seq,
        verb: r.get(3)?,
        repeated: copy && seq.is_some(),
        state: r.get(5)?,
        attempts: r.get(6)?,
        log: serde_json::from_str(&r.get::<_, String>(7)?).unwrap_or_default(),
        created: r.get(8)?,
        next: r.get(9)?,
        ended: r.get(10)?,
    })
}

pub(super) fn feed(db: &Db, webhook: WebhookId, slice: FeedSlice) -> Result<Vec<Delivery>> {
    let (than, order) = if slice.backward() { (">", "ASC") } else { ("<", "DESC") };
    let border = if slice.from.is_some() { format!("AND (d.created_ms, d.id) {than} (?2, ?3)") } else { String::new() };
    let (key, id) = slice.border();
    db.all(
        &format!(
            "SELECT {DELIVERY} FROM deliveries d WHERE d.webhook_id = ?1 AND (?2 IS NULL OR ?3 IS NOT NULL) {border}
             ORDER BY d.created_ms {order}, d.id {order} LIMIT ?4"
        ),
        params![webhook, key, id, slice.size + 1],
        delivery_row,
    )
}

/// What a telling says, joined with who did it: the author of an anonymous comment is nobody here, and neither is
/// whoever did something to a comment that is not there any more to ask.
const LETTER: &str = "w.id, w.url, w.form, w.enabled, w.include_internal, w.generation, w.rotated_ms, e.project_id,
    e.body, p.id, p.name, p.deleted_ms IS NOT NULL, a.id, a.nickname, o.locale, f.title, f.deleted_ms IS NOT NULL,
    x.decision, x.note, c.internal, c.security = 1 AND c.user_id = e.actor_id,
    CASE WHEN w.failing_since_ms IS NOT NULL THEN w.last_failure_ms END";
const LETTER_JOINS: &str = "JOIN webhooks w ON w.id = d.webhook_id
    LEFT JOIN events e ON e.seq = d.seq
    LEFT JOIN comments c ON e.subject = 'comment' AND c.id = e.subject_id
    LEFT JOIN projects p ON p.id = coalesce(e.project_id, w.project_id)
    LEFT JOIN users a ON a.id = e.actor_id
        AND (e.subject <> 'comment' OR (c.id IS NOT NULL AND NOT (c.security = 1 AND c.user_id = e.actor_id)))
    LEFT JOIN users o ON o.id = coalesce(p.owner_id, w.user_id)
    LEFT JOIN feedbacks f ON f.id = e.feedback_id
    LEFT JOIN decisions x ON e.verb = 'decided' AND x.feedback_id = e.feedback_id AND x.user_id = e.actor_id";

/// Columns of a letter from `at` on, after those of its delivery.
fn letter(r: &Row) -> SqlResult<Letter> {
    const AT: usize = 12;
    let (webhook, seq, at) = (r.get(AT)?, r.get::<_, Option<i64>>(2)?, r.get::<_, Time>(11)?);
    let actor: Option<UserId> = r.get(AT + 12)?;
    let decision: Option<String> = r.get(AT + 17)?;
    Ok(Letter {
        message_id: follow::message_id(webhook, seq, at),
        webhook,
        seq,
        verb: r.get(3)?,
        at,
        url: r.get(AT + 1)?,
        form: r.get(AT + 2)?,
        enabled: r.get(AT + 3)?,
        include_internal: r.get(AT + 4)?,
        generation: r.get(AT + 5)?,
        rotated: r.get(AT + 6)?,
        body: r.get(AT + 8)?,
        project: match r.get::<_, Option<ProjectId>>(AT + 9)? {
            Some(id) => Some((id, r.get(AT + 10)?)),
            None => r.get::<_, Option<ProjectId>>(AT + 7)?.map(|id| (id, String::new())),
        },
        project_gone: r.get(AT + 11)?,
        actor: match actor {
            Some(id) => Some(Actor { id, nickname: r.get(AT + 13)? }),
            None => None,
        },
        lang: r.get::<_, Option<String>>(AT + 14)?.and_then(|tag| Lang::from_tag(&tag)).unwrap_or_default(),
        feedback_title: if r.get(AT + 16)? { None } else { r.get(AT + 15)? },
        decision: match decision {
            Some(decision) => Some((decision, r.get(AT + 18)?)),
            None => None,
        },
        internal: r.get::<_, Option<bool>>(AT + 19)?.unwrap_or(false),
        anonymous: r.get::<_, Option<bool>>(AT + 20)?.unwrap_or(false),
        failed: r.get(AT + 21)?,
    })
}

/// A telling, what it says, and what the asker is to it.
pub(super) struct FoundDelivery {
    pub(super) delivery: Delivery,
    pub(super) letter: Letter,
    /// The project of its webhook.
    pub(super) project: Option<ProjectId>,
    pub(super) role: Option<Role>,
    pub(super) site_role: SiteRole,
}

pub(super) fn delivery(db: &Db, user: UserId, id: DeliveryId) -> Result<Option<FoundDelivery>> {
    db.one(
        &format!(
            "SELECT {DELIVERY}, {LETTER}, w.project_id, m.role, u.site_role
             FROM deliveries d {LETTER_JOINS} JOIN users u ON u.id = ?1
             LEFT JOIN projects q ON q.id = w.project_id AND q.deleted_ms IS NULL
             LEFT JOIN members m ON m.project_id = q.id AND m.user_id = u.id WHERE d.id = ?2"
        ),
        params![user, id],
        |r| {
            Ok(FoundDelivery {
                delivery: delivery_row(r)?,
                letter: letter(r)?,
                project: r.get(34)?,
                role: r.get(35)?,
                site_role: r.get(36)?,
            })
        },
    )
}

pub(super) fn to_send(db: &Db, id: DeliveryId) -> Result<Option<(Delivery, Letter)>> {
    db.one(&format!("SELECT {DELIVERY}, {LETTER} FROM deliveries d {LETTER_JOINS} WHERE d.id = ?1"), params![id], |r| {
        Ok((delivery_row(r)?, letter(r)?))
    })
}

/// How a try ended, for its row.
pub(super) fn note_attempt(
    tx: &mut Tx,
    id: DeliveryId,
    state: DeliveryState,
    log: &[Attempt],
    next: Option<Time>,
) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE deliveries SET state = ?2, attempts = attempts + 1, log = ?3, next_ms = ?4,
            ended_ms = CASE WHEN ?2 = 'waiting' THEN NULL ELSE ?5 END WHERE id = ?1",
        params![id, state, json(&log)?, next, now],
    )?;
    Ok(())
}

pub(super) fn log(db: &Db, id: DeliveryId) -> Result<Option<(i64, Vec<Attempt>)>> {
    db.one("SELECT attempts, log FROM deliveries WHERE id = ?1", params![id], |r| {
        Ok((r.get(0)?, serde_json::from_str(&r.get::<_, String>(1)?).unwrap_or_default()))
    })
}

pub(super) fn drop_delivery(tx: &mut Tx, id: DeliveryId) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE deliveries SET state = 'dropped', next_ms = NULL, ended_ms = ?2 WHERE id = ?1",
        params![id, now],
    )?;
    Ok(())
}

pub(super) fn succeeded(tx: &mut Tx, id: WebhookId) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE webhooks SET last_success_ms = ?2, failing_since_ms = CASE WHEN enabled = 1 THEN NULL
            ELSE failing_since_ms END WHERE id = ?1",
        params![id, now],
    )?;
    Ok(())
}

/// Notes a failure; answers (its project, is it on, since when it fails).
pub(super) fn failed(tx: &mut Tx, id: WebhookId) -> Result<Option<(Option<ProjectId>, bool, Time)>> {
    let now = tx.now();
    tx.one(
        "UPDATE webhooks SET last_failure_ms = ?2, failing_since_ms = coalesce(failing_since_ms, ?2) WHERE id = ?1
         RETURNING project_id, enabled, failing_since_ms",
        params![id, now],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
    )
}

pub(super) fn disable(tx: &mut Tx, id: WebhookId, why: Disabled) -> Result<()> {
    tx.execute("UPDATE webhooks SET enabled = 0, disabled_reason = ?2, rev = rev + 1 WHERE id = ?1", params![id, why])?;
    Ok(())
}

/// Ends tellings that no job is about to make. Answers how many.
pub(super) fn settle(tx: &mut Tx) -> Result<usize> {
    let now = tx.now();
    tx.execute(
        "UPDATE deliveries SET state = 'failed', next_ms = NULL, ended_ms = ?1
         WHERE state = 'waiting' AND NOT EXISTS (
            SELECT 1 FROM jobs j WHERE j.dedup_key = 'webhook ' || deliveries.id
              AND j.state IN ('waiting', 'ready', 'running', 'retry'))",
        params![now],
    )
}

/// Forgets the oldest ones, so many at once that nobody waits long for it. Answers how many.
pub(super) fn prune(tx: &mut Tx, before: Time) -> Result<usize> {
    tx.execute(
        "DELETE FROM deliveries WHERE id IN (
            SELECT id FROM deliveries WHERE created_ms < ?1 AND state <> 'waiting' ORDER BY created_ms, id LIMIT 10000)",
        params![before],
    )
}
