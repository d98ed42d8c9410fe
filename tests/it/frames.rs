//! Frames that no browser would send, written to the bare socket: broken ones, and sound ones with mutated messages.
//!
//! Whatever comes in, what goes out is a well-formed frame with a known message, or the connection ends; a sound frame
//! never ends it. The server neither panics nor keeps a seat. `VP_FUZZ_FRAMES` and `VP_FUZZ_SEED` make more, or others.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::task::JoinSet;

use crate::crowd::{Crowd, FEEDBACK, PROJECT, number};
use crate::data::token;
use crate::dice::Dice;

/// Largest message that the server takes.
const LARGEST: usize = 64 << 10;
/// Messages of one connection: fewer than it may say in a second.
const MESSAGES: usize = 36;
const COMMENTS: usize = 60;

/// No limit of a minute hides what lies behind it.
const SETTINGS: [&str; 5] = [
    "rooms.comments_per_minute=1000000",
    "rooms.typing_per_minute=1000000",
    "rooms.reactions_per_minute=1000000",
    "rooms.leads_per_minute=1000000",
    "rooms.others_per_minute=1000000",
];
const PEOPLE: usize = 40;

/// The way to the project's room.
pub fn room() -> String {
    format!("/ws/projects/{PROJECT}")
}

/// The request that asks for a room.
pub fn knock(room: &str, token: &str) -> String {
    format!(
        "GET {room}?token={token} HTTP/1.1\r\nHost: room\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// A frame of a client: first byte, payload, masked as it must be.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    framed(first, payload, true)
}

fn framed(first: u8, payload: &[u8], mask: bool) -> Vec<u8> {
    let bit = if mask { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        n @ 0..126 => frame.push(bit | n as u8),
        n @ 126..0x1_0000 => {
            frame.push(bit | 126);
            frame.extend((n as u16).to_be_bytes());
        }
        n => {
            frame.push(bit | 127);
            frame.extend((n as u64).to_be_bytes());
        }
    }
    if mask {
        let key = [0x5a, 0x11, 0xc3, 0x07];
        frame.extend(key);
        frame.extend(payload.iter().enumerate().map(|(i, b)| b ^ key[i % 4]));
    } else {
        frame.extend(payload);
    }
    frame
}

/// What the server said.
#[derive(Debug)]
pub enum Told {
    Text(Value),
    /// A ping or a pong.
    Control,
    /// It closes, with this code.
    Close(Option<u16>),
    /// The connection is over.
    End,
}

/// The server's side of a connection, read more strictly than clients do.
pub struct Ear {
    from: OwnedReadHalf,
    buffer: Vec<u8>,
}

impl Ear {
    pub fn new(from: OwnedReadHalf) -> Ear {
        Ear { from, buffer: Vec::new() }
    }

    /// Reads until there are `n` bytes; `false` if there never will be.
    async fn fill(&mut self, n: usize) -> bool {
        while self.buffer.len() < n {
            match self.from.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return false,
                Ok(_) => {}
            }
        }
        true
    }

    /// The head of the answer to the request, if there is one.
    pub async fn head(&mut self) -> Option<String> {
        let mut n = 4;
        while self.fill(n).await {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                return Some(String::from_utf8(self.buffer.drain(..at + 4).collect()).unwrap());
            }
            n = self.buffer.len() + 1;
        }
        None
    }

    /// The next frame. Panics at what is none.
    pub async fn next(&mut self) -> Told {
        if !self.fill(2).await {
            return Told::End;
        }
        let (first, length) = (self.buffer[0], self.buffer[1]);
        assert!(length & 0x80 == 0, "a server masks nothing");
        let (head, length) = match length {
            126 if self.fill(4).await => (4, u16::from_be_bytes([self.buffer[2], self.buffer[3]]) as usize),
            127 if self.fill(10).await => (10, u64::from_be_bytes(self.buffer[2..10].try_into().unwrap()) as usize),
            126.. => return Told::End,
            n => (2, n as usize),
        };
        let least = [(4, 126), (10, 0x1_0000)].into_iter().find(|(h, _)| *h == head).map_or(0, |(_, least)| least);
        assert!((least..4 << 20).contains(&length), "a frame of {length}, told in {head} bytes");
        if !self.fill(head + length).await {
            return Told::End;
        }
        let payload: Vec<u8> = self.buffer.drain(..head + length).skip(head).collect();
        match first {
            0x81 => Told::Text(serde_json::from_slice(&payload).expect("JSON in UTF-8")),
            0x88 => {
                assert!(payload.len() != 1 && payload.len() < 126, "{payload:?}");
                let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                assert!(std::str::from_utf8(payload.get(2..).unwrap_or_default()).is_ok(), "{payload:?}");
                Told::Close(code)
            }
            0x89 | 0x8a => {
                assert!(payload.len() < 126);
                Told::Control
            }
            other => panic!("a frame that begins with {other:#x}"),
        }
    }
}

