//! `import` and `export` of the real program: what comes in is there like anything else, all of it or none, and goes out as
//! it came.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use reqwest::Method;
use serde_json::{Value, json};
use videoplanet::base::roles::Role;
use videoplanet::domain::accounts::password;

use crate::clips::Dir;
use crate::crash::{Server, fresh, program};
use crate::data;
use crate::studio::Studio;

const SMALL: data::Size = data::Size { users: 20, projects: 5, members: 6, feedbacks: 40, comments: 600 };

fn run(data: &Path, command: &str, dir: &Path) -> Output {
    program(data).args(["--set", "log.level=warn", command]).arg(dir).stderr(Stdio::piped()).output().unwrap()
}

#[track_caller]
fn good(out: Output) -> String {
    let (said, told) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    assert!(out.status.success(), "{told}");
    said + &told
}

#[track_caller]
fn bad(out: Output) -> String {
    assert!(!out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    String::from_utf8(out.stderr).unwrap()
}

fn lines(dir: &Path, file: &str, rows: &[Value]) {
    let text: String = rows.iter().map(|r| format!("{r}\n")).collect();
    fs::write(dir.join(file), text).unwrap();
}

/// The files of a directory by name.
fn contents(dir: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    entries.map(|p| (p.file_name().unwrap().to_str().unwrap().into(), fs::read_to_string(&p).unwrap())).collect()
}

fn count(data: &Path, table: &str) -> i64 {
    let db = rusqlite::Connection::open(data.join("videoplanet.db")).unwrap();
    db.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_rows_are_there_for_the_holder_of_a_token_from_the_file() {
    let dir = Dir::new("import");
    let (files, data) = (dir.path().join("files"), dir.path().join("data"));
    fs::create_dir(&files).unwrap();
    let hash = password::hash("correct horse battery".into()).await.unwrap();
    lines(
        &files,
        "users.jsonl",
        &[
            json!({ "id": 11, "username": "serin", "email": "Editor@Example.com", "nickname": "오세린",
                "created": "2024-05-01T10:00:00+09:00", "password_hash": hash }),
            json!({ "id": 12, "email": "client@example.com", "nickname": "한빛식품", "created": 1_714_525_200_123i64,
                "token": "older-product:0123456789/abc" }),
        ],
    );
    let project = json!({ "id": 21, "user_id": 11, "name": "가을 광고", "description": "30초", "status": "active",
        "created": 1_714_525_200.5, "updated": "2024-06-01T00:00:00Z" });
    lines(&files, "projects.jsonl", &[project]);
    lines(&files, "members.jsonl", &[json!({ "id": 31, "project_id": 21, "user_id": 12, "role": "normal" })]);
    let feedback = json!({ "id": 41, "project_id": 21, "user_id": 11, "title": "시사본 v1", "text": "자막 중심으로",
        "timecode_ms": 5000, "status": "open", "priority": "high", "created": "2024-05-02T00:00:00Z", "updated": null });
    lines(&files, "feedbacks.jsonl", &[feedback]);
    let comment = |id: i64, user: i64, text: &str| {
        json!({ "id": id, "feedback_id": 41, "user_id": user, "title": null, "text": text, "section": "",
            "security": false, "created": "2024-05-03T00:00:00Z" })
    };
    let mut anonymous = comment(51, 12, "자막에 오타가 있습니다.");
    anonymous["section"] = "00:42~00:48".into();
    anonymous["security"] = true.into();
    let mut reply = comment(52, 11, "고치겠습니다.");
    reply["parent_id"] = 51.into();
    reply["mood"] = "good".into();
    lines(&files, "comments.jsonl", &[anonymous, reply]);

    let said = good(run(&data, "import", &files));
    assert!(said.contains("imported 7 rows"), "{said}");
    assert!(said.contains("comments.jsonl: the field mood is not known and was left out (1 row)"), "{said}");
    assert!(said.contains("No account is admin yet"), "{said}");

    // Signs in with the imported password.
    let server = Server::start(&data).await;
    let me = server.json(server.ask(Method::GET, "/me")).await;
    assert_eq!((&me["id"], &me["created"]), (&json!(11), &json!("2024-05-01T01:00:00.000Z")));

    let token = "older-product:0123456789/abc";
    let get = async |path: &str| server.json(server.ask_as(token, Method::GET, path)).await;
    let me = get("/me").await;
    assert_eq!((&me["id"], &me["created"]), (&json!(12), &json!("2024-05-01T01:00:00.123Z")));
    let project = get("/projects/21").await;
    assert_eq!(project["my_role"], "reviewer", "{project}");
    assert_eq!((&project["status"], &project["member_count"]), (&json!("in_progress"), &json!(2)));
    assert_eq!((&project["created"], &project["user_id"]), (&json!("2024-05-01T01:00:00.500Z"), &json!(11)));
    let comments = get("/feedbacks/41/comments").await;
    let [reply, root] = comments["results"].as_array().unwrap().as_slice() else { panic!("{comments}") };
    assert_eq!((&root["id"], &root["start_ms"], &root["end_ms"]), (&json!(51), &json!(42_000), &json!(48_000)));
    assert_eq!((&root["is_mine"], &reply["parent_id"]), (&json!(true), &json!(51)));
    // Anonymous for everybody else.
    let seen = server.json(server.ask(Method::GET, "/comments/51")).await;
    assert_eq!((&seen["text"], &seen["user"]), (&json!("자막에 오타가 있습니다."), &Value::Null));
    let dashboard = get("/projects/21/dashboard").await;
    assert_eq!(dashboard["stats"]["total"], 1, "{dashboard}");
    let dashboard = get("/dashboard").await;
    assert_eq!(dashboard["counts"]["projects"], 1, "{dashboard}");
    // The journal, which everything derived follows, tells of every row.
    let events = get("/projects/21/events?after=0").await.to_string();
    for verb in ["project_added", "member_added", "feedback_added", "comment_added"] {
        assert!(events.contains(verb), "{verb}: {events}");
    }
    // What comes next goes on behind.
    let new = server.ask_as(token, Method::POST, "/feedbacks/41/comments").json(&json!({ "text": "좋습니다." }));
    assert_eq!(server.json(new).await["id"], 53);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_by_hand_goes_out_and_comes_in_and_goes_out_the_same() {
    let studio = Studio::start("export").await;
    let (editor, feedback) = (&studio.editor, studio.feedback);
    let reviewer = studio.member("reviewer", Role::Reviewer).await;
    let other = studio.member("other", Role::Editor).await;
    let project = format!("/projects/{}", studio.project);
    let change = json!({ "client": "한빛식품", "color": "#123456", "deadline": "2030-01-02", "genre": "광고" });
    editor.send(&format!("PATCH {project}"), change).await.is(200);
    let comments = format!("POST /feedbacks/{feedback}/comments");
    let drawing = json!([{ "at": [0.1, 0.30000000000000004, 1e-7, 123_456_789.987_654_3], "text": "줄\n\u{7f}" }]);
    let root =
        reviewer.send(&comments, json!({ "text": "어두워요", "section": "00:10", "drawing": drawing })).await.id();
    let reply = json!({ "text": "밝게 하겠습니다", "parent_id": root, "internal": true, "client_id": "c-1" });
    other.send(&comments, reply).await.is(201);
    let hidden =
        json!({ "text": "따옴표 \" \\ 탭\t 줄\n끝", "security": true, "section": "처음", "start_ms": 1, "end_ms": 9 });
    let hidden = reviewer.send(&comments, hidden).await.id();
    let gone = editor.send(&comments, json!({ "text": "지울 것", "frame": 7, "start_ms": 280 })).await.id();
    editor.call(&format!("DELETE /comments/{gone}")).await.is(204);
    editor.call(&format!("POST /comments/{root}/resolution")).await;
    editor.call(&format!("PUT /comments/{hidden}/reactions/like")).await;
    other.call(&format!("PUT /comments/{hidden}/reactions/question")).await;
    let decision = json!({ "decision": "approve_with_changes", "note": "자막만" });
    reviewer.send(&format!("PUT /feedbacks/{feedback}/decision"), decision).await.is(200);
    let done = editor.send(&format!("POST {project}/feedbacks"), json!({ "title": "지난 것" })).await.id();
    for status in ["resolved", "closed"] {
        editor.send(&format!("PATCH /feedbacks/{done}"), json!({ "status": status })).await.is(200);
    }
    let trash = editor.send("POST /projects", json!({ "name": "휴지통" })).await.id();
    editor.call(&format!("DELETE /projects/{trash}")).await.is(204);
    let handed = json!({ "role": "owner" });
    editor.send(&format!("PATCH {project}/members/{}", other.id), handed).await.is(200);

    // While the server runs.
    let home = studio.dir.path();
    let (first, second) = (home.join("first"), home.join("second"));
    let said = good(run(&home.join("data"), "export", &first));
    assert!(said.contains("5 to users.jsonl"), "{said}");
    let files = contents(&first);
    assert_eq!(files["comments.jsonl"].lines().count(), 4);
    assert_eq!((files["decisions.jsonl"].lines().count(), files["reactions.jsonl"].lines().count()), (1, 2));
    assert!(!files["users.jsonl"].contains(&editor.token) && files["users.jsonl"].contains("$argon2id$"));
    for name in files.keys() {
        assert_eq!(first.join(name).metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }

    let copy = home.join("copy");
    good(run(&copy, "import", &first));
    good(run(&copy, "export", &second));
    assert_eq!(files, contents(&second));
    // Again into the same place: what is there is replaced.
    good(run(&copy, "export", &second));
    assert_eq!(files, contents(&second));
    studio.stop().await;
}

#[test]
fn a_studio_from_elsewhere_keeps_its_ids_and_times_on_the_way_through() {
    let dir = Dir::new("through");
    let at = |name: &str| dir.path().join(name);
    let rows = data::write(&at("given"), &SMALL).unwrap();
    let said = good(run(&at("one"), "import", &at("given")));
    assert!(said.contains(&format!("imported {rows} rows")), "{said}");
    good(run(&at("one"), "export", &at("first")));
    good(run(&at("two"), "import", &at("first")));
    good(run(&at("two"), "export", &at("second")));
    let (given, first) = (contents(&at("given")), contents(&at("first")));
    assert_eq!(first, contents(&at("second")));
    let parse = |text: &str| text.lines().map(|l| serde_json::from_str(l).unwrap()).collect::<Vec<Value>>();
    for (name, text) in &given {
        let sorted = |mut rows: Vec<Value>| {
            rows.sort_by_key(|r| r["id"].as_i64());
            rows
        };
        let (came, went) = (sorted(parse(text)), sorted(parse(&first[name])));
        assert_eq!(came.len(), went.len(), "{name}");
        for (came, went) in came.iter().zip(&went) {
            for (field, value) in came.as_object().unwrap().iter().filter(|(f, _)| *f != "token") {
                let same = match (field.as_str(), value.as_str()) {
                    ("status", Some("active")) => went[field] == "in_progress",
                    ("role", Some("normal")) => went[field] == "reviewer",
                    _ => went[field] == *value,
                };
                assert!(same, "{name}: {field} of {came} became {}", went[field]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_listed_and_its_comments_come_in_without_it() {
    let studio = Studio::start("film").await;
    let media = studio.editor.upload(studio.feedback, "편집본.mp4", b"not much of a film").await;
    let comment = json!({ "text": "여기요", "media_id": media, "start_ms": 40 });
    studio.editor.send(&format!("POST /feedbacks/{}/comments", studio.feedback), comment).await.is(201);
    let home = studio.dir.path();
    good(run(&home.join("data"), "export", &home.join("files")));
    let film: Value = serde_json::from_str(&contents(&home.join("files"))["media.jsonl"]).unwrap();
    let hash = blake3::hash(b"not much of a film").to_hex().to_string();
    assert_eq!((&film["id"], &film["name"], &film["version"]), (&json!(media), &json!("편집본.mp4"), &json!(1)));
    assert_eq!((film["hash"].as_str(), &film["size_bytes"]), (Some(hash.as_str()), &json!(18)));
    let said = good(run(&home.join("copy"), "import", &home.join("files")));
    assert!(said.contains("media.jsonl is not read"), "{said}");
    assert!(said.contains("the film that the comment names is not here"), "{said}");
    assert_eq!((count(&home.join("copy"), "comments"), count(&home.join("copy"), "media")), (1, 0));
    studio.stop().await;
}

#[test]
fn every_bad_row_is_named_by_file_and_line_and_nothing_is_imported() {
    let dir = Dir::new("bad-rows");
    let (files, data) = (dir.path().join("files"), dir.path().join("data"));
    assert!(bad(run(&data, "import", &files)).contains("no directory"));
    fs::create_dir(&files).unwrap();
    assert!(bad(run(&data, "import", &files)).contains("holds none of users.jsonl, projects.jsonl"));
    let user = |id: Value, email: &str| json!({ "id": id, "nickname": "사람", "email": email, "created": "2024-05-01T00:00:00Z" });
    let mut weak = user(json!(3), "c@example.com");
    weak["password_hash"] = "pbkdf2_sha256$1$x$y".into();
    weak["token"] = "short".into();
    let users = [user(json!(1), "a@example.com"), user(json!(2), "A@example.com"), weak, user(json!("4"), "nobody")];
    lines(&files, "users.jsonl", &users);
    let project = |id: i64, owner: i64, status: &str| json!({ "id": id, "user_id": owner, "name": "가을", "status": status, "created": 0, "updated": 0 });
    let mut long = project(3, 1, "active");
    long["name"] = "가".repeat(201).into();
    let projects =
        [project(1, 1, "active"), project(2, 1, "started"), long, project(1, 1, "active"), project(4, 2, "active")];
    lines(&files, "projects.jsonl", &projects);
    let members = [
        json!({ "id": 1, "project_id": 1, "user_id": 1, "role": "manager" }),
        json!({ "id": 1, "project_id": 1, "user_id": 1, "role": "boss" }),
        json!({ "id": 2, "project_id": 9, "user_id": 1, "role": "normal" }),
    ];
    lines(&files, "members.jsonl", &members);
    let comment = json!({ "id": 1, "feedback_id": 1, "user_id": 1, "text": "x", "created": "yesterday" });
    fs::write(files.join("comments.jsonl"), format!("\n{{\"id\":\n[]\n{comment}\n\"{}\"\n", "x".repeat(2 << 20)))
        .unwrap();

    let said = bad(run(&data, "import", &files));
    let wanted = "\
        feedbacks.jsonl is missing: taken as empty\n\
        members.jsonl: the owner of a project is listed with another role; he stays owner (1 row)\n\
        users.jsonl:2: email: a@example.com belongs to another account, here or further up in the file. Each account needs its own address.\n\
        users.jsonl:3: password_hash: Only argon2id hashes are taken ($argon2id$…). Leave the field out: the person sets a new password with a reset code.\n\
        users.jsonl:3: token: A token has 16 to 200 visible ASCII characters.\n\
        users.jsonl:4: id: From 1 to 9007199254740991.\n\
        users.jsonl:4: email: Write an e-mail address, such as name@example.com.\n\
        projects.jsonl:2: status: One of: planning, in_progress, review, completed, on_hold, cancelled, archived.\n\
        projects.jsonl:3: name: At most 200 characters.\n\
        projects.jsonl:4: id: The id 1 belongs to another project, here or further up in the file. Import into an empty instance, or give the row another id.\n\
        members.jsonl:2: role: One of: owner, manager, editor, reviewer, viewer.\n\
        members.jsonl:3: project_id: There is no project 9, neither in these files nor in this instance.\n\
        comments.jsonl:2: This is not JSON: look at column 6.\n\
        comments.jsonl:3: A line has to be one JSON object.\n\
        comments.jsonl:4: created: Write a time with its zone, such as 2026-11-24T09:00:00Z, or as milliseconds since 1970.\n\
        comments.jsonl:5: The line is longer than 1024 KiB. Put each row on a line of its own.\n\
        not counted: 1 row with nothing wrong but naming a bad one\n\
        videoplanet: nothing was imported because of 12 bad rows. Correct what is named and import again\n";
    assert_eq!(said, wanted);
    for table in ["users", "projects", "members", "comments", "sessions", "events"] {
        assert_eq!(count(&data, table), 0, "{table}");
    }

    // The same ids a second time: told, up to a limit.
    data::write(&files, &SMALL).unwrap();
    good(run(&data, "import", &files));
    let said = bad(run(&data, "import", &files));
    assert!(said.starts_with("users.jsonl:1: id: The id 1 belongs to another account"), "{said}");
    assert!(said.contains("… and "), "{said}");
    assert_eq!((said.lines().count(), count(&data, "comments")), (102, 600));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_beside_a_running_server_is_refused() {
    let (dir, data) = fresh("beside");
    let server = Server::start(&data).await;
    let files = dir.path().join("files");
    data::write(&files, &SMALL).unwrap();
    let said = bad(run(&data, "import", &files));
    assert!(said.contains("another videoplanet has") && said.contains("stop it first"), "{said}");
    drop(server);
    // Account 1 is the editor's here.
    let said = bad(run(&data, "import", &files));
    assert!(said.contains("users.jsonl:1: id:"), "{said}");
}

#[test]
fn a_killed_import_leaves_nothing_and_the_next_one_works() {
    let dir = Dir::new("killed");
    let (files, data) = (dir.path().join("files"), dir.path().join("data"));
    let size = data::Size { comments: 12_000, ..SMALL };
    data::write(&files, &size).unwrap();
    // The last file is a pipe: the import is in its middle for as long as the test wants.
    let pipe = files.join("comments.jsonl");
    let comments = fs::read(&pipe).unwrap();
    fs::remove_file(&pipe).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    // A small cache, so that what is not committed is on the disk already.
    let mut import = program(&data);
    let mut import = import.args(["--set", "store.cache_kib=64", "import"]).arg(&files).spawn().unwrap();
    let mut end = OpenOptions::new().write(true).open(&pipe).unwrap();
    end.write_all(&comments[..comments.len() / 2]).unwrap();
    let log = fs::metadata(data.join("videoplanet.db-wal")).unwrap().len();
    assert!(log > 1 << 20, "rows were written: {log} bytes");
    import.kill().unwrap();
    import.wait().unwrap();
    drop(end);
    for table in ["users", "projects", "members", "feedbacks", "comments", "events"] {
        assert_eq!(count(&data, table), 0, "{table}");
    }

    fs::remove_file(&pipe).unwrap();
    fs::write(&pipe, comments).unwrap();
    good(run(&data, "import", &files));
    assert_eq!((count(&data, "users"), count(&data, "comments")), (20, 12_000));
}
