//! What a Cancel may touch: its own acquire, never another of the same seat.

use super::world::*;
use crate::lock::Answer;
use crate::lock::effect::CancelOutcome;
use crate::lock::op::{IfGranted, Mode};
use crate::time::Instant;
use locker_protocol::Status;

const NOT_FOUND: Answer = Answer::CancelDone {
    outcome: CancelOutcome::NotFound,
    token: 0,
};

#[test]
fn a_cancel_of_a_refused_acquire_leaves_the_earlier_hold_of_its_seat() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(7, EXCLUSIVE));
    let said = world.turn(&[
        request(0, 0, b"door", attempt(7, EXCLUSIVE)),
        request(0, 1, b"door", cancel(7, 0, 0, IfGranted::Release)),
    ]);
    let already = refused(Status::AlreadyHeld, Mode::Exclusive as u64, token);
    assert_eq!(said, [Said::Answer(0, already), Said::Answer(1, NOT_FOUND)]);
    assert_eq!(world.engine.counters().holds, 1);
}

#[test]
fn a_cancel_of_a_wait_that_timed_out_leaves_the_earlier_permits_of_its_seat() {
    let mut world = World::new();
    world.hold(1, b"pool", attempt(1, permits(1, 3)));
    let token = world.hold(0, b"pool", attempt(7, permits(1, 3)));
    let wide = waiting_ms(7, permits(2, 3), 10);
    world.wait(0, 0, b"pool", wide);
    let timeout = refused(Status::Timeout, 10, 0);
    assert_eq!(world.pass_ms(10), [Said::Settled(0, timeout)]);
    let said = world.ask(0, 1, b"pool", cancel(7, 0, 0, IfGranted::Release));
    assert_eq!(said, [Said::Answer(1, NOT_FOUND)]);
    let said = world.ask(0, 1, b"pool", cancel(7, 0, token, IfGranted::Release));
    let outcome = CancelOutcome::Released;
    assert_eq!(
        said,
        [Said::Answer(1, Answer::CancelDone { outcome, token })]
    );
}

#[test]
fn a_cancel_of_an_acquire_that_met_a_drain_leaves_the_earlier_hold_of_its_seat() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(7, EXCLUSIVE));
    world.engine.drain(Instant(world.now.0 + SECOND));
    let said = world.turn(&[
        request(0, 0, b"door", attempt(7, EXCLUSIVE)),
        request(0, 1, b"door", cancel(7, 0, 0, IfGranted::Release)),
    ]);
    let draining = refused(Status::Draining, 0, 1_000);
    assert_eq!(
        said,
        [Said::Answer(0, draining), Said::Answer(1, NOT_FOUND)]
    );
    assert_eq!(world.engine.counters().holds, 1);
}

#[test]
fn a_cancel_that_would_keep_takes_back_a_grant_on_its_way() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    world.ears.full = true;
    world.ask(0, 1, b"door", release(1, token));
    let said = world.ask(1, 1, b"door", cancel(1, 100, 0, IfGranted::Keep));
    let done = Answer::CancelDone {
        outcome: CancelOutcome::Cancelled,
        token: 0,
    };
    assert_eq!(said, [Said::Answer(101, done)]);
    world.ears.full = false;
    let cancelled = Said::Settled(100, refused(Status::Cancelled, 0, 0));
    assert_eq!(world.turn(&[]), [cancelled]);
    assert_eq!(world.engine.counters().blocks_used, 0);
}
