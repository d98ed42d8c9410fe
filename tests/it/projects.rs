//! Projects, members, invitations, lists and the conventions of HTTP round them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use videoplanet::base::clock::{Clock, DAY, MINUTE};

use crate::answer::Answer;
use crate::studio::Studio;

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_makes_one_project() {
    let s = Studio::start("idempotency").await;
    let request =
        |name: &str| s.editor.line("POST /projects").json(&json!({ "name": name })).header("Idempotency-Key", "one");
    let mut clicks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        clicks.spawn(Answer::of(request("봄 광고")));
    }
    let mut ids = BTreeSet::new();
    while let Some(answer) = clicks.join_next().await {
        ids.insert(answer.unwrap().is(201).id());
    }
    assert_eq!(ids.len(), 1, "twenty equal requests made {ids:?}");
    let again = Answer::of(request("봄 광고")).await.is(201);
    assert_eq!((again.id(), again.header("idempotency-replayed")), (*ids.first().unwrap(), "true"));
    let other = Answer::of(request("다른 광고")).await.is(422);
    assert!(!other.field("Idempotency-Key").is_empty(), "{}", other.body);
    // Another person's key of the same name is another key.
    let theirs = s.stranger.line("POST /projects").json(&json!({ "name": "봄 광고" })).header("Idempotency-Key", "one");
    assert_ne!(Answer::of(theirs).await.is(201).id(), again.id());
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_changes_an_old_revision_is_told_so() {
    let s = Studio::start("if-match").await;
    let path = format!("/projects/{}", s.project);
    let tag = s.editor.call(&format!("GET {path}")).await.header("etag").to_owned();
    let change = |tag: &str, name: &str| {
        Answer::of(s.editor.line(&format!("PATCH {path}")).json(&json!({ "name": name })).header("If-Match", tag))
    };
    let changed = change(&tag, "겨울 광고").await.is(200);
    assert_ne!(changed.header("etag"), tag);
    assert_eq!(change(&tag, "봄 광고").await.is(412).code(), "precondition_failed");
    change("\"nonsense\"", "봄 광고").await.is(412);
    change("*", "여름 광고").await.is(200);
    let delete = s.editor.line(&format!("DELETE {path}")).header("If-Match", &tag);
    Answer::of(delete).await.is(412);
    assert_eq!(s.editor.call(&format!("GET {path}")).await.is(200).body["name"], "여름 광고");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_project_comes_back_within_thirty_days_and_not_later() {
    let clock = Clock::set_at(1_800_000_000_000);
    let s = Studio::at("restore", clock.clone()).await;
    let (path, comments) = (format!("/projects/{}", s.project), format!("/feedbacks/{}/comments", s.feedback));
    s.editor.send(&format!("POST {comments}"), json!({ "text": "남아 있어야 합니다." })).await.is(201);
    s.viewer.call(&format!("DELETE {path}")).await.is(403);
    s.editor.call(&format!("DELETE {path}")).await.is(204);
    for gone in [&path, &comments, &format!("/feedbacks/{}", s.feedback), &format!("{path}/members")] {
        s.viewer.call(&format!("GET {gone}")).await.is(404);
        s.editor.call(&format!("GET {gone}")).await.is(404);
    }
    let trash = s.editor.call("GET /projects?deleted=true").await.is(200).body;
    assert_eq!(trash["results"][0]["id"], json!(s.project));
    assert_eq!(s.viewer.call("GET /projects?deleted=true").await.is(200).body["count"], 0);
    s.viewer.call(&format!("POST {path}/restore")).await.is(404);
    clock.advance(30 * DAY);
    s.editor.call(&format!("POST {path}/restore")).await.is(200);
    assert_eq!(s.editor.call(&format!("POST {path}/restore")).await.is(409).code(), "conflict");
    assert_eq!(
        s.viewer.call(&format!("GET {comments}")).await.is(200).body["results"][0]["text"],
        "남아 있어야 합니다."
    );
    s.editor.call(&format!("DELETE {path}")).await.is(204);
    clock.advance(30 * DAY + 1);
    s.editor.call(&format!("POST {path}/restore")).await.is(409);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ownership_is_handed_over_and_the_owner_cannot_be_lost() {
    let s = Studio::start("transfer").await;
    let member = |id| format!("/projects/{}/members/{id}", s.project);
    let owner = json!({ "role": "owner" });
    s.editor.call(&format!("DELETE {}", member(s.editor.id))).await.is(409);
    s.editor.send(&format!("PATCH {}", member(s.editor.id)), json!({ "role": "viewer" })).await.is(409);
    s.viewer.send(&format!("PATCH {}", member(s.viewer.id)), owner.clone()).await.is(403);
    s.editor.send(&format!("PATCH {}", member(s.viewer.id)), owner).await.is(200);
    let project = s.viewer.call(&format!("GET /projects/{}", s.project)).await.is(200).body;
    assert_eq!((&project["my_role"], &project["user_id"]), (&json!("owner"), &json!(s.viewer.id)));
    assert_eq!(s.editor.call(&format!("GET /projects/{}", s.project)).await.body["my_role"], "manager");
    s.editor.call(&format!("DELETE /projects/{}", s.project)).await.is(403);
    // Anybody else may leave.
    s.editor.call(&format!("DELETE {}", member(s.editor.id))).await.is(204);
    s.editor.call(&format!("GET /projects/{}", s.project)).await.is(404);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_for_one_address_and_a_while() {
    let clock = Clock::set_at(1_800_000_000_000);
    let s = Studio::at("invitations", clock.clone()).await;
    let invitations = format!("/projects/{}/invitations", s.project);
    let invite = |email: &str| {
        Answer::of(s.editor.line(&format!("POST {invitations}")).json(&json!({ "email": email, "role": "reviewer" })))
    };
    let token = |answer: &Value| answer["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();

    let made = invite("Stranger@Example.com ").await.is(201).body;
    assert!(made["link"].as_str().unwrap().starts_with(&s.url));
    invite("stranger@example.com").await.is(409);
    invite("viewer@example.com").await.is(409);
    let listed = s.editor.call(&format!("GET {invitations}")).await.is(200).body;
    assert!(listed["results"][0]["link"].is_null(), "the link is shown once");
    s.viewer.call(&format!("GET {invitations}")).await.is(403);

    let link = token(&made);
    let offer = s.stranger.call(&format!("GET /invitations/{link}")).await.is(200).body;
    assert_eq!((&offer["email"], &offer["role"]), (&json!("stranger@example.com"), &json!("reviewer")));
    s.viewer.call(&format!("POST /invitations/{link}/accept")).await.is(409);

    // Made anew, after a minute: the old link is worth nothing.
    let resend = format!("POST {invitations}/{}/resend", made["id"]);
    let early = s.editor.call(&resend).await.is(429);
    assert_eq!(early.header("retry-after"), "60");
    clock.advance(MINUTE);
    let anew = token(&s.editor.call(&resend).await.is(200).body);
    s.stranger.call(&format!("POST /invitations/{link}/accept")).await.is(404);
    s.stranger.call(&format!("POST /invitations/{anew}/accept")).await.is(200);
    s.stranger.call(&format!("POST /invitations/{anew}/accept")).await.is(404);
    assert_eq!(s.stranger.call(&format!("GET /projects/{}", s.project)).await.body["my_role"], "reviewer");

    let late = invite("late@example.com").await.is(201).body;
    clock.advance(14 * DAY);
    s.stranger.call(&format!("GET /invitations/{}", token(&late))).await.is(404);
    let listed = s.editor.call(&format!("GET {invitations}")).await.is(200).body;
    assert_eq!(listed["results"][0]["status"], "expired");
    let again = invite("late@example.com").await.is(201).body;
    s.stranger.call(&format!("POST /invitations/{}/decline", token(&again))).await.is(204);
    let third = invite("late@example.com").await.is(201).body;
    s.editor.call(&format!("DELETE {invitations}/{}", third["id"])).await.is(204);
    s.stranger.call(&format!("GET /invitations/{}", token(&third))).await.is(404);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_loses_and_doubles_nothing_when_all_rows_are_of_one_moment() {
    // The clock stands: every row has the same millisecond, and only the id tells them apart.
    let s = Studio::at("ties", Clock::set_at(1_800_000_000_000)).await;
    let feedbacks = format!("/projects/{}/feedbacks", s.project);
    for i in 0..47 {
        s.editor.send(&format!("POST {feedbacks}"), json!({ "title": format!("시사본 {i}") })).await.is(201);
    }
    let (mut forth, mut cursor) = (Vec::new(), String::new());
    let mut last;
    loop {
        last = s.editor.call(&format!("GET {feedbacks}?page_size=10&cursor={cursor}")).await.is(200).body;
        forth.extend(last["results"].as_array().unwrap().iter().map(|f| f["id"].as_i64().unwrap()));
        let Some(next) = last["next_cursor"].as_str() else { break };
        assert_eq!(last["has_next"], true);
        cursor = next.to_owned();
    }
    let sorted: Vec<i64> = (1..=48).rev().collect();
    assert_eq!(forth, sorted);
    let mut back: Vec<i64> = last["results"].as_array().unwrap().iter().map(|f| f["id"].as_i64().unwrap()).collect();
    while let Some(previous) = last["previous_cursor"].as_str() {
        last = s.editor.call(&format!("GET {feedbacks}?page_size=10&cursor={previous}")).await.is(200).body;
        let mut page: Vec<i64> =
            last["results"].as_array().unwrap().iter().map(|f| f["id"].as_i64().unwrap()).collect();
        page.extend(back);
        back = page;
    }
    assert_eq!(back, sorted);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_where_it_stands() {
    let s = Studio::start("pages-of-projects").await;
    for i in 0..24 {
        s.editor.send("POST /projects", json!({ "name": format!("광고 {i:02}"), "client": "한빛식품" })).await.is(201);
    }
    let page = s.editor.call("GET /projects?page=2&page_size=10&ordering=name").await.is(200).body;
    assert_eq!(page["count"], 25);
    assert_eq!(
        page["page_info"],
        json!({ "current_page": 2, "total_pages": 3, "page_size": 10, "has_next": true, "has_previous": true,
                "start_index": 11, "end_index": 20 })
    );
    let next = page["next"].as_str().unwrap().to_owned();
    let last = s.editor.call(&format!("GET {next}")).await.is(200).body;
    assert_eq!((last["results"].as_array().unwrap().len(), &last["next"]), (5, &Value::Null));
    assert_eq!(s.editor.call("GET /projects/?search=한빛식품").await.is(200).body["count"], 24);
    assert_eq!(s.editor.call("GET /projects?search=100%25").await.is(200).body["count"], 0);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_outlives_a_restart() {
    let s = Studio::start("idempotency-restart").await;
    let request = |s: &Studio| {
        s.editor.line("POST /projects").json(&json!({ "name": "봄 광고" })).header("Idempotency-Key", "kept")
    };
    let made = Answer::of(request(&s)).await.is(201).id();
    let s = s.restart().await;
    assert_eq!(Answer::of(request(&s)).await.is(201).id(), made);
    s.stop().await;
}
