//! A shard-aware client: no request of it crosses from one shard to another.

use locker_client::{Client, CounterId};

use crate::LONG;
use crate::server::{Server, Setup};

const KEYS: u32 = 200;

fn start() -> Server {
    Setup::new(2).with("shard-port-base", "0").start()
}

fn aware(server: &Server) -> Client {
    let builder = Client::builder().address(server.address.to_string());
    builder.shard_aware().connect().unwrap()
}

/// Messages between shards so far. Asking causes some, as many each time.
fn lane_messages(observer: &Client) -> u64 {
    let pages = observer.stats().unwrap();
    let counters = pages.iter().flat_map(|page| &page.counters);
    let messages = counters.filter(|(id, _)| *id == CounterId::LaneMessages as u16);
    messages.map(|(_, count)| count).sum()
}

/// Messages between shards that `work` causes.
fn messages_of(observer: &Client, work: impl FnOnce()) -> u64 {
    let first = lane_messages(observer);
    let second = lane_messages(observer);
    work();
    let third = lane_messages(observer);
    (third - second) - (second - first)
}

/// All that is asked about a key, with each of many keys.
fn use_locks(client: &Client) {
    for number in 0..KEYS {
        let key = format!("key/{number}");
        let lock = client.acquire(&key).lease(LONG).lock().unwrap();
        lock.renew(LONG).unwrap();
        assert!(client.acquire(&key).try_now().lock().is_err());
        assert_eq!(client.get(&key).unwrap().holders_total, 1);
        let waiting = client.acquire(&key).start().unwrap();
        lock.release().unwrap();
        let next = waiting.wait().unwrap();
        drop(client.acquire(&key).start().unwrap());
        next.release().unwrap();
    }
}

#[test]
fn its_requests_cause_no_message_between_shards() {
    let server = start();
    let (observer, client) = (super::client(&server), aware(&server));
    assert_eq!(client.shards_reached(), 2);
    assert_eq!(messages_of(&observer, || use_locks(&client)), 0);
    let unaware = super::client(&server);
    let of_unaware = messages_of(&observer, || use_locks(&unaware));
    assert!(
        of_unaware > u64::from(KEYS),
        "half of the keys, there and back"
    );
}

#[test]
fn its_sessions_are_one_in_each_shard_and_of_one_group() {
    let server = start();
    let client = aware(&server);
    let sessions: Vec<_> = client.sessions().map(Result::unwrap).collect();
    let mut homes: Vec<u8> = sessions.iter().map(|session| session.home).collect();
    homes.sort_unstable();
    assert_eq!(homes, [0, 1]);
    client.close().unwrap();
    let observer = super::client(&server);
    assert_eq!(observer.sessions().count(), 1, "the observer's own");
}

#[test]
fn it_works_on_through_restarts_with_other_shards_and_without_ports() {
    let mut server = start();
    let port = server.address.to_string();
    let client = aware(&server);
    use_locks(&client);
    for (shards, base, reached) in [("4", Some("0"), 4), ("2", None, 1), ("2", Some("0"), 2)] {
        let setup = server.stop().with("listen", &port).with("shards", shards);
        let setup = match base {
            Some(base) => setup.with("shard-port-base", base),
            None => setup.without("shard-port-base"),
        };
        server = setup.with("connections", "200").start();
        use_locks(&client);
        while client.shards_reached() != reached {
            std::thread::yield_now();
        }
        let observer = super::client(&server);
        let messages = messages_of(&observer, || use_locks(&client));
        assert_eq!(messages == 0, base.is_some(), "{shards} shards");
    }
}

#[test]
fn over_a_unix_socket_it_has_one_session_that_serves_everything() {
    let setup = Setup::new(2).with("shard-port-base", "0");
    let address = format!("unix:{}", setup.socket().display());
    let listen = format!("{address},127.0.0.1:0");
    let server = setup.with("listen", &listen).start();
    let client = Client::builder().address(&address).shard_aware();
    let client = client.connect().unwrap();
    use_locks(&client);
    assert_eq!(client.shards_reached(), 1);
    let lock = client.acquire("k").lock().unwrap();
    let other = super::client(&server);
    let view = other.get("k").unwrap();
    assert_eq!(view.holders[0].peer.to_string(), "unix");
    lock.release().unwrap();
}
