//! The search index. The only room that names tantivy.
//!
//! Laws: it holds nothing that the tables do not; a lost, damaged or outdated one is built anew while the old one serves.
//! How far it follows the journal stands in the commit itself, so documents and place are one: killed anywhere, it goes
//! on from where it is. One writer with one thread and a bounded arena; a commit is what makes documents findable.
//!
//! tantivy keeps dictionaries, postings, columns and merges. How a question is weighed is ours (`search`), since
//! rights, facets and the cut need every match and not only the best ten.

mod document;
mod explain;
mod generation;
mod hits;
pub mod marks;
mod phrase;
mod plan;
mod postings;
mod search;
mod segment;
mod sight;
pub mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::RwLock;
use tokio::sync::{Notify, watch};

use crate::base::error::{Error, Result};
pub use document::{Document, Key};
pub use explain::{Explained, ExplainedTerm};
pub use generation::{Committed, Generation, Mark, SegmentFacts};
pub use hits::{Doc, Found, Hit, Pass, Place};
pub use plan::{Ask, Words};

/// Raised when the same text gives other tokens or fields than before: an index of another number is built anew.
pub const SCHEMA: u32 = 2;

/// How to open the index.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its generations stand.
    pub dir: PathBuf,
    /// What the writer may hold in memory before it writes a segment.
    pub arena_bytes: usize,
}

/// The index: the generation that serves, and the one that is being built.
pub struct Index {
    options: Options,
    state: RwLock<State>,
    /// There is something to follow.
    wake: Notify,
    /// Somebody wants it built anew.
    asked: AtomicBool,
    /// The last event that can be found.
    followed: watch::Sender<i64>,
    /// Rows that a rebuild has read, and has to read.
    progress: (AtomicU64, AtomicU64),
}

#[derive(Default)]
struct State {
    serving: Option<Arc<Generation>>,
    building: Option<Arc<Generation>>,
    trouble: Option<String>,
}

/// tantivy's version.
pub fn version() -> &'static str {
    tantivy::version_string()
}

