//! What goes over sockets: messages in and out, how long a room waits to hear, how connections end.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::{Histogram, Times, WINDOW_SECONDS, push};
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

/// The last minute in a few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Present {
    /// Messages of clients, a second.
    pub heard: f64,
    /// Messages to sockets, a second.
    pub told: f64,
    /// Half of what rooms were told took no longer to a socket, in microseconds; 0 if there was nothing.
    pub fan_out_p50_us: u64,
    /// 99 % of it.
    pub fan_out_p99_us: u64,
}

/// Seconds of the last minute: messages in and out, times.
#[derive(Default)]
struct Recent {
    last: (u64, u64, Times),
    seconds: VecDeque<(u64, u64, Times)>,
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
    recent: Mutex<Recent>,
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

    /// Ends a second.
    pub(super) fn tick(&self) {
        let heard = self.heard.lock().values().sum();
        let (told, times) = (self.messages.load(Ordering::Relaxed), self.fan_out.read());
        let mut recent = self.recent.lock();
        let (heard_before, told_before, times_before) = &recent.last;
        let second = (heard - heard_before, told - told_before, times.since(times_before));
        push(&mut recent.seconds, second, WINDOW_SECONDS);
        recent.last = (heard, told, times);
    }

    /// The last minute; before its first second has passed, nothing.
    pub fn present(&self) -> Present {
        let recent = self.recent.lock();
        let (mut heard, mut told, mut times) = (0, 0, Times::default());
        for (h, t, of) in &recent.seconds {
            (heard, told) = (heard + h, told + t);
            times.add(of);
        }
        let seconds = recent.seconds.len().max(1) as f64;
        Present {
            heard: heard as f64 / seconds,
            told: told as f64 / seconds,
            fan_out_p50_us: times.quantile_us(0.50),
            fan_out_p99_us: times.quantile_us(0.99),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_minute_is_told_and_no_more() {
        let live = Live::default();
        live.heard("ping", Outcome::Taken);
        live.heard("other", Outcome::Refused);
        live.sent(10, 500);
        live.reached(Duration::from_millis(40));
        assert_eq!(live.present(), Present::default());
        live.tick();
        live.tick();
        let present = live.present();
        assert_eq!((present.heard, present.told), (1.0, 5.0));
        assert!((36_000..=44_000).contains(&present.fan_out_p99_us), "{present:?}");
        (0..WINDOW_SECONDS).for_each(|_| live.tick());
        assert_eq!(live.present(), Present::default());
        assert_eq!((live.read().messages, live.read().heard.len()), (10, 2));
    }
}
