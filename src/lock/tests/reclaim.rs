use super::world::*;
use crate::lock::effect::{Answer, LostReason};
use crate::lock::op::{ClosedFor, Lease, Mode, Op, Want};
use crate::lock::{EngineConfig, Input};
use crate::time::{Instant, Millis};
use locker_protocol::Status;

/// The engine's own tokens are of epoch 2, those that are reclaimed below.
const OWN: u64 = 2 << 35;
const END: u64 = 11 * SECOND;

fn in_grace() -> World {
    World::with(EngineConfig {
        grace_until: Some(Instant(END)),
        tokens: crate::lock::TokenSource::epoch(2),
        ..config()
    })
}

fn with_blocks(blocks: u32) -> World {
    World::with(EngineConfig {
        grace_until: Some(Instant(END)),
        tokens: crate::lock::TokenSource::epoch(2),
        blocks,
        ..config()
    })
}

const fn back(owner: u64, token: u64, want: Want) -> Op {
    Op::Reclaim {
        owner,
        token,
        want,
        lease: Lease::Session,
    }
}

const fn back_ms(owner: u64, token: u64, want: Want, ms: u32) -> Op {
    Op::Reclaim {
        owner,
        token,
        want,
        lease: Lease::For(Millis(ms)),
    }
}

const fn reclaimed(token: u64) -> Answer {
    Answer::Reclaimed { token, until: None }
}

fn conflict(mode: Mode, token: u64) -> Answer {
    refused(Status::ReclaimConflict, mode as u64, token)
}

fn lost(owner: u64, token: u64) -> Said {
    Said::Lost {
        owner,
        token,
        reason: LostReason::Conflict,
        key: b"door".to_vec(),
        closure: None,
    }
}

impl World {
    /// One answer to a request of a session on the key `door`, and nothing else is said.
    fn answer(&mut self, slot: u32, seat: u16, op: Op) -> Answer {
        match self.ask(slot, seat, b"door", op).as_slice() {
            [Said::Answer(to, answer)] if *to == seat_of(slot, seat) => *answer,
            other => panic!("not one answer: {other:?}"),
        }
    }

    fn take_back(&mut self, slot: u32, token: u64, want: Want) {
        assert_eq!(self.answer(slot, 0, back(1, token, want)), reclaimed(token));
    }

    fn assert_refused(&mut self, slot: u32, op: Op, answer: Answer) {
        let before = self.engine.counters();
        assert_eq!(self.answer(slot, 7, op), answer);
        let after = self.engine.counters();
        let same = |counters: crate::lock::Counters| {
            (counters.holds, counters.waiters, counters.blocks_used)
        };
        assert_eq!(same(before), same(after), "what is refused changes nothing");
    }
}

#[test]
fn a_hold_is_taken_back_with_its_token_and_metadata() {
    let mut world = in_grace();
    let op = back(7, 55, EXCLUSIVE);
    let said = world.turn(&[request_with(0, 3, b"door", op, b"who: me")]);
    assert_eq!(said, [Said::Answer(3, reclaimed(55))]);
    let counters = world.engine.counters();
    assert_eq!((counters.reclaims, counters.grants), (1, 0));
    let released = world.ask(0, 4, b"door", release(7, 55));
    assert_eq!(released, [Said::Answer(4, Answer::Released)]);
    assert_eq!(world.engine.counters().blocks_used, 0);
}

#[test]
fn a_lease_counts_anew_from_the_reclaim() {
    let mut world = in_grace();
    world.now = Instant(3 * SECOND);
    let until = Some(Instant(3 * SECOND + 500_000));
    let answer = world.answer(0, 0, back_ms(1, 55, EXCLUSIVE, 500));
    assert_eq!(answer, Answer::Reclaimed { token: 55, until });
    assert_eq!(world.pass_ms(499), []);
    let said = world.pass_ms(1);
    assert!(
        matches!(
            said[..],
            [Said::Lost {
                token: 55,
                reason: LostReason::Lease,
                ..
            }]
        ),
        "{said:?}"
    );
}

#[test]
fn a_reclaimed_hold_is_renewed_and_forced_like_any_other() {
    let mut world = in_grace();
    world.take_back(0, 55, EXCLUSIVE);
    let until = Some(Instant(world.now.0 + 400_000));
    assert_eq!(
        world.answer(0, 1, renew_ms(1, 55, 400)),
        Answer::Renewed { until }
    );
    let said = world.ask(1, 0, b"door", force(55, ClosedFor::For(Millis(0))));
    assert!(
        matches!(
            said[..],
            [
                Said::Lost {
                    token: 55,
                    reason: LostReason::Forced,
                    ..
                },
                Said::Answer(100, Answer::Forced { ended: 1, .. })
            ]
        ),
        "{said:?}"
    );
}

