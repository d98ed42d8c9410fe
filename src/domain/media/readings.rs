//! What the one run measured, read from its directory: the facts of the report and the small files that players load
//! beside a film (waveform, scenes, the map of the sheet).

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::recipes::once::{BLACK, CUTS, LOUDNESS, MAX_SCENES, SILENCE, SOUND, SOUND_RATE, Sheet};
use crate::engines::ffmpeg::{self, Fraction, Peaks};

/// Points of a waveform at the most.
const MAX_PEAKS: u64 = 4000;
/// Milliseconds of a point at the least.
const MIN_PEAK_MS: u64 = 20;
/// Black or silent stretches at the most.
const MAX_SPANS: usize = 500;

/// What a film's picture and sound are like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MediaReport)]
pub struct Report {
    /// How loud it is; `null` without a sound.
    pub loudness: Option<Loudness>,
    /// Black stretches of a tenth of a second and more.
    pub black: Vec<Span>,
    /// Silent stretches of a second and more.
    pub silence: Vec<Span>,
    /// How many scenes were found.
    pub scenes: usize,
    /// Counted frames; `null` without a picture.
    pub frames: Option<i64>,
}

/// EBU R 128.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Loudness {
    /// Integrated loudness in LUFS; −70 is silence.
    #[schema(example = -23.0)]
    pub integrated_lufs: f64,
    /// Loudness range in LU.
    #[schema(example = 6.5)]
    pub range_lu: f64,
    /// The loudest sample in dBFS; `null` in digital silence.
    #[schema(example = -1.2)]
    pub peak_dbfs: Option<f64>,
}

/// A stretch of a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MediaSpan)]
pub struct Span {
    /// Where it begins.
    pub start_ms: i64,
    /// Where it ends.
    pub end_ms: i64,
}

/// `scenes.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenes {
    /// In their order, without a gap.
    pub scenes: Vec<Scene>,
}

/// From one cut to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// Counted from 1.
    pub index: usize,
    /// Where its first frame begins to be shown.
    pub start_ms: i64,
    /// Where the next scene begins, or the film ends.
    pub end_ms: i64,
    /// Number of its first frame, counted from 0.
    pub frame: i64,
    /// Its first frame, beside `scenes.json`.
    pub picture: String,
}

/// Loudness, if it was measured.
pub fn loudness(dir: &Path) -> io::Result<Option<Loudness>> {
    let [integrated, range, peak] = LOUDNESS;
    let read = |name: &str| ffmpeg::last_value(&dir.join(name));
    let Some(integrated_lufs) = read(integrated)? else { return Ok(None) };
    let peak = read(peak)?.filter(|&p| p > 0.0);
    let peak_dbfs = peak.map(|p| round(20.0 * p.log10(), 10.0));
    Ok(Some(Loudness {
        integrated_lufs: round(integrated_lufs, 10.0),
        range_lu: round(read(range)?.unwrap_or(0.0), 10.0),
        peak_dbfs,
    }))
}

/// Black stretches; one that reaches the end ends with the film.
pub fn black(dir: &Path, duration_ms: i64) -> io::Result<Vec<Span>> {
    spans(dir, BLACK, 100, duration_ms)
}

/// Silent stretches.
pub fn silence(dir: &Path, duration_ms: i64) -> io::Result<Vec<Span>> {
    spans(dir, SILENCE, 1000, duration_ms)
}

fn spans(dir: &Path, [start, end]: [&str; 2], least_ms: i64, duration_ms: i64) -> io::Result<Vec<Span>> {
    let read = |name| ffmpeg::values(&dir.join(name), MAX_SPANS);
    let ends = read(end)?;
    let spans = read(start)?.into_iter().enumerate().map(|(i, (_, start))| {
        let end_ms = ends.get(i).map_or(duration_ms, |(_, end)| ms(*end));
        Span { start_ms: ms(start).max(0), end_ms }
    });
    Ok(spans.filter(|s| s.end_ms - s.start_ms >= least_ms).collect())
}

/// The waveform out of the raw sound; `None` if there was none.
pub fn waveform(dir: &Path) -> io::Result<Option<Peaks>> {
    let path = dir.join(SOUND);
    let samples = match std::fs::metadata(&path) {
        Ok(meta) => meta.len(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
        Err(e) => return Err(e),
    };
    if samples == 0 {
        return Ok(None);
    }
    let interval_ms = (samples * 1000).div_ceil(u64::from(SOUND_RATE)).div_ceil(MAX_PEAKS).max(MIN_PEAK_MS);
    ffmpeg::peaks(&path, SOUND_RATE, u32::try_from(interval_ms).unwrap_or(u32::MAX)).map(Some)
}

/// The scenes: as many as have a time and a picture.
pub fn scenes(dir: &Path, rate: Option<Fraction>, duration_ms: i64) -> io::Result<Scenes> {
    let cuts = ffmpeg::values(&dir.join(CUTS), MAX_SCENES)?;
    let Some(&(first, _)) = cuts.first() else { return Ok(Scenes { scenes: Vec::new() }) };
    // Frames are counted from the first picture. Where the rate varies, its average counts, as players do.
    let rate = rate.unwrap_or(Fraction { num: 25, den: 1 });
    let frames: Vec<i64> = cuts.iter().map(|(at, _)| ((at - first) * rate.value()).round() as i64).collect();
    let shown_ms = |frame: i64| (frame * 1000 * rate.den + rate.num - 1) / rate.num;
    let scene = |(i, &frame): (usize, &i64)| Scene {
        index: i + 1,
        start_ms: shown_ms(frame),
        end_ms: frames.get(i + 1).map_or(duration_ms.max(shown_ms(frame)), |&next| shown_ms(next)),
        frame,
        picture: scene_name(i),
    };
    let mut scenes: Vec<Scene> = frames.iter().enumerate().map(scene).collect();
    let pictures = (0..scenes.len()).take_while(|&i| dir.join(scene_file(i)).exists()).count();
    scenes.truncate(pictures);
    Ok(Scenes { scenes })
}

/// The run's name for the picture of scene `i`, counted from 0.
pub fn scene_file(i: usize) -> String {
    format!("scene-{:03}.jpg", i + 1)
}

/// The final name of it.
pub fn scene_name(i: usize) -> String {
    format!("scenes/{:03}.jpg", i + 1)
}

/// The map of the sheet (WebVTT): which part of it to show when.
pub fn vtt(sheet: &Sheet, duration_ms: i64) -> String {
    let (tiles, interval) = (i64::from(sheet.tiles), sheet.interval_ms.max(1));
    // A film that is shorter than it said has fewer pictures.
    let tiles = ((duration_ms + interval / 2) / interval).clamp(1, tiles);
    let mut text = String::from("WEBVTT\n");
    for i in 0..tiles {
        let end = if i + 1 == tiles { duration_ms.max(i * interval + 1) } else { (i + 1) * interval };
        let (column, row) = (i as u32 % Sheet::COLUMNS, i as u32 / Sheet::COLUMNS);
        text += &format!(
            "\n{} --> {}\nsprite.jpg#xywh={},{},{},{}\n",
            clock(i * interval),
            clock(end),
            column * sheet.width,
            row * sheet.height,
            sheet.width,
            sheet.height
        );
    }
    text
}

fn clock(ms: i64) -> String {
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

fn ms(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

fn round(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}
