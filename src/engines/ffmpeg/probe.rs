//! What ffprobe says about a film, as typed facts. Every field may be missing, empty, `N/A` or nonsense in somebody's
//! file, so each is read for itself and none is needed but a stream.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::container::Seen;
use super::failure::{Cause, Failure};

/// What ffprobe is asked for: no more than what is read below.
pub(super) const ENTRIES: &str = "format=nb_streams,format_name,duration,bit_rate,probe_score\
    :format_tags=timecode,major_brand:stream=index,codec_name,codec_type,profile,pix_fmt,width,height\
    ,sample_aspect_ratio,field_order,color_space,color_transfer,color_primaries,r_frame_rate,avg_frame_rate,duration\
    ,nb_frames,bits_per_raw_sample,channels,sample_rate:stream_tags=timecode,rotate,language,title\
    :stream_disposition=attached_pic:stream_side_data=rotation:frame=stream_index:frame_side_data=rotation";
/// How many packets it decodes for its `frames`: one, which is all that a still picture has. How a photo must be turned
/// is told nowhere else, and ffmpeg turns it.
pub(super) const INTERVAL: &str = "%+#1";

/// Streams of a file at the most. ffmpeg stops at its own limit of this when it opens the file, so that it does not
/// even make room for more.
pub(super) const MAX_STREAMS: i64 = 256;
/// Sound tracks that are told. Broadcasters' masters have sixteen.
const MAX_TRACKS: usize = 32;
/// Pixels along one side at the most, as seen: beyond it x264 refuses whatever the number of all pixels is.
const MAX_SIDE: u32 = 16_384;
/// Pixels are at most this much wider than high, or higher than wide; what says otherwise says nothing.
const MAX_ASPECT: f64 = 16.0;
/// Below this ffprobe itself would rather have had more to look at: noise that happens to hold a sync word.
const LEAST_SCORE: i64 = 25;

/// What a file may be at the most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    /// Pixels of a picture.
    pub pixels: u64,
    /// Milliseconds from its beginning to its end.
    pub length_ms: i64,
}

/// An exact rate or ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(example = json!({ "num": 24, "den": 1 }))]
pub struct Fraction {
    /// Above the line.
    pub num: i64,
    /// Below the line; positive.
    pub den: i64,
}

impl Fraction {
    /// As a float, for comparing and scaling.
    pub fn value(self) -> f64 {
        self.num as f64 / self.den as f64
    }

    /// `"30000/1001"` or `"8:9"`; `None` unless both parts are positive.
    fn parse(text: &str) -> Option<Fraction> {
        let (num, den) = text.split_once(['/', ':'])?;
        let fraction = Fraction { num: num.parse().ok()?, den: den.parse().ok()? };
        (fraction.num > 0 && fraction.den > 0).then_some(fraction)
    }
}

/// What a file is. On the wire this is one flat object with `audio` inside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Facts {
    /// `mp4`, `mov`, `webm`, `matroska`, `mpegts`, `avi`, `mxf`, `wav`, `png`, …
    pub container: String,
    /// Length in milliseconds, if the file tells. A still picture has none.
    pub duration_ms: Option<i64>,
    /// A still picture: a photo, a drawing, a GIF of one frame. A film of one frame is not one.
    #[serde(default)]
    pub still: bool,
    /// The picture; `None` for a sound without one.
    #[serde(flatten)]
    pub video: Option<Video>,
    /// Start time code as the camera wrote it, such as `01:00:00;00`.
    pub start_timecode: Option<String>,
    /// The first sound track.
    pub audio: Option<Audio>,
    /// All sound tracks, in the order of the file; at most 32.
    #[serde(default)]
    #[schema(max_items = 32)]
    pub audio_tracks: Vec<AudioTrack>,
    /// How many streams there are, of whatever kind: pictures, sounds, subtitles, data, covers.
    #[serde(default)]
    pub streams: i64,
    /// The index stands before the data (MP4, MOV): a player can begin at once.
    #[serde(default)]
    pub fast_start: bool,
    /// Bits a second over all.
    #[serde(default)]
    pub bit_rate: Option<i64>,
}

