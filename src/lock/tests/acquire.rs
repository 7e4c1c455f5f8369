use super::world::*;
use crate::lock::Answer;
use crate::lock::op::Mode;
use locker_protocol::Status;

#[test]
fn a_free_key_is_granted_at_once_and_takes_one_block() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    assert_eq!(world.engine.counters().blocks_used, 1);
    assert_eq!(world.engine.counters().locks, 1);
}

#[test]
fn a_released_key_gives_its_block_back() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
    let said = world.ask(0, 1, b"door", release(1, token));
    assert_eq!(said, [Said::Answer(1, Answer::Released)]);
    assert_eq!(world.engine.counters().blocks_used, 0);
}

#[test]
fn a_try_on_a_held_key_times_out() {
    let mut world = World::new();
    world.hold(0, b"door", attempt(1, EXCLUSIVE));
    let said = world.ask(1, 0, b"door", attempt(1, SHARED));
    assert_eq!(said, [Said::Answer(100, refused(Status::Timeout, 0, 0))]);
}

#[test]
fn shared_holds_stand_beside_each_other() {
    let mut world = World::new();
    for slot in 0..4 {
        world.hold(slot, b"door", attempt(1, SHARED));
    }
    assert_eq!(world.engine.counters().holds, 4);
    let said = world.ask(0, 1, b"door", attempt(9, permits(1, 5)));
    assert_eq!(said, [Said::Answer(1, refused(Status::Timeout, 0, 0))]);
}

#[test]
fn an_owner_that_holds_the_key_is_refused_and_told_the_token() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, SHARED));
    let other = world.hold(1, b"door", attempt(1, SHARED));
    let again = world.ask(0, 1, b"door", queued(1, EXCLUSIVE));
    let held = |token| refused(Status::AlreadyHeld, Mode::Shared as u64, token);
    assert_eq!(again, [Said::Answer(1, held(token))]);
    let again = world.ask(1, 1, b"door", queued(1, SHARED));
    assert_eq!(again, [Said::Answer(101, held(other))]);
}

#[test]
fn tokens_of_a_key_grow() {
    let mut world = World::new();
    let mut last = 0;
    for _ in 0..10 {
        let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
        assert!(token > last);
        last = token;
        world.ask(0, 1, b"door", release(1, 0));
    }
}

#[test]
fn a_wrong_token_or_owner_or_session_releases_nothing() {
    let mut world = World::new();
    let token = world.hold(0, b"door", attempt(1, EXCLUSIVE));
    for (slot, owner, token) in [(0, 1, token + 1), (0, 2, token), (1, 1, token), (1, 1, 0)] {
        let said = world.ask(slot, 1, b"door", release(owner, token));
        let seat = seat_of(slot, 1);
        assert_eq!(
            said,
            [Said::Answer(seat, refused(Status::NotHeld, 0, token))]
        );
    }
    assert_eq!(world.engine.counters().holds, 1);
}

#[test]
fn long_keys_and_metadata_continue_in_further_blocks_and_free_them() {
    for block_bytes in crate::lock::BLOCK_BYTES_ALLOWED {
        let mut world = World::with(crate::lock::EngineConfig {
            block_bytes,
            ..config()
        });
        let key: Vec<u8> = (0..1_024_u32).map(|at| at.to_le_bytes()[0]).collect();
        for length in [1, 11, 12, 13, 44, 45, 132, 133, 500, 1_023, 1_024] {
            let said = world.turn(&[
                request_with(0, 0, &key[..length], attempt(1, SHARED), &[7; 256]),
                request_with(1, 0, &key[..length], attempt(1, SHARED), &[8; 100]),
                request(0, 1, &key[..length], release(1, 0)),
                request_with(2, 0, &key[..length], attempt(1, SHARED), &[9; 200]),
                request(1, 1, &key[..length], release(1, 0)),
                request(2, 1, &key[..length], release(1, 0)),
            ]);
            assert_eq!(said.len(), 6);
            assert!(
                said.iter()
                    .all(|said| !matches!(said, Said::Answer(_, Answer::Refused(_))))
            );
            assert_eq!(world.engine.counters().blocks_used, 0);
        }
    }
}

#[test]
fn keys_that_differ_in_their_last_byte_are_different() {
    let mut world = World::with(crate::lock::EngineConfig {
        blocks: 100,
        ..config()
    });
    let mut key = vec![0; 300];
    for last in 0..20 {
        key[299] = last;
        world.hold(0, &key, attempt(1, EXCLUSIVE));
    }
    assert_eq!(world.engine.counters().locks, 20);
}

#[test]
fn a_full_table_refuses_and_changes_nothing() {
    let mut world = World::with(crate::lock::EngineConfig {
        blocks: 3,
        ..config()
    });
    for key in [b"a", b"b", b"c"] {
        world.hold(0, key, attempt(1, EXCLUSIVE));
    }
    let full = Said::Answer(0, refused(Status::TableFull, 3, 1));
    assert_eq!(
        world.ask(0, 0, b"d", attempt(1, EXCLUSIVE)),
        std::slice::from_ref(&full)
    );
    let full = Said::Answer(100, refused(Status::TableFull, 3, 1));
    assert_eq!(world.ask(1, 0, b"a", queued(1, EXCLUSIVE)), [full]);
    world.ask(0, 0, b"a", release(1, 0));
    world.hold(0, b"d", attempt(1, EXCLUSIVE));
}

#[test]
fn one_owner_has_a_bounded_number_of_entries_on_a_key() {
    let mut world = World::with(crate::lock::EngineConfig {
        blocks: 200,
        ..config()
    });
    for _ in 0..65 {
        world.hold(0, b"pool", attempt(1, permits(1, 100)));
    }
    let said = world.ask(0, 0, b"pool", attempt(1, permits(1, 100)));
    assert_eq!(said, [Said::Answer(0, refused(Status::OwnerFull, 64, 64))]);
    world.hold(0, b"pool", attempt(2, permits(1, 100)));
}

#[test]
fn without_a_token_in_reserve_acquires_are_refused() {
    let mut world = World::new();
    world.engine.tokens.skip_to_last(2);
    assert!(world.engine.wants_epoch());
    world.hold(0, b"a", attempt(1, EXCLUSIVE));
    world.wait(1, 0, b"a", queued(1, EXCLUSIVE));
    let busy = |seat| Said::Answer(seat, refused(Status::Busy, 0, 0));
    assert_eq!(world.ask(2, 0, b"b", attempt(1, EXCLUSIVE)), [busy(200)]);
    world.engine.add_epoch(2);
    assert!(!world.engine.wants_epoch());
    let token = world.hold(2, b"b", attempt(1, EXCLUSIVE));
    let said = world.ask(0, 1, b"a", release(1, 0));
    assert_eq!(said[1], Said::Settled(100, granted(token + 1)));
    assert_eq!(token >> 35, 1, "the last of the first epoch");
    assert_eq!((token + 1) >> 35, 2, "then the second");
}
