//! From the last byte to a version that can be watched: [`probe`] finds out what it is within a second and plans what is
//! made of it; `parts` make it; [`process`] waits for them and decides whether the version can be used.
//!
//! Laws: each may run twice. What time cannot heal fails at once, with a sentence for people. A version is usable when a
//! browser can show something of it: its proxy, itself, or a still's view; whatever else was lost is told by the job.

use serde_json::{Value, json};

use super::recipes::{self, Presets, Proxy};
use super::{IMAGE, Media, MediaState, PROXY, fail, parts, sql};
use crate::app::App;
use crate::base::error::{Error, Result as Answer};
use crate::base::event::Event;
use crate::base::ids::{JobId, MediaId, UserId};
use crate::base::job::{Job, JobError, JobKind, JobState, Part, Progress};
use crate::base::locale::Text;
use crate::base::roles::Right;
use crate::domain::projects::judge;
use crate::engines::ffmpeg::{Cause, Facts, Failure};
use crate::engines::files::ORIGINAL;
use crate::engines::queue::{self, NewJob, Run};
use crate::engines::store::Tx;

/// Minutes of waiting that a film of at most so many seconds has ahead of others.
const AHEAD: [(i64, i64); 3] = [(60, 30), (300, 20), (1200, 10)];
/// Nobody waits for a ladder: the proxy plays.
const LADDER_BEHIND: i64 = -20;

/// Looks at a version: facts, whether a browser can play it as it is, and then the jobs that make the rest.
pub async fn probe(app: &App, run: &Run, id: MediaId) -> Result<Value, JobError> {
    let Some(media) = app.read(move |db| sql::by_id(db, id)).await? else { return Ok(json!({})) };
    if media.state == MediaState::Ready {
        return Ok(json!({}));
    }
    let facts = match look(app, run, &media).await {
        Ok(facts) => facts,
        Err(failure) => return Err(give_up(app, run, id, failure).await),
    };
    let presets = Presets::of(&app.config().media);
    let job = app
        .write(move |tx| {
            let Some(mut media) = sql::by_id(tx, id)?.filter(|m| m.state != MediaState::Ready) else { return Ok(None) };
            learn(&mut media, facts);
            sql::update(tx, &media)?;
            let needs = plan(tx, &media, &presets, &[])?;
            let job = queue::enqueue(tx, NewJob { needs, ..deciding(&media, Vec::new()) })?;
            sql::set_job(tx, id, job)?;
            let event = Event::MediaProbed { media: id, feedback: media.feedback_id };
            tx.emit(Some(media.project_id), None, event, Some(media.live()))?;
            Ok(Some(job))
        })
        .await?;
    Ok(json!({ "media_id": id, "job_id": job }))
}

/// Decides about a version when its parts are over. Where nobody has planned them (it is to be made again, or the job is
/// of an earlier version of this program), it plans them and waits.
pub async fn process(app: &App, run: &Run, id: MediaId, again: &[Part]) -> Result<Value, JobError> {
    let job = run.id;
    let (media, needs) = app.read(move |db| Ok((sql::by_id(db, id)?, queue::needs_of(db, job)?))).await?;
    let Some(media) = media else { return Ok(json!({})) };
    if !needs.is_empty() {
        return decide(app, job, id).await;
    }
    if media.state == MediaState::Ready && again.is_empty() {
        return Ok(json!({}));
    }
    let facts = match media.facts.clone() {
        Some(facts) => facts,
        None => match look(app, run, &media).await {
            Ok(facts) => facts,
            Err(failure) => return Err(give_up(app, run, id, failure).await),
        },
    };
    let (presets, again) = (Presets::of(&app.config().media), again.to_vec());
    let waits = app
        .write(move |tx| {
            let Some(mut media) = sql::by_id(tx, id)? else { return Ok(false) };
            if media.state != MediaState::Ready {
                learn(&mut media, facts);
                sql::update(tx, &media)?;
            }
            let needs = plan(tx, &media, &presets, &again)?;
            queue::wait_for(tx, job, &needs)?;
            Ok(!needs.is_empty())
        })
        .await?;
    if waits { Err(JobError::Waits) } else { Ok(json!({})) }
}

