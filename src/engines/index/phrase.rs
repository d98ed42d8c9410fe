//! Phrases: tokens that follow each other.

use tantivy::postings::{Postings, SegmentPostings};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, TERMINATED};

use super::document::{Kind, Set};
use super::segment::Segment;
use super::text::{self, norm};

/// Documents in which the tokens of `phrase` follow each other in one of their texts, sorted.
pub(super) fn phrase_docs(segment: &Segment, phrase: &str) -> anyhow::Result<Vec<DocId>> {
    let text = norm(phrase);
    let pairs = text::bisq(&text);
    let mut docs = Vec::new();
    for set in Set::ALL {
        let kind = if pairs.is_empty() { Kind::Josa } else { Kind::Bisq };
        let Some(field) = segment.text(set, kind) else { continue };
        let tokens = if pairs.is_empty() { text::josa(&text) } else { pairs.clone() };
        let mut lists = Vec::new();
        for (token, place) in tokens.iter() {
            let with =
                if pairs.is_empty() { IndexRecordOption::Basic } else { IndexRecordOption::WithFreqsAndPositions };
            let alone = tokens.len() == 1 && token.chars().count() == 1 && !token.is_ascii();
            if alone {
                // One syllable has no pair: whatever begins with it.
                let mut end = token.as_bytes().to_vec();
                end.push(0xFF);
                let mut found = field.postings.terms().range().ge(token.as_bytes()).lt(&end).into_stream()?;
                while found.advance() {
                    let mut list =
                        field.postings.read_postings_from_terminfo(found.value(), IndexRecordOption::Basic)?;
                    while list.doc() != TERMINATED {
                        docs.push(list.doc());
                        list.advance();
                    }
                }
                continue;
            }
            match field.postings.terms().get(token.as_bytes())? {
                Some(info) => lists.push((field.postings.read_postings_from_terminfo(&info, with)?, place.position)),
                None => {
                    lists.clear();
                    break;
                }
            }
        }
        if lists.len() == tokens.len() {
            in_order(&mut lists, !pairs.is_empty(), &mut docs);
        }
    }
    docs.sort_unstable();
    docs.dedup();
    Ok(docs)
}

/// Documents that are in all lists, with the tokens at the same distances as in the phrase.
fn in_order(lists: &mut [(SegmentPostings, u32)], ordered: bool, out: &mut Vec<DocId>) {
    let Some(((first, base), rest)) = lists.split_first_mut() else { return };
    let (mut starts, mut others) = (Vec::new(), Vec::new());
    'docs: while first.doc() != TERMINATED {
        let doc = first.doc();
        for (list, _) in rest.iter_mut() {
            if list.doc() < doc {
                list.seek(doc);
            }
            if list.doc() != doc {
                first.seek(list.doc().max(doc + 1));
                continue 'docs;
            }
        }
        let mut follows = true;
        if ordered {
            first.positions(&mut starts);
            for (list, place) in rest.iter_mut() {
                list.positions(&mut others);
                starts.retain(|s| others.binary_search(&(s + (*place - *base))).is_ok());
            }
            follows = !starts.is_empty();
        }
        if follows {
            out.push(doc);
        }
        first.advance();
    }
}
