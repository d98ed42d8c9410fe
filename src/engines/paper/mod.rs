//! Paper: pages of text, lines and pictures, printed as PDF. The only place that knows how a PDF is made; it does not
//! know what the pages are about.
//!
//! A [`Page`] is a list of what is on it, one over the other; coordinates are points (1/72 inch) from the upper left
//! corner. The same pages give the same bytes.

mod font;
mod press;

use bytes::Bytes;

pub use self::font::{Weight, fit, printable, width, wrap};
pub use self::press::{Fault, print};

/// A4 on its side: width and height in points.
pub const A4_LANDSCAPE: (f32, f32) = (841.89, 595.28);

/// A point of a page.
pub type Point = (f32, f32);

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub u8, pub u8, pub u8);

/// One step of an outline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Begins a new line.
    Move(Point),
    /// Straight to a point.
    Line(Point),
    /// A cubic Bézier curve: two handles, the end.
    Curve(Point, Point, Point),
    /// Back to where the line began.
    Close,
}

/// A rectangle: left, top, width, height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect(pub f32, pub f32, pub f32, pub f32);

/// What is on a page.
#[derive(Clone, Debug)]
pub enum Item {
    /// An outline, filled, drawn with a width, or both.
    Path {
        /// The outline.
        steps: Vec<Step>,
        /// The colour inside.
        fill: Option<Colour>,
        /// Colour and width of the line.
        line: Option<(Colour, f32)>,
    },
    /// One line of text; its base line begins at a point.
    Text {
        /// The point.
        at: Point,
        /// Size of the font.
        size: f32,
        /// How heavy.
        weight: Weight,
        /// In which colour.
        colour: Colour,
        /// What is written.
        text: String,
    },
    /// A picture in a rectangle.
    Picture {
        /// The whole of it, stretched.
        place: Rect,
        /// A name by which a fault is told.
        name: i64,
        /// `image/png` or `image/jpeg`.
        mime: String,
        /// The file.
        data: Bytes,
    },
    /// Only what lies in this rectangle is seen of what follows, until `Unclip`.
    Clip(Rect),
    /// The end of the clipping.
    Unclip,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Width in points.
    pub width: f32,
    /// Height in points.
    pub height: f32,
    /// What is on it.
    pub items: Vec<Item>,
}

impl Page {
    /// An empty page.
    pub fn new((width, height): (f32, f32)) -> Page {
        Page { width, height, items: Vec::new() }
    }

    /// A filled rectangle.
    pub fn fill(&mut self, Rect(x, y, w, h): Rect, colour: Colour) {
        let steps = vec![
            Step::Move((x, y)),
            Step::Line((x + w, y)),
            Step::Line((x + w, y + h)),
            Step::Line((x, y + h)),
            Step::Close,
        ];
        self.items.push(Item::Path { steps, fill: Some(colour), line: None });
    }

    /// A rectangle's edge.
    pub fn edge(&mut self, Rect(x, y, w, h): Rect, colour: Colour, width: f32) {
        let steps = vec![
            Step::Move((x, y)),
            Step::Line((x + w, y)),
            Step::Line((x + w, y + h)),
            Step::Line((x, y + h)),
            Step::Close,
        ];
        self.items.push(Item::Path { steps, fill: None, line: Some((colour, width)) });
    }

    /// A straight line.
    pub fn rule(&mut self, from: Point, to: Point, colour: Colour, width: f32) {
        self.items.push(Item::Path {
            steps: vec![Step::Move(from), Step::Line(to)],
            fill: None,
            line: Some((colour, width)),
        });
    }

    /// A line of printable text.
    pub fn text(&mut self, at: Point, size: f32, weight: Weight, colour: Colour, text: impl Into<String>) {
        let text = text.into();
        if !text.trim().is_empty() {
            self.items.push(Item::Text { at, size, weight, colour, text });
        }
    }
}

/// Width and height of a picture; `None` for what is none, or has more than 40 million pixels.
pub fn picture_size(mime: &str, data: &Bytes) -> Option<(u32, u32)> {
    press::picture(mime, data).map(|p| p.size())
}
