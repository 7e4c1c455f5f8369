use super::world::*;
use crate::lock::Answer;
use crate::lock::effect::CancelOutcome;
use crate::lock::op::IfGranted;
use locker_protocol::Status;

#[test]
fn a_release_grants_the_next_waiter_in_the_same_turn() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    world.wait(2, 0, b"door", queued(1, EXCLUSIVE));
    let said = world.ask(0, 1, b"door", release(1, token));
    let next = Said::Settled(100, granted(token + 1));
    assert_eq!(said, [Said::Answer(1, Answer::Released), next]);
}

#[test]
fn nobody_overtakes_a_waiter() {
    let mut world = World::new();
    let first = world.hold(0, b"door", attempt(1, SHARED));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    world.wait(2, 0, b"door", queued(1, SHARED));
    let said = world.ask(3, 0, b"door", attempt(1, SHARED));
    assert_eq!(said, [Said::Answer(300, refused(Status::Timeout, 0, 0))]);
    let said = world.ask(0, 1, b"door", release(1, first));
    assert_eq!(said[1..], [Said::Settled(100, granted(first + 1))]);
    let said = world.ask(1, 1, b"door", release(1, first + 1));
    assert_eq!(said[1..], [Said::Settled(200, granted(first + 2))]);
}

#[test]
fn shared_waiters_are_granted_together() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    for slot in 1..4 {
        world.wait(slot, 0, b"door", queued(1, SHARED));
    }
    let said = world.ask(0, 1, b"door", release(1, 0));
    assert_eq!(said.len(), 4);
    assert_eq!(world.engine.counters().holds, 3);
}

#[test]
fn a_wait_ends_at_its_time_and_not_before() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"door", waiting_ms(1, EXCLUSIVE, 500));
    assert_eq!(world.pass_ms(499), []);
    assert_eq!(
        world.pass_ms(1),
        [Said::Settled(100, refused(Status::Timeout, 500, 0))]
    );
    assert_eq!(world.engine.counters().blocks_used, 1);
}

#[test]
fn a_waiter_that_times_out_lets_those_behind_it_go_on() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, SHARED));
    world.wait(1, 0, b"door", waiting_ms(1, EXCLUSIVE, 500));
    world.wait(2, 0, b"door", queued(1, SHARED));
    let said = world.pass_ms(500);
    assert_eq!(
        said[0],
        Said::Settled(100, refused(Status::Timeout, 500, 0))
    );
    assert!(matches!(
        said[1],
        Said::Settled(200, Answer::Granted { .. })
    ));
}

#[test]
fn a_cancelled_waiter_hears_so_before_the_cancel_is_answered() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    let said = world.ask(1, 1, b"door", cancel(1, 100, 0, IfGranted::Release));
    let done = Answer::CancelDone {
        outcome: CancelOutcome::Cancelled,
        token: 0,
    };
    let cancelled = Said::Settled(100, refused(Status::Cancelled, 0, 0));
    assert_eq!(said, [cancelled, Said::Answer(101, done)]);
    assert_eq!(world.engine.counters().waiters, 0);
}

#[test]
fn a_cancel_that_comes_late_releases_or_keeps_as_asked() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
    let kept = world.ask(0, 1, b"door", cancel(1, 0, 0, IfGranted::Keep));
    let done = |outcome, token| Said::Answer(1, Answer::CancelDone { outcome, token });
    assert_eq!(kept, [done(CancelOutcome::Kept, token)]);
    let released = world.ask(0, 1, b"door", cancel(1, 0, token, IfGranted::Release));
    assert_eq!(released, [done(CancelOutcome::Released, token)]);
    let gone = world.ask(0, 1, b"door", cancel(1, 0, token, IfGranted::Release));
    assert_eq!(gone, [done(CancelOutcome::NotFound, 0)]);
}

#[test]
fn a_key_has_a_bounded_number_of_waiters() {
    let mut world = World::with(crate::lock::EngineConfig {
        key_waiters_max: 2,
        ..config()
    });
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    world.wait(1, 1, b"door", queued(1, EXCLUSIVE));
    let said = world.ask(2, 0, b"door", queued(1, EXCLUSIVE));
    assert_eq!(
        said,
        [Said::Answer(200, refused(Status::WaitersFull, 2, 2))]
    );
}

#[test]
fn all_keys_together_have_a_bounded_number_of_waiters() {
    let mut world = World::with(crate::lock::EngineConfig {
        waiters_max: 2,
        ..config()
    });
    for (seat, key) in [(0, b"a"), (1, b"b"), (2, b"c")] {
        world.hold(0, key, attempt(1, EXCLUSIVE));
        if seat < 2 {
            world.wait(1, seat, key, queued(1, EXCLUSIVE));
        }
    }
    let said = world.ask(1, 2, b"c", queued(1, EXCLUSIVE));
    assert_eq!(
        said,
        [Said::Answer(102, refused(Status::WaitersFull, 2, 2))]
    );
}

#[test]
fn at_most_1024_waiters_of_a_key_are_granted_in_one_turn_and_the_rest_goes_first_next() {
    let mut world = World::with(crate::lock::EngineConfig {
        blocks: 4_000,
        waiters_max: 4_000,
        key_waiters_max: 4_000,
        ..config()
    });
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    for owner in 2..2_502 {
        world.wait(1, 0, b"door", queued(owner, SHARED));
    }
    let said = world.ask(0, 1, b"door", release(1, 0));
    assert_eq!(said.len(), 1 + 1_024);
    assert!(world.engine.has_more());
    let said = world.ask(2, 0, b"door", attempt(1, SHARED));
    assert_eq!(said.len(), 1_024 + 1, "the newcomer may not overtake");
    assert_eq!(
        said[1_024],
        Said::Answer(200, refused(Status::Timeout, 0, 0))
    );
    assert_eq!(world.turn(&[]).len(), 2_500 - 2 * 1_024);
    assert!(!world.engine.has_more());
}
