use super::world::*;
use crate::limits::SWEEP_PER_TURN_MAX;
use crate::lock::{Answer, Input};
use locker_protocol::Status;

fn end(slot: u32) -> Input<'static> {
    Input::SessionEnd {
        session: session(slot),
    }
}

#[test]
fn an_ended_session_loses_everything_and_is_acknowledged() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.hold(0, b"gate", leased_ms(1, SHARED, 1_000));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    world.hold(1, b"hall", attempt(1, EXCLUSIVE));
    world.wait(0, 1, b"hall", queued(1, EXCLUSIVE));
    let said = world.turn(&[end(0)]);
    assert_eq!(said.len(), 2);
    assert!(matches!(said[0], Said::Settled(100, Answer::Granted { token: t, .. }) if t > token));
    assert_eq!(said[1], Said::Gone(session(0)));
    assert_eq!(world.engine.counters().holds, 2);
    assert_eq!(world.engine.counters().waiters, 0);
}

#[test]
fn a_dead_hold_ends_when_a_request_meets_it_before_the_sweep() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    let said = world.turn(&[end(0), request(1, 0, b"door", attempt(1, EXCLUSIVE))]);
    assert!(matches!(said[0], Said::Answer(100, Answer::Granted { .. })));
}

#[test]
fn a_dead_waiter_is_passed_over_before_the_sweep() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    world.wait(2, 0, b"door", queued(1, EXCLUSIVE));
    let said = world.turn(&[end(1), request(0, 1, b"door", release(1, 0))]);
    assert!(matches!(
        said[1],
        Said::Settled(200, Answer::Granted { .. })
    ));
}

#[test]
fn a_large_session_ends_over_several_turns() {
    let mut world = World::with(crate::lock::EngineConfig {
        blocks: 4_000,
        ..config()
    });
    let holds = 2 * SWEEP_PER_TURN_MAX + 100;
    for key in 0..holds {
        world.engine.turn_begin(world.now, &mut world.ears);
        let key = key.to_le_bytes();
        let mut batch = crate::lock::Batch::new();
        batch
            .push(request(0, 0, &key, attempt(1, EXCLUSIVE)))
            .unwrap();
        world.engine.apply(&mut batch, &mut world.ears);
    }
    world.ears.said.clear();
    assert_eq!(world.turn(&[end(0)]), []);
    let left = world.engine.counters().holds;
    assert_eq!(left, holds - SWEEP_PER_TURN_MAX);
    assert!(world.engine.has_more());
    assert_eq!(world.turn(&[]), []);
    assert_eq!(world.turn(&[]), [Said::Gone(session(0))]);
    assert!(!world.engine.has_more());
    assert_eq!(world.engine.counters().blocks_used, 0);
}

#[test]
fn a_slot_is_used_again_by_another_session() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    assert_eq!(world.turn(&[end(0)]), [Said::Gone(session(0))]);
    world.open(0);
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
}

#[test]
fn an_owner_of_another_session_is_another_owner() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    let said = world.ask(1, 0, b"door", attempt(1, EXCLUSIVE));
    assert_eq!(said, [Said::Answer(100, refused(Status::Timeout, 0, 0))]);
}
