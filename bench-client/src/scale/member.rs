//! One session of a scenario: who it is, and the frames that it says and hears. Pure.

use locker_protocol::{
    Acquire, Close, FRAME_BYTES_MAX, FromServer, HelloOk, LEASE_SESSION, Mode, OnDisconnect, Ping,
    Release, Renew, RequestId, split_frame,
};

use crate::greeting::{open_session, reopen_session, resume_session};

const FRAME_MAX: u32 = 65_536;
const _: () = assert!(FRAME_MAX as usize == FRAME_BYTES_MAX);

/// The client's side of one session: its identity, and the count of its requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Member {
    session_id: u64,
    secret: [u8; 16],
    attach: u32,
    /// Counts requests over all seats: sequences may skip.
    sequence: u64,
}

/// What an acquire asks besides its key.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// Names the hold or waiter within its session and key.
    pub owner: u64,
    /// As on the wire: 0 = do not queue.
    pub wait_ms: u32,
    /// As on the wire: 0 = as long as the session.
    pub lease_ms: u32,
}

impl Ask {
    /// A try for a hold that lives as long as its session.
    #[must_use]
    pub const fn plain(owner: u64) -> Self {
        Self {
            owner,
            wait_ms: 0,
            lease_ms: LEASE_SESSION,
        }
    }
}

impl Member {
    /// Opens a session; TTL in milliseconds, 0 = the server's default.
    pub fn open(&mut self, ttl_ms: u32, on_disconnect: OnDisconnect, out: &mut Vec<u8>) {
        let id = self.id(0);
        open_session(id, ttl_ms, on_disconnect, out);
    }

    /// Opens a new session after a restart of the server, to reclaim what the old one held.
    pub fn reopen(&mut self, ttl_ms: u32, out: &mut Vec<u8>) {
        let id = self.id(0);
        reopen_session(id, ttl_ms, out);
    }

    /// Resumes its session.
    pub fn resume(&mut self, out: &mut Vec<u8>) {
        let id = self.id(0);
        self.attach += 1;
        resume_session(id, self.session_id, self.secret, self.attach, out);
    }

    /// HelloOk came.
    pub fn welcomed(&mut self, ok: &HelloOk<'_>) {
        self.session_id = ok.session_id;
        self.secret = ok.secret;
        self.attach = ok.attach;
    }

    /// Asks for an exclusive hold, on a seat that carries no request.
    pub fn acquire(&mut self, seat: u16, key: &[u8], ask: Ask, out: &mut Vec<u8>) -> u64 {
        let id = self.id(seat);
        let acquire = Acquire {
            owner: ask.owner,
            wait_ms: ask.wait_ms,
            lease_ms: ask.lease_ms,
            permits: 0,
            limit: 0,
            mode: Mode::Exclusive,
            resize: false,
            key,
            metadata: &[],
        };
        acquire.encode(id, out);
        id
    }

    /// Ends a hold.
    pub fn release(&mut self, seat: u16, key: &[u8], owner: u64, token: u64, out: &mut Vec<u8>) {
        let id = self.id(seat);
        Release { owner, token, key }.encode(id, out);
    }

    /// Asks whether a hold still stands, and moves its deadline; `lease_ms` as on the wire.
    pub fn renew(
        &mut self,
        seat: u16,
        key: &[u8],
        (owner, token): (u64, u64),
        lease_ms: u32,
        out: &mut Vec<u8>,
    ) {
        let id = self.id(seat);
        let renew = Renew {
            owner,
            token,
            lease_ms,
            key,
        };
        renew.encode(id, out);
    }

    /// Says that it lives.
    pub fn ping(&mut self, out: &mut Vec<u8>) {
        let id = self.id(0);
        Ping.encode(id, out);
    }

    /// Ends the session.
    pub fn close(&mut self, seat: u16, out: &mut Vec<u8>) {
        let id = self.id(seat);
        Close.encode(id, out);
    }

    /// An id for a request that is encoded elsewhere.
    pub fn id(&mut self, seat: u16) -> u64 {
        self.sequence += 1;
        let sequence = self.sequence;
        RequestId { seat, sequence }.pack()
    }
}

/// The seat of an answer.
#[must_use]
pub const fn seat_of(request_id: u64) -> u16 {
    RequestId::unpack(request_id).seat
}

/// The first frame of `bytes`: its request id, its message, its length; none if it is not whole.
///
/// # Errors
/// How it breaks the protocol.
pub fn next_frame(bytes: &[u8]) -> Result<Option<(u64, FromServer<'_>, usize)>, String> {
    let split = split_frame(bytes, FRAME_MAX).map_err(|error| error.to_string())?;
    let Some((frame, length)) = split else {
        return Ok(None);
    };
    let message = FromServer::decode(&frame).map_err(|error| error.to_string())?;
    Ok(Some((frame.header.request_id, message, length)))
}

/// Hands each whole frame of `bytes` to `each`, with its request id; tells how many bytes that
/// took.
///
/// # Errors
/// How one breaks the protocol; those before it were handed on.
pub fn take_frames(
    bytes: &[u8],
    mut each: impl FnMut(u64, FromServer<'_>),
) -> Result<usize, String> {
    let mut taken = 0;
    while let Some((request_id, message, length)) = next_frame(&bytes[taken..])? {
        taken += length;
        each(request_id, message);
    }
    Ok(taken)
}

/// The key of a number, as long as keys usually are.
#[must_use]
pub fn key_of(kind: u8, number: u32) -> [u8; 32] {
    let mut key = *b"scale/?/............/...........";
    key[6] = kind;
    for (place, byte) in key[8..20].iter_mut().enumerate() {
        let shift = 44 - 4 * u32::try_from(place).expect("below 12");
        let digit = u8::try_from(u64::from(number) >> shift & 15).expect("4 bits");
        *byte = b"0123456789abcdef"[usize::from(digit)];
    }
    key
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use locker_protocol::{Granted, Reply};

    #[test]
    fn keys_of_different_numbers_differ() {
        assert_eq!(&key_of(b'a', 0x1f), b"scale/a/00000000001f/...........");
        assert_ne!(key_of(b'a', u32::MAX), key_of(b'b', u32::MAX));
    }

    #[test]
    fn a_frame_is_heard_once_it_is_whole() {
        let id = Member::default().id(7);
        let mut bytes = Vec::new();
        let granted = Granted {
            token: 5,
            until: 0,
            server_now: 1,
        };
        granted.encode(id, &mut bytes);
        assert!(next_frame(&bytes[..bytes.len() - 1]).unwrap().is_none());
        let (request_id, message, length) = next_frame(&bytes).unwrap().unwrap();
        assert_eq!((seat_of(request_id), length), (7, bytes.len()));
        assert_eq!(message, FromServer::Reply(Reply::Granted(granted)));
    }
}
