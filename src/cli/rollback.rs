//! `videoplanet rollback`: back to the database from before a new version changed its schema.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;

use crate::app;
use crate::base::clock::Clock;
use crate::engines::store::snapshots::{self, Facts, Snapshot};

#[derive(Args)]
pub(super) struct Asked {
    /// Say which snapshots there are, and change nothing.
    #[arg(long)]
    list: bool,
    /// The snapshot's name as --list says it, or a path to one. Without it: the newest.
    snapshot: Option<String>,
    /// Do not ask whether it is meant.
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(dir: &Path, asked: &Asked) -> anyhow::Result<()> {
    let there = snapshots::list(dir);
    if asked.list {
        return say(&there, dir);
    }
    let snapshot = chosen(dir, &there, asked.snapshot.as_deref())?;
    let _held = app::lock(dir)?;
    println!("{} …", snapshot.display());
    let facts = snapshots::examine(&snapshot)?;
    println!("is whole: {}.", said(&facts));
    println!("What was written since it was taken will not be there any more; it is kept in before-rollback-<time>/.");
    if !asked.yes {
        confirm()?;
    }
    let done = snapshots::roll_back(dir, &snapshot, Clock::System.now())?;
    println!("Done. The database is of {} now.", said(&done.now));
    if let Some(aside) = &done.aside {
        println!("What it replaced: {}", aside.join("videoplanet.db").display());
    }
    match &done.now.version {
        Some(version) => println!("Before you start the server again, install version {version}:"),
        None => println!("Before you start the server again, install the version that you had before the upgrade:"),
    }
    println!("this one would bring the database to its own schema once more. Search and cache grow back at the start.");
    Ok(())
}

fn say(there: &[Snapshot], dir: &Path) -> anyhow::Result<()> {
    if there.is_empty() {
        println!("no snapshots in {}: one is taken before a new version changes the database", dir.display());
        return Ok(());
    }
    println!("{:<32} {:<24} {:>9}  holds", "snapshot", "taken", "MiB");
    for s in there {
        let holds = match snapshots::glance(&s.path) {
            Ok(facts) => said(&facts),
            Err(e) => format!("cannot be read: {e:#}"),
        };
        println!("{:<32} {:<24} {:>9.1}  {holds}", name(s), s.at.to_string(), s.bytes as f64 / f64::from(1 << 20));
    }
    Ok(())
}

fn said(facts: &Facts) -> String {
    match &facts.version {
        Some(version) => format!("schema {}, videoplanet {version}", facts.schema),
        None => format!("schema {}", facts.schema),
    }
}

fn name(snapshot: &Snapshot) -> &str {
    snapshot.path.file_name().and_then(|n| n.to_str()).unwrap_or_default()
}

fn chosen(dir: &Path, there: &[Snapshot], wanted: Option<&str>) -> anyhow::Result<PathBuf> {
    match wanted {
        Some(path) if path.contains('/') => Ok(path.into()),
        Some(wanted) => {
            let found = there.iter().find(|s| name(s) == wanted);
            Ok(found
                .with_context(|| format!("there is no snapshot {wanted}; --list says which there are"))?
                .path
                .clone())
        }
        None => {
            let newest = there.first();
            Ok(newest.with_context(|| format!("there are no snapshots in {}", dir.display()))?.path.clone())
        }
    }
}

fn confirm() -> anyhow::Result<()> {
    ensure!(std::io::stdin().is_terminal(), "say --yes if it is meant. Nothing was changed");
    print!("Go back to it? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        bail!("nothing was changed");
    }
    Ok(())
}
