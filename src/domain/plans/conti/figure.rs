//! People, as they are roughed: a head with its construction, a mass of hair, a coat; measured in heads.

use super::pen::{INK, P, PAPER, Pen};
use super::words::Look;

/// What the arms do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pose {
    /// They hang.
    Rest,
    /// One hand holds a thing before the chest.
    Hold,
    /// One hand is lifted.
    Lift,
    /// A step is taken.
    Walk,
}

/// One person of a picture.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// The middle of the head.
    pub at: P,
    /// Height of the head.
    pub head: f32,
    /// Where the face is turned to: -1 left, 0 to us, 1 right.
    pub face: f32,
    /// From where we look: -1 from below, 1 from above.
    pub tilt: f32,
    /// How it looks.
    pub look: Look,
    /// What the arms do.
    pub pose: Pose,
    /// We see the back.
    pub back: bool,
}

/// Heads from the middle of the head to the soles.
pub const SOLES: f32 = 6.5;

impl Person {
    /// Where a point of the body, told in heads, stands on the sheet.
    fn q(&self, x: f32, y: f32) -> P {
        let y = if self.look == Look::Child && y > 0.5 { 0.5 + (y - 0.5) * 0.62 } else { y };
        let wide = if self.look == Look::Child && y > 0.5 { 0.8 } else { 1.0 };
        let below = y.max(0.0);
        let s = (1.0 - self.tilt * 0.055 * below) * wide;
        let down = if y > 0.0 { y * (1.0 - self.tilt * 0.032 * y) } else { y };
        (self.at.0 + x * s * self.head, self.at.1 + down * self.head)
    }

    fn all(&self, points: &[(f32, f32)]) -> Vec<P> {
        points.iter().map(|p| self.q(p.0, p.1)).collect()
    }

    /// How far below the middle of the head the soles are.
    pub fn height_below(look: Look, tilt: f32) -> f32 {
        let y = if look == Look::Child { 0.5 + (SOLES - 0.5) * 0.62 } else { SOLES };
        y * (1.0 - tilt * 0.032 * y)
    }

    /// Draws the person.
    pub fn draw(&self, pen: &mut Pen) {
        let (ink, weight) = (pen.ink, pen.weight);
        let line = (0.7 + self.head * 0.014).clamp(0.9, 2.6);
        pen.with(ink, line);
        if self.head < 9.0 {
            self.tiny(pen);
        } else {
            self.body(pen);
            self.skull(pen, line);
        }
        pen.with(ink, weight);
    }

    /// From afar: a few strokes.
    fn tiny(&self, pen: &mut Pen) {
        let shadow = self.all(&[(-0.6, 6.4), (0.3, 6.3), (4.4, 6.9), (4.2, 7.2), (0.0, 6.8)]);
        pen.tone(&shadow, 205);
        let coat = self.all(&[(-0.3, 0.6), (-0.9, 1.2), (-0.8, 4.0), (0.8, 4.0), (0.9, 1.2), (0.3, 0.6)]);
        pen.blob(&coat, 110);
        pen.line(self.q(-0.35, 4.0), self.q(-0.6, 6.5));
        pen.line(self.q(0.35, 4.0), self.q(0.55, 6.5));
        pen.oval(self.at, self.head * 0.42, self.head * 0.5, Some(70));
    }

    /// One of many: no more than it takes.
    pub fn extra(&self, pen: &mut Pen) {
        let line = (0.7 + self.head * 0.012).clamp(0.9, 2.0);
        pen.with(90, line);
        if self.head < 40.0 {
            for k in [-1.0, 1.0] {
                let leg = [(k * 0.08, 3.3), (k * 0.6, 3.3), (k * 0.42, 6.4), (k * 0.14, 6.4)];
                pen.tone(&self.all(&leg), 170);
            }
        }
        let coat =
            [(-0.2, 0.6), (-0.95, 0.95), (-1.08, 2.2), (-0.9, 3.6), (0.9, 3.6), (1.08, 2.2), (0.95, 0.95), (0.2, 0.6)];
        let coat = self.all(&coat);
        pen.blob(&coat, if self.look == Look::Long { 236 } else { 214 });
        pen.oval(self.at, self.head * 0.37, self.head * 0.5, Some(PAPER));
        let low = if self.look == Look::Long { 0.5 } else { -0.02 };
        let hair = [
            (-0.42, low),
            (-0.4, -0.35),
            (0.0, -0.6),
            (0.4, -0.35),
            (0.42, low),
            (0.28 + self.face * 0.1, -0.2),
            (-0.2 + self.face * 0.1, -0.24),
        ];
        pen.blob(&self.all(&hair), 150);
        let f = self.face * 0.12;
        if self.head > 16.0 {
            for k in [-0.15, 0.13] {
                pen.line(self.q(k + f, 0.02), self.q(k + f + 0.05, 0.03));
            }
            pen.line(self.q(f - 0.08, 0.28), self.q(f + 0.08, 0.28));
        }
    }

