//! The program is replaced again and again under load, on sockets that a supervisor holds: nobody is refused, no request
//! fails, no comment is lost or doubled, every socket hears every comment once and in order, and an upload goes through.
//!
//! What may happen, and is counted: a connection that is kept for a next request may be closed before that is answered;
//! its client asks again on a new one, with the same `Idempotency-Key`. `VP_SWAPS`, `VP_SWAP_CLIENTS` and
//! `VP_SWAP_SOCKETS` make it larger.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::{Body, Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::chaos::journal;
use crate::clips::noise;
use crate::crowd::{Crowd, FEEDBACK, PROJECT, number};
use crate::data::token;
use crate::dice::Dice;
use crate::supervisor::Supervisor;

/// How long a request may take, the change of programs within it.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that the upload sends at once, and how long it then rests: it is under way whenever the program is replaced.
const CHUNK: usize = 64 << 10;
const REST: Duration = Duration::from_millis(20);

/// What happened.
#[derive(Default)]
struct Told {
    asked: AtomicUsize,
    refused: AtomicUsize,
    reopened: AtomicUsize,
    cuts: AtomicUsize,
    returns: AtomicUsize,
    failed: parking_lot::Mutex<Vec<String>>,
    slowest_ms: AtomicUsize,
    over: AtomicBool,
}

