//! memcached: `add` is the acquire, `delete` the release, in the text protocol. Pure.
//!
//! `delete` does not compare: whoever's item it is, it goes. No safe lock, but the least that
//! memcached can be asked to do for one.

use crate::compare::dialect::{Answer, Asking, Broken, Dialect, InOrder, Outcome, Step};
use crate::compare::key::{KEY_BYTES, key};

/// Flags 0, gone after 30 s, one byte of value.
const ADD: &[u8] = b"add lock-key00000000 0 30 1\r\n1\r\n";
const ADD_KEY_AT: usize = 4;
const DELETE: &[u8] = b"delete lock-key00000000\r\n";
const DELETE_KEY_AT: usize = 7;

/// A connection to memcached.
#[derive(Debug)]
pub struct Memcached {
    under_way: InOrder,
}

impl Memcached {
    /// For so many places.
    #[must_use]
    pub fn new(places: u16) -> Self {
        let under_way = InOrder::new(places);
        Self { under_way }
    }
}

fn say(prepared: &[u8], key_at: usize, number: u32, out: &mut Vec<u8>) {
    let from = out.len() + key_at;
    out.extend_from_slice(prepared);
    out[from..from + KEY_BYTES].copy_from_slice(&key(number));
}

impl Dialect for Memcached {
    fn greet(&mut self, _out: &mut Vec<u8>) {}

    fn ready(&self) -> bool {
        true
    }

    fn acquire(&mut self, place: u16, key: u32, _asking: Asking, out: &mut Vec<u8>) {
        say(ADD, ADD_KEY_AT, key, out);
        self.under_way.asked(place, Step::Acquire);
    }

    fn release(&mut self, place: u16, key: u32, out: &mut Vec<u8>) {
        say(DELETE, DELETE_KEY_AT, key, out);
        self.under_way.asked(place, Step::Release);
    }

    fn parse(
        &mut self,
        bytes: &[u8],
        _out: &mut Vec<u8>,
        answers: &mut Vec<Answer>,
    ) -> Result<usize, Broken> {
        self.under_way
            .lines(bytes, answers, |step, said| match (step, said) {
                (Step::Acquire, b"STORED") => Some(Outcome::Got),
                (Step::Acquire, b"NOT_STORED") => Some(Outcome::NotGot),
                (Step::Release, b"DELETED") => Some(Outcome::Released),
                _ => None,
            })
    }
}
