//! How sessions end: TTL, Close, disconnects, drain.

use crate::shard::io::{FromControl, ToControl};
use crate::shard::tests::bench::{Bench, Setup, greeting, hello, hello_ok, id};
use crate::shard::tests::requests::{
    acquire, ask, assert_reservations_are_free, bytes_of, key_on, release, token_of,
};
use crate::time::Instant;
use locker_protocol::DELAY_HOLDER_TTL;
use locker_protocol::{Acquire, Close, ForceRelease, Hello, OnDisconnect, Ping, Request};

#[test]
fn a_silent_session_ends_after_its_ttl_and_not_before() {
    for shards in [1, 2] {
        let mut bench = Bench::new(&Setup {
            shards,
            ..Setup::default()
        });
        let (holder, waiter) = (bench.open(0), bench.open(0));
        let key = key_on(shards - 1, shards);
        ask(
            &mut bench,
            holder,
            id(0, 1),
            Request::Acquire(acquire(&key)),
        );
        let wait = Acquire {
            wait_ms: u32::MAX,
            ..acquire(&key)
        };
        ask(&mut bench, waiter, id(0, 1), Request::Acquire(wait));
        for _ in 0..99 {
            bench.pass(100);
            ask(&mut bench, waiter, 5, Request::Ping(Ping));
        }
        assert!(bench.is_open(holder.link), "9.9 s");
        bench.pass(150);
        let heard = bench.heard(holder.link);
        assert!(heard[0].contains("SessionEnded") && heard[0].contains("Expired"));
        assert!(!bench.is_open(holder.link));
        token_of(&bench.heard(waiter.link));
        assert_reservations_are_free(&bench);
    }
}

#[test]
fn nothing_expires_while_input_waits_but_for_a_bounded_time() {
    let mut bench = Bench::one();
    let silent = bench.open(0);
    let leased = bench.open(0);
    let acquire = Acquire {
        lease_ms: 9_000,
        ..acquire(b"door")
    };
    ask(&mut bench, leased, id(0, 1), Request::Acquire(acquire));
    bench.shards[0].io.input_waits = true;
    bench.now = Instant(bench.now.0 + 10_040_000);
    for _ in 0..10 {
        bench.turn(0, usize::MAX);
    }
    assert!(bench.is_open(silent.link), "its keepalive may be waiting");
    assert_eq!(bench.heard(leased.link), Vec::<String>::new());
    for _ in 0..1_000 {
        bench.now = Instant(bench.now.0 + 1_000);
        bench.turn(0, usize::MAX);
    }
    assert!(!bench.is_open(silent.link), "under a load without end too");
    assert!(bench.heard(leased.link)[0].contains("Lost"));
}

#[test]
fn any_byte_keeps_a_session_alive() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    let ping = bytes_of(Request::Ping(Ping), 5);
    for byte in ping {
        bench.pass(9_000);
        bench.send(client.link, &[byte]);
        bench.settle();
    }
    assert!(bench.is_open(client.link));
    assert_eq!(bench.heard(client.link).len(), 1);
}

#[test]
fn a_client_that_does_not_read_keeps_no_session_alive() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    bench.set_full(client.link, true);
    bench.pass(10_020);
    assert!(!bench.is_open(client.link));
}

#[test]
fn a_close_releases_everything_before_it_is_answered() {
    for shards in [1, 2] {
        let mut bench = Bench::new(&Setup {
            shards,
            ..Setup::default()
        });
        let (one, two) = (bench.open(0), bench.open(0));
        for shard in 0..shards {
            let key = key_on(shard, shards);
            ask(
                &mut bench,
                one,
                id(0, u64::from(shard) + 1),
                Request::Acquire(acquire(&key)),
            );
        }
        let heard = ask(&mut bench, one, id(1, 1), Request::Close(Close));
        assert_eq!(heard, ["Closed(Closed)"]);
        assert!(!bench.is_open(one.link));
        for shard in 0..shards {
            let key = key_on(shard, shards);
            let seat = u16::from(shard == 1);
            token_of(&ask(
                &mut bench,
                two,
                id(seat, 1),
                Request::Acquire(acquire(&key)),
            ));
        }
        let link = bench.connect_to(0, true);
        bench.send(link, &one.resume(1));
        bench.settle();
        assert!(bench.heard(link)[0].contains("NoSession"));
        assert_reservations_are_free(&bench);
    }
}

#[test]
fn nothing_behind_a_close_is_served() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    let mut bytes = bytes_of(Request::Close(Close), id(0, 1));
    bytes.extend(bytes_of(Request::Ping(Ping), 7));
    bench.send(client.link, &bytes);
    bench.settle();
    assert_eq!(bench.heard(client.link), ["Closed(Closed)"]);
}

