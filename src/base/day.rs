//! A day of the calendar, without an hour and without a zone: what phases, memos and holidays are counted in.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::clock::Time;

/// A day from 1990-01-01 to 2100-12-31; `2026-11-28` in JSON and in the store. Earlier days are smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String, format = Date, example = "2026-11-28")]
pub struct Day(Date);

impl Day {
    /// The first day that is taken.
    pub const MIN: Day = Day(Date::constant(1990, 1, 1));
    /// The last day that is taken.
    pub const MAX: Day = Day(Date::constant(2100, 12, 31));

    /// This day of the calendar; `None` if there is no such day, or not one that is taken.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Day> {
        Day::within(Date::new(year, month, day).ok()?)
    }

    fn within(date: Date) -> Option<Day> {
        let day = Day(date);
        (Day::MIN..=Day::MAX).contains(&day).then_some(day)
    }

    /// The day of a moment in a zone, at the bounds where it lies beyond them.
    pub fn of(time: Time, zone: &jiff::tz::TimeZone) -> Day {
        let stamp = jiff::Timestamp::from_millisecond(time.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Day(zone.to_datetime(stamp).date()).clamp(Day::MIN, Day::MAX)
    }

    /// Its midnight in UTC: how a whole day is written as a moment.
    pub fn midnight(self) -> Time {
        Time(
            Date::constant(1970, 1, 1).until(self.0).map_or(0, |span| i64::from(span.get_days()))
                * crate::base::clock::DAY,
        )
    }

    /// The day `days` later (earlier, if negative); `None` beyond the bounds.
    pub fn plus(self, days: i64) -> Option<Day> {
        Day::within(self.0.checked_add(days.days()).ok()?)
    }

    /// How many days `later` lies after this one; negative if before.
    pub fn until(self, later: Day) -> i64 {
        (later.midnight().0 - self.midnight().0) / crate::base::clock::DAY
    }

    /// All days from this one to `last`, both included.
    pub fn through(self, last: Day) -> impl Iterator<Item = Day> {
        std::iter::successors(Some(self), |day| day.plus(1)).take_while(move |day| *day <= last)
    }

    /// Which day of the week.
    pub fn weekday(self) -> Weekday {
        self.0.weekday()
    }

    /// Saturday or Sunday?
    pub fn is_weekend(self) -> bool {
        matches!(self.weekday(), Weekday::Saturday | Weekday::Sunday)
    }

    /// The Sunday on or before it, at which its week begins.
    pub fn week_start(self) -> Day {
        self.plus(-i64::from(self.0.weekday().to_sunday_zero_offset())).unwrap_or(Day::MIN)
    }

    /// The first day of its month.
    pub fn month_start(self) -> Day {
        Day(self.0.first_of_month())
    }

    /// The same day `months` later, the last of a month that is shorter; not beyond the bounds.
    pub fn months_on(self, months: i64) -> Day {
        let date = self.0.saturating_add(months.months());
        Day(date).clamp(Day::MIN, Day::MAX)
    }

    /// The month, from 1.
    pub fn month(self) -> i8 {
        self.0.month()
    }

    /// The day of the month, from 1.
    pub fn day(self) -> i8 {
        self.0.day()
    }

    /// The year.
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// `20261128`, as iCalendar writes it.
    pub fn compact(self) -> String {
        format!("{:04}{:02}{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Day {
    type Err = ();

    fn from_str(text: &str) -> Result<Day, ()> {
        // jiff reads a date out of a longer text too.
        let date = if text.len() == 10 { text.parse::<Date>().ok() } else { None };
        date.and_then(Day::within).ok_or(())
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse()
            .map_err(|()| serde::de::Error::custom("expected a day from 1990-01-01 to 2100-12-31, such as 2026-11-28"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_written_as_it_is_read_and_knows_its_neighbours() {
        let d = day("2026-11-28");
        assert_eq!((d.to_string(), d.compact()), ("2026-11-28".into(), "20261128".into()));
        assert_eq!((d.weekday(), d.is_weekend()), (Weekday::Saturday, true));
        assert_eq!(d.plus(3), Some(day("2026-12-01")));
        assert_eq!(day("2028-02-28").plus(1), Some(day("2028-02-29")));
        assert_eq!((d.until(day("2026-12-01")), day("2026-12-01").until(d)), (3, -3));
        assert_eq!(d.through(day("2026-12-01")).count(), 4);
        assert_eq!(d.through(day("2026-11-27")).count(), 0);
        for bad in ["", "2026-11-31", "2026-11-28T00:00", "1989-12-31", "2101-01-01", "28.11.2026", "2026-1-1"] {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
        assert_eq!((Day::MAX.plus(1), Day::MIN.plus(-1)), (None, None));
        assert_eq!(Day::MAX.through(Day::MAX).count(), 1);
    }

    #[test]
    fn the_day_of_a_moment_is_that_of_the_zone() {
        let seoul = jiff::tz::TimeZone::get("Asia/Seoul").unwrap();
        let late = Time::parse("2026-11-27T15:00:00Z").unwrap();
        assert_eq!(Day::of(late, &seoul), day("2026-11-28"));
        assert_eq!(Day::of(late.plus(-1), &seoul), day("2026-11-27"));
        assert_eq!(day("2026-11-28").midnight(), Time::parse("2026-11-28").unwrap());
        assert_eq!(Day::of(Time(0), &seoul), Day::MIN);
    }
}
