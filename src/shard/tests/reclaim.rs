//! Holds of before a restart, as clients reclaim them. The bench's run is 5, its floor 3.

use crate::shard::io::{FromControl, Reclaims, ToControl};
use crate::shard::tests::bench::{Bench, Client, Setup, greeting, hello, hello_ok, id};
use crate::shard::tests::requests::{acquire, ask, key_on, release};
use crate::time::Instant;
use locker_protocol::{
    Acquire, Cancel, FEATURES_RECLAIM, Hello, IfGranted, Mode, Reclaim, Renew, Request,
};

/// Of run 4.
const TOKEN: u64 = (4 << 35) + 77;

fn back(key: &[u8]) -> Reclaim<'_> {
    Reclaim {
        owner: 1,
        token: TOKEN,
        run: 4,
        lease_ms: 0,
        permits: 0,
        limit: 0,
        mode: Mode::Exclusive,
        key,
        metadata: b"",
    }
}

fn in_grace(shards: u16) -> Setup {
    Setup {
        shards,
        grace_until: Some(Instant(10_000_000)),
        ..Setup::default()
    }
}

/// With the session's home and the key on one shard, and on two.
fn both_homes(test: impl Fn(&mut Bench, Client, &[u8])) {
    for shards in [1, 2] {
        let mut bench = Bench::new(&in_grace(shards));
        let client = bench.open(0);
        let key = key_on(shards - 1, shards);
        test(&mut bench, client, &key);
    }
}

fn open_keys(bench: &mut Bench) {
    for shard in 0..bench.shards.len() {
        bench.tell(shard, FromControl::WindowOver);
    }
    bench.settle();
}

fn refused(bench: &mut Bench, client: Client, sequence: u64, reclaim: Reclaim<'_>) -> String {
    let heard = ask(bench, client, id(0, sequence), Request::Reclaim(reclaim));
    assert_eq!(heard.len(), 1, "{heard:?}");
    heard[0].clone()
}

#[test]
fn a_hold_of_the_run_before_is_reclaimed_and_released_in_the_window() {
    both_homes(|bench, client, key| {
        let heard = ask(bench, client, id(0, 1), Request::Reclaim(back(key)));
        assert_eq!(
            heard,
            ["Reclaimed(Reclaimed { until: 0, server_now: 1000000 })"]
        );
        let renew = Renew {
            owner: 1,
            token: TOKEN,
            lease_ms: u32::MAX,
            key,
        };
        let heard = ask(bench, client, id(0, 2), Request::Renew(renew));
        assert!(heard[0].starts_with("Renewed"), "{heard:?}");
        let heard = ask(bench, client, id(0, 3), release(key, TOKEN));
        assert_eq!(heard, ["Released(Released)"]);
    });
}

#[test]
fn a_waiter_of_the_window_is_granted_after_the_reclaimed_hold_is_released() {
    both_homes(|bench, client, key| {
        let other = bench.open(0);
        let wait = Acquire {
            wait_ms: u32::MAX,
            ..acquire(key)
        };
        assert!(ask(bench, other, id(0, 1), Request::Acquire(wait)).is_empty());
        ask(bench, client, id(0, 1), Request::Reclaim(back(key)));
        open_keys(bench);
        assert!(bench.heard(other.link).is_empty());
        ask(bench, client, id(0, 2), release(key, TOKEN));
        let heard = bench.heard(other.link);
        assert!(heard[0].starts_with("Granted"), "{heard:?}");
    });
}

/// Two shards of the earlier run gave the same token; both keys live on one now.
#[test]
fn the_end_of_one_hold_is_not_taken_for_another_of_its_token() {
    let mut bench = Bench::new(&in_grace(1));
    let client = bench.open(0);
    let (one, other) = (key_on(0, 2), key_on(1, 2));
    let leased = Reclaim {
        lease_ms: 100,
        ..back(&one)
    };
    ask(&mut bench, client, id(0, 1), Request::Reclaim(leased));
    let kept = Request::Reclaim(back(&other));
    let reclaimed = ask(&mut bench, client, id(0, 2), kept);
    assert!(reclaimed[0].starts_with("Reclaimed"), "{reclaimed:?}");
    bench.pass(200);
    assert!(bench.heard(client.link)[0].starts_with("Lost"));
    let kept = Request::Reclaim(back(&other));
    assert_eq!(ask(&mut bench, client, id(0, 2), kept), reclaimed);
}

