//! Is everything there that the program needs? The checks of `videoplanet doctor` and of `/admin/doctor`, from one place.
//!
//! Laws: a check changes nothing; what it has to write for a moment it removes. Each has its time, all run side by side, and
//! one that hangs or panics is a finding of its own. What is found is said with why it matters and what to do.

mod backups;
mod films;
mod lines;
mod machine;
mod parts;
pub mod seen;
mod sql;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::app::App;
use crate::base::clock::{Clock, Time};
use crate::base::locale::{self, Lang, Text};
use crate::closed_set;
use crate::config::{Config, Layers, layers};
use crate::engines::ffmpeg::{self, Ffmpeg};
use crate::engines::store::glance::Glance;
pub use machine::FILES_BESIDE;

closed_set! {
    /// What is looked at. The texts of each are `doctor.<name>.title` and `doctor.<name>.why`.
    Check {
        /// The settings, from file, environment and command line.
        Settings = "settings",
        /// The data directory: there, ours, writable.
        DataDir = "data_dir",
        /// What it lies on.
        FileSystem = "file_system",
        /// Is written what is said to be written?
        Fsync = "fsync",
        /// Room for bytes and files.
        Space = "space",
        /// Opens, is whole, has a schema that we know.
        Database = "database",
        /// ffmpeg and ffprobe.
        Programs = "programs",
        /// The codecs and filters that the recipes need.
        Recipes = "recipes",
        /// One real film of a second.
        Film = "film",
        /// Encoders of the hardware.
        Encoders = "encoders",
        /// Clock and time zone.
        Clock = "clock",
        /// Texts of both languages, file names in Korean.
        Locale = "locale",
        /// Fonts of PDFs.
        Fonts = "fonts",
        /// The address that the server listens on.
        Port = "port",
        /// The certificate of its own and the key.
        Tls = "tls",
        /// Files that may be open, against the sockets that are promised.
        OpenFiles = "open_files",
        /// Memory, against what the settings may take.
        Memory = "memory",
        /// The search index.
        Search = "search",
        /// The cache's disk tier.
        Cache = "cache",
        /// Certificates for calls to others.
        Certificates = "certificates",
        /// The mail server: connect, TLS, sign-in.
        Mail = "mail",
        /// The address that people type.
        PublicUrl = "public_url",
        /// What the proxy says of its clients.
        Proxy = "proxy",
        /// WebSocket through the proxy.
        WebSocket = "websocket",
        /// Receivers of webhooks.
        Webhooks = "webhooks",
        /// The model that writes storyboards.
        Model = "model",
        /// Backups: a place, and a young one in it.
        Backups = "backups",
        /// The collector of traces and the error tracker.
        Outlets = "outlets",
    }
}

closed_set! {
    /// What a check came to, from good to bad.
    Outcome {
        /// It has nothing to look at here.
        Skipped = "skipped",
        /// All is well.
        Ok = "ok",
        /// It works, and somebody should look at it.
        Warn = "warn",
        /// It does not work.
        Fail = "fail",
    }
}

/// How long a check may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How long the hardware's encoders may take: each is given half a minute, and three may be listed.
const LIMIT_ENCODERS: Duration = Duration::from_secs(100);

/// What a check says.
struct Said {
    outcome: Outcome,
    found: Text,
    remedy: Option<Text>,
}

fn ok(found: Text) -> Said {
    Said { outcome: Outcome::Ok, found, remedy: None }
}

fn skipped(found: Text) -> Said {
    Said { outcome: Outcome::Skipped, found, remedy: None }
}

fn warn(found: Text, remedy: Text) -> Said {
    Said { outcome: Outcome::Warn, found, remedy: Some(remedy) }
}

fn fail(found: Text, remedy: Text) -> Said {
    Said { outcome: Outcome::Fail, found, remedy: Some(remedy) }
}

/// What one check found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// What it came to.
    pub outcome: Outcome,
    /// What was found.
    pub found: Text,
    /// What to do, unless all is well.
    pub remedy: Option<Text>,
    /// How long it took.
    pub took_ms: u64,
}

/// All findings, in the order of [`Check`].
#[derive(Clone, Debug)]
pub struct Report {
    /// When it was done.
    pub at: Time,
    /// One each.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The worst of them.
    pub fn outcome(&self) -> Outcome {
        self.findings.iter().map(|f| f.outcome).max().unwrap_or(Outcome::Ok).max(Outcome::Ok)
    }

    /// How many came to this.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.findings.iter().filter(|f| f.outcome == outcome).count()
    }

    /// For programs: sentences in one language, names that never change.
    pub fn json(&self, lang: Lang) -> Value {
        let one = |f: &Finding| {
            json!({
                "check": f.check, "outcome": f.outcome, "title": f.check.title(lang), "why": f.check.why(lang),
                "finding": f.found.key, "found": locale::say(lang, &f.found),
                "remedy": f.remedy.as_ref().map(|r| locale::say(lang, r)), "took_ms": f.took_ms,
            })
        };
        json!({
            "version": env!("CARGO_PKG_VERSION"), "at": self.at, "outcome": self.outcome(),
            "checks": self.findings.iter().map(one).collect::<Vec<_>>(),
        })
    }
}

