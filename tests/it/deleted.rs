//! A version that is deleted: out of sight at once, back when it is wanted, and then what it was.

use serde_json::json;
use videoplanet::base::clock::DAY;
use videoplanet::base::ids::JobId;
use videoplanet::domain::search;
use videoplanet::engines::store::params;

use crate::answer::Answer;
use crate::storage::clock;
use crate::studio::Studio;

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_version_is_out_of_sight_and_comes_back() {
    let s = Studio::at("storage-delete", clock()).await;
    tokio::spawn(search::follow(s.app.clone()));
    let first = s.editor.upload(s.feedback, "색보정 전.mp4", b"first").await;
    let second = s.editor.upload(s.feedback, "색보정 후.mp4", b"second").await;
    let line = format!("POST /feedbacks/{}/comments", s.feedback);
    let comment =
        s.editor.send(&line, json!({ "text": "여기요", "media_id": second, "start_ms": 5 })).await.is(201).id();
    s.viewer.call(&format!("DELETE /media/{second}")).await.is(403);
    s.stranger.call(&format!("DELETE /media/{second}")).await.is(404);
    let stale = s.editor.line(&format!("DELETE /media/{second}")).header("if-match", "\"r99\"");
    assert_eq!(Answer::of(stale).await.status, 412);
    let seq =
        s.editor.call(&format!("GET /projects/{}/events", s.project)).await.body["results"].as_array().unwrap().len();
    s.editor.call(&format!("DELETE /media/{second}")).await.is(204);
    for path in [format!("/media/{second}"), format!("/media/{second}/original")] {
        s.editor.call(&format!("GET {path}")).await.is(404);
    }
    s.editor.call(&format!("DELETE /media/{second}")).await.is(404);
    let list = s.viewer.call(&format!("GET /feedbacks/{}/media", s.feedback)).await.is(200).body;
    assert_eq!(list["results"].as_array().unwrap().len(), 1);
    let feedback = s.viewer.call(&format!("GET /feedbacks/{}", s.feedback)).await.body;
    assert_eq!(feedback["latest_media"]["id"], first);
    assert_eq!(s.viewer.call(&format!("GET /comments/{comment}")).await.is(200).body["text"], "여기요");
    let events = s.editor.call(&format!("GET /projects/{}/events", s.project)).await.body;
    assert_eq!(events["results"][seq]["verb"], "media_deleted", "{events}");
    search::settled(&s.app).await.unwrap();
    let found = s.editor.call("GET /search?q=색보정&kind=file").await.body;
    assert_eq!(found["results"].as_array().unwrap().len(), 1, "{found}");
    // It takes its room and its number until it is gone.
    assert_eq!(s.used(s.project).await, 11);
    let third = s.editor.upload(s.feedback, "c.mp4", b"third").await;
    assert_eq!(s.editor.call(&format!("GET /media/{third}")).await.body["version"], 3);
    s.viewer.call(&format!("POST /media/{second}/restore")).await.is(403);
    let back = s.editor.call(&format!("POST /media/{second}/restore")).await.is(200).body;
    assert_eq!((&back["version"], &back["state"]), (&json!(2), &json!("received")));
    s.editor.call(&format!("POST /media/{second}/restore")).await.is(409);
    let bytes = s.viewer.call(&format!("GET /media/{second}/original")).await.is(200);
    assert_eq!(bytes.bytes(), b"second");
    search::settled(&s.app).await.unwrap();
    let found = s.editor.call("GET /search?q=색보정&kind=file").await.body;
    assert_eq!(found["results"].as_array().unwrap().len(), 2, "{found}");
    // After its days it cannot be restored, even before it is purged.
    s.editor.call(&format!("DELETE /media/{third}")).await.is(204);
    s.app.clock.advance(30 * DAY + 1);
    let late = s.editor.call(&format!("POST /media/{third}/restore")).await.is(409).body;
    assert!(late["message"].as_str().unwrap().contains("30일"), "{late}");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_was_not_ready_goes_on_after_it_was_restored() {
    let s = Studio::at("storage-goes-on", clock()).await;
    let media = s.editor.upload(s.feedback, "a.mp4", b"no film at all").await;
    s.editor.call(&format!("DELETE /media/{media}")).await.is(204);
    s.work().await;
    // Its job finds nothing to do.
    let job = s
        .app
        .read(|db| db.one("SELECT max(id) FROM jobs WHERE kind = 'probe_media'", params![], |r| r.get(0)))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(s.ended(JobId(job)).await, json!({}));
    s.editor.call(&format!("POST /media/{media}/restore")).await.is(200);
    assert_eq!(s.settled(media).await["error"]["code"], "not_video");
    s.stop().await;
}
