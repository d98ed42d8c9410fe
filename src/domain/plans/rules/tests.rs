//! What a rule-based draft is judged by: thirty one-liners in six styles, several seeds.

use std::collections::HashSet;

use crate::base::dice::Dice;
use crate::domain::plans::story::*;

use super::{Part, Preset, draft, film, korean, preset, redraft, timing};

/// One-liners of many sorts.
pub const LINES: [&str; 30] = [
    "첫 월급으로 산 붕어빵을 아버지와 나눠 먹는 신입사원의 겨울 저녁",
    "은퇴한 우주비행사가 고향 섬에서 라면집을 여는 이야기",
    "길 잃은 고양이가 집배원을 따라 마을을 한 바퀴 돈다.",
    "소상공인을 위한 회계 앱 소개",
    "할머니가 남긴 레시피로 국숫집을 여는 손녀",
    "폐업을 앞둔 동네 서점에서 주인이 마지막 손님을 기다리는 하루",
    "제주 해녀의 아침",
    "춤을 추고 싶은 소방관이 오디션에 도전한다",
    "매일 같은 버스를 타는 두 사람이 처음으로 인사를 나누는 순간",
    "비 오는 날 우산을 나눠 쓴 두 고등학생의 첫사랑",
    "AI 로봇이 요양원에서 할머니의 말동무가 되는 이야기",
    "30초 만에 끓이는 라면 신제품 출시",
    "새벽 시장을 지키는 상인들의 다큐멘터리",
    "층간소음으로 다투던 이웃이 고장 난 엘리베이터에 함께 갇힌다",
    "무선 이어폰 신제품 광고",
    "전국을 자전거로 달리는 일흔 살 할아버지",
    "사라진 첼로를 찾아 나선 탐정과 바이올리니스트",
    "유기견 보호소에서 봉사하는 고등학생들의 여름",
    "전기차로 떠나는 가족의 첫 캠핑",
    "수험생 딸을 위해 매일 밤 도시락을 싸는 아버지",
    "도시의 소음을 녹음하는 청년이 잃어버린 목소리를 되찾는다",
    "바다 쓰레기로 악기를 만드는 공방",
    "A barista who talks to ghosts",
    "The last lighthouse keeper on a small island writes letters to the sea",
    "브랜드 K-beauty 세럼 론칭 캠페인",
    "40년 된 세탁소를 물려받은 아들의 첫날",
    "신입 개발자가 하루 만에 서비스를 복구하는 이야기",
    "달에 혼자 남은 로봇이 지구로 보내는 편지",
    "헤어진 연인이 10년 후 같은 카페에서 마주친다",
    "우리 동네 빵집은 새벽 네 시에 불을 켠다",
];

const TONES: [&str; 6] = ["따뜻한", "밝고 유쾌한", "긴장감 있는", "아련한", "세련된", ""];
const GENRES: [&str; 5] = ["드라마", "광고", "다큐멘터리", "숏폼", ""];

/// The inputs of a line in a style; tone, genre and the rest follow from the number.
fn inputs(line: &str, style: Style, n: usize) -> Inputs {
    Inputs {
        one_liner: line.to_owned(),
        tone: TONES[n % 6].to_owned(),
        genre: GENRES[n % 5].to_owned(),
        target: ["2030 직장인", "", "MZ세대"][n % 3].to_owned(),
        duration_s: [80, 60, 120, 15, 90, 300][n % 6],
        format: Format::ALL[n % 4],
        tempo: Tempo::ALL[n % 3],
        style,
        intensity: Intensity::ALL[n / 2 % 3],
        seed: n as u32,
    }
}

fn all(run: impl Fn(&Inputs, &Story)) {
    for (l, line) in LINES.iter().enumerate() {
        for (s, style) in Style::ALL.iter().enumerate() {
            for turn in 0..2 {
                let inputs = inputs(line, *style, l * 7 + s * 3 + turn * 11);
                run(&inputs, &draft(&inputs));
            }
        }
    }
}

fn texts(story: &Story) -> Vec<&str> {
    let mut all = Vec::new();
    for s in &story.stages {
        all.extend([&*s.title, &*s.summary, &*s.content, &*s.objective]);
        all.extend(s.key_points.iter().map(String::as_str));
    }
    for s in &story.shots {
        all.extend([&*s.title, &*s.description, &*s.dialogue, &*s.subtitle, &*s.voice_over]);
        all.extend(s.inserts.iter().map(|i| i.description.as_str()));
    }
    all.retain(|t| !t.is_empty());
    all
}

