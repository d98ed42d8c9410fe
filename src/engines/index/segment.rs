//! What a question needs of the segments, opened once for each and not for each question.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tantivy::columnar::{Column, ColumnValues};
use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::SegmentId;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, InvertedIndexReader, Opstamp, Searcher, SegmentReader};

use super::document::{Fields, Key, Kind, Set};
use super::generation::SegmentFacts;

/// BM25's constants (Robertson, Walker 1994; the usual values).
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// All segments of one commit.
pub(super) struct View {
    pub(super) segments: Vec<Arc<Segment>>,
    /// Statistics of each text field over all segments.
    stats: [[Stats; 4]; 3],
}

/// Statistics of one field.
#[derive(Clone)]
pub(super) struct Stats {
    /// Documents that have it.
    pub(super) documents: u64,
    /// The part of BM25 that depends on a text's length, by tantivy's code of the length.
    lengths: Arc<[f32; 256]>,
    /// What a token brings that a text of this length has once, which is most of them.
    once: Arc<[f32; 256]>,
}

impl Stats {
    fn new(documents: u64, tokens: u64) -> Stats {
        let usual = (tokens as f32 / documents.max(1) as f32).max(1.0);
        let length = |id: usize| FieldNormReader::id_to_fieldnorm(id as u8) as f32;
        let lengths: [f32; 256] = std::array::from_fn(|id| K1 * (1.0 - B + B * length(id) / usual));
        let once = lengths.map(|length| (K1 + 1.0) / (1.0 + length));
        Stats { documents, lengths: Arc::new(lengths), once: Arc::new(once) }
    }

    /// How much of a token's rarity a text gets that has it `times` in a text of this length: 1 for once in a usual one.
    pub(super) fn share(&self, length: u8, times: u32) -> f32 {
        if times == 1 {
            return self.once[length as usize];
        }
        let times = times as f32;
        times * (K1 + 1.0) / (times + self.lengths[length as usize])
    }
}

/// One segment.
pub(super) struct Segment {
    id: SegmentId,
    deletes: Option<Opstamp>,
    pub(super) reader: SegmentReader,
    texts: [[Option<Text>; 4]; 3],
    pub(super) key: Arc<dyn ColumnValues<u64>>,
    /// By document: every match is judged by it.
    pub(super) scope: Vec<i64>,
    pub(super) scopes: Option<Column<u64>>,
    pub(super) owner: Arc<dyn ColumnValues<u64>>,
    /// By document: `kind << 16 | status << 8 | flags`.
    pub(super) facts: Vec<u32>,
    pub(super) at: Arc<dyn ColumnValues<i64>>,
    pub(super) by_scope: Arc<InvertedIndexReader>,
    pub(super) by_scopes: Arc<InvertedIndexReader>,
    pub(super) by_key: Arc<InvertedIndexReader>,
    kinds: BTreeMap<u8, u64>,
    /// Documents of each scope.
    in_scope: HashMap<i64, u32>,
}

/// One text field of a segment.
pub(super) struct Text {
    pub(super) postings: Arc<InvertedIndexReader>,
    pub(super) lengths: Option<FieldNormReader>,
    pub(super) record: IndexRecordOption,
    documents: u64,
}

impl View {
    pub(super) fn of(searcher: &Searcher, fields: &Fields, before: Option<&View>) -> tantivy::Result<View> {
        let mut segments = Vec::new();
        for reader in searcher.segment_readers() {
            let known = before.iter().flat_map(|v| &v.segments);
            let same = known.into_iter().find(|s| s.id == reader.segment_id() && s.deletes == reader.delete_opstamp());
            segments.push(match same {
                Some(known) => known.clone(),
                None => Arc::new(Segment::open(reader, fields)?),
            });
        }
        // The largest first: what it finds raises the bar for the others.
        segments.sort_by_key(|s| std::cmp::Reverse(s.reader.max_doc()));
        let stats = Set::ALL.map(|set| {
            Kind::ALL.map(|kind| {
                let of = segments.iter().filter_map(|s| s.text(set, kind));
                let (documents, tokens) =
                    of.fold((0, 0), |(d, t), x| (d + x.documents, t + x.postings.total_num_tokens()));
                Stats::new(documents, tokens)
            })
        });
        Ok(View { segments, stats })
    }

    pub(super) fn stats(&self, set: Set, kind: Kind) -> &Stats {
        &self.stats[set as usize][kind as usize]
    }

    /// Do less than one in `part` of all documents belong to these scopes?
    pub(super) fn has_few_in(&self, scopes: &[i64], part: u32) -> bool {
        let all: u64 = self.segments.iter().map(|s| s.reader.max_doc() as u64).sum();
        let mut sum = 0;
        let mut counts = self.segments.iter().flat_map(|s| scopes.iter().filter_map(|scope| s.in_scope.get(scope)));
        counts.all(|n| {
            sum += *n as u64;
            sum < all / part as u64
        })
    }

    pub(super) fn documents(&self) -> u64 {
        self.segments.iter().map(|s| s.reader.num_docs() as u64).sum()
    }

