//! Korean by rule: which particle follows a word, and how a verb's form before a noun becomes the end of a sentence.

/// First and last precomposed syllable.
const SYLLABLES: std::ops::RangeInclusive<char> = '가'..='힣';

/// Indices of final consonants in Unicode's table.
const NIEUN: u32 = 4;
const RIEUL: u32 = 8;
const BIEUP: u32 = 17;
const SSANG_SIOT: u32 = 20;

/// How a word ends, as far as particles ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In a vowel.
    Open,
    /// In ㄹ: 으로 loses its 으.
    Rieul,
    /// In another consonant.
    Closed,
}

/// Initial, vowel and final of a syllable.
fn parts(c: char) -> Option<(u32, u32, u32)> {
    let n = SYLLABLES.contains(&c).then(|| c as u32 - '가' as u32)?;
    Some((n / 588, n % 588 / 28, n % 28))
}

fn syllable(initial: u32, vowel: u32, last: u32) -> char {
    char::from_u32('가' as u32 + initial * 588 + vowel * 28 + last).unwrap_or('가')
}

/// Does a syllable end in a consonant? No for whatever is no syllable.
pub fn closed(c: char) -> bool {
    parts(c).is_some_and(|(_, _, last)| last != 0)
}

/// Is it a precomposed syllable?
pub fn hangul(c: char) -> bool {
    SYLLABLES.contains(&c)
}

/// How `word` ends when it is read aloud: Hangul by its final, digits and Latin letters by their Korean reading.
pub fn ending(word: &str) -> Ending {
    let Some((at, last)) = word.char_indices().rev().find(|(_, c)| c.is_alphanumeric()) else { return Ending::Open };
    if let Some((_, _, jong)) = parts(last) {
        return match jong {
            0 => Ending::Open,
            RIEUL => Ending::Rieul,
            _ => Ending::Closed,
        };
    }
    match last {
        '1' | '7' | '8' => Ending::Rieul,
        '0' | '3' | '6' => Ending::Closed,
        'ㄱ'..='ㅎ' => Ending::Closed,
        'a'..='z' | 'A'..='Z' => latin(&word[..at + last.len_utf8()]),
        _ => Ending::Open,
    }
}

fn latin(word: &str) -> Ending {
    let start = word
        .rfind(|c: char| !c.is_ascii_alphabetic())
        .map_or(0, |i| i + word[i..].chars().next().map_or(1, char::len_utf8));
    let word = &word[start..];
    let spelled = word.chars().all(|c| c.is_ascii_uppercase()) && word.len() <= 4;
    let low = word.to_ascii_lowercase();
    let last = low.as_bytes()[low.len() - 1];
    if spelled {
        // Letters by their names: 엘, 알, 엠, 엔.
        return match last {
            b'l' | b'r' => Ending::Rieul,
            b'm' | b'n' => Ending::Closed,
            _ => Ending::Open,
        };
    }
    let before = low.len().checked_sub(2).map_or(0, |i| low.as_bytes()[i]);
    match (before, last) {
        (b'l', b'e') | (_, b'l') => Ending::Rieul,
        (b'm' | b'n', b'e') => Ending::Closed,
        (_, b'm' | b'n' | b'k' | b'p' | b'c' | b'b') => Ending::Closed,
        (b'n', b'g') => Ending::Closed,
        (b'a' | b'e' | b'i' | b'o' | b'u', b't') => Ending::Closed,
        _ => Ending::Open,
    }
}

