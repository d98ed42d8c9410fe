//! Sentences about the camera and the light.

use crate::domain::plans::story::{Angle, Movement, ShotSize};

/// What a movement is for, in wide pictures and in close ones. A sentence that begins with `!` speaks of somebody's body.
pub fn movement(movement: Movement, wide: bool) -> &'static [&'static str] {
    match (movement, wide) {
        (Movement::Static, true) => &[
            "카메라는 움직이지 않고 지켜본다.",
            "화면을 고정해 작은 움직임까지 눈에 들어오게 한다.",
            "구도를 흔들지 않고 그대로 둔다.",
            "삼각대에 올린 화면으로 차분함을 지킨다.",
            "카메라를 세워 두고 시간의 흐름에 맡긴다.",
            "!멈춘 화면 안에서 인물만 움직인다.",
        ],
        (Movement::Static, false) => &[
            "카메라는 한자리에서 다음 순간을 기다린다.",
            "고정된 화면이 호흡을 한 박자 늦춘다.",
            "움직이지 않는 화면이 작은 변화까지 드러낸다.",
            "카메라를 멈추어 시선이 흩어지지 않게 한다.",
            "숨을 죽이듯 화면을 고정한다.",
            "컷을 서두르지 않고 한 박자 더 머문다.",
        ],
        (Movement::Pan, _) => &[
            "카메라가 왼쪽에서 오른쪽으로 천천히 훑는다.",
            "옆으로 흐르는 화면이 공간을 이어 준다.",
            "느린 팬으로 주변까지 함께 보여 준다.",
            "화면이 옆으로 움직이며 새로운 것을 하나씩 들인다.",
            "!시선이 향하는 쪽으로 화면이 부드럽게 돌아간다.",
        ],
        (Movement::Tilt, true) => &[
            "!발끝에서 얼굴까지 화면이 천천히 올라간다.",
            "위에서 시작한 화면이 천천히 내려와 멈춘다.",
            "느린 틸트로 높이와 무게를 느끼게 한다.",
        ],
        (Movement::Tilt, false) => &[
            "아래에서 위로 천천히 시선을 올린다.",
            "위에서 아래로 느리게 훑어 내려온다.",
            "화면이 조금 내려가며 한 지점에서 멈춘다.",
        ],
        (Movement::Zoom, _) => &[
            "눈치채지 못할 만큼 느린 줌으로 다가간다.",
            "서서히 당겨 들어가며 시선을 모은다.",
            "느린 줌이 한 지점으로 집중을 이끈다.",
            "화면이 조금씩 좁아지며 밀도를 높인다.",
        ],
        (Movement::Dolly, true) => &[
            "카메라가 조용히 앞으로 나아가며 거리를 좁힌다.",
            "부드러운 전진으로 장면 안으로 이끈다.",
            "카메라가 문턱을 넘듯 안으로 들어간다.",
            "멀리서부터 천천히 다가가며 장면을 연다.",
        ],
        (Movement::Dolly, false) => &[
            "!천천히 다가가 숨소리가 들릴 만한 거리에서 멈춘다.",
            "한 걸음씩 다가가듯 카메라를 민다.",
            "카메라를 조금씩 밀어 마음의 거리를 좁힌다.",
            "부드럽게 다가가며 배경을 지워 나간다.",
        ],
        (Movement::Tracking, _) => &[
            "!카메라가 걸음을 맞추어 옆에서 따라간다.",
            "!한 발 뒤에서 움직임을 그대로 좇는다.",
            "멈추지 않는 카메라가 속도를 함께 느끼게 한다.",
            "!같은 빠르기로 나란히 움직이며 호흡을 맞춘다.",
            "!움직임을 놓치지 않고 끝까지 따라붙는다.",
            "옆으로 나란히 흐르는 화면이 장면에 리듬을 준다.",
        ],
    }
}

/// The same for the shot that ends the film: the camera goes back, or stays.
pub fn farewell(movement: Movement) -> &'static [&'static str] {
    match movement {
        Movement::Dolly => {
            &["카메라가 조용히 물러나며 장면을 놓아준다.", "!천천히 뒤로 빠지면서 풍경 속에 인물을 남긴다."]
        }
        Movement::Zoom => &["화면이 서서히 넓어지며 이야기를 내려놓는다.", "느리게 풀리는 화면이 긴장을 거두어 간다."],
        Movement::Tilt => &["화면이 위로 올라가며 여백을 남긴다.", "시선을 천천히 들어 올려 빈 곳에서 멈춘다."],
        Movement::Static | Movement::Pan | Movement::Tracking => {
            &["마지막 구도를 오래 유지해 여운을 남긴다.", "움직임이 사라진 뒤에도 화면을 몇 초 더 붙들어 둔다."]
        }
    }
}

