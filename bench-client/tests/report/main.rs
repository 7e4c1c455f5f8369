//! Reports of made-up runs: what is written stays as it was, and a browser draws it.

#![allow(clippy::unwrap_used)]

mod browser;
mod command;
mod compare;
mod example;
mod golden;
mod schema;
