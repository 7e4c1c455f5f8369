//! The fuzz target of the lock engine on a fixed number of seeded random sequences.

#[path = "fuzz/engine/mod.rs"]
mod engine;

/// Sequences; a few seconds.
const SEQUENCES: u64 = 1_500;
/// Bytes of a sequence at most.
const BYTES_MAX: u64 = 2_000;

/// `SplitMix64`.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn sequence(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let length = random(&mut state) % BYTES_MAX;
    (0..length)
        .map(|_| random(&mut state).to_le_bytes()[0])
        .collect()
}

#[test]
fn random_sequences_keep_every_promise() {
    let mut total = engine::Seen::default();
    for seed in 0..SEQUENCES {
        println!("sequence {seed}");
        let bytes = sequence(seed);
        let seen = engine::run(&bytes);
        total.grants += seen.grants;
        total.queued += seen.queued;
        total.table_full += seen.table_full;
        total.lost += seen.lost;
        total.lane_full += seen.lane_full;
        total.reclaimed += seen.reclaimed;
    }
    println!("{total:?}");
    for count in [
        total.grants,
        total.queued,
        total.table_full,
        total.lost,
        total.lane_full,
    ] {
        assert!(count > SEQUENCES, "the sequences come to much: {total:?}");
    }
    assert!(
        total.reclaimed > SEQUENCES / 4,
        "in the window of half of them: {total:?}"
    );
}
