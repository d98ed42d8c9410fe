//! The bytes of a version on their way out: whole or by Range, for whoever may watch it at this moment.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio_util::io::ReaderStream;

use super::shelf::Kind;
use super::sign::Signature;
use super::{Media, POSTER, PROXY, links, recipes};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::ids::MediaId;
use crate::domain::accounts::Viewer;
use crate::domain::http::{Binary, Path, Query};
use crate::engines::files::{ORIGINAL, Opened};

/// What is read from the disk at once, for each stream: a slow viewer holds twice this.
const BUFFER: usize = 256 << 10;
/// An original's bytes never change, and they are nobody else's business.
const CACHE: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");
/// Pictures may be made again, which nobody has to see within minutes.
const CACHE_PICTURE: HeaderValue = HeaderValue::from_static("private, max-age=300");
/// A film and its lists fit together only as they stand now.
const CACHE_FILM: HeaderValue = HeaderValue::from_static("private, no-cache");
/// Texts with names are signed name by name: a list of a film of a day has a megabyte.
const TEXT_BYTES: u64 = 8 << 20;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// `1`: to be saved, not shown.
    #[serde(default)]
    download: Option<String>,
    /// Of a signed URL: for whom.
    u: Option<i64>,
    /// Of a signed URL: until when.
    e: Option<i64>,
    /// Of a signed URL: the signature.
    s: Option<String>,
}

/// The bytes of a version
///
/// `original`, or a rendition as its URLs name it: `proxy.mp4`, `poster.jpg`, `sprite.vtt`. Whole or by `Range`; with a session, a token or a signed URL.
#[utoipa::path(
    get,
    path = "/media/{id}/{file}",
    security((), ("session" = []), ("bearer" = [])), params(Asked, ("Range" = Option<String>, Header, description = "One range of bytes, such as `bytes=0-1023`")),
    responses(
        (status = 200, description = "The whole file", content_type = "*/*", body = Binary),
        (status = 206, description = "A part of it", content_type = "*/*", body = Binary),
        (status = 304),
        (status = 416, description = "The range lies behind the end"),
    )
)]
pub(super) async fn file(
    State(app): State<App>,
    viewer: Option<Viewer>,
    Path((id, file)): Path<(MediaId, String)>,
    Query(asked): Query<Asked>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    send(app, viewer, id, file, asked, method, headers).await
}

/// One of a set of files
///
/// A picture along the film (`thumbs/01.jpg`), of a scene (`scenes/001.jpg`), or a file of a long film's ladder (`hls/master.m3u8`). Asked by a signed URL, lists and maps name their files with the same signature.
#[utoipa::path(
    get,
    path = "/media/{id}/{set}/{file}",
    security((), ("session" = []), ("bearer" = [])), params(Asked, ("Range" = Option<String>, Header, description = "One range of bytes, such as `bytes=0-1023`")),
    responses(
        (status = 200, description = "The whole file", content_type = "*/*", body = Binary),
        (status = 206, description = "A part of it", content_type = "*/*", body = Binary),
        (status = 304),
        (status = 416, description = "The range lies behind the end"),
    )
)]
pub(super) async fn of_set(
    State(app): State<App>,
    viewer: Option<Viewer>,
    Path((id, set, file)): Path<(MediaId, String, String)>,
    Query(asked): Query<Asked>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    send(app, viewer, id, format!("{set}/{file}"), asked, method, headers).await
}

