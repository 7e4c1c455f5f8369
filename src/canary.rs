//! Deliberate defects, so that the simulator can be seen to find each of them.
//!
//! Compiled in by the feature `canaries` alone, and then chosen by name at run time, for the
//! calling thread: one build tests them all. Without the feature [`is`] is `false` for the compiler
//! too, and nothing of them is in the program. No release is built with it.
//!
//! Each stands where the right code stands, next to the line that it breaks. The client's are in
//! `locker_client::machine::canary`; tests/sim/README.md says which oracle finds which.

/// One defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Canary {
    /// A Release sent again is run again.
    ReleaseRunsTwice,
    /// A turn reads the clock before it takes in what came.
    ClockBeforeReap,
    /// Bytes of a connection count after its session was resumed on another.
    OldConnectionHeard,
    /// The end of a session is heard before the acquires that left ahead of it.
    EndOvertakes,
    /// A grant that finds its lane full is sent no more.
    GrantDropped,
    /// The waiter of a session that ends is granted, and stays so.
    DeadWaiterGranted,
    /// A session hears HelloOk before its TTL is durable.
    BoundAfterHello,
    /// Keys open before the floor is durable.
    FloorAfterGrant,
    /// Any earlier run's holds are taken back.
    NoFloor,
    /// The grace window is a tenth shorter than the longest TTL.
    ShortWindow,
    /// The record says clean though holds are left.
    CleanWithHolds,
    /// A grant wants a block of its own and gives up when there is none.
    GrantAllocates,
    /// A counter at its end begins its epoch anew.
    TokenReused,
    /// Whoever fits is granted, past a waiter that wants more.
    WideHeadOvertaken,
    /// A resumed session hears its answers twice.
    AnsweredTwice,
    /// The timer of a wait stays armed when the waiter's block becomes a hold.
    StaleTimer,
    /// A shard that announced its sleep does not look again.
    SleepWithoutLook,
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
        pub const ALL: [(&'static str, Self); 17] = [
            ("release-runs-twice", Self::ReleaseRunsTwice),
            ("clock-before-reap", Self::ClockBeforeReap),
            ("old-connection-heard", Self::OldConnectionHeard),
            ("end-overtakes", Self::EndOvertakes),
            ("grant-dropped", Self::GrantDropped),
            ("dead-waiter-granted", Self::DeadWaiterGranted),
            ("bound-after-hello", Self::BoundAfterHello),
            ("floor-after-grant", Self::FloorAfterGrant),
            ("no-floor", Self::NoFloor),
            ("short-window", Self::ShortWindow),
            ("clean-with-holds", Self::CleanWithHolds),
            ("grant-allocates", Self::GrantAllocates),
            ("token-reused", Self::TokenReused),
            ("wide-head-overtaken", Self::WideHeadOvertaken),
            ("answered-twice", Self::AnsweredTwice),
            ("stale-timer", Self::StaleTimer),
            ("sleep-without-look", Self::SleepWithoutLook),
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
