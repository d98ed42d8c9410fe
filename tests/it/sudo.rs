//! Who may do what on the dashboard, whence, and how lately he has to have typed his password.

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use videoplanet::base::clock::{Clock, MINUTE, Time};
use videoplanet::base::event::Event;
use videoplanet::base::roles::SiteRole;
use videoplanet::config::Layers;
use videoplanet::domain::accounts;
use videoplanet::engines::store::params;

use crate::admin::{journal, open, send, studio};
use crate::studio::{Someone, Studio, header};

const PASSWORD: &str = "correct horse battery";

/// The dashboard's routes, as the router lists them: path and whether it reads and acts.
pub fn routes() -> Vec<(String, bool, bool)> {
    let source = include_str!("../../src/server/admin/mod.rs");
    let lines = source.lines().filter_map(|line| line.trim().strip_prefix(".route(\""));
    let routes = lines.map(|line| {
        let (path, of) = line.split_once("\", ").unwrap();
        (path.to_owned(), of.contains("get("), of.contains("post("))
    });
    routes.collect()
}

/// The same person with another session.
fn with(who: &Someone, token: &str) -> Someone {
    let mut other = who.clone();
    other.token = token.to_owned();
    other
}

/// A path with the studio's own things in it.
pub fn filled(studio: &Studio, path: &str) -> String {
    let person = path.starts_with("/admin/people").then_some(studio.stranger.id.0);
    let id = person.unwrap_or(if path.starts_with("/admin/projects") { studio.project.0 } else { 1 });
    path.replace("{id}", &id.to_string())
        .replace("{session}", "1")
        .replace("{lane}", "media")
        .replace("{name}", "clean_up")
        .replace("{rule}", "p95")
}

/// Fields for every form, so that what is refused is refused for the caller's sake.
pub const FIELDS: [(&str, &str); 25] = [
    ("seat", "1"),
    ("for", "1h"),
    ("email", "x@example.com"),
    ("nickname", "x"),
    ("locked", "true"),
    ("site_role", "admin"),
    ("project", "1"),
    ("gb", "1"),
    ("what", "version"),
    ("id", "1"),
    ("on", "true"),
    ("scan", "1"),
    ("hidden", "true"),
    ("kind", "purge_trash"),
    ("error", "x"),
    ("priority", "3"),
    ("places", "2"),
    ("cron", "5 * * * *"),
    ("time_zone", "UTC"),
    ("missed", "run"),
    ("group", ""),
    ("name", "x"),
    ("filter", "info"),
    ("minutes", "15"),
    ("back", ""),
];

/// What operators may do: run and repeat.
const OPERATORS: [&str; 15] = [
    "/admin/backups/take",
    "/admin/backups/{id}/verify",
    "/admin/jobs/{id}/retry",
    "/admin/jobs/{id}/cancel",
    "/admin/jobs/{id}/priority",
    "/admin/jobs/groups/retry",
    "/admin/jobs/all",
    "/admin/cache/warm",
    "/admin/schedule/{name}/run",
    "/admin/database/optimise",
    "/admin/database/check",
    "/admin/database/checkpoint",
    "/admin/alerts/{id}/acknowledge",
    "/admin/alerts/mute",
    "/admin/doctor",
];

#[tokio::test]
async fn every_route_of_the_dashboard_knows_who_may() {
    let studio = studio("sudo-rights").await;
    let all = routes();
    assert!(all.len() > 40, "the test reads the router: {}", all.len());
    let (member, nobody) = (studio.viewer.clone(), with(&studio.viewer, ""));
    let operator = studio.person("operator").await;
    studio.operate(&operator).await;
    for (route, reads, acts) in &all {
        let path = filled(&studio, route);
        if *reads {
            let answer = open(&studio, &nobody, &path).await;
            assert_eq!(answer.status(), 303, "nobody reads {path}");
            assert!(header(&answer, "location").starts_with("/login"), "{path}");
            assert_eq!(open(&studio, &member, &path).await.status(), 404, "a member reads {path}");
            assert_eq!(open(&studio, &operator, &path).await.status(), 200, "an operator reads {path}");
            assert_eq!(open(&studio, &studio.editor, &path).await.status(), 200, "an admin reads {path}");
        }
        if *acts {
            assert_eq!(send(&studio, &nobody, &path, &FIELDS).await.status(), 303, "nobody acts at {path}");
            assert_eq!(send(&studio, &member, &path, &FIELDS).await.status(), 404, "a member acts at {path}");
            let status = send(&studio, &operator, &path, &FIELDS).await.status();
            let may = OPERATORS.contains(&route.as_str());
            assert_eq!(status != 403, may, "an operator acts at {path}: {status}");
        }
    }
    // And nothing has come of it.
    let told = journal(&studio).await;
    let by = |who: &Someone| told.iter().filter(|(actor, _)| *actor == Some(who.id.0)).count();
    assert!(by(&member) <= 2, "{told:?}");
    studio.stop().await;
}

