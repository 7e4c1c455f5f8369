//! Each dialect: the bytes that it says, and what it makes of answers, whole or byte by byte.
#![allow(clippy::unwrap_used)]

use super::echo::Echo;
use super::etcd::Etcd;
use super::locker::Locker;
use super::memcached::Memcached;
use super::postgres::Postgres;
use super::redis::{Redis, RedisPing};
use crate::compare::dialect::{Answer, Asking, Broken, Dialect, Outcome};
use locker_protocol as wire;

fn acquire(dialect: &mut impl Dialect, place: u16, key: u32) -> Vec<u8> {
    let mut out = Vec::new();
    dialect.acquire(place, key, Asking::Try, &mut out);
    out
}

fn release(dialect: &mut impl Dialect, place: u16, key: u32) -> Vec<u8> {
    let mut out = Vec::new();
    dialect.release(place, key, &mut out);
    out
}

fn hear(dialect: &mut impl Dialect, bytes: &[u8]) -> Result<Vec<Answer>, Broken> {
    let mut answers = Vec::new();
    let taken = dialect.parse(bytes, &mut Vec::new(), &mut answers)?;
    assert_eq!(taken, bytes.len(), "whole messages are taken");
    Ok(answers)
}

fn answer(place: u16, outcome: Outcome) -> Answer {
    Answer { place, outcome }
}

/// Hears a session's bytes in two parts, cut at every place, and wants the same answers each time.
fn cut_anywhere<D: Dialect>(dialect: impl Fn() -> D, bytes: &[u8], expected: &[Answer]) {
    for cut in 0..=bytes.len() {
        let mut dialect = dialect();
        let mut answers = Vec::new();
        let taken = dialect
            .parse(&bytes[..cut], &mut Vec::new(), &mut answers)
            .unwrap();
        assert!(taken <= cut);
        let rest = dialect
            .parse(&bytes[taken..], &mut Vec::new(), &mut answers)
            .unwrap();
        assert_eq!(taken + rest, bytes.len(), "cut at {cut}");
        assert_eq!(answers, expected, "cut at {cut}");
    }
}

const GOT: Outcome = Outcome::Got;
const NOT_GOT: Outcome = Outcome::NotGot;
const RELEASED: Outcome = Outcome::Released;

fn open_locker(places: u16) -> Locker {
    let mut locker = Locker::new(places, 0);
    hear(&mut locker, &hello_ok(2 * places)).unwrap();
    assert!(locker.ready());
    locker
}

fn hello_ok(seats: u16) -> Vec<u8> {
    let mut out = Vec::new();
    let hello = wire::HelloOk {
        version: 1,
        ephemeral: true,
        admin: true,
        resumed: false,
        draining: false,
        shard: 0,
        shards: 1,
        seats,
        features: 0,
        server_id: [0; 16],
        run: 1,
        session_id: 9,
        secret: [0; 16],
        attach: 0,
        ttl_ms: 60_000,
        keepalive_ms: 20_000,
        grace_left_ms: 0,
        server_now: 1,
        margin_permille: 10,
        margin_ms: 2,
        frame_max: 65_536,
        key_max: 256,
        metadata_max: 256,
        lease_min_ms: 10,
        lease_max_ms: 1_000_000,
        ports: wire::U16List::default(),
    };
    hello.encode(1 << 16, &mut out);
    out
}

#[test]
fn locker_acquires_and_releases_on_two_seats_of_a_place() {
    let mut locker = open_locker(4);
    let bytes = acquire(&mut locker, 3, 42);
    assert_eq!(bytes.len(), 64, "the echo's frame");
    let (frame, _) = wire::split_frame(&bytes, 65_536).unwrap().unwrap();
    let id = wire::RequestId::unpack(frame.header.request_id);
    assert_eq!((id.seat, id.sequence), (6, 1));
    let wire::Request::Acquire(asked) = wire::Request::decode(&frame).unwrap() else {
        panic!("an acquire");
    };
    assert_eq!((asked.key, asked.wait_ms), (&b"lock-key00000042"[..], 0));

    let bytes = release(&mut locker, 3, 42);
    let (frame, _) = wire::split_frame(&bytes, 65_536).unwrap().unwrap();
    assert_eq!(wire::RequestId::unpack(frame.header.request_id).seat, 7);
    let wire::Request::Release(released) = wire::Request::decode(&frame).unwrap() else {
        panic!("a release");
    };
    assert_eq!(
        (released.owner, released.token),
        (asked.owner, 0),
        "no grant came yet"
    );
}

