//! The program from outside: one binary, a file per noun.

mod accounts;
mod admin;
mod anonymity;
mod answer;
mod bad_input;
mod browser;
mod budgets;
mod chromium;
mod clips;
mod comments;
mod contract;
mod crash;
#[path = "../../benches/data/mod.rs"]
mod data;
mod durability;
mod exchange;
mod media;
mod openapi;
mod pages;
mod projects;
mod rights;
mod rooms;
mod search;
mod search_index;
mod search_rights;
mod stale;
mod storage;
mod studio;
mod tidy;
mod uploads;
