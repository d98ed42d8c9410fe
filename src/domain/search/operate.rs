//! The index as operators see it: how it stands, why something is found, and building it anew.

use serde::Serialize;

use super::documents::key;
use super::query::Query;
use super::{Kind, sql};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::JobId;
use crate::base::job::{Job, JobError, JobKind, Progress};
use crate::domain::accounts::Viewer;
use crate::engines::index::{self, Ask};
use crate::engines::queue::{self, NewJob, Run};
use crate::engines::store::{Db, Tx};

/// How the index stands; for operators.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // As their names say.
pub struct Status {
    /// Searchable documents of each kind.
    pub documents: Vec<(Kind, u64)>,
    pub segments: Vec<Segment>,
    /// Bytes on the disk.
    pub bytes: u64,
    /// Bytes that the writer may use in memory.
    pub arena_bytes: u64,
    /// Events of the journal that are not indexed yet.
    pub lag_events: i64,
    /// Age of the oldest of them.
    pub lag_ms: i64,
    pub last_commit: Option<Time>,
    /// How long the last commit took.
    pub commit_ms: u64,
    /// Documents that it wrote.
    pub commit_documents: u64,
    /// A rebuild under way: percent of rows read.
    pub rebuilding: Option<f32>,
    /// Why the index had to be built anew, or what went wrong last.
    pub trouble: Option<String>,
    pub schema: u32,
}

/// One segment.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // As their names say.
pub struct Segment {
    pub id: String,
    pub documents: u64,
    pub deleted: u64,
    pub bytes: u64,
}

/// What becomes of a text in one field.
#[derive(Clone, Debug)]
pub struct FieldTokens {
    /// `josa`, `bisq`, `jg5`, `cho`.
    pub field: &'static str,
    /// In the order of the text.
    pub tokens: Vec<String>,
}

/// Why a document matched a question.
#[derive(Clone, Debug)]
pub struct Why {
    /// Share of the question that it answers: 1 is a whole match in a text of usual length.
    pub quality: f32,
    /// The same without repetitions and the text's length.
    pub cover: f32,
    /// What it must cover at least. (Beside a better hit, more.)
    pub cut: f32,
    /// Heaviest first.
    pub terms: Vec<WhyTerm>,
}

/// One token of the question.
#[derive(Clone, Debug)]
pub struct WhyTerm {
    /// Field of the index.
    pub field: String,
    /// The token.
    pub token: String,
    /// Documents that have it.
    pub documents: u64,
    /// Its part of a whole match.
    pub weight: f32,
    /// What it brought; 0 if this document does not have it.
    pub score: f32,
}

/// How the index stands.
pub async fn status(app: &App) -> Result<Status> {
    let index = app.index.serving();
    let seq = index.as_ref().map_or(0, |g| g.heard().seq);
    let (last, next) = app.read(move |db| Ok((sql::last_event(db)?, sql::next_event(db, seq)?))).await?;
    let (last, now) = (last.map_or(0, |(seq, _)| seq), app.clock.now());
    let (segments, bytes) = index.as_ref().map(|g| g.segments()).unwrap_or_default();
    let committed = index.as_ref().map(|g| g.committed()).unwrap_or_default();
    let counted = index.as_ref().map(|g| g.documents_by_kind()).unwrap_or_default();
    let of = |kind: Kind| counted.iter().find(|(k, _)| *k == kind as u8).map_or(0, |(_, n)| *n);
    Ok(Status {
        documents: Kind::ALL.iter().map(|k| (*k, of(*k))).collect(),
        segments: segments
            .into_iter()
            .map(|s| Segment { id: s.id, documents: s.documents, deleted: s.deleted, bytes: s.bytes })
            .collect(),
        bytes,
        arena_bytes: (app.config().search.arena_mib << 20) as u64,
        lag_events: (last - seq).max(0),
        lag_ms: next.map_or(0, |(_, at)| (now.0 - at).max(0)),
        last_commit: committed.at,
        commit_ms: committed.took_ms,
        commit_documents: committed.documents,
        rebuilding: app.index.building().map(|_| app.index.percent()),
        trouble: app.index.trouble(),
        schema: index.map_or(index::SCHEMA, |g| g.schema),
    })
}

/// Up to where in the journal the serving index has heard.
pub fn heard(app: &App) -> i64 {
    app.index.serving().map_or(0, |g| g.heard().seq)
}

/// Age in milliseconds of the oldest event after `heard`; 0 if there is none.
pub fn lag_ms(db: &Db, heard: i64, now: Time) -> Result<i64> {
    Ok(sql::next_event(db, heard)?.map_or(0, |(_, at)| (now.0 - at).max(0)))
}

/// Asks for a rebuild; it goes on in the background while the present index serves.
pub async fn rebuild(app: &App, who: &Viewer) -> Result<JobId> {
    let user = who.user;
    app.write(move |tx| {
        let job = ask(tx)?;
        tx.emit(None, Some(user), Event::JobAsked { job, kind: JobKind::Reindex }, None)?;
        Ok(job)
    })
    .await
}

/// Adds the job that builds the index anew; one that waits already is that job.
pub fn ask(tx: &mut Tx) -> Result<JobId> {
    let job = Job::Reindex;
    let dedup_key = Some(job.kind().as_str().to_owned());
    queue::enqueue(tx, NewJob { dedup_key, ..job.into() })
}

/// What a rebuild brought.
#[derive(Debug, Serialize)]
pub struct Rebuilt {
    /// Documents that can be found.
    pub documents: u64,
}

/// Builds the index anew: asks the task that follows the journal, and tells how far it is. Cancelled, the present index
/// goes on to serve.
pub async fn reindex(app: &App, run: &Run) -> Result<Rebuilt, JobError> {
    let before = app.index.whole().map(|g| g.number());
    app.index.ask_rebuild();
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(200));
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = run.cancel.cancelled() => {
                app.index.give_up();
                return Err(JobError::Cancelled);
            }
        }
        match app.index.whole() {
            Some(g) if Some(g.number()) != before => return Ok(Rebuilt { documents: g.documents() }),
            _ => run.progress(Progress { percent: app.index.percent(), ..Progress::default() }),
        }
    }
}

/// What becomes of a text, field by field.
pub fn tokens(text: &str) -> Vec<FieldTokens> {
    let text: String = text.chars().take(super::QUESTION_MAX).collect();
    index::tokens(&text).into_iter().map(|(field, tokens)| FieldTokens { field, tokens }).collect()
}

/// Why a document matches, whoever may see it; `None` if there is no such document.
pub async fn why(app: &App, q: &str, kind: Kind, id: i64) -> Result<Option<Why>> {
    let Some(index) = app.index.serving() else { return Ok(None) };
    let q: String = q.chars().take(super::QUESTION_MAX).collect();
    let words = Query::read(&q, app.clock.now(), &app.config().search.time_zone).words;
    let explain = move || index.explain(&Ask { words, ..Ask::default() }, key(kind, id));
    let explained = tokio::task::spawn_blocking(explain).await.map_err(Error::internal)?.map_err(Error::Internal)?;
    Ok(explained.map(|e| Why {
        quality: e.quality,
        cover: e.cover,
        cut: e.floor,
        terms: e
            .terms
            .into_iter()
            .map(|t| WhyTerm {
                field: t.field,
                token: t.token,
                documents: t.documents,
                weight: t.share,
                score: t.score,
            })
            .collect(),
    }))
}
