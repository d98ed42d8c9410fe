//! The real program, killed in the middle of an upload: what was acknowledged is there, and the upload goes on.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::clips::{Dir, noise};

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// Where it answers.
    pub url: String,
    token: String,
    client: Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program on a data directory.
pub fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_videoplanet"));
    command.arg("--data").arg(data).stderr(Stdio::null());
    command
}

impl Server {
    pub async fn start(data: &Path) -> Server {
        Server::launch(program(data)).await
    }

    /// With other settings, each as `section.key=value`.
    pub async fn with(data: &Path, settings: &[&str]) -> Server {
        let mut command = program(data);
        command.args(settings.iter().flat_map(|s| ["--set", s]));
        Server::launch(command).await
    }

    /// The same with more said on its command line.
    pub async fn launch(command: Command) -> Server {
        Server::bound(command, ([127, 0, 0, 1], 0).into()).await
    }

    /// The same at this address.
    pub async fn bound(mut command: Command, address: std::net::SocketAddr) -> Server {
        videoplanet::engines::outbound::prepare();
        let mut child = command
            .args(["--set", &format!("server.bind={address}"), "serve"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().last().unwrap().to_owned();
        assert!(url.starts_with("http://"), "{line}");
        let client = Client::new();
        let login = json!({ "email": "editor@example.com", "password": "correct horse battery" });
        let answer = client.post(format!("{url}/api/v1/auth/login")).json(&login).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let token = answer["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        Server { child, url, token, client }
    }

    /// What the editor signs in with.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// `kill -9`.
    pub fn kill(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    pub async fn end(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        for _ in 0..1200 {
            if self.child.try_wait().unwrap().is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not end");
    }

    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.ask_as(&self.token, method, path)
    }

    /// A request with another token.
    pub fn ask_as(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/api/v1{path}", self.url));
        request.bearer_auth(token).header("Tus-Resumable", "1.0.0")
    }

    pub async fn json(&self, request: RequestBuilder) -> Value {
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Makes a project with a feedback and begins an upload for it; answers the upload's path.
    async fn begin(&self, name: &str, size: usize) -> String {
        let project = self.json(self.ask(Method::POST, "/projects").json(&json!({ "name": "가을" }))).await;
        let path = format!("/projects/{}/feedbacks", project["id"]);
        let feedback = self.json(self.ask(Method::POST, &path).json(&json!({ "title": "1차" }))).await;
        let (name, id) = (STANDARD.encode(name), STANDARD.encode(feedback["id"].to_string()));
        let metadata = format!("filename {name},feedback_id {id}");
        let request =
            self.ask(Method::POST, "/uploads").header("Upload-Length", size).header("Upload-Metadata", metadata);
        let created = request.send().await.unwrap();
        created.headers()["location"].to_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned()
    }

    /// Uploads a film to a feedback in one piece; answers the version's id.
    pub async fn bring(&self, feedback: &Value, name: &str, film: &[u8]) -> String {
        let (name, id) = (STANDARD.encode(name), STANDARD.encode(feedback.to_string()));
        let metadata = format!("filename {name},feedback_id {id}");
        let request =
            self.ask(Method::POST, "/uploads").header("Upload-Length", film.len()).header("Upload-Metadata", metadata);
        let created = request.send().await.unwrap();
        let upload = created.headers()["location"].to_str().unwrap().strip_prefix("/api/v1").unwrap().to_owned();
        self.finish(&upload, 0, film).await
    }

    /// Sends all the rest; answers the version's id.
    async fn finish(&self, upload: &str, at: usize, rest: &[u8]) -> String {
        let piece = self.ask(Method::PATCH, upload).header("Upload-Offset", at).body(rest.to_vec());
        let done = piece.header("Content-Type", "application/offset+octet-stream").send().await.unwrap();
        assert_eq!(done.status(), 204);
        done.headers()["x-media-id"].to_str().unwrap().to_owned()
    }

    /// Waits until a version shows what is wanted.
    async fn shown_when(&self, media: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut shown = Value::Null;
        for _ in 0..1200 {
            shown = self.json(self.ask(Method::GET, &format!("/media/{media}"))).await;
            if wanted(&shown) {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never so: {shown}");
    }

    async fn offset(&self, upload: &str) -> usize {
        let head = self.ask(Method::HEAD, upload).send().await.unwrap();
        head.headers()["upload-offset"].to_str().unwrap().parse().unwrap()
    }

    /// Sends a part of a piece and keeps the connection open.
    fn send_part(&self, upload: &str, at: usize, rest: usize, sent: &[u8]) -> TcpStream {
        let host = self.url.trim_start_matches("http://");
        let mut socket = TcpStream::connect(host).unwrap();
        write!(
            socket,
            "PATCH /api/v1{upload} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
             Content-Type: application/offset+octet-stream\r\nUpload-Offset: {at}\r\nContent-Length: {rest}\r\n\r\n",
            self.token
        )
        .unwrap();
        socket.write_all(sent).unwrap();
        socket
    }
}

/// A data directory with an editor in it.
pub fn fresh(name: &str) -> (Dir, PathBuf) {
    let dir = Dir::new(name);
    let data = dir.path().join("data");
    let mut add = program(&data)
        .args(["user", "add", "editor@example.com", "--nickname", "편집자", "--admin", "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    add.stdin.take().unwrap().write_all(b"correct horse battery\n").unwrap();
    assert!(add.wait().unwrap().success());
    (dir, data)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_survives_two_cuts_and_a_killed_server() {
    let (_dir, data) = fresh("crash");
    let server = Server::start(&data).await;
    let film = noise(100 << 20, 9);
    let location = server.begin("큰 파일.mov", film.len()).await;
    let upload = location.as_str();

    // The connection falls: all that arrived counts.
    drop(server.send_part(upload, 0, film.len(), &film[..10_000_000]));
    let mut at = 0;
    for _ in 0..200 {
        at = server.offset(upload).await;
        if at == 10_000_000 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(at, 10_000_000);

    // The server is killed in the middle of a long piece: what it had made durable counts.
    let socket = server.send_part(upload, at, film.len() - at, &film[at..90_000_000]);
    for _ in 0..500 {
        if server.offset(upload).await > at {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let acknowledged = server.offset(upload).await;
    assert!(acknowledged > at, "a long piece is made durable in between");
    drop(server);
    drop(socket);

    let server = Server::start(&data).await;
    at = server.offset(upload).await;
    assert!((acknowledged..=90_000_000).contains(&at), "{acknowledged} were told, {at} are there");
    drop(server.send_part(upload, at, film.len() - at, &film[at..95_000_000]));
    while server.offset(upload).await < 95_000_000 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    at = server.offset(upload).await;
    let media = server.finish(upload, at, &film[at..]).await;
    let original = server.ask(Method::GET, &format!("/media/{media}/original")).send().await.unwrap();
    let original = original.bytes().await.unwrap();
    assert!(blake3::hash(&original) == blake3::hash(&film), "the stored bytes are the sent ones");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_media_job_dies_with_its_server_and_ends_with_the_next() {
    let (dir, data) = fresh("job");
    let film = dir.film("-f lavfi -i testsrc2=s=640x360:r=50:d=40 -c:v mpeg2video -q:v 4 -g 25 long.ts");
    let server = Server::start(&data).await;
    let upload = server.begin("long.ts", film.len()).await;
    let media = server.finish(&upload, 0, &film).await;
    server.shown_when(&media, |m| m["progress"]["percent"].as_f64().is_some_and(|p| p > 12.0)).await;
    assert_eq!(children_below(&data), 1);
    drop(server);
    for _ in 0..40 {
        if children_below(&data) == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(children_below(&data), 0, "ffmpeg lives on without its server");
    let server = Server::start(&data).await;
    let ready = server.shown_when(&media, |m| m["state"] == "ready" || m["state"] == "failed").await;
    assert_eq!(ready["state"], "ready", "{ready}");
    assert_eq!(std::fs::read_dir(data.join("scratch")).unwrap().count(), 0);
}

/// How many processes work in a job's directory.
fn children_below(data: &Path) -> usize {
    let scratch = data.join("scratch").canonicalize().unwrap();
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|p| std::fs::read_link(p.ok()?.path().join("cwd")).ok());
    processes.filter(|cwd| cwd.starts_with(&scratch)).count()
}
