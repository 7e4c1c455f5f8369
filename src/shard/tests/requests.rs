//! Seated requests: exactly once, at home or behind a lane; malformed frames; pings.

use crate::shard::tests::bench::parse;
use crate::shard::tests::bench::{Bench, Client, Setup, id};
use locker_protocol::{
    Acquire, Cancel, FromServer, Header, IfGranted, Mode, Ping, Release, Renew, Reply, Request,
    Status, shard_of_slot, slot_of,
};

pub(super) fn acquire(key: &[u8]) -> Acquire<'_> {
    Acquire {
        owner: 1,
        wait_ms: 0,
        lease_ms: 0,
        permits: 0,
        limit: 0,
        mode: Mode::Exclusive,
        resize: false,
        key,
        metadata: b"",
    }
}

pub(super) fn bytes_of(request: Request<'_>, request_id: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    request.encode(request_id, &mut bytes);
    bytes
}

/// Sends a request, lets the server come to rest, and returns what came back.
pub(super) fn ask(
    bench: &mut Bench,
    client: Client,
    request_id: u64,
    request: Request<'_>,
) -> Vec<String> {
    bench.send(client.link, &bytes_of(request, request_id));
    bench.settle();
    bench.heard(client.link)
}

pub(super) fn token_of(text: &[String]) -> u64 {
    let [granted] = text else {
        panic!("expected one grant, got {text:?}");
    };
    let digits = granted
        .strip_prefix("Granted(Granted { token: ")
        .unwrap_or_else(|| panic!("expected a grant, got {granted}"));
    digits.split(',').next().unwrap().parse().unwrap()
}

/// A key that lives on that shard.
pub(super) fn key_on(shard: u16, shards: u16) -> Vec<u8> {
    (0..)
        .map(|number: u32| format!("key-{number}").into_bytes())
        .find(|key| shard_of_slot(slot_of(key), shards) == shard)
        .unwrap()
}

pub(super) fn release(key: &[u8], token: u64) -> Request<'_> {
    let owner = 1;
    Request::Release(Release { owner, token, key })
}

fn both_homes(test: impl Fn(&mut Bench, Client, &[u8])) {
    for shards in [1, 2] {
        let mut bench = Bench::new(&Setup {
            shards,
            ..Setup::default()
        });
        let client = bench.open(0);
        let key = key_on(shards - 1, shards);
        test(&mut bench, client, &key);
    }
}

#[test]
fn a_free_key_is_granted_and_released_at_home_and_behind_a_lane() {
    both_homes(|bench, client, key| {
        let granted = ask(bench, client, id(0, 1), Request::Acquire(acquire(key)));
        let token = token_of(&granted);
        let released = ask(bench, client, id(0, 2), release(key, token));
        assert_eq!(released, ["Released(Released)"]);
        assert_reservations_are_free(bench);
    });
}

#[test]
fn a_request_sent_again_while_it_runs_is_not_run_again() {
    both_homes(|bench, client, key| {
        let other = bench.open(0);
        let token = token_of(&ask(bench, other, id(0, 1), Request::Acquire(acquire(key))));
        let wait = Acquire {
            wait_ms: u32::MAX,
            ..acquire(key)
        };
        assert!(ask(bench, client, id(0, 1), Request::Acquire(wait)).is_empty());
        assert!(ask(bench, client, id(0, 1), Request::Acquire(wait)).is_empty());
        ask(bench, other, id(0, 2), release(key, token));
        assert_eq!(bench.heard(client.link).len(), 1, "one grant");
        assert_reservations_are_free(bench);
    });
}

#[test]
fn a_request_sent_again_after_its_answer_hears_the_very_same() {
    both_homes(|bench, client, key| {
        let request = Request::Acquire(acquire(key));
        let first = ask(bench, client, id(3, 9), request);
        bench.pass(50);
        let again = ask(bench, client, id(3, 9), request);
        assert_eq!(first, again);
    });
}

