//! `cargo bench --bench ops`: does the dashboard tell the truth under load, and what does telling it cost?
//!
//! A studio is imported into the real program, which runs as a process of its own; 64 clients on kept connections ask it
//! over loopback from this process for a minute (`OPS_SECONDS` shortens it), nine reads in ten from a Zipf mixture with
//! operators who ask past the cache among them, and comments. Storyboards are asked for beside that, as jobs.
//!
//! *Truth*: what the dashboard says (the CSV of `/admin/requests`, and `/metrics`) stands beside what this process has
//! counted of the same answers in the same time. The window of the dashboard is known exactly, since its CSV has both the
//! number and the rate. Its times are those inside of the program, so they are held against `X-Response-Time` of each
//! answer, which is told in whole milliseconds; what a client sees is longer by its waiting for two shared processors and
//! is printed beside it, without being compared.
//!
//! *Cost*: two programs on copies of the same data, one with `metrics.collect = true` and one with `false`, are asked in
//! turns; of each pair of rounds the ratio is taken, and the median of these is told, for answers from the cache (where
//! counting weighs most) and for answers past it.

#[path = "data/mod.rs"]
#[allow(dead_code)]
mod data;
#[path = "http/load.rs"]
#[allow(dead_code)]
mod load;
#[path = "http/server.rs"]
#[allow(dead_code)]
mod server;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use load::{Line, repeat, request};
use server::{Server, program};

const CLIENTS: usize = 64;
const SIZE: data::Size = data::Size { users: 200, projects: 100, members: 6, feedbacks: 4_000, comments: 20_000 };
/// Who looks at the dashboard; also the owner of the first project.
const ADMIN: u64 = 1;
/// Storyboards that are asked for.
const JOBS: u64 = 20;
/// Pairs of rounds for the cost, after one that is not counted.
const PAIRS: usize = 12;

/// One answer, as this process saw it.
#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    outside_us: u32,
    /// What the program says of itself, in milliseconds.
    inside_ms: u32,
    tier: u8,
    /// Is it a project's dashboard, whose times are compared?
    dashboard: bool,
}

/// The route whose times are compared: a third of it is asked past the cache, so that its p95 is many milliseconds.
const DASHBOARD: &str = "GET /api/v1/projects/{id}/dashboard";
const TIERS: [&str; 5] = ["l1", "l2", "l3", "miss", "bypass"];

fn main() {
    let length = std::env::var("OPS_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(60u64).clamp(2, 600);
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-ops");
    let _ = std::fs::remove_dir_all(&home);
    let given = home.join("given");
    data::write(&given, &SIZE).unwrap();
    // The load writes, so that what is compared for the cost has not seen it.
    for name in ["load", "on", "off"] {
        let home = home.join(name);
        let imported = program(&home).arg("import").arg(&given).stderr(Stdio::null()).output().unwrap();
        assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
        let conn = rusqlite::Connection::open(home.join("data/videoplanet.db")).unwrap();
        // The dashboard opens to sign-ins alone, not to tokens of programs; only operators may ask past the cache.
        conn.execute_batch(
            "UPDATE users SET site_role = 'operator'; UPDATE users SET site_role = 'admin' WHERE id = 1;
            UPDATE sessions SET kind = 'session' WHERE user_id = 1;",
        )
        .unwrap();
    }
    let start = |name: &str, collect: bool| {
        let mut command = program(&home.join(name));
        let collect = format!("metrics.collect={collect}");
        command.args(["--set", "server.bind=127.0.0.1:0", "--set", &collect, "--set", "log.level=error", "serve"]);
        Server::start(command)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let load = start("load", true);
    runtime.block_on(truth(load.1, Duration::from_secs(length)));
    drop(load);
    let (on, off) = (start("on", true), start("off", false));
    // A round of the cost is a thirtieth of the load, so that both halves take about as long.
    runtime.block_on(cost(on.1, off.1, Duration::from_millis((length * 1000 / 30).max(500))));
    drop((on, off));
    let _ = std::fs::remove_dir_all(&home);
}

/// Numbers that are the same each time (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % n
    }
}

fn one_of(dice: &mut Dice) -> Vec<u8> {
    // The square of an even number is small more often than large: few projects are asked for much.
    let spot = dice.below(1 << 16);
    let project = ((spot * spot) >> 16) * SIZE.projects / (1 << 16) + 1;
    let feedback = project + SIZE.projects * dice.below(SIZE.feedbacks / SIZE.projects);
    let token = data::token(data::owner(&SIZE, project));
    let read = |path: String, more: &str| request("GET", &format!("/api/v1{path}"), &token, more, "");
    match dice.below(100) {
        0..8 => {
            let body = "{\"text\":\"자막에 오타가 있습니다.\",\"start_ms\":42000}";
            request("POST", &format!("/api/v1/feedbacks/{feedback}/comments"), &token, "", body)
        }
        8..20 => read(format!("/projects/{project}/dashboard"), "cache-control: no-cache\r\n"),
        20..45 => read(format!("/projects/{project}/dashboard"), ""),
        45..65 => read(format!("/projects/{project}/feedbacks"), ""),
        65..80 => read(format!("/feedbacks/{feedback}/comments"), ""),
        80..95 => read(format!("/projects/{project}"), ""),
        _ => read("/me".into(), ""),
    }
}

