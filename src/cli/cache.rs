//! `videoplanet cache`: what can be asked of the cache from the shell, also while the server runs.

use std::path::Path;

use clap::Subcommand;

use crate::base::event::Event;
use crate::base::job::{Job, JobKind};
use crate::work;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Read ahead what the busiest people of the last day ask for first. The running server does it at once, a stopped
    /// one when it starts.
    Warm,
}

pub(super) async fn run(dir: &Path, Command::Warm: Command) -> anyhow::Result<()> {
    let store = super::beside(dir)?;
    let job = store
        .write(|tx| {
            let job = work::once(tx, Job::CacheWarm)?;
            tx.emit(None, None, Event::JobAsked { job, kind: JobKind::CacheWarm }, None)?;
            Ok(job)
        })
        .await?;
    store.close().await;
    println!("job {job} warms the cache; /admin/cache shows what it brought");
    Ok(())
}
