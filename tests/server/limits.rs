//! Every limit has its typed refusal, which names limit and value and changes nothing.

use locker_protocol::*;

use crate::support::{Ask, Client, Message, Open, Refused, Server, Setup, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    keys_and_metadata,
    permits,
    names_and_reasons,
    seats,
    sessions,
    connections,
    blocks,
    one_owner_on_one_key,
    admin_requests,
    requests_without_a_session,
);

#[track_caller]
fn assert_refused(message: Message, status: Status, limit: u64, value: u64) {
    let expected = Refused {
        status,
        limit,
        value,
    };
    let (Message::Refused(refused) | Message::Fault(refused)) = message else {
        panic!("not refused but {message:?}");
    };
    assert_eq!(refused, expected);
}

fn keys_and_metadata(shards: usize) {
    let server = Setup::new(shards)
        .with("key-bytes-max", "100")
        .with("metadata-bytes-max", "10")
        .start();
    let mut client = Client::open(&server);
    assert_eq!(
        (client.welcome.key_max, client.welcome.metadata_max),
        (100, 10)
    );
    client
        .acquire(&Ask::once([1; 100]).metadata(&[2; 10]))
        .granted();
    assert_refused(
        client.acquire(&Ask::once([3; 101])),
        Status::BadKey,
        100,
        101,
    );
    assert_eq!(client.acquire(&Ask::once([])).status(), Status::BadKey);
    let long = Ask::once("k").metadata(&[0; 11]);
    assert_refused(client.acquire(&long), Status::MetadataTooLong, 10, 11);
    assert_eq!(client.look("k").holders_total, 0);
    assert_eq!(client.release(&Ask::once([]), 1).status(), Status::BadKey);
    client.ping();
}

fn permits(shards: usize) {
    let server = Server::start(shards);
    let mut client = Client::open(&server);
    client.acquire(&Ask::once("pool").permits(2, 5)).granted();
    let other = client.acquire(&Ask::once("pool").permits(1, 6));
    assert_refused(other, Status::LimitMismatch, 5, 6);
    let wide = client.acquire(&Ask::once("pool").permits(6, 5));
    assert_refused(wide, Status::LimitMismatch, 5, 6);
    let mut resize = Ask::once("pool").permits(4, 6);
    resize.resize = true;
    client.acquire(&resize).granted();
    let view = client.look("pool");
    assert_eq!((view.limit, view.permits_used), (6, 6));
}

fn names_and_reasons(shards: usize) {
    let server = Server::start(shards);
    let name = "n".repeat(33).leak();
    let open = Open {
        name,
        ..Open::default()
    };
    let refusal = Client::open_as(&server, open).err().unwrap();
    assert_refused(refusal, Status::NameTooLong, 32, 33);
    let mut client = Client::open(&server);
    let id = client.send(|id, out| {
        let force = ForceRelease {
            token: 0,
            delay_ms: 0,
            key: b"k",
            reason: &"r".repeat(257),
        };
        force.encode(id, out);
    });
    assert_refused(client.answer(id), Status::NameTooLong, 256, 257);
}

fn seats(shards: usize) {
    let server = Setup::new(shards).with("seats", "4").start();
    let mut client = Client::open(&server);
    assert_eq!(client.welcome.seats, 4);
    let try_on = |client: &mut Client, seat, sequence| {
        let mut frame = Vec::new();
        let id = RequestId { seat, sequence }.pack();
        Ask::once(format!("{seat}-{sequence}"))
            .frame()
            .encode(id, &mut frame);
        client.write(&frame);
        let (answered, message) = client.read().unwrap();
        assert_eq!(answered, id);
        message
    };
    try_on(&mut client, 3, 7).granted();
    let refused = try_on(&mut client, 4, 8).refused();
    assert_eq!((refused.status, refused.limit), (Status::BadRequestId, 4));
    // A lower number on a seat is refused with the last one.
    let last = RequestId {
        seat: 3,
        sequence: 7,
    };
    let refused = try_on(&mut client, 3, 6).refused();
    assert_eq!(
        (refused.status, refused.value),
        (Status::BadRequestId, last.pack())
    );
    assert_eq!(client.look("3-6").holders_total, 0);
    // The same number again hears the same answer, and nothing happens twice.
    let once = try_on(&mut client, 2, 1).granted();
    assert_eq!(try_on(&mut client, 2, 1).granted().token, once.token);
    try_on(&mut client, 3, 8).granted();
}

fn sessions(shards: usize) {
    let server = Setup::new(shards).with("sessions", "8").start();
    let mut open = Vec::new();
    let refusal = loop {
        match Client::open_as(&server, Open::default()) {
            Ok(client) => open.push(client),
            Err(refusal) => break refusal,
        }
        assert!(open.len() <= 8 + shards, "more sessions than the limit");
    };
    assert_eq!(refusal.status(), Status::SessionsFull);
    // Those that are open go on, and one that closes makes room.
    open[0].acquire(&Ask::once("k")).granted();
    open.into_iter().for_each(Client::close);
    Client::open(&server).close();
}