fn granted(id: u64, token: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let (until, server_now) = (0, 5);
    wire::Granted {
        token,
        until,
        server_now,
    }
    .encode(id, &mut out);
    out
}

fn refused(op: u8, id: u64, status: wire::Status) -> Vec<u8> {
    let mut out = Vec::new();
    let (limit, value, detail) = (0, 0, "");
    wire::Refusal {
        status,
        limit,
        value,
        detail,
    }
    .encode(op, id, &mut out);
    out
}

#[test]
fn lockers_answers_are_heard_wherever_they_are_cut() {
    let open = || {
        let mut locker = open_locker(2);
        acquire(&mut locker, 0, 1);
        acquire(&mut locker, 1, 2);
        locker
    };
    let mut bytes = granted(1 << 16, 77);
    bytes.extend(refused(0x90, 2 << 16 | 2, wire::Status::Timeout));
    wire::Released.encode(3 << 16 | 1, &mut bytes);
    let expected = [answer(0, GOT), answer(1, NOT_GOT), answer(0, RELEASED)];
    cut_anywhere(open, &bytes, &expected);

    let mut locker = open();
    hear(&mut locker, &granted(1 << 16, 77)).unwrap();
    let bytes = release(&mut locker, 0, 1);
    assert_eq!(bytes[24..32], 77_u64.to_le_bytes(), "the grant's token");
}

#[test]
fn lockers_refusals_are_failures_and_its_faults_end_the_talk() {
    let mut locker = open_locker(1);
    let answers = hear(
        &mut locker,
        &refused(0x92, 1 << 16 | 1, wire::Status::NotHeld),
    )
    .unwrap();
    assert_eq!(answers, [answer(0, Outcome::NotHeld)]);
    let fault = refused(0xC3, 0, wire::Status::BadFrame);
    assert!(hear(&mut locker, &fault).is_err());
    let mut locker = Locker::new(64, 0);
    let broken = hear(&mut locker, &hello_ok(64)).unwrap_err();
    assert!(broken.0.contains("128 are needed"), "{broken:?}");
}

const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

fn open_redis(connection: u32, places: u16) -> Redis {
    let mut redis = Redis::new(connection, places);
    assert!(!redis.ready());
    hear(&mut redis, format!("$40\r\n{HASH}\r\n").as_bytes()).unwrap();
    assert!(redis.ready());
    redis
}

#[test]
fn redis_is_asked_by_set_and_by_the_hash_of_the_script() {
    let mut out = Vec::new();
    Redis::new(0, 1).greet(&mut out);
    let script = "if redis.call('get',KEYS[1])==ARGV[1] \
                  then return redis.call('del',KEYS[1]) else return 0 end";
    let load = format!(
        "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n${}\r\n{script}\r\n",
        script.len()
    );
    assert_eq!(out, load.as_bytes());

    let mut redis = open_redis(5, 1);
    let set = "*6\r\n$3\r\nSET\r\n$16\r\nlock-key00000042\r\n$16\r\n0000000500000001\r\n\
               $2\r\nNX\r\n$2\r\nPX\r\n$5\r\n30000\r\n";
    assert_eq!(acquire(&mut redis, 0, 42), set.as_bytes());
    let evalsha = format!(
        "*5\r\n$7\r\nEVALSHA\r\n$40\r\n{HASH}\r\n$1\r\n1\r\n\
         $16\r\nlock-key00000042\r\n$16\r\n0000000500000001\r\n"
    );
    assert_eq!(release(&mut redis, 0, 42), evalsha.as_bytes());
    let next = acquire(&mut redis, 0, 42);
    assert!(
        next.windows(16).any(|part| part == b"0000000500000002"),
        "a fresh token"
    );
}

