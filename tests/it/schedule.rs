//! The schedule: each run once, whatever was switched off meanwhile; steered from the page and from the shell.

use std::process::Command;

use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use videoplanet::base::clock::{Clock, DAY, HOUR, MINUTE, Time};
use videoplanet::base::error::Error;
use videoplanet::base::event::Event;
use videoplanet::engines::schedule::{self, Change, Missed, Row};
use videoplanet::engines::store::params;
use videoplanet::work;

use crate::studio::{Someone, Studio, header};

/// A Tuesday, 09:00 in Seoul.
const NINE: &str = "2026-11-24T00:00:00Z";

async fn begun(studio: &Studio) {
    studio.app.store.write(|tx| schedule::begin(tx, work::SCHEDULE, "Asia/Seoul")).await.unwrap();
}

async fn studio(name: &str) -> Studio {
    let studio = Studio::at(name, Clock::set_at(Time::parse(NINE).unwrap().0)).await;
    studio.app.setup.done();
    begun(&studio).await;
    studio
}

async fn row(studio: &Studio, name: &'static str) -> Row {
    studio.app.read(move |db| schedule::by_name(db, name)).await.unwrap()
}

/// Jobs of a kind that were ever added.
async fn jobs(studio: &Studio, kind: &'static str) -> i64 {
    let count =
        studio.app.read(move |db| db.one("SELECT count(*) FROM jobs WHERE kind = ?1", params![kind], |r| r.get(0)));
    count.await.unwrap().unwrap()
}

/// All that waits is over.
async fn finish(studio: &Studio) {
    let done = |tx: &mut videoplanet::engines::store::Tx| {
        tx.execute("UPDATE jobs SET state = 'done', finished_ms = ?1", params![tx.now()])
    };
    studio.app.store.write(done).await.unwrap();
}

async fn journal(studio: &Studio) -> Vec<(Option<i64>, Event)> {
    let rows = studio.app.read(|db| {
        let sql = "SELECT actor_id, body FROM events ORDER BY seq";
        db.all(sql, params![], |r| Ok((r.get(0)?, r.get::<_, String>(1)?)))
    });
    rows.await.unwrap().into_iter().map(|(a, b)| (a, serde_json::from_str(&b).unwrap())).collect()
}

fn at(text: &str) -> Time {
    Time::parse(text).unwrap()
}

#[tokio::test]
async fn what_is_due_runs_once() {
    let studio = studio("schedule-due").await;
    let clock = studio.app.clock.clone();
    // At the start: the clean-up and the warming. The rest waits for its time in Seoul.
    assert_eq!((jobs(&studio, "clean_up").await, jobs(&studio, "prune_jobs").await), (1, 0));
    assert_eq!(row(&studio, "prune_jobs").await.next, Some(at("2026-11-24T18:10:00Z")));
    assert_eq!(row(&studio, "clean_up").await.next, Some(at("2026-11-24T00:05:00Z")));
    assert_eq!(work::tick(&studio.app).await.unwrap(), 0);

    // The ones from the start still wait: the runs that are due (clean-up, digests) are the same.
    clock.advance(5 * MINUTE);
    assert_eq!(work::tick(&studio.app).await.unwrap(), 2);
    assert_eq!(jobs(&studio, "clean_up").await, 1);
    finish(&studio).await;
    for _ in 0..3 {
        clock.advance(HOUR);
        work::tick(&studio.app).await.unwrap();
        work::tick(&studio.app).await.unwrap();
        finish(&studio).await;
    }
    assert_eq!(jobs(&studio, "clean_up").await, 4);
    let clean_up = row(&studio, "clean_up").await;
    assert_eq!((clean_up.last, clean_up.next), (Some(clock.now()), Some(clock.now().plus(HOUR))));
    assert!(clean_up.run.is_some());
    studio.stop().await;
}

#[tokio::test]
async fn what_was_missed_is_made_up_for_once_or_left_out() {
    let studio = studio("schedule-missed").await;
    let skip = Change { cron: "25 3 * * *".into(), time_zone: "Asia/Seoul".into(), missed: Missed::Skip };
    studio.app.store.write(|tx| schedule::change(tx, None, "prune_journal", skip)).await.unwrap();
    finish(&studio).await;

    let clock = studio.app.clock.clone();
    clock.advance(5 * DAY);
    let studio = studio.restart().await;
    begun(&studio).await;
    work::tick(&studio.app).await.unwrap();
    work::tick(&studio.app).await.unwrap();
    // Five nights were missed.
    assert_eq!((jobs(&studio, "prune_jobs").await, jobs(&studio, "prune_journal").await), (1, 0));
    for name in ["prune_jobs", "prune_journal"] {
        assert!(row(&studio, name).await.next.unwrap() > clock.now(), "{name}");
    }
    // A little late is not missed.
    let due = row(&studio, "prune_journal").await.next.unwrap();
    clock.advance(due.0 - clock.now().0 + 30_000);
    work::tick(&studio.app).await.unwrap();
    assert_eq!(jobs(&studio, "prune_journal").await, 1);
    studio.stop().await;
}