impl Check {
    /// Its name for people.
    pub fn title(self, lang: Lang) -> String {
        locale::get(lang, &format!("doctor.{self}.title"))
    }

    /// Why it matters.
    pub fn why(self, lang: Lang) -> String {
        locale::get(lang, &format!("doctor.{self}.why"))
    }
}

/// What is looked at: a running program from inside, or a data directory from outside.
pub struct Ground {
    /// The data directory.
    pub dir: PathBuf,
    /// The settings file, if one was read.
    pub file: Option<PathBuf>,
    /// The settings; the defaults where they do not hold.
    pub config: Arc<Config>,
    /// Why they do not hold.
    pub trouble: Option<String>,
    /// What was set in the browser and does not hold any more.
    pub left_out: Vec<String>,
    /// The program that looks at itself.
    pub app: Option<App>,
    /// A server runs on the directory, this one or another.
    pub served: bool,
    ffmpeg: Option<Ffmpeg>,
    /// Signs what the server is asked through the proxy, once the instance has been started.
    key: Option<Vec<u8>>,
    /// For children and trials; removed when the doctor has gone.
    scratch: Result<tempdir::Scratch, String>,
}

impl Ground {
    /// A running program.
    pub fn inside(app: &App) -> Ground {
        let config = app.config();
        let file = Some(app.dir.join("videoplanet.toml")).filter(|f| f.exists());
        Ground {
            key: Some(app.signing_key.to_vec()),
            ffmpeg: Some(app.ffmpeg.clone()),
            app: Some(app.clone()),
            ..Ground::bare(app.dir.clone(), file, config, None, true)
        }
    }

    /// A directory, beside a server or without one. The settings are given as they were read, or why they were not.
    pub fn outside(dir: PathBuf, file: Option<PathBuf>, layers: Result<Layers, String>, served: bool) -> Ground {
        let db = Glance::open(&dir, served).ok().flatten();
        let kept = db.as_ref().map(|db| db.settings(layers::KEPT)).unwrap_or_default();
        let (config, trouble, left_out) = match layers {
            Ok(layers) => {
                let (layers, left_out) = layers.with_kept(kept);
                (layers.config(), None, left_out.into_iter().map(|left| left.name).collect())
            }
            Err(why) => (Config::default(), Some(why), Vec::new()),
        };
        let mut settings = ffmpeg::Settings {
            ffmpeg: config.media.ffmpeg.clone().into(),
            ffprobe: config.media.ffprobe.clone().into(),
            ..ffmpeg::Settings::default()
        };
        settings.at_most.memory_bytes = config.media.ffmpeg_mib << 20;
        let key = db.and_then(|db| db.secret("signing_key"));
        let bare = Ground::bare(dir, file, Arc::new(config), trouble, served);
        Ground { key, left_out, ffmpeg: Ffmpeg::new(settings).ok(), ..bare }
    }

    fn bare(dir: PathBuf, file: Option<PathBuf>, config: Arc<Config>, trouble: Option<String>, served: bool) -> Ground {
        let scratch = tempdir::Scratch::new().map_err(|e| e.to_string());
        Ground { dir, file, config, trouble, left_out: Vec::new(), app: None, served, ffmpeg: None, key: None, scratch }
    }

    fn now(&self) -> Time {
        self.app.as_ref().map_or_else(|| Clock::System.now(), |app| app.clock.now())
    }
}

/// Runs all checks side by side; `told` hears of each as it ends.
pub async fn run(ground: Ground, told: impl Fn(&Finding)) -> Report {
    let ground = Arc::new(ground);
    let mut under_way = JoinSet::new();
    for check in Check::ALL.iter().copied() {
        let ground = ground.clone();
        under_way.spawn(async move {
            let begun = Instant::now();
            let limit = if check == Check::Encoders { LIMIT_ENCODERS } else { LIMIT };
            // A task of its own: a panic in it is not ours.
            let looking = tokio::spawn(look(check, ground));
            let stop = looking.abort_handle();
            let said = match tokio::time::timeout(limit, looking).await {
                Ok(Ok(said)) => said,
                Ok(Err(e)) => fail(Text::new("doctor.broke").with("why", e), Text::new("doctor.do.report")),
                Err(_) => {
                    stop.abort();
                    fail(Text::new("doctor.too_long").with("s", limit.as_secs()), Text::new("doctor.do.load"))
                }
            };
            let took_ms = begun.elapsed().as_millis() as u64;
            Finding { check, outcome: said.outcome, found: said.found, remedy: said.remedy, took_ms }
        });
    }
    let mut findings = Vec::with_capacity(Check::ALL.len());
    while let Some(done) = under_way.join_next().await {
        if let Ok(finding) = done {
            told(&finding);
            findings.push(finding);
        }
    }
    findings.sort_by_key(|f| f.check);
    Report { at: ground.now(), findings }
}

