//! The vocabulary that every room of the house speaks: data only, no I/O.

pub mod budget;
pub mod clock;
pub mod committed;
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
pub mod network;
pub mod page;
pub mod roles;
pub mod row;
pub mod secret;
pub mod security;
