//! The conventions of the API that hold on every route: selection, embedding, tags, compression, batches, limits.

use serde_json::{Value, json};
use videoplanet::base::group::Group;
use videoplanet::base::roles::Role;

use crate::answer::Answer;
use crate::studio::Studio;

#[tokio::test(flavor = "multi_thread")]
async fn fields_select_and_expand_embeds_and_unknown_names_are_told() {
    let s = Studio::start("fields").await;
    let (p, f) = (s.project, s.feedback);
    let reviewer = s.member("reviewer", Role::Reviewer).await;
    for i in 0..25 {
        let body = json!({ "text": format!("의견 {i}"), "internal": i == 24, "security": i == 23 });
        s.editor.send(&format!("POST /feedbacks/{f}/comments"), body).await.is(201);
    }
    let keys = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>();

    let one = s.editor.call(&format!("GET /projects/{p}?fields=name,id")).await.is(200).body;
    assert_eq!(keys(&one), ["id", "name"]);
    let one = s.editor.call(&format!("GET /projects/{p}?fields=id&expand=members,feedbacks,user")).await.is(200).body;
    assert_eq!(keys(&one), ["feedbacks", "id", "members", "user"]);
    assert_eq!(one["members"].as_array().unwrap().len(), 3);
    assert_eq!(one["members"][0]["email"], "editor@example.com");
    assert_eq!(one["feedbacks"][0]["title"], "1차 시사");
    let seen = reviewer.call("GET /projects?expand=members").await.is(200).body;
    assert_eq!(seen["results"][0]["members"][0]["email"], Value::Null, "addresses are for those who manage");

    let list = s.editor.call(&format!("GET /projects/{p}/feedbacks?fields=title&expand=comments")).await.is(200).body;
    let comments = list["results"][0]["comments"].as_array().unwrap();
    assert_eq!((keys(&list["results"][0]), comments.len()), (vec!["comments".to_owned(), "title".into()], 20));
    assert_eq!((&comments[0]["text"], &comments[0]["internal"]), (&json!("의견 24"), &json!(true)));
    let list = reviewer.call(&format!("GET /feedbacks/{f}?expand=comments")).await.is(200).body;
    let newest = &list["comments"][0];
    assert_eq!((&newest["text"], &newest["user"]), (&json!("의견 23"), &Value::Null), "neither internal nor his name");

    let plain = s.editor.call(&format!("GET /feedbacks/{f}/comments?fields=text,reactions&page_size=1")).await.is(200);
    assert_eq!(keys(&plain.body["results"][0]), ["reactions", "text"]);
    for (path, field, named) in [
        (format!("/projects/{p}?fields=id,secret"), "fields", "member_count"),
        (format!("/projects/{p}/feedbacks?expand=project"), "expand", "comments"),
        (format!("/feedbacks/{f}/comments?fields=password"), "fields", "resolved_by"),
    ] {
        let refused = s.editor.call(&format!("GET {path}")).await.is(422);
        assert!(refused.field(field).contains(named), "{path}: {}", refused.body);
    }
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_compressed_where_it_pays_and_known_again_by_its_tag() {
    let s = Studio::start("compress").await;
    let f = s.feedback;
    let small = format!("GET /projects/{}?fields=id", s.project);
    for i in 0..30 {
        let body = json!({ "text": format!("자막에 오타가 있습니다. {i}") });
        s.editor.send(&format!("POST /feedbacks/{f}/comments"), body).await.is(201);
    }
    // One that is kept, one that is made for each request, one page.
    let (kept, made) = (format!("GET /feedbacks/{f}/comments?page_size=100"), "GET /me/sessions".to_owned());
    for _ in 0..30 {
        videoplanet::domain::accounts::sign_in(&s.app, s.editor.id, Some("127.0.0.1".into())).await.unwrap();
    }
    for line in [&kept, &made] {
        let plain = s.editor.call(line).await.is(200);
        assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "accept-encoding"), "{line}");
        for (accepted, name) in [("gzip", "gzip"), ("br", "br"), ("zstd", "zstd"), ("gzip, br;q=0.9", "gzip")] {
            let packed = Answer::of(s.editor.line(line).header("accept-encoding", accepted)).await.is(200);
            assert_eq!(packed.header("content-encoding"), name, "{line}");
            let size: usize = packed.header("content-length").parse().unwrap();
            let whole: usize = plain.header("content-length").parse().unwrap();
            assert!(size * 10 < whole * 9, "{line}: {size} of {whole}");
            assert_eq!(unpacked(name, packed.bytes()), plain.body, "{line} in {name}");
            assert_ne!(packed.header("etag"), plain.header("etag"));
            for tag in [packed.header("etag"), plain.header("etag"), "*"] {
                let known = s.editor.line(line).header("accept-encoding", accepted).header("if-none-match", tag);
                let known = Answer::of(known).await.is(304);
                assert!(known.bytes().is_empty());
            }
        }
        let other = s.editor.line(line).header("if-none-match", "\"r1\", W/\"x\"");
        Answer::of(other).await.is(200);
    }
    let short = Answer::of(s.editor.line(&small).header("accept-encoding", "gzip, br, zstd")).await.is(200);
    assert_eq!(short.header("content-encoding"), "", "too short to pay");
    let page = reqwest::Client::new().get(format!("{}/login", s.url)).header("accept-encoding", "br");
    let page = Answer::of(page).await.is(200);
    assert_eq!((page.header("content-encoding"), page.header("etag")), ("br", ""));
    let head = s.editor.line(&kept.replace("GET", "HEAD"));
    assert!(Answer::of(head).await.is(200).bytes().is_empty());
    s.stop().await;
}