/// What an angle does, in wide pictures and in close ones; nothing for the eye's own level. `second`: the shoulder is the
/// other one's.
pub fn angle(angle: Angle, wide: bool, second: bool) -> &'static [&'static str] {
    match (angle, wide) {
        (Angle::EyeLevel, _) => &[],
        (Angle::High, true) => &[
            "!높은 곳에서 내려다보아 인물을 작게 느끼게 한다.",
            "살짝 내려다보는 시선으로 둘레의 사정을 함께 보여 준다.",
            "위쪽에서 비스듬히 내려다보아 공간의 구조를 알린다.",
            "하이 앵글로 전체의 배치를 한눈에 보여 준다.",
        ],
        (Angle::High, false) => &[
            "조금 높은 곳에서 조심스럽게 내려다본다.",
            "살짝 내려다보는 각도로 여린 느낌을 더한다.",
            "위에서 비스듬히 잡아 바닥의 그림자까지 담는다.",
        ],
        (Angle::Low, true) => &[
            "바닥 가까이 내린 카메라가 배경을 크게 세운다.",
            "낮은 앵글로 머리 위의 공간을 넉넉히 담는다.",
            "!낮은 위치에서 올려다보아 인물 뒤의 공간을 열어 준다.",
        ],
        (Angle::Low, false) => &[
            "낮은 앵글로 올려다보아 존재감을 키운다.",
            "!아래에서 올려 잡아 결심의 무게를 싣는다.",
            "눈높이보다 낮은 각도로 단단한 인상을 준다.",
        ],
        (Angle::OverShoulder, _) if second => {
            &["이번에는 맞은편 어깨 너머로 시선을 되돌려 준다.", "같은 축을 지키며 반대쪽 어깨 너머에서 바라본다."]
        }
        (Angle::OverShoulder, _) => {
            &["어깨 너머로 바라보며 같은 시선을 나눈다.", "등 뒤에서 넘겨다보아 곁에 선 느낌을 준다."]
        }
        (Angle::Dutch, _) => &["기울인 화면으로 흔들리는 마음을 드러낸다.", "수평을 살짝 무너뜨려 불안을 키운다."],
        (Angle::Overhead, _) => &[
            "바로 위에서 내려다본 화면이 한 장의 도면처럼 펼쳐진다.",
            "머리 위에서 수직으로 내려다본다.",
            "부감으로 잡아 배치와 움직임을 한눈에 보여 준다.",
        ],
    }
}

/// What a size is for.
pub fn size(size: ShotSize) -> &'static [&'static str] {
    match size {
        ShotSize::ExtremeWide => {
            &["!인물은 풍경 속의 작은 점처럼 보인다.", "넉넉한 여백으로 공간의 크기를 먼저 알린다."]
        }
        ShotSize::Wide => &[
            "앞쪽에 여백을 두어 다음 움직임을 기다린다.",
            "!인물과 공간의 관계가 한눈에 읽힌다.",
            "배경의 깊이를 살려 시선이 안쪽으로 향하게 한다.",
        ],
        ShotSize::Full => &[
            "!머리부터 발끝까지 담아 몸짓이 말하게 한다.",
            "!온몸의 움직임이 잘리지 않도록 여유를 둔다.",
            "위아래에 여백을 남겨 전체를 온전히 담는다.",
        ],
        ShotSize::Medium => &[
            "!허리 위로 잡아 손짓과 표정을 함께 살린다.",
            "!대화하듯 편안한 거리를 지킨다.",
            "!배경을 남겨 둔 채 인물에게 무게를 옮긴다.",
        ],
        ShotSize::MediumCloseUp => {
            &["!가슴 위로 잡아 눈빛의 변화를 읽게 한다.", "배경을 흐리고 초점이 맞은 곳만 또렷하게 남긴다."]
        }
        ShotSize::CloseUp => &[
            "군더더기를 걷어 내고 한 가지만 보여 준다.",
            "얕은 심도로 나머지를 모두 흐린다.",
            "화면을 가득 채워 다른 생각이 끼어들 틈을 주지 않는다.",
        ],
        ShotSize::ExtremeCloseUp => &["표면의 결이 보일 만큼 바짝 다가간다.", "아주 작은 떨림까지 화면에 담는다."],
    }
}

/// How a film feels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// 따뜻한
    Warm,
    /// 밝고 유쾌한
    Bright,
    /// 차분한
    Calm,
    /// 긴장감 있는
    Tense,
    /// 아련한
    Wistful,
    /// 세련된
    Sleek,
    /// Nothing said.
    Plain,
}

