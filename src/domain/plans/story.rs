//! What a plan says: what it was asked for, its four stages, its twelve shots. Plain data, the same on the wire, in the
//! store and in an export.

use serde::{Deserialize, Serialize};

use crate::base::ids::MediaId;
use crate::{closed_set, text_columns};

/// Shots of a plan: three for each stage.
pub const SHOTS: usize = 12;
/// Insert shots of a shot, at the most.
pub const INSERTS: usize = 3;

closed_set! {
    /// How long shots stand.
    #[derive(Default)]
    Tempo {
        /// 빠르게: 4–6 s
        Fast = "fast",
        /// 보통: 6–8 s
        #[default]
        Normal = "normal",
        /// 느리게: 8–12 s
        Slow = "slow",
    }
}

impl Tempo {
    /// Shortest and longest shot, in milliseconds.
    pub fn range_ms(self) -> (i64, i64) {
        match self {
            Tempo::Fast => (4_000, 6_000),
            Tempo::Normal => (6_000, 8_000),
            Tempo::Slow => (8_000, 12_000),
        }
    }
}

closed_set! {
    /// How a story is told.
    #[derive(Default)]
    Style {
        /// 훅-몰입-반전-떡밥
        Hook = "hook",
        /// 기승전결
        #[default]
        Classic = "classic",
        /// 귀납
        Inductive = "inductive",
        /// 연역
        Deductive = "deductive",
        /// 다큐(인터뷰식)
        Documentary = "documentary",
        /// 픽사 스토리
        Pixar = "pixar",
    }
}

closed_set! {
    /// How much is told around the story.
    #[derive(Default)]
    Intensity {
        /// 간결하게
        Minimal = "minimal",
        /// 적당히
        #[default]
        Moderate = "moderate",
        /// 풍부하게
        Rich = "rich",
    }
}

closed_set! {
    /// The picture's shape.
    #[derive(Default)]
    Format {
        /// 가로 16:9
        #[default]
        Wide = "16:9",
        /// 세로 9:16
        Tall = "9:16",
        /// 정사각 1:1
        Square = "1:1",
        /// 시네마 2.39:1
        Cinema = "2.39:1",
    }
}

closed_set! {
    /// The four parts of a story, in their order.
    StageName {
        /// 기
        Opening = "opening",
        /// 승
        Development = "development",
        /// 전
        Climax = "climax",
        /// 결
        Resolution = "resolution",
    }
}

closed_set! {
    /// How much of the scene is seen, from the widest.
    ShotSize {
        /// 익스트림 와이드
        ExtremeWide = "extreme_wide",
        /// 와이드
        Wide = "wide",
        /// 풀
        Full = "full",
        /// 미디엄
        Medium = "medium",
        /// 미디엄 클로즈업
        MediumCloseUp = "medium_close_up",
        /// 클로즈업
        CloseUp = "close_up",
        /// 익스트림 클로즈업
        ExtremeCloseUp = "extreme_close_up",
    }
}

closed_set! {
    /// What the camera does.
    Movement {
        /// 고정
        Static = "static",
        /// 팬
        Pan = "pan",
        /// 틸트
        Tilt = "tilt",
        /// 줌
        Zoom = "zoom",
        /// 달리
        Dolly = "dolly",
        /// 트래킹
        Tracking = "tracking",
    }
}

closed_set! {
    /// From where the camera looks.
    Angle {
        /// 아이 레벨
        EyeLevel = "eye_level",
        /// 하이
        High = "high",
        /// 로
        Low = "low",
        /// 오버 더 숄더
        OverShoulder = "over_shoulder",
        /// 더치
        Dutch = "dutch",
        /// 부감
        Overhead = "overhead",
    }
}

closed_set! {
    /// How a shot goes over into the next.
    Transition {
        /// 컷
        Cut = "cut",
        /// 페이드
        Fade = "fade",
        /// 디졸브
        Dissolve = "dissolve",
        /// 와이프
        Wipe = "wipe",
        /// 슬라이드
        Slide = "slide",
    }
}

closed_set! {
    /// What an insert shot is for.
    Purpose {
        /// 정보 보완
        Information = "information",
        /// 리듬 조절
        Rhythm = "rhythm",
        /// 디테일 강조
        Detail = "detail",
        /// 관계 표현
        Relationship = "relationship",
    }
}

text_columns!(Tempo, Style, Intensity, Format, StageName, ShotSize, Movement, Angle, Transition, Purpose);

