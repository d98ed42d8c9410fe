//! One open connection: it begins with the room's state or with what was missed, then passes on what the room is told.
//!
//! Laws: messages with a seq arrive in its order and once. An acknowledgement follows every message that was told before
//! it, so that a client may take its seq as the last it has heard. While a connection is slow it holds no more than one
//! batch, the rest waits in the room's ring or is replayed; one whose other end cannot follow is closed with its last seq.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::json;
use tokio::time::Instant;

use super::socket::{self, Message, Socket};
use super::{Admitted, Close, FAREWELL, close_of, farewell};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::ids::{FeedbackId, ProjectId};
use crate::base::roles::{Right, Role};
use crate::domain::accounts::Viewer;
use crate::domain::projects;
use crate::domain::rooms::mine::Window;
use crate::domain::rooms::together::Here;
use crate::engines::hub::{Ending, Heard, Place, Seat, Signal, Standing};

/// Messages of one batch …
const BATCH: usize = 10;
/// … and their bytes: a batch of long comments ends earlier.
const BATCH_BYTES: usize = 256 << 10;
/// Under load a message waits for company until this has passed since the last batch.
const GATHER: Duration = Duration::from_millis(100);
/// A connection is under load when so many batches went out within one [`GATHER`].
const AT_ONCE: usize = 5;
/// How long one frame may take to be read by the other end.
const SLOW: Duration = Duration::from_secs(15);
/// How long a connection that fell behind may take to catch up.
const FOLLOW: Duration = Duration::from_secs(60);
/// Proxies close a silent connection after 60 s.
const PING: Duration = Duration::from_secs(45);
/// Two pings and a little: whoever says nothing for so long is gone.
const SILENT: Duration = Duration::from_secs(100);
/// What falls due within it is done now: the answer to a ping comes a moment later than the ping, and waking again for that
/// moment would be most of what an idle connection costs.
const SLACK: Duration = Duration::from_secs(1);
/// How often session and right are looked at again, in case that nothing told of their end (a session that expired).
const LOOK_AGAIN: Duration = Duration::from_secs(600);
/// How long somebody counts as typing who has not said so again.
const TYPING: Duration = Duration::from_secs(6);
/// Refused messages in a row after which a client is broken or means harm.
pub(super) const REFUSALS: u32 = 200;

/// How a connection ends.
pub(super) enum End {
    /// The other end said goodbye.
    Left,
    /// The other end is gone.
    Gone,
    /// We end it.
    Close(Close),
}

impl From<socket::Error> for End {
    fn from(error: socket::Error) -> End {
        match error {
            socket::Error::Capacity(_) => Close::TOO_LARGE.into(),
            _ => End::Gone,
        }
    }
}

impl From<Close> for End {
    fn from(close: Close) -> End {
        End::Close(close)
    }
}

/// An open connection.
pub(super) struct Line {
    pub(super) app: App,
    pub(super) who: Viewer,
    pub(super) seat: Seat,
    /// Refused messages in a row.
    pub(super) refused: u32,
    /// When the last messages of the client came, as many as it may say in a second.
    pub(super) pace: VecDeque<Instant>,
    /// Of which feedback he counts as typing, and until when.
    pub(super) typing: Option<(Option<FeedbackId>, Instant)>,
    /// The last seq that the client was told.
    pub(super) seq: i64,
    token: String,
    socket: Socket,
    /// On one's own room.
    _window: Option<Window>,
    batch: Vec<Bytes>,
    batch_bytes: usize,
    /// One of the batch would be late.
    urgent: bool,
    /// When the oldest message of the batch was told to the room.
    oldest: Option<std::time::Instant>,
    /// When the last batches went.
    sent: [Instant; AT_ONCE],
    heard: Instant,
    pinged: Instant,
    looked: Instant,
    /// Since when it has not been where the room is.
    behind: Option<Instant>,
}

impl Line {
    /// Boxed, so that no future round it holds it twice.
    pub(super) fn new(app: App, Admitted { seat, who, token, window }: Admitted, socket: Socket) -> Box<Line> {
        let now = Instant::now();
        Box::new(Line {
            app,
            who,
            seat,
            refused: 0,
            pace: VecDeque::new(),
            typing: None,
            seq: 0,
            token,
            socket,
            _window: window,
            batch: Vec::new(),
            batch_bytes: 0,
            urgent: false,
            oldest: None,
            // The first messages of the room go at once.
            sent: [now.checked_sub(GATHER).unwrap_or(now); AT_ONCE],
            heard: now,
            pinged: now,
            looked: now,
            behind: None,
        })
    }