/// A wrong particle after a syllable, at the end of an eojeol. Words that end so by themselves are let go by name.
fn wrong_particle(text: &str) -> Option<String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '\'')).filter(|w| w.chars().count() > 1);
    for word in words {
        let chars: Vec<char> = word.chars().collect();
        let (last, before) = (chars[chars.len() - 1], chars[chars.len() - 2]);
        if !korean::hangul(before) {
            continue;
        }
        let closed = korean::closed(before);
        let wrong = match last {
            '을' | '과' => !closed,
            '를' | '와' => closed,
            '은' => !closed,
            '는' => false,
            _ => false,
        };
        let whole = ["가을", "마을", "노을", "고을", "사과", "효과", "결과", "학과", "치과", "성과", "교과", "나은"];
        if wrong && !whole.iter().any(|w| word.ends_with(w)) {
            return Some(word.to_owned());
        }
    }
    None
}

/// The words that drafts of these inputs put into patterns.
fn words_of(inputs: &Inputs) -> Vec<String> {
    let f = super::pen::Facts::of(inputs, &mut Dice::new(1));
    let all = [Some(f.hero), Some(f.who), f.other, Some(f.place), Some(f.thing), Some(f.item), Some(f.topic), f.target];
    all.into_iter().flatten().filter(|w| w.chars().count() > 1).collect()
}

/// A wrong particle of whatever sort right after one of `words`.
fn wrong_after(text: &str, words: &[String]) -> Option<String> {
    const PAIRS: [(&str, &str); 5] = [("은", "는"), ("이", "가"), ("을", "를"), ("과", "와"), ("으로", "로")];
    for word in words {
        for (at, _) in text.match_indices(word.as_str()) {
            let rest: String = text[at + word.len()..].chars().take_while(|c| korean::hangul(*c)).collect();
            for (closed, open) in PAIRS {
                let right = korean::particle(word, closed);
                if (rest == closed || rest == open) && rest != right {
                    return Some(format!("{word}{rest}"));
                }
            }
        }
    }
    None
}

#[test]
fn twelve_shots_add_up_and_follow_the_grammar_of_film() {
    all(|inputs, story| {
        assert_eq!((story.stages.len(), story.shots.len()), (4, SHOTS));
        for (i, shot) in story.shots.iter().enumerate() {
            assert_eq!((shot.stage, shot.key), (StageName::ALL[i / 3], i as i64 + 1));
        }
        let total: i64 = story.shots.iter().map(|s| s.duration_ms).sum();
        assert_eq!(total, inputs.duration_s * 1_000);
        let (low, high) = timing::range(inputs.tempo, total, 12);
        assert!(story.shots.iter().all(|s| (low..=high).contains(&s.duration_ms)));
        assert!(matches!(story.shots[0].size, ShotSize::ExtremeWide | ShotSize::Wide));
        for pair in story.shots.windows(2) {
            assert!(film::follows((pair[0].size, pair[0].angle), (pair[1].size, pair[1].angle)), "{inputs:?}");
            assert!(pair[0].movement != pair[1].movement || pair[0].movement == Movement::Static);
        }
        for (n, three) in story.shots.chunks(3).enumerate() {
            assert!(three[0].size < three[1].size && three[0].size < three[2].size, "a part opens with its widest");
            assert!(n == 3 || three[1].size < three[2].size, "and goes closer");
            assert!(n < 3 || three[2].size < three[1].size, "the last one steps back");
        }
        assert_eq!(story.shots[11].transition, Transition::Fade);
        assert!(story.shots.iter().filter(|s| s.transition == Transition::Cut).count() >= 8);
    });
}

