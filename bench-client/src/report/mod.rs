//! What a run found, for people and for programs.

pub mod facts;
pub mod html;
pub mod units;
