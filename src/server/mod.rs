//! How the outside gets in. Thin: it holds no rule of the product.

pub mod admin;
pub mod http;
pub mod web;
pub mod ws;