/// A studio whose clock the test sets, at a time when everybody has just signed in.
async fn timed(name: &str) -> (Studio, Clock) {
    let clock = Clock::set_at(Time::parse("2026-11-24T00:00:00Z").unwrap().0);
    let studio = Studio::at(name, clock.clone()).await;
    studio.app.setup.done();
    (studio, clock)
}

#[tokio::test]
async fn a_password_holds_for_a_quarter_of_an_hour() {
    let (studio, clock) = timed("sudo-lapse").await;
    let admin = &studio.editor;
    let path = format!("/admin/people/{}/lock", studio.viewer.id);
    let lock = |locked| [("locked", locked), ("back", "/admin/people?q=view")];
    // A fresh sign-in counts.
    clock.advance(14 * MINUTE);
    assert_eq!(send(&studio, admin, &path, &lock("true")).await.status(), 303);
    clock.advance(2 * MINUTE);
    let asked = send(&studio, admin, &path, &lock("false")).await;
    assert_eq!(asked.status(), 403);
    let page = asked.text().await.unwrap();
    for part in [
        &*format!("action=\"{path}\""),
        "name=\"locked\" value=\"false\"",
        "name=\"back\" value=\"/admin/people?q=view\"",
        "name=\"confirm_password\" type=\"password\"",
        "autocomplete=\"current-password\"",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let is_locked = async || {
        let told = journal(&studio).await;
        told.iter().rev().find_map(|(_, e)| match e {
            Event::UserLocked { .. } => Some(true),
            Event::UserUnlocked { .. } => Some(false),
            _ => None,
        })
    };
    assert_eq!(is_locked().await, Some(true), "nothing was done");
    // A wrong one asks again and keeps the form.
    let wrong = [("locked", "false"), ("confirm_password", "wrong"), ("back", "/admin/people?q=view")];
    let answer = send(&studio, admin, &path, &wrong).await;
    assert_eq!(answer.status(), 422);
    let page = answer.text().await.unwrap();
    assert!(page.contains("confirm-problem") && page.contains("name=\"locked\" value=\"false\""), "{page}");
    assert!(!page.contains("value=\"wrong\""));
    // The right one goes on to where he was.
    let right = [("locked", "false"), ("confirm_password", PASSWORD), ("back", "/admin/people?q=view")];
    let answer = send(&studio, admin, &path, &right).await;
    assert_eq!(header(&answer, "location"), "/admin/people?q=view&done=unlocked");
    assert_eq!(is_locked().await, Some(false));
    // And holds for this session alone, for the next minutes.
    assert_eq!(send(&studio, admin, &path, &lock("true")).await.status(), 303);
    let token = accounts::sign_in(&studio.app, admin.id, None).await.unwrap().token;
    let other = with(admin, &token);
    clock.advance(14 * MINUTE);
    assert_eq!(send(&studio, &other, &path, &lock("false")).await.status(), 303);
    clock.advance(2 * MINUTE);
    for who in [admin, &other] {
        assert_eq!(send(&studio, who, &path, &lock("true")).await.status(), 403);
    }
    let right = [("locked", "true"), ("confirm_password", PASSWORD)];
    assert_eq!(send(&studio, admin, &path, &right).await.status(), 303);
    assert_eq!(send(&studio, &other, &path, &lock("false")).await.status(), 403, "another session");
    // It outlasts a restart.
    let studio = studio.restart().await;
    studio.app.setup.done();
    assert_eq!(send(&studio, &studio.editor, &path, &lock("false")).await.status(), 303);
    let told = journal(&studio).await;
    let mine =
        |wanted: fn(&Event) -> bool| told.iter().filter(|(a, e)| *a == Some(studio.editor.id.0) && wanted(e)).count();
    assert_eq!(mine(|e| matches!(e, Event::Confirmed { .. })), 2);
    assert_eq!(mine(|e| matches!(e, Event::ConfirmFailed { .. })), 1);
    studio.stop().await;
}

#[tokio::test]
async fn what_destroys_or_reaches_far_asks() {
    let (studio, clock) = timed("sudo-what").await;
    clock.advance(16 * MINUTE);
    let (person, project) = (studio.viewer.id, studio.project);
    let far: [(String, Vec<(&str, &str)>); 14] = [
        (format!("/admin/people/{person}/lock"), vec![("locked", "true")]),
        (format!("/admin/people/{person}/role"), vec![("site_role", "admin")]),
        (format!("/admin/people/{person}/code"), vec![]),
        (format!("/admin/people/{person}/sessions"), vec![]),
        (format!("/admin/people/{person}/sessions/1"), vec![]),
        ("/admin/people".into(), vec![("email", "a@example.com"), ("nickname", "a"), ("site_role", "operator")]),
        (format!("/admin/projects/{project}/delete"), vec![("name", "가을 광고")]),
        (format!("/admin/projects/{project}/restore"), vec![]),
        (format!("/admin/projects/{project}/transfer"), vec![("email", "viewer@example.com")]),
        ("/admin/storage/purge".into(), vec![("what", "version"), ("id", "1")]),
        ("/admin/storage/orphans".into(), vec![("scan", "1")]),
        ("/admin/storage/closed".into(), vec![("on", "true")]),
        ("/admin/storage/run".into(), vec![("kind", "purge_trash")]),
        ("/admin/cache/purge".into(), vec![("group", "")]),
    ];
    let before = journal(&studio).await.len();
    for (path, fields) in &far {
        let answer = send(&studio, &studio.editor, path, fields).await;
        assert_eq!(answer.status(), 403, "{path}");
        assert!(answer.text().await.unwrap().contains("confirm_password"), "{path}");
    }
    assert_eq!(journal(&studio).await.len(), before);
    // What can be undone with a click does not ask.
    for (path, fields) in [
        ("/admin/people", vec![("email", "b@example.com"), ("nickname", "b"), ("site_role", "member")]),
        ("/admin/storage/closed", vec![("on", "false")]),
        ("/admin/cache/purge", vec![("group", "dashboard")]),
        ("/admin/storage/run", vec![("kind", "storage_check")]),
    ] {
        let status = send(&studio, &studio.editor, path, &fields).await.status();
        assert!(status == 200 || status == 303, "{path}: {status}");
    }
    studio.stop().await;
}

#[tokio::test]
async fn a_form_with_a_secret_is_typed_again() {
    let (studio, clock) = timed("sudo-secret").await;
    clock.advance(16 * MINUTE);
    let path = format!("/admin/people/{}/lock", studio.viewer.id);
    let fields = [("locked", "true"), ("mail.password", "hunter2"), ("back", "/admin/people")];
    let page = send(&studio, &studio.editor, &path, &fields).await.text().await.unwrap();
    assert!(!page.contains("hunter2") && !page.contains("name=\"locked\""), "{page}");
    assert!(page.contains("name=\"confirm_then\" value=\"/admin/people\""), "{page}");
    let then = [("confirm_then", "/admin/people"), ("confirm_password", PASSWORD)];
    let answer = send(&studio, &studio.editor, &path, &then).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "location")), (303, "/admin/people".into()));
    let away = [("confirm_then", "//evil.example"), ("confirm_password", PASSWORD)];
    assert_eq!(header(&send(&studio, &studio.editor, &path, &away).await, "location"), "/admin");
    assert!(!journal(&studio).await.iter().any(|(_, e)| matches!(e, Event::UserLocked { .. })));
    studio.stop().await;
}

