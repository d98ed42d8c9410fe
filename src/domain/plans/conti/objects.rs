//! Things: on a table before the camera, in a hand, as large as the frame.

use super::pen::{Anchor, INK, P, PAPER, Pen};
use super::sets::leaves;
use super::view::View;
use super::words::{Look, Scene, Set, Thing};
use crate::domain::plans::story::{Angle, Shot, ShotSize};

/// A thing on a table; how large it is follows the size of the shot.
pub fn packshot(pen: &mut Pen, shot: &Shot, scene: &Scene, view: &View) {
    let (w, h) = (view.w, view.h);
    let u = h.min(w * 1.15);
    let size = u * match shot.size {
        ShotSize::ExtremeWide => 0.14,
        ShotSize::Wide => 0.24,
        ShotSize::Full => 0.38,
        ShotSize::Medium => 0.5,
        ShotSize::MediumCloseUp => 0.62,
        ShotSize::CloseUp | ShotSize::ExtremeCloseUp => 0.8,
    };
    let edge = h * match shot.angle {
        Angle::High | Angle::Overhead => 0.26,
        Angle::Low => 0.84,
        _ => 0.6,
    };
    pen.with(INK + 40, 1.4);
    backdrop(pen, scene, w, h, edge);
    let top = [(-w * 0.1, edge), (w * 1.1, edge), (w * 1.1, h * 1.1), (-w * 0.1, h * 1.1)];
    pen.tone(&top, 238);
    pen.rough((-10.0, edge), (w + 10.0, edge));
    let (ink, weight) = (pen.ink, pen.weight);
    pen.with(195, 0.9);
    for k in [-1.4, -0.7, 0.0, 0.7, 1.4] {
        pen.line((w * (0.5 + k * 0.3), edge), (w * (0.5 + k * 0.75), h * 1.05));
    }
    pen.with(ink, weight);
    let foot = match shot.angle {
        Angle::Low => h * 0.95,
        _ => (edge + size * 0.3).max(h * 0.5 + size * 0.5).min(h * 0.95),
    };
    let c = (w * 0.5, foot);
    pen.with(INK, 1.2);
    pen.hatch(
        &[
            (c.0 - size * 0.25, c.1 + 2.0),
            (c.0 + size * 0.2, c.1 - size * 0.06),
            (c.0 + size * 0.95, c.1 - size * 0.02),
            (c.0 + size * 0.5, c.1 + size * 0.1),
        ],
        8.0,
        4.0,
    );
    pen.with(INK, (size * 0.011).clamp(1.3, 2.8));
    thing(pen, scene.thing.unwrap_or(Thing::Product), c, size);
    if shot.angle == Angle::OverShoulder || size < u * 0.3 {
        pen.with(INK + 40, 1.3);
        leaves(pen, (w * 0.14, edge), size * 0.5);
    }
}

/// What is behind a table: wide strokes of light and shade, a window or the light of a studio.
fn backdrop(pen: &mut Pen, scene: &Scene, w: f32, h: f32, edge: f32) {
    let wash = [(w * 0.1, -5.0), (w * 0.62, -5.0), (w * 0.5, edge), (w * -0.02, edge)];
    pen.tone(&wash, 243);
    if scene.thing == Some(Thing::Product) || edge < h * 0.3 {
        pen.hatch(&[(w * 0.55, -5.0), (w * 1.1, -5.0), (w * 1.1, edge), (w * 0.62, edge)], 58.0, 9.0);
        return;
    }
    let (l, r, top, low) = (w * 0.1, w * 0.42, edge * 0.08, edge * 0.78);
    pen.card((l, top), (r, low), PAPER);
    pen.line(((l + r) / 2.0, top), ((l + r) / 2.0, low));
    pen.line((l, (top + low) / 2.0), (r, (top + low) / 2.0));
    pen.hatch(&[(w * 0.6, -5.0), (w * 1.1, -5.0), (w * 1.1, edge), (w * 0.7, edge)], 60.0, 9.0);
}

