//! The safety check: what the clients saw, held against what locks promise. Pure.
//!
//! ```text
//!   events of the threads -> merge (by time) -> ledger -> history (the last ones, for the story)
//!                                                 |
//!                 cell per key (32 B): greatest token, the one exclusive hold
//!                 crowd, where a cell does not do: several holds, known arrivals
//!                 asker per client: what it waits for, what its token must lie between
//! ```
//!
//! Clients tell what happened as [`Event`]s. An instant in an event is never earlier than a grant
//! and never later than a release really was, so two intervals that overlap here overlapped in
//! truth. No rule ever alarms for a server that keeps its promises, as long as the clocks of the
//! generator's cores differ by less than a round trip and an operator does not force holds free;
//! what each rule cannot see stands with [`Rule`].

mod askers;
mod cell;
mod crowd;
mod grants;
mod history;
pub mod ledger;
mod merge;
pub mod sessions;
mod stairs;
pub mod violation;

use crate::nanos::Nanos;
pub use ledger::Ledger;
pub use sessions::SessionDeadlines;
pub use violation::{Breach, Rule, Violation};

/// How a key is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Alone.
    Exclusive,
    /// Together with other shared holds.
    Shared,
    /// One permit of this limit.
    Permit(u32),
}

/// One acquire, as the clients tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AcquireId {
    /// The client's number over all threads: `connection * inflight + place`.
    pub client: u32,
    /// Counts the acquires of the client, from 1.
    pub count: u64,
}

/// What happened to an acquire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is about to be sent. Told only of acquires that may wait.
    Asked {
        /// How.
        want: Want,
        /// The connection that carries it: one connection's acquires of a key arrive in order.
        connection: u32,
    },
    /// It is known to have reached the key's queue: a read sent behind it was answered.
    Arrived,
    /// The grant was received.
    Granted {
        /// How.
        want: Want,
        /// When the acquire was sent.
        asked_at: Nanos,
        /// Its fencing token.
        token: u64,
        /// Until when the client may believe in it by its lease; `FOREVER` without one.
        until: Nanos,
        /// Its session, by number over all threads and lives: its deadline ends the hold too.
        session: u32,
    },
    /// The release is about to be sent. Told after the grant: a release that was sent together
    /// with its acquire is told with the grant's instant.
    Released,
    /// The server said that the hold is lost.
    Lost,
    /// The acquire was refused, whatever the reason but [`What::TimedOut`].
    Denied,
    /// The acquire was refused because the wait that the plan gives it was over.
    TimedOut,
    /// Its connection is gone, so it is not known what became of it: no client believes in it.
    Forgotten,
    /// Its connection is gone while it held, and its client goes on in another session: whoever was
    /// its holder may believe in it until its lease ends, or until this instant.
    Stranded {
        /// Until when its session surely lives.
        until: Nanos,
    },
    /// An answer came that no request waited for: a second one, or one under a wrong id. Told of
    /// the client's newest acquire, or of the connection's first client if the id names none.
    Unasked,
}

/// Something that a client saw or is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, on the generator's clock.
    pub at: Nanos,
    /// The key's number.
    pub key: u32,
    /// Which acquire.
    pub acquire: AcquireId,
    /// What.
    pub what: What,
}

#[cfg(test)]
mod tests;