async fn look(check: Check, ground: Arc<Ground>) -> Said {
    let g = &*ground;
    match check {
        Check::Settings => parts::settings(g),
        Check::DataDir => machine::data_dir(g),
        Check::FileSystem => machine::file_system(g),
        Check::Fsync => blocking(ground.clone(), machine::fsync).await,
        Check::Space => machine::space(g),
        Check::Database => blocking(ground.clone(), parts::database).await,
        Check::Programs => films::programs(g).await,
        Check::Recipes => films::recipes(g).await,
        Check::Film => films::film(g).await,
        Check::Encoders => films::encoders(g).await,
        Check::Clock => blocking(ground.clone(), machine::clock).await,
        Check::Locale => blocking(ground.clone(), parts::locale).await,
        Check::Fonts => blocking(ground.clone(), |_| parts::fonts()).await,
        Check::Port => lines::port(g).await,
        Check::Tls => blocking(ground.clone(), parts::tls).await,
        Check::OpenFiles => machine::open_files(g),
        Check::Memory => machine::memory(g),
        Check::Search => parts::search(g).await,
        Check::Cache => parts::cache(g),
        Check::Certificates => lines::certificates(),
        Check::Mail => lines::mail(g).await,
        Check::PublicUrl => lines::public_url(g).await,
        Check::Proxy => lines::proxy(g).await,
        Check::WebSocket => lines::websocket(g).await,
        Check::Webhooks => blocking(ground.clone(), parts::webhooks).await,
        Check::Model => lines::model(g).await,
        Check::Backups => blocking(ground.clone(), backups::backups).await,
        Check::Outlets => lines::outlets(g).await,
    }
}

async fn blocking(ground: Arc<Ground>, look: impl FnOnce(&Ground) -> Said + Send + 'static) -> Said {
    match tokio::task::spawn_blocking(move || look(&ground)).await {
        Ok(said) => said,
        Err(e) => fail(Text::new("doctor.broke").with("why", e), Text::new("doctor.do.report")),
    }
}

/// The doctor of a running program: one look at a time, and what the last one found. Kept in memory: after a start the
/// machine may be another.
#[derive(Default)]
pub struct Doctor(Mutex<State>);

#[derive(Default)]
struct State {
    /// What has been found so far, while it looks.
    under_way: Option<Vec<Finding>>,
    last: Option<Report>,
}

impl Doctor {
    /// Begins to look, unless it does already; answers whether it has begun.
    pub fn begin(self: &Arc<Self>, app: &App) -> bool {
        {
            let mut state = self.0.lock();
            if state.under_way.is_some() {
                return false;
            }
            state.under_way = Some(Vec::new());
        }
        let (doctor, app) = (self.clone(), app.clone());
        tokio::spawn(async move {
            let told = |finding: &Finding| {
                if let Some(found) = &mut doctor.0.lock().under_way {
                    found.push(finding.clone());
                }
            };
            let report = tokio::select! {
                report = run(Ground::inside(&app), told) => Some(report),
                () = app.stopping.cancelled() => None,
            };
            let mut state = doctor.0.lock();
            state.under_way = None;
            state.last = report.or(state.last.take());
        });
        true
    }

    /// What has been found so far, in the order of [`Check`], while it looks.
    pub fn under_way(&self) -> Option<Vec<Finding>> {
        let mut found = self.0.lock().under_way.clone()?;
        found.sort_by_key(|f| f.check);
        Some(found)
    }

    /// What the last look found.
    pub fn last(&self) -> Option<Report> {
        self.0.lock().last.clone()
    }
}

/// A directory for trials among the machine's temporary ones.
mod tempdir {
    use std::io;
    use std::os::unix::fs::DirBuilderExt;
    use std::path::{Path, PathBuf};

    use crate::base::page::hex;
    use crate::base::secret;

    /// Removed with all that is in it when it is dropped.
    pub struct Scratch(PathBuf);

    impl Scratch {
        pub fn new() -> io::Result<Scratch> {
            let dir = std::env::temp_dir().join(format!("videoplanet-doctor-{}", hex(&secret::random::<8>())));
            std::fs::DirBuilder::new().mode(0o700).create(&dir)?;
            Ok(Scratch(dir.canonicalize()?))
        }

        pub fn path(&self) -> &Path {
            &self.0
        }

        /// An empty directory of that name in it: one for each check that runs children.
        pub fn room(&self, name: &str) -> io::Result<PathBuf> {
            let dir = self.0.join(name);
            std::fs::create_dir(&dir)?;
            Ok(dir)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
