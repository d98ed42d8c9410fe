//! The program from outside: one binary, a file per noun.

mod admin;
mod browser;
mod chromium;
mod clips;
mod crash;
mod durability;
mod media;
mod pages;
mod rooms;
mod studio;
mod tidy;
mod uploads;
