#![allow(clippy::unwrap_used, clippy::cast_possible_truncation)]

use super::*;
use std::sync::mpsc;
use std::thread;

const MESSAGES: u32 = if cfg!(miri) { 200 } else { 400_000 };

/// A small generator: tests must not depend on a crate's stream.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn message(seed: u64, length: usize) -> Vec<u8> {
    let mut seeded = Seeded(seed | 1);
    (0..length).map(|_| seeded.next() as u8).collect()
}

fn drained(receiver: &mut Receiver) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    receiver.snapshot();
    receiver.drain(|message| messages.push(message.to_vec()));
    messages
}

#[test]
fn messages_arrive_whole_and_in_order_at_each_offset_of_the_ring() {
    let step = if cfg!(miri) { 31 } else { 1 };
    for length in [1, 3, 4, 5, 8, 100, 507, 508] {
        for steps in (0..LANE_BYTES_MIN / 4).step_by(step) {
            let (mut sender, mut receiver) = lane(LANE_BYTES_MIN);
            move_on(&mut sender, &mut receiver, steps);
            let sent = [message(1, length), message(2, length / 2 + 1)];
            sent.iter().for_each(|body| sender.push(body));
            assert!(sender.publish());
            assert_eq!(drained(&mut receiver), sent);
        }
    }
}

/// Moves both ends of an empty lane by messages of 12 bytes: 256 steps reach every multiple of 4.
fn move_on(sender: &mut Sender, receiver: &mut Receiver, steps: usize) {
    for _ in 0..steps {
        sender.push(b"12345");
        assert!(sender.publish());
        drained(receiver);
    }
}

#[test]
fn parts_are_joined_into_one_message() {
    let (mut sender, mut receiver) = lane(LANE_BYTES_MIN);
    sender.push_parts(&[b"ab", b"", b"cde"]);
    assert!(sender.publish());
    assert_eq!(drained(&mut receiver), [b"abcde"]);
}

#[test]
fn nothing_is_seen_before_publish_nor_beyond_the_snapshot() {
    let (mut sender, mut receiver) = lane(LANE_BYTES_MIN);
    sender.push(b"one");
    assert!(!receiver.snapshot());
    assert!(sender.publish());
    assert!(!sender.publish(), "nothing new");
    assert!(receiver.snapshot());
    sender.push(b"two");
    assert!(sender.publish());
    assert_eq!(receiver.drain(|message| assert_eq!(message, b"one")), 1);
    assert_eq!(drained(&mut receiver), [b"two"]);
}

#[test]
fn room_is_exact_and_additive_until_full() {
    for lengths in [[1, 1], [1, 7], [60, 61], [500, 20]] {
        for steps in [0, 1, 85, 255] {
            let (mut sender, mut receiver) = lane(LANE_BYTES_MIN);
            move_on(&mut sender, &mut receiver, steps);
            let mut sent = Vec::new();
            let mut expected = LANE_BYTES_MIN - 4;
            for length in lengths.into_iter().cycle() {
                if expected < LANE_BYTES_MIN / 2 - 4 {
                    assert_eq!(sender.room(), expected, "exact below half");
                } else {
                    let room = LANE_BYTES_MIN / 2 - 4..=expected;
                    assert!(room.contains(&sender.room()), "a lower bound above");
                }
                if expected < record_bytes(length) {
                    break;
                }
                expected -= record_bytes(length);
                sent.push(message(length as u64, length));
                sender.push(sent.last().unwrap());
            }
            // What is left is just room for a message that takes all of it, if for any.
            if sender.room() > 0 {
                sent.push(vec![9; sender.room()]);
                sender.push(sent.last().unwrap());
            }
            assert_eq!(sender.room(), 0);
            assert!(sender.publish());
            assert_eq!(drained(&mut receiver), sent);
            assert_eq!(sender.room(), LANE_BYTES_MIN - 4, "room came back");
        }
    }
}

#[test]
#[should_panic(expected = "the room was looked at first")]
fn a_push_beyond_the_room_is_a_bug() {
    let (mut sender, _receiver) = lane(LANE_BYTES_MIN);
    sender.push(&[0; LANE_BYTES_MIN / 2 - 4]);
    sender.push(&[0; LANE_BYTES_MIN / 2 - 8]);
    assert_eq!(sender.room(), 0);
    sender.push(b"1");
}

