//! Law 8: at most three statements for a read and six for a write, however many rows there are.

use serde_json::json;
use videoplanet::domain::search;
use videoplanet::engines::store::{Tx, params};

use crate::answer::Answer;
use crate::studio::Studio;

/// Reads, with the studio's ids put in.
fn reads(s: &Studio, comment: i64, media: i64, job: i64, (hook, told): (i64, i64)) -> Vec<String> {
    let (p, f) = (s.project, s.feedback);
    [
        "/me".into(),
        "/me/tokens".into(),
        "/me/sessions".into(),
        "/dashboard".into(),
        "/search?q=의견&page_size=100".into(),
        "/search?q=from:editor in:가을 is:open 의견".into(),
        "/search?q=is:mine&kind=comment&status=open".into(),
        "/search/suggest?q=가을".into(),
        "/notifications?page_size=100".into(),
        "/notifications?unread=true&kind=member_added".into(),
        "/notifications/unread".into(),
        "/me/notifications".into(),
        "/projects".into(),
        "/projects?status=planning&search=가을&ordering=deadline&page_size=100".into(),
        "/projects?fields=id,name&expand=members,feedbacks&page_size=100".into(),
        format!("/projects/{p}"),
        format!("/projects/{p}?expand=user,members,feedbacks"),
        format!("/projects/{p}/feedbacks?expand=user,comments&page_size=100"),
        format!("/feedbacks/{f}?expand=comments"),
        format!("/projects/{p}/dashboard"),
        format!("/projects/{p}/members?page_size=100"),
        format!("/projects/{p}/invitations"),
        format!("/projects/{p}/feedbacks?page_size=100"),
        format!("/projects/{p}/events?page_size=500"),
        format!("/feedbacks/{f}"),
        format!("/feedbacks/{f}/media"),
        format!("/feedbacks/{f}/comments?page_size=100"),
        format!("/feedbacks/{f}/comments?page_size=100&order=time&resolved=false"),
        format!("/comments/{comment}"),
        format!("/media/{media}"),
        format!("/media/{media}/original"),
        format!("/jobs/{job}"),
        format!("/projects/{p}/schedule"),
        format!("/projects/{p}/memos"),
        "/gantt?page_size=100".into(),
        "/gantt?from=2027-01-01&to=2027-03-01&page_size=100".into(),
        "/calendar?from=2027-01-01&to=2027-12-31".into(),
        "/me/calendar-feed".into(),
        format!("/projects/{p}/webhooks"),
        format!("/webhooks/{hook}"),
        format!("/webhooks/{hook}/deliveries?page_size=100"),
        format!("/deliveries/{told}"),
    ]
    .to_vec()
}

/// A webhook, and a telling of it about an event.
async fn webhook(s: &Studio) -> (i64, i64) {
    let new = json!({ "name": "채팅", "url": "https://hooks.invalid/x" });
    let hook = s.editor.send(&format!("POST /projects/{}/webhooks", s.project), new).await.is(201).id();
    let told = s.editor.call(&format!("POST /webhooks/{hook}/test")).await.is(202).id();
    let about = move |tx: &mut Tx| {
        let last = "(SELECT max(seq) FROM events WHERE verb = 'comment_added')";
        tx.execute(&format!("UPDATE deliveries SET verb = 'comment_added', seq = {last} WHERE id = ?1"), params![told])
    };
    s.app.store.write(about).await.unwrap();
    (hook, told)
}

async fn fill(s: &Studio, from: usize, to: usize) {
    for i in from..to {
        s.editor.send("POST /projects", json!({ "name": format!("가을 {i}"), "deadline": "2030-01-01" })).await.is(201);
        let feedbacks = format!("POST /projects/{}/feedbacks", s.project);
        s.editor.send(&feedbacks, json!({ "title": format!("시사본 {i}") })).await.is(201);
        let comments = format!("POST /feedbacks/{}/comments", s.feedback);
        let comment =
            s.editor.send(&comments, json!({ "text": format!("의견 {i}"), "start_ms": i })).await.is(201).id();
        s.editor.call(&format!("PUT /comments/{comment}/reactions/like")).await.is(200);
        s.editor.send(&comments, json!({ "text": "답글", "parent_id": comment })).await.is(201);
        let invitation = json!({ "email": format!("guest{i}@example.com"), "role": "viewer" });
        s.editor.send(&format!("POST /projects/{}/invitations", s.project), invitation).await.is(201);
        if i % 10 == 0 {
            schedule(s, i).await;
        }
    }
}