/// The picture of a film.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Video {
    /// Which stream it is, for `-map`.
    pub stream: i64,
    /// Width in pixels as stored, before rotation.
    pub width: u32,
    /// Height in pixels as stored, before rotation.
    pub height: u32,
    /// How far the picture must be turned clockwise to stand upright: 0, 90, 180, 270.
    pub rotation: u32,
    /// Frames a second. Exact where the rate is constant, the average where it varies.
    pub frame_rate: Option<Fraction>,
    /// The rate varies, as phones and screen recorders have it.
    pub variable_rate: bool,
    /// Shape of one pixel if it is not square.
    pub pixel_aspect: Option<Fraction>,
    /// Two half pictures in each frame.
    pub interlaced: bool,
    /// Such as `h264`.
    pub video_codec: String,
    /// Such as `High`.
    pub video_profile: Option<String>,
    /// Such as `yuv420p`.
    pub pixel_format: Option<String>,
    /// Such as `bt709`.
    pub color_space: Option<String>,
    /// Such as `bt709`; `smpte2084` and `arib-std-b67` are HDR.
    pub color_transfer: Option<String>,
    /// Such as `bt709`.
    pub color_primaries: Option<String>,
    /// Bits of one colour value of a pixel: 8, 10, 12, 16.
    #[serde(default)]
    pub bit_depth: Option<u32>,
}

/// How a sound is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Audio {
    /// Such as `aac`.
    pub codec: String,
    /// How many.
    pub channels: i64,
    /// In hertz.
    pub sample_rate: i64,
}

/// One of the sound tracks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AudioTrack {
    /// Which stream it is, for `-map`.
    pub stream: i64,
    /// How it is kept.
    #[serde(flatten)]
    pub audio: Audio,
    /// Its language as the file has it, such as `kor`.
    pub language: Option<String>,
    /// Its name, such as `Director's comments`.
    pub title: Option<String>,
}

impl Video {
    /// HDR: must be tone-mapped for a browser's proxy.
    pub fn is_hdr(&self) -> bool {
        matches!(self.color_transfer.as_deref(), Some("smpte2084" | "arib-std-b67"))
    }

    /// Width and height as they are seen: upright and with square pixels.
    pub fn seen_size(&self) -> (u32, u32) {
        let wide = match self.pixel_aspect {
            Some(aspect) => ((f64::from(self.width) * aspect.value()).round() as u32).max(1),
            None => self.width,
        };
        if self.rotation % 180 == 90 { (self.height, wide) } else { (wide, self.height) }
    }
}

/// Reads ffprobe's JSON.
pub(super) fn facts(json: &[u8], seen: &Seen, most: &Most) -> Result<Facts, Failure> {
    let said: Value = serde_json::from_slice(json).map_err(Failure::broken)?;
    let format = &said["format"];
    let no_film = |why: &str| Failure::new(Cause::NotVideo, why);
    if int(&format["probe_score"]).is_some_and(|score| score < LEAST_SCORE) {
        return Err(no_film("ffprobe is not sure what this is"));
    }
    let streams = said["streams"].as_array().map(Vec::as_slice).unwrap_or_default();
    let count = int(&format["nb_streams"]).unwrap_or(0).max(streams.len() as i64);
    if count > MAX_STREAMS {
        return Err(Failure::new(Cause::TooManyStreams, format!("{count} streams")));
    }
    let of_type = |kind: &'static str| streams.iter().filter(move |s| s["codec_type"] == kind);
    let picture = of_type("video").find(|s| int(&s["disposition"]["attached_pic"]) != Some(1));
    let sounds = || of_type("audio").filter(|s| s["codec_name"].is_string());
    let first = &said["frames"][0];
    let mut video = picture.map(|stream| video(stream, first, format, most.pixels)).transpose()?;
    let audio_tracks: Vec<AudioTrack> = sounds().take(MAX_TRACKS).map(track).collect();
    if video.is_none() && audio_tracks.is_empty() {
        return Err(no_film("neither a picture nor a sound"));
    }
    let container = container(format, seen);
    let still = picture.is_some_and(|stream| is_still(&container, stream));
    let ms = |v: &Value| seconds(v).map(|s| (s * 1000.0).round() as i64).filter(|&ms| ms > 0);
    let mut duration_ms =
        ms(&format["duration"]).or_else(|| picture.or(sounds().next()).and_then(|s| ms(&s["duration"])));
    if still {
        // ffmpeg shows a picture for as long as a frame of 25 a second; that is nothing of the file's.
        duration_ms = None;
        if let Some(video) = &mut video {
            (video.frame_rate, video.variable_rate) = (None, false);
        }
    }
    if let Some(ms) = duration_ms.filter(|&ms| ms > most.length_ms) {
        return Err(Failure::new(Cause::TooLong, format!("{ms} ms")));
    }
    let start_timecode = [picture, of_type("data").next()]
        .into_iter()
        .flatten()
        .map(|s| &s["tags"]["timecode"])
        .chain([&format["tags"]["timecode"]])
        .find_map(word);
    Ok(Facts {
        container,
        duration_ms,
        still,
        video,
        start_timecode,
        audio: audio_tracks.first().map(|t| t.audio.clone()),
        audio_tracks,
        streams: count,
        fast_start: seen.fast_start,
        bit_rate: int(&format["bit_rate"]).filter(|&n| n > 0),
    })
}

