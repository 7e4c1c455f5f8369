//! Room for connections among the process's open files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::error::RunError;

/// Descriptors besides connections: standard streams, polls of each thread, files of the report.
const OTHERS: u64 = 64;

/// Raises the soft limit as far as the connections need it.
///
/// # Errors
/// The hard limit is too low.
pub(super) fn make_room(connections: u32, threads: u16) -> Result<(), RunError> {
    let needed = u64::from(connections) + 4 * u64::from(threads) + OTHERS;
    let limits = getrlimit(Resource::Nofile);
    let covers = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if covers(limits.current) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum: limits.maximum,
    };
    if covers(limits.maximum) && setrlimit(Resource::Nofile, raised).is_ok() {
        return Ok(());
    }
    Err(RunError::Descriptors {
        connections,
        needed,
        limit: limits.maximum.or(limits.current).unwrap_or(u64::MAX),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn more_connections_than_the_hard_limit_are_refused_with_the_figures() {
        // No system allows as many descriptors as there are 32-bit numbers.
        let error = make_room(u32::MAX, 1).unwrap_err();
        let RunError::Descriptors { needed, limit, .. } = error else {
            panic!("{error}");
        };
        assert!(needed > limit);
    }

    #[test]
    fn a_few_connections_fit() {
        make_room(10, 1).unwrap();
    }
}
