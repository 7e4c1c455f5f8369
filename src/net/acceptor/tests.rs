//! What the acceptor does when it cannot accept.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::driver::signal::Signal;
use crate::net::kernel::{BufferId, Receive, Send};
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Remembers what was asked of it.
#[derive(Default)]
struct Script {
    accepts: Vec<Token>,
    cancels: Vec<Token>,
}

impl Kernel for Script {
    type Socket = OwnedFd;

    fn accept(&mut self, _: &OwnedFd, token: Token) {
        self.accepts.push(token);
    }

    fn receive(&mut self, _: &OwnedFd, _: Receive, _: Token) {
        unreachable!("the acceptor only accepts");
    }

    fn send<'a>(
        &mut self,
        _: &OwnedFd,
        _: impl Iterator<Item = &'a [u8]>,
        _: Send,
        _: Token,
    ) -> usize {
        unreachable!("the acceptor only accepts");
    }

    fn cancel(&mut self, target: Token) {
        self.cancels.push(target);
    }

    fn shutdown_write(&mut self, _: &OwnedFd) {
        unreachable!("the acceptor only accepts");
    }

    fn close(&mut self, _: OwnedFd) {
        unreachable!("the acceptor only accepts");
    }

    fn give_back(&mut self, _: BufferId) {
        unreachable!("the acceptor only accepts");
    }
}

const WORDS: &[u8] = b"full";
const NOW: Instant = Instant(1_000_000);

struct Bench {
    acceptor: Acceptor,
    kernel: Script,
    address: SocketAddr,
    mail: Vec<Receiver<Mail>>,
}

impl Bench {
    fn new(shards: usize, connections_max: u32) -> Self {
        Self::dealing(Deal::Fewest, shards, connections_max)
    }

    fn dealing(deal: Deal, shards: usize, connections_max: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listener = Listener {
            socket: listener.into(),
            admin: true,
            deal,
        };
        let post = (0..shards).map(|_| MailBox::new(Arc::new(Signal::new().unwrap())));
        let (boxes, mail): (Vec<_>, Vec<_>) = post.unzip();
        let mut bench = Self {
            acceptor: Acceptor::new(vec![listener], boxes, connections_max, WORDS),
            kernel: Script::default(),
            address,
            mail,
        };
        bench.settle(NOW);
        assert_eq!(bench.kernel.accepts, [Token::Accept(0)]);
        bench
    }

    fn settle(&mut self, now: Instant) {
        self.kernel.accepts.clear();
        self.acceptor.settle(now, &mut self.kernel);
    }

    fn fails(&mut self, errno: i32) {
        let completion = Completion {
            token: Token::Accept(0),
            result: -errno,
            more: false,
            buffer: None,
        };
        self.acceptor.completed(0, completion, NOW);
    }

    /// A client connects and its socket is dealt.
    fn deal(&mut self) -> (TcpStream, Accepted) {
        let client = TcpStream::connect(self.address).unwrap();
        let listener = self.acceptor.listeners[0].listener.as_ref().unwrap();
        let socket = rustix::net::accept(&listener.socket).unwrap();
        (client, self.acceptor.deal(socket, 0, NOW))
    }
}

fn read_all(mut client: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    client.read_to_end(&mut all).unwrap();
    all
}

#[test]
fn without_descriptors_a_waiting_client_is_told_and_the_listener_rests() {
    for errno in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM] {
        let mut bench = Bench::new(1, 10);
        let client = TcpStream::connect(bench.address).unwrap();
        bench.fails(errno);
        assert_eq!(read_all(client), WORDS);
        assert!(bench.acceptor.reserve.is_some(), "for the next time");
        let retry_at = NOW + RETRY_MS;
        assert_eq!(bench.acceptor.wake_at(), Some(retry_at));
        bench.settle(Instant(retry_at.0 - 1));
        assert_eq!(bench.kernel.accepts, []);
        bench.settle(retry_at);
        assert_eq!(bench.kernel.accepts, [Token::Accept(0)]);
        assert_eq!(bench.acceptor.wake_at(), None);
    }
}

#[test]
fn a_client_that_left_early_costs_no_rest() {
    for errno in [libc::ECONNABORTED, libc::EINTR, libc::EAGAIN, libc::EPROTO] {
        let mut bench = Bench::new(1, 10);
        bench.fails(errno);
        bench.settle(NOW);
        assert_eq!(bench.kernel.accepts, [Token::Accept(0)]);
    }
}

#[test]
fn an_unknown_error_does_not_spin() {
    let mut bench = Bench::new(1, 10);
    bench.fails(libc::EINVAL);
    bench.settle(NOW);
    assert_eq!(bench.kernel.accepts, []);
    assert_eq!(bench.acceptor.wake_at(), Some(NOW + RETRY_MS));
}

#[test]
fn what_is_dealt_and_not_yet_taken_counts() {
    let mut bench = Bench::new(3, 100);
    let clients: Vec<TcpStream> = (0..7).map(|_| bench.deal().0).collect();
    let dealt = bench.mail.iter().map(|mail| mail.try_iter().count());
    assert_eq!(dealt.collect::<Vec<_>>(), [3, 2, 2]);
    drop(clients);
}

#[test]
fn the_port_of_a_shard_deals_to_that_shard_however_many_it_has() {
    let mut bench = Bench::dealing(Deal::To(ShardId(2)), 3, 5);
    let clients: Vec<TcpStream> = (0..5).map(|_| bench.deal().0).collect();
    let dealt = bench.mail.iter().map(|mail| mail.try_iter().count());
    assert_eq!(dealt.collect::<Vec<_>>(), [0, 0, 5]);
    let (sixth, accepted) = bench.deal();
    assert!(
        matches!(accepted, Accepted::Refused),
        "the limit is for all"
    );
    assert_eq!(read_all(sixth), WORDS);
    drop(clients);
}

#[test]
fn one_too_many_hears_why_and_is_closed_after_a_while() {
    let mut bench = Bench::new(1, 1);
    let (_first, accepted) = bench.deal();
    assert!(matches!(accepted, Accepted::Done));
    let (second, accepted) = bench.deal();
    assert!(matches!(accepted, Accepted::Refused));
    assert_eq!(read_all(second), WORDS);
    assert_eq!(bench.acceptor.refused.len(), 1);
    let until = bench.acceptor.wake_at().unwrap();
    assert_eq!(until, NOW + REFUSED_MS);
    bench.settle(until);
    assert_eq!(bench.acceptor.refused.len(), 0);
}

#[test]
fn the_refused_that_are_kept_are_bounded() {
    let mut bench = Bench::new(1, 0);
    let clients: Vec<TcpStream> = (0..REFUSED_MAX + 2).map(|_| bench.deal().0).collect();
    assert_eq!(bench.acceptor.refused.len(), REFUSED_MAX);
    drop(clients);
}

#[test]
fn a_stopped_listener_closes_once_its_accept_has_ended() {
    let mut bench = Bench::new(1, 10);
    bench.acceptor.stop(&mut bench.kernel);
    bench.acceptor.stop(&mut bench.kernel);
    assert_eq!(bench.kernel.cancels, [Token::Accept(0)]);
    assert!(bench.acceptor.is_running());
    bench.fails(libc::ECANCELED);
    bench.settle(NOW);
    assert_eq!(bench.kernel.accepts, []);
    assert!(!bench.acceptor.is_running());
    assert!(TcpStream::connect(bench.address).is_err(), "nobody listens");
}
