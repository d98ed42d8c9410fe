//! What runs later: which function does which job, and what is done again and again.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::base::clock::{DAY, Time};
use crate::base::error::{Error, Result};
use crate::base::ids::JobId;
use crate::base::job::{Job, JobError, Lane};
use crate::domain::{
    Embed, access, alerts, backups, comments, feedback, journal, media, notices, plans, search, storage, webhooks,
};
use crate::engines::log;
use crate::engines::machine::{self, Part};
use crate::engines::metrics::history::{Counted, Sample};
use crate::engines::queue::{self, Keep, Lanes, NewJob, Run};
use crate::engines::schedule::{self, Entry, Missed};
use crate::engines::store::Tx;

/// Starts the queue's lanes, what is done again and again, and the search index's way along the journal.
pub async fn start(app: &App) -> Result<()> {
    let lanes = Lanes { light: 2, media: app.config().media.jobs, outbound: 4, maintenance: 1 };
    let worker = app.clone();
    app.queue.start(app.store.clone(), lanes, move |job, run| perform(worker.clone(), job, run)).await?;
    // Versions whose job a crash has ended for good say so.
    app.store.write(media::settle).await?;
    if app.store.read(media::shelf::unmeasured).await? {
        app.store.write(|tx| once(tx, Job::StorageCheck)).await?;
    }
    let zone = app.config().schedule.time_zone.clone();
    app.store.write(move |tx| schedule::begin(tx, SCHEDULE, &zone)).await?;
    app.history.mark(app.started, "start", env!("CARGO_PKG_VERSION"))?;
    tokio::spawn(again_and_again(app.clone()));
    tokio::spawn(guard_disk(app.clone()));
    tokio::spawn(search::follow(app.clone()));
    tokio::spawn(notices::follow(app.clone()));
    tokio::spawn(webhooks::follow(app.clone()));
    tokio::spawn(alerts::start(app.clone()));
    tokio::spawn(media::prove_ffmpeg(app.clone()));
    Ok(())
}

/// What is done again and again, as long as no admin has set it otherwise. One line a job; its name is that of its kind,
/// its texts are `admin.kind.<name>` and `admin.schedule.about.<name>`. What can wait is done at night.
pub const SCHEDULE: &[Entry] = &[
    // At each start as well: it finishes what a crash left.
    Entry::new(Job::CleanUp, "5 * * * *", Missed::Run).at_start(),
    // And gives mails a new job whose own a crash has ended for good.
    Entry::new(Job::SendDigests, "*/5 * * * *", Missed::Run).at_start(),
    // In the morning, when a day can still be planned.
    Entry::new(Job::Remind, "0 8 * * *", Missed::Run),
    Entry::new(Job::PruneNotices, "15 3 * * *", Missed::Run),
    Entry::new(Job::CacheWarm, "35 * * * *", Missed::Skip).at_start(),
    Entry::new(Job::EvictRenditions, "20 * * * *", Missed::Skip),
    Entry::new(Job::PruneJobs, "10 3 * * *", Missed::Run),
    Entry::new(Job::PruneJournal, "25 3 * * *", Missed::Run),
    // Before the night's work on the database, and missed ones are made up for: a backup that is late is better than none.
    Entry::new(Job::Backup { to: String::new() }, "10 2 * * *", Missed::Run),
    Entry::new(Job::PurgeTrash, "30 3 * * *", Missed::Run),
    Entry::new(Job::CleanClosed, "0 4 * * *", Missed::Run),
    Entry::new(Job::DbOptimize, "40 3 * * *", Missed::Run),
    Entry::new(Job::IntegrityCheck, "30 4 * * 0", Missed::Run),
    Entry::new(Job::StorageCheck, "45 4 * * 0", Missed::Run),
    Entry::new(Job::OrphanScan, "0 5 * * 0", Missed::Run),
];

/// The entry of that name.
pub fn entry(name: &str) -> Result<&'static Entry> {
    SCHEDULE.iter().find(|e| e.name() == name).ok_or(Error::NotFound("schedule"))
}

/// Adds the jobs that are due by now; answers how many. A look is a read: while nothing is due, nothing is written.
pub async fn tick(app: &App) -> Result<usize> {
    let now = app.clock.now();
    if !app.store.read_ahead(move |db| schedule::any_due(db, now)).await? {
        return Ok(0);
    }
    app.store.write(|tx| schedule::tick(tx, SCHEDULE)).await
}

