//! Every route of the API × every role × (own project, other project, deleted project).
//!
//! The table says for each route the weakest role that may. Who is weaker is forbidden, who is no member finds nothing,
//! who is nobody has to sign in. A route without a row fails the test.

use std::collections::BTreeSet;

use reqwest::Client;
use serde_json::{Value, json};
use videoplanet::base::roles::Role;
use videoplanet::domain::{accounts, notices};

use crate::answer::Answer;
use crate::bad_input::routes;
use crate::studio::{Someone, Studio};

/// Who may.
#[derive(Clone, Copy, PartialEq)]
enum May {
    /// Members from this role upward.
    From(Role),
    /// The owner of the thing (an upload, a session): the caller makes it himself, as far as he may.
    Himself,
    /// Those who administer the instance; here that is the owner.
    Admin,
    /// Everybody who is signed in.
    SignedIn,
    /// Everybody.
    All,
}

use May::{Admin, All, From, Himself, SignedIn};
use Role::{Editor, Manager, Owner, Reviewer, Viewer};

/// What stands in a path: made anew for each call, since calls change and remove it.
/// p project · f feedback · c comment by the owner · m media · j job · u a member · i invitation · k an invitation's key ·
/// e an entry of the project · h a phase · y a day · n a plan · w a webhook · d one of its tellings ·
/// s a session of the caller · t a token of the caller · x an upload of the caller · o a notice of the caller
fn table() -> Vec<(&'static str, Value, May)> {
    let none = || json!({});
    vec![
        ("POST /auth/login", none(), All),
        ("POST /auth/signup", none(), All),
        ("POST /auth/password/forgot", json!({ "email": "a@example.com" }), All),
        ("POST /auth/password/reset", none(), All),
        ("GET /invitations/k", none(), All),
        ("POST /invitations/k/decline", none(), All),
        ("POST /invitations/k/accept", none(), SignedIn),
        ("GET /me", none(), SignedIn),
        ("PATCH /me", json!({ "locale": "en" }), SignedIn),
        ("GET /me/tokens", none(), SignedIn),
        ("POST /me/tokens", json!({ "name": "x", "scopes": ["read"] }), SignedIn),
        ("DELETE /me/tokens/t", none(), Himself),
        ("GET /me/sessions", none(), SignedIn),
        ("DELETE /me/sessions/s", none(), Himself),
        ("GET /dashboard", none(), SignedIn),
        ("GET /search?q=가을", none(), SignedIn),
        ("GET /search/suggest?q=가을", none(), SignedIn),
        ("GET /notifications", none(), SignedIn),
        ("GET /notifications/unread", none(), SignedIn),
        ("POST /notifications/read-all", none(), SignedIn),
        ("POST /notifications/o/read", none(), Himself),
        ("GET /me/notifications", none(), SignedIn),
        ("PUT /me/notifications", json!({ "quiet": null }), SignedIn),
        ("GET /projects", none(), SignedIn),
        ("POST /projects", json!({ "name": "또 하나" }), SignedIn),
        ("GET /projects/p", none(), From(Viewer)),
        ("GET /projects/p/dashboard", none(), From(Viewer)),
        ("GET /projects/p/events", none(), From(Viewer)),
        ("GET /projects/p/members", none(), From(Viewer)),
        ("GET /projects/p/feedbacks", none(), From(Viewer)),
        ("GET /projects/p/schedule", none(), From(Viewer)),
        ("PUT /projects/p/schedule", json!({ "phases": [] }), From(Editor)),
        ("PATCH /projects/p/schedule/h", json!({ "start": "2026-12-01" }), From(Editor)),
        ("POST /projects/p/schedule/auto", json!({ "start": "2026-12-01", "preview": true }), From(Editor)),
        ("GET /projects/p/memos", none(), From(Viewer)),
        ("PUT /projects/p/memos/y", json!({ "text": "메모" }), From(Editor)),
        ("GET /gantt", none(), SignedIn),
        ("GET /calendar?from=2026-12-01&to=2026-12-31", none(), SignedIn),
        ("GET /holidays?from=2026-12-01&to=2026-12-31", none(), SignedIn),
        ("POST /entries", json!({ "kind": "personal", "title": "휴가", "start": "2026-12-01" }), SignedIn),
        ("GET /entries/e", none(), From(Viewer)),
        ("PATCH /entries/e", json!({ "title": "다른 회의" }), From(Editor)),
        ("DELETE /entries/e", none(), From(Editor)),
        ("GET /me/calendar-feed", none(), SignedIn),
        ("POST /me/calendar-feed", none(), SignedIn),
        ("DELETE /me/calendar-feed", none(), SignedIn),
        ("GET /calendar.ics?token=x", none(), All),
        ("GET /feedbacks/f", none(), From(Viewer)),
        ("GET /feedbacks/f/comments", none(), From(Viewer)),
        ("GET /feedbacks/f/media", none(), From(Viewer)),
        ("GET /comments/c", none(), From(Viewer)),
        ("GET /media/m", none(), From(Viewer)),
        ("GET /media/m/original", none(), From(Viewer)),
        ("GET /media/m/thumbs/01.jpg", none(), From(Viewer)),
        ("POST /media/m/rerun", json!({}), From(Editor)),
        ("GET /jobs/j", none(), From(Viewer)),
        ("POST /jobs/j/cancel", none(), From(Editor)),
        ("POST /jobs/j/retry", none(), From(Editor)),
        ("POST /feedbacks/f/comments", json!({ "text": "의견" }), From(Reviewer)),
        ("PUT /comments/c/reactions/like", none(), From(Reviewer)),
        ("DELETE /comments/c/reactions/like", none(), From(Reviewer)),
        ("PUT /feedbacks/f/decision", json!({ "decision": "approve" }), From(Reviewer)),
        ("POST /projects/p/feedbacks", json!({ "title": "새 피드백" }), From(Editor)),
        ("GET /generator", none(), SignedIn),
        ("GET /projects/p/plans", none(), From(Viewer)),
        ("POST /projects/p/plans", json!({ "title": "기획안" }), From(Editor)),
        ("POST /projects/p/plans/import", plan_file(), From(Editor)),
        ("GET /plans/n", none(), From(Viewer)),
        ("GET /plans/n/versions", none(), From(Viewer)),
        ("GET /plans/n/versions/1", none(), From(Viewer)),
        ("GET /plans/n/versions/1/diff", none(), From(Viewer)),
        ("GET /plans/n/shots/7/picture", none(), From(Viewer)),
        ("GET /plans/n/export?format=csv", none(), From(Viewer)),
        ("PATCH /plans/n", json!({ "title": "다른 제목" }), From(Editor)),
        ("PATCH /plans/n/stages/climax", json!({ "title": "전환" }), From(Editor)),
        ("PATCH /plans/n/shots/7", json!({ "title": "유리창" }), From(Editor)),
        ("PUT /plans/n/order", json!({ "keys": [2, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }), From(Editor)),
        ("POST /plans/n/storyboard", json!({}), From(Editor)),
        ("PUT /plans/n/shots/7/picture", json!({ "media_id": 1, "at_ms": 0 }), From(Editor)),
        ("DELETE /plans/n/shots/7/picture", none(), From(Editor)),
        ("POST /plans/n/feedback", none(), From(Reviewer)),
        // The present version, and what is not deleted, come after the right.
        ("POST /plans/n/versions/1/restore", none(), From(Editor)),
        ("POST /plans/n/restore", none(), From(Editor)),
        ("DELETE /plans/n", none(), From(Editor)),
        ("PATCH /feedbacks/f", json!({ "status": "resolved" }), From(Editor)),
        ("POST /comments/c/resolution", none(), From(Editor)),
        ("DELETE /comments/c/resolution", none(), From(Editor)),
        ("POST /uploads", none(), From(Editor)),
        ("OPTIONS /uploads", none(), All),
        ("HEAD /uploads/x", none(), Himself),
        ("GET /uploads/x", none(), Himself),
        ("PATCH /uploads/x", none(), Himself),
        ("DELETE /uploads/x", none(), Himself),
        ("PATCH /projects/p", json!({ "name": "다른 이름" }), From(Manager)),
        ("POST /projects/p/members", json!({ "email": "spare@example.com", "role": "viewer" }), From(Manager)),
        ("PATCH /projects/p/members/u", json!({ "role": "reviewer" }), From(Manager)),
        ("DELETE /projects/p/members/u", none(), From(Manager)),
        ("GET /projects/p/invitations", none(), From(Manager)),
        ("POST /projects/p/invitations", json!({ "email": "guest@example.com", "role": "viewer" }), From(Manager)),
        ("DELETE /projects/p/invitations/i", none(), From(Manager)),
        ("POST /projects/p/invitations/i/resend", none(), From(Manager)),
        ("DELETE /comments/c", none(), From(Manager)),
        ("GET /projects/p/webhooks", none(), From(Manager)),
        ("POST /projects/p/webhooks", hook(), From(Manager)),
        ("GET /webhooks", none(), Admin),
        ("POST /webhooks", hook(), Admin),
        ("GET /webhooks/w", none(), From(Manager)),
        ("PATCH /webhooks/w", json!({ "name": "다른 이름" }), From(Manager)),
        ("DELETE /webhooks/w", none(), From(Manager)),
        ("POST /webhooks/w/test", none(), From(Manager)),
        ("POST /webhooks/w/secret", none(), From(Manager)),
        ("GET /webhooks/w/deliveries", none(), From(Manager)),
        ("GET /deliveries/d", none(), From(Manager)),
        ("POST /deliveries/d/redeliver", none(), From(Manager)),
        // Before it is deleted there is nothing to restore.
        ("POST /media/m/restore", none(), From(Manager)),
        ("DELETE /media/m", none(), From(Manager)),
        ("DELETE /feedbacks/f", none(), From(Manager)),
        ("PATCH /comments/c", json!({ "text": "x" }), From(Owner)),
        ("POST /projects/p/restore", none(), From(Owner)),
        ("DELETE /projects/p", none(), From(Owner)),
        // Last, since they end what the caller came with.
        ("DELETE /me/sessions", none(), SignedIn),
        ("POST /auth/logout", none(), SignedIn),
    ]
}

/// A plan as a file.
fn plan_file() -> Value {
    let names = ["opening", "development", "climax", "resolution"];
    let stage = |name: &&str| {
        json!({
            "stage": name, "title": "", "summary": "", "content": "", "objective": "", "length_hint": "", "key_points": [],
        })
    };
    let shot = |i: usize| {
        json!({
            "key": i + 1, "stage": names[i / 3], "title": "", "description": "", "dialogue": "", "subtitle": "",
            "voice_over": "", "size": "wide", "movement": "static", "angle": "low", "duration_ms": 5000,
            "transition": "cut", "inserts": [],
        })
    };
    json!({
        "kind": "videoplanet-plan", "form": 1, "title": "기획안", "inputs": { "duration_s": 60 }, "story": {
            "stages": names.iter().map(stage).collect::<Vec<_>>(), "shots": (0..12).map(shot).collect::<Vec<_>>(),
        },
    })
}

fn hook() -> Value {
    json!({ "name": "채팅", "url": "https://hooks.invalid/x" })
}

/// `GET /projects/p/members/u` and `GET /projects/{id}/members/{user_id}` are one shape.
fn shape(line: &str) -> String {
    let place = |part: &str| part.starts_with('{') || (part.len() == 1 && part != "/");
    let file = |part: &str| matches!(part, "original" | "like" | "thumbs" | "01.jpg" | "climax");
    let line = line.split('?').next().unwrap_or_default();
    line.split('/').map(|p| if place(p) || file(p) { "*" } else { p }).collect::<Vec<_>>().join("/")
}

#[test]
fn the_table_has_a_row_for_every_route() {
    let rows: BTreeSet<String> = table().iter().map(|(line, ..)| shape(line)).collect();
    let missing: Vec<String> = routes()
        .iter()
        .map(|(method, path)| shape(&format!("{method} {path}")))
        .filter(|l| !rows.contains(l))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

struct Stage {
    s: Studio,
    spare: Someone,
    media: i64,
    job: i64,
    count: std::cell::Cell<u32>,
}

impl Stage {
    async fn open(name: &str) -> Stage {
        let s = Studio::with(&format!("rights-{name}"), |c| c.webhooks.per_project = 1000).await;
        let spare = s.person("spare").await;
        let media = s.editor.upload(s.feedback, "a.mp4", b"bytes that are stored").await;
        let job = s.editor.call(&format!("GET /media/{media}")).await.body["job_id"].as_i64().unwrap();
        Stage { s, spare, media, job, count: Default::default() }
    }

    async fn made(&self, line: &str, body: Value) -> Value {
        self.s.editor.send(line, body).await.is(201).body
    }

    /// The line with ids in the place of its letters.
    async fn filled(&self, line: &str, caller: &Someone) -> String {
        let mut out = Vec::new();
        for part in line.split('/') {
            let p = self.s.project;
            self.count.set(self.count.get() + 1);
            let email = format!("guest{}@example.com", self.count.get());
            let invitation = || self.made_invitation(&email);
            out.push(match part {
                "p" => p.to_string(),
                "f" => self.made(&format!("POST /projects/{p}/feedbacks"), json!({ "title": "시사" })).await["id"]
                    .to_string(),
                "c" => {
                    let line = format!("POST /feedbacks/{}/comments", self.s.feedback);
                    self.made(&line, json!({ "text": "의견" })).await["id"].to_string()
                }
                "e" => {
                    let entry = json!({ "project_id": p, "kind": "meeting", "title": "회의", "start": "2026-12-01" });
                    self.made("POST /entries", entry).await["id"].to_string()
                }
                "h" => "filming".to_owned(),
                "y" => "2026-12-01".to_owned(),
                "m" => self.media.to_string(),
                "j" => self.job.to_string(),
                "n" => {
                    let line = format!("POST /projects/{p}/plans");
                    self.made(&line, json!({ "title": "기획안" })).await["id"].to_string()
                }
                "u" => self.s.viewer.id.to_string(),
                "i" => invitation().await["id"].to_string(),
                "k" => self.key_for(caller).await,
                "w" => self.made_webhook().await,
                "d" => {
                    let test = format!("POST /webhooks/{}/test", self.made_webhook().await);
                    self.s.editor.call(&test).await.is(202).id().to_string()
                }
                "s" => {
                    // Another one of his, and the newest: the one he comes with is needed further on.
                    accounts::sign_in(&self.s.app, caller.id, None).await.unwrap();
                    caller.call("GET /me/sessions").await.body["results"][0]["id"].to_string()
                }
                "t" => {
                    let token = json!({ "name": "x", "scopes": ["read"] });
                    caller.send("POST /me/tokens", token).await.body["id"].to_string()
                }
                "o" => self.notice_for(caller).await,
                "x" => {
                    match caller.begin(self.s.feedback, "b.mp4", 5).send().await.unwrap().headers().get("location") {
                        Some(location) => location.to_str().unwrap().rsplit('/').next().unwrap().to_owned(),
                        None => "1".to_owned(),
                    }
                }
                other => other.to_owned(),
            });
        }
        out.join("/")
    }

    async fn made_invitation(&self, email: &str) -> Value {
        let body = json!({ "email": email, "role": "viewer" });
        self.made(&format!("POST /projects/{}/invitations", self.s.project), body).await
    }

    /// A notice of this caller: he is invited to another project.
    async fn notice_for(&self, caller: &Someone) -> String {
        self.key_for(caller).await;
        notices::caught_up(&self.s.app).await.unwrap();
        caller.call("GET /notifications").await.body["results"][0]["id"].to_string()
    }

    async fn made_webhook(&self) -> String {
        self.made(&format!("POST /projects/{}/webhooks", self.s.project), hook()).await["id"].to_string()
    }

    /// The key of an invitation to another project for this caller.
    async fn key_for(&self, caller: &Someone) -> String {
        let me = caller.call("GET /me").await.body;
        let email = me["email"].as_str().unwrap_or("nobody@example.com");
        let project = self.spare.send("POST /projects", json!({ "name": "다른 곳" })).await.is(201).id();
        let body = json!({ "email": email, "role": "viewer" });
        let made = self.spare.send(&format!("POST /projects/{project}/invitations"), body).await.is(201).body;
        made["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    }

    async fn ask(&self, caller: &Someone, line: &str, body: &Value) -> Answer {
        let line = self.filled(line, caller).await;
        let request = if line == "POST /uploads" {
            caller.begin(self.s.feedback, "b.mp4", 5)
        } else if line.contains("/uploads/") {
            let request = caller.line(&line).header("Tus-Resumable", "1.0.0").header("Upload-Offset", 0);
            request.header("Content-Type", "application/offset+octet-stream").body(vec![1, 2])
        } else if matches!(line.split(' ').next(), Some("GET" | "HEAD" | "OPTIONS")) {
            caller.line(&line)
        } else {
            caller.line(&line).json(body)
        };
        Answer::of(request).await
    }
}

/// What the table wants of this caller; `None` where anything but 401, 403 and 5xx will do.
fn wanted(may: May, role: Option<Role>, signed_in: bool) -> Option<u16> {
    match (may, role) {
        (All, _) => None,
        _ if !signed_in => Some(401),
        (SignedIn, _) | (Admin, Some(Owner)) => None,
        (Admin, _) => Some(403),
        (Himself, Some(role)) if role <= Editor => None,
        (Himself, _) => None,
        (From(weakest), Some(role)) if role <= weakest => None,
        (From(_), Some(_)) => Some(403),
        (From(_), None) => Some(404),
    }
}

fn holds(line: &str, may: May, wanted: Option<u16>, got: &Answer) -> bool {
    match wanted {
        Some(status) => got.status == status,
        // An open door may still ask for a better body; one's own uploads are not there for who may not upload.
        None if matches!(may, All) => got.status < 500 && got.status != 403,
        None if line.contains("/uploads/x") => got.status < 300 || got.status == 404,
        // Restoring what is not deleted, and a thumbnail that is not made yet, come after the right.
        None if line.ends_with("/restore") => got.status == 409,
        // Just made: the cool-down comes after the right as well.
        None if line.ends_with("/resend") => got.status == 429,
        // A film that has no pictures.
        None if line == "PUT /plans/n/shots/7/picture" => got.status == 422,
        None if line.contains("/thumbs/") => got.status < 300 || got.status == 404,
        None => got.status < 300,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_what_the_table_says() {
    let mut wrong = Vec::new();
    let roles = [Some(Owner), Some(Manager), Some(Editor), Some(Reviewer), Some(Viewer), None];
    for role in roles {
        let stage = Stage::open(role.map_or("stranger", Role::as_str)).await;
        let caller = match role {
            Some(Owner) => stage.s.editor.clone(),
            Some(role) => stage.s.member("caller", role).await,
            None => stage.s.stranger.clone(),
        };
        for (line, body, may) in table() {
            let got = stage.ask(&caller, line, &body).await;
            let wanted = wanted(may, role, true);
            if !holds(line, may, wanted, &got) {
                wrong.push(format!("{role:?} {line}: {} instead of {wanted:?}: {}", got.status, got.body));
            }
            if line == "DELETE /projects/p" && role == Some(Owner) {
                stage.s.editor.call(&format!("POST /projects/{}/restore", stage.s.project)).await.is(200);
            }
            if line == "DELETE /projects/p/members/u" && got.status == 204 {
                stage.s.join(&stage.s.viewer, Viewer).await;
            }
            if line == "POST /projects/p/members" && got.status == 201 {
                let spare = format!("DELETE /projects/{}/members/{}", stage.s.project, stage.spare.id);
                stage.s.editor.call(&spare).await.is(204);
            }
        }
        stage.s.stop().await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_may_nothing_but_the_open_doors() {
    let stage = Stage::open("nobody").await;
    let mut wrong = Vec::new();
    let mut nobody = stage.s.stranger.clone();
    nobody.token = String::new();
    for (line, body, may) in table() {
        let got = stage.ask(&nobody, line, &body).await;
        let wanted = wanted(may, None, false);
        let wrong_password = line == "POST /auth/login" && got.status == 401;
        if !holds(line, may, wanted, &got) && !wrong_password {
            wrong.push(format!("{line}: {} instead of {wanted:?}: {}", got.status, got.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    stage.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_project_is_there_for_nobody_but_can_be_restored_by_its_owner() {
    let stage = Stage::open("deleted").await;
    let manager = stage.s.member("manager", Manager).await;
    // Filled while it is there, asked when it is not.
    let mut lines = Vec::new();
    for (line, body, may) in table() {
        if matches!(may, From(_))
            && line != "POST /uploads"
            && line != "DELETE /projects/p"
            && !line.contains("restore")
        {
            lines.push((stage.filled(line, &stage.s.editor).await, body));
        }
    }
    stage.s.editor.call(&format!("DELETE /projects/{}", stage.s.project)).await.is(204);
    for (line, body) in &lines {
        for caller in [&stage.s.editor, &manager, &stage.s.viewer, &stage.s.stranger] {
            let request = if line.starts_with("GET") { caller.line(line) } else { caller.line(line).json(body) };
            let got = Answer::of(request).await;
            assert_eq!(got.status, 404, "{line}: {}", got.body);
        }
    }
    assert_eq!(stage.s.editor.begin(stage.s.feedback, "c.mp4", 5).send().await.unwrap().status(), 404);
    manager.call(&format!("POST /projects/{}/restore", stage.s.project)).await.is(404);
    stage.s.editor.call(&format!("POST /projects/{}/restore", stage.s.project)).await.is(200);
    stage.s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_token_reads_and_writes_nothing() {
    let stage = Stage::open("scope").await;
    let made = stage.s.editor.send("POST /me/tokens", json!({ "name": "읽기", "scopes": ["read"] })).await.is(201);
    let mut reader = stage.s.editor.clone();
    reader.token = made.body["token"].as_str().unwrap().to_owned();
    for (line, body, may) in table() {
        if may == All || line.contains("/uploads/x") || line.contains("/t") && line.starts_with("DELETE /me") {
            continue;
        }
        let filled = stage.filled(line, &stage.s.editor).await;
        let reads = line.starts_with("GET");
        let request = if reads { reader.line(&filled) } else { reader.line(&filled).json(&body) };
        let got = Answer::of(request).await;
        let fine = if reads { got.status < 300 || line.contains("/thumbs/") } else { got.status == 403 };
        assert!(fine, "{line}: {} {}", got.status, got.body);
    }
    // An unknown scheme is nobody.
    let basic = Client::new().get(format!("{}/api/v1/me", stage.s.url)).header("authorization", "Basic eA==");
    Answer::of(basic).await.is(401);
    stage.s.stop().await;
}
