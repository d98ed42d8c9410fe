//! Where a shot plays: rooms. In metres, so that every camera sees the same place.

use super::outdoors;
use super::pen::{INK, P, PAPER, Pen};
use super::view::View;
use super::words::{Scene, Set};

/// Draws what is behind the people.
pub fn draw(pen: &mut Pen, scene: &Scene, view: &View) {
    let afar = view.head < 0.025 * view.h.min(view.w * 1.2);
    // What is out of focus is drawn with a lighter hand.
    if view.soft() {
        pen.with(150, 1.5)
    } else {
        pen.with(INK + 30, 1.3)
    };
    match scene.set {
        Set::Room | Set::Office | Set::School if afar => outdoors::house(pen, view, scene.set == Set::School),
        Set::Room => room(pen, view),
        Set::Office => office(pen, view),
        Set::School => school(pen, view),
        Set::Stage => stage(pen, view),
        Set::Street => outdoors::street(pen, view),
        Set::Car => outdoors::car(pen, view),
        Set::Nature => outdoors::nature(pen, view),
        Set::Sea => outdoors::sea(pen, view),
        Set::Plain | Set::Card if afar => outdoors::nature(pen, view),
        Set::Plain | Set::Card => plain(pen, view),
    }
    pen.with(INK, 1.6);
}

/// The corners of a rectangle that stands at `z`, facing us.
fn upright(view: &View, l: f32, r: f32, low: f32, high: f32, z: f32) -> [P; 4] {
    [view.at(l, high, z), view.at(r, high, z), view.at(r, low, z), view.at(l, low, z)]
}

/// The corners of a rectangle that lies at height `y`.
fn flat(view: &View, l: f32, r: f32, y: f32, near: f32, far: f32) -> [P; 4] {
    [view.at(l, y, near), view.at(l, y, far), view.at(r, y, far), view.at(r, y, near)]
}

/// A box that stands on the ground: we see its front and the top or the side.
fn crate_(pen: &mut Pen, view: &View, x: (f32, f32), y: (f32, f32), z: (f32, f32), tone: u8) {
    if view.eye > y.1 {
        pen.shape(&flat(view, x.0, x.1, y.1, z.0, z.1), PAPER);
    }
    let middle = (x.0 + x.1) / 2.0;
    let side = if middle > 0.0 { x.0 } else { x.1 };
    let flank = [view.at(side, y.1, z.0), view.at(side, y.1, z.1), view.at(side, y.0, z.1), view.at(side, y.0, z.0)];
    pen.shape(&flank, 226);
    pen.hatch(&flank, 75.0, 4.0);
    pen.shape(&upright(view, x.0, x.1, y.0, y.1, z.0), tone);
}

/// Walls, floor and, where it is seen, the ceiling.
fn shell(pen: &mut Pen, view: &View, half: f32, height: f32, z: f32, boards: bool) {
    let near = -view.far * 0.85;
    let floor = view.at(0.0, 0.0, z).1;
    pen.tone(&view.band(floor, view.h * 1.2), 240);
    let side: [P; 4] =
        [view.at(half, 0.0, z), view.at(half, height, z), view.at(half, height, near), view.at(half, 0.0, near)];
    pen.tone(&side, 232);
    if !view.soft() {
        let shade = [
            view.at(half, 0.0, z),
            view.at(half, height, z),
            view.at(half, height, z - 1.6),
            view.at(half, 0.0, z - 1.6),
        ];
        pen.hatch(&shade, 80.0, 6.0);
    }
    let wall = upright(view, -half, half, 0.0, height, z);
    pen.rough(wall[0], wall[1]);
    pen.rough(wall[1], wall[2]);
    pen.rough(wall[2], wall[3]);
    pen.rough(wall[3], wall[0]);
    for (x, y) in [(-half, 0.0), (half, 0.0), (-half, height), (half, height)] {
        pen.line(view.at(x, y, z), view.at(x, y, near));
    }
    if boards {
        let (ink, weight) = (pen.ink, pen.weight);
        pen.with(ink.saturating_add(90).min(205), weight * 0.6);
        let n = 5;
        for i in 1..n {
            let x = half * (2.0 * i as f32 / n as f32 - 1.0);
            pen.line(view.at(x, 0.0, z), view.at(x, 0.0, near));
        }
        pen.with(ink, weight);
    }
}

