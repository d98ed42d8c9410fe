//! One room with 500 listeners: when the last has read a comment, and how many are delivered in a second.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::listen::{Kind, open};
use crate::load::{Line, request};
use crate::{EACH, PEOPLE, data, person};

const LISTENERS: u64 = PEOPLE * EACH;
const PROJECT: u64 = 1;
const ROUNDS: u32 = 4;
const POSTING: u64 = 8;
/// Numbers of messages; a bare server is told that many in half a minute at the most.
const MESSAGES: usize = 1 << 22;
/// Nothing has arrived for so long: it is over.
const QUIET: Duration = Duration::from_millis(500);
/// Only a bound for what never comes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the listeners of one server have read.
struct Board {
    begun: Instant,
    /// How many listeners have read message `n`, and when the last one did: microseconds.
    readers: Vec<AtomicU32>,
    last_us: Vec<AtomicU64>,
    /// Deliveries in all, and when the last one came.
    total: AtomicU64,
    total_us: AtomicU64,
    /// Messages that a listener read a second time.
    twice: AtomicU64,
    /// Listeners that had to begin anew, and closes by code.
    anew: AtomicU64,
    closed: Mutex<BTreeMap<u16, u64>>,
    leaving: AtomicBool,
}

impl Board {
    fn new() -> Arc<Board> {
        Arc::new(Board {
            begun: Instant::now(),
            readers: (0..MESSAGES).map(|_| AtomicU32::new(0)).collect(),
            last_us: (0..MESSAGES).map(|_| AtomicU64::new(0)).collect(),
            total: AtomicU64::new(0),
            total_us: AtomicU64::new(0),
            twice: AtomicU64::new(0),
            anew: AtomicU64::new(0),
            closed: Mutex::default(),
            leaving: AtomicBool::new(false),
        })
    }

    fn now_us(&self) -> u64 {
        self.begun.elapsed().as_micros() as u64
    }

    /// Waits until nothing has come for a while.
    async fn quiet(&self) {
        let mut before = u64::MAX;
        while before != self.total.load(Ordering::Relaxed) {
            before = self.total.load(Ordering::Relaxed);
            tokio::time::sleep(QUIET).await;
        }
    }
}

/// One server and those who listen to it.
struct Side {
    name: &'static str,
    to: SocketAddr,
    board: Arc<Board>,
    /// The request that tells message `n`, as the `i`-th who posts.
    post: Box<dyn Fn(u64, usize) -> Vec<u8> + Send + Sync>,
    next: AtomicU64,
}

/// Both servers with their listeners.
pub struct Fan {
    ours: Arc<Side>,
    bare: Arc<Side>,
    listeners: JoinSet<()>,
}

impl Drop for Fan {
    fn drop(&mut self) {
        self.ours.board.leaving.store(true, Ordering::Relaxed);
        self.bare.board.leaving.store(true, Ordering::Relaxed);
        self.listeners.abort_all();
    }
}

fn text(n: usize) -> String {
    format!("@@{n:07}@@ 인터뷰 자막에 오타가 있습니다. '연구서' → '연구소'로 고쳐 주세요.")
}

impl Fan {
    /// Seats the listeners. What the bare server is told are the bytes of a frame of ours.
    pub async fn open(ours: SocketAddr, bare: SocketAddr) -> Fan {
        let comment = |i: u64, n: usize| {
            let body = format!("{{\"text\":\"{}\",\"section\":\"00:42~00:48\"}}", text(n));
            let token = data::token(person(PROJECT, i));
            request("POST", &format!("/api/v1/feedbacks/{PROJECT}/comments"), &token, "", &body)
        };
        let sample = sample(ours, &comment(0, 0)).await;
        println!("one room, {LISTENERS} listeners; a comment is a frame of {} bytes", sample.len());
        let same = move |_, n: usize| request("POST", "/say", "x", "", &sample.replace(&text(0), &text(n)));
        let side = |name, to, post| Arc::new(Side { name, to, board: Board::new(), post, next: AtomicU64::new(1) });
        let fan = Fan {
            ours: side("ours", ours, Box::new(comment)),
            bare: side("bare axum", bare, Box::new(same)),
            listeners: JoinSet::new(),
        };
        fan.seated().await
    }

