//! The echo servers as `compare` starts them.

#![allow(clippy::unwrap_used)]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::Path;

use locker_bench::compare::peers::echo::FRAME_BYTES;
use locker_bench::echo::{Kind, launch};
use locker_bench::host::cpu::allowed_cores;
use locker_bench::host::peer::Peer;

fn start(kind: Kind) -> Peer {
    let program = Path::new(env!("CARGO_BIN_EXE_locker-bench"));
    let core = allowed_cores()[0];
    Peer::start(None, |port, _| Ok(launch(program, kind, core, port))).unwrap()
}

/// Frames of many connections come back to whom they came from, whole, until the end of each.
fn frames_come_back(kind: Kind) {
    let server = start(kind);
    let frames = |client: usize| {
        let byte = u8::try_from(client).unwrap();
        vec![byte; 100 * FRAME_BYTES]
    };
    let mut clients: Vec<TcpStream> = (0..20)
        .map(|_| TcpStream::connect(server.address()).unwrap())
        .collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.write_all(&frames(number)).unwrap();
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let mut back = vec![0; 100 * FRAME_BYTES];
        client.read_exact(&mut back).unwrap();
        assert_eq!(back, frames(number));
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.read(&mut back).unwrap(), 0);
    }
    // Places are used again.
    let mut late = TcpStream::connect(server.address()).unwrap();
    late.write_all(&frames(77)).unwrap();
    let mut back = vec![0; 100 * FRAME_BYTES];
    late.read_exact(&mut back).unwrap();
    assert_eq!(back, frames(77));
}

#[test]
fn the_driver_echoes_frames() {
    frames_come_back(Kind::Driver);
}

#[test]
fn epoll_echoes_frames() {
    frames_come_back(Kind::Epoll);
}

#[test]
fn a_client_that_resets_leaves_the_others_alone() {
    use rustix::net::sockopt::set_socket_linger;

    for kind in [Kind::Driver, Kind::Epoll] {
        let server = start(kind);
        for _ in 0..3 {
            let mut client = TcpStream::connect(server.address()).unwrap();
            client.write_all(&[1; FRAME_BYTES * 50]).unwrap();
            set_socket_linger(&client, Some(std::time::Duration::ZERO)).unwrap();
        }
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(&[2; FRAME_BYTES]).unwrap();
        let mut back = [0; FRAME_BYTES];
        client.read_exact(&mut back).unwrap();
        assert_eq!(back, [2; FRAME_BYTES]);
    }
}
