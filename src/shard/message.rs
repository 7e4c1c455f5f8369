//! What travels in a lane: inputs to the engine there, its answers and events, and reads.
//!
//! One message is one tag byte and its fields, little-endian, variable parts last. Both ends are
//! the same program, so a message that does not decode is our own bug and panics.
//!
//! Sizes are public where the home shard reserves room for an answer before it forwards a request.
//!
//! # What a forwarded request costs
//! Beside what it would cost at home, a try and its release on a key of 32 bytes without metadata:
//!
//! | | acquire | release |
//! |---|---|---|
//! | bytes in the lane there, with length and padding | 84 | 72 |
//! | bytes in the lane back | 40 | 24 |
//! | copies of the key: into the message, the lane, the batch | 3 (1 at home) | 3 |
//! | cache lines that change cores, both ways | 2 to 3 | 2 |
//! | hops | 2 | 2 |
//!
//! Per turn and pair of shards, however many messages: two lines of the lane's indices each way,
//! and a wake-up if the other shard sleeps (one system call). No system call per request, and no
//! send of its own: answers that come back in the next turn leave together with those that were
//! there at once (`Io::cork`). The seat's record and the connection are met a second time when the
//! answer comes, out of the first cache by then.
//!
//! `cargo run --release -p locker-bench --example lane_round_trip` measures the hop,
//! `locker-bench compare --peers locker,locker-shards` what all of it comes to.

mod address;
mod answer;
mod op;

use crate::limits::READ_REPLY_BYTES_MAX;
use crate::lock::effect::{Answer, Event, LostReason};
use crate::lock::input::{Input, Peer};
use crate::lock::op::{ReaderRef, ReplyTo};
use crate::shard::bytes::{Reader, Writer};
use crate::time::Millis;
use address::{
    closure_ref, read_closure, read_reader, read_reply_to, read_session_ref, reader, reply_to,
    session_ref,
};
use answer::{decode_answer, encode_answer};
use op::{decode_op, encode_op};

/// Bytes of the longest immediate answer to a request: what is reserved for it.
pub const ANSWER_BYTES: usize = 1 + 14 + 1 + 1 + 18;
/// Bytes of the longest read reply: what is reserved for it.
pub const READ_REPLY_MESSAGE_BYTES: usize = 1 + 18 + 4 + READ_REPLY_BYTES_MAX;
/// Bytes of [`Input::LostTold`]: reserved by the owner shard before it sends such a Lost.
pub const LOST_TOLD_BYTES: usize = 1 + 6;
/// Bytes of [`Message::Queued`]: always within the reservation of one answer.
pub const QUEUED_BYTES: usize = 1 + 14;
/// Bytes of a request beside its key and metadata, at most.
pub const REQUEST_BYTES: usize = 1 + 14 + 44 + 4;
/// Bytes of a session's announcement, at most.
pub const SESSION_OPEN_BYTES: usize = 1 + 12 + 4 + 18 + 2 + crate::limits::NAME_BYTES_MAX;
/// Bytes of a session's end.
pub const SESSION_END_BYTES: usize = 1 + 12;
/// Bytes of a read beside its key or prefix.
pub const READ_BYTES: usize = 1 + 18 + 8 + 2;
/// Bytes of a Lost beside its key, at most.
pub const LOST_BYTES: usize = 1 + 14 + 16 + 1 + 1 + 6 + 2;
/// Bytes of the longest message.
pub const MESSAGE_BYTES_MAX: usize = READ_REPLY_MESSAGE_BYTES;

const _: () = assert!(
    QUEUED_BYTES <= ANSWER_BYTES,
    "a notice stands in for an answer"
);

/// A read that the home part of another shard serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HomeRead {
    /// A page of its sessions, from this slot on.
    Sessions {
        /// The slot.
        from_slot: u64,
    },
    /// Its counters.
    Stats,
}

