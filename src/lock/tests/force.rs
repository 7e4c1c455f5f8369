use super::world::*;
use crate::lock::effect::{ClosureRef, LostReason};
use crate::lock::force::{FORCE_LOOKS_MAX, FORCED_PER_REQUEST_MAX};
use crate::lock::op::ClosedFor;
use crate::lock::{Answer, Batch, EngineConfig, Input};
use crate::time::Millis;
use locker_protocol::Status;

fn closure_of(said: &Said) -> ClosureRef {
    match said {
        Said::Lost {
            reason: LostReason::Forced,
            closure: Some(closure),
            ..
        } => *closure,
        other => panic!("no closure: {other:?}"),
    }
}

fn told(closure: ClosureRef) -> Input<'static> {
    Input::LostTold { closure }
}

#[test]
fn a_forced_key_opens_its_delay_after_the_holder_was_told() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    let said = world.ask(2, 0, b"door", force(token, ClosedFor::For(Millis(300))));
    let closure = closure_of(&said[0]);
    assert_eq!(
        said[1],
        Said::Answer(
            200,
            Answer::Forced {
                ended: 1,
                closed_ms: 300
            }
        )
    );
    assert_eq!(world.pass_ms(5_000), [], "the delay has not begun");
    let said = world.ask(2, 0, b"door", attempt(1, SHARED));
    assert_eq!(said, [Said::Answer(200, refused(Status::Timeout, 0, 0))]);
    assert_eq!(world.turn(&[told(closure)]), []);
    assert_eq!(world.pass_ms(299), []);
    assert_eq!(world.pass_ms(1), [Said::Settled(100, granted(token + 1))]);
}

#[test]
fn the_holders_ttl_is_the_delay_unless_told_otherwise() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    let said = world.ask(2, 0, b"door", force(0, ClosedFor::HolderTtl));
    assert_eq!(
        said[1],
        Said::Answer(
            200,
            Answer::Forced {
                ended: 1,
                closed_ms: 10_250
            }
        )
    );
}

#[test]
fn forced_at_once_the_key_goes_to_the_next_waiter() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    let said = world.ask(2, 0, b"door", force(token, ClosedFor::For(Millis(0))));
    assert!(matches!(said[0], Said::Lost { closure: None, .. }));
    assert_eq!(
        said[1],
        Said::Answer(
            200,
            Answer::Forced {
                ended: 1,
                closed_ms: 0
            }
        )
    );
    assert_eq!(said[2], Said::Settled(100, granted(token + 1)));
}

#[test]
fn a_token_ends_only_its_hold_and_a_wrong_one_nothing() {
    let mut world = World::new();
    let first = world.hold(0, b"door", attempt(1, SHARED));
    let second = world.hold(1, b"door", attempt(1, SHARED));
    let said = world.ask(2, 0, b"door", force(second + 1, ClosedFor::HolderTtl));
    assert_eq!(
        said,
        [Said::Answer(200, refused(Status::NotHeld, 0, second + 1))]
    );
    let said = world.ask(2, 0, b"door", force(second, ClosedFor::HolderTtl));
    assert!(matches!(said[0], Said::Lost { token, .. } if token == second));
    assert_eq!(world.engine.counters().holds, 1);
    let said = world.ask(0, 1, b"door", renew_ms(1, first, 1_000));
    assert!(matches!(said[0], Said::Answer(_, Answer::Renewed { .. })));
}

#[test]
fn token_0_ends_all_holds() {
    let mut world = World::new();
    for slot in 0..3 {
        world.hold(slot, b"door", attempt(1, SHARED));
    }
    let said = world.ask(3, 0, b"door", force(0, ClosedFor::For(Millis(10))));
    assert_eq!(
        said[3],
        Said::Answer(
            300,
            Answer::Forced {
                ended: 3,
                closed_ms: 10
            }
        )
    );
    let closures: Vec<_> = said[..3].iter().map(closure_of).collect();
    for closure in closures {
        world.turn(&[told(closure)]);
    }
    world.pass_ms(10);
    assert_eq!(world.engine.counters().blocks_used, 0);
}

#[test]
fn an_end_of_the_session_counts_as_told() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    let said = world.ask(2, 0, b"door", force(0, ClosedFor::For(Millis(300))));
    let closure = closure_of(&said[0]);
    let said = world.turn(&[Input::SessionEnd {
        session: session(0),
    }]);
    assert_eq!(said, [Said::Gone(session(0))]);
    world.pass_ms(299);
    assert_eq!(world.engine.counters().locks, 1);
    world.pass_ms(1);
    assert_eq!(world.engine.counters().locks, 0);
    assert_eq!(world.turn(&[told(closure)]), [], "stale word is ignored");
}

#[test]
fn stale_word_does_not_touch_who_came_after() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    let said = world.ask(2, 0, b"door", force(0, ClosedFor::For(Millis(10))));
    let closure = closure_of(&said[0]);
    world.turn(&[told(closure)]);
    world.pass_ms(10);
    world.hold(1, b"other", attempt(1, EXCLUSIVE));
    let said = world.ask(2, 0, b"other", force(0, ClosedFor::For(Millis(10))));
    assert_eq!(
        closure_of(&said[0]).block,
        closure.block,
        "the same block again"
    );
    world.turn(&[told(closure)]);
    world.pass_ms(1_000);
    assert_eq!(
        world.engine.counters().locks,
        1,
        "the new closure was not told"
    );
    let unknown = ClosureRef {
        block: 9_999,
        generation: 0,
    };
    world.turn(&[
        told(unknown),
        told(ClosureRef {
            block: 0,
            generation: 0,
        }),
    ]);
}

#[test]
fn a_force_looks_at_a_bounded_number_of_holds() {
    const HOLDS: u32 = FORCE_LOOKS_MAX + 10;
    let mut world = World::with(EngineConfig {
        blocks: HOLDS + 1,
        ..config()
    });
    let mut batch = Batch::new();
    for owner in 0..u64::from(HOLDS) {
        let input = request(0, 0, b"door", attempt(owner, SHARED));
        if batch.push(input).is_err() {
            world.engine.apply(&mut batch, &mut world.ears);
            batch.push(input).unwrap();
        }
    }
    let mut ask = |token| {
        let delay = ClosedFor::For(Millis(10));
        batch
            .push(request(2, 0, b"door", force(token, delay)))
            .unwrap();
        world.engine.apply(&mut batch, &mut world.ears);
        let said = std::mem::take(&mut world.ears.said);
        said.last().cloned()
    };
    let busy = refused(Status::Busy, u64::from(FORCE_LOOKS_MAX), 0);
    assert_eq!(ask(1), Some(Said::Answer(200, busy)), "no such token");
    let mut left = HOLDS;
    while left > 0 {
        let ended = left.min(FORCED_PER_REQUEST_MAX);
        let closed_ms = 10;
        let forced = Answer::Forced { ended, closed_ms };
        assert_eq!(ask(0), Some(Said::Answer(200, forced)), "of {left}");
        left -= ended;
    }
    let none = refused(Status::NotHeld, 0, 0);
    assert_eq!(ask(0), Some(Said::Answer(200, none)));
    world.engine.check_invariants();
}
