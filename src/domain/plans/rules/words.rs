//! One word of a one-liner: noun with its particle, verb before a noun, end of a sentence, or nothing to hold on to.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::korean::{self, Ending};
use super::words_nouns as known;

/// What a noun names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A human being.
    Person,
    /// An animal, a machine, a ghost: it acts, but without hands.
    Being,
    /// A place.
    Place,
    /// A time of day or year.
    Time,
    /// What can be shown.
    Thing,
    /// What cannot.
    Abstract,
    /// The name of a form: 이야기, 영상.
    Meta,
}

/// A word, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A noun and the particle behind it, or "".
    Noun {
        /// Without its particle.
        stem: String,
        /// As written.
        particle: &'static str,
        /// What it names.
        kind: Kind,
    },
    /// A verb before a noun.
    Verb,
    /// A verb that ends the sentence, in its form before a noun.
    End(String),
    /// An adjective or determiner before a noun.
    Modifier,
    /// Anything else.
    Other,
}

fn set(list: &'static str) -> HashSet<&'static str> {
    list.split_whitespace().collect()
}

static KINDS: LazyLock<HashMap<&'static str, Kind>> = LazyLock::new(|| {
    let lists = [
        (known::WHOLE, Kind::Thing),
        (known::ABSTRACT, Kind::Abstract),
        (known::PLACES, Kind::Place),
        (known::TIMES, Kind::Time),
        (known::META, Kind::Meta),
        (known::PEOPLE, Kind::Person),
        (known::BEINGS, Kind::Being),
    ];
    let mut kinds = HashMap::new();
    for (list, kind) in lists {
        kinds.extend(list.split_whitespace().map(|w| (w, kind)));
    }
    for artist in
        ["작가", "화가", "음악가", "작곡가", "소설가", "만화가", "도예가", "창업가", "탐험가", "활동가", "과학자"]
    {
        kinds.insert(artist, Kind::Person);
    }
    for place in ["바닷가", "강가", "냇가", "가게", "제주도", "도서관", "도시"] {
        kinds.insert(place, Kind::Place);
    }
    kinds
});
static ADVERBS: LazyLock<HashSet<&str>> = LazyLock::new(|| set(known::ADVERBS));
static DETERMINERS: LazyLock<HashSet<&str>> = LazyLock::new(|| set(known::DETERMINERS));
static ADJECTIVES: LazyLock<HashSet<&str>> = LazyLock::new(|| set(known::ADJECTIVES));
static STOP: LazyLock<HashSet<&str>> = LazyLock::new(|| set(known::ENGLISH_STOP));

/// Particles with what must stand before them; the longest first.
const PARTICLES: [(&str, Option<Ending>); 36] = [
    ("에서부터", None),
    ("으로부터", Some(Ending::Closed)),
    ("에게서", None),
    ("이라는", Some(Ending::Closed)),
    ("까지의", None),
    ("에서의", None),
    ("과의", Some(Ending::Closed)),
    ("와의", Some(Ending::Open)),
    ("로부터", Some(Ending::Open)),
    ("까지", None),
    ("부터", None),
    ("에서", None),
    ("에게", None),
    ("한테", None),
    ("께서", None),
    ("처럼", None),
    ("보다", None),
    ("마다", None),
    ("으로", Some(Ending::Closed)),
    ("라는", Some(Ending::Open)),
    ("이랑", Some(Ending::Closed)),
    ("에는", None),
    ("만의", None),
    ("만이", None),
    ("을", Some(Ending::Closed)),
    ("를", Some(Ending::Open)),
    ("은", Some(Ending::Closed)),
    ("는", Some(Ending::Open)),
    ("이", Some(Ending::Closed)),
    ("가", Some(Ending::Open)),
    ("과", Some(Ending::Closed)),
    ("와", Some(Ending::Open)),
    ("로", Some(Ending::Open)),
    ("의", None),
    ("에", None),
    ("도", None),
];

/// Ends of verbs that go on to the next verb.
const CONNECTIVES: &str = "하고 되고 가고 오고 먹고 들고 타고 싣고 품고 안고 잡고 두고 쓰고 보고 걷고 입고 찾고 잃고 놓고 지고 나고 받고 알고 살고 없고 있고 \
    면서 하며 으며 이며 려고 지만 도록 다가 아서 어서 여서 해서 와서 가서 려서 져서 으면 하면 자마자 하게 되어 되며 채로 으러 하러 러";
/// Verbs made nouns.
const GERUNDS: &str =
    "하기 되기 가기 오기 보기 먹기 살기 찾기 들기 우기 리기 지기 치기 나기 쓰기 주기 받기 걷기 놓기 함 됨";
const JOINED: &str = "고아어여해돼워려져쳐켜겨봐줘눠춰꿔둬셔혀며";
const FISH: &str = "상어 연어 문어 장어 인어 영어 언어 한국어 고등어 오징어 붕어 잉어 민어 홍어 방어 아시아 코리아 보고 광고 창고 사고 최고 냉장고 수레";

fn ends(word: &str, list: &str) -> bool {
    list.split(' ').filter(|e| !e.is_empty()).any(|e| word.ends_with(e))
}

/// What `noun` names; `None` for a word that is in no list.
pub fn listed(noun: &str) -> Option<Kind> {
    let single = noun.strip_suffix('들').unwrap_or(noun);
    KINDS.get(noun).or_else(|| KINDS.get(single)).copied()
}

