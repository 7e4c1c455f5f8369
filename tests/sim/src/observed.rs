//! What can be seen of a run, mostly with clients' eyes: what the oracles judge.

use crate::agenda::LinkId;
use crate::moment::Moment;
use crate::network::Cut;
use crate::plan::Fault;
use crate::server::{Ending, Fate};
use locker_client::machine::LostReason;

/// One life of a client: a process that may be killed, or close its session, and be followed by
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    /// The client.
    pub client: u8,
    /// Which of its lives.
    pub life: u32,
}

/// A key, by its place in the plan's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub usize);

/// How a hold shares its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Share {
    /// Alone.
    Exclusive,
    /// With others that share.
    Shared,
    /// So many of so many permits.
    Permits {
        /// Held.
        held: u32,
        /// In all, as this request has it.
        limit: u32,
        /// The request changes the key's limit.
        resize: bool,
    },
}

/// A call's outcome, without what it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// Granted.
    Granted,
    /// Not within its wait.
    Timeout,
    /// Given up by the program.
    Cancelled,
    /// Released.
    Released,
    /// Renewed.
    Renewed,
    /// Granted and lost, or lost before.
    Lost,
    /// No such hold.
    NotHeld,
    /// Refused, with this status.
    Refused(u16),
    /// Forced.
    Forced,
    /// Closed.
    Closed,
    /// A page, or a pong.
    Told,
    /// No answer in time.
    NoAnswer,
    /// The machine is finished.
    Ended,
}

/// What a program asks of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ask {
    /// A lock.
    Acquire {
        /// The key.
        key: Key,
        /// The mode.
        share: Share,
        /// Microseconds that it may wait; `None` = for ever.
        wait_us: Option<u64>,
        /// The lease in microseconds; `None` = the session's.
        lease_us: Option<u64>,
    },
    /// To give a hold back.
    Release {
        /// Which.
        hold: u64,
    },
    /// To renew a hold.
    Renew {
        /// Which.
        hold: u64,
        /// The lease in microseconds; `None` = the session's.
        lease_us: Option<u64>,
    },
    /// To end all holds of a key.
    Force {
        /// The key.
        key: Key,
        /// The key stays closed so long; `None` = the holder's TTL.
        delay_us: Option<u64>,
    },
    /// A question.
    Read,
    /// To end the session.
    Close,
}

/// Why a client believes in a hold no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The program gave it back: from before its request left.
    Released,
    /// The client says that it is lost.
    Lost(LostCause),
    /// The process died, or its client finished.
    Gone,
}

/// [`LostReason`], with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LostCause {
    /// Its lease passed.
    Lease,
    /// Its session ended.
    Session,
    /// By force.
    Forced,
    /// The server does not have it.
    Unknown,
}

impl From<LostReason> for LostCause {
    fn from(reason: LostReason) -> Self {
        match reason {
            LostReason::Lease => Self::Lease,
            LostReason::Session => Self::Session,
            LostReason::Forced => Self::Forced,
            LostReason::Unknown => Self::Unknown,
        }
    }
}

/// A request as it goes out on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Said {
    /// Opens a session, or resumes one.
    Hello {
        /// Resumes.
        resume: bool,
        /// The attach number.
        attach: u32,
    },
    /// Asks for a key.
    Acquire {
        /// The owner: names the hold.
        owner: u64,
        /// The key.
        key: Key,
        /// How long it waits, in milliseconds, as the wire has it.
        wait_ms: u32,
        /// The lease, as the wire has it.
        lease_ms: u32,
    },
    /// Ends a hold.
    Release {
        /// The owner.
        owner: u64,
        /// The token.
        token: u64,
        /// The key.
        key: Key,
    },
    /// Renews a hold, or asks for it.
    Renew {
        /// The owner.
        owner: u64,
        /// The token.
        token: u64,
        /// The key.
        key: Key,
        /// The lease, as the wire has it.
        lease_ms: u32,
    },
    /// Takes a hold back after a restart.
    Reclaim {
        /// The owner.
        owner: u64,
        /// The token.
        token: u64,
        /// The key.
        key: Key,
        /// The run that granted it, or confirmed it last.
        run: u64,
    },
    /// Ends the wait of an acquire, or its hold.
    Cancel {
        /// The request that it ends.
        acquire: u64,
        /// The owner.
        owner: u64,
        /// The key.
        key: Key,
    },
    /// Ends others' holds.
    Force {
        /// The key.
        key: Key,
        /// The token; 0 = all of them.
        token: u64,
        /// How long the key stays closed, as the wire has it.
        delay_ms: u32,
    },
    /// Ends the session.
    Close,
    /// A question, or a ping.
    Read,
}

