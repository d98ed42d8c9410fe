//! `cargo bench --bench store`: durable single-row writes, as ratios within one run on one disk.
//!
//! Three ways to insert the same rows with `synchronous=FULL`: one commit a row by hand, batches of 64 by hand, and the
//! store with 64 concurrent callers, each of whom waits until his row is on disk. The rounds are interleaved, so that a
//! noisy moment of the machine meets all three; medians are compared.

use std::path::Path;
use std::time::Instant;

use rusqlite::Connection;
use tokio::task::JoinSet;
use videoplanet::base::clock::Clock;
use videoplanet::engines::store::{Options, Store, params};

const ROUNDS: usize = 7;
const CALLERS: usize = 64;
const ROWS_SINGLE: usize = 1_500;
const ROWS: usize = 64 * 200;

/// A row of the journal, with its two indexes: what every change of the program writes.
const INSERT: &str = "INSERT INTO events (at_ms, project_id, actor_id, subject, subject_id, verb, body)
    VALUES (?1, 1, 1, 'comment', ?1, 'comment_added', ?2)";
const BODY: &str = r#"{"verb":"comment_added","comment":123456,"feedback":1234}"#;

fn main() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-store");
    let _ = std::fs::remove_dir_all(&dir);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let store = runtime.block_on(async { Store::open(&Options::in_dir(&dir), Clock::System, |_| ()).unwrap() });
    let by_hand = Connection::open(dir.join("videoplanet.db")).unwrap();
    by_hand.pragma_update(None, "synchronous", "FULL").unwrap();
    by_hand.pragma_update(None, "foreign_keys", true).unwrap();
    by_hand.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let (mut single, mut batched, mut ours) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        single.push(rate(ROWS_SINGLE, || one_commit_a_row(&by_hand, round)));
        batched.push(rate(ROWS, || batches_of_64(&by_hand, round)));
        ours.push(rate(ROWS, || runtime.block_on(through_the_store(&store, round))));
    }
    runtime.block_on(store.close());
    let _ = std::fs::remove_dir_all(&dir);
    let (single, batched, ours) = (median(single), median(batched), median(ours));
    println!("durable rows a second, median of {ROUNDS} rounds");
    println!("  one commit a row, by hand      {single:>9.0}");
    println!("  batches of 64, by hand         {batched:>9.0}");
    println!("  the store, {CALLERS} callers          {ours:>9.0}");
    println!("the store / one commit a row     {:>9.2}  (wanted: at least 5)", ours / single);
    println!("the store / batches of 64        {:>9.2}  (wanted: at least 0.60)", ours / batched);
}

fn rate(rows: usize, run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    rows as f64 / start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn one_commit_a_row(conn: &Connection, round: usize) {
    for _ in 0..ROWS_SINGLE {
        conn.prepare_cached(INSERT).unwrap().execute(params![round as i64, BODY]).unwrap();
    }
}

fn batches_of_64(conn: &Connection, round: usize) {
    for _ in 0..ROWS / 64 {
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        for _ in 0..64 {
            conn.prepare_cached(INSERT).unwrap().execute(params![round as i64, BODY]).unwrap();
        }
        conn.execute_batch("COMMIT").unwrap();
    }
}

async fn through_the_store(store: &Store, round: usize) {
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let store = store.clone();
        callers.spawn(async move {
            for _ in 0..ROWS / CALLERS {
                store.write(move |tx| tx.execute(INSERT, params![round as i64, BODY])).await.unwrap();
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
}