#[tokio::test]
async fn an_admins_change_survives_and_the_rest_follows_the_settings() {
    let studio = studio("schedule-edited").await;
    let to = Change { cron: "0 5 * * 1".into(), time_zone: "Europe/Berlin".into(), missed: Missed::Skip };
    studio.app.store.write(|tx| schedule::change(tx, None, "db_optimize", to)).await.unwrap();
    let next = row(&studio, "db_optimize").await.next;
    assert_eq!(next, Some(at("2026-11-30T04:00:00Z")));
    let studio = studio.restart().await;
    studio.app.store.write(|tx| schedule::begin(tx, work::SCHEDULE, "UTC")).await.unwrap();
    let edited = row(&studio, "db_optimize").await;
    assert_eq!((edited.cron.as_str(), edited.next, edited.missed), ("0 5 * * 1", next, Missed::Skip));
    let other = row(&studio, "prune_jobs").await;
    assert_eq!((other.time_zone.as_str(), other.next), ("UTC", Some(at("2026-11-24T03:10:00Z"))));
    studio.stop().await;
}

#[tokio::test]
async fn what_is_paused_waits_and_makes_up_for_nothing() {
    let studio = studio("schedule-paused").await;
    studio.app.store.write(|tx| schedule::set_paused(tx, None, "prune_jobs", true)).await.unwrap();
    let clock = studio.app.clock.clone();
    clock.advance(2 * DAY);
    work::tick(&studio.app).await.unwrap();
    assert_eq!(jobs(&studio, "prune_jobs").await, 0);
    // By hand it runs all the same.
    studio.app.store.write(|tx| schedule::run_now(tx, None, work::entry("prune_jobs").unwrap())).await.unwrap();
    assert_eq!((jobs(&studio, "prune_jobs").await, row(&studio, "prune_jobs").await.last), (1, Some(clock.now())));
    finish(&studio).await;
    studio.app.store.write(|tx| schedule::set_paused(tx, None, "prune_jobs", false)).await.unwrap();
    work::tick(&studio.app).await.unwrap();
    assert_eq!(jobs(&studio, "prune_jobs").await, 1);
    assert_eq!(row(&studio, "prune_jobs").await.next, Some(at("2026-11-26T18:10:00Z")));

    // A row that nobody can read any more stands still and harms no other.
    let broken = |tx: &mut videoplanet::engines::store::Tx| {
        tx.execute("UPDATE schedules SET cron = 'nonsense' WHERE name = 'prune_jobs'", params![])
    };
    studio.app.store.write(broken).await.unwrap();
    clock.advance(DAY);
    assert!(work::tick(&studio.app).await.unwrap() > 1);
    assert_eq!(row(&studio, "prune_jobs").await.next, None);
    assert_eq!(work::tick(&studio.app).await.unwrap(), 0);
    studio.stop().await;
}

