//! Hash slots: the CRC16 of a key, which every client and server computes alike.
//!
//! The function is that of Redis Cluster: CRC16 with polynomial 0x1021 and start 0 (XMODEM), and if
//! the key has a `{` with a `}` later and something between, only what is between the first `{` and
//! the first `}` behind it is hashed. So keys that share a tag share a slot, hence a shard.

/// Slots in all.
pub const SLOTS: u16 = 16_384;

const POLYNOMIAL: u16 = 0x1021;

/// Bytes taken at once by [`crc16`].
const STRIDE: usize = 8;

/// `TABLES[n][byte]`: the CRC of that byte and `n` zero bytes behind it. 4 KiB, so that eight bytes
/// cost one step of dependent loads and not eight.
static TABLES: [[u16; 256]; STRIDE] = tables();

#[expect(clippy::cast_possible_truncation, reason = "the index is below 256")]
const fn tables() -> [[u16; 256]; STRIDE] {
    let mut tables = [[0; 256]; STRIDE];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut zeros = 0;
        while zeros < STRIDE {
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 0x8000 == 0 {
                    crc << 1
                } else {
                    (crc << 1) ^ POLYNOMIAL
                };
                bit += 1;
            }
            tables[zeros][index] = crc;
            zeros += 1;
        }
        index += 1;
    }
    tables
}

/// CRC16/XMODEM of `bytes`; of `123456789` it is 0x31C3.
#[inline]
#[must_use]
pub fn crc16(bytes: &[u8]) -> u16 {
    let (strides, rest) = bytes.as_chunks::<STRIDE>();
    let crc = strides.iter().fold(0, stride);
    rest.iter().fold(crc, |crc, &byte| {
        (crc << 8) ^ entry(0, crc.to_be_bytes()[0] ^ byte)
    })
}

/// Eight bytes at once: the CRC so far only meets the first two.
#[inline(always)]
fn stride(crc: u16, bytes: &[u8; STRIDE]) -> u16 {
    let [high, low] = crc.to_be_bytes();
    entry(7, bytes[0] ^ high)
        ^ entry(6, bytes[1] ^ low)
        ^ entry(5, bytes[2])
        ^ entry(4, bytes[3])
        ^ entry(3, bytes[4])
        ^ entry(2, bytes[5])
        ^ entry(1, bytes[6])
        ^ entry(0, bytes[7])
}

#[inline(always)]
fn entry(zeros: usize, byte: u8) -> u16 {
    TABLES[zeros][usize::from(byte)]
}

/// The slot of a key, below [`SLOTS`]. O(bytes of the key).
#[inline]
#[must_use]
pub fn slot_of(key: &[u8]) -> u16 {
    crc16(hashed_part(key)) % SLOTS
}

/// The tag between braces if the key has one that is not empty, else the whole key.
#[inline]
fn hashed_part(key: &[u8]) -> &[u8] {
    if key.contains(&b'{') {
        tag_of(key)
    } else {
        key
    }
}

#[cold]
fn tag_of(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|&byte| byte == b'{') else {
        return key;
    };
    let behind = &key[open + 1..];
    match behind.iter().position(|&byte| byte == b'}') {
        None | Some(0) => key,
        Some(close) => &behind[..close],
    }
}

/// The shard of a slot: `slot * shards / 16384`; the shards' ranges differ by one slot at most.
///
/// # Panics
/// If the slot is not below [`SLOTS`], or there is no shard.
#[inline]
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the quotient is below `shards`"
)]
pub const fn shard_of_slot(slot: u16, shards: u16) -> u16 {
    assert!(slot < SLOTS, "a slot is below 16,384");
    assert!(shards > 0, "a server has a shard");
    (slot as u32 * shards as u32 / SLOTS as u32) as u16
}
