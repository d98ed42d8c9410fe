//! Weighing: every document that covers enough of a question, with its quality, in one pass over the postings.
//!
//! Laws: the judge is asked of a document before it counts for anything, so what it hides is in no hit, no count, no
//! facet and moves no bar; what is rare or absent is told by [`Sight`]. A document's quality is BM25 as a part of a whole
//! match; its cover is the same without lengths and repetitions. A hit covers at least the floor, and at least a given
//! part of what the best hit covers.
//!
//! Tokens are taken heaviest first. Once those that remain cannot lift a new document over the bar, only the documents
//! that are known already are looked up in the long postings of what everybody writes. (The idea of MaxScore: Turtle and
//! Flood, 1995.)

use std::collections::HashMap;

use parking_lot::Mutex;
use tantivy::postings::Postings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, TERMINATED};

use super::document::{Key, Set};
use super::generation::Generation;
use super::hits::{Doc, Found, Hit, Pass, Place};
use super::phrase::phrase_docs;
use super::plan::{Ask, Plan, Slot};
use super::postings::{Weigh, each_of, union};
use super::segment::{Segment, View};
use super::sight::Sight;

/// Steps of quality within which the newer document comes first: a thousandth of a whole match.
const STEPS: f32 = 1_000.0;
/// What a match in the project's name adds to the quality of what is said there.
const CONTEXT: f32 = 0.5;
/// How many times fewer the readable documents are than all, before they are taken first and looked up one by one.
const FEW: u32 = 8;

/// A match that covers so much of what syllables can is good enough not to look for others by keystrokes.
const ENOUGH: f32 = 0.75;
/// Documents whose whole cover is looked up early.
const PROBED: usize = 4;
/// They are chosen when so much of the question is still to be walked.
const PROBE_AT: f32 = 0.8;
/// A posting list so many times longer than the documents that are known is not walked: each of them is looked up.
const LONG: usize = 16;

#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    score: f32,
    cover: f32,
    /// Bits of [`Pass`]; 0: not judged yet.
    pass: u8,
}

const HIDDEN: u8 = 0x80;
const JUDGED: u8 = 0x10;
const ALL: u8 = 0x07;

/// A document that may become a hit.
#[derive(Clone, Copy)]
struct Candidate {
    doc: DocId,
    sum: Sum,
}

/// A document that may become a hit, wherever it is.
struct Match {
    segment: u32,
    candidate: Candidate,
    facts: u32,
    scope: i64,
}

/// Sums by document, all zero between questions. The one that was given back last is given out first: it is still near
/// the processor.
#[derive(Default)]
pub(super) struct Sums(Mutex<Vec<Vec<Sum>>>);

impl Sums {
    fn take(&self, documents: usize) -> Vec<Sum> {
        let mut sums = self.0.lock().pop().unwrap_or_default();
        if sums.len() < documents {
            sums.resize(documents, Sum::default());
        }
        sums
    }

    fn give_back(&self, sums: Vec<Sum>) {
        self.0.lock().push(sums);
    }
}

/// The judge's word as bits.
fn pass(segment: &Segment, demand: &Demand, doc: DocId, judge: &impl Fn(&Doc) -> Option<Pass>) -> u8 {
    if segment.reader.is_deleted(doc) || !demand.admits(doc) {
        return HIDDEN;
    }
    let at = doc as usize;
    match judge(&Doc { segment, doc, facts: segment.facts[at], scope: segment.scope[at] }) {
        None => HIDDEN,
        Some(p) => JUDGED | p.kind as u8 | (p.scope as u8) << 1 | (p.status as u8) << 2 | (p.own as u8) << 3,
    }
}

/// What of these scopes the judge shows, for each segment.
fn seen_of(
    view: &View,
    scopes: &[i64],
    demands: &[Demand],
    judge: &impl Fn(&Doc) -> Option<Pass>,
) -> tantivy::Result<Vec<Vec<Candidate>>> {
    let seen = view.segments.iter().zip(demands).map(|(segment, demand)| {
        let judged = segment.docs_in(scopes)?.into_iter().map(|doc| (doc, pass(segment, demand, doc, judge)));
        let shown = judged.filter(|(_, pass)| pass & HIDDEN == 0);
        Ok(shown.map(|(doc, pass)| Candidate { doc, sum: Sum { pass, ..Sum::default() } }).collect())
    });
    seen.collect()
}

