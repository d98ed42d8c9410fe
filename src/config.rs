//! Every setting, once: the struct, its default and its sentence. `videoplanet config` prints this page as the sample.
//!
//! Sources, later ones win: defaults, the TOML file, `VIDEOPLANET_SECTION_KEY`, `--set section.key=value`.
//! An unknown name anywhere is an error that names the nearest known one.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

macro_rules! config {
    ($($(#[doc = $sdoc:literal])+ $section:ident: $struct:ident { $($(#[doc = $doc:literal])+ $key:ident: $type:ty = $default:expr;)+ })+) => {
        /// All settings.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Config { $($(#[doc = $sdoc])+ pub $section: $struct,)+ }

        $($(#[doc = $sdoc])+
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $struct { $($(#[doc = $doc])+ pub $key: $type,)+ }

        impl Default for $struct {
            fn default() -> Self {
                $struct { $($key: $default.into(),)+ }
            }
        }
        )+

        /// Section and key with their sentences, in the order of the sample.
        const DOCS: &[(&str, &[&str], &[(&str, &[&str])])] = &[
            $((stringify!($section), &[$($sdoc),+], &[$((stringify!($key), &[$($doc),+])),+])),+
        ];
    };
}

config! {
    /// Where the program listens and how it is reached.
    server: Server {
        /// Address and port.
        bind: String = "0.0.0.0:8080";
        /// The address people type, for links in invitations, such as `https://review.example.com`.
        /// Empty: taken from each request.
        public_url: String = "";
        /// Where a content delivery network serves /static and /api/v1/media of this instance, such as
        /// `https://cdn.example.com`. Pages and the API then name it; media URLs carry a signature. Empty: none.
        cdn_url: String = "";
        /// Origins of other front ends that may call the API from a browser.
        cors_origins: Vec<String> = Vec::<String>::new();
        /// Take the client's address from X-Forwarded-For: only behind a proxy of yours that sets it.
        trust_proxy: bool = false;
        /// Seconds that a client may take to send its request head.
        header_timeout_s: u64 = 15u64;
        /// Connections at once.
        max_connections: usize = 20_000usize;
        /// What Prometheus has to send as bearer token for /metrics. Empty: everybody who reaches the port may read it
        /// (numbers and routes, no names).
        metrics_token: String = "";
        /// Seconds that running requests get when the program stops.
        drain_s: u64 = 10u64;
    }
    /// The database.
    store: Store {
        /// Reader connections.
        readers: u32 = 4u32;
        /// Writes that may wait before callers are told to come back later.
        write_queue: usize = 4096usize;
        /// Writes that share one commit.
        batch: usize = 64usize;
        /// Page cache of each connection, in KiB.
        cache_kib: i64 = 16_384i64;
        /// Part of the database that each connection maps into memory, in MiB: quick where much is read and little
        /// written. 0: none.
        mmap_mib: i64 = 256i64;
    }
    /// Answers that are kept, so that asking again costs no statement.
    cache: Cache {
        /// Process memory (L1), in MiB.
        l1_mib: usize = 32usize;
        /// Memory of the hybrid cache (L2), in MiB.
        l2_mib: usize = 96usize;
        /// Disk of the hybrid cache (L3), in MiB; it makes the first minutes after a restart quick. 0: none.
        disk_mib: u64 = 512u64;
    }
    /// Search.
    search: Search {
        /// Memory in which documents are gathered before they are written, in MiB.
        arena_mib: usize = 32usize;
        /// The zone in which the days of `before:` and `after:` begin, by its IANA name.
        time_zone: String = "Asia/Seoul";
    }
    /// What is done again and again (see /admin/schedule).
    schedule: Schedule {
        /// The zone in which the times of the schedule are meant, by its IANA name; an admin may give an entry another.
        time_zone: String = "Asia/Seoul";
    }
    /// The journal: what happened, who did it.
    journal: Journal {
        /// Days that events are kept. The last one of each project and feedback stays. 0: for ever.
        keep_days: i64 = 365i64;
        /// Days that events about sign-ins, rights and the instance itself are kept. 0: for ever.
        keep_security_days: i64 = 1_095i64;
    }
    /// Jobs that are over.
    jobs: Jobs {
        /// Days that jobs which ended well or were cancelled are kept. 0: for ever.
        keep_days: i64 = 30i64;
        /// Days that failed jobs are kept, so that somebody can look at them. 0: for ever.
        keep_failed_days: i64 = 90i64;
    }
    /// People.
    accounts: Accounts {
        /// Who may sign up: "invite" (with an invitation), "open" (everybody) or "closed" (nobody).
        signup: String = "invite";
        /// Days that a sign-in holds without being used.
        session_days: i64 = 30i64;
        /// Wrong passwords in a row before an account is shut for a while.
        max_failures: i64 = 5i64;
        /// Minutes that it stays shut.
        shut_minutes: i64 = 15i64;
        /// Members of a project at the most.
        max_members: i64 = 50i64;
    }
    /// Uploads and media.
    media: Media {
        /// Largest upload, in bytes.
        max_upload_bytes: u64 = 10u64 << 30;
        /// Uploads that one person may have open.
        max_open_uploads: i64 = 20i64;
        /// Hours after its last byte that an unfinished upload is kept.
        upload_hours: i64 = 24i64;
        /// Free bytes that uploads and jobs leave on the disk.
        keep_free_bytes: u64 = 1u64 << 30;
        /// Media jobs at once.
        jobs: usize = 1usize;
        /// Name or path of ffmpeg, such as that of a build with more hardware encoders.
        ffmpeg: String = "ffmpeg";
        /// Name or path of ffprobe.
        ffprobe: String = "ffprobe";
        /// Seconds that one ffmpeg may run.
        ffmpeg_seconds: u64 = 6 * 3600u64;
        /// Memory of one ffmpeg, in MiB.
        ffmpeg_mib: u64 = 2048u64;
        /// Pixels of a picture at the most (8192 × 4352 by default).
        max_pixels: u64 = 35_651_584u64;
        /// Length of a film at the most, in hours. What says that it is longer is refused.
        max_hours: u32 = 48u32;
        /// The shorter side of the film for review, in pixels at the most; smaller films keep their size.
        proxy_height: u32 = 1080u32;
        /// Its quality: 18 is excellent and large, 28 small.
        proxy_crf: u32 = 23u32;
        /// How thoroughly x264 works: ultrafast, superfast, veryfast, faster, fast, medium, slow, slower, veryslow.
        proxy_preset: String = "veryfast";
        /// Minutes from which a film also gets a ladder of sizes for watching over thin lines (HLS). 0: never.
        hls_from_minutes: u32 = 10u32;
        /// The ladder's sizes, by their shorter side; none above the film's own.
        hls_heights: Vec<u32> = vec![1080, 720, 360];
        /// How different two frames must be to count as a cut, from 0 (everything) to 1 (nothing).
        scene_threshold: f64 = 0.2f64;
        /// Who encodes: "cpu", "nvenc", "qsv", "vaapi", or "auto", which takes hardware that has proven at the start
        /// that it works here. Where it fails on a film, the CPU does it.
        encoder: String = "auto";
    }
    /// What films may take on the disk, and how long what was deleted is kept.
    storage: Storage {
        /// Bytes that all films and what was made of them may take; uploads that would be above are refused. 0: as much
        /// as the disk has. Projects have limits of their own on the dashboard.
        quota_bytes: u64 = 0u64;
        /// Days that deleted projects, feedbacks and versions can be restored before they go for good.
        trash_days: i64 = 30i64;
        /// Bytes that what was made of films may take. Above it films for review go, least recently watched first; they
        /// can be made again. 0: no limit.
        renditions_max_bytes: u64 = 0u64;
        /// Days after which films of closed feedbacks go to the trash, once an admin has turned that on.
        closed_days: i64 = 30i64;
        /// Days that this is announced before.
        announce_days: i64 = 7i64;
    }
    /// How often somebody may ask, a minute. 0: as often as he likes.
    limits: Limits {
        /// Reads of one person.
        reads: usize = 1_200usize;
        /// Changes of one person.
        writes: usize = 300usize;
        /// Requests of one address without a sign-in.
        strangers: usize = 300usize;
        /// Attempts to sign in, to sign up or to reset a password, from one address.
        sign_in: usize = 30usize;
        /// Count requests from this machine itself as well: scripts and benchmarks beside the program are not hindered.
        local: bool = false;
    }
    /// Live rooms.
    rooms: Rooms {
        /// Sockets of one person.
        per_user: usize = 5usize;
        /// Sockets of one room.
        per_room: usize = 1_000usize;
        /// Sockets in all.
        max_sockets: usize = 20_000usize;
        /// Messages that wait for one slow socket before it is sent to replay.
        queue: usize = 100usize;
        /// What one socket may say in a second.
        per_second: usize = 40usize;
        /// What one person may say in a minute, on all his sockets: comments,
        comments_per_minute: usize = 10usize;
        /// that he types,
        typing_per_minute: usize = 30usize;
        /// reactions,
        reactions_per_minute: usize = 20usize;
        /// moves and strokes while he leads others through a film,
        leads_per_minute: usize = 1_500usize;
        /// and everything else.
        others_per_minute: usize = 100usize;
    }
    /// Mail. Without a host nothing is sent: links are shown where they are made, notices stand in the program.
    mail: Mail {
        /// The SMTP server. Empty: none.
        host: String = "";
        /// Its port: mostly 587 with "starttls", 465 with "tls", 25 with "none".
        port: u16 = 587u16;
        /// How the line is kept secret: "starttls", "tls" or "none" (only on this machine or a line that you trust).
        security: String = "starttls";
        /// Who signs in there. Empty: nobody.
        user: String = "";
        /// The password; better given as VIDEOPLANET_MAIL_PASSWORD than in a file that others read.
        password: String = "";
        /// The sender, such as `VideoPlanet <review@example.com>`.
        from: String = "";
        /// Seconds that the server may take.
        timeout_s: u64 = 20u64;
    }
    /// What people are told.
    notices: Notices {
        /// Days that notices are kept, and the log of mails. 0: for ever.
        keep_days: i64 = 180i64;
        /// The hour of the daily mail, in the zone of the schedule.
        daily_hour: i64 = 9i64;
        /// Days before a deadline at which people are reminded.
        remind_days: Vec<i64> = vec![7, 3, 1];
    }
    /// Where other programs are told.
    webhooks: Webhooks {
        /// Allow addresses of this machine and of private networks. Whoever may add a webhook can then reach what only
        /// this machine reaches.
        allow_private: bool = false;
        /// Seconds that a receiver may take.
        timeout_s: u64 = 10u64;
        /// Webhooks of one project.
        per_project: i64 = 10i64;
        /// Hours without a success after which a webhook is disabled.
        disable_after_hours: i64 = 72i64;
        /// Days that the log of tellings is kept.
        keep_days: i64 = 30i64;
    }
    /// A model that writes storyboards: any chat endpoint that speaks the protocol of OpenAI, also one on this machine.
    /// Without one, and whenever it fails, the built-in rules write the draft.
    model: Model {
        /// Where it is, such as `http://127.0.0.1:11434/v1`. Empty: none.
        base_url: String = "";
        /// The key; better given as VIDEOPLANET_MODEL_KEY than in a file that others read.
        key: String = "";
        /// The model's name.
        name: String = "";
        /// Seconds that it may take.
        timeout_s: u64 = 90u64;
        /// Tokens a calendar month, asked and answered together; then the rules write. 0: no limit.
        monthly_tokens: i64 = 2_000_000i64;
        /// The name of a model that draws, at the same address. Empty: none.
        image_name: String = "";
        /// Pictures a calendar month. 0: no limit.
        monthly_images: i64 = 200i64;
    }
    /// What other programs are told about single requests, jobs and errors (docs/monitoring.md). Nothing leaves unless an
    /// address stands here.
    tracing: Tracing {
        /// A collector that takes traces by OTLP over HTTP, such as `http://127.0.0.1:4318`. Empty: none.
        otlp_url: String = "";
        /// Part of the requests and jobs that are traced, from 0 to 1. A request that comes with a `traceparent` is
        /// traced if its sender says so.
        sample: f64 = 0.1f64;
        /// The name of this instance among what else is traced.
        service_name: String = "videoplanet";
        /// An error tracker that speaks the protocol of Sentry, as `https://<key>@<host>/<project>`; better given as
        /// VIDEOPLANET_TRACING_SENTRY_DSN than in a file that others read. Empty: none.
        sentry_dsn: String = "";
    }
    /// What the program tells.
    log: Log {
        /// Level, or a filter such as "info,videoplanet::server=debug".
        level: String = "info";
        /// One JSON object a line instead of text.
        json: bool = false;
    }
}

impl Config {
    /// Reads the file (if any), the environment and the settings of the command line.
    pub fn load(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
        set: &[String],
    ) -> anyhow::Result<Config> {
        let mut table = Table::new();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            table = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
            for (section, value) in &table {
                let Some(keys) = value.as_table() else {
                    bail!("{}: `{section}` stands outside a section; {}", path.display(), nearest(section));
                };
                for key in keys.keys() {
                    known(section, key).with_context(|| path.display().to_string())?;
                }
            }
        }
        for (name, value) in env {
            let Some(rest) = name.strip_prefix("VIDEOPLANET_") else { continue };
            let name_of = |section: &str, key: &str| format!("{section}_{key}").to_uppercase();
            let found = pairs().find(|(section, key)| name_of(section, key) == rest);
            let Some((section, key)) = found else {
                let close =
                    pairs().map(|(s, k)| name_of(s, k)).max_by(|a, b| closeness(a, rest, b)).unwrap_or_default();
                bail!("the environment variable {name} is not a setting; did you mean VIDEOPLANET_{close}?");
            };
            put(&mut table, section, key, &value);
        }
        for pair in set {
            let parsed = pair.split_once('=').and_then(|(name, value)| Some((name.split_once('.')?, value)));
            let Some(((section, key), value)) = parsed else {
                bail!("--set takes section.key=value, not `{pair}`");
            };
            known(section, key).context("--set")?;
            put(&mut table, section, key, value);
        }
        let config: Config = table.try_into().context("a setting has a value of the wrong kind")?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        let must = |ok: bool, what: &str| if ok { Ok(()) } else { Err(anyhow::anyhow!("{what}")) };
        must(
            ["invite", "open", "closed"].contains(&self.accounts.signup.as_str()),
            "accounts.signup must be \"invite\", \"open\" or \"closed\"",
        )?;
        must(
            self.server.bind.parse::<std::net::SocketAddr>().is_ok(),
            "server.bind must be an address and a port, such as 0.0.0.0:8080",
        )?;
        must((1..=64).contains(&self.store.readers), "store.readers must be from 1 to 64")?;
        must((1..=1024).contains(&self.store.batch), "store.batch must be from 1 to 1024")?;
        must((0..=1 << 20).contains(&self.store.mmap_mib), "store.mmap_mib must be from 0 to 1048576")?;
        must(self.store.write_queue >= 1, "store.write_queue must be at least 1")?;
        must(
            (1..=65_536).contains(&self.cache.l1_mib) && (1..=65_536).contains(&self.cache.l2_mib),
            "cache.l1_mib and cache.l2_mib must be from 1 to 65536",
        )?;
        must(
            self.cache.disk_mib == 0 || (32..=1 << 20).contains(&self.cache.disk_mib),
            "cache.disk_mib must be 0 or from 32 to 1048576",
        )?;
        must((15..=2048).contains(&self.search.arena_mib), "search.arena_mib must be from 15 to 2048")?;
        must(
            jiff::tz::TimeZone::get(&self.search.time_zone).is_ok(),
            "search.time_zone must be the IANA name of a zone, such as Asia/Seoul",
        )?;
        must(
            jiff::tz::TimeZone::get(&self.schedule.time_zone).is_ok(),
            "schedule.time_zone must be the IANA name of a zone, such as Asia/Seoul",
        )?;
        let (journal, jobs) = (&self.journal, &self.jobs);
        must(
            [journal.keep_days, journal.keep_security_days, jobs.keep_days, jobs.keep_failed_days]
                .iter()
                .all(|days| (0..=36_500).contains(days)),
            "journal.keep_days, journal.keep_security_days, jobs.keep_days and jobs.keep_failed_days must be from 0 to 36500",
        )?;
        must((1..=64).contains(&self.media.jobs), "media.jobs must be from 1 to 64")?;
        must((1..=1000).contains(&self.media.max_hours), "media.max_hours must be from 1 to 1000")?;
        self.media.check()?;
        must((1..=3650).contains(&self.storage.trash_days), "storage.trash_days must be from 1 to 3650")?;
        must((1..=3650).contains(&self.storage.closed_days), "storage.closed_days must be from 1 to 3650")?;
        must(
            (0..=self.storage.closed_days).contains(&self.storage.announce_days),
            "storage.announce_days must be from 0 to storage.closed_days",
        )?;
        must(
            self.storage.quota_bytes <= i64::MAX as u64 && self.storage.renditions_max_bytes <= i64::MAX as u64,
            "storage.quota_bytes and storage.renditions_max_bytes must be below 9 EB",
        )?;
        must(self.accounts.session_days >= 1, "accounts.session_days must be at least 1")?;
        must(self.accounts.max_failures >= 1, "accounts.max_failures must be at least 1")?;
        must(
            self.rooms.queue >= 1 && self.rooms.per_user >= 1 && self.rooms.per_room >= 1 && self.rooms.per_second >= 1,
            "rooms.queue, rooms.per_user, rooms.per_room and rooms.per_second must be at least 1",
        )?;
        let mail = &self.mail;
        must(
            mail.host.is_empty() || !mail.from.is_empty(),
            "mail.from must name the sender, such as `VideoPlanet <review@example.com>`",
        )?;
        must(
            ["starttls", "tls", "none"].contains(&mail.security.as_str()),
            "mail.security must be starttls, tls or none",
        )?;
        must((1..=600).contains(&mail.timeout_s), "mail.timeout_s must be from 1 to 600")?;
        let notices = &self.notices;
        must((0..=36_500).contains(&notices.keep_days), "notices.keep_days must be from 0 to 36500")?;
        must((0..=23).contains(&notices.daily_hour), "notices.daily_hour must be from 0 to 23")?;
        must(
            notices.remind_days.len() <= 10 && notices.remind_days.iter().all(|days| (0..=365).contains(days)),
            "notices.remind_days must be at most ten numbers from 0 to 365",
        )?;
        let tracing = &self.tracing;
        must((0.0..=1.0).contains(&tracing.sample), "tracing.sample must be from 0 to 1")?;
        must(!tracing.service_name.trim().is_empty(), "tracing.service_name must not be empty")?;
        must(
            tracing.otlp_url.is_empty() || crate::engines::outbound::check(&tracing.otlp_url, true).is_ok(),
            "tracing.otlp_url must be the address of a collector, such as http://127.0.0.1:4318",
        )?;
        must(
            tracing.sentry_dsn.is_empty() || tracing.sentry_dsn.parse::<crate::engines::trace::Dsn>().is_ok(),
            "tracing.sentry_dsn must look like https://<key>@<host>/<project>",
        )?;
        for (name, url) in [("public_url", &self.server.public_url), ("cdn_url", &self.server.cdn_url)] {
            must(
                url.is_empty() || url.starts_with("http://") || url.starts_with("https://"),
                &format!("server.{name} must begin with http:// or https://"),
            )?;
        }
        Ok(())
    }

    /// The sample: every setting with its sentence and its default, as a file that changes nothing.
    pub fn sample() -> String {
        let defaults = Table::try_from(Config::default()).expect("the defaults are TOML");
        let mut out =
            String::from("# VideoPlanet settings. What stands here is the default; remove the # to change it.\n");
        for (section, doc, keys) in DOCS {
            out.push('\n');
            for line in *doc {
                out.push_str(&format!("#{line}\n"));
            }
            out.push_str(&format!("[{section}]\n"));
            for (key, doc) in *keys {
                for line in *doc {
                    out.push_str(&format!("#{line}\n"));
                }
                out.push_str(&format!("# {key} = {}\n", defaults[*section][*key]));
            }
        }
        out
    }
}

impl Media {
    fn check(&self) -> anyhow::Result<()> {
        const PRESETS: [&str; 9] =
            ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];
        let sides = 144..=4320;
        ensure!(sides.contains(&self.proxy_height), "media.proxy_height must be from 144 to 4320");
        ensure!((10..=40).contains(&self.proxy_crf), "media.proxy_crf must be from 10 to 40");
        ensure!(
            PRESETS.contains(&self.proxy_preset.as_str()),
            "media.proxy_preset must be one of {}",
            PRESETS.join(", ")
        );
        ensure!(
            self.hls_heights.len() <= 6 && self.hls_heights.iter().all(|h| sides.contains(h)),
            "media.hls_heights must be at most 6 numbers from 144 to 4320"
        );
        ensure!((0.01..=1.0).contains(&self.scene_threshold), "media.scene_threshold must be from 0.01 to 1");
        ensure!(
            ["auto", "cpu", "nvenc", "qsv", "vaapi"].contains(&self.encoder.as_str()),
            "media.encoder must be \"auto\", \"cpu\", \"nvenc\", \"qsv\" or \"vaapi\""
        );
        Ok(())
    }
}

fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    DOCS.iter().flat_map(|(section, _, keys)| keys.iter().map(|(key, _)| (*section, *key)))
}

fn closeness(a: &str, to: &str, b: &str) -> std::cmp::Ordering {
    strsim::jaro_winkler(a, to).total_cmp(&strsim::jaro_winkler(b, to))
}

fn nearest(name: &str) -> String {
    let close = pairs().map(|(s, k)| format!("{s}.{k}")).max_by(|a, b| {
        let tail = |full: &str| {
            if name.contains('.') { full.to_owned() } else { full.split('.').next_back().unwrap_or("").to_owned() }
        };
        closeness(&tail(a), name, &tail(b))
    });
    format!("did you mean `{}`?", close.unwrap_or_default())
}

fn known(section: &str, key: &str) -> anyhow::Result<()> {
    if pairs().any(|(s, k)| (s, k) == (section, key)) {
        return Ok(());
    }
    bail!("`{section}.{key}` is not a setting; {}", nearest(&format!("{section}.{key}")))
}

/// Puts a value given as text: a TOML value if it is one of the kind that the setting has, else a string.
fn put(table: &mut Table, section: &str, key: &str, text: &str) {
    let default = Table::try_from(Config::default()).ok().and_then(|t| t.get(section)?.get(key).cloned());
    let value = match default {
        Some(Value::String(_)) => Value::String(text.to_owned()),
        Some(Value::Array(_)) if !text.trim_start().starts_with('[') => {
            Value::Array(text.split(',').map(|t| Value::String(t.trim().to_owned())).collect())
        }
        _ => format!("v = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut t| t.remove("v"))
            .unwrap_or(Value::String(text.to_owned())),
    };
    if let Value::Table(keys) = table.entry(section).or_insert_with(|| Value::Table(Table::new())) {
        keys.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
    }

    #[test]
    fn later_sources_win() {
        let c = Config::load(
            None,
            env(&[("VIDEOPLANET_SERVER_BIND", "127.0.0.1:1"), ("VIDEOPLANET_MEDIA_JOBS", "2")]),
            &["server.bind=127.0.0.1:2".into()],
        )
        .unwrap();
        assert_eq!((c.server.bind.as_str(), c.media.jobs), ("127.0.0.1:2", 2));
    }

    #[test]
    fn a_mistyped_name_is_told_with_the_nearest_one() {
        let said = |r: anyhow::Result<Config>| format!("{:#}", r.unwrap_err());
        assert!(said(Config::load(None, [], &["server.bnid=x".into()])).contains("server.bind"));
        assert!(
            said(Config::load(None, env(&[("VIDEOPLANET_SEVER_BIND", "x")]), &[])).contains("VIDEOPLANET_SERVER_BIND")
        );
        assert!(said(Config::load(None, [], &["media.jobs=many".into()])).contains("wrong kind"));
        let file = std::env::temp_dir().join(format!("vp-config-{}.toml", std::process::id()));
        std::fs::write(&file, "[server]\nbindd = \"x\"\n").unwrap();
        assert!(said(Config::load(Some(&file), [], &[])).contains("server.bind"));
        std::fs::write(&file, "bind = \"x\"\n").unwrap();
        assert!(said(Config::load(Some(&file), [], &[])).contains("server.bind"));
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn the_sample_is_the_default() {
        let plain: String = Config::sample()
            .lines()
            .map(|l| l.strip_prefix("# ").filter(|l| l.split(' ').nth(1) == Some("=")).unwrap_or(l).to_owned() + "\n")
            .collect();
        let parsed: Config = plain.parse::<Table>().unwrap().try_into().unwrap();
        assert_eq!(parsed, Config::default());
    }
}