/// One message of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// To the engine there.
    Input(Input<'a>),
    /// To the home part there.
    HomeRead {
        /// Where the reply goes.
        to: ReaderRef,
        /// What is read.
        read: HomeRead,
    },
    /// The immediate answer to a request; gives its reservation back.
    Answer {
        /// The request.
        to: ReplyTo,
        /// Its answer.
        answer: Answer,
        /// See [`crate::lock::Effects::answer`].
        lost_pending: bool,
    },
    /// An acquire queued: its answer is an event to come, its reservation is free again.
    Queued {
        /// The request.
        to: ReplyTo,
    },
    /// A read's reply body; gives its reservation back.
    ReadReply {
        /// The reader.
        to: ReaderRef,
        /// The body.
        body: &'a [u8],
    },
    /// Something that happened later.
    Event(Event<'a>),
}

mod tag {
    pub(super) const SESSION_OPEN: u8 = 1;
    pub(super) const SESSION_END: u8 = 2;
    pub(super) const REQUEST: u8 = 3;
    pub(super) const GET: u8 = 4;
    pub(super) const LIST: u8 = 5;
    pub(super) const LOST_TOLD: u8 = 6;
    pub(super) const READ_SESSIONS: u8 = 7;
    pub(super) const READ_STATS: u8 = 8;
    pub(super) const ANSWER: u8 = 9;
    pub(super) const QUEUED: u8 = 10;
    pub(super) const READ_REPLY: u8 = 11;
    pub(super) const SETTLED: u8 = 12;
    pub(super) const LOST: u8 = 13;
    pub(super) const SESSION_GONE: u8 = 14;
}

/// Bytes that the message of an event takes at most.
#[must_use]
pub const fn event_bytes(event: &Event<'_>) -> usize {
    match event {
        Event::Settled { .. } => ANSWER_BYTES,
        Event::Lost { key, .. } => LOST_BYTES + key.len(),
        Event::SessionGone { .. } => SESSION_END_BYTES,
    }
}

impl<'a> Message<'a> {
    /// Appends the message to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut out = Writer(out);
        match *self {
            Message::Input(input) => encode_input(&mut out, input),
            Message::HomeRead { to, read } => encode_home_read(&mut out, to, read),
            Message::Answer {
                to,
                answer,
                lost_pending,
            } => {
                out.u8(tag::ANSWER);
                reply_to(&mut out, to);
                out.u8(lost_pending.into());
                encode_answer(&mut out, answer);
            }
            Message::Queued { to } => {
                out.u8(tag::QUEUED);
                reply_to(&mut out, to);
            }
            Message::ReadReply { to, body } => {
                out.u8(tag::READ_REPLY);
                reader(&mut out, to);
                out.long_bytes(body);
            }
            Message::Event(event) => encode_event(&mut out, event),
        }
    }

    /// Reads a message.
    ///
    /// # Panics
    /// If these are not the bytes of one message: both ends are this program.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Self {
        let mut from = Reader(bytes);
        let message = decode(&mut from);
        assert!(from.0.is_empty(), "a message ends where its fields end");
        message
    }
}

fn encode_input(out: &mut Writer<'_>, input: Input<'_>) {
    match input {
        Input::SessionOpen {
            session,
            ttl,
            name,
            peer,
        } => {
            out.u8(tag::SESSION_OPEN);
            session_ref(out, session);
            out.u32(ttl.0);
            out.array(peer.ip);
            out.u16(peer.port);
            out.bytes(name);
        }
        Input::SessionEnd { session } => {
            out.u8(tag::SESSION_END);
            session_ref(out, session);
        }
        Input::Request {
            to,
            op,
            key,
            metadata,
        } => {
            out.u8(tag::REQUEST);
            reply_to(out, to);
            encode_op(out, op);
            out.bytes(key);
            out.bytes(metadata);
        }
        Input::Get { to, key } => {
            out.u8(tag::GET);
            reader(out, to);
            out.bytes(key);
        }
        Input::List { to, cursor, prefix } => {
            out.u8(tag::LIST);
            reader(out, to);
            out.u64(cursor);
            out.bytes(prefix);
        }
        Input::LostTold { closure } => {
            out.u8(tag::LOST_TOLD);
            closure_ref(out, closure);
        }
    }
}

