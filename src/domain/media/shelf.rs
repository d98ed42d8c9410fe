//! What stands on the disk: originals and renditions by their hash, and how many bytes that is for each project.
//!
//! Laws: a file is on the disk before its row says so, and its row is gone before the file is. The counters of `usage`
//! move in the same change as the rows that they count. A file that versions of two projects share counts in both, and
//! once for the instance (project 0).
//! Written here only: `originals`, `renditions`, `usage`.

use serde::Serialize;

use super::sql_shelf as sql;
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::{Error, Result};
use crate::base::ids::ProjectId;
use crate::engines::files::{Key, Scratch};
use crate::engines::store::{Db, Tx};
use crate::{closed_set, text_columns};

/// The project under which the instance's own sums stand: there each file counts once.
pub const INSTANCE: ProjectId = ProjectId(0);

closed_set! {
    /// What a file is to those who look for room.
    Kind {
        /// As it was uploaded.
        Original = "original",
        /// The film for review.
        Proxy = "proxy",
        /// The ladder for long watching.
        Hls = "hls",
        /// Poster, thumbs, sprite, key frames, a still's view.
        Pictures = "pictures",
        /// Waveform, cues, lists: text.
        Data = "data",
    }
}

text_columns!(Kind);

impl Kind {
    /// Takes much room and can be made again.
    pub fn is_heavy(self) -> bool {
        matches!(self, Kind::Proxy | Kind::Hls)
    }

    /// The kind of a rendition by its name.
    pub fn of(name: &str) -> Kind {
        match name {
            super::PROXY => Kind::Proxy,
            _ if name.starts_with(super::HLS) => Kind::Hls,
            _ if name.ends_with(".json") || name.ends_with(".vtt") => Kind::Data,
            _ => Kind::Pictures,
        }
    }
}

/// A file, or a set of files below one name that ends in `/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rendition {
    /// Such as `proxy.mp4` or `thumbs/`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Bytes that it takes on the disk; 0 for a second name of the original.
    pub size_bytes: i64,
    /// How it was made, to tell a changed preset from the present one.
    pub recipe: String,
    /// When.
    pub made: Time,
}

/// Bytes of one kind in one project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// [`INSTANCE`] for the whole.
    pub project: ProjectId,
    /// What.
    pub kind: Kind,
    /// How many files; a set counts as one.
    pub files: i64,
    /// Their bytes.
    pub size_bytes: i64,
}

/// A version of `project` came that holds the original `key`. Called after its row was added.
pub(super) fn came(tx: &mut Tx, project: ProjectId, key: &Key, size_bytes: i64) -> Result<()> {
    if sql::add_original(tx, key, size_bytes)? {
        sql::count(tx, INSTANCE, Kind::Original, 1, size_bytes)?;
    }
    // Its first one in this project brings along all that was made of these bytes.
    if sql::versions_in(tx, project, key)? == 1 {
        sql::count(tx, project, Kind::Original, 1, size_bytes)?;
        for made in sql::renditions(tx, key)? {
            sql::count(tx, project, made.kind, 1, made.size_bytes)?;
        }
    }
    Ok(())
}

/// The last version of `project` that held `key` is about to go: called before its row is deleted. Answers whether
/// nobody holds the bytes any more: then the files go once this change is committed.
pub fn goes(tx: &mut Tx, project: ProjectId, key: &Key) -> Result<bool> {
    if sql::versions_in(tx, project, key)? != 1 {
        return Ok(false);
    }
    let nobody = sql::projects(tx, key)?.len() == 1;
    let Some(size_bytes) = sql::original(tx, key)? else { return Ok(nobody) };
    let mut gone = vec![project];
    if nobody {
        gone.push(INSTANCE);
    }
    for project in gone {
        sql::count(tx, project, Kind::Original, -1, -size_bytes)?;
        for made in sql::renditions(tx, key)? {
            sql::count(tx, project, made.kind, -1, -made.size_bytes)?;
        }
    }
    if nobody {
        sql::delete_original(tx, key)?;
    }
    Ok(nobody)
}

