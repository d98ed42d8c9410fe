//! Live rooms: what one does the others see, in order and once; who may not hear does not.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use videoplanet::base::clock::Time;
use videoplanet::base::ids::ProjectId;
use videoplanet::base::roles::Role;
use videoplanet::domain::accounts::Viewer;
use videoplanet::domain::feedback;
use videoplanet::domain::projects::members;

use crate::studio::{Someone, Studio};

/// A frame that is due comes within it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Somebody's window on a room.
pub struct Screen {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Messages of a batch that have not been looked at.
    waiting: std::collections::VecDeque<Value>,
    /// How long the next frame may take.
    pub patience: Duration,
    /// Every frame that came, as it came.
    pub frames: Vec<Value>,
}

impl Screen {
    pub async fn open(studio: &Studio, who: &Someone, query: &str) -> Screen {
        Screen::at(url(studio, studio.project, &format!("token={}{query}", who.token))).await
    }

    /// On one's own room.
    pub async fn own(studio: &Studio, who: &Someone, query: &str) -> Screen {
        let base = studio.url.replacen("http", "ws", 1);
        Screen::at(format!("{base}/ws/me?token={}{query}", who.token)).await
    }

    async fn at(url: String) -> Screen {
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        Screen::of(socket)
    }

    fn of(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Screen {
        Screen { socket, waiting: Default::default(), patience: PATIENCE, frames: Vec::new() }
    }

    /// The next frame; a batch comes as its messages.
    pub async fn next(&mut self) -> Value {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return message;
            }
            let frame = tokio::time::timeout(self.patience, self.socket.next()).await;
            match frame.expect("something in time").expect("an open line").unwrap() {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    self.frames.push(frame.clone());
                    match frame["messages"].as_array() {
                        Some(messages) => self.waiting.extend(messages.iter().cloned()),
                        None => return frame,
                    }
                }
                Message::Close(frame) => {
                    let frame = frame.map(|f| (u16::from(f.code), f.reason.to_string()));
                    return json!({ "type": "closed", "code": frame.as_ref().map(|f| f.0), "reason": frame.map(|f| f.1) });
                }
                _ => {}
            }
        }
    }

    /// The next of this type; others are passed over.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
            assert_ne!(message["type"], "closed", "while waiting for {kind}");
        }
    }

    pub async fn say(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// What arrives until the answer to a ping, which comes behind everything.
    pub async fn until_now(&mut self) -> Vec<Value> {
        self.say(json!({ "type": "ping" })).await;
        let mut all = Vec::new();
        loop {
            let message = self.next().await;
            if message["type"] == "pong" {
                // A batch may be gathering still.
                tokio::time::sleep(Duration::from_millis(150)).await;
                self.say(json!({ "type": "ping" })).await;
                loop {
                    let message = self.next().await;
                    if message["type"] == "pong" {
                        return all;
                    }
                    all.push(message);
                }
            }
            all.push(message);
        }
    }

    pub async fn closed(&mut self) -> u64 {
        self.closed_with().await.0
    }

    /// The close code and its reason.
    pub async fn closed_with(&mut self) -> (u64, String) {
        loop {
            let message = self.next().await;
            if message["type"] == "closed" {
                return (message["code"].as_u64().unwrap_or(0), message["reason"].as_str().unwrap_or("").to_owned());
            }
        }
    }
}

fn url(studio: &Studio, project: ProjectId, query: &str) -> String {
    format!("{}/ws/projects/{project}?{query}", studio.url.replacen("http", "ws", 1))
}

async fn comment(studio: &Studio, who: &Someone, body: Value) -> Value {
    let path = format!("/feedbacks/{}/comments", studio.feedback);
    let response = who.ask(Method::POST, &path).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 201);
    response.json().await.unwrap()
}

/// Gives the viewer of the studio another role.
pub async fn make(studio: &Studio, role: Role) {
    let who = Viewer::of_token(&studio.app, &studio.editor.token).await.unwrap().unwrap();
    members::change(&studio.app, &who, studio.project, studio.viewer.id, role).await.unwrap();
}

