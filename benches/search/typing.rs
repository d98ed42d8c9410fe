//! How people type: questions drawn from comments, and a comment that somebody looks for.

use std::collections::{HashMap, HashSet};

use crate::hangul::{initials, is_syllables, keys, mistyped, unfinished};
use crate::texts::{Dice, Said};
use crate::words;

/// Kinds of questions.
pub const KINDS: [&str; 14] = [
    "a noun",
    "two nouns",
    "noun and particle",
    "two words joined",
    "a word split",
    "half a syllable at the end",
    "initial consonants",
    "on the English layout",
    "a sentence",
    "a time code",
    "a project's name",
    "words and operators",
    "three words",
    "English or digits",
];

/// A question.
pub struct Query {
    /// Index of [`KINDS`].
    pub kind: usize,
    /// As typed.
    pub typed: String,
    /// The same without operators, for what knows none.
    pub words: String,
}

/// Of each kind so many.
const EACH: usize = 40;

/// Words of each sentence, without what stands around them.
fn sentences(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.split(['.', ',', '!', '?', '→', '(', ')', '^'])
        .map(|s| s.split_whitespace().collect::<Vec<_>>())
        .filter(|s| !s.is_empty())
}

/// Different questions, in no order.
pub fn queries(said: &[Said], projects: &[String], names: &[String]) -> Vec<Query> {
    let mut dice = Dice::new(0xA5_1DE5);
    let known: HashSet<&str> = words::NOUNS.split_whitespace().filter(|n| n.chars().count() > 1).collect();
    let noun_of = |word: &str| -> Option<String> {
        let ends = word.char_indices().map(|(i, c)| i + c.len_utf8()).rev();
        ends.map(|end| &word[..end]).find(|n| known.contains(n)).map(str::to_owned)
    };
    let mut out: Vec<Query> = Vec::new();
    let mut seen = HashSet::new();
    for kind in 0..KINDS.len() {
        let mut left = EACH;
        while left > 0 {
            let one = dice.of(said);
            let all: Vec<Vec<&str>> = sentences(&one.text).collect();
            let words: Vec<&str> = all.concat();
            let nouns: Vec<String> = words.iter().filter_map(|w| noun_of(w)).collect();
            let near = |n: usize, dice: &mut Dice| -> Option<Vec<&str>> {
                let of: Vec<_> = all.iter().flat_map(|s| s.windows(n)).collect();
                let fits: Vec<_> = of.into_iter().filter(|w| w.iter().all(|w| is_syllables(w))).collect();
                (!fits.is_empty()).then(|| dice.of(&fits).to_vec())
            };
            let long = words.iter().find(|w| is_syllables(w) && w.chars().count() >= 4).copied();
            let typed = match kind {
                0 => nouns.first().cloned(),
                1 => (nouns.len() > 1).then(|| nouns[..2].join(" ")),
                2 => words.iter().find(|w| noun_of(w).is_some_and(|n| n.len() < w.len())).map(|w| (*w).to_owned()),
                3 => near(2, &mut dice).map(|w| w.concat()),
                4 => long.map(|w| parted(w, w.chars().count() / 2)),
                5 => near(1 + left % 2, &mut dice).map(|w| unfinished(&w.join(" "))),
                6 => nouns.iter().find(|n| n.chars().count() > 2).map(|n| initials(n)),
                7 => near(1 + left % 2, &mut dice).map(|w| keys(&w.join(" "))),
                8 => all.iter().map(|s| s.join(" ")).max_by_key(|s| s.len()),
                9 => one.section.split('~').next().filter(|s| !s.is_empty()).map(str::to_owned),
                10 => Some(project(dice.of::<String>(projects), left)),
                11 => nouns.first().cloned(),
                12 => near(3, &mut dice).map(|w| w.join(" ")),
                _ => words.iter().find(|w| w.bytes().all(|b| b.is_ascii_alphanumeric())).map(|w| match left % 3 {
                    0 => format!("{w} {}", nouns.first().map_or("", String::as_str)).trim_end().to_owned(),
                    _ => (*w).to_owned(),
                }),
            };
            let Some(words) = typed else { continue };
            let typed = if kind == 11 { operators(&words, projects, names, left, &mut dice) } else { words.clone() };
            if seen.insert((kind, typed.clone())) {
                out.push(Query { kind, typed, words });
                left -= 1;
            }
        }
    }
    dice.shuffle(&mut out);
    out
}

