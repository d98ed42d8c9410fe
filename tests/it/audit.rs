//! The audit: every action of the dashboard stands in it, with before and after, and is found by person, topic, project
//! and days.

use reqwest::header::CONTENT_TYPE;
use videoplanet::base::clock::{Clock, DAY, Time};
use videoplanet::base::event::Event;
use videoplanet::base::ids::JobId;
use videoplanet::base::job::Job;
use videoplanet::config;
use videoplanet::domain::accounts::Viewer;
use videoplanet::domain::projects;
use videoplanet::domain::settings;
use videoplanet::engines::hub::Place;
use videoplanet::engines::queue;
use videoplanet::engines::schedule;
use videoplanet::engines::store::params;
use videoplanet::work;

use crate::admin::{open, send};
use crate::postbox::Postbox;
use crate::studio::{Someone, Studio, header};
use crate::sudo::{filled, routes};

/// Routes that need what another story makes: an alert that has fired and a target with a secret (`alerts_told`).
const ELSEWHERE: [&str; 2] = ["/admin/alerts/{id}/acknowledge", "/admin/alerts/targets/{id}/secret"];

async fn events_of(studio: &Studio, who: &Someone) -> Vec<Event> {
    let all = crate::admin::journal(studio).await;
    all.into_iter().filter(|(actor, _)| *actor == Some(who.id.0)).map(|(_, event)| event).collect()
}

