//! From what was typed to the tokens that are looked for, what each weighs, and how much of it a hit must have.

use std::collections::HashMap;

use tantivy::postings::TermInfo;

use super::document::{Kind, Set};
use super::segment::View;
use super::sight::Sight;
use super::text::{self, GRAM, layout, norm};

/// Words that are looked for.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// As typed, without operators.
    pub text: String,
    /// What must stand in this order, spaces between syllables aside.
    pub phrases: Vec<String>,
    /// What must not be there.
    pub without: Vec<String>,
    /// Is the last word perhaps only half typed?
    pub typing: bool,
}

impl Words {
    /// Nothing to look for?
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.phrases.is_empty()
    }
}

/// A question to a generation.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// What is looked for; nothing lists everything that passes.
    pub words: Words,
    /// Look at names alone.
    pub names_only: bool,
    /// Where the reader may look at all, sorted. (The judge decides; this saves looking elsewhere.)
    pub scopes: Vec<i64>,
    /// Hits wanted.
    pub limit: usize,
    /// Hits before and at this place were given before.
    pub after: Option<super::hits::Place>,
}

/// What the converted reading of a question weighs, beside the one as typed.
const OTHER_LAYOUT: f32 = 0.8;
/// More keystroke tokens than this belong to sentences, where a wrong vowel loses little.
const GRAMS_MAX: usize = 48;
/// Words of initials alone that are looked for: each stands for very many.
const INITIALS_MAX: i32 = 8;
/// Tokens of the dictionary that one beginning stands for, at the most, in each segment. Of names there are few.
const EXPANSIONS: usize = 1_024;
/// Less than five keys typed so far are as good as the syllables that they may become, however many begin so.
const BEGINNING: f32 = 2.0 / 0.3;

/// A token that is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Needle {
    kind: Kind,
    text: String,
    /// All tokens that begin so.
    prefix: bool,
}

#[derive(Clone, Copy, Debug)]
struct Regard {
    factor: f32,
    /// Does it count as missing where the index does not have it?
    missed: bool,
    /// Is it all that was typed so far of a word?
    begins: bool,
}

/// A token in one set, with where it is.
pub(super) struct Slot {
    pub(super) set: Set,
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) prefix: bool,
    /// Documents that have it.
    pub(super) documents: u64,
    /// Part of a whole match's quality.
    pub(super) share: f32,
    /// Part of the question that it covers.
    pub(super) cover: f32,
    /// For each segment, where its postings are; several for a prefix.
    pub(super) places: Vec<Vec<TermInfo>>,
}

/// The whole plan.
pub(super) struct Plan {
    /// Heaviest first; keystrokes after all others, since they are many and say the same once more.
    pub(super) slots: Vec<Slot>,
    /// For each set, what a whole match covers without its keystrokes.
    pub(super) plain: [f32; 3],
    /// What of the question a hit must cover at least.
    pub(super) floor: f32,
    /// What it must cover of what the best hit covers.
    pub(super) relative: f32,
    /// More than one word?
    pub(super) several: bool,
}

impl Plan {
    /// What `words` ask of these sets, weighed by what the reader sees.
    pub(super) fn new(view: &View, words: &Words, sets: &[Set], sight: &Sight) -> tantivy::Result<Plan> {
        let mut needles: HashMap<Needle, Regard> = HashMap::new();
        let mut whole = words.text.clone();
        for phrase in &words.phrases {
            whole.push(' ');
            whole.push_str(phrase);
        }
        let count = whole.split_whitespace().count().max(1);
        gather(&whole, 1.0, words.typing, &mut needles);
        if let Some(meant) = layout::hangul(whole.trim()) {
            gather(&meant, OTHER_LAYOUT, words.typing, &mut needles);
        }
        let mut slots = Vec::new();
        let mut plain = [0.0; 3];
        for set in sets {
            plain[*set as usize] = weigh(view, *set, &needles, sight, &mut slots)?;
        }
        slots.sort_by(|a, b| {
            let of_grams = a.is_gram().cmp(&b.is_gram());
            of_grams.then_with(|| b.cover.total_cmp(&a.cover)).then_with(|| a.text.cmp(&b.text))
        });
        let n = count as f32;
        Ok(Plan {
            slots,
            plain,
            floor: 0.45 / (0.55 + 0.45 * n),
            relative: 0.6 * (3.0 / n).clamp(0.6, 1.0),
            several: count > 1,
        })
    }
}

impl Slot {
    /// Whole keystroke tokens: many, and they say once more what syllables say.
    pub(super) fn is_gram(&self) -> bool {
        self.kind == Kind::Jg5 && !self.prefix
    }

    fn is_word(&self) -> bool {
        self.kind == Kind::Josa && !is_time(self.kind, &self.text)
    }
}

/// A time code has no syllables that would say the same.
fn is_time(kind: Kind, text: &str) -> bool {
    kind == Kind::Josa && text.contains(':')
}

