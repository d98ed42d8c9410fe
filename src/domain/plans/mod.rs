//! Plans: a story in four stages and twelve shots.

pub mod conti;
pub mod pdf;
pub mod routes;
pub mod story;
pub mod work;