#[test]
fn two_threads_pass_seeded_messages_in_order() {
    let (mut sender, mut receiver) = lane(4096);
    let size = |seeded: &mut Seeded| match seeded.below(20) {
        0 => 1 + seeded.below(2000),
        _ => 1 + seeded.below(80),
    };
    let writer = thread::spawn(move || {
        let mut sizes = Seeded(11);
        let mut sent = 0;
        while sent < MESSAGES {
            let length = size(&mut sizes);
            while sender.room() < length {
                let _ = sender.publish();
                thread::yield_now();
            }
            let body = message(u64::from(sent), length);
            sender.push_parts(&[&body[..length / 2], &body[length / 2..]]);
            sent += 1;
            if sent % 7 == 0 {
                let _ = sender.publish();
            }
        }
        let _ = sender.publish();
    });
    let (mut sizes, mut seen) = (Seeded(11), 0);
    while seen < MESSAGES {
        if !receiver.snapshot() {
            thread::yield_now();
        }
        receiver.drain(|got| {
            assert_eq!(got.len(), size(&mut sizes), "message {seen}");
            assert_eq!(got, message(u64::from(seen), got.len()), "message {seen}");
            seen += 1;
        });
    }
    writer.join().unwrap();
    assert!(!receiver.snapshot());
}

#[test]
fn only_an_announced_sleeper_is_woken_and_once() {
    let sleeper = Sleeper::new();
    assert!(!sleeper.ring(|| panic!("awake")));
    sleeper.announce();
    assert!(sleeper.is_asleep());
    assert!(sleeper.ring(|| ()));
    assert!(!sleeper.ring(|| panic!("woken already")));
    sleeper.announce();
    sleeper.awake();
    assert!(!sleeper.ring(|| panic!("found work by itself")));
    assert_eq!(sleeper.wakes(), 1);
}

/// A shard that does nothing but pass a counter back, one higher, and sleep.
struct Bouncer {
    sender: Sender,
    receiver: Receiver,
    own: Arc<Sleeper>,
    other: Arc<Sleeper>,
    bell: mpsc::Receiver<()>,
    other_bell: mpsc::Sender<()>,
}

impl Bouncer {
    fn run(mut self, rounds: u32) {
        let mut last = 0;
        while last < rounds {
            self.own.announce();
            if !self.receiver.snapshot() {
                self.bell.recv().unwrap();
            }
            self.own.awake();
            self.receiver.snapshot();
            self.receiver.drain(|message| {
                last = u32::from_le_bytes(message.try_into().unwrap());
                self.sender.push(&(last + 1).to_le_bytes());
            });
            if self.sender.publish() {
                // The peer may have seen its last round and gone: then nobody needs the bell.
                self.other.ring(|| _ = self.other_bell.send(()));
            }
        }
    }
}

/// A lost wake-up stands still for ever: both threads would be parked.
#[test]
fn no_wake_up_is_lost_between_two_shards_that_always_sleep() {
    let (mut to_two, from_one) = lane(1024);
    let (to_one, from_two) = lane(1024);
    let sleepers = [Arc::new(Sleeper::new()), Arc::new(Sleeper::new())];
    let (bell_of_one, inbox_of_one) = mpsc::channel();
    let (bell_of_two, inbox_of_two) = mpsc::channel();
    to_two.push(&0_u32.to_le_bytes());
    assert!(to_two.publish());
    let one = Bouncer {
        sender: to_two,
        receiver: from_two,
        own: Arc::clone(&sleepers[0]),
        other: Arc::clone(&sleepers[1]),
        bell: inbox_of_one,
        other_bell: bell_of_two,
    };
    let two = Bouncer {
        sender: to_one,
        receiver: from_one,
        own: Arc::clone(&sleepers[1]),
        other: Arc::clone(&sleepers[0]),
        bell: inbox_of_two,
        other_bell: bell_of_one,
    };
    let thread = thread::spawn(move || two.run(MESSAGES / 4));
    one.run(MESSAGES / 4);
    thread.join().unwrap();
    assert!(
        sleepers[0].wakes() + sleepers[1].wakes() > 0,
        "nobody ever slept"
    );
}
