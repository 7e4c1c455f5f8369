//! Deliberate defects of the client, so that the simulator can be seen to find each of them.
//!
//! Compiled in by the feature `canaries` alone, and then chosen by name at run time, for the
//! calling thread. Without the feature [`is`] is `false` for the compiler too. The server's are in
//! `locker::canary`.

/// One defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canary {
    /// Deadlines count from when an answer comes.
    DeadlineFromReceipt,
    /// Deadlines count from when a request was last sent.
    DeadlineFromResend,
    /// A hold that was given back is taken back after a restart.
    ReclaimAfterRelease,
    /// A hold is asked for, and its answer taken, though its deadline has passed.
    LateGrantAccepted,
}

#[cfg(feature = "canaries")]
mod chosen {
    use super::Canary;
    use std::cell::Cell;

    thread_local! {
        static CHOSEN: Cell<Option<Canary>> = const { Cell::new(None) };
    }

    impl Canary {
        /// All of them, with the names that they are chosen by.
        pub const ALL: [(&'static str, Self); 4] = [
            ("deadline-from-receipt", Self::DeadlineFromReceipt),
            ("deadline-from-resend", Self::DeadlineFromResend),
            ("reclaim-after-release", Self::ReclaimAfterRelease),
            ("late-grant-accepted", Self::LateGrantAccepted),
        ];
    }

    /// Lets one defect loose in this thread, or none.
    pub fn choose(canary: Option<Canary>) {
        CHOSEN.set(canary);
    }

    /// Whether this defect is loose in this thread.
    #[inline]
    #[must_use]
    pub fn is(canary: Canary) -> bool {
        CHOSEN.get() == Some(canary)
    }
}

#[cfg(feature = "canaries")]
pub use chosen::{choose, is};

/// Whether this defect is loose: never.
#[cfg(not(feature = "canaries"))]
#[inline]
#[must_use]
pub const fn is(_: Canary) -> bool {
    false
}
