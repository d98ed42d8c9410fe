//! Documents of all kinds, read back by the tools that people have.

use std::process::Command;

use super::*;
use crate::domain::plans::story::*;

fn shot(i: usize) -> Shot {
    Shot {
        key: i as i64 + 1,
        stage: StageName::ALL[i / 3],
        title: format!("김이 서린 유리창 {}", i + 1),
        description: "창가에 선 아버지가 붕어빵 봉투를 든다.".into(),
        dialogue: "이거 드세요.".into(),
        subtitle: "첫 월급날".into(),
        voice_over: "집이 가까웠다.".into(),
        size: ShotSize::ALL[i % 7],
        movement: Movement::ALL[i % 6],
        angle: Angle::ALL[i % 6],
        duration_ms: 6_500,
        transition: Transition::ALL[i % 5],
        inserts: vec![Insert { purpose: Purpose::Detail, description: "김이 오르는 봉투".into() }],
        picture: Picture::Conti,
        picture_version: 3,
        locked: false,
        edited: false,
    }
}

fn document() -> Document {
    let stage = |stage: &StageName| Stage {
        stage: *stage,
        title: "첫 월급날".into(),
        summary: "신입사원이 퇴근길에 오른다.".into(),
        content: "골목의 노점 앞에서 걸음을 멈춘다.".into(),
        objective: "마음을 먼저 알아차리게 한다.".into(),
        length_hint: "약 20초".into(),
        key_points: vec!["설렘".into(), "온기".into()],
        locked: false,
        edited: false,
    };
    Document {
        title: "첫 월급, 붕어빵 두 봉지".into(),
        project: "한빛식품 가을 신제품".into(),
        client: "한빛식품".into(),
        status: "검토 중".into(),
        date: "2026-11-28".into(),
        lang: Lang::Ko,
        inputs: Inputs {
            one_liner: "아버지와 나눠 먹는 겨울 저녁".into(), duration_s: 80, ..Inputs::default()
        },
        story: Story { stages: StageName::ALL.iter().map(stage).collect(), shots: (0..12).map(shot).collect() },
        notice: Some("규칙 기반 초안".into()),
        pictures: HashMap::new(),
    }
}

/// What a tool of poppler says of a PDF that comes by a pipe.
fn tool(program: &str, arguments: &[&str], pdf: &[u8]) -> String {
    use std::io::Write;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{program} of poppler-utils is needed: {e}"));
    child.stdin.take().unwrap().write_all(pdf).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{program} does not read the PDF");
    String::from_utf8(out.stdout).unwrap()
}

fn text(pdf: &[u8]) -> String {
    tool("pdftotext", &["-raw", "-", "-"], pdf)
}

#[test]
fn a_plan_is_five_pages_of_a4_with_fonts_inside() {
    let pdf = plan(&document()).unwrap();
    let info = tool("pdfinfo", &["-"], &pdf);
    assert!(info.contains("Pages:           5"), "{info}");
    assert!(info.contains("841.89 x 595.28 pts (A4)"), "{info}");
    assert!(info.contains("한빛식품 가을 신제품 · 첫 월급, 붕어빵 두 봉지"), "{info}");
    let fonts = tool("pdffonts", &["-"], &pdf);
    let lines: Vec<&str> = fonts.lines().skip(2).collect();
    assert_eq!(lines.len(), 2, "{fonts}");
    assert!(
        lines.iter().all(|l| l.contains("+Pretendard-") && l.contains("yes yes yes")),
        "embedded, subset, with Unicode: {fonts}"
    );
}

#[test]
fn its_text_can_be_read_in_order() {
    let text = text(&plan(&document()).unwrap());
    let parts = [
        "첫 월급, 붕어빵 두 봉지",
        "아버지와 나눠 먹는 겨울 저녁",
        "고객사",
        "구성",
        "신입사원이 퇴근길에 오른다.",
        "스토리보드",
        "S01",
        "00:00–00:07",
        "김이 서린 유리창 1",
        "창가에 선 아버지가 붕어빵 봉투를 든다.",
        "대사",
        "이거 드세요.",
        "S02",
        "규칙 기반 초안",
        "3 / 5",
        "S12",
        "5 / 5",
    ];
    let mut from = 0;
    for part in parts {
        let at = text[from..].find(part).unwrap_or_else(|| panic!("{part} after {from}:\n{text}"));
        from += at + part.len();
    }
}

#[test]
fn nothing_of_a_long_text_is_lost() {
    let mut doc = document();
    let mut words = 0;
    let mut long = |n: usize| {
        let first = words;
        words += n;
        (first..words).map(|i| format!("낱말{i:05}")).collect::<Vec<_>>().join(" ")
    };
    doc.story.shots[4].description = long(180);
    doc.story.shots[4].dialogue = long(90);
    doc.story.stages[1].content = long(450);
    let pdf = plan(&doc).unwrap();
    let text = text(&pdf);
    for i in 0..words {
        assert!(text.contains(&format!("낱말{i:05}")), "word {i}");
    }
    assert!(text.contains("부록") && text.contains("→ 부록에 이어짐"));
}

#[test]
fn empty_strange_and_foreign_texts_are_printed_in_all_formats() {
    for (i, format) in Format::ALL.iter().enumerate() {
        let mut doc = document();
        doc.lang = if i % 2 == 0 { Lang::En } else { Lang::Ko };
        doc.inputs = Inputs { format: *format, ..Inputs::default() };
        (doc.title, doc.client, doc.notice) = (String::new(), String::new(), None);
        doc.story.shots[0].title = "漢字 \u{1F600} \u{0} \u{200D} ﷽ 𠮷".into();
        doc.story.shots[1].description = "a".repeat(2_000);
        doc.story.shots[2].description = String::new();
        let text = text(&plan(&doc).unwrap());
        assert!(text.contains("漢字") && !text.contains('\u{1F600}'), "a box is seen, the sign is read: {text}");
    }
    let mut bare = document();
    bare.story = Story { stages: vec![], shots: vec![] };
    assert!(plan(&bare).is_ok());
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    assert_eq!(plan(&document()).unwrap(), plan(&document()).unwrap());
}

#[test]
fn a_picture_that_cannot_be_read_is_drawn() {
    let drawn = plan(&document()).unwrap();
    let mut doc = document();
    doc.pictures.insert(3, ("image/png".into(), Bytes::from_static(b"no picture")));
    // The head of a picture that says 8 x 8, and then nothing.
    let head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08\x08\x02\0\0\0\x4b\x6d\x29\xdc";
    doc.pictures.insert(4, ("image/png".into(), Bytes::from_static(head)));
    doc.pictures.insert(5, ("image/svg+xml".into(), Bytes::from_static(b"<svg/>")));
    assert_eq!(plan(&doc).unwrap(), drawn);
}

#[test]
fn a_picture_is_in_the_document() {
    // One red pixel, as PNG.
    let red = [
        0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8,
        2, 0, 0, 0, 0x90, 0x77, 0x53, 0xDE, 0, 0, 0, 12, b'I', b'D', b'A', b'T', 0x08, 0xD7, 0x63, 0xF8, 0xCF, 0xC0, 0,
        0, 3, 1, 1, 0, 0x18, 0xDD, 0x8D, 0xB0, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xAE, 0x42, 0x60, 0x82,
    ];
    let mut doc = document();
    doc.pictures.insert(3, ("image/png".into(), Bytes::copy_from_slice(&red)));
    let images = tool("pdfimages", &["-list", "-"], &plan(&doc).unwrap());
    assert!(images.lines().count() > 2, "{images}");
}
