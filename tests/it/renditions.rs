//! What is made of a film besides its proxy: where it is, what it says, how it is made again, and what is left when a part
//! is lost.

use reqwest::Method;
use serde_json::{Value, json};
use videoplanet::base::ids::{JobId, MediaId};
use videoplanet::base::job::{Job, JobKind, Lane};
use videoplanet::domain::jobs;
use videoplanet::engines::ffmpeg::Encoder;
use videoplanet::engines::queue::{self, LaneChange};
use videoplanet::engines::store::params;

use crate::answer::Answer;
use crate::clips::{CLIP, Dir};
use crate::studio::{Studio, header};

/// Three seconds with a hard cut in the middle and a tone, in a wrapping that no browser knows.
const FILM: &str = "-f lavfi -i testsrc2=s=320x180:r=25:d=1.6 -f lavfi -i color=white:s=320x180:r=25:d=1.4 \
                    -f lavfi -i sine=d=3 -filter_complex [0][1]concat=n=2:v=1:a=0 -c:v mpeg4 -c:a aac film.mkv";

async fn json_of(studio: &Studio, url: &Value) -> Value {
    let answer = reqwest::get(format!("{}{}", studio.url, url.as_str().unwrap())).await.unwrap();
    assert_eq!(header(&answer, "content-type"), "application/json");
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_comes_with_its_sheet_scenes_waveform_and_report() {
    let studio = Studio::start("renditions").await;
    studio.work().await;
    let dir = Dir::new("renditions-films");
    let film = dir.film(FILM);
    let ready = studio.publish("시사본.mkv", &film).await;
    assert_eq!(ready["state"], "ready", "{ready}");
    let urls = &ready["urls"];
    assert!(urls["hls"].is_null() && urls["image"].is_null(), "a short film has no ladder: {urls}");

    let waveform = json_of(&studio, &urls["waveform"]).await;
    assert_eq!((waveform["version"].as_i64(), waveform["interval_ms"].as_i64()), (Some(1), Some(20)));
    assert_eq!(waveform["length"].as_u64().unwrap() as usize, waveform["peaks"].as_array().unwrap().len());
    let scenes = json_of(&studio, &urls["scenes"]).await;
    let second = json!({ "index": 2, "start_ms": 1600, "end_ms": 3000, "frame": 40, "picture": "scenes/002.jpg" });
    assert_eq!(scenes["scenes"].as_array().map(|s| (s.len(), s[1]["start_ms"].as_i64())), Some((2, Some(1600))));
    assert_eq!(
        (&scenes["scenes"][1]["frame"], &scenes["scenes"][1]["picture"]),
        (&second["frame"], &second["picture"])
    );
    let id = ready["id"].as_i64().unwrap();
    let picture = studio.viewer.get(&format!("/media/{id}/scenes/002.jpg")).await;
    assert_eq!((picture.status().as_u16(), header(&picture, "content-type").as_str()), (200, "image/jpeg"));
    assert_eq!(studio.viewer.get(&format!("/media/{id}/scenes/003.jpg")).await.status(), 404);
    assert_eq!(studio.viewer.get(&format!("/media/{id}/hls/master.m3u8")).await.status(), 404);
    assert_eq!(studio.stranger.get(&format!("/media/{id}/scenes/002.jpg")).await.status(), 404);

    let report = &ready["report"];
    assert_eq!((report["frames"].as_i64(), report["scenes"].as_i64()), (Some(75), Some(2)), "{report}");
    assert!(report["loudness"]["integrated_lufs"].as_f64().is_some_and(|l| (-30.0..-10.0).contains(&l)), "{report}");
    assert_eq!((&report["black"], &report["silence"]), (&json!([]), &json!([])));

    // The map names the sheet as its asker may fetch it: signed for who came with a signature, plain for a cookie or token.
    let map = reqwest::get(format!("{}{}", studio.url, urls["sprite_vtt"].as_str().unwrap())).await.unwrap();
    assert_eq!(header(&map, "content-type"), "text/vtt; charset=utf-8");
    let map = map.text().await.unwrap();
    let name = map.lines().find(|l| l.starts_with("sprite.jpg?u=")).unwrap_or_else(|| panic!("{map}"));
    let sheet = format!("{}/api/v1/media/{id}/{}", studio.url, name.split('#').next().unwrap());
    assert_eq!(reqwest::get(sheet).await.unwrap().status(), 200);
    let plain = studio.viewer.get(&format!("/media/{id}/sprite.vtt")).await.text().await.unwrap();
    assert!(plain.contains("\nsprite.jpg#xywh=0,0,160,90\n"), "{plain}");

    // The same bytes again: all is there, the report as well.
    let again = studio.publish("again.mkv", &film).await;
    assert_eq!((&again["report"], again["state"].as_str()), (report, Some("ready")));
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_made_again_and_a_ladder_is_made_when_it_is_asked_for() {
    let studio = Studio::start("rerun").await;
    studio.work().await;
    let dir = Dir::new("rerun-films");
    let ready = studio.publish("film.mkv", &dir.film(FILM)).await;
    let id = ready["id"].as_i64().unwrap();
    let rerun = |who: &crate::studio::Someone, body: Value| {
        let request = who.ask(Method::POST, &format!("/media/{id}/rerun")).json(&body);
        async { Answer::of(request).await }
    };
    assert_eq!(rerun(&studio.viewer, json!({})).await.status, 403);
    assert_eq!(rerun(&studio.stranger, json!({})).await.status, 404);
    assert_eq!(rerun(&studio.editor, json!({ "only": ["proxies"] })).await.status, 422);
    let sound = studio.publish("sound.wav", &dir.film("-f lavfi -i sine=d=1 sound.wav")).await;
    let nothing = format!("POST /media/{}/rerun", sound["id"]);
    assert_eq!(studio.editor.send(&nothing, json!({ "only": ["hls", "sprite"] })).await.status, 422);

    let tag = || async { header(&studio.viewer.get(&format!("/media/{id}/proxy.mp4")).await, "etag") };
    let before = tag().await;
    let asked = rerun(&studio.editor, json!({ "only": ["hls", "proxy"] })).await.is(202);
    assert!(asked.queries() <= 6, "{}", asked.queries());
    let job = asked.body["job_id"].as_i64().unwrap();
    // What is there stays meanwhile.
    assert_eq!(studio.viewer.get(&format!("/media/{id}/proxy.mp4")).await.status(), 200);
    let ready = studio.shown_when(id, |m| m["urls"]["hls"].is_string() && m["progress"].is_null()).await;
    while studio.editor.call(&format!("GET /jobs/{job}")).await.body["state"] != "done" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!((ready["state"].as_str(), ready["job_id"].as_i64()), (Some("ready"), Some(job)));
    assert_ne!(tag().await, before, "the proxy was made again");

    // A player that came with a signed URL finds its way through the ladder by it.
    let master = format!("{}{}", studio.url, ready["urls"]["hls"].as_str().unwrap());
    let fetched = reqwest::get(&master).await.unwrap();
    assert_eq!(header(&fetched, "content-type"), "application/vnd.apple.mpegurl");
    let lists = fetched.text().await.unwrap();
    let name = lists.lines().find(|l| !l.is_empty() && !l.starts_with('#')).unwrap();
    let list =
        reqwest::get(format!("{}/api/v1/media/{id}/hls/{name}", studio.url)).await.unwrap().text().await.unwrap();
    let segment = list.lines().find(|l| !l.is_empty() && !l.starts_with('#')).unwrap();
    let url = format!("{}/api/v1/media/{id}/hls/{segment}", studio.url);
    let part = reqwest::Client::new().get(&url).header("Range", "bytes=0-99").send().await.unwrap();
    assert_eq!((part.status().as_u16(), header(&part, "content-type").as_str()), (206, "video/mp4"));
    assert_eq!(reqwest::get(url.split('?').next().unwrap()).await.unwrap().status(), 401);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_part_leaves_a_film_that_can_be_watched() {
    let studio = Studio::start("lost").await;
    let dir = Dir::new("lost-films");
    let film = dir.film(&format!("{CLIP} -movflags +faststart fast.mp4"));
    studio.work().await;
    studio.app.write(|tx| queue::set_lane(tx, None, Lane::Media, LaneChange::Paused(true))).await.unwrap();
    let id = studio.editor.upload(studio.feedback, "fast.mp4", &film).await;
    let shown = studio.shown_when(id, |m| m["urls"]["thumbs"].as_array().is_some_and(|t| t.len() == 10)).await;
    assert_eq!((shown["state"].as_str(), shown["playable"].as_bool()), (Some("processing"), Some(true)));
    let job = JobId(shown["job_id"].as_i64().unwrap());
    let parts = studio.app.read(move |db| queue::needs_of(db, job)).await.unwrap();
    let part = parts.iter().find(|p| p.kind == JobKind::ProxyMedia).unwrap().id;
    studio.app.write(move |tx| jobs::cancel(tx, None, part)).await.unwrap();
    let ready = studio.settled(id).await;
    assert_eq!((ready["state"].as_str(), ready["urls"]["proxy"].is_null()), (Some("ready"), true), "{ready}");
    while studio.editor.call(&format!("GET /jobs/{job}")).await.body["state"] != "done" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let told = studio.editor.call(&format!("GET /jobs/{job}")).await.body;
    assert_eq!(told["result"]["lost"], json!([{ "kind": "proxy_media", "error": "cancelled" }]), "{told}");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_still_is_shown_as_a_picture() {
    let studio = Studio::start("still").await;
    studio.work().await;
    let dir = Dir::new("still-films");
    let ready = studio.publish("콘티.png", &dir.film("-f lavfi -i testsrc2=s=5000x2000 -frames:v 1 big.png")).await;
    let urls = &ready["urls"];
    assert_eq!((ready["state"].as_str(), ready["facts"]["still"].as_bool()), (Some("ready"), Some(true)), "{ready}");
    assert!(urls["proxy"].is_null() && urls["poster"].is_string() && urls["sprite"].is_null(), "{urls}");
    let image = reqwest::get(format!("{}{}", studio.url, urls["image"].as_str().unwrap())).await.unwrap();
    std::fs::write(dir.path().join("image.jpg"), image.bytes().await.unwrap()).unwrap();
    let out = std::process::Command::new("ffprobe")
        .args(["-v", "error", "-of", "csv=p=0", "-show_entries", "stream=codec_name,width,height", "image.jpg"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "mjpeg,3840,1536");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_an_earlier_version_plans_what_it_needs() {
    let studio = Studio::start("earlier").await;
    let dir = Dir::new("earlier-films");
    let id = studio.editor.upload(studio.feedback, "film.mkv", &dir.film(FILM)).await;
    let shown: Value = studio.editor.get(&format!("/media/{id}")).await.json().await.unwrap();
    let probe = JobId(shown["job_id"].as_i64().unwrap());
    let old: Job = serde_json::from_value(json!({ "kind": "process_media", "media": MediaId(id) })).unwrap();
    studio
        .app
        .write(move |tx| {
            queue::cancel(tx, None, probe)?;
            let job = queue::enqueue(tx, old)?;
            tx.execute("UPDATE media SET job_id = ?1", params![job])
        })
        .await
        .unwrap();
    studio.work().await;
    let ready = studio.settled(id).await;
    assert_eq!((ready["state"].as_str(), ready["urls"]["proxy"].is_string()), (Some("ready"), true), "{ready}");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cpu_encodes_what_the_hardware_could_not() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new("hardware-films");
    let film = dir.film(FILM);
    // An ffmpeg whose hardware passes its trial and fails on every film.
    let real = std::env::split_paths(&std::env::var_os("PATH").unwrap()).map(|p| p.join("ffmpeg")).find(|p| p.exists());
    let real = real.unwrap();
    let real = real.display();
    let script = format!(
        "#!/bin/bash\n\
         case \"$*\" in\n\
         *-encoders*) echo ' V....D h264_nvenc  NVIDIA NVENC H.264 encoder'; exit 0;;\n\
         *testsrc2*h264_nvenc*) exec {real} -v error -y -f lavfi -i testsrc2=s=320x240:r=25:d=1 -pix_fmt yuv420p nvenc.mp4;;\n\
         *h264_nvenc*) echo 'OpenEncodeSessionEx failed: out of memory (10)' >&2; exit 1;;\n\
         *) exec {real} \"$@\";;\n\
         esac\n"
    );
    let bin = dir.path().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("ffmpeg"), script).unwrap();
    std::fs::set_permissions(bin.join("ffmpeg"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let studio = Studio::with("hardware", |c| c.media.ffmpeg = bin.join("ffmpeg").display().to_string()).await;
    studio.work().await;
    // A film that comes before the trial is over is the CPU's from the beginning.
    while studio.app.ffmpeg.encoder(None) != Encoder::Nvenc {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let ready = studio.publish("film.mkv", &film).await;
    assert_eq!((ready["state"].as_str(), ready["urls"]["proxy"].is_string()), (Some("ready"), true), "{ready}");
    let job = JobId(ready["job_id"].as_i64().unwrap());
    let parts = studio.app.read(move |db| queue::needs_of(db, job)).await.unwrap();
    let part = parts.iter().find(|p| p.kind == JobKind::ProxyMedia).unwrap().id;
    let part = studio.editor.call(&format!("GET /jobs/{part}")).await.body;
    assert_eq!(part["result"]["encoder"], "cpu", "{part}");
    studio.stop().await;
}
