//! The generator that is always there: a storyboard by rules, without a model and without a network.
//!
//! From the one-liner come who, with whom, where, when, with what, and what they do (`premise`, `words`); from the style
//! come four parts of three beats each (`words_styles`); from film grammar come sizes, angles and movements (`film`); from
//! tempo and target come the durations (`timing`). The same inputs and seed give the same story; another seed another one.

mod board;
mod film;
mod genre;
mod korean;
mod pen;
mod premise;
pub mod script;
mod timing;
mod words;
mod words_camera;
mod words_inserts;
mod words_nouns;
mod words_styles;
mod words_styles_more;
mod words_tales;
mod words_voices;
mod words_worlds;
mod words_worlds_more;

#[cfg(test)]
mod tests;

use super::story::StageName;

pub use board::{draft, length_hint, redraft};
pub use genre::{Preset, preset};

/// What is written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Everything.
    Whole,
    /// A part, with the three shots that stand in it.
    Stage(StageName),
    /// The shot of this key.
    Shot(i64),
}
