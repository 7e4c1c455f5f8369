//! Many requests in flight on one connection, in segments of any size: each is answered once.

use locker_protocol::{Release, Status, TOKEN_ANY};

use crate::support::{Ask, Client, Message, Server, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    all_seats_in_flight_are_answered_each_once,
    frames_may_be_cut_anywhere,
    one_connection_carries_many_owners_that_exclude_each_other,
);

fn all_seats_in_flight_are_answered_each_once(shards: usize) {
    let server = Server::start(shards);
    let mut client = Client::open(&server);
    let seats = u32::from(client.welcome.seats);
    for round in 0..20 {
        let asks: Vec<Ask> = (0..seats)
            .map(|seat| Ask::once(format!("key-{round}-{}", seat / 2)))
            .collect();
        let ids: Vec<u64> = asks.iter().map(|ask| client.start(ask)).collect();
        // Two for each key: one is granted, the other meets it.
        let answers: Vec<Message> = ids.iter().map(|id| client.answer(*id)).collect();
        for pair in answers.chunks(2) {
            let [first, second] = pair else {
                panic!("seats are even");
            };
            assert!(matches!(first, Message::Granted(_)), "{first:?}");
            assert_eq!(second.clone().status(), Status::Timeout);
        }
    }
}

fn frames_may_be_cut_anywhere(shards: usize) {
    let server = Server::start(shards);
    let mut client = Client::open(&server);
    let mut other = Client::open(&server);
    let mut seed = 88_172_645_463_325_252_u64;
    for _ in 0..30 {
        let ask = Ask::once("cut").metadata(&[1; 200]);
        let mut bytes = Vec::new();
        let tried = client.encode(&mut bytes, |id, out| ask.frame().encode(id, out));
        let released = client.encode(&mut bytes, |id, out| {
            let release = Release {
                owner: ask.owner,
                token: TOKEN_ANY,
                key: &ask.key,
            };
            release.encode(id, out);
        });
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let cut = 1 + seed.to_le_bytes()[3] as usize % 40;
            let (piece, later) = rest.split_at(cut.min(rest.len()));
            client.write(piece);
            rest = later;
            // A round trip elsewhere, so that the server sees the pieces one by one.
            other.ping();
        }
        client.answer(tried).granted();
        assert_eq!(client.answer(released), Message::Released);
    }
}

fn one_connection_carries_many_owners_that_exclude_each_other(shards: usize) {
    let server = Server::start(shards);
    let mut client = Client::open(&server);
    let asks: Vec<Ask> = (0..50).map(|_| Ask::new("shared by all")).collect();
    let ids: Vec<u64> = asks.iter().map(|ask| client.start(ask)).collect();
    let mut last = 0;
    for (index, (ask, id)) in asks.iter().zip(&ids).enumerate() {
        let token = client.answer(*id).granted().token;
        assert!(token > last, "in order and growing");
        last = token;
        let behind = ids.get(index + 1);
        assert!(
            behind.is_none_or(|next| !client.has_answer(*next)),
            "two at once"
        );
        assert_eq!(client.release(ask, token), Message::Released);
    }
}
