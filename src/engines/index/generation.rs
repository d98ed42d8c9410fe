//! One index on the disk: its writer, its commits, and what can be seen of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, TantivyDocument};

use super::SCHEMA;
use super::document::{self, Document, Fields, Key};
use super::search::Sums;
use super::segment::View;
use crate::base::clock::Time;

/// How far an index follows: written with each commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The last event of the journal that it knows.
    pub seq: i64,
    /// That event's time: another time under the same number is another journal.
    pub at: i64,
    /// While rows are read: of which table (the caller's number), and the last id that was read.
    pub reading: Option<(u8, i64)>,
}

impl Mark {
    /// Are all rows read?
    pub fn is_whole(&self) -> bool {
        self.reading.is_none()
    }
}

/// The last commit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Committed {
    /// When; `None` before the first one of this process.
    pub at: Option<Time>,
    /// How long it took.
    pub took_ms: u64,
    /// Documents that it added or replaced.
    pub documents: u64,
}

/// One segment of it.
#[derive(Clone, Debug)]
pub struct SegmentFacts {
    /// Its short name.
    pub id: String,
    /// Documents in it.
    pub documents: u64,
    /// Those that are replaced or gone.
    pub deleted: u64,
    /// Bytes on the disk.
    pub bytes: u64,
}

/// See the module.
pub struct Generation {
    /// Of which schema.
    pub schema: u32,
    pub(super) number: u64,
    pub(super) dir: PathBuf,
    pub(super) fields: Fields,
    index: tantivy::Index,
    reader: IndexReader,
    arena: usize,
    writer: Mutex<Writer>,
    view: RwLock<Arc<View>>,
    mark: Mutex<Mark>,
    /// How far it has heard: what happened since the mark touches nothing that is found.
    heard: Mutex<Mark>,
    committed: Mutex<Committed>,
    sums: Sums,
}

#[derive(Default)]
struct Writer {
    open: Option<IndexWriter>,
    /// Documents since the last commit.
    waiting: u64,
    retired: bool,
}

