//! Versions of a feedback's film: the bytes as they came, what is known of them, and what was made of them.
//!
//! Laws: a version is never changed, only followed by the next. Its bytes stand in the media store under their hash,
//! durable before the row that names them. A rendition listed in a row is whole under its final name.
//! Written here only: `media`, `version_marks`, `uploads`, by `quotas`: `quotas`, and by `shelf`: `originals`, `renditions`, `usage`. Read by: feedback (newest version), comments.

pub mod bytes;
pub mod exchange;
pub mod frame;
mod links;
mod parts;
pub mod quotas;
pub mod readings;
pub mod recipes;
pub mod recount;
pub mod routes;
pub mod shelf;
mod sign;
mod sql;
mod sql_exchange;
mod sql_quotas;
mod sql_shelf;
mod sql_trash;
pub mod trash;
pub mod uploads;
pub mod watched;
pub mod work;

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::event::{Audience, Event, Live};
use crate::base::ids::{FeedbackId, JobId, MediaId, ProjectId, UserId};
use crate::base::job::Progress;
use crate::base::locale::{self, Lang};
use crate::base::roles::{Right, Role};
use crate::domain::accounts::{Person, Viewer};
use crate::domain::projects::judge;
use crate::engines::ffmpeg::{Cause, Facts};
use crate::engines::files::Key;
use crate::engines::store::{Db, Tx};
use crate::{closed_set, text_columns};
pub use parts::{film, ladder, pictures};
use readings::Report;
pub use watched::Watched;
pub use work::{probe, process, prove_ffmpeg, rerun};

closed_set! {
    /// Where a version stands.
    MediaState {
        /// Its bytes are here.
        Received = "received",
        /// It is being looked at.
        Probing = "probing",
        /// What it is, is known; its renditions are being made.
        Processing = "processing",
        /// All is made.
        Ready = "ready",
        /// It cannot be used; the error says why.
        Failed = "failed",
    }
}

text_columns!(MediaState);

/// Names of renditions in the media store, in URLs and in `renditions`.
pub const PROXY: &str = "proxy.mp4";
/// See [`PROXY`].
pub const POSTER: &str = "poster.jpg";
/// The set of pictures along the film.
pub const THUMBS: &str = "thumbs/";
/// A still as browsers show it.
pub const IMAGE: &str = "image.jpg";
/// The sheet of small pictures.
pub const SPRITE: &str = "sprite.jpg";
/// What of the sheet is shown when.
pub const SPRITE_MAP: &str = "sprite.vtt";
/// The peaks of the sound.
pub const WAVEFORM: &str = "waveform.json";
/// The list of scenes.
pub const SCENES: &str = "scenes.json";
/// The set of their pictures.
pub const SCENE_PICTURES: &str = "scenes/";
/// The set of the ladder's files.
pub const HLS: &str = "hls/";
/// What was measured.
pub const REPORT: &str = "report.json";

/// One version as it stands in the store.
#[derive(Clone, Debug)]
pub struct Media {
    /// Its id.
    pub id: MediaId,
    /// Of which feedback.
    pub feedback_id: FeedbackId,
    /// In which project.
    pub project_id: ProjectId,
    /// Who uploaded it.
    pub user: Person,
    /// 1, 2, 3 …
    pub version: i64,
    /// The file's name as it was uploaded, cleaned: for people, never for paths.
    pub name: String,
    /// Where its bytes are.
    pub key: Key,
    /// How many bytes it has.
    pub size_bytes: i64,
    /// Type of the original by its content; `application/octet-stream` until it is probed.
    pub content_type: String,
    /// Where it stands.
    pub state: MediaState,
    /// A browser can play the original.
    pub playable: bool,
    /// What it is, once probed.
    pub facts: Option<Facts>,
    /// What was measured in it.
    pub report: Option<Report>,
    /// What has been made of it; a name that ends in `/` is a set of files below it.
    pub renditions: Vec<String>,
    /// Why it failed.
    pub error: Option<Cause>,
    /// The job that works or worked on it.
    pub job_id: Option<JobId>,
    /// Since when.
    pub created: Time,
    /// The asker's role in its project.
    pub my_role: Role,
    /// Revision, for `ETag`.
    pub rev: i64,
    /// Since when it is in the trash.
    pub deleted: Option<Time>,
}

