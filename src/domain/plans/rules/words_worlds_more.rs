//! Worlds: the second half, and how one is chosen.

use super::words_worlds::{CRAFT, FOOD, HOME, NATURE, OFFICE, SCHOOL, SEA, STREET, World};

/// Machines that think, and the people who build them.
pub const TECH: World = World {
    keys: "앱 ai 인공지능 로봇 안드로이드 스타트업 개발자 서비스 플랫폼 데이터 서버 코딩 스마트 이어폰 노트북 휴대전화 디지털 기술 드론 반도체 app robot software 해커 클라우드 전기차 가전",
    hero: "개발자",
    place: "연구실",
    thing: "화면",
    views: &[
        "어두운 실내에서 작은 표시등들이 차례로 켜진다.",
        "벽면을 채운 화면 위로 숫자와 선이 흘러간다.",
        "유리 벽에 적힌 수식 사이로 사람들의 움직임이 비친다.",
        "정돈된 책상 위에 기기 하나만 조명을 받고 있다.",
    ],
    acts: &[
        "{hero:이} 화면을 손끝으로 밀어 올린다.",
        "{hero:이} 전원을 켜고 반응을 기다린다.",
        "{hero:이} 의자를 뒤로 밀고 두 손으로 얼굴을 쓸어내린다.",
        "{hero:이} 붉은 경고 문구를 소리 내지 않고 읽는다.",
        "{hero:이} 오류가 사라진 화면을 보고 숨을 내쉰다.",
        "{hero:이} 기기를 손바닥 위에 올려 천천히 돌려 본다.",
    ],
    props: &[
        "깜빡이는 표시등",
        "손끝이 닿기 직전의 화면",
        "얽힌 전선 다발",
        "화면에 비친 얼굴",
        "빠르게 올라가는 숫자",
        "충전 단자에 꽂히는 선",
        "유리 벽에 남은 손자국",
        "멈춰 있는 진행 막대",
    ],
    sounds: &[
        "냉각팬 소리가 낮게 이어진다.",
        "짧은 알림음이 정적을 깬다.",
        "기계음이 잦아들고 사람 목소리가 또렷해진다.",
    ],
};

/// Music, dance, theatre and pictures.
pub const STAGE: World = World {
    keys: "무대 공연 음악 노래 가수 피아노 피아니스트 바이올린 첼로 기타 밴드 춤 댄서 무용 발레 배우 연극 오디션 래퍼 작곡 화가 그림 미술 영화 촬영 녹음 합창 연습생 piano guitar dancer singer artist",
    hero: "연주자",
    place: "연습실",
    thing: "악보",
    views: &[
        "텅 빈 객석 위로 조명이 하나씩 켜진다.",
        "거울로 둘러싸인 방에 한 사람의 움직임이 여러 겹으로 비친다.",
        "막이 오르기 전 무대 뒤가 분주하게 돌아간다.",
        "둥근 조명이 빈 의자 하나를 비춘다.",
    ],
    acts: &[
        "{hero:이} 첫 음을 내기 전 길게 숨을 고른다.",
        "{hero:이} 같은 동작을 처음부터 다시 시작한다.",
        "{hero:이} 대기실 거울 앞에서 옷매무새를 고친다.",
        "{hero:이} 악보의 한 줄에 연필로 표시를 한다.",
        "{hero:이} 조명 속으로 한 걸음 들어선다.",
        "{hero:이} 막 뒤에서 객석을 몰래 내다본다.",
    ],
    props: &[
        "닳은 신발 밑창",
        "줄 위에서 떨리는 손가락",
        "연필 자국이 가득한 종이",
        "먼지가 떠다니는 조명 빛줄기",
        "꼭 쥔 주먹",
        "바닥에 붙인 표시 테이프",
        "벗어 둔 외투",
        "객석 맨 앞줄의 빈자리",
    ],
    sounds: &[
        "조율하는 소리가 여기저기서 들리다 멎는다.",
        "박수 소리가 멀리서 밀려온다.",
        "첫 음이 울리고 주위가 조용해진다.",
    ],
};

