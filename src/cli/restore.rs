//! `videoplanet restore`: brings a backup back into the data directory, and later lets go what was there before.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::backup::{blocking, line};
use crate::app;
use crate::base::clock::Clock;
use crate::config::Config;
use crate::domain::backups::restore::{plan, restore};
use crate::domain::backups::{At, target};
use crate::domain::http::size;
use crate::engines::backup::{self, Trouble, Watch};
use crate::engines::ground;

/// What the arguments say.
#[derive(clap::Args)]
pub(super) struct Asked {
    /// Directory or s3://bucket/prefix, instead of backup.to.
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,
    /// Which backup (see `videoplanet backups`); without it the newest.
    id: Option<String>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Instead: delete what was there before earlier restores (before-restore-*), which takes room until then.
    #[arg(long, conflicts_with_all = ["from", "id"])]
    forget: bool,
}

pub(super) async fn run(dir: &Path, file: Option<&Path>, config: &Config, asked: Asked) -> anyhow::Result<ExitCode> {
    if asked.forget {
        return forget(dir);
    }
    ground::make_own(dir)?;
    // Nobody else opens it until we are done.
    let lock = app::lock(dir)?;
    let (target, id, data) = (target(config, asked.from.as_deref()), asked.id, dir.to_owned());
    let planned = blocking(move || plan(&data, &target, id.as_deref())).await;
    let plan = match planned {
        Ok(plan) => plan,
        Err(trouble) => return ended(trouble),
    };
    println!("{}", line(&plan.manifest));
    let is_used = dir.join("videoplanet.db").exists();
    if is_used && !asked.yes {
        if !std::io::stdin().is_terminal() {
            anyhow::bail!("{} holds data: they would be put aside; give --yes if that is meant", dir.display());
        }
        print!("{} holds data. They are put aside, and this backup takes their place. Type yes: ", dir.display());
        std::io::stdout().flush()?;
        let mut typed = String::new();
        std::io::stdin().read_line(&mut typed)?;
        anyhow::ensure!(typed.trim() == "yes", "nothing was changed");
    }
    let (progress, stop) = (Progress::default(), CancellationToken::new());
    interrupted(stop.clone());
    let shown = progress.clone();
    let watch = Watch::new(stop, move |done, of| shown.show_bytes(done, of));
    let (data, file, told) = (dir.to_owned(), file.map(Path::to_owned), progress.clone());
    let done = blocking(move || {
        restore(&data, &plan, file.as_deref(), Clock::System.now(), &watch, |at| told.at(at)).map(|done| (plan, done))
    });
    let done = done.await;
    progress.end();
    drop(lock);
    let (plan, done) = match done {
        Ok(done) => done,
        Err(trouble) => return ended(trouble),
    };
    println!(
        "restored {}: {} fetched, {} of films were there already; the journal stands at {}",
        plan.manifest.id,
        size(done.fetched),
        size(done.linked),
        plan.manifest.seq
    );
    if !plan.manifest.lost.is_empty() {
        eprintln!("INCOMPLETE: {} films were lost already when the backup was taken", plan.manifest.lost.len());
    }
    if let Some(config) = &done.config {
        println!("the settings file of the backup is {}; compare it with yours", config.display());
    }
    println!("Now start the server and look; search and cache are built anew by themselves.");
    println!(
        "Mails and webhooks that were on their way when the backup was taken are not sent again: see /admin/notices."
    );
    if is_used {
        println!(
            "What was there before is in {}. When all is well: videoplanet restore --forget",
            done.aside.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn forget(dir: &Path) -> anyhow::Result<ExitCode> {
    let gone = backup::forget(dir)?;
    if gone.is_empty() {
        println!("nothing of before a restore is left in {}", dir.display());
    }
    for (path, bytes) in gone {
        println!("deleted {} ({})", path.display(), size(bytes));
    }
    Ok(ExitCode::SUCCESS)
}

/// 1: it is not done, and somebody can change why; 2: something is damaged.
pub(super) fn ended(trouble: Trouble) -> anyhow::Result<ExitCode> {
    eprintln!("videoplanet: {trouble}");
    Ok(match trouble {
        Trouble::Damaged { .. } => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    })
}

/// Stops what is under way when somebody presses Ctrl-C: nothing half stays.
pub(super) fn interrupted(stop: CancellationToken) {
    tokio::spawn(async move {
        let _ = tokio::signal::ctrl_c().await;
        stop.cancel();
    });
}

/// A percentage on the terminal; without one nothing is shown.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<Mutex<(i64, &'static str)>>);

impl Progress {
    pub(super) fn at(&self, at: At) {
        self.0.lock().1 = at.as_str();
    }

    pub(super) fn show(&self, percent: f32) {
        let mut shown = self.0.lock();
        if shown.0 == percent as i64 || !std::io::stdout().is_terminal() {
            return;
        }
        shown.0 = percent as i64;
        print!("\r{percent:3.0} % {:<10}", shown.1);
        let _ = std::io::stdout().flush();
    }

    pub(super) fn show_bytes(&self, done: u64, of: u64) {
        self.show(if of == 0 { 0.0 } else { (done as f64 * 100.0 / of as f64).min(100.0) as f32 });
    }

    pub(super) fn end(&self) {
        if self.0.lock().0 != 0 {
            print!("\r{:20}\r", "");
            let _ = std::io::stdout().flush();
        }
    }
}
