//! How the shell gets in: the arguments, and one function per command.

mod backup;
mod cache;
mod demo;
mod demo_plans;
mod demo_schedule;
mod doctor;
mod exchange;
mod health;
mod jobs;
mod reindex;
mod restore;
mod rollback;
mod schedule;
mod serve;
mod settings;
mod shell;
mod user;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueHint};
use tracing_subscriber::Layer;

use crate::app;
use crate::base::clock::Clock;
use crate::config::{Config, Layers, layers};
use crate::engines::store::{Options, Store};
use crate::engines::trace::{self, Outlets};
use crate::engines::{log, store};

/// A self-hosted appliance on which a video studio plans, uploads, reviews and delivers its films.
#[derive(Parser)]
#[command(name = "videoplanet", version, about)]
pub struct Cli {
    /// Settings file (see `videoplanet config`). Without it: videoplanet.toml in the data directory, if there.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Data directory: the database, the films, everything.
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = "data")]
    data: PathBuf,
    /// One setting, such as media.jobs=2. May stand several times.
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE")]
    set: Vec<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve {
        /// Address and port, instead of server.bind.
        #[arg(long, value_name = "ADDRESS:PORT")]
        bind: Option<String>,
        /// Fill an empty instance with demo content first.
        #[arg(long)]
        demo: bool,
        /// Wait so many seconds for another videoplanet that still has the data directory or the port, instead of
        /// giving up at once. With sockets of a supervisor: two minutes.
        #[arg(long, value_name = "SECONDS")]
        wait: Option<u64>,
    },
    /// Ask whether the program on this machine is ready, for a container's health check. Ends with 0 if it is, 1 if not.
    Health(health::Asked),
    /// Fill an empty instance with demo content: people, projects, comments and short real clips.
    Demo,
    /// People.
    #[command(subcommand)]
    User(user::Command),
    /// Load users, projects, members, feedbacks and comments from files of one JSON object a line (docs/exchange.md).
    ///
    /// Ids and times are kept. All rows are loaded or none: every bad row is named by file and line, and after a kill
    /// the data directory is as it was. No server may run on the data directory meanwhile.
    Import {
        /// Directory with users.jsonl, projects.jsonl, members.jsonl, feedbacks.jsonl, comments.jsonl.
        dir: PathBuf,
    },
    /// Write everything but the films in the form that `import` reads, also while the server runs.
    ///
    /// The files are readable by you alone (mode 0600): they hold addresses, password hashes (so that people can sign in
    /// after an import) and the authors of anonymous comments. Tokens are kept as hashes and are not exported.
    /// media.jsonl lists the films with their hashes; an import does not read it.
    Export {
        /// Directory to write into; files of an earlier export in it are replaced.
        dir: PathBuf,
    },
    /// The queue: what runs later, what was lost and why.
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// The cache.
    #[command(subcommand)]
    Cache(cache::Command),
    /// What is done again and again.
    #[command(subcommand)]
    Schedule(schedule::Command),
    /// Build the search index anew from the database. A running server does it beside its work and goes on to answer
    /// from the old one meanwhile; without a server it is done here.
    Reindex,
    /// Go back to the database as it was before a new version changed its schema.
    ///
    /// The present database, with what was written since, is kept in before-rollback-<time>/. Films stay; the search index
    /// and the cache are built anew at the next start. No server may run on the data directory meanwhile.
    Rollback(rollback::Asked),
    /// Take a backup now, verify it, and let old ones go, as the settings [backup] say. A running server does it beside its
    /// work; without a server it is done here. What the place has already is not written again.
    ///
    /// Ends with 0 if the backup is there and whole, 1 if none was taken, 2 if it is incomplete or damaged.
    Backup {
        /// Directory or s3://bucket/prefix, instead of backup.to.
        #[arg(long, value_name = "PLACE")]
        to: Option<String>,
    },
    /// List the backups in a place: moment, films, bytes, bytes that were new, and what the last look at each has found.
    Backups {
        /// Directory or s3://bucket/prefix, instead of backup.to.
        #[arg(long, value_name = "PLACE")]
        from: Option<String>,
    },
    /// Look whether a backup is what it was: all parts by name and size, the database opened, checked and counted, and
    /// backup.sample per cent of the films' files read and compared with their hash.
    ///
    /// Ends with 0 if it is whole, 1 if it could not be looked at, 2 if it is damaged.
    Verify {
        /// Directory or s3://bucket/prefix, instead of backup.to.
        #[arg(long, value_name = "PLACE")]
        from: Option<String>,
        /// Which (see `videoplanet backups`); without it the newest.
        id: Option<String>,
        /// Read everything.
        #[arg(long)]
        all: bool,
    },
    /// Bring a backup back into the data directory. Everything is fetched and compared first; what is there is put aside
    /// (before-restore-*), not deleted; killed at any moment, the one or the other is there, whole. No server may run on
    /// the data directory meanwhile. Search and cache are built anew by the next start.
    ///
    /// Ends with 0 if it is restored; with 1 if it is refused and 2 if the backup is damaged, and then nothing has changed.
    Restore(restore::Asked),
    /// Look whether everything is there that the program needs, beside a running server or without one, and say what to
    /// do about it. Changes nothing. Ends with 0 if all is well, 1 after warnings, 2 if something is broken.
    Doctor(doctor::Asked),
    /// Print every setting with its sentence and its default.
    Config {
        /// Print what holds instead, and where it comes from: default, file, ui (an admin, in the browser),
        /// env (the environment) or args (the command line). Secrets are not shown.
        #[arg(long)]
        show: bool,
    },
    /// Print the manual page.
    Man,
    /// Print what a shell needs to complete commands and options.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Runs the command; answers what the process ends with. Errors are sentences for a person.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Config { show: false } => {
            print!("{}", Config::sample());
            return Ok(ExitCode::SUCCESS);
        }
        Command::Man => return Ok(shell::man().map(|()| ExitCode::SUCCESS)?),
        Command::Completions { shell } => return Ok(shell::completions(shell).map(|()| ExitCode::SUCCESS)?),
        _ => {}
    }
    let mut set = cli.set;
    if let Command::Serve { bind: Some(bind), .. } = &cli.command {
        set.push(format!("server.bind={bind}"));
    }
    let in_data = cli.data.join("videoplanet.toml");
    let file = cli.config.or_else(|| in_data.exists().then_some(in_data));
    let layers = Layers::load(file.as_deref(), std::env::vars(), &set);
    // Settings that do not hold are one of the things that it looks for.
    if let Command::Doctor(asked) = cli.command {
        return doctor::run(&cli.data, file.as_deref(), layers, &asked);
    }
    app::settle_if_free(&cli.data)?;
    let layers = layers?;
    if let Command::Health(asked) = cli.command {
        return health::run(&layers.config(), asked);
    }
    if let Command::Config { .. } = cli.command {
        return settings::show(&cli.data, layers).map(|()| ExitCode::SUCCESS);
    }
    let (kept, _) = layers.clone().with_kept(store::peek(&cli.data, layers::KEPT));
    let config = kept.config();
    let outlets = match cli.command {
        Command::Serve { .. } => Outlets::open(&trace::Settings {
            otlp_url: config.tracing.otlp_url.clone(),
            sample: config.tracing.sample,
            service_name: config.tracing.service_name.clone(),
            sentry_dsn: config.tracing.sentry_dsn.clone(),
        })?,
        // A command of a moment is looked at by the person who gave it.
        _ => Outlets::open(&trace::Settings::default())?,
    };
    let output = if config.log.json { log::Output::Json } else { log::Output::Text };
    let listeners = outlets.layer::<log::Base>().map(Layer::boxed).into_iter().collect();
    log::start(&config.log.level, output, listeners)?;
    if kept.outdated() {
        tracing::warn!("server.trust_proxy is now server.trusted_proxies: name your proxies' networks there");
    }
    if let Some(why) = outlets.trouble() {
        tracing::warn!(why, "no traces leave");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let data: &Path = &cli.data;
    let mut code = ExitCode::SUCCESS;
    let done = runtime.block_on(async {
        match cli.command {
            Command::Serve { demo, wait, .. } => {
                let wait = wait.map(Duration::from_secs);
                serve::run(data, layers, serve::Asked { demo, wait }).await
            }
            Command::Demo => serve::demo(data, layers).await,
            Command::Jobs(command) => jobs::run(data, command).await,
            Command::Cache(command) => cache::run(data, command).await,
            Command::Schedule(command) => schedule::run(data, command).await,
            Command::User(command) => user::run(data, command).await,
            Command::Import { dir } => exchange::import(data, layers, &dir).await,
            Command::Export { dir } => exchange::export(data, &dir).await,
            Command::Backup { to } => backup::take(data, layers, &config, to).await.map(|c| code = c),
            Command::Backups { from } => backup::list(&config, from).await.map(|c| code = c),
            Command::Verify { from, id, all } => backup::verify(&config, from, id, all).await.map(|c| code = c),
            Command::Restore(asked) => restore::run(data, file.as_deref(), &config, asked).await.map(|c| code = c),
            Command::Reindex => reindex::run(data, layers).await,
            Command::Rollback(asked) => rollback::run(data, &asked),
            Command::Doctor(_)
            | Command::Config { .. }
            | Command::Health(_)
            | Command::Man
            | Command::Completions { .. } => Ok(()),
        }
    });
    // What blocks and cannot be interrupted (a check of the whole database) does not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(3));
    outlets.close();
    done.map(|()| code)
}

/// The database for a command of a moment, also beside a running server: SQLite's own lock orders the two writers, and
/// nothing else is opened.
fn beside(dir: &Path) -> anyhow::Result<Store> {
    store::refuse_newer(dir)?;
    let options = Options { readers: 1, beside: app::is_open(dir)?, ..Options::in_dir(dir) };
    Store::open(&options, Clock::System, |_| ())
}
