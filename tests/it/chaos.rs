//! A room in a storm: people come, go, stall and are cut off while others write and the server is killed again and again.
//! At the end everybody holds exactly what was acknowledged, in the journal's order.
//!
//! `VP_CHAOS_CLIENTS`, `VP_CHAOS_COMMENTS`, `VP_CHAOS_KILLS` and `VP_CHAOS_SEED` make it larger, or another one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::crowd::{Crowd, FEEDBACK, PROJECT, number};
use crate::data::token;
use crate::dice::Dice;

const WRITERS: usize = 8;
/// Nothing of the storm takes longer than this; only a bound for what never comes.
const PATIENCE: Duration = Duration::from_secs(600);

/// What happened on the way, to see that there was a storm at all.
#[derive(Default)]
struct Told {
    connections: AtomicUsize,
    refused: AtomicUsize,
    states: AtomicUsize,
    by_close: AtomicUsize,
}

/// Waits longer with each failure, and never as long as the others do.
async fn back_off(dice: &mut Dice, failures: u32) {
    let most = (25 << failures.min(5)) as usize;
    tokio::time::sleep(Duration::from_millis((most / 2 + dice.roll(most)) as u64)).await;
}

/// Events of the project after `after`, in pages; `None` while the server is away.
pub async fn journal(client: &Client, at: SocketAddr, token: &str, mut after: i64) -> Option<Vec<(i64, i64)>> {
    let mut added = Vec::new();
    loop {
        let url = format!("http://{at}/api/v1/projects/{PROJECT}/events?page_size=500&after={after}");
        let page: Value = client.get(url).bearer_auth(token).send().await.ok()?.json().await.ok()?;
        let entries = page["results"].as_array()?;
        let Some(last) = entries.last() else { return Some(added) };
        after = last["seq"].as_i64()?;
        let comments = entries.iter().filter(|e| e["verb"] == "comment_added");
        added.extend(comments.map(|e| (e["seq"].as_i64().unwrap(), e["comment"].as_i64().unwrap())));
    }
}

/// Writes its share; each comment again and again until it is acknowledged. Answers (client_id, id) of each.
async fn write(
    who: u64,
    texts: Vec<usize>,
    mut at: watch::Receiver<SocketAddr>,
    done: Arc<AtomicUsize>,
) -> Vec<(String, i64)> {
    let (client, mut dice) = (Client::new(), Dice::new(1_000 + who));
    let mut acknowledged = Vec::new();
    for n in texts {
        let client_id = format!("c-{n}");
        let text = format!("{n} {}", "자막이 조금 빨라요. ".repeat(1 + dice.roll(20)));
        let mut failures = 0;
        loop {
            let url = format!("http://{}/api/v1/feedbacks/{FEEDBACK}/comments", *at.borrow_and_update());
            let body = json!({ "text": text, "client_id": client_id });
            let request = client.post(url).bearer_auth(token(who)).json(&body).timeout(Duration::from_secs(10));
            if let Ok(answer) = request.send().await {
                let status = answer.status().as_u16();
                assert!([200, 201, 503].contains(&status), "{status}");
                // An answer whose body was cut off is no acknowledgement.
                if status != 503
                    && let Ok(made) = answer.json::<Value>().await
                {
                    acknowledged.push((client_id, made["id"].as_i64().unwrap()));
                    done.fetch_add(1, Ordering::Relaxed);
                    break;
                }
            }
            failures += 1;
            back_off(&mut dice, failures).await;
        }
    }
    acknowledged
}

/// Somebody in the room.
struct Guest {
    token: String,
    dice: Dice,
    at: watch::Receiver<SocketAddr>,
    /// The last seq of the storm, once it is known.
    last: watch::Receiver<Option<i64>>,
    told: Arc<Told>,
    client: Client,
    /// It stays for at most so many frames.
    stays: usize,
    since: Option<i64>,
    /// (seq, comment) in the order in which they came.
    held: Vec<(i64, i64)>,
}