/// One version as the API shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Media)]
pub struct Shown {
    /// Its id.
    pub id: MediaId,
    /// Of which feedback.
    pub feedback_id: FeedbackId,
    /// In which project.
    pub project_id: ProjectId,
    /// 1, 2, 3 …
    pub version: i64,
    /// The file's name.
    #[schema(example = "가을광고_v3.mp4")]
    pub name: String,
    /// How many bytes it has.
    #[schema(example = 48120512)]
    pub size_bytes: i64,
    /// Type of the original.
    #[schema(example = "video/mp4")]
    pub content_type: String,
    /// Where it stands.
    #[schema(example = "ready")]
    pub state: MediaState,
    /// A browser can play the original.
    #[schema(example = true)]
    pub playable: bool,
    /// How far the work on it is, while there is any.
    #[schema(example = json!(null))]
    pub progress: Option<Progress>,
    /// Why it failed.
    #[schema(example = json!(null))]
    pub error: Option<ShownError>,
    /// What it is, once probed.
    pub facts: Option<Facts>,
    /// What was measured in it, once that is done.
    pub report: Option<Report>,
    /// Where its bytes are.
    pub urls: Urls,
    /// The job that works or worked on it.
    pub job_id: Option<JobId>,
    /// Who uploaded it.
    pub user_id: UserId,
    /// Who uploaded it.
    pub user: Person,
    /// Since when.
    pub created: Time,
}

/// Why a version cannot be used.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MediaError)]
pub struct ShownError {
    /// Stable, for programs.
    pub code: Cause,
    /// For people, in the reader's language.
    pub message: String,
}

/// Where the bytes are.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MediaUrls)]
pub struct Urls {
    /// As it was uploaded.
    #[schema(example = "/api/v1/media/1/original")]
    pub original: String,
    /// What every browser plays, once made.
    #[schema(example = "/api/v1/media/1/proxy.mp4")]
    pub proxy: Option<String>,
    /// One picture, once made.
    #[schema(example = "/api/v1/media/1/poster.jpg")]
    pub poster: Option<String>,
    /// Pictures along the film, once made.
    #[schema(example = json!(["/api/v1/media/1/thumbs/01.jpg"]))]
    pub thumbs: Vec<String>,
    /// The sheet of small pictures along the film, once made.
    #[schema(example = "/api/v1/media/1/sprite.jpg")]
    pub sprite: Option<String>,
    /// Which part of the sheet belongs to which time (WebVTT).
    #[schema(example = "/api/v1/media/1/sprite.vtt")]
    pub sprite_vtt: Option<String>,
    /// `{version, interval_ms, length, peaks}` with peaks from 0 to 100, once made.
    #[schema(example = "/api/v1/media/1/waveform.json")]
    pub waveform: Option<String>,
    /// `{scenes: [{index, start_ms, end_ms, frame, picture}]}`, once made; pictures are named relative to it.
    #[schema(example = "/api/v1/media/1/scenes.json")]
    pub scenes: Option<String>,
    /// The ladder of a long film, once made.
    #[schema(example = json!(null))]
    pub hls: Option<String>,
    /// A still as browsers show it, once made.
    #[schema(example = json!(null))]
    pub image: Option<String>,
}

impl Media {
    /// Has `file` been made?
    pub fn has(&self, file: &str) -> bool {
        let set = file.split_once('/').map(|(set, _)| set);
        let is = |r: &String| r == file || set.is_some_and(|set| r.strip_suffix('/') == Some(set));
        self.renditions.iter().any(is)
    }