struct Search<'a, J> {
    view: &'a View,
    sums: &'a Sums,
    plan: &'a Plan,
    judge: J,
    /// Where he sees little: what he sees, for each segment, sorted by document.
    few: Option<Vec<Vec<Candidate>>>,
    /// For each segment, what phrases demand and forbid.
    demands: Vec<Demand>,
    /// What the best hit covers so far.
    best: f32,
    /// What a match in the name of their place adds to documents.
    context: HashMap<i64, f32>,
    out: Vec<Match>,
}

#[derive(Default)]
struct Demand {
    all: Vec<Vec<DocId>>,
    none: Vec<Vec<DocId>>,
}

impl Demand {
    fn admits(&self, doc: DocId) -> bool {
        let has = |docs: &Vec<DocId>| docs.binary_search(&doc).is_ok();
        self.all.iter().all(has) && !self.none.iter().any(has)
    }
}

impl Generation {
    /// Is what these (sorted) scopes have so little that it is looked at document by document?
    pub fn shows_little_of(&self, scopes: &[i64]) -> bool {
        self.view().has_few_in(scopes, FEW)
    }

    /// Answers `ask`. `judge` says of each document whether the reader may see it (`None`: he may not).
    pub fn search(&self, ask: &Ask, judge: impl Fn(&Doc) -> Option<Pass>) -> anyhow::Result<Found> {
        let view = self.view();
        let sets: &[Set] = if ask.names_only { &[Set::Name] } else { &Set::ALL };
        let mut demands = Vec::new();
        for segment in &view.segments {
            let mut demand = Demand::default();
            for phrase in &ask.words.phrases {
                demand.all.push(phrase_docs(segment, phrase)?);
            }
            for word in &ask.words.without {
                demand.none.push(phrase_docs(segment, word)?);
            }
            demands.push(demand);
        }
        let few = match view.has_few_in(&ask.scopes, FEW) {
            true => Some(seen_of(&view, &ask.scopes, &demands, &judge)?),
            false => None,
        };
        let known: Option<Vec<Vec<DocId>>> =
            few.as_ref().map(|few| few.iter().map(|docs| docs.iter().map(|c| c.doc).collect()).collect());
        let sees = |segment: &Segment, doc| pass(segment, &Demand::default(), doc, &judge) & HIDDEN == 0;
        let sight = known.as_ref().map_or(Sight::Many(&sees), |known| Sight::Few(known));
        let plan = Plan::new(&view, &ask.words, sets, &sight)?;
        let mut search = Search {
            view: &view,
            sums: self.sums(),
            plan: &plan,
            judge: &judge,
            few,
            demands,
            best: 0.0,
            context: HashMap::new(),
            out: Vec::new(),
        };
        if ask.words.is_empty() {
            search.list();
        } else {
            search.group(&[Set::Name, Set::Long])?;
            if !ask.names_only {
                search.note_context();
                search.group(&[Set::Short])?;
            }
        }
        Ok(search.found(ask))
    }
}