/// Holds what any answer must be.
fn judge(answer: &Value) {
    let word = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}"));
    match word("type") {
        "initial_state" => assert!(answer["seq"].is_i64() && answer["at_ms"].is_i64(), "{answer}"),
        "ack" => assert!(!word("action").is_empty()),
        "pong" => {}
        "error" => assert!(!word("message").is_empty() && word("code") != "internal", "{answer}"),
        "batch" => {
            let messages = answer["messages"].as_array().unwrap();
            assert!((1..=10).contains(&messages.len()), "{answer}");
            assert!(messages.iter().all(|m| m["type"].is_string()), "{answer}");
        }
        other => panic!("an answer of type {other}"),
    }
}

/// Every message that a client may send, with ids that exist.
fn messages(dice: &mut Dice) -> Value {
    let comment = 1 + dice.roll(COMMENTS);
    let kinds = ["like", "dislike", "question"];
    let points = json!([[0.1, 0.2], [0.5, 0.5], [1, 0]]);
    let lead = json!({
        "type": "lead_start", "feedback_id": FEEDBACK, "media_id": 1, "ms": 1200, "playing": true, "rate": 1.0,
        "take_over": dice.roll(2) == 0,
    });
    let new = json!({
        "feedback_id": FEEDBACK, "text": "자막이 빨라요", "title": "자막", "section": "00:07~00:09", "security": false,
        "internal": false, "start_ms": 7000, "end_ms": 9000, "frame": 168, "parent_id": null,
        "drawing": [{ "color": "#ff0000", "points": points }],
    });
    let all = [
        json!({ "type": "comment_add", "client_id": format!("c-{}", dice.roll(1 << 20)), "comment": new }),
        json!({ "type": "comment_edit", "comment_id": comment, "comment": { "text": "느려요", "start_ms": null } }),
        json!({ "type": "comment_delete", "comment_id": comment }),
        json!({ "type": "comment_resolve", "comment_id": comment, "resolved": dice.roll(2) == 0 }),
        json!({ "type": "reaction_add", "comment_id": comment, "kind": dice.of(&kinds) }),
        json!({ "type": "reaction_remove", "comment_id": comment, "kind": dice.of(&kinds) }),
        json!({ "type": "typing_indicator", "feedback_id": FEEDBACK, "is_typing": true }),
        json!({ "type": "cursor", "media_id": 1, "ms": 1200 }),
        json!({ "type": "ping" }),
        lead,
        json!({ "type": "lead_move", "media_id": 1, "ms": 2400, "playing": false, "rate": 0.5 }),
        json!({ "type": "lead_stroke", "stroke": { "id": "s1", "color": "#00ff00", "width": 0.01, "points": points } }),
        json!({ "type": "lead_clear" }),
        json!({ "type": "lead_end" }),
        json!({ "type": "follow", "feedback_id": FEEDBACK, "on": true }),
    ];
    dice.of(&all).clone()
}

/// A value that is seldom the right one.
fn odd(dice: &mut Dice) -> Value {
    let all = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(0.5),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e308),
        json!(""),
        json!("1"),
        json!("\0"),
        json!("😀\u{202e}\u{feff}가\u{1100}\u{1161}"),
        json!("9".repeat(400)),
        json!("가".repeat(3_000)),
        json!([]),
        json!([1]),
        json!({}),
        json!({ "type": "ping" }),
        json!([[[[[[[[[[]]]]]]]]]]),
        json!([[1e300, -1e300], ["x"], []]),
    ];
    dice.of(&all).clone()
}

