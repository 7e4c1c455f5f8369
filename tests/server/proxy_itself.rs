//! The proxy cuts, holds and swallows at the very byte it was told.

use crate::support::proxy::{Direction, End, Flow, Link, Plan, Proxy, Then};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

const SENT: &[u8] = b"0123456789";

/// How a connection ended for the echo, and what it got.
#[derive(Debug, PartialEq, Eq)]
struct Got {
    bytes: Vec<u8>,
    reset: bool,
}

/// Echoes every connection in turn and tells what it got.
fn echo() -> (SocketAddr, Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = Vec::new();
            let mut buffer = [0; 64];
            let reset = loop {
                match stream.read(&mut buffer) {
                    Ok(0) => break false,
                    Ok(count) => {
                        bytes.extend_from_slice(&buffer[..count]);
                        let _ = stream.write_all(&buffer[..count]);
                    }
                    Err(_) => break true,
                }
            };
            if tell.send(Got { bytes, reset }).is_err() {
                return;
            }
        }
    });
    (address, told)
}

/// Sends all through a link with that plan.
fn client(proxy: &Proxy, plan: Plan) -> (TcpStream, Arc<Link>) {
    proxy.forget();
    proxy.plan(plan);
    let mut stream = TcpStream::connect(proxy.address()).unwrap();
    let link = proxy.link(0);
    let _ = stream.write_all(SENT);
    (stream, link)
}

/// All that comes until the stream ends.
fn read_all(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

#[test]
fn without_a_plan_everything_passes() {
    let (server, told) = echo();
    let proxy = Proxy::start(server);
    let (stream, link) = client(&proxy, Plan::PASS);
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(stream), SENT);
    assert_eq!(told.recv().unwrap().bytes, SENT);
    link.wait_over();
    assert_eq!(link.heard(Direction::Up), SENT);
    assert_eq!(link.heard(Direction::Down), SENT);
}

#[test]
fn a_cut_upwards_lets_exactly_so_many_bytes_through() {
    let (server, told) = echo();
    let proxy = Proxy::start(server);
    for bytes in 0..=SENT.len() {
        let (stream, _) = client(&proxy, Plan::cut(Direction::Up, bytes, End::Orderly));
        let echoed = read_all(stream);
        let got = told.recv().unwrap();
        assert_eq!(got.bytes, &SENT[..bytes]);
        assert!(!got.reset, "the end was orderly");
        assert!(SENT.starts_with(&echoed));
    }
}

#[test]
fn a_cut_downwards_lets_exactly_so_many_bytes_through() {
    let (server, told) = echo();
    let proxy = Proxy::start(server);
    for bytes in 0..=SENT.len() {
        let (stream, link) = client(&proxy, Plan::cut(Direction::Down, bytes, End::Orderly));
        assert_eq!(read_all(stream), &SENT[..bytes]);
        told.recv().unwrap();
        link.wait_over();
        assert!(SENT.starts_with(&link.heard(Direction::Down)));
    }
}

#[test]
fn a_reset_reaches_the_server_and_an_orderly_end_the_client() {
    let (server, told) = echo();
    let proxy = Proxy::start(server);
    let (stream, _) = client(&proxy, Plan::cut(Direction::Down, 4, End::Reset));
    assert_eq!(read_all(stream), &SENT[..4]);
    assert!(told.recv().unwrap().reset, "the server sees a reset");
}

#[test]
fn held_bytes_come_when_the_client_has_long_gone() {
    let (server, told) = echo();
    let proxy = Proxy::start(server);
    let hold = Plan::PASS.with(Direction::Up, Flow::until(3, Then::Hold));
    let (stream, link) = client(&proxy, hold);
    link.wait_heard(Direction::Up, SENT.len());
    link.wait_heard(Direction::Down, 3);
    drop(stream);
    assert!(told.try_recv().is_err(), "the end is held back too");
    link.flow(Direction::Up, Flow::PASS);
    assert_eq!(told.recv().unwrap().bytes, SENT);
}

#[test]
fn swallowed_bytes_are_heard_and_not_delivered() {
    let (server, told) = echo();
    let proxy = Proxy::start(server);
    let swallow = Plan::PASS.with(Direction::Down, Flow::until(2, Then::Swallow));
    let (stream, link) = client(&proxy, swallow);
    link.wait_heard(Direction::Down, SENT.len());
    link.cut(End::Orderly);
    assert_eq!(read_all(stream), &SENT[..2]);
    assert_eq!(told.recv().unwrap().bytes, SENT);
    assert_eq!(link.heard(Direction::Down), SENT);
}
