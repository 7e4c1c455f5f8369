#![allow(clippy::unwrap_used)]

use super::*;
use crate::compare::dialect::Broken;

const TIMING: Timing = Timing {
    greeting_max: Nanos(1_000),
    warmup: Nanos(0),
    measured: Nanos(100_000),
    finishing_max: Nanos(1_000),
};

/// Says one letter per request, and hears one per answer.
struct Letters;

impl Dialect for Letters {
    fn greet(&mut self, _out: &mut Vec<u8>) {}
    fn ready(&self) -> bool {
        true
    }
    fn acquire(&mut self, _place: u16, _key: u32, asking: Asking, out: &mut Vec<u8>) {
        out.push(if asking == Asking::Wait { b'w' } else { b't' });
    }
    fn release(&mut self, _place: u16, _key: u32, out: &mut Vec<u8>) {
        out.push(b'r');
    }
    fn parse(
        &mut self,
        bytes: &[u8],
        _out: &mut Vec<u8>,
        answers: &mut Vec<Answer>,
    ) -> Result<usize, Broken> {
        for byte in bytes {
            let outcome = match byte {
                b'g' => Outcome::Got,
                b'n' => Outcome::NotGot,
                b'a' => Outcome::Refused(Step::Acquire),
                b'l' => Outcome::Refused(Step::Release),
                _ => Outcome::Released,
            };
            answers.push(Answer { place: 0, outcome });
        }
        Ok(bytes.len())
    }
}

fn started(patience: Patience, clients: usize) -> (Contended<Letters>, Io) {
    let dialects = (0..clients).map(|_| Letters).collect();
    let mut contended = Contended::new(patience, TIMING, dialects);
    let mut io = Io::new(clients);
    contended.tick(Nanos(0), &mut io);
    (0..clients).for_each(|client| contended.opened(client, Nanos(0), &mut io));
    contended.tick(Nanos(1), &mut io);
    contended.tick(Nanos(2), &mut io);
    assert_eq!(contended.stage(), Stage::Measuring);
    (contended, io)
}

fn sent(io: &mut Io) -> String {
    let mut sent = String::new();
    io.flush(|connection, out| {
        let bytes = mem::take(out);
        sent += &format!("{connection}{} ", bytes.escape_ascii());
    });
    sent
}

#[test]
fn a_handoff_lasts_from_one_clients_release_to_the_next_ones_grant() {
    let (mut contended, mut io) = started(Patience::Queue, 2);
    assert_eq!(sent(&mut io), "0w 1w ");
    contended.received(0, b"g", Nanos(100), &mut io);
    assert_eq!(sent(&mut io), "0r ");
    contended.received(1, b"g", Nanos(130), &mut io);
    contended.received(0, b"r", Nanos(140), &mut io);
    assert_eq!(sent(&mut io), "1r 0w ");
    let tally = contended.tally();
    assert_eq!((tally.handoff.len(), tally.handoff.max()), (1, 30));
    assert_eq!((tally.pairs, tally.grants.clone()), (2, vec![1, 1]));
}

#[test]
fn a_tight_poll_asks_again_at_once() {
    let (mut contended, mut io) = started(Patience::Poll(Nanos(0)), 1);
    assert_eq!(sent(&mut io), "0t ");
    contended.received(0, b"n", Nanos(100), &mut io);
    assert_eq!(sent(&mut io), "0t ");
    assert_eq!(contended.tally().not_got, 1);
}

#[test]
fn a_polite_poll_sleeps_its_delay() {
    let (mut contended, mut io) = started(Patience::Poll(Nanos(500)), 2);
    sent(&mut io);
    contended.received(0, b"n", Nanos(100), &mut io);
    contended.received(1, b"n", Nanos(300), &mut io);
    assert_eq!(contended.tick(Nanos(301), &mut io), Next::At(Nanos(600)));
    contended.tick(Nanos(599), &mut io);
    assert_eq!(sent(&mut io), "");
    assert_eq!(contended.tick(Nanos(600), &mut io), Next::At(Nanos(800)));
    assert_eq!(sent(&mut io), "0t ");
}

#[test]
fn at_the_end_sleepers_give_up_and_holders_release() {
    let (mut contended, mut io) = started(Patience::Poll(Nanos(90_000)), 2);
    contended.received(0, b"n", Nanos(50_000), &mut io);
    contended.received(1, b"g", Nanos(50_000), &mut io);
    sent(&mut io);
    contended.tick(Nanos(100_002), &mut io);
    contended.received(1, b"r", Nanos(100_010), &mut io);
    assert_eq!(sent(&mut io), "");
    assert_eq!(contended.tick(Nanos(100_011), &mut io), Next::Finished);
    assert_eq!(contended.tally().lost, 0);
}

#[test]
fn an_answer_out_of_turn_is_trouble() {
    let (mut contended, mut io) = started(Patience::Queue, 2);
    contended.received(0, b"r", Nanos(100), &mut io);
    let trouble = contended.tally().trouble.clone().unwrap();
    assert!(trouble.contains("Released while Asking"), "{trouble}");
}

#[test]
fn what_is_refused_for_want_of_room_is_asked_for_again() {
    let (mut contended, mut io) = started(Patience::Queue, 1);
    sent(&mut io);
    contended.received(0, b"a", Nanos(100), &mut io);
    assert_eq!(sent(&mut io), "0w ");
    contended.received(0, b"g", Nanos(110), &mut io);
    contended.received(0, b"l", Nanos(120), &mut io);
    assert_eq!(sent(&mut io), "0rr ");
    let tally = contended.tally();
    assert_eq!((tally.pairs, tally.refused, &tally.trouble), (1, 2, &None));
}
