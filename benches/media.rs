//! `cargo bench --bench media`: what the pipeline costs beside plain ffmpeg with the same arguments.
//!
//! A minute of 1080p with a tone, encoded once by ffmpeg alone and once by the program's runner with all that belongs to a
//! film: the look before, the look at the proxy, and the reading of what was measured. Both in turn in one run, so that a
//! noisy moment of the machine meets both; medians are compared. The runner's children are niced, so plain ffmpeg is, too.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use videoplanet::config;
use videoplanet::domain::media::readings;
use videoplanet::domain::media::recipes::once::{Once, PROXY, Sheet};
use videoplanet::domain::media::recipes::{Presets, decoder_threads, exact_rate, proxy};
use videoplanet::engines::ffmpeg::{Encoder, Facts, Ffmpeg, Input, Run, Settings};

fn main() {
    // Rounds and seconds of film may be given: `-- 1 10` is a quick look. Cargo itself passes --bench.
    let mut given = std::env::args().skip(1).filter_map(|a| a.parse::<usize>().ok());
    let (rounds, seconds) = (given.next().unwrap_or(3), given.next().unwrap_or(60));
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-media");
    let _ = std::fs::remove_dir_all(&home);
    std::fs::create_dir_all(home.join("plain")).unwrap();
    let film = home.join("film.mov");
    let pattern = format!("testsrc2=s=1920x1080:r=25:d={seconds}");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &pattern, "-f", "lavfi", "-i"])
        .arg(format!("sine=d={seconds}"))
        .args(["-c:v", "mpeg4", "-q:v", "3", "-c:a", "pcm_s16le"])
        .arg(&film)
        .status()
        .expect("ffmpeg runs");
    assert!(made.success());

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let runner = Ffmpeg::new(Settings::default()).unwrap();
    let cancel = CancellationToken::new();
    let presets = Presets::of(&config::Media::default());
    let facts = runtime.block_on(runner.probe(&film, &home, &cancel)).unwrap();
    let (mut plain, mut ours) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let begun = Instant::now();
        plainly(&film, &home.join("plain"), &once(&facts, &presets));
        plain.push(begun.elapsed().as_secs_f64());
        let dir = home.join(format!("ours-{round}"));
        std::fs::create_dir_all(&dir).unwrap();
        let begun = Instant::now();
        runtime.block_on(with_all(&runner, &film, &dir, &presets, &cancel));
        ours.push(begun.elapsed().as_secs_f64());
    }
    let _ = std::fs::remove_dir_all(&home);
    let (plain, ours) = (median(plain), median(ours));
    println!("{seconds} s of 1080p: proxy, sheet, scenes, waveform, report; median of {rounds} rounds");
    println!("  plain ffmpeg        {plain:>8.2} s");
    println!("  the program         {ours:>8.2} s");
    println!("the program / plain   {:>8.3}    (wanted: at most 1.05)", ours / plain);
}

fn once<'a>(facts: &'a Facts, presets: &'a Presets) -> Once<'a> {
    let (proxy, sheet) = (Some(proxy(facts)), Sheet::of(facts));
    Once { facts, presets, proxy, encoder: Encoder::Cpu, sheet, scenes: true, sound: true }
}

fn plainly(film: &Path, dir: &Path, once: &Once) {
    let threads = decoder_threads(once.facts).to_string();
    let done = Command::new("nice")
        .args(["-n", "15", "ffmpeg", "-nostdin", "-v", "error", "-nostats", "-y", "-threads", &threads, "-i"])
        .arg(film)
        .args(once.args().unwrap())
        .current_dir(dir)
        .status()
        .unwrap();
    assert!(done.success());
}

async fn with_all(runner: &Ffmpeg, film: &Path, dir: &Path, presets: &Presets, cancel: &CancellationToken) {
    let facts = runner.probe(film, dir, cancel).await.unwrap();
    let run = Run {
        input: Input { path: film, seek_ms: None, threads: decoder_threads(&facts) },
        args: once(&facts, presets).args().unwrap(),
        dir,
        limit: Duration::from_secs(3600),
        duration_ms: facts.duration_ms,
    };
    let tick = runner.run(run, cancel, &mut |_| {}).await.unwrap();
    runner.probe(&dir.join(PROXY), dir, cancel).await.unwrap();
    let rate = facts.video.as_ref().and_then(exact_rate);
    let scenes = readings::scenes(dir, rate, tick.done_ms).unwrap();
    let (black, silence) = (readings::black(dir, tick.done_ms).unwrap(), readings::silence(dir, tick.done_ms).unwrap());
    let (waveform, loudness) = (readings::waveform(dir).unwrap(), readings::loudness(dir).unwrap());
    assert!(waveform.is_some() && loudness.is_some() && !scenes.scenes.is_empty(), "{black:?} {silence:?}");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
