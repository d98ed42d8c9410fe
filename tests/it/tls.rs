//! TLS by the program itself: its certificate, the change of it, and what holds because a request came by it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Client;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::clips::Dir;
use crate::crash::{fresh, program};

/// A certificate for these names that vouches for itself, and its key, as files `name.pem` and `name.key`.
pub fn certificate(dir: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (pem, key) = (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key")));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "90"])
        .args(["-subj", "/CN=review.example.com"])
        .args(["-addext", "subjectAltName=DNS:review.example.com,DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:false"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&pem)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    (pem, key)
}

/// A line to `at` that trusts this certificate alone; `None` if it is not shown.
pub async fn line(at: SocketAddr, pem: &Path, protocols: &[&str]) -> Option<TlsStream<TcpStream>> {
    videoplanet::engines::outbound::prepare();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(pem).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("review.example.com").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(at).await.unwrap()).await.ok()
}

/// A client that takes any certificate.
pub fn trusting() -> reqwest::ClientBuilder {
    videoplanet::engines::outbound::prepare();
    Client::builder().tls_danger_accept_invalid_certs(true).redirect(reqwest::redirect::Policy::none())
}

struct House {
    child: Child,
    url: String,
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl House {
    fn start(data: &Path, complaints: &Path, settings: &[String]) -> House {
        let told = std::fs::File::create(complaints).unwrap();
        let settings = settings.iter().flat_map(|s| ["--set", s.as_str()]);
        let mut child = program(data)
            .args(["--set", "server.bind=127.0.0.1:0", "--set", "cache.disk_mib=64"])
            .args(settings)
            .arg("serve")
            .stdout(Stdio::piped())
            .stderr(told)
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let url = said.split_whitespace().last().unwrap_or_default().to_owned();
        assert!(url.starts_with("https://127.0.0.1:"), "{said}{}", std::fs::read_to_string(complaints).unwrap());
        House { child, url }
    }

    fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("https://").parse().unwrap()
    }

    fn hang_up(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    }
}

fn with(pem: &Path, key: &Path) -> Vec<String> {
    vec![format!("tls.certificate={}", pem.display()), format!("tls.key={}", key.display())]
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_cookies_and_the_way_from_http_are_by_tls() {
    let (dir, data) = fresh("tls");
    let (pem, key) = certificate(dir.path(), "one");
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut settings = with(&pem, &key);
    settings.push(format!("tls.redirect_from={plain}"));
    let house = House::start(&data, &dir.path().join("stderr"), &settings);
    let client = trusting().build().unwrap();

    let page = client.get(format!("{}/login", house.url)).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.headers().get("strict-transport-security").is_none(), "nobody has said that the name is one of https");
    let login = json!({ "email": "editor@example.com", "password": "correct horse battery" });
    let answer = client.post(format!("{}/api/v1/auth/login", house.url)).json(&login).send().await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("; Secure"), "{cookie}");

    let led = client.get(format!("http://{plain}/projects/1?tab=plan")).send().await.unwrap();
    assert_eq!(
        (led.status().as_u16(), led.headers()["location"].to_str().unwrap()),
        (308, &*format!("{}/projects/1?tab=plan", house.url))
    );

    // Both protocols are offered; who speaks none of them in time, or no TLS at all, holds nobody up.
    for (asked, taken) in [(&["h2", "http/1.1"][..], "h2"), (&["http/1.1"][..], "http/1.1")] {
        let line = line(house.address(), &pem, asked).await.unwrap();
        assert_eq!(line.get_ref().1.alpn_protocol(), Some(taken.as_bytes()));
    }
    let mut mute = std::net::TcpStream::connect(house.address()).unwrap();
    std::io::Write::write_all(&mut mute, b"GET / HTTP/1.1\r\n\r\n").unwrap();
    mute.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut heard = Vec::new();
    let _ = mute.read_to_end(&mut heard);
    assert!(!heard.starts_with(b"HTTP"), "no plain answer where TLS is spoken");

    // The health check of a container asks by TLS, whatever the name.
    let health = |url: &str| program(&data).args(["health", "--url", url]).output().unwrap();
    let well = health(&house.url);
    assert!(well.status.success(), "{}", String::from_utf8_lossy(&well.stdout));
    drop(house);
    assert_eq!(health(&format!("http://{plain}")).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_over_and_a_broken_one_is_not() {
    let (dir, data) = fresh("renewed");
    let (first, of_first) = certificate(dir.path(), "first");
    let (second, of_second) = certificate(dir.path(), "second");
    let (pem, key) = (dir.path().join("live.pem"), dir.path().join("live.key"));
    let put = |from: &Path, to: &Path| assert!(std::fs::copy(from, to).is_ok());
    put(&first, &pem);
    put(&of_first, &key);
    let house = House::start(&data, &dir.path().join("stderr"), &with(&pem, &key));
    let at = house.address();
    assert!(line(at, &first, &[]).await.is_some() && line(at, &second, &[]).await.is_none());

    // Seen without being told.
    put(&second, &pem);
    put(&of_second, &key);
    until("the second one", async || line(at, &second, &[]).await.is_some()).await;
    // The key of another one: the old pair stays, and the log says why.
    put(&of_first, &key);
    house.hang_up();
    let complaints = || std::fs::read_to_string(dir.path().join("stderr")).unwrap();
    until("a complaint", async || complaints().contains("it is not the key of tls.certificate")).await;
    assert!(line(at, &second, &[]).await.is_some());
    // Told by a signal.
    put(&first, &pem);
    house.hang_up();
    until("the first one again", async || line(at, &first, &[]).await.is_some()).await;
}

/// A refusal that comes before the body has been read is an answer as well: over HTTP/2 a stream that is given up resets,
/// and with it what the client was about to read.
#[tokio::test(flavor = "multi_thread")]
async fn over_http2_a_refused_body_costs_nobody_the_answer() {
    let (dir, data) = fresh("refused-h2");
    let (pem, key) = certificate(dir.path(), "one");
    let house = House::start(&data, &dir.path().join("stderr"), &with(&pem, &key));
    for (bytes, path, status) in [
        (64 << 10, "projects", 401),
        (1 << 20, "projects", 401),
        (20 << 20, "auth/login", 413),
        (20 << 20, "uploads", 401),
    ] {
        let body = dir.path().join("body");
        std::fs::write(&body, vec![b' '; bytes]).unwrap();
        let url = format!("{}/api/v1/{path}", house.url);
        for n in 0..25 {
            let mut curl = tokio::process::Command::new("curl");
            curl.args(["-sSk", "--http2", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "--max-time", "30"]);
            curl.args(["-H", "Content-Type: application/json", "-H", "Tus-Resumable: 1.0.0", "--data-binary"]);
            let asked = curl.arg(format!("@{}", body.display())).arg(&url).output().await.unwrap();
            let said = String::from_utf8_lossy(&asked.stdout).into_owned();
            assert!(
                asked.status.success(),
                "{path}, {bytes} bytes, try {n}: {}",
                String::from_utf8_lossy(&asked.stderr)
            );
            assert_eq!(said, format!("2 {status}"), "{path}, {bytes} bytes, try {n}");
        }
    }
}

#[test]
fn what_is_no_pair_is_refused_at_the_start() {
    let dir = Dir::new("no-pair");
    let data = dir.path().join("data");
    let (one, of_one) = certificate(dir.path(), "one");
    let (_, of_other) = certificate(dir.path(), "other");
    let missing = dir.path().join("missing.pem");
    for (settings, said) in [
        (with(&one, &of_other), "it is not the key of tls.certificate"),
        (with(&missing, &of_one), "No such file"),
        (with(&of_one, &of_one), "no certificate in it"),
        (with(&one, &one), "no private key in it"),
        (vec![format!("tls.certificate={}", one.display())], "TLS needs both"),
        (vec!["tls.redirect_from=127.0.0.1:80".to_owned()], "There is no https to lead to"),
    ] {
        let set = settings.iter().flat_map(|s| ["--set", s.as_str()]);
        let ended = program(&data)
            .args(set)
            .args(["--set", "server.bind=127.0.0.1:0", "serve"])
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && complaint.contains(said) && complaint.contains("tls."), "{complaint}");
    }
    assert!(!data.join("videoplanet.db").exists(), "nothing was opened");
}

#[test]
fn the_doctor_looks_at_the_certificate() {
    let dir = Dir::new("tls-doctor");
    let data = dir.path().join("data");
    let (pem, key) = certificate(dir.path(), "one");
    let look = |key: &Path| {
        let settings = with(&pem, key);
        let set = settings.iter().flat_map(|s| ["--set", s.as_str()]);
        let looked =
            program(&data).args(set).args(["--set", "media.encoder=cpu", "doctor", "--json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&looked.stdout).unwrap();
        let found = report["checks"].as_array().unwrap().iter().find(|c| c["check"] == "tls").unwrap().clone();
        (found["outcome"].as_str().unwrap().to_owned(), found["finding"].as_str().unwrap().to_owned())
    };
    assert_eq!(look(&key), ("ok".into(), "doctor.tls.fine".into()));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(look(&key), ("warn".into(), "doctor.tls.open_key".into()));
    assert_eq!(look(&pem), ("fail".into(), "doctor.tls.broken".into()));
}