    pub(super) fn by_kind(&self) -> Vec<(u8, u64)> {
        let mut all = BTreeMap::new();
        for (kind, n) in self.segments.iter().flat_map(|s| &s.kinds) {
            *all.entry(*kind).or_default() += n;
        }
        all.into_iter().collect()
    }

    /// Where the document of this name is.
    pub(super) fn place_of(&self, key: Key) -> tantivy::Result<Option<(&Segment, DocId)>> {
        use tantivy::DocSet;
        for s in &self.segments {
            let term = tantivy::Term::from_field_u64(s.key_field(), key.packed());
            let Some(mut docs) = s.by_key.read_postings(&term, IndexRecordOption::Basic)? else { continue };
            while docs.doc() != tantivy::TERMINATED {
                if !s.reader.is_deleted(docs.doc()) {
                    return Ok(Some((s, docs.doc())));
                }
                docs.advance();
            }
        }
        Ok(None)
    }
}

impl Segment {
    fn open(reader: &SegmentReader, fields: &Fields) -> tantivy::Result<Segment> {
        let fast = reader.fast_fields();
        let mut texts: [[Option<Text>; 4]; 3] = Default::default();
        for (set, kind) in Fields::texts() {
            let Some(field) = fields.text(set, kind) else { continue };
            let postings = reader.inverted_index(field)?;
            if postings.terms().num_terms() == 0 {
                continue;
            }
            let entry = reader.schema().get_field_entry(field);
            let record = entry.field_type().index_record_option().unwrap_or(IndexRecordOption::Basic);
            let lengths = match entry.has_fieldnorms() {
                true => Some(reader.get_fieldnorms_reader(field)?),
                false => None,
            };
            let documents = match &lengths {
                Some(l) => (0..reader.max_doc()).filter(|d| l.fieldnorm_id(*d) > 0).count() as u64,
                None => reader.max_doc() as u64,
            };
            texts[set as usize][kind as usize] = Some(Text { postings, lengths, record, documents });
        }
        // Each document has exactly one value of each: no look at which one.
        let plain = |name: &str| -> tantivy::Result<Vec<u64>> {
            let column = fast.u64(name)?.values;
            let mut out = vec![0; reader.max_doc() as usize];
            column.get_range(0, &mut out);
            Ok(out)
        };
        let facts: Vec<u32> = plain("facts")?.into_iter().map(|f| f as u32).collect();
        let mut kinds = BTreeMap::new();
        for doc in reader.doc_ids_alive() {
            *kinds.entry((facts[doc as usize] >> 16) as u8).or_default() += 1;
        }
        let (by_scope, by_scopes) = (reader.inverted_index(fields.scope)?, reader.inverted_index(fields.scopes)?);
        let mut in_scope = HashMap::new();
        for postings in [&by_scope, &by_scopes] {
            let mut terms = postings.terms().stream()?;
            while terms.advance() {
                let scope = terms.key().try_into().map_or(0, u64::from_be_bytes) as i64;
                *in_scope.entry(scope).or_default() += terms.value().doc_freq;
            }
        }
        Ok(Segment {
            id: reader.segment_id(),
            deletes: reader.delete_opstamp(),
            texts,
            key: fast.u64("key")?.values,
            scope: plain("scope")?.into_iter().map(|s| s as i64).collect(),
            scopes: fast.column_opt("scopes")?,
            owner: fast.u64("owner")?.values,
            facts,
            at: fast.i64("at")?.values,
            by_scope,
            by_scopes,
            in_scope,
            by_key: reader.inverted_index(fields.key)?,
            kinds,
            reader: reader.clone(),
        })
    }

    fn key_field(&self) -> tantivy::schema::Field {
        // The first field of the schema.
        tantivy::schema::Field::from_field_id(0)
    }

    /// `None` if no document here has this field.
    pub(super) fn text(&self, set: Set, kind: Kind) -> Option<&Text> {
        self.texts[set as usize][kind as usize].as_ref()
    }

    /// The documents that belong to these scopes, sorted.
    pub(super) fn docs_in(&self, scopes: &[i64]) -> tantivy::Result<Vec<DocId>> {
        let mut docs = Vec::new();
        for scope in scopes.iter().filter(|s| self.in_scope.contains_key(s)) {
            for postings in [&self.by_scope, &self.by_scopes] {
                let key = (*scope as u64).to_be_bytes();
                let Some(info) = postings.terms().get(key)? else { continue };
                let mut block = postings.read_block_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
                while !block.docs().is_empty() {
                    docs.extend_from_slice(block.docs());
                    block.advance();
                }
            }
        }
        docs.sort_unstable();
        docs.dedup();
        Ok(docs)
    }

    pub(super) fn facts(&self) -> SegmentFacts {
        SegmentFacts {
            id: self.id.short_uuid_string(),
            documents: self.reader.num_docs() as u64,
            deleted: self.reader.num_deleted_docs() as u64,
            bytes: self.reader.space_usage().map_or(0, |u| u.total().get_bytes()),
        }
    }
}
