//! Reads a script's lines: Fountain, and the form that Korean scripts are written in. Both may stand in one text.
//!
//! Fountain: <https://fountain.io/syntax> — headings (`INT.`, `EXT.`, `I/E`, `.forced`), action, characters (`@forced`),
//! parentheticals, dialogue, transitions (`CUT TO:`, `> forced`), notes, boneyard, sections, synopses, the title page.
//! Korean: `S#1. 카페 / 낮`, `#1 카페 (낮)`, `씬 1. 실내. 카페 - 낮`; a name and its words on one line, parted by a tab, two
//! spaces or a colon; `(E)`, `(NA)`, `자막:`; everything else is 지문.

use std::collections::{HashMap, HashSet};

use crate::domain::plans::story::Transition;

use super::super::korean;

/// What a script says, piece by piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A sentence of action.
    Action(String),
    /// Somebody speaks.
    Speech {
        /// Who.
        who: String,
        /// What, with its parenthetical.
        text: String,
    },
    /// A voice over the picture.
    Narration(String),
    /// Words in the picture.
    Subtitle(String),
}

/// A scene of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// Where; empty when not said.
    pub place: String,
    /// When; empty when not said.
    pub time: String,
    /// What it says.
    pub pieces: Vec<Piece>,
    /// How it goes over into the next, where the script says so.
    pub transition: Option<Transition>,
}

/// Longest name of a character, and of a place, in characters.
const NAME_MAX: usize = 16;
const PLACE_MAX: usize = 40;

const TIMES: [(&str, &str); 14] = [
    ("DAY", "낮"),
    ("NIGHT", "밤"),
    ("MORNING", "아침"),
    ("EVENING", "저녁"),
    ("AFTERNOON", "오후"),
    ("DAWN", "새벽"),
    ("DUSK", "해 질 녘"),
    ("SUNSET", "해 질 녘"),
    ("SUNRISE", "해 뜰 녘"),
    ("NOON", "정오"),
    ("MIDNIGHT", "자정"),
    ("LATER", "잠시 뒤"),
    ("CONTINUOUS", "이어서"),
    ("D", "낮"),
];
const KOREAN_TIMES: &str =
    "낮 밤 아침 저녁 새벽 오전 오후 정오 자정 한낮 대낮 해질녘 초저녁 늦은밤 심야 황혼 점심 이어서";
const SIDES: [&str; 18] = [
    "INT./EXT",
    "EXT./INT",
    "INT/EXT",
    "I./E",
    "I/E",
    "INT",
    "EXT",
    "EST",
    "실내외",
    "실내/외",
    "실내",
    "실외",
    "내부",
    "외부",
    "옥내",
    "야외",
    "내",
    "외",
];

fn upper(line: &str) -> String {
    line.to_uppercase()
}

/// The rest of a Fountain heading, with its side.
fn fountain_heading(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix('.') {
        return (rest.starts_with(|c: char| c.is_alphanumeric())).then_some(rest);
    }
    let head: String = upper(&line.chars().take(9).collect::<String>());
    let sides = ["INT./EXT", "EXT./INT", "INT/EXT", "I./E", "I/E", "INT", "EXT", "EST"];
    let side = sides.iter().find(|s| head.strip_prefix(**s).is_some_and(|r| r.starts_with(['.', ' '])))?;
    let rest = line.get(side.len()..)?;
    rest.chars().any(char::is_alphanumeric).then_some(rest)
}

/// The rest of a numbered heading: `S#1.`, `#1`, `씬 1.`.
fn numbered_heading(line: &str) -> Option<&str> {
    let (rest, spaced) = ["S#", "s#", "S #", "씬", "신", "장면", "SCENE", "Scene", "scene", "#"]
        .iter()
        .find_map(|p| line.strip_prefix(p).map(|r| (r, *p != "#")))?;
    let rest = if spaced { rest.trim_start_matches([' ', '#', '.']) } else { rest };
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 || digits > 4 {
        return None;
    }
    let rest = rest[digits..].trim_start_matches(|c: char| c.is_ascii_uppercase() && c < 'D');
    let next = rest.chars().next();
    // "신 2명이" is no heading.
    next.is_none_or(|c| matches!(c, '.' | ')' | ':' | '-' | ' ' | '\t' | '/' | '(' | ','))
        .then(|| rest.trim_start_matches(['.', ')', ':', '-', ' ', '\t', '/', ',']))
}

