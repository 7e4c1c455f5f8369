use super::world::*;
use crate::lock::Answer;
use crate::lock::op::{Op, Want};
use locker_protocol::Status;

#[test]
fn permits_are_granted_up_to_the_limit() {
    let mut world = World::new();
    world.hold(0, b"pool", attempt(1, permits(2, 3)));
    world.hold(0, b"pool", attempt(1, permits(1, 3)));
    let said = world.ask(1, 0, b"pool", attempt(1, permits(1, 3)));
    assert_eq!(said, [Said::Answer(100, refused(Status::Timeout, 0, 0))]);
}

#[test]
fn another_limit_or_more_permits_than_it_are_refused() {
    let mut world = World::new();
    world.hold(0, b"pool", attempt(1, permits(1, 3)));
    let said = world.ask(1, 0, b"pool", attempt(1, permits(1, 4)));
    assert_eq!(
        said,
        [Said::Answer(100, refused(Status::LimitMismatch, 3, 4))]
    );
    let said = world.ask(1, 0, b"pool", attempt(1, permits(4, 3)));
    assert_eq!(
        said,
        [Said::Answer(100, refused(Status::LimitMismatch, 3, 4))]
    );
    let said = world.ask(1, 0, b"fresh", attempt(1, permits(4, 3)));
    assert_eq!(
        said,
        [Said::Answer(100, refused(Status::LimitMismatch, 3, 4))]
    );
}

#[test]
fn a_free_key_forgets_its_limit() {
    let mut world = World::new();
    let token = world.hold(0, b"pool", attempt(1, permits(1, 3)));
    world.ask(0, 1, b"pool", release(1, token));
    world.hold(0, b"pool", attempt(1, permits(4, 4)));
}

#[test]
fn a_wide_request_at_the_head_is_not_starved() {
    let mut world = World::new();
    let first = world.hold(0, b"pool", attempt(1, permits(1, 3)));
    let second = world.hold(0, b"pool", attempt(2, permits(1, 3)));
    world.wait(1, 0, b"pool", queued(1, permits(3, 3)));
    world.wait(2, 0, b"pool", queued(1, permits(1, 3)));
    assert_eq!(world.ask(0, 1, b"pool", release(1, first)).len(), 1);
    let said = world.ask(0, 1, b"pool", release(2, second));
    assert_eq!(said[1..], [Said::Settled(100, granted(second + 1))]);
}

#[test]
fn token_0_does_not_name_a_permit() {
    let mut world = World::new();
    world.hold(0, b"pool", attempt(1, permits(1, 3)));
    let said = world.ask(0, 1, b"pool", release(1, 0));
    assert_eq!(said, [Said::Answer(1, refused(Status::NotHeld, 0, 0))]);
}

fn resizing(permits: u32, limit: u32, op: fn(u64, Want) -> Op) -> Op {
    op(
        7,
        Want {
            resize: true,
            ..super::world::permits(permits, limit)
        },
    )
}

#[test]
fn a_resize_upwards_grants_those_who_wait() {
    let mut world = World::new();
    world.hold(0, b"pool", attempt(1, permits(2, 2)));
    world.wait(1, 0, b"pool", queued(1, permits(2, 2)));
    let said = world.ask(2, 0, b"pool", resizing(1, 5, queued));
    assert_eq!(said[0], Said::Queued(200));
    assert!(matches!(
        said[1],
        Said::Settled(100, Answer::Granted { .. })
    ));
    assert!(matches!(
        said[2],
        Said::Settled(200, Answer::Granted { .. })
    ));
}

#[test]
fn a_resize_downwards_lets_holds_drain_and_refuses_wide_waiters_at_the_head() {
    let mut world = World::new();
    let token = world.hold(0, b"pool", attempt(1, permits(3, 3)));
    world.wait(1, 0, b"pool", queued(1, permits(1, 3)));
    world.wait(1, 1, b"pool", queued(2, permits(3, 3)));
    world.wait(2, 0, b"pool", resizing(1, 2, queued));
    let said = world.ask(0, 1, b"pool", release(1, token));
    assert_eq!(said[1], Said::Settled(100, granted(token + 1)));
    assert_eq!(
        said[2],
        Said::Settled(101, refused(Status::LimitMismatch, 2, 3))
    );
    assert_eq!(said[3], Said::Settled(200, granted(token + 2)));
}

#[test]
fn a_refused_try_does_not_resize() {
    let mut world = World::new();
    world.hold(0, b"pool", attempt(1, permits(3, 3)));
    let said = world.ask(1, 0, b"pool", resizing(1, 2, attempt));
    assert_eq!(said, [Said::Answer(100, refused(Status::Timeout, 0, 0))]);
    world.wait(1, 0, b"pool", queued(1, permits(1, 3)));
}
