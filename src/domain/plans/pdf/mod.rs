//! A plan as a document for the client: cover, the four stages, the twelve shots with their frames, and an appendix for
//! what is too long for them. A4 on its side, with colours to the paper's edge.

mod flow;
mod picture;
mod sheets;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use bytes::Bytes;

use self::flow::Piece;
use super::story::{Inputs, Shot, Story};
use crate::base::error::{Error, Result};
use crate::base::locale::{self, Lang, Text};
use crate::engines::paper::{self, Colour, Fault, Weight};

/// Everything that the document says.
#[derive(Clone, Debug)]
pub struct Document {
    /// The plan's title.
    pub title: String,
    /// The project's name.
    pub project: String,
    /// Its client; may be empty.
    pub client: String,
    /// The plan's state, in the reader's words.
    pub status: String,
    /// The day, as it is to be read.
    pub date: String,
    /// The reader's language.
    pub lang: Lang,
    /// What the story was asked for.
    pub inputs: Inputs,
    /// The story.
    pub story: Story,
    /// What is to be known of its making, such as that it is a draft by rules; in the reader's words.
    pub notice: Option<String>,
    /// Pictures by the shot's key, each with its media type. A shot without one, or with one that cannot be read, is
    /// drawn.
    pub pictures: HashMap<i64, (String, Bytes)>,
}

/// The document as PDF. The same document gives the same bytes.
pub fn plan(document: &Document) -> Result<Vec<u8>> {
    let mut left_out = Vec::new();
    loop {
        let pages = sheets::pages(document, &left_out);
        let title = format!("{} · {}", document.project, document.title);
        match paper::print(&pages, &paper::printable(&title), &paper::printable(&document.project), document.lang.tag())
        {
            Ok(pdf) => return Ok(pdf),
            // Each round leaves out one picture more: there are no more rounds than pictures.
            Err(Fault::Picture(key)) if !left_out.contains(&key) => left_out.push(key),
            Err(fault) => return Err(Error::internal(format!("the PDF of a plan: {fault:?}"))),
        }
    }
}

const INK: Colour = Colour(18, 21, 28);
const SOFT: Colour = Colour(77, 85, 101);
const FAINT: Colour = Colour(139, 148, 163);
const LINE: Colour = Colour(218, 222, 230);
const WHITE: Colour = Colour(255, 255, 255);
const GROUND: Colour = Colour(246, 247, 249);
const ACCENT: Colour = Colour(22, 49, 248);
const LIGHT: Colour = Colour(151, 166, 255);

impl Document {
    fn say(&self, key: &str) -> String {
        locale::get(self.lang, key)
    }

    fn name(&self, group: &str, value: &str) -> String {
        self.say(&format!("pdf.{group}.{value}"))
    }

    fn titled(&self, title: &str) -> String {
        if title.trim().is_empty() { self.say("pdf.untitled") } else { title.to_owned() }
    }

    fn length(&self, seconds: i64) -> String {
        let text = if seconds < 60 { Text::new("pdf.seconds") } else { Text::new("pdf.minutes") };
        locale::say(self.lang, &text.with("min", seconds / 60).with("sec", seconds % 60))
    }

    /// When each shot begins and ends, in milliseconds.
    fn times(&self) -> Vec<(i64, i64)> {
        let mut at = 0;
        let span = |shot: &Shot| {
            let from = at;
            at += shot.duration_ms.max(0);
            (from, at)
        };
        self.story.shots.iter().map(span).collect()
    }

    /// What is said of a shot, beside its picture.
    fn pieces(&self, shot: &Shot) -> Vec<Piece> {
        let piece = |label: Option<&str>, text: &str, size: f32, colour: Colour| Piece {
            label: label.map(|key| self.say(key)),
            text: text.to_owned(),
            size,
            weight: Weight::Regular,
            colour,
        };
        let mut pieces = vec![
            piece(None, &shot.description, 9.0, SOFT),
            piece(Some("pdf.dialogue"), &shot.dialogue, 9.0, INK),
            piece(Some("pdf.subtitle"), &shot.subtitle, 9.0, INK),
            piece(Some("pdf.voice_over"), &shot.voice_over, 9.0, INK),
        ];
        let inserts = shot.inserts.iter().filter(|i| !i.description.trim().is_empty());
        let inserts: Vec<String> = inserts
            .map(|i| format!("{} — {}", self.name("purpose", i.purpose.as_str()), i.description.trim()))
            .collect();
        pieces.push(piece(Some("pdf.insert"), &inserts.join("\n"), 8.5, SOFT));
        pieces
    }
}

/// Minutes and seconds.
fn clock(ms: i64) -> String {
    let s = (ms + 500) / 1000;
    format!("{:02}:{:02}", s / 60, s % 60)
}
