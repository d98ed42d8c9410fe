//! Encoded answers in three tiers: process memory (L1), the hybrid cache's memory (L2) and its disk (L3). The only room
//! that names foyer.
//!
//! Laws: an entry is never changed, only followed. Its key carries the revision of what it depends on ([`Revisions`]), so
//! that a stale one is out of reach, also after a crash with a disk tier that survived; age and space decide only how long
//! it stays. Loading is single-flight: however many ask at once, one reads. Nothing here is the only copy of anything: a
//! tier that is damaged, full or read-only is a miss and an alert, never an error.

mod ahead;
mod body;
mod counters;
mod disk;
mod held;
mod revisions;
mod vouched;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use foyer::{
    BlockEngineConfig, Code, DeviceBuilder, Event, EventListener, FsDeviceBuilder, HybridCache, HybridCacheBuilder,
    HybridCachePolicy, PsyncIoEngineConfig, RecoverMode, Source,
};
use parking_lot::{Mutex, RwLock};
use tokio::sync::OnceCell;

use crate::base::clock::Time;
use crate::base::error::Result;
use crate::base::group::Group;
use crate::base::ids::{CommentId, FeedbackId, ProjectId};
pub use ahead::{Ahead, Recipe, Scope};
use body::Kept;
pub use body::{Body, tag};
pub use counters::{Counters, GroupStats, Stats, Tier, ratio};
use disk::Disk;
pub use held::Held;
pub use revisions::{Journal, Moved, Rev, Revisions, Ticket};
use vouched::Front;
pub use vouched::{On, Vouched};

/// Sessions that are held at once.
const SESSIONS: usize = 20_000;
/// Rows whose project is known without asking.
const PLACES: usize = 100_000;

/// How to open the cache.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its directory.
    pub dir: PathBuf,
    /// Bytes of L1.
    pub l1_bytes: usize,
    /// Bytes of L2.
    pub l2_bytes: usize,
    /// Bytes of L3; 0 for none.
    pub disk_bytes: u64,
}

/// What an entry is found by: a hash over its group, its request, its reader and its revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of `text`, which names everything that the entry depends on.
    pub fn of(text: &str) -> Key {
        Key::hashed(text.as_bytes())
    }

    /// The key of other bytes.
    pub fn hashed(bytes: &[u8]) -> Key {
        Key(*blake3::hash(bytes).as_bytes())
    }
}

impl Code for Key {
    fn encode(&self, to: &mut impl std::io::Write) -> foyer::Result<()> {
        to.write_all(&self.0).map_err(foyer::Error::io_error)
    }

    fn decode(from: &mut impl std::io::Read) -> foyer::Result<Key> {
        let mut bytes = [0; 32];
        from.read_exact(&mut bytes).map_err(foyer::Error::io_error)?;
        Ok(Key(bytes))
    }

    fn estimated_size(&self) -> usize {
        32
    }
}

/// The open cache, with sessions of type `S`. Cheap to clone.
pub struct Cache<S: Send + Sync + 'static>(Arc<Inner<S>>);

impl<S: Send + Sync + 'static> Clone for Cache<S> {
    fn clone(&self) -> Cache<S> {
        Cache(self.0.clone())
    }
}

struct Inner<S: Send + Sync + 'static> {
    front: Front<S>,
    l1: foyer::Cache<Key, Kept>,
    hybrid: HybridCache<Key, Kept>,
    capacity: [u64; 2],
    /// The disk tier, or why there is none although one is wanted.
    disk: Result<Option<Disk>, String>,
    build: String,
    flights: Mutex<HashMap<Key, Arc<OnceCell<Arc<Body>>>>>,
    groups: Groups,
    epochs: RwLock<BTreeMap<Group, u64>>,
    purges: AtomicU64,
    revisions: Arc<Revisions>,
    sessions: Held<S>,
    ahead: Ahead<S>,
    feedbacks: Held<ProjectId>,
    comments: Held<(ProjectId, FeedbackId)>,
}

type Groups = Arc<[Arc<Counters>]>;

/// Counts what leaves a tier in memory.
struct Watch {
    tier: Tier,
    groups: Groups,
}

impl EventListener for Watch {
    type Key = Key;
    type Value = Kept;

