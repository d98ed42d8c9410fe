//! The bare server: axum's WebSocket as it comes, one broadcast channel; what is posted goes to everybody as it is.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};

/// As often as ours, so that both answer for the same.
const PING: Duration = Duration::from_secs(45);
/// Messages that a socket may fall behind before it loses some.
const CHANNEL: usize = 1_024;

/// Buffers of a socket.
#[derive(Clone, Copy, PartialEq)]
pub enum Buffers {
    /// 4 KiB, as ours.
    Small,
    /// Axum's own.
    Default,
}

impl Buffers {
    pub fn name(self) -> &'static str {
        if self == Buffers::Small { "small" } else { "default" }
    }

    pub fn named(name: &str) -> Buffers {
        if name == "small" { Buffers::Small } else { Buffers::Default }
    }
}

#[derive(Clone)]
struct House {
    tell: Sender<Utf8Bytes>,
    buffers: Buffers,
}

/// Serves until it is killed.
pub fn run(buffers: Buffers) {
    let house = House { tell: broadcast::channel(CHANNEL).0, buffers };
    let app = Router::new().route("/ws", get(enter)).route("/say", post(say)).with_state(house);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}", listener.local_addr().unwrap());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let service = hyper_util::service::TowerToHyperService::new(app.clone());
            let io = hyper_util::rt::TokioIo::new(stream);
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(io, service);
            tokio::spawn(connection.with_upgrades());
        }
    });
}

async fn say(State(house): State<House>, body: Bytes) -> StatusCode {
    let _ = house.tell.send(body.try_into().unwrap());
    StatusCode::CREATED
}

async fn enter(State(house): State<House>, mut upgrade: WebSocketUpgrade) -> Response {
    let heard = house.tell.subscribe();
    if house.buffers == Buffers::Small {
        upgrade = upgrade.read_buffer_size(4 << 10).write_buffer_size(4 << 10);
    }
    upgrade.on_upgrade(move |socket| sit(socket, heard))
}

async fn sit(mut socket: WebSocket, mut heard: Receiver<Utf8Bytes>) {
    let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + PING, PING);
    loop {
        let sent = tokio::select! {
            text = heard.recv() => match text {
                Ok(text) => socket.send(Message::Text(text)).await,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            },
            message = socket.recv() => match message {
                Some(Ok(_)) => continue,
                _ => return,
            },
            _ = ping.tick() => socket.send(Message::Ping(Bytes::new())).await,
        };
        if sent.is_err() {
            return;
        }
    }
}
