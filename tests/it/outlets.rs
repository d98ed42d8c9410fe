//! What other programs are told: spans to a real collector, errors to a real tracker, and what a target that does not
//! answer costs. The program is the real one: exporters live as long as their process.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message;
use reqwest::Method;
use serde_json::{Value, json};
use videoplanet::base::clock::Clock;
use videoplanet::engines::store::{Options, Store, params};
use videoplanet::engines::trace::{Outlets, Settings};

use crate::crash::{Server, fresh};
use crate::webhooks::{Receiver, Reply};

/// What came: path, headers, body.
type Posts = Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>;

/// A program that is told.
struct Target {
    address: std::net::SocketAddr,
    posts: Posts,
    server: tokio::task::JoinHandle<()>,
}

async fn take(State(posts): State<Posts>, uri: Uri, headers: HeaderMap, body: Bytes) {
    posts.lock().push((uri.path().to_owned(), headers, body));
}

impl Target {
    async fn start() -> Target {
        let posts = Posts::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = axum::Router::new().fallback(take).with_state(posts.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Target { address, posts, server }
    }

    /// Waits until something that came is what is wanted.
    async fn until<T>(&self, wanted: impl Fn(&[(String, HeaderMap, Bytes)]) -> Option<T>) -> T {
        for _ in 0..600 {
            let found = wanted(&self.posts.lock());
            if let Some(found) = found {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it never came; {} posts did", self.posts.lock().len());
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// All spans that came, with the name of the service that sent them.
fn spans(posts: &[(String, HeaderMap, Bytes)]) -> Vec<(String, Span)> {
    let mut all = Vec::new();
    for (path, headers, body) in posts {
        assert_eq!(path, "/v1/traces");
        assert_eq!(headers["content-type"], "application/x-protobuf");
        for resource in ExportTraceServiceRequest::decode(body.clone()).unwrap().resource_spans {
            let service =
                resource.resource.iter().flat_map(|r| &r.attributes).find(|a| a.key == "service.name").unwrap();
            let service = text(service.value.as_ref().unwrap().value.as_ref().unwrap());
            let found = resource.scope_spans.into_iter().flat_map(|s| s.spans);
            all.extend(found.map(|span| (service.clone(), span)));
        }
    }
    all
}

fn text(value: &Any) -> String {
    match value {
        Any::StringValue(text) => text.clone(),
        Any::IntValue(n) => n.to_string(),
        other => format!("{other:?}"),
    }
}

fn attributes(span: &Span) -> HashMap<String, String> {
    let pair = |a: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        Some((a.key.clone(), text(a.value.as_ref()?.value.as_ref()?)))
    };
    span.attributes.iter().filter_map(pair).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Changes the database of a running program from outside.
async fn meddle(data: &Path, sql: &'static [&'static str]) {
    let store = Store::open(&Options { readers: 1, ..Options::in_dir(data) }, Clock::System, |_| ()).unwrap();
    let change = store.write(move |tx| {
        for sql in sql {
            tx.execute(sql, params![])?;
        }
        Ok(())
    });
    change.await.unwrap();
    store.close().await;
}

async fn feedback(server: &Server) -> (Value, Value) {
    let project = server.json(server.ask(Method::POST, "/projects").json(&json!({ "name": "가을" }))).await;
    let path = format!("/projects/{}/feedbacks", project["id"]);
    let feedback = server.json(server.ask(Method::POST, &path).json(&json!({ "title": "1차" }))).await;
    (project, feedback)
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

#[tokio::test(flavor = "multi_thread")]
async fn requests_jobs_and_slow_statements_are_traced() {
    let (_dir, data) = fresh("outlets-spans");
    let (collector, receiver) = (Target::start().await, Receiver::start(|_| Reply::now(200)).await);
    let url = format!("tracing.otlp_url=http://{}", collector.address);
    let settings = [url.as_str(), "tracing.sample=1", "tracing.service_name=review", "webhooks.allow_private=true"];
    let server = Server::with(&data, &settings).await;
    let (project, feedback) = feedback(&server).await;
    // Thirty-six million pairs: no machine counts them within the tenth of a second from which a statement is slow.
    let slow = &[
        "CREATE TABLE pairs (n INTEGER) STRICT",
        "WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < 6000) INSERT INTO pairs SELECT n FROM c",
        "CREATE TRIGGER slow AFTER INSERT ON comments BEGIN SELECT sum(a.n * b.n) FROM pairs a, pairs b; END",
    ];
    meddle(&data, slow).await;
    let hook = json!({ "name": "받는 곳", "url": receiver.url });
    let path = format!("/projects/{}/webhooks", project["id"]);
    assert!(server.json(server.ask(Method::POST, &path).json(&hook)).await["id"].is_i64());

    let path = format!("/feedbacks/{}/comments", feedback["id"]);
    let request = server.ask(Method::POST, &path).header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
    let answer = request.json(&json!({ "text": "아무도 모르는 말" })).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();

    let named = |name: &'static str| {
        move |posts: &[(String, HeaderMap, Bytes)]| spans(posts).into_iter().find(|(_, span)| span.name == name)
    };
    let (service, span) = collector.until(named("POST /api/v1/feedbacks/{id}/comments")).await;
    assert_eq!(service, "review");
    assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
    let said = attributes(&span);
    assert_eq!(said["http.route"], "/api/v1/feedbacks/{id}/comments");
    assert_eq!((said["http.request.method"].as_str(), said["http.response.status_code"].as_str()), ("POST", "201"));
    assert_eq!(said["videoplanet.request_id"], id);
    assert!(said["videoplanet.statements"].parse::<u32>().unwrap() > 0);
    assert_eq!(span.kind, 2, "a server's");
    assert!(span.end_time_unix_nano > span.start_time_unix_nano);

    let (_, slow) = collector.until(named("slow statement")).await;
    assert_eq!((hex(&slow.trace_id), &slow.parent_span_id), (TRACE.to_owned(), &span.span_id));
    assert!(attributes(&slow)["db.query.text"].contains("INSERT INTO comments"));
    assert!(slow.end_time_unix_nano - slow.start_time_unix_nano > 100_000_000);

    let (_, job) = collector.until(named("job call_webhook")).await;
    let said = attributes(&job);
    assert_eq!((said["videoplanet.job.lane"].as_str(), said["videoplanet.job.attempt"].as_str()), ("outbound", "1"));
    assert_eq!(said["videoplanet.job.outcome"], "done");
    let told = receiver.got(1).await;
    assert_eq!(told[0].header("traceparent"), format!("00-{}-{}-01", hex(&job.trace_id), hex(&job.span_id)));

    // A batch holds what is asked in it.
    let batch = json!({ "requests": [{ "id": "a", "method": "GET", "path": "/api/v1/me" }] });
    server.json(server.ask(Method::POST, "/batch").json(&batch)).await;
    let (_, outer) = collector.until(named("POST /api/v1/batch")).await;
    let inside = |posts: &[(String, HeaderMap, Bytes)]| {
        spans(posts).into_iter().find(|(_, s)| s.name == "GET /api/v1/me" && s.parent_span_id == outer.span_id)
    };
    collector.until(inside).await;

    let all: Vec<u8> = collector.posts.lock().iter().flat_map(|(.., body)| body.to_vec()).collect();
    for secret in ["아무도 모르는 말", "editor@example.com", server.token(), "very-secret"] {
        assert!(!all.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_reaches_the_tracker_without_what_is_nobodys_business() {
    let (_dir, data) = fresh("outlets-errors");
    let tracker = Target::start().await;
    let dsn = format!("tracing.sentry_dsn=http://publickey0123456789@{}/base/42", tracker.address);
    let server = Server::with(&data, &[&dsn]).await;
    let (_, feedback) = feedback(&server).await;
    meddle(
        &data,
        &["CREATE TRIGGER broken BEFORE INSERT ON comments BEGIN
             SELECT RAISE(ABORT, 'told haru@example.com of vp_s_0123456789abcdefghijkl at 10.1.2.3'); END"],
    )
    .await;
    let path = format!("/feedbacks/{}/comments", feedback["id"]);
    let body = json!({ "text": "아무도 모르는 말" });
    let answer = server.ask(Method::POST, &path).header("cookie", "a=b").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 500);
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();

    let (path, headers, body) = tracker.until(|posts| posts.first().cloned()).await;
    assert_eq!(
        (path.as_str(), headers["content-type"].to_str().unwrap()),
        ("/base/api/42/envelope/", "application/x-sentry-envelope")
    );
    let auth = headers["x-sentry-auth"].to_str().unwrap();
    assert!(auth.starts_with("Sentry sentry_version=7") && auth.ends_with("sentry_key=publickey0123456789"), "{auth}");
    let text = String::from_utf8(body.to_vec()).unwrap();
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let [head, kind, event]: [Value; 3] = lines.try_into().unwrap();
    assert_eq!((&kind["type"], &head["event_id"]), (&json!("event"), &event["event_id"]));
    assert_eq!(event["level"], "error");
    assert_eq!(event["release"], concat!("videoplanet@", env!("CARGO_PKG_VERSION")));
    assert_eq!(event["transaction"], "POST /api/v1/feedbacks/{id}/comments");
    assert_eq!(event["tags"]["request_id"], id);
    let one = &event["exception"]["values"][0];
    assert_eq!(one["type"], "a request failed");
    assert!(one["value"].as_str().unwrap().contains("told [mail] of [key] at [address]"), "{event}");
    for secret in ["haru@example.com", "vp_s_", "아무도", "10.1.2.3", "127.0.0.1", "editor", "cookie", server.token()]
    {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_told_with_its_place() {
    let tracker = Target::start().await;
    let settings = Settings { sentry_dsn: format!("http://key@{}/7", tracker.address), ..Settings::default() };
    let outlets = tokio::task::spawn_blocking(move || Outlets::open(&settings)).await.unwrap().unwrap();
    let fell = std::thread::spawn(|| panic!("no such film: secret@example.com")).join();
    assert!(fell.is_err());
    let event = tracker
        .until(|posts| {
            let events = posts.iter().filter_map(|(.., body)| std::str::from_utf8(body).ok()?.lines().nth(2));
            events
                .map(|l| serde_json::from_str::<Value>(l).unwrap())
                .find(|e| e["exception"]["values"][0]["value"].as_str().is_some_and(|v| v.contains("no such film")))
        })
        .await;
    assert_eq!(
        (&event["level"], &event["exception"]["values"][0]["value"]),
        (&json!("fatal"), &json!("no such film: [mail]"))
    );
    assert!(event["tags"]["place"].as_str().unwrap().starts_with("tests/it/outlets.rs:"), "{event}");
    assert_eq!(event["exception"]["values"][0]["mechanism"]["handled"], false);
    tokio::task::spawn_blocking(move || outlets.close()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_does_not_answer_slows_nobody() {
    let (_dir, data) = fresh("outlets-dead");
    // It takes connections and says nothing.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = mute.local_addr().unwrap();
    let holding = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((line, _)) = mute.accept().await {
            held.push(line);
        }
    });
    let url = format!("tracing.otlp_url=http://{address}");
    let dsn = format!("tracing.sentry_dsn=http://key@{address}/1");
    let server = Server::with(&data, &[&url, &dsn, "tracing.sample=1", "limits.reads=0", "limits.writes=0"]).await;
    let (_, feedback) = feedback(&server).await;
    meddle(&data, &["CREATE TRIGGER broken BEFORE INSERT ON comments BEGIN SELECT RAISE(ABORT, 'no'); END"]).await;
    let path = format!("/feedbacks/{}/comments", feedback["id"]);
    let (mut slowest, body) = (Duration::ZERO, json!({ "text": "의견" }));
    // More errors and spans than both queues hold.
    for n in 0..1500 {
        let begun = Instant::now();
        let request = match n % 10 {
            0 => server.ask(Method::POST, &path).json(&body),
            _ => server.ask(Method::GET, "/me"),
        };
        let status = request.send().await.unwrap().status().as_u16();
        assert_eq!(status, if n % 10 == 0 { 500 } else { 200 });
        slowest = slowest.max(begun.elapsed());
    }
    // The target would take five seconds for each.
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    // Nor does the end wait for it for long.
    let begun = Instant::now();
    server.end().await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    holding.abort();
}