/// What a storyboard is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Inputs {
    /// The story in one line.
    #[schema(max_length = 500, example = "첫 월급으로 산 붕어빵을 아버지와 나눠 먹는 신입사원의 겨울 저녁")]
    pub one_liner: String,
    /// 톤앤매너
    #[schema(max_length = 200, example = "따뜻한")]
    pub tone: String,
    /// 장르
    #[schema(max_length = 100, example = "광고")]
    pub genre: String,
    /// 타깃
    #[schema(max_length = 200, example = "2030 직장인")]
    pub target: String,
    /// How long the film is to be, in seconds; 10–3600.
    #[schema(minimum = 10, maximum = 3600, example = 80)]
    pub duration_s: i64,
    /// The picture's shape.
    pub format: Format,
    /// How long shots stand.
    pub tempo: Tempo,
    /// How the story is told.
    pub style: Style,
    /// How much is told around it.
    pub intensity: Intensity,
    /// Another seed, another draft of the same inputs.
    #[schema(minimum = 0, maximum = 4_294_967_295_i64, example = 1)]
    pub seed: u32,
}

/// One of the four parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Which.
    pub stage: StageName,
    /// Title.
    #[schema(max_length = 200, example = "첫 월급날")]
    pub title: String,
    /// In a sentence.
    #[schema(max_length = 1_000, example = "신입사원이 첫 월급을 받고 퇴근길에 오른다.")]
    pub summary: String,
    /// What happens.
    #[schema(max_length = 5_000)]
    pub content: String,
    /// What it is for.
    #[schema(max_length = 1_000)]
    pub objective: String,
    /// About how long it is.
    #[schema(max_length = 100, example = "약 20초")]
    pub length_hint: String,
    /// What must be seen; at most 8.
    pub key_points: Vec<String>,
    /// A new draft leaves it as it is.
    #[serde(default)]
    pub locked: bool,
    /// Somebody has written in it: a new draft leaves it as it is as well.
    #[serde(default)]
    pub edited: bool,
}

/// A small shot that goes between.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Insert {
    /// What it is for.
    pub purpose: Purpose,
    /// What is seen.
    #[schema(max_length = 500, example = "김이 오르는 붕어빵 봉투")]
    pub description: String,
}

/// The picture of a shot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Picture {
    /// Drawn by the program from the shot's own words.
    #[default]
    Conti,
    /// A sketch that was uploaded or drawn on the page: its content's address.
    Sketch {
        /// SHA-256 of its bytes, in hexadecimal.
        hash: String,
    },
    /// A frame of a film.
    KeyFrame {
        /// Of which version.
        media: MediaId,
        /// Its content's address: it was copied, and stays when the film goes.
        hash: String,
        /// Where it stands in the film.
        at_ms: i64,
    },
}

/// One of the twelve shots. Its place is its number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Shot {
    /// Its name in the plan, for as long as the plan lives: moved elsewhere, it keeps it. 1–12.
    #[schema(minimum = 1, maximum = 12, example = 7)]
    pub key: i64,
    /// In which part it stands.
    pub stage: StageName,
    /// Title.
    #[schema(max_length = 200, example = "김이 서린 유리창")]
    pub title: String,
    /// What is seen.
    #[schema(max_length = 2_000)]
    pub description: String,
    /// 대사
    #[schema(max_length = 1_000)]
    pub dialogue: String,
    /// 자막
    #[schema(max_length = 500)]
    pub subtitle: String,
    /// 내레이션
    #[schema(max_length = 1_000)]
    pub voice_over: String,
    /// How much is seen.
    pub size: ShotSize,
    /// What the camera does.
    pub movement: Movement,
    /// From where it looks.
    pub angle: Angle,
    /// How long it stands; 500–600,000.
    #[schema(minimum = 500, maximum = 600_000, example = 6500)]
    pub duration_ms: i64,
    /// How it goes over into the next.
    pub transition: Transition,
    /// Small shots that go between; at most 3.
    pub inserts: Vec<Insert>,
    /// Its picture.
    #[serde(default)]
    pub picture: Picture,
    /// How often its picture has changed: the `v3` of `S07-conti-v3`.
    #[serde(default = "first")]
    #[schema(example = 1)]
    pub picture_version: i64,
    /// A new draft leaves it as it is.
    #[serde(default)]
    pub locked: bool,
    /// Somebody has written in it: a new draft leaves it as it is as well.
    #[serde(default)]
    pub edited: bool,
}

fn first() -> i64 {
    1
}

/// A story: four stages, twelve shots, in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// The four parts.
    pub stages: Vec<Stage>,
    /// The twelve shots.
    pub shots: Vec<Shot>,
}

/// The label of a shot's picture, from its place (from 0) and the picture's version.
pub fn label(place: usize, version: i64) -> String {
    format!("S{:02}-conti-v{version}", place + 1)
}
