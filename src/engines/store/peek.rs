//! A look at the settings that were changed while the program ran, before anything of it is open.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::db::{SETTINGS, after};

/// The settings in the database of `dir` whose names begin with `prefix` (it ends in a dot), by name. Where there is no
/// database yet, none that can be read, or one of before there were settings, there are none: what is wrong with it is
/// said when it is opened.
pub fn peek(dir: &Path, prefix: &str) -> Vec<(String, String)> {
    let path = dir.join("videoplanet.db");
    if !path.exists() {
        return Vec::new();
    }
    read(&path, prefix).unwrap_or_else(|e| {
        tracing::debug!(error = %e, "no settings are read ahead");
        Vec::new()
    })
}

fn read(path: &Path, prefix: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.pragma_update(None, "trusted_schema", false)?;
    let mut statement = conn.prepare(SETTINGS)?;
    let rows = statement.query_map([prefix, &after(prefix)], |r| Ok((r.get(0)?, r.get(1)?)))?;
    rows.collect()
}
