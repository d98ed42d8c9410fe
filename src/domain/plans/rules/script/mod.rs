//! Breaks a script into four parts and twelve shots, in its own words: action becomes what is seen, speech what is said,
//! narration a voice-over, captions subtitles. What the script does not say is not invented: a short script gets
//! establishing shots of its own places and reactions of its own people.

mod lines;

use std::collections::HashSet;

use crate::base::dice::Dice;
use crate::base::locale::Text;
use crate::domain::plans::story::{
    INSERTS, Inputs, Insert, Intensity, Picture, Purpose, SHOTS, Shot, Stage, StageName, Story, Transition,
};

use self::lines::{Piece, Scene};
use super::board::{length_hint, seed, target_ms};
use super::film;
use super::genre::Genre;
use super::korean::with;
use super::premise;
use super::timing;
use super::words_camera::Mood;

/// Longest script, in characters.
const CHARS_MAX: usize = 200_000;
/// Bounds of a shot's texts, within those of the plan; in characters.
const DESCRIPTION_MAX: usize = 900;
const SPOKEN_MAX: usize = 900;
const SUBTITLE_MAX: usize = 400;

/// A piece of the script at its place, or a shot that goes between.
struct Beat {
    scene: usize,
    piece: Piece,
    /// Its scene begins with it.
    opens: bool,
}

impl Beat {
    fn weight(&self) -> usize {
        match &self.piece {
            Piece::Action(t) | Piece::Narration(t) | Piece::Subtitle(t) | Piece::Speech { text: t, .. } => {
                t.chars().count().clamp(8, 400)
            }
        }
    }
}

/// The storyboard of a script. Tempo, length, tone and intensity come from `inputs`; its one-liner and style are not asked.
///
/// # Errors
/// `invalid.script_empty` for a script without anything to see or hear, `invalid.script_long` for one that is too long.
pub fn read(text: &str, inputs: &Inputs) -> Result<Story, Text> {
    if text.chars().count() > CHARS_MAX {
        return Err(Text::new("invalid.script_long").with("max", CHARS_MAX));
    }
    let scenes = lines::scenes(text);
    let mut beats: Vec<Beat> = Vec::new();
    for (scene, s) in scenes.iter().enumerate() {
        let pieces = s.pieces.iter().filter(|p| has_words(p));
        beats.extend(pieces.enumerate().map(|(i, piece)| Beat { scene, piece: piece.clone(), opens: i == 0 }));
    }
    if beats.is_empty() {
        return Err(Text::new("invalid.script_empty"));
    }
    fill(&mut beats, &scenes);
    Ok(compose(&beats, &scenes, inputs))
}

fn has_words(piece: &Piece) -> bool {
    match piece {
        Piece::Action(t) | Piece::Narration(t) | Piece::Subtitle(t) | Piece::Speech { text: t, .. } => {
            t.chars().any(char::is_alphanumeric)
        }
    }
}

/// "카페, 낮"
fn where_when(scene: &Scene) -> String {
    match (scene.place.as_str(), scene.time.as_str()) {
        ("", time) => time.to_owned(),
        (place, "") => place.to_owned(),
        (place, time) => format!("{place}, {time}"),
    }
}

/// Makes at least twelve beats: long ones are split by their sentences, then the script's own places are established and
/// its people listened to.
fn fill(beats: &mut Vec<Beat>, scenes: &[Scene]) {
    while beats.len() < SHOTS {
        let longest = beats
            .iter()
            .enumerate()
            .filter_map(|(i, b)| parted(&b.piece).map(|p| (i, p)))
            .max_by_key(|(i, _)| beats[*i].weight());
        let Some((at, (first, second))) = longest else { break };
        let scene = beats[at].scene;
        beats[at].piece = first;
        beats.insert(at + 1, Beat { scene, piece: second, opens: false });
    }
    let mut established = HashSet::new();
    let mut turn = 0;
    while beats.len() < SHOTS {
        let open =
            beats.iter().position(|b| b.opens && !scenes[b.scene].place.is_empty() && !established.contains(&b.scene));
        if let Some(at) = open {
            let scene = beats[at].scene;
            established.insert(scene);
            beats[at].opens = false;
            let text = format!("{} 넓게 보여 준다.", with(&scenes[scene].place, "을"));
            beats.insert(at, Beat { scene, piece: Piece::Action(text), opens: true });
            continue;
        }
        // Spread over the script: each turn one step further from where the last one went.
        let at = (turn * 5 + 2) % beats.len();
        let who = beats[..=at].iter().rev().find_map(|b| match &b.piece {
            Piece::Speech { who, .. } => Some(who.clone()),
            _ => None,
        });
        let text = match (turn % 3, who) {
            (0, Some(who)) => format!("{who}의 표정을 가까이에서 담는다."),
            (1, Some(who)) => format!("{} 바라보는 쪽으로 시선을 옮긴다.", with(&who, "이")),
            _ => [
                "앞 장면의 여운을 끊지 않고 이어 간다.",
                "한 걸음 물러나 장면 전체를 다시 담는다.",
                "같은 자리를 다른 각도에서 한 번 더 담는다.",
            ][turn / 2 % 3]
                .to_owned(),
        };
        let scene = beats[at].scene;
        beats.insert(at + 1, Beat { scene, piece: Piece::Action(text), opens: false });
        turn += 1;
    }
}

