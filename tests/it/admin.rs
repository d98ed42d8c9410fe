//! The dashboard: whole without script, for staff alone, and every action in the journal.

use futures_util::StreamExt;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use videoplanet::base::event::Event;
use videoplanet::base::job::JobState;
use videoplanet::base::roles::SiteRole;
use videoplanet::domain::accounts::{self, Viewer};
use videoplanet::engines::queue;
use videoplanet::engines::store::params;

use crate::clips::noise;
use crate::studio::{Someone, Studio, header};

const PAGES: &[&str] = &[
    "/admin",
    "/admin/alerts",
    "/admin/alerts?tab=history&rule=nonsense",
    "/admin/alerts?tab=targets",
    "/admin/doctor",
    "/admin/doctor/licences",
    "/admin/backups",
    "/admin/storage?page=9",
    "/admin/storage?tab=trash",
    "/admin/storage?tab=upkeep",
    "/admin/storage?tab=nonsense",
    "/admin/generator",
    "/admin/jobs",
    "/admin/jobs?list=failed",
    "/admin/jobs?list=nonsense",
    "/admin/notices",
    "/admin/notices?state=nonsense",
    "/admin/people",
    "/admin/people?state=locked&role=admin&sort=-name&page=2",
    "/admin/people?state=nonsense&sort=nonsense",
    "/admin/people/1",
    "/admin/projects",
    "/admin/projects?place=trash&status=review&sort=-size&q=x",
    "/admin/projects/1",
    "/admin/audit",
    "/admin/audit?topic=nonsense&who=&project=&from=2026-01-01&to=never",
    "/admin/logs",
    "/admin/logs?level=warn&q=x&request=abcdefgh&before=3",
    "/admin/realtime",
    "/admin/schedule",
    "/admin/search",
    "/admin/search?text=%EC%83%89%EB%B3%B4%EC%A0%95&q=%EC%83%89&kind=nonsense&id=x",
    "/admin/settings",
    "/admin/settings?q=mail&only=nonsense",
    "/admin/webhooks",
];

pub async fn studio(name: &str) -> Studio {
    let studio = Studio::start(name).await;
    studio.app.setup.done();
    studio
}

fn browser() -> Client {
    Client::builder().redirect(Policy::none()).build().unwrap()
}

pub async fn open(studio: &Studio, who: &Someone, path: &str) -> Response {
    let cookie = format!("vp_session={}", who.token);
    browser().get(format!("{}{path}", studio.url)).header("cookie", cookie).send().await.unwrap()
}

pub async fn send(studio: &Studio, who: &Someone, path: &str, fields: &[(&str, &str)]) -> Response {
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    browser()
        .post(format!("{}{path}", studio.url))
        .header("cookie", format!("vp_session={}", who.token))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .unwrap()
}

/// Gives the studio's viewer a role on the instance.
async fn make(studio: &Studio, role: SiteRole) {
    let who = Viewer::of_token(&studio.app, &studio.editor.token).await.unwrap().unwrap();
    accounts::set_site_role(&studio.app, &who, studio.viewer.id, role).await.unwrap();
}

/// The journal's events as (actor, event), oldest first.
pub async fn journal(studio: &Studio) -> Vec<(Option<i64>, Event)> {
    let rows = studio.app.read(|db| {
        let sql = "SELECT actor_id, body FROM events ORDER BY seq";
        db.all(sql, params![], |r| Ok((r.get(0)?, r.get::<_, String>(1)?)))
    });
    rows.await.unwrap().into_iter().map(|(a, b)| (a, serde_json::from_str(&b).unwrap())).collect()
}

