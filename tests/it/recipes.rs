//! The recipes against a real ffmpeg: what comes out of films whose every frame and sample is known.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use videoplanet::config;
use videoplanet::domain::media::readings::{self, Span};
use videoplanet::domain::media::recipes::once::{Once, PROXY, SPRITE, Sheet};
use videoplanet::domain::media::recipes::{Presets, Proxy, exact_rate, hls, proxy};
use videoplanet::engines::ffmpeg::{Encoder, Facts, Ffmpeg, Fraction, Input, Run, Settings, Tick};

use crate::clips::Dir;

/// Makes a film in `dir` and an empty directory for what a run makes of it.
fn make(dir: &Dir, words: &str) -> PathBuf {
    dir.film(words);
    let _ = std::fs::remove_dir_all(out(dir));
    std::fs::create_dir_all(out(dir).join("hls")).unwrap();
    dir.path().join(words.split_whitespace().last().unwrap())
}

fn out(dir: &Dir) -> PathBuf {
    dir.path().join("out")
}

fn presets() -> Presets {
    Presets { preset: "ultrafast".into(), ..Presets::of(&config::Media::default()) }
}

async fn facts(file: &Path) -> Facts {
    let runner = Ffmpeg::new(Settings::default()).unwrap();
    runner.probe(file, file.parent().unwrap(), &CancellationToken::new()).await.unwrap()
}

async fn run(dir: &Dir, film: &Path, args: Vec<std::ffi::OsString>) -> Tick {
    let run = Run {
        input: Input { path: film, seek_ms: None, threads: 2 },
        args,
        dir: &out(dir),
        limit: Duration::from_secs(120),
        duration_ms: None,
    };
    let runner = Ffmpeg::new(Settings::default()).unwrap();
    runner.run(run, &CancellationToken::new(), &mut |_| {}).await.unwrap()
}

/// All that is wanted of a film.
async fn once(dir: &Dir, film: &Path) -> (Facts, Tick) {
    let facts = facts(film).await;
    let presets = presets();
    let way = Some(proxy(&facts));
    let sheet = Sheet::of(&facts);
    let once =
        Once { facts: &facts, presets: &presets, proxy: way, encoder: Encoder::Cpu, sheet, scenes: true, sound: true };
    let tick = run(dir, film, once.args().unwrap()).await;
    (facts, tick)
}

/// What ffprobe says about the first picture stream: the named values, in its own order.
fn probed(file: &Path, entries: &str) -> Vec<String> {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-count_packets", "-of", "csv=p=0", "-show_entries"])
        .arg(format!("stream={entries}"))
        .arg(file)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).lines().next().unwrap_or_default().to_owned();
    text.split(',').map(str::to_owned).collect()
}

