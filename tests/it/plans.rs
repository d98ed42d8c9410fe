//! Plans: written by several people at once, kept in versions, discussed, approved, taken out and brought back in.

use futures_util::future::join_all;
use serde_json::{Value, json};
use videoplanet::base::clock::{Clock, DAY, HOUR, MINUTE};
use videoplanet::base::roles::Role;

use crate::answer::Answer;
use crate::rooms::Screen;
use crate::studio::{Someone, Studio};

/// A PNG by its header: the program looks at no more of it.
pub fn png(seed: u8) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x02\x80\0\0\x01\x68".to_vec();
    bytes.extend([8, 6, 0, 0, 0, seed]);
    bytes
}

/// A new plan of the studio's project.
pub async fn plan(s: &Studio) -> i64 {
    let new = json!({ "title": "겨울 저녁 붕어빵", "preset": "ad", "one_liner": "첫 월급으로 산 붕어빵을 아버지와 나눠 먹는 신입사원" });
    s.editor.send(&format!("POST /projects/{}/plans", s.project), new).await.is(201).id()
}

async fn shown(who: &Someone, id: i64) -> Value {
    who.call(&format!("GET /plans/{id}")).await.is(200).body
}

async fn put_picture(who: &Someone, id: i64, key: i64, kind: &str, bytes: Vec<u8>) -> Answer {
    let request = who.line(&format!("PUT /plans/{id}/shots/{key}/picture")).header("content-type", kind);
    Answer::of(request.body(bytes)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_begins_blank_and_whole_and_two_people_write_it_at_once() {
    let s = Studio::start("plans").await;
    let id = plan(&s).await;
    let other = s.member("other", Role::Editor).await;
    let plan = shown(&s.editor, id).await;
    assert_eq!((&plan["status"], &plan["version"], &plan["rev"]), (&json!("draft"), &json!(1), &json!(1)));
    assert_eq!(
        (plan["story"]["stages"].as_array().unwrap().len(), plan["story"]["shots"].as_array().unwrap().len()),
        (4, 12)
    );
    assert_eq!(plan["inputs"]["genre"], "광고", "as the preset says");

    // Each writes six shots, all at once and without a revision: nothing is lost.
    let writes = (1..=12).map(|key| {
        let who = if key % 2 == 0 { &s.editor } else { &other };
        let line = format!("PATCH /plans/{id}/shots/{key}");
        async move { who.send(&line, json!({ "title": format!("샷 {key}"), "size": "full" })).await.is(200) }
    });
    join_all(writes).await;
    let plan = shown(&s.viewer, id).await;
    assert_eq!(plan["rev"], 13);
    for (place, shot) in plan["story"]["shots"].as_array().unwrap().iter().enumerate() {
        assert_eq!((&shot["title"], &shot["edited"]), (&json!(format!("샷 {}", place + 1)), &json!(true)));
    }
    // A lock alone is no writing, and the same words again are no change.
    let line = format!("PATCH /plans/{id}/stages/climax");
    let locked = s.editor.send(&line, json!({ "locked": true })).await.is(200).body;
    assert_eq!(
        (&locked["story"]["stages"][2]["locked"], &locked["story"]["stages"][2]["edited"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(s.editor.send(&line, json!({ "locked": true })).await.is(200).body["rev"], locked["rev"]);

    // Whoever is late with the whole hears it; bounds are named.
    let late = s.editor.line(&format!("PATCH /plans/{id}")).header("if-match", "\"r1\"");
    Answer::of(late.json(&json!({ "title": "늦은 제목" }))).await.is(412);
    let wrong = s.editor.send(&format!("PATCH /plans/{id}"), json!({ "inputs": { "duration_s": 9 } })).await.is(422);
    assert!(wrong.field("inputs.duration_s").contains("10"), "{}", wrong.body);
    let bad = json!({ "title": "가".repeat(201), "inserts": vec![json!({ "purpose": "detail", "description": "손" }); 4], "duration_ms": 100 });
    let wrong = s.editor.send(&format!("PATCH /plans/{id}/shots/1"), bad).await.is(422);
    for field in ["title", "inserts", "duration_ms"] {
        assert!(!wrong.field(field).is_empty(), "{field}: {}", wrong.body);
    }
    s.editor.send(&format!("PATCH /plans/{id}/shots/13"), json!({ "title": "x" })).await.is(404);
    s.editor.send(&format!("PATCH /plans/{id}/stages/middle"), json!({ "title": "x" })).await.is(404);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shots_move_with_their_keys_and_stages_follow_the_places() {
    let s = Studio::start("plan-order").await;
    let id = plan(&s).await;
    s.editor.send(&format!("PATCH /plans/{id}/shots/12"), json!({ "title": "마지막" })).await.is(200);
    let line = format!("PUT /plans/{id}/order");
    let moved = s.editor.send(&line, json!({ "keys": [12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] })).await.is(200).body;
    let shots = moved["story"]["shots"].as_array().unwrap();
    assert_eq!(
        (&shots[0]["key"], &shots[0]["title"], &shots[0]["stage"]),
        (&json!(12), &json!("마지막"), &json!("opening"))
    );
    assert_eq!((&shots[3]["key"], &shots[3]["stage"]), (&json!(3), &json!("development")));
    for keys in [json!([1, 2, 3]), json!([1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])] {
        assert!(!s.editor.send(&line, json!({ "keys": keys })).await.is(422).field("keys").is_empty());
    }
    // The drawn frame tells the present place.
    let drawn = s.viewer.call(&format!("GET /plans/{id}/shots/12/picture")).await.is(200);
    assert!(String::from_utf8_lossy(drawn.bytes()).contains("S01-conti"));
    assert_eq!(drawn.header("content-type"), "image/svg+xml");
    assert!(drawn.header("content-security-policy").contains("sandbox"));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_gather_what_one_writes_and_tell_what_differs() {
    let clock = Clock::set_at(1_795_482_000_000);
    let s = Studio::at("plan-versions", clock.clone()).await;
    let other = s.member("other", Role::Editor).await;
    let id = plan(&s).await;
    let shot = |key: i64| format!("PATCH /plans/{id}/shots/{key}");
    for text in ["처음", "처음 고침"] {
        s.editor.send(&shot(7), json!({ "description": text })).await.is(200);
        clock.advance(MINUTE);
    }
    s.editor.send(&format!("PATCH /plans/{id}"), json!({ "inputs": { "tone": "담백한" } })).await.is(200);
    assert_eq!(shown(&s.editor, id).await["version"], 2, "what one person writes within ten minutes is one version");
    other.send(&shot(7), json!({ "description": "다른 사람이 고침" })).await.is(200);
    clock.advance(11 * MINUTE);
    other.send(&shot(7), json!({ "description": "한참 뒤" })).await.is(200);
    s.editor
        .send(&format!("PUT /plans/{id}/order"), json!({ "keys": [2, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }))
        .await
        .is(200);

    let history = s.viewer.call(&format!("GET /plans/{id}/versions")).await.is(200).body["results"].clone();
    let told: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|v| {
            (v["version"].as_i64().unwrap(), v["reason"].as_str().unwrap(), v["user"]["nickname"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            (5, "order", "editor"),
            (4, "edited", "other"),
            (3, "edited", "other"),
            (2, "edited", "editor"),
            (1, "created", "editor")
        ]
    );
    let diff = s.viewer.call(&format!("GET /plans/{id}/versions/3/diff")).await.is(200).body;
    assert_eq!(
        diff,
        json!({ "with": 2, "version": 3, "changes": [{
        "path": "shots.7.description", "stage": "climax", "shot": 7, "place": 7, "field": "description",
        "before": "처음 고침", "after": "다른 사람이 고침",
    }] })
    );
    let diff = s.viewer.call(&format!("GET /plans/{id}/versions/5/diff?with=1")).await.is(200).body;
    let paths: Vec<_> = diff["changes"].as_array().unwrap().iter().map(|c| c["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["inputs.tone", "shots.2.place", "shots.1.place", "shots.7.description"]);

    // Back, and back again: the state in between is a version of its own.
    let before = shown(&s.editor, id).await;
    let back = s.editor.call(&format!("POST /plans/{id}/versions/1/restore")).await.is(200).body;
    assert_eq!(
        (&back["version"], &back["inputs"]["tone"], &back["story"]["shots"][0]["key"]),
        (&json!(6), &json!("밝고 세련된"), &json!(1))
    );
    let again = s.editor.call(&format!("POST /plans/{id}/versions/5/restore")).await.is(200).body;
    assert_eq!(again["inputs"], before["inputs"]);
    let clean = |plan: &Value| {
        let mut story = plan["story"].clone();
        story["shots"].as_array_mut().unwrap().iter_mut().for_each(|s| s["picture_version"] = json!(0));
        story
    };
    assert_eq!(clean(&again), clean(&before));
    s.editor.call(&format!("POST /plans/{id}/versions/7/restore")).await.is(409);
    s.editor.call(&format!("GET /plans/{id}/versions/99")).await.is(404);
    s.editor.call(&format!("GET /plans/{id}/versions/5/diff?with=99")).await.is(404);

    // No more than two hundred, and the ones that were only written in go first.
    for i in 0..200 {
        clock.advance(11 * MINUTE);
        s.editor.send(&shot(1), json!({ "title": format!("제목 {i}") })).await.is(200);
    }
    let history = s.viewer.call(&format!("GET /plans/{id}/versions")).await.is(200).body["results"].clone();
    let kept: Vec<_> = history.as_array().unwrap().iter().map(|v| v["version"].as_i64().unwrap()).collect();
    assert_eq!((kept.len(), kept[0], kept[199]), (200, 207, 1));
    assert!(kept.contains(&5) && !kept.contains(&2) && !kept.contains(&8), "{kept:?}");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_goes_its_way_and_its_discussion_with_it() {
    let s = Studio::start("plan-status").await;
    let id = plan(&s).await;
    let reviewer = s.member("reviewer", Role::Reviewer).await;
    let line = format!("PATCH /plans/{id}");
    let to = |status: &str| json!({ "status": status });
    let refused = s.editor.send(&line, to("published")).await.is(409);
    assert!(refused.body["message"].as_str().unwrap().contains("in_review"), "it names what can be: {}", refused.body);
    let plan = s.editor.send(&line, to("in_review")).await.is(200).body;
    let feedback = plan["feedback_id"].as_i64().expect("it is discussed from now on");
    let discussed = s.viewer.call(&format!("GET /feedbacks/{feedback}")).await.is(200).body;
    assert_eq!(
        (&discussed["plan_id"], &discussed["status"], &discussed["title"]),
        (&json!(id), &json!("open"), &json!("겨울 저녁 붕어빵"))
    );
    let comment = json!({ "text": "표정이 먼저 보이면 좋겠어요.", "section": "S07" });
    reviewer.send(&format!("POST /feedbacks/{feedback}/comments"), comment).await.is(201);
    reviewer.send(&format!("PUT /feedbacks/{feedback}/decision"), json!({ "decision": "approve" })).await.is(200);
    let same = s.editor.call(&format!("POST /plans/{id}/feedback")).await.is(200).body;
    assert_eq!(same["feedback_id"], feedback);

    // What has been approved stands still until it is a draft again.
    for (status, discussion) in [("approved", "resolved"), ("published", "closed")] {
        s.editor.send(&line, to(status)).await.is(200);
        let f = s.viewer.call(&format!("GET /feedbacks/{feedback}")).await.is(200).body;
        assert_eq!(f["status"], discussion);
        s.editor.send(&format!("PATCH /plans/{id}/shots/1"), json!({ "title": "x" })).await.is(409);
        s.editor.send(&format!("PATCH /plans/{id}/stages/opening"), json!({ "title": "x" })).await.is(409);
        s.editor.send(&line, json!({ "title": "x" })).await.is(409);
        s.editor.send(&format!("POST /plans/{id}/storyboard"), json!({})).await.is(409);
        assert_eq!(put_picture(&s.editor, id, 1, "image/png", png(1)).await.status, 409);
    }
    s.editor.send(&line, to("draft")).await.is(200);
    s.editor.send(&format!("PATCH /plans/{id}/shots/1"), json!({ "title": "x" })).await.is(200);
    assert_eq!(s.viewer.call(&format!("GET /feedbacks/{feedback}")).await.body["status"], "open");
    let reasons = s.viewer.call(&format!("GET /plans/{id}/versions")).await.body["results"].clone();
    assert_eq!(reasons.as_array().unwrap().iter().filter(|v| v["reason"] == "status").count(), 4);

    // It goes to the trash with its discussion, and comes back with it.
    s.editor.call(&format!("DELETE /plans/{id}")).await.is(204);
    s.editor.call(&format!("GET /plans/{id}")).await.is(404);
    s.editor.call(&format!("GET /feedbacks/{feedback}")).await.is(404);
    let list = format!("GET /projects/{}/plans", s.project);
    assert_eq!(s.editor.call(&list).await.is(200).body["results"], json!([]));
    assert_eq!(s.editor.call(&format!("{list}?deleted=true")).await.is(200).body["results"][0]["id"], id);
    s.viewer.call(&format!("{list}?deleted=true")).await.is(403);
    let back = s.editor.call(&format!("POST /plans/{id}/restore")).await.is(200).body;
    assert_eq!(back["feedback_id"], feedback);
    s.editor.call(&format!("POST /plans/{id}/restore")).await.is(409);
    s.viewer.call(&format!("GET /feedbacks/{feedback}")).await.is(200);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trash_has_an_end_and_pictures_go_when_nobody_names_them() {
    let clock = Clock::set_at(1_795_482_000_000);
    let s = Studio::at("plan-trash", clock.clone()).await;
    let (kept, gone) = (plan(&s).await, plan(&s).await);
    put_picture(&s.editor, kept, 3, "image/png", png(1)).await.is(200);
    s.editor.call(&format!("DELETE /plans/{gone}")).await.is(204);
    clock.advance(31 * DAY);
    s.editor.call(&format!("POST /plans/{gone}/restore")).await.is(409);
    let done = videoplanet::domain::clean_up(&s.app).await.unwrap();
    assert_eq!((&done["plans"], &done["plan_pictures"]), (&json!(1), &json!(0)));
    s.editor.call(&format!("POST /plans/{gone}/restore")).await.is(404);
    // A picture that was replaced long ago is named by a version until that version is forgotten.
    put_picture(&s.editor, kept, 3, "image/png", png(2)).await.is(200);
    let forget = |tx: &mut videoplanet::engines::store::Tx| {
        tx.execute("UPDATE plans SET version = 900", [])?;
        tx.execute("UPDATE plan_versions SET version = 900 WHERE version = 3", [])?;
        tx.execute("DELETE FROM plan_versions WHERE version = 2", [])
    };
    assert_eq!(s.app.store.write(forget).await.unwrap(), 1);
    clock.advance(DAY + HOUR);
    assert_eq!(videoplanet::domain::clean_up(&s.app).await.unwrap()["plan_pictures"], 1);
    s.viewer.call(&format!("GET /plans/{kept}/shots/3/picture")).await.is(200);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_what_it_says_and_is_kept_by_its_number() {
    let s = Studio::start("plan-pictures").await;
    let id = plan(&s).await;
    let put = put_picture(&s.editor, id, 7, "image/png", png(1)).await.is(200).body;
    let shot = &put["story"]["shots"][6];
    assert_eq!(
        (&shot["picture"]["kind"], &shot["picture_version"], &shot["edited"]),
        (&json!("sketch"), &json!(2), &json!(true))
    );
    let got = s.viewer.call(&format!("GET /plans/{id}/shots/7/picture?v=2")).await.is(200);
    assert_eq!((got.bytes(), got.header("content-type")), (&png(1)[..], "image/png"));
    assert!(got.header("cache-control").contains("immutable"));
    let stale = s.viewer.call(&format!("GET /plans/{id}/shots/7/picture?v=1")).await.is(200);
    assert!(stale.header("cache-control").contains("no-cache"), "another number is not this picture's");
    let known = s.viewer.line(&format!("GET /plans/{id}/shots/7/picture")).header("if-none-match", got.header("etag"));
    Answer::of(known).await.is(304);

    assert_eq!(put_picture(&s.editor, id, 7, "image/gif", b"GIF89a".to_vec()).await.status, 415);
    assert!(!put_picture(&s.editor, id, 7, "image/png", b"<svg/>".to_vec()).await.is(422).field("picture").is_empty());
    assert_eq!(put_picture(&s.editor, id, 7, "image/png", vec![0; (1 << 20) + 1]).await.status, 413);
    let elsewhere =
        s.editor.line(&format!("PUT /plans/{id}/shots/7/picture")).json(&json!({ "media_id": 99, "at_ms": 0 }));
    assert!(!Answer::of(elsewhere).await.is(422).field("media_id").is_empty());
    let drawn = s.editor.call(&format!("DELETE /plans/{id}/shots/7/picture")).await.is(200).body;
    assert_eq!(drawn["story"]["shots"][6]["picture"], json!({ "kind": "conti" }));
    assert_eq!(drawn["story"]["shots"][6]["picture_version"], 3);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_goes_out_and_comes_back_equal() {
    let s = Studio::start("plan-files").await;
    let id = plan(&s).await;
    put_picture(&s.editor, id, 2, "image/png", png(9)).await.is(200);
    let risky = json!({ "title": "=HYPERLINK(\"http://example.com\")", "dialogue": "\"안녕\", 아빠" });
    s.editor.send(&format!("PATCH /plans/{id}/shots/5"), risky).await.is(200);
    s.editor
        .send(&format!("PUT /plans/{id}/order"), json!({ "keys": [2, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }))
        .await
        .is(200);
    let out = s.viewer.call(&format!("GET /plans/{id}/export?format=json")).await.is(200);
    let name = out.header("content-disposition").to_owned();
    assert!(name.contains("filename*=UTF-8''%EA%B0%80%EC%9D%84") && name.ends_with(".json"), "{name}");

    let line = format!("POST /projects/{}/plans/import", s.project);
    let came = s.editor.send(&line, out.body.clone()).await.is(201).body;
    let first = shown(&s.editor, id).await;
    for field in ["title", "inputs", "story"] {
        assert_eq!(came[field], first[field], "{field}");
    }
    let again = s.editor.call(&format!("GET /plans/{}/export?format=json", came["id"])).await.is(200);
    let same = |mut file: Value| {
        file["exported"] = Value::Null;
        file
    };
    assert_eq!(same(again.body), same(out.body.clone()));
    let picture = s.viewer.call(&format!("GET /plans/{}/shots/2/picture", came["id"])).await.is(200);
    assert_eq!(picture.bytes(), png(9));

    // Everything that does not hold is named at once.
    let mut broken = out.body.clone();
    broken["inputs"]["duration_s"] = json!(1);
    broken["story"]["shots"][3]["key"] = json!(1);
    broken["story"]["shots"][4]["duration_ms"] = json!(1);
    broken["pictures"] = json!({});
    let wrong = s.editor.send(&line, broken).await.is(422);
    let hash = out.body["story"]["shots"][0]["picture"]["hash"].as_str().unwrap();
    for field in ["inputs.duration_s", "story.shots", "story.shots[4].duration_ms", &format!("pictures.{hash}")] {
        assert!(!wrong.field(field).is_empty(), "{field}: {}", wrong.body);
    }
    let mut unknown = out.body.clone();
    unknown["story"]["shots"][0]["size"] = json!("huge");
    assert!(!s.editor.send(&line, unknown).await.is(422).field("story.shots[0].size").is_empty());
    s.viewer.send(&line, out.body.clone()).await.is(403);
    s.stranger.send(&line, out.body).await.is(404);

    let csv = s.viewer.call(&format!("GET /plans/{id}/export?format=csv")).await.is(200);
    let text = String::from_utf8(csv.bytes().to_vec()).unwrap();
    assert!(text.starts_with('\u{feff}') && text.matches("\r\n").count() == 13, "{text}");
    assert!(
        text.contains("\"'=HYPERLINK(\"\"http://example.com\"\")\"") && text.contains("\"\"\"안녕\"\", 아빠\""),
        "{text}"
    );
    let pdf = s.viewer.call(&format!("GET /plans/{id}/export?format=pdf")).await.is(200);
    assert!(pdf.bytes().starts_with(b"%PDF-") && pdf.header("content-type") == "application/pdf");
    s.viewer.call(&format!("GET /plans/{id}/export?format=docx")).await.is(422);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_in_the_room_see_it_and_who_comes_back_is_told_the_present_state() {
    let s = Studio::start("plan-live").await;
    let id = plan(&s).await;
    let mut screen = Screen::open(&s, &s.viewer, "").await;
    let since = screen.next_of("initial_state").await["seq"].as_i64().unwrap();
    s.editor.send(&format!("PATCH /plans/{id}/shots/7"), json!({ "title": "김이 서린 유리창" })).await.is(200);
    let heard = screen.next_of("plan").await;
    assert_eq!(
        (&heard["change"], &heard["key"], &heard["rev"], &heard["user_id"]),
        (&json!("shot"), &json!(7), &json!(2), &json!(s.editor.id))
    );
    assert_eq!(heard["plan"], shown(&s.viewer, id).await);
    s.editor.send(&format!("PATCH /plans/{id}"), json!({ "status": "in_review" })).await.is(200);
    assert_eq!(screen.next_of("plan").await["change"], "status");
    let other = plan(&s).await;
    s.editor.call(&format!("DELETE /plans/{other}")).await.is(204);
    loop {
        let heard = screen.next_of("plan").await;
        if heard["change"] == "deleted" {
            assert_eq!(heard["plan_id"], other);
            break;
        }
    }
    let mut back = Screen::open(&s, &s.viewer, &format!("&since={since}")).await;
    let missed: Vec<Value> = back.until_now().await.into_iter().filter(|m| m["type"] == "plan").collect();
    assert_eq!(missed.iter().filter(|m| m["plan_id"] == id).count(), 1, "whole, and once");
    assert_eq!(missed[0]["plan"]["status"], "in_review");
    assert_eq!(missed.last().unwrap()["change"], "deleted");
    s.stop().await;
}
