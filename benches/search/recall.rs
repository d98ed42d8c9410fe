//! Whether what is looked for is found: speed beside wrong answers says nothing.

use std::collections::HashSet;

use crate::beside::Fts;
use crate::load::Line;
use crate::ours;
use crate::typing::{HABITS, Wanted};

/// How well known comments were found.
#[derive(Clone, Copy, Default)]
struct Found {
    first: f64,
    ten: f64,
    reciprocal: f64,
}

impl Found {
    fn add(&mut self, ids: &[i64], wanted: &HashSet<i64>) {
        if let Some(at) = ids.iter().take(10).position(|id| wanted.contains(id)) {
            self.first += f64::from(u8::from(at == 0));
            self.ten += 1.0;
            self.reciprocal += 1.0 / (at + 1) as f64;
        }
    }

    fn of(self, all: usize) -> String {
        let n = all as f64;
        format!("{:.3} {:.3} {:.3}", self.first / n, self.ten / n, self.reciprocal / n)
    }
}

/// Asks both for each comment in each way, and prints a table.
pub async fn measure(line: &mut Line, token: &str, fts: &Fts, wanted: &[Wanted]) {
    println!("\nknown comments found again, {} for each habit: R@1 R@10 MRR@10", wanted.len());
    println!("{:<18} {:>18} {:>18}", "typed", "ours", "FTS5");
    for (habit, name) in HABITS.iter().enumerate() {
        let (mut a, mut b) = (Found::default(), Found::default());
        for one in wanted {
            let typed = &one.typed[habit];
            let ids = ours::comments(line, typed, token).await;
            if std::env::var_os("BENCH_MISSED").is_some() && !ids.iter().any(|id| one.ids.contains(id)) {
                eprintln!("{name}: {typed} (exact: {})", one.typed[0]);
            }
            a.add(&ids, &one.ids);
            b.add(&fts.ask(typed), &one.ids);
        }
        println!("{name:<18} {:>18} {:>18}", a.of(wanted.len()), b.of(wanted.len()));
    }
}
