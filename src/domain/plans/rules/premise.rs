//! What a one-liner gives: who, with whom, where, when, with what, and what they do.

use super::korean;
use super::words::{self, Kind, Word};
use super::words_nouns::DETERMINERS;

/// Longest noun, and longest clause, that a sentence carries; in characters.
const NOUN_MAX: usize = 14;
const CLAUSE_MAX: usize = 34;
const TOPIC_MAX: usize = 26;

/// Ideas that name no sort of thing.
const UNSORTED: &str = "마지막 처음 하루 매일 오늘 내일 어제 순간 동안 덕분 때문 대신 우리 자신 자기 모두 만에 평생 신입 다음 이름 무엇 누구 고장 전국";

/// The facts of a one-liner. `None` and empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Premise {
    /// Who it is about.
    pub hero: Option<String>,
    /// The same with what stands before it: 은퇴한 우주비행사.
    pub hero_full: Option<String>,
    /// The hero has hands and a face.
    pub human: bool,
    /// Somebody else.
    pub other: Option<String>,
    /// Where.
    pub place: Option<String>,
    /// When.
    pub time: Option<String>,
    /// Things that can be shown, the most important first.
    pub things: Vec<String>,
    /// What the hero does, before a noun: "붕어빵을 아버지와 나눠 먹는".
    pub act: Option<String>,
    /// The same as the end of a sentence, without the full stop.
    pub deed: Option<String>,
    /// The noun phrase that the line comes down to.
    pub topic: Option<String>,
    /// All nouns: they choose the world.
    pub nouns: Vec<String>,
}

/// A word at its place.
#[derive(Debug)]
struct Token {
    text: String,
    word: Word,
    /// Punctuation follows.
    stop: bool,
}

fn keep(c: char) -> bool {
    korean::hangul(c) || c.is_ascii_alphanumeric() || matches!(c, '\'' | '’' | '-')
}

fn tokens(line: &str) -> Vec<Token> {
    let mixed = line.chars().any(korean::hangul);
    let mut pieces: Vec<(String, bool)> = Vec::new();
    for raw in line.split_whitespace() {
        let open = raw.split(|c: char| !keep(c)).map(|p| p.trim_matches(['\'', '’', '-'])).filter(|p| !p.is_empty());
        let before = pieces.len();
        pieces.extend(open.map(|p| (p.to_owned(), true)));
        if let Some(last) = pieces.last_mut().filter(|_| pieces_grew(before, raw)) {
            last.1 = raw.ends_with(|c: char| !keep(c));
        }
    }
    let total = pieces.len();
    let mut out: Vec<Token> = Vec::with_capacity(total.min(120));
    for (i, (text, stop)) in pieces.into_iter().take(120).enumerate() {
        let last = stop || i + 1 == total;
        let word = match (text.as_str(), out.last()) {
            // 산 is a mountain, except after what was bought with or where.
            ("산", Some(Token { word: Word::Noun { particle: "으로" | "로" | "에서" | "에게서", .. }, .. }))
                if !last =>
            {
                Word::Verb
            }
            _ if text.chars().count() > 24 => Word::Other,
            // A verb follows its object, whether it is known or not.
            (w, Some(Token { word: Word::Noun { particle: "을" | "를", .. }, stop: false, .. }))
                if !last && w.ends_with('는') =>
            {
                Word::Verb
            }
            _ => words::read(&text, last, mixed),
        };
        out.push(Token { text, word, stop });
    }
    out
}

fn pieces_grew(before: usize, raw: &str) -> bool {
    raw.chars().any(keep) || before == 0
}

impl Token {
    fn noun(&self) -> Option<(&str, &'static str, Kind)> {
        match &self.word {
            Word::Noun { stem, particle, kind } => Some((stem, particle, *kind)),
            _ => None,
        }
    }

    fn acts(&self) -> bool {
        matches!(self.noun(), Some((_, _, Kind::Person | Kind::Being)))
    }
}

/// The noun at `at` with the bare nouns before it: 동네 서점, 회계 앱.
fn compound(all: &[Token], at: usize) -> String {
    let Some((stem, _, kind)) = all[at].noun() else { return String::new() };
    let mut whole = stem.to_owned();
    let mut i = at;
    while i > 0 && at - i < 2 {
        let before = &all[i - 1];
        let Some((noun, "", before_kind)) = before.noun() else { break };
        let fits = match kind {
            Kind::Time => before_kind == Kind::Time,
            _ if matches!(before_kind, Kind::Time | Kind::Meta)
                || before_kind == Kind::Person && kind != Kind::Person =>
            {
                false
            }
            // An idea names a sort of thing (회계 앱), but no sort of person or place.
            _ => {
                before_kind != Kind::Abstract
                    || (kind == Kind::Thing && noun.chars().count() > 1 && !UNSORTED.split(' ').any(|u| u == noun))
            }
        };
        if before.stop || !fits || noun.chars().count() + whole.chars().count() >= NOUN_MAX || noun == stem {
            break;
        }
        whole = format!("{noun} {whole}");
        i -= 1;
    }
    whole
}

