//! Is a backup what it was? Everything is looked at by name and size, the database is opened, checked and counted, and of
//! the films so many are read and compared with their hash as was asked for: half of them the newest, half by chance.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Item, Manifest, Result, Trouble, Vault, Watch};
use crate::base::clock::Time;
use crate::base::secret;
use crate::engines::store;

/// Files that are read at the least.
const LEAST: usize = 10;
/// Findings that are named.
const NAMED: usize = 50;

/// How thorough a look is to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Part of the media's files that is read, in a hundred; 100: all of them.
    pub percent: f64,
}

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    /// When it ended.
    pub at: Time,
    /// Is it whole, as far as it was read?
    pub ok: bool,
    /// Rows that were counted in the database.
    pub rows: i64,
    /// Files of the media store that were read,
    pub read: u64,
    /// of so many,
    pub of: u64,
    /// their bytes,
    pub read_bytes: u64,
    /// of so many.
    pub of_bytes: u64,
    /// What is wrong; the first of it.
    #[serde(default)]
    pub problems: Vec<String>,
    /// Objects that are damaged or missing.
    #[serde(default)]
    pub damaged: Vec<String>,
}

impl Verified {
    pub(super) fn name(id: &str) -> String {
        format!("verified/{id}")
    }

    fn note(&mut self, object: &str, why: String) {
        self.ok = false;
        if self.problems.len() < NAMED {
            self.problems.push(why);
        }
        if !object.is_empty() && !self.damaged.iter().any(|known| known == object) {
            self.damaged.push(object.to_owned());
        }
    }
}

