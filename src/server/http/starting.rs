//! What is answered while the program opens what it needs: a large database may be migrated for minutes, and whoever waits
//! (a load balancer, an orchestrator) must not take that for a crash.

use std::convert::Infallible;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::engines::tls::Tls;

/// How long a connection may take.
const TIME: Duration = Duration::from_secs(3);
/// Bytes of a request's head that are read.
const HEAD: usize = 8 << 10;

/// Answers until it is dropped: `/health` says that it lives, everything else is asked to come back.
pub async fn starting(listener: &TcpListener, tls: Option<&Tls>) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let acceptor = tls.map(Tls::acceptor);
                let answered = async move {
                    match acceptor {
                        Some(acceptor) => answer(acceptor.accept(stream).await?).await,
                        None => answer(stream).await,
                    }
                };
                drop(tokio::spawn(tokio::time::timeout(TIME, answered)));
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
    let mut head = Vec::with_capacity(1 << 10);
    while head.len() < HEAD && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    let alive = head.starts_with(b"GET /health ") || head.starts_with(b"HEAD /health ");
    let (status, body) = match alive {
        true => ("200 OK", r#"{"status":"starting"}"#),
        false => ("503 Service Unavailable", r#"{"ready":false,"reason":"starting"}"#),
    };
    let body = if head.starts_with(b"HEAD ") { "" } else { body };
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 1\r\n\
         cache-control: no-store\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