#[test]
fn fresh_tokens_are_greater_than_reclaimed_ones() {
    let mut world = in_grace();
    world.take_back(0, OWN - 1, EXCLUSIVE);
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    world.engine.open_keys();
    assert_eq!(world.turn(&[]), []);
    let said = world.ask(0, 1, b"door", release(1, OWN - 1));
    assert_eq!(
        said,
        [
            Said::Answer(1, Answer::Released),
            Said::Settled(100, granted(OWN))
        ]
    );
}

#[test]
fn a_waiter_that_queued_first_waits_for_the_reclaimed_hold() {
    let mut world = in_grace();
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    world.take_back(0, 55, EXCLUSIVE);
    assert_eq!(
        world.ask(0, 1, b"door", release(1, 55)),
        [Said::Answer(1, Answer::Released)]
    );
    world.take_back(2, 56, SHARED);
    world.engine.open_keys();
    assert_eq!(world.turn(&[]), []);
    let said = world.ask(2, 1, b"door", release(1, 56));
    assert_eq!(said[1], Said::Settled(100, granted(OWN)));
}

#[test]
fn shared_holds_come_back_in_any_order() {
    let mut world = in_grace();
    for (slot, token) in [(0, 60), (1, 40), (2, 50)] {
        world.take_back(slot, token, SHARED);
    }
    assert_eq!(world.engine.counters().holds, 3);
}

#[test]
fn of_two_that_cannot_both_be_the_higher_token_stays_if_it_comes_first() {
    for (here, comes) in [
        (EXCLUSIVE, EXCLUSIVE),
        (EXCLUSIVE, SHARED),
        (EXCLUSIVE, permits(1, 3)),
        (SHARED, EXCLUSIVE),
        (SHARED, permits(1, 3)),
        (permits(1, 3), EXCLUSIVE),
        (permits(1, 3), SHARED),
    ] {
        let mut world = in_grace();
        world.take_back(0, 60, here);
        world.assert_refused(1, back(1, 59, comes), conflict(here.mode, 60));
        world.assert_refused(1, back(1, 60, comes), conflict(here.mode, 60));
    }
}

#[test]
fn of_two_that_cannot_both_be_the_higher_token_stays_if_it_comes_last() {
    for (here, comes) in [
        (EXCLUSIVE, EXCLUSIVE),
        (EXCLUSIVE, SHARED),
        (EXCLUSIVE, permits(1, 3)),
        (SHARED, EXCLUSIVE),
        (SHARED, permits(1, 3)),
        (permits(1, 3), EXCLUSIVE),
        (permits(1, 3), SHARED),
    ] {
        let mut world = in_grace();
        world.take_back(0, 60, here);
        let said = world.ask(1, 0, b"door", back(1, 61, comes));
        assert_eq!(said, [lost(1, 60), Said::Answer(100, reclaimed(61))]);
        let counters = world.engine.counters();
        assert_eq!((counters.holds, counters.lost_conflict), (1, 1));
        let said = world.ask(0, 1, b"door", release(1, 60));
        assert_eq!(said, [Said::Answer(1, refused(Status::NotHeld, 0, 60))]);
    }
}

#[test]
fn an_exclusive_hold_outranks_many_shared_ones_or_none_of_them() {
    let mut world = in_grace();
    for (slot, token) in [(0, 60), (1, 40), (2, 50)] {
        world.take_back(slot, token, SHARED);
    }
    world.assert_refused(3, back(1, 59, EXCLUSIVE), conflict(Mode::Shared, 60));
    let said = world.ask(3, 0, b"door", back(1, 61, EXCLUSIVE));
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said.contains(&lost(1, 40)) && said.contains(&lost(1, 50)));
    assert_eq!(said[3], Said::Answer(300, reclaimed(61)));
    assert_eq!(world.engine.counters().holds, 1);
}

#[test]
fn permits_come_back_up_to_the_limit_and_the_lowest_tokens_go_beyond() {
    let mut world = in_grace();
    world.take_back(0, 50, permits(2, 5));
    world.take_back(1, 60, permits(2, 5));
    world.assert_refused(2, back(1, 49, permits(2, 5)), conflict(Mode::Permit, 60));
    world.assert_refused(2, back(1, 55, permits(4, 5)), conflict(Mode::Permit, 60));
    let said = world.ask(2, 0, b"door", back(1, 55, permits(3, 5)));
    assert_eq!(said, [lost(1, 50), Said::Answer(200, reclaimed(55))]);
    assert_eq!(
        world.answer(2, 1, back(2, 54, permits(1, 5))),
        conflict(Mode::Permit, 60)
    );
}

