//! Why a document is found, token by token, for whom the index is a riddle.

use super::document::{Key, Kind, Set};
use super::generation::Generation;
use super::plan::{Ask, Plan};
use super::postings::{Weigh, each_of};
use super::sight::Sight;
use super::text;

/// Why a document is found, or is not.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Its quality.
    pub quality: f32,
    /// What of the question it covers.
    pub cover: f32,
    /// What it must cover at least.
    pub floor: f32,
    /// Token by token, heaviest first.
    pub terms: Vec<ExplainedTerm>,
}

/// One token of the question.
#[derive(Clone, Debug)]
pub struct ExplainedTerm {
    /// Its field.
    pub field: String,
    /// The token.
    pub token: String,
    /// Documents that have it.
    pub documents: u64,
    /// Its part of a whole match.
    pub share: f32,
    /// What it brought.
    pub score: f32,
}

impl Generation {
    /// Why the document `key` is found, or is not; `None` if it is not in the index.
    pub fn explain(&self, ask: &Ask, key: Key) -> anyhow::Result<Option<Explained>> {
        let view = self.view();
        let plan = Plan::new(&view, &ask.words, &Set::ALL, &Sight::All)?;
        let Some((segment, doc)) = view.place_of(key)? else { return Ok(None) };
        let at = view.segments.iter().position(|s| std::ptr::eq(s.as_ref(), segment)).unwrap_or(0);
        let (mut quality, mut cover, mut terms) = (0.0, 0.0, Vec::new());
        // Of the texts that it has.
        let has = |set| {
            let lengths = segment.text(set, Kind::Bisq).and_then(|t| t.lengths.as_ref());
            lengths.is_some_and(|l| l.fieldnorm_id(doc) > 0)
        };
        for slot in plan.slots.iter().filter(|s| has(s.set)) {
            let (mut score, weigh) = (0.0, Weigh::new(&view, segment, slot));
            let Some(field) = segment.text(slot.set, slot.kind) else { continue };
            for info in &slot.places[at] {
                each_of(field, info, |found, times| {
                    if found == doc {
                        score = weigh.of(doc, times);
                    }
                })?;
            }
            quality += score;
            cover += if score > 0.0 { slot.cover } else { 0.0 };
            let token = match slot.kind {
                Kind::Jg5 => text::shown_keys(&slot.text),
                _ => slot.text.clone(),
            };
            terms.push(ExplainedTerm {
                field: format!("{}.{}", slot.set.as_str(), slot.kind.as_str()),
                token: if slot.prefix { format!("{token}…") } else { token },
                documents: slot.documents,
                share: slot.share,
                score,
            });
        }
        Ok(Some(Explained { quality, cover, floor: plan.floor, terms }))
    }
}
