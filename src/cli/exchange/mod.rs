//! `videoplanet import` and `videoplanet export`: everything but the films, as files of one JSON object a line.
//!
//! Law: an import is one change in the store. All rows are in or none, also after a kill; one bad row keeps all out, and
//! every bad row is told by file and line. What an export writes, an import takes, and the next export writes the same.

mod export;
mod import;
mod lines;
mod progress;
mod report;

use crate::base::error::Result;
use crate::base::row::{Fields, Lines};
use crate::domain::{accounts, comments, feedback, media, projects};
use crate::engines::store::{Db, Tx};
pub(super) use export::export;
pub(super) use import::import;

type Export = fn(&Db, Lines) -> Result<()>;

/// One file and the noun behind it.
struct Part {
    file: &'static str,
    /// What its rows are, as other rows' errors name it.
    noun: &'static str,
    import: fn(&mut Tx, &mut Fields) -> Result<()>,
    export: Export,
    /// Told when it is missing.
    expected: bool,
}

/// In the order in which rows name each other: what is named stands before.
const PARTS: [Part; 7] = [
    Part {
        file: "users.jsonl",
        noun: "account",
        import: accounts::exchange::import,
        export: accounts::exchange::export,
        expected: true,
    },
    Part {
        file: "projects.jsonl",
        noun: "project",
        import: projects::exchange::import,
        export: projects::exchange::export,
        expected: true,
    },
    Part {
        file: "members.jsonl",
        noun: "membership",
        import: projects::exchange::import_member,
        export: projects::exchange::export_members,
        expected: true,
    },
    Part {
        file: "feedbacks.jsonl",
        noun: "feedback",
        import: feedback::exchange::import,
        export: feedback::exchange::export,
        expected: true,
    },
    Part {
        file: "decisions.jsonl",
        noun: "decision",
        import: feedback::exchange::import_decision,
        export: feedback::exchange::export_decisions,
        expected: false,
    },
    Part {
        file: "comments.jsonl",
        noun: "comment",
        import: comments::exchange::import,
        export: comments::exchange::export,
        expected: true,
    },
    Part {
        file: "reactions.jsonl",
        noun: "reaction",
        import: comments::exchange::import_reaction,
        export: comments::exchange::export_reactions,
        expected: false,
    },
];

/// The list of films: written by an export, not read by an import.
const FILMS: (&str, Export) = ("media.jsonl", media::exchange::export);
