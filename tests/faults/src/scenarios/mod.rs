//! The scenarios: one kind of fault per file.

mod server_killed;

use crate::scenario::Scenario;

/// All scenarios.
pub const ALL: &[Scenario] = &[server_killed::SERVER_KILLED];