/// Sport and the body.
pub const SPORT: World = World {
    keys: "운동 선수 마라톤 달리기 달리는 러너 축구 야구 농구 수영 복싱 복서 코치 경기 훈련 체육관 자전거 등반 태권도 유도 헬스 요가 운동화 runner sneakers marathon bicycle",
    hero: "선수",
    place: "운동장",
    thing: "운동화",
    views: &[
        "아무도 없는 트랙 위로 새벽빛이 깔린다.",
        "출발선 앞에 선 사람들의 입김이 하얗게 흩어진다.",
        "관중석의 빈 의자들이 줄을 맞춰 늘어서 있다.",
        "길게 뻗은 길 끝에서 작은 점 하나가 다가온다.",
    ],
    acts: &[
        "{hero:이} 신발 끈을 조이고 제자리에서 두어 번 뛴다.",
        "{hero:이} 무릎을 짚고 거칠게 숨을 몰아쉰다.",
        "{hero:이} 땀에 젖은 수건을 목에 걸고 기록을 확인한다.",
        "{hero:이} 넘어진 자리에서 천천히 몸을 일으킨다.",
        "{hero:이} 눈을 감고 출발 신호를 기다린다.",
        "{hero:이} 속도를 늦추지 않고 모퉁이를 돈다.",
    ],
    props: &[
        "꽉 조인 신발 끈",
        "손목에 감은 붕대",
        "바닥에 떨어지는 땀방울",
        "멈춰 선 초시계",
        "흙먼지가 묻은 무릎",
        "구겨진 번호표",
        "반쯤 빈 물병",
        "벽에 붙은 훈련 일지",
    ],
    sounds: &[
        "심장 박동 같은 발소리가 이어진다.",
        "호루라기 소리가 공기를 가른다.",
        "함성이 멀어지고 숨소리만 남는다.",
    ],
};

/// On the way.
pub const TRAVEL: World = World {
    keys: "여행 기차 열차 버스 지하철 공항 비행기 정류장 터미널 자동차 택시 기사 승무원 고속도로 휴게소 캠핑 떠나는 여행자 호텔 train subway airport travel 운전",
    hero: "여행자",
    place: "간이역",
    thing: "차표",
    views: &[
        "창밖 풍경이 빠르게 뒤로 물러난다.",
        "빈 승강장에 안내 방송이 울리고 불빛이 다가온다.",
        "길게 뻗은 도로 위로 아지랑이가 피어오른다.",
        "짐을 든 사람들이 저마다 다른 쪽으로 흩어진다.",
    ],
    acts: &[
        "{hero:이} 창가에 머리를 기대고 바깥을 바라본다.",
        "{hero:이} 시간표를 올려다보다 손목시계를 확인한다.",
        "{hero:이} 빈 옆자리에 가방을 올려놓는다.",
        "{hero:이} 닫히는 문 앞에서 걸음을 멈춘다.",
        "{hero:이} 지도를 접어 주머니에 넣고 앞장서 걷는다.",
        "{hero:이} 손잡이를 잡은 채 흔들림에 몸을 맡긴다.",
    ],
    props: &[
        "꼭 쥔 차표",
        "창에 서린 김 위의 손가락 자국",
        "바퀴 달린 가방",
        "흔들리는 손잡이",
        "넘어가는 시간표의 글자",
        "거울에 비친 뒷좌석",
        "무릎 위에 펼친 지도",
        "창밖으로 스치는 불빛",
    ],
    sounds: &[
        "바퀴가 선로 이음매를 지나는 소리가 규칙적으로 이어진다.",
        "출발을 알리는 안내 방송이 흐른다.",
        "엔진이 꺼지고 바람 소리가 들어온다.",
    ],
};

/// Care and healing.
pub const CARE: World = World {
    keys: "병원 의사 간호사 환자 요양원 요양 간병 응급 수술 병실 약국 보호소 유기견 봉사 구급 소방관 소방서 경찰 경찰서 의료 건강 hospital nurse doctor 강아지 동물병원 치매",
    hero: "간호사",
    place: "병원 복도",
    thing: "차트",
    views: &[
        "긴 복도 끝의 창으로 흰빛이 들어온다.",
        "문마다 붙은 이름표가 차례로 지나간다.",
        "대기실 의자에 사람들이 띄엄띄엄 앉아 있다.",
        "마당의 나무 아래로 느린 걸음들이 오간다.",
    ],
    acts: &[
        "{hero:이} 문 앞에서 한 번 숨을 고르고 들어선다.",
        "{hero:이} 상대의 손을 두 손으로 감싸 쥔다.",
        "{hero:이} 무릎을 낮춰 눈높이를 맞춘다.",
        "{hero:이} 이불을 끌어 올려 어깨를 덮어 준다.",
        "{hero:이} 벽에 등을 기대고 천장을 올려다본다.",
        "{hero:이} 장갑을 벗고 붉어진 손을 내려다본다.",
    ],
    props: &[
        "포개진 두 손",
        "침대 머리맡의 물컵",
        "손목의 이름표",
        "창가에 놓인 작은 화분",
        "벽에 기대 놓은 지팡이",
        "천천히 떨어지는 수액",
        "문고리에 걸린 쪽지",
        "낡은 담요의 끝자락",
    ],
    sounds: &[
        "규칙적인 기계음이 낮게 이어진다.",
        "복도를 지나는 바퀴 소리가 멀어진다.",
        "창밖에서 아이 웃음소리가 들려온다.",
    ],
};

