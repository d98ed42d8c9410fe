//! VideoPlanet: a self-hosted appliance on which a video studio plans, uploads, reviews and delivers its films.
//!
//! The map of the house. Direction of calls: `server, cli → domain → engines → base`, never upward.
//!
//! - [`base`]: vocabulary. Errors, ids, events, jobs, time, pages, languages, roles. Data only.
//! - [`engines`]: machinery that knows no product. The store (SQLite), the queue, the hub, files and ffmpeg, metrics.
//! - [`domain`]: the product, a folder per noun, from left to right.
//! - [`server`]: how the outside gets in. HTTP, WebSocket, review pages, dashboard.
//! - [`cli`]: how the shell gets in.
//!
//! Between engines and domain: [`app`] holds what is open; [`effects`] says what follows a commit. Beside server:
//! [`work`] says which function runs which job. Who has read `server::http` (what comes in), [`effects`] and [`work`]
//! knows the flow; `docs/architecture.md` walks through it twice.

pub mod app;
pub mod base;
pub mod cli;
pub mod config;
pub mod domain;
pub mod effects;
pub mod engines;
pub mod server;
pub mod work;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
