//! Lanes that are full: what is refused, what waits, and in which order it goes on.

use crate::limits::LANE_WAIT_MS_MAX;
use crate::shard::tests::bench::{Bench, Client, Setup, id};
use crate::shard::tests::requests::{
    acquire, ask, assert_reservations_are_free, bytes_of, key_on, release, token_of,
};
use crate::time::Millis;
use locker_protocol::{Acquire, Get, Ping, Request, Status};
use std::collections::BTreeSet;

const OWNER: usize = 1;

/// Two shards, a lane that takes about a dozen requests, and so many clients at shard 0 that each
/// hold one key of shard 1.
fn crowd(count: usize) -> (Bench, Vec<(Client, Vec<u8>, u64)>) {
    let mut bench = Bench::new(&Setup {
        shards: 2,
        lane_bytes: 2_048,
        key_bytes_max: 32,
        seats: 64,
        ..Setup::default()
    });
    let clients = (0..count).map(|number| {
        let client = bench.open(0);
        let mut key = b"{".to_vec();
        key.extend(key_on(1, 2));
        key.extend(format!("}}{number}").into_bytes());
        let granted = ask(
            &mut bench,
            client,
            id(0, 1),
            Request::Acquire(acquire(&key)),
        );
        (client, key, token_of(&granted))
    });
    let clients = clients.collect();
    (bench, clients)
}

/// More acquires than a lane takes, in one go.
fn flood(bench: &mut Bench, client: Client, key: &[u8]) {
    for seat in 1..40 {
        let request = Request::Acquire(acquire(key));
        bench.send(client.link, &bytes_of(request, id(seat, 1)));
    }
}

fn busy_count(heard: &[String]) -> usize {
    let busy = format!("{:?}", Status::Busy);
    heard.iter().filter(|text| text.contains(&busy)).count()
}

#[test]
fn acquires_that_find_no_room_wait_for_it_and_are_not_refused() {
    let (mut bench, clients) = crowd(2);
    for (client, key, _) in &clients {
        flood(&mut bench, *client, key);
    }
    bench.turn(0, usize::MAX);
    let used = bench.shards[0].io.lanes[OWNER].used;
    assert!(used <= 2_048 * 5 / 8 * 7 / 8, "{used} bytes used");
    for (client, ..) in &clients {
        assert!(bench.is_paused(client.link));
    }
    bench.settle();
    for (client, ..) in &clients {
        let heard = bench.heard(client.link);
        assert_eq!((heard.len(), busy_count(&heard)), (39, 0));
    }
    assert_reservations_are_free(&bench);
}

#[test]
fn acquires_are_refused_when_their_owner_takes_nothing_for_too_long() {
    let (mut bench, clients) = crowd(2);
    for (client, key, _) in &clients {
        flood(&mut bench, *client, key);
    }
    bench.turn(0, usize::MAX);
    let began = bench.now;
    bench.now = began + Millis(LANE_WAIT_MS_MAX - 1);
    bench.turn(0, usize::MAX);
    bench.turn(0, usize::MAX);
    for (client, ..) in &clients {
        assert!(bench.heard(client.link).is_empty(), "they may hope");
    }
    bench.now = began + Millis(LANE_WAIT_MS_MAX);
    bench.turn(0, usize::MAX);
    bench.turn(0, usize::MAX);
    let mut refused = 0;
    for (client, ..) in &clients {
        let heard = bench.heard(client.link);
        assert_eq!(busy_count(&heard), heard.len());
        refused += heard.len();
    }
    assert!(refused > 39, "all that found no room: {refused}");
    bench.turn(0, usize::MAX);
    assert_eq!(
        bench.shards[0].core.home_counters().lane_busy,
        refused as u64
    );
    bench.settle();
    assert_reservations_are_free(&bench);
}

