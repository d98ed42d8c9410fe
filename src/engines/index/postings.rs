//! Posting lists, and what a token in them is worth.

use tantivy::DocId;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;

use super::plan::Slot;
use super::segment::{Segment, Stats, Text, View};

/// What a token brings to a document.
pub(super) struct Weigh<'a> {
    share: f32,
    stats: &'a Stats,
    lengths: Option<&'a FieldNormReader>,
}

impl<'a> Weigh<'a> {
    pub(super) fn new(view: &'a View, segment: &'a Segment, slot: &Slot) -> Weigh<'a> {
        let lengths = segment.text(slot.set, slot.kind).and_then(|t| t.lengths.as_ref());
        Weigh { share: slot.share, stats: view.stats(slot.set, slot.kind), lengths }
    }

    #[inline]
    pub(super) fn of(&self, doc: DocId, times: u32) -> f32 {
        match self.lengths {
            Some(lengths) => self.share * self.stats.share(lengths.fieldnorm_id(doc), times),
            None => self.share,
        }
    }
}

/// Each document of a posting list, with how often it has the token.
#[inline]
pub(super) fn each_of(text: &Text, info: &TermInfo, mut each: impl FnMut(DocId, u32)) -> tantivy::Result<()> {
    let with_times = text.record != IndexRecordOption::Basic;
    let wanted = if with_times { IndexRecordOption::WithFreqs } else { IndexRecordOption::Basic };
    let mut block = text.postings.read_block_postings_from_terminfo(info, wanted)?;
    loop {
        let docs = block.docs();
        if docs.is_empty() {
            return Ok(());
        }
        if with_times {
            docs.iter().zip(block.freqs()).for_each(|(doc, times)| each(*doc, *times));
        } else {
            docs.iter().for_each(|doc| each(*doc, 1));
        }
        block.advance();
    }
}

/// Documents that have any of these tokens, sorted.
pub(super) fn union(text: &Text, infos: &[TermInfo]) -> tantivy::Result<Vec<DocId>> {
    let mut docs = Vec::new();
    for info in infos {
        each_of(text, info, |doc, _| docs.push(doc))?;
    }
    docs.sort_unstable();
    docs.dedup();
    Ok(docs)
}
