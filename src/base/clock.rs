//! Time as the whole program sees it: milliseconds UTC from a clock that a test can set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One second, minute, hour and day in the unit of [`Time`].
pub const SECOND: i64 = 1_000;
/// See [`SECOND`].
pub const MINUTE: i64 = 60 * SECOND;
/// See [`SECOND`].
pub const HOUR: i64 = 60 * MINUTE;
/// See [`SECOND`].
pub const DAY: i64 = 24 * HOUR;

/// A moment: milliseconds since 1970 UTC in the store, RFC 3339 with milliseconds (`2026-11-24T01:02:03.456Z`) in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-24T09:00:00.000Z")]
pub struct Time(pub i64);

impl Time {
    /// This moment moved by `ms` milliseconds.
    pub fn plus(self, ms: i64) -> Time {
        Time(self.0.saturating_add(ms))
    }

    /// `YYYY-MM-DD` in UTC.
    pub fn date(self) -> String {
        self.to_string()[..10].to_owned()
    }

    /// Parses RFC 3339, or a bare date as midnight UTC. `None` when it is neither or lies outside the years 1970–9999.
    pub fn parse(text: &str) -> Option<Time> {
        let stamp = match text.parse::<jiff::Timestamp>() {
            Ok(stamp) => stamp,
            // jiff reads a date out of a longer text too, and would drop the hour of a time without a zone.
            Err(_) if text.len() == 10 => {
                text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
            }
            Err(_) => return None,
        };
        (stamp.as_millisecond() >= 0).then(|| Time(stamp.as_millisecond()))
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The store holds only what `parse` or the clock gave; a value outside jiff's range shows as the epoch.
        let stamp = jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        write!(f, "{}", stamp.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Time::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("expected an RFC 3339 time, such as 2026-11-24T09:00:00Z"))
    }
}

/// Where the time comes from: the machine, or a test's hand.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is set; shared by all clones.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that shows `ms` until [`Clock::advance`] moves it.
    pub fn set_at(ms: i64) -> Clock {
        Clock::Set(Arc::new(AtomicI64::new(ms)))
    }

    /// The present moment.
    pub fn now(&self) -> Time {
        match self {
            Clock::System => Time(jiff::Timestamp::now().as_millisecond()),
            Clock::Set(ms) => Time(ms.load(Ordering::SeqCst)),
        }
    }

    /// Moves a set clock forward; the machine's clock does not move for anybody.
    pub fn advance(&self, ms: i64) {
        if let Clock::Set(now) = self {
            now.fetch_add(ms, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_and_read_as_rfc_3339() {
        let t = Time(1_795_482_123_456);
        assert_eq!(t.to_string(), "2026-11-24T01:02:03.456Z");
        assert_eq!(Time::parse("2026-11-24T10:02:03.456+09:00"), Some(t));
        assert_eq!(Time::parse("1970-01-02"), Some(Time(DAY)));
        assert_eq!(Time::parse("tomorrow"), None);
        assert_eq!(Time::parse("2026-11-24T10:02:03"), None);
        assert_eq!(Time::parse("1950-01-01T00:00:00Z"), None);
    }
}
