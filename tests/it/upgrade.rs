//! Data directories of earlier versions (tests/fixtures/upgrade, see the README there) under the present program: they
//! open, nothing is lost, and there is a way back, also for a program that is killed on it. One of a newer version is
//! refused and left as it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::clips::Dir;
use crate::crash::{Server, program};
use crate::supervisor::Supervisor;

/// Schema number and packed database of each earlier state, oldest first.
fn fixtures() -> Vec<(i64, PathBuf)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/upgrade");
    let mut found: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let number = path.file_name()?.to_str()?.strip_suffix(".db.zst")?.parse().ok()?;
            Some((number, path))
        })
        .collect();
    found.sort();
    found
}

/// The migrations of this program.
fn newest() -> i64 {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let number = |name: String| name.get(..4)?.parse::<i64>().ok();
    std::fs::read_dir(dir).unwrap().filter_map(|e| number(e.unwrap().file_name().into_string().unwrap())).max().unwrap()
}

/// The oldest state that has been left behind by more than one migration.
fn oldest() -> (i64, PathBuf) {
    fixtures().into_iter().next().unwrap()
}

fn unpacked(name: &str, packed: &Path) -> (Dir, PathBuf) {
    let dir = Dir::new(name);
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let bytes = zstd::decode_all(std::fs::File::open(packed).unwrap()).unwrap();
    std::fs::write(data.join("videoplanet.db"), bytes).unwrap();
    (dir, data)
}

fn run(data: &Path, words: &[&str]) -> Output {
    program(data).args(words).stderr(Stdio::piped()).output().unwrap()
}

