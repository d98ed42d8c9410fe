//! A load generator that costs little: keep-alive connections over plain sockets, one request at a time each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What came back.
pub struct Answer<'a> {
    pub status: u16,
    pub head: &'a str,
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// A header's value, by its lower-case name.
    pub fn header(&self, name: &str) -> &str {
        self.head.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": ")).unwrap_or("")
    }
}

/// A connection that is kept.
pub struct Line {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    pub async fn open(to: SocketAddr) -> Line {
        let socket = TcpStream::connect(to).await.expect("a connection");
        socket.set_nodelay(true).unwrap();
        Line { socket, buffer: Vec::with_capacity(64 << 10) }
    }

    /// Sends a request and reads its answer to the end.
    pub async fn ask(&mut self, request: &[u8]) -> Answer<'_> {
        self.socket.write_all(request).await.unwrap();
        self.buffer.clear();
        let (mut head, mut wanted) = (0, usize::MAX);
        while self.buffer.len() < wanted {
            let n = self.socket.read_buf(&mut self.buffer).await.unwrap();
            assert!(n > 0, "the server closed: {}", String::from_utf8_lossy(&self.buffer));
            if head == 0
                && let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n")
            {
                head = end + 4;
                let text = std::str::from_utf8(&self.buffer[..head]).unwrap();
                let length = text.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse::<usize>().ok());
                wanted = head + length.unwrap_or(0);
            }
        }
        let head_text = std::str::from_utf8(&self.buffer[..head]).unwrap();
        let status = head_text[9..12].parse().unwrap();
        Answer { status, head: head_text, body: &self.buffer[head..wanted] }
    }
}

/// The bytes of a request.
pub fn request(method: &str, path: &str, token: &str, more: &str, body: &str) -> Vec<u8> {
    let length = if body.is_empty() {
        String::new()
    } else {
        format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len())
    };
    format!("{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{more}{length}\r\n{body}")
        .into_bytes()
}

/// What a load brought.
pub struct Report {
    pub per_second: f64,
    times_us: Vec<u32>,
}

impl Report {
    /// The time that a part `q` of the requests did not exceed, in milliseconds.
    pub fn quantile_ms(&self, q: f64) -> f64 {
        f64::from(self.times_us[((self.times_us.len() - 1) as f64 * q) as usize]) / 1e3
    }
}

/// Asks over so many connections for so long. `work` is one connection's doing: it asks until it is told to stop and
/// answers its times.
pub async fn load<F, Fut>(connections: usize, length: Duration, work: F) -> Report
where
    F: Fn(usize, Arc<AtomicBool>) -> Fut,
    Fut: Future<Output = Vec<u32>> + Send + 'static,
{
    let stop = Arc::new(AtomicBool::new(false));
    let mut lines = JoinSet::new();
    let start = Instant::now();
    for i in 0..connections {
        lines.spawn(work(i, stop.clone()));
    }
    tokio::time::sleep(length).await;
    stop.store(true, Ordering::Relaxed);
    let mut times_us: Vec<u32> = Vec::new();
    while let Some(times) = lines.join_next().await {
        times_us.extend(times.unwrap());
    }
    let per_second = times_us.len() as f64 / start.elapsed().as_secs_f64();
    times_us.sort_unstable();
    Report { per_second, times_us }
}

/// The same request again and again.
pub async fn repeat(to: SocketAddr, connections: usize, length: Duration, request: Vec<u8>, status: u16) -> Report {
    let request: Arc<[u8]> = request.into();
    load(connections, length, move |_, stop| {
        let request = request.clone();
        async move {
            let (mut line, mut times) = (Line::open(to).await, Vec::new());
            while !stop.load(Ordering::Relaxed) {
                let start = Instant::now();
                let answer = line.ask(&request).await;
                assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(answer.body));
                times.push(start.elapsed().as_micros() as u32);
            }
            times
        }
    })
    .await
}
