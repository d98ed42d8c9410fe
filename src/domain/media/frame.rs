//! Pictures of a film that were made of it anyway, by the moment that they show: for a plan that begins with a cut.

use bytes::Bytes;

use super::readings::{Scene, Scenes};
use super::recipes::picture::{picture_times, thumb_name};
use super::{Media, SCENES, THUMBS};
use crate::app::App;
use crate::base::error::{Error, Result};

/// Bytes of `scenes.json` or of a picture that are read; what is larger is none.
const MOST: u64 = 4 << 20;

/// A picture of a film.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Which moment it shows.
    pub at_ms: i64,
    /// JPEG.
    pub bytes: Bytes,
}

/// The scenes of a film; without any that were found, the film as one.
pub async fn scenes(app: &App, media: &Media) -> Result<Vec<Scene>> {
    let mut found = Vec::new();
    if media.has(SCENES) {
        let bytes = read(app, media, SCENES.to_owned()).await?;
        found = serde_json::from_slice::<Scenes>(&bytes).map_err(Error::internal)?.scenes;
    }
    let end_ms = media.facts.as_ref().and_then(|f| f.duration_ms).unwrap_or(0);
    if found.is_empty() && end_ms > 0 {
        found.push(Scene { index: 1, start_ms: 0, end_ms, frame: 0, picture: String::new() });
    }
    Ok(found)
}

/// The picture that was made nearest to `at_ms`; `None` while there is none.
pub async fn nearest(app: &App, media: &Media, scenes: &[Scene], at_ms: i64) -> Result<Option<Frame>> {
    let mut made: Vec<(i64, String)> =
        scenes.iter().filter(|s| !s.picture.is_empty()).map(|s| (s.start_ms, s.picture.clone())).collect();
    if media.has(THUMBS) {
        let duration_ms = media.facts.as_ref().and_then(|f| f.duration_ms).unwrap_or(0);
        let (_, times) = picture_times(duration_ms);
        made.extend(times.iter().enumerate().map(|(i, ms)| (*ms, thumb_name(i))));
    }
    let Some((at_ms, name)) = made.into_iter().min_by_key(|(ms, _)| (ms - at_ms).abs()) else { return Ok(None) };
    Ok(Some(Frame { at_ms, bytes: read(app, media, name).await? }))
}

async fn read(app: &App, media: &Media, name: String) -> Result<Bytes> {
    use std::io::Read;
    let (files, key) = (app.files.clone(), media.key);
    let read = move || {
        let mut bytes = Vec::new();
        files.read(&key, &name)?.file.take(MOST).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let bytes = tokio::task::spawn_blocking(read).await.map_err(Error::internal)?;
    match bytes {
        Ok(bytes) => Ok(bytes.into()),
        // Made again or dropped at this moment.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Error::NotFound("rendition")),
        Err(e) => Err(e.into()),
    }
}
