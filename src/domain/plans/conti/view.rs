//! The camera: where the horizon lies, how far things are, and how large people become by the size of a shot.

use super::figure::{Person, SOLES};
use super::pen::P;
use super::words::{Look, Scene};
use crate::domain::plans::story::{Angle, Shot, ShotSize};

/// A camera on a stand. Places are told in metres: to the right of the middle, above the ground, behind the people.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Width of the picture.
    pub w: f32,
    /// Height of the picture.
    pub h: f32,
    /// Where the horizon lies.
    pub horizon: f32,
    /// Where lines that lead away meet.
    pub vanish: f32,
    /// Metres from the camera to the people.
    pub far: f32,
    /// Length of a metre where the people are.
    pub metre: f32,
    /// Where the soles of the people are.
    pub ground: f32,
    /// Height of the camera, in metres.
    pub eye: f32,
    /// Height of a head.
    pub head: f32,
    /// Where the middle of a head is.
    pub head_y: f32,
    /// -1 from below, 1 from above.
    pub tilt: f32,
}

impl View {
    /// The camera of a shot, for a picture of `w` × `h`.
    pub fn new(shot: &Shot, scene: &Scene, w: f32, h: f32, sway: f32) -> View {
        let tilt = match shot.angle {
            Angle::High | Angle::Overhead => 0.9,
            Angle::Low => -0.9,
            _ => 0.0,
        };
        // Height of a head by the picture's height and width, metres to it, and where it stands when its soles are not seen.
        let (by_h, by_w, far, middle) = match shot.size {
            ShotSize::ExtremeWide => (0.0155, 0.03, 26.0, None),
            ShotSize::Wide => (0.062, 0.1, 9.0, None),
            ShotSize::Full => (0.118, 0.2, 6.0, None),
            ShotSize::Medium => (0.25, 0.42, 3.4, Some(0.31)),
            ShotSize::MediumCloseUp => (0.36, 0.56, 2.7, Some(0.38)),
            ShotSize::CloseUp | ShotSize::ExtremeCloseUp => (0.57, 0.86, 2.2, Some(0.46)),
        };
        let crowded = if scene.people.len() > 1 && middle.is_some() { 0.84 } else { 1.0 };
        let head = (by_h * h).min(by_w * w) * crowded;
        let metre = head * (SOLES + 0.5) / 1.72;
        let below = head * Person::height_below(Look::Short, tilt);
        let (ground, head_y) = match middle {
            Some(m) => (m * h + head * (SOLES), m * h),
            None => {
                let soles = if shot.size == ShotSize::Full { 0.93 } else { 0.84 } * h;
                (soles, soles - below)
            }
        };
        let horizon = match (shot.angle, middle) {
            (Angle::High | Angle::Overhead, None) => 0.07 * h,
            (Angle::High | Angle::Overhead, Some(_)) => head_y - 0.34 * h,
            (Angle::Low, None) => ground - 0.05 * h,
            (Angle::Low, Some(_)) => h * 1.02 + (shot.size as i32 as f32 - 3.0) * 0.12 * h,
            (_, None) => (if shot.size == ShotSize::Full { 0.36 } else { 0.5 }) * h,
            (_, Some(_)) => head_y,
        };
        let eye = (ground - horizon) / metre;
        View { w, h, horizon, vanish: w * (0.5 + sway), far, metre, ground, eye, head, head_y, tilt }
    }

    /// Where a place stands in the picture: `x` metres to the right, `y` above the ground, `z` behind the people.
    pub fn at(&self, x: f32, y: f32, z: f32) -> P {
        let scale = self.scale(z);
        (self.vanish + x * scale, self.horizon + (self.eye - y) * scale)
    }

    /// Length of a metre at `z` metres behind the people.
    pub fn scale(&self, z: f32) -> f32 {
        self.metre * self.far / (self.far + z).max(self.far * 0.12)
    }

    /// Where the picture ends, in metres to the left and right, at `z`.
    pub fn sides(&self, z: f32) -> (f32, f32) {
        let s = self.scale(z);
        (-self.vanish / s, (self.w - self.vanish) / s)
    }

    /// The whole picture's corners from `top` to `bottom`.
    pub fn band(&self, top: f32, bottom: f32) -> [P; 4] {
        let (l, r) = (-0.2 * self.w, 1.2 * self.w);
        [(l, top), (r, top), (r, bottom), (l, bottom)]
    }

    /// We are so close that what is behind is out of focus.
    pub fn soft(&self) -> bool {
        self.head > 0.2 * self.h.min(self.w)
    }
}
