//! Clients that send anything: the core answers or closes, never panics, and serves the others.

use crate::shard::tests::bench::{Bench, Client, Setup, greeting, hello, id};
use crate::shard::tests::random::Random;
use crate::shard::tests::requests::{acquire, ask, bytes_of, release, token_of};
use crate::time::Millis;
use locker_protocol::{
    Cancel, Close, ForceRelease, Get, IfGranted, List, Mode, Ping, Reclaim, Renew, Request,
    Sessions, Stats,
};

fn requests() -> Vec<Vec<u8>> {
    let key = b"key";
    let cancel = Cancel {
        acquire_id: id(0, 1),
        owner: 1,
        if_granted: IfGranted::Release,
        key,
    };
    let renew = Renew {
        owner: 1,
        token: 1,
        lease_ms: 20,
        key,
    };
    let reclaim = Reclaim {
        owner: 1,
        token: 5,
        run: 1,
        lease_ms: 0,
        permits: 0,
        limit: 0,
        mode: Mode::Shared,
        key,
        metadata: b"m",
    };
    let force = ForceRelease {
        token: 0,
        delay_ms: u32::MAX,
        key,
        reason: "why",
    };
    let cursor = 1 << 48;
    let all = [
        Request::Hello(hello()),
        Request::Ping(Ping),
        Request::Close(Close),
        Request::Acquire(acquire(key)),
        Request::Cancel(cancel),
        release(key, 0),
        Request::Renew(renew),
        Request::Reclaim(reclaim),
        Request::Get(Get { key }),
        Request::List(List {
            cursor,
            prefix: b"k",
        }),
        Request::Sessions(Sessions { cursor }),
        Request::Stats(Stats { cursor }),
        Request::ForceRelease(force),
    ];
    let seats = 0..u16::try_from(all.len()).unwrap();
    all.into_iter()
        .zip(seats)
        .map(|(request, seat)| bytes_of(request, id(seat, 1)))
        .collect()
}

/// A stream of requests with some bytes changed, left out or put in.
fn stream(random: &mut Random, requests: &[Vec<u8>], client: Option<Client>) -> Vec<u8> {
    let mut bytes = match client {
        None => Vec::new(),
        Some(client) if random.one_in(2) => client.resume(u32::MAX),
        Some(_) => greeting(&hello()),
    };
    for _ in 0..random.below(6) {
        bytes.extend(&requests[random.below(requests.len())]);
    }
    for _ in 0..random.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        let byte = random.next().to_le_bytes()[0];
        match random.below(4) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = byte,
            2 => bytes.insert(at, byte),
            _ => drop(bytes.remove(at)),
        }
    }
    bytes
}

#[test]
fn no_bytes_disturb_the_server() {
    let requests = requests();
    for seed in 0..60 {
        let mut random = Random(seed);
        let mut bench = Bench::new(&Setup {
            shards: 2,
            sessions: 64,
            ttl_max: Millis(10_000),
            ..Setup::default()
        });
        let honest = bench.open(0);
        let held = ask(
            &mut bench,
            honest,
            id(0, 1),
            Request::Acquire(acquire(b"safe")),
        );
        let token = token_of(&held);
        let mut links = Vec::new();
        for _ in 0..150 {
            let mut client = random.one_in(3).then_some(honest);
            if let Some(client) = &mut client {
                client.secret[0] ^= 1;
            }
            let fresh = links.is_empty() || client.is_some();
            if fresh && links.len() < 20 {
                links.push(bench.connect_to(random.below(2), false));
                let open = stream(&mut random, &requests, client);
                bench.send(links[links.len() - 1], &open);
            }
            let link = links[random.below(links.len())];
            let more = stream(&mut random, &requests, None);
            bench.send(link, &more);
            bench.settle();
            bench.heard(link);
            if random.one_in(4) {
                bench.drop_link(link, random.one_in(2));
            }
            links.retain(|link| bench.is_open(*link));
        }
        bench.heard(honest.link);
        let released = ask(&mut bench, honest, id(1, 1), release(b"safe", token));
        assert_eq!(released, ["Released(Released)"], "seed {seed}");
        bench.pass(15_000);
        for shard in &bench.shards {
            assert_eq!(shard.core.population().0, 0, "every session is over");
        }
    }
}
