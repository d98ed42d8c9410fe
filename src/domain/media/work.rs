//! The two jobs of a version: [`probe`] finds out what it is within a second of its last byte, [`process`] makes what
//! browsers need of it, which may take an hour and waits for its turn.
//!
//! Laws: both may run twice; a rendition under its final name is done. What time cannot heal fails at once, with a
//! sentence for people; the rest is tried again and fails with the last try.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::recipes::once::Once;
use super::recipes::{self, Presets, Proxy, picture};
use super::{Media, MediaState, POSTER, PROXY, THUMBS, fail, shelf, sql};
use crate::app::App;
use crate::base::event::Event;
use crate::base::ids::MediaId;
use crate::base::job::{Job, JobError, Progress};
use crate::engines::ffmpeg::{self, Cause, Facts, Failure, Input, Tick};
use crate::engines::files::{ORIGINAL, Scratch};
use crate::engines::hub;
use crate::engines::queue::{self, NewJob, Run};

/// One picture out of a film: a few key frames to decode, also on a slow machine.
const PICTURE_LIMIT: Duration = Duration::from_secs(120);
/// How often the room hears of progress at the most.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// Share of the progress bar that the pictures get; the proxy gets the rest.
const PICTURES_PERCENT: f32 = 10.0;

/// Looks at a version: facts, whether a browser can play it as it is, and then the job that makes the rest.
pub async fn probe(app: &App, run: &Run, id: MediaId) -> Result<Value, JobError> {
    let Some(media) = unfinished(app, id).await? else { return Ok(json!({})) };
    let facts = match look(app, run, &media).await {
        Ok(facts) => facts,
        Err(failure) => return Err(give_up(app, run, id, failure).await),
    };
    let job = app
        .write(move |tx| {
            let Some(mut media) = sql::by_id(tx, id)?.filter(|m| m.state != MediaState::Ready) else { return Ok(None) };
            learn(&mut media, facts);
            sql::update(tx, &media)?;
            let job = NewJob {
                job: Job::ProcessMedia { media: id },
                priority: 0,
                dedup_key: Some(format!("process_media:{id}")),
                project: Some(media.project_id),
                user: Some(media.user.id),
                needs: Vec::new(),
            };
            let job = queue::enqueue(tx, job)?;
            sql::set_job(tx, id, job)?;
            let event = Event::MediaProbed { media: id, feedback: media.feedback_id };
            tx.emit(Some(media.project_id), None, event, Some(media.live()))?;
            Ok(Some(job))
        })
        .await?;
    Ok(json!({ "media_id": id, "job_id": job }))
}

/// Makes poster, thumbs and proxy of a version.
pub async fn process(app: &App, run: &Run, id: MediaId) -> Result<Value, JobError> {
    let Some(media) = unfinished(app, id).await? else { return Ok(json!({})) };
    match make(app, run, media).await {
        Ok(()) => Ok(json!({ "media_id": id })),
        Err(failure) => Err(give_up(app, run, id, failure).await),
    }
}

/// The version, unless it is gone or all is made.
async fn unfinished(app: &App, id: MediaId) -> Result<Option<Media>, JobError> {
    Ok(app.read(move |db| sql::by_id(db, id)).await?.filter(|m| m.state != MediaState::Ready))
}

fn learn(media: &mut Media, facts: Facts) {
    media.playable = recipes::is_playable(&facts);
    media.content_type = recipes::content_type(&facts).to_owned();
    media.facts = Some(facts);
    media.state = MediaState::Processing;
    media.error = None;
}

async fn look(app: &App, run: &Run, media: &Media) -> Result<Facts, Failure> {
    run.progress(Progress::default());
    let scratch = scratch(app, run).await?;
    let original = app.files.path(&media.key, ORIGINAL).map_err(ours)?;
    app.ffmpeg.probe(&original, scratch.path(), &run.cancel).await
}

