//! Behind a real nginx, with the file that we hand out: pages, sign-in, live rooms, live pages, uploads and films go
//! through it as they are, and whose request it is stays known.

use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use reqwest::{Body, Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::clips::noise;
use crate::studio::{Studio, header};
use crate::tls::{certificate, line, trusting};

/// nginx before a studio; killed when dropped.
struct Nginx {
    child: Child,
    at: SocketAddr,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers, which a kill would leave behind.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

impl Nginx {
    /// Starts it with `packaging/nginx.conf`: other ports, another certificate and another program behind it, nothing else.
    async fn before(program: &str, dir: &Path) -> Nginx {
        let (pem, key) = certificate(dir, "nginx");
        let at = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut ours =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/nginx.conf")).unwrap();
        for (from, to) in [
            ("    listen 80;\n    listen [::]:80;\n", format!("    listen unix:{}/plain;\n", dir.display())),
            ("    listen 443 ssl http2;\n    listen [::]:443 ssl http2;\n", format!("    listen {at} ssl http2;\n")),
            ("/etc/ssl/certs/review.example.com.pem", pem.display().to_string()),
            ("/etc/ssl/private/review.example.com.key", key.display().to_string()),
            ("127.0.0.1:8080", program.trim_start_matches("http://").to_owned()),
        ] {
            assert!(ours.contains(from), "{from}");
            ours = ours.replace(from, &to);
        }
        std::fs::write(dir.join("videoplanet.conf"), ours).unwrap();
        let user = if std::fs::metadata(dir).unwrap().uid() == 0 { "user root;" } else { "" };
        let temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temp: String = temp.iter().map(|t| format!("{t}_temp_path {}/{t};\n", dir.display())).collect();
        let dir = dir.display();
        let whole = format!(
            "{user}\ndaemon off;\npid {dir}/pid;\nerror_log {dir}/nginx.log;\nworker_processes 1;\n\
             events {{ worker_connections 256; }}\nhttp {{\naccess_log off;\n{temp}include {dir}/videoplanet.conf;\n}}\n"
        );
        let conf = format!("{dir}/nginx.conf");
        std::fs::write(&conf, whole).unwrap();
        let nginx = |more: &[&str]| {
            let mut nginx = Command::new("nginx");
            nginx.args(["-e", &format!("{dir}/nginx.log"), "-p", &dir.to_string(), "-c", &conf]).args(more);
            nginx.stdin(Stdio::null()).stdout(Stdio::null());
            nginx
        };
        // As the manual has it before the reload.
        let tried = nginx(&["-t"]).output().expect("nginx is installed");
        assert!(tried.status.success(), "{}", String::from_utf8_lossy(&tried.stderr));
        let child = nginx(&[]).spawn().unwrap();
        let nginx = Nginx { child, at };
        let begun = Instant::now();
        while tokio::net::TcpStream::connect(at).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "nginx does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        nginx
    }

    fn url(&self) -> String {
        format!("https://review.example.com:{}", self.at.port())
    }

    /// A browser on another machine, as far as there is one: its address is not the proxy's.
    fn client(&self) -> Client {
        let elsewhere: IpAddr = "127.0.0.2".parse().unwrap();
        trusting().resolve("review.example.com", self.at).local_address(elsewhere).build().unwrap()
    }
}

/// A request for a socket from a page at `origin`.
fn socket(url: &str, path: &str, cookie: &str, origin: &str) -> Request {
    let mut request = format!("{}{path}", url.replacen("https", "wss", 1)).into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    request.headers_mut().insert("origin", origin.parse().unwrap());
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_nginx_everything_goes_through_as_it_is() {
    let studio = Studio::with("nginx", |c| c.server.trusted_proxies = vec!["127.0.0.1".into()]).await;
    studio.app.setup.done();
    let nginx = Nginx::before(&studio.url, studio.dir.path()).await;
    let (url, client) = (nginx.url(), nginx.client());
    let bearer = |request: RequestBuilder| request.bearer_auth(&studio.editor.token).header("Tus-Resumable", "1.0.0");

    // A sign-in: the cookie goes by TLS alone, and whose it is stands with the session, whatever he made up himself.
    assert_eq!(client.get(format!("{url}/login")).send().await.unwrap().status(), 200);
    let login = json!({ "email": "editor@example.com", "password": "correct horse battery" });
    let sign_in = client.post(format!("{url}/api/v1/auth/login")).header("X-Forwarded-For", "203.0.113.9");
    let answer = sign_in.json(&login).send().await.unwrap();
    let given = header(&answer, "set-cookie");
    assert!(given.contains("; Secure"), "{given}");
    let cookie = given.split(';').next().unwrap().to_owned();
    let sessions = client.get(format!("{url}/api/v1/me/sessions")).header("cookie", &cookie).send().await.unwrap();
    let sessions = sessions.text().await.unwrap();
    assert!(sessions.contains("127.0.0.2") && !sessions.contains("203.0.113.9"), "{sessions}");

    // A change from one of our pages, and from a stranger's.
    let change = |origin: &str| {
        let request = client.post(format!("{url}/api/v1/projects")).header("cookie", &cookie).header("origin", origin);
        request.json(&json!({ "name": "겨울" })).send()
    };
    assert_eq!(change(&url).await.unwrap().status(), 201);
    assert_eq!(change("https://evil.example.com").await.unwrap().status(), 403);

    // A room opens for our page and hears; for a stranger's page it does not.
    let room = format!("/ws/projects/{}", studio.project);
    let pem = studio.dir.path().join("nginx.pem");
    let stream = line(nginx.at, &pem, &["http/1.1"]).await.unwrap();
    let request = socket(&url, &room, &cookie, &url);
    let (mut opened, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let hello = opened.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(hello.contains("initial_state"), "{hello}");
    let comment = format!("/feedbacks/{}/comments", studio.feedback);
    let posted = studio.editor.ask(Method::POST, &comment).json(&json!({ "text": "들리나요" })).send().await.unwrap();
    assert_eq!(posted.status(), 201);
    let heard = async { while !opened.next().await.unwrap().unwrap().into_text().unwrap().contains("들리나요") {} };
    tokio::time::timeout(Duration::from_secs(5), heard).await.expect("the room is heard at once");
    let stream = line(nginx.at, &pem, &["http/1.1"]).await.unwrap();
    let request = socket(&url, &room, &cookie, "https://evil.example.com");
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((mut opened, _)) => match opened.next().await {
            Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 4003),
            other => panic!("{other:?}"),
        },
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 403),
        Err(e) => panic!("{e}"),
    }

    // A live page speaks while its answer goes on.
    let live = client.get(format!("{url}/admin/live?page=overview")).header("cookie", &cookie);
    let mut live = live.send().await.unwrap();
    assert_eq!((live.status().as_u16(), header(&live, "content-type").as_str()), (200, "text/event-stream"));
    let first =
        tokio::time::timeout(Duration::from_secs(5), live.chunk()).await.expect("nothing is kept back").unwrap();
    assert!(!first.unwrap().is_empty());

    // An upload that breaks off: what arrived at the proxy arrived here.
    let film = noise(3 << 20, 5);
    let location = studio.editor.location(studio.feedback, "film.mp4", film.len()).await;
    let (mut feed, body) = tokio::io::duplex(1 << 20);
    let patch = bearer(client.patch(format!("{url}{location}"))).header("Upload-Offset", 0);
    let patch = patch.header("Content-Type", "application/offset+octet-stream").header("Content-Length", film.len());
    let sending = tokio::spawn(patch.body(Body::wrap_stream(tokio_util::io::ReaderStream::new(body))).send());
    feed.write_all(&film[..2 << 20]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    sending.abort();
    let offset = || async {
        let head = bearer(client.head(format!("{url}{location}"))).send().await.unwrap();
        head.headers().get("upload-offset").map_or(0, |o| o.to_str().unwrap().parse::<usize>().unwrap())
    };
    let begun = Instant::now();
    while offset().await == 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the proxy keeps bodies until they are whole");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let at = offset().await;
    let rest = bearer(client.patch(format!("{url}{location}"))).header("Upload-Offset", at);
    let rest = rest.header("Content-Type", "application/offset+octet-stream").body(film[at..].to_vec());
    let done = rest.send().await.unwrap();
    assert_eq!(done.status(), 204);
    let media = header(&done, "x-media-id");

    // A part of a film, as a player asks.
    let original = bearer(client.get(format!("{url}/api/v1/media/{media}/original")));
    let part = original.header("Range", "bytes=1000000-1000099").send().await.unwrap();
    assert_eq!(
        (part.status().as_u16(), header(&part, "content-range")),
        (206, format!("bytes 1000000-1000099/{}", 3 << 20))
    );
    assert_eq!(part.bytes().await.unwrap(), film[1_000_000..1_000_100]);

    // Links are those that the client sees.
    let invited = bearer(client.post(format!("{url}/api/v1/projects/{}/invitations", studio.project)));
    let invited = invited.json(&json!({ "email": "guest@example.com", "role": "viewer" })).send().await.unwrap();
    let said: Value = invited.json().await.unwrap();
    assert!(said.to_string().contains(&format!("{url}/")), "{said}");
    drop(nginx);
    studio.stop().await;
}