fn unpacked(name: &str, bytes: &[u8]) -> Value {
    let mut out = Vec::new();
    match name {
        "gzip" => drop(std::io::copy(&mut flate2::read::GzDecoder::new(bytes), &mut out).unwrap()),
        "br" => drop(std::io::copy(&mut brotli::Decompressor::new(bytes, 4096), &mut out).unwrap()),
        _ => out = zstd::stream::decode_all(bytes).unwrap(),
    }
    serde_json::from_slice(&out).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_does_what_its_requests_would_do_alone() {
    let s = Studio::start("batch").await;
    let (p, f) = (s.project, s.feedback);
    let batch = json!({ "requests": [
        { "id": "a", "method": "GET", "path": format!("/projects/{p}") },
        { "id": 2, "method": "POST", "path": format!("/api/v1/feedbacks/{f}/comments"), "body": { "text": "묶음" } },
        { "id": "c", "method": "GET", "path": format!("/feedbacks/{f}/comments?page_size=1") },
        { "id": "d", "method": "GET", "path": "/projects/999" },
        { "id": "e", "method": "PATCH", "path": format!("/projects/{p}"), "body": { "name": "" } },
        { "id": "f", "method": "PATCH", "path": format!("/projects/{p}"), "body": { "name": "x" }, "headers": { "If-Match": "\"r99\"" } },
        { "id": "g", "method": "DELETE", "path": format!("/feedbacks/{f}") },
    ]});
    let all = s.editor.send("POST /batch", batch.clone()).await.is(200);
    let answers = all.body["responses"].as_array().unwrap();
    let statuses: Vec<_> = answers.iter().map(|a| a["status"].as_i64().unwrap()).collect();
    assert_eq!(statuses, [200, 201, 200, 404, 422, 412, 204]);
    assert_eq!((&answers[0]["id"], &answers[1]["id"]), (&json!("a"), &json!(2)));
    assert_eq!(answers[2]["body"]["results"][0]["text"], "묶음", "they are done in their order");
    assert!(answers[0]["headers"]["etag"].as_str().unwrap().starts_with("\"r1-"));
    assert_eq!(answers[6]["body"], Value::Null);
    let each: u32 =
        answers.iter().map(|a| a["headers"]["x-db-queries"].as_str().unwrap().parse::<u32>().unwrap()).sum();
    assert!(all.queries() >= each && each >= 8, "{} of {each}", all.queries());

    // The same rights: a viewer's batch does not write.
    let answers = s.viewer.send("POST /batch", batch).await.is(200);
    assert_eq!(
        (&answers.body["responses"][1]["status"], &answers.body["responses"][6]["status"]),
        (&json!(404), &json!(404))
    );
    let one = |method: &str, path: &str| json!({ "requests": [{ "id": 1, "method": method, "path": path }] });
    for (body, field) in [
        (json!({ "requests": [] }), "requests"),
        (
            json!({ "requests": (0..21).map(|i| json!({ "id": i, "method": "GET", "path": "/me" })).collect::<Vec<_>>() }),
            "requests",
        ),
        (one("TRACE", "/me"), "requests[0].method"),
        (one("POST", "/batch"), "requests[0].path"),
        (one("GET", "/media/1/original"), "requests[0].path"),
        (one("POST", "/uploads"), "requests[0].path"),
        (one("GET", "http://elsewhere.example/"), "requests[0].path"),
    ] {
        let refused = s.editor.send("POST /batch", body).await.is(422);
        assert!(!refused.field(field).is_empty(), "{field}: {}", refused.body);
    }
    let mut nobody = s.editor.clone();
    nobody.token = String::new();
    let answers = nobody.send("POST /batch", one("GET", "/me")).await.is(200);
    assert_eq!(answers.body["responses"][0]["status"], 401);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let s = Studio::with("limits", |c| {
        c.limits.local = true;
        (c.limits.reads, c.limits.writes, c.limits.sign_in, c.limits.strangers) = (5, 3, 4, 2);
    })
    .await;
    for left in (0..5).rev() {
        let answer = s.editor.call("GET /me").await.is(200);
        let told = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(|n| answer.header(n).to_owned());
        assert_eq!((&*told[0], &*told[1]), ("5", left.to_string().as_str()));
        assert!((1..=60).contains(&told[2].parse::<u64>().unwrap()));
    }
    let refused = s.editor.call("GET /projects").await.is(429);
    assert_eq!((refused.code(), refused.header("ratelimit-remaining")), ("too_many_requests", "0"));
    assert!((1..=60).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    // Another person, and another group of routes, have their own.
    s.viewer.call("GET /me").await.is(200);
    for _ in 0..3 {
        s.editor.send("PATCH /me", json!({ "locale": "en" })).await.is(200);
    }
    s.editor.send("PATCH /me", json!({ "locale": "en" })).await.is(429);
    for _ in 0..4 {
        s.editor.send("POST /auth/login", json!({ "email": "x@example.com", "password": "wrong" })).await.is(401);
    }
    s.editor.send("POST /auth/login", json!({ "email": "x@example.com", "password": "wrong" })).await.is(429);
    let mut nobody = s.editor.clone();
    nobody.token = String::new();
    nobody.call("GET /me").await.is(401);
    nobody.call("GET /me").await.is(401);
    nobody.call("GET /me").await.is(429);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_network_is_named_and_let_in() {
    let s = Studio::with("cdn", |c| c.server.cdn_url = "https://cdn.example".into()).await;
    s.app.setup.done();
    let page = Answer::of(reqwest::Client::new().get(format!("{}/login", s.url))).await.is(200);
    assert!(page.body.as_str().unwrap().contains("href=\"https://cdn.example/static/"), "{}", page.body);
    assert!(page.header("content-security-policy").contains("default-src 'self' https://cdn.example"));
    let media = s.editor.upload(s.feedback, "a.mp4", b"bytes that are stored").await;
    let shown = s.editor.call(&format!("GET /media/{media}")).await.is(200).body;
    let url = shown["urls"]["original"].as_str().unwrap();
    assert!(url.starts_with("https://cdn.example/api/v1/media/") && url.contains("&s="), "{url}");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_operator_may_ask_past_the_cache() {
    let s = Studio::start("bypass").await;
    let line = format!("GET /projects/{}/dashboard", s.project);
    s.viewer.call(&line).await.is(200);
    let fresh = |who: &crate::studio::Someone| who.line(&line).header("cache-control", "no-cache");
    assert_eq!(Answer::of(fresh(&s.viewer)).await.is(200).header("x-cache"), "l1");
    assert_eq!(Answer::of(fresh(&s.editor)).await.is(200).header("x-cache"), "bypass");
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_is_read_again_before_the_next_one_asks() {
    let s = Studio::start("ahead").await;
    let line = format!("GET /projects/{}/dashboard", s.project);
    s.viewer.call(&line).await.is(200);
    // Answers that are kept, and questions that found none.
    let kept = || {
        let stats = s.app.cache.stats();
        let group = stats.groups.iter().find(|g| g.group == Group::ProjectDashboard).unwrap();
        (group.entries[0], group.misses)
    };
    let before = kept();
    s.editor.send(&format!("PATCH /feedbacks/{}", s.feedback), json!({ "status": "resolved" })).await.is(200);
    for _ in 0..2_000 {
        if kept().0 > before.0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(kept(), (before.0 + 1, before.1), "nobody asked, and it was read");
    let next = s.viewer.call(&line).await.is(200);
    assert_eq!((next.header("x-cache"), next.queries()), ("l1", 0));
    assert_eq!(next.body["stats"]["resolved"], 1);
    s.stop().await;
}
