//! The real program, killed in the middle of two thousand comments.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::crash::{Server, fresh};

const COMMENTS: usize = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn every_comment_that_was_answered_outlives_a_kill_and_none_is_there_twice() {
    let (_dir, data) = fresh("durability");
    let server = Arc::new(Server::start(&data).await);
    let project = server.json(server.ask(Method::POST, "/projects").json(&json!({ "name": "가을 광고" }))).await;
    let path = format!("/projects/{}/feedbacks", project["id"]);
    let feedback = server.json(server.ask(Method::POST, &path).json(&json!({ "title": "시사본" }))).await;
    let comments = format!("/feedbacks/{}/comments", feedback["id"]);

    // All are under way at once; as many are answered as there were before the kill.
    let (places, enough) = (Arc::new(Semaphore::new(200)), Arc::new(Semaphore::new(0)));
    let mut callers = JoinSet::new();
    for i in 0..COMMENTS {
        let (server, comments, places, enough) = (server.clone(), comments.clone(), places.clone(), enough.clone());
        callers.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let body = json!({ "text": format!("{i}번째 의견"), "client_id": format!("c-{i}") });
            let answer = server.ask(Method::POST, &comments).json(&body).send().await.ok()?;
            assert!([201, 503].contains(&answer.status().as_u16()), "{}", answer.status());
            if answer.status() != 201 {
                return None;
            }
            let made: Value = answer.json().await.ok()?;
            enough.add_permits(1);
            Some((made["id"].as_i64()?, i))
        });
    }
    let _ = enough.acquire_many(700).await.unwrap();
    server.kill();
    let mut answered = BTreeMap::new();
    while let Some(done) = callers.join_next().await {
        answered.extend(done.unwrap());
    }
    assert!((700..COMMENTS).contains(&answered.len()), "{} were answered before the kill", answered.len());
    drop(server);

    let begun = Instant::now();
    let server = Server::start(&data).await;
    // Signing in is part of it. A bound for a machine that does other things beside; usually it is a fifth of this.
    assert!(begun.elapsed() < Duration::from_secs(2), "the start took {:?}", begun.elapsed());

    let mut found = BTreeMap::new();
    let mut next = format!("{comments}?page_size=100");
    loop {
        let page = server.json(server.ask(Method::GET, &next)).await;
        for c in page["results"].as_array().unwrap() {
            let i: usize = c["client_id"].as_str().unwrap().trim_start_matches("c-").parse().unwrap();
            assert_eq!(found.insert(i, c["id"].as_i64().unwrap()), None, "comment {i} is there twice");
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("{comments}?page_size=100&cursor={cursor}");
    }
    for (id, i) in &answered {
        assert_eq!(found.get(i), Some(id), "comment {i} was answered and is not there");
    }
    drop(server);

    let db = Connection::open(data.join("videoplanet.db")).unwrap();
    let list = |sql: &str| -> Vec<i64> {
        let mut statement = db.prepare(sql).unwrap();
        statement.query_map([], |r| r.get(0)).unwrap().map(|r| r.unwrap()).collect()
    };
    let seqs = list("SELECT seq FROM events ORDER BY seq");
    assert_eq!(seqs, (1..=seqs.len() as i64).collect::<Vec<_>>(), "the journal has a gap");
    // A comment without its event, or an event without its comment, would be half a change.
    let told: BTreeSet<i64> = list("SELECT subject_id FROM events WHERE verb = 'comment_added'").into_iter().collect();
    assert_eq!(told, found.values().copied().collect());
    assert_eq!(list("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), [0]);
}
