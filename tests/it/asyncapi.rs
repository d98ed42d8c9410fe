//! The AsyncAPI document against the program: its references and examples, what clients may say, and every frame of two
//! people's real work.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Client;
use serde_json::{Value, json};
use videoplanet::base::clock::{Clock, MINUTE, Time};
use videoplanet::base::roles::Role;
use videoplanet::config::Config;
use videoplanet::domain::feedback;

use crate::answer::Answer;
use crate::rooms::{Screen, make};
use crate::schema::{misfits, references};
use crate::studio::Studio;

/// The document, read as a client's author would.
struct Document(Value);

impl Document {
    async fn of(s: &Studio) -> Document {
        Document(Answer::of(Client::new().get(format!("{}/api/asyncapi.json", s.url))).await.is(200).body)
    }

    /// What a reference leads to, also over several steps.
    fn at(&self, reference: &Value) -> &Value {
        let found = self.0.pointer(&reference["$ref"].as_str().unwrap()[1..]).unwrap();
        if found.get("$ref").is_some() { self.at(found) } else { found }
    }

    /// The operations of a channel in which the program acts so (`send`, `receive`).
    fn operations<'a>(&'a self, channel: &str, action: &'a str) -> impl Iterator<Item = (&'a String, &'a Value)> {
        let channel = format!("#/channels/{channel}");
        let all = self.0["operations"].as_object().unwrap().iter();
        all.filter(move |(_, o)| o["channel"]["$ref"] == *channel && o["action"] == action)
    }

    /// What the server says on a channel: type, schema of its payload.
    fn server(&self, channel: &str) -> BTreeMap<&str, &Value> {
        let told = self.operations(channel, "send").flat_map(|(_, o)| o["messages"].as_array().unwrap());
        let answers = self.operations(channel, "receive").flat_map(|(_, o)| o["reply"]["messages"].as_array().unwrap());
        told.chain(answers).map(|m| self.at(m)).map(|m| (m["name"].as_str().unwrap(), &m["payload"])).collect()
    }

    /// What clients say on a channel: type, message.
    fn client(&self, channel: &str) -> BTreeMap<&str, &Value> {
        let messages = self.operations(channel, "receive").flat_map(|(_, o)| o["messages"].as_array().unwrap());
        messages.map(|m| self.at(m)).map(|m| (m["name"].as_str().unwrap(), m)).collect()
    }

    /// Every (path, schema) of an object that must be there, also within others.
    fn needed(&self, schema: &Value, within: &[&str]) -> Vec<Vec<String>> {
        if schema.get("$ref").is_some() {
            return self.needed(self.at(schema), within);
        }
        let mut found = Vec::new();
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let path: Vec<&str> = within.iter().copied().chain([name]).collect();
            found.extend(self.needed(&schema["properties"][name], &path));
            found.push(path.into_iter().map(str::to_owned).collect());
        }
        found
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_holds_together() {
    let s = Studio::start("asyncapi").await;
    let document = Document::of(&s).await;
    let d = &document.0;
    assert_eq!((&d["asyncapi"], &d["info"]["version"]), (&json!("3.0.0"), &json!(env!("CARGO_PKG_VERSION"))));
    let found = references(d);
    assert!(found.len() > 50);
    let lost: Vec<_> = found.iter().filter(|r| d.pointer(r.strip_prefix('#').unwrap()).is_none()).collect();
    assert!(lost.is_empty(), "{lost:?}");

    // Nothing is described that nobody says: messages hang in channels, these in operations.
    for (key, message) in d["components"]["messages"].as_object().unwrap() {
        assert!(found.contains(&format!("#/components/messages/{key}")), "{key}");
        assert!(message["summary"].is_string() || message["title"].is_string(), "{key}");
        for example in message["examples"].as_array().unwrap() {
            let mut wrong = Vec::new();
            misfits(d, &message["payload"], &example["payload"], key, &mut wrong);
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        }
    }
    for (channel, of) in d["channels"].as_object().unwrap() {
        for key in of["messages"].as_object().unwrap().keys() {
            assert!(found.contains(&format!("#/channels/{channel}/messages/{key}")), "{channel}: {key}");
        }
    }
    for key in d["components"]["schemas"].as_object().unwrap().keys() {
        assert!(found.contains(&format!("#/components/schemas/{key}")), "{key}");
    }

    // What the HTTP API names as well is the same there.
    let api = Answer::of(Client::new().get(format!("{}/api/openapi.json", s.url))).await.is(200).body;
    let (ours, theirs) = (&d["components"]["schemas"], &api["components"]["schemas"]);
    let shared: Vec<_> = ours.as_object().unwrap().keys().filter(|name| theirs.get(*name).is_some()).collect();
    assert!(shared.len() > 10, "{shared:?}");
    for name in shared {
        assert_eq!(ours[name], theirs[name], "{name}");
    }
    let mut said = ours["RoomComment"].clone();
    said["properties"].as_object_mut().unwrap().remove("feedback_id");
    assert_eq!(said["properties"], theirs["NewComment"]["properties"]);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn close_codes_are_those_of_the_program() {
    let s = Studio::start("asyncapi-codes").await;
    let document = Document::of(&s).await;
    let about = document.0["info"]["description"].as_str().unwrap();
    let is_code = |text: &&str| text.parse::<u16>().is_ok();
    let told: BTreeSet<&str> = about.lines().filter_map(|l| l.strip_prefix("| ")?.get(..4)).filter(is_code).collect();
    let source = sources();
    let mut known: BTreeSet<&str> =
        source.split("Close").skip(1).filter_map(|rest| rest.split_once('(')?.1.get(..4)).filter(is_code).collect();
    known.insert("1000"); // said by who leaves
    assert_eq!(told, known);
    s.stop().await;
}

/// The live protocol's own files.
fn sources() -> String {
    let files = std::fs::read_dir(format!("{}/src/server/ws", env!("CARGO_MANIFEST_DIR"))).unwrap();
    files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

/// An example with ids of things that are there.
fn filled(value: &mut Value, ids: &[(&str, i64)]) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match ids.iter().find(|(n, _)| n == name) {
                    Some((_, id)) => *value = (*id).into(),
                    None => filled(value, ids),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|v| filled(v, ids)),
        _ => {}
    }
}

