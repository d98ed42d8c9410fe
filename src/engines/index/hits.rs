//! What the judge is asked, what he answers, and what is found.

use serde::{Deserialize, Serialize};
use tantivy::DocId;

use super::document::Key;
use super::segment::Segment;

/// A document before the judge.
pub struct Doc<'a> {
    pub(super) segment: &'a Segment,
    pub(super) doc: DocId,
    pub(super) facts: u32,
    pub(super) scope: i64,
}

impl Doc<'_> {
    /// Its kind.
    pub fn kind(&self) -> u8 {
        (self.facts >> 16) as u8
    }

    /// Its status.
    pub fn status(&self) -> u8 {
        (self.facts >> 8) as u8
    }

    /// Its bits.
    pub fn flags(&self) -> u8 {
        self.facts as u8
    }

    /// Where it belongs; 0 if to many places.
    pub fn scope(&self) -> i64 {
        self.scope
    }

    /// Does it belong to a place for which `is` holds?
    pub fn in_any(&self, is: impl FnMut(i64) -> bool) -> bool {
        let scopes = self.segment.scopes.as_ref();
        scopes.is_some_and(|c| c.values_for_doc(self.doc).map(|s| s as i64).any(is))
    }

    /// Whose it is.
    pub fn owner(&self) -> i64 {
        self.segment.owner.get_val(self.doc) as i64
    }

    /// Its time.
    pub fn at(&self) -> i64 {
        self.segment.at.get_val(self.doc)
    }

    /// Its id.
    pub fn id(&self) -> i64 {
        Key::unpacked(self.segment.key.get_val(self.doc)).id
    }
}

/// What the judge says of a document that the reader may see: through which filters it passes.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// Through the one by kind.
    pub kind: bool,
    /// Through the one by scope.
    pub scope: bool,
    /// Through the one by status.
    pub status: bool,
    /// Does its place belong to the reader?
    pub own: bool,
}

/// Where a hit stands: by this the next page is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place(pub(super) u32, pub(super) i64, pub(super) bool, pub(super) u64);

/// A hit.
#[derive(Clone, Copy, Debug)]
pub struct Hit {
    /// Which document.
    pub key: Key,
    /// Where it stands.
    pub place: Place,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Hits in all.
    pub total: u64,
    /// Those of this page, best first.
    pub hits: Vec<Hit>,
    /// Are there more?
    pub more: bool,
    /// The best three of each kind, the best kind first.
    pub best: Vec<(u8, Vec<Hit>)>,
    /// Counts by kind, whatever kind is asked for.
    pub kinds: Vec<(u8, u64)>,
    /// Counts by scope, whatever scope is asked for; most first.
    pub scopes: Vec<(i64, u64)>,
    /// Counts by status, whatever status is asked for.
    pub statuses: Vec<(u8, u64)>,
}
