//! One telling: it is written, signed, sent, and what came back is noted.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};

use super::payload::Letter;
use super::{Attempt, DeliveryState, Disabled, payload, sign, sql, verbs};
use crate::app::App;
use crate::base::clock::{HOUR, MINUTE, SECOND, Time};
use crate::base::error::Result;
use crate::base::event::Event;
use crate::base::ids::DeliveryId;
use crate::base::job::{Job, JobError};
use crate::engines::outbound::{self, Answer, Call, Failure};
use crate::engines::queue::Run;
use crate::engines::store::Tx;
use crate::engines::trace;

/// Waits between tries; about fifteen hours in all, so that a receiver that is down for a night is told in the morning.
const WAITS: [i64; 11] = [
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    4 * HOUR,
    4 * HOUR,
];
/// Longest wait that a receiver may ask for.
const WAIT_MAX: i64 = 6 * HOUR;
/// So long after a failure a webhook is told nothing new.
const REST: i64 = 20 * SECOND;
/// Bytes of an answer that are kept.
const ANSWER_MAX: usize = 2 << 10;
/// Tries that are kept in the log.
const LOGGED: usize = 10;

/// What became of one try.
pub(in crate::domain) struct Tried {
    pub(in crate::domain) attempt: Attempt,
    /// Was it taken?
    pub(in crate::domain) taken: bool,
    /// Is the receiver gone for good?
    pub(in crate::domain) gone: bool,
    /// When the receiver wants to be asked again, in milliseconds.
    pub(in crate::domain) wanted: Option<i64>,
}

/// Tells one webhook.
pub async fn call(app: &App, run: &Run, id: DeliveryId) -> Result<Value, JobError> {
    let public_url = app.config().server.public_url.clone();
    let found = app
        .read(move |db| {
            let Some((delivery, letter)) = sql::to_send(db, id)? else { return Ok(None) };
            let body = payload::told(db, &letter, &public_url)?.map(|told| told.bytes());
            Ok(Some((delivery, letter, body)))
        })
        .await?;
    // Its webhook was removed.
    let Some((delivery, letter, body)) = found else { return Ok(Value::Null) };
    if matches!(delivery.state, DeliveryState::Done | DeliveryState::Dropped) {
        return Ok(Value::Null);
    }
    let ping = delivery.verb == verbs::PING;
    let body = match body {
        Some(body) if letter.enabled || ping => body,
        // Turned off meanwhile, or not to hear of this any more.
        _ => {
            app.write(move |tx| sql::drop_delivery(tx, id)).await?;
            return Ok(json!({ "state": DeliveryState::Dropped }));
        }
    };
    // A receiver that hangs must not hold all places of the lane: what is new waits a little.
    let rests = letter.failed.is_some_and(|at| app.clock.now().0 - at.0 < REST);
    if rests && delivery.attempts == 0 && !ping {
        return Err(JobError::Later(anyhow::anyhow!("the receiver has just failed")));
    }
    let tried = tokio::select! {
        tried = send(app, &letter, body) => tried,
        () = run.cancel.cancelled() => return Err(JobError::Cancelled),
    };
    let (status, error) = (tried.attempt.status, tried.attempt.error.clone());
    let hours = app.config().webhooks.disable_after_hours;
    let wait = wait(delivery.attempts, tried.wanted);
    let (state, next) = app.write(move |tx| note(tx, id, &letter, tried, ping, hours, wait)).await?;
    let said = match (status, &error) {
        (Some(status), _) => format!("the receiver answered {status}"),
        (None, Some(error)) => format!("the receiver was not reached: {error}"),
        (None, None) => String::new(),
    };
    match (state, next) {
        (DeliveryState::Waiting, Some(after)) => Err(JobError::RetryIn(anyhow::anyhow!(said), after)),
        (DeliveryState::Failed, _) if !ping => Err(JobError::Fail { error: said, stderr: String::new() }),
        _ => Ok(json!({ "state": state, "status": status, "error": error })),
    }
}

async fn send(app: &App, letter: &Letter, body: Vec<u8>) -> Tried {
    let now = app.clock.now();
    let (id, generation) = (letter.webhook.0, letter.generation);
    let signature = sign::header(&app.signing_key, "webhook", id, generation, letter.rotated, now, &body);
    let config = app.config();
    let message = Message {
        url: letter.url.clone(),
        event: letter.verb.clone(),
        id: letter.message_id.clone(),
        signature,
        body,
        timeout: Duration::from_secs(config.webhooks.timeout_s.max(1)),
        private: config.webhooks.allow_private,
    };
    message.post(now).await
}

/// What one call brings to a receiver.
pub(in crate::domain) struct Message {
    pub(in crate::domain) url: String,
    /// What happened, in a word.
    pub(in crate::domain) event: String,
    /// What the receiver knows it by.
    pub(in crate::domain) id: String,
    /// See `sign`.
    pub(in crate::domain) signature: String,
    pub(in crate::domain) body: Vec<u8>,
    pub(in crate::domain) timeout: Duration,
    pub(in crate::domain) private: bool,
}

impl Message {
    pub(in crate::domain) async fn post(self, now: Time) -> Tried {
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("x-videoplanet-event", self.event),
            ("x-videoplanet-delivery", self.id),
            ("x-videoplanet-signature", self.signature),
        ];
        headers.extend(trace::traceparent().map(|traceparent| ("traceparent", traceparent)));
        let call = Call {
            url: self.url,
            headers,
            body: Bytes::from(self.body),
            timeout: self.timeout,
            answer_max: ANSWER_MAX,
            private: self.private,
        };
        let begun = Instant::now();
        let answer = outbound::post(call).await;
        judged(answer, now, begun.elapsed().as_millis() as i64)
    }
}

