//! iCalendar (RFC 5545): lines as other programs read them.

use crate::base::clock::Time;
use crate::base::day::Day;

/// Longest line in bytes, without its end.
const LINE: usize = 75;

/// A calendar under way.
pub(super) struct Calendar(String);

/// What stands in a calendar.
pub(super) struct Event<'a> {
    /// The same for the same thing for ever.
    pub(super) uid: String,
    /// Grows with each change.
    pub(super) sequence: i64,
    pub(super) changed: Time,
    pub(super) when: When,
    pub(super) summary: &'a str,
    pub(super) description: &'a str,
    pub(super) place: &'a str,
    pub(super) status: &'static str,
    /// Is the time free for others?
    pub(super) transparent: bool,
    pub(super) category: &'a str,
}

/// When it is.
pub(super) enum When {
    /// Whole days, the last one included.
    Days(Day, Day),
    Hours(Time, Time),
}

impl Calendar {
    pub(super) fn new(name: &str) -> Calendar {
        let mut calendar = Calendar(String::with_capacity(16 << 10));
        for line in [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//VideoPlanet//VideoPlanet//KO",
            "CALSCALE:GREGORIAN",
            "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
            "X-PUBLISHED-TTL:PT1H",
        ] {
            calendar.line(line);
        }
        calendar.text("X-WR-CALNAME", name);
        calendar
    }

    pub(super) fn event(&mut self, event: &Event) {
        self.line("BEGIN:VEVENT");
        self.line(&format!("UID:{}", event.uid));
        // Without a METHOD this is when it was last changed (RFC 5545, 3.8.7.2), so equal calendars have equal bytes.
        self.line(&format!("DTSTAMP:{}", stamp(event.changed)));
        self.line(&format!("LAST-MODIFIED:{}", stamp(event.changed)));
        self.line(&format!("SEQUENCE:{}", event.sequence));
        match &event.when {
            When::Days(first, last) => {
                self.line(&format!("DTSTART;VALUE=DATE:{}", first.compact()));
                // The end is the first day that is not part of it.
                self.line(&format!("DTEND;VALUE=DATE:{}", last.plus(1).unwrap_or(Day::MAX).compact()));
            }
            When::Hours(start, end) => {
                self.line(&format!("DTSTART:{}", stamp(*start)));
                if end > start {
                    self.line(&format!("DTEND:{}", stamp(*end)));
                }
            }
        }
        for (name, value) in [
            ("SUMMARY", event.summary),
            ("DESCRIPTION", event.description),
            ("LOCATION", event.place),
            ("CATEGORIES", event.category),
        ] {
            if !value.is_empty() {
                self.text(name, value);
            }
        }
        self.line(&format!("STATUS:{}", event.status));
        self.line(if event.transparent { "TRANSP:TRANSPARENT" } else { "TRANSP:OPAQUE" });
        self.line("END:VEVENT");
    }

    pub(super) fn end(mut self) -> String {
        self.line("END:VCALENDAR");
        self.0
    }

    fn text(&mut self, name: &str, value: &str) {
        self.line(&format!("{name}:{}", escaped(value)));
    }

    /// Folded where it is too long, never within a character.
    fn line(&mut self, line: &str) {
        let mut room = LINE;
        for c in line.chars() {
            if c.len_utf8() > room {
                self.0.push_str("\r\n ");
                room = LINE - 1;
            }
            self.0.push(c);
            room -= c.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// `20261128T010203Z`
fn stamp(time: Time) -> String {
    let text = time.to_string();
    let digits: String = text.chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
    digits + "Z"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_between_characters_and_signs_escaped() {
        let summary = "우천 시, 실내; 스튜디오\\로 변경합니다.\r\n".repeat(9);
        let mut calendar = Calendar::new("일정");
        calendar.event(&Event {
            uid: "phase-1-filming@videoplanet".into(),
            sequence: 3,
            changed: Time(1_795_482_123_456),
            when: When::Days("2026-11-28".parse().unwrap(), "2026-11-29".parse().unwrap()),
            summary: &summary,
            description: "",
            place: "",
            status: "CONFIRMED",
            transparent: false,
            category: "filming",
        });
        let text = calendar.end();
        assert!(text.split("\r\n").all(|l| l.len() <= LINE) && !text.replace("\r\n", "").contains(['\r', '\n']));
        let unfolded = text.replace("\r\n ", "");
        let escaped = "우천 시\\, 실내\\; 스튜디오\\\\로 변경합니다.\\n".repeat(9);
        assert!(unfolded.contains(&format!("SUMMARY:{escaped}\r\n")), "{unfolded}");
        assert!(unfolded.contains("DTSTART;VALUE=DATE:20261128\r\nDTEND;VALUE=DATE:20261130\r\n"));
        assert!(unfolded.contains("DTSTAMP:20261124T010203Z\r\n") && !unfolded.contains("DESCRIPTION"));
    }
}
