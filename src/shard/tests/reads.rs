//! Reads: pages over all shards, admin listeners only where it says so, bounded shares.

use crate::shard::tests::bench::{Bench, Client, Setup, greeting, hello, id, parse};
use crate::shard::tests::requests::{acquire, ask, bytes_of, key_on};
use locker_protocol::{
    CounterId, FromServer, Get, List, Reply, Request, SessionState, Sessions, Stats,
};

fn two_shards() -> (Bench, Client) {
    let mut bench = Bench::new(&Setup {
        shards: 2,
        ..Setup::default()
    });
    let client = bench.open(0);
    for shard in 0..2 {
        let key = key_on(shard, 2);
        ask(
            &mut bench,
            client,
            id(shard, 1),
            Request::Acquire(acquire(&key)),
        );
    }
    (bench, client)
}

fn page(bench: &mut Bench, client: Client, request: Request<'_>) -> Vec<u8> {
    bench.send(client.link, &bytes_of(request, 5));
    bench.settle();
    let mut frames = bench.frames(client.link);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].0, 5, "the id is echoed");
    frames.remove(0).1
}

#[test]
fn a_get_tells_the_holder_wherever_the_key_lives() {
    let (mut bench, client) = two_shards();
    for shard in 0..2 {
        let key = key_on(shard, 2);
        let frame = page(&mut bench, client, Request::Get(Get { key: &key }));
        let FromServer::Reply(Reply::GetReply(reply)) = parse(&frame) else {
            panic!("expected a reply to Get");
        };
        let holder = reply.holders.iter().next().unwrap();
        assert_eq!((holder.session_id, holder.name), (client.session, "worker"));
    }
}

#[test]
fn a_list_walks_over_all_shards() {
    let (mut bench, client) = two_shards();
    let mut keys = Vec::new();
    let mut cursor = 0;
    loop {
        let request = Request::List(List {
            cursor,
            prefix: b"",
        });
        let frame = page(&mut bench, client, request);
        let FromServer::Reply(Reply::ListReply(reply)) = parse(&frame) else {
            panic!("expected a reply to List");
        };
        keys.extend(reply.locks.iter().map(|lock| lock.key.to_vec()));
        cursor = reply.cursor;
        if cursor == 0 {
            break;
        }
    }
    keys.sort();
    let mut all = vec![key_on(0, 2), key_on(1, 2)];
    all.sort();
    assert_eq!(keys, all);
}

#[test]
fn sessions_are_told_by_their_homes() {
    let (mut bench, client) = two_shards();
    let other = bench.open(1);
    bench.drop_link(other.link, false);
    let mut seen = Vec::new();
    let mut cursor = 0;
    loop {
        let frame = page(&mut bench, client, Request::Sessions(Sessions { cursor }));
        let FromServer::Reply(Reply::SessionsReply(reply)) = parse(&frame) else {
            panic!("expected a reply to Sessions");
        };
        for session in reply.sessions.iter() {
            seen.push((
                session.session_id,
                session.home,
                session.state,
                session.holds,
            ));
        }
        cursor = reply.cursor;
        if cursor == 0 {
            break;
        }
    }
    let one = (client.session, 0, SessionState::Attached, 2);
    let two = (other.session, 1, SessionState::Detached, 0);
    assert_eq!(seen, [one, two]);
}

#[test]
fn stats_are_one_page_a_shard() {
    let (mut bench, client) = two_shards();
    let mut cursor = 0;
    for shard in 0..2_u16 {
        let frame = page(&mut bench, client, Request::Stats(Stats { cursor }));
        let FromServer::Reply(Reply::StatsReply(reply)) = parse(&frame) else {
            panic!("expected a reply to Stats");
        };
        assert_eq!(reply.shard, shard);
        let value = |id: CounterId| {
            let mut counters = reply.counters.iter();
            counters
                .find(|counter| counter.id == id.code())
                .unwrap()
                .value
        };
        assert_eq!(value(CounterId::Locks), 1);
        assert_eq!(value(CounterId::Turns), 7, "from the shell");
        assert_eq!(value(CounterId::Grants), if shard == 0 { 2 } else { 0 });
        cursor = reply.cursor;
    }
    assert_eq!(cursor, 0);
}

#[test]
fn lists_and_sessions_are_for_admin_listeners() {
    let mut bench = Bench::one();
    let link = bench.connect_to(0, false);
    bench.send(link, &greeting(&hello()));
    for (index, request) in [
        Request::List(List {
            cursor: 0,
            prefix: b"",
        }),
        Request::Sessions(Sessions { cursor: 0 }),
    ]
    .into_iter()
    .enumerate()
    {
        bench.send(link, &bytes_of(request, index as u64 + 2));
    }
    bench.send(link, &bytes_of(Request::Get(Get { key: b"k" }), 9));
    bench.settle();
    let heard = bench.heard(link);
    let refused = |text: &&String| text.contains("NotAdmin");
    assert_eq!(heard.iter().filter(refused).count(), 2, "{heard:?}");
    assert!(heard.iter().any(|text| text.starts_with("GetReply")));
}

#[test]
fn a_cursor_that_is_none_is_refused_with_its_offset() {
    let (mut bench, client) = two_shards();
    let cursor = 9 << 48;
    let heard = ask(&mut bench, client, 5, Request::Stats(Stats { cursor }));
    assert!(
        heard[0].contains("BadFrame, limit: 0, value: 16"),
        "{heard:?}"
    );
}

#[test]
fn a_flood_of_reads_leaves_the_turn_to_others() {
    let mut bench = Bench::one();
    let (greedy, other) = (bench.open(0), bench.open(0));
    for number in 0..100 {
        let request = Request::List(List {
            cursor: 0,
            prefix: b"",
        });
        bench.send(greedy.link, &bytes_of(request, number + 1));
    }
    bench.send(
        other.link,
        &bytes_of(Request::Stats(Stats { cursor: 0 }), 7),
    );
    bench.turn(0, usize::MAX);
    assert_eq!(bench.heard(greedy.link).len(), 16, "its share of a turn");
    assert_eq!(bench.heard(other.link).len(), 1);
    bench.settle();
    assert_eq!(bench.heard(greedy.link).len(), 84, "the rest follows");
}

#[test]
fn a_reply_to_a_connection_that_is_gone_goes_nowhere() {
    let (mut bench, client) = two_shards();
    let key = key_on(1, 2);
    bench.send(client.link, &bytes_of(Request::Get(Get { key: &key }), 5));
    bench.turn(0, usize::MAX);
    bench.drop_link(client.link, false);
    let fresh = bench.connect_to(0, true);
    bench.settle();
    assert!(bench.heard(fresh).is_empty(), "not to its slot's next one");
}