    fn body(&self, pen: &mut Pen) {
        let f = self.face.signum() * if self.face == 0.0 { 0.0 } else { 1.0 };
        let side = if f < 0.0 { -1.0 } else { 1.0 };
        let long = self.look == Look::Long;
        let w = if long { 0.88 } else { 1.0 };
        let step = if self.pose == Pose::Walk { 0.5 } else { 0.12 };
        if self.head * 6.0 < 700.0 {
            let ground = self.all(&[(-0.7, 6.4), (0.6, 6.3), (2.9, 6.75), (2.2, 7.0), (-0.2, 6.8)]);
            pen.hatch(&ground, 6.0, 3.2);
        }
        // Legs, the far one first.
        let trousers = if long { PAPER } else { 226 };
        for (k, tone) in [(-side, 205u8), (side, trousers)] {
            let foot = k * 0.32 + k * step;
            let knee = k * 0.38 + k * step * 0.3 + side * if k == side { 0.1 } else { 0.0 };
            let width = if long { [0.26, 0.17, 0.12] } else { [0.36, 0.27, 0.2] };
            pen.limb([self.q(k * 0.32, 3.2), self.q(knee, 4.8), self.q(foot, 6.2)], width.map(|v| v * self.head), tone);
            let shoe = [
                (foot - side * 0.2, 6.1),
                (foot + side * 0.18, 6.12),
                (foot + side * 0.5, 6.45),
                (foot - side * 0.2, 6.5),
            ];
            pen.blob(&self.all(&shoe), 120);
        }
        // The far arm, the trunk, the near arm.
        let arm = [0.23 * self.head, 0.19 * self.head, 0.13 * self.head];
        let far = -side;
        pen.limb([self.q(far * 0.78 * w, 1.08), self.q(far * 1.0 * w, 2.2), self.q(far * 0.94 * w, 3.2)], arm, 232);
        pen.oval(self.q(far * 0.94 * w, 3.38), self.head * 0.13, self.head * 0.18, Some(PAPER));
        let hem = if long { 4.5 } else { 3.55 };
        let flare = if long { 0.98 } else { 0.72 };
        let trunk = self.all(&[
            (-0.24, 0.66),
            (-0.62 * w, 0.82),
            (-0.95 * w, 1.1),
            (-0.86 * w, 2.0),
            (-0.7 * w, 2.7),
            (-flare, hem),
            (0.0, hem + 0.1),
            (flare, hem),
            (0.7 * w, 2.7),
            (0.86 * w, 2.0),
            (0.95 * w, 1.1),
            (0.62 * w, 0.82),
            (0.24, 0.66),
        ]);
        pen.blob(&trunk, PAPER);
        // Shadow on the side that is turned away.
        let dark = self.all(&[
            (far * 0.1, 1.5),
            (far * 0.75 * w, 1.1),
            (far * 0.9 * w, 1.3),
            (far * 0.82 * w, 2.0),
            (far * 0.68 * w, 2.7),
            (far * flare * 0.97, hem - 0.05),
            (far * 0.35, hem),
            (far * 0.2, 2.6),
        ]);
        pen.hatch(&dark, 52.0, (self.head * 0.085).max(2.8));
        if !self.back {
            self.clothes(pen, side, hem);
        }
        self.neck(pen, far);
        let near = match self.pose {
            Pose::Rest | Pose::Walk => [(side * 0.8 * w, 1.1), (side * 1.06 * w, 2.2), (side * 1.0 * w, 3.2)],
            Pose::Hold => [(side * 0.8 * w, 1.1), (side * 1.1 * w, 2.3), (side * 0.35, 2.12)],
            Pose::Lift => [(side * 0.8 * w, 1.1), (side * 1.35 * w, 1.75), (side * 1.12, 0.75)],
        };
        pen.limb(near.map(|p| self.q(p.0, p.1)), arm, PAPER);
        let (hx, hy) = match self.pose {
            Pose::Rest | Pose::Walk => (side * 0.98 * w, 3.38),
            Pose::Hold => (side * 0.2, 2.06),
            Pose::Lift => (side * 1.08, 0.55),
        };
        if self.pose == Pose::Hold {
            pen.shape(&self.all(&[(hx - 0.18, 1.55), (hx + 0.2, 1.52), (hx + 0.17, 2.2), (hx - 0.13, 2.22)]), 215);
        }
        let c = self.q(hx, hy);
        pen.oval(c, self.head * 0.16, self.head * 0.18, Some(PAPER));
        if self.head > 50.0 {
            let k = self.head * 0.05;
            for i in 0..3 {
                let y = c.1 - k + i as f32 * k * 1.2;
                pen.line((c.0 - side * k * 2.6, y), (c.0 - side * k * 0.4, y + 1.0));
            }
        }
    }

