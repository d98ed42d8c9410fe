//! The press: pages become a PDF. Fonts are embedded with the letters that are used, text can be selected.

use std::sync::LazyLock;

use bytes::Bytes;
use krilla::Document;
use krilla::color::rgb;
use krilla::error::KrillaError;
use krilla::geom::{Path, PathBuilder, Size, Transform};
use krilla::image::Image;
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, LineCap, LineJoin, Stroke};
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};

use super::font::{Weight, face};
use super::{Colour, Item, Page, Rect, Step};

/// Pixels of a picture, at the most: it is held in memory as a whole.
const PIXELS: u64 = 40_000_000;

/// Why nothing was printed.
#[derive(Debug)]
pub enum Fault {
    /// The picture of this name cannot be read.
    Picture(i64),
    /// Something else.
    Other(String),
}

static FONTS: LazyLock<[Font; 2]> = LazyLock::new(|| {
    [Weight::Regular, Weight::Bold].map(|w| Font::new(face(w).data.into(), 0).expect("a font of the program"))
});

/// A picture whose head could be read.
pub(super) fn picture(mime: &str, data: &Bytes) -> Option<Image> {
    let file = data.to_vec().into();
    let image = match mime {
        "image/png" => Image::from_png(file, false).ok()?,
        "image/jpeg" => Image::from_jpeg(file, false).ok()?,
        _ => return None,
    };
    let (w, h) = image.size();
    (w > 0 && h > 0 && u64::from(w) * u64::from(h) <= PIXELS).then_some(image)
}

fn fill(colour: Colour) -> Fill {
    let Colour(r, g, b) = colour;
    Fill { paint: rgb::Color::new(r, g, b).into(), opacity: NormalizedF32::ONE, rule: FillRule::NonZero }
}

fn stroke(colour: Colour, width: f32) -> Stroke {
    let Colour(r, g, b) = colour;
    Stroke {
        paint: rgb::Color::new(r, g, b).into(),
        width,
        line_cap: LineCap::Round,
        line_join: LineJoin::Round,
        ..Stroke::default()
    }
}

fn path(steps: &[Step]) -> Option<Path> {
    let mut out = PathBuilder::new();
    for step in steps {
        match *step {
            Step::Move(p) => out.move_to(p.0, p.1),
            Step::Line(p) => out.line_to(p.0, p.1),
            Step::Curve(a, b, p) => out.cubic_to(a.0, a.1, b.0, b.1, p.0, p.1),
            Step::Close => out.close(),
        }
    }
    out.finish()
}

/// Prints pages. `title`, `author` and `language` are what a reader shows of the document.
pub fn print(pages: &[Page], title: &str, author: &str, language: &str) -> Result<Vec<u8>, Fault> {
    let mut document = Document::new();
    let mut names = Vec::new();
    for page in pages {
        let settings = PageSettings::from_wh(page.width, page.height).ok_or_else(|| Fault::Other("no size".into()))?;
        let mut sheet = document.start_page_with(settings);
        let mut surface = sheet.surface();
        for item in &page.items {
            put(&mut surface, item, &mut names)?;
        }
        surface.finish();
        sheet.finish();
    }
    let metadata = Metadata::new()
        .title(title.to_owned())
        .authors(vec![author.to_owned()])
        .language(language.to_owned())
        .creator("VideoPlanet".to_owned());
    document.set_metadata(metadata);
    document.finish().map_err(|e| match e {
        KrillaError::Image(broken, ..) => match names.iter().find(|(image, _)| *image == broken) {
            Some((_, name)) => Fault::Picture(*name),
            None => Fault::Other("a picture".into()),
        },
        other => Fault::Other(format!("{other:?}")),
    })
}

fn put(surface: &mut Surface, item: &Item, names: &mut Vec<(Image, i64)>) -> Result<(), Fault> {
    match item {
        Item::Path { steps, fill: inside, line } => {
            if let Some(path) = path(steps) {
                surface.set_fill(inside.map(fill));
                surface.set_stroke(line.map(|(colour, width)| stroke(colour, width)));
                surface.draw_path(&path);
            }
        }
        Item::Text { at, size, weight, colour, text } => {
            let face = face(*weight);
            let glyphs: Vec<KrillaGlyph> = text
                .char_indices()
                .map(|(i, c)| {
                    let id = face.glyph(c);
                    KrillaGlyph {
                        glyph_id: GlyphId::new(u32::from(id)),
                        text_range: i..i + c.len_utf8(),
                        x_advance: face.advance(id),
                        x_offset: 0.0,
                        y_offset: 0.0,
                        y_advance: 0.0,
                        location: None,
                    }
                })
                .collect();
            surface.set_stroke(None);
            surface.set_fill(Some(fill(*colour)));
            let start = krilla::geom::Point::from_xy(at.0, at.1);
            surface.draw_glyphs(start, &glyphs, FONTS[*weight as usize].clone(), text, *size, false);
        }
        Item::Picture { place, name, mime, data } => {
            let image = picture(mime, data).ok_or(Fault::Picture(*name))?;
            let Rect(x, y, w, h) = *place;
            let size = Size::from_wh(w, h).ok_or(Fault::Picture(*name))?;
            names.push((image.clone(), *name));
            surface.push_transform(&Transform::from_translate(x, y));
            surface.draw_image(image, size);
            surface.pop();
        }
        Item::Clip(Rect(x, y, w, h)) => {
            let (r, b) = (x + w, y + h);
            let edge =
                [Step::Move((*x, *y)), Step::Line((r, *y)), Step::Line((r, b)), Step::Line((*x, b)), Step::Close];
            let path = path(&edge).ok_or_else(|| Fault::Other("an empty clip".into()))?;
            surface.push_clip_path(&path, &FillRule::NonZero);
        }
        Item::Unclip => surface.pop(),
    }
    Ok(())
}