#[test]
fn a_reclaim_sent_again_hears_the_very_same_and_lost_once_it_is() {
    both_homes(|bench, client, key| {
        let leased = Reclaim {
            lease_ms: 100,
            ..back(key)
        };
        let first = ask(bench, client, id(0, 1), Request::Reclaim(leased));
        bench.pass(50);
        let again = ask(bench, client, id(0, 1), Request::Reclaim(leased));
        assert_eq!(first, again);
        bench.pass(200);
        assert!(bench.heard(client.link)[0].starts_with("Lost"));
        let again = ask(bench, client, id(0, 1), Request::Reclaim(leased));
        let lost = format!("status: Lost, limit: 0, value: {TOKEN}");
        assert!(again[0].contains(&lost), "{again:?}");
    });
}

#[test]
fn the_lower_token_is_told_that_it_lost() {
    both_homes(|bench, client, key| {
        let stale = bench.open(0);
        let older = Reclaim {
            token: TOKEN - 1,
            ..back(key)
        };
        ask(bench, stale, id(0, 1), Request::Reclaim(older));
        let heard = ask(bench, client, id(0, 1), Request::Reclaim(back(key)));
        assert!(heard[0].starts_with("Reclaimed"), "{heard:?}");
        let heard = bench.heard(stale.link);
        assert!(heard[0].contains("reason: Conflict"), "{heard:?}");
        let heard = ask(bench, stale, id(1, 1), Request::Reclaim(older));
        let conflict = format!("ReclaimConflict, limit: 1, value: {TOKEN}");
        assert!(heard[0].contains(&conflict), "{heard:?}");
    });
}

#[test]
fn runs_below_the_floor_and_not_before_this_one_are_refused() {
    both_homes(|bench, client, key| {
        let of_run = |run| Reclaim { run, ..back(key) };
        for (sequence, run) in [(1, 0), (2, 2), (3, 5), (4, u64::MAX)] {
            let heard = refused(bench, client, sequence, of_run(run));
            let wrong = format!("WrongRun, limit: 3, value: {run}");
            assert!(heard.contains(&wrong), "{heard}");
        }
        let floor = refused(bench, client, 5, of_run(3));
        assert!(floor.starts_with("Reclaimed"), "{floor}");
    });
}

#[test]
fn a_token_that_is_not_below_this_runs_is_refused() {
    both_homes(|bench, client, key| {
        for (sequence, token, epoch) in [(1, 5 << 35, 5), (2, u64::MAX, (1 << 29) - 1), (3, 7, 0)] {
            let reclaim = Reclaim { token, ..back(key) };
            let heard = refused(bench, client, sequence, reclaim);
            let wrong = format!("WrongRun, limit: 3, value: {epoch}");
            assert!(heard.contains(&wrong), "{heard}");
        }
        let token = (5 << 35) - 1;
        let heard = refused(bench, client, 4, Reclaim { token, ..back(key) });
        assert!(heard.starts_with("Reclaimed"), "{heard}");
    });
}

#[test]
fn without_a_window_and_after_it_a_reclaim_is_too_late() {
    let mut bench = Bench::one();
    let client = bench.open(0);
    let heard = refused(&mut bench, client, 1, back(b"k"));
    assert!(heard.contains("WindowOver, limit: 0, value: 0"), "{heard}");
    both_homes(|bench, client, key| {
        bench.now = Instant(10_000_000);
        let heard = refused(bench, client, 1, back(key));
        assert!(heard.contains("WindowOver, limit: 0, value: 1"), "{heard}");
        open_keys(bench);
        bench.now = Instant(10_020_000);
        let heard = refused(bench, client, 2, back(key));
        assert!(heard.contains("WindowOver, limit: 0, value: 20"), "{heard}");
    });
}

