//! What is open while the program runs, and how it is opened and closed.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::base::clock::{Clock, Time};
use crate::base::error::Result;
use crate::base::group::Group;
use crate::base::job::Lane;
use crate::base::secret;
use crate::config::{Config, Layers, Settings, layers};
use crate::domain::accounts::Viewer;
use crate::domain::alerts::Watch;
use crate::domain::backups;
use crate::domain::media::Watched;
use crate::domain::rooms::Rooms;
use crate::effects::Effects;
use crate::engines::access::Access;
use crate::engines::cache::{self, Cache};
use crate::engines::ffmpeg::{self, Ffmpeg};
use crate::engines::files::Files;
use crate::engines::ground;
use crate::engines::hub::{self, Hub};
use crate::engines::index::{self, Index};
use crate::engines::limits::Limits;
use crate::engines::log;
use crate::engines::machine::Part;
use crate::engines::mail::{self, Mailer};
use crate::engines::metrics::Metrics;
use crate::engines::metrics::history::History;
use crate::engines::outbound;
use crate::engines::queue::{self, Queue};
use crate::engines::store::{self, Db, Store, Tx, once};
use crate::engines::trace;

tokio::task_local! {
    /// The `Idempotency-Key` of the present request, taken by its first write.
    static ONCE: Mutex<Option<once::Key>>;
}

/// The running program. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// See [`App`].
pub struct Inner {
    /// The settings that hold now.
    settings: ArcSwap<Settings>,
    /// Held while somebody changes them.
    pub changing: Arc<tokio::sync::Mutex<()>>,
    /// The data directory.
    pub dir: PathBuf,
    /// Time.
    pub clock: Clock,
    /// Rows and journal.
    pub store: Store,
    /// Durable jobs.
    pub queue: Queue,
    /// Answers that are kept, and who asks.
    pub cache: Cache<Viewer>,
    /// What is found.
    pub index: Arc<Index>,
    /// The last seq of the journal that was committed here: who follows the journal waits for it to move.
    pub committed: watch::Sender<i64>,
    /// Live rooms.
    pub hub: Hub,
    /// What happens in them beside the journal.
    pub rooms: Rooms,
    /// Who asked for what since the access log was last written.
    pub access: Access,
    /// Films watched since that was last written.
    pub watched: Watched,
    /// How often people ask, and say what in rooms.
    pub limits: Limits,
    /// What is counted.
    pub metrics: Metrics,
    /// What is done with backups at this moment.
    pub backups: backups::Now,
    /// What was last measured for the alerts.
    pub alerts: Watch,
    /// The same over time, in a file of its own.
    pub history: Arc<History>,
    /// Films on the disk.
    pub files: Files,
    /// ffmpeg and ffprobe.
    pub ffmpeg: Ffmpeg,
    mailer: ArcSwap<Mailer>,
    /// The code that guards the set-up of an empty instance.
    pub setup: Setup,
    /// Signs media URLs; made once per instance.
    pub signing_key: [u8; 32],
    /// When it was opened.
    pub started: Time,
    /// Set when it is about to stop: nothing new is begun.
    pub stopping: CancellationToken,
    /// Holds the directory against a second process.
    _lock: std::fs::File,
}