/// A thing whose foot stands at `c`, about `s` high.
pub fn thing(pen: &mut Pen, thing: Thing, c: P, s: f32) {
    let q = |x: f32, y: f32| (c.0 + x * s, c.1 - y * s);
    match thing {
        Thing::Product => {
            // A bottle and its box.
            let flank = [q(0.42, 0.0), q(0.52, 0.06), q(0.52, 0.62), q(0.42, 0.6)];
            pen.shape(&flank, 196);
            pen.hatch(&flank, 76.0, (s * 0.03).max(3.0));
            pen.shape(&[q(0.06, 0.0), q(0.42, 0.0), q(0.42, 0.6), q(0.06, 0.6)], PAPER);
            pen.shape(&[q(0.06, 0.6), q(0.42, 0.6), q(0.52, 0.62), q(0.18, 0.66)], 236);
            pen.oval(q(0.24, 0.34), s * 0.09, s * 0.11, Some(220));
            pen.line(q(0.13, 0.15), q(0.35, 0.15));
            pen.line(q(0.16, 0.11), q(0.32, 0.11));
            let glass = [
                q(-0.3, -0.02),
                q(-0.33, 0.1),
                q(-0.33, 0.58),
                q(-0.27, 0.7),
                q(-0.18, 0.76),
                q(-0.18, 0.84),
                q(-0.04, 0.84),
                q(-0.04, 0.76),
                q(0.05, 0.7),
                q(0.11, 0.58),
                q(0.11, 0.1),
                q(0.08, -0.02),
                q(-0.11, -0.05),
            ];
            pen.blob(&glass, PAPER);
            pen.card(q(-0.2, 1.0), q(-0.02, 0.83), 110);
            pen.hatch(&[q(0.02, 0.03), q(0.09, 0.05), q(0.1, 0.6), q(0.02, 0.68)], 80.0, (s * 0.022).max(2.6));
            pen.shape(&[q(-0.3, 0.2), q(0.07, 0.19), q(0.07, 0.5), q(-0.3, 0.51)], 244);
            pen.oval(q(-0.12, 0.38), s * 0.06, s * 0.06, Some(200));
            pen.line(q(-0.24, 0.26), q(0.0, 0.26));
            pen.line(q(-0.28, 0.56), q(-0.28, 0.66));
        }
        Thing::Phone => {
            pen.shape(&[q(-0.27, 0.0), q(0.23, 0.02), q(0.3, 1.0), q(-0.2, 0.99)], 90);
            let glass = [q(-0.225, 0.06), q(0.19, 0.075), q(0.25, 0.93), q(-0.16, 0.92)];
            pen.shape(&glass, PAPER);
            pen.tone(&[q(-0.2, 0.7), q(0.23, 0.71), q(0.245, 0.9), q(-0.165, 0.89)], 214);
            pen.shape(&[q(-0.17, 0.52), q(0.06, 0.53), q(0.07, 0.63), q(-0.165, 0.62)], 230);
            pen.shape(&[q(-0.04, 0.36), q(0.18, 0.37), q(0.19, 0.47), q(-0.03, 0.46)], 196);
            pen.line(q(-0.18, 0.27), q(0.1, 0.28));
            pen.line(q(-0.185, 0.2), q(0.02, 0.205));
            pen.oval(q(0.0, 0.11), s * 0.025, s * 0.02, None);
            pen.hatch(&[q(0.02, 0.93), q(0.2, 0.93), q(0.02, 0.5), q(-0.08, 0.5)], 118.0, (s * 0.06).max(5.0));
        }
        Thing::Food => {
            pen.oval(q(0.0, 0.06), s * 0.72, s * 0.13, Some(PAPER));
            pen.oval(q(0.0, 0.08), s * 0.5, s * 0.08, Some(236));
            let bowl = [q(-0.46, 0.44), q(-0.4, 0.22), q(-0.2, 0.07), q(0.2, 0.07), q(0.4, 0.22), q(0.46, 0.44)];
            pen.blob(&bowl, PAPER);
            pen.hatch(&[q(0.1, 0.1), q(0.26, 0.12), q(0.42, 0.4), q(0.2, 0.36)], 62.0, (s * 0.025).max(3.0));
            pen.oval(q(0.0, 0.44), s * 0.47, s * 0.11, Some(226));
            for (x, y, r) in [(-0.2, 0.49, 0.12), (0.06, 0.52, 0.14), (0.26, 0.47, 0.1)] {
                pen.oval(q(x, y), s * r, s * r * 0.62, Some(246));
                pen.curve(&[q(x - r * 0.5, y), q(x, y + r * 0.25), q(x + r * 0.6, y - r * 0.1)]);
            }
            steam(pen, q(0.0, 0.62), s);
            pen.line(q(0.55, 0.18), q(1.0, 0.62));
            pen.line(q(0.6, 0.15), q(1.07, 0.57));
        }
        Thing::Cup => {
            pen.oval(q(0.0, 0.03), s * 0.52, s * 0.1, Some(PAPER));
            pen.oval(q(0.4, 0.36), s * 0.15, s * 0.17, Some(240));
            let cup = [q(-0.36, 0.62), q(-0.33, 0.24), q(-0.2, 0.05), q(0.2, 0.05), q(0.33, 0.24), q(0.36, 0.62)];
            pen.blob(&cup, PAPER);
            pen.hatch(&[q(0.08, 0.08), q(0.2, 0.1), q(0.33, 0.56), q(0.14, 0.52)], 72.0, (s * 0.025).max(3.0));
            pen.oval(q(0.0, 0.62), s * 0.36, s * 0.085, Some(130));
            steam(pen, q(0.0, 0.72), s);
        }
        Thing::Paper => {
            pen.shape(&[q(-0.62, 0.0), q(0.0, 0.06), q(0.02, 0.72), q(-0.5, 0.66)], PAPER);
            pen.shape(&[q(0.0, 0.06), q(0.64, 0.0), q(0.54, 0.66), q(0.02, 0.72)], PAPER);
            pen.hatch(&[q(0.0, 0.06), q(0.12, 0.05), q(0.12, 0.7), q(0.02, 0.72)], 86.0, (s * 0.025).max(3.0));
            for i in 0..5 {
                let y = 0.15 + i as f32 * 0.1;
                pen.line(q(-0.52 + i as f32 * 0.02, y), q(-0.07, y + 0.035));
                pen.line(q(0.18, y + 0.03), q(0.5 - i as f32 * 0.02 - 0.1 * (i % 2) as f32, y));
            }
        }
    }
}

