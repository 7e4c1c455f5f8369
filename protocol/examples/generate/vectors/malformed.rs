//! Frames that are refused, each class for every message, and frames with parts to skip.

use super::requests::{acquire, hello, reclaim, with};
use super::{Outcome, Vector};
use crate::interpreter::{self, Place};
use crate::table::{Message, Table};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const BAD: &str = "BadFrame";

/// What a server refuses.
pub(super) fn requests(table: &Table, valid: &[(String, Value)]) -> Vec<Vector> {
    let mut out = Vec::new();
    for meaning in one_each(valid) {
        of_message(&mut out, table, &meaning);
        request_header(&mut out, table, &meaning);
        lengths(&mut out, table, &meaning);
    }
    rules(&mut out, table);
    let acquire = json!({ "message": "Acquire", "request_id": "65539", "fields": acquire() });
    let bytes = interpreter::frame(table, &acquire);
    framing(&mut out, &bytes);
    for op in [0x00, 0x3F, 0x7F, 0x90, 0xC0, 0xFF] {
        let error = error("Unsupported", 4, 0, u64::from(op));
        patched(
            &mut out,
            format!("unknown opcode {op:#04x}"),
            &bytes,
            &[(4, op)],
            error,
        );
    }
    out
}

/// What a client refuses.
pub(super) fn answers(table: &Table, valid: &[(String, Value)]) -> Vec<Vector> {
    let mut out = Vec::new();
    for meaning in one_each(valid) {
        of_message(&mut out, table, &meaning);
    }
    let pong = json!({ "message": "Pong", "request_id": "65539", "fields": { "server_now": "1" } });
    let bytes = interpreter::frame(table, &pong);
    framing(&mut out, &bytes);
    for (name, patch) in [
        ("a request's op from the server", (4, 0x02)),
        ("an unknown op from the server", (4, 0xBF)),
        ("header flags from the server", (5, 1)),
        ("an unknown status", (6, 99)),
    ] {
        patched(
            &mut out,
            name.to_owned(),
            &bytes,
            &[patch],
            error(BAD, patch.0, 0, 0),
        );
    }
    let lost = one_each(valid)
        .into_iter()
        .find(|meaning| meaning["message"] == "Lost");
    let bytes = interpreter::frame(table, &lost.expect("a Lost is among the answers"));
    let status = error(BAD, 6, 0, 0);
    patched(
        &mut out,
        "a push with a status".to_owned(),
        &bytes,
        &[(6, 2)],
        status,
    );
    out
}

/// The longest meaning of each message: the one whose parts are most alive.
fn one_each(valid: &[(String, Value)]) -> Vec<Value> {
    let names: BTreeSet<_> = valid.iter().map(|(_, meaning)| name_of(meaning)).collect();
    let of_name = |name: String| {
        let all = valid
            .iter()
            .map(|(_, meaning)| meaning)
            .filter(|one| name_of(one) == name);
        let short = all.filter(|meaning| meaning.to_string().len() < 2_500);
        short
            .max_by_key(|meaning| meaning.to_string().len())
            .cloned()
    };
    names.into_iter().filter_map(of_name).collect()
}

fn name_of(meaning: &Value) -> String {
    meaning["message"]
        .as_str()
        .expect("a meaning names its message")
        .to_owned()
}

/// Truncations, reserved fields, bad enumerations and flags, text, TLVs.
fn of_message(out: &mut Vec<Vector>, table: &Table, meaning: &Value) {
    let (name, bytes) = (name_of(meaning), interpreter::frame(table, meaning));
    let (layout, _) = interpreter::layout(table, meaning);
    truncations(out, &name, &layout, &bytes);
    for place in interpreter::places(table, meaning) {
        of_field(out, table, &name, &bytes, &place);
    }
    tlvs(out, &name, meaning, &bytes);
}

fn truncations(out: &mut Vec<Vector>, name: &str, layout: &Message, bytes: &[u8]) {
    let fixed_end = 16 + layout.fixed_bytes();
    let mut ends = BTreeSet::new();
    if fixed_end > 16 {
        ends.extend([16, 17, fixed_end - 1]);
    }
    if bytes.len() > fixed_end {
        ends.extend([fixed_end, bytes.len() - 1]);
    }
    for end in ends {
        let cut = resized(&bytes[..end]);
        push(
            out,
            format!("{name} that ends after {end} bytes"),
            cut,
            error(BAD, end, 0, 0),
        );
    }
}

