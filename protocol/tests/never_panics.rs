//! No bytes at all make the decoders panic or say something untrue.
#![allow(clippy::unwrap_used)]

mod support;

use locker_protocol::check;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::{fs, path::Path};
use support::json::unhex_of;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(5_625),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check::split(&bytes);
        check::requests(&bytes);
        check::answers(&bytes);
    }
}

/// splitmix64: the damage is the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// Overwrites, cuts, repeats and joins.
fn damage(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let interesting = [
            0,
            1,
            0x7F,
            0x80,
            0xFF,
            u8::try_from(random.below(256)).unwrap(),
        ];
        let byte = interesting[random.below(interesting.len())];
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, byte),
            2 => bytes.extend_from_slice(&other[..random.below(other.len() + 1)]),
            3 if bytes.len() >= 16 => {
                let len = u32::try_from(bytes.len() - 16).unwrap();
                bytes[..4].copy_from_slice(&len.to_le_bytes());
            }
            _ if at < bytes.len() => bytes[at] = byte,
            _ => {}
        }
    }
}

#[test]
fn damaged_vectors_are_messages_or_typed_errors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let files = ["requests.json", "answers.json", "malformed_requests.json"];
    let corpus: Vec<Vec<u8>> = files
        .iter()
        .flat_map(|name| {
            let text = fs::read_to_string(root.join(name)).unwrap();
            serde_json::from_str::<Vec<serde_json::Value>>(&text).unwrap()
        })
        .map(|vector| unhex_of(&vector, "hex"))
        .collect();
    let mut random = Random(5_625);
    for _ in 0..100_000 {
        let mut bytes = corpus[random.below(corpus.len())].clone();
        let other = &corpus[random.below(corpus.len())];
        damage(&mut random, &mut bytes, other);
        check::split(&bytes);
        check::requests(&bytes);
        check::answers(&bytes);
    }
}