#[test]
fn redis_answers_are_heard_wherever_they_are_cut() {
    let open = || {
        let mut redis = open_redis(0, 2);
        acquire(&mut redis, 0, 1);
        acquire(&mut redis, 1, 2);
        release(&mut redis, 0, 1);
        release(&mut redis, 1, 2);
        redis
    };
    let failed = Outcome::Failed(":0".to_owned());
    let expected = [
        answer(0, GOT),
        answer(1, NOT_GOT),
        answer(0, RELEASED),
        answer(1, failed),
    ];
    cut_anywhere(open, b"+OK\r\n$-1\r\n:1\r\n:0\r\n", &expected);
}

#[test]
fn a_redis_that_refuses_the_script_or_says_too_much_ends_the_talk() {
    let mut redis = Redis::new(0, 1);
    let broken = hear(&mut redis, b"-NOAUTH Authentication required.\r\n").unwrap_err();
    assert!(broken.0.contains("NOAUTH"), "{broken:?}");
    assert!(hear(&mut open_redis(0, 1), b"+OK\r\n").is_err());
    let mut redis = open_redis(0, 1);
    acquire(&mut redis, 0, 1);
    let answers = hear(&mut redis, b"-OOM command not allowed\r\n").unwrap();
    let failed = Outcome::Failed("-OOM command not allowed".to_owned());
    assert_eq!(answers, [answer(0, failed)]);
}

#[test]
fn a_ping_is_a_pair_of_pings() {
    let open = || {
        let mut ping = RedisPing::new(1);
        assert_eq!(acquire(&mut ping, 0, 1), b"*1\r\n$4\r\nPING\r\n");
        release(&mut ping, 0, 1);
        ping
    };
    cut_anywhere(
        open,
        b"+PONG\r\n+PONG\r\n",
        &[answer(0, GOT), answer(0, RELEASED)],
    );
}

#[test]
fn memcached_adds_and_deletes() {
    let open = || {
        let mut memcached = Memcached::new(2);
        let add = acquire(&mut memcached, 0, 42);
        assert_eq!(add, b"add lock-key00000042 0 30 1\r\n1\r\n");
        acquire(&mut memcached, 1, 42);
        let delete = release(&mut memcached, 0, 42);
        assert_eq!(delete, b"delete lock-key00000042\r\n");
        release(&mut memcached, 1, 42);
        memcached
    };
    let failed = Outcome::Failed("NOT_FOUND".to_owned());
    let expected = [
        answer(0, GOT),
        answer(1, NOT_GOT),
        answer(0, RELEASED),
        answer(1, failed),
    ];
    let bytes = b"STORED\r\nNOT_STORED\r\nDELETED\r\nNOT_FOUND\r\n";
    cut_anywhere(open, bytes, &expected);
}

#[test]
fn an_echo_answers_by_64_bytes() {
    let open = || {
        let mut echo = Echo::new(1);
        assert_eq!(acquire(&mut echo, 0, 42).len(), 64);
        release(&mut echo, 0, 42);
        echo
    };
    cut_anywhere(open, &[b'.'; 128], &[answer(0, GOT), answer(0, RELEASED)]);
    assert!(
        hear(&mut open(), &[b'.'; 192]).is_err(),
        "one frame too many"
    );
}

/// Authentication done, a parameter, the key to cancel, ready; three statements parsed, ready.
const POSTGRES_READY: &[u8] =
    b"R\0\0\0\x08\0\0\0\0S\0\0\0\x09a\0b\0\0K\0\0\0\x0c\0\0\0\x01\0\0\0\x02\
    Z\0\0\0\x05I1\0\0\0\x041\0\0\0\x041\0\0\0\x04Z\0\0\0\x05I";

fn open_postgres(places: u16) -> Postgres {
    let mut postgres = Postgres::new(places);
    hear(&mut postgres, POSTGRES_READY).unwrap();
    assert!(postgres.ready());
    postgres
}