fn of_field(out: &mut Vec<Vector>, table: &Table, name: &str, bytes: &[u8], place: &Place) {
    let (field, offset) = (&place.field, place.offset);
    let about = format!("{name}.{}", field.name);
    let at = || error(BAD, offset, 0, 0);
    if field.is_reserved() {
        let last = offset + field.fixed_bytes().expect("reserved fields are fixed") - 1;
        patched(
            out,
            format!("{about} is not zero"),
            bytes,
            &[(offset, 1)],
            at(),
        );
        patched(
            out,
            format!("{about} ends with a one"),
            bytes,
            &[(last, 0x80)],
            at(),
        );
    } else if let Some(flags) = &field.flags {
        let known: u64 = table.flags[flags].values().sum();
        let unknown = u8::try_from(known + 1).expect("few flags");
        patched(
            out,
            format!("{about} has an unknown bit"),
            bytes,
            &[(offset, unknown)],
            at(),
        );
    } else if field.enumeration.is_some() {
        patched(
            out,
            format!("{about} is no number of its enumeration"),
            bytes,
            &[(offset, 0xEE)],
            at(),
        );
    } else if field.kind == "text" && bytes.len() > offset {
        patched(
            out,
            format!("{about} is not UTF-8"),
            bytes,
            &[(offset, 0xFF)],
            at(),
        );
    }
}

fn tlvs(out: &mut Vec<Vector>, name: &str, meaning: &Value, bytes: &[u8]) {
    let end = bytes.len();
    let with = |tail: &[u8]| resized(&[bytes, tail].concat());
    let skipped = || Outcome::MeaningOnly(meaning.clone());
    push(
        out,
        format!("{name} with a TLV to skip"),
        with(&[1, 0, 2, 0, 9, 9]),
        skipped(),
    );
    let two = with(&[0xFF, 0x7F, 0, 0, 2, 0, 1, 0, 9]);
    push(out, format!("{name} with two TLVs to skip"), two, skipped());
    let must = with(&[1, 0x80, 0, 0]);
    push(
        out,
        format!("{name} with a TLV to understand"),
        must,
        error("Unsupported", end, 0, 0x8001),
    );
    let garbage = with(&[1]);
    push(
        out,
        format!("{name} with garbage behind"),
        garbage,
        error(BAD, end + 1, 0, 0),
    );
    let short = with(&[1, 0, 3, 0, 9, 9]);
    push(
        out,
        format!("{name} with a TLV that ends early"),
        short,
        error(BAD, end + 6, 0, 0),
    );
}

fn request_header(out: &mut Vec<Vector>, table: &Table, meaning: &Value) {
    let (name, bytes) = (name_of(meaning), interpreter::frame(table, meaning));
    patched(
        out,
        format!("{name} with header flags"),
        &bytes,
        &[(5, 1)],
        error(BAD, 5, 0, 0),
    );
    patched(
        out,
        format!("{name} with a status"),
        &bytes,
        &[(7, 1)],
        error(BAD, 6, 0, 0),
    );
    let mut zero = bytes;
    zero[8..16].fill(0);
    push(
        out,
        format!("{name} with request id 0"),
        zero,
        error("BadRequestId", 8, 0, 0),
    );
}

/// Keys, metadata, names and reasons that are longer than allowed, or empty.
fn lengths(out: &mut Vec<Vector>, table: &Table, meaning: &Value) {
    let name = name_of(meaning);
    for Place { field, offset } in interpreter::places(table, meaning) {
        let (status, limit) = match field.name.as_str() {
            "key" | "prefix" => ("BadKey", 1_024),
            "metadata" => ("MetadataTooLong", 256),
            "name" => ("NameTooLong", 32),
            "library" => ("NameTooLong", 64),
            "reason" => ("NameTooLong", 256),
            _ => continue,
        };
        let mut resize = |about: &str, length: usize| {
            let value = if field.kind == "text" { "x" } else { "78" };
            let fields = with(
                &meaning["fields"],
                json!({ &field.name: value.repeat(length) }),
            );
            let mut changed = meaning.clone();
            changed["fields"] = fields;
            let bytes = interpreter::frame(table, &changed);
            let error = error(status, offset, limit, length as u64);
            push(out, format!("{name}.{} {about}", field.name), bytes, error);
        };
        resize(
            "is too long by one",
            usize::try_from(limit).expect("small") + 1,
        );
        if field.name == "key" {
            resize("is empty", 0);
        }
    }
}

