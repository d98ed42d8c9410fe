//! The mixed workload: nine reads to one comment, projects and
//! the feedbacks in them drawn by Zipf's law, asked for by each project's owner.
//! Every read of comments is held against what had been answered before it was asked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::data;
use crate::load::{Line, Report, load, request};

/// What the answers said.
#[derive(Default)]
pub struct Told {
    tiers: [AtomicU64; 5],
    statements_on_hits: AtomicU64,
    pub stale: AtomicU64,
    pub checked: AtomicU64,
    pub writes: AtomicU64,
}

const TIERS: [&str; 5] = ["l1", "l2", "l3", "miss", "bypass"];

impl Told {
    /// How many answers said which `X-Cache`.
    pub fn tiers(&self) -> BTreeMap<&'static str, u64> {
        TIERS.into_iter().zip(self.tiers.iter().map(|n| n.load(Ordering::Relaxed))).collect()
    }

    /// Hits of all reads that can be kept.
    pub fn hit_ratio(&self) -> f64 {
        let n = |i: usize| self.tiers[i].load(Ordering::Relaxed) as f64;
        (n(0) + n(1) + n(2)) / (n(0) + n(1) + n(2) + n(3)).max(1.0)
    }

    /// Statements that hits ran: none, or something is wrong.
    pub fn statements_on_hits(&self) -> u64 {
        self.statements_on_hits.load(Ordering::Relaxed)
    }
}

/// Numbers that are the same each time (xorshift64*).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// 1 … `weights.len()`, by the sums of Zipf's weights.
    fn zipf(&mut self, sums: &[f64]) -> u64 {
        let at = self.next() as f64 / (1u64 << 53) as f64 * sums[sums.len() - 1];
        sums.partition_point(|s| *s < at) as u64 + 1
    }
}

fn sums(n: u64) -> Vec<f64> {
    let mut sums = Vec::new();
    for rank in 1..=n {
        sums.push(sums.last().copied().unwrap_or(0.0) + 1.0 / rank as f64);
    }
    sums
}

fn comment(feedback: u64) -> Vec<u8> {
    let owner = data::token(data::owner(&data::LARGE, data::project_of(&data::LARGE, feedback)));
    let body = "{\"text\":\"자막에 오타가 있습니다.\",\"start_ms\":42000}";
    request("POST", &format!("/api/v1/feedbacks/{feedback}/comments"), &owner, "", body)
}

/// Nothing but comments, in all feedbacks in turn.
pub async fn comments(to: SocketAddr, connections: usize, length: Duration) -> Report {
    load(connections, length, |i, stop: Arc<AtomicBool>| async move {
        let (mut line, mut times) = (Line::open(to).await, Vec::new());
        let mut feedback = i as u64 * 300;
        while !stop.load(Ordering::Relaxed) {
            feedback = feedback % data::LARGE.feedbacks + 1;
            let (bytes, start) = (comment(feedback), Instant::now());
            assert_eq!(line.ask(&bytes).await.status, 201);
            times.push(start.elapsed().as_micros() as u32);
        }
        times
    })
    .await
}

/// Replays it: each connection asks so many times, the same each time; as fast as it is answered, or at this pace.
pub async fn run(
    to: SocketAddr,
    connections: usize,
    requests: usize,
    pace: Option<Duration>,
    told: &Arc<Told>,
) -> Report {
    let size = data::LARGE;
    let each = size.feedbacks / size.projects;
    let sums = Arc::new((sums(size.projects), sums(each)));
    let newest: Arc<Vec<AtomicI64>> = Arc::new((0..=size.feedbacks).map(|_| AtomicI64::new(0)).collect());
    load(connections, Duration::ZERO, |i, _| {
        let (told, sums, newest) = (told.clone(), sums.clone(), newest.clone());
        async move {
            let (mut line, mut times) = (Line::open(to).await, Vec::new());
            let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (i as u64 + 1));
            let mut ticks = pace.map(tokio::time::interval);
            for _ in 0..requests {
                if let Some(ticks) = &mut ticks {
                    ticks.tick().await;
                }
                let project = dice.zipf(&sums.0);
                let token = data::token(data::owner(&size, project));
                // The newest ones are looked at most.
                let feedback = project + size.projects * (each - dice.zipf(&sums.1));
                debug_assert_eq!(data::project_of(&size, feedback), project);
                let what = dice.below(100);
                let mut known = None;
                let read = |path: &str| request("GET", &format!("/api/v1{path}"), &token, "", "");
                let bytes = match what {
                    0..10 => comment(feedback),
                    10..18 => {
                        known = Some(newest[feedback as usize].load(Ordering::SeqCst));
                        read(&format!("/feedbacks/{feedback}/comments"))
                    }
                    18..25 => read(&format!("/feedbacks/{feedback}")),
                    25..55 => read(&format!("/projects/{project}/dashboard")),
                    55..72 => read(&format!("/projects/{project}/feedbacks")),
                    72..85 => read(&format!("/projects/{project}")),
                    85..92 => read(&format!("/projects/{project}/members")),
                    92..97 => read("/projects"),
                    _ => read("/me"),
                };
                let start = Instant::now();
                let answer = line.ask(&bytes).await;
                times.push(start.elapsed().as_micros() as u32);
                if what < 10 {
                    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(answer.body));
                    newest[feedback as usize].fetch_max(first_id(answer.body), Ordering::SeqCst);
                    told.writes.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(answer.body));
                let tier = answer.header("x-cache");
                let place = TIERS.iter().position(|t| *t == tier).unwrap();
                told.tiers[place].fetch_add(1, Ordering::Relaxed);
                if place < 3 && answer.header("x-db-queries") != "0" {
                    told.statements_on_hits.fetch_add(1, Ordering::Relaxed);
                }
                if let Some(known) = known {
                    told.checked.fetch_add(1, Ordering::Relaxed);
                    told.stale.fetch_add(u64::from(first_id(answer.body) < known), Ordering::Relaxed);
                }
            }
            times
        }
    })
    .await
}

/// The first `"id":` of an answer: the new comment's, or the newest one's; 0 of an empty list.
fn first_id(body: &[u8]) -> i64 {
    let text = std::str::from_utf8(body).unwrap();
    let digits = text.split_once("\"id\":").map_or("", |(_, rest)| rest);
    digits.split(|c: char| !c.is_ascii_digit()).next().and_then(|d| d.parse().ok()).unwrap_or(0)
}
