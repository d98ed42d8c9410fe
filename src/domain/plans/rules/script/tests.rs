//! Scripts of both forms, short ones, and garbage.

use super::*;

const KOREAN: &str = "제목: 마지막 손님\n작가: 홍길동\n\nS#1. 동네 서점 / 밤\n\n낡은 간판에 불이 깜빡인다. 주인 영호(60대)가 계산대에 앉아 장부를 덮는다.\n\n영호\t오늘도 글렀네.\n미라(E)\t아저씨, 아직 문 닫지 마세요!\n자막: 폐업 D-1\n\nS#2. 서점 앞 골목 (밤)\n\n미라가 우산을 접으며 뛰어온다. 숨이 턱까지 찼다.\n미라:  (숨을 몰아쉬며) 그 책, 아직 있어요?\n영호   어떤 책 말이냐.\n\n#3 서점 안 - 새벽\n\n두 사람이 책장을 뒤진다. 먼지가 날린다. 맨 아래 칸에서 미라가 얇은 시집을 꺼낸다.\n(NA) 그 시집은 스무 해 동안 한 번도 팔리지 않았다.\nNA: 그날 밤 처음으로 주인을 만났다.\n영호   그냥 가져가거라.\n미라   안 돼요. 꼭 사고 싶었어요.\n디졸브\n\n씬 4. 실외. 서점 앞 - 아침\n\n간판 불이 꺼진다. 영호가 셔터를 내리다 말고 웃는다.\n";
const FOUNTAIN: &str = "Title: The Last Letter\nAuthor: Somebody\n\nINT. CAFE - DAY\n\nMina wipes the counter. The door opens.\n\nMINA\n(softly)\nWe are closed.\nPlease come back tomorrow.\n\nJUN (V.O.)\nI had walked all night.\n\n[[a note]] Jun puts a letter on the table. /* cut\nthis */\n\nCUT TO:\n\n.ROOFTOP - NIGHT\n\n= a synopsis\n# A section\n\n@민아\n여기까지 왜 왔어?\n\nJUN\nTo give you this.\n\nMina reads the letter. The city lights go out one by one. She laughs.\n\n> FADE OUT\n";
const SHORT: &str = "씬 1. 카페 - 낮\n민수가 문을 연다.\n지연: 왔어?\n";

fn plan(text: &str) -> Story {
    let story = read(text, &Inputs { duration_s: 80, ..Inputs::default() }).unwrap();
    assert_eq!((story.stages.len(), story.shots.len()), (4, SHOTS));
    assert_eq!(story.shots.iter().map(|s| s.duration_ms).sum::<i64>(), 80_000);
    assert!(story.shots.iter().all(|s| !s.title.is_empty() && !s.description.is_empty()), "{story:#?}");
    story
}

