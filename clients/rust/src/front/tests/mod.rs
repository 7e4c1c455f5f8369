//! The front against an in-process server over loopback.

#![allow(clippy::unwrap_used)]

mod reentrant;
mod sending;
mod server;
mod shards;

use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use locker_protocol::{GoAwayReason, Status};
use rustix::process::{Pid, getpid, getppid};

use self::server::FakeServer;
use super::clock::Clock;
use super::handle::Handle;
use super::lock::Lock;
use super::shared::Shared;
use super::slot::{CallSlot, lock};
use crate::machine::{
    Acquire, Ended, HoldId, Lease, LostReason, Machine, Mode, Read, Settings, Wait,
};
use crate::{Client, Error};

/// Longer than anything here takes; only a failing test waits for it.
const LONG: Duration = Duration::from_secs(20);

fn client(server: &FakeServer) -> Client {
    Client::connect(server.address.clone()).unwrap()
}

#[test]
fn a_lock_excludes_others_until_it_is_released() {
    let server = FakeServer::start();
    let (first, second) = (client(&server), client(&server));
    let lock = first.acquire("k").lock().unwrap();
    assert!(lock.is_valid());
    assert!(matches!(
        second.acquire("k").try_now().lock(),
        Err(Error::NotObtained)
    ));
    lock.release().unwrap();
    let next = second.acquire("k").try_now().lock().unwrap();
    assert!(next.token() > 1);
    assert_eq!(next.key(), b"k");
}

#[test]
fn a_unix_socket_serves_as_a_port_does() {
    let server = FakeServer::start_unix();
    let client = client(&server);
    let lock = client.acquire("k").lock().unwrap();
    server.cut();
    server.wait_for("Renew", 1);
    assert!(lock.is_valid(), "resumed over a new connection");
    lock.release().unwrap();
}

