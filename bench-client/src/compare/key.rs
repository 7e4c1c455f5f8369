//! The keys of a comparison, the same for all peers: a number as text of 16 bytes. Pure.

/// Bytes of a key. With 16 of them locker's acquire is a frame of 64 bytes, as the echo's.
pub const KEY_BYTES: usize = 16;
/// What every key begins with; the rest is its number.
const PREFIX: [u8; 8] = *b"lock-key";

/// The four decimal digits of every number below 10,000.
static QUADS: [[u8; 4]; 10_000] = quads();

#[expect(clippy::cast_possible_truncation, reason = "a digit is below 10")]
const fn quads() -> [[u8; 4]; 10_000] {
    let mut all = [[b'0'; 4]; 10_000];
    let mut number = 0;
    while number < all.len() {
        let mut rest = number;
        let mut at = 4;
        while at > 0 {
            at -= 1;
            all[number][at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        number += 1;
    }
    all
}

/// The last eight decimal digits of a number: two look-ups.
#[inline]
#[must_use]
pub fn digits(number: u32) -> [u8; 8] {
    let high = QUADS[(number / 10_000 % 10_000) as usize];
    let low = QUADS[(number % 10_000) as usize];
    let mut digits = [0; 8];
    digits[..4].copy_from_slice(&high);
    digits[4..].copy_from_slice(&low);
    digits
}

/// A key's bytes. Numbers below 100 million give distinct keys.
#[inline]
#[must_use]
pub fn key(number: u32) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&PREFIX);
    key[8..].copy_from_slice(&digits(number));
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_in_its_number() {
        assert_eq!(&key(0), b"lock-key00000000");
        assert_eq!(&key(1_234_567), b"lock-key01234567");
        assert_eq!(&key(99_999_999), b"lock-key99999999");
    }
}