fn all(story: &Story, pick: fn(&Shot) -> &str) -> String {
    story.shots.iter().map(pick).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_korean_script_becomes_shots_in_its_own_words() {
    let story = plan(KOREAN);
    let (seen, said) = (all(&story, |s| &s.description), all(&story, |s| &s.dialogue));
    for words in [
        "동네 서점, 밤.",
        "낡은 간판에 불이 깜빡인다.",
        "서점 앞 골목, 밤.",
        "서점 안, 새벽.",
        "서점 앞, 아침.",
        "얇은 시집을 꺼낸다.",
    ] {
        assert!(seen.contains(words), "{words}\n{seen}");
    }
    for words in [
        "영호: 오늘도 글렀네.",
        "미라: 아저씨, 아직 문 닫지 마세요!",
        "미라: (숨을 몰아쉬며) 그 책, 아직 있어요?",
        "영호: 그냥 가져가거라.",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert!(all(&story, |s| &s.subtitle).contains("폐업 D-1"));
    assert!(
        all(&story, |s| &s.voice_over).contains("그날 밤 처음으로 주인을 만났다."),
        "{}",
        all(&story, |s| &s.voice_over)
    );
    assert!(!seen.contains("홍길동") && !seen.contains("S#"));
    assert!(story.shots.iter().any(|s| s.transition == Transition::Dissolve));
}

#[test]
fn fountain_becomes_shots_as_well() {
    let story = plan(FOUNTAIN);
    let (seen, said) = (all(&story, |s| &s.description), all(&story, |s| &s.dialogue));
    for words in ["CAFE, 낮.", "Mina wipes the counter.", "ROOFTOP, 밤.", "Jun puts a letter on the table."] {
        assert!(seen.contains(words), "{words}\n{seen}");
    }
    assert!(
        said.contains("MINA: (softly) We are closed. Please come back tomorrow.")
            || said.contains("MINA: Please come back tomorrow."),
        "{said}"
    );
    assert!(said.contains("민아: 여기까지 왜 왔어?") && said.contains("JUN: To give you this."), "{said}");
    assert!(all(&story, |s| &s.voice_over).contains("I had walked all night."));
    for gone in ["a note", "cut\nthis", "synopsis", "section", "Somebody", "CUT TO"] {
        assert!(!seen.contains(gone) && !said.contains(gone), "{gone}");
    }
}

#[test]
fn a_short_script_is_filled_with_what_it_names() {
    let story = plan(SHORT);
    let seen = all(&story, |s| &s.description);
    assert!(
        seen.contains("민수가 문을 연다.")
            && seen.contains("카페를 넓게 보여 준다.")
            && seen.contains("지연의 표정을 가까이에서 담는다."),
        "{seen}"
    );
}

#[test]
fn headings_of_all_forms_are_read() {
    for (line, place, time) in [
        ("S#1. 카페 / 낮", "카페", "낮"),
        ("#1 카페 (낮)", "카페", "낮"),
        ("씬 1. 실내. 카페 - 낮", "카페", "낮"),
        ("S# 12A. 병원 복도 - 늦은 밤", "병원 복도", "늦은 밤"),
        ("INT. CAFE - DAY", "CAFE", "낮"),
        ("EXT. 한강 공원 - NIGHT #12#", "한강 공원", "밤"),
        ("I/E. CAR - CONTINUOUS", "CAR", "이어서"),
        (".옥상 - 새벽", "옥상", "새벽"),
        ("장면 3: 골목 밤", "골목", "밤"),
    ] {
        let scenes = lines::scenes(&format!("{line}\n\n비가 온다.\n"));
        assert_eq!((scenes[0].place.as_str(), scenes[0].time.as_str()), (place, time), "{line}");
    }
}

#[test]
fn nothing_to_read_and_too_much_are_told() {
    for empty in ["", " \n\n", "S#1. 카페 / 낮", "[[note]]", "/* all */", "…!?\n---\n", "# only\n= this"] {
        assert_eq!(read(empty, &Inputs::default()).unwrap_err().key, "invalid.script_empty", "{empty}");
    }
    assert_eq!(read(&"가".repeat(CHARS_MAX + 1), &Inputs::default()).unwrap_err().key, "invalid.script_long");
    assert!(read(&"비가 온다. ".repeat(CHARS_MAX / 7), &Inputs::default()).is_ok());
}

#[test]
fn garbage_never_panics_and_stays_within_bounds() {
    let mut dice = Dice::new(11);
    let words: Vec<&[u8]> = vec![
        "S#1. ".as_bytes(),
        b"INT. ",
        b"/*",
        b"*/",
        b"[[",
        b"@",
        b"\t",
        b"  ",
        b": ",
        b"\n\n",
        b"> ",
        b"(NA)",
        "자막:".as_bytes(),
        b"#",
        b"{",
        "씬 99".as_bytes(),
        "İſı".as_bytes(),
    ];
    for turn in 0..600 {
        let mut bytes = [KOREAN, FOUNTAIN, SHORT][turn % 3].as_bytes().to_vec();
        for _ in 0..dice.roll(30) {
            dice.harm(&mut bytes, &words);
        }
        let text = String::from_utf8_lossy(&bytes);
        let Ok(story) = read(&text, &Inputs { duration_s: 60, seed: turn as u32, ..Inputs::default() }) else {
            continue;
        };
        assert_eq!(story.shots.len(), SHOTS);
        for s in &story.shots {
            let within = |t: &str, max: usize| assert!(t.chars().count() <= max, "{t}");
            within(&s.title, 200);
            within(&s.description, 2_000);
            within(&s.dialogue, 1_000);
            within(&s.subtitle, 500);
            within(&s.voice_over, 1_000);
            assert!(s.inserts.len() <= INSERTS && s.duration_ms >= 500);
        }
        for s in &story.stages {
            assert!(
                s.title.chars().count() <= 200
                    && s.summary.chars().count() <= 1_000
                    && s.content.chars().count() <= 5_000
            );
        }
    }
}

#[test]
fn a_name_in_hangul_alone_on_its_line_speaks() {
    let text = "S#1. 카페 / 낮\n지수가 창가에 앉아 있다.\n\n지수\n나 서울로 가.\n민호\n정말?\n\n민호\n언제?\n정적.\n";
    let story = read(text, &Inputs { duration_s: 80, ..Inputs::default() }).unwrap();
    let said = all(&story, |s| &s.dialogue);
    for line in ["지수: 나 서울로 가.", "민호: 정말?"] {
        assert!(said.contains(line), "{said}");
    }
    assert!(!story.shots.iter().any(|s| s.description == "지수"), "{story:#?}");
}
