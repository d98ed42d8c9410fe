//! `/uploads`: the tus protocol 1.0.0 with creation, creation-with-upload, termination, checksum and expiration.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{Checksum, NewUpload, Upload};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::{FeedbackId, UploadId};
use crate::base::locale::Text;
use crate::domain::accounts::Viewer;
use crate::domain::http::{Binary, Json, Path};

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const EXTENSIONS: HeaderValue =
    HeaderValue::from_static("creation,creation-with-upload,termination,checksum,expiration");
const PIECE: &str = "application/offset+octet-stream";
/// Bytes of `Upload-Metadata`: a name of 255 bytes, a type and an id need less than a fifth.
const METADATA_MAX: usize = 4096;

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const TUS_CHECKSUM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const MEDIA_ID: HeaderName = HeaderName::from_static("x-media-id");

/// What is told of these routes in the OpenAPI document.
#[derive(utoipa::OpenApi)]
#[openapi(paths(create, head, json, patch, remove))]
pub struct Doc;

/// The routes of uploads.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/uploads", post(create))
        .route("/uploads/{id}", get(json).head(head).patch(patch).delete(remove))
}

/// Answers `OPTIONS` of a client that asks what this server can. A layer outside of CORS, which would take every
/// `OPTIONS` for a browser's own question; that one is recognised by its header and goes on.
pub async fn abilities(State(app): State<App>, request: Request, next: Next) -> Response {
    let ours = request.uri().path().starts_with("/api/v1/uploads");
    let browser = request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if request.method() != Method::OPTIONS || !ours || browser {
        return next.run(request).await;
    }
    let headers = [
        (TUS_RESUMABLE, VERSION),
        (TUS_VERSION, VERSION),
        (TUS_EXTENSION, EXTENSIONS),
        (TUS_MAX_SIZE, HeaderValue::from(app.config().media.max_upload_bytes)),
        (TUS_CHECKSUM, HeaderValue::from_static("sha1,sha256")),
        (ALLOW, HeaderValue::from_static("OPTIONS, POST, HEAD, PATCH, DELETE, GET")),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Begins an upload
///
/// tus 1.0.0, with `creation`, `creation-with-upload`, `termination`, `checksum` and `expiration`. The next version of a feedback comes about with the last byte.
#[utoipa::path(
    post,
    path = "/uploads",
    params(
        ("Tus-Resumable" = String, Header, description = "The version of the protocol", example = "1.0.0"),
        ("Upload-Length" = u64, Header, description = "Bytes in all", example = 48120512),
        ("Upload-Metadata" = String, Header, description = "`filename`, `feedback_id` and perhaps `filetype`, each with its value in base64", example = "filename ZmlsbS5tcDQ=,feedback_id MQ=="),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256`, a space, the sum of this piece in base64")
    ),
    responses(
        (status = 201),
        (status = 412, description = "Another version of tus than 1.0.0"),
        (status = 400, description = "A header is missing or cannot be read"),
        (status = 409, description = "The piece does not begin where the last one ended"),
        (status = 413, description = "Larger than allowed, or than was announced"),
        (status = 415, description = "Not `application/offset+octet-stream`"),
        (status = 423, description = "Another request writes to this upload"),
        (status = 460, description = "The bytes are not those of the checksum"),
        (status = 507, description = "The disk is full"),
        (status = 404, description = "No such feedback"),
        (status = 422, description = "`Upload-Metadata` lacks something"),
    )
)]
async fn create(State(app): State<App>, who: Viewer, request: Request) -> Response {
    spoken(begin(app, who, request).await)
}

async fn begin(app: App, who: Viewer, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    version(headers)?;
    let size_bytes = number(headers, UPLOAD_LENGTH)?.ok_or_else(|| wrong(UPLOAD_LENGTH, "bytes in all, a number"))?;
    let new = read_metadata(headers, size_bytes)?;
    let with_piece = match headers.get(CONTENT_TYPE) {
        Some(kind) if kind.as_bytes() == PIECE.as_bytes() => true,
        // A body without that type is not asked for; an empty one has any type.
        Some(_) if number(headers, CONTENT_LENGTH)?.is_some_and(|n| n > 0) => return Err(not_a_piece()),
        _ => false,
    };
    let checksum = checksum(headers)?;
    let upload = super::create(&app, &who, new).await?;
    let location = format!("/api/v1/uploads/{}", upload.id);
    let mut media = None;
    let mut upload = upload;
    if with_piece || size_bytes == 0 {
        let (body, length) = if size_bytes == 0 {
            (axum::body::Body::empty(), Some(0))
        } else {
            (body, number(headers, CONTENT_LENGTH)?)
        };
        let received = super::receive(&app, upload, 0, checksum, length, body).await?;
        (upload, media) = (received.upload, received.media);
    }
    let mut response = (StatusCode::CREATED, progress(&upload)).into_response();
    let location = HeaderValue::from_str(&location).map_err(Error::internal)?;
    response.headers_mut().insert(LOCATION, location);
    if let Some(media) = media {
        response.headers_mut().insert(MEDIA_ID, HeaderValue::from(media.0));
    }
    Ok(response)
}

/// How far an upload is
#[utoipa::path(
    head,
    path = "/uploads/{id}",
    params(("Tus-Resumable" = String, Header, description = "The version of the protocol", example = "1.0.0")),
    responses((status = 200), (status = 412, description = "Another version of tus than 1.0.0"))
)]
async fn head(State(app): State<App>, who: Viewer, Path(id): Path<UploadId>, headers: HeaderMap) -> Response {
    let answer = async {
        version(&headers)?;
        let upload = super::look(&app, who.user, id).await?;
        let mut out = progress(&upload);
        out.insert(UPLOAD_LENGTH, HeaderValue::from(upload.size_bytes));
        out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(metadata) = HeaderValue::from_str(&upload.metadata) {
            out.insert(UPLOAD_METADATA, metadata);
        }
        if let Some(media) = upload.media_id {
            out.insert(MEDIA_ID, HeaderValue::from(media.0));
        }
        Ok((StatusCode::OK, out).into_response())
    };
    spoken(answer.await)
}

/// An upload
#[utoipa::path(get, path = "/uploads/{id}", responses((status = 200, body = Upload)))]
async fn json(State(app): State<App>, who: Viewer, Path(id): Path<UploadId>) -> Result<Json<Upload>> {
    Ok(Json(super::look(&app, who.user, id).await?))
}

/// Sends a piece
///
/// The body is the bytes from `Upload-Offset` on, of any length. After a broken connection, `HEAD` tells where to go on.
#[utoipa::path(
    patch,
    path = "/uploads/{id}",
    params(
        ("Tus-Resumable" = String, Header, description = "The version of the protocol", example = "1.0.0"),
        ("Upload-Offset" = u64, Header, description = "Where this piece begins", example = 0),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256`, a space, the sum of this piece in base64")
    ),
    request_body(content = Binary, content_type = "application/offset+octet-stream"),
    responses(
        (status = 204),
        (status = 412, description = "Another version of tus than 1.0.0"),
        (status = 400, description = "A header is missing or cannot be read"),
        (status = 409, description = "The piece does not begin where the last one ended"),
        (status = 413, description = "Larger than allowed, or than was announced"),
        (status = 415, description = "Not `application/offset+octet-stream`"),
        (status = 423, description = "Another request writes to this upload"),
        (status = 460, description = "The bytes are not those of the checksum"),
        (status = 507, description = "The disk is full"),
    )
)]
async fn patch(State(app): State<App>, who: Viewer, Path(id): Path<UploadId>, request: Request) -> Response {
    let answer = async {
        let (parts, body) = request.into_parts();
        let headers = &parts.headers;
        version(headers)?;
        if headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != PIECE.as_bytes()) {
            return Err(not_a_piece());
        }
        let offset = number(headers, UPLOAD_OFFSET)?.ok_or_else(|| wrong(UPLOAD_OFFSET, "where the piece begins"))?;
        let checksum = checksum(headers)?;
        let now = app.clock.now();
        let upload = app.read(move |db| super::get(db, who.user, id, now)).await?;
        let received = super::receive(&app, upload, offset, checksum, number(headers, CONTENT_LENGTH)?, body).await?;
        let mut response = (StatusCode::NO_CONTENT, progress(&received.upload)).into_response();
        if let Some(media) = received.media {
            response.headers_mut().insert(MEDIA_ID, HeaderValue::from(media.0));
        }
        Ok(response)
    };
    spoken(answer.await)
}