    fn neck(&self, pen: &mut Pen, far: f32) {
        let neck =
            self.all(&[(-0.17, 0.3), (-0.18, 0.62), (-0.3, 0.76), (0.0, 0.9), (0.3, 0.76), (0.18, 0.62), (0.17, 0.3)]);
        pen.blob(&neck, PAPER);
        let shade = self.all(&[(-0.15, 0.4), (0.15, 0.4), (far * 0.16, 0.72), (far * 0.02, 0.62)]);
        pen.hatch(&shade, 35.0, (self.head * 0.05).max(2.2));
    }

    fn clothes(&self, pen: &mut Pen, side: f32, hem: f32) {
        match self.look {
            Look::Long => {
                pen.curve(&self.all(&[(-0.3, 0.76), (-0.1, 1.12), (0.02, 1.2), (0.14, 1.12), (0.3, 0.76)]));
                pen.curve(&self.all(&[(side * 0.1, 1.6), (side * 0.18, 2.6), (side * 0.3, hem)]));
            }
            Look::Short | Look::Cap => {
                // Lapels and the line of buttons.
                pen.strokes(&self.all(&[(-0.26, 0.74), (-0.36, 1.15), (-0.1, 1.45), (side * 0.06, 1.75)]));
                pen.strokes(&self.all(&[(0.26, 0.74), (0.36, 1.15), (0.1, 1.4), (side * 0.06, 1.75)]));
                pen.line(self.q(side * 0.06, 1.75), self.q(side * 0.08, hem));
                for y in [2.05, 2.5] {
                    pen.oval(self.q(side * 0.16, y), self.head * 0.03, self.head * 0.03, Some(90));
                }
            }
            Look::Child => {
                pen.curve(&self.all(&[(-0.28, 0.78), (0.0, 0.98), (0.28, 0.78)]));
                for y in [1.7, 2.1] {
                    pen.curve(&self.all(&[(-0.8, y), (0.0, y + 0.12), (0.8, y)]));
                }
            }
        }
    }

    fn skull(&self, pen: &mut Pen, line: f32) {
        let f = self.face * 0.09;
        let rear = self.look == Look::Long;
        if rear {
            let mane = self.all(&[
                (-0.42, -0.3),
                (-0.52, 0.25),
                (-0.56, 0.85),
                (-0.3, 1.05),
                (0.0, 0.9),
                (0.3, 1.05),
                (0.56, 0.85),
                (0.52, 0.25),
                (0.42, -0.3),
                (0.0, -0.5),
            ]);
            pen.blob(&mane, 120);
        }
        if rear && !self.back {
            // The neck again, before the hair that falls behind it.
            pen.blob(
                &self.all(&[
                    (-0.16, 0.3),
                    (-0.17, 0.6),
                    (-0.26, 0.78),
                    (0.0, 0.9),
                    (0.26, 0.78),
                    (0.17, 0.6),
                    (0.16, 0.3),
                ]),
                PAPER,
            );
        }
        if !self.back {
            for k in [-1.0, 1.0] {
                let x = k * 0.37 - f * 1.4;
                if k * self.face <= 0.4 {
                    pen.oval(self.q(x, 0.04), self.head * 0.06, self.head * 0.11, Some(PAPER));
                }
            }
        }
        let skull = self.all(&[
            (0.0, -0.5),
            (0.28, -0.42),
            (0.38, -0.12),
            (0.34 + f * 0.3, 0.14),
            (0.22 + f, 0.38),
            (0.02 + f, 0.5),
            (-0.2 + f, 0.39),
            (-0.34 + f * 0.3, 0.14),
            (-0.38, -0.12),
            (-0.28, -0.42),
        ]);
        pen.blob(&skull, PAPER);
        if !self.back {
            self.features(pen, line);
        }
        self.hair(pen, line);
    }

