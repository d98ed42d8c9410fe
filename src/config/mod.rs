//! Every setting, once: the struct, its default, its bounds, when a change of it holds, and its sentence.
//! `videoplanet config` prints this page as the sample; `/admin/settings` shows it as a form.
//!
//! Sources, later ones win ([`layers`]): defaults, the TOML file, `/admin/settings`, `VIDEOPLANET_SECTION_KEY`,
//! `--set section.key=value`. An unknown name anywhere is an error that names the nearest known one.
//!
//! The word before a setting says when a change on the page holds: `live` at once, `restart` after a restart; `file` is
//! not changed there at all, because a mistake would shut the admin out or would let the page start programs.

pub mod check;
pub mod danger;
pub mod layers;
mod setting;

use serde::{Deserialize, Serialize};
use toml::Table;

pub use layers::{Layers, Settings, Source};
use setting::Rule::*;
pub use setting::{Holds, Rule, Section, Setting, Shape, Unit, parse};

/// The presets of x264, the quickest first.
const PRESETS: &[&str] =
    &["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];

macro_rules! holds {
    (live) => {
        Holds::Live
    };
    (restart) => {
        Holds::Restart
    };
    (file) => {
        Holds::File
    };
}

macro_rules! rule {
    () => {
        Any
    };
    ($rule:expr) => {
        $rule
    };
}

macro_rules! config {
    ($($(#[doc = $sdoc:literal])+ $section:ident: $struct:ident {
        $($(#[doc = $doc:literal])+ $holds:ident $key:ident: $type:ty = $default:expr $(, $rule:expr)?;)+
    })+) => {
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

        /// All sections with their settings, in the order of the sample.
        pub const SECTIONS: &[Section] = &[$(Section {
            name: stringify!($section),
            doc: &[$($sdoc),+],
            settings: &[$(Setting {
                name: concat!(stringify!($section), ".", stringify!($key)),
                doc: &[$($doc),+],
                holds: holds!($holds),
                rule: rule!($($rule)?),
            }),+],
        }),+];
    };
}

config! {
    /// Where the program listens and how it is reached.
    server: Server {
        /// Address and port.
        file bind: String = "0.0.0.0:8080", Address;
        /// The address people type, for links in invitations, such as `https://review.example.com`.
        /// Empty: taken from each request.
        live public_url: String = "", Url;
        /// Where a content delivery network serves /static and /api/v1/media of this instance, such as
        /// `https://cdn.example.com`. Pages and the API then name it; media URLs carry a signature. Empty: none.
        live cdn_url: String = "", Url;
        /// Origins of other front ends that may call the API from a browser.
        live cors_origins: Vec<String> = Vec::<String>::new(), Origins;
        /// Networks of your proxies, such as `127.0.0.1` for one on this machine: their word counts for a client's
        /// address (X-Forwarded-For), for https (X-Forwarded-Proto) and for the host (X-Forwarded-Host). Whoever sits in
        /// one of these networks can make such things up.
        live trusted_proxies: Vec<String> = Vec::<String>::new(), Networks;
        /// Networks from which /admin is reached, such as `10.0.0.0/8` or `2001:db8::/32`; to others it is not there.
        /// Empty: everybody who may sign in to it. Whoever leaves his own address out locks himself out, and behind a
        /// proxy trusted_proxies must name it, or everybody has its address. The way back in is this file.
        live admin_networks: Vec<String> = Vec::<String>::new(), Networks;
        /// Seconds that a client may take to send its request head.
        live header_timeout_s: u64 = 15u64, Range(1, 3_600);
        /// Connections at once.
        live max_connections: usize = 20_000usize, Range(10, 1_000_000);
        /// What Prometheus has to send as bearer token for /metrics. Empty: everybody who reaches the port may read it
        /// (numbers and routes, no names).
        live metrics_token: String = "", Secret;
        /// Seconds that running requests get when the program stops.
        live drain_s: u64 = 10u64, Range(0, 3_600);
    }
    /// TLS by the program itself, where no proxy in front of it does that.
    tls: Tls {
        /// File with the certificate and those that lead to its root, as PEM. Read again when it changes. Empty: no TLS.
        file certificate: String = "";
        /// File with its key, as PEM; better readable by the program alone.
        file key: String = "";
        /// Address and port that only lead from http to https, such as `0.0.0.0:80`. Empty: none.
        file redirect_from: String = "", AddressOrNone;
    }
    /// The database.
    store: Store {
        /// Reader connections.
        file readers: u32 = 4u32, Range(1, 64);
        /// Writes that may wait before callers are told to come back later.
        file write_queue: usize = 4096usize, Range(1, 1_000_000);
        /// Writes that share one commit.
        file batch: usize = 64usize, Range(1, 1_024);
        /// Page cache of each connection, in KiB.
        file cache_kib: i64 = 16_384i64, Range(0, 16_777_216);
        /// Part of the database that each connection maps into memory, in MiB: quick where much is read and little
        /// written. 0: none.
        file mmap_mib: i64 = 256i64, Range(0, 1_048_576);
        /// Snapshots of the database that are kept: one is taken before a new version changes its schema, and
        /// `videoplanet rollback` goes back to it. 0: none is taken.
        file snapshots: usize = 3usize, Range(0, 100);
    }
    /// Answers that are kept, so that asking again costs no statement.
    cache: Cache {
        /// Process memory (L1), in MiB.
        restart l1_mib: usize = 32usize, Range(1, 65_536);
        /// Memory of the hybrid cache (L2), in MiB.
        restart l2_mib: usize = 96usize, Range(1, 65_536);
        /// Disk of the hybrid cache (L3), in MiB; it makes the first minutes after a restart quick. 0: none.
        restart disk_mib: u64 = 512u64, OrZero(32, 1_048_576);
    }
    /// Search.
    search: Search {
        /// Memory in which documents are gathered before they are written, in MiB.
        restart arena_mib: usize = 32usize, Range(15, 2_048);
        /// The zone in which the days of `before:` and `after:` begin, by its IANA name.
        live time_zone: String = "Asia/Seoul", Zone;
    }
    /// What is done again and again (see /admin/schedule).
    schedule: Schedule {
        /// The zone in which the times of the schedule are meant, by its IANA name; an admin may give an entry another.
        live time_zone: String = "Asia/Seoul", Zone;
    }
    /// The journal: what happened, who did it.
    journal: Journal {
        /// Days that events are kept. The last one of each project and feedback stays. 0: for ever.
        live keep_days: i64 = 365i64, Range(0, 36_500);
        /// Days that events about sign-ins, rights and the instance itself are kept. 0: for ever.
        live keep_security_days: i64 = 1_095i64, Range(0, 36_500);
    }
    /// Jobs that are over.
    jobs: Jobs {
        /// Days that jobs which ended well or were cancelled are kept. 0: for ever.
        live keep_days: i64 = 30i64, Range(0, 36_500);
        /// Days that failed jobs are kept, so that somebody can look at them. 0: for ever.
        live keep_failed_days: i64 = 90i64, Range(0, 36_500);
    }
    /// People.
    accounts: Accounts {
        /// Who may sign up: "invite" (with an invitation), "open" (everybody) or "closed" (nobody).
        live signup: String = "invite", OneOf(&["invite", "open", "closed"]);
        /// Days that a sign-in holds without being used.
        live session_days: i64 = 30i64, Range(1, 36_500);
        /// Wrong passwords in a row before an account is shut for a while.
        live max_failures: i64 = 5i64, Range(1, 1_000);
        /// Minutes that it stays shut.
        live shut_minutes: i64 = 15i64, Range(0, 525_600);
        /// Members of a project at the most.
        live max_members: i64 = 50i64, Range(1, 10_000);
    }
    /// Uploads and media.
    media: Media {
        /// Largest upload, in bytes.
        live max_upload_bytes: u64 = 10u64 << 30, Range(1, 1 << 50);
        /// Uploads that one person may have open.
        live max_open_uploads: i64 = 20i64, Range(1, 10_000);
        /// Hours after its last byte that an unfinished upload is kept.
        live upload_hours: i64 = 24i64, Range(1, 8_760);
        /// Free bytes that uploads and jobs leave on the disk.
        live keep_free_bytes: u64 = 1u64 << 30, Range(0, i64::MAX);
        /// Media jobs at once, unless the page of jobs says otherwise.
        live jobs: usize = 1usize, Range(1, 64);
        /// Name or path of ffmpeg, such as that of a build with more hardware encoders.
        file ffmpeg: String = "ffmpeg", Required;
        /// Name or path of ffprobe.
        file ffprobe: String = "ffprobe", Required;
        /// Seconds that one ffmpeg may run.
        live ffmpeg_seconds: u64 = 6 * 3600u64, Range(1, 604_800);
        /// Memory of one ffmpeg, in MiB.
        live ffmpeg_mib: u64 = 2048u64, Range(64, 1_048_576);
        /// Pixels of a picture at the most (8192 × 4352 by default).
        live max_pixels: u64 = 35_651_584u64, Range(10_000, 1 << 32);
        /// Length of a film at the most, in hours. What says that it is longer is refused.
        live max_hours: u32 = 48u32, Range(1, 1_000);
        /// The shorter side of the film for review, in pixels at the most; smaller films keep their size.
        live proxy_height: u32 = 1080u32, Range(144, 4_320);
        /// Its quality: 18 is excellent and large, 28 small.
        live proxy_crf: u32 = 23u32, Range(10, 40);
        /// How thoroughly x264 works: ultrafast, superfast, veryfast, faster, fast, medium, slow, slower, veryslow.
        live proxy_preset: String = "veryfast", OneOf(PRESETS);
        /// Minutes from which a film also gets a ladder of sizes for watching over thin lines (HLS). 0: never.
        live hls_from_minutes: u32 = 10u32, Range(0, 100_000);
        /// The ladder's sizes, by their shorter side; none above the film's own.
        live hls_heights: Vec<u32> = vec![1080, 720, 360], Numbers { most: 6, min: 144, max: 4_320 };
        /// How different two frames must be to count as a cut, from 0 (everything) to 1 (nothing).
        live scene_threshold: f64 = 0.2f64, Part(0.01, 1.0);
        /// Who encodes: "cpu", "nvenc", "qsv", "vaapi", or "auto", which takes hardware that has proven at the start
        /// that it works here. Where it fails on a film, the CPU does it.
        restart encoder: String = "auto", OneOf(&["auto", "cpu", "nvenc", "qsv", "vaapi"]);
    }
    /// What films may take on the disk, and how long what was deleted is kept.
    storage: Storage {
        /// Bytes that all films and what was made of them may take; uploads that would be above are refused. 0: as much
        /// as the disk has. Projects have limits of their own on the dashboard.
        live quota_bytes: u64 = 0u64, Range(0, i64::MAX);
        /// Days that deleted projects, feedbacks and versions can be restored before they go for good.
        live trash_days: i64 = 30i64, Range(1, 3_650);
        /// Bytes that what was made of films may take. Above it films for review go, least recently watched first; they
        /// can be made again. 0: no limit.
        live renditions_max_bytes: u64 = 0u64, Range(0, i64::MAX);
        /// Days after which films of closed feedbacks go to the trash, once an admin has turned that on.
        live closed_days: i64 = 30i64, Range(1, 3_650);
        /// Days that this is announced before.
        live announce_days: i64 = 7i64, Range(0, 3_650);
    }
    /// How often somebody may ask, a minute. 0: as often as he likes.
    limits: Limits {
        /// Reads of one person.
        live reads: usize = 1_200usize, Range(0, 10_000_000);
        /// Changes of one person.
        live writes: usize = 300usize, Range(0, 10_000_000);
        /// Requests of one address without a sign-in.
        live strangers: usize = 300usize, Range(0, 10_000_000);
        /// Attempts to sign in, to sign up or to reset a password, from one address.
        live sign_in: usize = 30usize, Range(0, 10_000_000);
        /// Count requests from this machine itself as well: scripts and benchmarks beside the program are not hindered.
        live local: bool = false;
    }
    /// Live rooms.
    rooms: Rooms {
        /// Sockets of one person.
        live per_user: usize = 5usize, Range(1, 10_000);
        /// Sockets of one room.
        live per_room: usize = 1_000usize, Range(1, 1_000_000);
        /// Sockets in all.
        live max_sockets: usize = 20_000usize, Range(1, 1_000_000);
        /// Messages that wait for one slow socket before it is sent to replay.
        live queue: usize = 100usize, Range(1, 10_000);
        /// What one socket may say in a second.
        live per_second: usize = 40usize, Range(1, 100_000);
        /// Comments that one person may write in a minute, on all his sockets.
        live comments_per_minute: usize = 10usize, Range(1, 10_000_000);
        /// Times in a minute that he may show that he types.
        live typing_per_minute: usize = 30usize, Range(1, 10_000_000);
        /// Reactions that he may give in a minute.
        live reactions_per_minute: usize = 20usize, Range(1, 10_000_000);
        /// Moves and strokes in a minute while he leads others through a film.
        live leads_per_minute: usize = 1_500usize, Range(1, 10_000_000);
        /// Everything else that he may say in a minute.
        live others_per_minute: usize = 100usize, Range(1, 10_000_000);
    }
    /// Mail. Without a host nothing is sent: links are shown where they are made, notices stand in the program.
    mail: Mail {
        /// The SMTP server. Empty: none.
        live host: String = "", Host;
        /// Its port: mostly 587 with "starttls", 465 with "tls", 25 with "none".
        live port: u16 = 587u16, Range(1, 65_535);
        /// How the line is kept secret: "starttls", "tls" or "none" (only on this machine or a line that you trust).
        live security: String = "starttls", OneOf(&["starttls", "tls", "none"]);
        /// Who signs in there. Empty: nobody.
        live user: String = "";
        /// The password; better given as VIDEOPLANET_MAIL_PASSWORD than in a file that others read.
        live password: String = "", Secret;
        /// The sender, such as `VideoPlanet <review@example.com>`.
        live from: String = "", Sender;
        /// Seconds that the server may take.
        live timeout_s: u64 = 20u64, Range(1, 600);
    }
    /// What people are told.
    notices: Notices {
        /// Days that notices are kept, and the log of mails. 0: for ever.
        live keep_days: i64 = 180i64, Range(0, 36_500);
        /// The hour of the daily mail, in the zone of the schedule.
        live daily_hour: i64 = 9i64, Range(0, 23);
        /// Days before a deadline at which people are reminded.
        live remind_days: Vec<i64> = vec![7, 3, 1], Numbers { most: 10, min: 0, max: 365 };
    }
    /// Where other programs are told.
    webhooks: Webhooks {
        /// Allow addresses of this machine and of private networks. Whoever may add a webhook can then reach what only
        /// this machine reaches.
        live allow_private: bool = false;
        /// Seconds that a receiver may take.
        live timeout_s: u64 = 10u64, Range(1, 600);
        /// Webhooks of one project.
        live per_project: i64 = 10i64, Range(0, 1_000);
        /// Hours without a success after which a webhook is disabled.
        live disable_after_hours: i64 = 72i64, Range(1, 8_760);
        /// Days that the log of tellings is kept.
        live keep_days: i64 = 30i64, Range(0, 36_500);
    }
    /// Alerts (see /admin/alerts).
    alerts: Alerts {
        /// Seconds between two looks at what is measured. 0: nobody looks, and there are none.
        live look_s: u64 = 10u64, Range(0, 3_600);
        /// Let receivers stand on this machine and in private networks, as a studio's own mostly do; only admins add
        /// them. Link-local addresses, where clouds keep their secrets, are never reached.
        file allow_private: bool = true;
        /// Seconds that a receiver may take.
        live timeout_s: u64 = 10u64, Range(1, 60);
        /// Days that alerts which are over are kept. 0: for ever.
        live keep_days: i64 = 365i64, Range(0, 36_500);
    }
    /// A model that writes storyboards: any chat endpoint that speaks the protocol of OpenAI, also one on this machine.
    /// Without one, and whenever it fails, the built-in rules write the draft.
    model: Model {
        /// Where it is, such as `http://127.0.0.1:11434/v1`. Empty: none.
        live base_url: String = "", Url;
        /// The key; better given as VIDEOPLANET_MODEL_KEY than in a file that others read.
        live key: String = "", Secret;
        /// The model's name.
        live name: String = "";
        /// Seconds that it may take.
        live timeout_s: u64 = 90u64, Range(1, 3_600);
        /// Tokens a calendar month, asked and answered together; then the rules write. 0: no limit.
        live monthly_tokens: i64 = 2_000_000i64, Range(0, 1 << 50);
        /// The name of a model that draws, at the same address. Empty: none.
        live image_name: String = "";
        /// Pictures a calendar month. 0: no limit.
        live monthly_images: i64 = 200i64, Range(0, 1 << 30);
    }
    /// What the program counts about itself.
    metrics: Metrics {
        /// Count requests, statements and commits, and keep what was slow. Without it the dashboard shows no load and
        /// alerts about load are blind.
        live collect: bool = true;
        /// Milliseconds from which a request is kept as slow. 0: the budget of its route.
        live slow_ms: u64 = 0u64, Range(0, 3_600_000);
        /// Milliseconds from which a statement is kept as slow.
        live slow_statement_ms: u64 = 100u64, Range(1, 3_600_000);
    }
    /// What other programs are told about single requests, jobs and errors (docs/monitoring.md). Nothing leaves unless an
    /// address stands here.
    tracing: Tracing {
        /// A collector that takes traces by OTLP over HTTP, such as `http://127.0.0.1:4318`. Empty: none.
        restart otlp_url: String = "", Url;
        /// Part of the requests and jobs that are traced, from 0 to 1. A request that comes with a `traceparent` is
        /// traced if its sender says so.
        restart sample: f64 = 0.1f64, Part(0.0, 1.0);
        /// The name of this instance among what else is traced.
        restart service_name: String = "videoplanet", Required;
        /// An error tracker that speaks the protocol of Sentry, as `https://<key>@<host>/<project>`; better given as
        /// VIDEOPLANET_TRACING_SENTRY_DSN than in a file that others read. Empty: none.
        restart sentry_dsn: String = "", Secret;
    }
    /// Backups (see /admin/backups): the database, the films and this file, each only once.
    backup: Backup {
        /// Where they go: a directory, best on another disk, or `s3://bucket/prefix`. Empty: none are taken.
        live to: String = "";
        /// Where an S3-compatible storage answers, such as `https://s3.example.com`. Empty: Amazon's, by its region.
        live s3_endpoint: String = "", Url;
        /// Its region. Empty: us-east-1, which most storages of other makers take.
        live s3_region: String = "";
        /// The id of the access key.
        live s3_key: String = "";
        /// The access key; better given as VIDEOPLANET_BACKUP_S3_SECRET than in a file that others read.
        live s3_secret: String = "", Secret;
        /// Encrypts backups. Keep it elsewhere as well, on paper for instance: without it nobody can restore them. A
        /// place is encrypted from its first backup on or never. Empty: not encrypted.
        live passphrase: String = "", Secret;
        /// Backups that are kept, the newest ones.
        live keep_last: usize = 7usize, Range(1, 10_000);
        /// Days that backups are kept, beside the newest ones. The newest one that was found whole always stays.
        live keep_days: i64 = 30i64, Range(0, 36_500);
        /// Part of the films that is read again after each backup, in a hundred; all else is looked at by name and size.
        live sample: f64 = 5.0f64, Part(0.0, 100.0);
    }
    /// What the program tells.
    log: Log {
        /// Level, or a filter such as "info,videoplanet::server=debug".
        live level: String = "info", Filter;
        /// One JSON object a line instead of text.
        restart json: bool = false;
    }
}

/// All settings, in the order of the sample.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

/// The setting of this name, such as `media.jobs`.
pub fn find(name: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.name == name)
}

impl Config {
    /// The sample: every setting with its sentence and its default, as a file that changes nothing.
    pub fn sample() -> String {
        let defaults = Table::try_from(Config::default()).expect("the defaults are TOML");
        let mut out =
            String::from("# VideoPlanet settings. What stands here is the default; remove the # to change it.\n");
        for section in SECTIONS {
            out.push('\n');
            for line in section.doc {
                out.push_str(&format!("#{line}\n"));
            }
            out.push_str(&format!("[{}]\n", section.name));
            for setting in section.settings {
                for line in setting.doc {
                    out.push_str(&format!("#{line}\n"));
                }
                out.push_str(&format!("# {} = {}\n", setting.key(), defaults[section.name][setting.key()]));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::locale::{self, Lang};

    #[test]
    fn the_sample_is_the_default() {
        let plain: String = Config::sample()
            .lines()
            .map(|l| l.strip_prefix("# ").filter(|l| l.split(' ').nth(1) == Some("=")).unwrap_or(l).to_owned() + "\n")
            .collect();
        let parsed: Config = plain.parse::<Table>().unwrap().try_into().unwrap();
        assert_eq!(parsed, Config::default());
    }

    #[test]
    fn every_setting_has_its_name_and_its_sentence_in_both_languages() {
        let words = |doc: &[&str]| doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        let parts = SECTIONS.iter().map(|s| (s.name, s.doc)).chain(all().map(|s| (s.name, s.doc)));
        for (name, doc) in parts {
            let about = format!("setting.{name}.about");
            // The sentence stands in the code; the table repeats it so that both languages have the same keys.
            assert_eq!(locale::get(Lang::En, &about), words(doc), "{about}");
            let korean = locale::get(Lang::Ko, &about);
            assert!(korean.chars().any(|c| ('가'..='힣').contains(&c)), "{about}: {korean}");
            for lang in [Lang::Ko, Lang::En] {
                assert!(locale::table(lang).contains_key(&format!("setting.{name}")), "setting.{name}");
            }
        }
    }

    #[test]
    fn every_number_has_its_bounds_and_every_default_is_within() {
        assert_eq!(Config::default().wrong(), vec![]);
        for setting in all() {
            if matches!(setting.shape(), Shape::Number | Shape::Fraction) {
                assert!(matches!(setting.rule, Range(..) | OrZero(..) | Part(..)), "{}", setting.name);
            }
        }
    }
}
