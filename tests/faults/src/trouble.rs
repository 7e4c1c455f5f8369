//! Why a round did not come to its end.

use std::io;

use thiserror::Error;

/// What kept a round from ending.
#[derive(Debug, Error)]
pub enum Trouble {
    /// Something that the scenario needs is not here: not a failure, but told.
    #[error("skipped: {0}")]
    Skipped(String),
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// What the scenario expected did not come: a defect of server, client or harness.
    #[error("{0}")]
    Failed(String),
    /// The system refused what the harness itself asked for.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        error: io::Error,
    },
}

impl Trouble {
    /// Something that was expected did not come.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::Failed(what.into())
    }
}

/// Says what was tried when the system refused it.
pub trait Trying<T> {
    /// Names what was tried.
    ///
    /// # Errors
    /// [`Trouble::System`] in place of the system's error.
    fn trying(self, what: impl Into<String>) -> Result<T, Trouble>;
}

impl<T, E: Into<io::Error>> Trying<T> for Result<T, E> {
    fn trying(self, what: impl Into<String>) -> Result<T, Trouble> {
        self.map_err(|error| Trouble::System {
            what: what.into(),
            error: error.into(),
        })
    }
}
