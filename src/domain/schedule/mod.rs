//! Phases of a project, entries of the calendar, memos.

pub mod routes;
