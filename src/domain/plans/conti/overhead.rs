//! Straight from above: the ground as a plan, people as heads and shoulders.

use super::figure::Person;
use super::pen::{INK, P, PAPER, Pen};
use super::words::{Look, Scene, Set, Thing};
use crate::domain::plans::story::ShotSize;

/// Draws a scene from above.
pub fn draw(pen: &mut Pen, size: ShotSize, scene: &Scene, w: f32, h: f32) {
    let u = h.min(w * 1.1);
    // Length of a metre.
    let m = u * match size {
        ShotSize::ExtremeWide => 0.055,
        ShotSize::Wide => 0.13,
        ShotSize::Full => 0.24,
        ShotSize::Medium => 0.44,
        ShotSize::MediumCloseUp => 0.62,
        ShotSize::CloseUp | ShotSize::ExtremeCloseUp => 0.92,
    };
    let c = (w * 0.5, h * 0.5);
    pen.with(INK + 50, 1.3);
    let table = scene.thing.is_some() || matches!(scene.set, Set::Office | Set::School);
    match scene.set {
        Set::Street | Set::Car => road(pen, c, m, w, h, scene.set == Set::Car),
        Set::Nature => woods(pen, c, m, w, h),
        Set::Sea => shore(pen, w, h, u),
        _ => boards(pen, c, m, w, h),
    }
    let at = |x: f32, y: f32| (c.0 + x * m, c.1 + y * m);
    if table {
        pen.with(INK, 1.6);
        let top = [at(-1.1, -0.75), at(1.1, -0.75), at(1.1, 0.35), at(-1.1, 0.35)];
        pen.hatch(
            &[at(1.1, -0.6), at(1.35, -0.45), at(1.35, 0.6), at(-0.9, 0.6), at(-1.1, 0.35), at(1.1, 0.35)],
            45.0,
            4.0,
        );
        pen.shape(&top, PAPER);
        on_table(pen, scene.thing, at(0.1, -0.2), m);
    } else if matches!(scene.set, Set::Room | Set::Stage) && size != ShotSize::CloseUp {
        pen.with(INK, 1.5);
        pen.shape(&[at(-2.6, -1.7), at(-0.9, -1.7), at(-0.9, -0.9), at(-2.6, -0.9)], 244);
        pen.line(at(-1.75, -1.5), at(-1.75, -0.9));
        pen.oval(at(1.6, 0.9), m * 0.55, m * 0.55, Some(PAPER));
        pen.oval(at(1.6, 0.9), m * 0.12, m * 0.12, Some(200));
    }
    let r = m * 0.27;
    if scene.crowd {
        for i in 0..9 {
            let (s, k) = (i as f32 * 0.698).sin_cos();
            let far = pen.between(1.2, 1.9);
            Person::above(
                pen,
                at(k * far * 1.25, s * far),
                r * 0.94,
                i as f32 * 0.698 - 1.57,
                [Look::Short, Look::Long, Look::Cap][i % 3],
            );
        }
    }
    match scene.people[..] {
        [] => {}
        [one] if table => Person::above(pen, at(-0.15, 0.75), r, 0.0, one),
        [one] => Person::above(pen, at(-0.2, 0.1), r, 0.4, one),
        [one, two, ..] if table => {
            Person::above(pen, at(-0.5, 0.75), r, 0.05, one);
            Person::above(pen, at(0.6, -1.15), r, 3.1, two);
        }
        [one, two, ..] => {
            Person::above(pen, at(-0.55, 0.2), r, 1.2, one);
            Person::above(pen, at(0.6, -0.05), r, -1.4, two);
        }
    }
    pen.with(INK, 1.6);
}