fn steam(pen: &mut Pen, c: P, s: f32) {
    let (ink, weight) = (pen.ink, pen.weight);
    pen.with(150, weight * 0.7);
    for (x, k) in [(-0.14, 1.0), (0.02, 1.25), (0.16, 0.9)] {
        let q = |dx: f32, dy: f32| (c.0 + (x + dx) * s, c.1 - dy * s * k);
        pen.curve(&[q(0.0, 0.0), q(0.05, 0.08), q(-0.04, 0.17), q(0.04, 0.26), q(-0.01, 0.34)]);
    }
    pen.with(ink, weight);
}

/// As large as the frame: a hand that holds something, or what there is.
pub fn detail(pen: &mut Pen, scene: &Scene, w: f32, h: f32) {
    let u = h.min(w * 1.05);
    pen.with(170, 1.2);
    pen.hatch(&[(w * 0.5, -5.0), (w * 1.1, -5.0), (w * 1.1, h * 0.6), (w * 0.7, h * 0.45)], 52.0, 11.0);
    pen.tone(&[(-5.0, h * 0.66), (w + 5.0, h * 0.6), (w + 5.0, h * 1.1), (-5.0, h * 1.1)], 240);
    pen.with(INK, 2.4);
    if scene.hand {
        return hand(pen, scene.thing, w, h, u);
    }
    if let Some(known) = scene.thing {
        thing(pen, known, (w * 0.5, h * 1.02), u * 1.12);
        return;
    }
    match scene.set {
        Set::Nature | Set::Plain => leaves(pen, (w * 0.46, h * 1.02), u * 0.85),
        Set::Sea => {
            for i in 0..5 {
                let y = h * (0.2 + 0.18 * i as f32);
                let points: Vec<P> = (0..9)
                    .map(|k| (w * (k as f32 / 8.0), y + u * 0.05 * if (k + i) % 2 == 0 { 1.0 } else { -1.0 }))
                    .collect();
                pen.curve(&points);
                pen.hatch(&[points[2], points[3], points[4], (points[3].0, points[3].1 + u * 0.12)], 20.0, 5.0);
            }
        }
        Set::Car => {
            let c = (w * 0.5, h * 0.56);
            pen.oval(c, u * 0.46, u * 0.46, Some(90));
            pen.oval(c, u * 0.32, u * 0.32, Some(226));
            pen.oval(c, u * 0.08, u * 0.08, Some(150));
            for i in 0..5 {
                let (s, k) = (i as f32 * 1.257 + 0.3).sin_cos();
                pen.rough((c.0 + k * u * 0.09, c.1 + s * u * 0.09), (c.0 + k * u * 0.31, c.1 + s * u * 0.31));
            }
            pen.hatch(&[(0.0, h * 0.92), (w, h * 0.92), (w, h), (0.0, h)], 4.0, 4.0);
        }
        _ => thing(pen, Thing::Cup, (w * 0.5, h * 0.98), u * 0.95),
    }
}

