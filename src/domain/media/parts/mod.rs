//! What is made of a version, part by part; each is a job of its own.
//!
//! Laws: a part may run twice. It makes what is missing, or what it was asked to make again; what stood there before
//! stays until its successor is whole. A part never decides about the version: [`process`](super::process) does.

mod film;
mod ladder;
mod pictures;

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::readings::Report;
use super::recipes::{self, Presets};
use super::{HLS, Media, POSTER, PROXY, SCENES, SPRITE, WAVEFORM, shelf, sql};
use crate::app::App;
use crate::base::event::Event;
use crate::base::ids::MediaId;
use crate::base::job::{JobError, Part, Progress};
use crate::engines::ffmpeg::{self, Cause, Facts, Failure, Input, Tick};
use crate::engines::files::{ORIGINAL, Scratch};
use crate::engines::hub::{Message, Place};
use crate::engines::queue::Run;

/// How often the room hears of progress at the most.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// Makes poster and pictures along the film, or what is shown of a still.
pub async fn pictures(app: &App, run: &Run, id: MediaId, again: &[Part]) -> Result<Value, JobError> {
    let Some(mut maker) = Maker::begin(app, run, id, again).await? else { return Ok(json!({})) };
    ended(run, pictures::make(&mut maker).await)
}

/// Makes the proxy and what comes out of the same decode. The answer names the encoder.
pub async fn film(app: &App, run: &Run, id: MediaId, again: &[Part]) -> Result<Value, JobError> {
    let Some(mut maker) = Maker::begin(app, run, id, again).await? else { return Ok(json!({})) };
    ended(run, film::make(&mut maker).await)
}

/// Makes the ladder of sizes. The answer names the encoder.
pub async fn ladder(app: &App, run: &Run, id: MediaId, again: &[Part]) -> Result<Value, JobError> {
    let Some(mut maker) = Maker::begin(app, run, id, again).await? else { return Ok(json!({})) };
    ended(run, ladder::make(&mut maker).await)
}

/// What a part's end means for its job. Members may read a job's error: it is the code alone, ffmpeg's words name paths.
fn ended(run: &Run, made: Result<Value, Failure>) -> Result<Value, JobError> {
    made.map_err(|failure| match failure.cause {
        Cause::Cancelled => JobError::Cancelled,
        _ if run.cancel.is_cancelled() => JobError::Cancelled,
        // Room on the disk is nothing that a try can make: it waits, and is not given up.
        Cause::NoSpace => JobError::Later(anyhow::anyhow!("{}", failure.cause)),
        cause if cause.may_heal() => {
            tracing::warn!(job = run.id.0, cause = cause.as_str(), stderr = failure.stderr, "a part was not made");
            JobError::Retry(anyhow::anyhow!("{cause}"))
        }
        cause => JobError::Fail { error: cause.to_string(), stderr: failure.stderr },
    })
}

/// One run over one version.
struct Maker<'a> {
    app: &'a App,
    run: &'a Run,
    media: Media,
    facts: Facts,
    presets: Presets,
    again: &'a [Part],
    scratch: Scratch,
    /// Name and recipe of what stands on the disk since the last save.
    made: Vec<(&'static str, String)>,
    report: Option<Report>,
    /// When the room was last told.
    told: Mutex<Option<Instant>>,
}

