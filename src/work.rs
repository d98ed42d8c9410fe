//! What runs later: which function does which job, and what is done again and again.

use serde_json::Value;

use crate::app::App;
use crate::base::error::Result;
use crate::base::job::{Job, JobError};
use crate::engines::queue::{Lanes, Run};

/// Starts the queue's lanes.
pub async fn start(app: &App) -> Result<()> {
    let lanes = Lanes { light: 2, media: app.config.media.jobs, maintenance: 1 };
    let worker = app.clone();
    app.queue.start(app.store.clone(), lanes, move |job, run| perform(worker.clone(), job, run)).await
}

/// Does one job.
async fn perform(app: App, job: Job, _run: Run) -> Result<Value, JobError> {
    match job {
        Job::ProcessMedia { .. } => Err(JobError::Fail { error: "no pipeline".into(), stderr: String::new() }),
        Job::CleanUp => Ok(crate::domain::clean_up(&app).await?),
    }
}
