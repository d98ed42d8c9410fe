//! `cargo bench --bench search`: how fast and how well the program finds Korean, as ratios within one run on one machine.
//!
//! A studio of 1,000 people, 500 projects, 20,000 feedbacks and 200,000 comments with the vocabulary of a studio is
//! imported into the real program, which runs as a process of its own. It is asked over loopback, with rights, counts,
//! totals and marked snippets; answers to searches are never cached. Beside it SQLite's FTS5 with trigrams over the same
//! comments answers the same questions in this process as bare statements, and so does a copy of the program's index.
//! Rounds are interleaved and medians compared. A word such as `search.arena_mib=64` is a setting of the program; with
//! `cargo bench --bench search -- DIR` the studio is only written into DIR and the questions are printed.

mod beside;
#[path = "../data/mod.rs"]
#[allow(dead_code)]
mod data;
mod hangul;
#[path = "../http/load.rs"]
#[allow(dead_code)]
mod load;
mod ours;
mod recall;
#[path = "../http/server.rs"]
mod server;
mod texts;
mod typing;
mod words;

use std::collections::HashSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use beside::{Fts, Times, threads};
use load::Line;
use serde_json::Value;
use server::{Server, program};
use texts::Said;
use typing::{KINDS, Query};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(4);
/// Connections, and threads of what is asked in this process.
const AT_ONCE: usize = 8;
/// A member of every project, who owns none.
const EVERYWHERE: u64 = 900;
/// Who owns one project and is a member of no other.
const OWNER: u64 = 7;
/// New comments whose way into the index is timed.
const NEW: usize = 30;
/// Comments that are looked for.
const KNOWN: usize = 500;

fn main() {
    // Cargo itself passes --bench.
    if let Some(dir) = std::env::args().skip(1).find(|a| !a.starts_with("--") && !a.contains('=')) {
        let dir = Path::new(&dir);
        let (_, queries) = studio(dir);
        return queries.iter().for_each(|q| println!("{}\t{}", KINDS[q.kind], q.typed));
    }
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-search");
    let _ = std::fs::remove_dir_all(&home);
    let given = home.join("given");
    let (said, queries) = studio(&given);
    let words: usize = said.iter().map(|s| s.text.split_whitespace().count()).sum();
    let different: HashSet<&str> = said.iter().flat_map(|s| s.text.split_whitespace()).collect();
    println!(
        "{} comments: {} of text, {:.1} words each, {} different words",
        said.len(),
        mib(text_bytes(&said) as f64),
        words as f64 / said.len() as f64,
        different.len()
    );
    let begun = Instant::now();
    let imported = program(&home).arg("import").arg(&given).stderr(Stdio::null()).output().unwrap();
    assert!(imported.status.success());
    println!("imported in {:.1} s", begun.elapsed().as_secs_f64());
    let conn = rusqlite::Connection::open(home.join("data/videoplanet.db")).unwrap();
    let join = "INSERT INTO members (project_id, user_id, role, created_ms)
        SELECT id, ?1, 'editor', created_ms FROM projects WHERE true ON CONFLICT DO NOTHING";
    conn.execute(join, [EVERYWHERE as i64]).unwrap();
    drop(conn);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(&home, &said, &queries));
    let _ = std::fs::remove_dir_all(&home);
}

/// Writes the studio; answers its comments, and questions to them.
fn studio(given: &Path) -> (Vec<Said>, Vec<Query>) {
    data::write(given, &data::LARGE).unwrap();
    let said = texts::rewrite(given);
    let column = |file: &str, field: &str| -> Vec<String> {
        let text = std::fs::read_to_string(given.join(file)).unwrap();
        text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()[field].as_str().unwrap().to_owned()).collect()
    };
    let (projects, mut names) = (column("projects.jsonl", "name"), column("users.jsonl", "nickname"));
    names.sort();
    names.dedup();
    let queries = typing::queries(&said, &projects, &names);
    (said, queries)
}

