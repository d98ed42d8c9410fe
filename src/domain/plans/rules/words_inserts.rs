//! Insert shots by purpose, as noun phrases.

use crate::domain::plans::story::Purpose;

/// What an insert of this purpose shows; `{prop}` is a small thing of the story's world.
pub fn inserts(purpose: Purpose) -> &'static [&'static str] {
    match purpose {
        Purpose::Information => &[
            "{place:을} 알아보게 하는 풍경 한 조각",
            "{time:을} 짐작하게 하는 하늘",
            "{item:을} 알아보게 하는 짧은 화면",
            "그림자의 길이로 보여 주는 시간",
            "밖에서 본 {place}",
            "{place:으로} 이어지는 길",
            "천천히 바뀌어 가는 하늘빛",
            "{hero:이} 지나온 자리",
            "{place}의 한쪽 구석",
            "지금 이곳의 날씨를 알려 주는 하늘",
            "{place:을} 한 바퀴 둘러보는 짧은 화면",
        ],
        Purpose::Rhythm => &[
            "빠르게 스쳐 가는 발걸음",
            "깜빡이다 켜지는 불빛",
            "바람에 흔들리는 나뭇잎",
            "하늘을 가로지르는 새 한 마리",
            "문이 닫히며 화면을 가리는 순간",
            "물결처럼 일렁이는 빛",
            "구름이 빠르게 흘러가는 하늘",
            "물웅덩이에 번지는 동그라미",
            "화면을 스쳐 지나가는 빛줄기",
            "천천히 내려앉는 먼지",
            "한 박자 쉬어 가는 빈 풍경",
            "한 박자 늦게 따라오는 그림자",
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
            "{item:을} 비추는 가느다란 빛",
            "초점이 맞아 가는 {item}",
            "화면 가까이 다가온 {item}",
            "어둠 속에서 떠오르는 {item}",
        ],
        Purpose::Relationship => &[
            "!나란히 멈춘 두 사람의 발끝",
            "!살짝 스치는 손등",
            "비어 있는 옆자리",
            "같은 곳을 향하는 시선",
            "둘 사이에 놓인 {item}",
            "!어깨에 얹히는 손",
            "!마주 보다 피하는 눈길",
            "한쪽이 비켜 준 자리",
            "두 개의 그림자가 겹치는 바닥",
            "!{hero:을} 바라보는 누군가의 뒷모습",
            "!말없이 건네는 작은 물건",
            "함께 바라본 풍경",
        ],
    }
}
