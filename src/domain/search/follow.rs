//! The index follows the journal: each event's documents are written anew from the rows as they stand, and the place in
//! the journal is committed with them. A new index reads all rows first, page by page, and then follows as well.
//!
//! Laws: one task drives it, so there is one writer. Killed anywhere, it goes on from the last commit; writing a document
//! twice is the same as once. What cannot be trusted (another schema, another journal, damage) is built anew beside what
//! serves, and changed for it when it has caught up.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Kind, documents, sql};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::engines::index::{Generation, Mark, SCHEMA};
use crate::engines::store::Db;

/// Events that are read at once.
const EVENTS: i64 = 1_000;
/// Rows that a rebuild reads at once.
const ROWS: i64 = 2_000;
/// How long changes are gathered before they are committed: a comment is to be found within a second.
const GATHER: Duration = Duration::from_millis(250);
/// While there is more to read, a commit is made about so often.
const COMMIT: Duration = Duration::from_secs(2);
/// Events that touch nothing may be heard again after a start, so many at the most.
const UNMARKED: i64 = 10_000;
/// After an error.
const PAUSE: Duration = Duration::from_secs(5);
/// Another process that writes wakes nobody.
const LOOK: Duration = Duration::from_secs(5);

/// Follows until the program stops.
pub async fn follow(app: App) {
    let (mut checked, mut failed) = (false, false);
    loop {
        let step = async {
            if !checked {
                distrust(&app).await?;
                checked = true;
            }
            step(&app).await
        };
        let done = step.await;
        if done.is_ok() && std::mem::take(&mut failed) {
            app.index.set_trouble(None);
        }
        let pause = match done {
            Ok(true) => continue,
            Ok(false) => None,
            Err(e) => {
                failed = true;
                roll_back(&app).await;
                if !app.stopping.is_cancelled() {
                    tracing::warn!(error = format!("{e:#}"), "the search index cannot follow for the moment");
                    app.index.set_trouble(Some(format!("{e:#}")));
                }
                Some(PAUSE)
            }
        };
        let wait = async {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => {
                    if tokio::time::timeout(LOOK, app.index.woken()).await.is_err() {
                        refresh(&app).await;
                    }
                    tokio::time::sleep(GATHER).await;
                }
            }
        };
        tokio::select! {
            () = wait => {}
            () = app.stopping.cancelled() => break,
        }
    }
}

/// What was written and not committed is read and written again.
async fn roll_back(app: &App) {
    for index in app.index.whole().into_iter().chain(app.index.building()) {
        // Of a writer that cannot even end, the next write tells.
        let done = move || {
            index.rollback();
            Ok(())
        };
        let _ = blocking(done).await;
    }
}

/// Nothing happens: segments that were merged since the last commit take the place of theirs, which leave the disk.
async fn refresh(app: &App) {
    let Some(index) = app.index.whole() else { return };
    if let Err(e) = blocking(move || index.refresh()).await {
        tracing::warn!(error = format!("{e:#}"), "the search index cannot be looked at anew");
    }
}

/// At a start: is what lies there whole, and of this journal?
async fn distrust(app: &App) -> Result<()> {
    for index in app.index.whole().into_iter().chain(app.index.building()) {
        distrust_one(app, index).await?;
    }
    Ok(())
}

async fn distrust_one(app: &App, index: Arc<Generation>) -> Result<()> {
    let mark = index.mark();
    let why = app
        .read(move |db| {
            let last = sql::last_event(db)?.map_or(0, |(seq, _)| seq);
            let then = sql::time_of(db, mark.seq)?;
            let oldest = sql::next_event(db, 0)?.map_or(0, |(seq, _)| seq);
            Ok(if mark.seq > last || then.is_some_and(|at| at != mark.at) {
                Some("the index followed another journal than this one")
            } else if mark.seq + 1 < oldest && then.is_none() {
                Some("the journal does not reach back to where the index was")
            } else {
                None
            })
        })
        .await?;
    let checked = index.clone();
    let damaged = blocking(move || Ok(checked.damaged())).await?;
    if !damaged.is_empty() {
        tracing::warn!(files = damaged.join(", "), "the search index is damaged and is built anew");
        app.index.discard(&index, "the index was damaged".to_owned());
    } else if let Some(why) = why {
        tracing::warn!(why, "the search index is built anew");
        // It has documents of rows that are not there: it does not serve meanwhile.
        app.index.discard(&index, why.to_owned());
    }
    Ok(())
}

