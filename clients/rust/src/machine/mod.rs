//! The protocol machine: everything the client knows about the protocol, and no IO.
//!
//! A [`Machine`] reads no clock and no socket, starts no thread and draws no random number. It is
//! told what is wanted and what arrived, with the time, and it says what to send, what happened
//! and when it wants to be called again:
//!
//! ```text
//!   acquire, release, renew, cancel, ... ──▶ ┌─────────┐ ──▶ take_output   bytes for the socket
//!   connected, received, disconnected    ──▶ │ Machine │ ──▶ next_event    outcomes, losses
//!   handle_timeout                       ──▶ └─────────┘ ──▶ next_deadline when to call again
//! ```
//!
//! The same calls with the same times give the same bytes and events, so that every behaviour is
//! tested in virtual time, and another front (async, another language's runtime) can be put around
//! the same machine.
//!
//! What it does:
//! - **Seats.** One request per seat; calls queue while all seats are used. See `seats`.
//! - **Exactly once.** Unanswered requests are resent after a resume, in order, under their ids.
//! - **Holds.** A hold is believed in only while its own deadline and the session's lie ahead;
//!   both count from before the send of an answered request, less the clock margin. See `clock`.
//!   After a resume each hold is believed in only up to the old session deadline, until the server
//!   has confirmed it.
//! - **Settling.** A hold declared lost on our own account is released, and an acquire given up is
//!   cancelled with release, ahead of every later request; so the key is never used unsettled.
//! - **The end of a session.** Its holds are lost; its unanswered acquires queue again in the next.
//! - **A restart of the server.** Each hold is believed in to its old deadline, and asked for in
//!   the next session; see `reclaiming`. Acquires that wait go on waiting.

mod answer;
mod attach;
mod call;
#[doc(hidden)]
pub mod canary;
mod check;
mod clock;
mod encode;
mod event;
mod frames;
mod holds;
mod instant;
mod losing;
mod peer;
mod reclaiming;
mod refusal;
mod request;
mod requests;
mod seats;
mod session;
mod settings;
mod state;
mod timeout;
mod timers;
mod view;

#[cfg(test)]
mod tests;

pub use attach::Broken;
pub use call::{
    Acquire, AutoRenew, CallId, ForceDelay, ForceRelease, HoldId, Lease, Mode, Read, Wait,
};
pub use clock::{Anchor, Margin, ServerClock};
pub use event::{Ended, Event, LostReason, Outcome};
pub use frames::Frames;
pub use instant::Instant;
pub use peer::Peer;
pub use refusal::{Refusal, Status};
pub use settings::{OnDisconnect, Purpose, ServerInfo, Settings};
pub use state::Machine;
pub use view::{
    CounterId, CounterPage, HolderView, KeyView, LockPage, LockView, ModeName, SessionPage,
    SessionState, SessionView, WaiterView,
};
