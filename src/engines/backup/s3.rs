//! A place that is a prefix of an S3-compatible storage. Requests are signed, tried again and cut into parts by
//! `object_store`; large objects go up in parts, one under way while the next is gathered.
//!
//! Laws: neither the key nor the secret stands in an error. `http://` is spoken only where the endpoint says so.

use std::io::{self, Read, Write};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, RetryConfig,
};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::place::{Finish, Object, Target};
use super::{Result, Trouble};
use crate::base::clock::Time;

/// Bytes of a part; what is smaller goes up in one request. Storages take 10,000 parts of an object.
const PART: u64 = 8 << 20;
const PARTS: u64 = 9_000;
/// How long a request is tried again before it is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub struct Bucket {
    store: std::sync::Arc<AmazonS3>,
    prefix: Path,
    runtime: Handle,
    /// What must stand in no error.
    secrets: Secrets,
}

#[derive(Clone)]
struct Secrets([String; 2]);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    fn failed(&self, what: &str, error: &Error) -> Trouble {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            let inner_text = inner.to_string();
            if !text.contains(&inner_text) {
                text = format!("{text}: {inner_text}");
            }
            cause = inner.source();
        }
        for secret in self.0.iter().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret.as_str(), "…");
        }
        let refused = matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. });
        let text: String = text.chars().take(600).collect();
        if refused { Trouble::Refused(format!("{what}: {text}")) } else { Trouble::Failed(format!("{what}: {text}")) }
    }
}

impl Bucket {
    /// `rest` is what stands behind `s3://`.
    pub(super) fn open(rest: &str, target: &Target) -> Result<Bucket> {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(Trouble::refused("backup.to names no bucket: write s3://bucket/prefix"));
        }
        let prefix = Path::parse(prefix.trim_matches('/'));
        let prefix = prefix.map_err(|e| Trouble::refused(format!("backup.to has no usable prefix: {e}")))?;
        if target.key.is_empty() || target.secret.is_empty() {
            return Err(Trouble::refused("an S3 place needs backup.s3_key and backup.s3_secret"));
        }
        let runtime = Handle::try_current().map_err(|e| Trouble::failed("an S3 place needs a runtime", e))?;
        let region = if target.region.is_empty() { "us-east-1" } else { &target.region };
        let options = ClientOptions::new()
            .with_connect_timeout(Duration::from_secs(10))
            // For a whole request; its parts are bounded.
            .with_timeout(Duration::from_secs(300));
        let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: 5, retry_timeout: PATIENCE };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(region)
            .with_access_key_id(&target.key)
            .with_secret_access_key(&target.secret)
            .with_client_options(options)
            // Not all storages know it, and it saves nothing here.
            .with_disable_bulk_delete(true)
            .with_retry(retry);
        if !target.endpoint.is_empty() {
            builder = builder
                .with_endpoint(target.endpoint.trim_end_matches('/'))
                .with_allow_http(target.endpoint.starts_with("http://"));
        }
        let secrets = Secrets([target.secret.clone(), target.key.clone()]);
        let store = builder.build().map_err(|e| match secrets.failed("the S3 place cannot be used", &e) {
            Trouble::Failed(why) => Trouble::Refused(why),
            other => other,
        })?;
        Ok(Bucket { store: std::sync::Arc::new(store), prefix, runtime, secrets })
    }

    fn path(&self, name: &str) -> Path {
        if self.prefix.as_ref().is_empty() { Path::from(name) } else { Path::from(format!("{}/{name}", self.prefix)) }
    }

    pub(super) fn put_new(&self, name: &str, bytes: &[u8]) -> Result<bool> {
        let path = self.path(name);
        let put = |mode: PutMode| {
            let options = PutOptions { mode, ..PutOptions::default() };
            self.runtime.block_on(self.store.put_opts(&path, Bytes::copy_from_slice(bytes).into(), options))
        };
        match put(PutMode::Create) {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
            // A storage without conditions: whoever comes at the very same moment is found by reading it again.
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) if self.size(name)?.is_none() => {
                put(PutMode::Overwrite).map(|_| true).map_err(|e| self.failed("cannot write", name, &e))
            }
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => Ok(false),
            Err(e) => Err(self.failed("cannot write", name, &e)),
        }
    }

    pub(super) fn read(&self, name: &str) -> Result<Box<dyn Read + Send>> {
        match self.runtime.block_on(self.store.get(&self.path(name))) {
            Ok(got) => Ok(Box::new(Reading {
                name: name.to_owned(),
                stream: got.into_stream(),
                piece: Bytes::new(),
                runtime: self.runtime.clone(),
                secrets: self.secrets.clone(),
            })),
            Err(Error::NotFound { .. }) => Err(Trouble::damaged(name, "it is missing")),
            Err(e) => Err(self.failed("cannot read", name, &e)),
        }
    }

    pub(super) fn write(&self, name: &str, expected: u64) -> Result<Box<dyn Finish>> {
        // All parts but the last have one size: some storages want it so.
        let part = expected.div_ceil(PARTS).next_multiple_of(1 << 20).max(PART) as usize;
        Ok(Box::new(Writing {
            store: self.store.clone(),
            path: self.path(name),
            name: name.to_owned(),
            part,
            gathered: Vec::new(),
            upload: None,
            under_way: None,
            runtime: self.runtime.clone(),
            secrets: self.secrets.clone(),
        }))
    }

    pub(super) fn size(&self, name: &str) -> Result<Option<u64>> {
        match self.runtime.block_on(self.store.head(&self.path(name))) {
            Ok(meta) => Ok(Some(meta.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(self.failed("cannot look at", name, &e)),
        }
    }

    pub(super) fn list(&self, dir: &str) -> Result<Vec<Object>> {
        let prefix = self.path(dir);
        let skip = if self.prefix.as_ref().is_empty() { 0 } else { self.prefix.as_ref().len() + 1 };
        self.runtime.block_on(async {
            let mut found = Vec::new();
            let mut objects = self.store.list(Some(&prefix));
            while let Some(object) = objects.next().await {
                let meta = object.map_err(|e| self.failed("cannot list", dir, &e))?;
                let name = meta.location.as_ref().get(skip..).unwrap_or_default().to_owned();
                let written = Time(meta.last_modified.timestamp_millis());
                found.push(Object { name, size: meta.size, written });
            }
            Ok(found)
        })
    }

    pub(super) fn delete(&self, name: &str) -> Result<()> {
        match self.runtime.block_on(self.store.delete(&self.path(name))) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(self.failed("cannot delete", name, &e)),
        }
    }

    fn failed(&self, what: &str, name: &str, error: &Error) -> Trouble {
        self.secrets.failed(&format!("{what} {name}"), error)
    }
}