async fn measure(home: &Path, said: &[Said], queries: &[Query]) {
    let mut serve = program(home);
    serve.args(["--set", "server.bind=127.0.0.1:0"]);
    for setting in std::env::args().filter(|a| a.contains('=')) {
        serve.args(["--set", &setting]);
    }
    serve.arg("serve");
    let server = Server::start(serve);
    let to = server.1;
    let resident = || ours::metric(to, "process_resident_memory_bytes");
    let before = resident().await;
    let took = ours::indexed(to, said.len()).await;
    println!("indexed {took:.1} s after the start: {:.0} comments/s", said.len() as f64 / took);
    let then = resident().await;
    ours::at_rest(to).await;
    let bytes = ours::metric(to, "videoplanet_index_bytes").await;
    let segments = ours::metric(to, "videoplanet_index_segments").await;
    let part = bytes / text_bytes(said) as f64;
    println!("index: {} in {segments} segments, {part:.2} times the comments' text", mib(bytes));
    println!("resident: {} at the start, {} when all was indexed", mib(before), mib(then));
    let file = home.join("fts.db");
    let (took, bytes) = beside::build(&file, said);
    let part = bytes as f64 / text_bytes(said) as f64;
    println!("FTS5: built in {took:.1} s, {}, {part:.2} times the text", mib(bytes as f64));

    speed(home, &server, &file, queries).await;
    println!("resident after that: {} (with what is mapped of the index)", mib(resident().await));

    let token = data::token(EVERYWHERE);
    let wanted = typing::wanted(said, KNOWN);
    recall::measure(&mut Line::open(to).await, &token, &Fts::open(&file), &wanted).await;

    let quiet = ours::fresh(to, NEW, 1, &token).await;
    let requests = Arc::new(requests(queries, EVERYWHERE));
    let (stop, at, mut times) = (AtomicUsize::new(0), Arc::default(), Times::new());
    let busy = async {
        while stop.load(std::sync::atomic::Ordering::Relaxed) == 0 {
            ours::round(to, AT_ONCE, Duration::from_millis(500), &requests, &at, &mut times).await;
        }
    };
    let asked = async {
        let took = ours::fresh(to, NEW, 2, &token).await;
        stop.store(1, std::sync::atomic::Ordering::Relaxed);
        took
    };
    let ((), loaded) = tokio::join!(busy, asked);
    println!();
    for (how, mut took) in [("while nobody asks", quiet), ("while 8 others ask", loaded)] {
        took.sort_by(f64::total_cmp);
        let (middle, most) = (took[took.len() / 2], took[took.len() - 1]);
        println!("a new comment is found {how}: median {middle:.0} ms, max {most:.0} ms (wanted: within 1,000)");
    }
}

/// The queries as requests of an account.
fn requests(queries: &[Query], user: u64) -> Vec<(usize, Vec<u8>)> {
    queries.iter().map(|q| (q.kind, ours::search(&q.typed, "", &data::token(user)))).collect()
}

/// One of those that are asked.
struct Side {
    name: &'static str,
    at: Arc<AtomicUsize>,
    rates: Vec<f64>,
    times: Times,
    alone: Times,
}

