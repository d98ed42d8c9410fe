//! What of a text matched a question: places in the original, for people to see.

use std::collections::HashSet;
use std::ops::Range;

use super::plan::Words;
use super::text::{self, layout, norm};

/// The tokens of a question, ready to be compared with many texts.
pub struct Marker {
    josa: HashSet<String>,
    bisq: HashSet<String>,
    grams: HashSet<String>,
    initials: Vec<String>,
    /// One syllable alone: what begins with it.
    begins: Vec<String>,
}

impl Marker {
    /// Of these words.
    pub fn new(words: &Words) -> Marker {
        let whole = format!("{} {}", words.text, words.phrases.join(" "));
        let mut all = vec![whole.clone()];
        all.extend(layout::hangul(whole.trim()));
        let mut m = Marker {
            josa: HashSet::new(),
            bisq: HashSet::new(),
            grams: HashSet::new(),
            initials: Vec::new(),
            begins: Vec::new(),
        };
        for reading in all {
            let (initials, plain): (Vec<&str>, Vec<&str>) =
                reading.split_whitespace().partition(|w| text::is_consonants(w));
            m.initials.extend(initials.into_iter().map(|w| norm(w).letters().iter().map(|l| l.c).collect()));
            let text = norm(&plain.join(" "));
            m.josa.extend(text::josa(&text).iter().map(|(t, _)| t.to_owned()));
            for (token, _) in text::bisq(&text).iter() {
                if token.chars().count() == 1 && !token.is_ascii() {
                    m.begins.push(token.to_owned());
                }
                m.bisq.insert(token.to_owned());
            }
            m.grams.extend(text::jg5(&text).iter().map(|(t, _)| t.to_owned()));
        }
        m
    }

    /// Byte ranges of `original` that matched, in order, apart from each other. Whole words and pairs of syllables; where
    /// there are none, what is alike by keystrokes.
    pub fn marks(&self, original: &str) -> Vec<Range<usize>> {
        let text = norm(original);
        let mut found: Vec<Range<usize>> = Vec::new();
        let mut take = |from: u32, to: u32| found.push(from as usize..to as usize);
        for (token, place) in text::josa(&text).iter().filter(|(t, _)| self.josa.contains(*t)) {
            // One syllable says too little alone: 이, 그.
            if token.chars().count() > 1 || token.is_ascii() {
                take(place.from, place.to);
            }
        }
        for (token, place) in text::bisq(&text).iter() {
            let begins = self.begins.iter().any(|b| token.starts_with(b.as_str()));
            if begins || self.bisq.contains(token) {
                take(place.from, place.to);
            }
        }
        if !self.initials.is_empty() {
            for (token, place) in text::cho(&text, false).iter() {
                if self.initials.iter().any(|i| token.starts_with(i.as_str())) {
                    take(place.from, place.to);
                }
            }
        }
        if found.is_empty() {
            for (token, place) in text::jg5(&text).iter() {
                let alike = self.grams.contains(token)
                    || self.grams.iter().any(|g| g.len() < text::GRAM && token.starts_with(g.as_str()));
                if alike {
                    found.push(place.from as usize..place.to as usize);
                }
            }
        }
        merged(found)
    }
}

fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|r| (r.start, r.end));
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}
