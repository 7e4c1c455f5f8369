//! etcd: its lock API (`v3lockpb.Lock`), by gRPC. Pure.
//!
//! ```text
//!   LeaseGrant -> Lock, Unlock of a key of our own -> ready
//! ```
//!
//! One lease per connection, granted before the measured time, stands for locker's session. The
//! three requests of the start also fill the header table (RFC 7541), so that the header block of
//! every later request is six bytes. A lock's key is its name, `/`, and the lease in hexadecimal:
//! known beforehand, but an Unlock sent behind its Lock may overtake it, so etcd has no pair in one
//! write.

use std::mem;

use crate::compare::dialect::{Answer, Asking, Broken, Dialect, Outcome, Step, quoted};
use crate::compare::key::{KEY_BYTES, key};
use crate::compare::peers::http2::{Came, Http2};

/// Longer than any measured time.
const LEASE_SECONDS: u8 = 120;
/// Names of the locks that connections take before they are ready.
const OWN_KEYS_FROM: u32 = 99_000_000;
/// gRPC's prefix: not compressed, and the length.
const PREFIX_BYTES: usize = 5;
/// Where the name stands in both bodies: behind the prefix, its tag and its length.
const KEY_AT: usize = PREFIX_BYTES + 2;

const LEASE_PATH: &str = "/etcdserverpb.Lease/LeaseGrant";
const LOCK_PATH: &str = "/v3lockpb.Lock/Lock";
const UNLOCK_PATH: &str = "/v3lockpb.Lock/Unlock";

// HPACK: method POST and scheme http stand in the static table, which ends at 61; what was entered
// last is 62, and so on.
const POST_HTTP: [u8; 2] = [0x83, 0x86];
const AUTHORITY: &[u8] = b"\x41\x04etcd";
const CONTENT_TYPE: &[u8] = b"\x5f\x10application/grpc";
const TE: &[u8] = b"\x40\x02te\x08trailers";
const ENTER_PATH: u8 = 0x44;
/// Authority, content type and `te` when one path was entered after them, and when two were.
const OTHERS_AFTER_ONE: [u8; 3] = [0xC2, 0xC0, 0xBF];
const OTHERS_AFTER_TWO: [u8; 3] = [0xC3, 0xC1, 0xC0];
const LOCK_HEADERS: [u8; 6] = [0x83, 0x86, 0xBF, 0xC3, 0xC1, 0xC0];
const UNLOCK_HEADERS: [u8; 6] = [0x83, 0x86, 0xBE, 0xC3, 0xC1, 0xC0];

/// How far the start has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Granting,
    Locking,
    Unlocking,
    Ready,
}

/// A place's request under way.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    /// 0 = none.
    stream: u32,
    step: Step,
    has_data: bool,
}

/// A connection to etcd.
#[derive(Debug)]
pub struct Etcd {
    connection: u32,
    http: Http2,
    start: Start,
    lock_body: Vec<u8>,
    unlock_body: Vec<u8>,
    places: Vec<UnderWay>,
}

impl Etcd {
    /// The connection of this number, for so many places.
    #[must_use]
    pub fn new(connection: u32, places: u16) -> Self {
        let idle = UnderWay {
            stream: 0,
            step: Step::Acquire,
            has_data: false,
        };
        Self {
            connection,
            http: Http2::default(),
            start: Start::Granting,
            lock_body: Vec::new(),
            unlock_body: Vec::new(),
            places: vec![idle; usize::from(places)],
        }
    }

    /// Puts the name into a prepared body and sends it.
    fn call(&mut self, place: u16, number: u32, step: Step, out: &mut Vec<u8>) {
        let (body, headers) = match step {
            Step::Acquire => (&mut self.lock_body, &LOCK_HEADERS),
            Step::Release => (&mut self.unlock_body, &UNLOCK_HEADERS),
        };
        body[KEY_AT..KEY_AT + KEY_BYTES].copy_from_slice(&key(number));
        let stream = self.http.request(headers, body, out);
        self.places[usize::from(place)] = UnderWay {
            stream,
            step,
            has_data: false,
        };
    }

    /// A message of the start.
    fn started(&mut self, came: Came<'_>, out: &mut Vec<u8>) -> Result<(), Broken> {
        match (self.start, came) {
            (Start::Granting, Came::Data(_, body)) => {
                let lease = lease_of(body).ok_or_else(|| Broken(quoted(body)))?;
                let own = OWN_KEYS_FROM + self.connection;
                self.lock_body = lock_body(own, lease);
                self.unlock_body = unlock_body(own, lease);
                self.start = Start::Locking;
                let headers = first_headers(LOCK_PATH, OTHERS_AFTER_ONE);
                self.http.request(&headers, &self.lock_body, out);
            }
            (Start::Locking, Came::Data(_, body)) => {
                let expected = &self.unlock_body[KEY_AT..];
                if !body.windows(expected.len()).any(|part| part == expected) {
                    return Err(Broken(format!("an unexpected key: {}", quoted(body))));
                }
                self.start = Start::Unlocking;
                let headers = first_headers(UNLOCK_PATH, OTHERS_AFTER_TWO);
                self.http.request(&headers, &self.unlock_body, out);
            }
            (Start::Unlocking, Came::Data(..)) => self.start = Start::Ready,
            // The end of an answer whose data moved the start on.
            (Start::Locking | Start::Unlocking, Came::End(_)) => {}
            (start, came) => return Err(Broken(format!("{came:?} while {start:?}"))),
        }
        Ok(())
    }

