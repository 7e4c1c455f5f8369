//! What the machine reports.

use std::time::Duration;

use super::call::{CallId, HoldId};
use super::refusal::Refusal;
use super::view::{CounterPage, KeyView, LockPage, SessionPage};

/// One thing that happened; taken from the machine in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call's one outcome.
    Answered {
        /// The call.
        call: CallId,
        /// How it ended.
        outcome: Outcome,
    },
    /// A hold ended without being released. Comes at most once for a hold, never after its release.
    HoldLost {
        /// The hold.
        hold: HoldId,
        /// Why.
        reason: LostReason,
    },
    /// The server was restarted and has given a hold back, with its token: it goes on.
    HoldReclaimed {
        /// The hold.
        hold: HoldId,
    },
    /// The server is in contact.
    Attached {
        /// Whether the session went on, rather than a new one being opened.
        resumed: bool,
    },
    /// The machine is finished: every later call fails alike, and it wants no connection.
    Ended(Ended),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The acquire holds.
    Granted {
        /// The hold, for renewing and releasing.
        hold: HoldId,
        /// The fencing token, greater than every earlier one on this key.
        token: u64,
    },
    /// The acquire was not granted within its wait; it holds nothing.
    Timeout,
    /// The call was given up by `cancel`.
    Cancelled,
    /// The release ended the hold, which stood until then.
    Released,
    /// The hold's lease was renewed.
    Renewed,
    /// The hold was lost; for an acquire: granted and lost before its answer came.
    Lost(LostReason),
    /// The server knows no such hold, and this client does not know of its loss.
    NotHeld,
    /// The server refused, and nothing changed.
    Refused(Refusal),
    /// The forced release ended this many holds.
    Forced {
        /// Holds ended.
        ended: u32,
        /// The key stays closed this long.
        closed: Duration,
    },
    /// The session is closed.
    Closed,
    /// About one key.
    Key(Box<KeyView>),
    /// A page of keys.
    Locks(LockPage),
    /// A page of sessions.
    Sessions(SessionPage),
    /// A page of counters.
    Counters(CounterPage),
    /// The server answered a ping.
    Pong {
        /// Its clock, in microseconds since its run began.
        server_now: u64,
    },
    /// No answer came in time; whether the server acted is not known. An acquire is undone.
    NoAnswer,
    /// The machine is finished.
    Ended(Ended),
}

/// Why a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LostReason {
    /// Its lease passed.
    Lease,
    /// The session ended, or was out of contact so long that it may have.
    Session,
    /// An operator released it by force.
    Forced,
    /// The server does not have it; how it ended is not known.
    Unknown,
}

/// Why a machine is finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Somebody else resumed this session.
    TakenOver,
    /// The session was closed by this client.
    Closed,
    /// The server will not have this client: no common version, or a greeting it refuses for good.
    Rejected(Refusal),
}
