//! A frame as SVG.

use std::fmt::Write;

use super::Frame;
use super::pen::{Anchor, Mark, P, Step};

/// Text as it may stand in XML, in an attribute as well; what XML cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

/// A grey in sixteen steps: finer ones are not seen, and cost twice the letters.
fn grey(tone: u8) -> String {
    let step = (u32::from(tone) + 8) / 17;
    format!("#{step:x}{step:x}{step:x}")
}

/// A number with one place at the most, as short as it can be.
fn number(out: &mut String, v: f32) {
    let tenths = (v * 10.0).round() as i32;
    if tenths % 10 == 0 {
        let _ = write!(out, "{}", tenths / 10);
    } else {
        let sign = if tenths < 0 { "-" } else { "" };
        let _ = write!(out, "{sign}{}.{}", (tenths / 10).abs(), (tenths % 10).abs());
    }
}

/// Points of a path, each told from where the pencil is: half the digits.
struct Way {
    out: String,
    at: (i32, i32),
    begun: (i32, i32),
    fine: f32,
}

impl Way {
    fn snap(&self, p: P) -> (i32, i32) {
        ((p.0 * self.fine).round() as i32, (p.1 * self.fine).round() as i32)
    }

    fn pair(&mut self, p: (i32, i32)) {
        for v in [p.0 - self.at.0, p.1 - self.at.1] {
            if v >= 0 && self.out.ends_with(|c: char| c.is_ascii_digit()) {
                self.out.push(' ');
            }
            let _ = write!(self.out, "{v}");
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Move(p) => {
                let p = self.snap(p);
                self.out.push('m');
                self.pair(p);
                (self.at, self.begun) = (p, p);
            }
            Step::Line(p) => {
                let p = self.snap(p);
                self.out.push('l');
                self.pair(p);
                self.at = p;
            }
            Step::Curve(a, b, p) => {
                let (a, b, p) = (self.snap(a), self.snap(b), self.snap(p));
                self.out.push('c');
                self.pair(a);
                self.pair(b);
                self.pair(p);
                self.at = p;
            }
            Step::Close => {
                self.out.push('z');
                self.at = self.begun;
            }
        }
    }
}

/// A frame for a page is smaller than this, in bytes: pages show twelve of them.
const ROOM: usize = 18_500;

/// The whole document. Half a unit is finer than the hand that drew it; a frame with very much in it takes whole ones, and
/// if that is not enough, it does without the lines by which outlines were looked for.
pub fn write(frame: &Frame) -> String {
    let sizes = [(2.0, true), (1.0, true), (1.0, false)];
    let mut written = sizes.iter().map(|(fine, loose)| written(frame, *fine, *loose));
    let first = written.next().unwrap_or_default();
    if first.len() <= ROOM {
        return first;
    }
    let mut last = first;
    for svg in written {
        last = svg;
        if last.len() <= ROOM {
            break;
        }
    }
    last
}

fn written(frame: &Frame, fine: f32, loose: bool) -> String {
    let mut out = String::with_capacity(16_384);
    let (w, h) = (frame.width.round(), frame.height.round());
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" width=\"{w}\" height=\"{h}\" role=\"img\">\
         <title>{}</title><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\
         <g fill=\"none\" stroke-linecap=\"round\" stroke-linejoin=\"round\">",
        w * fine,
        h * fine,
        escaped(&frame.title)
    );
    for mark in &frame.marks {
        match mark {
            Mark::Path { fill: None, line: Some((100.., width)), .. } if !loose && *width < 0.95 => {}
            Mark::Path { steps, fill, line } => {
                out.push_str("<path");
                if let Some(tone) = fill {
                    let _ = write!(out, " fill=\"{}\"", grey(*tone));
                }
                if let Some((tone, width)) = line {
                    let _ = write!(out, " stroke=\"{}\" stroke-width=\"", grey(*tone));
                    number(&mut out, width * fine);
                    out.push('"');
                }
                let mut way = Way { out: String::new(), at: (0, 0), begun: (0, 0), fine };
                steps.iter().for_each(|step| way.step(*step));
                let _ = write!(out, " d=\"{}\"/>", way.out);
            }
            Mark::Text { at, size, anchor, tone, text } => {
                out.push_str("<text x=\"");
                number(&mut out, at.0 * fine);
                out.push_str("\" y=\"");
                number(&mut out, at.1 * fine);
                let anchor = match anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                    Anchor::End => "end",
                };
                let _ = write!(
                    out,
                    "\" font-family=\"Pretendard,Helvetica,Arial,sans-serif\" font-weight=\"600\" font-size=\"{}\" \
                     text-anchor=\"{anchor}\" fill=\"{}\">{}</text>",
                    (size * fine).round(),
                    grey(*tone),
                    escaped(text)
                );
            }
            Mark::Clip(a, b) => {
                let _ = write!(
                    out,
                    "<clipPath id=\"p\"><path d=\"M{} {}H{}V{}H{}z\"/></clipPath><g clip-path=\"url(#p)\">",
                    a.0 * fine,
                    a.1 * fine,
                    b.0 * fine,
                    b.1 * fine,
                    a.0 * fine
                );
            }
            Mark::Unclip => out.push_str("</g>"),
        }
    }
    out.push_str("</g></svg>");
    out
}
