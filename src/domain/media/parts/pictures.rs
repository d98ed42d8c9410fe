//! Poster and pictures along the film, by seeking: seconds, also for a film of hours. Of a still, its view.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::recipes::picture::{self, Size, THUMBS as COUNT};
use super::super::{IMAGE, POSTER, THUMBS};
use super::{Maker, blocking, ours};
use crate::base::job::{Part, Progress};
use crate::engines::ffmpeg::{self, Cause, Facts, Failure, Input};

/// One picture out of a film: a few key frames to decode, also on a slow machine.
const PICTURE_LIMIT: Duration = Duration::from_secs(120);
/// Where the thumbs are gathered.
const GATHERED: &str = "thumbs";

pub(super) async fn make(maker: &mut Maker<'_>) -> Result<Value, Failure> {
    if maker.facts.video.is_none() || !maker.wants(Part::Pictures) {
        return Ok(json!({}));
    }
    let (original, facts) = (maker.original()?, maker.facts.clone());
    if facts.still {
        for (size, name) in [(Size::Poster, POSTER), (Size::View, IMAGE)] {
            if !one(maker, &original, &facts, 0, size, "picture.jpg").await? {
                return Err(Failure { cause: Cause::Damaged, stderr: "no picture could be decoded".to_owned() });
            }
            maker.put("picture.jpg", name, size.recipe()).await?;
        }
        maker.save().await?;
    } else if facts.duration_ms.is_some() {
        // Of a film that does not tell its length, the proxy does: they are made from it.
        along(maker, &original, &facts).await?;
    }
    Ok(json!({ "made": maker.media.has(POSTER) }))
}

/// Poster and thumbs out of `source`; nothing if there is no picture to be had by seeking.
pub(super) async fn along(maker: &mut Maker<'_>, source: &Path, facts: &Facts) -> Result<(), Failure> {
    let (poster_ms, thumbs_ms) = picture::picture_times(facts.duration_ms.unwrap_or(0));
    let poster = Size::Poster;
    let found = one(maker, source, facts, poster_ms, poster, "poster.jpg").await?
        || one(maker, source, facts, 0, poster, "poster.jpg").await?;
    if !found {
        return Ok(());
    }
    let copy = maker.scratch.join("poster-thumb.jpg");
    let from = maker.scratch.join("poster.jpg");
    let gathered = maker.scratch.join(GATHERED);
    blocking(maker.app, move |_| {
        std::fs::create_dir_all(gathered)?;
        std::fs::copy(from, copy).map(drop)
    })
    .await?;
    maker.put("poster.jpg", POSTER, poster.recipe()).await?;
    maker.save().await?;
    let mut before = "poster-thumb.jpg".to_owned();
    for (i, &ms) in thumbs_ms.iter().enumerate() {
        let name = picture::thumb_name(i);
        if !one(maker, source, facts, ms, Size::Thumb, &name).await? {
            // Behind the last frame: the picture before stands there as well.
            let (from, to) = (maker.scratch.join(&before), maker.scratch.join(&name));
            blocking(maker.app, move |_| std::fs::copy(from, to).map(drop)).await?;
        }
        before = name;
        maker.tell(Progress { percent: 100.0 * (i + 1) as f32 / COUNT as f32, ..Progress::default() });
    }
    maker.put_set(GATHERED, THUMBS, Size::Thumb.recipe()).await?;
    maker.save().await
}

/// One picture at `ms`, as `name` in scratch. `false` if there is none at this place.
async fn one(
    maker: &Maker<'_>,
    source: &Path,
    facts: &Facts,
    ms: i64,
    size: Size,
    name: &str,
) -> Result<bool, Failure> {
    let video = facts.video.as_ref().ok_or_else(|| ours("no picture in this film"))?;
    let run = ffmpeg::Run {
        input: Input { path: source, seek_ms: (ms > 0).then_some(ms), threads: 2 },
        args: picture::picture_args(video, size, name),
        dir: maker.scratch.path(),
        limit: PICTURE_LIMIT,
        duration_ms: None,
    };
    match maker.app.ffmpeg.run(run, &maker.run.cancel, &mut |_| {}).await {
        Ok(_) => {
            let path = maker.scratch.join(name);
            blocking(maker.app, move |_| Ok(std::fs::metadata(path).is_ok_and(|m| m.len() > 0))).await
        }
        Err(f) if f.cause.may_heal() => Err(f),
        // A place that cannot be decoded is not the end of the film: the decode of all of it tells about that.
        Err(f) => {
            tracing::info!(media = maker.media.id.0, ms, cause = f.cause.as_str(), "no picture at this place");
            Ok(false)
        }
    }
}