#[test]
fn postgres_is_called_through_prepared_statements() {
    let mut out = Vec::new();
    Postgres::new(1).greet(&mut out);
    let length = out[..4].try_into().map(u32::from_be_bytes).unwrap() as usize;
    assert_eq!(
        &out[4..length],
        b"\0\x03\0\0user\0postgres\0database\0postgres\0\0"
    );
    let statement = &out[length..];
    let expected = b"P\0\0\0\x2ct\0SELECT pg_try_advisory_lock($1)\0\0\x01\0\0\0\x14";
    assert_eq!(&statement[..expected.len()], expected);
    assert!(out.ends_with(b"S\0\0\0\x04"));

    let mut postgres = open_postgres(1);
    let call = b"B\0\0\0\x1d\0t\0\0\x01\0\x01\0\x01\0\0\0\x08\0\0\0\0\0\0\x01\x02\0\x01\0\x01\
                 E\0\0\0\x09\0\0\0\0\0";
    assert_eq!(acquire(&mut postgres, 0, 258), call);
    assert_eq!(release(&mut postgres, 0, 258)[6], b'u');
    let mut out = Vec::new();
    postgres.acquire(0, 1, Asking::Wait, &mut out);
    assert_eq!(out[6], b'w');
}

#[test]
fn postgres_answers_are_heard_wherever_they_are_cut() {
    let open = || {
        let mut postgres = Postgres::new(4);
        for place in 0..3 {
            acquire(&mut postgres, place, 1);
        }
        release(&mut postgres, 0, 1);
        release(&mut postgres, 1, 1);
        postgres
    };
    let mut bytes = POSTGRES_READY.to_vec();
    let row = |value: &[u8], bytes: &mut Vec<u8>| {
        bytes.extend_from_slice(b"2\0\0\0\x04D\0\0\0");
        bytes.push(10 + u8::try_from(value.len()).unwrap());
        bytes.extend_from_slice(&[0, 1, 0, 0, 0, u8::try_from(value.len()).unwrap()]);
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"C\0\0\0\x0dSELECT 1\0");
    };
    for value in [&[1][..], &[0], &[], &[1], &[0]] {
        row(value, &mut bytes);
    }
    bytes.extend_from_slice(b"Z\0\0\0\x05I");
    let failed = Outcome::Failed("\\x00\\x01\\x00\\x00\\x00\\x01\\x00".to_owned());
    let expected = [
        answer(0, GOT),
        answer(1, NOT_GOT),
        answer(2, GOT),
        answer(0, RELEASED),
        answer(1, failed),
    ];
    cut_anywhere(open, &bytes, &expected);
}

#[test]
fn an_error_of_postgres_is_told_in_its_words() {
    let error = b"E\0\0\0\x2eSFATAL\0C53300\0Msorry, too many clients\0\0";
    let mut error = error.to_vec();
    let length = u32::try_from(error.len() - 1).unwrap();
    error[1..5].copy_from_slice(&length.to_be_bytes());
    let broken = hear(&mut Postgres::new(1), &error).unwrap_err();
    assert_eq!(broken.0, "sorry, too many clients");
    assert!(
        hear(&mut Postgres::new(1), b"R\0\0\0\x08\0\0\0\x0a").is_err(),
        "a password"
    );
    assert!(
        hear(&mut Postgres::new(1), b"Z\0\0\0\x01").is_err(),
        "a length below its own"
    );
}

fn http2(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
    frame.extend_from_slice(payload);
    frame
}

/// An answer: headers, the message with its prefix, trailers.
fn grpc(stream: u8, message: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
    body.extend_from_slice(message);
    [
        http2(1, 4, stream, &[0x88]),
        http2(0, 0, stream, &body),
        http2(1, 5, stream, &[0xBF]),
    ]
    .concat()
}

