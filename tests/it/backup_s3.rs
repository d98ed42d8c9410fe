//! Backups in an S3-compatible storage, played by a small one: what a bucket does, and no more.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use videoplanet::domain::backups::target;
use videoplanet::domain::backups::work;
use videoplanet::engines::backup::{Target, Trouble};

use crate::backup::{restored, take};
use crate::clips::noise;
use crate::studio::Studio;

const KEY: &str = "AKIATESTTESTTEST";

/// What a bucket holds, and what was asked of it.
#[derive(Default)]
struct Held {
    objects: BTreeMap<String, Bytes>,
    parts: BTreeMap<String, BTreeMap<u32, Bytes>>,
    asked: Vec<String>,
    /// Uploads of parts that came to their end.
    whole: usize,
}

type Bucket = Arc<Mutex<Held>>;

async fn answer(
    State(bucket): State<Bucket>,
    method: Method,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query: BTreeMap<String, String> =
        form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
    let mut held = bucket.lock();
    held.asked.push(format!("{method} {path}"));
    let signed = headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or("");
    if !signed.contains(KEY) {
        let said = format!("<Error><Code>InvalidAccessKeyId</Code><AWSAccessKeyId>{signed}</AWSAccessKeyId></Error>");
        return (StatusCode::FORBIDDEN, said).into_response();
    }
    let (_, name) = path.split_once('/').unwrap_or((&path, ""));
    let name = name.to_owned();
    match (method.as_str(), query.get("uploadId"), query.get("partNumber")) {
        ("GET", ..) if query.contains_key("list-type") => list(&held, &query).into_response(),
        ("POST", None, _) if query.contains_key("uploads") => {
            let id = format!("upload-{}", held.parts.len());
            held.parts.insert(id.clone(), BTreeMap::new());
            let said = format!(
                "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            );
            said.into_response()
        }
        ("PUT", Some(id), Some(number)) => {
            held.parts.get_mut(id).unwrap().insert(number.parse().unwrap(), body);
            ([("etag", format!("\"{number}\""))]).into_response()
        }
        ("POST", Some(id), _) => {
            let parts = held.parts.remove(id).unwrap();
            let sizes: Vec<usize> = parts.values().map(Bytes::len).collect();
            let (last, others) = sizes.split_last().unwrap();
            assert!(others.iter().all(|size| *size == sizes[0] && *size >= 5 << 20) && *last > 0, "{sizes:?}");
            held.objects.insert(name, parts.values().flat_map(|part| part.to_vec()).collect::<Vec<u8>>().into());
            held.whole += 1;
            "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>".into_response()
        }
        ("DELETE", Some(id), _) => {
            held.parts.remove(id);
            StatusCode::NO_CONTENT.into_response()
        }
        ("PUT", ..) if headers.contains_key("if-none-match") && held.objects.contains_key(&name) => {
            StatusCode::PRECONDITION_FAILED.into_response()
        }
        ("PUT", ..) => {
            held.objects.insert(name, body);
            [("etag", "\"one\"")].into_response()
        }
        ("DELETE", ..) => {
            held.objects.remove(&name);
            StatusCode::NO_CONTENT.into_response()
        }
        ("GET" | "HEAD", ..) => match held.objects.get(&name) {
            None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
            Some(bytes) => {
                let head = [
                    ("etag", "\"one\"".to_owned()),
                    ("last-modified", "Sat, 28 Nov 2026 00:00:00 GMT".to_owned()),
                    ("content-length", bytes.len().to_string()),
                ];
                (head, if method == Method::HEAD { Bytes::new() } else { bytes.clone() }).into_response()
            }
        },
        _ => StatusCode::NOT_IMPLEMENTED.into_response(),
    }
}

/// At most 3 objects a page, so that pages are turned.
fn list(held: &Held, query: &BTreeMap<String, String>) -> String {
    let prefix = query.get("prefix").cloned().unwrap_or_default();
    let after = query.get("continuation-token").cloned().unwrap_or_default();
    let all: Vec<_> = held.objects.iter().filter(|(name, _)| name.starts_with(&prefix) && **name > after).collect();
    let contents: String = all
        .iter()
        .take(3)
        .map(|(name, bytes)| {
            format!(
                "<Contents><Key>{name}</Key><LastModified>2026-11-28T00:00:00.000Z</LastModified><ETag>\"one\"</ETag><Size>{}</Size></Contents>",
                bytes.len()
            )
        })
        .collect();
    let more = match all.get(2).filter(|_| all.len() > 3) {
        Some((last, _)) => {
            format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{last}</NextContinuationToken>")
        }
        None => "<IsTruncated>false</IsTruncated>".to_owned(),
    };
    format!("<ListBucketResult><Name>b</Name><Prefix>{prefix}</Prefix>{more}{contents}</ListBucketResult>")
}

async fn bucket() -> (Bucket, String) {
    let bucket = Bucket::default();
    let routes = Router::new().route("/{*path}", any(answer)).with_state(bucket.clone());
    let routes = routes.layer(axum::extract::DefaultBodyLimit::max(64 << 20));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (bucket, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_takes_backups_in_parts_and_gives_them_back() {
    let (bucket, url) = bucket().await;
    story("backup-s3", &url, "s3://b/studio/planet").await;
    let held = bucket.lock();
    assert!(held.whole >= 1 && held.parts.is_empty(), "large ones go in parts, and none is left over");
    assert!(held.objects.keys().all(|name| name.starts_with("studio/planet/")), "{:?}", held.objects.keys());
    assert!(!held.objects.contains_key("studio/planet/lock"));
}

/// The same with a storage that somebody has started, such as moto: VP_S3=http://127.0.0.1:5000 with a bucket `planet`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "VP_S3 has to name a storage"]
async fn a_real_storage_does_the_same() {
    let url = std::env::var("VP_S3").expect("VP_S3 names a storage");
    story("backup-s3-real", &url, &format!("s3://planet/{}", std::process::id())).await;
}

async fn story(name: &str, url: &str, to: &str) {
    let s = Studio::with(name, |c| {
        c.backup.to = to.to_owned();
        c.backup.s3_endpoint = url.to_owned();
        c.backup.s3_key = KEY.into();
        c.backup.s3_secret = "very secret key".into();
        c.backup.passphrase = "바른 말".into();
        (c.backup.keep_last, c.backup.keep_days) = (1, 0);
    })
    .await;
    let film = noise(19 << 20, 1);
    s.editor.upload(s.feedback, "a.mp4", &film).await;
    for n in 2..6 {
        s.editor.upload(s.feedback, "b.mp4", &noise(30_000, n)).await;
    }
    let first = take(&s.app).await.unwrap();
    assert!(first.verified.ok && first.manifest.new_bytes > 19 << 20, "{:?}", first.verified);
    let second = take(&s.app).await.unwrap();
    assert!(second.manifest.new_bytes < 2 << 20 && second.let_go == [first.manifest.id]);
    let right = target(&s.app.config(), None);
    let elsewhere = s.dir.path().join("elsewhere");
    restored(&right, None, &elsewhere).await.unwrap();
    let key = blake3::hash(&film).to_string();
    assert!(std::fs::read(elsewhere.join(format!("media/{}/{key}/original", &key[..2]))).unwrap() == film);
    s.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_key_nor_secret_stands_in_an_error() {
    let (_, url) = bucket().await;
    let s = Studio::start("backup-s3-refused").await;
    let to = |endpoint: &str| Target {
        to: "s3://b/x".into(),
        endpoint: endpoint.to_owned(),
        key: "AKIAWRONGWRONG".into(),
        secret: "very secret key".into(),
        ..Target::default()
    };
    let refused = work::take_now(&s.app, to(&url), None, CancellationToken::new(), |_| ()).await.unwrap_err();
    assert!(matches!(&refused, Trouble::Refused(_)), "{refused}");
    let said = refused.to_string();
    assert!(!said.contains("AKIAWRONG") && !said.contains("very secret"), "{said}");
    let none = Target { secret: String::new(), ..to(&url) };
    let refused = work::take_now(&s.app, none, None, CancellationToken::new(), |_| ()).await.unwrap_err();
    assert!(refused.to_string().contains("backup.s3_secret"), "{refused}");
    s.stop().await;
}
