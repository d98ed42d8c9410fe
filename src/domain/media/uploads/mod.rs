//! Resumable uploads: bytes come in pieces, over days and broken connections, and end as the next version of a feedback.
//!
//! Laws: an offset is told only when the bytes before it are on the disk. After a crash the truth is the smaller of the
//! stored offset and the file's length. The last byte makes the version, its event and its job in one change; a crash
//! between the two is mended by [`sweep`]. The user's file name is for people and never becomes part of a path.

mod receive;
pub mod routes;
mod sql;

use std::path::Path;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use super::sql::{NewMedia, insert as insert_media, set_job};
use super::{quotas, shelf};
use crate::app::App;
use crate::base::clock::{HOUR, Time};
use crate::base::error::{Error, Result};
use crate::base::event::Event;
use crate::base::ids::{FeedbackId, MediaId, ProjectId, UploadId, UserId};
use crate::base::job::Job;
use crate::base::locale::Text;
use crate::base::roles::{Right, Role};
use crate::domain::accounts::Viewer;
use crate::domain::projects::judge;
use crate::engines::files::{Files, Hold, Key, ORIGINAL};
use crate::engines::queue::{self, NewJob};
use crate::engines::store::{Db, Tx};
pub use receive::{Checksum, receive};

/// Bytes of a file name in UTF-8 at the most, as file systems have it.
const NAME_MAX: usize = 255;
/// Times that bytes are adopted which a purge takes away at the same moment.
const ADOPTIONS: usize = 3;

/// An upload as its owner sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Bytes that are safe.
    #[serde(rename = "offset")]
    #[schema(example = 5242880)]
    pub offset_bytes: u64,
    /// Bytes in all.
    #[schema(example = 48120512)]
    pub size_bytes: u64,
    /// The file's name.
    #[schema(example = "가을광고_v3.mp4")]
    pub name: String,
    /// Which version it became.
    #[schema(example = json!(null))]
    pub media_id: Option<MediaId>,
    /// When it is forgotten, unless more bytes come.
    #[serde(rename = "expires_at")]
    pub expires: Time,
    /// For which feedback.
    #[serde(skip)]
    pub feedback: FeedbackId,
    /// In which project.
    #[serde(skip)]
    pub project: ProjectId,
    /// Whose.
    #[serde(skip)]
    pub user: UserId,
    /// `Upload-Metadata` as it was sent.
    #[serde(skip)]
    pub metadata: String,
    /// The owner's present role.
    #[serde(skip)]
    pub role: Option<Role>,
}

impl Upload {
    /// All bytes are here.
    pub fn is_whole(&self) -> bool {
        self.offset_bytes == self.size_bytes
    }
}

/// A new upload.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// For which feedback.
    pub feedback: FeedbackId,
    /// The file's name as it was sent.
    pub name: String,
    /// The type that the sender believes in; kept, not trusted.
    pub content_type: String,
    /// `Upload-Metadata` as it was sent.
    pub metadata: String,
    /// Bytes in all.
    pub size_bytes: u64,
}

/// Begins an upload. Needs the right to upload, room on the disk and within the quotas, and not too many others by the
/// same person.
pub async fn create(app: &App, who: &Viewer, new: NewUpload) -> Result<Upload> {
    begin(app, who.user, new).await
}

async fn begin(app: &App, user: UserId, new: NewUpload) -> Result<Upload> {
    let limit = app.config().media.max_upload_bytes;
    if new.size_bytes > limit {
        return Err(Error::TooLarge { limit });
    }
    let name = clean_name(&new.name).ok_or_else(|| Error::invalid("filename", Text::new("media.upload.name")))?;
    let free = free_bytes(app).await?;
    let (max_open, keep_free) = (app.config().media.max_open_uploads, app.config().media.keep_free_bytes);
    let (lasts, quota) = (app.config().media.upload_hours * HOUR, app.config().storage.quota_bytes);
    app.write(move |tx| {
        let place = super::sql::place(tx, user, new.feedback)?.ok_or(Error::NotFound("feedback"))?;
        judge(Some(place.role), Right::Upload, "feedback")?;
        let open = sql::open(tx, user, place.project)?;
        if open.of_user >= max_open {
            return Err(Error::Conflict(Text::new("media.upload.too_many_open").with("max", max_open)));
        }
        // What others were promised is spoken for.
        let wanted = new.size_bytes.saturating_add(open.promised_bytes).saturating_add(keep_free);
        if wanted > free {
            return Err(Error::NoSpace);
        }
        quotas::check(tx, place.project, quota, new.size_bytes, open.whole_bytes)?;
        let expires = tx.now().plus(lasts);
        let id = sql::insert(tx, user, &name, &new, expires)?;
        Ok(Upload {
            id,
            offset_bytes: 0,
            size_bytes: new.size_bytes,
            name,
            media_id: None,
            expires,
            feedback: new.feedback,
            project: place.project,
            user,
            metadata: new.metadata,
            role: Some(place.role),
        })
    })
    .await
}

