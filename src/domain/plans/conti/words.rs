//! What the words of a shot tell of its picture: where it plays, who is in it.

use crate::domain::plans::story::{Shot, ShotSize};

/// Where a shot plays, as far as a sketch cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// 집, 방, 카페
    Room,
    /// 사무실, 책상
    Office,
    /// 거리, 골목, 도시
    Street,
    /// 산, 숲, 들
    Nature,
    /// 바다
    Sea,
    /// 차
    Car,
    /// 무대, 관중
    Stage,
    /// 학교, 교실
    School,
    /// 로고, 엔딩 카드
    Card,
    /// Nothing that is known: a plain ground.
    Plain,
}

/// A thing that a shot may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// 제품
    Product,
    /// 휴대폰
    Phone,
    /// 음식
    Food,
    /// 커피, 잔
    Cup,
    /// 책, 노트, 편지
    Paper,
}

/// How somebody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Short hair, trousers.
    Short,
    /// Long hair, a coat or skirt.
    Long,
    /// A child: large head.
    Child,
    /// A cap.
    Cap,
}

/// What is to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Where.
    pub set: Set,
    /// About which thing.
    pub thing: Option<Thing>,
    /// Who is seen; empty when it is about a thing or a landscape.
    pub people: Vec<Look>,
    /// Many people.
    pub crowd: bool,
    /// A hand is what matters.
    pub hand: bool,
    /// They turn their backs to us.
    pub back: bool,
    /// It is night.
    pub night: bool,
}

const SETS: &[(Set, &str)] = &[
    (Set::Card, "로고 엔딩 타이틀 슬로건 카드 자막판 logo slogan tagline"),
    (Set::Stage, "무대 관객 관중 공연 콘서트 밴드 발표 강연 스타디움 시상 stage concert audience band crowd speech"),
    (Set::School, "학교 교실 운동장 복도 칠판 학생 수업 강의 교문 school classroom student blackboard lecture"),
    (Set::Car, "자동차 승용차 버스 택시 운전 차창 차량 트럭 핸들 car bus taxi drive driving truck"),
    (Set::Sea, "바다 해변 파도 항구 강변 호수 섬 해안 sea beach ocean wave harbor harbour lake coast"),
    (
        Set::Nature,
        "산 숲 나무 들판 공원 하늘 언덕 자연 농장 밭 꽃 능선 풍경 mountain forest tree field park hill nature farm meadow",
    ),
    (Set::Office, "사무실 회의 책상 모니터 노트북 직장 야근 회사 연구소 office desk meeting monitor laptop computer"),
    (
        Set::Street,
        "거리 골목 도시 횡단보도 정류장 시장 퇴근길 출근길 길 건물 도로 빌딩 노점 역 가로등 street city alley road market station building",
    ),
    (
        Set::Room,
        "방 집 거실 주방 부엌 침대 식탁 창문 창가 유리창 카페 가게 매장 소파 현관 식당 room home house kitchen window bed cafe café sofa shop table door",
    ),
];

const THINGS: &[(Thing, &str)] = &[
    (Thing::Phone, "휴대폰 핸드폰 스마트폰 앱 문자 알림 phone smartphone app message"),
    (Thing::Cup, "커피 찻잔 머그 음료 coffee mug cup tea drink"),
    (Thing::Food, "음식 요리 붕어빵 밥 국수 라면 빵 과자 접시 김치 간식 food dish bread noodle meal plate cook"),
    (
        Thing::Product,
        "제품 패키지 패키징 병 상자 화장품 크림 포장 신제품 선물 product packshot package bottle box cream",
    ),
    (Thing::Paper, "편지 책 노트 사진 서류 문서 월급 letter book notebook photograph document"),
];

const PEOPLE: &str = "사람 그 그녀 남자 여자 아버지 어머니 아빠 엄마 아들 딸 아이 소년 소녀 청년 직원 사원 손님 주인공 인물 배우 대표 학생 친구 모델 \
    할머니 할아버지 얼굴 표정 눈빛 선생님 man woman he she person girl boy child father mother worker people hero actor face someone student friend";
const TWO: &str = "두 둘 둘이 부자 모녀 부부 연인 함께 나란히 마주 서로 대화 악수 two together couple both each other";
/// Words for nobody, or one alone.
const ALONE: &str = "홀로 혼자 덩그러니 텅 alone empty";
const MANY: &str =
    "군중 사람들 관객 관중 팀원 직원들 학생들 아이들 가족 동료들 crowd people audience family team students";
