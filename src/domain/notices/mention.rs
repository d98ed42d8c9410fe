//! Who is named in a text: `@닉네임`, as members call each other, with what Korean puts behind a name.

/// What may follow a name directly, after an honorific or without one.
const PARTICLES: [&str; 32] = [
    "이",
    "가",
    "은",
    "는",
    "을",
    "를",
    "의",
    "에",
    "에게",
    "에게는",
    "에게도",
    "께",
    "께서",
    "께서는",
    "께는",
    "께도",
    "한테",
    "한테는",
    "도",
    "만",
    "와",
    "과",
    "랑",
    "이랑",
    "하고",
    "이나",
    "나",
    "이라",
    "라",
    "아",
    "야",
    "께만",
];
const HONORIFICS: [&str; 12] =
    ["님", "씨", "감독님", "작가님", "대표님", "실장님", "팀장님", "선생님", "피디님", "기사님", "과장님", "PD님"];

/// The places in `nicknames` of those who are named in `text`, each once, in the order of the text. Of two names that
/// both fit, the longer one is meant. A name is compared without regard to case.
pub(super) fn named(text: &str, nicknames: &[&str]) -> Vec<usize> {
    let lower: Vec<String> = nicknames.iter().map(|n| n.to_lowercase()).collect();
    let text = text.to_lowercase();
    let mut found = Vec::new();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        // An address has a letter before its @.
        if c == '@' && !before.is_alphanumeric() {
            let rest = &text[at + 1..];
            let fits = |(_, name): &(usize, &String)| {
                !name.is_empty() && rest.strip_prefix(name.as_str()).is_some_and(ends_well)
            };
            let longest = lower.iter().enumerate().filter(fits).max_by_key(|(_, name)| name.len());
            if let Some((place, _)) = longest
                && !found.contains(&place)
            {
                found.push(place);
            }
        }
        before = c;
    }
    found
}

/// Is what follows a name no part of a longer word?
fn ends_well(after: &str) -> bool {
    let word: &str = &after[..after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len())];
    let particle = |rest: &str| rest.is_empty() || PARTICLES.contains(&rest);
    particle(word) || HONORIFICS.iter().any(|h| word.strip_prefix(h.to_lowercase().as_str()).is_some_and(particle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_with_what_korean_puts_behind_it() {
        let names = ["오세린", "hayun", "오세", "배 하윤", "hayun2"];
        for (text, expected) in [
            ("@오세린 확인 부탁드립니다", vec![0]),
            ("@오세린님, 봐 주세요", vec![0]),
            ("@오세린님께서는 어떠세요?", vec![0]),
            ("@오세린이 올린 컷", vec![0]),
            ("@오세린 감독님", vec![0]),
            ("@오세가 말한 대로", vec![2]),
            ("(@hayun, @Hayun2)", vec![1, 4]),
            ("@배 하윤씨 그리고 @오세린", vec![3, 0]),
            ("@오세린@hayun", vec![0]),
            ("@오세린 @오세린", vec![0]),
            ("@오세린처럼", vec![]),
            ("@hayun3", vec![]),
            ("@hayun_2", vec![]),
            ("serin@hayun", vec![]),
            ("오세린", vec![]),
            ("@", vec![]),
        ] {
            assert_eq!(named(text, &names), expected, "{text}");
        }
    }
}