/// One upload, for its owner alone. What has expired is not there any more.
pub fn get(db: &Db, user: UserId, id: UploadId, now: Time) -> Result<Upload> {
    sql::get(db, id)?.filter(|u| u.user == user && u.expires > now).ok_or(Error::NotFound("upload"))
}

/// One upload with the offset at which it goes on: what was acknowledged, as far as the disk still has it.
pub async fn look(app: &App, user: UserId, id: UploadId) -> Result<Upload> {
    let now = app.clock.now();
    let mut upload = app.read(move |db| get(db, user, id, now)).await?;
    if upload.media_id.is_none() {
        let files = app.files.clone();
        let on_disk = tokio::task::spawn_blocking(move || files.upload_len(id)).await.map_err(Error::internal)??;
        upload.offset_bytes = upload.offset_bytes.min(on_disk);
    }
    Ok(upload)
}

/// Brings a file of this machine in as the next version of a feedback, under the same rules as an upload: for the shell
/// and for demo films.
pub async fn bring(app: &App, user: UserId, feedback: FeedbackId, name: &str, source: &Path) -> Result<MediaId> {
    let size_bytes = tokio::fs::metadata(source).await?.len();
    let metadata = String::new();
    let new = NewUpload { feedback, name: name.to_owned(), content_type: String::new(), metadata, size_bytes };
    let upload = begin(app, user, new).await?;
    let (id, expires) = (upload.id, upload.expires);
    let _hold = app.files.hold(id, false).await.ok_or_else(busy)?;
    let (files, source) = (app.files.clone(), source.to_owned());
    let copied = tokio::task::spawn_blocking(move || {
        let (mut file, _) = files.resume_upload(id, 0)?;
        std::io::copy(&mut std::fs::File::open(source)?, &mut file)
    });
    let size = copied.await.map_err(Error::internal)??;
    if size != size_bytes {
        return Err(Error::Conflict(Text::new("media.upload.file_lost")));
    }
    app.store.write(move |tx| sql::set_offset(tx, id, size, expires)).await?;
    finish(app, id).await
}

/// Makes a whole upload the next version of its feedback. Answers the same version when it is called again. The caller
/// holds the upload.
async fn finish(app: &App, upload: UploadId) -> Result<MediaId> {
    let files = app.files.clone();
    // Read back from the disk: right also when half of it came before a crash.
    let key = tokio::task::spawn_blocking(move || files.hash_upload(upload)).await.map_err(Error::internal)??;
    let mut media = None;
    for _ in 0..ADOPTIONS {
        let files = app.files.clone();
        tokio::task::spawn_blocking(move || files.adopt_upload(upload, &key)).await.map_err(Error::internal)??;
        let files = app.files.clone();
        media = app.store.write(move |tx| complete(tx, &files, upload, key)).await?;
        if media.is_some() {
            break;
        }
    }
    let media = media.ok_or_else(busy)?;
    let files = app.files.clone();
    // The version has its bytes; a second name that stays goes with the next sweep.
    if let Ok(Err(e)) = tokio::task::spawn_blocking(move || files.end_upload(upload)).await {
        tracing::warn!(upload = upload.0, error = %e, "cannot remove the file of a finished upload");
    }
    Ok(media)
}

/// `None` if the same bytes, which were there already when they were adopted, have been purged since: they are adopted
/// once more. Files leave their place only under the writer ([`shelf::clear`]), so a look here holds for this change.
fn complete(tx: &mut Tx, files: &Files, id: UploadId, key: Key) -> Result<Option<MediaId>> {
    let upload = sql::get(tx, id)?.ok_or(Error::NotFound("upload"))?;
    if let Some(media) = upload.media_id {
        return Ok(Some(media));
    }
    if !files.has(&key, ORIGINAL)? {
        return Ok(None);
    }
    judge(upload.role, Right::Upload, "feedback")?;
    let new = NewMedia {
        feedback: upload.feedback,
        project: upload.project,
        user: upload.user,
        name: &upload.name,
        key,
        size_bytes: upload.size_bytes as i64,
    };
    let media = insert_media(tx, &new)?;
    shelf::came(tx, upload.project, &key, new.size_bytes)?;
    let job = NewJob {
        job: Job::ProbeMedia { media },
        priority: 0,
        dedup_key: Some(format!("probe_media:{media}")),
        project: Some(upload.project),
        user: Some(upload.user),
        needs: Vec::new(),
    };
    let job = queue::enqueue(tx, job)?;
    set_job(tx, media, job)?;
    sql::set_media(tx, id, media)?;
    let row = super::sql::by_id(tx, media)?.ok_or(Error::NotFound("media"))?;
    let event = Event::MediaReceived { media, feedback: upload.feedback };
    tx.emit(Some(upload.project), Some(upload.user), event, Some(row.live()))?;
    Ok(Some(media))
}

