//! Hello: sessions opened and resumed, and what is refused.

use crate::lock::input::Peer;
use crate::lock::op::SessionId;
use crate::shard::io::{FromControl, ToControl};
use crate::shard::tests::bench::{Bench, Setup, greeting, hello, hello_ok, id};
use crate::shard::tests::requests::{acquire, ask, bytes_of, key_on, release, token_of};
use crate::time::{Instant, Millis};
use locker_protocol::{Acquire, Hello, HelloAction, Ping, Request, Stats};

#[test]
fn an_open_grants_what_was_asked_within_bounds() {
    let mut bench = Bench::one();
    for (asked, granted) in [
        (0, 10_000),
        (1, 1_000),
        (u32::MAX, 3_600_000),
        (5_000, 5_000),
    ] {
        let link = bench.connect_to(0, false);
        let open = Hello {
            ttl_ms: asked,
            ..hello()
        };
        bench.send(link, &greeting(&open));
        bench.settle();
        let frames = bench.frames(link);
        let ok = hello_ok(&frames[0].1);
        assert_eq!((ok.ttl_ms, ok.keepalive_ms), (granted, granted / 3));
        assert_eq!((ok.seats, ok.attach, ok.run), (8, 0, 5));
        assert!(!ok.admin && !ok.resumed);
        assert_ne!(ok.secret, [0; 16]);
        assert_eq!(ok.server_now, bench.now.0);
    }
}

#[test]
fn the_ports_of_shards_are_told_to_clients_of_tcp_alone() {
    let mut bench = Bench::new(&Setup {
        shards: 2,
        ..Setup::default()
    });
    let tcp = Peer {
        port: 1_000,
        ..Peer::default()
    };
    for (peer, ports) in [(tcp, &[7_001, 7_001][..]), (Peer::default(), &[])] {
        let link = bench.connect_from(peer, 1, false);
        bench.send(link, &greeting(&hello()));
        bench.settle();
        let frames = bench.frames(link);
        let told = hello_ok(&frames[0].1).ports;
        assert_eq!(told.iter().collect::<Vec<u16>>(), ports);
    }
}

#[test]
fn two_sessions_have_two_ids_and_two_secrets() {
    let mut bench = Bench::one();
    let (one, two) = (bench.open(0), bench.open(0));
    assert_ne!(one.session, two.session);
    assert_ne!(one.secret, two.secret);
}

#[test]
fn a_wrong_preface_is_a_fault() {
    let mut bench = Bench::one();
    let link = bench.connect_to(0, false);
    bench.send(link, b"GET");
    bench.settle();
    assert!(bench.heard(link)[0].contains("BadPreface"));
    assert!(!bench.is_open(link));
}

#[test]
fn the_first_frame_must_be_hello_and_only_the_first() {
    let mut bench = Bench::one();
    let link = bench.connect_to(0, false);
    let mut bytes = locker_protocol::PREFACE.to_vec();
    bytes.extend(bytes_of(Request::Ping(Ping), 3));
    bench.send(link, &bytes);
    bench.settle();
    assert!(bench.heard(link)[0].contains("HelloExpected"));
    let client = bench.open(0);
    let again = ask(&mut bench, client, 9, Request::Hello(hello()));
    assert!(again[0].contains("HelloExpected"));
    assert!(!bench.is_open(client.link));
}

#[test]
fn a_hello_that_never_comes_is_waited_for_five_seconds() {
    let mut bench = Bench::one();
    let link = bench.connect_to(0, false);
    bench.send(link, b"LK");
    bench.pass(4_990);
    assert!(bench.is_open(link));
    bench.pass(30);
    assert!(bench.heard(link)[0].contains("HelloTimeout, limit: 5000"));
    assert!(!bench.is_open(link));
}

#[test]
fn a_version_that_is_not_ours_is_refused_with_ours() {
    let mut bench = Bench::one();
    let link = bench.connect_to(0, false);
    let newer = Hello {
        version_min: 2,
        version_max: 9,
        ..hello()
    };
    bench.send(link, &greeting(&newer));
    bench.settle();
    assert!(bench.heard(link)[0].contains("VersionMismatch, limit: 1, value: 1"));
    assert!(!bench.is_open(link));
}

#[test]
fn without_a_session_there_are_pings_and_reads_only() {
    let mut bench = Bench::one();
    let link = bench.connect_to(0, false);
    let bare = Hello {
        action: HelloAction::None,
        ..hello()
    };
    bench.send(link, &greeting(&bare));
    bench.send(link, &bytes_of(Request::Ping(Ping), 3));
    bench.send(link, &bytes_of(Request::Stats(Stats { cursor: 0 }), 4));
    bench.send(link, &bytes_of(Request::Acquire(acquire(b"k")), id(0, 1)));
    bench.settle();
    let heard = bench.heard(link);
    assert!(heard[1].starts_with("Pong"));
    assert!(heard.iter().any(|text| text.starts_with("StatsReply")));
    assert!(heard.iter().any(|text| text.contains("NoSessionOpen")));
    assert!(bench.is_open(link));
}

