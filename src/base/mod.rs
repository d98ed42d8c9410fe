//! The vocabulary that every room of the house speaks: data only, no I/O.

pub mod clock;
pub mod csv;
pub mod day;
pub mod dice;
pub mod error;
pub mod event;
pub mod fields;
pub mod group;
pub mod ids;
pub mod job;
pub mod locale;
pub mod page;
pub mod roles;
pub mod row;
pub mod secret;