/// How far the newest whole index in `dir` follows, read from its last commit without opening it; `None` without one.
pub fn glance(dir: &Path) -> Option<Mark> {
    let mut found: Vec<(u32, u64, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(dir).ok()?.flatten() {
        let name = entry.file_name();
        let Some((schema, number)) = name.to_str().and_then(|n| n.split_once('-')) else { continue };
        if let (Ok(schema), Ok(number)) = (schema.parse(), number.parse()) {
            found.push((schema, number, entry.path()));
        }
    }
    found.sort();
    let mark = |path: &Path| -> Option<Mark> {
        let meta: serde_json::Value = serde_json::from_slice(&std::fs::read(path.join("meta.json")).ok()?).ok()?;
        serde_json::from_str(meta["payload"].as_str()?).ok()
    };
    found.iter().rev().filter(|(schema, ..)| *schema == SCHEMA).filter_map(|(.., path)| mark(path)).find(Mark::is_whole)
}

impl Index {
    /// Opens what is there: the newest whole generation serves, an unfinished one of the present schema is gone on with.
    /// Anything else is removed. Never an error for what stands in the directory: it can be built anew.
    pub fn open(options: Options) -> anyhow::Result<Index> {
        std::fs::create_dir_all(&options.dir)?;
        let mut state = State::default();
        let mut found: Vec<(u32, u64, PathBuf)> = Vec::new();
        for entry in std::fs::read_dir(&options.dir)?.flatten() {
            let name = entry.file_name();
            match name.to_str().and_then(|n| n.split_once('-')).map(|(s, n)| (s.parse(), n.parse())) {
                Some((Ok(schema), Ok(number))) => found.push((schema, number, entry.path())),
                _ => tracing::warn!(name = %name.display(), "something foreign lies in the index's directory"),
            }
        }
        found.sort();
        for (schema, number, path) in found.into_iter().rev() {
            // Bytes that are wrong make tantivy panic as often as they make an error.
            let open = || Generation::open(&path, schema, number, options.arena_bytes);
            let opened = std::panic::catch_unwind(open).unwrap_or_else(|_| Err(anyhow::anyhow!("it is damaged")));
            match opened {
                Ok(g) if !g.mark().is_whole() && schema == SCHEMA && state.building.is_none() => {
                    state.building = Some(Arc::new(g));
                }
                Ok(g) if g.mark().is_whole() && state.serving.is_none() => {
                    if schema != SCHEMA {
                        state.trouble = Some(format!("the index is of schema {schema}, this program writes {SCHEMA}"));
                    }
                    state.serving = Some(Arc::new(g));
                }
                Ok(g) => {
                    drop(g);
                    remove(&path);
                }
                Err(e) => {
                    tracing::warn!(error = format!("{e:#}"), "an index cannot be opened and is built anew");
                    state.trouble = Some(format!("an index could not be opened: {e:#}"));
                    remove(&path);
                }
            }
        }
        // An older one that is gone on with although a newer one is whole: it was given up.
        if let (Some(s), Some(b)) = (&state.serving, &state.building)
            && b.number < s.number
        {
            let path = b.dir.clone();
            state.building = None;
            remove(&path);
        }
        let followed = state.serving.as_ref().map_or(0, |g| g.mark().seq);
        Ok(Index {
            options,
            state: RwLock::new(state),
            wake: Notify::new(),
            asked: AtomicBool::new(false),
            followed: watch::Sender::new(followed),
            progress: Default::default(),
        })
    }

    /// There is something to follow.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Until there is something to follow.
    pub async fn woken(&self) {
        self.wake.notified().await
    }

    /// Asks for a rebuild.
    pub fn ask_rebuild(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// Was one asked for since?
    pub fn take_asked(&self) -> bool {
        self.asked.swap(false, Ordering::Relaxed)
    }

    /// Events up to this one can be found in `index`, if it is the one that serves.
    pub fn committed(&self, index: &Arc<Generation>, seq: i64) {
        if self.whole().is_some_and(|whole| Arc::ptr_eq(&whole, index)) {
            self.followed.send_if_modified(|known| seq > std::mem::replace(known, seq.max(*known)));
        }
    }

    /// Until events up to this one can be found in a whole index.
    pub async fn until(&self, seq: i64) {
        let mut followed = self.followed.subscribe();
        // The sender lives as long as this.
        let _ = followed.wait_for(|known| *known >= seq && self.whole().is_some()).await;
    }

    /// How far a rebuild is.
    pub fn set_progress(&self, read: u64, of: u64) {
        self.progress.0.store(read, Ordering::Relaxed);
        self.progress.1.store(of, Ordering::Relaxed);
    }

    /// It has read more.
    pub fn add_progress(&self, rows: u64) {
        self.progress.0.fetch_add(rows, Ordering::Relaxed);
    }

    /// How far a rebuild is, in percent.
    pub fn percent(&self) -> f32 {
        let (read, of) = (self.progress.0.load(Ordering::Relaxed), self.progress.1.load(Ordering::Relaxed));
        (read as f32 * 100.0 / of.max(1) as f32).min(100.0)
    }

    /// What answers questions: the whole generation, or the one that is being built where there is no other.
    pub fn serving(&self) -> Option<Arc<Generation>> {
        let state = self.state.read();
        state.serving.clone().or_else(|| state.building.clone())
    }

    /// The whole generation, if there is one.
    pub fn whole(&self) -> Option<Arc<Generation>> {
        self.state.read().serving.clone()
    }

    /// The generation that is being built.
    pub fn building(&self) -> Option<Arc<Generation>> {
        self.state.read().building.clone()
    }

    /// What went wrong last, or why it is built anew.
    pub fn trouble(&self) -> Option<String> {
        self.state.read().trouble.clone()
    }

    /// Notes what went wrong.
    pub fn set_trouble(&self, what: Option<String>) {
        self.state.write().trouble = what;
    }

    /// Begins a new generation, giving up one that was being built. `mark` is where its rows are read from.
    pub fn rebuild(&self, mark: Mark) -> Result<Arc<Generation>> {
        let mut state = self.state.write();
        let newest = state.serving.iter().chain(&state.building).map(|g| g.number).max().unwrap_or(0);
        if let Some(old) = state.building.take() {
            old.retire();
            remove(&old.dir);
        }
        let path = self.options.dir.join(format!("{SCHEMA}-{}", newest + 1));
        remove(&path);
        let made = Generation::create(&path, newest + 1, self.options.arena_bytes, mark).map_err(Error::Internal)?;
        let made = Arc::new(made);
        state.building = Some(made.clone());
        Ok(made)
    }

    /// The generation that was built serves from now on; the one before it goes.
    pub fn switch(&self) {
        let mut state = self.state.write();
        let Some(built) = state.building.take() else { return };
        if let Some(old) = state.serving.replace(built) {
            old.retire();
            remove(&old.dir);
        }
        state.trouble = None;
        let seq = state.serving.as_ref().map_or(0, |g| g.heard().seq);
        drop(state);
        self.followed.send_modify(|known| *known = seq);
    }

    /// Gives up a rebuild, where another index serves.
    pub fn give_up(&self) {
        let mut state = self.state.write();
        if state.serving.is_some()
            && let Some(given_up) = state.building.take()
        {
            given_up.retire();
            remove(&given_up.dir);
        }
    }

    /// Takes a damaged generation out of service, if it is in service still.
    pub fn discard(&self, damaged: &Arc<Generation>, why: String) {
        let mut state = self.state.write();
        let State { serving, building, trouble } = &mut *state;
        let Some(slot) = [serving, building].into_iter().find(|s| s.as_ref().is_some_and(|g| Arc::ptr_eq(g, damaged)))
        else {
            // Its number and its place may be another one's by now.
            return;
        };
        *slot = None;
        damaged.retire();
        remove(&damaged.dir);
        *trouble = Some(why);
    }

    /// Ends the writers; what is not committed is read again at the next start.
    pub fn close(&self) {
        let state = self.state.read();
        state.serving.iter().chain(&state.building).for_each(|g| g.retire());
    }
}

/// The tokens of a text, by field; keystrokes as the jamo that they type.
pub fn tokens(text: &str) -> Vec<(&'static str, Vec<String>)> {
    use document::{Kind, Set};
    let text = text::norm(text);
    let of = |kind: Kind| {
        let shown = |t: &str| if kind == Kind::Jg5 { text::shown_keys(t) } else { t.to_owned() };
        (kind.as_str(), kind.tokens(&text, Set::Name).iter().map(|(t, _)| shown(t)).collect())
    };
    Kind::ALL.map(of).to_vec()
}

fn remove(path: &Path) {
    if path.exists()
        && let Err(e) = std::fs::remove_dir_all(path)
    {
        tracing::warn!(error = %e, path = %path.display(), "an old index cannot be removed");
    }
}

#[cfg(test)]
mod tests;