/// Gives an upload up: its bytes go, a version that it became stays. A connection that is still sending is cut.
pub async fn remove(app: &App, user: UserId, id: UploadId) -> Result<()> {
    let now = app.clock.now();
    app.read(move |db| get(db, user, id, now)).await?;
    let _hold = app.files.hold(id, true).await.ok_or_else(busy)?;
    app.write(move |tx| sql::delete(tx, &[id])).await?;
    let files = app.files.clone();
    tokio::task::spawn_blocking(move || files.end_upload(id)).await.map_err(Error::internal)??;
    Ok(())
}

/// Forgets what has expired, removes files that belong to no upload, and finishes uploads whose last byte came just
/// before a crash. Runs at start and hourly. Answers how many of each.
pub async fn sweep(app: &App) -> Result<Swept> {
    let now = app.clock.now();
    let mut swept = Swept::default();
    let whole = app.read(sql::whole_without_media).await?;
    for id in whole {
        let Some(_hold) = app.files.hold(id, false).await else { continue };
        match finish(app, id).await {
            Ok(_) => swept.finished += 1,
            // The right was withdrawn or the bytes are gone: it expires like any other.
            Err(e) => tracing::warn!(upload = id.0, error = %e, "a whole upload cannot be finished"),
        }
    }
    let expired = app.read(move |db| sql::expired(db, now)).await?;
    let mut holds: Vec<Hold> = Vec::new();
    let mut gone = Vec::new();
    for id in expired {
        // Who is still sending renews the end with the next piece.
        if let Some(hold) = app.files.hold(id, false).await {
            holds.push(hold);
            gone.push(id);
        }
    }
    swept.expired = gone.len();
    if !gone.is_empty() {
        app.write(move |tx| sql::delete(tx, &gone)).await?;
    }
    drop(holds);
    // The row of an upload is there before its file, so a file without a row is nobody's.
    let files = app.files.clone();
    let found = tokio::task::spawn_blocking(move || files.uploads()).await.map_err(Error::internal)??;
    let known = app.read(sql::under_way).await?;
    for id in found.into_iter().filter(|id| known.binary_search(id).is_err()) {
        let files = app.files.clone();
        tokio::task::spawn_blocking(move || files.end_upload(id)).await.map_err(Error::internal)??;
        swept.files += 1;
    }
    Ok(swept)
}

/// Uploads that still need their file, in order.
pub fn under_way(db: &Db) -> Result<Vec<UploadId>> {
    sql::under_way(db)
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Uploads finished after a crash.
    pub finished: usize,
    /// Uploads forgotten.
    pub expired: usize,
    /// Files removed that no upload needs.
    pub files: usize,
}

/// Free bytes of the data directory's disk.
async fn free_bytes(app: &App) -> Result<u64> {
    let files = app.files.clone();
    Ok(tokio::task::spawn_blocking(move || files.space()).await.map_err(Error::internal)??.free)
}

fn busy() -> Error {
    Error::Locked(Text::new("media.upload.busy"))
}

/// A file name for people: composed (macOS sends NFD), without control characters, without a path. `None` if nothing is
/// left or it is too long.
pub fn clean_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    // Marks that turn the direction of text make `gpj.exe` look like `exe.jpg`.
    let is_trick =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let clean: String = last.nfc().filter(|c| !c.is_control() && !is_trick(*c)).collect();
    let clean = clean.trim().trim_start_matches('.').trim();
    (!clean.is_empty() && clean.len() <= NAME_MAX).then(|| clean.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_for_people_and_no_path() {
        let ok = |given: &str, kept: &str| assert_eq!(clean_name(given).as_deref(), Some(kept), "{given:?}");
        ok("가을 광고.mp4", "가을 광고.mp4");
        ok("\u{1100}\u{1161}.mp4", "가.mp4");
        ok("../../etc/passwd", "passwd");
        ok("C:\\films\\cut 3.mov", "cut 3.mov");
        ok("a\u{202e}4pm.exe\n", "a4pm.exe");
        ok("...hidden", "hidden");
        ok("-y.mp4", "-y.mp4");
        for bad in ["", "/", "..", " . ", "\0\u{1}", &"가".repeat(86)] {
            assert_eq!(clean_name(bad), None, "{bad:?}");
        }
        ok(&"a".repeat(255), &"a".repeat(255));
    }
}
