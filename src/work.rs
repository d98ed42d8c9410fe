//! What runs later: which function does which job, and what is done again and again.

use std::time::Duration;

use serde_json::Value;

use crate::app::App;
use crate::base::error::Result;
use crate::base::job::{Job, JobError};
use crate::domain::media;
use crate::engines::queue::{self, Lanes, NewJob, Run};

/// Starts the queue's lanes.
pub async fn start(app: &App) -> Result<()> {
    let lanes = Lanes { light: 2, media: app.config.media.jobs, maintenance: 1 };
    let worker = app.clone();
    app.queue.start(app.store.clone(), lanes, move |job, run| perform(worker.clone(), job, run)).await?;
    tokio::spawn(again_and_again(app.clone()));
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

/// Cleans up at start, which also finishes what a crash left, and every hour.
async fn again_and_again(app: App) {
    let mut hours = tokio::time::interval(Duration::from_secs(3600));
    loop {
        tokio::select! {
            _ = hours.tick() => {}
            () = app.stopping.cancelled() => return,
        }
        let job = NewJob { dedup_key: Some("clean_up".into()), ..Job::CleanUp.into() };
        if let Err(e) = app.store.write(move |tx| queue::enqueue(tx, job)).await {
            tracing::warn!(error = %e, "cannot schedule the hourly clean-up");
        }
    }
}

/// Does one job.
async fn perform(app: App, job: Job, run: Run) -> Result<Value, JobError> {
    match job {
        Job::ProbeMedia { media } => media::probe(&app, &run, media).await,
        Job::ProcessMedia { media } => media::process(&app, &run, media).await,
        Job::CleanUp => Ok(crate::domain::clean_up(&app).await?),
    }
}
