//! Upkeep: the journal, the jobs and the metrics forget what is old and keep what must stay; the database is tidied, and
//! damage is told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use videoplanet::base::clock::{Clock, DAY, MINUTE, Time};
use videoplanet::base::event::Event;
use videoplanet::base::job::{JobKind, JobState};
use videoplanet::domain::{journal, search};
use videoplanet::engines::metrics::history::{Sample, Width};
use videoplanet::engines::queue::{self, Keep, Pruned};
use videoplanet::engines::schedule;
use videoplanet::engines::store::{Db, Options, Store, Tx, params};
use videoplanet::work;

use crate::rooms::Screen;
use crate::studio::Studio;

fn never() -> CancellationToken {
    CancellationToken::new()
}

async fn studio(name: &str) -> Studio {
    Studio::at(name, Clock::set_at(Time::parse("2026-01-05T00:00:00Z").unwrap().0)).await
}

/// An event as it stands in the journal.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    seq: i64,
    at: i64,
    project: Option<i64>,
    feedback: Option<i64>,
    event: Event,
}

async fn told(studio: &Studio) -> Vec<Told> {
    let rows = studio.app.read(|db| {
        let sql = "SELECT seq, at_ms, project_id, feedback_id, body FROM events ORDER BY seq";
        db.all(sql, params![], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get::<_, String>(4)?)))
    });
    let rows = rows.await.unwrap().into_iter();
    rows.map(|(seq, at, project, feedback, body)| Told {
        seq,
        at,
        project,
        feedback,
        event: serde_json::from_str(&body).unwrap(),
    })
    .collect()
}

async fn comment(studio: &Studio, text: &str) {
    let path = format!("/feedbacks/{}/comments", studio.feedback);
    let answer = studio.editor.ask(Method::POST, &path).json(&json!({ "text": text })).send().await.unwrap();
    assert_eq!(answer.status(), 201);
}

/// What may not be forgotten, read off the laws and not off the statement.
fn expected(all: &[Told], now: Time) -> Vec<Told> {
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for t in all {
        let mut note = |of: String| last.insert(of, t.seq);
        if let Some(project) = t.project {
            note(format!("project {project}"));
            if t.event.is_frame() {
                note(format!("frame {project}"));
            }
        }
        if let Some(feedback) = t.feedback {
            note(format!("feedback {feedback}"));
        }
        if matches!(t.event, Event::UserChanged { .. }) {
            note("rename".into());
        }
    }
    let newest = all.last().unwrap().seq;
    let young = |t: &Told| t.at >= now.0 - if t.event.is_security() { 1095 } else { 365 } * DAY;
    all.iter().filter(|t| young(t) || t.seq == newest || last.values().any(|seq| *seq == t.seq)).cloned().collect()
}

#[tokio::test]
async fn the_journal_forgets_what_is_old_and_keeps_the_last_of_everything() {
    let studio = studio("prune-journal").await;
    let (app, clock) = (studio.app.clone(), studio.app.clock.clone());
    for n in 0..30 {
        comment(&studio, &format!("{n}")).await;
    }
    for name in ["하나", "둘"] {
        studio.editor.ask(Method::PATCH, "/me").json(&json!({ "nickname": name })).send().await.unwrap();
    }
    let mut screen = Screen::open(&studio, &studio.editor, "").await;
    let then = screen.next().await["seq"].as_i64().unwrap();
    drop(screen);
    comment(&studio, "마지막").await;
    let all = told(&studio).await;

    // Without an index that has taken them in, nothing goes.
    clock.advance(400 * DAY);
    let pruned = journal::prune::prune(&app, &never()).await.unwrap();
    assert_eq!((pruned.events, told(&studio).await.len()), (0, all.len()));
    let following = tokio::spawn(search::follow(app.clone()));
    search::settled(&app).await.unwrap();

    let both = |db: &Db| Ok((journal::revisions(db)?, journal::of_feedbacks(db)?));
    let revisions = async || format!("{:?}", app.read(both).await.unwrap());
    let before = revisions().await;
    let want = expected(&all, clock.now());
    let pruned = journal::prune::prune(&app, &never()).await.unwrap();
    assert_eq!(told(&studio).await, want);
    assert!(pruned.events >= 30 && pruned.events == all.len() - want.len(), "{pruned:?}");
    assert!(want.iter().any(|t| matches!(t.event, Event::LoggedIn { .. })), "sign-ins are kept longer");
    assert_eq!(revisions().await, before);
    assert_eq!(journal::prune::prune(&app, &never()).await.unwrap().events, 0);

    // Whoever comes back from before the gap begins anew; who missed nothing, or nothing that is gone, goes on.
    let last = want.iter().rev().find(|t| t.project == Some(studio.project.0)).unwrap().seq;
    let mut old = Screen::open(&studio, &studio.editor, &format!("&since={}", then - 20)).await;
    assert_eq!(old.next().await["type"], "initial_state");
    let mut there = Screen::open(&studio, &studio.editor, &format!("&since={last}")).await;
    assert_eq!(there.next().await["type"], "presence");
    comment(&studio, "새 이야기").await;
    let mut back = Screen::open(&studio, &studio.editor, &format!("&since={last}")).await;
    assert_eq!(back.next().await["comment"]["text"], "새 이야기");

    // The sign-ins go as well in the end. The index is still that of this journal, and so is the cache.
    search::settled(&app).await.unwrap();
    clock.advance(750 * DAY);
    let want = expected(&told(&studio).await, clock.now());
    journal::prune::prune(&app, &never()).await.unwrap();
    assert_eq!(told(&studio).await, want);
    assert!(!want.iter().any(|t| matches!(t.event, Event::LoggedIn { .. })), "{want:?}");
    let generation = app.index.whole().unwrap().number();
    drop((app, old, there, back));
    let studio = studio.restart().await;
    following.await.unwrap();
    tokio::spawn(search::follow(studio.app.clone()));
    comment(&studio, "다시").await;
    search::settled(&studio.app).await.unwrap();
    assert_eq!(studio.app.index.whole().unwrap().number(), generation, "the index was not built anew");
    studio.stop().await;
}