fn time_of(part: &str) -> Option<String> {
    let plain: String = part.chars().filter(|c| !c.is_whitespace() && *c != '.').collect();
    let up = upper(&plain);
    if let Some((_, korean)) = TIMES.iter().find(|(t, _)| *t == up) {
        return Some((*korean).to_owned());
    }
    let kinds = [
        "",
        "늦은",
        "이른",
        "깊은",
        "다음",
        "다음날",
        "이튿날",
        "같은",
        "같은날",
        "그날",
        "며칠뒤",
        "초",
        "한",
        "어느",
    ];
    let known = KOREAN_TIMES.split(' ').any(|t| plain.strip_suffix(t).is_some_and(|before| kinds.contains(&before)));
    known.then(|| part.trim().to_owned())
}

fn short(text: &str, max: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() || matches!(c, '{' | '}') { ' ' } else { c }).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(max).collect()
}

/// Place and time of a heading's rest.
fn heading(rest: &str) -> Scene {
    // A scene number at the end: `#12#`.
    let rest = rest.trim().strip_suffix('#').and_then(|r| r.rsplit_once('#')).map_or(rest, |(r, _)| r);
    let mut scene = Scene::default();
    for part in rest.split(['/', '-', '–', '—', '(', ')', ',', '.', '|', '·']).map(str::trim).filter(|p| !p.is_empty())
    {
        let side = SIDES.iter().any(|s| upper(part) == *s) || matches!(part, "I" | "E");
        if let Some(time) = time_of(part).filter(|_| !side) {
            scene.time = short(&time, NAME_MAX);
        } else if !side && part.chars().any(char::is_alphanumeric) {
            scene.place = if scene.place.is_empty() {
                short(part, PLACE_MAX)
            } else {
                short(&format!("{} {part}", scene.place), PLACE_MAX)
            };
        }
    }
    // "카페 낮": the time without a mark before it.
    if scene.time.is_empty()
        && let Some((place, last)) = scene.place.clone().rsplit_once(' ')
        && let Some(time) = time_of(last)
    {
        scene.time = time;
        scene.place = place.to_owned();
    }
    scene
}

fn transition(line: &str) -> Option<Transition> {
    let bare = line.trim_start_matches('>').trim();
    let up = upper(bare);
    let forced = line.starts_with('>') && !line.ends_with('<');
    let said = up.ends_with("TO:")
        || matches!(
            up.trim_end_matches(['.', ':']),
            "FADE OUT"
                | "FADE IN"
                | "F.O"
                | "F.I"
                | "FO"
                | "FI"
                | "DISSOLVE"
                | "디졸브"
                | "페이드 아웃"
                | "페이드 인"
                | "암전"
                | "CUT TO"
                | "컷 투"
                | "와이프"
        );
    if (!forced && !said) || bare.chars().count() > 40 {
        return None;
    }
    Some(match up.as_str() {
        u if u.contains("DISSOLVE") || u.contains("디졸브") => Transition::Dissolve,
        u if u.contains("FADE") || u.starts_with("F.") || u.contains("페이드") || u.contains("암전") => {
            Transition::Fade
        }
        u if u.contains("WIPE") || u.contains("와이프") => Transition::Wipe,
        u if u.contains("SLIDE") => Transition::Slide,
        _ => Transition::Cut,
    })
}

/// A name with its extension: (name, is a narrator).
fn name(text: &str) -> Option<(String, bool)> {
    let (base, ext) = match text.split_once(['(', '（']) {
        Some((base, ext)) => (base.trim(), upper(ext.trim_end_matches([')', '）', ' ', '^']))),
        None => (text.trim().trim_end_matches('^').trim_end(), String::new()),
    };
    let narrates = matches!(ext.replace(['.', ' '], "").as_str(), "NA" | "N" | "VO" | "NAR" | "내레이션" | "나레이션");
    let plain = base.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '.' | '\'' | '-' | '#' | '&'));
    let size = base.chars().count();
    let fits = plain
        && (1..=NAME_MAX).contains(&size)
        && base.starts_with(char::is_alphabetic)
        && base.split(' ').count() <= 3;
    fits.then(|| {
        (
            short(base, NAME_MAX),
            narrates || matches!(upper(base).as_str(), "NA" | "N" | "내레이션" | "나레이션" | "NARRATOR" | "NARRATION"),
        )
    })
}

