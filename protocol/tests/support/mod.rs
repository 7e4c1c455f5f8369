//! What the tests of the codec share.
#![allow(dead_code, unreachable_pub, missing_docs)]

pub mod json;
#[path = "generated/meaning.rs"]
#[rustfmt::skip]
pub mod meaning;

use locker_protocol::{Frame, FromServer, Opcode, Request};
use serde_json::{Value, json};

/// The meaning of a frame of the client, by the crate's decoders.
pub fn request_meaning(frame: &Frame<'_>) -> Result<Value, locker_protocol::BadFrame> {
    let (message, fields) = meaning::request_fields(&Request::decode(frame)?);
    let id = frame.header.request_id.to_string();
    Ok(json!({ "message": message, "request_id": id, "fields": fields }))
}

/// The meaning of a frame of the server, by the crate's decoders.
pub fn answer_meaning(frame: &Frame<'_>) -> Result<Value, locker_protocol::BadFrame> {
    let header = frame.header;
    let status = locker_protocol::Status::from_code(header.status);
    let status = status.map_or("", locker_protocol::Status::name);
    Ok(match FromServer::decode(frame)? {
        FromServer::Reply(reply) => {
            let (message, fields) = meaning::reply_fields(&reply);
            let id = header.request_id.to_string();
            let mut meaning = json!({ "message": message, "request_id": id, "fields": fields });
            if message == "Refusal" {
                let op = header.op & 0x7F;
                meaning["op"] = Opcode::from_code(op).map_or(json!(op), |op| json!(op.name()));
                meaning["status"] = json!(status);
            }
            meaning
        }
        FromServer::Push(push) => {
            let (message, fields) = meaning::push_fields(&push);
            let mut meaning = json!({ "message": message, "fields": fields });
            if message == "Fault" {
                meaning["status"] = json!(status);
            }
            meaning
        }
    })
}
