//! A client that costs little: the handshake and the frames by hand, pings answered, nothing decoded.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Text,
    Ping,
    Pong,
    Close,
}

/// Cuts what is read into frames. Keeps no memory between them.
#[derive(Default)]
pub struct Frames(Vec<u8>);

impl Frames {
    /// Takes what was read; tells each frame that is whole.
    pub fn feed(&mut self, read: &[u8], mut on: impl FnMut(Kind, &[u8])) {
        if self.0.is_empty() {
            let rest = cut(read, &mut on);
            self.0.extend_from_slice(&read[read.len() - rest..]);
            return;
        }
        self.0.extend_from_slice(read);
        let rest = cut(&self.0, &mut on);
        if rest == 0 {
            self.0 = Vec::new();
        } else {
            self.0.drain(..self.0.len() - rest);
        }
    }
}

/// Tells the whole frames; answers how many bytes are left behind them.
fn cut(mut bytes: &[u8], on: &mut impl FnMut(Kind, &[u8])) -> usize {
    while let [first, length, rest @ ..] = bytes {
        let (head, length) = match (length, rest.first_chunk(), rest.first_chunk()) {
            (126, Some(short), _) => (4, usize::from(u16::from_be_bytes(*short))),
            (127, _, Some(long)) => (10, u64::from_be_bytes(*long) as usize),
            (126 | 127, ..) => break,
            (n, ..) => (2, usize::from(*n)),
        };
        if bytes.len() < head + length {
            break;
        }
        let kind = match first {
            0x81 => Kind::Text,
            0x88 => Kind::Close,
            0x89 => Kind::Ping,
            0x8a => Kind::Pong,
            other => panic!("a frame that begins with {other:#x}"),
        };
        on(kind, &bytes[head..head + length]);
        bytes = &bytes[head + length..];
    }
    bytes.len()
}

/// The answer to a ping without a payload.
pub const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

/// A socket after its handshake, and what has come behind that already.
pub struct Socket {
    pub stream: TcpStream,
    pub frames: Frames,
    pub early: Vec<u8>,
}

/// Connects from one of the machine's own addresses: each has ports of its own.
pub async fn open(to: SocketAddr, from: Ipv4Addr, path: &str) -> io::Result<Socket> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let mut stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut early = Vec::with_capacity(1 << 10);
    loop {
        if stream.read_buf(&mut early).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(at) = early.windows(4).position(|w| w == b"\r\n\r\n") {
            assert!(early.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&early));
            early.drain(..at + 4);
            return Ok(Socket { stream, frames: Frames::default(), early });
        }
    }
}

impl Socket {
    /// Reads once and tells the frames; `false` at the end. Pings are answered. The buffer is lent for a moment only, so
    /// that a silent socket has none.
    pub async fn read(&mut self, mut on: impl FnMut(Kind, &[u8])) -> io::Result<bool> {
        let mut pings = 0;
        let mut count = |kind: Kind, payload: &[u8]| {
            pings += usize::from(kind == Kind::Ping);
            on(kind, payload);
        };
        if self.early.is_empty() {
            self.stream.readable().await?;
            let mut buffer = [0; 16 << 10];
            match self.stream.try_read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(n) => self.frames.feed(&buffer[..n], &mut count),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Err(e),
            }
        } else {
            self.frames.feed(&std::mem::take(&mut self.early), &mut count);
        }
        for _ in 0..pings {
            self.stream.write_all(&PONG).await?;
        }
        Ok(true)
    }
}
