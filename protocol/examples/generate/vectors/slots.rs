//! Slots of keys, from a bitwise CRC that shares nothing with the crate's table.

use crate::interpreter::hex;
use serde_json::{Value, json};

/// Key, CRC of the hashed part, slot, and the shard of four and of seven.
pub(super) fn slots() -> Vec<Value> {
    let long = [0xAB; 1024];
    let keys: [(&[u8], &[u8]); 14] = [
        (b"123456789", b"123456789"),
        (b"a", b"a"),
        (b"\0", b"\0"),
        (b"invoice/1842", b"invoice/1842"),
        (b"{user1000}.following", b"user1000"),
        (b"{user1000}.followers", b"user1000"),
        (b"foo{}{bar}", b"foo{}{bar}"),
        (b"foo{{bar}}zap", b"{bar"),
        (b"foo{bar}{zap}", b"bar"),
        (b"open{only", b"open{only"),
        (b"close}only", b"close}only"),
        (b"}{x}", b"x"),
        (b"{\xff}", b"\xff"),
        (&long, &long),
    ];
    keys.iter().map(|(key, hashed)| slot(key, hashed)).collect()
}

fn slot(key: &[u8], hashed: &[u8]) -> Value {
    let crc = crc16(hashed);
    let slot = crc % 16_384;
    let shard = |shards: u32| u32::from(slot) * shards / 16_384;
    json!({
        "key": hex(key), "hashed": hex(hashed), "crc16": crc, "slot": slot,
        "shard_of_4": shard(4), "shard_of_7": shard(7),
    })
}

fn crc16(bytes: &[u8]) -> u16 {
    let bit = |crc: u16, _| {
        if crc & 0x8000 == 0 {
            crc << 1
        } else {
            (crc << 1) ^ 0x1021
        }
    };
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), bit)
    })
}
