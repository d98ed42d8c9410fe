//! Frames of all kinds.

use super::*;
use crate::domain::plans::story::{StageName, Transition};

fn shot(title: &str, description: &str, size: ShotSize, angle: Angle, movement: Movement) -> Shot {
    Shot {
        key: 7,
        stage: StageName::Climax,
        title: title.to_owned(),
        description: description.to_owned(),
        dialogue: String::new(),
        subtitle: String::new(),
        voice_over: String::new(),
        size,
        movement,
        angle,
        duration_ms: 6_000,
        transition: Transition::Cut,
        inserts: Vec::new(),
        picture: Default::default(),
        picture_version: 3,
        locked: false,
        edited: false,
    }
}
