//! The ladder of a long film: sizes between which a player moves as the line allows, all from one decode.
//!
//! Each size is one file whose segments are ranges of bytes: a feature film is ten files, not ten thousand. Key frames
//! stand at the same times in every size, and the sound is one group of its own.

use std::ffi::OsString;

use super::{Args, Presets, exact_rate, picture, sound_stream};
use crate::engines::ffmpeg::{Encoder, Facts, Video};

/// Length of a segment, in seconds; a key frame stands at every half of it.
const SEGMENT_S: u32 = 4;
/// The directory of the ladder's files.
pub const DIR: &str = "hls";
/// The list of sizes.
pub const MASTER: &str = "hls/master.m3u8";

/// The ladder's sizes for this film: shorter side, width, height. Never above the film's own; at least one.
pub fn rungs(video: &Video, presets: &Presets) -> Vec<(u32, u32, u32)> {
    let (width, height) = video.seen_size();
    let own = width.min(height);
    let mut sides: Vec<u32> = presets.hls_heights.iter().copied().filter(|&side| side <= own).collect();
    if sides.is_empty() {
        sides.push(own);
    }
    sides.iter().map(|&side| (side, picture::fit(video, side))).map(|(side, (w, h))| (side, w, h)).collect()
}

/// The arguments. The run's directory has a directory [`DIR`].
pub fn args(facts: &Facts, video: &Video, presets: &Presets, encoder: Encoder) -> Vec<OsString> {
    let rungs = rungs(video, presets);
    let mut chain = picture::plain(video);
    chain.push("setpts='if(lt(STARTT,0.05),PTS-STARTPTS,PTS)'".to_owned());
    let forks: String = (0..rungs.len()).map(|i| format!("[s{i}]")).collect();
    let mut graph = vec![format!("[0:{}]{},split={}{forks}", video.stream, chain.join(","), rungs.len())];
    for (i, (_, width, height)) in rungs.iter().enumerate() {
        graph.push(format!("[s{i}]scale={width}:{height},setsar=1,{}[v{i}]", encoder.last_filter()));
    }
    if facts.audio.is_some() {
        graph.push(format!("[{}]aresample=48000:async=1:first_pts=0,asetpts=N/SR/TB[a]", sound_stream(facts)));
    }
    let mut args = Args::default();
    args.words("-filter_complex").word(graph.join(";"));
    for i in 0..rungs.len() {
        args.words(&format!("-map [v{i}]"));
    }
    args.words(&encoder.options(presets.crf, &presets.preset)).words(encoder.device());
    args.words("-fps_mode passthrough -enc_time_base:v");
    args.word(exact_rate(video).map_or("1:90000".to_owned(), |rate| format!("{}:{}", rate.den, rate.num)));
    args.words(&format!("-g 600 -force_key_frames expr:gte(t,n_forced*{})", SEGMENT_S / 2));
    let mut streams = Vec::new();
    for (i, (side, _, _)) in rungs.iter().enumerate() {
        // A quiet picture takes less than this; a wild one is held to what a line of its kind carries.
        let kbps = u64::from(*side) * u64::from(*side) / 200;
        args.words(&format!("-maxrate:v:{i} {kbps}k -bufsize:v:{i} {}k", 2 * kbps));
        let group = if facts.audio.is_some() { ",agroup:sound" } else { "" };
        streams.push(format!("v:{i}{group},name:v{side}"));
    }
    if facts.audio.is_some() {
        args.words("-map [a] -c:a aac -b:a 128k -ac 2 -ar 48000");
        streams.push("a:0,agroup:sound,name:audio,default:yes".to_owned());
    }
    args.words("-sn -dn -map_chapters -1 -max_muxing_queue_size 4096");
    args.words(&format!("-f hls -hls_time {SEGMENT_S} -hls_playlist_type vod -hls_segment_type fmp4"));
    args.words("-hls_flags independent_segments+single_file -master_pl_name master.m3u8 -var_stream_map");
    args.word(streams.join(" ")).words("-hls_segment_filename file:hls/%v.mp4").output("hls/%v.m3u8");
    args.0
}

/// The names that a finished run has left.
pub fn files(facts: &Facts, video: &Video, presets: &Presets) -> Vec<String> {
    let sound = facts.audio.is_some().then(|| "audio".to_owned());
    let streams: Vec<String> =
        rungs(video, presets).iter().map(|(side, _, _)| format!("v{side}")).chain(sound).collect();
    let both = |name: &String| [format!("{DIR}/{name}.mp4"), format!("{DIR}/{name}.m3u8")];
    // The list of sizes last: who finds it finds all that it names.
    streams.iter().flat_map(both).chain([MASTER.to_owned()]).collect()
}