#[test]
fn a_unix_socket_where_nobody_listens_is_unreachable_and_named() {
    for (address, kind) in [
        ("unix:/nowhere/locker", ErrorKind::NotFound),
        (
            "unix:@locker-client-test-nobody",
            ErrorKind::ConnectionRefused,
        ),
        ("unix:locker", ErrorKind::InvalidInput),
    ] {
        match Client::connect(address) {
            Err(Error::Unreachable {
                address: named,
                source,
            }) => assert_eq!((&*named, source.kind()), (address, kind)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_waiting_acquire_is_granted_by_the_release() {
    let server = FakeServer::start();
    let (first, second) = (client(&server), client(&server));
    let lock = first.acquire("k").lock().unwrap();
    let pending = second.acquire("k").start().unwrap();
    server.wait_for_waiters(b"k", 1);
    lock.release().unwrap();
    assert!(pending.wait().unwrap().is_valid());
}

#[test]
fn dropping_a_lock_releases_it() {
    let server = FakeServer::start();
    let client = client(&server);
    drop(client.acquire("k").lock().unwrap());
    server.wait_until_free(b"k");
}

#[test]
fn many_threads_share_one_connection_and_exclude_one_another() {
    let server = FakeServer::start();
    let client = client(&server);
    let inside = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = (0..32)
        .map(|_| {
            let (client, inside) = (client.clone(), Arc::clone(&inside));
            thread::spawn(move || {
                for _ in 0..20 {
                    let lock = client.acquire("k").lock().unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                    lock.release().unwrap();
                }
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(server.connections(), 1);
    assert_eq!(server.requests("Acquire"), 640);
}

/// Asks for a sign of life without waiting for the answer.
fn start_ping(client: &Client) -> Arc<CallSlot> {
    let call = |machine: &mut Machine, now| machine.read(now, Read::Ping);
    client.shared().call(call).unwrap().1
}

#[test]
fn requests_of_many_threads_made_during_a_send_leave_together_in_the_next_write() {
    let server = FakeServer::start();
    let client = client(&server);
    let before = client.traffic();
    let sending = lock(&client.shared().writer);
    let slots: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..32)
            .map(|_| scope.spawn(|| start_ping(&client)))
            .collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(sending.writes, before.writes, "nobody waits for the sender");
    drop(sending);
    // Whoever sends next takes along what the others left.
    client.ping().unwrap();
    for slot in slots {
        slot.wait();
    }
    let after = client.traffic();
    assert_eq!(after.frames_sent - before.frames_sent, 33);
    assert_eq!(after.writes - before.writes, 1);
    assert_eq!(after.frames_received - before.frames_received, 33);
}

#[test]
fn one_threads_requests_leave_one_by_one() {
    let server = FakeServer::start();
    let client = client(&server);
    let before = client.traffic();
    for _ in 0..10 {
        client.ping().unwrap();
    }
    let after = client.traffic();
    assert_eq!(after.frames_sent - before.frames_sent, 10);
    assert_eq!(after.writes - before.writes, 10);
}

#[test]
fn a_cut_connection_is_resumed_and_the_lock_stays() {
    let server = FakeServer::start();
    let client = client(&server);
    let lock = client.acquire("k").lock().unwrap();
    server.cut();
    server.wait_for("Renew", 1);
    assert!(lock.is_valid());
    lock.release().unwrap();
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_waiter_stays_in_its_place_over_a_cut() {
    let server = FakeServer::start();
    let (first, second) = (client(&server), client(&server));
    let lock = first.acquire("k").lock().unwrap();
    let pending = second.acquire("k").start().unwrap();
    server.wait_for_waiters(b"k", 1);
    server.cut();
    server.wait_for("Acquire", 3);
    server.wait_for_waiters(b"k", 1);
    lock.release().unwrap();
    assert!(
        pending.wait().unwrap().is_valid(),
        "resent under its id, and granted once"
    );
}

#[test]
fn a_forced_loss_is_seen_by_flag_callback_and_waiter_and_ends_the_release() {
    let server = FakeServer::start();
    let client = client(&server);
    let lock = client.acquire("k").lock().unwrap();
    let (sender, receiver) = mpsc::channel();
    let late = sender.clone();
    lock.on_lost(move |reason| sender.send(reason).unwrap())
        .unwrap();
    server.force(b"k");
    assert_eq!(lock.wait_lost(LONG), Some(LostReason::Forced));
    assert!(lock.is_lost() && !lock.is_valid());
    assert_eq!(receiver.recv_timeout(LONG), Ok(LostReason::Forced));
    lock.on_lost(move |reason| late.send(reason).unwrap())
        .unwrap();
    assert_eq!(receiver.recv_timeout(LONG), Ok(LostReason::Forced));
    assert!(matches!(
        lock.release(),
        Err(Error::Lost {
            reason: LostReason::Forced
        })
    ));
}

#[test]
fn a_restarted_server_loses_the_locks_and_serves_the_waiters() {
    let server = FakeServer::start();
    let client = client(&server);
    let lock = client.acquire("k").lock().unwrap();
    let pending = client.acquire("k").start().unwrap();
    server.wait_for_waiters(b"k", 1);
    server.forget();
    assert_eq!(lock.wait_lost(LONG), Some(LostReason::Session));
    assert!(pending.wait().unwrap().is_valid());
}

#[test]
fn dropping_a_pending_acquisition_cancels_it() {
    let server = FakeServer::start();
    let client = client(&server);
    let lock = client.acquire("k").lock().unwrap();
    let pending = client.acquire("k").start().unwrap();
    server.wait_for_waiters(b"k", 1);
    drop(pending);
    server.wait_for_waiters(b"k", 0);
    lock.release().unwrap();
    server.wait_until_free(b"k");
}

#[test]
fn a_waiting_acquisition_is_cancelled_from_another_thread() {
    let server = FakeServer::start();
    let client = client(&server);
    let _lock = client.acquire("k").lock().unwrap();
    let pending = client.acquire("k").start().unwrap();
    let canceller = pending.canceller();
    let waiting = thread::spawn(move || pending.wait());
    server.wait_for_waiters(b"k", 1);
    canceller.cancel();
    assert!(matches!(waiting.join().unwrap(), Err(Error::Cancelled)));
}

#[test]
fn waiting_for_a_pending_acquisition_can_be_given_a_bound() {
    let server = FakeServer::start();
    let client = client(&server);
    let lock = client.acquire("k").lock().unwrap();
    let pending = client.acquire("k").start().unwrap();
    let pending = pending.wait_for(Duration::from_millis(1)).unwrap_err();
    lock.release().unwrap();
    assert!(pending.wait_for(LONG).unwrap().is_ok());
}

#[test]
fn closing_ends_the_session_and_its_locks() {
    let server = FakeServer::start();
    let client = client(&server);
    let lock = client.acquire("k").lock().unwrap();
    client.clone().close().unwrap();
    assert!(!lock.is_valid());
    assert!(matches!(client.ping(), Err(Error::Ended(Ended::Closed))));
    server.wait_until_free(b"k");
}

#[test]
fn dropping_the_last_handle_closes_the_session() {
    let server = FakeServer::start();
    let client = client(&server);
    let lock = client.acquire("k").lock().unwrap();
    drop(client);
    assert_eq!(server.requests("Close"), 0, "the lock keeps the session");
    assert!(lock.is_valid());
    drop(lock);
    server.wait_for("Close", 1);
}

#[test]
fn nobody_listening_is_unreachable_and_names_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    match Client::connect(&address) {
        Err(Error::Unreachable { address: named, .. }) => assert_eq!(named, address),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_next_address_is_tried_when_one_is_dead() {
    let server = FakeServer::start();
    let dead = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let builder = Client::builder()
        .address(dead)
        .address(server.address.clone());
    builder.patience(LONG).connect().unwrap().ping().unwrap();
}

#[test]
fn a_peer_that_does_not_greet_is_given_up() {
    let server = FakeServer::start();
    server.set_mute(true);
    let builder = Client::builder().address(server.address.clone());
    let result = builder.connect_timeout(Duration::from_millis(50)).connect();
    assert!(matches!(result, Err(Error::NoAnswer)));
}

#[test]
fn a_server_that_refuses_for_load_is_told_as_temporary() {
    let server = FakeServer::start();
    server.refuse_hello(Some(Status::SessionsFull));
    let error = Client::connect(server.address.clone()).unwrap_err();
    assert!(error.is_temporary());
    assert!(matches!(error, Error::Refused(refusal) if refusal.status == Status::SessionsFull));
}

#[test]
fn patience_outlasts_a_server_that_is_not_ready_yet() {
    let server = FakeServer::start();
    server.refuse_hello(Some(Status::Draining));
    let builder = Client::builder()
        .address(server.address.clone())
        .patience(LONG);
    let connecting = thread::spawn(move || builder.connect());
    server.wait_for("Hello", 2);
    server.refuse_hello(None);
    connecting.join().unwrap().unwrap();
}

#[test]
fn a_call_that_is_not_answered_fails_in_time() {
    let server = FakeServer::start();
    let builder = Client::builder().address(server.address.clone());
    let client = builder
        .answer_timeout(Duration::from_millis(50))
        .connect()
        .unwrap();
    server.set_mute(true);
    assert!(matches!(client.ping(), Err(Error::NoAnswer)));
    assert!(matches!(
        client.acquire("k").try_now().lock(),
        Err(Error::NoAnswer)
    ));
}

#[test]
fn a_session_that_was_taken_over_fails_every_call() {
    let server = FakeServer::start();
    let client = client(&server);
    let lock = client.acquire("k").lock().unwrap();
    server.go_away(GoAwayReason::TakenOver);
    assert_eq!(lock.wait_lost(LONG), Some(LostReason::Session));
    assert!(matches!(client.ping(), Err(Error::Ended(Ended::TakenOver))));
}

#[test]
fn an_inspecting_client_opens_no_session() {
    let server = FakeServer::start();
    let builder = Client::builder()
        .address(server.address.clone())
        .inspect_only();
    let inspecting = builder.connect().unwrap();
    let lock = client(&server).acquire("k").lock().unwrap();
    assert_eq!(inspecting.get("k").unwrap().holders_total, 1);
    assert_eq!(inspecting.server().unwrap().session_id, 0);
    drop(lock);
}

#[test]
fn a_client_of_one_clock_believes_in_nine_tenths_of_its_session() {
    let server = FakeServer::start();
    let builder = || Client::builder().address(server.address.clone());
    let remaining = |client: Client| {
        let lock = client.acquire("k").lock().unwrap();
        let remaining = lock.remaining();
        lock.release().unwrap();
        remaining
    };
    let by_two = remaining(builder().connect().unwrap());
    let by_one = remaining(builder().one_clock().connect().unwrap());
    assert!(by_one < server::TTL * 9 / 10 && by_one > server::TTL * 8 / 10);
    assert!(by_two > server::TTL * 9 / 10);
}

fn shared_of(process: Pid) -> Shared {
    let machine = Machine::new(Settings::default());
    Shared::of_process(machine, Clock::start(false), Arc::default(), process).unwrap()
}

#[test]
fn a_process_that_did_not_make_the_client_is_refused() {
    let parent: Pid = getppid().unwrap();
    let shared = shared_of(parent);
    let acquire = Acquire {
        key: b"k"[..].into(),
        mode: Mode::Exclusive,
        wait: Wait::Try,
        lease: Lease::Session,
        auto_renew: None,
        metadata: [].into(),
    };
    let call = shared.call(|machine, now| machine.acquire(now, acquire));
    assert!(matches!(call, Err(Error::Forked)));
    assert!(!shared.state().machine.has_output(), "nothing was touched");
}

#[test]
fn a_lock_is_good_only_in_its_process_and_only_while_it_is_held() {
    let lock_of = |process: Pid| {
        let shared = shared_of(process);
        let handle = Arc::new(Handle {
            shared: Arc::new(shared),
        });
        Lock::new(handle, HoldId(1), 1, b"k"[..].into(), Arc::default())
    };
    let forked = lock_of(getppid().unwrap());
    assert!(matches!(forked.check(), Err(Error::Forked)));
    assert_eq!(forked.wait_lost(Duration::MAX), Some(LostReason::Unknown));
    // Nothing was told of a loss, but the machine does not believe in the hold.
    let past = lock_of(getpid());
    assert!(matches!(past.check(), Err(Error::Lost { .. })));
}

#[test]
fn a_callback_that_panics_does_not_silence_the_others() {
    let server = FakeServer::start();
    let client = client(&server);
    let first = client.acquire("a").lock().unwrap();
    let second = client.acquire("b").lock().unwrap();
    let (entered, has_entered) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    first
        .on_lost(move |_| {
            entered.send(()).unwrap();
            may_go.recv().unwrap();
            panic!("a mistake of the program");
        })
        .unwrap();
    let (told, is_told) = mpsc::channel();
    second
        .on_lost(move |reason| told.send(reason).unwrap())
        .unwrap();
    server.force(b"a");
    has_entered.recv_timeout(LONG).unwrap();
    server.force(b"b");
    assert_eq!(second.wait_lost(LONG), Some(LostReason::Forced));
    go.send(()).unwrap();
    assert_eq!(is_told.recv_timeout(LONG), Ok(LostReason::Forced));
}
