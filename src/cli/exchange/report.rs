//! What an import has to tell: bad rows by file and line, and notes counted.

use std::collections::{BTreeMap, HashSet};

use super::progress::{grouped, rows};
use crate::base::locale::{self, Lang, Text};

/// Bad rows that are told one by one; the others are counted.
const TOLD: usize = 100;
/// Bad rows that are remembered, so that the rows that hang on them are not told as bad themselves.
const REMEMBERED: usize = 100_000;
/// Different notes that are told.
const NOTES: usize = 100;

#[derive(Default)]
pub(super) struct Report {
    bad: Vec<String>,
    bad_rows: u64,
    /// Rows with nothing wrong but that they name a bad row.
    hanging: u64,
    gone: HashSet<(&'static str, i64)>,
    notes: BTreeMap<String, u64>,
    /// Rows that were taken, by file.
    pub(super) taken: Vec<(&'static str, u64)>,
}

impl Report {
    /// Is there anything that keeps the import out?
    pub(super) fn is_bad(&self) -> bool {
        self.bad_rows > 0
    }

    pub(super) fn rows(&self) -> u64 {
        self.taken.iter().map(|(_, n)| n).sum()
    }

    /// A row was refused. `noun` and `id` are its own.
    pub(super) fn refuse(
        &mut self,
        file: &str,
        line: u64,
        noun: &'static str,
        id: Option<i64>,
        why: &[(String, Text)],
    ) {
        let hanging = !why.is_empty() && why.iter().all(|(_, text)| self.names_a_bad_row(text));
        // A row that is there under this id already is no reason to doubt those that name it.
        let is_there = why.iter().any(|(_, text)| text.key == "invalid.id_taken");
        if let Some(id) = id.filter(|_| !is_there && self.gone.len() < REMEMBERED) {
            self.gone.insert((noun, id));
        }
        if hanging {
            self.hanging += 1;
            return;
        }
        self.bad_rows += 1;
        for (field, text) in why.iter().take_while(|_| self.bad_rows <= TOLD as u64) {
            let said = locale::say(Lang::En, text);
            let field = if field.is_empty() { String::new() } else { format!("{field}: ") };
            self.bad.push(format!("{file}:{line}: {field}{said}"));
        }
    }

    fn names_a_bad_row(&self, text: &Text) -> bool {
        let arg = |name: &str| text.args.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
        let (Some(noun), Some(Ok(id))) = (arg("noun"), arg("id").map(str::parse::<i64>)) else { return false };
        matches!(text.key, "invalid.no_such" | "invalid.no_such_parent") && self.gone.contains(&(noun, id))
    }

    /// Counts what a person should hear.
    pub(super) fn note(&mut self, file: &str, text: &Text) {
        let said = format!("{file}: {}", locale::say(Lang::En, text));
        if let Some(count) = self.notes.get_mut(&said) {
            *count += 1;
        } else if self.notes.len() < NOTES {
            self.notes.insert(said, 1);
        }
    }

    /// The notes, one a line.
    pub(super) fn notes(&self) -> String {
        self.notes.iter().map(|(said, n)| format!("{said} ({})\n", rows(*n))).collect()
    }

    /// The bad rows, one field a line, and how many are not told.
    pub(super) fn bad(&self) -> String {
        let mut said: String = self.bad.iter().map(|line| format!("{line}\n")).collect();
        if self.bad_rows > TOLD as u64 {
            said += &format!("… and {} more\n", bad(self.bad_rows - TOLD as u64));
        }
        if self.hanging > 0 {
            said += &format!("not counted: {} with nothing wrong but naming a bad one\n", rows(self.hanging));
        }
        said
    }

    /// The one sentence.
    pub(super) fn sum(&self) -> String {
        format!("nothing was imported because of {}. Correct what is named and import again", bad(self.bad_rows))
    }
}

fn bad(n: u64) -> String {
    if n == 1 { "1 bad row".to_owned() } else { format!("{} bad rows", grouped(n)) }
}
