//! What was meant where the keyboard was in the other language: `vmfhwprxm` is 프로젝트, ㅔ개ㅓㄷㅊㅅ is `project`.

use super::jamo;

/// Latin letters as the Hangul that the same keys type, word by word; `None` unless every letter becomes part of a
/// whole syllable. Other characters stay.
pub fn hangul(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut any = false;
    let mut keys: Vec<char> = Vec::new();
    for c in text.chars() {
        if c.is_ascii_alphabetic() {
            // A letter whose capital types nothing else is typed the same with Shift or caps lock.
            let plain = if "QWERTOP".contains(c) { c } else { c.to_ascii_lowercase() };
            keys.push(plain);
            any = true;
        } else if c.is_alphabetic() {
            return None;
        } else {
            syllables(&keys, &mut out)?;
            keys.clear();
            out.push(c);
        }
    }
    syllables(&keys, &mut out)?;
    any.then_some(out)
}

/// Each syllable is an initial, a vowel of one or two keys and a final of none, one or two: a consonant before a vowel
/// begins the next syllable.
fn syllables(keys: &[char], out: &mut String) -> Option<()> {
    let mut at = 0;
    let vowel = |i: usize| keys.get(i).is_some_and(|k| jamo::is_vowel_key(*k));
    let text = |from: usize, to: usize| keys[from..to].iter().collect::<String>();
    while at < keys.len() {
        if !jamo::is_consonant_key(keys[at]) || !vowel(at + 1) {
            return None;
        }
        let pair = vowel(at + 2) && jamo::compose("r", &text(at + 1, at + 3), "").is_some();
        let last = at + 2 + usize::from(pair);
        let free = (last..keys.len()).take_while(|i| !vowel(*i)).count();
        // The consonant before the next vowel belongs to that one.
        let most = if last + free < keys.len() { free.checked_sub(1)? } else { free };
        let taken = (0..=most.min(2)).rev().find(|n| {
            *n == most && jamo::compose(&text(at, at + 1), &text(at + 1, last), &text(last, last + n)).is_some()
        })?;
        out.push(jamo::compose(&text(at, at + 1), &text(at + 1, last), &text(last, last + taken))?);
        at = last + taken;
    }
    Some(())
}

/// Hangul as the Latin letters on the same keys. `None` if it has no Hangul.
pub fn latin(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut any = false;
    for c in text.chars() {
        if jamo::is_hangul(c) {
            any = true;
            jamo::keys(c, |key| out.push(key as char));
        } else {
            out.push(c);
        }
    }
    any.then(|| out.to_lowercase())
}

/// A letter that a Korean keyboard types?
pub fn is_typed_hangul(c: char) -> bool {
    jamo::is_hangul(c)
}

/// Does it look like another language's word typed in Hangul? It has letters that form no syllable, a vowel among them:
/// consonants alone are laughter (ㅋㅋ) or initials (ㅅㅂㅈ).
pub fn is_broken(text: &str) -> bool {
    text.chars().any(|c| ('ㅏ'..='ㅣ').contains(&c)) && text.chars().filter(|c| !c.is_whitespace()).count() > 1
}