impl Generation {
    pub(super) fn create(dir: &Path, number: u64, arena: usize, mark: Mark) -> anyhow::Result<Generation> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let (schema, _) = document::schema();
        let mut index = tantivy::Index::create_in_dir(dir, schema)?;
        index.set_tokenizers(document::tokenizers());
        let made = Generation::with(index, dir, SCHEMA, number, arena)?;
        made.commit(mark, Time(0))?;
        Ok(made)
    }

    pub(super) fn open(dir: &Path, schema: u32, number: u64, arena: usize) -> anyhow::Result<Generation> {
        let mut index = tantivy::Index::open_in_dir(dir)?;
        let (fields, _) = document::schema();
        anyhow::ensure!(index.schema() == fields, "its fields are those of another version");
        index.set_tokenizers(document::tokenizers());
        Generation::with(index, dir, schema, number, arena)
    }

    fn with(index: tantivy::Index, dir: &Path, schema: u32, number: u64, arena: usize) -> anyhow::Result<Generation> {
        let (_, fields) = document::schema();
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let mark = match index.load_metas()?.payload {
            Some(text) => serde_json::from_str(&text).context("its mark cannot be read")?,
            // Killed before its first commit.
            None => Mark { reading: Some((0, 0)), ..Mark::default() },
        };
        let view = View::of(&reader.searcher(), &fields, None)?;
        Ok(Generation {
            schema,
            number,
            dir: dir.to_owned(),
            fields,
            index,
            reader,
            arena,
            writer: Mutex::default(),
            view: RwLock::new(Arc::new(view)),
            mark: Mutex::new(mark),
            heard: Mutex::new(mark),
            committed: Mutex::default(),
            sums: Sums::default(),
        })
    }

    /// Its number: a newer one has a higher.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How far it follows, as of its last commit.
    pub fn mark(&self) -> Mark {
        *self.mark.lock()
    }

    /// How far it has heard: at least the mark.
    pub fn heard(&self) -> Mark {
        *self.heard.lock()
    }

    /// Notes that nothing up to `mark` touches what is found; written with the next commit.
    pub fn hear(&self, mark: Mark) {
        *self.heard.lock() = mark;
    }

    /// Adds documents, each in the place of the one of its name, and takes `gone` out; findable with the next commit.
    /// `fresh`: none of them is there yet. An error leaves everything since the last commit undone.
    pub fn write(&self, documents: &[Document], gone: &[Key], fresh: bool) -> anyhow::Result<()> {
        self.with_writer(|writer, fields| {
            for key in gone {
                writer.delete_term(document::key_term(fields, *key));
            }
            for d in documents {
                if !fresh {
                    writer.delete_term(document::key_term(fields, d.key));
                }
                writer.add_document(d.fields(fields))?;
            }
            Ok(documents.len() as u64)
        })
    }

    fn with_writer(&self, write: impl FnOnce(&mut IndexWriter, &Fields) -> tantivy::Result<u64>) -> anyhow::Result<()> {
        let mut held = self.writer.lock();
        anyhow::ensure!(!held.retired, "this index is closed");
        if held.open.is_none() {
            let options = IndexWriterOptions::builder()
                .num_worker_threads(1)
                .num_merge_threads(1)
                .memory_budget_per_thread(self.arena)
                .build();
            let writer: IndexWriter<TantivyDocument> = self.index.writer_with_options(options)?;
            // Each question looks into every segment: few of them.
            let mut policy = LogMergePolicy::default();
            policy.set_min_num_segments(4);
            policy.set_del_docs_ratio_before_merge(0.3);
            writer.set_merge_policy(Box::new(policy));
            // tantivy numbers a writer's first operation as it did the last commit, and a merge of what that commit left
            // takes it for done. So the first one takes out what never is there.
            writer.delete_term(document::key_term(&self.fields, Key { kind: u8::MAX, id: -1 }));
            held.open = Some(writer);
        }
        let Some(writer) = held.open.as_mut() else { return Ok(()) };
        match write(writer, &self.fields) {
            Ok(documents) => {
                held.waiting += documents;
                Ok(())
            }
            Err(e) => {
                drop(held);
                // A writer that failed is not to be trusted; the next one begins from the last commit.
                self.rollback();
                Err(e.into())
            }
        }
    }

    /// Forgets what waits.
    pub fn rollback(&self) {
        let mut held = self.writer.lock();
        held.open = None;
        held.waiting = 0;
        // A commit that failed may have come far enough to count.
        let payload = self.index.load_metas().ok().and_then(|metas| metas.payload);
        if let Some(mark) = payload.and_then(|text| serde_json::from_str(&text).ok()) {
            *self.mark.lock() = mark;
        }
        *self.heard.lock() = self.mark();
    }

    /// Writes what waits to the disk together with `mark`, and lets it be found.
    pub fn commit(&self, mark: Mark, now: Time) -> anyhow::Result<()> {
        let begun = Instant::now();
        let payload = serde_json::to_string(&mark)?;
        self.with_writer(|writer, _| {
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&payload);
            prepared.commit()?;
            Ok(0)
        })?;
        let documents = std::mem::take(&mut self.writer.lock().waiting);
        self.refresh()?;
        (*self.mark.lock(), *self.heard.lock()) = (mark, mark);
        if now.0 > 0 {
            *self.committed.lock() =
                Committed { at: Some(now), took_ms: begun.elapsed().as_millis() as u64, documents };
        }
        Ok(())
    }

    /// Sees merges that ended since the last commit.
    pub fn refresh(&self) -> anyhow::Result<()> {
        self.reader.reload()?;
        let before = self.view.read().clone();
        let view = View::of(&self.reader.searcher(), &self.fields, Some(&before))?;
        *self.view.write() = Arc::new(view);
        Ok(())
    }

    /// What can be found at this moment.
    pub(super) fn view(&self) -> Arc<View> {
        self.view.read().clone()
    }

    pub(super) fn sums(&self) -> &Sums {
        &self.sums
    }

    /// Documents that can be found.
    pub fn documents(&self) -> u64 {
        self.view().documents()
    }

    /// Documents that can be found, by kind.
    pub fn documents_by_kind(&self) -> Vec<(u8, u64)> {
        self.view().by_kind()
    }

    /// The last commit of this process.
    pub fn committed(&self) -> Committed {
        *self.committed.lock()
    }

    /// Its segments, and bytes on the disk in all.
    pub fn segments(&self) -> (Vec<SegmentFacts>, u64) {
        let view = self.view();
        let facts: Vec<SegmentFacts> = view.segments.iter().map(|s| s.facts()).collect();
        let bytes = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let bytes = bytes.filter_map(|f| f.metadata().ok()).map(|m| m.len()).sum();
        (facts, bytes)
    }

    /// Reads every byte and compares checksums; names of damaged files.
    pub fn damaged(&self) -> Vec<String> {
        match self.index.validate_checksum() {
            Ok(files) => files.into_iter().map(|f| f.display().to_string()).collect(),
            Err(e) => vec![e.to_string()],
        }
    }

    /// Ends the writer for good. Merges that are under way are given up; they are made again later.
    pub(super) fn retire(&self) {
        let mut held = self.writer.lock();
        held.retired = true;
        held.open = None;
    }
}