/// Looks each second what is due, so that what another process has changed is noticed, and whether the log's filter is to
/// give way, and writes the metrics' history; twice a minute the access log and what was watched.
async fn again_and_again(app: App) {
    let every = |seconds| {
        let mut interval = tokio::time::interval(Duration::from_secs(seconds));
        // After a pause (a suspended machine) once, not as often as it was missed.
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        interval
    };
    let (mut seconds, mut halves, mut history) = (every(1), every(30), every(1));
    let mut gauges = Gauges::default();
    loop {
        let done = tokio::select! {
            _ = seconds.tick() => {
                log::tick(app.clock.now());
                tick(&app).await.map(|_| ())
            }
            _ = halves.tick() => match media::watched::flush(&app).await {
                Ok(_) => access::flush(&app).await.map(|_| ()),
                Err(e) => Err(e),
            },
            _ = history.tick() => keep_second(&app, &mut gauges).await,
            () = app.stopping.cancelled() => {
                let now = app.clock.now();
                let done = app.history.finish(&counted(&app), &gauges.last);
                if let Err(e) = done.and_then(|()| app.history.mark(now, "stop", env!("CARGO_PKG_VERSION"))) {
                    tracing::warn!(error = %e, "the last numbers were not kept");
                }
                return;
            }
        };
        if let Err(e) = done {
            tracing::warn!(error = %e, "what is done again and again was not done this time");
        }
    }
}

/// Begins no media job while the disk has less room than is to be kept free: the jobs wait, and lose no try by it.
async fn guard_disk(app: App) {
    let mut looks = tokio::time::interval(Duration::from_secs(2));
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = app.stopping.cancelled() => return,
        }
        let files = app.files.clone();
        let Ok(Ok(space)) = tokio::task::spawn_blocking(move || files.space()).await else { continue };
        let full = space.free < app.config().media.keep_free_bytes;
        app.queue.hold(Lane::Media, full.then_some("admin.lane.disk_full"));
    }
}

/// The gauges of the metrics' history that are dear to read, and when they were.
#[derive(Default)]
pub struct Gauges {
    looked: Option<Time>,
    /// What the machine said at the last look.
    machine: machine::Before,
    last: Sample,
}

impl Gauges {
    /// Reads them. Jobs, sizes and memory are read each ten seconds, the rest at each look.
    async fn read(&mut self, app: &App) -> Result<Sample> {
        let now = app.clock.now();
        if self.looked.is_none_or(|at| (now.0 - at.0).abs() >= 10_000) {
            self.looked = Some(now);
            let jobs = app.store.read_ahead(queue::counts).await?;
            let (dir, heap, files, store) = (app.dir.clone(), app.heap(), app.files.clone(), app.store.clone());
            // Without the app: a look that lasts must not keep the directory shut when the program has stopped.
            let read = tokio::task::spawn_blocking(move || Sample {
                memory: memory(&dir, heap),
                open_files: machine::own().map_or(0, |own| own.open_files as u64),
                disk_free_bytes: files.space().map_or(0, |space| space.free),
                database_bytes: store.size_bytes().0,
                ..Sample::default()
            });
            self.last = read.await.map_err(Error::internal)?.with_jobs(&jobs);
        }
        let usage = machine::usage(&mut self.machine);
        Ok(Sample {
            sockets: app.hub.sockets() as u64,
            lanes: app.queue.lanes().into_iter().map(|lane| (lane.lane.to_string(), lane.running as u64)).collect(),
            writes_waiting: app.store.write_queue_len() as u64,
            cpu: usage.own,
            cores: usage.cores,
            ..self.last.clone()
        })
    }
}

/// Memory by part.
fn memory(dir: &Path, heap: [Part; 4]) -> BTreeMap<String, u64> {
    let parts = machine::memory(dir, heap).map(|memory| memory.parts).unwrap_or_default();
    parts.into_iter().map(|part| (part.name.to_owned(), part.bytes)).collect()
}

/// What was counted since the start, the cache's counts among it.
fn counted(app: &App) -> Counted {
    let cache = app.cache.stats();
    let mut counted = app.metrics.counted();
    (counted.cache_hits, counted.cache_misses) = (cache.hits, cache.misses);
    counted
}