impl<'a> Maker<'a> {
    /// `None` if the version is gone or nothing is known of it.
    async fn begin(app: &'a App, run: &'a Run, id: MediaId, again: &'a [Part]) -> Result<Option<Maker<'a>>, JobError> {
        let Some(media) = app.read(move |db| sql::by_id(db, id)).await? else { return Ok(None) };
        let Some(facts) = media.facts.clone() else { return Ok(None) };
        let room = enough_room(app).await;
        let scratch = match room {
            Ok(()) => scratch(app, run).await,
            Err(failure) => Err(failure),
        };
        let scratch = match scratch {
            Ok(scratch) => scratch,
            Err(failure) => return ended(run, Err(failure)).map(|_| None),
        };
        let presets = Presets::of(&app.config().media);
        let told = Mutex::new(None);
        let (made, report) = (Vec::new(), None);
        Ok(Some(Maker { app, run, media, facts, presets, again, scratch, made, report, told }))
    }

    /// Is this part to be made?
    fn wants(&self, part: Part) -> bool {
        if !self.again.is_empty() {
            return self.again.contains(&part);
        }
        let name = match part {
            Part::Pictures if self.facts.still => super::IMAGE,
            Part::Pictures => POSTER,
            Part::Proxy => PROXY,
            Part::Sprite => SPRITE,
            Part::Scenes => SCENES,
            Part::Waveform => WAVEFORM,
            Part::Hls => HLS,
        };
        !self.media.renditions.iter().any(|r| r == name)
    }

    fn original(&self) -> Result<std::path::PathBuf, Failure> {
        self.app.files.path(&self.media.key, ORIGINAL).map_err(ours)
    }

    /// One long run of ffmpeg over `source`, whose progress is this job's.
    async fn ffmpeg(&self, source: &Path, args: Vec<OsString>) -> Result<Tick, Failure> {
        let run = ffmpeg::Run {
            input: Input { path: source, seek_ms: None, threads: recipes::decoder_threads(&self.facts) },
            args,
            dir: self.scratch.path(),
            limit: Duration::from_secs(self.app.config().media.ffmpeg_seconds),
            duration_ms: self.facts.duration_ms,
        };
        let mut tell = |tick: Tick| {
            let percent = tick.percent.unwrap_or(0.0);
            self.tell(Progress { percent, fps: tick.fps, speed: tick.speed, eta_ms: tick.eta_ms });
        };
        self.app.ffmpeg.run(run, &self.run.cancel, &mut tell).await
    }

    /// A film that ended well before its promised end. ffmpeg takes the end of the bytes for the end of the film; these
    /// containers know better, the others guess their length.
    fn whole(&self, last: Tick) -> Result<(), Failure> {
        let sure = matches!(self.facts.container.as_str(), "mp4" | "mov" | "matroska" | "webm");
        let promised = self.facts.duration_ms.filter(|_| sure).unwrap_or(0);
        if promised - last.done_ms > 2_000.max(promised / 10) {
            let stderr = format!("it ended at {} ms of {promised} ms", last.done_ms);
            return Err(Failure { cause: Cause::Truncated, stderr });
        }
        Ok(())
    }

    /// A finished file in scratch gets its final name.
    async fn put(&mut self, finished: &str, name: &'static str, recipe: impl Into<String>) -> Result<(), Failure> {
        let (key, from) = (self.media.key, self.scratch.join(finished));
        blocking(self.app, move |app| app.files.put(&from, &key, name)).await?;
        self.made.push((name, recipe.into()));
        Ok(())
    }

    /// A finished directory in scratch gets its final name, a set.
    async fn put_set(&mut self, finished: &str, set: &'static str, recipe: impl Into<String>) -> Result<(), Failure> {
        let (key, from) = (self.media.key, self.scratch.join(finished));
        blocking(self.app, move |app| app.files.put_set(&from, &key, set.trim_end_matches('/'))).await?;
        self.made.push((set, recipe.into()));
        Ok(())
    }

    /// Writes down what is made so far, and tells the room. Somebody may have deleted the version meanwhile: then nothing
    /// is left to say.
    async fn save(&mut self) -> Result<(), Failure> {
        let (id, key) = (self.media.id, self.media.key);
        let made = std::mem::take(&mut self.made);
        let report = self.report.take();
        if made.is_empty() && report.is_none() {
            return Ok(());
        }
        let measured = blocking(self.app, move |app| {
            let size = |(name, recipe): (&'static str, String)| Ok((app.files.size(&key, name)?, name, recipe));
            made.into_iter().map(size).collect::<std::io::Result<Vec<_>>>()
        });
        let measured = measured.await?;
        let saved = self.app.write(move |tx| {
            let Some(mut media) = sql::by_id(tx, id)? else { return Ok(None) };
            for (size, name, recipe) in &measured {
                shelf::made(tx, &key, name, *size as i64, recipe)?;
            }
            media.report = report.clone().or(media.report);
            sql::update(tx, &media)?;
            let Some(media) = sql::by_id(tx, id)? else { return Ok(None) };
            let event = Event::MediaProbed { media: id, feedback: media.feedback_id };
            tx.emit(Some(media.project_id), None, event, Some(media.live()))?;
            Ok(Some(media))
        });
        if let Some(media) = saved.await.map_err(ours)? {
            self.media = media;
        }
        Ok(())
    }

    /// Tells the queue how far it is, and the room at most twice a second how far the whole version is.
    fn tell(&self, progress: Progress) {
        self.run.progress(progress);
        let mut told = self.told.lock();
        if told.is_some_and(|at| at.elapsed() < TELL_EVERY) {
            return;
        }
        *told = Some(Instant::now());
        let whole = self.media.job_id.and_then(|job| self.app.queue.progress(job)).unwrap_or(progress);
        let body = Bytes::from(self.media.progress_message(Some(whole)).to_string());
        self.app.hub.publish(Place::Project(self.media.project_id), Message::passing(body));
    }
}

/// No job begins while the disk has less room than is to be kept free.
async fn enough_room(app: &App) -> Result<(), Failure> {
    let space = blocking(app, |app| app.files.space()).await?;
    if space.free < app.config().media.keep_free_bytes {
        return Err(Failure { cause: Cause::NoSpace, stderr: format!("{} bytes are free", space.free) });
    }
    Ok(())
}

pub(super) async fn scratch(app: &App, run: &Run) -> Result<Scratch, Failure> {
    let name = format!("job-{}", run.id);
    blocking(app, move |app| app.files.scratch(&name)).await
}

/// Runs file work off the runtime's threads.
pub(super) async fn blocking<T: Send + 'static>(
    app: &App,
    f: impl FnOnce(&App) -> std::io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let app = app.clone();
    let done = tokio::task::spawn_blocking(move || f(&app)).await.map_err(ours)?;
    done.map_err(|e| match e.kind() {
        std::io::ErrorKind::StorageFull => Failure { cause: Cause::NoSpace, stderr: e.to_string() },
        _ => ours(e),
    })
}

/// Trouble of our own, not of the film.
pub(super) fn ours(e: impl std::fmt::Display) -> Failure {
    Failure { cause: Cause::Broken, stderr: e.to_string() }
}
