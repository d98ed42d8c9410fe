//! What the recipes need of an ffmpeg, for `doctor`. A test below looks through their graphs.

/// Encoders without which no film can be shown.
pub const ENCODERS: &[&str] = &["libx264", "aac", "mjpeg", "pcm_u8"];
/// Filters without which no film can be shown.
pub const FILTERS: &[&str] = &[
    "aformat",
    "ametadata",
    "aresample",
    "asetpts",
    "asplit",
    "blackdetect",
    "ebur128",
    "format",
    "fps",
    "metadata",
    "scale",
    "select",
    "setpts",
    "setsar",
    "silencedetect",
    "split",
    "tile",
    "yadif",
];
/// Filters without which films of high dynamic range cannot be shown.
pub const HDR_FILTERS: &[&str] = &["tonemap", "zscale"];
/// What studios bring: without one of these, films of that kind are refused.
pub const DECODERS: &[&str] = &[
    "aac",
    "ac3",
    "dnxhd",
    "flac",
    "h264",
    "hevc",
    "mjpeg",
    "mp3",
    "mpeg2video",
    "mpeg4",
    "opus",
    "pcm_s16le",
    "pcm_s24le",
    "png",
    "prores",
    "vorbis",
    "vp8",
    "vp9",
];
/// Any of these reads AV1.
pub const AV1_DECODERS: &[&str] = &["libdav1d", "libaom-av1", "av1"];

#[cfg(test)]
mod tests {
    use super::*;

    /// The recipes' own text: each filter that stands in a graph is one that is asked for.
    #[test]
    fn every_filter_of_the_recipes_is_listed() {
        let text = [include_str!("once.rs"), include_str!("picture.rs"), include_str!("hls.rs")].concat();
        for filter in FILTERS.iter().chain(HDR_FILTERS) {
            let named = ["=", ",", "[", "\""].iter().any(|end| text.contains(&format!("{filter}{end}")));
            // Two stand in constants of their own.
            assert!(named, "{filter} is asked for and not used");
        }
        for known in ["overlay=", "crop=", "pad=", "drawtext=", "transpose=", "loudnorm=", "thumbnail=", "hwupload="] {
            assert!(!text.contains(known), "{known} is used and not asked for");
        }
    }
}
