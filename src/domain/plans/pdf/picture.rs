//! The picture of a shot on paper: its conti, or what was uploaded.

use super::{Document, FAINT, INK, LINE, WHITE};
use crate::domain::plans::conti::{self, Anchor, Mark};
use crate::domain::plans::story::{Format, Shot, label};
use crate::engines::paper::{self, Colour, Item, Page, Rect, Step, Weight};

/// Height of the strip under a picture in which its label stands.
const FOOT: f32 = 13.0;

/// Height of a picture with its label for a width.
pub fn height(format: Format, width: f32) -> f32 {
    width / ratio(format) + FOOT
}

/// Width by height.
pub fn ratio(format: Format) -> f32 {
    match format {
        Format::Wide => 16.0 / 9.0,
        Format::Tall => 9.0 / 16.0,
        Format::Square => 1.0,
        Format::Cinema => 2.39,
    }
}

/// Draws the picture of the shot at `place`, as wide as told; `named` with its label below.
pub fn draw(page: &mut Page, doc: &Document, left_out: &[i64], place: usize, (x, y): (f32, f32), w: f32, named: bool) {
    let shot = &doc.story.shots[place];
    let area = Rect(x, y, w, w / ratio(doc.inputs.format));
    let own = doc.pictures.get(&shot.key).filter(|_| !left_out.contains(&shot.key));
    page.items.push(Item::Clip(area));
    match own.and_then(|(mime, data)| Some((mime, data, paper::picture_size(mime, data)?))) {
        Some((mime, data, size)) => {
            page.fill(area, Colour(24, 26, 31));
            let item =
                Item::Picture { place: inside(size, area), name: shot.key, mime: mime.clone(), data: data.clone() };
            page.items.push(item);
        }
        None => sketch(page, shot, place, doc.inputs.format, area),
    }
    page.items.push(Item::Unclip);
    if named {
        page.edge(area, INK, 0.9);
        let text = label(place, shot.picture_version);
        page.text((x, y + area.3 + 9.5), 6.6, Weight::Bold, FAINT, text);
    } else {
        page.edge(area, LINE, 0.4);
    }
}

/// The whole picture in the middle of the area.
fn inside((pw, ph): (u32, u32), Rect(x, y, w, h): Rect) -> Rect {
    let k = (w / pw as f32).min(h / ph as f32);
    let (iw, ih) = (pw as f32 * k, ph as f32 * k);
    Rect(x + (w - iw) / 2.0, y + (h - ih) / 2.0, iw, ih)
}

/// The marks of the conti frame that lie in the picture, with the arrows over its edge.
fn sketch(page: &mut Page, shot: &Shot, place: usize, format: Format, Rect(x, y, w, h): Rect) {
    page.fill(Rect(x, y, w, h), WHITE);
    let frame = conti::frame(shot, place, format);
    let ((l, t), (r, b)) = frame.picture;
    let (kx, ky) = (w / (r - l), h / (b - t));
    let to = |p: (f32, f32)| (x + (p.0 - l) * kx, y + (p.1 - t) * ky);
    for mark in &frame.marks {
        match mark {
            Mark::Path { steps, fill, line } => {
                let steps = steps
                    .iter()
                    .map(|step| match *step {
                        conti::Step::Move(p) => Step::Move(to(p)),
                        conti::Step::Line(p) => Step::Line(to(p)),
                        conti::Step::Curve(a, b, p) => Step::Curve(to(a), to(b), to(p)),
                        conti::Step::Close => Step::Close,
                    })
                    .collect();
                let grey = |tone: u8| Colour(tone, tone, tone);
                let line = line.map(|(tone, width)| (grey(tone), width * kx));
                page.items.push(Item::Path { steps, fill: fill.map(grey), line });
            }
            Mark::Text { at, size, anchor, tone, text } if at.1 < b => {
                let (size, at) = (size * kx, to(*at));
                let wide = paper::width(text, size, Weight::Bold);
                let left = match anchor {
                    Anchor::Start => at.0,
                    Anchor::Middle => at.0 - wide / 2.0,
                    Anchor::End => at.0 - wide,
                };
                page.text((left, at.1), size, Weight::Bold, Colour(*tone, *tone, *tone), text.clone());
            }
            Mark::Text { .. } | Mark::Clip(..) | Mark::Unclip => {}
        }
    }
}