#[test]
fn a_full_table_refuses_new_sessions() {
    let mut bench = Bench::new(&Setup {
        sessions: 1,
        ..Setup::default()
    });
    bench.open(0);
    let link = bench.connect_to(0, false);
    bench.send(link, &greeting(&hello()));
    bench.settle();
    assert!(bench.heard(link)[0].contains("SessionsFull, limit: 1"));
}

#[test]
fn an_unused_session_without_a_connection_makes_room_in_a_full_table() {
    let mut bench = Bench::new(&Setup {
        sessions: 20,
        connections: 200,
        ..Setup::default()
    });
    let used = bench.open(0);
    ask(&mut bench, used, id(0, 1), Request::Acquire(acquire(b"k")));
    let cut: Vec<_> = (0..19).map(|_| bench.open(0)).collect();
    bench.drop_link(used.link, false);
    bench.settle();
    let refused = bench.connect_to(0, false);
    bench.send(refused, &greeting(&hello()));
    bench.settle();
    assert!(bench.heard(refused)[0].contains("SessionsFull"), "all live");
    for client in &cut {
        bench.drop_link(client.link, false);
    }
    bench.settle();
    // Each of the dropped ones gives way, after a few tries at most; the one with a lock does not.
    for _ in 0..19 {
        let opens = (0..3).any(|_| {
            let link = bench.connect_to(0, false);
            bench.send(link, &greeting(&hello()));
            bench.settle();
            bench.heard(link)[0].starts_with("HelloOk")
        });
        assert!(opens);
    }
    let refused = bench.connect_to(0, false);
    bench.send(refused, &greeting(&hello()));
    bench.settle();
    assert!(bench.heard(refused)[0].contains("SessionsFull"));
    let link = bench.connect_to(0, false);
    bench.send(link, &used.resume(1));
    bench.settle();
    assert!(bench.heard(link)[0].contains("resumed: true"));
    let link = bench.connect_to(0, false);
    bench.send(link, &cut[0].resume(1));
    bench.settle();
    assert!(bench.heard(link)[0].contains("NoSession"));
}

#[test]
fn a_hello_ok_waits_until_its_ttl_is_durable() {
    let mut bench = Bench::new(&Setup {
        ttl_durable: Millis(0),
        ..Setup::default()
    });
    bench.obliging = false;
    let links: Vec<_> = [10_000, 20_000, 10_000]
        .map(|ttl_ms| {
            let link = bench.connect_to(0, false);
            let open = Hello { ttl_ms, ..hello() };
            bench.send(link, &greeting(&open));
            bench.send(link, &bytes_of(Request::Ping(Ping), 3));
            bench.settle();
            link
        })
        .into();
    let asked: Vec<_> = bench.shards[0].io.control.drain(..).collect();
    let raise = |ttl_ms| ToControl::RaiseBound { ttl_ms };
    assert_eq!(asked, [raise(10_000), raise(20_000)], "each bound once");
    for link in &links {
        assert!(bench.heard(*link).is_empty() && bench.is_paused(*link));
    }
    bench.tell(0, FromControl::BoundRaised { ttl_ms: 10_000 });
    bench.settle();
    assert_eq!(bench.heard(links[0]).len(), 2, "HelloOk and Pong");
    assert!(bench.heard(links[1]).is_empty(), "its TTL is longer");
    assert_eq!(bench.heard(links[2]).len(), 2);
    bench.tell(0, FromControl::BoundRaised { ttl_ms: 20_000 });
    bench.settle();
    assert_eq!(bench.heard(links[1]).len(), 2);
}

#[test]
fn a_connection_lost_while_its_hello_ok_waits_leaves_no_session() {
    let mut bench = Bench::new(&Setup {
        ttl_durable: Millis(0),
        sessions: 1,
        ..Setup::default()
    });
    bench.obliging = false;
    let link = bench.connect_to(0, false);
    bench.send(link, &greeting(&hello()));
    bench.settle();
    bench.drop_link(link, true);
    bench.tell(0, FromControl::BoundRaised { ttl_ms: 10_000 });
    bench.settle();
    bench.obliging = true;
    bench.open(0);
}