#[test]
fn ids_out_of_order_and_seats_not_granted_are_refused_and_change_nothing() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    let request = Request::Acquire(acquire(b"k"));
    let first = ask(&mut bench, client, id(0, 5), request);
    for bad in [id(0, 4), id(0, 0) | 1 << 60, id(8, 1), id(0xFFFF, 1)] {
        if bad == id(0, 0) | 1 << 60 {
            continue;
        }
        let heard = ask(&mut bench, client, bad, request);
        assert!(heard[0].contains("BadRequestId"), "{heard:?}");
    }
    assert_eq!(ask(&mut bench, client, id(0, 5), request), first);
}

#[test]
fn a_higher_id_while_the_seat_runs_is_refused() {
    let mut bench = Bench::one();
    let (one, two) = (bench.open(0), bench.open(0));
    ask(&mut bench, one, id(0, 1), Request::Acquire(acquire(b"k")));
    let wait = Acquire {
        wait_ms: u32::MAX,
        ..acquire(b"k")
    };
    assert!(ask(&mut bench, two, id(0, 1), Request::Acquire(wait)).is_empty());
    let heard = ask(&mut bench, two, id(0, 2), Request::Acquire(wait));
    let value = id(0, 1);
    assert!(heard[0].contains(&format!("limit: 8, value: {value}")));
}

#[test]
fn a_hold_lost_to_its_lease_is_told_and_its_record_says_lost() {
    both_homes(|bench, client, key| {
        let lease = Acquire {
            lease_ms: 100,
            ..acquire(key)
        };
        let token = token_of(&ask(bench, client, id(0, 1), Request::Acquire(lease)));
        bench.pass(90);
        assert!(bench.heard(client.link).is_empty(), "not early");
        bench.pass(30);
        let heard = bench.heard(client.link);
        assert!(heard[0].starts_with(&format!("Lost(Lost {{ token: {token}, ")));
        let again = ask(bench, client, id(0, 1), Request::Acquire(lease));
        assert!(again[0].contains("status: Lost"), "{again:?}");
        assert!(again[0].contains(&format!("value: {token}")));
    });
}

#[test]
fn a_cancel_ends_a_wait_and_both_requests_are_answered() {
    both_homes(|bench, client, key| {
        let other = bench.open(0);
        ask(bench, other, id(0, 1), Request::Acquire(acquire(key)));
        let wait = Acquire {
            wait_ms: 60_000,
            ..acquire(key)
        };
        ask(bench, client, id(0, 1), Request::Acquire(wait));
        let heard = ask(bench, client, id(1, 1), cancel(id(0, 1), key));
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert!(heard.iter().any(|text| text.contains("status: Cancelled")));
        assert!(heard.iter().any(|text| text.contains("outcome: Cancelled")));
    });
}

#[test]
fn a_cancel_that_releases_leaves_a_lost_grant_behind() {
    both_homes(|bench, client, key| {
        ask(bench, client, id(0, 1), Request::Acquire(acquire(key)));
        let heard = ask(bench, client, id(1, 1), cancel(id(0, 1), key));
        assert!(heard[0].contains("outcome: Released"), "{heard:?}");
        let again = ask(bench, client, id(0, 1), Request::Acquire(acquire(key)));
        assert!(again[0].contains("status: Lost"), "{again:?}");
        let free = ask(bench, client, id(0, 2), Request::Acquire(acquire(key)));
        token_of(&free);
    });
}

#[test]
fn a_cancel_of_an_older_request_of_the_seat_finds_nothing() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    let token = token_of(&ask(
        &mut bench,
        client,
        id(0, 1),
        Request::Acquire(acquire(b"k")),
    ));
    ask(&mut bench, client, id(0, 2), release(b"k", token));
    ask(
        &mut bench,
        client,
        id(0, 3),
        Request::Acquire(acquire(b"k")),
    );
    let heard = ask(&mut bench, client, id(1, 1), cancel(id(0, 1), b"k"));
    assert!(heard[0].contains("outcome: NotFound"), "{heard:?}");
    let held = ask(
        &mut bench,
        client,
        id(0, 4),
        Request::Acquire(acquire(b"k")),
    );
    assert!(held[0].contains("AlreadyHeld"), "the newer one stands");
}