impl Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Opens everything in `dir` with these settings and what an admin has changed of them. A directory that another
    /// process has open is refused.
    pub async fn open(dir: &Path, layers: impl Into<Layers>, clock: Clock) -> anyhow::Result<App> {
        App::open_within(dir, layers, clock, Duration::ZERO).await
    }

    /// The same; another process that has the directory open is given so long to end.
    pub async fn open_within(
        dir: &Path,
        layers: impl Into<Layers>,
        clock: Clock,
        patience: Duration,
    ) -> anyhow::Result<App> {
        outbound::prepare();
        ground::make_own(dir).with_context(|| format!("cannot create the data directory {}", dir.display()))?;
        let lock = lock_within(dir, patience).await?;
        settle(dir)?;
        store::refuse_newer(dir)?;
        let (layers, left_out) = layers.into().with_kept(store::peek(dir, layers::KEPT));
        for left in left_out {
            tracing::warn!(setting = left.name, why = left.why.key, "a setting that was kept does not hold: left out");
        }
        let settings = Settings::begin(layers);
        let config = settings.config.clone();
        let queue = Queue::new(clock.clone());
        let hub = Hub::new(seats(&config), clock.clone());
        let rooms = Rooms::new(hub.clone(), clock.clone());
        let options = cache::Options {
            dir: dir.join("cache"),
            l1_bytes: config.cache.l1_mib << 20,
            l2_bytes: config.cache.l2_mib << 20,
            disk_bytes: config.cache.disk_mib << 20,
        };
        let cache = Cache::open(&options).await.context("cannot open the cache")?;
        let options = index::Options { dir: dir.join("index"), arena_bytes: config.search.arena_mib << 20 };
        let index = Arc::new(Index::open(options).context("cannot open the search index")?);
        let committed = watch::Sender::new(0);
        let effects = Effects {
            queue: queue.clone(),
            hub: hub.clone(),
            rooms: rooms.clone(),
            cache: cache.clone(),
            index: index.clone(),
            committed: committed.clone(),
        };
        let options = store::Options {
            dir: dir.to_owned(),
            readers: config.store.readers,
            write_queue: config.store.write_queue,
            batch: config.store.batch,
            cache_kib: config.store.cache_kib,
            mmap_bytes: config.store.mmap_mib << 20,
            snapshots: config.store.snapshots,
            beside: false,
        };
        let store = Store::open(&options, clock.clone(), move |batch| effects.after(batch))?;
        cache.revisions().load(store.read(crate::domain::journal::revisions).await?);
        let fresh = secret::random::<32>().to_vec();
        let key = store.write(move |tx| tx.secret("signing_key", &fresh)).await?;
        let signing_key = key.try_into().map_err(|_| anyhow::anyhow!("the instance's signing key is damaged"))?;
        let files = Files::open(dir).context("cannot open the media store")?;
        let ffmpeg = Ffmpeg::new(ffmpeg::Settings {
            ffmpeg: config.media.ffmpeg.clone().into(),
            ffprobe: config.media.ffprobe.clone().into(),
            // The lanes bound them, and can be changed while the program runs.
            max_long: 2 * queue::MAX_PLACES,
            at_most: films(&config),
            ..ffmpeg::Settings::default()
        })?;
        let mailer = ArcSwap::from_pointee(mailer(&config)?);
        let history = Arc::new(History::open(&dir.join("metrics.db"))?);
        let empty = !store.read(crate::domain::accounts::any).await?;
        let started = clock.now();
        let app = App(Arc::new(Inner {
            settings: ArcSwap::from_pointee(settings),
            changing: Arc::default(),
            dir: dir.to_owned(),
            clock,
            store,
            queue,
            cache,
            index,
            committed,
            hub,
            rooms,
            access: Access::default(),
            watched: Watched::default(),
            limits: Limits::default(),
            metrics: Metrics::new(),
            backups: backups::Now::default(),
            alerts: Watch::default(),
            history,
            files,
            ffmpeg,
            mailer,
            setup: Setup::new(empty),
            signing_key,
            started,
            stopping: CancellationToken::new(),
            _lock: lock,
        }));
        app.watch();
        crate::domain::backups::restore::hold_back(&app).await?;
        tokio::spawn(learn(app.store.clone(), app.cache.clone()));
        Ok(app)
    }

    /// The settings as they are now. Who needs several of them together asks once.
    pub fn config(&self) -> Arc<Config> {
        self.settings.load().config.clone()
    }

    /// Where they come from, and what of them waits for a restart.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// Counts what is to be counted, as the settings have it now.
    pub fn watch(&self) {
        let config = self.config();
        let wanted = &config.metrics;
        self.metrics.set(wanted.collect, wanted.slow_ms);
        self.store.watch(wanted.collect, wanted.slow_statement_ms);
    }

    /// What engines use the memory for: [`crate::engines::machine::memory`] adds the rest.
    pub fn heap(&self) -> [Part; 4] {
        /// What an idle socket was measured to take, with its buffers and its place in a room.
        const SOCKET_BYTES: u64 = 10_000;
        let sqlite = store::memory();
        let [(l1, _), (l2, _)] = self.cache.stats().memory;
        let measured = |name, bytes| Part { name, bytes, estimated: false };
        let estimated = |name, bytes| Part { name, bytes, estimated: true };
        [
            measured("page_cache", sqlite.page_cache),
            measured("sqlite", sqlite.used - sqlite.page_cache),
            // The tiers share the bodies that are in both.
            estimated("answers", l1.max(l2)),
            estimated("sockets", self.hub.sockets() as u64 * SOCKET_BYTES),
        ]
    }

    /// Lets other settings hold, as far as they can without a restart. They have been checked, and what is kept of them
    /// is committed.
    pub fn settle(&self, layers: Layers) {
        let before = self.config();
        let settings = self.settings().changed_to(layers);
        let now = settings.config.clone();
        self.settings.store(Arc::new(settings));
        if *before == *now {
            return;
        }
        // Most settings are asked for when they are needed. What follows holds a copy of its own.
        if before.mail != now.mail {
            match mailer(&now) {
                Ok(mailer) => self.mailer.store(Arc::new(mailer)),
                Err(error) => tracing::error!(%error, "the mail server stays the one that it was"),
            }
        }
        if before.log.level != now.log.level
            && let Err(error) = log::set_filter(&now.log.level, None)
        {
            tracing::error!(%error, "the log tells what it told before");
        }
        self.watch();
        self.hub.limit(seats(&now));
        self.queue.configure(Lane::Media, now.media.jobs);
        self.ffmpeg.bound(films(&now));
        // Answers show addresses and days as the settings were when they were kept.
        Group::ALL.iter().for_each(|group| self.cache.purge(*group));
    }

    /// The way to the mail server, as it is set now.
    pub fn mailer(&self) -> Arc<Mailer> {
        self.mailer.load_full()
    }

    /// Reads one snapshot.
    pub async fn read<T, F>(&self, f: F) -> Result<T>
    where
        F: FnOnce(&Db) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let here = trace::here();
        self.store
            .read(move |db| {
                let _inside = here.enter();
                f(db)
            })
            .await
    }

    /// Makes a change. In a request with an `Idempotency-Key`, its first change also reserves the key.
    pub async fn write<T, F>(&self, f: F) -> Result<T>
    where
        F: FnOnce(&mut Tx) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let key = ONCE.try_with(|key| key.lock().take()).ok().flatten();
        let here = trace::here();
        self.store
            .write(move |tx| {
                let _inside = here.enter();
                if let Some(key) = key {
                    once::reserve(tx, &key)?;
                }
                f(tx)
            })
            .await
    }

    /// Stops in order: no new work, running work ends or is handed back, what is open is closed.
    pub async fn close(&self) {
        self.stopping.cancel();
        self.hub.stop();
        self.queue.stop(Duration::ZERO).await;
        // Sockets say farewell meanwhile; one whose other end does not listen is not waited for.
        let _ = tokio::time::timeout(Duration::from_secs(2), self.hub.emptied()).await;
        self.index.close();
        self.store.close().await;
        self.cache.close().await;
    }
}

