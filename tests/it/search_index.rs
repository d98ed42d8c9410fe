//! The index follows the tables wherever a change comes from, through kills at any moment, and grows back from whatever
//! has happened to its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use videoplanet::app::App;
use videoplanet::base::clock::Clock;
use videoplanet::config::Config;
use videoplanet::domain::search::{self, Kind, operate};
use videoplanet::work;

use crate::answer::Answer;
use crate::crash::{Server, fresh, program};
use crate::dice::Dice;
use crate::rooms::Screen;
use crate::search::ask;
use crate::studio::{Someone, Studio};

fn ids(answer: &Value) -> Vec<i64> {
    answer["results"].as_array().unwrap().iter().map(|h| h["id"].as_i64().unwrap()).collect()
}

async fn found(who: &Someone, q: &str) -> Vec<i64> {
    let answer = ask(who, q, "").await;
    assert_eq!(answer["total"], ids(&answer).len(), "{q}: {answer}");
    ids(&answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_edited_resolved_and_renamed_is_found_as_it_stands() {
    let s = Studio::start("search-follow").await;
    s.work().await;
    let settled = async || search::settled(&s.app).await.unwrap();
    let comments = format!("POST /feedbacks/{}/comments", s.feedback);
    // Over REST and over the socket.
    let rest = s.editor.send(&comments, json!({ "text": "무지개 하나" })).await.is(201).id();
    let mut screen = Screen::open(&s, &s.editor, "").await;
    let add = json!({ "feedback_id": s.feedback, "text": "무지개 둘", "section": "03:21" });
    screen.say(json!({ "type": "comment_add", "client_id": "c-1", "comment": add })).await;
    let socket = screen.next_of("ack").await["comment"]["id"].as_i64().unwrap();
    settled().await;
    assert_eq!(found(&s.viewer, "무지개").await, [socket, rest]);
    assert_eq!(found(&s.viewer, "03:21").await, [socket]);
    // By its new words alone.
    screen.say(json!({ "type": "comment_edit", "comment_id": socket, "comment": { "text": "소나기" } })).await;
    screen.until_now().await;
    s.editor.send(&format!("PATCH /comments/{rest}"), json!({ "text": "안개", "section": "05:55" })).await.is(200);
    settled().await;
    assert_eq!(found(&s.viewer, "무지개").await, Vec::<i64>::new());
    assert_eq!((found(&s.viewer, "소나기").await, found(&s.viewer, "안개").await), (vec![socket], vec![rest]));
    assert_eq!(found(&s.viewer, "05:55").await, [rest]);
    // From open to resolved and back.
    for (line, open, resolved) in
        [("POST", vec![], vec![rest]), ("DELETE", vec![rest], vec![]), ("POST", vec![], vec![rest])]
    {
        s.editor.call(&format!("{line} /comments/{rest}/resolution")).await.is(200);
        settled().await;
        assert_eq!(found(&s.viewer, "is:open 안개").await, open);
        assert_eq!(found(&s.viewer, "is:resolved 안개").await, resolved);
        let facet = ask(&s.viewer, "안개", "").await["facets"]["statuses"][0]["status"].clone();
        assert_eq!(facet, if open.is_empty() { "resolved" } else { "open" });
    }
    // A project, a feedback and a person of another name.
    let (p, f) = (s.project.0, s.feedback.0);
    for (line, body, old, new, id) in [
        (format!("PATCH /projects/{p}"), json!({ "name": "해바라기 광고" }), "가을", "해바라기", p),
        (format!("PATCH /projects/{p}"), json!({ "client": "한빛식품" }), "가을", "한빛식품", p),
        (format!("PATCH /feedbacks/{f}"), json!({ "title": "최종 시사" }), "1차", "최종", f),
        ("PATCH /me".into(), json!({ "nickname": "남기훈" }), "editor", "남기훈", s.editor.id.0),
    ] {
        s.editor.send(&line, body).await.is(200);
        settled().await;
        assert_eq!(found(&s.viewer, old).await, Vec::<i64>::new(), "{line}: {old}");
        assert_eq!(found(&s.viewer, new).await, [id], "{line}: {new}");
    }
    assert_eq!(found(&s.viewer, "from:남기훈 in:해바라기 안개").await, [rest]);
    assert_eq!(found(&s.viewer, "from:editor 안개").await, Vec::<i64>::new());
    assert_eq!(found(&s.viewer, "in:가을 안개").await, Vec::<i64>::new());
    // A file's name as macOS writes it.
    let nfd: String = unicode_normalization::UnicodeNormalization::nfd("물안개_뮤직비디오.mp4").collect();
    assert_ne!(nfd, "물안개_뮤직비디오.mp4");
    let file = s.editor.upload(s.feedback, &nfd, b"not a film").await;
    settled().await;
    for q in ["물안개", "뮤직비디오", "뮤직 비디오", &nfd, "kind:file ㅁㅇㄱ"] {
        assert_eq!(found(&s.viewer, q).await.first(), Some(&file), "{q}");
    }
    s.stop().await;
}

/// The directories of the index: schema and number.
fn generations(data: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(data.join("index")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn metric(server: &Server, name: &str) -> f64 {
    let text = Client::new().get(format!("{}/metrics", server.url)).send().await.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' ')).map(str::to_owned);
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

/// Bounded polling of another process.
async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    for _ in 0..1200 {
        if is().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never so: {what}");
}

/// Until a whole index knows all that is in the journal.
async fn caught_up(server: &Server) {
    until("the index has caught up", async || {
        metric(server, "videoplanet_index_whole").await == 1.0
            && metric(server, "videoplanet_index_lag_events").await == 0.0
    })
    .await;
}

async fn health(server: &Server) -> Value {
    let health = Answer::of(Client::new().get(format!("{}/health", server.url))).await.is(200).body;
    health["checks"]["search"]["status"].clone()
}

async fn asked(server: &Server, q: &str) -> Value {
    let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
    Answer::of(server.ask(Method::GET, &format!("/search?q={q}&page_size=100"))).await.is(200).body
}

/// A project with a feedback; answers the path of its comments.
async fn place(server: &Server) -> String {
    let project = server.json(server.ask(Method::POST, "/projects").json(&json!({ "name": "가을" }))).await;
    let path = format!("/projects/{}/feedbacks", project["id"]);
    let feedback = server.json(server.ask(Method::POST, &path).json(&json!({ "title": "1차" }))).await;
    format!("/feedbacks/{}/comments", feedback["id"])
}

async fn say(server: &Server, comments: &str, text: &str) -> i64 {
    Answer::of(server.ask(Method::POST, comments).json(&json!({ "text": text }))).await.is(201).id()
}

/// A server with comments of the same word, all of them findable.
async fn filled(data: &Path, comments: usize) -> (Server, String) {
    let server = Server::start(data).await;
    let path = place(&server).await;
    for i in 0..comments {
        say(&server, &path, &format!("돋보기 {i}")).await;
    }
    caught_up(&server).await;
    assert_eq!(asked(&server, "돋보기").await["total"], comments);
    (server, path)
}

fn run(data: &Path, args: &[&str]) -> Output {
    program(data).args(["--set", "log.level=warn"]).args(args).stderr(Stdio::piped()).output().unwrap()
}

#[track_caller]
fn good(out: Output) -> String {
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_imported_between_two_runs_are_found_by_the_second() {
    let (dir, data) = fresh("search-import");
    let (server, _) = filled(&data, 3).await;
    drop(server);
    let before = generations(&data);
    let files = dir.path().join("files");
    std::fs::create_dir(&files).unwrap();
    let token = "older-product:0123456789/abc";
    let day = "2024-05-03T00:00:00Z";
    for (file, rows) in [
        (
            "users.jsonl",
            vec![json!({ "id": 11, "email": "s@example.com", "nickname": "오세린", "created": day, "token": token })],
        ),
        (
            "projects.jsonl",
            vec![
                json!({ "id": 21, "user_id": 11, "name": "도담초등학교 다큐", "status": "active", "created": day, "updated": day }),
            ],
        ),
        (
            "feedbacks.jsonl",
            vec![
                json!({ "id": 41, "project_id": 21, "user_id": 11, "title": "시사본 v1", "text": "자막 중심으로", "status": "open", "created": day, "updated": null }),
            ],
        ),
        (
            "comments.jsonl",
            vec![
                json!({ "id": 51, "feedback_id": 41, "user_id": 11, "text": "배경음악이 커요", "section": "00:42~00:48", "created": day }),
            ],
        ),
    ] {
        std::fs::write(files.join(file), rows.iter().map(|r| format!("{r}\n")).collect::<String>()).unwrap();
    }
    good(run(&data, &["import", files.to_str().unwrap()]));
    let server = Server::start(&data).await;
    caught_up(&server).await;
    assert_eq!(generations(&data), before, "it went on from where it was");
    let ask = async |q: &str| {
        let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
        let answer = Answer::of(server.ask_as(token, Method::GET, &format!("/search?q={q}"))).await.is(200).body;
        let hits = answer["results"].as_array().unwrap().iter();
        hits.map(|h| (h["kind"].as_str().unwrap().to_owned(), h["id"].as_i64().unwrap())).collect::<Vec<_>>()
    };
    for (q, kind, id) in [
        ("배경 음악", "comment", 51),
        ("00:42", "comment", 51),
        ("from:오세린 kind:comment", "comment", 51),
        ("도담", "project", 21),
        ("시사본", "feedback", 41),
        ("자막 중심", "feedback", 41),
        ("오세린", "person", 11),
        ("kind:comment before:2024-05-04", "comment", 51),
    ] {
        assert_eq!(ask(q).await, [(kind.to_owned(), id)], "{q}");
    }
    assert_eq!(ask("돋보기").await, [], "what is not his");
    assert_eq!(asked(&server, "돋보기").await["total"], 3);
    assert_eq!(asked(&server, "배경음악").await["total"], 0);
}

/// A word that nothing else resembles: five syllables by chance.
fn word(dice: &mut Dice) -> String {
    (0..5).map(|_| char::from_u32(0xAC00 + dice.roll(11_172) as u32).unwrap()).collect()
}

/// One who writes, edits and deletes until the server is gone. Every word that he ever sent.
async fn scribble(server: Arc<Server>, comments: String, seed: u64, answered: Arc<Semaphore>) -> Vec<String> {
    let (mut dice, mut words, mut own) = (Dice::new(seed), Vec::new(), Vec::<i64>::new());
    loop {
        let text = word(&mut dice);
        words.push(text.clone());
        let body = json!({ "text": text });
        let roll = dice.roll(10);
        let request = match roll {
            0..=5 => server.ask(Method::POST, &comments).json(&body),
            _ if own.is_empty() => continue,
            6..=7 => server.ask(Method::PATCH, &format!("/comments/{}", dice.of(&own))).json(&body),
            _ => server.ask(Method::DELETE, &format!("/comments/{}", own.swap_remove(dice.roll(own.len())))),
        };
        let Ok(answer) = request.send().await else { return words };
        assert!(answer.status().is_success(), "{}", answer.status());
        answered.add_permits(1);
        if roll <= 5 {
            let Ok(made) = answer.json::<Value>().await else { return words };
            own.push(made["id"].as_i64().unwrap());
        }
    }
}

/// Texts by id of the comments that are there.
fn living(data: &Path) -> BTreeMap<String, i64> {
    let db = Connection::open(data.join("videoplanet.db")).unwrap();
    let mut rows = db.prepare("SELECT text, id FROM comments WHERE deleted_ms IS NULL").unwrap();
    rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().map(|r| r.unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_the_index_agrees_with_the_tables_afterwards() {
    let (_dir, data) = fresh("search-kill");
    let mut dice = Dice::new(0x5eed_0003);
    let mut words: Vec<String> = Vec::new();
    let mut comments = None;
    let mut server = Server::start(&data).await;
    for round in 0..8 {
        let path = match &comments {
            Some(path) => path,
            None => comments.insert(place(&server).await),
        };
        let (running, answered) = (Arc::new(server), Arc::new(Semaphore::new(0)));
        let mut writers = JoinSet::new();
        for writer in 0..4u64 {
            let seed = 0x5eed_1000 + round * 16 + writer;
            writers.spawn(scribble(running.clone(), path.clone(), seed, answered.clone()));
        }
        let enough = 1 + dice.roll(200) as u32;
        let _ = answered.acquire_many(enough).await.unwrap();
        running.kill();
        while let Some(sent) = writers.join_next().await {
            words.extend(sent.unwrap());
        }
        drop(running);
        server = Server::start(&data).await;
        // Every other time it is killed again while it catches up.
        if round % 2 == 1 {
            continue;
        }
        caught_up(&server).await;
        let there = living(&data);
        for text in there.keys().filter(|_| dice.roll(4) == 0) {
            assert_eq!(ids(&asked(&server, text).await), [there[text]], "{text} in round {round}");
        }
    }
    server.kill();
    drop(server);

    let app = App::open(&data, Config::default(), Clock::System).await.unwrap();
    work::start(&app).await.unwrap();
    search::settled(&app).await.unwrap();
    let status = operate::status(&app).await.unwrap();
    assert_eq!((status.lag_events, &status.trouble), (0, &None));
    for (kind, sql) in [
        (Kind::Project, "SELECT count(*) FROM projects"),
        (Kind::Feedback, "SELECT count(*) FROM feedbacks"),
        (Kind::Comment, "SELECT count(*) FROM comments WHERE deleted_ms IS NULL"),
        (Kind::File, "SELECT count(*) FROM media"),
        (Kind::Person, "SELECT count(DISTINCT user_id) FROM members"),
    ] {
        let db = Connection::open(data.join("videoplanet.db")).unwrap();
        let wanted: i64 = db.query_row(sql, [], |r| r.get(0)).unwrap();
        let counted = status.documents.iter().find(|(k, _)| *k == kind).unwrap().1;
        assert_eq!(counted as i64, wanted, "{kind}");
    }
    let (url, _) = crate::studio::serve(&app).await;
    let login = json!({ "email": "editor@example.com", "password": "correct horse battery" });
    let answer = Answer::of(Client::new().post(format!("{url}/api/v1/auth/login")).json(&login)).await.is(200);
    let token = answer.body["token"].as_str().unwrap().to_owned();
    let there = living(&data);
    println!("{} words were sent, {} comments are there", words.len(), there.len());
    assert!(there.len() > 50 && words.len() > there.len() + 50);
    for text in &words {
        let q: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let request = Client::new().get(format!("{url}/api/v1/search?q={q}")).bearer_auth(&token);
        let answer = Answer::of(request).await.is(200).body;
        let wanted: Vec<i64> = there.get(text).copied().into_iter().collect();
        assert_eq!((ids(&answer), &answer["total"]), (wanted.clone(), &json!(wanted.len())), "{text}");
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_built_anew_beside_a_running_server_that_answers_all_the_while_and_without_one() {
    let (_dir, data) = fresh("search-reindex");
    const N: usize = 250;
    let (server, comments) = filled(&data, N).await;
    let before = generations(&data);
    assert_eq!(before.len(), 1);
    for round in 0..3 {
        let mut command = program(&data);
        let mut child = command.args(["reindex"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut questions = 0;
        let status = loop {
            let answer = asked(&server, "돋보기").await;
            assert_eq!((&answer["total"], &answer["complete"]), (&json!(N + round), &json!(true)), "{answer}");
            questions += 1;
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
        };
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut said).unwrap();
        assert!(status.success() && said.contains("job ") && said.contains('%') && said.contains("done"), "{said}");
        println!("{questions} questions were asked meanwhile");
        caught_up(&server).await;
        assert_eq!(health(&server).await, "healthy");
        // It goes on to follow.
        let new = say(&server, &comments, &format!("돋보기 더하기 {round}")).await;
        caught_up(&server).await;
        assert!(ids(&asked(&server, "더하기").await).contains(&new));
    }
    let after = generations(&data);
    assert!(after.len() == 1 && after != before, "{before:?} became {after:?}");
    let db = Connection::open(data.join("videoplanet.db")).unwrap();
    let jobs: Vec<String> = {
        let mut rows = db.prepare("SELECT state FROM jobs WHERE kind = 'reindex'").unwrap();
        rows.query_map([], |r| r.get(0)).unwrap().map(|r| r.unwrap()).collect()
    };
    assert_eq!(jobs, ["done"; 3]);
    // What another process writes is heard of as well.
    let mut add = program(&data)
        .args(["user", "add", "other@example.com", "--nickname", "다른이", "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut add.stdin.take().unwrap(), b"correct horse battery\n").unwrap();
    assert!(add.wait().unwrap().success());
    caught_up(&server).await;
    drop(server);

    let said = good(run(&data, &["reindex"]));
    assert!(said.contains(&format!("{} documents", N + 3 + 3)), "{said}");
    assert_ne!(generations(&data), after);
    let server = Server::start(&data).await;
    assert_eq!(asked(&server, "돋보기").await["total"], N + 3);
    assert_eq!(health(&server).await, "healthy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_index_grows_back() {
    let (_dir, data) = fresh("search-lost");
    let (server, _) = filled(&data, 40).await;
    drop(server);
    std::fs::remove_dir_all(data.join("index")).unwrap();
    let server = Server::start(&data).await;
    caught_up(&server).await;
    let answer = asked(&server, "돋보기").await;
    assert_eq!((&answer["total"], &answer["complete"]), (&json!(40), &json!(true)));
    assert_eq!((health(&server).await, generations(&data)), (json!("healthy"), vec!["2-1".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_another_schema_serves_until_a_new_one_is_built() {
    let (_dir, data) = fresh("search-schema");
    let (mut server, comments) = filled(&data, 60).await;
    for round in 0..3 {
        drop(server);
        let [name] = <[String; 1]>::try_from(generations(&data)).unwrap();
        let number: u64 = name.strip_prefix("2-").unwrap().parse().unwrap();
        let index = data.join("index");
        std::fs::rename(index.join(&name), index.join(format!("0-{number}"))).unwrap();
        server = Server::start(&data).await;
        // From the first question to the last.
        until("the new one serves alone", async || {
            assert_eq!(asked(&server, "돋보기").await["total"], 60 + round);
            generations(&data) == [format!("2-{}", number + 1)]
        })
        .await;
        caught_up(&server).await;
        assert_eq!(asked(&server, "돋보기").await["total"], 60 + round);
        assert_eq!(health(&server).await, "healthy");
        say(&server, &comments, "돋보기 더하기").await;
        caught_up(&server).await;
        assert_eq!(asked(&server, "돋보기").await["total"], 61 + round);
    }
}

/// The database's files.
fn copy_database(from: &Path, to: &Path) {
    for end in ["", "-wal", "-shm"] {
        let name = format!("videoplanet.db{end}");
        let _ = std::fs::remove_file(to.join(&name));
        if from.join(&name).exists() {
            std::fs::copy(from.join(&name), to.join(&name)).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_ahead_of_a_restored_journal_does_not_find_what_does_not_exist() {
    // The journal ends before the index does, or has gone on differently in the meantime.
    for goes_on in [false, true] {
        let (dir, data) = fresh(&format!("search-ahead-{goes_on}"));
        let (server, _) = filled(&data, 10).await;
        drop(server);
        let copy = dir.path().join("copy");
        std::fs::create_dir(&copy).unwrap();
        copy_database(&data, &copy);
        let server = Server::start(&data).await;
        let comments = place(&server).await;
        for i in 0..5 {
            say(&server, &comments, &format!("물레방아 {i}")).await;
        }
        caught_up(&server).await;
        assert_eq!(asked(&server, "물레방아").await["total"], 5);
        drop(server);
        copy_database(&copy, &data);
        if goes_on {
            let files = dir.path().join("files");
            std::fs::create_dir(&files).unwrap();
            let user =
                |id: i64| json!({ "id": id, "email": format!("{id}@example.com"), "nickname": "사람", "created": 0 });
            let users: String = (100..120).map(|id| format!("{}\n", user(id))).collect();
            std::fs::write(files.join("users.jsonl"), users).unwrap();
            good(run(&data, &["import", files.to_str().unwrap()]));
        }
        let server = Server::start(&data).await;
        assert_eq!(asked(&server, "물레방아").await["results"], json!([]));
        caught_up(&server).await;
        assert_eq!(asked(&server, "물레방아").await["total"], 0, "{goes_on}");
        assert_eq!(asked(&server, "돋보기").await["total"], 10, "{goes_on}");
        // What gets the ids of what is gone is not found by the words of what is gone.
        let comments = place(&server).await;
        let new = say(&server, &comments, "풍차").await;
        caught_up(&server).await;
        assert_eq!(asked(&server, "물레방아").await["total"], 0);
        assert_eq!(ids(&asked(&server, "풍차").await), [new]);
        assert_eq!(health(&server).await, "healthy");
    }
}

/// The largest file that ends so, of those that the index goes by: what was merged may lie there for a while.
fn segment_file(data: &Path, end: &str) -> PathBuf {
    let [name] = <[String; 1]>::try_from(generations(data)).unwrap();
    let place = data.join("index").join(name);
    let meta = std::fs::read_to_string(place.join("meta.json")).unwrap().replace('-', "");
    let named = |f: &PathBuf| {
        let stem = f.file_stem().unwrap().to_str().unwrap();
        stem == "meta" || (stem.len() == 32 && meta.contains(stem))
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(&place).unwrap().map(|f| f.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == end) && named(f));
    files.sort_by_key(|f| f.metadata().unwrap().len());
    files.pop().unwrap_or_else(|| panic!("no file of {end}"))
}

fn flip(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    for byte in bytes.iter_mut().skip(at).take(8) {
        *byte ^= 0xA5;
    }
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_at_the_start_told_and_healed() {
    let s = Studio::start("search-damage").await;
    s.work().await;
    for i in 0..30 {
        let path = format!("POST /feedbacks/{}/comments", s.feedback);
        s.editor.send(&path, json!({ "text": format!("돋보기 {i}") })).await.is(201);
    }
    search::settled(&s.app).await.unwrap();
    let data = s.dir.path().join("data");
    let mut s = s;
    for end in ["term", "idx", "fast", "fieldnorm", "pos", "json"] {
        // Stopped, damaged, started again; nothing looks at the index before the work begins.
        s = s
            .stopped(|| {
                let file = segment_file(&data, end);
                let middle = std::fs::metadata(&file).unwrap().len() as usize / 2;
                flip(&file, middle);
            })
            .await;
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let watch = {
            let (app, told) = (s.app.clone(), told.clone());
            tokio::task::spawn_blocking(move || {
                // Once it is told and once it is healed. A bound for what never comes.
                for _ in 0..20_000 {
                    match (app.index.trouble(), app.index.whole()) {
                        (Some(trouble), _) => told.lock().unwrap().push(trouble),
                        (None, Some(_)) if !told.lock().unwrap().is_empty() => return,
                        _ => {}
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            })
        };
        s.work().await;
        watch.await.unwrap();
        assert!(!told.lock().unwrap().is_empty(), "{end}: nobody was told");
        search::settled(&s.app).await.unwrap();
        let answer = ask(&s.viewer, "돋보기", "&page_size=100").await;
        assert_eq!((&answer["total"], ids(&answer).len()), (&json!(30), 30), "{end}");
        let health = Answer::of(Client::new().get(format!("{}/health", s.url))).await.is(200).body;
        assert_eq!(health["checks"]["search"]["status"], "healthy", "{end}");
    }
    s.stop().await;
}
