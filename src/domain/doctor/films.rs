//! ffmpeg: is it there, can it do what the recipes ask, does it really make a film, and does the hardware help?

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::{Ground, Said, fail, ok, skipped, warn};
use crate::base::locale::Text;
use crate::domain::media::recipes::needs;
use crate::engines::ffmpeg::{Encoder, Failure, Ffmpeg};

/// Characters of what ffmpeg says.
const WORDS: usize = 300;

pub(super) async fn programs(g: &Ground) -> Said {
    let Some(ffmpeg) = &g.ffmpeg else { return missing("ffmpeg") };
    match ffmpeg.version().await {
        Ok(version) => ok(Text::new("doctor.programs.fine").with("version", version)),
        Err(failure) => missing(&words(&failure)),
    }
}

fn missing(why: &str) -> Said {
    fail(Text::new("doctor.programs.missing").with("why", why), Text::new("doctor.programs.do.install"))
}

/// ffmpeg and a directory of its own; or what is said instead.
fn ready<'a>(g: &'a Ground, name: &str) -> Result<(&'a Ffmpeg, PathBuf), Said> {
    let scratch = g.scratch.as_ref().map_err(String::clone).and_then(|s| s.room(name).map_err(|e| e.to_string()));
    let dir =
        scratch.map_err(|why| fail(Text::new("doctor.no_scratch").with("why", why), Text::new("doctor.do.scratch")))?;
    Ok((g.ffmpeg.as_ref().ok_or_else(|| missing("ffmpeg"))?, dir))
}

pub(super) async fn recipes(g: &Ground) -> Said {
    let (ffmpeg, dir) = match ready(g, "recipes") {
        Ok(ready) => ready,
        Err(said) => return said,
    };
    let able = match ffmpeg.able(&dir).await {
        Ok(able) => able,
        Err(failure) => return missing(&words(&failure)),
    };
    let lacks = |wanted: &[&str], has: &std::collections::BTreeSet<String>| -> Vec<String> {
        wanted.iter().filter(|name| !has.contains(**name)).map(|name| (*name).to_owned()).collect()
    };
    let mut needed = lacks(needs::ENCODERS, &able.encoders);
    needed.extend(lacks(needs::FILTERS, &able.filters));
    if !needed.is_empty() {
        let found = Text::new("doctor.recipes.lacks").with("names", needed.join(", "));
        return fail(found, Text::new("doctor.recipes.do.build"));
    }
    let mut wished = lacks(needs::HDR_FILTERS, &able.filters);
    wished.extend(lacks(needs::DECODERS, &able.decoders));
    if !needs::AV1_DECODERS.iter().any(|name| able.decoders.contains(*name)) {
        wished.push("av1".to_owned());
    }
    if !wished.is_empty() {
        let found = Text::new("doctor.recipes.some").with("names", wished.join(", "));
        return warn(found, Text::new("doctor.recipes.do.build"));
    }
    let (decoders, filters) = (able.decoders.len(), able.filters.len());
    ok(Text::new("doctor.recipes.fine").with("decoders", decoders).with("filters", filters))
}

pub(super) async fn film(g: &Ground) -> Said {
    let (ffmpeg, dir) = match ready(g, "film") {
        Ok(ready) => ready,
        Err(said) => return said,
    };
    let begun = std::time::Instant::now();
    match ffmpeg.try_film(&dir).await {
        Ok(_) => ok(Text::new("doctor.film.fine").with("ms", begun.elapsed().as_millis())),
        Err(failure) => {
            let found = Text::new("doctor.film.fails").with("why", words(&failure));
            fail(found, Text::new("doctor.film.do.look"))
        }
    }
}

pub(super) async fn encoders(g: &Ground) -> Said {
    let wish = g.config.media.encoder.as_str();
    if wish == "cpu" {
        return skipped(Text::new("doctor.encoders.not_wanted"));
    }
    let (ffmpeg, dir) = match ready(g, "encoders") {
        Ok(ready) => ready,
        Err(said) => return said,
    };
    let tried = ffmpeg.try_encoders(&dir, &CancellationToken::new()).await;
    let names = |works: bool| -> String {
        let names: Vec<&str> = tried.iter().filter(|(_, w)| *w == works).map(|(e, _)| e.as_str()).collect();
        if names.is_empty() { "–".to_owned() } else { names.join(", ") }
    };
    let wished: Option<Encoder> = wish.parse().ok();
    let works = |encoder: Encoder| tried.contains(&(encoder, true));
    if let Some(encoder) = wished.filter(|e| !works(*e)) {
        let found = Text::new("doctor.encoders.wished").with("name", encoder).with("works", names(true));
        return warn(found, Text::new("doctor.encoders.do.device"));
    }
    if tried.iter().any(|(_, works)| *works) {
        return ok(Text::new("doctor.encoders.fine").with("works", names(true)).with("not", names(false)));
    }
    ok(Text::new("doctor.encoders.cpu").with("not", names(false)))
}

/// What a child said last.
fn words(failure: &Failure) -> String {
    let said = failure.stderr.trim();
    let said = if said.is_empty() { failure.to_string() } else { said.to_owned() };
    let skip = said.chars().count().saturating_sub(WORDS);
    said.chars().skip(skip).collect()
}
