//! Tokens of texts that people type.

use super::*;

fn words(tokens: Tokens) -> Vec<String> {
    tokens.iter().map(|(t, _)| t.to_owned()).collect()
}

fn joined(tokens: Tokens) -> String {
    words(tokens).join(" ")
}

#[test]
fn spaces_between_syllables_come_and_go() {
    assert_eq!(joined(bisq(&norm("색 보정"))), "색보 보정");
    assert_eq!(joined(bisq(&norm("색보정"))), "색보 보정");
    assert_eq!(joined(bisq(&norm("색, 보정"))), "색 보정");
    assert_eq!(joined(bisq(&norm("QR 코드를 v2로"))), "qr 코드 드를 v 2 로");
}

#[test]
fn a_decomposed_and_a_full_width_name_are_the_plain_one() {
    let nfd: String = unicode_normalization::UnicodeNormalization::nfd("한빛_최종.MP4").collect();
    for text in [nfd.as_str(), "한빛＿최종．ＭＰ４", "한빛_최종.mp4"] {
        assert_eq!(joined(bisq(&norm(text))), "한빛 최종 mp 4", "{text}");
        assert_eq!(joined(josa(&norm(text))), "한빛 최종 mp4");
    }
    assert_eq!(joined(bisq(&norm("HanbitFinal_v3"))), "hanbit final v 3");
    assert_eq!(joined(josa(&norm("HanbitFinal_v3"))), "hanbitfinal v3");
}

#[test]
fn particles_go_and_nouns_stay() {
    assert_eq!(joined(josa(&norm("자막을 자막이 자막에서는 자막으로부터 자막"))), "자막 자막 자막 자막 자막");
    assert_eq!(joined(josa(&norm("이 가을 컷에서 나는"))), "이 가을 컷 나는");
}

#[test]
fn keystrokes_follow_the_keyboard() {
    assert_eq!(joined(jg5(&norm("자막"))), "wkakr");
    assert_eq!(joined(jg5(&norm("색보"))), "toqh".replace("toq", "torq"));
    assert_eq!(shown_keys("wkakr"), "ㅈㅏㅁㅏㄱ");
    // Composed vowels and double finals are two keystrokes.
    assert_eq!(joined(jg5(&norm("괎"))), "rhkqt");
    // An unfinished syllable is a prefix of the finished one.
    assert!(words(jg5(&norm("색보저"))).iter().all(|g| words(jg5(&norm("색보정"))).contains(g)));
    assert!(words(jg5(&norm("색봊"))).iter().all(|g| words(jg5(&norm("색보정"))).contains(g)));
}

#[test]
fn time_codes_are_one_token() {
    assert_eq!(joined(josa(&norm("00:42~00:48 자막"))), "00:00:42 00:00:48 자막");
    assert_eq!(joined(josa(&norm("2:04 1:02:03.500 01:02:03:12"))), "00:02:04 01:02:03 01:02:03");
    assert_eq!(joined(bisq(&norm("2:04 전환"))), "전환");
    assert_eq!(joined(josa(&norm("16:9 비율 3:75"))), "16 9 비율 3 75");
}

#[test]
fn initials_of_words_and_of_the_whole_name() {
    assert_eq!(joined(cho(&norm("가을 광고"), false)), "ㄱㅇ ㄱㄱ");
    assert_eq!(joined(cho(&norm("가을 광고"), true)), "ㄱㅇ ㄱㅇㄱㄱ ㄱㄱ");
    assert!(is_consonants("ㅅㅂㅈ") && !is_consonants("색ㅂㅈ") && !is_consonants(" "));
    // A keyboard's ㅌ passes NFKC unharmed.
    assert_eq!(norm("ㅌㅅ").letters().iter().map(|l| l.c).collect::<String>(), "ㅌㅅ");
}

#[test]
fn the_other_keyboard() {
    for (typed, meant) in [
        ("vmfhwprxm", "프로젝트"),
        ("wkakr dhxk", "자막 오타"),
        ("tor qhwjd", "색 보정"),
        ("cjfgl", "철히"),
        ("rkqtdl", "값이"),
    ] {
        assert_eq!(layout::hangul(typed).as_deref(), Some(meant), "{typed}");
    }
    for word in ["project", "final", "client", "mp4", "한글"] {
        assert_eq!(layout::hangul(word), None, "{word}");
    }
    assert_eq!(layout::latin("ㅔ개ㅓㄷㅊㅅ").as_deref(), Some("project"));
    assert!(layout::is_broken("ㅔ개ㅓㄷㅊㅅ") && !layout::is_broken("ㅋㅋㅋ") && !layout::is_broken("색보정"));
}

#[test]
fn places_are_those_of_the_original() {
    let text = "네, 색 보정을";
    let found: Vec<_> = bisq(&norm(text))
        .iter()
        .map(|(t, p)| (t.to_owned(), text[p.from as usize..p.to as usize].to_owned(), p.crosses))
        .collect();
    assert_eq!(found[1], ("색보".into(), "색 보".into(), true));
    assert_eq!(found[2], ("보정".into(), "보정".into(), false));
    let nfd: String = unicode_normalization::UnicodeNormalization::nfd("가나").collect();
    let tokens = bisq(&norm(&nfd));
    let (_, place) = tokens.iter().next().unwrap();
    assert_eq!((place.from as usize, place.to as usize), (0, nfd.len()));
}