impl Told {
    fn add(&self, of: impl Fn(&Told) -> &AtomicUsize) {
        of(self).fetch_add(1, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn fail(&self, what: String) {
        self.failed.lock().push(what);
    }
}

fn is_refusal(e: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn Error> = Some(e);
    while let Some(e) = cause {
        if e.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = e.source();
    }
    false
}

/// Somebody who writes and reads until it is over.
struct Person {
    n: u64,
    at: SocketAddr,
    /// Keeps his connection for the next request.
    keeps: bool,
    client: Client,
    told: Arc<Told>,
}

impl Person {
    fn new(n: u64, at: SocketAddr, told: Arc<Told>) -> Person {
        let keeps = n.is_multiple_of(2);
        let builder = Client::builder().timeout(PATIENCE);
        let client = if keeps { builder } else { builder.pool_max_idle_per_host(0) }.build().unwrap();
        Person { n, at, keeps, client, told }
    }

    /// Answers (id, text) of each comment that was acknowledged.
    async fn run(self) -> Vec<(i64, String)> {
        let mut dice = Dice::new(self.n);
        let mut wrote = Vec::new();
        let base = format!("http://{}/api/v1/feedbacks/{FEEDBACK}/comments", self.at);
        let mut n = 0;
        while !self.told.is_over() {
            n += 1;
            let (key, text) = (format!("swap-{}-{n}", self.n), format!("{}번의 {n}번째 의견", self.n));
            let body = json!({ "text": text });
            let post = || self.client.post(&base).header("Idempotency-Key", &key).json(&body);
            if let Some(made) = self.ask(post).await {
                wrote.push((made["id"].as_i64().unwrap(), text));
            }
            self.ask(|| self.client.get(format!("{base}?page_size=1"))).await;
            tokio::time::sleep(Duration::from_millis(100 + dice.roll(300) as u64)).await;
        }
        wrote
    }

    /// One request: answered well, or a failure.
    async fn ask(&self, request: impl Fn() -> RequestBuilder) -> Option<Value> {
        self.told.add(|t| &t.asked);
        let begun = Instant::now();
        let mut tries = 0;
        let answer = loop {
            let answer = async { request().bearer_auth(token(self.n)).send().await };
            match answer.await {
                Ok(answer) => break answer,
                Err(e) => {
                    if is_refusal(&e) {
                        self.told.add(|t| &t.refused);
                    }
                    tries += 1;
                    if !self.keeps || e.is_connect() || e.is_timeout() || tries > 3 {
                        self.told.fail(format!("{e:?}"));
                        return None;
                    }
                    self.told.add(|t| &t.reopened);
                }
            }
        };
        let status = answer.status().as_u16();
        let body = answer.json::<Value>().await;
        self.told.slowest_ms.fetch_max(begun.elapsed().as_millis() as usize, Ordering::Relaxed);
        match body {
            Ok(body) if [200, 201].contains(&status) => Some(body),
            other => {
                self.told.fail(format!("{status}: {other:?}"));
                None
            }
        }
    }
}

/// Somebody in the room. Comes back by the seq that he heard last, when the server says so.
struct Guest {
    n: u64,
    at: SocketAddr,
    told: Arc<Told>,
    /// The last seq, once it is known.
    last: watch::Receiver<Option<i64>>,
    since: i64,
    /// (seq, comment) in the order in which they came.
    held: Vec<(i64, i64)>,
}

impl Guest {
    async fn run(mut self) -> Vec<(i64, i64)> {
        while !self.has_all() {
            let url = format!("ws://{}/ws/projects/{PROJECT}?token={}&since={}", self.at, token(self.n), self.since);
            let opened = async {
                let stream = TcpStream::connect(self.at).await.map_err(|e| {
                    self.told.add(|t| &t.refused);
                    e.to_string()
                })?;
                tokio_tungstenite::client_async(url, stream).await.map_err(|e| e.to_string())
            };
            match tokio::time::timeout(PATIENCE, opened).await {
                Ok(Ok((socket, _))) => {
                    let retry = self.listen(socket).await;
                    self.told.add(|t| &t.returns);
                    tokio::time::sleep(retry).await;
                }
                Ok(Err(e)) => {
                    self.told.fail(format!("a socket: {e}"));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(_) => self.told.fail("a socket was never opened".into()),
            }
        }
        self.held
    }

    fn has_all(&self) -> bool {
        self.last.borrow().is_some_and(|last| self.since >= last)
    }

    /// Listens until the server says farewell; answers when it wants him back.
    async fn listen(&mut self, mut socket: tokio_tungstenite::WebSocketStream<TcpStream>) -> Duration {
        while !self.has_all() {
            let Ok(frame) = tokio::time::timeout(Duration::from_millis(500), socket.next()).await else { continue };
            match frame {
                Some(Ok(Message::Text(text))) => self.hear(&serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => {
                    let retry = frame.reason.split("retry_ms=").nth(1).and_then(|ms| ms.parse().ok());
                    if u16::from(frame.code) != 1001 || retry.is_none() {
                        self.told.fail(format!("a socket was closed: {frame:?}"));
                    }
                    return Duration::from_millis(retry.unwrap_or(500));
                }
                Some(Ok(_)) => {}
                other => {
                    self.told.fail(format!("a socket ended without a word: {other:?}"));
                    return Duration::from_millis(100);
                }
            }
        }
        Duration::ZERO
    }

    fn hear(&mut self, frame: &Value) {
        let messages = frame["messages"].as_array().unwrap_or_else(|| panic!("it does not resume: {frame}"));
        for message in messages {
            let Some(seq) = message["seq"].as_i64() else { continue };
            if seq <= self.since {
                self.told.fail(format!("{seq} after {}", self.since));
            }
            self.since = seq;
            if message["type"] == "comment" {
                self.held.push((seq, message["comment"]["id"].as_i64().unwrap()));
            }
        }
    }
}

/// Sends a film slowly until it is over, then as fast as it goes; answers the version's id.
async fn upload(at: SocketAddr, film: Bytes, told: Arc<Told>) -> String {
    // Each piece on a connection of its own, as a browser does after a failure.
    let client = Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let ask = |request: RequestBuilder| request.bearer_auth(token(1)).header("Tus-Resumable", "1.0.0");
    let metadata = format!("filename {},feedback_id {}", STANDARD.encode("큰 파일.mov"), STANDARD.encode("1"));
    let create = ask(client.post(format!("http://{at}/api/v1/uploads")));
    let created = create.header("Upload-Length", film.len()).header("Upload-Metadata", metadata).send().await.unwrap();
    let url = format!("http://{at}{}", created.headers()["location"].to_str().unwrap());
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < 20 * PATIENCE, "the upload does not end");
        let head = match ask(client.head(&url)).send().await {
            Ok(head) if head.status() == 200 => head,
            // The part that was cut is still being made durable.
            Ok(head) if head.status() == 423 => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            other => {
                told.fail(format!("the upload's offset: {other:?}"));
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let offset: usize = head.headers()["upload-offset"].to_str().unwrap().parse().unwrap();
        let (rest, over) = (film.slice(offset..), told.clone());
        let chunks = futures_util::stream::unfold(rest, move |mut rest| {
            let over = over.clone();
            async move {
                if rest.is_empty() {
                    return None;
                }
                if !over.is_over() {
                    tokio::time::sleep(REST).await;
                }
                // The end is kept back until it is over.
                while rest.len() <= CHUNK && !over.is_over() {
                    tokio::time::sleep(REST).await;
                }
                let chunk = rest.split_to(rest.len().min(CHUNK));
                Some((Ok::<_, std::io::Error>(chunk), rest))
            }
        });
        let patch = ask(client.patch(&url)).header("Content-Type", "application/offset+octet-stream");
        let patch = patch.header("Upload-Offset", offset).header("Content-Length", film.len() - offset);
        match patch.body(Body::wrap_stream(chunks)).send().await {
            Ok(done) if done.status() == 204 => return done.headers()["x-media-id"].to_str().unwrap().to_owned(),
            Ok(cut) if [423, 503].contains(&cut.status().as_u16()) => told.add(|t| &t.cuts),
            // The answer may get lost with the connection on which bytes are still sent.
            Err(e) if !is_refusal(&e) => told.add(|t| &t.cuts),
            other => told.fail(format!("the upload: {other:?}")),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_is_replaced_under_load_and_nobody_notices() {
    let (swaps, clients) = (number("VP_SWAPS", 3), number("VP_SWAP_CLIENTS", 16));
    let sockets = number("VP_SWAP_SOCKETS", 20);
    let crowd = Crowd::new("swap", clients + sockets + 1, 0);
    let supervisor = Supervisor::new(crowd.dir.path(), &crowd.dir.path().join("data"), 1);
    let at = supervisor.address;
    let mut process = supervisor.start(&[]);
    supervisor.told(0, "READY=1").await;
    let told = Arc::new(Told::default());
    let (last, heard_last) = watch::channel(None);

    let film = Bytes::from(noise(16 << 20, 3));
    let uploading = tokio::spawn(upload(at, film.clone(), told.clone()));
    let mut guests = JoinSet::new();
    for n in 0..sockets {
        let (n, last, told) = ((clients + n) as u64 + 1, heard_last.clone(), told.clone());
        guests.spawn(Guest { n, at, told, last, since: 0, held: Vec::new() }.run());
    }
    let mut people = JoinSet::new();
    for n in 0..clients {
        people.spawn(Person::new(n as u64 + 1, at, told.clone()).run());
    }

    let mut gaps = Vec::new();
    for _ in 0..swaps {
        tokio::time::sleep(Duration::from_millis(1_000)).await;
        let (next, gap) = supervisor.replace(process, &[]).await;
        process = next;
        gaps.push(gap);
    }
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    told.over.store(true, Ordering::Relaxed);
    let mut acknowledged = BTreeMap::new();
    let mut texts = BTreeSet::new();
    while let Some(wrote) = people.join_next().await {
        for (id, text) in wrote.unwrap() {
            assert!(acknowledged.insert(id, text.clone()).is_none(), "two comments were acknowledged as one");
            assert!(texts.insert(text));
        }
    }
    let media = tokio::time::timeout(4 * PATIENCE, uploading).await.expect("the upload ends").unwrap();

    let client = Client::new();
    let journal = journal(&client, at, &token(1), 0).await.unwrap();
    let mut written: Vec<i64> = journal.iter().map(|(_, id)| *id).collect();
    written.sort();
    assert_eq!(written, acknowledged.keys().copied().collect::<Vec<_>>(), "lost or double");
    last.send_replace(journal.last().map(|(seq, _)| *seq));
    while let Some(held) = guests.join_next().await {
        let held = held.unwrap();
        assert_eq!(held.len(), journal.len());
        assert!(held == journal, "every comment once, in the journal's order");
    }
    let original = client.get(format!("http://{at}/api/v1/media/{media}/original")).bearer_auth(token(1));
    let original = original.send().await.unwrap().bytes().await.unwrap();
    assert!(blake3::hash(&original) == blake3::hash(&film), "the stored bytes are the sent ones");

    let n = |n: &AtomicUsize| n.load(Ordering::Relaxed);
    gaps.sort();
    eprintln!(
        "{swaps} swaps ({:?} to {:?} from SIGTERM to READY), {clients} clients, {sockets} sockets: {} requests, {} \
         refused, {} asked again on a new connection, slowest {} ms; {} comments; {} sockets came back; the upload was \
         cut {} times",
        gaps[0],
        gaps[gaps.len() - 1],
        n(&told.asked),
        n(&told.refused),
        n(&told.reopened),
        n(&told.slowest_ms),
        journal.len(),
        n(&told.returns),
        n(&told.cuts),
    );
    let failed = told.failed.lock().clone();
    assert!(failed.is_empty(), "{} failures: {:#?}", failed.len(), &failed[..failed.len().min(20)]);
    assert_eq!(n(&told.refused), 0);
    // On a slow machine somebody is still on his way back when the program is replaced again.
    assert!(n(&told.cuts) >= swaps.div_ceil(2), "the upload was mostly under way");
    assert!(n(&told.returns) >= swaps * sockets / 2, "the sockets mostly had a seat");
    process.end().await;
    let complaints = supervisor.complaints();
    let cut_off = complaints.matches("had not ended when their time was over").count();
    eprintln!("drains that ran out of time: {cut_off}");
    assert!(!complaints.contains("panicked"), "{complaints}");
}