fn on_table(pen: &mut Pen, thing: Option<Thing>, c: P, m: f32) {
    let q = |x: f32, y: f32| (c.0 + x * m, c.1 + y * m);
    pen.with(INK, (m * 0.008).clamp(1.2, 2.4));
    match thing {
        Some(Thing::Food) | Some(Thing::Cup) => {
            pen.oval(q(0.0, 0.0), m * 0.24, m * 0.24, Some(PAPER));
            pen.oval(q(0.0, 0.0), m * 0.16, m * 0.16, Some(214));
            pen.curve(&[q(-0.09, 0.02), q(-0.02, -0.07), q(0.08, -0.03), q(0.05, 0.07)]);
            pen.oval(q(0.48, -0.1), m * 0.11, m * 0.11, Some(PAPER));
            pen.oval(q(0.48, -0.1), m * 0.075, m * 0.075, Some(120));
            pen.line(q(-0.36, -0.25), q(-0.34, 0.26));
            pen.line(q(-0.41, -0.25), q(-0.4, 0.26));
        }
        Some(Thing::Product) => {
            pen.shape(&[q(-0.05, -0.22), q(0.3, -0.2), q(0.29, 0.12), q(-0.05, 0.11)], 232);
            pen.hatch(
                &[q(0.3, -0.2), q(0.42, -0.1), q(0.41, 0.22), q(0.08, 0.21), q(-0.05, 0.11), q(0.29, 0.12)],
                45.0,
                4.0,
            );
            pen.oval(q(-0.28, 0.0), m * 0.1, m * 0.1, Some(120));
            pen.oval(q(-0.28, 0.0), m * 0.05, m * 0.05, Some(PAPER));
        }
        _ => {
            pen.shape(&[q(-0.36, -0.2), q(0.0, -0.22), q(0.02, 0.22), q(-0.34, 0.24)], 246);
            pen.shape(&[q(0.0, -0.22), q(0.36, -0.2), q(0.38, 0.24), q(0.02, 0.22)], 240);
            for i in 0..4 {
                let y = -0.12 + i as f32 * 0.09;
                pen.line(q(-0.29, y), q(-0.05, y - 0.01));
                pen.line(q(0.07, y - 0.01), q(0.3, y));
            }
            pen.line(q(0.5, 0.2), q(0.58, -0.2));
        }
    }
}

fn boards(pen: &mut Pen, c: P, m: f32, w: f32, h: f32) {
    pen.with(200, 1.0);
    let gap = (m * 0.5).max(h / 14.0);
    let mut y = c.1 % gap - gap;
    let mut row = 0;
    while y < h + gap {
        pen.line((-8.0, y), (w + 8.0, y + 1.5));
        let mut x = gap * if row % 2 == 0 { 0.8 } else { 2.4 };
        while x < w {
            pen.line((x, y), (x, y + gap));
            x += gap * 3.2;
        }
        row += 1;
        y += gap;
    }
}

fn road(pen: &mut Pen, c: P, m: f32, w: f32, h: f32, car: bool) {
    let half = (3.2 * m).min(h * 0.42);
    let (t, b) = (c.1 - half, c.1 + half);
    pen.tone(&[(-5.0, t), (w + 5.0, t), (w + 5.0, b), (-5.0, b)], 226);
    for y in [t, b] {
        pen.rough((-8.0, y), (w + 8.0, y));
    }
    let dash = (m * 1.2).clamp(14.0, 60.0);
    let mut x = -dash * 0.3;
    while x < w {
        pen.tone(&[(x, c.1 - 3.0), (x + dash, c.1 - 3.0), (x + dash, c.1 + 3.0), (x, c.1 + 3.0)], PAPER);
        x += dash * 1.9;
    }
    let bar = (m * 0.5).clamp(5.0, 22.0);
    for i in 0..((b - t) / (bar * 1.8)) as i32 {
        let y = t + bar * 0.5 + i as f32 * bar * 1.8;
        pen.with(190, 0.9).card((w * 0.2, y), (w * 0.2 + (m * 1.8).clamp(20.0, 120.0), y + bar), PAPER);
    }
    pen.with(INK, 1.5);
    let cars: &[(f32, f32)] = if car { &[(0.72, -0.48), (0.4, 0.5)] } else { &[(0.78, -0.5)] };
    for (x, k) in cars {
        let q = |dx: f32, dy: f32| (w * x + dx * m, c.1 + k * half + dy * m);
        pen.hatch(&[q(-2.0, 0.8), q(2.1, 0.8), q(2.5, 1.25), q(-1.6, 1.25)], 40.0, 3.5);
        pen.blob(
            &[
                q(-2.1, -0.7),
                q(-2.2, 0.0),
                q(-2.1, 0.75),
                q(0.0, 0.82),
                q(2.0, 0.72),
                q(2.25, 0.0),
                q(2.0, -0.7),
                q(0.0, -0.8),
            ],
            PAPER,
        );
        pen.shape(&[q(-1.4, -0.6), q(1.0, -0.62), q(0.6, -0.45), q(-1.1, -0.45)], 190);
        pen.shape(&[q(0.7, -0.5), q(1.15, -0.6), q(1.15, 0.62), q(0.7, 0.5)], 150);
        pen.shape(&[q(-1.1, -0.5), q(-1.5, -0.6), q(-1.5, 0.62), q(-1.1, 0.5)], 170);
    }
}

