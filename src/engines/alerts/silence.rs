//! When nothing is told: the hours of the night, and while somebody works on the machine.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};

use super::Severity;
use crate::base::clock::Time;

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// The end of "until morning" where no quiet hours are set: nine o'clock.
const MORNING: u16 = 9 * 60;

/// Hours of each day in which nothing is told, as minutes after midnight where the studio is. The end lies on the next
/// day if it is not after the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// First minute.
    pub from: u16,
    /// First minute after it.
    pub to: u16,
}

impl Quiet {
    /// Does a minute of the day lie in it?
    fn has(&self, minute: u16) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

/// When nothing is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Silence {
    /// Each day.
    pub quiet: Option<Quiet>,
    /// Do critical alerts break through the quiet hours? Through a mute nothing breaks.
    pub critical_through: bool,
    /// Nothing of any rule until then.
    pub muted: Option<Time>,
}

impl Silence {
    /// May nothing be told now of a rule of this severity, which is muted until `muted`?
    pub fn holds(&self, severity: Severity, muted: Option<Time>, at: Time, zone: &TimeZone) -> bool {
        let is_muted = [self.muted, muted].into_iter().flatten().any(|until| at < until);
        let through = self.critical_through && severity == Severity::Critical;
        is_muted || (!through && self.quiet.is_some_and(|quiet| quiet.has(minute(at, zone))))
    }

    /// When the coming morning begins: the end of the quiet hours, else nine o'clock.
    pub fn morning(&self, at: Time, zone: &TimeZone) -> Time {
        let end = self.quiet.map_or(MORNING, |quiet| quiet.to);
        let here = local(at, zone);
        let of = |day: &Zoned| {
            let begin = day.start_of_day().ok()?;
            // As the clock on the wall shows it, also on the day on which it is set.
            let time = jiff::civil::time((end / 60) as i8, (end % 60) as i8, 0, 0);
            begin.date().to_datetime(time).to_zoned(zone.clone()).ok()
        };
        let tomorrow = || here.checked_add(1.day()).ok();
        let next = of(&here).filter(|t| *t > here).or_else(|| of(&tomorrow()?));
        next.map_or(at, |t| Time(t.timestamp().as_millisecond()))
    }
}

fn local(at: Time, zone: &TimeZone) -> Zoned {
    Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone())
}

fn minute(at: Time, zone: &TimeZone) -> u16 {
    let here = local(at, zone);
    here.hour() as u16 * 60 + here.minute() as u16
}

/// The minutes of `HH:MM`; `None` if it is none.
pub fn minutes(text: &str) -> Option<u16> {
    let (h, m) = text.trim().split_once(':')?;
    let part =
        |text: &str| text.parse::<u16>().ok().filter(|_| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()));
    let (h, m) = (part(h)?, part(m)?);
    (h < 24 && m < 60).then_some(h * 60 + m)
}

/// Minutes of a day as `HH:MM`.
pub fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes % DAY / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{HOUR, MINUTE};

    fn seoul() -> TimeZone {
        TimeZone::get("Asia/Seoul").unwrap()
    }

    fn at(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    #[test]
    fn the_night_goes_over_midnight() {
        let night = Silence { quiet: Some(Quiet { from: 22 * 60, to: 7 * 60 }), ..Silence::default() };
        let is = |text: &str| night.holds(Severity::Warning, None, at(text), &seoul());
        assert!(!is("2026-11-24T21:59:59+09:00") && is("2026-11-24T22:00:00+09:00"));
        assert!(is("2026-11-25T00:00:00+09:00") && is("2026-11-25T06:59:59+09:00"));
        assert!(!is("2026-11-25T07:00:00+09:00") && !is("2026-11-25T12:00:00+09:00"));
        let noon = Silence { quiet: Some(Quiet { from: 12 * 60, to: 13 * 60 }), ..Silence::default() };
        let is = |text: &str| noon.holds(Severity::Critical, None, at(text), &seoul());
        assert!(is("2026-11-24T12:30:00+09:00") && !is("2026-11-24T13:00:00+09:00"));
    }

    #[test]
    fn what_is_critical_breaks_through_the_night_and_not_through_a_mute() {
        let night = Silence { quiet: Some(Quiet { from: 0, to: 0 }), critical_through: true, muted: None };
        let now = at("2026-11-24T12:00:00+09:00");
        assert!(night.holds(Severity::Warning, None, now, &seoul()), "from midnight to midnight is the whole day");
        assert!(!night.holds(Severity::Critical, None, now, &seoul()));
        assert!(night.holds(Severity::Critical, Some(now.plus(1)), now, &seoul()));
        assert!(!night.holds(Severity::Critical, Some(now), now, &seoul()));
        let muted = Silence { muted: Some(now.plus(HOUR)), ..Silence::default() };
        assert!(muted.holds(Severity::Critical, None, now, &seoul()));
        assert!(!muted.holds(Severity::Info, None, now.plus(HOUR), &seoul()));
    }

    #[test]
    fn morning_is_the_next_one_also_when_the_clock_is_set() {
        let of = |quiet, text: &str, zone: &TimeZone| Silence { quiet, ..Silence::default() }.morning(at(text), zone);
        assert_eq!(of(None, "2026-11-24T22:00:00+09:00", &seoul()), at("2026-11-25T09:00:00+09:00"));
        assert_eq!(of(None, "2026-11-24T03:00:00+09:00", &seoul()), at("2026-11-24T09:00:00+09:00"));
        let quiet = Some(Quiet { from: 22 * 60, to: 7 * 60 });
        assert_eq!(of(quiet, "2026-11-24T07:00:00+09:00", &seoul()), at("2026-11-25T07:00:00+09:00"));
        // The night of the summer's end is an hour longer.
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let begin = at("2026-10-24T22:00:00+02:00");
        assert_eq!(of(quiet, "2026-10-24T22:00:00+02:00", &berlin).0 - begin.0, 10 * HOUR);
    }

    #[test]
    fn a_time_of_day_is_two_and_two_digits() {
        assert_eq!((minutes("07:05"), minutes(" 23:59 "), minutes("00:00")), (Some(425), Some(1439), Some(0)));
        for bad in ["24:00", "7:05", "07:60", "07", "", "+7:05", "07:5", "seven"] {
            assert_eq!(minutes(bad), None, "{bad}");
        }
        assert_eq!(clock(425), "07:05");
        assert_eq!(i64::from(DAY) * MINUTE, crate::base::clock::DAY);
    }
}