    fn features(&self, pen: &mut Pen, line: f32) {
        let (f, h, t) = (self.face * 0.13, self.head, self.tilt * 0.09);
        let far = if self.face < 0.0 { 1.0 } else { -1.0 };
        let ink = pen.ink;
        // Construction: the middle of the face and the height of the eyes.
        pen.with(190, (line * 0.4).max(0.6));
        pen.curve(&self.all(&[(f * 0.8, -0.46), (f * 1.5, 0.0), (f * 1.0, 0.49)]));
        pen.curve(&self.all(&[(-0.37, t - 0.02), (f * 1.3, t + 0.05), (0.37, t - 0.02)]));
        if h < 22.0 {
            pen.with(ink, line);
            return;
        }
        let cheek = self.all(&[
            (far * 0.36, -0.1),
            (far * 0.33, 0.14),
            (far * 0.2 + f, 0.38),
            (f + far * 0.05, 0.47),
            (far * 0.16 + f, 0.2),
        ]);
        pen.with(ink, line * 0.7).hatch(&cheek, 58.0, (h * 0.04).max(2.6));
        pen.with(ink, line * if h > 90.0 { 0.9 } else { 0.75 });
        for k in [-1.0, 1.0] {
            // The eye that is turned away is narrower.
            let s = if k * far > 0.0 { 1.0 - self.face.abs() * 0.25 } else { 1.0 };
            let x = k * 0.16 + f;
            let wide = 0.085 * s;
            let e = |dx: f32, dy: f32| self.q(x + dx, t + 0.03 + dy);
            if h < 60.0 {
                pen.oval(e(0.0, 0.0), h * 0.022 + 0.4, h * 0.035 + 0.4, Some(ink));
                pen.line(e(-wide, -0.1), e(wide, -0.11));
                continue;
            }
            pen.curve(&[e(-wide, 0.02), e(-wide * 0.2, -0.045), e(wide * 0.6, -0.03), e(wide * 1.15, 0.02)]);
            pen.oval(e(self.face * 0.025, 0.0), h * 0.03 * s, h * 0.038, Some(60));
            let soft = pen.weight;
            pen.with(ink.saturating_add(60), soft * 0.6);
            pen.curve(&[e(-wide * 0.8, 0.045), e(0.0, 0.06), e(wide * 0.9, 0.04)]);
            pen.with(ink, soft * 1.35);
            pen.curve(&[e(-wide * 1.2, -0.105), e(-wide * 0.1, -0.14), e(wide * 1.3, -0.1)]);
            pen.with(ink, soft);
        }
        let n = f * 1.5;
        let lean = if self.face < 0.0 { -1.0 } else { 1.0 };
        if h < 60.0 {
            pen.line(self.q(n, t + 0.1), self.q(n + lean * 0.05, t + 0.2));
            pen.line(self.q(f - 0.09, t + 0.31), self.q(f + 0.1, t + 0.31));
        } else {
            pen.curve(&self.all(&[
                (n * 0.8, t + 0.02),
                (n + lean * 0.03, t + 0.14),
                (n + lean * 0.065, t + 0.2),
                (n - lean * 0.02, t + 0.225),
            ]));
            pen.curve(&self.all(&[
                (f - 0.12, t + 0.31),
                (f - 0.03, t + 0.3),
                (f + 0.02, t + 0.312),
                (f + 0.12, t + 0.3),
            ]));
            let soft = pen.weight;
            pen.with(ink.saturating_add(50), soft * 0.7);
            pen.curve(&self.all(&[(f - 0.05, t + 0.36), (f + 0.01, t + 0.37), (f + 0.06, t + 0.358)]));
        }
        pen.with(ink, line);
    }

