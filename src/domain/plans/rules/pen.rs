//! Writes sentences: fills a pattern's slots with a story's facts, and writes nothing twice.

use std::collections::HashSet;

use crate::base::dice::Dice;
use crate::domain::plans::story::Inputs;

use super::korean;
use super::premise::{self, Premise};
use super::words_camera::Mood;
use super::words_worlds::World;
use super::words_worlds_more::{self as worlds, ANYWHERE};

/// What the sentences of a plan are about: the one-liner's facts, and the world's where it says nothing.
pub struct Facts {
    /// Who.
    pub hero: String,
    /// Who, at the first mention.
    pub who: String,
    /// The hero has hands and a face.
    pub human: bool,
    /// Somebody else.
    pub other: Option<String>,
    /// Where.
    pub place: String,
    /// When.
    pub time: String,
    /// With what.
    pub thing: String,
    /// The thing as it is seen: of an app, its screen.
    pub item: String,
    /// What it comes down to.
    pub topic: String,
    /// What the hero does, before a noun.
    pub act: Option<String>,
    /// What the hero has done, before a noun.
    pub past: Option<String>,
    /// The same at the end of a sentence.
    pub deed: Option<String>,
    /// For whom.
    pub target: Option<String>,
    /// The tone as it was written.
    pub tone: Option<String>,
    /// The surroundings.
    pub world: &'static World,
    /// The thing, where the one-liner names it.
    pub own: Option<String>,
    /// The hero is one, and speaks with one voice.
    pub single: bool,
    /// How it feels.
    pub mood: Mood,
}

/// Ends of things that are seen on a screen alone.
const DIGITAL: &str = "앱 어플 플랫폼 서비스 소프트웨어 프로그램 사이트 웹사이트 게임 솔루션 챗봇";

/// Ends of words for several people.
const GROUPS: &str = "들 부부 연인 가족 커플 남매 형제 자매 쌍둥이 밴드 사람";

/// `text` without what could break a sentence; `None` when nothing is left or too much.
fn phrase(text: &str, max: usize) -> Option<String> {
    let clean: String =
        text.chars().map(|c| if c.is_alphanumeric() || matches!(c, '~' | '-' | '%' | '&') { c } else { ' ' }).collect();
    let joined = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = joined.chars().next_back()?;
    (joined.chars().count() <= max && (korean::hangul(end) || end.is_ascii_alphanumeric())).then_some(joined)
}

impl Facts {
    /// The facts of `inputs`.
    pub fn of(inputs: &Inputs, dice: &mut Dice) -> Facts {
        let Premise { hero, hero_full, human, other, place, time, things, act, deed, topic, nouns } =
            premise::read(&inputs.one_liner);
        let world = worlds::choose(&nouns, place.as_deref(), dice.roll(3));
        let mood = Mood::of(&inputs.tone);
        let found = hero.is_some();
        let hero = hero.unwrap_or_else(|| world.hero.to_owned());
        let times: &[&str] = match mood {
            Mood::Warm => &["늦은 오후", "초저녁", "이른 아침"],
            Mood::Tense => &["깊은 밤", "새벽", "어스름한 저녁"],
            Mood::Wistful => &["해 질 녘", "늦가을 오후", "새벽"],
            Mood::Bright => &["맑은 아침", "한낮", "주말 오후"],
            Mood::Sleek => &["도시의 밤", "이른 아침", "한낮"],
            Mood::Calm | Mood::Plain => &["이른 아침", "늦은 오후", "해 질 녘", "저녁"],
        };
        let place = place.unwrap_or_else(|| world.place.to_owned());
        let clash = |thing: &&String| !place.contains(thing.as_str()) && !hero.contains(thing.as_str());
        let own = things.iter().find(clash).cloned();
        let thing = own.clone().unwrap_or_else(|| world.thing.to_owned());
        // A son (아들) ends like several people and is one.
        let many = GROUPS.split(' ').any(|g| hero.ends_with(g) && !hero.ends_with("아들"))
            || hero.starts_with("두 ")
            || hero.starts_with("세 ");
        let single = !many && hero_full.as_deref().is_none_or(|h| !h.starts_with("두 "));
        let item =
            if DIGITAL.split(' ').any(|d| thing.ends_with(d)) { format!("{thing} 화면") } else { thing.clone() };
        Facts {
            who: hero_full.unwrap_or_else(|| hero.clone()),
            topic: topic.unwrap_or_else(|| format!("{hero}의 이야기")),
            human: human || !found,
            time: time.unwrap_or_else(|| (*dice.of(times)).to_owned()),
            other: other.filter(|o| !hero.contains(o.as_str())),
            target: phrase(&inputs.target, 20),
            hero,
            place,
            thing,
            past: act.clone().filter(|a| !a.ends_with(['는', '던'])),
            act: act.filter(|a| a.ends_with(['는', '던'])),
            deed,
            item,
            tone: phrase(&inputs.tone, 20),
            world,
            own,
            single,
            mood,
        }
    }