#[test]
fn a_session_slot_is_free_again_once_its_end_is_complete() {
    let mut bench = Bench::new(&Setup {
        shards: 2,
        sessions: 1,
        ..Setup::default()
    });
    for round in 0..20 {
        let client = bench.open(0);
        for shard in 0..2 {
            let key = key_on(shard, 2);
            let heard = ask(
                &mut bench,
                client,
                id(shard, 1),
                Request::Acquire(acquire(&key)),
            );
            token_of(&heard);
        }
        if round % 2 == 0 {
            ask(&mut bench, client, id(3, 1), Request::Close(Close));
        } else {
            bench.drop_link(client.link, false);
            bench.pass(10_020);
        }
        assert_reservations_are_free(&bench);
    }
}

#[test]
fn release_on_disconnect_counts_for_an_orderly_end_only() {
    for orderly in [true, false] {
        let mut bench = Bench::one();
        let link = bench.connect_to(0, true);
        let open = Hello {
            on_disconnect: OnDisconnect::Release,
            ..hello()
        };
        bench.send(link, &greeting(&open));
        bench.send(link, &bytes_of(Request::Acquire(acquire(b"k")), id(0, 1)));
        bench.settle();
        let ok_frames = bench.frames(link);
        hello_ok(&ok_frames[0].1);
        bench.drop_link(link, orderly);
        bench.settle();
        let other = bench.open(0);
        let heard = ask(&mut bench, other, id(0, 1), Request::Acquire(acquire(b"k")));
        let is_free = heard[0].starts_with("Granted");
        assert_eq!(is_free, orderly, "{heard:?}");
    }
}

#[test]
fn grace_keeps_the_holds_of_a_lost_connection_until_the_ttl() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    ask(
        &mut bench,
        client,
        id(0, 1),
        Request::Acquire(acquire(b"k")),
    );
    bench.drop_link(client.link, true);
    let other = bench.open(0);
    bench.pass(9_900);
    ask(&mut bench, other, 5, Request::Ping(Ping));
    let held = ask(&mut bench, other, id(0, 1), Request::Acquire(acquire(b"k")));
    assert!(held[0].contains("Timeout"), "{held:?}");
    bench.pass(150);
    token_of(&ask(
        &mut bench,
        other,
        id(0, 2),
        Request::Acquire(acquire(b"k")),
    ));
}

#[test]
fn a_stall_ends_no_session_that_could_not_speak() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    bench.pass(100);
    bench.now = Instant(bench.now.0 + 60_000_000);
    bench.settle();
    bench.pass(50);
    ask(&mut bench, client, 5, Request::Ping(Ping));
    bench.pass(9_900);
    assert!(bench.is_open(client.link), "the server stood still, not it");
}

#[test]
fn a_forced_holder_is_told_and_the_key_opens_after_the_delay() {
    for shards in [1, 2] {
        let mut bench = Bench::new(&Setup {
            shards,
            ..Setup::default()
        });
        let (holder, admin) = (bench.open(0), bench.open(0));
        let key = key_on(shards - 1, shards);
        let granted = ask(
            &mut bench,
            holder,
            id(0, 1),
            Request::Acquire(acquire(&key)),
        );
        let token = token_of(&granted);
        let force = ForceRelease {
            token: 0,
            delay_ms: 500,
            key: &key,
            reason: "stuck",
        };
        let forced = ask(&mut bench, admin, id(0, 1), Request::ForceRelease(force));
        assert!(forced[0].contains("ended: 1"), "{forced:?}");
        let heard = bench.heard(holder.link);
        assert!(heard[0].contains(&format!("token: {token}")) && heard[0].contains("Forced"));
        let closed = ask(&mut bench, admin, id(0, 2), Request::Acquire(acquire(&key)));
        assert!(closed[0].contains("Timeout"), "{closed:?}");
        bench.pass(480);
        let closed = ask(&mut bench, admin, id(0, 3), Request::Acquire(acquire(&key)));
        assert!(closed[0].contains("Timeout"), "{closed:?}");
        bench.pass(40);
        token_of(&ask(
            &mut bench,
            admin,
            id(0, 4),
            Request::Acquire(acquire(&key)),
        ));
        assert_reservations_are_free(&bench);
    }
}

