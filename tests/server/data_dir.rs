//! The durable file: one server per directory, and what a damaged one leads to.

use std::fs;
use std::path::PathBuf;

use crate::support::{Ask, Client, Server, Setup};

/// The two copies, the newer first, by their times of writing.
fn copies(setup: &Setup) -> Vec<PathBuf> {
    let entries = fs::read_dir(setup.data_dir()).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let mut copies: Vec<_> = files
        .filter(|path| path.metadata().unwrap().len() > 0)
        .collect();
    copies.sort_by_key(|path| path.metadata().unwrap().modified().unwrap());
    copies.reverse();
    copies
}

#[test]
fn a_second_server_on_one_data_dir_refuses_to_start() {
    let mut server = Server::start(1);
    let (status, log) = server.setup().start_and_exit();
    assert!(!status.success());
    assert!(
        log.contains("data"),
        "the reason and the remedy are told: {log}"
    );
    server.assert_alive();
    Client::open(&server).close();
}

#[test]
fn a_corrupt_newer_copy_means_the_older_one_and_a_window() {
    let server = Setup::new(2)
        .with("ttl", "1s")
        .with("ttl-max", "2s")
        .start();
    let before = Client::open_for_a_second(&server)
        .acquire(&Ask::new("k"))
        .granted();
    let setup = server.kill();
    let newer = copies(&setup).remove(0);
    let mut bytes = fs::read(&newer).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xFF;
    fs::write(&newer, bytes).unwrap();
    let server = setup.start();
    let mut client = Client::open_for_a_second(&server);
    let grace_left = client.welcome.grace_left_ms;
    assert!(
        (1_001..=2_090).contains(&grace_left),
        "the longest TTL counts: {grace_left} ms"
    );
    client.look_until("k", |view| !view.grace);
    assert!(client.acquire(&Ask::new("k")).granted().token > before.token);
}

#[test]
fn two_corrupt_copies_refuse_to_start() {
    let setup = Server::start(1).kill();
    for copy in copies(&setup) {
        let bytes = fs::read(&copy).unwrap();
        fs::write(&copy, vec![0xA5; bytes.len()]).unwrap();
    }
    let (status, log) = setup.start_and_exit();
    assert!(!status.success());
    assert!(!log.is_empty(), "the remedy is told");
}

#[test]
fn an_ephemeral_server_says_so_and_keeps_nothing() {
    let server = Setup::new(1)
        .without("data-dir")
        .with("ephemeral", "true")
        .start();
    let client = Client::open(&server);
    assert!(client.welcome.ephemeral);
    assert!(server.ready.contains("ephemeral"), "{}", server.ready);
    assert!(!server.setup().data_dir().exists());
}
