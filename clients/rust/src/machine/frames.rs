//! How much was said.

/// Frames of a machine since it was made, greetings and keepalives included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frames {
    /// Written for the server.
    pub sent: u64,
    /// Read from the server.
    pub received: u64,
}
