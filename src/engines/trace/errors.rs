//! Errors for a tracker that speaks the protocol of Sentry: one envelope a POST, through the one place for calls.
//!
//! The protocol is two lines of JSON and a body, so the tracker's own library (nineteen crates, a second transport, hooks
//! into everything) is left out.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::scrub::scrub;
use super::{About, Seldom, about};
use crate::base::clock::Clock;
use crate::base::page::hex;
use crate::base::secret;
use crate::engines::outbound::{self, Answer, Call, Failure};

/// Errors that wait; beyond it they are dropped.
const WAITING: usize = 100;
/// How long the tracker may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end waits for it.
const FAREWELL: Duration = Duration::from_secs(3);
/// A tracker that has failed is left alone for so long; what happens meanwhile is dropped.
const REST: Duration = Duration::from_secs(30);
/// Values of an error that say what it was about, and nothing of people.
const TAGS: [&str; 4] = ["job", "kind", "lane", "name"];

/// Where errors are told, as the tracker gives it: `https://<key>@<host>/<project>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Dsn {
    /// The envelope's URL.
    url: String,
    key: String,
}

impl std::fmt::Debug for Dsn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dsn(…)")
    }
}

impl FromStr for Dsn {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Dsn> {
        let wrong = "tracing.sentry_dsn must look like https://<key>@<host>/<project>";
        let url = outbound::check(text.trim(), true).map_err(|_| anyhow::anyhow!(wrong))?;
        let key = url.username().to_owned();
        let (path, project) = url.path().rsplit_once('/').context(wrong)?;
        ensure!(!key.is_empty() && !project.is_empty(), wrong);
        let host = url.host_str().context(wrong)?;
        let port = url.port().map_or(String::new(), |p| format!(":{p}"));
        Ok(Dsn { url: format!("{}://{host}{port}{path}/api/{project}/envelope/", url.scheme()), key })
    }
}

/// What the thread that tells is given.
enum Order {
    Tell(Box<Value>),
    End,
}

/// Set once somebody is told.
static ON: AtomicBool = AtomicBool::new(false);

pub(super) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// The way to the tracker.
pub(super) struct Reporter {
    orders: SyncSender<Order>,
    thread: std::thread::JoinHandle<()>,
}

impl Reporter {
    pub(super) fn open(dsn: Dsn) -> anyhow::Result<Reporter> {
        let (orders, inbox) = sync_channel(WAITING);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let tell = move || runtime.block_on(async { tell_all(&dsn, &inbox).await });
        let thread = std::thread::Builder::new().name("errors".into()).spawn(tell)?;
        let panics = orders.clone();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            before(panic);
            let about = about();
            if about.as_deref().is_some_and(About::told) {
                return;
            }
            let said = panic.payload().downcast_ref::<String>().map(String::as_str);
            let said = said.or(panic.payload().downcast_ref::<&str>().copied()).unwrap_or("a panic");
            let place = panic.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
            let kind = ("panic", scrub(said), Some(place));
            let _ = panics.try_send(Order::Tell(Box::new(compose("fatal", "panic", kind, Map::new(), about))));
        }));
        ON.store(true, Ordering::Relaxed);
        Ok(Reporter { orders, thread })
    }

    pub(super) fn layer(&self) -> Listener {
        Listener(self.orders.clone())
    }

    /// Tells what waits, within its time.
    pub(super) fn close(self) {
        let until = Instant::now() + FAREWELL;
        let mut order = Order::End;
        while let Err(TrySendError::Full(back)) = self.orders.try_send(order) {
            if Instant::now() > until {
                return;
            }
            order = back;
            std::thread::sleep(Duration::from_millis(20));
        }
        while !self.thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Hears the log's errors; whoever puts it into a subscriber lets nothing else through.
pub(super) struct Listener(SyncSender<Order>);

impl<S: Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        let about = about();
        // The panic behind it was told already, with its place.
        if about.as_deref().is_some_and(About::is_told) {
            return;
        }
        let mut said = Said::default();
        event.record(&mut said);
        let error = if said.error.is_empty() { said.message.clone() } else { said.error };
        let kind = (said.message.as_str(), scrub(&error), None);
        let told = compose("error", meta.target(), kind, said.tags, about);
        // Nobody waits for a place.
        let _ = self.0.try_send(Order::Tell(Box::new(told)));
    }
}

/// What an event of the log says; values that are not listed are left out.
#[derive(Default)]
struct Said {
    message: String,
    error: String,
    tags: Map<String, Value>,
}