async fn speed(home: &Path, server: &Server, file: &Path, queries: &[Query]) {
    let to = server.1;
    let index = Arc::new(beside::index(&home.join("data/index"), &home.join("copy")));
    let scopes: Arc<Vec<i64>> = Arc::new((1..=data::LARGE.projects as i64).collect());
    let inside = || -> Box<dyn FnMut(&str)> {
        let (index, scopes) = (index.clone(), scopes.clone());
        Box::new(move |words| beside::ask(&index, words, &scopes))
    };
    let fts = || -> Box<dyn FnMut(&str)> {
        let fts = Fts::open(file);
        Box::new(move |words| drop(fts.ask(words)))
    };
    let everywhere = Arc::new(requests(queries, EVERYWHERE));
    let own = Arc::new(requests(queries, OWNER));
    let names = ["member of 500", "owner of 1", "index alone", "FTS5"];
    let mut sides = names.map(|name| Side {
        name,
        at: Arc::default(),
        rates: Vec::new(),
        times: Times::new(),
        alone: Times::new(),
    });
    // Each query once, which also warms everything up; the second time counts.
    let mut hits = Vec::new();
    for _ in 0..2 {
        (sides[0].alone, hits) = ours::alone(to, queries, &data::token(EVERYWHERE)).await;
        sides[1].alone = ours::alone(to, queries, &data::token(OWNER)).await.0;
        for (side, asker) in [(2, &inside as &dyn Fn() -> Box<dyn FnMut(&str)>), (3, &fts)] {
            let mut ask = asker();
            let timed = |q: &Query| {
                let begun = Instant::now();
                ask(&q.words);
                (q.kind, begun.elapsed().as_micros() as u32)
            };
            sides[side].alone = queries.iter().map(timed).collect();
        }
    }
    for _ in 0..ROUNDS {
        for (i, side) in sides.iter_mut().enumerate() {
            let rate = match i {
                0 => ours::round(to, AT_ONCE, ROUND, &everywhere, &side.at, &mut side.times).await,
                1 => ours::round(to, AT_ONCE, ROUND, &own, &side.at, &mut side.times).await,
                2 => threads(AT_ONCE, ROUND, queries, &side.at, &mut side.times, inside),
                _ => threads(AT_ONCE, ROUND, queries, &side.at, &mut side.times, fts),
            };
            side.rates.push(rate);
        }
    }
    print(&mut sides, &hits, queries.len());
}

fn print(sides: &mut [Side; 4], hits: &[(usize, u32)], queries: usize) {
    println!("\n{queries} questions, {AT_ONCE} at once, {ROUNDS} rounds of {} s; nothing is cached", ROUND.as_secs());
    println!("{:<14} {:>10} {:>9} {:>9} {:>9} {:>8}", "", "a second", "p50 ms", "p99 ms", "max ms", "asked");
    for side in sides.iter_mut() {
        let times = of(&side.times, None);
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(|q| quantile_ms(&times, q));
        let rate = median(&mut side.rates);
        println!("{:<14} {rate:>10.0} {p50:>9.2} {p99:>9.2} {max:>9.2} {:>8}", side.name, times.len());
    }
    let theirs = median(&mut sides[3].rates);
    for side in &mut sides[..3] {
        let (rate, name) = (median(&mut side.rates), side.name);
        let how = if name == "index alone" { "stated" } else { "at least 10" };
        println!("{name} beside FTS5's bare statement: ratio {:.2} (wanted: {how})", rate / theirs);
    }
    println!("\nby kind, ms: one at a time p50, p99 | {AT_ONCE} at once p50, p99");
    print!("{:<27} {:>8}", "", "hits p50");
    sides.iter().for_each(|s| print!(" | {:^27}", s.name));
    println!();
    for (kind, name) in KINDS.iter().enumerate() {
        let found = of(hits, Some(kind));
        print!("{name:<27} {:>8}", found[found.len() / 2]);
        for side in sides.iter() {
            let (alone, busy) = (of(&side.alone, Some(kind)), of(&side.times, Some(kind)));
            print!(" |");
            for times in [&alone, &busy] {
                print!(" {:>6.1} {:>6.1}", quantile_ms(times, 0.5), quantile_ms(times, 0.99));
            }
        }
        println!();
    }
}

/// Sorted numbers of one kind, or of all.
fn of(times: &[(usize, u32)], kind: Option<usize>) -> Vec<u32> {
    let mut out: Vec<u32> = times.iter().filter(|(k, _)| kind.is_none_or(|wanted| wanted == *k)).map(|t| t.1).collect();
    out.sort_unstable();
    out
}

fn quantile_ms(sorted: &[u32], q: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * q) as usize).map_or(f64::NAN, |time| f64::from(*time) / 1e3)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn text_bytes(said: &[Said]) -> usize {
    said.iter().map(|s| s.text.len()).sum()
}

fn mib(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / f64::from(1 << 20))
}
