//! Requests and database on the dashboard: what is told is what was sent, slow things are seen with all that is needed to
//! find out why and nothing that is nobody's business, and what is done for the database is done.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Client;
use videoplanet::base::event::Event;
use videoplanet::engines::machine;
use videoplanet::engines::metrics::{Slow, Window};
use videoplanet::engines::queue;

use crate::admin::{journal, open, send};
use crate::studio::{Someone, Studio, header};

const DASHBOARD: &str = "/api/v1/projects/{id}/dashboard";

/// From how many milliseconds on a request is slow here: all but those that were answered at once.
async fn studio(name: &str, slow_ms: u64) -> Studio {
    let studio = Studio::with(name, |c| c.metrics.slow_ms = slow_ms).await;
    studio.app.setup.done();
    studio
}

async fn text(studio: &Studio, who: &Someone, path: &str) -> String {
    let answer = open(studio, who, path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

/// The lines of a CSV without its head, split at commas: routes and numbers hold none.
fn lines(csv: &str) -> Vec<Vec<String>> {
    let rows = csv.trim_start_matches('\u{feff}').lines().skip(1);
    rows.map(|line| line.split(',').map(|cell| cell.trim_matches('"').to_owned()).collect()).collect()
}

/// A request that holds its reader for a while: a login hashes a password.
async fn log_in(studio: &Studio, id: &str) -> reqwest::Response {
    Client::new()
        .post(format!("{}/api/v1/auth/login?token=in-the-query", studio.url))
        .header("x-request-id", id)
        .json(&serde_json::json!({ "email": "viewer@example.com", "password": "correct horse battery" }))
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn the_routes_table_adds_up_to_what_was_sent_and_the_file_is_the_table() {
    let studio = studio("requests-sums", 0).await;
    for _ in 0..9 {
        assert_eq!(studio.editor.get(&format!("/projects/{}/dashboard", studio.project)).await.status(), 200);
    }
    for n in 0..4 {
        assert_eq!(studio.stranger.get(&format!("/projects/{}/dashboard?x={n}", studio.project)).await.status(), 404);
    }
    let now = studio.app.metrics.routes(Window::Minutes(5));
    let row = now.rows.iter().find(|r| &*r.path == DASHBOARD).unwrap();
    assert_eq!((row.method, row.requests, row.refused, row.errors), ("GET", 13, 4, 0));
    assert!(row.bytes > 0 && row.p50_us > 0 && row.per_second > 0.0, "{row:?}");
    let sent: u64 = now.rows.iter().map(|r| r.requests).sum();
    assert_eq!(sent, 13, "only these were sent: {:?}", now.rows);

    let csv = text(&studio, &studio.editor, "/admin/requests?sort=-requests&format=csv").await;
    let page = text(&studio, &studio.editor, "/admin/requests?sort=-requests").await;
    let rows = lines(&csv);
    let dashboard = rows.iter().find(|r| r[0] == format!("GET {DASHBOARD}")).unwrap();
    assert_eq!((&*dashboard[1], &*dashboard[7]), ("13", "4"), "{csv}");
    for row in &rows {
        assert!(page.contains(&row[0].replace('&', "&amp;")), "{} is in the file and not on the page", row[0]);
    }
    // Sorted and filtered by the address, for the file as for the page.
    let some = text(&studio, &studio.editor, "/admin/requests?q=DASHBOARD&format=csv").await;
    assert_eq!(lines(&some).iter().map(|r| &*r[0]).collect::<Vec<_>>(), [format!("GET {DASHBOARD}")]);
    let one = text(&studio, &studio.editor, &format!("/admin/requests?minutes=start&route=GET {DASHBOARD}")).await;
    assert!(one.contains("<progress") && one.contains("Distribution of times"), "{one}");
    let never = text(&studio, &studio.editor, "/admin/requests?route=GET+/nothing").await;
    assert!(never.contains("Nothing was asked of this route"));
    studio.stop().await;
}

#[tokio::test]
async fn a_slow_request_is_seen_with_route_person_and_statements_and_without_secrets() {
    let studio = studio("requests-slow", 1).await;
    assert_eq!(log_in(&studio, "find-me-by-this").await.status(), 200);
    let token = studio.editor.token.clone();
    let holding = studio.app.metrics.slow();
    let found: &Slow = holding.iter().find(|s| &*s.route == "/api/v1/auth/login").unwrap();
    assert_eq!((found.method, found.status, &*found.request, found.cache), ("POST", 200, "find-me-by-this", "bypass"));
    assert!(found.statements >= 2 && found.statements_us > 0 && found.statements_us <= found.took_us, "{found:?}");
    // A page is asked by somebody who is known.
    open(&studio, &studio.editor, "/admin/people?q=hidden-word").await;
    let slow = studio.app.metrics.slow();
    let page = slow.iter().find(|s| &*s.route == "/admin/people").expect("a page takes a millisecond here");
    assert_eq!(page.user, Some(studio.editor.id));
    for secret in ["hidden-word", "in-the-query", "correct horse", "@example.com", &*token] {
        assert!(!format!("{slow:?}").contains(secret), "{secret}");
    }
    let listed = text(&studio, &studio.editor, "/admin/requests?list=slow").await;
    assert!(listed.contains("/admin/logs?request=find-me-by-this") && listed.contains(">editor</td>"), "{listed}");
    assert!(!listed.contains("hidden-word") && !listed.contains("in-the-query"));
    let of_one = text(&studio, &studio.editor, "/admin/requests?route=POST+/api/v1/auth/login&format=csv").await;
    assert_eq!(lines(&of_one).len(), 1, "{of_one}");
    studio.stop().await;
}

#[tokio::test]
async fn a_batch_is_the_sum_of_its_parts_and_known_by_its_person() {
    let studio = studio("requests-batch", 1).await;
    let part =
        |n: u32| serde_json::json!({ "id": n, "method": "POST", "path": "/projects", "body": { "name": "새 영상" } });
    let body = serde_json::json!({ "requests": (0..5).map(part).collect::<Vec<_>>() });
    let answer = studio.editor.ask(reqwest::Method::POST, "/batch").json(&body).send().await.unwrap();
    let told: u32 = header(&answer, "x-db-queries").parse().unwrap();
    let slow = studio.app.metrics.slow();
    let batch = slow.iter().find(|s| &*s.route == "/api/v1/batch").expect("five durable writes take a millisecond");
    assert_eq!((batch.user, batch.statements), (Some(studio.editor.id), told));
    assert!(told >= 5);
    studio.stop().await;
}

#[tokio::test]
async fn the_pages_live_and_stand_still_when_counting_is_turned_off() {
    let studio = studio("requests-live", 0).await;
    let answer = open(&studio, &studio.editor, "/admin/live?page=requests&minutes=1").await;
    let mut stream = answer.bytes_stream();
    let first = String::from_utf8(stream.next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(first.contains("requests-rows") && first.contains("figures"), "{first}");
    drop(stream);
    let database = open(&studio, &studio.editor, "/admin/live?page=database").await;
    let first = String::from_utf8(database.bytes_stream().next().await.unwrap().unwrap().to_vec()).unwrap();
    assert!(first.contains("statements") && first.contains("commits"), "{first}");
    let page = text(&studio, &studio.editor, "/admin/requests").await;
    assert!(page.contains("/admin/live?page=requests") && !page.contains("metrics.collect"));
    studio.stop().await;

    let off = Studio::with("requests-off", |c| c.metrics.collect = false).await;
    off.app.setup.done();
    let answer = off.editor.get(&format!("/projects/{}/dashboard", off.project)).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "x-db-queries").is_empty()), (200, false));
    let commits = off.app.store.commits().count();
    log_in(&off, "nobody-keeps-this").await;
    assert!(off.app.metrics.slow().is_empty() && off.app.metrics.routes(Window::Start).rows.is_empty());
    assert_eq!(off.app.store.commits().count(), commits);
    assert!(text(&off, &off.editor, "/admin/requests").await.contains("metrics.collect = false"));
    off.stop().await;
}

#[tokio::test]
async fn the_database_page_measures_acts_and_is_audited() {
    let studio = studio("database-page", 0).await;
    studio.work().await;
    let editor = studio.editor.clone();
    let act = async |path: &str| {
        let answer = send(&studio, &editor, path, &[]).await;
        assert_eq!(answer.status(), 303, "{path}");
        header(&answer, "location")
    };
    assert_eq!(act("/admin/database/checkpoint").await, "/admin/database?done=db_checkpointed");
    let done = studio.app.store.last_checkpoint().unwrap();
    assert!(!done.busy && done.log_pages > 0 && done.moved_pages == done.log_pages, "{done:?}");
    assert_eq!(act("/admin/database/optimise").await, "/admin/database?done=db_optimising");
    assert_eq!(act("/admin/database/check").await, "/admin/database?done=db_checking");
    for _ in 0..400 {
        let counts = studio.app.read(queue::counts).await.unwrap();
        if counts.iter().all(|(_, state, _)| state.is_over()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let page = text(&studio, &editor, "/admin/database").await;
    let said = format!("{} of {} pages of the log are in the database", done.moved_pages, done.log_pages);
    assert!(page.contains(&said) && page.contains("pages are whole") && page.contains("Statistics of"), "{page}");

    // A statement that is slow: seen with its plan, and gone when an admin has seen it.
    let slow = "WITH RECURSIVE step(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM step WHERE n < 4000000)
        SELECT max(n) FROM step WHERE ?1 <> ''";
    studio.app.read(move |db| db.one(slow, ["<a secret>"], |r| r.get::<_, i64>(0))).await.unwrap();
    let page = text(&studio, &editor, "/admin/database").await;
    assert!(page.contains("UNION ALL SELECT n + 1") && page.contains("SCAN"), "{page}");
    assert!(!page.contains("a secret"));
    assert_eq!(act("/admin/database/forget").await, "/admin/database?done=slow_forgotten");
    assert!(studio.app.store.slow_statements().is_empty());

    let csv = text(&studio, &editor, "/admin/database?tab=tables&format=csv").await;
    let users = studio.app.read(|db| db.one("SELECT count(*) FROM users", [], |r| r.get::<_, i64>(0))).await.unwrap();
    let row = lines(&csv).into_iter().find(|r| r[0] == "users").unwrap();
    assert_eq!((&*row[1], &*row[2]), ("table", &*users.unwrap().to_string()), "{csv}");
    assert!(row[3].parse::<f64>().unwrap() >= 4096.0);
    let tables = text(&studio, &editor, "/admin/database?tab=tables").await;
    assert!(tables.contains("measured in") && tables.contains("index of events"), "{tables}");

    let events: Vec<Event> =
        journal(&studio).await.into_iter().filter(|(a, _)| *a == Some(editor.id.0)).map(|(_, e)| e).collect();
    let has = |wanted: &dyn Fn(&Event) -> bool| events.iter().filter(|e| wanted(e)).count();
    assert_eq!(has(&|e| matches!(e, Event::DatabaseCheckpointed { busy: false, .. })), 1);
    assert_eq!(has(&|e| matches!(e, Event::JobAsked { .. })), 2);
    assert_eq!(has(&|e| matches!(e, Event::SlowForgotten { .. })), 1);
    studio.stop().await;
}

#[tokio::test]
async fn operators_look_and_run_and_members_find_nothing() {
    let studio = studio("requests-rights", 0).await;
    studio.operate(&studio.viewer).await;
    let pages = [
        "/admin/requests",
        "/admin/requests?list=slow",
        "/admin/requests?route=GET+/x&minutes=nonsense&sort=nonsense",
        "/admin/database",
        "/admin/database?tab=tables",
        "/admin/live?page=requests",
        "/admin/live?page=database",
    ];
    for path in pages {
        assert_eq!(open(&studio, &studio.viewer, path).await.status(), 200, "{path}");
        assert_eq!(open(&studio, &studio.stranger, path).await.status(), 404, "{path}");
    }
    for (path, operator) in [("optimise", 303), ("check", 303), ("checkpoint", 303), ("forget", 403)] {
        let path = format!("/admin/database/{path}");
        assert_eq!(send(&studio, &studio.stranger, &path, &[]).await.status(), 404, "{path}");
        assert_eq!(send(&studio, &studio.viewer, &path, &[]).await.status(), operator, "{path}");
    }
    let page = text(&studio, &studio.viewer, "/admin/database").await;
    assert!(!page.contains("/admin/database/forget"), "what he may not do is not offered");
    studio.stop().await;
}

#[tokio::test]
async fn memory_is_told_by_part_and_adds_up() {
    let studio = studio("memory-parts", 0).await;
    let memory = machine::memory(&studio.app.dir, studio.app.heap()).unwrap();
    assert_eq!(memory.parts.iter().map(|p| p.bytes).sum::<u64>(), memory.resident_bytes);
    let of = |name: &str| memory.parts.iter().find(|p| p.name == name).unwrap().bytes;
    assert!(of("page_cache") > 0 && of("program") > 0 && of("database_mapped") > 0, "{memory:?}");
    studio.stop().await;
}