    /// Until one of both ends it.
    pub(super) async fn run(mut self: Box<Self>, since: Option<i64>) {
        let end = match Box::pin(self.begin(since)).await {
            Ok(()) => self.go_on().await,
            Err(end) => end,
        };
        self.typed();
        if let Place::Project(_) = self.seat.place() {
            self.app.rooms.left(self.seat.id());
        }
        let live = self.app.metrics.live();
        match end {
            End::Left => live.closed(1000),
            End::Gone => live.closed(1006),
            End::Close(close) => {
                live.closed(close.0);
                // The seat is held until goodbye is said: who waits for the rooms to empty waits for that.
                Box::pin(farewell(&mut self.socket, close)).await;
            }
        }
    }

    async fn go_on(&mut self) -> End {
        let timer = tokio::time::sleep_until(self.next_timer());
        let mut timer = std::pin::pin!(timer);
        loop {
            // A timer that rings too early costs less than one that is set anew with every message.
            let wake = self.next_timer();
            if wake < timer.deadline() || timer.is_elapsed() {
                timer.as_mut().reset(wake);
            }
            let done = tokio::select! {
                signal = self.seat.next() => self.hear(signal).await,
                message = self.socket.recv() => self.receive(message).await,
                () = timer.as_mut() => Box::pin(self.on_time()).await,
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// The project in whose room it is; `None` in one's own.
    pub(super) fn project(&self) -> Option<ProjectId> {
        match self.seat.place() {
            Place::Project(id) => Some(id),
            Place::Person(_) => None,
        }
    }

    /// Who does something here; `None` in one's own room.
    pub(super) fn here(&self) -> Option<Here> {
        Some(Here { project: self.project()?, seat: self.seat.id(), who: self.who.person() })
    }

    /// His role in the room as of the last change that was answered.
    pub(super) async fn role(&mut self, project: ProjectId) -> Result<Role> {
        if !self.who.still_holds(&self.app) {
            let viewer = Viewer::of_token(&self.app, &self.token).await?;
            self.who = viewer.ok_or(Error::Unauthenticated)?;
        }
        projects::judge(self.who.role(project), Right::View, "project")
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
        self.behind = None;
        if self.is_due() {
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
        self.behind = None;
        self.flush().await
    }

    async fn take(&mut self, signal: Signal) -> Result<(), End> {
        match signal {
            Signal::Message(Heard { seq: Some(seq), .. }) if seq <= self.seq => {} // the snapshot had it already
            Signal::Message(heard) => {
                self.seq = heard.seq.unwrap_or(self.seq);
                self.urgent |= heard.urgent;
                self.oldest.get_or_insert(heard.at);
                self.push(heard.body);
            }
            Signal::Standing => self.push_standing(),
            Signal::Resync => Box::pin(self.resync()).await?,
            Signal::End(ending) => return Err(close_for(ending).into()),
        }
        Ok(())
    }

    async fn resync(&mut self) -> Result<(), End> {
        self.behind.get_or_insert_with(Instant::now);
        self.replay().await
    }

    pub(super) fn push(&mut self, body: Bytes) {
        self.batch_bytes += body.len();
        self.batch.push(body);
    }

    /// Who is in the room, or what has moved of what concerns its owner.
    pub(super) fn push_standing(&mut self) {
        let render: fn(&Standing) -> Bytes = match self.seat.place() {
            Place::Project(_) => {
                |s| Bytes::from(json!({ "type": "presence", "online": s.online, "count": s.count }).to_string())
            }
            Place::Person(_) => {
                let touched = self.seat.stands().touched;
                if touched <= self.seq {
                    return;
                }
                self.seq = touched;
                |s| Bytes::from(json!({ "type": "dashboard", "seq": s.touched }).to_string())
            }
        };
        let body = self.seat.standing(render);
        self.push(body);
    }

    pub(super) fn is_full(&self) -> bool {
        self.batch.len() >= BATCH || self.batch_bytes >= BATCH_BYTES
    }

    /// Idle connections tell at once; under load a batch waits for company.
    fn is_due(&self) -> bool {
        !self.batch.is_empty() && (self.urgent || self.due_at() <= Instant::now())
    }

    /// When a batch may go: fewer than [`AT_ONCE`] went within the last [`GATHER`].
    fn due_at(&self) -> Instant {
        self.sent[0] + GATHER
    }

    /// Sends the batch: the messages' bytes are put together, none is encoded again.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        if self.behind.is_some_and(|since| since.elapsed() > FOLLOW) {
            return Err(Close::cannot_follow(self.seq).into());
        }
        if self.batch.is_empty() {
            return Ok(());
        }
        const HEAD: &[u8] = b"{\"type\":\"batch\",\"messages\":[";
        let mut frame = BytesMut::with_capacity(HEAD.len() + self.batch_bytes + self.batch.len() + 2);
        frame.put_slice(HEAD);
        let messages = self.batch.len();
        for (i, body) in self.batch.drain(..).enumerate() {
            if i > 0 {
                frame.put_u8(b',');
            }
            frame.put_slice(&body);
        }
        frame.put_slice(b"]}");
        self.batch_bytes = 0;
        self.urgent = false;
        self.sent.rotate_left(1);
        self.sent[AT_ONCE - 1] = Instant::now();
        let oldest = self.oldest.take();
        self.app.metrics.live().sent(messages, frame.len());
        self.send(frame.freeze()).await?;
        if let Some(at) = oldest {
            self.app.metrics.live().reached(at.elapsed());
        }
        Ok(())
    }

    /// Sends one frame; JSON of ours, thus UTF-8.
    pub(super) async fn send(&mut self, text: Bytes) -> Result<(), End> {
        let seq = self.seq;
        match tokio::time::timeout(SLOW, self.socket.send(text)).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(Close::cannot_follow(seq).into()),
        }
    }

    // What the client says -----------------------------------------------------------------------------------------

    async fn receive(&mut self, message: Option<Result<Message, socket::Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => Box::pin(self.said(text.as_bytes())).await,
            Some(Ok(Message::Binary(bytes))) => Box::pin(self.said(&bytes)).await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Close(_))) => {
                // Lets our half of the farewell go out: without it a browser calls the end abnormal.
                let _ = tokio::time::timeout(FAREWELL, self.socket.recv()).await;
                Err(End::Left)
            }
            Some(Ok(Message::Frame(_))) | None => Err(End::Gone),
            Some(Err(error)) => Err(error.into()),
        }
    }

    // What the clock says ------------------------------------------------------------------------------------------

    fn next_timer(&self) -> Instant {
        let mut next = (self.pinged.max(self.heard) + PING).min(self.heard + SILENT);
        if !self.batch.is_empty() {
            next = next.min(self.due_at());
        }
        match self.typing {
            Some((_, until)) => next.min(until),
            None => next,
        }
    }

    async fn on_time(&mut self) -> Result<(), End> {
        if self.heard.elapsed() >= SILENT {
            return Err(End::Gone);
        }
        if self.pinged.max(self.heard).elapsed() + SLACK >= PING {
            self.pinged = Instant::now();
            if !matches!(tokio::time::timeout(SLOW, self.socket.ping()).await, Ok(Ok(()))) {
                return Err(End::Gone);
            }
        }
        if self.looked.elapsed() >= LOOK_AGAIN {
            self.looked = Instant::now();
            self.look_again().await?;
        }
        if self.typing.is_some_and(|(_, until)| until <= Instant::now()) {
            self.typed();
        }
        if self.is_due() {
            self.flush().await?;
        }
        Ok(())
    }

    async fn look_again(&mut self) -> Result<(), End> {
        let viewer = Viewer::of_token(&self.app, &self.token).await.map_err(|e| close_of(&e))?;
        self.who = viewer.ok_or(Close::UNAUTHENTICATED)?;
        let Some(project) = self.project() else { return Ok(()) };
        let user = self.who.user;
        let allowed = self.app.read(move |db| projects::allow(db, user, project, Right::View)).await;
        let role = allowed.map_err(|e| close_of(&e))?;
        self.app.hub.set_team(project, user, role.may(Right::SeeInternal));
        Ok(())
    }

    /// Starts or renews his typing.
    pub(super) fn types(&mut self, feedback: Option<FeedbackId>) {
        self.typing = Some((feedback, Instant::now() + TYPING));
    }

    /// Whoever counted as typing does so no more, and the others are told.
    pub(super) fn typed(&mut self) {
        if let Some((feedback, _)) = self.typing.take() {
            let user = self.who.person();
            self.tell(json!({ "type": "typing", "user": user, "feedback_id": feedback, "is_typing": false }));
        }
    }
}

fn close_for(ending: Ending) -> Close {
    match ending {
        Ending::Revoked => Close::UNAUTHENTICATED,
        Ending::Withdrawn => Close::NO_PERMISSION,
        Ending::Disconnected => Close::DISCONNECTED,
        Ending::Stopping { retry_ms } => Close::going_away(retry_ms),
    }
}