/// Gives an upload up
#[utoipa::path(
    delete,
    path = "/uploads/{id}",
    params(("Tus-Resumable" = String, Header, description = "The version of the protocol", example = "1.0.0")),
    responses(
        (status = 204),
        (status = 412, description = "Another version of tus than 1.0.0"),
        (status = 409, description = "It is whole already"),
        (status = 423, description = "Another request writes to it"),
    )
)]
async fn remove(State(app): State<App>, who: Viewer, Path(id): Path<UploadId>, headers: HeaderMap) -> Response {
    let answer = async {
        version(&headers)?;
        super::remove(&app, who.user, id).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    spoken(answer.await)
}

/// Every answer names the protocol's version; errors too.
fn spoken(answer: Result<Response>) -> Response {
    let unknown_version = matches!(&answer, Err(Error::Protocol { status: 412, .. }));
    let mut response = answer.into_response();
    response.headers_mut().insert(TUS_RESUMABLE, VERSION);
    if unknown_version {
        response.headers_mut().insert(TUS_VERSION, VERSION);
    }
    response
}

fn progress(upload: &Upload) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(upload.offset_bytes));
    if upload.media_id.is_none()
        && let Some(expires) = http_date(upload.expires)
    {
        headers.insert(UPLOAD_EXPIRES, expires);
    }
    headers
}

