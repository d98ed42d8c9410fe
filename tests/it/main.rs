//! The program from outside: one binary, a file per noun.

mod accounts;
mod admin;
mod answer;
mod bad_input;
mod browser;
mod budgets;
mod chromium;
mod clips;
mod comments;
mod crash;
mod durability;
mod media;
mod pages;
mod projects;
mod rooms;
mod studio;
mod tidy;
mod uploads;