async fn make(app: &App, run: &Run, mut media: Media) -> Result<(), Failure> {
    if media.facts.is_none() || media.state != MediaState::Processing {
        // A person wants a failed version to be tried again: what was found then may have been mended since.
        let facts = look(app, run, &media).await?;
        learn(&mut media, facts);
    }
    let Some(facts) = media.facts.clone() else { return Err(ours("a probe without facts")) };
    let space = blocking(app, |app| app.files.space()).await?;
    if space.free < app.config.media.keep_free_bytes {
        return Err(Failure { cause: Cause::NoSpace, stderr: format!("{} bytes are free", space.free) });
    }
    let scratch = scratch(app, run).await?;
    let original = app.files.path(&media.key, ORIGINAL).map_err(ours)?;
    let mut maker = Maker { app, run, media, scratch, made: Vec::new(), told: Mutex::new(None) };

    // Pictures first: they take seconds and are seen in every list, the proxy may take an hour.
    let mut pictured = facts.video.is_none();
    if !pictured && facts.duration_ms.is_some() {
        pictured = maker.pictures(&original, &facts).await?;
        if pictured {
            maker.save(MediaState::Processing).await?;
        }
    }
    let made = maker.proxy(&original, &facts).await?;
    if !pictured {
        // A film that does not tell its length, or in which nothing can be sought: its proxy does and can.
        let proxy = app.files.path(&maker.media.key, PROXY).map_err(ours)?;
        maker.pictures(&proxy, &made).await?;
    }
    maker.save(MediaState::Ready).await
}

/// One run over one version.
struct Maker<'a> {
    app: &'a App,
    run: &'a Run,
    media: Media,
    scratch: Scratch,
    /// Name and recipe of what stands on the disk since the last save.
    made: Vec<(String, String)>,
    /// When the room was last told.
    told: Mutex<Option<Instant>>,
}

