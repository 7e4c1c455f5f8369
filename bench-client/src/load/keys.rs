//! Which keys are asked for, and their bytes.
//!
//! Keys are numbered from 0. Each client has a *slice*: the numbers that leave its own number when
//! divided by the clients. Slices never meet, so clients that keep to theirs never collide.

use locker_protocol::{shard_of_slot, slot_of};

use super::zipf::Zipf;
use crate::dice::Dice;
use crate::plan::{KeyDist, Workload};

/// Bytes of a key from which its number is preceded by a name.
const NAMED_BYTES_MIN: usize = 16;
const NAME: &[u8] = b"bench/";
/// Decimal digits of the greatest number.
const DIGITS_MAX: usize = 10;
/// Draws for a key of one's own shard before the numbers are walked through instead.
const DRAWS_MAX: u32 = 64;

/// How many keys of `key_bytes` bytes, 8 at least, can be told apart.
#[must_use]
pub const fn keys_max(key_bytes: u16) -> u64 {
    match key_bytes {
        0..10 => 10_u64.pow(key_bytes as u32),
        _ => u32::MAX as u64,
    }
}

/// A key as people see it; all its bytes are printable.
#[must_use]
pub fn key_name(workload: &Workload, number: u32) -> String {
    let mut keys = Keys::new(workload, 1);
    keys.write(number).escape_ascii().to_string()
}

/// The shard that a connection is served by; its clients may keep to that shard's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Home {
    pub(super) shard: u16,
    pub(super) shards: u16,
}

/// Numbers that a client draws from: `first`, `first + step`, ... below the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    first: u32,
    step: u32,
    /// Numbers in it.
    pub(super) len: u32,
}

impl Slice {
    /// The number at an index below `len`.
    #[inline]
    pub(super) fn number(self, index: u32) -> u32 {
        self.first + self.step * index
    }

    /// Whether a number is of this slice.
    pub(super) fn has(self, number: u32) -> bool {
        number >= self.first
            && (number - self.first).is_multiple_of(self.step)
            && self.index(number) < self.len
    }

    /// The index of a number of this slice.
    pub(super) fn index(self, number: u32) -> u32 {
        (number - self.first) / self.step
    }
}

/// The keys of a run: draws numbers and writes bytes.
#[derive(Debug)]
pub(super) struct Keys {
    count: u32,
    dist: KeyDist,
    zipf: Option<Zipf>,
    /// Clients if each draws from its own slice, else 1.
    slices: u32,
    /// The last key written, to be overwritten where the digits stand.
    bytes: Vec<u8>,
    digits_from: usize,
    digits: usize,
}

impl Keys {
    /// Keys that all clients share if `slices` is 1, else in that many slices.
    pub(super) fn new(workload: &Workload, slices: u32) -> Self {
        let length = usize::from(workload.key_bytes);
        let digits_from = match length {
            NAMED_BYTES_MIN.. => NAME.len(),
            _ => 0,
        };
        let mut bytes = vec![b'.'; length];
        bytes[..digits_from].copy_from_slice(&NAME[..digits_from]);
        let longest_slice = workload.keys.div_ceil(slices).max(1);
        let zipf = match workload.key_dist {
            KeyDist::Zipf(exponent) => Some(Zipf::new(longest_slice, exponent)),
            _ => None,
        };
        Self {
            count: workload.keys,
            dist: workload.key_dist,
            zipf,
            slices,
            bytes,
            digits_from,
            digits: length.min(DIGITS_MAX),
        }
    }

    /// The numbers that a client draws from: its number over all threads.
    pub(super) fn slice(&self, client: u32) -> Slice {
        let first = client % self.slices;
        let len = match self.count.checked_sub(first) {
            Some(left) => left.div_ceil(self.slices),
            None => 0,
        };
        Slice {
            first,
            step: self.slices,
            len,
        }
    }

    /// Draws a number of a slice that is not empty. `turn` counts the draws, for those in order;
    /// `home`, if given, is known to have a key of the slice.
    pub(super) fn draw(
        &mut self,
        slice: Slice,
        turn: u32,
        home: Option<Home>,
        dice: &mut Dice,
    ) -> u32 {
        let mut index = self.draw_index(slice, turn, dice);
        let Some(home) = home else {
            return slice.number(index);
        };
        for _ in 0..DRAWS_MAX {
            if self.is_at(slice.number(index), home) {
                return slice.number(index);
            }
            index = match self.dist {
                KeyDist::Sequential => (index + 1) % slice.len,
                _ => self.draw_index(slice, turn, dice),
            };
        }
        let found = self.search(slice, index, home);
        found.expect("the connection was asked before if its shard has keys")
    }

    /// The first number of a slice, from an index on and round, that lies at home. O(shards), as a
    /// rule; O(keys) if there is none.
    pub(super) fn search(&mut self, slice: Slice, from: u32, home: Home) -> Option<u32> {
        let indexes = (from..slice.len).chain(0..from.min(slice.len));
        indexes
            .map(|index| slice.number(index))
            .find(|number| self.is_at(*number, home))
    }

    /// Whether a key lies at home.
    pub(super) fn is_at(&mut self, number: u32, home: Home) -> bool {
        shard_of_slot(slot_of(self.write(number)), home.shards) == home.shard
    }