/// One step of each index; is there more to do at once?
async fn step(app: &App) -> Result<bool> {
    let asked = app.index.take_asked();
    let outdated = app.index.whole().is_none_or(|g| g.schema != SCHEMA);
    if asked || (outdated && app.index.building().is_none()) {
        begin(app).await?;
    }
    let mut more = false;
    if let Some(building) = app.index.building() {
        more |= build(app, &building).await?;
    }
    // Another one perhaps than a moment ago.
    if let Some(whole) = app.index.whole() {
        more |= tail(app, &whole).await?;
    }
    Ok(more)
}

/// Begins a new index at the present end of the journal: what happens while its rows are read, it hears afterwards.
async fn begin(app: &App) -> Result<()> {
    let (last, rows) = app.read(|db| Ok((sql::last_event(db)?, sql::count(db)?))).await?;
    let (seq, at) = last.unwrap_or_default();
    app.index.rebuild(Mark { seq, at, reading: Some((0, 0)) })?;
    app.index.set_progress(0, rows as u64);
    tracing::info!(rows, "the search index is built");
    Ok(())
}

/// Reads rows for a while and commits them with the place that was reached; at the end it serves.
async fn build(app: &App, index: &Arc<Generation>) -> Result<bool> {
    let mut mark = index.mark();
    let begun = std::time::Instant::now();
    while let Some((table, after)) = mark.reading {
        let Some(kind) = Kind::ALL.get(table as usize).copied() else {
            mark.reading = None;
            break;
        };
        let rows = app.read(move |db| sql::page(db, kind, after, ROWS)).await?;
        let last = rows.last().map(|d| d.key.id);
        app.index.add_progress(rows.len() as u64);
        let full = rows.len() as i64 == ROWS;
        let into = index.clone();
        blocking(move || into.write(&rows, &[], true)).await?;
        mark.reading = Some(match last.filter(|_| full) {
            Some(id) => (table, id),
            None => (table + 1, 0),
        });
        if begun.elapsed() > COMMIT || app.stopping.is_cancelled() {
            break;
        }
    }
    if mark.reading.is_some_and(|(table, _)| table as usize >= Kind::ALL.len()) {
        mark.reading = None;
    }
    commit(app, index, mark).await?;
    if mark.is_whole() {
        // Before it serves it hears what has happened meanwhile.
        while tail(app, index).await? {}
        app.index.switch();
        tracing::info!(documents = index.documents(), "the search index is built and serves");
    }
    Ok(!mark.is_whole())
}

/// Writes what events of the journal touch and commits once it has caught up, or now and then on a long way.
async fn tail(app: &App, index: &Arc<Generation>) -> Result<bool> {
    let begun = std::time::Instant::now();
    let mut mark = index.heard();
    let from = mark.seq;
    let (mut more, mut wrote) = (true, false);
    while more && begun.elapsed() < COMMIT {
        let seq = mark.seq;
        let (last, touched) = app.read(move |db| heard(db, seq)).await?;
        let Some((seq, at, full)) = last else { break };
        for part in touched.chunks(EVENTS as usize) {
            let part = part.to_vec();
            let (rows, gone) = app.read(move |db| documents::of(db, &part)).await?;
            let into = index.clone();
            blocking(move || into.write(&rows, &gone, false)).await?;
            wrote = true;
        }
        (mark.seq, mark.at, more) = (seq, at, full);
    }
    if wrote || mark.seq - index.mark().seq >= UNMARKED {
        commit(app, index, mark).await?;
    } else if mark.seq > from {
        // Somebody signed in, or reacted: nothing to be written.
        index.hear(mark);
        app.index.committed(index, mark.seq);
    }
    Ok(more && mark.seq > from)
}

/// Where reading ended (seq, time, are there more?), and what was touched.
type Heard = (Option<(i64, i64, bool)>, Vec<(Kind, i64)>);

fn heard(db: &Db, after: i64) -> Result<Heard> {
    let events = sql::events(db, after, EVENTS)?;
    let full = events.len() as i64 == EVENTS;
    let last = events.last().map(|(seq, at, ..)| (*seq, *at, full));
    let mut touched = BTreeSet::new();
    for (_, _, actor, event) in events {
        if let Some(event) = event {
            documents::touched(db, &event, actor, &mut touched)?;
        }
    }
    Ok((last, touched.into_iter().collect()))
}

async fn commit(app: &App, index: &Arc<Generation>, mark: Mark) -> Result<()> {
    let (into, now) = (index.clone(), app.clock.now());
    blocking(move || into.commit(mark, now)).await?;
    app.index.committed(index, mark.seq);
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
    done.map_err(Error::Internal)
}

/// Waits until everything that is in the journal at this moment can be found.
pub async fn settled(app: &App) -> Result<()> {
    let last = app.read(sql::last_event).await?.map_or(0, |(seq, _)| seq);
    app.index.wake();
    app.index.until(last).await;
    Ok(())
}
