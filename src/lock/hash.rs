//! The seeded hash of keys and of (session, owner) on a key.
//!
//! 128-bit folded multiplication, as in wyhash and foldhash, with all its constants drawn from a
//! secret 128-bit seed. It is no cryptographic hash: it keeps apart keys that were chosen without
//! knowledge of the seed, which never leaves the process. SipHash-1-3 costs some 15 ns more a key,
//! a tenth of a request; what a flood could gain at worst is bounded by the probes of one bucket's
//! chain. One bit more or less of a key changes its length word too, so padding cannot collide.

/// Hashes under one secret seed.
#[derive(Clone, Debug)]
pub(super) struct Hasher {
    words: [u64; 4],
}

/// Odd constants with balanced bits (digits of pi), only to spread the seed.
const SPREAD: [u64; 4] = [
    0x243F_6A88_85A3_08D3,
    0x1319_8A2E_0370_7345,
    0xA409_3822_299F_31D1,
    0x082E_FA98_EC4E_6C89,
];

impl Hasher {
    /// A hasher; the same seed gives the same hashes for ever.
    pub(super) fn new(seed: [u64; 2]) -> Self {
        let mut words = SPREAD;
        let mut state = [seed[0] ^ SPREAD[1], seed[1] ^ SPREAD[2]];
        for word in &mut words {
            state[0] = fold(state[0] ^ *word, state[1] ^ SPREAD[3]);
            state[1] = fold(state[1] ^ *word, state[0] ^ SPREAD[0]) ^ seed[0].rotate_left(23);
            *word ^= state[0] ^ seed[1].rotate_left(41);
        }
        Self { words }
    }

    /// The hash of a key.
    #[inline]
    pub(super) fn key(&self, key: &[u8]) -> u64 {
        let [a, b, c, d] = self.words;
        let mut state = a ^ key.len() as u64;
        let mut rest = key;
        while let Some((piece, after)) = rest.split_first_chunk::<16>() {
            let (low, high) = halves(piece);
            state = fold(low ^ b ^ state, high ^ c ^ state.rotate_left(29));
            rest = after;
        }
        if !rest.is_empty() {
            let (low, high) = tail(rest);
            state = fold(low ^ b ^ state, high ^ d ^ state.rotate_left(29));
        }
        fold(state ^ d, c)
    }

    /// The hash under which a further hold or a waiter is entered.
    #[inline]
    pub(super) fn entry(&self, key_hash: u64, session: u64, owner: u64) -> u64 {
        let [a, b, c, d] = self.words;
        let state = fold(key_hash ^ a ^ session, owner ^ b);
        fold(state ^ c ^ session, key_hash ^ d)
    }
}

/// Up to 15 bytes as two words, without a copy of unknown length: overlapping reads.
#[inline]
fn tail(rest: &[u8]) -> (u64, u64) {
    let word8 = |from: usize| {
        let bytes = rest[from..from + 8].try_into().expect("a slice of 8 bytes");
        u64::from_le_bytes(bytes)
    };
    let word4 = |from: usize| {
        let bytes = rest[from..from + 4].try_into().expect("a slice of 4 bytes");
        u64::from(u32::from_le_bytes(bytes))
    };
    match rest.len() {
        8.. => (word8(0), word8(rest.len() - 8)),
        4.. => (word4(0), word4(rest.len() - 4)),
        length => {
            let middle = u64::from(rest[length / 2]) << 8;
            let last = u64::from(rest[length - 1]);
            (u64::from(rest[0]), middle | last)
        }
    }
}

#[inline]
fn halves(piece: &[u8; 16]) -> (u64, u64) {
    let whole = u128::from_le_bytes(*piece);
    split(whole)
}

#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let (low, high) = split(u128::from(left) * u128::from(right));
    low ^ high
}

#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
const fn split(whole: u128) -> (u64, u64) {
    (whole as u64, (whole >> 64) as u64)
}
