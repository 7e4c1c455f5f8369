//! What the check found, worded for whoever runs the server.

use std::fmt;

use super::{Event, Want, What};
use crate::nanos::Nanos;

/// The promises that are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// 1: no two clients believe at once in holds whose modes exclude each other. A client
    /// believes from the receipt of the grant to the sending of the release, the end of its
    /// lease or session or the word that it lost the hold. Not seen: overlaps of no length, and
    /// those that only a clock finer than the clients' would show.
    Exclusion,
    /// 2: no more permits are believed in at once than the key's limit.
    Permits,
    /// 3: a token is greater than that of every grant received before its acquire was sent, and
    /// than that of every conflicting grant received before its own while its hold stands. No
    /// token comes twice. Not seen: tokens that went back among grants that were under way at
    /// once in modes that go together, or whose releases went with the acquires; twins among old
    /// tokens.
    Tokens,
    /// 4: acquires of a key are served in the order of arrival. Known to have arrived first are
    /// those sent first on one connection, and those whose arrival a read has proven before the
    /// other was sent. Who is served first has the smaller token; who timed out must not have
    /// been passed before. Not seen: that one was passed who was then refused, or whose
    /// connection broke.
    Order,
    /// 5: each acquire is answered once. That none goes without an answer is counted elsewhere.
    AnsweredOnce,
}

impl Rule {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Exclusion => 1,
            Self::Permits => 2,
            Self::Tokens => 3,
            Self::Order => 4,
            Self::AnsweredOnce => 5,
        }
    }

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exclusion => "exclusion",
            Self::Permits => "permits",
            Self::Tokens => "tokens",
            Self::Order => "order",
            Self::AnsweredOnce => "answered once",
        }
    }
}

/// How a rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// Two clients held the key at once in modes that exclude each other.
    Overlap {
        /// Which.
        clients: [u32; 2],
    },
    /// More permits were held than there are.
    TooManyPermits {
        /// How many there are.
        limit: usize,
        /// How many were held.
        held: usize,
    },
    /// Two grants of the key had the same token.
    TokenTwice {
        /// The client with the later one.
        client: u32,
        /// The token.
        token: u64,
    },
    /// A token is smaller than that of a grant which came before.
    TokenBack {
        /// The client that got it.
        client: u32,
        /// The token.
        token: u64,
        /// The greater one that came before.
        before: u64,
    },
    /// Somebody was served before one that was ahead of it in the queue.
    Passed {
        /// The client with the later place in the queue, or that was passed.
        client: u32,
        /// Its token.
        token: u64,
        /// The token that is on the wrong side of it.
        other: u64,
    },
    /// A waiter timed out though one from behind it had been served before.
    PassedAndTimedOut {
        /// The client that was passed.
        client: u32,
        /// The token of the one that passed it.
        other: u64,
    },
    /// An acquire was answered for the second time.
    AnsweredTwice {
        /// The client that asked.
        client: u32,
    },
    /// An answer came that no request waited for.
    Unasked {
        /// The client it is put down to.
        client: u32,
    },
}

impl Breach {
    /// The rule that was broken.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        match self {
            Self::Overlap { .. } => Rule::Exclusion,
            Self::TooManyPermits { .. } => Rule::Permits,
            Self::TokenTwice { .. } | Self::TokenBack { .. } => Rule::Tokens,
            Self::Passed { .. } | Self::PassedAndTimedOut { .. } => Rule::Order,
            Self::AnsweredTwice { .. } | Self::Unasked { .. } => Rule::AnsweredOnce,
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overlap { clients: [a, b] } => write!(
                f,
                "clients {a} and {b} held the key at once, in modes that exclude each other"
            ),
            Self::TooManyPermits { limit, held } => {
                write!(f, "{held} permits were held at once, of a limit of {limit}")
            }
            Self::TokenTwice { client, token } => {
                write!(
                    f,
                    "client {client} got token {token}, which was given before"
                )
            }
            Self::TokenBack {
                client,
                token,
                before,
            } => write!(
                f,
                "client {client} got token {token} after the greater token {before}"
            ),
            Self::Passed {
                client,
                token,
                other,
            } => write!(
                f,
                "client {client} got token {token} and another token {other}, against their \
                 order in the queue"
            ),
            Self::PassedAndTimedOut { client, other } => write!(
                f,
                "client {client} timed out, and token {other} had gone to one from behind it \
                 before its time was over"
            ),
            Self::AnsweredTwice { client } => {
                write!(f, "an acquire of client {client} was answered twice")
            }
            Self::Unasked { client } => write!(
                f,
                "the connection of client {client} got an answer that no request waited for"
            ),
        }
    }
}

/// A promise that the server broke, with the story of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// How.
    pub breach: Breach,
    /// The key's number.
    pub key: u32,
    /// When it was plain.
    pub at: Nanos,
    /// The key's last events, oldest first.
    pub story: Vec<Event>,
    /// Older events of the key that the story leaves out, as far as known.
    pub left_out: usize,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.breach.rule();
        let (number, name) = (rule.number(), rule.name());
        writeln!(
            f,
            "safety violation of rule {number} ({name}) on key {}:",
            self.key
        )?;
        writeln!(f, "  {}.", self.breach)?;
        writeln!(
            f,
            "history of key {}, in microseconds before the violation:",
            self.key
        )?;
        if self.left_out > 0 {
            writeln!(f, "  ({} older events are left out)", self.left_out)?;
        }
        for event in &self.story {
            self.line(f, event)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violation {}

impl Violation {
    /// Microseconds from an instant to the violation, before it negative.
    fn relative(&self, instant: Nanos) -> f64 {
        (instant.since(self.at).0 as f64 - self.at.since(instant).0 as f64) / 1e3
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, event: &Event) -> fmt::Result {
        let at = self.relative(event.at);
        let (client, count) = (event.acquire.client, event.acquire.count);
        write!(f, "{at:>14.3}  client {client:<5} acquire {count:<7} ")?;
        match event.what {
            What::Asked { want, connection } => {
                writeln!(f, "asks, {}, on connection {connection}", manner(want))
            }
            What::Arrived => writeln!(f, "is known to be in the queue"),
            What::Granted {
                want,
                asked_at,
                token,
                until,
                ..
            } => {
                let asked = self.relative(asked_at);
                write!(f, "is granted, {}, token {token}, asked at ", manner(want))?;
                write!(f, "{asked:.3}, ")?;
                match until {
                    Nanos::FOREVER => writeln!(f, "no lease"),
                    until => writeln!(f, "lease until {:.3}", self.relative(until)),
                }
            }
            What::Released => writeln!(f, "sends its release"),
            What::Lost => writeln!(f, "hears that the hold is lost"),
            What::Denied => writeln!(f, "is refused"),
            What::TimedOut => writeln!(f, "is told that its wait is over"),
            What::Forgotten => writeln!(f, "gives up: its connection is gone"),
            What::Stranded { until } => {
                let until = self.relative(until);
                writeln!(
                    f,
                    "lost its connection, and holds until {until:.3} at least"
                )
            }
            What::Unasked => writeln!(f, "gets an answer that no request waited for"),
        }
    }
}

fn manner(want: Want) -> String {
    match want {
        Want::Exclusive => "exclusive".to_owned(),
        Want::Shared => "shared".to_owned(),
        Want::Permit(limit) => format!("one permit of {limit}"),
    }
}