/// One of the places of a message, however deep.
fn place<'a>(dice: &mut Dice, value: &'a mut Value) -> &'a mut Value {
    let len = match value {
        Value::Object(fields) => fields.len(),
        Value::Array(items) => items.len(),
        _ => 0,
    };
    if len == 0 || dice.roll(4) == 0 {
        return value;
    }
    let n = dice.roll(len);
    match value {
        Value::Object(fields) => place(dice, fields.values_mut().nth(n).unwrap()),
        Value::Array(items) => place(dice, &mut items[n]),
        _ => unreachable!(),
    }
}

/// A message with some harm done to it; UTF-8 of at most [`LARGEST`] bytes.
fn mutated(dice: &mut Dice) -> String {
    let mut message = messages(dice);
    let whole = message.clone();
    for _ in 0..dice.roll(3) {
        let odd = odd(dice);
        match (dice.roll(4), place(dice, &mut message)) {
            (0, Value::Object(fields)) if !fields.is_empty() => {
                let name = fields.keys().nth(dice.roll(fields.len())).cloned().unwrap();
                fields.remove(&name);
            }
            (1, Value::Object(fields)) => {
                drop(fields.insert(["colour", "", "type", "id", "\0"][dice.roll(5)].into(), odd))
            }
            (_, place) => *place = odd,
        }
    }
    // Most keep their type, so that what is harmed is looked at.
    if dice.roll(5) > 0 {
        match &mut message {
            Value::Object(fields) => drop(fields.insert("type".into(), whole["type"].clone())),
            other => *other = whole,
        }
    }
    let mut text = message.to_string();
    let cut = |dice: &mut Dice, text: &str| {
        let mut at = dice.roll(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    match dice.roll(24) {
        0 => text.truncate(cut(dice, &text)),
        1 => text.insert(cut(dice, &text), '\0'),
        2 => text = text.replacen('{', "{\"type\":\"ping\",\"client_id\":\"first\",", 1),
        3 => {
            text = text.replacen(
                ":",
                [":\"\\ud800\",\"x\":", ":\"\\u0000\",\"x\":", ":1e999,\"x\":", ":-0,\"x\":"][dice.roll(4)],
                1,
            )
        }
        4 => {
            let depth = [10, 127, 128, 129, 1_000, 20_000][dice.roll(6)];
            let (open, close) = *dice.of(&[("[", "]"), ("{\"a\":", "}")]);
            let deep = format!("{}0{}", open.repeat(depth), close.repeat(depth));
            text = text.replacen(":", &format!(":{deep},\"x\":"), 1);
        }
        5 if dice.roll(4) == 0 => {
            let wanted = LARGEST - dice.roll(3);
            let padding = " 가x".chars().nth(dice.roll(3)).unwrap();
            let room = wanted.saturating_sub(text.len() + "\"x\":\"\",".len()) / padding.len_utf8();
            let filled: String = std::iter::repeat_n(padding, room).collect();
            text = text.replacen('{', &format!("{{\"x\":\"{filled}\","), 1);
        }
        6..9 => {
            let words: [&[u8]; 12] =
                [b"{", b"}", b"[", b"]", b"\"", b"\\", b",", b":", b"null", b"\\u0000", b"\\ud83d", b"1e400"];
            let mut bytes = text.into_bytes();
            dice.harm(&mut bytes, &words);
            text = String::from_utf8_lossy(&bytes).into_owned();
        }
        _ => {}
    }
    if text.len() > LARGEST {
        let mut at = LARGEST;
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        text.truncate(at);
    }
    text
}

/// A frame, or some that belong together, as the protocol wants it; the message in it is what it is.
fn sound(dice: &mut Dice) -> Vec<u8> {
    let text = mutated(dice).into_bytes();
    match dice.roll(20) {
        0 => masked(0x89, &text[..text.len().min(dice.roll(126))]),
        1 => masked(0x8a, b"unasked"),
        2 => masked(0x82, &text),
        3 => {
            let mut bytes = text;
            dice.harm(&mut bytes, &[b"\xff\xfe", b"\xc0\x80", b"\0"]);
            bytes.truncate(LARGEST);
            masked(0x82, &bytes)
        }
        4 => {
            // In pieces, with a ping between them; some pieces are empty.
            let (a, b) = (dice.roll(text.len() + 1), dice.roll(text.len() + 1));
            let (a, b) = (a.min(b), a.max(b));
            let pieces =
                [masked(0x01, &text[..a]), masked(0x89, b""), masked(0x00, &text[a..b]), masked(0x80, &text[b..])];
            pieces.concat()
        }
        _ => masked(0x81, &text),
    }
}

/// Bytes that a server has to end the connection for, or to wait for the rest of.
fn broken(dice: &mut Dice) -> Vec<u8> {
    let text = mutated(dice).into_bytes();
    let short = &text[..text.len().min(100)];
    match dice.roll(15) {
        0 => (0..dice.roll(300)).map(|_| dice.roll(256) as u8).collect(),
        1 => framed(0x81, &text, false),
        2 => masked(0x80 | *dice.of(&[3, 4, 5, 6, 7, 11, 12, 13, 14, 15]), short),
        3 => masked(0x81 | *dice.of(&[0x10, 0x20, 0x40, 0x70]), short),
        4 => masked(*dice.of(&[0x88, 0x89, 0x8a]), &vec![b'x'; 126 + dice.roll(200)]),
        5 => masked(*dice.of(&[0x08, 0x09, 0x0a]), short), // a control frame in pieces
        6 => masked(*dice.of(&[0x00, 0x80]), short),       // the rest of nothing
        7 => [masked(0x01, short), masked(0x81, short)].concat(), // a beginning inside of another
        8 => {
            let no_utf8: [&[u8]; 4] = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"];
            masked(0x81, &[short, *dice.of(&no_utf8)].concat())
        }
        9 => {
            // Lengths beyond all reason.
            let length = *dice.of(&[LARGEST as u64 + 1, 1 << 31, 1 << 32, 1 << 62, 1 << 63, u64::MAX]);
            [&[0x81, 0xff], &length.to_be_bytes()[..], &[1, 2, 3, 4], short].concat()
        }
        10 => masked(0x81, &vec![b' '; LARGEST + 1 + dice.roll(2_000)]),
        11 => {
            // Pieces that are small one by one.
            let piece = vec![b' '; 30_000];
            [masked(0x01, &piece), masked(0x00, &piece), masked(0x00, &piece), masked(0x80, &piece)].concat()
        }
        12 => {
            let goodbyes: [&[u8]; 5] = [b"\x03", b"\x00\x00", b"\x03\xed", b"\xff\xff", b"\x03\xe8\xff\xfe"];
            masked(0x88, dice.of::<&[u8]>(&goodbyes))
        }
        13 => {
            let mut frame = masked(0x81, &text);
            frame.truncate(dice.roll(frame.len()));
            frame
        }
        _ => {
            let mut frame = sound(dice);
            dice.harm(&mut frame, &[b"\x81\xfe", b"\x88\x80", b"\x00"]);
            frame
        }
    }
}

/// How often which answer came.
type Tally = Arc<Mutex<BTreeMap<String, usize>>>;

/// One connection; answers how many frames were written.
async fn visit(to: SocketAddr, token: String, seed: u64, tally: Tally) -> usize {
    let mut dice = Dice::new(seed);
    let stream = TcpStream::connect(to).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (from, mut into) = stream.into_split();
    let mut ear = Ear::new(from);
    let mut frames: Vec<Vec<u8>> = (0..1 + dice.roll(MESSAGES)).map(|_| sound(&mut dice)).collect();
    let is_sound = dice.roll(4) != 0;
    if is_sound {
        frames.push(masked(0x81, b"{\"type\":\"ping\",\"client_id\":\"the end\"}"));
    } else {
        frames.extend((0..1 + dice.roll(4)).map(|_| broken(&mut dice)));
    }
    // Some do not wait for the door to open.
    let ahead = dice.roll(4) == 0;
    let place = if dice.roll(10) == 0 { "/ws/me".to_owned() } else { room() };
    into.write_all(knock(&place, &token).as_bytes()).await.unwrap();
    if !ahead {
        let head = ear.head().await.unwrap();
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    }
    // Written while the answers are read: who only writes is not read any more some day.
    let count = frames.len();
    let write = async move {
        let written = into.write_all(&frames.concat()).await;
        // A connection that is broken may be ended before all is written.
        assert!(written.is_ok() || !is_sound);
        if !is_sound {
            let _ = into.shutdown().await;
        }
        into
    };
    let read = async {
        if ahead {
            let head = ear.head().await;
            assert!(head.as_ref().is_some_and(|h| h.starts_with("HTTP/1.1 101")) || !is_sound, "{head:?}");
        }
        loop {
            match ear.next().await {
                Told::Text(answer) => {
                    judge(&answer);
                    let more = answer["code"].as_str().or(answer["action"].as_str()).unwrap_or("");
                    let name = format!("{} {more}", answer["type"].as_str().unwrap());
                    *tally.lock().unwrap().entry(name).or_default() += 1;
                    if answer["client_id"] == "the end" {
                        return;
                    }
                }
                Told::Control => {}
                Told::Close(code) => {
                    assert!(!is_sound, "sound frames were answered with {code:?}");
                    assert_ne!(code, Some(1011), "the server broke");
                    return;
                }
                Told::End => {
                    assert!(!is_sound, "sound frames have ended the connection");
                    return;
                }
            }
        }
    };
    let (mut into, ()) = tokio::join!(write, read);
    if is_sound {
        into.write_all(&masked(0x88, b"\x03\xe8")).await.unwrap();
        let code = loop {
            match ear.next().await {
                Told::Close(code) => break code,
                Told::End => panic!("the goodbye was not answered"),
                _ => {}
            }
        };
        assert_eq!(code, Some(1000));
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_written_into_a_room_is_answered_or_ends_the_line() {
    let frames = number("VP_FUZZ_FRAMES", 20_000);
    let seed = number("VP_FUZZ_SEED", 1) as u64;
    let crowd = Crowd::new("frames", PEOPLE, COMMENTS);
    crowd.film();
    let house = crowd.serve(&SETTINGS);
    let (sent, next) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tally = Tally::default();
    let mut visitors = JoinSet::new();
    for _ in 0..8 {
        let (sent, next, tally) = (sent.clone(), next.clone(), tally.clone());
        let (to, people) = (house.address, crowd.people);
        visitors.spawn(async move {
            while sent.load(Ordering::Relaxed) < frames {
                let n = next.fetch_add(1, Ordering::Relaxed) as u64;
                let visit = visit(to, token(n % people + 1), seed << 32 | n, tally.clone());
                let visit = tokio::spawn(tokio::time::timeout(Duration::from_secs(60), visit));
                let done = visit.await.unwrap_or_else(|e| panic!("connection {n} of seed {seed}: {e}"));
                let done = done.unwrap_or_else(|_| panic!("connection {n} of seed {seed} was left without an answer"));
                sent.fetch_add(done, Ordering::Relaxed);
            }
        });
    }
    // The first tenth fills what is kept anyway: caches, pools, buffers.
    while sent.load(Ordering::Relaxed) < frames / 10 && !visitors.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = house.memory();
    while let Some(done) = visitors.join_next().await {
        done.unwrap();
    }
    house.emptied().await;
    let after = house.memory();
    let (sent, connections) = (sent.load(Ordering::Relaxed), next.load(Ordering::Relaxed));
    eprintln!("{sent} frames on {connections} connections; memory {} MiB, then {} MiB", before >> 20, after >> 20);
    let tally = tally.lock().unwrap().clone();
    eprintln!("{tally:?}");
    // The frames reach what lies behind the parser, and it is not limits that answer them.
    for name in ["ack comment_add", "ack comment_delete", "ack reaction_add", "error conflict", "error not_leading"] {
        assert!(tally.contains_key(name), "never {name}: {tally:?}");
    }
    assert!(tally.get("error rate_limited").is_none_or(|n| *n < sent / 20), "{tally:?}");
    if sent >= 100_000 {
        assert!(after < before + (64 << 20), "{before} bytes became {after}");
    }
    let health: Value = reqwest::get(format!("http://{}/health", house.address)).await.unwrap().json().await.unwrap();
    assert_eq!(health["status"], "healthy", "{health}");
    let (from, mut into) = TcpStream::connect(house.address).await.unwrap().into_split();
    into.write_all(knock(&room(), &token(crowd.people)).as_bytes()).await.unwrap();
    let mut ear = Ear::new(from);
    assert!(ear.head().await.is_some());
    assert!(matches!(ear.next().await, Told::Text(state) if state["type"] == "initial_state"));
    let complaints = std::fs::read_to_string(crowd.complaints()).unwrap();
    for word in ["panicked", "a live room failed", "a live message failed"] {
        assert!(!complaints.contains(word), "{complaints}");
    }
}
