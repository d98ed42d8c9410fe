//! Plans: a story in four stages and twelve shots.

pub mod routes;
pub mod rules;
pub mod story;
pub mod work;