#[tokio::test]
async fn a_running_server_does_what_becomes_due() {
    let studio = studio("schedule-runs").await;
    studio.work().await;
    studio.app.clock.advance(19 * HOUR);
    for _ in 0..200 {
        let state = row(&studio, "prune_jobs").await.run.map(|run| run.state.to_string());
        if state.as_deref() == Some("done") {
            studio.stop().await;
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("never done: {:?}", row(&studio, "prune_jobs").await);
}

async fn open(studio: &Studio, who: &Someone) -> Response {
    let cookie = format!("vp_session={}", who.token);
    Client::new().get(format!("{}/admin/schedule", studio.url)).header("cookie", cookie).send().await.unwrap()
}

async fn send(studio: &Studio, who: &Someone, path: &str, fields: &[(&str, &str)]) -> Response {
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let request = client.post(format!("{}/admin/schedule/{path}", studio.url));
    let request = request.header("cookie", format!("vp_session={}", who.token));
    request.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.unwrap()
}

#[tokio::test]
async fn the_page_steers_it_and_every_action_is_in_the_journal() {
    let studio = studio("schedule-page").await;
    let editor = &studio.editor;
    let page = open(&studio, editor).await.text().await.unwrap();
    assert!(page.contains("every day at 03:40") && page.contains("2026-11-25 03:40"), "{page}");

    let plan = |cron, zone| [("cron", cron), ("time_zone", zone), ("missed", "skip")];
    let refused = send(&studio, editor, "db_optimize", &plan("61 3 * * *", "Seoul")).await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    for said in ["The minute “61” cannot be read", "The IANA name of a zone", "value=\"61 3 * * *\"", "value=\"Seoul\""]
    {
        assert!(page.contains(said), "{said}");
    }
    // The fault stands beside one field of one form, which is open.
    assert_eq!(page.matches("aria-invalid").count(), 2);
    assert_eq!(page.matches("<details class=\"plan-edit\" open>").count(), 1);
    let refused = send(&studio, editor, "db_optimize", &plan("0 0 31 2 *", "UTC")).await;
    assert!(refused.text().await.unwrap().contains("Such a date never comes"));
    assert_eq!(row(&studio, "db_optimize").await.cron, "40 3 * * *");

    let saved = send(&studio, editor, "db_optimize", &plan("15 4 * * mon", "Europe/Berlin")).await;
    assert_eq!(
        (saved.status().as_u16(), header(&saved, "location")),
        (303, "/admin/schedule?done=planned#db_optimize".into())
    );
    assert_eq!(send(&studio, editor, "db_optimize/pause", &[]).await.status(), 303);
    assert!(row(&studio, "db_optimize").await.paused);
    assert_eq!(send(&studio, editor, "db_optimize/resume", &[]).await.status(), 303);
    assert_eq!(row(&studio, "db_optimize").await.next, Some(at("2026-11-30T03:15:00Z")));
    assert_eq!(send(&studio, editor, "db_optimize/run", &[]).await.status(), 303);
    assert_eq!(jobs(&studio, "db_optimize").await, 1);
    assert_eq!(send(&studio, editor, "nonsense/run", &[]).await.status(), 404);
    assert!(open(&studio, editor).await.text().await.unwrap().contains("every Monday at 04:15"));

    let told: Vec<_> = journal(&studio).await.into_iter().rev().take(4).rev().collect();
    let name = || "db_optimize".to_owned();
    let fields = ["cron", "time_zone", "missed"].map(str::to_owned).to_vec();
    let Event::ScheduleChanged { name: of, fields: changed, before, after } = &told[0].1 else { panic!("{told:?}") };
    assert_eq!((of, changed), (&name(), &fields));
    let (before, after) = (before.as_ref().unwrap(), after.as_ref().unwrap());
    assert_eq!((before.len(), after.len()), (3, 3));
    assert_eq!((&*before[0], &*after[1]), ("40 3 * * *", "Europe/Berlin"));
    assert_eq!(
        (&told[1].1, &told[2].1),
        (&Event::SchedulePaused { name: name() }, &Event::ScheduleResumed { name: name() })
    );
    assert!(matches!(told[3].1, Event::JobAsked { .. }));
    assert!(told.iter().all(|(actor, _)| *actor == Some(editor.id.0)));

    // An operator runs and changes nothing; to everybody else there is no such page.
    studio.operate(&studio.viewer).await;
    let page = open(&studio, &studio.viewer).await.text().await.unwrap();
    assert!(page.contains("/db_optimize/run") && !page.contains("/db_optimize/pause") && !page.contains("plan-form"));
    assert_eq!(send(&studio, &studio.viewer, "clean_up/run", &[]).await.status(), 303);
    for path in ["clean_up", "clean_up/pause", "clean_up/resume"] {
        assert_eq!(send(&studio, &studio.viewer, path, &plan("0 0 * * *", "UTC")).await.status(), 403, "{path}");
        assert_eq!(send(&studio, &studio.stranger, path, &[]).await.status(), 404, "{path}");
    }
    studio.stop().await;
}

#[tokio::test]
async fn the_shell_steers_a_running_server() {
    let studio = studio("schedule-shell").await;
    let data = studio.dir.path().join("data");
    let shell = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_videoplanet"));
        let out = command.arg("--data").arg(&data).arg("schedule").args(words).output().unwrap();
        let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        (out.status.success(), said)
    };
    let (good, list) = shell(&["list"]);
    assert!(good && list.contains("prune_jobs") && list.contains("every day at 03:10"), "{list}");
    assert!(shell(&["pause", "prune_jobs"]).0);
    assert!(row(&studio, "prune_jobs").await.paused);
    assert!(shell(&["list"]).1.contains("paused"));
    assert!(shell(&["resume", "prune_jobs"]).0);
    assert!(!row(&studio, "prune_jobs").await.paused);
    assert!(shell(&["run", "prune_jobs"]).0);
    assert_eq!(jobs(&studio, "prune_jobs").await, 1);
    let (good, said) = shell(&["run", "prune_job"]);
    assert!(!good && said.contains("db_optimize"), "{said}");
    assert!(matches!(work::entry("prune_job"), Err(Error::NotFound(_))));
    studio.stop().await;
}