    fn slot(&self, name: &str) -> Option<&str> {
        match name {
            "hero" => Some(&self.hero),
            "who" => Some(&self.who),
            "other" => self.other.as_deref(),
            "place" => Some(&self.place),
            "time" => Some(&self.time),
            "thing" => Some(&self.thing),
            "item" => Some(&self.item),
            "tone" => self.tone.as_deref(),
            "topic" => Some(&self.topic),
            "act" => self.act.as_deref(),
            "past" => self.past.as_deref(),
            "deed" => self.deed.as_deref(),
            "own" => self.own.as_deref(),
            "target" => self.target.as_deref(),
            _ => None,
        }
    }
}

/// Writes for one plan.
pub struct Pen<'a> {
    /// What it writes about.
    pub facts: &'a Facts,
    /// Its choices.
    pub dice: Dice,
    /// Sentences that stand in the plan.
    taken: HashSet<String>,
    /// Sentences that it had better not write again.
    stale: HashSet<String>,
    used: HashSet<&'static str>,
    props: Vec<&'static str>,
    /// How often the one-liner's clause was said.
    clauses: u32,
}

/// How often a plan says the one-liner's clause.
const CLAUSES: u32 = 4;

/// The sentences of a text, without the marks that end them.
pub fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split(['.', '?', '!', '\n']).map(str::trim).filter(|s| !s.is_empty())
}

impl<'a> Pen<'a> {
    /// A pen that repeats nothing of `kept`, and of `old` only what it must.
    pub fn new(facts: &'a Facts, mut dice: Dice, kept: &[&str], old: &[&str]) -> Pen<'a> {
        let all =
            |texts: &[&str]| texts.iter().flat_map(|t| sentences(t)).map(str::to_owned).collect::<HashSet<String>>();
        let mut props: Vec<&'static str> = facts.world.props.iter().chain(ANYWHERE.props).copied().collect();
        props.dedup();
        let mut mixed: Vec<&'static str> = Vec::with_capacity(props.len());
        while !props.is_empty() {
            // The nearer world's come first on the whole: they are drawn from the back.
            let one = props.swap_remove(dice.roll(props.len()));
            if !mixed.contains(&one) {
                mixed.push(one);
            }
        }
        mixed.sort_by_key(|p| facts.world.props.contains(p));
        Pen { facts, dice, taken: all(kept), stale: all(old), used: HashSet::new(), props: mixed, clauses: 0 }
    }

    /// The pattern with its slots filled; `None` where a fact is missing.
    fn fill(&self, pattern: &'static str) -> Option<String> {
        let body = match pattern.strip_prefix('!') {
            Some(_) if !self.facts.human => return None,
            Some(body) if !self.facts.single && body.starts_with("{hero}: ") => return None,
            Some(body) => body,
            None => pattern,
        };
        let mut out = String::with_capacity(body.len() * 2);
        let mut rest = body;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let (slot, tail) = after.split_once('}')?;
            let (name, particle) = match slot.split_once(':') {
                Some((name, particle)) => (name, particle),
                None => (slot, ""),
            };
            let word = if name == "prop" { self.props.last().copied()? } else { self.facts.slot(name)? };
            out.push_str(word);
            out.push_str(korean::particle(word, particle));
            rest = tail;
        }
        out.push_str(rest);
        Some(out)
    }