fn parted(piece: &Piece) -> Option<(Piece, Piece)> {
    let halves = |text: &str| {
        let all = lines::split(text);
        (all.len() > 1).then(|| (all[..all.len() / 2].join(" "), all[all.len() / 2..].join(" ")))
    };
    Some(match piece {
        Piece::Action(t) => halves(t).map(|(a, b)| (Piece::Action(a), Piece::Action(b)))?,
        Piece::Narration(t) => halves(t).map(|(a, b)| (Piece::Narration(a), Piece::Narration(b)))?,
        Piece::Speech { who, text } => {
            let (a, b) = halves(text)?;
            (Piece::Speech { who: who.clone(), text: a }, Piece::Speech { who: who.clone(), text: b })
        }
        Piece::Subtitle(_) => return None,
    })
}

/// Where the twelve groups begin, and the end: as even in length as can be, with a leaning to begin where a scene does.
fn cuts(beats: &[Beat]) -> Vec<usize> {
    let mut sums = vec![0];
    for beat in beats {
        sums.push(sums[sums.len() - 1] + beat.weight());
    }
    let mean = (sums[beats.len()] / SHOTS).max(1);
    let mut out = vec![0];
    for k in 1..SHOTS {
        let target = sums[beats.len()] * k / SHOTS;
        let cost =
            |i: &usize| (sums[*i].abs_diff(target)).saturating_sub(if beats[*i].opens { mean * 2 / 5 } else { 0 });
        let from = out[k - 1] + 1;
        let to = beats.len() - (SHOTS - k);
        out.push((from..=to).min_by_key(cost).unwrap_or(to));
    }
    out.push(beats.len());
    out
}

fn bounded(parts: &[String], between: &str, max: usize) -> String {
    let mut out = String::new();
    for part in parts {
        let room = max.saturating_sub(out.chars().count() + 2);
        if part.chars().count() > room {
            if out.is_empty() {
                out = part.chars().take(room).collect::<String>() + "…";
            }
            break;
        }
        if !out.is_empty() {
            out.push_str(between);
        }
        out.push_str(part);
    }
    out
}

fn speakers(beats: &[Beat]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for beat in beats {
        if let Piece::Speech { who, .. } = &beat.piece
            && !all.contains(who)
        {
            all.push(who.clone());
        }
    }
    all
}

fn actions(beats: &[Beat]) -> Vec<String> {
    let said = |b: &Beat| if let Piece::Action(t) = &b.piece { Some(t.clone()) } else { None };
    beats.iter().filter_map(said).collect()
}

