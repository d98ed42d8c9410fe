//! Putting restored data in its place: all of it or none of it, whenever the program is killed.
//!
//! ```text
//! <data>/restore/new/…       what was restored, while it is gathered
//! <data>/restore/commit      it is whole and was checked: from now on it is the data
//! <data>/before-restore-…/   what was there before, until somebody says that it may go
//! ```
//!
//! Without the commit a start throws `restore` away; with it a start ends the move before anything is opened. Every step is
//! a rename that is done or not, so doing them again is harmless.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Result, Trouble, stamp};
use crate::base::clock::Time;

const WORK: &str = "restore";
const ASIDE: &str = "before-restore-";
/// What belongs to the directory, not to the data in it.
const STAYS: [&str; 3] = ["lock", WORK, "videoplanet.toml"];

/// What [`settle`] has found and done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// A restore had been committed: it is in its place now, and what was there before is here.
    Finished(PathBuf),
    /// A restore had not come to its end: it was thrown away, and nothing has changed.
    ThrownAway,
}

#[derive(Serialize, Deserialize)]
struct Commit {
    aside: String,
    present: Vec<String>,
}

/// Was a restore begun in this directory that has not come to its end?
pub fn is_begun(dir: &Path) -> bool {
    dir.join(WORK).exists()
}

/// An empty directory for what is restored into `dir`. The caller holds the directory's lock.
pub fn staging(dir: &Path) -> Result<PathBuf> {
    let work = dir.join(WORK);
    let made = remove(&work).and_then(|()| {
        let new = work.join("new");
        fs::DirBuilder::new().recursive(true).mode(0o750).create(&new).map(|()| new)
    });
    made.map_err(|e| Trouble::failed(&format!("cannot write in {}", dir.display()), e))
}

/// An error if what is there could not be put aside by a rename.
pub fn movable(dir: &Path) -> Result<()> {
    let dev = |path: &Path| fs::symlink_metadata(path).map(|meta| meta.dev());
    let own = dev(dir).map_err(|e| Trouble::failed(&format!("cannot look at {}", dir.display()), e))?;
    for name in present(dir).map_err(|e| Trouble::failed(&format!("cannot list {}", dir.display()), e))? {
        if dev(&dir.join(&name)).is_ok_and(|dev| dev != own) {
            return Err(Trouble::Refused(format!(
                "{} is a file system of its own and cannot be put aside: restore into another --data and move it there",
                dir.join(name).display()
            )));
        }
    }
    Ok(())
}

/// What was gathered is the data from now on: the present data goes aside. Answers where that is.
pub fn commit(dir: &Path, now: Time) -> Result<PathBuf> {
    committed(dir, now).map_err(|e| Trouble::failed("the restored data cannot be put in its place", e))
}

fn committed(dir: &Path, now: Time) -> io::Result<PathBuf> {
    let work = dir.join(WORK);
    // Everything that was gathered, in one go.
    rustix::fs::syncfs(File::open(work.join("new"))?)?;
    // Two restores within a second do not share a place: what lies there already would count as moved.
    let name = format!("{ASIDE}{}", stamp(now));
    let mut aside = name.clone();
    let mut n = 1;
    while exists(&dir.join(&aside))? {
        n += 1;
        aside = format!("{name}-{n}");
    }
    let commit = Commit { aside, present: present(dir)? };
    let temporary = work.join("commit.tmp");
    fs::write(&temporary, serde_json::to_vec(&commit)?)?;
    File::open(&temporary)?.sync_all()?;
    fs::rename(&temporary, work.join("commit"))?;
    sync(&work)?;
    finish(dir, &commit)
}

/// Ends what a killed restore has left. The caller holds the directory's lock, and has opened nothing yet.
pub fn settle(dir: &Path) -> io::Result<Option<Settled>> {
    let work = dir.join(WORK);
    if !work.exists() {
        return Ok(None);
    }
    match fs::read(work.join("commit")) {
        Ok(bytes) => {
            let commit: Commit = serde_json::from_slice(&bytes)?;
            finish(dir, &commit).map(|aside| Some(Settled::Finished(aside)))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => remove(&work).map(|()| Some(Settled::ThrownAway)),
        Err(e) => Err(e),
    }
}

fn finish(dir: &Path, commit: &Commit) -> io::Result<PathBuf> {
    let (aside, new) = (dir.join(&commit.aside), dir.join(WORK).join("new"));
    fs::DirBuilder::new().recursive(true).mode(0o750).create(&aside)?;
    for name in &commit.present {
        // What is aside already is not moved again: under its name stands what is new.
        if !exists(&aside.join(name))? && exists(&dir.join(name))? {
            fs::rename(dir.join(name), aside.join(name))?;
        }
    }
    sync(&aside)?;
    sync(dir)?;
    if exists(&new)? {
        for entry in fs::read_dir(&new)? {
            let entry = entry?;
            fs::rename(entry.path(), dir.join(entry.file_name()))?;
        }
    }
    sync(dir)?;
    let work = dir.join(WORK);
    // First what is gathered there, which is nothing any more; the commit is the last.
    remove(&new)?;
    fs::remove_file(work.join("commit"))?;
    remove(&work)?;
    Ok(aside)
}

/// What is put aside.
fn present(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let name = name.into_string().map_err(|name| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{} has no name in UTF-8", name.display()))
        })?;
        if !STAYS.contains(&name.as_str()) && !name.starts_with(ASIDE) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Data of before a restore that is still there, with its bytes.
pub fn aside(dir: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(ASIDE) && entry.file_type()?.is_dir() {
            let bytes = weight(&entry.path())?;
            found.push((entry.path(), bytes));
        }
    }
    found.sort();
    Ok(found)
}