fn done(data: &Path, words: &[&str]) -> String {
    let output = run(data, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(data: &Path, words: &[&str]) -> String {
    let output = run(data, words);
    assert!(!output.status.success(), "{words:?} was not refused");
    String::from_utf8(output.stderr).unwrap()
}

fn number(conn: &Connection, sql: &str) -> i64 {
    conn.query_row(sql, [], |r| r.get(0)).unwrap()
}

fn schema(data: &Path) -> i64 {
    number(&Connection::open(data.join("videoplanet.db")).unwrap(), "SELECT max(number) FROM migrations")
}

fn whole(database: &Path) {
    let conn = Connection::open(database).unwrap();
    let said: String = conn.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
    assert_eq!(said, "ok", "{}", database.display());
}

/// What the editor may see, counted in the tables.
fn counted(database: &Path) -> BTreeMap<&'static str, i64> {
    let conn = Connection::open(database).unwrap();
    let projects = "SELECT p.id FROM projects p JOIN members m ON m.project_id = p.id JOIN users u ON u.id = m.user_id
        WHERE u.email = 'editor@example.com' AND p.deleted_ms IS NULL";
    let count = |sql: String| number(&conn, &sql);
    // Versions went for good before there was a trash.
    let trash = number(&conn, "SELECT count(*) FROM pragma_table_info('media') WHERE name = 'deleted_ms'") > 0;
    let here = if trash { "deleted_ms IS NULL" } else { "1" };
    BTreeMap::from([
        ("projects", count(format!("SELECT count(*) FROM ({projects})"))),
        ("feedbacks", count(format!("SELECT count(*) FROM feedbacks WHERE project_id IN ({projects})"))),
        ("comments", count(format!("SELECT count(*) FROM comments WHERE project_id IN ({projects})"))),
        ("versions", count(format!("SELECT count(*) FROM media WHERE {here} AND project_id IN ({projects})"))),
    ])
}

async fn asked(server: &Server, path: &str) -> Value {
    let answer = server.ask(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

fn results(answer: &Value) -> Vec<Value> {
    answer["results"].as_array().or(answer.as_array()).unwrap_or_else(|| panic!("{answer}")).clone()
}

/// The same as it is told over REST.
async fn told(server: &Server) -> BTreeMap<&'static str, i64> {
    let mut told = BTreeMap::from([("projects", 0), ("feedbacks", 0), ("comments", 0), ("versions", 0)]);
    let mut more = |what: &str, rows: &[Value]| *told.get_mut(what).unwrap() += rows.len() as i64;
    let projects = results(&asked(server, "/projects?page_size=100").await);
    more("projects", &projects);
    for project in projects {
        let feedbacks = results(&asked(server, &format!("/projects/{}/feedbacks?page_size=100", project["id"])).await);
        more("feedbacks", &feedbacks);
        for feedback in feedbacks {
            let id = &feedback["id"];
            more("comments", &results(&asked(server, &format!("/feedbacks/{id}/comments?page_size=100")).await));
            more("versions", &results(&asked(server, &format!("/feedbacks/{id}/media")).await));
        }
    }
    told
}

/// Ready, searching, and as it was before.
async fn serves(server: &Server, before: &BTreeMap<&'static str, i64>) {
    let until = Instant::now() + Duration::from_secs(60);
    let ready = async || reqwest::get(format!("{}/ready", server.url)).await.unwrap().status();
    while ready().await != 200 {
        assert!(Instant::now() < until, "it never gets ready");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(told(server).await, *before);
    let word = results(&asked(server, "/projects").await)[0]["name"].as_str().unwrap().to_owned();
    let word = form_urlencoded::byte_serialize(word.split(' ').next().unwrap().as_bytes()).collect::<String>();
    while results(&asked(server, &format!("/search?q={word}")).await).is_empty() {
        assert!(Instant::now() < until, "search never finds {word}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn snapshots(data: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(data.join("snapshots")).into_iter().flatten();
    entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

/// What ways back have put aside.
fn aside(data: &Path) -> Vec<PathBuf> {
    let name = |p: &PathBuf| p.file_name().unwrap().to_str().unwrap().starts_with("before-rollback-");
    let mut found: Vec<_> = std::fs::read_dir(data).unwrap().map(|e| e.unwrap().path()).filter(name).collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_earlier_state_opens_with_all_that_was_in_it_and_there_is_a_way_back() {
    let newest = newest();
    let all = fixtures();
    assert!(all.len() >= 5, "{all:?}");
    for (number, packed) in all {
        let (_dir, data) = unpacked(&format!("upgrade-{number}"), &packed);
        let database = data.join("videoplanet.db");
        assert_eq!(schema(&data), number, "{}", packed.display());
        let before = counted(&database);
        assert!(before.values().all(|n| *n > 0), "{number}: {before:?}");

        let server = Server::start(&data).await;
        serves(&server, &before).await;
        server.end().await;
        whole(&database);
        assert_eq!((schema(&data), counted(&database)), (newest, before.clone()), "{number}");
        if number == newest {
            assert_eq!(snapshots(&data), Vec::<String>::new(), "nothing was migrated");
            continue;
        }
        let taken = snapshots(&data);
        assert_eq!(taken.len(), 1, "one for all that was missing: {taken:?}");
        assert!(taken[0].ends_with(&format!("-before-{:04}.db", number + 1)), "{taken:?}");
        let listed = done(&data, &["rollback", "--list"]);
        assert!(listed.contains(&taken[0]) && listed.contains(&format!("schema {number}")), "{listed}");

        done(&data, &["rollback", "--yes"]);
        whole(&database);
        assert_eq!((schema(&data), counted(&database)), (number, before.clone()));
        assert!(!data.join("index").exists() && !data.join("cache").exists());
        let put_aside = aside(&data);
        let [kept] = &put_aside[..] else { panic!("{put_aside:?}") };
        whole(&kept.join("videoplanet.db"));
        assert_eq!(schema(kept), newest);

        let server = Server::start(&data).await;
        serves(&server, &before).await;
        server.end().await;
        assert_eq!((schema(&data), snapshots(&data).len()), (newest, 1));
    }
}

/// A successor that migrates takes its time; the socket outlives the old program, and whoever asks meanwhile waits.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_while_the_successor_migrates_is_answered() {
    let (from, packed) = oldest();
    let (dir, data) = unpacked("upgrade-under-load", &packed);
    let supervisor = Supervisor::new(dir.path(), &data, 1);
    let url = format!("http://{}/api/v1/auth/login", supervisor.address);
    let login = json!({ "email": "editor@example.com", "password": "correct horse battery" });
    let mut asking = JoinSet::new();
    for _ in 0..8 {
        asking.spawn(reqwest::Client::new().post(&url).json(&login).timeout(Duration::from_secs(60)).send());
    }
    // Nobody accepts yet.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(asking.try_join_next().is_none() && schema(&data) == from);
    let process = supervisor.start(&[]);
    while let Some(answer) = asking.join_next().await {
        assert_eq!(answer.unwrap().expect("nobody is refused").status(), 200);
    }
    assert_eq!(schema(&data), newest());
    assert_eq!(snapshots(&data).len(), 1);
    process.end().await;
}

/// Everything in a directory, with what it holds.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for path in std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
        if path.is_dir() {
            found.extend(contents(&path));
            found.insert(path, Vec::new());
        } else if path.file_name().unwrap() != "lock" {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_directory_of_a_newer_version_is_refused_and_left_as_it_is() {
    let (_, packed) = fixtures().pop().unwrap();
    let (_dir, data) = unpacked("newer", &packed);
    let conn = Connection::open(data.join("videoplanet.db")).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = DELETE; INSERT INTO migrations (number, name, sha256, applied_ms) VALUES (9999, 'x', '', 0)",
    )
    .unwrap();
    drop(conn);
    // What a start might sweep away.
    std::fs::create_dir_all(data.join("index/7-1")).unwrap();
    std::fs::write(data.join("index/7-1/meta.json"), b"{}").unwrap();
    let before = contents(&data);
    let said = refused(&data, &["--set", "server.bind=127.0.0.1:0", "serve"]);
    assert!(said.contains("newer videoplanet") && said.contains("9999") && said.contains("rollback"), "{said}");
    assert_eq!(contents(&data), before, "serve");
    let said = refused(&data, &["user", "reset", "editor@example.com"]);
    assert!(said.contains("newer videoplanet"), "{said}");
    let said = refused(&data, &["rollback", "--yes"]);
    assert!(said.contains("no snapshots"), "{said}");
    assert_eq!(schema(&data), 9999);
}

/// A directory that was brought up to date, with a snapshot of before.
fn migrated(name: &str) -> (Dir, PathBuf, i64) {
    let (number, packed) = oldest();
    let (dir, data) = unpacked(name, &packed);
    // Enough that a kill can fall into the copying.
    let ballast = "x".repeat(6 << 20);
    let conn = Connection::open(data.join("videoplanet.db")).unwrap();
    conn.execute("INSERT INTO settings (key, value) VALUES ('ballast', ?1)", [ballast]).unwrap();
    drop(conn);
    done(&data, &["jobs", "list"]);
    assert_eq!(schema(&data), newest());
    (dir, data, number)
}

const SINCE: &str = "SELECT count(*) FROM settings WHERE key = 'since'";

/// Writes something and leaves it as a crash does: acknowledged, and in the log alone.
fn crashed(data: &Path) {
    let live = data.join("videoplanet.db");
    let conn = Connection::open(&live).unwrap();
    conn.execute_batch("PRAGMA journal_mode = WAL; INSERT INTO settings (key, value) VALUES ('since', 'x')").unwrap();
    let names = ["videoplanet.db", "videoplanet.db-wal"];
    for name in names {
        std::fs::copy(data.join(name), data.join(format!("{name}.copy"))).unwrap();
    }
    drop(conn);
    for name in names {
        std::fs::rename(data.join(format!("{name}.copy")), data.join(name)).unwrap();
    }
    assert!(std::fs::metadata(data.join("videoplanet.db-wal")).unwrap().len() > 0);
}

/// Has the database in `dir` what was written after the snapshot?
fn since(dir: &Path) -> bool {
    number(&Connection::open(dir.join("videoplanet.db")).unwrap(), SINCE) == 1
}

#[test]
fn the_log_of_the_replaced_database_goes_with_it() {
    let (_dir, data, number) = migrated("stale-log");
    crashed(&data);
    done(&data, &["rollback", "--yes"]);
    // Nothing of the log is replayed into the snapshot, and nothing of it is lost.
    assert!(!data.join("videoplanet.db-wal").exists());
    assert_eq!((schema(&data), since(&data)), (number, false));
    whole(&data.join("videoplanet.db"));
    let kept = aside(&data).pop().unwrap();
    assert!(since(&kept));
    assert_eq!(schema(&kept), newest());
}

#[test]
fn a_damaged_database_is_put_aside_with_its_log_as_it_is() {
    use std::os::unix::fs::FileExt;
    let (_dir, data, number) = migrated("damaged");
    crashed(&data);
    // The heads of both files: of the log alone SQLite could heal the other one.
    for name in ["videoplanet.db", "videoplanet.db-wal"] {
        let file = std::fs::OpenOptions::new().write(true).open(data.join(name)).unwrap();
        file.write_all_at(&[0x5a; 100], 0).unwrap();
    }
    let log = std::fs::read(data.join("videoplanet.db-wal")).unwrap();
    done(&data, &["rollback", "--yes"]);
    assert_eq!((schema(&data), since(&data)), (number, false));
    whole(&data.join("videoplanet.db"));
    let kept = aside(&data).pop().unwrap();
    assert_eq!(std::fs::read(kept.join("videoplanet.db-wal")).unwrap(), log);
}

#[test]
fn killed_on_the_way_back_the_directory_has_the_one_database_or_the_other() {
    let (_dir, data, number) = migrated("rollback-killed");
    let mut took = Duration::from_millis(200);
    let (mut before, mut after) = (0, 0);
    for round in 0..16u32 {
        crashed(&data);
        let known = aside(&data).len();
        let mut child = program(&data).args(["rollback", "--yes"]).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(took * round / 14);
        child.kill().unwrap();
        child.wait().unwrap();
        // As a start would find it: on a copy, since a look puts the log away.
        let copy = data.with_file_name("copy");
        let _ = std::fs::remove_dir_all(&copy);
        std::fs::create_dir(&copy).unwrap();
        for name in ["videoplanet.db", "videoplanet.db-wal", "videoplanet.db-journal"] {
            if data.join(name).exists() {
                std::fs::copy(data.join(name), copy.join(name)).unwrap();
            }
        }
        whole(&copy.join("videoplanet.db"));
        let replaced = schema(&copy) == number;
        assert_eq!(since(&copy), !replaced, "round {round}");
        if replaced {
            after += 1;
            // Whole, if perhaps still under the name of what is being done.
            assert!(since(aside(&data).last().unwrap()), "round {round}");
        } else {
            before += 1;
            let begun = Instant::now();
            done(&data, &["rollback", "--yes"]);
            took = begun.elapsed();
        }
        assert_eq!((schema(&data), since(&data)), (number, false), "round {round}");
        done(&data, &["jobs", "list"]);
        assert_eq!(schema(&data), newest());
        // The next one begins with what this one left.
        assert!(aside(&data).len() > known, "round {round}");
    }
    println!("killed {before} times before and {after} times after the one step");
    assert!(before > 0);
    crashed(&data);
    done(&data, &["rollback", "--yes"]);
    let kept = aside(&data);
    assert!(kept.iter().all(|dir| !dir.to_str().unwrap().ends_with(".part") && since(dir)), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_is_refused_where_it_would_do_harm() {
    let (_dir, data, _) = migrated("rollback-refused");
    let name = snapshots(&data).pop().unwrap();
    let said = refused(&data, &["rollback"]);
    assert!(said.contains("--yes"), "nobody is there to be asked: {said}");
    let said = refused(&data, &["rollback", "--yes", "other.db"]);
    assert!(said.contains("there is no snapshot other.db"), "{said}");

    let server = Server::start(&data).await;
    let said = refused(&data, &["rollback", "--yes"]);
    assert!(said.contains("another videoplanet has"), "{said}");
    server.end().await;

    let conn = Connection::open(data.join("videoplanet.db")).unwrap();
    assert!(number(&conn, "SELECT count(*) FROM users") > 0);
    let said = refused(&data, &["rollback", "--yes"]);
    assert!(said.contains("another program has"), "{said}");
    drop(conn);

    let snapshot = data.join("snapshots").join(&name);
    let good = std::fs::read(&snapshot).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad.truncate(middle);
    std::fs::write(&snapshot, &bad).unwrap();
    let said = refused(&data, &["rollback", "--yes"]);
    assert!(said.contains("damaged") || said.contains("malformed"), "{said}");
    std::fs::write(&snapshot, &good).unwrap();
    Connection::open(&snapshot)
        .unwrap()
        .execute_batch("INSERT INTO migrations (number, name, sha256, applied_ms) VALUES (9999, 'x', '', 0)")
        .unwrap();
    let said = refused(&data, &["rollback", "--yes", &name]);
    assert!(said.contains("newer videoplanet"), "{said}");
    assert_eq!(schema(&data), newest());
    assert!(aside(&data).iter().all(|dir| dir.to_str().unwrap().ends_with(".part")), "{:?}", aside(&data));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_of_a_newer_version_leaves_the_schema_of_a_running_server_alone() {
    let (_, packed) = fixtures().pop().unwrap();
    let (_dir, data) = unpacked("beside", &packed);
    done(&data, &["jobs", "list"]);
    let server = Server::start(&data).await;
    // As if this server were of before the last migration.
    let conn = Connection::open(data.join("videoplanet.db")).unwrap();
    conn.execute("DELETE FROM migrations WHERE number = ?1", [newest()]).unwrap();
    drop(conn);
    let said = refused(&data, &["user", "reset", "editor@example.com"]);
    assert!(said.contains("older version than this command"), "{said}");
    assert_eq!(schema(&data), newest() - 1);
    drop(server);
}
