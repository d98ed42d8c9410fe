//! `videoplanet serve` and `videoplanet demo`.

use std::path::Path;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::App;
use crate::base::clock::Clock;
use crate::config::Layers;
use crate::domain::doctor::FILES_BESIDE;
use crate::engines::machine;
use crate::{server, work};

pub(super) async fn run(dir: &Path, layers: Layers, demo: bool) -> anyhow::Result<()> {
    let bind = layers.config().server.bind;
    // Before anything is opened, so that a taken port leaves everything as it is.
    let listener = TcpListener::bind(&bind).await.with_context(|| format!("cannot listen on {bind}"))?;
    let files = machine::raise_open_files();
    let app = tokio::select! {
        app = App::open(dir, layers, Clock::System) => app?,
        never = server::http::starting(&listener) => match never {},
    };
    let wanted = (app.config().rooms.max_sockets + FILES_BESIDE) as u64;
    if let Some(files) = files.filter(|files| *files < wanted) {
        tracing::warn!(
            files,
            wanted,
            "fewer files may be open than rooms.max_sockets needs: raise LimitNOFILE (ulimit -n)"
        );
    }
    work::start(&app).await?;
    if demo {
        super::demo::fill(&app).await?;
    }
    let address = listener.local_addr()?;
    let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { address.ip().to_string() };
    println!("VideoPlanet is at http://{host}:{}", address.port());
    if let Some(code) = app.setup.code() {
        println!("Nobody has an account yet. Open /setup and enter this code: {code}");
        tracing::info!(setup_code = code, "the one-time code for /setup");
    }
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stopping = app.stopping.clone();
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        tracing::info!("stopping");
        stopping.cancel();
    });
    server::http::serve(app.clone(), listener).await;
    app.close().await;
    Ok(())
}

pub(super) async fn demo(dir: &Path, layers: Layers) -> anyhow::Result<()> {
    let app = App::open(dir, layers, Clock::System).await?;
    let filled = super::demo::fill(&app).await;
    app.close().await;
    filled
}
