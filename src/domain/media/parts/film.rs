//! The proxy and all that comes out of the same decode: sheet, scenes, waveform, report.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::super::readings::{self, Report};
use super::super::recipes::once::{Once, Sheet};
use super::super::recipes::{self, Proxy, once};
use super::super::{POSTER, PROXY, REPORT, SCENE_PICTURES, SCENES, SPRITE, SPRITE_MAP, WAVEFORM};
use super::{Maker, blocking, ours, pictures};
use crate::base::job::Part;
use crate::engines::ffmpeg::{Cause, Encoder, Facts, Failure, Tick};

/// A report is a few kilobytes.
const REPORT_BYTES: u64 = 256 << 10;

pub(super) async fn make(maker: &mut Maker<'_>) -> Result<Value, Failure> {
    let (original, facts) = (maker.original()?, maker.facts.clone());
    let way = recipes::proxy(&facts);
    let (seen, heard) = (facts.video.is_some(), facts.audio.is_some());
    let mut proxy = maker.wants(Part::Proxy).then_some(way);
    if proxy == Some(Proxy::Link) {
        // The bytes are there: nothing is waited for.
        let key = maker.media.key;
        blocking(maker.app, move |app| app.files.link_original(&key, PROXY)).await?;
        maker.made.push((PROXY, maker.presets.proxy_recipe(way, Encoder::Cpu)));
        maker.save().await?;
        proxy = None;
    }
    let presets = maker.presets.clone();
    let mut wanted = Once {
        facts: &facts,
        presets: &presets,
        proxy,
        encoder: maker.app.ffmpeg.encoder(presets.encoder),
        sheet: Sheet::of(&facts).filter(|_| maker.wants(Part::Sprite)),
        scenes: seen && maker.wants(Part::Scenes),
        sound: heard && maker.wants(Part::Waveform),
    };
    let mut told = json!({});
    if wanted.proxy.is_some() || wanted.sheet.is_some() || wanted.scenes || wanted.sound {
        let tick = run(maker, &original, &mut wanted).await?;
        if let Some(way) = wanted.proxy {
            if way == Proxy::Encode {
                told = json!({ "encoder": wanted.encoder });
            }
            keep_proxy(maker, presets.proxy_recipe(way, wanted.encoder)).await?;
        }
        keep_readings(maker, &wanted, tick).await?;
    }
    if seen && maker.media.has(PROXY) {
        from_proxy(maker, &facts).await?;
    }
    if maker.media.report.is_none() && maker.media.has(REPORT) {
        // The same bytes came before, and were measured then.
        maker.report = earlier(maker).await;
        maker.save().await?;
    }
    Ok(told)
}

/// The run, with what is tried when it fails: the CPU where the hardware gave way, and the proxy alone where looking at
/// the film did. What was tried last stands in `wanted`.
async fn run(maker: &Maker<'_>, original: &Path, wanted: &mut Once<'_>) -> Result<Tick, Failure> {
    loop {
        let args = wanted.args().ok_or_else(|| ours("nothing is to be made"))?;
        let ended = match maker.ffmpeg(original, args).await {
            // What is only looked at has its facts, however short it came out.
            Ok(tick) if wanted.proxy.is_some() => maker.whole(tick).map(|()| tick),
            ended => ended,
        };
        let failure = match ended {
            Ok(tick) => return Ok(tick),
            Err(failure) => failure,
        };
        let mine = matches!(failure.cause, Cause::Cancelled | Cause::NoSpace | Cause::Timeout | Cause::Truncated);
        let (encodes, alone) =
            (wanted.proxy == Some(Proxy::Encode), wanted.sheet.is_none() && !wanted.scenes && !wanted.sound);
        let next = if mine {
            return Err(failure);
        } else if encodes && wanted.encoder != Encoder::Cpu {
            wanted.encoder = Encoder::Cpu;
            "the CPU encodes what the hardware could not"
        } else if wanted.proxy.is_some() && !alone {
            (wanted.sheet, wanted.scenes, wanted.sound) = (None, false, false);
            "the proxy is made without looking at the film"
        } else {
            return Err(failure);
        };
        tracing::warn!(media = maker.media.id.0, %failure, next, "a run over a film failed");
    }
}

async fn keep_proxy(maker: &mut Maker<'_>, recipe: String) -> Result<(), Failure> {
    // An encoder that ended well may still have written nothing that plays.
    let made = maker.scratch.join(once::PROXY);
    let looked = maker.app.ffmpeg.probe(&made, maker.scratch.path(), &maker.run.cancel).await;
    looked.map_err(|f| if f.cause.may_heal() { f } else { Failure { cause: Cause::Damaged, ..f } })?;
    maker.put(once::PROXY, PROXY, recipe).await?;
    // The room changes over to it now.
    maker.save().await
}

