//! `videoplanet doctor` and its page: what it finds on real ground, beside a running server and without one, and that it
//! leaves everything as it was.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use videoplanet::base::event::Event;
use videoplanet::base::locale::{self, Lang};
use videoplanet::domain::doctor::Check;
use videoplanet::engines::outbound;
use videoplanet::engines::store::Tx;

use crate::admin::{self, journal, open, send};
use crate::crash::{Server, fresh};
use crate::postbox::{Mood, Postbox};

/// What the program says of a data directory, and what it ends with.
struct Looked {
    code: i32,
    report: Value,
}

impl Looked {
    fn of(output: &Output) -> Looked {
        let report = serde_json::from_slice(&output.stdout);
        let report = report.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stdout)));
        Looked { code: output.status.code().unwrap(), report }
    }

    fn check(&self, name: &str) -> &Value {
        let all = self.report["checks"].as_array().unwrap();
        all.iter().find(|c| c["check"] == name).unwrap_or_else(|| panic!("no check {name}"))
    }

    /// Outcome and finding of a check.
    #[track_caller]
    fn says(&self, name: &str, outcome: &str, finding: &str) {
        let check = self.check(name);
        assert_eq!((&check["outcome"], &check["finding"]), (&json!(outcome), &json!(finding)), "{check}");
    }
}

/// Runs it with settings.
async fn look(data: &Path, settings: &[&str]) -> Looked {
    look_by(Command::new(env!("CARGO_BIN_EXE_videoplanet")), data, settings).await
}