fn http_date(time: Time) -> Option<HeaderValue> {
    let at = Timestamp::from_millisecond(time.0).ok()?;
    HeaderValue::from_str(&rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()?).ok()
}

fn version(headers: &HeaderMap) -> Result<()> {
    if headers.get(TUS_RESUMABLE).is_some_and(|v| *v == VERSION) {
        return Ok(());
    }
    Err(Error::Protocol { status: 412, code: "tus_version", text: Text::new("media.upload.version") })
}

fn not_a_piece() -> Error {
    Error::UnsupportedMedia(Text::new("media.upload.content_type"))
}

fn wrong(name: HeaderName, expected: &str) -> Error {
    Error::BadRequest(Text::new("media.upload.header").with("name", &name).with("expected", expected))
}

/// A header that is a plain number; `None` without it.
fn number(headers: &HeaderMap, name: HeaderName) -> Result<Option<u64>> {
    let Some(value) = headers.get(&name) else { return Ok(None) };
    let text = value.to_str().unwrap_or("");
    let parsed = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    match parsed.filter(|&n| n <= i64::MAX as u64) {
        Some(n) => Ok(Some(n)),
        None => Err(wrong(name, "a number")),
    }
}

/// `filename`, `filetype` and `feedback_id` out of `Upload-Metadata` (`key base64, key base64`).
fn read_metadata(headers: &HeaderMap, size_bytes: u64) -> Result<NewUpload> {
    let raw = headers.get(UPLOAD_METADATA).and_then(|v| v.to_str().ok()).unwrap_or("");
    if raw.len() > METADATA_MAX {
        return Err(wrong(UPLOAD_METADATA, "at most 4096 bytes"));
    }
    let mut pairs = HashMap::new();
    for pair in raw.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let bytes = STANDARD.decode(value.trim()).map_err(|_| wrong(UPLOAD_METADATA, "values in base64"))?;
        let text = String::from_utf8(bytes).map_err(|_| wrong(UPLOAD_METADATA, "values in UTF-8"))?;
        pairs.insert(key.to_owned(), text);
    }
    let missing = |name: &str| Error::invalid(name, Text::new("media.upload.metadata").with("name", name));
    let name = pairs.remove("filename").ok_or_else(|| missing("filename"))?;
    let feedback = pairs.remove("feedback_id").and_then(|id| id.parse().ok()).ok_or_else(|| missing("feedback_id"))?;
    let content_type: String = pairs.remove("filetype").unwrap_or_default().chars().take(100).collect();
    Ok(NewUpload { feedback: FeedbackId(feedback), name, content_type, metadata: raw.to_owned(), size_bytes })
}

