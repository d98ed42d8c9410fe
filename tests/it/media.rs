//! From the last byte to a film that plays: facts, renditions, failures in words, and bytes by Range.

use reqwest::{Method, Response};
use serde_json::Value;
use videoplanet::base::ids::JobId;
use videoplanet::domain::{jobs, media};
use videoplanet::engines::hub::Signal;
use videoplanet::engines::queue;

use crate::clips::{CLIP, Dir, noise};
use crate::studio::{Studio, header};

#[tokio::test(flavor = "multi_thread")]
async fn a_film_for_browsers_is_ready_without_being_encoded() {
    let studio = Studio::start("ready").await;
    let dir = Dir::new("ready-films");
    let film = dir.film(&format!("{CLIP} -movflags +faststart fast.mp4"));
    // Before any job has run, the original is there by Range.
    let id = studio.editor.upload(studio.feedback, "시사본 v3.mp4", &film).await;
    let shown: Value = studio.editor.get(&format!("/media/{id}")).await.json().await.unwrap();
    assert_eq!((shown["state"].as_str(), shown["version"].as_i64()), (Some("received"), Some(1)));
    studio.work().await;
    let ready = studio.settled(id).await;
    assert_eq!((ready["state"].as_str(), ready["playable"].as_bool()), (Some("ready"), Some(true)), "{ready}");
    assert_eq!((ready["content_type"].as_str(), ready["name"].as_str()), (Some("video/mp4"), Some("시사본 v3.mp4")));
    let facts = &ready["facts"];
    assert_eq!((facts["width"].as_i64(), facts["height"].as_i64()), (Some(128), Some(72)));
    assert_eq!(facts["frame_rate"], serde_json::json!({ "num": 25, "den": 1 }));
    assert_eq!(facts["audio"]["codec"], "aac");
    assert_eq!(ready["urls"]["thumbs"].as_array().unwrap().len(), 10);
    let fetch = |name: &str| reqwest::get(format!("{}{}", studio.url, ready["urls"][name].as_str().unwrap()));
    let (original, proxy) =
        (fetch("original").await.unwrap().bytes().await.unwrap(), fetch("proxy").await.unwrap().bytes().await.unwrap());
    assert!(original == film && proxy == film, "the proxy is the same bytes");
    let poster = fetch("poster").await.unwrap();
    assert_eq!(header(&poster, "content-type"), "image/jpeg");
    assert!(poster.bytes().await.unwrap().starts_with(b"\xff\xd8"));

    // The same bytes again: all is made already.
    let again = studio.publish("again.mp4", &film).await;
    assert_eq!((again["state"].as_str(), again["version"].as_i64()), (Some("ready"), Some(2)));
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_film_gets_a_proxy_that_plays() {
    let studio = Studio::start("kinds").await;
    studio.work().await;
    let dir = Dir::new("kinds-films");
    let phone = dir.film(&format!("{CLIP} straight.mov"));
    assert!(!phone.is_empty());
    // Name, bytes, whether a browser plays them as they are, and the proxy's size.
    type Case = (&'static str, Vec<u8>, bool, (i64, i64));
    let cases: Vec<Case> = vec![
        ("slow.mp4", dir.film(&format!("{CLIP} slow.mp4")), true, (128, 72)),
        ("turned.mov", dir.film("-i straight.mov -c copy -metadata:s:v:0 rotate=90 turned.mov"), true, (128, 72)),
        ("film.mkv", dir.film("-i straight.mov -c copy film.mkv"), false, (128, 72)),
        (
            "odd.mov",
            dir.film("-f lavfi -i testsrc2=s=641x361:r=30000/1001:d=1 -c:v prores_ks odd.mov"),
            false,
            (640, 360),
        ),
        (
            "tall.mov",
            dir.film("-f lavfi -i testsrc2=s=144x256:r=30:d=1 -c:v mjpeg -metadata:s:v:0 rotate=90 tall.mov"),
            false,
            (144, 256),
        ),
        (
            "hdr.mp4",
            dir.film(
                "-f lavfi -i testsrc2=s=128x72:r=24:d=1 -pix_fmt yuv420p10le -c:v libx265 -x265-params \
                 log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc hdr.mp4",
            ),
            false,
            (128, 72),
        ),
        (
            "tv.mpg",
            dir.film(
                "-f lavfi -i testsrc2=s=720x480:r=30000/1001:d=1 -c:v mpeg2video -flags +ildct+ilme -top 1 -aspect 4:3 \
                 tv.mpg",
            ),
            false,
            (640, 480),
        ),
        (
            "vfr.mp4",
            dir.film(&format!("{CLIP} -vf select=not(mod(n\\,7))+lt(n\\,20) -fps_mode vfr vfr.mp4")),
            true,
            (128, 72),
        ),
        ("short.mp4", dir.film("-f lavfi -i testsrc2=s=64x64:r=25:d=0.04 -pix_fmt yuv420p short.mp4"), true, (64, 64)),
        (
            "raw.h264",
            dir.film("-i straight.mov -an -c:v copy -bsf h264_mp4toannexb -f h264 raw.h264"),
            false,
            (128, 72),
        ),
    ];
    for (name, film, playable, size) in cases {
        let ready = studio.publish(name, &film).await;
        assert_eq!(ready["state"], "ready", "{name}: {ready}");
        assert_eq!(ready["playable"], playable, "{name}: {ready}");
        assert_eq!(ready["urls"]["thumbs"].as_array().unwrap().len(), 10, "{name}");
        assert!(ready["urls"]["poster"].is_string(), "{name}");
        let proxy = reqwest::get(format!("{}{}", studio.url, ready["urls"]["proxy"].as_str().unwrap())).await.unwrap();
        std::fs::write(dir.path().join("proxy.mp4"), proxy.bytes().await.unwrap()).unwrap();
        let probed = probe(&dir, "proxy.mp4");
        assert_eq!(probed["codec_name"], "h264", "{name}: {probed}");
        let seen = (probed["width"].as_i64().unwrap(), probed["height"].as_i64().unwrap());
        assert_eq!(seen, size, "{name}: {probed}");
    }
    studio.stop().await;
}

/// The first picture stream of a file, as ffprobe has it.
fn probe(dir: &Dir, name: &str) -> Value {
    let out = std::process::Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-select_streams", "v:0", "-show_streams", name])
        .current_dir(dir.path())
        .output()
        .unwrap();
    serde_json::from_slice::<Value>(&out.stdout).unwrap()["streams"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_is_ready_without_a_picture() {
    let studio = Studio::start("sound").await;
    studio.work().await;
    let dir = Dir::new("sound-films");
    let ready = studio.publish("내레이션.wav", &dir.film("-f lavfi -i sine=d=2 sound.wav")).await;
    assert_eq!((ready["state"].as_str(), ready["playable"].as_bool()), (Some("ready"), Some(true)), "{ready}");
    assert!(ready["urls"]["poster"].is_null() && ready["urls"]["proxy"].is_string());
    assert!(ready["facts"]["width"].is_null());
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_film_fails_with_a_sentence() {
    let studio = Studio::start("no-film").await;
    studio.work().await;
    let dir = Dir::new("no-films");
    let film = dir.film(&format!("{CLIP} -movflags +faststart secret.mp4"));
    let secret = dir.path().join("secret.mp4");
    let secret = secret.display();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty.mp4", vec![], "empty"),
        ("noise.mp4", noise(100_000, 5), "not_video"),
        ("text.mp4", b"hello\n".repeat(100), "not_video"),
        ("cut.mp4", film[..film.len() * 2 / 3].to_vec(), "truncated"),
        ("list.mp4", format!("#EXTM3U\n#EXTINF:2,\nfile:{secret}\n#EXT-X-ENDLIST\n").into(), "not_video"),
        ("concat.mp4", format!("ffconcat version 1.0\nfile '{secret}'\n").into(), "not_video"),
    ];
    for (name, bytes, code) in cases {
        let failed = studio.publish(name, &bytes).await;
        assert_eq!(
            (failed["state"].as_str(), failed["error"]["code"].as_str()),
            (Some("failed"), Some(code)),
            "{name}: {failed}"
        );
        let sentence = failed["error"]["message"].as_str().unwrap();
        assert!(sentence.len() > 20 && !sentence.contains("media.error"), "{sentence}");
        let id = &failed["id"];
        let original = studio.editor.get(&format!("/media/{id}/original")).await;
        assert!(header(&original, "content-disposition").starts_with("attachment"), "{name} is not shown as a page");
        assert_eq!(header(&original, "content-type"), "application/octet-stream");
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_served_by_range_to_whoever_may_watch() {
    let studio = Studio::start("range").await;
    let film = noise(3_000_000, 6);
    let id = studio.editor.upload(studio.feedback, "가을.mp4", &film).await;
    let path = format!("/media/{id}/original");
    let ranged = |range: &'static str| {
        let request = studio.viewer.ask(Method::GET, &path).header("Range", range);
        async { request.send().await.unwrap() }
    };
    async fn body(response: Response) -> Vec<u8> {
        response.bytes().await.unwrap().to_vec()
    }
    let part = ranged("bytes=1000000-2099999").await;
    assert_eq!((part.status().as_u16(), header(&part, "content-range")), (206, "bytes 1000000-2099999/3000000".into()));
    assert!(body(part).await == film[1_000_000..2_100_000]);
    assert!(body(ranged("bytes=2999990-").await).await == film[2_999_990..]);
    assert!(body(ranged("bytes=-10").await).await == film[2_999_990..]);
    let outside = ranged("bytes=3000000-").await;
    assert_eq!((outside.status().as_u16(), header(&outside, "content-range")), (416, "bytes */3000000".into()));
    let whole = ranged("bytes=0-1,5-6").await;
    assert_eq!(whole.status(), 200);
    let etag = header(&whole, "etag");
    assert_eq!(
        (header(&whole, "accept-ranges"), header(&whole, "x-content-type-options")),
        ("bytes".into(), "nosniff".into())
    );
    assert!(
        header(&whole, "cache-control").contains("immutable") && header(&whole, "cache-control").contains("private")
    );
    assert!(body(whole).await == film);

    let ask = |method, name: &'static str, value: String| {
        let request = studio.viewer.ask(method, &path).header(name, value);
        async { request.send().await.unwrap() }
    };
    assert_eq!(ask(Method::GET, "If-None-Match", etag.clone()).await.status(), 304);
    let other = studio.viewer.ask(Method::GET, &path).header("If-Range", "\"other\"").header("Range", "bytes=0-1");
    assert_eq!(other.send().await.unwrap().status(), 200);
    let same = studio.viewer.ask(Method::GET, &path).header("If-Range", &etag).header("Range", "bytes=0-1");
    assert_eq!(same.send().await.unwrap().status(), 206);
    let head = studio.viewer.ask(Method::HEAD, &path).send().await.unwrap();
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, "3000000".into()));
    let download = studio.viewer.get(&format!("{path}?download=1")).await;
    assert!(header(&download, "content-disposition").ends_with("filename*=UTF-8''%EA%B0%80%EC%9D%84.mp4"));

    assert_eq!(studio.stranger.get(&path).await.status(), 404);
    assert_eq!(studio.viewer.get(&format!("/media/{id}/../../lock")).await.status(), 404);
    assert_eq!(studio.viewer.get(&format!("/media/{id}/poster.jpg")).await.status(), 404);
    assert_eq!(studio.viewer.get(&format!("/media/{id}/%2e%2e%2foriginal")).await.status(), 404);
    let bare = |url: String| async move { reqwest::get(url).await.unwrap().status().as_u16() };
    assert_eq!(bare(format!("{}/api/v1{path}", studio.url)).await, 401);

    // A signed URL needs no token, and gives no more than its signer has.
    let shown: Value = studio.viewer.get(&format!("/media/{id}")).await.json().await.unwrap();
    let signed = format!("{}{}", studio.url, shown["urls"]["original"].as_str().unwrap());
    assert_eq!(bare(signed.clone()).await, 200);
    assert_eq!(bare(signed.replace("&e=", "&e=1")).await, 401);
    assert_eq!(bare(signed.replace(&format!("u={}", studio.viewer.id), &format!("u={}", studio.editor.id))).await, 401);
    studio.drop_viewer().await;
    assert_eq!(bare(signed).await, 404);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_says_so_and_a_retry_mends_it() {
    let studio = Studio::start("cancel").await;
    studio.work().await;
    let dir = Dir::new("cancel-films");
    let film = dir.film("-f lavfi -i testsrc2=s=640x360:r=50:d=40 -c:v mpeg2video -q:v 4 -g 25 long.ts");
    let id = studio.editor.upload(studio.feedback, "long.ts", &film).await;
    let working = studio.shown_when(id, |m| m["progress"]["fps"].as_f64().is_some_and(|fps| fps > 0.0)).await;
    assert_eq!(working["state"], "processing");
    assert!(working["urls"]["poster"].is_string(), "pictures are there before the proxy: {working}");
    assert!(working["progress"]["percent"].as_f64().is_some_and(|p| p > 10.0), "{working}");
    let job = JobId(working["job_id"].as_i64().unwrap());
    studio.app.write(move |tx| jobs::cancel(tx, None, job)).await.unwrap();
    let failed = studio.settled(id).await;
    assert_eq!(failed["error"]["code"], "cancelled", "{failed}");
    // Its parts end as well, each when its child is gone.
    let parts = || studio.app.read(move |db| queue::needs_of(db, job));
    while parts().await.unwrap().iter().any(|part| !part.state.is_over()) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    studio.app.write(move |tx| jobs::retry(tx, None, job)).await.unwrap();
    let ready = studio.shown_when(id, |m| m["state"] == "ready").await;
    assert!(ready["error"].is_null() && ready["urls"]["proxy"].is_string(), "{ready}");
    let scratch = std::fs::read_dir(studio.dir.path().join("data/scratch")).unwrap();
    assert_eq!(scratch.count(), 0, "jobs leave nothing behind");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_hears_how_far_it_is_and_that_it_is_ready() {
    let studio = Studio::start("room").await;
    let mut seat = studio.seat();
    let dir = Dir::new("room-films");
    let film = dir.film("-f lavfi -i testsrc2=s=640x360:r=50:d=20 -c:v mpeg2video -q:v 4 -g 25 long.ts");
    let begun = std::time::Instant::now();
    studio.editor.upload(studio.feedback, "long.ts", &film).await;
    studio.work().await;
    let mut heard = Vec::new();
    loop {
        let signal =
            tokio::time::timeout(std::time::Duration::from_secs(30), seat.next()).await.expect("a word in time");
        let Signal::Message(said) = signal else { continue };
        let message: Value = serde_json::from_slice(&said.body).unwrap();
        let ready = message["type"] == "media_ready";
        heard.push((said.seq, message));
        if ready {
            break;
        }
    }
    let spent = begun.elapsed().as_secs_f64();
    assert_eq!(heard[0].1["state"], "received");
    let progress: Vec<f64> = heard
        .iter()
        .filter(|(seq, m)| seq.is_none() && m["type"] == "media_progress")
        .map(|(_, m)| m["percent"].as_f64().unwrap())
        .collect();
    assert!(progress.len() >= 2 && progress.is_sorted(), "{progress:?}");
    assert!(progress.len() as f64 <= 2.0 * spent + 2.0, "{} messages in {spent} s", progress.len());
    let last = &heard.last().unwrap().1;
    assert_eq!((last["state"].as_str(), last["media_id"].as_i64()), (Some("ready"), Some(1)));
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_whose_job_never_ran_is_settled() {
    let studio = Studio::start("settle").await;
    let id = studio.editor.upload(studio.feedback, "a.mp4", b"waits").await;
    let shown: Value = studio.editor.get(&format!("/media/{id}")).await.json().await.unwrap();
    let job = JobId(shown["job_id"].as_i64().unwrap());
    studio.app.write(move |tx| jobs::cancel(tx, None, job)).await.unwrap();
    assert_eq!(studio.settled(id).await["error"]["code"], "cancelled");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_this_machine_is_brought_in() {
    let studio = Studio::start("bring").await;
    studio.work().await;
    let dir = Dir::new("bring-films");
    let film = dir.film(&format!("{CLIP} film.mp4"));
    let source = dir.path().join("film.mp4");
    let id = media::uploads::bring(&studio.app, studio.editor.id, studio.feedback, "데모.mp4", &source).await.unwrap();
    let ready = studio.settled(id.0).await;
    assert_eq!((ready["state"].as_str(), ready["size_bytes"].as_u64()), (Some("ready"), Some(film.len() as u64)));
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_media_keep_their_budget_of_statements() {
    let studio = Studio::start("budget").await;
    for i in 0..3 {
        studio.editor.upload(studio.feedback, &format!("{i}.mp4"), &noise(1000, i)).await;
    }
    let viewer = &studio.viewer;
    let queries =
        |path: String| async move { header(&viewer.get(&path).await, "x-db-queries").parse::<u32>().unwrap() };
    assert!(queries(format!("/feedbacks/{}/media", studio.feedback)).await <= 3);
    assert!(queries("/media/1".into()).await <= 3);
    assert!(queries("/media/1/original".into()).await <= 3);
    let location = studio.editor.location(studio.feedback, "a.mp4", 2).await;
    let head = studio.editor.tus(Method::HEAD, &location).send().await.unwrap();
    assert!(header(&head, "x-db-queries").parse::<u32>().unwrap() <= 3);
    studio.stop().await;
}