fn modified(all: &[Token], at: usize, noun: &str) -> Option<String> {
    let first = at.checked_sub(noun.split(' ').count())?;
    let before = &all[first];
    let single = matches!(before.word, Word::Modifier)
        && !matches!(before.text.as_str(), "위한" | "대한" | "관한" | "통한" | "향한" | "의한" | "인한");
    // A verb with nothing before it belongs to the noun alone.
    let lone = before.word == Word::Verb && (first == 0 || all[first - 1].stop);
    let short = before.text.chars().count() <= 6 && before.text != "몇";
    ((single || lone) && short && !before.stop).then(|| format!("{} {noun}", before.text))
}

fn is_verb(word: &Word) -> bool {
    matches!(word, Word::Verb | Word::End(_))
}

/// What happens: from where to where the clause stands, and who does it.
struct Clause {
    verb: usize,
    from: usize,
    hero: Option<usize>,
    /// Somebody or something else is the subject.
    strange: bool,
}

fn clause(all: &[Token]) -> Option<Clause> {
    let sentence = all.len();
    let verb = (0..sentence).rev().find(|i| is_verb(&all[*i].word))?;
    let ended = matches!(all[verb].word, Word::End(_));
    let becomes = |i: usize| {
        all.get(i + 1)
            .is_some_and(|t| t.text.starts_with('되') || t.text.starts_with("된") || t.text.starts_with("아닌"))
    };
    let subject =
        |i: &usize| matches!(all[*i].noun(), Some((_, "이" | "가" | "께서" | "은" | "는", _))) && !becomes(*i);
    let head = all[verb + 1..].iter().position(|t| t.noun().is_some()).map(|i| verb + 1 + i);
    let headed = head.filter(|h| !ended && compound_head(all, *h)).map(|h| last_of_compound(all, h));
    let doer = (0..verb).rev().find(|i| subject(i) && all[*i].acts());
    let hero = headed.or(doer);
    let embedded = |s: usize| (s + 1..verb).any(|i| is_verb(&all[i].word));
    let from = match hero {
        Some(h) if h < verb => h + 1,
        // A topic that acts not itself (우리 동네 빵집은 …) stands outside of the clause.
        _ => (0..verb)
            .rev()
            .find(|i| all[*i].stop || matches!(all[*i].noun(), Some((_, "은" | "는", _))))
            .map_or(0, |i| i + 1),
    };
    let strange = (from..verb).any(|i| subject(&i) && !embedded(i));
    Some(Clause { verb, from, hero, strange })
}

/// A verb before a noun as the end of a sentence in the present, in which plans are told: 먹는 → 먹는다, 나선 → 나선다,
/// 물려받은 → 물려받는다.
fn present(before: &str) -> Option<String> {
    match before.strip_suffix('은') {
        Some(stem) if stem.chars().next_back().is_some_and(korean::closed) => Some(format!("{stem}는다")),
        _ if before.ends_with('는') => korean::finite(before),
        // What has a past has a stem; the present of an open one looks like the form before a noun.
        _ => korean::finite(before).map(|_| format!("{before}다")),
    }
}

/// A thing without what says only that it is sold: 무선 이어폰 신제품 → 무선 이어폰.
fn plain_thing(name: &str) -> &str {
    name.strip_suffix(" 신제품").or_else(|| name.strip_suffix(" 제품")).unwrap_or(name)
}

/// The noun phrase that begins at `at` names somebody.
fn compound_head(all: &[Token], at: usize) -> bool {
    all[last_of_compound(all, at)].acts()
}

fn last_of_compound(all: &[Token], at: usize) -> usize {
    let mut i = at;
    while !all[i].stop
        && matches!(all[i].noun(), Some((_, "", _)))
        && !all[i].acts()
        && all.get(i + 1).is_some_and(|t| t.noun().is_some())
    {
        i += 1;
    }
    if all[i].acts() { i } else { at }
}