impl Maker<'_> {
    /// Poster and thumbs out of `source`. `false` if there is no picture to be had.
    async fn pictures(&mut self, source: &Path, facts: &Facts) -> Result<bool, Failure> {
        let (poster_ms, thumbs_ms) = picture::picture_times(facts.duration_ms.unwrap_or(0));
        if !self.has(POSTER).await? {
            let found =
                self.picture(source, facts, poster_ms, false).await? || self.picture(source, facts, 0, false).await?;
            if !found {
                return Ok(false);
            }
            self.put("picture.jpg", POSTER).await?;
        }
        self.made.push((POSTER.to_owned(), "poster".to_owned()));
        for (i, &ms) in thumbs_ms.iter().enumerate() {
            let name = picture::thumb_name(i);
            if !self.has(&name).await? {
                if self.picture(source, facts, ms, true).await? {
                    self.put("picture.jpg", &name).await?;
                } else {
                    // Behind the last frame: the picture before stands there as well.
                    let before = if i == 0 { POSTER.to_owned() } else { picture::thumb_name(i - 1) };
                    self.repeat(&before, &name).await?;
                }
            }
            self.tell(Progress {
                percent: PICTURES_PERCENT * (i + 1) as f32 / picture::THUMBS as f32,
                ..Progress::default()
            });
        }
        self.made.push((THUMBS.to_owned(), "thumbs".to_owned()));
        Ok(true)
    }

    /// One picture at `ms`, as `picture.jpg` in scratch. `false` if there is none at this place.
    async fn picture(&self, source: &Path, facts: &Facts, ms: i64, thumb: bool) -> Result<bool, Failure> {
        let Some(video) = &facts.video else { return Ok(false) };
        let run = ffmpeg::Run {
            input: Input { path: source, seek_ms: (ms > 0).then_some(ms), threads: 2 },
            args: picture::picture_args(video, thumb, "picture.jpg"),
            dir: self.scratch.path(),
            limit: PICTURE_LIMIT,
            duration_ms: None,
        };
        match self.app.ffmpeg.run(run, &self.run.cancel, &mut |_| {}).await {
            Ok(_) => {
                let path = self.scratch.join("picture.jpg");
                blocking(self.app, move |_| Ok(std::fs::metadata(path).is_ok_and(|m| m.len() > 0))).await
            }
            Err(f) if f.cause.may_heal() => Err(f),
            // A place that cannot be decoded is not the end of the film: the proxy decides about that.
            Err(f) => {
                tracing::info!(media = self.media.id.0, ms, cause = f.cause.as_str(), "no picture at this place");
                Ok(false)
            }
        }
    }

    /// The proxy; answers what it is.
    async fn proxy(&mut self, original: &Path, facts: &Facts) -> Result<Facts, Failure> {
        let place = self.app.files.path(&self.media.key, PROXY).map_err(ours)?;
        if !self.has(PROXY).await? {
            let way = recipes::proxy(facts);
            let presets = Presets::of(&self.app.config.media);
            let encoder = ffmpeg::Encoder::Cpu;
            let once =
                Once { facts, presets: &presets, proxy: Some(way), encoder, sheet: None, scenes: false, sound: false };
            match once.args() {
                None => {
                    let key = self.media.key;
                    blocking(self.app, move |app| app.files.link_original(&key, PROXY)).await?;
                }
                Some(args) => {
                    self.encode(original, facts, way, args).await?;
                    // An encoder that ended well may still have written nothing that plays.
                    self.app
                        .ffmpeg
                        .probe(&self.scratch.join(PROXY), self.scratch.path(), &self.run.cancel)
                        .await
                        .map_err(|f| if f.cause.may_heal() { f } else { Failure { cause: Cause::Damaged, ..f } })?;
                    self.put(PROXY, PROXY).await?;
                }
            }
        }
        self.made.push((PROXY.to_owned(), format!("{:?}", recipes::proxy(facts)).to_lowercase()));
        self.app.ffmpeg.probe(&place, self.scratch.path(), &self.run.cancel).await
    }

    async fn encode(
        &self,
        original: &Path,
        facts: &Facts,
        way: Proxy,
        args: Vec<std::ffi::OsString>,
    ) -> Result<(), Failure> {
        let run = ffmpeg::Run {
            input: Input { path: original, seek_ms: None, threads: recipes::decoder_threads(facts) },
            args,
            dir: self.scratch.path(),
            limit: Duration::from_secs(self.app.config.media.ffmpeg_seconds),
            duration_ms: facts.duration_ms,
        };
        let begun = if facts.video.is_some() { PICTURES_PERCENT } else { 0.0 };
        let mut tell = |tick: Tick| {
            let share = tick.percent.unwrap_or(0.0) / 100.0;
            let percent = begun + (100.0 - begun) * share;
            self.tell(Progress { percent, fps: tick.fps, speed: tick.speed, eta_ms: tick.eta_ms });
        };
        let last = self.app.ffmpeg.run(run, &self.run.cancel, &mut tell).await?;
        // ffmpeg takes the end of the bytes for the end of the film. These containers know better; the others guess
        // their length.
        let sure = matches!(facts.container.as_str(), "mp4" | "mov" | "matroska" | "webm");
        let promised = facts.duration_ms.filter(|_| sure).unwrap_or(0);
        if promised - last.done_ms > 2_000.max(promised / 10) {
            let stderr = format!("{way:?} ended at {} ms of {promised} ms", last.done_ms);
            return Err(Failure { cause: Cause::Truncated, stderr });
        }
        Ok(())
    }

    async fn has(&self, name: &str) -> Result<bool, Failure> {
        let (key, name) = (self.media.key, name.to_owned());
        blocking(self.app, move |app| app.files.has(&key, &name)).await
    }

    async fn put(&self, finished: &str, name: &str) -> Result<(), Failure> {
        let (key, from, name) = (self.media.key, self.scratch.join(finished), name.to_owned());
        blocking(self.app, move |app| app.files.put(&from, &key, &name)).await
    }

    /// Makes `name` with the bytes of `before`.
    async fn repeat(&self, before: &str, name: &str) -> Result<(), Failure> {
        let (key, before, name) = (self.media.key, before.to_owned(), name.to_owned());
        let copy: PathBuf = self.scratch.join("repeated.jpg");
        blocking(self.app, move |app| {
            std::fs::copy(app.files.path(&key, &before)?, &copy)?;
            app.files.put(&copy, &key, &name)
        })
        .await
    }

    /// Writes what is made so far. Somebody may have deleted the version meanwhile: then nothing is left to say.
    async fn save(&mut self, state: MediaState) -> Result<(), Failure> {
        let key = self.media.key;
        let made = std::mem::take(&mut self.made);
        let measured = blocking(self.app, move |app| {
            let size = |(name, recipe): (String, String)| Ok((app.files.size(&key, &name)?, name, recipe));
            made.into_iter().map(size).collect::<std::io::Result<Vec<_>>>()
        });
        let measured = measured.await?;
        let mut now = self.media.clone();
        now.state = state;
        let saved = self.app.write(move |tx| {
            if sql::by_id(tx, now.id)?.is_none() {
                return Ok(());
            }
            for (size, name, recipe) in &measured {
                shelf::made(tx, &now.key, name, *size as i64, recipe)?;
            }
            sql::update(tx, &now)?;
            let now = sql::by_id(tx, now.id)?.unwrap_or(now);
            let (media, feedback) = (now.id, now.feedback_id);
            let event = match state {
                MediaState::Ready => Event::MediaReady { media, feedback },
                _ => Event::MediaProbed { media, feedback },
            };
            tx.emit(Some(now.project_id), None, event, Some(now.live()))?;
            Ok(())
        });
        saved.await.map_err(ours)
    }

    /// Tells the queue how far it is, and the room at most twice a second.
    fn tell(&self, progress: Progress) {
        self.run.progress(progress);
        let mut told = self.told.lock();
        if told.is_some_and(|at| at.elapsed() < TELL_EVERY) {
            return;
        }
        *told = Some(Instant::now());
        let body = Bytes::from(self.media.progress_message(Some(progress)).to_string());
        let message = hub::Message { seq: None, audience: hub::Audience::All, body, own: None, except: None };
        self.app.hub.publish(self.media.project_id, message);
    }
}

