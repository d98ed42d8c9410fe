//! What the program's memory is used for: each engine answers for itself, the machine for the whole.
//!
//! Law: the parts add up to the resident memory. What nobody answers for is the rest: the heap of requests and jobs, the
//! index's arena (`search.arena_mib` at the most) and what the allocator keeps.

use std::path::Path;

use super::Mapped;

/// One use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The key of its name below `admin.memory.`.
    pub name: &'static str,
    /// Bytes in RAM.
    pub bytes: u64,
    /// Is it reckoned, not measured?
    pub estimated: bool,
}

/// The memory of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// All that is in RAM.
    pub resident_bytes: u64,
    /// All that the process may use; `None` where nobody says.
    pub limit_bytes: Option<u64>,
    /// Its uses; they add up to the whole.
    pub parts: Vec<Part>,
}

/// Splits what is resident: `heap` is what engines say of themselves; `dir` is the data directory, whose files may be
/// mapped. Walks through all pages: for each ten seconds, beside the requests. `None` where the machine does not tell.
pub fn memory(dir: &Path, heap: impl IntoIterator<Item = Part>) -> Option<Memory> {
    let own = super::own()?;
    let mapped = Mapped::look()?;
    let database = mapped.below(&dir.join("videoplanet.db")) + mapped.below(&dir.join("videoplanet.db-shm"));
    let index = mapped.below(&dir.join("index"));
    let files = [
        ("database_mapped", database),
        ("index_mapped", index),
        ("program", mapped.file_bytes().saturating_sub(database + index)),
    ];
    let files = files.map(|(name, bytes)| Part { name, bytes, estimated: false });
    Some(Memory {
        resident_bytes: own.resident_bytes,
        limit_bytes: super::limits::memory_bytes(),
        parts: split(own.resident_bytes, files.into_iter().chain(heap)),
    })
}

/// The parts, each no larger than what those before it have left, and the rest.
fn split(whole: u64, parts: impl Iterator<Item = Part>) -> Vec<Part> {
    let mut left = whole;
    let mut list: Vec<Part> = parts
        .map(|part| {
            let bytes = part.bytes.min(left);
            left -= bytes;
            Part { bytes, ..part }
        })
        .collect();
    list.push(Part { name: "rest", bytes: left, estimated: true });
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_the_whole() {
        let part = |name, bytes| Part { name, bytes, estimated: false };
        let parts = split(100, [part("a", 30), part("b", 90), part("c", 5)].into_iter());
        let told: Vec<_> = parts.iter().map(|p| (p.name, p.bytes)).collect();
        assert_eq!(told, [("a", 30), ("b", 70), ("c", 0), ("rest", 0)]);
    }

    #[test]
    fn this_process_is_split() {
        let held = Part { name: "held", bytes: 1, estimated: true };
        let memory = memory(Path::new("/nowhere"), [held]).unwrap();
        assert_eq!(memory.parts.iter().map(|p| p.bytes).sum::<u64>(), memory.resident_bytes);
        assert!(memory.parts.iter().any(|p| p.name == "program" && p.bytes > 0));
        assert!(memory.limit_bytes.is_some_and(|limit| limit > memory.resident_bytes));
    }
}
