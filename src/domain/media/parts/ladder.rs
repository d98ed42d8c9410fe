//! The ladder of sizes of a long film.

use serde_json::{Value, json};

use super::super::HLS;
use super::super::recipes::hls;
use super::{Maker, blocking};
use crate::base::job::Part;
use crate::engines::ffmpeg::{Cause, Encoder, Failure};

pub(super) async fn make(maker: &mut Maker<'_>) -> Result<Value, Failure> {
    let facts = maker.facts.clone();
    let Some(video) = facts.video.as_ref().filter(|_| maker.wants(Part::Hls)) else { return Ok(json!({})) };
    let (original, presets) = (maker.original()?, maker.presets.clone());
    let mut encoder = maker.app.ffmpeg.encoder(presets.encoder);
    let tick = loop {
        // What a failed try has left is not part of the ladder.
        let dir = maker.scratch.join(hls::DIR);
        blocking(maker.app, move |_| {
            match std::fs::remove_dir_all(&dir) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            std::fs::create_dir(&dir)
        })
        .await?;
        match maker.ffmpeg(&original, hls::args(&facts, video, &presets, encoder)).await {
            Err(f) if encoder != Encoder::Cpu && !matches!(f.cause, Cause::Cancelled | Cause::NoSpace) => {
                tracing::warn!(media = maker.media.id.0, failure = %f, "the CPU encodes what the hardware could not");
                encoder = Encoder::Cpu;
            }
            ended => break ended?,
        }
    };
    maker.whole(tick)?;
    let files: Vec<_> = hls::files(&facts, video, &presets).iter().map(|name| maker.scratch.join(name)).collect();
    let whole = blocking(maker.app, move |_| Ok(files.iter().all(|path| path.exists()))).await?;
    if !whole {
        return Err(Failure { cause: Cause::Damaged, stderr: "a file of the ladder was not made".to_owned() });
    }
    maker.put_set(hls::DIR, HLS, presets.hls_recipe(encoder)).await?;
    maker.save().await?;
    Ok(json!({ "encoder": encoder }))
}
