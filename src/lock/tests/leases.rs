use super::world::*;
use crate::lock::Answer;
use crate::lock::effect::LostReason;
use crate::lock::op::{Lease, Op, RenewTo};
use crate::time::Instant;
use locker_protocol::Status;

fn lost(owner: u64, token: u64) -> Said {
    Said::Lost {
        owner,
        token,
        reason: LostReason::Lease,
        key: b"door".to_vec(),
        closure: None,
    }
}

#[test]
fn a_lease_that_runs_out_is_told_and_the_next_one_is_granted() {
    let mut world = World::new();
    let token = world.hold(0, b"door", leased_ms(1, EXCLUSIVE, 200));
    world.wait(1, 0, b"door", queued(1, EXCLUSIVE));
    assert_eq!(world.pass_ms(199), []);
    let said = world.pass_ms(1);
    assert_eq!(
        said,
        [lost(1, token), Said::Settled(100, granted(token + 1))]
    );
}

#[test]
fn a_lease_is_rounded_up_and_never_ends_early() {
    let mut world = World::new();
    world.now = Instant(world.now.0 + 1);
    let begin = world.now;
    let said = world.ask(0, 0, b"door", leased_ms(1, EXCLUSIVE, 10));
    let until = Some(Instant(begin.0 + 10_000));
    assert!(
        matches!(said[0], Said::Answer(0, Answer::Granted { until: told, .. }) if told == until)
    );
    world.now = Instant(begin.0 + 9_999);
    assert_eq!(world.turn(&[]), []);
    world.now = Instant(begin.0 + 10_999);
    assert_eq!(world.turn(&[]).len(), 1);
}

#[test]
fn a_renewal_replaces_the_deadline_later_or_earlier() {
    for (renewed, dies_after) in [(1_000, 1_000), (50, 50)] {
        let mut world = World::new();
        let token = world.hold(0, b"door", leased_ms(1, EXCLUSIVE, 200));
        let until = Some(Instant(world.now.0 + u64::from(renewed) * 1_000));
        let said = world.ask(0, 1, b"door", renew_ms(1, token, renewed));
        assert_eq!(said, [Said::Answer(1, Answer::Renewed { until })]);
        assert_eq!(world.pass_ms(dies_after - 1), []);
        assert_eq!(world.pass_ms(1), [lost(1, token)]);
    }
}

#[test]
fn a_renewal_in_the_turn_of_expiry_wins() {
    let mut world = World::new();
    let token = world.hold(0, b"door", leased_ms(1, EXCLUSIVE, 100));
    world.pass_ms(99);
    world.now = Instant(world.now.0 + 1_000);
    let said = world.ask(0, 1, b"door", renew_ms(1, token, 100));
    assert_eq!(said.len(), 1);
    assert_eq!(world.pass_ms(99), []);
    assert_eq!(world.pass_ms(1), [lost(1, token)]);
}

#[test]
fn a_renewal_that_keeps_tells_the_deadline() {
    let mut world = World::new();
    let begin = world.now;
    let token = world.hold(0, b"door", leased_ms(1, EXCLUSIVE, 200));
    world.pass_ms(100);
    let keep = Op::Renew {
        owner: 1,
        token,
        to: RenewTo::Keep,
    };
    let until = Some(Instant(begin.0 + 200_000));
    assert_eq!(
        world.ask(0, 1, b"door", keep),
        [Said::Answer(1, Answer::Renewed { until })]
    );
}

#[test]
fn a_hold_renewed_for_the_session_has_no_deadline_any_more() {
    let mut world = World::new();
    let token = world.hold(0, b"door", leased_ms(1, EXCLUSIVE, 200));
    let to = RenewTo::Lease(Lease::Session);
    let said = world.ask(
        0,
        1,
        b"door",
        Op::Renew {
            owner: 1,
            token,
            to,
        },
    );
    assert_eq!(said, [Said::Answer(1, Answer::Renewed { until: None })]);
    assert_eq!(world.engine.next_deadline(), None);
    assert_eq!(world.pass_ms(1_000), []);
}

#[test]
fn a_lost_hold_cannot_be_renewed() {
    let mut world = World::new();
    let token = world.hold(0, b"door", leased_ms(1, EXCLUSIVE, 20));
    world.pass_ms(20);
    let said = world.ask(0, 1, b"door", renew_ms(1, token, 100));
    assert_eq!(said, [Said::Answer(1, refused(Status::NotHeld, 0, token))]);
}

#[test]
fn a_waiter_that_queued_longer_than_its_lease_still_gets_its_lease() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"door", leased_ms(1, EXCLUSIVE, 100));
    world.pass_ms(5_000);
    let said = world.ask(0, 1, b"door", release(1, token));
    let until = Some(Instant(world.now.0 + 100_000));
    let next = Answer::Granted {
        token: token + 1,
        until,
    };
    assert_eq!(said[1], Said::Settled(100, next));
    assert_eq!(world.pass_ms(99), []);
    assert_eq!(world.pass_ms(1), [lost(1, token + 1)]);
}

#[test]
fn a_stall_moves_deadlines_later_but_for_50_ms() {
    let mut world = World::new();
    let token = world.hold(0, b"door", leased_ms(1, EXCLUSIVE, 1_000));
    world.pass_ms(500);
    // Something is due every turn, so that the shell is known to be late and not asleep.
    world.hold(1, b"other", leased_ms(1, EXCLUSIVE, 10));
    world.now = Instant(world.now.0 + 400_000);
    assert_eq!(world.turn(&[]).len(), 1, "the other's lease");
    assert_eq!(world.engine.counters().stall_ms, 400 - 10 - 50);
    let keep = Op::Renew {
        owner: 1,
        token,
        to: RenewTo::Keep,
    };
    let said = world.ask(0, 1, b"door", keep);
    let until = Some(Instant(SECOND + 1_000_000 + 340_000));
    assert_eq!(said, [Said::Answer(1, Answer::Renewed { until })]);
    assert_eq!(world.pass_ms(100 + 340 - 1), []);
    assert_eq!(world.pass_ms(1), [lost(1, token)]);
}

#[test]
fn sleeping_until_the_next_deadline_is_no_stall() {
    let mut world = World::new();
    world.hold(0, b"door", leased_ms(1, EXCLUSIVE, 100_000));
    let mut turns = 0;
    while let Some(wake) = world.engine.next_deadline() {
        world.now = world.now.max(wake);
        world.turn(&[]);
        turns += 1;
        assert!(turns < 10, "a timer is sorted in a few times at most");
    }
    assert_eq!(world.now, Instant(SECOND + 100_000_000));
    assert_eq!(world.engine.counters().stall_ms, 0);
}

#[test]
fn the_longest_lease_is_granted_after_weeks_of_silence() {
    const DAY_US: u64 = 86_400_000_000;
    let mut world = World::new();
    world.hold(0, b"long", leased_ms(1, EXCLUSIVE, 24 * 86_400_000));
    for days in [23, 25] {
        world.now = Instant(world.now.0 + days * DAY_US);
        let key = [b'0' + u8::try_from(days % 10).unwrap()];
        world.hold(0, &key, leased_ms(1, EXCLUSIVE, 24 * 86_400_000));
    }
}