/// A project's phases, with a filming day that clashes, an entry and a memo.
async fn schedule(s: &Studio, i: usize) {
    let p = s.editor.send("POST /projects", json!({ "name": format!("촬영 {i}") })).await.is(201).id();
    s.editor.send(&format!("POST /projects/{p}/schedule/auto"), json!({ "start": "2027-01-04" })).await.is(200);
    let film = json!({ "assignee_id": s.editor.id });
    s.editor.send(&format!("PATCH /projects/{p}/schedule/filming"), film).await.is(200);
    let entry = json!({
        "project_id": p, "kind": "filming", "title": "촬영", "start": "2027-01-11T01:00:00Z", "people": [s.editor.id]
    });
    s.editor.send("POST /entries", entry).await.is(201);
    s.editor.send(&format!("PUT /projects/{p}/memos/2027-01-11"), json!({ "text": "예비일" })).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_takes_three_statements_with_3_rows_and_with_300() {
    let s = Studio::start("budget-reads").await;
    let media = s.editor.upload(s.feedback, "a.mp4", b"not a film, but stored all the same").await;
    let job = s.editor.call(&format!("GET /media/{media}")).await.body["job_id"].as_i64().unwrap();
    tokio::spawn(search::follow(s.app.clone()));
    fill(&s, 0, 3).await;
    search::settled(&s.app).await.unwrap();
    let comment = s.editor.call(&format!("GET /feedbacks/{}/comments", s.feedback)).await.body["results"][0]["id"]
        .as_i64()
        .unwrap();
    let paths = reads(&s, comment, media, job, webhook(&s).await);
    let mut few = Vec::new();
    // Past the cache, as an operator may ask.
    s.operate(&s.editor).await;
    let fresh = |path: &str| s.editor.line(&format!("GET {path}")).header("cache-control", "no-cache");
    Answer::of(fresh("/me")).await.is(200);
    for path in &paths {
        // The first time it may be asked where a row stands; that never changes.
        assert!(Answer::of(fresh(path)).await.is(200).queries() <= 3, "{path}");
        let answer = Answer::of(fresh(path)).await.is(200);
        let queries = answer.queries();
        assert_eq!(answer.header("x-cache"), "bypass", "{path}");
        assert!((1..=3).contains(&queries), "{path}: {queries} statements");
        few.push(queries);
    }
    fill(&s, 3, 300).await;
    search::settled(&s.app).await.unwrap();
    for (path, few) in paths.iter().zip(few) {
        let many = Answer::of(fresh(path)).await.is(200).queries();
        assert_eq!(many, few, "{path} takes more statements when there is more to read");
        // And what is kept takes none at all.
        let first = s.editor.call(&format!("GET {path}")).await.is(200);
        assert!(first.queries() <= 3, "{path}: {}", first.queries());
        let again = s.editor.call(&format!("GET {path}")).await.is(200);
        assert_eq!(again.body, first.body, "{path}");
        // The index is asked each time.
        assert!(first.header("x-cache") == "bypass" || !path.starts_with("/search"), "{path}");
        if first.header("x-cache") != "bypass" {
            assert_eq!((again.header("x-cache"), again.queries()), ("l1", 0), "{path}");
        }
    }
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_stay_within_the_budget() {
    let s = Studio::start("budget-plans").await;
    let plans = format!("/projects/{}/plans", s.project);
    let other = s.editor.send(&format!("POST {plans}"), json!({ "title": "다른 기획안" })).await.is(201).id();
    let n = s.editor.send(&format!("POST {plans}"), json!({ "title": "기획안" })).await.is(201).id();
    s.editor.send(&format!("PATCH /plans/{n}/shots/1"), json!({ "title": "하나" })).await.is(200);
    for path in [
        plans.clone(),
        format!("{plans}?deleted=true"),
        format!("/plans/{n}"),
        format!("/plans/{n}/versions"),
        format!("/plans/{n}/versions/1"),
        format!("/plans/{n}/versions/2/diff"),
        format!("/plans/{n}/shots/7/picture"),
        format!("/plans/{n}/export?format=json"),
        format!("/plans/{n}/export?format=csv"),
        "/generator".to_owned(),
    ] {
        let answer = s.viewer.call(&format!("GET {path}")).await;
        if !path.contains("deleted") {
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        }
        assert!(answer.queries() <= 3, "{path}: {}", answer.queries());
    }
    let lines = [
        (format!("POST {plans}"), json!({ "title": "또 하나", "preset": "ad" })),
        (format!("PATCH /plans/{n}"), json!({ "title": "새 제목" })),
        (format!("PATCH /plans/{n}"), json!({ "status": "in_review" })),
        (format!("PATCH /plans/{n}"), json!({ "status": "approved" })),
        (format!("PATCH /plans/{n}"), json!({ "status": "draft" })),
        (format!("PATCH /plans/{n}/stages/climax"), json!({ "title": "전환" })),
        (format!("PATCH /plans/{n}/shots/7"), json!({ "title": "유리창" })),
        (format!("PUT /plans/{n}/order"), json!({ "keys": [2, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] })),
        (format!("POST /plans/{n}/versions/1/restore"), json!({})),
        (format!("POST /plans/{n}/storyboard"), json!({})),
        (format!("POST /plans/{other}/feedback"), json!({})),
        (format!("DELETE /plans/{n}"), json!({})),
    ];
    let mut over = Vec::new();
    for (i, (line, body)) in lines.into_iter().enumerate() {
        let request = s.editor.line(&line).json(&body).header("Idempotency-Key", format!("n-{i}"));
        let answer = Answer::of(request).await;
        assert!((200..300).contains(&answer.status), "{line}: {}", answer.body);
        if answer.queries() > 6 {
            over.push(format!("{line}: {}", answer.queries()));
        }
    }
    assert_eq!(over, Vec::<String>::new());
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_takes_six_statements_at_most_with_a_key_as_well() {
    let s = Studio::start("budget-writes").await;
    let (p, f, viewer, stranger) = (s.project, s.feedback, s.viewer.id, s.stranger.id);
    let comment = s.editor.send(&format!("POST /feedbacks/{f}/comments"), json!({ "text": "a" })).await.id();
    let media = s.editor.upload(f, "a.mp4", b"not a film, but stored all the same").await;
    let set = |tx: &mut Tx| tx.execute("UPDATE media SET state = 'ready'", params![]);
    s.app.store.write(set).await.unwrap();
    // Somebody films elsewhere on the day that is set below.
    let other = s.editor.send("POST /projects", json!({ "name": "다른 촬영" })).await.is(201).id();
    let film = json!({ "start": "2027-01-04", "assignee_id": s.editor.id });
    s.editor.send(&format!("PATCH /projects/{other}/schedule/filming"), film.clone()).await.is(200);
    // On a free day: each person who is warned takes a statement more.
    let entry = json!({ "project_id": p, "kind": "filming", "title": "촬영", "all_day": true, "start": "2027-01-05", "people": [s.editor.id] });
    let meeting =
        json!({ "project_id": p, "kind": "meeting", "title": "회의", "start": "2027-01-04", "people": [s.editor.id] });
    let met = s.editor.send("POST /entries", meeting).await.is(201).id();
    let (hook, told) = webhook(&s).await;
    let new_hook = json!({ "name": "채팅", "url": "https://hooks.invalid/x" });
    // Another one, since nobody tests one twice within seconds.
    let other = s.editor.send(&format!("POST /projects/{p}/webhooks"), new_hook.clone()).await.is(201).id();
    let lines = [
        (format!("PATCH /projects/{p}/schedule/filming"), film),
        (format!("POST /projects/{p}/schedule/auto"), json!({ "start": "2027-01-04" })),
        (format!("PUT /projects/{p}/schedule"), json!({ "phases": [{ "phase": "filming", "start": "2027-01-04" }] })),
        ("POST /entries".to_owned(), entry),
        (format!("PATCH /entries/{met}"), json!({ "title": "긴 회의", "people": [viewer] })),
        (format!("DELETE /entries/{met}"), json!({})),
        (format!("PUT /projects/{p}/memos/2027-01-04"), json!({ "text": "예비일" })),
        ("POST /me/calendar-feed".to_owned(), json!({})),
        ("DELETE /me/calendar-feed".to_owned(), json!({})),
        (format!("POST /projects/{p}/webhooks"), new_hook),
        (format!("PATCH /webhooks/{hook}"), json!({ "verbs": ["comments"] })),
        (format!("POST /webhooks/{hook}/secret"), json!({})),
        (format!("POST /webhooks/{other}/test"), json!({})),
        (format!("POST /deliveries/{told}/redeliver"), json!({})),
        (format!("DELETE /webhooks/{hook}"), json!({})),
        ("POST /projects".to_owned(), json!({ "name": "겨울 광고" })),
        (format!("PATCH /projects/{p}"), json!({ "status": "review" })),
        (format!("POST /projects/{p}/members"), json!({ "user_id": stranger, "role": "editor" })),
        (format!("PATCH /projects/{p}/members/{viewer}"), json!({ "role": "reviewer" })),
        (format!("POST /projects/{p}/invitations"), json!({ "email": "new@example.com", "role": "viewer" })),
        (format!("POST /projects/{p}/feedbacks"), json!({ "title": "2차 시사" })),
        (format!("PATCH /feedbacks/{f}"), json!({ "status": "in_progress" })),
        (format!("PUT /feedbacks/{f}/decision"), json!({ "decision": "approve" })),
        (format!("POST /feedbacks/{f}/comments"), json!({ "text": "b", "client_id": "c-1", "start_ms": 5 })),
        (format!("POST /feedbacks/{f}/comments"), json!({ "text": "c", "parent_id": comment })),
        (format!("PATCH /comments/{comment}"), json!({ "text": "aa" })),
        (format!("POST /comments/{comment}/resolution"), json!({})),
        (format!("DELETE /comments/{comment}/resolution"), json!({})),
        (format!("PUT /comments/{comment}/reactions/question"), json!({})),
        (format!("DELETE /comments/{comment}/reactions/question"), json!({})),
        (format!("DELETE /comments/{comment}"), json!({})),
        (format!("POST /media/{media}/rerun"), json!({})),
        ("POST /notifications/read-all".to_owned(), json!({})),
        (
            "PUT /me/notifications".to_owned(),
            json!({
                "kinds": { "mention": { "app": true, "mail": "off" }, "reaction": { "app": false, "mail": "daily" } },
                "quiet": { "from": "22:00", "to": "08:00", "zone": "Asia/Seoul" }
            }),
        ),
        ("PATCH /me".to_owned(), json!({ "nickname": "편집자" })),
        ("POST /me/tokens".to_owned(), json!({ "name": "script", "scopes": ["read"] })),
        (format!("DELETE /projects/{p}/members/{stranger}"), json!({})),
        (format!("PATCH /feedbacks/{f}"), json!({ "status": "closed" })),
        (format!("PATCH /feedbacks/{f}"), json!({ "status": "open" })),
        (format!("DELETE /media/{media}"), json!({})),
        (format!("POST /media/{media}/restore"), json!({})),
        (format!("DELETE /feedbacks/{f}"), json!({})),
        (format!("DELETE /projects/{p}"), json!({})),
        (format!("POST /projects/{p}/restore"), json!({})),
        ("DELETE /me/sessions".to_owned(), json!({})),
    ];
    let mut over = Vec::new();
    for (i, (line, body)) in lines.into_iter().enumerate() {
        let request = s.editor.line(&line).json(&body).header("Idempotency-Key", format!("k-{i}"));
        let answer = Answer::of(request).await;
        assert!((200..300).contains(&answer.status), "{line}: {}", answer.body);
        assert!(answer.queries() >= 2, "{line} is counted");
        if answer.queries() > 6 {
            over.push(format!("{line}: {}", answer.queries()));
        }
    }
    assert_eq!(over, Vec::<String>::new());
    s.stop().await;
}
