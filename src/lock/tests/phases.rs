use super::world::*;
use crate::lock::{Answer, EngineConfig};
use crate::time::Instant;
use locker_protocol::Status;

fn in_grace() -> World {
    World::with(EngineConfig {
        grace_until: Some(Instant(11 * SECOND)),
        // A quarter of these is for waiters, of which each takes two.
        blocks: 12_000,
        waiters_max: 8_000,
        ..config()
    })
}

#[test]
fn inside_the_grace_window_a_try_is_refused_and_others_queue() {
    let mut world = in_grace();
    let said = world.ask(0, 0, b"door", attempt(1, EXCLUSIVE));
    assert_eq!(
        said,
        [Said::Answer(0, refused(Status::GraceWindow, 0, 10_000))]
    );
    assert_eq!(world.engine.counters().blocks_used, 0);
    world.wait(0, 0, b"door", queued(1, EXCLUSIVE));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    assert!(!world.engine.has_more());
    world.engine.open_keys();
    assert!(world.engine.has_more());
    let said = world.turn(&[]);
    assert!(matches!(
        said[..],
        [Said::Settled(0, Answer::Granted { .. })]
    ));
}

#[test]
fn waits_run_inside_the_grace_window_and_leave_no_block() {
    let mut world = in_grace();
    world.wait(0, 0, b"door", waiting_ms(1, EXCLUSIVE, 100));
    let said = world.pass_ms(100);
    assert_eq!(said, [Said::Settled(0, refused(Status::Timeout, 100, 0))]);
    world.turn(&[]);
    assert_eq!(world.engine.counters().blocks_used, 0);
}

#[test]
fn at_most_1024_keys_open_in_one_turn() {
    let mut world = in_grace();
    for key in 0..1_500_u32 {
        world.wait(0, 0, &key.to_le_bytes(), queued(1, EXCLUSIVE));
    }
    world.engine.open_keys();
    assert_eq!(world.turn(&[]).len(), 1_024);
    assert_eq!(world.turn(&[]).len(), 1_500 - 1_024);
    assert!(!world.engine.has_more());
}

#[test]
fn a_draining_server_refuses_acquires_and_still_releases() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    world.wait(2, 0, b"door", queued(1, EXCLUSIVE));
    world.engine.drain(Instant(6 * SECOND));
    let said = world.ask(3, 0, b"door", queued(1, EXCLUSIVE));
    assert_eq!(
        said,
        [Said::Answer(300, refused(Status::Draining, 0, 5_000))]
    );
    let said = world.ask(0, 1, b"door", release(1, token));
    assert_eq!(said[1], Said::Settled(100, granted(token + 1)));
    world.engine.drain_over();
    assert!(world.engine.has_more());
    assert_eq!(
        world.turn(&[]),
        [Said::Settled(200, refused(Status::Draining, 0, 0))]
    );
    assert!(!world.engine.has_more());
    assert_eq!(world.engine.counters().waiters, 0);
}
