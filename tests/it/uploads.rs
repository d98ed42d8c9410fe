//! Resumable uploads: what arrives counts, what is asked wrongly is refused, and nothing is kept for ever.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::Value;
use sha1::{Digest, Sha1};
use videoplanet::base::ids::UploadId;
use videoplanet::domain::media::uploads;

use crate::clips::noise;
use crate::studio::{Someone, Studio, header};

async fn offset(who: &Someone, location: &str) -> usize {
    let response = who.tus(Method::HEAD, location).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "cache-control"), "no-store");
    header(&response, "upload-offset").parse().unwrap()
}

/// Sends the head of a piece and a part of its body, then lets the connection fall.
fn cut_piece(studio: &Studio, location: &str, at: usize, announced: usize, sent: &[u8]) {
    let host = studio.url.trim_start_matches("http://");
    let mut socket = TcpStream::connect(host).unwrap();
    write!(
        socket,
        "PATCH {location} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
         Content-Type: application/offset+octet-stream\r\nUpload-Offset: {at}\r\nContent-Length: {announced}\r\n\r\n",
        studio.editor.token
    )
    .unwrap();
    socket.write_all(sent).unwrap();
    socket.flush().unwrap();
}

/// Waits until a broken piece has been put away.
async fn rests_at(who: &Someone, location: &str, expected: usize) {
    for _ in 0..100 {
        if offset(who, location).await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("rests at {}, not at {expected}", offset(who, location).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_twice_arrives_whole() {
    let studio = Studio::start("cut").await;
    let (editor, bytes) = (&studio.editor, noise(3_000_000, 1));
    let location = editor.location(studio.feedback, "가편집.mp4", bytes.len()).await;
    assert_eq!(offset(editor, &location).await, 0);

    cut_piece(&studio, &location, 0, bytes.len(), &bytes[..1_000_000]);
    rests_at(editor, &location, 1_000_000).await;
    cut_piece(&studio, &location, 1_000_000, 2_000_000, &bytes[1_000_000..1_700_001]);
    rests_at(editor, &location, 1_700_001).await;

    let upload: Value = editor.get(&location).await.json().await.unwrap();
    assert_eq!((upload["offset"].as_i64(), upload["media_id"].is_null()), (Some(1_700_001), true));
    let response = editor.piece(&location, 1_700_001, &bytes[1_700_001..]).send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "upload-offset")), (204, "3000000".into()));
    let media = header(&response, "x-media-id");

    let original = editor.get(&format!("/media/{media}/original")).await.bytes().await.unwrap();
    assert!(original == bytes, "the bytes are the same");
    // Asked again, the last answer comes again.
    let again = editor.piece(&location, bytes.len(), b"").send().await.unwrap();
    assert_eq!((again.status().as_u16(), header(&again, "x-media-id")), (204, media));
    assert_eq!(editor.piece(&location, 5, b"x").send().await.unwrap().status(), 409);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_disk_lost_is_sent_again() {
    let studio = Studio::start("lost").await;
    let (editor, bytes) = (&studio.editor, noise(10_000, 2));
    let location = editor.location(studio.feedback, "a.mp4", bytes.len()).await;
    assert_eq!(editor.piece(&location, 0, &bytes[..6_000]).send().await.unwrap().status(), 204);
    // As after a crash: bytes behind the acknowledged ones, and bytes that never reached the disk.
    let part = studio.dir.path().join(format!("data/uploads/{}.part", location.rsplit('/').next().unwrap()));
    let mut file = std::fs::OpenOptions::new().append(true).open(&part).unwrap();
    file.write_all(&[0; 500]).unwrap();
    assert_eq!(offset(editor, &location).await, 6_000);
    file.set_len(2_000).unwrap();
    assert_eq!(offset(editor, &location).await, 2_000);
    assert_eq!(editor.piece(&location, 6_000, &bytes[6_000..]).send().await.unwrap().status(), 409);
    let response = editor.piece(&location, 2_000, &bytes[2_000..]).send().await.unwrap();
    assert_eq!(response.status(), 204);
    let original = editor.get(&format!("/media/{}/original", header(&response, "x-media-id"))).await;
    assert!(original.bytes().await.unwrap() == bytes);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_with_a_wrong_checksum_leaves_the_offset() {
    let studio = Studio::start("checksum").await;
    let (editor, bytes) = (&studio.editor, noise(50_000, 3));
    let location = editor.location(studio.feedback, "a.mp4", bytes.len()).await;
    let sum = |b: &[u8]| format!("sha1 {}", STANDARD.encode(Sha1::digest(b)));
    let send =
        |at: usize, piece: &[u8], sum: String| editor.piece(&location, at, piece).header("Upload-Checksum", sum).send();
    assert_eq!(send(0, &bytes[..20_000], sum(&bytes[..20_000])).await.unwrap().status(), 204);
    assert_eq!(send(20_000, &bytes[20_000..40_000], sum(b"other")).await.unwrap().status(), 460);
    assert_eq!(offset(editor, &location).await, 20_000);
    assert_eq!(send(20_000, b"x", "md5 AAAA".into()).await.unwrap().status(), 400);
    let response = send(20_000, &bytes[20_000..], sum(&bytes[20_000..])).await.unwrap();
    assert_eq!(response.status(), 204);
    let original = editor.get(&format!("/media/{}/original", header(&response, "x-media-id"))).await;
    assert!(original.bytes().await.unwrap() == bytes);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_are_kept_once_even_when_they_end_together() {
    let studio = Studio::start("same").await;
    let (editor, bytes) = (&studio.editor, noise(400_000, 4));
    let mut ends = Vec::new();
    for i in 0..6 {
        let location = editor.location(studio.feedback, &format!("v{i}.mp4"), bytes.len()).await;
        assert_eq!(editor.piece(&location, 0, &bytes[..399_999]).send().await.unwrap().status(), 204);
        ends.push(editor.piece(&location, 399_999, &bytes[399_999..]).send());
    }
    for end in futures_util::future::join_all(ends).await {
        assert_eq!(end.unwrap().status(), 204);
    }
    let list: Value = editor.get(&format!("/feedbacks/{}/media", studio.feedback)).await.json().await.unwrap();
    let versions: Vec<i64> =
        list["results"].as_array().unwrap().iter().map(|m| m["version"].as_i64().unwrap()).collect();
    assert_eq!(versions, [6, 5, 4, 3, 2, 1]);
    assert_eq!(list["results"][0]["state"], "received");
    let files = |dir: &str| walk(&studio.dir.path().join("data").join(dir));
    assert_eq!((files("media"), files("uploads")), (1, 0));
    studio.stop().await;
}

fn walk(dir: &std::path::Path) -> usize {
    std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).map(|p| if p.is_dir() { walk(&p) } else { 1 }).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_is_kept() {
    let studio = Studio::with("protocol", |c| {
        c.media.max_upload_bytes = 1_000_000;
        c.media.max_open_uploads = 3;
    })
    .await;
    let (editor, feedback) = (&studio.editor, studio.feedback);
    let response = editor.ask(Method::OPTIONS, "/uploads").send().await.unwrap();
    assert_eq!(response.status(), 204);
    assert_eq!(
        (header(&response, "tus-version"), header(&response, "tus-max-size")),
        ("1.0.0".into(), "1000000".into())
    );
    assert!(header(&response, "tus-extension").contains("creation-with-upload"));

    let status = |request: reqwest::RequestBuilder| async { request.send().await.unwrap().status().as_u16() };
    let old = editor.ask(Method::POST, "/uploads").header("Upload-Length", 5).send().await.unwrap();
    assert_eq!((old.status().as_u16(), header(&old, "tus-version")), (412, "1.0.0".into()));
    let sized = || editor.tus(Method::POST, "/uploads").header("Upload-Length", 5);
    assert_eq!(status(editor.begin(feedback, "a.mp4", 1_000_001)).await, 413);
    assert_eq!(status(editor.begin(feedback, "/", 5)).await, 422);
    assert_eq!(status(editor.begin(feedback, &"가".repeat(86), 5)).await, 422);
    assert_eq!(status(sized()).await, 422);
    assert_eq!(status(sized().header("Upload-Metadata", "filename !!")).await, 400);
    assert_eq!(status(editor.tus(Method::POST, "/uploads").header("Upload-Length", "-1")).await, 400);
    assert_eq!(status(editor.tus(Method::POST, "/uploads")).await, 400);
    assert_eq!(status(studio.viewer.begin(feedback, "a.mp4", 5)).await, 403);
    assert_eq!(status(studio.stranger.begin(feedback, "a.mp4", 5)).await, 404);
    assert_eq!(status(editor.tus(Method::HEAD, "/uploads/999")).await, 404);

    let location = editor.location(feedback, "a.mp4", 5).await;
    assert_eq!(status(studio.viewer.tus(Method::HEAD, &location)).await, 404);
    assert_eq!(status(studio.viewer.piece(&location, 0, b"12345")).await, 404);
    assert_eq!(status(editor.piece(&location, 1, b"2345")).await, 409);
    assert_eq!(status(editor.piece(&location, 0, b"123456")).await, 413);
    assert_eq!(status(editor.tus(Method::PATCH, &location).header("Upload-Offset", 0).body("12345")).await, 415);
    let endless =
        reqwest::Body::wrap_stream(futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![7u8; 3])));
    // The server closes in mid-body: whether its answer is read before the pipe breaks is chance.
    let _ = editor.piece(&location, 0, b"").body(endless).send().await;
    rests_at(editor, &location, 3).await;

    let second = editor.location(feedback, "b.mp4", 5).await;
    editor.location(feedback, "c.mp4", 5).await;
    assert_eq!(status(editor.begin(feedback, "d.mp4", 5)).await, 409);
    assert_eq!(status(editor.tus(Method::DELETE, &second)).await, 204);
    assert_eq!(status(editor.tus(Method::HEAD, &second)).await, 404);
    let whole = editor
        .begin(feedback, "d.mp4", 5)
        .header("Content-Type", "application/offset+octet-stream")
        .body("12345")
        .send()
        .await
        .unwrap();
    assert_eq!((whole.status().as_u16(), header(&whole, "upload-offset")), (201, "5".into()));
    assert!(whole.headers().contains_key("x-media-id"));
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_connection_keeps_its_upload_and_a_delete_ends_it() {
    let studio = Studio::start("hold").await;
    let editor = &studio.editor;
    let location = editor.location(studio.feedback, "a.mp4", 1_000).await;
    let (send, wait) = tokio::sync::oneshot::channel::<()>();
    let slow = futures_util::stream::unfold(Some(wait), |wait| async {
        let wait = wait?;
        let _ = wait.await;
        Some((Ok::<_, std::io::Error>(vec![1u8; 10]), None))
    });
    let first = tokio::spawn(editor.piece(&location, 0, b"").body(reqwest::Body::wrap_stream(slow)).send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(editor.piece(&location, 0, b"x").send().await.unwrap().status(), 423);
    assert_eq!(editor.tus(Method::DELETE, &location).send().await.unwrap().status(), 204);
    drop(send);
    assert!(first.await.unwrap().is_ok_and(|r| r.status() == 423), "the sender is told");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_finishes_what_a_crash_left_and_forgets_what_expired() {
    let studio = Studio::with("sweep", |c| c.media.upload_hours = 0).await;
    let editor = &studio.editor;
    // Expired at once: `upload_hours` is 0.
    let old = editor.location(studio.feedback, "old.mp4", 10).await;
    assert_eq!(editor.tus(Method::HEAD, &old).send().await.unwrap().status(), 404);
    std::fs::write(studio.dir.path().join("data/uploads/777.part"), b"nobody's").unwrap();
    let swept = uploads::sweep(&studio.app).await.unwrap();
    assert_eq!((swept.finished, swept.expired, swept.files), (0, 1, 1));
    assert_eq!(uploads::sweep(&studio.app).await.unwrap(), uploads::Swept::default());
    assert_eq!(studio.app.files.uploads().unwrap(), Vec::<UploadId>::new());
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_before_the_first_byte() {
    let studio = Studio::with("full", |c| c.media.keep_free_bytes = u64::MAX / 2).await;
    let response = studio.editor.begin(studio.feedback, "a.mp4", 10).send().await.unwrap();
    assert_eq!(response.status(), 507);
    studio.stop().await;
}
