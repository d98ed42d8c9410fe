//! Connections: accepted within a limit, given a time for TLS and for their request head, carried to their end.
//!
//! Law of the end: a request that was sent is answered. With sockets of a supervisor, connections that come after the stop
//! wait in the kernel for the successor. On those that are here already the next answer says `Connection: close`, and one
//! on which nothing is asked is closed only after a moment ([`LINGER`]): its client may be about to ask.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, HOST, LOCATION, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderValue, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use axum::{Router, http};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::starting::starting;
use crate::app::App;
use crate::config::Config;
use crate::domain::http::Peer;
use crate::domain::reached::{Encrypted, Reached};
use crate::engines::systemd;
use crate::engines::tls::Tls;

/// How long a connection without a request is kept after the stop, if there is a successor for what comes later.
const LINGER: Duration = Duration::from_millis(500);
/// How long connections are left in the kernel's queue while the program opens what it needs, if a supervisor holds the
/// socket: an upgrade is mostly over by then, and nobody has seen more than a slow answer. Who still waits after that is
/// told to come back, since a long migration is no matter of seconds.
const QUIET: Duration = Duration::from_secs(3);
/// How often the certificate's files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// What `Strict-Transport-Security` promises: half a year of https (RFC 6797).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=15552000");

/// Where connections come in.
pub struct Door {
    listeners: Vec<TcpListener>,
    /// A supervisor holds the sockets: what comes while nobody accepts is not lost.
    inherited: bool,
    tls: Option<Tls>,
    /// Leads from http to https.
    redirect: Option<TcpListener>,
}

/// A socket of one's own.
impl From<TcpListener> for Door {
    fn from(listener: TcpListener) -> Door {
        Door { listeners: vec![listener], inherited: false, tls: None, redirect: None }
    }
}

impl Door {
    /// Takes the sockets that a supervisor hands over, or else binds the one that the settings name; a predecessor that
    /// still has it is given so long to end.
    pub async fn open(config: &Config, patience: Duration) -> anyhow::Result<Door> {
        let handed = systemd::sockets()?;
        let inherited = !handed.is_empty();
        let mut listeners = Vec::new();
        for socket in handed {
            listeners.push(TcpListener::from_std(socket).context("cannot listen on a socket of the supervisor")?);
        }
        if !inherited {
            listeners.push(bind(&config.server.bind, patience).await?);
        }
        let files = &config.tls;
        let tls = match files.certificate.is_empty() {
            true => None,
            false => Some(Tls::open(files.certificate.as_ref(), files.key.as_ref())?),
        };
        let redirect = match files.redirect_from.is_empty() {
            true => None,
            false => Some(bind(&files.redirect_from, patience).await?),
        };
        Ok(Door { listeners, inherited, tls, redirect })
    }

    /// Has a supervisor handed the sockets over?
    pub fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// The certificate, where the program speaks TLS itself.
    pub fn tls(&self) -> Option<Tls> {
        self.tls.clone()
    }

    /// Where it can be reached from this machine and those beside it.
    pub fn addresses(&self) -> Vec<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let of = |listener: &TcpListener| {
            let address = listener.local_addr().ok()?;
            let host = match address.ip() {
                ip if ip.is_unspecified() => "localhost".to_owned(),
                IpAddr::V4(ip) => ip.to_string(),
                IpAddr::V6(ip) => format!("[{ip}]"),
            };
            Some(format!("{scheme}://{host}:{}", address.port()))
        };
        let mut all: Vec<String> = self.listeners.iter().filter_map(of).collect();
        all.dedup();
        all
    }

    /// Answers until it is dropped that the program starts.
    pub async fn starting(&self) -> Infallible {
        if self.inherited {
            tokio::time::sleep(QUIET).await;
        }
        let all = self.listeners.iter().map(|listener| Box::pin(starting(listener, self.tls.as_ref())));
        futures_util::future::select_all(all).await.0
    }
}