/// What an answer means: 2xx is taken, everything else is not; a redirect is not followed.
fn judged(answer: Result<Answer, Failure>, at: Time, duration_ms: i64) -> Tried {
    match answer {
        Ok(answer) => {
            let taken = (200..300).contains(&answer.status);
            let error = match answer.status {
                _ if taken => None,
                300..400 => Some("redirect"),
                _ => Some("status"),
            };
            let attempt = Attempt {
                at,
                status: Some(answer.status),
                duration_ms,
                error: error.map(str::to_owned),
                answer: readable(&answer.body),
            };
            let wanted = answer.retry_after_s.map(|s| (s.min(86_400) as i64 * SECOND).clamp(SECOND, WAIT_MAX));
            Tried { attempt, taken, gone: answer.status == 410, wanted }
        }
        Err(failure) => {
            let error = match failure {
                Failure::Url => "url",
                Failure::Private => "private",
                Failure::Resolve => "resolve",
                Failure::Connect => "connect",
                Failure::TimedOut => "timed_out",
                Failure::Setup => "setup",
            };
            let error = Some(error.to_owned());
            let attempt = Attempt { at, status: None, duration_ms, error, answer: String::new() };
            Tried { attempt, taken: false, gone: false, wanted: None }
        }
    }
}

/// An answer as text; what is none in it is replaced.
fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

/// Writes down what became of a try: the telling, how it goes with the webhook, and its end if it has failed too long.
/// Answers the state and, while it waits, in how many milliseconds it is tried again.
fn note(
    tx: &mut Tx,
    id: DeliveryId,
    letter: &Letter,
    tried: Tried,
    ping: bool,
    disable_after_hours: i64,
    wait: i64,
) -> Result<(DeliveryState, Option<i64>)> {
    // Removed with its webhook meanwhile: nothing to note.
    let Some((attempts, mut log)) = sql::log(tx, id)? else { return Ok((DeliveryState::Dropped, None)) };
    log.push(tried.attempt);
    let log = &log[log.len().saturating_sub(LOGGED)..];
    let tries = Job::CallWebhook { delivery: id }.max_attempts();
    // Given other tries by a person, it counts on; each set of tries ends on its own.
    let last = (attempts + 1) % tries == 0;
    let mut state = match () {
        () if tried.taken => DeliveryState::Done,
        () if tried.gone || ping || last => DeliveryState::Failed,
        () => DeliveryState::Waiting,
    };
    if tried.taken {
        sql::succeeded(tx, letter.webhook)?;
    } else if !ping {
        let found = sql::failed(tx, letter.webhook)?;
        if let Some((project, true, since)) = found {
            let too_long = tx.now().0 - since.0 >= disable_after_hours * HOUR && disable_after_hours > 0;
            let why = if tried.gone { Some(Disabled::Gone) } else { too_long.then_some(Disabled::Failing) };
            if let Some(why) = why {
                sql::disable(tx, letter.webhook, why)?;
                tx.emit(project, None, Event::WebhookDisabled { webhook: letter.webhook }, None)?;
                state = DeliveryState::Failed;
            }
        }
    }
    let next = (state == DeliveryState::Waiting).then_some(wait);
    let at = next.map(|wait| tx.now().plus(wait));
    sql::note_attempt(tx, id, state, log, at)?;
    Ok((state, next))
}

/// How long to wait after `attempts` earlier tries and one more, in milliseconds: as the receiver wants it, or longer and
/// longer, ±10 %, so that what failed together does not come back together.
pub(in crate::domain) fn wait(attempts: i64, wanted: Option<i64>) -> i64 {
    let base = WAITS[(attempts.max(0) as usize) % WAITS.len()];
    wanted.unwrap_or(base + base * (i64::from(crate::base::secret::random::<1>()[0]) - 128) / 1280)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after_s: Option<u64>) -> Tried {
        let answer = Answer { status, retry_after_s, body: Bytes::from_static(b"ok\x00\xff"), cut: false };
        judged(Ok(answer), Time(0), 5)
    }

    #[test]
    fn only_2xx_is_taken_and_a_receiver_may_ask_for_time() {
        assert!(answered(204, None).taken && answered(200, None).attempt.error.is_none());
        let moved = answered(302, None);
        assert!(!moved.taken && moved.attempt.error.as_deref() == Some("redirect"));
        assert!(answered(410, None).gone && !answered(404, None).gone);
        assert_eq!(answered(429, Some(90)).wanted, Some(90_000));
        assert_eq!(answered(503, Some(u64::MAX)).wanted, Some(WAIT_MAX));
        assert_eq!(answered(500, None).attempt.answer, "ok\u{fffd}\u{fffd}");
        let lost = judged(Err(Failure::TimedOut), Time(0), 5);
        assert_eq!(lost.attempt.error.as_deref(), Some("timed_out"));
    }

    #[test]
    fn waits_grow_over_a_night() {
        let near = |wait: i64, base: i64| (base * 9 / 10..=base * 11 / 10).contains(&wait);
        assert!(near(wait(0, None), 10 * SECOND) && near(wait(6, None), HOUR));
        assert_eq!(wait(6, Some(5_000)), 5_000);
        let night: i64 = WAITS.iter().sum();
        assert!((12 * HOUR..20 * HOUR).contains(&night));
    }
}
