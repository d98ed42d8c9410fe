//! The bounds of what a plan says. A story from outside (an import, a model) is held to the same ones as what is typed.

use std::collections::BTreeSet;

use super::blank::stage_at;
use super::story::{INSERTS, Inputs, Picture, SHOTS, Shot, Stage, StageName, Story};
use crate::base::error::{Check, Result};
use crate::base::locale::Text;

/// Key points of a stage at the most.
const KEY_POINTS: usize = 8;

/// Title and inputs; fields are named with `prefix` before them.
pub(super) fn plan(title: Option<&str>, inputs: Option<&Inputs>, prefix: &str) -> Result<()> {
    let mut check = Check::new();
    if let Some(title) = title {
        check.text("title", title, 1, 200);
    }
    if let Some(i) = inputs {
        for (name, text, max) in [
            ("one_liner", &i.one_liner, 500),
            ("tone", &i.tone, 200),
            ("genre", &i.genre, 100),
            ("target", &i.target, 200),
        ] {
            check.text(&format!("{prefix}{name}"), text, 0, max);
        }
        range(&mut check, &format!("{prefix}duration_s"), i.duration_s, 10, 3_600);
    }
    check.done()
}

fn range(check: &mut Check, field: &str, value: i64, min: i64, max: i64) {
    let text = Text::new("invalid.range").with("min", min).with("max", max);
    check.that((min..=max).contains(&value), field, text);
}

/// The texts of a stage.
pub(super) fn stage(check: &mut Check, prefix: &str, s: &Stage) {
    for (name, text, max) in [
        ("title", &s.title, 200),
        ("summary", &s.summary, 1_000),
        ("content", &s.content, 5_000),
        ("objective", &s.objective, 1_000),
        ("length_hint", &s.length_hint, 100),
    ] {
        check.text(&format!("{prefix}{name}"), text, 0, max);
    }
    let few = s.key_points.len() <= KEY_POINTS;
    check.that(few, &format!("{prefix}key_points"), Text::new("invalid.too_many").with("max", KEY_POINTS));
    for (i, point) in s.key_points.iter().take(KEY_POINTS).enumerate() {
        check.text(&format!("{prefix}key_points[{i}]"), point, 1, 300);
    }
}

/// The fields of a shot.
pub(super) fn shot(check: &mut Check, prefix: &str, s: &Shot) {
    for (name, text, max) in [
        ("title", &s.title, 200),
        ("description", &s.description, 2_000),
        ("dialogue", &s.dialogue, 1_000),
        ("subtitle", &s.subtitle, 500),
        ("voice_over", &s.voice_over, 1_000),
    ] {
        check.text(&format!("{prefix}{name}"), text, 0, max);
    }
    range(check, &format!("{prefix}duration_ms"), s.duration_ms, 500, 600_000);
    let few = s.inserts.len() <= INSERTS;
    check.that(few, &format!("{prefix}inserts"), Text::new("invalid.too_many").with("max", INSERTS));
    for (i, insert) in s.inserts.iter().take(INSERTS).enumerate() {
        check.text(&format!("{prefix}inserts[{i}].description"), &insert.description, 0, 500);
    }
}

/// A whole story: its four stages in their order, its twelve shots with a key each, every field within its bounds.
pub(super) fn story(story: &Story, prefix: &str) -> Result<()> {
    let mut check = Check::new();
    let names: Vec<StageName> = story.stages.iter().map(|s| s.stage).collect();
    let stages = Text::new("invalid.plan_stages").with("allowed", StageName::names());
    check.that(names == StageName::ALL, &format!("{prefix}stages"), stages);
    let keys: BTreeSet<i64> = story.shots.iter().map(|s| s.key).collect();
    let all = story.shots.len() == SHOTS && keys == (1..=SHOTS as i64).collect();
    check.that(all, &format!("{prefix}shots"), Text::new("invalid.plan_shots").with("max", SHOTS));
    for (i, s) in story.stages.iter().take(4).enumerate() {
        stage(&mut check, &format!("{prefix}stages[{i}]."), s);
    }
    for (i, s) in story.shots.iter().take(SHOTS).enumerate() {
        let at = format!("{prefix}shots[{i}].");
        shot(&mut check, &at, s);
        let stands = Text::new("invalid.one_of").with("allowed", stage_at(i));
        check.that(s.stage == stage_at(i), &format!("{at}stage"), stands);
        range(&mut check, &format!("{at}picture_version"), s.picture_version, 1, 1_000_000);
        if let Picture::Sketch { hash } | Picture::KeyFrame { hash, .. } = &s.picture {
            check.that(is_hash(hash), &format!("{at}picture.hash"), Text::new("invalid.plan_hash"));
        }
    }
    check.done()
}

/// Is it a SHA-256 in lower-case hexadecimal?
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
