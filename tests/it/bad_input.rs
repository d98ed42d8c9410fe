//! Bad input of every kind at every route: the right status, a field, a remedy in the caller's language, and never a 500.

use std::collections::BTreeSet;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use videoplanet::domain::search;

use crate::answer::Answer;
use crate::studio::Studio;

/// Every (method, path) of the API, read out of the route tables.
pub fn routes() -> Vec<(Method, String)> {
    let domain = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain");
    let mut files = Vec::new();
    let mut dirs = vec![domain];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.ends_with("routes.rs") {
                files.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for file in files {
        found.extend(declared(&std::fs::read_to_string(file).unwrap()));
    }
    assert!(found.len() > 50, "the route tables are read: {found:?}");
    found
}

/// Every (method, path) of one route table.
pub fn declared(text: &str) -> Vec<(Method, String)> {
    let mut found = Vec::new();
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").replace(".route( ", ".route(");
    for part in text.split(".route(\"").skip(1) {
        let (path, rest) = part.split_once('"').unwrap();
        let end = rest.find(".route(").or_else(|| rest.find(" }")).unwrap_or(rest.len());
        for method in ["get", "post", "put", "patch", "delete", "head", "options"] {
            if rest[..end].contains(&format!("{method}(")) {
                found.push((method.to_uppercase().parse().unwrap(), path.to_owned()));
            }
        }
    }
    found
}

/// A path with ids put in; those that are not there get a number that names nothing.
fn filled(path: &str, s: &Studio, id: &str) -> String {
    let first = match path.split('/').nth(1) {
        Some("projects") => s.project.to_string(),
        Some("feedbacks") => s.feedback.to_string(),
        _ => id.to_owned(),
    };
    let mut out = path.replacen("{id}", &first, 1);
    while let Some((head, tail)) = out.split_once('{') {
        let rest = tail.split_once('}').unwrap().1;
        out = format!("{head}{id}{rest}");
    }
    out
}

fn fine(line: &str, answer: &Answer) {
    assert!(answer.status < 500, "{line}: {} {}", answer.status, answer.body);
    if answer.status >= 400
        && !line.starts_with("HEAD")
        && answer.header("content-type").starts_with("application/json")
    {
        assert!(!answer.code().is_empty(), "{line}: {}", answer.body);
        assert_eq!(answer.body["message"], answer.body["error"]["message"], "{line}");
        let message = answer.body["message"].as_str().unwrap();
        assert!(!message.is_empty() && !message.starts_with("error."), "{line}: {message}");
        assert_eq!(answer.body["error"]["request_id"], answer.header("x-request-id"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_breaks_on_any_body_query_or_id() {
    let s = Studio::start("bad-everything").await;
    let long = "가".repeat(20_000);
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("application/json", b"{".to_vec()),
        ("application/json", b"".to_vec()),
        ("application/json", b"null".to_vec()),
        ("application/json", b"[]".to_vec()),
        ("application/json", b"\"text\"".to_vec()),
        ("application/json", b"{}".to_vec()),
        ("application/json", b"{\"a\":1} trailing".to_vec()),
        ("application/json", vec![0xff, 0xfe, 0x00]),
        ("application/json", "[".repeat(5_000).into_bytes()),
        ("text/plain", b"{}".to_vec()),
        (
            "application/json",
            json!({ "name": 5, "title": [], "text": {}, "email": null, "role": "king", "security": "yes" })
                .to_string()
                .into_bytes(),
        ),
        (
            "application/json",
            json!({ "name": "\u{0}", "title": "a\u{7}b", "text": "\u{0}", "nickname": "\u{1b}[31m" })
                .to_string()
                .into_bytes(),
        ),
        (
            "application/json",
            json!({ "name": long, "title": long, "text": long, "nickname": long, "note": long, "decision": "approve" })
                .to_string()
                .into_bytes(),
        ),
        (
            "application/json",
            b"{\"text\":\"x\",\"start_ms\":9223372036854775808,\"media_id\":-1,\"parent_id\":1e99}".to_vec(),
        ),
        (
            "application/json",
            json!({ "text": "x", "start_ms": -1, "end_ms": i64::MAX, "frame": i64::MIN }).to_string().into_bytes(),
        ),
    ];
    for (method, path) in routes() {
        for id in
            ["0", "-1", "9223372036854775807", "99999999999999999999", "abc", "%00", "%FF", "1%20OR%201=1", "한글"]
        {
            let line = format!("{method} {}", filled(&path, &s, id));
            // A route that ends something of the studio's own is tried with foreign ids alone.
            if method == Method::DELETE && !path.contains("}/") && !path.ends_with("{id}") {
                continue;
            }
            if method == Method::DELETE && (path == "/projects/{id}" || path == "/feedbacks/{id}") {
                continue;
            }
            fine(&line, &s.editor.call(&line).await);
        }
        for query in [
            "page=0",
            "page=-1",
            "page=x",
            "page_size=1000",
            "cursor=%00",
            "cursor=AAAA",
            "status=x",
            "after=x",
            "order=x",
            "deleted=maybe",
            "a=%FF&&=&==",
        ] {
            if method == Method::GET {
                let line = format!("GET {}?{query}", filled(&path, &s, "1"));
                fine(&line, &s.editor.call(&line).await);
            }
        }
        if method == Method::GET || method == Method::DELETE || path == "/auth/logout" {
            continue;
        }
        for (kind, body) in &bodies {
            let line = format!("{method} {}", filled(&path, &s, "1"));
            let request = s.editor.line(&line).header("content-type", *kind).body(body.clone());
            fine(
                &format!("{line} {}", String::from_utf8_lossy(&body[..body.len().min(60)])),
                &Answer::of(request).await,
            );
        }
    }
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_field_is_named_with_a_remedy_in_both_languages() {
    let s = Studio::start("bad-fields").await;
    let comments = format!("POST /feedbacks/{}/comments", s.feedback);
    let projects = format!("PATCH /projects/{}", s.project);
    let invite = format!("POST /projects/{}/invitations", s.project);
    let cases: Vec<(&str, Value, &[&str])> = vec![
        ("POST /projects", json!({}), &["name"]),
        ("POST /projects", json!({ "name": " " }), &["name"]),
        ("POST /projects", json!({ "name": "a".repeat(201), "color": "red" }), &["name", "color"]),
        ("POST /projects", json!({ "name": "x", "nmae": "y" }), &["nmae"]),
        ("POST /projects", json!({ "name": "x", "status": "active" }), &["status"]),
        ("POST /projects", json!({ "name": "x", "deadline": "tomorrow" }), &["deadline"]),
        (&projects, json!({ "name": 5 }), &["name"]),
        (&comments, json!({}), &["text"]),
        (&comments, json!({ "text": "" }), &["text"]),
        (&comments, json!({ "text": "a\u{0}b" }), &["text"]),
        (&comments, json!({ "text": "x", "start_ms": -5 }), &["start_ms"]),
        (&comments, json!({ "text": "x", "media_id": 999 }), &["media_id"]),
        (&comments, json!({ "text": "x", "parent_id": 999 }), &["parent_id"]),
        (&comments, json!({ "text": "x", "drawing": "M0 0" }), &["drawing"]),
        (&comments, json!({ "text": "x", "drawing": { "p": "a".repeat(70_000) } }), &["drawing"]),
        (&comments, json!({ "text": "x", "client_id": "a b" }), &["client_id"]),
        (&invite, json!({ "email": "nobody", "role": "viewer" }), &["email"]),
        (&invite, json!({ "email": "a@example.com", "role": "owner" }), &["role"]),
        ("PATCH /me", json!({ "password": "short" }), &["password", "current_password"]),
        ("POST /me/tokens", json!({ "name": "x", "scopes": [], "days": 0 }), &["scopes", "days"]),
    ];
    for (line, body, fields) in cases {
        let mut said = BTreeSet::new();
        for lang in ["ko", "en-GB,en;q=0.9"] {
            let answer = Answer::of(s.editor.line(line).json(&body).header("accept-language", lang)).await;
            assert_eq!((answer.status, answer.code()), (422, "invalid"), "{line} {body}: {}", answer.body);
            for field in fields {
                let text = answer.field(field);
                assert!(!text.is_empty() && !text.contains('{'), "{line} {body}: {}", answer.body);
                said.insert(text.to_owned());
            }
        }
        assert!(said.len() > 1, "{line}: both languages say the same: {said:?}");
    }
    for query in ["page=0", "page_size=101", "status=x", "ordering=x", "page=x", "deleted=perhaps"] {
        let answer = s.editor.call(&format!("GET /projects?{query}")).await.is(422);
        assert!(!answer.field(query.split('=').next().unwrap()).is_empty(), "{query}: {}", answer.body);
    }
    assert!(
        !s.editor
            .call(&format!("GET /projects/{}/feedbacks?cursor=x", s.project))
            .await
            .is(422)
            .field("cursor")
            .is_empty()
    );
    let key = s.editor.line("POST /projects").json(&json!({ "name": "x" })).header("Idempotency-Key", "a b");
    assert!(!Answer::of(key).await.is(422).field("Idempotency-Key").is_empty());
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_edges_of_http_answer_with_their_own_status() {
    let s = Studio::with("bad-http", |c| c.server.cors_origins = vec!["https://front.example".into()]).await;
    let client = Client::new();
    let api = |path: &str| format!("{}/api/v1{path}", s.url);
    let large = s.editor.line("POST /projects").header("content-type", "application/json").body(vec![b' '; 2 << 20]);
    assert_eq!(Answer::of(large).await.is(413).code(), "too_large");
    let plain = s.editor.line("POST /projects").body("name=x");
    assert_eq!(Answer::of(plain).await.is(415).code(), "unsupported_media_type");
    let broken = s.editor.line("POST /projects").header("content-type", "application/json").body("{\n \"name\": }");
    assert!(Answer::of(broken).await.is(400).body["message"].as_str().unwrap().contains('2'));
    assert_eq!(s.editor.call("PUT /projects").await.is(405).code(), "method_not_allowed");
    assert_eq!(s.editor.call("GET /nowhere").await.is(404).code(), "not_found");
    let version = Answer::of(client.get(format!("{}/api/v9/projects", s.url))).await.is(404);
    assert!(version.body["message"].as_str().unwrap().contains("/api/v1"), "{}", version.body);
    s.editor.call("GET /projects/").await.is(200);
    for token in ["", "x", "vp_s_nothing", &"a".repeat(10_000)] {
        assert_eq!(Answer::of(client.get(api("/me")).bearer_auth(token)).await.is(401).code(), "unauthenticated");
    }
    for value in ["Basic eDp5", "Bearer", "nonsense"] {
        Answer::of(client.get(api("/me")).header("authorization", value)).await.is(401);
    }
    Answer::of(client.get(api("/me")).header("cookie", "vp_session=; vp_session=x; =; ;;")).await.is(401);
    // Errors carry the CORS headers, or a front end elsewhere could not read them.
    let from = client.get(api("/me")).header("origin", "https://front.example");
    assert_eq!(Answer::of(from).await.is(401).header("access-control-allow-origin"), "https://front.example");
    let stranger = client.get(api("/me")).header("origin", "https://other.example");
    assert_eq!(Answer::of(stranger).await.is(401).header("access-control-allow-origin"), "");
    let headers = s.editor.call("GET /me").await.is(200);
    for name in ["x-request-id", "x-response-time", "x-db-queries", "x-cache", "x-content-type-options"] {
        assert!(!headers.header(name).is_empty(), "{name}");
    }
    let named = client.get(api("/me")).header("x-request-id", "front-end-0042");
    assert_eq!(Answer::of(named).await.header("x-request-id"), "front-end-0042");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_too_long_or_answered() {
    let s = Studio::start("bad-questions").await;
    s.work().await;
    let comments = format!("POST /feedbacks/{}/comments", s.feedback);
    for text in ["ㅋㅋㅋㅋ 좋아요", "이모지 👩‍👩‍👧‍👦🎬 장면", "مرحبا بالعالم", "따옴표 \" 와 : 와 -"]
    {
        s.editor.send(&comments, json!({ "text": text })).await.is(201);
    }
    search::settled(&s.app).await.unwrap();
    let encoded = |q: &str| form_urlencoded::byte_serialize(q.as_bytes()).collect::<String>();
    for route in ["/search", "/search/suggest"] {
        let long = s.editor.call(&format!("GET {route}?q={}", encoded(&"가".repeat(501)))).await.is(422);
        assert!(long.field("q").contains("500"), "{route}: {}", long.body);
        s.editor.call(&format!("GET {route}?q={}", encoded(&"가".repeat(500)))).await.is(200);
        for q in [
            "",
            " ",
            "\0",
            "자막\0\0",
            "\"",
            "\"\"",
            "\" \"",
            "“",
            "”“",
            ":",
            "::",
            "-",
            "--",
            "- -",
            "-\"",
            "-\"\"",
            "-:",
            "\":",
            "is:",
            ":is",
            "is::open",
            "is:\"",
            "is:\"open",
            "from:\"\"",
            "from:\"",
            "in:",
            "kind:",
            "-kind:comment",
            "from:me",
            "from:없는사람",
            "in:없는곳",
            "is:mine is:open has:time kind:comment",
            "is:open is:resolved",
            "kind:comment kind:project",
            "before:9999-99-99",
            "after:9999-12-31",
            "before:0000-00-00",
            "after:-1-1-1",
            "before:99999999999999999999",
            "before:2026-02-30",
            "has:nothing",
            "👩‍👩‍👧‍👦",
            "👩‍👩‍👧",
            "🎬🎬🎬",
            "\u{200d}",
            "\u{fe0f}",
            "مرحبا",
            "\u{202e}drowssap",
            "\u{feff}",
            "a\u{301}\u{301}\u{301}",
            "\u{1100}",
            "\u{11a8}\u{11a8}",
            "ㅏㅏㅏ",
            "ᄀ",
            "%",
            "_",
            "*",
            "?",
            "\\",
            "(",
            "[",
            "{",
            "~",
            "^",
            "AND",
            "OR NOT",
            "+자막",
            "자막^2",
            "자막~",
            "a:b:c",
            "1:2:3:4",
            "99:99:99",
            "\n\t\r",
            "<script>",
            "'; DROP TABLE comments; --",
            "\u{10ffff}",
            "𠀀𠀁",
        ] {
            let line = format!("GET {route}?q={}", encoded(q));
            let answer = s.editor.call(&line).await;
            assert_eq!(answer.status, 200, "{q:?}: {}", answer.body);
            assert!(answer.body["results"].is_array(), "{q:?}: {}", answer.body);
            assert!(!answer.body.to_string().contains("<script>"), "{q:?}");
        }
        for (part, times) in [
            ("ㅋ", 500),
            ("ㅏ", 500),
            ("가나다라 ", 100),
            ("👩", 500),
            ("\"", 500),
            ("-", 500),
            (":", 500),
            ("from:a ", 71),
            ("\"가 나\" ", 71),
            ("-가 ", 166),
            ("a", 500),
            ("1", 500),
            ("vmfhwprxm ", 50),
        ] {
            let begun = std::time::Instant::now();
            let line = format!("GET {route}?q={}", encoded(&part.repeat(times)));
            s.editor.call(&line).await.is(200);
            // A bound for a build without optimisation beside other tests.
            assert!(begun.elapsed().as_secs() < 5, "{times} × {part:?} took {:?}", begun.elapsed());
        }
    }
    let long = s.editor.line(&format!("GET /search?q={}", "a".repeat(501))).header("accept-language", "en");
    assert!(Answer::of(long).await.is(422).field("q").contains("500"));
    let kind = s.editor.call("GET /search?q=a&kind=film").await.is(422);
    for name in ["project", "feedback", "comment", "file", "person", "plan"] {
        assert!(kind.field("kind").contains(name), "{}", kind.body);
    }
    for (query, field) in [
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page_size=-1", "page_size"),
        ("page_size=x", "page_size"),
        ("cursor=x", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=%ED%95%9C%EA%B8%80", "cursor"),
        ("cursor=W10", "cursor"),
        ("project_id=x", "project_id"),
    ] {
        let answer = s.editor.call(&format!("GET /search?q=a&{query}")).await.is(422);
        assert!(!answer.field(field).is_empty(), "{query}: {}", answer.body);
    }
    for query in
        ["page_size=1", "page_size=100", "cursor=", "status=", "status=nonsense", "project_id=999", "kind=file"]
    {
        s.editor.call(&format!("GET /search?q=a&{query}")).await.is(200);
    }
    s.stop().await;
}
