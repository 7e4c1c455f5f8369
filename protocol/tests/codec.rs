//! Examples of the codec in use.
#![allow(clippy::unwrap_used)]

use locker_protocol::*;

fn acquire() -> Acquire<'static> {
    Acquire {
        owner: 7,
        wait_ms: WAIT_FOREVER,
        lease_ms: 30_000,
        permits: 2,
        limit: 5,
        mode: Mode::Permit,
        resize: true,
        key: b"invoice/1842",
        metadata: b"host-a",
    }
}

#[test]
fn an_acquire_comes_back_as_it_was() {
    let mut out = Vec::new();
    acquire().encode(
        RequestId {
            seat: 3,
            sequence: 1,
        }
        .pack(),
        &mut out,
    );
    let (frame, used) = split_frame(&out, 65_536).unwrap().unwrap();
    assert_eq!(used, out.len());
    assert_eq!(Request::decode(&frame), Ok(Request::Acquire(acquire())));
}

#[test]
fn a_grant_is_one_put_of_the_whole_frame() {
    struct Puts(Vec<usize>);
    impl Sink for Puts {
        fn put(&mut self, bytes: &[u8]) {
            self.0.push(bytes.len());
        }
    }
    let mut puts = Puts(Vec::new());
    Granted {
        token: 9,
        until: 10,
        server_now: 11,
    }
    .encode(1, &mut puts);
    Released.encode(1, &mut puts);
    Renewed {
        until: 10,
        server_now: 11,
    }
    .encode(1, &mut puts);
    Pong { server_now: 11 }.encode(1, &mut puts);
    Refusal {
        status: Status::NotHeld,
        limit: 0,
        value: 9,
        detail: "",
    }
    .encode(0x92, 1, &mut puts);
    assert_eq!(puts.0, [40, 16, 32, 24, 40]);
}

#[test]
fn a_frame_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() {
    let header = |len| {
        Header {
            len,
            op: 2,
            flags: 0,
            status: 0,
            request_id: 5,
        }
        .encode()
    };
    let whole = [&header(8)[..], &[0; 8]].concat();
    assert!(matches!(split_frame(&whole, 8), Ok(Some((_, 24)))));
    let too_long = FrameError::TooLong {
        op: 2,
        request_id: 5,
        announced: 9,
        limit: 8,
    };
    assert_eq!(split_frame(&header(9), 8), Err(too_long));
    assert_eq!(split_frame(&header(9)[..15], 8), Ok(None));
}

#[test]
fn an_error_tells_status_offset_limit_and_value() {
    let mut out = Vec::new();
    Release {
        owner: 1,
        token: 2,
        key: &[0; 1_025],
    }
    .encode(1, &mut out);
    let (frame, _) = split_frame(&out, 65_536).unwrap().unwrap();
    let bad = Request::decode(&frame).unwrap_err();
    assert_eq!(
        (bad.status, bad.offset, bad.limit, bad.value),
        (Status::BadKey, 40, 1_024, 1_025)
    );
    let told = bad.to_string();
    assert!(
        told.contains("at byte 40") && told.contains("1,024"),
        "{told}"
    );
    assert_eq!(bad.refusal().status, Status::BadKey);
}

#[test]
fn request_ids_pack_seat_and_sequence() {
    let id = RequestId {
        seat: 0xBEEF,
        sequence: RequestId::SEQUENCE_MAX,
    };
    assert_eq!(id.pack(), 0xFFFF_FFFF_FFFF_BEEF);
    assert_eq!(RequestId::unpack(id.pack()), id);
    assert_eq!(
        RequestId {
            seat: 3,
            sequence: 1
        }
        .pack(),
        65_539
    );
}

#[test]
#[should_panic(expected = "48 bits")]
fn a_sequence_number_beyond_48_bits_is_a_bug() {
    let _ = RequestId {
        seat: 0,
        sequence: RequestId::SEQUENCE_MAX + 1,
    }
    .pack();
}

#[test]
fn shards_own_ranges_of_slots_that_differ_by_one_at_most() {
    for shards in 1..=256 {
        let mut slots = vec![0_u32; usize::from(shards)];
        let mut last = 0;
        for slot in 0..SLOTS {
            let shard = shard_of_slot(slot, shards);
            assert!(shard >= last, "shards own ranges");
            last = shard;
            slots[usize::from(shard)] += 1;
        }
        let (least, most) = (slots.iter().min().unwrap(), slots.iter().max().unwrap());
        assert!(
            *least > 0 && most - least <= 1,
            "{shards} shards own {least} to {most} slots"
        );
    }
}

