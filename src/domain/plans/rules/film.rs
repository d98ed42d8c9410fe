//! Film grammar: from where, how near and how moved each of the twelve shots is seen.
//!
//! What holds for every draft:
//! - The first shot is an extreme wide or a wide one; a part's first shot is its widest, and within the part the camera
//!   goes closer from cut to cut. Only the last part steps back with its third shot, which ends the film.
//! - Neighbours differ by one to four of the seven sizes. Where they differ by one alone, the angle changes too: that is
//!   the thirty-degree rule, no cut between two pictures that are nearly the same.
//! - Over-shoulder shots need two people, stand at medium sizes, never follow each other, and take turns between both
//!   shoulders on the same side of the axis (180 degrees). Dutch shots belong to tension in the third part, and never
//!   follow each other.
//! - Wide pictures pan, travel or stand; close ones stand, push in or zoom. No movement twice in a row, but for a still.
//! - Cuts, with dissolves between parts where the mood is soft, wipes and slides where it is brisk, and a fade at the end.

use crate::base::dice::Dice;
use crate::domain::plans::story::{Angle, Movement, SHOTS, ShotSize, Style, Transition};

use super::words_camera::Mood;

/// How a shot is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// How much is seen.
    pub size: ShotSize,
    /// From where.
    pub angle: Angle,
    /// What the camera does.
    pub movement: Movement,
    /// How it goes over into the next.
    pub transition: Transition,
}

/// What the grammar asks about a story.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// How it feels.
    pub mood: Mood,
    /// How it is told.
    pub style: Style,
    /// Two people are in it.
    pub pair: bool,
    /// It is made for feeds: brisk transitions.
    pub brisk: bool,
}

/// The steps from the widest.
fn step(size: ShotSize) -> i32 {
    size as i32
}

/// May `next` follow `before`? The rule for neighbours.
pub fn follows(before: (ShotSize, Angle), next: (ShotSize, Angle)) -> bool {
    let apart = (step(before.0) - step(next.0)).abs();
    let twice = before.1 == next.1 && matches!(next.1, Angle::OverShoulder | Angle::Dutch);
    (1..=4).contains(&apart) && (apart > 1 || before.1 != next.1) && !twice
}

fn sizes(place: usize) -> &'static [ShotSize] {
    use ShotSize::*;
    match (place / 3, place % 3) {
        (0, 0) => &[ExtremeWide, Wide],
        (3, 0) => &[Wide, Full],
        (_, 0) => &[Wide, Wide, Full],
        (3, 1) => &[MediumCloseUp, CloseUp],
        (3, _) => &[Full, Medium],
        (2, 1) => &[Medium, MediumCloseUp, Full],
        (_, 1) => &[Full, Medium, Medium, MediumCloseUp],
        (0, _) => &[MediumCloseUp, CloseUp, CloseUp],
        (_, _) => &[CloseUp, MediumCloseUp, ExtremeCloseUp],
    }
}

fn angles(size: ShotSize, place: usize, scene: Scene) -> Vec<Angle> {
    use Angle::*;
    let mut all = match size {
        ShotSize::ExtremeWide => vec![High, Overhead, EyeLevel],
        ShotSize::Wide => vec![EyeLevel, EyeLevel, High, Low],
        ShotSize::Full => vec![EyeLevel, EyeLevel, Low, High],
        ShotSize::Medium | ShotSize::MediumCloseUp => vec![EyeLevel, EyeLevel, Low],
        ShotSize::CloseUp => vec![EyeLevel, EyeLevel, High, Low],
        ShotSize::ExtremeCloseUp => vec![EyeLevel, High],
    };
    if place == SHOTS - 1 {
        return vec![EyeLevel, High];
    }
    let middle = matches!(size, ShotSize::Medium | ShotSize::MediumCloseUp);
    if middle && scene.pair && (3..9).contains(&place) {
        all.extend([OverShoulder, OverShoulder]);
    }
    let uneasy = scene.mood == Mood::Tense || scene.style == Style::Hook;
    if uneasy && place / 3 == 2 && !place.is_multiple_of(3) {
        all.push(Dutch);
    }
    all
}

fn movements(size: ShotSize, place: usize) -> &'static [Movement] {
    use Movement::*;
    if place == SHOTS - 1 {
        return &[Static, Dolly, Zoom, Tilt];
    }
    if place.is_multiple_of(3) {
        return &[Static, Pan, Dolly];
    }
    match size {
        ShotSize::ExtremeWide | ShotSize::Wide => &[Pan, Static, Dolly],
        ShotSize::Full => &[Tracking, Tracking, Static, Pan, Tilt],
        ShotSize::Medium => &[Static, Tracking, Dolly, Pan],
        ShotSize::MediumCloseUp => &[Static, Dolly, Zoom],
        ShotSize::CloseUp => &[Static, Dolly, Zoom, Tilt],
        ShotSize::ExtremeCloseUp => &[Static, Zoom],
    }
}

