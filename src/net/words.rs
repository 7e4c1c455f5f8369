//! The shell's few own words to a client: encoded once, at start.

use crate::limits::OUTPUT_CLOSE_BYTES;
use locker_protocol::{FAULT_OP, Refusal, Status};

/// To a client that is one too many.
#[must_use]
pub fn connections_full(connections_max: u32) -> Vec<u8> {
    fault(Status::ConnectionsFull, u64::from(connections_max))
}

/// To a client that did not read its answers.
#[must_use]
pub fn slow_reader() -> Vec<u8> {
    fault(Status::SlowReader, OUTPUT_CLOSE_BYTES as u64)
}

fn fault(status: Status, limit: u64) -> Vec<u8> {
    let mut frame = Vec::new();
    let refusal = Refusal {
        status,
        limit,
        value: limit,
        detail: "",
    };
    refusal.encode(FAULT_OP, 0, &mut frame);
    frame
}