    fn on_leave(&self, reason: Event, _: &Key, kept: &Kept) {
        self.groups[kept.0.group as usize].left(self.tier, kept.0.weight(), reason == Event::Evict);
    }
}

/// How an answer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It was kept.
    In(Tier),
    /// It was read now.
    Loaded,
}

impl<S: Clone + Send + Sync + 'static> Cache<S> {
    /// Opens the cache. A disk tier that cannot be used is done without.
    pub async fn open(options: &Options) -> anyhow::Result<Cache<S>> {
        let groups: Groups = Group::ALL.iter().map(|_| Arc::default()).collect();
        let build = disk::build();
        let (disk, epochs) = match options.disk_bytes {
            0 => (Ok(None), BTreeMap::new()),
            bytes => match Disk::open(&options.dir, bytes, &build) {
                Ok((disk, epochs)) => (Ok(Some(disk)), epochs),
                Err(e) => (Err(e), BTreeMap::new()),
            },
        };
        let opened = match &disk {
            Ok(Some(disk)) => match hybrid(options, &groups, Some(disk)).await {
                // What a crash or a bad sector left: begin with an empty one.
                Err(_) => disk.empty().and(hybrid(options, &groups, Some(disk)).await),
                opened => opened,
            },
            _ => hybrid(options, &groups, None).await,
        };
        let (hybrid, disk) = match (opened, disk) {
            (Ok(hybrid), disk) => (hybrid, disk),
            (Err(e), _) => (hybrid(options, &groups, None).await?, Err(e)),
        };
        let disk = disk.map_err(|e| {
            tracing::error!(error = format!("{e:#}"), "the cache does without its disk tier");
            format!("{e:#}")
        });
        // Both halves of the first tier share most of their bodies.
        let front = Front::new(options.l1_bytes / 2);
        let l1 = foyer::CacheBuilder::new(options.l1_bytes / 2)
            .with_name("l1")
            .with_weighter(weight)
            .with_event_listener(Arc::new(Watch { tier: Tier::L1, groups: groups.clone() }))
            .build();
        let revisions = Arc::new(Revisions::default());
        let counters = |g: Group| groups[g as usize].clone();
        let (sessions, places) = (counters(Group::Sessions), counters(Group::Places));
        Ok(Cache(Arc::new(Inner {
            front,
            l1,
            hybrid,
            capacity: [options.l1_bytes as u64, options.l2_bytes as u64],
            disk,
            build,
            flights: Mutex::default(),
            sessions: Held::new(SESSIONS, revisions.clone(), sessions),
            feedbacks: Held::new(PLACES, revisions.clone(), places.clone()),
            comments: Held::new(PLACES, revisions.clone(), places),
            groups,
            epochs: RwLock::new(epochs),
            purges: AtomicU64::new(0),
            ahead: Ahead::default(),
            revisions,
        })))
    }

    /// What answers depend on.
    pub fn revisions(&self) -> &Revisions {
        &self.0.revisions
    }

    /// Who asks and what he may do, by the hash of his token.
    pub fn sessions(&self) -> &Held<S> {
        &self.0.sessions
    }

    /// What may be read ahead.
    pub fn ahead(&self) -> &Ahead<S> {
        &self.0.ahead
    }

    /// In which project a feedback stands. It never moves.
    pub fn project_of_feedback(&self, id: FeedbackId) -> Option<ProjectId> {
        self.0.feedbacks.get(&Key::of(&id.to_string()))
    }

    /// In which project and feedback a comment stands. It never moves.
    pub fn place_of_comment(&self, id: CommentId) -> Option<(ProjectId, FeedbackId)> {
        self.0.comments.get(&Key::of(&id.to_string()))
    }

    /// Notes where a feedback stands.
    pub fn place_feedback(&self, id: FeedbackId, project: ProjectId) {
        self.0.feedbacks.put(Key::of(&id.to_string()), self.0.revisions.ticket(), None, project);
    }

    /// Notes where a comment stands.
    pub fn place_comment(&self, id: CommentId, place: (ProjectId, FeedbackId)) {
        self.0.comments.put(Key::of(&id.to_string()), self.0.revisions.ticket(), None, place);
    }

    /// The answer to what a session asked before, if everything that vouches for it stands.
    pub fn vouched(&self, key: &Key, now: Time) -> Option<Arc<Vouched<S>>> {
        let inner = &*self.0;
        let found = inner.front.get(key, &inner.revisions, self.purges(), now)?;
        inner.groups[found.body.group as usize].hit(Tier::L1);
        Some(found)
    }

    /// Keeps an answer with what vouches for it.
    pub fn vouch(&self, key: Key, vouched: Arc<Vouched<S>>) {
        self.0.front.put(key, vouched);
    }

    /// How often anything was purged.
    pub fn purges(&self) -> u64 {
        self.0.purges.load(Ordering::SeqCst)
    }

    /// How often a group was purged: part of its keys.
    pub fn epoch(&self, group: Group) -> u64 {
        self.0.epochs.read().get(&group).copied().unwrap_or(0)
    }

    /// The answer under `key`; read by `load` if it is kept nowhere. Who asks while another is reading gets what that
    /// one reads. An error is kept for nobody. What `counts` is somebody's question; what the program reads ahead by
    /// itself is not, and the hit ratio says how people are served.
    pub async fn get_or_load<F>(&self, group: Group, key: Key, counts: bool, load: F) -> Result<(Found, Arc<Body>)>
    where
        F: Future<Output = Result<Body>>,
    {
        let inner = &*self.0;
        let counters = &inner.groups[group as usize];
        if let Some(entry) = inner.l1.get(&key) {
            if counts {
                counters.hit(Tier::L1);
            }
            return Ok((Found::In(Tier::L1), entry.value().0.clone()));
        }
        let flight = self.join(key);
        let mut found = None;
        let body = flight.cell.get_or_try_init(|| async {
            let (how, body) = match self.look(&key).await {
                Some((tier, body)) => (Found::In(tier), body),
                None => {
                    found = Some(Found::Loaded);
                    let start = Instant::now();
                    let body = Arc::new(load.await?);
                    counters.loaded(start.elapsed());
                    inner.hybrid.insert(key, Kept(body.clone()));
                    counters.came(Tier::L2, body.weight());
                    (Found::Loaded, body)
                }
            };
            found = Some(how);
            // Before the flight ends, so that there is no moment in which it is neither here nor there.
            inner.l1.insert(key, Kept(body.clone()));
            counters.came(Tier::L1, body.weight());
            Ok(body)
        });
        let body: Result<Arc<Body>> = body.await.cloned();
        let found = found.unwrap_or(Found::In(Tier::L1));
        match found {
            _ if !counts => {}
            Found::In(tier) => counters.hit(tier),
            Found::Loaded => counters.missed(),
        }
        Ok((found, body?))
    }

    /// In the hybrid cache's memory or on its disk. Trouble with the disk is a miss.
    async fn look(&self, key: &Key) -> Option<(Tier, Arc<Body>)> {
        match self.0.hybrid.get(key).await {
            Ok(Some(entry)) => {
                let body = entry.value().0.clone();
                let tier = if entry.source() == Source::Disk { Tier::L3 } else { Tier::L2 };
                if tier == Tier::L3 {
                    self.0.groups[body.group as usize].came(Tier::L2, body.weight());
                }
                Some((tier, body))
            }
            Ok(None) => None,
            Err(e) => {
                tracing::warn!(error = %e, "the cache's disk tier did not answer");
                None
            }
        }
    }

    /// Says that an answer of this group was read past the cache.
    pub fn bypassed(&self, group: Group) {
        self.0.groups[group as usize].bypassed();
    }

    /// Makes every entry of a group unreachable; it is loaded anew.
    pub fn purge(&self, group: Group) {
        let mut epochs = self.0.epochs.write();
        *epochs.entry(group).or_default() += 1;
        self.0.purges.fetch_add(1, Ordering::SeqCst);
        if let Ok(Some(disk)) = &self.0.disk
            && let Err(e) = disk.mark(&self.0.build, &epochs)
        {
            // Until the next start the purge holds all the same.
            tracing::error!(error = format!("{e:#}"), "cannot note a purge in the cache's directory");
        }
        drop(epochs);
        match group {
            Group::Sessions => self.0.sessions.clear(),
            Group::Places => {
                self.0.feedbacks.clear();
                self.0.comments.clear();
            }
            _ => {}
        }
    }

    /// Forgets everything in memory, as a restart does; the disk tier stays.
    pub fn forget_memory(&self) {
        self.0.front.clear();
        self.0.l1.clear();
        self.0.hybrid.memory().clear();
        self.0.sessions.clear();
        self.0.feedbacks.clear();
        self.0.comments.clear();
    }

    /// Counters and sizes.
    pub fn stats(&self) -> Stats {
        let inner = &*self.0;
        let groups: Vec<GroupStats> = Group::ALL.iter().map(|g| inner.groups[*g as usize].read(*g)).collect();
        let answers = || groups.iter().filter(|g| !matches!(g.group, Group::Sessions | Group::Places));
        let hits = [0, 1, 2].map(|i| answers().map(|g| g.hits[i]).sum());
        let misses = answers().map(|g| g.misses).sum();
        let io = inner.hybrid.statistics();
        Stats {
            memory: [
                (inner.l1.usage() as u64, inner.capacity[0]),
                (inner.hybrid.memory().usage() as u64, inner.capacity[1]),
            ],
            disk_bytes: inner.disk.as_ref().ok().and_then(|d| d.as_ref()).map(|d| d.capacity as u64),
            disk_io: (io.disk_write_bytes() as u64, io.disk_read_bytes() as u64),
            disk_trouble: inner.disk.as_ref().err().cloned(),
            hits,
            misses,
            hit_ratio: ratio(hits.iter().sum(), misses),
            groups,
        }
    }

    /// Writes to the disk tier what still waits. Must be awaited before the runtime ends.
    pub async fn close(&self) {
        if let Err(e) = self.0.hybrid.close().await {
            tracing::warn!(error = %e, "the cache's disk tier was not closed in order");
        }
    }

    fn join(&self, key: Key) -> Flight<'_, S> {
        let cell = self.0.flights.lock().entry(key).or_default().clone();
        Flight { cache: &self.0, key, cell }
    }
}