#[test]
fn a_resume_takes_the_session_over_and_the_old_connection_goes() {
    for shards in [1, 2] {
        let mut bench = Bench::new(&Setup {
            shards,
            ..Setup::default()
        });
        let client = bench.open(0);
        let key = key_on(shards - 1, shards);
        let request = Request::Acquire(acquire(&key));
        let first = ask(&mut bench, client, id(0, 1), request);
        let link = bench.connect_to(usize::from(shards) - 1, true);
        bench.send(link, &client.resume(1));
        bench.send(link, &bytes_of(request, id(0, 1)));
        bench.settle();
        let frames = bench.frames(link);
        let ok = hello_ok(&frames[0].1);
        assert!(ok.resumed && ok.attach == 1 && ok.session_id == client.session);
        assert_eq!(bench.shard_of(link), Some(0), "at its home");
        assert_eq!(format!("{:?}", frames[1].0), format!("{}", id(0, 1)));
        let old = bench.heard(client.link);
        assert!(old[0].contains("TakenOver"), "{old:?}");
        assert!(!bench.is_open(client.link));
        let resumed = crate::shard::tests::bench::Client { link, ..client };
        assert_eq!(ask(&mut bench, resumed, id(0, 1), request), first);
        let token = token_of(&first);
        let released = ask(&mut bench, resumed, id(0, 2), release(&key, token));
        assert_eq!(released, ["Released(Released)"]);
    }
}

#[test]
fn what_the_old_connection_sent_and_nobody_took_is_dropped() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    let late = bytes_of(Request::Acquire(acquire(b"k")), id(0, 1));
    bench.send(client.link, &late[..20]);
    bench.settle();
    let link = bench.connect_to(0, true);
    bench.send(link, &client.resume(1));
    bench.settle();
    bench.send(client.link, &late[20..]);
    bench.settle();
    bench.heard(link);
    let resumed = crate::shard::tests::bench::Client { link, ..client };
    let free = ask(
        &mut bench,
        resumed,
        id(0, 1),
        Request::Acquire(acquire(b"k")),
    );
    token_of(&free);
}

#[test]
fn an_attach_number_not_greater_is_stale() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    let link = bench.connect_to(0, true);
    bench.send(link, &client.resume(7));
    bench.settle();
    bench.heard(link);
    for stale in [0, 6, 7] {
        let late = bench.connect_to(0, true);
        bench.send(late, &client.resume(stale));
        bench.settle();
        let heard = bench.heard(late);
        assert!(
            heard[0].contains(&format!("StaleResume, limit: 7, value: {stale}")),
            "{heard:?}"
        );
        assert!(!bench.is_open(late));
    }
    assert!(bench.is_open(link), "the resumed one stays");
}

#[test]
fn a_wrong_secret_and_an_unknown_session_get_one_answer() {
    let mut bench = Bench::new(&Setup {
        shards: 2,
        ..Setup::default()
    });
    let client = bench.open(0);
    let mut wrong = client;
    wrong.secret[3] ^= 1;
    let mut unknown = client;
    unknown.session += 1 << 20;
    let mut nowhere = client;
    nowhere.session |= 9 << 56;
    let mut elsewhere = client;
    elsewhere.session = SessionId(client.session).0 | 1 << 56;
    let mut answers = Vec::new();
    for client in [wrong, unknown, nowhere, elsewhere] {
        let link = bench.connect_to(0, true);
        bench.send(link, &client.resume(1));
        bench.settle();
        answers.extend(bench.heard(link));
        assert!(!bench.is_open(link));
    }
    assert_eq!(answers.len(), 4);
    assert!(answers[0].contains("NoSession"));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(bench.is_open(client.link), "nothing changed for the owner");
}

#[test]
fn a_waiter_is_granted_while_its_session_has_no_connection() {
    for shards in [1, 2] {
        let mut bench = Bench::new(&Setup {
            shards,
            ..Setup::default()
        });
        let (holder, waiter) = (bench.open(0), bench.open(0));
        let key = key_on(shards - 1, shards);
        let held = ask(
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
        bench.drop_link(waiter.link, true);
        bench.settle();
        ask(&mut bench, holder, id(0, 2), release(&key, token_of(&held)));
        let link = bench.connect_to(0, true);
        bench.send(link, &waiter.resume(1));
        bench.send(link, &bytes_of(Request::Acquire(wait), id(0, 1)));
        bench.settle();
        token_of(&bench.heard(link)[1..]);
    }
}

#[test]
fn the_window_left_is_told_until_it_is_over() {
    let mut bench = Bench::new(&Setup {
        grace_until: Some(Instant(6_000_000)),
        ..Setup::default()
    });
    let left = |bench: &mut Bench| {
        let link = bench.connect_to(0, true);
        bench.send(link, &greeting(&hello()));
        bench.settle();
        let frames = bench.frames(link);
        hello_ok(&frames[0].1).grace_left_ms
    };
    assert_eq!(left(&mut bench), 5_000);
    bench.pass(6_000);
    assert_eq!(
        left(&mut bench),
        1,
        "late, but not over before its floor is durable"
    );
    bench.tell(0, FromControl::WindowOver);
    bench.settle();
    assert_eq!(left(&mut bench), 0);
}
