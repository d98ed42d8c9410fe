//! Webhooks against a real receiver on loopback: what it is told, how often, by whom signed, and what it is never told.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use videoplanet::base::clock::{Clock, HOUR, MINUTE, SECOND};
use videoplanet::base::event::Event;
use videoplanet::base::job::{JobState, Lane};
use videoplanet::base::roles::Role;
use videoplanet::config::Config;
use videoplanet::engines::queue;
use videoplanet::engines::store::params;

use crate::admin::{journal, open};
use crate::studio::{Someone, Studio};

/// What arrived.
#[derive(Clone)]
pub struct Call {
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Call {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub fn kind(&self) -> String {
        self.header("x-videoplanet-event").to_owned()
    }

    /// Is one of its signatures by this secret?
    pub fn is_by(&self, secret: &str) -> bool {
        let signature = self.header("x-videoplanet-signature");
        let t = signature.split(',').find_map(|p| p.strip_prefix("t=")).unwrap();
        let text = [t.as_bytes(), b".", &self.bytes].concat();
        let wanted: String = hmac(secret.as_bytes(), &text).iter().map(|b| format!("{b:02x}")).collect();
        signature.split(',').any(|p| p.strip_prefix("v1=") == Some(&wanted))
    }
}

/// HMAC by its definition (RFC 2104), apart from the program's own.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0u8; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::digest([&block.map(|b| b ^ 0x36)[..], text].concat());
    Sha256::digest([&block.map(|b| b ^ 0x5c)[..], &inner].concat()).to_vec()
}

/// What the receiver answers, and how long it takes for it.
#[derive(Clone, Copy)]
pub struct Reply {
    pub status: u16,
    pub delay: Duration,
    pub retry_after: Option<u64>,
}

impl Reply {
    pub fn now(status: u16) -> Reply {
        Reply { status, delay: Duration::ZERO, retry_after: None }
    }
}

type Behaviour = Box<dyn Fn(usize) -> Reply + Send + Sync>;

/// A program that is told.
pub struct Receiver {
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    behaviour: Arc<Mutex<Behaviour>>,
    server: tokio::task::JoinHandle<()>,
}

type Shared = (Arc<Mutex<Vec<Call>>>, Arc<Mutex<Behaviour>>);