#[tokio::test]
async fn what_one_says_the_other_sees_at_once() {
    let studio = Studio::start("room").await;
    comment(&studio, &studio.editor, json!({ "text": "첫 코멘트" })).await;
    let mut editor = Screen::open(&studio, &studio.editor, "").await;
    let state = editor.next().await;
    assert_eq!((&state["type"], &state["project_id"]), (&json!("initial_state"), &json!(studio.project)));
    assert_eq!(state["comments"][0]["text"], "첫 코멘트");
    assert_eq!(state["online"], json!([{ "id": studio.editor.id, "nickname": "editor" }]));
    assert_eq!((&state["count"], &state["leads"]), (&json!(1), &json!([])));

    let mut viewer = Screen::open(&studio, &studio.viewer, "").await;
    viewer.next_of("initial_state").await;
    let online = editor.next_of("presence").await["online"].as_array().unwrap().len();
    assert_eq!(online, 2);

    // Over the socket: an answer for the one, a message for the other, in well under 200 ms.
    let start = std::time::Instant::now();
    let add = json!({ "feedback_id": studio.feedback, "text": "자막이 빨라요", "section": "00:07" });
    editor.say(json!({ "type": "comment_add", "client_id": "c-1", "comment": add })).await;
    let seen = viewer.next_of("comment").await;
    assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
    assert_eq!((&seen["comment"]["text"], &seen["comment"]["start_ms"]), (&json!("자막이 빨라요"), &json!(7000)));
    assert_eq!(seen["comment"]["client_id"], Value::Null);
    let own = editor.next_of("comment").await;
    assert_eq!((&own["comment"]["is_mine"], &own["comment"]["client_id"]), (&json!(true), &json!("c-1")));
    let ack = editor.next_of("ack").await;
    assert_eq!((&ack["client_id"], &ack["seq"]), (&json!("c-1"), &own["seq"]));
    assert_eq!(ack["comment"]["id"], seen["comment"]["id"]);

    // Over REST it comes the same way.
    comment(&studio, &studio.editor, json!({ "text": "REST로" })).await;
    assert_eq!(viewer.next_of("comment").await["comment"]["text"], "REST로");

    let id = &seen["comment"]["id"];
    editor.say(json!({ "type": "comment_edit", "comment_id": id, "comment": { "text": "자막이 느려요" } })).await;
    assert_eq!(viewer.next_of("comment_changed").await["comment"]["text"], "자막이 느려요");
    editor.say(json!({ "type": "comment_edit", "comment_id": id, "text": "자막이 맞아요" })).await;
    assert_eq!(viewer.next_of("comment_changed").await["comment"]["text"], "자막이 맞아요");
    editor.say(json!({ "type": "comment_resolve", "comment_id": id })).await;
    assert_eq!(viewer.next_of("comment_changed").await["comment"]["resolved_by"]["nickname"], "editor");
    editor.say(json!({ "type": "reaction_add", "comment_id": id, "kind": "like" })).await;
    assert_eq!(viewer.next_of("reaction").await["reactions"]["like"], 1);
    editor.say(json!({ "type": "reaction_remove", "comment_id": id, "kind": "like" })).await;
    assert_eq!(viewer.next_of("reaction").await["reactions"]["like"], 0);
    editor.say(json!({ "type": "comment_delete", "comment_id": id })).await;
    assert_eq!(viewer.next_of("comment_deleted").await["comment_id"], *id);

    editor.say(json!({ "type": "typing_indicator", "feedback_id": studio.feedback, "is_typing": true })).await;
    let typing = viewer.next_of("typing").await;
    assert_eq!((&typing["user"]["nickname"], &typing["is_typing"]), (&json!("editor"), &json!(true)));
    editor.say(json!({ "type": "cursor", "media_id": 3, "ms": 1200 })).await;
    assert_eq!(viewer.next_of("cursor").await["ms"], 1200);
    // Who comes later sees where he looks.
    let late = Screen::open(&studio, &studio.member("late", Role::Viewer).await, "").await.next().await;
    assert_eq!(late["online"][0]["looking"], json!({ "media_id": 3, "ms": 1200 }));
    let heard = editor.until_now().await;
    assert!(heard.iter().all(|m| m["type"] != "typing" && m["type"] != "cursor"), "{heard:?}");
    studio.stop().await;
}

