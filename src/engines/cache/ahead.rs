//! Reading ahead: what is asked for again and again is read again as soon as a change outdates it, before the next one
//! asks. The writer's own commit says what to read; nobody waits for it.
//!
//! Laws: an answer is read ahead only if somebody has asked for it since it was last read, so that reading ahead costs no
//! more reads than there would have been misses. It is read as the last one who asked, and forgotten when that one's
//! session or rights end. Everything here is bounded and may be lost.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::base::ids::{FeedbackId, ProjectId};

/// Where something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Anywhere in a project.
    Project(ProjectId),
    /// In one feedback.
    Feedback(FeedbackId),
}

/// An answer that may be read ahead.
#[derive(Debug)]
pub struct Recipe<S> {
    /// Path and query.
    pub uri: String,
    /// Whose answer it is, or one of those who share it.
    pub who: S,
    /// Who shares it: the same path has several answers.
    reader: String,
    pub(super) wanted: AtomicBool,
}

/// Answers of one scope; the least wanted make room.
const PER_SCOPE: usize = 32;
/// Scopes that are known at once.
const SCOPES: usize = 20_000;

/// What may be read ahead, by where it is outdated.
pub struct Ahead<S> {
    recipes: Mutex<HashMap<Scope, Vec<Arc<Recipe<S>>>>>,
    outdated: Mutex<HashSet<Scope>>,
    changed: Notify,
}

impl<S> Default for Ahead<S> {
    fn default() -> Ahead<S> {
        Ahead { recipes: Mutex::default(), outdated: Mutex::default(), changed: Notify::new() }
    }
}

impl<S: Clone> Ahead<S> {
    /// Somebody asked for this; it is outdated by whatever happens in any of `scopes`.
    pub fn note(
        &self,
        scopes: impl Iterator<Item = Scope>,
        uri: &str,
        reader: &str,
        who: &S,
    ) -> Option<Arc<Recipe<S>>> {
        let mut recipes = self.recipes.lock();
        let mut made: Option<Arc<Recipe<S>>> = None;
        for scope in scopes {
            if recipes.len() >= SCOPES && !recipes.contains_key(&scope) {
                recipes.clear();
            }
            let of_scope = recipes.entry(scope).or_default();
            if let Some(known) = of_scope.iter().find(|r| r.uri == uri && r.reader == reader) {
                known.wanted.store(true, Ordering::Relaxed);
                made.get_or_insert_with(|| known.clone());
                continue;
            }
            let recipe = made.get_or_insert_with(|| {
                let (uri, reader) = (uri.to_owned(), reader.to_owned());
                Arc::new(Recipe { uri, who: who.clone(), reader, wanted: AtomicBool::new(true) })
            });
            if of_scope.len() >= PER_SCOPE {
                let idle = of_scope.iter().position(|r| !r.wanted.load(Ordering::Relaxed)).unwrap_or(0);
                of_scope.swap_remove(idle);
            }
            of_scope.push(recipe.clone());
        }
        made
    }

    /// Something happened there.
    pub fn outdated(&self, scope: Scope) {
        if self.recipes.lock().contains_key(&scope) && self.outdated.lock().insert(scope) {
            self.changed.notify_one();
        }
    }

    /// Forgets an answer that cannot be read any more.
    pub fn forget(&self, recipe: &Arc<Recipe<S>>) {
        let mut recipes = self.recipes.lock();
        recipes.values_mut().for_each(|of_scope| of_scope.retain(|r| !Arc::ptr_eq(r, recipe)));
        recipes.retain(|_, of_scope| !of_scope.is_empty());
    }

    /// Waits until something is outdated; answers what was wanted of it.
    pub async fn next(&self) -> Vec<Arc<Recipe<S>>> {
        loop {
            let wanted = self.take();
            if !wanted.is_empty() {
                return wanted;
            }
            self.changed.notified().await;
        }
    }

    fn take(&self) -> Vec<Arc<Recipe<S>>> {
        let scopes = std::mem::take(&mut *self.outdated.lock());
        let recipes = self.recipes.lock();
        let all = scopes.iter().filter_map(|s| recipes.get(s)).flatten();
        all.filter(|r| r.wanted.swap(false, Ordering::Relaxed)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: Scope = Scope::Project(ProjectId(1));
    const Q: Scope = Scope::Project(ProjectId(2));

    fn uris(recipes: Vec<Arc<Recipe<u8>>>) -> Vec<String> {
        let mut uris: Vec<String> = recipes.iter().map(|r| format!("{} {}", r.uri, r.reader)).collect();
        uris.sort();
        uris
    }

    #[tokio::test]
    async fn what_was_asked_for_since_is_read_once_whatever_outdates_it() {
        let ahead = Ahead::default();
        ahead.note([P, Q].into_iter(), "/dashboard", "u1", &1);
        ahead.note([P].into_iter(), "/projects/1", "editor", &1);
        ahead.note([P].into_iter(), "/projects/1", "viewer", &2);
        ahead.outdated(P);
        ahead.outdated(Q);
        assert_eq!(uris(ahead.next().await), ["/dashboard u1", "/projects/1 editor", "/projects/1 viewer"]);
        // Nobody has asked since.
        ahead.outdated(P);
        ahead.note([P, Q].into_iter(), "/dashboard", "u1", &1);
        ahead.outdated(Q);
        assert_eq!(uris(ahead.next().await), ["/dashboard u1"]);
    }

    #[test]
    fn it_is_bounded() {
        let ahead = Ahead::default();
        for i in 0..100_000 {
            ahead.note([P, Scope::Project(ProjectId(i))].into_iter(), &format!("/{i}"), "", &1u8);
        }
        let recipes = ahead.recipes.lock();
        assert!(recipes.len() <= SCOPES && recipes[&P].len() <= PER_SCOPE);
    }
}
