//! What ffprobe says about a film, as typed facts. Every field may be missing, empty, `N/A` or nonsense in somebody's
//! file, so each is read for itself and none is needed but a stream.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::container::Seen;
use super::failure::{Cause, Failure};

/// What ffprobe is asked for: no more than what is read below.
pub(super) const ENTRIES: &str = "format=format_name,duration,bit_rate,probe_score:format_tags=timecode,major_brand\
    :stream=index,codec_name,codec_type,profile,pix_fmt,width,height,sample_aspect_ratio,field_order,color_space\
    ,color_transfer,color_primaries,r_frame_rate,avg_frame_rate,duration,channels,sample_rate:stream_tags=timecode,rotate\
    :stream_disposition=attached_pic:stream_side_data=rotation";

/// Below this ffprobe itself would rather have had more to look at: noise that happens to hold a sync word.
const LEAST_SCORE: i64 = 25;

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
    /// `mp4`, `mov`, `webm`, `matroska`, `mpegts`, `avi`, `mxf`, `wav`, …
    pub container: String,
    /// Length in milliseconds, if the file tells.
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
}

/// A sound track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Audio {
    /// Such as `aac`.
    pub codec: String,
    /// How many.
    pub channels: i64,
    /// In hertz.
    pub sample_rate: i64,
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
pub(super) fn facts(json: &[u8], seen: &Seen, max_pixels: u64) -> Result<Facts, Failure> {
    let said: Value = serde_json::from_slice(json).map_err(Failure::broken)?;
    let format = &said["format"];
    let no_film = |why: &str| Failure::new(Cause::NotVideo, why);
    if int(&format["probe_score"]).is_some_and(|score| score < LEAST_SCORE) {
        return Err(no_film("ffprobe is not sure what this is"));
    }
    let streams = said["streams"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_type = |kind: &'static str| streams.iter().filter(move |s| s["codec_type"] == kind);
    let picture = of_type("video").find(|s| int(&s["disposition"]["attached_pic"]) != Some(1));
    let sound = of_type("audio").find(|s| s["codec_name"].is_string());
    let video = picture.map(|stream| video(stream, max_pixels)).transpose()?;
    let audio = sound.map(|s| Audio {
        codec: word(&s["codec_name"]).unwrap_or_default(),
        channels: int(&s["channels"]).unwrap_or(0),
        sample_rate: int(&s["sample_rate"]).unwrap_or(0),
    });
    if video.is_none() && audio.is_none() {
        return Err(no_film("neither a picture nor a sound"));
    }
    let ms = |v: &Value| seconds(v).map(|s| (s * 1000.0).round() as i64).filter(|&ms| ms > 0);
    let duration_ms = ms(&format["duration"]).or_else(|| ms(&picture.or(sound)?["duration"]));
    let start_timecode = [picture, of_type("data").next()]
        .into_iter()
        .flatten()
        .map(|s| &s["tags"]["timecode"])
        .chain([&format["tags"]["timecode"]])
        .find_map(word);
    Ok(Facts {
        container: container(format, seen),
        duration_ms,
        still: false,
        video,
        start_timecode,
        audio,
        fast_start: seen.fast_start,
        bit_rate: int(&format["bit_rate"]),
    })
}

fn video(stream: &Value, max_pixels: u64) -> Result<Video, Failure> {
    let size = |name: &str| int(&stream[name]).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let (width, height) = (size("width"), size("height"));
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(Failure::new(Cause::TooLargePicture, format!("{width}x{height} pixels")));
    }
    let Some(video_codec) = word(&stream["codec_name"]).filter(|_| width > 0 && height > 0) else {
        return Err(Failure::new(Cause::Unsupported, "a picture that this ffmpeg cannot decode"));
    };
    let average = fraction(&stream["avg_frame_rate"]);
    let base = fraction(&stream["r_frame_rate"]);
    // For a constant rate the base rate is the exact one (30000/1001 where the average came out as 2997/100); for a
    // variable one it is the grid on which frames may fall, far above what is seen.
    let near = |a: Fraction, b: Fraction| (a.value() / b.value() - 1.0).abs() < 0.02;
    let (frame_rate, variable_rate) = match (average, base) {
        (Some(average), Some(base)) if near(average, base) => (Some(base), false),
        (Some(average), base) => (Some(average), base.is_some()),
        (None, base) => (base, false),
    };
    let side_data = stream["side_data_list"].as_array().map(Vec::as_slice).unwrap_or_default();
    // The matrix turns counter-clockwise; the older tag says clockwise.
    let turned = side_data
        .iter()
        .find_map(|d| seconds(&d["rotation"]))
        .map(|d| -d)
        .or_else(|| seconds(&stream["tags"]["rotate"]))
        .unwrap_or(0.0);
    let rotation = ((turned / 90.0).round() as i64).rem_euclid(4) as u32 * 90;
    Ok(Video {
        stream: int(&stream["index"]).unwrap_or(0),
        width,
        height,
        rotation,
        frame_rate,
        variable_rate,
        pixel_aspect: fraction(&stream["sample_aspect_ratio"]).filter(|a| a.num != a.den),
        interlaced: matches!(stream["field_order"].as_str(), Some("tt" | "bb" | "tb" | "bt")),
        video_codec,
        video_profile: word(&stream["profile"]),
        pixel_format: word(&stream["pix_fmt"]),
        color_space: word(&stream["color_space"]),
        color_transfer: word(&stream["color_transfer"]),
        color_primaries: word(&stream["color_primaries"]),
    })
}

/// One name instead of ffmpeg's list of all that a demuxer reads.
fn container(format: &Value, seen: &Seen) -> String {
    let names = word(&format["format_name"]).unwrap_or_default();
    match names.as_str() {
        n if n.starts_with("mov,") => match format["tags"]["major_brand"].as_str() {
            Some(brand) if !brand.starts_with("qt") => "mp4".into(),
            _ => "mov".into(),
        },
        n if n.starts_with("matroska") => if seen.webm { "webm" } else { "matroska" }.into(),
        n => n.split(',').next().unwrap_or_default().into(),
    }
}

/// ffprobe writes numbers as numbers or as strings.
fn seconds(v: &Value) -> Option<f64> {
    v.as_f64().or_else(|| v.as_str()?.trim().parse().ok()).filter(|n: &f64| n.is_finite() && n.abs() < 1e12)
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