/// The clause's words before a noun and as an end; left words fall away until it is short enough.
fn spoken(all: &[Token], clause: &Clause) -> Option<(String, Option<String>)> {
    let before = match &all[clause.verb].word {
        Word::End(before) => before.clone(),
        _ if all[clause.verb].text == "싶은" => "싶어 하는".to_owned(),
        _ => all[clause.verb].text.clone(),
    };
    let ended = all[clause.verb].text.strip_suffix('다').filter(|s| !s.ends_with('니')).map(|s| format!("{s}다"));
    let end = match &all[clause.verb].word {
        Word::End(_) if ended.as_deref().is_some_and(|e| e.ends_with("하다") || e.ends_with("되다")) => {
            present(&before)
        }
        Word::End(_) => ended.or_else(|| present(&before)),
        _ => match before.rsplit_once(' ') {
            Some((first, last)) => present(last).map(|f| format!("{first} {f}")),
            None => present(&before),
        },
    };
    let mut from = clause.from;
    let length = |from: usize| {
        all[from..clause.verb].iter().map(|t| t.text.chars().count() + 1).sum::<usize>() + before.chars().count()
    };
    while from < clause.verb
        && (length(from) > CLAUSE_MAX || all[from].word == Word::Other && all[from].text.chars().count() < 2)
    {
        from += 1;
    }
    // "매일 먹는" says too little to be said again; so does a verb whose object fell away.
    let nouns = all[from..clause.verb].iter().filter(|t| t.noun().is_some()).count();
    if nouns == 0 {
        return None;
    }
    let lead: Vec<&str> = all[from..clause.verb].iter().map(|t| t.text.as_str()).collect();
    let mut lead = lead.join(" ");
    // "지구로 보내는 편지": what follows is the object of the verb.
    if clause.hero.is_none_or(|h| h < clause.verb)
        && let Some(at) = thing_after(all, clause.verb)
        && !all[from..clause.verb].iter().any(|t| matches!(t.noun(), Some((_, "을" | "를", _))))
    {
        lead = format!("{lead} {}", korean::with(plain_thing(&compound(all, at)), "을"));
    }
    Some((format!("{lead} {before}"), end.map(|e| format!("{lead} {e}"))))
}

/// The thing that a verb stands before: the last of bare nouns, unless a form or an idea follows at once.
fn thing_after(all: &[Token], verb: usize) -> Option<usize> {
    let thing = |i: usize| matches!(all.get(i).and_then(Token::noun), Some((_, _, Kind::Thing)));
    let mut i = verb + 1;
    if !thing(i) {
        return None;
    }
    while !all[i].stop && matches!(all[i].noun(), Some((_, "", _))) && thing(i + 1) {
        i += 1;
    }
    Some(i)
}

fn topic(all: &[Token], verb: Option<usize>, ended: bool) -> Option<String> {
    if ended {
        return None;
    }
    let from = verb.map_or(0, |v| v + 1);
    let mut part = &all[from..];
    while let Some(last) = part.last() {
        match last.noun() {
            Some((_, "", Kind::Meta)) => part = &part[..part.len() - 1],
            Some((_, "", _)) => break,
            _ => return None,
        }
    }
    let plain = part.iter().enumerate().all(|(i, t)| match &t.word {
        Word::Noun { particle, .. } => {
            matches!(*particle, "" | "의" | "과" | "와") || part.get(i + 1).is_some_and(|n| n.word == Word::Modifier)
        }
        word => *word == Word::Modifier,
    });
    let named = plain && part.iter().any(|t| matches!(t.noun(), Some((_, _, k)) if k != Kind::Meta));
    let text = part.iter().map(|t| t.text.as_str()).collect::<Vec<_>>().join(" ");
    let inner = part.iter().rev().skip(1).any(|t| t.stop);
    (named
        && text.contains(' ')
        && !inner
        && (2..=TOPIC_MAX).contains(&text.chars().count())
        && text.chars().any(korean::hangul))
    .then_some(text)
}

