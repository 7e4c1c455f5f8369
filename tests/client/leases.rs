//! Leases on the real clocks.

use std::time::Duration;

use locker_client::{Error, LostReason};

use crate::server::Server;
use crate::{LONG, client};

#[test]
fn a_lease_ends_for_the_holder_before_the_next_one_has_the_lock() {
    let server = Server::start(2);
    let (holder, next) = (client(&server), client(&server));
    let lock = holder
        .acquire("k")
        .lease(Duration::from_millis(300))
        .lock()
        .unwrap();
    assert!(lock.lease_remaining().unwrap() <= Duration::from_millis(300));
    let granted = next.acquire("k").wait(LONG).lock().unwrap();
    assert!(!lock.is_valid(), "never both");
    assert_eq!(lock.wait_lost(LONG), Some(LostReason::Lease));
    assert!(granted.is_valid());
    assert!(matches!(
        lock.renew(LONG),
        Err(Error::Lost {
            reason: LostReason::Lease
        })
    ));
}

#[test]
fn a_renewed_lease_lasts_longer() {
    let server = Server::start(1);
    let client = client(&server);
    let lock = client
        .acquire("k")
        .lease(Duration::from_secs(20))
        .lock()
        .unwrap();
    lock.renew(Duration::from_secs(3_600)).unwrap();
    assert!(lock.lease_remaining().unwrap() > Duration::from_secs(3_000));
    lock.release().unwrap();
}

#[test]
fn a_lease_that_renews_itself_ends_after_its_cap() {
    let server = Server::start(2);
    let (holder, next) = (client(&server), client(&server));
    let lease = Duration::from_millis(900);
    let acquisition = holder
        .acquire("k")
        .lease(lease)
        .auto_renew_for(Duration::from_millis(1_500));
    let lock = acquisition.lock().unwrap();
    let early = next.acquire("k").wait(Duration::from_millis(1_200)).lock();
    assert!(
        matches!(early, Err(Error::NotObtained)),
        "renewed past its first end"
    );
    let granted = next.acquire("k").wait(LONG).lock().unwrap();
    assert!(!lock.is_valid() && granted.is_valid());
}

#[test]
fn a_waiter_that_queues_longer_than_its_lease_still_gets_its_lease() {
    let server = Server::start(1);
    let (first, second) = (client(&server), client(&server));
    let held = first.acquire("k").lock().unwrap();
    let lease = Duration::from_secs(2);
    let pending = second.acquire("k").lease(lease).start().unwrap();
    let pending = pending
        .wait_for(lease)
        .expect_err("it waits longer than its lease");
    held.release().unwrap();
    let lock = pending.wait().unwrap();
    assert!(lock.lease_remaining().unwrap() > lease / 2);
}