/// A hand from the lower right that holds a thing.
fn hand(pen: &mut Pen, held: Option<Thing>, w: f32, h: f32, u: f32) {
    let c = (w * 0.5, h * 0.54);
    let q = |x: f32, y: f32| (c.0 + x * u, c.1 + y * u);
    // Half the width of what is held.
    let a = 0.19;
    // Sleeve and wrist.
    pen.shape(&[q(0.56, 0.1), q(0.66, 0.6), q(1.6, 0.85), q(1.6, 0.06)], 150);
    pen.hatch(&[q(0.6, 0.34), q(0.66, 0.6), q(1.6, 0.85), q(1.6, 0.5)], 24.0, 5.0);
    // The tips of the fingers, which come round from behind.
    for (y, out) in [(-0.02, 0.085), (0.085, 0.105), (0.19, 0.1), (0.285, 0.075)] {
        let tip = -a - out;
        pen.blob(
            &[
                q(-a + 0.05, y - 0.05),
                q(tip + 0.03, y - 0.05),
                q(tip, y),
                q(tip + 0.03, y + 0.045),
                q(-a + 0.05, y + 0.05),
            ],
            PAPER,
        );
        pen.line(q(tip + 0.02, y - 0.03), q(tip + 0.025, y + 0.025));
    }
    match held {
        Some(Thing::Food) => bag(pen, q(0.0, 0.44), u * 0.78),
        Some(Thing::Cup) => {
            pen.shape(&[q(-a - 0.03, -0.3), q(a + 0.03, -0.3), q(a - 0.04, 0.44), q(0.04 - a, 0.44)], PAPER);
            pen.shape(&[q(-a - 0.06, -0.36), q(a + 0.06, -0.36), q(a + 0.05, -0.27), q(-a - 0.05, -0.27)], 120);
            pen.hatch(&[q(0.06, -0.26), q(a + 0.02, -0.26), q(a - 0.05, 0.43), q(0.04, 0.43)], 84.0, 5.0);
            steam(pen, q(0.0, -0.4), u * 0.5);
        }
        Some(Thing::Phone) => thing(pen, Thing::Phone, q(0.0, 0.44), u * 0.84),
        Some(Thing::Paper) => {
            pen.shape(&[q(-0.34, -0.34), q(0.26, -0.38), q(0.3, 0.36), q(-0.28, 0.42)], PAPER);
            for i in 0..6 {
                let y = -0.26 + i as f32 * 0.09;
                pen.line(q(-0.26, y), q(0.2 - 0.12 * (i % 3) as f32, y - 0.03));
            }
        }
        _ => {
            pen.shape(&[q(-a, -0.4), q(a, -0.4), q(a, 0.42), q(-a, 0.42)], PAPER);
            pen.shape(&[q(-a, -0.26), q(a, -0.26), q(a, -0.04), q(-a, -0.04)], 226);
            pen.oval(q(0.0, -0.15), u * 0.06, u * 0.06, Some(PAPER));
            pen.hatch(&[q(0.07, -0.4), q(a, -0.4), q(a, 0.42), q(0.07, 0.42)], 82.0, 5.0);
        }
    }
    // The ball of the thumb, and the thumb in front of it all.
    pen.blob(
        &[
            q(0.64, 0.12),
            q(0.42, -0.02),
            q(0.27, -0.13),
            q(0.12, -0.2),
            q(-0.01, -0.19),
            q(-0.05, -0.13),
            q(0.02, -0.07),
            q(0.12, -0.03),
            q(0.17, 0.06),
            q(0.13, 0.22),
            q(0.16, 0.4),
            q(0.34, 0.52),
            q(0.68, 0.58),
        ],
        PAPER,
    );
    pen.curve(&[q(-0.03, -0.165), q(0.02, -0.13), q(0.03, -0.09)]);
    pen.curve(&[q(0.17, 0.06), q(0.25, 0.13), q(0.28, 0.24)]);
    pen.hatch(&[q(0.2, 0.28), q(0.42, 0.3), q(0.66, 0.42), q(0.66, 0.57), q(0.34, 0.51), q(0.17, 0.4)], 40.0, 5.0);
}