/// Rules between fields.
fn rules(out: &mut Vec<Vector>, table: &Table) {
    let mut refuse = |about: &str, message: &str, fields: Value, offset| {
        let meaning = json!({ "message": message, "request_id": "65539", "fields": fields });
        let bytes = interpreter::frame(table, &meaning);
        push(out, about.to_owned(), bytes, error(BAD, offset, 0, 0));
    };
    let acquire = acquire();
    let mut acquires = |about, changes, offset| {
        refuse(about, "Acquire", with(&acquire, changes), offset);
    };
    acquires("exclusive with permits", json!({ "permits": 1 }), 32);
    acquires("exclusive with a limit", json!({ "limit": 1 }), 36);
    acquires("exclusive with resize", json!({ "resize": true }), 41);
    acquires(
        "shared with permits",
        json!({ "mode": "Shared", "permits": 1, "limit": 1 }),
        32,
    );
    acquires(
        "permit without permits",
        json!({ "mode": "Permit", "limit": 1 }),
        32,
    );
    acquires(
        "permit without a limit",
        json!({ "mode": "Permit", "permits": 1 }),
        36,
    );
    let over = json!({ "mode": "Permit", "permits": 1, "limit": 0x8000_0001_u32 });
    acquires("permit with a limit above 2^31", over, 36);
    let nothing = with(&reclaim(), json!({ "token": "0" }));
    refuse("reclaim without a token", "Reclaim", nothing, 24);
    let hello = hello();
    let mut hellos = |about, changes, offset| {
        refuse(about, "Hello", with(&hello, changes), offset);
    };
    hellos("open with a session id", json!({ "session_id": "1" }), 32);
    hellos(
        "open with a secret",
        json!({ "secret": "01".repeat(16) }),
        40,
    );
    hellos(
        "no session with an attach number",
        json!({ "action": "None", "attach": 1 }),
        56,
    );
    hellos(
        "lowest version above the highest",
        json!({ "version_min": 2 }),
        16,
    );
}

/// Frames that are not whole yet, and one that is too long.
fn framing(out: &mut Vec<Vector>, bytes: &[u8]) {
    for end in [0, 1, 15, 16, bytes.len() - 1] {
        push(
            out,
            format!("the first {end} bytes"),
            bytes[..end].to_vec(),
            Outcome::Incomplete,
        );
    }
    for len in [65_537_u32, u32::MAX] {
        let mut long = bytes[..16].to_vec();
        long[..4].copy_from_slice(&len.to_le_bytes());
        let error = error("FrameTooLong", 0, 65_536, u64::from(len));
        push(out, format!("a frame of {len} bytes"), long, error);
    }
}

/// `value` of a BadFrame is its offset.
fn error(status: &'static str, offset: usize, limit: u64, value: u64) -> Outcome {
    let value = if status == BAD { offset as u64 } else { value };
    Outcome::Error {
        status,
        offset,
        limit,
        value,
    }
}

fn push(out: &mut Vec<Vector>, name: String, bytes: Vec<u8>, outcome: Outcome) {
    out.push(Vector {
        name,
        bytes,
        outcome,
    });
}

fn patched(
    out: &mut Vec<Vector>,
    name: String,
    bytes: &[u8],
    patches: &[(usize, u8)],
    outcome: Outcome,
) {
    let mut bytes = bytes.to_vec();
    for (offset, byte) in patches {
        bytes[*offset] = *byte;
    }
    push(out, name, bytes, outcome);
}

/// The frame with the length in its header made right.
fn resized(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let len = u32::try_from(bytes.len() - 16).expect("small");
    bytes[..4].copy_from_slice(&len.to_le_bytes());
    bytes
}
