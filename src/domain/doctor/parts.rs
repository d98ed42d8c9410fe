//! The program's own parts: settings, database, texts, fonts, index, cache, webhooks.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use super::{Ground, Said, fail, ok, skipped, sql, warn};
use crate::base::clock::DAY;
use crate::base::locale::{self, Lang, Text};
use crate::domain::http::size;
use crate::domain::search::operate;
use crate::engines::ground;
use crate::engines::index;
use crate::engines::paper::{self, Colour, Page, Weight};
use crate::engines::store::glance::{Glance, Quick, Schema, version};
use crate::engines::tls;

/// A database that takes longer to look through has its own job for it.
const QUICK: Duration = Duration::from_secs(20);
/// Milliseconds after which people miss what they have just written.
const LATE_MS: i64 = 10_000;
/// Events after which a commit is late, seen from outside.
const LATE_EVENTS: i64 = 10_000;

pub(super) fn settings(g: &Ground) -> Said {
    if let Some(why) = &g.trouble {
        return fail(Text::new("doctor.settings.broken").with("why", why), Text::new("doctor.settings.do.correct"));
    }
    if !g.left_out.is_empty() {
        let found = Text::new("doctor.settings.left_out").with("names", g.left_out.join(", "));
        return warn(found, Text::new("doctor.settings.do.again"));
    }
    let c = &g.config;
    let Some(file) = &g.file else { return ok(Text::new("doctor.settings.no_file")) };
    let name = file.display();
    let others = std::fs::metadata(file).is_ok_and(|m| m.permissions().mode() & 0o004 != 0);
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let secrets = [
        &c.mail.password,
        &c.model.key,
        &c.server.metrics_token,
        &c.tracing.sentry_dsn,
        &c.backup.s3_secret,
        &c.backup.passphrase,
    ];
    if others && secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret.as_str())) {
        let found = Text::new("doctor.settings.readable").with("file", name);
        return warn(found, Text::new("doctor.settings.do.close").with("file", file.display()));
    }
    ok(Text::new("doctor.settings.fine").with("file", name))
}

pub(super) fn database(g: &Ground) -> Said {
    let broken = |why: String| {
        fail(Text::new("doctor.database.unreadable").with("why", why), Text::new("doctor.database.do.restore"))
    };
    let db = match Glance::open(&g.dir, g.served) {
        Ok(Some(db)) => db,
        Ok(None) => return skipped(Text::new("doctor.no_data")),
        Err(e) => return broken(e.to_string()),
    };
    let checked = match db.quick_check(QUICK) {
        Ok(checked) => checked,
        Err(e) => return broken(e.to_string()),
    };
    if let Quick::Damaged(lines) = checked {
        return fail(
            Text::new("doctor.database.damaged").with("why", lines.join("; ")),
            Text::new("doctor.database.do.restore"),
        );
    }
    match db.schema() {
        Schema::Foreign => {
            return fail(Text::new("doctor.database.foreign"), Text::new("doctor.database.do.other_dir"));
        }
        Schema::Newer(n) => {
            return fail(Text::new("doctor.database.newer").with("n", n), Text::new("doctor.database.do.update"));
        }
        Schema::Older(n) if g.app.is_none() => {
            let found = Text::new("doctor.database.older").with("n", n);
            return warn(found, Text::new("doctor.database.do.start"));
        }
        Schema::Older(_) | Schema::Present(_) => {}
    }
    if checked == Quick::TooLarge {
        return ok(Text::new("doctor.database.large").with("s", QUICK.as_secs()).with("version", version()));
    }
    let len = |name: &str| std::fs::metadata(g.dir.join(name)).map_or(0, |m| m.len());
    let bytes = size(len("videoplanet.db") + len("videoplanet.db-wal"));
    ok(Text::new("doctor.database.fine").with("size", bytes).with("version", version()))
}

pub(super) fn locale(g: &Ground) -> Said {
    let (ko, en) = (locale::table(Lang::Ko).len(), locale::table(Lang::En).len());
    // Films have Korean names; the store's paths have not, but exports and temporary files may.
    let name = "가을 광고.tmp";
    let tried = g.scratch.as_ref().map_err(String::clone).and_then(|scratch| {
        let path = scratch.path().join(name);
        std::fs::write(&path, b"").and_then(|()| std::fs::remove_file(&path)).map_err(|e| e.to_string())
    });
    if let Err(why) = tried {
        return fail(Text::new("doctor.locale.names").with("why", why), Text::new("doctor.locale.do.utf8"));
    }
    ok(Text::new("doctor.locale.fine").with("ko", ko).with("en", en))
}

pub(super) fn fonts() -> Said {
    let mut page = Page::new((200.0, 60.0));
    page.text((10.0, 10.0), 12.0, Weight::Regular, Colour(0, 0, 0), "한글 Hangul");
    page.text((10.0, 30.0), 12.0, Weight::Bold, Colour(0, 0, 0), "굵은 글씨 Bold");
    match paper::print(&[page], "doctor", "VideoPlanet", "ko") {
        Ok(pdf) if pdf.starts_with(b"%PDF") => ok(Text::new("doctor.fonts.fine").with("size", pdf.len())),
        Ok(_) => fail(Text::new("doctor.fonts.fails").with("why", "no PDF"), Text::new("doctor.do.report")),
        Err(e) => fail(Text::new("doctor.fonts.fails").with("why", format!("{e:?}")), Text::new("doctor.do.report")),
    }
}