    /// Speaks of what not every one-liner tells.
    fn own(pattern: &str) -> bool {
        ["{act", "{past", "{deed", "{other", "{target", "{tone", "{own"].iter().any(|s| pattern.contains(s))
    }

    fn clause(pattern: &str) -> bool {
        pattern.contains("{act}") || pattern.contains("{past}") || pattern.contains("{deed}")
    }

    fn free(&self, text: &str) -> bool {
        sentences(text).all(|s| !self.taken.contains(s)) && !doubled(text)
    }

    /// A sentence of `stock` that the plan does not hold yet.
    pub fn line(&mut self, stock: &[&'static str]) -> Option<String> {
        self.pick(stock).map(|(_, text)| text)
    }

    fn pick(&mut self, stock: &[&'static str]) -> Option<(&'static str, String)> {
        let mut left: Vec<&'static str> = stock.to_vec();
        // Two times of three, what the one-liner itself says comes first.
        let own = self.dice.roll(3) > 0;
        let mut second: Option<(&'static str, String)> = None;
        let mut found = None;
        while !left.is_empty() {
            let told = left.iter().filter(|p| own && Self::own(p)).count();
            let pattern = match told {
                0 => left.swap_remove(self.dice.roll(left.len())),
                n => {
                    let nth = self.dice.roll(n);
                    let at = left.iter().enumerate().filter(|(_, p)| Self::own(p)).map(|(i, _)| i).nth(nth);
                    left.swap_remove(at.unwrap_or(0))
                }
            };
            if (self.used.contains(pattern) && !pattern.contains("{prop"))
                || (Self::clause(pattern) && self.clauses >= CLAUSES)
            {
                continue;
            }
            let Some(text) = self.fill(pattern).filter(|t| self.free(t)) else { continue };
            if sentences(&text).any(|s| self.stale.contains(s)) {
                second.get_or_insert((pattern, text));
                continue;
            }
            found = Some((pattern, text));
            break;
        }
        let (pattern, text) = found.or(second)?;
        self.used.insert(pattern);
        self.clauses += u32::from(Self::clause(pattern));
        if pattern.contains("{prop") {
            self.props.pop();
        }
        self.taken.extend(sentences(&text).map(str::to_owned));
        Some((pattern, text))
    }

    /// A sentence of `lines` with the title that stands at the same place in `titles`, while that is free.
    pub fn pair(&mut self, titles: &[&'static str], lines: &[&'static str]) -> Option<(Option<String>, String)> {
        let (pattern, text) = self.pick(lines)?;
        let title = lines.iter().position(|l| *l == pattern).and_then(|i| titles.get(i)).and_then(|t| self.line(&[t]));
        Some((title, text))
    }

    /// The same, from the first stock that has one left.
    pub fn must(&mut self, stocks: &[&[&'static str]]) -> String {
        stocks.iter().find_map(|s| self.line(s)).unwrap_or_default()
    }

    /// A sentence about what the hero does, without the subject where `after` has just named it.
    pub fn act(&mut self, after: &str) -> Option<String> {
        let alone =
            after.contains(self.facts.hero.as_str()) && self.facts.other.as_deref().is_none_or(|o| !after.contains(o));
        let acts = self.facts.world.acts;
        if !self.facts.human {
            return None;
        }
        let bare: Vec<&'static str> = acts.iter().map(|a| a.strip_prefix("{hero:이} ").unwrap_or(a)).collect();
        self.line(if alone { &bare } else { acts })
    }
}

/// A word that is said twice in a row, as 카페의 카페 or 밤 밤.
fn doubled(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().map(|w| w.trim_end_matches(['.', ',', '?', '!'])).collect();
    let stem = |w: &str| -> String {
        w.strip_suffix(['의', '을', '를', '은', '는', '이', '가', '에'])
            .filter(|s| !s.is_empty())
            .unwrap_or(w)
            .to_owned()
    };
    words.windows(2).any(|w| w[0] == w[1] || (w[0].chars().count() > 1 && stem(w[0]) == stem(w[1])))
}
