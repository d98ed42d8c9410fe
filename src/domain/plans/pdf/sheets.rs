//! The pages of a plan's document.

use super::flow::{Columns, Look, Piece, lay};
use super::{ACCENT, Document, FAINT, GROUND, INK, LIGHT, LINE, SOFT, WHITE, clock, picture};
use crate::base::locale::{self, Text};
use crate::domain::plans::story::{Format, Shot, Stage};
use crate::engines::paper::{A4_LANDSCAPE, Colour, Page, Rect, Weight, fit, width, wrap};

const W: f32 = A4_LANDSCAPE.0;
const H: f32 = A4_LANDSCAPE.1;
/// Text keeps this distance from the paper's edge; colours do not.
const INNER: f32 = 34.0;
/// Height of the band at the head of a page.
const HEAD: f32 = 46.0;
/// Where the footer's line stands.
const FOOT: f32 = 571.0;
/// Shots on one page.
const PER_PAGE: usize = 4;
/// The grey of the cover's labels.
const DIM: Colour = Colour(120, 129, 148);

const LOOK: Look = Look { label: ACCENT, more: ACCENT };

/// All pages; pictures of the shots in `left_out` are drawn instead.
pub fn pages(doc: &Document, left_out: &[i64]) -> Vec<Page> {
    let mut longer = Vec::new();
    let mut pages = vec![cover(doc, left_out), stages(doc, &mut longer)];
    let times = doc.times();
    let count = doc.story.shots.len();
    for first in (0..count).step_by(PER_PAGE) {
        pages.push(shots(doc, left_out, first, &times, &mut longer));
    }
    pages.extend(appendix(doc, &longer));
    let total = pages.len();
    for (i, page) in pages.iter_mut().enumerate().skip(1) {
        foot(page, doc, i + 1, total);
    }
    pages
}

fn right(page: &mut Page, (x, y): (f32, f32), size: f32, weight: Weight, colour: Colour, text: &str) {
    page.text((x - width(text, size, weight), y), size, weight, colour, text);
}

/// The band at the head, from edge to edge.
fn head(doc: &Document, title: &str, about: &str) -> Page {
    let mut page = Page::new(A4_LANDSCAPE);
    page.fill(Rect(0.0, 0.0, W, H), GROUND);
    page.fill(Rect(0.0, 0.0, W, HEAD), INK);
    page.fill(Rect(0.0, 0.0, INNER - 12.0, HEAD), ACCENT);
    page.text((INNER, 29.0), 15.0, Weight::Bold, WHITE, title);
    let after = INNER + width(title, 15.0, Weight::Bold) + 12.0;
    page.text((after, 29.0), 9.0, Weight::Regular, LIGHT, about);
    let name = fit(&doc.titled(&doc.title), 9.0, Weight::Regular, W * 0.45);
    right(&mut page, (W - INNER, 29.0), 9.0, Weight::Regular, WHITE, &name);
    page
}

fn foot(page: &mut Page, doc: &Document, n: usize, total: usize) {
    page.rule((INNER, FOOT - 9.0), (W - INNER, FOOT - 9.0), LINE, 0.6);
    let name = fit(&doc.project, 7.4, Weight::Regular, W * 0.4);
    page.text((INNER, FOOT + 3.0), 7.4, Weight::Regular, SOFT, name);
    if let Some(notice) = &doc.notice {
        let notice = fit(notice, 7.4, Weight::Bold, W * 0.35);
        let x = (W - width(&notice, 7.4, Weight::Bold)) / 2.0;
        page.text((x, FOOT + 3.0), 7.4, Weight::Bold, ACCENT, notice);
    }
    right(page, (W - INNER, FOOT + 3.0), 7.4, Weight::Bold, SOFT, &format!("{n} / {total}"));
}

