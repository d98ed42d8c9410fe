//! Texts that fill a box: as large as they may be, smaller when they must, and what still does not fit is told.

use crate::engines::paper::{Colour, Page, Rect, Weight, width, wrap};

/// Height of a line by the size of its letters.
pub const LEADING: f32 = 1.5;

/// A piece of text with a small label over it.
#[derive(Clone, Debug)]
pub struct Piece {
    /// What it is; nothing when that is plain.
    pub label: Option<String>,
    /// The text.
    pub text: String,
    /// Size at its largest.
    pub size: f32,
    /// How heavy.
    pub weight: Weight,
    /// In which colour.
    pub colour: Colour,
}

/// The colours of a label and of the sign that there is more elsewhere.
#[derive(Clone, Copy)]
pub struct Look {
    /// Of labels.
    pub label: Colour,
    /// Of the sign.
    pub more: Colour,
}

/// What is laid out: a line, its size, and the room before it.
struct Row {
    text: String,
    size: f32,
    weight: Weight,
    colour: Colour,
    before: f32,
}

fn rows(pieces: &[Piece], room: f32, scale: f32, look: Look) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for piece in pieces {
        let size = piece.size * scale;
        let lines = wrap(&piece.text, size, piece.weight, room);
        if lines.iter().all(|l| l.is_empty()) {
            continue;
        }
        let gap = if rows.is_empty() { 0.0 } else { 5.5 * scale };
        let mut before = gap;
        if let Some(label) = &piece.label {
            let (size, weight) = (6.6 * scale.max(0.85), Weight::Bold);
            rows.push(Row { text: label.clone(), size, weight, colour: look.label, before });
            before = 0.0;
        }
        for text in lines {
            rows.push(Row { text, size, weight: piece.weight, colour: piece.colour, before });
            before = 0.0;
        }
    }
    rows
}

fn height(row: &Row) -> f32 {
    row.before + row.size * LEADING
}

/// Lays the pieces into a box and says whether all of them stand there. What does not fit ends with `more`, the sign that
/// it goes on elsewhere.
pub fn lay(page: &mut Page, pieces: &[Piece], Rect(x, y, w, h): Rect, look: Look, more: &str) -> bool {
    for scale in [1.0, 0.94, 0.88, 0.82, 0.78] {
        let set = rows(pieces, w, scale, look);
        if set.iter().map(height).sum::<f32>() <= h {
            draw(page, &set, x, y);
            return true;
        }
    }
    let mut set = rows(pieces, w, 0.88, look);
    let size = 6.8;
    let room = h - size * LEADING - 2.0;
    let mut used = 0.0;
    let fits = set.iter().take_while(|row| {
        used += height(row);
        used <= room
    });
    let count = fits.count();
    set.truncate(count);
    // A label whose text went elsewhere says nothing.
    while set.last().is_some_and(|row| row.colour == look.label && row.weight == Weight::Bold) {
        set.pop();
    }
    if let Some(last) = set.last_mut() {
        while width(&last.text, last.size, last.weight) + width("…", last.size, last.weight) > w
            && last.text.pop().is_some()
        {}
        last.text = format!("{}…", last.text.trim_end());
    }
    set.push(Row { text: more.to_owned(), size, weight: Weight::Bold, colour: look.more, before: 2.0 });
    draw(page, &set, x, y);
    false
}

fn draw(page: &mut Page, set: &[Row], x: f32, mut y: f32) {
    for row in set {
        y += row.before;
        page.text((x, y + row.size * 1.08), row.size, row.weight, row.colour, row.text.clone());
        y += row.size * LEADING;
    }
}

/// Pieces that run on through columns and pages: the appendix.
pub struct Columns<'a> {
    /// The boxes of one page.
    pub boxes: &'a [Rect],
    /// Labels' look.
    pub look: Look,
}

impl Columns<'_> {
    /// Sets all groups of pieces; `fresh` makes a new page.
    pub fn run(&self, groups: &[Vec<Piece>], mut fresh: impl FnMut() -> Page) -> Vec<Page> {
        let mut pages: Vec<Page> = Vec::new();
        let mut column = self.boxes.len();
        let mut y = 0.0;
        for group in groups {
            for (i, row) in rows(group, self.boxes[0].2, 1.0, self.look).iter().enumerate() {
                // A heading stays with the lines that follow it.
                let before = if i == 0 && y > 0.0 { 16.0 } else { row.before };
                let keep = if i == 0 || row.weight == Weight::Bold { 40.0 } else { 0.0 };
                let need = before + row.size * LEADING;
                let full = column >= self.boxes.len() || y + need + keep > self.boxes[column].3;
                if full {
                    column += 1;
                    y = 0.0;
                    if column >= self.boxes.len() {
                        pages.push(fresh());
                        column = 0;
                    }
                } else {
                    y += before;
                }
                let Rect(left, top, ..) = self.boxes[column];
                let page = pages.last_mut().expect("a page was begun");
                page.text((left, top + y + row.size * 1.08), row.size, row.weight, row.colour, row.text.clone());
                y += row.size * LEADING;
            }
        }
        pages
    }
}