fn connections(shards: usize) {
    let server = Setup::new(shards).with("connections", "8").start();
    let mut open: Vec<Client> = (0..8).map(|_| Client::open(&server)).collect();
    let mut one_more = Client::connect(server.address);
    let told = one_more.read_to_end().pop();
    if let Some(message) = told {
        assert_eq!(message.status(), Status::ConnectionsFull);
    }
    for client in &mut open {
        client.ping();
    }
    open.pop().unwrap().close();
    // The place is free again once the server has seen the end.
    while Client::open_if_room(&server).is_none() {}
}

fn blocks(shards: usize) {
    let server = Setup::new(shards)
        .with("memory", &format!("{}MiB", 16 + 8 * shards))
        .with("connections", "10")
        .start();
    let mut client = Client::open(&server);
    let mut held = Vec::new();
    let refused = 'full: loop {
        // Many at once, so that filling the table takes no time.
        let asks: Vec<Ask> = (0..50)
            .map(|number| Ask::once(format!("{}-{number}", held.len())))
            .collect();
        let ids: Vec<u64> = asks.iter().map(|ask| client.start(ask)).collect();
        for (ask, id) in asks.into_iter().zip(ids) {
            match client.answer(id) {
                Message::Granted(granted) => held.push((ask, granted.token)),
                Message::Refused(refused) => break 'full refused,
                other => panic!("{other:?}"),
            }
        }
        assert!(held.len() < 1_000_000, "16 MiB hold no million locks");
    };
    assert_eq!(refused.status, Status::TableFull);
    assert!(refused.limit > 0, "the limit is named");
    // Nothing was lost, and what is held can be released and makes room.
    let mut client = Client::resume(&server, client.to_resume()).unwrap();
    client.skip_seats();
    for (ask, token) in held.iter().take(100) {
        assert_eq!(client.release(ask, *token), Message::Released);
        client.acquire(&Ask::once(&ask.key)).granted();
    }
}

fn one_owner_on_one_key(shards: usize) {
    let server = Server::start(shards);
    let mut client = Client::open(&server);
    // The first hold of a key lies in the key's own block and is not among the 64.
    let mut holds = 0;
    let refused = loop {
        match client.acquire(&Ask::once("pool").permits(1, 1_000).owner(7)) {
            Message::Granted(_) => holds += 1,
            other => break other.refused(),
        }
        assert!(holds <= 65, "more holds than the limit");
    };
    assert!(holds >= 64);
    assert_eq!((refused.status, refused.limit), (Status::OwnerFull, 64));
    client
        .acquire(&Ask::once("pool").permits(1, 1_000).owner(8))
        .granted();
    // An exclusive hold asked for again is no dead end either.
    let twice = Ask::new("once").owner(7);
    let token = client.acquire(&twice).granted().token;
    let mode = u64::from(Mode::Exclusive.code());
    assert_refused(client.acquire(&twice), Status::AlreadyHeld, mode, token);
}

fn admin_requests(shards: usize) {
    let server = Setup::new(shards).with("admin", "none").start();
    let (mut holder, mut client) = (Client::open(&server), Client::open(&server));
    assert!(!client.welcome.admin);
    holder.acquire(&Ask::new("k")).granted();
    let id = client.send(|id, out| {
        let force = ForceRelease {
            token: 0,
            delay_ms: 0,
            key: b"k",
            reason: "because",
        };
        force.encode(id, out);
    });
    assert_eq!(client.answer(id).status(), Status::NotAdmin);
    let list = client.unseated(|id, out| {
        let (cursor, prefix) = (0, b"".as_slice());
        List { cursor, prefix }.encode(id, out);
    });
    assert_eq!(list.status(), Status::NotAdmin);
    let sessions = client.unseated(|id, out| Sessions { cursor: 0 }.encode(id, out));
    assert_eq!(sessions.status(), Status::NotAdmin);
    assert_eq!(client.look("k").holders_total, 1);
}

fn requests_without_a_session(shards: usize) {
    let server = Server::start(shards);
    let open = Open {
        action: HelloAction::None,
        ttl_ms: 0,
        ..Open::default()
    };
    let mut client = Client::open_as(&server, open).unwrap();
    assert_eq!(client.welcome.session_id, 0);
    client.ping();
    assert_eq!(client.look("k").holders_total, 0);
    let refused = client.unseated(|id, out| Ask::once("k").frame().encode(id, out));
    assert_eq!(refused.status(), Status::NoSessionOpen);
}
