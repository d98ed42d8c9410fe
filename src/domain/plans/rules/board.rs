//! The storyboard itself: four parts and twelve shots of sentences, looks and durations.

use crate::base::dice::Dice;
use crate::domain::plans::story::{
    Angle, Format, INSERTS, Inputs, Insert, Intensity, Picture, Purpose, SHOTS, Shot, ShotSize, Stage, StageName,
    Story, Style,
};

use super::Part;
use super::film::{self, Look, Scene};
use super::pen::{Facts, Pen};
use super::words_camera as camera;
use super::words_inserts::inserts;
use super::words_styles::{self, Beat};
use super::words_styles_more as more;
use super::words_tales as tales;
use super::words_voices::{self as voices, Voice};
use super::words_worlds_more::ANYWHERE;
use super::{genre::Genre, timing};

/// Bounds of a film's length, in seconds.
const SECONDS: (i64, i64) = (10, 3_600);

/// The film's length in milliseconds; what the tempo makes of twelve shots when none is given.
pub(super) fn target_ms(inputs: &Inputs) -> i64 {
    let (low, high) = inputs.tempo.range_ms();
    match inputs.duration_s {
        ..=0 => SHOTS as i64 * (low + high) / 2,
        s => s.clamp(SECONDS.0, SECONDS.1) * 1_000,
    }
}

/// A number that only equal inputs share (FNV-1a).
pub(super) fn seed(inputs: &Inputs) -> u64 {
    let Inputs { one_liner, tone, genre, target, duration_s, format, tempo, style, intensity, seed } = inputs;
    let words = [one_liner, tone, genre, target, format.as_str(), tempo.as_str(), style.as_str(), intensity.as_str()];
    let text = format!("{}\u{0}{duration_s}\u{0}{seed}", words.join("\u{0}"));
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// Which parts and shots are written anew.
struct Open {
    stages: [bool; 4],
    shots: [bool; SHOTS],
}

/// "약 20초", "약 1분 20초".
pub fn length_hint(ms: i64) -> String {
    let seconds = ((ms + 500) / 1_000).max(1);
    match (seconds / 60, seconds % 60) {
        (0, s) => format!("약 {s}초"),
        (m, 0) => format!("약 {m}분"),
        (m, s) => format!("약 {m}분 {s}초"),
    }
}

fn parts(style: Style) -> &'static [words_styles::Part; 4] {
    match style {
        Style::Hook => &words_styles::HOOK,
        Style::Classic => &words_styles::CLASSIC,
        Style::Pixar => &tales::PIXAR,
        Style::Inductive => &more::INDUCTIVE,
        Style::Deductive => &more::DEDUCTIVE,
        Style::Documentary => &tales::DOCUMENTARY,
    }
}

fn voice(genre: Genre, style: Style) -> &'static [Voice; 12] {
    match (style, genre) {
        (Style::Documentary, _) | (_, Genre::Documentary) => &voices::DOCUMENTARY,
        (Style::Pixar, _) => &voices::TALE,
        (_, Genre::Ad) => &voices::AD,
        (_, Genre::Drama) => &voices::DRAMA,
        (_, Genre::Social) => &voices::SOCIAL,
        (Style::Hook, _) => &voices::TEASE,
        (Style::Classic, _) => &voices::QUIET,
        (Style::Inductive, _) => &voices::CASES,
        (Style::Deductive, _) => &voices::CLAIM,
    }
}

/// A new storyboard.
pub fn draft(inputs: &Inputs) -> Story {
    compose(inputs, None, &Open { stages: [true; 4], shots: [true; SHOTS] })
}