const LONG: &str = "여자 여성 어머니 엄마 딸 소녀 그녀 할머니 아내 언니 누나 woman girl mother daughter she her wife";
const CHILD: &str = "아이 어린이 소년 소녀 꼬마 초등 child kid boy girl";
const CAP: &str = "모자 기사 배달 감독 작업자 cap driver delivery";
const EMPTY: &str = "드론 전경 풍경 텅 빈 조감 landscape drone aerial empty skyline";
const HAND: &str = "손 손끝 손가락 손등 hand hands finger fingers";
const BACK: &str = "뒷모습 뒤돌아 등지고 돌아서 behind";
const NIGHT: &str = "밤 야경 저녁 심야 새벽 어둠 어두운 night evening dark dusk";

/// What may follow a noun of one syllable: 산에, but not 산업.
const PARTICLES: &str = "은 는 이 가 을 를 에 의 도 로 와 과 만 에서 으로 에는 에게 까지 처럼 들 들이";

/// How many words of the list stand in the text.
fn told(text: &str, list: &str) -> usize {
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    list.split_whitespace()
        .filter(|known| {
            let short = known.chars().count() == 1;
            words.iter().any(|word| match word.strip_prefix(*known) {
                Some(rest) if known.is_ascii() => matches!(rest, "" | "s" | "es"),
                Some(rest) if short => rest.is_empty() || PARTICLES.split(' ').any(|p| p == rest),
                Some(_) => true,
                None => !short && !known.is_ascii() && word.contains(*known),
            })
        })
        .count()
}

fn best<T: Copy>(table: &[(T, &str)], title: &str, text: &str) -> Option<T> {
    let mut found: Option<(usize, T)> = None;
    for (value, list) in table {
        let n = told(title, list) * 2 + told(text, list);
        if n > 0 && found.is_none_or(|(most, _)| n > most) {
            found = Some((n, *value));
        }
    }
    found.map(|(_, value)| value)
}

/// Which way a camera goes, as far as the words tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// To the right; `false`: to the left.
    pub right: Option<bool>,
    /// Upwards; `false`: downwards.
    pub up: Option<bool>,
}

/// The first word that tells it.
pub fn way(text: &str) -> Way {
    let first = |ways: [&[&str]; 2]| {
        let at = |words: &[&str]| words.iter().filter_map(|w| text.find(w)).min();
        match (at(ways[0]), at(ways[1])) {
            (None, None) => None,
            (one, other) => Some(one.unwrap_or(usize::MAX) < other.unwrap_or(usize::MAX)),
        }
    };
    Way {
        right: first([&["오른쪽으로", "to the right"], &["왼쪽으로", "to the left"]]),
        up: first([&["올라", "들어 올", "위로", "upward"], &["내려오", "내려와", "내려가", "아래로", "downward"]]),
    }
}

/// Reads the scene out of a shot's words.
pub fn scene(shot: &Shot) -> Scene {
    let (title, body) = (shot.title.to_lowercase(), shot.description.to_lowercase());
    let all = format!("{title} {body}");
    let thing = best(THINGS, &title, &body);
    let set = best(SETS, &title, &body).unwrap_or(match thing {
        Some(_) => Set::Room,
        None => Set::Plain,
    });
    let spoken = !shot.dialogue.trim().is_empty();
    let named = told(&all, PEOPLE) > 0 || spoken;
    // An empty place and somebody alone are told by who has left.
    let crowd = told(&all, MANY) > 0 && told(&all, ALONE) == 0;
    let alone = told(&all, EMPTY) > 0 && !named;
    let close = matches!(shot.size, ShotSize::CloseUp | ShotSize::ExtremeCloseUp);
    let count = match () {
        _ if set == Set::Card || alone => 0,
        _ if thing.is_some() && (!named || (close && told(&title, PEOPLE) == 0 && !spoken)) => 0,
        _ if told(&all, TWO) > 0 || crowd => 2,
        _ => 1,
    };
    let first = match () {
        _ if told(&all, CHILD) > 0 => Look::Child,
        _ if told(&all, LONG) > 0 => Look::Long,
        _ if told(&all, CAP) > 0 => Look::Cap,
        // Nothing is told: the same person in all shots of a plan.
        _ => Look::Short,
    };
    let second = if first == Look::Short { Look::Long } else { Look::Short };
    Scene {
        set,
        thing,
        people: [first, second][..count].to_vec(),
        crowd: crowd && count > 0,
        hand: told(&all, HAND) > 0,
        back: told(&all, BACK) > 0,
        night: told(&all, NIGHT) > 0,
    }
}
