//! One open connection: it begins with the room's state or with what was missed, then passes on what the room is told.
//!
//! Laws: messages with a seq arrive in its order and once. An acknowledgement follows every message that was told before
//! it, so that a client may take its seq as the last it has heard. A connection whose other end does not read is closed;
//! while it is slow it holds no more than one batch, the rest waits in the room's ring or is replayed.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::json;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite;

use super::{Close, FAREWELL, close_of, farewell};
use crate::app::App;
use crate::base::error::Result;
use crate::base::ids::ProjectId;
use crate::base::roles::Right;
use crate::domain::accounts::Viewer;
use crate::domain::{comments, journal, projects};
use crate::engines::hub::{Ending, Present, Seat, Signal};

/// Messages of one batch …
const BATCH: usize = 10;
/// … and their bytes: a batch of long comments ends earlier.
const BATCH_BYTES: usize = 256 << 10;
/// A message that comes sooner after the last batch waits for company until this has passed.
const GATHER: Duration = Duration::from_millis(100);
/// How long one frame may take to be read by the other end.
const SLOW: Duration = Duration::from_secs(15);
/// Proxies close a silent connection after 60 s: half of it.
const PING: Duration = Duration::from_secs(30);
/// Two pings and a little: whoever says nothing for so long is gone.
const SILENT: Duration = Duration::from_secs(75);
/// How often session and right are looked at again, in case that nothing told of their end (a session that expired).
const LOOK_AGAIN: Duration = Duration::from_secs(600);
/// Comments of an initial state.
const NEWEST: i64 = 20;
/// Events of one page of a replay, and pages; whoever missed more begins anew.
const REPLAY: i64 = 200;
const REPLAY_PAGES: usize = 10;
/// Refused messages in a row after which a client is broken or means harm.
pub(super) const REFUSALS: u32 = 200;

/// How a connection ends.
pub(super) enum End {
    /// The other end is gone.
    Gone,
    /// We end it.
    Close(Close),
}

impl From<Close> for End {
    fn from(close: Close) -> End {
        End::Close(close)
    }
}

/// An open connection.
pub(super) struct Line {
    pub(super) app: App,
    pub(super) project: ProjectId,
    pub(super) who: Viewer,
    /// Refused messages in a row.
    pub(super) refused: u32,
    seat: Seat,
    token: String,
    socket: WebSocket,
    /// The last seq that the client was told.
    seq: i64,
    batch: Vec<Bytes>,
    batch_bytes: usize,
    /// When the last batch went.
    sent: Instant,
    heard: Instant,
    pinged: Instant,
    looked: Instant,
}

impl Line {
    pub(super) fn new(app: App, project: ProjectId, seat: Seat, who: Viewer, token: String, socket: WebSocket) -> Line {
        let now = Instant::now();
        Line {
            app,
            project,
            who,
            refused: 0,
            seat,
            token,
            socket,
            seq: 0,
            batch: Vec::new(),
            batch_bytes: 0,
            // The first message of the room goes at once.
            sent: now.checked_sub(GATHER).unwrap_or(now),
            heard: now,
            pinged: now,
            looked: now,
        }
    }

    /// Until one of both ends it.
    pub(super) async fn run(mut self, since: Option<i64>) {
        let end = match Box::pin(self.begin(since)).await {
            Ok(()) => self.go_on().await,
            Err(end) => end,
        };
        if let End::Close(close) = end {
            // The seat is held until goodbye is said: who waits for the rooms to empty waits for that.
            farewell(self.socket, close).await;
        }
    }

