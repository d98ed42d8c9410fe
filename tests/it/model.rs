//! A storyboard by a model, against a local server that speaks the protocol: when it answers well, badly, late or not at
//! all. Whatever it does, there is a storyboard, and the key stays where it belongs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use videoplanet::config::Config;

use crate::plans::{plan, png};
use crate::storyboard::drafted;
use crate::studio::Studio;

const KEY: &str = "sk-never-to-be-seen-4711";

/// What the model does at a call.
#[derive(Clone)]
enum Does {
    Says(Value),
    Answers(u16, Value),
    Sleeps,
    Breaks,
}

/// A model on this machine.
#[derive(Clone, Default)]
struct Model {
    turns: Arc<Mutex<VecDeque<Does>>>,
    /// (path, authorization, body) of each call.
    heard: Arc<Mutex<Vec<(String, String, Value)>>>,
}

impl Model {
    async fn open() -> (Model, String) {
        let model = Model::default();
        let routes = Router::new()
            .route("/v1/chat/completions", post(answer))
            .route("/v1/images/generations", post(answer))
            .with_state(model.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        (model, url)
    }

    fn will(&self, turns: impl IntoIterator<Item = Does>) {
        *self.turns.lock().unwrap() = turns.into_iter().collect();
        self.heard.lock().unwrap().clear();
    }

    fn calls(&self) -> Vec<(String, String, Value)> {
        self.heard.lock().unwrap().clone()
    }
}

async fn answer(
    State(model): State<Model>,
    uri: axum::http::Uri,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let auth = headers.get("authorization").map_or("", |v| v.to_str().unwrap()).to_owned();
    model.heard.lock().unwrap().push((uri.path().to_owned(), auth, body));
    let turn = model.turns.lock().unwrap().pop_front();
    match turn {
        Some(Does::Says(value)) => Json(value).into_response(),
        Some(Does::Answers(status, value)) => (StatusCode::from_u16(status).unwrap(), Json(value)).into_response(),
        Some(Does::Sleeps) => {
            tokio::time::sleep(Duration::from_secs(20)).await;
            StatusCode::OK.into_response()
        }
        Some(Does::Breaks) => "this is no JSON {".into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A good storyboard.
fn board(word: &str) -> Value {
    let stages = ["opening", "development", "climax", "resolution"];
    let stage = |name: &&str| {
        json!({
            "stage": name, "title": format!("{word} {name}"), "summary": "한 문장으로 말한다.", "content": "무슨 일이 일어난다.",
            "objective": "마음을 연다.", "length_hint": "약 15초", "key_points": ["첫인상"],
        })
    };
    let shot = |i: usize| {
        json!({
            "stage": stages[i / 3], "title": format!("{word} {i}"), "description": format!("{word} 장면 {i}을 본다."),
            "dialogue": "", "subtitle": "", "voice_over": "", "size": (["wide", "medium", "close_up"])[i % 3],
            "movement": "static", "angle": "eye_level", "seconds": 4.5 + (i % 2) as f64, "transition": "cut",
            "inserts": [{ "purpose": "detail", "description": "손끝" }],
        })
    };
    json!({ "stages": stages.iter().map(stage).collect::<Vec<_>>(), "shots": (0..12).map(shot).collect::<Vec<_>>() })
}

fn said(content: &str, finish: &str) -> Value {
    json!({
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": content }, "finish_reason": finish }],
        "usage": { "prompt_tokens": 700, "completion_tokens": 300, "total_tokens": 1000 },
    })
}

fn good(word: &str) -> Does {
    Does::Says(said(&board(word).to_string(), "stop"))
}

async fn studio(name: &str, url: &str, change: impl FnOnce(&mut Config)) -> Studio {
    let url = url.to_owned();
    let s = Studio::with(name, move |c| {
        (c.model.base_url, c.model.key, c.model.name) = (url, KEY.to_owned(), "writer".to_owned());
        c.model.timeout_s = 1;
        change(c);
    })
    .await;
    s.work().await;
    s
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_writes_and_is_remembered() {
    let (model, url) = Model::open().await;
    let s = studio("model", &url, |_| ()).await;
    assert_eq!(s.viewer.call("GET /generator").await.is(200).body["model"], true);
    let id = plan(&s).await;
    model.will([good("첫 안")]);
    let job = drafted(&s.editor, id, json!({})).await;
    assert_eq!(
        (&job["result"]["source"], &job["result"]["fallback"], &job["result"]["cached"]),
        (&json!("model"), &json!(null), &json!(false)),
        "{job}"
    );
    let plan = s.viewer.call(&format!("GET /plans/{id}")).await.is(200).body;
    assert_eq!(
        (&plan["story"]["shots"][4]["title"], &plan["notice"]["code"]),
        (&json!("첫 안 4"), &json!("model_draft"))
    );
    let sum: i64 = plan["story"]["shots"].as_array().unwrap().iter().map(|s| s["duration_ms"].as_i64().unwrap()).sum();
    assert_eq!(sum, 60_000);
    let calls = model.calls();
    let (path, auth, body) = &calls[0];
    assert_eq!((path.as_str(), auth.as_str()), ("/v1/chat/completions", format!("Bearer {KEY}").as_str()));
    assert_eq!(
        (&body["model"], &body["response_format"]["type"], &body["response_format"]["json_schema"]["strict"]),
        (&json!("writer"), &json!("json_schema"), &json!(true))
    );
    assert!(body["messages"][1]["content"].as_str().unwrap().contains("붕어빵"));

    // Asked again it is what it was, without a call; the rules are there beside it.
    model.will([]);
    assert_eq!(drafted(&s.editor, id, json!({})).await["result"]["cached"], true);
    assert_eq!(drafted(&s.editor, id, json!({ "source": "rules" })).await["result"]["source"], "rules");
    assert_eq!(model.calls().len(), 0);
    model.will([good("둘째 안")]);
    drafted(&s.editor, id, json!({ "regenerate": true, "part": { "shot": 7 } })).await;
    let plan = s.viewer.call(&format!("GET /plans/{id}")).await.is(200).body;
    assert_eq!(plan["story"]["shots"][6]["title"], "둘째 안 6");
    assert_ne!(plan["story"]["shots"][5]["title"], "둘째 안 5");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_repaired_once() {
    let (model, url) = Model::open().await;
    let s = studio("model-repair", &url, |_| ()).await;
    let id = plan(&s).await;
    let mut wrong = board("안");
    wrong["shots"][3]["size"] = json!("huge");
    model.will([Does::Says(said(&wrong.to_string(), "stop")), good("고친 안")]);
    let job = drafted(&s.editor, id, json!({})).await;
    assert_eq!((&job["result"]["source"], &job["result"]["fallback"]), (&json!("model"), &json!(null)), "{job}");
    let calls = model.calls();
    let told = calls[1].2["messages"][3]["content"].as_str().unwrap();
    assert!(told.contains("shots[3].size"), "it is told where: {told}");
    model.will([Does::Says(said("한 편의 이야기를 써 볼게요.", "stop")), Does::Says(said(&wrong.to_string(), "stop"))]);
    let job = drafted(&s.editor, id, json!({ "regenerate": true })).await;
    assert_eq!((&job["result"]["source"], &job["result"]["fallback"]), (&json!("rules"), &json!("model_malformed")));
    assert_eq!(model.calls().len(), 2, "no third time");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_model_does_there_is_a_storyboard_and_a_reason() {
    let (model, url) = Model::open().await;
    let s = studio("model-fails", &url, |_| ()).await;
    let id = plan(&s).await;
    let refusal =
        json!({ "choices": [{ "message": { "content": null, "refusal": "I cannot." }, "finish_reason": "stop" }] });
    let echo = json!({ "error": { "message": format!("Incorrect API key provided: {KEY}") } });
    let half = board("안").to_string();
    let cut: String = half.chars().take(half.chars().count() / 2).collect();
    for (does, code) in [
        (Does::Breaks, "model_malformed"),
        (Does::Says(json!({ "choices": [] })), "model_malformed"),
        (Does::Sleeps, "model_slow"),
        (Does::Answers(401, echo.clone()), "model_refused"),
        (Does::Answers(429, json!({})), "model_refused"),
        (Does::Answers(500, json!({})), "model_unreachable"),
        (Does::Says(refusal), "model_refused"),
        (Does::Says(said("", "content_filter")), "model_refused"),
        (Does::Says(said(&cut, "length")), "model_half"),
        (Does::Says(said(&"가".repeat(600_000), "stop")), "model_half"),
    ] {
        model.will([does]);
        let job = drafted(&s.editor, id, json!({ "regenerate": true })).await;
        assert_eq!(
            (&job["state"], &job["result"]["source"], &job["result"]["fallback"]),
            (&json!("done"), &json!("rules"), &json!(code)),
            "{code}: {job}"
        );
        let plan = s.viewer.call(&format!("GET /plans/{id}")).await.is(200).body;
        assert_eq!(plan["notice"], json!({ "source": "rules", "code": code }));
        assert!(plan["story"]["shots"].as_array().unwrap().iter().all(|shot| shot["description"] != ""));
        assert!(!format!("{job}{plan}").contains(KEY), "the key is told to nobody");
    }
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listens_and_a_month_has_an_end() {
    let s = studio("model-gone", "http://127.0.0.1:9", |_| ()).await;
    let id = plan(&s).await;
    assert_eq!(drafted(&s.editor, id, json!({})).await["result"]["fallback"], "model_unreachable");
    s.stop().await;

    let (model, url) = Model::open().await;
    // One storyboard takes a thousand tokens, by what the model says, and its question some thousand by estimate.
    let s = studio("model-budget", &url, |c| c.model.monthly_tokens = 3_500).await;
    let id = plan(&s).await;
    let mut brought = Vec::new();
    for i in 0..6 {
        model.will([good(&format!("{i}안"))]);
        let job = drafted(&s.editor, id, json!({ "regenerate": true })).await;
        brought.push(job["result"]["fallback"].as_str().unwrap_or("").to_owned());
    }
    assert_eq!((brought[0].as_str(), brought[5].as_str()), ("", "model_budget"), "{brought:?}");
    assert_eq!(model.calls().len(), 0, "it is not even asked");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_draws_draws_until_the_month_is_over() {
    let (model, url) = Model::open().await;
    let s = studio("model-draws", &url, |c| {
        c.model.image_name = "drawer".to_owned();
        c.model.monthly_images = 3;
    })
    .await;
    let id = plan(&s).await;
    s.editor.send(&format!("PATCH /plans/{id}/shots/1"), json!({ "locked": true })).await.is(200);
    let picture = |i: u8| Does::Says(json!({ "data": [{ "b64_json": STANDARD.encode(png(i)) }] }));
    model.will([good("그림"), picture(1), picture(2), picture(3), picture(4)]);
    let job = drafted(&s.editor, id, json!({ "images": true })).await;
    assert_eq!(job["result"]["images"], 3, "{job}");
    let calls = model.calls();
    assert_eq!(
        (calls.len(), calls[1].0.as_str(), &calls[1].2["model"]),
        (4, "/v1/images/generations", &json!("drawer"))
    );
    let plan = s.viewer.call(&format!("GET /plans/{id}")).await.is(200).body;
    let kinds: Vec<_> = (0..6).map(|i| plan["story"]["shots"][i]["picture"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["conti", "sketch", "sketch", "sketch", "conti", "conti"]);
    let got = s.viewer.call(&format!("GET /plans/{id}/shots/2/picture")).await.is(200);
    assert_eq!(got.bytes(), png(1));
    s.stop().await;
}