#[tokio::test]
async fn jobs_that_are_long_over_are_forgotten() {
    let studio = studio("prune-jobs").await;
    let now = studio.app.clock.now();
    let add = |tx: &mut Tx| {
        for (state, days) in
            [("done", 31), ("done", 29), ("cancelled", 31), ("failed", 89), ("failed", 91), ("dead", 91)]
        {
            tx.execute(
                "INSERT INTO jobs (kind, payload, lane, state, max_attempts, run_at_ms, created_ms, finished_ms)
                 VALUES ('clean_up', '{}', 'maintenance', ?1, 1, 0, 0, ?2)",
                params![state, tx.now().0 - days * DAY],
            )?;
        }
        tx.execute(
            "INSERT INTO jobs (kind, payload, lane, state, max_attempts, run_at_ms, created_ms)
             VALUES ('clean_up', '{}', 'maintenance', 'ready', 1, 0, 0)",
            params![],
        )?;
        tx.execute(
            "INSERT INTO schedules (name, cron, time_zone, missed, last_job_id, updated_ms)
             VALUES ('clean_up', '5 * * * *', 'UTC', 'run', (SELECT min(id) FROM jobs), 0)",
            params![],
        )
    };
    studio.app.store.write(add).await.unwrap();
    let keep = Keep { done: Some(now.plus(-30 * DAY)), failed: Some(now.plus(-90 * DAY)) };
    let pruned = queue::prune(&studio.app.store, keep, &never()).await.unwrap();
    assert_eq!(pruned, Pruned { done: 2, failed: 2 });
    let counts = studio.app.read(queue::counts).await.unwrap();
    let left: BTreeMap<_, _> = counts.into_iter().map(|(_, state, n)| (state, n)).collect();
    assert_eq!(left, [(JobState::Ready, 1), (JobState::Done, 1), (JobState::Failed, 1)].into());
    assert!(studio.app.read(|db| schedule::by_name(db, "clean_up")).await.unwrap().run.is_none());
    let for_ever = Keep { done: None, failed: None };
    assert_eq!(queue::prune(&studio.app.store, for_ever, &never()).await.unwrap(), Pruned::default());
    studio.stop().await;
}

#[tokio::test]
async fn what_is_counted_is_kept_once_and_over_a_restart() {
    let studio = studio("history").await;
    let (app, clock) = (studio.app.clone(), studio.app.clock.clone());
    let mut gauges = work::Gauges::default();
    clock.advance(400 * DAY);
    let begin = Width::Minute.begin(clock.now()).plus(MINUTE);
    work::keep_second(&app, &mut gauges).await.unwrap();
    clock.advance(begin.0 - clock.now().0);
    work::keep_second(&app, &mut gauges).await.unwrap();
    for _ in 0..7 {
        assert_eq!(studio.editor.get("/projects").await.status(), 200);
    }
    for _ in 0..2 {
        clock.advance(MINUTE);
        work::keep_second(&app, &mut gauges).await.unwrap();
    }
    let minutes = app.history.list(Width::Minute, begin, Time(i64::MAX)).unwrap();
    let minutes: Vec<Sample> = minutes.into_iter().map(|(_, sample)| sample).collect();
    assert_eq!((minutes.len(), minutes[0].requests, minutes[1].requests), (2, 7, 0));
    assert!(minutes[0].p95_us > 0 && minutes[0].cache_hits.iter().sum::<u64>() + minutes[0].cache_misses >= 7);
    assert!(minutes[1].disk_free_bytes > 0 && minutes[1].database_bytes > 0);
    assert!(minutes[1].memory.values().sum::<u64>() > 0 && minutes[1].open_files > 0, "{:?}", minutes[1]);
    studio.stop().await;
}