/// A paper bag with something warm in it; its foot stands at `c`.
fn bag(pen: &mut Pen, c: P, s: f32) {
    let q = |x: f32, y: f32| (c.0 + x * s, c.1 - y * s);
    for (x, y, lean) in [(-0.1, 0.86, -0.03), (0.1, 0.92, 0.04)] {
        pen.blob(
            &[
                q(x - 0.11, y - 0.2),
                q(x - 0.12 + lean, y),
                q(x + lean, y + 0.12),
                q(x + 0.12 + lean, y),
                q(x + 0.11, y - 0.2),
            ],
            222,
        );
        pen.curve(&[q(x - 0.06 + lean, y - 0.02), q(x + lean, y - 0.05), q(x + 0.07 + lean, y - 0.01)]);
        pen.oval(q(x - 0.03 + lean, y + 0.05), s * 0.014, s * 0.014, Some(INK));
    }
    let front = [
        q(-0.23, 0.0),
        q(-0.27, 0.78),
        q(-0.18, 0.73),
        q(-0.09, 0.79),
        q(0.0, 0.74),
        q(0.09, 0.8),
        q(0.18, 0.74),
        q(0.27, 0.79),
        q(0.23, 0.0),
    ];
    pen.shape(&front, PAPER);
    pen.hatch(&[q(0.08, 0.02), q(0.22, 0.02), q(0.25, 0.72), q(0.1, 0.74)], 80.0, 5.0);
    pen.line(q(-0.12, 0.62), q(-0.08, 0.2));
    steam(pen, q(0.0, 1.06), s * 0.6);
}

