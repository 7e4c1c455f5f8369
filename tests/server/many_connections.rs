//! Thousands of connections opened at once and dropped leave nothing behind.

use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use locker_protocol::CounterId;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::support::{Ask, Client, Setup, on_1_2_and_4_shards};

const CONNECTIONS: usize = 10_000;
/// No progress within this fails the test: the kernel itself gives a connection up after 127 s.
const PATIENCE: Duration = Duration::from_secs(150);

/// The descriptors of the process are enough for one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

on_1_2_and_4_shards!(
    thousands_of_connections_come_and_go,
    thousands_that_connect_at_the_same_instant_are_all_served,
);

/// Raises the soft descriptor limit; how many connections it allows.
fn connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    let room = limit
        .maximum
        .map_or(usize::MAX, |most| usize::try_from(most).unwrap());
    CONNECTIONS.min(room.saturating_sub(200))
}

fn thousands_of_connections_come_and_go(shards: usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let count = connections();
    let setup = Setup::new(shards)
        .with("connections", "11000")
        .with("sessions", "1000");
    let mut server = setup.with("memory", "128MiB").start();
    let mut holder = Client::open(&server);
    holder.acquire(&Ask::new("k")).granted();
    let open_and_drop = || {
        let all: Vec<_> = (0..count)
            .map(|_| TcpStream::connect(server.address).unwrap())
            .collect();
        drop(all);
    };
    // The first round touches the tables; what they keep is theirs, sized at the start.
    open_and_drop();
    until_gone(&mut holder);
    let after_one = server.resident_kib();
    open_and_drop();
    until_gone(&mut holder);
    let after_two = server.resident_kib();
    let grown = after_two.saturating_sub(after_one);
    assert!(grown < 4 * 1024, "{grown} KiB more after the second round");
    assert_eq!(holder.look("k").holders_total, 1);
    server.assert_alive();
    Client::open(&server).close();
}

/// The server is stopped meanwhile, and its backlog overflows: the clients' kernel retries. Going
/// on, every shard finds its sleep in the ring interrupted (`EINTR`), and must not mind.
///
/// A retry may come later than a silent connection's time for its Hello ends, so they are never all
/// open at one instant for certain: what is counted is who was let in.
fn thousands_that_connect_at_the_same_instant_are_all_served(shards: usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let count = connections();
    let setup = Setup::new(shards)
        .with("connections", "11000")
        .with("sessions", "1000");
    let server = setup.with("memory", "128MiB").start();
    let mut witness = Client::open(&server);
    server.signal(Signal::STOP);
    let all: Vec<OwnedFd> = (0..count)
        .map(|_| {
            let kind = (AddressFamily::INET, SocketType::STREAM);
            let socket = socket_with(kind.0, kind.1, SocketFlags::NONBLOCK, None).unwrap();
            // It is under way; what becomes of it is asked below.
            let begun = connect(&socket, &server.address);
            assert!(begun.is_ok() || begun == Err(Errno::INPROGRESS));
            socket
        })
        .collect();
    server.signal(Signal::CONT);
    for socket in &all {
        let mut polled = [PollFd::new(socket, PollFlags::OUT)];
        poll(&mut polled, Some(&PATIENCE.try_into().unwrap())).unwrap();
        let under_way = polled[0].revents().is_empty();
        assert!(!under_way, "no answer to a connect within {PATIENCE:?}");
        assert_eq!(sockopt::socket_error(socket).unwrap(), Ok(()));
    }
    let expected = u64::try_from(count).unwrap() + 1;
    until(&mut witness, CounterId::ConnectionsAccepted, |accepted| {
        accepted >= expected
    });
    assert_eq!(witness.counter(CounterId::ConnectionsRefused), 0);
    drop(all);
    until_gone(&mut witness);
    Client::open(&server).close();
}

/// Waits until the server counts no connection but this client's.
fn until_gone(client: &mut Client) {
    until(client, CounterId::Connections, |open| open <= 1);
}

/// Waits until a counter is as wanted; each look is a round trip.
#[track_caller]
fn until(client: &mut Client, counter: CounterId, wanted: impl Fn(u64) -> bool) {
    let since = Instant::now();
    loop {
        let value = client.counter(counter);
        if wanted(value) {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "{counter:?} is still {value}");
    }
}
