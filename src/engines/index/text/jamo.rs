//! Syllables and the keystrokes that they are typed with.
//!
//! A syllable U+AC00–U+D7A3 is (initial × 21 + vowel) × 28 + final (Unicode chapter 3.12). Keystrokes are written as the
//! letters of the two-set keyboard (KS X 5002), so that a token of five keystrokes has five bytes.

/// Keys of the 19 initial consonants, in Unicode's order; a capital is typed with Shift.
const INITIALS: [&str; 19] =
    ["r", "R", "s", "e", "E", "f", "a", "q", "Q", "t", "T", "d", "w", "W", "c", "z", "x", "v", "g"];
/// Keys of the 21 vowels.
const VOWELS: [&str; 21] =
    ["k", "o", "i", "O", "j", "p", "u", "P", "h", "hk", "ho", "hl", "y", "n", "nj", "np", "nl", "b", "m", "ml", "l"];
/// Keys of the 28 finals, the first of which is none.
const FINALS: [&str; 28] = [
    "", "r", "R", "rt", "s", "sw", "sg", "e", "f", "fr", "fa", "fq", "ft", "fx", "fv", "fg", "a", "q", "qt", "t", "T",
    "d", "w", "c", "z", "x", "v", "g",
];
/// Keys of the compatibility jamo U+3131–U+3163.
const COMPAT: [&str; 51] = [
    "r", "R", "rt", "s", "sw", "sg", "e", "E", "f", "fr", "fa", "fq", "ft", "fx", "fv", "fg", "a", "q", "Q", "qt", "t",
    "T", "d", "w", "W", "c", "z", "x", "v", "g", "k", "o", "i", "O", "j", "p", "u", "P", "h", "hk", "ho", "hl", "y",
    "n", "nj", "np", "nl", "b", "m", "ml", "l",
];
/// The initial consonants as compatibility jamo.
const CHO: [char; 19] =
    ['ㄱ', 'ㄲ', 'ㄴ', 'ㄷ', 'ㄸ', 'ㄹ', 'ㅁ', 'ㅂ', 'ㅃ', 'ㅅ', 'ㅆ', 'ㅇ', 'ㅈ', 'ㅉ', 'ㅊ', 'ㅋ', 'ㅌ', 'ㅍ', 'ㅎ'];

const FIRST: u32 = 0xAC00;
const COMPAT_FIRST: u32 = 0x3131;

fn syllable(c: char) -> Option<(usize, usize, usize)> {
    let i = (c as u32).checked_sub(FIRST).filter(|i| *i < 11_172)? as usize;
    Some((i / 588, i / 28 % 21, i % 28))
}

fn compat(c: char) -> Option<usize> {
    (c as u32).checked_sub(COMPAT_FIRST).map(|i| i as usize).filter(|i| *i < COMPAT.len())
}

/// A syllable or a letter of Hangul?
pub fn is_hangul(c: char) -> bool {
    syllable(c).is_some() || compat(c).is_some()
}

/// Hands over each key that `c` is typed with.
pub fn keys(c: char, mut each: impl FnMut(u8)) {
    if let Some((initial, vowel, last)) = syllable(c) {
        [INITIALS[initial], VOWELS[vowel], FINALS[last]].iter().flat_map(|k| k.bytes()).for_each(each);
    } else if let Some(i) = compat(c) {
        COMPAT[i].bytes().for_each(&mut each);
    }
}

/// The initial consonant; a consonant that stands alone is its own.
pub fn initial(c: char) -> Option<char> {
    match syllable(c) {
        Some((initial, _, _)) => Some(CHO[initial]),
        None => Some(c).filter(|c| CHO.contains(c)),
    }
}

/// Is it an initial consonant that stands alone?
pub fn is_consonant(c: char) -> bool {
    CHO.contains(&c)
}

/// Two or more initial consonants and nothing else, spaces apart: the short form of a name.
pub fn is_consonants(text: &str) -> bool {
    let mut letters = text.chars().filter(|c| !c.is_whitespace()).peekable();
    letters.peek().is_some() && letters.all(is_consonant)
}

/// Might the next key still belong to this letter? A syllable without a final may get one, a consonant a vowel.
pub fn is_open(c: char) -> bool {
    syllable(c).map_or(is_consonant(c), |(_, _, last)| last == 0)
}

/// Keys as the jamo that they type, for people.
pub fn shown(keys: &str) -> String {
    let of = |key: char| {
        let i = COMPAT.iter().position(|k| k.len() == 1 && k.starts_with(key))?;
        char::from_u32(COMPAT_FIRST + i as u32)
    };
    keys.chars().map(|key| of(key).unwrap_or(key)).collect()
}

/// The syllable of these keys; `None` if they type none. `initial`, `vowel` and `last` as in the tables above.
pub fn compose(initial: &str, vowel: &str, last: &str) -> Option<char> {
    let place = |table: &[&str], key: &str| table.iter().position(|k| *k == key).map(|i| i as u32);
    let (i, v, l) = (place(&INITIALS, initial)?, place(&VOWELS, vowel)?, place(&FINALS, last)?);
    char::from_u32(FIRST + (i * 21 + v) * 28 + l)
}

/// Is it the key of a vowel?
pub fn is_vowel_key(key: char) -> bool {
    VOWELS.iter().any(|v| v.len() == 1 && v.starts_with(key))
}

/// Is it a key of a consonant?
pub fn is_consonant_key(key: char) -> bool {
    INITIALS.iter().any(|c| c.starts_with(key))
}
