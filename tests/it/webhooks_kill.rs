//! The real program, killed between the commit of an event and its telling, and between the telling and its mark: each
//! event arrives at least once, under one id, and is marked in the end.
//!
//! `VP_HOOK_KILLS` makes it longer than the test command's few rounds.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::crash::{Server, fresh};
use crate::dice::Dice;
use crate::webhooks::{Receiver, Reply};

const SETTINGS: [&str; 1] = ["webhooks.allow_private=true"];

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_no_event_is_lost_and_each_keeps_its_id() {
    let rounds: usize = std::env::var("VP_HOOK_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let mut dice = Dice::new(11);
    let (_dir, data) = fresh("hook-kill");
    let receiver = Receiver::start(|_| Reply::now(200)).await;
    let mut server = Server::with(&data, &SETTINGS).await;
    let project =
        server.json(server.ask(Method::POST, "/projects").json(&json!({ "name": "가을" }))).await["id"].clone();
    let feedback = server.ask(Method::POST, &format!("/projects/{project}/feedbacks")).json(&json!({ "title": "1차" }));
    let feedback = server.json(feedback).await["id"].clone();
    let hook = json!({ "name": "받는 곳", "url": receiver.url, "verbs": ["comment_added"] });
    let hook = server.json(server.ask(Method::POST, &format!("/projects/{project}/webhooks")).json(&hook)).await;
    let deliveries = format!("/webhooks/{}/deliveries?page_size=100", hook["id"]);
    let mut said = Vec::new();
    for round in 0..rounds {
        let before = receiver.calls().len();
        let slow = round % 2 == 1;
        receiver.behave(move |_| Reply { delay: Duration::from_millis(if slow { 300 } else { 0 }), ..Reply::now(200) });
        let text = format!("의견 {round}");
        let comment =
            server.ask(Method::POST, &format!("/feedbacks/{feedback}/comments")).json(&json!({ "text": text }));
        assert_eq!(comment.send().await.unwrap().status(), 201);
        said.push(text);
        if slow {
            // It has arrived and is not answered yet, or is answered and perhaps not marked.
            receiver.got(before + 1).await;
            tokio::time::sleep(Duration::from_millis(200 + dice.roll(200) as u64)).await;
        } else {
            tokio::time::sleep(Duration::from_millis(dice.roll(900) as u64)).await;
        }
        server.kill();
        drop(server);
        receiver.behave(|_| Reply::now(200));
        server = Server::with(&data, &SETTINGS).await;
        settled(&server, &deliveries, said.len().min(100)).await;
    }
    // What the receiver knows: every comment, each under one id and one place.
    let mut heard: BTreeMap<String, (Value, Value, usize)> = BTreeMap::new();
    for call in receiver.calls() {
        let body = call.json();
        let text = body["data"]["comment"]["text"].as_str().unwrap().to_owned();
        let entry = heard.entry(text).or_insert_with(|| (body["id"].clone(), body["seq"].clone(), 0));
        assert_eq!((&entry.0, &entry.1), (&body["id"], &body["seq"]), "the same id on every try");
        entry.2 += 1;
    }
    said.sort();
    assert_eq!(heard.keys().cloned().collect::<Vec<_>>(), said, "nothing is lost, nothing is made up");
    let repeated: usize = heard.values().map(|(.., n)| n - 1).sum();
    println!("{rounds} kills, {} tellings, {repeated} of them repeated", receiver.calls().len());
    assert!(repeated <= rounds, "a kill costs one repetition at the most");
}

/// Waits until so many tellings are there and all of them are marked as done.
async fn settled(server: &Server, deliveries: &str, wanted: usize) {
    let mut last = Value::Null;
    for _ in 0..1200 {
        last = server.json(server.ask(Method::GET, deliveries)).await;
        let rows = last["results"].as_array().unwrap();
        if rows.len() == wanted && rows.iter().all(|d| d["state"] == "done") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never so: {last}");
}