fn encode_home_read(out: &mut Writer<'_>, to: ReaderRef, read: HomeRead) {
    match read {
        HomeRead::Sessions { from_slot } => {
            out.u8(tag::READ_SESSIONS);
            reader(out, to);
            out.u64(from_slot);
        }
        HomeRead::Stats => {
            out.u8(tag::READ_STATS);
            reader(out, to);
        }
    }
}

fn encode_event(out: &mut Writer<'_>, event: Event<'_>) {
    match event {
        Event::Settled { to, answer } => {
            out.u8(tag::SETTLED);
            reply_to(out, to);
            encode_answer(out, answer);
        }
        Event::Lost {
            to,
            owner,
            token,
            reason,
            key,
            closure,
        } => {
            out.u8(tag::LOST);
            reply_to(out, to);
            out.u64(owner);
            out.u64(token);
            out.u8(reason as u8);
            out.u8(closure.is_some().into());
            if let Some(closure) = closure {
                closure_ref(out, closure);
            }
            out.bytes(key);
        }
        Event::SessionGone { session } => {
            out.u8(tag::SESSION_GONE);
            session_ref(out, session);
        }
    }
}

fn decode<'a>(from: &mut Reader<'a>) -> Message<'a> {
    match from.u8() {
        tag::SESSION_OPEN => {
            let session = read_session_ref(from);
            let ttl = Millis(from.u32());
            let peer = Peer {
                ip: from.array(),
                port: from.u16(),
            };
            Message::Input(Input::SessionOpen {
                session,
                ttl,
                name: from.bytes(),
                peer,
            })
        }
        tag::SESSION_END => Message::Input(Input::SessionEnd {
            session: read_session_ref(from),
        }),
        tag::REQUEST => Message::Input(Input::Request {
            to: read_reply_to(from),
            op: decode_op(from),
            key: from.bytes(),
            metadata: from.bytes(),
        }),
        tag::GET => Message::Input(Input::Get {
            to: read_reader(from),
            key: from.bytes(),
        }),
        tag::LIST => Message::Input(Input::List {
            to: read_reader(from),
            cursor: from.u64(),
            prefix: from.bytes(),
        }),
        tag::LOST_TOLD => Message::Input(Input::LostTold {
            closure: read_closure(from),
        }),
        tag::READ_SESSIONS => Message::HomeRead {
            to: read_reader(from),
            read: HomeRead::Sessions {
                from_slot: from.u64(),
            },
        },
        tag::READ_STATS => Message::HomeRead {
            to: read_reader(from),
            read: HomeRead::Stats,
        },
        tag::ANSWER => Message::Answer {
            to: read_reply_to(from),
            lost_pending: from.u8() == 1,
            answer: decode_answer(from),
        },
        tag::QUEUED => Message::Queued {
            to: read_reply_to(from),
        },
        tag::READ_REPLY => Message::ReadReply {
            to: read_reader(from),
            body: from.long_bytes(),
        },
        tag => Message::Event(decode_event(tag, from)),
    }
}

fn decode_event<'a>(tag: u8, from: &mut Reader<'a>) -> Event<'a> {
    match tag {
        tag::SETTLED => Event::Settled {
            to: read_reply_to(from),
            answer: decode_answer(from),
        },
        tag::LOST => {
            let to = read_reply_to(from);
            let owner = from.u64();
            let token = from.u64();
            let reason = LostReason::from_number(from.u8().into());
            let closure = (from.u8() == 1).then(|| read_closure(from));
            Event::Lost {
                to,
                owner,
                token,
                reason,
                key: from.bytes(),
                closure,
            }
        }
        tag::SESSION_GONE => Event::SessionGone {
            session: read_session_ref(from),
        },
        other => panic!("no message with tag {other} is ever sent"),
    }
}

#[cfg(test)]
mod tests;