/// Tells the cache what happened last in each feedback.
async fn learn(store: Store, cache: Cache<Viewer>) {
    match store.read_ahead(crate::domain::journal::of_feedbacks).await {
        Ok(feedbacks) => cache.revisions().learn(feedbacks),
        Err(error) => tracing::warn!(%error, "answers about feedbacks from before the start are not found again"),
    }
}

fn seats(config: &Config) -> hub::Options {
    let rooms = &config.rooms;
    hub::Options { per_user: rooms.per_user, per_room: rooms.per_room, max: rooms.max_sockets, queue: rooms.queue }
}

fn films(config: &Config) -> ffmpeg::AtMost {
    let media = &config.media;
    ffmpeg::AtMost {
        pixels: media.max_pixels,
        ms: i64::from(media.max_hours) * 3_600_000,
        memory_bytes: media.ffmpeg_mib << 20,
    }
}

fn mailer(config: &Config) -> anyhow::Result<Mailer> {
    let mail = &config.mail;
    Mailer::new(mail::Settings {
        host: mail.host.clone(),
        port: mail.port,
        security: mail.security.clone(),
        user: mail.user.clone(),
        password: mail.password.clone(),
        from: mail.from.clone(),
        timeout: Duration::from_secs(mail.timeout_s.max(1)),
    })
}

