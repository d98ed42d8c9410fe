//! Jobs of many kinds while the program and its children are killed again and again: each job ends once, nothing is left.
//!
//! `VP_KILL_JOBS` and `VP_KILL_ROUNDS` make it longer than the test command's few rounds.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use videoplanet::base::clock::Clock;
use videoplanet::base::job::Job;
use videoplanet::engines::queue;
use videoplanet::engines::store::{Options, Store, params};

use crate::clips::noise;
use crate::crash::{Server, fresh};
use crate::dice::Dice;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// A film of its own: the same pictures, told apart by a box that players skip.
fn told_apart(film: &[u8], n: usize) -> Vec<u8> {
    let mut bytes = film.to_vec();
    bytes.extend(16u32.to_be_bytes());
    bytes.extend(b"free");
    bytes.extend((n as u64).to_be_bytes());
    bytes
}

fn store(data: &Path) -> Store {
    Store::open(&Options { readers: 1, ..Options::in_dir(data) }, Clock::System, |_| ()).unwrap()
}

/// Ids of the processes that work in a job's directory.
fn children(data: &Path) -> Vec<i32> {
    let Ok(scratch) = data.join("scratch").canonicalize() else { return Vec::new() };
    let id = |p: std::fs::DirEntry| p.file_name().to_str()?.parse::<i32>().ok();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|p| std::fs::read_link(p.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&scratch)))
        .filter_map(id)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_every_job_ends_once_and_nothing_is_left() {
    let (jobs, rounds) = (number("VP_KILL_JOBS", 40), number("VP_KILL_ROUNDS", 4));
    let mut dice = Dice::new(7);
    let (dir, data) = fresh("kill");
    // To be linked, to be encoded, a sound, and nothing that is a film.
    let clip = "-f lavfi -i testsrc2=s=128x72:r=25:d=1 -f lavfi -i sine=d=1 -pix_fmt yuv420p";
    let kinds = [
        dir.film(&format!("{clip} -preset ultrafast -movflags +faststart link.mp4")),
        dir.film(&format!("{clip} -c:v mpeg4 encode.mp4")),
        dir.film("-f lavfi -i sine=d=1 sound.m4a"),
        noise(5_000, 1),
    ];
    let server = Server::start(&data).await;
    let project = server.json(server.ask(Method::POST, "/projects").json(&json!({ "name": "가을" }))).await;
    let path = format!("/projects/{}/feedbacks", project["id"]);
    let feedback = server.json(server.ask(Method::POST, &path).json(&json!({ "title": "1차" }))).await["id"].clone();
    let mut server = Some(server);
    // An upload brings two jobs and more; upkeep fills up the rest.
    let uploads = jobs / 6;
    for n in 0..uploads {
        let film = told_apart(&kinds[n % kinds.len()], n);
        server.as_ref().unwrap().bring(&feedback, &format!("{n}.mp4"), &film).await;
    }
    let upkeep = [Job::CleanUp, Job::CacheWarm, Job::Reindex];
    let added = store(&data);
    for n in 0..jobs - 2 * uploads {
        let job = upkeep[n % upkeep.len()].clone();
        added.write(move |tx| queue::enqueue(tx, job.clone())).await.unwrap();
    }
    added.close().await;

    for round in 0..rounds {
        tokio::time::sleep(Duration::from_millis(300 + dice.roll(2_500) as u64)).await;
        let children = children(&data);
        match children.first() {
            // Every third time only a child dies, and the job is tried again.
            Some(child) if round % 3 == 2 => {
                let pid = rustix::process::Pid::from_raw(*child).unwrap();
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            _ => {
                drop(server.take());
                server = Some(Server::start(&data).await);
            }
        }
    }
    let server = server.unwrap();
    let begun = Instant::now();
    loop {
        let open = store(&data);
        let left: Vec<(String, i64)> = open
            .read(|db| {
                let waiting = "SELECT state, count(*) FROM jobs
                    WHERE state IN ('waiting', 'ready', 'retry', 'running') GROUP BY state";
                db.all(waiting, params![], |r| Ok((r.get(0)?, r.get(1)?)))
            })
            .await
            .unwrap();
        open.close().await;
        if left.is_empty() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(600), "jobs that do not end: {left:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let versions = server.json(server.ask(Method::GET, &format!("/feedbacks/{feedback}/media"))).await;
    let media = versions["results"].as_array().unwrap().clone();
    assert_eq!(media.len(), uploads);
    for version in media.iter().filter(|m| m["state"] == "ready") {
        let proxy = server.ask(Method::GET, &format!("/media/{}/proxy.mp4", version["id"])).send().await.unwrap();
        assert_eq!(proxy.status(), 200, "{version}");
        assert!(proxy.bytes().await.unwrap().len() > 500, "{version}");
    }
    drop(server);

    assert_eq!(children(&data), Vec::<i32>::new(), "orphans");
    assert_eq!(std::fs::read_dir(data.join("scratch")).unwrap().count(), 0, "scratch");
    assert_eq!(std::fs::read_dir(data.join("uploads")).unwrap().count(), 0, "parts of uploads");
    let open = store(&data);
    let (states, ready, twice, unfinished, wrong) = open
        .read(|db| {
            let pair = |r: &videoplanet::engines::store::Row| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?));
            let states = db.all("SELECT state, count(*) FROM jobs GROUP BY state", params![], pair)?;
            let ready = db.all(
                "SELECT subject_id, count(*) FROM events WHERE verb = 'media_ready' GROUP BY subject_id",
                params![],
                |r| Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?)),
            )?;
            let twice = db.all(
                "SELECT dedup_key, count(*) FROM jobs WHERE dedup_key IS NOT NULL AND kind LIKE '%_media'
                 GROUP BY dedup_key HAVING count(*) > 1",
                params![],
                pair,
            )?;
            let unfinished = db.all("SELECT kind, id FROM jobs WHERE finished_ms IS NULL", params![], pair)?;
            // The counters against the rows that they count.
            let wrong = db.all(
                "SELECT u.kind, u.size_bytes - c.bytes FROM usage u JOIN (
                    SELECT 'original' AS kind, count(*) AS files, sum(size_bytes) AS bytes FROM originals
                    UNION ALL SELECT kind, count(*), sum(size_bytes) FROM renditions GROUP BY kind) c ON c.kind = u.kind
                 WHERE u.project_id = 0 AND (u.files != c.files OR u.size_bytes != c.bytes)",
                params![],
                pair,
            )?;
            Ok((states, ready, twice, unfinished, wrong))
        })
        .await
        .unwrap();
    open.close().await;
    let states: BTreeMap<String, i64> = states.into_iter().collect();
    eprintln!("{jobs} jobs wanted, {rounds} rounds: {states:?}");
    assert!(states.values().sum::<i64>() as usize >= jobs, "{states:?}");
    assert_eq!(twice, Vec::new(), "a version has one job of each kind");
    assert_eq!(unfinished, Vec::new());
    assert_eq!(wrong, Vec::new(), "usage");
    for version in &media {
        let id = version["id"].as_i64().unwrap();
        let times = ready.iter().find(|(of, _)| *of == id).map_or(0, |(_, n)| *n);
        match version["state"].as_str() {
            Some("ready") => {
                assert_eq!(times, 1, "{id} became ready once");
            }
            _ => assert_eq!(times, 0, "{version}"),
        }
    }
    let lost = media.iter().filter(|m| m["state"] == "failed").count();
    assert!(lost >= uploads / kinds.len(), "noise is no film");
}