/// What a version is after its parts are over.
async fn decide(app: &App, job: JobId, id: MediaId) -> Result<Value, JobError> {
    let decided = app
        .write(move |tx| {
            let mut lost = Vec::new();
            for need in queue::needs_of(tx, job)?.into_iter().filter(|n| n.state.is_lost()) {
                let error = queue::by_id(tx, need.id)?.map(|row| (row.error, row.stderr)).unwrap_or_default();
                lost.push((need.kind, cause(need.state, error.0.as_deref()), error.1.unwrap_or_default()));
            }
            let Some(mut media) = sql::by_id(tx, id)? else { return Ok((None, lost)) };
            if media.has(PROXY) || media.has(IMAGE) || media.playable {
                // The program may have ended between this word and the mark of the job: it is not said twice.
                let crashed = queue::by_id(tx, job)?.is_some_and(|row| row.crashes > 0);
                if crashed && media.state == MediaState::Ready {
                    return Ok((None, lost));
                }
                media.state = MediaState::Ready;
                media.error = None;
                sql::update(tx, &media)?;
                let event = Event::MediaReady { media: id, feedback: media.feedback_id };
                tx.emit(Some(media.project_id), None, event, Some(media.live()))?;
                return Ok((None, lost));
            }
            // The proxy's end says why; of a still, the picture's.
            lost.sort_by_key(|(kind, ..)| *kind != JobKind::ProxyMedia);
            let (_, why, stderr) = lost.first().cloned().unwrap_or((JobKind::ProxyMedia, Cause::Broken, String::new()));
            fail(tx, id, why)?;
            Ok((Some((why, stderr)), lost))
        })
        .await?;
    match decided {
        (Some((Cause::Cancelled, _)), _) => Err(JobError::Cancelled),
        (Some((why, stderr)), _) => Err(JobError::Fail { error: why.to_string(), stderr }),
        (None, lost) => {
            let lost: Vec<Value> = lost.iter().map(|(kind, why, _)| json!({ "kind": kind, "error": why })).collect();
            Ok(json!({ "media_id": id, "lost": lost }))
        }
    }
}

/// Why a part was lost.
fn cause(state: JobState, error: Option<&str>) -> Cause {
    match state {
        JobState::Cancelled => Cause::Cancelled,
        // A crash leaves words that are no cause.
        _ => error.and_then(|e| e.parse().ok()).unwrap_or(Cause::Killed),
    }
}

/// The jobs of what is to be made, each with its priority and its share in the progress. With `again`, those parts are
/// made though they are there; without any, all that are missing.
fn parts_of(media: &Media, presets: &Presets, again: &[Part]) -> Vec<(Job, i64, i64)> {
    let Some(facts) = media.facts.as_ref() else { return Vec::new() };
    let (id, priority) = (media.id, priority(facts));
    let (seen, heard, film) = (facts.video.is_some(), facts.audio.is_some(), !facts.still);
    // Which of them; `None` if none of them is wanted.
    let wanted = |parts: &[Part]| -> Option<Vec<Part>> {
        let some: Vec<Part> = parts.iter().copied().filter(|p| again.contains(p)).collect();
        (again.is_empty() || !some.is_empty()).then_some(some)
    };
    let mut jobs = Vec::new();
    if let Some(again) = wanted(&[Part::Pictures]).filter(|_| seen) {
        jobs.push((Job::PictureMedia { media: id, again }, priority, 1));
    }
    let mut decoded = vec![Part::Proxy];
    if seen {
        decoded.extend([Part::Sprite, Part::Scenes]);
    }
    if heard {
        decoded.push(Part::Waveform);
    }
    if let Some(again) = wanted(&decoded).filter(|_| film) {
        let weight = if recipes::proxy(facts) == Proxy::Encode { 9 } else { 4 };
        jobs.push((Job::ProxyMedia { media: id, again }, priority, weight));
    }
    // Asked for by name, also a short film gets its ladder.
    let long = presets.wants_hls(facts) || again.contains(&Part::Hls);
    if let Some(again) = wanted(&[Part::Hls]).filter(|_| film && seen && long) {
        jobs.push((Job::HlsMedia { media: id, again }, LADDER_BEHIND, 15));
    }
    jobs
}

/// Adds the jobs of what is to be made.
fn plan(tx: &mut Tx, media: &Media, presets: &Presets, again: &[Part]) -> Answer<Vec<(JobId, i64)>> {
    let add = |(job, priority, weight): (Job, i64, i64)| {
        let dedup_key = Some(format!("{}:{}", job.kind(), media.id));
        let (project, user) = (Some(media.project_id), Some(media.user.id));
        Ok((queue::enqueue(tx, NewJob { job, priority, dedup_key, project, user, needs: Vec::new() })?, weight))
    };
    parts_of(media, presets, again).into_iter().map(add).collect()
}