async fn page(studio: &Studio, path: &str) -> String {
    let answer = open(studio, &studio.editor, path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

/// Makes a job and puts it into a state.
async fn job(studio: &Studio, state: &'static str) -> JobId {
    let add = move |tx: &mut videoplanet::engines::store::Tx| {
        let id = queue::enqueue(tx, Job::StorageCheck)?;
        let sql = "UPDATE jobs SET state = ?2, error = 'lost', finished_ms = ?3 WHERE id = ?1";
        tx.execute(sql, params![id, state, tx.now()])?;
        Ok(id)
    };
    studio.app.store.write(add).await.unwrap()
}

/// What is sent to a route so that it does something, after what it needs was made.
async fn prepared(studio: &Studio, route: &str) -> Option<(String, Vec<(&'static str, String)>)> {
    let field = |name: &'static str, value: &str| (name, value.to_owned());
    let at = |id: JobId| route.replace("{id}", &id.to_string());
    let plain = filled(studio, route);
    let who = Viewer::of_token(&studio.app, &studio.editor.token).await.unwrap().unwrap();
    Some(match route {
        "/admin/jobs/{id}/retry" => (at(job(studio, "failed").await), vec![]),
        "/admin/jobs/{id}/cancel" => (at(job(studio, "ready").await), vec![]),
        "/admin/jobs/{id}/priority" => (at(job(studio, "ready").await), vec![field("priority", "30")]),
        "/admin/jobs/groups/retry" => {
            job(studio, "failed").await;
            (plain, vec![field("kind", "storage_check"), field("error", "lost")])
        }
        "/admin/jobs/all" => {
            job(studio, "failed").await;
            (plain, vec![field("list", "failed"), field("act", "retry")])
        }
        "/admin/jobs/lanes/{lane}" => (plain, vec![field("places", "3")]),
        "/admin/schedule/{name}" => {
            (plain, vec![field("cron", "7 * * * *"), field("time_zone", "UTC"), field("missed", "skip")])
        }
        "/admin/schedule/{name}/run" | "/admin/schedule/{name}/pause" => (plain, vec![]),
        "/admin/schedule/{name}/resume" => {
            send(studio, &studio.editor, "/admin/schedule/clean_up/pause", &[]).await;
            (plain, vec![])
        }
        "/admin/cache/warm" | "/admin/search/rebuild" | "/admin/generator/test" | "/admin/notices/test" => {
            (plain, vec![])
        }
        "/admin/cache/purge" => (plain, vec![field("group", "")]),
        "/admin/realtime/disconnect" => {
            // Kept open until it is ended.
            std::mem::forget(studio.seat());
            let seat = studio.app.hub.seats(Place::Project(studio.project))[0].id;
            (plain, vec![field("seat", &seat.to_string())])
        }
        "/admin/storage/run" => (plain, vec![field("kind", "orphan_scan")]),
        "/admin/storage/quota" => (plain, vec![field("project", "1"), field("gb", "2")]),
        "/admin/storage/restore" | "/admin/storage/purge" | "/admin/projects/{id}/restore" => {
            let new = serde_json::from_value(serde_json::json!({ "name": "지울 것" })).unwrap();
            let id = projects::add(&studio.app, &who, new).await.unwrap().id;
            projects::delete(&studio.app, &who, id, None).await.unwrap();
            let path = route.replace("{id}", &id.to_string());
            (path, vec![field("what", "project"), field("id", &id.to_string())])
        }
        "/admin/storage/closed" => (plain, vec![field("on", "true")]),
        "/admin/storage/orphans" => (plain, vec![field("scan", "1")]),
        "/admin/generator/hide" => (plain, vec![field("hidden", "true")]),
        "/admin/notices/{id}/resend" => {
            let add = |tx: &mut videoplanet::engines::store::Tx| {
                let sql = "INSERT INTO mails (user_id, address, kind, lang, subject, state, created_ms)
                     VALUES (1, 'a@example.com', 'test', 'ko', '제목', 'failed', 5)";
                tx.insert(sql, params![])
            };
            let id = studio.app.store.write(add).await.unwrap();
            (route.replace("{id}", &id.to_string()), vec![])
        }
        "/admin/people" => {
            let all = [("email", "new@example.com"), ("nickname", "새 사람"), ("site_role", "operator")];
            (plain, all.map(|(n, v)| field(n, v)).to_vec())
        }
        "/admin/people/{id}/code" | "/admin/people/{id}/sessions" => (plain, vec![]),
        "/admin/people/{id}/sessions/{session}" => {
            let person = studio.person("short").await;
            let who = Viewer::of_token(&studio.app, &person.token).await.unwrap().unwrap();
            (format!("/admin/people/{}/sessions/{}", person.id, who.session), vec![])
        }
        "/admin/people/{id}/lock" => (plain, vec![field("locked", "true")]),
        "/admin/people/{id}/role" => (plain, vec![field("site_role", "operator")]),
        "/admin/projects/{id}/delete" => {
            let new = serde_json::from_value(serde_json::json!({ "name": "지울 것" })).unwrap();
            let id = projects::add(&studio.app, &who, new).await.unwrap().id;
            (route.replace("{id}", &id.to_string()), vec![field("name", "지울 것")])
        }
        "/admin/projects/{id}/transfer" => (plain, vec![field("email", "viewer@example.com")]),
        "/admin/settings" => (plain, vec![field("was.jobs.keep_days", "30"), field("jobs.keep_days", "31")]),
        "/admin/database/optimise"
        | "/admin/database/check"
        | "/admin/database/checkpoint"
        | "/admin/database/forget" => (plain, vec![]),
        "/admin/doctor" => (plain, vec![]),
        "/admin/alerts/mute" => (plain, vec![field("for", "1h")]),
        "/admin/alerts/options" => (plain, vec![field("remind_h", "1")]),
        "/admin/alerts/rules/{rule}" => {
            let all = [("threshold", "5"), ("for_s", "1"), ("cool_down_s", "1"), ("severity", "info")];
            (plain, all.map(|(n, v)| field(n, v)).to_vec())
        }
        "/admin/alerts/rules/{rule}/reset"
        | "/admin/alerts/targets/{id}/test"
        | "/admin/alerts/targets/{id}/delete" => (plain, vec![]),
        "/admin/alerts/targets" | "/admin/alerts/targets/{id}" => {
            let all = [("name", "x"), ("form", "mail"), ("place", "a@b.example"), ("lang", "ko"), ("severity", "info")];
            (plain, all.map(|(n, v)| field(n, v)).to_vec())
        }
        "/admin/backups/take" => {
            // Only asked for: nothing runs here.
            let to = studio.dir.path().join("backups").display().to_string();
            let setting = config::find("backup.to").unwrap();
            let was = settings::stands(&studio.app, &studio.app.settings().layers, setting);
            send(studio, &studio.editor, "/admin/settings", &[("was.backup.to", &was), ("backup.to", &to)]).await;
            (plain, vec![])
        }
        "/admin/backups/{id}/verify" | "/admin/backups/{id}/delete" => {
            let add = |tx: &mut videoplanet::engines::store::Tx| {
                let sql =
                    "INSERT INTO backups (id, place, state, taken_ms) VALUES ('20261128T205500Z-1a2b', '/x', 'done', 5)
                     ON CONFLICT DO NOTHING";
                tx.execute(sql, params![])
            };
            studio.app.store.write(add).await.unwrap();
            (route.replace("{id}", "20261128T205500Z-1a2b"), vec![])
        }
        "/admin/logs/filter" => (plain, vec![field("filter", "info"), field("minutes", "0")]),
        _ => return None,
    })
}

#[tokio::test]
async fn every_action_of_the_dashboard_leaves_an_event() {
    let postbox = Postbox::open().await;
    let studio = Studio::with("audit-actions", postbox.settings()).await;
    studio.app.setup.done();
    studio.app.store.write(|tx| schedule::begin(tx, work::SCHEDULE, "Asia/Seoul")).await.unwrap();
    let acting: Vec<String> = routes().into_iter().filter(|(.., acts)| *acts).map(|(path, ..)| path).collect();
    for route in acting.iter().filter(|route| !ELSEWHERE.contains(&route.as_str())) {
        let Some((path, fields)) = prepared(&studio, route).await else {
            panic!("{route} is new: say in `prepared` what it needs, so that its event is looked for");
        };
        let before = events_of(&studio, &studio.editor).await.len();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = send(&studio, &studio.editor, &path, &fields).await;
        assert!(answer.status() == 303 || answer.status() == 200, "{path}: {}", answer.status());
        let after = events_of(&studio, &studio.editor).await;
        assert!(after.len() > before, "{path} left no event");
        let event = after.last().unwrap();
        assert!(event.is_security(), "{event:?} is not shown in the audit");
    }
    // And each of them is told in words on the page.
    for lang in ["ko", "en"] {
        let patch = serde_json::json!({ "locale": lang });
        studio.editor.ask(reqwest::Method::PATCH, "/me").json(&patch).send().await.unwrap();
        let shown = page(&studio, "/admin/audit").await;
        assert!(!shown.contains(">admin.") && !shown.contains("\"admin.") && !shown.contains(">js."), "{shown}");
        let verbs: Vec<&str> =
            shown.split("class=\"audit-place").skip(1).filter_map(|p| p.split('>').nth(1)?.split('<').next()).collect();
        assert!(verbs.len() > 30, "{verbs:?}");
        for verb in verbs {
            assert!(!shown.contains(&format!("<span>{verb}</span>")), "{verb} has no word in {lang}");
        }
    }
    studio.stop().await;
}

#[tokio::test]
async fn it_tells_before_and_after_and_is_found_by_person_topic_project_and_days() {
    let clock = Clock::set_at(Time::parse("2026-11-24T03:00:00Z").unwrap().0);
    let studio = Studio::at("audit-find", clock.clone()).await;
    studio.app.setup.done();
    let (editor, viewer, project) = (studio.editor.clone(), studio.viewer.id, studio.project);
    let id = project.to_string();
    send(&studio, &editor, "/admin/storage/quota", &[("project", &id), ("gb", "2")]).await;
    send(&studio, &editor, "/admin/storage/quota", &[("project", &id), ("gb", "5")]).await;
    send(&studio, &editor, &format!("/admin/people/{viewer}/role"), &[("site_role", "operator")]).await;
    let shown = page(&studio, "/admin/audit").await;
    assert!(shown.contains("<del>2.0 GB</del> → <ins>5.0 GB</ins>"), "{shown}");
    assert!(shown.contains("<del>no limit</del>") || shown.contains("<del>No limit</del>"), "{shown}");
    assert!(shown.contains("<del>Member</del> → <ins>Operator</ins>"), "{shown}");
    assert!(shown.contains("가을 광고"));

    // Two days later somebody else does something.
    clock.advance(2 * DAY);
    let second = studio.person("second").await;
    let role = [("site_role", "admin"), ("confirm_password", "correct horse battery")];
    send(&studio, &editor, &format!("/admin/people/{}/role", second.id), &role).await;
    let rows = async |path: &str| page(&studio, path).await.matches("class=\"audit-row").count();
    let all = rows("/admin/audit").await;
    assert_eq!(rows("/admin/audit?verb=quota_set").await, 2);
    assert_eq!(rows(&format!("/admin/audit?verb=quota_set&project={project}")).await, 2);
    assert_eq!(rows("/admin/audit?verb=quota_set&project=99").await, 0);
    assert_eq!(rows("/admin/audit?topic=storage").await, 2);
    assert_eq!(rows("/admin/audit?topic=people&verb=site_role_changed").await, 2);
    // By whom and about whom, by number and by address.
    let about = rows(&format!("/admin/audit?who={viewer}")).await;
    assert_eq!(about, rows("/admin/audit?who=VIEWER%40example.com").await);
    assert!(about >= 3 && about < all, "{about} of {all}: added, signed in, member, role");
    assert!(page(&studio, "/admin/audit?who=nobody%40example.com").await.contains("No account has this e-mail"));
    // Days in the zone of the schedule: 12:00 in Seoul on the 24th.
    assert_eq!(rows("/admin/audit?verb=quota_set&from=2026-11-24&to=2026-11-24").await, 2);
    assert_eq!(rows("/admin/audit?verb=quota_set&from=2026-11-25").await, 0);
    assert_eq!(rows("/admin/audit?verb=site_role_changed&to=2026-11-25").await, 1);
    // A comment is no matter of it.
    let body = serde_json::json!({ "text": "한마디" });
    editor
        .ask(reqwest::Method::POST, &format!("/feedbacks/{}/comments", studio.feedback))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(rows("/admin/audit").await, all);
    studio.stop().await;
}

#[tokio::test]
async fn it_is_read_by_pages_and_taken_along_as_a_file() {
    let studio = crate::admin::studio("audit-pages").await;
    let evil = studio.person("=1+1").await;
    for _ in 0..130 {
        let id = evil.id;
        let told = move |tx: &mut videoplanet::engines::store::Tx| {
            tx.emit(None, Some(id), Event::SocketClosed { user: id }, None)
        };
        studio.app.store.write(told).await.unwrap();
    }
    let first = page(&studio, "/admin/audit?verb=socket_closed").await;
    assert_eq!(first.matches("class=\"audit-row").count(), 100);
    let older = first.split("href=\"").filter_map(|p| p.split('"').next()).find(|to| to.contains("before=")).unwrap();
    let second = page(&studio, &older.replace("&amp;", "&").replace("&#38;", "&")).await;
    assert_eq!(second.matches("class=\"audit-row").count(), 30);
    assert!(first.contains(">Older</a>") && !second.contains(">Older</a>"), "it is the last page");

    let answer = open(&studio, &studio.editor, "/admin/audit?verb=socket_closed&format=csv").await;
    assert_eq!(answer.headers()[CONTENT_TYPE], "text/csv; charset=utf-8");
    assert!(header(&answer, "content-disposition").contains("videoplanet-audit.csv"));
    let text = answer.text().await.unwrap();
    let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!((lines.len(), lines[0].split(',').count()), (131, 9));
    assert!(lines[1].contains(",socket_closed,") && lines[1].contains(",\"'=1+1\","), "{}", lines[1]);
    studio.stop().await;
}
