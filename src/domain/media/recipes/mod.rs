//! What is made of an original, decided from its facts and the presets: ffmpeg's arguments, and nothing else.
//!
//! Frame-exact review uses one MP4 (H.264, AAC, index in front). An original that already is one is linked, one that
//! only has the wrong wrapping is copied, everything else is encoded. What else is wanted of a film comes out of the
//! same decode ([`once`]); long films get a ladder for long watching on thin lines ([`hls`]).

pub mod hls;
pub mod needs;
pub mod once;
pub mod picture;

use std::ffi::OsString;

use crate::config;
use crate::engines::ffmpeg::{Encoder, Facts, Fraction, Video, output};

/// What the operator decides about renditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Presets {
    /// The proxy's shorter side at the most. Below it sizes stay as they are.
    pub height: u32,
    /// The proxy's quality on x264's scale.
    pub crf: u32,
    /// x264's preset.
    pub preset: String,
    /// Length from which a film gets a ladder; `None`: never.
    pub hls_from_ms: Option<i64>,
    /// Shorter sides of the ladder, the largest first.
    pub hls_heights: Vec<u32>,
    /// How different two frames must be for a cut, 0 to 1.
    pub scene_threshold: f64,
    /// Which encoder; `None`: the best that works.
    pub encoder: Option<Encoder>,
}

impl Presets {
    /// Those of the configuration, which has been checked.
    pub fn of(config: &config::Media) -> Presets {
        let mut hls_heights = config.hls_heights.clone();
        hls_heights.sort_unstable_by(|a, b| b.cmp(a));
        hls_heights.dedup();
        let minutes = config.hls_from_minutes;
        Presets {
            height: config.proxy_height,
            crf: config.proxy_crf,
            preset: config.proxy_preset.clone(),
            hls_from_ms: (minutes > 0 && !hls_heights.is_empty()).then(|| i64::from(minutes) * 60_000),
            hls_heights,
            scene_threshold: config.scene_threshold,
            encoder: config.encoder.parse().ok(),
        }
    }

    /// Does this film get a ladder?
    pub fn wants_hls(&self, facts: &Facts) -> bool {
        let long = |from| facts.duration_ms.is_some_and(|ms| ms >= from);
        facts.video.is_some() && self.hls_from_ms.is_some_and(long)
    }

    /// A few words by which a proxy of these presets is told from one of others.
    pub fn proxy_recipe(&self, way: Proxy, encoder: Encoder) -> String {
        match way {
            Proxy::Link => "proxy link".to_owned(),
            Proxy::Copy => "proxy copy".to_owned(),
            Proxy::Sound => "proxy sound".to_owned(),
            Proxy::Encode => format!("proxy {} crf{} {} {encoder}", self.height, self.crf, self.preset),
        }
    }

    /// The same for a ladder.
    pub fn hls_recipe(&self, encoder: Encoder) -> String {
        let heights: Vec<String> = self.hls_heights.iter().map(u32::to_string).collect();
        format!("hls {} crf{} {} {encoder}", heights.join("+"), self.crf, self.preset)
    }
}

/// The length of a group of pictures: two seconds, at which a player can begin.
const GROUP_S: f64 = 2.0;

/// How often a frame comes, where that is exact: the encoder's clock then ticks once a frame, and no rounding of the
/// container's (milliseconds in Matroska) reaches the proxy.
pub fn exact_rate(video: &Video) -> Option<Fraction> {
    let rate = video.frame_rate.filter(|rate| !video.variable_rate && (1.0..=1000.0).contains(&rate.value()))?;
    // A container that counts milliseconds makes 19001/317 of 60000/1001.
    let broadcast = [24, 25, 30, 48, 50, 60, 100, 120].map(|num| Fraction { num, den: 1 });
    let ntsc = [24, 30, 48, 60, 120].map(|n| Fraction { num: n * 1000, den: 1001 });
    let meant = |known: &Fraction| (known.value() / rate.value() - 1.0).abs() < 1e-5;
    Some(broadcast.into_iter().chain(ntsc).find(meant).unwrap_or(rate))
}

