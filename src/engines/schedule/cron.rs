//! Cron expressions: five fields (minute, hour, day of month, month, day of week) in a time zone.
//!
//! The semantics are those of crontab(5) and of POSIX `crontab`: `*`, lists, ranges and steps; names of months and days;
//! 0 and 7 are Sunday; a day matches when either day field does, if both are restricted (do not begin with `*`). When the
//! clocks change it is as in cron(8): an expression with an hour of its own runs once for each local time, at the shifted
//! moment if that time does not exist; one whose hour is `*` follows the minutes as they pass.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::base::clock::Time;
use crate::base::locale::Text;

/// The longest wait of any date that exists: 29 February on one weekday, over a century that has no leap year at its end.
const YEARS: i16 = 41;
/// Longest expression that is read.
const MAX_LEN: usize = 200;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// Days of each month in a leap year.
const LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A parsed expression. Sets are bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    pub(super) minutes: Set,
    pub(super) hours: Set,
    pub(super) days: Set,
    pub(super) months: Set,
    pub(super) weekdays: Set,
}

/// The numbers that a field allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Set {
    bits: u64,
    /// Does the field begin with `*`?
    star: bool,
}

impl Set {
    pub(super) fn has(self, n: i64) -> bool {
        self.bits >> n & 1 == 1
    }

    /// In ascending order.
    pub(super) fn values(self) -> impl Iterator<Item = i64> + Clone {
        (0..64).filter(move |n| self.has(*n))
    }

    pub(super) fn is_star(self) -> bool {
        self.star
    }
}

struct Field {
    least: i64,
    most: i64,
    names: &'static [&'static str],
    /// The number of the first name.
    first: i64,
    wrong: &'static str,
}

const FIELDS: [Field; 5] = [
    Field { least: 0, most: 59, names: &[], first: 0, wrong: "invalid.cron.minute" },
    Field { least: 0, most: 23, names: &[], first: 0, wrong: "invalid.cron.hour" },
    Field { least: 1, most: 31, names: &[], first: 0, wrong: "invalid.cron.day" },
    Field { least: 1, most: 12, names: &MONTHS, first: 1, wrong: "invalid.cron.month" },
    Field { least: 0, most: 7, names: &DAYS, first: 0, wrong: "invalid.cron.weekday" },
];

impl Cron {
    /// Reads an expression. The error names the field and says what it may hold.
    pub fn parse(text: &str) -> Result<Cron, Text> {
        let text = text.trim();
        if text.len() > MAX_LEN {
            return Err(Text::new("invalid.too_long").with("max", MAX_LEN));
        }
        let whole = match text.to_ascii_lowercase().as_str() {
            "@hourly" => "0 * * * *",
            "@daily" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            name if name.starts_with('@') => return Err(Text::new("invalid.cron.nickname").with("given", text)),
            _ => text,
        };
        let parts: Vec<&str> = whole.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = parts[..] else {
            return Err(Text::new("invalid.cron.fields").with("n", parts.len()));
        };
        let [of_minutes, of_hours, of_days, of_months, of_weekdays] = &FIELDS;
        let mut weekdays = of_weekdays.parse(weekdays)?;
        if weekdays.has(7) {
            weekdays.bits = weekdays.bits & !(1 << 7) | 1;
        }
        let cron = Cron {
            minutes: of_minutes.parse(minutes)?,
            hours: of_hours.parse(hours)?,
            days: of_days.parse(days)?,
            months: of_months.parse(months)?,
            weekdays,
        };
        if cron.ever() { Ok(cron) } else { Err(Text::new("invalid.cron.never")) }
    }

    /// Is there a date on which it runs? A weekday comes in every month, and with `*` at its beginning the day field
    /// holds the 1st; only days of the month alone can miss every month that is allowed.
    fn ever(&self) -> bool {
        let shortest = self.days.values().next().unwrap_or(1) as u32;
        let either = !self.days.star && !self.weekdays.star;
        either || self.months.values().any(|m| shortest <= LENGTHS[m as usize - 1])
    }

