//! Styles, scripts and signs, inside the binary.
//!
//! One hash names the whole tree and is the first part of each path (`/static/<hash>/js/room.js`), so that modules
//! import each other by relative paths and all of them may be kept for ever: another build has another hash.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::base::error::Error;
use crate::base::page::hex;

#[derive(rust_embed::RustEmbed)]
#[folder = "static"]
struct Files;

static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Files::iter().collect();
    names.sort();
    let mut all = Sha256::new();
    for name in names {
        let Some(file) = Files::get(&name) else { continue };
        all.update(name.as_bytes());
        all.update(file.metadata.sha256_hash());
    }
    hex(&all.finalize()[..6])
});

pub(super) fn routes() -> Router<App> {
    Router::new().route("/static/{hash}/{*path}", get(file))
}

/// Where the file named by its path below `static/` is served.
pub(super) fn url(path: &str) -> String {
    format!("/static/{}/{path}", *HASH)
}

async fn file(Path((hash, path)): Path<(String, String)>, headers: HeaderMap) -> Result<Response, Error> {
    let file = Files::get(&path).ok_or(Error::NotFound("file"))?;
    let etag = format!("\"{}\"", hex(&file.metadata.sha256_hash()[..12]));
    // A page of an earlier build may ask with its old hash: it gets the present file, and asks again next time.
    // Debug builds read the files from disk while they are being written.
    let forever = hash == *HASH && !cfg!(debug_assertions);
    let cache = if forever { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = headers.get(IF_NONE_MATCH).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains(&etag));
    let tag = HeaderValue::from_str(&etag).map_err(Error::internal)?;
    let head = [(ETAG, tag), (CACHE_CONTROL, HeaderValue::from_static(cache))];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    let kind = match path.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    };
    Ok((head, [(CONTENT_TYPE, HeaderValue::from_static(kind))], file.data.into_owned()).into_response())
}