/// The storyboard with `part` of it written anew. Locked and edited parts and shots stay as they are, to the byte; the
/// new shots take the time that the others leave of the target.
pub fn redraft(inputs: &Inputs, story: &Story, part: Part) -> Story {
    if story.stages.len() != StageName::ALL.len() || story.shots.len() != SHOTS {
        return draft(inputs);
    }
    let named = |name: StageName| part == Part::Whole || part == Part::Stage(name);
    let stages = std::array::from_fn(|i| {
        let stage = &story.stages[i];
        named(stage.stage) && !stage.locked && !stage.edited
    });
    let shots = std::array::from_fn(|i| {
        let shot = &story.shots[i];
        (named(StageName::ALL[i / 3]) || part == Part::Shot(shot.key)) && !shot.locked && !shot.edited
    });
    compose(inputs, Some(story), &Open { stages, shots })
}

fn texts_of_stage(stage: &Stage) -> Vec<&str> {
    let mut all = vec![&*stage.title, &*stage.summary, &*stage.content, &*stage.objective];
    all.extend(stage.key_points.iter().map(String::as_str));
    all
}

fn texts_of_shot(shot: &Shot) -> Vec<&str> {
    let mut all = vec![&*shot.title, &*shot.description, &*shot.dialogue, &*shot.subtitle, &*shot.voice_over];
    all.extend(shot.inserts.iter().map(|i| i.description.as_str()));
    all
}

fn compose(inputs: &Inputs, old: Option<&Story>, open: &Open) -> Story {
    let mut dice = Dice::new(seed(inputs));
    // The first rolls of near seeds are near.
    for _ in 0..4 {
        dice.roll(2);
    }
    let facts = Facts::of(inputs, &mut dice);
    let genre = Genre::of(&inputs.genre, inputs.style);
    let scene = Scene {
        mood: facts.mood,
        style: inputs.style,
        pair: facts.other.is_some() || genre == Genre::Documentary,
        brisk: genre == Genre::Social,
    };
    let keeps = |i: usize| old.map(|s| &s.shots[i]).filter(|_| !open.shots[i]);
    let fixed: [Option<Look>; SHOTS] = std::array::from_fn(|i| {
        keeps(i).map(|s| Look { size: s.size, angle: s.angle, movement: s.movement, transition: s.transition })
    });
    let looks = film::looks(scene, &fixed, &mut dice);
    let spent: i64 = (0..SHOTS).filter_map(keeps).map(|s| s.duration_ms).sum();
    let count = open.shots.iter().filter(|o| **o).count();
    let mut durations = timing::spread(inputs.tempo, target_ms(inputs) - spent, count, &mut dice).into_iter();

    let (mut kept, mut stale) = (Vec::new(), Vec::new());
    for (i, stage) in old.iter().flat_map(|s| s.stages.iter().enumerate()) {
        if open.stages[i] { &mut stale } else { &mut kept }.extend(texts_of_stage(stage));
    }
    for (i, shot) in old.iter().flat_map(|s| s.shots.iter().enumerate()) {
        if open.shots[i] { &mut stale } else { &mut kept }.extend(texts_of_shot(shot));
    }
    let mut writer = Writer { inputs, genre, pen: Pen::new(&facts, dice, &kept, &stale), shoulders: 0 };

    // Parts speak first: the one-liner's own clause belongs to them before it belongs to a shot.
    let mut stages: Vec<Stage> = (0..4)
        .map(|i| match old.filter(|_| !open.stages[i]) {
            Some(story) => story.stages[i].clone(),
            None => writer.stage(i),
        })
        .collect();
    let shots: Vec<Shot> = (0..SHOTS)
        .map(|i| match (keeps(i), old.map(|s| &s.shots[i])) {
            (Some(shot), _) => shot.clone(),
            (None, before) => {
                let key = before.map_or(i as i64 + 1, |s| s.key);
                let mut shot =
                    writer.shot(i, key, looks[i], durations.next().unwrap_or(timing::range(inputs.tempo, 0, 0).0));
                if let Some(before) = before {
                    // A picture that somebody gave stays; one that is drawn from the words is drawn anew.
                    shot.picture = before.picture.clone();
                    shot.picture_version = before.picture_version + i64::from(before.picture == Picture::Conti);
                }
                shot
            }
        })
        .collect();
    for (i, stage) in stages.iter_mut().enumerate().filter(|(i, _)| open.stages[*i]) {
        stage.length_hint = length_hint(shots[i * 3..i * 3 + 3].iter().map(|s| s.duration_ms).sum());
    }
    Story { stages, shots }
}