async fn look_by(mut command: Command, data: &Path, settings: &[&str]) -> Looked {
    command.arg("--data").arg(data).args(settings.iter().flat_map(|s| ["--set", s])).stderr(Stdio::null());
    command.args(["doctor", "--json", "--lang", "en"]);
    Looked::of(&tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
}

/// A free port of this machine.
fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Every file below a directory: its size and when it was changed.
fn listing(dir: &Path) -> BTreeMap<String, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut wait = vec![dir.to_owned()];
    while let Some(dir) = wait.pop() {
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                wait.push(entry.path());
            } else {
                found.insert(entry.path().display().to_string(), (meta.len(), meta.modified().unwrap()));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_it_looks_at_everything_and_changes_nothing() {
    let (_dir, data) = fresh("doctor-still");
    let before = listing(&data);
    let bind = format!("server.bind={}", free());
    let looked = look(&data, &[&bind]).await;
    assert_eq!(listing(&data), before);
    let names: Vec<&str> =
        looked.report["checks"].as_array().unwrap().iter().map(|c| c["check"].as_str().unwrap()).collect();
    assert_eq!(names, Check::ALL.iter().map(|c| c.as_str()).collect::<Vec<_>>());
    for (name, finding) in [
        ("settings", "doctor.settings.no_file"),
        ("data_dir", "doctor.data_dir.fine"),
        ("fsync", "doctor.fsync.fine"),
        ("database", "doctor.database.fine"),
        ("programs", "doctor.programs.fine"),
        ("film", "doctor.film.fine"),
        ("locale", "doctor.locale.fine"),
        ("fonts", "doctor.fonts.fine"),
        ("port", "doctor.port.free"),
    ] {
        looked.says(name, "ok", finding);
    }
    for name in ["mail", "public_url", "proxy", "websocket", "webhooks", "model", "outlets"] {
        assert_eq!(looked.check(name)["outcome"], "skipped", "{name}");
    }
    looked.says("backups", "warn", "doctor.backups.none");
    // What stands in the order of its gravity is what it ends with.
    let worst = match looked.report["outcome"].as_str().unwrap() {
        "ok" => 0,
        "warn" => 1,
        _ => 2,
    };
    assert_eq!(looked.code, worst, "{}", looked.report);
    for check in looked.report["checks"].as_array().unwrap() {
        assert!(check["took_ms"].as_i64().unwrap() < 60_000);
        for text in ["title", "why", "found"] {
            let said = check[text].as_str().unwrap();
            assert!(!said.is_empty() && !said.contains(['{', '}']) && !said.starts_with("doctor."), "{said}");
        }
        let troubled = ["warn", "fail"].contains(&check["outcome"].as_str().unwrap());
        assert_eq!(check["remedy"].is_string(), troubled, "{check}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_is_told_with_what_to_do() {
    let (_dir, data) = fresh("doctor-broken");
    // A page in the middle of the database.
    let path = data.join("videoplanet.db");
    let mut bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() > 20 * 4096);
    bytes[4 * 4096..12 * 4096].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bind = format!("server.bind={}", taken.local_addr().unwrap());
    let nobody = format!("mail.port={}", free().port());
    let model = format!("model.base_url=http://{}/v1", free());
    let collector = format!("tracing.otlp_url=http://{}", free());
    let settings = [
        bind.as_str(),
        "mail.host=127.0.0.1",
        &nobody,
        "mail.from=a@example.com",
        &model,
        &collector,
        "media.ffmpeg=no-such-program",
        "media.encoder=vaapi",
        "media.keep_free_bytes=9000000000000000000",
        "cache.l1_mib=60000",
        "cache.l2_mib=60000",
        "rooms.max_sockets=1000000",
    ];
    // A machine may allow more open files than any setting may promise.
    let mut few = Command::new("prlimit");
    few.args(["--nofile=4096", env!("CARGO_BIN_EXE_videoplanet")]);
    let looked = look_by(few, &data, &settings).await;
    assert_eq!(looked.code, 2);
    looked.says("settings", "ok", "doctor.settings.no_file");
    for (name, finding) in [
        ("database", "doctor.database.damaged"),
        ("port", "doctor.port.taken"),
        ("mail", "doctor.mail.fails"),
        ("model", "doctor.model.silent"),
        ("programs", "doctor.programs.missing"),
        ("recipes", "doctor.programs.missing"),
        ("film", "doctor.film.fails"),
        ("space", "doctor.space.full"),
        ("memory", "doctor.memory.over"),
    ] {
        looked.says(name, "fail", finding);
    }
    looked.says("encoders", "warn", "doctor.encoders.wished");
    looked.says("open_files", "warn", "doctor.open_files.few");
    looked.says("outlets", "warn", "doctor.outlets.fails");
    let mail = looked.check("mail")["found"].as_str().unwrap();
    assert!(mail.contains("127.0.0.1:"), "{mail}");

    // A setting that does not hold is a finding, not the end.
    let looked = look(&data, &["server.bnid=x"]).await;
    looked.says("settings", "fail", "doctor.settings.broken");
    assert!(looked.check("settings")["found"].as_str().unwrap().contains("server.bind"));
    looked.says("fonts", "ok", "doctor.fonts.fine");
    assert_eq!(looked.code, 2);

    // And for people, in their language.
    let mut command = Command::new(env!("CARGO_BIN_EXE_videoplanet"));
    command.arg("--data").arg(&data).args(["--set", &bind, "doctor"]).env("LC_ALL", "ko_KR.UTF-8");
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let line =
        said.lines().find(|l| l.starts_with("FAIL") && l.contains("데이터베이스")).unwrap_or_else(|| panic!("{said}"));
    assert!(line.contains("손상되었습니다"), "{line}");
    assert!(said.contains(&Check::Database.why(Lang::Ko)) && said.contains("→ "), "{said}");
}

/// How a proxy treats what passes.
#[derive(Clone, Copy)]
struct Manners {
    /// Keeps the caller's `Host`.
    keeps_host: bool,
    /// Writes whom it speaks for.
    says_who: bool,
}

#[derive(Clone)]
struct Proxy {
    to: SocketAddr,
    manners: Manners,
}

/// Forwards a request as a proxy does that knows nothing of upgrades.
async fn forward(State(proxy): State<Proxy>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let url = format!("http://{}{}", proxy.to, parts.uri);
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let mut headers = parts.headers;
    for hop in ["connection", "upgrade", "transfer-encoding", "content-length"] {
        headers.remove(hop);
    }
    if !proxy.manners.keeps_host {
        headers.remove("host");
    }
    if proxy.manners.says_who {
        headers.insert("x-forwarded-for", "198.51.100.9".parse().unwrap());
    }
    let answer = reqwest::Client::new().request(parts.method, url).headers(headers).body(bytes).send().await.unwrap();
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    (status, Body::from(answer.bytes().await.unwrap())).into_response()
}

async fn behind(to: SocketAddr, manners: Manners) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(forward).with_state(Proxy { to, manners });
    (url, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

/// Hands on bytes as they come: everything passes, and nobody is named.
async fn pipe(to: SocketAddr) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let forward = async move {
        while let Ok((mut from, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut to = TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            });
        }
    };
    (url, tokio::spawn(forward))
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_server_it_looks_through_the_proxy() {
    let (_dir, data) = fresh("doctor-proxy");
    let address = free();
    let bind = format!("server.bind={address}");
    // Not what this is about, and it takes its time.
    let cpu = "media.encoder=cpu";
    let mut program = crate::crash::program(&data);
    program.args(["--set", "server.trusted_proxies=127.0.0.1"]);
    let server = Server::bound(program, address).await;

    let direct = format!("server.public_url=http://{address}");
    let looked = look(&data, &[cpu, &bind, &direct, "server.trusted_proxies=127.0.0.1"]).await;
    looked.says("port", "ok", "doctor.port.ours");
    looked.says("public_url", "ok", "doctor.public_url.fine");
    looked.says("websocket", "ok", "doctor.websocket.fine");
    // Nobody stands between, and what anybody writes is believed.
    looked.says("proxy", "fail", "doctor.proxy.believed");
    looked.says("database", "ok", "doctor.database.fine");

    let (url, running) = pipe(address).await;
    let looked = look(&data, &[cpu, &bind, &format!("server.public_url={url}")]).await;
    looked.says("websocket", "ok", "doctor.websocket.fine");
    looked.says("public_url", "ok", "doctor.public_url.fine");
    looked.says("proxy", "ok", "doctor.proxy.direct");
    running.abort();

    let (url, running) = behind(address, Manners { keeps_host: false, says_who: true }).await;
    let public = format!("server.public_url={url}");
    let looked = look(&data, &[cpu, &bind, &public, "server.trusted_proxies=127.0.0.1"]).await;
    looked.says("public_url", "fail", "doctor.public_url.host");
    assert!(looked.check("public_url")["found"].as_str().unwrap().contains(&address.to_string()));
    looked.says("websocket", "fail", "doctor.websocket.dropped");
    looked.says("proxy", "ok", "doctor.proxy.fine");
    let looked = look(&data, &[cpu, &bind, &public]).await;
    looked.says("proxy", "warn", "doctor.proxy.not_trusted");
    running.abort();

    // What is no proxy of ours: another program, a redirect, nobody.
    let other = axum::Router::new().route("/health/seen", axum::routing::get(|| async { "hello" }));
    let other = other.fallback(|| async { axum::response::Redirect::permanent("https://review.example.com/") });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("server.public_url=http://{}", listener.local_addr().unwrap());
    let running = tokio::spawn(async move { axum::serve(listener, other).await.unwrap() });
    let looked = look(&data, &[cpu, &bind, &url]).await;
    looked.says("public_url", "fail", "doctor.public_url.other");
    looked.says("websocket", "fail", "doctor.websocket.answered");
    let looked = look(&data, &[cpu, &bind, &format!("{url}/below")]).await;
    looked.says("public_url", "fail", "doctor.public_url.leads");
    running.abort();
    let looked = look(&data, &[cpu, &bind, &format!("server.public_url=http://{}", free())]).await;
    looked.says("public_url", "fail", "doctor.public_url.silent");

    // With other settings than the server's, it says so.
    let looked = look(&data, &[cpu, &format!("server.bind={}", free())]).await;
    looked.says("port", "warn", "doctor.port.elsewhere");
    looked.says("search", "ok", "doctor.search.there");

    // Only who has the instance's key is told what is seen.
    let seen = reqwest::Client::new().get(format!("http://{address}/health/seen"));
    let ticket = "1795000000000.00";
    assert_eq!(seen.try_clone().unwrap().send().await.unwrap().status(), 404);
    assert_eq!(seen.header("x-videoplanet-doctor", ticket).send().await.unwrap().status(), 404);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_signs_in_to_the_mail_server_and_sends_nothing() {
    let (_dir, data) = fresh("doctor-mail");
    let postbox = Postbox::open().await;
    let port = format!("mail.port={}", postbox.port);
    let bind = format!("server.bind={}", free());
    let settings = [bind.as_str(), "mail.host=127.0.0.1", &port, "mail.security=none", "mail.from=a@example.com"];
    let looked = look(&data, &settings).await;
    looked.says("mail", "ok", "doctor.mail.fine");
    assert!(postbox.letters().is_empty());
    postbox.feel(Mood::Silent);
    let looked = look(&data, &[&settings[..], &["mail.timeout_s=1"]].concat()).await;
    looked.says("mail", "fail", "doctor.mail.fails");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_runs_the_same_checks_when_somebody_asks() {
    let studio = admin::studio("doctor-page").await;
    assert_eq!(open(&studio, &studio.stranger, "/admin/doctor").await.status(), 404);
    assert_eq!(send(&studio, &studio.stranger, "/admin/doctor", &[]).await.status(), 404);
    let text = open(&studio, &studio.editor, "/admin/doctor").await.text().await.unwrap();
    let say = |key: &str| locale::get(Lang::En, key);
    assert!(text.contains(&say("admin.doctor.never")) && text.contains("SQLite") && text.contains("ffmpeg version"));
    // Operators look as well: it changes nothing.
    studio.operate(&studio.viewer).await;
    let answer = send(&studio, &studio.viewer, "/admin/doctor", &[]).await;
    assert_eq!(crate::studio::header(&answer, "location"), "/admin/doctor?done=looking");
    // A second one joins the first.
    assert_eq!(send(&studio, &studio.editor, "/admin/doctor", &[]).await.status(), 303);
    let mut text = String::new();
    for _ in 0..1200 {
        text = open(&studio, &studio.editor, "/admin/doctor").await.text().await.unwrap();
        if text.contains(&say("admin.doctor.last")) {
            break;
        }
        assert!(text.contains("<progress"), "{text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for check in Check::ALL {
        assert!(text.contains(&format!("id=\"check-{check}\"")), "{check}");
    }
    let place = |check: &str| text.find(&format!("id=\"check-{check}\"")).unwrap();
    assert!(place("mail") > place("database"), "what does not matter here stands last");
    let asked = journal(&studio).await.into_iter().filter(|(_, e)| matches!(e, Event::DoctorAsked));
    assert_eq!(asked.map(|(by, _)| by).collect::<Vec<_>>(), [Some(studio.viewer.id.0)]);
    let text = open(&studio, &studio.viewer, "/admin/doctor/licences").await.text().await.unwrap();
    assert!(
        text.contains("Apache License") && text.contains("<td class=\"strong\">axum</td>") && text.contains("OFL-1.1")
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_says_why_not() {
    let studio = admin::studio("doctor-ready").await;
    let ask = || async {
        let answer = reqwest::get(format!("{}/ready", studio.url)).await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    assert_eq!(ask().await, (200, json!({ "ready": true })));
    // The writer is held by a change that takes its time.
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let store = studio.app.store.clone();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let change = move |_: &mut Tx| {
        let _ = begun.send(());
        let _ = held.recv();
        Ok(())
    };
    let slow = tokio::spawn(async move { store.write(change).await });
    begins.await.unwrap();
    assert_eq!(ask().await, (503, json!({ "ready": false, "reason": "store_busy" })));
    drop(hold);
    slow.await.unwrap().unwrap();
    assert_eq!(ask().await.0, 200);
    // New connections are refused by then; on an old one it is still told.
    let router = videoplanet::server::http::router(&studio.app);
    studio.app.stopping.cancel();
    let request = axum::http::Request::get("/ready").body(Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body = axum::body::to_bytes(answer.into_body(), 1 << 10).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), json!({ "ready": false, "reason": "stopping" }));
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_starts_it_lives_and_is_not_ready() {
    outbound::prepare();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let starting = tokio::spawn(async move { videoplanet::server::http::starting(&listener, None).await });
    let health = reqwest::get(format!("{url}/health")).await.unwrap();
    assert_eq!(
        (health.status().as_u16(), health.json::<Value>().await.unwrap()["status"].clone()),
        (200, json!("starting"))
    );
    for path in ["/ready", "/", "/api/v1/me"] {
        let answer = reqwest::get(format!("{url}{path}")).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "1"));
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "ready": false, "reason": "starting" }));
    }
    starting.abort();
}
