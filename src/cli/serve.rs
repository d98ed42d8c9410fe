//! `videoplanet serve` and `videoplanet demo`.

use std::path::Path;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::app::{self, App};
use crate::base::clock::Clock;
use crate::config::Layers;
use crate::domain::doctor::FILES_BESIDE;
use crate::engines::store::glance::{Glance, Schema};
use crate::engines::tls::Tls;
use crate::engines::{machine, systemd};
use crate::server::http::{self, Door};
use crate::{server, work};

/// How long a predecessor that still runs is waited for, if a supervisor has handed its sockets over.
const PREDECESSOR: Duration = Duration::from_secs(120);
/// What short jobs get to end when the program stops.
const JOBS: Duration = Duration::from_secs(5);
/// How often a supervisor is told that it goes on, and how long it is to wait for the next time.
const TELL: Duration = Duration::from_secs(2);
const WAIT: Duration = Duration::from_secs(30);
/// How long readiness is waited for. A full disk lets nobody write and everybody read: it must not keep whoever has
/// started the program waiting for ever.
const READY: Duration = Duration::from_secs(10);

/// What `serve` is asked for beside the settings.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    /// Fill it with demo content.
    pub demo: bool,
    /// How long a predecessor may take to end.
    pub wait: Option<Duration>,
}

pub(super) async fn run(dir: &Path, layers: Layers, asked: Asked) -> anyhow::Result<()> {
    let config = layers.config();
    // Before anything is opened, so that a taken port leaves everything as it is.
    let door = Door::open(&config, asked.wait.unwrap_or_default()).await?;
    let files = machine::raise_open_files();
    let patience = asked.wait.unwrap_or(if door.is_inherited() { PREDECESSOR } else { Duration::ZERO });
    let app = open(dir, layers, patience, &door).await?;
    let wanted = (app.config().rooms.max_sockets + FILES_BESIDE) as u64;
    if let Some(files) = files.filter(|files| *files < wanted) {
        tracing::warn!(
            files,
            wanted,
            "fewer files may be open than rooms.max_sockets needs: raise LimitNOFILE (ulimit -n)"
        );
    }
    work::start(&app).await?;
    if asked.demo {
        super::demo::fill(&app).await?;
    }
    let addresses = door.addresses().join(" ");
    println!("VideoPlanet is at {addresses}");
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
    if let Some(tls) = door.tls() {
        tokio::spawn(reread(tls)?);
    }
    tokio::spawn(begin(app.clone(), addresses));
    tokio::spawn(live(app.clone()));
    let ending = tokio::spawn(end(app.clone()));
    tokio::join!(server::http::serve(app.clone(), door), async {
        app.stopping.cancelled().await;
        app.queue.stop(JOBS).await;
    });
    app.close().await;
    ending.abort();
    systemd::status("closed");
    Ok(())
}

/// Opens the data directory while whoever asks too early is told so.
async fn open(dir: &Path, layers: Layers, patience: Duration, door: &Door) -> anyhow::Result<App> {
    let waits = !patience.is_zero() && app::is_open(dir).unwrap_or(false);
    let status = match Glance::open(dir, waits).ok().flatten().map(|db| db.schema()) {
        _ if waits => "waiting for the program that has the data directory open",
        Some(Schema::Older(_)) => "migrating the database",
        _ => "opening the data directory",
    };
    systemd::status(status);
    // A task of its own: it blocks where it reads and migrates, and the others must be heard meanwhile.
    let dir = dir.to_owned();
    let opening = tokio::spawn(async move { App::open_within(&dir, layers, Clock::System, patience).await });
    tokio::select! {
        opened = opening => opened?,
        never = door.starting() => match never {},
        never = ask_for_time() => match never {},
    }
}

/// Asks for time as long as it is not dropped.
async fn ask_for_time() -> std::convert::Infallible {
    loop {
        systemd::wait_longer(WAIT);
        tokio::time::sleep(TELL).await;
    }
}

/// Tells when work may come.
async fn begin(app: App, addresses: String) {
    let ready = async {
        while let Some(reason) = http::reason(&app).await {
            systemd::status(&format!("not ready yet: {reason}"));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        done = tokio::time::timeout(READY, ready) => match done {
            Ok(()) => systemd::ready(&format!("at {addresses}")),
            Err(_) => systemd::ready(&format!("at {addresses}, but /ready says no: see videoplanet doctor")),
        },
        () = app.stopping.cancelled() => {}
    }
}

/// Tells again and again that the program lives: that this runtime gets to its tasks, and the writer to the end of its
/// queue. It commits nothing.
async fn live(app: App) {
    let Some(every) = systemd::watchdog() else { return };
    loop {
        // The queue may be full for a moment; a writer that hangs never answers. Without a writer it is about to end.
        while !app.stopping.is_cancelled() && app.store.write(|_| Ok(())).await.is_err() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        systemd::alive();
        tokio::time::sleep(every).await;
    }
}

/// Tells how the end goes.
async fn end(app: App) {
    app.stopping.cancelled().await;
    systemd::stopping("draining");
    loop {
        let left = app.metrics.in_flight();
        let jobs: usize = app.queue.lanes().iter().map(|lane| lane.running).sum();
        systemd::status(&format!("draining, {left} requests and {jobs} jobs left"));
        systemd::wait_longer(WAIT);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Reads the certificate again at SIGHUP.
fn reread(tls: Tls) -> anyhow::Result<impl Future<Output = ()>> {
    let mut hung_up = signal(SignalKind::hangup())?;
    Ok(async move {
        while hung_up.recv().await.is_some() {
            let tls = tls.clone();
            let _ = tokio::task::spawn_blocking(move || tls.reload()).await;
        }
    })
}

pub(super) async fn demo(dir: &Path, layers: Layers) -> anyhow::Result<()> {
    let app = App::open(dir, layers, Clock::System).await?;
    let filled = super::demo::fill(&app).await;
    app.close().await;
    filled
}