    #[inline]
    fn draw_index(&self, slice: Slice, turn: u32, dice: &mut Dice) -> u32 {
        match self.dist {
            KeyDist::Uniform => dice.below(slice.len),
            KeyDist::Sequential => turn % slice.len,
            KeyDist::Hot(keys) => {
                // The first keys of all: as many of them as lie in this slice.
                let hot = keys.saturating_sub(slice.first).div_ceil(slice.step);
                let is_hot = hot > 0 && dice.below(10) < 9;
                dice.below(if is_hot {
                    hot.min(slice.len)
                } else {
                    slice.len
                })
            }
            KeyDist::Zipf(_) => {
                let law = self.zipf.expect("made for this distribution");
                // A slice may be one shorter than the longest, for which the law was made.
                loop {
                    let index = law.sample(dice);
                    if index < slice.len {
                        return index;
                    }
                }
            }
        }
    }

    /// The bytes of a key: `bench/0000000042......`, or the digits alone where room is short.
    #[inline]
    pub(super) fn write(&mut self, number: u32) -> &[u8] {
        let mut left = number;
        let digits = &mut self.bytes[self.digits_from..self.digits_from + self.digits];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(left % 10).expect("a digit");
            left /= 10;
        }
        &self.bytes
    }

    /// The number of a key that was written; `None` for other bytes.
    pub(super) fn number(&self, key: &[u8]) -> Option<u32> {
        let digits = key.get(self.digits_from..self.digits_from + self.digits)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::tests::plan;

    fn keys(count: u32, dist: KeyDist, slices: u32) -> Keys {
        let mut workload = plan().workload;
        (workload.keys, workload.key_dist) = (count, dist);
        Keys::new(&workload, slices)
    }

    #[test]
    fn keys_are_readable_and_as_long_as_asked_for() {
        for (bytes, expected) in [
            (8, "00000042"),
            (12, "0000000042.."),
            (16, "bench/0000000042"),
            (20, "bench/0000000042...."),
        ] {
            let mut workload = plan().workload;
            workload.key_bytes = bytes;
            let mut keys = Keys::new(&workload, 1);
            keys.write(99_999_999);
            assert_eq!(keys.write(42), expected.as_bytes());
            assert_eq!(keys.number(expected.as_bytes()), Some(42));
        }
        assert_eq!(keys_max(8), 100_000_000);
        assert_eq!(keys_max(10), u64::from(u32::MAX));
    }

    #[test]
    fn slices_never_meet_and_leave_no_key_out() {
        for dist in [KeyDist::Uniform, KeyDist::Zipf(0.99), KeyDist::Hot(5)] {
            let mut keys = keys(103, dist, 10);
            let mut owners = vec![None; 103];
            let mut dice = Dice::new(5);
            for client in 0..10 {
                let slice = keys.slice(client);
                for turn in 0..2_000 {
                    let number = keys.draw(slice, turn, None, &mut dice);
                    let owner = owners[number as usize].get_or_insert(client);
                    assert_eq!(*owner, client, "{dist:?}: key {number}");
                }
            }
            assert!(owners.iter().all(Option::is_some), "{dist:?}");
        }
    }

    #[test]
    fn hot_keys_get_nine_of_ten_draws_and_their_share_of_the_rest() {
        let mut keys = keys(1_000, KeyDist::Hot(10), 1);
        let mut dice = Dice::new(5);
        let slice = keys.slice(7);
        let draws = (0..100_000).map(|turn| keys.draw(slice, turn, None, &mut dice));
        let hot = draws.filter(|number| *number < 10).count();
        assert!((89_700..90_500).contains(&hot), "{hot}, not near 90,100");
    }

    #[test]
    fn keys_in_order_come_one_after_the_other_and_begin_again() {
        let mut keys = keys(4, KeyDist::Sequential, 1);
        let slice = keys.slice(0);
        let mut dice = Dice::new(5);
        let drawn: Vec<u32> = (0..6)
            .map(|turn| keys.draw(slice, turn, None, &mut dice))
            .collect();
        assert_eq!(drawn, [0, 1, 2, 3, 0, 1]);
    }

    #[test]
    fn a_connection_can_keep_to_the_keys_of_its_shard() {
        for dist in [KeyDist::Uniform, KeyDist::Sequential, KeyDist::Hot(1)] {
            let mut keys = keys(1_000, dist, 1);
            let mut dice = Dice::new(5);
            let slice = keys.slice(0);
            for shard in 0..4 {
                let home = Home { shard, shards: 4 };
                for turn in 0..500 {
                    let number = keys.draw(slice, turn, Some(home), &mut dice);
                    let slot = slot_of(keys.write(number));
                    assert_eq!(shard_of_slot(slot, 4), shard);
                }
            }
        }
        let home = Home {
            shard: 0,
            shards: 16_384,
        };
        let mut keys = keys(10, KeyDist::Uniform, 1);
        let slice = keys.slice(0);
        assert_eq!(keys.search(slice, 3, home), None, "ten keys, many shards");
    }

    #[test]
    fn a_key_is_named_as_it_is_sent() {
        let workload = plan().workload;
        let mut sent = keys(1_000, KeyDist::Uniform, 1);
        assert_eq!(key_name(&workload, 42).as_bytes(), sent.write(42));
        assert!(key_name(&workload, 42).contains("0042"));
    }
}