/// A reply or a push as it comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Told {
    /// Greeted.
    HelloOk {
        /// The session.
        session: u64,
        /// The server's run.
        run: u64,
        /// The session went on.
        resumed: bool,
        /// How long keys stay closed.
        grace_left_ms: u32,
        /// The TTL.
        ttl_ms: u32,
    },
    /// The key is held.
    Granted {
        /// The token.
        token: u64,
        /// Its end on the server's clock; 0 = the session's.
        until: u64,
        /// The server's clock.
        server_now: u64,
    },
    /// The hold stands.
    Renewed {
        /// Its end on the server's clock; 0 = the session's.
        until: u64,
        /// The server's clock.
        server_now: u64,
    },
    /// The hold stands again.
    Reclaimed,
    /// The hold ended.
    Released,
    /// The acquire waits no more, or its hold ended.
    CancelDone,
    /// Holds were ended.
    Forced {
        /// How many.
        ended: u32,
    },
    /// Not done.
    Refused {
        /// The status' number.
        status: u16,
    },
    /// All is released.
    Closed,
    /// An answer to a question, or a pong.
    Answer,
    /// A hold was ended by the server.
    Lost {
        /// The owner.
        owner: u64,
        /// The token.
        token: u64,
    },
    /// The session is over.
    SessionEnded,
    /// The connection will end.
    GoAway,
    /// An error that answers nothing.
    Fault {
        /// The status' number.
        status: u16,
    },
}

/// One thing that was seen, at a moment of true time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Observed {
    /// A request leaves a client, whether the network takes it or not; again after a resume.
    Said {
        /// Who.
        who: Who,
        /// On which connection.
        link: LinkId,
        /// The request's id.
        request: u64,
        /// What.
        said: Said,
    },
    /// A frame comes in, before the client looks at it.
    Told {
        /// Who.
        who: Who,
        /// On which connection.
        link: LinkId,
        /// The request's id; 0 = none.
        request: u64,
        /// What.
        told: Told,
    },
    /// A program asks; the client sends it when it can.
    Asked {
        /// Who.
        who: Who,
        /// Names the call within this life.
        call: u64,
        /// What.
        ask: Ask,
    },
    /// The program gives a call up.
    GaveUp {
        /// Who.
        who: Who,
        /// Which call.
        call: u64,
    },
    /// The call's outcome.
    Answered {
        /// Who.
        who: Who,
        /// Which call.
        call: u64,
        /// The outcome.
        answer: Answer,
    },
    /// A client believes in a new hold.
    Granted {
        /// Who.
        who: Who,
        /// Names the hold within this life: the call that asked.
        hold: u64,
        /// The key.
        key: Key,
        /// The mode.
        share: Share,
        /// The fencing token.
        token: u64,
        /// Until when it believes unless it hears more, by its own deadline, in true time.
        until: Moment,
    },
    /// A client believes in a hold for longer, or for less long.
    Believes {
        /// Who.
        who: Who,
        /// Which hold.
        hold: u64,
        /// Until when, in true time.
        until: Moment,
    },
    /// A client believes in a hold no more.
    Ended {
        /// Who.
        who: Who,
        /// Which hold.
        hold: u64,
        /// Why.
        why: Why,
    },
    /// A client is in contact.
    Attached {
        /// Who.
        who: Who,
        /// The session went on.
        resumed: bool,
        /// Its id.
        session: u64,
        /// The server's run.
        run: u64,
    },
    /// A client's connection is over; it makes another.
    Detached {
        /// Who.
        who: Who,
    },
    /// A client goes on with a hold of before a restart.
    TookBack {
        /// Whose.
        who: Who,
        /// Which.
        hold: u64,
    },
    /// A client's life is over.
    Died {
        /// Who.
        who: Who,
    },
    /// The server listens.
    Started {
        /// The epoch of the run.
        run: u64,
        /// Its shards.
        shards: usize,
        /// How long its grace window is, in milliseconds; 0 = none.
        window_ms: u32,
    },
    /// The server died.
    Crashed {
        /// What became of a write under way.
        fate: Option<Fate>,
    },
    /// The server stopped in order.
    Stopped {
        /// How.
        how: Ending,
    },
    /// A fault struck.
    Struck {
        /// Its kind.
        fault: Fault,
        /// The client whom it concerns, if one.
        client: Option<u8>,
        /// How a connection was cut.
        cut: Option<Cut>,
        /// How long it lasts, in microseconds, if it does.
        lasts: u64,
    },
    /// No fault strikes any more, and nobody asks for more.
    Calm,
}
