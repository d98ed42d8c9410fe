//! The program over HTTP: its numbers, its answers, and how soon it finds what was said.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::beside::Times;
use crate::load::{Line, load, request};
use crate::texts::Dice;
use crate::typing::Query;

/// A search as the bytes of a request.
pub fn search(typed: &str, more: &str, token: &str) -> Vec<u8> {
    let q: String = form_urlencoded::byte_serialize(typed.as_bytes()).collect();
    request("GET", &format!("/api/v1/search?q={q}&page_size=10{more}"), token, "", "")
}

/// A number of `/metrics`, by the beginning of its line.
pub async fn metric(to: SocketAddr, name: &str) -> f64 {
    let mut line = Line::open(to).await;
    let answer = line.ask(&request("GET", "/metrics", "x", "", "")).await;
    let text = std::str::from_utf8(answer.body).unwrap();
    let value = text.lines().find_map(|l| l.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// Seconds until so many comments can be found and the index knows every event.
pub async fn indexed(to: SocketAddr, comments: usize) -> f64 {
    let start = Instant::now();
    loop {
        let found = metric(to, "videoplanet_index_documents{kind=\"comment\"}").await;
        let whole = metric(to, "videoplanet_index_whole").await;
        let behind = metric(to, "videoplanet_index_lag_events").await;
        if found as usize >= comments && behind == 0.0 && whole == 1.0 {
            return start.elapsed().as_secs_f64();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Until its files stay as they are: segments are merged behind.
pub async fn at_rest(to: SocketAddr) {
    let (mut before, mut same) = (0.0, 0);
    while same < 6 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = metric(to, "videoplanet_index_bytes").await;
        same = if now == before { same + 1 } else { 0 };
        before = now;
    }
}

/// What each query brings, one at a time: its time in microseconds, and hits in all.
pub async fn alone(to: SocketAddr, queries: &[Query], token: &str) -> (Times, Vec<(usize, u32)>) {
    let mut line = Line::open(to).await;
    let (mut times, mut hits) = (Times::new(), Vec::new());
    for query in queries {
        let request = search(&query.typed, "", token);
        let begun = Instant::now();
        let answer = line.ask(&request).await;
        times.push((query.kind, begun.elapsed().as_micros() as u32));
        let body: Value = serde_json::from_slice(answer.body).unwrap();
        assert_eq!(answer.status, 200, "{}: {body}", query.typed);
        hits.push((query.kind, body["total"].as_u64().unwrap() as u32));
    }
    (times, hits)
}

/// Asks them in turn over so many connections for so long; `at` is the next one. Answers questions a second.
pub async fn round(
    to: SocketAddr,
    connections: usize,
    length: Duration,
    requests: &Arc<Vec<(usize, Vec<u8>)>>,
    at: &Arc<AtomicUsize>,
    times: &mut Times,
) -> f64 {
    let all = Arc::new(Mutex::new(Vec::new()));
    let work = |_, stop: Arc<std::sync::atomic::AtomicBool>| {
        let (requests, at, all) = (requests.clone(), at.clone(), all.clone());
        async move {
            let (mut line, mut own) = (Line::open(to).await, Times::new());
            while !stop.load(Ordering::Relaxed) {
                let (kind, request) = &requests[at.fetch_add(1, Ordering::Relaxed) % requests.len()];
                let begun = Instant::now();
                let answer = line.ask(request).await;
                assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(answer.body));
                own.push((*kind, begun.elapsed().as_micros() as u32));
            }
            let plain = own.iter().map(|(_, time)| *time).collect();
            all.lock().unwrap().extend(own);
            plain
        }
    };
    let report = load(connections, length, work).await;
    times.append(&mut all.lock().unwrap());
    report.per_second
}

/// Ids of the ten best comments.
pub async fn comments(line: &mut Line, typed: &str, token: &str) -> Vec<i64> {
    let answer = line.ask(&search(typed, "&kind=comment", token)).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(answer.body));
    let body: Value = serde_json::from_slice(answer.body).unwrap();
    body["results"].as_array().unwrap().iter().map(|hit| hit["id"].as_i64().unwrap()).collect()
}

/// Milliseconds from the answer to a comment until a search finds it, for each of so many. `batch` makes them differ
/// from those of another time.
pub async fn fresh(to: SocketAddr, how_many: usize, batch: usize, token: &str) -> Vec<f64> {
    let mut line = Line::open(to).await;
    let (mut dice, mut out) = (Dice::new(77), Vec::new());
    for i in 0..how_many {
        let word = format!("{batch}{i:04}");
        let body = format!("{{\"text\":\"조명 위치 확인 번호 {word} 다시 봐 주세요.\",\"start_ms\":42000}}");
        let feedback = i + 1;
        let path = format!("/api/v1/feedbacks/{feedback}/comments");
        let answer = line.ask(&request("POST", &path, token, "", &body)).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(answer.body));
        let begun = Instant::now();
        let id = serde_json::from_slice::<Value>(answer.body).unwrap()["id"].as_i64().unwrap();
        while !comments(&mut line, &format!("확인 번호 {word}"), token).await.contains(&id) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        out.push(begun.elapsed().as_secs_f64() * 1e3);
        // They come at any moment of its waiting.
        tokio::time::sleep(Duration::from_millis(dice.below(400) as u64)).await;
    }
    out
}
