//! `cargo bench --bench http`: what the program answers, as ratios within one run on one machine.
//!
//! A studio of 1,000 people, 500 projects, 20,000 feedbacks and 200,000 comments is imported into the real program, which
//! runs as a process of its own; beside it runs a bare axum server that answers the same bytes. Load comes over loopback
//! from this process, so that all three share the machine alike. Rounds are interleaved and medians compared.
//! `cargo bench --bench http -- cached mixed` runs some of the parts: cached, uncached, comments, mixed; a word such as
//! `store.mmap_mib=0` is a setting of the program.

#[path = "../data/mod.rs"]
mod data;
mod load;
mod mixed;
mod raw;
mod server;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use load::{Line, repeat, request};
use server::{Server, program};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 64;
/// Requests of each connection in the mixed workload.
const REPLAYED: usize = 1_500;
/// The project that is asked for where one is enough.
const PROJECT: u64 = 7;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|a| a == "--bare") {
        return bare(&arguments[at + 1]);
    }
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-http");
    let _ = std::fs::remove_dir_all(&home);
    let db = home.join("data/videoplanet.db");
    let given = home.join("given");
    data::write(&given, &data::LARGE).unwrap();
    let imported = program(&home).arg("import").arg(&given).stderr(Stdio::null()).output().unwrap();
    assert!(imported.status.success());
    // Only operators may ask past the cache.
    let owner = data::owner(&data::LARGE, PROJECT);
    let conn = rusqlite::Connection::open(&db).unwrap();
    conn.execute("UPDATE users SET site_role = 'operator' WHERE id = ?1", [owner as i64]).unwrap();
    drop(conn);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(&home, &db, owner));
    let _ = std::fs::remove_dir_all(&home);
}

/// The bare server: axum as it comes, a handler that returns the bytes of a file.
fn bare(file: &str) {
    let body = bytes::Bytes::from(std::fs::read(file).unwrap());
    let answer = move || {
        let body = body.clone();
        async move { ([("content-type", "application/json")], body) }
    };
    let app = axum::Router::new().route("/", axum::routing::get(answer));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}", listener.local_addr().unwrap());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let service = hyper_util::service::TowerToHyperService::new(app.clone());
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
}

async fn measure(home: &Path, db: &Path, owner: u64) {
    let mut serve = program(home);
    serve.args(["--set", "server.bind=127.0.0.1:0"]);
    for setting in std::env::args().filter(|a| a.contains('=')) {
        serve.args(["--set", &setting]);
    }
    // Room for what a studio of this size looks at in a day; the defaults are for a small machine.
    serve.args(["--set", "cache.l1_mib=512", "--set", "cache.l2_mib=1024", "--set", "cache.disk_mib=2048", "serve"]);
    let ours = Server::start(serve);
    let token = data::token(owner);
    let is_wanted = |part: &str| {
        let named: Vec<String> =
            std::env::args().skip(1).filter(|a| !a.starts_with("--") && !a.contains('=')).collect();
        named.is_empty() || named.iter().any(|n| n == part)
    };
    if is_wanted("cached") {
        cached(home, ours.1, &token).await;
    }
    if is_wanted("uncached") {
        uncached(db, ours.1, &token).await;
    }
    if is_wanted("comments") {
        comments(db, ours.1).await;
    }
    if is_wanted("mixed") {
        mixture(ours.1).await;
    }
}

fn dashboard() -> String {
    format!("/api/v1/projects/{PROJECT}/dashboard")
}