#[tokio::test]
async fn the_proxy_has_the_frames_of_its_source_at_the_exact_rate() {
    let dir = Dir::new("recipes-rates");
    for (num, den) in [(24, 1), (25, 1), (30000, 1001), (24000, 1001), (50, 1), (60000, 1001)] {
        for (name, codecs) in [
            ("mp4", "-c:v mpeg4 -c:a aac"),
            ("mov", "-c:v prores_ks -profile:v 0 -c:a pcm_s16le"),
            ("mkv", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac"),
            ("ts", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac"),
            ("mxf", "-c:v mpeg2video -q:v 3 -c:a pcm_s16le -ar 48000"),
        ] {
            let source = "-f lavfi -i testsrc2=s=96x64:r=";
            let film = make(&dir, &format!("{source}{num}/{den}:d=3 -f lavfi -i sine=d=3 {codecs} film.{name}"));
            let (facts, tick) = once(&dir, &film).await;
            assert_eq!(exact_rate(&facts.video.unwrap()), Some(Fraction { num, den }), "{num}/{den} {name}");
            let frames: i64 = probed(&film, "nb_read_packets")[0].parse().unwrap();
            let made =
                probed(&out(&dir).join(PROXY), "r_frame_rate,avg_frame_rate,start_time,duration,nb_read_packets");
            let rate = format!("{num}/{den}");
            assert_eq!(made[..2], [rate.clone(), rate.clone()], "{rate} {name}");
            assert_eq!((tick.frames, made[4].parse()), (frames, Ok(frames)), "{rate} {name}");
            let seconds: f64 = made[3].parse().unwrap();
            let exact = frames as f64 * den as f64 / num as f64;
            assert!((seconds - exact).abs() < 0.0005 && made[2].parse() == Ok(0.0), "{rate} {name}: {made:?}");
        }
    }
}

#[tokio::test]
async fn a_varying_rate_keeps_its_times() {
    let dir = Dir::new("recipes-varying");
    let film = make(
        &dir,
        "-f lavfi -i testsrc2=s=96x64:r=30:d=4 -vf select=not(mod(n\\,7))+lt(n\\,50) -fps_mode vfr -c:v mpeg4 film.mkv",
    );
    let times = |file: &Path| -> Vec<i64> {
        let out = Command::new("ffprobe")
            .args(["-v", "error", "-select_streams", "v:0", "-of", "csv=p=0", "-show_entries", "frame=pts_time"])
            .arg(file)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        text.lines()
            .filter(|t| !t.is_empty())
            .map(|t| (t.trim_end_matches(',').parse::<f64>().unwrap() * 1000.0).round() as i64)
            .collect()
    };
    once(&dir, &film).await;
    let (before, after) = (times(&film), times(&out(&dir).join(PROXY)));
    assert!(before.len() > 50 && before == after, "{before:?}\n{after:?}");
}

#[tokio::test]
async fn groups_are_closed_and_two_seconds_long() {
    let dir = Dir::new("recipes-groups");
    // Hard cuts, at which an encoder likes to begin a group of its own.
    let film = make(
        &dir,
        "-f lavfi -i testsrc2=s=96x64:r=30000/1001:d=9 -vf negate=enable='mod(floor(t/1.3),2)' -c:v mpeg4 film.mkv",
    );
    once(&dir, &film).await;
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-of", "csv=p=0", "-show_entries", "packet=flags"])
        .arg(out(&dir).join(PROXY))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let keys: Vec<usize> = text.lines().enumerate().filter(|(_, l)| l.contains('K')).map(|(i, _)| i).collect();
    assert_eq!(keys, [0, 60, 120, 180, 240]);
}

#[tokio::test]
async fn one_run_finds_what_was_put_into_the_film() {
    let dir = Dir::new("recipes-found");
    // Five cuts between colours and patterns, the fourth part black; 1 s of silence at 3 s in a tone of -23 LUFS.
    let parts = [
        ("testsrc2", 30),
        ("color=red", 17),
        ("smptebars", 40),
        ("color=black", 50),
        ("color=blue", 13),
        ("testsrc", 50),
    ];
    let mut inputs = String::new();
    for (source, frames) in parts {
        let sign = if source.contains('=') { ':' } else { '=' };
        inputs += &format!("-f lavfi -i {source}{sign}s=320x180:r=25,trim=end_frame={frames},format=yuv420p ");
    }
    // A sine of -23 LUFS in each of two channels: EBU's own test is -23 dBFS at 1 kHz in stereo.
    let tone = "aevalsrc='0.0708*sin(2*PI*1000*t)*(lt(t,3)+gt(t,4.5))':d=8:s=48000,pan=stereo|c0=c0|c1=c0";
    let concat = "[0][1][2][3][4][5]concat=n=6:v=1:a=0";
    let film = make(
        &dir,
        &format!("{inputs} -f lavfi -i {tone} -filter_complex {concat} -c:v mpeg4 -q:v 2 -c:a pcm_s16le film.mkv"),
    );
    let (facts, tick) = once(&dir, &film).await;
    let duration = facts.duration_ms.unwrap();
    assert_eq!((duration, tick.frames), (8000, 200));

    let scenes = readings::scenes(&out(&dir), facts.video.as_ref().unwrap().frame_rate, duration).unwrap().scenes;
    let frames: Vec<i64> = scenes.iter().map(|s| s.frame).collect();
    assert_eq!(frames, [0, 30, 47, 87, 137, 150]);
    let last = scenes.last().unwrap();
    assert_eq!((last.start_ms, last.end_ms, last.picture.as_str()), (6000, 8000, "scenes/006.jpg"));
    assert_eq!(scenes[1].end_ms, scenes[2].start_ms);
    let picture = out(&dir).join(readings::scene_file(5));
    assert_eq!(probed(&picture, "width,height"), ["320", "180"]);

    assert_eq!(readings::black(&out(&dir), duration).unwrap(), [Span { start_ms: 3480, end_ms: 5480 }]);
    let silence = readings::silence(&out(&dir), duration).unwrap();
    assert_eq!(silence.len(), 1, "{silence:?}");
    assert!((silence[0].start_ms - 3000).abs() < 30 && (silence[0].end_ms - 4500).abs() < 30, "{silence:?}");
    let loudness = readings::loudness(&out(&dir)).unwrap().unwrap();
    assert!((loudness.integrated_lufs + 23.0).abs() <= 0.2, "{loudness:?}");
    assert!((loudness.peak_dbfs.unwrap() + 23.0).abs() <= 0.2, "{loudness:?}");

    let waveform = readings::waveform(&out(&dir)).unwrap().unwrap();
    assert_eq!((waveform.version, waveform.interval_ms), (1, 20));
    assert!((399..=401).contains(&waveform.length), "{}", waveform.length);
    assert!((6..=8).contains(&waveform.peaks[50]) && waveform.peaks[190] == 0, "{:?}", waveform.peaks);

    let sheet = Sheet::of(&facts).unwrap();
    assert_eq!(sheet, Sheet { tiles: 20, interval_ms: 400, width: 160, height: 90 });
    assert_eq!(probed(&out(&dir).join(SPRITE), "width,height"), ["1600", "180"]);
    let vtt = readings::vtt(&sheet, duration);
    assert!(vtt.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:00.400\nsprite.jpg#xywh=0,0,160,90\n"), "{vtt}");
    assert!(vtt.ends_with("00:00:07.600 --> 00:00:08.000\nsprite.jpg#xywh=1440,90,160,90\n"), "{vtt}");
    // The tile of 4.0 to 4.4 s lies in the black part, the first one shows a test picture.
    assert!(brightness(&dir, 0, 1) < 20 && brightness(&dir, 0, 0) > 100);
}

/// The mean luma of one tile of the sheet.
fn brightness(dir: &Dir, column: u32, row: u32) -> u32 {
    let filter = format!("crop=160:90:{}:{},scale=1:1:flags=area,format=gray", column * 160, row * 90);
    let args = ["-v", "error", "-i", SPRITE, "-vf", &filter, "-f", "rawvideo", "-"];
    let out = Command::new("ffmpeg").args(args).current_dir(out(dir)).output().unwrap();
    u32::from(out.stdout[0])
}

#[tokio::test]
async fn what_a_film_does_not_have_is_not_asked_for() {
    let dir = Dir::new("recipes-partly");
    let (facts, tick) = once(&dir, &make(&dir, "-f lavfi -i sine=d=90:r=22050 -ac 1 sound.wav")).await;
    assert!(facts.video.is_none() && tick.frames == 0);
    let waveform = readings::waveform(&out(&dir)).unwrap().unwrap();
    assert!(waveform.interval_ms == 23 && waveform.length <= 4000, "{} of {}", waveform.length, waveform.interval_ms);
    assert!(readings::loudness(&out(&dir)).unwrap().is_some() && out(&dir).join(PROXY).exists());
    assert!(!out(&dir).join(SPRITE).exists());

    let dir = Dir::new("recipes-mute");
    let film = "-f lavfi -i testsrc2=s=96x64:r=25:d=2 -pix_fmt yuv420p -c:v libx264 -movflags +faststart mute.mp4";
    let (facts, tick) = once(&dir, &make(&dir, film)).await;
    assert_eq!((proxy(&facts), tick.frames), (Proxy::Link, 50), "a link is only looked at");
    assert!(out(&dir).join(SPRITE).exists() && !out(&dir).join(PROXY).exists());
    assert!(readings::waveform(&out(&dir)).unwrap().is_none() && readings::loudness(&out(&dir)).unwrap().is_none());

    let dir = Dir::new("recipes-copied");
    let (facts, tick) = once(&dir, &make(&dir, &film.replace("-movflags +faststart mute.mp4", "mute.mov"))).await;
    assert_eq!((proxy(&facts), tick.frames), (Proxy::Copy, 50));
    assert!(out(&dir).join(SPRITE).exists() && out(&dir).join(PROXY).exists());
}

#[tokio::test]
async fn a_ladder_is_a_few_files_with_the_same_key_frames() {
    let dir = Dir::new("recipes-ladder");
    let film =
        make(&dir, "-f lavfi -i testsrc2=s=640x480:r=24000/1001:d=9 -f lavfi -i sine=d=9 -c:v mpeg4 -q:v 3 film.mkv");
    let facts = facts(&film).await;
    let video = facts.video.as_ref().unwrap();
    let presets = Presets { hls_heights: vec![1080, 360, 240], ..presets() };
    assert_eq!(hls::rungs(video, &presets), [(360, 480, 360), (240, 320, 240)], "never upscaled");
    assert_eq!(hls::rungs(video, &Presets { hls_heights: vec![1080], ..presets.clone() }), [(480, 640, 480)]);
    run(&dir, &film, hls::args(&facts, video, &presets, Encoder::Cpu)).await;
    let mut found: Vec<String> = std::fs::read_dir(out(&dir).join("hls"))
        .unwrap()
        .map(|e| format!("hls/{}", e.unwrap().file_name().to_string_lossy()))
        .collect();
    let mut promised = hls::files(&facts, video, &presets);
    assert_eq!(promised.last().unwrap(), hls::MASTER);
    found.sort();
    promised.sort();
    assert_eq!(found, promised);
    let text = |name: &str| std::fs::read_to_string(out(&dir).join("hls").join(name)).unwrap();
    let master = text("master.m3u8");
    assert!(master.contains("RESOLUTION=480x360") && master.contains("URI=\"audio.m3u8\""), "{master}");
    let list = text("v360.m3u8");
    assert!(
        list.contains("#EXT-X-INDEPENDENT-SEGMENTS") && list.contains("#EXT-X-MAP:URI=\"v360.mp4\",BYTERANGE="),
        "{list}"
    );
    let lengths = |list: &str| -> Vec<String> {
        list.lines().filter_map(|l| Some(l.strip_prefix("#EXTINF:")?.to_owned())).collect()
    };
    assert_eq!(lengths(&list), lengths(&text("v240.m3u8")));
    assert_eq!(lengths(&list).len(), 3);
    let frames = probed(&out(&dir).join("hls/v240.mp4"), "nb_read_packets");
    assert_eq!(frames, probed(&film, "nb_read_packets"));
}