fn cancel(acquire_id: u64, key: &[u8]) -> Request<'_> {
    Request::Cancel(Cancel {
        acquire_id,
        owner: 1,
        if_granted: IfGranted::Release,
        key,
    })
}

/// Shards count apart from the same epoch on: the first grant of each has the same token.
#[test]
fn the_end_of_a_hold_is_not_taken_for_another_shards_with_the_same_token() {
    let mut bench = Bench::new(&Setup {
        shards: 2,
        ..Setup::default()
    });
    let client = bench.open(0);
    let (here, there) = (key_on(0, 2), key_on(1, 2));
    let leased = Acquire {
        lease_ms: 100,
        ..acquire(&here)
    };
    let first = token_of(&ask(&mut bench, client, id(0, 1), Request::Acquire(leased)));
    let kept = Request::Acquire(acquire(&there));
    let granted = ask(&mut bench, client, id(0, 2), kept);
    assert_eq!(token_of(&granted), first);
    bench.pass(200);
    assert!(bench.heard(client.link)[0].starts_with("Lost"));
    let kept = Request::Acquire(acquire(&there));
    assert_eq!(ask(&mut bench, client, id(0, 2), kept), granted);
    let undone = ask(&mut bench, client, id(1, 1), cancel(id(0, 2), &there));
    assert!(undone[0].contains("Released"), "{undone:?}");
}

#[test]
fn a_renewal_moves_the_lease_within_its_bounds() {
    both_homes(|bench, client, key| {
        let lease = Acquire {
            lease_ms: 1,
            ..acquire(key)
        };
        let token = token_of(&ask(bench, client, id(0, 1), Request::Acquire(lease)));
        let renew = Request::Renew(Renew {
            owner: 1,
            token,
            lease_ms: 200,
            key,
        });
        let heard = ask(bench, client, id(0, 2), renew);
        let until = bench.now.0 + 200_000;
        assert!(
            heard[0].starts_with(&format!("Renewed(Renewed {{ until: {until}")),
            "{heard:?}"
        );
        bench.pass(190);
        assert!(bench.heard(client.link).is_empty());
        bench.pass(20);
        assert!(bench.heard(client.link)[0].starts_with("Lost"));
    });
}

#[test]
fn a_ping_is_answered_with_any_id_and_the_turns_clock() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    for _ in 0..2 {
        bench.send(client.link, &bytes_of(Request::Ping(Ping), 77));
        bench.settle();
        let frames = bench.frames(client.link);
        assert_eq!(frames[0].0, 77);
        let FromServer::Reply(Reply::Pong(pong)) = parse(&frames[0].1) else {
            panic!("expected a pong");
        };
        assert_eq!(pong.server_now, bench.now.0);
    }
}

#[test]
fn a_malformed_frame_is_answered_and_the_next_one_too() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    let mut flags = bytes_of(Request::Ping(Ping), 5);
    flags[5] = 1;
    let mut status = bytes_of(Request::Ping(Ping), 6);
    status[6] = 1;
    let mut short = bytes_of(Request::Acquire(acquire(b"key")), id(0, 1));
    short.truncate(16 + 20);
    short[0] = 20;
    let unknown = Header {
        len: 0,
        op: 0x3F,
        flags: 0,
        status: 0,
        request_id: 8,
    }
    .encode();
    for frame in [&flags, &status, &short, &unknown.to_vec()] {
        bench.send(client.link, frame);
    }
    bench.send(client.link, &bytes_of(Request::Ping(Ping), 9));
    bench.settle();
    let heard = bench.heard(client.link);
    assert_eq!(heard.len(), 5, "{heard:?}");
    for bad in &heard[..3] {
        assert!(bad.contains("BadFrame"), "{bad}");
    }
    assert!(heard[3].contains("Unsupported"), "{heard:?}");
    assert!(heard[4].starts_with("Pong"), "{heard:?}");
    assert!(bench.is_open(client.link));
}

