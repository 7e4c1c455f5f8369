use super::world::*;
use crate::lock::effect::{CancelOutcome, LostReason};
use crate::lock::op::{ClosedFor, IfGranted};
use crate::lock::{Answer, Input};
use crate::time::{Instant, Millis};
use locker_protocol::Status;

#[test]
fn a_grant_that_finds_the_lane_full_leaves_next_turn_with_its_whole_lease() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"door", leased_ms(1, EXCLUSIVE, 100));
    world.ears.full = true;
    world.ask(0, 1, b"door", release(1, token));
    assert!(world.engine.has_pending());
    assert_eq!(world.pass_ms(1_000), []);
    world.ears.full = false;
    let said = world.turn(&[]);
    let until = Some(Instant(world.now.0 + 100_000));
    let next = Answer::Granted {
        token: token + 1,
        until,
    };
    assert_eq!(said, [Said::Settled(100, next)]);
    assert!(!world.engine.has_pending());
}

#[test]
fn later_effects_queue_behind_those_that_wait() {
    let mut world = World::new();
    world.hold(0, b"a", leased_ms(1, EXCLUSIVE, 10));
    world.hold(0, b"b", leased_ms(2, EXCLUSIVE, 20));
    world.ears.full = true;
    assert_eq!(world.pass_ms(10), []);
    world.pass_ms(10);
    world.ears.full = false;
    let owners: Vec<_> = world
        .turn(&[])
        .into_iter()
        .map(|said| match said {
            Said::Lost {
                owner,
                reason: LostReason::Lease,
                ..
            } => owner,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(owners, [1, 2]);
    assert_eq!(world.engine.counters().blocks_used, 0);
}

#[test]
fn answers_are_marked_while_a_lost_is_on_its_way() {
    let mut world = World::new();
    world.hold(0, b"a", leased_ms(1, EXCLUSIVE, 10));
    world.ears.full = true;
    world.pass_ms(10);
    let said = world.ask(0, 1, b"b", attempt(1, EXCLUSIVE));
    assert!(matches!(
        said[..],
        [Said::Withheld(1, Answer::Granted { .. })]
    ));
    let said = world.ask(1, 1, b"a", attempt(1, EXCLUSIVE));
    assert!(
        matches!(said[..], [Said::Answer(101, Answer::Granted { .. })]),
        "others are not"
    );
    world.ears.full = false;
    world.turn(&[]);
    let said = world.ask(0, 1, b"b", release(1, 0));
    assert_eq!(said, [Said::Answer(1, Answer::Released)]);
}

#[test]
fn a_grant_on_its_way_is_still_a_waiter_to_its_client() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    world.wait(2, 0, b"door", queued(1, EXCLUSIVE));
    world.ears.full = true;
    world.ask(0, 1, b"door", release(1, token));
    let said = world.ask(1, 1, b"door", release(1, 0));
    assert_eq!(said, [Said::Answer(101, refused(Status::NotHeld, 0, 0))]);
    let said = world.ask(1, 1, b"door", cancel(1, 100, 0, IfGranted::Release));
    let done = Answer::CancelDone {
        outcome: CancelOutcome::Cancelled,
        token: 0,
    };
    assert_eq!(said, [Said::Answer(101, done)]);
    world.ears.full = false;
    let cancelled = Said::Settled(100, refused(Status::Cancelled, 0, 0));
    assert_eq!(
        world.turn(&[]),
        [cancelled, Said::Settled(200, granted(token + 2))]
    );
}

#[test]
fn a_forced_hold_whose_grant_is_on_its_way_hears_granted_and_lost() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    world.ears.full = true;
    world.ask(0, 1, b"door", release(1, token));
    let said = world.ask(2, 1, b"door", force(0, ClosedFor::HolderTtl));
    assert_eq!(
        said,
        [Said::Answer(
            201,
            Answer::Forced {
                ended: 1,
                closed_ms: 0
            }
        )]
    );
    world.ears.full = false;
    let lost = refused(Status::Lost, 0, token + 1);
    assert_eq!(world.turn(&[]), [Said::Settled(100, lost)]);
    assert_eq!(world.engine.counters().blocks_used, 0);
}

#[test]
fn a_closures_delay_waits_for_its_lost_to_leave() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.ears.full = true;
    world.ask(2, 1, b"door", force(0, ClosedFor::For(Millis(10))));
    world.pass_ms(100);
    world.ears.full = false;
    let said = world.turn(&[]);
    let Said::Lost {
        closure: Some(closure),
        ..
    } = said[0]
    else {
        panic!("{said:?}");
    };
    world.turn(&[Input::LostTold { closure }]);
    world.pass_ms(10);
    assert_eq!(world.engine.counters().blocks_used, 0);
}

#[test]
fn a_session_that_ends_drops_what_still_waits_for_it() {
    let mut world = World::new();
    world.hold(0, b"a", leased_ms(1, EXCLUSIVE, 10));
    world.hold(0, b"c", attempt(1, EXCLUSIVE));
    world.hold(1, b"b", attempt(1, EXCLUSIVE));
    world.wait(0, 1, b"b", waiting_ms(1, EXCLUSIVE, 10));
    world.wait(0, 2, b"b", queued(1, EXCLUSIVE));
    world.ears.full = true;
    world.pass_ms(10);
    world.ask(1, 1, b"b", release(1, 0));
    world.ask(2, 1, b"c", force(0, ClosedFor::For(Millis(10))));
    assert_eq!(
        world.turn(&[Input::SessionEnd {
            session: session(0)
        }]),
        []
    );
    assert!(world.engine.has_pending());
    world.ears.full = false;
    assert_eq!(world.turn(&[]), [Said::Gone(session(0))]);
    world.pass_ms(10);
    assert_eq!(world.engine.counters().blocks_used, 0);
}
