//! A whole first session, step by step: the worked example of the protocol's page.

use super::answers::hello_ok;
use super::requests::{acquire, hello, with};
use crate::interpreter::{self, hex};
use crate::table::Table;
use serde_json::{Value, json};

const TOKEN: &str = "549755813889";

/// Direction, note, bytes and meaning of each step.
pub(super) fn steps(table: &Table) -> Vec<Value> {
    let key = hex(b"invoice/1842");
    let seat = |sequence: u64| (sequence << 16).to_string();
    let step = |direction: &str, note: &str, meaning: Value| {
        let bytes = interpreter::frame(table, &meaning);
        json!({ "direction": direction, "note": note, "hex": hex(&bytes), "meaning": meaning })
    };
    let preface: Vec<u8> = table.protocol["preface"]
        .as_array()
        .expect("the preface is a list")
        .iter()
        .map(|byte| u8::try_from(byte.as_integer().expect("a byte")).expect("a byte"))
        .collect();
    let acquire = with(&acquire(), json!({ "lease_ms": 60_000 }));
    let granted = json!({ "token": TOKEN, "until": "141500000", "server_now": "81500000" });
    let release = json!({ "owner": "7", "token": TOKEN, "key": key });
    let hello = message("Hello", seat(1), hello());
    vec![
        json!({ "direction": "to_server", "note": "the preface", "hex": hex(&preface) }),
        step("to_server", "open a session", hello),
        step(
            "to_client",
            "the session, its secret, its TTL",
            message("HelloOk", seat(1), hello_ok()),
        ),
        step(
            "to_server",
            "seat 0, sequence 2: ask for a key",
            message("Acquire", seat(2), acquire),
        ),
        step(
            "to_client",
            "the key is held, with a token",
            message("Granted", seat(2), granted),
        ),
        step(
            "to_server",
            "seat 0, sequence 3: let it go",
            message("Release", seat(3), release),
        ),
        step(
            "to_client",
            "it is released",
            message("Released", seat(3), json!({})),
        ),
        step(
            "to_server",
            "keep alive",
            message("Ping", seat(4), json!({})),
        ),
        step(
            "to_client",
            "the server's clock",
            message("Pong", seat(4), json!({ "server_now": "84000000" })),
        ),
        step(
            "to_server",
            "seat 0, sequence 5: end the session",
            message("Close", seat(5), json!({})),
        ),
        step(
            "to_client",
            "all is released; end of stream",
            message("Closed", seat(5), json!({})),
        ),
    ]
}

fn message(name: &str, id: String, fields: Value) -> Value {
    json!({ "message": name, "request_id": id, "fields": fields })
}
