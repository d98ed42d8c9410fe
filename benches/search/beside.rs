//! What stands beside the program: SQLite's FTS5 with trigrams over the same texts, and the program's own index without
//! the program around it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use videoplanet::engines::index::{Ask, Index, Options, Pass, Words};

use crate::texts::Said;
use crate::typing::Query;

/// Times of questions, in microseconds, each with its kind.
pub type Times = Vec<(usize, u32)>;

/// Asks `queries` in turn from so many threads for so long; `at` is the next one. Answers questions a second.
pub fn threads(
    count: usize,
    length: Duration,
    queries: &[Query],
    at: &AtomicUsize,
    times: &mut Times,
    asker: impl Fn() -> Box<dyn FnMut(&str)> + Sync,
) -> f64 {
    let start = Instant::now();
    let all = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for _ in 0..count {
            threads.spawn(|| {
                let (mut ask, mut own) = (asker(), Times::new());
                while start.elapsed() < length {
                    let query = &queries[at.fetch_add(1, Ordering::Relaxed) % queries.len()];
                    let begun = Instant::now();
                    ask(&query.words);
                    own.push((query.kind, begun.elapsed().as_micros() as u32));
                }
                all.lock().unwrap().extend(own);
            });
        }
    });
    let all = all.into_inner().unwrap();
    let per_second = all.len() as f64 / start.elapsed().as_secs_f64();
    times.extend(all);
    per_second
}

/// Builds the table of texts and its FTS5 index; answers seconds and the index's bytes.
pub fn build(path: &Path, said: &[Said]) -> (f64, u64) {
    let mut conn = Connection::open(path).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -262144;
         CREATE TABLE said (id INTEGER PRIMARY KEY, text TEXT NOT NULL);",
    )
    .unwrap();
    let tx = conn.transaction().unwrap();
    let mut insert = tx.prepare("INSERT INTO said VALUES (?1, ?2)").unwrap();
    for one in said {
        insert.execute(params![one.id, one.text]).unwrap();
    }
    drop(insert);
    tx.commit().unwrap();
    let pages = |conn: &Connection| -> u64 {
        conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        let sql = "SELECT (page_count - freelist_count) * page_size
            FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()";
        conn.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap() as u64
    };
    let before = pages(&conn);
    let start = Instant::now();
    conn.execute_batch(
        "CREATE VIRTUAL TABLE fts USING fts5(text, content='said', content_rowid='id', tokenize='trigram');
         INSERT INTO fts(fts) VALUES ('rebuild');
         INSERT INTO fts(fts) VALUES ('optimize');",
    )
    .unwrap();
    let took = start.elapsed().as_secs_f64();
    (took, pages(&conn) - before)
}

/// A reading connection.
pub struct Fts(Connection);

impl Fts {
    pub fn open(path: &Path) -> Fts {
        let conn = Connection::open(path).unwrap();
        conn.execute_batch("PRAGMA query_only = 1; PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824;")
            .unwrap();
        Fts(conn)
    }

    /// The ten best: any of the text's trigrams, by BM25; what has none is looked for in the table, newest first.
    pub fn ask(&self, typed: &str) -> Vec<i64> {
        let letters: Vec<char> = typed.chars().collect();
        let mut seen = HashSet::new();
        let mut grams = Vec::new();
        for gram in letters.windows(3) {
            let gram: String = gram.iter().collect();
            if seen.insert(gram.to_lowercase()) {
                grams.push(format!("\"{}\"", gram.replace('"', "\"\"")));
            }
        }
        let (sql, what) = if grams.is_empty() {
            let like = typed.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            ("SELECT id FROM said WHERE text LIKE ?1 ESCAPE '\\' ORDER BY id DESC LIMIT 10", format!("%{like}%"))
        } else {
            // "rank" is bm25(fts), read by the module itself: the quicker of its two spellings.
            ("SELECT rowid FROM fts WHERE fts MATCH ?1 ORDER BY rank LIMIT 10", grams.join(" OR "))
        };
        let mut statement = self.0.prepare_cached(sql).unwrap();
        statement.query_map([what], |r| r.get(0)).unwrap().map(|id| id.unwrap()).collect()
    }
}

/// A copy of the index of the program under `from`, opened in this process.
pub fn index(from: &Path, copy: &Path) -> Index {
    for generation in std::fs::read_dir(from).unwrap() {
        let generation = generation.unwrap();
        let to = copy.join(generation.file_name());
        std::fs::create_dir_all(&to).unwrap();
        for file in std::fs::read_dir(generation.path()).unwrap() {
            let file = file.unwrap();
            // Writers of the copy are none of those of the original.
            if !file.file_name().to_string_lossy().ends_with(".lock") {
                std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        }
    }
    Index::open(Options { dir: copy.to_owned(), arena_bytes: 15 << 20 }).unwrap()
}

/// Asks the index for the ten best of everything in `scopes`, with counts, without looking at any row.
pub fn ask(index: &Index, words: &str, scopes: &[i64]) {
    let words = Words { text: words.to_owned(), typing: true, ..Words::default() };
    let ask = Ask { words, scopes: scopes.to_vec(), limit: 10, ..Ask::default() };
    let pass = Pass { kind: true, scope: true, status: true, own: false };
    index.whole().unwrap().search(&ask, |_| Some(pass)).unwrap();
}
