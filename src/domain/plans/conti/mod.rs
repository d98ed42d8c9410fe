//! Conti frames: a shot as a storyboard artist roughs it, drawn from the shot's own words.
//!
//! A frame is a list of marks ([`pen::Mark`]): the SVG of the page and the PDF draw the same list. The same shot always
//! gives the same frame. `words` reads where it plays and who is in it, `view` sets up the camera, `sets`, `outdoors`,
//! `objects`, `figure` and `overhead` draw, `arrows` tells the movement.

mod arrows;
mod figure;
mod objects;
mod outdoors;
mod overhead;
mod pen;
mod sets;
mod svg;
mod view;
mod words;

#[cfg(test)]
mod tests;

pub use pen::{Anchor, Mark, P, Step};

use self::figure::{Person, Pose};
use self::pen::{INK, PAPER, Pen};
use self::view::View;
use self::words::{Look, Scene, Set};
use crate::domain::plans::story::{Angle, Format, Movement, Shot, ShotSize, label};

/// Space around the picture; below it stand the label and what the camera does.
const EDGE: f32 = 12.0;
const FOOT: f32 = 40.0;

/// A drawn frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Width of the whole sheet.
    pub width: f32,
    /// Height of the whole sheet.
    pub height: f32,
    /// The picture on the sheet: its upper left and its lower right corner.
    pub picture: (P, P),
    /// What it shows, in words.
    pub title: String,
    /// What is drawn.
    pub marks: Vec<Mark>,
}

/// Width and height of the picture in a frame.
fn picture(format: Format) -> (f32, f32) {
    match format {
        Format::Wide => (640.0, 360.0),
        Format::Tall => (360.0, 640.0),
        Format::Square => (480.0, 480.0),
        Format::Cinema => (669.0, 280.0),
    }
}

/// How the trade shortens a size.
pub fn size_mark(size: ShotSize) -> &'static str {
    match size {
        ShotSize::ExtremeWide => "EWS",
        ShotSize::Wide => "WS",
        ShotSize::Full => "FS",
        ShotSize::Medium => "MS",
        ShotSize::MediumCloseUp => "MCU",
        ShotSize::CloseUp => "CU",
        ShotSize::ExtremeCloseUp => "ECU",
    }
}

fn angle_mark(angle: Angle) -> &'static str {
    match angle {
        Angle::EyeLevel => "EYE",
        Angle::High => "HIGH",
        Angle::Low => "LOW",
        Angle::OverShoulder => "OTS",
        Angle::Dutch => "DUTCH",
        Angle::Overhead => "TOP",
    }
}

fn movement_mark(movement: Movement) -> &'static str {
    match movement {
        Movement::Static => "FIX",
        Movement::Pan => "PAN",
        Movement::Tilt => "TILT",
        Movement::Zoom => "ZOOM",
        Movement::Dolly => "DOLLY IN",
        Movement::Tracking => "TRACK",
    }
}

/// FNV-1a over what a picture depends on: other words, another hand.
fn seed(shot: &Shot) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64 ^ shot.key as u64;
    for byte in shot.title.bytes().chain(shot.description.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    hash
}

/// Draws a shot that stands at `place` (from 0).
pub fn frame(shot: &Shot, place: usize, format: Format) -> Frame {
    let (w, h) = picture(format);
    let (width, height) = (w + 2.0 * EDGE, h + EDGE + FOOT);
    let seed = seed(shot);
    let scene = words::scene(shot);
    let mut pen = Pen::new(seed, w, h);
    pen.tone(&[(0.0, 0.0), (w, 0.0), (w, h), (0.0, h)], PAPER);
    if shot.angle == Angle::Dutch {
        let lean = if seed & 4 == 0 { -0.15 } else { 0.15 };
        pen.turned(lean, (w / 2.0, h / 2.0));
    }
    draw(&mut pen, shot, &scene, w, h, seed);
    pen.turned(0.0, (0.0, 0.0));
    if shot.angle == Angle::OverShoulder {
        Person::shoulder(&mut pen, w, h, seed & 8 == 0);
    }
    let mut marks = vec![Mark::Clip((EDGE, EDGE), (EDGE + w, EDGE + h))];
    marks.extend(moved(pen.marks.split_off(0)));
    marks.push(Mark::Unclip);
    border(&mut pen, w, h);
    arrows::draw(&mut pen, shot.movement, w, h, seed, words::way(&shot.description));
    let foot = h + 29.0;
    pen.text((0.0, foot), 15.0, Anchor::Start, INK, label(place, shot.picture_version));
    let told = format!("{} · {} · {}", size_mark(shot.size), angle_mark(shot.angle), movement_mark(shot.movement));
    pen.text((w, foot), 15.0, Anchor::End, INK, told);
    marks.extend(moved(pen.marks));
    let title = format!("{} {}", label(place, shot.picture_version), shot.title.trim());
    let picture = ((EDGE, EDGE), (EDGE + w, EDGE + h));
    Frame { width, height, picture, title: title.trim_end().to_owned(), marks }
}

/// The frame as a picture for pages: no script, nothing from elsewhere, every text escaped.
pub fn svg(shot: &Shot, place: usize, format: Format) -> String {
    svg::write(&frame(shot, place, format))
}

/// From the picture's own corner to the sheet's.
fn moved(marks: Vec<Mark>) -> impl Iterator<Item = Mark> {
    let to = |p: P| (p.0 + EDGE, p.1 + EDGE);
    marks.into_iter().map(move |mark| match mark {
        Mark::Path { steps, fill, line } => {
            let steps = steps
                .into_iter()
                .map(|step| match step {
                    Step::Move(p) => Step::Move(to(p)),
                    Step::Line(p) => Step::Line(to(p)),
                    Step::Curve(a, b, p) => Step::Curve(to(a), to(b), to(p)),
                    Step::Close => Step::Close,
                })
                .collect();
            Mark::Path { steps, fill, line }
        }
        Mark::Text { at, size, anchor, tone, text } => Mark::Text { at: to(at), size, anchor, tone, text },
        other => other,
    })
}