fn cover(doc: &Document, left_out: &[i64]) -> Page {
    let mut page = Page::new(A4_LANDSCAPE);
    page.fill(Rect(0.0, 0.0, W, H), INK);
    page.fill(Rect(0.0, 0.0, 10.0, H), ACCENT);
    let strip = strip(&mut page, doc, left_out);
    let room = 492.0;
    page.text((INNER + 12.0, 62.0), 9.5, Weight::Bold, LIGHT, doc.say("pdf.kind"));
    page.text((INNER + 12.0, 84.0), 13.0, Weight::Bold, WHITE, fit(&doc.project, 13.0, Weight::Bold, room));
    // The title as large as it may be on three lines.
    let title = doc.titled(&doc.title);
    let mut size = 38.0;
    while size > 18.0 && wrap(&title, size, Weight::Bold, room).len() > 3 {
        size -= 2.0;
    }
    let mut y = 112.0;
    let lines = wrap(&title, size, Weight::Bold, room);
    for (i, line) in lines.iter().take(4).enumerate() {
        y += size * 1.28;
        let line = if i == 3 && lines.len() > 4 {
            fit(&format!("{line} …"), size, Weight::Bold, room)
        } else {
            line.clone()
        };
        page.text((INNER + 12.0, y), size, Weight::Bold, WHITE, line);
    }
    y += 22.0;
    page.fill(Rect(INNER + 12.0, y - 6.0, 36.0, 2.4), ACCENT);
    let words = Piece {
        label: None,
        text: doc.inputs.one_liner.clone(),
        size: 13.0,
        weight: Weight::Regular,
        colour: Colour(208, 213, 224),
    };
    lay(&mut page, &[words], Rect(INNER + 12.0, y + 8.0, room - 20.0, strip - y - 30.0), LOOK, "…");
    facts(&mut page, doc, strip);
    page
}

/// What is to be known at a glance, one under the other.
fn facts(page: &mut Page, doc: &Document, strip: f32) {
    let (x, room) = (596.0, W - 596.0 - INNER);
    let inputs = &doc.inputs;
    let total: i64 = doc.story.shots.iter().map(|s| s.duration_ms.max(0)).sum();
    let seconds = if total > 0 { (total + 500) / 1000 } else { inputs.duration_s };
    let rows = [
        ("pdf.client", doc.client.clone()),
        ("pdf.date", doc.date.clone()),
        ("pdf.status", doc.status.clone()),
        ("pdf.duration", doc.length(seconds)),
        ("pdf.format", doc.name("format", inputs.format.as_str())),
        ("pdf.tempo", doc.name("tempo", inputs.tempo.as_str())),
        ("pdf.style", doc.name("style", inputs.style.as_str())),
        ("pdf.genre", inputs.genre.clone()),
        ("pdf.tone", inputs.tone.clone()),
        ("pdf.target", inputs.target.clone()),
    ];
    let rows: Vec<_> = rows.iter().filter(|(_, value)| !value.trim().is_empty()).collect();
    let step = ((strip - 100.0) / rows.len().max(1) as f32).min(29.0);
    let mut y = 62.0;
    for (key, value) in rows {
        page.text((x, y), 8.0, Weight::Regular, DIM, doc.say(key));
        page.text((x + 74.0, y), 9.5, Weight::Bold, WHITE, fit(value, 9.5, Weight::Bold, room - 74.0));
        page.rule((x, y + step * 0.36), (W - INNER, y + step * 0.36), Colour(44, 49, 60), 0.6);
        y += step;
    }
    if let Some(notice) = &doc.notice {
        let notice = fit(notice, 8.0, Weight::Bold, room - 20.0);
        let wide = width(&notice, 8.0, Weight::Bold) + 18.0;
        page.fill(Rect(x, y - 6.0, wide, 18.0), ACCENT);
        page.text((x + 9.0, y + 6.0), 8.0, Weight::Bold, WHITE, notice);
    }
}

/// Frames from edge to edge along the foot of the cover; answers where they begin.
fn strip(page: &mut Page, doc: &Document, left_out: &[i64]) -> f32 {
    let count = doc.story.shots.len();
    if count == 0 {
        return H - 60.0;
    }
    let ratio = picture::ratio(doc.inputs.format);
    // As many as fill the width at a height of about a quarter of the page.
    let shown = match doc.inputs.format {
        Format::Wide => 4,
        Format::Tall => 9,
        Format::Square => 6,
        Format::Cinema => 3,
    }
    .min(count);
    let w = (W - 10.0) / shown as f32;
    let h = (w / ratio).min(H * 0.3);
    let top = H - h;
    for i in 0..shown {
        let place = i * count / shown;
        let w = (W - 10.0) / shown as f32;
        picture::draw(page, doc, left_out, place, (10.0 + i as f32 * w, top), w, false);
    }
    page.fill(Rect(10.0, top - 3.0, W - 10.0, 3.0), ACCENT);
    top
}