async fn client(to: SocketAddr, n: u64, stop: Arc<AtomicBool>) -> Vec<Seen> {
    let (mut line, mut seen) = (Line::open(to).await, Vec::new());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (n + 1));
    while !stop.load(Ordering::Relaxed) {
        let bytes = one_of(&mut dice);
        let dashboard = bytes.split(|b| *b == b'\r').next().is_some_and(|l| l.ends_with(b"/dashboard HTTP/1.1"));
        let begun = Instant::now();
        let answer = line.ask(&bytes).await;
        let at = Instant::now();
        assert!(answer.status < 300, "{} {}", answer.status, String::from_utf8_lossy(answer.body));
        let inside: f64 = answer.header("x-response-time").parse().unwrap();
        let tier = TIERS.iter().position(|t| *t == answer.header("x-cache")).unwrap() as u8;
        let outside_us = at.duration_since(begun).as_micros() as u32;
        seen.push(Seen { at, outside_us, inside_ms: (inside * 1e3).round() as u32, tier, dashboard });
    }
    seen
}

/// A request of the dashboard's reader, on a connection of its own: the program ends those that are idle for long.
async fn look(to: SocketAddr, path: &str) -> String {
    let cookie = format!("cookie: vp_session={}", data::token(ADMIN));
    let bytes = format!("GET {path} HTTP/1.1\r\nhost: x\r\n{cookie}\r\n\r\n");
    let mut line = Line::open(to).await;
    let answer = line.ask(bytes.as_bytes()).await;
    assert_eq!(answer.status, 200, "{path}");
    String::from_utf8_lossy(answer.body).into_owned()
}

