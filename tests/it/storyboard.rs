//! The storyboard job: what it writes, what it leaves alone, and that a crash in it costs nothing.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use videoplanet::base::roles::Role;

use crate::clips::CLIP;
use crate::crash::{Server, fresh};
use crate::plans::plan;
use crate::rooms::Screen;
use crate::studio::{Someone, Studio};

/// Asks for a storyboard and waits for its end; answers the job.
pub async fn drafted(who: &Someone, plan: i64, ask: Value) -> Value {
    let job = who.send(&format!("POST /plans/{plan}/storyboard"), ask).await.is(202).body["job_id"].clone();
    ended(who, &job).await
}

/// Waits until a job is over.
pub async fn ended(who: &Someone, job: &Value) -> Value {
    let mut shown = Value::Null;
    for _ in 0..1200 {
        shown = who.call(&format!("GET /jobs/{job}")).await.is(200).body;
        if ["done", "failed", "dead", "cancelled"].iter().any(|s| shown["state"] == *s) {
            return shown;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never over: {shown}");
}

async fn story(s: &Studio, plan: i64) -> Value {
    s.editor.call(&format!("GET /plans/{plan}")).await.is(200).body["story"].clone()
}

fn sum_ms(story: &Value) -> i64 {
    story["shots"].as_array().unwrap().iter().map(|s| s["duration_ms"].as_i64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_write_twelve_shots_and_the_same_again_until_asked_for_others() {
    let s = Studio::start("storyboard").await;
    s.work().await;
    let id = plan(&s).await;
    let mut screen = Screen::open(&s, &s.viewer, "").await;
    screen.next_of("initial_state").await;
    let job = drafted(&s.editor, id, json!({})).await;
    assert_eq!(
        job["result"],
        json!({
            "plan_id": id, "version": 2, "source": "rules", "fallback": null, "cached": false, "images": 0,
        })
    );
    assert_eq!(screen.next_of("plan_progress").await["plan_id"], id);
    assert_eq!(screen.next_of("plan").await["change"], "storyboard");
    let plan = s.viewer.call(&format!("GET /plans/{id}")).await.is(200).body;
    assert_eq!(plan["notice"], json!({ "source": "rules", "code": "rules_draft" }));
    let first = plan["story"].clone();
    for shot in first["shots"].as_array().unwrap() {
        assert!(!shot["description"].as_str().unwrap().is_empty() && shot["edited"] == false, "{shot}");
    }
    let off = (sum_ms(&first) - 60_000).abs();
    assert!(off <= 3_000, "the lengths add up to the preset's minute: {off}");

    let same = drafted(&s.editor, id, json!({ "source": "rules" })).await;
    assert_eq!((&same["result"]["cached"], &same["result"]["version"]), (&json!(true), &json!(2)));
    assert_eq!(story(&s, id).await, first);
    let other = drafted(&s.editor, id, json!({ "regenerate": true })).await;
    assert_eq!((&other["result"]["cached"], &other["result"]["version"]), (&json!(false), &json!(3)));
    assert_ne!(story(&s, id).await["shots"], first["shots"]);
    // Its seed is kept: asked again, it is the same draft.
    let again = drafted(&s.editor, id, json!({})).await;
    assert_eq!((&again["result"]["cached"], &again["result"]["version"]), (&json!(true), &json!(3)));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn locked_and_edited_parts_stay_and_parts_alone_are_written() {
    let s = Studio::start("storyboard-parts").await;
    s.work().await;
    let id = plan(&s).await;
    drafted(&s.editor, id, json!({})).await;
    s.editor.send(&format!("PATCH /plans/{id}/shots/1"), json!({ "locked": true })).await.is(200);
    s.editor.send(&format!("PATCH /plans/{id}/shots/7"), json!({ "description": "우리가 쓴 장면" })).await.is(200);
    s.editor.send(&format!("PATCH /plans/{id}/stages/climax"), json!({ "summary": "우리가 쓴 전환" })).await.is(200);
    let before = story(&s, id).await;
    drafted(&s.editor, id, json!({ "regenerate": true })).await;
    let after = story(&s, id).await;
    assert_eq!(
        (&after["shots"][0], &after["shots"][6], &after["stages"][2]),
        (&before["shots"][0], &before["shots"][6], &before["stages"][2])
    );
    assert_ne!(after["shots"][4], before["shots"][4]);

    // Only a stage, only a shot.
    let part = json!({ "regenerate": true, "part": { "stage": "opening" } });
    drafted(&s.editor, id, part).await;
    let opened = story(&s, id).await;
    let changed: Vec<usize> = (0..12).filter(|i| opened["shots"][i] != after["shots"][i]).collect();
    assert!(!changed.is_empty() && changed.iter().all(|i| (1..3).contains(i)), "{changed:?}");
    let kept = s.editor.send(&format!("POST /plans/{id}/storyboard"), json!({ "part": { "shot": 7 } })).await;
    assert!(kept.is(409).body["message"].as_str().unwrap().contains("잠겨"));
    s.editor.send(&format!("PATCH /plans/{id}/shots/7"), json!({ "edited": false })).await.is(200);
    drafted(&s.editor, id, json!({ "regenerate": true, "part": { "shot": 7 } })).await;
    let released = story(&s, id).await;
    let changed: Vec<usize> = (0..12).filter(|i| released["shots"][i] != opened["shots"][i]).collect();
    assert_eq!(changed, [6]);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_becomes_shots() {
    let s = Studio::start("storyboard-script").await;
    s.work().await;
    let id = plan(&s).await;
    let script = "S#1. 카페 / 낮\n창가에 앉은 지원이 시계를 본다.\n지원\n오늘은 꼭 말할 거야.\n\nS#2. 골목 / 밤\n두 사람이 나란히 걷는다.\n";
    let job = drafted(&s.editor, id, json!({ "source": "script", "script": script })).await;
    assert_eq!((&job["state"], &job["result"]["source"]), (&json!("done"), &json!("script")), "{job}");
    let plan = s.viewer.call(&format!("GET /plans/{id}")).await.is(200).body;
    assert_eq!(plan["notice"]["code"], "script_draft");
    assert!(plan["story"].to_string().contains("오늘은 꼭 말할 거야."), "{}", plan["story"]);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_drafted_is_told_at_once() {
    let s = Studio::start("storyboard-refused").await;
    let id = plan(&s).await;
    let line = format!("POST /plans/{id}/storyboard");
    for (ask, field) in [
        (json!({ "source": "script" }), "script"),
        (json!({ "source": "cut" }), "media_id"),
        (json!({ "source": "cut", "media_id": 99 }), "media_id"),
        (json!({ "source": "model" }), "source"),
        (json!({ "images": true }), "images"),
        (json!({ "part": { "scene": 3 } }), "part"),
    ] {
        let answer = s.editor.send(&line, ask.clone()).await.is(422);
        let told = answer.body["error"]["fields"].as_object().unwrap();
        assert!(told.keys().any(|name| name.starts_with(field)), "{ask}: {}", answer.body);
    }
    s.editor.send(&line, json!({ "part": { "shot": 13 } })).await.is(404);
    // Nobody works here: the first waits, and the second hears which one.
    let job = s.editor.send(&line, json!({})).await.is(202).body["job_id"].clone();
    let second = s.editor.send(&line, json!({})).await.is(409);
    assert!(second.body["message"].as_str().unwrap().contains(&job.to_string()), "{}", second.body);
    assert_eq!(s.viewer.call(&format!("GET /plans/{id}")).await.body["job_id"], job);
    let reviewer = s.member("reviewer", Role::Reviewer).await;
    reviewer.send(&line, json!({})).await.is(403);

    let generator = s.viewer.call("GET /generator").await.is(200).body;
    assert_eq!(generator, json!({ "rules": true, "model": false, "image_model": false, "hidden": false }));
    let who = videoplanet::domain::accounts::Viewer::of_token(&s.app, &s.editor.token).await.unwrap().unwrap();
    videoplanet::domain::plans::generator::hide(&s.app, &who, true).await.unwrap();
    assert_eq!(s.viewer.call("GET /generator").await.is(200).body["hidden"], true);
    s.editor.send(&line, json!({})).await.is(409);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_a_draft_is_under_way_stays() {
    let s = Studio::start("storyboard-meanwhile").await;
    let id = plan(&s).await;
    let job = s.editor.send(&format!("POST /plans/{id}/storyboard"), json!({})).await.is(202).body["job_id"].clone();
    s.editor.send(&format!("PATCH /plans/{id}/shots/4"), json!({ "dialogue": "같이 먹자." })).await.is(200);
    s.work().await;
    assert_eq!(ended(&s.editor, &job).await["state"], "done");
    let story = story(&s, id).await;
    assert_eq!((&story["shots"][3]["dialogue"], &story["shots"][3]["description"]), (&json!("같이 먹자."), &json!("")));
    assert_ne!(story["shots"][4]["description"], "");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_brings_its_scenes_with_their_pictures() {
    let s = Studio::start("storyboard-cut").await;
    s.work().await;
    let words = format!("{CLIP} cut.mp4");
    let film = s.publish("cut.mp4", &s.dir.film(&words)).await;
    assert_eq!(film["state"], "ready", "{film}");
    let id = plan(&s).await;
    let job = drafted(&s.editor, id, json!({ "source": "cut", "media_id": film["id"] })).await;
    assert_eq!((&job["state"], &job["result"]["source"]), (&json!("done"), &json!("cut")), "{job}");
    let plan = s.viewer.call(&format!("GET /plans/{id}")).await.is(200).body;
    assert_eq!(plan["notice"]["code"], "cut_draft");
    let mut last = -1;
    for shot in plan["story"]["shots"].as_array().unwrap() {
        assert_eq!((&shot["picture"]["kind"], &shot["picture"]["media"]), (&json!("key_frame"), &film["id"]), "{shot}");
        assert!(shot["picture"]["at_ms"].as_i64().unwrap() >= last);
        last = shot["picture"]["at_ms"].as_i64().unwrap();
    }
    let picture = s.viewer.call(&format!("GET /plans/{id}/shots/12/picture")).await.is(200);
    assert_eq!((picture.header("content-type"), &picture.bytes()[..2]), ("image/jpeg", &[0xff, 0xd8][..]));
    // One shot by hand, from the same film.
    let line = format!("PUT /plans/{id}/shots/1/picture");
    let put = s.editor.send(&line, json!({ "media_id": film["id"], "at_ms": 900 })).await.is(200).body;
    assert_eq!(put["story"]["shots"][0]["picture"]["kind"], "key_frame");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_killed_while_it_drafts_goes_on_and_the_plan_is_whole() {
    let (_dir, data) = fresh("storyboard-kill");
    let mut server = Server::start(&data).await;
    let project = server.json(server.ask(Method::POST, "/projects").json(&json!({ "name": "가을" }))).await;
    let new = json!({ "title": "기획안", "preset": "drama", "one_liner": "등대지기가 마지막 불을 끄는 밤" });
    let plan = server.json(server.ask(Method::POST, &format!("/projects/{}/plans", project["id"])).json(&new)).await;
    let path = format!("/plans/{}", plan["id"]);
    for round in 0..3 {
        let ask = server.ask(Method::POST, &format!("{path}/storyboard")).json(&json!({ "regenerate": true }));
        let begun = server.json(ask).await;
        let job = begun["job_id"].as_i64().unwrap_or_else(|| panic!("{begun}"));
        server.kill();
        drop(server);
        server = Server::start(&data).await;
        let mut shown = Value::Null;
        for _ in 0..600 {
            shown = server.json(server.ask(Method::GET, &format!("/jobs/{job}"))).await;
            if shown["state"] == "done" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        assert_eq!(shown["state"], "done", "{shown}");
        let plan = server.json(server.ask(Method::GET, &path)).await;
        assert_eq!(plan["version"], round + 2, "it landed once");
        assert_eq!(plan["story"]["shots"].as_array().unwrap().len(), 12);
        assert!(plan["story"]["shots"].as_array().unwrap().iter().all(|s| s["description"] != ""));
        assert_eq!(plan["job_id"], Value::Null);
    }
}