/// What a failure means for the job, and, when no other try follows, for the version.
async fn give_up(app: &App, run: &Run, id: MediaId, failure: Failure) -> JobError {
    let cancelled = failure.cause == Cause::Cancelled || run.cancel.is_cancelled();
    if cancelled && app.stopping.is_cancelled() {
        return JobError::Cancelled; // handed back: the next start goes on
    }
    let job = run.id;
    let last = match app.read(move |db| queue::by_id(db, job)).await {
        Ok(row) => row.is_none_or(|r| r.attempts >= r.max_attempts),
        Err(e) => return e.into(),
    };
    let cause = if cancelled { Cause::Cancelled } else { failure.cause };
    // Room on the disk is nothing that a try can make: it waits, and is not given up.
    if !cancelled && cause == Cause::NoSpace {
        return JobError::Later(anyhow::anyhow!("{cause}"));
    }
    if !cancelled && cause.may_heal() && !last {
        tracing::warn!(
            media = id.0,
            job = job.0,
            cause = cause.as_str(),
            stderr = failure.stderr,
            "a media job did not end"
        );
        return JobError::Retry(anyhow::anyhow!("{cause}"));
    }
    if let Err(e) = app.write(move |tx| fail(tx, id, cause)).await {
        return e.into();
    }
    if cancelled {
        return JobError::Cancelled;
    }
    // Members may read a job's error: it is the code alone, ffmpeg's own words name paths.
    JobError::Fail { error: cause.to_string(), stderr: failure.stderr }
}

async fn scratch(app: &App, run: &Run) -> Result<Scratch, Failure> {
    let name = format!("job-{}", run.id);
    blocking(app, move |app| app.files.scratch(&name)).await
}

/// Runs file work off the runtime's threads.
async fn blocking<T: Send + 'static>(
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
fn ours(e: impl std::fmt::Display) -> Failure {
    Failure { cause: Cause::Broken, stderr: e.to_string() }
}