    fn hair(&self, pen: &mut Pen, line: f32) {
        let (f, drop) = (self.face * 0.12, self.tilt * 0.06);
        if self.back {
            return self.nape(pen, line);
        }
        let (tone, points): (u8, Vec<(f32, f32)>) = match self.look {
            Look::Long => (
                120,
                vec![
                    (-0.44, 0.25),
                    (-0.45, -0.2),
                    (-0.28, -0.52),
                    (0.02, -0.6),
                    (0.3, -0.52),
                    (0.46, -0.2),
                    (0.44, 0.25),
                    (0.37, 0.0),
                    (0.3, -0.2 + drop),
                    (f * 1.2 + 0.04, -0.36 + drop),
                    (-0.26, -0.22 + drop),
                    (-0.37, 0.02),
                ],
            ),
            Look::Cap => (
                150,
                vec![
                    (-0.4, -0.13),
                    (-0.37, -0.42),
                    (-0.1, -0.62),
                    (0.18, -0.6),
                    (0.38, -0.4),
                    (0.4, -0.13),
                    (0.1 + f, -0.2 + drop),
                    (-0.2 + f, -0.2 + drop),
                ],
            ),
            // Parted at one side, the fringe in tufts.
            _ => (
                130,
                vec![
                    (-0.4, 0.1),
                    (-0.46, -0.2),
                    (-0.36, -0.54),
                    (-0.06, -0.68),
                    (0.26, -0.62),
                    (0.45, -0.32),
                    (0.41, 0.1),
                    (0.35, -0.16),
                    (0.29 + f, -0.13 + drop),
                    (0.2 + f, -0.3 + drop),
                    (0.1 + f, -0.18 + drop),
                    (-0.02 + f, -0.34 + drop),
                    (-0.16 + f, -0.14 + drop),
                    (-0.25 + f, -0.28 + drop),
                    (-0.34, -0.1),
                ],
            ),
        };
        let mass = self.all(&points);
        pen.blob(&mass, tone);
        pen.with(INK, line * 0.9);
        if self.head > 60.0 && self.look != Look::Cap {
            self.strands(pen, line, drop);
        } else {
            let lean = if self.face < 0.0 { 118.0 } else { 62.0 };
            pen.hatch(&mass, lean, (self.head * 0.055).max(2.4));
        }
        pen.with(INK, line);
        if self.look == Look::Cap {
            let s = if self.face < 0.0 { -1.0 } else { 1.0 };
            pen.blob(
                &self.all(&[
                    (s * -0.1, -0.24 + drop),
                    (s * 0.35, -0.22 + drop),
                    (s * 0.66, -0.1 + drop),
                    (s * 0.3, -0.13 + drop),
                ]),
                110,
            );
        }
        if self.head > 40.0 && self.look != Look::Cap {
            // A few hairs that do as they like.
            pen.with(INK, line * 0.6);
            pen.curve(&self.all(&[(-0.1, -0.6), (0.02, -0.68), (0.16, -0.64)]));
            pen.curve(&self.all(&[(0.24 + f, -0.3), (0.3 + f, -0.18), (0.29 + f, -0.08)]));
            pen.with(INK, line);
        }
    }

    /// The back of the head.
    fn nape(&self, pen: &mut Pen, line: f32) {
        let low = if self.look == Look::Long { 0.95 } else { 0.44 };
        let side = if self.look == Look::Long { 0.52 } else { 0.42 };
        let hair = self.all(&[
            (-side, 0.16),
            (-0.45, -0.2),
            (-0.31, -0.54),
            (0.0, -0.64),
            (0.31, -0.54),
            (0.45, -0.2),
            (side, 0.16),
            (0.26, low),
            (0.0, low - 0.05),
            (-0.26, low),
        ]);
        pen.blob(&hair, if self.look == Look::Cap { 150 } else { 130 });
        for i in 0..9 {
            let k = i as f32 / 8.0 * 2.0 - 1.0;
            pen.with(if i == 3 { 215 } else { 45 }, line * if i % 3 == 0 { 0.9 } else { 0.55 });
            let end = low - 0.1 - 0.16 * k * k + pen.between(-0.05, 0.03);
            pen.curve(&self.all(&[(k * 0.06, -0.56), (k * 0.36, -0.18), (k * 0.33, end)]));
        }
        pen.with(INK, line);
    }

    /// Strands from the crown outward, some dark, one where the light lies.
    fn strands(&self, pen: &mut Pen, line: f32, drop: f32) {
        let f = self.face * 0.12;
        let crown = (-0.12 + f * 0.5, -0.58);
        for i in 0..11 {
            let k = i as f32 / 10.0;
            let out = (-0.4 + 0.8 * k, -0.16 - 0.16 * (k * 3.14).sin() + drop);
            let bend = ((crown.0 + out.0) * 0.62, (crown.1 + out.1) * 0.6 - 0.08);
            pen.with(if i == 3 { 215 } else { 45 }, line * if i % 3 == 0 { 0.9 } else { 0.55 });
            let from = (crown.0 + (out.0 - crown.0) * 0.12, crown.1 + 0.02);
            let to = (out.0 + pen.between(-0.02, 0.02), out.1 + pen.between(-0.05, 0.02));
            pen.curve(&self.all(&[from, bend, to]));
        }
        if self.look == Look::Long {
            for s in [-1.0, 1.0] {
                for k in [0.43, 0.49] {
                    pen.with(45, line * 0.6);
                    pen.curve(&self.all(&[(s * 0.42, -0.1), (s * k, 0.3), (s * (k + 0.02), 0.78)]));
                }
            }
        }
        pen.with(INK, line);
    }