/// The four stages, a column each, from edge to edge.
fn stages(doc: &Document, longer: &mut Vec<Vec<Piece>>) -> Page {
    let mut page = head(doc, &doc.say("pdf.stages"), &doc.say("pdf.stages_about"));
    let bands = [Colour(22, 49, 248), Colour(18, 40, 200), Colour(14, 31, 152), Colour(11, 23, 108)];
    let n = doc.story.stages.len().max(1) as f32;
    let wide = W / n;
    for (i, stage) in doc.story.stages.iter().enumerate() {
        let x = i as f32 * wide;
        page.fill(Rect(x, HEAD, wide, 64.0), bands[i % 4]);
        if i > 0 {
            page.rule((x, HEAD + 64.0), (x, FOOT - 9.0), LINE, 0.6);
        }
        let left = if i == 0 { INNER } else { x + 16.0 };
        let room =
            wide - if i == 0 { INNER + 14.0 } else { 30.0 } - if i as f32 == n - 1.0 { INNER - 16.0 } else { 0.0 };
        let name = doc.name("stage", stage.stage.as_str());
        // One sign in Korean, a word elsewhere.
        let size = if name.chars().count() == 1 { 26.0 } else { 16.0 };
        page.text((left, HEAD + 41.0), size, Weight::Bold, WHITE, name);
        let hint = fit(&stage.length_hint, 8.5, Weight::Regular, room * 0.5);
        right(&mut page, (left + room, HEAD + 40.0), 8.5, Weight::Regular, Colour(205, 212, 255), &hint);
        let pieces = stage_pieces(doc, stage);
        let place = Rect(left, HEAD + 82.0, room, FOOT - 18.0 - HEAD - 82.0);
        if !lay(&mut page, &pieces, place, LOOK, &doc.say("pdf.see_appendix")) {
            let mut whole = pieces;
            whole[0].text = format!("{} · {}", doc.name("stage", stage.stage.as_str()), whole[0].text);
            longer.push(whole);
        }
    }
    page
}

fn stage_pieces(doc: &Document, stage: &Stage) -> Vec<Piece> {
    let piece = |label: Option<&str>, text: String, size: f32, weight: Weight, colour: Colour| Piece {
        label: label.map(|key| doc.say(key)),
        text,
        size,
        weight,
        colour,
    };
    let points: Vec<String> =
        stage.key_points.iter().filter(|p| !p.trim().is_empty()).map(|p| format!("·  {}", p.trim())).collect();
    vec![
        piece(None, doc.titled(&stage.title), 14.0, Weight::Bold, INK),
        piece(None, stage.summary.clone(), 10.0, Weight::Bold, SOFT),
        piece(Some("pdf.content"), stage.content.clone(), 9.5, Weight::Regular, INK),
        piece(Some("pdf.objective"), stage.objective.clone(), 9.5, Weight::Regular, INK),
        piece(Some("pdf.key_points"), points.join("\n"), 9.5, Weight::Regular, INK),
    ]
}

/// Four shots, two by two.
fn shots(doc: &Document, left_out: &[i64], first: usize, times: &[(i64, i64)], longer: &mut Vec<Vec<Piece>>) -> Page {
    let last = (first + PER_PAGE).min(doc.story.shots.len());
    let about = Text::new("pdf.shots_about").with("from", first + 1).with("to", last);
    let mut page = head(doc, &doc.say("pdf.shots"), &locale::say(doc.lang, &about));
    let (cell_w, cell_h) = (W / 2.0, (FOOT - 9.0 - HEAD) / 2.0);
    for place in first..last {
        let (col, row) = ((place - first) % 2, (place - first) / 2);
        let (x, y) = (col as f32 * cell_w, HEAD + row as f32 * cell_h);
        if (col + row) % 2 == 0 {
            page.fill(Rect(x, y, cell_w, cell_h), WHITE);
        }
        let left = if col == 0 { INNER } else { x + 20.0 };
        let end = x + cell_w - if col == 0 { 18.0 } else { INNER };
        shot(&mut page, doc, left_out, place, times[place], Rect(left, y + 16.0, end - left, cell_h - 28.0), longer);
    }
    page.rule((0.0, HEAD + cell_h), (W, HEAD + cell_h), LINE, 0.6);
    page.rule((cell_w, HEAD), (cell_w, FOOT - 9.0), LINE, 0.6);
    page
}