#[tokio::test]
async fn only_staff_find_it() {
    let studio = studio("admin-who").await;
    let anybody = browser().get(format!("{}/admin", studio.url)).send().await.unwrap();
    assert_eq!(header(&anybody, "location"), "/login?next=%2Fadmin");
    for path in PAGES.iter().copied().chain(["/admin/live"]) {
        assert_eq!(open(&studio, &studio.stranger, path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let id = studio.stranger.id;
    let actions = [
        "/admin/jobs/1/retry".to_owned(),
        "/admin/jobs/1/cancel".to_owned(),
        "/admin/people".to_owned(),
        "/admin/notices/test".to_owned(),
        "/admin/notices/1/resend".to_owned(),
        "/admin/realtime/disconnect".to_owned(),
        "/admin/search/rebuild".to_owned(),
        "/admin/storage/quota".to_owned(),
        "/admin/storage/restore".to_owned(),
        "/admin/storage/purge".to_owned(),
        "/admin/storage/closed".to_owned(),
        "/admin/storage/orphans".to_owned(),
        "/admin/settings".to_owned(),
        format!("/admin/people/{id}/code"),
        format!("/admin/people/{id}/lock"),
        format!("/admin/people/{id}/role"),
    ];
    let fields = [
        ("seat", "1"),
        ("email", "x@example.com"),
        ("nickname", "x"),
        ("locked", "true"),
        ("site_role", "admin"),
        ("project", "1"),
        ("what", "version"),
        ("id", "1"),
        ("on", "true"),
        ("scan", "1"),
    ];
    for path in &actions {
        assert_eq!(send(&studio, &studio.stranger, path, &fields).await.status(), 404, "{path}");
    }
    // An operator reads everything and runs jobs, and changes nobody.
    make(&studio, SiteRole::Operator).await;
    for path in PAGES.iter().copied() {
        assert_eq!(open(&studio, &studio.viewer, path).await.status(), 200, "{path}");
    }
    for path in &actions[2..] {
        assert_eq!(send(&studio, &studio.viewer, path, &fields).await.status(), 403, "{path}");
    }
    assert!(!open(&studio, &studio.viewer, "/admin/people").await.text().await.unwrap().contains("/lock"));
    // A program's token opens no dashboard.
    let new = serde_json::from_value(serde_json::json!({ "name": "t", "scopes": ["write"] })).unwrap();
    let who = Viewer::of_token(&studio.app, &studio.editor.token).await.unwrap().unwrap();
    let token = accounts::sessions::make_token(&studio.app, &who, new).await.unwrap().token;
    let mut program = studio.editor.clone();
    program.token = token;
    assert_eq!(open(&studio, &program, "/admin").await.status(), 404);
    // A form of another site is no form of ours.
    let evil = browser()
        .post(format!("{}/admin/people/{id}/lock", studio.url))
        .header("cookie", format!("vp_session={}", studio.editor.token))
        .header("origin", "https://evil.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("locked=true");
    assert_eq!(evil.send().await.unwrap().status(), 403);
    studio.stop().await;
}

#[tokio::test]
async fn every_page_is_whole_in_both_languages() {
    let studio = studio("admin-pages").await;
    for lang in ["ko", "en"] {
        let patch = serde_json::json!({ "locale": lang });
        studio.editor.ask(reqwest::Method::PATCH, "/me").json(&patch).send().await.unwrap();
        for path in PAGES.iter().copied() {
            let answer = open(&studio, &studio.editor, path).await;
            assert_eq!(answer.status(), 200, "{path}");
            assert!(header(&answer, "x-db-queries").parse::<u32>().unwrap() <= 5, "{path}");
            let page = answer.text().await.unwrap();
            assert!(page.contains(&format!("<html lang=\"{lang}\"")), "{path}");
            for bad in [" style=\"", " onclick=", "<style", ">admin.", "\"admin.", ">page.", "\"page."] {
                assert!(!page.contains(bad), "{path} has {bad}");
            }
        }
    }
    studio.stop().await;
}

#[tokio::test]
async fn a_failed_job_tells_why_and_is_tried_again() {
    let studio = studio("admin-jobs").await;
    studio.work().await;
    let media = studio.publish("no-film.mp4", &noise(20_000, 3)).await;
    assert_eq!(media["state"], "failed");
    let failed = || studio.app.read(|db| queue::by_states(db, &[JobState::Failed], None, 10));
    let mut rows = failed().await.unwrap();
    while rows.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        rows = failed().await.unwrap();
    }
    let job = rows[0].id;
    let page = open(&studio, &studio.editor, "/admin/jobs?list=failed").await.text().await.unwrap();
    assert!(page.contains(&format!("id=\"job-{job}\"")) && page.contains("<details class=\"tail\">"), "{page}");
    assert!(!page.contains(">not_video<"), "the cause is said in a sentence");

    make(&studio, SiteRole::Operator).await;
    let to = [("back", "/admin/jobs?list=failed")];
    let answer = send(&studio, &studio.viewer, &format!("/admin/jobs/{job}/retry"), &to).await;
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "location")),
        (303, "/admin/jobs?list=failed&done=retried".into())
    );
    let page = open(&studio, &studio.viewer, "/admin?done=retried").await.text().await.unwrap();
    assert!(page.contains("desk-done"));
    let written = journal(&studio).await;
    let retried = written.iter().find(|(_, e)| matches!(e, Event::JobRetried { job: j, .. } if *j == job));
    assert_eq!(retried.unwrap().0, Some(studio.viewer.id.0));
    // What is over cannot be cancelled, and what does not exist is not there.
    assert_eq!(send(&studio, &studio.viewer, "/admin/jobs/99999/cancel", &[]).await.status(), 404);
    studio.stop().await;
}

