//! One telling: it is written, signed, sent, and what came back is noted.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::targets::{Form, Target, Telling};
use super::{Alert, sql_targets as sql, words};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::AlertTellingId;
use crate::base::job::{Job, JobError};
use crate::domain::notices::{letter as notes, mails};
use crate::domain::webhooks::work::{Message, Tried, wait};
use crate::domain::webhooks::{Attempt, DeliveryState, sign};
use crate::engines::alerts::Tell;
use crate::engines::mail::{self, Refusal};
use crate::engines::queue::Run;

/// Tries that are kept in the log.
const LOGGED: usize = 10;

/// A telling with what it is about.
pub(super) struct Letter {
    pub(super) target: Target,
    pub(super) telling: Telling,
    pub(super) id: AlertTellingId,
    /// What was measured when it was to be told.
    pub(super) value: Option<f64>,
    /// Is there a later telling of the same alert to the same target?
    pub(super) is_overtaken: bool,
    /// `None`: a test.
    pub(super) alert: Option<Alert>,
}

impl Letter {
    /// What the receiver knows it by: the same on every try.
    pub(super) fn message_id(&self) -> String {
        format!("alert-{}-{}-{:x}", self.target.id, self.id, self.telling.created.0)
    }

    /// What it is, as receivers read it.
    pub(super) fn event(&self) -> &'static str {
        match self.telling.tell {
            Tell::Fired => "alert_fired",
            Tell::Reminder => "alert_reminder",
            Tell::Resolved => "alert_resolved",
            Tell::Test => "ping",
        }
    }
}

/// Tells one receiver.
pub async fn tell(app: &App, run: &Run, id: AlertTellingId) -> Result<Value, JobError> {
    let Some((letter, base)) = read(app, id).await? else { return Ok(Value::Null) };
    if letter.telling.state != DeliveryState::Waiting {
        return Ok(Value::Null);
    }
    if letter.is_overtaken || !letter.target.enabled {
        app.store.write(move |tx| sql::drop_telling(tx, id)).await?;
        return Ok(json!({ "state": DeliveryState::Dropped }));
    }
    let tried = tokio::select! {
        tried = send(app, &letter, base) => tried?,
        () = run.cancel.cancelled() => return Err(JobError::Cancelled),
    };
    let tries = letter.telling.attempts + 1;
    let state = match () {
        () if tried.taken => DeliveryState::Done,
        () if tried.gone || tries % Job::TellAlert { telling: id }.max_attempts() == 0 => DeliveryState::Failed,
        () => DeliveryState::Waiting,
    };
    let after = wait(letter.telling.attempts, tried.wanted);
    let said = said(&tried.attempt);
    note(app, letter, tried.attempt, state).await?;
    match state {
        DeliveryState::Waiting => Err(JobError::RetryIn(anyhow::anyhow!(said), after)),
        DeliveryState::Failed => Err(JobError::Fail { error: said, stderr: String::new() }),
        DeliveryState::Done | DeliveryState::Dropped => Ok(json!({ "state": state })),
    }
}

/// Tries a receiver, once.
pub(super) async fn test(app: &App, id: AlertTellingId) -> Result<()> {
    let (letter, base) = read(app, id).await?.ok_or(Error::NotFound("alert_target"))?;
    let tried = send(app, &letter, base).await?;
    let state = if tried.taken { DeliveryState::Done } else { DeliveryState::Failed };
    note(app, letter, tried.attempt, state).await
}

async fn read(app: &App, id: AlertTellingId) -> Result<Option<(Letter, Option<String>)>> {
    let shared = app.clone();
    app.store
        .read(move |db| {
            let Some(letter) = sql::to_send(db, id)? else { return Ok(None) };
            Ok(Some((letter, mails::base(db, &shared)?)))
        })
        .await
}

async fn note(app: &App, letter: Letter, attempt: Attempt, state: DeliveryState) -> Result<()> {
    let mut log = letter.telling.log;
    log.push(attempt);
    log.drain(..log.len().saturating_sub(LOGGED));
    app.store.write(move |tx| sql::note(tx, letter.id, state, &log)).await
}

fn said(attempt: &Attempt) -> String {
    match (attempt.status, &attempt.error) {
        (Some(status), _) => format!("the receiver answered {status}"),
        (None, Some(error)) if !attempt.answer.is_empty() => format!("{error}: {}", attempt.answer),
        (None, Some(error)) => format!("the receiver was not reached: {error}"),
        (None, None) => String::new(),
    }
}

async fn send(app: &App, letter: &Letter, base: Option<String>) -> Result<Tried> {
    let now = app.clock.now();
    let target = &letter.target;
    let zone = crate::domain::schedule::zone(app);
    let body = match target.form {
        Form::Mail => return send_mail(app, letter, base, now).await,
        Form::Json => words::json(letter, base.as_deref()),
        Form::Slack => words::slack(letter, base.as_deref(), &zone),
    };
    let body = serde_json::to_vec(&body).map_err(Error::internal)?;
    let (id, generation) = (target.id.0, target.generation);
    let signature = sign::header(&app.signing_key, "alert", id, generation, target.rotated, now, &body);
    let config = app.config();
    let message = Message {
        url: target.place.clone(),
        event: letter.event().to_owned(),
        id: letter.message_id(),
        signature,
        body,
        timeout: Duration::from_secs(config.alerts.timeout_s.max(1)),
        private: config.alerts.allow_private,
    };
    Ok(message.post(now).await)
}

async fn send_mail(app: &App, letter: &Letter, base: Option<String>, now: Time) -> Result<Tried> {
    let note = words::note(letter, base.as_deref(), &crate::domain::schedule::zone(app));
    let subject = note.subject.clone();
    let (text, html) = note.write()?;
    let (begun, mailer) = (Instant::now(), app.mailer());
    let sent = mailer.send(mail::Letter {
        to: letter.target.place.clone(),
        subject,
        text,
        html,
        id: format!("{}-{}", letter.message_id(), notes::instance(&app.signing_key)),
        date: letter.telling.created,
        unsubscribe: None,
    });
    let (taken, gone, error, answer) = match sent.await {
        Ok(()) => (true, false, None, String::new()),
        Err(Refusal::Permanent(said)) => (false, true, Some("refused"), said),
        Err(Refusal::Temporary(said)) => (false, false, Some("later"), said),
    };
    let duration_ms = begun.elapsed().as_millis() as i64;
    let attempt = Attempt { at: now, status: None, duration_ms, error: error.map(str::to_owned), answer };
    Ok(Tried { attempt, taken, gone, wanted: None })
}
