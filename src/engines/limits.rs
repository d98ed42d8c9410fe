//! How often somebody may do something: a sliding minute, exact.
//!
//! One look under one lock both asks and takes, so that two at once never share the last place. What is remembered is at
//! most `limit` moments for each pair of person and kind, and is forgotten when its minute has passed.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;

use crate::base::clock::{MINUTE, SECOND, Time};
use crate::base::ids::UserId;

/// Pairs beyond which the forgotten ones are cleared away.
const TIDY_ABOVE: usize = 1024;

/// Counts by person and kind. Shared by all who ask.
#[derive(Default)]
pub struct Limits(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    by: HashMap<(UserId, &'static str), VecDeque<Time>>,
    tidied: Time,
}

impl Limits {
    /// Takes one of `limit` a minute; otherwise tells in how many seconds there is a place again.
    pub fn take(&self, who: UserId, kind: &'static str, limit: usize, now: Time) -> Result<(), u64> {
        let mut taken = self.0.lock();
        if taken.by.len() > TIDY_ABOVE && now.0 - taken.tidied.0 > 10 * SECOND {
            taken.tidied = now;
            taken.by.retain(|_, times| times.back().is_some_and(|t| now.0 - t.0 < MINUTE));
        }
        let times = taken.by.entry((who, kind)).or_default();
        while times.front().is_some_and(|t| now.0 - t.0 >= MINUTE) {
            times.pop_front();
        }
        if times.len() >= limit {
            let wait = times.front().map_or(0, |t| MINUTE - (now.0 - t.0));
            return Err((wait.max(1) as u64).div_ceil(1000));
        }
        times.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: UserId = UserId(1);

    #[test]
    fn a_minute_slides() {
        let limits = Limits::default();
        let take = |ms| limits.take(ANNA, "typing", 3, Time(ms));
        assert_eq!((take(0), take(1_000), take(30_000)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(take(30_000), Err(30));
        assert_eq!(take(59_999), Err(1));
        assert_eq!(take(60_000), Ok(()));
        assert_eq!(take(60_001), Err(1));
        assert_eq!(limits.take(UserId(2), "typing", 3, Time(60_001)), Ok(()));
        assert_eq!(limits.take(ANNA, "other", 3, Time(60_001)), Ok(()));
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
            limits.take(UserId(n), "other", 100, Time(n * 100)).unwrap();
        }
        assert!(limits.0.lock().by.len() < 2_000);
    }
}