/// Adds the tokens that texts of this set have, each with its part of a whole match. Answers what of one is covered
/// without keystrokes.
fn weigh(
    view: &View,
    set: Set,
    needles: &HashMap<Needle, Regard>,
    sight: &Sight,
    slots: &mut Vec<Slot>,
) -> tantivy::Result<f32> {
    let mut own = Vec::new();
    let (mut ideal, mut all, mut grams, mut pairs) = (0.0, 0.0, 0.0, 0.0);
    for (needle, regard) in needles {
        if set == Set::Long && matches!(needle.kind, Kind::Jg5 | Kind::Cho) {
            continue;
        }
        let places = places(view, set, needle)?;
        let documents = sight.documents(view, set, needle.kind);
        let found = sight.found(view, set, needle.kind, &places)?.min(documents);
        if found == 0 && !regard.missed {
            continue;
        }
        let counted = if regard.begins { 1 } else { found.max(1) };
        let rarity = regard.factor * rarity(documents, counted);
        let covers = if is_time(needle.kind, &needle.text) { 1.0 } else { needle.kind.cover() };
        let (share, cover) = (needle.kind.boost() * rarity, covers * rarity);
        let (kind, text, prefix) = (needle.kind, needle.text.clone(), needle.prefix);
        let slot = Slot { set, kind, text, prefix, documents: found, share, cover, places };
        ideal += share;
        all += cover;
        grams += if slot.is_gram() { cover } else { 0.0 };
        if found > 0 {
            pairs = if kind == Kind::Bisq { f32::max(pairs, cover) } else { pairs };
            own.push(slot);
        }
    }
    // A part of words that hardly ever stands alone (니다, 보정) is not missed where it stands in a longer one.
    let most = if pairs > 0.0 { pairs * Kind::Josa.cover() } else { f32::MAX };
    for word in own.iter_mut().filter(|s| s.is_word() && s.cover > most) {
        all -= word.cover - most;
        word.cover = most;
    }
    for slot in &mut own {
        slot.share /= ideal;
        slot.cover /= all;
    }
    slots.append(&mut own);
    Ok(1.0 - grams / f32::max(all, f32::MIN_POSITIVE))
}

/// BM25: how rare a token in `found` documents of `all` is, ln(1 + (N − n + ½) / (n + ½)).
fn rarity(all: u64, found: u64) -> f32 {
    let (n, all) = (found as f32, all.max(found) as f32);
    (1.0 + (all - n + 0.5) / (n + 0.5)).ln()
}

/// Adds the tokens of one reading of the question.
fn gather(whole: &str, factor: f32, typing: bool, needles: &mut HashMap<Needle, Regard>) {
    let mut add = |kind, text: &str, prefix, missed| {
        let needle = Needle { kind, text: text.to_owned(), prefix };
        let begins = kind == Kind::Jg5 && prefix && typing;
        let factor = if begins { factor * BEGINNING } else { factor };
        needles.entry(needle).or_insert(Regard { factor, missed, begins });
    };
    let mut plain = Vec::new();
    let mut initials_left = INITIALS_MAX;
    for word in whole.split_whitespace() {
        if text::is_consonants(word) {
            initials_left -= 1;
            if initials_left < 0 {
                continue;
            }
            let initials: String = norm(word).letters().iter().map(|l| l.c).collect();
            add(Kind::Cho, &initials, true, true);
        } else {
            plain.push(word);
        }
    }
    let text = norm(&plain.join(" "));
    for (token, _) in text::josa(&text).iter() {
        // What it has of letters is asked of `bisq` as well: an inflected word that nobody wrote so is no loss.
        add(Kind::Josa, token, false, token.contains(':'));
    }
    for (token, place) in text::bisq(&text).iter() {
        let mut letters = token.chars();
        let single = letters.next().is_some_and(|c| !c.is_ascii() && letters.next().is_none());
        let half = place.last && typing && token.chars().all(|c| c.is_ascii_alphabetic());
        // While its last syllable is being typed, a pair with it may be anything yet.
        let missed = !place.crosses && !place.last;
        add(Kind::Bisq, token, single || half, missed || (place.last && !typing && !ends_open(token)));
    }
    let grams = text::jg5(&text);
    if grams.len() <= GRAMS_MAX {
        for (token, place) in grams.iter() {
            let short = token.len() < GRAM;
            // Two keys are any syllable: only where names are typed does that say something.
            if short && token.len() < if typing { 2 } else { 3 } {
                continue;
            }
            add(Kind::Jg5, token, short, !place.crosses && !place.last);
        }
    }
}

/// Might its last syllable go on with another key?
fn ends_open(token: &str) -> bool {
    token.chars().last().is_some_and(text::is_open)
}

fn places(view: &View, set: Set, needle: &Needle) -> tantivy::Result<Vec<Vec<TermInfo>>> {
    let mut out = Vec::with_capacity(view.segments.len());
    for segment in &view.segments {
        let mut here = Vec::new();
        if let Some(text) = segment.text(set, needle.kind) {
            let terms = text.postings.terms();
            if needle.prefix {
                let mut end = needle.text.clone().into_bytes();
                // No byte of UTF-8 is 0xFF.
                end.push(0xFF);
                let mut found = terms.range().ge(needle.text.as_bytes()).lt(&end).into_stream()?;
                while here.len() < EXPANSIONS && found.advance() {
                    here.push(found.value().clone());
                }
            } else if let Some(info) = terms.get(needle.text.as_bytes())? {
                here.push(info);
            }
        }
        out.push(here);
    }
    Ok(out)
}
