//! Hash slots: the CRC16 of a key, which every client and server computes alike.
//!
//! The function is that of Redis Cluster: CRC16 with polynomial 0x1021 and start 0 (XMODEM), and if
//! the key has a `{` with a `}` later and something between, only what is between the first `{` and
//! the first `}` behind it is hashed. So keys that share a tag share a slot, hence a shard.

/// Slots in all.
pub const SLOTS: u16 = 16_384;

const POLYNOMIAL: u16 = 0x1021;

const TABLE: [u16; 256] = table();

#[expect(clippy::cast_possible_truncation, reason = "the index is below 256")]
const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ POLYNOMIAL
            };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

/// CRC16/XMODEM of `bytes`; of `123456789` it is 0x31C3.
#[inline]
#[must_use]
pub const fn crc16(bytes: &[u8]) -> u16 {
    let mut crc: u16 = 0;
    let mut index = 0;
    while index < bytes.len() {
        crc = (crc << 8) ^ TABLE[((crc >> 8) ^ bytes[index] as u16) as usize];
        index += 1;
    }
    crc
}

/// The slot of a key, below [`SLOTS`]. O(bytes of the key).
#[inline]
#[must_use]
pub fn slot_of(key: &[u8]) -> u16 {
    crc16(hashed_part(key)) % SLOTS
}

/// The tag between braces if the key has one that is not empty, else the whole key.
fn hashed_part(key: &[u8]) -> &[u8] {
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

const _: () = assert!(crc16(b"123456789") == 0x31C3, "the published check value");
