//! The way along the journal: each event becomes a telling of each webhook that hears of it.
//!
//! Law: tellings, their jobs and the place that was reached are one change. Killed anywhere, it goes on from there.

use std::time::Duration;

use super::{Delivery, DeliveryState, sql, verbs};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::ids::{ProjectId, WebhookId};
use crate::base::job::Job;
use crate::engines::queue::{self, NewJob};
use crate::engines::store::Tx;

/// Events that are taken in one change.
const EVENTS: i64 = 100;
/// Another process that writes wakes nobody. Also the pause after an error.
const LOOK: Duration = Duration::from_secs(5);

/// Follows until the program stops.
pub async fn follow(app: App) {
    let mut committed = app.committed.subscribe();
    let mut failed = false;
    loop {
        match step(&app).await {
            Ok(true) => continue,
            Ok(false) => failed = false,
            Err(e) if app.stopping.is_cancelled() => tracing::debug!(error = %e, "webhooks stop"),
            Err(e) => {
                if !std::mem::replace(&mut failed, true) {
                    tracing::warn!(error = format!("{e:#}"), "webhooks cannot follow the journal for the moment");
                }
            }
        }
        tokio::select! {
            // After an error time heals, not what is committed meanwhile.
            _ = committed.changed(), if !failed => {}
            () = tokio::time::sleep(LOOK) => {}
            () = app.stopping.cancelled() => return,
        }
    }
}

/// Takes the next events; are there more?
async fn step(app: &App) -> Result<bool> {
    if !app.store.read_ahead(sql::behind).await? {
        return Ok(false);
    }
    app.store.write(take).await
}

fn take(tx: &mut Tx) -> Result<bool> {
    let cursor = sql::cursor(tx)?;
    let events = sql::events(tx, cursor, EVENTS)?;
    let Some(last) = events.last().map(|e| e.seq) else { return Ok(false) };
    let hooks = sql::listening(tx)?;
    for event in &events {
        let Some(project) = event.project else { continue };
        for hook in &hooks {
            let here = hook.project.is_none_or(|p| p == project) && event.seq > hook.since;
            if here && (hook.include_internal || !event.internal) && verbs::hears(&hook.verbs, &event.verb) {
                add(tx, hook.id, Some(project), Some(event.seq), &event.verb, event.at, false)?;
            }
        }
    }
    sql::move_cursor(tx, last)?;
    Ok(events.len() as i64 == EVENTS)
}

/// Adds a telling and its job; `None` if the webhook was told of this event before and it is no repetition.
pub(super) fn add(
    tx: &mut Tx,
    webhook: WebhookId,
    project: Option<ProjectId>,
    seq: Option<i64>,
    verb: &str,
    at: Time,
    repeated: bool,
) -> Result<Option<Delivery>> {
    let Some(id) = sql::add_delivery(tx, webhook, seq, verb, at, repeated)? else { return Ok(None) };
    let dedup_key = Some(format!("webhook {id}"));
    queue::enqueue(tx, NewJob { dedup_key, project, ..Job::CallWebhook { delivery: id }.into() })?;
    Ok(Some(Delivery {
        id,
        webhook_id: webhook,
        message_id: message_id(webhook, seq, at),
        seq,
        verb: verb.to_owned(),
        repeated: repeated && seq.is_some(),
        state: DeliveryState::Waiting,
        attempts: 0,
        log: Vec::new(),
        created: tx.now(),
        next: None,
        ended: None,
    }))
}

/// What a receiver knows a telling by. The moment is part of it: a journal that was restored from a backup gives the
/// same places to other events.
pub(super) fn message_id(webhook: WebhookId, seq: Option<i64>, at: Time) -> String {
    match seq {
        Some(seq) => format!("{webhook}-{seq}-{:x}", at.0),
        None => format!("{webhook}-{}-{:x}", verbs::PING, at.0),
    }
}
