//! A request that the server refused.

use std::fmt;

use locker_protocol::StatusClass;

pub use locker_protocol::Status;

/// Why the server refused a request; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The wire status: which limit or rule.
    pub status: Status,
    /// The limit that was met; its meaning per status stands in docs/PROTOCOL.md.
    pub limit: u64,
    /// The value that met it.
    pub value: u64,
    /// For people.
    pub detail: String,
}

impl Refusal {
    /// Whether the same request may succeed later: the server is full, busy, starting or stopping.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.status.class() == StatusClass::TryAgain
    }
}

impl From<locker_protocol::Refusal<'_>> for Refusal {
    fn from(refusal: locker_protocol::Refusal<'_>) -> Self {
        Self {
            status: refusal.status,
            limit: refusal.limit,
            value: refusal.value,
            detail: refusal.detail.to_owned(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for (text, number) in [
            (self.status.limit_text(), self.limit),
            (self.status.value_text(), self.value),
        ] {
            if !text.is_empty() {
                write!(f, ", {text} {number}")?;
            }
        }
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}