impl Guest {
    async fn run(mut self) -> Vec<(i64, i64)> {
        let begun = Instant::now();
        let mut failures = 0;
        while !self.has_all() {
            assert!(begun.elapsed() < PATIENCE, "never complete: {:?}", self.since);
            let at = *self.at.borrow_and_update();
            let heard = match self.connect(at).await {
                Some(socket) => self.listen(at, socket).await,
                None => false,
            };
            failures = if heard { 0 } else { failures + 1 };
            back_off(&mut self.dice, failures).await;
        }
        self.held
    }

    fn has_all(&self) -> bool {
        self.last.borrow().is_some_and(|last| self.since.is_some_and(|s| s >= last))
    }

    async fn connect(&self, at: SocketAddr) -> Option<WebSocketStream<TcpStream>> {
        let since = self.since.map_or(String::new(), |s| format!("&since={s}"));
        let url = format!("ws://{at}/ws/projects/{PROJECT}?token={}{since}", self.token);
        let stream = TcpStream::connect(at).await.ok()?;
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await.ok()?;
        self.told.connections.fetch_add(1, Ordering::Relaxed);
        Some(socket)
    }

    /// Hears for a while; answers whether it was given a seat.
    async fn listen(&mut self, at: SocketAddr, mut socket: WebSocketStream<TcpStream>) -> bool {
        let frames = 1 + self.dice.roll(self.stays);
        let (mut heard, mut before) = (false, None);
        for _ in 0..frames {
            if self.has_all() {
                break;
            }
            // Now and then somebody whose machine sleeps.
            let pause = if self.dice.roll(40) == 0 { 400 } else { self.dice.roll(12) };
            tokio::time::sleep(Duration::from_millis(pause as u64)).await;
            // Nothing may come any more: whoever waits in vain comes back and asks.
            let Ok(frame) = tokio::time::timeout(Duration::from_secs(1), socket.next()).await else { break };
            let Some(Ok(frame)) = frame else { return heard };
            let Message::Text(text) = frame else {
                if let Message::Close(Some(frame)) = frame {
                    let code = u16::from(frame.code);
                    assert!([1001, 1013, 4008, 4029].contains(&code), "{frame:?}");
                    self.told.by_close.fetch_add(1, Ordering::Relaxed);
                    self.told.refused.fetch_add(usize::from(code == 4029), Ordering::Relaxed);
                }
                continue;
            };
            heard = true;
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["type"] == "initial_state" {
                if !self.begin(at, frame["seq"].as_i64().unwrap()).await {
                    return heard;
                }
                before = frame["seq"].as_i64();
                continue;
            }
            let messages = frame["messages"].as_array().unwrap_or_else(|| panic!("{frame}"));
            assert!((1..=10).contains(&messages.len()), "a batch of {}", messages.len());
            for message in messages {
                let Some(seq) = message["seq"].as_i64() else { continue };
                assert!(before < Some(seq), "{seq} after {before:?} on one connection");
                before = Some(seq);
                if Some(seq) > self.since {
                    self.since = Some(seq);
                    if message["type"] == "comment" {
                        self.held.push((seq, message["comment"]["id"].as_i64().unwrap()));
                    }
                }
            }
        }
        self.leave(socket).await;
        heard
    }

    /// Begins at `seq`; what lies between that and the last one heard is read over REST.
    async fn begin(&mut self, at: SocketAddr, seq: i64) -> bool {
        self.told.states.fetch_add(1, Ordering::Relaxed);
        let since = self.since.unwrap_or(0);
        let Some(missed) = journal(&self.client, at, &self.token, since).await else { return false };
        self.held.extend(missed.into_iter().filter(|(s, _)| *s <= seq));
        self.since = Some(seq);
        true
    }

