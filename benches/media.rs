//! `cargo bench --bench media`: what the pipeline costs beside plain ffmpeg with the same arguments.
//!
//! A minute of 1080p with a tone, encoded once by ffmpeg alone and once by the program's runner with all that belongs to a
//! film: the look before, the look at the proxy, and the reading of what was measured. Both in turn in one run, so that a
//! noisy moment of the machine meets both; medians are compared. The runner's children are niced, so plain ffmpeg is, too.
//!
//! Then the whole program: a minute of 1080p that browsers play is brought in as the last byte of an upload is, and asked
//! for until it can be played, until it has its poster, and until all is made.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use videoplanet::app::App;
use videoplanet::base::clock::Clock;
use videoplanet::base::locale::Lang;
use videoplanet::base::roles::SiteRole;
use videoplanet::config::{self, Config};
use videoplanet::domain::accounts::{self, NewUser, Viewer};
use videoplanet::domain::media::recipes::once::{Once, PROXY, Sheet};
use videoplanet::domain::media::recipes::{Presets, decoder_threads, exact_rate, proxy};
use videoplanet::domain::media::{self, MediaState, readings, uploads};
use videoplanet::domain::{feedback, projects};
use videoplanet::engines::ffmpeg::{Encoder, Facts, Ffmpeg, Input, Run, Settings};
use videoplanet::work;

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
    let (plain, ours) = (median(plain), median(ours));
    println!("{seconds} s of 1080p: proxy, sheet, scenes, waveform, report; median of {rounds} rounds");
    println!("  plain ffmpeg        {plain:>8.2} s");
    println!("  the program         {ours:>8.2} s");
    println!("the program / plain   {:>8.3}    (wanted: at most 1.05)", ours / plain);
    runtime.block_on(from_the_last_byte(&home, rounds, seconds));
    let _ = std::fs::remove_dir_all(&home);
}

/// What people wait for, from the last byte on.
async fn from_the_last_byte(home: &Path, rounds: usize, seconds: usize) {
    let app = App::open(&home.join("data"), Config::default(), Clock::System).await.unwrap();
    work::start(&app).await.unwrap();
    let new = NewUser {
        email: "bench@example.com".into(),
        nickname: "bench".into(),
        password: "correct horse battery".into(),
        locale: Lang::En,
    };
    let user = accounts::add(&app, new, SiteRole::Admin).await.unwrap();
    let token = accounts::sign_in(&app, user, None).await.unwrap().token;
    let who = Viewer::of_token(&app, &token).await.unwrap().unwrap();
    let new = serde_json::from_value(serde_json::json!({ "name": "bench" })).unwrap();
    let project = projects::add(&app, &who, new).await.unwrap().id;
    let new = serde_json::from_value(serde_json::json!({ "title": "bench" })).unwrap();
    let feedback = feedback::add(&app, &who, project, new).await.unwrap().id;
    let (mut playable, mut poster, mut ready) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        // Another tone each time: the same bytes would be made once.
        let film = home.join(format!("browser-{round}.mp4"));
        let graph = format!("testsrc2=s=1920x1080:r=25:d={seconds}");
        let tone = format!("sine=f={}:d={seconds}", 300 + round);
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "lavfi", "-i", &graph, "-f", "lavfi", "-i", &tone])
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"])
            .args(["-movflags", "+faststart"])
            .arg(&film)
            .status()
            .unwrap();
        assert!(made.success());
        let id = uploads::bring(&app, user, feedback, "film.mp4", &film).await.unwrap();
        let begun = Instant::now();
        let (mut at, wanted) = ([None; 3], [&mut playable, &mut poster, &mut ready]);
        while at.contains(&None) {
            let media = app.read(move |db| media::get(db, user, id)).await.unwrap();
            let now = [media.playable, media.has(media::POSTER), media.state == MediaState::Ready];
            assert!(media.state != MediaState::Failed);
            for (at, so) in at.iter_mut().zip(now) {
                *at = at.or(so.then(|| begun.elapsed().as_secs_f64()));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        wanted.into_iter().zip(at).for_each(|(all, at)| all.push(at.unwrap()));
    }
    app.close().await;
    println!("{seconds} s of 1080p that browsers play, from the last byte; median of {rounds} rounds");
    println!("  can be played       {:>8.2} s    (wanted: at most 1)", median(playable));
    println!("  has its poster      {:>8.2} s    (wanted: at most 3)", median(poster));
    println!("  all is made         {:>8.2} s", median(ready));
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
