//! A mail server on loopback: the protocol is mailin's, the letters are read by mail-parser, the mood is the test's.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mail_parser::{Message, MessageParser};
use mailin::{Action, Handler, Response, SessionBuilder, response};
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use videoplanet::config::Config;

/// How the server answers.
#[derive(Clone, Copy, PartialEq)]
pub enum Mood {
    /// It takes every letter.
    Takes,
    /// It takes a letter and says so only after so many milliseconds.
    Slow(u64),
    /// 451: come back later.
    Later,
    /// 550: no such mailbox.
    Refuses,
    /// It greets nobody.
    Silent,
}

/// A letter that was taken.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: String,
    pub subject: String,
    pub id: String,
    pub text: String,
    pub html: String,
    pub raw: String,
}

impl Letter {
    fn read(to: &str, raw: &[u8]) -> Letter {
        let message: Message = MessageParser::default().parse(raw).expect("a mail");
        Letter {
            to: to.to_owned(),
            subject: message.subject().unwrap_or_default().to_owned(),
            id: message.message_id().expect("a Message-ID").to_owned(),
            text: message.body_text(0).expect("plain text").into_owned(),
            html: message.body_html(0).expect("HTML").into_owned(),
            raw: String::from_utf8_lossy(raw).into_owned(),
        }
    }

    /// The value of a header, on one line.
    pub fn header(&self, name: &str) -> String {
        let message: Message = MessageParser::default().parse(self.raw.as_bytes()).unwrap();
        let value = message.header_raw(name).unwrap_or_default();
        value.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What stands behind `before` in the text, up to a blank.
    pub fn after(&self, before: &str) -> String {
        let at = self.text.find(before).unwrap_or_else(|| panic!("no {before} in {}", self.text));
        self.text[at..].split_whitespace().next().unwrap().to_owned()
    }
}

/// The server.
#[derive(Clone)]
pub struct Postbox {
    pub port: u16,
    letters: Arc<Mutex<Vec<Letter>>>,
    mood: Arc<Mutex<Mood>>,
}

impl Postbox {
    pub async fn open() -> Postbox {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mood = Arc::new(Mutex::new(Mood::Takes));
        let postbox = Postbox { port, letters: Arc::default(), mood };
        let shared = postbox.clone();
        tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                tokio::spawn(serve(line, shared.clone()));
            }
        });
        postbox
    }

    pub fn feel(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().clone()
    }

    /// Waits until so many letters are there.
    pub async fn have(&self, n: usize) -> Vec<Letter> {
        for _ in 0..1200 {
            if self.letters.lock().len() >= n {
                return self.letters();
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let there = self.letters();
        panic!("{} letters instead of {n}: {there:?}", there.len());
    }

    /// Settings that lead here.
    pub fn settings(&self) -> impl FnOnce(&mut Config) + use<> {
        let port = self.port;
        move |c| {
            (c.mail.host, c.mail.port, c.mail.security) = ("127.0.0.1".into(), port, "none".into());
            c.mail.from = "VideoPlanet <review@example.com>".into();
            c.server.public_url = "https://review.example.com".into();
        }
    }
}

/// What one connection brings.
struct Call {
    postbox: Postbox,
    to: String,
    bytes: Vec<u8>,
}

impl Handler for Call {
    fn rcpt(&mut self, to: &str) -> Response {
        if *self.postbox.mood.lock() == Mood::Refuses {
            return Response::custom(550, "5.1.1 no such mailbox here".into());
        }
        self.to = to.to_owned();
        response::OK
    }

    fn data_start(&mut self, _: &str, _: &str, _: bool, _: &[String]) -> Response {
        if *self.postbox.mood.lock() == Mood::Later {
            return Response::custom(451, "4.3.0 try again later".into());
        }
        response::START_DATA
    }

    fn data(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let letter = Letter::read(&self.to, &std::mem::take(&mut self.bytes));
        self.postbox.letters.lock().push(letter);
        response::OK
    }
}

async fn serve(line: TcpStream, postbox: Postbox) {
    if *postbox.mood.lock() == Mood::Silent {
        // Holds the line until the other side lets go.
        let mut rest = BufReader::new(line);
        let _ = rest.read_line(&mut String::new()).await;
        return;
    }
    let call = Call { postbox: postbox.clone(), to: String::new(), bytes: Vec::new() };
    let mut session = SessionBuilder::new("post.example.com").build(IpAddr::from([127, 0, 0, 1]), call);
    let mut line = BufReader::new(line);
    let mut said = session.greeting();
    loop {
        if said.action != Action::NoReply {
            let mut bytes = Vec::new();
            said.write_to(&mut bytes).unwrap();
            if line.write_all(&bytes).await.is_err() || said.action == Action::Close {
                return;
            }
        }
        let mut heard = Vec::new();
        if line.read_until(b'\n', &mut heard).await.unwrap_or(0) == 0 {
            return;
        }
        let before = postbox.letters.lock().len();
        said = session.process(&heard);
        let slow = match *postbox.mood.lock() {
            Mood::Slow(ms) if postbox.letters.lock().len() > before => ms,
            _ => 0,
        };
        tokio::time::sleep(Duration::from_millis(slow)).await;
    }
}