#[test]
fn status_classes_follow_the_code() {
    assert_eq!(Status::Ok.class(), StatusClass::Done);
    assert_eq!(Status::NotHeld.class(), StatusClass::Outcome);
    assert_eq!(Status::Busy.class(), StatusClass::TryAgain);
    assert_eq!(Status::BadKey.class(), StatusClass::CallerError);
    assert_eq!(Status::NoSession.class(), StatusClass::Fatal);
    assert_eq!(StatusClass::of(199), StatusClass::TryAgain);
    assert_eq!(
        Status::Busy.to_string(),
        "Busy: too much in flight between shards; try again"
    );
}

#[test]
fn seats_are_for_requests_that_change_something() {
    let unseated = [
        Opcode::Hello,
        Opcode::Ping,
        Opcode::Get,
        Opcode::List,
        Opcode::Sessions,
        Opcode::Stats,
    ];
    for opcode in Opcode::ALL {
        assert_eq!(
            opcode.is_seated(),
            !unseated.contains(&opcode),
            "{}",
            opcode.name()
        );
    }
}

#[test]
fn keys_are_shown_escaped_and_read_back() {
    for (key, shown) in [
        (&b"invoice/1842"[..], "invoice/1842"),
        (b"a b", "a b"),
        (b"back\\slash", r"back\\slash"),
        (b"\0\n\xff~\x7f", r"\x00\x0a\xff~\x7f"),
    ] {
        assert_eq!(escape_key(key).to_string(), shown);
        assert_eq!(unescape_key(shown).unwrap(), key);
    }
    assert_eq!(unescape_key(r"\xAb").unwrap(), b"\xab");
    assert_eq!(unescape_key("caf\u{e9}").unwrap(), "caf\u{e9}".as_bytes());
    for (text, offset) in [
        (r"ab\", 2),
        (r"\q", 0),
        (r"\x1", 0),
        (r"a\xgg", 1),
        (r"\\\", 2),
    ] {
        assert_eq!(unescape_key(text), Err(EscapeError { offset }), "{text}");
    }
}

#[test]
#[should_panic(expected = "room")]
fn a_frame_buffer_that_is_too_small_is_a_bug() {
    FrameBuffer::<39>::new().put(&[0; 40]);
}

#[test]
fn a_frame_buffer_keeps_what_was_put() {
    let mut buffer = FrameBuffer::<40>::new();
    Pong { server_now: 1 }.encode(9, &mut buffer);
    assert_eq!((buffer.as_bytes().len(), buffer.room()), (24, 16));
    buffer.clear();
    assert_eq!((buffer.as_bytes(), buffer.room()), (&[][..], 40));
}

#[test]
fn records_that_are_not_there_end_the_list_early() {
    let list = RecordList::<Counter>::from_records(&[0; 20], 2);
    assert_eq!(list.iter().count(), 1);
}

#[test]
fn a_list_that_ended_early_stays_ended() {
    let mut bytes = Vec::new();
    let lock = LockSummary {
        holders: 0,
        waiters: 0,
        mode: None,
        closed: true,
        grace: false,
        key: b"",
    };
    lock.encode(&mut bytes);
    lock.encode(&mut bytes);
    bytes[8] = 0xEE;
    let mut locks = RecordList::<LockSummary<'_>>::from_records(&bytes, 2).iter();
    assert_eq!((locks.next(), locks.next()), (None, None));
}

#[test]
fn crc16_has_the_published_check_value() {
    assert_eq!(crc16(b"123456789"), 0x31C3);
    assert_eq!(crc16(b""), 0);
}

#[test]
fn crc16_of_every_length_is_that_of_its_bits() {
    let bit = |crc: u16, _| {
        if crc & 0x8000 == 0 {
            crc << 1
        } else {
            (crc << 1) ^ 0x1021
        }
    };
    let bitwise = |bytes: &[u8]| {
        bytes.iter().fold(0, |crc, byte| {
            (0..8).fold(crc ^ (u16::from(*byte) << 8), bit)
        })
    };
    let bytes: Vec<u8> = (0..=255)
        .map(|index: u8| index.wrapping_mul(167) ^ 0x5A)
        .collect();
    for length in 0..=bytes.len() {
        assert_eq!(
            crc16(&bytes[..length]),
            bitwise(&bytes[..length]),
            "{length}"
        );
    }
}