/// Is it one picture without a time?
fn is_still(container: &str, picture: &Value) -> bool {
    let single = int(&picture["nb_frames"]).is_some_and(|n| n <= 1);
    match container {
        "png" | "jpeg" | "webp" | "tiff" | "bmp" => true,
        "gif" | "avif" => single,
        _ => false,
    }
}

fn track(stream: &Value) -> AudioTrack {
    let positive = |name: &str| int(&stream[name]).unwrap_or(0).max(0);
    AudioTrack {
        stream: positive("index"),
        audio: Audio {
            codec: word(&stream["codec_name"]).unwrap_or_default(),
            channels: positive("channels"),
            sample_rate: positive("sample_rate"),
        },
        // "Undetermined" is no language.
        language: word(&stream["tags"]["language"]).filter(|l| l != "und"),
        title: word(&stream["tags"]["title"]),
    }
}

fn video(stream: &Value, first: &Value, format: &Value, max_pixels: u64) -> Result<Video, Failure> {
    let size = |name: &str| int(&stream[name]).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let (width, height) = (size("width"), size("height"));
    let Some(video_codec) = word(&stream["codec_name"]).filter(|_| width > 0 && height > 0) else {
        return Err(Failure::new(Cause::Unsupported, "a picture that this ffmpeg cannot decode"));
    };
    let average = fraction(&stream["avg_frame_rate"]).filter(is_rate);
    let base = fraction(&stream["r_frame_rate"]).filter(is_rate);
    // For a constant rate the base rate is the exact one (30000/1001 where the average came out as 2997/100); for a
    // variable one it is the grid on which frames may fall, far above what is seen.
    // A short film's average is off by the fraction of a frame that its length is off.
    let length = seconds(&stream["duration"]).or_else(|| seconds(&format["duration"])).filter(|&s| s > 0.0);
    let near = |a: Fraction, b: Fraction| {
        (a.value() / b.value() - 1.0).abs() < 0.02
            || length.is_some_and(|length| ((a.value() - b.value()) * length).abs() < 1.0)
    };
    let (frame_rate, variable_rate) = match (average, base) {
        (Some(average), Some(base)) if near(average, base) => (Some(base), false),
        (Some(average), base) => (Some(average), base.is_some()),
        (None, base) => (base, false),
    };
    // The matrix turns counter-clockwise; the older tag says clockwise.
    let matrix = |of: &Value| of["side_data_list"].as_array()?.iter().find_map(|d| seconds(&d["rotation"])).map(|d| -d);
    let first = Some(first).filter(|frame| frame["stream_index"] == stream["index"]);
    let turned =
        matrix(stream).or_else(|| seconds(&stream["tags"]["rotate"])).or_else(|| matrix(first?)).unwrap_or(0.0);
    let rotation = ((turned / 90.0).round() as i64).rem_euclid(4) as u32 * 90;
    let pixel_format = word(&stream["pix_fmt"]);
    let depth = pixel_format.as_deref().and_then(bit_depth);
    let raw =
        || int(&stream["bits_per_raw_sample"]).and_then(|n| u32::try_from(n).ok()).filter(|n| (1..=32).contains(n));
    let is_aspect = |a: &Fraction| a.num != a.den && (1.0 / MAX_ASPECT..=MAX_ASPECT).contains(&a.value());
    let video = Video {
        stream: int(&stream["index"]).unwrap_or(0).max(0),
        width,
        height,
        rotation,
        frame_rate,
        variable_rate,
        pixel_aspect: fraction(&stream["sample_aspect_ratio"]).filter(is_aspect),
        interlaced: matches!(stream["field_order"].as_str(), Some("tt" | "bb" | "tb" | "bt")),
        video_codec,
        video_profile: word(&stream["profile"]),
        pixel_format,
        color_space: word(&stream["color_space"]),
        color_transfer: word(&stream["color_transfer"]),
        color_primaries: word(&stream["color_primaries"]),
        bit_depth: depth.or_else(raw),
    };
    let (wide, high) = video.seen_size();
    if u64::from(width) * u64::from(height) > max_pixels || wide.max(high) > MAX_SIDE {
        return Err(Failure::new(Cause::TooLargePicture, format!("{width}x{height} pixels")));
    }
    Ok(video)
}