/// A short clip is not behind a feature film.
fn priority(facts: &Facts) -> i64 {
    let Some(ms) = facts.duration_ms.or(facts.still.then_some(0)) else { return 0 };
    AHEAD.iter().find(|(seconds, _)| ms <= seconds * 1000).map_or(0, |(_, ahead)| *ahead)
}

/// The job that decides about a version.
fn deciding(media: &Media, again: Vec<Part>) -> NewJob {
    NewJob {
        job: Job::ProcessMedia { media: media.id, again },
        priority: media.facts.as_ref().map_or(0, priority),
        dedup_key: Some(format!("process_media:{}", media.id)),
        project: Some(media.project_id),
        user: Some(media.user.id),
        needs: Vec::new(),
    }
}

/// Makes parts of a version again by the present presets, for who may upload: all of them, or `only` some. What is there
/// stays until its successor is. While the version is being worked on, that work is the answer.
pub fn rerun(tx: &mut Tx, presets: &Presets, user: UserId, id: MediaId, only: &[Part]) -> Answer<JobId> {
    let mut media = sql::get(tx, user, id)?.ok_or(Error::NotFound("media"))?;
    judge(Some(media.my_role), Right::Upload, "media")?;
    let again: Vec<Part> = match only {
        [] => Part::ALL.iter().copied().filter(|p| *p != Part::Hls || wants_hls(&media, presets)).collect(),
        only => only.to_vec(),
    };
    if media.facts.is_some() && parts_of(&media, presets, &again).is_empty() {
        return Err(Error::invalid("only", Text::new("invalid.nothing_to_make")));
    }
    let job = queue::enqueue(tx, deciding(&media, again))?;
    sql::set_job(tx, id, job)?;
    media.job_id = Some(job);
    if media.state == MediaState::Failed {
        media.state = if media.facts.is_some() { MediaState::Processing } else { MediaState::Received };
        media.error = None;
        sql::update(tx, &media)?;
    }
    let event = Event::MediaProbed { media: id, feedback: media.feedback_id };
    tx.emit(Some(media.project_id), Some(user), event, Some(media.live()))?;
    Ok(job)
}

fn wants_hls(media: &Media, presets: &Presets) -> bool {
    media.facts.as_ref().is_some_and(|facts| presets.wants_hls(facts))
}

fn learn(media: &mut Media, mut facts: Facts) {
    if let Some(video) = &mut facts.video
        && let Some(rate) = recipes::exact_rate(video)
    {
        video.frame_rate = Some(rate);
    }
    media.playable = recipes::is_playable(&facts);
    media.content_type = recipes::content_type(&facts).to_owned();
    media.facts = Some(facts);
    media.state = MediaState::Processing;
    media.error = None;
}

async fn look(app: &App, run: &Run, media: &Media) -> Result<Facts, Failure> {
    run.progress(Progress::default());
    let scratch = parts::scratch(app, run).await?;
    let original = app.files.path(&media.key, ORIGINAL).map_err(parts::ours)?;
    app.ffmpeg.probe(&original, scratch.path(), &run.cancel).await
}

/// What a failed look means for its job, and, when no other try follows, for the version.
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

/// Says at the start whether films can be processed at all, and tries the hardware's encoders unless the CPU is wanted.
pub async fn prove_ffmpeg(app: App) {
    match app.ffmpeg.version().await {
        Ok(version) => tracing::info!(version, "ffmpeg is there"),
        Err(e) => {
            return tracing::error!(error = %e, "no film can be processed: ffmpeg, ffprobe, setpriv, prlimit and nice are needed");
        }
    }
    if app.config().media.encoder == "cpu" {
        return;
    }
    let scratch = match parts::blocking(&app, |app| app.files.scratch("encoders")).await {
        Ok(scratch) => scratch,
        Err(e) => return tracing::warn!(error = %e, "the hardware's encoders are not tried"),
    };
    let proven = app.ffmpeg.prove_encoders(scratch.path(), &app.stopping).await;
    tracing::info!(?proven, "encoders of the hardware that work here");
    let wish: Option<crate::engines::ffmpeg::Encoder> = app.config().media.encoder.parse().ok();
    if let Some(wish) = wish.filter(|w| !proven.contains(w)) {
        tracing::warn!(encoder = wish.as_str(), "the encoder that is wished for does not work here: the CPU encodes");
    }
}
