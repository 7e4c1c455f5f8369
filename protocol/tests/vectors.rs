//! The golden vectors, both ways, and every small damage to them.
#![allow(clippy::unwrap_used)]

mod support;

use locker_protocol::{BadFrame, Frame, FrameError, check, shard_of_slot, slot_of, split_frame};
use serde_json::{Value, json};
use std::{fs, path::Path};
use support::json::{hex, unhex, unhex_of};

const FILES: [&str; 4] = [
    "requests.json",
    "answers.json",
    "malformed_requests.json",
    "malformed_answers.json",
];

fn read(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("vectors")
        .join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn all() -> Vec<Value> {
    FILES.iter().flat_map(|name| read(name)).collect()
}

fn meaning_of(vector: &Value, frame: &Frame<'_>) -> Result<Value, BadFrame> {
    match vector["direction"].as_str().unwrap() {
        "to_server" => support::request_meaning(frame),
        _ => support::answer_meaning(frame),
    }
}

/// What the crate's decoders say of a vector, as the vector would say it.
fn outcome(vector: &Value, bytes: &[u8]) -> (&'static str, Value) {
    let (frame, used) = match split_frame(bytes, check::FRAME_MAX) {
        Ok(Some(whole)) => whole,
        Ok(None) => return ("incomplete", json!(true)),
        Err(error @ FrameError::TooLong { .. }) => {
            let refusal = error.refusal();
            let bad = BadFrame {
                status: refusal.status,
                offset: 0,
                limit: refusal.limit,
                value: refusal.value,
                reason: "",
            };
            return ("error", error_json(&bad));
        }
    };
    assert_eq!(used, bytes.len(), "a vector is one frame");
    match meaning_of(vector, &frame) {
        Ok(meaning) => ("meaning", meaning),
        Err(bad) => ("error", error_json(&bad)),
    }
}

fn error_json(bad: &BadFrame) -> Value {
    json!({
        "status": bad.status.name(),
        "offset": bad.offset,
        "limit": bad.limit.to_string(),
        "value": bad.value.to_string(),
    })
}

#[test]
fn every_vector_decodes_to_what_it_says() {
    let vectors = all();
    assert!(
        vectors.len() > 400,
        "the vectors are all there: {}",
        vectors.len()
    );
    for vector in vectors {
        let (kind, value) = outcome(&vector, &unhex_of(&vector, "hex"));
        assert_eq!(vector.get(kind), Some(&value), "{}", vector["name"]);
    }
}

#[test]
fn every_meaning_encodes_to_its_bytes() {
    for vector in all().iter().chain(&read("session.json")) {
        let Some(meaning) = vector.get("meaning") else {
            continue;
        };
        let bytes = hex(&support::meaning::encode(meaning));
        let same = vector["hex"].as_str().unwrap() == bytes;
        assert_eq!(
            same,
            vector.get("canonical").is_none(),
            "{}",
            vector["name"]
        );
    }
}

#[test]
fn the_worked_example_decodes_to_what_it_says() {
    let steps = read("session.json");
    assert_eq!(unhex_of(&steps[0], "hex"), locker_protocol::PREFACE);
    for step in &steps[1..] {
        let (kind, value) = outcome(step, &unhex_of(step, "hex"));
        assert_eq!(
            (kind, &value),
            ("meaning", &step["meaning"]),
            "{}",
            step["note"]
        );
    }
}

#[test]
fn names_of_vectors_are_unique() {
    for file in FILES {
        let mut names: Vec<_> = read(file)
            .iter()
            .map(|vector| vector["name"].to_string())
            .collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "{file}");
    }
}

#[test]
fn every_prefix_of_a_vector_is_incomplete_or_as_bad_as_the_whole() {
    for vector in read("requests.json").iter().chain(&read("answers.json")) {
        let bytes = unhex_of(vector, "hex");
        for end in 0..bytes.len() {
            assert_eq!(
                outcome(vector, &bytes[..end]).0,
                "incomplete",
                "{} {end}",
                vector["name"]
            );
        }
    }
}

#[test]
fn a_body_that_ends_early_is_refused_where_it_ends() {
    for vector in read("requests.json").iter().chain(&read("answers.json")) {
        let bytes = unhex_of(vector, "hex");
        for end in 16..bytes.len() {
            let mut cut = bytes[..end].to_vec();
            cut[..4].copy_from_slice(&u32::try_from(end - 16).unwrap().to_le_bytes());
            let (kind, error) = outcome(vector, &cut);
            assert_eq!(
                (kind, &error["offset"]),
                ("error", &json!(end)),
                "{}",
                vector["name"]
            );
            assert_eq!(error["status"], "BadFrame");
        }
    }
}

#[test]
fn no_flip_of_a_bit_breaks_a_promise() {
    for vector in all() {
        let mut bytes = unhex_of(&vector, "hex");
        for bit in 0..bytes.len().min(512) * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            check::split(&bytes);
            check::requests(&bytes);
            check::answers(&bytes);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn two_frames_in_one_segment_are_both_read() {
    let vectors = read("requests.json");
    let first = unhex_of(&vectors[0], "hex");
    let second = unhex_of(&vectors[1], "hex");
    let stream = [&first[..], &second, &first[..5]].concat();
    let (_, used) = split_frame(&stream, check::FRAME_MAX).unwrap().unwrap();
    assert_eq!(used, first.len());
    let (frame, used) = split_frame(&stream[used..], check::FRAME_MAX)
        .unwrap()
        .unwrap();
    assert_eq!(used, second.len());
    assert_eq!(
        &support::request_meaning(&frame).unwrap(),
        &vectors[1]["meaning"]
    );
    assert_eq!(
        split_frame(&stream[first.len() + second.len()..], check::FRAME_MAX),
        Ok(None)
    );
}

#[test]
fn slots_of_keys_are_those_of_the_vectors() {
    for vector in read("slots.json") {
        let slot = slot_of(&unhex_of(&vector, "key"));
        let hashed = unhex(vector["hashed"].as_str().unwrap());
        assert_eq!(json!(locker_protocol::crc16(&hashed)), vector["crc16"]);
        assert_eq!(json!(slot), vector["slot"], "{vector}");
        assert_eq!(json!(shard_of_slot(slot, 4)), vector["shard_of_4"]);
        assert_eq!(json!(shard_of_slot(slot, 7)), vector["shard_of_7"]);
    }
}
