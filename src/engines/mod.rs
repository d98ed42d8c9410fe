//! Machinery that knows no product: it moves rows, bytes, messages and child processes.

pub mod access;
pub mod alerts;
pub mod backup;
pub mod cache;
pub mod compress;
pub mod ffmpeg;
pub mod files;
pub mod ground;
pub mod hub;
pub mod index;
pub mod limits;
pub mod log;
pub mod machine;
pub mod mail;
pub mod metrics;
pub mod outbound;
pub mod outbound_knock;
pub mod paper;
pub mod queue;
pub mod schedule;
pub mod store;
pub mod systemd;
pub mod tls;
pub mod trace;