async fn cached(home: &Path, ours: SocketAddr, token: &str) {
    let cached = request("GET", &dashboard(), token, "", "");

    let mut line = Line::open(ours).await;
    line.ask(&cached).await;
    let answer = line.ask(&cached).await;
    let said = (answer.header("x-cache").to_owned(), answer.header("x-db-queries").to_owned());
    let file = home.join("answer.json");
    std::fs::write(&file, answer.body).unwrap();
    println!("a cached project dashboard: {} bytes, X-Cache {}, {} statements", answer.body.len(), said.0, said.1);
    drop(line);
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.arg("--bare").arg(&file);
    let bare = Server::start(again);
    let plain = request("GET", "/", "x", "", "");

    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        b.push(repeat(bare.1, CONNECTIONS, ROUND, plain.clone(), 200).await.per_second);
        a.push(repeat(ours, CONNECTIONS, ROUND, cached.clone(), 200).await.per_second);
    }
    ratio("cached project dashboard, 64 connections", "bare axum", median(a), median(b), "at least 0.70");

    let b = repeat(bare.1, 1_000, 2 * ROUND, plain.clone(), 200).await;
    let a = repeat(ours, 1_000, 2 * ROUND, cached.clone(), 200).await;
    println!("p99 at 1,000 connections: {:.1} ms, bare axum {:.1} ms", a.quantile_ms(0.99), b.quantile_ms(0.99));
    println!("p50 at 1,000 connections: {:.1} ms, bare axum {:.1} ms", a.quantile_ms(0.50), b.quantile_ms(0.50));
}

async fn uncached(db: &Path, ours: SocketAddr, token: &str) {
    let fresh = "cache-control: no-cache\r\n";
    let uncached = request("GET", &dashboard(), token, fresh, "");
    let feed = format!("/api/v1/projects/{PROJECT}/feedbacks?expand=user");
    let feed = request("GET", &feed, token, fresh, "");
    let (mut a, mut b, mut c, mut d) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(repeat(ours, CONNECTIONS, ROUND, uncached.clone(), 200).await.per_second);
        b.push(raw::dashboard(db, ROUND));
        c.push(repeat(ours, CONNECTIONS, ROUND, feed.clone(), 200).await.per_second);
        d.push(raw::feed(db, ROUND));
    }
    ratio("uncached project dashboard over HTTP", "its statements alone", median(a), median(b), "stated");
    ratio("uncached feedback list, expand=user", "its statement alone", median(c), median(d), "stated");
}

async fn comments(db: &Path, ours: SocketAddr) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(mixed::comments(ours, CONNECTIONS, ROUND).await.per_second);
        b.push(raw::comments(db, ROUND));
    }
    ratio("durable comments over HTTP, 64 callers", "by hand in commits of 64", median(a), median(b), "stated");
}

async fn mixture(ours: SocketAddr) {
    // A studio's server has been running for a while: the log is replayed, and the first pass is not counted.
    mixed::run(ours, CONNECTIONS, REPLAYED, None, &Arc::default()).await;
    for (pace, how) in [(Some(Duration::from_millis(64)), "at 1,000 requests/s"), (None, "as fast as it answers")] {
        let told = Arc::new(mixed::Told::default());
        let requests = if pace.is_some() { REPLAYED / 3 } else { REPLAYED };
        let mix = mixed::run(ours, CONNECTIONS, requests, pace, &told).await;
        let n = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
        println!("mixed workload, 90 % reads, Zipf over 500 projects, {how}: {:.0} requests/s", mix.per_second);
        println!(
            "  p50 {:.2} ms, p99 {:.2} ms, {} comments",
            mix.quantile_ms(0.5),
            mix.quantile_ms(0.99),
            n(&told.writes)
        );
        println!("  X-Cache {:?}", told.tiers());
        let (hits, statements) = (told.hit_ratio(), told.statements_on_hits());
        println!("  hit ratio {hits:.3} (wanted: above 0.95), {statements} statements on hits");
        println!("  {} of {} lists of comments were stale (wanted: 0)", n(&told.stale), n(&told.checked));
    }
}

fn ratio(what: &str, beside: &str, ours: f64, theirs: f64, wanted: &str) {
    println!("{what}: {ours:.0}/s; {beside}: {theirs:.0}/s; ratio {:.2} (wanted: {wanted})", ours / theirs);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