struct Reading {
    name: String,
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    piece: Bytes,
    runtime: Handle,
    secrets: Secrets,
}

impl Read for Reading {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.runtime.block_on(self.stream.next()) {
                None => return Ok(0),
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(e)) => return Err(self.secrets.failed(&format!("cannot read {}", self.name), &e).into_io()),
            }
        }
        let take = out.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut out[..take]);
        Ok(take)
    }
}

struct Writing {
    store: std::sync::Arc<AmazonS3>,
    path: Path,
    name: String,
    part: usize,
    gathered: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
    under_way: Option<JoinHandle<object_store::Result<()>>>,
    runtime: Handle,
    secrets: Secrets,
}

impl Writing {
    fn failed(&self, error: &Error) -> Trouble {
        self.secrets.failed(&format!("cannot write {}", self.name), error)
    }

    /// Sends what is gathered as a part, once the part before it has arrived.
    fn send(&mut self) -> Result<()> {
        self.arrived()?;
        let part = std::mem::take(&mut self.gathered);
        if self.upload.is_none() {
            let begun = self.runtime.block_on(self.store.put_multipart(&self.path));
            self.upload = Some(begun.map_err(|e| self.failed(&e))?);
        }
        if let Some(upload) = &mut self.upload {
            self.under_way = Some(self.runtime.spawn(upload.put_part(part.into())));
        }
        Ok(())
    }

    fn arrived(&mut self) -> Result<()> {
        let Some(task) = self.under_way.take() else { return Ok(()) };
        let done = self.runtime.block_on(task).map_err(|e| Trouble::failed("an upload ended", e))?;
        done.map_err(|e| self.failed(&e))
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gathered.len() == self.part {
            self.send().map_err(Trouble::into_io)?;
        }
        let take = bytes.len().min(self.part - self.gathered.len());
        self.gathered.extend_from_slice(&bytes[..take]);
        Ok(take)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Finish for Writing {
    fn finish(mut self: Box<Self>) -> Result<()> {
        if self.upload.is_none() {
            let whole = std::mem::take(&mut self.gathered);
            let put = self.runtime.block_on(self.store.put(&self.path, whole.into()));
            return put.map(|_| ()).map_err(|e| self.failed(&e));
        }
        if !self.gathered.is_empty() {
            self.send()?;
        }
        self.arrived()?;
        let Some(mut upload) = self.upload.take() else { return Ok(()) };
        let done = self.runtime.block_on(upload.complete());
        done.map(|_| ()).map_err(|e| {
            let trouble = self.failed(&e);
            self.upload = Some(upload);
            trouble
        })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // Parts of an object that never becomes one cost money until somebody says that they may go.
        if let Some(mut upload) = self.upload.take() {
            let under_way = self.under_way.take();
            self.runtime.spawn(async move {
                if let Some(task) = under_way {
                    let _ = task.await;
                }
                let _ = upload.abort().await;
            });
        }
    }
}
