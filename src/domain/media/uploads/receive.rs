//! One piece of an upload: from the connection to the disk, in bounded buffers, and only then into the offset.
//!
//! It runs as a task of its own, since the server drops a handler whose connection breaks, and what has arrived until
//! then shall count.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::StreamExt;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::{Upload, busy, finish, free_bytes, sql};
use crate::app::App;
use crate::base::clock::HOUR;
use crate::base::error::{Error, Result};
use crate::base::ids::MediaId;
use crate::base::locale::Text;
use crate::base::roles::Right;
use crate::domain::projects::judge;
use crate::engines::files::Hold;

/// Bytes gathered before they are written.
const BUFFER: usize = 1 << 20;
/// Bytes after which a long piece is made durable in between, so that a crash costs no more than this.
const CHECKPOINT: u64 = 32 << 20;
/// Silence after which a connection is taken for dead.
const SILENCE: Duration = Duration::from_secs(30);

/// What the sender says about a piece.
pub enum Checksum {
    /// 20 bytes.
    Sha1(Sha1, Vec<u8>),
    /// 32 bytes.
    Sha256(Sha256, Vec<u8>),
}

impl Checksum {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Checksum::Sha1(hash, _) => hash.update(bytes),
            Checksum::Sha256(hash, _) => hash.update(bytes),
        }
    }

    fn holds(&self) -> bool {
        match self {
            Checksum::Sha1(hash, expected) => hash.clone().finalize().as_slice() == expected,
            Checksum::Sha256(hash, expected) => hash.clone().finalize().as_slice() == expected,
        }
    }
}

/// Where an upload stands after a piece.
pub struct Received {
    /// With its new offset and end.
    pub upload: Upload,
    /// The version that it became with this piece.
    pub media: Option<MediaId>,
}

/// Takes the piece that begins at `offset`. Answers when it is durable, and if it was the last one, when the version is
/// there. A piece with a checksum counts as a whole or not at all; of any other, what arrived counts.
pub async fn receive(
    app: &App,
    upload: Upload,
    offset: u64,
    checksum: Option<Checksum>,
    length: Option<u64>,
    body: Body,
) -> Result<Received> {
    let hold = app.files.hold(upload.id, false).await.ok_or_else(busy)?;
    // Only now is the offset at rest.
    let id = upload.id;
    let upload = app.read(move |db| sql::get(db, id)).await?.ok_or(Error::NotFound("upload"))?;
    judge(upload.role, Right::Upload, "upload")?;
    if upload.media_id.is_some() {
        let again = offset == upload.size_bytes && length.unwrap_or(0) == 0;
        let done = || Error::Conflict(Text::new("media.upload.done"));
        return if again { Ok(Received { media: upload.media_id, upload }) } else { Err(done()) };
    }
    if length.is_some_and(|len| len > upload.size_bytes.saturating_sub(offset)) {
        return Err(Error::TooLarge { limit: upload.size_bytes });
    }
    let piece = Piece { app: app.clone(), hold, upload, checksum };
    tokio::spawn(piece.run(offset, body)).await.map_err(Error::internal)?
}

struct Piece {
    app: App,
    hold: Hold,
    upload: Upload,
    checksum: Option<Checksum>,
}

impl Piece {
    async fn run(mut self, offset: u64, body: Body) -> Result<Received> {
        let (files, id, stored) = (self.app.files.clone(), self.upload.id, self.upload.offset_bytes);
        let opened = tokio::task::spawn_blocking(move || files.resume_upload(id, stored));
        let (file, present) = opened.await.map_err(Error::internal)??;
        if present != offset {
            if present != stored {
                self.store(present).await?; // a disk that lost bytes has the last word
            }
            return Err(Error::Conflict(Text::new("media.upload.wrong_offset").with("offset", present)));
        }
        let file = Arc::new(file);
        let (end, ended) = self.stream(&file, offset, body).await;
        // A piece with a checksum counts as a whole or not at all.
        let (counts, ended) = match (self.checksum.take(), ended) {
            (None, ended) => (end, ended),
            (Some(_), Err(e)) => (offset, Err(e)),
            (Some(checksum), Ok(())) if checksum.holds() => (end, Ok(())),
            (Some(_), Ok(())) => (offset, Err(mismatch())),
        };
        if counts < end {
            self.cut(&file, counts).await?;
        }
        self.keep(&file, counts).await?;
        ended?;
        let media = if self.upload.is_whole() { Some(finish(&self.app, id).await?) } else { None };
        self.upload.media_id = media;
        Ok(Received { media, upload: self.upload })
    }

