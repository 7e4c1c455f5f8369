//! A folder of a round's own.

use tempfile::TempDir;

use crate::trouble::{Trouble, Trying as _};

/// A folder in memory where there is one: a disk under somebody else's load may take seconds for
/// the few bytes that a server waits for.
///
/// # Errors
/// The system refuses.
pub fn fresh() -> Result<TempDir, Trouble> {
    let named = || {
        let mut named = tempfile::Builder::new();
        named.prefix("faults-");
        named
    };
    let in_memory = named().tempdir_in("/dev/shm");
    in_memory
        .or_else(|_| named().tempdir())
        .trying("cannot make a folder")
}
