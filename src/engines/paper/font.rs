//! The fonts that the program carries: widths of letters, breaking of lines. The outlines are the printer's business.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// How heavy letters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weight {
    /// For reading.
    Regular,
    /// For titles and labels.
    Bold,
}

/// A font's letters and their widths.
pub(super) struct Face {
    /// The whole file.
    pub data: &'static [u8],
    glyphs: HashMap<char, u16>,
    advances: Vec<u16>,
    em: f32,
}

static FACES: LazyLock<[Face; 2]> = LazyLock::new(|| {
    [
        Face::read(include_bytes!("../../../fonts/Pretendard-Regular.otf")),
        Face::read(include_bytes!("../../../fonts/Pretendard-Bold.otf")),
    ]
});

pub(super) fn face(weight: Weight) -> &'static Face {
    &FACES[weight as usize]
}

fn u16_at(data: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([data[at], data[at + 1]]))
}

fn u32_at(data: &[u8], at: usize) -> usize {
    u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]) as usize
}

impl Face {
    /// Reads `head`, `hhea`, `hmtx` and the segmented coverage (format 12) of `cmap`, as OpenType lays them out. The two
    /// files are part of the program: one that does not hold is a fault of the build.
    fn read(data: &'static [u8]) -> Face {
        let table = |tag: &[u8; 4]| {
            let n = u16_at(data, 4);
            let record = (0..n).map(|i| 12 + 16 * i).find(|at| &data[*at..*at + 4] == tag);
            u32_at(data, record.expect("a table that every font has") + 8)
        };
        let em = u16_at(data, table(b"head") + 18) as f32;
        let count = u16_at(data, table(b"hhea") + 34);
        let hmtx = table(b"hmtx");
        let advances = (0..count).map(|i| u16_at(data, hmtx + 4 * i) as u16).collect();
        let cmap = table(b"cmap");
        let sub = (0..u16_at(data, cmap + 2))
            .map(|i| cmap + u32_at(data, cmap + 4 + 8 * i + 4))
            .find(|at| u16_at(data, *at) == 12)
            .expect("a cmap of format 12");
        let mut glyphs = HashMap::new();
        for group in 0..u32_at(data, sub + 12) {
            let at = sub + 16 + 12 * group;
            let (from, to, first) = (u32_at(data, at), u32_at(data, at + 4), u32_at(data, at + 8));
            for code in from..=to {
                if let Some(c) = char::from_u32(code as u32) {
                    glyphs.insert(c, (first + code - from) as u16);
                }
            }
        }
        Face { data, glyphs, advances, em }
    }

    /// The glyph of a letter; of a box for one that the font does not have.
    pub fn glyph(&self, c: char) -> u16 {
        let of = |c| self.glyphs.get(&c).copied();
        of(c).or_else(|| of('□')).or_else(|| of('?')).unwrap_or(0)
    }

    /// Width of a glyph at the size of one.
    pub fn advance(&self, glyph: u16) -> f32 {
        let last = self.advances.len() - 1;
        f32::from(self.advances[usize::from(glyph).min(last)]) / self.em
    }

    fn letter(&self, c: char) -> f32 {
        self.advance(self.glyph(c))
    }
}

/// Signs that are drawn as pictures elsewhere, and marks that only steer those: a printed page does without them.
fn pictured(c: char) -> bool {
    matches!(c, '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}' | '\u{FE00}'..='\u{FE0F}' | '\u{200B}'..='\u{200F}'
        | '\u{E0000}'..='\u{E007F}' | '\u{20E3}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// The text as it can be printed: composed, without emoji and control characters; line ends stay.
pub fn printable(text: &str) -> String {
    let known = face(Weight::Regular);
    text.replace("\r\n", "\n")
        .nfc()
        .filter_map(|c| match c {
            '\n' => Some('\n'),
            '\t' | '\r' | '\u{A0}' => Some(' '),
            c if c.is_control() => None,
            c if pictured(c) && !known.glyphs.contains_key(&c) => None,
            c if matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}') => None,
            c => Some(c),
        })
        .collect()
}

/// Width of a line of printable text, in the unit of `size`.
pub fn width(text: &str, size: f32, weight: Weight) -> f32 {
    let face = face(weight);
    text.chars().map(|c| face.letter(c)).sum::<f32>() * size
}

/// May a line break between two letters of one word: after a hyphen or slash, and around Chinese and Japanese signs.
/// Korean breaks between words.
fn breaks(before: char, after: char) -> bool {
    let han = |c: char| matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}');
    matches!(before, '-' | '/' | '·') || (han(before) || han(after)) && !matches!(after, '、' | '。' | ',' | '.' | ')')
}

