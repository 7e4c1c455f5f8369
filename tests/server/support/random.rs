//! Seeded random numbers; the same seed gives the same run.

/// `SplitMix64`.
pub(crate) struct Random(u64);

impl Random {
    /// A generator whose seed is `default`, or `LOCKER_TEST_SEED` where that is set; a failing test
    /// prints it with the rest of its output.
    pub(crate) fn seeded(default: u64) -> Self {
        let set = std::env::var("LOCKER_TEST_SEED").ok();
        let seed = set.map_or(default, |text| text.parse().expect("a number as the seed"));
        println!("repeat with LOCKER_TEST_SEED={seed}");
        Self(seed)
    }

    /// A generator of its own for a thread.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.next())
    }

    /// 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to `end`, `end` not included.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
