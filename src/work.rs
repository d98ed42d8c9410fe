//! What runs later: which function does which job, and what is done again and again.

use std::time::Duration;

use serde_json::Value;

use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::JobId;
use crate::base::job::{Job, JobError, Lane};
use crate::domain::{Embed, access, comments, feedback, media, search, storage};
use crate::engines::queue::{self, Lanes, NewJob, Run};
use crate::engines::store::Tx;

/// Starts the queue's lanes, what is done again and again, and the search index's way along the journal.
pub async fn start(app: &App) -> Result<()> {
    let lanes = Lanes { light: 2, media: app.config.media.jobs, maintenance: 1 };
    let worker = app.clone();
    app.queue.start(app.store.clone(), lanes, move |job, run| perform(worker.clone(), job, run)).await?;
    tokio::spawn(again_and_again(app.clone()));
    tokio::spawn(guard_disk(app.clone()));
    tokio::spawn(search::follow(app.clone()));
    let ffmpeg = app.ffmpeg.clone();
    tokio::spawn(async move {
        match ffmpeg.version().await {
            Ok(version) => tracing::info!(version, "ffmpeg is there"),
            Err(e) => {
                tracing::error!(error = %e, "no film can be processed: ffmpeg, ffprobe, setpriv, prlimit and nice are needed")
            }
        }
    });
    Ok(())
}

/// Cleans up and warms the cache at start and every hour; the clean-up also finishes what a crash left. Writes the
/// access log, and what was watched, twice a minute.
async fn again_and_again(app: App) {
    let mut hours = tokio::time::interval(Duration::from_secs(3600));
    let mut halves = tokio::time::interval(Duration::from_secs(30));
    loop {
        let done = tokio::select! {
            _ = hours.tick() => app.store.write(|tx| once(tx, Job::CleanUp).and_then(|_| once(tx, Job::CacheWarm))).await.map(|_| ()),
            _ = halves.tick() => match media::watched::flush(&app).await {
                Ok(_) => access::flush(&app).await.map(|_| ()),
                Err(e) => Err(e),
            },
            () = app.stopping.cancelled() => return,
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
        let full = space.free < app.config.media.keep_free_bytes;
        app.queue.hold(Lane::Media, full.then_some("admin.lane.disk_full"));
    }
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
        Job::ProcessMedia { media } => media::process(&app, &run, media).await,
        Job::CacheWarm => {
            let warmed = access::warm(&app, &run, Embed(feedback::embed), Embed(comments::embed)).await?;
            Ok(serde_json::to_value(warmed)?)
        }
        Job::Reindex => Ok(serde_json::to_value(search::operate::reindex(&app, &run).await?)?),
        Job::CleanUp => Ok(crate::domain::clean_up(&app).await?),
        Job::StorageCheck => Ok(serde_json::to_value(storage::check::check(&app, &run).await?)?),
        Job::EvictRenditions => Ok(serde_json::to_value(storage::evict::evict(&app, &run).await?)?),
        Job::PurgeTrash => Ok(serde_json::to_value(storage::trash::purge(&app, &run).await?)?),
        Job::CleanClosed => storage::closed::clean(&app, &run).await,
        Job::OrphanScan => Ok(serde_json::to_value(storage::orphans::scan(&app, &run).await?)?),
        Job::OrphanDelete { scan } => Ok(serde_json::to_value(storage::orphans::delete(&app, &run, scan).await?)?),
    }
}