#[tokio::test]
async fn what_was_missed_is_told_from_the_rows_as_they_stand() {
    let studio = Studio::start("replay").await;
    let mut viewer = Screen::open(&studio, &studio.viewer, "").await;
    let seq = viewer.next().await["seq"].as_i64().unwrap();
    drop(viewer);
    let mut ids = Vec::new();
    for n in 0..25 {
        ids.push(comment(&studio, &studio.editor, json!({ "text": format!("{n}") })).await["id"].clone());
    }
    let path = format!("/comments/{}", ids[3]);
    studio.editor.ask(Method::PATCH, &path).json(&json!({ "text": "달라졌어요" })).send().await.unwrap();
    let path = format!("/comments/{}", ids[4]);
    studio.editor.ask(Method::DELETE, &path).send().await.unwrap();
    comment(&studio, &studio.editor, json!({ "text": "팀만", "internal": true })).await;

    let mut viewer = Screen::open(&studio, &studio.viewer, &format!("&since={seq}")).await;
    let missed = viewer.until_now().await;
    let texts: Vec<&str> = missed.iter().filter_map(|m| m["comment"]["text"].as_str()).collect();
    // 24 are there; the changed one is told twice, as it stands; of the deleted one its deletion; nothing internal.
    assert_eq!((texts.len(), texts[3]), (25, "달라졌어요"));
    assert!(!texts.contains(&"4") && !texts.contains(&"팀만"));
    assert_eq!(missed.iter().filter(|m| m["type"] == "comment_deleted").count(), 1);
    let seqs: Vec<i64> = missed.iter().filter_map(|m| m["seq"].as_i64()).collect();
    assert!(seqs.is_sorted() && seqs[0] > seq);
    assert_eq!(missed.last().unwrap()["type"], "presence");

    // Who knows a future that never came (an older backup was restored) begins anew.
    let mut lost = Screen::open(&studio, &studio.viewer, "&since=99999999").await;
    assert_eq!(lost.next().await["type"], "initial_state");
    studio.stop().await;
}