#[tokio::test]
async fn an_admin_invites_resets_locks_and_gives_roles() {
    let studio = studio("admin-people").await;
    let admin = &studio.editor;
    let new = [("email", "New@Example.com"), ("nickname", "새 사람"), ("site_role", "operator"), ("locale", "ko")];
    let page = send(&studio, admin, "/admin/people", &new).await.text().await.unwrap();
    let code = page.split("once-code mono\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(page.contains("/reset?email=new%40example.com"));
    let again = open(&studio, admin, "/admin/people").await.text().await.unwrap();
    assert!(!again.contains(&code), "it is shown once");
    // The invited person chooses a password and is in.
    accounts::reset(&studio.app, "new@example.com", &code, "correct horse battery".into()).await.unwrap();
    let signed_in = accounts::log_in(&studio.app, "new@example.com", "correct horse battery", None).await.unwrap();
    assert_eq!(signed_in.user.site_role, SiteRole::Operator);

    let taken = send(&studio, admin, "/admin/people", &new).await;
    assert_eq!(taken.status(), 422);
    let page = taken.text().await.unwrap();
    assert!(page.contains("in-email-problem") && page.contains("value=\"New@Example.com\""));

    let viewer = studio.viewer.id;
    let page = send(&studio, admin, &format!("/admin/people/{viewer}/code"), &[]).await.text().await.unwrap();
    assert!(page.contains("once-code"));
    let lock = |locked: &'static str| [("locked", locked), ("back", "/admin/people?q=view")];
    let answer = send(&studio, admin, &format!("/admin/people/{viewer}/lock"), &lock("true")).await;
    assert_eq!(header(&answer, "location"), "/admin/people?q=view&done=locked");
    assert_eq!(studio.viewer.get("/me").await.status(), 401);
    send(&studio, admin, &format!("/admin/people/{viewer}/lock"), &lock("false")).await;
    send(&studio, admin, &format!("/admin/people/{viewer}/role"), &[("site_role", "operator")]).await;

    // Nobody locks himself out, the last admin stays, and nonsense is named.
    let me = admin.id;
    assert_eq!(send(&studio, admin, &format!("/admin/people/{me}/lock"), &lock("true")).await.status(), 409);
    let role = [("site_role", "member")];
    let last = send(&studio, admin, &format!("/admin/people/{me}/role"), &role).await;
    assert_eq!(last.status(), 409);
    assert!(last.text().await.unwrap().contains("class=\"notice bad\""));
    let path = format!("/admin/people/{viewer}/role");
    assert_eq!(send(&studio, admin, &path, &[("site_role", "king")]).await.status(), 422);
    assert_eq!(send(&studio, admin, "/admin/people/99999/lock", &lock("true")).await.status(), 404);

    let found = open(&studio, admin, "/admin/people?q=VIEW").await.text().await.unwrap();
    assert!(found.contains("viewer@example.com") && !found.contains("stranger@example.com"));
    let by_admin: Vec<_> = journal(&studio).await.into_iter().filter(|(a, _)| *a == Some(me.0)).collect();
    let has = |wanted: fn(&Event) -> bool| assert!(by_admin.iter().any(|(_, e)| wanted(e)), "{by_admin:?}");
    has(|e| matches!(e, Event::UserAdded { .. }));
    has(|e| matches!(e, Event::ResetIssued { .. }));
    has(|e| matches!(e, Event::UserLocked { .. }));
    has(|e| matches!(e, Event::UserUnlocked { .. }));
    has(|e| matches!(e, Event::SiteRoleChanged { .. }));
    studio.stop().await;
}

#[tokio::test]
async fn the_overview_lives_until_its_reader_or_the_program_goes() {
    let studio = studio("admin-live").await;
    let answer = open(&studio, &studio.editor, "/admin/live").await;
    assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (200, "text/event-stream".into()));
    let mut stream = answer.bytes_stream();
    // An event ends with an empty line, wherever the pieces end.
    let mut first = String::new();
    while !first.ends_with("\n\n") {
        first.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    let data = first.lines().find_map(|l| l.strip_prefix("data: ")).unwrap();
    let parts: serde_json::Value = serde_json::from_str(data).unwrap();
    for part in ["numbers", "charts", "latency", "lanes", "running", "failed", "disk", "machine"] {
        assert!(parts[part].is_string(), "{part}");
    }
    let then = stream.next().await.unwrap().unwrap();
    assert!(then.len() < first.len(), "only what has changed is sent");

    let text = reqwest::get(format!("{}/metrics", studio.url)).await.unwrap().text().await.unwrap();
    assert!(text.contains("videoplanet_http_requests_total{method=\"GET\",route=\"/admin/live\",status=\"2xx\"} 1"));
    assert!(
        text.contains("videoplanet_sockets{kind=\"project\"} 0") && text.contains("videoplanet_database_wal_bytes ")
    );

    let start = std::time::Instant::now();
    studio.stop().await;
    while stream.next().await.is_some_and(|chunk| chunk.is_ok()) {}
    assert!(start.elapsed() < std::time::Duration::from_secs(3));
}

#[tokio::test]
async fn metrics_can_be_kept_for_prometheus() {
    let studio = Studio::with("metrics", |c| c.server.metrics_token = "scrape-me".into()).await;
    let ask = |token: Option<&str>| {
        let request = Client::new().get(format!("{}/metrics", studio.url));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
        .send()
    };
    assert_eq!(ask(None).await.unwrap().status(), 401);
    assert_eq!(ask(Some("wrong")).await.unwrap().status(), 401);
    assert_eq!(ask(Some("scrape-me")).await.unwrap().status(), 200);
    studio.stop().await;
}

#[tokio::test]
async fn the_storage_page_acts_asks_and_is_audited() {
    let studio = studio("admin-storage").await;
    studio.work().await;
    let media = studio.editor.upload(studio.feedback, "<시사본>.mp4", &noise(3000, 7)).await;
    let (project, editor) = (studio.project.to_string(), studio.editor.clone());
    let act = async |path: &str, fields: &[(&str, &str)]| {
        let answer = send(&studio, &editor, path, fields).await;
        assert_eq!(answer.status(), 303, "{path}");
        header(&answer, "location")
    };
    let page = async |path: &str| open(&studio, &editor, path).await.text().await.unwrap();
    // A quota in gigabytes, as it is typed in either way; empty is none.
    assert_eq!(act("/admin/storage/quota", &[("project", &project), ("gb", "1,5")]).await, "/admin/storage?done=quota");
    let usage = page("/admin/storage").await;
    assert!(usage.contains("value=\"1.5\"") && usage.contains("가을 광고"), "{usage}");
    for bad in ["-1", "much", "1e300"] {
        let answer = send(&studio, &editor, "/admin/storage/quota", &[("project", &project), ("gb", bad)]).await;
        assert_eq!(answer.status(), 422, "{bad}");
    }
    act("/admin/storage/quota", &[("project", &project), ("gb", "")]).await;
    assert!(!page("/admin/storage").await.contains("value=\"1.5\""));
    let nothing = send(&studio, &editor, "/admin/storage/quota", &[("project", "999"), ("gb", "1")]).await;
    assert_eq!(nothing.status(), 404);
    // The trash: back, and for good.
    let id = media.to_string();
    let thing = [("what", "version"), ("id", &*id)];
    studio.editor.ask(reqwest::Method::DELETE, &format!("/media/{media}")).send().await.unwrap();
    let trash = page("/admin/storage?tab=trash").await;
    assert!(trash.contains("&#60;시사본&#62;.mp4") && trash.contains("30 days left"), "{trash}");
    act("/admin/storage/restore", &thing).await;
    assert_eq!(studio.editor.get(&format!("/media/{media}")).await.status(), 200);
    assert_eq!(
        send(&studio, &editor, "/admin/storage/restore", &thing).await.status(),
        409,
        "it is not there any more"
    );
    studio.editor.ask(reqwest::Method::DELETE, &format!("/media/{media}")).send().await.unwrap();
    act("/admin/storage/purge", &thing).await;
    // What the jobs found stands on the page when they are over.
    for kind in ["storage_check", "orphan_scan", "evict_renditions", "clean_closed", "purge_trash"] {
        act("/admin/storage/run", &[("kind", kind)]).await;
    }
    assert_eq!(send(&studio, &editor, "/admin/storage/run", &[("kind", "process_media")]).await.status(), 422);
    act("/admin/storage/closed", &[("on", "true")]).await;
    for _ in 0..400 {
        let counts = studio.app.read(queue::counts).await.unwrap();
        if counts.iter().all(|(_, state, _)| state.is_over()) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let upkeep = page("/admin/storage?tab=upkeep&plan=1").await;
    assert!(upkeep.contains("All sums are right.") && upkeep.contains("Every file has its row"), "{upkeep}");
    assert!(upkeep.contains("To be announced") && upkeep.contains("Turn off"), "{upkeep}");
    let said: Vec<Event> = journal(&studio).await.into_iter().map(|(_, event)| event).collect();
    let has = |wanted: &dyn Fn(&Event) -> bool| said.iter().filter(|e| wanted(e)).count();
    assert_eq!(has(&|e| matches!(e, Event::QuotaSet { .. })), 2);
    assert_eq!(has(&|e| matches!(e, Event::PurgeAsked { what, .. } if what == "version")), 1);
    assert_eq!(has(&|e| matches!(e, Event::MediaPurged { .. })), 1);
    assert_eq!(has(&|e| matches!(e, Event::ClosedCleanupSet { on: true })), 1);
    assert_eq!(has(&|e| matches!(e, Event::JobAsked { .. })), 5);
    studio.stop().await;
}
