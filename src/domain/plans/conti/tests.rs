//! Frames of all kinds.

use super::*;
use crate::domain::plans::story::{StageName, Transition};

fn shot(title: &str, description: &str, size: ShotSize, angle: Angle, movement: Movement) -> Shot {
    Shot {
        key: 7,
        stage: StageName::Climax,
        title: title.to_owned(),
        description: description.to_owned(),
        dialogue: String::new(),
        subtitle: String::new(),
        voice_over: String::new(),
        size,
        movement,
        angle,
        duration_ms: 6_000,
        transition: Transition::Cut,
        inserts: Vec::new(),
        picture: Default::default(),
        picture_version: 3,
        locked: false,
        edited: false,
    }
}

fn plain(movement: Movement) -> Shot {
    shot("김이 서린 유리창", "창가에 선 남자", ShotSize::Medium, Angle::EyeLevel, movement)
}

/// One sentence for each set and thing.
const TOLD: [&str; 14] = [
    "방 안의 여자",
    "사무실에서 일하는 직원",
    "골목을 걷는 아버지",
    "산을 오르는 청년",
    "해변의 두 사람",
    "버스를 기다리는 아이",
    "무대와 관객",
    "교실의 학생들",
    "로고",
    "화장품 병",
    "휴대폰 화면",
    "붕어빵 봉투를 든 손",
    "드론으로 본 들판의 풍경",
    "",
];

/// Elements that are opened are closed in turn, and nothing stands outside of the rules of XML.
fn well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    for (i, part) in xml.split('<').enumerate().skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("part {i} does not end: {part}"));
        for bit in text.split('&').skip(1).chain(tag.split('&').skip(1)) {
            assert!(["amp;", "lt;", "gt;", "quot;", "#39;"].iter().any(|e| bit.starts_with(e)), "&{bit}");
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn every_kind_of_shot_gives_a_small_sound_picture() {
    let mut places = 0;
    for (i, told) in TOLD.iter().enumerate() {
        for size in ShotSize::ALL {
            for angle in Angle::ALL {
                let movement = Movement::ALL[places % Movement::ALL.len()];
                let format = Format::ALL[(places / 2 + i) % Format::ALL.len()];
                let shot = shot("", told, *size, *angle, movement);
                let frame = frame(&shot, places % 12, format);
                for mark in &frame.marks {
                    let Mark::Path { steps, .. } = mark else { continue };
                    let points = steps.iter().flat_map(|step| match *step {
                        Step::Move(p) | Step::Line(p) => vec![p],
                        Step::Curve(a, b, p) => vec![a, b, p],
                        Step::Close => vec![],
                    });
                    for p in points {
                        assert!(
                            p.0.is_finite() && p.1.is_finite() && p.0.abs() < 1e5 && p.1.abs() < 1e5,
                            "{told} {p:?}"
                        );
                    }
                }
                let svg = svg(&shot, places % 12, format);
                assert!(svg.len() < 20_480, "{told} {size} {angle} {format}: {} bytes", svg.len());
                well_formed(&svg);
                places += 1;
            }
        }
    }
}

#[test]
fn the_same_shot_is_drawn_the_same_and_other_words_otherwise() {
    let one = plain(Movement::Static);
    assert_eq!(svg(&one, 6, Format::Wide), svg(&one.clone(), 6, Format::Wide));
    let mut other = one.clone();
    other.description.push_str(" 혼자");
    assert_ne!(svg(&one, 6, Format::Wide), svg(&other, 6, Format::Wide));
}

#[test]
fn words_of_people_stay_words() {
    let mut shot = plain(Movement::Static);
    shot.title = "<script>alert(1)</script> & \"그\" '말' \u{1}\u{b}".to_owned();
    let svg = svg(&shot, 6, Format::Wide);
    well_formed(&svg);
    assert!(!svg.contains("<script") && !svg.contains('\u{1}'));
    assert!(svg.contains("<title>S07-conti-v3 &lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;그&quot;"));
    let outside = svg.replace("http://www.w3.org/2000/svg", "");
    assert!(!outside.contains("http") && !outside.contains("href"), "nothing from elsewhere");
}

#[test]
fn the_label_the_size_and_the_movement_stand_below() {
    let texts = |shot: &Shot| -> Vec<String> {
        let marks = frame(shot, 6, Format::Wide).marks.into_iter();
        marks.filter_map(|m| if let Mark::Text { text, .. } = m { Some(text) } else { None }).collect()
    };
    assert_eq!(texts(&plain(Movement::Pan)), ["S07-conti-v3", "MS · EYE · PAN"]);
    assert_eq!(texts(&plain(Movement::Dolly))[1], "MS · EYE · DOLLY IN");
}

#[test]
fn each_movement_has_arrows_of_its_own() {
    let arrows = |movement: Movement| {
        let mut pen = Pen::new(1, 640.0, 360.0);
        arrows::draw(&mut pen, movement, 640.0, 360.0, 1, Default::default());
        pen.marks
    };
    assert!(arrows(Movement::Static).is_empty());
    let moving = &Movement::ALL[1..];
    for (i, one) in moving.iter().enumerate() {
        assert!(!arrows(*one).is_empty(), "{one}");
        assert!(moving[..i].iter().all(|other| arrows(*other) != arrows(*one)), "{one}");
    }
}

#[test]
fn words_tell_the_place_and_the_people() {
    let read =
        |title: &str, text: &str| words::scene(&shot(title, text, ShotSize::Medium, Angle::EyeLevel, Movement::Static));
    assert_eq!(read("퇴근길", "골목을 걷는 아버지").set, Set::Street);
    assert_eq!(read("", "A woman at her desk in the office").set, Set::Office);
    assert_eq!(read("", "A woman at her desk in the office").people, [Look::Long]);
    assert_eq!(read("", "산에 오른다").set, Set::Nature);
    assert_eq!(read("", "산업 현장").set, Set::Plain, "a syllable is not a word");
    assert_eq!(read("", "병원에서").thing, None);
    assert_eq!(read("", "마주 앉은 두 사람").people.len(), 2);
    assert!(read("", "무대를 보는 관객").crowd);
    assert!(read("", "식탁 위의 붕어빵").people.is_empty(), "it is about the food");
    assert!(read("", "드론으로 본 바다").people.is_empty());
}

#[test]
fn arrows_go_the_way_that_the_words_tell() {
    let way = |text| (words::way(text).right, words::way(text).up);
    assert_eq!(way("카메라가 왼쪽에서 오른쪽으로 천천히 훑는다."), (Some(true), None));
    assert_eq!(way("오른쪽에서 왼쪽으로 지나간다."), (Some(false), None));
    assert_eq!(way("발끝에서 얼굴까지 화면이 천천히 올라간다."), (None, Some(true)));
    assert_eq!(way("위에서 시작한 화면이 천천히 내려와 멈춘다."), (None, Some(false)));
    assert_eq!(way("화면은 움직이지 않는다."), (None, None));
}
