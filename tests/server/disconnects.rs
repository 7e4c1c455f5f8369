//! What the end of a connection does to its session: by default nothing until the TTL has passed,
//! with the policy `release` an orderly end frees everything at once.

use std::time::{Duration, Instant};

use locker_protocol::{GoAwayReason, OnDisconnect, Status};

use crate::support::{Ask, Client, Message, Open, Resume, Server, on_1_2_and_4_shards};

const LATE: Duration = Duration::from_secs(1);

on_1_2_and_4_shards!(
    with_grace_a_hold_lasts_until_the_ttl_has_passed,
    with_grace_a_resumed_session_keeps_its_hold_and_its_place,
    with_release_an_orderly_end_frees_everything_at_once,
    a_resume_takes_over_from_a_living_connection,
    a_resume_with_wrong_words_is_refused,
);

fn with_grace_a_hold_lasts_until_the_ttl_has_passed(shards: usize) {
    let server = Server::start(shards);
    let (mut gone, mut next) = (Client::open_for_a_second(&server), Client::open(&server));
    // The TTL counts from the last bytes, which come after this.
    let since = Instant::now();
    gone.acquire(&Ask::new("k")).granted();
    drop(gone);
    next.acquire(&Ask::new("k")).granted();
    assert!(since.elapsed() >= Duration::from_secs(1), "before the TTL");
    assert!(since.elapsed() < Duration::from_secs(1) + LATE, "late");
}

fn with_grace_a_resumed_session_keeps_its_hold_and_its_place(shards: usize) {
    let server = Server::start(shards);
    let (mut first, mut other) = (Client::open(&server), Client::open(&server));
    let (held, queued, theirs) = (Ask::new("held"), Ask::new("queued"), Ask::new("queued"));
    let token = first.acquire(&held).granted().token;
    let their_token = other.acquire(&theirs).granted().token;
    let queued_id = first.start(&queued);
    other.until_waiters("queued", 1);
    let resume = first.to_resume();
    drop(first);
    let mut second = Client::resume(&server, resume).unwrap();
    assert!(second.welcome.resumed);
    assert_eq!(second.welcome.session_id, resume.session_id);
    assert_eq!(other.acquire(&Ask::once("held")).status(), Status::Timeout);
    assert_eq!(second.look("held").holders[0].2, token);
    // The waiter kept its place: its grant reaches the new connection, under the old id.
    assert_eq!(other.release(&theirs, their_token), Message::Released);
    let (id, message) = second.read().unwrap();
    assert_eq!(id, queued_id);
    assert!(message.granted().token > their_token);
}

fn with_release_an_orderly_end_frees_everything_at_once(shards: usize) {
    let server = Server::start(shards);
    let open = Open {
        ttl_ms: 3_600_000,
        on_disconnect: OnDisconnect::Release,
        ..Open::default()
    };
    let (mut gone, mut next) = (
        Client::open_as(&server, open).unwrap(),
        Client::open(&server),
    );
    gone.acquire(&Ask::new("held")).granted();
    let other = next.acquire(&Ask::new("queued")).granted();
    let waiting = Ask::new("queued");
    gone.start(&waiting);
    next.until_waiters("queued", 1);
    gone.finish();
    gone.read_to_end();
    // Long before the TTL of an hour; the waiter of the dead session is passed over.
    next.acquire(&Ask::new("held")).granted();
    next.look_until("queued", |view| view.waiters_total == 0);
    assert_eq!(next.look("queued").holders[0].2, other.token);
}

fn a_resume_takes_over_from_a_living_connection(shards: usize) {
    let server = Server::start(shards);
    let mut first = Client::open(&server);
    let held = Ask::new("k");
    let token = first.acquire(&held).granted().token;
    let mut second = Client::resume(&server, first.to_resume()).unwrap();
    let last = first.read_to_end().pop();
    assert!(
        matches!(last, Some(Message::GoAway(away)) if away.reason == GoAwayReason::TakenOver),
        "{last:?}"
    );
    assert_eq!(second.look("k").holders[0].2, token);
    // The seats are those of the session: the first sequence number is used up.
    let again = Resume {
        attach: 1,
        ..second.to_resume()
    };
    assert_eq!(
        Client::resume(&server, again).err().unwrap().status(),
        Status::StaleResume
    );
    second.ping();
}

fn a_resume_with_wrong_words_is_refused(shards: usize) {
    let server = Server::start(shards);
    let mut first = Client::open(&server);
    let good = first.to_resume();
    let mut wrong_secret = good;
    wrong_secret.secret[15] ^= 1;
    let wrong_id = Resume {
        session_id: good.session_id + 1_000,
        ..good
    };
    let wrong_home = Resume {
        session_id: good.session_id | 0xFF << 56,
        ..good
    };
    let refusals = [wrong_secret, wrong_id, wrong_home].map(|wrong| {
        let refusal = Client::resume(&server, wrong).err().unwrap();
        let (Message::Refused(refused) | Message::Fault(refused)) = refusal else {
            panic!("{refusal:?}");
        };
        refused
    });
    assert_eq!(refusals[0].status, Status::NoSession);
    assert!(
        refusals.iter().all(|one| *one == refusals[0]),
        "the same answer to all"
    );
    let stale = Resume { attach: 0, ..good };
    assert!(Client::resume(&server, stale).is_err());
    // The living connection never noticed.
    first.ping();
}