    /// The first moment after `after` at which it runs. `None` only beyond the calendar's end.
    pub fn next_after(&self, after: Time, zone: &TimeZone) -> Option<Time> {
        let stamp = Timestamp::from_millisecond(after.0).ok()?;
        // A time that does not exist may be shifted from the day before into this one.
        let mut date = zone.to_datetime(stamp).date().yesterday().ok()?;
        let end = date.year().saturating_add(YEARS);
        while date.year() <= end {
            if !self.months.has(date.month().into()) {
                date = date.last_of_month().tomorrow().ok()?;
                continue;
            }
            let tomorrow = date.tomorrow().ok()?;
            if let Some(found) = self.first_of(date, stamp, zone) {
                // Where the clocks change at midnight, the next day may begin before this one has ended.
                let earliest = self.first_of(tomorrow, stamp, zone).map_or(found, |other| found.min(other));
                return Some(Time(earliest.as_millisecond()));
            }
            date = tomorrow;
        }
        None
    }

    fn matches(&self, date: Date) -> bool {
        let day = self.days.has(date.day().into());
        let weekday = self.weekdays.has(date.weekday().to_sunday_zero_offset().into());
        let restricted = !self.days.star && !self.weekdays.star;
        self.months.has(date.month().into()) && if restricted { day || weekday } else { day && weekday }
    }

    /// The first moment of a local date after `after`.
    fn first_of(&self, date: Date, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if !self.matches(date) {
            return None;
        }
        let mut first: Option<Timestamp> = None;
        for hour in self.hours.values() {
            for minute in self.minutes.values() {
                let local = date.at(hour as i8, minute as i8, 0, 0);
                let moments = self.moments(local, zone);
                first = moments.into_iter().flatten().filter(|m| *m > after).chain(first).min();
            }
        }
        first
    }

    /// The moments at which a local time counts: one, or two or none when the clocks change.
    fn moments(&self, local: DateTime, zone: &TimeZone) -> [Option<Timestamp>; 2] {
        let at = |offset: jiff::tz::Offset| offset.to_timestamp(local).ok();
        match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => [at(offset), None],
            // With the offset from before, it lies as far behind the gap as it would have lain in it.
            AmbiguousOffset::Gap { before, .. } => [at(before).filter(|_| !self.hours.star), None],
            AmbiguousOffset::Fold { before, after } => [at(before), at(after).filter(|_| self.hours.star)],
        }
    }
}

impl Field {
    fn parse(&self, text: &str) -> Result<Set, Text> {
        let wrong = || Text::new(self.wrong).with("given", text.chars().take(40).collect::<String>());
        let mut bits = 0u64;
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(number(step).filter(|s| *s > 0).ok_or_else(wrong)?)),
                None => (part, None),
            };
            // 7 is one more name of Sunday and no day of its own.
            let last = if self.least == 0 && self.most == 7 { 6 } else { self.most };
            let (from, to) = match range.split_once('-') {
                Some((from, to)) => (self.value(from).ok_or_else(wrong)?, self.value(to).ok_or_else(wrong)?),
                None if range == "*" => (self.least, last),
                None => {
                    let one = self.value(range).ok_or_else(wrong)?;
                    // A step needs something to step through: `5/10` is read nowhere alike.
                    if step.is_some() {
                        return Err(wrong());
                    }
                    (one, one)
                }
            };
            if from > to {
                return Err(wrong());
            }
            (from..=to).step_by(step.unwrap_or(1) as usize).for_each(|n| bits |= 1 << n);
        }
        Ok(Set { bits, star: text.starts_with('*') })
    }

    fn value(&self, text: &str) -> Option<i64> {
        let named = self.names.iter().position(|n| n.eq_ignore_ascii_case(text)).map(|i| i as i64 + self.first);
        named.or_else(|| number(text)).filter(|n| (self.least..=self.most).contains(n))
    }
}