/// The frame's border, by a hand that takes care but no ruler.
fn border(pen: &mut Pen, w: f32, h: f32) {
    pen.shake = 0.5;
    pen.with(INK, 2.8);
    for (a, b) in [((0.0, 0.0), (w, 0.0)), ((w, 0.0), (w, h)), ((w, h), (0.0, h)), ((0.0, h), (0.0, 0.0))] {
        pen.line(a, b);
    }
}

fn draw(pen: &mut Pen, shot: &Shot, scene: &Scene, w: f32, h: f32, seed: u64) {
    if scene.set == Set::Card {
        return objects::card(pen, w, h);
    }
    let close = shot.size == ShotSize::ExtremeCloseUp;
    if close && (scene.hand || scene.thing.is_some() || scene.people.is_empty()) {
        return objects::detail(pen, scene, w, h);
    }
    if close {
        return objects::eyes(pen, scene.people.first().copied().unwrap_or(Look::Short), w, h, shot.angle);
    }
    if shot.angle == Angle::Overhead {
        return overhead::draw(pen, shot.size, scene, w, h);
    }
    let sway = if seed & 16 == 0 { 0.09 } else { -0.09 };
    let view = View::new(shot, scene, w, h, sway);
    if scene.people.is_empty() && scene.thing.is_some() {
        return objects::packshot(pen, shot, scene, &view);
    }
    sets::draw(pen, scene, &view);
    if scene.night {
        night(pen, &view);
    }
    people(pen, shot, scene, &view, seed);
}

/// Night: strokes over all that is far.
fn night(pen: &mut Pen, view: &View) {
    pen.with(120, 1.2);
    pen.hatch(&view.band(-5.0, view.h * 0.42), 24.0, 9.0);
}

fn people(pen: &mut Pen, shot: &Shot, scene: &Scene, view: &View, seed: u64) {
    let ots = shot.angle == Angle::OverShoulder;
    let wide = matches!(shot.size, ShotSize::ExtremeWide | ShotSize::Wide | ShotSize::Full);
    let pose = match (scene.thing.is_some(), shot.movement) {
        (true, _) => Pose::Hold,
        (_, Movement::Tracking) => Pose::Walk,
        _ if wide && seed & 32 == 0 => Pose::Walk,
        _ if shot.dialogue.trim().is_empty() || seed & 64 == 0 => Pose::Rest,
        _ => Pose::Lift,
    };
    let person = |x: f32, face: f32, look: Look, k: f32, pose: Pose| Person {
        at: (x * view.w, view.ground - view.head * k * Person::height_below(look, view.tilt)),
        head: view.head * k,
        face,
        tilt: view.tilt,
        look,
        pose,
        back: scene.back,
    };
    let place = |pen: &mut Pen, mut p: Person| {
        if !wide {
            // Soles are not seen: the head's place is what counts.
            p.at.1 = view.head_y + if p.look == Look::Child { p.head * 0.45 } else { 0.0 };
        }
        p.draw(pen);
    };
    if scene.crowd {
        let many = matches!(shot.size, ShotSize::ExtremeWide | ShotSize::Wide) && !ots;
        let rows: &[(f32, f32)] = if many { &[(0.62, 0.0), (0.8, 0.5)] } else { &[(0.7, 0.3)] };
        for (k, shift) in rows {
            let apart = if wide { view.head * 2.6 / view.w } else { view.head * 1.55 / view.w };
            let n = (1.0 / apart).ceil().min(5.0) as i32;
            for i in 0..n {
                let x = (i as f32 + 0.4 + shift * 0.6) / n as f32 + pen.between(-0.02, 0.02);
                let look = [Look::Short, Look::Long, Look::Cap, Look::Short][(pen.chance() * 4.0) as usize % 4];
                let face = pen.between(-0.7, 0.7);
                let mut p = person(x, face, look, *k, Pose::Rest);
                p.at.1 = if wide {
                    view.ground - view.head * 0.5 - view.head * k * Person::height_below(look, view.tilt)
                } else {
                    view.head_y + view.head * (0.1 + pen.between(-0.12, 0.1))
                };
                p.extra(pen);
            }
        }
    }
    let side = if seed & 2 == 0 { 1.0 } else { -1.0 };
    match scene.people[..] {
        [] => {}
        [one] => {
            let (x, face) = match shot.size {
                _ if ots => (if seed & 8 == 0 { 0.66 } else { 0.34 }, if seed & 8 == 0 { -0.5 } else { 0.5 }),
                ShotSize::CloseUp => (0.5 - side * 0.05, side * 0.55),
                ShotSize::MediumCloseUp => (0.5 - side * 0.09, side * 0.6),
                _ if view.w < view.h => (0.5 - side * 0.06, side * 0.7),
                _ => (0.5 - side * 0.14, side * 0.75),
            };
            place(pen, person(x, face, one, if one == Look::Child && wide { 0.85 } else { 1.0 }, pose));
        }
        [one, two, ..] => {
            let gap = (view.head * 1.25 / view.w).clamp(if wide { 0.05 } else { 0.2 }, 0.3);
            let (a, b) = if ots { (0.62, 0.82) } else { (0.5 - gap, 0.5 + gap) };
            let small = |look| if look == Look::Child && wide { 0.8 } else { 1.0 };
            place(pen, person(b, -0.85, two, small(two) * 0.97, Pose::Rest));
            place(pen, person(a, 0.85, one, small(one), pose));
        }
    }
}
