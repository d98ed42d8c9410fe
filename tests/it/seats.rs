//! The count of seats never drifts: five for one person, whatever becomes of his lines.

use std::time::{Duration, Instant};

use reqwest::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::task::JoinSet;

use crate::dice::Dice;
use crate::frames::{Ear, Told, knock, masked, room};
use crate::studio::Studio;

/// Seats of one person.
const SEATS: usize = 5;

/// A line that was given a seat.
struct Tab {
    ear: Ear,
    into: OwnedWriteHalf,
}

impl Tab {
    /// Takes a seat, or tells the code with which it is refused.
    async fn open(to: &str, token: &str) -> Result<Tab, u16> {
        let (from, mut into) = TcpStream::connect(to).await.unwrap().into_split();
        into.write_all(knock(&room(), token).as_bytes()).await.unwrap();
        let mut ear = Ear::new(from);
        let head = ear.head().await.unwrap();
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        match ear.next().await {
            Told::Text(state) if state["type"] == "initial_state" => Ok(Tab { ear, into }),
            Told::Close(Some(code)) => Err(code),
            other => panic!("{other:?}"),
        }
    }

    /// Cuts the line: the other end is told of a reset, not of an end.
    fn cut(self) {
        self.into.as_ref().set_zero_linger().unwrap();
    }
}

fn address(studio: &Studio) -> String {
    studio.url.replacen("http://", "", 1)
}

/// Fifty knock at once; answers those who were let in.
async fn rush(studio: &Studio) -> Vec<Tab> {
    let mut knocking = JoinSet::new();
    for _ in 0..50 {
        let (to, token) = (address(studio), studio.viewer.token.clone());
        knocking.spawn(async move { Tab::open(&to, &token).await });
    }
    let mut inside = Vec::new();
    while let Some(tab) = knocking.join_next().await {
        match tab.unwrap() {
            Ok(tab) => inside.push(tab),
            Err(code) => assert_eq!(code, 4029),
        }
    }
    inside
}

async fn emptied(studio: &Studio) {
    let begun = Instant::now();
    while studio.app.hub.stats().sockets > 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", studio.app.hub.stats());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(studio.app.hub.stats().rooms, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_at_once_five_are_let_in_again_and_again() {
    let studio = Studio::start("rush").await;
    for _ in 0..4 {
        let inside = rush(&studio).await;
        assert_eq!((inside.len(), studio.app.hub.stats().sockets), (SEATS, SEATS));
        inside.into_iter().for_each(Tab::cut);
        emptied(&studio).await;
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_a_line_ends_its_seat_is_free() {
    let studio = Studio::start("drift").await;
    let to = address(&studio);
    let request = knock(&room(), &studio.viewer.token);
    let mut dice = Dice::new(11);
    let mut seated = 0;
    for _ in 0..60 {
        let mut lines = JoinSet::new();
        for _ in 0..10 {
            let (to, token, request) = (to.clone(), studio.viewer.token.clone(), request.clone());
            let (way, at) = (dice.roll(8), dice.roll(request.len()));
            lines.spawn(async move {
                if way < 4 {
                    // Gone before the door has opened: in the middle of the request, behind it, behind its answer.
                    let mut stream = TcpStream::connect(&to).await.unwrap();
                    let asked = if way == 0 { &request[..at] } else { &request };
                    stream.write_all(asked.as_bytes()).await.unwrap();
                    if way == 3 {
                        let mut byte = [0; 20];
                        let _ = tokio::io::AsyncReadExt::read_exact(&mut stream, &mut byte).await;
                    }
                    if way != 1 {
                        stream.set_zero_linger().unwrap();
                    }
                    return false;
                }
                let Ok(mut tab) = Tab::open(&to, &token).await else { return false };
                match way {
                    4 => tab.cut(),
                    5 => {
                        let ping = masked(0x81, b"{\"type\":\"ping\"}");
                        tab.into.write_all(&ping[..ping.len() / 2]).await.unwrap();
                    }
                    6 => {
                        // Half open: it listens, but will say nothing any more.
                        tab.into.shutdown().await.unwrap();
                        while !matches!(tab.ear.next().await, Told::End) {}
                    }
                    _ => {
                        tab.into.write_all(&masked(0x88, b"\x03\xe8")).await.unwrap();
                        while !matches!(tab.ear.next().await, Told::End | Told::Close(_)) {}
                    }
                }
                true
            });
        }
        while let Some(line) = lines.join_next().await {
            seated += usize::from(line.unwrap());
        }
        assert!(studio.app.hub.stats().sockets <= SEATS);
    }
    assert!(seated > 60, "hardly anybody had a seat: {seated}");
    emptied(&studio).await;
    let inside = rush(&studio).await;
    assert_eq!((inside.len(), studio.app.hub.stats().sockets), (SEATS, SEATS));
    drop(inside);
    emptied(&studio).await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_whose_other_end_reads_too_late_is_told_why_it_ends() {
    let studio = Studio::start("late").await;
    let mut tab = Tab::open(&address(&studio), &studio.viewer.token).await.unwrap();
    // More than the system's own buffers hold: a frame is stuck in its middle until the server gives up.
    let long = serde_json::json!({ "text": "가".repeat(9_000) });
    let path = format!("/feedbacks/{}/comments", studio.feedback);
    for _ in 0..400 {
        let posted = studio.editor.ask(Method::POST, &path).json(&long).send().await.unwrap();
        assert_eq!(posted.status(), 201);
    }
    let begun = Instant::now();
    while !studio.app.metrics.live().read().closes.iter().any(|(code, _)| *code == 4008) {
        assert!(begun.elapsed() < Duration::from_secs(30), "the server waits for ever");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Whoever reads again at this moment finds whole frames, then the reason.
    let code = loop {
        match tab.ear.next().await {
            Told::Text(_) | Told::Control => {}
            Told::Close(code) => break code,
            Told::End => panic!("it ended without a word"),
        }
    };
    assert_eq!(code, Some(4008));
    drop(tab);
    emptied(&studio).await;
    studio.stop().await;
}
