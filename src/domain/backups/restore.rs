//! Bringing a backup back into a data directory on which nobody runs.
//!
//! Laws: everything is fetched and compared before anything that is there is touched; a refusal changes nothing. What was
//! there is put aside, not deleted. A kill at any moment leaves the one or the other, whole (`engines::backup::settle`).
//! Cache and search index are not in a backup: they grow back at the next start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{At, is_apart};
use crate::app::App;
use crate::base::clock::Time;
use crate::base::job::{JobKind, JobState};
use crate::domain::notices::mails;
use crate::engines::backup::{self, Item, Manifest, Result, Target, Trouble, Vault, Watch};
use crate::engines::files::{Files, Key, ORIGINAL};
use crate::engines::{ground, queue, store};

/// Where the settings file of the backup is put, in the data directory.
pub const CONFIG: &str = "videoplanet.restored.toml";
/// Says that the directory was restored, until the first start has done what [`hold_back`] does.
const RESTORED: &str = "restored";
/// Jobs whose work leaves the machine.
const LEAVES: [JobKind; 6] = [
    JobKind::SendMail,
    JobKind::CallWebhook,
    JobKind::TellAlert,
    JobKind::Backup,
    JobKind::VerifyBackup,
    JobKind::DeleteBackup,
];
const UNDER_WAY: [JobState; 4] = [JobState::Waiting, JobState::Ready, JobState::Retry, JobState::Running];
/// Jobs of one kind at the most.
const MOST: i64 = 100_000;
/// Bytes that stay free on the disk.
const SPARE: u64 = 64 << 20;

/// A backup that may be restored: it was opened, and all its parts are there.
pub struct Plan {
    vault: Vault,
    /// What is in it.
    pub manifest: Manifest,
}

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// Where what was there before is now.
    pub aside: PathBuf,
    /// Bytes that were fetched.
    pub fetched: u64,
    /// Bytes of films that were there already.
    pub linked: u64,
    /// Where the backup's settings file is, if it is another than the present one.
    pub config: Option<PathBuf>,
}

/// Opens a backup, without an id the newest, and looks whether it can be restored into `dir`. Changes nothing.
pub fn plan(dir: &Path, target: &Target, id: Option<&str>) -> Result<Plan> {
    is_apart(dir, target)?;
    let vault = Vault::open(target)?;
    let newest = || vault.ids()?.into_iter().next().ok_or_else(|| Trouble::refused("there is no backup in the place"));
    let id = id.map_or_else(newest, |id| Ok(id.to_owned()))?;
    let manifest = vault.manifest(&id)?;
    if manifest.schema > store::newest_schema() {
        return Err(Trouble::Refused(format!(
            "backup {id} was taken by a newer videoplanet ({}, migration {}); this one knows migrations up to {}: install that \
             version or a newer one",
            manifest.program,
            manifest.schema,
            store::newest_schema()
        )));
    }
    vault.is_complete(&manifest)?;
    Ok(Plan { vault, manifest })
}

/// Restores it. The caller holds the directory's lock. `config` is the present settings file; `told` hears what is done.
pub fn restore(
    dir: &Path,
    plan: &Plan,
    config: Option<&Path>,
    now: Time,
    watch: &Watch,
    told: impl Fn(At),
) -> Result<Restored> {
    backup::movable(dir)?;
    has_room(dir, &plan.manifest)?;
    let done = gather(dir, plan, config, watch, told).and_then(|(fetched, linked, config)| {
        watch.on(0)?;
        let aside = backup::commit(dir, now)?;
        Ok(Restored { aside, fetched, linked, config })
    });
    if done.is_err()
        && let Err(error) = backup::settle(dir)
    {
        tracing::warn!(%error, "what a restore has left is thrown away by the next start");
    }
    done
}

