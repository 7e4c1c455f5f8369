//! A lease ends a hold in time, never early, and its holder is told.

use std::time::{Duration, Instant};

use locker_protocol::{LEASE_KEEP, LostReason, Status};

use crate::support::{Ask, Client, Message, Server, on_1_2_and_4_shards};

/// How late an expiry may be here: the contract is one turn, a loaded machine gets a second.
const LATE: Duration = Duration::from_secs(1);

on_1_2_and_4_shards!(
    a_lease_ends_the_hold_and_the_holder_is_told,
    the_next_waiter_is_granted_when_the_lease_ends,
    a_renewal_counts_from_now,
    keep_asks_and_changes_nothing,
    a_lease_is_clamped_to_its_bounds,
);

fn a_lease_ends_the_hold_and_the_holder_is_told(shards: usize) {
    let server = Server::start(shards);
    let mut holder = Client::open(&server);
    let ask = Ask::new("leased").lease(200);
    let since = Instant::now();
    let granted = holder.acquire(&ask).granted();
    // The home shard stamps the answer: a hop between shards may have passed since the grant.
    let left = granted.until - granted.server_now;
    assert!((100_000..=202_000).contains(&left), "{left} us of lease");
    let lost = holder.push();
    assert!(since.elapsed() >= Duration::from_millis(200), "early");
    assert!(since.elapsed() < Duration::from_millis(200) + LATE, "late");
    let expected = Message::Lost {
        token: granted.token,
        owner: ask.owner,
        reason: LostReason::Lease,
        key: b"leased".to_vec(),
    };
    assert_eq!(lost, expected);
    assert_eq!(
        holder.release(&ask, granted.token).status(),
        Status::NotHeld
    );
    assert_eq!(
        holder.renew(&ask, granted.token, 500).status(),
        Status::NotHeld
    );
    assert_eq!(holder.look("leased").holders_total, 0);
}

fn the_next_waiter_is_granted_when_the_lease_ends(shards: usize) {
    let server = Server::start(shards);
    let (mut holder, mut waiter) = (Client::open(&server), Client::open(&server));
    let since = Instant::now();
    let first = holder.acquire(&Ask::new("k").lease(150)).granted();
    let second = waiter.acquire(&Ask::new("k")).granted();
    assert!(
        since.elapsed() >= Duration::from_millis(150),
        "two holders at once"
    );
    assert!(since.elapsed() < Duration::from_millis(150) + LATE, "late");
    assert!(second.token > first.token);
    // Both instants are of one clock: the lease was over when the other was granted.
    assert!(second.server_now >= first.until);
}

fn a_renewal_counts_from_now(shards: usize) {
    let server = Server::start(shards);
    let mut holder = Client::open(&server);
    let ask = Ask::new("k").lease(60_000);
    let granted = holder.acquire(&ask).granted();
    let longer = holder.renew(&ask, granted.token, 120_000).renewed();
    assert!(longer.until > longer.server_now + 119_000_000);
    assert!(
        longer.until < granted.until + 120_000_000,
        "replaced, not added"
    );
    // Shorter works too, and is kept.
    let since = Instant::now();
    let shorter = holder.renew(&ask, granted.token, 100).renewed();
    assert!(shorter.until < granted.until);
    assert!(matches!(holder.push(), Message::Lost { token, .. } if token == granted.token));
    assert!(since.elapsed() >= Duration::from_millis(100), "early");
    assert!(since.elapsed() < Duration::from_millis(100) + LATE, "late");
}

fn keep_asks_and_changes_nothing(shards: usize) {
    let server = Server::start(shards);
    let mut holder = Client::open(&server);
    let ask = Ask::new("k").lease(60_000);
    let granted = holder.acquire(&ask).granted();
    let kept = holder.renew(&ask, granted.token, LEASE_KEEP).renewed();
    // The deadline is kept in milliseconds and told back rounded down.
    assert!(kept.until <= granted.until + 1_000 && kept.until + 2_000 > granted.until);
    assert_eq!(
        holder.renew(&ask, granted.token + 1, LEASE_KEEP).status(),
        Status::NotHeld
    );
}

fn a_lease_is_clamped_to_its_bounds(shards: usize) {
    let server = Server::start(shards);
    let mut holder = Client::open(&server);
    let (min, max) = (holder.welcome.lease_min_ms, holder.welcome.lease_max_ms);
    let short = holder.acquire(&Ask::new("short").lease(1)).granted();
    assert!(short.until > short.server_now, "{min} ms at least");
    let long = holder
        .acquire(&Ask::new("long").lease(u32::MAX - 1))
        .granted();
    assert!(long.until <= long.server_now + u64::from(max) * 1_000 + 2_000);
}
