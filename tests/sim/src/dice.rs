//! All chance of a run: streams of numbers that follow from the seed.
//!
//! Each actor draws from a stream of its own, so that one that is switched off while a failure is
//! minimised leaves the others' draws as they were.

/// One stream: splitmix64, Steele, Lea and Flood 2014; passes what a schedule needs.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The stream of one actor of one run.
    #[must_use]
    pub const fn of(seed: u64, actor: u64) -> Self {
        let mut dice = Self(seed ^ actor.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        // Neighbouring seeds part at once.
        dice.draw();
        dice
    }

    /// 64 bits.
    pub const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A number below `bound`, which is not 0. Its bias is below 2^-32 for any bound used here.
    pub const fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "there is a number below it");
        self.draw() % bound
    }

    /// A number within both bounds.
    pub const fn within(&mut self, least: u64, most: u64) -> u64 {
        assert!(least <= most, "bounds in order");
        least + self.below(most - least + 1)
    }

    /// A number within both bounds, each power of two as likely as the next.
    pub const fn spread(&mut self, least: u64, most: u64) -> u64 {
        assert!(0 < least && least <= most, "bounds in order");
        let octaves = (most / least).ilog2() as u64 + 1;
        let low = least << self.below(octaves);
        let high = if low * 2 < most { low * 2 } else { most };
        self.within(low, high)
    }

    /// True once in `bound` times.
    pub const fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    /// True so many times in a thousand.
    pub const fn permille(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }

    /// An index of a list of so many.
    pub fn index(&mut self, count: usize) -> usize {
        let bound = u64::try_from(count).expect("64-bit");
        usize::try_from(self.below(bound)).expect("below a usize")
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }
}