#[tokio::test]
async fn a_version_that_goes_and_comes_back_is_told_and_a_notice_only_to_the_team() {
    let studio = Studio::start("room-trash").await;
    let media = studio.editor.upload(studio.feedback, "a.mp4", b"bytes").await;
    let mut viewer = Screen::open(&studio, &studio.viewer, "").await;
    let mut editor = Screen::open(&studio, &studio.editor, "").await;
    let seq = viewer.next().await["seq"].as_i64().unwrap();
    studio.editor.call(&format!("DELETE /media/{media}")).await.is(204);
    let gone = viewer.next_of("media_deleted").await;
    assert_eq!((&gone["media_id"], &gone["feedback_id"]), (&json!(media), &json!(studio.feedback)));
    // Who missed it hears that it is gone, and nothing of how it came.
    let mut late = Screen::open(&studio, &studio.viewer, &format!("&since={}", seq - 1)).await;
    let kinds = |all: &[Value]| all.iter().map(|m| m["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(kinds(&late.until_now().await), ["media_deleted", "presence"]);
    studio.editor.call(&format!("POST /media/{media}/restore")).await.is(200);
    assert_eq!(viewer.next_of("media_progress").await["media_id"], media);

    let (project, id, due) = (studio.project, studio.feedback, Time(4_000_000_000_000));
    studio.app.write(move |tx| feedback::trash::announce(tx, project, id, due)).await.unwrap();
    assert_eq!(editor.next_of("cleanup").await["due"], due.to_string());
    for status in ["closed", "open"] {
        studio.editor.send(&format!("PATCH /feedbacks/{id}"), json!({ "status": status })).await.is(200);
    }
    assert_eq!(editor.next_of("cleanup").await["due"], Value::Null);
    assert!(!kinds(&viewer.until_now().await).contains(&"cleanup".to_owned()));
    let mut late = Screen::open(&studio, &studio.viewer, &format!("&since={seq}")).await;
    assert!(!kinds(&late.until_now().await).contains(&"cleanup".to_owned()));
    let mut late = Screen::open(&studio, &studio.editor, &format!("&since={seq}")).await;
    assert_eq!(kinds(&late.until_now().await).iter().filter(|k| *k == "cleanup").count(), 2);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_told_twice_while_others_write() {
    let studio = Studio::start("storm").await;
    let writers = (0..4).map(|w| {
        let (editor, path) = (studio.editor.clone(), format!("/feedbacks/{}/comments", studio.feedback));
        tokio::spawn(async move {
            for n in 0..60 {
                let body = json!({ "text": format!("{w}-{n}") });
                assert_eq!(editor.ask(Method::POST, &path).json(&body).send().await.unwrap().status(), 201);
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    // Comes and goes all the while, each time from where it was.
    let mut heard = Vec::new();
    let mut seq = 0;
    while heard.len() < 240 {
        let mut viewer = Screen::open(&studio, &studio.viewer, &format!("&since={seq}")).await;
        for _ in 0..7 {
            let message = viewer.next().await;
            seq = message["seq"].as_i64().unwrap_or(seq);
            if message["type"] == "comment" {
                heard.push(message["comment"]["text"].as_str().unwrap().to_owned());
            }
            if heard.len() == 240 {
                break;
            }
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    heard.sort();
    heard.dedup();
    assert_eq!(heard.len(), 240);
    studio.stop().await;
}

#[tokio::test]
async fn an_anonymous_author_is_known_to_himself_alone() {
    let studio = Studio::start("anonymous").await;
    let mut editor = Screen::open(&studio, &studio.editor, "").await;
    let mut viewer = Screen::open(&studio, &studio.viewer, "").await;
    viewer.next_of("initial_state").await;
    let add = json!({ "feedback_id": studio.feedback, "text": "솔직히 지루합니다", "security": true });
    editor.say(json!({ "type": "comment_add", "comment": add })).await;
    let own = editor.next_of("comment").await;
    assert_eq!((&own["comment"]["is_mine"], &own["user_id"]), (&json!(true), &json!(studio.editor.id)));
    let seen = viewer.next_of("comment").await;
    assert_eq!((&seen["user_id"], &seen["comment"]["user"]), (&Value::Null, &Value::Null));
    assert!(!seen.to_string().contains("editor"), "{seen}");
    studio.stop().await;
}

#[tokio::test]
async fn a_goodbye_is_answered() {
    let studio = Studio::start("goodbye").await;
    let mut tab = Screen::open(&studio, &studio.viewer, "").await;
    tab.next_of("initial_state").await;
    tab.socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() })).await.unwrap();
    // Without the other half a browser takes the end for a broken line.
    let mut last = None;
    while let Some(Ok(message)) = tab.socket.next().await {
        last = Some(message);
    }
    assert!(matches!(&last, Some(Message::Close(Some(f))) if f.code == CloseCode::Normal), "{last:?}");
    studio.stop().await;
}

#[tokio::test]
async fn a_door_tells_why_it_stays_shut() {
    let studio = Studio::start("door").await;
    let close = async |query: &str, project: ProjectId| {
        let (socket, _) = tokio_tungstenite::connect_async(url(&studio, project, query)).await.unwrap();
        Screen::of(socket).closed().await
    };
    assert_eq!(close("", studio.project).await, 4001);
    assert_eq!(close("token=vp_s_nothing", studio.project).await, 4001);
    assert_eq!(close(&format!("token={}", studio.stranger.token), studio.project).await, 4003);
    assert_eq!(close(&format!("token={}", studio.editor.token), ProjectId(999)).await, 4003);

    let mut tabs = Vec::new();
    for _ in 0..5 {
        let mut tab = Screen::open(&studio, &studio.viewer, "").await;
        tab.next_of("initial_state").await;
        tabs.push(tab);
    }
    let viewer = format!("token={}", studio.viewer.token);
    assert_eq!(close(&viewer, studio.project).await, 4029);
    tabs.pop().unwrap().socket.close(None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    Screen::open(&studio, &studio.viewer, "").await.next_of("initial_state").await;

    // Not a socket at all.
    let plain = reqwest::get(format!("{}/ws/projects/1", studio.url)).await.unwrap();
    assert_eq!(plain.status(), 426);
    let body: Value = plain.json().await.unwrap();
    assert_eq!(body["error"]["code"], "upgrade_required");
    studio.stop().await;
}

#[tokio::test]
async fn a_cookie_counts_only_from_our_own_pages() {
    let studio = Studio::start("origin").await;
    let come = async |headers: &[(&'static str, String)]| {
        let mut request = url(&studio, studio.project, "").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let (socket, response) = tokio_tungstenite::connect_async(request).await.unwrap();
        let protocol = response.headers().get("sec-websocket-protocol").map(|v| v.to_str().unwrap().to_owned());
        let first = Screen::of(socket).next().await;
        (first["code"].as_u64().unwrap_or(0), protocol)
    };
    let cookie = ("cookie", format!("vp_session={}", studio.viewer.token));
    assert_eq!(come(&[cookie.clone(), ("origin", studio.url.clone())]).await.0, 0);
    assert_eq!(come(&[cookie.clone(), ("origin", "https://evil.example".into())]).await.0, 4003);
    assert_eq!(come(&[cookie]).await.0, 0);
    let bearer = format!("bearer.{}", studio.viewer.token);
    let (code, protocol) = come(&[("sec-websocket-protocol", bearer.clone())]).await;
    assert_eq!((code, protocol), (0, Some(bearer)));
    studio.stop().await;
}

#[tokio::test]
async fn a_right_that_is_withdrawn_closes_the_room_at_once() {
    let studio = Studio::start("withdrawn").await;
    let mut viewer = Screen::open(&studio, &studio.viewer, "").await;
    viewer.next_of("initial_state").await;

    // Another role is heard of with the next message.
    make(&studio, Role::Editor).await;
    comment(&studio, &studio.editor, json!({ "text": "팀만", "internal": true })).await;
    assert_eq!(viewer.next_of("comment").await["comment"]["internal"], true);
    make(&studio, Role::Viewer).await;
    comment(&studio, &studio.editor, json!({ "text": "다시 팀만", "internal": true })).await;
    assert!(viewer.until_now().await.is_empty());
    let add = json!({ "feedback_id": studio.feedback, "text": "말해도 될까요" });
    viewer.say(json!({ "type": "comment_add", "client_id": "c-7", "comment": add })).await;
    let error = viewer.next_of("error").await;
    assert_eq!((&error["code"], &error["client_id"]), (&json!("forbidden"), &json!("c-7")));

    studio.drop_viewer().await;
    assert_eq!(viewer.closed().await, 4003);

    // A session that ends takes its sockets along.
    let mut editor = Screen::open(&studio, &studio.editor, "").await;
    editor.next_of("initial_state").await;
    studio.editor.ask(Method::POST, "/auth/logout").send().await.unwrap();
    assert_eq!(editor.closed().await, 4001);
    studio.stop().await;
}

#[tokio::test]
async fn strange_messages_are_told_so() {
    let studio = Studio::start("strange").await;
    let mut editor = Screen::open(&studio, &studio.editor, "").await;
    editor.next_of("initial_state").await;
    editor.socket.send(Message::text("{nonsense")).await.unwrap();
    let error = editor.next().await;
    assert_eq!((&error["code"], &error["message"]), (&json!("invalid_json"), &json!("Invalid JSON")));
    editor.say(json!({ "type": "dance" })).await;
    assert_eq!(editor.next().await["message"], "Unknown message type: dance");
    for comment in [
        json!({}),
        json!({ "feedback_id": studio.feedback }),
        json!({ "feedback_id": studio.feedback, "text": "" }),
        json!({ "feedback_id": studio.feedback, "text": 5 }),
        json!({ "feedback_id": studio.feedback, "text": "x", "colour": "red" }),
    ] {
        editor.say(json!({ "type": "comment_add", "comment": comment })).await;
        let error = editor.next().await;
        assert_eq!(error["message"], "Invalid comment data", "{error}");
        assert_eq!(error["fields"].as_object().unwrap().len(), 1, "{error}");
    }
    editor.say(json!({ "type": "comment_edit" })).await;
    assert!(editor.next().await["fields"]["comment_id"].is_string());
    editor.say(json!({ "type": "reaction_add", "comment_id": 1, "kind": "hate" })).await;
    assert!(editor.next().await["fields"]["kind"].is_string());
    editor.say(json!({ "type": "comment_delete", "comment_id": 999 })).await;
    assert_eq!(editor.next().await["code"], "not_found");

    editor.socket.send(Message::text("x".repeat(70_000))).await.unwrap();
    assert_eq!(editor.closed().await, 1009);
    studio.stop().await;
}

#[tokio::test]
async fn nobody_says_more_than_his_share_on_however_many_sockets() {
    let studio = Studio::with("share", |c| c.rooms.per_second = 100).await;
    let mut first = Screen::open(&studio, &studio.editor, "").await;
    let mut second = Screen::open(&studio, &studio.editor, "").await;
    let add = |n: usize| json!({ "type": "comment_add", "comment": { "feedback_id": studio.feedback, "text": format!("{n}") } });
    for n in 0..12 {
        let screen = if n % 2 == 0 { &mut first } else { &mut second };
        screen.say(add(n)).await;
    }
    let (a, b) = (first.until_now().await, second.until_now().await);
    let count = |kind: &str| a.iter().chain(&b).filter(|m| m["type"] == kind).count();
    assert_eq!((count("ack"), count("error")), (10, 2));
    let error = a.iter().chain(&b).find(|m| m["type"] == "error").unwrap();
    assert_eq!((&error["code"], &error["message"]), (&json!("rate_limited"), &json!("Rate limit exceeded")));
    assert!((1..=60).contains(&error["retry_after_s"].as_u64().unwrap()));
    for _ in 0..31 {
        first.say(json!({ "type": "typing_indicator", "is_typing": true })).await;
    }
    assert_eq!(first.until_now().await.iter().filter(|m| m["type"] == "error").count(), 1);
    studio.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let studio = Studio::start("going").await;
    let mut editor = Screen::open(&studio, &studio.editor, "").await;
    editor.next_of("initial_state").await;
    let start = std::time::Instant::now();
    let stopped = tokio::spawn(studio.stop());
    let (code, reason) = editor.closed_with().await;
    let retry_ms: u64 = reason.strip_prefix("going away; retry_ms=").unwrap().parse().unwrap();
    assert!(code == 1001 && (250..750).contains(&retry_ms), "{code} {reason}");
    // Looking on answers the goodbye, as a browser does by itself.
    assert!(matches!(editor.socket.next().await, None | Some(Err(tungstenite::Error::ConnectionClosed))));
    stopped.await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_does_not_read_loses_nothing_and_holds_nobody_up() {
    let studio = Studio::with("slow", |c| c.rooms.queue = 10).await;
    let mut slow = Screen::open(&studio, &studio.viewer, "").await;
    slow.next_of("initial_state").await;
    let mut quick = Screen::open(&studio, &studio.editor, "").await;
    quick.next_of("initial_state").await;
    // Long texts, so that the system's own buffers fill and the line has to wait for its reader.
    let long = "가".repeat(9_000);
    let mut heard = 0;
    for n in 0..300 {
        comment(&studio, &studio.editor, json!({ "text": format!("{n} {long}") })).await;
        while heard < n {
            quick.next_of("comment").await;
            heard += 1;
        }
    }
    let mut texts = Vec::new();
    while texts.len() < 300 {
        let text = slow.next_of("comment").await["comment"]["text"].as_str().unwrap().to_owned();
        texts.push(text.split(' ').next().unwrap().parse::<usize>().unwrap());
    }
    assert!(texts.iter().copied().eq(0..300));
    assert!(studio.app.hub.stats().lagged > 0, "it did fall behind");
    studio.stop().await;
}