fn window(pen: &mut Pen, view: &View, l: f32, r: f32, z: f32) {
    let glass = upright(view, l, r, 0.9, 2.1, z);
    pen.shape(&glass, PAPER);
    let m = (l + r) / 2.0;
    pen.line(view.at(m, 0.9, z), view.at(m, 2.1, z));
    pen.line(view.at(l, 1.6, z), view.at(r, 1.6, z));
    pen.rough(view.at(l - 0.1, 0.88, z), view.at(r + 0.1, 0.88, z));
    // Light on the glass, curtains at its sides.
    let (ink, weight) = (pen.ink, pen.weight);
    pen.with(ink.saturating_add(50).min(200), weight * 0.8);
    for k in [0.12, 0.22] {
        pen.line(view.at(l + (m - l) * (k + 0.45), 2.0, z), view.at(l + (m - l) * k, 1.7, z));
    }
    pen.with(ink, weight);
    for (x, s) in [(l, -1.0), (r, 1.0)] {
        let cloth = [
            view.at(x + s * 0.28, 2.3, z),
            view.at(x - s * 0.1, 2.3, z),
            view.at(x - s * 0.02, 1.5, z),
            view.at(x + s * 0.08, 0.7, z),
            view.at(x + s * 0.32, 0.7, z),
        ];
        pen.shape(&cloth, 238);
        pen.hatch(&cloth, 86.0, 6.0);
    }
}

fn room(pen: &mut Pen, view: &View) {
    let z = 2.4;
    shell(pen, view, 3.2, 2.6, z, true);
    window(pen, view, -1.9, -0.5, z);
    // Light that falls in.
    let patch = [
        view.at(-1.6, 0.0, z - 0.5),
        view.at(-0.5, 0.0, z - 0.5),
        view.at(0.9, 0.0, z - 2.3),
        view.at(-0.6, 0.0, z - 2.3),
    ];
    pen.tone(&patch, 252);
    // A picture on the wall, a lamp, a sofa.
    pen.shape(&upright(view, 0.7, 1.35, 1.45, 1.95, z), PAPER);
    let art = upright(view, 0.8, 1.25, 1.53, 1.87, z);
    pen.hatch(&art, 40.0, 5.0);
    crate_(pen, view, (0.6, 2.5), (0.0, 0.42), (z - 0.9, z - 0.1), 238);
    pen.shape(&upright(view, 0.6, 2.5, 0.42, 0.9, z - 0.15), 238);
    for (l, r) in [(0.45, 0.7), (2.4, 2.65)] {
        pen.shape(&upright(view, l, r, 0.0, 0.62, z - 0.9), 244);
    }
    pen.line(view.at(1.55, 0.44, z - 0.9), view.at(1.55, 0.86, z - 0.15));
    let foot = view.at(2.9, 0.0, z - 0.4);
    pen.line(foot, view.at(2.9, 1.5, z - 0.4));
    pen.shape(
        &[
            view.at(2.75, 1.85, z - 0.4),
            view.at(3.05, 1.85, z - 0.4),
            view.at(3.18, 1.45, z - 0.4),
            view.at(2.62, 1.45, z - 0.4),
        ],
        PAPER,
    );
    // A low table with something on it.
    crate_(pen, view, (-2.4, -1.3), (0.0, 0.4), (0.9, 1.5), 236);
    let vase = view.at(-1.9, 0.4, 1.2);
    let m = view.scale(1.2);
    pen.blob(
        &[
            (vase.0 - 0.07 * m, vase.1),
            (vase.0 - 0.1 * m, vase.1 - 0.16 * m),
            (vase.0, vase.1 - 0.26 * m),
            (vase.0 + 0.1 * m, vase.1 - 0.16 * m),
            (vase.0 + 0.07 * m, vase.1),
        ],
        214,
    );
    leaves(pen, (vase.0, vase.1 - 0.25 * m), 0.34 * m);
}

/// A bunch of leaves that grows from a point.
pub fn leaves(pen: &mut Pen, from: P, size: f32) {
    for (x, y) in [(-0.7, -0.8), (-0.25, -1.1), (0.3, -1.0), (0.75, -0.7)] {
        let tip = (from.0 + x * size, from.1 + y * size);
        let mid = (from.0 + x * size * 0.4, from.1 + y * size * 0.62);
        let side = (mid.0 + 0.16 * size, mid.1 + 0.1 * size);
        pen.blob(&[from, (mid.0 - 0.14 * size, mid.1), tip, side], 222);
        pen.line(from, tip);
    }
}