async fn take(State((calls, behaviour)): State<Shared>, headers: HeaderMap, bytes: Bytes) -> Response {
    let n = {
        let mut calls = calls.lock();
        calls.push(Call { headers, bytes });
        calls.len()
    };
    let reply = behaviour.lock()(n);
    tokio::time::sleep(reply.delay).await;
    let status = StatusCode::from_u16(reply.status).unwrap();
    let mut response = (status, format!("answer {n}")).into_response();
    if let Some(seconds) = reply.retry_after {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    if status.is_redirection() {
        response.headers_mut().insert("location", "/elsewhere".parse().unwrap());
    }
    response
}

impl Receiver {
    /// `behaviour` gets the number of the call, from 1.
    pub async fn start(behaviour: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Receiver {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let behaviour: Arc<Mutex<Behaviour>> = Arc::new(Mutex::new(Box::new(behaviour)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?token=very-secret", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(take).with_state((calls.clone(), behaviour.clone()));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Receiver { url, calls, behaviour, server }
    }

    pub fn behave(&self, behaviour: impl Fn(usize) -> Reply + Send + Sync + 'static) {
        *self.behaviour.lock() = Box::new(behaviour);
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().clone()
    }

    /// Waits until `n` calls have come.
    pub async fn got(&self, n: usize) -> Vec<Call> {
        for _ in 0..1200 {
            if self.calls.lock().len() >= n {
                return self.calls();
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let kinds: Vec<String> = self.calls().iter().map(Call::kind).collect();
        panic!("{} of {n} calls came: {kinds:?}", kinds.len());
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A studio whose webhooks may reach this machine, with a clock that stands.
async fn studio(name: &str, change: impl FnOnce(&mut Config)) -> (Studio, Clock) {
    let clock = Clock::set_at(1_795_000_000_000);
    let s = Studio::opened(name, clock.clone(), |c| {
        c.accounts.session_days = 3650;
        c.webhooks.allow_private = true;
        change(c);
    })
    .await;
    s.work().await;
    (s, clock)
}

/// Adds a webhook to the studio's project; answers it with its secret.
async fn hook(s: &Studio, url: &str, more: Value) -> Value {
    let mut body = json!({ "name": "받는 곳", "url": url });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    s.editor.send(&format!("POST /projects/{}/webhooks", s.project), body).await.is(201).body
}

async fn comment(s: &Studio, who: &Someone, body: Value) -> i64 {
    who.send(&format!("POST /feedbacks/{}/comments", s.feedback), body).await.is(201).id()
}

fn is_running(counted: &(Lane, JobState, i64)) -> bool {
    matches!(counted, (Lane::Outbound, JobState::Running, 1..))
}

/// Waits until the newest telling of a webhook is as wanted.
async fn newest(s: &Studio, hook: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..1200 {
        let told = s.editor.call(&format!("GET /webhooks/{}/deliveries", hook["id"])).await.is(200).body;
        last = told["results"].get(0).cloned().unwrap_or_default();
        // With its job, which is marked a moment later: a clock that moves in between would move its next try.
        if wanted(&last) && !s.app.read(queue::counts).await.unwrap().iter().any(is_running) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never so: {last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_told_once_signed_and_with_its_place() {
    let (s, clock) = studio("hooks-signed", |c| c.server.public_url = "https://review.example.com".into()).await;
    let receiver = Receiver::start(|_| Reply::now(200)).await;
    // What happened before is not its business.
    comment(&s, &s.editor, json!({ "text": "그 전" })).await;
    let hook = hook(&s, &receiver.url, json!({})).await;
    let secret = hook["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() > 40, "{secret}");
    let shown = s.editor.call(&format!("GET /webhooks/{}", hook["id"])).await.is(200).body;
    assert!(shown.get("secret").is_none(), "it is shown once");

    let id = comment(&s, &s.editor, json!({ "text": "자막 오타", "start_ms": 42_000 })).await;
    s.editor.call(&format!("PUT /comments/{id}/reactions/like")).await.is(200);
    let decision = json!({ "decision": "approve_with_changes", "note": "두 곳만" });
    s.editor.send(&format!("PUT /feedbacks/{}/decision", s.feedback), decision).await.is(200);
    let mut calls = receiver.got(3).await;
    calls.sort_by_key(|c| c.json()["seq"].as_i64());
    let kinds: Vec<String> = calls.iter().map(Call::kind).collect();
    assert_eq!(kinds, ["comment_added", "reaction_added", "decided"]);
    let seconds = (clock.now().0 / SECOND).to_string();
    for call in &calls {
        let body = call.json();
        assert!(call.is_by(secret), "the signature holds");
        assert!(!call.is_by("whsec_another"));
        assert!(call.header("x-videoplanet-signature").starts_with(&format!("t={seconds},v1=")));
        assert_eq!(call.header("content-type"), "application/json");
        assert_eq!(call.header("x-videoplanet-delivery"), body["id"]);
        assert_eq!((body["type"].as_str().unwrap(), &body["project"]["name"]), (&*call.kind(), &json!("가을 광고")));
        assert_eq!(body["actor"]["nickname"], "editor");
        let path = format!("https://review.example.com/feedbacks/{}", s.feedback);
        assert!(body["url"].as_str().unwrap().starts_with(&path), "{body}");
    }
    let told = calls[0].json();
    assert_eq!(told["data"]["comment"]["text"], "자막 오타");
    assert_eq!(told["data"]["comment_id"], id);
    assert_eq!(calls[2].json()["data"]["decision"], json!({ "decision": "approve_with_changes", "note": "두 곳만" }));
    let done = newest(&s, &hook, |d| d["state"] == "done").await;
    assert_eq!((&done["attempts"], &done["log"][0]["status"]), (&json!(1), &json!(200)));
    assert!(done["log"][0]["answer"].as_str().unwrap().starts_with("answer "));
    // What it says can be read as well.
    let shown = s.editor.call(&format!("GET /deliveries/{}", done["id"])).await.is(200).body;
    assert_eq!(shown["payload"]["id"], shown["message_id"]);
    // Nothing of the house: nobody hears that a webhook was added, or who signs in.
    s.editor.send(&format!("PATCH /webhooks/{}", hook["id"]), json!({ "name": "다른 이름" })).await.is(200);
    s.editor.send("PATCH /me", json!({ "locale": "ko" })).await.is(200);
    // It hears what it asked for.
    let patch = json!({ "verbs": ["decisions", "feedback_added"] });
    s.editor.send(&format!("PATCH /webhooks/{}", hook["id"]), patch).await.is(200);
    comment(&s, &s.editor, json!({ "text": "이제 모르는 것" })).await;
    s.editor.send(&format!("POST /projects/{}/feedbacks", s.project), json!({ "title": "2차" })).await.is(201);
    let fourth = receiver.got(4).await[3].json();
    assert_eq!((&fourth["type"], &fourth["data"]["feedback"]["title"]), (&json!("feedback_added"), &json!("2차")));
    assert_eq!(receiver.calls().len(), 4);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_tried_again_under_the_same_id_when_the_receiver_wants() {
    let (s, clock) = studio("hooks-again", |_| ()).await;
    let receiver =
        Receiver::start(|n| Reply { retry_after: (n == 2).then_some(90), ..Reply::now(if n < 3 { 500 } else { 204 }) })
            .await;
    let hook = hook(&s, &receiver.url, json!({})).await;
    comment(&s, &s.editor, json!({ "text": "의견" })).await;
    receiver.got(1).await;
    newest(&s, &hook, |d| d["attempts"] == 1).await;
    // Not before its time.
    clock.advance(5 * SECOND);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(receiver.calls().len(), 1);
    clock.advance(7 * SECOND);
    receiver.got(2).await;
    let waiting = newest(&s, &hook, |d| d["attempts"] == 2).await;
    // By its `Retry-After`, not by our own longer and longer waits.
    assert_eq!(waiting["state"], "waiting");
    let at = clock.now().plus(90 * SECOND).to_string();
    assert_eq!(waiting["next"], at);
    clock.advance(91 * SECOND);
    let calls = receiver.got(3).await;
    let done = newest(&s, &hook, |d| d["state"] == "done").await;
    let statuses: Vec<_> = done["log"].as_array().unwrap().iter().map(|a| a["status"].as_i64().unwrap()).collect();
    assert_eq!(statuses, [500, 500, 204]);
    let ids: Vec<Value> = calls.iter().map(|c| c.json()["id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == done["message_id"]), "{ids:?}");
    assert!(calls.iter().all(|c| c.is_by(hook["secret"].as_str().unwrap())), "each try is signed anew");
    let state = s.editor.call(&format!("GET /webhooks/{}", hook["id"])).await.body["state"].clone();
    assert!(state["failing_since"].is_null() && state["last_failure"].is_string(), "{state}");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_is_turned_off_at_once_and_can_be_turned_on() {
    let (s, _) = studio("hooks-gone", |_| ()).await;
    let receiver = Receiver::start(|_| Reply::now(410)).await;
    let hook = hook(&s, &receiver.url, json!({})).await;
    let line = format!("PATCH /webhooks/{}", hook["id"]);
    comment(&s, &s.editor, json!({ "text": "하나" })).await;
    receiver.got(1).await;
    let failed = newest(&s, &hook, |d| d["state"] == "failed").await;
    let shown = s.editor.call(&format!("GET /webhooks/{}", hook["id"])).await.body;
    assert_eq!((&shown["enabled"], &shown["state"]["disabled_reason"]), (&json!(false), &json!("gone")));
    let told = journal(&s).await.into_iter().filter(|(_, e)| matches!(e, Event::WebhookDisabled { .. })).count();
    assert_eq!(told, 1);
    // What happens meanwhile is not told, also not afterwards; a repetition is refused, a test is not.
    comment(&s, &s.editor, json!({ "text": "둘" })).await;
    s.editor.call(&format!("POST /deliveries/{}/redeliver", failed["id"])).await.is(409);
    receiver.behave(|_| Reply::now(200));
    s.editor.call(&format!("POST /webhooks/{}/test", hook["id"])).await.is(202);
    assert_eq!(receiver.got(2).await[1].json()["type"], "ping");
    s.editor.send(&line, json!({ "enabled": true })).await.is(200);
    comment(&s, &s.editor, json!({ "text": "셋" })).await;
    let calls = receiver.got(3).await;
    assert_eq!(calls[2].json()["data"]["comment"]["text"], "셋");
    // Told once more, it comes under the id that it had.
    let copy = s.editor.call(&format!("POST /deliveries/{}/redeliver", failed["id"])).await.is(202).body;
    assert_ne!(copy["id"], failed["id"]);
    let calls = receiver.got(4).await;
    assert_eq!(calls[3].json()["id"], calls[0].json()["id"]);
    assert_eq!(calls[3].json()["data"]["comment"]["text"], "하나");
    let said = journal(&s).await;
    assert!(said.iter().any(|(by, e)| *by == Some(s.editor.id.0) && matches!(e, Event::WebhookRedelivered { .. })));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_hangs_is_left_and_one_that_leads_elsewhere_is_not_followed() {
    let (s, _) = studio("hooks-hang", |c| c.webhooks.timeout_s = 1).await;
    let receiver = Receiver::start(|n| match n {
        1 => Reply { delay: Duration::from_secs(30), ..Reply::now(200) },
        _ => Reply::now(302),
    })
    .await;
    let first = hook(&s, &receiver.url, json!({})).await;
    comment(&s, &s.editor, json!({ "text": "의견" })).await;
    let failed = newest(&s, &first, |d| d["attempts"] == 1).await;
    assert_eq!(failed["log"][0]["error"], "timed_out");
    assert!((900..5_000).contains(&failed["log"][0]["duration_ms"].as_i64().unwrap()), "{failed}");
    s.editor.call(&format!("POST /webhooks/{}/test", first["id"])).await.is(202);
    let failed = newest(&s, &first, |d| d["type"] == "ping" && d["state"] == "failed").await;
    assert_eq!((&failed["log"][0]["error"], &failed["log"][0]["status"]), (&json!("redirect"), &json!(302)));
    assert_eq!(receiver.calls().len(), 2, "nobody went where it pointed");
    // A test is no reason to turn one off, and not again at once.
    s.editor.call(&format!("POST /webhooks/{}/test", first["id"])).await.is(429);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_hears_korean_sentences_without_markup() {
    let (s, _) = studio("hooks-slack", |c| c.server.public_url = "https://review.example.com/".into()).await;
    s.editor.send("PATCH /me", json!({ "locale": "ko", "nickname": "오세린" })).await.is(200);
    s.editor.send(&format!("PATCH /projects/{}", s.project), json!({ "name": "가을 <광고>" })).await.is(200);
    let receiver = Receiver::start(|_| Reply::now(200)).await;
    hook(&s, &receiver.url, json!({ "form": "slack", "verbs": ["comments"] })).await;
    let id = comment(&s, &s.editor, json!({ "text": "자막 & <!here>\n오타" })).await;
    let body = receiver.got(1).await[0].json();
    let wanted = format!(
        "[가을 &lt;광고&gt;] 오세린 님이 1차 시사에 의견을 남겼습니다: “자막 &amp; &lt;!here&gt; 오타” \
         <https://review.example.com/feedbacks/{}?c={id}|열기>",
        s.feedback
    );
    assert_eq!(body["text"], wanted);
    assert_eq!(body["blocks"][0]["text"], json!({ "type": "mrkdwn", "text": wanted }));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_author_and_internal_comments_stay_inside() {
    let (s, _) = studio("hooks-secret", |_| ()).await;
    let author = s.member("숨은저자", Role::Reviewer).await;
    let (open, team) = (Receiver::start(|_| Reply::now(200)).await, Receiver::start(|_| Reply::now(200)).await);
    let chat = Receiver::start(|_| Reply::now(200)).await;
    hook(&s, &open.url, json!({ "verbs": ["comments"] })).await;
    hook(&s, &team.url, json!({ "verbs": ["comments"], "include_internal": true })).await;
    hook(&s, &chat.url, json!({ "verbs": ["comments"], "form": "slack" })).await;
    let internal = comment(&s, &s.editor, json!({ "text": "팀만 아는 이야기", "internal": true })).await;
    s.editor.call(&format!("PUT /comments/{internal}/reactions/like")).await.is(200);
    let hidden = comment(&s, &author, json!({ "text": "이름 없이", "security": true, "client_id": "c-of-mine" })).await;
    author.call(&format!("PUT /comments/{hidden}/reactions/like")).await.is(200);
    author.call(&format!("DELETE /comments/{hidden}")).await.is(204);
    comment(&s, &s.editor, json!({ "text": "끝" })).await;
    let text =
        |calls: Vec<Call>| calls.iter().map(|c| String::from_utf8_lossy(&c.bytes).into_owned()).collect::<String>();
    let (open, team, chat) = (text(open.got(4).await), text(team.got(6).await), text(chat.got(4).await));
    for (name, told) in [("open", &open), ("team", &team), ("chat", &chat)] {
        for word in ["숨은저자", "c-of-mine", &format!("\"id\":{},", author.id), &format!("\"user_id\":{}", author.id)]
        {
            assert!(!told.contains(word), "{name} is told {word}: {told}");
        }
    }
    assert!(!open.contains("팀만") && !chat.contains("팀만") && !open.contains(&format!("\"comment_id\":{internal}")));
    assert!(team.contains("팀만 아는 이야기") && chat.contains("Somebody, anonymously,"));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_refused_when_saved_and_when_called() {
    let clock = Clock::set_at(1_795_000_000_000);
    let s = Studio::opened("hooks-private", clock, |c| c.accounts.session_days = 3650).await;
    s.work().await;
    let line = format!("POST /projects/{}/webhooks", s.project);
    for url in [
        "http://127.0.0.1/x",
        "http://localhost:8080/x",
        "http://[::1]/x",
        "http://2130706433/x",
        "http://10.0.0.3/x",
        "http://169.254.169.254/latest/meta-data",
        "https://user:pass@hooks.example.com/x",
        "ftp://hooks.example.com/x",
        "hooks.example.com",
        "",
    ] {
        let refused = s.editor.send(&line, json!({ "name": "x", "url": url })).await.is(422);
        assert!(!refused.field("url").is_empty(), "{url}: {}", refused.body);
    }
    let good = json!({ "name": "x", "url": "https://hooks.example.com/x" });
    let hook = s.editor.send(&line, good).await.is(201).body;
    let patch = format!("PATCH /webhooks/{}", hook["id"]);
    s.editor.send(&patch, json!({ "url": "http://192.168.0.1/" })).await.is(422);
    s.editor.send(&patch, json!({ "verbs": ["logged_in"] })).await.is(422);
    s.editor.send(&patch, json!({ "name": " " })).await.is(422);
    // Whatever stands in the row by then: it is judged again when it is called.
    let receiver = Receiver::start(|_| Reply::now(200)).await;
    for url in [receiver.url.clone(), receiver.url.replace("127.0.0.1", "localhost")] {
        let set = move |tx: &mut videoplanet::engines::store::Tx| {
            tx.execute("UPDATE webhooks SET url = ?1", params![url])?;
            tx.execute("DELETE FROM deliveries", params![])
        };
        s.app.store.write(set).await.unwrap();
        s.editor.call(&format!("POST /webhooks/{}/test", hook["id"])).await.is(202);
        let failed = newest(&s, &hook, |d| d["state"] == "failed").await;
        assert_eq!(failed["log"][0]["error"], "private");
    }
    assert!(receiver.calls().is_empty());
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_both_secrets_sign_for_a_day() {
    let (s, clock) = studio("hooks-rotate", |_| ()).await;
    let receiver = Receiver::start(|_| Reply::now(200)).await;
    let hook = hook(&s, &receiver.url, json!({})).await;
    let old = hook["secret"].as_str().unwrap().to_owned();
    let renewed = s.editor.call(&format!("POST /webhooks/{}/secret", hook["id"])).await.is(200).body;
    let new = renewed["secret"].as_str().unwrap().to_owned();
    assert_ne!(old, new);
    comment(&s, &s.editor, json!({ "text": "하나" })).await;
    let call = receiver.got(1).await.remove(0);
    assert!(call.is_by(&old) && call.is_by(&new));
    clock.advance(24 * HOUR);
    comment(&s, &s.editor, json!({ "text": "둘" })).await;
    let call = receiver.got(2).await.remove(1);
    assert!(!call.is_by(&old) && call.is_by(&new));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_days_of_failures_it_is_turned_off() {
    let (s, clock) = studio("hooks-failing", |c| c.webhooks.disable_after_hours = 2).await;
    let receiver = Receiver::start(|_| Reply::now(503)).await;
    let hook = hook(&s, &receiver.url, json!({})).await;
    comment(&s, &s.editor, json!({ "text": "하나" })).await;
    // The fifth failure comes after 136 minutes.
    for tries in 1..=5 {
        receiver.got(tries).await;
        newest(&s, &hook, |d| d["attempts"] == tries).await;
        clock.advance(34 * MINUTE);
    }
    let shown = s.editor.call(&format!("GET /webhooks/{}", hook["id"])).await.body;
    assert_eq!((&shown["enabled"], &shown["state"]["disabled_reason"]), (&json!(false), &json!("failing")));
    let off = journal(&s).await.into_iter().filter(|(_, e)| matches!(e, Event::WebhookDisabled { .. })).count();
    assert_eq!(off, 1);
    let failed = newest(&s, &hook, |d| d["state"] == "failed").await;
    assert!(failed["ended"].is_string() && failed["next"].is_null(), "{failed}");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_of_the_instance_hears_of_all_projects_and_is_for_admins() {
    let (s, _) = studio("hooks-instance", |c| c.webhooks.per_project = 2).await;
    let receiver = Receiver::start(|_| Reply::now(200)).await;
    let new = json!({ "name": "전체", "url": receiver.url, "verbs": ["projects", "feedback_added"] });
    for (who, status) in [(&s.viewer, 403), (&s.stranger, 403), (&s.editor, 201)] {
        who.send("POST /webhooks", new.clone()).await.is(status);
        who.call("GET /webhooks").await.is(if status == 201 { 200 } else { 403 });
    }
    let id = s.editor.call("GET /webhooks").await.body["results"][0]["id"].as_i64().unwrap();
    // One of the instance is not there for others, one of a project is forbidden to its members.
    s.viewer.call(&format!("GET /webhooks/{id}")).await.is(404);
    let own = hook(&s, &receiver.url, json!({ "verbs": ["plans"] })).await;
    s.viewer.call(&format!("GET /webhooks/{}", own["id"])).await.is(403);
    s.stranger.call(&format!("GET /webhooks/{}", own["id"])).await.is(404);
    let project = s.stranger.send("POST /projects", json!({ "name": "다른 곳" })).await.is(201).id();
    s.stranger.send(&format!("POST /projects/{project}/feedbacks"), json!({ "title": "시사" })).await.is(201);
    let calls = receiver.got(2).await;
    assert!(calls.iter().all(|c| c.json()["project"] == json!({ "id": project, "name": "다른 곳" })));
    // So many of a project and no more.
    let line = format!("POST /projects/{}/webhooks", s.project);
    s.editor.send(&line, new.clone()).await.is(201);
    s.editor.send(&line, new).await.is(409);
    // Removed with what it was told.
    s.editor.call(&format!("DELETE /webhooks/{id}")).await.is(204);
    s.editor.call(&format!("GET /webhooks/{id}/deliveries")).await.is(404);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_how_it_goes_and_addresses_to_those_who_manage() {
    let (s, _) = studio("hooks-pages", |_| ()).await;
    s.app.setup.done();
    let receiver = Receiver::start(|_| Reply::now(410)).await;
    let one = hook(&s, &receiver.url, json!({ "name": "<채팅>", "verbs": ["comments", "decided"] })).await;
    let path = format!("/projects/{}/webhooks", s.project);
    let page = async |who: &Someone, path: &str| open(&s, who, path).await.text().await.unwrap();
    let before = page(&s.editor, &path).await;
    assert!(before.contains("&#60;채팅&#62;") && before.contains("very-secret"), "{before}");
    assert!(!before.contains(one["secret"].as_str().unwrap()) && before.contains("decided"));
    comment(&s, &s.editor, json!({ "text": "의견" })).await;
    newest(&s, &one, |d| d["state"] == "failed").await;
    let after = page(&s.editor, &path).await;
    assert!(after.contains("notice bad") && after.contains("data-hook-on"), "{after}");
    // Members who may not manage find it closed, strangers find nothing.
    assert_eq!(open(&s, &s.viewer, &path).await.status(), 403);
    assert_eq!(open(&s, &s.stranger, &path).await.status(), 404);
    // Those who run the instance see that it fails, and not what may be secret in the address.
    s.editor.send("POST /webhooks", json!({ "name": "전체", "url": receiver.url })).await.is(201);
    let admin = page(&s.editor, "/admin/webhooks").await;
    let failing = admin.split("id=\"failing\"").nth(1).unwrap();
    assert!(failing.contains("&#60;채팅&#62;") && failing.contains("127.0.0.1"), "{failing}");
    assert!(!failing.contains("very-secret") && admin.contains("very-secret"));
    s.operate(&s.viewer).await;
    let operator = page(&s.viewer, "/admin/webhooks").await;
    assert!(operator.contains("전체") && !operator.contains("very-secret") && !operator.contains("data-hook-new"));
    s.stop().await;
}
