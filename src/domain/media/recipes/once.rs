//! One decode for all that is wanted of a film: the proxy, the sheet of small pictures, the cuts with a picture each,
//! black and silent stretches, loudness, and sound for the waveform.
//!
//! The pictures go through one filter chain that forks late: what makes them progressive and ordinary is done once, and
//! what is only looked at is made small once.

use std::ffi::OsString;

use super::{Args, Presets, Proxy, picture, sound_stream, timing};
use crate::engines::ffmpeg::{Encoder, Facts, Video};

/// Names of what the run leaves in its directory.
pub const PROXY: &str = "proxy.mp4";
/// The sheet of small pictures.
pub const SPRITE: &str = "sprite.jpg";
/// Times of the cuts.
pub const CUTS: &str = "cuts.txt";
/// Where black stretches begin and end.
pub const BLACK: [&str; 2] = ["black-start.txt", "black-end.txt"];
/// Where silent stretches begin and end.
pub const SILENCE: [&str; 2] = ["silence-start.txt", "silence-end.txt"];
/// Integrated loudness, its range, and the loudest sample, as they grow.
pub const LOUDNESS: [&str; 3] = ["loudness.txt", "range.txt", "peak.txt"];
/// Raw sound: one channel of unsigned bytes, [`SOUND_RATE`] a second.
pub const SOUND: &str = "sound.u8";
/// Samples a second in [`SOUND`].
pub const SOUND_RATE: u32 = 8000;

/// Cuts at the most, each with a picture.
pub const MAX_SCENES: usize = 200;
/// Width of a scene's picture at the most. Cuts are found in it as well: one scaling for both.
const SCENE_WIDTH: u32 = 480;
/// Below this it is silent, and for as long (in seconds).
const SILENCE_AT: &str = "silencedetect=n=-50dB:d=1";
/// At least so long it must be black (in seconds).
const BLACK_AT: &str = "blackdetect=d=0.1:pix_th=0.10";

/// The sheet of small pictures: how they lie on it and how far they are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// How many.
    pub tiles: u32,
    /// Milliseconds from one to the next.
    pub interval_ms: i64,
    /// Width of one in pixels.
    pub width: u32,
    /// Height of one in pixels.
    pub height: u32,
}

impl Sheet {
    /// Pictures in a row.
    pub const COLUMNS: u32 = 10;
    const MOST: i64 = 200;
    /// Of a short film, if it has as many frames.
    const LEAST: i64 = 20;
    const WIDTH: u32 = 160;

    /// The sheet of a film of known length; `None` without a picture or a length.
    pub fn of(facts: &Facts) -> Option<Sheet> {
        let (video, duration) = (facts.video.as_ref()?, facts.duration_ms.filter(|&ms| ms > 0)?);
        let frames = video.frame_rate.map_or(1, |rate| (rate.value() * duration as f64 / 1000.0) as i64).max(1);
        let tiles = (duration / 1000).clamp(Sheet::LEAST, Sheet::MOST).min(frames);
        let (width, height) = picture::within_width(video, Sheet::WIDTH);
        Some(Sheet { tiles: tiles as u32, interval_ms: (duration + tiles - 1) / tiles, width, height })
    }
}

/// What is wanted of one run.
#[derive(Clone, Debug)]
pub struct Once<'a> {
    /// Of which film.
    pub facts: &'a Facts,
    /// How.
    pub presets: &'a Presets,
    /// The proxy, if it is to be made here; a link is not.
    pub proxy: Option<Proxy>,
    /// By whom, if it is encoded.
    pub encoder: Encoder,
    /// The sheet.
    pub sheet: Option<Sheet>,
    /// Cuts with their pictures, and black stretches.
    pub scenes: bool,
    /// Loudness, silent stretches, and sound for the waveform.
    pub sound: bool,
}

