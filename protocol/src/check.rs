//! What must hold for any bytes at all: the bodies of the fuzz targets, run by the tests too.
//!
//! Nothing here is for users. Each function panics if the codec breaks a promise.

use crate::bad_frame::BadFrame;
use crate::frame::{Frame, Header, split_frame};
use crate::generated::*;
use crate::message::FromServer;

/// Bytes after a header that the checks take.
pub const FRAME_MAX: u32 = 65_536;

/// A stream is cut without a gap, and no frame is longer than announced or allowed.
///
/// # Panics
/// If not.
pub fn split(mut stream: &[u8]) {
    while let Ok(Some((frame, used))) = split_frame(stream, FRAME_MAX) {
        assert_eq!(used, HEADER_BYTES + frame.body.len());
        assert_eq!(frame.header.len as usize, frame.body.len());
        assert!(frame.header.len <= FRAME_MAX);
        assert_eq!(&frame.header.encode(), &stream[..HEADER_BYTES]);
        assert_eq!(frame.body, &stream[HEADER_BYTES..used]);
        stream = &stream[used..];
    }
}

/// Every frame of a stream is a request that survives encoding, or a typed error within it.
///
/// # Panics
/// If not.
pub fn requests(stream: &[u8]) {
    each_frame(stream, request);
}

/// Every frame of a stream is an answer that survives encoding, or a typed error within it.
///
/// # Panics
/// If not.
pub fn answers(stream: &[u8]) {
    each_frame(stream, answer);
}

/// One frame as a request.
///
/// # Panics
/// If it decodes and does not survive encoding, or fails with an error that cannot be told.
pub fn request(frame: &Frame<'_>) {
    match Request::decode(frame) {
        Err(bad) => error(frame, &bad),
        Ok(request) => {
            let mut bytes = Vec::new();
            request.encode(frame.header.request_id, &mut bytes);
            let again = whole_frame(&bytes);
            assert!(
                bytes.len() <= HEADER_BYTES + frame.body.len(),
                "only TLVs were left off"
            );
            assert_eq!(Request::decode(&again), Ok(request));
        }
    }
}

/// One frame as a reply or push.
///
/// # Panics
/// If it decodes and does not survive encoding, or fails with an error that cannot be told.
pub fn answer(frame: &Frame<'_>) {
    match FromServer::decode(frame) {
        Err(bad) => error(frame, &bad),
        Ok(answer) => {
            let mut bytes = Vec::new();
            match &answer {
                FromServer::Reply(reply) => {
                    lists(reply);
                    reply.encode(frame.header.op, frame.header.request_id, &mut bytes);
                }
                FromServer::Push(push) => push.encode(&mut bytes),
            }
            assert!(
                bytes.len() <= HEADER_BYTES + frame.body.len(),
                "only TLVs were left off"
            );
            assert_eq!(FromServer::decode(&whole_frame(&bytes)), Ok(answer));
        }
    }
}

/// A decoded list has as many records as it says.
fn lists(reply: &Reply<'_>) {
    match reply {
        Reply::GetReply(get) => {
            assert_eq!(get.holders.iter().count(), get.holders.len());
            assert_eq!(get.waiters.iter().count(), get.waiters.len());
        }
        Reply::ListReply(list) => assert_eq!(list.locks.iter().count(), list.locks.len()),
        Reply::SessionsReply(list) => {
            assert_eq!(list.sessions.iter().count(), list.sessions.len());
        }
        Reply::StatsReply(stats) => {
            assert_eq!(stats.counters.iter().count(), stats.counters.len());
        }
        Reply::HelloOk(hello) => assert_eq!(hello.ports.iter().count(), hello.ports.len()),
        _ => {}
    }
}

/// The error lies in the frame, and its answer is itself well formed.
fn error(frame: &Frame<'_>, bad: &BadFrame) {
    assert_ne!(bad.status, Status::Ok);
    assert!(
        bad.offset as usize <= HEADER_BYTES + frame.body.len(),
        "the error is in the frame"
    );
    let refusal = bad.refusal();
    let mut bytes = Vec::new();
    refusal.encode(frame.header.op | 0x80, 1, &mut bytes);
    assert_eq!(
        Reply::decode(&whole_frame(&bytes)),
        Ok(Reply::Refused(refusal))
    );
}

/// The bytes as frames; what is no frame at all is tried as one frame's body under its first byte
/// as the op, so that a fuzzer need not find out about lengths.
fn each_frame(stream: &[u8], check: fn(&Frame<'_>)) {
    let mut rest = stream;
    while let Ok(Some((frame, used))) = split_frame(rest, FRAME_MAX) {
        check(&frame);
        rest = &rest[used..];
    }
    if let Some((&op, body)) = stream.split_first() {
        let len = u32::try_from(body.len()).expect("a test's input fits");
        let request_id = u64::from(op < 0xC0);
        check(&Frame {
            header: Header {
                len,
                op,
                flags: 0,
                status: 0,
                request_id,
            },
            body,
        });
    }
}

fn whole_frame(bytes: &[u8]) -> Frame<'_> {
    let (frame, used) = split_frame(bytes, u32::MAX)
        .expect("the codec announces what it wrote")
        .expect("the codec writes whole frames");
    assert_eq!(used, bytes.len());
    frame
}
