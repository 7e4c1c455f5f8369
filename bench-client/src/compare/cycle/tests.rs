#![allow(clippy::unwrap_used)]

use super::*;
use crate::compare::peers::echo::Echo;
use crate::traffic::Wish;

const TIMING: Timing = Timing {
    greeting_max: Nanos(1_000),
    warmup: Nanos(100),
    measured: Nanos(1_000),
    finishing_max: Nanos(100),
};

fn shape(style: Style, connections: u32, depth: u16) -> Shape {
    Shape {
        style,
        connections,
        depth,
    }
}

fn started(shape: Shape, keys: u32) -> (Cycle<Echo>, Io) {
    let connections = shape.connections as usize;
    let dialects = (0..connections).map(|_| Echo::new(shape.depth)).collect();
    let mut cycle = Cycle::new(shape, TIMING, keys, 3, dialects);
    let mut io = Io::new(connections);
    assert!(matches!(cycle.tick(Nanos(0), &mut io), Next::At(_)));
    let wishes: Vec<Wish> = io.take_wishes().collect();
    assert_eq!(wishes.len(), connections);
    (0..connections).for_each(|connection| cycle.opened(connection, Nanos(0), &mut io));
    cycle.tick(Nanos(1), &mut io);
    (cycle, io)
}

/// What was said, each connection's in one piece.
fn sent(io: &mut Io) -> Vec<(usize, Vec<u8>)> {
    let mut sent = Vec::new();
    io.flush(|connection, out| sent.push((connection, mem::take(out))));
    sent.retain(|(_, bytes)| !bytes.is_empty());
    sent
}

#[test]
fn in_two_trips_the_release_follows_the_grant() {
    let (mut cycle, mut io) = started(shape(Style::TwoTrips, 1, 1), 1);
    let acquire = sent(&mut io).remove(0).1;
    assert_eq!(acquire.len(), 64);
    cycle.received(0, &acquire, Nanos(50), &mut io);
    let release = sent(&mut io).remove(0).1;
    assert_eq!(release.len(), 64);
    cycle.tick(Nanos(101), &mut io);
    cycle.received(0, &release, Nanos(150), &mut io);
    assert_eq!(cycle.course.tally.pairs, 1);
    assert_eq!(
        cycle.course.tally.latency.max(),
        149,
        "from the acquire's start"
    );
}

#[test]
fn in_one_write_all_places_leave_together() {
    let (mut cycle, mut io) = started(shape(Style::OneWrite, 2, 4), 8);
    let first = sent(&mut io);
    assert_eq!(first.len(), 2);
    assert_eq!(first[0].1.len(), 2 * 4 * 64);
    cycle.tick(Nanos(101), &mut io);
    cycle.received(1, &first[1].1, Nanos(150), &mut io);
    let second = sent(&mut io);
    assert_eq!(second.len(), 1, "one write for four pairs");
    assert_eq!(second[0].1.len(), 2 * 4 * 64);
    assert_eq!(cycle.course.tally.pairs, 4);
}

#[test]
fn no_two_clients_draw_one_key() {
    let (mut cycle, mut io) = started(shape(Style::OneWrite, 2, 2), 40);
    let mut keys = vec![Vec::new(); 4];
    for round in 0..200 {
        for (client, keys) in keys.iter_mut().enumerate() {
            keys.push(cycle.clients[client].key);
        }
        for (connection, bytes) in sent(&mut io) {
            cycle.received(connection, &bytes, Nanos(2 + round), &mut io);
        }
    }
    for (client, mut keys) in keys.into_iter().enumerate() {
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 10, "each draws from a tenth of 40 in 4");
        assert!(
            keys.iter()
                .all(|key| *key as usize % 4 == client && *key < 40)
        );
    }
}

#[test]
fn what_is_under_way_at_the_end_is_finished_and_not_counted() {
    let (mut cycle, mut io) = started(shape(Style::OneWrite, 1, 1), 1);
    let pair = sent(&mut io).remove(0).1;
    cycle.tick(Nanos(101), &mut io);
    cycle.tick(Nanos(1_101), &mut io);
    assert_eq!(cycle.stage(), Stage::Finishing);
    cycle.received(0, &pair, Nanos(1_150), &mut io);
    assert_eq!(sent(&mut io), [], "nothing new is asked for");
    assert_eq!(cycle.tick(Nanos(1_151), &mut io), Next::Finished);
    assert_eq!((cycle.course.tally.pairs, cycle.course.tally.lost), (0, 0));
}

#[test]
fn what_is_not_answered_in_the_end_is_lost() {
    let (mut cycle, mut io) = started(shape(Style::OneWrite, 1, 3), 3);
    let pairs = sent(&mut io).remove(0).1;
    cycle.tick(Nanos(101), &mut io);
    cycle.tick(Nanos(1_101), &mut io);
    cycle.received(0, &pairs[..2 * 64], Nanos(1_102), &mut io);
    assert_eq!(cycle.tick(Nanos(1_201), &mut io), Next::Finished);
    assert_eq!(cycle.course.tally.lost, 2);
}