    async fn seated(mut self) -> Fan {
        let ready = Arc::new(AtomicU64::new(0));
        for n in 0..LISTENERS {
            let path = format!("/ws/projects/{PROJECT}?token={}", data::token(person(PROJECT, n / EACH)));
            self.listeners.spawn(listen(self.ours.to, path, self.ours.board.clone(), ready.clone()));
            self.listeners.spawn(listen(self.bare.to, "/ws?".into(), self.bare.board.clone(), ready.clone()));
        }
        let begun = Instant::now();
        while ready.load(Ordering::Relaxed) < 2 * LISTENERS {
            assert!(begun.elapsed() < PATIENCE, "not everybody found a seat");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.ours.board.quiet().await;
        self
    }

    /// So many comments a second; the time until the last listener has read each.
    pub async fn latency(&mut self, pace: u32, length: Duration) {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            b.extend(paced(&self.bare, pace, length / ROUNDS).await);
            a.extend(paced(&self.ours, pace, length / ROUNDS).await);
        }
        for (q, name, wanted) in [(0.5, "p50", ""), (0.99, "p99", " (wanted: at most 2)")] {
            let (a, b) = (quantile(&mut a, q), quantile(&mut b, q));
            println!(
                "{pace} comments a second, until the last has read it, {name}: {a:.1} ms; bare axum: {b:.1} ms; ratio {:.2}{wanted}",
                a / b
            );
        }
    }

    /// As fast as eight who post without a pause are answered.
    pub async fn deliveries(&mut self, length: Duration) {
        let (mut a, mut b, mut asked) = (Vec::new(), Vec::new(), [0, 0]);
        for _ in 0..ROUNDS {
            let (per_second, posted) = flood(&self.bare, length / ROUNDS).await;
            (asked[1], _) = (asked[1] + posted, b.push(per_second));
            let (per_second, posted) = flood(&self.ours, length / ROUNDS).await;
            (asked[0], _) = (asked[0] + posted, a.push(per_second));
        }
        let (a, b) = (median(a), median(b));
        println!(
            "deliveries as fast as it goes: {a:.0}/s; bare axum: {b:.0}/s; ratio {:.2} (wanted: at least 0.70); told {} and {}",
            a / b,
            asked[0],
            asked[1]
        );
        self.check();
    }

    /// Everybody in our room has read every comment once.
    fn check(&self) {
        let board = &self.ours.board;
        let told = self.ours.next.load(Ordering::Relaxed) as usize;
        let missing: u64 = board.readers[1..told]
            .iter()
            .map(|n| LISTENERS - u64::from(n.load(Ordering::Relaxed)).min(LISTENERS))
            .sum();
        println!(
            "{} comments to {LISTENERS} listeners: {missing} missing, {} twice (wanted: 0, 0); {} began anew, closed {:?}",
            told - 1,
            board.twice.load(Ordering::Relaxed),
            board.anew.load(Ordering::Relaxed),
            board.closed.lock()
        );
    }
}

/// The frame in which our room hears the first comment.
async fn sample(to: SocketAddr, comment: &[u8]) -> String {
    let path = format!("/ws/projects/{PROJECT}?token={}", data::token(person(PROJECT, 1)));
    let mut socket = open(to, Ipv4Addr::LOCALHOST, &path).await.unwrap();
    let mut greeted = false;
    while !greeted {
        assert!(socket.read(|kind, _| greeted |= kind == Kind::Text).await.unwrap());
    }
    let mut line = Line::open(to).await;
    assert_eq!(line.ask(comment).await.status, 201);
    let mut found = None;
    while found.is_none() {
        let read = socket.read(|_, frame| {
            let frame = String::from_utf8_lossy(frame);
            found = frame.contains(&text(0)).then(|| frame.into_owned()).or(found.take());
        });
        assert!(read.await.unwrap());
    }
    found.unwrap()
}

