//! `videoplanet backup`, `backups` and `verify`: in the running server or here.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::restore::{Progress, ended, interrupted};
use crate::app::{self, App};
use crate::base::clock::Clock;
use crate::base::job::JobState;
use crate::base::page::hex;
use crate::base::secret;
use crate::config::{Config, Layers};
use crate::domain::backups::{self, target, work};
use crate::domain::http::size;
use crate::engines::backup::{Asked, Encryption, Manifest, Trouble, Vault, Verified, Watch, verify as look};
use crate::engines::queue;
use crate::engines::store::{Options, Store};

/// Takes a backup now.
pub(super) async fn take(dir: &Path, layers: Layers, config: &Config, to: Option<String>) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(dir.join("videoplanet.db").exists(), "{} holds no VideoPlanet; name another --data", dir.display());
    let target = target(config, to.as_deref());
    anyhow::ensure!(
        !target.to.is_empty(),
        "no place for backups is set: set backup.to to a directory or to s3://bucket/prefix, or give --to"
    );
    if app::is_open(dir)? {
        return in_server(dir, to.unwrap_or_default()).await;
    }
    let app = App::open(dir, layers, Clock::System).await?;
    let stop = CancellationToken::new();
    interrupted(stop.clone());
    let progress = Progress::default();
    let shown = progress.clone();
    let taken = work::take_now(&app, target, None, stop, move |percent| shown.show(percent)).await;
    app.close().await;
    progress.end();
    match taken {
        Ok(taken) => {
            println!("{}", line(&taken.manifest));
            told(&taken.manifest.id, &taken.verified);
            let whole = taken.manifest.lost.is_empty() && taken.verified.ok;
            lost(&taken.manifest);
            Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(2) })
        }
        Err(trouble) => ended(trouble),
    }
}

/// The server does it as a job and tells how far it is.
async fn in_server(dir: &Path, to: String) -> anyhow::Result<ExitCode> {
    let store = Store::open(&Options { readers: 1, ..Options::in_dir(dir) }, Clock::System, |_| ())?;
    let job = store.write(move |tx| backups::ask(tx, to, None)).await?;
    println!("the running server takes a backup (job {job})");
    let progress = Progress::default();
    let mut ticks = tokio::time::interval(Duration::from_millis(300));
    let row = loop {
        ticks.tick().await;
        let Some(row) = store.read(move |db| queue::by_id(db, job)).await? else {
            anyhow::bail!("the job is gone");
        };
        match row.state {
            JobState::Ready | JobState::Running | JobState::Retry | JobState::Waiting => {
                progress.show(row.progress.map_or(0.0, |p| p.percent));
            }
            _ => break row,
        }
    };
    store.close().await;
    progress.end();
    let result = row.result.filter(|_| row.state == JobState::Done);
    let Some(result) = result else {
        let why = row.error.unwrap_or_else(|| row.state.to_string());
        eprintln!("videoplanet: no backup was taken: {why}");
        return Ok(ExitCode::from(if why.contains("is damaged") { 2 } else { 1 }));
    };
    let n = |name: &str| result[name].as_u64().unwrap_or(0);
    println!(
        "{}  films {}  {}  new {}",
        result["backup"].as_str().unwrap_or(""),
        n("films"),
        size(n("bytes")),
        size(n("new_bytes"))
    );
    if n("lost") > 0 {
        eprintln!(
            "INCOMPLETE: {} films are missing or damaged on this machine's disk and not in the backup",
            n("lost")
        );
    }
    if result["verified"] == true {
        println!("verified: the database is whole, {} of {} files of films were read again", n("read"), n("of"));
        return Ok(ExitCode::from(if n("lost") > 0 { 2 } else { 0 }));
    }
    eprintln!("the backup was read again and is damaged: see `videoplanet verify` and the log");
    Ok(ExitCode::from(2))
}

