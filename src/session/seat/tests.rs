#![allow(clippy::unwrap_used)]

use super::*;

fn granted(token: u64) -> Answer {
    Answer::Granted {
        token,
        until: Some(Instant(77)),
    }
}

fn all_answers() -> Vec<(SeatOp, Answer)> {
    let refusal = Refusal {
        status: Status::LimitMismatch,
        limit: 9,
        value: 7,
    };
    vec![
        (SeatOp::Close, Answer::Released),
        (SeatOp::Acquire, granted(5)),
        (
            SeatOp::Acquire,
            Answer::Granted {
                token: 1 << 62,
                until: None,
            },
        ),
        (SeatOp::Acquire, Answer::Refused(refusal)),
        (
            SeatOp::Cancel,
            Answer::CancelDone {
                outcome: CancelOutcome::NotFound,
                token: 0,
            },
        ),
        (
            SeatOp::Cancel,
            Answer::CancelDone {
                outcome: CancelOutcome::Released,
                token: 8,
            },
        ),
        (SeatOp::Release, Answer::Released),
        (SeatOp::Renew, Answer::Renewed { until: None }),
        (
            SeatOp::Reclaim,
            Answer::Reclaimed {
                token: 6,
                until: Some(Instant(78)),
            },
        ),
        (SeatOp::Reclaim, Answer::Renewed { until: None }),
        (
            SeatOp::ForceRelease,
            Answer::Forced {
                ended: u32::MAX,
                closed_ms: 3,
            },
        ),
    ]
}

#[test]
fn a_record_says_every_answer_again_as_it_was() {
    for (op, answer) in all_answers() {
        let mut words = [0; 4];
        let mut record = Record::new(&mut words);
        record.begin((1 << 48) - 1, op, 0);
        record.settle(answer, Instant(123));
        let settled = Settled {
            answer,
            at: Instant(123),
        };
        assert_eq!(record.classify((1 << 48) - 1), Admission::Done(op, settled));
    }
}

#[test]
fn the_same_id_running_is_nothing_new() {
    let mut words = [0; 4];
    let mut record = Record::new(&mut words);
    assert_eq!(record.classify(1), Admission::Fresh);
    record.begin(1, SeatOp::Acquire, 0);
    assert_eq!(record.classify(1), Admission::Running);
}

#[test]
fn a_higher_id_while_one_runs_is_bad_and_changes_nothing() {
    let mut words = [0; 4];
    let mut record = Record::new(&mut words);
    record.begin(3, SeatOp::Acquire, 0);
    assert_eq!(record.classify(4), Admission::Bad { last: 3 });
    assert_eq!(record.classify(3), Admission::Running);
}

#[test]
fn a_lower_id_and_sequence_zero_are_bad() {
    let mut words = [0; 4];
    let mut record = Record::new(&mut words);
    assert_eq!(record.classify(0), Admission::Bad { last: 0 });
    record.begin(3, SeatOp::Release, 0);
    record.settle(Answer::Released, Instant(1));
    assert_eq!(record.classify(2), Admission::Bad { last: 3 });
    assert_eq!(record.classify(0), Admission::Bad { last: 3 });
    assert_eq!(record.classify(4), Admission::Fresh);
}

#[test]
fn a_lost_grant_answers_lost_from_then_on() {
    let mut words = [0; 4];
    let mut record = Record::new(&mut words);
    record.begin(1, SeatOp::Acquire, 0);
    record.settle(granted(5), Instant(1));
    assert!(!record.lose(4), "another token's end is not its own");
    assert!(record.lose(5));
    let Admission::Done(SeatOp::Acquire, settled) = record.classify(1) else {
        panic!("answered");
    };
    let lost = Refusal {
        status: Status::Lost,
        limit: 0,
        value: 5,
    };
    assert_eq!(settled.answer, Answer::Refused(lost));
    assert!(!record.lose(5), "it is lost once");
}

#[test]
fn the_slot_of_the_key_outlives_the_answer_and_its_loss() {
    let mut words = [0; 4];
    let mut record = Record::new(&mut words);
    record.begin(1, SeatOp::Acquire, 16_383);
    assert_eq!(record.key_slot(), 16_383);
    let at = Instant((1 << 50) - 1);
    record.settle(granted(5), at);
    assert_eq!(record.key_slot(), 16_383);
    assert_eq!(record.settled().unwrap().at, at);
    assert!(record.lose(5));
    assert_eq!(record.key_slot(), 16_383);
    assert_eq!(record.settled().unwrap().at, at);
    record.begin(2, SeatOp::Close, 0);
    assert_eq!(record.key_slot(), 0);
}

#[test]
#[should_panic(expected = "answered once")]
fn a_second_answer_is_a_bug() {
    let mut words = [0; 4];
    let mut record = Record::new(&mut words);
    record.begin(1, SeatOp::Release, 0);
    record.settle(Answer::Released, Instant(1));
    record.settle(Answer::Released, Instant(1));
}
