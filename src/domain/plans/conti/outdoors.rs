//! Where a shot plays: under the sky.

use super::pen::{INK, P, PAPER, Pen};
use super::view::View;

/// A house that is seen from afar, or a school: a long one.
pub fn house(pen: &mut Pen, view: &View, long: bool) {
    ground(pen, view, 242);
    ridge(pen, view, 0.12, 225);
    let (l, r, top, z) = if long { (-11.0, 10.0, 8.5, 6.0) } else { (-6.5, 5.5, 5.4, 4.0) };
    let q = |x: f32, y: f32| view.at(x, y, z);
    let flank = [q(r, 0.0), q(r, top), view.at(r + 2.0, top, z + 8.0), view.at(r + 2.0, 0.0, z + 8.0)];
    pen.shape(&flank, 214);
    pen.hatch(&flank, 78.0, 4.0);
    pen.shape(&[q(l, 0.0), q(l, top), q(r, top), q(r, 0.0)], PAPER);
    if long {
        pen.rough(q(l - 0.3, top + 0.2), q(r + 0.3, top + 0.2));
        pen.line(q(-0.5, top), q(-0.5, top + 3.2));
        pen.shape(&[q(-0.5, top + 3.2), q(1.4, top + 2.8), q(-0.5, top + 2.2)], 200);
    } else {
        pen.shape(&[q(l - 0.7, top), q((l + r) / 2.0, top + 3.0), q(r + 0.7, top)], 206);
        pen.hatch(&[q(l - 0.7, top), q((l + r) / 2.0, top + 3.0), q(r + 0.7, top)], 28.0, 5.0);
    }
    let rows = if long { 3 } else { 2 };
    let cols = if long { 7 } else { 4 };
    for row in 0..rows {
        for col in 0..cols {
            let x = l + (r - l) * (col as f32 + 0.3) / cols as f32;
            let y = 1.0 + row as f32 * (top - 1.0) / rows as f32;
            let door = row == 0 && col == cols / 2;
            let dark = (row + col) % 3 == 0;
            let (low, high) = if door { (0.0, 2.3) } else { (y, y + 1.4) };
            pen.card(
                q(x, high),
                q(x + 1.1, low),
                if door {
                    130
                } else if dark {
                    165
                } else {
                    236
                },
            );
        }
    }
    tree(pen, view, r + 5.0, 3.0, 6.0);
    tree(pen, view, l - 3.5, -1.0, 5.0);
}

/// Everything below the horizon.
fn ground(pen: &mut Pen, view: &View, tone: u8) {
    let y = view.horizon.clamp(-5.0, view.h + 5.0);
    pen.tone(&view.band(y, view.h * 1.3), tone);
    if view.horizon > 0.0 && view.horizon < view.h {
        pen.rough((-10.0, y), (view.w + 10.0, y));
    }
}

/// Hills along the horizon, `high` of the picture's height.
fn ridge(pen: &mut Pen, view: &View, high: f32, tone: u8) {
    let base = view.horizon;
    let mut points: Vec<P> = vec![(-30.0, base + 6.0)];
    let n = 7;
    for i in 0..=n {
        let k = if i % 2 == 0 { 0.35 } else { 1.0 };
        let y = base - view.h * high * k * pen.between(0.6, 1.15);
        points.push((view.w * i as f32 / n as f32, y));
    }
    points.push((view.w + 30.0, base + 6.0));
    pen.blob(&points, tone);
}

/// A tree on the ground.
fn tree(pen: &mut Pen, view: &View, x: f32, z: f32, high: f32) {
    let m = view.scale(z);
    let foot = view.at(x, 0.0, z);
    let top = foot.1 - high * m;
    if foot.0 < -high * m * 0.5 || foot.0 > view.w + high * m * 0.5 {
        return;
    }
    let r = high * m * 0.34;
    pen.hatch(
        &[
            (foot.0 - r * 0.4, foot.1),
            (foot.0 + r * 0.3, foot.1 - 2.0),
            (foot.0 + r * 2.0, foot.1 + r * 0.16),
            (foot.0 + r * 1.2, foot.1 + r * 0.3),
        ],
        8.0,
        3.0,
    );
    let t = high * m * 0.035;
    pen.shape(
        &[(foot.0 - t, foot.1), (foot.0 - t * 0.6, top + r), (foot.0 + t * 0.6, top + r), (foot.0 + t, foot.1)],
        150,
    );
    let crown: Vec<P> = (0..9)
        .map(|i| {
            let (s, c) = (i as f32 * 0.698).sin_cos();
            let k = pen.between(0.82, 1.16);
            (foot.0 + r * c * k, top + r * 1.15 + r * 1.2 * s * k)
        })
        .collect();
    pen.blob(&crown, 232);
    let shade: Vec<P> = vec![
        (foot.0 + r * 0.1, top + r * 0.5),
        (foot.0 + r * 0.8, top + r * 0.6),
        (foot.0 + r * 0.85, top + r * 1.5),
        (foot.0 + r * 0.2, top + r * 2.1),
        (foot.0 - r * 0.5, top + r * 1.9),
    ];
    pen.hatch(&shade, 55.0, (r * 0.13).max(2.6));
}

