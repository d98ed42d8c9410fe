//! The real program, killed in the middle of an upload: what was acknowledged is there, and the upload goes on.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::clips::{Dir, noise};

/// A running server; killed when dropped.
struct Server {
    child: Child,
    url: String,
    token: String,
    client: Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_videoplanet"));
    command.arg("--data").arg(data).stderr(Stdio::null());
    command
}

impl Server {
    async fn start(data: &Path) -> Server {
        let mut child = program(data)
            .args(["--set", "server.bind=127.0.0.1:0", "serve"])
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

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/api/v1{path}", self.url));
        request.bearer_auth(&self.token).header("Tus-Resumable", "1.0.0")
    }

    async fn json(&self, request: RequestBuilder) -> Value {
        request.send().await.unwrap().json().await.unwrap()
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

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_survives_two_cuts_and_a_killed_server() {
    let dir = Dir::new("crash");
    let data = dir.path().join("data");
    let mut add = program(&data)
        .args(["user", "add", "editor@example.com", "--nickname", "편집자", "--admin", "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    add.stdin.take().unwrap().write_all(b"correct horse battery\n").unwrap();
    assert!(add.wait().unwrap().success());

    let server = Server::start(&data).await;
    let project = server.json(server.ask(Method::POST, "/projects").json(&json!({ "name": "가을" }))).await;
    let path = format!("/projects/{}/feedbacks", project["id"]);
    let feedback = server.json(server.ask(Method::POST, &path).json(&json!({ "title": "1차" }))).await;
    let film = noise(100 << 20, 9);
    let name = STANDARD.encode("큰 파일.mov");
    let created = server
        .ask(Method::POST, "/uploads")
        .header("Upload-Length", film.len())
        .header(
            "Upload-Metadata",
            format!("filename {name},feedback_id {}", STANDARD.encode(feedback["id"].to_string())),
        )
        .send()
        .await
        .unwrap();
    let location = created.headers()["location"].to_str().unwrap().to_owned();
    let upload = location.strip_prefix("/api/v1").unwrap();

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
    let piece = server
        .ask(Method::PATCH, upload)
        .header("Upload-Offset", at)
        .header("Content-Type", "application/offset+octet-stream")
        .body(film[at..].to_vec());
    let done = piece.send().await.unwrap();
    assert_eq!(done.status(), 204);
    let media = done.headers()["x-media-id"].to_str().unwrap().to_owned();
    let original = server.ask(Method::GET, &format!("/media/{media}/original")).send().await.unwrap();
    let original = original.bytes().await.unwrap();
    assert!(blake3::hash(&original) == blake3::hash(&film), "the stored bytes are the sent ones");
}