    async fn leave(&mut self, mut socket: WebSocketStream<TcpStream>) {
        match self.dice.roll(4) {
            0 => drop(socket.close(None).await),
            1 => {
                // The line is cut: what was on its way is lost.
                let _ = socket.get_ref().set_zero_linger();
            }
            2 => drop(socket),
            // Lives on for a while without reading, as a window on a machine without its network does.
            _ => drop(tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                drop(socket);
            })),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_ends_with_what_was_acknowledged_however_often_the_server_is_killed() {
    let clients = number("VP_CHAOS_CLIENTS", 30);
    let comments = number("VP_CHAOS_COMMENTS", 1_000);
    let kills = number("VP_CHAOS_KILLS", 3);
    let seed = number("VP_CHAOS_SEED", 1) as u64;
    // Three at a time for one person: the seat of a line that was cut is held for a moment.
    let crowd = Crowd::new("chaos", (clients / 3).max(WRITERS) + 1, 0);
    let mut house = crowd.serve(&[]);
    let begun = Instant::now();
    let (at, heard_at) = watch::channel(house.address);
    let (last, heard_last) = watch::channel(None);
    let (told, done) = (Arc::new(Told::default()), Arc::new(AtomicUsize::new(0)));

    let mut guests = JoinSet::new();
    for n in 0..clients {
        let guest = Guest {
            token: token(n as u64 % crowd.people + 1),
            dice: Dice::new(seed << 32 | n as u64),
            at: heard_at.clone(),
            last: heard_last.clone(),
            told: told.clone(),
            client: Client::new(),
            stays: (comments / 40).max(1),
            // Some know where they were, others begin with the room's state and read the rest over REST.
            since: (n % 2 == 0).then_some(0),
            held: Vec::new(),
        };
        guests.spawn(guest.run());
    }
    let mut writers = JoinSet::new();
    for w in 0..WRITERS {
        let texts = (0..comments).filter(|n| n % WRITERS == w).collect();
        writers.spawn(write(w as u64 + 1, texts, heard_at.clone(), done.clone()));
    }
    // Each kill falls into the middle of its part of the writing, however fast that is.
    let mut dice = Dice::new(seed);
    for kill in 0..kills {
        let part = comments / (kills + 1);
        let wanted = kill * part + part / 2 + dice.roll(part / 2 + 1);
        while done.load(Ordering::Relaxed) < wanted {
            assert!(begun.elapsed() < PATIENCE, "the writers do not come on");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(house);
        house = crowd.serve(&[]);
        at.send_replace(house.address);
    }
    let mut acknowledged = BTreeMap::new();
    while let Some(wrote) = writers.join_next().await {
        acknowledged.extend(wrote.unwrap().into_iter().map(|(client_id, id)| (id, client_id)));
    }
    let wrote = begun.elapsed();
    assert_eq!(acknowledged.len(), comments, "two comments were acknowledged as one");
    let journal = journal(&Client::new(), house.address, &token(1), 0).await.unwrap();
    let mut written: Vec<i64> = journal.iter().map(|(_, id)| *id).collect();
    written.sort();
    assert!(written.iter().eq(acknowledged.keys()), "the journal holds what was acknowledged, and each once");
    last.send_replace(journal.last().map(|(seq, _)| *seq));

    while let Some(held) = guests.join_next().await {
        let held = held.unwrap();
        if held != journal {
            let missing: Vec<_> = journal.iter().filter(|e| !held.contains(e)).collect();
            panic!("{} held of {}, missing {missing:?} (seed {seed})", held.len(), journal.len());
        }
    }
    let n = |n: &AtomicUsize| n.load(Ordering::Relaxed);
    eprintln!(
        "{clients} guests, {comments} comments, {kills} kills: written in {wrote:?}, all complete in {:?}; {} connections, \
         {} closed by the server ({} for their number), {} times the room's state",
        begun.elapsed(),
        n(&told.connections),
        n(&told.by_close),
        n(&told.refused),
        n(&told.states)
    );
    assert!(n(&told.connections) > 2 * clients, "there was no storm");
    house.emptied().await;
    let complaints = std::fs::read_to_string(crowd.complaints()).unwrap();
    assert!(!complaints.contains("panicked"), "{complaints}");
}