fn compose(beats: &[Beat], scenes: &[Scene], inputs: &Inputs) -> Story {
    let mut dice = Dice::new(seed(inputs));
    let cuts = cuts(beats);
    let cast = speakers(beats);
    let genre = Genre::of(&inputs.genre, inputs.style);
    let grammar = film::Scene {
        mood: Mood::of(&inputs.tone),
        style: inputs.style,
        pair: cast.len() > 1,
        brisk: genre == Genre::Social,
    };
    let looks = film::looks(grammar, &[None; SHOTS], &mut dice);
    let groups: Vec<&[Beat]> = cuts.windows(2).map(|w| &beats[w[0]..w[1]]).collect();
    let durations = durations(&groups, inputs, &mut dice);
    let mut titles = HashSet::new();
    let mut names = HashSet::new();
    let shots: Vec<Shot> = (0..SHOTS)
        .map(|i| {
            let group = groups[i];
            let last = group.last().map_or(0, |b| b.scene);
            let ends = groups.get(i + 1).is_some_and(|next| next[0].scene != last);
            let said = if ends { scenes[last].transition } else { None };
            Shot {
                key: i as i64 + 1,
                stage: StageName::ALL[i / 3],
                title: title(group, scenes, &mut titles),
                description: description(group, scenes, i == 0),
                dialogue: spoken(group),
                subtitle: bounded(&subtitles(group), " / ", SUBTITLE_MAX),
                voice_over: bounded(&narration(group), " ", SPOKEN_MAX),
                size: looks[i].size,
                movement: looks[i].movement,
                angle: looks[i].angle,
                duration_ms: durations[i],
                transition: if i == SHOTS - 1 {
                    Transition::Fade
                } else {
                    said.unwrap_or(if ends { looks[i].transition } else { Transition::Cut })
                },
                inserts: inserts(group, inputs, &mut names),
                picture: Picture::Conti,
                picture_version: 1,
                locked: false,
                edited: false,
            }
        })
        .collect();
    let stages = (0..4)
        .map(|i| {
            let part = &beats[cuts[i * 3]..cuts[i * 3 + 3]];
            let time = shots[i * 3..i * 3 + 3].iter().map(|s| s.duration_ms).sum();
            stage(i, part, scenes, time)
        })
        .collect();
    Story { stages, shots }
}

/// The tempo's durations, the longest to the shot in which most happens.
fn durations(groups: &[&[Beat]], inputs: &Inputs, dice: &mut Dice) -> Vec<i64> {
    let mut sorted = timing::spread(inputs.tempo, target_ms(inputs), SHOTS, dice);
    sorted.sort_unstable();
    let mut order: Vec<usize> = (0..SHOTS).collect();
    order.sort_by_key(|i| groups[*i].iter().map(Beat::weight).sum::<usize>());
    let mut out = vec![0; SHOTS];
    for (rank, i) in order.into_iter().enumerate() {
        out[i] = sorted[rank];
    }
    out
}

fn title(group: &[Beat], scenes: &[Scene], used: &mut HashSet<String>) -> String {
    let scene = &scenes[group[0].scene];
    let who = speakers(group);
    let mut all = Vec::new();
    if group[0].opens && !scene.place.is_empty() {
        all.push(where_when(scene));
    }
    let seen: Vec<String> = actions(group)
        .iter()
        .flat_map(|a| {
            let p = premise::read(a);
            let hero = p.hero.clone();
            p.things
                .into_iter()
                .take(1)
                .map(move |t| hero.as_ref().map_or_else(|| t.clone(), |h| format!("{} {t}", with(h, "과"))))
                .collect::<Vec<_>>()
        })
        .collect();
    match who.as_slice() {
        [one] => all.push(format!("{one}의 말")),
        [one, two, ..] => all.push(format!("{} {two}의 대화", with(one, "과"))),
        [] => {}
    }
    all.extend(seen);
    if !scene.place.is_empty() {
        all.push(format!("{}의 한 장면", scene.place));
        all.push(format!("이어지는 {}", scene.place));
    }
    all.push("이어지는 장면".to_owned());
    let title = all.iter().find(|t| !used.contains(*t)).unwrap_or(&all[0]).clone();
    used.insert(title.clone());
    title
}

fn description(group: &[Beat], scenes: &[Scene], first: bool) -> String {
    let mut parts = Vec::new();
    let mut scene = if first { None } else { Some(group[0].scene) };
    for beat in group {
        if (beat.opens || scene != Some(beat.scene)) && !where_when(&scenes[beat.scene]).is_empty() {
            parts.push(format!("{}.", where_when(&scenes[beat.scene])));
        }
        scene = Some(beat.scene);
        if let Piece::Action(text) = &beat.piece {
            parts.push(text.clone());
        }
    }
    if actions(group).is_empty() {
        let who = speakers(group);
        parts.push(match who.as_slice() {
            [] if group.iter().any(|b| matches!(b.piece, Piece::Narration(_))) => {
                "내레이션이 화면 위로 흐른다.".to_owned()
            }
            [] => "화면에 자막이 떠오른다.".to_owned(),
            [one] => format!("{} 말한다.", with(one, "이")),
            [one, two] => format!("{} {} 말을 주고받는다.", with(one, "과"), with(two, "이")),
            [one, two, ..] => format!("{} {}를 비롯한 사람들이 말을 주고받는다.", with(one, "과"), two)
                .replace("를 비롯한", &format!("{} 비롯한", super::korean::particle(two, "을"))),
        });
    }
    bounded(&parts, " ", DESCRIPTION_MAX)
}

