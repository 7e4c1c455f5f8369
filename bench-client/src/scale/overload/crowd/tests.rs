#![allow(clippy::unwrap_used)]

use super::*;
use locker_protocol::{Granted, Refusal, Released};

fn crowd() -> (Crowd, Io) {
    let shape = Shape {
        workers: 2,
        depth: 1,
        span: Nanos::SECOND,
        share: 0.5,
        storm: Some(10.0),
        rowdies: None,
    };
    let crowd = Crowd::new(shape);
    let io = Io::new(crowd.connections());
    (crowd, io)
}

fn granted() -> Reply<'static> {
    Reply::Granted(Granted {
        token: 1,
        until: 0,
        server_now: 0,
    })
}

fn id(seat: u16) -> u64 {
    Member::default().id(seat)
}

/// Ends one exchange of worker 0 on the seat it was given last.
fn finish(crowd: &mut Crowd, seat: u16, now: Nanos, io: &mut Io) {
    crowd.hear(0, id(seat), &granted(), now, io);
    let released = Reply::Released(Released);
    crowd.hear(0, id(seat), &released, now, io);
}

fn at_stage(crowd: &mut Crowd, stage: Stage, now: Nanos, io: &mut Io) {
    while crowd.stage != stage {
        crowd.advance(now, io);
    }
}

#[test]
fn an_exchange_that_takes_too_long_is_no_goodput() {
    let (mut crowd, mut io) = crowd();
    at_stage(&mut crowd, Stage::Storm, Nanos::SECOND, &mut io);
    let now = Nanos::SECOND;
    finish(&mut crowd, 1, now, &mut io);
    finish(&mut crowd, 1, now + BOUND + Nanos(1) + BOUND, &mut io);
    assert_eq!((crowd.good.rate(Nanos::SECOND), crowd.seen.late), (1.0, 1));
}

#[test]
fn an_arrival_that_finds_no_seat_is_shed() {
    let (mut crowd, mut io) = crowd();
    at_stage(&mut crowd, Stage::Storm, Nanos::SECOND, &mut io);
    crowd
        .workers
        .iter_mut()
        .for_each(|worker| worker.free.clear());
    crowd.arrivals = Pacer::new(Nanos::SECOND, 10.0);
    crowd.arrive(Nanos::SECOND + Nanos::from_ms(150), &mut io);
    assert_eq!((crowd.seen.offered, crowd.seen.shed), (2, 2));
}

#[test]
fn a_renewal_that_is_refused_is_counted_as_such() {
    let (mut crowd, mut io) = crowd();
    crowd.hear(0, id(0), &granted(), Nanos(1), &mut io);
    let refusal = Refusal {
        status: Status::NotHeld,
        limit: 0,
        value: 0,
        detail: "",
    };
    crowd.hear(0, id(0), &Reply::Refused(refusal), Nanos(2), &mut io);
    assert_eq!(crowd.seen.renewals_refused, 1);
    assert_eq!(crowd.seen.refused[&Status::NotHeld.code()], 1);
}