/// Reads a one-liner. Any text at all will do.
pub fn read(line: &str) -> Premise {
    let first: String = line.chars().take(500).collect();
    let all = tokens(&first);
    let mut p = Premise { human: true, ..Premise::default() };
    let end = all
        .iter()
        .position(|t| t.stop && is_verb(&t.word) && matches!(t.word, Word::End(_)))
        .map_or(all.len(), |i| i + 1);
    let main = &all[..end];
    let clause = clause(main);
    let hero = clause.as_ref().and_then(|c| c.hero).or_else(|| all.iter().position(Token::acts));
    if let Some(at) = hero {
        let name = compound(&all, at);
        p.human = matches!(all[at].noun(), Some((_, _, Kind::Person)));
        p.hero_full = modified(&all, at, &name);
        p.hero = Some(name);
        if p.hero.as_deref().is_some_and(|h| h.starts_with("사람")) {
            p.hero = p.hero_full.clone();
        }
    }
    if let Some(c) = &clause
        && let Some((act, deed)) = spoken(main, c)
    {
        p.deed = deed.filter(|_| !c.strange);
        p.act = Some(act);
    }
    p.topic = topic(
        main,
        clause.as_ref().map(|c| c.verb),
        clause.as_ref().is_some_and(|c| matches!(main[c.verb].word, Word::End(_))),
    );
    let mut ranked: Vec<(usize, String)> = Vec::new();
    for (i, token) in all.iter().enumerate() {
        let Some((stem, particle, kind)) = token.noun() else { continue };
        p.nouns.push(stem.to_owned());
        let heads =
            |t: &Token| t.noun().is_some_and(|(_, _, k)| !matches!(k, Kind::Meta | Kind::Abstract | Kind::Time));
        let joined = !token.stop && particle.is_empty() && all.get(i + 1).is_some_and(heads);
        let name = compound(&all, i);
        match kind {
            Kind::Person | Kind::Being
                if p.hero.as_deref().is_none_or(|h| !h.contains(stem)) && p.other.is_none() && !joined =>
            {
                p.other = Some(name);
            }
            Kind::Place
                if p.place.is_none()
                    && !joined
                    && (stem.chars().count() > 1 || !particle.is_empty() || token.text.is_ascii()) =>
            {
                p.place = Some(name)
            }
            Kind::Time if p.time.is_none() && !joined_time(&all, i) => p.time = Some(name),
            Kind::Thing if !joined && (particle.is_empty() || !matches!(particle, "처럼" | "보다" | "마다")) => {
                let rank = match particle {
                    "을" | "를" => 0,
                    "" if i + 1 == all.len() => 0,
                    "이" | "가" => 1,
                    "으로" | "로" | "" => 2,
                    _ => 3,
                };
                ranked.push((rank, name));
            }
            _ => {}
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    for (_, name) in ranked {
        let name = plain_thing(&name).to_owned();
        let fits = (2..=NOUN_MAX).contains(&name.chars().count()) || words::listed(&name) == Some(Kind::Thing);
        if fits && !p.things.contains(&name) && !DETERMINERS.split(' ').any(|d| d == name) {
            p.things.push(name);
        }
    }
    p.things.truncate(4);
    p
}

fn joined_time(all: &[Token], i: usize) -> bool {
    !all[i].stop
        && matches!(all[i].noun(), Some((_, "", _)))
        && matches!(all.get(i + 1).and_then(Token::noun), Some((_, _, Kind::Time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_who_where_when_and_what() {
        let p = read("첫 월급으로 산 붕어빵을 아버지와 나눠 먹는 신입사원의 겨울 저녁");
        assert_eq!(p.hero.as_deref(), Some("신입사원"));
        assert_eq!(p.other.as_deref(), Some("아버지"));
        assert_eq!(p.time.as_deref(), Some("겨울 저녁"));
        assert_eq!(p.things[0], "붕어빵");
        assert_eq!(p.act.as_deref(), Some("첫 월급으로 산 붕어빵을 아버지와 나눠 먹는"));
        assert_eq!(p.deed.as_deref(), Some("첫 월급으로 산 붕어빵을 아버지와 나눠 먹는다"));
        assert_eq!(p.topic.as_deref(), Some("신입사원의 겨울 저녁"));
    }

    #[test]
    fn the_subject_may_stand_first_or_last() {
        let p = read("은퇴한 우주비행사가 고향 섬에서 라면집을 여는 이야기");
        assert_eq!(p.hero_full.as_deref(), Some("은퇴한 우주비행사"));
        assert_eq!(p.deed.as_deref(), Some("고향 섬에서 라면집을 연다"));
        let p = read("할머니가 남긴 레시피로 국숫집을 여는 손녀");
        assert_eq!(p.hero.as_deref(), Some("손녀"));
        assert_eq!(p.deed.as_deref(), Some("할머니가 남긴 레시피로 국숫집을 연다"));
        let p = read("길 잃은 고양이가 집배원을 따라 마을을 한 바퀴 돈다.");
        assert_eq!(p.hero.as_deref(), Some("고양이"));
        assert!(!p.human);
    }

    #[test]
    fn any_text_is_read() {
        for line in
            ["", "…!?", "ㅋ", "🐟🐟", "a", "A barista who talks to ghosts", &"가".repeat(500), &"나는 ".repeat(250)]
        {
            let p = read(line);
            assert!(p.things.iter().all(|t| t.chars().count() <= NOUN_MAX), "{p:?}");
        }
        assert_eq!(read("A barista who talks to ghosts").hero.as_deref(), Some("바리스타"));
    }
}
