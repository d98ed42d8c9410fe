//! The last lines, and the layer that keeps them.

use std::collections::VecDeque;
use std::fmt::{Debug, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::base::clock::{Clock, Time};
use crate::closed_set;

/// Lines that are kept.
const LINES: usize = 4_000;
/// Bytes of texts that are kept.
const BYTES: usize = 4 << 20;
/// Bytes of one text; what is longer is cut.
const TEXT: usize = 2_000;
/// Fields of one line.
const FIELDS: usize = 24;
/// The span round a request: its fields `request` and `route` stand on every line within.
const REQUEST: &str = "request";

closed_set! {
    /// How grave a line is, gravest first.
    Level {
        /// Something is broken.
        Error = "error",
        /// Something may break.
        Warn = "warn",
        /// What goes on.
        Info = "info",
        /// What somebody wants to know who looks for a cause.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Its number since the start.
    pub seq: u64,
    /// When, by the machine's clock.
    pub at: Time,
    /// How grave.
    pub level: Level,
    /// The module that told it.
    pub target: &'static str,
    /// The sentence.
    pub message: String,
    /// Its values by name.
    #[serde(serialize_with = "as_object")]
    pub fields: Vec<(&'static str, String)>,
    /// In which request.
    #[serde(serialize_with = "as_text")]
    pub request: Option<Arc<str>>,
    /// On which route.
    #[serde(serialize_with = "as_text")]
    pub route: Option<Arc<str>>,
}

fn as_object<S: serde::Serializer>(fields: &[(&'static str, String)], s: S) -> Result<S::Ok, S::Error> {
    s.collect_map(fields.iter().map(|(name, value)| (name, value)))
}

fn as_text<S: serde::Serializer>(text: &Option<Arc<str>>, s: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(s)
}

impl Line {
    fn bytes(&self) -> usize {
        self.message.len() + self.fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    }
}

/// Which lines are asked for; what is empty asks for all.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// This grave or graver.
    pub level: Option<Level>,
    /// The module's name begins with this.
    pub target: String,
    /// Message, module or a value contain this, in whatever case.
    pub text: String,
    /// Of this request.
    pub request: String,
    /// Only lines before this number.
    pub before: Option<u64>,
}

impl Wanted {
    fn takes(&self, line: &Line) -> bool {
        let holds = |text: &str| text.to_lowercase().contains(&self.text);
        self.before.is_none_or(|before| line.seq < before)
            && self.level.is_none_or(|level| line.level <= level)
            && line.target.starts_with(&self.target)
            && (self.request.is_empty() || line.request.as_deref() == Some(&self.request))
            && (self.text.is_empty()
                || holds(&line.message)
                || holds(line.target)
                || line.fields.iter().any(|(_, value)| holds(value)))
    }
}

/// The last lines of the process.
#[derive(Default)]
pub struct Ring(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    lines: VecDeque<Arc<Line>>,
    bytes: usize,
    /// The number of the next line.
    next: u64,
    /// Lines since the start, by level.
    counts: [u64; Level::ALL.len()],
}

impl Ring {
    /// The lines that are wanted, newest first, at most `limit`.
    pub fn find(&self, wanted: &Wanted, limit: usize) -> Vec<Arc<Line>> {
        let wanted = Wanted { text: wanted.text.to_lowercase(), ..wanted.clone() };
        // Looked through outside the lock: who tells something waits for nobody who reads.
        let all: Vec<Arc<Line>> = self.0.lock().lines.iter().cloned().collect();
        all.into_iter().rev().filter(|line| wanted.takes(line)).take(limit).collect()
    }

    /// Lines since the start, gravest level first.
    pub fn counts(&self) -> [u64; Level::ALL.len()] {
        self.0.lock().counts
    }

    /// How many lines are kept, and since when.
    pub fn reach(&self) -> (usize, Option<Time>) {
        let kept = self.0.lock();
        (kept.lines.len(), kept.lines.front().map(|line| line.at))
    }

    fn keep(&self, mut line: Line) {
        let bytes = line.bytes();
        let mut kept = self.0.lock();
        kept.next += 1;
        line.seq = kept.next;
        kept.counts[line.level as usize] += 1;
        kept.bytes += bytes;
        kept.lines.push_back(Arc::new(line));
        while kept.lines.len() > LINES || kept.bytes > BYTES {
            let Some(gone) = kept.lines.pop_front() else { break };
            kept.bytes -= gone.bytes();
        }
    }
}

/// The request that a span is round.
struct InRequest {
    id: Arc<str>,
    route: Option<Arc<str>>,
}

/// The layer that keeps what passes the filter.
pub(super) struct Keeper;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Keeper {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        if attributes.metadata().name() != REQUEST {
            return;
        }
        let mut texts = Texts::default();
        attributes.record(&mut texts);
        let mut take = |name: &str| texts.fields.iter_mut().find(|(n, _)| *n == name).map(|(_, v)| std::mem::take(v));
        let (Some(request), route) = (take("request"), take("route")) else { return };
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(InRequest { id: request.into(), route: route.map(Arc::from) });
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut texts = Texts::default();
        event.record(&mut texts);
        let (mut request, mut route) = (None, None);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(within) = span.extensions().get::<InRequest>() {
                (request, route) = (Some(within.id.clone()), within.route.clone());
                break;
            }
        }
        let level = match *event.metadata().level() {
            tracing::Level::ERROR => Level::Error,
            tracing::Level::WARN => Level::Warn,
            tracing::Level::INFO => Level::Info,
            tracing::Level::DEBUG => Level::Debug,
            tracing::Level::TRACE => Level::Trace,
        };
        let (at, target) = (Clock::System.now(), event.metadata().target());
        let Texts { message, mut fields } = texts;
        // What is told of a request outside of its span names it.
        if request.is_none() {
            let mut take = |name: &str| {
                let place = fields.iter().position(|(n, _)| *n == name)?;
                Some(Arc::<str>::from(fields.remove(place).1))
            };
            request = take(REQUEST);
            route = request.as_ref().and_then(|_| take("route"));
        }
        super::RING.keep(Line { seq: 0, at, level, target, message, fields, request, route });
    }
}

/// Is what stands under this name nobody's to read?
fn is_secret(name: &str) -> bool {
    const ENDS: [&str; 6] = ["password", "token", "secret", "setup_code", "authorization", "cookie"];
    ENDS.iter().any(|end| name.ends_with(end))
}

#[derive(Default)]
struct Texts {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Texts {
    fn put(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = Cut(String::new());
        if is_secret(field.name()) {
            text.0.push('…');
        } else {
            // It ends early where it is cut.
            let _ = write!(text, "{value:?}");
        }
        match field.name() {
            "message" => self.message = text.0,
            name if self.fields.len() < FIELDS => self.fields.push((name, text.0)),
            _ => {}
        }
    }
}

impl Visit for Texts {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, &format_args!("{value}"));
    }
}

/// A text that takes no more than [`TEXT`] bytes.
struct Cut(String);

impl Write for Cut {
    fn write_str(&mut self, part: &str) -> std::fmt::Result {
        let room = TEXT.saturating_sub(self.0.len());
        if part.len() <= room {
            self.0.push_str(part);
            return Ok(());
        }
        self.0.push_str(&part[..part.floor_char_boundary(room)]);
        self.0.push('…');
        Err(std::fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: Level, message: &str) -> Line {
        let (at, fields) = (Time(0), vec![("error", "Disk FULL".to_owned())]);
        let request = Some(Arc::from("abcdefgh"));
        Line { seq: 0, at, level, target: "videoplanet::domain", message: message.into(), fields, request, route: None }
    }

    #[test]
    fn the_newest_lines_are_kept_within_lines_and_bytes() {
        let ring = Ring::default();
        for n in 0..LINES + 10 {
            ring.keep(line(Level::Info, &n.to_string()));
        }
        let all = ring.find(&Wanted::default(), usize::MAX);
        assert_eq!((all.len(), &*all[0].message, &*all[LINES - 1].message), (LINES, "4009", "10"));
        for _ in 0..BYTES / 100_000 * 2 {
            ring.keep(line(Level::Warn, &"x".repeat(100_000)));
        }
        let kept = ring.find(&Wanted::default(), usize::MAX);
        assert!(kept.len() <= BYTES / 100_000 && kept.iter().all(|l| l.level == Level::Warn));
        assert_eq!(ring.counts()[1..3], [BYTES as u64 / 100_000 * 2, LINES as u64 + 10]);
    }

    #[test]
    fn lines_are_found_by_level_module_text_and_request() {
        let ring = Ring::default();
        ring.keep(line(Level::Debug, "one"));
        ring.keep(line(Level::Error, "two"));
        let found = |wanted: Wanted| ring.find(&wanted, 10).len();
        let all = Wanted::default();
        assert_eq!(found(Wanted { level: Some(Level::Info), ..all.clone() }), 1);
        assert_eq!(found(Wanted { text: "disk full".into(), ..all.clone() }), 2);
        assert_eq!(found(Wanted { text: "TWO".into(), ..all.clone() }), 1);
        assert_eq!(found(Wanted { target: "videoplanet::server".into(), ..all.clone() }), 0);
        assert_eq!(found(Wanted { request: "abcdefgh".into(), before: Some(2), ..all.clone() }), 1);
        assert_eq!(found(Wanted { request: "abc".into(), ..all }), 0);
    }

    #[test]
    fn a_text_is_cut_at_a_character() {
        let mut cut = Cut(String::new());
        assert!(write!(cut, "{}", "가".repeat(TEXT)).is_err());
        assert!(cut.0.len() <= TEXT + 3 && cut.0.ends_with('…'));
        assert!(is_secret("model_token") && is_secret("password") && !is_secret("key"));
    }
}