async fn bind(address: &str, patience: Duration) -> anyhow::Result<TcpListener> {
    let begun = Instant::now();
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(e) if e.kind() == std::io::ErrorKind::AddrInUse && begun.elapsed() < patience => {
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            Err(e) => return Err(e).with_context(|| format!("cannot listen on {address}")),
        }
    }
}

/// Serves until `app.stopping` is set, then gives running requests `server.drain_s` seconds to end.
pub async fn serve(app: App, door: impl Into<Door>) {
    let door = door.into();
    tokio::spawn(super::metrics::seconds(app.clone()));
    tokio::spawn(super::ahead::read(app.clone()));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
    if let Some(tls) = door.tls.clone() {
        tokio::spawn(watch(tls, app.stopping.clone()));
    }
    let line = Line {
        router: super::router(&app),
        builder,
        open: TaskTracker::new(),
        linger: if door.inherited { LINGER } else { Duration::ZERO },
        tls: door.tls,
        redirects: false,
        port: door.listeners.first().and_then(|l| l.local_addr().ok()).map_or(0, |address| address.port()),
        app: app.clone(),
    };
    let mut doors: Vec<_> = door.listeners.into_iter().map(|listener| line.clone().accept(listener)).collect();
    if let Some(listener) = door.redirect {
        doors.push(Line { tls: None, redirects: true, ..line.clone() }.accept(listener));
    }
    // Each ends with the stop, and closes its socket.
    futures_util::future::join_all(doors).await;
    app.hub.stop();
    line.open.close();
    let drain = Duration::from_secs(app.config().server.drain_s);
    if tokio::time::timeout(drain, line.open.wait()).await.is_err() {
        tracing::warn!(connections = line.open.len(), "some requests had not ended when their time was over");
    }
}

/// Takes over a certificate that has been renewed.
async fn watch(tls: Tls, stopping: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stopping.cancelled() => return,
        }
        let tls = tls.clone();
        let _ = tokio::task::spawn_blocking(move || tls.look()).await;
    }
}

/// What every connection of a door has.
#[derive(Clone)]
struct Line {
    app: App,
    router: Router,
    builder: auto::Builder<TokioExecutor>,
    /// One each.
    open: TaskTracker,
    linger: Duration,
    tls: Option<Tls>,
    /// Every answer leads to https.
    redirects: bool,
    /// Of the first socket.
    port: u16,
}