/// Digits alone: no sign, no spaces.
fn number(text: &str) -> Option<i64> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::{DAY, HOUR, MINUTE};

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn cron(text: &str) -> Cron {
        Cron::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"))
    }

    /// The next `n` runs after a moment, in local time with offset.
    fn runs(text: &str, name: &str, after: &str, n: usize) -> Vec<String> {
        let (cron, zone) = (cron(text), zone(name));
        let mut at = Time::parse(after).unwrap();
        let run = |_| {
            at = cron.next_after(at, &zone).unwrap();
            let stamp = Timestamp::from_millisecond(at.0).unwrap();
            stamp.to_zoned(zone.clone()).strftime("%m-%d %H:%M%z").to_string()
        };
        (0..n).map(run).collect()
    }

    #[test]
    fn lists_ranges_steps_and_names_are_read() {
        assert_eq!(cron("0-45/15 8-10 1,15 jan-MAR mon"), cron("0,15,30,45 8,9,10 1,15 1,2,3 1"));
        assert_eq!(cron("0 0 * * 7"), cron("0 0 * * SUN"));
        assert_eq!(cron("0 0 * * 5-7"), cron("0 0 * * 0,5,6"));
        assert_eq!(cron("10-30/10 * * * *").minutes.values().collect::<Vec<_>>(), [10, 20, 30]);
        assert_eq!(cron("@weekly"), cron("0 0 * * 0"));
        assert_eq!(cron("  5   *  * * * "), cron("5 * * * *"));
    }

    #[test]
    fn an_error_names_the_field() {
        let wrong = |text: &str| Cron::parse(text).unwrap_err().key;
        for (text, key) in [
            ("60 * * * *", "invalid.cron.minute"),
            ("*/0 * * * *", "invalid.cron.minute"),
            ("5/10 * * * *", "invalid.cron.minute"),
            ("-1 * * * *", "invalid.cron.minute"),
            ("0 24 * * *", "invalid.cron.hour"),
            ("0 5-3 * * *", "invalid.cron.hour"),
            ("0 0 0 * *", "invalid.cron.day"),
            ("0 0 1,,2 * *", "invalid.cron.day"),
            ("0 0 * 13 *", "invalid.cron.month"),
            ("0 0 * mon *", "invalid.cron.month"),
            ("0 0 * * 8", "invalid.cron.weekday"),
            ("0 0 * * 월", "invalid.cron.weekday"),
            ("0 0 * *", "invalid.cron.fields"),
            ("", "invalid.cron.fields"),
            ("0 0 * * * *", "invalid.cron.fields"),
            ("@yearly", "invalid.cron.nickname"),
            ("0 0 31 2 *", "invalid.cron.never"),
            ("0 0 30-31 feb *", "invalid.cron.never"),
            ("0 0 31 4,6,9,11 *", "invalid.cron.never"),
        ] {
            assert_eq!(wrong(text), key, "{text}");
        }
        assert_eq!(wrong(&"0,".repeat(200)), "invalid.too_long");
        // A weekday comes in February as well.
        cron("0 0 31 2 1");
        cron("0 0 29 2 *");
    }

    #[test]
    fn either_day_field_matches_when_both_are_restricted() {
        // 13 November 2026 is a Friday.
        assert_eq!(
            runs("0 9 13 * 1", "UTC", "2026-11-08T00:00:00Z", 4),
            ["11-09 09:00+0000", "11-13 09:00+0000", "11-16 09:00+0000", "11-23 09:00+0000"]
        );
        // Not restricted: both have to match.
        assert_eq!(runs("0 9 */2 * 1", "UTC", "2026-11-08T00:00:00Z", 2), ["11-09 09:00+0000", "11-23 09:00+0000"]);
    }

    #[test]
    fn a_leap_day_comes_when_it_comes() {
        let next = |text: &str, after: &str| {
            cron(text).next_after(Time::parse(after).unwrap(), &zone("UTC")).unwrap().to_string()
        };
        assert_eq!(next("0 0 29 2 *", "2026-01-01"), "2028-02-29T00:00:00.000Z");
        assert_eq!(next("0 0 29 2 *", "2096-03-01"), "2104-02-29T00:00:00.000Z");
        // On a Sunday, over 2100.
        assert_eq!(next("0 0 29 2 */7", "2088-03-01"), "2128-02-29T00:00:00.000Z");
        assert_eq!(next("0 0 31 * *", "2026-02-01"), "2026-03-31T00:00:00.000Z");
    }

    #[test]
    fn a_local_time_that_does_not_exist_runs_at_the_shifted_moment() {
        // 29 March 2026: 02:00 becomes 03:00 in Berlin.
        assert_eq!(
            runs("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
            ["03-28 02:30+0100", "03-29 03:30+0200", "03-30 02:30+0200"]
        );
        // 8 March 2026 in New York; 03:30 is one moment, whether written so or shifted there.
        assert_eq!(
            runs("30 2,3 * * *", "America/New_York", "2026-03-08T05:00:00Z", 2),
            ["03-08 03:30-0400", "03-09 02:30-0400"]
        );
        // What follows the minutes skips nothing: no minute of the lost hour passes.
        assert_eq!(
            runs("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", 3),
            ["03-29 01:30+0100", "03-29 03:00+0200", "03-29 03:30+0200"]
        );
    }

    #[test]
    fn a_local_time_that_exists_twice_runs_once() {
        // 25 October 2026: 03:00 becomes 02:00 in Berlin.
        assert_eq!(
            runs("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["10-25 02:30+0200", "10-26 02:30+0100"]
        );
        assert_eq!(
            runs("30 1 * * *", "America/New_York", "2026-11-01T00:00:00Z", 2),
            ["11-01 01:30-0400", "11-02 01:30-0500"]
        );
        // Hourly is hourly, also in the hour that comes twice.
        assert_eq!(
            runs("5 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", 4),
            ["10-25 02:05+0200", "10-25 02:05+0100", "10-25 03:05+0100", "10-25 04:05+0100"]
        );
    }

    /// A slow and plain reading of the same rules: does it run at this whole minute?
    fn runs_at(cron: &Cron, at: Time, zone: &TimeZone) -> bool {
        let stamp = |ms: i64| Timestamp::from_millisecond(ms).unwrap();
        let offset = |ms: i64| zone.to_offset(stamp(ms)).seconds() as i64 * 1000;
        let fields = |ms: i64| {
            let local = TimeZone::UTC.to_datetime(stamp(ms));
            cron.minutes.has(local.minute().into()) && cron.hours.has(local.hour().into()) && cron.matches(local.date())
        };
        let (now, before) = (offset(at.0), offset(at.0 - 3 * HOUR));
        let local = at.0 + now;
        if cron.hours.star || now == before {
            return fields(local);
        }
        if now > before {
            // Shifted: the wall clock of before shows a time that was skipped.
            let old = at.0 + before;
            let skipped = offset(old - before) != before && offset(old - now) != now;
            return fields(local) || (skipped && fields(old));
        }
        // Seen before under the old offset?
        let again = offset(local - before) == before;
        fields(local) && !again
    }

    #[test]
    fn it_agrees_with_a_walk_over_every_minute() {
        let mut seed = 7u64;
        let mut random = |n: i64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as i64 % n
        };
        let changes =
            ["2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2028-02-29", "2026-10-04", "2026-04-05"];
        let zones = ["Europe/Berlin", "America/New_York", "Asia/Seoul", "Australia/Lord_Howe", "America/Havana", "UTC"];
        // Each pair of a day and a zone once.
        for round in 0..42 {
            let mut field = |least: i64, most: i64| match random(6) {
                0 | 1 => "*".to_owned(),
                2 => format!("*/{}", 1 + random(most / 2 + 1)),
                3 => format!("{},{}", least + random(most - least + 1), least + random(most - least + 1)),
                4 => {
                    let from = least + random(most - least + 1);
                    format!("{from}-{}", from + random(most - from + 1))
                }
                _ => (least + random(most - least + 1)).to_string(),
            };
            let text = format!("{} {} {} * {}", field(0, 59), field(0, 4), field(1, 31), field(0, 7));
            let Ok(cron) = Cron::parse(&text) else { continue };
            let zone = zone(zones[round % zones.len()]);
            let from = Time::parse(changes[round % changes.len()]).unwrap().plus(-DAY);
            let walked: Vec<Time> =
                (1..2 * 24 * 60).map(|n| from.plus(n * MINUTE)).filter(|t| runs_at(&cron, *t, &zone)).collect();
            let mut found = Vec::new();
            let mut at = from;
            while let Some(next) = cron.next_after(at, &zone).filter(|t| t.0 < from.0 + 2 * DAY) {
                found.push(next);
                at = next;
            }
            assert_eq!(found, walked, "{text} in {zone:?} from {from}");
        }
    }
}
