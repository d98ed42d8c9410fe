//! Entries of the calendar: whose they are, who is named in them, and how other programs read them.

use icalendar::parser::{read_calendar, unfold};
use reqwest::Client;
use serde_json::{Value, json};
use videoplanet::base::clock::{Clock, Time};
use videoplanet::base::roles::Role;
use videoplanet::engines::store::{Tx, params};

use crate::answer::Answer;
use crate::rooms::Screen;
use crate::studio::Studio;

fn saturday() -> Clock {
    Clock::set_at(Time::parse("2026-11-28T03:00:00Z").unwrap().0)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_a_project_is_its_members_and_a_personal_one_its_peoples() {
    let s = Studio::at("calendar-entries", saturday()).await;
    let friend = s.member("friend", Role::Editor).await;
    let meeting = json!({
        "project_id": s.project, "kind": "meeting", "title": " 콘티 회의 ", "place": "3층", "people": [friend.id, s.viewer.id],
        "start": "2026-11-30T15:30:00Z", "end": "2026-11-30T16:30:00Z",
    });
    s.viewer.send("POST /entries", meeting.clone()).await.is(403);
    s.stranger.send("POST /entries", meeting.clone()).await.is(404);
    let made = s.editor.send("POST /entries", meeting).await.is(201).body;
    let id = made["id"].as_i64().unwrap();
    assert_eq!((&made["title"], &made["conflicts"]), (&json!("콘티 회의"), &json!([])));
    // Half past midnight in Seoul.
    assert_eq!((&made["first_day"], &made["last_day"]), (&json!("2026-12-01"), &json!("2026-12-01")));
    let line = format!("/entries/{id}");
    let seen = s.viewer.call(&format!("GET {line}")).await.is(200).body;
    assert_eq!((&seen["people"], seen.get("conflicts")), (&json!([s.viewer.id, friend.id]), None));
    assert_eq!(seen["persons"][1]["nickname"], "friend");
    s.stranger.call(&format!("GET {line}")).await.is(404);
    s.viewer.send(&format!("PATCH {line}"), json!({ "title": "x" })).await.is(403);

    // Who moves the beginning moves the whole; who is left out is out.
    let patch = json!({ "start": "2026-12-02T01:00:00Z", "people": [friend.id] });
    let stale = friend.line(&format!("PATCH {line}")).header("If-Match", "\"r7\"").json(&patch);
    Answer::of(stale).await.is(412);
    let moved = friend.send(&format!("PATCH {line}"), patch).await.is(200).body;
    assert_eq!((&moved["end"], &moved["people"]), (&json!("2026-12-02T02:00:00.000Z"), &json!([friend.id])));
    assert_eq!(s.viewer.call(&format!("GET {line}")).await.is(200).body["people"], json!([friend.id]));

    // A personal one is there for its author and its people alone; only the author changes it.
    let mut own = Screen::own(&s, &friend, "").await;
    own.next_of("initial_state").await;
    let holiday = json!({
        "kind": "personal", "title": "휴가", "all_day": true, "start": "2026-12-24", "end": "2026-12-26", "people": [friend.id],
    });
    let personal = s.viewer.send("POST /entries", holiday).await.is(201).body;
    own.next_of("dashboard").await;
    let line = format!("/entries/{}", personal["id"]);
    assert_eq!((&personal["first_day"], &personal["last_day"]), (&json!("2026-12-24"), &json!("2026-12-26")));
    friend.call(&format!("GET {line}")).await.is(200);
    friend.send(&format!("PATCH {line}"), json!({ "title": "x" })).await.is(403);
    s.editor.call(&format!("GET {line}")).await.is(404);
    s.editor.call(&format!("DELETE {line}")).await.is(404);
    for (who, seen) in [(&s.viewer, 2), (&friend, 2), (&s.editor, 1), (&s.stranger, 0)] {
        let calendar = who.call("GET /calendar?from=2026-12-01&to=2026-12-31").await.is(200).body;
        assert_eq!(calendar["entries"].as_array().unwrap().len(), seen, "{}", calendar["entries"]);
    }
    // An edge of the range is part of it.
    let edge = s.viewer.call("GET /calendar?from=2026-12-26&to=2026-12-31").await.body;
    assert_eq!(edge["entries"].as_array().unwrap().len(), 1);
    s.viewer.call(&format!("DELETE {line}")).await.is(204);
    friend.call(&format!("GET {line}")).await.is(404);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_has_one_memo_which_an_empty_text_takes_away() {
    let s = Studio::at("calendar-memos", saturday()).await;
    let line = format!("/projects/{}/memos", s.project);
    let put = |day: &str| format!("PUT {line}/{day}");
    s.viewer.send(&put("2026-12-01"), json!({ "text": "메모" })).await.is(403);
    for text in ["우천 시 실내 스튜디오로 변경", "우천 시 실내 스튜디오로 변경 (예비일 12월 3일)"]
    {
        s.editor.send(&put("2026-12-01"), json!({ "text": text })).await.is(200);
    }
    s.editor.send(&put("2026-12-05"), json!({ "text": "후반 작업 순서 확인" })).await.is(200);
    let memos = s.viewer.call(&format!("GET {line}")).await.is(200).body["memos"].clone();
    let texts: Vec<&str> = memos.as_array().unwrap().iter().map(|m| m["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["후반 작업 순서 확인", "우천 시 실내 스튜디오로 변경 (예비일 12월 3일)"]);
    let gone = s.editor.send(&put("2026-12-05"), json!({ "text": " " })).await.is(200).body;
    assert_eq!(gone["text"], "");
    let calendar = s.viewer.call("GET /calendar?from=2026-12-01&to=2026-12-31").await.body;
    assert_eq!(calendar["memos"].as_array().unwrap().len(), 1);
    s.stop().await;
}

/// The events of a calendar, as a calendar program reads it: name → value of each.
fn read(text: &str) -> Vec<Vec<(String, String)>> {
    let unfolded = unfold(text);
    let calendar = read_calendar(&unfolded).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let property = |p: &icalendar::parser::Property| (p.name.to_string(), p.val.to_string());
    calendar.components.iter().map(|c| c.properties.iter().map(property).collect()).collect()
}

fn value<'a>(event: &'a [(String, String)], name: &str) -> &'a str {
    event.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_programs_read_the_calendar_by_a_secret_link() {
    let s = Studio::at("calendar-ics", saturday()).await;
    let p = s.project;
    s.editor.send(&format!("PATCH /projects/{p}"), json!({ "deadline": "2026-12-18T09:00:00Z" })).await.is(200);
    let film =
        json!({ "start": "2026-12-07", "end": "2026-12-08", "assignee_id": s.viewer.id, "note": "우천 시; 실내" });
    s.editor.send(&format!("PATCH /projects/{p}/schedule/filming"), film).await.is(200);
    let entry = json!({
        "project_id": p, "kind": "meeting", "title": "콘티 회의, 2차", "place": "3층 회의실", "start": "2026-12-01T01:00:00Z",
        "end": "2026-12-01T02:00:00Z",
    });
    s.editor.send("POST /entries", entry).await.is(201);
    let personal = json!({ "kind": "personal", "title": "병원", "all_day": true, "start": "2026-12-03" });
    s.editor.send("POST /entries", personal).await.is(201);

    let none = s.viewer.call("GET /me/calendar-feed").await.is(200).body;
    assert_eq!(none, json!({ "url": null, "created": null, "read_at": null }));
    let made = s.viewer.call("POST /me/calendar-feed").await.is(201).body;
    let url = made["url"].as_str().unwrap().to_owned();
    assert!(url.contains("/api/v1/calendar.ics?token=vp_c_"), "{url}");
    let again = s.viewer.call("GET /me/calendar-feed").await.body;
    assert_eq!((&again["url"], &again["created"]), (&Value::Null, &made["created"]));

    let answer = Answer::of(Client::new().get(&url)).await.is(200);
    assert_eq!(answer.header("content-type"), "text/calendar; charset=utf-8");
    assert!(answer.queries() <= 3 + 1, "{}", answer.queries());
    let Value::String(text) = answer.body.clone() else { panic!("no calendar") };
    assert!(text.contains("\r\n") && text.split("\r\n").all(|l| l.len() <= 75));
    let events = read(&text);
    let find = |uid: &str| events.iter().find(|e| value(e, "UID").starts_with(uid)).unwrap_or_else(|| panic!("{uid}"));
    assert_eq!(events.len(), 3, "the other's own entry is not among them: {events:?}");
    let filming = find(&format!("phase-{p}-filming@"));
    assert_eq!((value(filming, "DTSTART"), value(filming, "DTEND")), ("20261207", "20261209"));
    assert_eq!((value(filming, "SEQUENCE"), value(filming, "STATUS")), ("1", "TENTATIVE"));
    assert!(value(filming, "SUMMARY").contains("가을 광고"));
    let meeting = find("entry-");
    assert_eq!((value(meeting, "DTSTART"), value(meeting, "DTEND")), ("20261201T010000Z", "20261201T020000Z"));
    assert!(value(meeting, "SUMMARY").contains("콘티 회의") && value(meeting, "LOCATION").contains("3층"));
    assert_eq!(value(find("deadline-"), "DTSTART"), "20261218");

    // The same calendar has the same tag; a change has another one, and the same UID.
    let tag = answer.header("etag").to_owned();
    Answer::of(Client::new().get(&url).header("if-none-match", &tag)).await.is(304);
    s.editor.send(&format!("PATCH /projects/{p}/schedule/filming"), json!({ "progress": 30 })).await.is(200);
    let changed = Answer::of(Client::new().get(&url).header("if-none-match", &tag)).await.is(200);
    let Value::String(text) = changed.body else { panic!("no calendar") };
    let events = read(&text);
    let filming = events.iter().find(|e| value(e, "UID").starts_with("phase-")).unwrap();
    assert_eq!((value(filming, "SEQUENCE"), value(filming, "STATUS")), ("2", "CONFIRMED"));
    assert!(s.viewer.call("GET /me/calendar-feed").await.body["read_at"].is_string());

    // A renewed link ends the one before, a link opens nothing else, and who is out of the project reads it no more.
    let next = s.viewer.call("POST /me/calendar-feed").await.is(201).body["url"].as_str().unwrap().to_owned();
    Answer::of(Client::new().get(&url)).await.is(404);
    let token = next.split_once("token=").unwrap().1;
    Answer::of(Client::new().get(format!("{}/api/v1/me", s.url)).bearer_auth(token)).await.is(401);
    s.drop_viewer().await;
    let Value::String(text) = Answer::of(Client::new().get(&next)).await.is(200).body else { panic!("no calendar") };
    assert_eq!(read(&text), Vec::<Vec<_>>::new());
    // A locked account's link ends with it.
    let viewer = s.viewer.id;
    let lock = move |tx: &mut Tx| tx.execute("UPDATE users SET locked = 1 WHERE id = ?1", params![viewer]);
    s.app.store.write(lock).await.unwrap();
    Answer::of(Client::new().get(&next)).await.is(404);
    for bad in ["", "vp_c_x", "vp_s_x", &"x".repeat(5_000)] {
        let answer = Answer::of(Client::new().get(format!("{}/api/v1/calendar.ics?token={bad}", s.url))).await;
        assert_eq!(answer.status, 404, "{bad:.9}");
    }
    s.stop().await;
}
