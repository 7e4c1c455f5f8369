//! The first bytes of a connection: preface, Hello, and nothing else.

use locker_protocol::*;

use crate::support::{Ask, Client, Message, Server, on_1_2_and_4_shards};

on_1_2_and_4_shards!(
    a_wrong_preface_is_told_and_the_connection_ends,
    anything_before_hello_is_told_and_the_connection_ends,
    a_second_hello_is_refused,
    a_version_that_the_server_lacks_is_told_with_its_window,
    a_silent_connection_is_told_and_closed,
    a_client_that_sends_byte_by_byte_is_served,
);

#[track_caller]
fn assert_ends_with(client: &mut Client, status: Status) {
    let (_, message) = client.read().expect("a typed answer before the end");
    assert_eq!(message.status(), status);
    assert_eq!(client.read(), None);
}

fn hello(version_min: u8, version_max: u8) -> Hello<'static> {
    Hello {
        version_min,
        version_max,
        action: HelloAction::Open,
        on_disconnect: OnDisconnect::Grace,
        ttl_ms: 0,
        features: 0,
        session_id: 0,
        secret: [0; 16],
        attach: 0,
        reclaiming: false,
        group: [0; 16],
        name: "",
        library: "",
    }
}

fn a_wrong_preface_is_told_and_the_connection_ends(shards: usize) {
    let server = Server::start(shards);
    for preface in [*b"GET ", *b"LKR\x02", *b"\x16\x03\x01\x00", [0; 4]] {
        let mut client = Client::connect_silent(server.address);
        client.write(&preface);
        assert_ends_with(&mut client, Status::BadPreface);
    }
    Client::open(&server).close();
}

fn anything_before_hello_is_told_and_the_connection_ends(shards: usize) {
    let server = Server::start(shards);
    let mut client = Client::connect(server.address);
    let mut frame = Vec::new();
    Ping.encode(1, &mut frame);
    client.write(&frame);
    assert_ends_with(&mut client, Status::HelloExpected);
}

fn a_second_hello_is_refused(shards: usize) {
    let server = Server::start(shards);
    let mut client = Client::open(&server);
    let mut frame = Vec::new();
    hello(1, 1).encode(2, &mut frame);
    client.write(&frame);
    assert_ends_with(&mut client, Status::HelloExpected);
}

fn a_version_that_the_server_lacks_is_told_with_its_window(shards: usize) {
    let server = Server::start(shards);
    let mut client = Client::connect(server.address);
    let Err(Message::Refused(refused) | Message::Fault(refused)) = client.hello(&hello(2, 9))
    else {
        panic!("version 2 does not exist");
    };
    let told = (refused.status, refused.limit, refused.value);
    assert_eq!(told, (Status::VersionMismatch, 1, 1));
    assert_eq!(client.read(), None);
    // A window that contains version 1 is served with it.
    Client::connect(server.address)
        .hello(&hello(1, 200))
        .unwrap();
}

fn a_silent_connection_is_told_and_closed(shards: usize) {
    let server = Server::start(shards);
    let (mut silent, mut half) = (
        Client::connect_silent(server.address),
        Client::connect(server.address),
    );
    let mut frame = Vec::new();
    hello(1, 1).encode(1, &mut frame);
    half.write(&frame[..frame.len() - 1]);
    assert_ends_with(&mut silent, Status::HelloTimeout);
    assert_ends_with(&mut half, Status::HelloTimeout);
}

fn a_client_that_sends_byte_by_byte_is_served(shards: usize) {
    let server = Server::start(shards);
    let mut bytes = PREFACE.to_vec();
    hello(1, 1).encode(1, &mut bytes);
    let id = RequestId {
        seat: 0,
        sequence: 1,
    };
    Ask::once("slow").frame().encode(id.pack(), &mut bytes);
    let mut client = Client::connect_silent(server.address);
    for byte in bytes {
        client.write(&[byte]);
    }
    assert!(matches!(client.read(), Some((1, Message::Welcome(_)))));
    let (answered, message) = client.read().unwrap();
    assert_eq!(answered, id.pack());
    message.granted();
}