async fn send(
    app: App,
    viewer: Option<Viewer>,
    id: MediaId,
    file: String,
    asked: Asked,
    method: Method,
    headers: HeaderMap,
) -> Result<Response> {
    let download = asked.download.as_deref().is_some_and(|d| d != "0" && d != "false");
    // A signature in the URL is meant; a stale one falls back to who is signed in.
    let signature = Signature { u: asked.u, e: asked.e, s: asked.s };
    let signer = signature.user(&app, id);
    let user = signer.or(viewer.map(|v| v.user)).ok_or(Error::Unauthenticated)?;
    let media = app.read(move |db| super::get(db, user, id)).await?;
    if file != ORIGINAL && !media.has(&file) {
        return Err(Error::NotFound("rendition"));
    }
    let opened = open(&app, &media, &file).await?;
    if file == ORIGINAL || Kind::of(&file).is_heavy() {
        app.watched.note(media.key, app.clock.now());
    }

    let entity = Entity::of(&media, &file, &opened);
    let mut out = HeaderMap::new();
    out.insert(header::ETAG, entity.etag.clone());
    out.insert(header::LAST_MODIFIED, entity.modified.clone());
    out.insert(header::CACHE_CONTROL, cache(&file));
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if headers.get(header::IF_NONE_MATCH).is_some_and(|tags| entity.is_among(tags)) {
        return Ok((StatusCode::NOT_MODIFIED, out).into_response());
    }
    out.insert(header::CONTENT_TYPE, content_type(&media, &file));
    // Nothing that a stranger sent is shown as a page.
    let inline = file != ORIGINAL || media.playable;
    out.insert(header::CONTENT_DISPOSITION, disposition(&media.name, &file, download || !inline));

    if signer.is_some() && links::has(&file) && opened.len <= TEXT_BYTES {
        let mut text = String::new();
        tokio::fs::File::from_std(opened.file).take(TEXT_BYTES).read_to_string(&mut text).await?;
        let text = links::signed(&file, &text, &signature.query());
        // Written for this asker: neither a part of it nor its tag would mean anything.
        out.remove(header::ETAG);
        out.remove(header::ACCEPT_RANGES);
        out.insert(header::CONTENT_LENGTH, HeaderValue::from(text.len()));
        let body = if method == Method::HEAD { Body::empty() } else { Body::from(text) };
        return Ok((StatusCode::OK, out, body).into_response());
    }

    let ranged = headers.get(header::IF_RANGE).is_none_or(|v| *v == entity.etag || *v == entity.modified);
    let range = headers.get(header::RANGE).filter(|_| ranged && method == Method::GET).and_then(|v| v.to_str().ok());
    let (status, from, len) = match range.map_or(Range::Whole, |r| Range::read(r, opened.len)) {
        Range::Whole => (StatusCode::OK, 0, opened.len),
        Range::Part(from, len) => {
            let part = format!("bytes {from}-{}/{}", from + len - 1, opened.len);
            out.insert(header::CONTENT_RANGE, value(&part));
            (StatusCode::PARTIAL_CONTENT, from, len)
        }
        Range::Outside => {
            out.insert(header::CONTENT_RANGE, value(&format!("bytes */{}", opened.len)));
            out.remove(header::CONTENT_DISPOSITION);
            out.remove(header::CONTENT_TYPE);
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, out).into_response());
        }
    };
    out.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    if method == Method::HEAD {
        return Ok((status, out).into_response());
    }
    let mut file = tokio::fs::File::from_std(opened.file);
    file.set_max_buf_size(BUFFER);
    if from > 0 {
        file.seek(SeekFrom::Start(from)).await?;
    }
    let capacity = BUFFER.min(usize::try_from(len).unwrap_or(BUFFER)).max(1);
    let metrics = app.metrics.clone();
    let counted = ReaderStream::with_capacity(file.take(len), capacity)
        .inspect_ok(move |bytes| metrics.traffic().served(bytes.len() as u64));
    let body = Body::from_stream(counted);
    Ok((status, out, body).into_response())
}

fn cache(file: &str) -> HeaderValue {
    match file {
        ORIGINAL => CACHE,
        _ if file.ends_with(".jpg") => CACHE_PICTURE,
        _ => CACHE_FILM,
    }
}

async fn open(app: &App, media: &Media, file: &str) -> Result<Opened> {
    let (files, key, name) = (app.files.clone(), media.key, file.to_owned());
    let opened = tokio::task::spawn_blocking(move || files.read(&key, &name)).await.map_err(Error::internal)?;
    opened.map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            tracing::error!(media = media.id.0, file, "a file that a row names is not in the media store");
            Error::NotFound("rendition")
        }
        _ => e.into(),
    })
}

/// What makes one file of one version recognisable.
struct Entity {
    etag: HeaderValue,
    modified: HeaderValue,
}

impl Entity {
    fn of(media: &Media, file: &str, opened: &Opened) -> Entity {
        let at = Timestamp::try_from(opened.modified).unwrap_or(Timestamp::UNIX_EPOCH);
        let hash = &media.key.to_string()[..32];
        // A rendition that is made again may have other bytes; an original never.
        let etag = match file {
            ORIGINAL => format!("\"{hash}\""),
            _ => format!("\"{hash}-{:x}-{:x}\"", opened.len, at.as_millisecond()),
        };
        let modified = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap_or_default();
        Entity { etag: value(&etag), modified: value(&modified) }
    }

    fn is_among(&self, tags: &HeaderValue) -> bool {
        let Ok(tags) = tags.to_str() else { return false };
        let mine = self.etag.to_str().unwrap_or_default();
        tags.split(',').map(|t| t.trim().trim_start_matches("W/")).any(|t| t == "*" || t == mine)
    }
}

/// What a `Range` header means for a file of some length.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// No single range that we understand: the whole file is a right answer.
    Whole,
    /// First byte and number of bytes.
    Part(u64, u64),
    /// Behind the end.
    Outside,
}