impl Once<'_> {
    /// The arguments; `None` if nothing is wanted that this film has.
    pub fn args(&self) -> Option<Vec<OsString>> {
        let (graph, ends) = self.graph();
        let proxy = self.proxy.filter(|&way| way != Proxy::Link);
        if proxy.is_none() && graph.is_empty() {
            return None;
        }
        let mut args = Args::default();
        if !graph.is_empty() {
            args.words("-filter_complex").word(graph.join(";"));
        }
        match (proxy, &self.facts.video) {
            (Some(way), _) => self.proxy(&mut args, way, &ends),
            // Counts the pictures, as the proxy's packets do otherwise.
            (None, Some(video)) => {
                args.map(video).words("-c copy -f null -");
            }
            (None, None) => {}
        }
        if self.sheet.is_some() && ends.looked_at {
            args.words("-map [sheet] -frames:v 1 -q:v 5 -c:v mjpeg -f image2 -update 1").output(SPRITE);
        }
        if self.scenes && ends.looked_at {
            args.words(&format!(
                "-map [scenes] -frames:v {MAX_SCENES} -fps_mode passthrough -q:v 4 -c:v mjpeg -f image2"
            ))
            .output("scene-%03d.jpg");
        }
        if ends.measured {
            args.words("-map [sound] -c:a pcm_u8 -f u8").output(SOUND);
        }
        Some(args.0)
    }

    fn proxy(&self, args: &mut Args, way: Proxy, ends: &Ends) {
        match (way, &self.facts.video) {
            (Proxy::Copy, Some(video)) => {
                args.map(video).words(&format!("-map {}? -c copy", sound_stream(self.facts)));
            }
            (_, Some(video)) => {
                args.words("-map [film]").words(&self.encoder.options(self.presets.crf, &self.presets.preset));
                args.words(&timing(video)).words(self.encoder.device());
            }
            (_, None) => {
                args.words("-vn");
            }
        }
        if ends.heard {
            args.words("-map [heard] -c:a aac -b:a 128k -ac 2 -ar 48000");
        } else if way == Proxy::Sound {
            args.words(&format!("-map {} -c:a copy", sound_stream(self.facts)));
        }
        // Streams that begin far apart need a longer queue than ffmpeg's 128 packets.
        args.words("-sn -dn -map_chapters -1 -max_muxing_queue_size 4096 -movflags +faststart -f mp4").output(PROXY);
    }

    /// The filter graph and which ends it has.
    fn graph(&self) -> (Vec<String>, Ends) {
        let mut graph = Vec::new();
        let encoded = matches!(self.proxy, Some(Proxy::Encode));
        let looked_at = self.facts.video.is_some() && (self.sheet.is_some() || self.scenes);
        if let Some(video) = self.facts.video.as_ref().filter(|_| encoded || looked_at) {
            self.pictures(&mut graph, video, encoded, looked_at);
        }
        let aac = |codec: &str| codec == "aac";
        let copied = self.proxy == Some(Proxy::Sound) && self.facts.audio.as_ref().is_some_and(|a| aac(&a.codec));
        let has_sound = self.facts.audio.is_some();
        let heard = has_sound && matches!(self.proxy, Some(Proxy::Encode | Proxy::Sound)) && !copied;
        let measured = has_sound && self.sound;
        if heard || measured {
            sounds(&mut graph, &sound_stream(self.facts), heard, measured);
        }
        (graph, Ends { looked_at, heard, measured })
    }

    fn pictures(&self, graph: &mut Vec<String>, video: &Video, encoded: bool, looked_at: bool) {
        let mut chain = picture::plain(video);
        // Sound that an encoder began a moment early pushes the picture back by less than a frame or two: review counts
        // frames from the first one, so it stands at zero.
        chain.push("setpts='if(lt(STARTT,0.05),PTS-STARTPTS,PTS)'".to_owned());
        let (film, small) = match (encoded, looked_at) {
            (true, true) => {
                graph.push(format!("[0:{}]{},split[a][b]", video.stream, chain.join(",")));
                ("[a]".to_owned(), "[b]".to_owned())
            }
            _ => {
                let whole = format!("[0:{}]{},", video.stream, chain.join(","));
                (whole.clone(), whole)
            }
        };
        if encoded {
            let (width, height) = picture::fit(video, self.presets.height);
            graph.push(format!("{film}scale={width}:{height},setsar=1,{}[film]", self.encoder.last_filter()));
        }
        if looked_at {
            self.looks(graph, video, &small);
        }
    }

    /// What is only looked at, from a small picture.
    fn looks(&self, graph: &mut Vec<String>, video: &Video, from: &str) {
        let (width, height) = picture::within_width(video, SCENE_WIDTH);
        let mut small = format!("{from}scale={width}:{height}:flags=bilinear,setsar=1,format=yuv420p");
        if self.scenes {
            let [start, end] = BLACK;
            small += &format!(
                ",{BLACK_AT},metadata=print:key=lavfi.black_start:file={start},metadata=print:key=lavfi.black_end:file={end}"
            );
        }
        let sheet = self.sheet.map(|s| {
            let rows = s.tiles.div_ceil(Sheet::COLUMNS);
            format!(
                "fps=1000/{}:start_time=0,scale={}:{},tile={}x{rows},format=yuvj420p[sheet]",
                s.interval_ms,
                s.width,
                s.height,
                Sheet::COLUMNS
            )
        });
        let scenes = self.scenes.then(|| {
            // A long film's pictures are spread over all of it.
            let apart = self.facts.duration_ms.unwrap_or(0) as f64 / 1000.0 / MAX_SCENES as f64;
            // In colours: two scenes may be equally bright.
            format!(
                "format=rgb24,select='eq(n,0)+gt(scene,{})*gte(t-prev_selected_t,{apart})',\
                 metadata=print:key=lavfi.scene_score:file={CUTS},format=yuvj420p[scenes]",
                self.presets.scene_threshold
            )
        });
        match (sheet, scenes) {
            (Some(sheet), Some(scenes)) => {
                graph.push(format!("{small},split[c][d]"));
                graph.extend([format!("[c]{sheet}"), format!("[d]{scenes}")]);
            }
            (one, other) => graph.extend(one.or(other).map(|rest| format!("{small},{rest}"))),
        }
    }
}