    /// Somebody close to the camera, seen from behind: the shoulder that one looks over.
    pub fn shoulder(pen: &mut Pen, w: f32, h: f32, left: bool) {
        let s = if left { 1.0 } else { -1.0 };
        let edge = if left { 0.0 } else { w };
        let u = h.min(w * 0.86);
        let q = |x: f32, y: f32| (edge + s * x * u, h - (1.0 - y) * u.max(h * 0.62));
        let low = 1.05;
        let coat =
            [q(-0.1, low), q(-0.1, 0.62), q(0.16, 0.55), q(0.3, 0.6), q(0.44, 0.69), q(0.53, 0.84), q(0.56, low)];
        pen.with(INK, 2.4).blob(&coat, 84);
        let dark = [q(0.0, low), q(0.0, 0.66), q(0.2, 0.62), q(0.36, 0.7), q(0.46, 0.84), q(0.48, low)];
        pen.with(0, 1.5).hatch(&dark, if left { 55.0 } else { 125.0 }, 6.5);
        let head = [
            q(-0.12, 0.5),
            q(-0.1, 0.18),
            q(0.04, 0.08),
            q(0.17, 0.1),
            q(0.27, 0.22),
            q(0.29, 0.38),
            q(0.24, 0.52),
            q(0.16, 0.64),
            q(-0.05, 0.68),
        ];
        pen.with(INK, 2.4).blob(&head, 66);
        pen.with(0, 1.5).hatch(&head, if left { 70.0 } else { 110.0 }, 6.0);
        // The edge that the light finds: ear and cheek.
        pen.with(INK, 1.8).blob(&[q(0.25, 0.36), q(0.3, 0.37), q(0.3, 0.45), q(0.25, 0.48)], 190);
    }

    /// From straight above: head, shoulders, the tips of the shoes and a long shadow. `r` is half the shoulders' width.
    pub fn above(pen: &mut Pen, c: P, r: f32, turn: f32, look: Look) {
        let (s, k) = turn.sin_cos();
        let q = |x: f32, y: f32| (c.0 + (x * k - y * s) * r, c.1 + (x * s + y * k) * r);
        let shadow = [
            (c.0 - 0.3 * r, c.1 + 0.4 * r),
            (c.0 + 0.5 * r, c.1 - 0.4 * r),
            (c.0 + 3.4 * r, c.1 + 1.5 * r),
            (c.0 + 3.3 * r, c.1 + 2.2 * r),
            (c.0 + 2.6 * r, c.1 + 2.3 * r),
        ];
        pen.with(INK, 1.2).hatch(&shadow, 34.0, (r * 0.16).max(2.6));
        pen.with(INK, (r * 0.05).clamp(0.9, 2.2));
        pen.blob(&[q(-0.4, -0.3), q(-0.22, -0.78), q(-0.05, -0.4)], 120);
        pen.blob(&[q(0.12, -0.3), q(0.28, -0.62), q(0.42, -0.3)], 120);
        pen.blob(
            &[
                q(-1.0, 0.0),
                q(-0.75, -0.32),
                q(0.0, -0.38),
                q(0.75, -0.32),
                q(1.0, 0.0),
                q(0.8, 0.3),
                q(0.0, 0.42),
                q(-0.8, 0.3),
            ],
            236,
        );
        pen.blob(&[q(0.86, -0.2), q(1.0, -0.7), q(0.82, -1.0), q(0.7, -0.62)], PAPER);
        let hair =
            [q(-0.38, 0.0), q(-0.2, -0.38), q(0.2, -0.4), q(0.4, 0.0), q(0.3, 0.38), q(0.0, 0.46), q(-0.3, 0.36)];
        pen.blob(&hair, if look == Look::Cap { 160 } else { 110 });
        pen.curve(&[q(-0.02, -0.1), q(0.16, -0.12), q(0.22, 0.06), q(0.08, 0.2), q(-0.14, 0.16), q(-0.24, -0.02)]);
    }
}
