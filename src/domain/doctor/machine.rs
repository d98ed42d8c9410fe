//! The machine: where the data lies, how much room, memory and open files there are, and whether the clock is right.

use std::path::Path;
use std::time::Duration;

use rustix::fs::Access;

use super::{Ground, Said, fail, ok, skipped, sql, warn};
use crate::base::clock::{MINUTE, Time};
use crate::base::locale::Text;
use crate::domain::http::size;
use crate::engines::ground::{self, Filesystem, Keeper, Nature};
use crate::engines::store::glance::Glance;
use crate::engines::{machine, queue};

/// Open files beside the sockets of rooms: database, index, cache, films, requests.
pub const FILES_BESIDE: usize = 1_000;
/// From this on an fsync makes each change slow.
const FSYNC_SLOW: Duration = Duration::from_millis(150);
/// Files that can still be made, at the least.
const FILES_LEFT: u64 = 10_000;
/// How long the two clocks are compared.
const COMPARE: Duration = Duration::from_millis(300);
/// Milliseconds that they may move apart meanwhile.
const DRIFT: i64 = 100;
/// 2026-01-01: no clock of ours is before it.
const BORN: Time = Time(1_767_225_600_000);

pub(super) fn data_dir(g: &Ground) -> Said {
    let dir = g.dir.display();
    if !g.dir.exists() {
        let found = Text::new("doctor.data_dir.none").with("dir", dir);
        return warn(found, Text::new("doctor.data_dir.do.make"));
    }
    let owner = match ground::owner(&g.dir) {
        Ok(owner) if g.dir.is_dir() => owner,
        Ok(_) => {
            let found = Text::new("doctor.data_dir.no_directory").with("dir", dir);
            return fail(found, Text::new("doctor.data_dir.do.make"));
        }
        Err(e) => {
            let found = Text::new("doctor.data_dir.unreadable").with("dir", dir).with("why", e);
            return fail(found, Text::new("doctor.data_dir.do.own").with("uid", "$(id -u)"));
        }
    };
    let mode = format!("{:04o}", owner.mode);
    if rustix::fs::access(&g.dir, Access::WRITE_OK | Access::EXEC_OK | Access::READ_OK).is_err() {
        let found =
            Text::new("doctor.data_dir.not_writable").with("dir", dir).with("uid", owner.uid).with("mode", mode);
        return fail(found, Text::new("doctor.data_dir.do.own").with("uid", owner.own_uid));
    }
    if owner.mode & 0o007 != 0 {
        let found = Text::new("doctor.data_dir.open").with("dir", dir).with("mode", mode);
        return warn(found, Text::new("doctor.data_dir.do.close").with("dir", g.dir.display()));
    }
    if owner.uid != owner.own_uid {
        let found = Text::new("doctor.data_dir.others").with("uid", owner.uid).with("own", owner.own_uid);
        return warn(found, Text::new("doctor.data_dir.do.same_user").with("uid", owner.uid));
    }
    ok(Text::new("doctor.data_dir.fine").with("dir", dir).with("mode", mode))
}

/// The directory, or what would hold it.
fn nearest(dir: &Path) -> Option<&Path> {
    let absolute_or_here = |d: &&Path| d.exists() && !d.as_os_str().is_empty();
    dir.ancestors().find(absolute_or_here).or(Some(Path::new(".")))
}

pub(super) fn file_system(g: &Ground) -> Said {
    let Some(found) = nearest(&g.dir).and_then(Filesystem::of) else {
        return skipped(Text::new("doctor.not_told"));
    };
    let said = |key| Text::new(key).with("kind", &found.kind).with("mount", found.mount.display());
    match found.nature() {
        Nature::Network => {
            return fail(said("doctor.file_system.network"), Text::new("doctor.file_system.do.local"));
        }
        Nature::Memory => {
            return warn(said("doctor.file_system.memory"), Text::new("doctor.file_system.do.lasting"));
        }
        Nature::Disk => {}
    }
    for part in ["media", "uploads", "scratch"] {
        let part = g.dir.join(part);
        if part.exists() && ground::on_one_disk(&g.dir, &part).is_ok_and(|one| !one) {
            let found = Text::new("doctor.file_system.apart").with("part", part.display());
            return fail(found, Text::new("doctor.file_system.do.one"));
        }
    }
    ok(said("doctor.file_system.fine"))
}

pub(super) fn fsync(g: &Ground) -> Said {
    if !g.dir.exists() {
        return skipped(Text::new("doctor.no_data"));
    }
    match ground::try_disk(&g.dir) {
        Ok(took) if took >= FSYNC_SLOW => {
            warn(Text::new("doctor.fsync.slow").with("ms", took.as_millis()), Text::new("doctor.fsync.do.faster"))
        }
        Ok(took) => ok(Text::new("doctor.fsync.fine").with("ms", format!("{:.1}", took.as_secs_f64() * 1000.0))),
        Err(e) => fail(Text::new("doctor.fsync.fails").with("why", e), Text::new("doctor.fsync.do.look")),
    }
}

