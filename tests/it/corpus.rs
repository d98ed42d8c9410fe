//! Films of every kind that a studio may bring, made here by ffmpeg: what is known of each, and what becomes of it.
//!
//! The table is the story. Each row says how its film is made, what the probe must tell, whether a browser plays the
//! original, and how large the proxy is. A proxy has exactly the frames of its film: a remark at a frame stays there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, Weak};

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use videoplanet::engines::ffmpeg::{Facts, Ffmpeg, Fraction, Settings};

use crate::clips::Dir;
use crate::films::{A, FILMS, Film, H264, P};
use crate::studio::Studio;

/// Rows whose end is not yet what it must be, and why.
const PIPELINE_GAPS: &[(&str, &str)] = &[];

/// What a phone that is held upright writes into its photos: turn by 90° to the right.
const SIDEWAYS: &[u8] = b"\xff\xe1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";

/// The facts in one line.
fn told(facts: &Facts) -> String {
    let mut said = vec![facts.container.clone()];
    if let Some(video) = &facts.video {
        let (width, height) = video.seen_size();
        said.extend([video.video_codec.clone(), format!("{width}x{height}")]);
        said.extend(video.frame_rate.map(|Fraction { num, den }| format!("{num}/{den}")));
        said.extend(video.bit_depth.map(|bits| format!("{bits}-bit")));
        let is = [
            (facts.still, "still"),
            (video.variable_rate, "varying"),
            (video.interlaced, "interlaced"),
            (video.is_hdr(), "hdr"),
        ];
        said.extend(is.iter().filter(|(is, _)| *is).map(|(_, word)| word.to_string()));
        if video.rotation > 0 {
            said.push(format!("turned-{}", video.rotation));
        }
    }
    said.extend(facts.start_timecode.iter().map(|code| format!("from {code}")));
    for track in &facts.audio_tracks {
        said.push(format!("+ {} {} {}", track.audio.codec, track.audio.channels, track.audio.sample_rate));
        said.extend(track.language.clone());
        said.extend(track.title.clone());
    }
    said.join(" ")
}

/// All films in one directory, made once for whoever asks at the same time.
fn corpus() -> Arc<Dir> {
    static MADE: Mutex<Weak<Dir>> = Mutex::new(Weak::new());
    let mut made = MADE.lock().unwrap();
    if let Some(dir) = made.upgrade() {
        return dir;
    }
    let dir = Arc::new(Dir::new("corpus"));
    // What other films are made of.
    dir.film(&format!("{P} {A} {H264} -g 10 base.mp4"));
    dir.film("-f lavfi -i testsrc2=s=64x64 -frames:v 1 cover.png");
    let photo = dir.film(&format!("{P} -frames:v 1 photo.mjpg"));
    std::fs::write(dir.path().join("sideways"), [&photo[..2], SIDEWAYS, &photo[2..]].concat()).unwrap();
    std::fs::write(dir.path().join("words.srt"), "1\n00:00:00,100 --> 00:00:00,900\n안녕하세요\n").unwrap();
    let next = Mutex::new(FILMS.iter());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let Some(film) = next.lock().unwrap().next() else { break };
                    make(&dir, film);
                }
            });
        }
    });
    *made = Arc::downgrade(&dir);
    dir
}