/// Breaks a text into lines that are at most `room` wide. A word that is wider than that is cut.
pub fn wrap(text: &str, size: f32, weight: Weight, room: f32) -> Vec<String> {
    let face = face(weight);
    let mut lines = Vec::new();
    for paragraph in printable(text).trim().split('\n') {
        let mut line = String::new();
        let mut used = 0.0;
        // Where the line may be broken: bytes of the line up to there.
        let mut cut: Option<usize> = None;
        let mut before = ' ';
        for c in paragraph.trim().chars() {
            let wide = face.letter(c) * size;
            if c == ' ' && line.is_empty() {
                continue;
            }
            if !line.is_empty() && breaks(before, c) {
                cut = Some(line.len());
            }
            if used + wide > room && !line.is_empty() && c != ' ' {
                let rest = match cut.filter(|at| *at > 0) {
                    Some(at) => line.split_off(at).trim_start().to_owned(),
                    None => String::new(),
                };
                lines.push(line.trim_end().to_owned());
                used = rest.chars().map(|c| face.letter(c)).sum::<f32>() * size;
                line = rest;
                cut = None;
            }
            if c == ' ' {
                cut = Some(line.len());
            }
            line.push(c);
            used += wide;
            before = c;
        }
        lines.push(line.trim_end().to_owned());
    }
    if lines.len() == 1 && lines[0].is_empty() { Vec::new() } else { lines }
}

/// One line that is at most `room` wide; what does not fit ends with an ellipsis.
pub fn fit(text: &str, size: f32, weight: Weight, room: f32) -> String {
    let line = printable(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if width(&line, size, weight) <= room {
        return line;
    }
    let face = face(weight);
    let mut used = face.letter('…') * size;
    let kept: String = line
        .chars()
        .take_while(|c| {
            used += face.letter(*c) * size;
            used <= room
        })
        .collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_room_and_no_word_is_lost() {
        let text = "신입사원이 첫 월급을 받고 퇴근길에 오른다.\n\nsupercalifragilisticexpialidocious 漢字漢字漢字漢字漢字漢字漢字 끝";
        for room in [20.0, 60.0, 133.0, 500.0] {
            let lines = wrap(text, 9.0, Weight::Regular, room);
            assert!(lines.iter().all(|l| width(l, 9.0, Weight::Regular) <= room + 0.01), "{room}: {lines:?}");
            let joined: String = lines.concat().chars().filter(|c| !c.is_whitespace()).collect();
            assert_eq!(joined, text.chars().filter(|c| !c.is_whitespace()).collect::<String>());
        }
        assert!(
            wrap("  \n ", 9.0, Weight::Regular, 50.0).is_empty() || wrap("  \n ", 9.0, Weight::Regular, 50.0) == [""]
        );
    }

    #[test]
    fn korean_breaks_between_words() {
        let lines = wrap("따뜻한 겨울 저녁", 10.0, Weight::Regular, width("따뜻한 겨", 10.0, Weight::Regular) + 1.0);
        assert_eq!(lines, ["따뜻한", "겨울 저녁"]);
    }

    #[test]
    fn what_cannot_be_printed_does_not_come() {
        assert_eq!(printable("가\u{1F600}나\u{0}\u{200D}\u{FE0F}"), "가나");
        assert_eq!(printable("\u{1112}\u{1161}\u{11AB}"), "한", "decomposed, as macOS has it");
        assert!(width("𠮷", 10.0, Weight::Bold) > 0.0, "a box for an unknown sign");
    }

    #[test]
    fn one_line_ends_with_an_ellipsis() {
        let line = fit("아주 긴 제목이 여기에 있다", 10.0, Weight::Bold, 60.0);
        assert!(line.ends_with('…') && width(&line, 10.0, Weight::Bold) <= 60.0, "{line}");
        assert_eq!(fit("짧다", 10.0, Weight::Bold, 60.0), "짧다");
    }
}