impl Vault {
    /// What the last look at a backup has found; `None` if nobody has looked, or if that cannot be read.
    pub fn verified(&self, id: &str) -> Result<Option<Verified>> {
        let found = self.place.get(&Verified::name(id))?;
        Ok(found.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Keeps it beside the backup.
    pub fn note_verified(&self, id: &str, verified: &Verified) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(verified).map_err(|e| Trouble::failed("a finding is no JSON", e))?;
        self.place.put(&Verified::name(id), &bytes)
    }

    /// An error that names the first part of a backup which is missing or has not its size.
    pub fn is_complete(&self, manifest: &Manifest) -> Result<()> {
        let there = self.there()?;
        for (object, stored, what) in self.parts(manifest) {
            if let Some(why) = wrong(there.get(&object).copied(), stored) {
                return Err(Trouble::damaged(format!("{object} ({what})"), why));
            }
        }
        Ok(())
    }

    /// All objects of a backup with their bytes, and what each is.
    fn parts<'m>(&'m self, manifest: &'m Manifest) -> impl Iterator<Item = (String, u64, String)> + 'm {
        let database = std::iter::once((&manifest.database, "the database"));
        let packed = database.chain(manifest.config.iter().map(|config| (config, "the settings file")));
        let packed = packed.map(move |(b, what)| (self.object(&b.hash, true), b.stored, what.to_owned()));
        packed.chain(manifest.media.iter().map(move |m| (self.object(&m.hash, false), self.stored(m.bytes), told(m))))
    }
}

fn told(item: &Item) -> String {
    format!("{} of {}", item.name, item.key)
}

fn wrong(size: Option<u64>, stored: u64) -> Option<String> {
    match size {
        None => Some("it is missing".into()),
        Some(size) if size != stored => Some(format!("it has {size} bytes instead of {stored}")),
        Some(_) => None,
    }
}

/// Looks at a backup. `scratch` is a directory in which the database is unpacked. What is wrong with the backup is in
/// the answer; an error is that the look could not be taken.
pub fn verify(vault: &Vault, id: &str, asked: Asked, scratch: &Path, now: Time, watch: &Watch) -> Result<Verified> {
    let mut found = Verified {
        at: now,
        ok: true,
        rows: 0,
        read: 0,
        of: 0,
        read_bytes: 0,
        of_bytes: 0,
        problems: Vec::new(),
        damaged: Vec::new(),
    };
    let manifest = match vault.manifest(id) {
        Err(trouble @ Trouble::Damaged { .. }) => {
            found.note("", trouble.to_string());
            return Ok(found);
        }
        manifest => manifest?,
    };
    let there = vault.there()?;
    let mut bad = HashSet::new();
    for (object, stored, what) in vault.parts(&manifest) {
        if let Some(why) = wrong(there.get(&object).copied(), stored) {
            found.note(&object, format!("{object} ({what}) is damaged: {why}"));
            bad.insert(object);
        }
    }
    found.of = manifest.media.len() as u64;
    found.of_bytes = manifest.media.iter().map(|m| m.bytes).sum();
    let sample = sample(&manifest.media, asked.percent);
    let config = manifest.config.as_ref().map_or(0, |c| c.bytes);
    watch.expect(manifest.database.bytes + config + sample.iter().map(|m| m.bytes).sum::<u64>());

    let object = vault.object(&manifest.database.hash, true);
    if !bad.contains(&object) {
        match database(vault, &manifest, scratch, watch) {
            Ok(rows) => found.rows = rows,
            Err(Trouble::Damaged { part, why }) => found.note(&object, format!("{part} is damaged: {why}")),
            Err(other) => return Err(other),
        }
    }
    if let Some(config) = &manifest.config {
        let object = vault.object(&config.hash, true);
        if !bad.contains(&object) {
            look(&mut found, &object, vault.fetch_blob(config, &mut std::io::sink(), watch), "the settings file")?;
        }
    }
    let mut seen = HashSet::new();
    for item in sample {
        let object = vault.object(&item.hash, false);
        if bad.contains(&object) {
            continue;
        }
        found.read += 1;
        found.read_bytes += item.bytes;
        if !seen.insert(object.clone()) {
            watch.on(item.bytes)?;
            continue;
        }
        look(
            &mut found,
            &object,
            vault.fetch(&item.hash, item.bytes, false, &mut std::io::sink(), watch),
            &told(item),
        )?;
    }
    Ok(found)
}

fn look(found: &mut Verified, object: &str, read: Result<()>, what: &str) -> Result<()> {
    match read {
        Err(Trouble::Damaged { why, .. }) => {
            found.note(object, format!("{object} ({what}) is damaged: {why}"));
            Ok(())
        }
        read => read,
    }
}

/// Unpacks the database, opens it, checks it and counts; answers its rows.
fn database(vault: &Vault, manifest: &Manifest, scratch: &Path, watch: &Watch) -> Result<i64> {
    let path = scratch.join("verified.db");
    let failed = |e| Trouble::failed(&format!("cannot write {}", path.display()), e);
    let mut file = File::create(&path).map_err(failed)?;
    vault.fetch_blob(&manifest.database, &mut file, watch)?;
    drop(file);
    let rows = manifest.is_in(&path, watch);
    std::fs::remove_file(&path).map_err(failed)?;
    rows
}

impl Manifest {
    /// Is the database at `path` the one of this backup? It is opened, checked and counted. Answers its rows.
    pub fn is_in(&self, path: &Path, watch: &Watch) -> Result<i64> {
        let damaged = |why: String| Trouble::damaged("the database in the backup", why);
        let looked = store::look(path, watch.stop()).map_err(|e| damaged(e.to_string()))?;
        if let Some(damage) = looked.damages.first() {
            return Err(damaged(damage.clone()));
        }
        if (looked.schema, looked.seq) != (self.schema, self.seq) {
            let (schema, seq) = (looked.schema, looked.seq);
            return Err(damaged(format!(
                "it stands at migration {schema} and seq {seq}, not at {} and {}",
                self.schema, self.seq
            )));
        }
        if let Some((table, rows)) = looked.rows.iter().find(|(table, rows)| self.rows.get(*table) != Some(rows)) {
            let told = self.rows.get(table).copied().unwrap_or(0);
            return Err(damaged(format!("{table} has {rows} rows, not {told}")));
        }
        if looked.rows.len() != self.rows.len() {
            return Err(damaged("a table is missing".into()));
        }
        Ok(looked.rows.values().sum())
    }
}

/// The items to be read.
fn sample(media: &[Item], percent: f64) -> Vec<&Item> {
    let wanted = ((media.len() as f64 * percent / 100.0).ceil() as usize).max(LEAST).min(media.len());
    let mut all: Vec<&Item> = media.iter().collect();
    all.sort_by(|a, b| b.modified_ms.cmp(&a.modified_ms).then_with(|| (a.key, &a.name).cmp(&(b.key, &b.name))));
    if wanted == all.len() {
        return all;
    }
    let mut rest = all.split_off(wanted.div_ceil(2));
    while all.len() < wanted && !rest.is_empty() {
        let at = u64::from_le_bytes(secret::random()) as usize % rest.len();
        all.push(rest.swap_remove(at));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::files::Key;

    #[test]
    fn a_sample_is_of_its_size_holds_the_newest_and_nothing_twice() {
        let item = |n: i64| Item {
            key: Key::of(blake3::hash(&n.to_le_bytes())),
            name: "original".into(),
            hash: Key::of(blake3::hash(b"")),
            bytes: 0,
            parts: Vec::new(),
            modified_ms: n,
        };
        let media: Vec<Item> = (0..1000).map(item).collect();
        for (percent, size) in [(0.0, LEAST), (5.0, 50), (100.0, 1000)] {
            let sample = sample(&media, percent);
            assert_eq!(sample.len(), size, "{percent}");
            assert!((0..size.div_ceil(2) as i64).all(|n| sample.iter().any(|i| i.modified_ms == 999 - n)));
            let keys: HashSet<Key> = sample.iter().map(|i| i.key).collect();
            assert_eq!(keys.len(), size);
        }
        assert_eq!(sample(&media[..3], 1.0).len(), 3);
        assert!(sample(&[], 100.0).is_empty());
    }
}