/// What is in a place.
pub(super) async fn list(config: &Config, from: Option<String>) -> anyhow::Result<ExitCode> {
    let target = target(config, from.as_deref());
    let found = blocking(move || {
        let vault = Vault::open(&target)?;
        let mut found = Vec::new();
        for id in vault.ids()? {
            found.push((id.clone(), vault.manifest(&id), vault.verified(&id)?));
        }
        Ok((vault.encryption(), found))
    });
    let (encryption, found) = match found.await {
        Ok(found) => found,
        Err(trouble) => return ended(trouble),
    };
    if found.is_empty() {
        println!("there is no backup in the place yet");
    }
    let mut damaged = false;
    for (id, manifest, verified) in &found {
        match manifest {
            Ok(manifest) => println!("{}  {}", line(manifest), seen(verified.as_ref())),
            Err(trouble) => {
                damaged = true;
                println!("{id}  {trouble}");
            }
        }
    }
    if encryption == Encryption::Sealed {
        println!("the place is encrypted");
    }
    Ok(ExitCode::from(if damaged { 2 } else { 0 }))
}

/// Looks at a backup again.
pub(super) async fn verify(
    config: &Config,
    from: Option<String>,
    id: Option<String>,
    all: bool,
) -> anyhow::Result<ExitCode> {
    let target = target(config, from.as_deref());
    let percent = if all { 100.0 } else { config.backup.sample };
    let (progress, stop) = (Progress::default(), CancellationToken::new());
    interrupted(stop.clone());
    let shown = progress.clone();
    let watch = Watch::new(stop, move |done, of| shown.show_bytes(done, of));
    let found = blocking(move || {
        let vault = Vault::open(&target)?;
        let newest =
            || vault.ids()?.into_iter().next().ok_or_else(|| Trouble::refused("there is no backup in the place"));
        let id = id.map_or_else(newest, Ok)?;
        let scratch = Scratch::new().map_err(|e| Trouble::Failed(format!("no temporary directory: {e}")))?;
        let found = look(&vault, &id, Asked { percent }, &scratch.0, Clock::System.now(), &watch)?;
        if let Err(error) = vault.note_verified(&id, &found) {
            tracing::warn!(%error, "what was found is not kept in the place");
        }
        Ok((id, found))
    });
    let found = found.await;
    progress.end();
    match found {
        Ok((id, found)) => {
            told(&id, &found);
            Ok(ExitCode::from(if found.ok { 0 } else { 2 }))
        }
        Err(trouble) => ended(trouble),
    }
}

pub(super) fn line(m: &Manifest) -> String {
    let incomplete =
        if m.lost.is_empty() { String::new() } else { format!("  INCOMPLETE: {} films are lost", m.lost.len()) };
    format!("{}  films {}  {}  new {}{incomplete}", m.id, m.films(), size(m.bytes()), size(m.new_bytes))
}

fn seen(verified: Option<&Verified>) -> String {
    match verified {
        None => "not verified".into(),
        Some(v) if v.ok => format!("verified {} ({} of {} files read)", v.at, v.read, v.of),
        Some(v) => format!("DAMAGED (found {})", v.at),
    }
}

fn lost(m: &Manifest) {
    for lost in m.lost.iter().take(20) {
        let how = if lost.damaged { "damaged" } else { "missing" };
        eprintln!(
            "INCOMPLETE: the original {} ({}) is {how} on this machine's disk",
            lost.key,
            size(lost.bytes.max(0) as u64)
        );
    }
}

fn told(id: &str, v: &Verified) {
    for problem in &v.problems {
        eprintln!("{problem}");
    }
    let read = format!("{} of {} files of films read ({} of {})", v.read, v.of, size(v.read_bytes), size(v.of_bytes));
    match v.ok {
        true => println!("{id} verified: all parts are there, the database is whole ({} rows), {read}", v.rows),
        false => eprintln!("{id} is damaged: {read}"),
    }
}

/// A directory of our own that goes away.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new() -> std::io::Result<Scratch> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("videoplanet-verify-{}", hex(&secret::random::<8>())));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Trouble::Failed(format!("it panicked: {e}")))?
}
