//! Connections: accepted within a limit, given a time for their request head, drained at the end.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::app::App;
use crate::domain::http::Peer;

/// Serves until `app.stopping` is set, then gives running requests `server.drain_s` seconds to end.
pub async fn serve(app: App, listener: TcpListener) {
    let router = super::router(&app);
    tokio::spawn(super::metrics::seconds(app.clone()));
    tokio::spawn(super::ahead::read(app.clone()));
    // Who holds a copy is a connection.
    let open = Arc::new(());
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
    let graceful = GracefulShutdown::new();
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
            _ = app.stopping.cancelled() => break,
        };
        let config = app.config();
        // A connection beyond the limit is closed at once rather than left to wait without an answer.
        if Arc::strong_count(&open) > config.server.max_connections {
            continue;
        }
        let place = open.clone();
        // Without a time-out a client that sends its head byte by byte holds a task for ever.
        builder.http1().header_read_timeout(Duration::from_secs(config.server.header_timeout_s.max(1)));
        let _ = stream.set_nodelay(true);
        let (router, app) = (router.clone(), app.clone());
        let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            // What was answered to this session before and still stands needs no route.
            let answered = super::front::answer(&app, &request, peer);
            let routed = answered.is_none().then(|| {
                let mut request: Request = request.map(Body::new);
                request.extensions_mut().insert(Peer(peer));
                super::layers::slash(&mut request);
                router.clone().oneshot(request)
            });
            async move {
                match (answered, routed) {
                    (Some(answer), _) => Ok(answer),
                    (None, Some(routed)) => routed.await,
                    (None, None) => unreachable!("a request is answered or routed"),
                }
            }
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            let _place = place;
            if let Err(e) = watched.await {
                tracing::debug!(error = %e, "a connection broke");
            }
        });
    }
    drop(listener);
    app.hub.stop();
    let drain = Duration::from_secs(app.config().server.drain_s);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests had not ended when their time was over");
    }
}
