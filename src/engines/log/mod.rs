//! What the program tells of itself: the one subscriber of the process, its filter, which can be changed while it runs,
//! and the last lines, kept in memory.
//!
//! Laws: a line that the filter drops costs a look at a flag and nothing else. The ring is bounded in lines and bytes.
//! A field whose name says that it is a secret is not kept. A filter that was set for a while gives way to the lasting
//! one by itself.
//!
//! A process has one subscriber, however many instances it opens: what is here is the process's.

mod ring;

use std::io::IsTerminal;
use std::sync::LazyLock;

use parking_lot::Mutex;
use tracing_subscriber::layer::Layered;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::locale::Text;
pub use ring::{Level, Line, Ring, Wanted};

/// The subscriber below the layers that listen: what passes here has passed the filter.
pub type Base = Layered<reload::Layer<EnvFilter, Registry>, Registry>;
/// One more listener, such as a tracer that sends spans away.
pub type Listener = Box<dyn Layer<Base> + Send + Sync>;

/// What the program writes to stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
    /// Nothing: the ring alone listens.
    Nothing,
}

/// What the cache's library says of its own start is nobody's business.
const QUIET: &str = "foyer=warn,foyer_storage=warn,foyer_memory=warn";
/// Characters of a filter.
const FILTER_MAX: usize = 400;

/// The filter as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// What passes now, such as `info,videoplanet::server=debug`.
    pub now: String,
    /// What passes for good: the same, unless `now` is for a while.
    pub lasting: String,
    /// Until when `now` holds, where it is for a while.
    pub until: Option<Time>,
}

struct State {
    filter: Filter,
    handle: Option<reload::Handle<EnvFilter, Registry>>,
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(|| {
    let filter = Filter { now: "info".into(), lasting: "info".into(), until: None };
    Mutex::new(State { filter, handle: None })
});
static RING: LazyLock<Ring> = LazyLock::new(Ring::default);

/// The last lines.
pub fn ring() -> &'static Ring {
    &RING
}

/// Begins to listen, with `more` listeners beside stderr and the ring. `filter` is a level or what `EnvFilter` reads.
/// The process listens once: a second call only sets the filter.
pub fn start(filter: &str, output: Output, more: Vec<Listener>) -> anyhow::Result<()> {
    let wrong = |e| anyhow::anyhow!("log.level is not a level or a filter: {e}");
    let (layer, handle) = reload::Layer::new(read(filter).map_err(wrong)?);
    let mut listeners = more;
    listeners.push(ring::Keeper.boxed());
    let stderr = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    match output {
        Output::Text => listeners.push(stderr.with_target(false).boxed()),
        Output::Json => listeners.push(stderr.json().boxed()),
        Output::Nothing => {}
    }
    let mut state = STATE.lock();
    if tracing_subscriber::registry().with(layer).with(listeners).try_init().is_ok() {
        state.handle = Some(handle);
    }
    apply(&mut state, filter).map_err(|e| anyhow::anyhow!("{e}"))?;
    state.filter.lasting = filter.to_owned();
    state.filter.until = None;
    Ok(())
}

/// The filter as it stands.
pub fn filter() -> Filter {
    STATE.lock().filter.clone()
}

/// Sets what passes from now on: for good, or until a moment after which what passed for good does so again. Answers
/// what stood before.
pub fn set_filter(text: &str, until: Option<Time>) -> Result<Filter> {
    let text = check_filter(text)?;
    let mut state = STATE.lock();
    let before = state.filter.clone();
    apply(&mut state, &text)?;
    state.filter.until = until;
    if until.is_none() {
        state.filter.lasting = text;
    }
    Ok(before)
}

/// Ends a filter that was set for a while and whose time is over; answers whether it did. Called each second.
pub fn tick(now: Time) -> bool {
    let mut state = STATE.lock();
    if state.filter.until.is_none_or(|until| until > now) {
        return false;
    }
    let lasting = state.filter.lasting.clone();
    state.filter.until = None;
    if let Err(e) = apply(&mut state, &lasting) {
        tracing::error!(error = %e, "the log's lasting filter cannot be set again");
    }
    true
}

/// A filter as it is kept: levels, and targets with levels. Whatever else `EnvFilter` would read (a bare word is a
/// target at `trace` to it, which silences everything else) is refused by name.
pub fn check_filter(text: &str) -> Result<String> {
    let wrong = |part: &str| Error::invalid("filter", Text::new("invalid.log_filter").with("part", part));
    if text.chars().count() > FILTER_MAX {
        return Err(Error::invalid("filter", Text::new("invalid.too_long").with("max", FILTER_MAX)));
    }
    let is_level = |word: &str| word.eq_ignore_ascii_case("off") || word.parse::<Level>().is_ok();
    let is_target = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b':'))
    };
    let mut parts = Vec::new();
    for part in text.split(',').map(|part| part.trim().to_ascii_lowercase()) {
        let good = match part.split_once('=') {
            Some((target, level)) => is_target(target) && is_level(level),
            None => is_level(&part),
        };
        if !good {
            return Err(wrong(&part));
        }
        parts.push(part);
    }
    Ok(parts.join(","))
}

fn read(filter: &str) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    EnvFilter::try_new(format!("{QUIET},{filter}"))
}

fn apply(state: &mut State, text: &str) -> Result<()> {
    let filter = read(text).map_err(Error::internal)?;
    if let Some(handle) = &state.handle {
        handle.reload(filter).map_err(Error::internal)?;
    }
    state.filter.now = text.to_owned();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_levels_and_targets_with_levels() {
        let kept = |text| check_filter(text).ok();
        assert_eq!(kept(" INFO, videoplanet::server=Debug "), Some("info,videoplanet::server=debug".into()));
        assert_eq!(kept("off"), Some("off".into()));
        for wrong in ["", "inof", "videoplanet", "info,", "a=b", "=debug", "[request{id=x}]=debug", "info;debug"] {
            assert_eq!(kept(wrong), None, "{wrong}");
        }
        assert_eq!(kept(&format!("info,{}=debug", "x".repeat(FILTER_MAX))), None);
    }
}
