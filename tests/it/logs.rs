//! The program's own lines: kept in memory, found by request, without secrets, and more of them for a while.

use videoplanet::base::clock::{Clock, MINUTE, Time};
use videoplanet::base::error::Error;
use videoplanet::base::event::Event;
use videoplanet::engines::log::{self, Level, Output, Wanted};

use crate::admin::{journal, open, send};
use crate::studio::{Studio, header};

/// What is set here is the process's: one test after the other.
static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Far away, so that the machine's clock of another test's studio ends nothing here.
const THEN: &str = "2190-01-01T00:00:00Z";

async fn studio(name: &str) -> (Studio, Clock) {
    log::start("info", Output::Nothing, Vec::new()).unwrap();
    let clock = Clock::set_at(Time::parse(THEN).unwrap().0);
    let studio = Studio::opened(name, clock.clone(), |c| c.accounts.session_days = 3650).await;
    studio.app.setup.done();
    (studio, clock)
}

fn of_request(id: &str) -> Vec<std::sync::Arc<log::Line>> {
    log::ring().find(&Wanted { request: id.into(), ..Wanted::default() }, 100)
}

/// The id of one request to the program.
async fn asked(studio: &Studio, path: &str) -> String {
    header(&studio.editor.get(path).await, "x-request-id")
}

#[tokio::test]
async fn lines_of_a_request_are_found_by_its_id_while_the_filter_lets_them_pass() {
    let _one = ONE.lock().await;
    let (studio, clock) = studio("logs-request").await;
    let quiet = asked(&studio, "/me").await;
    assert!(of_request(&quiet).is_empty(), "at info an answer is no line");

    // More for a quarter of an hour.
    let more = [("filter", "info,videoplanet::server=debug"), ("minutes", "15"), ("back", "/admin/logs?level=debug")];
    let answer = send(&studio, &studio.editor, "/admin/logs/filter", &more).await;
    assert_eq!(header(&answer, "location"), "/admin/logs?level=debug&done=log_filter");
    assert_eq!(log::filter().now, "info,videoplanet::server=debug");
    let loud = asked(&studio, "/projects").await;
    let lines = of_request(&loud);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((lines[0].level, &*lines[0].message), (Level::Debug, "answered"));
    assert_eq!(lines[0].route.as_deref(), Some("/api/v1/projects"));
    assert!(lines[0].fields.contains(&("status", "200".into())), "{lines:?}");
    // One that is answered before the routes as well.
    let again = of_request(&asked(&studio, "/projects").await);
    assert_eq!((again.len(), &*again[0].message), (1, "answered again"), "{again:?}");
    assert_eq!(again[0].route.as_deref(), Some("/api/v1/projects"));
    let page = open(&studio, &studio.editor, &format!("/admin/logs?request={loud}")).await.text().await.unwrap();
    assert_eq!(page.matches("class=\"log-line ").count(), 1, "{page}");
    assert!(page.contains("/api/v1/projects") && page.contains("back to info"), "{page}");
    let none =
        open(&studio, &studio.editor, &format!("/admin/logs?request={loud}&level=info")).await.text().await.unwrap();
    assert_eq!(none.matches("class=\"log-line ").count(), 0);
    let file = open(&studio, &studio.editor, &format!("/admin/logs?request={loud}&format=jsonl")).await;
    assert!(header(&file, "content-type").starts_with("application/x-ndjson"));
    let line: serde_json::Value = serde_json::from_str(file.text().await.unwrap().trim()).unwrap();
    assert_eq!(
        (&line["request"], &line["level"], &line["fields"]["status"]),
        (&loud.into(), &"debug".into(), &"200".into())
    );

    // Then what passed before does so again, by itself.
    assert!(!log::tick(clock.now().plus(15 * MINUTE - 1)));
    assert!(log::tick(clock.now().plus(15 * MINUTE)));
    assert_eq!((log::filter().now, log::filter().until), ("info".into(), None));
    let quiet = asked(&studio, "/me").await;
    assert!(of_request(&quiet).is_empty());

    let told = journal(&studio).await;
    let until = Some(clock.now().plus(15 * MINUTE));
    let (filter, was) = ("info,videoplanet::server=debug".into(), "info".into());
    assert!(told.contains(&(Some(studio.editor.id.0), Event::LogFilterSet { filter, was, until })), "{told:?}");
    studio.stop().await;
}