    /// As the API shows it. With `signer`, its URLs carry a signature of that person, for players that cannot send a
    /// token.
    pub fn shown(self, app: &App, lang: Lang, reader: UserId, signer: Option<UserId>) -> Shown {
        let progress = match self.state {
            MediaState::Failed => None,
            // A ready one may be made again.
            _ => self.job_id.and_then(|job| app.queue.progress(job)),
        };
        // A job that runs on a version which is not known yet is looking at it.
        let probing = self.state == MediaState::Received && progress.is_some();
        // Another host gets no cookie: there the signature says who asks.
        let config = app.config();
        let cdn = config.server.cdn_url.trim_end_matches('/');
        let signer = if cdn.is_empty() { signer } else { Some(reader) };
        let query = signer.map(|user| sign::query(app, self.id, user)).unwrap_or_default();
        let url = |file: &str| format!("{cdn}/api/v1/media/{}/{file}{query}", self.id);
        let made = |file: &str| self.renditions.iter().any(|r| r == file);
        let one = |file: &str| made(file).then(|| url(file));
        let thumbs = if made(THUMBS) { recipes::picture::THUMBS } else { 0 };
        let urls = Urls {
            original: url("original"),
            proxy: one(PROXY),
            poster: one(POSTER),
            sprite: one(SPRITE),
            sprite_vtt: one(SPRITE_MAP),
            waveform: one(WAVEFORM),
            scenes: one(SCENES),
            hls: made(HLS).then(|| url(recipes::hls::MASTER)),
            image: one(IMAGE),
            thumbs: (0..thumbs).map(|i| url(&recipes::picture::thumb_name(i))).collect(),
        };
        Shown {
            id: self.id,
            feedback_id: self.feedback_id,
            project_id: self.project_id,
            version: self.version,
            name: self.name,
            size_bytes: self.size_bytes,
            content_type: self.content_type,
            state: if probing { MediaState::Probing } else { self.state },
            playable: self.playable,
            progress: progress.filter(|_| !probing),
            error: self.error.map(|code| ShownError { code, message: locale::get(lang, sentence(code)) }),
            facts: self.facts,
            report: self.report,
            urls,
            job_id: self.job_id,
            user_id: self.user.id,
            user: self.user,
            created: self.created,
        }
    }

    /// What the room hears when it is decided whether the version can be used.
    fn ready_message(&self) -> Value {
        json!({
            "type": "media_ready", "media_id": self.id, "feedback_id": self.feedback_id, "state": self.state,
            "version": self.version, "name": self.name, "playable": self.playable, "error": self.error,
        })
    }

    /// What the room hears while it is worked on; without `progress`, that it is in another state. And what there is
    /// to be fetched by now.
    fn progress_message(&self, progress: Option<Progress>) -> Value {
        let p = progress.unwrap_or_default();
        json!({
            "type": "media_progress", "media_id": self.id, "feedback_id": self.feedback_id, "state": self.state,
            "version": self.version, "name": self.name, "playable": self.playable,
            "poster": self.has(POSTER), "proxy": self.has(PROXY),
            "percent": progress.map(|p| p.percent), "fps": p.fps, "speed": p.speed, "eta_ms": p.eta_ms,
        })
    }

    /// The message for the room that fits the present state.
    fn message(&self) -> Value {
        match self.state {
            MediaState::Ready | MediaState::Failed => self.ready_message(),
            _ => self.progress_message(None),
        }
    }

    fn live(&self) -> Live {
        Live { audience: Audience::All, message: self.message(), own: None }
    }
}