#[test]
fn a_frame_that_is_too_long_closes_the_connection() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    let header = Header {
        len: 4_097,
        op: 2,
        flags: 0,
        status: 0,
        request_id: 9,
    };
    bench.send(client.link, &header.encode());
    bench.settle();
    let heard = bench.heard(client.link);
    assert!(heard[0].contains("FrameTooLong"), "{heard:?}");
    assert!(!bench.is_open(client.link));
}

#[test]
fn a_request_with_the_id_of_pushes_hears_a_fault() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    bench.send(client.link, &bytes_of(Request::Ping(Ping), 0));
    bench.settle();
    let heard = bench.heard(client.link);
    assert!(heard[0].starts_with("Fault"), "{heard:?}");
    assert!(!bench.is_open(client.link));
}

#[test]
fn limits_are_refused_with_limit_and_value_and_the_id_is_used_up() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    let long = [b'k'; 257];
    let heard = ask(
        &mut bench,
        client,
        id(0, 1),
        Request::Acquire(acquire(&long)),
    );
    assert!(
        heard[0].contains("BadKey, limit: 256, value: 257"),
        "{heard:?}"
    );
    let metadata = Acquire {
        metadata: &[1; 65],
        ..acquire(b"k")
    };
    let heard = ask(&mut bench, client, id(0, 2), Request::Acquire(metadata));
    assert!(heard[0].contains("MetadataTooLong, limit: 64, value: 65"));
    let again = ask(
        &mut bench,
        client,
        id(0, 2),
        Request::Acquire(acquire(b"k")),
    );
    assert!(again[0].contains("MetadataTooLong"), "a retry is a new id");
}

#[test]
fn frames_cut_at_every_byte_are_the_same_frames() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    let mut bytes = bytes_of(Request::Acquire(acquire(b"k")), id(0, 1));
    bytes.extend(bytes_of(Request::Ping(Ping), 7));
    for byte in bytes {
        bench.send(client.link, &[byte]);
        bench.settle();
    }
    let heard = bench.heard(client.link);
    assert_eq!(heard.len(), 2, "{heard:?}");
}

#[test]
fn a_client_that_does_not_read_is_not_served_until_it_does() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    bench.set_full(client.link, true);
    let heard = ask(&mut bench, client, 7, Request::Ping(Ping));
    assert!(heard.is_empty());
    bench.set_full(client.link, false);
    bench.settle();
    assert_eq!(bench.heard(client.link).len(), 1);
}

#[test]
fn keys_closed_after_a_restart_open_when_the_window_is_over() {
    use crate::shard::io::FromControl;
    use crate::time::Instant;
    let mut bench = Bench::new(&Setup {
        grace_until: Some(Instant(6_000_000)),
        ..Setup::default()
    });
    let client = bench.open(0);
    let heard = ask(
        &mut bench,
        client,
        id(0, 1),
        Request::Acquire(acquire(b"k")),
    );
    assert!(
        heard[0].contains(&format!("{:?}", Status::GraceWindow)),
        "{heard:?}"
    );
    let wait = Acquire {
        wait_ms: u32::MAX,
        ..acquire(b"k")
    };
    assert!(ask(&mut bench, client, id(0, 2), Request::Acquire(wait)).is_empty());
    bench.tell(0, FromControl::WindowOver);
    bench.settle();
    token_of(&bench.heard(client.link));
}

/// Every byte reserved for an answer was given back.
pub(super) fn assert_reservations_are_free(bench: &Bench) {
    for shard in &bench.shards {
        shard.core.assert_at_rest();
        assert!(shard.io.corked.is_empty(), "no output waits for more");
    }
}
