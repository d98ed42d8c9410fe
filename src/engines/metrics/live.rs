//! What goes over sockets: messages in and out, how long a room waits to hear, how connections end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::{Histogram, Times};
use crate::closed_set;

closed_set! {
    /// What became of a client's message.
    Outcome {
        /// It was done.
        Taken = "taken",
        /// It had no meaning, or no right.
        Refused = "refused",
        /// It came too often.
        Limited = "limited",
    }
}

/// The counters of all sockets.
#[derive(Default)]
pub struct Live {
    heard: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    closes: Mutex<BTreeMap<u16, u64>>,
    messages: AtomicU64,
    frames: AtomicU64,
    bytes: AtomicU64,
    fan_out: Histogram,
}

/// What was counted since the start.
#[derive(Clone, Default)]
pub struct Counted {
    /// Messages of clients: type, outcome, how many.
    pub heard: Vec<(&'static str, &'static str, u64)>,
    /// Ends of connections by close code; 1006 stands for those that broke without one.
    pub closes: Vec<(u16, u64)>,
    /// Messages that were sent.
    pub messages: u64,
    /// Frames that were sent: a batch is one.
    pub frames: u64,
    /// Bytes of these frames, without their heads.
    pub bytes: u64,
    /// Times from telling a room until a connection had taken the message.
    pub fan_out: Times,
}

impl Live {
    /// A client said something; `kind` is one of a closed set.
    pub fn heard(&self, kind: &'static str, outcome: Outcome) {
        *self.heard.lock().entry((kind, outcome.as_str())).or_default() += 1;
    }

    /// A frame of so many messages and bytes went out.
    pub fn sent(&self, messages: usize, bytes: usize) {
        self.messages.fetch_add(messages as u64, Ordering::Relaxed);
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A room's message took so long to one of its sockets.
    pub fn reached(&self, took: Duration) {
        self.fan_out.record(took);
    }

    /// A connection ended.
    pub fn closed(&self, code: u16) {
        *self.closes.lock().entry(code).or_default() += 1;
    }

    /// What was counted.
    pub fn read(&self) -> Counted {
        let count = |c: &AtomicU64| c.load(Ordering::Relaxed);
        Counted {
            heard: self.heard.lock().iter().map(|((kind, outcome), n)| (*kind, *outcome, *n)).collect(),
            closes: self.closes.lock().iter().map(|(code, n)| (*code, *n)).collect(),
            messages: count(&self.messages),
            frames: count(&self.frames),
            bytes: count(&self.bytes),
            fan_out: self.fan_out.read(),
        }
    }
}
