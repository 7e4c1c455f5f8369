//! Messages between shards: what is encoded reads back as it was, within the size that is reserved
//! for it. The fuzz target `lanes`.
//!
//! Bytes of a lane come from this program, and ones that are no message panic by intent: so the
//! fuzzer makes messages, not bytes.

use super::feed::Feed;
use locker::limits::{KEY_BYTES_MAX, METADATA_BYTES_MAX, NAME_BYTES_MAX, READ_REPLY_BYTES_MAX};
use locker::lock::effect::{CancelOutcome, ClosureRef, LostReason, Refusal};
use locker::lock::input::Peer;
use locker::lock::op::{
    ClosedFor, IfGranted, Lease, Mode, Op, ReaderRef, RenewTo, ReplyTo, Seat, SessionId,
    SessionRef, ShardId, Wait, Want,
};
use locker::lock::{Answer, Event, Input};
use locker::shard::message::{
    ANSWER_BYTES, HomeRead, LOST_TOLD_BYTES, MESSAGE_BYTES_MAX, Message, QUEUED_BYTES, READ_BYTES,
    READ_REPLY_MESSAGE_BYTES, REQUEST_BYTES, SESSION_END_BYTES, SESSION_OPEN_BYTES, event_bytes,
};
use locker::time::{Instant, Millis};
use locker_protocol::Status;

/// Every message that the bytes make comes back as it was.
///
/// # Panics
/// If one does not, or is longer than its reservation.
pub(crate) fn run(bytes: &[u8]) {
    let mut feed = Feed(bytes);
    let mut out = Vec::new();
    while !feed.is_empty() {
        let (message, most) = message(&mut feed);
        out.clear();
        message.encode(&mut out);
        assert!(out.len() <= most, "{message:?} takes {} bytes", out.len());
        assert!(out.len() <= MESSAGE_BYTES_MAX);
        assert_eq!(Message::decode(&out), message);
    }
}

/// A message, and the bytes that it may take.
fn message<'a>(feed: &mut Feed<'a>) -> (Message<'a>, usize) {
    match feed.below(12) {
        0..=3 => request(feed),
        4 | 5 => {
            let message = Message::Answer {
                to: reply_to(feed),
                lost_pending: feed.flag(),
                answer: answer(feed),
            };
            (message, ANSWER_BYTES)
        }
        6 => (Message::Queued { to: reply_to(feed) }, QUEUED_BYTES),
        7 => {
            let to = reader(feed);
            let length = usize::from(feed.u16()).min(READ_REPLY_BYTES_MAX);
            let body = feed.bytes(length);
            (Message::ReadReply { to, body }, READ_REPLY_MESSAGE_BYTES)
        }
        8 => {
            let to = reader(feed);
            let read = match feed.flag() {
                true => HomeRead::Stats,
                false => HomeRead::Sessions {
                    from_slot: feed.u64(),
                },
            };
            (Message::HomeRead { to, read }, READ_BYTES)
        }
        9 => input(feed),
        _ => {
            let event = event(feed);
            (Message::Event(event), event_bytes(&event))
        }
    }
}

fn request<'a>(feed: &mut Feed<'a>) -> (Message<'a>, usize) {
    let (to, op) = (reply_to(feed), op(feed));
    let key = some(feed, KEY_BYTES_MAX);
    let metadata = some(feed, METADATA_BYTES_MAX);
    let most = REQUEST_BYTES + key.len() + metadata.len();
    let request = Input::Request {
        to,
        op,
        key,
        metadata,
    };
    (Message::Input(request), most)
}

fn input<'a>(feed: &mut Feed<'a>) -> (Message<'a>, usize) {
    let (input, most) = match feed.below(5) {
        0 => {
            let open = Input::SessionOpen {
                session: session(feed),
                ttl: Millis(feed.u32()),
                name: some(feed, NAME_BYTES_MAX),
                peer: Peer {
                    ip: feed.array(),
                    port: feed.u16(),
                },
            };
            (open, SESSION_OPEN_BYTES)
        }
        1 => {
            let session = session(feed);
            (Input::SessionEnd { session }, SESSION_END_BYTES)
        }
        2 => {
            let (to, key) = (reader(feed), some(feed, KEY_BYTES_MAX));
            (Input::Get { to, key }, READ_BYTES + key.len())
        }
        3 => {
            let (to, cursor) = (reader(feed), feed.u64());
            let prefix = some(feed, KEY_BYTES_MAX);
            let list = Input::List { to, cursor, prefix };
            (list, READ_BYTES + prefix.len())
        }
        _ => {
            let closure = closure(feed);
            (Input::LostTold { closure }, LOST_TOLD_BYTES)
        }
    };
    (Message::Input(input), most)
}