impl Mood {
    /// The mood that a tone's words name.
    pub fn of(tone: &str) -> Mood {
        let low = tone.to_lowercase();
        let has = |words: &str| words.split(' ').any(|w| low.contains(w));
        if has("따뜻 따듯 감동 훈훈 다정 포근 온기 warm heart") {
            Mood::Warm
        } else if has("긴장 스릴 어두 공포 미스터리 강렬 서늘 tense dark thrill horror 박진 무서") {
            Mood::Tense
        } else if has("아련 그리 향수 슬픈 슬프 애틋 쓸쓸 감성 서정 nostalg sad 몽환") {
            Mood::Wistful
        } else if has("밝 유쾌 경쾌 발랄 코믹 유머 신나 활기 재미 위트 b급 키치 fun bright cheer humor 귀여")
        {
            Mood::Bright
        } else if has("세련 모던 고급 시크 미래 도시적 럭셔리 미니멀 트렌디 modern sleek luxur 감각 힙")
        {
            Mood::Sleek
        } else if has("차분 잔잔 담백 담담 진지 진솔 신뢰 calm quiet 절제 고요 사실") {
            Mood::Calm
        } else {
            Mood::Plain
        }
    }

    /// Parts flow into each other.
    pub fn soft(self) -> bool {
        matches!(self, Mood::Warm | Mood::Calm | Mood::Wistful)
    }
}

/// Light, colour and sound of a mood.
pub fn light(mood: Mood) -> &'static [&'static str] {
    match mood {
        Mood::Warm => &[
            "노란 빛이 화면 가장자리부터 스며든다.",
            "따뜻한 역광이 윤곽을 부드럽게 감싼다.",
            "!낮은 조명이 얼굴의 한쪽을 포근하게 비춘다.",
            "색온도를 낮추어 온기를 더한다.",
            "피아노 선율이 작게 들어온다.",
            "창으로 든 햇살이 먼지까지 반짝이게 한다.",
        ],
        Mood::Bright => &[
            "밝고 선명한 색으로 화면을 채운다.",
            "경쾌한 리듬이 편집의 박자를 이끈다.",
            "맑은 자연광이 그림자를 옅게 만든다.",
            "톡톡 튀는 효과음이 움직임에 맞추어 들어간다.",
            "원색의 소품이 화면에 활기를 준다.",
            "경쾌한 효과음으로 장면의 끝을 맺는다.",
        ],
        Mood::Calm => &[
            "채도를 낮춘 색으로 차분함을 지킨다.",
            "음악 없이 현장의 소리만 들려준다.",
            "고른 자연광이 꾸밈없는 느낌을 준다.",
            "여백을 넉넉히 두어 생각할 틈을 준다.",
            "낮게 깔린 현악이 호흡을 고르게 한다.",
            "그림자의 경계를 부드럽게 풀어 준다.",
        ],
        Mood::Tense => &[
            "강한 명암 대비로 화면의 절반을 어둠에 둔다.",
            "푸른 기가 도는 빛이 공기를 차갑게 만든다.",
            "낮은 진동음이 조금씩 커진다.",
            "깜빡이는 불빛이 불안을 부추긴다.",
            "초점이 한 박자 늦게 맞으며 조바심을 낸다.",
            "소리를 갑자기 비워 귀를 기울이게 한다.",
        ],
        Mood::Wistful => &[
            "옅은 안개처럼 풀린 빛이 기억 속 장면 같은 느낌을 준다.",
            "바랜 색감으로 지나간 시간을 떠올리게 한다.",
            "느린 기타 소리가 멀리서 들려온다.",
            "렌즈에 번진 빛이 윤곽을 흐린다.",
            "해 질 녘의 붉은빛이 길게 드리운다.",
            "필름 입자를 얹어 아련함을 더한다.",
        ],
        Mood::Sleek => &[
            "절제된 색과 직선으로 화면을 정돈한다.",
            "금속과 유리에 비친 빛이 날렵한 인상을 준다.",
            "짧은 비트에 맞추어 화면을 끊는다.",
            "단색 배경이 대상을 또렷하게 띄운다.",
            "차가운 흰빛으로 군더더기 없는 느낌을 준다.",
            "좌우 대칭의 구도로 안정감을 준다.",
        ],
        Mood::Plain => &[
            "자연광을 살려 꾸밈없이 담는다.",
            "현장의 소리를 그대로 살린다.",
            "빛의 방향으로 시간을 짐작하게 한다.",
            "앞뒤의 초점을 옮겨 시선을 이끈다.",
            "배경음을 낮추어 움직임에 집중하게 한다.",
            "화면 한쪽을 비워 시선이 쉴 자리를 둔다.",
        ],
    }
}