impl Range {
    fn read(header: &str, len: u64) -> Range {
        let Some((from, to)) = header.trim().strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
            return Range::Whole;
        };
        if to.contains(',') {
            return Range::Whole;
        }
        let number = |s: &str| s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse::<u64>().unwrap_or(u64::MAX));
        match (from.trim(), to.trim()) {
            ("", "") => Range::Whole,
            ("", last) => match number(last) {
                None => Range::Whole,
                Some(0) => Range::Outside,
                Some(_) if len == 0 => Range::Outside,
                Some(n) => Range::Part(len - n.min(len), n.min(len)),
            },
            (from, to) => {
                let to = if to.is_empty() { Some(u64::MAX) } else { number(to) };
                match (number(from), to) {
                    (Some(from), Some(to)) if from <= to && from < len => Range::Part(from, to.min(len - 1) - from + 1),
                    (Some(from), Some(to)) if from <= to => Range::Outside,
                    _ => Range::Whole,
                }
            }
        }
    }
}

fn content_type(media: &Media, file: &str) -> HeaderValue {
    match file {
        ORIGINAL => value(&media.content_type),
        PROXY => HeaderValue::from_static(recipes::proxy_type(media.facts.as_ref())),
        "hls/audio.mp4" => HeaderValue::from_static("audio/mp4"),
        _ if file.ends_with(".mp4") => HeaderValue::from_static("video/mp4"),
        _ if file.ends_with(".m3u8") => HeaderValue::from_static("application/vnd.apple.mpegurl"),
        _ if file.ends_with(".vtt") => HeaderValue::from_static("text/vtt; charset=utf-8"),
        _ if file.ends_with(".json") => HeaderValue::from_static("application/json"),
        _ => HeaderValue::from_static("image/jpeg"),
    }
}

/// The file name for people (RFC 6266): in full as UTF-8, and without what old clients stumble over.
fn disposition(name: &str, file: &str, download: bool) -> HeaderValue {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let name = match file {
        ORIGINAL => name.to_owned(),
        PROXY => format!("{stem}.mp4"),
        POSTER => format!("{stem}.jpg"),
        other => format!("{stem}-{}", other.rsplit_once('/').map_or(other, |(_, file)| file)),
    };
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii() && !c.is_ascii_control() && !"\"\\%".contains(c) { c } else { '_' })
        .collect();
    let full: String = name
        .bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let kind = if download { "attachment" } else { "inline" };
    value(&format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{full}"))
}

/// Our own text as a header; it holds nothing but printable ASCII.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::dice::Dice;

    #[test]
    fn a_range_is_one_part_or_none() {
        use Range::*;
        for (header, expected) in [
            ("bytes=0-", Part(0, 100)),
            ("bytes=0-0", Part(0, 1)),
            ("bytes=10-19", Part(10, 10)),
            ("bytes=90-1000", Part(90, 10)),
            ("bytes=-30", Part(70, 30)),
            ("bytes=-1000", Part(0, 100)),
            ("bytes=-0", Outside),
            ("bytes=100-", Outside),
            ("bytes=99999999999999999999999-", Outside),
            ("bytes=20-10", Whole),
            ("bytes=0-1,5-6", Whole),
            ("bytes=a-b", Whole),
            ("bytes=-", Whole),
            ("items=0-1", Whole),
            ("", Whole),
        ] {
            assert_eq!(Range::read(header, 100), expected, "{header}");
        }
        assert_eq!(Range::read("bytes=0-", 0), Outside);
        assert_eq!(Range::read("bytes=-5", 0), Outside);
    }

    /// Whatever is asked for, a part is never empty and lies inside of the file.
    #[test]
    fn no_range_leads_outside() {
        let words: [&[u8]; 8] =
            [b"bytes=", b"-", b",", b" ", b"0", b"18446744073709551615", b"18446744073709551616", b"+1"];
        let mut dice = Dice::new(3);
        for _ in 0..40_000 {
            let mut header =
                dice.of(&["bytes=0-", "bytes=10-19", "bytes=-30", "bytes=0-1,5-6", "items=7-9"]).as_bytes().to_vec();
            dice.harm(&mut header, &words);
            let header = String::from_utf8_lossy(&header);
            let len = *dice.of(&[0, 1, 20, 1 << 40, i64::MAX as u64, u64::MAX]);
            if let Range::Part(from, part) = Range::read(&header, len) {
                assert!(part > 0 && from < len && part <= len - from, "{header:?} of {len}: {from} {part}");
            }
        }
    }

    #[test]
    fn a_korean_name_survives_the_download() {
        let header = disposition("가을 광고 \"v3\".mov", PROXY, true);
        assert_eq!(
            header.to_str().unwrap(),
            "attachment; filename=\"__ __ _v3_.mp4\"; filename*=UTF-8''%EA%B0%80%EC%9D%84%20%EA%B4%91%EA%B3%A0%20%22v3%22.mp4"
        );
        assert!(
            disposition("no-extension", ORIGINAL, false).to_str().unwrap().starts_with("inline; filename=\"no-ext")
        );
    }
}
