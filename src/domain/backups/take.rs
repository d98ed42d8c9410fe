//! Taking a backup: the database first, then all media that it names. Blocks; `work` gives it a thread.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tokio::runtime::Handle;

use super::{At, Slot};
use crate::app::App;
use crate::base::clock::Time;
use crate::domain::media::shelf;
use crate::engines::backup::{Blob, Item, Kept, Lease, Manifest, Missing, Result, Trouble, Vault, Watch, hash_of};
use crate::engines::files::{Files, Key, ORIGINAL};
use crate::engines::store;

/// Bytes that stay free on the disk beside the copy of the database.
const SPARE: u64 = 64 << 20;
/// Originals that are read from the copy at once.
const PAGE: i64 = 500;

/// An original as the copy of the database has it, with its renditions.
struct Film {
    key: Key,
    bytes: i64,
    renditions: Vec<String>,
}

/// Takes a backup under this id. The caller holds the lock of the place.
pub(super) fn take(app: &App, vault: &Vault, lease: &Lease, id: &str, slot: &Slot, watch: &Watch) -> Result<Manifest> {
    let failed = |e: io::Error| Trouble::Failed(format!("cannot write in {}: {e}", app.dir.display()));
    vault.tidy()?;
    let previous = previous(vault)?;
    let mut there = vault.there()?;
    for damaged in vault.damaged()? {
        there.remove(&damaged);
    }
    slot.at(At::Database);
    let scratch = app.files.scratch("backup").map_err(failed)?;
    let (needed, space) = (app.store.copy_bytes() + SPARE, app.files.space().map_err(failed)?);
    if space.free < needed {
        return Err(Trouble::Failed(format!(
            "the copy of the database needs {needed} bytes, and {} are free",
            space.free
        )));
    }
    let copy = scratch.join("videoplanet.db");
    let broken = |e: crate::base::error::Error| Trouble::Failed(format!("the database cannot be copied: {e}"));
    app.store.copy_to(&copy).map_err(broken)?;
    let taken = app.clock.now();
    let looked = store::look(&copy, watch.stop()).map_err(broken)?;
    if let Some(damage) = looked.damages.first() {
        return Err(Trouble::Damaged { part: "the database of this instance".into(), why: damage.clone() });
    }
    let films = films(&copy)?;
    let bytes = fs::metadata(&copy).map_err(failed)?.len();
    watch.expect(bytes + films.iter().map(|f| f.bytes.max(0) as u64).sum::<u64>());
    let database = vault.keep_packed(&copy, watch)?;
    fs::remove_file(&copy).map_err(failed)?;
    let config = app.settings().layers.path.clone().or_else(|| Some(app.dir.join("videoplanet.toml")));
    let config = config.filter(|path| path.is_file());
    let config = config.map(|path| vault.keep_packed(&path, watch)).transpose()?;

    slot.at(At::Media);
    let mut keeping = Keeping {
        app,
        vault,
        watch,
        previous,
        there,
        new_bytes: [Some(database), config].iter().flatten().filter(|kept| kept.is_new).map(|kept| kept.stored).sum(),
        media: Vec::new(),
        lost: Vec::new(),
        missing: 0,
        gone: 0,
    };
    films.into_iter().try_for_each(|film| keeping.film(film))?;
    let manifest = Manifest {
        id: id.to_owned(),
        instance: vault.instance().to_owned(),
        taken,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        schema: looked.schema,
        seq: looked.seq,
        rows: looked.rows,
        database: blob(database),
        config: config.map(blob),
        media: keeping.media,
        lost: keeping.lost,
        missing: keeping.missing,
        gone: keeping.gone,
        new_bytes: keeping.new_bytes,
    };
    lease.holds()?;
    vault.finish(&manifest)?;
    Ok(manifest)
}

fn blob(kept: Kept) -> Blob {
    Blob { hash: kept.hash, bytes: kept.bytes, stored: kept.stored }
}

/// What the newest backup knows of each file, so that it is not read again. One that cannot be read says nothing.
fn previous(vault: &Vault) -> Result<HashMap<(Key, String), Item>> {
    for id in vault.ids()? {
        match vault.manifest(&id) {
            Ok(manifest) => {
                return Ok(manifest.media.into_iter().map(|item| ((item.key, item.name.clone()), item)).collect());
            }
            Err(Trouble::Damaged { part, why }) => tracing::warn!(part, why, "an earlier backup is damaged"),
            Err(other) => return Err(other),
        }
    }
    Ok(HashMap::new())
}

fn films(copy: &Path) -> Result<Vec<Film>> {
    let read = store::read_file(copy, |db| {
        let mut films: Vec<Film> = Vec::new();
        loop {
            let page = shelf::originals(db, films.last().map(|film| film.key), PAGE)?;
            if page.is_empty() {
                return Ok(films);
            }
            for (key, bytes) in page {
                let renditions = shelf::renditions(db, &key)?.into_iter().map(|r| r.name).collect();
                films.push(Film { key, bytes, renditions });
            }
        }
    });
    read.map_err(|e| Trouble::Failed(format!("the copy of the database cannot be read: {e}")))
}

/// The media on their way.
struct Keeping<'a> {
    app: &'a App,
    vault: &'a Vault,
    watch: &'a Watch,
    previous: HashMap<(Key, String), Item>,
    /// Objects of the place with their bytes.
    there: HashMap<String, u64>,
    new_bytes: u64,
    media: Vec<Item>,
    lost: Vec<Missing>,
    missing: i64,
    gone: i64,
}