#[test]
fn the_limit_is_that_of_the_highest_token_and_the_greater_one_counts_for_what_fits() {
    let mut world = in_grace();
    world.take_back(0, 50, permits(2, 3));
    world.take_back(1, 60, permits(4, 6));
    world.take_back(2, 40, permits(1, 8));
    world.engine.open_keys();
    let said = world.ask(3, 0, b"door", attempt(1, permits(1, 8)));
    assert_eq!(
        said,
        [Said::Answer(300, refused(Status::LimitMismatch, 6, 8))]
    );
}

#[test]
fn permits_that_fit_come_back_however_many_there_are_and_whoever_resized() {
    let mut world = with_blocks(8_192);
    // More than a claim that does not fit is weighed against.
    for token in 1..=4_100 {
        let said = world.ask(0, 0, b"door", back(token, token, permits(1, 5_000)));
        assert_eq!(said, [Said::Answer(0, reclaimed(token))]);
    }
    world.take_back(1, 5_000, permits(1, 6_000));
    world.take_back(2, 4_999, permits(1, 5_000));
    let answer = conflict(Mode::Permit, 1);
    world.assert_refused(3, back(1, 6_000, permits(2_000, 6_000)), answer);
    world.engine.open_keys();
    let said = world.ask(3, 0, b"door", attempt(1, permits(1, 6_000)));
    assert!(
        matches!(said[0], Said::Answer(300, Answer::Granted { .. })),
        "the greater limit counts: {said:?}"
    );
}

#[test]
fn a_waiters_resize_puts_no_hold_out() {
    let mut world = in_grace();
    world.take_back(0, 50, permits(6, 10));
    let resize = Want {
        resize: true,
        ..permits(2, 5)
    };
    world.wait(1, 0, b"door", queued(1, resize));
    world.take_back(2, 40, permits(4, 10));
    let said = world.ask(3, 0, b"door", back(1, 45, permits(1, 10)));
    assert_eq!(said, [lost(1, 40), Said::Answer(300, reclaimed(45))]);
}

#[test]
fn permits_above_their_own_limit_are_refused() {
    let mut world = in_grace();
    let answer = refused(Status::LimitMismatch, 3, 4);
    world.assert_refused(0, back(1, 50, permits(4, 3)), answer);
}

#[test]
fn the_limit_of_waiters_gives_way_to_that_of_a_hold() {
    let mut world = in_grace();
    world.wait(1, 0, b"door", queued(1, permits(2, 2)));
    world.take_back(0, 50, permits(3, 4));
    world.engine.open_keys();
    assert_eq!(world.turn(&[]), []);
    let said = world.ask(2, 0, b"door", attempt(1, permits(1, 2)));
    assert_eq!(
        said,
        [Said::Answer(200, refused(Status::LimitMismatch, 4, 2))]
    );
    let said = world.ask(0, 1, b"door", release(1, 50));
    assert_eq!(said[1], Said::Settled(100, granted(OWN)));
}

#[test]
fn the_same_hold_again_counts_its_lease_anew_and_stands_once() {
    let mut world = in_grace();
    world.take_back(0, 55, permits(2, 3));
    let until = Some(Instant(world.now.0 + 300_000));
    let answer = world.answer(0, 1, back_ms(1, 55, permits(2, 3), 300));
    assert_eq!(answer, Answer::Renewed { until });
    let counters = world.engine.counters();
    assert_eq!((counters.holds, counters.reclaims), (1, 1));
    let op = back(1, 55, permits(1, 3));
    world.assert_refused(0, op, conflict(Mode::Permit, 55));
    world.assert_refused(0, back(1, 55, EXCLUSIVE), conflict(Mode::Permit, 55));
}

#[test]
fn another_session_does_not_take_over_a_token_that_is_back() {
    let mut world = in_grace();
    world.take_back(0, 55, EXCLUSIVE);
    world.assert_refused(1, back(1, 55, EXCLUSIVE), conflict(Mode::Exclusive, 55));
    world.assert_refused(0, back(2, 55, EXCLUSIVE), conflict(Mode::Exclusive, 55));
}

#[test]
fn the_hold_of_an_ended_session_is_in_nobodys_way() {
    let mut world = in_grace();
    world.take_back(0, 55, EXCLUSIVE);
    let end = Input::SessionEnd {
        session: session(0),
    };
    let again = request(1, 0, b"door", back(1, 55, EXCLUSIVE));
    let said = world.turn(&[end, again]);
    assert_eq!(said[0], Said::Answer(100, reclaimed(55)));
}

#[test]
fn one_owner_takes_back_each_of_its_holds() {
    let mut world = in_grace();
    world.take_back(0, 55, SHARED);
    world.take_back(0, 57, SHARED);
    assert_eq!(world.engine.counters().holds, 2);
    let said = world.ask(0, 1, b"door", back(1, 58, EXCLUSIVE));
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[2], Said::Answer(1, reclaimed(58)));
}

