//! What is shown while a run is under way.
//!
//! ```text
//!   threads --a finished second each--> Gather --once all have told it--> Live --> Display
//! ```

pub mod display;
pub mod gather;
pub mod live;

pub use display::Display;
pub use gather::{Gather, Told};
pub use live::Live;
