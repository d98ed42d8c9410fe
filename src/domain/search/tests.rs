//! What is typed, as it is understood.

use super::Kind;
use super::query::{Query, Whose};
use crate::base::clock::Time;

fn read(typed: &str) -> Query {
    // 2026-11-24T16:00Z: the 25th in Seoul.
    Query::read(typed, Time::parse("2026-11-24T16:00:00Z").unwrap(), "Asia/Seoul")
}

#[test]
fn words_phrases_and_what_is_left_out() {
    let q = read(r#"자막 "최종 컨펌" -오타 -"배경 음악" 색보정"#);
    assert_eq!(q.words.text, "자막 색보정");
    assert_eq!((q.words.phrases, q.words.without), (vec!["최종 컨펌".into()], vec!["오타".into(), "배경 음악".into()]));
    assert!(q.words.typing && !read("색보정 ").words.typing && !read("\"색보정\"").words.typing);
}

#[test]
fn operators_in_both_languages() {
    let q =
        read(r#"is:open 상태:해결 is:mine from:오세린 from:나 in:"한빛식품 가을" kind:comment 종류:파일 has:drawing"#);
    assert!(q.words.is_empty() && q.mine && !q.is_empty());
    assert_eq!(q.statuses, ["open", "resolved"]);
    assert_eq!(q.authors, [Whose::Named("오세린".into()), Whose::Me]);
    assert_eq!((q.projects, q.kinds), (vec!["한빛식품 가을".into()], vec![Kind::Comment, Kind::File]));
    let q = read("after:2026-11 before:어제");
    let at = |text: &str| Time::parse(text);
    assert_eq!((q.after, q.before), (at("2026-10-31T15:00:00Z"), at("2026-11-23T15:00:00Z")));
    assert_eq!(read("after:2026.11.1").after, at("2026-10-31T15:00:00Z"));
}

#[test]
fn what_is_no_operator_is_words() {
    for (typed, words) in [
        ("is:weird", "is weird"),
        ("before:2026-13-40", "before 2026-13-40"),
        ("before:어제쯤", "before 어제쯤"),
        ("foo:bar", "foo bar"),
        ("02:04 전환", "02:04 전환"),
        ("\"닫히지 않은", "\"닫히지 않은"),
        ("kind:", "kind:"),
        ("-", "-"),
        ("연구서→연구소", "연구서→연구소"),
        ("in:\"\" 자막", "자막"),
    ] {
        let q = read(typed);
        assert_eq!(q.words.text, words, "{typed}");
        assert!(q.words.phrases.is_empty() && q.words.without.is_empty(), "{typed}");
    }
}

#[test]
fn a_question_asks_only_so_much() {
    let q = read(&"\"이\" -가 from:나 ".repeat(40));
    assert_eq!((q.words.phrases.len(), q.words.without.len(), q.authors.len()), (16, 16, 16));
}

#[test]
fn answers_come_at_even_times() {
    use std::time::Duration;
    let ms = |us| super::even(Duration::from_micros(us)).as_millis();
    assert_eq!([ms(0), ms(770), ms(940), ms(1_999), ms(2_000), ms(5_300)], [2, 2, 2, 2, 4, 6]);
}

#[test]
fn a_snippet_is_cut_around_what_matched_and_escaped() {
    use crate::engines::index::Words;
    use crate::engines::index::marks::Marker;
    let marker = |q: &str| Marker::new(&Words { text: q.into(), ..Words::default() });
    let of = |text: &str, q: &str| super::snippet::of(text, &marker(q));
    assert_eq!(
        of("네, 색 보정을 <b>부탁</b> & 확인", "색보정"),
        "네, <mark>색 보정</mark>을 &lt;b&gt;부탁&lt;/b&gt; &amp; 확인"
    );
    let long = format!(
        "{}여기 자막에 오타가 있습니다. {}",
        "앞쪽 이야기가 길게 이어집니다. ".repeat(40),
        "뒤도 깁니다. ".repeat(40)
    );
    let cut = of(&long, "자막 오타");
    assert!(
        cut.starts_with('…') && cut.ends_with('…') && cut.contains("<mark>자막</mark>에 <mark>오타</mark>가"),
        "{cut}"
    );
    assert!(cut.chars().count() < 260, "{cut}");
    assert_eq!(of("ＦＩＮＡＬ＿ｖ３ 파일", "final v3"), "<mark>ＦＩＮＡＬ</mark>＿<mark>ｖ３</mark> 파일");
    let nfd: String = unicode_normalization::UnicodeNormalization::nfd("색보정").collect();
    assert_eq!(of(&nfd, "색보정"), format!("<mark>{nfd}</mark>"));
}