/// No frame is added or lost; a constant rate stays the exact fraction that it is; groups are closed and two seconds long.
fn timing(video: &Video) -> String {
    match exact_rate(video) {
        Some(rate) => {
            let group = (rate.value() * GROUP_S).round().max(1.0);
            format!("-fps_mode passthrough -enc_time_base {}:{} -g {group}", rate.den, rate.num)
        }
        None => format!(
            "-fps_mode passthrough -enc_time_base 1:90000 -g 600 -force_key_frames expr:gte(t,n_forced*{GROUP_S})"
        ),
    }
}

/// How the proxy comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// The original is one: the same bytes under a second name.
    Link,
    /// The same packets in another wrapping.
    Copy,
    /// Decoded and encoded.
    Encode,
    /// A sound without a picture, encoded or copied.
    Sound,
}

/// Which way for this film.
pub fn proxy(facts: &Facts) -> Proxy {
    let Some(video) = &facts.video else { return Proxy::Sound };
    let wrapped = matches!(facts.container.as_str(), "mp4" | "mov");
    let safe_sound = facts.audio.as_ref().is_none_or(|a| matches!(a.codec.as_str(), "aac" | "mp3"));
    if !wrapped || !safe_sound || !is_safe_picture(video) {
        Proxy::Encode
    } else if facts.container == "mp4" && facts.fast_start {
        Proxy::Link
    } else {
        Proxy::Copy
    }
}

/// H.264 that every browser shows as it was meant.
fn is_safe_picture(video: &Video) -> bool {
    video.video_codec == "h264"
        && matches!(video.pixel_format.as_deref(), Some("yuv420p" | "yuvj420p"))
        && !video.interlaced
        && !video.is_hdr()
}

/// Can a browser play the original as it is, by Range? HEVC and ProRes move the clock and show nothing, so they do not
/// count.
pub fn is_playable(facts: &Facts) -> bool {
    let sound = facts.audio.as_ref().map(|a| a.codec.as_str());
    let container = facts.container.as_str();
    let Some(video) = &facts.video else {
        return match container {
            "mp4" | "mov" => matches!(sound, Some("aac" | "mp3")),
            "mp3" | "flac" => true,
            "wav" => sound.is_some_and(|s| matches!(s, "pcm_s16le" | "pcm_u8" | "pcm_s24le" | "pcm_f32le")),
            "ogg" | "webm" => matches!(sound, Some("opus" | "vorbis")),
            _ => false,
        };
    };
    let eight_bit = matches!(video.pixel_format.as_deref(), Some("yuv420p" | "yuvj420p"));
    match container {
        "mp4" | "mov" => {
            let sound_ok = sound.is_none_or(|s| matches!(s, "aac" | "mp3" | "opus" | "flac"));
            sound_ok && (is_safe_picture(video) || (eight_bit && matches!(video.video_codec.as_str(), "vp9" | "av1")))
        }
        "webm" => {
            eight_bit
                && matches!(video.video_codec.as_str(), "vp8" | "vp9" | "av1")
                && sound.is_none_or(|s| matches!(s, "opus" | "vorbis"))
        }
        _ => false,
    }
}

/// The type under which the original is served. A MOV that plays is sent as MP4: browsers refuse QuickTime by name.
pub fn content_type(facts: &Facts) -> &'static str {
    let sound_only = facts.video.is_none();
    match facts.container.as_str() {
        "mp4" | "mov" if sound_only => "audio/mp4",
        "mp4" => "video/mp4",
        "mov" if is_playable(facts) => "video/mp4",
        "mov" => "video/quicktime",
        "webm" if sound_only => "audio/webm",
        "webm" => "video/webm",
        "matroska" => "video/x-matroska",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "flac" => "audio/flac",
        "ogg" if sound_only => "audio/ogg",
        "ogg" => "video/ogg",
        "avi" => "video/x-msvideo",
        "mpegts" => "video/mp2t",
        "mpeg" => "video/mpeg",
        "mxf" => "application/mxf",
        _ => "application/octet-stream",
    }
}

/// What each proxy plays as.
pub fn proxy_type(facts: Option<&Facts>) -> &'static str {
    if facts.is_some_and(|f| f.video.is_none()) { "audio/mp4" } else { "video/mp4" }
}