#[test]
fn a_key_closed_by_force_takes_nothing_back() {
    let mut world = in_grace();
    world.take_back(0, 55, SHARED);
    world.ask(1, 0, b"door", force(55, ClosedFor::HolderTtl));
    world.assert_refused(2, back(1, 56, SHARED), conflict(Mode::Shared, 55));
}

#[test]
fn without_blocks_a_reclaim_is_refused_and_nobody_is_lost() {
    let mut world = with_blocks(1);
    world.take_back(0, 55, SHARED);
    world.assert_refused(1, back(1, 56, SHARED), refused(Status::TableFull, 1, 1));
    world.assert_refused(1, back(1, 56, EXCLUSIVE), refused(Status::TableFull, 1, 1));
}

#[test]
fn waiters_in_the_window_leave_most_blocks_to_reclaims() {
    let mut world = World::with(EngineConfig {
        grace_until: Some(Instant(END)),
        waiters_max: 8,
        ..config()
    });
    for seat in 0..2 {
        world.wait(0, seat, b"door", queued(u64::from(seat), EXCLUSIVE));
    }
    let full = refused(Status::WaitersFull, 2, 2);
    assert_eq!(world.answer(0, 2, queued(9, EXCLUSIVE)), full);
    world.engine.open_keys();
    world.turn(&[]);
    world.wait(0, 2, b"door", queued(9, EXCLUSIVE));
}

#[test]
fn waiters_of_many_keys_in_the_window_leave_most_blocks_to_reclaims() {
    let mut world = with_blocks(16);
    let two = [b"a", b"b"];
    for (seat, key) in (0..).zip(two) {
        world.wait(0, seat, key, queued(u64::from(seat), EXCLUSIVE));
    }
    let full = refused(Status::TableFull, 4, 2);
    let said = world.ask(0, 2, b"c", queued(2, EXCLUSIVE));
    assert_eq!(said, [Said::Answer(seat_of(0, 2), full)]);
    for number in 0..12 {
        let said = world.ask(1, 0, b"door", back(number, 100 + number, SHARED));
        let answer = reclaimed(100 + number);
        assert_eq!(said, [Said::Answer(seat_of(1, 0), answer)]);
    }
    let full = refused(Status::TableFull, 16, 1);
    world.assert_refused(1, back(12, 112, SHARED), full);
}

#[test]
fn a_waiter_too_wide_for_the_limit_of_a_hold_that_came_back_is_told_when_its_turn_comes() {
    let mut world = in_grace();
    world.wait(1, 0, b"door", queued(1, permits(3, 3)));
    world.take_back(0, 50, permits(1, 2));
    world.engine.open_keys();
    let mismatch = refused(Status::LimitMismatch, 2, 3);
    assert_eq!(world.turn(&[]), [Said::Settled(100, mismatch)]);
}

#[test]
fn outside_the_window_nothing_is_taken_back() {
    let mut world = World::new();
    let none = refused(Status::WindowOver, 0, 0);
    world.assert_refused(0, back(1, 55, EXCLUSIVE), none);
    let mut world = in_grace();
    world.now = Instant(END - 1);
    world.take_back(0, 55, SHARED);
    world.now = Instant(END);
    let passed = refused(Status::WindowOver, 0, 1);
    world.assert_refused(1, back(1, 56, SHARED), passed);
    world.engine.open_keys();
    world.now = Instant(END + 2_500);
    let over = refused(Status::WindowOver, 0, 3);
    world.assert_refused(1, back(1, 56, SHARED), over);
}

#[test]
fn a_lost_hold_is_told_ahead_of_the_answer_even_to_one_session_on_a_full_lane() {
    let mut world = in_grace();
    world.take_back(0, 55, EXCLUSIVE);
    world.ears.full = true;
    let said = world.ask(0, 1, b"door", back(2, 56, EXCLUSIVE));
    assert_eq!(said, [Said::Withheld(1, reclaimed(56))]);
    world.ears.full = false;
    assert_eq!(world.turn(&[]), [lost(1, 55)]);
    assert_eq!(world.ask(0, 2, b"door", release(2, 56)).len(), 1);
    assert_eq!(world.engine.counters().blocks_used, 0);
}

#[test]
fn a_seat_that_takes_back_a_second_hold_is_that_ones_alone() {
    let mut world = in_grace();
    world.take_back(0, 55, permits(1, 3));
    world.take_back(0, 56, permits(1, 3));
    let keep = crate::lock::op::IfGranted::Keep;
    let answer = world.answer(0, 1, cancel(1, 0, 0, keep));
    let outcome = crate::lock::effect::CancelOutcome::Kept;
    assert_eq!(answer, Answer::CancelDone { outcome, token: 56 });
}
