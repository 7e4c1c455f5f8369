//! The machine and the processes on it: cores, processor time, children. Shell.
//!
//! ```text
//!   server (locker)   peer (any other server: port, scratch folder)
//!          \             /                       inquiry: what a locker tells of itself
//!           child: fork, pin, log, stop          cpu: cores, what processes cost
//! ```

pub mod child;
mod child_error;
pub mod cpu;
pub mod descriptors;
pub mod inquiry;
pub mod machine;
pub mod peer;
pub mod program;
pub mod scratch;
pub mod server;

pub use child_error::ChildError;