/// A frame in a quarter of an hour, or a hundred thousand in a second: nobody has filmed beyond.
fn is_rate(rate: &Fraction) -> bool {
    (1e-3..=1e5).contains(&rate.value())
}

/// Bits of one colour value, from ffmpeg's name of the layout: `yuv420p10le`, `p010le`, `rgb48be`, `gray`.
fn bit_depth(pixel_format: &str) -> Option<u32> {
    let name = pixel_format.trim_end_matches("le").trim_end_matches("be");
    let tail = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    let digits_at_end = || {
        let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
        name[letters.len()..].parse::<u32>().ok()
    };
    match name {
        // All bits of a pixel together.
        _ if ["rgb48", "bgr48", "rgba64", "bgra64"].contains(&name) => Some(16),
        "rgb24" | "bgr24" | "nv12" | "nv21" | "nv16" | "nv24" | "pal8" | "gray" | "ya8" | "rgba" | "bgra" | "argb"
        | "abgr" | "rgb0" | "bgr0" => Some(8),
        "x2rgb10" | "x2bgr10" => Some(10),
        // `p010`: the first digit is of the subsampling.
        _ if name.len() == 4 && name.starts_with('p') => tail.get(1..)?.parse().ok().filter(|n| (8..=16).contains(n)),
        _ if name.starts_with("gray") || name.starts_with("ya") => digits_at_end(),
        // `yuva444p`, `yuvj420p`, `gbrp`: what ends in its planes has bytes.
        _ if name.ends_with('p') => Some(8),
        _ if name.starts_with("yuv") || name.starts_with("gbr") => digits_at_end().filter(|n| (8..=16).contains(n)),
        _ => None,
    }
}

/// One name instead of ffmpeg's list of all that a demuxer reads.
fn container(format: &Value, seen: &Seen) -> String {
    let names = word(&format["format_name"]).unwrap_or_default();
    match names.as_str() {
        n if n.starts_with("mov,") => match format["tags"]["major_brand"].as_str() {
            Some("avif" | "avis") => "avif".into(),
            Some(brand) if !brand.starts_with("qt") => "mp4".into(),
            _ => "mov".into(),
        },
        n if n.starts_with("matroska") => if seen.webm { "webm" } else { "matroska" }.into(),
        // `png_pipe`: a picture in a file of its own, as ffmpeg calls it.
        n => n.split(',').next().unwrap_or_default().trim_end_matches("_pipe").into(),
    }
}

/// ffprobe writes numbers as numbers or as strings. Ages of the world are as long as any other length that nobody means.
fn seconds(v: &Value) -> Option<f64> {
    let number = v.as_f64().or_else(|| v.as_str()?.trim().parse().ok()).filter(|n: &f64| n.is_finite())?;
    Some(number.clamp(-1e12, 1e12))
}

fn int(v: &Value) -> Option<i64> {
    v.as_i64().or_else(|| v.as_str()?.trim().parse().ok())
}

fn fraction(v: &Value) -> Option<Fraction> {
    v.as_str().and_then(Fraction::parse)
}

