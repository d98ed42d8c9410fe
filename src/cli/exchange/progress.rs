//! A bar for a person who waits: on a terminal only, redrawn ten times a second.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const REDRAWN: Duration = Duration::from_millis(100);
const WIDTH: u64 = 24;

pub(super) struct Progress {
    shown: bool,
    total: u64,
    begun: Instant,
    drawn: Instant,
}

impl Progress {
    /// For `total` bytes.
    pub(super) fn new(total: u64) -> Progress {
        let now = Instant::now();
        Progress { shown: std::io::stderr().is_terminal(), total: total.max(1), begun: now, drawn: now }
    }

    /// Shows how far it is, if it is time to.
    pub(super) fn at(&mut self, what: &str, bytes: u64, rows: u64) {
        if self.shown && self.drawn.elapsed() >= REDRAWN {
            self.drawn = Instant::now();
            self.say(&bar(what, bytes, self.total, rows, self.begun.elapsed()));
        }
    }

    /// Shows a word in place of the bar.
    pub(super) fn say(&self, text: &str) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K{text}");
        }
    }
}

/// Takes away what the last bar left on the line.
pub(super) fn clear() {
    Progress::new(0).say("");
}

fn bar(what: &str, bytes: u64, total: u64, rows: u64, passed: Duration) -> String {
    let done = bytes.min(total);
    let full = (done * WIDTH / total) as usize;
    let marks = format!("{}{}", "█".repeat(full), "░".repeat(WIDTH as usize - full));
    format!("{what:<16} {marks} {:>3} % {} rows, {}", done * 100 / total, grouped(rows), rate(rows, passed))
}

/// 1234567 as 1,234,567.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(d);
    }
    out
}

/// So many rows, in words.
pub(super) fn rows(n: u64) -> String {
    if n == 1 { "1 row".to_owned() } else { format!("{} rows", grouped(n)) }
}

/// Rows a second, in words.
pub(super) fn rate(rows: u64, passed: Duration) -> String {
    format!("{} rows/s", grouped((rows as f64 / passed.as_secs_f64().max(0.001)) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_tells_how_far_it_is() {
        let half = bar("comments.jsonl", 50, 100, 1_234_567, Duration::from_secs(10));
        let marks = format!("{}{}", "█".repeat(12), "░".repeat(12));
        assert_eq!(half, format!("comments.jsonl   {marks}  50 % 1,234,567 rows, 123,456 rows/s"));
        assert_eq!((grouped(0), grouped(999), grouped(1_000)), ("0".into(), "999".into(), "1,000".into()));
    }
}
