//! Requests that took too long: the last of them, with what is needed to find out why.
//!
//! Law: no query string, no body, no header. A route is its path template, a person is his id, and the request's own id
//! leads to its lines in the log.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::base::clock::Time;
use crate::base::ids::UserId;
use parking_lot::Mutex;

/// Slow requests that are kept.
pub const KEPT_SLOW: usize = 500;
/// Where an answer can come from, as `X-Cache` tells it.
const CACHE: [&str; 5] = ["l1", "l2", "l3", "miss", "bypass"];

/// One slow request.
#[derive(Clone, Debug, PartialEq)]
pub struct Slow {
    /// When it was answered.
    pub at: Time,
    /// Its method.
    pub method: &'static str,
    /// Its path template.
    pub route: Arc<str>,
    /// Status of the answer.
    pub status: u16,
    /// From its head to its answer's head, in microseconds.
    pub took_us: u64,
    /// Statements that it ran.
    pub statements: u32,
    /// How long they took, in microseconds.
    pub statements_us: u64,
    /// Who asked.
    pub user: Option<UserId>,
    /// Its id: `X-Request-Id`.
    pub request: String,
    /// Where the answer came from: `l1`, `l2`, `l3`, `miss` or `bypass`.
    pub cache: &'static str,
}

/// The last [`KEPT_SLOW`], newest last.
#[derive(Default)]
pub(super) struct Ring(Mutex<VecDeque<Slow>>);

impl Ring {
    pub(super) fn keep(&self, slow: Slow) {
        super::push(&mut self.0.lock(), slow, KEPT_SLOW);
    }

    /// Newest first.
    pub(super) fn list(&self) -> Vec<Slow> {
        self.0.lock().iter().rev().cloned().collect()
    }
}

/// The name of a cache outcome that is ours to keep.
pub(super) fn outcome(said: &str) -> &'static str {
    CACHE.into_iter().find(|known| *known == said).unwrap_or("bypass")
}
