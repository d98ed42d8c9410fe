//! Comments: moments, replies, reactions, decisions, and who may do what to whose.

use std::collections::BTreeSet;

use serde_json::json;
use videoplanet::base::clock::Clock;

use crate::answer::Answer;
use crate::studio::Studio;

#[tokio::test(flavor = "multi_thread")]
async fn the_section_as_people_write_it_becomes_a_moment() {
    let s = Studio::start("sections").await;
    let path = format!("POST /feedbacks/{}/comments", s.feedback);
    for (section, start, end) in [
        ("00:42~00:48", json!(42_000), json!(48_000)),
        ("1:15", json!(75_000), json!(null)),
        ("오프닝 부분", json!(null), json!(null)),
    ] {
        let made = s.editor.send(&path, json!({ "text": "자막 오타", "section": section })).await.is(201).body;
        assert_eq!((&made["section"], &made["start_ms"], &made["end_ms"]), (&json!(section), &start, &end));
    }
    let wrong = s.editor.send(&path, json!({ "text": "x", "start_ms": 9, "end_ms": 5 })).await.is(422);
    assert!(!wrong.field("end_ms").is_empty());
    // By moment; those without one come last.
    let list = s.editor.call(&format!("GET /feedbacks/{}/comments?order=time", s.feedback)).await.is(200).body;
    let sections: Vec<&str> =
        list["results"].as_array().unwrap().iter().map(|c| c["section"].as_str().unwrap()).collect();
    assert_eq!(sections, ["00:42~00:48", "1:15", "오프닝 부분"]);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_client_id_is_one_comment_however_often_it_is_sent() {
    let s = Studio::start("client-id").await;
    let mut sends = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let body = json!({ "text": "한 번만", "client_id": "c-1" });
        sends.spawn(Answer::of(s.editor.line(&format!("POST /feedbacks/{}/comments", s.feedback)).json(&body)));
    }
    let mut ids = BTreeSet::new();
    while let Some(answer) = sends.join_next().await {
        ids.insert(answer.unwrap().is(201).id());
    }
    assert_eq!(ids.len(), 1);
    s.make_reviewer().await;
    let theirs = json!({ "text": "다른 사람", "client_id": "c-1" });
    let other = s.viewer.send(&format!("POST /feedbacks/{}/comments", s.feedback), theirs).await.is(201).id();
    assert!(!ids.contains(&other), "another person's client_id is another one");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_hangs_on_the_comment_and_shares_its_walls() {
    let s = Studio::start("replies").await;
    s.make_reviewer().await;
    let path = format!("POST /feedbacks/{}/comments", s.feedback);
    let first = s.editor.send(&path, json!({ "text": "질문" })).await.id();
    let reply = s.viewer.send(&path, json!({ "text": "답", "parent_id": first })).await.is(201);
    let deeper = s.editor.send(&path, json!({ "text": "답의 답", "parent_id": reply.id() })).await.is(201);
    assert_eq!(deeper.body["parent_id"], json!(first), "a reply to a reply stands beside it");
    let internal = s.editor.send(&path, json!({ "text": "우리끼리", "internal": true })).await.is(201).id();
    let inside = s.editor.send(&path, json!({ "text": "네", "parent_id": internal })).await.is(201);
    assert_eq!(inside.body["internal"], true);
    s.viewer.send(&path, json!({ "text": "?", "parent_id": internal })).await.is(422);
    s.viewer.send(&path, json!({ "text": "?", "internal": true })).await.is(403);
    s.viewer.call(&format!("GET /comments/{internal}")).await.is(404);
    let seen = s.viewer.call(&format!("GET /feedbacks/{}", s.feedback)).await.body["comment_count"].clone();
    assert_eq!(
        (seen, s.editor.call(&format!("GET /feedbacks/{}", s.feedback)).await.body["comment_count"].clone()),
        (json!(3), json!(5))
    );
    // With the comment go its replies.
    s.editor.call(&format!("DELETE /comments/{first}")).await.is(204);
    s.viewer.call(&format!("GET /comments/{}", reply.id())).await.is(404);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_author_edits_the_manager_deletes_and_nobody_else() {
    let s = Studio::at("whose", Clock::set_at(1_800_000_000_000)).await;
    s.make_reviewer().await;
    let path = format!("POST /feedbacks/{}/comments", s.feedback);
    let theirs = s.viewer.send(&path, json!({ "text": "색보정 부탁드려요." })).await.is(201);
    assert_eq!(theirs.body["edited"], false);
    let one = format!("/comments/{}", theirs.id());
    s.editor.send(&format!("PATCH {one}"), json!({ "text": "x" })).await.is(403);
    s.app.clock.advance(1);
    let changed = s.viewer.send(&format!("PATCH {one}"), json!({ "text": "색보정!", "start_ms": 5 })).await.is(200);
    assert_eq!((&changed.body["text"], &changed.body["edited"]), (&json!("색보정!"), &json!(true)));
    let mine = s.editor.send(&path, json!({ "text": "제 것" })).await.is(201).id();
    s.viewer.call(&format!("DELETE /comments/{mine}")).await.is(403);
    s.viewer.call(&format!("POST /comments/{mine}/resolution")).await.is(403);
    s.editor.call(&format!("POST {one}/resolution")).await.is(200);
    let open = s.viewer.call(&format!("GET /feedbacks/{}/comments?resolved=false", s.feedback)).await.body;
    assert_eq!(open["results"].as_array().unwrap().len(), 1);
    let reopened = s.viewer.call(&format!("DELETE {one}/resolution")).await.is(200).body;
    assert!(reopened["resolved_at"].is_null());
    s.editor.call(&format!("DELETE {one}")).await.is(204);
    s.viewer.call(&format!("GET {one}")).await.is(404);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_counts_once_and_a_decision_is_the_last_word_of_each() {
    let s = Studio::start("reactions").await;
    let made = s.editor.send(&format!("POST /feedbacks/{}/comments", s.feedback), json!({ "text": "a" })).await.id();
    let react = format!("/comments/{made}/reactions");
    s.viewer.call(&format!("PUT {react}/like")).await.is(403);
    s.make_reviewer().await;
    for _ in 0..2 {
        let shown = s.viewer.call(&format!("PUT {react}/like")).await.is(200).body;
        assert_eq!((&shown["reactions"]["like"], &shown["my_reactions"]), (&json!(1), &json!(["like"])));
    }
    s.viewer.call(&format!("PUT {react}/needExplanation")).await.is(200);
    let shown = s.editor.call(&format!("GET /comments/{made}")).await.body;
    assert_eq!(
        (&shown["reactions"], &shown["my_reactions"]),
        (&json!({ "like": 1, "dislike": 0, "question": 1 }), &json!([]))
    );
    s.viewer.call(&format!("DELETE {react}/like")).await.is(200);
    assert!(s.viewer.call(&format!("PUT {react}/love")).await.is(422).field("kind").contains("like"));

    let decide = format!("PUT /feedbacks/{}/decision", s.feedback);
    s.viewer.send(&decide, json!({ "decision": "request_changes", "note": "자막" })).await.is(200);
    s.editor.send(&decide, json!({ "decision": "approve" })).await.is(200);
    let shown = s.viewer.send(&decide, json!({ "decision": "approve_with_changes" })).await.is(200).body;
    let said: BTreeSet<(&str, &str)> = shown["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (d["user"]["nickname"].as_str().unwrap(), d["decision"].as_str().unwrap()))
        .collect();
    assert_eq!(said, BTreeSet::from([("editor", "approve"), ("viewer", "approve_with_changes")]));
    s.stop().await;
}
