//! Sockets that only sit there: what each costs, how fast they come, what the server does meanwhile.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::bare::Buffers;
use crate::listen::{Kind, Socket, open};
use crate::server::Server;
use crate::{EACH, PEOPLE, beside, data, ours, person};

/// Clients that knock at the same time.
const KNOCKING: u64 = 64;
/// Sockets of one source address.
const OF_ADDRESS: u64 = 5_000;
/// After the last has come, until memory is read.
const SETTLE: Duration = Duration::from_secs(10);

/// What sockets cost.
struct Cost {
    bytes: f64,
    per_second: f64,
    cpu_percent: f64,
}

/// Measures ours and the bare server, one after the other.
pub async fn part(home: &Path, sockets: u64, watched: Duration) {
    let server = ours(home);
    let path = |n: u64| {
        let (project, i) = (n / (PEOPLE * EACH) + 1, n % (PEOPLE * EACH) / EACH);
        format!("/ws/projects/{project}?token={}", data::token(person(project, i)))
    };
    let a = hold(&server, sockets, watched, path, true).await;
    drop(server);
    let server = beside(Buffers::Small);
    let b = hold(&server, sockets, watched, |_| "/ws".into(), false).await;
    drop(server);
    let server = beside(Buffers::Default);
    // One moment is enough: what this is about is memory.
    let c = hold(&server, sockets, watched / 10, |_| "/ws".into(), false).await;
    let row = |what: &str, of: fn(&Cost) -> f64, unit: &str| {
        let (a, b, c) = (of(&a), of(&b), of(&c));
        // Less than a tick of the system's clock is nothing to divide by.
        let ratio = |beside: f64| if beside < 0.05 { "none".to_owned() } else { format!("{:.2}", a / beside) };
        println!(
            "  {what}: {a:.1} {unit}; bare axum, 4 KiB buffers: {b:.1}; ratio {}; axum's own buffers: {c:.1}; ratio {}",
            ratio(b),
            ratio(c)
        );
    };
    row("memory of each socket", |c| c.bytes / 1024.0, "KiB");
    row("sockets that come in a second", |c| c.per_second, "/s");
    row("CPU of the server meanwhile", |c| c.cpu_percent, "% of one core");
}

/// Opens and holds so many sockets.
async fn hold(server: &Server, sockets: u64, watched: Duration, path: impl Fn(u64) -> String, greets: bool) -> Cost {
    let paths: Arc<Vec<String>> = Arc::new((0..sockets).map(path).collect());
    let before = resident(server.id());
    let (next, gone) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let begun = Instant::now();
    let mut knocking = JoinSet::new();
    for _ in 0..KNOCKING {
        let (paths, next, gone, to) = (paths.clone(), next.clone(), gone.clone(), server.1);
        knocking.spawn(async move {
            let mut seated = JoinSet::new();
            loop {
                // In their order: a room fills before the next one does.
                let n = next.fetch_add(1, Ordering::Relaxed);
                let Some(path) = paths.get(n as usize) else { return seated };
                let socket = enter(to, n, path, greets).await;
                let gone = gone.clone();
                seated.spawn(async move {
                    sit(socket).await;
                    gone.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
    }
    let mut seated = Vec::new();
    while let Some(some) = knocking.join_next().await {
        seated.push(some.unwrap());
    }
    let per_second = sockets as f64 / begun.elapsed().as_secs_f64();
    tokio::time::sleep(SETTLE).await;
    let bytes = (resident(server.id()) - before) as f64 / sockets as f64;
    let (busy, since) = (busy(server.id()), Instant::now());
    tokio::time::sleep(watched).await;
    let cpu_percent = 100.0 * (self::busy(server.id()) - busy) / since.elapsed().as_secs_f64();
    assert_eq!(gone.load(Ordering::Relaxed), 0, "sockets were closed");
    Cost { bytes, per_second, cpu_percent }
}

async fn enter(to: SocketAddr, n: u64, path: &str, greets: bool) -> Socket {
    let from = Ipv4Addr::new(127, 0, 0, 2 + (n / OF_ADDRESS) as u8);
    let mut socket = open(to, from, path).await.unwrap();
    let mut greeted = !greets;
    while !greeted {
        let open = socket.read(|kind, text| {
            assert!(kind != Kind::Close, "{}", String::from_utf8_lossy(text));
            greeted |= kind == Kind::Text;
        });
        assert!(open.await.unwrap(), "no seat");
    }
    socket
}

async fn sit(mut socket: Socket) {
    while socket.read(|_, _| ()).await.is_ok_and(|open| open) {}
}

/// Resident bytes of a process.
fn resident(id: u32) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let kib = status.lines().find_map(|l| l.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<i64>().ok());
    kib.unwrap() << 10
}

/// Seconds for which a process has been on a CPU.
fn busy(id: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // Behind the name in parentheses: state is the first, user and system time the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / rustix::param::clock_ticks_per_second() as f64
}
