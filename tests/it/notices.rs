//! What people are told in the program: whom an event concerns, who is named and who is not, what is counted together,
//! what is read, and that nothing is told twice.

use std::time::Duration;

use serde_json::{Value, json};
use videoplanet::base::clock::{Clock, MINUTE, Time};
use videoplanet::base::job::Job;
use videoplanet::base::roles::Role;
use videoplanet::domain::notices;
use videoplanet::engines::store::params;

use crate::rooms::Screen;
use crate::studio::{Someone, Studio};

/// What somebody was told, newest first.
async fn told(s: &Studio, who: &Someone) -> Vec<Value> {
    notices::caught_up(&s.app).await.unwrap();
    let answer = who.call("GET /notifications?page_size=100").await.is(200).body;
    answer["results"].as_array().unwrap().clone()
}

/// Kinds of what he was told, newest first.
async fn kinds(s: &Studio, who: &Someone) -> Vec<String> {
    told(s, who).await.iter().map(|n| n["kind"].as_str().unwrap().to_owned()).collect()
}

/// Forgets what was told until now.
async fn fresh(s: &Studio, who: &[&Someone]) {
    notices::caught_up(&s.app).await.unwrap();
    s.app.store.write(|tx| tx.execute("DELETE FROM notices", params![])).await.unwrap();
    for someone in who {
        assert_eq!(kinds(s, someone).await, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_told_of_what_concerns_them_and_nobody_of_his_own_act() {
    let s = Studio::start("notices-kinds").await;
    s.make_reviewer().await;
    let spare = s.member("spare", Role::Editor).await;
    assert_eq!(kinds(&s, &spare).await, ["member_added"]);
    assert_eq!(kinds(&s, &s.viewer).await, ["feedback_added", "member_added"]);
    assert_eq!(kinds(&s, &s.editor).await, Vec::<String>::new());
    fresh(&s, &[&spare]).await;

    // The owner of the feedback hears of comments, and those who have spoken under it; others only if they wish.
    let first = s.says(&s.viewer, json!({ "text": "자막에 오타가 있어요" })).await;
    assert_eq!(kinds(&s, &s.editor).await, ["comment_added"]);
    assert_eq!(kinds(&s, &spare).await, Vec::<String>::new());
    s.says(&s.editor, json!({ "text": "고칠게요", "parent_id": first })).await;
    let heard = told(&s, &s.viewer).await;
    assert_eq!(
        (heard.len(), &heard[0]["actor"]["nickname"], &heard[0]["text"]),
        (1, &json!("editor"), &json!("고칠게요"))
    );
    assert_eq!(heard[0]["url"], format!("/feedbacks/{}?c={}", s.feedback, heard[0]["comment_id"]));
    let mut wishes = spare.call("GET /me/notifications").await.body;
    wishes["all_comments"] = json!(true);
    spare.send("PUT /me/notifications", wishes).await.is(200);
    s.says(&s.viewer, json!({ "text": "감사합니다" })).await;
    assert_eq!(kinds(&s, &spare).await, ["comment_added"]);
    fresh(&s, &[]).await;

    s.editor.call(&format!("PUT /comments/{first}/reactions/like")).await.is(200);
    spare.call(&format!("PUT /comments/{first}/reactions/question")).await.is(200);
    let heard = told(&s, &s.viewer).await;
    assert_eq!((heard.len(), &heard[0]["kind"], &heard[0]["count"]), (1, &json!("reaction"), &json!(2)));
    s.viewer.send(&format!("PUT /feedbacks/{}/decision", s.feedback), json!({ "decision": "approve" })).await.is(200);
    for member in [&s.editor, &spare] {
        let heard = told(&s, member).await;
        assert_eq!((&heard[0]["kind"], heard.len()), (&json!("decision"), 1));
        assert!(heard[0]["title"].as_str().unwrap().starts_with("viewer reviewed"), "{}", heard[0]);
    }
    assert_eq!(kinds(&s, &s.stranger).await, Vec::<String>::new());

    // Who is a member no longer is told nothing, and what he was told is not shown any more.
    s.drop_viewer().await;
    s.says(&s.editor, json!({ "text": "이어서" })).await;
    assert_eq!(kinds(&s, &s.viewer).await, Vec::<String>::new());
    assert_eq!(s.viewer.call("GET /notifications/unread").await.body, json!({ "count": 0, "by_project": [] }));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_finds_the_invitation_and_the_inviter_hears_of_its_end() {
    let s = Studio::start("notices-invited").await;
    fresh(&s, &[]).await;
    let line = format!("POST /projects/{}/invitations", s.project);
    let made = s.editor.send(&line, json!({ "email": "stranger@example.com", "role": "reviewer" })).await.is(201).body;
    let heard = told(&s, &s.stranger).await;
    assert_eq!((&heard[0]["kind"], &heard[0]["project_name"]), (&json!("invitation_received"), &json!("가을 광고")));
    let url = heard[0]["url"].as_str().unwrap().to_owned();
    assert!(made["link"].as_str().unwrap().ends_with(&url));
    s.stranger.send(&format!("POST /invitations/{}/accept", &url[8..]), json!({})).await.is(200);
    // He knows that he has joined; the invitation is over.
    assert_eq!(kinds(&s, &s.stranger).await, Vec::<String>::new());
    let heard = told(&s, &s.editor).await;
    assert_eq!(
        (&heard[0]["kind"], &heard[0]["actor"]["nickname"]),
        (&json!("invitation_accepted"), &json!("stranger"))
    );
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_named_is_told_once_and_an_edit_tells_only_the_new_ones() {
    let s = Studio::start("notices-mention").await;
    let (serin, hayun) = (s.member("오세린", Role::Reviewer).await, s.member("hayun", Role::Viewer).await);
    fresh(&s, &[]).await;
    let text = "@오세린님, @editor @stranger 확인 부탁드려요";
    let comment = s.says(&s.editor, json!({ "text": text })).await;
    assert_eq!(kinds(&s, &serin).await, ["mention"]);
    assert_eq!(kinds(&s, &hayun).await, Vec::<String>::new());
    // Himself and who is no member are nobody to be named.
    assert_eq!(kinds(&s, &s.editor).await, Vec::<String>::new());
    assert_eq!(kinds(&s, &s.stranger).await, Vec::<String>::new());
    let edited = json!({ "text": format!("{text} @hayun, @오세린") });
    s.editor.send(&format!("PATCH /comments/{comment}"), edited).await.is(200);
    assert_eq!(kinds(&s, &hayun).await, ["mention"]);
    assert_eq!(kinds(&s, &serin).await, ["mention"]);
    // What is for the team names nobody outside of it.
    s.says(&s.editor, json!({ "text": "@오세린 팀끼리만", "internal": true })).await;
    assert_eq!(kinds(&s, &serin).await, ["mention"]);
    // A comment that is gone leaves no notice.
    s.editor.call(&format!("DELETE /comments/{comment}")).await.is(204);
    assert_eq!(kinds(&s, &serin).await, Vec::<String>::new());
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_author_is_named_nowhere() {
    let s = Studio::start("notices-anonymous").await;
    s.make_reviewer().await;
    fresh(&s, &[]).await;
    let anonymous = json!({ "text": "@editor 이 장면은 조금 지루합니다", "security": true });
    s.says(&s.viewer, anonymous).await;
    s.says(&s.viewer, json!({ "text": "더 줄여도 좋겠어요", "security": true })).await;
    let named = s.says(&s.viewer, json!({ "text": "이름을 밝히고 말합니다" })).await;
    let heard = told(&s, &s.editor).await;
    let actors: Vec<&Value> = heard.iter().map(|n| &n["actor"]["nickname"]).collect();
    assert_eq!(actors, [&json!("viewer"), &Value::Null, &Value::Null], "{heard:?}");
    let hidden = serde_json::to_string(&heard[1..]).unwrap();
    assert!(!hidden.contains("viewer"), "{hidden}");
    let stored = s.app.read(|db| {
        let sql = "SELECT count(*) FROM notices n JOIN comments c ON c.id = n.comment_id
            WHERE c.security = 1 AND n.actor_id IS NOT NULL";
        db.one(sql, params![], |r| r.get::<_, i64>(0))
    });
    assert_eq!(stored.await.unwrap(), Some(0));
    // Who hides afterwards is hidden in what was told before.
    s.viewer.send(&format!("PATCH /comments/{named}"), json!({ "security": true })).await.is(200);
    let heard = told(&s, &s.editor).await;
    assert!(!serde_json::to_string(&heard).unwrap().contains("viewer"), "{heard:?}");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_one_notice_and_reading_is_heard_in_every_window() {
    let clock = Clock::set_at(Time::parse("2026-11-24T01:20:00Z").unwrap().0);
    let s = Studio::at("notices-burst", clock.clone()).await;
    s.make_reviewer().await;
    fresh(&s, &[]).await;
    let mut window = Screen::own(&s, &s.editor, "").await;
    window.next_of("initial_state").await;
    tokio::spawn(notices::follow(s.app.clone()));
    for n in 1..=3 {
        s.says(&s.viewer, json!({ "text": format!("의견 {n}") })).await;
        let heard = window.next_of("notification").await;
        assert_eq!((&heard["notification"]["count"], &heard["unread"]), (&json!(n), &json!(1)));
    }
    clock.advance(11 * MINUTE);
    s.says(&s.viewer, json!({ "text": "나중에" })).await;
    let later = window.next_of("notification").await;
    assert_eq!((&later["notification"]["count"], &later["unread"]), (&json!(1), &json!(2)));
    let id = later["notification"]["id"].as_i64().unwrap();
    let read = s.editor.send(&format!("POST /notifications/{id}/read"), json!({})).await.is(200).body;
    assert!(read["read_at"].is_string());
    let heard = window.next_of("notifications_read").await;
    assert_eq!((&heard["ids"], &heard["unread"]), (&json!([id]), &json!(1)));
    s.viewer.send(&format!("POST /notifications/{id}/read"), json!({})).await.is(404);
    // What was read is not counted into any more.
    let left = s.editor.send("POST /notifications/read-all", json!({})).await.is(200).body;
    assert_eq!(left["count"], 0);
    assert_eq!(window.next_of("notifications_read").await["ids"], Value::Null);
    s.says(&s.viewer, json!({ "text": "또" })).await;
    assert_eq!(window.next_of("notification").await["notification"]["count"], 1);
    let page = s.editor.call("GET /notifications?page_size=1").await.body;
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = s.editor.call(&format!("GET /notifications?cursor={cursor}")).await.body;
    assert_eq!((rest["results"].as_array().unwrap().len(), &page["unread_count"]), (2, &json!(1)));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_are_kept_and_nonsense_is_refused() {
    let s = Studio::start("notices-wishes").await;
    fresh(&s, &[]).await;
    let off = json!({ "kinds": { "mention": { "app": false, "mail": "off" } }, "quiet": null });
    let kept = s.viewer.send("PUT /me/notifications", off).await.is(200).body;
    assert_eq!(kept["kinds"]["mention"], json!({ "app": false, "mail": "off" }));
    assert_eq!(kept["kinds"]["decision"], json!({ "app": true, "mail": "now" }));
    s.says(&s.editor, json!({ "text": "@viewer 봐 주세요" })).await;
    assert_eq!(kinds(&s, &s.viewer).await, Vec::<String>::new());
    for (bad, field) in [
        (json!({ "kinds": { "nothing": { "app": true, "mail": "off" } }, "quiet": null }), "kinds"),
        (json!({ "kinds": { "mention": { "app": true, "mail": "weekly" } }, "quiet": null }), "kinds"),
        (json!({ "quiet": { "from": "25:00", "to": "08:00", "zone": "Asia/Seoul" } }), "quiet.from"),
        (json!({ "quiet": { "from": "08:00", "to": "08:00", "zone": "Asia/Seoul" } }), "quiet.to"),
        (json!({ "quiet": { "from": "22:00", "to": "08:00", "zone": "Asia/Atlantis" } }), "quiet.zone"),
    ] {
        let answer = s.viewer.send("PUT /me/notifications", bad).await.is(422);
        let fields = answer.body["error"]["fields"].as_object().unwrap();
        assert!(fields.keys().any(|k| k.starts_with(field)), "{field}: {fields:?}");
    }
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_journal_is_not_told_and_a_place_is_not_told_twice() {
    let s = Studio::start("notices-place").await;
    s.make_reviewer().await;
    s.says(&s.viewer, json!({ "text": "하나" })).await;
    assert_eq!(kinds(&s, &s.editor).await, ["comment_added"]);
    // Set back by hand, the place brings nothing anew; and behind an import it lies at the end.
    s.app.store.write(|tx| tx.execute("UPDATE notice_cursor SET seq = 0", params![])).await.unwrap();
    assert_eq!(kinds(&s, &s.editor).await, ["comment_added"]);
    assert_eq!(told(&s, &s.editor).await[0]["count"], 1);
    s.says(&s.viewer, json!({ "text": "둘" })).await;
    s.app.store.write(notices::skip).await.unwrap();
    assert_eq!(told(&s, &s.editor).await[0]["count"], 1);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_them_by_project_and_reads_without_script() {
    let s = Studio::start("notices-page").await;
    s.app.setup.done();
    notices::caught_up(&s.app).await.unwrap();
    let page = crate::admin::open(&s, &s.viewer, "/notices").await.text().await.unwrap();
    assert!(
        page.contains("가을 광고") && page.contains("added the feedback") && page.contains("id=\"bell\""),
        "{page}"
    );
    let id = told(&s, &s.viewer).await[0]["id"].as_i64().unwrap();
    let opened = crate::admin::send(&s, &s.viewer, &format!("/notices/{id}"), &[]).await;
    assert_eq!(crate::studio::header(&opened, "location"), format!("/feedbacks/{}", s.feedback));
    assert_eq!(s.viewer.call("GET /notifications/unread").await.body["count"], 1);
    crate::admin::send(&s, &s.viewer, "/notices/read-all", &[("project_id", &s.project.to_string())]).await;
    assert_eq!(s.viewer.call("GET /notifications/unread").await.body["count"], 0);
    let page = crate::admin::open(&s, &s.viewer, "/notices?unread=1&cursor=nonsense").await.text().await.unwrap();
    assert!(page.contains("Nothing unread"), "{page}");
    // A follower that starts finds nothing more to tell.
    let follower = tokio::spawn(notices::follow(s.app.clone()));
    tokio::time::timeout(Duration::from_millis(50), follower).await.unwrap_err();
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_and_a_deadline_are_told_of() {
    // 10:20 in Seoul.
    let clock = Clock::set_at(Time::parse("2026-11-24T01:20:00Z").unwrap().0);
    let s = Studio::at("notices-plan", clock.clone()).await;
    let spare = s.member("spare", Role::Reviewer).await;
    fresh(&s, &[]).await;
    let plan =
        s.editor.send(&format!("POST /projects/{}/plans", s.project), json!({ "title": "가을 기획" })).await.id();
    s.editor.send(&format!("PATCH /plans/{plan}"), json!({ "status": "in_review" })).await.is(200);
    let heard = told(&s, &spare).await;
    assert_eq!((&heard[0]["kind"], heard.len()), (&json!("plan_review"), 1), "{heard:?}");
    assert_eq!((&heard[0]["url"], &heard[0]["plan_id"]), (&json!(format!("/plans/{plan}")), &json!(plan)));
    assert!(heard[0]["title"].as_str().unwrap().contains("가을 기획"));
    fresh(&s, &[]).await;

    // The phase's own deadline reaches who is to do it; the next morning says it nearer.
    let phase = json!({ "start": "2026-11-24", "end": "2026-11-27", "assignee_id": spare.id });
    s.editor.send(&format!("PATCH /projects/{}/schedule/video_edit", s.project), phase).await.is(200);
    s.work_by_hand().await;
    assert_eq!(s.ran(Job::Remind).await["reminders"], 1);
    assert_eq!(s.ran(Job::Remind).await["reminders"], 0);
    for member in [&spare, &s.editor] {
        let heard = told(&s, member).await;
        assert_eq!((&heard[0]["kind"], heard.len()), (&json!("deadline"), 1), "{heard:?}");
        assert!(heard[0]["title"].as_str().unwrap().contains("days left: 3"), "{}", heard[0]);
    }
    s.stop().await;
}
