//! How often somebody may do something: a sliding minute, exact.
//!
//! One look under one lock both asks and takes, so that two at once never share the last place. What is remembered is at
//! most `limit` moments for each pair of person and kind, and is forgotten when its minute has passed.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;

use std::net::IpAddr;

use crate::base::clock::{MINUTE, SECOND, Time};
use crate::base::ids::UserId;

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whom {
    /// A person, on whatever connections.
    User(UserId),
    /// An address: a whole IPv4 address, or the /64 that one IPv6 household has.
    Address(IpAddr),
}

impl Whom {
    /// The address as it is counted.
    pub fn at(address: IpAddr) -> Whom {
        match address {
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_none() => {
                let [a, b, c, d, ..] = v6.segments();
                Whom::Address(std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            other => Whom::Address(other.to_canonical()),
        }
    }
}

/// What is left after one was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// As many more at once.
    pub remaining: usize,
    /// Seconds until the first of those taken comes back.
    pub reset_s: u64,
}

/// Pairs beyond which the forgotten ones are cleared away.
const TIDY_ABOVE: usize = 1024;

/// Counts by person or address, and kind. Shared by all who ask.
#[derive(Default)]
pub struct Limits(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    by: HashMap<(Whom, &'static str), VecDeque<Time>>,
    tidied: Time,
}

impl Limits {
    /// Takes one of `limit` a minute; otherwise tells in how many seconds there is a place again.
    pub fn take(&self, who: Whom, kind: &'static str, limit: usize, now: Time) -> Result<Left, u64> {
        let mut taken = self.0.lock();
        if taken.by.len() > TIDY_ABOVE && now.0 - taken.tidied.0 > 10 * SECOND {
            taken.tidied = now;
            taken.by.retain(|_, times| times.back().is_some_and(|t| now.0 - t.0 < MINUTE));
        }
        let times = taken.by.entry((who, kind)).or_default();
        while times.front().is_some_and(|t| now.0 - t.0 >= MINUTE) {
            times.pop_front();
        }
        let seconds = |first: Option<&Time>| {
            let wait = first.map_or(MINUTE, |t| MINUTE - (now.0 - t.0));
            (wait.max(1) as u64).div_ceil(1000)
        };
        if times.len() >= limit {
            return Err(seconds(times.front()));
        }
        times.push_back(now);
        Ok(Left { remaining: limit - times.len(), reset_s: seconds(times.front()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: Whom = Whom::User(UserId(1));

    #[test]
    fn a_minute_slides() {
        let limits = Limits::default();
        let take = |ms| limits.take(ANNA, "typing", 3, Time(ms)).map(|left| left.remaining);
        assert_eq!((take(0), take(1_000), take(30_000)), (Ok(2), Ok(1), Ok(0)));
        assert_eq!(take(30_000), Err(30));
        assert_eq!(take(59_999), Err(1));
        assert_eq!(take(60_000), Ok(0));
        assert_eq!(take(60_001), Err(1));
        let fresh = Ok(Left { remaining: 2, reset_s: 60 });
        assert_eq!(limits.take(Whom::User(UserId(2)), "typing", 3, Time(60_001)), fresh);
        assert_eq!(limits.take(ANNA, "other", 3, Time(60_001)), fresh);
    }

    #[test]
    fn a_household_is_one_address() {
        let at = |text: &str| Whom::at(text.parse().unwrap());
        assert_eq!(at("2001:db8:1:2:aaaa::1"), at("2001:db8:1:2:bbbb::9"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_eq!(at("::ffff:192.0.2.7"), at("192.0.2.7"));
        assert_ne!(at("192.0.2.7"), at("192.0.2.8"));
    }

    #[test]
    fn many_at_once_get_exactly_as_many() {
        let limits = Limits::default();
        let got = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|s| {
            for _ in 0..8 {
                s.spawn(|| {
                    for _ in 0..50 {
                        if limits.take(ANNA, "comment", 10, Time(0)).is_ok() {
                            got.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(got.into_inner(), 10);
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let limits = Limits::default();
        for n in 0..5_000 {
            limits.take(Whom::User(UserId(n)), "other", 100, Time(n * 100)).unwrap();
        }
        assert!(limits.0.lock().by.len() < 2_000);
    }
}