/// All of a name, or how it begins.
fn project(name: &str, how: usize) -> String {
    match how % 3 {
        0 => name.split_whitespace().take(2).chain(name.split_whitespace().last()).collect::<Vec<_>>().join(" "),
        1 => name.split_whitespace().take(3).chain(name.split_whitespace().last()).collect::<Vec<_>>().join(" "),
        _ => name.to_owned(),
    }
}

fn operators(words: &str, projects: &[String], names: &[String], how: usize, dice: &mut Dice) -> String {
    let client = dice.of::<String>(projects).split_whitespace().next().unwrap_or_default().to_owned();
    match how % 8 {
        0 => format!("{words} is:open"),
        1 => format!("in:{client} {words}"),
        2 => format!("{words} kind:comment"),
        3 => format!("{words} from:{}", dice.of::<String>(names)),
        4 => format!("{words} 상태:open 종류:댓글"),
        5 => format!("{words} after:2025-06 before:2025-09"),
        6 => format!("{words} has:time in:{client}"),
        _ => format!("\"{words}\" is:open"),
    }
}

fn parted(word: &str, at: usize) -> String {
    let letters: Vec<char> = word.chars().collect();
    format!("{} {}", letters[..at].iter().collect::<String>(), letters[at..].iter().collect::<String>())
}

/// How somebody types what he remembers.
pub const HABITS: [&str; 6] = ["exact", "joined", "split", "unfinished", "one wrong vowel", "English layout"];

/// A comment that is looked for.
pub struct Wanted {
    /// Any of these is it: their texts are the same.
    pub ids: HashSet<i64>,
    /// What is typed, by habit.
    pub typed: [String; 6],
}

/// Comments to be found again by the three or four neighbouring words that say most.
pub fn wanted(said: &[Said], how_many: usize) -> Vec<Wanted> {
    let mut dice = Dice::new(0xF1_4D_17);
    let mut known: HashMap<&str, u32> = HashMap::new();
    let mut same: HashMap<&str, HashSet<i64>> = HashMap::new();
    for one in said {
        for word in sentences(&one.text).flatten().collect::<HashSet<_>>() {
            *known.entry(word).or_default() += 1;
        }
        same.entry(&one.text).or_default().insert(one.id);
    }
    let rarity = |words: &&[&str]| words.iter().map(|w| -f64::from(known[w]).ln()).sum::<f64>();
    let mut out = Vec::new();
    while out.len() < how_many {
        let one = dice.of(said);
        let size = 3 + dice.below(2);
        let all: Vec<Vec<&str>> = sentences(&one.text).collect();
        let fits = all.iter().flat_map(|s| s.windows(size)).filter(|w| w.iter().all(|w| is_syllables(w)));
        let best = fits.max_by(|a, b| rarity(a).total_cmp(&rarity(b)));
        // Not the whole comment, and a word that is long enough to be split and mistyped.
        let Some(words) = best.filter(|w| w.len() < all.concat().len()) else { continue };
        let longest = (0..words.len()).max_by_key(|i| words[*i].chars().count()).unwrap();
        let length = words[longest].chars().count();
        if length < 3 {
            continue;
        }
        let exact = words.join(" ");
        let with = |other: String| {
            let mut words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
            words[longest] = other;
            words.join(" ")
        };
        let split = with(parted(words[longest], 1 + dice.below(length - 1)));
        let typo = with(mistyped(words[longest], dice.below(length), dice.below(7)));
        out.push(Wanted {
            ids: same[one.text.as_str()].clone(),
            typed: [exact.clone(), words.concat(), split, unfinished(&exact), typo, keys(&exact)],
        });
    }
    out
}