/// Tells the metrics' history what is counted by now. Once a second.
pub async fn keep_second(app: &App, gauges: &mut Gauges) -> Result<()> {
    if !app.metrics.is_on() {
        return Ok(());
    }
    let sample = gauges.read(app).await?;
    let (history, now, counted) = (app.history.clone(), app.clock.now(), counted(app));
    let kept = tokio::task::spawn_blocking(move || history.tick(now, &counted, &sample));
    kept.await.map_err(Error::internal)?
}

/// Adds a job that is worth running once, however often it is asked for while it waits.
pub fn once(tx: &mut Tx, job: Job) -> Result<JobId> {
    let dedup_key = Some(job.kind().as_str().to_owned());
    queue::enqueue(tx, NewJob { dedup_key, ..job.into() })
}

/// Does one job.
async fn perform(app: App, job: Job, run: Run) -> Result<Value, JobError> {
    match job {
        Job::ProbeMedia { media } => media::probe(&app, &run, media).await,
        Job::ProcessMedia { media, again } => media::process(&app, &run, media, &again).await,
        Job::PictureMedia { media, again } => media::pictures(&app, &run, media, &again).await,
        Job::ProxyMedia { media, again } => media::film(&app, &run, media, &again).await,
        Job::HlsMedia { media, again } => media::ladder(&app, &run, media, &again).await,
        Job::DraftStoryboard { plan, ask } => plans::storyboard::draft(&app, &run, plan, ask).await,
        Job::SendMail { mail } => notices::work::send(&app, &run, mail).await,
        Job::CallWebhook { delivery } => webhooks::work::call(&app, &run, delivery).await,
        Job::TellAlert { telling } => alerts::tell::tell(&app, &run, telling).await,
        Job::Remind => notices::work::remind(&app, &run).await,
        Job::SendDigests => notices::work::digest(&app, &run).await,
        Job::PruneNotices => notices::work::prune(&app, &run).await,
        Job::CacheWarm => {
            let warmed = access::warm(&app, &run, Embed(feedback::embed), Embed(comments::embed)).await?;
            Ok(serde_json::to_value(warmed)?)
        }
        Job::Reindex => Ok(serde_json::to_value(search::operate::reindex(&app, &run).await?)?),
        Job::CleanUp => Ok(crate::domain::clean_up(&app).await?),
        Job::DbOptimize => Ok(serde_json::to_value(app.store.tidy(run.cancel).await?)?),
        Job::IntegrityCheck => integrity(&app, run).await,
        Job::PruneJournal => Ok(serde_json::to_value(journal::prune::prune(&app, &run.cancel).await?)?),
        Job::PruneJobs => {
            let (now, config) = (app.clock.now(), app.config());
            let keep = &config.jobs;
            let before = |days: i64| (days > 0).then(|| now.plus(-days * DAY));
            let keep = Keep { done: before(keep.keep_days), failed: before(keep.keep_failed_days) };
            Ok(serde_json::to_value(queue::prune(&app.store, keep, &run.cancel).await?)?)
        }
        Job::StorageCheck => Ok(serde_json::to_value(storage::check::check(&app, &run).await?)?),
        Job::EvictRenditions => Ok(serde_json::to_value(storage::evict::evict(&app, &run).await?)?),
        Job::PurgeTrash => Ok(serde_json::to_value(storage::trash::purge(&app, &run).await?)?),
        Job::CleanClosed => storage::closed::clean(&app, &run).await,
        Job::Backup { to } => backups::work::take(&app, &run, to).await,
        Job::VerifyBackup { backup, all } => backups::work::verify(&app, &run, backup, all).await,
        Job::DeleteBackup { backup } => backups::work::delete(&app, &run, backup).await,
        Job::OrphanScan => Ok(serde_json::to_value(storage::orphans::scan(&app, &run).await?)?),
        Job::OrphanDelete { scan } => Ok(serde_json::to_value(storage::orphans::delete(&app, &run, scan).await?)?),
    }
}

/// A database that is not whole is a failed job: time does not heal it, and somebody has to see it.
async fn integrity(app: &App, run: Run) -> Result<Value, JobError> {
    let checked = app.store.check(run.cancel).await?;
    if checked.damages.is_empty() {
        return Ok(serde_json::json!({ "pages": checked.pages, "ms": checked.ms }));
    }
    let error = checked.damages.join("\n");
    tracing::error!(damages = error, "the database is damaged: restore a snapshot or a backup");
    Err(JobError::Fail { error, stderr: String::new() })
}
