//! Are there backups, in a place that can be used, and young ones?

use std::path::Path;

use super::{Ground, Said, fail, ok, warn};
use crate::base::clock::{DAY, HOUR, Time};
use crate::base::locale::Text;
use crate::domain::backups::{is_apart, newest_whole, target};
use crate::domain::http::size;
use crate::engines::backup::{self, Place, Target, Vault};
use crate::engines::ground;
use crate::engines::store::glance::Glance;

/// What is older is late: a night was missed.
const LATE: i64 = 36 * HOUR;

pub(super) fn backups(g: &Ground) -> Said {
    let target = target(&g.config, None);
    if target.to.is_empty() {
        return warn(Text::new("doctor.backups.none"), Text::new("doctor.backups.do.place"));
    }
    let said = |key| Text::new(key).with("place", &target.to);
    if let Err(why) = usable(&g.dir, &target) {
        return fail(said("doctor.backups.fails").with("why", why), Text::new("doctor.backups.do.mend"));
    }
    let left: u64 = backup::aside(&g.dir).unwrap_or_default().iter().map(|(_, bytes)| bytes).sum();
    if left > 0 {
        return warn(Text::new("doctor.backups.aside").with("size", size(left)), Text::new("doctor.backups.do.forget"));
    }
    let shared = target.directory().and_then(|place| ground::on_one_disk(existing(&place)?, &g.dir).ok());
    if shared == Some(true) {
        return warn(said("doctor.backups.same_disk"), Text::new("doctor.backups.do.place"));
    }
    let newest = Glance::open(&g.dir, g.served).ok().flatten().and_then(|db| db.read(newest_whole).ok().flatten());
    let Some(Time(newest)) = newest else {
        return warn(said("doctor.backups.never"), Text::new("doctor.backups.do.take"));
    };
    let age = g.now().0 - newest;
    let hours = age / HOUR;
    match age {
        ..0 if age < -DAY => warn(said("doctor.backups.future"), Text::new("doctor.backups.do.clock")),
        LATE.. => warn(said("doctor.backups.old").with("hours", hours), Text::new("doctor.backups.do.look")),
        _ => ok(said("doctor.backups.fine").with("hours", hours.max(0))),
    }
}

/// Can the place be written, and does the passphrase fit what is there?
fn usable(dir: &Path, target: &Target) -> backup::Result<()> {
    is_apart(dir, target)?;
    let place = Place::open(target)?;
    place.try_it()?;
    if place.is_used()? { Vault::open(target).map(|_| ()) } else { Ok(()) }
}

/// The nearest directory above that is there.
fn existing(place: &Path) -> Option<&Path> {
    place.ancestors().find(|path| path.exists())
}
