//! The bodies of the fuzz targets over their committed corpora and seeded bytes, on a stable
//! toolchain: so they compile, and what a fuzzer once found stays mended.

#[path = "fuzz/engine/mod.rs"]
mod engine;

#[path = "fuzz/bodies/mod.rs"]
mod bodies;

use std::path::Path;

/// Changes made to each input of a corpus.
const CHANGED: u64 = 4;

/// `SplitMix64`.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

fn below(state: &mut u64, bound: usize) -> usize {
    let bound = u64::try_from(bound).expect("a length");
    usize::try_from(random(state) % bound).expect("below a length")
}

/// The committed inputs of a target, in the order of their names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let folder = folder.join(target);
    let entries = std::fs::read_dir(&folder).expect("every target has a corpus");
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let read = |path: std::path::PathBuf| {
        let bytes = std::fs::read(&path).expect("a readable file");
        (path.display().to_string(), bytes)
    };
    let mut corpus: Vec<_> = paths.map(read).collect();
    corpus.sort();
    assert!(!corpus.is_empty(), "{target} has inputs");
    corpus
}

/// One of: a byte changed, a piece left out, a piece doubled.
fn change(bytes: &mut Vec<u8>, state: &mut u64) {
    if bytes.is_empty() {
        return;
    }
    let at = below(state, bytes.len());
    let length = below(state, bytes.len() - at) + 1;
    match random(state) % 3 {
        0 => bytes[at] = random(state).to_le_bytes()[0],
        1 => drop(bytes.drain(at..at + length)),
        _ => {
            let piece = bytes[at..at + length].to_vec();
            bytes.splice(at..at, piece);
        }
    }
}

/// The corpus, changes of it, and `seeds` random inputs of up to `bytes_max` bytes.
fn run(target: &str, seeds: u64, bytes_max: usize, body: fn(&[u8])) {
    for (name, bytes) in corpus(target) {
        println!("{name}");
        body(&bytes);
        for seed in 0..CHANGED {
            println!("change {seed}");
            let (mut state, mut changed) = (seed, bytes.clone());
            change(&mut changed, &mut state);
            body(&changed);
        }
    }
    for seed in 0..seeds {
        println!("seed {seed}");
        let mut state = seed;
        let length = below(&mut state, bytes_max);
        let bytes: Vec<u8> = (0..length)
            .map(|_| random(&mut state).to_le_bytes()[0])
            .collect();
        body(&bytes);
    }
}

#[test]
fn any_stream_is_cut_into_frames() {
    run("split", 2_000, 300, locker_protocol::check::split);
}

#[test]
fn any_stream_is_read_as_requests() {
    run("requests", 5_000, 300, locker_protocol::check::requests);
}

#[test]
fn any_stream_is_read_as_answers() {
    run("answers", 5_000, 300, locker_protocol::check::answers);
}

#[test]
fn any_message_between_shards_reads_back() {
    run("lanes", 5_000, 1_000, bodies::lanes::run);
}

#[test]
fn any_life_of_a_data_dir_keeps_tokens_and_windows() {
    run("record", 20_000, 300, bodies::record::run);
}

#[test]
fn any_text_is_a_configuration_or_refused() {
    run("config", 2_000, 200, bodies::config::run);
}

#[test]
fn any_server_leaves_the_client_in_order() {
    run("client", 5_000, 600, bodies::client::run);
}

#[test]
fn any_clients_leave_the_server_in_order() {
    run("cluster", 500, 1_500, bodies::cluster::run);
}

#[test]
fn the_engines_corpus_keeps_every_promise() {
    run("engine", 0, 1, |bytes| {
        engine::run(bytes);
    });
}