    /// Writes what comes until it ends, and answers up to where the file now goes and how it ended.
    async fn stream(&mut self, file: &Arc<File>, offset: u64, body: Body) -> (u64, Result<()>) {
        let mut body = body.into_data_stream();
        let mut at = offset;
        let mut safe = offset;
        let mut waiting: Vec<Bytes> = Vec::new();
        let mut held = 0;
        let ended = loop {
            let next = tokio::select! {
                next = tokio::time::timeout(SILENCE, body.next()) => next,
                () = self.hold.leave.cancelled() => break Err(busy()),
                () = self.app.stopping.cancelled() => break Err(Error::Busy { retry_after_s: 2 }),
            };
            let bytes = match next {
                Ok(None) => break Ok(()),
                Ok(Some(Ok(bytes))) => bytes,
                Ok(Some(Err(_))) | Err(_) => break Err(Error::BadRequest(Text::new("error.body_broken"))),
            };
            self.hold.alive();
            if bytes.len() as u64 > self.upload.size_bytes - at - held as u64 {
                break Err(Error::TooLarge { limit: self.upload.size_bytes });
            }
            if let Some(checksum) = &mut self.checksum {
                checksum.update(&bytes);
            }
            held += bytes.len();
            waiting.push(bytes);
            if held >= BUFFER {
                if let Err(e) = write(file, at, std::mem::take(&mut waiting)).await {
                    return (at, Err(e));
                }
                at += std::mem::take(&mut held) as u64;
            }
            if self.checksum.is_none() && at - safe >= CHECKPOINT {
                if let Err(e) = self.checkpoint(file, at).await {
                    break Err(e);
                }
                safe = at;
            }
        };
        match write(file, at, waiting).await {
            Ok(()) => (at + held as u64, ended),
            Err(e) => (at, Err(e)),
        }
    }

    async fn checkpoint(&mut self, file: &Arc<File>, at: u64) -> Result<()> {
        self.keep(file, at).await?;
        if free_bytes(&self.app).await? < self.app.config().media.keep_free_bytes {
            return Err(Error::NoSpace);
        }
        Ok(())
    }

    /// Makes the bytes before `offset` durable, then the offset.
    async fn keep(&mut self, file: &Arc<File>, offset: u64) -> Result<()> {
        if offset != self.upload.offset_bytes {
            let file = file.clone();
            tokio::task::spawn_blocking(move || file.sync_data()).await.map_err(Error::internal)??;
            self.app.metrics.traffic().received(offset.saturating_sub(self.upload.offset_bytes));
        }
        self.store(offset).await
    }

    async fn store(&mut self, offset: u64) -> Result<()> {
        let id = self.upload.id;
        let expires = self.app.clock.now().plus(self.app.config().media.upload_hours * HOUR);
        self.app.store.write(move |tx| sql::set_offset(tx, id, offset, expires)).await?;
        self.upload.offset_bytes = offset;
        self.upload.expires = expires;
        Ok(())
    }

    /// Takes back what does not count.
    async fn cut(&self, file: &Arc<File>, offset: u64) -> Result<()> {
        let file = file.clone();
        tokio::task::spawn_blocking(move || file.set_len(offset)).await.map_err(Error::internal)??;
        Ok(())
    }
}

fn mismatch() -> Error {
    Error::Protocol { status: 460, code: "checksum_mismatch", text: Text::new("media.upload.bad_checksum") }
}

async fn write(file: &Arc<File>, mut at: u64, pieces: Vec<Bytes>) -> Result<()> {
    if pieces.is_empty() {
        return Ok(());
    }
    let file = file.clone();
    let written = tokio::task::spawn_blocking(move || {
        for piece in pieces {
            file.write_all_at(&piece, at)?;
            at += piece.len() as u64;
        }
        Ok::<(), std::io::Error>(())
    });
    Ok(written.await.map_err(Error::internal)??)
}