/// Shops and markets.
pub const SHOP: World = World {
    keys: "시장 가게 서점 책방 상점 상인 손님 단골 편의점 마트 백화점 꽃집 사진관 미용실 문방구 폐업 개업 자영업 사장 책 market shop bookstore library 빨래",
    hero: "가게 주인",
    place: "오래된 가게",
    thing: "간판",
    views: &[
        "셔터가 반쯤 올라가고 안쪽의 불이 켜진다.",
        "좁은 통로 양쪽으로 물건들이 빼곡히 들어차 있다.",
        "진열창 앞을 지나던 사람들이 잠시 걸음을 멈춘다.",
        "손님이 빠져나간 자리에 저녁 빛이 남는다.",
    ],
    acts: &[
        "{hero:이} 문패를 뒤집어 걸고 불을 켠다.",
        "{hero:이} 물건의 먼지를 털어 제자리에 놓는다.",
        "{hero:이} 장부를 펼쳐 놓고 한 줄씩 짚어 간다.",
        "{hero:이} 계산대 너머로 문 쪽을 바라본다.",
        "{hero:이} 포장지를 접어 모서리를 꼼꼼히 누른다.",
        "{hero:이} 거스름돈을 건네며 짧게 웃는다.",
    ],
    props: &[
        "손때 묻은 장부",
        "문에 걸린 영업 안내판",
        "모서리가 닳은 나무 계산대",
        "끈으로 묶은 종이봉투",
        "손글씨 가격표",
        "진열대에 하나 남은 물건",
        "유리문에 남은 손자국",
        "천장에서 흔들리는 전구",
    ],
    sounds: &["문에 달린 종이 짧게 울린다.", "흥정하는 목소리들이 한데 섞인다.", "셔터 내려가는 소리가 골목에 퍼진다."],
};

/// Beauty, clothes and things that are sold by how they look.
pub const BEAUTY: World = World {
    keys: "화장품 세럼 뷰티 beauty 패션 옷 드레스 향수 조향사 피부 크림 립스틱 헤어 샴푸 주얼리 반지 가방 모델 디자이너 웨딩 한복 속옷 cosmetic fashion perfume",
    hero: "모델",
    place: "밝은 스튜디오",
    thing: "유리병",
    views: &[
        "흰 배경 위로 부드러운 빛이 넓게 번진다.",
        "거울과 유리에 반사된 빛이 벽에 무늬를 만든다.",
        "정돈된 화장대 앞으로 얇은 커튼이 흔들린다.",
        "물 위에 비친 빛이 천장까지 일렁인다.",
    ],
    acts: &[
        "{hero:이} 거울 앞에서 천천히 고개를 든다.",
        "{hero:이} 손등에 한 방울을 떨어뜨려 펴 바른다.",
        "{hero:이} 머리카락을 귀 뒤로 넘기고 앞을 바라본다.",
        "{hero:이} 눈을 감고 향을 깊이 들이마신다.",
        "{hero:이} 옷감을 손끝으로 쓸어 본다.",
        "{hero:이} 빛 쪽으로 얼굴을 돌려 옅게 웃는다.",
    ],
    props: &[
        "유리병을 타고 흐르는 물방울",
        "빛을 머금은 투명한 질감",
        "손끝에 맺힌 한 방울",
        "천천히 펼쳐지는 얇은 천",
        "거울에 비친 눈동자",
        "뚜껑이 열리는 순간",
        "물 위에 떠 있는 꽃잎",
        "가지런히 놓인 붓",
    ],
    sounds: &[
        "얇은 천이 스치는 소리가 들린다.",
        "물방울 떨어지는 소리가 박자를 만든다.",
        "음악이 한 박자 비고 숨소리가 들린다.",
    ],
};