    /// What came of a place's request, if it is over.
    fn heard(&mut self, came: Came<'_>) -> Option<Answer> {
        let (Came::Data(stream, _) | Came::End(stream) | Came::Reset(stream, _)) = came;
        let is_it = |under_way: &UnderWay| under_way.stream == stream;
        // The end of the start's last answer belongs to no place.
        let index = self.places.iter().position(is_it)?;
        let under_way = &mut self.places[index];
        if let Came::Data(..) = came {
            under_way.has_data = true;
            return None;
        }
        under_way.stream = 0;
        let outcome = match (came, under_way.step) {
            (Came::Reset(_, reason), _) => Outcome::Failed(format!("stream reset: {reason}")),
            _ if !mem::take(&mut under_way.has_data) => {
                Outcome::Failed("an answer without a message".to_owned())
            }
            (_, Step::Acquire) => Outcome::Got,
            (_, Step::Release) => Outcome::Released,
        };
        let place = u16::try_from(index).expect("places are numbered by u16");
        Some(Answer { place, outcome })
    }
}

/// The header block that enters a path.
fn first_headers(path: &str, others: [u8; 3]) -> Vec<u8> {
    let mut headers = POST_HTTP.to_vec();
    enter_path(path, &mut headers);
    headers.extend_from_slice(&others);
    headers
}

fn enter_path(path: &str, headers: &mut Vec<u8>) {
    headers.push(ENTER_PATH);
    headers.push(u8::try_from(path.len()).expect("a short path"));
    headers.extend_from_slice(path.as_bytes());
}

/// A message with gRPC's prefix.
fn prefixed(message: &[u8]) -> Vec<u8> {
    let mut body = vec![0];
    let length = u32::try_from(message.len()).expect("a short message");
    body.extend_from_slice(&length.to_be_bytes());
    body.extend_from_slice(message);
    body
}

/// LockRequest: name = 1, lease = 2.
fn lock_body(number: u32, lease: u64) -> Vec<u8> {
    let mut message = text_field(&key(number));
    message.push(0x10);
    let mut rest = lease;
    while rest > 0x7F {
        message.push(low_7(rest) | 0x80);
        rest >>= 7;
    }
    message.push(low_7(rest));
    prefixed(&message)
}

/// UnlockRequest: key = 1.
fn unlock_body(number: u32, lease: u64) -> Vec<u8> {
    let mut name = key(number).to_vec();
    name.extend_from_slice(format!("/{lease:x}").as_bytes());
    prefixed(&text_field(&name))
}

/// Field 1, bytes.
fn text_field(text: &[u8]) -> Vec<u8> {
    let mut field = vec![0x0A, u8::try_from(text.len()).expect("a short name")];
    field.extend_from_slice(text);
    field
}

fn low_7(number: u64) -> u8 {
    u8::try_from(number & 0x7F).expect("seven bits")
}

/// LeaseGrantResponse: header = 1, ID = 2.
fn lease_of(body: &[u8]) -> Option<u64> {
    let mut rest = body.get(PREFIX_BYTES..)?;
    while let Some((tag, after)) = rest.split_first() {
        let (value, bytes) = varint(after)?;
        match tag {
            0x10 => return Some(value),
            // A field of bytes: its length stands before it.
            tag if tag & 7 == 2 => {
                let length = usize::try_from(value).ok()?;
                rest = after.get(bytes.checked_add(length)?..)?;
            }
            tag if tag & 7 == 0 => rest = after.get(bytes..)?,
            _ => return None,
        }
    }
    None
}

/// A number and its bytes.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

impl Dialect for Etcd {
    fn greet(&mut self, out: &mut Vec<u8>) {
        self.http.greet(out);
        let mut headers = POST_HTTP.to_vec();
        headers.extend_from_slice(AUTHORITY);
        enter_path(LEASE_PATH, &mut headers);
        headers.extend_from_slice(CONTENT_TYPE);
        headers.extend_from_slice(TE);
        let grant = prefixed(&[0x08, LEASE_SECONDS]);
        self.http.request(&headers, &grant, out);
    }

    fn ready(&self) -> bool {
        self.start == Start::Ready
    }

    fn acquire(&mut self, place: u16, key: u32, _asking: Asking, out: &mut Vec<u8>) {
        self.call(place, key, Step::Acquire, out);
    }

    fn release(&mut self, place: u16, key: u32, out: &mut Vec<u8>) {
        self.call(place, key, Step::Release, out);
    }

    fn parse(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        answers: &mut Vec<Answer>,
    ) -> Result<usize, Broken> {
        let mut taken = 0;
        while let Some((came, end, length)) = self.http.parse(&bytes[taken..], out)? {
            for came in came.into_iter().chain(end) {
                match self.start {
                    Start::Ready => answers.extend(self.heard(came)),
                    _ => self.started(came, out)?,
                }
            }
            taken += length;
        }
        if self.http.is_overdrawn() {
            return Err(Broken("more was sent than the peer's window".to_owned()));
        }
        Ok(taken)
    }
}
