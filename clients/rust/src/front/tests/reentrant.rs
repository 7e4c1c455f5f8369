//! Locks that their own thread takes again.

use std::thread;

use super::server::FakeServer;
use super::{LONG, client};
use crate::machine::LostReason;
use crate::{Error, Status};

#[test]
fn a_thread_enters_again_without_asking_and_the_last_one_out_releases() {
    let server = FakeServer::start();
    let client = client(&server);
    let outer = client.acquire("k").lock_reentrant().unwrap();
    let inner = client.clone().acquire("k").lock_reentrant().unwrap();
    assert_eq!((inner.depth(), inner.token()), (2, outer.token()));
    assert_eq!(server.requests("Acquire"), 1);
    inner.release().unwrap();
    assert_eq!((outer.depth(), server.requests("Release")), (1, 0));
    assert!(outer.is_valid());
    outer.release().unwrap();
    assert_eq!(server.requests("Release"), 1);
    let again = client.acquire("k").lock_reentrant().unwrap();
    assert_eq!((again.depth(), server.requests("Acquire")), (1, 2));
}

#[test]
fn guards_may_be_dropped_in_any_order() {
    let server = FakeServer::start();
    let client = client(&server);
    let outer = client.acquire("k").lock_reentrant().unwrap();
    let inner = client.acquire("k").lock_reentrant().unwrap();
    drop(outer);
    assert!(inner.is_valid());
    drop(inner);
    server.wait_until_free(b"k");
}

#[test]
fn another_thread_stays_outside() {
    let server = FakeServer::start();
    let client = client(&server);
    let _inside = client.acquire("k").lock_reentrant().unwrap();
    let other = client.clone();
    let outside = thread::spawn(move || {
        matches!(
            other.acquire("k").try_now().lock_reentrant(),
            Err(Error::NotObtained)
        )
    });
    assert!(outside.join().unwrap());
}

#[test]
fn another_client_and_another_key_stay_outside() {
    let server = FakeServer::start();
    let (first, second) = (client(&server), client(&server));
    let _inside = first.acquire("k").lock_reentrant().unwrap();
    let outside = second.acquire("k").try_now().lock_reentrant();
    assert!(matches!(outside, Err(Error::NotObtained)));
    assert_eq!(first.acquire("other").lock_reentrant().unwrap().depth(), 1);
}

#[test]
fn an_ordinary_lock_is_not_entered() {
    let server = FakeServer::start();
    let client = client(&server);
    let _lock = client.acquire("k").lock().unwrap();
    let again = client.acquire("k").try_now().lock_reentrant();
    assert!(matches!(again, Err(Error::NotObtained)));
}

#[test]
fn a_lost_lock_is_not_entered_again() {
    let server = FakeServer::start();
    let client = client(&server);
    let outer = client.acquire("k").lock_reentrant().unwrap();
    server.force(b"k");
    assert_eq!(outer.wait_lost(LONG), Some(LostReason::Forced));
    let again = client.acquire("k").lock_reentrant();
    assert!(matches!(
        again,
        Err(Error::Lost {
            reason: LostReason::Forced
        })
    ));
    drop(outer);
    assert!(client.acquire("k").lock_reentrant().unwrap().is_valid());
}

#[test]
fn an_exclusive_lock_inside_a_shared_one_is_refused_instead_of_waiting_for_itself() {
    let server = FakeServer::start();
    let client = client(&server);
    let outer = client.acquire("k").shared().lock_reentrant().unwrap();
    match client.acquire("k").lock_reentrant() {
        Err(Error::Refused(refusal)) => {
            assert_eq!(
                (refusal.status, refusal.value),
                (Status::AlreadyHeld, outer.token())
            );
        }
        other => panic!("{other:?}"),
    }
    drop(outer);
    let _outer = client.acquire("k").lock_reentrant().unwrap();
    assert_eq!(
        client
            .acquire("k")
            .shared()
            .lock_reentrant()
            .unwrap()
            .depth(),
        2
    );
}

#[test]
fn permits_are_not_entered() {
    let server = FakeServer::start();
    let result = client(&server).acquire("k").permits(1, 2).lock_reentrant();
    let is_unsupported =
        matches!(result, Err(Error::Refused(refusal)) if refusal.status == Status::Unsupported);
    assert!(is_unsupported);
}
