//! stand-in
use super::story::*;
pub fn svg(shot: &Shot, place: usize, _: Format) -> String {
    format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><text>{}</text></svg>", label(place, shot.picture_version))
}
