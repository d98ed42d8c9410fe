//! The pencil: lines that are not quite straight, closed shapes that cover what is behind them, hatching.

/// A point of the sheet: x to the right, y down.
pub type P = (f32, f32);

/// One step of an outline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Begins a new line.
    Move(P),
    /// Straight to a point.
    Line(P),
    /// A cubic Bézier curve: two handles, the end.
    Curve(P, P, P),
    /// Back to where the line began.
    Close,
}

/// How a text stands at its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// What is drawn, one over the other. Tones go from 0 (ink) to 255 (paper).
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// An outline: filled with a tone, drawn with a tone and a width, or both.
    Path {
        /// The outline.
        steps: Vec<Step>,
        /// The tone inside.
        fill: Option<u8>,
        /// Tone and width of the line.
        line: Option<(u8, f32)>,
    },
    /// A line of text, its base line at a point.
    Text {
        /// The point.
        at: P,
        /// Height of the letters' square.
        size: f32,
        /// How it stands at the point.
        anchor: Anchor,
        /// Its tone.
        tone: u8,
        /// What is written.
        text: String,
    },
    /// Only what lies in this rectangle (left top, right bottom) is seen of what follows, until `Unclip`.
    Clip(P, P),
    /// The end of the clipping.
    Unclip,
}

/// The tone of paper that was not drawn upon.
pub const PAPER: u8 = 253;
/// The tone of a strong line.
pub const INK: u8 = 34;

/// A pencil, and all that was drawn with it.
pub struct Pen {
    /// What was drawn.
    pub marks: Vec<Mark>,
    /// Tone of its lines.
    pub ink: u8,
    /// Width of its lines.
    pub weight: f32,
    /// How much the hand shakes; 1 is a calm one.
    pub shake: f32,
    turn: (f32, P),
    bounds: (P, P),
    state: u64,
}