pub(super) fn space(g: &Ground) -> Said {
    let room = match nearest(&g.dir).map(ground::room) {
        Some(Ok(room)) => room,
        _ => return skipped(Text::new("doctor.not_told")),
    };
    let keep = g.config.media.keep_free_bytes;
    let said = |key| {
        Text::new(key)
            .with("free", size(room.free_bytes))
            .with("total", size(room.total_bytes))
            .with("keep", size(keep))
            .with("files", room.free_files)
    };
    if room.free_bytes <= keep {
        return fail(said("doctor.space.full"), Text::new("doctor.space.do.more"));
    }
    // File systems without a limit of their own tell none.
    if room.total_files > 0 && room.free_files < FILES_LEFT {
        return fail(said("doctor.space.no_files"), Text::new("doctor.space.do.files"));
    }
    if room.free_bytes < keep.saturating_mul(2).max(room.total_bytes / 20) {
        return warn(said("doctor.space.little"), Text::new("doctor.space.do.more"));
    }
    ok(said("doctor.space.fine"))
}

pub(super) fn clock(g: &Ground) -> Said {
    let drift = ground::clock_drift(COMPARE);
    let now = g.now();
    let keep = Text::new("doctor.clock.do.keep");
    if now < BORN {
        return fail(Text::new("doctor.clock.past").with("now", now), keep);
    }
    let newest = Glance::open(&g.dir, g.served).ok().flatten().and_then(|db| db.read(sql::newest_event).ok().flatten());
    if let Some((_, at)) = newest.filter(|(_, at)| at.0 - now.0 > MINUTE) {
        return fail(Text::new("doctor.clock.back").with("now", now).with("event", at), keep);
    }
    if drift.abs() > DRIFT {
        return warn(Text::new("doctor.clock.jumps").with("ms", drift), keep);
    }
    let zone = &g.config.schedule.time_zone;
    let Ok(local) = jiff::tz::TimeZone::get(zone) else {
        let found = Text::new("doctor.clock.no_zone").with("zone", zone);
        return fail(found, Text::new("doctor.clock.do.zone"));
    };
    let local = jiff::Timestamp::from_millisecond(now.0).map(|t| t.to_zoned(local).strftime("%F %R %:z").to_string());
    let said = |key| Text::new(key).with("local", local.clone().unwrap_or_default()).with("zone", zone);
    match ground::clock_keeper() {
        Keeper::Synchronised => ok(said("doctor.clock.synchronised")),
        Keeper::Runs => ok(said("doctor.clock.runs")),
        // In a container the host keeps it.
        Keeper::Unseen if !Path::new("/run/systemd/system").exists() => ok(said("doctor.clock.host")),
        Keeper::Unseen => warn(said("doctor.clock.alone"), keep),
    }
}

pub(super) fn open_files(g: &Ground) -> Said {
    let wanted = g.config.rooms.max_sockets + FILES_BESIDE;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    let used = g.app.as_ref().and_then(|_| machine::own()).map_or(0, |own| own.open_files);
    let said = |key| Text::new(key).with("limit", limit.unwrap_or(u64::MAX)).with("wanted", wanted).with("used", used);
    match limit {
        None => ok(Text::new("doctor.open_files.none").with("wanted", wanted)),
        Some(limit) if limit < wanted as u64 => {
            warn(said("doctor.open_files.few"), Text::new("doctor.open_files.do.raise").with("wanted", wanted))
        }
        Some(_) if g.app.is_some() => ok(said("doctor.open_files.fine")),
        // Of the shell; a service has its own.
        Some(_) => ok(said("doctor.open_files.fine_here")),
    }
}

pub(super) fn memory(g: &Ground) -> Said {
    let Some(memory) = ground::memory() else { return skipped(Text::new("doctor.not_told")) };
    let c = &g.config;
    let mib = |n: u64| n << 20;
    let pages = (u64::from(c.store.readers) + 3) * ((c.store.cache_kib.max(0) as u64) << 10);
    let kept = mib(c.cache.l1_mib as u64 + c.cache.l2_mib as u64) + mib(c.search.arena_mib as u64);
    let children = mib(c.media.ffmpeg_mib) * c.media.jobs.min(queue::MAX_PLACES) as u64;
    let need = pages + kept + children;
    let have = memory.limit.unwrap_or(memory.total);
    let said = |key| Text::new(key).with("need", size(need)).with("have", size(have)).with("ffmpeg", size(children));
    if pages + kept > have {
        return fail(said("doctor.memory.over"), Text::new("doctor.memory.do.less"));
    }
    if need > have / 10 * 9 {
        return warn(said("doctor.memory.tight"), Text::new("doctor.memory.do.less"));
    }
    ok(said(if memory.limit.is_some() { "doctor.memory.fine_group" } else { "doctor.memory.fine" }))
}