impl<J: Fn(&Doc) -> Option<Pass>> Search<'_, J> {
    fn bar(&self) -> f32 {
        // A hair below, since sums of the same parts in another order differ by one.
        self.plan.floor.max(self.plan.relative * self.best) * 0.999
    }

    fn pass(&self, at: usize, doc: DocId) -> u8 {
        pass(&self.view.segments[at], &self.demands[at], doc, &self.judge)
    }

    fn context_of(&self, segment: &Segment, doc: DocId) -> f32 {
        if self.context.is_empty() {
            return 0.0;
        }
        self.context.get(&segment.scope[doc as usize]).copied().unwrap_or(0.0)
    }

    /// All segments, by tokens of these sets: the documents of one group have texts in no other.
    fn group(&mut self, sets: &[Set]) -> anyhow::Result<()> {
        let view = self.view;
        for (at, segment) in view.segments.iter().enumerate() {
            let slots: Vec<&Slot> =
                self.plan.slots.iter().filter(|s| sets.contains(&s.set) && !s.places[at].is_empty()).collect();
            if slots.is_empty() {
                continue;
            }
            let candidates = match &self.few {
                Some(few) => self.look_up(at, few[at].clone(), &slots)?,
                None => self.walk(at, &slots)?,
            };
            let bar = self.bar();
            for candidate in candidates {
                if candidate.sum.cover >= bar {
                    let doc = candidate.doc as usize;
                    let (facts, scope) = (segment.facts[doc], segment.scope[doc]);
                    self.out.push(Match { segment: at as u32, candidate, facts, scope });
                }
            }
        }
        Ok(())
    }

    /// Looks each token up for documents that are known.
    fn look_up(&mut self, at: usize, mut known: Vec<Candidate>, slots: &[&Slot]) -> anyhow::Result<Vec<Candidate>> {
        let remaining = slots.iter().map(|s| s.cover).sum();
        self.finish(at, slots, remaining, &mut known)?;
        for c in &mut known {
            c.sum.score += self.context_of(&self.view.segments[at], c.doc);
        }
        Ok(known)
    }

    /// Looks the remaining tokens up for documents that are known, and drops those that cannot reach the bar any more.
    fn finish(
        &mut self,
        at: usize,
        slots: &[&Slot],
        mut remaining: f32,
        known: &mut Vec<Candidate>,
    ) -> anyhow::Result<()> {
        let segment = self.view.segments[at].clone();
        for slot in slots {
            self.add_known(at, &segment, slot, known)?;
            remaining -= slot.cover;
            let through = known.iter().filter(|c| c.sum.pass & ALL == ALL);
            self.best = through.map(|c| c.sum.cover).fold(self.best, f32::max);
            let bar = self.bar();
            known.retain(|c| c.sum.cover + remaining >= bar);
        }
        Ok(())
    }

    /// Looks all tokens up for the few documents that cover most so far: what the best hit covers is known early then,
    /// and the bar is high before the long postings are walked.
    fn probe(&mut self, at: usize, rest: &[&Slot], sums: &[Sum], met: &[DocId]) -> anyhow::Result<()> {
        let mut few: Vec<Candidate> = Vec::with_capacity(PROBED + 1);
        for doc in met {
            let mut c = Candidate { doc: *doc, sum: sums[*doc as usize] };
            if few.len() == PROBED && c.sum.cover <= few[PROBED - 1].sum.cover {
                continue;
            }
            if c.sum.pass == 0 {
                c.sum.pass = self.pass(at, c.doc);
            }
            if c.sum.pass & ALL == ALL {
                let to = few.partition_point(|f| f.sum.cover >= c.sum.cover);
                few.insert(to, c);
                few.truncate(PROBED);
            }
        }
        few.sort_unstable_by_key(|c| c.doc);
        let remaining = rest.iter().map(|s| s.cover).sum();
        self.finish(at, rest, remaining, &mut few)
    }

    /// Walks the postings, heaviest tokens first.
    fn walk(&mut self, at: usize, slots: &[&Slot]) -> anyhow::Result<Vec<Candidate>> {
        let segment = self.view.segments[at].clone();
        // One that breaks off leaves none behind that are not zero.
        let mut sums = self.sums.take(segment.reader.max_doc() as usize);
        let mut met: Vec<DocId> = Vec::new();
        let mut remaining: f32 = slots.iter().map(|s| s.cover).sum();
        let mut rest = slots;
        let mut probed = false;
        while let Some((slot, after)) = rest.split_first() {
            // A good match by syllables: others that are alike by keystrokes alone are not looked for.
            let plain = self.plan.plain[slot.set as usize];
            let enough = slot.is_gram() && plain > 0.0 && self.best >= ENOUGH * plain;
            if remaining < self.bar() || enough {
                break;
            }
            self.add_all(at, &segment, slot, &mut sums, Some(&mut met))?;
            remaining -= slot.cover;
            rest = after;
            if !probed && !met.is_empty() && remaining <= PROBE_AT {
                probed = true;
                self.probe(at, rest, &sums, &met)?;
            }
        }
        // No new document can reach the bar. While many are known, a posting list is walked past the others; when few are
        // left, they are looked up.
        while let Some((slot, after)) = rest.split_first() {
            let bar = self.bar();
            met.retain(|doc| {
                let sum = &mut sums[*doc as usize];
                let stays = sum.cover + remaining >= bar;
                if !stays {
                    *sum = Sum::default();
                }
                stays
            });
            let long: usize = slot.places[at].iter().map(|info| info.doc_freq as usize).sum();
            if long > LONG * met.len() {
                break;
            }
            self.add_all(at, &segment, slot, &mut sums, None)?;
            remaining -= slot.cover;
            rest = after;
        }
        let bar = self.bar();
        let mut candidates: Vec<Candidate> = Vec::new();
        for doc in met {
            let mut sum = std::mem::take(&mut sums[doc as usize]);
            if sum.cover + remaining < bar {
                continue;
            }
            if sum.pass == 0 {
                sum.pass = self.pass(at, doc);
            }
            if sum.pass & HIDDEN == 0 {
                sum.score += self.context_of(&segment, doc);
                candidates.push(Candidate { doc, sum });
            }
        }
        self.sums.give_back(sums);
        if rest.is_empty() {
            return Ok(candidates);
        }
        candidates.sort_unstable_by_key(|c| c.doc);
        self.finish(at, rest, remaining, &mut candidates)?;
        Ok(candidates)
    }

    /// Adds what a token brings to every document that has it; without `met` only to those that are known.
    fn add_all(
        &mut self,
        at: usize,
        segment: &Segment,
        slot: &Slot,
        sums: &mut [Sum],
        mut met: Option<&mut Vec<DocId>>,
    ) -> anyhow::Result<()> {
        let weigh = Weigh::new(self.view, segment, slot);
        let mut best = self.best;
        let mut add = |doc: DocId, times: u32| {
            let sum = &mut sums[doc as usize];
            if sum.cover == 0.0 {
                match &mut met {
                    Some(met) => met.push(doc),
                    None => return,
                }
            }
            sum.score += weigh.of(doc, times);
            sum.cover += slot.cover;
            // Judged when it would raise the bar, else at the end if it is still worth it.
            if sum.cover > best {
                if sum.pass == 0 {
                    sum.pass = self.pass(at, doc);
                }
                if sum.pass & ALL == ALL {
                    best = sum.cover;
                }
            }
        };
        let Some(text) = segment.text(slot.set, slot.kind) else { return Ok(()) };
        match &slot.places[at][..] {
            [info] => each_of(text, info, add)?,
            several => union(text, several)?.into_iter().for_each(|doc| add(doc, 1)),
        }
        self.best = best;
        Ok(())
    }

    /// Adds what a token brings to documents that are known, in their order.
    fn add_known(&self, at: usize, segment: &Segment, slot: &Slot, known: &mut [Candidate]) -> anyhow::Result<()> {
        let Some(text) = segment.text(slot.set, slot.kind) else { return Ok(()) };
        let weigh = Weigh::new(self.view, segment, slot);
        let add = |c: &mut Candidate, times: u32| {
            c.sum.score += weigh.of(c.doc, times);
            c.sum.cover += slot.cover;
        };
        match &slot.places[at][..] {
            [info] if (info.doc_freq as usize) < known.len() / 4 => {
                let mut from = 0;
                each_of(text, info, |doc, times| {
                    from += known[from..].partition_point(|c| c.doc < doc);
                    if let Some(c) = known.get_mut(from).filter(|c| c.doc == doc) {
                        add(c, times);
                    }
                })?;
            }
            [info] => {
                let mut postings = text.postings.read_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
                for c in known {
                    if postings.doc() < c.doc {
                        postings.seek(c.doc);
                    }
                    match postings.doc() {
                        doc if doc == c.doc => add(c, postings.term_freq()),
                        TERMINATED => break,
                        _ => {}
                    }
                }
            }
            several => {
                let docs = union(text, several)?;
                known.iter_mut().filter(|c| docs.binary_search(&c.doc).is_ok()).for_each(|c| add(c, 1));
            }
        }
        Ok(())
    }

    /// Without words: everything that passes.
    fn list(&mut self) {
        let view = self.view;
        self.best = 1.0;
        for (at, segment) in view.segments.iter().enumerate() {
            let shown: Vec<Candidate> = match &mut self.few {
                Some(few) => std::mem::take(&mut few[at]),
                None => {
                    let all = (0..segment.reader.max_doc()).map(|doc| (doc, self.pass(at, doc)));
                    let shown = all.filter(|(_, pass)| pass & HIDDEN == 0);
                    shown.map(|(doc, pass)| Candidate { doc, sum: Sum { pass, ..Sum::default() } }).collect()
                }
            };
            for mut candidate in shown {
                candidate.sum.cover = 1.0;
                let doc = candidate.doc as usize;
                let (facts, scope) = (segment.facts[doc], segment.scope[doc]);
                self.out.push(Match { segment: at as u32, candidate, facts, scope });
            }
        }
    }

    /// What is said in a project whose name has some of the words is nearer to the question.
    fn note_context(&mut self) {
        if !self.plan.several {
            return;
        }
        // Kind 0 is the scope itself.
        for m in &self.out {
            let key = Key::unpacked(self.view.segments[m.segment as usize].key.get_val(m.candidate.doc));
            if key.kind == 0 {
                self.context.insert(m.scope, CONTEXT * m.candidate.sum.cover.min(1.0));
            }
        }
    }

    /// The page, and the counts over all hits.
    fn found(self, ask: &Ask) -> Found {
        let bar = self.bar();
        let view = self.view;
        let mut found = Found::default();
        let (mut kinds, mut statuses) = ([0u64; 256], [0u64; 256]);
        let mut scopes: Vec<i64> = Vec::new();
        let mut hits: Vec<Hit> = Vec::new();
        for m in self.out {
            let Sum { score, cover, pass } = m.candidate.sum;
            if cover < bar {
                continue;
            }
            let (kind, status) = ((m.facts >> 16) as u8, (m.facts >> 8) as u8);
            if pass & 0b110 == 0b110 {
                kinds[kind as usize] += 1;
            }
            if pass & 0b101 == 0b101 && m.scope != 0 {
                scopes.push(m.scope);
            }
            if pass & 0b011 == 0b011 {
                statuses[status as usize] += 1;
            }
            if pass & ALL == ALL {
                let segment = &view.segments[m.segment as usize];
                let key = segment.key.get_val(m.candidate.doc);
                let step = u32::MAX - (score * STEPS) as u32;
                let place = Place(step, -segment.at.get_val(m.candidate.doc), pass & 0x08 == 0, key);
                hits.push(Hit { key: Key::unpacked(key), place });
            }
        }
        found.total = hits.len() as u64;
        found.best = best_of_kinds(&hits);
        if let Some(after) = ask.after {
            hits.retain(|h| h.place > after);
        }
        if hits.len() > ask.limit {
            found.more = true;
            if ask.limit > 0 {
                hits.select_nth_unstable_by_key(ask.limit - 1, |h| h.place);
            }
            hits.truncate(ask.limit);
        }
        hits.sort_unstable_by_key(|h| h.place);
        found.hits = hits;
        let counted = |all: &[u64]| (0u8..=255).zip(all.iter().copied()).filter(|(_, n)| *n > 0).collect();
        (found.kinds, found.statuses) = (counted(&kinds), counted(&statuses));
        scopes.sort_unstable();
        found.scopes = scopes.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect();
        found.scopes.sort_unstable_by_key(|(scope, n)| (std::cmp::Reverse(*n), *scope));
        found
    }
}

fn best_of_kinds(hits: &[Hit]) -> Vec<(u8, Vec<Hit>)> {
    let mut best: Vec<(u8, Vec<Hit>)> = Vec::new();
    for hit in hits {
        let at = match best.iter().position(|(kind, _)| *kind == hit.key.kind) {
            Some(at) => at,
            None => {
                best.push((hit.key.kind, Vec::with_capacity(4)));
                best.len() - 1
            }
        };
        let own = &mut best[at].1;
        if own.len() < 3 || own[2].place > hit.place {
            let to = own.partition_point(|h| h.place < hit.place);
            own.insert(to, *hit);
            own.truncate(3);
        }
    }
    best.sort_by_key(|(_, hits)| hits[0].place);
    best
}
