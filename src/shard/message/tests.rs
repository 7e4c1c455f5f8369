use super::*;
use crate::lock::effect::{CancelOutcome, ClosureRef, Refusal};
use crate::lock::op::{
    ClosedFor, IfGranted, Lease, Mode, Op, RenewTo, Seat, SessionId, SessionRef, ShardId, Wait,
    Want,
};
use crate::time::Instant;
use locker_protocol::Status;

fn to() -> ReplyTo {
    ReplyTo {
        session: SessionRef {
            id: SessionId(u64::MAX - 3),
            slot: 77,
        },
        seat: Seat(4_095),
    }
}

fn reader_ref() -> ReaderRef {
    ReaderRef {
        home: ShardId(200),
        connection: 9,
        generation: u32::MAX,
        request_id: 1 << 63,
        op: 0xA0,
    }
}

fn back(message: Message<'_>) -> usize {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    assert_eq!(Message::decode(&bytes), message);
    bytes.len()
}

fn answers() -> Vec<Answer> {
    let refusal = Refusal {
        status: Status::TableFull,
        limit: u64::MAX,
        value: 1,
    };
    let mut all = vec![
        Answer::Granted {
            token: 1 << 62,
            until: None,
        },
        Answer::Granted {
            token: 2,
            until: Some(Instant(9)),
        },
        Answer::Released,
        Answer::Reclaimed {
            token: 1 << 62,
            until: Some(Instant(9)),
        },
        Answer::Renewed {
            until: Some(Instant(u64::MAX)),
        },
        Answer::Forced {
            ended: 3,
            closed_ms: u32::MAX,
        },
        Answer::Refused(refusal),
    ];
    for outcome in [
        CancelOutcome::Cancelled,
        CancelOutcome::Released,
        CancelOutcome::Kept,
        CancelOutcome::NotFound,
    ] {
        all.push(Answer::CancelDone { outcome, token: 8 });
    }
    all
}

fn ops() -> Vec<Op> {
    let mut all = vec![
        Op::Release { owner: 1, token: 2 },
        Op::Renew {
            owner: 1,
            token: 2,
            to: RenewTo::Keep,
        },
        Op::Renew {
            owner: 1,
            token: 2,
            to: RenewTo::Lease(Lease::Session),
        },
        Op::ForceRelease {
            token: 0,
            closed: ClosedFor::HolderTtl,
        },
        Op::ForceRelease {
            token: u64::MAX,
            closed: ClosedFor::For(Millis(0)),
        },
    ];
    for lease in [Lease::Session, Lease::For(Millis(10))] {
        all.push(Op::Reclaim {
            owner: u64::MAX,
            token: 1 << 62,
            want: Want {
                mode: Mode::Permit,
                permits: 3,
                limit: 1 << 31,
                resize: false,
            },
            lease,
        });
    }
    for if_granted in [IfGranted::Keep, IfGranted::Release] {
        all.push(Op::Cancel {
            owner: 5,
            acquire_seat: Seat(3),
            token: 9,
            if_granted,
        });
    }
    for mode in [Mode::Exclusive, Mode::Shared, Mode::Permit] {
        for wait in [Wait::Try, Wait::For(Millis(7)), Wait::Forever] {
            all.push(Op::Acquire {
                owner: u64::MAX,
                want: Want {
                    mode,
                    permits: 1,
                    limit: 1 << 31,
                    resize: mode == Mode::Permit,
                },
                wait,
                lease: Lease::For(Millis(10)),
            });
        }
    }
    all
}

#[test]
fn every_request_comes_back_as_it_was() {
    let key = [0xAB; 1_024];
    let metadata = [0xCD; 256];
    for op in ops() {
        let request = Input::Request {
            to: to(),
            op,
            key: &key,
            metadata: &metadata,
        };
        let bytes = back(Message::Input(request));
        assert!(bytes <= REQUEST_BYTES + key.len() + metadata.len());
    }
}

#[test]
fn every_answer_fits_its_reservation() {
    for answer in answers() {
        for lost_pending in [false, true] {
            let bytes = back(Message::Answer {
                to: to(),
                answer,
                lost_pending,
            });
            assert!(bytes <= ANSWER_BYTES, "{answer:?} takes {bytes}");
        }
        let settled = Event::Settled { to: to(), answer };
        assert!(back(Message::Event(settled)) <= event_bytes(&settled));
    }
}

#[test]
fn what_has_a_stated_size_has_it() {
    let body = [1; READ_REPLY_BYTES_MAX];
    let reply = Message::ReadReply {
        to: reader_ref(),
        body: &body,
    };
    assert_eq!(back(reply), READ_REPLY_MESSAGE_BYTES);
    assert_eq!(back(Message::Queued { to: to() }), QUEUED_BYTES);
    let closure = ClosureRef {
        block: 3,
        generation: 9,
    };
    let told = Message::Input(Input::LostTold { closure });
    assert_eq!(back(told), LOST_TOLD_BYTES);
    let session = to().session;
    let end = Message::Input(Input::SessionEnd { session });
    assert_eq!(back(end), SESSION_END_BYTES);
    let open = Message::Input(Input::SessionOpen {
        session,
        ttl: Millis(1_000),
        name: &[b'n'; 32],
        peer: Peer::default(),
    });
    assert!(back(open) <= SESSION_OPEN_BYTES);
}

#[test]
fn reads_and_events_come_back_as_they_were() {
    let to_reader = reader_ref();
    let list = Input::List {
        to: to_reader,
        cursor: 5,
        prefix: b"a",
    };
    assert!(back(Message::Input(list)) <= READ_BYTES + 1);
    let get = Input::Get {
        to: to_reader,
        key: b"k",
    };
    back(Message::Input(get));
    for read in [HomeRead::Stats, HomeRead::Sessions { from_slot: 3 }] {
        back(Message::HomeRead {
            to: to_reader,
            read,
        });
    }
    let session = to().session;
    let gone = Event::SessionGone { session };
    assert!(back(Message::Event(gone)) <= event_bytes(&gone));
    for reason in [LostReason::Lease, LostReason::Forced, LostReason::Conflict] {
        for closure in [
            None,
            Some(ClosureRef {
                block: u32::MAX,
                generation: 1,
            }),
        ] {
            let lost = Event::Lost {
                to: to(),
                owner: 4,
                token: 5,
                reason,
                key: b"key",
                closure,
            };
            assert!(back(Message::Event(lost)) <= event_bytes(&lost));
        }
    }
}

#[test]
#[should_panic(expected = "whole")]
fn a_cut_message_is_a_bug() {
    let mut bytes = Vec::new();
    Message::Queued { to: to() }.encode(&mut bytes);
    let _ = Message::decode(&bytes[..3]);
}