fn office(pen: &mut Pen, view: &View) {
    let z = 2.6;
    shell(pen, view, 3.6, 2.7, z, false);
    // Blinds.
    let glass = upright(view, -2.6, -0.4, 0.85, 2.25, z);
    pen.shape(&glass, PAPER);
    let (ink, weight) = (pen.ink, pen.weight);
    pen.with(ink.saturating_add(40).min(200), weight * 0.8);
    for i in 1..9 {
        let y = 0.85 + 1.4 * i as f32 / 9.0;
        pen.line(view.at(-2.6, y, z), view.at(-0.4, y, z));
    }
    pen.with(ink, weight);
    // A shelf with files.
    pen.shape(&upright(view, 1.3, 2.9, 0.0, 2.0, z - 0.1), 240);
    for y in [0.65, 1.3] {
        pen.line(view.at(1.3, y, z - 0.1), view.at(2.9, y, z - 0.1));
        for i in 0..7 {
            let x = 1.42 + i as f32 * 0.16 + pen.between(0.0, 0.05);
            let top = y + pen.between(0.3, 0.45);
            pen.line(view.at(x, y, z - 0.1), view.at(x, top, z - 0.1));
        }
    }
    // A desk, a screen, a chair.
    for x in [-2.2, -0.75] {
        pen.line(view.at(x, 0.0, 0.9), view.at(x, 0.72, 0.9));
    }
    crate_(pen, view, (-2.3, -0.65), (0.68, 0.74), (0.8, 1.6), 246);
    pen.shape(&upright(view, -1.95, -1.2, 0.86, 1.32, 1.2), 120);
    let face = upright(view, -1.9, -1.25, 0.92, 1.27, 1.19);
    pen.tone(&face, 214);
    pen.hatch(&face, 45.0, 6.0);
    pen.line(view.at(-1.58, 0.74, 1.2), view.at(-1.58, 0.86, 1.2));
    let pot = upright(view, 3.0, 3.35, 0.0, 0.35, z - 0.7);
    pen.shape(&pot, 214);
    leaves(pen, view.at(3.17, 0.35, z - 0.7), 0.6 * view.scale(z - 0.7));
}

fn school(pen: &mut Pen, view: &View) {
    let z = 3.4;
    shell(pen, view, 3.8, 2.9, z, true);
    let board = upright(view, -1.9, 1.9, 0.95, 2.15, z);
    pen.shape(&board, 105);
    let (ink, weight) = (pen.ink, pen.weight);
    pen.with(235, weight * 1.1);
    for (y, to) in [(1.92, 0.4), (1.7, 0.9), (1.48, 0.1)] {
        let points: Vec<P> = (0..9)
            .map(|i| view.at(-1.6 + (to + 1.6) * i as f32 / 8.0, y + if i % 2 == 0 { 0.05 } else { -0.03 }, z))
            .collect();
        pen.curve(&points);
    }
    pen.with(ink, weight);
    pen.rough(view.at(-1.95, 0.92, z), view.at(1.95, 0.92, z));
    let clock = view.at(2.6, 2.3, z);
    pen.oval(clock, 0.2 * view.scale(z), 0.2 * view.scale(z), Some(PAPER));
    pen.line(clock, (clock.0, clock.1 - 0.14 * view.scale(z)));
    pen.line(clock, (clock.0 + 0.09 * view.scale(z), clock.1));
    // Windows in the left wall.
    for k in 0..3 {
        let (near, far) = (-0.6 + k as f32 * 1.35, 0.4 + k as f32 * 1.35);
        let pane =
            [view.at(-3.8, 2.3, near), view.at(-3.8, 2.3, far), view.at(-3.8, 1.0, far), view.at(-3.8, 1.0, near)];
        pen.shape(&pane, PAPER);
    }
    // Rows of desks.
    for row in 0..2 {
        let zz = 2.1 - row as f32 * 1.3;
        let places: &[f32] = if row == 0 { &[-2.4, -0.8, 0.8, 2.4] } else { &[-2.0, 2.0] };
        for &x in places {
            for s in [-0.38, 0.38] {
                pen.line(view.at(x + s, 0.0, zz), view.at(x + s, 0.62, zz));
            }
            crate_(pen, view, (x - 0.42, x + 0.42), (0.6, 0.68), (zz - 0.2, zz + 0.3), 244);
        }
    }
}