/// The particle as it stands after `word`. `particle` is given in its form after a consonant: 은, 이, 을, 과, 으로,
/// 이라, 이나, 아, 이에요; anything else (의, 에서, 도 …) has one form alone and comes back as it is.
pub fn particle(word: &str, particle: &'static str) -> &'static str {
    let end = ending(word);
    let open = end == Ending::Open;
    match particle {
        "은" if open => "는",
        "이" if open => "가",
        "을" if open => "를",
        "과" if open => "와",
        "아" if open => "야",
        "이라" if open => "라",
        "이란" if open => "란",
        "이라는" if open => "라는",
        "이나" if open => "나",
        "이다" if open => "다",
        "이에요" if open => "예요",
        "으로" if end != Ending::Closed => "로",
        other => other,
    }
}

/// `word` with its particle.
pub fn with(word: &str, p: &'static str) -> String {
    format!("{word}{}", particle(word, p))
}

fn split(word: &str) -> Option<(&str, char)> {
    let last = word.chars().next_back()?;
    Some((&word[..word.len() - last.len_utf8()], last))
}

/// The plain end of a sentence from a verb's form before a noun: 먹는 → 먹는다, 떠나는 → 떠난다, 만드는 → 만든다,
/// 만난 → 만났다, 남은 → 남았다. `None` where the form does not tell.
pub fn finite(adnominal: &str) -> Option<String> {
    let (stem, last) = split(adnominal)?;
    if last == '는' {
        let (head, tail) = split(stem)?;
        let (initial, vowel, jong) = parts(tail)?;
        if matches!(tail, '있' | '없') {
            return Some(format!("{stem}다"));
        }
        return Some(match jong {
            0 => format!("{head}{}다", syllable(initial, vowel, NIEUN)),
            _ => format!("{stem}는다"),
        });
    }
    let (initial, vowel, jong) = parts(last)?;
    if last == '은' {
        let (_, v, j) = parts(split(stem)?.1)?;
        let bright = matches!(v, 0 | 8);
        return (j != 0).then(|| format!("{stem}{}다", if bright { "았" } else { "었" }));
    }
    if jong != NIEUN {
        return None;
    }
    // Vowels in Unicode's order: ㅏ0 ㅐ1 ㅓ4 ㅔ5 ㅕ6 ㅗ8 ㅘ9 ㅚ11 ㅜ13 ㅝ14 ㅞ15 ㅟ16 ㅡ18 ㅣ20.
    let past = match (last, vowel) {
        ('한', _) => '했',
        ('든', _) => return Some(format!("{stem}들었다")),
        ('른', _) => return None,
        (_, 0 | 1 | 4 | 5 | 6) => syllable(initial, vowel, SSANG_SIOT),
        (_, 8) => syllable(initial, 9, SSANG_SIOT),
        (_, 11) => syllable(initial, 10, SSANG_SIOT),
        (_, 13) => syllable(initial, 14, SSANG_SIOT),
        (_, 18) => syllable(initial, 4, SSANG_SIOT),
        (_, 20) => syllable(initial, 6, SSANG_SIOT),
        _ => return None,
    };
    Some(format!("{stem}{past}다"))
}

/// The form before a noun from the end of a sentence: 먹는다 → 먹는, 떠난다 → 떠나는, 만났다 → 만난, 시작합니다 →
/// 시작하는. `None` where the form does not tell.
pub fn adnominal(finite: &str) -> Option<String> {
    let stem = finite.strip_suffix('다')?;
    if let Some(stem) = stem.strip_suffix("습니") {
        let (head, tail) = split(stem)?;
        let (initial, vowel, jong) = parts(tail)?;
        return if jong == SSANG_SIOT && tail != '있' {
            past_adnominal(head, initial, vowel)
        } else {
            Some(format!("{stem}는"))
        };
    }
    if let Some(stem) = stem.strip_suffix('니') {
        let (head, tail) = split(stem)?;
        let (initial, vowel, jong) = parts(tail)?;
        return (jong == BIEUP).then(|| format!("{head}{}는", syllable(initial, vowel, 0)));
    }
    if stem.ends_with('는') {
        return Some(stem.to_owned());
    }
    let (head, tail) = split(stem)?;
    let (initial, vowel, jong) = parts(tail)?;
    match jong {
        NIEUN => Some(format!("{head}{}는", syllable(initial, vowel, 0))),
        _ if matches!(tail, '있' | '없') => Some(format!("{stem}는")),
        SSANG_SIOT => past_adnominal(head, initial, vowel),
        0 if tail == '하' || tail == '되' => Some(format!("{stem}는")),
        _ => None,
    }
}

fn past_adnominal(head: &str, initial: u32, vowel: u32) -> Option<String> {
    const SILENT: u32 = 11;
    if initial == SILENT && matches!(vowel, 0 | 4) {
        let (front, tail) = split(head)?;
        let (initial, vowel, jong) = parts(tail)?;
        return match jong {
            0 => None,
            RIEUL => Some(format!("{front}{}", syllable(initial, vowel, NIEUN))),
            _ => Some(format!("{head}은")),
        };
    }
    let (from, to) = match vowel {
        0 => (0, 0),
        1 if initial == 18 => (0, 0),
        1 => (1, 1),
        6 => (20, 20),
        9 => (8, 8),
        10 => (11, 11),
        14 => (13, 13),
        _ => return None,
    };
    Some(format!("{head}{}", syllable(initial, from.min(to), NIEUN)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particles_follow_the_sound_of_the_word() {
        for (word, p, whole) in [
            ("신입사원", "은", "신입사원은"),
            ("바다", "은", "바다는"),
            ("골목", "이", "골목이"),
            ("카페", "이", "카페가"),
            ("서울", "으로", "서울로"),
            ("부산", "으로", "부산으로"),
            ("제주", "으로", "제주로"),
            ("AI", "을", "AI를"),
            ("URL", "으로", "URL로"),
            ("PDF", "은", "PDF는"),
            ("robot", "이", "robot이"),
            ("coffee", "을", "coffee를"),
            ("game", "과", "game과"),
            ("3", "을", "3을"),
            ("7", "으로", "7로"),
            ("9", "이", "9가"),
            ("친구", "아", "친구야"),
            ("책", "이라", "책이라"),
            ("나무", "이에요", "나무예요"),
            ("(앱)", "은", "(앱)은"),
            ("", "은", "는"),
            ("😀", "이", "😀가"),
        ] {
            assert_eq!(with(word, p), whole);
        }
    }

    #[test]
    fn a_verb_before_a_noun_ends_a_sentence_and_back() {
        for (before, end) in [
            ("먹는", "먹는다"),
            ("떠나는", "떠난다"),
            ("만드는", "만든다"),
            ("지키는", "지킨다"),
            ("만난", "만났다"),
            ("은퇴한", "은퇴했다"),
            ("잃어버린", "잃어버렸다"),
            ("돌아온", "돌아왔다"),
            ("남은", "남았다"),
            ("만든", "만들었다"),
        ] {
            assert_eq!(finite(before).as_deref(), Some(end));
            assert_eq!(adnominal(end).as_deref(), Some(before));
        }
        assert_eq!(adnominal("시작합니다").as_deref(), Some("시작하는"));
        assert_eq!(finite("있는").as_deref(), Some("있다"));
        assert_eq!(finite(""), None);
        assert_eq!(adnominal("다"), None);
    }
}