/// At the first start after a restore: what was on its way when the backup was taken may have arrived since, from the
/// instance that was lost or from one that still runs. It is cancelled, so that nobody gets it twice; somebody may try it
/// again. The backup itself is such a job, too.
pub async fn hold_back(app: &App) -> anyhow::Result<()> {
    let mark = app.dir.join(RESTORED);
    if !mark.exists() {
        return Ok(());
    }
    let held = app.write(|tx| {
        // Their jobs alone would be added again by the next round of digests.
        mails::cancel_waiting(tx)?;
        let mut held = 0;
        for kind in LEAVES {
            for job in queue::by_states(tx, &UNDER_WAY, Some(kind), MOST)? {
                queue::cancel(tx, None, job.id)?;
                held += 1;
            }
        }
        Ok(held)
    });
    let held = held.await?;
    if held > 0 {
        tracing::warn!(
            held,
            "mails, webhooks and backups that were under way when the backup was taken are cancelled: see /admin/notices and /admin/jobs"
        );
    }
    fs::remove_file(&mark).with_context(|| format!("cannot delete {}", mark.display()))
}

fn has_room(dir: &Path, manifest: &Manifest) -> Result<()> {
    let is_there = |item: &&Item| {
        let media = dir.join("media").join(&item.key.to_string()[..2]).join(item.key.to_string());
        media.join(item.name.trim_end_matches('/')).exists() || item.hash == item.key && item.name != ORIGINAL
    };
    let media: u64 = manifest.media.iter().filter(|item| !is_there(item)).map(|item| item.bytes).sum();
    let needed = manifest.database.bytes + media + SPARE;
    let room = ground::room(dir).map_err(|e| failed(dir, e))?;
    if room.free_bytes < needed {
        return Err(Trouble::Refused(format!(
            "the backup needs about {needed} bytes beside what is there, and {} are free on the disk of {}",
            room.free_bytes,
            dir.display()
        )));
    }
    Ok(())
}

/// Fetches everything into a directory of its own. Answers bytes that were fetched, those that were there already, and
/// where the settings file will be.
fn gather(
    dir: &Path,
    plan: &Plan,
    config: Option<&Path>,
    watch: &Watch,
    told: impl Fn(At),
) -> Result<(u64, u64, Option<PathBuf>)> {
    let Plan { vault, manifest } = plan;
    watch.expect(manifest.bytes());
    let new = backup::staging(dir)?;
    told(At::Database);
    let database = new.join("videoplanet.db");
    let mut file = File::create(&database).map_err(|e| failed(&database, e))?;
    vault.fetch_blob(&manifest.database, &mut file, watch)?;
    drop(file);
    manifest.is_in(&database, watch)?;
    let mut kept = None;
    if let Some(blob) = &manifest.config {
        let mut bytes = Vec::new();
        vault.fetch_blob(blob, &mut bytes, watch)?;
        if config.and_then(|path| fs::read(path).ok()).is_none_or(|present| present != bytes) {
            let path = new.join(CONFIG);
            // It may hold passwords.
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            file.and_then(|mut file| file.write_all(&bytes)).map_err(|e| failed(&path, e))?;
            kept = Some(dir.join(CONFIG));
        }
    }
    let restored = new.join(RESTORED);
    fs::write(&restored, format!("{}\n", manifest.id)).map_err(|e| failed(&restored, e))?;
    told(At::Media);
    let files = Files::open(&new).map_err(|e| failed(&new, e))?;
    let mut gathering = Gathering { present: dir.join("media"), files, vault, watch, fetched: 0, linked: 0 };
    // Originals first: others may be second names of them.
    let (originals, made): (Vec<&Item>, Vec<&Item>) = manifest.media.iter().partition(|item| item.name == ORIGINAL);
    originals.into_iter().chain(made).try_for_each(|item| gathering.item(item))?;
    Ok((gathering.fetched + manifest.database.bytes, gathering.linked, kept))
}

struct Gathering<'a> {
    /// The media that are there before.
    present: PathBuf,
    files: Files,
    vault: &'a Vault,
    watch: &'a Watch,
    fetched: u64,
    linked: u64,
}

