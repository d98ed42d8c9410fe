//! What SQLite holds in memory, all connections of this process together.

use rusqlite::ffi;

/// Bytes at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All that SQLite has asked of the system.
    pub used: u64,
    /// Of that, the page caches of the connections.
    pub page_cache: u64,
}

/// Asks SQLite. Parts of the file that are mapped into memory are not among it: they belong to the system.
pub fn memory() -> Memory {
    let used = status(ffi::SQLITE_STATUS_MEMORY_USED);
    Memory { used, page_cache: status(ffi::SQLITE_STATUS_PAGECACHE_OVERFLOW).min(used) }
}

/// The one call for which rusqlite has no door.
#[allow(unsafe_code)]
fn status(what: i32) -> u64 {
    let (mut now, mut most) = (0i64, 0i64);
    // SAFETY: the function may be called from any thread at any time; it writes into the two places, which outlive it.
    let code = unsafe { ffi::sqlite3_status64(what, &mut now, &mut most, 0) };
    if code == ffi::SQLITE_OK { now.max(0) as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_connection_with_pages_shows() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(4000000))").unwrap();
        let memory = super::memory();
        // Other tests open databases beside this one.
        assert!(memory.used >= 4_000_000 && memory.page_cache <= memory.used, "{memory:?}");
    }
}