/// `이름<tab>말`, `이름  말`, `이름: 말`, `NA) 말`.
fn same_line(line: &str) -> Option<(String, bool, &str)> {
    let at = [
        line.find('\t').map(|i| (i, 1)),
        line.find("  ").map(|i| (i, 2)),
        line.find(": ").map(|i| (i, 2)),
        line.find(':').map(|i| (i, 1)),
        line.find("： ").map(|i| (i, 4)),
    ];
    let (i, len) = at.into_iter().flatten().min_by_key(|(i, _)| *i)?;
    let text = line[i + len..].trim_start_matches([' ', '\t', ':', '：']).trim();
    let (who, narrates) = name(line[..i].trim())?;
    // A sentence of action with two spaces in it is no name.
    let sentence = who.ends_with(['다', '요']) && who.contains(' ');
    (!text.is_empty() && !sentence && text.chars().any(char::is_alphanumeric)).then_some((who, narrates, text))
}

fn caption(line: &str) -> Option<&str> {
    let bare = line.trim_start_matches(['(', '<', '[', '-', ' ']);
    ["자막", "타이틀", "SUPER", "TITLE", "T"].iter().find_map(|k| {
        let rest = bare.strip_prefix(k)?;
        let rest = rest.trim_start().strip_prefix([':', ')', '>', ']', '：'])?;
        Some(rest.trim().trim_end_matches([')', ']', '>'])).filter(|r| r.chars().any(char::is_alphanumeric))
    })
}

/// A character of Fountain: capitals alone, or `@`.
fn cue(line: &str) -> Option<(String, bool)> {
    if let Some(forced) = line.strip_prefix('@') {
        return name(forced);
    }
    let letters = line.split('(').next().unwrap_or(line);
    let capital = letters.chars().any(|c| c.is_ascii_uppercase())
        && !letters.chars().any(|c| c.is_lowercase() || korean::hangul(c));
    if capital { name(line) } else { None }
}

/// A name in Hangul alone on its line, above what is said: it speaks elsewhere in the script as well, or is too short to be
/// a sentence of action.
fn korean_cue(line: &str, speakers: &HashSet<String>, was_blank: bool) -> Option<(String, bool)> {
    let letters = line.chars().all(korean::hangul);
    let known = speakers.contains(line) || (was_blank && letters && line.chars().count() <= 4);
    name(line).filter(|_| known)
}

/// Who speaks on one line with his name, and names that stand alone on several lines.
fn speakers(lines: &[&str]) -> HashSet<String> {
    let mut alone: HashMap<&str, usize> = HashMap::new();
    let mut found = HashSet::new();
    for raw in lines {
        let line = raw.trim();
        if let Some((who, ..)) = same_line(line) {
            found.insert(who);
        } else if !line.is_empty() && line.chars().all(korean::hangul) && line.chars().count() <= NAME_MAX {
            *alone.entry(line).or_default() += 1;
        }
    }
    found.extend(alone.into_iter().filter(|(_, n)| *n > 1).map(|(line, _)| line.to_owned()));
    found
}