#[test]
fn those_that_may_not_be_refused_go_before_acquires() {
    let (mut bench, clients) = crowd(3);
    let (greedy, key, _) = &clients[0];
    flood(&mut bench, *greedy, key);
    bench.turn(0, usize::MAX);
    let used = bench.shards[0].io.lanes[OWNER].used;
    // The last eighth of the lane is for them, and then they wait in front.
    let (client, key, token) = &clients[1];
    for seat in 1..30 {
        bench.send(
            client.link,
            &bytes_of(release(key, token + u64::from(seat)), id(seat, 1)),
        );
    }
    bench.turn(0, usize::MAX);
    assert!(bench.shards[0].io.lanes[OWNER].used > used);
    assert!(bench.is_paused(client.link));
    let mut served = 0;
    for turn in 0.. {
        assert!(turn < 100, "those that wait are served");
        bench.turn(0, usize::MAX);
        bench.turn(OWNER, 1);
        served += bench.heard(client.link).len();
        if served == 29 {
            break;
        }
    }
    let ahead = bench.heard(greedy.link).len();
    assert!(ahead < 20, "{ahead} acquires were ahead: those sent before");
    bench.settle();
    let heard = bench.heard(greedy.link);
    assert_eq!((ahead + heard.len(), busy_count(&heard)), (39, 0));
    assert_reservations_are_free(&bench);
}

#[test]
fn reads_are_refused_when_a_lane_is_nearly_full() {
    let (mut bench, clients) = crowd(2);
    let (reader, key, _) = &clients[0];
    flood(&mut bench, clients[1].0, key);
    bench.turn(0, usize::MAX);
    bench.send(reader.link, &bytes_of(Request::Get(Get { key }), 77));
    bench.turn(0, usize::MAX);
    let heard = bench.heard(reader.link);
    assert_eq!((heard.len(), busy_count(&heard)), (1, 1));
    assert!(!bench.is_paused(reader.link), "nothing waits");
    bench.settle();
    assert_reservations_are_free(&bench);
}

#[test]
fn everything_else_waits_with_its_connection_and_is_never_refused() {
    let (mut bench, clients) = crowd(2);
    for (client, key, token) in &clients {
        for seat in 1..30 {
            let request = release(key, token + u64::from(seat));
            bench.send(client.link, &bytes_of(request, id(seat, 1)));
        }
        bench.send(client.link, &bytes_of(release(key, *token), id(0, 2)));
        bench.send(client.link, &bytes_of(Request::Ping(Ping), 9));
    }
    bench.turn(0, usize::MAX);
    for (client, ..) in &clients {
        assert!(bench.is_paused(client.link), "there is no room for all");
    }
    bench.settle();
    for (client, ..) in &clients {
        let heard = bench.heard(client.link);
        assert_eq!(heard.len(), 31, "each is answered");
        assert!(!heard.iter().any(|text| text.contains("Busy")));
        let released = |text: &&String| text.starts_with("Released");
        assert_eq!(heard.iter().filter(released).count(), 1);
    }
    assert_reservations_are_free(&bench);
}

#[test]
fn a_busy_connection_does_not_starve_the_ones_that_wait() {
    let (mut bench, clients) = crowd(4);
    let (greedy, key, token) = clients[0].clone();
    let patient = &clients[1..];
    for seat in 1..=62 {
        let request = release(&key, token + u64::from(seat));
        bench.send(greedy.link, &bytes_of(request, id(seat, 1)));
    }
    bench.turn(0, usize::MAX);
    for (client, key, token) in patient {
        bench.send(client.link, &bytes_of(release(key, *token), id(0, 2)));
    }
    let mut served = BTreeSet::new();
    for turn in 0.. {
        assert!(turn < 30, "those that wait are served");
        // One message a turn leaves the lane; the greedy one has enough for twice as many turns.
        bench.turn(0, usize::MAX);
        bench.turn(OWNER, 1);
        for (client, ..) in patient {
            if !bench.heard(client.link).is_empty() {
                served.insert(client.link);
            }
        }
        if served.len() == patient.len() {
            break;
        }
    }
    assert!(
        bench.heard(greedy.link).len() < 50,
        "the greedy one is not done"
    );
    bench.settle();
    assert_reservations_are_free(&bench);
}

#[test]
fn a_session_that_waits_for_our_room_does_not_expire() {
    let (mut bench, clients) = crowd(1);
    let (client, key, token) = &clients[0];
    for seat in 1..40 {
        let request = release(key, token + u64::from(seat));
        bench.send(client.link, &bytes_of(request, id(seat, 1)));
    }
    bench.turn(0, usize::MAX);
    assert!(bench.is_paused(client.link));
    for _ in 0..300 {
        bench.now = crate::time::Instant(bench.now.0 + 50_000);
        bench.turn(0, usize::MAX);
    }
    assert!(bench.is_open(client.link), "15 s later");
    bench.settle();
    assert_eq!(bench.heard(client.link).len(), 39);
}