fn spoken(group: &[Beat]) -> String {
    let lines: Vec<String> = group
        .iter()
        .filter_map(|b| match &b.piece {
            Piece::Speech { who, text } => Some(format!("{who}: {text}")),
            _ => None,
        })
        .collect();
    bounded(&lines, "\n", SPOKEN_MAX)
}

fn subtitles(group: &[Beat]) -> Vec<String> {
    group.iter().filter_map(|b| if let Piece::Subtitle(t) = &b.piece { Some(t.clone()) } else { None }).collect()
}

fn narration(group: &[Beat]) -> Vec<String> {
    group.iter().filter_map(|b| if let Piece::Narration(t) = &b.piece { Some(t.clone()) } else { None }).collect()
}

/// Details that the script's own action names.
fn inserts(group: &[Beat], inputs: &Inputs, named: &mut HashSet<String>) -> Vec<Insert> {
    let most = match inputs.intensity {
        Intensity::Minimal => 1,
        Intensity::Moderate => 2,
        Intensity::Rich => INSERTS,
    };
    let things =
        actions(group).into_iter().take(20).flat_map(|a| premise::read(&a).things).filter(|t| named.insert(t.clone()));
    things.take(most).map(|t| Insert { purpose: Purpose::Detail, description: format!("{t} 클로즈업") }).collect()
}

fn stage(i: usize, part: &[Beat], scenes: &[Scene], time: i64) -> Stage {
    let places: Vec<String> = {
        let mut all: Vec<String> = Vec::new();
        for beat in part {
            let place = where_when(&scenes[beat.scene]);
            if !place.is_empty() && !all.contains(&place) {
                all.push(place);
            }
        }
        all
    };
    let cast = speakers(part);
    let said = part.iter().filter(|b| matches!(b.piece, Piece::Speech { .. })).count();
    let seen = actions(part);
    let names = bounded(&cast, ", ", 80);
    let mut points = Vec::new();
    if !places.is_empty() {
        points.push(format!("장소: {}", bounded(&places, " · ", 120)));
    }
    if !cast.is_empty() {
        points.push(format!("인물: {names}"));
        points.push(format!("대사 {said}마디"));
    }
    if !seen.is_empty() {
        points.push(format!("지문 {}문장", seen.len()));
    }
    if points.len() < 2 {
        points.push("대본의 순서 그대로".to_owned());
    }
    let label = ["기", "승", "전", "결"][i];
    let summary = match (seen.first(), cast.as_slice()) {
        (Some(first), _) => first.clone(),
        (None, [one]) => format!("{} 말한다.", with(one, "이")),
        (None, [one, two, ..]) => format!("{} {} 말을 주고받는다.", with(one, "과"), with(two, "이")),
        (None, []) => "내레이션과 자막으로 이야기를 이어 간다.".to_owned(),
    };
    let all: Vec<String> = if seen.is_empty() { vec![spoken(part)] } else { seen };
    Stage {
        stage: StageName::ALL[i],
        title: places.first().cloned().unwrap_or_else(|| format!("{label}의 장면")),
        summary: bounded(&[summary], " ", 900),
        content: bounded(&all, " ", 2_000),
        objective: [
            "인물과 상황을 알려 이야기의 문을 연다.",
            "사건을 쌓아 관심을 끌고 간다.",
            "갈등이 가장 커지는 지점을 또렷하게 보여 준다.",
            "이야기를 마무리하고 여운을 남긴다.",
        ][i]
            .to_owned(),
        length_hint: length_hint(time),
        key_points: points,
        locked: false,
        edited: false,
    }
}

#[cfg(test)]
mod tests {
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
        story.shots.iter().map(|s| pick(s)).collect::<Vec<_>>().join("\n")
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
}
