//! Signing in and out, locked doors, codes and tokens.

use reqwest::Client;
use serde_json::{Value, json};
use videoplanet::base::clock::{Clock, DAY, MINUTE};
use videoplanet::domain::accounts;

use crate::answer::Answer;
use crate::studio::Studio;

const RIGHT: &str = "correct horse battery";

async fn post(s: &Studio, path: &str, body: Value) -> Answer {
    Answer::of(Client::new().post(format!("{}/api/v1{path}", s.url)).json(&body)).await
}

async fn log_in(s: &Studio, email: &str, password: &str) -> Answer {
    post(s, "/auth/login", json!({ "email": email, "password": password })).await
}

async fn me(s: &Studio, token: &str) -> u16 {
    Answer::of(Client::new().get(format!("{}/api/v1/me", s.url)).bearer_auth(token)).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_is_known_until_he_signs_out() {
    let s = Studio::start("sign-in").await;
    let answer = log_in(&s, " Viewer@Example.com ", RIGHT).await.is(200);
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    let token = answer.body["token"].as_str().unwrap().to_owned();
    assert_eq!((answer.body["user"]["nickname"].as_str(), me(&s, &token).await), (Some("viewer"), 200));
    assert!(!answer.body.to_string().contains("password"));
    // The cookie alone is enough for a browser.
    let pair = cookie.split(';').next().unwrap().to_owned();
    let by_cookie = Client::new().get(format!("{}/api/v1/me", s.url)).header("cookie", &pair);
    Answer::of(by_cookie).await.is(200);
    // Another site's page cannot use it to change anything; our own can.
    let from = |origin: String| {
        let request = Client::new().post(format!("{}/api/v1/projects", s.url)).json(&json!({ "name": "x" }));
        Answer::of(request.header("cookie", &pair).header("origin", origin))
    };
    from("https://evil.example".into()).await.is(403);
    from(s.url.clone()).await.is(201);
    Answer::of(Client::new().post(format!("{}/api/v1/auth/logout", s.url)).bearer_auth(&token)).await.is(204);
    assert_eq!(me(&s, &token).await, 401);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_passwords_shut_the_door_for_a_quarter_of_an_hour() {
    let clock = Clock::set_at(1_800_000_000_000);
    let s = Studio::at("lock-out", clock.clone()).await;
    for _ in 0..4 {
        assert_eq!(log_in(&s, "viewer@example.com", "wrong").await.is(401).code(), "wrong_credentials");
    }
    // A right one in between begins the count anew.
    log_in(&s, "viewer@example.com", RIGHT).await.is(200);
    for _ in 0..5 {
        log_in(&s, "viewer@example.com", "wrong").await.is(401);
    }
    let shut = log_in(&s, "viewer@example.com", RIGHT).await.is(429);
    let wait: i64 = shut.header("retry-after").parse().unwrap();
    assert!((899..=901).contains(&wait), "{wait}");
    log_in(&s, "editor@example.com", RIGHT).await.is(200);
    clock.advance(15 * MINUTE);
    log_in(&s, "viewer@example.com", RIGHT).await.is(200);
    // Nobody learns from the answer whether an address has an account.
    let (nobody, somebody) =
        (log_in(&s, "no@example.com", "wrong").await, log_in(&s, "viewer@example.com", "wrong").await);
    assert_eq!((nobody.status, &nobody.body["message"]), (somebody.status, &somebody.body["message"]));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_code_works_once_and_ends_all_sessions() {
    let clock = Clock::set_at(1_800_000_000_000);
    let s = Studio::at("reset", clock.clone()).await;
    let before = log_in(&s, "viewer@example.com", RIGHT).await.is(200).body["token"].as_str().unwrap().to_owned();
    post(&s, "/auth/password/forgot", json!({ "email": "viewer@example.com" })).await.is(202);
    post(&s, "/auth/password/forgot", json!({ "email": "nobody@example.com" })).await.is(202);
    let issue = || accounts::issue_reset(&s.app.store, Some(s.editor.id), s.viewer.id);
    let reset = |code: &str, password: &str| {
        let body = json!({ "email": "viewer@example.com", "code": code, "password": password });
        post(&s, "/auth/password/reset", body)
    };

    // Without a code that was issued, none works.
    assert!(!reset("AAAA-AAAA-AAAA", "a new password").await.is(422).field("code").is_empty());
    let late = issue().await.unwrap();
    clock.advance(31 * MINUTE);
    reset(&late, "a new password").await.is(422);
    // Five wrong tries spend the right one.
    let code = issue().await.unwrap();
    for _ in 0..5 {
        reset("AAAA-AAAA-AAAA", "a new password").await.is(422);
    }
    reset(&code, "a new password").await.is(422);
    let code = issue().await.unwrap();
    assert!(!reset(&code, "short").await.is(422).field("password").is_empty());
    reset(&code.to_lowercase().replace('-', " "), "a new password").await.is(204);
    reset(&code, "another password").await.is(422);
    assert_eq!(me(&s, &before).await, 401);
    log_in(&s, "viewer@example.com", RIGHT).await.is(401);
    log_in(&s, "viewer@example.com", "a new password").await.is(200);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_needs_the_old_one_and_ends_other_sessions() {
    let s = Studio::start("password").await;
    let other = log_in(&s, "viewer@example.com", RIGHT).await.is(200).body["token"].as_str().unwrap().to_owned();
    let change = |current: &str| {
        s.viewer.line("PATCH /me").json(&json!({ "password": "a new password", "current_password": current }))
    };
    assert!(!Answer::of(change("wrong")).await.is(422).field("current_password").is_empty());
    Answer::of(change(RIGHT)).await.is(200);
    assert_eq!((me(&s, &other).await, s.viewer.call("GET /me").await.status), (401, 200));
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_up_follows_the_policy() {
    let new = |email: &str| json!({ "email": email, "nickname": "새 사람", "password": "long enough" });
    for (policy, alone) in [("closed", 409), ("invite", 409), ("open", 201)] {
        let s = Studio::with(&format!("signup-{policy}"), |c| c.accounts.signup = policy.into()).await;
        post(&s, "/auth/signup", new("one@example.com")).await.is(alone);
        let invitation = json!({ "email": "two@example.com", "role": "editor" });
        let made = s.editor.send(&format!("POST /projects/{}/invitations", s.project), invitation).await.is(201).body;
        let token = made["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let with = |email: &str| {
            let mut body = new(email);
            body["invitation"] = token.clone().into();
            body
        };
        if policy == "closed" {
            post(&s, "/auth/signup", with("two@example.com")).await.is(409);
        } else {
            assert!(!post(&s, "/auth/signup", with("three@example.com")).await.is(422).field("email").is_empty());
            let joined = post(&s, "/auth/signup", with("two@example.com")).await.is(201);
            let token = joined.body["token"].as_str().unwrap();
            let project = Client::new().get(format!("{}/api/v1/projects/{}", s.url, s.project)).bearer_auth(token);
            assert_eq!(Answer::of(project).await.is(200).body["my_role"], "editor");
            assert!(!post(&s, "/auth/signup", with("two@example.com")).await.is(404).code().is_empty());
        }
        s.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_does_what_its_scopes_say_until_it_is_revoked() {
    let clock = Clock::set_at(1_800_000_000_000);
    let s = Studio::at("tokens", clock.clone()).await;
    let made =
        s.editor.send("POST /me/tokens", json!({ "name": "내보내기", "scopes": ["read"], "days": 7 })).await.is(201);
    let token = made.body["token"].as_str().unwrap().to_owned();
    let listed = s.editor.call("GET /me/tokens").await.is(200).body;
    assert_eq!(
        (listed["results"][0]["name"].as_str(), listed["results"][0]["token"].is_null()),
        (Some("내보내기"), true)
    );
    assert_eq!(me(&s, &token).await, 200);
    let write =
        || Client::new().post(format!("{}/api/v1/projects", s.url)).bearer_auth(&token).json(&json!({ "name": "x" }));
    Answer::of(write()).await.is(403);
    clock.advance(7 * DAY);
    assert_eq!(me(&s, &token).await, 401);
    let made = s.editor.send("POST /me/tokens", json!({ "name": "쓰기", "scopes": ["write"] })).await.is(201);
    let token = made.body["token"].as_str().unwrap().to_owned();
    let write =
        Client::new().post(format!("{}/api/v1/projects", s.url)).bearer_auth(&token).json(&json!({ "name": "x" }));
    Answer::of(write).await.is(201);
    // A token cannot make tokens: it would outlive its own revocation.
    let more = Client::new().post(format!("{}/api/v1/me/tokens", s.url)).bearer_auth(&token);
    Answer::of(more.json(&json!({ "name": "y", "scopes": ["write"] }))).await.is(403);
    s.viewer.call(&format!("DELETE /me/tokens/{}", made.id())).await.is(404);
    s.editor.call(&format!("DELETE /me/tokens/{}", made.id())).await.is(204);
    assert_eq!(me(&s, &token).await, 401);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_one_by_one_and_together() {
    let s = Studio::start("sessions").await;
    let other = log_in(&s, "viewer@example.com", RIGHT).await.is(200).body["token"].as_str().unwrap().to_owned();
    let third = log_in(&s, "viewer@example.com", RIGHT).await.is(200).body["token"].as_str().unwrap().to_owned();
    let listed = s.viewer.call("GET /me/sessions").await.is(200).body;
    let sessions = listed["results"].as_array().unwrap();
    assert_eq!((sessions.len(), sessions.iter().filter(|s| s["current"] == true).count()), (3, 1));
    s.viewer.call(&format!("DELETE /me/sessions/{}", sessions[0]["id"])).await.is(204);
    assert_eq!(me(&s, &third).await, 401);
    s.viewer.call("DELETE /me/sessions").await.is(204);
    assert_eq!((me(&s, &other).await, s.viewer.call("GET /me").await.status), (401, 200));
    s.stop().await;
}