#[test]
fn an_ephemeral_server_does_not_know_reclaim() {
    let setup = Setup {
        ephemeral: true,
        ..Setup::default()
    };
    let mut bench = Bench::new(&setup);
    let client = bench.open(0);
    let heard = refused(&mut bench, client, 1, back(b"k"));
    assert!(
        heard.contains("Unsupported, limit: 0, value: 20"),
        "{heard}"
    );
}

#[test]
fn the_feature_is_in_force_where_both_sides_know_it() {
    for (ephemeral, asked, told) in [
        (false, FEATURES_RECLAIM | 1 << 40, FEATURES_RECLAIM),
        (false, 0, 0),
        (true, FEATURES_RECLAIM, 0),
    ] {
        let mut bench = Bench::new(&Setup {
            ephemeral,
            ..Setup::default()
        });
        let link = bench.connect_to(0, true);
        let features = asked;
        bench.send(
            link,
            &greeting(&Hello {
                features,
                ..hello()
            }),
        );
        bench.settle();
        let frames = bench.frames(link);
        assert_eq!(hello_ok(&frames[0].1).features, told);
    }
}

#[test]
fn keys_and_metadata_are_bounded_as_in_an_acquire() {
    let mut bench = Bench::new(&in_grace(1));
    let client = bench.open(0);
    let heard = refused(&mut bench, client, 1, back(&[b'k'; 257]));
    assert!(heard.contains("BadKey, limit: 256, value: 257"), "{heard}");
    let metadata = &[0; 65];
    let reclaim = Reclaim {
        metadata,
        ..back(b"k")
    };
    let heard = refused(&mut bench, client, 2, reclaim);
    assert!(
        heard.contains("MetadataTooLong, limit: 64, value: 65"),
        "{heard}"
    );
}

#[test]
fn a_cancel_does_not_mean_a_reclaim() {
    both_homes(|bench, client, key| {
        ask(bench, client, id(0, 1), Request::Reclaim(back(key)));
        let cancel = Cancel {
            acquire_id: id(0, 1),
            owner: 1,
            if_granted: IfGranted::Release,
            key,
        };
        let heard = ask(bench, client, id(1, 1), Request::Cancel(cancel));
        assert!(heard[0].contains("NotFound"), "{heard:?}");
    });
}

#[test]
fn who_comes_back_for_its_holds_finds_a_session_that_others_left() {
    let mut bench = Bench::new(&Setup {
        sessions: 4,
        ..in_grace(1)
    });
    let mut open = |reclaiming| {
        let link = bench.connect_to(0, true);
        let asked = Hello {
            reclaiming,
            ..hello()
        };
        bench.send(link, &greeting(&asked));
        bench.settle();
        bench.heard(link)[0].clone()
    };
    for _ in 0..3 {
        assert!(open(false).starts_with("HelloOk"));
    }
    assert!(open(false).contains("SessionsFull, limit: 3"));
    assert!(open(true).starts_with("HelloOk"));
    assert!(open(true).contains("SessionsFull, limit: 4"));
}

#[test]
fn at_the_windows_end_each_shard_tells_what_came_of_it() {
    let mut bench = Bench::new(&in_grace(2));
    bench.obliging = false;
    let client = bench.open(0);
    let (here, there) = (key_on(0, 2), key_on(1, 2));
    let reclaim = |key, token| Reclaim { token, ..back(key) };
    refused(&mut bench, client, 1, reclaim(&here, TOKEN));
    refused(&mut bench, client, 2, reclaim(&there, TOKEN));
    let higher = Request::Reclaim(reclaim(&there, TOKEN + 1));
    ask(&mut bench, client, id(0, 3), higher);
    refused(&mut bench, client, 4, reclaim(&there, TOKEN - 1));
    open_keys(&mut bench);
    let mut said = Vec::new();
    for shard in &mut bench.shards {
        said.append(&mut shard.io.control);
    }
    let ended = |reclaimed, refused, lost| {
        ToControl::WindowEnded(Reclaims {
            reclaimed,
            refused,
            lost,
        })
    };
    assert_eq!(said, [ended(1, 1, 0), ended(2, 0, 1)]);
}
