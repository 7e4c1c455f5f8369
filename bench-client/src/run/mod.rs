//! `locker-bench run`: one run from its flags to its report.

pub mod options;
pub mod outputs;
pub mod progress;
pub mod search;