    async fn go_on(&mut self) -> End {
        loop {
            let wake = self.next_timer();
            let done = tokio::select! {
                signal = self.seat.next() => self.hear(signal).await,
                message = self.socket.recv() => self.receive(message).await,
                () = tokio::time::sleep_until(wake) => Box::pin(self.on_time()).await,
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    // What the room says -------------------------------------------------------------------------------------------

    /// Takes a signal and all that wait behind it; sends what is due.
    async fn hear(&mut self, first: Signal) -> Result<(), End> {
        let mut next = Some(first);
        while let Some(signal) = next {
            self.take(signal).await?;
            if self.is_full() {
                self.flush().await?;
            }
            next = self.seat.try_next();
        }
        if !self.batch.is_empty() && self.sent.elapsed() >= GATHER {
            self.flush().await?;
        }
        Ok(())
    }

    /// Everything that the room was told until now goes out.
    pub(super) async fn catch_up(&mut self) -> Result<(), End> {
        while let Some(signal) = self.seat.try_next() {
            self.take(signal).await?;
            if self.is_full() {
                self.flush().await?;
            }
        }
        self.flush().await
    }

    async fn take(&mut self, signal: Signal) -> Result<(), End> {
        match signal {
            Signal::Message { seq: Some(seq), .. } if seq <= self.seq => {} // the snapshot had it already
            Signal::Message { seq, body } => {
                self.seq = seq.unwrap_or(self.seq);
                self.push(body);
            }
            Signal::Presence => self.push_presence(),
            Signal::Resync => Box::pin(self.replay()).await?,
            Signal::End(Ending::Revoked) => return Err(Close::UNAUTHENTICATED.into()),
            Signal::End(Ending::Withdrawn) => return Err(Close::NO_PERMISSION.into()),
            Signal::End(Ending::Stopping) => return Err(Close::GOING_AWAY.into()),
        }
        Ok(())
    }

    fn push(&mut self, body: Bytes) {
        self.batch_bytes += body.len();
        self.batch.push(body);
    }

    fn push_presence(&mut self) {
        let render = |online: &[Present]| Bytes::from(json!({ "type": "presence", "online": online }).to_string());
        let body = self.seat.presence(render);
        self.push(body);
    }

    fn is_full(&self) -> bool {
        self.batch.len() >= BATCH || self.batch_bytes >= BATCH_BYTES
    }

    /// Sends the batch: the messages' bytes are put together, none is encoded again.
    async fn flush(&mut self) -> Result<(), End> {
        if self.batch.is_empty() {
            return Ok(());
        }
        const HEAD: &[u8] = b"{\"type\":\"batch\",\"messages\":[";
        let mut frame = BytesMut::with_capacity(HEAD.len() + self.batch_bytes + self.batch.len() + 2);
        frame.put_slice(HEAD);
        for (i, body) in self.batch.drain(..).enumerate() {
            if i > 0 {
                frame.put_u8(b',');
            }
            frame.put_slice(&body);
        }
        frame.put_slice(b"]}");
        self.batch_bytes = 0;
        self.sent = Instant::now();
        self.send(frame.freeze()).await
    }

    /// Sends one frame.
    pub(super) async fn send(&mut self, text: Bytes) -> Result<(), End> {
        // Our own JSON is UTF-8; if it ever is not, the connection is worth less than a lie in it.
        let text = text.try_into().map_err(|_| End::from(Close::BROKEN))?;
        self.put(Message::Text(text)).await
    }

    async fn put(&mut self, message: Message) -> Result<(), End> {
        match tokio::time::timeout(SLOW, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }

    // Where it begins ----------------------------------------------------------------------------------------------

    async fn begin(&mut self, since: Option<i64>) -> Result<(), End> {
        match since {
            Some(seq) if seq >= 0 => {
                self.seq = seq;
                self.replay().await
            }
            _ => self.initial_state().await,
        }
    }

    async fn initial_state(&mut self) -> Result<(), End> {
        let (who, project) = (self.who.clone(), self.project);
        let read = self.app.read(move |db| {
            let role = projects::allow(db, who.user, project, Right::View)?;
            let comments = comments::newest(db, &who, project, role, NEWEST)?;
            Ok((role, comments, journal::last(db, project)?))
        });
        let (role, comments, seq) = read.await.map_err(|e| close_of(&e))?;
        self.app.hub.set_team(project, self.who.user, role.may(Right::SeeInternal));
        self.seq = seq;
        let online = self.seat.online();
        let state = json!({
            "type": "initial_state", "project_id": project, "seq": seq, "comments": comments, "online": online,
        });
        self.send(state.to_string().into()).await
    }

    /// What happened after the last seq that the client was told, from the rows as they stand; then who is there, since
    /// that may have been missed too. Who missed too much or what the journal has forgotten since, or knows a future that
    /// never came, begins anew.
    async fn replay(&mut self) -> Result<(), End> {
        for _ in 0..REPLAY_PAGES {
            let (who, project, after) = (self.who.clone(), self.project, self.seq);
            let read = self.app.read(move |db| {
                let role = projects::allow(db, who.user, project, Right::View)?;
                let known = journal::reaches(db, project, after)?;
                let missed = journal::replay(db, &who, role, project, after, REPLAY)?;
                Ok((role, known.then_some(missed)))
            });
            let (role, missed) = read.await.map_err(|e| close_of(&e))?;
            self.app.hub.set_team(project, self.who.user, role.may(Right::SeeInternal));
            let Some(missed) = missed else { break };
            for (seq, message) in missed.messages {
                self.seq = seq;
                self.push(message.to_string().into());
                if self.is_full() {
                    self.flush().await?;
                }
            }
            self.seq = missed.seq.max(self.seq);
            if !missed.more {
                self.push_presence();
                return self.flush().await;
            }
        }
        self.flush().await?;
        self.initial_state().await
    }

    // What the client says -----------------------------------------------------------------------------------------

    async fn receive(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => Box::pin(self.said(text.as_bytes())).await,
            Some(Ok(Message::Binary(bytes))) => Box::pin(self.said(&bytes)).await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Close(_))) => {
                // Lets our half of the farewell go out: without it a browser calls the end abnormal.
                let _ = tokio::time::timeout(FAREWELL, self.socket.recv()).await;
                Err(End::Gone)
            }
            None => Err(End::Gone),
            Some(Err(e)) => Err(match e.into_inner().downcast_ref::<tungstenite::Error>() {
                Some(tungstenite::Error::Capacity(_)) => Close::TOO_LARGE.into(),
                _ => End::Gone,
            }),
        }
    }

    // What the clock says ------------------------------------------------------------------------------------------

    fn next_timer(&self) -> Instant {
        let ping = (self.pinged.max(self.heard) + PING).min(self.heard + SILENT);
        if self.batch.is_empty() { ping } else { ping.min(self.sent + GATHER) }
    }

    async fn on_time(&mut self) -> Result<(), End> {
        if self.heard.elapsed() >= SILENT {
            return Err(End::Gone);
        }
        if self.pinged.max(self.heard).elapsed() >= PING {
            self.pinged = Instant::now();
            self.put(Message::Ping(Bytes::new())).await?;
        }
        if self.looked.elapsed() >= LOOK_AGAIN {
            self.looked = Instant::now();
            self.look_again().await?;
        }
        if !self.batch.is_empty() && self.sent.elapsed() >= GATHER {
            self.flush().await?;
        }
        Ok(())
    }

    async fn look_again(&mut self) -> Result<(), End> {
        let viewer = Viewer::of_token(&self.app, &self.token).await.map_err(|e| close_of(&e))?;
        self.who = viewer.ok_or(Close::UNAUTHENTICATED)?;
        let (user, project) = (self.who.user, self.project);
        let allowed = self.app.read(move |db| projects::allow(db, user, project, Right::View)).await;
        let role = allowed.map_err(|e| close_of(&e))?;
        self.app.hub.set_team(project, user, role.may(Right::SeeInternal));
        Ok(())
    }
}
