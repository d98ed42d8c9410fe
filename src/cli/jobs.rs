//! `videoplanet jobs`: the queue from the shell, also while the server runs: it hears of a change within a second.

use std::path::Path;

use anyhow::bail;
use clap::Subcommand;

use super::user::tell;
use crate::base::error::{Error, Result};
use crate::base::ids::JobId;
use crate::base::job::{JobKind, JobState, Lane};
use crate::base::locale::Lang;
use crate::domain::jobs;
use crate::engines::queue::{self, LaneChange, Row};
use crate::engines::store::{Db, Store, Tx};

#[derive(Subcommand)]
pub(super) enum Command {
    /// List jobs, newest first.
    List {
        /// Only in this state: waiting, ready, running, retry, done, failed, dead or cancelled. May stand several times.
        #[arg(long)]
        state: Vec<String>,
        /// Only of this kind, such as process_media.
        #[arg(long)]
        kind: Option<String>,
        /// At the most.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
    /// Show one job: how far it is, what it brought, or why it was lost.
    Show {
        /// Its number.
        id: i64,
    },
    /// Try a lost job again, or all that were lost.
    Retry {
        /// Its number.
        #[arg(required_unless_present = "all")]
        id: Option<i64>,
        /// All failed jobs and dead letters.
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
    /// End a job: one that waits never runs, of one that runs the child process is killed.
    Cancel {
        /// Its number.
        id: i64,
    },
    /// Begin no more jobs of a lane (light, media, outbound, maintenance). What runs goes on.
    Pause {
        /// Which.
        lane: String,
    },
    /// Begin jobs of a paused lane again.
    Resume {
        /// Which.
        lane: String,
    },
    /// Change how many jobs of a lane run at once.
    Places {
        /// Which.
        lane: String,
        /// How many; 0: as the settings say.
        places: i64,
    },
}

pub(super) async fn run(dir: &Path, command: Command) -> anyhow::Result<()> {
    let store = super::beside(dir)?;
    let said = perform(&store, command).await;
    store.close().await;
    println!("{}", said?);
    Ok(())
}

async fn perform(store: &Store, command: Command) -> anyhow::Result<String> {
    match command {
        Command::List { state, kind, limit } => {
            let states = state.iter().map(|s| known::<JobState>(s, "state")).collect::<anyhow::Result<Vec<_>>>()?;
            let states = if states.is_empty() { JobState::ALL.to_vec() } else { states };
            let kind = kind.map(|k| known::<JobKind>(&k, "kind")).transpose()?;
            let rows = read(store, move |db| queue::by_states(db, &states, kind, limit)).await?;
            if rows.is_empty() {
                return Ok("no jobs".to_owned());
            }
            let head = format!("{:>7}  {:<14} {:<10} {:>5}  {:<20} {}", "id", "kind", "state", "tries", "since", "");
            Ok(rows.iter().fold(head, |list, row| format!("{list}\n{}", line(row))))
        }
        Command::Show { id } => {
            let id = JobId(id);
            let (row, needs) = read(store, move |db| {
                let row = queue::by_id(db, id)?.ok_or(Error::NotFound("job"))?;
                Ok((row, queue::needs_of(db, id)?))
            })
            .await?;
            let mut shown = serde_json::to_value(&row)?;
            shown["needs"] = serde_json::to_value(needs)?;
            shown["message"] = row.error.as_deref().map(|e| jobs::reason(Lang::En, e)).into();
            Ok(serde_json::to_string_pretty(&shown)?)
        }
        Command::Retry { id: Some(id), .. } => {
            write(store, move |tx| jobs::retry(tx, None, JobId(id))).await?;
            Ok(format!("job {id} is tried again"))
        }
        Command::Retry { id: None, .. } => {
            let retried = write(store, |tx| {
                let mut retried = 0;
                for group in queue::groups(tx)? {
                    retried += jobs::retry_all(tx, None, group.kind, &group.error)?;
                }
                Ok(retried)
            });
            Ok(format!("{} jobs are tried again", retried.await?))
        }
        Command::Cancel { id } => {
            write(store, move |tx| jobs::cancel(tx, None, JobId(id))).await?;
            Ok(format!("job {id} is cancelled"))
        }
        Command::Pause { lane } => steer(store, &lane, LaneChange::Paused(true), "is paused; what runs goes on").await,
        Command::Resume { lane } => steer(store, &lane, LaneChange::Paused(false), "goes on").await,
        Command::Places { lane, places } => {
            let wanted = (places != 0).then_some(places);
            steer(store, &lane, LaneChange::Places(wanted), "has other places").await
        }
    }
}

async fn steer(store: &Store, lane: &str, change: LaneChange, done: &str) -> anyhow::Result<String> {
    let which = known::<Lane>(lane, "lane")?;
    write(store, move |tx| queue::set_lane(tx, None, which, change)).await?;
    Ok(format!("lane {lane} {done}"))
}

async fn read<T: Send + 'static>(
    store: &Store,
    f: impl FnOnce(&Db) -> Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    store.read(f).await.map_err(tell)
}

async fn write<T: Send + 'static>(
    store: &Store,
    f: impl FnOnce(&mut Tx) -> Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    store.write(f).await.map_err(tell)
}

fn known<T: std::str::FromStr>(text: &str, what: &str) -> anyhow::Result<T> {
    let Ok(value) = text.parse() else { bail!("there is no {what} `{text}`; see `videoplanet jobs --help`") };
    Ok(value)
}

/// One job on one line.
fn line(row: &Row) -> String {
    let since = row.finished.or(row.started).unwrap_or(row.created);
    let percent = row.progress.map(|p| format!("{:.0} %", p.percent));
    let rest = row.error.clone().or(percent).unwrap_or_default();
    let rest: String = rest.lines().next().unwrap_or_default().chars().take(80).collect();
    format!(
        "{:>7}  {:<14} {:<10} {:>2}/{:<2}  {:<20} {rest}",
        row.id.0,
        row.kind.as_str(),
        row.state.as_str(),
        row.attempts,
        row.max_attempts,
        &since.to_string()[..19],
    )
    .trim_end()
    .to_owned()
}