#[test]
fn every_text_is_korean_that_can_be_read_once() {
    all(|inputs, story| {
        let mut seen = HashSet::new();
        let words = words_of(inputs);
        for text in texts(story) {
            let at = || format!("{text}\n  {inputs:?}");
            assert!(!text.contains(['{', '}', ':']) || text.contains(": "), "{}", at());
            assert!(
                !text.contains('{') && !text.contains("  ") && !text.contains("의의 ") && text.trim() == text,
                "{}",
                at()
            );
            assert!(!text.contains(" .") && !text.contains("..") && !text.contains("()"), "{}", at());
            assert_eq!(wrong_particle(text), None, "{}", at());
            assert_eq!(wrong_after(text, &words), None, "{}", at());
            let eojeols: Vec<&str> = text.split(' ').collect();
            assert!(eojeols.windows(2).all(|w| w[0] != w[1]), "{}", at());
            for sentence in super::pen::sentences(text) {
                assert!(seen.insert(sentence.to_owned()), "twice: {sentence}\n  {}", at());
            }
        }
        for stage in &story.stages {
            assert!(!stage.title.is_empty() && !stage.summary.is_empty() && !stage.content.is_empty());
            assert!(!stage.objective.is_empty() && stage.length_hint.starts_with("약 "));
            assert!((2..=4).contains(&stage.key_points.len()), "{:?}", stage.key_points);
        }
        for shot in &story.shots {
            assert!(!shot.title.is_empty() && shot.title.chars().count() <= 40, "{}", shot.title);
            assert!(!shot.description.is_empty() && shot.description.ends_with(['.', '?']), "{}", shot.description);
            let most = [1, 2, 3][Intensity::ALL.iter().position(|i| *i == inputs.intensity).unwrap()];
            assert!(shot.inserts.len() <= most);
        }
    });
}

#[test]
fn what_the_line_says_is_in_the_plan() {
    for style in Style::ALL {
        let story = draft(&inputs(LINES[0], *style, 12));
        let all = texts(&story).join(" ");
        for word in ["신입사원", "붕어빵", "겨울 저녁", "아버지와 나눠 먹는"] {
            assert!(all.contains(word), "{style:?} {word}: {all}");
        }
    }
}

#[test]
fn the_checker_finds_what_is_wrong() {
    for wrong in ["커피을 마신다", "골목를 걷는다", "바다은 넓다", "사람와 함께", "친구과 간다"]
    {
        assert!(wrong_particle(wrong).is_some(), "{wrong}");
    }
    let words = ["서울".to_owned(), "카페".to_owned()];
    for wrong in ["서울으로 간다", "카페이 열린다", "카페을", "서울가"] {
        assert!(wrong_after(wrong, &words).is_some(), "{wrong}");
    }
    assert_eq!(wrong_after("서울로 간다. 카페가 서울을 닮았다.", &words), None);
    assert_eq!(wrong_particle("가을을 걷는다. 사과와 마을을 본다. 작은 것은 좋은 것."), None);
}

#[test]
fn the_same_seed_gives_the_same_draft_and_another_one_another() {
    for (n, line) in LINES.iter().enumerate() {
        let one = inputs(line, Style::ALL[n % 6], n);
        let other = Inputs { seed: one.seed + 1, ..one.clone() };
        assert_eq!(draft(&one), draft(&one));
        let (a, b) = (draft(&one), draft(&other));
        let same = a.shots.iter().zip(&b.shots).filter(|(a, b)| a.description == b.description).count();
        assert!(same <= 4, "{line}: {same}");
    }
}

#[test]
fn styles_and_genres_speak_in_their_own_way() {
    let of = |style, genre: &str| {
        draft(&Inputs { genre: genre.into(), style, one_liner: LINES[0].into(), seed: 3, ..Inputs::default() })
    };
    let said =
        |story: &Story, pick: fn(&Shot) -> &str| story.shots.iter().map(|s| pick(s).to_owned()).collect::<Vec<_>>();
    let documentary = of(Style::Documentary, "");
    assert!(said(&documentary, |s| &s.subtitle).iter().any(|t| t.starts_with("Q. ")));
    assert!(said(&documentary, |s| &s.dialogue).iter().any(|t| t.starts_with("신입사원: ")));
    let tale = said(&of(Style::Pixar, ""), |s| &s.voice_over).join(" ");
    assert!(["옛날", "매일", "어느 날", "그래서", "마침내"].iter().all(|w| tale.contains(w)), "{tale}");
    let ad = of(Style::Deductive, "광고");
    assert!(ad.shots[11].description.contains("로고") && !ad.shots[11].subtitle.is_empty());
    assert!(!of(Style::Hook, "숏폼").shots[0].subtitle.is_empty());
    assert!(said(&of(Style::Classic, "드라마"), |s| &s.dialogue).iter().filter(|d| !d.is_empty()).count() >= 5);
}

