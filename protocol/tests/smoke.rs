//! One acquire and its answers there and back.
#![allow(clippy::unwrap_used)]

use locker_protocol::*;

#[test]
fn an_acquire_and_its_grant_come_back_as_they_were() {
    let acquire = Acquire {
        owner: 7,
        wait_ms: WAIT_FOREVER,
        lease_ms: 30_000,
        permits: 2,
        limit: 5,
        mode: Mode::Permit,
        resize: true,
        key: b"invoice/1842",
        metadata: b"host-a",
    };
    let mut out = Vec::new();
    acquire.encode(
        RequestId {
            seat: 3,
            sequence: 1,
        }
        .pack(),
        &mut out,
    );
    let (frame, used) = split_frame(&out, 65_536).unwrap().unwrap();
    assert_eq!(used, out.len());
    assert_eq!(Request::decode(&frame), Ok(Request::Acquire(acquire)));

    let granted = Granted {
        token: 9,
        until: 10,
        server_now: 11,
    };
    let mut out = FrameBuffer::<64>::new();
    granted.encode(0x1_0003, &mut out);
    let (frame, _) = split_frame(out.as_bytes(), 65_536).unwrap().unwrap();
    assert_eq!(
        FromServer::decode(&frame),
        Ok(FromServer::Reply(Reply::Granted(granted)))
    );

    let refusal = Refusal {
        status: Status::NotHeld,
        limit: 0,
        value: 9,
        detail: "",
    };
    let mut out = Vec::new();
    refusal.encode(Opcode::Release.reply(), 0x1_0003, &mut out);
    let (frame, _) = split_frame(&out, 65_536).unwrap().unwrap();
    assert_eq!(
        FromServer::decode(&frame),
        Ok(FromServer::Reply(Reply::Refused(refusal)))
    );
}