impl Gathering<'_> {
    fn item(&mut self, item: &Item) -> Result<()> {
        let names = names(item);
        let to = names.iter().map(|(name, _)| self.path(&item.key, name)).collect::<Result<Vec<PathBuf>>>()?;
        for path in &to {
            let parent = path.parent().unwrap_or(path);
            ground::make_own(parent).map_err(|e| failed(parent, e))?;
        }
        if item.hash == item.key && item.name != ORIGINAL && item.parts.is_empty() {
            let original = self.path(&item.key, ORIGINAL)?;
            if original.exists() {
                fs::hard_link(&original, &to[0]).map_err(|e| failed(&to[0], e))?;
                return self.watch.on(item.bytes);
            }
        }
        if self.link(item, &names, &to)? {
            self.linked += item.bytes;
            return Ok(());
        }
        let sizes = names.iter().map(|(_, bytes)| *bytes);
        let mut out = Cutting { files: to.iter().zip(sizes).collect::<Vec<_>>().into_iter(), open: None, left: 0 };
        self.vault.fetch(&item.hash, item.bytes, false, &mut out, self.watch)?;
        out.rest().map_err(|e| failed(&to[0], e))?;
        self.fetched += item.bytes;
        Ok(())
    }

    /// Gives files that are there already a second name, if they are what the backup holds.
    fn link(&self, item: &Item, names: &[(String, u64)], to: &[PathBuf]) -> Result<bool> {
        let key = item.key.to_string();
        let from: Vec<PathBuf> =
            names.iter().map(|(name, _)| self.present.join(&key[..2]).join(&key).join(name)).collect();
        let alike = |(path, (_, bytes)): (&PathBuf, &(String, u64))| {
            fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == *bytes)
        };
        if !from.iter().zip(names).all(alike) {
            return Ok(false);
        }
        match backup::hash_of(&from, &Watch::silent()) {
            Ok((hash, _)) if hash == item.hash => {}
            Ok(_) | Err(Trouble::Damaged { .. }) => return Ok(false),
            Err(other) => return Err(other),
        }
        for (from, to) in from.iter().zip(to) {
            fs::hard_link(from, to).map_err(|e| failed(to, e))?;
        }
        self.watch.on(item.bytes)?;
        Ok(true)
    }

    /// Only our own names become paths, whatever a manifest says.
    fn path(&self, key: &Key, name: &str) -> Result<PathBuf> {
        let path = self.files.path(key, name);
        path.map_err(|_| Trouble::Damaged {
            part: "the manifest".into(),
            why: format!("{name:?} is no name of a film's file"),
        })
    }
}

/// The files of an item below its original's folder, with their bytes.
fn names(item: &Item) -> Vec<(String, u64)> {
    match item.name.strip_suffix('/') {
        None => vec![(item.name.clone(), item.bytes)],
        Some(set) => item.parts.iter().map(|(name, bytes)| (format!("{set}/{name}"), *bytes)).collect(),
    }
}

/// Cuts what is written into files of these sizes.
struct Cutting<'p> {
    files: std::vec::IntoIter<(&'p PathBuf, u64)>,
    open: Option<File>,
    left: u64,
}

impl Cutting<'_> {
    /// Opens the next file; `false` if there is none.
    fn next(&mut self) -> io::Result<bool> {
        let Some((path, bytes)) = self.files.next() else { return Ok(false) };
        self.open = Some(File::create(path)?);
        self.left = bytes;
        Ok(true)
    }

    /// Makes what is left: empty files.
    fn rest(&mut self) -> io::Result<()> {
        while self.next()? {}
        Ok(())
    }
}

impl Write for Cutting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        while self.left == 0 {
            if !self.next()? {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "more bytes than belong there"));
            }
        }
        let take = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let written = self.open.as_mut().map_or(Ok(0), |file| file.write(&bytes[..take]))?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn failed(path: &Path, error: io::Error) -> Trouble {
    Trouble::Failed(format!("cannot write {}: {error}", path.display()))
}