/// Removes it. What films it shares with the present data stay there.
pub fn forget(dir: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let gone = aside(dir)?;
    gone.iter().try_for_each(|(path, _)| remove(path))?;
    Ok(gone)
}

/// Bytes that going would give back: not those of files that have another name elsewhere.
fn weight(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes += match meta.is_dir() {
            true => weight(&entry.path())?,
            false if meta.nlink() > 1 => 0,
            false => meta.len(),
        };
    }
    Ok(bytes)
}

fn exists(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::page::hex;
    use crate::base::secret;

    /// A data directory with a restore that was gathered and not committed.
    fn gathered() -> PathBuf {
        let dir = std::env::temp_dir().join(format!("videoplanet-settle-{}", hex(&secret::random::<6>())));
        fs::create_dir_all(dir.join("media/aa")).unwrap();
        for (name, text) in
            [("videoplanet.db", "old"), ("videoplanet.db-wal", "log"), ("media/aa/film", "old film"), ("lock", "")]
        {
            fs::write(dir.join(name), text).unwrap();
        }
        fs::write(dir.join("videoplanet.toml"), "settings").unwrap();
        fs::create_dir(dir.join("cache")).unwrap();
        let new = staging(&dir).unwrap();
        fs::create_dir_all(new.join("media/bb")).unwrap();
        fs::write(new.join("videoplanet.db"), "new").unwrap();
        fs::write(new.join("media/bb/film"), "new film").unwrap();
        dir
    }

    fn all(dir: &Path) -> Vec<(String, String)> {
        fn walk(root: &Path, dir: &Path, found: &mut Vec<(String, String)>) {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(root, &path, found);
                } else {
                    let name = path.strip_prefix(root).unwrap().display().to_string();
                    found.push((name, fs::read_to_string(&path).unwrap()));
                }
            }
        }
        let mut found = Vec::new();
        walk(dir, dir, &mut found);
        found.sort();
        found
    }

    /// Writes the commit and stops after so many renames; answers whether that was before all of them.
    fn killed_after(dir: &Path, steps: usize) -> bool {
        let work = dir.join(WORK);
        let commit = Commit { aside: format!("{ASIDE}then"), present: present(dir).unwrap() };
        fs::write(work.join("commit"), serde_json::to_vec(&commit).unwrap()).unwrap();
        fs::create_dir(dir.join(&commit.aside)).unwrap();
        let aside = commit.present.iter().map(|name| (dir.join(name), dir.join(&commit.aside).join(name)));
        let new = ["media", "videoplanet.db"].map(|name| (work.join("new").join(name), dir.join(name)));
        let moves: Vec<_> = aside.chain(new).collect();
        moves.iter().take(steps).for_each(|(from, to)| fs::rename(from, to).unwrap());
        steps < moves.len()
    }

    #[test]
    fn killed_after_any_step_a_committed_restore_comes_to_the_same_end() {
        let mut ends = Vec::new();
        for steps in 0.. {
            let dir = gathered();
            let is_before = killed_after(&dir, steps);
            let settled = settle(&dir).unwrap();
            assert_eq!(settled, Some(Settled::Finished(dir.join("before-restore-then"))), "{steps}");
            assert_eq!(settle(&dir).unwrap(), None);
            assert_eq!(aside(&dir).unwrap(), [(dir.join("before-restore-then"), 14)]);
            ends.push(all(&dir));
            assert_eq!(forget(&dir).unwrap().len(), 1);
            assert_eq!(all(&dir).len(), 4, "{:?}", all(&dir));
            fs::remove_dir_all(&dir).unwrap();
            if !is_before {
                break;
            }
        }
        assert!(ends.len() == 7 && ends.iter().all(|end| *end == ends[0]), "{ends:#?}");
        let of = |name: &str| ends[0].iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str());
        assert_eq!(
            [of("videoplanet.db"), of("media/bb/film"), of("videoplanet.toml")],
            [Some("new"), Some("new film"), Some("settings")]
        );
        assert_eq!(
            [of("before-restore-then/videoplanet.db"), of("before-restore-then/videoplanet.db-wal")],
            [Some("old"), Some("log")]
        );
        assert_eq!((of("videoplanet.db-wal"), of("before-restore-then/media/aa/film")), (None, Some("old film")));
    }

    #[test]
    fn what_was_not_committed_is_thrown_away_and_a_commit_is_the_same_move() {
        let dir = gathered();
        let before: Vec<_> = all(&dir).into_iter().filter(|(name, _)| !name.starts_with("restore/")).collect();
        assert!(is_begun(&dir));
        assert_eq!(settle(&dir).unwrap(), Some(Settled::ThrownAway));
        assert_eq!((all(&dir), is_begun(&dir)), (before, false));
        fs::remove_dir_all(&dir).unwrap();

        let dir = gathered();
        let aside = commit(&dir, Time(1_795_899_300_000)).unwrap();
        assert!(aside.ends_with("before-restore-20261128T205500Z") && !is_begun(&dir), "{}", aside.display());
        assert_eq!(fs::read_to_string(dir.join("videoplanet.db")).unwrap(), "new");
        fs::remove_dir_all(&dir).unwrap();
    }
}