/// Takes the field at `path` out.
fn without(value: &Value, path: &[String]) -> Value {
    let mut value = value.clone();
    let (last, way) = path.split_last().unwrap();
    let object = way.iter().fold(&mut value, |at, name| &mut at[name]);
    object.as_object_mut().unwrap().remove(last).unwrap();
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_may_say_is_taken_and_nothing_else() {
    let clock = Clock::set_at(1_800_000_000_000);
    let unhurried = |c: &mut Config| (c.rooms.per_second, c.accounts.session_days) = (10_000, 3650);
    let s = Studio::opened("asyncapi-said", clock.clone(), unhurried).await;
    let document = Document::of(&s).await;
    let media = s.editor.upload(s.feedback, "a.mp4", b"bytes").await;
    let path = format!("/feedbacks/{}/comments", s.feedback);
    let mut editor = Screen::open(&s, &s.editor, "").await;
    let mut line = Screen::own(&s, &s.editor, "").await;
    s.make_reviewer().await;
    let mut other = Screen::open(&s, &s.viewer, "").await;
    let ids = |comment| [("comment_id", comment), ("feedback_id", s.feedback.0), ("media_id", media)];
    let room = document.client("room");
    let mut start = room["lead_start"]["examples"][0]["payload"].clone();
    filled(&mut start, &ids(0));
    for (kind, message) in &room {
        let comment = s.editor.send(&format!("POST {path}"), json!({ "text": "의견" })).await.is(201).id();
        let mut example = message["examples"][0]["payload"].clone();
        filled(&mut example, &ids(comment));
        // Who follows needs a leader, who leads must have begun.
        let leader = match *kind {
            "follow" => Some(&mut other),
            "lead_move" | "lead_stroke" | "lead_clear" | "lead_end" => Some(&mut editor),
            _ => None,
        };
        if let Some(leader) = leader {
            leader.say(start.clone()).await;
            leader.next_of("ack").await;
        }
        for path in document.needed(&message["payload"], &[]).iter().filter(|p| p[0] != "type") {
            editor.say(without(&example, path)).await;
            let error = editor.next_of("error").await;
            let name = path.last().unwrap();
            let named = error["fields"].as_object().into_iter().flatten().any(|(at, _)| at.ends_with(name.as_str()));
            assert!(error["code"] == "invalid" && named, "{kind} without {path:?}: {error}");
        }
        example["client_id"] = "named".into();
        editor.say(example.clone()).await;
        for answer in editor.until_now().await {
            assert_ne!(answer["type"], "error", "{example}: {answer}");
            assert!(answer["type"] != "ack" || answer["action"] == *kind && answer["client_id"] == "named", "{answer}");
        }
        other.say(json!({ "type": "lead_end" })).await;
        other.until_now().await;
    }
    // Whatever else stands in the program's text is no message.
    let source = sources();
    let word = |w: &&str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let words: BTreeSet<&str> = source.split('"').filter(word).collect();
    assert!(words.contains("typing_indicator") && words.len() > 40);
    for (screen, channel) in [(&mut editor, "room"), (&mut line, "me")] {
        let known = document.client(channel);
        for (n, word) in words.iter().filter(|w| !known.contains_key(**w)).enumerate() {
            if n % 30 == 0 {
                clock.advance(MINUTE); // his share is whole again
            }
            screen.say(json!({ "type": word })).await;
            assert_eq!(screen.next_of("error").await["code"], "unknown_type", "{channel}: {word}");
        }
    }
    s.stop().await;
}

/// Holds every frame that a screen has seen to the document; answers the types that were among them.
fn held(document: &Document, channel: &str, screen: &Screen, heard: &mut BTreeSet<String>) {
    let server = document.server(channel);
    for frame in &screen.frames {
        let kind = frame["type"].as_str().unwrap();
        let schema = server.get(kind).unwrap_or_else(|| panic!("{channel}: {kind} is not described"));
        let mut wrong = Vec::new();
        misfits(&document.0, schema, frame, kind, &mut wrong);
        assert!(wrong.is_empty(), "{}\n{frame}", wrong.join("\n"));
        heard.insert(kind.to_owned());
        let inner = frame["messages"].as_array().into_iter().flatten();
        heard.extend(inner.map(|m| m["type"].as_str().unwrap().to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_of_two_peoples_work_is_as_the_document_says() {
    let s = Studio::start("asyncapi-work").await;
    s.make_reviewer().await;
    s.work().await;
    let document = Document::of(&s).await;
    let (f, p) = (s.feedback, s.project);
    let mut editor = Screen::open(&s, &s.editor, "").await;
    let mut other = Screen::open(&s, &s.viewer, "").await;
    let mut line = Screen::own(&s, &s.viewer, "").await;
    let begin = other.next_of("initial_state").await["seq"].clone();
    let line_begin = line.next_of("initial_state").await["seq"].clone();

    // A film: what is told of it on its way, and that others look at it.
    let film = s.dir.film("-f lavfi -i testsrc=d=1:s=160x120 -f lavfi -i sine=d=1 -pix_fmt yuv420p film.mp4");
    let media = s.publish("시사.mp4", &film).await["id"].as_i64().unwrap();
    other.next_of("media_ready").await;
    editor.say(json!({ "type": "cursor", "media_id": media, "ms": 400 })).await;
    other.next_of("cursor").await;
    for is_typing in [true, false] {
        editor.say(json!({ "type": "typing_indicator", "feedback_id": f, "is_typing": is_typing })).await;
        other.next_of("typing").await;
    }

    // Comments: an anonymous one with all that it can have, one for the team.
    let add = json!({
        "feedback_id": f, "text": "익명 의견", "title": "자막", "section": "00:00~00:01", "security": true, "frame": 3,
        "media_id": media, "drawing": [{ "points": [[0.1, 0.2]] }],
    });
    other.say(json!({ "type": "comment_add", "client_id": "c-1", "comment": add })).await;
    let comment = other.next_of("ack").await["comment"]["id"].clone();
    other.say(json!({ "type": "comment_add", "client_id": "c-1", "comment": add })).await;
    assert_eq!(other.next_of("ack").await["comment"]["id"], comment);
    let of = |kind: &str, more: Value| {
        let mut message = json!({ "type": kind, "comment_id": comment });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    other.say(of("comment_edit", json!({ "comment": { "text": "고친 의견" } }))).await;
    editor.say(of("comment_resolve", json!({ "resolved": true }))).await;
    editor.say(of("reaction_add", json!({ "kind": "like" }))).await;
    editor.say(of("reaction_remove", json!({ "kind": "like" }))).await;
    editor
        .say(json!({ "type": "comment_add", "comment": { "feedback_id": f, "text": "팀만", "internal": true } }))
        .await;
    editor.until_now().await;
    other.say(of("comment_delete", json!({ "client_id": "c-2" }))).await;
    other.until_now().await;

    // Watching together.
    let lead =
        json!({ "type": "lead_start", "feedback_id": f, "media_id": media, "ms": 0, "playing": true, "rate": 1.5 });
    editor.say(lead.clone()).await;
    other.next_of("lead").await;
    other.say(json!({ "type": "follow", "feedback_id": f, "on": true, "client_id": "f-1" })).await;
    other.next_of("ack").await;
    editor.next_of("lead_followers").await;
    editor.say(json!({ "type": "lead_move", "media_id": media, "ms": 500, "playing": false, "rate": 1 })).await;
    other.next_of("lead_moved").await;
    for points in [json!([[0.1, 0.2], [0.3, 0.4]]), json!([[0.5, 1]])] {
        let stroke = json!({ "id": "s1", "color": "#ff3b30", "width": 0.004, "points": points });
        editor.say(json!({ "type": "lead_stroke", "stroke": stroke })).await;
        other.next_of("lead_stroke").await;
    }
    let mut late = Screen::open(&s, &s.viewer, "").await;
    let strokes = late.next_of("initial_state").await["leads"][0]["strokes"].clone();
    assert_eq!(strokes[0]["points"].as_array().map(Vec::len), Some(3), "{strokes}");
    let mut again = Screen::open(&s, &s.viewer, &format!("&since={begin}")).await;
    again.next_of("lead").await;
    editor.say(json!({ "type": "lead_clear" })).await;
    other.next_of("lead_cleared").await;

    // What is refused: each code that a client can bring about.
    let missing = json!({ "type": "comment_delete", "comment_id": 999_999 });
    let move_ = json!({ "type": "lead_move", "media_id": media, "ms": 1, "playing": true, "rate": 1 });
    for (message, code) in [
        (json!({ "type": "dance" }), "unknown_type"),
        (json!({ "type": "comment_edit", "client_id": "e-1" }), "invalid"),
        (missing, "not_found"),
        (lead, "conflict"),
        (move_, "not_leading"),
    ] {
        other.say(message).await;
        assert_eq!(other.next_of("error").await["code"], code);
    }
    for _ in 0..11 {
        other.say(json!({ "type": "comment_add", "comment": { "feedback_id": f } })).await;
    }
    let refused = other.until_now().await;
    assert!(refused.iter().any(|m| m["code"] == "rate_limited"), "{refused:?}");
    editor.say(json!({ "type": "lead_end" })).await;
    assert_eq!(other.next_of("lead").await["leader"], Value::Null);

    // The feedback: decided, closed with a notice, another one deleted; the version deleted.
    s.viewer.send(&format!("PUT /feedbacks/{f}/decision"), json!({ "decision": "approve" })).await.is(200);
    s.editor.send(&format!("PATCH /feedbacks/{f}"), json!({ "status": "closed", "priority": "high" })).await.is(200);
    s.app.write(move |tx| feedback::trash::announce(tx, p, f, Time(4_000_000_000_000))).await.unwrap();
    s.editor.send(&format!("PATCH /feedbacks/{f}"), json!({ "status": "open" })).await.is(200);
    let second = s.editor.send(&format!("POST /projects/{p}/feedbacks"), json!({ "title": "2차" })).await.is(201).id();
    s.editor.call(&format!("DELETE /feedbacks/{second}")).await.is(204);
    s.editor.call(&format!("DELETE /media/{media}")).await.is(204);
    other.next_of("media_deleted").await;

    // A plan: made, drafted, written, deleted.
    let plan = s.editor.send(&format!("POST /projects/{p}/plans"), json!({ "title": "기획안" })).await.is(201).id();
    s.editor.send(&format!("POST /plans/{plan}/storyboard"), json!({})).await.is(202);
    other.next_of("plan_progress").await;
    while other.next_of("plan").await["change"] != "storyboard" {}
    s.editor.send(&format!("PATCH /plans/{plan}/shots/7"), json!({ "title": "유리창" })).await.is(200);
    s.editor.send(&format!("PATCH /plans/{plan}"), json!({ "status": "in_review" })).await.is(200);
    s.editor.call(&format!("DELETE /plans/{plan}")).await.is(204);
    while other.next_of("plan").await["change"] != "deleted" {}
    // The schedule: a filming day that clashes with another project's, an entry that comes and goes, a memo.
    let elsewhere = s.editor.send("POST /projects", json!({ "name": "다른 촬영" })).await.is(201).id();
    for project in [elsewhere, p.0] {
        let film = json!({ "start": "2099-12-01", "end": "2099-12-02", "assignee_id": s.editor.id });
        s.editor.send(&format!("PATCH /projects/{project}/schedule/filming"), film).await.is(200);
    }
    let meeting = json!({ "project_id": p, "kind": "meeting", "title": "콘티 회의", "start": "2099-12-01", "people": [s.editor.id] });
    let meeting = s.editor.send("POST /entries", meeting).await.is(201).id();
    s.editor.send(&format!("PATCH /entries/{meeting}"), json!({ "place": "3층 회의실" })).await.is(200);
    let gone = json!({ "project_id": p, "kind": "other", "title": "대본", "start": "2099-12-01" });
    let gone = s.editor.send("POST /entries", gone).await.is(201).id();
    s.editor.call(&format!("DELETE /entries/{gone}")).await.is(204);
    s.editor.send(&format!("PUT /projects/{p}/memos/2099-12-01"), json!({ "text": "예비일" })).await.is(200);
    other.next_of("memo").await;

    // All of it again, for who was away; and what one person hears of his own.
    let mut replay = Screen::open(&s, &s.editor, &format!("&since={begin}")).await;
    replay.until_now().await;
    for role in [Role::Viewer, Role::Editor] {
        make(&s, role).await;
        assert_eq!(line.next_of("membership").await["role"], json!(role));
    }
    let mut missed = Screen::own(&s, &s.viewer, &format!("&since={line_begin}")).await;
    missed.next_of("dashboard").await;
    missed.say(json!({ "type": "cursor", "media_id": media, "ms": 1 })).await;
    assert_eq!(missed.next_of("error").await["code"], "unknown_type");
    // Told by the journal: where he is named.
    let named = json!({ "text": "@viewer 봐 주세요" });
    s.editor.send(&format!("POST /feedbacks/{f}/comments"), named).await.is(201);
    line.next_of("notification").await;
    Answer::of(s.viewer.line("POST /notifications/read-all").json(&json!({}))).await.is(200);
    line.next_of("notifications_read").await;
    s.drop_viewer().await;
    while line.next_of("membership").await["role"] != Value::Null {}
    line.until_now().await;
    missed.until_now().await;
    editor.until_now().await;

    for (channel, screens) in [("room", vec![&editor, &other, &late, &again, &replay]), ("me", vec![&line, &missed])] {
        let mut heard = BTreeSet::new();
        screens.iter().for_each(|screen| held(&document, channel, screen, &mut heard));
        // And nothing is described that nobody hears.
        let told: BTreeSet<String> = document.server(channel).keys().map(|kind| kind.to_string()).collect();
        assert!(told.is_subset(&heard), "{:?}", told.difference(&heard));
    }
    s.stop().await;
}