/// The locale key of the sentence for people.
pub fn sentence(cause: Cause) -> &'static str {
    match cause {
        Cause::Empty => "media.error.empty",
        Cause::NotVideo => "media.error.not_video",
        Cause::Truncated => "media.error.truncated",
        Cause::TooLargePicture => "media.error.too_large_picture",
        Cause::TooLong => "media.error.too_long",
        Cause::TooManyStreams => "media.error.too_many_streams",
        Cause::Unsupported => "media.error.unsupported",
        Cause::Damaged => "media.error.damaged",
        Cause::Timeout => "media.error.timeout",
        Cause::Memory => "media.error.memory",
        Cause::TooLargeOutput => "media.error.too_large_output",
        Cause::NoSpace => "media.error.no_space",
        Cause::MissingTool => "media.error.missing_tool",
        Cause::Killed => "media.error.killed",
        Cause::Cancelled => "media.error.cancelled",
        Cause::Broken => "media.error.broken",
    }
}

/// One version, for who may watch it. One statement.
pub fn get(db: &Db, user: UserId, id: MediaId) -> Result<Media> {
    let media = sql::get(db, user, id)?.ok_or(Error::NotFound("media"))?;
    judge(Some(media.my_role), Right::View, "media")?;
    Ok(media)
}

/// All versions of a feedback, newest first, for who may watch them. Two statements at the most.
pub fn list(db: &Db, who: &Viewer, feedback: FeedbackId) -> Result<Vec<Media>> {
    let place = sql::place(db, who.user, feedback)?.ok_or(Error::NotFound("feedback"))?;
    judge(Some(place.role), Right::View, "feedback")?;
    sql::of_feedback(db, who.user, feedback)
}

/// What a version is called where it is only named.
#[derive(Clone, Debug)]
pub struct Label {
    /// Its file's name.
    pub name: String,
    /// 1, 2, 3 …
    pub version: i64,
    /// Of which feedback.
    pub feedback: FeedbackId,
}

/// How these versions are called, for those who run the instance.
pub fn labels(db: &Db, ids: &[MediaId]) -> Result<HashMap<MediaId, Label>> {
    let label = |m: Media| (m.id, Label { name: m.name, version: m.version, feedback: m.feedback_id });
    Ok(sql::by_ids(db, ids)?.into_iter().map(label).collect())
}

/// What the room hears about these versions as they stand now, for a replay.
pub fn replay(db: &Db, ids: &[MediaId]) -> Result<Vec<(MediaId, Value)>> {
    Ok(sql::by_ids(db, ids)?.into_iter().map(|m| (m.id, m.message())).collect())
}

/// Marks versions as failed whose job is over without having said so: cancelled while it waited, or dead after a crash.
/// Answers how many.
pub fn settle(tx: &mut Tx) -> Result<usize> {
    let left = sql::abandoned(tx)?;
    for (id, cancelled) in &left {
        fail(tx, *id, if *cancelled { Cause::Cancelled } else { Cause::Killed })?;
    }
    Ok(left.len())
}

/// A job was given another set of tries: failed versions whose job it is, or waits for it, are under way again.
pub fn reopen(tx: &mut Tx, job: JobId) -> Result<()> {
    for id in sql::failed_of_job(tx, job)? {
        let Some(mut media) = sql::by_id(tx, id)? else { continue };
        media.state = if media.facts.is_some() { MediaState::Processing } else { MediaState::Received };
        media.error = None;
        sql::update(tx, &media)?;
        let event = Event::MediaReceived { media: id, feedback: media.feedback_id };
        tx.emit(Some(media.project_id), None, event, Some(media.live()))?;
    }
    Ok(())
}

/// Marks a version as failed; one that is gone or ready stays as it is.
fn fail(tx: &mut Tx, id: MediaId, cause: Cause) -> Result<()> {
    let Some(mut media) = sql::by_id(tx, id)?.filter(|m| m.state != MediaState::Ready) else { return Ok(()) };
    media.state = MediaState::Failed;
    media.error = Some(cause);
    sql::update(tx, &media)?;
    let event = Event::MediaFailed { media: id, feedback: media.feedback_id };
    tx.emit(Some(media.project_id), None, event, Some(media.live()))?;
    Ok(())
}
