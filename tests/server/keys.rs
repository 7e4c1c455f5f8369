//! Keys are bytes: every value of a byte is one, and keys that look alike are different.

use locker_protocol::{List, Status};

use crate::support::{Ask, Client, Message, Server, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    keys_of_every_byte_value_are_locks_of_their_own,
    a_listing_tells_every_key_once_and_as_it_is,
    keys_of_every_length_are_kept_whole,
);

fn keys_of_every_byte_value_are_locks_of_their_own(shards: usize) {
    let server = Server::start(shards);
    let (mut holder, mut other) = (Client::open(&server), Client::open(&server));
    let all: Vec<u8> = (0..=255).collect();
    let keys = all.iter().map(|byte| vec![*byte]).chain([all.clone()]);
    let asks: Vec<Ask> = keys.map(Ask::once).collect();
    let tokens: Vec<u64> = asks
        .iter()
        .map(|ask| holder.acquire(ask).granted().token)
        .collect();
    for (ask, token) in asks.iter().zip(&tokens) {
        assert_eq!(
            other.acquire(&Ask::once(&ask.key)).status(),
            Status::Timeout
        );
        let view = other.look(&ask.key);
        assert_eq!((view.holders[0].1, view.holders[0].2), (ask.owner, *token));
    }
    for (ask, token) in asks.iter().zip(&tokens) {
        assert_eq!(holder.release(ask, *token), Message::Released);
        assert_eq!(other.look(&ask.key).holders_total, 0);
    }
}

fn a_listing_tells_every_key_once_and_as_it_is(shards: usize) {
    let server = Server::start(shards);
    let mut holder = Client::open(&server);
    let mut keys: Vec<Vec<u8>> = (0..=255).map(|byte| vec![b'/', byte, 0, byte]).collect();
    for key in &keys {
        holder.acquire(&Ask::once(key)).granted();
    }
    holder.acquire(&Ask::once("elsewhere")).granted();
    let (mut seen, mut cursor) = (Vec::new(), 0);
    loop {
        let list = |id, out: &mut Vec<u8>| {
            List {
                cursor,
                prefix: b"/",
            }
            .encode(id, out);
        };
        let Message::Keys(next, page) = holder.unseated(list) else {
            panic!("a page");
        };
        assert!(
            page.iter()
                .all(|(_, holders, waiters)| (*holders, *waiters) == (1, 0))
        );
        seen.extend(page.into_iter().map(|(key, ..)| key));
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    seen.sort();
    keys.sort();
    assert_eq!(seen, keys);
}

fn keys_of_every_length_are_kept_whole(shards: usize) {
    let server = Server::start(shards);
    let mut holder = Client::open(&server);
    for length in 1..=256 {
        // Keys that share all but their last byte.
        let (mut one, mut two) = (vec![b'k'; length], vec![b'k'; length]);
        (one[length - 1], two[length - 1]) = (1, 2);
        for key in [one, two] {
            let metadata = vec![7; 256 - length];
            let ask = Ask::once(&key).metadata(&metadata);
            let token = holder.acquire(&ask).granted().token;
            let view = holder.look(&key);
            assert_eq!(view.holders_total, 1);
            assert_eq!((view.holders[0].2, &view.holders[0].3), (token, &metadata));
        }
    }
}
