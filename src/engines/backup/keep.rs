//! How long backups are kept, and how the place is swept of what none of them names.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{Lease, Result, Trouble, Vault, Watch};
use crate::base::clock::{DAY, Time};

/// Content that is younger than this may belong to a backup that is under way somewhere.
const YOUNG: i64 = DAY;

/// How many backups are kept: one stays that either wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The newest ones.
    pub last: usize,
    /// Those that are not older than so many days.
    pub days: i64,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The backups that may go, of all that there are: id, moment, and whether it was found whole. The newest whole one stays
/// in any case, and so does the newest.
pub fn chosen(all: &[(String, Time, bool)], keep: Keep, now: Time) -> Vec<String> {
    let mut all: Vec<_> = all.iter().collect();
    all.sort_by(|a, b| (b.1, &b.0).cmp(&(a.1, &a.0)));
    let whole = all.iter().position(|(_, _, whole)| *whole);
    let young = |at: Time| at.0 >= now.0 - keep.days * DAY;
    let goes =
        |(i, (_, at, _)): &(usize, &&(String, Time, bool))| *i >= keep.last.max(1) && !young(*at) && Some(*i) != whole;
    all.iter().enumerate().filter(goes).map(|(_, (id, ..))| id.clone()).collect()
}

impl Vault {
    /// Removes content that no backup names. A manifest that cannot be read stops it: what that one names is not known.
    pub fn sweep(&self, lease: &Lease, now: Time, watch: &Watch) -> Result<Swept> {
        let mut named = HashSet::new();
        for id in self.ids()? {
            let manifest = self.manifest(&id).map_err(|trouble| match trouble {
                Trouble::Damaged { part, why } => Trouble::Refused(format!(
                    "nothing is swept, since it is not known what backup {id} needs ({part}: {why}): delete that backup first"
                )),
                other => other,
            })?;
            watch.on(0)?;
            named.extend(manifest.media.iter().map(|m| self.object(&m.hash, false)));
            named.extend([&manifest.database].into_iter().chain(&manifest.config).map(|b| self.object(&b.hash, true)));
        }
        let mut swept = Swept::default();
        for object in self.place.list("blobs")? {
            if named.contains(&object.name) || object.written.0 > now.0 - YOUNG {
                continue;
            }
            watch.on(0)?;
            if swept.objects % 1000 == 0 {
                lease.holds()?;
            }
            self.place.delete(&object.name)?;
            swept = Swept { objects: swept.objects + 1, bytes: swept.bytes + object.size };
        }
        Ok(swept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone(ages: &[(i64, bool)], last: usize, days: i64) -> Vec<i64> {
        let now = Time(1000 * DAY);
        let all: Vec<_> = ages.iter().map(|(age, whole)| (age.to_string(), now.plus(-age * DAY), *whole)).collect();
        chosen(&all, Keep { last, days }, now).iter().map(|id| id.parse().unwrap()).collect()
    }

    #[test]
    fn what_neither_wants_goes() {
        let all = [(0, true), (1, true), (2, true), (10, true), (40, true)];
        assert_eq!(gone(&all, 2, 5), [10, 40]);
        assert_eq!(gone(&all, 4, 0), [40]);
        assert!(gone(&all, 1, 400).is_empty());
        assert_eq!(gone(&all, 0, 0), [1, 2, 10, 40]);
    }

    #[test]
    fn the_newest_whole_one_stays_and_so_does_the_newest() {
        assert_eq!(gone(&[(0, false), (1, false), (50, true), (60, true)], 1, 0), [1, 60]);
        assert!(gone(&[(3, false)], 1, 0).is_empty());
        assert!(gone(&[], 1, 0).is_empty());
    }
}
