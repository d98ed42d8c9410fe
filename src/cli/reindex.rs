//! `videoplanet reindex`: builds the search index anew, in the running server or here.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::app::{self, App};
use crate::base::clock::Clock;
use crate::base::event::Event;
use crate::base::job::{JobKind, JobState};
use crate::config::Layers;
use crate::domain::search::{self, operate};
use crate::engines::queue;

pub(super) async fn run(dir: &Path, layers: Layers) -> anyhow::Result<()> {
    anyhow::ensure!(dir.join("videoplanet.db").exists(), "{} holds no VideoPlanet; name another --data", dir.display());
    if app::is_open(dir)? { in_server(dir).await } else { here(dir, layers).await }
}

/// The server does it as a job, goes on to answer from the old index meanwhile, and tells how far it is.
async fn in_server(dir: &Path) -> anyhow::Result<()> {
    let store = super::beside(dir)?;
    let job = store
        .write(|tx| {
            let job = operate::ask(tx)?;
            tx.emit(None, None, Event::JobAsked { job, kind: JobKind::Reindex }, None)?;
            Ok(job)
        })
        .await?;
    println!("the running server builds the search index anew (job {job})");
    let mut ticks = tokio::time::interval(Duration::from_millis(300));
    loop {
        ticks.tick().await;
        let Some(row) = store.read(move |db| queue::by_id(db, job)).await? else { break };
        match row.state {
            JobState::Ready | JobState::Running | JobState::Retry => {
                say(row.progress.map_or(0.0, |p| p.percent));
            }
            JobState::Done => break,
            _ => anyhow::bail!("\nit was not built: {}", row.error.unwrap_or_else(|| row.state.to_string())),
        }
    }
    store.close().await;
    println!("\rdone  ");
    Ok(())
}

async fn here(dir: &Path, layers: Layers) -> anyhow::Result<()> {
    let app = App::open(dir, layers, Clock::System).await?;
    let before = app.index.whole().map(|g| g.number());
    let following = tokio::spawn(search::follow(app.clone()));
    app.index.ask_rebuild();
    let mut ticks = tokio::time::interval(Duration::from_millis(300));
    let documents = loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = tokio::signal::ctrl_c() => {
                app.close().await;
                anyhow::bail!("\nstopped; the next start goes on where this one was");
            }
        }
        match app.index.whole() {
            Some(g) if Some(g.number()) != before => break g.documents(),
            _ => say(app.index.percent()),
        }
    };
    app.close().await;
    let _ = following.await;
    println!("\r{documents} documents can be found");
    Ok(())
}

fn say(percent: f32) {
    print!("\r{percent:3.0} %");
    let _ = std::io::stdout().flush();
}