#[test]
fn a_redraft_leaves_alone_what_is_kept() {
    for n in 0..60 {
        let first = inputs(LINES[n % 30], Style::ALL[n % 6], n);
        let mut story = draft(&first);
        story.shots.swap(2, 6);
        for (i, shot) in story.shots.iter_mut().enumerate() {
            shot.stage = StageName::ALL[i / 3];
        }
        story.shots[n % 12].locked = true;
        story.shots[(n + 5) % 12].edited = true;
        story.shots[(n + 5) % 12].duration_ms += 700;
        story.stages[n % 4].locked = true;
        let next = Inputs { seed: first.seed + 100, ..first.clone() };
        for part in [Part::Whole, Part::Stage(StageName::ALL[n % 4]), Part::Shot(n as i64 % 12 + 1)] {
            let again = redraft(&next, &story, part);
            let total: i64 = again.shots.iter().map(|s| s.duration_ms).sum();
            let mut changed = 0;
            for (i, (old, new)) in story.shots.iter().zip(&again.shots).enumerate() {
                let asked = match part {
                    Part::Whole => true,
                    Part::Stage(stage) => StageName::ALL[i / 3] == stage,
                    Part::Shot(key) => key == old.key,
                };
                assert_eq!(old.key, new.key);
                if !asked || old.locked || old.edited {
                    assert_eq!(old, new);
                } else {
                    changed += 1;
                    assert_ne!(old.description, new.description, "{part:?}");
                    assert_eq!(new.picture_version, old.picture_version + 1);
                }
            }
            assert!(changed == 0 || total == first.duration_s * 1_000, "{part:?} {total}");
            for (old, new) in story.stages.iter().zip(&again.stages).filter(|(o, _)| o.locked) {
                assert_eq!(old, new);
            }
            if part == Part::Whole {
                for pair in
                    again.shots.windows(2).filter(|p| !(p[0].locked || p[0].edited) || !(p[1].locked || p[1].edited))
                {
                    assert!((pair[0].size, pair[0].angle) != (pair[1].size, pair[1].angle));
                }
            }
            let mut seen = HashSet::new();
            assert!(texts(&again).iter().flat_map(|t| super::pen::sentences(t)).all(|s| seen.insert(s.to_owned())));
        }
    }
}

#[test]
fn anything_at_all_gives_a_plan_within_its_bounds() {
    let mut dice = Dice::new(7);
    let long = "아주 긴 이야기를 들려주는 할머니가 ".repeat(30);
    let letters: Vec<char> =
        "가나다한글은는이가을를의에 😀🐟.,!?{}\"'<>\\\u{0}\u{202e}abcXYZ0179ㅋㅏ漢字かな\n\t".chars().collect();
    let mut odd: Vec<String> = vec![
        "".into(),
        "…!?".into(),
        "ㅋ".into(),
        "😀😀😀".into(),
        "a".into(),
        "가".repeat(500),
        long,
        "{hero} {은}".into(),
        "7".into(),
    ];
    odd.extend((0..300).map(|_| (0..dice.roll(500)).map(|_| *dice.of(&letters)).collect()));
    for (n, line) in odd.iter().enumerate() {
        let mut inputs = inputs(line, Style::ALL[n % 6], n);
        inputs.tone = line.chars().take(200).collect();
        inputs.target = line.chars().rev().take(200).collect();
        inputs.duration_s = [0, 10, 3_600, -5, 17][n % 5];
        let story = draft(&inputs);
        let within =
            |text: &str, max: usize| assert!(text.chars().count() <= max && !text.contains('{'), "{line:?}: {text}");
        for stage in &story.stages {
            within(&stage.title, 200);
            within(&stage.summary, 1_000);
            within(&stage.content, 5_000);
            within(&stage.objective, 1_000);
            assert!(stage.key_points.len() <= 8);
        }
        for shot in &story.shots {
            within(&shot.title, 200);
            within(&shot.description, 2_000);
            within(&shot.dialogue, 1_000);
            within(&shot.subtitle, 500);
            assert!(
                (500..=600_000).contains(&shot.duration_ms) && !shot.title.is_empty() && !shot.description.is_empty()
            );
        }
    }
}

#[test]
fn presets_make_plans_of_their_kind() {
    for kind in Preset::ALL {
        let inputs = Inputs { one_liner: LINES[14].into(), ..preset(*kind) };
        assert!(inputs.duration_s > 0 && !inputs.tone.is_empty() && !inputs.genre.is_empty());
        assert_eq!(draft(&inputs).shots.iter().map(|s| s.duration_ms).sum::<i64>(), inputs.duration_s * 1_000);
    }
}
