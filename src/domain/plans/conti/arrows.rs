//! What the camera does, in the arrows of the trade.

use super::pen::{INK, P, PAPER, Pen};
use super::words::Way;
use crate::domain::plans::story::Movement;

/// Draws the arrows of a movement over a picture of `w` × `h`; where the words do not tell its way, `seed` does.
pub fn draw(pen: &mut Pen, movement: Movement, w: f32, h: f32, seed: u64, way: Way) {
    let s = if way.right.unwrap_or(seed & 2 == 0) { 1.0 } else { -1.0 };
    pen.shake = 0.7;
    pen.with(INK, 1.8);
    match movement {
        Movement::Static => {}
        Movement::Pan => {
            let (from, to) = (w * (0.5 - s * 0.3), w * (0.5 + s * 0.3));
            arrow(pen, (from, h - 19.0), (to, h - 19.0), 7.0, PAPER);
        }
        Movement::Tilt => {
            let up = if way.up.unwrap_or(seed & 128 == 0) { 1.0 } else { -1.0 };
            arrow(pen, (w - 17.0, h * (0.5 + up * 0.3)), (w - 17.0, h * (0.5 - up * 0.3)), 7.0, PAPER);
        }
        Movement::Zoom => zoom(pen, w, h),
        Movement::Dolly => dolly(pen, w, h, s),
        Movement::Tracking => {
            let (from, to) = (w * (0.5 - s * 0.34), w * (0.5 + s * 0.3));
            let y = h - 24.0;
            // Where one was before.
            pen.with(110, 1.2);
            for k in 0..3 {
                let x = from - s * (10.0 + k as f32 * 13.0);
                pen.line((x, y - 9.0 + k as f32 * 2.0), (x, y + 9.0 - k as f32 * 2.0));
            }
            pen.with(INK, 1.8);
            arrow(pen, (from, y), (to, y), 6.5, PAPER);
        }
    }
}

/// A wide arrow with an outline, `half` its half width.
fn arrow(pen: &mut Pen, from: P, to: P, half: f32, fill: u8) {
    let l = (to.0 - from.0).hypot(to.1 - from.1).max(1.0);
    let (dx, dy) = ((to.0 - from.0) / l, (to.1 - from.1) / l);
    let q = |along: f32, across: f32| (from.0 + dx * along - dy * across, from.1 + dy * along + dx * across);
    let neck = l - half * 2.6;
    pen.shape(
        &[
            q(0.0, -half * 0.7),
            q(neck, -half),
            q(neck, -half * 2.1),
            q(l, 0.0),
            q(neck, half * 2.1),
            q(neck, half),
            q(0.0, half * 0.7),
        ],
        fill,
    );
    pen.hatch(&[q(2.0, half * 0.1), q(neck, half * 0.1), q(neck, half), q(0.0, half * 0.7)], 60.0, 4.0);
}

/// A frame in the frame, and arrows from corner to corner.
fn zoom(pen: &mut Pen, w: f32, h: f32) {
    let (l, t, r, b) = (w * 0.23, h * 0.23, w * 0.77, h * 0.77);
    for (a, c) in [((l, t), (r, t)), ((r, t), (r, b)), ((r, b), (l, b)), ((l, b), (l, t))] {
        dashes(pen, a, c);
    }
    for (x, y, ix, iy) in [(0.0, 0.0, l, t), (w, 0.0, r, t), (w, h, r, b), (0.0, h, l, b)] {
        let from = (x + (ix - x) * 0.16, y + (iy - y) * 0.16);
        let to = (x + (ix - x) * 0.9, y + (iy - y) * 0.9);
        let l = (to.0 - from.0).hypot(to.1 - from.1).max(1.0);
        let (dx, dy) = ((to.0 - from.0) / l, (to.1 - from.1) / l);
        let back = |k: f32| (to.0 - dx * 13.0 - dy * k, to.1 - dy * 13.0 + dx * k);
        // A light edge, so that it is seen on dark ground.
        pen.with(PAPER, 5.0).line(from, to);
        pen.with(INK, 2.2).line(from, to);
        pen.shape(&[to, back(6.0), back(-6.0)], INK);
    }
    pen.with(INK, 1.8);
}

fn dashes(pen: &mut Pen, a: P, b: P) {
    let n = ((b.0 - a.0).hypot(b.1 - a.1) / 16.0).max(2.0) as i32;
    let at = |k: f32| (a.0 + (b.0 - a.0) * k, a.1 + (b.1 - a.1) * k);
    pen.with(PAPER, 4.4).line(a, b);
    pen.with(INK, 1.7);
    for i in 0..n {
        pen.line(at(i as f32 / n as f32), at((i as f32 + 0.6) / n as f32));
    }
}

/// A thick arrow that goes into the picture.
fn dolly(pen: &mut Pen, w: f32, h: f32, s: f32) {
    let u = w.min(h) * 0.5;
    let x = w * (0.5 - s * 0.3);
    let q = |dx: f32, dy: f32| (x + s * dx * u, h + 8.0 - dy * u);
    let points =
        [q(-0.24, 0.0), q(-0.02, 0.34), q(-0.1, 0.34), q(0.14, 0.5), q(0.22, 0.31), q(0.13, 0.32), q(0.1, 0.0)];
    pen.with(INK, 2.2).shape(&points, PAPER);
    pen.hatch(&[q(-0.04, 0.0), q(0.08, 0.32), q(0.13, 0.32), q(0.1, 0.0)], 70.0, 4.0);
}