fn shuffled<T: Copy + PartialEq>(all: &[T], dice: &mut Dice) -> Vec<T> {
    let mut left = all.to_vec();
    let mut out: Vec<T> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let one = left.swap_remove(dice.roll(left.len()));
        if !out.contains(&one) {
            out.push(one);
        }
    }
    out
}

type Seen = (ShotSize, Angle);

/// The part goes closer, and steps back at the very end.
fn in_part(place: usize, found: &[Seen], size: ShotSize) -> bool {
    let before = |n: usize| step(found[place - n].0);
    match (place / 3, place % 3) {
        (_, 0) => true,
        (3, 2) => step(size) < before(1) && step(size) > before(2),
        _ => step(size) > before(1),
    }
}

/// Tries before a search by the strict rules gives up: fixed shots may leave no way.
const TRIES: u32 = 20_000;

/// A search for sizes and angles.
struct Search<'a> {
    fixed: &'a [Option<Look>; SHOTS],
    scene: Scene,
    strict: bool,
    tries: u32,
}

impl Search<'_> {
    fn run(&mut self, place: usize, found: &mut Vec<Seen>, dice: &mut Dice) -> bool {
        if place == SHOTS {
            return true;
        }
        self.tries += 1;
        if self.strict && self.tries > TRIES {
            return false;
        }
        let (strict, scene) = (self.strict, self.scene);
        let fits = |found: &[Seen], next: Seen| match (found.last(), strict) {
            (None, _) => true,
            (Some(before), true) => follows(*before, next),
            (Some(before), false) => *before != next,
        };
        if let Some(look) = self.fixed[place] {
            let next = (look.size, look.angle);
            let both = place > 0 && self.fixed[place - 1].is_some();
            if !both && !fits(found, next) {
                return false;
            }
            found.push(next);
            if self.run(place + 1, found, dice) {
                return true;
            }
            found.pop();
            return false;
        }
        let dutch = found.iter().filter(|s| s.1 == Angle::Dutch).count();
        for size in shuffled(sizes(place), dice) {
            for angle in shuffled(&angles(size, place, scene), dice) {
                let grows = !strict || in_part(place, found, size);
                if !grows || !fits(found, (size, angle)) || (angle == Angle::Dutch && dutch > 0) {
                    continue;
                }
                found.push((size, angle));
                if self.run(place + 1, found, dice) {
                    return true;
                }
                found.pop();
            }
        }
        false
    }
}

fn transition(place: usize, scene: Scene, dice: &mut Dice) -> Transition {
    let slow = matches!(scene.style, Style::Classic | Style::Pixar | Style::Documentary);
    match (place, place % 3) {
        (11, _) => Transition::Fade,
        (_, 2) if scene.brisk => *dice.of(&[Transition::Slide, Transition::Wipe, Transition::Cut]),
        (_, 2) if scene.mood == Mood::Tense => Transition::Cut,
        (_, 2) if scene.mood.soft() => *dice.of(&[Transition::Dissolve, Transition::Dissolve, Transition::Fade]),
        (_, 2) if slow => *dice.of(&[Transition::Dissolve, Transition::Cut]),
        (_, 2) if scene.mood == Mood::Bright => *dice.of(&[Transition::Wipe, Transition::Cut]),
        _ => Transition::Cut,
    }
}

/// Looks for all twelve places. Fixed ones stay; where they leave no way by the grammar, the others keep at least apart
/// from their neighbours.
pub fn looks(scene: Scene, fixed: &[Option<Look>; SHOTS], dice: &mut Dice) -> Vec<Look> {
    let mut found = Vec::with_capacity(SHOTS);
    if !(Search { fixed, scene, strict: true, tries: 0 }).run(0, &mut found, dice) {
        found.clear();
        Search { fixed, scene, strict: false, tries: 0 }.run(0, &mut found, dice);
    }
    let mut out: Vec<Look> = Vec::with_capacity(SHOTS);
    for (place, (size, angle)) in found.into_iter().enumerate() {
        let look = fixed[place].unwrap_or_else(|| {
            let stills = out.iter().rev().take_while(|l| l.movement == Movement::Static).count();
            let before = out.last().map(|l| l.movement);
            let free = |m: &Movement| Some(*m) != before || (*m == Movement::Static && stills < 2);
            let open: Vec<Movement> = movements(size, place).iter().copied().filter(free).collect();
            Look { size, angle, movement: *dice.of(&open), transition: transition(place, scene, dice) }
        });
        out.push(look);
    }
    out
}