fn clouds(pen: &mut Pen, view: &View) {
    let sky = view.horizon.min(view.h);
    if sky < view.h * 0.22 {
        return;
    }
    let (ink, weight) = (pen.ink, pen.weight);
    pen.with(170, 1.1);
    for (x, y, s) in [(0.2, 0.2, 1.0), (0.72, 0.34, 0.75)] {
        let (cx, cy, u) = (view.w * (x + pen.between(-0.05, 0.05)), sky * y, view.w.min(view.h) * 0.1 * s);
        pen.curve(&[
            (cx - 1.3 * u, cy + 0.3 * u),
            (cx - 0.9 * u, cy - 0.1 * u),
            (cx - 0.5 * u, cy - 0.05 * u),
            (cx - 0.1 * u, cy - 0.5 * u),
            (cx + 0.5 * u, cy - 0.2 * u),
            (cx + 0.9 * u, cy - 0.15 * u),
            (cx + 1.3 * u, cy + 0.3 * u),
        ]);
        pen.line((cx - 1.1 * u, cy + 0.34 * u), (cx + 0.9 * u, cy + 0.36 * u));
    }
    pen.with(ink, weight);
}

/// Houses left and right of a road that leads away.
pub fn street(pen: &mut Pen, view: &View) {
    clouds(pen, view);
    ground(pen, view, 236);
    let near = -view.far * 0.8;
    let road = [view.at(-3.0, 0.0, near), view.at(-3.0, 0.0, 60.0), view.at(3.0, 0.0, 60.0), view.at(3.0, 0.0, near)];
    pen.tone(&road, 222);
    let heights = [7.0, 9.5, 6.0, 11.0, 8.0, 7.0];
    for side in [-1.0, 1.0] {
        for i in (0..6).rev() {
            let z0 = near.max(-3.0) + i as f32 * 6.0;
            let z1 = z0 + 5.6;
            let top = heights[(i + if side > 0.0 { 2 } else { 0 }) % 6] + pen.between(-0.8, 0.8);
            let x = side * 5.0;
            // The front that faces the camera, then the one along the road.
            pen.shape(
                &[
                    view.at(x, 0.0, z0),
                    view.at(x, top, z0),
                    view.at(x + side * 9.0, top, z0),
                    view.at(x + side * 9.0, 0.0, z0),
                ],
                PAPER,
            );
            let along = [view.at(x, 0.0, z0), view.at(x, top, z0), view.at(x, top, z1), view.at(x, 0.0, z1)];
            pen.shape(&along, if side > 0.0 { 214 } else { 240 });
            if side > 0.0 {
                pen.hatch(&along, 80.0, 4.5);
            }
            if i > 3 {
                continue;
            }
            for row in 0..2 {
                for col in 0..2 {
                    let (a, b) = (z0 + 0.7 + col as f32 * 2.4, z0 + 2.2 + col as f32 * 2.4);
                    let (low, high) = (3.2 + row as f32 * 2.3, 4.7 + row as f32 * 2.3);
                    if high < top - 0.4 {
                        pen.shape(
                            &[view.at(x, low, a), view.at(x, high, a), view.at(x, high, b), view.at(x, low, b)],
                            if side > 0.0 { 190 } else { 215 },
                        );
                    }
                }
            }
            // An awning over the shop.
            let out = side * 3.9;
            pen.shape(
                &[
                    view.at(x, 2.7, z0 + 0.4),
                    view.at(x, 2.7, z1 - 0.4),
                    view.at(out, 2.2, z1 - 0.4),
                    view.at(out, 2.2, z0 + 0.4),
                ],
                200,
            );
        }
    }
    // Kerbs, the middle of the road, a crossing.
    for x in [-3.2, 3.2] {
        pen.line(view.at(x, 0.0, near), view.at(x, 0.0, 50.0));
    }
    let (ink, weight) = (pen.ink, pen.weight);
    for i in 0..6 {
        let z = 4.0 + i as f32 * 4.0;
        pen.tone(
            &[view.at(-0.1, 0.0, z), view.at(-0.1, 0.0, z + 2.0), view.at(0.1, 0.0, z + 2.0), view.at(0.1, 0.0, z)],
            PAPER,
        );
    }
    for i in 0..6 {
        let x = -2.7 + i as f32 * 0.95;
        pen.with(190, 0.9);
        pen.shape(
            &[view.at(x, 0.0, 0.8), view.at(x, 0.0, 2.6), view.at(x + 0.5, 0.0, 2.6), view.at(x + 0.5, 0.0, 0.8)],
            PAPER,
        );
    }
    pen.with(ink, weight);
    for (x, z) in [(-3.5, 3.0), (3.5, 9.0)] {
        let s = if x > 0.0 { -1.0 } else { 1.0 };
        pen.rough(view.at(x, 0.0, z), view.at(x, 5.2, z));
        pen.curve(&[view.at(x, 5.2, z), view.at(x + s * 0.5, 5.7, z), view.at(x + s * 1.2, 5.6, z)]);
    }
}