fn stage(pen: &mut Pen, view: &View) {
    let (l, r) = view.sides(2.0);
    let half = l.abs().max(r).min(60.0) + 0.4;
    let back = [view.at(-half, 9.0, 2.5), view.at(half, 9.0, 2.5), view.at(half, 0.0, 2.5), view.at(-half, 0.0, 2.5)];
    pen.tone(&back, 150);
    pen.hatch(&back, 88.0, 11.0);
    let floor = view.at(0.0, 0.0, 2.5).1;
    pen.tone(&view.band(floor, view.h * 1.2), 232);
    pen.rough((0.0, floor), (view.w, floor));
    // Beams of light from above.
    for (x, to) in [(-0.75, -0.35), (0.1, 0.05), (0.85, 0.4)] {
        let top = (view.w * (0.5 + x * 0.45), -8.0);
        let a = view.at(to * half - half * 0.16, 0.0, 0.6);
        let b = view.at(to * half + half * 0.16, 0.0, 0.6);
        pen.tone(&[(top.0 - 5.0, top.1), (top.0 + 5.0, top.1), b, a], 226);
        pen.line((top.0 - 5.0, top.1), a);
        pen.line((top.0 + 5.0, top.1), b);
    }
    // Curtains.
    for s in [-1.0, 1.0] {
        let edge = if s < 0.0 { 0.0 } else { view.w };
        let d = -s * view.w;
        let folds: [P; 6] = [
            (edge - d * 0.05, -10.0),
            (edge + d * 0.16, -10.0),
            (edge + d * 0.13, view.h * 0.3),
            (edge + d * 0.07, view.h * 0.6),
            (edge + d * 0.09, floor + 4.0),
            (edge - d * 0.05, floor + 4.0),
        ];
        pen.blob(&folds, 176);
        for k in [0.03, 0.07, 0.11] {
            pen.curve(&[(edge + d * k, 0.0), (edge + d * k * 0.8, view.h * 0.4), (edge + d * k * 0.6, floor)]);
        }
    }
    if view.head > 0.09 * view.h {
        return;
    }
    // Who watches: heads before the light.
    let r = (view.head * 0.42).clamp(view.w.min(view.h * 1.8) * 0.034, view.h * 0.09);
    let n = (view.w / (r * 2.7)).ceil().min(9.0) as i32;
    let (ink, weight) = (pen.ink, pen.weight);
    pen.with(20, 1.4);
    for i in 0..=n {
        let x = (i as f32 + pen.between(-0.25, 0.25)) * r * 2.7;
        let y = view.h - r * pen.between(0.9, 1.5);
        pen.blob(
            &[
                (x - 1.5 * r, y + 3.0 * r),
                (x - 1.2 * r, y + 1.1 * r),
                (x, y + 0.75 * r),
                (x + 1.2 * r, y + 1.1 * r),
                (x + 1.5 * r, y + 3.0 * r),
            ],
            70,
        );
        pen.oval((x, y), r * 0.8, r, Some(70));
    }
    pen.with(ink, weight);
}

fn plain(pen: &mut Pen, view: &View) {
    let line = view.at(0.0, 0.0, view.far * 1.5).1;
    if line < view.h {
        pen.tone(&view.band(line, view.h * 1.2), 238);
        pen.rough((-10.0, line), (view.w + 10.0, line));
    }
    // A wash behind the people, with the strokes still to be seen.
    let (cx, cy) = (view.w * 0.5, view.h * 0.44);
    let (rx, ry) = (view.w * 0.36, view.h * 0.36);
    let wash: Vec<P> = (0..10)
        .map(|i| {
            let (s, c) = (i as f32 * 0.628).sin_cos();
            let k = pen.between(0.86, 1.1);
            (cx + rx * c * k, cy + ry * s * k)
        })
        .collect();
    pen.smear(&wash, 241);
    pen.hatch(&wash, 48.0, 15.0);
}
