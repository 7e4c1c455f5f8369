//! Room for sockets among the open files of this process and of those that it starts.

use std::fmt;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More descriptors are needed than the hard limit allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Descriptors needed.
    pub needed: u64,
    /// Descriptors allowed.
    pub limit: u64,
}

impl fmt::Display for Shortage {
    fn fmt(&self, into: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed, limit } = self;
        write!(
            into,
            "{needed} open files are needed and the hard limit is {limit}: ask for fewer \
             connections, or raise it (`ulimit -Hn`)"
        )
    }
}

impl std::error::Error for Shortage {}

/// Descriptors besides those of connections: standard streams, rings, polls, files.
const OTHERS: u64 = 128;

/// Raises the soft limit of open files, if it is lower, to so many connections and what a program
/// needs besides; children inherit it.
///
/// # Errors
/// The hard limit is lower.
pub fn make_room(connections: u64) -> Result<(), Shortage> {
    let needed = connections.saturating_add(OTHERS);
    let limits = getrlimit(Resource::Nofile);
    if limits.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum: limits.maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(|_| Shortage {
        needed,
        limit: limits.maximum.unwrap_or(u64::MAX),
    })
}

/// The hard limit of open files; none if there is none.
#[must_use]
pub fn hard_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn few_fit_and_more_than_any_system_allows_do_not() {
        make_room(64).unwrap();
        let shortage = make_room(u64::MAX - OTHERS - 1).unwrap_err();
        assert!(shortage.limit < shortage.needed);
        assert!(shortage.to_string().contains("ulimit"), "{shortage}");
    }
}