#[test]
fn a_connection_that_ends_is_trouble_and_ends_the_run() {
    let (mut cycle, mut io) = started(shape(Style::OneWrite, 2, 1), 2);
    cycle.closed(1, End::Eof, Nanos(5), &mut io);
    assert_eq!(cycle.tick(Nanos(6), &mut io), Next::Finished);
    let trouble = cycle.course.tally.trouble.unwrap();
    assert!(trouble.contains("connection 1"), "{trouble}");
}

/// Hears letters: `g`ot, `r`eleased, busy `a`cquire, busy re`l`ease, `n`ot held. Says an `A` or an
/// `R` per request.
struct Letters {
    /// Only keys that leave this as the rest by 3 are asked for.
    home: Option<u32>,
}

impl Dialect for Letters {
    fn greet(&mut self, _out: &mut Vec<u8>) {}
    fn ready(&self) -> bool {
        true
    }
    fn takes(&self, key: u32) -> bool {
        self.home.is_none_or(|home| key % 3 == home)
    }
    fn acquire(&mut self, _place: u16, _key: u32, _asking: Asking, out: &mut Vec<u8>) {
        out.push(b'A');
    }
    fn release(&mut self, _place: u16, _key: u32, out: &mut Vec<u8>) {
        out.push(b'R');
    }
    fn parse(
        &mut self,
        bytes: &[u8],
        _out: &mut Vec<u8>,
        answers: &mut Vec<Answer>,
    ) -> Result<usize, crate::compare::dialect::Broken> {
        answers.extend(bytes.iter().map(|letter| Answer {
            place: 0,
            outcome: match letter {
                b'g' => Outcome::Got,
                b'r' => Outcome::Released,
                b'a' => Outcome::Refused(Step::Acquire),
                b'l' => Outcome::Refused(Step::Release),
                _ => Outcome::NotHeld,
            },
        }));
        Ok(bytes.len())
    }
}

/// One client, measuring, whose first pair was said in one write.
fn alone(style: Style) -> (Cycle<Letters>, Io) {
    let mut cycle = Cycle::new(
        shape(style, 1, 1),
        TIMING,
        1,
        3,
        vec![Letters { home: None }],
    );
    let mut io = Io::new(1);
    cycle.tick(Nanos(0), &mut io);
    cycle.opened(0, Nanos(0), &mut io);
    cycle.tick(Nanos(1), &mut io);
    cycle.tick(Nanos(101), &mut io);
    assert_eq!(cycle.stage(), Stage::Measuring);
    sent(&mut io);
    (cycle, io)
}

/// What is said when these letters are heard.
fn said(cycle: &mut Cycle<Letters>, letters: &[u8], io: &mut Io) -> Vec<u8> {
    cycle.received(0, letters, Nanos(150), io);
    sent(io).pop().map_or_else(Vec::new, |(_, bytes)| bytes)
}

#[test]
fn a_pair_whose_acquire_is_refused_is_none_and_another_is_begun() {
    for letters in [b"an", b"na", b"al"] {
        let (mut cycle, mut io) = alone(Style::OneWrite);
        assert_eq!(said(&mut cycle, letters, &mut io), b"AR", "{letters:?}");
        let tally = &cycle.course.tally;
        assert_eq!((tally.pairs, &tally.trouble), (0, &None));
        assert_eq!(tally.refused, if letters == b"al" { 2 } else { 1 });
    }
    let (mut cycle, mut io) = alone(Style::TwoTrips);
    assert_eq!(said(&mut cycle, b"a", &mut io), b"A");
}

#[test]
fn a_release_that_is_refused_is_asked_for_again_before_the_pair_is_over() {
    for letters in [b"gl", b"lg"] {
        let (mut cycle, mut io) = alone(Style::OneWrite);
        assert_eq!(said(&mut cycle, letters, &mut io), b"R");
        assert_eq!(cycle.course.tally.pairs, 0);
        assert_eq!(said(&mut cycle, b"l", &mut io), b"R");
        assert_eq!(said(&mut cycle, b"r", &mut io), b"AR");
        let tally = &cycle.course.tally;
        assert_eq!((tally.pairs, tally.refused, &tally.trouble), (1, 2, &None));
    }
}

#[test]
fn a_release_that_finds_nothing_though_the_acquire_was_granted_is_trouble() {
    let (mut cycle, mut io) = alone(Style::OneWrite);
    cycle.received(0, b"gn", Nanos(150), &mut io);
    let trouble = cycle.course.tally.trouble.unwrap();
    assert!(trouble.contains("found nothing"), "{trouble}");
}

#[test]
fn a_connection_of_a_shard_draws_as_many_keys_as_any_all_of_that_shard() {
    let dialects = (0..2).map(|home| Letters { home: Some(home) }).collect();
    let mut cycle = Cycle::new(shape(Style::OneWrite, 2, 1), TIMING, 20, 3, dialects);
    for connection in 0..2 {
        let mut keys: Vec<u32> = (0..500)
            .map(|_| cycle.draw(connection as usize, connection))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 10, "half of 20 each");
        assert!(
            keys.iter()
                .all(|key| key % 3 == connection && key % 2 == connection)
        );
    }
}