/// Puts away what the run has measured.
async fn keep_readings(maker: &mut Maker<'_>, wanted: &Once<'_>, tick: Tick) -> Result<(), Failure> {
    let duration_ms = wanted.facts.duration_ms.unwrap_or(tick.done_ms);
    if let Some(sheet) = wanted.sheet {
        keep_sheet(maker, sheet, duration_ms).await?;
    }
    if !wanted.scenes && !wanted.sound {
        return maker.save().await;
    }
    let mut report = earlier(maker).await.unwrap_or_default();
    let dir = maker.scratch.path().to_owned();
    if let Some(video) = wanted.facts.video.as_ref().filter(|_| wanted.scenes) {
        let rate = recipes::exact_rate(video).or(video.frame_rate);
        let read = dir.clone();
        let (scenes, black) = blocking(maker.app, move |_| {
            let scenes = readings::scenes(&read, rate, duration_ms)?;
            let set = read.join("scenes");
            std::fs::create_dir_all(&set)?;
            for (i, scene) in scenes.scenes.iter().enumerate() {
                std::fs::rename(read.join(readings::scene_file(i)), read.join(&scene.picture))?;
            }
            write(&read.join(SCENES), &scenes)?;
            Ok((scenes.scenes.len(), readings::black(&read, duration_ms)?))
        })
        .await?;
        let recipe = format!("scenes {}", wanted.presets.scene_threshold);
        maker.put_set("scenes", SCENE_PICTURES, recipe.clone()).await?;
        maker.put(SCENES, SCENES, recipe).await?;
        (report.scenes, report.black, report.frames) = (scenes, black, Some(tick.frames));
    }
    if wanted.sound {
        let read = dir.clone();
        let (waveform, loudness, silence) = blocking(maker.app, move |_| {
            let waveform = readings::waveform(&read)?;
            if let Some(waveform) = &waveform {
                write(&read.join(WAVEFORM), waveform)?;
            }
            Ok((waveform.is_some(), readings::loudness(&read)?, readings::silence(&read, duration_ms)?))
        })
        .await?;
        if waveform {
            maker.put(WAVEFORM, WAVEFORM, "waveform").await?;
        }
        (report.loudness, report.silence) = (loudness, silence);
    }
    let told = report.clone();
    blocking(maker.app, move |_| write(&dir.join(REPORT), &told)).await?;
    maker.put(REPORT, REPORT, "report").await?;
    maker.report = Some(report);
    maker.save().await
}

async fn keep_sheet(maker: &mut Maker<'_>, sheet: Sheet, duration_ms: i64) -> Result<(), Failure> {
    let (picture, map) = (maker.scratch.join(once::SPRITE), maker.scratch.join(SPRITE_MAP));
    let text = readings::vtt(&sheet, duration_ms);
    // A film of one broken frame has none.
    let there = blocking(maker.app, move |_| {
        let there = picture.exists();
        if there {
            std::fs::write(map, text)?;
        }
        Ok(there)
    });
    if there.await? {
        maker.put(once::SPRITE, SPRITE, "sprite 160").await?;
        maker.put(SPRITE_MAP, SPRITE_MAP, "sprite 160").await?;
    }
    Ok(())
}

/// What an original that does not tell its length, or in which nothing can be sought, cannot give: its proxy can.
async fn from_proxy(maker: &mut Maker<'_>, facts: &Facts) -> Result<(), Failure> {
    let sheet = facts.duration_ms.is_none() && maker.wants(Part::Sprite);
    let pictures = maker.again.is_empty() && facts.duration_ms.is_none() && !maker.media.has(POSTER);
    if !sheet && !pictures {
        return Ok(());
    }
    let proxy = maker.app.files.path(&maker.media.key, PROXY).map_err(ours)?;
    let made = maker.app.ffmpeg.probe(&proxy, maker.scratch.path(), &maker.run.cancel).await?;
    if pictures {
        pictures::along(maker, &proxy, &made).await?;
    }
    if let Some(sheet) = Sheet::of(&made).filter(|_| sheet) {
        let presets = maker.presets.clone();
        let once = Once {
            facts: &made,
            presets: &presets,
            proxy: None,
            encoder: Encoder::Cpu,
            sheet: Some(sheet),
            scenes: false,
            sound: false,
        };
        if let Some(args) = once.args() {
            let tick = maker.ffmpeg(&proxy, args).await?;
            keep_sheet(maker, sheet, made.duration_ms.unwrap_or(tick.done_ms)).await?;
        }
    }
    maker.save().await
}

/// The report that stands beside the original.
async fn earlier(maker: &Maker<'_>) -> Option<Report> {
    if !maker.media.has(REPORT) {
        return None;
    }
    let key = maker.media.key;
    let read = blocking(maker.app, move |app| {
        use std::io::Read;
        let mut text = String::new();
        app.files.read(&key, REPORT)?.file.take(REPORT_BYTES).read_to_string(&mut text)?;
        Ok(text)
    });
    serde_json::from_str(&read.await.ok()?).ok()
}

fn write(path: &Path, value: &impl Serialize) -> std::io::Result<()> {
    std::fs::write(path, serde_json::to_vec(value)?)
}
