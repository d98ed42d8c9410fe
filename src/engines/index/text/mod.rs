//! Korean as it is typed: from a text to the tokens of each field, with their places in the original.
//!
//! Law: a text and a question pass the same functions, so that what is written one way is found the other way. There is
//! no dictionary: it knows no studio's words and tears half-typed ones apart.
//!
//! | field | tokens | finds |
//! |---|---|---|
//! | `josa` | words without their particle, time codes | 자막을 = 자막이 |
//! | `bisq` | pairs of syllables, spaces between them left out; Latin and digit runs whole | 색 보정 = 색보정 |
//! | `jg5` | five keystrokes in a row | half a syllable, one wrong vowel |
//! | `cho` | initial consonants of each word | ㅅㅂㅈ |

mod jamo;
mod josa;
pub mod layout;
mod norm;
#[cfg(test)]
mod tests;

pub use jamo::{is_consonants, is_open, shown as shown_keys};
use norm::{Class, Letter};
pub use norm::{Norm, norm};

/// One token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its text, as a range of [`Tokens::text`].
    start: u32,
    end: u32,
    /// First byte in the original text.
    pub from: u32,
    /// Byte after its last in the original text.
    pub to: u32,
    /// Place among the tokens.
    pub position: u32,
    /// Does it reach over a space?
    pub crosses: bool,
    /// Does it end where its text ends, so that it may still be being typed?
    pub last: bool,
}

/// The tokens of a text in one field.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    text: String,
    items: Vec<Token>,
}

impl Tokens {
    /// Tokens with their texts, in the order of the original.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Token)> {
        self.items.iter().map(|t| (&self.text[t.start as usize..t.end as usize], t))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn get(&self, i: usize) -> Option<(&str, &Token)> {
        self.items.get(i).map(|t| (&self.text[t.start as usize..t.end as usize], t))
    }

    /// Adds a token whose text was written to `self.text` since `start`.
    fn push(&mut self, start: usize, of: &[Letter], position: u32, crosses: bool, last: bool) {
        let (Some(first), Some(end)) = (of.first(), of.last()) else { return };
        let (start, stop) = (start as u32, self.text.len() as u32);
        self.items.push(Token { start, end: stop, from: first.from, to: end.to, position, crosses, last });
    }
}

/// Longest token that is kept, in characters of the original: longer runs are noise.
const TOKEN_MAX: usize = 64;

/// Words without their particles, and time codes as `hh:mm:ss`.
pub fn josa(text: &Norm) -> Tokens {
    let mut out = Tokens::default();
    let letters = text.letters();
    for (i, word) in text.words().enumerate() {
        let start = out.text.len();
        if word[0].class == Class::Time {
            norm::canonical(word, &mut out.text);
            out.push(start, word, i as u32, false, false);
            continue;
        }
        if word.len() > TOKEN_MAX {
            continue;
        }
        let kept = &word[..josa::stem(word)];
        out.text.extend(kept.iter().map(|l| l.c));
        let last = letters.last().is_some_and(|l| l.to == word[word.len() - 1].to);
        out.push(start, kept, i as u32, false, last);
    }
    out
}

/// Pairs of neighbouring syllables; a run of one stands alone, Latin and digit runs stand whole.
pub fn bisq(text: &Norm) -> Tokens {
    let mut out = Tokens::default();
    let mut position = 0;
    let end = text.letters().last().map_or(0, |l| l.to);
    for part in text.runs() {
        let run = part.letters.as_slice();
        let size = if part.class == Class::Syllable { run.len().min(2) } else { run.len() };
        if run.len() > TOKEN_MAX && part.class != Class::Syllable {
            continue;
        }
        for piece in run.windows(size) {
            let start = out.text.len();
            out.text.extend(piece.iter().map(|l| l.c));
            out.push(start, piece, position, crosses(piece), piece[piece.len() - 1].to == end);
            position += 1;
        }
    }
    out
}

/// Five keystrokes in a row of each run of Hangul, in the letters of the two-set keyboard; a shorter run stands whole.
pub fn jg5(text: &Norm) -> Tokens {
    let mut out = Tokens::default();
    let mut keys: Vec<(u8, u32)> = Vec::new();
    let end = text.letters().last().map_or(0, |l| l.to);
    let mut position = 0;
    for part in text.runs().filter(|p| p.class == Class::Syllable) {
        for hangul in part.letters.split(|l| !jamo::is_hangul(l.c)).filter(|h| !h.is_empty()) {
            keys.clear();
            for (i, letter) in hangul.iter().enumerate() {
                jamo::keys(letter.c, |key| keys.push((key, i as u32)));
            }
            for gram in keys.windows(keys.len().min(GRAM)) {
                let start = out.text.len();
                out.text.extend(gram.iter().map(|(key, _)| *key as char));
                let of = &hangul[gram[0].1 as usize..=gram[gram.len() - 1].1 as usize];
                out.push(start, of, position, crosses(of), of[of.len() - 1].to == end);
                position += 1;
            }
        }
    }
    out
}

/// Keystrokes of one `jg5` token.
pub const GRAM: usize = 5;

/// Initial consonants of each word that has Hangul. With `joined`, also those of the whole text from each word on.
pub fn cho(text: &Norm, joined: bool) -> Tokens {
    let mut out = Tokens::default();
    let words: Vec<&[Letter]> =
        text.words().filter(|w| w.iter().any(|l| jamo::is_hangul(l.c)) && w.len() <= TOKEN_MAX).collect();
    for (i, word) in words.iter().enumerate() {
        let start = out.text.len();
        out.text.extend(word.iter().filter_map(|l| jamo::initial(l.c)));
        let own = out.text.len();
        out.push(start, word, i as u32, false, false);
        if joined && i + 1 < words.len() {
            let copy = out.text[start..own].to_owned();
            let start = out.text.len();
            out.text.push_str(&copy);
            let rest = words[i + 1..].iter().flat_map(|w| w.iter()).filter_map(|l| jamo::initial(l.c));
            out.text.extend(rest.take(24));
            out.push(start, word, i as u32, true, false);
        }
    }
    out
}

/// Is a space left out between these letters?
fn crosses(letters: &[Letter]) -> bool {
    letters[1..].iter().any(|l| l.after_space)
}
