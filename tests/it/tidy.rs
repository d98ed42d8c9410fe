//! The rules of the house, held by a test each. What a rule is for stands in `src/lib.rs` and `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use videoplanet::base::locale::{self, Lang};
use videoplanet::config::Config;

/// Nouns from left to right: the left never calls the right.
const NOUNS: [&str; 18] = [
    "accounts", "projects", "schedule", "feedback", "media", "storage", "jobs", "comments", "plans", "journal",
    "rooms", "access", "search", "notices", "webhooks", "settings", "backups", "alerts",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `dir` that end in one of `ends`, as (path from the root, text).
fn files(dir: &str, ends: &[&str]) -> Vec<(String, String)> {
    fn walk(dir: PathBuf, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { walk(path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(root().join(dir), &mut found);
    found.sort();
    let name = |p: &Path| p.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    found
        .into_iter()
        .filter(|p| ends.iter().any(|e| p.to_str().unwrap().ends_with(e)))
        .map(|p| (name(&p), fs::read_to_string(&p).unwrap()))
        .collect()
}

fn sources() -> Vec<(String, String)> {
    files("src", &[".rs"])
}

/// The text without comments: a rule speaks of code, not of what is said about it.
fn code(text: &str) -> String {
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn none(what: &str, found: Vec<String>) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn calls_go_from_server_to_domain_to_engines_to_base() {
    let rooms = |names: &[&str]| names.iter().map(|n| format!("crate::{n}")).collect::<Vec<_>>();
    let above = [
        ("src/base/", rooms(&["engines", "domain", "server", "cli", "app", "effects", "work", "config"])),
        ("src/engines/", rooms(&["domain", "server", "cli", "app", "effects", "work", "config"])),
        ("src/domain/", rooms(&["server", "cli", "effects", "work"])),
        ("src/server/", rooms(&["cli"])),
    ];
    let mut found = Vec::new();
    for (path, text) in sources() {
        for (_, forbidden) in above.iter().filter(|(dir, _)| path.starts_with(dir)) {
            found.extend(forbidden.iter().filter(|f| code(&text).contains(*f)).map(|f| format!("{path} names {f}")));
        }
    }
    none("calls upward", found);
}

#[test]
fn a_noun_calls_only_nouns_to_its_left() {
    let mut found = Vec::new();
    for (path, text) in sources() {
        let Some(place) = NOUNS.iter().position(|n| path.starts_with(&format!("src/domain/{n}/"))) else { continue };
        let text = code(&text);
        for right in &NOUNS[place + 1..] {
            let used = text.contains(&format!("domain::{right}"))
                || text.lines().any(|l| l.contains("domain::{") && l.contains(right));
            if used {
                found.push(format!("{path} calls {right}"));
            }
        }
    }
    none("calls to the right", found);
}

#[test]
fn one_crate_is_named_in_one_engine() {
    let owners = [
        ("rusqlite", "src/engines/store/"),
        ("foyer::", "src/engines/cache/"),
        ("tantivy::", "src/engines/index/"),
        ("brotli::", "src/engines/compress.rs"),
        ("r2d2", "src/engines/store/"),
        ("tokio::process", "src/engines/ffmpeg/"),
        ("process::Command", "src/engines/ffmpeg/"),
        ("lettre::", "src/engines/mail"),
        ("reqwest::", "src/engines/outbound"),
        ("object_store::", "src/engines/backup/"),
        ("chacha20poly1305::", "src/engines/backup/"),
        ("krilla::", "src/engines/paper/"),
    ];
    let mut found = Vec::new();
    for (path, text) in sources() {
        for (name, home) in owners.iter().filter(|(_, home)| !path.starts_with(home)) {
            if code(&text).contains(name) {
                found.push(format!("{path} names {name}, which belongs to {home}"));
            }
        }
    }
    none("crates outside of their engine", found);
}

/// Words that begin a statement, as they stand in our SQL.
const STATEMENTS: [&str; 5] = ["SELECT ", "INSERT INTO ", "DELETE FROM ", "UPDATE ", "CREATE TABLE "];

#[test]
fn statements_stand_in_sql_files_and_the_store() {
    let mut found = Vec::new();
    for (path, text) in sources() {
        if path.ends_with("sql.rs") || path.contains("/sql_") || path.starts_with("src/engines/store/") {
            continue;
        }
        for line in code(&text).lines().filter(|l| STATEMENTS.iter().any(|s| l.contains(s))) {
            found.push(format!("{path}: {}", line.trim()));
        }
    }
    none("SQL outside of sql.rs", found);
}

#[test]
fn one_noun_writes_a_table() {
    let mut writers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in sources() {
        let Some(noun) = path.strip_prefix("src/domain/").and_then(|p| p.split('/').next()) else { continue };
        let words: Vec<&str> = text.split_whitespace().map(|w| w.trim_matches(['"', '\\', '('])).collect();
        for w in words.windows(3) {
            let table = match w {
                ["INSERT", "INTO", table] | ["DELETE", "FROM", table] | ["UPDATE", table, "SET"] => *table,
                _ => continue,
            };
            writers.entry(table.to_owned()).or_default().insert(noun.to_owned());
        }
    }
    assert!(writers.len() >= 10, "the test reads the statements: {writers:?}");
    let shared = writers.iter().filter(|(_, nouns)| nouns.len() > 1);
    none("tables that several nouns write", shared.map(|(t, n)| format!("{t}: {n:?}")).collect());
}

#[test]
fn both_languages_have_the_same_texts_with_the_same_values() {
    let (ko, en) = (locale::table(Lang::Ko), locale::table(Lang::En));
    let mut found = Vec::new();
    let names = |text: &str| -> BTreeSet<String> {
        text.split('{').skip(1).filter_map(|p| p.split_once('}')).map(|(n, _)| n.to_owned()).collect()
    };
    for (key, text) in ko {
        match en.get(key) {
            None => found.push(format!("{key} is missing in English")),
            Some(other) if names(text) != names(other) => found.push(format!("{key} has other values in English")),
            Some(_) => {}
        }
    }
    found.extend(en.keys().filter(|k| !ko.contains_key(*k)).map(|k| format!("{k} is missing in Korean")));
    none("texts that differ", found);
}

#[test]
fn every_text_that_the_code_names_is_there() {
    let table = locale::table(Lang::Ko);
    let mut found = Vec::new();
    for (path, text) in sources() {
        // Only keys that are written out; one that is put together is covered by the page that shows it.
        for part in text.split("Text::new(\"").skip(1) {
            let key = part.split('"').next().unwrap_or("");
            if !table.contains_key(key) {
                found.push(format!("{path}: {key}"));
            }
        }
    }
    none("keys without a text", found);
}

#[test]
fn the_printed_config_is_the_one_that_is_packaged() {
    let packaged = fs::read_to_string(root().join("packaging/videoplanet.toml")).unwrap();
    assert_eq!(packaged, Config::sample(), "run: videoplanet config > packaging/videoplanet.toml");
}

#[test]
fn every_file_says_what_it_is_and_tells_one_story() {
    let mut found = Vec::new();
    for (path, text) in sources().into_iter().chain(files("tests", &[".rs"])) {
        if !text.starts_with("//!") {
            found.push(format!("{path} does not begin with //!"));
        }
        if text.lines().count() > 600 {
            found.push(format!("{path} has {} lines", text.lines().count()));
        }
    }
    none("files", found);
}

#[test]
fn nothing_is_left_over() {
    // Put together here, so that this file does not name them.
    let marks = [
        ["to", "do!("].concat(),
        ["unimple", "mented!("].concat(),
        ["FIX", "ME"].concat(),
        ["#[ig", "nore]"].concat(),
        ["/ro", "ot/"].concat(),
        ["/wo", "rk/"].concat(),
        ["/tm", "p/"].concat(),
    ];
    let mut all = Vec::new();
    for dir in ["src", "tests", "templates", "static/js", "static/css", "migrations", "benches", "docs", "packaging"] {
        all.extend(files(dir, &[".rs", ".html", ".js", ".css", ".sql", ".md", ".toml", ".sh"]));
    }
    let mut found = Vec::new();
    for (path, text) in &all {
        for mark in marks.iter().filter(|m| text.contains(m.as_str())) {
            found.push(format!("{path}: {mark}"));
        }
    }
    none("left over", found);
}

#[test]
fn pages_carry_no_inline_script_or_style_and_load_nothing_from_elsewhere() {
    let mut found = Vec::new();
    for (path, text) in files("templates", &[".html"]) {
        for line in text.lines() {
            let script = line.contains("<script") && !line.contains("src=") && !line.contains("application/json");
            let style = line.contains("<style") || line.contains(" style=");
            let handler = [" onclick=", " onload=", " onsubmit=", " onchange="].iter().any(|h| line.contains(h));
            let elsewhere = ["src=\"http", "href=\"http", "src=\"//", "href=\"//"].iter().any(|h| line.contains(h));
            if script || style || handler || elsewhere {
                found.push(format!("{path}: {}", line.trim()));
            }
        }
    }
    none("inline or foreign", found);
}