/// What `noun` names, by the lists and by its last syllables.
pub fn kind(noun: &str) -> Kind {
    let single = noun.strip_suffix('들').unwrap_or(noun);
    if let Some(kind) = listed(noun) {
        return kind;
    }
    if ends(single, known::PEOPLE_ENDS) {
        Kind::Person
    } else if ends(single, known::PLACE_ENDS) {
        Kind::Place
    } else if noun.starts_with(|c: char| c.is_ascii_digit()) || ends(noun, GERUNDS) {
        Kind::Abstract
    } else {
        Kind::Thing
    }
}

fn noun(stem: &str, particle: &'static str) -> Word {
    Word::Noun { stem: stem.to_owned(), particle, kind: kind(stem) }
}

fn cut(word: &str) -> Option<(&str, &'static str)> {
    PARTICLES.iter().find_map(|(p, needs)| {
        let stem = word.strip_suffix(p).filter(|s| !s.is_empty())?;
        let end = korean::ending(stem);
        let fits = match needs {
            None => stem.chars().count() > 1 || listed(stem).is_some() || *p == "의" || *p == "에서",
            Some(Ending::Open) => end == Ending::Open || (end == Ending::Rieul && matches!(*p, "로" | "로부터")),
            Some(_) => end != Ending::Open,
        };
        (fits && !(*p == "도" && stem.chars().count() < 2)).then_some((stem, *p))
    })
}

fn english(word: &str, mixed: bool) -> Word {
    let low = word.to_lowercase();
    let low = low.strip_suffix("'s").or(low.strip_suffix("’s")).unwrap_or(&low);
    if let Some((_, kind, korean)) = known::ENGLISH.iter().find(|(w, ..)| *w == low) {
        let kind = match kind {
            'p' => Kind::Person,
            'b' => Kind::Being,
            'l' => Kind::Place,
            't' => Kind::Time,
            'o' => Kind::Thing,
            _ if matches!(*korean, "이야기" | "영화" | "영상") => Kind::Meta,
            _ => Kind::Abstract,
        };
        return Word::Noun { stem: (*korean).to_owned(), particle: "", kind };
    }
    let plain = word.chars().all(|c| c.is_ascii_lowercase());
    let verbal = plain && ["s", "ed", "ing", "ly"].iter().any(|e| low.ends_with(e));
    if STOP.contains(low) || low.chars().count() < 2 || (!mixed && verbal) {
        return Word::Other;
    }
    noun(word, "")
}

/// Reads `word`, cleaned of punctuation. `last`: it ends its sentence. `mixed`: the sentence has Hangul in it.
pub fn read(word: &str, last: bool, mixed: bool) -> Word {
    if word.is_ascii() && word.contains(|c: char| c.is_ascii_alphabetic()) {
        return english(word, mixed);
    }
    if word == "AI" || listed(word).is_some() {
        return noun(word, "");
    }
    if ADVERBS.contains(word) {
        return Word::Other;
    }
    if DETERMINERS.contains(word) || ADJECTIVES.contains(word) || word.ends_with("적인") || word.ends_with("스러운")
    {
        return Word::Modifier;
    }
    let known_noun = cut(word).is_some_and(|(stem, _)| listed(stem).is_some());
    let size = word.chars().count();
    if !known_noun {
        if word == "싶은"
            || size > 1 && word.ends_with('던') && word != "모던"
            || ends(word, known::VERBS_NOW)
            || ends(word, known::VERBS_PAST)
            || ends(word, "않는 못하는")
        {
            return Word::Verb;
        }
        if size > 2 && word.ends_with('한') {
            return Word::Verb;
        }
        if last && let Some(before) = korean::adnominal(word) {
            return Word::End(before);
        }
    }
    if let Some((stem, particle)) = cut(word) {
        return noun(stem, particle);
    }
    let joins = ends(word, CONNECTIVES) || word.ends_with(|c| JOINED.contains(c));
    if size < 2 || (joins && !ends(word, FISH)) || word.ends_with('다') && last {
        return Word::Other;
    }
    noun(word, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(word: &str) -> (String, &'static str, Kind) {
        match read(word, false, true) {
            Word::Noun { stem, particle, kind } => (stem, particle, kind),
            other => panic!("{word}: {other:?}"),
        }
    }

    #[test]
    fn nouns_lose_their_particles_and_nothing_else() {
        for (word, stem, particle, kind) in [
            ("신입사원의", "신입사원", "의", Kind::Person),
            ("붕어빵을", "붕어빵", "을", Kind::Thing),
            ("아버지와", "아버지", "와", Kind::Person),
            ("고양이", "고양이", "", Kind::Being),
            ("고양이가", "고양이", "가", Kind::Being),
            ("골목에서", "골목", "에서", Kind::Place),
            ("서울로", "서울", "로", Kind::Place),
            ("동네책방에서", "동네책방", "에서", Kind::Place),
            ("barista가", "barista", "가", Kind::Thing),
            ("사과를", "사과", "를", Kind::Thing),
            ("누나는", "누나", "는", Kind::Person),
        ] {
            assert_eq!(shape(word), (stem.to_owned(), particle, kind));
        }
    }

    #[test]
    fn verbs_are_told_from_nouns() {
        for word in ["먹는", "떠나는", "은퇴한", "잃어버린", "지키는", "여는"] {
            assert_eq!(read(word, false, true), Word::Verb, "{word}");
        }
        assert_eq!(read("떠난다", true, true), Word::End("떠나는".into()));
        assert_eq!(read("따뜻한", false, true), Word::Modifier);
        assert_eq!(read("나눠", false, true), Word::Other);
    }
}