/// Which ends a graph has besides `[film]`.
struct Ends {
    /// `[sheet]` and `[scenes]`, as far as they are wanted.
    looked_at: bool,
    /// `[heard]`: sound for the proxy.
    heard: bool,
    /// `[sound]`: sound for the waveform, behind what measures it.
    measured: bool,
}

fn sounds(graph: &mut Vec<String>, stream: &str, heard: bool, measured: bool) {
    // From zero and without holes, so that what is measured stands where it is heard.
    let whole = format!("[{stream}]aresample=48000:async=1:first_pts=0,asetpts=N/SR/TB");
    let [loudness, range, peak] = LOUDNESS;
    let [start, end] = SILENCE;
    let measures = format!(
        "ebur128=metadata=1:peak=sample\
         ,ametadata=print:key=lavfi.r128.I:file={loudness}\
         ,ametadata=print:key=lavfi.r128.LRA:file={range}\
         ,ametadata=print:key=lavfi.r128.sample_peak:file={peak}\
         ,{SILENCE_AT}\
         ,ametadata=print:key=lavfi.silence_start:file={start}\
         ,ametadata=print:key=lavfi.silence_end:file={end}\
         ,aresample={SOUND_RATE},aformat=channel_layouts=mono[sound]"
    );
    match (heard, measured) {
        (true, true) => graph.extend([format!("{whole},asplit[heard][e]"), format!("[e]{measures}")]),
        (true, false) => graph.push(format!("{whole}[heard]")),
        _ => graph.push(format!("{whole},{measures}")),
    }
}