impl Line {
    async fn accept(mut self, listener: TcpListener) {
        loop {
            let (stream, peer) = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(pair) => pair,
                    Err(e) => {
                        // Out of file descriptors: waiting is all that helps.
                        tracing::warn!(error = %e, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
                () = self.app.stopping.cancelled() => return,
            };
            let config = self.app.config();
            // A connection beyond the limit is closed at once rather than left to wait without an answer.
            if self.open.len() >= config.server.max_connections {
                continue;
            }
            // Without a time-out a client that sends its head byte by byte holds a task for ever.
            let limit = Duration::from_secs(config.server.header_timeout_s.max(1));
            self.builder.http1().header_read_timeout(limit);
            let _ = stream.set_nodelay(true);
            self.open.spawn(self.clone().begin(stream, peer, limit));
        }
    }

    async fn begin(self, stream: TcpStream, peer: SocketAddr, limit: Duration) {
        let Some(tls) = &self.tls else { return self.talk(stream, peer).await };
        match tokio::time::timeout(limit, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => self.talk(stream, peer).await,
            Ok(Err(e)) => tracing::debug!(error = %e, "a connection did not come to TLS"),
            Err(_) => tracing::debug!("a connection took too long to come to TLS"),
        }
    }

    async fn talk(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: SocketAddr) {
        let (builder, linger, stopping) = (self.builder.clone(), self.linger, self.app.stopping.clone());
        let asked = Arc::new(Asked::default());
        let here = asked.clone();
        let service = hyper::service::service_fn(move |request: http::Request<_>| {
            let under_way = here.begin(request.version());
            self.answer(request, peer, under_way)
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        if let Err(e) = carry(connection, &asked, &stopping, linger).await {
            tracing::debug!(error = %e, "a connection broke");
        }
    }

    fn answer(
        &self,
        mut request: http::Request<hyper::body::Incoming>,
        peer: SocketAddr,
        under_way: UnderWay,
    ) -> impl Future<Output = Result<Response, Infallible>> + use<> {
        let app = &self.app;
        // HTTP/2 names the host elsewhere.
        if let Some(host) = request.uri().authority().filter(|_| !request.headers().contains_key(HOST))
            && let Ok(host) = HeaderValue::from_str(host.as_str())
        {
            request.headers_mut().insert(HOST, host);
        }
        request.extensions_mut().insert(Peer(peer));
        if self.tls.is_some() {
            request.extensions_mut().insert(Encrypted);
        }
        let config = app.config();
        let reached = || Reached::of(&config.server, request.headers(), request.extensions());
        // Promised only for a name that the admin has said to be one of https: it would shut every other port of it.
        let promised = config.server.public_url.starts_with("https://") && reached().secure;
        let one_more = request.version() < Version::HTTP_2;
        // What was answered to this session before and still stands needs no route.
        let answered = match self.redirects {
            true => Some(to_https(&request, &reached(), &config, self.port)),
            false => super::front::answer(app, &request, peer),
        };
        let routed = answered.is_none().then(|| {
            let mut request: Request = request.map(Body::new);
            if !one_more {
                request = request.map(super::layers::to_the_end);
            }
            super::layers::slash(&mut request);
            self.router.clone().oneshot(request)
        });
        let stopping = app.stopping.clone();
        async move {
            let _under_way = under_way;
            let mut answer = match (answered, routed) {
                (Some(answer), _) => answer,
                (None, Some(routed)) => routed.await?,
                (None, None) => unreachable!("a request is answered or routed"),
            };
            if promised {
                answer.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HSTS);
            }
            if one_more && stopping.is_cancelled() && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(answer)
        }
    }
}

/// Leads to the same path by https: at the address that people type, or at the host that was asked and our own port.
fn to_https<B>(request: &http::Request<B>, reached: &Reached, config: &Config, port: u16) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let public = config.server.public_url.trim_end_matches('/');
    let to = match (public.starts_with("https://"), &reached.host) {
        (true, _) => Some(format!("{public}{path}")),
        (false, None) => None,
        (false, Some(host)) => {
            let name = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host.as_str(), |(n, _)| n);
            let port = if port == 443 { String::new() } else { format!(":{port}") };
            Some(format!("https://{name}{port}{path}"))
        }
    };
    let to = to.and_then(|to| HeaderValue::from_str(&to).ok()).filter(|_| path.starts_with('/'));
    match to {
        Some(to) => (StatusCode::PERMANENT_REDIRECT, [(LOCATION, to)]).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// Requests of one connection that are being answered.
#[derive(Default)]
struct Asked {
    now: AtomicUsize,
    begun: Notify,
    /// They come over HTTP/2.
    streams: AtomicBool,
}

struct UnderWay(Arc<Asked>);

impl Asked {
    fn begin(self: &Arc<Asked>, version: Version) -> UnderWay {
        self.streams.store(version >= Version::HTTP_2, Ordering::Relaxed);
        self.now.fetch_add(1, Ordering::Relaxed);
        self.begun.notify_waiters();
        UnderWay(self.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Carries a connection to its end: its own, or after the stop that of its last request.
async fn carry<C: GracefulConnection>(
    connection: C,
    asked: &Asked,
    stopping: &CancellationToken,
    linger: Duration,
) -> Result<(), C::Error> {
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = stopping.cancelled() => {}
    }
    if asked.now.load(Ordering::Relaxed) == 0 {
        // A request begins while its connection is polled, which happens here alone: none is missed.
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = asked.begun.notified() => {}
            () = tokio::time::sleep(linger) => {
                connection.as_mut().graceful_shutdown();
                return connection.await;
            }
        }
    }
    // The answer to come says by itself that it is the last. hyper would say so also where a WebSocket is opened, and
    // thereby break its head; over HTTP/2 no answer can say it.
    if asked.streams.load(Ordering::Relaxed) {
        connection.as_mut().graceful_shutdown();
    }
    connection.await
}
