//! What is made of an original, decided from its facts: ffmpeg's arguments, and nothing else.
//!
//! Frame-exact review uses one MP4 (H.264, AAC, index in front). An original that already is one is linked, one that
//! only has the wrong wrapping is copied, everything else is encoded.

use std::ffi::OsString;

use crate::engines::ffmpeg::{Facts, Video, output};

/// Pictures on the timeline.
pub const THUMBS: usize = 10;
/// The proxy's shorter side at the most. Below it sizes stay as they are.
const PROXY_SIDE: u32 = 1080;
/// Width of a poster and of a thumb at the most.
const POSTER_WIDTH: u32 = 1280;
const THUMB_WIDTH: u32 = 320;

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

/// Arguments for the proxy; `None` if it is a link.
pub fn proxy_args(facts: &Facts, way: Proxy) -> Option<Vec<OsString>> {
    let mut args = Args::default();
    match (way, &facts.video) {
        (Proxy::Link, _) => return None,
        (Proxy::Copy, Some(video)) => {
            args.map(video).words("-map 0:a:0? -c copy");
        }
        (_, Some(video)) => {
            let (width, height) = fit(video, PROXY_SIDE);
            let filter = picture_filter(video, width, height);
            args.map(video).words("-map 0:a:0? -vf").word(filter).words(
                "-c:v libx264 -preset veryfast -crf 23 -profile:v high -pix_fmt yuv420p -g 50 -sc_threshold 0 \
                 -fps_mode passthrough",
            );
            args.sound();
        }
        (_, None) => {
            args.words("-map 0:a:0");
            match facts.audio.as_ref().map(|a| a.codec.as_str()) {
                Some("aac") => args.words("-c:a copy"),
                _ => args.sound(),
            };
        }
    }
    // Streams that begin far apart need a longer queue than ffmpeg's 128 packets.
    args.words("-sn -dn -map_chapters -1 -max_muxing_queue_size 4096 -movflags +faststart -f mp4");
    args.0.push(output("proxy.mp4"));
    Some(args.0)
}

/// Threads that decode for the proxy: fewer where each picture is large, so that 8K stays within the memory limit.
pub fn decoder_threads(facts: &Facts) -> usize {
    let pixels = facts.video.as_ref().map_or(0, |v| u64::from(v.width) * u64::from(v.height));
    if pixels > 4096 * 2304 { 3 } else { 8 }
}

/// Arguments for one picture at the input's position. `name` is the file in the job's directory.
pub fn picture_args(video: &Video, thumb: bool, name: &str) -> Vec<OsString> {
    let (width, height) = within_width(video, if thumb { THUMB_WIDTH } else { POSTER_WIDTH });
    let filter = picture_filter(video, width, height);
    let mut args = Args::default();
    args.map(video).words("-an -sn -dn -frames:v 1 -vf").word(filter);
    args.words(if thumb { "-q:v 5" } else { "-q:v 3" }).words("-pix_fmt yuvj420p -c:v mjpeg -f image2 -update 1");
    args.0.push(output(name));
    args.0
}

/// Where the pictures stand: the middle of each tenth, and for the poster a tenth into the film, past a black start.
pub fn picture_times(duration_ms: i64) -> (i64, [i64; THUMBS]) {
    let at = |i: usize| duration_ms * (2 * i as i64 + 1) / (2 * THUMBS as i64);
    (duration_ms / 10, std::array::from_fn(at))
}

/// The file name of thumb `i`, counted from 0.
pub fn thumb_name(i: usize) -> String {
    format!("thumbs/{:02}.jpg", i + 1)
}

