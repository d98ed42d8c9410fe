//! When films were last watched: noted in memory as their bytes go out, written twice a minute.
//!
//! Law: serving bytes costs no statement for it. Losing the last half minute makes a film look older, and nothing else.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::sql_shelf as sql;
use crate::app::App;
use crate::base::clock::Time;
use crate::base::error::Result;
use crate::engines::files::Key;

/// Films that are noted between two writes; more are watched by nobody's studio.
const MOST: usize = 10_000;

/// Films watched since they were last written.
#[derive(Default)]
pub struct Watched(Mutex<HashMap<Key, Time>>);

impl Watched {
    /// Somebody watches this film.
    pub fn note(&self, key: Key, now: Time) {
        let mut films = self.0.lock();
        if films.len() < MOST || films.contains_key(&key) {
            films.insert(key, now);
        }
    }

    /// Was it watched since the last write?
    pub fn has(&self, key: &Key) -> bool {
        self.0.lock().contains_key(key)
    }
}

/// Writes what was noted; answers how many films.
pub async fn flush(app: &App) -> Result<usize> {
    let films = std::mem::take(&mut *app.watched.0.lock());
    if films.is_empty() {
        return Ok(0);
    }
    app.store
        .write(move |tx| {
            for (key, at) in &films {
                sql::set_watched(tx, key, *at)?;
            }
            Ok(films.len())
        })
        .await
}
