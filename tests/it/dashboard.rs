//! The dashboard of a person: what waits for him goes when he has done it, and what he may not see moves nothing on it.

use serde_json::{Value, json};
use videoplanet::base::clock::{Clock, DAY, HOUR, MINUTE};
use videoplanet::domain::access;
use videoplanet::domain::accounts::Viewer;
use videoplanet::domain::projects::dashboard::{self, Look, Since};
use videoplanet::engines::store::params;

use crate::admin::open;
use crate::studio::{Someone, Studio};

async fn board(who: &Someone, since: &str) -> Value {
    let query = if since.is_empty() { String::new() } else { format!("?since={since}") };
    who.call(&format!("GET /dashboard{query}")).await.is(200).body
}

/// Why and title of what waits.
fn waiting(board: &Value) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    board["waiting"].as_array().unwrap().iter().map(|w| (text(&w["why"]), text(&w["title"]))).collect()
}

fn verbs(board: &Value) -> Vec<&str> {
    board["activity"].as_array().unwrap().iter().map(|a| a["verb"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_somebody_is_gone_when_he_has_done_it() {
    let s = Studio::start("desk-waits").await;
    s.make_reviewer().await;
    assert!(waiting(&board(&s.viewer, "").await).is_empty());
    // A version that is ready waits for a decision of those who did not bring it.
    let film = s.dir.film("-f lavfi -i testsrc2=s=640x360 -frames:v 1 still.png");
    let media = s.editor.upload(s.feedback, "시사본.png", &film).await;
    let working = board(&s.viewer, "").await;
    assert_eq!(working["in_process"][0]["media_id"], json!(media), "{working}");
    s.work().await;
    s.settled(media).await;
    let now = board(&s.viewer, "").await;
    assert_eq!(waiting(&now)[0].0, "decide", "{now}");
    assert_eq!(now["in_process"], json!([]));
    assert!(waiting(&board(&s.editor, "").await).is_empty(), "who brought it decides nothing");
    let decision = json!({ "decision": "request_changes", "note": "자막" });
    s.viewer.send(&format!("PUT /feedbacks/{}/decision", s.feedback), decision).await.is(200);
    assert!(waiting(&board(&s.viewer, "").await).is_empty());
    // Comments of others wait for whoever added the feedback, until they are resolved.
    let comments = format!("POST /feedbacks/{}/comments", s.feedback);
    let said = s.viewer.send(&comments, json!({ "text": "자막 오타" })).await.is(201).id();
    s.editor.send(&comments, json!({ "text": "내 메모" })).await.is(201);
    let now = board(&s.editor, "").await;
    assert_eq!((waiting(&now)[0].0.as_str(), &now["waiting"][0]["count"]), ("answer", &json!(1)), "{now}");
    s.editor.call(&format!("POST /comments/{said}/resolution")).await.is(200);
    assert!(waiting(&board(&s.editor, "").await).is_empty());
    // A phase of one's own, from its first day to its end.
    let phase = json!({ "start": "2020-01-01", "end": "2020-01-02", "assignee_id": s.editor.id });
    s.editor.send(&format!("PATCH /projects/{}/schedule/filming", s.project), phase).await.is(200);
    let now = board(&s.editor, "").await;
    assert_eq!((&now["waiting"][0]["title"], &now["waiting"][0]["due"]), (&json!("filming"), &json!("2020-01-02")));
    s.editor.send(&format!("PATCH /projects/{}/schedule/filming", s.project), json!({ "state": "done" })).await.is(200);
    assert!(waiting(&board(&s.editor, "").await).is_empty());
    // A plan in review waits for those who did not write it.
    let plan = s
        .editor
        .send(&format!("POST /projects/{}/plans", s.project), json!({ "title": "겨울 광고" }))
        .await
        .is(201)
        .id();
    assert!(waiting(&board(&s.viewer, "").await).is_empty());
    s.editor.send(&format!("PATCH /plans/{plan}"), json!({ "status": "in_review" })).await.is(200);
    assert_eq!(waiting(&board(&s.viewer, "").await), [("plan".to_owned(), "겨울 광고".to_owned())]);
    let talk = s.viewer.call(&format!("POST /plans/{plan}/feedback")).await.body["feedback_id"].as_i64().unwrap();
    s.viewer.send(&format!("PUT /feedbacks/{talk}/decision"), json!({ "decision": "approve" })).await.is(200);
    assert!(waiting(&board(&s.viewer, "").await).is_empty());
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_may_not_see_is_neither_news_nor_activity() {
    let s = Studio::start("desk-news").await;
    s.make_reviewer().await;
    let other = s.member("daon", videoplanet::base::roles::Role::Reviewer).await;
    let begun = s.app.clock.now().plus(-MINUTE).to_string();
    let comments = format!("POST /feedbacks/{}/comments", s.feedback);
    s.editor.send(&comments, json!({ "text": "팀끼리", "internal": true })).await.is(201);
    let quiet = board(&s.viewer, &begun).await;
    assert_eq!(quiet["news"]["comments"], 0, "an internal comment is no news to a reviewer");
    assert!(!verbs(&quiet).contains(&"comment_added"));
    s.viewer.send(&comments, json!({ "text": "솔직히 지루합니다", "security": true })).await.is(201);
    let told = board(&other, &begun).await;
    assert_eq!((verbs(&told)[0], &told["activity"][0]["user"]), ("comment_added", &json!(null)), "{told}");
    assert_eq!(told["news"]["comments"], 1);
    let own = board(&s.viewer, &begun).await;
    assert_eq!(own["activity"][0]["user"]["id"], json!(s.viewer.id), "to himself he is no stranger");
    assert_eq!(own["news"]["comments"], 0, "what one did oneself is no news");
    assert_eq!(board(&s.editor, &begun).await["news"]["comments"], 1, "the team's own comment is his");
    assert!(verbs(&board(&s.stranger, &begun).await).is_empty());
    assert!(!s.viewer.call("GET /dashboard?since=yesterday").await.is(422).field("since").is_empty());
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn news_are_counted_from_the_visit_before() {
    let s = Studio::at("desk-visits", Clock::set_at(1_796_000_000_000)).await;
    s.app.setup.done();
    let before = async || {
        let who = Viewer::of_token(&s.app, &s.viewer.token).await.unwrap().unwrap();
        let look = Look::now(&s.app, Since::LastVisit);
        s.app.read(move |db| dashboard::mine(db, &who, look)).await.unwrap().since
    };
    let visit = async || {
        assert_eq!(open(&s, &s.viewer, "/").await.status(), 200);
        access::flush(&s.app).await.unwrap();
    };
    assert_eq!(before().await, None);
    visit().await;
    let first = s.app.clock.now();
    s.app.clock.advance(10 * MINUTE);
    visit().await;
    assert_eq!(before().await, None, "ten minutes later it is the same visit");
    s.app.clock.advance(20 * HOUR);
    let last = first.plus(10 * MINUTE);
    assert_eq!(before().await, Some(last));
    let comments = format!("POST /feedbacks/{}/comments", s.feedback);
    s.editor.send(&comments, json!({ "text": "새 의견" })).await.is(201);
    let page = open(&s, &s.viewer, "/").await.text().await.unwrap();
    assert!(page.contains("New comments: 1"), "{page}");
    access::flush(&s.app).await.unwrap();
    s.app.clock.advance(5 * MINUTE);
    assert_eq!(before().await, Some(last), "a look later in the visit still counts from before it");
    s.app.clock.advance(DAY);
    visit().await;
    let kept = s.app.read(|db| db.one("SELECT count(*) FROM visits", params![], |r| r.get::<_, i64>(0))).await.unwrap();
    assert_eq!(kept, Some(1));
    s.stop().await;
}
