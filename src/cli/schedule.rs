//! `videoplanet schedule`: what is done again and again, from the shell, also while the server runs. It notices a change
//! within a second.

use std::path::Path;

use clap::Subcommand;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::clock::Time;
use crate::base::locale::Lang;
use crate::engines::schedule::{self, Row};
use crate::work;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Print each entry: when it runs, its next run, its last run and how that went.
    List,
    /// Run an entry now. The running server does it at once, a stopped one when it starts.
    Run {
        /// Its name, such as db_optimize.
        name: String,
    },
    /// Let an entry not run by itself any more.
    Pause {
        /// Its name.
        name: String,
    },
    /// Let an entry run by itself again.
    Resume {
        /// Its name.
        name: String,
    },
}

pub(super) async fn run(dir: &Path, command: Command) -> anyhow::Result<()> {
    anyhow::ensure!(dir.join("videoplanet.db").exists(), "{} holds no VideoPlanet; name another --data", dir.display());
    let store = super::beside(dir)?;
    let said = match command {
        Command::List => {
            let rows = store.read(schedule::list).await?;
            anyhow::ensure!(!rows.is_empty(), "there is no schedule yet: a server makes it when it starts");
            rows.iter().filter(|row| work::entry(&row.name).is_ok()).map(line).collect::<Vec<_>>().join("\n")
        }
        Command::Run { name } => {
            let entry = named(&name)?;
            let job = store.write(move |tx| schedule::run_now(tx, None, entry)).await?;
            format!("{name} is in the queue as job {job}; /admin/schedule shows what it brought")
        }
        Command::Pause { name } => {
            let entry = named(&name)?;
            store.write(move |tx| schedule::set_paused(tx, None, entry.name(), true)).await?;
            format!("{name} is paused")
        }
        Command::Resume { name } => {
            let entry = named(&name)?;
            store.write(move |tx| schedule::set_paused(tx, None, entry.name(), false)).await?;
            format!("{name} runs again")
        }
    };
    store.close().await;
    println!("{said}");
    Ok(())
}

fn named(name: &str) -> anyhow::Result<&'static schedule::Entry> {
    work::entry(name).map_err(|_| {
        let names: Vec<&str> = work::SCHEDULE.iter().map(|e| e.name()).collect();
        anyhow::anyhow!("there is no `{name}` in the schedule; there are {}", names.join(", "))
    })
}

fn line(row: &Row) -> String {
    let at = |time: Time| {
        let zone = TimeZone::get(&row.time_zone).unwrap_or(TimeZone::UTC);
        let stamp = Timestamp::from_millisecond(time.0).unwrap_or(Timestamp::UNIX_EPOCH);
        stamp.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string()
    };
    let next = match row.next {
        Some(time) => format!("next {}", at(time)),
        None if row.paused => "paused".to_owned(),
        None => "cannot be read: mend it at /admin/schedule".to_owned(),
    };
    let last = match (row.last, &row.run) {
        (Some(time), Some(run)) => format!("last {} {} (job {})", at(time), run.state, run.job),
        (Some(time), None) => format!("last {}", at(time)),
        (None, _) => "has not run yet".to_owned(),
    };
    let plain = schedule::describe(&row.cron, Lang::En);
    format!("{:<16} {:<26} {:<14} {}; {next}; {last}", row.name, plain, row.cron, row.time_zone)
}
