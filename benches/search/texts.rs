//! Comments of a studio: as many different words, and as uneven, as people use. The same ones each time.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde_json::Value;

use crate::hangul::{BIEUP, NIEUN, RIEUL, SSANG_SIOT, last_final, with_final};
use crate::words;

/// Numbers that are the same each time (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// Does it happen, `percent` times in a hundred?
    pub fn often(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

/// A list that is drawn from by Zipf's law, the first ones most often.
struct Uneven<T> {
    items: Vec<T>,
    sums: Vec<f64>,
}

impl<T> Uneven<T> {
    fn new(items: Vec<T>) -> Uneven<T> {
        let mut sum = 0.0;
        let sums = (0..items.len()).map(|rank| {
            sum += 1.0 / (rank as f64 + 3.0).powf(0.9);
            sum
        });
        Uneven { sums: sums.collect(), items }
    }

    fn draw(&self, dice: &mut Dice) -> &T {
        let at = dice.next() as f64 / (1u64 << 53) as f64 * self.sums[self.sums.len() - 1];
        &self.items[self.sums.partition_point(|s| *s < at).min(self.items.len() - 1)]
    }
}

/// A verb: its stem, the stem before vowels, and the form in -아/어.
type Verb = [&'static str; 3];

fn split(text: &'static str) -> Vec<&'static str> {
    text.split_whitespace().collect()
}

fn verbs(text: &'static str) -> Uneven<Verb> {
    let forms = |v: &'static str| -> Verb { v.split('/').collect::<Vec<_>>().try_into().unwrap() };
    Uneven::new(split(text).into_iter().map(forms).collect())
}

/// Who writes them.
pub struct Writer {
    dice: Dice,
    nouns: Uneven<&'static str>,
    before: Uneven<&'static str>,
    adverbs: Uneven<&'static str>,
    verbs: Uneven<Verb>,
    qualities: Uneven<Verb>,
    english: Uneven<&'static str>,
    names: Uneven<String>,
    remarks: Vec<&'static str>,
}

impl Writer {
    pub fn new() -> Writer {
        let mut dice = Dice::new(0x5EED_0F7E_47A1);
        let (families, syllables) = (split(words::FAMILIES), split(words::SYLLABLES));
        let (titles, houses) = (split(words::TITLES), split(words::HOUSES));
        let mut names = HashSet::new();
        let mut ranked = Vec::new();
        while ranked.len() < 4_000 {
            let (a, b) = (*dice.of(&syllables), *dice.of(&syllables));
            let name = match dice.below(5) {
                0 | 1 => format!("{}{a}{b} {}", dice.of(&families), dice.of(&titles)),
                2 => format!("{}{a}{b}", dice.of(&families)),
                3 => format!("{a}{b}{}", dice.of(&houses)),
                _ => format!("{a}{b}{}", dice.of(&syllables)),
            };
            if names.insert(name.clone()) {
                ranked.push(name);
            }
        }
        Writer {
            dice,
            nouns: Uneven::new(split(words::NOUNS)),
            before: Uneven::new(split(words::BEFORE)),
            adverbs: Uneven::new(split(words::ADVERBS)),
            verbs: verbs(words::VERBS),
            qualities: verbs(words::QUALITIES),
            english: Uneven::new(split(words::ENGLISH)),
            names: Uneven::new(ranked),
            remarks: words::REMARKS.split('|').collect(),
        }
    }

    /// A comment of 3 to 25 words or so.
    pub fn comment(&mut self) -> String {
        let mut out = String::new();
        match self.dice.below(100) {
            0..7 => out += &format!("{:02}:{:02} ", self.dice.below(4), self.dice.below(60)),
            7..12 => out += &format!("{}분 {}초 ", self.dice.below(9) + 1, self.dice.below(60)),
            12..20 => out += &format!("{}{} ", self.dice.of(&self.remarks), self.dice.of::<&str>(&[".", "!", ","])),
            _ => {}
        }
        let sentences = [1, 1, 1, 1, 1, 2, 2, 2, 3, 4][self.dice.below(10)];
        for _ in 0..sentences {
            self.sentence(&mut out);
        }
        while out.split_whitespace().count() < 3 {
            self.sentence(&mut out);
        }
        if self.dice.often(4) {
            out += self.dice.of::<&str>(&["ㅎㅎ", "ㅠㅠ", "ㅋㅋ", "^^", "(급함)", "→ 확인"]);
        }
        out.trim_end().to_owned()
    }

    /// A title of a feedback.
    pub fn title(&mut self) -> String {
        const ROUNDS: [&str; 8] =
            ["1차 가편집", "2차 편집본", "시사본 v3", "색보정 확인", "자막 검수", "사운드 믹싱", "최종 컨펌", "납품본"];
        format!("{} {}", self.thing(), self.dice.of(&ROUNDS))
    }

    fn sentence(&mut self, out: &mut String) {
        if self.dice.often(18) {
            *out += self.adverbs.draw(&mut self.dice);
            *out += " ";
        }
        let clauses = if self.dice.often(25) { 2 } else { 1 };
        for left in (0..clauses).rev() {
            self.clause(out, left > 0);
        }
        *out += self.dice.of::<&str>(&[".", ".", ".", ".", "", "", "!", "?", ".."]);
        *out += " ";
    }

    fn clause(&mut self, out: &mut String, goes_on: bool) {
        if self.dice.often(35) {
            let place = self.thing();
            let josa = *self
                .dice
                .of::<&str>(&["에", "에서", "의", "에는", "부터", "까지", "보다", "처럼", "만", "은/는", "와/과"]);
            *out += &format!("{} ", with_josa(&place, josa));
        }
        let is_quality = self.dice.often(38);
        if self.dice.often(22) {
            let quality = self.qualities.draw(&mut self.dice);
            *out += &format!("{} ", ending(quality[1], NIEUN, ""));
        }
        let thing = self.thing();
        let josa = if is_quality {
            *self.dice.of::<&str>(&["이/가", "이/가", "은/는", "도"])
        } else {
            *self.dice.of::<&str>(&["을/를", "을/를", "을/를", "이/가", "도", "만", "은/는", "으로/로"])
        };
        // Particles are left out now and then.
        let thing = if self.dice.often(12) { thing } else { with_josa(&thing, josa) };
        *out += &format!("{thing} ");
        if self.dice.often(30) {
            *out += self.adverbs.draw(&mut self.dice);
            *out += " ";
        }
        let verb = if is_quality { *self.qualities.draw(&mut self.dice) } else { *self.verbs.draw(&mut self.dice) };
        if goes_on {
            let on = match self.dice.below(5) {
                0 => format!("{}고 ", verb[0]),
                1 => format!("{}는데 ", with_final(verb[2], SSANG_SIOT)),
                2 => format!("{}서 ", verb[2]),
                3 => format!("{}면 ", verb[1]),
                _ => format!("{}지만 ", verb[0]),
            };
            *out += &on;
        } else if is_quality {
            *out += &self.judged(verb);
        } else {
            *out += &self.asked(verb);
        }
    }

    fn judged(&mut self, [stem, open, form]: Verb) -> String {
        match self.dice.below(8) {
            0 | 1 => format!("{form}요"),
            2 => polite(stem),
            3 => ending(open, NIEUN, " 것 같아요"),
            4 => format!("{form} 보여요"),
            5 => format!("{stem}네요"),
            6 => format!("{}어요", with_final(form, SSANG_SIOT)),
            _ => format!("{form} 보입니다"),
        }
    }

    fn asked(&mut self, [stem, open, form]: Verb) -> String {
        // Spaces before helping verbs come and go.
        let gap = if self.dice.often(30) { "" } else { " " };
        match self.dice.below(12) {
            0..3 => format!("{form}{gap}주세요"),
            3 => format!("{open}면 좋겠습니다"),
            4 => format!("{form}{gap}주시면 감사하겠습니다"),
            5 => format!("{form}야 합니다"),
            6 => polite(stem),
            7 => format!("{}습니다", with_final(form, SSANG_SIOT)),
            8 => ending(open, RIEUL, " 수 있을까요"),
            9 => format!("{open}면 어떨까요"),
            10 => format!("{}어요", with_final(form, SSANG_SIOT)),
            _ => format!("{form}{gap}주실 수 있나요"),
        }
    }

    /// A noun with what stands before it.
    fn thing(&mut self) -> String {
        let dice = &mut self.dice;
        let noun = *self.nouns.draw(dice);
        match dice.below(100) {
            0..8 => self.names.draw(dice).clone(),
            8..13 => (*self.english.draw(dice)).to_owned(),
            13..16 => format!("{} {noun}", self.english.draw(dice)),
            16..26 => format!("{}{noun}", self.nouns.draw(dice)),
            26..40 => format!("{} {noun}", self.nouns.draw(dice)),
            40..44 => format!("{} {noun}", self.names.draw(dice)),
            44..56 => format!("{} {noun}", self.before.draw(dice)),
            56..59 => format!("{}번 {noun}", dice.below(30) + 1),
            59..61 => format!("{}초 {noun}", dice.below(60) + 1),
            _ => noun.to_owned(),
        }
    }
}

fn ending(open: &str, last: u32, rest: &str) -> String {
    // Stems before vowels have no final of their own.
    format!("{}{rest}", with_final(open, last))
}

fn polite(stem: &str) -> String {
    if last_final(stem) == 0 { format!("{}니다", with_final(stem, BIEUP)) } else { format!("{stem}습니다") }
}

/// With a particle; of two, the one that fits.
fn with_josa(word: &str, josa: &str) -> String {
    let Some((closed, open)) = josa.split_once('/') else { return format!("{word}{josa}") };
    let last = last_final(word);
    let is_open = last == 0 || (last == RIEUL && open == "로");
    // 와 stands first, though it follows vowels.
    let (closed, open) = if closed == "와" { ("과", "와") } else { (closed, open) };
    format!("{word}{}", if is_open { open } else { closed })
}

/// A comment as it was given to the program.
pub struct Said {
    pub id: i64,
    pub text: String,
    /// The time code beside it, if it has one.
    pub section: String,
}

/// Writes the texts of a studio that [`crate::data`] wrote anew; answers its comments.
pub fn rewrite(dir: &Path) -> Vec<Said> {
    let (mut writer, mut said) = (Writer::new(), Vec::new());
    each_row(&dir.join("feedbacks.jsonl"), |row| {
        row["title"] = writer.title().into();
        row["text"] = writer.comment().into();
    });
    each_row(&dir.join("comments.jsonl"), |row| {
        let text = writer.comment();
        row["text"] = text.clone().into();
        let section = row["section"].as_str().unwrap_or_default().to_owned();
        said.push(Said { id: row["id"].as_i64().unwrap(), text, section });
    });
    said
}

fn each_row(path: &Path, mut change: impl FnMut(&mut Value)) {
    let new = path.with_extension("new");
    let mut out = BufWriter::new(fs::File::create(&new).unwrap());
    for line in BufReader::new(fs::File::open(path).unwrap()).lines() {
        let mut row: Value = serde_json::from_str(&line.unwrap()).unwrap();
        change(&mut row);
        writeln!(out, "{row}").unwrap();
    }
    out.flush().unwrap();
    fs::rename(new, path).unwrap();
}