/// A short text that says something.
fn word(v: &Value) -> Option<String> {
    let text: String = v.as_str()?.chars().filter(|c| !c.is_control()).take(64).collect();
    (!text.is_empty() && text != "unknown" && text != "N/A").then_some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::dice::Dice;

    const MOST: Most = Most { pixels: 8192 * 4352, length_ms: 48 * 3_600_000 };

    /// What ffprobe said of a phone's film with a second language, a cover and a time code.
    fn sample() -> Value {
        json!({
            "programs": [],
            "streams": [
                { "index": 0, "codec_name": "hevc", "profile": "Main 10", "codec_type": "video", "width": 1920, "height": 1080,
                  "sample_aspect_ratio": "1:1", "pix_fmt": "yuv420p10le", "color_space": "bt2020nc",
                  "color_transfer": "arib-std-b67", "color_primaries": "bt2020", "field_order": "progressive",
                  "r_frame_rate": "30000/1001", "avg_frame_rate": "30000/1001", "duration": "12.345000", "nb_frames": "370",
                  "bits_per_raw_sample": "10", "disposition": { "attached_pic": 0 }, "tags": { "language": "und" },
                  "side_data_list": [{ "rotation": -90 }] },
                { "index": 1, "codec_name": "aac", "codec_type": "audio", "sample_rate": "48000", "channels": 2,
                  "disposition": { "attached_pic": 0 }, "tags": { "language": "kor", "title": "원본" } },
                { "index": 2, "codec_name": "ac3", "codec_type": "audio", "sample_rate": "48000", "channels": 6,
                  "tags": { "language": "eng" } },
                { "index": 3, "codec_type": "data", "tags": { "timecode": "01:00:00;00" } },
                { "index": 4, "codec_name": "mjpeg", "codec_type": "video", "disposition": { "attached_pic": 1 } }
            ],
            "format": { "nb_streams": 5, "format_name": "mov,mp4,m4a,3gp,3g2,mj2", "duration": "12.345000",
                        "bit_rate": "8000000", "probe_score": 100, "tags": { "major_brand": "isom" } }
        })
    }

    fn read(said: &Value) -> Result<Facts, Failure> {
        facts(said.to_string().as_bytes(), &Seen::default(), &MOST)
    }

    /// The sample with something else at `path`.
    fn with(path: &str, value: Value) -> Result<Facts, Failure> {
        let mut said = sample();
        *said.pointer_mut(path).unwrap() = value;
        read(&said)
    }

    #[test]
    fn each_stream_is_what_it_is() {
        let facts = read(&sample()).unwrap();
        let video = facts.video.as_ref().unwrap();
        assert_eq!(
            (video.rotation, video.bit_depth, video.is_hdr(), video.seen_size()),
            (90, Some(10), true, (1080, 1920))
        );
        let tracks: Vec<_> = facts
            .audio_tracks
            .iter()
            .map(|t| (t.stream, t.audio.channels, t.language.as_deref(), t.title.as_deref()))
            .collect();
        assert_eq!(tracks, [(1, 2, Some("kor"), Some("원본")), (2, 6, Some("eng"), None)]);
        assert_eq!((facts.streams, facts.still, facts.duration_ms), (5, false, Some(12_345)));
        let wire = serde_json::to_value(&facts).unwrap();
        assert_eq!(wire["audio_tracks"][0]["codec"], "aac", "a track is flat");
        assert_eq!(serde_json::from_value::<Facts>(wire).unwrap(), facts);
        // What an earlier version has stored.
        let old = json!({ "container": "wav", "duration_ms": 5, "start_timecode": null, "audio": null });
        assert_eq!(serde_json::from_value::<Facts>(old).unwrap().audio_tracks, []);
    }

    #[test]
    fn what_is_too_much_has_its_own_cause() {
        let cause = |path: &str, value: Value| with(path, value).unwrap_err().cause;
        assert_eq!(cause("/streams/0/width", json!(65_535)), Cause::TooLargePicture);
        assert!(with("/streams/0/width", json!(16_384)).is_ok());
        assert_eq!(cause("/streams/0/height", json!(16_385)), Cause::TooLargePicture);
        assert_eq!(cause("/streams/0/sample_aspect_ratio", json!("16:1")), Cause::TooLargePicture);
        assert_eq!(cause("/format/duration", json!("172800.001")), Cause::TooLong);
        assert_eq!(cause("/format/nb_streams", json!(257)), Cause::TooManyStreams);
        assert_eq!(cause("/streams/0/width", json!(0)), Cause::Unsupported);
        // No camera has pixels of such a shape: it says nothing.
        assert_eq!(
            with("/streams/0/sample_aspect_ratio", json!("1000000:1")).unwrap().video.unwrap().pixel_aspect,
            None
        );
    }

    #[test]
    fn the_layout_of_a_pixel_tells_its_depth() {
        for (name, bits) in [
            ("yuv420p", 8),
            ("yuvj422p", 8),
            ("yuva444p12le", 12),
            ("yuv422p10le", 10),
            ("gbrp", 8),
            ("gbrp16be", 16),
            ("p010le", 10),
            ("p416be", 16),
            ("nv12", 8),
            ("pal8", 8),
            ("gray", 8),
            ("gray10le", 10),
            ("ya16be", 16),
            ("rgb24", 8),
            ("rgb48be", 16),
            ("rgba64le", 16),
            ("x2rgb10le", 10),
        ] {
            assert_eq!(bit_depth(name), Some(bits), "{name}");
        }
        for name in ["", "gbrpf32le", "rgb565le", "monob", "yuyv422", "p9", "p99", "yuv420p99"] {
            assert_eq!(bit_depth(name), None, "{name}");
        }
    }

    /// Whatever ffprobe says of somebody's file, the facts are within their bounds or there are none.
    #[test]
    fn no_answer_of_ffprobe_leads_it_astray() {
        let sample = sample();
        let odd = [
            json!(null),
            json!(-1),
            json!(0),
            json!(1e300),
            json!(-1e300),
            json!(u64::MAX),
            json!(i64::MIN),
            json!("N/A"),
            json!("-5"),
            json!("9223372036854775807"),
            json!("nan"),
            json!("1e999"),
            json!("0/0"),
            json!("1/0"),
            json!("-1/1"),
            json!("9223372036854775807/1"),
            json!("video"),
            json!("\u{0}\u{1}"),
            json!("가".repeat(100)),
            json!([]),
            json!({}),
            json!([null, 1, "x"]),
            json!(true),
            json!(-90.5),
            json!("png_pipe"),
            json!("gif"),
        ];
        let words: [&[u8]; 6] = [b"\"", b"{", b"]", b"99999999999999999999", b"-", b"\\u0000"];
        let (mut dice, mut known) = (Dice::new(5), 0);
        for round in 0..15_000 {
            let text = if round % 2 == 0 {
                let mut said = sample.clone();
                for _ in 0..=dice.roll(3) {
                    disturb(&mut said, &mut dice, &odd);
                }
                said.to_string().into_bytes()
            } else {
                let mut text = sample.to_string().into_bytes();
                dice.harm(&mut text, &words);
                text
            };
            let Ok(facts) = facts(&text, &Seen::default(), &MOST) else { continue };
            known += 1;
            assert!(facts.duration_ms.is_none_or(|ms| ms > 0 && ms <= MOST.length_ms), "{facts:?}");
            assert!((0..=MAX_STREAMS).contains(&facts.streams) && facts.audio_tracks.len() <= MAX_TRACKS, "{facts:?}");
            assert!(facts.video.is_some() || facts.audio.is_some(), "{facts:?}");
            assert!(
                facts.audio_tracks.iter().all(|t| t.stream >= 0 && t.audio.channels >= 0 && t.audio.sample_rate >= 0)
            );
            if let Some(video) = &facts.video {
                let (wide, high) = video.seen_size();
                assert!([0, 90, 180, 270].contains(&video.rotation) && video.stream >= 0, "{video:?}");
                assert!((1..=MAX_SIDE).contains(&wide) && (1..=MAX_SIDE).contains(&high), "{video:?}");
                assert!(u64::from(video.width) * u64::from(video.height) <= MOST.pixels, "{video:?}");
                assert!(video.frame_rate.is_none_or(|r| r.num > 0 && r.den > 0 && is_rate(&r)), "{video:?}");
                assert!(video.bit_depth.is_none_or(|bits| (1..=32).contains(&bits)), "{video:?}");
            }
            let wire = serde_json::to_string(&facts).unwrap();
            assert!(wire.len() < 16 << 10, "{} bytes", wire.len());
            assert_eq!(serde_json::from_str::<Facts>(&wire).unwrap(), facts);
        }
        assert!(known > 3_000, "the harm leaves some whole: {known}");
    }

    /// Puts something odd somewhere into the tree, takes something out of it, or doubles a stream many times.
    fn disturb(at: &mut Value, dice: &mut Dice, odd: &[Value]) {
        match at {
            Value::Object(fields) if !fields.is_empty() && dice.roll(8) > 0 => {
                let keys: Vec<String> = fields.keys().cloned().collect();
                let key = dice.of(&keys);
                match dice.roll(12) {
                    0 => drop(fields.remove(key)),
                    _ => disturb(&mut fields[key], dice, odd),
                }
            }
            Value::Array(items) if !items.is_empty() && dice.roll(8) > 0 => match dice.roll(100) {
                0 => items.extend(vec![items[0].clone(); dice.roll(300)]),
                _ => {
                    let i = dice.roll(items.len());
                    disturb(&mut items[i], dice, odd);
                }
            },
            _ => *at = dice.of(odd).clone(),
        }
    }
}
