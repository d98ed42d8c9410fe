//! The schedule of a project: eight phases that are always there, pushed, laid by themselves, and filming days that clash.

use reqwest::Client;
use serde_json::{Value, json};
use videoplanet::base::clock::{Clock, Time};
use videoplanet::base::event::Event;
use videoplanet::base::roles::Role;
use videoplanet::domain::schedule;
use videoplanet::engines::store::params;

use crate::rooms::Screen;
use crate::studio::{Someone, Studio};

/// 2026-11-28 in Seoul.
fn saturday() -> Clock {
    Clock::set_at(Time::parse("2026-11-28T03:00:00Z").unwrap().0)
}

/// The phase of a schedule.
fn phase<'a>(schedule: &'a Value, name: &str) -> &'a Value {
    schedule["phases"].as_array().unwrap().iter().find(|p| p["phase"] == name).unwrap()
}

fn days(schedule: &Value, name: &str) -> (String, String) {
    let text = |field: &str| phase(schedule, name)[field].as_str().unwrap_or("").to_owned();
    (text("start"), text("end"))
}

/// Every conflict that somebody was told of: (project, other, user, day).
async fn told(s: &Studio) -> Vec<(i64, i64, i64, String)> {
    let bodies = s.app.read(|db| {
        db.all("SELECT body FROM events WHERE verb = 'filming_conflict' ORDER BY seq", params![], |r| {
            r.get::<_, String>(0)
        })
    });
    let event = |body: &String| match serde_json::from_str(body).unwrap() {
        Event::FilmingConflict { project, other, user, day } => (project.0, other.0, user.0, day),
        other => panic!("{other:?}"),
    };
    bodies.await.unwrap().iter().map(event).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_eight_phases_are_there_before_anything_is_set_and_an_empty_one_breaks_nothing() {
    let s = Studio::at("phases-empty", saturday()).await;
    let line = format!("/projects/{}/schedule", s.project);
    let empty = s.viewer.call(&format!("GET {line}")).await.is(200).body;
    let names: Vec<&str> = empty["phases"].as_array().unwrap().iter().map(|p| p["phase"].as_str().unwrap()).collect();
    assert_eq!(
        names.join(" "),
        "basic_plan story_board filming video_edit post_work video_preview confirmation video_delivery"
    );
    assert_eq!((&empty["rev"], &empty["progress"], &empty["first_day"]), (&json!(0), &json!(0), &Value::Null));
    assert_eq!(empty["three"].as_array().unwrap().len(), 3);

    // One has days, one an end alone; the others stay empty.
    s.editor
        .send(
            &format!("PATCH {line}/story_board"),
            json!({ "start": "2026-12-01", "end": "2026-12-03", "progress": 50 }),
        )
        .await
        .is(200);
    let set = s.editor.send(&format!("PATCH {line}/video_edit"), json!({ "end": "2026-12-20" })).await.is(200).body;
    assert_eq!((&set["first_day"], &set["last_day"]), (&json!("2026-12-01"), &json!("2026-12-20")));
    assert_eq!(phase(&set, "story_board")["state"], "in_progress");
    // Three days at a half, one at nothing.
    assert_eq!(set["progress"], 37);
    assert_eq!(
        set["three"][0],
        json!({ "part": "planning", "start": "2026-12-01", "end": "2026-12-03", "progress": 50 })
    );
    assert_eq!(set["three"][1], json!({ "part": "filming", "start": null, "end": null, "progress": 0 }));
    let page = s.viewer.call("GET /gantt").await.is(200).body;
    assert_eq!((&page["count"], &page["results"][0]["last_day"]), (&json!(1), &json!("2026-12-20")));
    assert_eq!(page["results"][0]["phases"], set["phases"]);
    assert_eq!(page["results"][0]["project"]["my_role"], "viewer");
    let calendar = s.viewer.call("GET /calendar?from=2026-12-20&to=2026-12-25").await.is(200).body;
    assert_eq!(calendar["phases"].as_array().unwrap().len(), 1);
    assert_eq!(calendar["phases"][0]["phase"], "video_edit");
    assert_eq!(calendar["holidays"][0]["name"], "성탄절");

    // All at once: what is not named is empty again; somebody who is late is told so.
    let put = json!({ "phases": [{ "phase": "filming", "start": "2026-12-05", "state": "done" }] });
    let stale = s.editor.line(&format!("PUT {line}")).header("If-Match", "\"r1\"").json(&put);
    crate::answer::Answer::of(stale).await.is(412);
    let fresh = s.editor.line(&format!("PUT {line}")).header("If-Match", format!("\"r{}\"", set["rev"])).json(&put);
    let set = crate::answer::Answer::of(fresh).await.is(200).body;
    assert_eq!((days(&set, "story_board").0, &phase(&set, "filming")["progress"]), (String::new(), &json!(100)));
    assert_eq!((&set["progress"], &set["first_day"]), (&json!(100), &json!("2026-12-05")));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_on_a_phase_is_pushed_along_and_circles_are_refused() {
    let s = Studio::at("phases-push", saturday()).await;
    let line = format!("/projects/{}/schedule", s.project);
    let auto = json!({ "start": "2026-11-30" });
    let laid = s.editor.send(&format!("POST {line}/auto"), auto).await.is(200).body;
    assert_eq!(days(&laid, "filming"), ("2026-12-07".into(), "2026-12-07".into()));
    assert_eq!(phase(&laid, "filming")["after"], "story_board");
    let patch = json!({ "start": "2026-12-09", "end": "2026-12-09", "push": true });
    let pushed = s.editor.send(&format!("PATCH {line}/filming"), patch).await.is(200).body;
    assert_eq!(days(&pushed, "video_edit"), ("2026-12-10".into(), "2026-12-15".into()));
    assert_eq!(days(&pushed, "video_delivery").1, "2026-12-23");
    assert_eq!(days(&pushed, "story_board").1, "2026-12-06", "what comes before stays");
    let circle = s.editor.send(&format!("PATCH {line}/basic_plan"), json!({ "after": "video_edit" })).await.is(422);
    assert!(!circle.field("after").is_empty(), "{}", circle.body);
    assert_eq!(s.editor.call(&format!("GET {line}")).await.body, pushed, "nothing of it was taken");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_lays_itself_round_chuseok_and_shows_it_first() {
    let s = Studio::at("phases-auto", saturday()).await;
    let line = format!("POST /projects/{}/schedule/auto", s.project);
    // Chuseok 2027 is the 14th to the 16th of September, Tuesday to Thursday.
    let auto = json!({ "start": "2027-09-06", "skip_weekends": true, "skip_holidays": true, "preview": true });
    let shown = s.editor.send(&line, auto.clone()).await.is(200).body;
    assert_eq!(days(&shown, "story_board").1, "2027-09-10");
    assert_eq!(days(&shown, "filming"), ("2027-09-13".into(), "2027-09-13".into()));
    assert_eq!(days(&shown, "video_edit"), ("2027-09-17".into(), "2027-09-22".into()));
    let get = format!("GET /projects/{}/schedule", s.project);
    assert_eq!(s.editor.call(&get).await.body["first_day"], Value::Null, "a preview changes nothing");
    let mut taken = auto;
    taken["preview"] = false.into();
    let laid = s.editor.send(&line, taken).await.is(200).body;
    assert_eq!(laid["three"], shown["three"]);
    assert_eq!(s.editor.call(&get).await.body["three"], shown["three"]);
    // Without holidays the same days are worked through.
    let plain = json!({ "start": "2027-09-06", "skip_weekends": true, "preview": true });
    assert_eq!(days(&s.editor.send(&line, plain).await.body, "video_edit").0, "2027-09-14");
    s.stop().await;
}

/// Another project of the editor's with this person in it.
async fn another(s: &Studio, name: &str, with: &Someone) -> i64 {
    let project = s.editor.send("POST /projects", json!({ "name": name })).await.is(201).id();
    let member = json!({ "user_id": with.id, "role": "editor" });
    s.editor.send(&format!("POST /projects/{project}/members"), member).await.is(201);
    project
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_films_in_two_projects_on_a_day_is_warned_about_once() {
    let s = Studio::at("phases-conflict", saturday()).await;
    let camera = s.member("camera", Role::Editor).await;
    let hidden = another(&s, "비밀 프로젝트", &camera).await;
    let (here, there) =
        (format!("/projects/{}/schedule", s.project), format!("PATCH /projects/{hidden}/schedule/filming"));
    let film = json!({ "start": "2026-12-05", "end": "2026-12-06", "assignee_id": camera.id });
    let first = s.editor.send(&there, film.clone()).await.is(200).body;
    assert_eq!((first["conflicts"].clone(), told(&s).await), (json!([]), vec![]));

    let film = json!({ "start": "2026-12-06", "end": "2026-12-07", "assignee_id": camera.id });
    let second = s.editor.send(&format!("PATCH {here}/filming"), film).await.is(200).body;
    let conflict = &second["conflicts"][0];
    assert_eq!((&conflict["day_from"], &conflict["day_to"]), (&json!("2026-12-06"), &json!("2026-12-06")));
    assert_eq!(
        (&conflict["user"]["nickname"], &conflict["b"]["project_name"]),
        (&json!("camera"), &json!("비밀 프로젝트"))
    );
    assert_eq!(conflict["a"]["project_id"], s.project.0);
    let expected = (s.project.0, hidden, camera.id.0, "2026-12-06".to_owned());
    assert_eq!(told(&s).await, std::slice::from_ref(&expected));

    // Who does not belong to the other project learns that there is one, not which.
    let seen = s.viewer.call(&format!("GET {here}")).await.is(200).body;
    let b = &seen["conflicts"][0]["b"];
    assert_eq!((&b["project_id"], &b["project_name"], &b["place"]), (&Value::Null, &Value::Null, &Value::Null));
    let page = s.viewer.call("GET /gantt").await.body;
    assert_eq!(page["conflicts"], seen["conflicts"]);
    let range = "GET /calendar?from=2026-12-01&to=2026-12-31";
    let calendar = s.viewer.call(range).await.body;
    assert_eq!(calendar["conflicts"], seen["conflicts"]);
    let journal = s.viewer.call(&format!("GET /projects/{}/events", s.project)).await.body.to_string();
    assert!(!journal.contains("filming_conflict") && !journal.contains(&format!("\"other\":{hidden}")));
    // He himself sees both.
    let his = camera.call(range).await.body;
    assert_eq!(
        his["conflicts"][0]["b"]["project_name"].is_string(),
        his["conflicts"][0]["a"]["project_name"].is_string()
    );

    // Moved to the other shared day it is the same conflict; a note changes nothing either.
    let moved = json!({ "start": "2026-12-05", "end": "2026-12-05", "note": "새벽 촬영" });
    let body = s.editor.send(&format!("PATCH {here}/filming"), moved).await.body;
    assert_eq!(body["conflicts"][0]["day_from"], "2026-12-05");
    assert_eq!(told(&s).await.len(), 1);
    // Out of the way and back in: told again. When it is done it is none.
    s.editor
        .send(&format!("PATCH {here}/filming"), json!({ "start": "2026-12-09", "end": "2026-12-09" }))
        .await
        .is(200);
    let back = json!({ "start": "2026-12-06", "end": "2026-12-06" });
    s.editor.send(&format!("PATCH {here}/filming"), back).await.is(200);
    assert_eq!(told(&s).await, [expected.clone(), expected]);
    let done = s.editor.send(&format!("PATCH {here}/filming"), json!({ "state": "done" })).await.body;
    assert_eq!(done["conflicts"], json!([]));

    // An entry clashes as well, with where it is.
    let entry = json!({
        "project_id": s.project, "kind": "filming", "title": "추가 촬영", "place": "강변모터스 차고지", "all_day": true,
        "start": "2026-12-05", "end": "2026-12-05", "people": [camera.id],
    });
    let entry = s.editor.send("POST /entries", entry).await.is(201).body;
    assert_eq!(entry["conflicts"][0]["b"]["project_id"], hidden);
    assert_eq!(entry["conflicts"][0]["a"]["place"], "강변모터스 차고지");
    assert_eq!(told(&s).await.len(), 3);
    let there = s.editor.call(&format!("GET /projects/{hidden}/schedule")).await.body;
    assert_eq!(there["conflicts"][0]["b"]["place"], "강변모터스 차고지");
    // A project in the trash keeps nobody busy.
    s.editor.call(&format!("DELETE /projects/{hidden}")).await.is(204);
    assert_eq!(s.editor.call("GET /gantt").await.body["conflicts"], json!([]));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_hears_of_phases_entries_and_memos_and_who_comes_back_as_well() {
    let s = Studio::at("phases-live", saturday()).await;
    let mut viewer = Screen::open(&s, &s.viewer, "").await;
    let begin = viewer.next_of("initial_state").await["seq"].clone();
    let p = s.project;
    let film = json!({ "start": "2026-12-05", "assignee_id": s.editor.id });
    let set = s.editor.send(&format!("PATCH /projects/{p}/schedule/filming"), film).await.is(200).body;
    let heard = viewer.next_of("schedule").await;
    assert_eq!((&heard["schedule"], &heard["rev"]), (&set, &set["rev"]));
    let entry = json!({ "project_id": p, "kind": "meeting", "title": "콘티 회의", "start": "2026-12-01T01:00:00Z" });
    let entry = s.editor.send("POST /entries", entry).await.is(201).id();
    let heard = viewer.next_of("entry").await;
    assert_eq!((&heard["change"], &heard["entry"]["id"]), (&json!("added"), &json!(entry)));
    s.editor.send(&format!("PUT /projects/{p}/memos/2026-12-05"), json!({ "text": "예비일" })).await.is(200);
    assert_eq!(viewer.next_of("memo").await["text"], "예비일");
    let second = json!({ "project_id": p, "kind": "other", "title": "대본", "start": "2026-12-01T01:00:00Z" });
    let gone = s.editor.send("POST /entries", second).await.is(201).id();
    s.editor.call(&format!("DELETE /entries/{gone}")).await.is(204);
    // Who was away hears how things stand.
    let mut again = Screen::open(&s, &s.viewer, &format!("&since={begin}")).await;
    assert_eq!(again.next_of("schedule").await["schedule"]["phases"], set["phases"]);
    assert_eq!(again.next_of("entry").await["entry"]["title"], "콘티 회의");
    assert_eq!(again.next_of("memo").await["text"], "예비일");
    let deleted = again.next_of("entry").await;
    assert_eq!((&deleted["change"], &deleted["entry"]["id"]), (&json!("deleted"), &json!(gone)));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_near_is_told_once_for_each_distance() {
    let s = Studio::at("phases-near", saturday()).await;
    let p = s.project;
    s.editor.send(&format!("PATCH /projects/{p}"), json!({ "deadline": "2026-12-01T09:00:00Z" })).await.is(200);
    for (phase, body) in [
        ("filming", json!({ "start": "2026-11-29", "end": "2026-11-29" })),
        ("video_edit", json!({ "end": "2026-12-01", "state": "done" })),
        ("post_work", json!({ "end": "2026-12-02" })),
    ] {
        s.editor.send(&format!("PATCH /projects/{p}/schedule/{phase}"), body).await.is(200);
    }
    let entry =
        json!({ "project_id": p, "kind": "deadline", "title": "자막 원고", "all_day": true, "start": "2026-12-01" });
    let entry = s.editor.send("POST /entries", entry).await.is(201).id();
    let near = || async {
        let (today, zone) = (schedule::today(&s.app), schedule::zone(&s.app));
        s.app.store.write(move |tx| schedule::near(tx, today, &[1, 3], &zone)).await.unwrap()
    };
    assert_eq!((near().await, near().await), (3, 0));
    s.app.clock.advance(2 * 86_400_000);
    assert_eq!(near().await, 2, "the day after is the deadline's and the entry's last reminder");
    let bodies = s.app.read(|db| {
        db.all("SELECT body FROM events WHERE verb = 'deadline_near' ORDER BY seq", params![], |r| {
            r.get::<_, String>(0)
        })
    });
    let told = |body: &String| match serde_json::from_str(body).unwrap() {
        Event::DeadlineNear { what, days, .. } => format!("{what} {days}"),
        other => panic!("{other:?}"),
    };
    let told: Vec<String> = bodies.await.unwrap().iter().map(told).collect();
    let entry = |days: i64| format!("entry:{entry} {days}");
    assert_eq!(told, ["deadline 3".into(), "phase:filming 1".into(), entry(3), "deadline 1".into(), entry(1)]);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gantt_of_many_projects_is_read_with_three_statements_in_pages() {
    let s = Studio::at("phases-many", saturday()).await;
    for i in 0..30 {
        let project = s.editor.send("POST /projects", json!({ "name": format!("프로젝트 {i:02}") })).await.is(201).id();
        if i % 10 != 0 {
            let auto = json!({ "start": format!("2027-01-{:02}", 31 - i), "skip_weekends": true });
            s.editor.send(&format!("POST /projects/{project}/schedule/auto"), auto).await.is(200);
        }
    }
    let first = s.editor.call("GET /gantt?page_size=20").await.is(200);
    assert!(first.queries() <= 3, "{}", first.queries());
    let page = first.body;
    assert_eq!((&page["count"], &page["page_info"]["total_pages"]), (&json!(31), &json!(2)));
    let firsts: Vec<&str> =
        page["results"].as_array().unwrap().iter().filter_map(|r| r["first_day"].as_str()).collect();
    assert_eq!(firsts.len(), 20);
    assert!(firsts.is_sorted(), "{firsts:?}");
    let second = s.editor.call(&format!("GET {}", page["next"].as_str().unwrap())).await.is(200).body;
    let empty = second["results"].as_array().unwrap().iter().filter(|r| r["first_day"].is_null()).count();
    assert_eq!(empty, 4, "projects without days come last");
    let near = s.editor.call("GET /gantt?from=2027-01-01&to=2027-01-05").await.is(200).body;
    assert!(near["count"].as_i64().unwrap() >= 3 && near["count"].as_i64().unwrap() < 10, "{}", near["count"]);
    let calendar = s.editor.call("GET /calendar?from=2027-01-01&to=2027-03-31").await.is(200);
    assert!(calendar.queries() <= 3, "{}", calendar.queries());
    assert_eq!(calendar.body["projects"].as_array().unwrap().len(), 31);
    assert_eq!(calendar.body["phases"].as_array().unwrap().len(), 27 * 8);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_named() {
    let s = Studio::at("phases-bad", saturday()).await;
    let (p, stranger) = (s.project, s.stranger.id);
    let schedule = format!("/projects/{p}/schedule");
    let long = "가".repeat(2_001);
    let entry = |more: Value| {
        let mut body = json!({ "project_id": p, "kind": "meeting", "title": "회의", "start": "2026-12-01T01:00:00Z" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (line, body, field) in [
        (format!("PATCH {schedule}/filming"), json!({ "start": "2026-12-02", "end": "2026-12-01" }), "end"),
        (format!("PATCH {schedule}/filming"), json!({ "start": "2026-02-30" }), "start"),
        (format!("PATCH {schedule}/filming"), json!({ "start": "1989-12-31" }), "start"),
        (format!("PATCH {schedule}/filming"), json!({ "progress": 101 }), "progress"),
        (format!("PATCH {schedule}/filming"), json!({ "state": "done", "progress": 10 }), "progress"),
        (format!("PATCH {schedule}/filming"), json!({ "assignee_id": stranger }), "assignee_id"),
        (format!("PATCH {schedule}/filming"), json!({ "after": "filming" }), "after"),
        (format!("PATCH {schedule}/filming"), json!({ "note": long }), "note"),
        (format!("PATCH {schedule}/filming"), json!({ "color": "red" }), "color"),
        (
            format!("PUT {schedule}"),
            json!({ "phases": [{ "phase": "filming" }, { "phase": "filming" }] }),
            "phases[1].phase",
        ),
        (format!("POST {schedule}/auto"), json!({ "start": "2100-12-25" }), "start"),
        (format!("PUT /projects/{p}/memos/2026-13-01"), json!({ "text": "메모" }), "day"),
        (format!("PUT /projects/{p}/memos/2026-12-01"), json!({ "text": long }), "text"),
        ("POST /entries".into(), entry(json!({ "title": " " })), "title"),
        ("POST /entries".into(), entry(json!({ "kind": "party" })), "kind"),
        ("POST /entries".into(), entry(json!({ "end": "2026-11-30T01:00:00Z" })), "end"),
        ("POST /entries".into(), entry(json!({ "start": "2101-01-01" })), "start"),
        ("POST /entries".into(), entry(json!({ "all_day": true })), "start"),
        ("POST /entries".into(), entry(json!({ "people": [stranger] })), "people"),
        ("POST /entries".into(), entry(json!({ "project_id": null, "people": [stranger] })), "people"),
        ("POST /entries".into(), entry(json!({ "people": vec![1; 51] })), "people"),
        ("GET /calendar?from=2026-01-01&to=2027-06-01".into(), json!({}), "to"),
        ("GET /calendar?from=2026-02-01&to=2026-01-01".into(), json!({}), "to"),
        ("GET /calendar?from=2026-02-01".into(), json!({}), "to"),
        ("GET /gantt?from=soon".into(), json!({}), "from"),
        ("GET /holidays?from=2026-01-01&to=2036-01-01".into(), json!({}), "to"),
    ] {
        let answer =
            if line.starts_with("GET") { s.editor.call(&line).await } else { s.editor.send(&line, body).await };
        assert_eq!(answer.status, 422, "{line}: {}", answer.body);
        assert!(!answer.field(field).is_empty(), "{line}: {}", answer.body);
    }
    s.editor.send(&format!("PATCH {schedule}/lunch"), json!({})).await.is(404);
    Client::new().get(format!("{}/api/v1/calendar.ics", s.url)).send().await.unwrap().error_for_status().unwrap_err();
    s.stop().await;
}