/// A car that passes, on a road.
pub fn car(pen: &mut Pen, view: &View) {
    clouds(pen, view);
    ridge(pen, view, 0.1, 228);
    ground(pen, view, 242);
    let near = -view.far * 0.6;
    pen.tone(&view.band(view.at(0.0, 0.0, 7.0).1, view.at(0.0, 0.0, near).1), 226);
    for z in [7.0, near.max(-2.0)] {
        let y = view.at(0.0, 0.0, z).1;
        pen.rough((-10.0, y), (view.w + 10.0, y));
    }
    for i in -4..=4 {
        let x = i as f32 * 3.0;
        pen.tone(
            &[
                view.at(x, 0.0, 3.4),
                view.at(x + 0.25, 0.0, 3.6),
                view.at(x + 1.6, 0.0, 3.6),
                view.at(x + 1.4, 0.0, 3.4),
            ],
            PAPER,
        );
    }
    tree(pen, view, -6.0, 9.0, 5.0);
    tree(pen, view, 7.0, 10.0, 6.0);
    side_car(pen, view, 0.9, 1.3);
}

fn side_car(pen: &mut Pen, view: &View, x: f32, z: f32) {
    let q = |dx: f32, y: f32| view.at(x + dx, y, z);
    let m = view.scale(z);
    pen.hatch(&[q(-2.3, 0.1), q(2.4, 0.1), q(3.1, -0.12), q(-1.9, -0.14)], 4.0, 3.0);
    let body = [
        q(-2.2, 0.35),
        q(-2.25, 0.85),
        q(-1.35, 0.98),
        q(-0.75, 1.48),
        q(0.8, 1.52),
        q(1.5, 1.02),
        q(2.2, 0.9),
        q(2.3, 0.4),
    ];
    pen.shape(&body, PAPER);
    pen.shape(&[q(-1.15, 0.98), q(-0.66, 1.4), q(0.02, 1.42), q(0.02, 0.98)], 196);
    pen.shape(&[q(0.12, 0.98), q(0.12, 1.42), q(0.74, 1.44), q(1.26, 1.0)], 196);
    pen.hatch(&[q(-2.2, 0.35), q(-2.22, 0.6), q(2.28, 0.62), q(2.3, 0.4)], 60.0, 4.0);
    pen.line(q(-2.2, 0.82), q(2.2, 0.86));
    pen.line(q(0.07, 0.4), q(0.07, 0.98));
    pen.card(q(0.25, 0.82), q(0.5, 0.76), 120);
    for dx in [-1.4, 1.4] {
        let c = q(dx, 0.33);
        pen.oval(c, 0.36 * m, 0.36 * m, Some(80));
        pen.oval(c, 0.19 * m, 0.19 * m, Some(220));
    }
}

