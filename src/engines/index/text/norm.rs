//! A text as letters that compare: composed, half width, lower case, each with its place in the original.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::jamo;

/// What a letter is joined to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Hangul, Han, kana: words run together, spaces come and go.
    Syllable,
    /// Letters of any other script.
    Latin,
    /// Digits.
    Digit,
    /// Part of a time code.
    Time,
    /// Spaces.
    Space,
    /// Everything else.
    Break,
}

/// One letter.
#[derive(Clone, Copy, Debug)]
pub struct Letter {
    /// Lower case.
    pub c: char,
    /// Its class.
    pub class: Class,
    /// First byte in the original.
    pub from: u32,
    /// Byte after its last in the original.
    pub to: u32,
    /// Was there a space before it?
    pub after_space: bool,
    /// Was it a capital?
    upper: bool,
}

/// A normalised text.
#[derive(Clone, Debug, Default)]
pub struct Norm(Vec<Letter>);

/// A run of letters of one class.
pub struct Run {
    /// Of what.
    pub class: Class,
    /// Its letters; spaces between syllables are left out.
    pub letters: Vec<Letter>,
}

/// Normalises: NFKC cluster by cluster (macOS writes decomposed names, keyboards write full width), conjoining jamo back
/// to the ones that keyboards type, lower case.
pub fn norm(text: &str) -> Norm {
    let mut out: Vec<Letter> = Vec::with_capacity(text.len() / 2);
    let mut rest = text.char_indices().peekable();
    let mut space = false;
    while let Some((from, first)) = rest.next() {
        while rest.next_if(|(_, c)| is_combining_mark(*c) || ('\u{1160}'..='\u{11FF}').contains(c)).is_some() {}
        let to = rest.peek().map_or(text.len(), |(next, _)| *next);
        let alone = to - from == first.len_utf8();
        let mut push = |c: char| {
            let upper = c.is_uppercase();
            for c in c.to_lowercase() {
                let class = class(c);
                let (from, to) = (from as u32, to as u32);
                out.push(Letter { c, class, from, to, after_space: space, upper });
                space = class == Class::Space;
            }
        };
        if alone && (first.is_ascii() || jamo::is_hangul(first)) {
            push(first);
        } else {
            text[from..to].nfkc().map(typed).for_each(&mut push);
        }
    }
    mark_times(&mut out);
    Norm(out)
}

/// NFKC turns a jamo that stands alone into a conjoining one; this is its way back (Unicode blocks 1100 and 3130).
fn typed(c: char) -> char {
    const INITIALS: &str = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
    const FINALS: &str = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";
    let back = match c {
        '\u{1100}'..='\u{1112}' => INITIALS.chars().nth(c as usize - 0x1100),
        '\u{1161}'..='\u{1175}' => char::from_u32('ㅏ' as u32 + (c as u32 - 0x1161)),
        '\u{11A8}'..='\u{11C2}' => FINALS.chars().nth(c as usize - 0x11A8),
        _ => None,
    };
    back.unwrap_or(c)
}

fn class(c: char) -> Class {
    let syllable = jamo::is_hangul(c)
        || matches!(c, '\u{3040}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}');
    if syllable {
        Class::Syllable
    } else if c.is_numeric() {
        Class::Digit
    } else if c.is_alphabetic() {
        Class::Latin
    } else if matches!(c, '\n' | '\r') {
        Class::Break
    } else if c.is_whitespace() {
        Class::Space
    } else {
        Class::Break
    }
}

/// Marks `m:ss`, `mm:ss`, `h:mm:ss` and what follows of frames.
fn mark_times(letters: &mut [Letter]) {
    let mut at = 0;
    while at < letters.len() {
        let begins = letters[at].class == Class::Digit && (at == 0 || letters[at - 1].class != Class::Digit);
        match begins.then(|| time_at(&letters[at..])).flatten() {
            Some(len) => {
                letters[at..at + len].iter_mut().for_each(|l| l.class = Class::Time);
                at += len;
            }
            None => at += 1,
        }
    }
}

/// How many letters from here are a time code.
fn time_at(letters: &[Letter]) -> Option<usize> {
    let digits = |from: usize| letters[from.min(letters.len())..].iter().take_while(|l| l.c.is_ascii_digit()).count();
    let is = |i: usize, marks: &str| letters.get(i).is_some_and(|l| marks.contains(l.c));
    let mut at = Some(digits(0)).filter(|n| (1..=2).contains(n))?;
    let mut parts = 1;
    while parts < 3 && is(at, ":") && digits(at + 1) == 2 && !matches!(letters[at + 1].c, '6'..='9') {
        at += 3;
        parts += 1;
    }
    if parts == 1 {
        return None;
    }
    if is(at, ".;:") && (2..=3).contains(&digits(at + 1)) {
        at += 1 + digits(at + 1);
    }
    (digits(at) == 0).then_some(at)
}

/// Writes a time code's hours, minutes and seconds as `hh:mm:ss`.
pub fn canonical(code: &[Letter], out: &mut String) {
    let text: String = code.iter().map(|l| l.c).collect();
    let mut parts: Vec<&str> = text.split(['.', ';', ':']).collect();
    let marks: Vec<char> = text.chars().filter(|c| !c.is_ascii_digit()).collect();
    // Frames stand after a point, or fourth.
    if parts.len() > 3 || marks.last().is_some_and(|m| *m != ':') {
        parts.pop();
    }
    let missing = 3usize.saturating_sub(parts.len());
    let all = std::iter::repeat_n("00", missing).chain(parts);
    for (i, part) in all.enumerate() {
        if i > 0 {
            out.push(':');
        }
        if part.len() < 2 {
            out.push('0');
        }
        out.push_str(part);
    }
}

impl Norm {
    /// All letters, spaces and marks among them.
    pub fn letters(&self) -> &[Letter] {
        &self.0
    }

    /// Runs of letters and digits, and each time code.
    pub fn words(&self) -> impl Iterator<Item = &[Letter]> {
        let joined = |a: &Letter, b: &Letter| match (a.class, b.class) {
            (Class::Space | Class::Break, _) | (_, Class::Space | Class::Break) => false,
            (Class::Time, other) | (other, Class::Time) => other == Class::Time,
            _ => true,
        };
        self.0.chunk_by(joined).filter(|w| !matches!(w[0].class, Class::Space | Class::Break))
    }

    /// Runs of one class. Spaces between syllables join them; `camelCase` and a change between letters and digits part.
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            let skipped = rest.iter().take_while(|l| !is_run(l.class)).count();
            rest = &rest[skipped..];
            let class = rest.first()?.class;
            let mut letters = vec![rest[0]];
            let mut at = 1;
            while let Some(next) = rest.get(at) {
                let camel = class == Class::Latin && next.upper && !rest[at - 1].upper;
                if next.class == class && !camel {
                    letters.push(*next);
                } else if !(class == Class::Syllable && next.class == Class::Space) {
                    break;
                }
                at += 1;
            }
            rest = &rest[at..];
            Some(Run { class, letters })
        })
    }
}

fn is_run(class: Class) -> bool {
    matches!(class, Class::Syllable | Class::Latin | Class::Digit)
}
