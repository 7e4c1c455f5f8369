//! The echo servers: frames of 64 bytes that come back. The yardstick: a pair that costs nothing
//! but the kernel's TCP. Pure.

use crate::compare::dialect::{Answer, Asking, Broken, Dialect, InOrder, Outcome, Step};
use crate::compare::key::{KEY_BYTES, key};

/// Bytes of a frame, as locker's acquire.
pub const FRAME_BYTES: usize = 64;

/// A connection to an echo server.
#[derive(Debug)]
pub struct Echo {
    under_way: InOrder,
}

impl Echo {
    /// For so many places.
    #[must_use]
    pub fn new(places: u16) -> Self {
        let under_way = InOrder::new(places);
        Self { under_way }
    }

    fn say(&mut self, place: u16, number: u32, step: Step, out: &mut Vec<u8>) {
        let mut frame = [b'.'; FRAME_BYTES];
        frame[..KEY_BYTES].copy_from_slice(&key(number));
        out.extend_from_slice(&frame);
        self.under_way.asked(place, step);
    }
}

impl Dialect for Echo {
    fn greet(&mut self, _out: &mut Vec<u8>) {}

    fn ready(&self) -> bool {
        true
    }

    fn acquire(&mut self, place: u16, key: u32, _asking: Asking, out: &mut Vec<u8>) {
        self.say(place, key, Step::Acquire, out);
    }

    fn release(&mut self, place: u16, key: u32, out: &mut Vec<u8>) {
        self.say(place, key, Step::Release, out);
    }

    fn parse(
        &mut self,
        bytes: &[u8],
        _out: &mut Vec<u8>,
        answers: &mut Vec<Answer>,
    ) -> Result<usize, Broken> {
        let frames = bytes.len() / FRAME_BYTES;
        for _ in 0..frames {
            let (place, step) = self.under_way.answered()?;
            let outcome = match step {
                Step::Acquire => Outcome::Got,
                Step::Release => Outcome::Released,
            };
            answers.push(Answer { place, outcome });
        }
        Ok(frames * FRAME_BYTES)
    }
}