/// Eyes, as wide as the frame.
pub fn eyes(pen: &mut Pen, look: Look, w: f32, h: f32, angle: Angle) {
    let u = w.min(h * 1.9);
    let lift = match angle {
        Angle::High | Angle::Overhead => 0.05,
        Angle::Low => -0.05,
        _ => 0.0,
    };
    let c = (w * 0.5, h * 0.5);
    let q = |x: f32, y: f32| (c.0 + x * u, c.1 + (y + lift) * u);
    pen.with(190, 1.1);
    pen.line(q(-0.6, 0.02), q(0.6, 0.0));
    pen.curve(&[q(0.02, -0.5), q(0.05, 0.0), q(0.03, 0.5)]);
    pen.with(INK, 1.3).hatch(&[q(0.34, -0.6), q(0.7, -0.6), q(0.7, 0.6), q(0.3, 0.6), q(0.42, 0.1)], 60.0, 7.0);
    pen.hatch(&[q(0.06, -0.12), q(0.14, -0.08), q(0.1, 0.06), q(0.05, 0.2)], 62.0, 5.0);
    for (x, k) in [(-0.21, 1.0), (0.23, 0.92)] {
        let e = |dx: f32, dy: f32| q(x + dx * k, dy);
        pen.with(INK, 2.6).blob(
            &[e(-0.14, 0.02), e(-0.06, -0.045), e(0.04, -0.055), e(0.14, 0.015), e(0.05, 0.05), e(-0.06, 0.05)],
            PAPER,
        );
        pen.with(INK, 1.8).oval(e(0.01, -0.002), u * 0.052 * k, u * 0.052, Some(130));
        let (a, b) = (e(-0.035, -0.03), e(0.055, 0.03));
        pen.hatch(&[a, (b.0, a.1), b, (a.0, b.1)], 80.0, 4.0);
        pen.oval(e(0.01, 0.0), u * 0.024, u * 0.025, Some(INK));
        pen.with(PAPER, 1.0).oval(e(-0.008, -0.018), u * 0.009, u * 0.009, Some(PAPER));
        pen.with(INK, 4.2).curve(&[e(-0.15, 0.025), e(-0.07, -0.045), e(0.04, -0.058), e(0.15, 0.01)]);
        pen.with(INK, 1.3);
        pen.curve(&[e(-0.13, -0.035), e(-0.04, -0.095), e(0.07, -0.09), e(0.16, -0.03)]);
        pen.curve(&[e(-0.1, 0.085), e(0.0, 0.1), e(0.1, 0.08)]);
        if look == Look::Long {
            for (dx, dy) in [(-0.12, -0.02), (-0.06, -0.055), (0.02, -0.065), (0.09, -0.045), (0.14, 0.0)] {
                let out = if x < 0.0 { -1.0 } else { 1.0 };
                pen.line(e(dx, dy), e(dx + out * 0.025, dy - 0.035));
            }
        }
        let brow =
            [e(-0.19, -0.11), e(-0.06, -0.185), e(0.08, -0.185), e(0.2, -0.12), e(0.08, -0.15), e(-0.06, -0.145)];
        pen.with(INK, 1.6).blob(&brow, 120);
        pen.hatch(&brow, 110.0, 4.0);
    }
    pen.with(INK, 1.8);
    pen.curve(&[q(-0.05, -0.06), q(-0.03, 0.08), q(-0.055, 0.2)]);
    pen.curve(&[q(-0.08, 0.23), q(-0.03, 0.26), q(0.03, 0.265), q(0.09, 0.23)]);
    // Hair that falls in.
    let hair = [q(-0.75, -0.7), q(-0.3, -0.7), q(-0.42, -0.3), q(-0.46, 0.0), q(-0.54, 0.3), q(-0.75, 0.4)];
    pen.with(INK, 2.0).blob(&hair, 130);
    pen.hatch(&hair, 70.0, 5.0);
    if h > w * 0.9 {
        pen.curve(&[q(-0.13, 0.47), q(-0.02, 0.44), q(0.02, 0.455), q(0.15, 0.44)]);
        pen.with(90, 1.3).curve(&[q(-0.07, 0.53), q(0.02, 0.545), q(0.09, 0.525)]);
    }
}

/// The card at the end: a mark, a line, some words.
pub fn card(pen: &mut Pen, w: f32, h: f32) {
    let u = h.min(w);
    let c = (w * 0.5, h * 0.45);
    let wash: Vec<P> = (0..10)
        .map(|i| {
            let (s, k) = (i as f32 * 0.628).sin_cos();
            (c.0 + w * 0.42 * k, c.1 + u * 0.05 + h * 0.36 * s)
        })
        .collect();
    pen.smear(&wash, 240);
    pen.with(INK, 1.2).hatch(&[(0.0, h * 0.86), (w, h * 0.8), (w, h), (0.0, h)], 12.0, 8.0);
    pen.with(INK, 2.4);
    pen.oval((c.0, c.1 - u * 0.1), u * 0.14, u * 0.14, Some(PAPER));
    pen.with(150, 1.0).oval((c.0, c.1 - u * 0.1), u * 0.16, u * 0.155, None);
    pen.with(INK, 2.0);
    pen.shape(
        &[(c.0 - u * 0.04, c.1 - u * 0.17), (c.0 + u * 0.075, c.1 - u * 0.1), (c.0 - u * 0.04, c.1 - u * 0.03)],
        110,
    );
    pen.text((c.0, c.1 + u * 0.17), u * 0.095, Anchor::Middle, INK, "LOGO");
    let half = (w * 0.3).min(u * 0.5);
    pen.with(INK, 1.5);
    pen.rough((c.0 - half, c.1 + u * 0.22), (c.0 + half, c.1 + u * 0.22));
    pen.with(120, 1.8);
    let words: Vec<P> = (0..13)
        .map(|i| {
            (c.0 + half * 0.8 * (i as f32 / 6.0 - 1.0), c.1 + u * (0.29 + if i % 2 == 0 { 0.012 } else { -0.012 }))
        })
        .collect();
    pen.curve(&words);
    // The safe area.
    pen.with(195, 1.0);
    let (l, t) = (w * 0.07, h * 0.07);
    pen.strokes(&[(l, t), (w - l, t), (w - l, h - t), (l, h - t), (l, t)]);
}