/// Progressive, in ordinary colours, upright, with square pixels, `width` × `height`. ffmpeg has turned the picture before
/// its first filter.
fn picture_filter(video: &Video, width: u32, height: u32) -> String {
    let mut chain = Vec::new();
    if video.interlaced {
        chain.push("yadif=deint=interlaced".to_owned());
    }
    if video.is_hdr() {
        // What the file does not say of itself must be said here, or the filter refuses.
        let transfer = video.color_transfer.as_deref().unwrap_or("smpte2084");
        let or_2020 = |s: &Option<String>, default: &str| s.clone().unwrap_or_else(|| default.to_owned());
        let matrix = or_2020(&video.color_space, "bt2020nc");
        let primaries = or_2020(&video.color_primaries, "bt2020");
        chain.push(format!(
            "zscale=tin={transfer}:min={}:pin={}:t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,\
             tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv",
            zscale_name(&matrix),
            zscale_name(&primaries)
        ));
    }
    chain.push(format!("scale={width}:{height},setsar=1,format=yuv420p"));
    chain.join(",")
}

/// zscale has names of its own for what ffprobe prints.
fn zscale_name(name: &str) -> &str {
    match name {
        "bt2020nc" => "2020_ncl",
        "bt2020c" => "2020_cl",
        "bt2020" => "2020",
        "bt709" => "709",
        other => other,
    }
}

/// The seen size, its shorter side at most `side`, both sides even.
fn fit(video: &Video, side: u32) -> (u32, u32) {
    let (width, height) = video.seen_size();
    scaled(width, height, f64::from(side) / f64::from(width.min(height)))
}

fn within_width(video: &Video, max: u32) -> (u32, u32) {
    let (width, height) = video.seen_size();
    // A tower of a picture is bounded by its height instead.
    scaled(width, height, (f64::from(max) / f64::from(width)).min(f64::from(max) * 2.0 / f64::from(height)))
}

fn scaled(width: u32, height: u32, factor: f64) -> (u32, u32) {
    let factor = factor.min(1.0);
    // Down, so that an odd size loses a line instead of gaining a stretched one; a hair against rounding of the factor.
    let even = |n: u32| ((f64::from(n) * factor / 2.0 + 0.01).floor() as u32 * 2).max(2);
    (even(width), even(height))
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

    fn sound(&mut self) -> &mut Args {
        self.words("-c:a aac -b:a 128k -ac 2 -ar 48000")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::ffmpeg::{Audio, Fraction};

    fn film() -> Facts {
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
            still: false,
            video: Some(video),
            start_timecode: None,
            audio: Some(Audio { codec: "aac".into(), channels: 2, sample_rate: 48000 }),
            audio_tracks: Vec::new(),
            streams: 2,
            fast_start: true,
            bit_rate: None,
        }
    }

    fn with(change: impl FnOnce(&mut Facts)) -> Facts {
        let mut facts = film();
        change(&mut facts);
        facts
    }

    fn picture(change: impl FnOnce(&mut Video)) -> Facts {
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

    #[test]
    fn sizes_are_even_upright_and_bounded() {
        let size = |change: fn(&mut Video)| fit(picture(change).video.as_ref().unwrap(), PROXY_SIDE);
        assert_eq!(size(|_| ()), (1920, 1080));
        assert_eq!(size(|v| (v.width, v.height) = (3840, 2160)), (1920, 1080));
        assert_eq!(size(|v| (v.width, v.height, v.rotation) = (3840, 2160, 90)), (1080, 1920));
        assert_eq!(size(|v| (v.width, v.height) = (641, 361)), (640, 360));
        assert_eq!(
            size(|v| (v.width, v.height, v.pixel_aspect) = (720, 480, Some(Fraction { num: 8, den: 9 }))),
            (640, 480)
        );
        assert_eq!(size(|v| (v.width, v.height) = (1, 1)), (2, 2));
        assert_eq!(within_width(film().video.as_ref().unwrap(), THUMB_WIDTH), (320, 180));
        let (poster, thumbs) = picture_times(10_000);
        assert_eq!((poster, thumbs[0], thumbs[9]), (1_000, 500, 9_500));
    }
}
