//! The OpenAPI document against the program: its routes, its own references, its examples, and real answers.

use std::collections::BTreeSet;

use reqwest::Client;
use serde_json::{Value, json};
use videoplanet::base::roles::Role;
use videoplanet::domain::search;

use crate::answer::Answer;
use crate::bad_input::{declared, routes};
use crate::schema::{misfits, references};
use crate::studio::Studio;

const METHODS: [&str; 6] = ["get", "head", "post", "put", "patch", "delete"];

async fn document(s: &Studio) -> Value {
    let answer = Answer::of(Client::new().get(format!("{}/api/openapi.json", s.url))).await.is(200);
    assert_eq!(answer.body["info"]["version"], env!("CARGO_PKG_VERSION"));
    answer.body
}

/// (method, path, operation)
fn operations(document: &Value) -> impl Iterator<Item = (&'static str, &String, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let of = move |m: &'static str| item.get(m).map(|o| (m, path, o));
        METHODS.iter().filter_map(move |m| of(m))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_in_the_document_and_nothing_else() {
    let s = Studio::start("openapi-routes").await;
    let document = document(&s).await;
    let source = |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let mut wanted: BTreeSet<String> = routes().iter().map(|(m, path)| format!("{m} /api/v1{path}")).collect();
    for file in ["src/server/http/mod.rs", "src/server/ws/mod.rs"] {
        wanted.extend(declared(&source(file)).iter().map(|(m, path)| format!("{m} {path}")));
    }
    let told: BTreeSet<String> =
        operations(&document).map(|(m, path, _)| format!("{} {path}", m.to_uppercase())).collect();
    assert_eq!(told, wanted);
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let line = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{line}: its id is taken");
        assert!(!operation["summary"].as_str().unwrap_or("").is_empty(), "{line} has no summary");
        let params: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
        for name in path.split('{').skip(1).map(|p| p.split('}').next().unwrap()) {
            assert!(params.iter().any(|p| p["in"] == "path" && p["name"] == name), "{line}: {name} is not described");
        }
        // An example for each body and each good answer.
        let good = operation["responses"].as_object().unwrap().iter().filter(|(status, _)| *status < &"300".to_owned());
        for part in good.map(|(_, a)| a).chain(operation.get("requestBody")) {
            if let Some(content) = part["content"].get("application/json") {
                assert!(content["example"].is_object(), "{line}: no example");
            }
        }
    }
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_leads_somewhere_and_the_document_has_a_tag() {
    let s = Studio::start("openapi-refs").await;
    let document = document(&s).await;
    let found = references(&document);
    assert!(found.len() > 50);
    let lost: Vec<_> = found.iter().filter(|r| document.pointer(r.strip_prefix('#').unwrap()).is_none()).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let url = format!("{}/api/openapi.json", s.url);
    let tag = Answer::of(Client::new().get(&url)).await.header("etag").to_owned();
    Answer::of(Client::new().get(&url).header("if-none-match", tag)).await.is(304);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_of_bodies_are_taken() {
    let s = Studio::start("openapi-examples").await;
    let document = document(&s).await;
    let example = |line: &str| {
        let (method, path) = line.split_once(' ').unwrap();
        let operation = &document["paths"][format!("/api/v1{path}")][method.to_lowercase()];
        operation["requestBody"]["content"]["application/json"]["example"].clone()
    };
    // The people of the examples.
    let member = s.member("hayun", Role::Viewer).await;
    let comment =
        s.editor.send(&format!("POST /feedbacks/{}/comments", s.feedback), json!({ "text": "의견" })).await.id();
    let (project, feedback, user) = (s.project.0, s.feedback.0, member.id.0);
    for (line, ids, status) in [
        ("POST /projects", vec![], 201),
        ("PATCH /projects/{id}", vec![project], 200),
        ("POST /projects/{id}/feedbacks", vec![project], 201),
        ("PATCH /feedbacks/{id}", vec![feedback], 200),
        ("PUT /feedbacks/{id}/decision", vec![feedback], 200),
        ("POST /feedbacks/{id}/comments", vec![feedback], 201),
        ("PATCH /comments/{id}", vec![comment], 200),
        ("POST /projects/{id}/invitations", vec![project], 201),
        ("PATCH /projects/{id}/members/{user_id}", vec![project, user], 200),
        ("POST /projects/{id}/webhooks", vec![project], 201),
        ("POST /webhooks", vec![], 201),
        ("PATCH /webhooks/{id}", vec![1], 200),
        ("POST /me/tokens", vec![], 201),
        ("PATCH /me", vec![], 200),
        ("PUT /me/notifications", vec![], 200),
        ("POST /notifications/read-all", vec![], 200),
        ("POST /batch", vec![], 200),
        ("PATCH /projects/{id}/schedule/{phase}", vec![project], 200),
        ("PUT /projects/{id}/schedule", vec![project], 200),
        ("POST /projects/{id}/schedule/auto", vec![project], 200),
        ("PUT /projects/{id}/memos/{day}", vec![project], 200),
        ("POST /entries", vec![], 201),
        ("POST /auth/password/forgot", vec![], 202),
    ] {
        let mut filled = line.to_owned();
        filled = filled.replace("{phase}", "filming").replace("{day}", "2026-12-01");
        for id in ids {
            let (head, tail) = filled.split_once('{').unwrap();
            filled = format!("{head}{id}{}", tail.split_once('}').unwrap().1);
        }
        s.editor.send(&filled, example(line)).await.is(status);
    }
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_answers_are_as_the_document_says() {
    let s = Studio::start("openapi-answers").await;
    s.work().await;
    let document = document(&s).await;
    let (p, f) = (s.project, s.feedback);
    let film = s.dir.film("-f lavfi -i testsrc=d=1:s=160x120 -f lavfi -i sine=d=1 -pix_fmt yuv420p film.mp4");
    let media = s.publish("시사.mp4", &film).await;
    let job = media["job_id"].as_i64().unwrap();
    let new = json!({ "text": "색보정 부탁드려요.", "section": "01:33", "security": true, "client_id": "c1" });
    let comment = s.editor.send(&format!("POST /feedbacks/{f}/comments"), new).await.is(201).id();
    s.editor.call(&format!("PUT /comments/{comment}/reactions/like")).await.is(200);
    s.editor.send(&format!("PUT /feedbacks/{f}/decision"), json!({ "decision": "approve" })).await.is(200);
    s.editor
        .send(&format!("POST /projects/{p}/invitations"), json!({ "email": "a@example.com", "role": "viewer" }))
        .await
        .is(201);
    s.editor.send("POST /me/tokens", json!({ "name": "읽기", "scopes": ["read"] })).await.is(201);
    let film = json!({ "start": "2099-12-01", "end": "2099-12-02", "assignee_id": s.editor.id, "note": "실내" });
    s.editor.send(&format!("PATCH /projects/{p}/schedule/filming"), film.clone()).await.is(200);
    let other =
        s.editor.send("POST /projects", json!({ "name": "다른 촬영", "deadline": "2099-12-01" })).await.is(201).id();
    s.editor.send(&format!("PATCH /projects/{other}/schedule/filming"), film).await.is(200);
    s.editor.send(&format!("PUT /projects/{p}/memos/2099-12-01"), json!({ "text": "예비일" })).await.is(200);
    let entry =
        json!({ "project_id": p, "kind": "filming", "title": "촬영", "start": "2099-12-01", "people": [s.editor.id] });
    let entry = s.editor.send("POST /entries", entry).await.is(201).id();
    let hook = json!({ "name": "채팅", "url": "https://hooks.invalid/x" });
    let hook = s.editor.send(&format!("POST /projects/{p}/webhooks"), hook).await.is(201).id();
    let told = s.editor.call(&format!("POST /webhooks/{hook}/test")).await.is(202).id();
    search::settled(&s.app).await.unwrap();
    for (template, path) in [
        ("/projects/{id}/schedule", format!("/projects/{p}/schedule")),
        ("/projects/{id}/memos", format!("/projects/{p}/memos")),
        ("/gantt", "/gantt".into()),
        ("/calendar", "/calendar?from=2099-12-01&to=2099-12-31".into()),
        ("/entries/{id}", format!("/entries/{entry}")),
        ("/holidays", "/holidays?from=2026-12-01&to=2026-12-31".into()),
        ("/me/calendar-feed", "/me/calendar-feed".into()),
        ("/me", "/me".to_owned()),
        ("/me/sessions", "/me/sessions".into()),
        ("/me/tokens", "/me/tokens".into()),
        ("/notifications", "/notifications?page_size=2".into()),
        ("/notifications/unread", "/notifications/unread".into()),
        ("/me/notifications", "/me/notifications".into()),
        ("/dashboard", "/dashboard".into()),
        ("/search", "/search?q=색보정".into()),
        ("/search", "/search?q=시사&page_size=1".into()),
        ("/search/suggest", "/search/suggest?q=가을".into()),
        ("/projects", "/projects".into()),
        ("/projects", "/projects?fields=id,name&expand=members,feedbacks".into()),
        ("/projects/{id}", format!("/projects/{p}")),
        ("/projects/{id}", format!("/projects/{p}?fields=id&expand=user")),
        ("/projects/{id}/dashboard", format!("/projects/{p}/dashboard")),
        ("/projects/{id}/members", format!("/projects/{p}/members")),
        ("/projects/{id}/invitations", format!("/projects/{p}/invitations")),
        ("/projects/{id}/events", format!("/projects/{p}/events")),
        ("/projects/{id}/feedbacks", format!("/projects/{p}/feedbacks?expand=comments")),
        ("/feedbacks/{id}", format!("/feedbacks/{f}")),
        ("/feedbacks/{id}/comments", format!("/feedbacks/{f}/comments")),
        ("/comments/{id}", format!("/comments/{comment}?fields=text")),
        ("/comments/{id}", format!("/comments/{comment}")),
        ("/feedbacks/{id}/media", format!("/feedbacks/{f}/media")),
        ("/media/{id}", format!("/media/{}", media["id"])),
        ("/jobs/{id}", format!("/jobs/{job}")),
        ("/projects/{id}/webhooks", format!("/projects/{p}/webhooks")),
        ("/webhooks", "/webhooks".into()),
        ("/webhooks/{id}", format!("/webhooks/{hook}")),
        ("/webhooks/{id}/deliveries", format!("/webhooks/{hook}/deliveries")),
        ("/deliveries/{id}", format!("/deliveries/{told}")),
    ] {
        let answer = s.editor.call(&format!("GET {path}")).await.is(200);
        let operation = &document["paths"][format!("/api/v1{template}")]["get"];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{path}");
        let mut found = Vec::new();
        misfits(&document, schema, &answer.body, path.as_str(), &mut found);
        assert!(found.is_empty(), "{}\n{}", found.join("\n"), answer.body);
        for name in operation["responses"]["200"]["headers"].as_object().unwrap().keys() {
            let local = name.starts_with("RateLimit");
            assert!(local || !answer.header(&name.to_lowercase()).is_empty(), "{path}: no {name}");
        }
    }
    let error = s.editor.call("GET /projects?page=0").await.is(422);
    let mut found = Vec::new();
    misfits(&document, &document["components"]["schemas"]["Error"], &error.body, "error", &mut found);
    assert_eq!(found, Vec::<String>::new());
    // The check itself finds what it is for.
    let mut other = error.body.clone();
    other["error"].as_object_mut().unwrap().remove("code");
    other["more"] = json!(1);
    misfits(&document, &document["components"]["schemas"]["Error"], &other, "error", &mut found);
    assert_eq!(found, ["error.error.code is missing", "error.more is unknown"]);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_names_every_operation_in_both_languages_without_a_sign_in() {
    let s = Studio::start("openapi-page").await;
    let document = document(&s).await;
    for (lang, title) in [("ko", "API 문서"), ("en", "API reference")] {
        let request = Client::new().get(format!("{}/api/docs", s.url)).header("accept-language", lang);
        let answer = Answer::of(request).await.is(200);
        assert!(answer.header("content-security-policy").contains("default-src 'self'"));
        let Value::String(page) = answer.body else { panic!("no page") };
        assert!(page.contains(title) && !page.contains(" style=") && !page.contains(">page."), "{lang}");
        for (_, path, operation) in operations(&document) {
            let id = operation["operationId"].as_str().unwrap();
            assert!(page.contains(&format!("id=\"{id}\"")), "{path}: {id}");
        }
    }
    s.stop().await;
}