/// Writes the parts and shots of one plan.
struct Writer<'a> {
    inputs: &'a Inputs,
    genre: Genre,
    pen: Pen<'a>,
    /// Over-shoulder shots so far: they take turns.
    shoulders: usize,
}

impl Writer<'_> {
    fn stage(&mut self, i: usize) -> Stage {
        let words = &parts(self.inputs.style)[i];
        let rows = if self.inputs.intensity == Intensity::Minimal { 1 } else { words.contents.len() };
        let mut content: Vec<String> = words.contents[..rows].iter().filter_map(|row| self.pen.line(row)).collect();
        if self.inputs.intensity == Intensity::Rich {
            content.extend(self.pen.line(&[
                "{time}의 분위기를 장면 전체에 고르게 입힌다.",
                "{thing:으로} 장면과 장면을 잇는다.",
                "대사보다 그림이 먼저 말하게 한다.",
            ]));
        }
        if i == 0 && self.inputs.intensity != Intensity::Minimal {
            content.extend(self.pen.line(&[
                "{tone} 톤을 첫 장면부터 분명히 한다.",
                "처음부터 끝까지 {tone} 톤을 지킨다.",
                "화면과 소리 모두 {tone} 톤으로 시작한다.",
            ]));
        }
        let points = match self.inputs.intensity {
            Intensity::Minimal => 2,
            Intensity::Moderate => 3,
            Intensity::Rich => 4,
        };
        // The second part says what the one-liner says.
        let told: Vec<&'static str> =
            words.summaries.iter().copied().filter(|s| i == 1 && s.contains("{deed}")).collect();
        let plain: &[&'static str] = if i == 1 { &["{hero:은} {deed}.", "그렇게 {hero:은} {deed}."] } else { &[] };
        let summary = self.pen.must(&[&told, plain, words.summaries]);
        Stage {
            stage: StageName::ALL[i],
            title: self.pen.must(&[words.titles]),
            summary,
            content: content.join(" "),
            objective: self.pen.must(&[words.objectives]),
            length_hint: String::new(),
            key_points: (0..points).filter_map(|_| self.pen.line(words.points)).collect(),
            locked: false,
            edited: false,
        }
    }

    fn shot(&mut self, i: usize, key: i64, look: Look, duration_ms: i64) -> Shot {
        let beat = &parts(self.inputs.style)[i / 3].shots[i % 3];
        let (title, description) = self.description(i, beat, look);
        let voice = &voice(self.genre, self.inputs.style)[i];
        let logo = i == SHOTS - 1 && self.genre == Genre::Ad;
        // Told briefly, every other place keeps its words.
        let speaks = self.inputs.intensity != Intensity::Minimal || i.is_multiple_of(2) || i == SHOTS - 1;
        let mut spoken =
            |stock: &'static [&'static str]| if speaks { self.pen.line(stock) } else { None }.unwrap_or_default();
        let (dialogue, voice_over) = (spoken(voice.dialogue), spoken(voice.voice_over));
        let subtitle = spoken(if logo { voices::AD[i].subtitle } else { voice.subtitle });
        Shot {
            key,
            stage: StageName::ALL[i / 3],
            title: title.unwrap_or_else(|| {
                self.pen.must(&[&["{place}의 한때", "{hero}의 한순간", "{prop}", "{prop}", "{prop}"], beat.titles])
            }),
            description,
            dialogue,
            subtitle,
            voice_over,
            size: look.size,
            movement: look.movement,
            angle: look.angle,
            duration_ms,
            transition: look.transition,
            inserts: self.inserts(),
            picture: Picture::Conti,
            picture_version: 1,
            locked: false,
            edited: false,
        }
    }

    fn description(&mut self, i: usize, beat: &Beat, look: Look) -> (Option<String>, String) {
        let facts = self.pen.facts;
        // The middle of the third part is the one-liner's own moment.
        let core = if i == 7 { self.pen.pair(words_styles::CORE.titles, words_styles::CORE.lines) } else { None };
        let (title, first) = core.or_else(|| self.pen.pair(beat.titles, beat.lines)).unwrap_or_else(|| {
            let spare: &[&'static str] =
                &["{hero:을} 둘러싼 풍경을 담는다.", "{prop:이} 화면에 들어온다.", "{prop:에} 시선이 머문다."];
            (None, self.pen.must(&[facts.world.views, ANYWHERE.views, spare]))
        });
        // Of a body is spoken only where somebody is seen.
        let somebody = first.contains(&facts.hero) || facts.other.as_ref().is_some_and(|o| first.contains(o));
        let more = match self.inputs.intensity {
            Intensity::Minimal => self.pen.dice.roll(2),
            Intensity::Moderate => 1 + self.pen.dice.roll(2),
            Intensity::Rich => 2 + self.pen.dice.roll(2),
        };
        let last = i == SHOTS - 1;
        let mut out = vec![first];
        // What the world adds comes before what the camera does.
        if more > 1 || (more == 1 && self.pen.dice.roll(3) == 0) {
            let act = if i % 3 == 1 && somebody && i < 7 { self.pen.act(&out[0]) } else { None };
            let seen = match (act, i % 3) {
                (None, 0) => self.pen.line(facts.world.views),
                (None, _) if self.pen.dice.roll(2) == 0 => self.pen.line(facts.world.sounds),
                (act, _) => act,
            };
            out.extend(seen);
        }
        let wide = matches!(look.size, ShotSize::ExtremeWide | ShotSize::Wide | ShotSize::Full);
        let second = look.angle == Angle::OverShoulder && self.shoulders % 2 == 1;
        let moves = if last { camera::farewell(look.movement) } else { camera::movement(look.movement, wide) };
        let mut stocks =
            vec![moves, camera::angle(look.angle, wide, second), camera::size(look.size), camera::light(facts.mood)];
        while out.len() <= more && !stocks.is_empty() {
            let stock = stocks.swap_remove(self.pen.dice.roll(stocks.len()));
            let fit: Vec<&'static str> = stock.iter().copied().filter(|s| somebody || !s.starts_with('!')).collect();
            out.extend(self.pen.line(&fit));
        }
        self.shoulders += usize::from(look.angle == Angle::OverShoulder);
        if last && self.genre == Genre::Ad {
            out.extend(self.pen.line(&["브랜드 로고 카드로 화면을 닫는다.", "마지막에는 로고와 한 줄 문구만 남긴다."]));
        }
        if i == 0 {
            out.extend(self.pen.line(match self.inputs.format {
                Format::Tall => {
                    &["세로 화면에 맞추어 주인공을 가운데에 둔다.", "세로로 긴 화면의 위쪽에 자막 자리를 비워 둔다."]
                }
                Format::Cinema => &["가로로 긴 화면의 양옆 여백을 살린다."],
                Format::Square => &["정사각 화면의 한가운데에 시선을 모은다."],
                Format::Wide => &[],
            }));
        }
        (title, out.join(" "))
    }

    fn inserts(&mut self) -> Vec<Insert> {
        let count = match self.inputs.intensity {
            Intensity::Minimal => self.pen.dice.roll(2),
            Intensity::Moderate => 1 + self.pen.dice.roll(2),
            Intensity::Rich => 2 + self.pen.dice.roll(2),
        };
        let mut out: Vec<Insert> = Vec::new();
        let start = self.pen.dice.roll(Purpose::ALL.len());
        for n in 0..Purpose::ALL.len() {
            let purpose = Purpose::ALL[(start + n * 3) % Purpose::ALL.len()];
            if out.len() < count.min(INSERTS) {
                out.extend(self.pen.line(inserts(purpose)).map(|description| Insert { purpose, description }));
            }
        }
        out
    }
}
