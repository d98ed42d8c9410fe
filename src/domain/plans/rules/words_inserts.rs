//! Insert shots by purpose, as noun phrases.

use crate::domain::plans::story::Purpose;

/// What an insert of this purpose shows; `{prop}` is a small thing of the story's world.
pub fn inserts(purpose: Purpose) -> &'static [&'static str] {
    match purpose {
        Purpose::Information => &[
            "{place}의 이름이 보이는 표지",
            "{time:을} 알려 주는 시계",
            "벽에 붙은 안내문",
            "하늘의 빛으로 짐작하는 시간",
            "창밖으로 보이는 거리의 모습",
            "날짜가 적힌 달력 한 장",
            "{thing}에 적힌 작은 글씨",
            "{place:으로} 들어가는 입구",
            "휴대전화 화면에 뜬 짧은 알림",
            "바닥에 드리운 그림자의 길이",
            "멀리서 본 {place}의 윤곽",
            "책상 위에 펼쳐진 종이 한 장",
        ],
        Purpose::Rhythm => &[
            "빠르게 스쳐 가는 발걸음",
            "깜빡이다 켜지는 불빛",
            "바람에 흔들리는 나뭇잎",
            "하늘을 가로지르는 새 한 마리",
            "문이 닫히며 화면을 가리는 순간",
            "유리창에 비친 빛의 흔들림",
            "구름이 빠르게 흘러가는 하늘",
            "물웅덩이에 번지는 동그라미",
            "화면을 스쳐 지나가는 자동차 불빛",
            "천천히 내려앉는 먼지",
            "한 박자 쉬어 가는 빈 풍경",
            "흔들리는 커튼 자락",
        ],
        Purpose::Detail => &[
            "{prop}",
            "{prop}",
            "{prop}",
            "{prop}",
            "{prop}",
            "{prop}",
            "{prop}",
            "{prop}",
            "{thing}의 질감이 보이는 표면",
            "{thing:을} 비추는 가느다란 빛",
            "{thing}의 모서리에 맺힌 빛",
            "초점이 맞아 가는 {thing}",
        ],
        Purpose::Relationship => &[
            "!나란히 멈춘 두 사람의 발끝",
            "!살짝 스치는 손등",
            "비어 있는 옆자리",
            "같은 곳을 향하는 시선",
            "둘 사이에 놓인 {thing}",
            "!어깨에 얹히는 손",
            "!마주 보다 피하는 눈길",
            "한쪽이 비켜 준 자리",
            "두 개의 그림자가 겹치는 바닥",
            "!{hero:을} 바라보는 누군가의 뒷모습",
            "!말없이 건네는 작은 물건",
            "함께 바라본 창밖 풍경",
        ],
    }
}
