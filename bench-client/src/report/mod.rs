//! What a run found, for people and for programs.
//!
//! ```text
//!   facts::RunFacts -> model::Report -+-> text, html       for people
//!       (of a run)      ^             +-> json             for programs, and for later
//!                       |             +-> csv, hgrm        for plotters
//!                       +-- json ----<+-> slo              a judgement
//! ```
//!
//! All is pure: files are the caller's.

pub mod csv;
pub mod facts;
pub mod grid;
pub mod hgrm;
pub mod html;
pub mod json;
pub mod model;
pub mod slo;
pub mod text;
pub mod units;
pub mod versus;