/// The lease 0x123: its response, the lock of the connection's own key, the unlock.
fn etcd_start() -> Vec<u8> {
    let header = [0x0A, 0x02, 0x08, 0x01];
    let lease = [&header[..], &[0x10, 0xA3, 0x02, 0x18, 120]].concat();
    let name = b"lock-key99000003/123";
    let locked = [&header[..], &[0x12, 20], name].concat();
    [grpc(1, &lease), grpc(3, &locked), grpc(5, &header)].concat()
}

fn greeted_etcd(places: u16) -> Etcd {
    let mut etcd = Etcd::new(3, places);
    etcd.greet(&mut Vec::new());
    etcd
}

fn open_etcd(places: u16) -> Etcd {
    let mut etcd = greeted_etcd(places);
    hear(&mut etcd, &etcd_start()).unwrap();
    assert!(etcd.ready());
    etcd
}

#[test]
fn etcd_is_called_with_six_bytes_of_headers() {
    let mut etcd = open_etcd(1);
    let bytes = acquire(&mut etcd, 0, 42);
    let headers = [0x83, 0x86, 0xBF, 0xC3, 0xC1, 0xC0];
    let mut message = b"\0\0\0\0\x15\x0A\x10lock-key00000042\x10".to_vec();
    message.extend_from_slice(&[0xA3, 0x02]);
    assert_eq!(
        bytes,
        [http2(1, 4, 7, &headers), http2(0, 1, 7, &message)].concat()
    );
    let bytes = release(&mut etcd, 0, 42);
    assert!(bytes.ends_with(b"\0\0\0\0\x16\x0A\x14lock-key00000042/123"));
}

#[test]
fn etcds_answers_are_heard_wherever_they_are_cut() {
    let bytes = [
        etcd_start(),
        grpc(9, &[0x0A, 0]),
        grpc(7, &[0x0A, 0]),
        http2(1, 5, 11, &[0x88]),
    ]
    .concat();
    let requests = |etcd: &mut Etcd| {
        acquire(etcd, 0, 1);
        acquire(etcd, 1, 2);
        release(etcd, 2, 3);
    };
    let failed = Outcome::Failed("an answer without a message".to_owned());
    let expected = [answer(1, GOT), answer(0, GOT), answer(2, failed)];
    for cut in 0..=bytes.len() {
        let mut etcd = greeted_etcd(3);
        let mut answers = Vec::new();
        let (mut taken, mut is_asked) = (0, false);
        let start = etcd_start().len();
        for end in [cut.min(start), start, cut.max(start), bytes.len()] {
            taken += etcd
                .parse(&bytes[taken..end], &mut Vec::new(), &mut answers)
                .unwrap();
            if etcd.ready() && !is_asked {
                requests(&mut etcd);
                is_asked = true;
            }
        }
        assert_eq!(
            (taken, &answers[..]),
            (bytes.len(), &expected[..]),
            "cut at {cut}"
        );
    }
}

#[test]
fn what_http2_asks_of_a_client_is_answered() {
    let mut etcd = greeted_etcd(1);
    let mut out = Vec::new();
    let settings = http2(4, 0, 0, &[0, 3, 0, 0, 0, 1]);
    let ping = http2(6, 0, 0, b"12345678");
    let window = http2(8, 0, 0, &[0, 0, 1, 0]);
    let bytes = [settings, ping, window, http2(4, 1, 0, &[])].concat();
    etcd.parse(&bytes, &mut out, &mut Vec::new()).unwrap();
    assert_eq!(
        out,
        [http2(4, 1, 0, &[]), http2(6, 1, 0, b"12345678")].concat()
    );
    let away = http2(7, 0, 0, b"\0\0\0\0\0\0\0\x02too many pings");
    let broken = hear(&mut etcd, &away).unwrap_err();
    assert!(broken.0.contains("too many pings"), "{broken:?}");
}

#[test]
fn a_stream_that_etcd_resets_fails_its_request() {
    let mut etcd = open_etcd(1);
    acquire(&mut etcd, 0, 1);
    let answers = hear(&mut etcd, &http2(3, 0, 7, &[0, 0, 0, 7])).unwrap();
    assert_eq!(
        answers,
        [answer(0, Outcome::Failed("stream reset: 7".to_owned()))]
    );
}
