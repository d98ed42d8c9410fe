//! Small values in process memory, each belonging to a person and withdrawn with his rights: sessions, and where rows stand.

use std::sync::Arc;

use super::revisions::{Revisions, Ticket};
use super::{Counters, Key};
use crate::base::ids::UserId;

/// Values of one kind, the least recently used of which make room for new ones.
pub struct Held<V: Send + Sync + 'static> {
    values: foyer::Cache<Key, (Ticket, Option<UserId>, V)>,
    revisions: Arc<Revisions>,
    counters: Arc<Counters>,
}

impl<V: Clone + Send + Sync + 'static> Held<V> {
    pub(super) fn new(capacity: usize, revisions: Arc<Revisions>, counters: Arc<Counters>) -> Held<V> {
        let values = foyer::CacheBuilder::new(capacity.max(16)).with_name("held").build();
        Held { values, revisions, counters }
    }

    /// The value, if it is there and was not withdrawn.
    pub fn get(&self, key: &Key) -> Option<V> {
        let found = self.values.get(key).and_then(|entry| {
            let (ticket, owner, value) = entry.value();
            owner.is_none_or(|user| self.revisions.holds(*ticket, user)).then(|| value.clone())
        });
        self.counters.looked(found.is_some());
        found
    }

    /// Keeps what was read after `ticket`; for `owner`, until it is withdrawn; without one, until it makes room.
    pub fn put(&self, key: Key, ticket: Ticket, owner: Option<UserId>, value: V) {
        self.values.insert(key, (ticket, owner, value));
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        self.values.clear();
    }
}
