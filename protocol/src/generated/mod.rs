//! What follows from the table.
//!
//! Generated from `table.toml`; do not edit.

mod constants;
mod counters;
mod dispatch;
mod enums;
mod pushes;
mod records;
mod refusal;
mod replies;
mod requests;
mod status;

pub use constants::*;
pub use counters::*;
pub use dispatch::*;
pub use enums::*;
pub use pushes::*;
pub use records::*;
pub use refusal::*;
pub use replies::*;
pub use requests::*;
pub use status::*;
