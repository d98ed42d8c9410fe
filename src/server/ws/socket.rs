//! The WebSocket itself (RFC 6455): the handshake, frames in, frames out.
//!
//! Law: an idle connection holds next to nothing. Messages are read by tungstenite with a small buffer. What we send goes
//! straight from the shared message to the connection: an own copy in every socket would be most of its memory, and keep
//! the size of the largest batch for ever.

use std::io::Cursor;

use axum::body::Body;
use axum::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::buf::{Chain, Take};
use bytes::{Buf, Bytes};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
pub(super) use tokio_tungstenite::tungstenite::{Error, Message, protocol::CloseFrame};

/// Largest frame or message of a client: a comment with the largest drawing.
pub(super) const MESSAGE_MAX: usize = 64 << 10;
/// What is read at once, and held while nothing comes: most messages are smaller, larger ones grow it for their time.
const BUFFER: usize = 1 << 10;
/// For what the protocol answers by itself: pongs, and a close frame.
const OWN_WORDS: usize = 4 << 10;
/// Appended to a client's key before it is hashed (RFC 6455 §1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request that asks to go on as a WebSocket.
pub(super) struct Handshake {
    upgrade: OnUpgrade,
    accept: HeaderValue,
}

impl Handshake {
    /// `None` if the request asks for something else, or not as RFC 6455 §4.2.1 wants it.
    pub(super) fn of(parts: &mut Parts) -> Option<Handshake> {
        let text = |name| parts.headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok()).unwrap_or("");
        let mut connection = text(CONNECTION).split(',');
        let asks = parts.method == Method::GET
            && connection.any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
            && text(UPGRADE).eq_ignore_ascii_case("websocket")
            && text(SEC_WEBSOCKET_VERSION) == "13";
        let key = text(SEC_WEBSOCKET_KEY).trim();
        let accept = accept(key);
        if !asks || STANDARD.decode(key).map_or(0, |bytes| bytes.len()) != 16 {
            return None;
        }
        Some(Handshake { upgrade: parts.extensions.remove()?, accept })
    }

    /// The answer to the request; `then` runs with the socket as soon as it has gone out.
    pub(super) fn answer<F>(
        self,
        protocol: Option<HeaderValue>,
        then: impl FnOnce(Socket) -> F + Send + 'static,
    ) -> Response<Body>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let upgrade = self.upgrade;
        tokio::spawn(async move {
            // A client that went away in the middle of its handshake takes along what waited for it.
            if let Ok(upgraded) = upgrade.await {
                then(Socket::new(upgraded).await).await;
            }
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, self.accept);
        if let Some(protocol) = protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        response
    }
}

fn accept(key: &str) -> HeaderValue {
    let hash = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    HeaderValue::from_str(&STANDARD.encode(hash)).expect("base64 is visible ASCII")
}

/// A frame of ours: its head, and the message that all sockets share.
type Frame = Chain<Take<Cursor<[u8; 10]>>, Bytes>;

/// An open WebSocket.
pub(super) struct Socket {
    stream: WebSocketStream<TokioIo<Upgraded>>,
    /// What of a frame has not gone out yet.
    unsent: Option<Frame>,
}

impl Socket {
    async fn new(upgraded: Upgraded) -> Socket {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(OWN_WORDS)
            .max_frame_size(Some(MESSAGE_MAX))
            .max_message_size(Some(MESSAGE_MAX));
        let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        Socket { stream, unsent: None }
    }

    /// The next message; `None` when there is an end of it. May be dropped while it waits.
    pub(super) async fn recv(&mut self) -> Option<Result<Message, Error>> {
        self.stream.next().await
    }

    /// Sends one text message, which has to be UTF-8. Dropped in the middle it leaves the rest to whatever is sent next:
    /// nothing may land inside of a frame.
    pub(super) async fn send(&mut self, text: Bytes) -> Result<(), Error> {
        self.finish().await?;
        // A pong that has not gone out whole goes first.
        self.stream.flush().await?;
        let (head, len) = head(text.len());
        self.unsent = Some(Cursor::new(head).take(len).chain(text));
        self.finish().await
    }

    /// Asks whether the other end is there.
    pub(super) async fn ping(&mut self) -> Result<(), Error> {
        self.finish().await?;
        self.stream.send(Message::Ping(Bytes::new())).await
    }

    /// Says goodbye.
    pub(super) async fn close(&mut self, frame: CloseFrame) -> Result<(), Error> {
        self.finish().await?;
        self.stream.send(Message::Close(Some(frame))).await
    }

    async fn finish(&mut self) -> Result<(), Error> {
        if let Some(frame) = &mut self.unsent {
            self.stream.get_mut().write_all_buf(frame).await?;
            self.unsent = None;
        }
        Ok(())
    }
}

/// The head of a whole, unmasked text frame of `len` bytes (RFC 6455 §5.2): its bytes, and how many they are.
fn head(len: usize) -> ([u8; 10], usize) {
    let mut head = [0; 10];
    head[0] = 0x81;
    match len {
        0..126 => {
            head[1] = len as u8;
            (head, 2)
        }
        126..0x1_0000 => {
            head[1] = 126;
            head[2..4].copy_from_slice(&(len as u16).to_be_bytes());
            (head, 4)
        }
        _ => {
            head[1] = 127;
            head[2..].copy_from_slice(&(len as u64).to_be_bytes());
            (head, 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_answered_as_the_protocol_has_it() {
        // The example of RFC 6455 §1.3.
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_frame_tells_its_length_in_as_few_bytes_as_it_can() {
        let bytes = |len| {
            let (head, n) = head(len);
            head[..n].to_vec()
        };
        assert_eq!(bytes(5), [0x81, 5]);
        assert_eq!(bytes(125), [0x81, 125]);
        assert_eq!(bytes(126), [0x81, 126, 0, 126]);
        assert_eq!(bytes(65_535), [0x81, 126, 0xff, 0xff]);
        assert_eq!(bytes(65_536), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
}