/// Hills, trees, a path.
pub fn nature(pen: &mut Pen, view: &View) {
    clouds(pen, view);
    ridge(pen, view, 0.3, 240);
    let (ink, weight) = (pen.ink, pen.weight);
    let base = view.horizon;
    if base > view.h * 0.2 {
        // Shadow on the slopes.
        for k in [0.2, 0.5, 0.78] {
            let x = view.w * (k + pen.between(-0.04, 0.04));
            let u = view.h * 0.12;
            pen.hatch(
                &[
                    (x, base - 1.5 * u),
                    (x + 0.7 * u, base - 0.6 * u),
                    (x + 0.9 * u, base - 2.0),
                    (x + 0.1 * u, base - 2.0),
                ],
                66.0,
                5.0,
            );
        }
    }
    ridge(pen, view, 0.12, 222);
    ground(pen, view, 244);
    let near = -view.far * 0.8;
    let path = [
        view.at(-1.2, 0.0, near),
        view.at(-0.4, 0.0, 2.0),
        view.at(1.8, 0.0, 12.0),
        view.at(1.2, 0.0, 40.0),
        view.at(2.2, 0.0, 40.0),
        view.at(3.2, 0.0, 12.0),
        view.at(1.6, 0.0, 2.0),
        view.at(1.4, 0.0, near),
    ];
    pen.with(ink.saturating_add(60).min(200), weight * 0.8).blob(&path, PAPER);
    pen.with(ink, weight);
    for (x, z, high) in
        [(-14.0, 26.0, 7.0), (11.0, 30.0, 8.0), (6.0, 16.0, 6.0), (-5.5, 9.0, 6.5), (-3.2, 3.0, 4.8), (4.8, 2.2, 5.5)]
    {
        tree(pen, view, x, z, high);
    }
    // Grass.
    let low = view.horizon.max(0.0) + 12.0;
    if low < view.h {
        pen.with(ink.saturating_add(50).min(200), weight * 0.7);
        for _ in 0..22 {
            let (x, y) = (pen.between(0.0, view.w), pen.between(low, view.h));
            let s = 3.0 + 9.0 * (y - low) / (view.h - low).max(1.0);
            pen.line((x, y), (x - s * 0.4, y - s));
            pen.line((x + 2.0, y), (x + 2.0 + s * 0.3, y - s * 0.9));
        }
        pen.with(ink, weight);
    }
}

/// The sea, its waves, a beach.
pub fn sea(pen: &mut Pen, view: &View) {
    clouds(pen, view);
    let base = view.horizon.clamp(-5.0, view.h + 5.0);
    let shore = view.at(0.0, 0.0, view.far * 0.35).1.max(base + view.h * 0.12);
    pen.tone(&view.band(base, shore + 8.0), 224);
    pen.rough((-10.0, base), (view.w + 10.0, base));
    let (ink, weight) = (pen.ink, pen.weight);
    if view.horizon > view.h * 0.15 {
        // The sun and its way over the water, an island, a boat.
        let u = view.h.min(view.w) * 0.07;
        let sun = view.w * 0.74;
        pen.with(150, 1.2).oval((sun, base - u * 1.7), u, u, Some(PAPER));
        pen.with(ink, weight);
        pen.blob(
            &[
                (view.w * 0.06, base + 1.0),
                (view.w * 0.13, base - u * 0.9),
                (view.w * 0.2, base - u * 0.5),
                (view.w * 0.28, base + 1.0),
            ],
            190,
        );
        let b = (view.w * 0.44, base + u * 0.25);
        pen.shape(
            &[
                (b.0 - u * 0.5, b.1),
                (b.0 + u * 0.5, b.1),
                (b.0 + u * 0.3, b.1 + u * 0.22),
                (b.0 - u * 0.3, b.1 + u * 0.22),
            ],
            120,
        );
        pen.shape(&[(b.0, b.1 - 2.0), (b.0, b.1 - u), (b.0 + u * 0.4, b.1 - u * 0.2)], PAPER);
        pen.with(120, 1.2);
        for (x, y) in [(0.55, 2.6), (0.6, 3.1), (0.5, 3.3)] {
            let (x, y) = (view.w * x, base - u * y);
            pen.curve(&[
                (x - u * 0.3, y - 2.0),
                (x - u * 0.12, y - 5.0),
                (x, y),
                (x + u * 0.14, y - 5.0),
                (x + u * 0.32, y - 1.0),
            ]);
        }
    }
    pen.with(ink.saturating_add(30).min(190), weight * 0.9);
    let deep = (shore - base).max(4.0);
    for i in 0..9 {
        let k = (i as f32 + 0.6) / 9.0;
        let y = base + deep * k * k;
        let long = view.w * (0.05 + 0.12 * k);
        for _ in 0..3 {
            let x = pen.between(-20.0, view.w);
            pen.curve(&[(x, y), (x + long * 0.3, y - 2.5 * k - 0.5), (x + long * 0.6, y + 1.0), (x + long, y - 1.0)]);
        }
    }
    pen.with(ink, weight);
    let mut foam: Vec<P> =
        (0..=8).map(|i| (view.w * (i as f32 / 8.0 * 1.2 - 0.1), shore + if i % 2 == 0 { 5.0 } else { -4.0 })).collect();
    foam.push((view.w * 1.2, view.h * 1.2));
    foam.push((-view.w * 0.2, view.h * 1.2));
    pen.with(INK + 50, 1.2).blob(&foam, 246);
    pen.with(ink, weight);
    for _ in 0..14 {
        let (x, y) = (pen.between(0.0, view.w), pen.between(shore + 14.0, (shore + 15.0).max(view.h)));
        pen.line((x, y), (x + 2.5, y));
    }
}
