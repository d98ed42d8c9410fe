//! What a session asked last, with everything that vouches for the answer: the first tier, which answers without asking
//! a route.
//!
//! Law: an entry stands only while all that it was judged by stands: the session and its rights, the revisions of what it
//! shows, people's names, the groups' epochs, the time until which it holds.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::ahead::Recipe;
use super::revisions::{Rev, Revisions, Ticket};
use super::{Body, Key};
use crate::base::clock::Time;
use crate::base::ids::{FeedbackId, ProjectId, UserId};

/// A revision that an answer was read at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Anything in a project.
    Project(ProjectId, Rev),
    /// A project's frame.
    Frame(ProjectId, Rev),
    /// Anything in a feedback.
    Feedback(FeedbackId, Rev),
}

impl std::fmt::Display for On {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            On::Project(id, rev) => write!(f, "p{id}@{rev}"),
            On::Frame(id, rev) => write!(f, "f{id}@{rev}"),
            On::Feedback(id, rev) => write!(f, "b{id}@{rev}"),
        }
    }
}

/// An answer and what vouches for it.
#[derive(Debug)]
pub struct Vouched<S> {
    /// The answer.
    pub body: Arc<Body>,
    /// Whose it is.
    pub user: UserId,
    /// When his session and rights were looked up.
    pub ticket: Ticket,
    /// Which project it is about, if it is about one.
    pub project: Option<ProjectId>,
    /// At which revisions it was read.
    pub on: Vec<On>,
    /// People's names as they were.
    pub people: Rev,
    /// Purges until then.
    pub purges: u64,
    /// Until when it holds.
    pub until: Time,
    /// Reads it ahead when a change outdates it.
    pub recipe: Option<Arc<Recipe<S>>>,
}

impl<S> Vouched<S> {
    pub(super) fn stands(&self, revisions: &Revisions, purges: u64, now: Time) -> bool {
        let stands = |on: &On| match *on {
            On::Project(id, rev) => revisions.project(id).all == rev,
            On::Frame(id, rev) => revisions.project(id).frame == rev,
            On::Feedback(id, rev) => revisions.feedback(id) == rev,
        };
        self.purges == purges
            && now < self.until
            && self.people == revisions.people()
            && revisions.holds(self.ticket, self.user)
            && self.on.iter().all(stands)
    }
}

/// The entries of the first tier.
pub(super) struct Front<S: Send + Sync + 'static>(foyer::Cache<Key, Arc<Vouched<S>>>);

impl<S: Send + Sync + 'static> Front<S> {
    pub(super) fn new(bytes: usize) -> Front<S> {
        let weight = |_: &Key, v: &Arc<Vouched<S>>| v.body.weight() + 200 + v.on.len() * 32;
        Front(foyer::CacheBuilder::new(bytes).with_name("front").with_weighter(weight).build())
    }

    pub(super) fn get(&self, key: &Key, revisions: &Revisions, purges: u64, now: Time) -> Option<Arc<Vouched<S>>> {
        let found = self.0.get(key)?.value().clone();
        if !found.stands(revisions, purges, now) {
            self.0.remove(key);
            return None;
        }
        if let Some(recipe) = &found.recipe {
            recipe.wanted.store(true, Ordering::Relaxed);
        }
        Some(found)
    }

    pub(super) fn put(&self, key: Key, vouched: Arc<Vouched<S>>) {
        self.0.insert(key, vouched);
    }

    pub(super) fn clear(&self) {
        self.0.clear();
    }
}