pub(super) async fn search(g: &Ground) -> Said {
    let rebuild = || Text::new("doctor.search.do.rebuild");
    if let Some(app) = &g.app {
        let status = match operate::status(app).await {
            Ok(status) => status,
            Err(e) => return fail(Text::new("doctor.search.fails").with("why", e), rebuild()),
        };
        if let Some(percent) = status.rebuilding {
            let found = Text::new("doctor.search.rebuilding").with("percent", format!("{percent:.0}"));
            return warn(found, Text::new("doctor.search.do.wait"));
        }
        if let Some(why) = status.trouble {
            return warn(Text::new("doctor.search.trouble").with("why", why), rebuild());
        }
        let said = |key| Text::new(key).with("events", status.lag_events).with("s", status.lag_ms / 1000);
        if status.lag_ms > LATE_MS {
            return warn(said("doctor.search.late"), rebuild());
        }
        let documents: u64 = status.documents.iter().map(|(_, n)| n).sum();
        let found = Text::new("doctor.search.fine").with("documents", documents).with("version", index::version());
        return ok(found);
    }
    let newest = match Glance::open(&g.dir, g.served) {
        Ok(Some(db)) => db.read(sql::newest_event).ok().flatten().map_or(0, |(seq, _)| seq),
        _ => return skipped(Text::new("doctor.no_data")),
    };
    match index::glance(&g.dir.join("index")) {
        None => warn(Text::new("doctor.search.none"), Text::new("doctor.search.do.start")),
        Some(mark) if g.served && newest - mark.seq > LATE_EVENTS => {
            warn(Text::new("doctor.search.behind").with("events", newest - mark.seq), rebuild())
        }
        Some(mark) => ok(Text::new("doctor.search.there").with("events", (newest - mark.seq).max(0))),
    }
}

pub(super) fn cache(g: &Ground) -> Said {
    let wanted = g.config.cache.disk_mib << 20;
    if wanted == 0 {
        return ok(Text::new("doctor.cache.memory"));
    }
    let look = || Text::new("doctor.cache.do.look");
    if let Some(app) = &g.app {
        let stats = app.cache.stats();
        return match stats.disk_trouble {
            Some(why) => warn(Text::new("doctor.cache.trouble").with("why", why), look()),
            None => ok(Text::new("doctor.cache.fine").with("size", size(wanted))),
        };
    }
    let dir = g.dir.join("cache");
    if !dir.exists() {
        return skipped(Text::new("doctor.no_data"));
    }
    if rustix::fs::access(&dir, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_err() {
        let why = dir.display().to_string();
        return warn(Text::new("doctor.cache.not_writable").with("dir", why), look());
    }
    if ground::room(&dir).is_ok_and(|room| room.free_bytes < wanted) {
        return warn(Text::new("doctor.cache.no_room").with("size", size(wanted)), look());
    }
    ok(Text::new("doctor.cache.fine").with("size", size(wanted)))
}

pub(super) fn webhooks(g: &Ground) -> Said {
    let counted = match Glance::open(&g.dir, g.served) {
        Ok(Some(db)) => db.read(sql::webhooks),
        _ => return skipped(Text::new("doctor.no_data")),
    };
    // An older schema has none yet.
    let Ok((on, failing, off)) = counted else { return skipped(Text::new("doctor.no_data")) };
    let said = |key| Text::new(key).with("on", on).with("failing", failing).with("off", off);
    match (on, failing + off) {
        (0, 0) => skipped(Text::new("doctor.webhooks.none")),
        (_, 0) => ok(said("doctor.webhooks.fine")),
        _ => warn(said("doctor.webhooks.failing"), Text::new("doctor.webhooks.do.look")),
    }
}

/// Days before its end from which a certificate is told: whoever renews it by hand needs some, and who has it renewed by
/// a program hears that this does not happen (they mostly do it a month before).
const ENDS_SOON: i64 = 21;

/// The certificate of its own: a pair, in time, and a key that nobody else reads.
pub(super) fn tls(g: &Ground) -> Said {
    let files = &g.config.tls;
    if files.certificate.is_empty() {
        return skipped(Text::new("doctor.tls.none"));
    }
    let (certificate, key) = (Path::new(&files.certificate), Path::new(&files.key));
    if let Err(e) = tls::read(certificate, key) {
        return fail(Text::new("doctor.tls.broken").with("why", format!("{e:#}")), Text::new("doctor.tls.do.pair"));
    }
    let ends = match tls::ends(certificate) {
        Ok(ends) => ends,
        Err(e) => {
            let found = Text::new("doctor.tls.broken").with("why", format!("{e:#}"));
            return warn(found, Text::new("doctor.tls.do.pair"));
        }
    };
    let days = (ends.0 - g.now().0).div_euclid(DAY);
    if days < 0 {
        return fail(Text::new("doctor.tls.over").with("days", -days), Text::new("doctor.tls.do.renew"));
    }
    if days < ENDS_SOON {
        return warn(Text::new("doctor.tls.ends").with("days", days), Text::new("doctor.tls.do.renew"));
    }
    let open = std::fs::metadata(key).is_ok_and(|meta| meta.permissions().mode() & 0o037 != 0);
    if open {
        let found = Text::new("doctor.tls.open_key").with("key", &files.key);
        return warn(found, Text::new("doctor.tls.do.close").with("key", &files.key));
    }
    ok(Text::new("doctor.tls.fine").with("days", days))
}
