//! Reads a directory of files into the store, all or nothing.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use parking_lot::Mutex;

use super::lines::{LINE_MAX, Lines};
use super::progress::{self, Progress, grouped, rate};
use super::report::Report;
use super::{FILMS, PARTS, Part};
use crate::app::App;
use crate::base::clock::Clock;
use crate::base::error::{Error, Result};
use crate::base::locale::Text;
use crate::base::row::Fields;
use crate::config::Layers;
use crate::domain::{accounts, notices};
use crate::engines::store::Tx;

/// A file of the directory, open.
struct Source {
    part: &'static Part,
    file: File,
    bytes: u64,
}

/// Imports `dir` into the data directory `data`, which no server may have open.
pub(crate) async fn import(data: &Path, layers: Layers, dir: &Path) -> anyhow::Result<()> {
    let sources = open(dir)?;
    let app = App::open(data, layers, Clock::System).await?;
    let begun = Instant::now();
    let report = Arc::new(Mutex::new(Report::default()));
    let outcome = {
        let report = report.clone();
        app.write(move |tx| load(tx, sources, &mut report.lock())).await
    };
    let without_admin = app.read(accounts::exchange::without_admin).await;
    // The log is folded into the database here: part of what an import takes.
    app.close().await;
    let took = begun.elapsed();
    progress::clear();
    let report = report.lock();
    eprint!("{}", report.notes());
    if let Err(e) = outcome {
        if report.is_bad() {
            eprint!("{}", report.bad());
            bail!(report.sum());
        }
        return Err(crate::cli::user::tell(e).context("nothing was imported"));
    }
    let counts: Vec<String> = report.taken.iter().map(|(file, n)| format!("{} from {file}", grouped(*n))).collect();
    println!("imported {} rows: {}", grouped(report.rows()), counts.join(", "));
    println!("in {:.1} s, {}", took.as_secs_f64(), rate(report.rows(), took));
    if without_admin.map_err(crate::cli::user::tell)? {
        println!("No account is admin yet: videoplanet user add ADDRESS --nickname NAME --admin --password-stdin");
    }
    Ok(())
}

fn open(dir: &Path) -> anyhow::Result<Vec<Source>> {
    std::fs::read_dir(dir).with_context(|| format!("{} is no directory that can be read", dir.display()))?;
    let (mut sources, mut missing) = (Vec::new(), Vec::new());
    for part in &PARTS {
        let path = dir.join(part.file);
        match File::open(&path) {
            Ok(file) => {
                let bytes = file.metadata()?.len();
                sources.push(Source { part, file, bytes });
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                if part.expected {
                    missing.push(part.file);
                }
            }
            Err(e) => return Err(e).with_context(|| format!("cannot read {}", path.display())),
        }
    }
    if sources.is_empty() {
        let names: Vec<&str> = PARTS.iter().map(|p| p.file).collect();
        bail!("{} holds none of {}", dir.display(), names.join(", "));
    }
    for file in missing {
        eprintln!("{file} is missing: taken as empty");
    }
    if dir.join(FILMS.0).metadata().is_ok_and(|m| m.len() > 0) {
        eprintln!("{} is not read: films come in by upload", FILMS.0);
    }
    Ok(sources)
}

/// The whole import: one change. Bad rows are noted, and those behind them still looked at, so that all are told at once.
/// What it reads and tells besides its statements is why it takes its sources by value: it cannot be run again.
fn load(tx: &mut Tx, sources: Vec<Source>, report: &mut Report) -> Result<()> {
    let mut progress = Progress::new(sources.iter().map(|s| s.bytes).sum());
    let (mut before, mut seen) = (0, 0);
    for Source { part, file, .. } in sources {
        let mut lines = Lines::new(file);
        let mut taken = 0;
        while let Some(line) = lines.next()? {
            let line = match line {
                Some(line) => Fields::parse(line),
                None => Err(Error::invalid("", Text::new("invalid.line_long").with("max", LINE_MAX >> 10))),
            };
            taken += u64::from(put(tx, part, lines.number, line, report)?);
            seen += 1;
            progress.at(part.file, before + lines.bytes, seen);
        }
        before += lines.bytes;
        report.taken.push((part.file, taken));
    }
    // What is imported was told elsewhere.
    notices::skip(tx)?;
    progress.say(if report.is_bad() { "" } else { "writing to the disk …" });
    if report.is_bad() { Err(Error::Invalid(Vec::new())) } else { Ok(()) }
}

/// One row. `false` if it is bad; an error if it could not be tried.
fn put(tx: &mut Tx, part: &Part, number: u64, line: Result<Fields>, report: &mut Report) -> Result<bool> {
    let mut id = None;
    let put = line.and_then(|mut fields| {
        let put = (part.import)(tx, &mut fields);
        id = fields.row_id();
        put.map(|()| fields.notes().for_each(|text| report.note(part.file, &text)))
    });
    match put {
        Ok(()) => Ok(true),
        Err(Error::Invalid(why)) => {
            report.refuse(part.file, number, part.noun, id, &why);
            Ok(false)
        }
        Err(e) => Err(e),
    }
}