/// Space and what is not of this world.
pub const SPACE: World = World {
    keys: "우주 우주비행사 외계인 화성 행성 달 별 로켓 우주정거장 유령 귀신 마법 도깨비 요정 괴물 미래 시간여행 space moon alien ghost ghosts magic 지구",
    hero: "탐험가",
    place: "낯선 행성",
    thing: "무전기",
    views: &[
        "끝없는 어둠 속에 푸른 빛 하나가 떠 있다.",
        "바람도 없는 땅 위로 긴 그림자가 드리운다.",
        "하늘을 가득 채운 별들이 천천히 기운다.",
        "안개 너머로 알 수 없는 불빛이 깜빡인다.",
    ],
    acts: &[
        "{hero:이} 유리창에 손을 대고 바깥을 바라본다.",
        "{hero:이} 신호를 보내고 답을 기다린다.",
        "{hero:이} 낯선 소리가 난 쪽으로 고개를 돌린다.",
        "{hero:이} 어둠 속으로 손전등을 비춘다.",
        "{hero:이} 기록장에 오늘 날짜를 적는다.",
        "{hero:이} 발자국을 따라 한 걸음씩 나아간다.",
    ],
    props: &[
        "창에 비친 푸른 빛",
        "공중에 천천히 떠오르는 물건",
        "먼지 위에 찍힌 발자국",
        "혼자 깜빡이는 계기판",
        "유리에 서린 입김",
        "끊어진 교신 기록",
        "손바닥 위의 작은 돌",
        "닳은 이름표",
    ],
    sounds: &[
        "잡음 섞인 신호음이 이어진다.",
        "소리가 모두 사라지고 숨소리만 남는다.",
        "어디선가 낮은 울림이 다가온다.",
    ],
};

/// Anywhere: where the place is named, but no world knows it.
pub const ANYWHERE: World = World {
    keys: "",
    hero: "주인공",
    place: "낯선 곳",
    thing: "작은 쪽지",
    views: &[
        "빛과 그림자의 경계가 공간을 둘로 나눈다.",
        "아무것도 움직이지 않는 풍경이 잠시 이어진다.",
        "안쪽 깊은 곳까지 초점을 맞추어 공간을 읽게 한다.",
        "화면 가장자리에서 누군가의 기척이 느껴진다.",
    ],
    acts: &[
        "{hero:이} 고개를 들어 주위를 천천히 둘러본다.",
        "{hero:이} 깊은 숨을 들이마시고 어깨를 편다.",
        "{hero:이} 무언가 말하려다 입을 다문다.",
        "{hero:이} 손바닥을 한 번 쥐었다 편다.",
        "{hero:이} 한 걸음 다가섰다가 다시 물러선다.",
        "{hero:이} 옷깃을 바로잡고 앞을 바라본다.",
    ],
    props: &[
        "바닥에 떨어진 종잇조각",
        "반쯤 열린 문틈",
        "빛을 받아 떠오르는 먼지",
        "오래되어 닳은 모서리",
        "주머니에서 꺼낸 작은 물건",
        "꽉 쥔 손",
        "흐릿하게 비친 모습",
        "그늘 속의 빈자리",
    ],
    sounds: &[
        "멀리서 작은 소리가 들렸다가 사라진다.",
        "숨소리가 들릴 만큼 주위가 고요하다.",
        "낮은 웅성거림이 조금씩 잦아든다.",
    ],
};

const ALL: [&World; 16] = [
    &FOOD, &SEA, &SCHOOL, &CRAFT, &TECH, &STAGE, &SPORT, &TRAVEL, &CARE, &SHOP, &BEAUTY, &SPACE, &NATURE, &OFFICE,
    &STREET, &HOME,
];

/// How well a world's keys, in lower case, name a noun.
fn score(world: &World, noun: &str) -> usize {
    let hit = |key: &str| match noun == key {
        true => 3,
        false if !key.is_ascii() && key.len() <= 3 => 0,
        false if noun.contains(key) => 2,
        false => 0,
    };
    world.keys.split(' ').map(hit).max().unwrap_or(0)
}

/// The world of a story: that of its place where one is named, or else the one that most of its nouns name. The first of
/// the list wins a tie; `turn` chooses where nothing is named.
pub fn choose(nouns: &[String], place: Option<&str>, turn: usize) -> &'static World {
    let best = |nouns: &[String]| {
        let points: Vec<usize> = ALL.iter().map(|w| nouns.iter().map(|n| score(w, n)).sum()).collect();
        let top = points.iter().copied().max().filter(|top| *top > 0)?;
        points.iter().position(|p| *p == top).map(|i| ALL[i])
    };
    if let Some(place) = place.map(str::to_lowercase) {
        let last = place.rsplit(' ').next().unwrap_or(&place).to_owned();
        return best(&[last]).or_else(|| best(&[place])).unwrap_or(&ANYWHERE);
    }
    let low: Vec<String> = nouns.iter().map(|n| n.to_lowercase()).collect();
    best(&low).unwrap_or([&STREET, &HOME, &OFFICE][turn % 3])
}