impl Keeping<'_> {
    fn film(&mut self, film: Film) -> Result<()> {
        let bytes = film.bytes.max(0) as u64;
        let place = path(&self.app.files, &film.key, ORIGINAL)?;
        let original = fs::metadata(&place).ok();
        let modified_ms = original.as_ref().map_or(0, modified);
        let whole = match self.has(&film.key, bytes) {
            true => {
                self.watch.on(bytes)?;
                true
            }
            false => {
                original.as_ref().is_some_and(|meta| meta.len() == bytes) && self.keep(&[place], &film.key, bytes)?
            }
        };
        if !whole {
            // A second look: was it deleted for good while we were under way?
            if !self.is_held(film.key)? {
                self.gone += 1;
                return Ok(());
            }
            tracing::error!(film = %film.key, "an original is missing or damaged: the backup is incomplete");
            self.lost.push(Missing { key: film.key, bytes: film.bytes, damaged: original.is_some() });
        } else {
            let (key, name) = (film.key, ORIGINAL.to_owned());
            self.media.push(Item { key, name, hash: key, bytes, parts: Vec::new(), modified_ms });
        }
        let inode = original.map(|meta| (meta.dev(), meta.ino()));
        film.renditions.into_iter().try_for_each(|name| self.rendition(film.key, name, inode))
    }

    fn rendition(&mut self, key: Key, name: String, original: Option<(u64, u64)>) -> Result<()> {
        let Some(found) = look(&self.app.files, &key, &name)? else {
            self.missing += 1;
            return Ok(());
        };
        let Found { paths, parts, bytes, modified_ms, inode } = found;
        let known = self.previous.get(&(key, name.clone()));
        let known = known.filter(|k| (k.bytes, k.modified_ms, &k.parts) == (bytes, modified_ms, &parts));
        self.watch.expect(bytes);
        let hash = match known {
            Some(known) => known.hash,
            // A second name of the original.
            None if inode.is_some() && inode == original => key,
            None => match self.hash(&paths, bytes) {
                Ok((hash, read)) if read == bytes => hash,
                Ok(_) | Err(Trouble::Damaged { .. }) => {
                    self.missing += 1;
                    return Ok(());
                }
                Err(other) => return Err(other),
            },
        };
        if self.has(&hash, bytes) {
            self.watch.on(bytes)?;
        } else if !self.keep(&paths, &hash, bytes)? {
            self.missing += 1;
            return Ok(());
        }
        self.media.push(Item { key, name, hash, bytes, parts, modified_ms });
        Ok(())
    }

    fn hash(&self, paths: &[PathBuf], bytes: u64) -> Result<(Key, u64)> {
        self.watch.expect(bytes);
        hash_of(paths, self.watch)
    }

    fn has(&self, hash: &Key, bytes: u64) -> bool {
        self.there.get(&self.vault.object(hash, false)) == Some(&self.vault.stored(bytes))
    }

    /// Puts files into the place; `false` if they are not what they were thought to be.
    fn keep(&mut self, paths: &[PathBuf], hash: &Key, bytes: u64) -> Result<bool> {
        match self.vault.keep(paths, hash, bytes, self.watch) {
            Ok(kept) => {
                self.new_bytes += kept.stored;
                self.there.insert(self.vault.object(hash, false), kept.stored);
                Ok(true)
            }
            Err(Trouble::Damaged { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    fn is_held(&self, key: Key) -> Result<bool> {
        let held = Handle::current().block_on(self.app.store.read_ahead(move |db| shelf::is_held(db, &key)));
        held.map_err(|e| Trouble::Failed(format!("the database cannot be read: {e}")))
    }
}

/// A rendition on the disk.
struct Found {
    paths: Vec<PathBuf>,
    parts: Vec<(String, u64)>,
    bytes: u64,
    modified_ms: i64,
    /// Of one that is a file.
    inode: Option<(u64, u64)>,
}

/// `None` if it is not there.
fn look(files: &Files, key: &Key, name: &str) -> Result<Option<Found>> {
    let place = path(files, key, name.trim_end_matches('/'))?;
    if !name.ends_with('/') {
        let Some(meta) = fs::metadata(&place).ok().filter(|meta| meta.is_file()) else { return Ok(None) };
        let (bytes, modified_ms, inode) = (meta.len(), modified(&meta), Some((meta.dev(), meta.ino())));
        return Ok(Some(Found { paths: vec![place], parts: Vec::new(), bytes, modified_ms, inode }));
    }
    let Ok(entries) = fs::read_dir(&place) else { return Ok(None) };
    let mut found = Found { paths: Vec::new(), parts: Vec::new(), bytes: 0, modified_ms: 0, inode: None };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    for name in names {
        let Some(meta) = fs::metadata(place.join(&name)).ok().filter(Metadata::is_file) else { continue };
        found.bytes += meta.len();
        found.modified_ms = found.modified_ms.max(modified(&meta));
        found.paths.push(place.join(&name));
        found.parts.push((name, meta.len()));
    }
    Ok(Some(found).filter(|found| !found.paths.is_empty()))
}

fn path(files: &Files, key: &Key, name: &str) -> Result<PathBuf> {
    files.path(key, name).map_err(|e| Trouble::Failed(format!("{name} of {key}: {e}")))
}

fn modified(meta: &Metadata) -> i64 {
    Time(meta.mtime() * 1000 + meta.mtime_nsec() / 1_000_000).0
}