/// `Upload-Checksum: sha1 <base64>`.
fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>> {
    let Some(value) = headers.get(UPLOAD_CHECKSUM) else { return Ok(None) };
    let wrong = || wrong(UPLOAD_CHECKSUM, "sha1 or sha256 and the sum in base64");
    let (name, sum) = value.to_str().ok().and_then(|v| v.split_once(' ')).ok_or_else(wrong)?;
    let sum = STANDARD.decode(sum.trim()).map_err(|_| wrong())?;
    match (name, sum.len()) {
        ("sha1", 20) => Ok(Some(Checksum::Sha1(Sha1::new(), sum))),
        ("sha256", 32) => Ok(Some(Checksum::Sha256(Sha256::new(), sum))),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::dice::Dice;

    fn with(name: HeaderName, value: &[u8]) -> Option<HeaderMap> {
        Some(HeaderMap::from_iter([(name, HeaderValue::from_bytes(value).ok()?)]))
    }

    #[test]
    fn metadata_is_read_pair_by_pair() {
        let read = |text: &str| read_metadata(&with(UPLOAD_METADATA, text.as_bytes()).unwrap(), 5);
        let new = read("filename 6rCA7J2ELm1wNA==, feedback_id Nw==,is_private,filetype dmlkZW8vbXA0").unwrap();
        assert_eq!(
            (new.name.as_str(), new.feedback, new.content_type.as_str()),
            ("가을.mp4", FeedbackId(7), "video/mp4")
        );
        assert!(matches!(read("filename 6rCA7J2ELm1wNA=="), Err(Error::Invalid(_))), "no feedback");
        assert!(matches!(read("filename !!!,feedback_id Nw=="), Err(Error::BadRequest(_))), "no base64");
        assert!(matches!(read("filename /w==,feedback_id Nw=="), Err(Error::BadRequest(_))), "no UTF-8");
        assert!(matches!(read(&"a,".repeat(3000)), Err(Error::BadRequest(_))), "too long");
    }

    /// Whatever stands in the headers of the protocol, the answer is what was asked for or an error that says so.
    #[test]
    fn no_header_leads_it_astray() {
        let words: [&[u8]; 9] =
            [b",", b" ", b"=", b"filename", b"feedback_id ", b"\xff", b"18446744073709551616", b"sha256 ", b"////"];
        let metadata = [
            &b"filename 6rCA7J2ELm1wNA==,feedback_id Nw==,filetype dmlkZW8vbXA0"[..],
            b"feedback_id OTIyMzM3MjAzNjg1NDc3NTgwOA==,filename Li4vLi4v",
        ];
        let sums = [&b"sha1 Lve95gjOVATpfV8EL5X4nxwjKHE="[..], b"sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="];
        let (mut dice, mut read, mut summed) = (Dice::new(4), 0, 0);
        for _ in 0..20_000 {
            let mut bytes = dice.of(&metadata).to_vec();
            dice.harm(&mut bytes, &words);
            if let Some(headers) = with(UPLOAD_METADATA, &bytes) {
                match read_metadata(&headers, 5) {
                    Ok(new) => {
                        assert!(new.metadata.len() <= METADATA_MAX && new.content_type.chars().count() <= 100);
                        assert!(
                            super::super::clean_name(&new.name)
                                .is_none_or(|n| n.len() <= 255 && !n.contains(['/', '\\', '\0']))
                        );
                        read += 1;
                    }
                    Err(e) => assert!(matches!(e, Error::BadRequest(_) | Error::Invalid(_)), "{e:?}"),
                }
            }
            let mut bytes = dice.of(&sums).to_vec();
            dice.harm(&mut bytes, &words);
            if let Some(headers) = with(UPLOAD_CHECKSUM, &bytes) {
                summed += usize::from(matches!(checksum(&headers), Ok(Some(_))));
            }
            let mut bytes = b"48120512".to_vec();
            dice.harm(&mut bytes, &words);
            if let Some(Ok(Some(n))) = with(UPLOAD_LENGTH, &bytes).map(|h| number(&h, UPLOAD_LENGTH)) {
                assert!(i64::try_from(n).is_ok());
            }
        }
        assert!(read > 500 && summed > 100, "the harm leaves some whole: {read}, {summed}");
    }
}
