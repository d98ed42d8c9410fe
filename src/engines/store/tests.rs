//! The store by itself: durability, isolation, order, migrations.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::migrate::{self, Migration};
use super::*;
use crate::base::clock::Time;
use crate::base::event::Event;
use crate::base::ids::{ProjectId, UserId};
use crate::engines::metrics::metered;

/// A directory of its own that goes with the test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Dir {
        let dir = std::env::temp_dir().join(format!("vp-store-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        Dir(dir)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(dir: &Dir, effects: impl Fn(Batch) + Send + 'static) -> Store {
    Store::open(&Options::in_dir(&dir.0), Clock::set_at(1_000), effects).unwrap()
}

fn happened(tx: &mut Tx, project: i64) -> Result<i64> {
    let project = ProjectId(project);
    tx.emit(Some(project), Some(UserId(1)), Event::ProjectAdded { project }, None)
}

async fn seqs(store: &Store) -> Vec<i64> {
    store.read(|db| db.all("SELECT seq FROM events ORDER BY seq", params![], |r| r.get(0))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_fails_or_panics_takes_nobody_with_it_and_leaves_no_gap() {
    let dir = Dir::new("isolation");
    let store = open(&dir, |_| ());
    let mut writes = JoinSet::new();
    for i in 0..300i64 {
        let store = store.clone();
        writes.spawn(async move {
            let written = store
                .write(move |tx| {
                    happened(tx, i)?;
                    match i % 3 {
                        0 => Ok(()),
                        1 => Err(Error::Forbidden),
                        _ => panic!("on purpose"),
                    }
                })
                .await;
            assert_eq!(written.is_ok(), i % 3 == 0, "{i}: {written:?}");
        });
    }
    while let Some(done) = writes.join_next().await {
        done.unwrap();
    }
    assert_eq!(seqs(&store).await, (1..=100).collect::<Vec<_>>());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn effects_run_in_commit_order_and_before_the_answer() {
    let dir = Dir::new("effects");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = seen.clone();
    let store = open(&dir, move |batch| heard.lock().extend(batch.events.iter().map(|e| e.seq)));
    let mut writes = JoinSet::new();
    for i in 0..200 {
        let (store, seen) = (store.clone(), seen.clone());
        writes.spawn(async move {
            let seq = store.write(move |tx| happened(tx, i)).await.unwrap();
            assert!(seen.lock().contains(&seq), "the answer came before the effect");
        });
    }
    while let Some(done) = writes.join_next().await {
        done.unwrap();
    }
    assert_eq!(*seen.lock(), (1..=200).collect::<Vec<_>>());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_panics_does_not_stop_the_writer() {
    let dir = Dir::new("effect-panic");
    let store = open(&dir, |_| panic!("on purpose"));
    for i in 0..3 {
        store.write(move |tx| happened(tx, i)).await.unwrap();
    }
    assert_eq!(seqs(&store).await.len(), 3);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_busy_and_loses_nothing_that_it_took() {
    let dir = Dir::new("full");
    let options = Options { write_queue: 4, ..Options::in_dir(&dir.0) };
    let store = Store::open(&options, Clock::set_at(0), |_| ()).unwrap();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (began, has_begun) = std::sync::mpsc::channel::<()>();
    let blocked = tokio::spawn({
        let store = store.clone();
        async move {
            store
                .write(move |tx| {
                    let _ = began.send(());
                    let _ = wait.recv();
                    happened(tx, 0)
                })
                .await
        }
    });
    tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
    let mut writes = JoinSet::new();
    for i in 0..20 {
        let store = store.clone();
        writes.spawn(async move { store.write(move |tx| happened(tx, i)).await });
    }
    let busy = AtomicU32::new(0);
    let mut taken = 0;
    // Sixteen of them find the queue full and are told so while the writer still stands.
    for _ in 0..16 {
        match writes.join_next().await.unwrap().unwrap() {
            Err(Error::Busy { .. }) => busy.fetch_add(1, Ordering::Relaxed),
            other => panic!("{other:?}"),
        };
    }
    go.send(()).unwrap();
    blocked.await.unwrap().unwrap();
    while let Some(done) = writes.join_next().await {
        done.unwrap().unwrap();
        taken += 1;
    }
    assert_eq!((taken, seqs(&store).await.len()), (4, 5));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_sees_one_snapshot_and_cannot_write() {
    let dir = Dir::new("snapshot");
    let store = open(&dir, |_| ());
    store.write(|tx| happened(tx, 1)).await.unwrap();
    let (reader, handle) = (store.clone(), tokio::runtime::Handle::current());
    let count = "SELECT count(*) FROM events";
    let seen = store
        .read(move |db| {
            let before: Option<i64> = db.one(count, params![], |r| r.get(0))?;
            handle.block_on(reader.write(|tx| happened(tx, 2)))?;
            let after: Option<i64> = db.one(count, params![], |r| r.get(0))?;
            Ok((before, after))
        })
        .await
        .unwrap();
    assert_eq!(seen, (Some(1), Some(1)));
    let refused = store.read(|db| db.one("DELETE FROM events RETURNING seq", params![], |_| Ok(()))).await;
    assert!(refused.is_err());
    assert_eq!(seqs(&store).await.len(), 2);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_counted_for_the_one_who_asks() {
    let dir = Dir::new("counting");
    let store = open(&dir, |_| ());
    let meter = Meter::of(None);
    metered(meter.clone(), async {
        store.write(|tx| happened(tx, 1)).await.unwrap();
        seqs(&store).await;
        assert_eq!(Meter::present().unwrap().used().statements, 2);
    })
    .await;
    store.write(|tx| happened(tx, 2)).await.unwrap();
    assert_eq!(meter.used().statements, 2);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_slow_is_kept_with_its_plan_and_route_and_without_values() {
    const SQL: &str = "WITH RECURSIVE step(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM step WHERE n < 300000)
        SELECT max(n) FROM step WHERE ?1 <> ''";
    let dir = Dir::new("slow");
    let store = open(&dir, |_| ());
    store.watch(true, 1);
    metered(Meter::of(Some("GET /slow".into())), store.read(|db| db.one(SQL, ["a secret"], |r| r.get::<_, i64>(0))))
        .await
        .unwrap();
    let slow = store.slow_statements();
    let found = slow.iter().find(|s| s.sql.contains("RECURSIVE step(n)")).unwrap();
    assert_eq!((found.count, found.route.as_deref()), (1, Some("GET /slow")));
    assert!(found.max_us >= 1_000 && found.plan.contains("SCAN"), "{found:?}");
    assert!(!format!("{slow:?}").contains("secret"));
    store.watch(false, 1);
    store.read(|db| db.one(SQL, ["x"], |r| r.get::<_, i64>(0))).await.unwrap();
    assert_eq!(store.slow_statements(), slow);
    store.forget_slow();
    assert!(store.slow_statements().is_empty());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_and_readers_are_told() {
    let dir = Dir::new("told");
    let store = open(&dir, |_| ());
    let before = store.commits();
    store.write(|tx| happened(tx, 1)).await.unwrap();
    let after = store.commits();
    assert_eq!((after.count() - before.count(), after.changes - before.changes, after.failed), (1, 1, 0));
    let readers = store.readers();
    assert_eq!((readers.used, readers.all, readers.waiting), (0, 4 + AHEAD as usize, 0));
    // Four reads hold all connections; the fifth waits and is counted.
    let (go, wait) = tokio::sync::watch::channel(false);
    let held = |mut wait: tokio::sync::watch::Receiver<bool>| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .read(move |_| {
                    tokio::runtime::Handle::current()
                        .block_on(wait.wait_for(|go| *go))
                        .map(drop)
                        .map_err(Error::internal)
                })
                .await
        })
    };
    let reads: Vec<_> = (0..5).map(|_| held(wait.clone())).collect();
    while store.readers().waiting != 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!((store.readers().used, store.readers().waited), (4, 1));
    go.send(true).unwrap();
    for read in reads {
        read.await.unwrap().unwrap();
    }
    assert_eq!((store.readers().used, store.readers().waiting), (0, 0));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_tells_what_it_moved_and_who_was_in_its_way() {
    let dir = Dir::new("checkpoint");
    let store = open(&dir, |_| ());
    for i in 0..20 {
        store.write(move |tx| happened(tx, i)).await.unwrap();
    }
    assert!(store.last_checkpoint().is_none());
    // Somebody who still reads what was before the last change.
    let reader = rusqlite::Connection::open(dir.0.join("videoplanet.db")).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let n: i64 = reader.query_row("SELECT count(*) FROM events", [], |r| r.get(0)).unwrap();
    store.write(|tx| happened(tx, 99)).await.unwrap();
    let busy = store.checkpoint(Time(5)).await.unwrap();
    assert!(n == 20 && busy.busy && busy.moved_pages < busy.log_pages && busy.wal_bytes_after > 0, "{busy:?}");
    reader.execute_batch("COMMIT").unwrap();
    let done = store.checkpoint(Time(6)).await.unwrap();
    assert!(!done.busy && done.log_pages > 0 && done.moved_pages == done.log_pages, "{done:?}");
    assert_eq!((done.wal_bytes_after, store.last_checkpoint()), (0, Some(done)));
    let shape = store.shape().await.unwrap();
    assert!(shape.incremental_vacuum && shape.pages * shape.page_bytes == shape.file_bytes, "{shape:?}");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_beside_a_server_does_not_keep_it_from_writing() {
    let dir = Dir::new("beside");
    let store = open(&dir, |_| ());
    store.write(|tx| happened(tx, 1)).await.unwrap();
    // A replicator's long look, for which whoever empties the log would wait.
    let reader = rusqlite::Connection::open(dir.0.join("videoplanet.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM events").unwrap();
    store.write(|tx| happened(tx, 2)).await.unwrap();
    let beside = Options { readers: 1, beside: true, ..Options::in_dir(&dir.0) };
    let command = Store::open(&beside, Clock::set_at(1_000), |_| ()).unwrap();
    command.write(|tx| happened(tx, 3)).await.unwrap();
    let begun = std::time::Instant::now();
    command.close().await;
    store.write(|tx| happened(tx, 4)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    drop(reader);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_program_keeps_to_itself_is_busy() {
    let dir = Dir::new("kept");
    let store = open(&dir, |_| ());
    let other = rusqlite::Connection::open(dir.0.join("videoplanet.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.write(|tx| happened(tx, 1)).await;
    assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
    other.execute_batch("COMMIT").unwrap();
    store.write(|tx| happened(tx, 2)).await.unwrap();
    assert_eq!(seqs(&store).await.len(), 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_reserved_once() {
    let dir = Dir::new("once");
    let store = open(&dir, |_| ());
    let sql = "INSERT INTO users (email, nickname, site_role, locale, created_ms, updated_ms)
        VALUES ('a@b.c', 'a', 'member', 'ko', 0, 0)";
    let user = UserId(store.write(move |tx| tx.insert(sql, params![])).await.unwrap());
    let key = once::Key { user, key: "k".into(), request: vec![1] };
    let made = Arc::new(AtomicI64::new(0));
    let mut writes = JoinSet::new();
    for _ in 0..20 {
        let (store, key, made) = (store.clone(), key.clone(), made.clone());
        writes.spawn(async move {
            let done = store
                .write(move |tx| {
                    once::reserve(tx, &key)?;
                    happened(tx, 7)
                })
                .await;
            match done {
                Ok(_) => drop(made.fetch_add(1, Ordering::Relaxed)),
                Err(Error::Replay) => {}
                Err(e) => panic!("{e}"),
            }
        });
    }
    while let Some(done) = writes.join_next().await {
        done.unwrap();
    }
    assert_eq!((made.load(Ordering::Relaxed), seqs(&store).await.len()), (1, 1));
    store.close().await;
}

fn bare(dir: &Dir) -> rusqlite::Connection {
    let conn = rusqlite::Connection::open(dir.0.join("m.db")).unwrap();
    pragmas(&conn, &Options::in_dir(std::path::Path::new("."))).unwrap();
    conn
}

fn migration(number: i64, sql: &str) -> Migration {
    Migration { number, name: format!("m{number}"), sql: sql.into() }
}

#[test]
fn every_migration_applies_to_the_sample_rows_of_those_before_it() {
    let dir = Dir::new("samples");
    let mut conn = bare(&dir);
    let all = migrate::all();
    for (i, m) in all.iter().enumerate() {
        assert_eq!(m.number, i as i64 + 1, "migrations are numbered without gaps");
        migrate::run_list(&mut conn, &Options::in_dir(&dir.0), &Clock::set_at(0), &all[..=i]).unwrap();
        let sample = migrate::sample(m);
        assert!(!sample.is_empty(), "migration {} brings no sample rows", m.number);
        conn.execute_batch(&sample).unwrap();
    }
    let broken: Vec<String> = conn
        .prepare("PRAGMA foreign_key_check")
        .unwrap()
        .query_map([], |r| r.get(0))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn every_foreign_key_is_indexed_and_every_table_strict() {
    let dir = Dir::new("indexes");
    let mut conn = bare(&dir);
    migrate::run(&mut conn, &Options::in_dir(&dir.0), &Clock::set_at(0)).unwrap();
    let list = |sql: &str| -> Vec<String> {
        let mut statement = conn.prepare(sql).unwrap();
        statement.query_map([], |r| r.get(0)).unwrap().map(|r| r.unwrap()).collect()
    };
    let loose = "SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite%'";
    assert_eq!(list(loose), Vec::<String>::new());
    // A key is indexed if it is the first column of some index (the primary key's own among them).
    let missing = "SELECT t.name || '.' || k.\"from\" FROM pragma_table_list t, pragma_foreign_key_list(t.name) k
        WHERE t.type = 'table' AND NOT EXISTS (
            SELECT 1 FROM pragma_index_list(t.name) i, pragma_index_info(i.name) c
            WHERE c.seqno = 0 AND c.name = k.\"from\")
        AND NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name) p WHERE p.name = k.\"from\" AND p.pk = 1)";
    assert_eq!(list(missing), Vec::<String>::new());
}

#[test]
fn an_edited_migration_and_a_newer_database_are_refused_and_change_nothing() {
    let dir = Dir::new("edited");
    let mut conn = bare(&dir);
    let clock = Clock::set_at(0);
    let first = || migration(1, "CREATE TABLE a (x INTEGER) STRICT");
    let second = || migration(2, "CREATE TABLE b (x INTEGER) STRICT");
    migrate::run_list(&mut conn, &Options::in_dir(&dir.0), &clock, &[first(), second()]).unwrap();
    let edited = migration(1, "CREATE TABLE a (x INTEGER, y INTEGER) STRICT");
    let said =
        migrate::run_list(&mut conn, &Options::in_dir(&dir.0), &clock, &[edited, second()]).unwrap_err().to_string();
    assert!(said.contains("edited"), "{said}");
    let said = migrate::run_list(&mut conn, &Options::in_dir(&dir.0), &clock, &[first()]).unwrap_err().to_string();
    assert!(said.contains("newer videoplanet"), "{said}");
}

#[test]
fn a_migration_that_breaks_leaves_the_schema_as_it_was_and_a_snapshot_beside_it() {
    let dir = Dir::new("broken");
    let mut conn = bare(&dir);
    let clock = Clock::set_at(5);
    let first = || migration(1, "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1)");
    migrate::run_list(&mut conn, &Options::in_dir(&dir.0), &clock, &[first()]).unwrap();
    let broken = migration(2, "ALTER TABLE a ADD COLUMN y INTEGER; INSERT INTO nowhere VALUES (1)");
    assert!(migrate::run_list(&mut conn, &Options::in_dir(&dir.0), &clock, &[first(), broken]).is_err());
    let columns: i64 = conn.query_row("SELECT count(*) FROM pragma_table_info('a')", [], |r| r.get(0)).unwrap();
    assert_eq!(columns, 1);
    let snapshot = dir.0.join("snapshots").join("5-before-0002.db");
    let kept: i64 =
        rusqlite::Connection::open(snapshot).unwrap().query_row("SELECT x FROM a", [], |r| r.get(0)).unwrap();
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn settings_are_known_before_anything_is_open() {
    let dir = Dir::new("peek");
    assert_eq!(peek(&dir.0, "config."), vec![], "there is no database");
    std::fs::write(dir.0.join("videoplanet.db"), b"").unwrap();
    assert_eq!(peek(&dir.0, "config."), vec![], "there is no table");
    let store = open(&dir, |_| ());
    let set = |tx: &mut Tx| {
        tx.set_setting("config.media.jobs", "3")?;
        tx.set_setting("config.log.level", "\"debug\"")?;
        tx.set_setting("configuration", "no")?;
        tx.set_setting("closed_cleanup", "on")
    };
    store.write(set).await.unwrap();
    let kept: Vec<_> = [("config.log.level", "\"debug\""), ("config.media.jobs", "3")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    assert_eq!(peek(&dir.0, "config."), kept, "beside the program that has it open");
    assert_eq!(store.read(|db| db.settings("config.")).await.unwrap(), kept);
    // As a crash leaves it: the write is in the log alone.
    let crashed = Dir::new("peek-crashed");
    for name in ["videoplanet.db", "videoplanet.db-wal"] {
        std::fs::copy(dir.0.join(name), crashed.0.join(name)).unwrap();
    }
    assert_eq!(peek(&crashed.0, "config."), kept, "after a crash");
    store.write(|tx| tx.clear_setting("config.media.jobs")).await.unwrap();
    store.close().await;
    assert_eq!(peek(&dir.0, "config."), kept[..1], "after an orderly end");
    std::fs::write(dir.0.join("videoplanet.db"), b"no database at all, but long enough to look like something")
        .unwrap();
    assert_eq!(peek(&dir.0, "config."), vec![], "it is damaged");
}