/// The sound that is heard, for `-map` and for a graph: the first track of a known kind, which need not be the first of
/// all. Facts of an older version do not tell its number.
fn sound_stream(facts: &Facts) -> String {
    facts.audio_tracks.first().map_or("0:a:0".to_owned(), |track| format!("0:{}", track.stream))
}

/// Threads that decode for the proxy: fewer where each picture is large, so that 8K stays within the memory limit.
pub fn decoder_threads(facts: &Facts) -> usize {
    let pixels = facts.video.as_ref().map_or(0, |v| u64::from(v.width) * u64::from(v.height));
    if pixels > 4096 * 2304 { 3 } else { 8 }
}

#[derive(Default)]
struct Args(Vec<OsString>);

impl Args {
    fn words(&mut self, words: &str) -> &mut Args {
        self.0.extend(words.split_whitespace().map(OsString::from));
        self
    }

    fn word(&mut self, word: String) -> &mut Args {
        self.0.push(word.into());
        self
    }

    /// The picture by its number: `0:v:0` could be a cover.
    fn map(&mut self, video: &Video) -> &mut Args {
        self.words("-map").word(format!("0:{}", video.stream))
    }

    /// The file in the run's directory that comes of what stands before.
    fn output(&mut self, name: &str) -> &mut Args {
        self.0.push(output(name));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::ffmpeg::Audio;

    pub(in super::super) fn film() -> Facts {
        let video = Video {
            stream: 0,
            width: 1920,
            height: 1080,
            rotation: 0,
            frame_rate: Some(Fraction { num: 25, den: 1 }),
            variable_rate: false,
            pixel_aspect: None,
            interlaced: false,
            video_codec: "h264".into(),
            video_profile: None,
            pixel_format: Some("yuv420p".into()),
            color_space: None,
            color_transfer: None,
            color_primaries: None,
            bit_depth: Some(8),
        };
        Facts {
            container: "mp4".into(),
            duration_ms: Some(60_000),
            video: Some(video),
            start_timecode: None,
            audio: Some(Audio { codec: "aac".into(), channels: 2, sample_rate: 48000 }),
            audio_tracks: Vec::new(),
            streams: 2,
            fast_start: true,
            still: false,
            bit_rate: None,
        }
    }

    pub(in super::super) fn with(change: impl FnOnce(&mut Facts)) -> Facts {
        let mut facts = film();
        change(&mut facts);
        facts
    }

    pub(in super::super) fn picture(change: impl FnOnce(&mut Video)) -> Facts {
        with(|f| change(f.video.as_mut().unwrap()))
    }

    #[test]
    fn what_a_browser_plays_is_not_encoded_again() {
        assert_eq!(proxy(&film()), Proxy::Link);
        assert_eq!(proxy(&with(|f| f.fast_start = false)), Proxy::Copy);
        assert_eq!(proxy(&with(|f| f.container = "mov".into())), Proxy::Copy);
        assert_eq!(proxy(&with(|f| f.audio = None)), Proxy::Link);
        assert_eq!(proxy(&with(|f| f.container = "matroska".into())), Proxy::Encode);
        assert_eq!(proxy(&with(|f| f.audio.as_mut().unwrap().codec = "pcm_s16le".into())), Proxy::Encode);
        assert_eq!(proxy(&picture(|v| v.interlaced = true)), Proxy::Encode);
        assert_eq!(proxy(&picture(|v| v.pixel_format = Some("yuv420p10le".into()))), Proxy::Encode);
        assert_eq!(proxy(&picture(|v| v.video_codec = "hevc".into())), Proxy::Encode);
        assert_eq!(proxy(&with(|f| f.video = None)), Proxy::Sound);
    }

    #[test]
    fn only_what_shows_a_picture_counts_as_playable() {
        assert!(is_playable(&film()));
        assert!(is_playable(&with(|f| f.fast_start = false)));
        assert!(!is_playable(&picture(|v| v.video_codec = "hevc".into())));
        assert!(!is_playable(&picture(|v| v.video_codec = "prores".into())));
        assert!(!is_playable(&with(|f| f.container = "matroska".into())));
        let mov = with(|f| f.container = "mov".into());
        assert_eq!((is_playable(&mov), content_type(&mov)), (true, "video/mp4"));
    }
}
