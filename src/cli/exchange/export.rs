//! Writes the store's rows into a directory of files, from one snapshot.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::progress::grouped;
use super::{Export, FILMS, PARTS};
use crate::base::error::Result;
use crate::cli::user::tell;
use crate::engines::store::Db;

/// Exports the instance of `data` into `dir`, also while a server runs: it only reads.
pub(crate) async fn export(data: &Path, dir: &Path) -> anyhow::Result<()> {
    if !data.join("videoplanet.db").exists() {
        bail!("there is no instance in {}; name its directory with --data", data.display());
    }
    // It holds addresses and password hashes.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot create {}", dir.display()))?;
    let store = crate::cli::beside(data)?;
    let into = dir.to_owned();
    let written = store.read(move |db| write_all(db, &into)).await;
    store.close().await;
    let written = written.map_err(tell).with_context(|| format!("cannot export into {}", dir.display()))?;
    let rows = written.iter().map(|(_, n)| n).sum();
    let counts: Vec<String> = written.iter().map(|(file, n)| format!("{} to {file}", grouped(*n))).collect();
    println!("exported {} rows: {}", grouped(rows), counts.join(", "));
    Ok(())
}

/// All files appear whole under their names, or none does: one that is there already is replaced.
fn write_all(db: &Db, dir: &Path) -> Result<Vec<(&'static str, u64)>> {
    let parts = PARTS.iter().map(|p| (p.file, p.export)).chain([FILMS]);
    let mut written = Vec::new();
    let mut made: Vec<(PathBuf, PathBuf)> = Vec::new();
    for (file, export) in parts {
        let (part, whole) = (dir.join(format!("{file}.part")), dir.join(file));
        made.push((part.clone(), whole));
        let rows = write_one(db, &part, export);
        if rows.is_err() {
            made.iter().for_each(|(part, _)| drop(std::fs::remove_file(part)));
        }
        written.push((file, rows?));
    }
    for (part, whole) in made {
        std::fs::rename(part, whole)?;
    }
    File::open(dir)?.sync_all()?;
    Ok(written)
}

fn write_one(db: &Db, path: &Path, export: Export) -> Result<u64> {
    // One that a killed export left may have another mode.
    let _ = std::fs::remove_file(path);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut out = BufWriter::with_capacity(256 << 10, file);
    let mut rows = 0;
    export(db, &mut |line| {
        rows += 1;
        Ok(out.write_all(line.as_bytes())?)
    })?;
    out.flush()?;
    out.get_ref().sync_all()?;
    Ok(rows)
}