fn make(dir: &Dir, film: &Film) {
    let words = film.made.replace("$P", P).replace("$A", A).replace("$H264", H264);
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]).args(words.split_whitespace());
    let out = command.arg(format!("file:{}", film.name)).current_dir(dir.path()).output().unwrap();
    assert!(out.status.success(), "{}: {}", film.name, String::from_utf8_lossy(&out.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_every_film_it_is_known_what_it_is() {
    let dir = tokio::task::spawn_blocking(corpus).await.unwrap();
    let ffmpeg = Ffmpeg::new(Settings::default()).unwrap();
    let mut wrong = Vec::new();
    for film in FILMS {
        // As the media store has it: a name that tells nothing.
        let original = dir.path().join("original");
        let _ = std::fs::remove_file(&original);
        std::fs::hard_link(dir.path().join(film.name), &original).unwrap();
        let facts = ffmpeg.probe(&original, dir.path(), &CancellationToken::new()).await;
        let said = facts.as_ref().map_or_else(|failure| failure.to_string(), told);
        if said != film.facts {
            wrong.push(format!("{}\n  is   {said}\n  must {}", film.name, film.facts));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(FILMS.len() >= 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_film_gets_a_proxy_with_exactly_its_frames() {
    let dir = tokio::task::spawn_blocking(corpus).await.unwrap();
    let studio = Studio::with("corpus-studio", |c| c.media.jobs = 2).await;
    let mut ids = Vec::new();
    for film in FILMS {
        let bytes = std::fs::read(dir.path().join(film.name)).unwrap();
        ids.push(studio.editor.upload(studio.feedback, film.name, &bytes).await);
    }
    studio.work().await;
    let mut wrong = Vec::new();
    for (film, id) in FILMS.iter().zip(ids) {
        let settled = studio.settled(id).await;
        let gap = PIPELINE_GAPS.iter().find(|(name, _)| *name == film.name);
        match (end(&studio, &dir, film, &settled).await, gap) {
            (Err(why), None) => wrong.push(format!("{}: {why}", film.name)),
            (Ok(()), Some(_)) => wrong.push(format!("{}: no gap any more, take it from the list", film.name)),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    studio.stop().await;
}

/// What became of a film, judged.
async fn end(studio: &Studio, dir: &Dir, film: &Film, settled: &Value) -> Result<(), String> {
    let must = |ok: bool, what: String| if ok { Ok(()) } else { Err(what) };
    must(settled["state"] == "ready", format!("failed: {}", settled["error"]))?;
    must(settled["playable"] == film.plays, format!("playable: {}", settled["playable"]))?;
    let has_picture = !film.proxy.is_empty();
    must(settled["urls"]["poster"].is_string() == has_picture, format!("poster: {}", settled["urls"]["poster"]))?;
    if settled["facts"]["still"] == true && settled["urls"]["proxy"].is_null() {
        return Ok(()); // a picture is shown as a picture
    }
    let url = settled["urls"]["proxy"].as_str().ok_or("no proxy")?;
    let proxy = reqwest::get(format!("{}{url}", studio.url)).await.unwrap().bytes().await.unwrap();
    let place = dir.path().join(format!("proxy-{}.mp4", settled["id"]));
    std::fs::write(&place, proxy).unwrap();
    let original = dir.path().join(film.name);
    if !has_picture {
        let (was, is) = (length(&original), length(&place));
        // An encoder's frame more or less.
        return must((was - is).abs() < 0.06, format!("{was} s became {is} s"));
    }
    let facts: Facts = serde_json::from_value(settled["facts"].clone()).unwrap();
    let (was, is) = (frames(&original), frames(&place));
    must(was.len() == is.len(), format!("{} frames became {}", was.len(), is.len()))?;
    let frame = facts.video.and_then(|v| v.frame_rate).map_or(0.04, |rate| 1.0 / rate.value());
    // A raw stream tells no times: then its rate does.
    let (was, is) = (span(&was).unwrap_or((was.len() - 1) as f64 * frame), span(&is).ok_or("a proxy without times")?);
    must((was - is).abs() < frame * 1.01, format!("{was} s became {is} s"))?;
    let made =
        studio.app.ffmpeg.probe(&place, dir.path(), &CancellationToken::new()).await.map_err(|f| f.to_string())?;
    let (width, height) = made.video.ok_or("a proxy without a picture")?.seen_size();
    must(format!("{width}x{height}") == film.proxy, format!("the proxy has {width}x{height}"))
}

fn ffprobe(file: &Path, words: &str) -> String {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "csv=p=0"]).args(words.split_whitespace());
    let name: PathBuf = file.file_name().unwrap().into();
    let out = command.arg(format!("file:{}", name.display())).current_dir(file.parent().unwrap()).output().unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// When each frame is shown, in seconds, as a decoder finds them. The last ones of some streams do not tell.
fn frames(file: &Path) -> Vec<Option<f64>> {
    let said = ffprobe(file, "-select_streams V:0 -show_entries frame=best_effort_timestamp_time");
    let times = said.lines().filter(|l| !l.is_empty());
    times.map(|l| l.split(',').next()?.trim().parse().ok()).collect()
}

/// From the first frame to the last, if any tells.
fn span(times: &[Option<f64>]) -> Option<f64> {
    let told = || times.iter().flatten().copied();
    Some(told().reduce(f64::max)? - told().reduce(f64::min)?)
}

fn length(file: &Path) -> f64 {
    ffprobe(file, "-show_entries format=duration").trim().parse().unwrap_or(0.0)
}