fn event<'a>(feed: &mut Feed<'a>) -> Event<'a> {
    match feed.below(3) {
        0 => Event::Settled {
            to: reply_to(feed),
            answer: answer(feed),
        },
        1 => Event::Lost {
            to: reply_to(feed),
            owner: feed.u64(),
            token: feed.u64(),
            reason: feed.pick(&[LostReason::Lease, LostReason::Forced]),
            closure: feed.flag().then(|| closure(feed)),
            key: some(feed, KEY_BYTES_MAX),
        },
        _ => Event::SessionGone {
            session: session(feed),
        },
    }
}

fn answer(feed: &mut Feed<'_>) -> Answer {
    match feed.below(7) {
        5 => Answer::Reclaimed {
            token: feed.u64(),
            until: until(feed),
        },
        0 => Answer::Granted {
            token: feed.u64(),
            until: until(feed),
        },
        1 => Answer::Released,
        2 => Answer::Renewed { until: until(feed) },
        3 => Answer::CancelDone {
            outcome: feed.pick(&[
                CancelOutcome::Cancelled,
                CancelOutcome::Released,
                CancelOutcome::Kept,
                CancelOutcome::NotFound,
            ]),
            token: feed.u64(),
        },
        4 => Answer::Forced {
            ended: feed.u32(),
            closed_ms: feed.u32(),
        },
        _ => Answer::Refused(Refusal {
            status: feed.pick(&Status::ALL),
            limit: feed.u64(),
            value: feed.u64(),
        }),
    }
}

fn op(feed: &mut Feed<'_>) -> Op {
    let owner = feed.u64();
    match feed.below(6) {
        0 => Op::Acquire {
            owner,
            want: want(feed),
            wait: match feed.below(3) {
                0 => Wait::Try,
                1 => Wait::For(Millis(feed.u32())),
                _ => Wait::Forever,
            },
            lease: lease(feed),
        },
        1 => Op::Cancel {
            owner,
            acquire_seat: Seat(feed.u16()),
            token: feed.u64(),
            if_granted: feed.pick(&[IfGranted::Keep, IfGranted::Release]),
        },
        2 => Op::Release {
            owner,
            token: feed.u64(),
        },
        3 => Op::Renew {
            owner,
            token: feed.u64(),
            to: match feed.flag() {
                true => RenewTo::Keep,
                false => RenewTo::Lease(lease(feed)),
            },
        },
        4 => Op::Reclaim {
            owner,
            token: feed.u64(),
            want: Want {
                resize: false,
                ..want(feed)
            },
            lease: lease(feed),
        },
        _ => Op::ForceRelease {
            token: feed.u64(),
            closed: match feed.flag() {
                true => ClosedFor::HolderTtl,
                false => ClosedFor::For(Millis(feed.u32())),
            },
        },
    }
}

fn want(feed: &mut Feed<'_>) -> Want {
    Want {
        mode: feed.pick(&[Mode::Exclusive, Mode::Shared, Mode::Permit]),
        permits: feed.u32(),
        limit: feed.u32(),
        resize: feed.flag(),
    }
}

/// A time from 1 ms on: no lease at all has a word of its own.
fn lease(feed: &mut Feed<'_>) -> Lease {
    match feed.u32() {
        0 => Lease::Session,
        ms => Lease::For(Millis(ms)),
    }
}

/// An instant after the start: the zero of the clock stands for none.
fn until(feed: &mut Feed<'_>) -> Option<Instant> {
    Some(feed.u64()).filter(|micros| *micros > 0).map(Instant)
}

fn some<'a>(feed: &mut Feed<'a>, most: usize) -> &'a [u8] {
    let length = usize::from(feed.u16()) % (most + 1);
    feed.bytes(length)
}

fn session(feed: &mut Feed<'_>) -> SessionRef {
    SessionRef {
        id: SessionId(feed.u64()),
        slot: feed.u32(),
    }
}

fn reply_to(feed: &mut Feed<'_>) -> ReplyTo {
    ReplyTo {
        session: session(feed),
        seat: Seat(feed.u16()),
    }
}

fn reader(feed: &mut Feed<'_>) -> ReaderRef {
    ReaderRef {
        home: ShardId(feed.byte()),
        connection: feed.u32(),
        generation: feed.u32(),
        request_id: feed.u64(),
        op: feed.byte(),
    }
}

fn closure(feed: &mut Feed<'_>) -> ClosureRef {
    ClosureRef {
        block: feed.u32(),
        generation: feed.u16(),
    }
}