#[test]
fn a_connection_that_is_lost_while_it_waits_leaves_its_place() {
    let (mut bench, clients) = crowd(3);
    for (client, key, token) in &clients {
        for seat in 1..30 {
            let request = release(key, token + u64::from(seat));
            bench.send(client.link, &bytes_of(request, id(seat, 1)));
        }
    }
    bench.turn(0, usize::MAX);
    bench.drop_link(clients[0].0.link, false);
    bench.settle();
    for (client, ..) in &clients[1..] {
        assert_eq!(bench.heard(client.link).len(), 29);
    }
    assert_reservations_are_free(&bench);
}

#[test]
fn the_end_of_a_session_waits_for_room_as_well() {
    let (mut bench, clients) = crowd(2);
    let (busy, key, token) = &clients[0];
    for seat in 1..40 {
        let request = release(key, token + u64::from(seat));
        bench.send(busy.link, &bytes_of(request, id(seat, 1)));
    }
    bench.turn(0, usize::MAX);
    let (closing, held, _) = &clients[1];
    let close = bytes_of(Request::Close(locker_protocol::Close), id(1, 1));
    bench.send(closing.link, &close);
    bench.turn(0, usize::MAX);
    assert!(
        bench.heard(closing.link).is_empty(),
        "its end is not complete"
    );
    bench.settle();
    assert_eq!(bench.heard(closing.link), ["Closed(Closed)"]);
    bench.heard(busy.link);
    let free = ask(
        &mut bench,
        *busy,
        id(50, 1),
        Request::Acquire(acquire(held)),
    );
    token_of(&free);
}

#[test]
fn queued_acquires_give_their_reservation_back() {
    let (mut bench, clients) = crowd(2);
    let (_, key, _) = &clients[0];
    let (waiter, ..) = &clients[1];
    // Far more than reservations fit: each queues before the next few are sent.
    for seat in 1..60 {
        let wait = Acquire {
            wait_ms: u32::MAX,
            owner: seat.into(),
            ..acquire(key)
        };
        assert!(ask(&mut bench, *waiter, id(seat, 1), Request::Acquire(wait)).is_empty());
    }
    assert_reservations_are_free(&bench);
}

#[test]
fn output_waits_for_the_answers_of_other_shards() {
    let (mut bench, clients) = crowd(1);
    let (client, there, token) = &clients[0];
    let here = key_on(0, 2);
    bench.send(
        client.link,
        &bytes_of(Request::Acquire(acquire(&here)), id(1, 1)),
    );
    bench.turn(0, usize::MAX);
    assert!(!bench.is_corked(client.link), "all answers are there");
    bench.send(client.link, &bytes_of(release(there, *token), id(2, 1)));
    bench.send(client.link, &bytes_of(release(there, *token), id(3, 1)));
    bench.turn(0, usize::MAX);
    assert!(bench.is_corked(client.link));
    assert!(bench.shards[0].next.answers_owed);
    bench.turn(OWNER, 1);
    bench.turn(0, usize::MAX);
    assert!(bench.is_corked(client.link), "one more is to come");
    bench.turn(OWNER, 1);
    bench.turn(0, usize::MAX);
    assert!(!bench.is_corked(client.link));
    assert!(!bench.shards[0].next.answers_owed);
    assert_eq!(bench.heard(client.link).len(), 3);
}

#[test]
fn output_does_not_wait_for_an_acquire_that_queues_at_another_shard() {
    let (mut bench, clients) = crowd(2);
    let (_, key, _) = &clients[0];
    let (waiter, ..) = &clients[1];
    let wait = Acquire {
        wait_ms: u32::MAX,
        ..acquire(key)
    };
    bench.send(waiter.link, &bytes_of(Request::Acquire(wait), id(1, 1)));
    bench.turn(0, usize::MAX);
    assert!(bench.is_corked(waiter.link), "nobody knows yet");
    bench.settle();
    assert!(!bench.is_corked(waiter.link));
    assert!(bench.heard(waiter.link).is_empty(), "it waits");
}