fn woods(pen: &mut Pen, c: P, m: f32, w: f32, h: f32) {
    pen.tone(&[(0.0, 0.0), (w, 0.0), (w, h), (0.0, h)], 244);
    let path = [
        (-20.0, h * 0.8),
        (w * 0.3, h * 0.62),
        (c.0, c.1),
        (w * 0.75, h * 0.3),
        (w + 20.0, h * 0.12),
        (w + 20.0, h * 0.34),
        (w * 0.75, h * 0.5),
        (c.0, c.1 + m.max(26.0)),
        (w * 0.3, h * 0.85),
        (-20.0, h * 1.05),
    ];
    pen.with(150, 1.2).blob(&path, PAPER);
    let r = (m * 1.5).clamp(h * 0.06, h * 0.2);
    for (x, y, k) in [
        (0.08, 0.18, 1.1),
        (0.25, 0.3, 0.9),
        (0.42, 0.12, 1.2),
        (0.62, 0.9, 1.1),
        (0.82, 0.74, 1.3),
        (0.95, 0.95, 1.0),
        (0.12, 0.5, 0.8),
        (0.44, 0.95, 0.8),
    ] {
        let p = (w * x, h * y);
        pen.with(INK + 30, 1.4);
        pen.hatch(
            &[
                (p.0, p.1 + r * k),
                (p.0 + r * k, p.1),
                (p.0 + r * k * 1.7, p.1 + r * k * 0.9),
                (p.0 + r * k * 0.8, p.1 + r * k * 1.6),
            ],
            40.0,
            4.0,
        );
        let crown: Vec<P> = (0..10)
            .map(|i| {
                let (s, c) = (i as f32 * 0.628).sin_cos();
                let d = r * k * pen.between(0.8, 1.12);
                (p.0 + d * c, p.1 + d * s)
            })
            .collect();
        pen.blob(&crown, 226);
        pen.oval((p.0 - r * 0.15, p.1 - r * 0.15), r * k * 0.4, r * k * 0.36, None);
    }
}

fn shore(pen: &mut Pen, w: f32, h: f32, u: f32) {
    pen.tone(&[(0.0, 0.0), (w, 0.0), (w, h * 0.3), (0.0, h * 0.62)], 222);
    for i in 0..4 {
        let k = i as f32 * u * 0.085;
        let points: Vec<P> = (0..9)
            .map(|j| {
                let x = j as f32 / 8.0;
                (w * (x * 1.1 - 0.05), h * (0.62 - 0.32 * x) - k + u * 0.018 * if j % 2 == 0 { 1.0 } else { -1.0 })
            })
            .collect();
        pen.with(if i == 0 { INK } else { 130 }, if i == 0 { 2.0 } else { 1.2 }).curve(&points);
    }
}
