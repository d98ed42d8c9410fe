//! How much of an index a reader sees. What is rare and what nobody wrote is told by that, never by what is hidden from
//! him: a word that only hidden documents have is as one that nobody wrote.

use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, TERMINATED};

use super::document::{Kind, Set};
use super::postings::{each_of, union};
use super::segment::{Segment, View};

/// See the module.
pub(super) enum Sight<'a> {
    /// Everything: for whom the index is explained.
    All,
    /// So little that it is known, for each segment, sorted: everything is counted within it.
    Few(&'a [Vec<DocId>]),
    /// So much that counts of all documents stand for it, where one that he sees is among them.
    Many(&'a dyn Fn(&Segment, DocId) -> bool),
}

impl Sight<'_> {
    /// Documents that have this field.
    pub(super) fn documents(&self, view: &View, set: Set, kind: Kind) -> u64 {
        let Sight::Few(known) = self else { return view.stats(set, kind).documents };
        let of = |(segment, docs): (&Segment, &Vec<DocId>)| {
            // Initials have no lengths; syllables stand wherever they do.
            let lengths = segment.text(set, Kind::Bisq).and_then(|t| t.lengths.as_ref());
            lengths.map_or(0, |l| docs.iter().filter(|d| l.fieldnorm_id(**d) > 0).count() as u64)
        };
        view.segments.iter().map(|s| s.as_ref()).zip(known.iter()).map(of).sum()
    }

    /// Documents that have a token; `places` tells for each segment where its postings are.
    pub(super) fn found(&self, view: &View, set: Set, kind: Kind, places: &[Vec<TermInfo>]) -> tantivy::Result<u64> {
        let all = places.iter().flatten().map(|info| info.doc_freq as u64).sum();
        let mut found = 0;
        for (at, infos) in places.iter().enumerate() {
            let segment = &view.segments[at];
            let Some(text) = segment.text(set, kind) else { continue };
            match self {
                Sight::All => return Ok(all),
                Sight::Many(sees) => {
                    for info in infos {
                        let mut docs = text.postings.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
                        while docs.doc() != TERMINATED {
                            if sees(segment, docs.doc()) {
                                return Ok(all);
                            }
                            docs.advance();
                        }
                    }
                }
                Sight::Few(known) => {
                    let known = &known[at];
                    let is_known = |doc: &DocId| known.binary_search(doc).is_ok();
                    match &infos[..] {
                        [] => {}
                        [info] if (info.doc_freq as usize) < known.len() => {
                            each_of(text, info, |doc, _| found += u64::from(is_known(&doc)))?;
                        }
                        [info] => {
                            let mut docs = text.postings.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
                            for doc in known {
                                if docs.doc() < *doc {
                                    docs.seek(*doc);
                                }
                                found += u64::from(docs.doc() == *doc);
                            }
                        }
                        several => found += union(text, several)?.iter().filter(|d| is_known(d)).count() as u64,
                    }
                }
            }
        }
        Ok(found)
    }
}