#[tokio::test]
async fn wrong_passwords_shut_the_account_for_both() {
    let (studio, clock) = timed("sudo-shut").await;
    clock.advance(16 * MINUTE);
    let path = format!("/admin/people/{}/lock", studio.viewer.id);
    let try_it = async |password| {
        let fields = [("locked", "true"), ("confirm_password", password)];
        send(&studio, &studio.editor, &path, &fields).await.status().as_u16()
    };
    // One at the sign-in counts with those here.
    let sign_in = async |password| accounts::log_in(&studio.app, "editor@example.com", password, None).await.is_ok();
    assert!(!sign_in("wrong").await);
    for _ in 0..4 {
        assert_eq!(try_it("wrong").await, 422);
    }
    assert_eq!(try_it(PASSWORD).await, 429, "the right one as well");
    assert!(!sign_in(PASSWORD).await);
    assert!(!journal(&studio).await.iter().any(|(_, e)| matches!(e, Event::UserLocked { .. })));
    clock.advance(16 * MINUTE);
    assert_eq!(try_it(PASSWORD).await, 303);
    studio.stop().await;
}

/// Asks for the dashboard with a forwarded address.
async fn from(studio: &Studio, forwarded: Option<&str>) -> u16 {
    let mut headers = HeaderMap::new();
    headers.insert("cookie", HeaderValue::from_str(&format!("vp_session={}", studio.editor.token)).unwrap());
    if let Some(address) = forwarded {
        headers.insert("x-forwarded-for", HeaderValue::from_str(address).unwrap());
    }
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = client.request(Method::GET, format!("{}/admin/people", studio.url)).headers(headers);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_dashboard_is_there_from_the_listed_networks_alone() {
    let networks = |list: &[&str]| list.iter().map(|n| n.to_string()).collect::<Vec<_>>();
    // Behind a proxy that is trusted, its word counts: the last address, which it has added itself.
    let studio = Studio::with("sudo-networks", |c| {
        c.server.trusted_proxies = networks(&["127.0.0.1"]);
        c.server.admin_networks = networks(&["10.1.0.0/16", "2001:db8::/32"]);
    })
    .await;
    studio.app.setup.done();
    for (forwarded, status) in [
        (Some("10.1.2.3"), 200),
        (Some("2001:db8::7"), 200),
        (Some("::ffff:10.1.2.3"), 200),
        (Some("10.2.0.1"), 404),
        (Some("10.1.2.3, 203.0.113.9"), 404),
        (Some("203.0.113.9, 10.1.2.3"), 200),
        (Some("office"), 404),
        (None, 404),
    ] {
        assert_eq!(from(&studio, forwarded).await, status, "{forwarded:?}");
    }
    // Nobody is led to the sign-in from there, and the rest of the program is there for all.
    let nobody = with(&studio.editor, "");
    assert_eq!(open(&studio, &nobody, "/admin").await.status(), 404);
    assert_eq!(studio.editor.get("/me").await.status(), 200);
    let path = format!("/admin/people/{}/lock", studio.viewer.id);
    assert_eq!(send(&studio, &studio.editor, &path, &[("locked", "true")]).await.status(), 404);
    studio.stop().await;

    // Without a proxy its header is anybody's word.
    let studio = Studio::with("sudo-loopback", |c| c.server.admin_networks = networks(&["127.0.0.0/8"])).await;
    studio.app.setup.done();
    assert_eq!(from(&studio, Some("10.9.9.9")).await, 200);
    studio.stop().await;
    let studio = Studio::with("sudo-away", |c| c.server.admin_networks = networks(&["10.0.0.0/8"])).await;
    studio.app.setup.done();
    assert_eq!(from(&studio, Some("10.0.0.1")).await, 404);
    studio.stop().await;
    let wrong = Layers::load(None, [], &["server.admin_networks=10.0.0.5/8".into()]);
    assert!(format!("{:#}", wrong.err().unwrap()).contains("server.admin_networks"));
}

#[tokio::test]
async fn nobody_shuts_himself_out_by_the_page() {
    let studio = studio("sudo-settings").await;
    let set = async |networks: &'static str| {
        let fields = [("was.server.admin_networks", ""), ("server.admin_networks", networks), ("sure", "1")];
        send(&studio, &studio.editor, "/admin/settings", &fields).await
    };
    let refused = set("10.0.0.0/8").await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("could not come back here"));
    assert!(studio.app.config().server.admin_networks.is_empty());
    assert_eq!(set("10.0.0.0/8, office").await.status(), 422);
    assert_eq!(set("10.0.0.0/8, 127.0.0.0/8").await.status(), 303);
    assert_eq!(studio.app.config().server.admin_networks, ["10.0.0.0/8", "127.0.0.0/8"]);
    assert_eq!(open(&studio, &studio.editor, "/admin").await.status(), 200);
    studio.stop().await;
}

#[tokio::test]
async fn a_role_that_is_lost_is_lost_at_once() {
    let studio = studio("sudo-role").await;
    let second = studio.person("second").await;
    let path = format!("/admin/people/{}/role", second.id);
    assert_eq!(send(&studio, &studio.editor, &path, &[("site_role", "admin")]).await.status(), 303);
    assert_eq!(open(&studio, &second, "/admin").await.status(), 200);
    assert_eq!(send(&studio, &studio.editor, &path, &[("site_role", "member")]).await.status(), 303);
    assert_eq!(open(&studio, &second, "/admin").await.status(), 404);
    let roles: Vec<_> = journal(&studio)
        .await
        .into_iter()
        .filter_map(|(_, e)| match e {
            Event::SiteRoleChanged { role, was, .. } => Some((was, role)),
            _ => None,
        })
        .collect();
    assert_eq!(roles, [(Some(SiteRole::Member), SiteRole::Admin), (Some(SiteRole::Admin), SiteRole::Member)]);
    let kept =
        studio.app.read(|db| db.all("SELECT site_role FROM users ORDER BY id", params![], |r| r.get::<_, String>(0)));
    assert_eq!(kept.await.unwrap(), ["admin", "member", "member", "member"]);
    studio.stop().await;
}