#[tokio::test]
async fn a_filter_is_for_admins_and_is_understood_or_refused() {
    let _one = ONE.lock().await;
    let (studio, _) = studio("logs-filter").await;
    for wrong in ["inof", "", "videoplanet", "info,[request]=debug"] {
        let fields = [("filter", wrong), ("minutes", "15")];
        let answer = send(&studio, &studio.editor, "/admin/logs/filter", &fields).await;
        assert_eq!(answer.status(), 422, "{wrong}");
        assert!(answer.text().await.unwrap().contains("id=\"lf-problem\""), "{wrong}");
    }
    let fields = [("filter", "info"), ("minutes", "99999999")];
    assert_eq!(send(&studio, &studio.editor, "/admin/logs/filter", &fields).await.status(), 422);
    studio.operate(&studio.viewer).await;
    let fields = [("filter", "trace"), ("minutes", "0")];
    assert_eq!(send(&studio, &studio.viewer, "/admin/logs/filter", &fields).await.status(), 403);
    let page = open(&studio, &studio.viewer, "/admin/logs").await.text().await.unwrap();
    assert!(!page.contains("/admin/logs/filter"), "an operator reads");
    assert_eq!(log::filter().now, "info");
    // For good.
    let fields = [("filter", "WARN"), ("minutes", "0")];
    assert_eq!(send(&studio, &studio.editor, "/admin/logs/filter", &fields).await.status(), 303);
    assert_eq!((log::filter().lasting, log::filter().until), ("warn".into(), None));
    log::set_filter("info", None).unwrap();
    studio.stop().await;
}

#[tokio::test]
async fn no_secret_stands_in_a_line() {
    let _one = ONE.lock().await;
    let (studio, _) = studio("logs-secrets").await;
    log::set_filter("info,videoplanet=trace", None).unwrap();
    // The things that a request carries and that let somebody in.
    let token = "Vm9pY2VPZlRoZUZpcmU0NTY3ODkwMTIzNA";
    for path in [format!("/invitations/{token}"), "/me".into()] {
        studio.editor.get(&path).await;
    }
    open(&studio, &studio.editor, &format!("/invite/{token}")).await;
    open(&studio, &studio.editor, &format!("/unsubscribe/{token}")).await;
    open(&studio, &studio.editor, &format!("/reset?email=a%40example.com&code={token}")).await;
    let body = serde_json::json!({ "email": "editor@example.com", "password": "correct horse battery" });
    studio.editor.ask(reqwest::Method::POST, "/auth/login").json(&body).send().await.unwrap();
    let fields = [("locked", "true"), ("confirm_password", "correct horse battery")];
    send(&studio, &studio.editor, &format!("/admin/people/{}/lock", studio.viewer.id), &fields).await;
    // What is named as a secret is left out, whoever writes it.
    tracing::info!(target: "videoplanet::test", setup_code = token, webhook_secret = %token, user_password = ?token, "said");
    let ours = Wanted { target: "videoplanet".into(), ..Wanted::default() };
    let lines = log::ring().find(&ours, usize::MAX);
    log::set_filter("info", None).unwrap();
    assert!(lines.iter().filter(|l| l.message == "answered").count() >= 6, "{}", lines.len());
    let all: String = lines.iter().map(|l| serde_json::to_string(&**l).unwrap()).collect();
    for secret in [token, "correct horse battery", &studio.editor.token] {
        assert!(!all.contains(secret), "{secret}");
    }
    let said = lines.iter().find(|l| l.message == "said").unwrap();
    assert!(said.fields.iter().all(|(_, value)| value == "…"), "{said:?}");
    studio.stop().await;
}

#[tokio::test]
async fn a_failure_carries_its_request() {
    let _one = ONE.lock().await;
    let (studio, _) = studio("logs-failure").await;
    // A table that is gone makes every read of it our fault.
    studio.app.store.write(|tx| tx.execute("ALTER TABLE phases RENAME TO elsewhere", [])).await.unwrap();
    let answer = studio.editor.get(&format!("/projects/{}/schedule", studio.project)).await;
    assert_eq!(answer.status(), 500);
    let lines = of_request(&header(&answer, "x-request-id"));
    assert!(lines.iter().any(|l| l.level == Level::Error && l.message == "a request failed"), "{lines:?}");
    assert!(matches!(log::set_filter("nonsense", None), Err(Error::Invalid(_))));
    studio.stop().await;
}