/// Reads as long as there is a room; comes back with its last seq when it is sent away.
async fn listen(to: SocketAddr, path: String, board: Arc<Board>, ready: Arc<AtomicU64>) {
    let mut seen: Vec<u64> = Vec::new();
    let (mut since, mut is_first) = (None, true);
    while !board.leaving.load(Ordering::Relaxed) {
        let again = since.map_or(String::new(), |seq: u64| format!("&since={seq}"));
        let Ok(mut socket) = open(to, Ipv4Addr::LOCALHOST, &format!("{path}{again}")).await else { return };
        if std::mem::take(&mut is_first) {
            ready.fetch_add(1, Ordering::Relaxed);
        }
        loop {
            let mut came = 0;
            let read = socket.read(|kind, frame| match kind {
                Kind::Text if frame.starts_with(b"{\"type\":\"batch\"") => {
                    came += marks(frame, |n| note(&board, &mut seen, n));
                    since = last_seq(frame).or(since);
                }
                Kind::Text => {
                    // Whoever is given the room's state in place of what he missed has lost it.
                    if frame.ends_with(b"\"type\":\"initial_state\"}") && !seen.is_empty() {
                        board.anew.fetch_add(1, Ordering::Relaxed);
                    }
                    since = last_seq(frame).or(since);
                }
                Kind::Close => {
                    let code = frame.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
                    *board.closed.lock().entry(code).or_default() += 1;
                }
                Kind::Ping | Kind::Pong => {}
            });
            let open = read.await.unwrap_or(false);
            if came > 0 {
                board.total.fetch_add(came, Ordering::Relaxed);
                board.total_us.fetch_max(board.now_us(), Ordering::Relaxed);
            }
            if !open {
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Counts one delivery of message `n`.
fn note(board: &Board, seen: &mut Vec<u64>, n: usize) {
    if seen.len() <= n / 64 {
        seen.resize(n / 64 + 64, 0);
    }
    if seen[n / 64] >> (n % 64) & 1 == 1 {
        board.twice.fetch_add(1, Ordering::Relaxed);
        return;
    }
    seen[n / 64] |= 1 << (n % 64);
    if board.readers[n].fetch_add(1, Ordering::Relaxed) + 1 == LISTENERS as u32 {
        board.last_us[n].store(board.now_us(), Ordering::Relaxed);
    }
}

/// Finds the numbers of messages in a frame; answers how many there are.
fn marks(frame: &[u8], mut on: impl FnMut(usize)) -> u64 {
    let (mut rest, mut found) = (frame, 0);
    while let Some(at) = rest.iter().position(|b| *b == b'@') {
        rest = &rest[at + 1..];
        if let [b'@', digits @ ..] = rest
            && digits.get(7..9) == Some(b"@@")
        {
            on(digits[..7].iter().fold(0, |n, d| n * 10 + usize::from(d - b'0')));
            found += 1;
            rest = &digits[9..];
        }
    }
    found
}

fn last_seq(frame: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"seq\":";
    let at = frame.windows(NAME.len()).rposition(|w| w == NAME)?;
    let digits = frame[at + NAME.len()..].iter().take_while(|b| b.is_ascii_digit());
    Some(digits.fold(0, |n, d| n * 10 + u64::from(d - b'0')))
}

/// Posts at a steady pace; answers the milliseconds until the last listener had read each.
async fn paced(side: &Side, pace: u32, length: Duration) -> Vec<f64> {
    let mut line = Line::open(side.to).await;
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / pace);
    let mut posted = Vec::new();
    for _ in 0..(f64::from(pace) * length.as_secs_f64()) as u32 {
        let n = side.next.fetch_add(1, Ordering::Relaxed) as usize;
        let request = (side.post)(0, n);
        ticks.tick().await;
        posted.push((n, side.board.now_us()));
        assert_eq!(line.ask(&request).await.status, 201);
    }
    let begun = Instant::now();
    let mut times = Vec::new();
    for (n, at) in posted {
        let read = &side.board.last_us[n];
        while read.load(Ordering::Relaxed) == 0 {
            assert!(begun.elapsed() < PATIENCE, "{}: not everybody has read {n}", side.name);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        times.push((read.load(Ordering::Relaxed) - at) as f64 / 1e3);
    }
    times
}

/// Posts without a pause; answers the deliveries a second until the last one, and how many were posted.
async fn flood(side: &Arc<Side>, length: Duration) -> (f64, u64) {
    let (before, first) = (side.board.total.load(Ordering::Relaxed), side.next.load(Ordering::Relaxed));
    let (start_us, start) = (side.board.now_us(), Instant::now());
    let mut posting = JoinSet::new();
    for i in 0..POSTING {
        let side = side.clone();
        posting.spawn(async move {
            let mut line = Line::open(side.to).await;
            while start.elapsed() < length {
                let n = side.next.fetch_add(1, Ordering::Relaxed) as usize;
                assert!(n < MESSAGES, "more messages than there are numbers");
                assert_eq!(line.ask(&(side.post)(i, n)).await.status, 201);
            }
        });
    }
    while let Some(done) = posting.join_next().await {
        done.unwrap();
    }
    side.board.quiet().await;
    let delivered = side.board.total.load(Ordering::Relaxed) - before;
    let seconds = (side.board.total_us.load(Ordering::Relaxed) - start_us) as f64 / 1e6;
    (delivered as f64 / seconds, side.next.load(Ordering::Relaxed) - first)
}

fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * q) as usize]
}

fn median(mut values: Vec<f64>) -> f64 {
    quantile(&mut values, 0.5)
}