/// Runs `request` so that its first change reserves `key`.
pub async fn once<F: Future>(key: once::Key, request: F) -> F::Output {
    ONCE.scope(Mutex::new(Some(key)), request).await
}

/// Has another process the directory open?
pub fn is_open(dir: &Path) -> anyhow::Result<bool> {
    let Ok(file) = std::fs::File::open(dir.join("lock")) else { return Ok(false) };
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(e) => Err(e.into()),
    }
}

/// Ends or throws away what a killed restore has left in a directory that nobody else has open.
fn settle(dir: &Path) -> anyhow::Result<()> {
    use crate::engines::backup::{Settled, settle};
    match settle(dir).with_context(|| format!("a restore into {} cannot be ended", dir.display()))? {
        Some(Settled::Finished(aside)) => {
            tracing::warn!(aside = %aside.display(), "a restore that was committed has come to its end");
        }
        Some(Settled::ThrownAway) => tracing::warn!("a restore that had not come to its end was thrown away"),
        None => {}
    }
    Ok(())
}

/// The same before a command that opens the database by itself.
pub fn settle_if_free(dir: &Path) -> anyhow::Result<()> {
    if !crate::engines::backup::is_begun(dir) || is_open(dir)? {
        return Ok(());
    }
    let _lock = lock(dir)?;
    settle(dir)
}

/// How often a lock that somebody else holds is tried.
const LOCK_LOOK: Duration = Duration::from_millis(25);

/// Holds the directory against other processes that would open it, as long as what is answered is kept.
pub fn lock(dir: &Path) -> anyhow::Result<std::fs::File> {
    let path = dir.join("lock");
    let file = std::fs::File::create(&path).with_context(|| format!("cannot write in {}", dir.display()))?;
    if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!("another videoplanet has {} open; stop it first, or give this one another --data", dir.display());
    }
    Ok(file)
}

/// The same; whoever holds it is given so long to let it go.
async fn lock_within(dir: &Path, patience: Duration) -> anyhow::Result<std::fs::File> {
    let begun = Instant::now();
    loop {
        match lock(dir) {
            Err(_) if begun.elapsed() < patience => tokio::time::sleep(LOCK_LOOK).await,
            locked => return locked,
        }
    }
}

/// The one-time code that protects the first page of an empty instance.
pub struct Setup(Mutex<Option<String>>);

impl Setup {
    fn new(empty: bool) -> Setup {
        Setup(Mutex::new(empty.then(|| secret::code(3))))
    }

    /// The code, while there is nobody.
    pub fn code(&self) -> Option<String> {
        self.0.lock().clone()
    }

    /// Is it the code? Compared in constant time, typed loosely.
    pub fn matches(&self, given: &str) -> bool {
        let Some(code) = self.code() else { return false };
        let (a, b) = (secret::hash(&secret::typed(given)), secret::hash(&secret::typed(&code)));
        a.ct_eq(&b).into()
    }

    /// Somebody is there: the code is spent.
    pub fn done(&self) {
        *self.0.lock() = None;
    }
}
