//! Looking whether somebody answers, for `doctor`: a GET whose headers are read, and a WebSocket that is opened, heard for a
//! moment and left. The laws are those of [`super::outbound`].

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::outbound::{self, Failure};
use crate::base::secret;

/// Bytes of an answer that are read.
const MOST: usize = 64 << 10;

/// What came back.
#[derive(Clone, Debug)]
pub struct Heard {
    /// 100–599.
    pub status: u16,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// The body's first bytes.
    pub body: Bytes,
}

/// What became of a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    /// The answer to the upgrade was another one than 101.
    Refused(u16),
    /// It was opened, and nothing came.
    Silent,
    /// It was opened, and the other side closed it with this code.
    Closed(u16),
    /// It was opened, and the other side said something.
    Spoke,
}

/// Can this machine make calls at all? Without certificates it cannot.
pub fn is_able() -> bool {
    outbound::client(true).is_ok()
}

/// Asks for `url`. This machine and private networks may be reached: the operator has set the address.
pub async fn get(url: &str, headers: &[(&'static str, String)], timeout: Duration) -> Result<Heard, Failure> {
    let url = outbound::check(url, true)?;
    let mut request = outbound::client(true)?.get(url);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    heard(request, timeout).await
}

async fn heard(request: reqwest::RequestBuilder, timeout: Duration) -> Result<Heard, Failure> {
    let exchange = async move {
        let mut response = request.send().await.map_err(|e| outbound::failure(&e))?;
        let location = response.headers().get("location").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| outbound::failure(&e))? {
            body.extend_from_slice(&chunk[..chunk.len().min(MOST - body.len())]);
            if body.len() >= MOST {
                break;
            }
        }
        Ok(Heard { status, location, body: body.into() })
    };
    tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(Failure::TimedOut))
}

/// Asks the program itself, on this machine or where its operator says. Its certificate is not checked: it may be made for
/// a name that this machine does not ask by, and nothing secret is sent.
pub async fn ready(url: &str, timeout: Duration) -> Result<Heard, Failure> {
    let url = outbound::check(url, true)?;
    outbound::prepare();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    let client = client.tls_danger_accept_invalid_certs(true).build().map_err(|_| Failure::Setup)?;
    heard(client.get(url), timeout).await
}

/// Opens a WebSocket at `url` (`http` or `https`) and waits for its first word.
pub async fn socket(url: &str, timeout: Duration) -> Result<Socket, Failure> {
    let url = outbound::check(url, true)?;
    let request = outbound::client(true)?.get(url).headers(
        [
            ("connection", "Upgrade".to_owned()),
            ("upgrade", "websocket".to_owned()),
            ("sec-websocket-version", "13".to_owned()),
            ("sec-websocket-key", STANDARD.encode(secret::random::<16>())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((reqwest::header::HeaderName::from_static(name), value.parse().ok()?)))
        .collect(),
    );
    let exchange = async move {
        let response = request.send().await.map_err(|e| outbound::failure(&e))?;
        let status = response.status().as_u16();
        if status != 101 {
            return Ok(Socket::Refused(status));
        }
        let line = response.upgrade().await.map_err(|e| outbound::failure(&e))?;
        let mut line = WebSocketStream::from_raw_socket(line, Role::Client, None).await;
        match tokio::time::timeout(timeout / 2, line.next()).await {
            Err(_) | Ok(None | Some(Err(_))) => Ok(Socket::Silent),
            Ok(Some(Ok(Message::Close(frame)))) => Ok(Socket::Closed(frame.map_or(1005, |f| f.code.into()))),
            Ok(Some(Ok(_))) => Ok(Socket::Spoke),
        }
    };
    tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(Failure::TimedOut))
}

/// Does somebody listen at the host and port of `url`?
pub async fn listens(url: &str, timeout: Duration) -> Result<(), Failure> {
    let url = outbound::check(url, true)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    let connect = async {
        let found = tokio::net::lookup_host((host.as_str(), port)).await.map_err(|_| Failure::Resolve)?;
        for address in found {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Ok(());
            }
        }
        Err(Failure::Connect)
    };
    tokio::time::timeout(timeout, connect).await.unwrap_or(Err(Failure::TimedOut))
}