fn mix(a: P, b: P, t: f32) -> P {
    (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
}

fn length(a: P, b: P) -> f32 {
    (b.0 - a.0).hypot(b.1 - a.1)
}

fn rotate(p: P, angle: f32, around: P) -> P {
    let (s, c) = angle.sin_cos();
    let (x, y) = (p.0 - around.0, p.1 - around.1);
    (around.0 + x * c - y * s, around.1 + x * s + y * c)
}

impl Pen {
    /// A pencil for a picture of `w` × `h`, whose hand shakes as `seed` says.
    pub fn new(seed: u64, w: f32, h: f32) -> Pen {
        let bounds = ((-0.12 * w, -0.12 * h), (1.12 * w, 1.12 * h));
        Pen { marks: Vec::new(), ink: INK, weight: 1.6, shake: 1.0, turn: (0.0, (0.0, 0.0)), bounds, state: seed }
    }

    /// The next number from 0 up to 1 (SplitMix64).
    pub fn chance(&mut self) -> f32 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32
    }

    /// A number from `a` up to `b`.
    pub fn between(&mut self, a: f32, b: f32) -> f32 {
        a + (b - a) * self.chance()
    }

    /// From here on everything is turned by `angle` (radians) around a point.
    pub fn turned(&mut self, angle: f32, around: P) {
        self.turn = (angle, around);
    }

    /// Sets tone and width of the lines that follow.
    pub fn with(&mut self, ink: u8, weight: f32) -> &mut Pen {
        (self.ink, self.weight) = (ink, weight);
        self
    }

    fn near(&mut self, p: P, by: f32) -> P {
        let by = by * self.shake;
        (p.0 + self.between(-by, by), p.1 + self.between(-by, by))
    }

    fn put(&mut self, mut steps: Vec<Step>, fill: Option<u8>, line: Option<(u8, f32)>) {
        let ends = steps.iter().filter_map(|step| match *step {
            Step::Move(p) | Step::Line(p) | Step::Curve(_, _, p) => Some(p),
            Step::Close => None,
        });
        let far = (f32::MAX, f32::MAX, f32::MIN, f32::MIN);
        let (l, t, r, b) = ends.fold(far, |(l, t, r, b), p| (l.min(p.0), t.min(p.1), r.max(p.0), b.max(p.1)));
        // What is not seen, or smaller than a dot, is not drawn.
        if self.outside((l, t), (r, b)) || (r - l < 1.5 && b - t < 1.5) {
            return;
        }
        let (angle, around) = self.turn;
        if angle != 0.0 {
            for step in &mut steps {
                *step = match *step {
                    Step::Move(p) => Step::Move(rotate(p, angle, around)),
                    Step::Line(p) => Step::Line(rotate(p, angle, around)),
                    Step::Curve(a, b, p) => {
                        Step::Curve(rotate(a, angle, around), rotate(b, angle, around), rotate(p, angle, around))
                    }
                    Step::Close => Step::Close,
                };
            }
        }
        // Lines of one kind that follow each other are one path: half the size.
        if let Some(Mark::Path { steps: last, fill: None, line: before }) = self.marks.last_mut()
            && fill.is_none()
            && *before == line
        {
            last.extend(steps);
            return;
        }
        self.marks.push(Mark::Path { steps, fill, line });
    }

    fn straight(&mut self, a: P, b: P) -> Step {
        let long = length(a, b);
        if long < 10.0 {
            return Step::Line(self.near(b, 0.3));
        }
        let by = (long * 0.014).clamp(0.25, 2.4);
        let (c, d) = (mix(a, b, 0.33), mix(a, b, 0.68));
        Step::Curve(self.near(c, by), self.near(d, by), self.near(b, by * 0.4))
    }

    fn outside(&self, a: P, b: P) -> bool {
        let ((l, t), (r, d)) = self.bounds;
        (a.0 < l && b.0 < l) || (a.0 > r && b.0 > r) || (a.1 < t && b.1 < t) || (a.1 > d && b.1 > d)
    }

    /// A line from `a` to `b`.
    pub fn line(&mut self, a: P, b: P) {
        if self.outside(a, b) {
            return;
        }
        let steps = vec![Step::Move(a), self.straight(a, b)];
        self.put(steps, None, Some((self.ink, self.weight)));
    }

    /// A line as one looks for it: drawn over its ends, and a second time, lighter.
    pub fn rough(&mut self, a: P, b: P) {
        let over = (5.0 / length(a, b).max(1.0)).min(0.12);
        let (from, to) = (mix(a, b, -over * self.chance()), mix(a, b, 1.0 + over * self.chance()));
        self.line(from, to);
        let (ink, weight) = (self.ink, self.weight);
        let (from, to) = (self.near(a, 1.4), self.near(b, 1.4));
        self.with(ink.saturating_add(90).min(190), weight * 0.6).line(from, to);
        self.with(ink, weight);
    }

    /// Straight lines through all points.
    pub fn strokes(&mut self, points: &[P]) {
        for pair in points.windows(2) {
            self.line(pair[0], pair[1]);
        }
    }

    fn smooth(&mut self, points: &[P], closed: bool) -> Vec<Step> {
        let n = points.len();
        let at = |i: isize| {
            let i = if closed { i.rem_euclid(n as isize) } else { i.clamp(0, n as isize - 1) };
            points[i as usize]
        };
        let mut steps = vec![Step::Move(points[0])];
        let spans = if closed { n } else { n - 1 };
        for i in 0..spans as isize {
            // Catmull–Rom through the points, as a Bézier curve.
            let (p0, p1, p2, p3) = (at(i - 1), at(i), at(i + 1), at(i + 2));
            if length(p1, p2) < 3.0 {
                steps.push(Step::Line(p2));
                continue;
            }
            let by = (length(p1, p2) * 0.025).clamp(0.1, 1.6);
            let c = (p1.0 + (p2.0 - p0.0) / 6.0, p1.1 + (p2.1 - p0.1) / 6.0);
            let d = (p2.0 - (p3.0 - p1.0) / 6.0, p2.1 - (p3.1 - p1.1) / 6.0);
            steps.push(Step::Curve(self.near(c, by), self.near(d, by), p2));
        }
        if closed {
            steps.push(Step::Close);
        }
        steps
    }

    /// A curve through all points.
    pub fn curve(&mut self, points: &[P]) {
        if points.len() > 1 {
            let steps = self.smooth(points, false);
            self.put(steps, None, Some((self.ink, self.weight)));
        }
    }

    /// A closed curve through all points, filled with a tone.
    pub fn blob(&mut self, points: &[P], fill: u8) {
        let steps = self.smooth(points, true);
        self.put(steps, Some(fill), Some((self.ink, self.weight)));
        self.again(points, true);
    }

    /// The line by which a large outline was looked for: lighter, a little beside it, not all the way round.
    fn again(&mut self, points: &[P], curved: bool) {
        let spans = points.iter().zip(points.iter().cycle().skip(1));
        let round: f32 = spans.map(|(a, b)| length(*a, *b)).sum();
        if round < 170.0 || self.ink > 110 {
            return;
        }
        let (ink, weight) = (self.ink, self.weight);
        self.with(ink.saturating_add(70), weight * 0.55);
        let loose: Vec<P> = points.iter().map(|p| self.near(*p, 2.0)).collect();
        if curved {
            let from = (self.chance() * loose.len() as f32) as usize;
            let part: Vec<P> = loose.iter().cycle().skip(from).take(loose.len() * 3 / 4 + 1).copied().collect();
            self.curve(&part);
        } else {
            for i in 0..loose.len() {
                let (a, b) = (loose[i], loose[(i + 1) % loose.len()]);
                if self.chance() < 0.65 {
                    let over = (6.0 / length(a, b).max(1.0)).min(0.1);
                    self.line(mix(a, b, -over), mix(a, b, 1.0 + over));
                }
            }
        }
        self.with(ink, weight);
    }

    /// A closed curve of a tone, without a line.
    pub fn smear(&mut self, points: &[P], fill: u8) {
        let steps = self.smooth(points, true);
        self.put(steps, Some(fill), None);
    }

    /// A closed shape with straight sides, filled with a tone.
    pub fn shape(&mut self, points: &[P], fill: u8) {
        let mut steps = vec![Step::Move(points[0])];
        for i in 0..points.len() {
            let step = self.straight(points[i], points[(i + 1) % points.len()]);
            steps.push(step);
        }
        steps.push(Step::Close);
        self.put(steps, Some(fill), Some((self.ink, self.weight)));
        self.again(points, false);
    }

    /// The same without a line: a grey marker's stroke.
    pub fn tone(&mut self, points: &[P], fill: u8) {
        let mut steps = vec![Step::Move(points[0])];
        steps.extend(points[1..].iter().map(|p| Step::Line(*p)));
        steps.push(Step::Close);
        self.put(steps, Some(fill), None);
    }

    /// An upright rectangle from its corners, filled with a tone.
    pub fn card(&mut self, a: P, b: P, fill: u8) {
        self.shape(&[a, (b.0, a.1), b, (a.0, b.1)], fill);
    }

    /// An ellipse, filled with a tone if one is given.
    pub fn oval(&mut self, c: P, rx: f32, ry: f32, fill: Option<u8>) {
        let points: Vec<P> = (0..8)
            .map(|i| {
                let (s, k) = (i as f32 * std::f32::consts::FRAC_PI_4).sin_cos();
                let p = (c.0 + rx * k, c.1 + ry * s);
                self.near(p, (rx.min(ry) * 0.03).min(1.2))
            })
            .collect();
        let steps = self.smooth(&points, true);
        self.put(steps, fill, Some((self.ink, self.weight)));
    }

    /// Parallel strokes inside of a shape, `gap` apart, at `angle` degrees.
    pub fn hatch(&mut self, points: &[P], angle: f32, gap: f32) {
        let angle = angle.to_radians();
        let ((l, t), (r, d)) = self.bounds;
        let inside: Vec<P> = points.iter().map(|p| (p.0.clamp(l, r), p.1.clamp(t, d))).collect();
        let flat: Vec<P> = inside.iter().map(|p| rotate(*p, -angle, (0.0, 0.0))).collect();
        let (low, high) = flat.iter().fold((f32::MAX, f32::MIN), |(a, b), p| (a.min(p.1), b.max(p.1)));
        if high - low < 6.0 {
            return;
        }
        let gap = gap.max((high - low) / 60.0).max(1.8);
        let mut steps = Vec::new();
        let mut y = low + gap * 0.6;
        while y < high {
            let mut crossed: Vec<f32> = (0..flat.len())
                .filter_map(|i| {
                    let (a, b) = (flat[i], flat[(i + 1) % flat.len()]);
                    ((a.1 <= y) != (b.1 <= y)).then(|| a.0 + (b.0 - a.0) * (y - a.1) / (b.1 - a.1))
                })
                .collect();
            crossed.sort_by(f32::total_cmp);
            for pair in crossed.chunks_exact(2).filter(|p| p[1] - p[0] > 2.0) {
                let (sway, from, to) = (gap * 0.22, self.between(0.0, 2.5), self.between(-1.0, 2.0));
                let a = (pair[0] + from.min(pair[1] - pair[0]), y + self.between(-sway, sway));
                let b = (pair[1] - to, y + self.between(-sway, sway));
                steps.push(Step::Move(rotate(a, angle, (0.0, 0.0))));
                steps.push(Step::Line(rotate(b, angle, (0.0, 0.0))));
            }
            y += gap * self.between(0.85, 1.15);
        }
        if !steps.is_empty() {
            self.put(steps, None, Some((self.ink.saturating_add(55).min(200), (self.weight * 0.55).max(0.6))));
        }
    }

    /// A limb: a tube through three joints, `w` its half width at each.
    pub fn limb(&mut self, joints: [P; 3], w: [f32; 3], fill: u8) {
        let [a, b, c] = joints;
        let side = |from: P, to: P, w: f32| {
            let l = length(from, to).max(0.01);
            (-(to.1 - from.1) / l * w, (to.0 - from.0) / l * w)
        };
        let (na, nb, nc) = (side(a, b, w[0]), side(a, c, w[1]), side(b, c, w[2]));
        let plus = |p: P, n: P| (p.0 + n.0, p.1 + n.1);
        let minus = |p: P, n: P| (p.0 - n.0, p.1 - n.1);
        self.blob(&[plus(a, na), plus(b, nb), plus(c, nc), minus(c, nc), minus(b, nb), minus(a, na)], fill);
    }

    /// A text at a point.
    pub fn text(&mut self, at: P, size: f32, anchor: Anchor, tone: u8, text: impl Into<String>) {
        self.marks.push(Mark::Text { at, size, anchor, tone, text: text.into() });
    }
}