impl Said {
    fn put(&mut self, field: &Field, text: String) {
        match field.name() {
            "message" => self.message = scrub(&text),
            "error" => self.error = text,
            name if TAGS.contains(&name) => {
                self.tags.insert(name.to_owned(), scrub(&text).into());
            }
            _ => {}
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

/// The event in the tracker's words. `kind` is the error's name, its sentence, and where it came from.
fn compose(
    level: &str,
    target: &str,
    kind: (&str, String, Option<String>),
    mut tags: Map<String, Value>,
    about: Option<Arc<About>>,
) -> Value {
    let (name, sentence, place) = kind;
    let mut told = json!({
        "event_id": hex(&secret::random::<16>()),
        "timestamp": Clock::System.now().0 as f64 / 1000.0,
        "platform": "other",
        "level": level,
        "logger": target,
        "release": concat!("videoplanet@", env!("CARGO_PKG_VERSION")),
        "exception": { "values": [{
            "type": name, "value": sentence, "mechanism": { "type": target, "handled": level == "error" },
        }] },
    });
    if let Some(about) = about {
        told["transaction"] = about.name.clone().into();
        if !about.request.is_empty() {
            tags.insert("request_id".into(), about.request.clone().into());
        }
    }
    if let Some(place) = place {
        tags.insert("place".into(), place.into());
    }
    told["tags"] = Value::Object(tags);
    told
}

/// The body of a POST: a head, the head of its one item, the item.
fn envelope(event: &Value) -> Bytes {
    let item = event.to_string();
    let head = json!({ "event_id": event["event_id"], "sent_at": Clock::System.now().to_string() });
    let kind = json!({ "type": "event", "length": item.len() });
    format!("{head}\n{kind}\n{item}\n").into()
}

async fn tell_all(dsn: &Dsn, inbox: &Receiver<Order>) {
    let seldom = Seldom(parking_lot::Mutex::default());
    let mut rests_until: Option<Instant> = None;
    loop {
        let order = match inbox.recv_timeout(Duration::from_secs(3600)) {
            Ok(order) => order,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let event = match order {
            Order::Tell(event) => event,
            Order::End => return,
        };
        if rests_until.is_some_and(|until| Instant::now() < until) {
            continue;
        }
        let answer = outbound::post(call(dsn, &event)).await;
        let rest = match &answer {
            Ok(answer) if (200..300).contains(&answer.status) => None,
            Ok(Answer { status: 429, retry_after_s, .. }) => {
                Some(Duration::from_secs(retry_after_s.unwrap_or(60).min(3600)))
            }
            // It will not like the next one better, but another one perhaps.
            Ok(answer) if answer.status < 500 => None,
            _ => Some(REST),
        };
        rests_until = rest.map(|rest| Instant::now() + rest);
        let why = match &answer {
            Ok(answer) if (200..300).contains(&answer.status) => continue,
            Ok(answer) => format!("it answered {}", answer.status),
            Err(failure) => Failure::to_string(failure),
        };
        if seldom.now() {
            // Not as an error: it would be told again.
            tracing::warn!(why, "the error tracker was not told");
        }
    }
}

fn call(dsn: &Dsn, event: &Value) -> Call {
    let client = concat!("videoplanet/", env!("CARGO_PKG_VERSION"));
    let auth = format!("Sentry sentry_version=7, sentry_client={client}, sentry_key={}", dsn.key);
    Call {
        url: dsn.url.clone(),
        headers: vec![("content-type", "application/x-sentry-envelope".into()), ("x-sentry-auth", auth)],
        body: envelope(event),
        timeout: TIMEOUT,
        answer_max: 1 << 10,
        private: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dsn_is_understood_and_not_shown() {
        let dsn: Dsn = "https://abc123@errors.example.com:8443/base/42".parse().unwrap();
        assert_eq!(dsn.url, "https://errors.example.com:8443/base/api/42/envelope/");
        assert_eq!((dsn.key.as_str(), format!("{dsn:?}").as_str()), ("abc123", "Dsn(…)"));
        for wrong in ["", "errors.example.com/42", "https://errors.example.com/42", "https://abc@errors.example.com/"] {
            let said = wrong.parse::<Dsn>().unwrap_err().to_string();
            assert!(said.contains("tracing.sentry_dsn"), "{said}");
        }
    }

    #[test]
    fn an_envelope_has_three_lines_and_the_length_that_it_says() {
        let event = compose("error", "videoplanet::x", ("a request failed", "끝".into(), None), Map::new(), None);
        let text = String::from_utf8(envelope(&event).to_vec()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        let kind: Value = serde_json::from_str(lines[1]).unwrap();
        assert_eq!(kind["length"], lines[2].len());
        let head: Value = serde_json::from_str(lines[0]).unwrap();
        assert_eq!(head["event_id"], event["event_id"]);
        assert_eq!(event["event_id"].as_str().unwrap().len(), 32);
    }
}
