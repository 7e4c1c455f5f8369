//! Where callers sleep until their answers are there, so that one system call wakes all whose
//! answers came together.
//!
//! Waking sleepers one by one is a system call each, which for a read of fifty answers is most of
//! what the client's thread does. So callers sleep on a few common words, each with a bit of its
//! own, and are woken by a set of bits:
//!
//! ```text
//!   call 66 ─▶ word 2, bit 2 ─▶ sleeps      answers to 64, 66, 70 ─▶ wake word 2, bits 0 2 6
//! ```
//!
//! A bit is shared by every 256th call: who is woken in vain looks for its answer and sleeps again.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{Flags, wait_bitset, wake_bitset};
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::machine::CallId;

/// Words to sleep on.
const WORDS: usize = 8;
/// Bits of a word.
const BITS: u64 = 32;

/// The words, each counting how often it was woken.
#[derive(Debug, Default)]
pub(super) struct Parking {
    words: [AtomicU32; WORDS],
}

/// Where one caller sleeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Berth {
    word: usize,
    bit: u32,
}

/// The places to be woken, gathered.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    bits: [u32; WORDS],
}

impl Berth {
    /// Of the caller that waits for `call`: neighbours in time share a word.
    pub(super) fn of(call: CallId) -> Self {
        let word = usize::try_from(call.0 / BITS).expect("a word of the machine has 64 bits");
        Self {
            word: word % WORDS,
            bit: 1 << (call.0 % BITS),
        }
    }
}

impl Parking {
    /// Sleeps until `look` finds something; `None` once `timeout` has passed before.
    pub(super) fn sleep<T>(
        &self,
        berth: Berth,
        timeout: Option<Duration>,
        mut look: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let word = &self.words[berth.word];
        let bit = berth.bit.try_into().expect("one bit is set");
        let deadline = timeout.and_then(deadline_of);
        loop {
            let seen = word.load(Ordering::Acquire);
            if let Some(found) = look() {
                return Some(found);
            }
            let woken = wait_bitset(word, Flags::PRIVATE, seen, deadline.as_ref(), bit);
            if woken == Err(Errno::TIMEDOUT) {
                return look();
            }
            // Woken, interrupted, or somebody was woken since the look: look again.
        }
    }

    /// Wakes those who were gathered. What they look for must be there already.
    pub(super) fn wake(&self, wakes: &Wakes) {
        for (word, &bits) in self.words.iter().zip(&wakes.bits) {
            let Ok(bits) = bits.try_into() else { continue };
            word.fetch_add(1, Ordering::Release);
            if let Err(error) = wake_bitset(word, Flags::PRIVATE, i32::MAX.unsigned_abs(), bits) {
                log::error!("futex: {}", std::io::Error::from(error));
            }
        }
    }
}

impl Wakes {
    pub(super) fn add(&mut self, berth: Berth) {
        self.bits[berth.word] |= berth.bit;
    }
}

/// On the clock that the system counts such waits by; `None` = too far off to come.
fn deadline_of(timeout: Duration) -> Option<Timespec> {
    let now = Duration::try_from(clock_gettime(ClockId::Monotonic)).ok()?;
    Timespec::try_from(now.checked_add(timeout)?).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    fn wake(parking: &Parking, berths: &[Berth]) {
        let mut wakes = Wakes::default();
        berths.iter().for_each(|&berth| wakes.add(berth));
        parking.wake(&wakes);
    }

    #[test]
    fn calls_in_a_row_share_a_word_and_have_a_bit_each() {
        let mut wakes = Wakes::default();
        (64..96).for_each(|call| wakes.add(Berth::of(CallId(call))));
        let mut expected = [0; WORDS];
        expected[2] = u32::MAX;
        assert_eq!(wakes.bits, expected);
    }

    #[test]
    fn everybody_whose_answer_is_there_is_woken_also_by_a_bit_that_is_shared() {
        let parking = Arc::new(Parking::default());
        let is_there: Arc<[AtomicBool; 600]> = Arc::new([const { AtomicBool::new(false) }; 600]);
        let sleepers: Vec<_> = (0..600)
            .map(|place: usize| {
                let (parking, is_there) = (Arc::clone(&parking), Arc::clone(&is_there));
                let berth = Berth::of(CallId(place as u64));
                let look = move || is_there[place].load(Ordering::Relaxed).then_some(place);
                thread::spawn(move || parking.sleep(berth, None, look))
            })
            .collect();
        for (place, sleeper) in sleepers.into_iter().enumerate() {
            is_there[place].store(true, Ordering::Relaxed);
            wake(&parking, &[Berth::of(CallId(place as u64))]);
            assert_eq!(sleeper.join().ok().flatten(), Some(place));
        }
    }

    #[test]
    fn a_bound_ends_the_sleep_and_one_that_is_too_far_off_is_none() {
        let parking = Parking::default();
        let berth = Berth::of(CallId(1));
        let nothing = || None::<()>;
        let asleep = parking.sleep(berth, Some(Duration::from_millis(1)), nothing);
        assert_eq!(asleep, None);
        assert!(deadline_of(Duration::MAX).is_none());
    }
}