/// One load under way, shared by all who ask for the same. The last one out takes it from the table, also when the
/// connection of whoever was reading broke in the middle.
struct Flight<'a, S: Send + Sync + 'static> {
    cache: &'a Inner<S>,
    key: Key,
    cell: Arc<OnceCell<Arc<Body>>>,
}

impl<S: Send + Sync + 'static> Drop for Flight<'_, S> {
    fn drop(&mut self) {
        let mut flights = self.cache.flights.lock();
        // Ours and the table's own.
        let last = Arc::strong_count(&self.cell) <= 2;
        if (last || self.cell.initialized()) && flights.get(&self.key).is_some_and(|c| Arc::ptr_eq(c, &self.cell)) {
            flights.remove(&self.key);
        }
    }
}

fn weight(_: &Key, kept: &Kept) -> usize {
    kept.0.weight()
}

async fn hybrid(options: &Options, groups: &Groups, disk: Option<&Disk>) -> anyhow::Result<HybridCache<Key, Kept>> {
    let memory = HybridCacheBuilder::new()
        .with_name("answers")
        // On insertion, so that a crash loses no more of the disk tier than its last moments.
        .with_policy(HybridCachePolicy::WriteOnInsertion)
        .with_event_listener(Arc::new(Watch { tier: Tier::L2, groups: groups.clone() }))
        .memory(options.l2_bytes)
        .with_weighter(weight)
        .storage();
    let Some(disk) = disk else { return Ok(memory.build().await?) };
    let dir: &Path = &disk.blocks;
    let device = FsDeviceBuilder::new(dir).with_capacity(disk.capacity).build()?;
    let engine = BlockEngineConfig::new(device)
        .with_block_size(disk::BLOCK)
        // Entries that come in bursts and find no room here are dropped without a word.
        .with_buffer_pool_size(16 << 20)
        .with_submit_queue_size_threshold(32 << 20);
    let storage = memory
        .with_io_engine_config(PsyncIoEngineConfig::new())
        .with_engine_config(engine)
        .with_recover_mode(RecoverMode::Quiet);
    Ok(storage.build().await?)
}

#[cfg(test)]
mod tests;