/// Without boneyard (`/* */`) and notes (`[[ ]]`).
fn uncommented(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let next = ["/*", "[["].iter().filter_map(|m| rest.find(m).map(|i| (i, *m))).min();
        let Some((i, mark)) = next else { break };
        out.push_str(&rest[..i]);
        let close = if mark == "/*" { "*/" } else { "]]" };
        match rest[i + 2..].find(close) {
            Some(end) => rest = &rest[i + 2 + end + 2..],
            // One that is never closed is text.
            None => {
                out.push_str(mark);
                rest = &rest[i + 2..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Lines of a title page at the beginning.
fn title_page(lines: &[&str]) -> usize {
    let key = |l: &str| {
        let (k, _) = l.split_once(':')?;
        let known = [
            "title",
            "credit",
            "author",
            "authors",
            "source",
            "draft date",
            "contact",
            "copyright",
            "notes",
            "제목",
            "작가",
            "극본",
            "각본",
            "연출",
            "감독",
            "날짜",
            "연락처",
            "원작",
            "기획",
        ];
        known.contains(&k.trim().to_lowercase().as_str()).then_some(())
    };
    let first = lines.iter().position(|l| !l.trim().is_empty()).unwrap_or(0);
    if lines.get(first).is_none_or(|l| key(l).is_none()) {
        return 0;
    }
    first
        + lines[first..]
            .iter()
            .position(|l| l.trim().is_empty() || !(key(l).is_some() || l.starts_with([' ', '\t'])))
            .unwrap_or(lines.len() - first)
}

/// The sentences of a line of action, each with its mark.
pub fn split(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut one = String::new();
    let chars: Vec<char> = text.chars().collect();
    for (i, c) in chars.iter().enumerate() {
        one.push(*c);
        let ends = matches!(c, '.' | '?' | '!' | '…' | '。') && chars.get(i + 1).is_none_or(|n| n.is_whitespace());
        if ends && one.chars().filter(|c| c.is_alphanumeric()).count() > 1 {
            out.push(std::mem::take(&mut one).trim().to_owned());
        }
    }
    out.push(one.trim().to_owned());
    out.retain(|s| s.chars().any(char::is_alphanumeric));
    out
}

/// The scenes of a script. What stands before the first heading is a scene without a place.
pub fn scenes(text: &str) -> Vec<Scene> {
    let clean = uncommented(&text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{feff}'], "\n"));
    let lines: Vec<&str> = clean.lines().collect();
    let speakers = speakers(&lines);
    let mut out = vec![Scene::default()];
    let mut speaker: Option<(String, bool)> = None;
    let mut blank = true;
    for (i, raw) in lines.iter().enumerate().skip(title_page(&lines)) {
        let line = raw.trim();
        let was_blank = std::mem::replace(&mut blank, line.is_empty());
        if line.is_empty() {
            speaker = None;
            continue;
        }
        let Some(scene) = out.last_mut() else { break };
        if let Some(rest) = numbered_heading(line).or_else(|| fountain_heading(line)) {
            out.push(heading(rest));
            speaker = None;
        } else if line.starts_with("==") || line.starts_with('=') || line.starts_with('#') {
            continue;
        } else if let Some(mark) = transition(line) {
            scene.transition = Some(mark);
        } else if let Some(words) = caption(line) {
            scene.pieces.push(Piece::Subtitle(short(words, 400)));
        } else if let Some(named) =
            korean_cue(line, &speakers, was_blank).filter(|_| lines.get(i + 1).is_some_and(|l| !l.trim().is_empty()))
        {
            speaker = Some(named);
        } else if let Some((who, narrates)) = &speaker {
            speak(scene, who, *narrates, line);
        } else if let Some((who, narrates)) =
            cue(line).filter(|_| was_blank && lines.get(i + 1).is_some_and(|l| !l.trim().is_empty()))
        {
            speaker = Some((who, narrates));
        } else if let Some((who, narrates, words)) = same_line(raw.trim_end().trim_start()) {
            add(scene, &who, narrates, words);
        } else if raw.starts_with(['\t', ' '])
            && raw.len() - raw.trim_start().len() >= 2
            && follows_speech(scene, was_blank)
        {
            extend(scene, line);
        } else {
            let action = line.trim_start_matches(['!', '~', '>']).trim_end_matches('<').trim();
            scene.pieces.extend(split(&short(action, 4_000)).into_iter().map(Piece::Action));
        }
    }
    out.retain(|s| !s.pieces.is_empty() || !s.place.is_empty());
    out
}

fn follows_speech(scene: &Scene, was_blank: bool) -> bool {
    !was_blank && matches!(scene.pieces.last(), Some(Piece::Speech { .. } | Piece::Narration(_)))
}

fn add(scene: &mut Scene, who: &str, narrates: bool, words: &str) {
    let text = short(words, 900);
    scene.pieces.push(if narrates { Piece::Narration(text) } else { Piece::Speech { who: who.to_owned(), text } });
}

fn extend(scene: &mut Scene, words: &str) {
    if let Some(Piece::Speech { text, .. } | Piece::Narration(text)) = scene.pieces.last_mut() {
        *text = short(&format!("{text} {words}"), 900);
    }
}

/// A line below a cue: goes on with what the speaker says, unless this is the first one.
fn speak(scene: &mut Scene, who: &str, narrates: bool, line: &str) {
    let goes_on = match scene.pieces.last() {
        Some(Piece::Speech { who: last, .. }) => !narrates && last == who,
        Some(Piece::Narration(_)) => narrates,
        _ => false,
    };
    if goes_on { extend(scene, line) } else { add(scene, who, narrates, line) }
}