#[test]
fn a_drain_is_not_idle_while_a_forced_holder_may_believe_in_its_hold() {
    for shards in [1, 2] {
        let mut bench = Bench::new(&Setup {
            shards,
            ..Setup::default()
        });
        bench.obliging = false;
        let (holder, admin) = (bench.open(0), bench.open(0));
        let key = key_on(shards - 1, shards);
        let acquire = Request::Acquire(acquire(&key));
        token_of(&ask(&mut bench, holder, id(0, 1), acquire));
        bench.drop_link(holder.link, false);
        let force = ForceRelease {
            token: 0,
            delay_ms: DELAY_HOLDER_TTL,
            key: &key,
            reason: "its client is unreachable",
        };
        let forced = ask(&mut bench, admin, id(0, 1), Request::ForceRelease(force));
        assert!(forced[0].contains("ended: 1"), "{forced:?}");
        for word in [FromControl::Drain { bound_ms: 100 }, FromControl::DrainOver] {
            for shard in 0..usize::from(shards) {
                bench.tell(shard, word);
            }
            bench.settle();
        }
        bench.pass(10_000);
        let owner = usize::from(shards) - 1;
        let is_idle = |bench: &Bench| bench.shards[owner].io.control.contains(&ToControl::Idle);
        assert!(!is_idle(&bench), "the holder's own deadline may lie ahead");
        bench.pass(300);
        assert!(is_idle(&bench), "it has passed");
    }
}

#[test]
fn only_admin_listeners_force() {
    let mut bench = Bench::one();
    let link = bench.connect_to(0, false);
    bench.send(link, &greeting(&hello()));
    let force = ForceRelease {
        token: 0,
        delay_ms: 0,
        key: b"k",
        reason: "",
    };
    bench.send(link, &bytes_of(Request::ForceRelease(force), id(0, 1)));
    bench.settle();
    assert!(bench.heard(link)[1].contains("NotAdmin"));
}

#[test]
fn a_drain_lets_holders_finish_and_refuses_new_acquires() {
    for shards in [1, 2] {
        let mut bench = Bench::new(&Setup {
            shards,
            ..Setup::default()
        });
        bench.obliging = false;
        let (holder, waiter) = (bench.open(0), bench.open(0));
        let key = key_on(shards - 1, shards);
        let token = token_of(&ask(
            &mut bench,
            holder,
            id(0, 1),
            Request::Acquire(acquire(&key)),
        ));
        let wait = Acquire {
            wait_ms: u32::MAX,
            ..acquire(&key)
        };
        ask(&mut bench, waiter, id(0, 1), Request::Acquire(wait));
        for shard in 0..usize::from(shards) {
            bench.tell(shard, FromControl::Drain { bound_ms: 5_000 });
        }
        bench.settle();
        for client in [holder, waiter] {
            let heard = bench.heard(client.link);
            assert!(
                heard[0].contains("drain_ms: 5000, reason: Restart"),
                "{heard:?}"
            );
        }
        let fresh = ask(
            &mut bench,
            holder,
            id(1, 1),
            Request::Acquire(acquire(b"new")),
        );
        assert!(
            fresh[0].contains("Draining, limit: 0, value: 5000"),
            "{fresh:?}"
        );
        let late = bench.connect_to(0, true);
        bench.send(late, &greeting(&hello()));
        bench.settle();
        assert!(bench.heard(late)[0].contains("Draining"));
        assert!(bench.is_open(holder.link));
        let owner = usize::from(shards) - 1;
        assert!(!bench.shards[owner].io.control.contains(&ToControl::Idle));
        let released = ask(&mut bench, holder, id(0, 2), release(&key, token));
        assert_eq!(released, ["Released(Released)"]);
        let next = token_of(&bench.heard(waiter.link));
        ask(&mut bench, waiter, id(0, 2), release(&key, next));
        assert!(bench.shards[owner].io.control.contains(&ToControl::Idle));
        let told = |ask: &&ToControl| **ask == ToControl::Idle;
        bench.settle();
        let times = bench.shards[owner].io.control.iter().filter(told).count();
        assert_eq!(times, 1, "once");
    }
}

#[test]
fn the_end_of_a_drain_answers_the_waiters_and_closes() {
    for shards in [1, 2] {
        let mut bench = Bench::new(&Setup {
            shards,
            ..Setup::default()
        });
        bench.obliging = false;
        let (holder, waiter) = (bench.open(0), bench.open(0));
        let key = key_on(shards - 1, shards);
        ask(
            &mut bench,
            holder,
            id(0, 1),
            Request::Acquire(acquire(&key)),
        );
        let wait = Acquire {
            wait_ms: u32::MAX,
            ..acquire(&key)
        };
        ask(&mut bench, waiter, id(0, 1), Request::Acquire(wait));
        for word in [FromControl::Drain { bound_ms: 100 }, FromControl::DrainOver] {
            for shard in 0..usize::from(shards) {
                bench.tell(shard, word);
            }
            bench.settle();
        }
        bench.pass(20);
        let heard = bench.heard(waiter.link);
        assert!(heard[1].contains("Draining"), "{heard:?}");
        assert!(!bench.is_open(waiter.link) && !bench.is_open(holder.link));
        for shard in 0..shards {
            let last = match shard == shards - 1 {
                true => ToControl::Holding,
                false => ToControl::Idle,
            };
            let said = &bench.shards[usize::from(shard)].io.control;
            assert_eq!(said.last(), Some(&last), "of shard {shard}");
        }
    }
}