#[tokio::test]
async fn the_database_is_tidied_and_nobody_waits_long() {
    let studio = studio("tidy-db").await;
    let store = &studio.app.store;
    let fill = |tx: &mut Tx| {
        for n in 0..2_000 {
            let value = "x".repeat(3_000);
            tx.execute("INSERT INTO settings (key, value) VALUES (?1, ?2)", params![format!("filler {n}"), value])?;
        }
        Ok(())
    };
    store.write(fill).await.unwrap();
    store.write(|tx| tx.execute("DELETE FROM settings WHERE key LIKE 'filler %'", params![])).await.unwrap();
    let tidied = store.tidy(never()).await.unwrap();
    assert!(tidied.incremental_vacuum && tidied.tables_analyzed > 0, "{tidied:?}");
    assert!(tidied.pages_freed > 1_000 && tidied.free_pages == 0, "{tidied:?}");
    assert!(tidied.log_emptied && tidied.wal_bytes_before > 0 && tidied.wal_bytes_after == 0, "{tidied:?}");
    // Six million bytes were there.
    assert!(store.size_bytes().0 < 3_000_000, "{:?}", store.size_bytes());
    assert_eq!(store.tidy(never()).await.unwrap().pages_freed, 0);

    // Somebody reads for long: the log stays, and writers go on.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (begun, reads) = tokio::sync::oneshot::channel();
    let reader = store.clone();
    let reading = tokio::spawn(async move {
        let read = reader.read(move |db| {
            db.one("SELECT count(*) FROM settings", params![], |r| r.get::<_, i64>(0))?;
            let _ = begun.send(());
            let _ = wait.recv();
            Ok(())
        });
        read.await.unwrap();
    });
    reads.await.unwrap();
    let put = |tx: &mut Tx| tx.execute("INSERT INTO settings (key, value) VALUES ('later', 'x')", params![]);
    store.write(put).await.unwrap();
    let begin = Instant::now();
    let tidied = store.tidy(never()).await.unwrap();
    assert!(!tidied.log_emptied && tidied.wal_bytes_after > 0, "{tidied:?}");
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    go.send(()).unwrap();
    reading.await.unwrap();
    studio.stop().await;
}

/// Overwrites the root page of an index with what no page looks like.
fn damage(database: &std::path::Path, index: &str) {
    let conn = rusqlite::Connection::open(database).unwrap();
    let root: u64 = conn
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [index], |r| r.get::<_, i64>(0))
        .unwrap() as u64;
    let size: u64 = conn.query_row("PRAGMA page_size", [], |r| r.get::<_, i64>(0)).unwrap() as u64;
    drop(conn);
    use std::os::unix::fs::FileExt;
    let file = std::fs::OpenOptions::new().write(true).open(database).unwrap();
    file.write_all_at(&vec![0xA5; size as usize], (root - 1) * size).unwrap();
}

#[tokio::test]
async fn damage_is_found_and_told() {
    let studio = studio("damage").await;
    let whole = studio.app.store.check(never()).await.unwrap();
    assert!(whole.damages.is_empty() && whole.pages > 10, "{whole:?}");

    // A copy without a row that another one refers to.
    let copy = studio.dir.path().join("copy");
    std::fs::create_dir_all(&copy).unwrap();
    let name = copy.join("videoplanet.db");
    let from = rusqlite::Connection::open(studio.dir.path().join("data/videoplanet.db")).unwrap();
    from.execute("VACUUM INTO ?1", [name.to_str().unwrap()]).unwrap();
    drop(from);
    let conn = rusqlite::Connection::open(&name).unwrap();
    conn.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM feedbacks; DELETE FROM users WHERE id = 3").unwrap();
    drop(conn);
    let store = Store::open(&Options::in_dir(&copy), Clock::System, |_| ()).unwrap();
    let checked = store.check(never()).await.unwrap();
    assert!(checked.damages.iter().any(|d| d.contains("refers to a row of users")), "{checked:?}");
    store.close().await;

    // A page that is none any more: the job fails with the finding, and the page of the schedule shows it.
    let database = studio.dir.path().join("data/videoplanet.db");
    let studio = studio.stopped(|| damage(&database, "invitations_by_inviter")).await;
    studio.app.setup.done();
    studio.work().await;
    let entry = work::entry("integrity_check").unwrap();
    let job = studio.app.store.write(move |tx| schedule::run_now(tx, None, entry)).await.unwrap();
    let mut row = None;
    for _ in 0..200 {
        row = studio.app.read(move |db| queue::by_id(db, job)).await.unwrap();
        if row.as_ref().is_some_and(|r| r.finished.is_some()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let row = row.unwrap();
    assert_eq!((row.kind, row.state, row.attempts), (JobKind::IntegrityCheck, JobState::Failed, 1));
    let error = row.error.unwrap();
    assert!(!error.is_empty() && error.len() < 8_000, "{error}");
    let page = reqwest::Client::new()
        .get(format!("{}/admin/schedule", studio.url))
        .header("cookie", format!("vp_session={}", studio.editor.token));
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("job-failed") && page.contains(&format!("/admin/jobs?list=failed#job-{job}")));
    studio.stop().await;
}