/// Sums of a family of `/metrics` over the samples in which all of `with` stands.
fn sum(metrics: &str, family: &str, with: &[&str]) -> f64 {
    let lines = metrics.lines().filter(|l| l.starts_with(&format!("{family}{{")) && with.iter().all(|w| l.contains(w)));
    lines.filter_map(|l| l.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

/// Groups of the cache that are no answers.
fn hits_and_misses(metrics: &str) -> (f64, f64) {
    let of = |family: &str| {
        let inner = ["group=\"sessions\"", "group=\"places\""].map(|g| sum(metrics, family, &[g])).iter().sum::<f64>();
        sum(metrics, family, &[]) - inner
    };
    (of("videoplanet_cache_hits_total"), of("videoplanet_cache_misses_total"))
}

async fn truth(to: SocketAddr, length: Duration) {
    let before = look(to, "/metrics").await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..CLIENTS as u64 {
        clients.spawn(client(to, n, stop.clone()));
    }
    let jobs = tokio::spawn(ask_for_storyboards(to));
    tokio::time::sleep(length).await;
    // Under load, so that the window ends within it.
    let asked = Instant::now();
    let csv = look(to, "/admin/requests?minutes=1&format=csv").await;
    let answered = Instant::now();
    stop.store(true, Ordering::Relaxed);
    let mut seen = Vec::new();
    while let Some(of_one) = clients.join_next().await {
        seen.extend(of_one.unwrap());
    }
    let jobs = jobs.await.unwrap();
    let rows = Row::all(&csv);
    let api = || rows.iter().filter(|r| r.route.contains("/api/v1/") && !ASIDE.iter().any(|a| r.route.ends_with(a)));
    let (told, rate) = (api().map(|r| r.requests).sum::<f64>(), api().map(|r| r.rate).sum::<f64>());
    let window = Duration::from_secs_f64(told / rate);
    // The dashboard looked at some moment between asking it and its answer: the middle of both.
    let end = asked + answered.duration_since(asked) / 2;
    let begin = end.checked_sub(window).unwrap_or(asked);
    let within: Vec<Seen> = seen.iter().filter(|s| s.at > begin && s.at <= end).copied().collect();

    println!(
        "{CLIENTS} clients for {:.0} s, {} answers; the dashboard's window is {:.1} s",
        length.as_secs_f64(),
        seen.len(),
        window.as_secs_f64()
    );
    compare("requests a second", rate, within.len() as f64 / window.as_secs_f64(), "5 %");
    let row = rows.iter().find(|r| r.route == DASHBOARD).expect("it was asked");
    let of_route = || within.iter().filter(|s| s.dashboard);
    compare("requests of dashboards", row.requests, of_route().count() as f64, "5 %");
    let inside = quantile(of_route().map(|s| s.inside_ms), 0.95);
    compare(
        "their p95 inside of the program, ms",
        row.p95_ms,
        inside,
        "5 %, or the half millisecond that an answer leaves open",
    );
    let outside = quantile(of_route().map(|s| s.outside_us), 0.95) / 1e3;
    println!("  the same answers from outside: p95 {outside:.1} ms, with the waiting of both sides for the processors");

    let n = |tier: &str| seen.iter().filter(|s| TIERS[s.tier as usize] == tier).count() as f64;
    let hits = n("l1") + n("l2") + n("l3");
    let after = look(to, "/metrics").await;
    let ((h0, m0), (h1, m1)) = (hits_and_misses(&before), hits_and_misses(&after));
    compare("hit ratio", (h1 - h0) / (h1 - h0 + m1 - m0), hits / (hits + n("miss")), "5 %");
    let done = |text: &str| sum(text, "videoplanet_jobs", &["lane=\"outbound\"", "state=\"done\""]);
    compare("storyboards drafted", done(&after) - done(&before), jobs as f64, "equal");
}

/// Routes that are asked beside the load.
const ASIDE: [&str; 3] = ["/plans", "/storyboard", "/jobs/{id}"];

/// Asks for storyboards and waits for them; how many there were.
async fn ask_for_storyboards(to: SocketAddr) -> u64 {
    let (mut line, token) = (Line::open(to).await, data::token(data::owner(&SIZE, 1)));
    let mut jobs = Vec::new();
    for n in 0..JOBS {
        let body = format!("{{\"title\":\"기획안 {n}\"}}");
        let answer = line.ask(&request("POST", "/api/v1/projects/1/plans", &token, "", &body)).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(answer.body));
        let plan: serde_json::Value = serde_json::from_slice(answer.body).unwrap();
        let path = format!("/api/v1/plans/{}/storyboard", plan["id"]);
        let answer = line.ask(&request("POST", &path, &token, "", "{\"regenerate\":true}")).await;
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(answer.body));
        jobs.push(serde_json::from_slice::<serde_json::Value>(answer.body).unwrap()["job_id"].clone());
    }
    for job in jobs {
        loop {
            let answer = line.ask(&request("GET", &format!("/api/v1/jobs/{job}"), &token, "", "")).await;
            let shown: serde_json::Value = serde_json::from_slice(answer.body).unwrap();
            match shown["state"].as_str() {
                Some("done") => break,
                Some("failed" | "dead" | "cancelled") => panic!("a storyboard failed: {shown}"),
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
    JOBS
}

/// A row of the CSV of routes.
struct Row {
    route: String,
    requests: f64,
    rate: f64,
    p95_ms: f64,
}

impl Row {
    fn all(csv: &str) -> Vec<Row> {
        let row = |line: &str| {
            let cells: Vec<&str> = line.split(',').map(|c| c.trim_matches('"')).collect();
            let n = |i: usize| cells.get(i)?.parse::<f64>().ok();
            Some(Row { route: cells[0].to_owned(), requests: n(1)?, rate: n(2)?, p95_ms: n(4)? })
        };
        csv.trim_start_matches('\u{feff}').lines().skip(1).filter_map(row).collect()
    }
}

fn quantile(values: impl Iterator<Item = u32>, q: f64) -> f64 {
    let mut values: Vec<u32> = values.collect();
    values.sort_unstable();
    values.get(((values.len().max(1) - 1) as f64 * q) as usize).copied().map_or(0.0, f64::from)
}

fn compare(what: &str, told: f64, seen: f64, wanted: &str) {
    let off = (told / seen - 1.0) * 100.0;
    println!("{what}: the dashboard says {told:.3}, the load saw {seen:.3}: {off:+.1} % (wanted: {wanted})");
}

async fn cost(on: SocketAddr, off: SocketAddr, round: Duration) {
    let token = data::token(data::owner(&SIZE, 7));
    for (what, more, clients) in
        [("from the cache", "", CLIENTS), ("past the cache", "cache-control: no-cache\r\n", CLIENTS)]
    {
        let bytes = request("GET", "/api/v1/projects/7/dashboard", &token, more, "");
        let (mut ratios, mut with, mut without) = (Vec::new(), Vec::new(), Vec::new());
        for pair in 0..=PAIRS {
            // Who comes first changes, so that neither profits from it.
            let order = if pair % 2 == 0 { [on, off] } else { [off, on] };
            let mut rates = [0.0; 2];
            for to in order {
                let report = repeat(to, clients, round, bytes.clone(), 200).await;
                rates[usize::from(to == off)] = report.per_second;
            }
            if pair > 0 {
                ratios.push(rates[0] / rates[1]);
                with.push(rates[0]);
                without.push(rates[1]);
            }
        }
        let lost = (1.0 - median(ratios)) * 100.0;
        println!(
            "cost of counting, {what}: {:.0}/s with, {:.0}/s without; {lost:.1} % lost (wanted: at most 3 %)",
            median(with),
            median(without)
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
