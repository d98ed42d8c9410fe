//! The program from outside: one binary, a file per noun.

mod accounts;
mod admin;
mod admin_realtime;
mod anonymity;
mod answer;
mod asyncapi;
mod bad_input;
mod browser;
mod browser_film;
mod browser_live;
mod browser_plans;
mod budgets;
mod chaos;
mod chromium;
mod clips;
mod comments;
mod contract;
mod corpus;
mod crash;
mod crowd;
#[path = "../../benches/data/mod.rs"]
mod data;
mod deleted;
// The same chance as in the unit tests.
#[allow(dead_code)]
#[path = "../../src/base/dice.rs"]
mod dice;
mod durability;
mod exchange;
mod films;
mod frames;
mod harm;
mod hostile;
mod jobs;
mod kill;
mod media;
mod mine;
mod model;
mod openapi;
mod pages;
mod pages_plans;
mod plans;
mod projects;
mod recipes;
mod renditions;
mod rights;
mod rooms;
mod schedule;
mod schema;
mod search;
mod search_index;
mod search_rights;
mod seats;
mod stale;
mod storage;
mod storyboard;
mod studio;
mod tidy;
mod together;
mod upkeep;
mod uploads;
