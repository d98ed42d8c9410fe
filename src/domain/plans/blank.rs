//! A plan in which nothing is written yet: its four stages and twelve shots are there, so that all the rest can rely on it.

use super::story::{Angle, Movement, Picture, SHOTS, Shot, ShotSize, Stage, StageName, Story, Transition};

/// How long a film is to be when nobody has said so.
pub(super) const DURATION_S: i64 = 80;
/// Shots of a stage.
pub(super) const PER_STAGE: usize = SHOTS / 4;

/// The stage of a place (from 0).
pub(super) fn stage_at(place: usize) -> StageName {
    StageName::ALL[(place / PER_STAGE).min(3)]
}

/// Four stages and twelve shots without a word, from far to near in each stage, of equal length.
pub(super) fn story(duration_s: i64) -> Story {
    let stage = |stage: &StageName| Stage {
        stage: *stage,
        title: String::new(),
        summary: String::new(),
        content: String::new(),
        objective: String::new(),
        length_hint: String::new(),
        key_points: Vec::new(),
        locked: false,
        edited: false,
    };
    let total = duration_s * 1000;
    let shot = |place: usize| Shot {
        key: place as i64 + 1,
        stage: stage_at(place),
        title: String::new(),
        description: String::new(),
        dialogue: String::new(),
        subtitle: String::new(),
        voice_over: String::new(),
        size: [ShotSize::Wide, ShotSize::Medium, ShotSize::CloseUp][place % PER_STAGE],
        movement: Movement::Static,
        angle: Angle::EyeLevel,
        // What does not divide goes to the last.
        duration_ms: total / SHOTS as i64 + if place == SHOTS - 1 { total % SHOTS as i64 } else { 0 },
        transition: Transition::Cut,
        inserts: Vec::new(),
        picture: Picture::Conti,
        picture_version: 1,
        locked: false,
        edited: false,
    };
    Story { stages: StageName::ALL.iter().map(stage).collect(), shots: (0..SHOTS).map(shot).collect() }
}
