//! The original text of a hit as HTML: escaped, what matched in `<mark>`, a long one cut around it.

use std::ops::Range;

use crate::engines::index::marks::Marker;

/// Characters of a snippet, about.
const LENGTH: usize = 200;
/// Characters that are shown before the first match.
const LEAD: usize = 40;

/// Nothing but the text.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push(&mut out, text);
    out
}

/// All of it, marked.
pub(super) fn whole(text: &str, marker: &Marker) -> String {
    marked(text, &marker.marks(text), 0..text.len())
}

/// The part of it where most matches.
pub(super) fn of(text: &str, marker: &Marker) -> String {
    let marks = marker.marks(text);
    let window = window(text, &marks);
    let mut out = String::new();
    if window.start > 0 {
        out.push('…');
    }
    out.push_str(&marked(text, &marks, window.clone()));
    if window.end < text.len() {
        out.push('…');
    }
    out
}

/// Begins a little before the mark after which the most marked letters stand within the length.
fn window(text: &str, marks: &[Range<usize>]) -> Range<usize> {
    let starts: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
    if starts.len() <= LENGTH {
        return 0..text.len();
    }
    let number = |byte: usize| starts.partition_point(|s| *s < byte);
    let byte = |n: usize| starts.get(n).copied().unwrap_or(text.len());
    let weight = |from: &Range<usize>| -> usize {
        let end = byte(number(from.start) + LENGTH - LEAD);
        marks.iter().filter(|m| m.start >= from.start && m.end <= end).map(|m| m.len()).sum()
    };
    // The first of the best.
    let best = marks.iter().rev().max_by_key(|m| weight(m)).map_or(0, |m| number(m.start));
    let mut from = best.saturating_sub(LEAD).min(starts.len() - LENGTH);
    // A word is not begun in its middle if a space is near.
    if from > 0
        && let Some(step) = text[byte(from)..byte(from + 12)].find(char::is_whitespace)
        && byte(from) + step < byte(best)
    {
        from = number(byte(from) + step) + 1;
    }
    byte(from)..byte(from + LENGTH)
}

fn marked(text: &str, marks: &[Range<usize>], window: Range<usize>) -> String {
    let mut out = String::with_capacity(window.len() + 32);
    let mut at = window.start;
    for mark in marks {
        let (from, to) = (mark.start.max(window.start), mark.end.min(window.end));
        if from >= to {
            continue;
        }
        push(&mut out, &text[at..from]);
        out.push_str("<mark>");
        push(&mut out, &text[from..to]);
        out.push_str("</mark>");
        at = to;
    }
    push(&mut out, &text[at..window.end]);
    out
}

fn push(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
}