/// `name` of `key` stands on the disk. What stood under it before is replaced.
pub fn made(tx: &mut Tx, key: &Key, name: &str, size_bytes: i64, recipe: &str) -> Result<()> {
    let kind = Kind::of(name);
    let before = sql::renditions(tx, key)?.into_iter().find(|r| r.name == name);
    let (files, bytes) = before.map_or((1, size_bytes), |b| (0, size_bytes - b.size_bytes));
    sql::put_rendition(tx, key, name, kind, size_bytes, recipe)?;
    for project in sql::projects(tx, key)?.into_iter().chain([INSTANCE]) {
        sql::count(tx, project, kind, files, bytes)?;
    }
    Ok(())
}

/// These renditions of `key` are to go: their files go once this change is committed. Answers their bytes.
pub fn dropped(tx: &mut Tx, key: &Key, names: &[String]) -> Result<i64> {
    let gone: Vec<Rendition> = sql::renditions(tx, key)?.into_iter().filter(|r| names.contains(&r.name)).collect();
    for project in sql::projects(tx, key)?.into_iter().chain([INSTANCE]) {
        for rendition in &gone {
            sql::count(tx, project, rendition.kind, -1, -rendition.size_bytes)?;
        }
    }
    for rendition in &gone {
        sql::delete_rendition(tx, key, &rendition.name)?;
    }
    Ok(gone.iter().map(|r| r.size_bytes).sum())
}

/// What was made of an original.
pub fn renditions(db: &Db, key: &Key) -> Result<Vec<Rendition>> {
    sql::renditions(db, key)
}

/// Originals with their bytes, in the order of their keys, behind `after`.
pub fn originals(db: &Db, after: Option<Key>, limit: i64) -> Result<Vec<(Key, i64)>> {
    sql::originals(db, after, limit)
}

/// Has any row these bytes?
pub fn is_held(db: &Db, key: &Key) -> Result<bool> {
    sql::is_held(db, key)
}

/// Are there pictures whose size nobody has looked at? So an older version of the program has left them.
pub fn unmeasured(db: &Db) -> Result<bool> {
    sql::unmeasured(db)
}

/// Bytes by kind in a project, or of the [`INSTANCE`].
pub fn usage(db: &Db, project: ProjectId) -> Result<Vec<Usage>> {
    sql::usage(db, project)
}

/// Bytes on the disk for a project, of all kinds.
pub fn total(db: &Db, project: ProjectId) -> Result<i64> {
    Ok(sql::usage(db, project)?.iter().map(|u| u.size_bytes).sum())
}

/// Removes the files of an original that nobody has any more. The rows went in an earlier change; should they be there
/// again, the files stay. Answers whether they are gone.
pub async fn clear(app: &App, key: Key) -> Result<bool> {
    let files = app.files.clone();
    let gone =
        app.store.write(move |tx| if sql::is_held(tx, &key)? { Ok(None) } else { Ok(files.discard(&key, None)?) });
    removed(gone.await?).await
}

/// Removes the files of a rendition that is not on the shelf any more. They stay while a version of these bytes is worked
/// on, which may have found them. Answers whether they are gone.
pub async fn clear_rendition(app: &App, key: Key, name: String) -> Result<bool> {
    let files = app.files.clone();
    let gone = app.store.write(move |tx| {
        let stays = sql::is_worked_on(tx, &key)? || sql::renditions(tx, &key)?.iter().any(|r| r.name == name);
        if stays { Ok(None) } else { Ok(files.discard(&key, Some(&name))?) }
    });
    removed(gone.await?).await
}

async fn removed(gone: Option<Scratch>) -> Result<bool> {
    let is_gone = gone.is_some();
    tokio::task::spawn_blocking(move || drop(gone)).await.map_err(Error::internal)?;
    Ok(is_gone)
}

/// Forgets the counters of a project that is gone.
pub fn forget(tx: &mut Tx, project: ProjectId) -> Result<()> {
    sql::forget(tx, project)
}
