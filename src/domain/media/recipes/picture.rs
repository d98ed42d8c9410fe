//! Pictures: how large, how upright, in which colours, and which of them.

use std::ffi::OsString;

use super::Args;
use crate::engines::ffmpeg::Video;

/// Pictures on the timeline.
pub const THUMBS: usize = 10;
/// What a picture is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// In lists and before the film begins.
    Poster,
    /// On the timeline.
    Thumb,
    /// A still, to be looked at closely.
    View,
}

impl Size {
    /// Pixels at the most: width, height.
    fn most(self) -> (u32, u32) {
        match self {
            // A tower of a picture is bounded by its height instead.
            Size::Poster => (1280, 2560),
            Size::Thumb => (320, 640),
            Size::View => (3840, 3840),
        }
    }

    /// A few words by which it is told from one of other presets.
    pub fn recipe(self) -> String {
        let name = match self {
            Size::Poster => "poster",
            Size::Thumb => "thumb",
            Size::View => "view",
        };
        format!("{name} {}", self.most().0)
    }
}

/// Arguments for one picture at the input's position. `name` is the file in the job's directory.
pub fn picture_args(video: &Video, size: Size, name: &str) -> Vec<OsString> {
    let (width, height) = within(video, size.most());
    let filter = picture_filter(video, width, height);
    let mut args = Args::default();
    args.map(video).words("-an -sn -dn -frames:v 1 -vf").word(filter);
    args.words(match size {
        Size::Poster => "-q:v 3",
        Size::Thumb => "-q:v 5",
        Size::View => "-q:v 2",
    })
    .words("-pix_fmt yuvj420p -c:v mjpeg -f image2 -update 1");
    args.output(name);
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

/// Progressive, in ordinary colours, upright, with square pixels, `width` × `height`.
fn picture_filter(video: &Video, width: u32, height: u32) -> String {
    let mut chain = plain(video);
    chain.push(format!("scale={width}:{height},setsar=1,format=yuv420p"));
    chain.join(",")
}

/// The filters that make a picture progressive and its colours ordinary, if it is not so already. ffmpeg has turned it
/// upright before its first filter.
pub(super) fn plain(video: &Video) -> Vec<String> {
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
    chain
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
pub(super) fn fit(video: &Video, side: u32) -> (u32, u32) {
    let (width, height) = video.seen_size();
    scaled(width, height, f64::from(side) / f64::from(width.min(height)))
}

pub(super) fn within_width(video: &Video, most: u32) -> (u32, u32) {
    within(video, (most, most * 2))
}

fn within(video: &Video, (most_wide, most_high): (u32, u32)) -> (u32, u32) {
    let (width, height) = video.seen_size();
    let factor = |most: u32, is: u32| f64::from(most) / f64::from(is);
    scaled(width, height, factor(most_wide, width).min(factor(most_high, height)))
}

fn scaled(width: u32, height: u32, factor: f64) -> (u32, u32) {
    let factor = factor.min(1.0);
    // Down, so that an odd size loses a line instead of gaining a stretched one; a hair against rounding of the factor.
    let even = |n: u32| ((f64::from(n) * factor / 2.0 + 0.01).floor() as u32 * 2).max(2);
    (even(width), even(height))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{film, picture};
    use super::*;
    use crate::engines::ffmpeg::Fraction;

    #[test]
    fn sizes_are_even_upright_and_bounded() {
        let size = |change: fn(&mut Video)| fit(picture(change).video.as_ref().unwrap(), 1080);
        assert_eq!(size(|_| ()), (1920, 1080));
        assert_eq!(size(|v| (v.width, v.height) = (3840, 2160)), (1920, 1080));
        assert_eq!(size(|v| (v.width, v.height, v.rotation) = (3840, 2160, 90)), (1080, 1920));
        assert_eq!(size(|v| (v.width, v.height) = (641, 361)), (640, 360));
        assert_eq!(
            size(|v| (v.width, v.height, v.pixel_aspect) = (720, 480, Some(Fraction { num: 8, den: 9 }))),
            (640, 480)
        );
        assert_eq!(size(|v| (v.width, v.height) = (1, 1)), (2, 2));
        assert_eq!(within_width(film().video.as_ref().unwrap(), 320), (320, 180));
        let (poster, thumbs) = picture_times(10_000);
        assert_eq!((poster, thumbs[0], thumbs[9]), (1_000, 500, 9_500));
    }
}
