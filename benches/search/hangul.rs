//! Syllables and keys of the two-set keyboard: how a text is typed, half typed and mistyped.
//!
//! Tables of its own, so that the program is asked by others' rules than its own.

const INITIALS: [&str; 19] =
    ["r", "R", "s", "e", "E", "f", "a", "q", "Q", "t", "T", "d", "w", "W", "c", "z", "x", "v", "g"];
const VOWELS: [&str; 21] =
    ["k", "o", "i", "O", "j", "p", "u", "P", "h", "hk", "ho", "hl", "y", "n", "nj", "np", "nl", "b", "m", "ml", "l"];
const FINALS: [&str; 28] = [
    "", "r", "R", "rt", "s", "sw", "sg", "e", "f", "fr", "fa", "fq", "ft", "fx", "fv", "fg", "a", "q", "qt", "t", "T",
    "d", "w", "c", "z", "x", "v", "g",
];
const CONSONANTS: [char; 19] =
    ['ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ'];

/// Finals by their numbers.
pub const NIEUN: u32 = 4;
pub const RIEUL: u32 = 8;
pub const BIEUP: u32 = 17;
pub const SSANG_SIOT: u32 = 20;

/// Initial, vowel and final (0: none) of a syllable.
fn parts(c: char) -> Option<(u32, u32, u32)> {
    let i = (c as u32).checked_sub(0xAC00).filter(|i| *i < 11_172)?;
    Some((i / 588, i / 28 % 21, i % 28))
}

fn composed(initial: u32, vowel: u32, last: u32) -> char {
    char::from_u32(0xAC00 + (initial * 21 + vowel) * 28 + last).unwrap()
}

/// The final of the last syllable; 0 if it has none.
pub fn last_final(word: &str) -> u32 {
    word.chars().last().and_then(parts).map_or(0, |(_, _, last)| last)
}

/// The word with another final in its last syllable.
pub fn with_final(word: &str, last: u32) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    if let Some((i, v, _)) = letters.last().copied().and_then(parts) {
        letters.pop();
        letters.push(composed(i, v, last));
    }
    letters.into_iter().collect()
}

/// Nothing but whole syllables?
pub fn is_syllables(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| parts(c).is_some())
}

/// The first consonants of a word.
pub fn initials(word: &str) -> String {
    word.chars().filter_map(parts).map(|(i, _, _)| CONSONANTS[i as usize]).collect()
}

/// The keys that a text is typed with; what is no syllable stays.
pub fn keys(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match parts(c) {
            Some((i, v, l)) => {
                [INITIALS[i as usize], VOWELS[v as usize], FINALS[l as usize]].iter().for_each(|k| out.push_str(k))
            }
            None => out.push(c),
        }
    }
    out
}

/// The text while its last syllable is being typed: one key is missing.
pub fn unfinished(text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if let Some((i, v, last)) = letters.last().copied().and_then(parts) {
        letters.pop();
        letters.push(if last > 0 { composed(i, v, 0) } else { CONSONANTS[i as usize] });
    }
    letters.into_iter().collect()
}

/// The word with one wrong vowel, the `at`-th syllable's: `step` (not 0) vowels away among the simple ones.
pub fn mistyped(word: &str, at: usize, step: usize) -> String {
    const SIMPLE: [u32; 8] = [0, 1, 4, 5, 8, 13, 18, 20];
    let wrong = |c: char| {
        let (i, v, last) = parts(c)?;
        let from = SIMPLE.iter().position(|s| *s == v).unwrap_or(0);
        Some(composed(i, SIMPLE[(from + 1 + step % 7) % SIMPLE.len()], last))
    };
    word.chars().enumerate().map(|(n, c)| if n == at { wrong(c).unwrap_or(c) } else { c }).collect()
}