/// What the camera does, in the words of the trade.
fn terms(doc: &Document, shot: &Shot) -> [String; 4] {
    [
        doc.name("size", shot.size.as_str()),
        doc.name("angle", shot.angle.as_str()),
        doc.name("movement", shot.movement.as_str()),
        format!("→ {}", doc.name("transition", shot.transition.as_str())),
    ]
}

fn shot(
    page: &mut Page,
    doc: &Document,
    left_out: &[i64],
    place: usize,
    (from, to): (i64, i64),
    Rect(x, y, w, h): Rect,
    longer: &mut Vec<Vec<Piece>>,
) {
    let shot = &doc.story.shots[place];
    let format = doc.inputs.format;
    let frame = match format {
        Format::Wide | Format::Cinema => 214.0,
        Format::Square => 172.0,
        Format::Tall => (h - 15.0) * 9.0 / 16.0,
    };
    picture::draw(page, doc, left_out, place, (x, y), frame, true);
    let mark = format!("S{:02}", place + 1);
    let time = format!("{}–{}", clock(from), clock(to));
    let head = |page: &mut Page, left: f32| {
        page.text((left, y + 9.0), 11.0, Weight::Bold, ACCENT, mark.clone());
        page.text((left + width(&mark, 11.0, Weight::Bold) + 7.0, y + 9.0), 8.4, Weight::Regular, FAINT, time.clone());
    };
    let (left, room) = (x + frame + 16.0, w - frame - 16.0);
    head(page, left);
    // The camera under the picture where there is room, beside it in a tall format.
    let below = y + picture::height(format, frame) + 12.0;
    let mut top = y + 18.0;
    let size = 8.4;
    if format == Format::Tall {
        for line in wrap(&terms(doc, shot).join("  ·  "), size, Weight::Bold, room) {
            page.text((left, top + 9.0), size, Weight::Bold, SOFT, line);
            top += size * 1.5;
        }
        top += 4.0;
    } else {
        chips(page, doc, shot, Rect(x, below - 4.0, frame, y + h - below));
    }
    let title = Piece { label: None, text: doc.titled(&shot.title), size: 12.0, weight: Weight::Bold, colour: INK };
    let mut pieces = vec![title];
    pieces.extend(doc.pieces(shot));
    if !lay(page, &pieces, Rect(left, top, room, y + h - top), LOOK, &doc.say("pdf.see_appendix")) {
        pieces[0].text = format!("{mark}  {}", pieces[0].text);
        longer.push(pieces);
    }
}

/// The camera's terms, each in its frame, in as many rows as they need.
fn chips(page: &mut Page, doc: &Document, shot: &Shot, Rect(x, y, w, h): Rect) {
    let (size, high) = (7.6, 15.0);
    let (mut left, mut top) = (x, y);
    for term in terms(doc, shot) {
        let wide = width(&term, size, Weight::Bold) + 12.0;
        if left + wide > x + w && left > x {
            left = x;
            top += high + 4.0;
        }
        if top + high > y + h {
            return;
        }
        page.fill(Rect(left, top, wide, high), Colour(236, 238, 255));
        page.text((left + 6.0, top + 10.4), size, Weight::Bold, Colour(37, 55, 170), term);
        left += wide + 5.0;
    }
}

/// What was too long for its place, whole.
fn appendix(doc: &Document, longer: &[Vec<Piece>]) -> Vec<Page> {
    let room = (W - 2.0 * INNER - 30.0) / 2.0;
    let high = FOOT - 22.0 - HEAD - 18.0;
    let boxes = [Rect(INNER, HEAD + 18.0, room, high), Rect(INNER + room + 30.0, HEAD + 18.0, room, high)];
    let columns = Columns { boxes: &boxes, look: LOOK };
    columns.run(longer, || head(doc, &doc.say("pdf.appendix"), &doc.say("pdf.appendix_about")))
}
